"""Plain English: what users read (help, errors, tables, pages, packaged files) holds none of the words of a private dialect."""

from __future__ import annotations

import ast
import re
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
DIALECT = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)
NOT_YET: set[str] = set()
"""Files that are not clean yet, from ``src/synarray``; nothing may be added."""


def dialect_in(text: str) -> list[str]:
    """Words of the dialect in a text; a single identifier, such as the name of an array, is none."""
    return [] if text.isidentifier() and text.islower() else DIALECT.findall(text)


def strings_of(file: Path) -> Iterator[tuple[int, str]]:
    """Every string of a program but its docstrings, with its line."""
    tree = ast.parse(file.read_text("utf-8"))
    statements = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in statements:
            yield node.lineno, node.value


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
    """Strings of programs (errors, tables, figures, notes), templates of pages, packaged devices, experiments and studies."""
    wrong, dirty = [], set()
    for file in sorted(SOURCES.rglob(f"*.{kind}")):
        name = file.relative_to(SOURCES).as_posix()
        texts = strings_of(file) if kind == "py" else enumerate(file.read_text("utf-8").splitlines(), 1)
        found = [
            f"{name}:{line}: {dialect_in(text)} in {text.strip()[:90]!r}" for line, text in texts if dialect_in(text)
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
