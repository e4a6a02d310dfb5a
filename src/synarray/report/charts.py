"""Charts of numbers: energy by component and machine, pulses per cell, a study's lines; plain axes, few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.report.style import COLOURS, SERIES, matplotlib_of, styled
from synarray.report.words import measure, unit_of
from synarray.units import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Line", "energies", "lines_chart", "logarithmic", "pulses_per_cell"]

_MARKERS = "os^DvPX"
_SHARES = (0, 20, 40, 60, 70, 80, 85, 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 99.8, 99.9)
"""Ticks of a scale of shares that spreads towards 100 %."""
_MOST_MARKS = 3000
"""Points of a chart beyond which they are drawn as pixels: as outlines each takes 0.5 kB of a page."""
_FEWEST = 3
"""Values that an interval needs; that of two says next to nothing."""


@dataclass(frozen=True)
class Line:
    """One line of a chart: means, with an interval, at places that are numbers or words; a faint one is drawn behind."""

    name: str
    x: Sequence[Any]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    n: Sequence[int]
    faint: bool = False

    @classmethod
    def of(
        cls, name: str, values: Sequence[tuple[Any, npt.NDArray[np.float64]]], confidence: float, faint: bool = False
    ) -> Line:
        """Average the values at each place; the interval of the mean is Student's, and nan where there are fewer than three."""
        from scipy.stats import t

        if all(isinstance(x, int | float | np.number) for x, _ in values):
            values = sorted(values, key=lambda pair: float(pair[0]))
        means = [float(each.mean()) for _, each in values]
        half = [
            float(t.ppf(0.5 + confidence / 2, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each)))
            if len(each) >= _FEWEST
            else float("nan")
            for _, each in values
        ]
        low, high = ([m + sign * h for m, h in zip(means, half, strict=True)] for sign in (-1, 1))
        return cls(name, [x for x, _ in values], means, low, high, [len(each) for _, each in values], faint)

    @property
    def ends(self) -> tuple[float, float]:
        """Least and most of what is drawn."""
        drawn = [*self.mean, *self.low, *self.high]
        return float(np.nanmin(drawn)), float(np.nanmax(drawn))


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
    drawn = [value for parts in machines.values() for value in (*parts.values(), sum(parts.values())) if value > 0]
    logarithmic(axis.xaxis, min(drawn, default=1.0), max(drawn, default=1.0), lambda value: quantity(value, "J"))
    axis.set_yticks(range(len(components)), components)
    axis.set_ylim(len(components) - 0.5, -0.5)
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
    logarithmic(axis.yaxis, 0.7, float(counts.max(initial=1)), lambda value: f"{value:,.0f}" if value >= 1 else "")
    axis.set_ylim(0.7, 1.5 * counts.max(initial=1))
    axis.set_xlabel("pulses a cell received")
    axis.set_ylabel("cells")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


