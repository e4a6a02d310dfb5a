"""Files as laboratories of other countries, programs and spreadsheets leave them: once read wrong, or refused without need."""

# ruff: noqa: RUF001

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from test_pulse_layouts import BOTH, DOWN, PULSE, UP, VOLTS, N, lines, trains

from synarray import read_pulses
from synarray.errors import DataError
from synarray.lab.formats import explain_file, read_file
from synarray.lab.rows.measured import Measurements
from synarray.lab.traces.retention import Aged

INDEX = np.arange(1, 2 * N + 1)
CURRENT = [f"{x * 1e-7:.5e}" for x in BOTH]
THREE = [np.r_[trains(1 + 0.2 * k, k)].ravel() for k in range(3)]


WIDE = str.maketrans("0123456789.", "０１２３４５６７８９．")


def comma(values: object) -> list[str]:
    return [f"{x:.5g}".replace(".", ",") for x in np.asarray(values).tolist()]


def suffixed(values: object) -> list[str]:
    """Microsiemens as circuit simulators write them: 850n, 3.4u."""
    return [f"{1e3 * x:.6g}n" if x < 5 else f"{x:.6g}u" for x in np.asarray(values).tolist()]


def row(name: str, values: object, separator: str = ",") -> str:
    return separator.join([name, *(f"{x:.6g}" for x in np.asarray(values).tolist())]) + "\n"


