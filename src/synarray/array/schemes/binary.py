"""Weights in binary cells: as a word of bits, or as how many of them are on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.schemes.scheme import (
    FAILED,
    FAILED_ON,
    WORD,
    Codes,
    Drawn,
    Mask,
    PulseLaw,
    Scheme,
    Shape,
    Singles,
    Weights,
    no_bits,
    no_pair,
    stop,
    switching,
)
from synarray.device.cell import STATES, state_weights
from synarray.device.curves import Floats
from synarray.device.spec import DeviceSpec
from synarray.device.variation import NOMINAL, draw_stuck

__all__ = ["Compound", "Digital"]


@dataclass(frozen=True)
class Digital(Scheme):
    """A word of binary cells."""

    name = "digital"
    code = WORD
    unit = "bits"
    gradual = False
    sensed_by_bit = True
    sized_by = "n_bits"
    finest = 8
    n_bits: int = 2

    @classmethod
    def suits(cls, device: DeviceSpec) -> bool:
        """Cells of two states."""
        return device.binary

    @property
    def words(self) -> str:
        """What a weight is."""
        return f"A weight is a word of {self.cells} binary cells, read before each update and moved by whole levels."

    @property
    def cells(self) -> int:
        """A cell for each bit."""
        return self.n_bits

    @property
    def top(self) -> int:
        """Highest level."""
        return (1 << self.n_bits) - 1

    def n_levels(self, device: DeviceSpec) -> int | None:
        """2 to the number of bits."""
        return self.top + 1

    def no_current(self, device: DeviceSpec) -> float:
        """0: columns are added as numbers."""
        return 0.0

    def pulse_law(self, device: DeviceSpec) -> PulseLaw:
        """One level, for sure: pulses that fail are sent again, bit by bit."""
        still = np.zeros((1, 2, STATES))
        return PulseLaw(still + 2.0 / self.top, still, np.ones((2, STATES)))

    def draw(self, device: DeviceSpec, shape: Shape, exists: Mask, seed: int) -> Drawn:
        """Draw the stuck bits."""
        stuck, bits, w = draw_stuck(device, shape, seed), no_bits(), np.full(shape[1:], -1.0, np.float32)
        if stuck is not None:
            bits = _word(stuck.low | stuck.high).astype(np.uint16)
            w = _level_weight(_word(stuck.high), self.top)
        return Drawn(NOMINAL.reshape(1, 4, 1, 1).copy(), np.zeros((1, 1, 1), np.uint8), bits, w, no_pair())

    def levels(self, array: Weights) -> Codes:
        """All or nothing; lowest bit first."""
        word = ((array.w + np.float32(1)) * np.float32(0.5) * np.float32(self.top) + np.float32(0.5)).astype(np.uint16)
        return self._bits(word).astype(np.uint8) * np.uint8(254)

    def positions(self, array: Weights) -> Floats:
        """Either end; lowest bit first."""
        return 2.0 * self._bits(np.rint((array.w + 1.0) * self.top / 2.0).astype(np.int64)) - 1.0

    def stuck_cells(self, array: Weights) -> Mask:
        """Bits that never change."""
        return np.broadcast_to(self._bits(array.stuck_bits) == 1, (self.cells, *array.w.shape))

    def make_mortal(self, array: Weights) -> None:
        """Give every word its own stuck bits."""
        array.stuck_bits = np.broadcast_to(array.stuck_bits, array.w.shape).copy()

    def fail(self, array: Weights, failed: Codes) -> Mask:
        """Note the bits."""
        array.stuck_bits = array.stuck_bits | _word(failed > 0).astype(np.uint16)
        return np.zeros((1, 1, 1), np.bool_)

    def fail_before(self, array: Weights, ended: Mask, fate: Floats) -> Codes:
        """Make each bit 1 or 0."""
        word = np.rint((array.w + 1.0) * self.top / 2.0).astype(np.int64)
        array.w[:] = np.where(array.exists, _level_weight(word | _word(ended & (fate < 0.5)), self.top), array.w)
        codes = ended.astype(np.uint8)
        self.fail(array, codes)
        return codes

    def _bits(self, word: npt.NDArray[Any]) -> npt.NDArray[Any]:
        bits: npt.NDArray[Any] = (
            word[None] >> np.arange(self.n_bits, dtype=word.dtype)[:, None, None]
        ) & word.dtype.type(1)
        return bits


@dataclass(frozen=True)
class Compound(Scheme):
    """Binary cells; the weight is how many of them are on."""

    name = "compound"
    gradual = False
    sized_by = "n_cells"
    finest = 64
    cite = ("BIL14", "weights as compounds of binary cells")
    n_cells: int = 8

    @property
    def words(self) -> str:
        """What a weight is."""
        return f"A weight is how many of {self.cells} binary cells are on."

    @property
    def cells(self) -> int:
        """``n_cells``."""
        return self.n_cells

    @property
    def counters(self) -> int:
        """One for all: pulses go to cells drawn at random."""
        return 1

    def n_levels(self, device: DeviceSpec) -> int | None:
        """From none to all."""
        return self.n_cells + 1

    def pulse_law(self, device: DeviceSpec) -> PulseLaw:
        """One cell, where the pulse meets one that can still move."""
        still, w = np.zeros((1, 2, STATES)), state_weights()
        meets = np.stack([(w + 1.0) / 2.0, (1.0 - w) / 2.0])
        return PulseLaw(still + 2.0 / self.n_cells, still, switching(device) * meets)

    def draw(self, device: DeviceSpec, shape: Shape, exists: Mask, seed: int) -> Drawn:
        """Draw how many cells are stuck at either end."""
        traits = np.tile(NOMINAL.reshape(1, 4, 1, 1), (1, 1, *shape[1:]))
        stuck = draw_stuck(device, shape, seed)
        if stuck is not None:
            traits[0, 2] = _level_weight(stuck.high.sum(axis=0), self.n_cells)
            traits[0, 3] = _level_weight(self.n_cells - stuck.low.sum(axis=0), self.n_cells)
            traits[0, :2] = traits[0, 2] < traits[0, 3]
        return Drawn(traits, np.zeros((1, *shape[1:]), np.uint8), no_bits(), traits[0, 2].copy(), no_pair())

    def positions(self, array: Weights) -> Floats:
        """Either end; the first ones on."""
        on = np.rint((array.w + 1.0) * self.n_cells / 2.0)
        return np.where(np.arange(self.n_cells)[:, None, None] < on[None], 1.0, -1.0)

    def pulses_per_cell(self, writes: npt.NDArray[np.uint32]) -> Floats:
        """Shared evenly among the cells, among which pulses are drawn at random."""
        return writes.astype(np.float64) / self.n_cells

    def read_powers(self, device: DeviceSpec) -> tuple[Floats, Floats]:
        """Its cells are on or off: their variances add up."""
        power, square = (np.linspace((device.g_min / device.g_max) ** n, 1.0, STATES) for n in (1, 2))
        return power, square

    def read_weight(self, device: DeviceSpec) -> float:
        """Noise of independent cells."""
        return super().read_weight(device) / float(np.sqrt(self.n_cells))

    def failures(self, array: Weights, ended: Mask, fate: Floats) -> Codes:
        """Decide which of the cells that end are on, one after another: each as probably as any of the working ones."""
        codes = np.zeros(ended.shape, np.uint8)
        if not ended.any():
            return codes
        n = self.n_cells
        on = np.rint((array.w + 1.0) * n / 2.0) - np.rint((array.traits[0, 2] + 1.0) * n / 2.0)
        working = np.rint((array.traits[0, 3] - array.traits[0, 2]) * n / 2.0)
        for s in range(n):
            stays = ended[s] & (fate[s] * working < on)
            codes[s] = np.where(ended[s], np.where(stays, FAILED_ON, FAILED), 0)
            on, working = on - stays, working - ended[s]
        return codes

    def fail(self, array: Weights, failed: Codes) -> Mask:
        """Narrow the range of the weight by the cells that are on or off for good."""
        n, on, off = self.n_cells, (failed == FAILED_ON).sum(axis=0), (failed == FAILED).sum(axis=0)
        low, high = np.rint((array.traits[0, 2:] + 1.0) * n / 2.0).astype(np.int64)
        array.traits[0, 2], array.traits[0, 3] = _level_weight(low + on, n), _level_weight(high - off, n)
        return stop(array, (low + on >= high - off)[None] & (failed > 0).any(axis=0))

    def fail_before(self, array: Weights, ended: Mask, fate: Floats) -> Codes:
        """Make each cell on or off."""
        codes = ended.astype(np.uint8) + (ended & (fate < 0.5))
        self.fail(array, codes)
        array.w[:] = np.where(array.exists, array.traits[0, 2], array.w)
        return codes


def _word(bits: Mask) -> npt.NDArray[np.int64]:
    """Return the number whose bits are set, of [bit, neuron, cell]."""
    word: npt.NDArray[np.int64] = (bits * (1 << np.arange(len(bits)))[:, None, None]).sum(axis=0)
    return word


def _level_weight(level: npt.NDArray[np.integer], top: int) -> Singles:
    """Return the weight of a level, 0 to ``top``, in float32 as the kernels compute it."""
    return level.astype(np.float32) * (np.float32(2.0) / np.float32(top)) - np.float32(1.0)
