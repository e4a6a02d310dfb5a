"""The ends of each device's range: what they are as measured, and their spread from device to device."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.effects import Group, Spread, spread_of
from synarray.lab.fitting.state import Analog
from synarray.lab.fitting.trains import train_ends
from synarray.lab.rows.measured import Measurements

__all__ = ["compare_ends", "log_prior", "mean_ends", "spread_hidden_ends"]

_SEVERAL, _TIE = 3, 1e-8
"""Devices that show an end to be the same for all, and the share by which its reads may differ."""

Floats = npt.NDArray[np.float64]


def compare_ends(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Tell the spread of the ends of the range; relative to each, both alike."""
    if fit.noisy and fit.stopped:
        return
    if fit.n_devices == 1 and not fit.stopped:  # of which nothing tells how others differ
        fit.spreads["range"], fit.centres = Spread(0.0, np.zeros(draws), np.zeros((0, draws)), resolved=False), {}
        for name, sign in (("low", -1), ("high", 1)) if not fit.noisy else ():
            fit.theta[name] = (float(mean_ends(fit.measured, sign, 1)[0][0]) - fit.trains.origin) / fit.trains.span
        return
    groups, names = [], []
    for name, sign in (("low", -1), ("high", 1)):
        touched = getattr(fit.ends, f"touched_{name}")
        if fit.stopped and touched.any():
            values, errors = getattr(fit.ends, name), np.zeros(fit.n_devices)
            bound = np.where(touched, 0, sign)
        else:
            values, errors = mean_ends(fit.measured, sign, fit.n_devices)
            bound = np.zeros(fit.n_devices, np.int64)
        if not errors.any() and not fit.silent and not fit.stopped:  # no two trains of a device: one read's noise
            errors = np.full(len(errors), fit.trains.span * np.sqrt(max(fit.noise.step + fit.noise.read, 0.0)))
        known = np.isfinite(values)
        centre = float(np.median(values[known])) if known.any() else 0.0
        if centre > 0:
            groups.append(Group(values[known] / centre, np.maximum(errors[known] / centre, 1e-9), bound[known]))
            names.append((name, centre))
    if not groups:
        return
    alike = [fit.stopped and _is_one(group.values[group.bound == 0]) for group in groups]
    for i in np.flatnonzero(alike)[::-1].tolist():  # an end that is the same for all, whatever the other is
        (name, centre), exact = names.pop(i), groups.pop(i)
        fit.theta[name] = (centre * float(exact.values[exact.bound == 0][0]) - fit.trains.origin) / fit.trains.span
    none = Spread(0.0, np.zeros(draws), np.zeros((0, draws)), resolved=False)
    spread = spread_of(groups, draws, rng) if groups else none
    fit.spreads["range"], fit.centres = spread, dict(names)
    for i, (name, centre) in enumerate(names):
        middle = centre * float(np.median(spread.mus[i]))
        if not spread.resolved and fit.stopped:
            exact = groups[i].values[groups[i].bound == 0]
            middle = centre * float(np.median(exact)) if len(exact) else middle
        if not fit.noisy:
            fit.theta[name] = (middle - fit.trains.origin) / fit.trains.span


def _is_one(exact: Floats) -> bool:
    """Whether several devices were stopped at one conductance, whatever their other ends do."""
    return len(exact) >= _SEVERAL and bool(np.ptp(exact) <= _TIE * np.abs(exact).max())


def mean_ends(measured: Measurements, sign: int, n: int) -> tuple[Floats, Floats]:
    """Mean of each device's train ends, and its standard error; where no train ends there, of the trains' first reads."""
    values, device = train_ends(measured, sign)
    if not len(values):
        first = np.flatnonzero(np.r_[True, (np.diff(measured.cycle) != 0) | (np.diff(measured.device_id) != 0)])
        values, device = measured.G_S[first], measured.device_id[first].astype(np.int64)
    counts = np.maximum(np.bincount(device, minlength=n), 1)
    means = np.bincount(device, values, n) / counts
    within = np.bincount(device, (values - means[device]) ** 2, n) / np.maximum(counts - 1, 1)
    pooled = float(within[counts > 1].mean()) if (counts > 1).any() else 0.0
    return np.where(np.bincount(device, minlength=n) > 0, means, np.nan), np.sqrt(pooled / counts)


def spread_hidden_ends(fit: Analog, values: Floats, errors: Floats, rng: np.random.Generator, draws: int) -> None:
    """Tell the spread of ends behind read noise, and keep what devices have of their own."""
    ground = fit.trains.origin / fit.trains.span
    plain = np.zeros(fit.n_devices, np.int64)
    levels = [ground + fit.theta["low"], ground + fit.theta["high"]]
    groups = [
        Group(values[:, i] / level, errors[:, i] / level, plain) for i, level in enumerate(levels) if level > 1e-9
    ]
    spread = fit.spreads["range"] = spread_of(groups, draws, rng)
    fit.own.low, fit.own.high = np.zeros(fit.n_devices), np.zeros(fit.n_devices)
    if spread.resolved and len(groups) == 2:
        for i, name in enumerate(("low", "high")):
            tau = spread.tau * levels[i]
            centre = levels[i] * float(np.median(spread.mus[i]))
            share = tau**2 / (tau**2 + errors[:, i] ** 2)
            setattr(fit.own, name, share * (values[:, i] - centre))
            fit.theta[name] += centre
            fit.prior += log_prior(getattr(fit.own, name), tau, errors[:, i])


def log_prior(own: Floats, tau: float, errors: Floats) -> float:
    """Log-probability of what devices have of their own, and of the room that the data leave it (Laplace)."""
    return -0.5 * float(((own / tau) ** 2 + np.log1p((tau / errors) ** 2)).sum())
