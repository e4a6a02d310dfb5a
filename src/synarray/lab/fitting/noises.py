"""Noises that depend on the state, where the data ask for them: pulses by their polarity, reads by the instrument's own noise.

    sigma(x) = sigma_c2c exp(tilt (x - 1/2))            one tilt for LTP, one for LTD
    spread of a read = sigma_read (g + base)            base: of the instrument, whatever the cell

Both have their price (Schwarz: ln(reads) for each number, in twice the log-likelihood). A device has one number for each noise:
the root mean square over the range, and the spread of a read in the middle of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.climb import maximise_fit, total
from synarray.lab.fitting.state import SIDES, Analog

__all__ = ["read_in_the_middle", "root_mean_square", "shape_noises"]

_START = 0.2
"""Noise of the instrument that the climb starts from, x."""
_SURE = 4.0
"""Standard errors that the larger tilt must be from 0."""
_TILT, _BASE = 0.25, 0.25
"""Sizes worth a number: log of the ratio of the noises at both ends; the instrument's noise against the lowest read's."""

Floats = npt.NDArray[np.float64]


def shape_noises(fit: Analog) -> bool:
    """Let the noises depend on the state where the likelihood gains more than that costs, and say whether they do."""
    ways = tuple(f"tilt_{way}" for way, _ in SIDES if way not in fit.abrupt + fit.absent)
    kinds = [("base",), ways] if fit.noisy else [ways]
    price, before = 0.5 * float(np.log(max(len(fit.units[0]), 2))), fit.shapes
    for names in kinds:
        names = tuple(name for name in names if name not in fit.shapes)
        if not names or fit.silent:
            continue
        start = {name: _START if name == "base" else 0.0 for name in names}
        tried = replace(fit, shapes=fit.shapes + names, theta=fit.theta | start)
        maximise_fit(tried)
        assert tried.maximum is not None
        known = np.sqrt(np.diag(tried.maximum.covariance))
        if "base" in names:
            least = fit.trains.origin / fit.trains.span + tried.theta["low"]
            sure = tried.theta["base"] > _BASE * least
        else:
            sure = any(
                abs(tried.theta[name]) > max(_SURE * known[tried.maximum.free.index(name)], _TILT) for name in names
            )
        if sure and total(tried) > total(fit) + price * len(names):
            fit.shapes, fit.theta, fit.maximum = tried.shapes, tried.theta, tried.maximum
    return fit.shapes != before


def root_mean_square(numbers: dict[str, Floats]) -> Floats:
    """Spread of a pulse over the range and both polarities, relative to that in the middle."""
    squares = []
    for way, _ in SIDES:
        tilt = np.asarray(numbers.get(f"tilt_{way}", 0.0), float)
        flat = np.abs(tilt) < 1e-6
        squares.append(np.where(flat, 1.0, np.sinh(tilt) / np.where(flat, 1.0, tilt)))
    return np.asarray(np.sqrt(np.mean(np.broadcast_arrays(*squares), axis=0)))


def read_in_the_middle(numbers: dict[str, Floats], level: float) -> Floats:
    """Spread of a read in the middle of the range (at ``level``, x from zero conductance), relative to sigma_read."""
    return np.asarray(1.0 + np.asarray(numbers.get("base", 0.0), float) / max(level, 1e-9))
