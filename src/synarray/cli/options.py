"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synarray.errors import RunError

__all__ = ["Json", "Settings", "file_option", "folder_option"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else there.")]


def _folder(text: str) -> Path:
    if not text:
        raise RunError(
            "the folder for results must have a name", got="none", where="--out", do="Give a folder with --out."
        )
    return Path(text)


def folder_option(meaning: str) -> Any:
    """Make an option that takes a folder."""
    return typer.Option(parser=_folder, metavar="DIR", help=meaning)


Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the experiment; may be repeated."),
]


def file_option(meaning: str, metavar: str = "FILE") -> Any:
    """Make the option that takes the file to write."""
    return typer.Option("-o", "--output", metavar=metavar, help=meaning)
