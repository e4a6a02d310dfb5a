"""Retention traces and endurance loops: told from pulse trains, fitted with intervals, and put into a device's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import Command, four_parts

from synarray.device.library import load_device
from synarray.errors import DataError
from synarray.lab.formats import read_file, read_pulses
from synarray.lab.traces.retention import Aged

TIMES = np.r_[0.0, np.logspace(0, 4, 40)]
DEVICE = 'law = "linear"\ng_min = "1 uS"\ng_max = "20 uS"\ndrift_nu = 0.5\n\n[posterior]\ng_min = [1e-6, 1.1e-6]\n'


def traces(path: Path, nus: tuple[float, ...], seed: int, noise: float = 0.003) -> Path:
    rng = np.random.default_rng(seed)
    rows = [
        f"{t:.4g}," + ",".join(f"{8 * (1 + t) ** -nu * (1 + noise * rng.standard_normal()):.6g}" for nu in nus)
        for t in TIMES
    ]
    path.write_text("\n".join(["time (s)," + ",".join(f"G{i} (uS)" for i in range(len(nus))), *rows]) + "\n")
    return path


def loops(path: Path, fails_at: float, head: str = "Cycle,R_LRS (kOhm),R_HRS (kOhm)") -> Path:
    rng, cycles = np.random.default_rng(0), np.unique(np.logspace(0, 5, 80).astype(int))
    on = 10 * np.exp(0.03 * rng.standard_normal(len(cycles)))
    off = np.where(cycles < fails_at, 1000, 12) * np.exp(0.1 * rng.standard_normal(len(cycles)))
    rows = [f"{c},{low:.4f},{high:.4f}" for c, low, high in zip(cycles, on, off, strict=True)]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_the_interval_of_the_drift_holds_the_truth(tmp_path: Path) -> None:
    """40 files of one trace with nu = 0.05: 95 % intervals hold it in at least 34."""
    held = 0
    for seed in range(40):
        found = read_file(traces(tmp_path / "retention.csv", (0.05,), seed))
        assert isinstance(found, Aged)
        nu = found.numbers["drift_nu"]
        held += nu.low <= 0.05 <= nu.high
        assert nu.high - nu.low < 0.004
    assert held >= 34
    assert found.numbers["drift_t0"].value == 1.0


def test_a_trace_without_drift_says_how_little_there_can_be(tmp_path: Path) -> None:
    found = read_file(traces(tmp_path / "retention.csv", (0.0,), 1))
    assert isinstance(found, Aged)
    assert found.numbers["drift_nu"].low == 0.0
    assert found.numbers["drift_nu"].high < 0.001
    assert any("No drift is resolved" in words for words in found.said)


def test_an_exponential_decay_is_retention(tmp_path: Path) -> None:
    t = np.linspace(0, 5000, 60)
    g = 1 + 8 * np.exp(-t / 1500) * (1 + 0.005 * np.random.default_rng(0).standard_normal(60))
    lines = ["Time (s),Conductance (uS)", *(f"{a:.1f},{b:.5f}" for a, b in zip(t, g, strict=True))]
    (tmp_path / "retention.csv").write_text("\n".join(lines) + "\n")
    found = read_file(tmp_path / "retention.csv")
    assert isinstance(found, Aged)
    number = found.numbers["retention"]
    assert number.low < 1500 < number.high
    assert number.value == pytest.approx(1500, rel=0.05)


def test_a_curve_over_time_that_goes_up_and_down_stays_a_train(tmp_path: Path) -> None:
    way = np.r_[np.linspace(2, 20, 30), np.linspace(19, 2, 30)]
    lines = ["time (s),G (uS)", *(f"{t * 2.0},{g:.4f}" for t, g in enumerate(way))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    assert set(read_pulses(tmp_path / "t.csv").polarity.tolist()) >= {1, -1}


def test_loops_that_close_have_failed_and_the_others_only_have_a_lower_end(tmp_path: Path) -> None:
    failed, sound = read_file(loops(tmp_path / "e.csv", 2e4)), read_file(loops(tmp_path / "s.csv", 1e9))
    assert isinstance(failed, Aged)
    assert isinstance(sound, Aged)
    life = failed.numbers["endurance"]
    assert life.low < 2 * 2e4 < life.high
    assert life.value == pytest.approx(4e4, rel=0.15)  # the first closed read after 20,000 cycles
    assert sound.numbers["endurance"].high == float("inf")
    assert sound.numbers["endurance"].low == pytest.approx(2e5 / 3.0, rel=0.01)  # -ln 0.05 = 3.0
    assert sound.numbers["g_max"].value == pytest.approx(1e-4, rel=0.03)
    assert sound.numbers["g_min"].value == pytest.approx(1e-6, rel=0.05)


def test_a_fit_of_pulses_refuses_them_with_the_command_that_takes_them(tmp_path: Path) -> None:
    for path in (traces(tmp_path / "retention.csv", (0.05,), 0), loops(tmp_path / "e.csv", 1e9)):
        with pytest.raises(DataError, match="pulse trains") as error:
            read_pulses(path)
        assert "--into my-device.toml" in error.value.do


def test_numbers_go_into_the_file_of_a_device_and_draws_stay(command: Command, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(DEVICE)
    traces(tmp_path / "retention.csv", (0.05, 0.06, 0.045), 0)
    told = command("device", "fit", "retention.csv", "--into", "my.toml", "--json").json
    assert told["written"] == ["drift_nu", "drift_t0", "sigma_drift_nu"]
    device = load_device(tmp_path / "my.toml")
    assert device.drift_nu == pytest.approx(told["drift_nu"], rel=1e-5)
    assert "retention in retention.csv; 95 % interval" in device.sources["drift_nu"].source
    loops(tmp_path / "e.csv", 1e9)
    told = command("device", "fit", "e.csv", "--into", "my.toml", "--json").json
    assert told["written"] == ["endurance"]  # the range is that of the pulses
    device = load_device(tmp_path / "my.toml")
    assert (device.endurance, device.g_max) == (pytest.approx(2e5), 20e-6)
    assert "endurance" in device.unconfirmed
    assert "[posterior]" in (tmp_path / "my.toml").read_text()
    refused = four_parts(command("device", "fit", "e.csv", "--into", "none.toml"))
    assert refused["where"] == "none.toml"


def test_loops_alone_become_a_binary_device(command: Command, tmp_path: Path) -> None:
    loops(tmp_path / "e.csv", 2e4)
    words = command("device", "fit", "e.csv", "-o", "cell.toml").out
    assert "the window between them" in words
    device = load_device(tmp_path / "cell.toml")
    assert (device.law, device.binary) == ("binary", True)
    assert device.endurance == pytest.approx(4e4, rel=0.15)


def test_an_explanation_fits_nothing(command: Command, tmp_path: Path) -> None:
    lines = ["Pulse,Potentiation (uS),Depression (uS)", *(f"{i},{2 + i},{30 - i}" for i in range(1, 20))]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    words = command("device", "fit", "p.csv", "--explain").out
    assert "LTP (G_S)" in words
    assert "Any line can be given" in words
    told = command("device", "fit", "p.csv", "--explain", "--json").json
    assert [column["meaning"] for column in told["columns"]] == ["pulse", "G_S", "G_S"]
    assert [column["branch"] for column in told["columns"]] == ["", "LTP", "LTD"]
    assert told["columns"][1]["first"] == ["3", "4", "5"]
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
