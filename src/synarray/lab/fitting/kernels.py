"""The likelihood of pulses, compiled: one by one, and as trains through hidden states, what is known of them carried along.

``single`` takes each pulse by itself: what was read is the state, before and after.

``forward`` carries the probability of each state on a grid. A cell is in one of M states (an end of its range, the grid
inside, the other end) with masses p. A pulse sends p to p T, T the matrix of ``matrix_of``; a read y weighs each state with the
density of y there; what is left of the sum is how probable the read was. Only states that matter are touched: sources with more
than 1e-9 of the mass, targets that both the pulse and the read can reach.

``moments`` carries mean and variance alone: through a pulse with the slope of its step, through the clipping as a clipped
normal number has them, through a read as a Kalman filter does.

Compiled code here calls only compiled code of this file (numba's cache does not notice edits elsewhere), sees arrays and
numbers only and never raises.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["forward", "matrix_of", "moments", "places_of", "single"]

_FORGOTTEN = 1e-9
"""Share of the mass below which a state at the edge of those in use is let go."""
_PULSE_REACH = 6.0
"""Standard deviations of a pulse within which states are targets."""
_READ_REACH = 45.0
"""Squares of standard deviations, beyond those of the nearest state, within which states can have been read."""


_LOST = 1400.0
"""Twice what the log-likelihood loses by a read that no state can lead to."""
_ROOT_TWO, _ROOT_TWO_PI = math.sqrt(2.0), math.sqrt(2.0 * math.pi)
_FARTHEST = 1400.0
"""Square of standard deviations beyond which a density is 0."""


def _compiled(function):
    return njit(error_model="numpy", cache=True, nogil=True, fastmath={"contract"})(function)


@_compiled
def _normal(z):
    """Probability that a normal number is below z."""
    return 0.5 * math.erfc(-z / _ROOT_TWO)


@_compiled
def places_of(count, pulse, relative, ground, width, end, density, ends):
    """Return states inside, counted from the low end, and the density of states there: u even, of which x is found by Newton.

    u(x) = density (x / pulse + ln(1 + relative x / ground) / relative) + ends (ln(1 + x / end) - ln(1 - x / (width + end)))
    """
    x, slope = np.empty(count), np.empty(count)
    reach = 2.0 * ends * np.log1p(width / end) + density * (
        width / pulse + np.log1p(relative * width / ground) / relative
    )
    low, at = 0.0, 0.0
    for i in range(count):
        even = reach * i / (count - 1)
        low, high = at, width
        for _ in range(60):
            u = density * (at / pulse + np.log1p(relative * at / ground) / relative) + ends * (
                np.log1p(at / end) - np.log1p(-at / (width + end))
            )
            rise = density * (1.0 / pulse + 1.0 / (relative * at + ground)) + ends * (
                1.0 / (at + end) + 1.0 / (width - at + end)
            )
            if u > even:
                high = at
            else:
                low = at
            step = (even - u) / rise
            at = at + step
            if not low <= at <= high:
                at = 0.5 * (low + high)
            if abs(step) < 1e-13 * width:
                break
        at = min(max(at, 0.0), width)
        x[i] = at
        slope[i] = density * (1.0 / pulse + 1.0 / (relative * at + ground)) + ends * (
            1.0 / (at + end) + 1.0 / (width - at + end)
        )
    return x, slope


@_compiled
def matrix_of(states, weight, moved, spread):
    """Return the probabilities of all states after a pulse, [from, to]: rows sum to 1.

    The first and the last state are the ends; ``weight`` are those of the states between; ``moved``, ``spread`` [from] the mean
    and the standard deviation of where the pulse leads.
    """
    m = len(states)
    matrix = np.zeros((m, m))
    for j in range(m):
        sigma = spread[j]
        row, inside = matrix[j], matrix[j, 1 : m - 1]
        total = 0.0
        for i in range(len(inside)):
            z = (states[i + 1] - moved[j]) / sigma
            if z * z < _FARTHEST:
                inside[i] = weight[i] * np.exp(-0.5 * z * z) / (sigma * _ROOT_TWO_PI)
                total += inside[i]
        row[0] = _normal((states[0] - moved[j]) / sigma)
        row[m - 1] = _normal((moved[j] - states[m - 1]) / sigma)
        share = 1.0 / max(total + row[0] + row[m - 1], 1e-290)
        for i in range(m):
            row[i] *= share
    return matrix


@_compiled
def _below(states, x):
    """Count the states below x."""
    first, beyond = 0, len(states)
    while first < beyond:
        middle = (first + beyond) // 2
        if states[middle] < x:
            first = middle + 1
        else:
            beyond = middle
    return first


@_compiled
def _readable(y, states, noise):
    """States that a read can come from: [first, beyond); ``noise`` = (relative, at x = 0), the spread of a read at most."""
    relative, ground = noise
    nearest = min(max(y, states[0]), states[-1])
    away = (y - nearest) / (relative * nearest + ground)
    reach = np.sqrt(away * away + _READ_REACH)
    lowest = (y - reach * ground) / (1.0 + reach * relative)
    highest = (y + reach * ground) / (1.0 - reach * relative) if reach * relative < 1.0 else np.inf
    at = _below(states, nearest)  # the states beside it, however fine the read
    return min(_below(states, lowest), max(at - 1, 0)), max(_below(states, highest), min(at + 1, len(states)))


@_compiled
def _weighed(p, first, beyond, y, states, spread):
    """Weigh p by the density of the read; return its log-probability and the states that are left.

    Exponents are relative to that of the state nearest to the read, so that nothing vanishes.
    """
    mass, x, r = p[first:beyond], states[first:beyond], spread[first:beyond]
    nearest = min(_below(x, y), len(x) - 1)
    least = ((y - x[nearest]) / r[nearest]) ** 2
    total = 0.0
    for i in range(len(mass)):
        z = (y - x[i]) / r[i]
        mass[i] *= np.exp(0.5 * (least - z * z)) / r[i]
        total += mass[i]
    if not total > 1e-290:  # nothing the model knows leads here: begin again from the read
        least, total = least + _LOST, 0.0
        for i in range(len(mass)):
            z = (y - x[i]) / r[i]
            mass[i] = np.exp(0.5 * (least - _LOST - z * z)) / r[i]
            total += mass[i]
    while p[first] < _FORGOTTEN * total and first < beyond - 1:
        first += 1
    while p[beyond - 1] < _FORGOTTEN * total and first < beyond - 1:
        beyond -= 1
    share = 1.0 / total
    kept = p[first:beyond]
    for i in range(len(kept)):
        kept[i] *= share
    return np.log(total) - 0.5 * least, first, beyond


@_compiled
def _pulsed(p, first, beyond, after, matrix, target, past):
    """Send the masses of some states to those of the targets; four sources at a time, so that sums stay in registers."""
    sums = after[target:past]
    sums[:] = 0.0
    j = first
    while j + 4 <= beyond:
        a, b, c, d = p[j], p[j + 1], p[j + 2], p[j + 3]
        to_a, to_b = matrix[j, target:past], matrix[j + 1, target:past]
        to_c, to_d = matrix[j + 2, target:past], matrix[j + 3, target:past]
        for i in range(len(sums)):
            sums[i] += (a * to_a[i] + b * to_b[i]) + (c * to_c[i] + d * to_d[i])
        j += 4
    while j < beyond:
        mass, to = p[j], matrix[j, target:past]
        for i in range(len(sums)):
            sums[i] += mass * to[i]
        j += 1


@_compiled
def forward(y, sign, trains, states, spread, noise, prior, matrix, moved, room, logs, means):
    """Take trains of like cells through their pulses and reads.

    y, sign [train, read]: reads, nan behind the last, and the polarity of the pulse before each; trains: those to take.
    states, spread, prior [state]; matrix [2, state, state]; moved [2, state] where a pulse leads on the mean; room [2] its
    spread at most. logs [train, read] takes the log-probability of each read but the first, given those before it, but for a
    constant; means [read, train]: the state expected after each read, unless it has no rows.
    """
    now, after = np.zeros(len(states)), np.zeros(len(states))
    for t in trains:
        first, beyond = _readable(y[t, 0], states, noise)
        now[first:beyond] = prior[first:beyond]
        _, first, beyond = _weighed(now, first, beyond, y[t, 0], states, spread)
        for k in range(y.shape[1]):
            if np.isnan(y[t, k]):
                break
            if k > 0:
                target, past = _readable(y[t, k], states, noise)
                if sign[t, k] == 0:
                    target, past = first, beyond
                    after[first:beyond] = now[first:beyond]
                else:
                    on = 1 if sign[t, k] > 0 else 0
                    lowest = highest = moved[on, first]
                    for i in range(first, beyond):
                        lowest, highest = min(lowest, moved[on, i]), max(highest, moved[on, i])
                    lowest, highest = lowest - _PULSE_REACH * room[on], highest + _PULSE_REACH * room[on]
                    within = max(target, _below(states, lowest)), min(past, _below(states, highest))
                    if lowest <= min(max(y[t, k], states[0]), states[-1]) <= highest and within[0] < within[1]:
                        target, past = within
                    _pulsed(now, first, beyond, after, matrix[on], target, past)
                now, after = after, now
                gain, first, beyond = _weighed(now, target, past, y[t, k], states, spread)
                logs[t, k] = gain
            if len(means):
                for i in range(first, beyond):
                    means[k, t] += now[i] * states[i]


@_compiled
def _clipped(mean, variance, low, high):
    """Return mean and variance of a normal number that is clipped at both ends."""
    spread = np.sqrt(max(variance, 1e-18))
    a, b = (low - mean) / spread, (high - mean) / spread
    if a < -9.0 and b > 9.0:
        return mean, variance
    a, b = min(max(a, -40.0), 40.0), min(max(b, -40.0), 40.0)
    below, above = _normal(a), _normal(-b)
    pa, pb = np.exp(-0.5 * a * a) / _ROOT_TWO_PI, np.exp(-0.5 * b * b) / _ROOT_TWO_PI
    # in units of the spread, around the mean: E[u] and E[u^2] of the clipped number
    first = a * below + b * above + pa - pb
    second = a * a * below + b * b * above + 1.0 - below - above + a * pa - b * pb
    return mean + spread * first, variance * max(second - first * first, 1e-12)


@_compiled
def _stepped(nodes, x):
    """Mean step at a state, and its slope; ``x`` as a share of the way between the first and the last node."""
    pieces = len(nodes) - 1
    inside = min(max(x * pieces, 0.0), float(pieces))
    at = min(int(inside), pieces - 1)
    rise = nodes[at + 1] - nodes[at]
    return nodes[at] + rise * (inside - at), rise * pieces if 0.0 < x < 1.0 else 0.0


@_compiled
def _spread_there(sigma, tilt, x):
    """Spread of a pulse at a state, given as a share of the way between the first and the last node."""
    return sigma * np.exp(tilt * (min(max(x, 0.0), 1.0) - 0.5))


@_compiled
def moments(y, sign, device, nodes, factor, low, high, sigma, tilt, read, origin, floor, top, logs, means, off):
    """Take trains through their pulses and reads by mean and variance.

    y, sign, logs, means: as for ``forward``; device [train]; nodes [device, 2, node], factor [device, 2], low, high [device],
    sigma, tilt, read, floor, top: as in ``Cells``; origin: of a read's spread at x = 0, in units of the span. off [train, read,
    3] takes, unless it has no rows, of each read but the first its error in standard deviations, that deviation, and the mean.
    """
    for t in range(len(y)):
        d = device[t]
        m = min(max(y[t, 0], low[d]), high[d])
        variance = (read * (origin + m)) ** 2
        for k in range(y.shape[1]):
            if np.isnan(y[t, k]):
                break
            if k > 0:
                if sign[t, k] != 0:
                    on = 1 if sign[t, k] > 0 else 0
                    gone = (m - floor) / (top - floor)
                    step, slope = _stepped(nodes[d, on], gone)
                    way = sign[t, k] * factor[d, on]
                    noise = factor[d, on] * _spread_there(sigma, tilt[on], gone)
                    grown = (1.0 + way * slope / (top - floor)) ** 2 * variance + noise * noise
                    m, variance = _clipped(m + way * step, grown, low[d], high[d])
                total = max(variance + (read * (origin + m)) ** 2, 1e-16)
                error = y[t, k] - m
                logs[t, k] = -0.5 * (np.log(total) + error * error / total) - np.log(_ROOT_TWO_PI)
                if len(off):
                    off[t, k, 0], off[t, k, 1], off[t, k, 2] = error / np.sqrt(total), np.sqrt(total), m
                m += variance / total * error
                variance *= 1.0 - variance / total
            if len(means):
                means[k, t] = m


@_compiled
def single(before, after, sign, device, nodes, factor, low, high, sigma, tilt, floor, top, tie, wild, logs):
    """Write the log-probability of each pulse that moves a cell from one state to another, both known.

    before, after, sign, device, logs [pulse]; nodes, factor, low, high, sigma, tilt, floor, top: as in ``Cells``; tie: distance
    within which a cell is at an end; wild: share of reads that may be anything, half within the range (about one wide),
    half at its ends.
    """
    for i in range(len(before)):
        d = device[i]
        on = 1 if sign[i] > 0 else 0
        gone = (before[i] - floor) / (top - floor)
        step, _ = _stepped(nodes[d, on], gone)
        mean = before[i] + (factor[d, on] * step if on else -factor[d, on] * step)
        spread = max(factor[d, on] * _spread_there(sigma, tilt[on], gone), 1e-12)
        if after[i] <= low[d] + tie:
            p, anywhere = _normal((low[d] - mean) / spread), 0.25
        elif after[i] >= high[d] - tie:
            p, anywhere = _normal((mean - high[d]) / spread), 0.25
        else:
            z = (after[i] - mean) / spread
            p, anywhere = np.exp(-0.5 * z * z) / (spread * _ROOT_TWO_PI), 0.5
        logs[i] = np.log((1.0 - wild) * p + wild * anywhere)
