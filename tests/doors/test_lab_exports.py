"""Files as instruments, office programs and scripts write them: marks between thousands, exponents, readings, logs, sheets."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from test_pulse_layouts import BOTH, DOWN, PULSE, UP, VOLTS, N, lines, trains

from synarray import read_pulses
from synarray.errors import DataError
from synarray.lab.fitting import fit
from synarray.lab.rows.measured import Measurements
from synarray.report.fit_views import fit_figure

INDEX = np.arange(1, 2 * N + 1)
CURRENT = [f"{x * 1e-7:.5e}" for x in BOTH]
SIDES = "Pulse;LTP (nS);LTD (nS)\n"


def grouped(numbers: np.ndarray, thousands: str, decimal: str, quote: str = "") -> list[str]:
    """Nanosiemens with two digits behind the decimal mark, such as 4,791.63."""
    marks = str.maketrans({",": thousands, ".": decimal})
    return [quote + f"{1e3 * x:,.2f}".translate(marks) + quote for x in numbers.tolist()]


def thousands(mark: str, decimal: str, separator: str = ";", quote: str = "") -> str:
    columns = (grouped(side, mark, decimal, quote) for side in (UP, DOWN))
    return lines(SIDES.replace(";", separator), PULSE, *columns, separator=separator)


FILES = {
    "thousands 1,234.5 in quotes": thousands(",", ".", ",", '"'),
    "thousands 1,234.5": thousands(",", ".", "\t"),
    "thousands 1.234,5": thousands(".", ","),
    "thousands 1 234,5": thousands(" ", ","),
    "thousands with a narrow space": thousands("\u202f", ","),
    "thousands with an apostrophe": thousands("'", "."),
    "exponents of Fortran": lines("  N   G\n", INDEX, [f"{x * 1e-6:.8E}".replace("E", "D") for x in BOTH], separator="  "),
    "values with their error": lines(SIDES.replace("nS", "uS"), PULSE,
        *([f"{x:.5f} \u00b1 0.1" for x in side] for side in (UP, DOWN)), separator=";"),
    "values with their unit": lines("Pulse,LTP,LTD\n", PULSE, *([f"{x:.5f} uS" for x in side] for side in (UP, DOWN))),
    "names over two lines": lines('Pulse,"Conductance\n(uS)","Polarity\n(LTP/LTD)"\n',
        INDEX, BOTH, ["LTP"] * N + ["LTD"] * N),
    "logarithms": lines("Pulse,log10(G/uS),V\n", INDEX, np.log10(BOTH), VOLTS),
    "2600 buffer": lines("Timestamp,SourceValue,Reading\n", INDEX * 0.01, [0.1] * 2 * N, CURRENT),
    "KickStart": lines("Reading,Value,Unit,Source Value,Source Unit\n",
        INDEX, CURRENT, ["A"] * 2 * N, [0.1] * 2 * N, ["V"] * 2 * N),
    "currents during pulses and of reads": lines("AV,AI,V_read,I_read\n", VOLTS, [1e-5] * 2 * N, [0.1] * 2 * N, CURRENT),
    "rows of pulses and rows of reads": lines("Time (s),Mode,Voltage (V),Current (A)\n",
        np.arange(4 * N) * 0.01, ["Write", "Read"] * 2 * N,
        chain(*((v, 0.1) for v in VOLTS)), chain(*((v * g * 2e-6, g * 1e-7) for v, g in zip(VOLTS, BOTH, strict=True)))),
    "a drain's voltage, negative currents": "# Vds = -0.1 V\n" + lines("time (s),Vg (V),Ids (A)\n", INDEX, VOLTS, -BOTH * 1e-7),
    "settings of two values": "# Read: 50 mV, 10 ms\n# Set: 0.85 V, 1 us\n"
        + lines("n I_pot I_dep\n", PULSE, UP * 5e-8, DOWN * 5e-8, separator=" "),
    "Origin's labels": "Long Name\tPulse\tG\tG\nUnits\t\tuS\tuS\nComments\t\tpotentiation\tdepression\nF(x)=\t\t\t\n"
        + lines("", [""] * N, PULSE, UP, DOWN, separator="\t"),
    "LabVIEW's comments": "Channels\t2\t\n***End_of_Header***\t\t\nX_Value\tLTP (uS)\tLTD (uS)\tComment\n"
        + lines("", np.arange(N), UP, DOWN, separator="\t"),
    "JSON lines": "".join(
        json.dumps({"pulse": int(i), "V": v, "G_uS": g}) + "\n" for i, v, g in zip(INDEX, VOLTS, BOTH, strict=True)),
    "JSON columns": json.dumps(
        {"device": "D1", "pulse": PULSE.tolist(), "LTP_uS": UP.tolist(), "LTD_uS": DOWN.tolist()}),
    "a list": json.dumps((BOTH * 1e-6).tolist()),
    "branches in rows": "".join(
        ",".join(map(str, (name, *row))) + "\n" for name, row in (("Pulse", PULSE), ("LTP (uS)", UP), ("LTD (uS)", DOWN))),
    "signs behind G": lines("n,G+ (uS),G- (uS)\n", PULSE, UP, DOWN),
    "two bare columns, both rising": lines("", UP * 1e-6, DOWN[::-1] * 1e-6, separator="\t"),
}  # fmt: skip


def rows_of_numbered_reads() -> str:
    """Write a device a row: its name, then its reads, numbered P1 ... D1 ..., without a unit."""
    names = ",".join(f"{branch}{i + 1}" for branch in "PD" for i in range(N))
    return f"Device,{names}\nW1,{','.join(f'{x:.5g}' for x in BOTH)}\n"


def read(folder: Path, text: str, name: str = "measured.txt", **options: str) -> Measurements:
    (folder / name).write_text(text, "utf-8")
    return read_pulses(folder / name, **options)


@pytest.mark.parametrize("name", FILES)
def test_an_export_is_one_device_of_64_and_64_pulses(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, FILES[name])
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [N, N]
    assert len(found.devices) == 1
    np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=1e-4)
    assert any("between thousands" in said for said in found.repairs) == ("thousands" in name)


@pytest.mark.parametrize(
    ("text", "devices", "reads"),
    [
        (lines("Pulse,Cycle 1 (uS),Cycle 2 (uS)\n", INDEX, BOTH, np.r_[trains(seed=1)].ravel()), 1, 4 * N),
        (lines("", *(np.r_[trains(1 + k, k)].ravel() * 1e-6 for k in (0, 1))), 2, 4 * N),
        (lines("", trains()[0] * 1e-6, trains(1.2, 1)[0] * 1e-6), 2, 2 * N),
        ("".join(f"Device{k}," + ",".join(map(str, trains(1 + k, k)[0] * 1e-6)) + "\n" for k in range(3)), 3, 3 * N),
        ("\n".join(lines("Run\nPulse,LTP (uS),LTD (uS)\n", PULSE, *trains(seed=k)) for k in range(3)), 1, 6 * N),
        (lines("T (\u00b0C),pulse,V,G (uS)\n", [25] * 2 * N + [85] * 2 * N, [*INDEX] * 2, [*VOLTS] * 2, [*BOTH] * 2), 1, 4 * N),
    ],
)  # fmt: skip
def test_cycles_and_devices_are_kept_apart_and_it_is_said(text: str, devices: int, reads: int, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert (len(found.devices), len(found)) == (devices, reads)


def test_reads_of_one_state_in_rows_give_the_read_noise(tmp_path: Path) -> None:
    state, rng = np.repeat(np.arange(2 * N), 5), np.random.default_rng(0)
    seen = BOTH[state] * (1 + 0.02 * rng.standard_normal(len(state)))
    found = read(tmp_path, lines("Pulse,V,Read #,G (uS)\n", state + 1, VOLTS[state], [*range(5)] * 2 * N, seen))
    assert (len(found), found.reads) == (2 * N, 5)
    assert found.read_noise == pytest.approx(0.02, rel=0.15)
    np.testing.assert_allclose(found.G_S, seen.reshape(-1, 5).mean(axis=1) * 1e-6)


def test_time_alone_makes_no_retention_of_what_rises_and_falls(tmp_path: Path) -> None:
    found = read(tmp_path, lines("Time (s),G (uS)\n", INDEX * 0.01, BOTH))
    assert np.count_nonzero(found.polarity) == pytest.approx(2 * N, abs=2)


@pytest.mark.parametrize(
    ("text", "says", "options"),
    [
        (lines("Pulse,LTP (nS),LTD (nS)\n", PULSE, *([f'"{round(1e3 * x):,}"' for x in s] for s in (UP, DOWN))),
         "--decimal point", {"decimal": "point"}),
        (lines("Pulse,G/G0 LTP,G/G0 LTD\n", PULSE, UP / 3.4, DOWN / 3.4), "--columns 'LTP=2 in 0.1 uS,LTD=3 in 0.1 uS'",
         {"columns": "LTP=2 in 3.4 uS,LTD=3 in 3.4 uS"}),
        (lines("Pulse,Normalized conductance\n", INDEX, BOTH / 36.6), "'G_S=2 in 0.1 uS'", {"columns": "G_S=2 in 36.6 uS"}),
        (lines("pulse,#1,#2\n", INDEX, BOTH * 1e-6, trains(2.0, 1)[0].repeat(2) * 1e-6), "G_S=2-3", {"columns": "G_S=#1"}),
        (lines("Pulse,LTP (nS),LTD (nS)\n", PULSE, *(grouped(s, ",", ".") for s in (UP, DOWN))), "with semicolons", None),
        (rows_of_numbered_reads(), "'G_S=2 in uS'", {"columns": "G_S=2 in uS"}),
        (lines("G (uS),dG_pot (uS),dG_dep (uS)\n", np.sort(UP), DOWN, -UP), "ignore=2,ignore=3", None),
        (lines("Pulse,\u0394G/G0 (%)\n", INDEX, 100 * (BOTH / BOTH[0] - 1)), "--explain", None),
    ],
    ids=["one mark may be either", "ratios", "normalised", "columns without a name", "thousands that split numbers",
         "reads numbered P1, D1 in a row", "steps by conductance", "changes"],
)  # fmt: skip
def test_what_may_mean_two_things_is_refused_with_a_command_that_works(
    text: str, says: str, options: dict[str, str] | None, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, text)
    assert says in error.value.do
    if options is not None:
        found = read(tmp_path, text, **options)
        np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=2e-4)


@pytest.mark.parametrize(
    ("mark", "name"), [(",", "semicolons.csv"), (".", "semicolons.csv"), (",", "text.xlsx"), (",", "text.json")]
)
def test_whole_numbers_beside_thousands_are_no_decimals(mark: str, name: str, tmp_path: Path) -> None:
    """939 before 1,012 is no fall to 1.012, whatever separates columns."""
    columns = [[f"{round(100 * x):,}".replace(",", mark) for x in side] for side in (UP, DOWN)]
    rows = [["Pulse", "LTP (nS)", "LTD (nS)"], *map(list, zip(PULSE.tolist(), *columns, strict=True))]
    if name.endswith("xlsx"):
        book = pytest.importorskip("openpyxl").Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / name)
    else:
        text = json.dumps(rows) if name.endswith("json") else "".join(f"{a};{b};{c}\n" for a, b, c in rows)
        (tmp_path / name).write_text(text, "utf-8")
    decimal = "point" if mark == "," else "comma"
    with pytest.raises(DataError, match=f"--decimal {decimal}"):
        read_pulses(tmp_path / name)
    found = read_pulses(tmp_path / name, decimal=decimal)
    np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-7, atol=0.6e-9)


def test_cells_of_draws_are_drawn_from_where_the_measured_train_begins(tmp_path: Path) -> None:
    """The first read is that after the first pulse: a cell that began at the low end would run a pulse behind."""
    found = fit(read(tmp_path, lines("Pulse,LTP (uS),LTD (uS)\n", PULSE, UP, DOWN)))
    drawn = [line for line in fit_figure(found).axes[0].lines if line.get_rasterized()]
    assert len(drawn) > 5
    for line in drawn:
        np.testing.assert_allclose(np.asarray(line.get_ydata(), float), BOTH, rtol=0.06)


def test_sheets_of_cycles_are_one_device_and_sweeps_come_last(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sweep = book.active
    for volts in np.r_[np.linspace(0, 1, 40), np.linspace(1, 0, 40)].tolist():
        sweep.append([volts, volts**3 * 1e-6] if sweep.max_row > 1 else ["Voltage (V)", "Current (A)"])
    for cycle in range(3):
        sheet = book.create_sheet(f"Cycle {cycle + 1}")
        sheet.append(["Pulse", "LTP (\u00b5S)", "LTD (\u00b5S)"])
        for row in zip(PULSE.tolist(), *(side.tolist() for side in trains(seed=cycle)), strict=True):
            sheet.append([str(row[0]), *(f"{x:.3f}".replace(".", ",") for x in row[1:])])
    book.save(tmp_path / "measured.xlsx")
    found = read_pulses(tmp_path / "measured.xlsx")
    assert (len(found.devices), len(np.unique(found.cycle)), len(found)) == (1, 3, 6 * N)
    np.testing.assert_allclose(found.G_S[: 2 * N], BOTH * 1e-6, rtol=1e-3)
