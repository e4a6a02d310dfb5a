"""Pictures of the pages: each is made by a step of the build, from results whose command still gives them."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import synarray
from synarray.report.continual_views import continual_table
from synarray.run.continual import METHODS, learn_in_order, sequence_of
from synarray.run.playing import load_task, play
from synarray.run.plays import mean_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FIGURES = DOCS / "figures"
sys.path.insert(0, str(ROOT / "scripts"))

pictures: Any = importlib.import_module("pictures")

BUILT = {"_build", "_work", "_extra", "_pictures", "gallery", "figure_gallery"}
"""Folders that the build makes."""


def _images() -> set[Path]:
    kinds = {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"}
    found = (path for path in DOCS.rglob("*") if path.suffix.lower() in kinds)
    return {path for path in found if path.relative_to(DOCS).parts[0] not in BUILT}


def test_every_picture_is_made_by_the_build() -> None:
    """A static picture that no step makes is refused, and so is a page that shows one."""
    made = {FIGURES / f"{name}.png" for name in (*pictures.DRAWN, *pictures.PHOTOGRAPHED)}
    assert _images() == made
    shown = set()
    for page in (ROOT / "README.md", *DOCS.glob("*.md"), *DOCS.glob("*/*.md")):
        if page.name not in ("changelog.md", "contributing.md"):
            shown |= {
                (page.parent / link).resolve()
                for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8"))
            }
    assert shown == made


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_is_of_the_record_as_it_is(name: str) -> None:
    with Image.open(FIGURES / f"{name}.png") as picture:
        assert picture.info["Source"] == pictures.digest_of(name)


def test_the_picture_of_the_verdict_is_of_the_verdict_in_the_readme() -> None:
    with Image.open(FIGURES / "verdict.png") as picture:
        printed = " ".join(picture.info["Source"].split())
    readme = (ROOT / "README.md").read_text("utf-8")
    (said,) = re.findall(r"\$ synarray device judge pulses.csv\n(.*?) \.\.\.", readme)
    assert printed.startswith(said)


@pytest.mark.parametrize("name", pictures.COMMANDS)
def test_the_command_of_a_record_is_on_a_page(name: str) -> None:
    assert pictures.record_of(name)["command"] == pictures.COMMANDS[name]
    assert any(pictures.COMMANDS[name] in page.read_text("utf-8") for page in DOCS.glob("*.md"))


@pytest.mark.parametrize("name", ["continual", "clothes"])
def test_the_table_of_a_page_is_that_of_its_record(name: str) -> None:
    page = (DOCS / "continual.md").read_text("utf-8")
    for row in continual_table(pictures.record_of(name)["results"]).rows:
        assert "| " + " | ".join(map(str, row)).replace("|  ", "| ").rstrip() in page.replace("|  |", "| |")


def test_the_return_of_cartpole_on_the_page_is_that_of_its_record() -> None:
    found = pictures.record_of("cartpole")["results"]
    mean, half = mean_of([each["test"]["mean_return"] for each in found])
    assert f"**{mean:.0f} +- {half:.0f}**" in (DOCS / "rewards.md").read_text("utf-8")


def test_records_are_what_their_commands_give_today() -> None:
    """The first part of each, again: a record of another version's numbers is found."""
    first, *_ = pictures.record_of("continual")["results"]["methods"]["maturity 30"]
    assert learn_in_order(sequence_of("split-mnist", 3000)[:2], METHODS["maturity 30"], 0)["seen"] == first["seen"][:2]
    played = play(load_task("cartpole", {"episodes": 60, "tests": 1}), compare=False)
    assert played.returns == pictures.record_of("cartpole")["results"][0]["returns"][:60]
    runs = pictures.record_of("pruning")["results"]
    (row,) = (
        i
        for i, at in enumerate(zip(runs["method"], runs["fraction"], runs["seed"], strict=True))
        if at == ("soft", 0.75, 0)
    )
    again = synarray.train("full-field", settings={"pruning.mode": "soft", "pruning.fraction": 0.75}, seed=0)
    assert again.accuracy == runs["accuracy"][row]
