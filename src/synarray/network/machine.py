"""The learning machine put together: groups on an array, neurons, and the laws compiled to tables for a moment of training.

``MachineSpec`` composes the specs of this floor and the device's; ``Machine`` is the state they act on. The fast pass
(``kernels.py``) and the readable one (``reference.py``) both take a ``Machine``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.array.tiles import SynapticArray
from synarray.device.cell import CellSpec
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.encoding import EncodingSpec, InputSpec, chance_table
from synarray.network.fields import FieldSpec, Group
from synarray.network.kernels import Cells, Layout, Neurons, Pruning, Tables
from synarray.network.neuron import READ_UNITS, NeuronSpec, homeostasis_step, winner_table
from synarray.network.pruning import PruningSpec, stages
from synarray.network.stdp import StdpSpec, pulse_tables
from synarray.rng import Stream, uniform
from synarray.spec import Spec

__all__ = ["Machine", "MachineSpec"]


class MachineSpec(Spec):
    """Everything that decides what the network does at a window, and nothing about how long it is trained."""

    n_neurons: Annotated[int, Field(ge=1, le=60_000)] = 500
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    inputs: InputSpec = InputSpec()
    encoding: EncodingSpec = EncodingSpec()
    fields: FieldSpec = FieldSpec()
    neuron: NeuronSpec = NeuronSpec()
    stdp: StdpSpec = StdpSpec()
    cell: CellSpec = CellSpec()
    pruning: PruningSpec = PruningSpec()


@dataclass
class Machine:
    """A network in the middle of its life.

    Attributes
    ----------
    spec : MachineSpec
    groups : list of Group
    array : SynapticArray
    threshold : ndarray of int32, shape (n_neurons,)
        th, in read units.
    spikes : ndarray of int64, shape (n_neurons,)
        Output spikes while learning.
    expected_spikes : float
        Output spikes a neuron is expected to fire in the whole training (sets the pruning stages).
    neuron_events : ndarray of int64, shape (n_neurons, len(NeuronEvent))
    network_events : ndarray of int64, shape (len(NetworkEvent),)
    """

    spec: MachineSpec
    groups: list[Group]
    array: SynapticArray
    threshold: npt.NDArray[np.int32]
    spikes: npt.NDArray[np.int64]
    expected_spikes: float
    neuron_events: npt.NDArray[np.int64] = field(repr=False)
    network_events: npt.NDArray[np.int64] = field(repr=False)

    @classmethod
    def build(cls, spec: MachineSpec, groups: list[Group], presentations: int) -> Machine:
        """Place the groups on an array with its initial weights, for a training of so many presentations."""
        array = SynapticArray.build([(len(group.inputs), group.n_neurons) for group in groups])
        spread = 2.0 * uniform(array.w.size, seed=spec.seed, stream=Stream.INITIAL) - 1.0
        start = spec.stdp.w_start + spec.stdp.w_spread * spread
        array.w[:] = np.where(array.alive, spec.cell.settle(start.reshape(array.w.shape)), np.float32(0))
        array.refresh_read_copy()
        n = sum(group.n_neurons for group in groups)
        return cls(
            spec, groups, array,
            threshold=np.zeros(n, np.int32),
            spikes=np.zeros(n, np.int64),
            expected_spikes=presentations * spec.encoding.draws * len(groups) / n,
            neuron_events=np.zeros((n, len(NeuronEvent)), np.int64),
            network_events=np.zeros(len(NetworkEvent), np.int64),
        )  # fmt: skip

    @property
    def layout(self) -> Layout:
        """Inputs of each row, tile after tile."""
        inputs = np.concatenate([group.inputs for group in self.groups])
        return Layout(inputs, self.array.row_start, self.array.neuron_start)

    @property
    def cells(self) -> Cells:
        """The array's state, as the kernels see it."""
        return Cells(self.array.w, self.array.read_copy, self.array.alive)

    @property
    def neurons(self) -> Neurons:
        """The neurons' state, as the kernels see it."""
        return Neurons(self.threshold, self.spikes)

    def tables(self, progress: float, *, learning: bool = True) -> Tables:
        """Compile the laws for a moment of training.

        Parameters
        ----------
        progress : float
            Share of the training that is done, 0 to 1.
        learning : bool
            False: no cell moves, homeostasis runs; and windows, not steps, are drawn.
        """
        spec = self.spec
        pulses, step = pulse_tables(spec.stdp, spec.cell, progress)
        per_step = spec.encoding.form == "sliding" and learning
        return Tables(
            chance_table(spec.encoding, per_step=per_step),
            pulses if learning else np.zeros_like(pulses),
            step,
            winner_table(spec.neuron, progress),
            homeostasis_step(spec.neuron, progress),
        )

    @property
    def pruning(self) -> Pruning:
        """When and how cells stop learning, for this length of training."""
        spec = self.spec.pruning
        at, share = stages(spec, self.expected_spikes)
        maturity = spec.maturity if spec.while_training else 0
        return Pruning(at, share, spec.constant, spec.mode == "conventional", spec.mode == "random", maturity)

    def settle_thresholds(self) -> None:
        """Shift each group's thresholds so that the highest is 0: winners depend on differences only."""
        for g in range(len(self.groups)):
            neurons = self.array.neurons(g)
            self.threshold[neurons] -= self.threshold[neurons].max()

    @property
    def refractory(self) -> int:
        """Potential a neuron loses per spike at read-out, in read units."""
        return round(self.spec.neuron.refractory * READ_UNITS)
