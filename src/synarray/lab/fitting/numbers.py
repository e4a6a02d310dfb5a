"""From the fitted model to the device's own numbers: draws of all of them together, and their intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.device.curves import MOST_NONLINEAR
from synarray.lab.fitting.choice import drawn_tables, steps_of
from synarray.lab.fitting.effects import Spread
from synarray.lab.fitting.model import label_of
from synarray.lab.fitting.noises import read_in_the_middle, root_mean_square
from synarray.lab.fitting.residuals import follow, heavy, residuals_of, widened
from synarray.lab.fitting.result import DRAWS, Estimate
from synarray.lab.fitting.state import SIDES, Analog
from synarray.lab.fitting.trains import scatter_at_ends, train_ends

__all__ = ["Numbers", "analog_numbers", "estimate", "shares"]

UNKNOWN = 5.0
"""Upper end of the interval of a relative spread on which the data say nothing: the largest that a device may have."""
_ACROSS, _NEARLY, _EARLIER = 0.99, 0.95, 0.8
"""Share of the way after which a table is across; that which a train must have come that counts for it; and of how many pulses
less it must not have come across."""
_LOOSE = 0.4
"""Standard error of the log of a noise from which on it may be none, and no curvature tells its interval."""
_HALF = 2.0
"""Factor on variances where read errors follow each other: reads then count for half as many (errors alike by a third)."""
_TINY = 1e-6
"""No interval is narrower than this share of its value: reads have so many digits."""
_BENDS = np.geomspace(1e-3, 200.0, 700)
"""Curvatures that tables are compared with."""
_ALIKE = 6.0
"""Pulses over which the difference of two shapes keeps its sign, about."""

Floats = npt.NDArray[np.float64]
Draws = dict[str, Floats]
_FAR, _OFF = 4.0, 0.2
"""Spreads, and share of itself, by which the mean end of the trains lies beyond the law's end where the law misses it."""


class Numbers(NamedTuple):
    """Estimates by name, draws of those that are not certain, and responses of the table law."""

    table: dict[str, Estimate]
    draws: Draws
    responses: list[tuple[Any, ...]]


def estimate(value: float, draws: Floats | None = None) -> Estimate:
    """Put the interval of the draws around a value; both ends include it."""
    if draws is None or not len(draws):
        return Estimate(value, value, value)
    low, high = (float(q) for q in np.percentile(draws, [2.5, 97.5]))
    room = _TINY * abs(value)
    return Estimate(value, min(low, value - room), max(high, value + room))


def shares(hits: int, tries: int, rng: np.random.Generator, count: int) -> tuple[Estimate, Floats]:
    """Estimate a probability: the exact interval of Clopper and Pearson, and draws from Jeffreys' posterior."""
    from scipy.special import betaincinv  # the quantile of the beta distribution, without all of scipy.stats (a second)

    low = float(betaincinv(hits, tries - hits + 1, 0.025)) if hits else 0.0
    high = float(betaincinv(hits + 1, tries - hits, 0.975)) if hits < tries else 1.0
    value = hits / tries if tries else 0.0
    return Estimate(value, low, high), rng.beta(hits + 0.5, tries - hits + 0.5, count)


