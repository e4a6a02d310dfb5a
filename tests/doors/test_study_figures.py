"""What a study's page draws and finds, on studies whose results are made up: searches, draws, zips, many points, many facets."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.ticker
import pytest
from command import Command

from synarray.report.sections import Page, Picture, Section
from synarray.report.study_page import study_page
from synarray.study.conduct import _batches
from synarray.study.plan import StudySpec
from synarray.study.points import Planner
from synarray.study.search import Search
from synarray.study.store import Record, Store

Made = Callable[[Any], dict[str, Any]]
ANY = {"low": 1.0, "high": 4.0}


def written(folder: Path, made: Made, failed: Callable[[Any], bool] = lambda _: False, **values: Any) -> Page:
    """Write a study whose runs came to what is made up of their columns; return its page."""
    spec = StudySpec.read({"name": "made-up", **values}, "here")
    planner = Planner(spec)
    with Store.begin(folder, planner.spec) as store:
        search = Search(spec.search) if spec.search else None
        lines: dict[str, str] = {}
        for trials in _batches(planner, search):
            runs = [run for trial in trials for run in trial]
            store.plan(runs)
            for run in runs:
                told = {"failed": "no"} if failed(run) else {"metrics": made(run.columns)}
                lines[run.identity] = Record.model_validate({"identity": run.identity, **told}).model_dump_json()
            if search is not None:
                search.report([[float(i)] * len(search.spec.objectives) for i, _ in enumerate(trials)])
    (folder / "runs.jsonl").write_text("".join(f"{line}\n" for line in lines.values()), "utf-8")
    return study_page(folder)


def section(page: Page, key: str) -> Section:
    """Return one section of a page."""
    (found,) = [each for each in page.sections if each.key == key]
    return found


def only(page: Page) -> Picture:
    """Return the page's one figure."""
    (picture,) = [picture for each in page.sections for picture in each.pictures]
    return picture


def rows_of(page: Page) -> list[tuple[str, ...]]:
    """Return the numbers of its one figure."""
    table = only(page).table
    assert table is not None
    return [tuple(row) for row in table.rows]


def quality(columns: dict[str, Any]) -> dict[str, Any]:
    """Make up results of two objectives that pull apart."""
    b = float(columns["stdp.b"])
    return {"accuracy": b / 5, "pulses": b**2}


def test_a_search_of_one_objective_shows_the_best_so_far_by_trial(tmp_path: Path) -> None:
    made: Made = lambda columns: {"accuracy": columns["stdp.b"] / 5, "pulses": 3}  # noqa: E731
    page = written(tmp_path / "st", made, search={"trials": 9, "sampler": "random", "space": {"stdp.b": ANY}})
    rows = rows_of(page)
    each = [float(row[2].split()[0]) for row in rows if row[0] == "each trial"]
    so_far = [float(row[2].split()[0]) for row in rows if row[0] == "best so far"]
    assert len(each) == 9
    assert so_far == [max(each[: i + 1]) for i in range(9)]
    assert "Averaged" not in only(page).caption
    axis = only(page).figure.axes[0]
    assert isinstance(axis.xaxis.get_major_locator(), matplotlib.ticker.MaxNLocator)
    assert all(float(tick).is_integer() for tick in axis.get_xticks())
    found = section(page, "found").tables[0]
    assert [row[0] for row in found.rows] == [str(each.index(max(each)))]
    assert found.rows[0][-1] == f"{max(each):.2f} %"


def test_a_search_of_two_objectives_shows_its_front_and_names_it(tmp_path: Path) -> None:
    search = {"trials": 9, "sampler": "random", "objectives": ["accuracy", "pulses"], "space": {"stdp.b": ANY}}
    page = written(tmp_path / "st", quality, search=search, expected="more for more")
    assert {row[0] for row in rows_of(page)} == {"not beaten in both"}
    assert (only(page).title, len(rows_of(page))) == ("Accuracy by pulses", 9)
    assert len(section(page, "found").tables[0].rows) == 9
    assert "Expected: more for more" in section(page, "found").notes


def test_draws_are_points_of_what_was_drawn_and_nothing_is_averaged_over(tmp_path: Path) -> None:
    axes = {"draw": {"random": {"n": 24, "keys": {"stdp.b": ANY, "neuron.beta": ANY}}}}
    page = written(tmp_path / "st", quality, axes=axes)
    assert only(page).title == "Accuracy by stdp.b"
    assert [row[0] for row in rows_of(page)] == [""] * 24
    assert "Averaged" not in only(page).caption
    assert [line.get_linestyle() for line in only(page).figure.axes[0].lines[:1]] == ["None"]
    assert section(page, "found").tables[0].rows[0][-1] == max(row[2] for row in rows_of(page))


