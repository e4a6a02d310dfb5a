"""Write-verify: bring cells to wanted conductances, a pulse and a read at a time, with the device's own spreads.

Needed wherever weights are transferred into an array. Each cell is read, and while it is further from its target than the
tolerance it gets one pulse in the target's direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.device.cell import state_of
from synarray.device.pulse import after_pulse
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_stuck, draw_traits
from synarray.errors import DataError
from synarray.rng import Stream, normal, uniform

__all__ = ["Programmed", "write_verify"]


@dataclass(frozen=True)
class Programmed:
    """What write-verify reached.

    Attributes
    ----------
    g : ndarray of float64, shape (n,)
        Conductances, S.
    pulses : ndarray of int64, shape (n,)
        Pulses each cell was sent; the number of reads is one more.
    arrived : ndarray of bool, shape (n,)
        Whether it is within the tolerance.
    """

    g: npt.NDArray[np.float64]
    pulses: npt.NDArray[np.int64]
    arrived: npt.NDArray[np.bool_]


def write_verify(
    device: DeviceSpec,
    targets: npt.ArrayLike,
    *,
    start: npt.ArrayLike | None = None,
    tolerance: float = 0.02,
    most: int = 200,
    seed: int = 0,
) -> Programmed:
    """Program cells.

    Parameters
    ----------
    device : DeviceSpec
        Any but one of the exact law, whose pulses have no size.
    targets : array_like, shape (n,)
        Wanted conductances, S, within g_min..g_max.
    start : array_like, shape (n,), optional
        Conductances before the first pulse, S; none: each at its own lowest conductance.
    tolerance : float
        Distance that is close enough, as a share of g_max - g_min.
    most : int
        Pulses after which a cell is given up.
    seed : int

    Returns
    -------
    Programmed

    Raises
    ------
    DataError
        When a target is no conductance of the device, or the tolerance or the number of pulses is not positive.

    Examples
    --------
    >>> linear = DeviceSpec(n_levels_ltp=50, n_levels_ltd=50)
    >>> write_verify(linear, [linear.g_max], tolerance=0.001).pulses.tolist()
    [50]
    """
    wanted = np.atleast_1d(np.asarray(targets, float))
    if wanted.ndim != 1 or not np.all((wanted >= device.g_min) & (wanted <= device.g_max)):
        raise DataError(
            "targets must be conductances between g_min and g_max",
            got=f"shape {wanted.shape}, {wanted.min()} to {wanted.max()}",
            where="argument targets",
            do="Clip them to the device's range.",
        )
    if not tolerance > 0 or most < 1 or device.step_law.exact:
        raise DataError(
            "write-verify needs a positive tolerance, a pulse, and a law that has steps",
            got=f"tolerance {tolerance}, {most} pulses, law {device.law}",
            where="arguments",
            do="Use 0.02 and 200.",
        )
    n, goal = len(wanted), device.weight(wanted)
    traits = draw_traits(device, (1, 1, n), seed)[0, :, 0].astype(np.float64)
    stuck = draw_stuck(device, (1, 1, n), seed)
    x = traits[2].copy() if start is None else np.clip(device.weight(start), traits[2], traits[3])
    if stuck is not None:
        x[stuck.high[0, 0]] = traits[3][stuck.high[0, 0]]
    steps = device.steps(np.arange(-127, 128) / 127.0)
    pulses, probability = np.zeros(n, np.int64), np.array(device.switching)
    for i in range(most):
        away = np.flatnonzero(np.abs(x - goal) > 2.0 * tolerance)
        if not len(away):
            break
        up = (x[away] < goal[away]).astype(int)
        works = uniform(n, seed=seed, stream=Stream.FAILURE, step=i)[away] < probability[up]
        noise = 2.0 * device.sigma_c2c * normal(n, seed=seed, stream=Stream.PROGRAM, step=i)[away]
        step = steps[up, state_of(x[away].astype(np.float32))]
        x[away] = after_pulse(x[away], up, step, noise, traits[up, away], works, traits[2, away], traits[3, away])
        pulses[away] += 1
    return Programmed(device.conductance(x), pulses, np.abs(x - goal) <= 2.0 * tolerance)
