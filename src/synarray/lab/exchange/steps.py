"""Steps of other simulators as laws of ours: straight lines over the state become labels, anything else a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.device.curves import MOST_NONLINEAR, curvature

__all__ = ["STATES", "line_law", "steps_table"]

Floats = npt.NDArray[np.float64]
STATES = np.linspace(0.0, 1.0, 21)


def steps_table(ltp: Floats, ltd: Floats, notes: list[str]) -> dict[str, list[float]]:
    """Make a response table of steps in shares of the range; what is beyond 0 or the whole range is cut, and said."""
    cut = int(np.count_nonzero((ltp > 1.0) | (ltp < 0.0) | (ltd > 1.0) | (ltd < 0.0)))
    if cut:
        notes.append(f"steps below 0 or beyond the range were cut at {cut} of {len(STATES)} states")
    x = [round(float(v), 6) for v in STATES]
    rows = ([float(f"{min(max(v, 0.0), 1.0):.9g}") for v in row] for row in (ltp, ltd))
    return dict(zip(("x", "ltp", "ltd"), (x, *rows), strict=True))


def line_law(start: float, end: float) -> tuple[float, float]:
    """Pulses and label of steps that go along a straight line from the beginning to the end of the way."""
    slope = end - start
    if abs(slope) < 1e-9 * start:
        return 1.0 / start, 0.0
    most = 1.0 / curvature(MOST_NONLINEAR)
    bend = -float(np.log(max(end, 1e-300) / start))
    bend = float(np.clip(bend, -most, most))
    return -bend / float(np.log1p(slope)), float(np.sign(bend)) * _label(abs(bend))


def _label(bend: float) -> float:
    b = -1.0 / np.expm1(-bend)
    p = np.log(b * bend) / bend
    label = float(b * -np.expm1(-bend * p) - p) / (0.07 * 2.0**0.5)
    return label if label >= 0.01 else 0.0
