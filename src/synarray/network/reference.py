"""The learning machine in plain Python: slow, short, written from the equations against the array's port.

Read this to know what the compiled kernels do, or drive a real chip with it: the array is touched only through its port
(``array/port.py``: read, look, pulse, program, freeze, refresh). Same random numbers at the same places: a test holds spikes,
winners, pulses, pruned cells and weights equal to the kernels'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.array.port import ArrayPort, Moment
from synarray.array.simulated_port import SimulatedPort
from synarray.device.kernels import Law
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.kernels import Schedule
from synarray.network.machine import Machine
from synarray.network.pruning_kernels import Pruning
from synarray.rng import Phase, Stream, philox, random_u16

__all__ = ["Learner"]

_Spikes = npt.NDArray[np.uint8]
_Winners = npt.NDArray[np.int64]


@dataclass
class Learner:
    """Neurons that learn through an array's port, for one moment of the schedules."""

    port: ArrayPort
    schedule: Schedule
    """Laws of one moment."""
    inputs: list[npt.NDArray[np.int32]]
    """Inputs of each tile's rows, at its first place; for other places see ``reference_layers.py``."""
    neuron_start: npt.NDArray[np.int64]
    """Shape (n_groups + 1,)."""
    threshold: npt.NDArray[np.int32]
    spikes: npt.NDArray[np.int64]
    """Shape (n_neurons,)."""
    alive: npt.NDArray[np.bool_]
    """Synapses that still learn; shape (n_neurons, most_cells)."""
    pruning: Pruning | None
    seed: int
    lifetime: int
    """Draws for which an input counts as active: 1, or the steps of a sliding window."""
    neuron_events: npt.NDArray[np.int64]
    network_events: npt.NDArray[np.int64]
    """What neurons do is counted here; what the array does is counted behind the port."""
    pulse_moment: int = 0
    """Which of the schedule's pulses are sent: a contrastive teacher has two kinds."""

    @classmethod
    def of(cls, machine: Machine, laws: tuple[Schedule, Law], port: ArrayPort | None = None) -> Learner:
        """Set up the neurons of a machine before their array, or before another one that is behind a port."""
        if port is None:
            port = SimulatedPort(
                machine.array, laws[1], machine.device, machine.pairs, machine.word, laws[0].looks, machine.spec.seed,
                machine.neuron_events, machine.network_events, machine.driven,
            )  # fmt: skip
        encoding = machine.spec.encoding
        return cls(
            port, laws[0], [group.places[0] for group in machine.groups], machine.array.neuron_start, machine.threshold,
            machine.spikes, machine.array.alive.astype(bool), machine.pruning, machine.spec.seed,
            encoding.steps_per_window if encoding.form == "sliding" else 1, machine.neuron_events, machine.network_events,
        )  # fmt: skip

    # ---- passes --------------------------------------------------------------------------------------------------------

    def learn(self, block: _Spikes, first: int) -> _Winners:
        """Learn from a block of spikes [presentation, draw, input], presentations ``first``...; return its winners."""
        winners = np.zeros((*block.shape[:2], len(self.inputs)), np.int64)
        for p, spikes in enumerate(block):
            left = np.zeros(block.shape[2], int)  # draws for which each input still counts as active
            self.network_events[NetworkEvent.PRESENTATION] += 1
            for m, now in enumerate(spikes):
                left = np.where(now, self.lifetime, np.maximum(left - 1, 0))
                for g, inputs in enumerate(self.inputs):
                    x, moment = left[inputs] > 0, Moment(m * len(self.inputs) + g, first + p)
                    column = self._draw_winner(g, x, self.threshold, m, moment)
                    winners[p, m, g] = self.neuron_start[g] + column
                    self.update_winner(g, column, x, moment, 1)
        self.settle()
        return winners

    def respond(self, block: _Spikes, places: npt.NDArray[np.int64], phase: Phase, refractory: int) -> _Winners:
        """Read a block of spikes and draw winners; a neuron that fired is held back for the rest of the presentation."""
        winners = np.zeros((*block.shape[:2], len(self.inputs)), np.int64)
        for p, spikes in enumerate(block):
            threshold = self.threshold.copy()
            for m, now in enumerate(spikes):
                for g, inputs in enumerate(self.inputs):
                    moment = Moment(m * len(self.inputs) + g, int(places[p]), phase)
                    k = self.neuron_start[g] + self._draw_winner(g, now[inputs] > 0, threshold, m, moment)
                    threshold[k] -= refractory
                    winners[p, m, g] = k
        return winners

    def update(self, block: _Spikes, modulation: npt.NDArray[np.int8], winners: _Winners, first: int) -> None:
        """Update winners that were drawn before, as a teacher or a reward says: 1 STDP, 0 nothing, -1 LTD of active cells."""
        for p, spikes in enumerate(block):
            for m, now in enumerate(spikes if modulation[p] else spikes[:0]):
                for g, inputs in enumerate(self.inputs):
                    moment = Moment(m * len(self.inputs) + g, first + p)
                    self.update_winner(
                        g, int(winners[p, m, g] - self.neuron_start[g]), now[inputs] > 0, moment, int(modulation[p])
                    )
        self.settle()

    # ---- one output spike ----------------------------------------------------------------------------------------------

    def _draw_winner(
        self, g: int, x: npt.NDArray[np.bool_], threshold: npt.NDArray[np.int32], m: int, moment: Moment
    ) -> int:
        """Read tile g and draw its winner."""
        return self.draw(self.potentials(g, x, threshold, moment), g, m, moment)

    def potentials(
        self, g: int, x: npt.NDArray[np.bool_], threshold: npt.NDArray[np.int32], moment: Moment
    ) -> npt.NDArray[np.int32]:
        """U = sum over active rows + th, in read units."""
        u: npt.NDArray[np.int32] = (
            self.port.read(g, x, moment) + threshold[self.neuron_start[g] : self.neuron_start[g + 1]]
        )
        return u

    def draw(self, u: npt.NDArray[np.int32], index: int, m: int, moment: Moment) -> int:
        """K ~ softmax(beta u): the first neuron at which the summed numerators pass a random share of their total."""
        table = self.schedule.winner[0]
        total = np.cumsum(table[np.minimum(u.max() - u, len(table) - 1)].astype(np.uint64))
        random = philox((index, m, moment.presentation, 0), (self.seed, Stream.WINNER + (moment.phase << 8)))[0]
        return int(np.searchsorted(total, (np.uint64(random) * total[-1]) >> np.uint64(32), side="right"))

    def update_winner(self, g: int, column: int, x: npt.NDArray[np.bool_], moment: Moment, modulation: int) -> None:
        """STDP: n = floor(mean + U(0, 1)) pulses on each alive weight of the winner, LTP where x, LTD elsewhere."""
        k, n = int(self.neuron_start[g] + column), len(x)
        events, alive = self.neuron_events[k], self.alive[k, :n]
        state = self.port.look(g, column, int(alive.sum())).state
        noise = random_u16(n, seed=self.seed, stream=Stream.PULSE, step=moment.step, presentation=moment.presentation)
        up = x if modulation > 0 else np.zeros(n, bool)
        wanted = (self.schedule.pulses[self.pulse_moment, 256 * up + state] + noise.astype(np.uint32)) >> np.uint32(16)
        if modulation < 0:
            wanted = wanted * x
        events[NeuronEvent.PULSE_SKIPPED] += wanted[~alive].sum()
        self.port.pulse(g, column, np.where(alive, wanted, 0).astype(np.int32), up, moment)
        events[NeuronEvent.OUTPUT_SPIKE] += 1
        events[NeuronEvent.MASK_LOOKUP] += n if self.pruning else 0
        self.threshold[k] -= self.schedule.homeostasis[0] if modulation > 0 else 0
        self.spikes[k] += 1
        self.port.refresh(g, column, alive, int(self.spikes[k]))
        if self.pruning:
            self._prune(g, column, self.pruning)

    def settle(self) -> None:
        """Shift each group's thresholds so that the highest is 0: winners depend on differences only."""
        for begin, end in zip(self.neuron_start[:-1], self.neuron_start[1:], strict=True):
            self.threshold[begin:end] -= self.threshold[begin:end].max()

    # ---- pruning -------------------------------------------------------------------------------------------------------

    def _prune(self, g: int, column: int, pruning: Pruning) -> None:
        """Prune the neuron that fired when its spike count says so, and retire the cells that have matured."""
        k, n = int(self.neuron_start[g] + column), len(self.inputs[g])
        alive = self.alive[k, :n]
        for stage in np.flatnonzero(pruning.at_spikes == self.spikes[k]):
            rank = self.port.look(g, column, 0).state  # the lowest (or random) first; ties go by cell order
            if pruning.random:
                rank = (philox((np.arange(n), k, 0, 0), (self.seed, Stream.PRUNE))[0] % 254).astype(np.int32)
            left = np.flatnonzero(alive)
            quota = int(np.ceil(pruning.share[stage] * n - 1e-9)) - (n - len(left))
            for row in left[np.argsort(rank[left], kind="stable")][: max(quota, 0)].tolist():
                self._retire(g, column, row, pruning)
        if 0 < pruning.maturity <= self.spikes[k]:
            for row in np.flatnonzero(alive & self.port.look(g, column, 0).lowest).tolist():
                self._retire(g, column, row, pruning)

    def _retire(self, g: int, column: int, row: int, pruning: Pruning) -> None:
        """Disconnect a weight, or bring it to the constant pulse by pulse and freeze it there."""
        k = int(self.neuron_start[g] + column)
        self.alive[k, row] = False
        self.port.freeze(g, column, row, pruning.removed)
        if not pruning.removed:
            self.port.program(g, column, row, pruning.constant, int(self.spikes[k]), NeuronEvent.PRUNING_PULSE)
