"""STDP at an output spike: the winner's cells only, by what their inputs did in the window before it.

    x_i = 1    dw = + gain a exp(-b (w + 1))      LTP, falling exponentially with the weight
    x_i = 0    dw = - gain c                      LTD, constant
    pulses     n = floor(|dw| / D + U(0, 1))      of one size D, so that the mean movement is dw

The form is that of Shi et al. 2018 (Fig. 3c); a, b, c of the paper are not known. The equilibrium of one cell is
w + 1 = (logit P(x_i) + ln(a / c)) / b, which makes the potential a log-likelihood (on-line expectation maximisation).
The movement asked of a cell ends at its bound: the law reads the weight, so a cell at its bound is sent no pulse.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.device.cell import CellSpec, state_weights
from synarray.spec import Spec

__all__ = ["StdpSpec", "movement", "pulse_tables"]


class StdpSpec(Spec):
    """Constants of the learning law, its schedule, and where weights start."""

    a: Annotated[float, Field(ge=0, le=2)] = 0.138
    """LTP step at the lowest weight."""
    b: Annotated[float, Field(ge=0, le=20)] = 2.5
    """Decay of the LTP step with the weight."""
    c: Annotated[float, Field(ge=0, le=2)] = 0.0061
    """LTD step."""
    gain_end: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of a and c left at the end: gain = max(gain_end, 1 - progress); 1 keeps it constant."""
    pulse_at_bound: bool = False
    """True: pulses are sent without looking whether the cell can still move (they are counted, and wasted)."""
    w_start: Annotated[float, Field(ge=-1, le=1)] = -0.3
    """Centre of the initial weights."""
    w_spread: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Half width of their uniform distribution."""


def movement(spec: StdpSpec, w: npt.NDArray[np.float64], progress: float) -> npt.NDArray[np.float64]:
    """Weight change the law asks of a cell: row 0 LTD (input silent), row 1 LTP (input active); both as magnitudes.

    Parameters
    ----------
    spec : StdpSpec
    w : ndarray, shape (n,)
        Weights, -1 to 1.
    progress : float
        Share of the training that is done, 0 to 1.

    Returns
    -------
    ndarray of float64, shape (2, n)

    Examples
    --------
    >>> movement(StdpSpec(a=0.1, b=2.5, c=0.006), np.array([-1.0, 0.0]), 0.0).round(4).tolist()
    [[0.0, 0.006], [0.1, 0.0082]]
    """
    gain = max(spec.gain_end, 1.0 - progress)
    ltp, ltd = gain * spec.a * np.exp(-spec.b * (w + 1.0)), np.full(w.shape, gain * spec.c)
    if not spec.pulse_at_bound:
        ltp, ltd = np.minimum(ltp, 1.0 - w), np.minimum(ltd, w + 1.0)
    return np.stack([ltd, ltp])


def pulse_tables(
    spec: StdpSpec, cell: CellSpec, progress: float
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
    """Compile the law onto the cell: mean number of pulses and signed step of one pulse, for each state.

    Returns
    -------
    pulses : ndarray of uint32, shape (512,)
        16 fractional bits; entries 0..254 LTD, 256..510 LTP, by state.
    step : ndarray of float32, shape (512,)
        Signed weight step of one pulse.
    """
    asked = movement(spec, state_weights(), progress)
    pulses, step = np.zeros((2, 256), np.uint32), np.zeros((2, 256), np.float32)
    size = np.where(asked > 0, asked, 0.0) if cell.pulse_step is None else np.full_like(asked, cell.pulse_step)
    pulses[:, :255] = np.rint(np.divide(asked, size, out=np.zeros_like(asked), where=size > 0) * 65536.0)
    step[:, :255] = size * np.array([[-1.0], [1.0]])
    return pulses.reshape(-1), step.reshape(-1)
