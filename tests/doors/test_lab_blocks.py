"""Devices and cycles that sheets, lines between blocks, and names of columns tell apart, each written as laboratories keep it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from test_pulse_layouts import PULSE, N, trains

from synarray import read_pulses
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
