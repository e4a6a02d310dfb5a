"""Follow a page as a reader does: each of its files, programs and commands in an empty folder, its printed output compared.

    python scripts/follow.py                     README, Start here and every how-to: some minutes
    python scripts/follow.py docs/howto/port.md

A block whose first line is ``# NAME`` becomes that file, as TOML does. Other programs are run, and every line of a block of shell
commands. In a block of text ``$ COMMAND`` is run. What a page shows below must be printed in this order; ``...`` is for anything.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LEFT_OUT = {
    "pip install": "it changes this Python: tests/doors/test_wheel.py installs",
    "make reproduce": "minutes of trainings",
    "dask": "it needs a cluster",
    "tcp://HOST": "it needs a cluster",
}
"""Commands that are not run, and why."""
PATIENCE = 600.0
STUDIO = 60.0
"""Seconds after which a command that serves until Ctrl-C gets it."""


class Block(NamedTuple):
    """A block of a page: its language, its text, and the line that it begins at."""

    language: str
    text: str
    line: int


def blocks_of(page: str) -> list[Block]:
    """List the blocks of a page."""
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.S | re.M)
    return [Block(each[1], each[2], page.count("\n", 0, each.start()) + 1) for each in found]


def run(command: str, folder: Path) -> tuple[int, str]:
    """Run a command in a folder, as long as it lasts; return its status and all that it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "MPLBACKEND": "agg", "COLUMNS": "100000"}
    serves = command.startswith("synarray studio")
    command = f"exec {command} --no-browser" if serves else command
    process = subprocess.Popen(
        command, shell=True, cwd=folder, env=environment, encoding="utf-8", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(timeout=STUDIO if serves else PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT if serves else signal.SIGKILL)
        printed, _ = process.communicate()
        return 0 if serves else 1, printed
    return process.returncode, printed


def differences(shown: str, printed: str) -> list[str]:
    """List what a page shows and a command did not print, in this order; spaces and ends of lines do not count."""
    rest, missing = " ".join(printed.split()), []
    for part in re.split(r"\.\.\.\s|\.\.\.$|\n", shown):
        words = " ".join(part.split())
        if words in rest:
            rest = rest[rest.index(words) + len(words) :]
        else:
            missing.append(words)
    return missing


def follow(page: Path, folder: Path) -> list[str]:
    """Follow one page in a folder; return what did not come out as the page says."""
    wrong, printed, skipped = [], "", False
    text = page.read_text("utf-8")
    for command in re.findall(r"No data yet\? `(.*?)`", text):
        wrong += _failed(page, 1, command, *run(command, folder))
    for language, code, line in blocks_of(text):
        named = re.match(r"# ([\w-]+\.\w+)\n", code)
        if named or language == "toml":
            name = named[1] if named else re.findall(r'^name = "(.*?)"', code, re.M)[0] + ".toml"
            (folder / name).write_text(code, "utf-8")
        elif language == "python":
            (folder / "program.py").write_text(code, "utf-8")
            status, printed = run("python program.py", folder)
            skipped = False
            wrong += _failed(page, line, "the program", status, printed)
        elif language == "sh" or code.startswith("$ "):
            for command, shown in _commands(language, code):
                skipped = any(part in command for part in LEFT_OUT)
                status, printed = (0, "") if skipped else run(command, folder)
                wrong += _failed(page, line, command, status, printed)
                wrong += [] if skipped else _unprinted(page, line, shown, printed)
        elif language == "text" and not skipped:
            wrong += _unprinted(page, line, code, printed)
    return wrong


def _commands(language: str, code: str) -> list[tuple[str, str]]:
    """Split a block into its commands, each with the output that the page shows."""
    if language == "sh":
        return [(command, "") for line in code.splitlines() if (command := line.split("  #")[0].strip())]
    return [(command.strip(), shown) for command, _, shown in (part.partition("\n") for part in code.split("$ ")[1:])]


def _failed(page: Path, line: int, command: str, status: int, printed: str) -> list[str]:
    return [f"{page.name}:{line}: {command} ended with status {status}: {printed[-300:]}"] if status else []


def _unprinted(page: Path, line: int, shown: str, printed: str) -> list[str]:
    return [f"{page.name}:{line}: not printed: {each}" for each in differences(shown, printed)]


def main() -> None:
    """Follow the pages and print what did not come out; exit with 1 if anything did not."""
    pages = [Path(name) for name in sys.argv[1:]] or [
        ROOT / "README.md", ROOT / "docs" / "start.md", *sorted((ROOT / "docs" / "howto").glob("*.md")),
    ]  # fmt: skip
    wrong = []
    for page in pages:
        with tempfile.TemporaryDirectory(prefix="synarray-follow-") as folder:
            wrong += follow(page, Path(folder))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(pages)} pages followed: {len(wrong)} differences")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
