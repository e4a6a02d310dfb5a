"""The climb to the most probable numbers of the cell, and what is known of them there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.model import Deviations, Maximum, maximise
from synarray.lab.fitting.state import SIDES, Analog

__all__ = ["CLEARLY", "differ", "maximise_fit", "maximise_quieter", "total"]

CLEARLY = 4.0
"""Log of the likelihood ratio at which one explanation is clearly more probable than another."""
_LESS = 2.0
"""Log of the ratio of the noises that a second climb begins with less."""

Floats = npt.NDArray[np.float64]


def differ(fit: Analog) -> bool:
    """Whether devices differ in their steps; the mean of those measured then need not be that of all."""
    return "step" in fit.spreads and fit.spreads["step"].resolved


def total(fit: Analog) -> float:
    """Log-likelihood of all that was read, with the probability of the devices' departures."""
    return float(fit.logs(fit.theta, fit.placed(fit.theta)).sum()) + fit.prior


def _free(fit: Analog) -> list[str]:
    if fit.silent:
        return []
    free = []
    for way, _ in SIDES:
        if way not in fit.abrupt + fit.absent and not fit.step_law.tabulated:
            fixed = way in fit.counted and not differ(fit)
            free += ([] if fixed else [f"log_n_{way}"]) + ([] if fit.step_law.straight else [f"bend_{way}"])
    free.append("log_sigma")
    if fit.noisy:
        free += ["log_read", "low", "high"]
    return [*free, *fit.shapes]


def maximise_fit(fit: Analog) -> None:
    """Climb to the maximum in the numbers of the law and of the noises; devices keep what they have of their own."""
    priors = {"log_sigma": (-4.0, 8.0), "low": (0.0, 1.0), "high": (1.0, 1.0), "log_read": (-4.0, 8.0)}
    if fit.noisy and not fit.stopped:
        priors |= fit.train_ends
    priors |= dict.fromkeys(fit.shapes, (0.0, 2.0))
    for way, _ in SIDES:
        count = fit.counts[way]
        priors[f"log_n_{way}"] = (float(np.log(count)) if count else fit.theta[f"log_n_{way}"], 1.0)
        priors[f"bend_{way}"] = (0.0, 20.0)
        if way in fit.counted and differ(fit):
            spread = fit.spreads["step"].tau / np.sqrt(fit.n_devices)
            priors[f"log_n_{way}"] = (priors[f"log_n_{way}"][0], float(spread))

    if fit.silent:
        fit.maximum = Maximum(fit.theta, (), np.zeros((0, 0)), 0.0, np.zeros((1, 0)))
        return

    def logs(theta: dict[str, float]) -> Floats:
        return fit.logs(theta, fit.placed(theta))

    fit.maximum = maximise(logs, fit.theta, _free(fit), fit.clusters, priors, one_sided=fit.gridded)
    fit.theta = fit.maximum.theta
    if fit.noisy and fit.local is not None:
        fit.maximum = _with_departures(fit, fit.maximum)


def maximise_quieter(fit: Analog) -> None:
    """Climb again from where pulses have less noise: what they leave to that of the reads may have a maximum of its own."""
    quiet = replace(fit, theta=fit.theta | {"log_sigma": fit.theta["log_sigma"] - _LESS})
    maximise_fit(quiet)
    assert fit.maximum is not None and quiet.maximum is not None
    if quiet.maximum.value > fit.maximum.value:
        fit.theta, fit.maximum = quiet.theta, quiet.maximum


def _with_departures(fit: Analog, found: Maximum) -> Maximum:
    """Widen what is known of curvatures by what is not known of the devices' own steps and ends.

    Of all devices together the information is that of the scores' squares, each having its share of it; the departures, normal
    with the spreads found, are integrated out (Schur's complement).
    """
    assert fit.local is not None
    ways = [i for i, (way, _) in enumerate(SIDES) if way not in fit.abrupt + fit.absent]
    spreads, columns, taus = fit.spreads, [], []
    h = np.clip(0.02 * np.median(fit.local[1], axis=0), 1e-7, 1e-2)

    def by(change: Callable[[Deviations, float], None], width: float) -> Floats:
        logs = []
        for side in (1.0, -1.0):
            own = fit.placed(fit.theta)
            own = replace(own, log_factor=own.log_factor.copy(), low=own.low.copy(), high=own.high.copy())
            change(own, side * width)
            logs.append(fit.logs(fit.theta, own))
        return np.asarray((logs[0] - logs[1]) / (2.0 * width))

    def step(own: Deviations, by: float, way: int) -> None:
        own.log_factor[:, way] += by

    def end(own: Deviations, by: float, name: str) -> None:
        setattr(own, name, getattr(own, name) + by)

    if "step" in spreads and spreads["step"].resolved:
        for i, way in enumerate(ways):
            columns.append(by(partial(step, way=way), h[i]))
            taus.append(spreads["step"].tau)
    if fit.stopped and "range" in spreads and spreads["range"].resolved:
        ground = fit.trains.origin / fit.trains.span
        for i, name in ((-2, "low"), (-1, "high")):
            columns.append(by(partial(end, name=name), h[i]))
            taus.append(spreads["range"].tau * max(ground + fit.theta[name], 1e-9))
    if not columns:
        return found
    own = np.stack(columns, axis=1)
    known = found.scores.T @ found.scores
    known += 1e-9 * np.diag(np.diag(known))
    cross = found.scores.T @ own
    free = own.T @ own + fit.n_devices * np.diag(np.array(taus) ** -2.0)
    ratio = np.diag(np.linalg.pinv(known - cross @ np.linalg.solve(free, cross.T))) / np.diag(np.linalg.pinv(known))
    bent = np.array([name.startswith("bend") for name in found.free])
    robust = np.diag(found.covariance) / np.diag(np.linalg.pinv(known))
    factor = np.sqrt(np.where(bent, np.maximum(ratio / np.maximum(robust, 1.0), 1.0), 1.0))
    return replace(found, covariance=found.covariance * np.outer(factor, factor))
