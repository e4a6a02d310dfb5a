"""Intervals of 95 % from few runs, by Student's t: of one more run, and of the mean of paired differences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Estimate", "of_mean", "of_one_more", "of_one_more_factor"]

_LEVEL = 0.975


class Estimate(NamedTuple):
    """A number and its interval; None where there is only one run."""

    value: float
    low: float | None
    high: float | None


def of_one_more(values: npt.ArrayLike, error: float = 0.0) -> Estimate:
    """Mean of some runs, and where one more run would lie: t s sqrt(1 + 1/n), with an independent error added in squares.

    Parameters
    ----------
    values : array_like, shape (n,)
    error : float
        Half width of 95 % of what all runs have in common, such as the choice of test images.

    Examples
    --------
    >>> [round(x, 3) for x in of_one_more([1.0, 2.0, 3.0])]
    [2.0, -2.968, 6.968]
    """
    x = np.asarray(values, float)
    mean = float(x.mean())
    if len(x) < 2:
        return Estimate(mean, mean - error, mean + error) if error else Estimate(mean, None, None)
    half = float(np.hypot(_t(len(x)) * x.std(ddof=1) * np.sqrt(1.0 + 1.0 / len(x)), error))
    return Estimate(mean, mean - half, mean + half)


def of_one_more_factor(values: npt.ArrayLike) -> Estimate:
    """Mean of some positive numbers, and where one more would lie, as factors of it (the spread is that of their logarithms)."""
    x = np.asarray(values, float)
    mean = float(x.mean())
    if len(x) < 2 or not (x > 0).all() or not np.isfinite(x).all():
        return Estimate(mean, None, None)
    half = float(np.exp(_t(len(x)) * np.log(x).std(ddof=1) * np.sqrt(1.0 + 1.0 / len(x))))
    return Estimate(mean, mean / half, mean * half)


def of_mean(values: npt.ArrayLike) -> Estimate:
    """Mean of some (differences of) runs, and the interval of that mean: t s / sqrt(n).

    Examples
    --------
    >>> [round(x, 3) for x in of_mean([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    x = np.asarray(values, float)
    mean = float(x.mean())
    if len(x) < 2:
        return Estimate(mean, None, None)
    half = float(_t(len(x)) * x.std(ddof=1) / np.sqrt(len(x)))
    return Estimate(mean, mean - half, mean + half)


def _t(n: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, _LEVEL))
