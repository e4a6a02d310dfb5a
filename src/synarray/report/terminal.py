"""The terminal: words as they are, and pictures in block characters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console, Group, RenderableType
from rich.text import Text

from synarray.errors import printable

__all__ = ["Terminal", "fields_in_blocks", "standard_output"]

_SHADES = " .:-=+*#%@"
_WIDE = 150
"""Columns of a file or pipe, which has no width of its own."""


class Terminal(Console):
    """Prints words as they are: no markup, no emoji, and no control characters that a file may have brought."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a text into what is printed."""
        return super().render_str(printable(text, keep="\n\t"), **options)

    def lines(self, *texts: str) -> None:
        """Print lines that the terminal may wrap, but that are copied as one."""
        for text in texts:
            self.print(text, soft_wrap=True)


def standard_output() -> Terminal:
    """Open the terminal, or a pipe as wide as the tables need."""
    console = Terminal()
    return console if console.is_terminal else Terminal(width=max(console.width, _WIDE))


def fields_in_blocks(fields: npt.NDArray[np.float64], columns: int, colour: bool) -> RenderableType:
    """Draw receptive fields, shape (n, height, width), side by side within so many terminal columns."""
    width = fields.shape[2]
    per_line = max(1, columns // (width + 2))
    lines = []
    for begin in range(0, len(fields), per_line):
        side_by_side = fields[begin : begin + per_line]
        for row in range(0, fields.shape[1], 2):
            text = Text()
            for field in side_by_side:
                upper, lower = field[row], field[min(row + 1, len(field) - 1)]
                for a, b in zip(upper, lower, strict=True):
                    text.append(*_cell(a, b, colour))
                text.append("  ")
            lines.append(text)
        lines.append(Text())
    return Group(*lines)


def _cell(upper: float, lower: float, colour: bool) -> tuple[str, str]:
    """One character: two pixels in colour, or one shade; weights beyond -1 to 1 look like these."""
    upper, lower = np.clip((upper, lower), -1.0, 1.0).tolist()
    if not colour:
        both = [w for w in (upper, lower) if not np.isnan(w)]
        return (_SHADES[round((float(np.mean(both)) + 1) / 2 * (len(_SHADES) - 1))] if both else " "), ""
    fore, back = (
        "rgb(40,40,60)" if np.isnan(w) else "rgb({0},{0},{0})".format(round((w + 1) / 2 * 255)) for w in (upper, lower)
    )
    return "▀", f"{fore} on {back}"
