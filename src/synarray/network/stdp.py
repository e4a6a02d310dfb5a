"""STDP at an output spike: the winner's cells only, by what their inputs did in the window before it.

    x_i = 1    dw = + gain a exp(-b (w + 1))      LTP, falling exponentially with the weight
    x_i = 0    dw = - gain c                      LTD, constant
    pulses     n = floor(|dw| / D + U(0, 1))      of one size D, so that the mean movement is dw

The form is that of Shi et al. 2018 (Fig. 3c); a, b, c of the paper are not known. The equilibrium of one cell is
w + 1 = (logit P(x_i) + ln(a / c)) / b, which makes the potential a log-likelihood (on-line expectation maximisation).
The movement asked of a cell ends at its bound: the law reads the weight, so a cell at its bound is sent no pulse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.array.schemes import PulseLaw
from synarray.device.cell import STATES, state_weights
from synarray.spec import Spec

__all__ = [
    "MOST_PULSES",
    "Following",
    "PulseTables",
    "StdpSpec",
    "following",
    "mean_pulses",
    "movement",
    "pulse_tables",
]

MOST_PULSES = 255
"""Most pulses one update sends on average to a cell."""

Floats = npt.NDArray[np.float64]


class PulseTables(NamedTuple):
    """The laws of learning and of the device, by state."""

    pulses: npt.NDArray[np.uint32]  # [512] mean number of pulses of an update, 16 fractional bits
    chance: npt.NDArray[np.uint32]  # [512] probability that one of them works, / 2^16
    step: npt.NDArray[np.float32]  # [variant, 512] signed step of one that works
    spread: npt.NDArray[np.float32]  # [variant, 512] its standard deviation


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
    verify: bool = True
    """True: a cell is read before its update (counted), and the pulses suit its state; False: state-blind pulses."""
    w_start: Annotated[float, Field(ge=-1, le=1)] = -0.3
    """Centre of the initial weights."""
    w_spread: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Half width of their uniform distribution."""


def movement(spec: StdpSpec, w: Floats, progress: float) -> Floats:
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
    if spec.verify and not spec.pulse_at_bound:
        ltp, ltd = np.minimum(ltp, 1.0 - w), np.minimum(ltd, w + 1.0)
    return np.stack([ltd, ltp])


def mean_pulses(spec: StdpSpec, law: PulseLaw, progress: float) -> Floats:
    """Compile the law of learning onto the law of the pulses: how many pulses an update sends on average, by state.

    With ``verify`` the state is known and the mean movement is what the law asks. Without it one number serves all states:
    the one whose mean movement comes closest to the law's (least squares over the states).

    Returns
    -------
    ndarray, shape (2, 255)
        Rows LTD and LTP.
    """
    w = state_weights()
    asked = movement(spec, w, progress)
    if law.step is None:
        return (asked > 0).astype(np.float64)
    moves = law.step[len(law.step) // 2] * law.probability * law.share
    if law.share != 1.0:  # the reading of a pair says its difference, not the states of its two cells
        moves = np.repeat(moves.mean(axis=1, keepdims=True), STATES, axis=1)[[1, 1]]
    if spec.verify:
        pulses = np.divide(asked, moves, out=np.zeros_like(asked), where=moves > 0)
    else:
        best = (asked * moves).sum(axis=1) / np.maximum((moves * moves).sum(axis=1), 1e-300)
        pulses = np.repeat(best[:, None], STATES, axis=1)
    least: Floats = np.minimum(pulses, MOST_PULSES)
    return least


def pulse_tables(spec: StdpSpec, law: PulseLaw, progress: float) -> PulseTables:
    """Lay the compiled law out for the kernels, which only look up; the second index runs LTD 0..255, LTP 256..511."""
    asked = movement(spec, state_weights(), progress)
    size = asked[None] if law.step is None else law.step
    pulses, chance = np.zeros((2, 256), np.uint32), np.zeros((2, 256), np.uint32)
    step, spread = (np.zeros((len(size), 2, 256), np.float32) for _ in range(2))
    pulses[:, :STATES] = np.rint(mean_pulses(spec, law, progress) * 65536.0)
    chance[:, :STATES] = np.rint(law.probability * 65536.0)
    step[:, :, :STATES] = size * np.array([[-1.0], [1.0]])
    spread[:, :, :STATES] = law.spread
    return PulseTables(
        pulses.reshape(-1), chance.reshape(-1), step.reshape(len(size), -1), spread.reshape(len(size), -1)
    )


@dataclass(frozen=True)
class Following:
    """How well pulses of a device follow the law of learning, by the weight of the cell; rows LTD, LTP."""

    w: Floats  # [n] weights
    asked: Floats  # [2, n] mean movement the law asks of an update
    delivered: Floats  # [2, n] mean movement of the pulses sent, before an end of the range stops them
    single: Floats  # [2, n] mean movement of one pulse
    pulses: Floats  # [2, n] mean number of pulses of an update
    spread: Floats  # [2] standard deviation of a pulse that works, relative to its step (both rms over the states)

    @property
    def error(self) -> Floats:
        """Root mean square of delivered - asked over that of asked, over all states alike, shape (2,)."""
        missed, asked = (np.sqrt(np.mean(part**2, axis=1)) for part in (self.delivered - self.asked, self.asked))
        share: Floats = np.divide(missed, asked, out=np.zeros(2), where=asked > 0)
        return share


def following(spec: StdpSpec, law: PulseLaw) -> Following:
    """Hold the movement that compiled pulses deliver against the movement the law of learning asks, at the start of training.

    A pair is taken as a refresh leaves it: one of its cells at the low end, the other one as high as the weight asks.

    Examples
    --------
    A cell with even steps follows the even LTD exactly; state-blind LTP pulses cannot follow an exponential:

    >>> law = PulseLaw(np.full((1, 2, STATES), 0.1), np.zeros((1, 2, STATES)), np.ones((2, STATES)))
    >>> following(StdpSpec(verify=False), law).error.round(2).tolist()
    [0.0, 0.78]
    """
    w = state_weights()
    asked, pulses = movement(spec, w, 0.0), mean_pulses(spec, law, 0.0)
    if law.step is None:
        return Following(w, asked, asked, asked, pulses, np.zeros(2))
    size, spread = law.step[len(law.step) // 2], law.spread[len(law.step) // 2]
    single = size * law.probability * law.share
    if law.share != 1.0:  # LTD raises the other cell of the pair
        size, spread = size[[1, 1]], spread[[1, 1]]
        single = np.stack([np.interp(2.0 * np.maximum(side, 0.0) - 1.0, w, single[1]) for side in (-w, w)])
    relative = np.sqrt(np.mean(spread**2, axis=1) / np.mean(size**2, axis=1))
    return Following(w, asked, pulses * single, single, pulses, relative)
