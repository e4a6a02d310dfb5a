"""Blocks of a table below each other, each with a line of its own above it that names its device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from synarray.lab.formats.reading import lines_of
from synarray.lab.formats.tables import Table, cells_of
from synarray.lab.text.words import meaning_of

__all__ = ["with_titles"]

_MOST_BYTES = 50 << 20


def with_titles(table: Table) -> Table:
    """Put the title of each block in a column of its own, where lines between the rows name devices.

    Parameters
    ----------
    table : Table
        Titles are looked for in its first rows.
    """
    titles = [title for row in table.sample if (title := _title(row, table))]
    if not titles or not table.header or (table.rows is None and table.path.stat().st_size > _MOST_BYTES):
        return table
    rows = table.rows
    if rows is None:
        rows = [cells_of(line, table.separator) for line in lines_of(table.path, table.encoding)][table.before :]
    title = next((found for row in reversed(table.above) if (found := _title(row, table))), "0")
    kept = list[list[str]]()
    for row in rows:
        if found := _title(row, table):
            title = found
        else:
            kept.append([*row, title] if len(row) == table.width else list(row))
    said = f"lines between the rows were taken for names of devices: {', '.join(map(repr, titles[:3]))}"
    return replace(
        table, header=(*table.header, "device"), width=table.width + 1, rows=kept,
        sample=tuple(map(tuple, kept[: len(table.sample)])), repairs=(*table.repairs, said),
    )  # fmt: skip


def _title(row: Sequence[str], table: Table) -> str:
    """Return the words of a line that names a device; empty where it does not."""
    cells = [cell.strip() for cell in row if cell.strip()]
    if not cells or (len(cells) > 1 and (table.separator != " " or len(row) == table.width)) or len(cells) > 4:
        return ""
    words = " ".join(cells)
    return words if re.search(r"[^\W\d].*\w$", words) and meaning_of(words) == "device_id" else ""
