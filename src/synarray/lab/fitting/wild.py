"""Reads that no noise of the fitted law explains: far from what the pulse before them leads to, and taken back by the next.

A device that really jumps continues from there; a slip of the instrument leaves the device where it was. So a read is
wild where it lies more than five standard deviations off the law, the next one as far off the other way, and that next one where
both pulses together lead to. A read in another cycle is judged as if the device had been left alone in between: where it was not,
the last condition fails.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.state import Analog
from synarray.lab.fitting.trains import joined

__all__ = ["MOST_WILD", "wild_reads"]

MOST_WILD = 0.05
"""Share of the reads up to which they are slips; more are what the device does."""
_SIGMAS = 5.0
_FINEST = 3e-3
"""Of the range: what a law may be wrong by."""

Floats = npt.NDArray[np.float64]


def wild_reads(fit: Analog) -> npt.NDArray[np.bool_]:
    """Find the rows of the fit's measurements whose reads are wild."""
    measured, trains = fit.measured, fit.trains
    found = np.zeros(len(measured), bool)
    together = joined(measured) | ((np.diff(measured.device_id) == 0) & (np.diff(measured.cycle) != 0))
    inner = np.flatnonzero(together[:-1] & together[1:]) + 1
    cells = fit.cells(fit.theta, fit.placed(fit.theta))
    x, sign, device = (measured.G_S - trains.origin) / trains.span, measured.polarity, measured.device_id
    ground = trains.origin / trains.span
    relative = cells.read if fit.noisy else 0.0

    def pulsed(state: Floats, pulse: npt.NDArray[np.int8], of: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
        """Return where a pulse leads on the mean, and its variance."""
        on = (pulse > 0).astype(np.int64)
        factor = cells.factor[of, on] * (pulse != 0)
        gone = np.clip((state - cells.floor) / (cells.top - cells.floor), 0.0, 1.0)
        noise = factor * cells.sigma * np.exp(np.array(cells.tilt)[on] * (gone - 0.5))
        mean = state + np.sign(pulse) * factor * cells.steps(state, of.astype(np.int64), on)[0]
        return np.clip(mean, cells.low[of], cells.high[of]), noise**2

    def read(state: Floats) -> Floats:
        """Return the variance of a read, and what a law may be wrong by."""
        return (relative * (ground + cells.base + state)) ** 2 + _FINEST**2

    before, at, after, of = x[inner - 1], x[inner], x[inner + 1], device[inner]
    there, spread = pulsed(before, sign[inner], of)
    further, more = pulsed(there, sign[inner + 1], of)
    onwards, _ = pulsed(at, sign[inner + 1], of)
    off, back, rest = at - there, after - onwards, after - further
    doubt = spread + read(before) + read(there)
    wild = (off**2 > _SIGMAS**2 * doubt) & (back**2 > _SIGMAS**2 * (more + read(at) + read(further))) & (off * back < 0)
    wild &= rest**2 < _SIGMAS**2 * (spread + more + read(before) + read(further))
    found[inner[wild]] = True
    return found
