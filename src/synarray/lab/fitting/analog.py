"""The fit of a cell that moves in steps: first the nominal cell, then what differs from device to device, then both again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.choice import NODES, Steps, choose, fit_table
from synarray.lab.fitting.effects import Group, spread_of
from synarray.lab.fitting.ends import compare_ends, log_prior, mean_ends, spread_hidden_ends
from synarray.lab.fitting.grid import MOST_STATES, expected, states_needed
from synarray.lab.fitting.likelihood import nearly_expected
from synarray.lab.fitting.local import local_fits
from synarray.lab.fitting.model import Deviations, Maximum, cells_of, maximise
from synarray.lab.fitting.opening import begin, require_way
from synarray.lab.fitting.state import SIDES, Analog
from synarray.lab.rows.measured import Measurements

__all__ = ["Analog", "fit_analog", "steps_of"]

_FEWEST_DEVICES = 3
_CLEARLY = 4.0
"""Log of the likelihood ratio at which ends are taken to stop the cells."""
_AKAIKE = 2.0**0.5
"""Standard errors from which on a curvature tells more than it costs: where Akaike's criterion takes one number more."""
_TRIED = 8
"""Ends that are tried for each device before the climb."""

Floats = npt.NDArray[np.float64]


def fit_analog(measured: Measurements, rng: np.random.Generator, draws: int) -> Analog:
    """Fit the model of the cell to devices that move."""
    fit = begin(measured)
    if fit.noisy:
        fit = _stopped_or_free(fit, rng, draws)
    elif _may_hide_ends(fit):
        hidden = _stopped_or_free(begin(measured, noisy=True), rng, draws)
        fit = hidden if hidden.stopped else fit
    if fit.noisy:
        if fit.stopped and not fit.gridded:
            fit.warnings.append(
                "The noises are too fine for the grid of hidden states: "
                "near the ends the fit follows their mean and variance only."
            )
    else:
        _maximise(fit)
        for _ in range(2):
            _again(fit, rng, draws)
    _compare_devices(fit, rng, draws)
    _choose_law(fit)
    return fit


def _may_hide_ends(fit: Analog) -> bool:
    """Whether cells never seen twice at one end may have stood there, behind read noise too small to be seen by itself."""
    return not (fit.stopped or fit.silent or fit.ends.quantised) and np.isfinite(fit.noise.read_error)


