"""Names of columns as people write them: which quantity, and in which unit: ``G (mS)``, ``R/kOhm``, ``I_nA``, ``G;mS``.

What stands in brackets or behind a slash must be a unit of the right dimension; behind a space, an underscore or another
mark it is one if it is known. A unit that is not known, or of another dimension, is refused: it is never taken for SI.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from synarray.errors import DataError

__all__ = ["MORE", "OTHERS", "UNITS", "Scale", "bare", "is_units", "quantity_of", "scale_of", "unit_of"]

UNITS = {
    "amplitude_V": "V",
    "width_s": "s",
    "G_S": "S",
    "read_V": "V",
    "temperature_K": "K",
    "R_ohm": "ohm",
    "I_A": "A",
}
"""Columns that have a unit, and the unit they are kept in."""
MORE = ("R_ohm", "I_A")
"""Columns from which conductances can be computed."""

_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_LONG_PREFIXES = {
    "femto": "f",
    "pico": "p",
    "nano": "n",
    "micro": "u",
    "milli": "m",
    "kilo": "k",
    "mega": "M",
    "giga": "G",
}
_SPELLINGS = {
    "S": ("S", "mho", "mhos", "Mho", "siemens", "Siemens", "A/V"),
    "ohm": ("ohm", "ohms", "Ohm", "Ohms", "OHM", "\u03a9", "\u2126"),
    "V": ("V", "volt", "volts", "Volt", "Volts"),
    "s": ("s", "sec", "second", "seconds"),
    "A": ("A", "amp", "amps", "Amp", "Amps", "ampere", "amperes"),
    "K": ("K", "kelvin", "Kelvin"),
}
OTHERS = {"R_ohm": r"resist|^r$|^r_", "I_A": r"i_?read|current|^i$|^i_|^i\d"}
"""Words by which a column names what is no conductance."""
_OWN_BY_UNIT = {"S": "G_S", "ohm": "R_ohm", "A": "I_A"}
_CELSIUS = ("\u00b0C", "\u00baC", "degC", "C", "celsius", "Celsius")
_BY_SPELLING = {word: unit for unit, words in _SPELLINGS.items() for word in words}
_IN_BRACKETS = re.compile(r"^(?P<head>.*?)\s*[(\[{](?P<unit>[^()\[\]{}]*)[)\]}]\s*$")
_BEHIND_MARK = re.compile(r"^(?P<head>.*\S)(?P<mark>\s*/\s*|\s+in\s+|[\s_;,:-]+)(?P<unit>\S+)\s*$")
_GLUED = re.compile(r"^(?P<head>[GgRrIiVv])(?P<unit>[fpnum\u00b5\u03bckMG](?:S|A|V|[Oo]hms?|\u03a9|\u2126))$")
_GLUED_WORD = re.compile(r"[a-z](?P<unit>[fpnum\u00b5\u03bckMG](?:S|A|V|[Oo]hms?|\u03a9|\u2126))$")


class Scale(NamedTuple):
    """How values of a column become SI: value * factor + offset."""

    factor: float = 1.0
    offset: float = 0.0


def _known(text: str) -> tuple[str, Scale] | None:
    """Read a unit; None where it is none that is known."""
    text = text.strip().replace("\u00b5", "u").replace("\u03bc", "u")
    if text in _CELSIUS:
        return "K", Scale(1.0, 273.15)
    for word, prefix in _LONG_PREFIXES.items():
        if text.lower().startswith(word):
            text = prefix + text[len(word) :].lstrip(" -")
            break
    if text in _BY_SPELLING:
        return _BY_SPELLING[text], Scale()
    prefix, unit = text[:1], _BY_SPELLING.get(text[1:].strip())
    if unit == "ohm" and prefix == "K":
        prefix = "k"
    if unit is None or unit == "K" or prefix not in _PREFIXES:
        return None
    return unit, Scale(_PREFIXES[prefix])


def unit_of(name: str) -> tuple[str, str | None]:
    """Split a column's name into what it names and its unit, as written; None where it has none.

    Examples
    --------
    >>> unit_of("Conductance (mS)"), unit_of("R/kOhm"), unit_of("V_G"), unit_of("GuS")
    (('Conductance', 'mS'), ('R', 'kOhm'), ('V_G', None), ('G', 'uS'))
    """
    name = name.strip()
    if found := _IN_BRACKETS.match(name):
        return found["head"].strip(), found["unit"].strip()
    if found := _BEHIND_MARK.match(name):
        if "/" in found["mark"] or _known(found["unit"]):
            return found["head"].strip(" _;,:-"), found["unit"]
    elif found := _GLUED.match(name):
        return found["head"], found["unit"]
    return name, None


def bare(name: str) -> str:
    """Return what a column's name names, in small letters and without its unit."""
    return unit_of(name)[0].lower()


def is_units(cells: Sequence[str]) -> bool:
    """Whether a line has nothing but units: the second line of a header."""
    texts = [cell.strip().strip("()[]").strip() for cell in cells]
    units = [text for text in texts if text and text not in "#-1"]
    return bool(units) and all(_known(text) is not None for text in units)


def scale_of(name: str, own: str, where: str) -> Scale:
    """Return how values of a column come to the unit in which the project keeps them.

    Raises
    ------
    DataError
        When the name has a unit that is not known, or of another dimension.
    """
    due = UNITS.get(own)
    if due is None or name.strip().lower() == own.lower():
        return Scale()
    text = unit_of(name)[1]
    if text is None:
        glued = _GLUED_WORD.search(name.strip())
        found = _known(glued["unit"]) if glued else None
        if glued is None or found is None or found[0] != due:
            return Scale()
        text, got = glued["unit"], f'"{name.strip()}", which may end in {glued["unit"]}'
    else:
        found, got = _known(text), f'"{name.strip()}"'
        if due == "ohm" and text in ("k", "K", "M"):  # as resistors are marked
            return Scale(_PREFIXES[text.lower() if text == "K" else text])
        if found is not None and found[0] == due:
            return found[1]
    head = unit_of(name)[0]
    raise DataError(
        f"the column for {own} must be in {due}", got=got, where=where,
        do=f'Name it with a unit that is known, such as "{head} ({due})" or "{head} ({"k" if due == "ohm" else "u"}{due})".'
        if due != "K" else f'Name it "{head} (K)" or "{head} (C)".',
    )  # fmt: skip


def quantity_of(name: str, where: str) -> tuple[str, Scale]:
    """Tell what the only column of measured values holds: conductance, resistance or current, and how it comes to SI.

    Raises
    ------
    DataError
        When its unit is not known, is of another dimension, or is not there where the name asks for one.
    """
    text = unit_of(name)[1]
    found = _known(text) if text is not None else None
    if found is not None and found[0] in _OWN_BY_UNIT:
        return _OWN_BY_UNIT[found[0]], found[1]
    if text is None:
        other = next((own for own, words in OTHERS.items() if re.search(words, bare(name))), None)
        if other is None:
            return "G_S", scale_of(name, "G_S", where)
        if name.strip().lower() == other.lower():
            return other, Scale()
        raise DataError(
            "a column that holds no conductances must say its unit", got=f'"{name.strip()}"', where=where,
            do=f'Name it with its unit, such as "{name.strip()} ({UNITS[other]})", or "(S)" where it holds conductances.',
        )  # fmt: skip
    return "G_S", scale_of(name, "G_S", where)
