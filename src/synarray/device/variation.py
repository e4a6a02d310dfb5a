"""Device-to-device variation: how each cell of an array differs from the nominal device.

    range           g_max and g_min of each cell are normal around the nominal ones
    step            the step of LTP and of LTD is multiplied by a log-normal number of mean 1
    nonlinearity    each cell has one of 15 curvatures, the quantiles of a normal distribution of the label
    stuck           a cell at an end of its range that never moves

Each has its own random stream: switching one on shifts no other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.device.spec import DeviceSpec
from synarray.rng import Stream, normal, uniform

__all__ = ["NOMINAL", "Stuck", "draw_stuck", "draw_traits", "draw_variants"]

NOMINAL = np.array([1.0, 1.0, -1.0, 1.0], np.float32)
"""Traits of the nominal cell: step of LTD and LTP in units of the device's, lowest and highest weight."""
_LEAST_FACTOR, _LEAST_RANGE = 0.05, 0.1

Shape = tuple[int, int, int]


class Stuck(NamedTuple):
    """Which cells never move."""

    low: npt.NDArray[np.bool_]
    high: npt.NDArray[np.bool_]


def draw_stuck(device: DeviceSpec, shape: Shape, seed: int) -> Stuck | None:
    """Draw the stuck cells of an array of shape [slice, neuron, cell]; None when the device has none."""
    if device.stuck_low + device.stuck_high == 0:
        return None
    u = uniform(int(np.prod(shape)), seed=seed, stream=Stream.STUCK).reshape(shape)
    return Stuck(u < device.stuck_low, u >= 1.0 - device.stuck_high)


def draw_traits(device: DeviceSpec, shape: Shape, seed: int) -> npt.NDArray[np.float32]:
    """Draw the traits of each cell (see ``NOMINAL``); stuck cells have steps of 0.

    Returns
    -------
    ndarray of float32, shape (slices, 4, neurons, cells)
    """
    n = int(np.prod(shape))
    traits = np.repeat(NOMINAL.astype(np.float64)[:, None], n, axis=1)
    if device.sigma_d2d_step:
        sigma = np.sqrt(np.log1p(device.sigma_d2d_step**2))
        for polarity in range(2):
            z = normal(n, seed=seed, stream=Stream.STEP, step=polarity)
            traits[polarity] = np.exp(sigma * z - 0.5 * sigma**2)
    if device.sigma_d2d_range:
        for end, g in enumerate((device.g_min, device.g_max)):
            factor = 1.0 + device.sigma_d2d_range * normal(n, seed=seed, stream=Stream.RANGE, step=end)
            traits[2 + end] = device.weight(g * np.maximum(factor, _LEAST_FACTOR))
        traits[3] = np.maximum(traits[3], traits[2] + _LEAST_RANGE)
    stuck = draw_stuck(device, shape, seed)
    if stuck is not None:
        traits[:2, (stuck.low | stuck.high).reshape(-1)] = 0.0
    return np.ascontiguousarray(traits.reshape(4, *shape).swapaxes(0, 1), np.float32)  # kernels know one layout


def draw_variants(n_variants: int, shape: Shape, seed: int) -> npt.NDArray[np.uint8]:
    """Draw which of the nonlinearities each cell has, shape (slices, neurons, cells)."""
    if n_variants == 1:
        return np.zeros(shape, np.uint8)
    u = uniform(int(np.prod(shape)), seed=seed, stream=Stream.NONLINEARITY)
    return (u * n_variants).astype(np.uint8).reshape(shape)
