"""Workbooks (.xlsx) that anybody may have written: an archive whose parts must stay small when unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from synarray.errors import DataError
from synarray.files import open_ordinary

__all__ = ["opened", "sheets"]

_MOST_BYTES = 200 << 20
_MOST_ROWS, _MOST_COLUMNS = 100_000, 1_000
"""Of a sheet; it is held in memory whole."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a workbook; whatever goes wrong in it is one four-part error.

    Raises
    ------
    DataError
        When it is no workbook, or unpacks to more than 200 MB.
    """
    try:
        with open_ordinary(path) as file:
            with zipfile.ZipFile(file) as archive:
                size = sum(part.file_size for part in archive.infolist())
            if size > _MOST_BYTES:
                raise ValueError(f"{size / 2**20:,.0f} MB when unpacked")
            file.seek(0)
            yield file
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise DataError(
            f"a sheet must be a workbook of at most {_MOST_BYTES >> 20} MB", got=str(error)[:100] or type(error).__name__,
            where=path.name, do="Save it again as .xlsx or CSV.",
        ) from None  # fmt: skip


def sheets(path: Path) -> dict[str, list[list[str]]]:
    """Read all sheets of a workbook as rows of text, without empty rows; formulas are not computed.

    Raises
    ------
    DataError
        When it cannot be read, or a sheet is larger than 100,000 rows of 1,000 columns.
    """
    try:
        import openpyxl
    except ImportError:
        raise DataError("sheets (.xlsx) need openpyxl", got="an environment without it", where=path.name,
                        do="pip install 'synarray[fit]', or save the sheet as CSV.") from None  # fmt: skip
    found: dict[str, list[list[str]]] = {}
    with opened(path) as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        for sheet in book.worksheets:
            rows: list[list[str]] = []
            for row in sheet.iter_rows(values_only=True, max_row=_MOST_ROWS + 1, max_col=_MOST_COLUMNS + 1):
                cells = [_text(cell) for cell in row]
                while cells and not cells[-1]:
                    cells.pop()
                if len(cells) > _MOST_COLUMNS or len(rows) >= _MOST_ROWS:
                    raise DataError(
                        f"a sheet must have at most {_MOST_ROWS:,} rows and {_MOST_COLUMNS:,} columns", got="a larger one",
                        where=f"{path.name}, sheet {sheet.title}", do="Save the sheet as CSV.",
                    )  # fmt: skip
                if cells:
                    rows.append(cells)
            found[sheet.title] = rows
    return found


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()
