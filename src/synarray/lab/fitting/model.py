"""The cell's model as numbers that can be varied, and how its likelihood is maximised.

    log_n_ltp, bend_ltp, log_n_ltd, bend_ltd     pulses from end to end; 1 / A, positive where the first steps are the largest
    log_sigma, log_read                          cycle-to-cycle and read noise
    low, high                                    nominal ends in normalised conductance
    tilt_ltp, tilt_ltd, base                     how the noises depend on the state, where the data ask for it (0: they do not)

Steps of the law: a + s t with t the way gone, s = expm1(-bend / N), a = s / expm1(-bend): the soft-bound law of ``law.py``.
The climb to the maximum begins with the scores' variance in place of the curvature (Berndt, Hall, Hall and Hausman), damped, and
learns the curvature on its way (Broyden, Fletcher, Goldfarb and Shanno).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.device.curves import MOST_NONLINEAR, curvature
from synarray.lab.fitting.likelihood import Cells

__all__ = ["MOST_BENT", "Deviations", "Maximum", "bend_of", "bounded", "cells_of", "label_of", "maximise", "soft_nodes"]

Floats = npt.NDArray[np.float64]

MOST_BENT = 1.0 / curvature(MOST_NONLINEAR)
"""1 / A of the largest label."""
_MOST_LEVELS = float(np.log(1e6))
_GAIN = 1e-3
"""Of the log-likelihood: less is not worth a step (1e-3 is 0.04 standard errors)."""
_LABEL_UNIT = 0.07 * 2.0**0.5


@dataclass
class Deviations:
    """How each device departs from the nominal one."""

    log_factor: Floats  # [device, 2] LTD, LTP
    label: Floats  # [device] shift of the sizes of both labels
    low: Floats  # [device] own ends, x
    high: Floats  # [device]

    @classmethod
    def none(cls, n: int, low: float, high: float) -> Deviations:
        """Make all devices nominal."""
        return cls(np.zeros((n, 2)), np.zeros(n), np.full(n, low), np.full(n, high))


def soft_nodes(log_n: npt.ArrayLike, bend: npt.ArrayLike) -> Floats:
    """Return the steps at the beginning and at the end of the way, as shares of the range, shape (..., 2)."""
    n, k = np.exp(np.asarray(log_n, float)), np.asarray(bend, float)
    k = np.where(np.abs(k) < 1e-7, 1e-7, k)
    slope = np.expm1(np.minimum(np.maximum(-k / n, -50.0), 50.0))
    start = slope / np.expm1(np.minimum(np.maximum(-k, -700.0), 700.0))
    nodes = np.empty((*start.shape, 2))
    nodes[..., 0], nodes[..., 1] = start, start + slope
    return nodes


def label_of(bend: npt.ArrayLike) -> Floats:
    """NeuroSim's label of a curvature 1 / A, with its sign: the closed form of ``law.curvature`` the other way round.

    Examples
    --------
    >>> round(float(label_of(1 / 0.4992)), 2)
    2.4
    """
    k = np.asarray(bend, float)
    size = np.clip(np.abs(k), 1e-5, 700.0)
    b = -1.0 / np.expm1(-size)
    p = np.log(b * size) / size
    label = (b * -np.expm1(-size * p) - p) / _LABEL_UNIT
    return np.where(np.abs(k) < 1e-4, 0.0, np.sign(k) * np.minimum(label, MOST_NONLINEAR))


_BENDS = np.concatenate([np.linspace(0.0, 1.0, 400), np.geomspace(1.0, MOST_BENT, 1200)[1:]])
_LABELS = label_of(_BENDS)


def bend_of(label: npt.ArrayLike) -> Floats:
    """1 / A of labels, with their sign; by interpolation, to five digits."""
    values = np.asarray(label, float)
    return np.asarray(np.sign(values) * np.interp(np.abs(values), _LABELS, _BENDS))


def cells_of(theta: dict[str, float], own: Deviations, tables: Floats | None = None) -> Cells:
    """Make the cells of a model; ``tables`` [2, node], steps at evenly spaced states, replace its laws where they are given."""
    span = theta["high"] - theta["low"]
    count = len(own.label)
    if tables is not None:
        nodes = np.repeat((tables * span)[None], count, axis=0)
    else:
        bends = np.repeat([[theta["bend_ltd"], theta["bend_ltp"]]], count, axis=0)
        if own.label.any():
            labels = label_of(bends)
            bends = bend_of(np.copysign(np.clip(np.abs(labels) + own.label[:, None], 0.0, MOST_NONLINEAR), labels))
        nodes = soft_nodes([theta["log_n_ltd"], theta["log_n_ltp"]], bends) * span
        nodes[:, 0] = nodes[:, 0, ::-1].copy()  # LTD begins at the upper end
    return Cells(
        nodes, np.exp(own.log_factor), own.low, own.high, float(np.exp(theta["log_sigma"])) * span,
        float(np.exp(theta["log_read"])), theta["low"], theta["high"],
        (theta.get("tilt_ltd", 0.0), theta.get("tilt_ltp", 0.0)), theta.get("base", 0.0),
    )  # fmt: skip


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is greatest."""

    theta: dict[str, float]
    free: tuple[str, ...]
    covariance: Floats
    """Of the free numbers."""
    value: float
    scores: Floats
    """Derivatives of the log-likelihood of each unit by the free numbers, [unit, number]."""


