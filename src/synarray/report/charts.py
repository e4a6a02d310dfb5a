"""Charts of numbers: energy by component and machine, pulses per cell, a study's lines; plain axes, few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.report.style import COLOURS, SERIES, matplotlib_of, styled
from synarray.report.words import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["energies", "pulses_per_cell"]

_MARKERS = "os^DvPX"


@styled
def energies(machines: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw energy by component, a colour and a shape for each machine, the total last.

    Parameters
    ----------
    machines : dict of str to dict of str to float
        Joules by component, for each machine by its name; what is 0 or not there is left out.
    """
    plt = matplotlib_of()
    components = [*dict.fromkeys(name for parts in machines.values() for name in parts), "everything"]
    figure: Figure = plt.figure.Figure(
        figsize=(4.6, 0.27 * len(components) + 0.3 * len(machines) + 0.8), layout="constrained"
    )
    axis = figure.subplots()
    for (name, parts), colour, marker in zip(machines.items(), SERIES, _MARKERS, strict=False):
        values = [parts.get(part, 0.0) for part in components[:-1]]
        values.append(sum(values))
        at = [(value, y) for y, value in enumerate(values) if value > 0]
        axis.plot([v for v, _ in at], [y for _, y in at], marker, color=colour, ms=6, label=name)
    axis.set_xscale("log")
    axis.set_yticks(range(len(components)), components)
    axis.set_ylim(len(components) - 0.5, -0.5)
    axis.xaxis.set_major_formatter(lambda value, _: quantity(value, "J"))
    axis.xaxis.set_major_locator(plt.ticker.LogLocator(numticks=6))
    axis.minorticks_off()
    axis.set_xlabel("energy of the training")
    figure.legend(loc="outside upper left", ncols=1)
    return figure


@styled
def pulses_per_cell(writes: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> Figure:
    """Draw how many cells received how many pulses, between the edges; cells are counted on a logarithmic scale."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(4.6, 3.2), layout="constrained")
    axis = figure.subplots()
    counts = np.histogram(writes, edges)[0]
    axis.stairs(counts, edges, fill=True, color=COLOURS["blue"][0], alpha=0.75, baseline=0.7)
    for value, words, style in ((float(writes.mean()), "mean", "--"), (float(writes.max()), "most", ":")):
        axis.axvline(
            value, color=COLOURS["vermilion"][0], lw=1.3, ls=style, label=f"{words}: {value:,.1f}".removesuffix(".0")
        )
    axis.set_yscale("log")
    axis.set_ylim(bottom=0.7)
    axis.yaxis.set_major_formatter(_plain)
    axis.minorticks_off()
    axis.set_xlabel("pulses a cell received")
    axis.set_ylabel("cells")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _plain(value: float, _: Any = None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
