"""Columns beside measured ones that are none: currents of a gate, fits, spreads, states before a pulse, rows that came twice."""

# ruff: noqa: RUF001

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_pulse_layouts import BOTH, DOWN, PULSE, UP, VOLTS, N, lines, trains

from synarray import read_pulses
from synarray.lab.rows.measured import Measurements

INDEX = np.arange(1, 2 * N + 1)
LEAK = [f"{1e-12 * (1 + 0.2 * np.sin(k)):.4e}" for k in INDEX]
CURRENT = [f"{x * 1e-7:.5e}" for x in BOTH]
READ = [0.1] * 2 * N
OTHER = np.r_[trains(1.3, 1)].ravel()
SMOOTH = np.convolve(np.r_[BOTH[:1], BOTH, BOTH[-1:]], [0.25, 0.5, 0.25], "valid")
SMALL = 0.04 * BOTH


def read(text: str, folder: Path, encoding: str = "utf-8") -> Measurements:
    (folder / "measured.csv").write_bytes(text.encode(encoding))
    return read_pulses(folder / "measured.csv")


def one_device(found: Measurements) -> None:
    """Require the one device of 64 and 64 pulses that these files hold."""
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [N, N]
    assert len(found.devices) == 1
    np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=3e-4)


def unused(found: Measurements, *names: str) -> None:
    """Require that columns are said to be not used."""
    said = "; ".join(remark for remark in found.remarks if "not used: " in remark)
    assert [name for name in names if name not in said] == []


def beside(names: str) -> str:
    """Currents of one device beside those of something else."""
    return lines(f"Pulse,Vg pulse (V),Vd (V),{names}\n", INDEX, VOLTS, READ, CURRENT, LEAK)


