"""Files of parameters cut into the devices that are in them: constructors of C++, classes and calls of Python, JSON, INI.

Only the text is cut; what a value means is left to who asks for it. A file may hold many devices, so that a name alone says
nothing: ``maxConductance`` is in six constructors of NeuroSim's Cell.cpp. Python's files are taken apart by :mod:`ast`, INI by
:mod:`configparser`, JSON by :mod:`json`; nothing is executed.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Section", "c_sections", "ini_sections", "json_sections", "names_in", "plain_section", "python_sections"]


@dataclass(frozen=True)
class Section:
    """One device of a file: the text of each value by its name."""

    name: str
    """Constructor, class, call, key or header; empty: the file itself."""
    values: dict[str, str]
    family: tuple[str, ...] = ()
    """Classes that it is one of, the nearest first."""
    text: str = field(default="", repr=False)
    """The text itself, with its comments."""
    twice: tuple[str, ...] = ()
    """Names that were given more than once; the last counts."""


# C and C++: NeuroSim's Cell.cpp

_C_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_CONSTRUCTOR = re.compile(r"\b([A-Za-z_]\w*)\s*::\s*\1\s*\([^;{]*([;{]|\Z)")
_C_PIECE = re.compile(
    r"(?P<end>\})|(?P<open>[^{};]*)\{"
    r"|\s*(?:this\s*->\s*|(?:const\s+)?(?:double|float|int|bool|unsigned)\s+)?(?P<name>[A-Za-z_]\w*)\s*=(?!=)(?P<value>[^{};]*);"
    r"|[^{};]*;|[^{};]+(?=\})"
)
_IF = re.compile(r"\s*(?:else\s+)?if\s*\(\s*(!?)\s*([A-Za-z_]\w*)\s*\)\s*")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def c_sections(text: str) -> list[Section]:
    """Return the constructors of a file in C++; assignments in other functions are no parameters."""
    bare = _C_COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return [_constructor(bare, text, head) for head in _CONSTRUCTOR.finditer(bare) if head[2] == "{"]


def _constructor(bare: str, text: str, head: re.Match[str]) -> Section:
    """Take the assignments of a constructor; those after ``if (flag)`` where the constructor has set the flag."""
    values: dict[str, str] = {}
    runs, last, at = [True], None, head.end()
    while runs and (piece := _C_PIECE.match(bare, at)) is not None:
        at = piece.end()
        if piece["end"]:
            runs.pop()
        elif piece["open"] is not None:
            last = _condition(piece["open"], values, last)
            runs.append(runs[-1] and last is True)
        elif piece["name"] and runs[-1]:
            values[piece["name"]] = " ".join(piece["value"].split())
    return Section(head[1], values, (), text[head.end() : at])


def _condition(head: str, values: dict[str, str], last: bool | None) -> bool | None:
    """Whether a block runs; None where the text alone does not say."""
    if head.split() == ["else"]:
        return None if last is None else not last
    found = _IF.fullmatch(head)
    flag = _FLAGS.get(values.get(found[2], "")) if found else None
    return None if flag is None or found is None else flag != bool(found[1])


# Python: aihwkit's presets


def python_sections(text: str, mark: str) -> list[Section]:
    """Return the classes of a file in Python that have a field, else the calls that give it; what they inherit included."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the file's own style
            tree = ast.parse(text)
        return _classes(tree, mark) or _calls(tree, mark)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _classes(tree: ast.Module, mark: str) -> list[Section]:
    classes: dict[str, Section] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            known = [classes[name] for name in bases if name in classes]
            values = {key: value for base in reversed(known) for key, value in base.values.items()}
            family = (*bases, *(name for base in known for name in base.family))[:100]
            classes[node.name] = Section(node.name, values | _assigned(node.body), family)
    return [section for section in classes.values() if mark in section.values]


def _assigned(body: list[ast.stmt]) -> dict[str, str]:
    """Return what is assigned to names in a class, or outside of all."""
    values = {}
    for statement in body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr() as value):
                if "ClassVar" not in ast.unparse(kind):
                    values[name] = ast.unparse(_default(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = ast.unparse(_default(value))
    return values


def _default(value: ast.expr) -> ast.expr:
    """Return what ``field(default=...)`` and ``field(default_factory=lambda: ...)`` mean."""
    if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field":
        for keyword in value.keywords:
            if keyword.arg in ("default", "default_factory"):
                return keyword.value.body if isinstance(keyword.value, ast.Lambda) else keyword.value
    return value


def _calls(tree: ast.Module, mark: str) -> list[Section]:
    """Return the calls that give a keyword, and what is assigned outside of all."""
    sections: list[Section] = []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        values = {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg}
        name = ast.unparse(call.func).rpartition(".")[2]
        if mark in values:
            count = sum(section.family == (name,) for section in sections)
            sections.append(Section(f"{name}-{count + 1}" if count else name, values, (name,)))
    return sections


# JSON, INI, and words with numbers behind them


def json_sections(text: str, marks: set[str]) -> list[Section]:
    """Return the objects that have one of some keys, in a text that is JSON; else none."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[Section] = []
    waiting: list[tuple[str, Any]] = [("", whole)]
    while waiting:
        name, value = waiting.pop()
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        if isinstance(value, dict) and marks & value.keys():
            values = {key: part if isinstance(part, str) else json.dumps(part) for key, part in value.items()}
            kind = value.get("class")
            found.append(Section(name, values, (kind,) if isinstance(kind, str) else (), text))
        else:
            waiting += reversed([(str(key), part) for key, part in parts])
    return found


def ini_sections(text: str) -> list[Section]:
    """Return the sections of an INI file; values without the quotes around them."""
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), strict=False, allow_no_value=True, default_section="\0"
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string("[ ]\n" + "\n".join(line.strip() for line in text.split("\n")))
    except configparser.Error:
        return []
    found = []
    for name in parser.sections():
        values = {key: value.strip("\"'").strip() for key, value in parser.items(name) if value}
        found += [Section(name.strip(), values)] if values else []
    return found


_COMMENTS = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|(?m:^[ \t]*[#;][^\n]*)", re.DOTALL)
_PLAIN = re.compile(
    r"[\"']?\b([A-Za-z_]\w*)[\"']?[ \t]*(?::[ \t]*[A-Za-z_][\w.]{0,40}(?:\[[^\]\n]{0,80}\])?[ \t]*=|[:=](?![:=]))[ \t]*"
)


def names_in(text: str) -> set[str]:
    """Return the names that a value is behind."""
    return {found[1] for found in _PLAIN.finditer(_COMMENTS.sub("", text))}


def plain_section(text: str) -> Section:
    """Take all names and values of a text as those of one device."""
    bare = _COMMENTS.sub("", text)
    found = list(_PLAIN.finditer(bare))
    values: dict[str, str] = {}
    twice = set()
    ends = [head.start() for head in found[1:]] + [len(bare)]
    for head, end in zip(found, ends, strict=True):
        value = re.split(r"[,;\n}]", bare[head.end() : min(end, head.end() + 250)], maxsplit=1)[0].strip()
        if value.count(")") > value.count("("):
            value = value.rstrip(") ") + ")" * value.count("(")
        if values.get(head[1], value) != value:
            twice.add(head[1])
        values[head[1]] = value
    return Section("", values, (), text, tuple(sorted(twice)))
