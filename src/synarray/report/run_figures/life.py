"""The figure of a lifetime: the share of cells that have failed after so many trainings like this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synarray.errors import RunError
from synarray.report.charts import logarithmic
from synarray.report.style import COLOURS, SERIES, matplotlib_of, styled
from synarray.run.lifetime import Lifetime

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["has_end", "life"]


def has_end(found: Lifetime) -> bool:
    """Whether there is a life to draw: the endurance is known, and enough cells are written that the share is reached."""
    return found.endurance is not None and 0 < found.trainings < np.inf


@styled
def life(found: Lifetime) -> Figure:
    """Draw the share of cells that are expected to have failed against trainings, and where the array's life ends.

    Raises
    ------
    RunError
        When the endurance is not known, or the array's life has no end.
    """
    if not has_end(found):
        raise RunError(
            "a life is drawn where it has an end", got=" ".join(found.notes) or "an array that has failed already",
            where=f"device {found.device}", do="Give an endurance, for example: --set device.endurance=1e6",
        )  # fmt: skip
    assert found.endurance is not None and found.shape is not None
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(4.6, 3.6), layout="constrained")
    axis = figure.subplots()
    ends = [found.trainings, *(value for value in found.levelled.values() if 0 < value < np.inf)]
    trainings = np.geomspace(found.trainings / 30, max(ends) * 5, 200)
    pulses, cells = np.unique(found.pulses, return_counts=True)
    hazard = (trainings[:, None] * pulses / found.endurance) ** found.shape
    failed = 100.0 * (-np.expm1(-hazard) @ cells / cells.sum())
    axis.plot(trainings, failed, color=COLOURS["blue"][0])
    axis.axhline(100.0 * found.share, color=COLOURS["grey"][0], ls="--", lw=1.0)
    axis.plot(
        found.trainings,
        100.0 * found.share,
        "o",
        color=COLOURS["blue"][0],
        ms=6,
        label=_words("as it is", found.trainings),
    )
    for (kind, value), colour in zip(found.levelled.items(), SERIES[1:], strict=False):
        if 0 < value < np.inf:
            axis.plot(value, 100.0 * found.share, "s", color=colour, ms=5, label=_words(f"shifted {kind}", value))
    logarithmic(axis.xaxis, trainings[0], trainings[-1], lambda value: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    logarithmic(axis.yaxis, max(failed[0], 1e-4), 100.0, lambda value: f"{value:g}")
    axis.set_ylim(max(failed[0], 1e-4), 110)
    axis.set_xlabel("trainings like this one")
    axis.set_ylabel("cells that have failed (%)")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _words(name: str, trainings: float) -> str:
    return f"{name}: {float(f'{trainings:.3g}'):,.0f}"
