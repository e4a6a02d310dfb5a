"""Cells that fail while the network learns: each has a life of its own, in pulses, and ends stuck in the state it is in.

Lives follow the device's Weibull law, n = eta (-ln u)^(1 / beta), one random number for each cell, so that a longer endurance
lengthens every life and changes no other draw. What a cell has received is counted anyway (``writes``); whether a life has
ended is looked up a hundred times in a training, at the moments at which cells also age. A cell that has failed

    analog, pair   has steps of 0, and stays in its state
    digital        is a bit that never changes
    compound       is on or off for good: the cells of a compound differ only in their lives, so pulses count as shared evenly
                   among them, and one that fails is on with the probability that any of the working ones is

and neither drifts nor relaxes any more. The controller does not know: it still sends pulses.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.array.geometry import ArraySpec
from synarray.array.simulated import SynapticArray
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_stuck
from synarray.rng import Stream, uniform

__all__ = ["Wear"]

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]


class Wear:
    """The lives of an array's cells, and which of them have ended.

    Parameters
    ----------
    array : SynapticArray
        Just built. Cells that failed before are anywhere in their range, drawn evenly.
    prior : float
        Pulses that every cell received in earlier life.
    seed : int

    Attributes
    ----------
    life : ndarray of float64, shape (cells per weight, n_neurons, most_cells)
        Pulses each cell lives through; infinite where there is none, or one that never moved.
    failed : ndarray of uint8, same shape
        0: works; else ``FAILED`` or ``FAILED_ON`` of ``schemes/``.
    """

    def __init__(self, array: SynapticArray, prior: float, seed: int) -> None:
        assert array.device is not None
        shape = (array.scheme.cells, *array.w.shape)
        self.array, self.prior = array, prior
        self.life = _draw_lives(array.device, shape, seed)
        self.life[:, ~array.exists] = np.inf
        stuck = draw_stuck(array.device, shape, seed)
        if stuck is not None:
            self.life[stuck.low | stuck.high] = np.inf
        self.failed = np.zeros(shape, np.uint8)
        self._fate = uniform(self.life.size, seed=seed, stream=Stream.DEATH).reshape(shape)
        array.scheme.make_mortal(array)
        ended = self.prior > self.life
        if ended.any():
            self.failed |= array.scheme.fail_before(array, ended, self._fate)

    @classmethod
    def of(cls, array: SynapticArray, spec: ArraySpec, seed: int) -> Wear | None:
        """Return the lives of an array whose cells wear out, or None."""
        return cls(array, spec.prior_pulses, seed) if spec.wear and array.device is not None else None

    @property
    def n_failed(self) -> int:
        """Cells that have failed."""
        return int(np.count_nonzero(self.failed))

    @property
    def pulses(self) -> npt.NDArray[np.float64]:
        """Pulses each cell has received in all its life; broadcasts to the shape of ``life``."""
        return self.prior + self.array.scheme.pulses_per_cell(self.array.writes)

    def apply(self) -> Mask:
        """Let the cells fail that have received more pulses than they live through.

        Returns
        -------
        ndarray of bool, shape (slices of ``traits``, n_neurons, most_cells)
            The weights, or cells of pairs, that move no more from now on.
        """
        ended = (self.pulses > self.life) & (self.failed == 0)
        codes = self.array.scheme.failures(self.array, ended, self._fate)
        self.failed |= codes
        return self.array.scheme.fail(self.array, codes)


def _draw_lives(device: DeviceSpec, shape: tuple[int, int, int], seed: int) -> npt.NDArray[np.float64]:
    """Draw the pulses that each cell lives through, eta (-ln u)^(1 / beta); infinite where the endurance is not known."""
    if device.endurance is None:
        return np.full(shape, np.inf)
    u = uniform(int(np.prod(shape)), seed=seed, stream=Stream.LIFE).reshape(shape) + 2.0**-33
    lives: npt.NDArray[np.float64] = device.endurance * (-np.log(u)) ** (1.0 / device.endurance_shape)
    return lives
