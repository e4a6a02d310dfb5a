"""How probable measured pulses are under a model of the cell: exact without read noise, by a censored Kalman filter with it.

In normalised conductance x (0 and 1: the nominal ends) a pulse moves a cell of device d by

    x' = clip(x + F (s(x) + sigma_c2c z), low, high)         y = x + sigma_read g(x) / span e

with the law's mean step s (straight lines between nodes), the device's factor F of each polarity, and its own ends.
Without read noise x is what was read, and each pulse counts by itself: a normal density, or where the cell stands at an end the
probability of getting there or beyond (Tobin's censored regression). With it the state is hidden: mean and variance of the state
go through the pulse, the clipping (moments of a clipped normal number) and the read (Kalman).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synarray.device.fitting.trains import Pulses, Trains

__all__ = ["Cells", "censored", "hidden", "predictions"]

_TIE = 1e-7
"""Distance from an end at which a cell stands there, as a share of the range."""
_LOG_ROOT = 0.5 * float(np.log(2.0 * np.pi))

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """What decides how each device moves."""

    nodes: Floats  # [device, 2, node] mean step of LTD and LTP at evenly spaced states from x = floor to x = top
    factor: Floats  # [device, 2] the device's own factor, on the mean step and on its spread
    low: Floats  # [device] ends of the device; -inf, inf where there is none
    high: Floats  # [device]
    sigma: float
    """Cycle-to-cycle spread, in x."""
    read: float = 0.0
    """Spread of a read, relative to the conductance."""
    floor: float = 0.0
    top: float = 1.0

    def steps(self, x: Floats, device: npt.NDArray[np.int64], on: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Mean step at states (positive), without the device's factor, and its slope."""
        pieces = self.nodes.shape[2] - 1
        width = (self.top - self.floor) / pieces
        inside = np.clip((x - self.floor) / width, 0.0, pieces)
        at = np.minimum(inside.astype(np.int64), pieces - 1)
        left = self.nodes[device, on, at]
        rise = self.nodes[device, on, at + 1] - left
        slope = np.where((x > self.floor) & (x < self.top), rise / width, 0.0)
        return left + rise * (inside - at), slope

    def with_spread(self, sigma: float, read: float) -> Cells:
        """Return the same with other noises."""
        return replace(self, sigma=sigma, read=read)


def censored(pulses: Pulses, cells: Cells) -> Floats:
    """Return the log-likelihood of each pulse, where what was read is the state."""
    from scipy.special import log_ndtr

    d, on = pulses.device, (pulses.sign > 0).astype(np.int64)
    factor = cells.factor[d, on]
    mean = pulses.before + pulses.sign * factor * cells.steps(pulses.before, d, on)[0]
    spread = np.maximum(factor * cells.sigma, 1e-12)
    z = (pulses.after - mean) / spread
    logs: Floats = -0.5 * z * z - np.log(spread) - _LOG_ROOT
    for end, side in ((cells.high[d], 1.0), (cells.low[d], -1.0)):
        there = side * (pulses.after - end) >= -_TIE
        if there.any():
            logs[there] = log_ndtr(side * (mean[there] - end[there]) / spread[there])
    return logs


def hidden(trains: Trains, cells: Cells) -> Floats:
    """Return the log-likelihood of each train, where the state is hidden behind read noise."""
    d = trains.device
    ground = trains.origin / trains.span
    low, high = cells.low[d], cells.high[d]
    logs = np.zeros(len(d))
    m = np.clip(trains.x[0], low, high)
    variance = (cells.read * (ground + m)) ** 2
    for y, sign in zip(trains.x[1:], trains.sign[1:], strict=True):
        m, variance = _moved(cells, m, variance, sign, d, low, high)
        noise = (cells.read * (ground + m)) ** 2
        total = np.maximum(variance + noise, 1e-16)
        there = np.isfinite(y)
        error = np.where(there, y - m, 0.0)
        logs -= np.where(there, 0.5 * (np.log(total) + error * error / total) + _LOG_ROOT, 0.0)
        gain = np.where(there, variance / total, 0.0)
        m = m + gain * error
        variance = (1.0 - gain) * variance
    return logs


def predictions(trains: Trains, cells: Cells) -> tuple[Floats, Floats]:
    """Return the expected state before each pulse, as known from the reads so far, and its variance, [read, train]."""
    d = trains.device
    ground = trains.origin / trains.span
    low, high = cells.low[d], cells.high[d]
    means, variances = np.full(trains.x.shape, np.nan), np.zeros(trains.x.shape)
    m = np.clip(trains.x[0], low, high)
    variance = (cells.read * (ground + m)) ** 2
    means[0], variances[0] = m, variance
    for k in range(1, len(trains.x)):
        m, variance = _moved(cells, m, variance, trains.sign[k], d, low, high)
        noise = (cells.read * (ground + m)) ** 2
        there = np.isfinite(trains.x[k])
        gain = np.where(there, variance / np.maximum(variance + noise, 1e-16), 0.0)
        m = m + gain * np.where(there, trains.x[k] - m, 0.0)
        variance = (1.0 - gain) * variance
        means[k], variances[k] = m, variance
    return means, variances


def _moved(
    cells: Cells,
    m: Floats,
    variance: Floats,
    sign: npt.NDArray[np.int8],
    d: npt.NDArray[np.int64],
    low: Floats,
    high: Floats,
) -> tuple[Floats, Floats]:
    """Send the state through one pulse and the clipping at the ends; where there is no pulse it stays."""
    on = (sign > 0).astype(np.int64)
    pulsed = sign != 0
    factor = np.where(pulsed, cells.factor[d, on], 0.0)
    step, slope = cells.steps(m, d, on)
    after = m + sign * factor * step
    grown = (1.0 + sign * factor * slope) ** 2 * variance + (factor * cells.sigma) ** 2
    clipped, left = _clipped(after, grown, low, high)
    return np.where(pulsed, clipped, m), np.where(pulsed, left, variance)


def _clipped(m: Floats, variance: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of a normal number that is clipped at both ends."""
    from scipy.special import ndtr

    spread = np.sqrt(np.maximum(variance, 1e-18))
    a, b = np.clip((low - m) / spread, -40.0, 40.0), np.clip((high - m) / spread, -40.0, 40.0)
    below, above = ndtr(a), ndtr(-b)
    inside = 1.0 - below - above
    pa, pb = (np.exp(-0.5 * q * q - _LOG_ROOT) for q in (a, b))
    # in units of the spread, around m: E[u] and E[u^2] of the clipped number
    first = a * below + b * above + pa - pb
    second = a * a * below + b * b * above + inside + a * pa - b * pb
    return m + spread * first, variance * np.maximum(second - first * first, 1e-12)
