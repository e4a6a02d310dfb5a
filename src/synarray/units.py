"""Units: "10 ms" on paper, 0.01 inside.

Inside the package everything is a plain float in SI units. Files written by people carry units; a bare number where a
unit is due is refused there, with the unit that was expected. In Python a bare number is SI.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

__all__ = [
    "BOLTZMANN",
    "ELECTRONVOLT",
    "BytesPerSecond",
    "ElectronVolts",
    "Farads",
    "Hertz",
    "Joules",
    "Kelvins",
    "Ohms",
    "Seconds",
    "Siemens",
    "Volts",
    "Watts",
    "format_quantity",
    "parse_quantity",
    "parse_temperature",
    "quantity",
]

BOLTZMANN = 1.380649e-23
"""k, J/K, exact (SI 2019)."""
ELECTRONVOLT = 1.602176634e-19
"""1 eV, J, exact (SI 2019)."""
_ZERO_CELSIUS = 273.15

_SPELLINGS = {"Ohm": "ohm", "\u2126": "ohm", "\u03a9": "ohm"}
"""Other ways to write a unit; the two Greek letters are the ohm sign and the capital omega."""


_LONGEST = 100
"""Characters of a quantity."""


def parse_quantity(text: str, unit: str) -> float:
    """Read a quantity such as "10 ms" and return it in SI.

    Parameters
    ----------
    text : str
        Number, scale factor and unit.
    unit : str
        The SI unit that is due, e.g. "s".

    Returns
    -------
    float
        The value in that unit.

    Raises
    ------
    ValueError
        When the text is no quantity, or its unit is another one.

    Examples
    --------
    >>> parse_quantity("10 ms", "s")
    0.01
    """
    import quantiphy

    try:
        quantity = quantiphy.Quantity(text if len(text) <= _LONGEST else "")  # its patterns take long over long texts
    except (quantiphy.QuantiPhyError, ValueError):
        raise ValueError(f'must be a quantity in {unit}, such as "10 {unit}"') from None
    if not math.isfinite(quantity):
        raise ValueError(f'must be a number in {unit}, such as "10 {unit}", not nan or infinite')
    if _SPELLINGS.get(quantity.units, quantity.units) != unit:
        written = quantity.units if quantity.units in _UNITS else _NUMBER.sub("", text, count=1).strip()
        raise ValueError(f"must be in {unit}, not {written or 'without a unit'}")
    return float(quantity)


_UNITS = ("s", "Hz", "V", "A", "S", "ohm", "J", "W", "F", "B/s", "eV", "K")
"""Units that are named without their prefix; of other words, such as years, a first letter is no prefix."""
_NUMBER = re.compile(r"^\s*[+-]?[\d.,_]*(?:[eE][+-]?\d+)?")


def parse_temperature(text: str) -> float:
    """Read a temperature such as "85 C", "85 °C" or "358 K" and return it in K (to QuantiPhy a K is a thousand).

    Raises
    ------
    ValueError
        When the text is no temperature above absolute zero.

    Examples
    --------
    >>> parse_temperature("85 C"), parse_temperature("358.15K")
    (358.15, 358.15)
    """
    found = _TEMPERATURE.fullmatch(text[: _LONGEST + 1])
    kelvins = float(found[1]) + _ZERO_CELSIUS * (found[2] != "K") if found else 0.0
    if not 0.0 < kelvins < math.inf:
        raise ValueError('must be a temperature above absolute zero, such as "85 C" or "358 K"')
    return kelvins


_TEMPERATURE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(K|°?C)\s*")


def format_quantity(value: float, unit: str) -> str:
    """Write an SI value for people, with as many digits as read back to the same value.

    Examples
    --------
    >>> format_quantity(0.01, "s")
    '10 ms'
    """
    import quantiphy

    for digits in (5, 8, 11, 14):
        text = str(quantiphy.Quantity(value, unit).render(prec=digits))
        if parse_quantity(text, unit) == value:
            return text
    return f"{value!r} {unit}"


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Write a value with so many digits and the prefix that suits it; without a unit, as a plain number.

    Examples
    --------
    >>> quantity(1.23456e-6, "S"), quantity(1234.5, "")
    ('1.23 uS', '1,234.5')
    """
    if not unit:
        return f"{value:,.1f}".removesuffix(".0")
    return format_quantity(float(f"{value:.{digits}g}"), unit)


def _quantity(
    unit: str, parse: Callable[[str], float] | None = None, write: Callable[[float], str] | None = None
) -> tuple[BeforeValidator, PlainSerializer]:
    """Read and write a kind of quantity; ``parse`` and ``write`` where it is not simply a number of SI units."""

    def read(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str):
            return parse(value) if parse else parse_quantity(value, unit)
        if (info.context or {}).get("from_file"):
            raise ValueError(f'needs its unit, such as "10 {unit}"')
        return value

    return BeforeValidator(read), PlainSerializer(
        write or (lambda value: format_quantity(value, unit)), return_type=str
    )


def _write_electronvolts(joules: float) -> str:
    near = joules / ELECTRONVOLT
    tried = [float(f"{near:.6g}"), near, math.nextafter(near, 0.0), math.nextafter(near, math.inf)]
    return f"{next((ev for ev in tried if ev * ELECTRONVOLT == joules), near)!r} eV"


_SECONDS, _HERTZ, _VOLTS, _SIEMENS, _OHMS = (_quantity(unit) for unit in ("s", "Hz", "V", "S", "ohm"))
_JOULES, _WATTS, _FARADS, _BYTES_PER_SECOND = (_quantity(unit) for unit in ("J", "W", "F", "B/s"))
_KELVINS = _quantity("K", parse_temperature, lambda value: f"{value!r} K")
_EV = _quantity("eV", lambda text: parse_quantity(text, "eV") * ELECTRONVOLT, _write_electronvolts)
Seconds = Annotated[float, *_SECONDS]
Hertz = Annotated[float, *_HERTZ]
Volts = Annotated[float, *_VOLTS]
Siemens = Annotated[float, *_SIEMENS]
Ohms = Annotated[float, *_OHMS]
Joules = Annotated[float, *_JOULES]
Watts = Annotated[float, *_WATTS]
Farads = Annotated[float, *_FARADS]
BytesPerSecond = Annotated[float, *_BYTES_PER_SECOND]
Kelvins = Annotated[float, *_KELVINS]
"""Temperature: "85 C" or "358 K" on paper."""
ElectronVolts = Annotated[float, *_EV]
"""Energy of one event among atoms: "1.1 eV" on paper, J inside."""
