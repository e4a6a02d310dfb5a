"""Rows of a table read a chunk at a time: cells become numbers at once, so that only these are kept."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.lab.formats.tables import Table
from synarray.lab.text.marks import QUANTITY, has_suffix, plain_text
from synarray.units import parse_quantity

__all__ = ["Columns", "Convert", "Names", "lines_of", "numbers", "read_columns", "read_numbers"]

_CHUNK = 100_000
_LONGEST_LINE = 1 << 20

Convert = Callable[[Sequence[str]], npt.NDArray[Any]]


class Columns(NamedTuple):
    """What was read of a table."""

    values: dict[int, npt.NDArray[Any]]
    short: int
    """Rows that were passed over because they have another number of cells."""
    beyond: int
    """Rows beyond the most that are kept."""


class Names:
    """Numbers for names, in the order in which they come."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.filled = 0
        """Blank cells that took the name above them, as below the first cell of several that were merged."""
        self._codes: dict[str, int] = {}
        self._last = ""

    def codes(self, cells: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the numbers of some names."""
        cells = list(cells)
        for i, cell in enumerate(cells):
            if cell.strip():
                self._last = cell
            elif self._last:
                cells[i], self.filled = self._last, self.filled + 1
        for cell in dict.fromkeys(cells):
            if cell not in self._codes:
                self._codes[cell] = len(self.known)
                self.known.append(cell.strip()[:80])
        return np.array([self._codes[cell] for cell in cells], np.int32)


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
                "each line of a file of pulses must be a row", got=str(error), where=str(table.path), do="Save it again as CSV.",
            ) from None  # fmt: skip


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """Return the lines of a file of text, one after the other."""
    with io.TextIOWrapper(open_ordinary(path), encoding, errors="replace", newline=None) as text:
        yield from _bounded(text, path)


def read_columns(table: Table, most: int, wanted: Mapping[int, Convert]) -> Columns:
    """Read some columns, a chunk at a time.

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
    key = (
        "datavalue" if table.header and table.names[0] == "dataname" else ""
    )  # EasyEXPERT's records, one after the other
    with _opened(table) as (lines, reader):
        while kept < most and (chunk := list(itertools.islice(reader, min(_CHUNK, most - kept)))):
            whole = [row for row in chunk if len(row) == table.width and (not key or row[0].strip().lower() == key)]
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
    cells: Sequence[str],
    table: Table,
    unit: str | None = None,
    carried: Counter[str] | None = None,
    factor: float = 1.0,
) -> npt.NDArray[np.float64]:
    """Turn cells into numbers, nan where a cell is none; quantities where a unit is due, such as "2.3 uS", are counted.

    ``factor`` is what the values of the column are going to be multiplied with; quantities are divided by it.
    """
    marks = table.marks
    if not (marks.decimal_comma or marks.thousands):
        try:
            return np.array(cells, float)
        except ValueError:
            pass
    values, quantities = np.full(len(cells), np.nan), 0
    for i, cell in enumerate(cells):
        text = marks.plain(cell)
        try:
            values[i] = float(text)
            if unit and has_suffix(cell):
                values[i], quantities = values[i] / factor, quantities + 1
        except ValueError:
            if unit and QUANTITY.match(text):
                try:
                    values[i] = parse_quantity(text, unit) / factor
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
        yield plain_text(line.replace("\0", ""))
