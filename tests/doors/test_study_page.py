"""Pages of studies: means and intervals are those of the table on disk; they open alone, and words of others stay words."""

from __future__ import annotations

import csv
import json
import shutil
import statistics
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser import inspect, needs_chromium
from command import Command, four_parts
from scipy import stats

from synarray.report.charts import Line, lines_chart
from synarray.report.study_page import study_page
from synarray.study.plan import load_study

HOSTILE = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> '{{ 7 * 7 }} $\\frac{1}{0}$ </style>"
STUDY = """
name = "small"
title = {title}
note = {title}
claim = {title}
expected = "soft above after"
time = "a second"
base = "full-field"
seeds = [0, 1, 2]
set = {{ epochs = 1, n_neurons = 6, images = 40, data = {data} }}
[axes]
fraction = {{ key = "pruning.fraction", title = "pruned {{share}}", values = [0.25, 0.5] }}
[[axes.method.cases]]
title = "soft"
set = {{ "pruning.mode" = "soft" }}
[[axes.method.cases]]
title = {title}
set = {{ "pruning.mode" = "after" }}
"""
Study = Callable[..., Path]
FIGURE = """
[figure]
x = "fraction"
lines = "method"
"""


@pytest.fixture
def study(command: Command, bars_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Make a study's folder; what says the same is run once and copied."""

    def make(folder: str, more: str = FIGURE, text: str = STUDY) -> Path:
        whole = text.format(title=json.dumps(HOSTILE), data=json.dumps(str(bars_file))) + more
        kept = tmp_path_factory.getbasetemp() / f"study-{zlib.crc32(whole.encode())}"
        if not kept.exists():
            Path("a study.toml").write_text(whole, "utf-8")
            assert command("study", "run", "a study.toml", "--workers", "1", "--out", str(kept)).status == 0
        return Path(shutil.copytree(kept, folder))

    return make


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text("utf-8").splitlines()))


def test_the_figure_is_mean_and_interval_of_the_table_on_disk(command: Command, study: Study) -> None:
    folder = study("my study")
    told = command("report", "my study", "--json").json
    drawn = _rows(folder / "report/figures/figure.csv")
    runs = _rows(folder / "table.csv")
    assert len(runs) == 12
    assert len(drawn) == 4
    for row in drawn:
        line, x = row.pop("method"), row.pop("pruned {share}")
        values = [float(run["accuracy"]) for run in runs if (run["method"], float(run["fraction"])) == (line, float(x))]
        low, high = stats.t.interval(0.95, 2, statistics.fmean(values), stats.sem(values))
        due = {"mean": statistics.fmean(values), "low": low, "high": high}
        assert {name: row[name] for name in due} == {name: f"{100 * value:.2f} %" for name, value in due.items()}
        assert row["runs"] == "3"
    assert {Path(name).suffix for name in told["figures"]} == {".svg", ".csv"}


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_opens_alone_and_fits_its_window(command: Command, study: Study, dark: bool) -> None:
    folder = study("st")
    assert command("report", "st").status == 0
    for width in (360, 800, 1280):
        seen = inspect(folder / "report/index.html", width, dark)
        assert (seen["errors"], seen["broken_images"], seen["requests"], seen["overflow"]) == ([], [], [], 0)
        assert HOSTILE in " ".join(seen["text"].split())
    text = (folder / "report/index.html").read_text("utf-8")
    assert len(text) < 3_000_000
    assert "<script" not in text
    assert "<img" not in text


def test_a_facet_is_a_figure_of_its_own_on_the_same_scale(study: Study) -> None:
    figure = '\n[figure]\nx = "method"\nfacet = "fraction"\ny = "pulses"\n'
    page = study_page(study("st", figure))
    pictures = [picture for section in page.sections for picture in section.pictures]
    assert [picture.name for picture in pictures] == ["figure-1", "figure-2"]
    assert len({picture.figure.axes[0].get_ylim() for picture in pictures}) == 1


def test_a_study_that_says_no_figure_is_drawn_by_its_axes(study: Study) -> None:
    page = study_page(study("st", ""))
    (picture,) = [picture for section in page.sections for picture in section.pictures]
    assert picture.table is not None
    assert len(picture.table.rows) == 4
    assert picture.title == "Accuracy by pruned {share}"


def test_failures_are_told_and_not_drawn(study: Study) -> None:
    text = STUDY.replace("[axes]", "[axes]\nimages = [40, 41]")
    folder = study("st", text=text.replace("images = 40, ", ""))
    runs = (folder / "runs.jsonl").read_text("utf-8").splitlines()
    first = json.loads(runs[0])
    runs[0] = json.dumps({"identity": first["identity"], "failed": HOSTILE, "made": first["made"]})
    (folder / "runs.jsonl").write_text("\n".join(runs) + "\n", "utf-8")
    page = study_page(folder)
    (failed,) = [section for section in page.sections if section.key == "failed"]
    assert [row[1] for row in failed.tables[0].rows] == [HOSTILE]
    assert page.facts[0].value == f"{len(runs) - 1} of {len(runs)}"