CURRENTS = {
    "letters": (beside("Id (A),Ig (A)"), "Ig (A)"),
    "letters with marks": (beside("I_D (A),I_G (A)"), "I_G (A)"),
    "to the source": (beside("IDS (A),IGS (A)"), "IGS (A)"),
    "of the source": (beside("Id (A),Is (A)"), "Is (A)"),
    "words": (beside("Drain current (A),Gate current (A)"), "Gate current (A)"),
    "words behind": (beside("I_drain (A),I_gate (A)"), "I_gate (A)"),
    "German": (beside("Drainstrom (A),Gatestrom (A)"), "Gatestrom (A)"),
    "German, leakage": (beside("Strom (A),Leckstrom (A)"), "Leckstrom (A)"),
    "French": (beside("Courant de drain (A),Courant de grille (A)"), "Courant de grille (A)"),
    "French, leakage": (beside("Courant (A),Courant de fuite (A)"), "Courant de fuite (A)"),
    "Chinese": (beside("漏极电流 (A),栅极电流 (A)"), "栅极电流 (A)"),
    "Chinese, short": (beside("漏电流 (A),栅电流 (A)"), "栅电流 (A)"),
    "Chinese, leakage": (beside("电流 (A),漏电流 (A)"), "漏电流 (A)"),
    "leakage": (beside("I (A),I_leak (A)"), "I_leak (A)"),
    "noise": (beside("I (A),I_noise floor (A)"), "I_noise floor (A)"),
    "of both branches": (
        "Vds = 0.1 V\n" + lines("Pulse,LTP Id (A),LTP Ig (A),LTD Id (A),LTD Ig (A)\n", PULSE, CURRENT[:N], LEAK[:N],
                                CURRENT[N:], LEAK[N:]), "LTD Ig (A)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CURRENTS)
def test_the_current_of_a_gate_or_a_leakage_is_no_device(name: str, tmp_path: Path) -> None:
    text, other = CURRENTS[name]
    found = read(text, tmp_path)
    one_device(found)
    assert set(found.read_V.tolist()) == {0.1}
    unused(found, other)


def sides(*names: str) -> str:
    """LTP, something of it, LTD, something of it."""
    return lines(f"Pulse,{','.join(names)}\n", PULSE, UP, SMOOTH[:N], DOWN, SMOOTH[N:])


FITS = {
    "fit": sides("LTP exp (uS)", "LTP fit (uS)", "LTD exp (uS)", "LTD fit (uS)"),
    "fit behind": sides("LTP (uS)", "LTP_fit (uS)", "LTD (uS)", "LTD_fit (uS)"),
    "fit before": sides("LTP (uS)", "Fit LTP (uS)", "LTD (uS)", "Fit LTD (uS)"),
    "model": sides("LTP data (uS)", "LTP model (uS)", "LTD data (uS)", "LTD model (uS)"),
    "sim": sides("LTP (uS)", "LTP sim (uS)", "LTD (uS)", "LTD sim (uS)"),
    "theory": sides("LTP (uS)", "LTP theory (uS)", "LTD (uS)", "LTD theory (uS)"),
    "smoothed": sides("LTP (uS)", "LTP smoothed (uS)", "LTD (uS)", "LTD smoothed (uS)"),
    "filtered": sides("LTP raw (uS)", "LTP filtered (uS)", "LTD raw (uS)", "LTD filtered (uS)"),
    "interpolated": sides("LTP (uS)", "LTP interp. (uS)", "LTD (uS)", "LTD interpolated (uS)"),
    "normalised": sides("LTP (uS)", "LTP_normalised", "LTD (uS)", "LTD_normalised"),
    "predicted": sides("LTP (uS)", "predicted LTP (uS)", "LTD (uS)", "predicted LTD (uS)"),
    "German": sides("LTP Messung (uS)", "LTP Simulation (uS)", "LTD Messung (uS)", "LTD Simulation (uS)"),
    "German, smoothed": sides("LTP (uS)", "LTP geglättet (uS)", "LTD (uS)", "LTD geglättet (uS)"),
    "German, computed": sides("LTP (uS)", "LTP berechnet (uS)", "LTD (uS)", "LTD berechnet (uS)"),
    "French": sides("LTP mesure (uS)", "LTP ajustement (uS)", "LTD mesure (uS)", "LTD ajustement (uS)"),
    "Chinese": sides("LTP实验 (uS)", "LTP拟合 (uS)", "LTD实验 (uS)", "LTD拟合 (uS)"),
    "Chinese, normalised": sides("增强 (uS)", "增强归一化", "抑制 (uS)", "抑制归一化"),
    "one train, glued": lines("Pulse,G (uS),Gfit (uS)\n", INDEX, BOTH, SMOOTH),
    "one train, marked": lines("Pulse,G_meas (uS),G_fit (uS)\n", INDEX, BOTH, SMOOTH),
    "one train, words": lines("Pulse,Experiment (uS),Model (uS)\n", INDEX, BOTH, SMOOTH),
    "one train, guess": lines("Pulse,G (uS),Initial guess (uS)\n", INDEX, BOTH, SMOOTH),
    "residual": lines("Pulse,G (uS),residual (uS)\n", INDEX, BOTH, BOTH - SMOOTH),
    "fit and residual": lines("Pulse,G (uS),G fit (uS),Residuals (uS)\n", INDEX, BOTH, SMOOTH, BOTH - SMOOTH),
    "a fit of both branches": lines("Pulse,V,G (uS),LTP fit (uS),LTD fit (uS)\n", INDEX, VOLTS, BOTH, SMOOTH, SMOOTH),
    "a fit of another quantity": lines("Pulse,V,R (Mohm),G fit (uS)\n", INDEX, VOLTS, 1 / BOTH, SMOOTH),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_a_fit_or_a_computed_copy_is_no_measurement(name: str, tmp_path: Path) -> None:
    found = read(FITS[name], tmp_path)
    one_device(found)
    assert found.reads in (None, 0, 1)
    unused(found, FITS[name].split("\n")[0].split(",")[-1])


def spread(*names: str) -> str:
    """LTP, its spread, LTD, its spread."""
    return lines(f"Pulse,{','.join(names)}\n", PULSE, UP, SMALL[:N], DOWN, SMALL[N:])


SPREADS = {
    "uncertainty": spread("LTP (uS)", "LTP uncertainty (uS)", "LTD (uS)", "LTD uncertainty (uS)"),
    "German": spread("LTP (uS)", "Streuung LTP (uS)", "LTD (uS)", "Streuung LTD (uS)"),
    "French": spread("LTP (uS)", "Incertitude LTP (uS)", "LTD (uS)", "Incertitude LTD (uS)"),
    "Chinese": spread("LTP (uS)", "LTP不确定度 (uS)", "LTD (uS)", "LTD不确定度 (uS)"),
    "sigma": spread("LTP (uS)", "σ_LTP (uS)", "LTD (uS)", "σ_LTD (uS)"),
    "s": spread("G_LTP (uS)", "s_LTP (uS)", "G_LTD (uS)", "s_LTD (uS)"),
    "s of G": spread("G_LTP (uS)", "s(G_LTP) (uS)", "G_LTD (uS)", "s(G_LTD) (uS)"),
    "u": spread("G_LTP (uS)", "u(G_LTP) (uS)", "G_LTD (uS)", "u(G_LTD) (uS)"),
    "a quartile": spread("LTP (uS)", "LTP q25 (uS)", "LTD (uS)", "LTD q25 (uS)"),
    "a quartile of a mean": spread("LTP mean (uS)", "LTP Q1 (uS)", "LTD mean (uS)", "LTD Q1 (uS)"),
    "a percentile": spread("LTP (uS)", "LTP 25th percentile (uS)", "LTD (uS)", "LTD p25 (uS)"),
    "a bound": spread("LTP (uS)", "LTP lower (uS)", "LTD (uS)", "LTD upper (uS)"),
    "plus and minus": spread("LTP (uS)", "LTP+/- (uS)", "LTD (uS)", "LTD+/- (uS)"),
    "plus and minus in one": spread("LTP (uS)", "LTP ± (uS)", "LTD (uS)", "± LTD (uS)"),
}


@pytest.mark.parametrize("name", SPREADS)
def test_a_spread_under_any_word_is_no_device(name: str, tmp_path: Path) -> None:
    found = read(SPREADS[name], tmp_path)
    one_device(found)
    unused(found, SPREADS[name].split("\n")[0].split(",")[-1])


TWO = {
    "letters": lines("Pulse,V,Vread (V),Ia (A),Ig (A)\n", INDEX, VOLTS, READ, CURRENT, [f"{x * 1e-7:.5e}" for x in OTHER]),
    "two gates": lines("Pulse,V,Vread (V),Gate 1 I (A),Gate 2 I (A)\n", INDEX, VOLTS, READ, CURRENT,
                       [f"{x * 1e-7:.5e}" for x in OTHER]),
    "models": lines("Pulse,V,Model A (uS),Model B (uS)\n", INDEX, VOLTS, BOTH, OTHER),
    "fits alone": lines("Pulse,V,D1 fit (uS),D2 fit (uS)\n", INDEX, VOLTS, BOTH, OTHER),
    "names with p and s": lines("Pulse,V,P1 (uS),S2 (uS)\n", INDEX, VOLTS, BOTH, OTHER),
    "transistors": lines("Pulse,V,Q1 (uS),Q2 (uS)\n", INDEX, VOLTS, BOTH, OTHER),
    "s and t": lines("Pulse,V,Device s (uS),Device t (uS)\n", INDEX, VOLTS, BOTH, OTHER),
    "fits beside": lines("Pulse,V,D1 (uS),D1 fit (uS),D2 (uS),D2 fit (uS)\n", INDEX, VOLTS, BOTH, SMOOTH, OTHER, OTHER),
    "spreads beside": lines("Pulse,V,D1 (uS),u(D1) (uS),D2 (uS),u(D2) (uS)\n", INDEX, VOLTS, BOTH, SMALL, OTHER, SMALL),
    "gates beside": lines("Pulse,V,Vread (V),Id1 (A),Ig1 (A),Id2 (A),Ig2 (A)\n", INDEX, VOLTS, READ, CURRENT, LEAK,
                          [f"{x * 1e-7:.5e}" for x in OTHER], LEAK),
}  # fmt: skip


@pytest.mark.parametrize("name", TWO)
def test_two_devices_stay_two(name: str, tmp_path: Path) -> None:
    found = read(TWO[name], tmp_path)
    assert (len(found.devices), np.count_nonzero(found.polarity)) == (2, 4 * N)
    np.testing.assert_allclose(found.G_S, np.r_[BOTH, OTHER] * 1e-6, rtol=3e-4)


def test_a_conductance_computed_of_currents_is_read(tmp_path: Path) -> None:
    found = read(lines("Pulse,V,I (A),G calculated (uS)\n", INDEX, VOLTS, CURRENT, BOTH), tmp_path)
    one_device(found)


def test_a_current_of_the_gate_alone_is_read(tmp_path: Path) -> None:
    found = read(lines("Pulse,Vp (V),Vread (V),Gate current (A)\n", INDEX, VOLTS, READ, CURRENT), tmp_path)
    one_device(found)


BEFORE = np.r_[2.0, BOTH[:-1]]
AGAIN = BEFORE * (1 + 0.002 * np.random.default_rng(5).standard_normal(2 * N))
"""The state before each pulse as a read of its own."""


def pair(names: str, before: np.ndarray, after: np.ndarray = BOTH) -> str:
    return lines(f"Pulse,V,{names}\n", INDEX, VOLTS, before, after)


STATES = {
    "numbers": pair("G_n (uS),G_n+1 (uS)", BEFORE),
    "numbers, read twice": pair("G_n (uS),G_n+1 (uS)", AGAIN),
    "numbers from the one before": pair("G_n-1 (uS),G_n (uS)", BEFORE),
    "numbers from the one before, read twice": pair("G_n-1 (uS),G_n (uS)", AGAIN),
    "old and new": pair("G_old (uS),G_new (uS)", BEFORE),
    "old and new, read twice": pair("G_old (uS),G_new (uS)", AGAIN),
    "German": pair("G alt (uS),G neu (uS)", AGAIN),
    "German, words": pair("G vorher (uS),G nachher (uS)", AGAIN),
    "Chinese": pair("旧电导 (uS),新电导 (uS)", AGAIN),
    "0 and 1": pair("G0 (uS),G1 (uS)", BEFORE),
    "0 and 1, read twice": pair("G0 (uS),G1 (uS)", AGAIN),
    "start and end": pair("G_start (uS),G_end (uS)", AGAIN),
    "i and f": pair("Gi (uS),Gf (uS)", AGAIN),
    "the one after first": pair("G_f (uS),G_i (uS)", BOTH, BEFORE),
    "letters that are none": pair("G_a (uS),G_b (uS)", BEFORE),
    "resistances": pair("R0 (Mohm),R1 (Mohm)", 1 / BEFORE, 1 / BOTH),
    "beside a change": lines("Pulse,V,G_i (uS),G_f (uS),ΔG (uS)\n", INDEX, VOLTS, BEFORE, BOTH, BOTH - BEFORE),
    "both branches": lines("Pulse,LTP_i (uS),LTP_f (uS),LTD_i (uS),LTD_f (uS)\n", PULSE, BEFORE[:N], UP, BEFORE[N:], DOWN),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_the_state_before_a_pulse_is_no_device(name: str, tmp_path: Path) -> None:
    found = read(STATES[name], tmp_path)
    one_device(found)
    assert any("the state before each pulse; that after it is used" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    "names", ["G0 (uS),G1 (uS)", "G1 (uS),G2 (uS)", "Device old (uS),Device new (uS)", "G_i (uS),G_j (uS)"]
)
@pytest.mark.parametrize("scale", [1.0, 1.02, 1.3])
def test_devices_with_names_of_states_stay_devices(names: str, scale: float, tmp_path: Path) -> None:
    other = np.r_[trains(scale, 1)].ravel()
    found = read(pair(names, BOTH, other), tmp_path)
    assert len(found.devices) == 2 or found.reads == 2


def test_three_devices_with_numbers_stay_devices(tmp_path: Path) -> None:
    found = read(lines("Pulse,V,G0 (uS),G1 (uS),G2 (uS)\n", INDEX, VOLTS, BOTH, OTHER, 1.2 * OTHER), tmp_path)
    assert len(found.devices) == 3


TWICE = [*np.repeat(INDEX, 2)]
OHMS = np.repeat(BOTH, 2)
COPIES = {
    "voltages": lines("Pulse,Vp (V),G (uS)\n", TWICE, np.repeat(VOLTS, 2), OHMS),
    "polarities": lines("Pulse,Polarity,G (uS)\n", TWICE, np.repeat(np.sign(VOLTS), 2), OHMS),
    "numbers that start again": lines("Pulse,Polarity,G (uS)\n", [*np.repeat(PULSE, 2)] * 2, np.repeat(np.sign(VOLTS), 2), OHMS),
    "times": lines("Time (s),Pulse,Vp (V),G (uS)\n", np.arange(4 * N) / 10, TWICE, np.repeat(VOLTS, 2), OHMS),
    "no polarity": lines("Pulse,G (uS)\n", TWICE, OHMS),
    "resistances": lines("Pulse,V,R (Mohm)\n", TWICE, np.repeat(VOLTS, 2), 1 / OHMS),
    "some rows": lines("Pulse,V,G (uS)\n", *(np.r_[x[:40], np.repeat(x[40:], 2)] for x in (INDEX, VOLTS, BOTH))),
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_rows_that_came_twice_are_one_pulse(name: str, tmp_path: Path) -> None:
    found = read(COPIES[name], tmp_path)
    one_device(found)
    assert found.discarded == {"duplicated row": 88 if name == "some rows" else 2 * N}


def test_blocks_with_equal_conductances_keep_their_rows(tmp_path: Path) -> None:
    """A number that counts blocks repeats with other conductances, some of them equal."""
    coarse = np.round(BOTH)
    found = read(lines("Pulse,V,G (uS)\n", np.repeat([1, 2, 3, 4], N // 2), VOLTS, coarse), tmp_path)
    assert np.count_nonzero(found.polarity) == 2 * N


def read_at(volts: list[float], slope: float = 0.0, head: str = "Pulse,Vp (V),Vread (V),I (nA)") -> str:
    """Each state read at several voltages, the conductance larger by a share at larger ones."""
    k = len(volts)
    v = np.tile(volts, 2 * N)
    current = np.repeat(BOTH, k) * v * 1e3 * (1 + slope * (np.abs(v) - 0.1))
    return lines(f"{head}\n", np.repeat(INDEX, k), np.repeat(VOLTS, k), v, current)


@pytest.mark.parametrize(
    ("volts", "slope"),
    [([0.1, 0.2], 0.0), ([0.1, -0.1], 0.0), ([0.2, 0.1], 0.5), ([0.1, 0.11], 0.5), ([0.1, 0.2, 0.3], 1.0),
     ([-0.2, -0.1, 0.1], 1.0)],
)  # fmt: skip
def test_of_reads_at_several_voltages_those_at_the_smallest_are_used(
    volts: list[float], slope: float, tmp_path: Path
) -> None:
    found = read(read_at(volts, slope), tmp_path)
    one_device(found)
    assert (set(np.abs(found.read_V).tolist()), found.reads) == ({0.1}, 1)
    assert any(f"each state was read at {len(volts)} voltages" in remark for remark in found.remarks)


def test_reads_of_ltp_and_ltd_at_other_voltages_are_all_used(tmp_path: Path) -> None:
    volts = np.where(VOLTS > 0, 0.1, 0.2)
    one_device(read(lines("Pulse,V,Vread (V),I (uA)\n", INDEX, VOLTS, volts, BOTH * volts), tmp_path))


def two_voltages(names: str, places: tuple[int, ...], second: float = 0.2, other: np.ndarray = OTHER) -> str:
    columns = [[0.1] * 2 * N, BOTH * 100, [second] * 2 * N, other * 1000 * second]
    return lines(f"Pulse,Vp (V),{names}\n", INDEX, VOLTS, *(columns[k] for k in places))


VOLTAGES = {
    "in turn": two_voltages("Vread1 (V),I1 (nA),Vread2 (V),I2 (nA)", (0, 1, 2, 3)),
    "currents first": two_voltages("I1 (nA),Vread1 (V),I2 (nA),Vread2 (V)", (1, 0, 3, 2)),
    "by their numbers": two_voltages("Vread1 (V),Vread2 (V),I1 (nA),I2 (nA)", (0, 2, 1, 3)),
    "no voltages of pulses": lines(
        "Pulse,Vread1 (V),I1 (nA),Vread2 (V),I2 (nA)\n", INDEX, READ, BOTH * 100, [0.2] * 2 * N, OTHER * 200
    ),
    "called alike": two_voltages("Vread (V),D1 current (nA),Vread (V),D2 current (nA)", (0, 1, 2, 3)),
}


@pytest.mark.parametrize("name", VOLTAGES)
def test_each_current_is_divided_by_its_own_read_voltage(name: str, tmp_path: Path) -> None:
    found = read(VOLTAGES[name], tmp_path)
    assert len(found.devices) == 2
    for device, (values, volts) in enumerate(((BOTH, 0.1), (OTHER, 0.2))):
        mine = found.device_id == device
        np.testing.assert_allclose(found.G_S[mine], values * 1e-6, rtol=3e-4)
        assert set(found.read_V[mine].tolist()) == {volts} or name == "no voltages of pulses"
    assert any("divided by its own read voltage" in remark for remark in found.remarks)


def test_reads_of_one_state_with_their_own_voltages_are_averaged(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    seen = BOTH * (1 + 0.01 * rng.standard_normal(2 * N))
    found = read(two_voltages("Vread1 (V),I1 (nA),Vread2 (V),I2 (nA)", (0, 1, 2, 3), other=seen), tmp_path)
    assert (len(found.devices), found.reads, len(found)) == (1, 2, 2 * N)
    np.testing.assert_allclose(found.G_S, BOTH * 1e-6, rtol=0.03)


def test_one_read_voltage_for_two_currents_is_used_for_both(tmp_path: Path) -> None:
    found = read(lines("Pulse,V,Vread (V),I1 (nA),I2 (nA)\n", INDEX, VOLTS, READ, BOTH * 100, OTHER * 100), tmp_path)
    np.testing.assert_allclose(found.G_S, np.r_[BOTH, OTHER] * 1e-6, rtol=3e-4)
