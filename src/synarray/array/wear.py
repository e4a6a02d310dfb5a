"""Cells that fail while the network learns: each has a life of its own, in pulses, and ends stuck in the state it is in.

Lives follow the device's Weibull law, n = eta (-ln u)^(1 / beta), one random number for each cell, so that a longer endurance
lengthens every life and changes no other draw. What a cell has received is counted anyway (``writes``); whether a life has
ended is looked up a hundred times in a training, at the moments at which cells also age. A cell that has failed

    analog, pair   has steps of 0, and stands where it stood
    digital        is a bit that never changes
    compound       is on or off for good: the cells of a compound are told apart in nothing but their lives, so pulses count as
                   shared evenly among them, and one that fails is on with the chance that any of the working ones is

and neither drifts nor relaxes any more. The controller does not know: it goes on sending pulses.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.array.geometry import ArraySpec
from synarray.array.simulated import SynapticArray, level_weight
from synarray.device.variation import draw_lives, draw_stuck
from synarray.rng import Stream, uniform

__all__ = ["FAILED", "FAILED_ON", "Wear", "mark_failed"]

FAILED, FAILED_ON = 1, 2
"""What ``failed`` says of a cell that has; the second of one of a compound that stays on."""

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]


class Wear:
    """The lives of an array's cells, and which of them have ended.

    Parameters
    ----------
    array : SynapticArray
        Just built. Cells that ended in earlier life stand anywhere in their range, drawn evenly.
    prior : float
        Pulses that every cell received in earlier life.
    seed : int

    Attributes
    ----------
    life : ndarray of float64, shape (cells per weight, n_neurons, most_cells)
        Pulses each cell lives through; infinite where there is none, or one that never moved.
    failed : ndarray of uint8, same shape
        0: works; ``FAILED``; ``FAILED_ON``.
    """

    def __init__(self, array: SynapticArray, prior: float, seed: int) -> None:
        assert array.device is not None
        shape = (array.synapse.cells_per_weight(array.device), *array.w.shape)
        self.array, self.prior = array, prior
        self.life = draw_lives(array.device, shape, seed)
        self.life[:, ~array.exists] = np.inf
        stuck = draw_stuck(array.device, shape, seed)
        if stuck is not None:
            self.life[stuck.low | stuck.high] = np.inf
        self.failed = np.zeros(shape, np.uint8)
        self._chance = uniform(self.life.size, seed=seed, stream=Stream.DEATH).reshape(shape)
        if array.scheme == "digital":  # one number for all words will not do
            array.stuck_bits = np.broadcast_to(array.stuck_bits, array.w.shape).copy()
        self._end_earlier_lives()

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
        writes = self.array.writes.astype(np.float64)
        return self.prior + (writes / len(self.life) if self.array.scheme == "compound" else writes)

    def end_lives(self) -> Mask:
        """Let the cells fail that have received more pulses than they live through.

        Returns
        -------
        ndarray of bool, shape (slices of ``traits``, n_neurons, most_cells)
            The weights, or cells of pairs, that move no more from now on.
        """
        ended = (self.pulses > self.life) & (self.failed == 0)
        codes = ended.astype(np.uint8)
        if self.array.scheme == "compound" and ended.any():
            codes = self._stay_on_or_off(ended)
        self.failed |= codes
        return mark_failed(self.array, codes)

    def _stay_on_or_off(self, ended: Mask) -> Codes:
        """Decide which of a compound's cells that end are on, one after another."""
        array, n = self.array, len(self.life)
        on = np.rint((array.w + 1.0) * n / 2.0) - np.rint((array.traits[0, 2] + 1.0) * n / 2.0)
        working = np.rint((array.traits[0, 3] - array.traits[0, 2]) * n / 2.0)
        codes = np.zeros(ended.shape, np.uint8)
        for s in range(n):
            stays = ended[s] & (self._chance[s] * working < on)
            codes[s] = np.where(ended[s], np.where(stays, FAILED_ON, FAILED), 0)
            on, working = on - stays, working - ended[s]
        return codes

    def _end_earlier_lives(self) -> None:
        """Put the cells that ended before this training where they stand, and leave them there."""
        array, ended = self.array, self.prior > self.life
        if not ended.any():
            return
        high, codes = ended & (self._chance < 0.5), ended.astype(np.uint8)
        if array.scheme == "digital":
            top = (1 << array.synapse.n_bits) - 1
            word = np.rint((array.w + 1.0) * top / 2.0).astype(np.int64)
            bits = (high * (1 << np.arange(len(high)))[:, None, None]).sum(axis=0)
            array.w[:] = np.where(array.exists, level_weight(word | bits, top + 1), array.w)
        elif array.scheme == "compound":
            codes += high
        else:
            low, span = array.traits[:, 2], array.traits[:, 3] - array.traits[:, 2]
            cells = array.pair if array.scheme == "pair" else array.w[None]
            cells[:] = np.where(ended, low + self._chance.astype(np.float32) * span, cells)
            if array.scheme == "pair":
                array.w[:] = (array.pair[0] - array.pair[1]) * np.float32(0.5)
        self.failed |= codes
        mark_failed(array, codes)
        if array.scheme == "compound":
            array.w[:] = np.where(array.exists, array.traits[0, 2], array.w)


def mark_failed(array: SynapticArray, failed: Codes) -> Mask:
    """Make cells that work stop for good; in place.

    Parameters
    ----------
    array : SynapticArray
        Its ``traits`` change, or its ``stuck_bits``.
    failed : ndarray of uint8, shape (cells per weight, n_neurons, most_cells)
        0 for the cells that go on; ``FAILED``, ``FAILED_ON``.

    Returns
    -------
    ndarray of bool, shape (slices of ``traits``, n_neurons, most_cells)
        What moves no more.
    """
    ended, still = failed > 0, failed > 0
    if array.scheme == "digital":
        bits = (ended * (1 << np.arange(len(ended)))[:, None, None]).sum(axis=0).astype(np.uint16)
        array.stuck_bits = array.stuck_bits | bits
        return np.zeros((1, 1, 1), np.bool_)
    if array.scheme == "compound":
        n = len(failed)
        on, off = (failed == FAILED_ON).sum(axis=0), (failed == FAILED).sum(axis=0)
        low, high = np.rint((array.traits[0, 2:] + 1.0) * n / 2.0).astype(np.int64)
        array.traits[0, 2], array.traits[0, 3] = level_weight(low + on, n + 1), level_weight(high - off, n + 1)
        still = (low + on >= high - off)[None] & ended.any(axis=0)
    array.traits[:, :2][np.broadcast_to(still[:, None], array.traits[:, :2].shape)] = 0.0
    return still
