"""The first look at measured pulses: ends of the range, stuck cells, whether reads are noisy, rough laws to start from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.trains import Pulses, train_ends
from synarray.lab.rows.measured import Measurements

__all__ = ["Ends", "Noise", "first_ends", "noise_of", "rough_law", "still", "straight_law"]

Floats = npt.NDArray[np.float64]

_STILL = 0.05
_AT_END = 1e-7
_BENDS = (-6.0, -2.0, -0.5, 0.0, 0.5, 2.0, 5.0, 10.0, 20.0)


class Ends(NamedTuple):
    """Ends of the range as each device shows them, S."""

    low: Floats
    high: Floats
    touched_low: npt.NDArray[np.bool_]
    """Whether the device was exactly there, more than once: it was stopped by its end."""
    touched_high: npt.NDArray[np.bool_]
    quantised: bool
    """Whether the reads have so few digits that equal values say nothing."""


class Noise(NamedTuple):
    """What successive steps say of the reads."""

    read: float
    """Variance of a read, x."""
    read_error: float
    step: float
    """Variance of a step, less that of its two reads."""

    @property
    def seen(self) -> bool:
        """Whether there is noise of reading."""
        return self.read > 3.0 * self.read_error and self.read > 1e-4 * max(self.step, 1e-12)


def first_ends(measured: Measurements) -> Ends:
    """Find the lowest and highest conductance of each device, and whether it was stopped there."""
    n = int(measured.device_id[-1]) + 1
    g, d = measured.G_S, measured.device_id
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, d, g)
    np.maximum.at(high, d, g)
    tie = 1e-9 * np.maximum(high - low, 1e-300)
    pulsed = measured.polarity != 0
    at_low = np.bincount(d, (g <= low[d] + tie[d]) & pulsed & (measured.polarity < 0), n)
    at_high = np.bincount(d, (g >= high[d] - tie[d]) & pulsed & (measured.polarity > 0), n)
    if _mostly_single(measured):  # pulses that each start at a state of their own: nothing ends where a train does
        at_low, at_high = np.full(n, 2), np.full(n, 2)
    quantised = len(np.unique(g[:20_000])) < 0.3 * min(len(g), 20_000)
    held = float(np.mean((np.diff(g) == 0) & (g[1:] > low[d[1:]] + tie[d[1:]]) & (g[1:] < high[d[1:]] - tie[d[1:]])))
    return Ends(low, high, at_low >= 2, at_high >= 2, bool(quantised and held > 0.02))


def _mostly_single(measured: Measurements) -> bool:
    """Whether a pulse is mostly followed by a new start."""
    pulses = measured.polarity != 0
    return bool(np.count_nonzero(pulses[1:] & pulses[:-1]) < 0.2 * np.count_nonzero(pulses))


def still(measured: Measurements) -> npt.NDArray[np.bool_]:
    """Find devices that never move, while others do."""
    n = int(measured.device_id[-1]) + 1
    tops, bottoms = (_mean_by(*train_ends(measured, sign), n) for sign in (1, -1))
    travel = np.abs(tops - bottoms)
    largest = float(np.nanmax(travel)) if np.isfinite(travel).any() else np.nan
    if not np.isfinite(largest) or largest <= 0:
        return np.zeros(n, bool)
    return np.nan_to_num(travel, nan=largest) < _STILL * float(np.nanmedian(travel[travel > _STILL * largest]))


def _mean_by(values: Floats, codes: npt.NDArray[np.int64], n: int) -> Floats:
    counts = np.bincount(codes, minlength=n)
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, np.bincount(codes, values, n) / np.maximum(counts, 1), np.nan)


def noise_of(pulses: Pulses) -> Noise:
    """Tell read noise from cycle-to-cycle noise: a read's error is in two successive steps, with opposite signs.

    The steps' errors are what a smooth curve over the state leaves, device by device; their covariance at a distance of one pulse
    is minus the variance of a read, and 0 where the steps are those of a random walk.
    """
    error = np.zeros(len(pulses))
    many = np.bincount(pulses.device).min(initial=0) >= 60 or len(np.unique(pulses.device)) == 1
    codes = pulses.device * 2 * many + (pulses.sign > 0)
    for code in np.unique(codes):
        mine = codes == code
        error[mine] = _left(pulses.before[mine], (pulses.after - pulses.before)[mine])
    next_to = (np.diff(pulses.train) == 0) & (np.diff(pulses.sign) == 0) & (pulses.before[1:] == pulses.after[:-1])
    products = (error[:-1] * error[1:])[next_to]
    if len(products) < 20:
        return Noise(0.0, np.inf, float(np.var(error)) if len(error) else 0.0)
    blocks = np.array([part.mean() for part in np.array_split(products, min(40, len(products) // 5))])
    read = max(-float(products.mean()), 0.0)
    return Noise(read, float(blocks.std(ddof=1) / np.sqrt(len(blocks))), max(float(np.var(error)) - 2.0 * read, 0.0))


def _left(x: Floats, steps: Floats, pieces: int = 10) -> Floats:
    """Return what straight lines between states leave of steps."""
    if len(x) < 4:
        return np.asarray(steps - steps.mean())
    knots = np.unique(np.quantile(x, np.linspace(0, 1, min(pieces, len(x) // 4) + 1)))
    if len(knots) < 2:
        return np.asarray(steps - steps.mean())
    basis = np.stack([np.interp(x, knots, row) for row in np.eye(len(knots))], axis=1)
    return np.asarray(steps - basis @ np.linalg.lstsq(basis, steps, rcond=None)[0])


def rough_law(pulses: Pulses, sign: int, length: int | None, room: float) -> tuple[float, float, float]:
    """Return log N and the bend that leave least of the steps, among a few bends, and the mean square of what is left.

    Pulses that start closer to the end than ``room`` are left out.
    """
    mine = pulses.where(pulses.sign == sign)
    if not len(mine):
        return float(np.log(length or 64)), 0.0, 0.0
    step = sign * (mine.after - mine.before)
    gone = np.clip(mine.before if sign > 0 else 1.0 - mine.before, 0.0, 1.0)
    clear = gone + np.maximum(np.median(step), 0.0) < 1.0 - room  # no end cuts these steps short
    if np.count_nonzero(clear) >= 3:
        step, gone = step[clear], gone[clear]
    found = []
    for bend in _BENDS:
        shape = bend / -np.expm1(-bend) - bend * gone if bend else np.ones(len(gone))
        n = float((shape**2).sum() / max((shape * step).sum(), 1e-9 * float((shape**2).sum())))
        found.append((float(((step - shape / n) ** 2).sum()), float(np.log(np.clip(n, 1.0, 1e6))), bend))
    left, log_n, bend = min(found)
    return log_n, bend, left / len(gone)


def straight_law(pulses: Pulses, sign: int) -> tuple[float, float, float]:
    """Return log N and the bend of the straight line through the steps over the state, and what it leaves (root mean square).

    For pulses without noise, of which those that arrive at an end are left out.
    """
    mine = pulses.where((pulses.sign == sign) & (pulses.after > _AT_END) & (pulses.after < 1.0 - _AT_END))
    gone = mine.before if sign > 0 else 1.0 - mine.before
    step = sign * (mine.after - mine.before)
    if len(gone) < 3 or np.ptp(gone) < 0.05:
        return 0.0, 0.0, np.inf
    slope, start = (float(part) for part in np.polyfit(gone, step, 1))
    left = float(np.sqrt(np.mean((step - start - slope * gone) ** 2)))
    if not (start > 0 and start + slope > 0 and slope > -1):
        return 0.0, 0.0, np.inf
    if abs(slope) < 1e-7:
        return -float(np.log(start)), 0.0, left
    bend = -float(np.log1p(slope / start))
    return float(np.log(max(-bend / np.log1p(slope), 1.0))), bend, left
