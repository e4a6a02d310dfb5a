"""Cells over decades of conductance, and single trains: ends that the trains reached are known, and no interval is impossible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synarray import read_pulses
from synarray.errors import DataError
from synarray.lab.fitting import Fit, departures, fit
from synarray.lab.fitting.analog import Analog, fit_analog
from synarray.lab.fitting.climb import total
from synarray.lab.fitting.numbers import analog_numbers
from synarray.lab.fitting.opening import require_way
from synarray.lab.fitting.verdict import warnings_of
from synarray.lab.rows.measured import Measurements

N = 50


def fitted(folder: Path, decades: float, noise: float, devices: int = 1, cycles: int = 1, *, even: bool = False) -> Fit:
    """Fit such cells."""
    return fit(read(folder, decades, noise, devices, cycles, even=even))


def read(folder: Path, decades: float, noise: float, devices: int, cycles: int, *, even: bool = False) -> Measurements:
    """Read a file of cells whose logarithm of the conductance saturates (or goes evenly) from 10 uS downwards and back."""
    rng, x = np.random.default_rng(0), np.arange(1, N + 1) / N
    up, down = (np.expm1(-k * x) / np.expm1(-k) for k in (2.5, 4.0))
    way = np.r_[x, 1 - x] if even else np.r_[up, 1 - down]
    rows = ["device_id,cycle,pulse,polarity,G_S"]
    for d in range(devices):
        for c in range(cycles):
            g = 1e-5 * 10 ** (decades * (way - 1)) * (1 + noise * rng.standard_normal(2 * N))
            rows += [f"{d},{c},{i + 1},{1 if i < N else -1},{value:.6g}" for i, value in enumerate(g)]
    (folder / "wide.csv").write_text("\n".join(rows) + "\n", "ascii")
    return read_pulses(folder / "wide.csv")


@pytest.mark.parametrize(("decades", "noise"), [(2, 0.03), (3, 0.01), (3, 0.03), (4, 0.01)])
def test_a_single_train_over_decades_has_the_ends_it_reached(decades: int, noise: float, tmp_path: Path) -> None:
    """Before: g_min 73 % to five times too high, with certain intervals; four decades were refused."""
    found = fitted(tmp_path, decades, noise).table
    assert found["g_min"].value == pytest.approx(10.0 ** (-5 - decades), rel=0.3)
    assert found["g_max"].value == pytest.approx(1e-5, rel=0.05)
    assert found["g_min"].high < 2e-5 * 10.0**-decades


def shifted(measured: Measurements, share: float) -> Measurements:
    """Change reads by less than any instrument tells: sums of a fit are rounded otherwise, as they are on another processor."""
    return replace(measured, G_S=measured.G_S * (1.0 + share))


@pytest.mark.parametrize("share", [0.0, 3e-13, -7e-13])
def test_noise_that_only_reads_have_is_theirs_whatever_the_rounding(share: float, tmp_path: Path) -> None:
    """Before: read noise of 60, 3.0 and 2.8 % (truth 3 %), on one processor g_min from -22 uS to 0, g_max 70 % too high."""
    rows = read(tmp_path, 3, 0.03, 5, 3, even=True)
    found = fit(shifted(rows, share))
    assert found.table["g_min"].value == pytest.approx(1e-8, rel=0.02)
    assert found.table["g_max"].value == pytest.approx(1e-5, rel=0.02)
    assert found.table["sigma_read"].value == pytest.approx(0.03, rel=0.1)
    assert found.table["sigma_c2c"].high < 1e-3
    assert not any("The law misses" in warning for warning in found.warnings)


def test_tables_are_the_same_whatever_the_rounding(tmp_path: Path) -> None:
    """Before: g_min 3.10, 3.17 and 3.18 uS, apart by 70 % of the narrowest interval."""
    rows = read(tmp_path, 0.5, 0.03, 5, 3)
    tables = [fit(shifted(rows, share)).table for share in (0.0, 3e-13, -7e-13)]
    for name in ("g_min", "g_max", "sigma_read", "sigma_c2c"):
        values, width = [table[name].value for table in tables], min(t[name].high - t[name].low for t in tables)
        assert np.ptp(values) < 0.1 * width, name


def test_devices_that_are_the_same_may_be_the_same(tmp_path: Path) -> None:
    """Before: steps differ by 0.24 % (0.03 to 0.59 %) from device to device, of five copies of one."""
    table = fitted(tmp_path, 0.5, 0.01, 5, 3, even=True).table
    assert table["sigma_d2d_step"].low == table["sigma_d2d_range"].low == 0.0


def test_noise_of_pulses_behind_that_of_reads_is_never_known_to_be_none(tmp_path: Path) -> None:
    """Before: a climb that ended at its lower bound said 0 (0 to 0)."""
    quiet = fit_analog(read(tmp_path, 1, 0.01, 3, 2, even=True), np.random.default_rng(0), 500)
    quiet.theta["log_sigma"] = -17.0
    found = analog_numbers(quiet, np.random.default_rng(0), 500).table["sigma_c2c"]
    assert found.low <= found.value < 1e-6 < found.high


def test_an_end_that_the_law_misses_is_that_of_the_trains_and_it_is_said(tmp_path: Path) -> None:
    """Six LTP trains end at 10 uS; a law that knows for certain that they end at 4 uS is not believed."""
    wrong = fit_analog(read(tmp_path, 1, 0.01, 3, 2, even=True), np.random.default_rng(0), 500)
    wrong.theta["high"] *= 0.4
    found = analog_numbers(wrong, np.random.default_rng(0), 500).table["g_max"]
    assert found.value == pytest.approx(1e-5, rel=0.02)
    assert found.low < 1e-5 < found.high
    assert any("The law misses the upper end" in warning for warning in wrong.warnings)


def test_an_end_below_no_conductance_has_no_negative_interval(tmp_path: Path) -> None:
    """Before: the interval of g_min was cut off at the middle of the range, wherever that was."""
    low = fit_analog(read(tmp_path, 1, 0.01, 3, 2, even=True), np.random.default_rng(0), 500)
    low.theta["low"] = -5.0
    found = analog_numbers(low, np.random.default_rng(0), 500).table["g_min"]
    assert found.low == found.value == 0.0 <= found.high < 1e-5


def test_a_comparison_that_makes_the_reads_less_probable_is_not_kept_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that went wrong on purpose: each device is given ten times the steps."""
    found = fit_analog(read(tmp_path, 1, 0.01, 3, 2, even=True), np.random.default_rng(0), 500)
    before = found.own.log_factor.copy(), dict(found.theta), total(found)

    def gone_wrong(fit: Analog, rng: np.random.Generator, draws: int) -> None:
        fit.own.log_factor += np.log(10.0)
        fit.theta["low"] = -1.0

    monkeypatch.setattr(departures, "_compare", gone_wrong)
    departures.compare_devices(found, np.random.default_rng(0), 500)
    np.testing.assert_array_equal(found.own.log_factor, before[0])
    assert (found.theta, total(found)) == before[1:]
    numbers = analog_numbers(found, np.random.default_rng(0), 500).table
    assert any("Devices could not be compared" in said for said in warnings_of(found.measured, found, numbers))


