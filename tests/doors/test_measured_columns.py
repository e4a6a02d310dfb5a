"""Names of columns, their units, constants, sheets and curves in two columns: converted where known, refused where not."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from synarray.device.library import load_device
from synarray.errors import DataError
from synarray.lab.formats import FORMATS, read_pulses
from synarray.lab.rows.measured import Measurements
from synarray.lab.synthetic import measure_devices
from synarray.lab.text.headers import Scale, scale_of

TRUTH = measure_devices(load_device("pcmo"), 2, 2)
WORDS = {1: "LTP", -1: "LTD", 0: "READ"}


def lines_of(name: str) -> list[list[str]]:
    writer = FORMATS[name].write
    assert writer is not None
    return [line.split(",") for line in writer(TRUTH)[""].decode().splitlines()]


def written(path: Path, header: str, *columns: list[str], separator: str = ",") -> Path:
    path.write_text("\n".join([header, *map(separator.join, zip(*columns, strict=True))]) + "\n", "utf-8")
    return path


def same(found: Measurements) -> None:
    np.testing.assert_allclose(found.G_S, TRUTH.G_S, rtol=1e-6)
    assert found.polarity.tolist() == TRUTH.polarity.tolist()


def places() -> list[list[str]]:
    device, cycle, pulse = (list(map(str, column)) for column in (TRUTH.device_id, TRUTH.cycle, TRUTH.pulse))
    return [device, cycle, pulse, [WORDS[p] for p in TRUTH.polarity.tolist()]]


# Units in names


@pytest.mark.parametrize(
    ("name", "own", "factor"),
    [
        ("G/mS", "G_S", 1e-3), ("G;mS", "G_S", 1e-3), ("G, mS", "G_S", 1e-3), ("GuS", "G_S", 1e-6), ("G [µS]", "G_S", 1e-6),
        ("Conductance in nS", "G_S", 1e-9), ("G (umho)", "G_S", 1e-6), ("Conductance (micro-S)", "G_S", 1e-6),
        ("R/kOhm", "R_ohm", 1e3), ("R (ohms)", "R_ohm", 1.0), ("Resistance (k)", "R_ohm", 1e3), ("R [MΩ]", "R_ohm", 1e6),
        ("I/nA", "I_A", 1e-9), ("I_D [uA]", "I_A", 1e-6), ("WIDTH_S", "width_s", 1.0), ("V_G", "read_V", 1.0),
        ("pulse (#)", "pulse", 1.0),
    ],
)  # fmt: skip
def test_a_unit_in_a_name_is_converted(name: str, own: str, factor: float) -> None:
    assert scale_of(name, own, "p.csv") == Scale(pytest.approx(factor))


def test_degrees_celsius_are_converted() -> None:
    assert scale_of("Temperature (C)", "temperature_K", "p.csv") == Scale(1.0, 273.15)


@pytest.mark.parametrize(
    ("name", "own"),
    [("G (a.u.)", "G_S"), ("G (V)", "G_S"), ("G/foo", "G_S"), ("G_nA", "G_S"), ("I (S)", "I_A"), ("tp (V)", "width_s"),
     ("ConductancenS", "G_S"), ("R (m)", "R_ohm")],
)  # fmt: skip
def test_a_unit_that_is_not_known_or_not_due_is_refused(name: str, own: str) -> None:
    with pytest.raises(DataError, match="must be in") as error:
        scale_of(name, own, "p.csv")
    assert name in error.value.got


# Two columns


@pytest.mark.parametrize(
    ("header", "turn"),
    [
        ("Pulse number,Conductance (uS)", lambda g: g * 1e6),
        ("Pulse number,Conductance (nS)", lambda g: g * 1e9),
        ("Pulse,Resistance (kOhm)", lambda g: 1e-3 / g),
        ("pulse,G_nS", lambda g: g * 1e9),
    ],
)
def test_a_curve_is_read_in_the_unit_of_its_header(tmp_path: Path, header: str, turn: object) -> None:
    assert callable(turn)
    table = lines_of("neurosim")
    plain = written(tmp_path / "a.csv", "Pulse number,Conductance", *map(list, zip(*table, strict=True)))
    scaled = [[a, repr(turn(float(b)))] for a, b in table]
    path = written(tmp_path / "b.csv", header, *map(list, zip(*scaled, strict=True)))
    np.testing.assert_allclose(read_pulses(path).G_S, read_pulses(plain).G_S, rtol=1e-6)


def test_a_curve_of_currents_asks_for_the_voltage_of_the_reads(tmp_path: Path) -> None:
    table = [[a, repr(float(b) * 0.1)] for a, b in lines_of("neurosim")]
    path = written(tmp_path / "i.csv", "Index,Current (A)", *map(list, zip(*table, strict=True)))
    with pytest.raises(DataError) as error:
        read_pulses(path)
    assert error.value.do.endswith("synarray device fit i.csv --columns 'read_V=0.1 V'")
    for name, columns in ((None, "read_V=0.1 V"), ("neurosim", "I_A=2,read_V=0.1 V")):
        found = read_pulses(path, name, columns)
        assert found.G_S.max() == pytest.approx(TRUTH.G_S[TRUTH.device_id == 0].max())
    written(path, "Index,Current", *map(list, zip(*table, strict=True)))
    assert "'Current' has no unit: taken as A" in read_pulses(path, columns="read_V=0.1 V").remarks


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_numbers_that_run_on_are_cut_where_the_curve_turns(tmp_path: Path, noise: float) -> None:
    up = np.linspace(1e-6, 5e-6, 51)
    g = np.concatenate([up, up[::-1]]) + noise * 4e-6 * np.random.default_rng(0).standard_normal(102)
    path = written(tmp_path / "c.csv", "n,G (S)", [str(i + 1) for i in range(102)], list(map(repr, g.tolist())))
    found = read_pulses(path)
    assert [int(np.count_nonzero(found.polarity == p)) for p in (1, -1)] == pytest.approx([50, 51], abs=2)
    assert any("turning point" in repair for repair in found.repairs)


def test_up_and_down_in_a_header_are_branches_where_they_rise_and_fall(tmp_path: Path) -> None:
    """States of LTP rise and those of LTD fall; sizes of steps do not, and are refused with the format that reads them."""
    path = written(tmp_path / "u.csv", "up,down", ["1e-6", "2e-6", "2.5e-6"], ["2.5e-6", "1.5e-6", "1e-6"])
    found = read_pulses(path)
    assert found.polarity.tolist() == [0, 1, 1, 0, -1, -1]
    assert found.format == "sides"
    written(path, "up,down", ["0.1", "0.05", "0.01"], ["0.01", "0.05", "0.1"])
    with pytest.raises(DataError, match="--format aihwkit-steps"):
        read_pulses(path)


# Constants and names


@pytest.mark.parametrize("value", ["0.1", "0.1 V", "100 mV", "1e-1"])
def test_a_constant_stands_for_a_column(tmp_path: Path, value: str) -> None:
    currents = [repr(g * 0.1) for g in TRUTH.G_S.tolist()]
    path = written(tmp_path / "k.csv", "dut,loop,n,type,Iread", *places(), currents)
    mapping = f"device_id=dut,cycle=loop,pulse=n,polarity=type,I_A=Iread,read_V={value},temperature_K=25 C"
    found = read_pulses(path, columns=mapping)
    same(found)
    assert (found.read_V == 0.1).all()
    assert found.temperature_K == pytest.approx(298.15)
    assert any("read_V is 0.1 in all rows" in repair for repair in found.repairs)


@pytest.mark.parametrize(
    ("name", "turn"), [("R_ohm", lambda g: 1.0 / g), ("I_A", lambda g: 0.2 * g), ("R/kOhm", lambda g: 1e-3 / g)]
)
def test_resistances_and_currents_are_of_the_own_format(tmp_path: Path, name: str, turn: object) -> None:
    assert callable(turn)
    values = [repr(turn(g)) for g in TRUTH.G_S.tolist()]
    header = f"device_id,cycle,pulse,polarity,{name},read_V"
    found = read_pulses(written(tmp_path / "r.csv", header, *places(), values, ["0.2"] * len(values)))
    same(found)
    assert found.format == "synarray"


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_marks_within_quotes_separate_nothing(tmp_path: Path, separator: str) -> None:
    device, *rest = places()
    named = [f'"W1, die 3; dev|{d}"' for d in device]
    header = separator.join(["device_id", "cycle", "pulse", "polarity", "G_S"])
    found = read_pulses(
        written(tmp_path / "q.csv", header, named, *rest, list(map(repr, TRUTH.G_S.tolist())), separator=separator)
    )
    same(found)
    assert found.devices == ("W1, die 3; dev|0", "W1, die 3; dev|1")


def test_a_line_of_units_beneath_the_header_is_read(tmp_path: Path) -> None:
    header = "Device_ID,CYCLE,pulse,Polarity,G\n,,,,nS"
    path = written(tmp_path / "u.csv", header, *places(), [repr(g * 1e9) for g in TRUTH.G_S.tolist()])
    found = read_pulses(path)
    same(found)
    assert found.repairs == ("the line beneath the header was read as units", "column G (nS) was brought to S")


# Sheets


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def own_rows() -> list[list[object]]:
    columns = [TRUTH.device_id, TRUTH.cycle, TRUTH.pulse, TRUTH.polarity, TRUTH.G_S]
    return [
        ["device_id", "cycle", "pulse", "polarity", "G_S"],
        *([c.item() for c in row] for row in zip(*columns, strict=True)),
    ]


def test_a_sheet_of_the_projects_columns_is_read_like_a_csv(tmp_path: Path) -> None:
    found = read_pulses(workbook(tmp_path / "o.xlsx", Notes=[["my lab"], ["a", 1]], Data=own_rows()))
    same(found)
    assert (found.format, found.repairs) == ("synarray", ("sheet 'Data' was read, and not 'Notes'",))


def test_words_in_cells_of_currents_are_counted(tmp_path: Path) -> None:
    rows: list[list[object]] = [["V_pulse", "V_read", "I1", "I2"]]
    for i in range(40):
        current: object = "OVFL" if i % 10 == 5 else 1e-7 * (1 + i % 20)
        rows.append([1.0 if i < 20 else -1.0, 0.1, current, 1e-7 * (1 + i % 20)])
    assert read_pulses(workbook(tmp_path / "s.xlsx", d=rows)).discarded == {"conductance that is no number": 4}


def test_a_workbook_without_pulses_names_its_sheets(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Time", "Vpulse", "Iread", "x"], *([0.001 * i, 1.5, 1e-7, 3.0] for i in range(1, 9))]
    with pytest.raises(DataError) as error:
        read_pulses(workbook(tmp_path / "w.xlsx", Notes=[["my lab"]], Scope=rows))
    assert error.value.got.startswith("sheet 'Scope', columns Time, Vpulse, Iread, x")
    assert error.value.do.endswith("--columns 'read_V=0.1 V'")
    with pytest.raises(DataError) as error:
        read_pulses(workbook(tmp_path / "v.xlsx", Notes=[["my lab"]], Scope=[["a", "b"], [1, 2], [3, 4]]))
    assert "'Notes'" in error.value.got
    assert "'Scope' with columns a, b" in error.value.got


# What the errors say


def test_currents_without_the_voltage_of_the_reads_are_answered_with_a_command_that_works(tmp_path: Path) -> None:
    path = written(
        tmp_path / "k.csv", "Index,Vpulse,Iread", [str(i) for i in range(80)],
        ["1" if i < 40 else "-1" for i in range(80)], [repr(1e-7 * (1 + min(i, 79 - i))) for i in range(80)],
    )  # fmt: skip
    with pytest.raises(DataError) as error:
        read_pulses(path)
    assert "Iread holds currents" in error.value.got
    *_, option, columns = shlex.split(error.value.do.partition(": ")[2])
    assert (option, columns) == ("--columns", "read_V=0.1 V")
    found = read_pulses(path, columns=columns)
    assert (len(found), float(found.G_S[0])) == (80, pytest.approx(1e-6))


@pytest.mark.parametrize(
    ("content", "says"),
    [("device_id,cycle,pulse,polarity\n0,0,1,1\n0,0,2,1\n0,0,3,1\n", "columns device_id, cycle, pulse, polarity, none of which"),
     ("device_id,cycle,pulse,polarity,G_S\n", "a header (device_id, cycle")],
)  # fmt: skip
def test_what_is_missing_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "m.csv").write_text(content)
    with pytest.raises(DataError) as error:
        read_pulses(tmp_path / "m.csv")
    assert says in error.value.got


def test_a_folder_and_an_empty_path_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        read_pulses(tmp_path)
    with pytest.raises(DataError, match="got ''"):
        read_pulses("")


def test_columns_are_not_mapped_where_the_format_fixes_them(tmp_path: Path) -> None:
    path = written(tmp_path / "l.csv", "a,b", ["1e-6", "2e-6"], ["2e-6", "1e-6"])
    with pytest.raises(DataError, match="does not fix them"):
        read_pulses(path, "aihwkit-values", "G_S=a")