ONE_DEVICE = {
    "Russian, Windows-1251": (
        lines("Номер импульса;Потенциация, мкСм;Депрессия, мкСм\n", PULSE, comma(UP), comma(DOWN), separator=";"), "cp1251"),
    "Russian, KOI8": (lines("Номер импульса;Проводимость, мкСм\n", INDEX, comma(BOTH), separator=";"), "koi8-r"),
    "Russian, an instrument's lines": (
        "Образец: HfO2-5;;\nНапряжение считывания: 0,1 В;;\n"
        + lines("№;Напряжение импульса, В;Ток, А\n", INDEX, comma(VOLTS), CURRENT, separator=";").replace(".", ","), "cp1251"),
    "Russian, resistances": (
        lines("№ импульса;Сопротивление при потенциации, кОм;Сопротивление при депрессии, кОм\n",
              PULSE, comma(1e3 / UP), comma(1e3 / DOWN), separator=";"), "cp1251"),
    "Chinese, few words among numbers": (row("增强(μS)", UP) + row("抑制(μS)", DOWN), "gb18030"),
    "Chinese, Latin letters beside": (
        "读取电压：0.1 V\n" + lines("脉冲序号,LTP电流(nA),LTD电流(nA)\n", PULSE, UP * 100, DOWN * 100), "utf-16"),
    "Chinese, Big5": (lines("脈衝次數,增強電導(μS),抑制電導(μS)\n", PULSE, UP, DOWN), "big5"),
    "Korean, read voltage behind the unit": (
        lines("펄스 번호,강화 전류(nA)@0.1V,약화 전류(nA)@0.1V\n", PULSE, UP * 100, DOWN * 100), "cp949"),
    "Korean, a unit in one character": (lines("펄스 번호,저항(㏀)\n", INDEX, 1e3 / BOTH), "cp949"),
    "Polish, other words for the branches": (
        lines("Nr impulsu;Wzmocnienie LTP (µS);Osłabienie LTD (µS)\n", PULSE, comma(UP), comma(DOWN), separator=";"), "cp1250"),
    "prefixes in cells": (lines("Pulse,LTP,LTD\n", PULSE, suffixed(UP), suffixed(DOWN)), "ascii"),
    "prefixes in cells, the unit in the name": (
        lines("Pulse,LTP (uS),LTD (uS)\n", PULSE, suffixed(UP), suffixed(DOWN)), "ascii"),
    "prefixes of resistances": (lines("Pulse,V,R\n", INDEX, VOLTS, [f"{1e3 / x:.6g}k" for x in BOTH]), "ascii"),
    "units in cells, another in the name": (
        lines("Pulse,LTP (nS),LTD (nS)\n", PULSE, *([f"{x:.5f} uS" for x in s] for s in (UP, DOWN))), "ascii"),
    "units in cells, decimal commas": (lines("Pulse;G\n", INDEX, [f"{x}\u00a0µS" for x in comma(BOTH)], separator=";"), "utf-8"),
    "powers of ten": (lines("Pulse,LTP (S),LTD (S)\n", PULSE, *([f"{x:.5f}x10^-6" for x in s] for s in (UP, DOWN))), "ascii"),
    "digits as wide as characters": (
        lines("脉冲,电导(μS)\n", INDEX, [f"{x:.4f}" for x in BOTH]).translate(WIDE), "utf-8"),
    "letters for the branches": (lines("n,G_p (uS),G_d (uS)\n", PULSE, UP, DOWN), "ascii"),
    "x of each branch, both rising": (
        lines("xLTP\tGLTP (uS)\txLTD\tGLTD (uS)\n", PULSE / N, UP, PULSE / N, DOWN[::-1], separator="\t"), "ascii"),
    "MATLAB": (
        "% device A\nLTP = [" + row("", UP * 1e-6, " ")[:-1] + "];\nLTD = [" + row("", DOWN * 1e-6, " ")[:-1] + "];\n", "ascii"),
    "Python": (
        "ltp = np.array([" + row("", UP * 1e-6)[1:-1] + "])\nltd = np.array([" + row("", DOWN * 1e-6)[1:-1] + "])\n", "ascii"),
    "YAML": ("ltp: [" + row("", UP * 1e-6)[1:-1] + "]\nltd: [" + row("", DOWN * 1e-6)[1:-1] + "]\n", "ascii"),
    "the same twice": (lines("Pulse,G (uS),Conductance (S),V\n", INDEX, BOTH, BOTH * 1e-6, VOLTS), "ascii"),
    "flags for the branches": (
        lines("pulse,SET,RESET,G (uS)\n", INDEX, np.int64(VOLTS > 0), np.int64(VOLTS < 0), BOTH), "ascii"),
    "a Keithley's buffer": (
        lines("Reading,Unit,Range Digits,Source,Source Unit\n", CURRENT,
              *([x] * 2 * N for x in ("Amp DC", 5, 0.1, "Volt DC"))),
        "ascii"),
    "Igor": ("IGOR\nWAVES/D\tpulse\tG_uS\nBEGIN\n" + lines("", [""] * 2 * N, INDEX, BOTH, separator="\t") + "END\n", "ascii"),
    "a sentence says the read voltage": (
        "% read at 0.1 V\n" + lines("% pulse current/A\n", INDEX, CURRENT, separator="  "), "ascii"),
    "a polarity above blank cells": (
        lines("Branch,Pulse,G (uS)\n", ["LTP", *[""] * (N - 1), "LTD", *[""] * (N - 1)], [*PULSE] * 2, BOTH), "ascii"),
    "settings beside the object": (
        json.dumps({"meta": {"device": "D1"}, "ltp": (UP * 1e-6).tolist(), "ltd": (DOWN * 1e-6).tolist()}), "ascii"),
    "mean and spread beneath": (
        lines("Pulse,G (uS)\n", [*INDEX, "Mean", "SD"], [*BOTH, BOTH.mean(), BOTH.std()]), "ascii"),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_DEVICE)
def test_one_device_of_64_and_64_pulses(name: str, tmp_path: Path) -> None:
    text, encoding = ONE_DEVICE[name]
    (tmp_path / "measured.txt").write_bytes(text.encode(encoding))
    found = read_pulses(tmp_path / "measured.txt")
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [N, N]
    assert len(found.devices) == 1
    np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=3e-4)
    if "电流" in text or "@0.1V" in text or "Ток" in text or "read at" in text or "Source Unit" in text:
        assert set(found.read_V.tolist()) == {0.1}