def test_an_upper_end_that_is_no_conductance_is_refused(tmp_path: Path) -> None:
    """Before: g_min between -22 uS and 0."""
    lost = fit_analog(read(tmp_path, 1, 0.01, 3, 2, even=True), np.random.default_rng(0), 500)
    lost.theta |= {"low": -2.0, "high": -1.5}
    with pytest.raises(DataError, match="ends at -1"):
        require_way(lost)


@pytest.mark.parametrize(
    ("decades", "noise", "devices", "cycles", "even"),
    [
        (0.5, 0.03, 5, 3, False),
        (1, 0.03, 3, 2, False),
        (2, 0.03, 5, 3, False),
        (3, 0.03, 5, 3, False),
        (3, 0.01, 3, 2, True),
        (3, 0.03, 3, 2, True),
    ],
)
def test_ends_of_cells_that_no_law_describes_are_within_their_intervals(
    decades: float, noise: float, devices: int, cycles: int, even: bool, tmp_path: Path
) -> None:
    """Before: the first four missed one, and the last was refused as if its pulses led nowhere."""
    found = fitted(tmp_path, decades, noise, devices, cycles, even=even).table
    for name, truth in (("g_min", 1e-5 * 10.0**-decades), ("g_max", 1e-5)):
        assert found[name].low <= truth <= found[name].high, f"{name}: {found[name]}"
    assert found["g_max"].high < 1.5e-5


def test_noise_of_the_instrument_has_no_negative_interval(tmp_path: Path) -> None:
    """Constant read noise of 3 % of the range in one train; before: sigma_read -2.9 % to 13.9 %."""
    rng, x = np.random.default_rng(0), np.arange(1, N + 1) / N
    up, down = (np.expm1(-k * x) / np.expm1(-k) for k in (2.5, 4.0))
    g = 1 + 9 * np.r_[up, 1 - down] + 0.3 * rng.standard_normal(2 * N)
    rows = [f"{i + 1},{1 if i < N else -1},{value:.5g}" for i, value in enumerate(np.maximum(g, 0.01))]
    (tmp_path / "one.csv").write_text("\n".join(["pulse,polarity,G (uS)", *rows]) + "\n", "ascii")
    found = fit(read_pulses(tmp_path / "one.csv")).table["sigma_read"]
    assert 0 < found.low < 0.3 / 5.5 < found.high < 1
