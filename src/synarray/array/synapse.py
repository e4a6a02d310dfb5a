"""How a weight lives in cells, and what one programming pulse then does to it.

analog     one cell; its conductance is the weight
pair       two cells; their difference is the weight. LTP pulses raise the one, LTD raises the other (for cells that fall
           only abruptly, such as PCM); a pair close to the end of its range is refreshed: both cells are reset, and one
           of them is programmed to the difference (Suri et al., IEDM 2011, doi 10.1109/IEDM.2011.6131488)
digital    a word of binary cells. It is read, moved by whole levels with stochastic rounding, and only the bits that
           change are programmed (the digital implementation of Shi et al. 2018)
compound   n binary cells; the weight is how many are on. A pulse goes to one of them drawn at random (Bill and
           Legenstein 2014, doi 10.3389/fnins.2014.00412)
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.device.cell import STATES, CellSpec, state_weights
from synarray.device.spec import DeviceSpec
from synarray.spec import Spec

__all__ = ["VARIANTS", "PulseLaw", "Scheme", "SynapseSpec", "cell_law", "device_law", "label_shifts"]

Scheme = Literal["analog", "pair", "digital", "compound"]
VARIANTS = 15
"""Nonlinearities that are told apart when the device spreads in it: the quantiles 1/30, 3/30, ... 29/30, scaled to spread 1."""

Floats = npt.NDArray[np.float64]


class SynapseSpec(Spec):
    """How a weight lives in the cells of a device."""

    scheme: Literal["auto", "analog", "pair", "digital", "compound"] = "auto"
    """auto: digital for binary devices, a pair for devices that fall in one step, else analog."""
    n_bits: Annotated[int, Field(ge=1, le=12)] = 2
    """Bits of a digital word."""
    n_cells: Annotated[int, Field(ge=1, le=64)] = 8
    """Binary cells of a compound."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 8
    """Most pulses sent to one bit until a verify finds it written (digital, when pulses can fail)."""
    refresh_every: Annotated[int, Field(ge=1, le=10**9)] = 100
    """Output spikes of a neuron between two looks at its pairs."""
    refresh_at: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of its range beyond which a cell calls for a refresh of its pair, if the other one is not at its lowest."""

    def scheme_for(self, device: DeviceSpec | None) -> Scheme:
        """Say which scheme a device is used in; ideal weights are analog."""
        if device is None:
            return "analog"
        if self.scheme != "auto":
            return self.scheme
        if device.binary:
            return "digital"
        return "pair" if device.n_levels_ltd < 2 and device.law in ("linear", "soft-bound") else "analog"

    def cells_per_weight(self, device: DeviceSpec | None) -> int:
        """Return how many cells one weight takes."""
        return {"analog": 1, "pair": 2, "digital": self.n_bits, "compound": self.n_cells}[self.scheme_for(device)]

    def n_levels(self, device: DeviceSpec | None) -> int | None:
        """Return on how many evenly spaced levels a weight stands; None: on any."""
        scheme = self.scheme_for(device)
        if scheme == "digital":
            return 1 << self.n_bits
        if scheme == "compound":
            return self.n_cells + 1
        return 2 if device is not None and device.binary and scheme == "analog" else None


class PulseLaw(NamedTuple):
    """What one programming pulse does to a weight in each of its states; rows LTD, LTP; exact laws have no step.

    For a pair the states and steps are those of one of its cells, in the units of that cell's own weight.
    """

    step: Floats | None  # [variant, 2, 255] mean size of the step, when the pulse works
    spread: Floats  # [variant, 2, 255] standard deviation of the step
    chance: Floats  # [2, 255] probability that the pulse works
    share: float = 1.0  # how far the weight moves when the cell moves by 1


def cell_law(cell: CellSpec) -> PulseLaw:
    """Law of an ideal weight."""
    size = cell.pulse_step
    step = None if size is None else np.full((1, 2, STATES), size)
    return PulseLaw(step, np.zeros((1, 2, STATES)), np.ones((2, STATES)))


def device_law(synapse: SynapseSpec, device: DeviceSpec) -> PulseLaw:
    """Law of a weight that lives in cells of a device."""
    scheme, w = synapse.scheme_for(device), state_weights()
    levels = synapse.n_levels(device)
    still = np.zeros((1, 2, STATES))
    switching = np.repeat(np.array(device.switching)[:, None], STATES, axis=1)
    if scheme == "digital":  # pulses that fail are sent again, bit by bit
        return PulseLaw(still + 2.0 / ((levels or 2) - 1), still, np.ones((2, STATES)))
    if scheme == "compound":  # the pulse meets a cell that can still move
        return PulseLaw(still + 2.0 / synapse.n_cells, still, switching * np.stack([(w + 1.0) / 2.0, (1.0 - w) / 2.0]))
    shifts = label_shifts(device)
    step = None if device.law == "exact" else np.stack([device.steps(w, shift) for shift in shifts])
    spread = np.full((len(shifts), 2, STATES), 2.0 * device.sigma_c2c)
    return PulseLaw(step, spread, switching, 0.5 if scheme == "pair" else 1.0)


def label_shifts(device: DeviceSpec) -> list[float]:
    """How far the nonlinearity labels of each variant lie from the nominal ones."""
    if device.sigma_d2d_nonlinearity == 0 or device.law != "soft-bound":
        return [0.0]
    from scipy.special import ndtri

    quantiles = ndtri((np.arange(VARIANTS) + 0.5) / VARIANTS)
    quantiles /= quantiles.std()
    return [float(q) for q in device.sigma_d2d_nonlinearity * quantiles]
