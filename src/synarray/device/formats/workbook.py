"""Workbooks (.xlsx) that anybody may have written: an archive whose parts must stay small when unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from synarray.errors import DataError
from synarray.files import open_ordinary

__all__ = ["opened"]

_MOST_BYTES = 200 << 20


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
