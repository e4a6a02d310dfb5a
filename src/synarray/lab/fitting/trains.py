"""Measured pulses as the fit sees them: trains of reads in normalised conductance, and the single pulses between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.measured import Measurements

__all__ = ["Pulses", "Trains", "arrange", "joined", "run_lengths", "scatter_at_ends", "train_ends"]

_NEAR = 5
"""Pulses at the end of a train whose reads show how well its last one is known."""
_LONGEST = 400
"""Reads of one train; longer ones are cut, and the cut read belongs to both parts."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pulses:
    """Single pulses: the state before and after, +1 for LTP and -1 for LTD, device and train."""

    before: Floats
    after: Floats
    sign: Ints
    device: Ints
    train: Ints

    def __len__(self) -> int:
        return len(self.before)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Pulses:
        """Return some of them."""
        return Pulses(
            self.before[chosen], self.after[chosen], self.sign[chosen], self.device[chosen], self.train[chosen]
        )


@dataclass(frozen=True)
class Trains:
    """Reads side by side, all trains from their first on; the shorter ones end in nan."""

    x: Floats  # [read, train]
    sign: npt.NDArray[np.int8]  # [read, train] polarity of the pulse before the read
    device: Ints  # [train]
    n_devices: int
    origin: float
    """Conductance of x = 0, S."""
    span: float
    """Conductance between x = 0 and x = 1, S."""

    @cached_property
    def rows(self) -> tuple[Floats, npt.NDArray[np.int8]]:
        """Reads and polarities, [train, read], for the compiled filters."""
        return np.ascontiguousarray(self.x.T), np.ascontiguousarray(self.sign.T)

    @cached_property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Reads that have a likelihood, all but the first of each train, [train, read]."""
        there = np.isfinite(self.rows[0])
        there[:, 0] = False
        return np.asarray(there, bool)

    @cached_property
    def train_of_read(self) -> Ints:
        """Train of each read that has a likelihood."""
        return np.asarray(np.nonzero(self.judged)[0], np.int64)

    def pulses(self) -> Pulses:
        """Take the trains apart into single pulses."""
        there = np.isfinite(self.x[1:]) & (self.sign[1:] != 0)
        train, _ = np.nonzero(there.T)
        before, after, sign = (part.T[there.T] for part in (self.x[:-1], self.x[1:], self.sign[1:]))
        return Pulses(before, after, sign.astype(np.int64), self.device[train], train)

    def only(self, chosen: npt.NDArray[np.bool_]) -> Trains:
        """Return some of the trains, the devices numbered again."""
        kept = np.unique(self.device[chosen], return_inverse=True)
        return Trains(
            self.x[:, chosen], self.sign[:, chosen], kept[1].reshape(-1), len(kept[0]), self.origin, self.span
        )


def arrange(measured: Measurements, origin: float, span: float, longest: int = _LONGEST) -> Trains:
    """Lay measurements out as trains, one for each cycle of each device; longer ones are cut."""
    d = measured.device_id.astype(np.int64)
    starts = np.flatnonzero(np.r_[True, ~joined(measured)])
    ends = np.r_[starts[1:], len(d)]
    pieces = [
        (a, min(a + longest, end))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        for a in range(start, max(end - 1, start + 1), longest - 1)
    ]
    length = max(b - a for a, b in pieces)
    x = np.full((length, len(pieces)), np.nan)
    sign = np.zeros((length, len(pieces)), np.int8)
    for i, (a, b) in enumerate(pieces):
        x[: b - a, i] = (measured.G_S[a:b] - origin) / span
        sign[: b - a, i] = measured.polarity[a:b]
    sign[0] = 0
    return Trains(x, sign, d[[a for a, _ in pieces]], int(d[-1]) + 1, origin, span)


def joined(measured: Measurements) -> npt.NDArray[np.bool_]:
    """Whether each row but the first follows the one before it: same device and cycle, and no row missing between them."""
    together = (np.diff(measured.device_id) == 0) & (np.diff(measured.cycle) == 0)
    return np.asarray(together & ~((np.diff(measured.pulse.astype(np.int64)) > 1) & _numbered(measured)), bool)


def _numbered(measured: Measurements) -> bool:
    """Whether pulses are numbered one by one."""
    together = (np.diff(measured.device_id) == 0) & (np.diff(measured.cycle) == 0)
    by_one = together & (np.diff(measured.pulse.astype(np.int64)) == 1)
    return bool(np.count_nonzero(by_one) > 0.5 * np.count_nonzero(together))


def _runs(measured: Measurements) -> tuple[Ints, Ints, Ints]:
    """First and last row and polarity of each run of pulses of one polarity."""
    polarity, d, c = measured.polarity, measured.device_id, measured.cycle
    breaks = (np.diff(polarity) != 0) | (np.diff(d) != 0) | (np.diff(c) != 0)
    first = np.flatnonzero(np.r_[True, breaks])
    last = np.r_[first[1:], len(polarity)] - 1
    real = polarity[first] != 0
    return first[real], last[real], polarity[first[real]].astype(np.int64)


def run_lengths(measured: Measurements, sign: int) -> int | None:
    """Return how many pulses a train of one polarity has, where nearly all trains have as many; missing rows count as well."""
    first, last, polarity = _runs(measured)
    number = measured.pulse.astype(np.int64) if _numbered(measured) else np.arange(len(measured))
    lengths = (number[last] - number[first] + 1)[polarity == sign]
    if not len(lengths):
        return None
    values, counts = np.unique(lengths, return_counts=True)
    return int(values[counts.argmax()]) if counts.max() >= 0.8 * len(lengths) and values[counts.argmax()] > 1 else None


def scatter_at_ends(measured: Measurements, sign: int) -> float:
    """Return how far apart the last reads of trains of a polarity are, S, with their steps; inf where they are too few."""
    first, last, polarity = _runs(measured)
    near = [measured.G_S[max(a, b - _NEAR) : b + 1] for a, b, s in zip(first, last, polarity, strict=True) if s == sign]
    moves = [float(np.sqrt(np.mean(np.diff(g) ** 2) / 2.0)) for g in near if len(g) > _NEAR]
    return float(np.median(moves)) if moves else float("inf")


def train_ends(measured: Measurements, sign: int) -> tuple[Floats, Ints]:
    """Return the last conductance of each train of one polarity, S, and its device."""
    _, last, polarity = _runs(measured)
    rows = last[polarity == sign]
    return measured.G_S[rows], measured.device_id[rows].astype(np.int64)
