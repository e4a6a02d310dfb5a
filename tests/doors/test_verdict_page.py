"""The page of a verdict in a real browser: whole, alone, within the window, in both themes; and it says what the JSON says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser import inspect, needs_chromium

from synarray.device.spec import DeviceSpec
from synarray.judge.judge import judging
from synarray.judge.question import Question
from synarray.judge.verdict import Verdict
from synarray.judge.words import LABELS
from synarray.lab.synthetic import measure_devices
from synarray.report.fit_views import fitted_curves
from synarray.report.verdict_figures import responses
from synarray.report.verdict_page import write_verdict

_DEVICE = """
name = "mine"
title = "<script>console.error('run')</script> & <b>bold</b>"
note = "from <img src=x onerror=alert(1)>"
law = "soft-bound"
g_min = "1 uS"
g_max = { value = "10 uS", source = "fit of <i>pulses</i>" }
n_levels_ltp = { value = 30, source = "fit", confirmed = false }
n_levels_ltd = 20
v_ltp = "1.1 V"
v_ltd = "-1.2 V"
t_ltp = "2 us"
t_ltd = "2 us"
nonlinearity_ltp = 1.5
nonlinearity_ltd = -2
sigma_c2c = 0.03
sigma_d2d_step = 0.1
sigma_read = 0.02
endurance = 1.23456789e18
[posterior]
g_max = [9e-6, 10e-6, 11e-6]
n_levels_ltp = [28.0, 30.0, 33.0]
"""


def _judged(question: Question, workers: int = 1) -> Verdict:
    *_, last = judging(question, workers=workers)
    assert last.verdict is not None
    return last.verdict


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("verdict")
    (folder / "mine.toml").write_text(_DEVICE)
    settings = ("n_neurons=12", "images=90")
    question = Question(str(folder / "mine.toml"), str(bars_file), settings=settings, draws=3, wanted=0.7)
    verdict = _judged(question, 2)
    return write_verdict(verdict, folder / "page", measure_devices(verdict.device, devices=3, cycles=2))


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_the_page_is_whole_alone_and_fits(page: Path, width: int, dark: bool) -> None:
    seen = inspect(page, width, dark)
    assert seen["errors"] == []
    assert seen["broken_images"] == []
    assert seen["requests"] == []
    assert seen["overflow"] == 0
    light = [int(part) for part in re.findall(r"\d+", seen["background"])]
    assert (sum(light) < 3 * 64) == dark  # the ground is dark or light as the reader's screen is


@needs_chromium
def test_the_page_says_what_the_json_says(page: Path) -> None:
    told = json.loads((page.parent / "verdict.json").read_text("utf-8"))
    text = inspect(page)["text"]
    assert f"{100 * told['accuracy']:.2f} %" in text
    for row in told["attribution"]:
        assert LABELS[row["property"]] in text
        if row["acts"]:
            assert f"{row['points'] + 0.0:.2f}".replace("-0.00", "0.00") in text
    assert told["command"] in text
    assert f"{told['trainings_left']:.3g}".replace("e+", "e") in text
    assert told["sentences"][0] in text
    for row in told["improvements"]:
        assert f"{100 * told['accuracy'] + row['points']:.2f} %" in text
    for row in told["beside"]:
        assert row["device"] in text
    assert "9.05 uS to 10.95 uS" in text  # 95 % of the draws 9, 10, 11 uS, joined by straight lines
    assert "<script>console.error('run')</script> & <b>bold</b>" in text  # words stay words
    assert "from <img src=x onerror=alert(1)>" in text
    assert re.search(r"n_levels_ltd\s+20\?", text)  # nobody said where it comes from


def test_the_page_carries_everything_and_the_same_each_time(page: Path, bars_file: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert text.count("<svg") == 4  # waterfall, response, measured trains and steps
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names))
    told = json.loads((page.parent / "verdict.json").read_text("utf-8"))
    question = Question(
        str(page.parent.parent / "mine.toml"),
        str(bars_file),
        settings=("n_neurons=12", "images=90"),
        draws=3,
        wanted=0.7,
    )
    verdict = _judged(question)
    measured = measure_devices(verdict.device, devices=3, cycles=2)
    again = write_verdict(verdict, tmp_path / "again", measured).read_text("utf-8")
    clock = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
    assert clock.sub("", again) == clock.sub("", text)
    assert told["fitted"]


def test_the_curve_of_a_small_window_is_seen(tmp_path: Path) -> None:
    """A device with on/off 1.03: its response fills the figure, where an axis from 0 would show a flat line."""
    import matplotlib

    matplotlib.use("Agg")
    device = DeviceSpec(g_min=1.00e-6, g_max=1.03e-6, n_levels_ltp=40, n_levels_ltd=40, sigma_c2c=0.01)
    figure = responses(device, [])
    assert figure is not None
    low, high = figure.axes[0].get_ylim()
    assert (high - low) < 0.06 and low > 0.95  # uS: the window is 0.03
    curves = fitted_curves(device, measure_devices(device, devices=2, cycles=1))
    low, high = curves.axes[0].get_ylim()
    assert (high - low) < 0.06
    wide = responses(device.model_copy(update={"g_min": 0.1e-6}), [])
    assert wide is not None and wide.axes[0].get_ylim()[0] == 0
