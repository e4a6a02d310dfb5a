"""The learning machine put together: groups on an array, neurons, and the laws compiled to tables for a moment of training.

``MachineSpec`` composes the specs of this floor and the device's; ``Machine`` is the state they act on. The fast pass
(``kernels.py``) and the readable one (``reference.py``) both take a ``Machine``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.array.ageing import Ageing
from synarray.array.converter import Converter
from synarray.array.geometry import ArraySpec, Placement, place
from synarray.array.kernels import Device, Pairs, program_all, sum_levels
from synarray.array.simulated import SynapticArray
from synarray.array.synapse import SynapseSpec
from synarray.array.wear import Wear
from synarray.array.wire_gains import apply_wires
from synarray.device.cell import CellSpec
from synarray.device.kernels import Law, Word
from synarray.device.library import Device as DeviceOf
from synarray.errors import SpecError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network import kernels, place_kernels
from synarray.network.encoding import EncodingSpec, InputSpec, chance_table, channel_table
from synarray.network.kept import KeptSpikes
from synarray.network.kernels import Bench, Layout, Neurons, Schedule
from synarray.network.neuron import NeuronSpec
from synarray.network.place_kernels import Sites
from synarray.network.pruning import PruningSpec, stages
from synarray.network.pruning_kernels import Pruning
from synarray.network.schedule import compile_laws, contrast_laws
from synarray.network.state import STATE, Cells, allocate
from synarray.network.stdp import StdpSpec
from synarray.network.topology import FieldSpec, Group
from synarray.rng import Phase, Stream, normal_quantiles, uniform
from synarray.spec import Spec

__all__ = ["Machine", "MachineSpec", "Pixels"]

Pixels = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]


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

    @model_validator(mode="after")
    def _can_digitise(self) -> Self:
        by_bit = self.device is not None and self.synapse.scheme_for(self.device).sensed_by_bit
        if self.array.adc_bits is not None and (self.device is None or by_bit):
            raise SpecError(
                "converters digitise columns of cells whose currents add up", where="key array.adc_bits",
                got="words, whose bits are sensed one by one" if by_bit else "ideal weights",
                do="Use a device in another scheme, or leave array.adc_bits out.",
            )  # fmt: skip
        return self


@dataclass
class Machine:
    """A network in the middle of its life."""

    spec: MachineSpec
    groups: list[Group]
    array: SynapticArray
    placement: Placement | None
    """Where the cells lie in the physical arrays; none for ideal weights."""
    threshold: npt.NDArray[np.int32]
    """th, in read units; shape (n_neurons,)."""
    spikes: npt.NDArray[np.int64]
    """Output spikes while learning; shape (n_neurons,)."""
    expected_spikes: float
    """Output spikes a neuron is expected to fire in the whole training (sets the pruning stages)."""
    neuron_events: npt.NDArray[np.int64] = field(repr=False)
    """Shape (n_neurons, len(NeuronEvent))."""
    network_events: npt.NDArray[np.int64] = field(repr=False)
    """Shape (len(NetworkEvent),)."""
    driven: npt.NDArray[np.uint32] = field(repr=False)
    """Reads in which each row was driven, since ``book_read_energy``; empty for ideal weights; shape (n_rows + 1,)."""
    looked: npt.NDArray[np.int64] = field(repr=False)
    """Cells looked up before updates, until ``book_read_energy``; shape (n_neurons,)."""
    ageing: Ageing | None = field(default=None, repr=False)
    """The clock of cells that drift."""
    wear: Wear | None = field(default=None, repr=False)
    """The lives of cells that wear out."""
    nominal_steps: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    """Steps of each cell's LTD and LTP with ideal wires, in units of the law's; None for ideal weights; shape (slices, 2,
    n_neurons, most_cells), or None."""
    _before: tuple[tuple[Any, ...], dict[str, Any]] | None = field(default=None, init=False, repr=False)

    @classmethod
    def build(cls, spec: MachineSpec, groups: list[Group], presentations: int) -> Machine:
        """Place the groups on an array with its initial weights, for a training of so many presentations.

        Raises
        ------
        SpecError
            When the network does not fit into its arrays.
        """
        shapes = [(group.n_rows, group.n_neurons) for group in groups]
        slices = spec.synapse.cells_per_weight(spec.device)
        unit = spec.synapse.scheme_for(spec.device).unit
        placement = place(shapes, slices, spec.array, unit) if spec.device else None
        if placement is not None and spec.array.adc_bits is not None:
            _check_whole(placement, shapes)
        disconnects = spec.pruning.kind.removes
        array = SynapticArray.build(
            shapes, spec.cell, spec.device, spec.synapse, spec.seed, disconnects, spec.array.noise_temperature
        )
        n = len(array.w)
        machine = cls(
            spec, groups, array, placement,
            threshold=np.zeros(n, np.int32),
            spikes=np.zeros(n, np.int64),
            expected_spikes=0.0,
            neuron_events=np.zeros((n, len(NeuronEvent)), np.int64),
            network_events=np.zeros(len(NetworkEvent), np.int64),
            driven=np.zeros(len(array.read_copy) if spec.device else 0, np.uint32),
            looked=np.zeros(n, np.int64),
        )  # fmt: skip
        machine.expect(presentations)
        allocate(machine, {"neuron": n, "cell": array.w.shape[1], "group": len(groups), "row": len(array.read_copy)})
        array.removed = spec.pruning.kind.removes and spec.pruning.while_training
        spread = 2.0 * uniform(array.w.size, seed=spec.seed, stream=Stream.INITIAL).reshape(array.w.shape) - 1.0
        start = spec.stdp.w_start + spec.stdp.w_spread * spread
        if spec.device is None:
            array.w[:] = np.where(array.alive, spec.cell.settle(start), np.float32(0))
            array.refresh_read_copy()
        else:
            machine.wear = Wear.of(array, spec.array, spec.seed)
            machine.nominal_steps = array.traits[:, :2].copy()
            machine.program(start.astype(np.float32), NeuronEvent.INITIAL_PULSE)
            machine.ageing = Ageing.of(array, spec.seed)
            machine.apply_wires()
        return machine

    def expect(self, presentations: int) -> None:
        """Expect a training of so many presentations: the pruning stages and the threshold step follow."""
        self.expected_spikes = presentations * self.spec.encoding.draws * self.n_winners / len(self.threshold)

    def book_read_energy(self) -> None:
        """Book the conductance that the reads since the last call met, with the cells in their present state."""
        if self.spec.device is None:
            return
        array, looks = self.array, self.neuron_events[:, NeuronEvent.CELL_READ]
        connected = array.alive if array.removed else array.exists
        n_cells, by_row = np.zeros((2, len(self.driven)), np.int64)
        alive, by_neuron = np.zeros((2, len(looks)), np.int64)
        sum_levels(
            array.levels(), connected.view(np.uint8), array.alive, array.row_start, array.neuron_start, n_cells, by_row, alive,
            by_neuron,
        )  # fmt: skip
        self.network_events[NetworkEvent.ROW_CELL] += self.driven @ n_cells
        self.network_events[NetworkEvent.ROW_LEVEL] += 2 * (self.driven @ by_row)
        self.driven[:] = 0
        met = 2 * (looks - self.looked) * by_neuron // np.maximum(alive * max(1, self.looks), 1)
        self.neuron_events[:, NeuronEvent.CELL_READ_LEVEL] += met
        self.looked[:] = looks

    def apply_wires(self) -> None:
        """Compute what the wires leave of every read and write, for the cells in their present state."""
        if self.placement is not None and self.nominal_steps is not None:
            apply_wires(self.array, self.placement, self.nominal_steps)

    def age(self, seconds: float) -> None:
        """Let the cells age."""
        if self.ageing is not None:
            self.ageing.age(seconds)

    def apply_wear(self) -> None:
        """Let the cells fail whose lives have ended."""
        if self.wear is None:
            return
        self.stop(self.wear.apply())

    def stop(self, still: npt.NDArray[np.bool_]) -> None:
        """Let cells move no more, neither by pulses nor by ageing: those that have failed."""
        if self.nominal_steps is not None:
            self.nominal_steps[np.broadcast_to(still[:, None], self.nominal_steps.shape)] = 0.0
        if self.ageing is not None:
            self.ageing.moves &= ~still

    def program(self, targets: npt.NDArray[np.float32], event: NeuronEvent) -> None:
        """Bring all weights to targets [neuron, cell] by write-verify; pulses are counted as ``event``."""
        array, (_, law) = self.array, self.laws(0.0)
        program_all(
            targets, array.row_start, array.neuron_start, self.cells, *self._parts(law), self.spec.seed, 2**32 - 1,
            int(event), self.neuron_events,
        )  # fmt: skip

    @property
    def layout(self) -> Layout:
        """Inputs of each row, tile after tile."""
        inputs = np.concatenate([group.inputs for group in self.groups])
        return Layout(inputs, self.array.row_start, self.array.neuron_start)

    @property
    def n_winners(self) -> int:
        """Winners drawn in each window of learning."""
        return sum(group.draws for group in self.groups)

    @property
    def shared(self) -> bool:
        """Whether a tile is read at many places."""
        return any(len(group.places) > 1 for group in self.groups)

    @cached_property
    def sites(self) -> Sites:
        """Inputs of each row at each place, tile after tile."""
        starts = [
            np.cumsum([0, *sizes]) for sizes in zip(*((g.places.size, len(g.places)) for g in self.groups), strict=True)
        ]
        inputs = np.concatenate([group.places.ravel() for group in self.groups])
        at_random, least = (np.array([getattr(g, name) for g in self.groups]) for name in ("at_random", "min_active"))
        return Sites(inputs, starts[0][:-1], starts[1], at_random, least, self.array.row_start, self.array.neuron_start)

    @property
    def cells(self) -> Any:
        """The array's state, as the kernels see it."""
        return Cells(*(getattr(self.array, entry.name) for entry in STATE if entry.kernel))

    @property
    def looks(self) -> int:
        """Cells read per weight before an update; 0: pulses do not look at the state."""
        read = self.spec.stdp.verify or self.array.scheme.sensed_by_bit
        return self.spec.synapse.cells_per_weight(self.spec.device) if read else 0

    @property
    def device(self) -> Device | None:
        """How cells that move in steps are used, as the kernels see it; None for ideal weights and for words."""
        found: Device | None = self._kept("device", self._device_now)
        return found

    def _device_now(self) -> Device | None:
        array = self.array
        if array.device is None or array.scheme.sensed_by_bit:
            return None
        converter = Converter.of(self.spec.array, max(rows for rows, _ in array.shapes))
        return Device(
            array.scheme.paired, array.no_current, array.read_sigma, array.read_power, normal_quantiles(), converter
        )

    @property
    def pairs(self) -> Pairs | None:
        """When pairs are looked after; None where a weight is not one."""
        synapse, array = self.spec.synapse, self.array
        paired = array.device is not None and array.scheme.paired
        return Pairs(synapse.refresh_every, synapse.refresh_at) if paired else None

    @property
    def word(self) -> Word | None:
        """How a weight of binary cells is written; None where weights are not words."""
        array, synapse = self.array, self.spec.synapse
        if array.device is None or not array.scheme.sensed_by_bit:
            return None
        chance = np.rint(np.array(array.device.switching) * 65536.0).astype(np.uint32)
        return Word(synapse.n_bits, chance, synapse.attempts)

    @property
    def neurons(self) -> Neurons:
        """The neurons' state, as the kernels see it."""
        return Neurons(self.threshold, self.spikes)

    @property
    def competition(self) -> NeuronSpec:
        """The neurons' constants, for this length of training."""
        rows = float(np.mean([group.n_rows for group in self.groups]))
        return self.spec.neuron.for_length(self.expected_spikes, rows)

    def laws(self, progress: npt.ArrayLike, *, learning: bool = True) -> tuple[Schedule, Law]:
        """Compile the laws for some moments of training, 0 to 1; not learning, no cell is sent a pulse."""
        competition = self._kept("competition", lambda: self.competition)
        looks, known = self._kept("looks", lambda: self.looks), self._kept("tables", dict)
        return compile_laws(
            self.spec.stdp, competition, self.array.law, self.array.read_units, progress, looks, learning=learning, known=known
        )  # fmt: skip

    def _kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what was worked out before, as long as all that it follows from is the same."""
        array = self.array
        now = (self.spec, self.expected_spikes, array.device, array.law, array.noise_temperature, self.groups)
        if self._before is None or any(a is not b for a, b in zip(now, self._before[0], strict=True)):
            self._before = now, {}
        found = self._before[1]
        if name not in found:
            found[name] = make()
        return found[name]

    def contrast_laws(self, progress: npt.ArrayLike) -> tuple[Schedule, Law]:
        """Compile the laws of a contrastive teacher for some moments of training."""
        spec, looks = self.spec, self.looks if self.array.scheme.sensed_by_bit else 0
        return contrast_laws(spec.stdp, spec.neuron, self.array.law, self.array.read_units, progress, looks)

    def _parts(self, law: Law) -> tuple[Law | None, Device | None, Pairs | None, Word | None]:
        """Return what the kernels act with: law of the pulses, device, pairs, word; what there is not is None."""
        return None if self.word else law, self.device, self.pairs, self.word

    def bench(self) -> Bench:
        """Lay out a workbench for a pass of the kernels."""
        array = self.array
        n_inputs = self._kept("inputs", lambda: 1 + max(int(group.places.max()) for group in self.groups))
        return Bench.lay_out(n_inputs, array.w.shape[1], array.read_copy.shape[1], len(array.w), len(self.groups))

    # ---- passes --------------------------------------------------------------------------------------------------------

    def encode(
        self, pixels: Pixels | KeptSpikes, order: npt.NDArray[np.int64], places: npt.NDArray[np.int64], draws: int,
        phase: Phase = Phase.TRAIN, *, per_step: bool = False,
    ) -> npt.NDArray[np.uint8]:  # fmt: skip
        """Draw the input spikes of images ``order``: a block [presentation, draw, input]; ``places``: where numbers are drawn.

        Spikes of layers below, kept from before, are unpacked; no number is drawn.
        """
        if isinstance(pixels, KeptSpikes):
            return pixels.block(order, draws)
        (images, gains), encoding = pixels, self.spec.encoding
        n_inputs = images.shape[1] * encoding.per_feature
        block = np.empty((len(order), draws, n_inputs), np.uint8)
        words = np.empty((n_inputs + 63) // 64 * 32, np.uint32)
        intensity = channel_table(encoding) if encoding.channelled else chance_table(encoding, per_step=per_step)
        chance = np.empty(n_inputs, np.uint16)
        active = (place_kernels.encode_channels if encoding.channelled else kernels.encode)(
            images[order], gains[order], places, intensity, self.spec.seed, int(phase), chance, words, words.view("<u2"), block,
        )  # fmt: skip
        if phase in (Phase.TRAIN, Phase.REBALANCE):
            self.network_events[NetworkEvent.INPUT_SPIKE] += active
        return block

    def learn(
        self, block: npt.NDArray[np.uint8], moments: npt.NDArray[np.int64], first: int, laws: tuple[Schedule, Law],
        winners: npt.NDArray[np.int32], *, sliding: bool = False,
    ) -> None:  # fmt: skip
        """Learn from a block of spikes, presentations ``first``...: respond and update in one pass. Fills ``winners``."""
        arrays = (self.cells, self.neurons, laws[0], *self._parts(laws[1]), self.pruning, self.bench())
        counts = (self.neuron_events, self.network_events, self.driven, winners)
        if self.shared:
            place_kernels.learn_places(block, moments, first, self.spec.seed, self.sites, *arrays, *counts)
        else:
            window = self.spec.encoding.steps_per_window if sliding else 0
            kernels.learn(block, moments, first, window, self.spec.seed, self.layout, *arrays, *counts)

    def respond(
        self, block: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], schedule: Schedule, winners: npt.NDArray[np.int32],
        phase: Phase = Phase.TRAIN, *, refractory: int = 0, counted: bool = False,
    ) -> None:  # fmt: skip
        """Read a block of spikes and draw winners; nothing learns. Reads are counted where they are part of a training."""
        bench = self.bench()
        totals, driven = (self.network_events, self.driven) if counted else (np.zeros(0, np.int64), bench.no_count)
        kernels.respond(
            block, places, self.spec.seed, int(phase), refractory, self.layout, self.cells, self.neurons, schedule, self.device,
            bench, totals, driven, winners,
        )  # fmt: skip

    def update(
        self, block: npt.NDArray[np.uint8], modulation: npt.NDArray[np.int8], winners: npt.NDArray[np.int32],
        moments: npt.NDArray[np.int64], first: int, laws: tuple[Schedule, Law],
    ) -> None:  # fmt: skip
        """Update the winners that ``respond`` drew, as a teacher or a reward says: +1 STDP, 0 nothing, -1 LTD of active cells."""
        kernels.update(
            block, modulation, winners, moments, first, self.spec.seed, self.layout, self.cells, self.neurons, laws[0],
            *self._parts(laws[1]), self.pruning, self.bench(), self.neuron_events,
        )  # fmt: skip

    def teach(
        self, lesson: str, block: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], n_classes: int,
        moments: npt.NDArray[np.int64], first: int, laws: tuple[Schedule, Law], winners: npt.NDArray[np.int32],
    ) -> None:  # fmt: skip
        """Learn from a block of spikes whose classes are known, as ``place_kernels.LESSONS`` says. Fills ``winners``."""
        place_kernels.LESSONS[lesson](
            block, labels, n_classes, moments, first, self.spec.seed, self.layout, self.cells, self.neurons, laws[0],
            *self._parts(laws[1]), self.pruning, self.bench(), self.neuron_events, self.network_events, self.driven, winners,
        )  # fmt: skip

    def features(
        self, block: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], phase: Phase, cell: npt.NDArray[np.int64],
        channels: int, out: npt.NDArray[np.uint8], totals: npt.NDArray[np.int64], driven: npt.NDArray[np.uint32],
    ) -> None:  # fmt: skip
        """Read a block of spikes at all places and pool the winners into ``out``; nothing learns, reads are counted."""
        schedule, _ = self.laws(1.0, learning=False)
        place_kernels.features(
            block, places, self.spec.seed, int(phase), self.sites, cell, channels, self.cells, self.neurons, schedule,
            self.device, self.bench(), totals, driven, out,
        )  # fmt: skip

    def weigh_classes(
        self, block: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], n_classes: int, phase: Phase
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        """Say how much each class's neurons speak for it: sum over windows and groups of log sum exp(beta u).

        Returns
        -------
        votes : ndarray of float64, shape (n_presentations, n_classes)
        winners : ndarray of int32, shape (n_presentations, n_windows, n_groups)
        """
        shape, (schedule, _) = (*block.shape[:2], len(self.groups)), self.laws(1.0, learning=False)
        highest, total = np.zeros((*shape, n_classes), np.int32), np.zeros((*shape, n_classes), np.int64)
        winners = np.zeros(shape, np.int32)
        place_kernels.weigh_classes(
            block, places, self.spec.seed, int(phase), self.layout, n_classes, self.cells, self.neurons, schedule, self.device,
            self.bench(), highest, total, winners,
        )  # fmt: skip
        votes = self.spec.neuron.beta / self.array.read_units * highest + np.log(total / 65536.0)
        return votes.sum(axis=(1, 2)), winners

    @property
    def pruning(self) -> Pruning | None:
        """When and how cells stop learning, for this length of training; None where none is pruned."""
        spec = self.spec.pruning
        at, share = stages(spec, self.expected_spikes)
        maturity = spec.maturity if spec.while_training else 0
        if not at.size and not maturity:
            return None
        removed = spec.kind.removes and spec.while_training
        return Pruning(at, share, spec.constant, removed, spec.kind.at_random, maturity)

    @property
    def refractory(self) -> int:
        """Potential a neuron loses per spike at read-out, in read units."""
        return round(self.spec.neuron.refractory * self.array.read_units)


def _check_whole(placement: Placement, shapes: list[tuple[int, int]]) -> None:
    """Refuse converters at columns that are cut between arrays, whose parts would be read one by one."""
    tallest = max(block.rows.stop - block.rows.start for block in placement.blocks)
    cut = [b for b in placement.blocks if (b.rows.stop - b.rows.start) < shapes[b.tile][0]]
    if cut:
        rows = shapes[cut[0].tile][0]
        raise SpecError(
            "a column that a converter reads must be whole", where="array",
            got=f"a tile of {rows:,} rows in parts of at most {tallest:,}",
            do=f"Set array.rows = {rows:,} or more, or a larger array.count; or leave array.adc_bits out.",
        )  # fmt: skip
