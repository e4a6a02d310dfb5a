"""Fits of each device by itself: all devices at once, by Newton's method on numerical derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["local_fits"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SHORT = 0.25
"""Standard errors: after a shorter step Newton's method leaves a few hundredths of one."""


def local_fits(
    logs: Callable[[Floats, Bools], Floats], start: Floats, errors: Floats, held: Floats, steps: int = 6
) -> tuple[Floats, Floats]:
    """Maximise a log-likelihood for each device.

    Parameters
    ----------
    logs : callable
        From numbers [device, k], and which devices are asked for, to the log-likelihood of each of these.
    start, errors : ndarray, shape (n_devices, k)
        Numbers to start from, and about how well they will be known.
    held : ndarray, shape (k,)
        Standard deviations of the weak normal priors around 0 that keep the numbers finite.
    steps : int
        Most steps of Newton's method.

    Returns
    -------
    values, errors : ndarray, shape (n_devices, k)
        Where it is greatest, and the standard errors.
    """
    at, width = start.copy(), _width(errors)
    n, k = start.shape
    inverse, moving = np.zeros((n, k, k)), np.ones(n, bool)

    def penalised(values: Floats) -> Floats:
        return np.asarray(logs(values, moving) - 0.5 * ((values / held) ** 2).sum(axis=1))

    here = penalised(at)
    for _ in range(steps):
        gradient, curve = _derivatives(penalised, at, width, here)
        inverse[moving] = np.linalg.inv(_positive(curve[moving], held))
        move = np.clip((inverse @ gradient[:, :, None])[:, :, 0], -held, held)
        spread = np.sqrt(np.einsum("dii->di", inverse))
        for _ in range(4):
            reached = penalised(at + move)
            better = moving & (reached >= here - 1e-9)
            if (better | ~moving).all():
                break
            move[moving & ~better] /= 4.0
        at = np.where(better[:, None], at + move, at)
        here = np.where(better, reached, here)
        width = _width(spread)
        moving = moving & ~(np.abs(move) < _SHORT * spread).all(axis=1)
        if not moving.any():
            break
    return at, np.sqrt(np.einsum("dii->di", inverse))


def _width(errors: Floats) -> Floats:
    return np.clip(0.1 * errors, 1e-7, 0.05)


def _derivatives(f: Callable[[Floats], Floats], at: Floats, width: Floats, here: Floats) -> tuple[Floats, Floats]:
    """Gradient and negative curvature, by central differences around a known value."""
    n, k = at.shape
    up, down = np.zeros((n, k)), np.zeros((n, k))
    for i in range(k):
        step = np.zeros((n, k))
        step[:, i] = width[:, i]
        up[:, i], down[:, i] = f(at + step), f(at - step)
    gradient = (up - down) / (2.0 * width)
    curve = np.zeros((n, k, k))
    for i in range(k):
        curve[:, i, i] = -(up[:, i] - 2.0 * here + down[:, i]) / width[:, i] ** 2
        for j in range(i):
            step = np.zeros((n, k))
            step[:, i], step[:, j] = width[:, i], width[:, j]
            mixed = f(at + step) - up[:, i] - up[:, j] + here
            curve[:, i, j] = curve[:, j, i] = -mixed / (width[:, i] * width[:, j])
    return gradient, curve


def _positive(curve: Floats, held: Floats) -> Floats:
    """Turn the curvature of what is no maximum round, and lift it to that of the prior."""
    scale = held[:, None] * held[None, :]
    values, vectors = np.linalg.eigh(curve * scale)
    return np.asarray(
        (vectors * np.maximum(np.abs(values), 1.0)[:, None, :]) @ vectors.swapaxes(1, 2) / scale, np.float64
    )
