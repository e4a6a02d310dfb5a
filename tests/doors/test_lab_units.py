"""Units and read voltages that a person reads without doubt: multiples of a unit, decimal commas, one voltage per column."""

# ruff: noqa: RUF001

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_lab_variants import INDEX, comma
from test_pulse_layouts import BOTH, DOWN, PULSE, UP, VOLTS, N, lines

from synarray import read_pulses
from synarray.errors import DataError
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