def analog_numbers(fit: Analog, rng: np.random.Generator, count: int) -> Numbers:
    """Turn the fit of a cell that moves in steps into the numbers of a device."""
    drawn = _model_draws(fit, rng, count)
    table: dict[str, Estimate] = {}
    draws: Draws = {}

    def put(name: str, value: float, values: Floats | None) -> None:
        table[name] = estimate(value, values)
        if values is not None and np.ptp(values) > 0:
            draws[name] = values

    responses = _responses(fit, rng) if fit.step_law.tabulated else []
    _put_range(fit, drawn, put, rng)
    for way, sign in (("ltp", 1.0), ("ltd", -1.0)):
        of = "ltp" if way in fit.absent and way == "ltd" else "ltd" if way in fit.absent else way
        _put_law(fit, drawn, way, of, sign, put, table)
        if responses and of not in fit.abrupt:
            _put_levels(fit, responses, way, fit.counts[of], table, rng)
    _share_range(fit, drawn, table, draws)
    silent = not fit.noisy and fit.theta["log_sigma"] < -15  # behind read noise it is never known to be none
    point = {name: np.asarray(value) for name, value in fit.theta.items()}
    if silent:
        put("sigma_c2c", 0.0, None)
    else:
        value, values = (np.exp(of["log_sigma"]) * root_mean_square(of) for of in (point, drawn))
        if not fit.noisy and heavy(left := residuals_of(fit)):
            wider, several = widened(left, rng, count)
            value, values = value * wider, values * several
        put("sigma_c2c", min(float(value), 1.0), np.minimum(values, 1.0))
    _put_read(fit, drawn, put, table)
    for name, key in (
        ("step", "sigma_d2d_step"),
        ("range", "sigma_d2d_range"),
        ("nonlinearity", "sigma_d2d_nonlinearity"),
    ):
        _put_spread(fit, name, key, put, table)
    table["p_fail"] = shares(*fit.failures, rng, 1)[0] if fit.failures[0] else Estimate(0.0, 0.0, _no_failure(fit))
    return Numbers(table, draws, responses)


def _no_failure(fit: Analog) -> float:
    """Upper end for the failures where none was seen; behind read noise or coarse reads nothing is known."""
    return UNKNOWN / 10 if fit.noisy or fit.ends.quantised else 3.7 / max(len(fit.pulses), 4)


def _model_draws(fit: Analog, rng: np.random.Generator, count: int) -> Draws:
    """Draw the model's numbers: Student's t with a degree of freedom less than there are devices (or trains, or stretches).

    Stretches of a few trains share all numbers of the law, each of which takes another one.
    """
    assert fit.maximum is not None
    clusters = int(fit.clusters[0].max()) + 1 if fit.clusters else 0
    taken = 1 if clusters <= len(fit.trains.device) else len(fit.maximum.free)
    dof = max(clusters - taken, 3)
    covariance = fit.maximum.covariance
    if fit.noisy and fit.stopped and follow(residuals_of(fit)):
        covariance = covariance * _HALF
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = rng.standard_normal((count, len(values))) @ root.T
    wide = normal / np.sqrt(rng.chisquare(dof, count) / dof)[:, None]
    drawn = {name: np.full(count, value) for name, value in fit.theta.items()}
    for name, column in zip(fit.maximum.free, wide.T, strict=True):
        if name.removeprefix("log_n_") not in fit.counted:
            drawn[name] = drawn[name] + column
    if fit.curved is not None:  # what another law leaves of the curvature
        errors = np.sqrt(np.diag(fit.curved.covariance))
        for name, error in zip(fit.curved.free, errors, strict=True):
            if name.startswith("bend"):
                drawn[name] = fit.curved.theta[name] + error * rng.standard_t(dof, count)
    for name in ("log_sigma", "log_read"):
        if name in fit.maximum.free and (covariance[i := fit.maximum.free.index(name), i] > _LOOSE**2):
            drawn[name] = _profile_draws(fit, name, rng, count)
    step = fit.spreads.get("step")
    if step is not None and step.resolved:
        ways = [way for way in ("ltd", "ltp") if way not in fit.abrupt + fit.absent]
        for mus, way in zip(step.mus, ways, strict=False):
            away = mus[:count] - np.median(mus) + 0.5 * (step.taus[:count] ** 2 - step.tau**2)
            drawn["log_sigma"] += away / len(ways)
            if way not in fit.counted:
                drawn[f"log_n_{way}"] -= away
    return drawn


def _profile_draws(fit: Analog, name: str, rng: np.random.Generator, count: int) -> Floats:
    """Draw a noise that may be none from its likelihood over the whole scale, even in its size."""
    sizes = np.exp(fit.theta[name]) + np.geomspace(1e-6, 1.0, 60)
    sizes = np.concatenate([np.exp(fit.theta[name]) * np.linspace(0.02, 1.0, 8), sizes])
    logs = np.array([float(fit.logs(t := fit.theta | {name: float(np.log(s))}, fit.placed(t)).sum()) for s in sizes])
    width = np.gradient(sizes) * np.exp(logs - logs.max())
    reached = np.cumsum(width) / width.sum()
    return np.asarray(np.log(np.maximum(np.interp(rng.random(count), reached, sizes), 1e-9)))


