"""Tables of text as instruments write them: which encoding, which separator, which decimal mark, where the numbers begin.

Only the beginning of a file is looked at here; ``reading.py`` reads the rest in chunks, so that a file may be larger than the
memory. Nothing is guessed silently: what was not plain is a repair.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.lab.formats.headers import is_units, unit_of
from synarray.lab.rows.polarity import POLARITIES

__all__ = ["NOTHING", "NUMBER", "QUANTITY", "Table", "cells_of", "first_lines", "open_table", "plain_marks", "table_of"]

_SAMPLE = 1 << 16
_MOST_COLUMNS = 5_000
_SHOWN, _LINES = 500, 2_000
"""Rows of a sample, and lines among which the first row of numbers is looked for in a sheet."""
_SAID = {";": "semicolons", "|": "vertical bars"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?$")
NOTHING = frozenset(("", "nan", "nan.", "null", "none", "na", "n/a", "#n/a", "-nan", "-", "--"))
"""What is in a cell without a value."""
_WORDS = {*NOTHING, "inf", "-inf", "+inf", *POLARITIES}
_QUOTED = re.compile(r'"[^"]*"')
QUANTITY = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?\s*[a-zA-Zµμ%Ω]+$")
_COMMENT = re.compile(r"^\s*(#+|%+|//+|!+) *(?=[^\s,;|#])")


@dataclass(frozen=True)
class Table:
    """How a file of text, or a sheet, holds its numbers.

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
    above : tuple of tuple of str
        The instrument's own lines above the header, in cells.
    rows : list of list of str, optional
        All rows, where they are at hand (a sheet); none: they are read from the file.
    title : str
        Name of the sheet.
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
    above: tuple[tuple[str, ...], ...] = ()
    rows: list[list[str]] | None = None
    title: str = ""

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
    lines, encoding, repairs = _beginning(path)
    separator, comma = _separator(lines)
    if comma:
        repairs.append("decimal commas were read as points")
    if separator in _SAID:
        repairs.append(f"columns are separated by {_SAID[separator]}")
    split = [cells_of(line, separator) for line in lines]
    layout = _layout(split, comma)
    if layout is None:
        raise DataError(
            "a file of pulses must be a table of text with rows of numbers", got=_first_words(lines, split),
            where=str(path), do="Save the measurement as CSV or .xlsx, a row of names above rows of numbers.",
        )  # fmt: skip
    start, header, above, said = layout
    sample = tuple(map(tuple, split[start : start + _SHOWN]))
    width = len(split[start])
    if width > _MOST_COLUMNS:
        raise DataError(
            f"a table of pulses must have at most {_MOST_COLUMNS:,} columns", got=f"{width:,} or more", where=str(path),
            do="Save it with one row per pulse, or one train per row with LTP or LTD in front of the numbers.",
        )  # fmt: skip
    return Table(path, encoding, separator, comma, header, start, width, sample, (*repairs, *said), above)


def first_lines(path: Path) -> tuple[list[list[str]], str, str, bool]:
    """Return the first lines of a file in cells, its encoding, its separator, and whether it has decimal commas."""
    lines, encoding, _ = _beginning(path)
    separator, comma = _separator(lines)
    return [cells_of(line, separator) for line in lines], encoding, separator, comma


def table_of(path: Path, rows: list[list[str]], title: str = "") -> Table | None:
    """Look at rows that are at hand, those of a sheet; None where there are no numbers in them."""
    widest = max(map(len, rows[:_LINES]), default=0)
    padded = [row + [""] * (widest - len(row)) for row in rows]  # empty cells at the end of a row are not stored
    layout = _layout(padded[:_LINES], comma=False)
    if layout is None:
        return None
    start, header, above, said = layout
    kept = padded[start:]
    return Table(
        path, "", "", False, header, start, widest, tuple(map(tuple, kept[:_SHOWN])), tuple(said), above, kept, title
    )


def _beginning(path: Path) -> tuple[list[str], str, list[str]]:
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
    if re.match(rb'\s*[\[{]+\s*("|\[|\{)', head):
        raise DataError(
            "a file of pulses must be a table of text", got="JSON", where=str(path),
            do="Write its numbers as CSV, a row of names above rows of numbers. Presets of aihwkit: synarray device import.",
        )  # fmt: skip
    lines = plain_marks(head.decode(encoding, "replace")).splitlines()
    return (lines[:-1] if not whole and len(lines) > 1 else lines), encoding, repairs


