"""Charts of numbers: energy by component and machine, pulses per cell, a study's lines; plain axes, few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.report.style import COLOURS, SERIES, matplotlib_of, styled
from synarray.report.words import measure, quantity, unit_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Line", "energies", "lines_chart", "pulses_per_cell"]

_MARKERS = "os^DvPX"


@dataclass(frozen=True)
class Line:
    """One line of a chart: means, with an interval, at places that are numbers or words."""

    name: str
    x: Sequence[Any]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    n: Sequence[int]

    @classmethod
    def of(cls, name: str, values: Sequence[tuple[Any, npt.NDArray[np.float64]]], confidence: float) -> Line:
        """Average the values at each place; the interval of the mean is Student's, and nothing where there is one value."""
        from scipy.stats import t

        if all(isinstance(x, int | float | np.number) for x, _ in values):
            values = sorted(values, key=lambda pair: float(pair[0]))
        means = [float(each.mean()) for _, each in values]
        half = [
            float(t.ppf(0.5 + confidence / 2, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else 0.0
            for _, each in values
        ]  # fmt: skip
        low, high = ([m + sign * h for m, h in zip(means, half, strict=True)] for sign in (-1, 1))
        return cls(name, [x for x, _ in values], means, low, high, [len(each) for _, each in values])


@styled
def energies(machines: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw energy by component, a colour and a shape for each machine, the total last.

    Parameters
    ----------
    machines : dict of str to dict of str to float
        Joules by component, for each machine by its name; what is 0 or not there is left out.
    """
    plt = matplotlib_of()
    components = [
        *dict.fromkeys(name for parts in machines.values() for name in parts if parts[name] > 0),
        "everything",
    ]
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


@styled
def lines_chart(
    lines: Sequence[Line], x_label: str, y_label: str, y: str, limits: tuple[float, float], *, log_x: bool, log_y: bool
) -> Figure:
    """Draw lines of means with their intervals.

    Parameters
    ----------
    lines : sequence of Line
    x_label, y_label : str
    y : str
        Column that is drawn: shares are drawn in percent, quantities with their prefixes.
    limits : tuple of float
        Least and most of what is drawn here and in figures beside it.
    log_x, log_y : bool
        Logarithmic scales, where all values are positive.
    """
    plt = matplotlib_of()
    names = any(line.name for line in lines)
    figure: Figure = plt.figure.Figure(figsize=(4.6, 3.4 + 0.17 * names * -(-len(lines) // 2)), layout="constrained")
    axis = figure.subplots()
    words = any(not isinstance(x, int | float | np.number) for line in lines for x in line.x)
    places = list(dict.fromkeys(str(x) for line in lines for x in line.x)) if words else []
    share = 100.0 if unit_of(y) == "%" else 1.0
    for i, line in enumerate(lines):
        beside = 0.12 * (i - (len(lines) - 1) / 2)  # words stand side by side
        at = [places.index(str(x)) + beside for x in line.x] if words else [float(x) for x in line.x]
        mean = share * np.array(line.mean)
        error = np.abs(share * np.array([line.low, line.high]) - mean)
        axis.errorbar(
            at, mean, error, color=SERIES[i % len(SERIES)], marker=_MARKERS[(i + i // len(SERIES)) % len(_MARKERS)],
            ls="none" if words else "-", capsize=2.5, elinewidth=1, label=line.name,
        )  # fmt: skip
    if words:
        turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if max(map(len, places)) > 8 else {}
        axis.set_xticks(range(len(places)), places, **turned)
        axis.set_xlim(-0.5, len(places) - 0.5)
    elif log_x and min(float(x) for line in lines for x in line.x) > 0:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = share * limits[0], share * limits[1]
    if log_y and low > 0:
        axis.set_yscale("log")
        axis.set_ylim(low / 1.2, high * 1.2)
    else:
        room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        axis.set_ylim(low - room, high + room)
    if share == 1.0:
        axis.yaxis.set_major_formatter(lambda value, _: measure(value, y))
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    if names:
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def _plain(value: float, _: Any = None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