def maximise(
    logs: Callable[[dict[str, float]], Floats], start: dict[str, float], free: Sequence[str],
    clusters: Sequence[npt.NDArray[np.int64]], priors: dict[str, tuple[float, float]], steps: int = 150,
    one_sided: bool = False,
) -> Maximum:  # fmt: skip
    """Climb to the maximum; the covariance is the largest, number by number, of the model's own and those over clusters.

    Parameters
    ----------
    logs : callable
        From the numbers to the log-likelihood of each unit (pulse or read).
    start : dict of str to float
    free : sequence of str
        Numbers that vary.
    clusters : list of ndarray of int64, shape (n_units,)
        Units that may depend on each other: codes of devices, of trains, of stretches of trains.
    priors : dict of str to (mean, standard deviation)
        Weak knowledge that keeps numbers finite on which the data say nothing.
    steps : int
        Most steps of the climb; most take less than 25, those along a narrow crest up to a hundred.
    one_sided : bool
        Whether derivatives are taken from differences to one side: half the price, and 0.01 standard errors off.
    """
    theta, free = dict(start), tuple(free)
    width = dict.fromkeys(free, 1e-4)
    units = logs(theta)
    damping, value = 1e-3, _total(units, theta, priors, free)
    scores, before, curve = np.zeros((1, len(free))), None, np.zeros((len(free), len(free)))
    for _ in range(steps):
        scores = _scores(logs, theta, free, width, units if one_sided else None)
        pull, square = _prior(theta, free, priors)
        around = scores - scores.mean(axis=0)  # far from the maximum their mean would make the curvature far too large
        gradient, rough = scores.sum(axis=0) + pull, around.T @ around + square
        here = np.array([theta[name] for name in free])
        curve = rough if before is None else _learned(curve, here - before[0], before[1] - gradient)
        before = here, gradient
        scale = np.maximum(np.diag(rough), 1e-12)
        width = {name: float(np.clip(0.02 / np.sqrt(s), 1e-9, 1e-2)) for name, s in zip(free, scale, strict=True)}
        gain = 0.0
        if 0.5 * float(gradient @ np.linalg.solve(curve + damping * np.diag(scale), gradient)) < _GAIN:
            break
        for _ in range(12):
            move = np.linalg.solve(curve + damping * np.diag(scale), gradient)
            tried, seen, reached = _ahead(logs, theta, free, move, priors)
            if reached > value:
                # far from the maximum steps are too short: a few reads say most of the slope, and of the curvature
                while True:
                    move = 3.0 * move
                    further, found, more = _ahead(logs, theta, free, move, priors)
                    if not more > reached + 0.1 * (reached - value):
                        break
                    tried, seen, reached = further, found, more
                gain, theta, value, damping = reached - value, tried, reached, max(damping / 5.0, 1e-9)
                units = seen
                break
            if curve is not rough:
                curve = rough
            else:
                damping *= 6.0
        if gain < _GAIN:
            break
    else:
        scores = _scores(logs, theta, free, width, units if one_sided else None)
    return Maximum(theta, free, _covariance(scores, clusters, _prior(theta, free, priors)[1]), value, scores)


