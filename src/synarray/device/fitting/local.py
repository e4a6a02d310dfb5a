"""Fits of each device by itself: all devices at once, by Newton's method on numerical derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["local_fits"]

Floats = npt.NDArray[np.float64]


def local_fits(logs: Callable[[Floats], Floats], start: Floats, held: Floats, steps: int = 3) -> tuple[Floats, Floats]:
    """Maximise a log-likelihood for each device.

    Parameters
    ----------
    logs : callable
        From numbers [device, k] to the log-likelihood of each device.
    start : ndarray, shape (n_devices, k)
    held : ndarray, shape (k,)
        Standard deviations of the weak normal priors around 0 that keep the numbers finite.
    steps : int
        Most steps of Newton's method.

    Returns
    -------
    values, errors : ndarray, shape (n_devices, k)
        Where it is greatest, and the standard errors.
    """
    at, width = start.copy(), np.full(start.shape, 1e-3)
    k = start.shape[1]

    def penalised(values: Floats) -> Floats:
        return np.asarray(logs(values) - 0.5 * ((values / held) ** 2).sum(axis=1))

    inverse = np.zeros((len(start), k, k))
    for _ in range(steps):
        gradient, curve, here = _derivatives(penalised, at, width)
        curve = _positive(curve, held)
        inverse = np.asarray(np.linalg.inv(curve), np.float64)
        move = np.clip((inverse @ gradient[:, :, None])[:, :, 0], -held, held)
        for _ in range(3):
            better = penalised(at + move) >= here - 1e-9
            if better.all():
                break
            move[~better] /= 4.0
        at = at + np.where(better[:, None], move, 0.0)
        small = bool((np.abs(move) < 0.05 * np.sqrt(np.einsum("dii->di", inverse))).all())
        width = np.clip(0.1 * np.sqrt(np.einsum("dii->di", inverse)), 1e-7, 0.05)
        if small:
            break
    return at, np.sqrt(np.einsum("dii->di", inverse))


def _derivatives(f: Callable[[Floats], Floats], at: Floats, width: Floats) -> tuple[Floats, Floats, Floats]:
    """Gradient, negative curvature and value, by central differences."""
    n, k = at.shape
    here = f(at)
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
    return gradient, curve, here


def _positive(curve: Floats, held: Floats) -> Floats:
    """Lift the eigenvalues of what is no maximum to those of the prior."""
    scale = held[:, None] * held[None, :]
    values, vectors = np.linalg.eigh(curve * scale)
    return np.asarray((vectors * np.maximum(values, 1.0)[:, None, :]) @ vectors.swapaxes(1, 2) / scale, np.float64)