def _again(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Fit the nominal cell again, devices being what they are by themselves."""
    _compare_devices(fit, rng, draws)
    require_way(fit)
    _count_pulses(fit)
    _maximise(fit)


def _stopped_or_free(fit: Analog, rng: np.random.Generator, draws: int) -> Analog:
    """Fit cells that ends stop and cells that none stops, and return the more probable fit.

    Devices are compared in both: a law for all would blame on the ends, or on their absence, what differs between devices.
    """
    n = fit.n_devices
    free = replace(fit, stopped=False, theta=dict(fit.theta), own=Deviations.none(n, 0.0, 0.0), spreads={}, local=None)
    _maximise(free)
    held = replace(free, stopped=True, theta=dict(free.theta), own=Deviations.none(n, 0.0, 0.0), spreads={}, local=None)
    _again(free, rng, draws)
    _find_ends(held)
    _compare_devices(held, rng, draws)
    _maximise(held)
    held.gridded = _can_be_gridded(held)
    if held.gridded:
        _maximise(held)
    _again(held, rng, draws)
    assert free.maximum is not None and held.maximum is not None
    return held if held.maximum.value + held.prior > free.maximum.value + free.prior + _CLEARLY else free


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
            logs.append(np.bincount(trains.device, fit.logs(fit.theta, own), n))
        best = np.array(tried)[np.argmax(logs, axis=0), np.arange(n)]
        fit.theta[name] = float(np.median(best))
        setattr(fit.own, name, best - fit.theta[name])


def _can_be_gridded(fit: Analog) -> bool:
    """Whether noises are wide enough for a grid of hidden states."""
    nominal = Deviations.none(fit.n_devices, fit.theta["low"], fit.theta["high"])
    return states_needed(fit.trains, cells_of(fit.theta, nominal)) <= MOST_STATES


def _differ(fit: Analog) -> bool:
    """Whether devices differ in their steps; the mean of those measured then need not be that of all."""
    return "step" in fit.spreads and fit.spreads["step"].resolved


def _free(fit: Analog) -> list[str]:
    if fit.silent:
        return []
    free = []
    for way, _ in SIDES:
        if way not in fit.abrupt + fit.absent:
            fixed = way in fit.counted and not _differ(fit)
            free += [f"bend_{way}"] if fixed else [f"log_n_{way}", f"bend_{way}"]
    free.append("log_sigma")
    if fit.noisy:
        free.append("log_read")
        if fit.stopped:
            free += ["low", "high"]
    return free


def _maximise(fit: Analog) -> None:
    priors = {"log_sigma": (-4.0, 8.0), "low": (0.0, 1.0), "high": (1.0, 1.0), "log_read": (-4.0, 8.0)}
    for way, _ in SIDES:
        count = fit.counts[way]
        priors[f"log_n_{way}"] = (float(np.log(count)) if count else fit.theta[f"log_n_{way}"], 1.0)
        priors[f"bend_{way}"] = (0.0, 20.0)
        if way in fit.counted and _differ(fit):
            spread = fit.spreads["step"].tau / np.sqrt(fit.n_devices)
            priors[f"log_n_{way}"] = (priors[f"log_n_{way}"][0], float(spread))

    if fit.silent:
        fit.maximum = Maximum(fit.theta, (), np.zeros((0, 0)), 0.0, np.zeros((1, 0)))
        return

    def logs(theta: dict[str, float]) -> Floats:
        return fit.logs(theta, fit.placed(theta))

    fit.maximum = maximise(logs, fit.theta, _free(fit), fit.clusters, priors)
    fit.theta = fit.maximum.theta
    if fit.noisy and fit.local is not None:
        fit.maximum = _with_departures(fit, fit.maximum)


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


def _compare_devices(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Fit each device's own factors, labels and ends; tell their spread from the uncertainty; keep what is resolved."""
    compare_ends(fit, rng, draws)
    if fit.n_devices < _FEWEST_DEVICES or np.exp(fit.theta["log_sigma"]) < 1e-5:
        if fit.n_devices >= _FEWEST_DEVICES:
            _compare_exact(fit, rng, draws)
        return
    ways = [i for i, (way, _) in enumerate(SIDES) if way not in fit.abrupt + fit.absent]
    bent = not fit.noisy and fit.n_devices >= 5 and all(abs(fit.theta[f"bend_{w}"]) > 0.3 for w, _ in SIDES)
    ended = fit.noisy and fit.stopped
    k = len(ways) + bent + 2 * ended
    units = fit.trains.device if fit.noisy else fit.pulses.device
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
        start, errors = fit.local[0] - sense * ground, fit.local[1]
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


def _count_pulses(fit: Analog) -> None:
    """Take the number of pulses of a train for the number of levels where the law agrees: it is what NeuroSim calls so."""
    assert fit.maximum is not None
    step = fit.spreads.get("step")
    counted = []
    for way, _ in SIDES:
        name, count = f"log_n_{way}", fit.counts[way]
        if way in fit.counted:
            counted.append(way)
        elif count and name in fit.maximum.free:
            i = fit.maximum.free.index(name)
            doubt = fit.maximum.covariance[i, i] + (step.tau**2 / fit.n_devices if step else 0.0)
            if abs(fit.theta[name] - np.log(count)) < 3.0 * np.sqrt(doubt) + 1e-4:
                counted.append(way)
                fit.theta[name] = float(np.log(count))
    fit.counted = tuple(counted)


def _choose_law(fit: Analog) -> None:
    """Choose by what is left out; a table is fitted where it wins, and the noises again with it."""
    if fit.silent:
        fit.law = "linear" if all(abs(fit.theta[f"bend_{way}"]) < 1e-3 for way, _ in SIDES) else "soft-bound"
        return
    sides = {way: steps for way, sign in SIDES if (steps := steps_of(fit, way, sign)) is not None}
    if not sides:
        return
    fit.law, fit.scores = choose(list(sides.values()))
    if fit.step_law.straight and fit.maximum is not None:
        for way, _ in SIDES:
            if (name := f"bend_{way}") in fit.maximum.free:
                i = fit.maximum.free.index(name)
                if abs(fit.theta[name]) > _AKAIKE * np.sqrt(fit.maximum.covariance[i, i]):
                    fit.law = "soft-bound"
    if fit.step_law.tabulated:
        flat = np.full(NODES, 1.0)
        ltp = fit_table(sides["ltp"]) if "ltp" in sides else flat
        ltd = fit_table(sides["ltd"])[::-1] if "ltd" in sides else flat if "ltd" in fit.abrupt else ltp[::-1]
        fit.tables = np.stack([ltd, ltp])


def steps_of(fit: Analog, way: str, sign: int) -> Steps | None:
    """Return the steps of a polarity that no end can have cut short, from the best known state before each."""
    if way in fit.abrupt + fit.absent:
        return None
    cells = cells_of(fit.theta, fit.placed(fit.theta))
    low, span = fit.theta["low"], fit.theta["high"] - fit.theta["low"]
    if fit.noisy:
        before = expected(fit.trains, cells) if fit.gridded else nearly_expected(fit.trains, cells)
        there = np.isfinite(fit.trains.x[1:]) & (fit.trains.sign[1:] == sign)
        train = np.broadcast_to(np.arange(len(fit.trains.device)), there.shape)[there]
        states, moves = before[:-1][there], sign * (fit.trains.x[1:][there] - before[:-1][there])
        device = fit.trains.device[train]
    else:
        p = fit.pulses.where(fit.pulses.sign == sign)
        states, moves, device, train = p.before, sign * (p.after - p.before), p.device, p.train
    factor = cells.factor[device, int(sign > 0)]
    reach = states + sign * factor * cells.steps(states, device, np.full(len(states), int(sign > 0)))[0]
    clear = 4.0 * max(cells.sigma, 1e-9) + (3.0 * np.sqrt(fit.noise.read) if fit.noisy else 0.0)
    free = (reach < cells.high[device] - clear) & (reach > cells.low[device] + clear)
    if np.count_nonzero(free) < 4:
        return None
    gone = np.clip((states - low) / span, 0.0, 1.0)
    gone = gone if sign > 0 else 1.0 - gone
    cluster = device if fit.n_devices > 1 else train
    return Steps(gone[free], moves[free] / factor[free] / span, factor[free] ** 2, cluster[free])
