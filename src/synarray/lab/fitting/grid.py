"""The hidden states of a cell on a grid: where they are, how a pulse leads from one to another, how well a read tells them.

States are the two ends of the device's range, where clipping leaves finite masses, and a grid inside, on which masses are density
times weight. The pitch follows what a read and a pulse can tell apart, 1 / (1 / sigma + 1 / r(x)), r the spread of a read, and
becomes finer towards the ends, where densities break off:

    du/dx = D (1 / sigma + 1 / r(x)) + E / (x - low + l) + E / (high - x + l)        u even from low to high

u has a closed form, so states, weights and with them the likelihood are smooth in all numbers of the model. Integrals are sums
over u with Gregory's weights at the ends (to the third difference); rows of the matrix sum to 1, so no mass is lost.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.kernels import forward, matrix_of, places_of
from synarray.lab.fitting.likelihood import Cells
from synarray.lab.fitting.trains import Trains

__all__ = ["MOST_STATES", "expected", "hidden", "states_needed"]

MOST_STATES = 480
"""Most states of a grid; noises that ask for more are finer than a grid can follow in reasonable time."""
_DENSITY = 1.0
"""States per length that noise leaves undecided: the narrowest density has a standard deviation of 0.7 of it."""
_ENDS, _END_LENGTH = 3.0, 0.5
"""How many states are added per factor of distance to an end, and from which share of that length on."""
_FINEST_READ = 0.05
"""Spread below which a read is not followed, as a share of a pulse's: it costs 0.3 % of the pulse's variance."""
_MULTIPLE = 16
_AT_END = 0.25
"""Prior probability of either end for the first state of a train; the rest is spread evenly."""
_GREGORY = np.array([251.0, 897.0, 633.0, 739.0]) / 720.0
_LOG_ROOT = 0.5 * float(np.log(2.0 * np.pi))

Floats = npt.NDArray[np.float64]


class _Pitch(NamedTuple):
    """The density of states over x from the low end to the high end, and its integral."""

    pulse: float
    relative: float
    ground: float  # spread of a read at the low end
    width: float
    end: float

    def below(self, x: Floats) -> Floats:
        """Return how many states are below x, counted from the low end."""
        read = np.log1p(self.relative * x / self.ground) / self.relative
        ends = np.log1p(x / self.end) - np.log1p(-x / (self.width + self.end))
        return np.asarray(_DENSITY * (x / self.pulse + read) + _ENDS * ends)


def _pitch(cells: Cells, device: int, origin: float) -> _Pitch:
    """Take the pitch from the finer of both polarities."""
    pulse = max(float(cells.factor[device].min()) * cells.sigma * np.exp(-0.5 * np.abs(cells.tilt).max()), 1e-9)
    relative, low = max(cells.read, 1e-6), float(cells.low[device])
    ground = relative * max(origin + cells.base + low, 0.0) + _FINEST_READ * pulse
    end = _END_LENGTH / (1.0 / pulse + 1.0 / ground)
    return _Pitch(pulse, relative, ground, max(float(cells.high[device]) - low, 1e-6), end)


def states_needed(trains: Trains, cells: Cells) -> int:
    """Return how many states the noises ask for, of the device that needs most."""
    pitches = [_pitch(cells, d, trains.origin / trains.span) for d in range(len(cells.low))]
    return int(max(float(p.below(np.array(p.width))) for p in pitches)) + 1


def _placed(pitch: _Pitch) -> tuple[Floats, Floats]:
    """Return the states inside, counted from the low end, and their weights."""
    reach = float(pitch.below(np.array(pitch.width)))
    count = int(np.clip(_MULTIPLE * np.ceil(reach / _MULTIPLE), 2 * _MULTIPLE, MOST_STATES))
    x, density = places_of(count, *pitch, _DENSITY, _ENDS)
    weight = reach / (count - 1) / density
    weight[:4] *= _GREGORY
    weight[-4:] *= _GREGORY[::-1]
    return x, weight


def hidden(trains: Trains, cells: Cells, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Return the log-likelihood of each read but the first of its train; nothing of use for devices that are not wanted."""
    return _filtered(trains, cells, np.zeros((0, len(trains.device))), wanted)


def expected(trains: Trains, cells: Cells) -> Floats:
    """Return the state expected after each read, as known from the reads so far, [read, train]."""
    means = np.zeros(trains.x.shape)
    _filtered(trains, cells, means)
    return means


def _filtered(trains: Trains, cells: Cells, means: Floats, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
    logs = np.zeros(trains.rows[0].shape)
    rows = np.column_stack([cells.nodes.reshape(len(cells.low), -1), cells.factor, cells.low, cells.high])
    if (rows == rows[0]).all():  # one cell for all trains: as many parts as there are cores
        parts = [(0, mine) for mine in np.array_split(np.arange(len(trains.device)), os.cpu_count() or 1) if len(mine)]
    else:
        devices = range(len(rows)) if wanted is None else np.flatnonzero(wanted).tolist()
        parts = [(device, np.flatnonzero(trains.device == device)) for device in devices]

    def take(part: tuple[int, npt.NDArray[np.int64]]) -> None:
        _one_device(trains, cells, *part, logs, means)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each train has places of its own in the results
        list(pool.map(take, parts))
    return np.asarray(logs[trains.judged] - _LOG_ROOT, np.float64)


def _one_device(
    trains: Trains, cells: Cells, device: int, mine: npt.NDArray[np.int64], logs: Floats, means: Floats
) -> None:
    """Filter the trains of one device, or of several that are alike."""
    origin = trains.origin / trains.span
    pitch, low = _pitch(cells, device, origin), float(cells.low[device])
    inside, weight = _placed(pitch)
    states = low + np.concatenate([[0.0], inside, [pitch.width]])
    finest = _FINEST_READ * pitch.pulse
    ground = origin + cells.base
    spread = np.hypot(pitch.relative * (ground + states), finest)
    moved, matrix, room = np.empty((2, len(states))), np.empty((2, len(states), len(states))), np.empty(2)
    gone = np.clip((states - cells.floor) / (cells.top - cells.floor), 0.0, 1.0)
    for on, sign in ((0, -1.0), (1, 1.0)):
        factor = float(cells.factor[device, on])
        code = np.full(len(states), device)
        moved[on] = states + sign * factor * cells.steps(states, code, np.full(len(states), on))[0]
        noise = factor * max(cells.sigma, 1e-9) * np.exp(cells.tilt[on] * (gone - 0.5))
        room[on] = noise.max()
        matrix[on] = matrix_of(states, weight, moved[on], noise)
    prior = np.concatenate([[_AT_END], (1.0 - 2.0 * _AT_END) * weight / pitch.width, [_AT_END]])
    reach = (pitch.relative, pitch.relative * ground + finest)
    forward(*trains.rows, mine, states, spread, reach, prior, matrix, moved, room, logs, means)
