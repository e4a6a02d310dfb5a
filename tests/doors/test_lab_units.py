"""Units and read voltages that a person reads without doubt: multiples of a unit, decimal commas, one voltage per column."""

# ruff: noqa: RUF001

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_lab_variants import INDEX, comma
from test_pulse_layouts import BOTH, DOWN, PULSE, UP, VOLTS, N, lines

from synarray import read_pulses
from synarray.errors import DataError
from synarray.lab.fitting import fit
from synarray.lab.rows.measured import Measurements
from synarray.lab.text.headers import known_unit, scale_of, unit_of


def read(text: str, tmp_path: Path, name: str = "measured.csv") -> Measurements:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_pulses(path)


def as_measured(found: Measurements) -> None:
    """Both trains of the one device, in siemens."""
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [N, N]
    assert len(found.devices) == 1
    np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=1e-3)


def sides(unit: str, factor: float) -> str:
    return lines(f"Pulse,LTP{unit},LTD{unit}\n", PULSE, UP / factor, DOWN / factor)


def resistances(name: str, factor: float) -> str:
    return lines(f"Pulse,Vp (V),{name}\n", INDEX, VOLTS, 1e6 / BOTH / factor)


MULTIPLES = {
    "a factor": sides(" (×100 nS)", 0.1),
    "a factor without its sign": sides(" (100 nS)", 0.1),
    "a factor with a letter": sides(" (x1000 nS)", 1.0),
    "ten": sides(" (10 nS)", 0.01),
    "a factor behind a slash": sides("/100 nS", 0.1),
    "a factor behind a word": sides(" in 100 nS", 0.1),
    "a factor behind a space": sides(" ×100 nS", 0.1),
    "a factor of ohms": resistances("R (1000 Ohm)", 1e3),
    "a power of ohms": resistances("R (10^5 Ω)", 1e5),
    "a superscript": resistances("R (10⁵ Ω)", 1e5),
    "a power as programs write it": resistances("R (1e5 Ω)", 1e5),
    "a power behind a slash": resistances("R/10^5 Ω", 1e5),
    "a superscript of siemens": sides(" (×10⁻⁶ S)", 1.0),
    "Chinese": lines("脉冲,增强电导（×100 nS）,抑制电导（×100 nS）\n", PULSE, UP * 10, DOWN * 10),
    "German, semicolons": lines(
        "Puls;LTP [×100 nS];LTD [×100 nS]\n", PULSE, comma(UP * 10), comma(DOWN * 10), separator=";"
    ),
    "a line of units": lines("Pulse,LTP,LTD\n,×10⁻⁶ S,×10⁻⁶ S\n", PULSE, UP, DOWN),
}


@pytest.mark.parametrize("name", MULTIPLES)
def test_the_multiple_of_a_unit_counts(name: str, tmp_path: Path) -> None:
    as_measured(read(MULTIPLES[name], tmp_path))


@pytest.mark.parametrize("name", ["R (105 Ω)", "R (x106 Ohm)", "R/105 Ω", "R (103 kΩ)"])
def test_a_power_that_may_have_lost_its_superscript_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"may be 10\^[356] without its superscript") as refused:
        read(resistances(name, 1e5), tmp_path)
    assert "R (10^" in str(refused.value)


@pytest.mark.parametrize("name", ["R (×1000)", "R (x1000)", "R (10⁵)", "R (1e5)"])
def test_a_multiple_without_a_unit_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be in ohm"):
        read(resistances(name, 1e3), tmp_path)


def test_units_that_were_read_stay_as_they_are() -> None:
    for text, factor in {
        "10-6 S": 1e-6,
        "10 -6 S": 1e-6,
        "x10^-6 S": 1e-6,
        "E-6 S": 1e-6,
        "1E-6 A": 1e-6,
        "10 5 Ω": 1e5,
    }.items():
        found = known_unit(text)
        assert found is not None and found[1].factor == pytest.approx(factor)
    assert unit_of("G (device 10)") == ("G device 10", None)
    assert unit_of("LTP_10_uS") == ("LTP_10", "uS")
    assert unit_of("LTP 100 nS") == ("LTP 100", "nS")
    with pytest.raises(DataError):
        scale_of("G (25 uS)", "G_S", "a file")


def currents(volts: float) -> list[str]:
    """Currents in uA."""
    return comma(BOTH * volts)