def test_draws_beside_an_axis_are_averaged_over_and_said_once(tmp_path: Path) -> None:
    axes = {"n_neurons": [10, 20], "draw": {"random": {"n": 5, "keys": {"stdp.b": ANY}}}}
    page = written(tmp_path / "st", quality, axes=axes)
    assert [row[1] for row in rows_of(page)] == ["10", "20"]
    assert only(page).caption.endswith("Averaged over draw.")


def test_keys_that_are_zipped_are_one_axis(tmp_path: Path) -> None:
    axes = {"size": {"zip": {"n_neurons": [10, 20, 30], "stdp.b": [1.0, 2.0, 3.0]}, "title": "cells"}}
    page = written(tmp_path / "st", quality, axes=axes)
    assert [row[:2] for row in rows_of(page)] == [("", "10"), ("", "20"), ("", "30")]
    assert "Averaged" not in only(page).caption


def test_lines_of_numbers_say_what_they_are(tmp_path: Path) -> None:
    axes = {"stdp.b": [1.0, 2.0], "n": {"key": "n_neurons", "values": [10, 20], "title": "number of neurons"}}
    figure = {"x": "stdp.b", "lines": "n"}
    page = written(tmp_path / "st", lambda columns: {"accuracy": columns["n"] / 50}, axes=axes, figure=figure)
    assert [legend.get_title().get_text() for legend in only(page).figure.legends] == ["number of neurons"]
    assert only(page).table.columns[0] == "number of neurons"  # type: ignore[union-attr]
    assert section(page, "found").tables[0].columns[0] == "number of neurons"


def test_long_lines_are_cut_in_the_page_alone(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "st"
    page = written(folder, lambda columns: {"accuracy": columns["images"] / 2000}, axes={"images": list(range(1, 701))})
    assert section(page, "found").tables[0].rows[0][2] == "35.00 % at 700"
    assert command("report", "st").status == 0
    drawn = list(csv.reader((folder / "report/figures/figure.csv").read_text("utf-8").splitlines()))
    assert len(drawn) == 701
    assert drawn[-1][1:3] == ["700", "35.00 %"]
    text = (folder / "report/index.html").read_text("utf-8")
    assert "The first 500 of 700 rows" in text
    assert "35.00 % at 700" in text
    assert len(text) < 3_000_000


def test_many_facets_stand_in_the_folder_and_the_page_stays_small(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "st"
    axes = {"images": list(range(1, 11)), "n_neurons": list(range(1, 11)), "epochs": list(range(1, 26))}
    figure = {"x": "images", "lines": "n_neurons", "facet": "epochs"}
    made: Made = lambda columns: {"accuracy": columns["images"] / (10 + columns["n_neurons"])}  # noqa: E731
    page = written(folder, made, axes=axes, figure=figure)
    asked = section(page, "figure")
    assert len(asked.pictures) + len(asked.beside) == 25
    assert 5 < len(asked.pictures) < 25
    assert f"{len(asked.beside)} of 25 figures" in asked.notes[0]
    told = command("report", "st", "--json").json
    assert told["bytes"] < 3_000_000
    assert sum(name.endswith(".svg") for name in told["figures"]) == 25
    assert len(section(page, "found").tables[0].rows) == 250


@pytest.mark.parametrize(
    ("axes", "failed", "told"),
    [
        ({"images": [1, 2]}, lambda run: run.columns["images"] == 2, "all finished runs are of one point"),
        ({}, lambda _: False, "the study has no axis"),
    ],
)
def test_a_study_with_nothing_to_draw_says_why(tmp_path: Path, axes: Any, failed: Any, told: str) -> None:
    page = written(tmp_path / "st", lambda _: {"accuracy": 0.5}, failed, axes=axes)
    (note,) = section(page, "figure").notes
    assert told in note
    assert "names" not in note


def test_the_command_that_runs_it_again_works_where_the_study_was_made(command: Command, bars_file: Path) -> None:
    Path("a study.toml").write_text(
        f'name = "again"\nset = {{ epochs = 1, n_neurons = 6, images = 40, data = "{bars_file}" }}\n'
        'axes = { "stdp.b" = [1.0, 2.0] }\n', "utf-8",
    )  # fmt: skip
    arguments = ("study", "run", "a study.toml", "--workers", "1")
    assert command(*arguments, "--only", "stdp.b=1.0").status == 0
    begun = [word for word in section(study_page(Path("studies/again")), "again").words if word.startswith("synarray")]
    assert len(begun) == 2
    for words in begun:
        assert command(*shlex.split(words)[1:], "--workers", "1").status == 0, words
    whole = [word for word in section(study_page(Path("studies/again")), "again").words if word.startswith("synarray")]
    assert whole == begun[:1]
