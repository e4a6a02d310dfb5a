"""One language of looks for figures and pages: colours that the colour-blind can distinguish, in a light and a dark form.

The hues are those of Okabe and Ito. A figure is drawn in the light form; in a page its colours become the page's own, which
follow the reader's scheme; a file beside the page keeps the light form on white.
"""

from __future__ import annotations

import base64
import functools
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from synarray.extras import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "NO_CELL", "SERIES", "STATES", "inline_svg", "matplotlib_of", "styled", "stylesheet"]

P = ParamSpec("P")
R = TypeVar("R")

COLOURS = {
    "ink": ("#1d2733", "#e6ebf0"),
    "soft": ("#55616e", "#a3b0bd"),
    "line": ("#d5dbe2", "#36424e"),
    "ground": ("#fefefe", "#12181f"),
    "panel": ("#f3f5f8", "#1a222b"),
    "accent": ("#0b5f97", "#7cc0f0"),
    "blue": ("#0072b2", "#5db4e8"),
    "vermilion": ("#cf5800", "#ff8f45"),
    "green": ("#008a65", "#2cc79c"),
    "purple": ("#b3588b", "#e79cc6"),
    "amber": ("#b87f00", "#f0bd42"),
    "sky": ("#3597d3", "#96d2f5"),
    "grey": ("#7b8794", "#8e9aa6"),
}
"""Each colour on a light and on a dark ground."""
SERIES = tuple(COLOURS[name][0] for name in ("blue", "vermilion", "green", "purple", "amber", "sky", "grey"))
"""Colours of lines and bars, in their order."""
STATES = ("#4a9fd8", "#e3b64c", "#c2185b")
"""Learns, pruned, stuck: in a picture of pixels, hence the same in light and dark."""
NO_CELL = (0.5, 0.5, 0.5, 0.2)
"""Where a neuron has no cell, in a picture of pixels."""
_INK, _SOFT, _LINE = (COLOURS[name][0] for name in ("ink", "soft", "line"))
_LOOKS = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "text.parse_math": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": _INK,
    "axes.edgecolor": _SOFT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "figure.facecolor": "none",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "synarray",
    "pdf.fonttype": 42,
    "axes.unicode_minus": False,
}

_PARTS = ("cm", "colors", "figure", "offsetbox", "ticker")


def matplotlib_of() -> Any:
    """Import matplotlib with the parts that figures need.

    Raises
    ------
    RunError
        When it is missing.
    """
    return require("report", "figures", "matplotlib", *(f"matplotlib.{part}" for part in _PARTS))


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function draw (or write) in these looks, whatever the user's own matplotlib is set to."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        plt = matplotlib_of()
        with plt.rc_context(plt.rcParamsDefault | _LOOKS):
            return draw(*args, **kwargs)

    return drawn


@styled
def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """Render a figure as an element of a page: its colours are the page's, its names are its own.

    Parameters
    ----------
    figure : Figure
    name : str
        Of the figure, unlike that of others on the page: letters, digits, hyphens.
    alt : str
        What it shows, for those who do not see it.
    """
    import html

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' width="[\d.]+pt"| height="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=\s]+", _with_palette, svg)
    svg = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", svg)
    for colour, (light, _) in COLOURS.items():
        svg = svg.replace(light, f"var(--{colour})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1).rstrip()


def _with_palette(found: re.Match[str]) -> str:
    """Write a picture of few colours with a palette: the same pixels, a third of the size."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[0]))).convert("RGBA"))
    used, which = np.unique(np.ascontiguousarray(pixels).view(np.uint32), return_inverse=True)
    if len(used) > 256:
        return found[0]
    colours = used.view(np.uint8).reshape(-1, 4)
    picture = Image.fromarray(which.reshape(pixels.shape[:2]).astype(np.uint8))
    picture.putpalette(colours[:, :3].tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "png", optimize=True, transparency=colours[:, 3].tobytes())
    return base64.b64encode(buffer.getvalue()).decode()


def stylesheet(dark: bool) -> str:
    """Return the colours as definitions of a style sheet."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in COLOURS.items())
