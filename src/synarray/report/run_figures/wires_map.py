"""What the wires leave of the cells of an array, as a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synarray.array.wire_gains import wires_leave
from synarray.array.wires import WireSpec
from synarray.report.style import matplotlib_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["wires_map"]


@styled
def wires_map(g: npt.NDArray[np.float64], wires: WireSpec) -> Figure:
    """Draw what the wires leave of the cells [row, column], S: of their current in a read, of their voltage in a write."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(6.2, 4.4), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    shades = plt.colormaps["viridis"].resampled(64)
    for axis, share, label in zip(
        axes, wires_leave(g, wires), ("current left, read (%)", "voltage left, write (%)"), strict=True
    ):
        image = axis.imshow(100.0 * share, cmap=shades, vmax=100.0, interpolation="none", aspect="auto")
        bar = figure.colorbar(image, ax=axis, label=label, location="bottom", shrink=0.8, aspect=30, pad=0.02)
        bar.outline.set_visible(False)
        axis.grid(False)
        axis.set_xlabel("bit line")
    axes[0].set_ylabel("word line")
    return figure
