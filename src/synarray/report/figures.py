"""Figures of a run or a device, drawn with matplotlib; every one also exists as numbers (the run's folder, ``--json``)."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.device.response import PulseTrain
from synarray.errors import RunError, nearest
from synarray.learn.result import HistoryPoint
from synarray.network.stdp import Following

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from synarray.array.maps import ArrayMaps

__all__ = [
    "array_maps", "check_format", "confusion", "dots", "fields_of", "folder_beside", "law_following", "png",
    "pulse_train", "pulses_of_cells", "pyplot", "receptive_fields", "save", "training_curve",
]  # fmt: skip

_INK, _RED, _GREY = "#20639b", "#d1495b", "#888888"
_FORMATS = ("png", "svg", "pdf")


def check_format(kind: str) -> None:
    """Refuse a format that figures do not come in."""
    if kind not in _FORMATS:
        raise RunError(
            f"figures come as {', '.join(_FORMATS)}", got=repr(kind), where="--format", do=nearest(kind, _FORMATS)
        )


def save(drawn: dict[str, Figure], folder: Path, kind: str) -> list[Path]:
    """Write figures into a folder, each under its name; return their files."""
    files = [folder / f"{name}.{kind}" for name in drawn]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure, file in zip(drawn.values(), files, strict=True):
            _replace(file, figure, kind)
    except (OSError, ValueError) as error:
        raise RunError(
            "the folder for figures must be writable", got=getattr(error, "strerror", None) or str(error),
            where=str(folder), do="Free some space, or give another with --out.",
        ) from None  # fmt: skip
    return files


def folder_beside(run: Path, out: Path | None) -> Path:
    """Say where a run's figures go: where asked, else into a folder in the run's own, which must not lead elsewhere.

    Raises
    ------
    RunError
        When it is a link.
    """
    folder = run / "figures"
    if out is None and folder.is_symlink():
        raise RunError(
            "figures must stay in the run's folder", got="a link", where=str(folder),
            do="Remove it, or give a folder with --out.",
        )  # fmt: skip
    return folder if out is None else out


def _replace(file: Path, figure: Figure, kind: str) -> None:
    """Write a figure whole, in the place of what is there: a link is replaced, not followed."""
    with tempfile.TemporaryDirectory(prefix=".synarray-", dir=file.parent) as beside:
        drawn = Path(beside) / file.name
        figure.savefig(drawn, dpi=150, format=kind)
        drawn.replace(file)


def fields_of(arrays: dict[str, npt.NDArray[Any]], image_shape: tuple[int, ...] | None, n: int) -> npt.NDArray[Any]:
    """Lay the weights of n neurons back over the image.

    The neurons are the busiest of every group in turn.

    Returns
    -------
    ndarray of float, shape (n, height, width)
        Weights, nan where the neuron has no cell; features without geometry stand in a near-square.
    """
    n_features = int(arrays["n_features"])
    if image_shape is None:
        width = int(np.ceil(np.sqrt(n_features)))
        height = -(-n_features // width)
    else:
        height, width = image_shape[0], int(np.prod(image_shape[1:]))
    rows, starts = arrays["row_start"], arrays["neuron_start"]
    orders = [
        starts[g] + np.argsort(-arrays["spikes"][starts[g] : starts[g + 1]], kind="stable")
        for g in range(len(rows) - 1)
    ]
    turn = [
        (g, int(k)) for i in range(max(map(len, orders))) for g, order in enumerate(orders) for k in order[i : i + 1]
    ]
    fields = np.full((min(n, len(turn)), height * width), np.nan)
    for field, (g, k) in zip(fields, turn, strict=False):
        features = arrays["inputs"][arrays["row_inputs"][rows[g] : rows[g + 1]]]
        field[features] = arrays["w"][k, : len(features)]
    return fields.reshape(-1, height, width)


def receptive_fields(arrays: dict[str, npt.NDArray[Any]], image_shape: tuple[int, ...] | None, n: int = 48) -> Figure:
    """Draw the weights of the busiest neurons; dark = high conductance, grey = no cell."""
    plt = pyplot()
    fields = fields_of(arrays, image_shape, n)
    columns = min(12, len(fields))
    lines = -(-len(fields) // columns)
    figure: Figure = plt.figure.Figure(figsize=(columns * 0.8, lines * 0.86 + 0.5), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False)
    palette = plt.colormaps["magma"].with_extremes(bad="#dddddd")
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, field in zip(axes.ravel(), fields, strict=False):
        image = axis.imshow(field, cmap=palette, vmin=-1, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="weight w", shrink=0.8)
    figure.suptitle("Receptive fields of the busiest neurons")
    return figure


def training_curve(history: Sequence[HistoryPoint], test_accuracy: float | None) -> Figure:
    """Draw accuracy, pulses and pruned share against images seen."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(7, 4.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    seen = [point.presentations for point in history]
    upper.plot(
        seen, [np.nan if p.accuracy is None else 100 * p.accuracy for p in history], ".-", color=_INK, lw=1, ms=3
    )
    if test_accuracy is not None:
        upper.axhline(
            100 * test_accuracy, color="#d1495b", lw=1, ls="--", label=f"test set, at the end: {test_accuracy:.2%}"
        )
        upper.legend(frameon=False)
    upper.set_ylabel("accuracy (%)")
    upper.set_title("Training curve (each point: images classified before the labels learn from them)", fontsize=9)
    lower.plot(seen, [p.pulses / 1e6 for p in history], color=_INK, lw=1)
    lower.set_ylabel("pulses (million)")
    lower.set_xlabel("images seen")
    if any(p.pruned_fraction for p in history):
        right = lower.twinx()
        right.plot(seen, [100 * p.pruned_fraction for p in history], color="#d1495b", lw=1)
        right.set_ylabel("pruned (%)", color="#d1495b")
    return figure


