"""What each device has of its own, steps, labels and ends, separated from what is merely not known well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.climb import total
from synarray.lab.fitting.effects import Group, spread_of
from synarray.lab.fitting.ends import compare_ends, log_prior, spread_hidden_ends
from synarray.lab.fitting.local import local_fits
from synarray.lab.fitting.model import Deviations, cells_of
from synarray.lab.fitting.state import SIDES, Analog

__all__ = ["compare_devices"]

_FEWEST = 3
"""Devices from which on they are compared."""
_LOST = 30.0
"""Log of the likelihood ratio that no comparison costs unless it went wrong."""
_COMPARED = ("theta", "own", "spreads", "local", "prior", "centres")
"""What a comparison changes in a fit."""

Floats = npt.NDArray[np.float64]


def compare_devices(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Fit each device's own factors, labels and ends; tell their spread from the uncertainty; keep what is resolved.

    Nothing of it is kept where that makes all that was read clearly less probable: spreads are to explain it.
    """
    own = replace(fit.own, log_factor=fit.own.log_factor.copy())
    before = replace(fit, theta=dict(fit.theta), own=own, spreads=dict(fit.spreads))
    _compare(fit, rng, draws)
    fit.alone = not _is_exact(before) and total(fit) < total(before) - _LOST
    if fit.alone:
        for name in _COMPARED:
            setattr(fit, name, getattr(before, name))


def _compare(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    compare_ends(fit, rng, draws)
    if fit.n_devices < _FEWEST:
        return
    if _is_exact(fit):
        _compare_exact(fit, rng, draws)
        return
    ways = [i for i, (way, _) in enumerate(SIDES) if way not in fit.abrupt + fit.absent]
    bent = not fit.noisy and fit.n_devices >= 5 and all(abs(fit.theta[f"bend_{w}"]) > 0.3 for w, _ in SIDES)
    ended = fit.noisy and fit.stopped
    k = len(ways) + bent + 2 * ended
    units = fit.units[0]
    base = fit.theta

    def own_of(values: Floats) -> Deviations:
        own = Deviations.none(fit.n_devices, -np.inf, np.inf)
        own.log_factor[:, ways] = values[:, : len(ways)]
        if bent:
            own.label = values[:, len(ways)]
        if ended:
            own.low, own.high = values[:, -2] + base["low"], values[:, -1] + base["high"]
        elif not fit.noisy:
            own.low, own.high = fit.own.low, fit.own.high
        return own

    def logs(values: Floats, wanted: npt.NDArray[np.bool_]) -> Floats:
        found = fit.logs(base, own_of(values), wanted)
        return np.asarray(np.bincount(units, found, fit.n_devices), np.float64)

    start, errors = np.zeros((fit.n_devices, k)), np.full((fit.n_devices, k), 0.01)
    start[:, : len(ways)] = fit.own.log_factor[:, ways]
    if ended:
        start[:, -2], start[:, -1] = fit.own.low, fit.own.high
    names = [f"log_n_{SIDES[i][0]}" for i in ways] + ["label"] * bent + ["low", "high"] * ended
    ground = np.array([base.get(name, 0.0) for name in names])
    sense = np.array([-1.0 if name.startswith("log_n") else 1.0 for name in names])
    if fit.local is not None and fit.local[0].shape == start.shape:
        # the nominal cell may have gone another way than its levels alone: of both starts the more probable one
        known, everywhere = fit.local[0] - sense * ground, np.ones(fit.n_devices, np.bool_)
        better = logs(known, everywhere) > logs(start, everywhere)
        start, errors = np.where(better[:, None], known, start), np.where(better[:, None], fit.local[1], errors)
    held = np.array([1.0] * len(ways) + [2.0] * bent + [0.3, 0.3] * ended)
    values, errors = local_fits(logs, start, errors, held)
    fit.local = values + sense * ground, errors
    plain = np.zeros(fit.n_devices, np.int64)
    groups = [Group(values[:, i], errors[:, i], plain) for i in range(len(ways))]
    step = fit.spreads["step"] = spread_of(groups, draws, rng)
    fit.prior = 0.0
    for i, way in enumerate(ways):
        centre = float(np.median(step.mus[i]))
        share = step.tau**2 / (step.tau**2 + errors[:, i] ** 2)
        own = share * (values[:, i] - centre)
        if not step.resolved:
            own = np.zeros(fit.n_devices)
        else:
            fit.prior += log_prior(own, step.tau, errors[:, i])
            own -= 0.5 * step.tau**2
            if fit.noisy or SIDES[way][0] not in fit.counted:
                fit.theta[f"log_n_{SIDES[way][0]}"] -= centre + 0.5 * step.tau**2
        fit.own.log_factor[:, way] = own
    if bent:
        label = fit.spreads["nonlinearity"] = spread_of(
            [Group(values[:, len(ways)], errors[:, len(ways)], plain)], draws, rng
        )
        share = label.tau**2 / (label.tau**2 + errors[:, len(ways)] ** 2)
        centre = float(np.median(label.mus[0]))
        fit.own.label = share * (values[:, len(ways)] - centre) if label.resolved else np.zeros(fit.n_devices)
    if ended:
        spread_hidden_ends(fit, values[:, -2:], errors[:, -2:], rng, draws)


def _is_exact(fit: Analog) -> bool:
    return not fit.noisy and bool(np.exp(fit.theta["log_sigma"]) < 1e-5)


def _compare_exact(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Compare devices without any noise: their mean steps."""
    groups = []
    for i, (way, sign) in enumerate(SIDES):
        if way in fit.abrupt + fit.absent:
            continue
        p = fit.pulses.where((fit.pulses.sign == sign) & (fit.pulses.after > fit.own.low[fit.pulses.device] + 1e-6)
                             & (fit.pulses.after < fit.own.high[fit.pulses.device] - 1e-6))  # fmt: skip
        if not len(p):
            continue
        own = Deviations.none(fit.n_devices, -np.inf, np.inf)
        cells = cells_of(fit.theta, own)
        law = cells.steps(p.before, p.device, np.full(len(p), i))[0]
        done = np.bincount(p.device, sign * (p.after - p.before), fit.n_devices)
        asked = np.bincount(p.device, law, fit.n_devices)
        ratio = np.log(np.maximum(done, 1e-12) / np.maximum(asked, 1e-12))
        fit.own.log_factor[:, i] = ratio - ratio.mean()
        groups.append(Group(ratio, np.full(len(ratio), 1e-7), np.zeros(len(ratio), np.int64)))
    if groups:
        fit.spreads["step"] = spread_of(groups, draws, rng)
