"""Files of parameters cut into the devices that stand in them: constructors of C++, classes and calls of Python, JSON, INI.

Only the text is cut; what a value means is left to who asks for it. A file may hold many devices, so that a name alone says
nothing: ``maxConductance`` stands in six constructors of NeuroSim's Cell.cpp.
"""

from __future__ import annotations

import json
import re
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


# C and C++

_C_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_CONSTRUCTOR = re.compile(r"\b([A-Za-z_]\w*)\s*::\s*\1\s*\(")
_C_ASSIGNMENT = re.compile(
    r"\s*(?:this\s*->\s*|(?:const\s+)?(?:double|float|int|bool|unsigned)\s+)?([A-Za-z_]\w*)\s*=(?!=)\s*(.*)", re.DOTALL
)
_IF = re.compile(r"\s*(?:else\s+)?if\s*\(\s*(!?)\s*([A-Za-z_]\w*)\s*\)\s*")


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def c_sections(text: str) -> list[Section]:
    """Return the constructors of a file in C++; assignments in other functions are no parameters."""
    bare, at, sections = _C_COMMENT.sub(_blank, text), 0, []
    while (head := _CONSTRUCTOR.search(bare, at)) is not None:
        opening = re.compile(r"[{;]").search(bare, head.end())
        if opening is None:
            break
        at = opening.end()
        if opening[0] == "{":
            at = _closing(bare, at)
            body = slice(opening.end(), at)
            sections.append(Section(head[1], _c_values(bare[body]), (), text[body]))
    return sections


def _closing(text: str, at: int) -> int:
    depth = 1
    for brace in re.compile(r"[{}]").finditer(text, at):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return len(text)


def _c_values(body: str) -> dict[str, str]:
    """Take the assignments of a constructor; those after ``if (flag)`` where the constructor has set the flag."""
    values: dict[str, str] = {}
    runs: list[bool] = [True]
    last: bool | None = None  # what the condition before an else was
    at = 0
    for mark in re.finditer(r"[{};]", body):
        piece, at = body[at : mark.start()], mark.end()
        if mark[0] == "{":
            last = _condition(piece, values, last)
            runs.append(runs[-1] and last is True)
            continue
        found = _C_ASSIGNMENT.fullmatch(piece)
        if found and runs[-1]:
            values[found[1]] = " ".join(found[2].split())
        if mark[0] == "}" and len(runs) > 1:
            runs.pop()
    return values


def _condition(head: str, values: dict[str, str], last: bool | None) -> bool | None:
    """Whether a block runs; None where the text alone does not say."""
    if head.split() == ["else"]:
        return None if last is None else not last
    found = _IF.fullmatch(head)
    flag = {"true": True, "1": True, "false": False, "0": False}.get(values.get(found[2], "")) if found else None
    return None if flag is None or found is None else flag != bool(found[1])


# Python

_PYTHON_COMMENT = re.compile(
    r"[rRbBuUfF]{0,2}(\"\"\"|''').*?(?:\1|\Z)|#[^\n]*|(\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?)", re.DOTALL
)
_CLASS = re.compile(r"([ \t]*)class\s+([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*:")
_FIELD = re.compile(r"\s*([A-Za-z_]\w*)\s*(?::([^=]*))?=(?!=)\s*(.*)", re.DOTALL)
_DEFAULT = re.compile(r"(?:dataclasses\s*\.\s*)?field\s*\(\s*default(?:_factory)?\s*=\s*(?:lambda\s*:\s*)?")
_MARK = re.compile(r"[()\[\]{},;\n]")
_CALL = re.compile(r"(?<![\w.])([A-Za-z_][\w.]*)\s*(\(|=(?!=)\s*)|[()]")