GERMAN = "Puls;Vp (V);Strom (uA)\n"
PULSES_DE = (INDEX, comma(VOLTS))
READ_VOLTAGES = {
    "a colon and semicolons": "V_read:;0,5 V;\n" + lines(GERMAN, *PULSES_DE, currents(0.5), separator=";"),
    "a colon, no unit": "V_read:;0,5\n" + lines(GERMAN, *PULSES_DE, currents(0.5), separator=";"),
    "a colon and a tab": "V_read:\t0,5 V\n"
    + lines(GERMAN.replace(";", "\t"), *PULSES_DE, currents(0.5), separator="\t"),
    "an equals sign and semicolons": "Read voltage =;0,2 V\n" + lines(GERMAN, *PULSES_DE, currents(0.2), separator=";"),
    "in one cell": "Lesespannung: 0,2 V;;\n" + lines(GERMAN, *PULSES_DE, currents(0.2), separator=";"),
    "the unit in a cell of its own": "Vread;200;mV\n" + lines(GERMAN, *PULSES_DE, currents(0.2), separator=";"),
    "the unit in brackets": "Lesespannung;0,2;[V]\n" + lines(GERMAN, *PULSES_DE, currents(0.2), separator=";"),
    "French": "Tension de lecture :;0,2 V\n"
    + lines("Impulsion;Vp (V);Courant (uA)\n", *PULSES_DE, currents(0.2), separator=";"),
    "Chinese": "读取电压：,0.2 V\n" + lines("脉冲,Vp (V),电流(μA)\n", INDEX, VOLTS, BOTH * 0.2),
    "Russian": "Напряжение считывания:;0,2 В\n"
    + lines("Импульс;Vp (В);Ток (мкА)\n", *PULSES_DE, currents(0.2), separator=";"),
    "words": "# Vread 200 mV\n" + lines("# pulse Vp/V I/uA\n", INDEX, VOLTS, BOTH * 0.2, separator=" "),
    "a decimal comma among commas": "# V_read: 0,2 V\n" + lines("Pulse,Vp (V),I (uA)\n", INDEX, VOLTS, BOTH * 0.2),
    "said twice": "Vread,0.2\nRead voltage: 200 mV\n" + lines("Pulse,Vp (V),I (uA)\n", INDEX, VOLTS, BOTH * 0.2),
    "of each column": lines("Pulse,LTP I @0.1V (nA),LTD I @0.2V (nA)\n", PULSE, UP * 100, DOWN * 200),
    "of each column, as said": lines("Pulse,LTP (nA) at 100 mV,LTD (nA) at 0.2 V\n", PULSE, UP * 100, DOWN * 200),
    "of each branch": "Vread LTP,0.1\nVread LTD,0.2\n"
    + lines("Pulse,LTP I (nA),LTD I (nA)\n", PULSE, UP * 100, DOWN * 200),
    "a drain's voltage is another": "Vd,1.0\nVread,0.2\n" + lines("Pulse,Vp (V),I (uA)\n", INDEX, VOLTS, BOTH * 0.2),
}


@pytest.mark.parametrize("name", READ_VOLTAGES)
def test_currents_are_divided_by_the_voltage_that_a_person_reads(name: str, tmp_path: Path) -> None:
    as_measured(read(READ_VOLTAGES[name], tmp_path))


def test_the_voltage_of_each_column_is_said(tmp_path: Path) -> None:
    found = read(READ_VOLTAGES["of each column"], tmp_path)
    assert "LTP I @0.1V (nA) was read at 0.1 V" in found.remarks
    np.testing.assert_allclose(found.read_V[found.polarity > 0], 0.1)
    np.testing.assert_allclose(found.read_V[found.polarity < 0], 0.2)


ROWS = lines("Pulse,Vp (V),I (uA)\n", INDEX, VOLTS, BOTH * 0.2)
TWO = {
    "of columns": lines("Pulse,Vp (V),I (nA) @ 0.1 V,I (nA) @ 0.2 V\n", INDEX, VOLTS, BOTH * 100, BOTH * 200),
    "of branches, in rows": "Vread LTP,0.1\nVread LTD,0.2\n" + ROWS,
    "of two lines": "Vread,0.1\nLesespannung: 200 mV\n" + ROWS,
    "of a line and a name": "Vread,0.1\n" + lines("Pulse,Vp (V),I (uA) @ 0.2 V\n", INDEX, VOLTS, BOTH * 0.2),
    "of a line and of both names": "Vread,0.2\n"
    + lines("Pulse,LTP (nA) @0.1V,LTD (nA) @0.2V\n", PULSE, UP * 100, DOWN * 200),
    "of one column of two": lines("n,LTP (nA) @0.1V,LTP (nA) @0.2V,LTD (nA)\n", PULSE, UP * 100, UP * 200, DOWN * 100),
}


