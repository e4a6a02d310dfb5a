"""Pruning: which cells stop learning, when, and what becomes of them.

    soft           lowest cells of a neuron are brought to a constant non-zero weight (default: lowest conductance) by
                   counted pulses, frozen there for the rest of training, and still read (Shi et al. 2018)
    conventional   lowest cells are disconnected: they contribute nothing
    random         as soft, but the cells are drawn at random (control)
    after          conventional, in one shot, after training; thresholds stay, or re-balance (control)

During training a neuron prunes when its own spike count reaches a stage; the stages are shares of the spikes a neuron is
expected to fire in the whole training, so that one setting fits any number of neurons, images and epochs. The maturity
rule instead freezes, from a neuron's n-th spike on, each cell that an update finds at the floor.

Each mode is an object (:class:`PruningMode`) that answers every question which depends on the mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.array.simulated import SynapticArray
from synarray.device.cell import state_of
from synarray.spec import Spec, one_of

__all__ = ["MODES", "PruningMode", "PruningSpec", "cut_lowest", "stages"]

_Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class PruningMode:
    """What a mode of pruning does."""

    while_training: bool = False
    after_training: bool = False
    """When cells are pruned; never, if neither."""
    removes: bool = False
    """True: cells are disconnected. False: they are brought to a constant weight by counted pulses, and still read."""
    at_random: bool = False
    """True: cells are drawn at random. False: they are ranked, and the lowest are taken."""
    cite: tuple[str, ...] = ("SHI18",)
    """Keys of the works it comes from, in the bibliography."""
    cited_for: str = ""
    """What they are cited for."""

    @property
    def acts(self) -> bool:
        """Whether cells are pruned at all."""
        return self.while_training or self.after_training

    @property
    def ranks(self) -> bool:
        """Whether cells are ranked to find those that are pruned."""
        return self.acts and not self.at_random

    @property
    def keeps(self) -> bool:
        """Whether pruned cells stay, at a constant weight."""
        return self.acts and not self.removes


_COMPARED = "conventional pruning, for comparison with soft pruning"
MODES = {
    "none": PruningMode(cite=()),
    "soft": PruningMode(while_training=True, cite=("SHI18", "SHI19"), cited_for="soft pruning during training"),
    "conventional": PruningMode(while_training=True, removes=True, cited_for=_COMPARED),
    "random": PruningMode(while_training=True, at_random=True, cited_for="soft pruning, here of cells drawn at random"),
    "after": PruningMode(after_training=True, removes=True, cited_for=_COMPARED),
}
"""Every mode by its word in files."""


class PruningSpec(Spec):
    """Which cells stop learning, when, and what becomes of them.

    Raises
    ------
    SpecError
        When fraction or schedule leave [0, 1], or a pruning mode is asked for without a fraction or a maturity.
    """

    mode: Annotated[str, one_of(MODES)] = "none"
    fraction: _Share = 0.0
    """Share of every neuron's cells that ends up pruned (at least; whole cells)."""
    start: _Share = 0.157
    """First stage, as a share of the spikes a neuron is expected to fire while training."""
    end: _Share = 0.63
    """Last stage."""
    n_stages: Annotated[int, Field(ge=1, le=100)] = 4
    """Stages, evenly spaced; stage j prunes up to j / n_stages of the fraction."""
    constant: Annotated[float, Field(ge=-1, le=1)] = -1.0
    """Weight of a soft-pruned cell; -1 is the lowest conductance."""
    maturity: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Output spikes after which a cell found at the floor is pruned; 0: rule not used."""
    rebalance: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Presentations with homeostasis only after one-shot pruning (mode after); 0 leaves the thresholds."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind.acts and self.fraction == 0 and self.maturity == 0:
            raise ValueError(f'mode "{self.mode}" needs a fraction above 0 (or a maturity)')
        if self.start > self.end:
            raise ValueError(f"start must not exceed end = {self.end:g}")
        return self

    @property
    def kind(self) -> PruningMode:
        """What the mode does."""
        return MODES[self.mode]

    @property
    def while_training(self) -> bool:
        """Whether cells are pruned during training."""
        return self.kind.while_training


def stages(spec: PruningSpec, expected_spikes: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Spike counts at which a neuron prunes, and the share of its cells pruned from then on.

    Parameters
    ----------
    spec : PruningSpec
    expected_spikes : float
        Output spikes a neuron is expected to fire in the whole training.

    Returns
    -------
    at_spikes : ndarray of int64, shape (n_stages,), at least 1
    share : ndarray of float64, shape (n_stages,)

    Examples
    --------
    >>> stages(PruningSpec(mode="soft", fraction=0.8, start=0.1, end=0.4, n_stages=4), 1000)
    (array([100, 200, 300, 400]), array([0.2, 0.4, 0.6, 0.8]))
    """
    if not spec.while_training or spec.fraction == 0:
        return np.zeros(0, np.int64), np.zeros(0)
    at = np.maximum(1, np.rint(np.linspace(spec.start, spec.end, spec.n_stages) * expected_spikes)).astype(np.int64)
    if spec.n_stages == 1:
        at[0] = max(1, round(spec.end * expected_spikes))
    share = spec.fraction * np.arange(1, spec.n_stages + 1) / spec.n_stages
    return at, share


def cut_lowest(array: SynapticArray, fraction: float) -> npt.NDArray[np.int64]:
    """Disconnect every neuron's lowest cells in one shot, to the fraction; ties go by cell order.

    Returns
    -------
    ndarray of int64, shape (n_neurons,)
        Cells disconnected.
    """
    cut = np.zeros(len(array.w), np.int64)
    for g in range(len(array.row_start) - 1):
        states = state_of(array.tile(g))
        rank = np.argsort(np.argsort(states, axis=0, kind="stable"), axis=0)
        lowest = rank < int(np.ceil(fraction * len(states) - 1e-9))
        array.disconnect_where(g, lowest)
        cut[array.neurons(g)] = lowest.sum(axis=0)
    return cut
