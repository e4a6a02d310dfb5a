"""Figures as inline SVG in the colours of the page around them, so that one picture suits a light and a dark screen."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synarray.report.figures import pyplot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline_svg", "page_colours"]

_INK, _LINE = "#010203", "#b0b0b0"
_COLOURS = {
    _INK: "--ink", "#000000": "--ink", "#20639b": "--accent", "#d1495b": "--red", "#888888": "--soft", _LINE: "--line",
}  # fmt: skip
"""What matplotlib writes -> the page's variable."""


@contextmanager
def page_colours() -> Iterator[None]:
    """Draw within this: text and axes get a colour that ``inline_svg`` finds again."""
    matplotlib = pyplot()
    named: tuple[Any, ...] = (
        "text.color",
        "axes.labelcolor",
        "axes.titlecolor",
        "axes.edgecolor",
        "xtick.color",
        "ytick.color",
    )
    fixed: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "synarray", "grid.color": _LINE, "font.size": 9.0}
    with matplotlib.rc_context(dict.fromkeys(named, _INK) | fixed):
        yield


def inline_svg(figure: Figure, name: str, title: str) -> str:
    """Render a figure for a page: no size of its own, no ground, names that no other figure of the page has.

    Parameters
    ----------
    figure : Figure
        Drawn within :func:`page_colours`.
    name : str
        Word that its inner names begin with.
    title : str
        What it shows, for those who cannot see it.
    """
    from html import escape

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in _COLOURS.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
