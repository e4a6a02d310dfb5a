"""What ``--columns`` says: which column of a file, or which constant, stands for a column of the project."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from synarray.errors import DataError, nearest
from synarray.lab.formats.headers import MORE, OTHERS, UNITS, bare
from synarray.lab.rows.measured import COLUMNS
from synarray.units import parse_quantity, parse_temperature

__all__ = ["Mapping", "constant", "parse_mapping", "place", "proposal"]

Mapping = dict[str, str]
"""Columns of the project, and what stands for them in a file: a name, a number from 1, or a constant."""


def parse_mapping(text: str | None) -> Mapping:
    """Read "G_S=Conductance,polarity=Sign" into a table from the project's columns to the file's.

    Raises
    ------
    DataError
        When a part is no pair, or its left side no column of the project.

    Examples
    --------
    >>> parse_mapping('G_S="G, mS",read_V=0.1 V')
    {'G_S': '"G, mS"', 'read_V': '0.1 V'}
    """
    mapping: Mapping = {}
    named = {own.lower(): own for own in (*COLUMNS, *MORE)}
    for part in re.findall(r'(?:[^,"]|"[^"]*"?)+', text) if text else ():
        left, equals, theirs = part.partition("=")
        own = named.get(left.strip().lower())
        if not equals or own is None or not theirs.strip().strip('"'):
            raise DataError(
                "columns must be mapped as NAME=COLUMN,...", got=repr(part), where="--columns",
                do=nearest(left.strip(), (*COLUMNS, *MORE)),
            )  # fmt: skip
        mapping[own] = theirs.strip()
    return mapping


_CONSTANTS = ("read_V", "width_s", "temperature_K")
"""Columns for which one value may stand in."""


def constant(own: str, text: str, header: Sequence[str]) -> float | None:
    """Read a value that stands for a whole column: a number with a point, or with its unit; a whole number is a column's.

    Examples
    --------
    >>> constant("read_V", "0.1", []), constant("read_V", "100 mV", []), constant("read_V", "3", [])
    (0.1, 0.1, None)
    """
    if own not in _CONSTANTS or text.strip('"').lower() in _small(header) or text.isdecimal():
        return None
    try:
        value = float(text)
        return value if math.isfinite(value) else None
    except ValueError:
        pass
    try:
        return parse_temperature(text) if own == "temperature_K" else parse_quantity(text, UNITS[own])
    except ValueError:
        return None


def _small(header: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def place(wanted: str, header: Sequence[str], width: int, source: str) -> int:
    """Find a column that is mapped by its name, with or without the unit, or by its number.

    Raises
    ------
    DataError
        When it is not there.
    """
    quoted, name = wanted.startswith('"'), wanted.strip('"').strip().lower()
    heads, names = [bare(name) for name in header], _small(header)
    if name in names:
        return names.index(name)
    if name in heads:
        if heads.count(name) > 1:
            raise DataError(
                "a column that is mapped must be one of the file", got=f"{wanted!r}, which {heads.count(name)} are called",
                where=f"{source}, --columns", do="Give its number, 1 for the first.",
            )  # fmt: skip
        return heads.index(name)
    if not quoted and name.isdecimal() and len(name) < 10 and 1 <= int(name) <= width:
        return int(name) - 1
    raise DataError(
        "each column that is mapped must be in the file", got=repr(wanted), where=f"{source}, --columns",
        do=nearest(wanted, header) if header else f"Give its number, from 1 to {width}.",
    )  # fmt: skip


_LIKELY = (
    ("read_V", r"v_?read|read_?v|read.*volt|volt.*read|^vr\b"),
    ("amplitude_V", r"v_?pulse|pulse.*(volt|amp)|v_?prog|v_?write|amplitude|^vp\b|^voltage|volt|^v$|^v_g"),
    ("width_s", r"width|duration|^tp\b|t_?pulse"),
    ("R_ohm", OTHERS["R_ohm"]),
    ("G_S", r"conduct|cond\b|^g$|^g_"),
    ("I_A", OTHERS["I_A"]),
    ("polarity", r"polarity|sign|type|direction|operation|^op$"),
    ("cycle", r"cycle|loop|sweep|repeat"),
    ("device_id", r"device|dut|cell|die\b|^id$"),
    ("pulse", r"pulse|index|number|^no\.?$|^n$|^#$"),
    ("temperature_K", r"^temp|^t \("),
)  # the first that fits: "pulse width" is a width and "V_read" no pulse


def proposal(header: Sequence[str]) -> str:
    """Say which columns a header may mean, as a mapping that can be tried; empty where nothing is alike."""
    found: dict[str, str] = {}
    for name in header:
        alike = next((own for own, words in _LIKELY if own not in found and re.search(words, bare(name))), None)
        if alike:
            found[alike] = f'"{name.strip()}"' if set(name) & set(',"=') else name.strip()
    if not {"G_S", "R_ohm", "I_A"} & set(found):
        return ""
    if "I_A" in found and "G_S" not in found and "R_ohm" not in found:
        found.setdefault("read_V", "0.1 V")
    if not {"polarity", "amplitude_V"} & set(found):
        found["polarity"] = "NAME"
    said = ", ".join(f"{theirs} looks like {own}" for own, theirs in found.items() if theirs not in ("0.1 V", "NAME"))
    pairs = ",".join(f"{own}={theirs}" for own, theirs in found.items())
    rest = " (with the voltage of your reads)" if found.get("read_V") == "0.1 V" else ""
    return f"{said}: try --columns '{pairs}'{rest}."
