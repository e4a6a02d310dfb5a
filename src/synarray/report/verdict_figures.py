"""Figures of a verdict: what each imperfection costs, as a waterfall; the pulse response, with what the fit leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synarray.device.response import measure, pulse_response
from synarray.device.spec import DeviceSpec
from synarray.judge.attribution import Attribution
from synarray.judge.words import LABELS
from synarray.report import figures
from synarray.report.style import COLOURS, matplotlib_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["responses", "waterfall"]

_INK, _BLUE, _RED, _GREY = (COLOURS[name][0] for name in ("ink", "blue", "vermilion", "grey"))
_NO_SPREAD = (
    "sigma_c2c", "sigma_d2d_range", "sigma_d2d_step", "sigma_d2d_nonlinearity", "p_fail", "stuck_low", "stuck_high",
)  # fmt: skip


@styled
def waterfall(attribution: Attribution) -> Figure:
    """Draw the way from the device without imperfections down to the device as it is; bars: 95 % intervals."""
    steps = [(LABELS[cost.property], cost.points, "") for cost in attribution.own]
    if len(attribution.own) + len(attribution.assumed) > 1 and attribution.together is not None:
        steps.append(("together", attribution.together, ""))
    steps += [(f"{LABELS[cost.property]} (assumed)", cost.points, "////") for cost in attribution.assumed]
    figure: Figure = matplotlib_of().figure.Figure(figsize=(4.3, 0.32 * (len(steps) + 2) + 0.75), layout="constrained")
    axis = figure.subplots()
    at = 100.0 * attribution.ideal.value
    names = ["without any", *(name for name, _, _ in steps), "as it is"]
    reached = [at]
    for y, (_, points, hatch) in enumerate(steps, start=1):
        to = at - points.value
        colour = _RED if points.value > 0 else _BLUE
        axis.barh(y, to - at, left=at, height=0.6, color=colour, alpha=0.75, hatch=hatch, edgecolor=_INK, lw=0)
        if points.low is not None and points.high is not None:
            axis.plot([at - points.high, at - points.low], [y, y], color=_INK, lw=1.1)
            reached += [at - points.high, at - points.low]
        axis.plot([to, to], [y - 0.3, y + 1.3], color=_GREY, lw=0.7)
        reached.append(to)
        at = to
    axis.plot([100.0 * attribution.ideal.value] * 2, [-0.3, 1.3], color=_GREY, lw=0.7)
    for y, estimate in ((0, attribution.ideal), (len(steps) + 1, attribution.full)):
        axis.plot([100.0 * estimate.value], [y], "D", color=_BLUE, ms=5)
        if estimate.low is not None and estimate.high is not None:
            axis.plot([100.0 * estimate.low, 100.0 * estimate.high], [y, y], color=_INK, lw=1.1)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    span = max(max(reached) - min(reached), 1.0)
    axis.set_xlim(max(min(reached) - 0.08 * span, 0.0), min(max(reached) + 0.08 * span, 100.0))
    axis.set_xlabel("accuracy on the images held out (%)")
    axis.grid(visible=False, axis="y")
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure


@styled
def responses(device: DeviceSpec, draws: Sequence[DeviceSpec]) -> Figure | None:
    """Draw the pulse response, and that of the draws of its fit; None for the exact law, whose pulses have no size."""
    if device.step_law.exact:
        return None
    train = measure(device)
    figure = figures.pulse_train(device.name, train)
    axis, scale = figure.axes[0], _scale(train.nominal.max())
    for i, draw in enumerate(draws):
        still = draw.model_copy(update=dict.fromkeys(_NO_SPREAD, 0.0))
        g = pulse_response(still, train.up)[:, 0]
        axis.plot(np.arange(len(g)), g / scale, color=_RED, lw=0.7, zorder=1.5, label=None if i else "draws of the fit")
    axis.set_title("")
    axis.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(0.0, -0.2))
    figure.set_size_inches(4.3, 3.8)
    return figure


def _scale(largest: float) -> float:
    return next(s for s in (1e-3, 1e-6, 1e-9, 1e-12) if largest >= s)
