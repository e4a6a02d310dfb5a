"""The noise floor of a read: what a cell's own current fluctuates by, however good the circuit that senses it is.

    S         = 4 k T g + 2 q |i|      A^2 / Hz: thermal noise and shot noise of the current i = g v
    sigma_i^2 = S / (2 t)              a read that averages the current for a time t has the bandwidth 1 / (2 t)

Two levels are a step of the conductance apart; a read tells them apart when half a step is at least two standard
deviations (then 19 of 20 reads find the right level). The noise falls with the root of the time, so the time that is needed
follows from the noise of any one read. The sum of both noises is the upper end of what physics allows: a cell that scatters its
electrons often has less shot noise, down to none in a long metallic wire (Y. Blanter, M. Buettiker, Physics Reports 336, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.device.spec import DeviceSpec
from synarray.units import BOLTZMANN, ELECTRONVOLT

__all__ = ["MARGIN", "ROOM_TEMPERATURE", "ReadFloor", "floor_of", "read_noise"]

ROOM_TEMPERATURE = 300.0
"""K."""
MARGIN = 2.0
"""Standard deviations that half a level must measure, so that a read tells it from the next one."""


def read_noise(g: npt.ArrayLike, device: DeviceSpec, temperature: float = ROOM_TEMPERATURE) -> npt.NDArray[np.float64]:
    """Return the standard deviation of one read of a cell, as a conductance: thermal and shot noise over the read's bandwidth.

    Parameters
    ----------
    g : array_like
        Conductance of the cell, S, not negative.
    device : DeviceSpec
        Its ``v_read`` and ``t_read``.
    temperature : float
        K, above 0.

    Returns
    -------
    ndarray
        S, of the shape of ``g``.

    Examples
    --------
    10 uS read with 0.1 V for 10 ns: 4 k T g = 1.66e-25 A^2/Hz, 2 q i = 3.2e-25 A^2/Hz, over 50 MHz.

    >>> cell = DeviceSpec(v_read=0.1, t_read=10e-9)
    >>> float(read_noise(10e-6, cell)) * 1e9
    49.3
    """
    conductance, volts = np.asarray(g, float), device.v_read
    density = 4.0 * BOLTZMANN * temperature * conductance + 2.0 * ELECTRONVOLT * conductance * volts  # q = 1 eV / 1 V
    noise: npt.NDArray[np.float64] = np.sqrt(density / (2.0 * device.t_read)) / volts
    return noise


@dataclass(frozen=True)
class ReadFloor:
    """How well a read of one cell can tell its levels apart."""

    levels: int
    """Evenly spaced levels between g_min and g_max to distinguish, 2 or more."""
    rms: float
    """Standard deviation of a read of a cell at g_max, in distances between two levels."""
    t_read: float
    """How long that read lasts, s."""
    temperature: float
    """K."""

    @property
    def seconds(self) -> float:
        """How long a read must last to tell the levels apart, s."""
        return self.t_read * (2.0 * MARGIN * self.rms) ** 2

    @property
    def enough(self) -> bool:
        """Whether the read lasts long enough."""
        return self.seconds <= self.t_read * (1.0 + 1e-9)

    @property
    def told_apart(self) -> int:
        """How many levels a read of this length does tell apart; 1: none."""
        return 1 + int((self.levels - 1) / (2.0 * MARGIN * self.rms)) if self.rms else self.levels


def floor_of(device: DeviceSpec, levels: int, temperature: float = ROOM_TEMPERATURE) -> ReadFloor:
    """Hold the noise of a read of one cell, at g_max where it is largest, against the distance of its levels.

    Parameters
    ----------
    device : DeviceSpec
    levels : int
        2 or more.
    temperature : float
        K, above 0.

    Examples
    --------
    >>> cell = DeviceSpec(g_min=0.2e-6, g_max=2.3e-6, v_read=0.1, t_read=10e-9)
    >>> floor = floor_of(cell, 255)
    >>> floor.rms, floor.seconds * 1e6, floor.told_apart
    (2.86, 1.31, 23)
    """
    step = device.g_range / (levels - 1)
    rms = float(read_noise(device.g_max, device, temperature)) / step
    return ReadFloor(levels, rms, device.t_read, temperature)
