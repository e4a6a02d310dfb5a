"""Curves that others measured, fitted: what is right was found outside, by plain least squares of NeuroSim's exponential.

The conductances are in ``measured_curves.py`` with their sources; here are the values that a fit must find.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from synarray.lab.fitting import Estimate, Fit, fit
from synarray.lab.formats import read_pulses

sys.path.insert(0, str(Path(__file__).parent))
from measured_curves import AG_A_SI, CURVE_11, CURVE_12, Y_FLASH


def fitted(folder: Path, lines: list[str]) -> Fit:
    (folder / "curve.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return fit(read_pulses(folder / "curve.csv"))


def blocks_of(curve: str) -> list[list[float]]:
    return [[float(g) for g in block.split()] for block in curve.strip().split("\n\n")]


def of_one_curve(folder: Path, blocks: list[list[float]]) -> Fit:
    rows = [f"{i},{g:g}" for block in blocks for i, g in enumerate(block)]
    return fitted(folder, ["pulse,G_S", *rows])


def holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def test_ag_a_si_has_the_labels_of_least_squares(tmp_path: Path) -> None:
    """LTP 2.4 (NeuroSim), LTD A = 0.245 +- 0.010, whose label is -4.2; range 3 to 40 nS; not linear."""
    found = of_one_curve(tmp_path, blocks_of(AG_A_SI))
    assert found.spec.law == "soft-bound"
    assert holds(found.table["nonlinearity_ltp"], 2.4)
    assert holds(found.table["nonlinearity_ltd"], -4.2)
    assert found.table["nonlinearity_ltd"].high < -1.5
    assert holds(found.table["g_min"], 3e-9)
    assert found.spec.g_max == pytest.approx(40e-9, rel=0.06)


def test_a_curve_and_the_same_in_neurosims_order_are_one_device(tmp_path: Path) -> None:
    """About +0.8 / -5.7 both ways; range 0.1 to 5.59 nS."""
    up, down = blocks_of(CURVE_11)
    for curve in ([up, down], [up, down[::-1]]):
        found = of_one_curve(tmp_path, curve)
        assert holds(found.table["nonlinearity_ltp"], 0.8)
        assert holds(found.table["nonlinearity_ltd"], -5.7)
        assert found.spec.g_max == pytest.approx(5.59e-9, rel=0.01)
        assert holds(found.table["g_min"], 0.11e-9)


def test_a_typo_does_not_bend_a_curve(tmp_path: Path) -> None:
    """Least squares: 2.4 / -5.5; here to 15 %."""
    found = of_one_curve(tmp_path, blocks_of(CURVE_12))
    assert found.table["nonlinearity_ltp"].value == pytest.approx(2.4, rel=0.15)
    assert found.table["nonlinearity_ltd"].value == pytest.approx(-5.5, rel=0.15)
    assert 1 <= sum(found.rows_discarded.values()) <= 2


def test_ends_that_were_read_many_times_are_known_to_a_few_per_cent(tmp_path: Path) -> None:
    """Y-Flash over three decades: starts between 0.99 and 1.05 uS, the lowest reads 0.8 to 1.0 nS.

    The first LTP step falls with cycling, from 1.1 nS in the first cycle to 0.6 nS: the device has its mean.
    """
    rows = [[("LTD", "LTP")[i % 2], *(f"{g:g}" for g in train)] for i, train in enumerate(blocks_of(Y_FLASH))]
    found = fitted(tmp_path, [", ".join(row) for row in rows])
    g_min, g_max = found.table["g_min"], found.table["g_max"]
    assert 0.8e-9 < g_min.low < g_min.value < g_min.high < 1.2e-9
    assert 0.98e-6 < g_max.low < g_max.value < g_max.high < 1.08e-6
    trains = [train for train in blocks_of(Y_FLASH) if train[-1] > train[0]]
    measured = np.mean([train[1] - train[0] for train in trains])
    first = float(found.spec.steps(np.array([-1.0]))[1, 0]) / 2.0 * found.spec.g_range
    assert first == pytest.approx(measured, rel=0.1)


def train(rng: np.random.Generator, first: float) -> list[float]:
    """40 LTP and 40 LTD pulses between 1 and 3 uS, exponential (2.4 / -2.9), LTD's first step taking a share; reads to 0.5 %."""
    p = np.arange(41) / 40
    up, down = ((1 - np.exp(-p / a)) / (1 - np.exp(-1 / a)) for a in (0.4992, 0.4))
    down = np.where(p > 0, first + (1 - first) * down, 0.0)
    x = np.concatenate([up, 1.0 - down[1:]])
    return ((1e-6 + 2e-6 * x) * (1 + 0.005 * rng.standard_normal(len(x)))).tolist()


def steep(tmp_path: Path, first: float) -> Fit:
    """Fit 4 devices x 5 cycles without any noise of the pulses, whose first LTD step takes a share of the range."""
    rng, lines = np.random.default_rng(4), ["device_id,cycle,pulse,polarity,G_S"]
    for device in range(4):
        for cycle in range(5):
            for k, g in enumerate(train(rng, first)):
                lines.append(f"d{device},{cycle},{k},{'READ' if not k else 'LTP' if k <= 40 else 'LTD'},{g:.6g}")
    return fitted(tmp_path, lines)


@pytest.mark.parametrize("first", [0.0, 0.4])
def test_a_steep_first_step_is_no_noise(tmp_path: Path, first: float) -> None:
    """The read noise to 15 %, no noise of the pulses, ends to 0.5 %, whatever the first LTD step takes."""
    found = steep(tmp_path, first)
    assert found.spec.sigma_read == pytest.approx(0.005, rel=0.15)
    assert found.spec.sigma_c2c < 0.0005
    assert (found.spec.n_levels_ltp, found.table["n_levels_ltd"].value) == (40, 40)
    assert (found.spec.g_min, found.spec.g_max) == (pytest.approx(1e-6, rel=0.005), pytest.approx(3e-6, rel=0.005))


def test_trains_of_equal_length_count_as_their_length(tmp_path: Path) -> None:
    """Five cycles of 64 and 64 pulses, LTP 3 to 37 uS: 64 levels, and nobody says that they differ."""
    rng = np.random.default_rng(5)
    p = np.arange(1, 65) / 64
    up, down = ((1 - np.exp(-p / a)) / (1 - np.exp(-1 / a)) for a in (0.4, 0.25))
    g = 1.9e-6 + 35e-6 * np.tile(np.concatenate([up, 1.0 - down]), 5)
    seen = g * (1 + 0.015 * rng.standard_normal(len(g)))
    signs = np.tile(np.repeat(["LTP", "LTD"], 64), 5)
    rows = [f"{k // 128},{k % 128},{sign},{one:.6g}" for k, (sign, one) in enumerate(zip(signs, seen, strict=True))]
    found = fitted(tmp_path, ["cycle,pulse,polarity,G_S", *rows])
    assert (found.spec.n_levels_ltp, found.spec.n_levels_ltd) == (64, 64)
    assert not any("differ in length" in warning for warning in found.warnings)
