"""The documentation: tutorials run in an empty folder as they are, how-tos do what they say, and every page is in the site."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import synarray

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS.parent / "scripts"))
FOLLOW: Any = importlib.import_module("follow")
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))
SHORTER = {
    "plot_5_study.py": {"seeds = [0, 1]": "seeds = [0]", "images = 3000": "images = 100"},
    "plot_8_reward.py": {'"episodes": 600, "tests": 50': '"episodes": 20, "tests": 5'},
}
"""Run as they are when the site is built, and here with smaller numbers."""
LONG = {"plot_1_device.py", "plot_6_layers.py"}
"""Run only when the site is built: most of their time is spent before the first image."""
FIGURES = sorted((DOCS / "figure_scripts").glob("*.py"))


def _run(program: Path, folder: Path) -> str:
    environment = os.environ | {"MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, str(program)], cwd=folder, capture_output=True, encoding="utf-8", check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_tutorials() -> None:
    assert len(TUTORIALS) >= 5
    assert {path.name for path in TUTORIALS} > set(SHORTER) | LONG


@pytest.mark.parametrize("name", SHORTER)
def test_a_long_tutorial_runs_with_smaller_numbers(name: str, tmp_path: Path) -> None:
    text = (DOCS / "tutorials" / name).read_text("utf-8")
    for written, smaller in SHORTER[name].items():
        assert written in text
        text = text.replace(written, smaller)
    (tmp_path / name).write_text(text, "utf-8")
    assert _run(tmp_path / name, tmp_path)


@pytest.mark.parametrize(
    "tutorial", [path for path in TUTORIALS if path.name not in {*SHORTER, *LONG}], ids=lambda path: path.stem
)
def test_a_tutorial_runs_in_an_empty_folder_as_it_is(tutorial: Path, tmp_path: Path) -> None:
    printed = _run(tutorial, tmp_path)
    percentages = [float(number) for number in re.findall(r"([\d.]+) ?%", printed)]
    assert percentages, printed
    assert max(percentages) > 80  # what a network learned, in every tutorial that trains one


def _check_imports(program: Path) -> None:
    """Check that everything a program imports is there."""
    for node in ast.walk(ast.parse(program.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found = importlib.import_module(str(node.module))
            assert all(hasattr(found, alias.name) for alias in node.names), program.name


@pytest.mark.parametrize("name", sorted(LONG))
def test_a_long_tutorial_imports_what_there_is(name: str) -> None:
    _check_imports(DOCS / "tutorials" / name)


def test_the_gallery_has_its_figures_each_with_its_command() -> None:
    """They are run when the site is built: here it is only seen that what they use is there, and that the commands are."""
    import typer.main

    from synarray.cli.app import app
    from synarray.report.run_figures.named import RUN_FIGURES

    assert len(FIGURES) == 16
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for path in FIGURES:
        text = path.read_text("utf-8")
        tree = ast.parse(text)
        assert text.endswith("\nfigure\n"), path.name
        said = " ".join((ast.get_docstring(tree) or "").split())
        named = re.findall(r"``synarray (\w+)", said)
        assert named and set(named) <= set(commands), path.name
        assert (
            set(re.findall(r"--figure ([\w-]+)", said))
            <= set(re.findall(r"plot\(\"([\w-]+)", text))
            <= set(RUN_FIGURES)
        )
        _check_imports(path)


def test_a_site_with_a_broken_link_is_refused(tmp_path: Path) -> None:
    check_site = importlib.import_module("check_site")
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there">b</a><a href="#here">a</a><img src="c.png">')
    (tmp_path / "b.html").write_text('<a href="a.html#here">a</a><a href="https://example.org/x">x</a>')
    wrong = check_site.broken_links(tmp_path)
    assert [each.partition(": ")[2] for each in wrong] == ["b.html#there leads nowhere", "c.png leads nowhere"]


@pytest.mark.parametrize("page", sorted((DOCS / "howto").glob("*.md")), ids=lambda page: page.stem)
def test_a_howto_does_what_it_says(page: Path, tmp_path: Path) -> None:
    """Its programs and commands run in an empty folder, and print what the page shows."""
    assert FOLLOW.follow(page, tmp_path) == []


def test_what_a_page_shows_and_no_command_prints_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint(1 + 1, 'apples', 3)\n```\n\n```text\n2 apples ...\n4\n```\n\n```sh\nexit 3\n```\n", "utf-8"
    )
    assert FOLLOW.follow(page, tmp_path) == ["page.md:5: not printed: 4", "page.md:10: exit 3 ended with status 3: "]
    page.write_text("```python\n# here.py\nprint(2)\n```\n\n```text\n$ python here.py\n2\n$ echo 5\n6\n```\n", "utf-8")
    assert FOLLOW.follow(page, tmp_path) == ["page.md:6: not printed: 6"]


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
    assert len(words) >= 40
    for name, text in words.items():
        assert len(re.findall(r"\.(?:\s|$)", text)) == 2, name
