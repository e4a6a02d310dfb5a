"""What no single device describes, taken apart before the fit: cells that tire from cycle to cycle, and two populations of them.

Both are in the ranges of the trains. Fatigue: ln(range) falls along a straight line over the cycles; reads are laid out in the
range that the line gives for their cycle, so that the fit finds the fresh cell. Populations: the ranges of the devices fall into
two groups, further apart than four standard deviations within them; the law is that of the larger group.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.result import Estimate, Finding
from synarray.lab.rows.measured import Measurements
from synarray.units import format_quantity

__all__ = ["larger_population", "spread_of_all", "without_fatigue"]

_CYCLES, _READS, _SURE, _CHANGE = 4, 8, 4.0, 0.05
"""Cycles, reads of each, standard errors and change of the range from which on cells are said to tire."""
_NEXT = 12
"""Trains that are compared with each."""
_DEVICES, _GROUP, _APART, _RATIO = 6, 1, 4.0, 1.3
"""Devices, devices of the smaller population, standard deviations and ratio of ranges that two populations need."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def without_fatigue(measured: Measurements, idle: Bools) -> tuple[Measurements, Finding | None]:
    """Lay out reads in the range of the first cycle, where the range surely changes with cycling."""
    device, cycle, g = measured.device_id, measured.cycle, measured.G_S
    starts = np.flatnonzero(np.r_[True, (np.diff(device) != 0) | (np.diff(cycle) != 0)])
    of, when = device[starts], cycle[starts].astype(float)
    low, high = np.minimum.reduceat(g, starts), np.maximum.reduceat(g, starts)
    used = (high > low) & ~idle[of] & (np.diff(np.r_[starts, len(g)]) >= _READS)
    if not used.any() or np.ptp(when[used]) < _CYCLES - 1:
        return measured, None
    logs = np.log(np.where(used, high - low, 1.0))
    counts = np.maximum(np.bincount(of, used, len(idle)), 1)

    def centred(values: Floats) -> Floats:
        return np.asarray((values - (np.bincount(of, values * used, len(idle)) / counts)[of]) * used)

    y, x = centred(logs), centred(when)
    pairs = [
        (logs[j] - logs[i]) / (when[j] - when[i])
        for i in range(len(of)) for j in range(i + 1, min(i + _NEXT, len(of)))
        if of[i] == of[j] and used[i] and used[j] and when[i] != when[j]
    ]  # fmt: skip
    slope = float(np.median(pairs))  # exact where most trains stop exactly at the ends
    left = (y - slope * x) * used
    error = float(np.sqrt((left**2).sum() / max(used.sum() - len(idle) - 1, 1) / (x * x).sum()))
    first = float(when[used].min())
    change = float(np.expm1(slope * np.ptp(when[used])))
    if abs(slope) <= _SURE * error or abs(change) < _CHANGE:
        return measured, None
    bottom = np.full(len(idle), np.inf)
    np.minimum.at(bottom, of, low)
    fresh = bottom[device] + (g - bottom[device]) * np.exp(-slope * (cycle - first))
    rate, down, up = (float(np.expm1(slope + s * error)) for s in (0.0, -1.96, 1.96))
    said = Finding(
        "fatigue", Estimate(rate, down, up), True,
        f"The range changes by {rate:+.2%} per cycle ({down:+.2%} to {up:+.2%}), {change:+.0%} over the file: "
        "the numbers are those of the first cycle",
    )  # fmt: skip
    return replace(measured, G_S=fresh), said


def larger_population(measured: Measurements, idle: Bools) -> tuple[Bools, Finding | None]:
    """Find the devices of the larger of two populations; all, where there is one."""
    n = len(idle)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, measured.device_id, measured.G_S)
    np.maximum.at(high, measured.device_id, measured.G_S)
    moving = np.flatnonzero(~idle)
    if len(moving) < _DEVICES:
        return ~idle, None
    logs = np.log(high[moving] - low[moving])
    order = np.argsort(logs, kind="stable")
    ranked = logs[order]
    gaps = np.diff(ranked)
    at = int(gaps[_GROUP - 1 : len(gaps) - _GROUP + 1].argmax()) + _GROUP
    parts = ranked[:at], ranked[at:]
    within = float(np.sqrt(sum(((part - part.mean()) ** 2).sum() for part in parts) / (len(ranked) - 2)))
    if gaps[at - 1] < max(_APART * within, np.log(_RATIO)):
        return ~idle, None
    larger = int(len(parts[1]) >= len(parts[0]))
    kept = np.zeros(n, bool)
    kept[moving[order[at:] if larger else order[:at]]] = True
    ranges = [float(np.exp(np.median(part))) for part in (parts[larger], parts[1 - larger])]
    counts = [len(parts[larger]), len(parts[1 - larger])]
    both = [
        f"{count} with a range of {format_quantity(float(f'{r:.3g}'), 'S')}"
        for count, r in zip(counts, ranges, strict=True)
    ]
    share = counts[1] / len(moving)
    error = 1.96 * float(np.sqrt(share * (1.0 - share) / len(moving)))
    return kept, Finding(
        "populations", Estimate(share, max(share - error, 0.0), min(share + error, 1.0)), False,
        f"The devices are of two populations: {both[0]} and {both[1]}. Law, ends and noises are those of the {counts[0]}; "
        "the device-to-device spread of the ends is over all, as if they were one",
    )  # fmt: skip


def spread_of_all(measured: Measurements, idle: Bools, g_max: float) -> Estimate:
    """Return the spread of the upper ends of all devices about that of the larger population, relative, with its interval."""
    from scipy.special import chdtri

    high = np.zeros(len(idle))
    np.maximum.at(high, measured.device_id, measured.G_S)
    away = high[~idle] / g_max - 1.0
    square, n = float((away**2).sum()), len(away)
    low, up = (float(np.sqrt(square / chdtri(n, p))) for p in (0.025, 0.975))
    return Estimate(float(np.sqrt(square / n)), low, min(up, 5.0))
