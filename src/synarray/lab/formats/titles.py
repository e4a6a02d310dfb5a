"""Blocks of a table below each other, each with a line of its own above it that names its device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synarray.lab.formats.reading import lines_of, numbers
from synarray.lab.formats.tables import Table, cells_of
from synarray.lab.text.titles import names_below, title_of

__all__ = ["with_titles"]

_MOST_BYTES = 50 << 20


def with_titles(table: Table) -> Table:
    """Put the title of each block in a column of its own, where lines between the rows name devices.

    Parameters
    ----------
    table : Table
        Titles are looked for in its first rows; in all where a line above its header is one.
    """
    first = [row[0] for row in table.sample if len(row) == table.width]
    numbered = bool(first) and bool(np.mean(np.isfinite(numbers(first, table))) > 0.5)

    def found(row: Sequence[str]) -> tuple[str, str] | None:
        may_be_row = len(row) == table.width and (not numbered or tuple(row) == table.header)
        return title_of(row, spaced=table.separator == " ", single=may_be_row)

    above, between = ([title for row in rows if (title := found(row))] for rows in (table.above, table.sample))
    if not (above or between):
        return table
    if not table.header or (table.rows is None and table.path.stat().st_size > _MOST_BYTES):
        why = "in a file of more than 50 MB" if table.header else "below columns without names"
        said = f"lines that name devices are not used {why}, such as {(between or above)[0][1]!r}"
        return replace(table, repairs=(*table.repairs, said)) if between or table.header else table
    rows = table.rows
    if rows is None:
        rows = [cells_of(line, table.separator) for line in lines_of(table.path, table.encoding)][table.before :]
    titles = [found(row) for row in rows]
    if not any(titles):
        return table
    lines = [
        *((title, False) for title in above),
        *((t, len(r) == table.width) for t, r in zip(titles, rows, strict=True)),
    ]
    kept = [
        [*row, name] if len(row) == table.width else list(row)
        for row, name, title in zip(rows, names_below(lines)[len(above) :], titles, strict=True)
        if not title
    ]
    shown = ", ".join([repr(title[1]) for title in titles if title][:3])
    said = f"lines between the rows were taken for names of devices: {shown}"
    return replace(
        table, header=(*table.header, "device"), width=table.width + 1, rows=kept,
        sample=tuple(map(tuple, kept[: len(table.sample)])), repairs=(*table.repairs, said),
    )  # fmt: skip
