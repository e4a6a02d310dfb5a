"""The fit of a cell that moves in steps: first the nominal cell, then what differs from device to device, then both again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.fitting.choice import choose_law
from synarray.lab.fitting.climb import CLEARLY, differ, maximise_fit, maximise_quieter, total
from synarray.lab.fitting.departures import compare_devices
from synarray.lab.fitting.ends import mean_ends
from synarray.lab.fitting.grid import MOST_STATES, states_needed
from synarray.lab.fitting.model import Deviations, bounded, cells_of
from synarray.lab.fitting.noises import shape_noises
from synarray.lab.fitting.opening import begin, require_way
from synarray.lab.fitting.state import SIDES, Analog
from synarray.lab.rows.measured import Measurements

__all__ = ["Analog", "fit_analog"]

_AKAIKE = 1.0
"""Log of the likelihood ratio that one number more is worth."""
_TRIED = 8
"""Ends that are tried for each device before the climb."""

Floats = npt.NDArray[np.float64]


def fit_analog(measured: Measurements, rng: np.random.Generator, draws: int) -> Analog:
    """Fit the model of the cell to devices that move."""
    fit = begin(measured)
    if fit.noisy:
        fit = _with_law(_stopped_or_free(fit, rng, draws), rng, draws)
    else:
        maximise_fit(fit)
        shape_noises(fit)
        for _ in range(2):
            _again(fit, rng, draws)
        fit = _with_law(fit, rng, draws)
        if _may_be_noisy(fit):
            hidden = _with_law(_stopped_or_free(begin(measured, noisy=True), rng, draws), rng, draws)
            fit = hidden if hidden.stopped or total(hidden) > total(fit) + _AKAIKE else fit
    if fit.stopped and fit.noisy and not fit.gridded:
        fit.warnings.append(
            "The noises are too fine for the grid of hidden states: "
            "near the ends the fit follows their mean and variance only."
        )
    require_way(fit)
    return fit


def _with_law(fit: Analog, rng: np.random.Generator, draws: int) -> Analog:
    """Compare devices once more, and choose the law."""
    compare_devices(fit, rng, draws)
    choose_law(fit, rng, draws)
    return fit


def _may_be_noisy(fit: Analog) -> bool:
    """Whether reads may be noisy, or ends hidden behind their noise, though the steps alone do not show it."""
    return not (fit.stopped or fit.silent or fit.ends.quantised) and np.isfinite(fit.noise.read_error)


def _again(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Fit the nominal cell again, devices being what they are by themselves."""
    compare_devices(fit, rng, draws)
    require_way(fit)
    _count_pulses(fit)
    maximise_fit(fit)


def _stopped_or_free(fit: Analog, rng: np.random.Generator, draws: int) -> Analog:
    """Fit cells that ends stop and cells that none stops, and return the more probable fit.

    Devices are compared in both: a law for all would blame on the ends, or on their absence, what differs between devices.
    """
    n = fit.n_devices
    free = replace(fit, stopped=False, theta=dict(fit.theta), own=Deviations.none(n, 0.0, 0.0), spreads={}, local=None)
    maximise_fit(free)
    maximise_quieter(free)
    shape_noises(free)
    held = replace(free, stopped=True, theta=dict(free.theta), own=Deviations.none(n, 0.0, 0.0), spreads={}, local=None)
    _again(free, rng, draws)
    _find_ends(held)
    compare_devices(held, rng, draws)
    maximise_fit(held)
    held.gridded = _can_be_gridded(held)
    if held.gridded:
        maximise_fit(held)
    try:
        _again(held, rng, draws)
    except DataError:  # on its climb the range was lost: cells are not stopped by such ends
        return free
    assert free.maximum is not None and held.maximum is not None
    return held if held.maximum.value + held.prior > free.maximum.value + free.prior + CLEARLY else free


def _find_ends(fit: Analog) -> None:
    """Look for the ends that stop each device between its farthest read and the mean end of its trains."""
    trains, n = fit.trains, fit.n_devices
    for name, sign in (("low", -1), ("high", 1)):
        farthest = np.full(n, -np.inf)
        np.maximum.at(farthest, trains.device, np.nanmax(sign * trains.x, axis=0))
        mean = (mean_ends(fit.measured, sign, n)[0] - trains.origin) / trains.span
        mean = np.where(np.isfinite(mean), mean, sign * farthest)
        tried = [sign * farthest + share * (mean - sign * farthest) for share in np.linspace(0.0, 1.0, _TRIED)]
        logs = []
        for ends in tried:
            own = Deviations.none(n, -np.inf, np.inf)
            setattr(own, name, ends)
            logs.append(np.bincount(fit.units[0], fit.logs(fit.theta, own), n))
        best = np.array(tried)[np.argmax(logs, axis=0), np.arange(n)]
        fit.theta[name] = float(np.median(best))
        setattr(fit.own, name, best - fit.theta[name])


