"""One figure of a training: receptive fields, training curve, confusion. The pages of ``synarray report`` have more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synarray.extras import require
from synarray.run.contents import StoredRun
from synarray.run.fields import fields_of, pictured, sheet_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "matplotlib_parts"]

_FIELDS, _COLUMNS = 40, 8


def matplotlib_parts() -> Any:
    """Import matplotlib with the parts that are drawn with.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    parts = ("figure", "image", "pyplot", "ticker")  # with pyplot, a notebook shows figures
    return require("report", "figures", "matplotlib", *(f"matplotlib.{part}" for part in parts))


def draw(run: StoredRun) -> Figure:
    """Draw a training in one figure.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    parts = matplotlib_parts()
    tested = "confusion" in run.arrays
    figure: Figure = parts.figure.Figure(figsize=(12.0 if tested else 8.0, 3.8), layout="constrained")
    axes = figure.subplots(1, 2 + tested)
    _draw_fields(parts, axes[0], run)
    _draw_curve(parts, axes[1], run)
    if tested:
        _draw_confusion(axes[2], run)
    return figure


def _draw_fields(parts: Any, axis: Any, run: StoredRun) -> None:
    fields = fields_of(*pictured(run), _FIELDS)
    shades = parts.colormaps["magma"].with_extremes(bad=(0.5, 0.5, 0.5, 0.2))
    drawn = axis.imshow(sheet_of(fields, _COLUMNS), cmap=shades, vmin=-1, vmax=1, interpolation="none")
    axis.set_axis_off()
    axis.set_title(f"weights of {len(fields)} neurons (grey: no cell)", fontsize=10)
    axis.figure.colorbar(drawn, ax=axis, label="weight w", shrink=0.8)


def _draw_curve(parts: Any, axis: Any, run: StoredRun) -> None:
    seen = [point.presentations for point in run.history]
    known = [np.nan if point.accuracy is None else 100 * point.accuracy for point in run.history]
    if not np.isnan(known).all():
        axis.plot(seen, known, ".-", label="while learning (progressive)")
    if run.metrics["accuracy"] is not None:
        axis.axhline(
            100 * run.metrics["accuracy"], color="C3", ls="--", label=f"test set: {run.metrics['accuracy']:.2%}"
        )
    axis.set_xlim(0, run.metrics["images_seen"] * 1.03)
    axis.set_xlabel("presentations")
    axis.set_ylabel("accuracy (%)")
    axis.xaxis.set_major_locator(parts.ticker.MaxNLocator(4))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, frameon=False)
    axis.set_title(f"{run.experiment.name}: {run.metrics['pulses']:,} pulses", fontsize=10)


def _draw_confusion(axis: Any, run: StoredRun) -> None:
    table, classes = run.arrays["confusion"], run.arrays["classes"]
    wrong = table.astype(float)
    np.fill_diagonal(wrong, np.nan)
    drawn = axis.imshow(wrong, cmap="Reds", interpolation="none")
    shown = np.unique(np.linspace(0, len(classes) - 1, min(len(classes), 20)).astype(int))
    axis.set_xticks(shown, classes[shown])
    axis.set_yticks(shown, classes[shown])
    axis.set_xlabel("class read")
    axis.set_ylabel("true class")
    axis.set_title(f"test images read as another class, of {table.sum():,}", fontsize=10)
    axis.figure.colorbar(drawn, ax=axis, label="images", shrink=0.8)
