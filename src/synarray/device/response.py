"""Pulse response: what trains of programming pulses do to single cells, as measured on a probe station.

A cell starts at its lowest conductance; each pulse that works adds the step of its state, times the cell's own factor, and the
cycle-to-cycle noise; the cell stays within its own range.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.device.pulse import after_pulse
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_traits
from synarray.rng import Stream, normal, uniform

__all__ = ["LONGEST", "PulseTrain", "measure", "pulse_response", "there_and_back"]

LONGEST = 2000
"""Most pulses of one polarity in a cycle of LTP and LTD."""

_BETWEEN_DEVICES = ("sigma_d2d_range", "sigma_d2d_step", "sigma_d2d_nonlinearity", "stuck_low", "stuck_high")
_SAMPLE, _SHOWN = 200, 5
"""Cells behind a mean and its spread; cells shown one by one."""

Floats = npt.NDArray[np.float64]


class PulseTrain(NamedTuple):
    """LTP pulses from end to end, then LTD pulses back: the conductance before the train and after each pulse, S."""

    up: npt.NDArray[np.bool_]  # [n] LTP pulses
    nominal: Floats  # [n + 1] the law without any spread or failure
    mean: Floats  # [n + 1] nominal cells with cycle-to-cycle spread and failures: mean
    sigma: Floats  # [n + 1] the same: standard deviation
    cells: Floats  # [n + 1, 5] some cells of an array, which differ from device to device too


def measure(device: DeviceSpec, seed: int = 0) -> PulseTrain:
    """Send a cycle of LTP and LTD to a nominal cell, to 200 cells that differ from cycle to cycle only, and to 5 of an array."""
    up = there_and_back(device)
    sure = {"sigma_c2c": 0.0, "p_fail": 0.0, "p_switch_ltp": 1.0, "p_switch_ltd": 1.0}
    alike = device.model_copy(update=dict.fromkeys(_BETWEEN_DEVICES, 0.0))
    noisy = pulse_response(alike, up, _SAMPLE, seed)
    moving = device.model_copy(update={"stuck_low": 0.0, "stuck_high": 0.0})
    nominal = pulse_response(alike.model_copy(update=sure), up)[:, 0]
    return PulseTrain(up, nominal, noisy.mean(axis=1), noisy.std(axis=1), pulse_response(moving, up, _SHOWN, seed))


def pulse_response(device: DeviceSpec, up: npt.ArrayLike, n_cells: int = 1, seed: int = 0) -> Floats:
    """Send one train of pulses to cells at the low end of their range.

    Parameters
    ----------
    device : DeviceSpec
        Any but one of the law "exact".
    up : array_like of bool, shape (n_pulses,)
        True for an LTP pulse, False for LTD.
    n_cells : int
        Cells; each differs as the device spreads.
    seed : int

    Returns
    -------
    ndarray, shape (n_pulses + 1, n_cells)
        Conductance before the train and after each pulse, S.

    Examples
    --------
    >>> g = pulse_response(DeviceSpec(g_min=1e-6, g_max=2e-6, n_levels_ltp=4), [True, True])
    >>> (g[:, 0] * 1e6).round(3).tolist()
    [1.0, 1.25, 1.5]
    """
    train = np.asarray(up, bool).astype(int)
    ltd, ltp, lowest, highest = draw_traits(device, (1, 1, n_cells), seed).reshape(4, n_cells).astype(float)
    factor, probability = np.stack([ltd, ltp]), device.switching
    shifts = np.zeros(1)
    if device.sigma_d2d_nonlinearity:
        shifts = device.sigma_d2d_nonlinearity * normal(n_cells, seed=seed, stream=Stream.NONLINEARITY)
    w = np.empty((len(train) + 1, n_cells))
    w[0] = lowest
    for i, on in enumerate(train):
        x = np.clip(w[i], -1.0, 1.0)
        steps = [device.steps(part, shift)[on] for part, shift in zip(np.split(x, len(shifts)), shifts, strict=True)]
        z = normal(n_cells, seed=seed, stream=Stream.CYCLE, step=i)
        works = uniform(n_cells, seed=seed, stream=Stream.FAILURE, step=i) < probability[on]
        noise = 2.0 * device.sigma_c2c * z
        w[i + 1] = after_pulse(w[i], on, np.concatenate(steps), noise, factor[on], works, lowest, highest)
    return device.conductance(w)


def there_and_back(device: DeviceSpec) -> npt.NDArray[np.bool_]:
    """Return the train of LTP pulses that takes a nominal cell to g_max, followed by the LTD pulses that take it back."""
    return np.repeat([True, False], [_pulses_across(device, 1), _pulses_across(device, 0)])


def _pulses_across(device: DeviceSpec, on: int) -> int:
    """Count the pulses of one polarity from end to end (as far as the law says), more where only some of them work."""
    travelled, n, end = 0.0, 0, 2.0 * device.step_law.across
    while travelled < end and n < LONGEST:
        w = np.array([travelled - 1.0 if on else 1.0 - travelled])
        travelled += float(device.steps(w)[on, 0])
        n += 1
    certain = device.switching[on] == 1.0
    return n if certain else min(int(np.ceil(2 * n / device.switching[on])), LONGEST)