@styled
def lines_chart(
    lines: Sequence[Line],
    x: str,
    y: str,
    labels: tuple[str, str],
    limits: tuple[float, float],
    *,
    joined: bool = True,
    log_x: bool = False,
    log_y: bool = False,
    legend: str = "",
) -> Figure:
    """Draw means with their intervals.

    Parameters
    ----------
    lines : sequence of Line
    x, y : str
        Columns that are drawn: shares are drawn in percent, quantities with their prefixes.
    labels : tuple of str
        Of both axes.
    limits : tuple of float
        Least and most of what is drawn here and in figures beside it.
    joined : bool
        Whether points are joined by lines; places that are words never are.
    log_x, log_y : bool
        Logarithmic scales, where all values are positive; of shares upwards that of what is missing to 100 %.
    legend : str
        What the lines differ in.
    """
    plt = matplotlib_of()
    named = any(line.name for line in lines)
    figure: Figure = plt.figure.Figure(
        figsize=(4.6, 3.4 + 0.17 * named * ((legend != "") + -(-len(lines) // 2))), layout="constrained"
    )
    axis = figure.subplots()
    words = any(not isinstance(place, int | float | np.number) for line in lines for place in line.x)
    places = list(dict.fromkeys(str(place) for line in lines for place in line.x)) if words else []
    crowded = sum(len(line.x) for line in lines) > _MOST_MARKS
    by_x, by_y = (100.0 if unit_of(name) == "%" else 1.0 for name in (x, y))
    for i, line in enumerate(lines):
        beside = 0.12 * (i - (len(lines) - 1) / 2)  # words are side by side
        at = [places.index(str(v)) + beside for v in line.x] if words else [by_x * float(v) for v in line.x]
        mean = by_y * np.array(line.mean)
        error = np.abs(by_y * np.array([line.low, line.high]) - mean)
        looks: dict[str, Any] = {
            "color": SERIES[i % len(SERIES)],
            "marker": _MARKERS[(i + i // len(SERIES)) % len(_MARKERS)],
            "ls": "-" if joined and not words else "none",
            "zorder": 3,
        }
        if line.faint:
            looks |= {"color": COLOURS["grey"][0], "marker": ".", "alpha": 0.6, "ls": "none", "zorder": 2}
        drawn = axis.errorbar(at, mean, error, capsize=2.5, elinewidth=1, label=line.name, **looks)
        for artist in drawn.get_children() if crowded else ():
            artist.set_rasterized(True)
    if words:
        turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if max(map(len, places)) > 8 else {}
        axis.set_xticks(range(len(places)), places, **turned)
        axis.set_xlim(-0.5, len(places) - 0.5)
    else:
        everywhere = [by_x * float(place) for line in lines for place in line.x]
        write_x = _writer(x, "{:g}".format)
        if log_x and min(everywhere) > 0:
            logarithmic(axis.xaxis, min(everywhere), max(everywhere), write_x)
        else:
            whole = all(isinstance(place, int | np.integer) for line in lines for place in line.x)
            axis.xaxis.set_major_locator(
                plt.ticker.AutoLocator() if not whole else plt.ticker.MaxNLocator("auto", integer=True)
            )
            axis.xaxis.set_major_formatter(lambda value, _: write_x(value))
    _scale(axis, y, by_y * limits[0], by_y * limits[1], log_y)
    axis.set_xlabel(labels[0])
    axis.set_ylabel(labels[1])
    if named:
        figure.legend(loc="outside upper left", ncols=2, title=legend or None, title_fontsize=8, alignment="left")
    return figure


def _missing(percent: Any) -> Any:
    """Minus the logarithm of what is missing to 100 %."""
    return -np.log10(np.maximum(100.0 - np.asarray(percent, float), 1e-9))


def _scale(axis: Any, y: str, low: float, high: float, log: bool) -> None:
    """Set the ends of the vertical axis: a little room, none of it where no share can be."""
    write, share = _writer(y, lambda value: measure(value, y)), unit_of(y) == "%"
    if log and share and high < 100.0:
        axis.set_yscale("function", functions=(_missing, lambda value: 100.0 - 10.0**-value))
        axis.set_yticks([tick for tick in _SHARES if low - 10 < tick < high + 0.5 * (100.0 - high)])
        axis.yaxis.set_major_formatter(lambda value, _: write(value))
        ends = np.array([_missing(low), _missing(high)])
        axis.set_ylim(*(100.0 - 10.0 ** -(ends + 0.06 * np.array([-1, 1]) * np.ptp(ends))))
        return
    if log and not share and low > 0:
        logarithmic(axis.yaxis, low, high, write)
        room = max((high / low) ** 0.06, 1.05)
        axis.set_ylim(low / room, high * room)
        return
    axis.yaxis.set_major_formatter(lambda value, _: write(value))
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    axis.set_ylim(*(np.clip((low - room, high + room), -3, 103) if share else (low - room, high + room)))


def _writer(name: str, other: Callable[[float], str]) -> Callable[[float], str]:
    """Say how numbers of a column are written at an axis: percent bare, quantities with their prefixes."""
    unit = unit_of(name)
    if unit == "%":
        return "{:g}".format
    return (lambda value: quantity(value, unit)) if unit else other


def logarithmic(axis: Any, low: float, high: float, write: Callable[[float], str]) -> None:
    """Make one axis logarithmic, with plain numbers: every decade, or 1, 2, 5 of it where there are few."""
    plt = matplotlib_of()
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    few = np.log10(max(high, low) / low) < 1.5
    axis.set_major_locator(plt.ticker.LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=7 if few else 6))
    axis.set_major_formatter(lambda value, _: write(value))
    axis.set_minor_formatter(plt.ticker.NullFormatter())
    axis.set_minor_locator(plt.ticker.NullLocator())