def _learned(curve: Floats, move: Floats, drop: Floats) -> Floats:
    """Update the curvature by what the gradient lost on the way (Broyden, Fletcher, Goldfarb and Shanno)."""
    bent, went = float(move @ drop), curve @ move
    expected = float(move @ went)
    if not bent > 0.05 * expected > 0.0:
        return curve
    return np.asarray(curve + np.outer(drop, drop) / bent - np.outer(went, went) / expected)


def _ahead(
    logs: Callable[[dict[str, float]], Floats], theta: dict[str, float], free: Sequence[str], move: Floats,
    priors: dict[str, tuple[float, float]],
) -> tuple[dict[str, float], Floats, float]:  # fmt: skip
    """Go a way from the numbers, and say what is found there."""
    tried = theta | {
        name: bounded(name, theta[name] + min(max(by, -2.0), 2.0)) for name, by in zip(free, move.tolist(), strict=True)
    }
    units = logs(tried)
    return tried, units, _total(units, tried, priors, free)


def bounded(name: str, value: float) -> float:
    """Keep a number of the model within what a climb may reach."""
    if name.startswith("bend"):
        return min(max(value, -MOST_BENT), MOST_BENT)
    if name.startswith("log_n"):
        return min(max(value, 0.0), _MOST_LEVELS)
    if name.startswith("log_"):
        return min(max(value, -18.0), 1.5)
    if name.startswith("tilt"):
        return min(max(value, -4.0), 4.0)
    if name == "base":
        return min(max(value, 0.0), 10.0)
    return value


def _total(
    units: Floats, theta: dict[str, float], priors: dict[str, tuple[float, float]], free: Sequence[str]
) -> float:
    held = [((theta[name] - priors[name][0]) / priors[name][1]) ** 2 for name in free if name in priors]
    total = float(units.sum()) - 0.5 * sum(held)
    return total if np.isfinite(total) else -np.inf


def _prior(
    theta: dict[str, float], free: Sequence[str], priors: dict[str, tuple[float, float]]
) -> tuple[Floats, Floats]:
    pull, square = np.zeros(len(free)), np.zeros(len(free))
    for i, name in enumerate(free):
        if name in priors:
            mean, spread = priors[name]
            pull[i], square[i] = (mean - theta[name]) / spread**2, spread**-2
    return pull, np.diag(square)


def _scores(
    logs: Callable[[dict[str, float]], Floats], theta: dict[str, float], free: Sequence[str], width: dict[str, float],
    here: Floats | None,
) -> Floats:  # fmt: skip
    """Return the derivative of the log-likelihood of each unit by each number, [unit, number]; one-sided if it is known here."""
    columns = []
    for name in free:
        h = width[name]
        up = logs(theta | {name: theta[name] + h})
        down = logs(theta | {name: theta[name] - h}) if here is None else here
        columns.append((up - down) / (2.0 * h if here is None else h))
    return np.nan_to_num(np.stack(columns, axis=1), nan=0.0, posinf=0.0, neginf=0.0)


def _covariance(scores: Floats, clusters: Sequence[npt.NDArray[np.int64]], square: Floats) -> Floats:
    inverse: Floats = np.asarray(np.linalg.pinv(scores.T @ scores + square), np.float64)
    own = np.maximum(np.diag(inverse), 1e-30)
    largest = np.ones(len(own))
    for codes in clusters:
        n = int(codes.max()) + 1
        summed = np.stack([np.bincount(codes, column, n) for column in scores.T], axis=1)
        summed -= summed.mean(axis=0)
        robust = inverse @ (summed.T @ summed * n / (n - 1)) @ inverse
        largest = np.maximum(largest, np.diag(robust) / own)
    factor = np.sqrt(largest)
    return np.asarray(inverse * np.outer(factor, factor), np.float64)
