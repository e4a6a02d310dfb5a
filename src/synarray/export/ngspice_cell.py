"""A single cell in ngspice: the exported subcircuit under a train of pulses, against the library's own pulse response."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.spice import run_ngspice
from synarray.device.response import pulse_response
from synarray.device.spec import DeviceSpec
from synarray.export.spice_cell import train_deck

__all__ = ["Followed", "follow_in_ngspice"]

_MOST = 30
_ALIKE = {
    "sigma_c2c": 0.0, "sigma_d2d_range": 0.0, "sigma_d2d_step": 0.0, "sigma_d2d_nonlinearity": 0.0, "p_fail": 0.0,
    "stuck_low": 0.0, "stuck_high": 0.0,
}  # fmt: skip

Floats = npt.NDArray[np.float64]


class Followed(NamedTuple):
    """States after each pulse, 0 to 1."""

    ours: Floats
    ngspice: Floats

    @property
    def error(self) -> float:
        """Largest difference, as a share of the range."""
        return float(np.abs(self.ours - self.ngspice).max())


def follow_in_ngspice(device: DeviceSpec, up: npt.ArrayLike | None = None) -> Followed:
    """Send a train to the cell as exported, and to the nominal cell of the library.

    Raises
    ------
    DataError
        For a law that has no flow.
    RunError
        When ngspice is not installed, or cannot solve the deck.
    """
    if up is None:
        there, back = (int(min(max(n, 2), _MOST)) for n in (device.n_levels_ltp, device.n_levels_ltd))
        up = np.repeat([True, False], [there, back])
    train = np.asarray(up, bool)
    answer = run_ngspice(train_deck(device, train))
    states = np.array([answer[f"k{i + 1}"] for i in range(len(train))])
    ours = pulse_response(device.model_copy(update=_ALIKE), train)[1:, 0]
    return Followed((ours - device.g_min) / device.g_range, states)