def confusion(table: npt.NDArray[np.int64], classes: npt.NDArray[Any]) -> Figure:
    """Draw which class was read for which; the diagonal is left out of the colour scale."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(5, 4.5), layout="constrained")
    axis = figure.subplots()
    wrong = table.astype(float)
    np.fill_diagonal(wrong, np.nan)
    axis.imshow(wrong, cmap=plt.colormaps["Reds"].with_extremes(bad="#eef3f8"))
    if len(table) <= 20:
        for i, j in np.ndindex(*table.shape):
            axis.text(j, i, str(table[i, j]), ha="center", va="center", fontsize=7)
    if len(table) <= 60:
        axis.set_xticks(range(len(classes)), [str(c) for c in classes])
        axis.set_yticks(range(len(classes)), [str(c) for c in classes])
    axis.set_xlabel("class read")
    axis.set_ylabel("true class")
    axis.set_title("Confusion on the test set")
    return figure


def array_maps(maps: ArrayMaps, i: int, title: str) -> Figure:
    """Draw the cells of one physical array: conductance, pulses received, pruned and stuck cells; white = unused."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(12, 6.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3, sharex=True, sharey=True)
    used = ~np.isnan(maps.conductance[i])
    image = left.imshow(maps.conductance[i] * 1e6, cmap="viridis", interpolation="nearest", aspect="auto", vmin=0)
    figure.colorbar(image, ax=left, label="conductance (µS)", location="bottom", shrink=0.9)
    pulses = plt.colors.SymLogNorm(1, vmin=0, vmax=max(2.0, float(np.nanmax(maps.writes))))
    image = middle.imshow(maps.writes[i], cmap="inferno", interpolation="nearest", aspect="auto", norm=pulses)
    figure.colorbar(image, ax=middle, label="pulses received", location="bottom", shrink=0.9)
    kinds = np.where(maps.stuck[i] == 1, 2, np.where(maps.pruned[i] == 1, 1, 0)).astype(float)
    palette = plt.colors.ListedColormap(["#cfe0ee", "#f2c14e", "#b3001b"])
    image = right.imshow(
        np.where(used, kinds, np.nan), cmap=palette, interpolation="nearest", aspect="auto", vmin=-0.5, vmax=2.5
    )
    bar = figure.colorbar(image, ax=right, ticks=[0, 1, 2], location="bottom", shrink=0.9)
    bar.ax.set_xticklabels(["learns", "pruned", "stuck"])
    stuck = np.argwhere(maps.stuck[i] == 1)
    right.plot(stuck[:, 1], stuck[:, 0], ".", color="#b3001b", ms=1.5)  # single cells are smaller than a dot
    for axis in (left, middle, right):
        axis.set_xlabel("bit line")
    left.set_ylabel("word line")
    figure.suptitle(f"{title}: array {i + 1} of {len(maps.conductance)}, {used.sum():,} of {used.size:,} cells in use")
    return figure


