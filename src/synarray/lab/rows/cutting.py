"""A measured curve cut into trains: where its pulse numbers start again or turn, and where the conductance turns.

Trains that a machine sent are equally long: where cuts at equal distances explain the curve as well as its turning points, they
are taken, so that noise at a turn does not make 63 pulses of 64.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["blocks", "restarts", "runs", "turning_points"]

Floats = npt.NDArray[np.float64]
Order = npt.NDArray[np.intp]
_SLIP = 0.2
"""Share of the range by which a single read that is off both its neighbours is no turn of the curve."""
_RESTART = 0.5
"""Share of the range that a curve goes back in one step where it begins again, and that each block covers."""
_AROUND = 12
"""Reads on either side of a turn that show the noise there."""
_NEAR = 0.05
"""Share of a train's length by which noise may move its end."""
_AS_GOOD = 0.03
"""Share of the way that cuts at equal distances may lose."""


def blocks(number: Floats) -> list[int]:
    """Return where blocks of pulse numbers begin, and the end: numbers that start again, or begin to count down.

    Numbers need not be whole, and may step back a little as those do that were read off a figure.

    Examples
    --------
    >>> blocks(np.array([0.0, 1, 2, 0, 1, 2])), blocks(np.array([0.0, 1, 2, 2, 1, 0])), blocks(np.array([0.5, 1.4, 1.3, 2.2]))
    ([0, 3, 6], [0, 3, 6], [0, 4])
    """
    if not len(number):
        return [0]
    step = np.diff(number)
    edges, way = [0], 0
    for i in range(1, len(number)):
        s = step[i - 1]
        following = step[i] if i < len(step) else 0.0
        start = number[edges[-1]]
        if s == 0 and way and following * way < 0:
            edges, way = [*edges, i], 0
        elif s and not way:
            way = 1 if s > 0 else -1
        elif s * way < 0:
            again = (number[i] - start) * way <= 0.5 * (number[i - 1] - start) * way
            later = step[i : i + 2]
            turns = len(later) == 2 and bool((later * way < 0).all())
            if turns and not again and i - edges[-1] > 2 and (number[i - 1] - number[i - 2]) * way > 1.5 * abs(s):
                edges, way = [*edges, i - 1], -way  # it counts down from another number than it counted up to
            elif again or turns:
                edges, way = [*edges, i], 0 if again else -way
    return [*edges, len(number)]


def runs(g: Floats, *, counted_from_0: bool = False) -> list[int]:
    """Return where runs of one direction begin in a curve, and its end.

    Parameters
    ----------
    g : ndarray, shape (n,)
    counted_from_0 : bool
        Whether the first read is the state before the first pulse.
    """
    turns = turning_points(_without_slips(g))
    if not len(turns):
        return [0, len(g)]
    first = int(counted_from_0)
    found = [0, *turns.tolist(), len(g)]
    for edges in (_equal(len(g), len(turns) + 1, first), _two_lengths(g, found, first)):
        if edges and (_way(g, edges) >= (1.0 - _AS_GOOD) * _way(g, found) or _beside(edges, found)):
            return edges
    return found


def restarts(g: Floats) -> list[int]:
    """Return where a curve that only rises, or only falls, begins again at once; empty where it has any other turn.

    So are blocks listed that all rise, as NeuroSim asks for them.

    Examples
    --------
    >>> restarts(np.r_[1.0:9.0, 1.0:9.0]), restarts(np.r_[1.0:9.0, 7.0:0.0:-1.0])
    ([8], [])
    """
    x = _without_slips(g)
    if len(x) < 6 or not np.isfinite(x).all():
        return []
    step, span = np.diff(x), float(np.ptp(x))
    jumps = np.flatnonzero(np.abs(step) > _RESTART * span)
    if not len(jumps) or len(jumps) > len(x) // 6:
        return []
    edges = [0, *(jumps + 1).tolist(), len(x)]
    ways = [float(x[b - 1] - x[a]) for a, b in pairwise(edges)]
    one_way = (
        all(way * ways[0] > 0 and abs(way) > _RESTART * span for way in ways) and (step[jumps] * ways[0] < 0).all()
    )
    return edges[1:-1] if one_way and min(np.diff(edges)) > 2 else []