def _put_range(fit: Analog, drawn: Draws, put: Any, rng: np.random.Generator) -> None:
    origin, span = fit.trains.origin, fit.trains.span
    spread = fit.spreads.get("range")
    names = list(fit.centres)
    middle = (max(origin + span * fit.theta["low"], 0.0) + origin + span * fit.theta["high"]) / 2.0
    for name, key in (("low", "g_min"), ("high", "g_max")):
        value = max(origin + span * fit.theta[name], 0.0)
        draws = origin + span * drawn[name]
        if spread is not None and name in names and (spread.resolved or not (fit.stopped or fit.noisy)):
            draws = fit.centres[name] * spread.mus[names.index(name)]
        elif spread is not None and spread.resolved and fit.noisy:
            i = min(("low", "high").index(name), len(spread.mus) - 1)
            draws = draws + value * (spread.mus[i] - np.median(spread.mus[i]))
        if fit.n_devices == 1 and not (fit.stopped or fit.noisy):
            sign = -1 if name == "low" else 1
            several = np.sqrt(max(len(train_ends(fit.measured, sign)[0]), 1))
            known = min(scatter_at_ends(fit.measured, sign), span * np.sqrt(fit.noise.step + max(fit.noise.read, 0.0)))
            draws = draws + known / several * rng.standard_normal(len(draws))
        reached = _reached(fit, name, value, draws)
        if reached is not None:
            value, draws = reached[0], reached[0] + reached[1] * rng.standard_normal(len(draws))
            middle = value if name == "low" else 0.0
        elif fit.noisy:
            draws = draws + _doubt_of_law(fit, name, value) * rng.standard_normal(len(draws))
        put(key, value, np.clip(draws, 0.0, middle) if name == "low" else np.maximum(draws, middle))


class _Ends(NamedTuple):
    """Reads at the ends of the trains of one way."""

    mean: float
    spread: float
    """Of one of them; where there are one or two, the scatter around them."""
    n: int
    n_devices: int


def _trains_ends(fit: Analog, name: str) -> _Ends | None:
    """Return what was read at the ends of the LTD trains (``low``) or the LTP trains (``high``); None: there are none."""
    sign = -1 if name == "low" else 1
    ends, device = train_ends(fit.measured, sign)
    if not len(ends):
        return None
    spread = float(np.std(ends)) if len(ends) > 2 else scatter_at_ends(fit.measured, sign)
    return _Ends(float(np.mean(ends)), spread, len(ends), len(np.unique(device)))


def _reached(fit: Analog, name: str, value: float, draws: Floats) -> tuple[float, float] | None:
    """Return the mean read at the end of the trains, and its error, where the law's end is far within what cells reached."""
    ends = _trains_ends(fit, name)
    if ends is None:
        return None
    low, high = np.percentile(draws, [2.5, 97.5])
    short = low > ends.mean + _FAR * ends.spread if name == "low" else high < ends.mean - _FAR * ends.spread
    if not short or abs(value - ends.mean) < _OFF * ends.mean:
        return None
    end, way = ("lower", "LTD") if name == "low" else ("upper", "LTP")
    fit.warnings.append(
        f"The law misses the {end} end of the range: {way} trains end at {ends.mean:.3g} S, where it has {value:.3g} S. "
        "The end is that of the trains; the other numbers describe the device badly."
    )
    return ends.mean, ends.spread / np.sqrt(ends.n_devices)


