"""Tables of text as instruments write them: which encoding, which separator, which decimal mark, where the numbers begin.

Read in chunks, so that a file may be larger than the memory. Nothing is guessed silently: what was not plain is a repair.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.lab.formats.headers import is_units, unit_of
from synarray.lab.rows.polarity import POLARITIES
from synarray.units import parse_quantity

__all__ = ["NOTHING", "Columns", "Table", "numbers", "open_table", "read_columns", "read_numbers", "table_of"]

_SAMPLE = 1 << 16
_CHUNK = 100_000
_LONGEST_LINE = 1 << 20
_SHOWN, _LINES = 500, 2_000
"""Rows of a sample, and lines among which the first row of numbers is looked for in a sheet."""
_SAID = {";": "semicolons", "|": "vertical bars"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?$")
NOTHING = frozenset(("", "nan", "nan.", "null", "none", "na", "n/a", "#n/a", "-nan"))
"""What stands in a cell without a value."""
_WORDS = {*NOTHING, "inf", "-inf", "+inf", *POLARITIES}
_QUOTED = re.compile(r'"[^"]*"')
_QUANTITY = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?\s*[a-zA-Zµμ%Ω]+$")


Convert = Callable[[Sequence[str]], npt.NDArray[Any]]


class Columns(NamedTuple):
    """What was read of a table."""

    values: dict[int, npt.NDArray[Any]]
    short: int
    """Rows that were passed over because they have another number of cells."""
    beyond: int
    """Rows beyond the most that are kept."""


@dataclass(frozen=True)
class Table:
    """How a file of text holds its numbers.

    Attributes
    ----------
    header : tuple of str
        Names of the columns; empty where there are none.
    before : int
        Lines in front of the numbers (the header's among them).
    width : int
        Columns.
    sample : tuple of tuple of str
        The first rows.
    rows : list of list of str, optional
        All rows, where they are at hand (a sheet); none: they are read from the file.
    """

    path: Path
    encoding: str
    separator: str
    decimal_comma: bool
    header: tuple[str, ...]
    before: int
    width: int
    sample: tuple[tuple[str, ...], ...]
    repairs: tuple[str, ...]
    rows: list[list[str]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The header in small letters, without spaces around."""
        return tuple(name.strip().lower() for name in self.header)


def open_table(path: Path) -> Table:
    """Look at the beginning of a file.

    Raises
    ------
    DataError
        When it cannot be read, is no text, or holds no rows of numbers.
    """
    try:
        with open_ordinary(path) as file:
            head = file.read(_SAMPLE) or b""
            whole = not file.read(1)
    except (OSError, ValueError) as error:
        raise DataError(
            "a file of pulses must be readable", got=getattr(error, "strerror", None) or str(error), where=str(path),
            do="Check the path and its rights.",
        ) from None  # fmt: skip
    encoding, repairs = _encoding(head, path)
    lines = head.decode(encoding, "replace").splitlines()
    if not whole and len(lines) > 1:
        lines = lines[:-1]
    separator, comma = _separator(lines)
    if comma:
        repairs.append("decimal commas were read as points")
    if separator in _SAID:
        repairs.append(f"columns are separated by {_SAID[separator]}")
    split = [_split(line, separator) for line in lines]
    layout = _layout(split, comma)
    if layout is None:
        raise DataError(
            "a file of pulses must be a table of text with rows of numbers", got=_first_words(lines, split),
            where=str(path), do="Save the measurement as CSV; --format and --columns say what its columns are.",
        )  # fmt: skip
    start, header, said = layout
    sample = tuple(map(tuple, split[start : start + _SHOWN]))
    return Table(path, encoding, separator, comma, header, start, len(split[start]), sample, (*repairs, *said))


def table_of(path: Path, rows: list[list[str]], repairs: Sequence[str] = ()) -> Table | None:
    """Look at rows that are at hand, those of a sheet; None where there are no numbers in them."""
    layout = _layout(rows[:_LINES], comma=False)
    if layout is None:
        return None
    start, header, said = layout
    width = len(rows[start])
    kept = [row + [""] * (width - len(row)) for row in rows[start:]]  # empty cells at the end of a row are not stored
    sample = tuple(map(tuple, kept[:_SHOWN]))
    return Table(path, "", "", False, header, start, width, sample, (*repairs, *said), kept)


def _layout(split: Sequence[Sequence[str]], comma: bool) -> tuple[int, tuple[str, ...], list[str]] | None:
    """Find the first row of numbers, the header above it, and what to say of the lines above that."""
    start = _first_row(split, comma)
    if start is None:
        return None
    width, above, said = len(split[start]), start, []
    header: tuple[str, ...] = ()
    if start > 1 and len(split[start - 1]) == width and is_units(split[start - 1]):
        above -= 1
        if _is_header(split[above - 1], width):
            header = tuple(map(_with_unit, split[above - 1], split[start - 1]))
            said.append("the line beneath the header was read as units")
    elif start and _is_header(split[start - 1], width):
        header = tuple(split[start - 1])
    elif (
        start
        and _is_header(split[start - 1], width - 1)
        and not any(row[-1] for row in split[start:] if len(row) == width)
    ):
        header = (*split[start - 1], "")  # rows end in a separator, the header does not
    if (skipped := above - bool(header)) > 0:
        lines = "1 line" if skipped == 1 else f"{skipped} lines"
        said.append(f"{lines} of the instrument above the columns {'was' if skipped == 1 else 'were'} passed over")
    return start, header, said


def _with_unit(name: str, unit: str) -> str:
    """Put the unit of the second line behind the name of the first; a name that has one, of its own, keeps it."""
    unit = unit.strip().strip("()[]").strip()
    if not unit or unit in "#-1" or unit_of(name)[1] == unit:
        return name
    return f"{name.strip()} ({unit})"


def _first_words(lines: Sequence[str], split: Sequence[Sequence[str]]) -> str:
    if not lines:
        return "nothing"
    rows = [row for row in split if any(cell.strip() for cell in row)]
    if len(rows) == 1 and len(rows[0]) > 1:
        return f"a header ({', '.join(rows[0])[:60]}) and no row beneath it"
    return repr(lines[0][:60])


@contextmanager
def _opened(table: Table) -> Iterator[tuple[Iterator[str], Iterator[list[str]]]]:
    """Open a table below its header: its lines, and the same ones as rows of cells."""
    if table.rows is not None:
        yield iter(()), iter(table.rows)
        return
    with io.TextIOWrapper(open_ordinary(table.path), table.encoding, errors="replace", newline=None) as text:
        lines = _bounded(text, table.path)
        for _ in itertools.islice(lines, table.before):
            pass
        try:
            if table.separator == " ":
                yield lines, (line.split() for line in lines)
            else:
                yield lines, csv.reader(lines, delimiter=table.separator, skipinitialspace=True)
        except csv.Error as error:
            raise DataError(
                "each line of a file of pulses must be a row",
                got=str(error),
                where=str(table.path),
                do="Save it again as CSV.",
            ) from None


def read_columns(table: Table, most: int, wanted: Mapping[int, Convert]) -> Columns:
    """Read some columns, a chunk at a time; cells are turned into numbers at once, so that only these are kept.

    Parameters
    ----------
    table : Table
    most : int
        Rows that are kept.
    wanted : mapping of int to callable
        For each column that is wanted, what turns its cells into an array.
    """
    parts: dict[int, list[npt.NDArray[Any]]] = {at: [] for at in wanted}
    kept = short = 0
    with _opened(table) as (lines, reader):
        while kept < most and (chunk := list(itertools.islice(reader, min(_CHUNK, most - kept)))):
            whole = [row for row in chunk if len(row) == table.width]
            short += sum(bool(row) for row in chunk) - len(whole)
            kept += len(whole)
            if whole:
                columns = list(zip(*whole, strict=True))
                for at, convert in wanted.items():
                    parts[at].append(convert(columns[at]))
        beyond = sum(not line.isspace() for line in lines) + (sum(1 for _ in reader) if table.rows is not None else 0)
    empty = np.zeros(0)
    return Columns({at: np.concatenate(found) if found else empty for at, found in parts.items()}, short, beyond)


def read_numbers(table: Table, most: int) -> Columns:
    """Read all columns as numbers."""
    return read_columns(table, most, dict.fromkeys(range(table.width), lambda cells: numbers(cells, table)))


def numbers(
    cells: Sequence[str], table: Table, unit: str | None = None, carried: Counter[str] | None = None
) -> npt.NDArray[np.float64]:
    """Turn cells into numbers: nan where a cell is none; quantities such as "2.3 uS" where a unit is due, which are counted."""
    if not table.decimal_comma:
        try:
            return np.array(cells, float)
        except ValueError:
            pass
    values, quantities = np.full(len(cells), np.nan), 0
    for i, cell in enumerate(cells):
        text = cell.strip().replace(",", ".") if table.decimal_comma else cell.strip()
        try:
            values[i] = float(text)
        except ValueError:
            if unit and _QUANTITY.match(text):
                try:
                    values[i] = parse_quantity(text, unit)
                    quantities += 1
                except ValueError:
                    continue
    if quantities and unit and carried is not None:
        carried[unit] += quantities
    return values


def _bounded(lines: io.TextIOWrapper, path: Path) -> Iterator[str]:
    while line := lines.readline(_LONGEST_LINE):
        if len(line) >= _LONGEST_LINE:
            raise DataError(
                f"a line of a table must be shorter than {_LONGEST_LINE:,} characters", got="a longer one", where=str(path),
                do="Save the measurement as CSV, one row per pulse.",
            )  # fmt: skip
        yield line.replace("\0", "")


def _encoding(head: bytes, path: Path) -> tuple[str, list[str]]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ["text in UTF-16 with a byte-order mark"]
    if b"\0" in head:
        raise DataError(
            "a file of pulses must be text",
            got="binary data",
            where=str(path),
            do="Save the measurement as CSV (or .xlsx).",
        )
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", ["a byte-order mark was passed over"]
    try:
        head[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 8:
            return "latin-1", ["text that is no UTF-8 was read as Latin-1"]
    return "utf-8", []


def _separator(lines: Sequence[str]) -> tuple[str, bool]:
    """Find what separates columns in most lines, and whether numbers have decimal commas."""
    last = [_QUOTED.sub('""', line) for line in lines if line.strip()][-100:]  # marks within quotes separate nothing
    if not last:
        return ",", False
    for mark in (";", "\t", "|"):
        if sum(mark in line for line in last) > 0.5 * len(last):
            return mark, _has_commas(last, mark)
    in_words = [line.split() for line in last]
    if len(in_words) > 1 and sum(len(row) > 1 for row in in_words) > 0.5 * len(last) and _has_commas(last, " "):
        return " ", True
    if sum("," in line for line in last) > 0.5 * len(last):
        return ",", False
    return " ", False


def _has_commas(lines: Sequence[str], separator: str) -> bool:
    cells = [cell.strip() for line in lines for cell in _split(line, separator)]
    found = sum(bool(_COMMA_NUMBER.match(cell)) for cell in cells)
    return found > 0 and not any("." in cell and _NUMBER.match(cell) for cell in cells)


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line.replace("\0", "")], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []


def _is_number(cell: str, comma: bool) -> bool:
    text = cell.strip()
    return bool(_NUMBER.match(text.replace(",", ".") if comma else text))


def _first_row(split: Sequence[Sequence[str]], comma: bool) -> int | None:
    """Return the first line of numbers that is followed by others as wide; None where no line is."""

    def counts(row: Sequence[str]) -> bool:
        found = sum(_is_number(cell, comma) for cell in row)
        words = sum(cell.strip().lower() in _WORDS or bool(_QUANTITY.match(cell.strip())) for cell in row)
        return (found >= 1 and 2 * (found + words) >= len(row)) or (
            found + words == len(row) and words > 0 and found > 0
        )

    widths = [len(row) for row in split if row and counts(row)]
    if not widths:
        return None
    common = max(set(widths), key=widths.count)
    found = [i for i, row in enumerate(split) if len(row) == common and counts(row)]
    for here, following in itertools.zip_longest(found, found[1:]):
        if following is None or following - here <= 3:
            return here
    return found[0]


def _is_header(row: Sequence[str], width: int) -> bool:
    return (
        len(row) == width and not any(_NUMBER.match(cell.strip()) for cell in row) and any(cell.strip() for cell in row)
    )
