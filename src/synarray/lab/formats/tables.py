"""Tables of text as instruments write them: which encoding, which separator, which decimal mark, where the numbers begin.

Only the beginning of a file is looked at here; ``reading.py`` reads the rest in chunks, so that a file may be larger than the
memory. Nothing is guessed silently: what was not plain is a repair.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.lab.rows.polarity import POLARITIES
from synarray.lab.text.encodings import encoding_of
from synarray.lab.text.headers import is_units, unit_of
from synarray.lab.text.marks import NOTHING, NUMBER, QUANTITY, Marks, are_spaced, marks_of, plain_text

__all__ = ["Table", "cells_of", "first_lines", "open_table", "table_of"]

_SAMPLE = 1 << 16
_MOST_COLUMNS = 5_000
_SHOWN, _LINES = 500, 2_000
"""Rows of a sample, and lines among which the first row of numbers is looked for in a sheet."""
_TOP = 60
"""Lines among which a name may be broken over several."""
_SAID = {";": "semicolons", "|": "vertical bars", ",": "commas", ".": "points"}
_SPACES_OUT = "spaces or apostrophes between thousands were taken out"
_WORDS = {*NOTHING, "inf", "-inf", "+inf", *POLARITIES}
_WHOLE, _GROUPED = re.compile(r"\s*[+-]?[1-9]\d{0,2}\s*"), re.compile(r"\s*[+-]?[1-9]\d{0,2}[.,]\d{3}\s*")
_QUOTED = re.compile(r'"[^"]*"')
_LINE_LABELS = re.compile(
    r"long name|short name|units?|comments?|f\(x\)=?|sparklines?|sampling interval", re.IGNORECASE
)
_REMARKS = re.compile(r"comments?|remarks?|notes?", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(#+|%+|//+|!+) *(?=[^\s,;|#])")


@dataclass(frozen=True)
class Table:
    """How a file of text, or a sheet, holds its numbers."""

    path: Path
    encoding: str
    separator: str
    marks: Marks
    header: tuple[str, ...]
    """Names of the columns; empty where there are none."""
    before: int
    """Lines in front of the numbers (the header's among them)."""
    width: int
    """Columns."""
    sample: tuple[tuple[str, ...], ...]
    """The first rows."""
    repairs: tuple[str, ...]
    above: tuple[tuple[str, ...], ...] = ()
    """The instrument's own lines above the header, in cells."""
    rows: list[list[str]] | None = None
    """All rows, where they are available (a sheet); none: they are read from the file."""
    title: str = ""
    """Name of the sheet."""

    @property
    def names(self) -> tuple[str, ...]:
        """The header in small letters, without spaces around."""
        return tuple(name.strip().lower() for name in self.header)


def open_table(path: Path, decimal: str | None = None) -> Table:
    """Look at the beginning of a file.

    Raises
    ------
    DataError
        When it cannot be read, is no text, or holds no rows of numbers.
    """
    lines, encoding, repairs = _beginning(path)
    separator = _separator(lines)
    split = [cells_of(line, separator) for line in lines]
    marks = _marks(split, separator, decimal, path)
    repairs += _how_written(marks, split if separator != " " else [])
    if marks.unclear and separator == ";":
        repairs.append(
            f"{marks.unclear!r} and its like were read with a decimal point (with --decimal comma it separates thousands)"
        )
    if separator in ";|":
        repairs.append(f"columns are separated by {_SAID[separator]}")
    layout = _layout(split, marks)
    if layout is None:
        raise DataError(
            "a file of pulses must be a table of text with rows of numbers", got=_first_words(lines, split),
            where=str(path), do="Save the measurement as CSV or .xlsx, a row of names above rows of numbers.",
        )  # fmt: skip
    start, header, above, said = layout
    before = start + sum(line.count("\n") for line in lines[:start])
    header = tuple(" ".join(name.split()) for name in header)
    if separator == " ":  # words are no cells where a line has marks of its own: "Read: 50 mV, 10 ms"
        above = tuple((line,) if re.search("[:=]", line) else row for line, row in zip(lines, above, strict=False))
    sample = tuple(map(tuple, split[start : start + _SHOWN]))
    width = len(split[start])
    if width > _MOST_COLUMNS:
        raise DataError(
            f"a table of pulses must have at most {_MOST_COLUMNS:,} columns", got=f"{width:,} or more", where=str(path),
            do="Save it with one row per pulse, or one train per row with LTP or LTD in front of the numbers.",
        )  # fmt: skip
    return Table(path, encoding, separator, marks, header, before, width, sample, (*repairs, *said), above)


def first_lines(path: Path, decimal: str | None = None) -> tuple[list[list[str]], str, str, Marks]:
    """Return the first lines of a file in cells, its encoding, its separator, and how its numbers are written."""
    lines, encoding, _ = _beginning(path)
    separator = _separator(lines)
    split = [cells_of(line, separator) for line in lines]
    return split, encoding, separator, _marks(split, separator, decimal, path)


def table_of(path: Path, rows: list[list[str]], title: str = "", decimal: str | None = None) -> Table | None:
    """Look at rows that are already read, those of a sheet; None where there are no numbers in them.

    Raises
    ------
    DataError
        When marks in numbers may be either decimal marks or those between thousands.
    """
    widest = max(map(len, rows[:_LINES]), default=0)
    padded = [row + [""] * (widest - len(row)) for row in rows]  # empty cells at the end of a row are not stored
    marks = _marks_of_sheet(padded[:_SHOWN], decimal, path)
    layout = _layout(padded[:_LINES], marks)
    if layout is None:
        return None
    start, header, above, said = layout
    kept, said = padded[start:], [*_how_written(marks, padded[:_SHOWN]), *said]
    return Table(
        path, "", "", marks, header, start, widest, tuple(map(tuple, kept[:_SHOWN])), tuple(said), above, kept, title
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
    if head.startswith(b"\x1f\x8b"):
        raise DataError("a file of pulses must be text", got="packed data", where=str(path), do=_unpacked(head, path))
    found = encoding_of(head)
    if found is None:
        raise DataError("a file of pulses must be text", got="binary data", where=str(path), do=_unpacked(head, path))
    encoding, repairs = found
    if re.match(rb'\s*[\[{]+\s*("|\[|\{)', head):
        raise DataError(
            "a file of pulses must be a table of text", got="JSON", where=str(path),
            do="Write its numbers as CSV, a row of names above rows of numbers. Presets of aihwkit: synarray device import.",
        )  # fmt: skip
    written = head.decode(encoding, "replace")
    text = plain_text(written)
    if len(text) < len(written):
        repairs.append(_SPACES_OUT)
    if "\u00b1" in text:
        repairs.append("what follows \u00b1 was left out")
    lines = _whole_rows(text.splitlines())
    return (lines[:-1] if not whole and len(lines) > 1 else lines), encoding, repairs


def _whole_rows(lines: list[str]) -> list[str]:
    """Put names that are broken within quotes together, as Excel writes two lines in one cell."""
    found, i = list[str](), 0
    while i < len(lines):
        joined = lines[i]
        for more in lines[i + 1 : i + 5] if i < _TOP and joined.count('"') % 2 else ():
            joined += "\n" + more
            if joined.count('"') % 2 == 0:
                break
        joined = joined if joined.count('"') % 2 == 0 else lines[i]
        found.append(joined)
        i += 1 + joined.count("\n")
    return found


def _unpacked(head: bytes, path: Path) -> str:
    """Say how binary data of a kind that is known become text."""
    name = path.name
    if head.startswith(b"\x1f\x8b"):
        return f"Unpack it: gunzip -k {shlex.quote(name)}"
    if head.startswith(b"\x93NUMPY"):
        code = f'import numpy as np; np.savetxt("{name}.csv", np.load("{name}"), delimiter=",")'
        return f"Write it as CSV: python -c {shlex.quote(code)}"
    return "Save the measurement as CSV (or .xlsx)."


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


def _separator(lines: Sequence[str]) -> str:
    """Find what separates columns in most lines."""
    last = [_QUOTED.sub('""', line) for line in lines if line.strip()][-100:]  # marks within quotes separate nothing
    if not last:
        return ","
    for mark in (";", "\t", "|"):
        if sum(mark in line for line in last) > 0.5 * len(last):
            return mark
    in_words = [line.split() for line in last]
    if sum(len(row) > 1 for row in in_words) > 0.5 * len(last):
        marks = marks_of(cell for row in in_words for cell in row)
        if len(last) > 1 and (marks.decimal_comma or marks.thousands or marks.unclear):
            return " "
    return "," if sum("," in line for line in last) > 0.5 * len(last) else " "


def _marks(split: Sequence[Sequence[str]], separator: str, decimal: str | None, path: Path) -> Marks:
    """Say how numbers of a table are written, from its rows of the commonest width."""
    if decimal is not None:
        return Marks(True, ".") if decimal == "comma" else Marks(False, ",")
    widths = [len(row) for row in split if any(row)]
    common = max(set(widths), key=widths.count, default=0)
    rows = [row for row in split if len(row) == common]
    marks = marks_of(cell for row in rows for cell in row)
    if separator == "," and "," not in marks.unclear:
        return marks
    if separator != "," and not (marks.unclear and any(map(_some_are_whole, zip(*rows, strict=True)))):
        # where commas do not separate columns, they are decimal marks more often than not
        return Marks(True) if "," in marks.unclear else marks
    raise _either(marks, path)


def _marks_of_sheet(rows: Sequence[Sequence[str]], decimal: str | None, path: Path) -> Marks:
    """Say how cells of text are written in a sheet: as people typed them, while cells of numbers have points."""
    if decimal is not None:
        return Marks(True) if decimal == "comma" else Marks(False, ",")
    marks = marks_of(cell for row in rows for cell in row)
    if "," not in marks.unclear:
        return marks
    if any(map(_some_are_whole, zip(*rows, strict=True))):
        raise _either(marks, path)
    return Marks(True)


def _either(marks: Marks, path: Path) -> DataError:
    """Refuse numbers whose mark may be either."""
    name, other = ("comma", "point") if "," in marks.unclear else ("point", "comma")
    file = shlex.quote(path.name)
    return DataError(
        f"a {name} in a number must be a decimal mark or separate thousands",
        got=f"{marks.unclear!r}, which may be either, and no number of the file tells", where=str(path),
        do=f"If they separate thousands: synarray device fit {file} --decimal {other} (else --decimal {name}).",
    )  # fmt: skip


def _how_written(marks: Marks, rows: Sequence[Sequence[str]]) -> list[str]:
    """Say which marks of numbers are not those of programs."""
    said = ["decimal commas were read as points"] if marks.decimal_comma else []
    if marks.thousands:
        said.append(f"{_SAID[marks.thousands]} between thousands were taken out")
    if any(are_spaced(cell) and marks.is_number(cell) for row in rows for cell in row):
        said.append(_SPACES_OUT)
    return said


def _some_are_whole(column: Sequence[str]) -> bool:
    """Whether a column has whole numbers below 1,000 beside others with a mark before three digits: 939, then 1,012."""
    return any(map(_WHOLE.fullmatch, column)) and any(map(_GROUPED.fullmatch, column))


def _layout(
    split: Sequence[Sequence[str]], marks: Marks
) -> tuple[int, tuple[str, ...], tuple[tuple[str, ...], ...], list[str]] | None:
    """Find the first row of numbers, the header above it, the lines above that, and what to say of them."""
    start = _first_row(split, marks)
    if start is None:
        return None
    width, top, said = len(split[start]), start, []
    split = [*map(_without_label, split[:start]), *split[start:]]
    header: tuple[str, ...] = ()
    units: Sequence[str] = ()
    while top and (not any(split[top - 1]) or [cell.strip() for cell in split[top - 1] if cell] == ["BEGIN"]):
        top -= 1  # Igor's BEGIN
    for _ in range(3):  # names, units, and comments or groups, in any order
        if not top or not (len(split[top - 1]) == width and _is_header(split[top - 1], width)):
            if top and units and not header and _numbers_columns(split[top - 1], width):
                header, top = tuple(split[top - 1]), top - 1
            break
        row = split[top - 1]
        named = top > 1 and (_is_header(split[top - 2], width) or _numbers_columns(split[top - 2], width))
        if not units and top > 1 and is_units(row) and (header or named):
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
    if (
        not header
        and start
        and _is_header(split[start - 1], width + 1)
        and _REMARKS.fullmatch(split[start - 1][-1].strip())
    ):
        header, top = (
            tuple(split[start - 1][:-1]),
            start - 1,
        )  # LabVIEW names a column of comments that rows without one lack
    if units and header:
        header = tuple(map(_with_unit, header, units))
    if top > 0:
        lines = "1 line" if top == 1 else f"{top} lines"
        said.append(f"{lines} of the instrument above the columns {'was' if top == 1 else 'were'} passed over")
    return start, header, tuple(map(tuple, split[:top])), said


def _without_label(row: Sequence[str]) -> list[str]:
    """Take off what Origin writes in front of the lines above its columns."""
    return ["", *row[1:]] if len(row) > 1 and _LINE_LABELS.fullmatch(row[0].strip()) else list(row)


def _belongs_above(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether a line names groups of columns, or columns that the line beneath only comments on; a setting does neither."""
    over, under = ([cell.strip().lower() for cell in row] for row in (upper, lower))
    named = [i for i, cell in enumerate(over) if cell]
    if over[0] and not under[0] and len(over) > 2 and all(under[i] for i in named[1:]):
        return True  # names whose first is merged with the line beneath it
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


def _first_row(split: Sequence[Sequence[str]], marks: Marks) -> int | None:
    """Return the first line of numbers that is followed by others as wide; None where no line is."""

    def counts(row: Sequence[str]) -> bool:
        found = sum(marks.is_number(cell) for cell in row)
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
    shapes = [tuple(marks.is_number(cell) for cell in split[i]) for i in found]
    usual = max(set(shapes), key=shapes.count)
    # settings of the instrument may be as wide as the table: "Vread,0.1" above "pulse,conductance"
    alike = [i for i in found if all(not numeric or marks.is_number(cell) or cell.strip().lower() in NOTHING
                                     for cell, numeric in zip(split[i], usual, strict=True))]  # fmt: skip
    known = set(alike)
    for here in alike:
        following = range(here + 1, min(here + 4, len(split)))
        if 2 * sum(i in known for i in following) >= len(following):
            return here
    return alike[0]


def _numbers_columns(row: Sequence[str], width: int) -> bool:
    """Whether a row names its first column and numbers the others: Pulse, 1, 2, 3."""
    numbers = [cell.strip() for cell in row[1:]]
    return (
        len(row) == width > 2
        and bool(re.match(r"[^\W\d]", row[0].strip()))
        and all(map(str.isdecimal, numbers))
        and all(int(b) - int(a) == 1 for a, b in pairwise(numbers))
    )


def _is_header(row: Sequence[str], width: int) -> bool:
    return (
        len(row) == width and not any(NUMBER.match(cell.strip()) for cell in row) and any(cell.strip() for cell in row)
    )
