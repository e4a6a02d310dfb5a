"""How a network develops: receptive fields while it learns, as a film, and its pruning mask from moment to moment."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.report.style import COLOURS, NO_CELL, STATES, matplotlib_of, styled
from synarray.run.fields import fields_of, sheet_of
from synarray.run.replay import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Film", "learning", "pruning"]

Arrays = dict[str, npt.NDArray[Any]]

_PAUSE = 8
"""Times the last picture is shown as long as the others."""
_MOMENTS, _MASKS = 6, 4


@dataclass(frozen=True)
class Film:
    """Pictures that are shown one after another."""

    frames: tuple[bytes, ...]
    """PNG files, all of one size."""
    seconds: float = 0.25
    """Time of each; the last one is shown longer."""

    def save(self, file: Path | str) -> None:
        """Write an animated GIF."""
        Path(file).write_bytes(self.gif())

    def gif(self) -> bytes:
        """Return it as an animated GIF that begins again at its end."""
        from PIL import Image

        pictures = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in self.frames]
        palette = pictures[-1].quantize(64)
        first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
        durations = [round(1000 * self.seconds)] * len(others) + [round(1000 * self.seconds * _PAUSE)]
        buffer = io.BytesIO()
        first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=True)
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return f'<img alt="film" src="data:image/gif;base64,{base64.b64encode(self.gif()).decode()}">'


@styled
def learning(arrays: Arrays, image_shape: tuple[int, ...] | None, looks: Sequence[Look], n: int = 24) -> Film:
    """Draw the weights of the busiest neurons, one picture for each look; bright = high conductance, grey = no cell."""
    plt = matplotlib_of()
    sheets = [sheet_of(fields_of(arrays | {"w": look.w}, image_shape, n), 8) for look in looks]
    tall = 4.6 * sheets[0].shape[0] / sheets[0].shape[1]
    figure: Figure = plt.figure.Figure(figsize=(4.8, tall + 0.9), layout="constrained", facecolor="white")
    axis = figure.subplots()
    shades = plt.colormaps["magma"].with_extremes(bad=NO_CELL)
    drawn = axis.imshow(sheets[0], cmap=shades, vmin=-1, vmax=1, interpolation="none")
    axis.set_axis_off()
    figure.colorbar(drawn, ax=axis, label="weight w", location="bottom", shrink=0.8, aspect=30, pad=0.02)
    frames = []
    for look, sheet in zip(looks, sheets, strict=True):
        drawn.set_data(sheet)
        axis.set_title(f"after {look.presentations:,} images")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        frames.append(buffer.getvalue())
    return Film(tuple(frames))


@styled
def pruning(arrays: Arrays, image_shape: tuple[int, ...] | None, looks: Sequence[Look]) -> Figure:
    """Draw which synapses of four neurons still learn, at six moments, and the pruned share of all cells over the training."""
    plt = matplotlib_of()
    shown = [looks[i] for i in np.unique(np.linspace(0, len(looks) - 1, _MOMENTS).astype(int))]
    fields = np.stack([fields_of(arrays | {"w": look.alive.astype(np.float32)}, image_shape, _MASKS) for look in shown])
    sheet = sheet_of(fields.swapaxes(0, 1).reshape(-1, *fields.shape[2:]), len(shown))  # a row for each neuron
    figure: Figure = plt.figure.Figure(figsize=(4.8, 5.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=[3.2, 1.3])
    palette = plt.colors.ListedColormap(STATES[1::-1]).with_extremes(bad=NO_CELL)
    image = upper.imshow(sheet, cmap=palette, vmin=-0.5, vmax=1.5, interpolation="none")
    upper.grid(False)
    upper.spines[:].set_visible(False)
    height, width = fields.shape[2] + 1, fields.shape[3] + 1
    upper.set_xticks((np.arange(len(shown)) + 0.5) * width - 1, [f"{look.presentations:,}" for look in shown])
    upper.set_yticks((np.arange(fields.shape[1]) + 0.5) * height - 1, [str(i + 1) for i in range(fields.shape[1])])
    upper.tick_params(length=0)
    upper.set(xlabel="images seen", ylabel="neuron (the busiest)")
    bar = figure.colorbar(image, ax=upper, location="top", shrink=0.5, aspect=20, pad=0.02)
    bar.set_ticks([0, 1], labels=["pruned", "learns"])
    bar.outline.set_visible(False)
    synapses = int(np.diff(arrays["row_start"]) @ np.diff(arrays["neuron_start"]))
    share = [100.0 * (1.0 - look.alive.sum() / synapses) for look in looks]
    lower.plot([look.presentations for look in looks], share, ".-", color=COLOURS["blue"][0])
    lower.set(xlabel="images seen", ylabel="pruned (%)", ylim=(0, 100))
    lower.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure
