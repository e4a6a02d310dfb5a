"""Measured pulses as people hand them over: formats, flaws that are refused or repaired and said, and all rows counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Command, everything_in, four_parts

from synarray.device.library import load_device
from synarray.errors import DataError
from synarray.lab.formats import FORMATS, read_pulses
from synarray.lab.rows.measured import COLUMNS, Measurements
from synarray.lab.synthetic import measure_devices

HEADER = ",".join(COLUMNS)
MAPPING = "device_id=DUT,cycle=Loop,pulse=Index,amplitude_V=Pulse voltage,I_A=Current,read_V=Vread"
Rows = list[list[str]]


def rows(write: Callable[[float], str] = "{:.6g}".format) -> Rows:
    """Two devices, two cycles of 20 LTP and 20 LTD pulses, with a little noise."""
    rng, found = np.random.default_rng(0), []
    for device in range(2):
        for cycle in range(2):
            g = 1e-6
            for pulse in range(40):
                up = pulse < 20
                g = min(max(g + (1 if up else -1) * (2e-7 + 2e-8 * rng.standard_normal()), 1e-6), 5e-6)
                word, volts = ("LTP", "1") if up else ("LTD", "-1")
                found.append([str(device), str(cycle), str(pulse), word, volts, "1e-6", write(g), "0.1", "300"])
    return found


def scattered() -> Rows:
    """Return the same rows in no order: nothing tells LTP from LTD."""
    found = rows()
    for device in range(2):
        mine = found[80 * device : 80 * device + 80]
        found[80 * device : 80 * device + 80] = [mine[i] for i in np.random.default_rng(1).permutation(80)]
    return found


def write(
    path: Path, table: Rows, header: str = HEADER, separator: str = ",", before: str = "", encoding: str = "utf-8"
) -> None:
    lines = [header.replace(",", separator)] * bool(header) + [separator.join(row) for row in table]
    path.write_text(before + "\n".join(lines) + "\n", encoding)


def conductances() -> list[float]:
    return [float(row[6]) for row in rows()]


# Repaired, and said


def test_the_own_format_is_read_as_it_stands(tmp_path: Path) -> None:
    write(tmp_path / "pulses.csv", rows())
    found = read_pulses(tmp_path / "pulses.csv")
    assert (found.format, found.repairs, found.discarded, found.devices) == ("synarray", (), {}, ("0", "1"))
    assert found.G_S.tolist() == conductances()
    assert set(found.polarity.tolist()) == {1, -1}
    assert found.cycle.max() == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoding": "utf-8-sig"}, "byte-order mark"),
        ({"encoding": "utf-16"}, "UTF-16"),
        ({"before": "Keithley 4200\nDate,2024-01-01\n\nSetup;pulse\n"}, "4 lines of the instrument"),
        ({"separator": ";"}, "semicolons"),
        ({"separator": "\t"}, ""),
    ],
)
def test_what_surrounds_the_numbers_is_passed_over_and_said(tmp_path: Path, options: dict[str, str], said: str) -> None:
    write(tmp_path / "pulses.csv", rows(), **options)
    found = read_pulses(tmp_path / "pulses.csv")
    assert found.G_S.tolist() == conductances()
    assert (any(said in repair for repair in found.repairs)) if said else not found.repairs


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    write(tmp_path / "pulses.csv", [[cell.replace(".", ",") for cell in row] for row in rows()], separator=";")
    found = read_pulses(tmp_path / "pulses.csv")
    assert found.G_S.tolist() == conductances()
    assert "decimal commas were read as points" in found.repairs


def test_units_in_the_header_and_in_the_cells_are_brought_to_siemens(tmp_path: Path) -> None:
    write(tmp_path / "header.csv", rows(lambda g: f"{g * 1e9:.6g}"), HEADER.replace("G_S", "G_nS"))
    write(tmp_path / "cells.csv", rows(lambda g: f"{g * 1e6:.6g} uS"))
    for name, said in (("header", "column G_nS was brought to S"), ("cells", "160 values with their unit")):
        found = read_pulses(tmp_path / f"{name}.csv")
        np.testing.assert_allclose(found.G_S, conductances(), rtol=1e-12)
        assert any(said in repair for repair in found.repairs)


def test_pulses_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    table = rows()
    table[3], table[8] = table[8], table[3]
    write(tmp_path / "pulses.csv", table)
    found = read_pulses(tmp_path / "pulses.csv")
    assert found.G_S.tolist() == conductances()
    assert any("sorted by pulse" in repair for repair in found.repairs)


def test_every_discarded_row_is_counted_with_its_reason(tmp_path: Path, command: Command) -> None:
    table = rows()
    table[3][6], table[5][6], table[7][6], table[9][6] = "nan", "inf", "-1e-6", "oops"
    table += [list(table[-1]), [*table[-1][:6], "2e-6", *table[-1][7:]]]
    table.insert(4, ["1", "2"])
    write(tmp_path / "pulses.csv", table)
    told = command("device", "fit", "pulses.csv", "--json").json
    reasons = {
        "conductance that is no number": 3, "negative conductance": 1, "duplicated row": 1,
        "second row of the same pulse": 1, "row with another number of columns": 1,
    }  # fmt: skip
    assert told["discarded"] == reasons
    assert told["rows_discarded"] == sum(reasons.values())
    assert told["rows_used"] + told["rows_discarded"] == len(table)


def test_a_pulse_beside_a_lost_row_is_not_taken_for_two() -> None:
    """The step over a gap is no step of one pulse."""
    from synarray.lab.fitting.trains import arrange

    whole = measure_devices(load_device("ideal"), 1, 1)
    keep = np.ones(len(whole), bool)
    keep[10] = False
    arrays = {key: getattr(whole, key)[keep] for key in COLUMNS}
    pulses = arrange(Measurements(**arrays), 0.1e-6, 4.9e-6).pulses()
    assert len(pulses) == len(whole) - 3
    assert np.abs(pulses.after - pulses.before).max() == pytest.approx(1 / 64)


def test_the_polarity_of_voltages_of_one_sign_is_taken_from_what_they_do(tmp_path: Path) -> None:
    """PCM: a low voltage sets, a high one of the same sign resets."""
    measured = measure_devices(load_device("pcm"), 2, 3)
    for name in ("arc", "simbrain"):
        writer = FORMATS[name].write
        assert writer is not None
        (tmp_path / "pulses.csv").write_bytes(writer(measured)[""])
        assert read_pulses(tmp_path / "pulses.csv", name).polarity.tolist() == measured.polarity.tolist()


# Formats


@pytest.mark.parametrize(
    "name", [name for name, kind in FORMATS.items() if kind.write and not name.startswith("aihwkit")]
)
def test_every_format_that_is_written_is_recognised_and_read_back(command: Command, tmp_path: Path, name: str) -> None:
    """Conductances of the first device at least, to the digits that are written."""
    suffix = FORMATS[name].suffix or ""
    told = command(
        "device",
        "synth",
        "alox-hfo2",
        "--devices",
        "2",
        "--cycles",
        "2",
        "--format",
        name,
        "-o",
        f"x{suffix}",
        "--json",
    ).json
    assert told["truth"]["n_levels_ltp"] == 40
    found = read_pulses(tmp_path / f"x{suffix}", columns=MAPPING if name == "columns" else None)
    truth = measure_devices(load_device("alox-hfo2"), 2, 2)
    assert found.format == name
    if name in ("neurosim", "crosssim-ramps", "n2d2"):
        own = truth.G_S[truth.device_id == 0]
        assert np.abs(found.G_S[:, None] / own - 1.0).min(axis=1).max() < 1e-8
    else:
        np.testing.assert_allclose(found.G_S, truth.G_S, rtol=1e-8)
        assert found.polarity.tolist() == truth.polarity.tolist()
        assert found.device_id.tolist() == truth.device_id.tolist()


def test_two_columns_without_names_are_states_where_one_rises_and_one_falls(command: Command) -> None:
    command("device", "synth", "ideal", "--format", "aihwkit-values", "-o", "two.csv")
    for options in ((), ("--format", "aihwkit-values")):
        told = command("device", "fit", "two.csv", *options, "--json").json
        assert told["n_levels_ltp"] == pytest.approx(64, rel=1e-6)
    command("device", "synth", "ideal", "--format", "aihwkit-steps", "-o", "steps.csv")
    assert "--format aihwkit-steps" in four_parts(command("device", "fit", "steps.csv"))["do"]


def test_steps_without_conductances_have_a_placeholder_for_the_range(command: Command, tmp_path: Path) -> None:
    (tmp_path / "steps.csv").write_text("\ufeff" + "0.1,0.1\n" * 7, "utf-8")
    told = command("device", "fit", "steps.csv", "--format", "aihwkit-steps", "--json").json
    assert (told["n_levels_ltp"], told["n_levels_ltd"]) == (pytest.approx(20), pytest.approx(20))
    assert any("placeholder" in warning for warning in told["warnings"])
    assert {"g_min", "g_max"} <= set(load_device(tmp_path / "steps.toml").unconfirmed)


def test_a_list_of_one_polarity_says_what_is_not_known(command: Command, tmp_path: Path) -> None:
    command("device", "synth", "epiram", "--format", "n2d2", "-o", "ltp.txt")
    told = command("device", "fit", "ltp.txt", "--json").json
    assert any(warning.startswith("No LTD pulse was measured") for warning in told["warnings"])
    assert "n_levels_ltd" in load_device(tmp_path / "ltp.toml").unconfirmed


def test_a_sheet_of_simbrain_is_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    measured = measure_devices(load_device("ecram"), 2, 1)
    book = openpyxl.Workbook()
    book.active.append(["V_pulse", "V_read", "I1", "I2"])
    one, two = (measured.G_S[measured.device_id == d] for d in range(2))
    for volts, a, b in zip(measured.amplitude_V, one, two, strict=False):
        book.active.append([float(volts), 0.1, float(a) * 0.1, float(b) * 0.1])
    book.save(tmp_path / "conductance.xlsx")
    found = read_pulses(tmp_path / "conductance.xlsx")
    np.testing.assert_allclose(found.G_S, measured.G_S, rtol=1e-12)


# Refused


REFUSED = {
    "uS-as-S": (lambda: (rows(lambda g: f"{g * 1e6:.6g}"), HEADER), "siemens"),
    "negative": (lambda: (rows(lambda g: f"{-g:.6g}"), HEADER), "more than half"),
    "equal": (lambda: (rows(lambda g: "1e-6"), HEADER), "must move the conductance"),
    "one": (lambda: (rows()[:1], HEADER), "at least 4 pulses"),
    "no-polarity": (lambda: ([[row[0], row[6]] for row in scattered()], "device_id,G_S"), "polarity"),
    "no-conductance": (lambda: ([row[:6] for row in rows()], HEADER.partition(",G_S")[0]), "a column of conductances"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_measurement_that_cannot_be_used_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    make, says = REFUSED[name]
    table, header = make()
    write(tmp_path / "pulses.csv", table, header)
    message = four_parts(command("device", "fit", "pulses.csv"))
    assert says in message["rule"]
    assert message["where"].startswith("pulses.csv")
    assert set(everything_in(tmp_path)) == {"pulses.csv"}


def test_mixed_units_are_refused_in_words(command: Command, tmp_path: Path) -> None:
    table = rows()
    for row in table[:10]:
        row[6] = f"{float(row[6]) * 1e6:.4g}"
    write(tmp_path / "pulses.csv", table)
    assert "6% of them" in four_parts(command("device", "fit", "pulses.csv"))["got"]


def test_a_file_that_is_no_table_is_refused(command: Command, tmp_path: Path) -> None:
    """Missing, empty, words, binary, a pickle, a pipe, an endless device, one endless line, a false sheet, a folder."""
    (tmp_path / "empty").write_text("")
    (tmp_path / "words").write_text("hello world\nno table\n")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "pickle").write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    (tmp_path / "line").write_text("1," * 2_000_000)
    (tmp_path / "sheet.xlsx").write_bytes(b"PK\x03\x04junk")
    (tmp_path / "header").write_text(HEADER + "\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "endless").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    for name in (
        "missing",
        "empty",
        "words",
        "binary",
        "pickle",
        "line",
        "sheet.xlsx",
        "header",
        "folder",
        "endless",
        "pipe",
    ):
        assert name in four_parts(command("device", "fit", name, "-o", "out.toml"))["where"]
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "part", "says"),
    [
        (("fit", "p.csv", "--format", "neurosin"), "do", 'Did you mean "neurosim"?'),
        (("fit", "p.csv", "--columns", "G_S"), "rule", "NAME=COLUMN"),
        (("fit", "p.csv", "--columns", "G_S=Cond"), "do", "Known:"),
        (("fit", "p.csv", "-o", "x.txt"), "do", "x.toml"),
        (("synth", "idael"), "do", 'Did you mean "ideal"?'),
        (("synth", "ideal", "--format", "crosssim-tables"), "do", "synarray device export"),
        (("export", "ideal", "--format", "spicy"), "do", 'Did you mean "spice"?'),
        (("export", "stt-mram", "--format", "neurosim"), "got", "law binary"),
        (("import", "p.csv"), "rule", "aihwkit's, NeuroSim's or N2D2's"),
        (("import", "p.csv", "--g-min", "5"), "where", "--g-min"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], part: str, says: str
) -> None:
    write(tmp_path / "p.csv", rows())
    assert says in four_parts(command("device", *arguments))[part]


def test_a_file_larger_than_a_fit_uses_is_counted_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synarray.lab.formats import flat

    write(tmp_path / "pulses.csv", rows())
    monkeypatch.setattr(flat, "MOST_ROWS", 100)
    found = read_pulses(tmp_path / "pulses.csv")
    assert (len(found), list(found.discarded.values())) == (100, [60])


def test_columns_of_another_table_are_mapped_by_name_and_number(tmp_path: Path) -> None:
    table = [[row[6], row[3]] for row in rows()]
    write(tmp_path / "named.csv", table, "Cond (S),Direction")
    write(tmp_path / "bare.csv", table, "")
    for name, columns in (("named", "G_S=Cond,polarity=Direction"), ("bare", "G_S=1,polarity=2")):
        assert read_pulses(tmp_path / f"{name}.csv", columns=columns).G_S.tolist() == conductances()
    with pytest.raises(DataError, match="must be in the file"):
        read_pulses(tmp_path / "named.csv", columns="G_S=Conduct")