def _encoding(head: bytes, path: Path) -> tuple[str, list[str]]:
    """Return the encoding; beyond UTF-8 that of the text that makes most sense (charset-normalizer)."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ["text in UTF-16 with a byte-order mark"]
    if b"\0" in head:
        wide = (
            "utf-16-le"
            if head[1::2].count(0) > 0.4 * len(head) / 2
            else "utf-16-be"
            if head[::2].count(0) > 0.4 * len(head) / 2
            else ""
        )
        if wide:
            return wide, [f"text in {wide.upper()} without a byte-order mark"]
        raise DataError(
            "a file of pulses must be text", got="binary data", where=str(path), do="Save the measurement as CSV (or .xlsx).",
        )  # fmt: skip
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", ["a byte-order mark was passed over"]
    try:
        head[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 8:
            return _other_encoding(head)
    return "utf-8", []


_MINUS = str.maketrans(dict.fromkeys("\u2212\ufe63\uff0d", "-"))


def plain_marks(text: str) -> str:
    """Write typographic minus signs as programs do."""
    return text.translate(_MINUS)


_TWO_BYTES = re.compile(rb"[\x80-\xff]{2}")
_NATIONAL = ("cp1252", "latin_1", "gb18030", "big5", "cp949", "shift_jis", "euc_jp")


def _other_encoding(head: bytes) -> tuple[str, list[str]]:
    if not _TWO_BYTES.search(head):  # letters beyond ASCII stand alone, as in Western words and "µS"
        return "cp1252", ["text that is no UTF-8 was read as Windows-1252"]
    from charset_normalizer import from_bytes

    best = from_bytes(head[:16_384], cp_isolation=list(_NATIONAL)).best()
    name = best.encoding if best is not None else "latin_1"
    return name, [f"text that is no UTF-8 was read as {'Latin-1' if name in ('latin_1', 'cp1252') else name}"]


# Rows of cells


def cells_of(line: str, separator: str) -> list[str]:
    """Cut a line into cells; marks of a comment before it are taken off."""
    line = _COMMENT.sub("", line)
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line.replace("\0", "")], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []


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
    cells = [cell.strip() for line in lines for cell in cells_of(line, separator)]
    found = sum(bool(_COMMA_NUMBER.match(cell)) for cell in cells)
    return found > 0 and not any("." in cell and NUMBER.match(cell) for cell in cells)


def _is_number(cell: str, comma: bool) -> bool:
    text = cell.strip()
    return bool(NUMBER.match(text.replace(",", ".") if comma else text))


def _layout(
    split: Sequence[Sequence[str]], comma: bool
) -> tuple[int, tuple[str, ...], tuple[tuple[str, ...], ...], list[str]] | None:
    """Find the first row of numbers, the header above it, the lines above that, and what to say of them."""
    start = _first_row(split, comma)
    if start is None:
        return None
    width, top, said = len(split[start]), start, []
    header: tuple[str, ...] = ()
    units: Sequence[str] = ()
    for _ in range(3):  # names, units, and comments or groups, in any order
        if not top or not (len(split[top - 1]) == width and _is_header(split[top - 1], width)):
            break
        row = split[top - 1]
        if not units and top > 1 and is_units(row) and (header or _is_header(split[top - 2], width)):
            units = row
            said.append(
                "a line of the header was read as units" if header else "the line beneath the header was read as units"
            )
        elif not header:
            header = tuple(row)
        elif _belongs_above(row, header):
            header = _joined(row, header)
            said.append("two lines of names above the numbers were joined")
        else:
            break
        top -= 1
    if (
        not header
        and start
        and _is_header(split[start - 1], width - 1)
        and not any(row[-1] for row in split[start:] if len(row) == width)
    ):
        header, top = (*split[start - 1], ""), start - 1  # rows end in a separator, the header does not
    if units and header:
        header = tuple(map(_with_unit, header, units))
    if top > 0:
        lines = "1 line" if top == 1 else f"{top} lines"
        said.append(f"{lines} of the instrument above the columns {'was' if top == 1 else 'were'} passed over")
    return start, header, tuple(map(tuple, split[:top])), said


def _belongs_above(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether a line names groups of columns, or columns that the line beneath only comments on; a setting does neither."""
    over, under = ([cell.strip().lower() for cell in row] for row in (upper, lower))
    named = [i for i, cell in enumerate(over) if cell]
    if len(over) < 3 or len(named) < 2 or named[-1] <= 1:
        return False
    names = [cell for cell in under if cell]
    return len(set(names)) < len(names) or len(names) < len(over)


def _joined(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    """Put the name of a group, or of the column itself, before that of each column."""
    names, group = [], ""
    whole = all(cell.strip() for cell in upper)
    for over, name in zip(upper, lower, strict=True):
        group = over.strip() or ("" if whole else group)
        names.append(f"{group} {name.strip()}".strip() if name.strip() or whole else "")
    return tuple(names)


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


def _first_row(split: Sequence[Sequence[str]], comma: bool) -> int | None:
    """Return the first line of numbers that is followed by others as wide; None where no line is."""

    def counts(row: Sequence[str]) -> bool:
        found = sum(_is_number(cell, comma) for cell in row)
        words = sum(cell.strip().lower() in _WORDS or bool(QUANTITY.match(cell.strip())) for cell in row)
        return found >= 1 and 2 * (found + words) >= len(row)

    names = next((i + 1 for i, row in enumerate(split) if row and row[0].strip().lower() == "dataname"), 0)
    if names:  # EasyEXPERT's own lines, some of them numbers as wide as the table, end there
        return next((i for i in range(names, len(split)) if split[i] and counts(split[i])), None)
    widths = [len(row) for row in split if row and counts(row)]
    if not widths:
        return None
    common = max(set(widths), key=widths.count)
    found = [i for i, row in enumerate(split) if len(row) == common and counts(row)]
    shapes = [tuple(_is_number(cell, comma) for cell in split[i]) for i in found]
    usual = max(set(shapes), key=shapes.count)
    # settings of the instrument may be as wide as the table: "Vread,0.1" above "pulse,conductance"
    alike = [i for i in found if all(not numeric or _is_number(cell, comma) or cell.strip().lower() in NOTHING
                                     for cell, numeric in zip(split[i], usual, strict=True))]  # fmt: skip
    known = set(alike)
    for here in alike:
        following = range(here + 1, min(here + 4, len(split)))
        if 2 * sum(i in known for i in following) >= len(following):
            return here
    return alike[0]


def _is_header(row: Sequence[str], width: int) -> bool:
    return (
        len(row) == width and not any(NUMBER.match(cell.strip()) for cell in row) and any(cell.strip() for cell in row)
    )