def test_a_study_cites_what_any_value_of_its_axes_uses(command: Command, study: Study, bars_file: Path) -> None:
    study("plain")
    keys = {entry["key"] for entry in command("cite", "plain", "--json").json["entries"]}
    assert "TCAD18" not in keys
    Path("devices.toml").write_text(
        'base = "full-field"\nset = { epochs = 1, n_neurons = 6, images = 40, data = ' + json.dumps(str(bars_file)) + " }\n"
        'axes = { device = ["subquantum-cbram", "hzo-fefet"] }\n', "utf-8",
    )  # fmt: skip
    assert command("study", "run", "devices.toml", "--workers", "1", "--out", "devices").status == 0
    keys = {entry["key"] for entry in command("cite", "devices", "--json").json["entries"]}
    assert {"SHI18", "JER17", "choices-subquantum-cbram", "choices-hzo-fefet", "choices-prices"} <= keys
    assert command("report", "devices").status == 0


def test_an_interval_needs_three_values_and_points_stand_in_order() -> None:
    line = Line.of("a", [(10, np.array([2.0, 3.0])), (2, np.array([1.0, 2.0, 3.0]))], 0.95)
    assert line.x == [2, 10]
    assert line.mean == [2.0, 2.5]
    assert np.isnan(line.low[1])
    assert line.high[0] == pytest.approx(2 + 4.30265 / np.sqrt(3), abs=1e-5)  # t of 2 degrees of freedom, deviation 1
    assert line.ends == (line.low[0], line.high[0])


class TestRefused:
    def test_a_study_without_a_finished_run(self, command: Command, study: Study) -> None:
        folder = study("st")
        (folder / "runs.jsonl").write_text("", "utf-8")
        assert four_parts(command("report", "st"))["got"] == "none of 12"

    def test_a_damaged_study(self, command: Command, study: Study) -> None:
        folder = study("st")
        (folder / "runs.jsonl").write_text("no record\n", "utf-8")
        assert "line 1" in four_parts(command("report", "st"))["got"]
        (folder / "study.toml").write_text("no = [", "utf-8")
        assert four_parts(command("cite", "st"))
        (folder / "study.toml").unlink()
        assert four_parts(command("report", "st"))
        assert not (folder / "report").exists()

    def test_a_missing_extra(self, command: Command, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
        study("st")
        for name in [name for name in sys.modules if name.partition(".")[0] == "pandas"] + ["pandas"]:
            monkeypatch.setitem(sys.modules, name, None)
        assert "pip install 'synarray[studies]'" in four_parts(command("report", "st"))["do"]


def test_the_study_in_the_page_reads_back(study: Study) -> None:
    folder = study("st")
    (again,) = [section for section in study_page(folder).sections if section.key == "again"]
    Path("again.toml").write_text(again.code, "utf-8")
    assert load_study("again.toml").model_dump() == load_study(folder).model_dump()


def test_results_against_results_are_points_and_the_unbeaten_stand_out(study: Study) -> None:
    folder = study("st", '\n[figure]\nx = "pulses"\ny = "accuracy"\n')
    (picture,) = [picture for section in study_page(folder).sections for picture in section.pictures]
    assert picture.table is not None
    found = [(row[0], float(row[1].replace(",", "")), float(row[2].removesuffix(" %"))) for row in picture.table.rows]
    assert len(found) == 4  # points of the study, not runs
    for name, pulses, accuracy in found:
        beaten = any(p <= pulses and a >= accuracy and (p, a) != (pulses, accuracy) for _, p, a in found)
        assert name == ("others" if beaten else "not beaten in both")


def test_shares_on_a_logarithmic_scale_stand_where_their_error_does() -> None:
    """90, 99 and 99.9 % are equally far apart, all within the axis; and a share of 100 % is drawn without the scale."""
    values = [(x, np.array([y, y, y])) for x, y in ((1, 0.9), (10, 0.99), (100, 0.999))]
    line = Line.of("", values, 0.95)
    axis = lines_chart([line], "n_neurons", "accuracy", ("neurons", "%"), line.ends, log_x=True, log_y=True).axes[0]
    at = axis.transData.transform([(1, 90.0), (1, 99.0), (1, 99.9)])[:, 1]
    assert at[1] - at[0] == pytest.approx(at[2] - at[1], rel=1e-6)
    low, high = axis.get_ylim()
    assert 80 < low < 90
    assert 99.9 < high < 100
    assert {90.0, 99.0, 99.9} <= set(axis.get_yticks())
    whole = Line.of("", [(1, np.ones(3)), (2, np.full(3, 0.5))], 0.95)
    plain = lines_chart([whole], "n_neurons", "accuracy", ("neurons", "%"), whole.ends, log_y=True).axes[0]
    assert plain.get_yscale() == "linear"
