"""The ideal cell: a weight that one programming pulse moves by a fixed step, on a grid of levels or freely.

A weight w in [-1, 1] is a view of the conductance, w = 2 (g - g_min) / (g_max - g_min) - 1. There are three kinds of cell:

    step = 0.1       every pulse moves w by 0.1 towards its bound, clipped there
    n_levels = 4     w is on one of 4 evenly spaced levels, 2 / 3 apart; a pulse moves it to the next one (2 bits)
    step = "exact"   each pulse moves w by just what the learning law asks (no real cell does; the law's own limit)
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.spec import Spec

__all__ = ["STATES", "CellSpec", "state_of", "state_weights"]

STATES = 255
"""How many states a read resolves between w = -1 and w = 1 (signed 8 bits without -128)."""


def state_of(w: npt.NDArray[np.float32] | np.floating[Any]) -> npt.NDArray[np.int32]:
    """Return the state of weights, 0..254: rint(127 w) + 127, in float32 as the kernels do it; beyond -1..1 the end's.

    Examples
    --------
    >>> state_of(np.array([-1, 0, 1], np.float32))
    array([  0, 127, 254], dtype=int32)
    """
    reading = w * np.float32(127.0) + np.float32(127.5)
    if isinstance(reading, np.floating):  # one weight: arrays of one number take five times as long
        return np.int32(min(max(int(reading), 0), STATES - 1))  # type: ignore[return-value]
    return np.minimum(np.maximum(reading.astype(np.int32), 0), STATES - 1)


def state_weights() -> npt.NDArray[np.float64]:
    """Return the weight at the middle of each state, shape (255,): -1, -126/127, ... 1."""
    return np.arange(-127, 128) / 127.0


class CellSpec(Spec):
    """How one programming pulse moves the ideal cell.

    Raises
    ------
    SpecError
        When a step is outside [0.0001, 2], or there are fewer than 2 levels.
    """

    step: Annotated[float, Field(ge=1e-4, le=2)] | Literal["exact"] = 0.1
    """Weight moved by one pulse; ignored when ``n_levels`` is given."""
    n_levels: Annotated[int, Field(ge=2, le=STATES)] | None = None
    """Evenly spaced levels of the cell (4 for 2 bits); none: any weight."""

    @property
    def pulse_step(self) -> float | None:
        """Weight moved by one pulse; None when the step is the learning law's own."""
        if self.n_levels is not None:
            return 2.0 / (self.n_levels - 1)
        return None if self.step == "exact" else self.step

    def settle(self, w: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Bring weights to where the cell can be: within [-1, 1], on its levels.

        Examples
        --------
        >>> CellSpec(n_levels=3).settle(np.array([-0.7, -0.4, 3.0]))
        array([-1.,  0.,  1.], dtype=float32)
        """
        if self.n_levels is not None:
            step = 2.0 / (self.n_levels - 1)
            w = np.rint((w + 1.0) / step) * step - 1.0
        return np.clip(w, -1.0, 1.0).astype(np.float32)