def melted(head: str, *identities: list[object], separator: str = ",") -> str:
    """Three devices, a row to a pulse, with what tells them in front."""
    columns = [[name for name in names for _ in INDEX] for names in identities]
    signs = np.sign(VOLTS).astype(int)
    return lines(f"{head}\n", *columns, [*INDEX] * 3, [*signs] * 3, np.concatenate(THREE), separator=separator)


DEVICES = {
    "a mean and a spread beside": (
        lines("Pulse,Device 1 (uS),Device 2 (uS),Device 3 (uS),Mean (uS),SD (uS)\n", INDEX, *THREE,
              np.mean(THREE, 0), np.std(THREE, 0)), 3),
    "mean and spread beneath": (
        lines("Pulse,D1 (uS),D2 (uS),D3 (uS)\n", [*INDEX, "Mean", "SD"], *([*x, x.mean(), x.std()] for x in THREE)), 3),
    "columns that are numbered": (lines("Pulse,1,2,3\n,uS,uS,uS\n", INDEX, *THREE), 3),
    "names above blank cells": (
        lines("Device,Pulse,Polarity,G (uS)\n", chain(*([f"D{k}", *[""] * (2 * N - 1)] for k in range(3))), [*INDEX] * 3,
              [*np.sign(VOLTS).astype(int)] * 3, np.concatenate(THREE)), 3),
    "places in brackets": (melted("Position;pulse;polarity;G (uS)", ["(0,1)", "(0,2)", "(1,1)"], separator=";"), 3),
    "names of files": (melted("file,pulse,polarity,G (uS)", ["a.csv", "b.csv", "c.csv"]), 3),
    "a word nobody listed": (melted("Coupon,pulse,polarity,G (uS)", ["left", "mid", "right"]), 3),
    "names that end like prefixes": (melted("Device,pulse,polarity,G (uS)", ["1u", "2u", "5k"]), 3),
    "two words": (melted("Die,Structure,pulse,polarity,G (uS)", ["A", "A", "B"], ["s1", "s2", "s1"]), 3),
    "cycles in words": (melted("Device,Cycle,pulse,polarity,G (uS)", ["D1", "D1", "D2"], ["cycle 1", "cycle 2", "cycle 1"]), 2),
    "blocks with titles": (
        "".join(f"Device {k}\n" + lines("Pulse,LTP (uS),LTD (uS)\n", PULSE, x[:N], x[N:]) for k, x in enumerate(THREE)), 3),
    "rows of cycles": (
        "".join(row(f"LTP {k + 1}:", x[:N] * 1e-6, " ") + row(f"LTD {k + 1}:", x[N:] * 1e-6, " ")
                for k, x in enumerate(THREE)), 1),
    "rows of device and cycle": (
        "Device,Cycle,Branch\n"
        + "".join(row(f"D{k},1,LTP", x[:N] * 1e-6) + row(f"D{k},1,LTD", x[N:] * 1e-6) for k, x in enumerate(THREE)), 3),
    "rows of numbered reads beneath their units": (
        "Cycle," + ",".join(f"{b}{i}" for b in "PD" for i in PULSE) + "\n" + ",uS" * 2 * N + "\n"
        + "".join(row(str(k), x) for k, x in enumerate(THREE)), 1),
    "records one after the other": (
        "\n".join(f"SetupTitle,LTP\nTestParameter,Bias.Source,0.1,0\nDimension1,{2 * N},{2 * N},{2 * N}\n"
                  + lines("DataName, Time, V1, I1\n", ["DataValue"] * 2 * N, INDEX, [0.1] * 2 * N, x * 1e-7, separator=", ")
                  for x in THREE), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", DEVICES)
def test_devices_and_cycles_are_kept_apart(name: str, tmp_path: Path) -> None:
    text, devices = DEVICES[name]
    (tmp_path / "measured.txt").write_text(text, "utf-8")
    found = read_pulses(tmp_path / "measured.txt")
    assert (len(found.devices), np.count_nonzero(found.polarity)) == (devices, 6 * N)
    trains_of = len({*zip(found.device_id.tolist(), found.cycle.tolist(), strict=True)})
    assert trains_of == 3
    np.testing.assert_allclose(np.sort(found.G_S), np.sort(np.concatenate(THREE)) * 1e-6, rtol=2e-4)


def test_names_that_change_beyond_the_first_rows_are_kept_apart(tmp_path: Path) -> None:
    n = 400
    curve = np.r_[np.linspace(1, 9, n), np.linspace(9, 1, n)]
    text = lines("Coupon,Pulse,V,G (uS)\n", ["a"] * 2 * n + ["b"] * 2 * n, [*range(1, 2 * n + 1)] * 2,
                 [*([1] * n + [-1] * n)] * 2, np.r_[curve, 2 * curve])  # fmt: skip
    (tmp_path / "long.csv").write_text(text, "ascii")
    found = read_pulses(tmp_path / "long.csv")
    assert found.devices == ("a", "b")
    assert any("'Coupon' was read as the name of the device" in remark for remark in found.remarks)


@pytest.mark.parametrize("head", ["R_LTP (kohm),R_LTD (kohm)", "LTP (uS),LTD (uS)"])
def test_zeros_that_fill_a_column_up_are_no_reads(head: str, tmp_path: Path) -> None:
    """But a train that falls to zero, in steps of its last digit, keeps its zeros."""
    short, turn = UP[:40], (lambda x: 1e3 / x) if "kohm" in head else (lambda x: x)
    text = lines(f"Pulse,{head}\n", PULSE, [*turn(short), *[0] * (N - 40)], turn(DOWN))
    (tmp_path / "padded.csv").write_text(text, "ascii")
    found = read_pulses(tmp_path / "padded.csv")
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [40, N]
    assert found.discarded == {"0 that fills a column up": N - 40}
    down = np.round(10 * np.exp(-PULSE / 8), 1)
    (tmp_path / "zero.csv").write_text(lines("Pulse,LTP (nS),LTD (nS)\n", PULSE, np.round(10 - down, 1), down), "ascii")
    assert int(np.count_nonzero(read_pulses(tmp_path / "zero.csv").polarity < 0)) == N


def test_reads_that_are_counted_make_no_pulses(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    seen = np.repeat(BOTH, 5) * (1 + 0.02 * rng.standard_normal(10 * N))
    text = lines("state,V,read,G (uS)\n", np.repeat(INDEX, 5), np.repeat(VOLTS, 5), [*range(1, 6)] * 2 * N, seen)
    (tmp_path / "reads.csv").write_text(text, "ascii")
    found = read_pulses(tmp_path / "reads.csv")
    assert (len(found), found.reads) == (2 * N, 5)
    assert found.read_noise == pytest.approx(0.02, rel=0.15)


def test_an_infinite_resistance_is_an_overflow(tmp_path: Path) -> None:
    ohms = [f"{1e3 / x:.6g}" for x in BOTH]
    ohms[10] = ohms[100] = "Inf"
    (tmp_path / "over.csv").write_text(lines("Pulse,V,R (kohm)\n", INDEX, VOLTS, ohms), "ascii")
    found = read_pulses(tmp_path / "over.csv")
    assert sum(found.discarded.values()) == 2
    assert found.G_S.min() > 1e-6


def test_trains_in_rows_of_a_sheet_and_merged_names_are_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    sheets = {
        "rows": [["LTP (uS)", *UP.tolist()], ["LTD (uS)", *DOWN.tolist()]],
        "merged": [["Sample A", None, None], ["Pulse", "Conductance (uS)", None], [None, "LTP", "LTD"],
                   *map(list, zip(PULSE.tolist(), UP.tolist(), DOWN.tolist(), strict=True))],
    }  # fmt: skip
    for title, rows in sheets.items():
        book = openpyxl.Workbook()
        for cells in rows:
            book.active.append(cells)
        book.save(tmp_path / f"{title}.xlsx")
        found = read_pulses(tmp_path / f"{title}.xlsx")
        np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=1e-4, err_msg=title)


F = np.logspace(0, 6, 61)
SWEEP = np.r_[np.arange(0, 1, 0.05), np.arange(1, -1, -0.05), np.arange(-1, 0, 0.05)]
GATE = np.arange(-20, 20, 0.5)
NO_TRAINS = {
    "impedance": (lines("Frequency (Hz),Z' (ohm),Z'' (ohm)\n", F, 1e3 + 1e5 / (1 + F), F), "a spectrum"),
    "capacitance": (lines("Bias (V),C (F),G (S)\n", SWEEP[:40], SWEEP[:40] ** 2, 1e-6 * (2 + SWEEP[:40])), "a sweep of the bias"),
    "temperature": (lines("T (K),G (uS)\n", np.arange(300, 400, 2), np.exp(np.arange(50) / 25)), "a sweep of the temperature"),
    "distribution": (
        lines("R_LRS (ohm),CDF\n", np.sort(5e3 + 500 * np.sin(np.arange(50))), np.arange(1, 51) / 50), "a distribution"),
    "histogram": (lines("Bin (uS),Count\n", np.arange(0, 10, 0.2), [*range(50)]), "a histogram"),
    "transfer": (lines("Vg (V),Id (A),Vd (V)\n", GATE, 10 ** (GATE / 8 - 9), [0.1] * 80), "a transfer curve"),
    "output": (lines("Vd (V),Id@Vg=0V (A),Id@Vg=5V (A)\n", SWEEP[:20], SWEEP[:20] * 1e-6, SWEEP[:20] * 2e-6), "an output curve"),
    "sweep without names": (lines("", SWEEP, 1e-6 * np.sinh(2 * SWEEP), separator="\t"), "a sweep"),
    "a row per device": (lines("Device,Vset (V),Ron (ohm),Roff (ohm)\n", range(1, 41), 1 + 0.1 * np.sin(np.arange(40)),
                               5e3 + np.arange(40), 1e5 + np.arange(40)), "a row for each"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_TRAINS)
def test_what_has_no_pulses_is_called_by_its_name(name: str, tmp_path: Path) -> None:
    text, says = NO_TRAINS[name]
    (tmp_path / "other.csv").write_text(text, "utf-8")
    with pytest.raises(DataError) as error:
        read_file(tmp_path / "other.csv")
    assert says in error.value.got
    assert "first rows: " in error.value.got
    assert explain_file(tmp_path / "other.csv").said[0].startswith("It would be refused")


def test_states_in_rows_are_endurance_of_each_device(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cycle = np.repeat(np.unique(np.rint(np.logspace(0, 5, 40))), 2)
    ohms = np.tile([5e3, 1e5], len(cycle) // 2) * (1 + 0.05 * rng.standard_normal(len(cycle)))
    states = ["LRS", "HRS"] * (len(cycle) // 2)
    both = [*cycle, *cycle], states * 2, [*ohms, *ohms]
    text = lines("Device,Cycle,State,R (ohm)\n", ["a"] * len(cycle) + ["b"] * len(cycle), *both)
    (tmp_path / "loops.csv").write_text(text, "ascii")
    found = read_file(tmp_path / "loops.csv")
    assert isinstance(found, Aged)
    assert found.kind == "endurance"
    assert found.said[0].startswith("2 cells, 0 failed; 400,000 pulses")


def test_values_that_change_little_in_frequency_or_temperature_are_trains(tmp_path: Path) -> None:
    kelvin = 298 + 0.01 * np.sin(INDEX)
    (tmp_path / "a.csv").write_text(
        lines("pulse,frequency (kHz),T (K),G (uS)\n", INDEX, [10] * 2 * N, kelvin, BOTH), "ascii"
    )
    found = read_file(tmp_path / "a.csv")
    assert isinstance(found, Measurements)
    assert np.count_nonzero(found.polarity) == 2 * N
