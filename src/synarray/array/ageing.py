"""Retention and drift: how conductances change by themselves, on the clock of the simulated presentations.

    drift        g(t) = g (1 + t / drift_t0)^-nu since the cell's last pulse; nu differs from device to device
    retention    g(t) - g_min falls by exp(-t / retention)

Only analog cells and pairs age: a bit is sensed as 0 or 1. Stuck cells stay where they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.array.simulated import SynapticArray
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.rng import Stream, normal
from synarray.units import BOLTZMANN

__all__ = ["Ageing", "acceleration"]


class Ageing:
    """The clock of an array, and when each cell was last pulsed."""

    def __init__(self, array: SynapticArray, device: DeviceSpec, seed: int) -> None:
        self.array, self.device, self.now = array, device, 0.0
        self.pulsed = np.zeros(array.writes.shape, np.float64)
        self.writes = array.writes.copy()
        nu = normal(array.writes.size, seed=seed, stream=Stream.DRIFT).reshape(array.writes.shape)
        self.nu = np.maximum(device.drift_nu + device.sigma_drift_nu * nu, 0.0)
        self.moves = ~array.stuck_cells & array.exists

    @classmethod
    def of(cls, array: SynapticArray, seed: int) -> Ageing | None:
        """Return the clock of an array whose cells age, or None."""
        device = array.device
        return cls(array, device, seed) if device is not None and array.scheme.ages(device) else None

    @property
    def since_pulse(self) -> npt.NDArray[np.float64]:
        """Time since each cell was last pulsed, as far as this clock knows, s; shape of the array's ``writes``."""
        return self.now - self.pulsed

    def age(self, seconds: float) -> None:
        """Let the cells age by a time, s; those pulsed since the last call count as pulsed at its start."""
        device, array = self.device, self.array
        self.pulsed[array.writes != self.writes] = self.now
        self.writes = array.writes.copy()
        age = self.now - self.pulsed
        self.now += seconds
        cells = array.scheme.moving(array)
        aged = np.maximum(device.conductance(cells), 0.0)
        if self.nu.any():
            aged *= ((1.0 + (age + seconds) / device.drift_t0) / (1.0 + age / device.drift_t0)) ** -self.nu
        if device.retention is not None:
            aged = device.g_min + (aged - device.g_min) * np.exp(-seconds / device.retention)
        cells[:] = np.where(self.moves, device.weight(aged), cells)
        array.scheme.combine(array)
        array.refresh_read_copy()


def acceleration(device: DeviceSpec, temperature: float | None) -> float:
    """How many times faster than stated retention and drift run at a temperature, K; no temperature: as stated, 1.

    Arrhenius: exp(E / k (1 / T_stated - 1 / T)).

    Raises
    ------
    SpecError
        When the device does not say how its law depends on temperature.

    Examples
    --------
    >>> cell = DeviceSpec(retention_temperature=358.15, retention_energy=1.1 * 1.602e-19)
    >>> round(acceleration(cell, 298.15) ** -1)
    1302
    """
    stated, energy = device.retention_temperature, device.retention_energy
    if temperature is None or temperature == stated:
        return 1.0
    if stated is None or energy is None:
        missing = [name for name in ("retention_temperature", "retention_energy") if getattr(device, name) is None]
        raise SpecError(
            "retention at another temperature needs the device's activation energy, and the temperature it is stated at",
            got=f"no {' and no '.join(missing)} of {device.name}",
            where="device",
            do="Leave the temperature out, or train with both, for example: --set 'device.retention_energy=\"1.1 eV\"'",
        )
    return float(np.exp(np.clip(energy / BOLTZMANN * (1.0 / stated - 1.0 / temperature), -600.0, 600.0)))
