"""What the fitted law leaves of the reads, in units of its own noise, tails, errors that follow each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.likelihood import innovations
from synarray.lab.fitting.result import Estimate, Finding
from synarray.lab.fitting.state import SIDES, Analog
from synarray.units import format_quantity

__all__ = ["Residuals", "findings_of", "follow", "heavy", "residuals_of", "widened"]

_FAR = 4.0
"""Standard deviations beyond which one normal read in 16,000 lies."""
_HEAVY = 0.004
"""Share of the errors beyond that from which tails are heavy; a few may be slips of the instrument."""
_LITTLE = 0.25
"""Log of the ratio of noises at both ends of the range that is worth no word."""
_CLEAR = 4.0
"""Standard deviations of its own noise that a step must keep from the ends, so that none cuts it short."""
_FOLLOWS, _SURE, _LAGS, _FEWEST = 0.03, 3.5, 5, 100
"""Correlation of errors that is worth a word, in standard errors too; reads apart that are looked at; products for each."""

_SUSPECTED = 2.4
"""Standard errors from which on errors may follow each other: of independent ones, 1 fit in 120 looks so."""

Floats = npt.NDArray[np.float64]


class Residuals(NamedTuple):
    """Errors of the reads as predicted from those before, in standard deviations; nan where an end cut them short."""

    z: Floats
    device: npt.NDArray[np.int64]
    train: npt.NDArray[np.int64]


def residuals_of(fit: Analog) -> Residuals:
    """Return what the law leaves."""
    own = fit.placed(fit.theta)
    cells = fit.cells(fit.theta, own)
    device, train = fit.units
    if fit.noisy:
        z, spread, mean = innovations(fit.trains, cells)
    else:
        p = fit.pulses
        on = (p.sign > 0).astype(np.int64)
        factor = cells.factor[p.device, on]
        gone = np.clip((p.before - cells.floor) / (cells.top - cells.floor), 0.0, 1.0)
        spread = factor * cells.sigma * np.exp(np.array(cells.tilt)[on] * (gone - 0.5))
        mean = p.before + p.sign * factor * cells.steps(p.before, p.device, on)[0]
        z = (p.after - mean) / np.maximum(spread, 1e-12)
    room = _CLEAR * spread
    if not fit.noisy:  # a read that the next one takes back, or that has no next, may be a slip of the instrument
        same = train[1:] == train[:-1]
        back = np.r_[same & (z[1:] * z[:-1] < -0.5 * z[:-1] ** 2), False] | np.r_[~same, True] | np.r_[True, ~same]
        back &= np.abs(z) > _FAR
        z[back | np.r_[False, back[:-1] & same]] = np.nan
    cut = (mean + room > cells.high[device]) | (mean - room < cells.low[device])
    return Residuals(np.where(cut, np.nan, z), device, train)


def widened(left: Residuals, rng: np.random.Generator, draws: int) -> tuple[float, Floats]:
    """Return the root mean square of the residuals, and draws of it by a Bayesian bootstrap over trains."""
    here = np.isfinite(left.z)
    squares, counts = (np.bincount(left.train[here], weights) for weights in (left.z[here] ** 2, None))
    weight = rng.exponential(size=(draws, len(counts)))
    return float(np.sqrt(squares.sum() / counts.sum())), np.sqrt(weight @ squares / (weight @ counts))


def heavy(left: Residuals) -> bool:
    """Whether far more errors are large than of a normal number."""
    z = left.z[np.isfinite(left.z)]
    return bool(np.count_nonzero(np.abs(z) > _FAR) > 3 + _HEAVY * len(z))


def findings_of(fit: Analog) -> list[Finding]:
    """Say what the residuals show, and how large it is."""
    if fit.silent:
        return []
    found = [*_shapes(fit)]
    left = residuals_of(fit)
    z = left.z[np.isfinite(left.z)]
    if len(z) < 50:
        return found
    if heavy(left):
        far = np.abs(z) > _FAR
        share = float(far.mean())
        error = 1.96 * float(np.sqrt(share / len(z)))
        found.append(Finding(
            "heavy tails", Estimate(share, max(share - error, 0.0), share + error), True,
            f"The noise has heavy tails: {share:.2%} of the reads lie beyond {_FAR:.0f} standard deviations (normal: 0.006 %); "
            "the spread given contains them",
        ))  # fmt: skip
    return found + (_following(left) if fit.noisy else [])


def _shapes(fit: Analog) -> list[Finding]:
    said = []
    for way, _ in SIDES:
        if f"tilt_{way}" in fit.shapes and abs(fit.theta[f"tilt_{way}"]) > _LITTLE:
            tilt, sigma = fit.theta[f"tilt_{way}"], float(np.exp(fit.theta["log_sigma"]))
            i = fit.maximum.free.index(f"tilt_{way}") if fit.maximum else 0
            error = float(np.sqrt(fit.maximum.covariance[i, i])) if fit.maximum else 0.0
            ratio = Estimate(*(float(np.exp(tilt + s * error)) for s in (0.0, -1.96, 1.96)))
            low, high = (sigma * float(np.exp(s * tilt / 2.0)) for s in (-1.0, 1.0))
            said.append(Finding(
                f"noise by state, {way.upper()}", ratio, True,
                f"The noise of {way.upper()} pulses depends on the state: {low:.2%} of the range at its lower end, {high:.2%} at "
                "its upper end; the device has the root mean square",
            ))  # fmt: skip
    if "base" in fit.shapes and fit.maximum:
        i = fit.maximum.free.index("base")
        error = float(np.sqrt(fit.maximum.covariance[i, i]))
        siemens = float(np.exp(fit.theta["log_read"])) * fit.trains.span
        size = Estimate(*(siemens * max(fit.theta["base"] + s * error, 0.0) for s in (0.0, -1.96, 1.96)))
        said.append(Finding(
            "noise of the instrument", size, True,
            f"Reads have a noise of {format_quantity(float(f'{size.value:.2g}'), 'S')} at zero conductance, as of an instrument, "
            "besides one in proportion; the device has that of the middle of the range",
        ))  # fmt: skip
    return said


def _following(left: Residuals) -> list[Finding]:
    """Say whether read errors follow each other, and how much."""
    means, errors = _products(left)
    if not means:
        return []
    size = means[0] - float(np.mean(means[1:]))
    error = float(np.hypot(errors[0], np.linalg.norm(errors[1:]) / (_LAGS - 1)))
    if size < max(_SURE * error, _FOLLOWS):
        return []
    return [Finding(
        "1/f read noise", Estimate(size, size - 1.96 * error, size + 1.96 * error), False,
        f"Read errors follow each other, as 1/f noise does (correlation {size:.2f} of what the law leaves): a part of the read "
        "noise is counted as noise of the pulses, and intervals are wider for it",
    )]  # fmt: skip


def follow(left: Residuals) -> bool:
    """Whether read errors may follow each other: alike from one read to the next, opposed two reads later."""
    means, errors = _products(left)
    return bool(means) and means[0] - means[1] > _SUSPECTED * float(np.hypot(errors[0], errors[1]))


def _products(left: Residuals) -> tuple[list[float], list[float]]:
    """Return the mean product of errors some reads apart, and its standard error; nothing where reads are few.

    The model's read errors are independent. A filter that takes what persists of them for the cell's state leaves errors that are
    alike from one read to the next and opposed a few reads later; white noise leaves neither.
    """
    means, errors = [], []
    for lag in range(1, _LAGS + 1):
        same = left.train[lag:] == left.train[:-lag]
        product = np.where(same, left.z[lag:] * left.z[:-lag], np.nan)
        product = np.clip(product[np.isfinite(product)], -16.0, 16.0)
        if len(product) < _FEWEST:
            return [], []
        means.append(float(product.mean()))
        errors.append(float(product.std() / np.sqrt(len(product))))
    return means, errors