def _doubt_of_law(fit: Analog, name: str, value: float) -> float:
    """Return by how much an end behind read noise may be wrong because the law is (a standard deviation, S).

    A table has no form that leads beyond the reads: the way from its end to those at the trains' ends, and their error. A formula
    may lead beyond them; only what it leaves short of them is wrong.
    """
    ends = _trains_ends(fit, name)
    if ends is None:
        return 0.0
    beyond = ends.mean - value if name == "low" else value - ends.mean
    if fit.tables is None:
        return max(-beyond, 0.0)
    return float(np.hypot(beyond, ends.spread / np.sqrt(ends.n)))


def _share_range(fit: Analog, drawn: Draws, table: dict[str, Estimate], draws: Draws) -> None:
    """Let the noise, a share of the range, go with the range that was drawn, where devices differ in it."""
    spread = fit.spreads.get("range")
    if spread is not None and spread.resolved and {"g_min", "g_max"} <= draws.keys():
        span = draws["g_max"] - draws["g_min"]
        known = table["g_max"].value - table["g_min"].value
        drawn["log_sigma"] = drawn["log_sigma"] - np.log(np.maximum(span, 0.1 * known) / known)


def _put_law(fit: Analog, drawn: Draws, way: str, of: str, sign: float, put: Any, table: dict[str, Estimate]) -> None:
    bend, bends = fit.theta[f"bend_{of}"], drawn[f"bend_{of}"]
    label, labels = sign * float(label_of(bend)) + 0.0, sign * label_of(bends) + 0.0
    n = float(np.exp(fit.theta[f"log_n_{of}"]))
    certain = of in fit.counted + fit.abrupt
    if of in fit.counted:
        n = float(fit.counts[of] or n)
    if abs(n - round(n)) < 1e-6:
        n = float(round(n))
    put(f"n_levels_{way}", min(max(n, 1.0), 1e6), None if certain else np.clip(np.exp(drawn[f"log_n_{of}"]), 1.0, 1e6))
    if of in fit.abrupt:
        table[f"nonlinearity_{way}"] = Estimate(0.0, 0.0, 0.0)
    elif fit.step_law.straight:
        table[f"nonlinearity_{way}"] = estimate(0.0, labels)
    else:
        put(f"nonlinearity_{way}", label, labels)


