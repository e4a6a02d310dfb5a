"""Weights in cells that move gradually: in one, or as the difference of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synarray.array.schemes.scheme import PAIR, Drawn, Mask, Scheme, Shape, Singles, Weights, draw_gradual, no_bits
from synarray.device.curves import Floats
from synarray.device.spec import DeviceSpec

__all__ = ["Analog", "Pair"]


@dataclass(frozen=True)
class Analog(Scheme):
    """One cell; its conductance is the weight."""

    name = "analog"

    @classmethod
    def suits(cls, device: DeviceSpec) -> bool:
        """Any device."""
        return True


@dataclass(frozen=True)
class Pair(Scheme):
    """Two cells; their difference is the weight."""

    name = "pair"
    code = PAIR
    ways = ("ltp",)  # the LTD pulse resets: it is never a step of learning
    share = 0.5
    cite = ("SUR11", "weights as pairs of cells and their refresh")

    refresh_every: int = 100
    """Output spikes of a neuron between two looks at its pairs."""
    refresh_at: float = 0.9
    """Share of its range beyond which a cell calls for a refresh of its pair."""

    @classmethod
    def suits(cls, device: DeviceSpec) -> bool:
        """Devices that fall in one step."""
        levels = device.step_law.levels(device)
        return levels is not None and levels[1] < 2

    @property
    def words(self) -> str:
        """What a weight is."""
        return "A weight is the difference of two cells; LTD raises the other one."

    @property
    def cells(self) -> int:
        """Two."""
        return 2

    def n_levels(self, device: DeviceSpec) -> int | None:
        """Anywhere."""
        return None

    def no_current(self, device: DeviceSpec) -> float:
        """0: two cells without current differ by nothing."""
        return 0.0

    def draw(self, device: DeviceSpec, shape: Shape, exists: Mask, seed: int) -> Drawn:
        """Draw both cells."""
        traits, variant, cells = draw_gradual(device, shape, exists, seed)
        return Drawn(traits, variant, no_bits(), cells[0], cells)

    def moving(self, array: Weights) -> Singles:
        """Both cells."""
        return array.pair

    def combine(self, array: Weights) -> None:
        """Half of the difference."""
        array.w[:] = (array.pair[0] - array.pair[1]) * np.float32(0.5)

    def read_gain(self, array: Weights, device: DeviceSpec, left: Floats, g: Floats) -> tuple[Floats, Floats]:
        """Both cells' mean share; where the shares differ, what both cells have in common is read too."""
        share = np.divide(left, g, out=np.zeros_like(g), where=g > 0)
        gain, tilt = share.mean(axis=0), (share[0] - share[1]) / 4.0
        return gain, tilt * (array.pair.sum(axis=0) - 2.0 * device.w_zero)
