"""Straight lines through reads whose errors follow each other, and several of them together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Line", "Number", "combined", "line_of"]

Floats = npt.NDArray[np.float64]


class Number(NamedTuple):
    """A number of a device and its 95 % interval."""

    value: float
    low: float
    high: float


class Line(NamedTuple):
    """Slope and its standard error, the variance that is left, and Akaike's criterion."""

    slope: float
    error: float
    left: float
    criterion: float


def line_of(x: Floats, y: Floats) -> Line:
    """Fit a straight line; its slope's standard error allows for errors that go together."""
    n = len(x)
    basis = np.column_stack([np.ones(n), x])
    solution = np.linalg.lstsq(basis, y, rcond=None)[0]
    off = y - basis @ solution
    variance = float(off @ off) / max(n - 2, 1)
    follow = float(np.clip((off[1:] @ off[:-1]) / max(float(off @ off), 1e-300), 0.0, 0.95))
    inner = float(((x - x.mean()) ** 2).sum())
    error = float(np.sqrt(variance / max(inner, 1e-300) * (1.0 + follow) / (1.0 - follow)))
    return Line(float(solution[1]), error, variance, n * float(np.log(max(variance, 1e-30))) + 4.0)


def combined(values: Floats, errors: Floats) -> tuple[float, float, float]:
    """Mean of several and its 95 % interval: from their scatter, or from their own errors where that is larger."""
    from scipy import stats

    n = len(values)
    weights = 1.0 / np.maximum(errors, 1e-12) ** 2 if n < 3 else np.ones(n)
    mean = float((weights * values).sum() / weights.sum())
    own = float(np.sqrt((weights**2 * errors**2).sum()) / weights.sum())
    scatter = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    times = float(stats.t.ppf(0.975, max(n - 1, 1))) if scatter > own and n > 2 else 1.96
    half = times * max(own, scatter)
    return round(mean, 12), mean - half, mean + half