def _put_levels(
    fit: Analog, responses: list[tuple[Any, ...]], way: str, count: int | None, table: dict[str, Estimate],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Count the pulses from end to end of the table and of its draws, and take the label of the exponential next to each."""
    nodes = fit.nodes if way == "ltp" else 1.0 - fit.nodes[::-1]
    paths = [_path(np.array(ltp if way == "ltp" else ltd[::-1]), nodes, count) for _, ltp, ltd in responses]
    counted = np.array([float(len(path) - 1) for path in paths])
    found = estimate(float(counted[0]), counted)
    doubt = 0.0 if counted[0] == count and np.ptp(counted) == 0 else 0.5  # pulses are whole
    table[f"n_levels_{way}"] = Estimate(found.value, max(found.low - doubt, 1.0), found.high + doubt)
    found_labels = np.array([_label_of(path) for path in paths])
    labels = (1.0 if way == "ltp" else -1.0) * found_labels[:, 0] + found_labels[:, 1] * rng.standard_normal(len(paths))
    value = (1.0 if way == "ltp" else -1.0) * float(found_labels[0, 0])
    table[f"nonlinearity_{way}"] = estimate(value, np.clip(labels, -MOST_NONLINEAR, MOST_NONLINEAR))


def _put_read(fit: Analog, drawn: Draws, put: Any, table: dict[str, Estimate]) -> None:
    if fit.noisy:
        middle = (fit.theta["low"] + fit.theta["high"]) / 2.0 + fit.trains.origin / fit.trains.span
        point = {name: np.asarray(value) for name, value in fit.theta.items()}
        value = float(np.exp(point["log_read"]) * read_in_the_middle(point, middle))
        base = fit.theta.get("base", 0.0)  # the two go together; their logarithm is what a climb knows
        off = drawn["log_read"] - point["log_read"] + (drawn.get("base", base) - base) / max(middle + base, 1e-9)
        put("sigma_read", min(value, UNKNOWN), np.minimum(value * np.exp(np.clip(off, -10.0, 10.0)), UNKNOWN))
        return
    level = float(np.nanmean(fit.trains.x)) + fit.trains.origin / fit.trains.span
    stopped = fit.stopped and not fit.ends.quantised
    doubt = 0.0 if stopped else np.sqrt(max(fit.noise.read + 2.0 * min(fit.noise.read_error, 1.0), 0.0))
    scatter = float(
        np.percentile(np.exp(drawn["log_sigma"]), 97.5)
    )  # of the steps, which reads may have caused, but no more
    table["sigma_read"] = Estimate(0.0, 0.0, min(min(float(doubt), scatter) / max(level, 1e-9), UNKNOWN))


def _put_spread(fit: Analog, name: str, key: str, put: Any, table: dict[str, Estimate]) -> None:
    spread: Spread | None = fit.spreads.get(name)
    if spread is None or fit.n_devices < 3:
        known = name == "nonlinearity" and fit.step_law.straight and fit.n_devices >= 3
        table[key] = Estimate(0.0, 0.0, 0.0 if known else UNKNOWN)
        return

    def turn(tau: npt.ArrayLike) -> Floats:
        """Of a log-normal factor, its relative spread."""
        values = np.asarray(tau, float)
        return np.asarray(np.sqrt(np.expm1(np.minimum(values, 2.0) ** 2))) if name == "step" else values

    if spread.resolved:
        put(key, min(float(turn(spread.tau)), UNKNOWN), np.minimum(turn(spread.taus), UNKNOWN))
    else:
        table[key] = Estimate(0.0, 0.0, min(float(np.percentile(turn(spread.taus), 97.5)), UNKNOWN))


def _path(steps: Floats, nodes: Floats, count: int | None) -> Floats:
    """Follow a table from end to end; as far as the trains, where one of as many pulses ends there and not long before.

    Across is 99 % of the way: where a table crawls, the last part takes pulses without end.
    """
    gone, path = 0.0, [0.0]
    while len(path) <= 20_000 and (gone < _ACROSS or len(path) <= (count or 0)):
        gone = min(gone + max(float(np.interp(gone, nodes, steps)), 1e-6), 1.0)
        path.append(gone)
    if count and path[count] > _NEARLY and path[int(_EARLIER * count)] < _ACROSS:
        return np.array(path[: count + 1])
    return np.array(path[: int(np.argmax(np.array(path) >= _ACROSS) or len(path) - 1) + 1])


def _label_of(path: Floats) -> tuple[float, float]:
    """Return the label of the exponential nearest to a path (least squares), and what the path's other shape leaves open."""
    bends = np.concatenate([-_BENDS[::-1], _BENDS])
    p = np.linspace(0.0, 1.0, len(path))
    with np.errstate(over="ignore", invalid="ignore"):
        curves = np.expm1(-bends[:, None] * p) / np.expm1(-bends[:, None])
    left = ((curves - path / path[-1]) ** 2).sum(axis=1)
    best = int(left.argmin())
    near = np.flatnonzero(left <= left[best] * (1.0 + _ALIKE / len(path)))  # errors of a shape follow each other
    ends = label_of(bends[near[[0, -1]]])
    return float(label_of(bends[best])), float(np.ptp(ends)) / 2.0


def _responses(fit: Analog, rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Return the table, and draws of it."""
    x = fit.nodes.tolist()
    assert fit.tables is not None
    rows = []
    for i, (way, sign) in enumerate(SIDES):
        steps = steps_of(fit, way, sign)
        drawn = drawn_tables(steps, fit.nodes, way, DRAWS, rng) if steps is not None else []
        own = fit.tables[i]
        rows.append([own, *(row[:: 1 if way == "ltp" else -1] for row in drawn)] if drawn else [own] * (DRAWS + 1))
    return [(x, _rounded(ltp), _rounded(ltd)) for ltd, ltp in zip(*rows, strict=True)]


def _rounded(steps: Floats) -> list[float]:
    return [float(f"{min(max(v, 0.0), 1.0):.6g}") for v in steps]
