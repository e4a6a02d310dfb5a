"""The command as a user meets it: what it returned, what it printed, and what it left on the disk."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Command", "Outcome", "everything_in", "four_parts", "process"]

_FOUR_PARTS = re.compile(r"synarray: (?P<rule>.+?): got (?P<got>.+) \((?P<where>.+?)\)\. (?P<do>.+)")


@dataclass(frozen=True)
class Outcome:
    """Exit status and the two streams of one command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as one JSON object, read strictly: nothing before or after it, no NaN, no Infinity."""
        found = json.loads(self.out, parse_constant=_refuse)
        assert isinstance(found, dict)
        return found


Command = Callable[..., Outcome]


def process(*arguments: str, folder: Path, **environment: str) -> Outcome:
    """Run the installed command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "synarray", *arguments], cwd=folder, capture_output=True, encoding="utf-8",
        env={**os.environ, **environment}, timeout=300, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def everything_in(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content, and every folder with None."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def four_parts(done: Outcome) -> re.Match[str]:
    """Check how a command refused, and split its message."""
    assert (done.status, done.out) == (2, "")
    assert "Traceback" not in done.err
    last = done.err.splitlines()[-1]
    assert last.startswith("synarray: ")
    assert last.count(": got ") == 1, last
    message = _FOUR_PARTS.fullmatch(last)
    assert message, last
    assert not re.search(r"constrained|NoneType|[A-Z][a-z]+Spec\b", last), last  # words of the program, not of the user
    return message


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
