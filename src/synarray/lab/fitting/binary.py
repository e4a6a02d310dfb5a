"""The fit of a cell with two states: where they lie, how often a pulse switches, and how its reads spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.effects import Group, spread_of
from synarray.lab.fitting.numbers import UNKNOWN, Numbers, estimate, shares
from synarray.lab.fitting.result import Estimate
from synarray.lab.rows.measured import Measurements

__all__ = ["binary_numbers", "is_binary"]

_NEAR = 0.2
_SURE = 0.98

Floats = npt.NDArray[np.float64]


def is_binary(measured: Measurements) -> bool:
    """Whether reads are of two states only, and pulses jump between them."""
    g = measured.G_S
    low, high = np.percentile(g, [2, 98])
    if not high > low:
        return False
    x = (g - low) / (high - low)
    ends = (x < _NEAR) | (x > 1 - _NEAR)
    moved = np.abs(np.diff(x))[np.diff(measured.device_id) == 0]
    jumps, part = np.count_nonzero(moved > 1 - 2 * _NEAR), np.count_nonzero((moved > _NEAR) & (moved < 1 - 2 * _NEAR))
    crawls = np.count_nonzero(
        (moved > 1e-9) & (moved <= _NEAR) & ((x[1:] > 0.1) & (x[1:] < 0.9))[np.diff(measured.device_id) == 0]
    )
    return bool(ends.mean() > _SURE and jumps >= 2 and jumps > 20 * (part + crawls))


def binary_numbers(measured: Measurements, rng: np.random.Generator, count: int) -> tuple[Numbers, list[str]]:
    """Estimate the numbers of a binary cell; and what the data cannot tell."""
    g, d, p = measured.G_S, measured.device_id, measured.polarity
    low, high = np.percentile(g, [2, 98])
    up = g > (low + high) / 2
    n = int(d[-1]) + 1
    table: dict[str, Estimate] = {}
    draws: dict[str, Floats] = {}
    spreads, groups, centres = [], [], []
    for key, state in (("g_min", ~up), ("g_max", up)):
        counts = np.bincount(d[state], minlength=n)
        means = np.bincount(d[state], g[state], n) / np.maximum(counts, 1)
        left = (g - means[d])[state]
        within = float((left**2).sum() / max(np.count_nonzero(state) - np.count_nonzero(counts), 1))
        known = counts > 0
        centre = float(means[known].mean())
        table[key] = Estimate(centre, centre, centre)
        if centre > 0:
            spreads.append((np.sqrt(within) / centre, np.count_nonzero(state)))
            errors = np.sqrt(within / counts[known]) / centre
            groups.append(Group(means[known] / centre, np.maximum(errors, 1e-9), np.zeros(known.sum(), np.int64)))
            centres.append((key, centre))
    warnings = []
    if groups and n >= 3:
        spread = spread_of(groups, count, rng)
        for (key, centre), mus in zip(centres, spread.mus, strict=True):
            exact = not spread.resolved and spreads[0][0] < 1e-9
            table[key] = estimate(centre, np.full(count, centre) if exact else centre * mus)
            if not exact:
                draws[key] = centre * mus
        table["sigma_d2d_range"] = Estimate(
            spread.tau, *(float(q) for q in np.percentile(spread.taus, [2.5 if spread.resolved else 0, 97.5]))
        )
        if not spread.resolved:
            table["sigma_d2d_range"] = Estimate(0.0, 0.0, table["sigma_d2d_range"].high)
    else:
        for key, centre in centres:
            error = spreads[0][0] * centre / max(float(spreads[0][1]), 1.0) ** 0.5
            table[key] = estimate(centre, centre + error * rng.standard_normal(count))
        table["sigma_d2d_range"] = Estimate(0.0, 0.0, UNKNOWN)
    reads = sum(k for _, k in spreads)
    read = float(np.sqrt(sum(s * s * k for s, k in spreads) / max(reads, 1)))
    read = 0.0 if read < 1e-9 else read
    table["sigma_read"] = estimate(read, read * np.sqrt(reads / rng.chisquare(max(reads, 2), count)) if read else None)
    before = np.r_[False, up[:-1]]
    follows = np.r_[False, (np.diff(d) == 0) & (np.diff(measured.cycle) == 0)]
    for way, sign, start in (("ltp", 1, False), ("ltd", -1, True)):
        tried = follows & (p == sign) & (before == start)
        hits, tries = int(np.count_nonzero(tried & (up != start))), int(np.count_nonzero(tried))
        if not hits:
            warnings.append(f"No {way.upper()} pulse switched a cell; its probability is not known.")
            hits, tries = 1, 1
        table[f"p_switch_{way}"], probability = shares(hits, tries, rng, count)
        if hits < tries:
            draws[f"p_switch_{way}"] = probability
        table[f"n_levels_{way}"] = Estimate(1.0, 1.0, 1.0)
        table[f"nonlinearity_{way}"] = Estimate(0.0, 0.0, 0.0)
    if read:
        warnings.append(
            "Spread of the two states is given as read noise; from cycle to cycle the states may spread too."
        )
    for key in ("sigma_c2c", "p_fail"):
        table[key] = Estimate(0.0, 0.0, read if key == "sigma_c2c" else 0.0)
    for key in ("sigma_d2d_step", "sigma_d2d_nonlinearity"):
        table[key] = Estimate(0.0, 0.0, 0.0)
    return Numbers(table, draws, []), warnings
