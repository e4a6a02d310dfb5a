"""Workbooks (.xlsx, .xls) that anybody may have written, read by python-calamine; what would unpack to much is refused before."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.lab.text.marks import plain_text

__all__ = ["ENDINGS", "sheets"]

ENDINGS = (".xlsx", ".xlsm", ".xls")
_MOST_BYTES = 200 << 20
_MOST_ROWS, _MOST_COLUMNS = 100_000, 1_000
"""Of a sheet; it is held in memory whole."""
_PLACE = re.compile(rb'<c [^>]*\br="([A-Z]+)(\d+)"')


def sheets(path: Path) -> dict[str, list[list[str]]]:
    """Read all sheets of a workbook as rows of text, without empty rows; formulas are not computed.

    Raises
    ------
    DataError
        When it is no workbook, unpacks to more than 200 MB, or a sheet is larger than 100,000 rows of 1,000 columns.
    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise DataError("workbooks need python-calamine", got="an environment without it", where=path.name,
                        do="pip install 'synarray[fit]', or save the sheet as CSV.") from None  # fmt: skip
    found: dict[str, list[list[str]]] = {}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_content(path)))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            _require_size(sheet.height, sheet.width, f"{path.name}, sheet {name}")
            rows = [[_text(cell) for cell in row] for row in sheet.iter_rows()]
            found[name] = [_trimmed(row) for row in rows if any(row)]
    except DataError:
        raise
    except BaseException as error:  # the reader is compiled: what goes wrong in a part may come as a panic
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise DataError(
            f"a workbook must be an .xlsx or .xls file of at most {_MOST_BYTES >> 20} MB",
            got=str(error)[:100] or type(error).__name__, where=path.name, do="Save it again as .xlsx or CSV.",
        ) from None  # fmt: skip
    return found


def _content(path: Path) -> bytes:
    """Return the file, which must be small, also when unpacked: a single cell far away would ask for all those before it."""
    with open_ordinary(path) as file:
        content = file.read(_MOST_BYTES + 1)
    size = len(content)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = max(size, sum(part.file_size for part in archive.infolist()))
            parts = [part.filename for part in archive.infolist() if part.filename.startswith("xl/worksheets/")]
            for part in parts if size <= _MOST_BYTES else ():
                for column, row in _PLACE.findall(archive.read(part)):
                    if int(row) > _MOST_ROWS or len(column) > 3 or (len(column) == 3 and column > b"ALL"):
                        _require_size(int(row), _MOST_COLUMNS + 1, f"{path.name}, cell {column.decode()}{row.decode()}")
    if size > _MOST_BYTES:
        raise ValueError(f"{size / 2**20:,.0f} MB when unpacked")
    return content


def _require_size(height: int, width: int, where: str) -> None:
    if height > _MOST_ROWS or width > _MOST_COLUMNS:
        raise DataError(
            f"a sheet must have at most {_MOST_ROWS:,} rows and {_MOST_COLUMNS:,} columns", got=f"{height:,} x {width:,}",
            where=where, do="Save the sheet as CSV.",
        )  # fmt: skip


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return plain_text(str(cell)).strip()


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row