def _without_slips(g: Floats) -> Floats:
    """Put the middle of three in the place of single reads far from both neighbours: a typo is no turn."""
    if len(g) < 5:
        return g
    middle = np.median(np.stack([g[:-2], g[1:-1], g[2:]]), axis=0)
    low, high = np.nanpercentile(g, [2, 98])
    far = np.abs(g[1:-1] - middle) > _SLIP * (high - low)
    return np.concatenate([g[:1], np.where(far, middle, g[1:-1]), g[-1:]])


def _equal(n: int, count: int, first: int) -> list[int]:
    """Cut into equal runs, those after the first read where that is the state before; empty where it does not come out."""
    length, rest = divmod(n - first, count)
    return [] if rest or length < 2 else [0, *(first + length * k for k in range(1, count)), n]


def _beside(edges: list[int], found: list[int]) -> bool:
    """Whether cuts are no further from those found than noise moves a turn."""
    length = edges[-1] / (len(edges) - 1)
    return len(edges) == len(found) and bool(np.abs(np.subtract(edges, found)).max() <= max(1.0, _NEAR * length))


def _two_lengths(g: Floats, found: list[int], first: int) -> list[int]:
    """Cut into runs of two lengths in turn, those that let the curve go the longest way; empty where they do not come out."""
    if len(found) < 5:
        return []
    lengths = np.diff(found)
    middle = [int(np.median(lengths[k::2][: max(len(lengths[k::2]) - 1, 1)])) for k in (0, 1)]
    best: list[int] = []
    for up in range(max(middle[0] - 3, 2), middle[0] + 4):
        for down in range(max(middle[1] - 3, 2), middle[1] + 4):
            ends = first + np.cumsum([up if k % 2 == 0 else down for k in range(len(found) - 1)])
            if ends[-1] == len(g):
                edges = [0, *ends.tolist()]
                if not best or _way(g, edges) > _way(g, best):
                    best = edges
    return best


def _way(g: Floats, edges: list[int]) -> float:
    """How far the curve goes up and down between its turns."""
    ends = np.nan_to_num(g[[0, *(edge - 1 for edge in edges[1:])]])
    return float(np.abs(np.diff(ends)).sum())


def turning_points(g: Floats) -> Order:
    """Find where a curve turns between rising and falling: the first row after each turn.

    A turn is a return by 40 % of the range (2nd to 98th percentile), and by 12 standard deviations of the noise. At a plateau it
    is the last row within the noise of the end, or the middle of a curve with a single turn if that is within it.
    """
    finite = np.flatnonzero(np.isfinite(g))
    x = g[finite]
    if len(x) < 6:
        return np.zeros(0, np.intp)
    low, high = np.percentile(x, [2, 98])
    second = np.abs(x[1:-1] - 0.5 * (x[2:] + x[:-2])) / np.sqrt(1.5)
    noise = 1.4826 * float(np.median(second))
    back = max(0.4 * (high - low), 12.0 * noise)
    turns, start, top, bottom, sign = [], 0, 0, 0, 0
    for i, value in enumerate(x.tolist()):
        top, bottom = (i if value >= x[top] else top), (i if value <= x[bottom] else bottom)
        if sign >= 0 and x[top] - value > back:
            if sign > 0 or x[top] - x[start] > back:
                turns.append(top)
            sign, start, bottom, top = -1, top, i, i
        elif sign <= 0 and value - x[bottom] > back:
            if sign < 0 or x[start] - x[bottom] > back:
                turns.append(bottom)
            sign, start, bottom, top = 1, bottom, i, i

    def scatter(turn: int) -> float:  # noise may grow with the conductance
        around = second[max(turn - _AROUND, 0) : turn + _AROUND]
        return max(noise, 1.4826 * float(np.median(around)))

    found = [
        _last_within(x, turn, following, 3.0 * scatter(turn))
        for turn, following in zip(turns, [*turns[1:], len(x)][: len(turns)], strict=True)
    ]
    middle = (len(x) - 1) // 2
    if len(found) == 1 and abs(x[middle] - x[turns[0]]) <= 4.0 * scatter(turns[0]):
        found = [middle]
    return finite[np.array(found, np.intp) + 1]


def _last_within(x: Floats, turn: int, following: int, noise: float) -> int:
    """Return the last row of the plateau at a turn."""
    i = turn
    while i + 1 < following - 1 and abs(x[i + 1] - x[turn]) <= noise:
        i += 1
    return i