def python_sections(text: str, mark: str) -> list[Section]:
    """Return the classes of a file in Python that have a field, else the calls that give it; what they inherit included."""
    bare = _PYTHON_COMMENT.sub(lambda found: found[2] or _blank(found), text)
    classes: dict[str, Section] = {}
    lines = bare.split("\n")
    starts = [(i, found) for i, line in enumerate(lines) if (found := _CLASS.match(line))]
    ends = [*(i for i, _ in starts), len(lines)][1:]
    for (start, found), end in zip(starts, ends, strict=True):
        bases = [name.strip().rpartition(".")[2] for name in (found[3] or "").split(",") if name.strip()]
        known = [classes[name] for name in bases if name in classes]
        values: dict[str, str] = {}
        for base in reversed(known):
            values |= base.values
        values |= _fields(lines[start + 1 : end], len(found[1].expandtabs()))
        family = (*bases, *(name for base in known for name in base.family))[:100]
        classes[found[2]] = Section(found[2], values, family)
    return [section for section in classes.values() if mark in section.values] or _calls(bare, mark)


def _fields(lines: list[str], margin: int) -> dict[str, str]:
    """Take the fields of a class: assignments as deep as its first line, brackets closed."""
    values, depth, statement = {}, 0, ""
    indents = [len(line.expandtabs()) - len(line.expandtabs().lstrip()) if line.strip() else -1 for line in lines]
    mine = next((indent for indent in indents if indent >= 0), -1)
    for line, indent in zip(lines, indents, strict=True):
        if not depth:
            if 0 <= indent <= margin:
                break
            if indent != mine:
                continue
            statement = ""
        statement += line + "\n"
        depth = max(depth + sum(map(line.count, "([{")) - sum(map(line.count, ")]}")), 0)
        found = None if depth else _FIELD.fullmatch(statement)
        if found and "ClassVar" not in (found[2] or ""):
            default = _DEFAULT.match(found[3])
            value = _value(found[3], default.end()) if default else found[3]
            values[found[1]] = " ".join(value.split())
    return values


def _value(text: str, at: int, longest: int = 250) -> str:
    """Return the text to the comma or bracket that ends an argument."""
    depth, end = 0, min(len(text), at + longest)
    for mark in _MARK.finditer(text, at, end):
        depth += (mark[0] in "([{") - (mark[0] in ")]}")
        if depth < 0 or (depth == 0 and mark[0] in ",;\n"):
            return text[at : mark.start()]
    return text[at:end]


def _calls(bare: str, mark: str) -> list[Section]:
    """Return the calls that give a keyword, and what is assigned outside of all."""
    frames: list[tuple[str, dict[str, str]]] = [("", {})]
    done: list[tuple[str, dict[str, str]]] = []
    for found in _CALL.finditer(bare):
        if found[0][-1] == "(":
            frames.append(((found[1] or "").rpartition(".")[2], {}))
        elif found[0] == ")":
            if len(frames) > 1:
                done.append(frames.pop())
        else:
            frames[-1][1][found[1].rpartition(".")[2]] = _value(bare, found.end()).strip()
    done += frames[1:][::-1]  # brackets that do not close
    sections: list[Section] = []
    for name, values in done:
        if mark in values:
            count = sum(section.family == (name,) for section in sections)
            sections.append(Section(f"{name}-{count + 1}" if count else name, values, (name,) if name else ()))
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


_HEADER = re.compile(r"\s*\[([^\]\n]+)\]\s*")
_KEY = re.compile(r"[A-Za-z_][\w.]*")


def ini_sections(text: str) -> list[Section]:
    """Return the sections of an INI file; values without the quotes around them."""
    sections, name = {"": Section("", {})}, ""
    for line in text.split("\n"):
        head = _HEADER.fullmatch(line)
        key, _, value = (part.strip() for part in line.partition("="))
        if head:
            name = head[1].strip()
            sections.setdefault(name, Section(name, {}))
        elif value and _KEY.fullmatch(key):
            sections[name].values[key] = value.strip("\"'").strip()
    return [section for section in sections.values() if section.values]


_COMMENTS = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|(?m:^[ \t]*[#;][^\n]*)", re.DOTALL)
_PLAIN = re.compile(
    r"[\"']?\b([A-Za-z_]\w*)[\"']?[ \t]*(?::[ \t]*[A-Za-z_][\w.]{0,40}(?:\[[^\]\n]{0,80}\])?[ \t]*=|[:=](?![:=]))[ \t]*"
)


def names_in(text: str) -> set[str]:
    """Return the names that a value stands behind."""
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
