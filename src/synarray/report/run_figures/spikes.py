"""Figures of spikes: which inputs and which neurons spike while images are read, and the potentials that decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.learn.recording import Recording
from synarray.learn.result import Result
from synarray.report.style import COLOURS, SERIES, matplotlib_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["potentials", "spikes"]

_INK, _BLUE, _GREY, _LINE = (COLOURS[name][0] for name in ("ink", "blue", "grey", "line"))
_FOLLOWED = 2
"""Neurons of each image whose potentials are drawn; more lines could not be distinguished."""


@styled
def spikes(result: Result, images: npt.NDArray[Any], seen: Recording, read: npt.NDArray[Any]) -> Figure:
    """Draw a raster of input spikes above one of output spikes, neurons sorted by class; ``read``: class read of each image."""
    n, windows = seen.winners.shape[:2]
    figure: Figure = matplotlib_of().figure.Figure(figsize=(5.2, 5.6), layout="constrained")
    above, inputs, outputs = figure.subplots(3, 1, height_ratios=[0.7, 2.2, 2.6], sharex=True)
    _draw_images(above, images, windows)
    time, row = np.nonzero(seen.spikes.reshape(n * windows, -1))
    inputs.plot(time + 0.5, row, ".", color=_INK, ms=1.6, mec="none", rasterized=True)
    inputs.set_ylabel("input")
    classes = result.label_counts.argmax(axis=1)
    place = np.empty(len(classes), int)
    place[np.lexsort((np.arange(len(classes)), classes))] = np.arange(len(classes))
    bounds = np.searchsorted(np.sort(classes), np.arange(len(result.classes) + 1))
    for low, high in zip(bounds[::2], bounds[1::2], strict=False):
        outputs.axhspan(low - 0.5, high - 0.5, color=_LINE, alpha=0.5, lw=0)
    winners = place[seen.winners.reshape(n * windows, -1)]
    outputs.plot(np.repeat(np.arange(n * windows) + 0.5, winners.shape[1]), winners.ravel(), "|", color=_BLUE, ms=4)
    shown = np.unique(np.linspace(0, len(result.classes) - 1, min(len(result.classes), 12)).astype(int))
    outputs.set_yticks((bounds[shown] + bounds[shown + 1] - 1) / 2, [str(result.classes[c]) for c in shown])
    outputs.set(ylabel="neurons, by class", xlim=(0, n * windows), ylim=(-0.5, len(classes) - 0.5))
    outputs.set_xticks((np.arange(n) + 0.5) * windows, [str(each) for each in read])
    outputs.set_xlabel(f"class read from the spikes ({windows} windows an image)")
    _part_images((inputs, outputs), n, windows)
    return figure


@styled
def potentials(result: Result, images: npt.NDArray[Any], seen: Recording) -> Figure:
    """Draw potentials and thresholds of the first group's neurons that spike most for each image, window by window."""
    n, windows = seen.winners.shape[:2]
    won = seen.winners[:, :, 0]
    counts = [np.bincount(each, minlength=seen.potentials.shape[2]) for each in won]
    busiest = [k for count in counts for k in np.argsort(-count, kind="stable")[:_FOLLOWED] if count[k]]
    followed, won = np.array(list(dict.fromkeys(busiest))), won.ravel()
    figure: Figure = matplotlib_of().figure.Figure(figsize=(5.2, 5.0), layout="constrained")
    above, upper, lower = figure.subplots(3, 1, height_ratios=[0.7, 3, 1.8], sharex=True)
    _draw_images(above, images, windows)
    group = result.machine.array.neurons(0)
    u, th = (values.reshape(n * windows, -1) for values in (seen.potentials, seen.thresholds))
    at = np.arange(n * windows) + 0.5
    upper.fill_between(
        at,
        u[:, group].min(axis=1),
        u[:, group].max(axis=1),
        color=_LINE,
        alpha=0.6,
        lw=0,
        step="mid",
        label="all neurons",
    )
    for k, colour in zip(followed, SERIES, strict=False):
        label = f"neuron {k} ({result.classes[result.label_counts[k].argmax()]})"
        upper.step(at, u[:, k], where="mid", color=colour, lw=1.2, label=label)
        upper.plot(at[won == k], u[won == k, k], "o", color=colour, ms=4)
        lower.step(at, th[:, k], where="mid", color=colour, lw=1.2)
    upper.set_ylabel("potential")
    lower.set(ylabel="threshold", xlim=(0, n * windows), xlabel="window of the read-out")
    _part_images((upper, lower), n, windows)
    figure.legend(*upper.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def _draw_images(axis: Any, images: npt.NDArray[Any], windows: int) -> None:
    """Draw each image above its windows."""
    boxes = matplotlib_of().offsetbox
    axis.set_axis_off()
    axis.set_ylim(0, 1)
    for i, image in enumerate(images):
        small = boxes.OffsetImage(image, zoom=28 / max(image.shape), cmap="gray_r")
        axis.add_artist(boxes.AnnotationBbox(small, ((i + 0.5) * windows, 0.5), frameon=False))


def _part_images(axes: tuple[Any, ...], n: int, windows: int) -> None:
    """Draw a line between one image and the next."""
    for axis in axes:
        axis.grid(False)
        for i in range(1, n):
            axis.axvline(i * windows, color=_GREY, lw=0.6)
