"""Figures of a run, drawn with matplotlib; every one also exists as numbers in the run's folder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.errors import RunError
from synarray.learn.result import HistoryPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["confusion", "dots", "fields_of", "png", "receptive_fields", "training_curve"]

_INK = "#20639b"


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
    plt = _pyplot()
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
    plt = _pyplot()
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
    plt = _pyplot()
    figure: Figure = plt.figure.Figure(figsize=(5, 4.5), layout="constrained")
    axis = figure.subplots()
    wrong = table.astype(float)
    np.fill_diagonal(wrong, np.nan)
    axis.imshow(wrong, cmap=plt.colormaps["Reds"].with_extremes(bad="#eef3f8"))
    if len(table) <= 20:
        for i, j in np.ndindex(*table.shape):
            axis.text(j, i, str(table[i, j]), ha="center", va="center", fontsize=7)
    axis.set_xticks(range(len(classes)), [str(c) for c in classes])
    axis.set_yticks(range(len(classes)), [str(c) for c in classes])
    axis.set_xlabel("class read")
    axis.set_ylabel("true class")
    axis.set_title("Confusion on the test set")
    return figure


def dots(titles: Sequence[str], accuracies: Sequence[Sequence[float]]) -> Figure:
    """Draw accuracy by row: a dot per seed, a bar at their mean."""
    plt = _pyplot()
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


def png(figure: Figure) -> bytes:
    """Render a figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def _pyplot() -> Any:
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise RunError(
            "figures need matplotlib",
            got="an environment without it",
            where="report",
            do="pip install 'synarray[report]'",
        ) from None
    return matplotlib
