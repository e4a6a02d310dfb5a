"""Devices and cycles that sheets, lines between blocks, and names of columns tell apart, each written as laboratories keep it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from test_pulse_layouts import PULSE, VOLTS, N, lines, trains

from synarray import read_pulses
from synarray.errors import DataError
from synarray.lab.rows.measured import Measurements

INDEX = np.arange(1, 2 * N + 1)
SEVERAL = [trains(1 + 0.2 * k, k) for k in range(9)]
WHOLE = [np.r_[pair].ravel() for pair in SEVERAL]
Sheet = Sequence[Sequence[object]]


def sheet(head: Sequence[str], *columns: Sequence[float]) -> Sheet:
    return [head, *(tuple(map(float, row)) for row in zip(*columns, strict=True))]


def workbook(path: Path, sheets: dict[str, Sheet]) -> Measurements:
    book = pytest.importorskip("openpyxl").Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(list(row))
    book.save(path / "measured.xlsx")
    return read_pulses(path / "measured.xlsx")


def of_text(path: Path, text: str, name: str = "measured.csv") -> Measurements:
    (path / name).write_text(text, encoding="utf-8")
    return read_pulses(path / name)


def require(found: Measurements, truth: Sequence[Sequence[np.ndarray]]) -> None:
    """Compare with a list of devices, each a list of its cycles of LTP and LTD, in uS."""
    assert len(found.devices) == len(truth), found.devices
    for code, cycles in enumerate(truth):
        mine = (found.device_id == code) & (found.polarity != 0)
        assert len(np.unique(found.cycle[found.device_id == code])) == len(cycles)
        np.testing.assert_allclose(found.G_S[mine], np.concatenate(cycles) * 1e-6, rtol=3e-4)


def said(found: Measurements) -> str:
    return "; ".join((*found.remarks, *found.repairs, *found.discarded))


TITLES = {
    "branch before device": ("LTP_dev{}", "LTD_dev{}"),
    "device before branch": ("Device{} LTP", "Device{} LTD"),
    "short words": ("D{} pot", "D{} dep"),
    "German": ("Bauteil {} Potenzierung", "Bauteil {} Depression"),
    "French": ("Cellule {} potentialisation", "Cellule {} dépression"),
    "Chinese": ("器件{} 增强", "器件{} 抑制"),
    "bare numbers": ("LTP {}", "LTD {}"),
    "program and erase": ("Cell {} Program", "Cell {} Erase"),
}


@pytest.mark.parametrize("kind", TITLES)
def test_sheets_of_a_device_and_a_branch_are_devices(kind: str, tmp_path: Path) -> None:
    sheets = {
        title.format(k + 1): sheet(("Pulse", "G (uS)"), PULSE, SEVERAL[k][side])
        for k in range(3) for side, title in enumerate(TITLES[kind])
    }  # fmt: skip
    found = workbook(tmp_path, sheets)
    require(found, [[WHOLE[k]] for k in range(3)])
    assert "LTP of device" in said(found)
    assert ("numbers behind LTP and LTD" in said(found)) == (kind == "bare numbers")


def test_sheets_of_branches_in_another_order_and_without_ltd_are_devices(tmp_path: Path) -> None:
    head = ("Pulse", "G (uS)")
    sheets = {
        f"{name} dev{k}": sheet(head, PULSE, SEVERAL[k][s]) for s, name in enumerate(("LTP", "LTD")) for k in (2, 0)
    }
    require(workbook(tmp_path, sheets), [[WHOLE[0]], [WHOLE[2]]])
    require(
        workbook(tmp_path, {f"LTP dev{k}": sheet(head, PULSE, SEVERAL[k][0]) for k in range(3)}),
        [[SEVERAL[k][0]] for k in range(3)],
    )


def test_sheets_of_branches_and_cycles_stay_cycles_of_one_device(tmp_path: Path) -> None:
    head, same = ("Pulse", "G (uS)"), [trains(1.0, k) for k in range(3)]
    names = ("LTP", "LTD")
    for title in ("{} cycle {}", "Cycle {1} {0}", "{} Zyklus {}"):
        sheets = {title.format(n, k + 1): sheet(head, PULSE, same[k][s]) for k in range(3) for s, n in enumerate(names)}
        require(workbook(tmp_path, sheets), [[np.r_[pair].ravel() for pair in same]])
    sheets = {f"D{d} {n} cycle {k + 1}": sheet(head, PULSE, (1 + 0.3 * d) * same[k][s])
              for d in range(2) for k in range(3) for s, n in enumerate(names)}  # fmt: skip
    require(workbook(tmp_path, sheets), [[(1 + 0.3 * d) * np.r_[pair].ravel() for pair in same] for d in range(2)])


def test_two_sheets_of_one_device_stay_one_device(tmp_path: Path) -> None:
    head = ("Pulse", "G (uS)")
    for up, down in (("LTP", "LTD"), ("LTP 1.0 V", "LTD -1.2 V"), ("Potentiation sheet", "Depression")):
        found = workbook(tmp_path, {up: sheet(head, PULSE, SEVERAL[0][0]), down: sheet(head, PULSE, SEVERAL[0][1])})
        require(found, [[WHOLE[0]]])


def test_sheets_called_set_that_hold_both_branches_are_read_with_both(tmp_path: Path) -> None:
    found = workbook(
        tmp_path, {f"Set {k + 1}": sheet(("Pulse", "LTP (uS)", "LTD (uS)"), PULSE, *SEVERAL[k]) for k in range(3)}
    )
    require(found, [[WHOLE[k]] for k in range(3)])


def blocks(
    title: str, head: str, names: Sequence[object] = (1, 2, 3), separator: str = ",", *, volts: bool = False
) -> str:
    """Each device below its title and its own line of names."""
    beside = [VOLTS] if volts else []
    return "\n".join(
        title.format(name) + "\n" + lines(head + "\n", INDEX, *beside, WHOLE[k], separator=separator)
        for k, name in enumerate(names)
    )


BLOCKS = {
    "an instrument's lines": blocks("Device ID,A{}\nDate,2025-01-01", "Pulse,V (V),G (uS)", volts=True),
    "as many cells as columns": blocks("Device ID,A{}", "Pulse,G (uS)"),
    "cells filled up": blocks("DUT,W1-{},", "Pulse,V (V),G (uS)", volts=True),
    "comments, two columns": blocks("# device {}", "# pulse  G/uS", separator="  "),
    "comments of MATLAB": blocks("% cell {}", "% n G(uS)", separator=" "),
    "comments, three columns": blocks("# sample no {}", "# pulse V G/uS", separator=" ", volts=True),
    "brackets": blocks("[Device{}]", "Pulse\tG (uS)", separator="\t"),
    "lines around": blocks("--- Cell {} ---", "Pulse,G (uS)"),
    "asterisks": blocks("*** DUT A{} ***", "Pulse\tG (uS)", separator="\t"),
    "German": blocks("Bauteil;B{}", "Puls;G (uS)", separator=";"),
    "German, brackets": blocks("[Probe {}]", "Puls;G (uS)", separator=";"),
    "French": blocks("Échantillon,{}", "Pulse,G (uS)"),
    "Chinese": blocks("器件,{}", "脉冲,电导 (uS)"),
    "Chinese, brackets": blocks("[器件{}]", "脉冲\t电导 (uS)", separator="\t"),
    "a date beside": blocks("# Device: A{}, Date: 2025-01-01", "Pulse,G (uS)"),
    "a time and an operator beside": blocks("Device: A{};Time: 10:30;Li", "Puls;G (uS)", separator=";"),
    "letters": blocks("Device,{}", "Pulse,G (uS)", ("A", "B", "C")),
    "one line": blocks("Device {}", "Pulse,G (uS)"),
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_blocks_below_a_line_with_their_device_are_devices(kind: str, tmp_path: Path) -> None:
    found = of_text(tmp_path, BLOCKS[kind])
    require(found, [[whole] for whole in WHOLE[:3]])
    assert "lines between the rows were taken for names of devices" in said(found)


def test_blocks_of_chips_and_cells_are_named_by_both(tmp_path: Path) -> None:
    text = "".join(
        f"Chip,{chip}\n" * (cell == 1) + f"Cell,{cell}\n" + lines("Pulse,G (uS)\n", INDEX, WHOLE[k])
        for k, (chip, cell) in enumerate([("A", 1), ("A", 2), ("B", 1), ("B", 2)])
    )
    found = of_text(tmp_path, text)
    require(found, [[whole] for whole in WHOLE[:4]])
    assert found.devices == ("A 1", "A 2", "B 1", "B 2")


def test_blocks_of_devices_and_cycles_are_cycles_of_the_devices(tmp_path: Path) -> None:
    same = [[(1 + 0.3 * d) * np.r_[trains(1.0, 5 * d + k)].ravel() for k in range(2)] for d in range(2)]
    for title in (
        "Device {}, Cycle {}",
        "# Device {} cycle {}",
        "Device,{},Cycle,{}",
        "[Device{} - Zyklus {}]",
        "Cell {} (2 nm)",
    ):
        text = "".join(
            f"{title.format(d + 1, k + 1)}\n" + lines("Pulse,G (uS)\n", INDEX, same[d][k])
            for d in range(2)
            for k in range(2)
        )
        require(of_text(tmp_path, text), same)


def test_a_device_beyond_the_first_rows_is_one(tmp_path: Path) -> None:
    long = [np.tile(WHOLE[k], 60) for k in range(2)]
    text = "".join(
        f"Device,{k + 1}\n" + lines("Pulse,G (uS)\n", np.arange(1, len(long[k]) + 1), long[k]) for k in range(2)
    )
    found = of_text(tmp_path, text)
    assert found.devices == ("1", "2")


def test_other_lines_between_blocks_name_no_device(tmp_path: Path) -> None:
    for title in ("Date,2025-01-0{}", "# cycle {}", "[Sweep{}]", "Operator,Li {}", "Device temperature: 30{}"):
        found = of_text(tmp_path, blocks(title, "Pulse,G (uS)", separator=","))
        assert len(found.devices) == 1
    header = "Cell,Pulse,G (uS)\n"  # it is repeated: no title
    text = "".join(lines(header, [k + 1] * 2 * N, INDEX, WHOLE[k]) for k in range(3))
    require(of_text(tmp_path, text), [[whole] for whole in WHOLE[:3]])
    text = "".join(lines("cell pulse G/uS\n", [f"c{k}"] * 2 * N, INDEX, WHOLE[k], separator=" ") for k in range(3))
    require(of_text(tmp_path, text), [[whole] for whole in WHOLE[:3]])


CYCLES = {
    "words": ("Pulse", "Device {} Cycle {} (uS)", ","),
    "underscores": ("Pulse", "Dev{}_Cycle{}_uS", ","),
    "cycle first": ("Pulse", "Cycle {1} Device {0} (uS)", ","),
    "ordinal": ("Pulse", "Cell {} {}. cycle (uS)", ","),
    "German": ("Puls", "Bauteil {} Zyklus {} (uS)", ";"),
    "German, ordinal": ("Puls", "Bauteil {} - {}. Zyklus (uS)", ";"),
    "French": ("Impulsion", "Cellule {} cycle n{} (uS)".replace("n{}", "{}"), ";"),
    "Chinese": ("脉冲", "器件{} 循环{} (uS)", ","),
    "Chinese, ordinal": ("脉冲", "器件{} 第{}次循环 (uS)", ","),
    "Korean": ("펄스", "소자{} 사이클{} (uS)", ","),
}
SAME = [[(1 + 0.3 * d) * np.r_[trains(1.0, 5 * d + k)].ravel() for k in range(3)] for d in range(3)]


@pytest.mark.parametrize("kind", CYCLES)
@pytest.mark.parametrize("by_cycle", [False, True])
def test_columns_of_devices_and_cycles_are_cycles_of_the_devices(kind: str, by_cycle: bool, tmp_path: Path) -> None:
    first, name, separator = CYCLES[kind]
    places = [(d, k) for d in range(3) for k in range(3)]
    places = sorted(places, key=lambda place: place[1]) if by_cycle else places
    head = separator.join([first, *(name.format(d + 1, k + 1) for d, k in places)]) + "\n"
    found = of_text(tmp_path, lines(head, INDEX, *(SAME[d][k] for d, k in places), separator=separator))
    require(found, SAME)
    assert "were read as cycles of 3 devices" in said(found)


@pytest.mark.parametrize(
    "name", ["{}. cycle", "{}. Zyklus", "Zyklus {}", "第{}次循环", "cycle no. {}", "{}번째 사이클", "{}st cycle"]
)
def test_columns_of_cycles_are_no_reads_of_one_state(name: str, tmp_path: Path) -> None:
    head = ",".join(["Pulse", *(f"{name.format(k + 1)} (uS)" for k in range(3))]) + "\n"
    require(of_text(tmp_path, lines(head, INDEX, *SAME[0])), [SAME[0]])


def test_cycles_of_a_column_of_devices_are_cycles(tmp_path: Path) -> None:
    names = ["A"] * 2 * N + ["B"] * 2 * N
    text = lines(
        "Device,Pulse,Cycle 1 (uS),Cycle 2 (uS)\n",
        names,
        [*INDEX] * 2,
        *(np.r_[SAME[0][k], SAME[1][k]] for k in (0, 1)),
    )
    require(of_text(tmp_path, text), [SAME[0][:2], SAME[1][:2]])


@pytest.mark.parametrize("title", ["Dev{}_Cycle{}", "D{} 循环{}", "Cycle {1} Cell {0}", "Bauteil {} {}. Zyklus"])
def test_sheets_of_devices_and_cycles_are_cycles_of_the_devices(title: str, tmp_path: Path) -> None:
    head = ("Pulse", "LTP (uS)", "LTD (uS)")
    sheets = {title.format(d + 1, k + 1): sheet(head, PULSE, SAME[d][k][:N], SAME[d][k][N:])
              for k in (1, 0, 2) for d in range(3)}  # fmt: skip
    found = workbook(tmp_path, sheets)
    require(found, SAME)
    assert "were read as cycles" in said(found)


def test_reads_devices_and_coordinates_are_no_cycles(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).standard_normal((3, 2 * N))
    reads = WHOLE[0] * (1 + 0.003 * noise)
    assert of_text(tmp_path, lines("Pulse,Read 1 (uS),Read 2 (uS),Read 3 (uS)\n", INDEX, *reads)).reads == 3
    for head in ("Device 1,Device 2,Device 3", "R1C1,R1C2,R2C1", "1000 cycles,2000 cycles,3000 cycles"):
        names = ",".join(["Pulse", *(f"{name} (uS)" for name in head.split(","))])
        assert len(of_text(tmp_path, lines(f"{names}\n", INDEX, *WHOLE[:3])).devices) == 3


SIDES = ("Pulse", "LTP (uS)", "LTD (uS)")


@pytest.mark.parametrize(
    "title", ["Average", "Mean", "D avg", "Mittelwert", "moyenne", "平均", "Std", "Standardabweichung"]
)
@pytest.mark.parametrize("at", [0, 3])
def test_a_sheet_of_means_or_spreads_is_no_device(title: str, at: int, tmp_path: Path) -> None:
    sheets = {f"D{k + 1}": sheet(SIDES, PULSE, *SEVERAL[k]) for k in range(3)}
    mean = sheet(SIDES, PULSE, *np.mean(SEVERAL[:3], axis=0))
    found = workbook(tmp_path, dict([*list(sheets.items())[:at], (title, mean), *list(sheets.items())[at:]]))
    require(found, [[whole] for whole in WHOLE[:3]])
    assert f"not {title!r} (a " in said(found)


def test_a_mean_of_each_branch_is_no_device(tmp_path: Path) -> None:
    head, names = ("Pulse", "G (uS)"), ("LTP", "LTD")
    sheets = {f"{name}_D{k}": sheet(head, PULSE, SEVERAL[k][s]) for k in range(2) for s, name in enumerate(names)}
    sheets |= {f"{name}_mean": sheet(head, PULSE, np.mean(SEVERAL[:2], axis=0)[s]) for s, name in enumerate(names)}
    require(workbook(tmp_path, sheets), [[WHOLE[0]], [WHOLE[1]]])


@pytest.mark.parametrize("title", ["D1 (2)", "Copy of D1", "D1 - Kopie", "D1 副本"])
def test_a_copy_of_a_sheet_is_no_device(title: str, tmp_path: Path) -> None:
    sheets = {f"D{k + 1}": sheet(SIDES, PULSE, *SEVERAL[k]) for k in range(2)}
    found = workbook(tmp_path, sheets | {title: sheets["D1"]})
    require(found, [[whole] for whole in WHOLE[:2]])
    assert f"not {title!r} (a copy of 'D1')" in said(found)


def test_means_alone_and_other_values_under_the_name_of_a_copy_are_devices(tmp_path: Path) -> None:
    for titles in (("D1 mean", "D2 mean", "D3 mean"), ("D1", "D1 (2)", "D1 (3)")):
        sheets = {title: sheet(SIDES, PULSE, *SEVERAL[k]) for k, title in enumerate(titles)}
        require(workbook(tmp_path, sheets), [[whole] for whole in WHOLE[:3]])


CONDITIONS = {
    "temperatures": ("G @ 25 °C (uS)", "G @ 85 °C (uS)"),
    "temperatures without a degree": ("300 K (uS)", "350 K (uS)"),
    "amplitudes": ("1.0 V (uS)", "1.2 V (uS)"),
    "decimal commas": ("G bei 1,0 V (uS)", "G bei 1,2 V (uS)"),
    "widths": ("100 ns (uS)", "200 us (uS)"),
    "Chinese": ("电导 100 ns (uS)", "电导 500 ns (uS)"),
    "frequencies": ("G 10 kHz (uS)", "G 100 kHz (uS)"),
}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_columns_of_conditions_are_said_to_be_devices(kind: str, tmp_path: Path) -> None:
    for columns in (WHOLE[:2], (WHOLE[0], WHOLE[0] * (1 + 0.004 * np.random.default_rng(1).standard_normal(2 * N)))):
        found = of_text(
            tmp_path, lines("\t".join(("Pulse", *CONDITIONS[kind])) + "\n", INDEX, *columns, separator="\t")
        )
        require(found, [[whole] for whole in columns])
        assert "differ by a condition" in said(found)


def test_columns_of_branches_and_conditions_are_said_to_be_devices(tmp_path: Path) -> None:
    head = "Pulse,LTP 25 °C (uS),LTD 25 °C (uS),LTP 85 °C (uS),LTD 85 °C (uS)\n"
    found = of_text(tmp_path, lines(head, PULSE, *SEVERAL[0], *SEVERAL[1]))
    require(found, [[WHOLE[0]], [WHOLE[1]]])
    assert "differ by a condition (25 °C, 85 °C)" in said(found)
    sheets = {f"{name} {v} V": sheet(("Pulse", "G (uS)"), PULSE, SEVERAL[k][s])
              for k, v in enumerate((1.0, 1.2)) for s, name in enumerate(("LTP", "LTD"))}  # fmt: skip
    found = workbook(tmp_path, sheets)
    require(found, [[WHOLE[0]], [WHOLE[1]]])
    assert "sheets differ by a condition (1.0 V, 1.2 V)" in said(found)


def test_a_condition_of_a_branch_or_of_all_is_no_device(tmp_path: Path) -> None:
    found = of_text(tmp_path, lines("Pulse,LTP 1.0 V (uS),LTD -1.2 V (uS)\n", PULSE, *SEVERAL[0]))
    require(found, [[WHOLE[0]]])
    assert "condition" not in said(found)
    found = of_text(tmp_path, lines("Pulse,D1 @ 25 °C (uS),D2 @ 25 °C (uS)\n", INDEX, *WHOLE[:2]))
    assert len(found.devices) == 2 and "condition" not in said(found)


def beside(head: str, one: object, other: object) -> str:
    return lines(
        head + "\n", [one] * N + [other] * N, [*PULSE] * 2, *(np.r_[SEVERAL[0][s], SEVERAL[1][s]] for s in (0, 1))
    )


def test_temperatures_and_widths_beside_ltp_and_ltd_are_not_lost(tmp_path: Path) -> None:
    for name in ("T (°C)", "Temperatur (°C)", "温度 (°C)"):
        text = beside(f"{name},Pulse,LTP (uS),LTD (uS)", 25, 85)
        found = of_text(tmp_path, text)
        assert "2 temperatures between 298 and 358 K are fitted as one" in said(found)
        found = read_pulses(tmp_path / "measured.csv", columns=f"device_id={name}")
        require(found, [[WHOLE[0]], [WHOLE[1]]])
    for name in ("Pulse width (ns)", "Pulsbreite (ns)", "脉宽 (ns)"):
        with pytest.raises(DataError, match="one width"):
            of_text(tmp_path, beside(f"{name},Pulse,LTP (uS),LTD (uS)", 100, 1000))


def test_one_temperature_and_one_width_beside_ltp_and_ltd_are_those_of_all_pulses(tmp_path: Path) -> None:
    found = of_text(tmp_path, beside("T (K),Pulse,LTP (uS),LTD (uS)", 300, 300))
    assert set(found.temperature_K.tolist()) == {300.0}
    found = of_text(tmp_path, beside("Pulse width (ns),Pulse,LTP (uS),LTD (uS)", 100, 100))
    np.testing.assert_allclose(found.width_s[found.polarity != 0], 1e-7)