def pulses_of_cells(pulses: npt.NDArray[np.float64], title: str) -> Figure:
    """Draw how many cells received how many pulses."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    most = max(1.0, float(pulses.max()))
    axis.hist(pulses, bins=np.linspace(-0.5, most + 0.5, min(100, int(most) + 2)).tolist(), color=_INK)
    mean = float(pulses.mean())
    axis.axvline(mean, color=_RED, lw=1, label=f"mean {mean:,.1f}, most {pulses.max():,.0f}")
    axis.set_yscale("log")
    axis.set_xlabel("pulses received")
    axis.set_ylabel("cells")
    axis.legend(frameon=False)
    figure.suptitle(f"{title}: wear of {len(pulses):,} cells")
    return figure


def dots(titles: Sequence[str], accuracies: Sequence[Sequence[float]]) -> Figure:
    """Draw accuracy by row: a dot per seed, a bar at their mean."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(8, 0.3 * len(titles) + 0.9), layout="constrained")
    axis = figure.subplots()
    for y, values in enumerate(accuracies):
        axis.plot([100 * float(np.mean(values))], [y], "|", color=_INK, ms=14, mew=2)
        axis.plot([100 * value for value in values], [y] * len(values), "o", color=_INK, alpha=0.45, ms=5)
    axis.set_yticks(range(len(titles)), titles, fontsize=8)
    axis.set_ylim(len(titles) - 0.5, -0.5)
    axis.set_xlabel("accuracy on the test set, soft votes (%)")
    axis.grid(lw=0.4)
    return figure


def pulse_train(title: str, train: PulseTrain) -> Figure:
    """Draw conductance against the pulse number: the law, its spread from cycle to cycle, and some cells of an array."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    scale, unit = next(
        (s, u) for s, u in ((1e-3, "mS"), (1e-6, "uS"), (1e-9, "nS"), (1e-12, "pS")) if train.nominal.max() >= s
    )
    n, marks = np.arange(len(train.nominal)), "." if len(train.nominal) <= 20 else ""
    for i, g in enumerate(train.cells.T):
        axis.plot(n, g / scale, color=_GREY, lw=0.7, label=None if i else "cells of an array (also device to device)")
    low, high = (train.mean - train.sigma) / scale, (train.mean + train.sigma) / scale
    axis.fill_between(n, low, high, color=_INK, alpha=0.25, lw=0, label="mean +- c2c spread, 200 nominal cells")
    axis.plot(n, train.nominal / scale, color=_INK, lw=1.8, marker=marks, label="the law, without spread")
    axis.axvline(float(np.count_nonzero(train.up)), color="black", lw=0.6, ls=":")
    axis.set_xlabel(f"pulses: {np.count_nonzero(train.up):,} LTP, then {np.count_nonzero(~train.up):,} LTD")
    axis.locator_params(axis="x", integer=True)
    axis.set_ylabel(f"conductance ({unit})")
    axis.set_ylim(bottom=0)
    axis.set_title(f"{title}: pulse response")
    axis.legend(frameon=False, fontsize=8)
    return figure


def law_following(title: str, verified: Following, blind: Following | None) -> Figure:
    """Draw the movement the law of learning asks against what compiled pulses deliver, with and without verify."""
    plt = pyplot()
    figure: Figure = plt.figure.Figure(figsize=(9, 4), layout="constrained")
    asked = (blind or verified).asked
    for axis, row, name in zip(figure.subplots(1, 2, sharey=True), (1, 0), ("LTP", "LTD"), strict=True):
        axis.plot(verified.w, _positive(asked[row]), color="black", lw=3, alpha=0.3, label="asked by the law")
        axis.plot(verified.w, _positive(verified.delivered[row]), color=_INK, ls="--", label="delivered, verify")
        if blind is not None:
            axis.plot(blind.w, _positive(blind.delivered[row]), color=_RED, label="delivered, state-blind")
        axis.plot(verified.w, _positive(verified.single[row]), color=_GREY, ls=":", label="one pulse")
        axis.set_yscale("log")
        axis.set_xticks([-1, -0.5, 0, 0.5, 1])
        axis.set_xlabel("weight w")
        axis.set_title(f"{title}: {name}")
    figure.axes[0].set_ylim(bottom=0.1 * asked[asked > 0].min(initial=1.0))
    figure.axes[0].set_ylabel("mean movement of w in one update")
    axis.legend(frameon=False, fontsize=8)
    return figure


def _positive(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(values > 0, values, np.nan)


def png(figure: Figure) -> bytes:
    """Render a figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def pyplot() -> Any:
    """Return matplotlib, or say how to get it."""
    try:
        import matplotlib
        import matplotlib.colors
        import matplotlib.figure
    except ImportError:
        raise RunError(
            "figures need matplotlib",
            got="an environment without it",
            where="report",
            do="pip install 'synarray[report]'",
        ) from None
    return matplotlib
