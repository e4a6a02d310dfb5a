"""What differs from device to device, separated from what is merely not known well: random effects on a grid.

Each device i has an estimate v_i with variance e_i^2 of something that is normal over the devices, N(mu, tau^2); an estimate may
be a bound only ("at least v_i"). Groups that share tau (both ends of the range; LTP and LTD) are taken together. The posterior of
(mu, tau) is computed on a grid; its prior falls as 1 / tau where tau exceeds the uncertainty of the estimates, and is even below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Group", "Spread", "spread_of"]

_TAUS, _MUS = 90, 121
_RESOLVED = 3.84
"""Twice the log of the likelihood ratio at which a spread differs from none: 2.5 %, one-sided."""

Floats = npt.NDArray[np.float64]


class Group(NamedTuple):
    """Estimates of one thing, a value per device."""

    values: Floats
    errors: Floats
    """Standard errors."""
    bound: npt.NDArray[np.int64]
    """+1: the device has at least the value, -1: at most, 0: the value."""


class Spread(NamedTuple):
    """Spread over devices."""

    tau: float
    """Its most probable size; 0 where the data cannot tell it from none."""
    taus: Floats  # [draw]
    mus: Floats  # [group, draw]
    resolved: bool


def spread_of(groups: list[Group], draws: int, rng: np.random.Generator) -> Spread:
    """Estimate the spread that groups share, and draw from its posterior."""
    centres = [float(np.median(group.values)) for group in groups]
    away = np.concatenate([group.values - c for group, c in zip(groups, centres, strict=True)])
    errors = np.concatenate([group.errors for group in groups])
    largest = max(float(np.abs(away).max()), float(np.median(errors)), 1e-9)
    least = max(1e-3 * largest, 1e-9)
    taus = np.concatenate([[0.0], np.geomspace(least, 4.0 * largest, _TAUS)])
    typical = max(float(np.median(errors)), least)
    logs, tables = np.zeros(len(taus)), []
    for group, centre in zip(groups, centres, strict=True):
        reach = 6.0 * largest / np.sqrt(len(group.values)) + 3.0 * typical
        mus = centre + np.linspace(-reach, reach, _MUS)
        table = _table(group, mus, taus, typical)
        tables.append((mus, table))
        peak = table.max(axis=0)
        logs += peak + np.log(np.exp(table - peak).sum(axis=0))
    resolved = 2.0 * (logs.max() - logs[0]) > _RESOLVED
    weight = np.exp(logs - logs.max()) * np.gradient(taus) / (taus + typical)
    weight /= weight.sum()
    chosen = rng.choice(len(taus), draws, p=weight)
    shaken = taus[chosen] * np.where(
        taus[chosen] > 0, np.exp(rng.uniform(-0.5, 0.5, draws) * np.log(taus[2] / taus[1])), 0.0
    )
    drawn = [_mus(mus, table, chosen, rng) for mus, table in tables]
    middle = float(np.interp(0.5, np.cumsum(weight), taus))
    return Spread(middle if resolved else 0.0, shaken, np.array(drawn), bool(resolved))


def _table(group: Group, mus: Floats, taus: Floats, typical: float) -> Floats:
    """Log-likelihood of a group, [mu, tau]."""
    from scipy.special import log_ndtr

    table = np.zeros((len(mus), len(taus)))
    for value, error, bound in zip(group.values, group.errors, group.bound, strict=True):
        spread = np.sqrt(taus**2 + max(error, 1e-3 * typical) ** 2)[None, :]
        z = (value - mus[:, None]) / spread
        table += -0.5 * z * z - np.log(spread) if bound == 0 else log_ndtr(-bound * z)
    return table


def _mus(mus: Floats, table: Floats, chosen: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Draw the mean, given the spread that was drawn."""
    weight = np.exp(table - table.max(axis=0))
    cumulated = np.cumsum(weight, axis=0) / weight.sum(axis=0)
    u, drawn = rng.random(len(chosen)), np.zeros(len(chosen))
    for k in np.unique(chosen):
        mine = chosen == k
        drawn[mine] = np.interp(u[mine], np.ascontiguousarray(cumulated[:, k]), mus)
    return drawn
