"""Units: "10 ms" on paper, 0.01 inside.

Inside the package everything is a plain float in SI units. Files written by people carry units; a bare number where a
unit is due is refused there, with the unit that was expected. In Python a bare number is SI.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

__all__ = [
    "BytesPerSecond",
    "Farads",
    "Hertz",
    "Joules",
    "Ohms",
    "Seconds",
    "Siemens",
    "Volts",
    "Watts",
    "format_quantity",
    "parse_quantity",
]


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
    if _SPELLINGS.get(quantity.units, quantity.units) != unit:
        raise ValueError(f"must be in {unit}, not {quantity.units or 'without a unit'}")
    return float(quantity)


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


def _quantity(unit: str) -> tuple[BeforeValidator, PlainSerializer]:
    def read(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str):
            return parse_quantity(value, unit)
        if (info.context or {}).get("from_file"):
            raise ValueError(f'needs its unit, such as "10 {unit}"')
        return value

    return BeforeValidator(read), PlainSerializer(lambda value: format_quantity(value, unit), return_type=str)


_SECONDS, _HERTZ, _VOLTS, _SIEMENS, _OHMS = (_quantity(unit) for unit in ("s", "Hz", "V", "S", "ohm"))
_JOULES, _WATTS, _FARADS, _BYTES_PER_SECOND = (_quantity(unit) for unit in ("J", "W", "F", "B/s"))
Seconds = Annotated[float, *_SECONDS]
Hertz = Annotated[float, *_HERTZ]
Volts = Annotated[float, *_VOLTS]
Siemens = Annotated[float, *_SIEMENS]
Ohms = Annotated[float, *_OHMS]
Joules = Annotated[float, *_JOULES]
Watts = Annotated[float, *_WATTS]
Farads = Annotated[float, *_FARADS]
BytesPerSecond = Annotated[float, *_BYTES_PER_SECOND]
