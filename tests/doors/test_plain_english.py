"""Plain English: what people read (help, errors, pages, packaged files, docstrings) has no word of a private dialect."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

import synarray
from synarray.cli.app import app

SOURCES = Path(synarray.__file__).parent
INSTEAD = {
    r"told": "reported, said, printed",
    r"anew": "again",
    r"stands?|stood": "is, is in, means",
    r"(?:go(?:es|ne)?|went|going) on": "resumes, continues",
    r"what (?:it|that|they) took|what it came to": "cost, result",
    r"(?:comes?|came) to|comes? out as": "is, gives, amounts to",
    r"by and by": "later",
    r"vouch\w*|nobody|no one": "unverified, unconfirmed",
    r"feels?|felt": "is affected by",
    r"for ever": "without end, no limit",
    r"(?:the way )?there and back": "round trip, cycle",
    r"in the making": "in progress",
    r"beware": "warning",
    r"rightly": "correctly",
    r"spare[sd]?": "saved",
    r"chance": "probability",
    r"dear": "costly",
    r"takes? the place": "replaces",
    r"wanting": "missing",
    r"at hand": "available",
}
"""Words of the dialect, and what plain English has for them."""
DIALECT = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b".replace(" ", r"\s+"), re.IGNORECASE)
NAME = re.compile(r"``[^`\n]*``|^ *\w+(?:, \w+)*(?= : )", re.MULTILINE)
"""Names in a docstring: in double backticks, or of parameters as numpydoc lists them; they are no words."""
NOT_YET: set[str] = set()
"""Files that are not clean yet, from ``src/synarray``; nothing may be added."""


def dialect_in(text: str) -> list[str]:
    """Words of the dialect in a text; a single identifier, such as the name of an array, is none."""
    return [] if text.isidentifier() and text.islower() else DIALECT.findall(text)


def texts_of(program: str) -> Iterator[tuple[int, str]]:
    """Every string, docstring and comment of a program, with its line."""
    tree = ast.parse(program)
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, NAME.sub("(name)", node.value) if node in docstrings else node.value
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], NAME.sub("(name)", token.string)


def commands(command: click.Command, path: str = "synarray") -> Iterator[tuple[str, click.Command]]:
    """All commands and groups, by what is typed."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


def test_help_is_plain_and_says_something_of_every_argument() -> None:
    found = dict(commands(typer.main.get_command(app)))
    assert {"synarray train", "synarray device judge", "synarray study run", "synarray array show"} <= set(found)
    for path, command in found.items():
        assert command.help, path
        texts = [command.help, *(getattr(each, "help", "") or "" for each in command.params)]
        assert not [word for text in texts for word in dialect_in(text)], (path, texts)
        for each in command.params:
            assert getattr(each, "help", None), (path, each.name)


@pytest.mark.parametrize("kind", ["py", "html", "toml", "js"])
def test_texts_are_plain(kind: str) -> None:
    """Strings, docstrings and comments of programs; templates of pages, packaged devices, experiments and studies."""
    wrong, dirty = [], set()
    for file in sorted(SOURCES.rglob(f"*.{kind}")):
        name = file.relative_to(SOURCES).as_posix()
        content = file.read_text("utf-8")
        texts = texts_of(content) if kind == "py" else enumerate(content.splitlines(), 1)
        found = [
            f"{name}:{line}: {words} in {text.strip()[:90]!r}" for line, text in texts if (words := dialect_in(text))
        ]
        dirty |= {name} if found else set()
        wrong += found if name not in NOT_YET else []
    assert not wrong, "\n".join([f"instead: {INSTEAD}", *wrong])
    assert not {name for name in NOT_YET - dirty if name.endswith(kind)}, "clean by now: take them off the list"


def test_the_words_are_found() -> None:
    for text in (
        "it is told anew",
        "what it took",
        "the run goes on from here",
        "Nobody has confirmed it",
        "It stands there.",
    ):
        assert dialect_in(text), text
    for text in (
        "spared_fraction",
        "standard deviation",
        "a standing wave",
        "the run is resumed",
        "feeling",
        "outstanding",
    ):
        assert not dialect_in(text), text


PLANTED = '''
"""A module."""

def fire(chance):
    """Fire with a probability; ``chance`` is a name.

    Parameters
    ----------
    chance, told : array of numbers
        The probability.
    """
    return chance  # plain, as ``told`` is a name
'''


@pytest.mark.parametrize(
    ("plain", "dialect", "found"),
    [
        ("A module.", "It is told.", ["told"]),
        ("Fire with", "Fire by chance with", ["chance"]),
        ("a name.", "a name; the run goes\n    on.", ["goes\n    on"]),  # over the end of a line
        ("array of numbers", "array told", ["told"]),  # the type of a parameter
        ("        The prob", "        Stands for the prob", ["Stands"]),
        ("# plain", "# nobody looks", ["nobody"]),
        ("return chance", "return 'by chance'", ["chance"]),
    ],
)
def test_the_words_are_found_in_docstrings_comments_and_strings(plain: str, dialect: str, found: list[str]) -> None:
    assert PLANTED.count(plain) == 1
    assert not [word for _, text in texts_of(PLANTED) for word in dialect_in(text)]
    assert [word for _, text in texts_of(PLANTED.replace(plain, dialect)) for word in dialect_in(text)] == found
