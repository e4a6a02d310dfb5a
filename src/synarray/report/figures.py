"""Figures of a run or a device, drawn with matplotlib; every one also exists as numbers (the run's folder, ``--json``)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.device.response import PulseTrain
from synarray.errors import MissingExtraError, RunError, nearest
from synarray.files import replace_file, writing
from synarray.learn.trainer import HistoryPoint
from synarray.network.stdp import Following
from synarray.report.charts import logarithmic
from synarray.report.run_figures.film import Film
from synarray.report.style import COLOURS, NO_CELL, STATES, matplotlib_of, styled
from synarray.run.fields import fields_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from synarray.array.maps import ArrayMaps

__all__ = [
    "MAPS",
    "array_map",
    "array_maps",
    "check_format",
    "confusion",
    "dots",
    "fields_of",
    "folder_beside",
    "law_following",
    "of_run",
    "pulse_train",
    "receptive_fields",
    "save",
    "save_where_possible",
    "training_curve",
]

_INK, _BLUE, _RED, _GREY = (COLOURS[name][0] for name in ("ink", "blue", "vermilion", "grey"))
_RARE = 0.005
"""Share of stuck cells below which each is drawn as 5 x 5."""
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""So that the same figure is the same file."""
_FORMATS = ("png", "svg", "pdf")
MAPS = ("conductance", "pulses", "states")
"""Maps of a physical array: conductance, pulses received, what became of the weights."""


def check_format(kind: str) -> None:
    """Refuse a format that figures do not come in."""
    if kind not in _FORMATS:
        raise RunError(
            f"figures come as {', '.join(_FORMATS)}", got=repr(kind), where="--format", do=nearest(kind, _FORMATS)
        )


@styled
def save(drawn: Mapping[str, Figure | Film], folder: Path, kind: str) -> list[Path]:
    """Write figures into a folder, each under its name; return their files. A film is an animated GIF whatever the format."""
    files = [folder / f"{name}.{'gif' if isinstance(figure, Film) else kind}" for name, figure in drawn.items()]
    with writing("the folder for figures must be writable", folder, "Give another with --out, or free some space."):
        folder.mkdir(parents=True, exist_ok=True)
        for figure, file in zip(drawn.values(), files, strict=True):
            replace_file(file, functools.partial(_write, figure, kind))
    return files


def save_where_possible(
    draw: Callable[[], Mapping[str, Figure | Film]], folder: Path, kind: str
) -> tuple[list[Path], str]:
    """Draw figures and write them; without matplotlib there are none. Returns their files, and a sentence that names them."""
    check_format(kind)
    try:
        matplotlib_of()
    except MissingExtraError as missing:
        return [], f"No figures were drawn: {missing}"
    files = save(draw(), folder, kind)
    return files, " ".join(["Figures:", *(str(file) for file in files)])


def _write(figure: Figure | Film, kind: str, file: Path) -> None:
    if isinstance(figure, Film):
        return figure.save(file)
    figure.savefig(file, dpi=150, format=kind, metadata=_UNDATED.get(kind))


def folder_beside(run: Path, out: Path | None, name: str = "figures") -> Path:
    """Say where a run's figures or report go: where asked, else into a folder in its own, which must not lead elsewhere.

    Raises
    ------
    RunError
        When it is a link.
    """
    folder = run / name
    if out is None and folder.is_symlink():
        raise RunError(
            f"the run's {name} must stay in its folder",
            got="a link",
            where=str(folder),
            do="Remove it, or give a folder with --out.",
        )
    return folder if out is None else out


_PIXELS = 256
"""Most pixels along a side of a drawn field: larger images are thinned, more could not be seen."""


