"""The learning machine put together: groups on an array, neurons, and the laws compiled to tables for a moment of training.

``MachineSpec`` composes the specs of this floor and the device's; ``Machine`` is the state they act on. The fast pass
(``kernels.py``) and the readable one (``reference.py``) both take a ``Machine``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.array.ageing import Ageing
from synarray.array.geometry import ArraySpec, Placement, place
from synarray.array.simulated import SynapticArray
from synarray.array.synapse import SynapseSpec
from synarray.array.wear import Wear
from synarray.array.wire_gains import feel_wires
from synarray.device.cell import CellSpec
from synarray.device.library import Device as DeviceOf
from synarray.errors import SpecError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network import kernels
from synarray.network.encoding import EncodingSpec, InputSpec, chance_table
from synarray.network.kernels import Cells, Device, Layout, Neurons, Pruning, Tables
from synarray.network.neuron import NeuronSpec, homeostasis_step, winner_table
from synarray.network.pruning import PruningSpec, stages
from synarray.network.stdp import StdpSpec, pulse_tables
from synarray.network.topology import FieldSpec, Group
from synarray.rng import Stream, normal_quantiles, uniform
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
    """The ideal weight, used when no device is given."""
    device: DeviceOf = None
    """The device the weights live in: a name of the library, the path of a file, or a table; none: ideal weights."""
    synapse: SynapseSpec = SynapseSpec()
    array: ArraySpec = ArraySpec()
    """The physical array; ideal weights need none."""
    pruning: PruningSpec = PruningSpec()

    @model_validator(mode="after")
    def _can_wear(self) -> Self:
        if self.array.wear and (self.device is None or self.device.endurance is None):
            raise SpecError(
                "cells can wear out only where their lives are known", where="key array.wear",
                got=f"no endurance of {self.device.name}" if self.device else "ideal weights",
                do="Use a device that has one, set device.endurance = 1e6 (pulses) or another, or leave array.wear out.",
            )  # fmt: skip
        return self


@dataclass
class Machine:
    """A network in the middle of its life.

    Attributes
    ----------
    spec : MachineSpec
    groups : list of Group
    array : SynapticArray
    placement : Placement or None
        Where the cells lie in the physical arrays; none for ideal weights.
    threshold : ndarray of int32, shape (n_neurons,)
        th, in read units.
    spikes : ndarray of int64, shape (n_neurons,)
        Output spikes while learning.
    expected_spikes : float
        Output spikes a neuron is expected to fire in the whole training (sets the pruning stages).
    neuron_events : ndarray of int64, shape (n_neurons, len(NeuronEvent))
    network_events : ndarray of int64, shape (len(NetworkEvent),)
    driven : ndarray of uint32, shape (n_rows + 1,)
        Reads in which each row was driven, since ``fold_reads``; empty for ideal weights.
    looked : ndarray of int64, shape (n_neurons,)
        Cells looked up before updates, until ``fold_reads``.
    ageing : Ageing or None
        The clock of cells that drift.
    wear : Wear or None
        The lives of cells that wear out.
    """

    spec: MachineSpec
    groups: list[Group]
    array: SynapticArray
    placement: Placement | None
    threshold: npt.NDArray[np.int32]
    spikes: npt.NDArray[np.int64]
    expected_spikes: float
    neuron_events: npt.NDArray[np.int64] = field(repr=False)
    network_events: npt.NDArray[np.int64] = field(repr=False)
    driven: npt.NDArray[np.uint32] = field(repr=False)
    looked: npt.NDArray[np.int64] = field(repr=False)
    ageing: Ageing | None = field(default=None, repr=False)
    wear: Wear | None = field(default=None, repr=False)
    _steps: npt.NDArray[np.float32] | None = field(default=None, repr=False)

    @classmethod
    def build(cls, spec: MachineSpec, groups: list[Group], presentations: int) -> Machine:
        """Place the groups on an array with its initial weights, for a training of so many presentations.

        Raises
        ------
        SpecError
            When the network does not fit into its arrays.
        """
        shapes = [(len(group.inputs), group.n_neurons) for group in groups]
        slices = spec.synapse.cells_per_weight(spec.device)
        unit = spec.synapse.scheme_for(spec.device).unit
        placement = place(shapes, slices, spec.array, unit) if spec.device else None
        disconnects = spec.pruning.kind.removes
        array = SynapticArray.build(
            shapes, spec.cell, spec.device, spec.synapse, spec.seed, disconnects, spec.array.noise_temperature
        )
        n = len(array.w)
        machine = cls(
            spec, groups, array, placement,
            threshold=np.zeros(n, np.int32),
            spikes=np.zeros(n, np.int64),
            expected_spikes=presentations * spec.encoding.draws * len(groups) / n,
            neuron_events=np.zeros((n, len(NeuronEvent)), np.int64),
            network_events=np.zeros(len(NetworkEvent), np.int64),
            driven=np.zeros(len(array.read_copy) if spec.device else 0, np.uint32),
            looked=np.zeros(n, np.int64),
        )  # fmt: skip
        array.removed = spec.pruning.kind.removes and spec.pruning.while_training
        spread = 2.0 * uniform(array.w.size, seed=spec.seed, stream=Stream.INITIAL).reshape(array.w.shape) - 1.0
        start = spec.stdp.w_start + spec.stdp.w_spread * spread
        if spec.device is None:
            array.w[:] = np.where(array.alive, spec.cell.settle(start), np.float32(0))
            array.refresh_read_copy()
        else:
            machine.wear = Wear.of(array, spec.array, spec.seed)
            machine._steps = array.traits[:, :2].copy()
            machine.program(start.astype(np.float32), NeuronEvent.INITIAL_PULSE)
            machine.ageing = Ageing.of(array, spec.seed)
            machine.feel_wires()
        return machine

    def fold_reads(self) -> None:
        """Book the conductance that the reads since the last call met, as the cells stand now."""
        if self.spec.device is None:
            return
        array, looks = self.array, self.neuron_events[:, NeuronEvent.CELL_READ]
        connected = array.alive if array.removed else array.exists
        levels = array.levels()
        for g, (rows, _) in enumerate(array.shapes):
            driven, tile = self.driven[array.rows(g)].astype(np.int64), (array.neurons(g), slice(0, rows))
            standing = (levels[:, *tile] * connected[tile]).sum(axis=(0, 1), dtype=np.int64)
            self.network_events[NetworkEvent.ROW_CELL] += driven @ connected[tile].sum(axis=0, dtype=np.int64)
            self.network_events[NetworkEvent.ROW_LEVEL] += 2 * (driven @ standing)
        self.driven[:] = 0
        cells = array.alive.sum(axis=1, dtype=np.int64) * max(1, self.device.looks)
        met = (
            2 * (looks - self.looked) * (levels * array.alive).sum(axis=(0, 2), dtype=np.int64) // np.maximum(cells, 1)
        )
        self.neuron_events[:, NeuronEvent.CELL_READ_LEVEL] += met
        self.looked[:] = looks

    def feel_wires(self) -> None:
        """Work out anew what the wires leave of every read and write."""
        if self.placement is not None and self._steps is not None:
            feel_wires(self.array, self.placement, self._steps)

    def pass_time(self, seconds: float) -> None:
        """Let the cells age."""
        if self.ageing is not None:
            self.ageing.pass_time(seconds)

    def wear_out(self) -> None:
        """Let the cells fail whose lives have ended."""
        if self.wear is None or self._steps is None:
            return
        still = self.wear.end_lives()
        self._steps[np.broadcast_to(still[:, None], self._steps.shape)] = 0.0
        if self.ageing is not None:
            self.ageing.moves &= ~still

    def program(self, targets: npt.NDArray[np.float32], event: NeuronEvent) -> None:
        """Bring all weights to targets [neuron, cell] by write-verify; pulses are counted as ``event``."""
        array = self.array
        kernels.program(
            targets, array.row_start, array.neuron_start, self.cells, self.device, self.tables(0.0), self.spec.seed,
            2**32 - 1, int(event), self.neuron_events,
        )  # fmt: skip

    @property
    def layout(self) -> Layout:
        """Inputs of each row, tile after tile."""
        inputs = np.concatenate([group.inputs for group in self.groups])
        return Layout(inputs, self.array.row_start, self.array.neuron_start)

    @property
    def cells(self) -> Cells:
        """The array's state, as the kernels see it."""
        a = self.array
        return Cells(
            a.w, a.read_copy, a.alive, a.power, a.pair, a.writes, a.traits, a.variant, a.stuck_bits, a.scale
        )  # fmt: skip

    @property
    def device(self) -> Device:
        """What the cells are and how they are used, as the kernels see it."""
        array, synapse, device = self.array, self.spec.synapse, self.spec.device
        switching = device.switching if device else (1.0, 1.0)
        pair = array.scheme.paired
        return Device(
            ideal=device is None,
            scheme=array.scheme.code,
            bits=synapse.n_bits,
            bit_chance=np.rint(np.array(switching) * 65536.0).astype(np.uint32),
            attempts=synapse.attempts,
            refresh_every=synapse.refresh_every if pair else 0,
            refresh_at=synapse.refresh_at,
            looks=synapse.cells_per_weight(device) if self.spec.stdp.verify or array.scheme.sensed_by_bit else 0,
            no_current=array.no_current,
            noisy=bool(array.law.spread.any()),
            read_sigma=array.read_sigma,
            read_power=array.read_power,
            normal=normal_quantiles(),
        )

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
        laws, units = pulse_tables(spec.stdp, self.array.law, progress), self.array.read_units
        per_step = spec.encoding.form == "sliding" and learning
        return Tables(
            chance_table(spec.encoding, per_step=per_step),
            laws.pulses if learning else np.zeros_like(laws.pulses),
            laws.chance,
            laws.step,
            laws.spread,
            winner_table(spec.neuron, progress, units),
            homeostasis_step(spec.neuron, progress, units),
        )

    @property
    def pruning(self) -> Pruning:
        """When and how cells stop learning, for this length of training."""
        spec = self.spec.pruning
        at, share = stages(spec, self.expected_spikes)
        maturity = spec.maturity if spec.while_training else 0
        return Pruning(
            at, share, spec.constant, spec.kind.removes and spec.while_training, spec.kind.at_random, maturity
        )

    def settle_thresholds(self) -> None:
        """Shift each group's thresholds so that the highest is 0: winners depend on differences only."""
        for g in range(len(self.groups)):
            neurons = self.array.neurons(g)
            self.threshold[neurons] -= self.threshold[neurons].max()

    @property
    def refractory(self) -> int:
        """Potential a neuron loses per spike at read-out, in read units."""
        return round(self.spec.neuron.refractory * self.array.read_units)
