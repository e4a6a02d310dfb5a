"""Pulse-response curves: the exponential of NeuroSim with its nonlinearity label, and tables of measured steps.

States are normalised conductances x, 0 to 1. The exponential moves x by (b - x) (1 - exp(-1 / (A n_levels))),
b = 1 / (1 - exp(-1 / A)); A follows from the nonlinearity label.

Source: Chen, Peng, Yu, IEEE TCAD 37(12), 2018, doi 10.1109/TCAD.2018.2789723, eqs. 1-3.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.spec import Spec

__all__ = ["MOST_NONLINEAR", "WAYS", "Way", "curvature", "soft_bound_steps"]

Way = Literal["ltp", "ltd"]
WAYS: tuple[Way, ...] = ("ltp", "ltd")
"""The two polarities of a pulse."""
MOST_NONLINEAR = 9.0
"""Largest nonlinearity label."""
_LABEL_UNIT = 0.07 * 2.0**0.5
"""Distance from the straight line that one unit of the label means: 0.07 at a right angle to the line, times root 2 along
the axis. Gives all 900 entries of NeuroSim's table from labels to A to six decimals (MLP NeuroSim V3.0, formula.cpp)."""
_STRAIGHT = 0.01
"""Labels below this are drawn as straight lines, as in NeuroSim, whose table begins here."""

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=4096)
def curvature(label: float) -> float:
    """Turn a nonlinearity label into A, the curvature of the pulse-response curve in units of the whole pulse train.

    The label says how far the normalised curve (1 - exp(-p / A)) / (1 - exp(-1 / A)) departs from the straight line at
    most, in units of 0.07 sqrt(2) = 0.099: the closed form behind NeuroSim's table from labels to A.

    Parameters
    ----------
    label : float
        Size of the label, above 0, at most 9.

    Returns
    -------
    float
        A; infinite for a label below 0.01 (a straight line).

    Examples
    --------
    NeuroSim's table has 0.4992 for 2.4 and 0.0228 for 9:

    >>> round(curvature(2.4), 4), round(curvature(9.0), 4)
    (0.4992, 0.0228)
    """
    from scipy.optimize import brentq

    if label < _STRAIGHT:
        return float("inf")

    def excess(a: float) -> float:
        b = -1.0 / np.expm1(-1.0 / a)
        p = a * np.log(b / a)
        return float(b * -np.expm1(-p / a) - p - _LABEL_UNIT * label)

    return float(brentq(excess, 1e-3, 1e3, xtol=1e-15, rtol=1e-14))


def soft_bound_steps(travelled: Floats, n_levels: float, label: float, *, slowing: bool = True) -> Floats:
    """Step of one pulse of the exponential law, as a positive number.

    Parameters
    ----------
    travelled : ndarray
        Share of the range the cell has already crossed in the pulse's direction: x for LTP, 1 - x for LTD.
    n_levels : float
        Pulses from one end of the range to the other.
    label : float
        Size of the nonlinearity label, 0 (linear) to 9.
    slowing : bool
        True: the first steps are the largest. False: the mirror image, the last ones are.

    Returns
    -------
    ndarray
        Steps in x; any number of them in a row follows the closed form of the law exactly.

    Examples
    --------
    >>> soft_bound_steps(np.array([0.0, 1.0]), 50, 0.0).tolist()
    [0.02, 0.02]
    """
    a = curvature(label)
    if np.isinf(a):
        return np.full(travelled.shape, 1.0 / n_levels)
    beyond = 1.0 / np.expm1(1.0 / a)  # b - 1, which would be lost in b
    steps: Floats
    if slowing:
        steps = (beyond + (1.0 - travelled)) * -np.expm1(-1.0 / (a * n_levels))
    else:
        steps = (beyond + travelled) * np.expm1(1.0 / (a * n_levels))
    return steps


class ResponseTable(Spec):
    """Steps measured at some states, joined by straight lines."""

    x: Annotated[tuple[float, ...], Field(min_length=2, strict=False)]
    """States, rising from 0 to 1."""
    ltp: Annotated[tuple[float, ...], Field(min_length=2, strict=False)]
    """Step of an LTP pulse there, as a share of the range."""
    ltd: Annotated[tuple[float, ...], Field(min_length=2, strict=False)]
    """Step of an LTD pulse there, as a positive share of the range."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not all(a < b for a, b in zip(self.x, self.x[1:], strict=False)):
            raise ValueError("x must rise from state to state")
        if self.x[0] != 0 or self.x[-1] != 1:
            raise ValueError("x must run from 0 to 1")
        for name, steps in (("ltp", self.ltp), ("ltd", self.ltd)):
            if len(steps) != len(self.x):
                raise ValueError(f"{name} must have one step for each of the {len(self.x)} states of x")
            if not all(0 <= step <= 1 for step in steps):
                raise ValueError(f"{name} must hold steps between 0 and 1")
            if not any(steps):
                raise ValueError(f"{name} must move the cell somewhere")
        return self

    def mean_step(self, way: Way) -> float:
        """Mean step over the states, as a share of the range."""
        x, steps = np.array(self.x), np.array(getattr(self, way))
        return float((np.diff(x) * (steps[1:] + steps[:-1]) / 2.0).sum())

    def on_mirrored_axis(self) -> ResponseTable:
        """Return the same steps on states that lie alike seen from both ends."""
        x = np.unique(np.round([*self.x, *(1.0 - at for at in self.x)], 12))
        ltp, ltd = (tuple(np.interp(x, self.x, steps).tolist()) for steps in (self.ltp, self.ltd))
        return self.model_copy(update={"x": tuple(x.tolist()), "ltp": ltp, "ltd": ltd})