@styled
def receptive_fields(arrays: dict[str, npt.NDArray[Any]], image_shape: tuple[int, ...] | None, n: int = 48) -> Figure:
    """Draw the weights of the busiest neurons; bright = high conductance, grey = no cell."""
    plt = matplotlib_of()
    fields = fields_of(arrays, image_shape, n)
    fields = fields[:, :: -(-fields.shape[1] // _PIXELS), :: -(-fields.shape[2] // _PIXELS)]
    columns = min(8, len(fields))
    lines = -(-len(fields) // columns)
    height, width = fields.shape[1:]
    sheet = np.full((lines * (height + 1) - 1, columns * (width + 1) - 1), np.nan)  # a pixel between neighbours
    beside = np.ones_like(sheet, bool)
    for i, field in enumerate(fields):
        top, left = (i // columns) * (height + 1), (i % columns) * (width + 1)
        sheet[top : top + height, left : left + width] = field
        beside[top : top + height, left : left + width] = False
    picture = (
        plt.colormaps["magma"]
        .resampled(64)
        .with_extremes(bad=NO_CELL)((np.ma.masked_invalid(sheet) + 1) / 2, bytes=True)
    )
    picture[beside] = 0
    tall = 4.5 * sheet.shape[0] / sheet.shape[1]
    figure: Figure = plt.figure.Figure(figsize=(4.6, tall + 0.55), layout="constrained")
    axis = figure.subplots()
    axis.imshow(picture, interpolation="none")
    axis.set_axis_off()
    scale = plt.cm.ScalarMappable(plt.colors.Normalize(-1, 1), plt.colormaps["magma"].resampled(64))
    _bar(figure, scale, axis, "weight w")
    return figure


@styled
def training_curve(history: Sequence[HistoryPoint], test_accuracy: float | None) -> Figure:
    """Draw accuracy (where there is any), pulses and pruned share (where there is any) against images seen."""
    plt = matplotlib_of()
    pruned = any(p.pruned_fraction for p in history)
    known = test_accuracy is not None or any(p.accuracy is not None for p in history)
    heights = [2.2] * known + [1.0] * (1 + pruned)
    figure: Figure = plt.figure.Figure(figsize=(4.6, 1.0 + 0.9 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    lower = list(axes[known:])
    seen = [point.presentations for point in history]
    looks: dict[str, Any] = {
        "color": _BLUE,
        "marker": ".",
        "ms": 3 if len(history) > 1 else 6,
    }  # one point makes no line
    if known:
        axes[0].plot(seen, [np.nan if p.accuracy is None else 100 * p.accuracy for p in history], **looks)
        axes[0].set_ylabel("accuracy (%)")
    if test_accuracy is not None:
        label = f"test set, at the end: {test_accuracy:.2%}"
        axes[0].axhline(100 * test_accuracy, color=_RED, lw=1.2, ls="--", label=label)
        figure.legend(loc="outside upper left")
    lower[0].plot(seen, [p.pulses / 1e6 for p in history], **looks)
    lower[0].set_ylabel("pulses\n(million)")
    lower[0].set_ylim(bottom=0)
    if pruned:
        lower[1].plot(seen, [100 * p.pruned_fraction for p in history], **looks)
        lower[1].set_ylabel("pruned (%)")
        lower[1].set_ylim(0, 100)
    lower[-1].set_xlabel("images seen")
    lower[-1].xaxis.set_major_locator(plt.ticker.MaxNLocator(5))
    lower[-1].xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure


def of_run(
    arrays: dict[str, npt.NDArray[Any]],
    image_shape: tuple[int, ...] | None,
    history: Sequence[HistoryPoint],
    accuracy: float | None,
    neurons: int = 48,
) -> dict[str, Figure]:
    """Draw the figures of a run by their names: receptive fields, training curve, confusion."""
    drawn = {
        "receptive-fields": receptive_fields(arrays, image_shape, neurons),
        "training-curve": training_curve(history, accuracy),
    }
    return drawn | ({"confusion": confusion(arrays["confusion"], arrays["classes"])} if "confusion" in arrays else {})


@styled
def confusion(table: npt.NDArray[np.int64], classes: npt.NDArray[Any]) -> Figure:
    """Draw which class was read for which; the diagonal is left out of the colour scale."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(4.6, 4.2), layout="constrained")
    axis = figure.subplots()
    wrong = table.astype(float)
    np.fill_diagonal(wrong, np.nan)
    palette = plt.colors.LinearSegmentedColormap.from_list(
        "wrong", [(*plt.colors.to_rgb(_RED), a) for a in (0.0, 0.65)]
    )
    axis.imshow(wrong, cmap=palette.with_extremes(bad=(*plt.colors.to_rgb(_BLUE), 0.15)), interpolation="none")
    axis.grid(False)
    axis.spines[:].set_visible(False)
    if len(table) <= 20:
        for i, j in np.ndindex(*table.shape):
            axis.text(j, i, str(table[i, j]), ha="center", va="center", fontsize=7)
    if len(table) <= 60:
        axis.set_xticks(range(len(classes)), [str(c) for c in classes])
        axis.set_yticks(range(len(classes)), [str(c) for c in classes])
    axis.set_xlabel("class read")
    axis.set_ylabel("true class")
    return figure


@styled
def array_maps(maps: ArrayMaps, i: int, title: str) -> Figure:
    """Draw the cells of one physical array: conductance, pulses received, pruned and stuck cells; empty = unused."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(12, 6.2), layout="constrained")
    for axis, what in zip(figure.subplots(1, 3, sharex=True, sharey=True), MAPS, strict=True):
        _draw_map(axis, maps, i, what)
    used = int((~np.isnan(maps.conductance[i])).sum())
    figure.suptitle(
        f"{title}: array {i + 1} of {len(maps.conductance)}, {used:,} of {maps.conductance[i].size:,} cells in use"
    )
    return figure


@styled
def array_map(maps: ArrayMaps, i: int, what: str) -> Figure:
    """Draw one map of one physical array; ``what`` is one of ``MAPS``."""
    figure: Figure = matplotlib_of().figure.Figure(figsize=(3.4, 4.4), layout="constrained")
    _draw_map(figure.subplots(), maps, i, what)
    return figure


def _draw_map(axis: Any, maps: ArrayMaps, i: int, what: str) -> None:
    """Draw one map: a pixel a cell; colours come in few steps, which an eye does not see and a file gains from."""
    plt, place = matplotlib_of(), {"interpolation": "none", "aspect": "auto"}
    if what == "conductance":
        palette = plt.colormaps["viridis"].resampled(64)
        most = max(float(np.nanmax(maps.conductance)) * 1e6, 1e-6)
        image = axis.imshow(maps.conductance[i] * 1e6, cmap=palette, vmin=0, vmax=most, **place)
        _bar(axis.figure, image, axis, "conductance (uS)")
    elif what == "pulses":
        norm = plt.colors.SymLogNorm(1, vmin=0, vmax=max(2.0, float(np.nanmax(maps.writes))))
        image = axis.imshow(maps.writes[i], cmap=plt.colormaps["inferno"].resampled(64), norm=norm, **place)
        bar = _bar(axis.figure, image, axis, "pulses received")
        bar.ax.xaxis.set_major_locator(plt.ticker.SymmetricalLogLocator(base=10, linthresh=1))
        bar.ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        bar.ax.minorticks_off()
    else:
        from scipy.ndimage import maximum_filter

        stuck = maps.stuck[i] == 1
        if stuck.mean() < _RARE:  # single cells are smaller than what can be seen
            stuck = maximum_filter(stuck, 5)
        kinds = np.where(stuck, 2.0, np.where(maps.pruned[i] == 1, 1.0, 0.0))
        kinds[np.isnan(maps.conductance[i])] = np.nan
        palette = plt.colors.ListedColormap(STATES)
        image = axis.imshow(kinds, cmap=palette, vmin=-0.5, vmax=2.5, **place)
        bar = _bar(axis.figure, image, axis, "state of the weights")
        bar.set_ticks([0, 1, 2], labels=["learns", "pruned", "stuck"])
    axis.grid(False)
    axis.set_xlabel("bit line")
    axis.set_ylabel("word line")


def _bar(figure: Any, image: Any, axis: Any, label: str) -> Any:
    bar = figure.colorbar(image, ax=axis, label=label, location="bottom", shrink=0.8, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    return bar


@styled
def dots(titles: Sequence[str], accuracies: Sequence[Sequence[float]]) -> Figure:
    """Draw accuracy by row: a dot per seed, a bar at their mean."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(8, 0.3 * len(titles) + 0.9), layout="constrained")
    axis = figure.subplots()
    for y, values in enumerate(accuracies):
        axis.plot([100 * float(np.mean(values))], [y], "|", color=_BLUE, ms=14, mew=2)
        axis.plot([100 * value for value in values], [y] * len(values), "o", color=_BLUE, alpha=0.45, ms=5)
    axis.set_yticks(range(len(titles)), titles, fontsize=8)
    axis.set_ylim(len(titles) - 0.5, -0.5)
    axis.set_xlabel("accuracy on the test set, soft votes (%)")
    axis.grid(lw=0.4)
    return figure


@styled
def pulse_train(title: str, train: PulseTrain) -> Figure:
    """Draw conductance against the pulse number: the law, its spread from cycle to cycle, and some cells of an array."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    scale, unit = next(
        (s, u) for s, u in ((1e-3, "mS"), (1e-6, "uS"), (1e-9, "nS"), (1e-12, "pS")) if train.nominal.max() >= s
    )
    n, marks = np.arange(len(train.nominal)), "." if len(train.nominal) <= 20 else ""
    for i, g in enumerate(train.cells.T):
        axis.plot(n, g / scale, color=_GREY, lw=0.7, label=None if i else "cells of an array (also device to device)")
    low, high = (train.mean - train.sigma) / scale, (train.mean + train.sigma) / scale
    axis.fill_between(n, low, high, color=_BLUE, alpha=0.25, lw=0, label="mean +- c2c spread, 200 nominal cells")
    axis.plot(n, train.nominal / scale, color=_BLUE, lw=1.8, marker=marks, label="the law, without spread")
    axis.axvline(float(np.count_nonzero(train.up)), color=_INK, lw=0.6, ls=":")
    axis.set_xlabel(f"pulses: {np.count_nonzero(train.up):,} LTP, then {np.count_nonzero(~train.up):,} LTD")
    axis.locator_params(axis="x", integer=True)
    axis.set_ylabel(f"conductance ({unit})")
    if 2.0 * train.nominal.min() < train.nominal.max():  # else the curve of a small window would be a flat line
        axis.set_ylim(bottom=0)
    axis.set_title(f"{title}: pulse response")
    axis.legend(frameon=False, fontsize=8)
    return figure


@styled
def law_following(title: str, verified: Following, blind: Following | None) -> Figure:
    """Draw the movement the law of learning asks against what compiled pulses deliver, with and without verify."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(9, 4), layout="constrained")
    asked = (blind or verified).asked
    for axis, row, name in zip(figure.subplots(1, 2, sharey=True), (1, 0), ("LTP", "LTD"), strict=True):
        axis.plot(verified.w, _positive(asked[row]), color=_INK, lw=3, alpha=0.3, label="asked by the law")
        axis.plot(verified.w, _positive(verified.delivered[row]), color=_BLUE, ls="--", label="delivered, verify")
        if blind is not None:
            axis.plot(blind.w, _positive(blind.delivered[row]), color=_RED, label="delivered, state-blind")
        axis.plot(verified.w, _positive(verified.single[row]), color=_GREY, ls=":", label="one pulse")
        logarithmic(axis.yaxis, 0.1 * asked[asked > 0].min(initial=1.0), asked.max(initial=1.0), "{:g}".format)
        axis.set_xticks([-1, -0.5, 0, 0.5, 1])
        axis.set_xlabel("weight w")
        axis.set_title(f"{title}: {name}")
    figure.axes[0].set_ylim(bottom=0.1 * asked[asked > 0].min(initial=1.0))
    figure.axes[0].set_ylabel("mean movement of w in one update")
    axis.legend(frameon=False, fontsize=8)
    return figure


def _positive(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(values > 0, values, np.nan)
