"""One table, shown in two places: in the terminal (as Rich draws it) and in a page (``parts.html``); also as CSV.

What a table says is written once, as text with its units; where it is shown decides only how it is laid out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import rich.console
    import rich.table

__all__ = ["Code", "Table"]

_UNBROKEN = 24
"""Characters of a name in a first column that the terminal does not break."""
_UNBROKEN_WORD = 13
"""Characters of a word in another column that it does not break."""


class Code(str):
    """A cell of a table, or a fact, that is a command or a fingerprint: a page sets it in the type of code."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """Cells of a table, as they are to be read."""

    title: str
    """What it is; a page does not show it, but reads it to those who hear the page."""
    columns: Sequence[str]
    """Names of the columns; no header is shown when all are empty."""
    rows: Sequence[Sequence[str]]
    """The first cell names its row; a :class:`Code` is set as code."""
    texts: tuple[int, ...] = ()
    """Columns of words, set flush left; the others are numbers. The first column always is one of words."""
    total: Sequence[str] = ()
    """A last row that sums up."""
    caption: str = ""
    """Shown above it, in the place of the title."""
    note: str = ""
    """Shown below it."""
    breaks: tuple[int, ...] = ()
    """Rows that have a line above them."""
    folded: bool = False
    """Whether a page shows it only when asked."""
    most: int = 0
    """Rows that are shown, with a note when there are more; 0: all. A file beside it holds all."""

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

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        """Lay the table out for the terminal: as a table where that fits without cutting a number, else row by row."""
        widths = self._widths(options.max_width)
        yield self._row_by_row() if widths is None else self._table(widths)

    def _is_words(self, column: int) -> bool:
        return column == 0 or column in self.texts

    @property
    def _lines(self) -> list[Sequence[str]]:
        return [*self.shown, *([self.total] if self.total else [])]

    def _cells(self, column: int) -> list[str]:
        return [str(row[column]) for row in self._lines if column < len(row)]

    def _least(self, column: int) -> int:
        """Characters in which no number of a column and no short word of its name is cut; other long words may be."""
        cells, name = self._cells(column), min(max(map(len, self.columns[column].split()), default=0), _UNBROKEN_WORD)
        least = max((len(word) for cell in cells for word in cell.split()), default=0)
        if column == 0:
            whole = max(map(len, cells), default=0)
            least = whole if whole <= _UNBROKEN else min(least, _UNBROKEN)
        elif self._is_words(column):
            least = min(least, _UNBROKEN_WORD)
        return max(name, least, 1)

    def _widths(self, most: int) -> list[int] | None:
        """Characters of each column in a terminal so wide; None where the table does not fit."""
        widths = [self._least(i) for i in range(len(self.columns))]
        whole = [max(map(len, [name, *self._cells(i)])) for i, name in enumerate(self.columns)]
        spare = most - 1 - sum(3 + width for width in widths)
        if spare < 0:
            return None
        for i, full in enumerate(whole):  # first, numbers stay with their units
            more = full - widths[i]
            if not self._is_words(i) and full <= _UNBROKEN and more <= spare:
                widths[i], spare = full, spare - more
        for _ in range(spare):
            lines = [full / width if full > width else 0.0 for full, width in zip(whole, widths, strict=True)]
            if any(lines):
                widths[lines.index(max(lines))] += 1
        return widths

    def _frame(self, header: bool) -> rich.table.Table:
        import rich.table

        frame = rich.table.Table(title=self.caption or self.title, title_justify="left", show_header=header)
        frame.caption, frame.caption_justify = "\n".join(self.notes) or None, "left"
        return frame

    def _table(self, widths: list[int]) -> rich.table.Table:
        table = self._frame(any(self.columns))
        for i, name in enumerate(self.columns):
            justify: Literal["left", "right"] = "left" if self._is_words(i) else "right"
            table.add_column(name, justify=justify, overflow="fold", width=widths[i])
        for i, row in enumerate(self._lines):
            if i in self.breaks or i == len(self.shown):
                table.add_section()
            table.add_row(*row)
        return table

    def _row_by_row(self) -> rich.table.Table:
        """Lay it out in two columns, the names of its columns and their cells, with a line between its rows."""
        table = self._frame(header=False)
        table.add_column(overflow="fold", max_width=_UNBROKEN)
        table.add_column(overflow="fold")
        for row in self._lines:
            table.add_section()
            for name, cell in zip(self.columns, row, strict=False):
                if cell:
                    table.add_row(name, cell)
        return table
