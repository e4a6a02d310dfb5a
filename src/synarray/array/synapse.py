"""How weights are to live in the cells of a device (``schemes/``), and what one programming pulse then does to them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from synarray.array.schemes import IDEAL, SCHEMES, PulseLaw, Scheme, suiting
from synarray.device.cell import STATES, CellSpec
from synarray.device.spec import DeviceSpec
from synarray.spec import Spec, one_of

__all__ = ["SynapseSpec", "cell_law", "device_law"]


class SynapseSpec(Spec):
    """How a weight is stored in the cells of a device.

    Examples
    --------
    >>> from synarray import load_device
    >>> SynapseSpec(scheme="pair").cells_per_weight(load_device("pcm"))
    2
    """

    scheme: Annotated[str, one_of(SCHEMES, "auto")] = "auto"
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
        """Return the scheme a device is used in; ideal weights are analog."""
        if device is None:
            return IDEAL
        return SCHEMES.get(self.scheme, suiting(device)).of(self)

    def cells_per_weight(self, device: DeviceSpec | None) -> int:
        """Return how many cells one weight takes."""
        return self.scheme_for(device).cells


def cell_law(cell: CellSpec) -> PulseLaw:
    """Law of an ideal weight."""
    size = cell.pulse_step
    step = None if size is None else np.full((1, 2, STATES), size)
    return PulseLaw(step, np.zeros((1, 2, STATES)), np.ones((2, STATES)))


def device_law(synapse: SynapseSpec, device: DeviceSpec) -> PulseLaw:
    """Law of a weight that lives in cells of a device."""
    return synapse.scheme_for(device).pulse_law(device)
