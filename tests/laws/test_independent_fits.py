"""Fits of pulses that are not the product's model: intervals that hold what is true, and words for what no number holds.

The cells come from ``tests/independent_pulses.py``, which knows nothing of synarray. ``benchmarks/fit_coverage.py`` prints the
coverage over many seeds; here a few must hold, and each kind must be reported for what it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from synarray.lab.fitting import Fit, fit
from synarray.lab.formats import read_pulses

sys.path.insert(0, str(Path(__file__).parents[1]))
from independent_pulses import KINDS, STATES, Made, make

CURVES = ("stretched exponential", "logarithmic", "two slopes", "bell")


def fitted(folder: Path, made: Made) -> Fit:
    (folder / "pulses.csv").write_text(made.csv(), "utf-8")
    return fit(read_pulses(folder / "pulses.csv"))


def held(folder: Path, kinds: list[str], seeds: tuple[int, ...], devices: int, cycles: int) -> list[bool]:
    """Whether the interval of each number that is known holds the truth."""
    inside = []
    for name in kinds:
        for seed in seeds:
            made = make(name, devices, cycles, seed)
            found = fitted(folder, made)
            inside += [found.table[key].low <= truth <= found.table[key].high for key, truth in made.truth.items()]
    return inside


def test_intervals_hold_the_truth_of_cells_that_are_not_the_model(tmp_path: Path) -> None:
    """Kinds whose states are read as they are, two seeds each: of 95 % intervals at least nine in ten hold."""
    kinds = [name for name, kind in KINDS.items() if not (kind.read or kind.read_constant or kind.flicker)]
    inside = held(tmp_path, kinds, (0, 1), 10, 6)
    assert len(inside) > 80
    assert np.mean(inside) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["the model itself", "constant read noise", "1/f read noise"])
def test_intervals_hold_behind_read_noise(tmp_path: Path, name: str) -> None:
    """Of the numbers of two seeds at least four in five: 1/f noise is not in the model, and 95 % of it are not reached."""
    inside = held(tmp_path, [name], (1, 2), 6, 4)
    assert np.mean(inside) >= 0.8


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_of_no_equation_becomes_a_table_with_noises_of_its_own(tmp_path: Path, name: str) -> None:
    """The noise is that about the table, not about the law that lost: it was 1.2 to 3.7 times too large."""
    made = make(name, 10, 6, 0)
    found = fitted(tmp_path, made)
    assert found.spec.law == "table"
    assert found.spec.sigma_c2c == pytest.approx(
        made.truth["sigma_c2c"], rel=0.08
    )  # of the sample's mean factor: 10 % / sqrt(20)
    steps = found.spec.steps(2.0 * STATES - 1.0) / 2.0
    sharp = (
        np.abs(np.gradient(made.steps["ltp"])) > 0.2 * made.steps["ltp"].max()
    )  # no table of eleven states follows a cliff
    smooth = np.convolve(sharp, np.ones(5), "same") == 0
    np.testing.assert_allclose(steps[1][smooth], made.steps["ltp"][smooth], atol=0.12 * made.steps["ltp"].max())


@pytest.mark.parametrize(
    ("name", "finding", "low", "high"),
    [
        ("pulse noise by state", "noise by state, LTP", 4.0, 9.0),  # 0.003 + 0.017 x: about six times over the range
        ("heavy tails", "heavy tails", 0.003, 0.03),  # Student's t with 3 degrees, scaled: 0.6 % beyond 4
        ("two populations", "populations", 0.05, 0.6),
        ("fatigue", "fatigue", -0.034, -0.026),  # 3 % of the range are lost in each cycle
    ],
)
def test_what_the_residuals_show_is_told_with_its_size(
    tmp_path: Path, name: str, finding: str, low: float, high: float
) -> None:
    found = fitted(tmp_path, make(name, 10, 6, 1))
    told = {one.name: one for one in found.findings}
    assert low < told[finding].size.value < high
    assert told[finding].size.low <= told[finding].size.value <= told[finding].size.high
    assert told[finding].words in [one["words"] for one in found.as_json()["findings"]]


def test_fatigue_is_no_failing_pulse(tmp_path: Path) -> None:
    """Cells that are stopped by an end that moves do nothing there: that is no failure."""
    assert fitted(tmp_path, make("fatigue", 10, 6, 1)).spec.p_fail < 0.002


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    for seed in range(3):
        assert fitted(tmp_path, make("stretched exponential", 8, 4, seed)).findings == ()


@pytest.mark.parametrize(("noise", "known"), [(0.1, False), (0.002, True)])
def test_levels_that_the_pulses_do_not_tell_are_reported(tmp_path: Path, noise: float, known: bool) -> None:
    """Steps of 2 % of the range, trains of different lengths; noise of five steps and few pulses hide how many levels it has."""
    rng, rows = np.random.default_rng(0), ["cycle,pulse,polarity,G_S"]
    for cycle, lengths in enumerate([(8, 9), (10, 7)] if not known else [(55, 60), (60, 58)]):
        x, k = (0.0 if known else 0.5), 0
        for sign, n in zip((1, -1), lengths, strict=True):
            for _ in range(n):
                x, k = float(np.clip(x + sign * 0.02 + noise * rng.standard_normal(), 0.0, 1.0)), k + 1
                rows.append(f"{cycle},{k},{sign},{(5 + 4 * x) * 1e-6:.6g}")
    (tmp_path / "pulses.csv").write_text("\n".join(rows), "utf-8")
    found = fit(read_pulses(tmp_path / "pulses.csv"))
    levels = found.table["n_levels_ltp"]
    assert not known or levels.low <= 50 <= levels.high
    assert (levels.high < 3.0 * levels.low) == known
    assert any("levels of LTP are not identified" in warning for warning in found.warnings) != known