@pytest.mark.parametrize("name", TWO)
def test_two_read_voltages_are_refused_with_both(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one voltage") as refused:
        read(TWO[name], tmp_path)
    assert "0.1 V" in str(refused.value)
    assert "0.2 V" in str(refused.value)


def test_what_the_refusal_of_two_read_voltages_proposes_works(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    for name, columns in (("of columns", "I_A=4"), ("of two lines", "read_V=0.2 V")):
        path.write_text(TWO[name], "utf-8")
        as_measured(read_pulses(path, columns=columns))


def test_settings_of_pulses_stay_as_they_are(tmp_path: Path) -> None:
    found = read(
        "Set: 0,85 V, 1 us;;\nReset:;-0,9 V;1 us\n"
        + lines("Puls;LTP (uS);LTD (uS)\n", PULSE, comma(UP), comma(DOWN), separator=";"),
        tmp_path,
    )
    as_measured(found)
    assert found.amplitude_V[found.polarity > 0] == pytest.approx(0.85)
    assert found.amplitude_V[found.polarity < 0] == pytest.approx(-0.9)
    assert found.width_s[found.polarity != 0] == pytest.approx(1e-6)


def with_conditions(names: str, *columns: object) -> str:
    return lines(f"Pulse,Vp (V),{names}\n", INDEX, VOLTS, *([x] * 2 * N for x in columns), BOTH)


@pytest.mark.parametrize(
    ("names", "value", "says"),
    [
        ("V_read,G (uS)", 0.2, "'V_read' has no unit: taken as V"),
        ("Lesespannung,G (uS)", 0.2, "'Lesespannung' has no unit: taken as V"),
        ("V_read,G (uS)", 100, "'V_read' (no unit, and 100 V is too large)"),
        (
            "Width,G (uS)",
            500,
            "'Width' has no unit, and 500 s is too large: --columns 'width_s=3 in UNIT' gives its own",
        ),
        ("Pulse width,G (uS)", 5, "'Pulse width' has no unit: taken as s"),
        ("脉宽,G (uS)", 500, "'脉宽' has no unit, and 500 s is too large"),
    ],
)
def test_a_condition_without_a_unit_is_said(names: str, value: float, says: str, tmp_path: Path) -> None:
    found = read(with_conditions(names, value), tmp_path)
    as_measured(found)
    assert says in " ".join(found.remarks)


@pytest.mark.parametrize(
    "names", ["V_read (V),G (uS)", "V_read (mV),G (uS)", "read_V,G (uS)", "width_s,G (uS)", "Width (ns),G (uS)"]
)
def test_a_condition_with_a_unit_is_not_doubted(names: str, tmp_path: Path) -> None:
    assert "no unit" not in " ".join(read(with_conditions(names, 0.1), tmp_path).remarks)


def test_amplitudes_in_other_units_are_said(tmp_path: Path) -> None:
    found = read(lines("Pulse,V_pulse,G (uS)\n", INDEX, 1000 * VOLTS, BOTH), tmp_path)
    as_measured(found)
    assert any("'V_pulse' has no unit, and 875 V is too large" in remark for remark in found.remarks)


def test_currents_at_a_voltage_that_is_none_are_refused_and_the_proposal_works(tmp_path: Path) -> None:
    text = lines("Pulse,Vp (V),V_read,I (nA)\n", INDEX, VOLTS, [100] * 2 * N, BOTH * 100)
    with pytest.raises(DataError, match="V_read has no unit, and 100 V is too large") as refused:
        read(text, tmp_path)
    assert "read_V=3 in mV" in str(refused.value)
    as_measured(read_pulses(tmp_path / "measured.csv", columns="read_V=3 in mV"))
    assert any("'V_read' has no unit: taken as V" in r for r in read(text.replace(",100,", ",0.1,"), tmp_path).remarks)


def test_currents_of_both_branches_beside_their_read_voltage(tmp_path: Path) -> None:
    text = lines("Pulse,LTP (nA),LTD (nA),V_read (mV)\n", PULSE, UP * 200, DOWN * 200, [200] * N)
    found = read(text, tmp_path)
    as_measured(found)
    np.testing.assert_allclose(found.read_V, 0.2)


def test_a_device_says_which_conditions_of_its_file_it_does_not_take(tmp_path: Path) -> None:
    found = fit(read(with_conditions("Width,G (uS)", 500), tmp_path))
    assert "says 500 s, not within 10" in found.device.sources["t_ltp"].source
    assert "does not say" in found.device.sources["v_read"].source


BARE = lines("Pulse,LTP,LTD\n", PULSE, UP * 1e-3, DOWN * 1e-3)
NANO = lines("Pulse,LTP,LTD\n", PULSE, UP * 1e3, DOWN * 1e3)
ABOVE = {
    "a title": "Conductance (mS) vs pulse number\n" + BARE,
    "a setting": "Conductance unit: mS\n" + BARE,
    "a setting in cells": "Unit,mS\n" + BARE,
    "a sentence": "All conductances in nS\n" + NANO,
    "a comment": "# G in mS\n# pulse V G\n" + lines("", INDEX, VOLTS, BOTH * 1e-3, separator=" "),
    "an axis": "Conductance / nS\n" + NANO,
    "an equals sign": "G = nS\n" + NANO,
    "a multiple": "Conductance (×100 nS)\n" + lines("Pulse,LTP,LTD\n", PULSE, UP * 10, DOWN * 10),
    "a superscript": "Conductance (10⁻⁶ S)\n" + lines("Pulse,LTP,LTD\n", PULSE, UP, DOWN),
    "German": "Leitwert [µS];;\n" + lines("Puls;LTP;LTD\n", PULSE, comma(UP), comma(DOWN), separator=";"),
    "German, unit": "Einheit: µS;;\n"
    + lines("Puls;Potenzierung;Depression\n", PULSE, comma(UP), comma(DOWN), separator=";"),
    "French": "Conductance en µS;;\n" + lines("Impulsion;LTP;LTD\n", PULSE, comma(UP), comma(DOWN), separator=";"),
    "Chinese": "单位：μS\n" + lines("脉冲,增强,抑制\n", PULSE, UP, DOWN),
    "Chinese, brackets": "电导（μS）\n" + lines("脉冲,增强,抑制\n", PULSE, UP, DOWN),
    "Russian": "Единица: мкСм\n"
    + lines("Импульс;Потенциация;Депрессия\n", PULSE, comma(UP), comma(DOWN), separator=";"),
    "resistances": "Resistance (kOhm) vs pulse\n" + lines("Pulse,LTP,LTD\n", PULSE, 1e3 / UP, 1e3 / DOWN),
    "currents": "Current (nA), read at 0.1 V\n" + lines("Pulse,LTP,LTD\n", PULSE, UP * 100, DOWN * 100),
    "no names": "# pulse number, conductance in mS\n" + lines("", INDEX, BOTH * 1e-3),
    "the same twice": "Conductance (mS)\nUnit: mS\n" + BARE,
    "a name with its own": "Conductance (mS)\n" + lines("Pulse,LTP (uS),LTD (uS)\n", PULSE, UP, DOWN),
    "a column of the project": "Conductance (mS)\n" + lines("pulse,amplitude_V,G_S\n", INDEX, VOLTS, BOTH * 1e-6),
    "settings with units": (
        "Compliance (uA),100\nGmax (uS): 36\nTarget: 30 uS\nRange (mS)\nSample: S\nR_series (kOhm) = 1\n"
        + lines("Pulse,LTP,LTD\n", PULSE, UP * 1e-6, DOWN * 1e-6)
    ),
    "a unit of another quantity": "Current (mA)\n" + lines("Pulse,Vp (V),G\n", INDEX, VOLTS, BOTH * 1e-6),
}


@pytest.mark.parametrize("name", ABOVE)
def test_the_unit_above_the_table_counts_where_columns_have_none(name: str, tmp_path: Path) -> None:
    as_measured(read(ABOVE[name], tmp_path))


def test_the_unit_above_the_table_is_said(tmp_path: Path) -> None:
    said = read(ABOVE["a title"], tmp_path).repairs
    assert "LTP, LTD: in mS, as a line above the table says" in said
    assert not any("above the table says" in r for r in read(ABOVE["settings with units"], tmp_path).repairs)


def test_the_unit_of_json_counts(tmp_path: Path) -> None:
    text = json.dumps({"unit": "nS", "LTP": (UP * 1e3).tolist(), "LTD": (DOWN * 1e3).tolist()})
    as_measured(read(text, tmp_path, "measured.json"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Conductance (mS)\nAll values in nS\n" + NANO, "beneath lines that say nS and mS"),
        ("Conductance (uS)\n" + lines("Pulse,LTP,LTD\n", PULSE, UP * 1e-6, DOWN * 1e-6), "LTP=2 in S,LTD=3 in S"),
        ("# G in nS\n" + lines("Pulse,Vp (V),G\n", INDEX, VOLTS, BOTH * 1e-6), "G_S=3 in S"),
    ],
)
def test_a_unit_above_the_table_that_does_not_fit_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one unit that fits") as refused:
        read(text, tmp_path)
    assert says in str(refused.value)
    given = str(refused.value).rpartition("--columns '")[2].partition("'")[0]
    as_measured(read_pulses(tmp_path / "measured.csv", columns=given))
