"""Hostile files against the real commands: each case runs in a child with limits, and every outcome is judged.

An outcome is right when the command gave a result (exit 0) or refused in four parts (exit 2), within its time and memory,
wrote nothing outside its folder, ran no program, opened no pickle and left every file it was given as it was.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from slowness import times_slower

__all__ = ["MOST_BYTES", "MOST_SECONDS", "Runner", "Verdict"]

MOST_SECONDS = 5.0
"""Processor time in which a file is answered, longer where the processor is throttled; a command that has accepted it may compute
for as long as it is asked to."""
MOST_BYTES = 1 << 30
"""Growth of the address space that any file of the suite may cause."""
_FOUR_PARTS = re.compile(r"synarray: (?P<rule>.+?): got (?P<got>.*) \((?P<where>.+?)\)\. (?P<do>.+)")


@dataclass(frozen=True)
class Verdict:
    """What one command did."""

    status: int
    seconds: float
    address: int
    """Growth of the address space, bytes."""
    resident: int
    out: str
    err: str
    problems: tuple[str, ...]
    """Why this is no right outcome; empty: it is one."""

    @property
    def message(self) -> str:
        """The last line for people."""
        return self.err.strip().rpartition("\n")[2]


class Runner:
    """A process that has everything loaded and forks for each case."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, encoding="utf-8", env={**os.environ, "COLUMNS": "120", "MPLBACKEND": "agg"},
        )  # fmt: skip
        assert self._answer().get("ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def run(self, folder: Path, *arguments: str, slow: bool = False, spent: str = "") -> Verdict:
        """Run ``synarray ARGUMENTS`` in a folder.

        Parameters
        ----------
        folder : Path
        *arguments : str
        slow : bool
            Once it has accepted its files it may compute as long as it likes, up to the limit.
        spent : str
            A folder in this one that the command may change and remove.
        """
        before = _inventory(folder)
        assert self._server.stdin is not None
        print(json.dumps({"folder": str(folder), "arguments": arguments}), file=self._server.stdin, flush=True)
        told = self._answer()
        streams = [folder.with_name(f"{folder.name}.{end}") for end in ("out", "err")]
        out, err = (stream.read_text("utf-8", "replace") if stream.exists() else "" for stream in streams)
        for stream in streams:
            stream.unlink(missing_ok=True)
        now = _inventory(folder)
        problems = [*_judge(told, out, err, slow)]
        own = str(folder / spent)
        kept = {name: what for name, what in before.items() if not spent or not name.startswith(own)}
        problems += [f"changed {name!r}" for name, what in kept.items() if now.get(name) != what]
        return Verdict(told["status"], told["seconds"], told["address"], told["resident"], out, err, tuple(problems))

    def _answer(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer


def _judge(told: dict[str, Any], out: str, err: str, slow: bool) -> list[str]:
    last = err.strip().rpartition("\n")[2]
    problems = list(told["forbidden"])
    begun = slow and (
        " images of " in err or told["status"] == 0
    )  # the file was accepted: the rest is what it asked for
    if begun and told["status"] == -9:
        return problems
    if told["status"] < 0:
        problems.append(f"ended by signal {-told['status']} after {told['seconds']:.1f} s")
    elif told["status"] not in (0, 2):
        problems.append(f"exit status {told['status']}: {last[:200]}")
    elif told["status"] == 2:
        if not _FOUR_PARTS.fullmatch(last) or "Traceback" in err:
            problems.append(f"not four parts: {err[-300:]!r}")
        if out:
            problems.append(f"refused, but printed {out[:80]!r}")
    if any(not (mark.isprintable() or mark in "\n\r\t") and mark != "\x1b" for mark in err) or "\x1b" in last:
        problems.append(f"unprintable: {last[-200:]!r}")
    if out.startswith("{"):
        try:
            json.loads(out, parse_constant=lambda constant: int(constant))
        except ValueError as error:
            problems.append(f"no JSON: {error}")
    if any(not (mark.isprintable() or mark in "\n\t") for mark in out):
        problems.append(f"unprintable on standard output: {out[:400]!r}")
    if told["seconds"] > MOST_SECONDS and not begun and told["seconds"] > (most := MOST_SECONDS * times_slower()):
        problems.append(f"took {told['seconds']:.1f} s, {most:.1f} s are allowed")
    if told["address"] > MOST_BYTES and not begun:
        problems.append(f"took {told['address'] / 2**20:,.0f} MB of address space")
    return problems


def _inventory(folder: Path) -> dict[str, tuple[int, ...] | bytes | str]:
    """List what is there: content of small files, size of large ones, kind of all else."""
    found: dict[str, tuple[int, ...] | bytes | str] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place) / name
            if path.is_symlink():
                found[str(path)] = str(path.readlink())
            elif path.is_file():
                status = path.stat()
                found[str(path)] = (
                    path.read_bytes() if status.st_size < 1 << 20 else (status.st_size, status.st_mtime_ns)
                )
            else:
                found[str(path)] = (path.stat().st_mode,)
    return found
