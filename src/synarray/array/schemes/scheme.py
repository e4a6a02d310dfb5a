"""What a scheme is: the questions about weights and their cells that have another answer for each scheme."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from synarray.array.kernels import see_states
from synarray.device.cell import STATES, state_weights
from synarray.device.curves import WAYS, Floats, Way
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_stuck, draw_traits, draw_variants

__all__ = [
    "FAILED",
    "FAILED_ON",
    "PAIR",
    "SINGLE",
    "VARIANTS",
    "WORD",
    "Drawn",
    "PulseLaw",
    "Scheme",
    "Weights",
    "label_shifts",
]

SINGLE, PAIR, WORD = 0, 1, 2
"""How the compiled kernels move a weight: as one number, as two cells, as the bits of a word."""
VARIANTS = 15
"""Nonlinearities where the device spreads in it: the quantiles 1/30, 3/30, ... 29/30, scaled to spread 1."""
FAILED, FAILED_ON = 1, 2
"""Codes of a cell that has failed; the second of one of a compound that stays on."""

Shape = tuple[int, int, int]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]


class PulseLaw(NamedTuple):
    """What one programming pulse does to a weight in each of its states; rows LTD, LTP; exact laws have no step.

    For a pair the states and steps are those of one of its cells, in the units of that cell's own weight.
    """

    step: Floats | None  # [variant, 2, 255] mean size of the step, when the pulse works
    spread: Floats  # [variant, 2, 255] standard deviation of the step
    probability: Floats  # [2, 255] that the pulse works
    share: float = 1.0  # how far the weight moves when the cell moves by 1


class Weights(Protocol):
    """What a scheme sees of an array; ``SynapticArray`` says what each of them is."""

    w: Singles
    pair: Singles
    traits: Singles
    stuck_bits: npt.NDArray[np.uint16]
    exists: Mask


class Drawn(NamedTuple):
    """How the cells of an array differ, and their state at first."""

    traits: Singles
    variant: npt.NDArray[np.uint8]
    stuck_bits: npt.NDArray[np.uint16]
    w: Singles
    pair: Singles


@dataclass(frozen=True)
class Scheme:
    """How a weight lives in cells; what the base answers holds for one cell per weight that moves gradually.

    A new scheme is a subclass with a name, added to :data:`SCHEMES`. Its fields are the keys of ``SynapseSpec`` that it needs.
    """

    name: ClassVar[str]
    """The word in files."""
    code: ClassVar[int] = SINGLE
    """Which of the kernels' ways of moving a weight it uses."""
    unit: ClassVar[str] = "cells"
    """What the cells of a weight are called."""
    ways: ClassVar[tuple[Way, ...]] = WAYS
    """Polarities of pulses that move a cell gradually while it learns."""
    gradual: ClassVar[bool] = True
    """Whether a cell is anywhere in its range: it then spreads, bends, drifts and relaxes."""
    sensed_by_bit: ClassVar[bool] = False
    """Whether each cell is sensed as 0 or 1: wires and read noise then do not act, and columns are added as numbers."""
    sized_by: ClassVar[str | None] = None
    """Key of ``SynapseSpec`` that sets how many levels a weight has; None: the device does."""
    finest: ClassVar[int] = 0
    """Value of that key which counts as having no levels."""
    share: ClassVar[float] = 1.0
    """How far the weight moves when a cell moves by 1."""
    cite: ClassVar[tuple[str, str] | None] = None
    """Key of the work it comes from, in the bibliography, and what it is cited for."""

    @classmethod
    def of(cls, synapse: object) -> Self:
        """Make the scheme with the numbers of a synapse."""
        return cls(**{field.name: getattr(synapse, field.name) for field in fields(cls)})

    @classmethod
    def suits(cls, device: DeviceSpec) -> bool:
        """Whether this is what ``scheme = "auto"`` means for a device; the last of :data:`SCHEMES` that says so is taken."""
        return False

    # ---- what a weight is ------------------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """What a weight is, as a sentence."""
        return "A weight is the conductance of one cell."

    @property
    def cells(self) -> int:
        """Cells per weight."""
        return 1

    @property
    def counters(self) -> int:
        """Counters of pulses per weight."""
        return self.cells

    @property
    def cells_per_level(self) -> int:
        """Cells whose mean is counted as one level when a weight is read."""
        return self.cells // self.counters

    @property
    def paired(self) -> bool:
        """Whether the weight is the difference of two cells."""
        return self.code == PAIR

    @property
    def read_noise_acts(self) -> bool:
        """Whether noise of reads acts."""
        return not self.sensed_by_bit

    @property
    def wires_act(self) -> bool:
        """Whether the resistance of wires acts."""
        return not self.sensed_by_bit

    def n_levels(self, device: DeviceSpec) -> int | None:
        """Return on how many evenly spaced levels a weight is; None: anywhere."""
        return 2 if device.binary else None

    def no_current(self, device: DeviceSpec) -> float:
        """Return the weight that a synapse without current is read as."""
        return device.w_zero

    def ages(self, device: DeviceSpec) -> bool:
        """Whether cells change by themselves; a bit is sensed as 0 or 1."""
        return self.gradual and device.ages

    def pulse_law(self, device: DeviceSpec) -> PulseLaw:
        """Return what one programming pulse does to a weight."""
        w, shifts = state_weights(), label_shifts(device)
        step = None if device.step_law.exact else np.stack([device.steps(w, shift) for shift in shifts])
        spread = np.full((len(shifts), 2, STATES), 2.0 * device.sigma_c2c)
        return PulseLaw(step, spread, switching(device), self.share)

    # ---- cells of an array -----------------------------------------------------------------------------------------------

    def draw(self, device: DeviceSpec, shape: Shape, exists: Mask, seed: int) -> Drawn:
        """Draw how the cells of an array of [slice, neuron, cell] differ; they are at their lowest, but for stuck ones."""
        traits, variant, cells = draw_gradual(device, shape, exists, seed)
        return Drawn(traits, variant, no_bits(), cells[0], no_pair())

    def moving(self, array: Weights) -> Singles:
        """Return what moves, -1 to 1 each, [slice, neuron, cell]: a view of the array's state."""
        return array.w[None]

    def combine(self, array: Weights) -> None:
        """Make the weights follow from what moves, after it was changed."""

    def levels(self, array: Weights) -> Codes:
        """Return the state of every cell, 0 (g_min) to 254 (g_max), [slice, neuron, cell]; cells of a compound as their mean."""
        moving = self.moving(array)
        states = np.empty(moving.shape, np.uint8)
        see_states(moving.ravel(), states.reshape(-1))
        return states

    def positions(self, array: Weights) -> Floats:
        """Return where every cell is in its range, -1 to 1, [cell of a weight, neuron, cell]."""
        return self.moving(array).astype(np.float64)

    def stuck_cells(self, array: Weights) -> Mask:
        """Return which cells never move, [cell of a weight, neuron, cell]; of a compound where none of its cells does."""
        return np.broadcast_to((array.traits[:, :2] == 0).all(axis=1), (self.cells, *array.w.shape))

    def pulses_per_cell(self, writes: npt.NDArray[np.uint32]) -> Floats:
        """Return how many pulses each cell received, of what was counted."""
        return writes.astype(np.float64)

    # ---- reads -----------------------------------------------------------------------------------------------------------

    def read_powers(self, device: DeviceSpec) -> tuple[Floats, Floats]:
        """Return the mean of g / g_max over the cells behind a state, and that of its square, shape (255,) each."""
        power = ((np.arange(STATES) / (STATES - 1.0)) * device.g_range + device.g_min) / device.g_max
        return power, power**2

    def read_weight(self, device: DeviceSpec) -> float:
        """Return the weight that a cell at g_max makes; of a compound, that of the noise of its cells together."""
        return 2.0 * device.g_max / device.g_range * self.share

    def read_gain(self, array: Weights, device: DeviceSpec, left: Floats, g: Floats) -> tuple[Floats, Floats]:
        """Return which share of a weight the wires leave of its read, and what they add to it, [neuron, cell] each.

        ``left`` is what is left of the conductances ``g``, [slice, neuron, cell], S.
        """
        total = g.sum(axis=0)
        gain = np.divide(left.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
        return gain, np.zeros_like(gain)

    # ---- wear ------------------------------------------------------------------------------------------------------------

    def make_mortal(self, array: Weights) -> None:
        """Give every cell a place where its failure can be noted."""

    def failures(self, array: Weights, ended: Mask, fate: Floats) -> Codes:
        """Return the codes of cells whose life has just ended; ``fate`` is a random number, 0 to 1, of each."""
        return ended.astype(np.uint8)

    def fail(self, array: Weights, failed: Codes) -> Mask:
        """Make cells that work stop for good, in place.

        Parameters
        ----------
        array : Weights
            Its ``traits`` change, or its ``stuck_bits``.
        failed : ndarray of uint8, [cell of a weight, neuron, cell]
            0 for the cells that still work; ``FAILED``, ``FAILED_ON``.

        Returns
        -------
        ndarray of bool, [slice of ``traits``, neuron, cell]
            What moves no more.
        """
        return stop(array, failed > 0)

    def fail_before(self, array: Weights, ended: Mask, fate: Floats) -> Codes:
        """Let cells fail before training: each anywhere in its range, drawn evenly by its ``fate``; return their codes."""
        low, span = array.traits[:, 2], array.traits[:, 3] - array.traits[:, 2]
        cells = self.moving(array)
        cells[:] = np.where(ended, low + fate.astype(np.float32) * span, cells)
        self.combine(array)
        codes = ended.astype(np.uint8)
        self.fail(array, codes)
        return codes


def label_shifts(device: DeviceSpec) -> list[float]:
    """Return how far the nonlinearity labels of each variant are from the nominal ones."""
    if device.sigma_d2d_nonlinearity == 0 or not device.step_law.labelled:
        return [0.0]
    from scipy.special import ndtri

    quantiles = ndtri((np.arange(VARIANTS) + 0.5) / VARIANTS)
    quantiles /= quantiles.std()
    return [float(q) for q in device.sigma_d2d_nonlinearity * quantiles]


def switching(device: DeviceSpec) -> Floats:
    """Probability that a pulse works, [2, 255]."""
    return np.repeat(np.array(device.switching)[:, None], STATES, axis=1)


def draw_gradual(
    device: DeviceSpec, shape: Shape, exists: Mask, seed: int
) -> tuple[Singles, npt.NDArray[np.uint8], Singles]:
    """Draw traits and variants of cells that move gradually, and where they are at first."""
    traits, stuck = draw_traits(device, shape, seed), draw_stuck(device, shape, seed)
    cells = np.where(exists, traits[:, 2], np.float32(0))
    if stuck is not None:
        cells[stuck.high] = traits[:, 3][stuck.high]
    return traits, draw_variants(len(label_shifts(device)), shape, seed), cells


def no_bits() -> npt.NDArray[np.uint16]:
    return np.zeros((1, 1), np.uint16)


def no_pair() -> Singles:
    return np.zeros((2, 0, 0), np.float32)


def stop(array: Weights, still: Mask) -> Mask:
    """Give cells steps of 0."""
    array.traits[:, :2][np.broadcast_to(still[:, None], array.traits[:, :2].shape)] = 0.0
    return still
