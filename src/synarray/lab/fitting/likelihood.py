"""How probable measured pulses are under a model of the cell.

In normalised conductance x (0 and 1: the nominal ends) a pulse moves a cell of device d by

    x' = clip(x + F (s(x) + sigma_c2c z), low, high)         y = x + sigma_read g(x) / span e

with the law's mean step s (straight lines between nodes), the device's factor F of each polarity, and its own ends;
where the data ask for it, both noises depend on the state (``noises.py``).
Without read noise x is what was read, and each pulse counts by itself: a normal density, or where the cell is at an end the
probability of getting there or beyond (Tobin's censored regression). With it the state is hidden, and its whole distribution is
carried along on a grid (``grid.py``). Mean and variance alone (a Kalman filter, the clipping by the moments of a clipped normal
number) are enough where no end cuts the distribution, are all there is where noises are too fine for a grid, and find the numbers
that the grid starts from, in a tenth of its time. At an end they are wrong: a clipped distribution is far from normal.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.kernels import moments, single
from synarray.lab.fitting.trains import Pulses, Trains

__all__ = ["Cells", "censored", "innovations", "nearly_expected", "nearly_hidden"]

_TIE = 1e-7
"""Distance from an end within which a cell is at that end, as a share of the range."""
_WILD = 1e-4
"""Share of reads that may be anything, half of them within the range and half at its ends: no single one decides a number."""
_FEW = 20_000
"""Pulses below which one core takes less time than sharing them out."""

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
    tilt: tuple[float, float] = (0.0, 0.0)
    """Log of the ratio of the spread of an LTD and of an LTP pulse at the top to that at the floor."""
    base: float = 0.0
    """What is added to the conductance in the spread of a read, x: the instrument's own noise."""

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


def censored(pulses: Pulses, cells: Cells) -> Floats:
    """Return the log-likelihood of each pulse, where what was read is the state, but for a few wild reads."""
    logs, nodes = np.empty(len(pulses)), np.ascontiguousarray(cells.nodes)

    def take(part: slice) -> None:
        seen = (column[part] for column in (pulses.before, pulses.after, pulses.sign, pulses.device))
        single(
            *seen,
            nodes,
            cells.factor,
            cells.low,
            cells.high,
            cells.sigma,
            cells.tilt,
            cells.floor,
            cells.top,
            _TIE,
            _WILD,
            logs[part],
        )

    if len(pulses) < _FEW:
        take(slice(None))
        return logs
    parts = -(-len(pulses) // (os.cpu_count() or 1))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(take, (slice(a, a + parts) for a in range(0, len(pulses), parts))))
    return logs


def nearly_hidden(trains: Trains, cells: Cells) -> Floats:
    """Return the log-likelihood of each read but the first of its train, where the state is hidden behind read noise."""
    return _filtered(trains, cells, np.zeros((0, len(trains.device))))


def nearly_expected(trains: Trains, cells: Cells) -> Floats:
    """Return the state expected after each read, as known from the reads so far, [read, train]."""
    means = np.full(trains.x.shape, np.nan)
    _filtered(trains, cells, means)
    return means


def innovations(trains: Trains, cells: Cells) -> tuple[Floats, Floats, Floats]:
    """Return of each read but the first of its train its error in standard deviations, that deviation, and what was expected."""
    off = np.zeros((*trains.rows[0].shape, 3))
    _filtered(trains, cells, np.zeros((0, len(trains.device))), off)
    z, spread, mean = np.moveaxis(off[trains.judged], -1, 0)
    return z, spread, mean


def _filtered(trains: Trains, cells: Cells, means: Floats, off: Floats | None = None) -> Floats:
    logs = np.zeros(trains.rows[0].shape)
    moments(
        *trains.rows, trains.device, np.ascontiguousarray(cells.nodes), cells.factor, cells.low, cells.high,
        cells.sigma, cells.tilt, cells.read, trains.origin / trains.span + cells.base, cells.floor, cells.top, logs, means,
        np.zeros((0, 0, 3)) if off is None else off,
    )  # fmt: skip
    return np.asarray(logs[trains.judged], np.float64)
