"""The documentation: tutorials run in an empty folder as they are, how-tos do what they say, and every page is in the site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import synarray

DOCS = Path(__file__).parents[2] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))
LONG = {"plot_1_device.py", "plot_5_study.py", "plot_6_layers.py", "plot_8_reward.py"}
"""Run only when the site is built."""


def _run(program: Path, folder: Path) -> str:
    environment = os.environ | {"MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, str(program)], cwd=folder, capture_output=True, encoding="utf-8", check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_tutorials() -> None:
    assert len(TUTORIALS) >= 5
    assert {path.name for path in TUTORIALS} > LONG


@pytest.mark.parametrize("tutorial", [path for path in TUTORIALS if path.name not in LONG], ids=lambda path: path.stem)
def test_a_tutorial_runs_in_an_empty_folder_as_it_is(tutorial: Path, tmp_path: Path) -> None:
    printed = _run(tutorial, tmp_path)
    percentages = [float(number) for number in re.findall(r"([\d.]+) ?%", printed)]
    assert percentages, printed
    assert max(percentages) > 80  # what a network learned, in every tutorial that trains one


HOWTOS = [
    (page, number)
    for page in sorted((DOCS / "howto").glob("*.md"))
    for number, _ in enumerate(re.findall(r"```python\n", page.read_text("utf-8")))
]


@pytest.mark.parametrize(("page", "number"), HOWTOS, ids=lambda value: getattr(value, "stem", str(value)))
def test_a_howtos_program_runs(page: Path, number: int, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)[number], "utf-8")
    printed = _run(program, tmp_path)
    if page.stem == "port":
        won, windows = map(int, re.findall(r"\d+", printed)[1:])
        assert won < windows / 10


def test_the_device_of_the_howto_is_a_device(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "howto" / "device.md").read_text("utf-8"), re.S)
    (tmp_path / "my-cell.toml").write_text(text, "utf-8")
    device = synarray.load_device(tmp_path / "my-cell.toml")
    assert device.g_max == pytest.approx(40e-6)
    assert device.unconfirmed == ["sigma_c2c"]


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "api.md").read_text("utf-8")
    assert sorted(re.findall(r"^   (\w+)$", page, re.M)) == sorted(synarray.__all__)


def test_every_command_is_in_the_reference() -> None:
    import typer.main

    from synarray.cli.app import app

    page = (DOCS / "reference" / "shell.md").read_text("utf-8")
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"synarray {name}" in page or f"`{name}" in page, name


def test_the_glossary_has_its_terms_in_two_sentences() -> None:
    words = tomllib.loads((Path(synarray.__file__).parent / "glossary.toml").read_text("utf-8"))
    assert len(words) >= 35
    for name, text in words.items():
        assert len(re.findall(r"\.(?:\s|$)", text)) == 2, name
