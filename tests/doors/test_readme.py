"""README and results: the example prints what is below it, and figures agree with the rows that commands run."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from synarray.paper.reproduce import rows
from synarray.run.experiment import load_experiment
from synarray.study.plan import load_study

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results.md"
MADE_OF = {
    "figure_gallery/index.rst": "figure_scripts/README.txt",
    "contributing.md": "../CONTRIBUTING.md",
    "changelog.md": "../CHANGELOG.md",
}
"""Pages that the build of the site makes, and of what."""
MOST_WORDS = 700


def _tables(text: str) -> list[list[str]]:
    """Every line of a table, as its cells."""
    lines = re.findall(r"^\| ?(.*?) ?\|$", text, re.M)
    return [re.split(r" ?\| ?", line) for line in lines if not set(line) <= set("-| ")]


def test_the_python_example_prints_what_the_readme_shows() -> None:
    example, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README.read_text("utf-8"), re.S).groups()  # type: ignore[union-attr]
    assert len(example.splitlines()) <= 10
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert printed.getvalue() == shown


def test_the_two_commands_exist() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert {"reproduce", "test", "help", "bench", "lint", "docs"} <= set(targets)
    assert {"make reproduce", "make test"} <= set(re.findall(r"make \w+", README.read_text("utf-8")))


def test_the_readme_is_one_screen() -> None:
    words = [each for each in README.read_text("utf-8").split() if re.search(r"\w", each)]  # no lines of tables
    assert len(words) <= MOST_WORDS


def test_every_figure_of_the_readme_is_one_of_the_results() -> None:
    """Accuracies with a spread, in the README, are rows of docs/results.md."""
    wanted = re.findall(r"\d+\.\d+ \+- \d+\.\d+", README.read_text("utf-8"))
    assert len(wanted) >= 9
    assert set(wanted) <= set(re.findall(r"\d+\.\d+ \+- \d+\.\d+", RESULTS.read_text("utf-8")))


def test_what_the_readme_says_of_peers_is_what_the_page_with_sources_says() -> None:
    said = [cells for cells in _tables(README.read_text("utf-8")) if {"yes", "no"} & set(cells[1:])]
    page = (ROOT / "docs" / "peers.md").read_text("utf-8")
    assert len(said) == 6
    assert said == [cells for cells in _tables(page) if {"yes", "no"} & set(cells[1:])]
    for name, *_ in said[1:]:
        assert re.search(rf"\*\*{name}\*\*[^*]*\]\(https://", page), name


def test_the_results_have_a_line_for_every_row_of_reproduce() -> None:
    """Titles, and what the paper states, are those of the rows that ``synarray reproduce`` runs; spreads are there."""
    found = {cells[0].removesuffix(" ?"): cells for cells in _tables(RESULTS.read_text("utf-8")) if len(cells) == 6}
    del found["network"]
    assert list(found) == [row.title for row in rows()]
    for row in rows():
        title, soft, hard, absent, pulses, paper = found[row.title]
        assert paper == row.paper
        assert re.fullmatch(r"\d\d\.\d\d \+- \d\.\d\d", soft)
        assert float(hard) < float(soft.split()[0])
        assert float(pulses) > 0
        assert title.endswith(" ?") == ("cbram" in row.key or "metal" in row.key)
        spec = load_experiment(row.experiment, row.changes)
        if spec.fields.kind == "full":
            assert int(absent.removesuffix("%")) == round(100 * spec.pruning.fraction), row.key


def test_judged_rows_agree_with_what_the_results_say() -> None:
    text = RESULTS.read_text("utf-8")
    measured = {cells[0].removesuffix(" ?"): cells[1] for cells in _tables(text) if len(cells) == 6}
    judged = [row for row in rows() if row.least or row.below]
    assert {row.key for row in judged} == {"paper-conventional-40", "soft-75", "conventional-40", "cbram-analog"}
    for row in judged:
        mean = float(measured[row.title].split()[0]) / 100
        confirmed = (row.least or 0) <= mean < (row.below or 1)
        assert confirmed == (row.key != "conventional-40")


def test_studies_and_files_that_are_named_exist() -> None:
    pages = {page: page.read_text("utf-8") for page in (README, *sorted((ROOT / "docs").glob("*.md")))}
    for name in re.findall(r"synarray study run ([a-z-]+)", pages[RESULTS]):
        assert load_study(name)
    for page, text in pages.items():
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            assert (page.parent / MADE_OF.get(link, link)).exists(), f"{page.name}: {link}"
