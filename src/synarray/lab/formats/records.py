"""JSON that holds a table: an object per line, a list of objects, or an object of columns, as pandas writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synarray.files import open_ordinary

__all__ = ["rows_of_json"]

_MOST_BYTES = 200 << 20
"""It is held in memory whole."""


def rows_of_json(path: Path) -> list[list[str]] | None:
    """Read a table from JSON as rows of text: single values above, then names, then numbers; None where there is none.

    Raises
    ------
    OSError, ValueError
        When the file cannot be read.
    """
    with open_ordinary(path) as file:
        head = file.read(4096)
        if not head.lstrip().startswith((b"{", b"[")):
            return None
        content = head + file.read(_MOST_BYTES)
    if len(content) > _MOST_BYTES:
        return None
    try:
        text = content.decode("utf-8-sig")
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None
    return _of_records(found) if isinstance(found, list) else _of_columns(found) if isinstance(found, dict) else None


def _of_records(found: list[Any]) -> list[list[str]] | None:
    if len(found) > 1 and all(isinstance(value, int | float) for value in found):
        return _written([[value] for value in found])
    if len(found) > 1 and all(isinstance(row, list) and all(map(_is_plain, row)) for row in found):
        return _written(found)
    if not found or not all(isinstance(record, dict) for record in found):
        return None
    lists = {name for record in found for name, value in record.items() if isinstance(value, list)}
    if len(lists) == 1 and all(_is_train(record.get(*lists)) for record in found):  # a train to a record
        return _written(
            [[*(v for k, v in record.items() if k not in lists), *record[next(iter(lists))]] for record in found]
        )
    names = list(dict.fromkeys(name for record in found for name in record))
    rows = [[record.get(name) for name in names] for record in found]
    return _written([names, *rows]) if all(_is_plain(cell) for row in rows for cell in row) else None


def _of_columns(found: dict[str, Any]) -> list[list[str]] | None:
    if isinstance(found.get("columns"), list) and isinstance(found.get("data"), list):
        return _written([found["columns"], *found["data"]]) if all(isinstance(r, list) for r in found["data"]) else None
    inner = {name: v for name, v in found.items() if isinstance(v, dict) and not all(k.isdecimal() for k in v)}
    settings = {key: value for table in inner.values() for key, value in table.items()}
    found = {
        name: value
        for name, value in found.items()
        if name not in inner or not all(map(_is_plain, inner[name].values()))
    }
    columns = {
        name: list(v.values()) if isinstance(v, dict) else v for name, v in found.items() if isinstance(v, list | dict)
    }
    columns = {name: values for name, values in columns.items() if len(values) > 1 and all(map(_is_plain, values))}
    if not columns or any(
        isinstance(found[name], dict) and not all(k.isdecimal() for k in found[name]) for name in columns
    ):
        return None
    longest = max(map(len, columns.values()))
    above = [[name, value] for name, value in (*found.items(), *settings.items()) if _is_plain(value)]
    cells = [values + [None] * (longest - len(values)) for values in columns.values()]
    return _written([*above, list(columns), *map(list, zip(*cells, strict=True))])


def _is_train(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(x, int | float) for x in value)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _written(rows: list[list[Any]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in rows]