def _can_be_gridded(fit: Analog) -> bool:
    """Whether noises are wide enough for a grid of hidden states."""
    nominal = Deviations.none(fit.n_devices, fit.theta["low"], fit.theta["high"])
    return states_needed(fit.trains, cells_of(fit.theta, nominal)) <= MOST_STATES


def _count_pulses(fit: Analog) -> None:
    """Take the number of pulses of a train for the number of levels where the law agrees: it is what NeuroSim calls so.

    It agrees within three standard errors, or where the likelihood with that number is not clearly smaller: where steps crawl at
    the end, levels, curvature and end hang together, and standard errors say little.
    """
    assert fit.maximum is not None
    waiting = [way for way, _ in SIDES if f"log_n_{way}" in fit.maximum.free and fit.counts[way]]
    close = [way for way in waiting if way not in fit.counted and _is_close(fit, way)]
    if differ(fit):
        fit.counted += tuple(close)
        fit.theta |= {f"log_n_{way}": float(np.log(fit.counts[way] or 1)) for way in close}
        return
    if close:
        _try_counts(fit, close, _allowed(fit, close))
    waiting = [way for way in waiting if way not in fit.counted]
    for ways in (waiting, waiting[:1], waiting[1:]):
        if ways and not set(ways) & set(fit.counted):
            _try_counts(fit, ways, CLEARLY)


def _is_close(fit: Analog, way: str) -> bool:
    """Whether the law's number of levels is the number of pulses, within three standard errors."""
    assert fit.maximum is not None
    i = fit.maximum.free.index(f"log_n_{way}")
    step = fit.spreads.get("step")
    doubt = fit.maximum.covariance[i, i] + (step.tau**2 / fit.n_devices if step else 0.0)
    off = fit.theta[f"log_n_{way}"] - np.log(fit.counts[way] or 1)
    return bool(abs(off) < 3.0 * np.sqrt(doubt) + 1e-4)


def _try_counts(fit: Analog, ways: list[str], allowed: float) -> None:
    """Climb with numbers of pulses as numbers of levels, and keep them where that costs no more than is allowed."""
    assert fit.maximum is not None
    loose = [i for i, name in enumerate(fit.maximum.free) if name.removeprefix("log_n_") not in fit.counted]
    free, scores = [fit.maximum.free[i] for i in loose], fit.maximum.scores[:, loose]
    known = np.linalg.pinv(scores.T @ scores)
    fixed = [free.index(f"log_n_{way}") for way in ways]
    counts = {f"log_n_{way}": float(np.log(fit.counts[way] or 1)) for way in ways}
    off = np.array([counts[free[i]] - fit.theta[free[i]] for i in fixed])
    along = np.clip(known[:, fixed] @ np.linalg.pinv(known[np.ix_(fixed, fixed)]) @ off, -2.0, 2.0)
    moved = {name: bounded(name, fit.theta[name] + by) for name, by in zip(free, along.tolist(), strict=True)}
    starts = [fit.theta | counts, fit.theta | moved | counts]  # the other numbers go with the levels, or stay
    tried = max((replace(fit, theta=start, counted=(*fit.counted, *ways)) for start in starts), key=total)
    maximise_fit(tried)
    assert tried.maximum is not None
    if tried.maximum.value > fit.maximum.value - allowed:
        fit.theta, fit.counted = tried.theta, tried.counted


def _allowed(fit: Analog, ways: list[str]) -> float:
    """Log-likelihood that three standard errors are worth, errors that follow each other being wider than the model's own."""
    assert fit.maximum is not None
    own = np.maximum(np.diag(np.linalg.pinv(fit.maximum.scores.T @ fit.maximum.scores)), 1e-30)
    at = [fit.maximum.free.index(f"log_n_{way}") for way in ways]
    return float(4.5 * np.maximum(np.diag(fit.maximum.covariance)[at] / own[at], 1.0).sum()) + CLEARLY
