"""One table, shown in two places: in the terminal (as Rich draws it) and in a page (``parts.html``); also as CSV.

What a table says is written once, as text with its units; where it is shown decides only how it is laid out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.table

__all__ = ["Code", "Table"]

_UNBROKEN = 24
"""Characters of a name in a first column that the terminal does not break."""


class Code(str):
    """A cell of a table, or a fact, that is a command or a fingerprint: a page sets it in the type of code."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """Cells of a table, as they are to be read.

    Attributes
    ----------
    title : str
        What it is; a page does not show it, but reads it to those who hear the page.
    columns : sequence of str
        Names of the columns; no header is shown when all are empty.
    rows : sequence of sequence of str
        The first cell names its row; a :class:`Code` is set as code.
    texts : tuple of int
        Columns of words, set flush left; the others are numbers. The first column always is one of words.
    total : sequence of str
        A last row that sums up.
    caption : str
        Shown above it, in the place of the title.
    note : str
        Shown below it.
    breaks : tuple of int
        Rows that have a line above them.
    folded : bool
        Whether a page shows it only when asked.
    most : int
        Rows that are shown, with a note when there are more; 0: all. A file beside it holds all.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: tuple[int, ...] = ()
    total: Sequence[str] = ()
    caption: str = ""
    note: str = ""
    breaks: tuple[int, ...] = ()
    folded: bool = False
    most: int = 0

    @property
    def shown(self) -> Sequence[Sequence[str]]:
        """The rows that are shown."""
        return self.rows[: self.most] if self.most else self.rows

    @property
    def notes(self) -> list[str]:
        """What is said below the table."""
        left_out = len(self.shown) < len(self.rows)
        more = f"The first {len(self.shown):,} of {len(self.rows):,} rows; the file beside it holds all."
        return [text for text in (self.note, more * left_out) if text]

    def csv(self) -> str:
        """Return the cells as comma-separated values."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerows([self.columns, *self.rows, *([self.total] if self.total else [])])
        return buffer.getvalue()

    def __rich__(self) -> rich.table.Table:
        """Lay the table out for the terminal."""
        import rich.table

        table = rich.table.Table(title=self.caption or self.title, title_justify="left", show_header=any(self.columns))
        for i, name in enumerate(self.columns):
            words = i == 0 or i in self.texts
            short = i == 0 and max((len(row[0]) for row in self.shown if row), default=0) <= _UNBROKEN
            table.add_column(name, justify="left" if words else "right", overflow="fold", no_wrap=short)
        for i, row in enumerate(self.shown):
            if i in self.breaks:
                table.add_section()
            table.add_row(*row)
        if self.total:
            table.add_section()
            table.add_row(*self.total)
        table.caption, table.caption_justify = "\n".join(self.notes) or None, "left"
        return table
