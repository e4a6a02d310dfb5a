"""What ``--columns`` says: which columns of a file, or which constant, are a column of the project.

G_S=Conductance,polarity=Sign     LTP=2,LTD=3     read_V=0.1 V     G_S=2-4     G_S=Cond in uS     ignore=Time
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from synarray.errors import DataError, nearest
from synarray.lab.rows.measured import COLUMNS
from synarray.lab.text.headers import MORE, UNITS, bare, given_unit
from synarray.units import parse_quantity, parse_temperature

__all__ = ["KEYS", "Mapping", "constant", "parse_mapping", "place", "places"]

Mapping = dict[str, tuple[str, ...]]
"""Columns of the project, and what is meant by them in a file: names, numbers from 1, or a constant."""
KEYS = (*COLUMNS, *MORE, "LTP", "LTD", "time_s", "ignore")
_CONSTANTS = ("read_V", "width_s", "temperature_K")
"""Columns for which one value may be given."""


def parse_mapping(text: str | None) -> Mapping:
    """Read "G_S=Conductance,polarity=Sign" into a table from the project's columns to the file's.

    Raises
    ------
    DataError
        When a part is no pair, or its left side no column of the project.

    Examples
    --------
    >>> parse_mapping('G_S="G, mS",read_V=0.1 V')
    {'G_S': ('"G, mS"',), 'read_V': ('0.1 V',)}
    >>> parse_mapping("G_S=2,G_S=3")
    {'G_S': ('2', '3')}
    """
    mapping: Mapping = {}
    named = {own.lower(): own for own in KEYS}
    for part in re.findall(r'(?:[^,"]|"[^"]*"?)+', text) if text else ():
        left, equals, theirs = part.partition("=")
        own = named.get(left.strip().lower())
        if not equals or own is None or not theirs.strip().strip('"'):
            raise DataError(
                "columns must be mapped as NAME=COLUMN,...", got=repr(part), where="--columns",
                do=nearest(left.strip(), KEYS),
            )  # fmt: skip
        mapping[own] = (*mapping.get(own, ()), theirs.strip())
    return mapping


def constant(own: str, text: str, header: Sequence[str]) -> float | None:
    """Read a value that is meant for a whole column: a number with a point, or with its unit; a whole number is a column's.

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


def places(wanted: str, header: Sequence[str], width: int, source: str) -> tuple[list[int], str]:
    """Find the columns that are mapped: one by its name or number, or several as "2-4"; and the unit given behind "in".

    Raises
    ------
    DataError
        When one is not there.
    """
    span = re.fullmatch(r"(\d{1,4})\s*-\s*(\d{1,4})", wanted)
    if span and wanted.lower() not in _small(header) and 1 <= int(span[1]) <= int(span[2]) <= width:
        return list(range(int(span[1]) - 1, int(span[2]))), ""
    head, marked, unit = wanted.rpartition(" in ")
    if marked and given_unit(unit) and wanted.strip('"').lower() not in _small(header):
        return [place(head.strip(), header, width, source)], unit.strip()
    return [place(wanted, header, width, source)], ""


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
