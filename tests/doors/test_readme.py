"""The README says what the package does: its Python example prints what stands below it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_python_example_prints_what_the_readme_shows() -> None:
    example, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README.read_text("utf-8"), re.S).groups()  # type: ignore[union-attr]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert printed.getvalue() == shown


def test_the_two_commands_exist() -> None:
    targets = re.findall(r"^(\w+):", (README.parent / "Makefile").read_text("utf-8"), re.M)
    assert {"reproduce", "test", "help", "bench", "lint"} <= set(targets)
