"""The step of an actor and a critic in plain Python, written from the equations of ``reward.py`` against the array's port.

Read this to know what ``reward_kernels.py`` does, or drive a chip with it. Same random numbers at the same places: a test holds
actions, pulses, events and weights equal to the kernels'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.array.port import ArrayPort, Moment
from synarray.array.simulated_port import SimulatedPort
from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn import reward
from synarray.learn.reward import ActorCritic
from synarray.rng import Stream, philox, random_u16

__all__ = ["SlowActorCritic"]

_Chances = npt.NDArray[np.uint32]


@dataclass
class SlowActorCritic:
    """An actor and a critic behind ports: one for each tile, since the laws of their pulses may differ."""

    agent: ActorCritic
    """Whose settings, memory and counters are used; its cells are touched only through the ports."""
    ports: list[ArrayPort]

    @classmethod
    def of(cls, agent: ActorCritic) -> SlowActorCritic:
        """Set up the neurons of an agent before its own simulated array."""
        machine = agent.machine
        ports: list[ArrayPort] = [
            SimulatedPort(
                machine.array, law, machine.device, machine.pairs, machine.word, machine.looks, machine.spec.seed,
                machine.neuron_events, machine.network_events, machine.driven,
            )
            for law in agent.laws
        ]  # fmt: skip
        return cls(agent, ports)

    def step(self, chance: _Chances, reward_: float, moment: int) -> int:
        """Take one step, as ``ActorCritic.step`` does."""
        agent, machine = self.agent, self.agent.machine
        memory, rates, start = agent.memory, agent.rates, machine.array.neuron_start
        action, value, presentation, seed = -1, 0, agent.steps, agent.spec.seed
        if moment != reward.Moment.END:
            noise = random_u16(len(chance), seed=seed, stream=Stream.INPUT, presentation=presentation)
            memory.spikes[:] = noise < chance
            active = memory.spikes > 0
            machine.network_events[NetworkEvent.PRESENTATION] += 1
            machine.network_events[NetworkEvent.INPUT_SPIKE] += active.sum()
            u, v = (port.read(g, active, Moment(g, presentation)) for g, port in enumerate(self.ports))
            action = self._draw(u.reshape(-1, rates.neurons).sum(axis=1), presentation)
            value, fired = int(v.sum()), list(range(action * rates.neurons, (action + 1) * rates.neurons))
        if moment == reward.Moment.BEGIN:
            memory.trace[:] = 0
        else:
            error = round(reward_ * agent.unit) + ((rates.discount * value) >> 16) - int(memory.value[0])
            memory.error[0] = error
            for k in range(start[-1]):
                self._send(int(k >= start[1]), k, error, presentation)
        if moment in (reward.Moment.BEGIN, reward.Moment.CONTINUE):
            machine.neuron_events[fired, NeuronEvent.OUTPUT_SPIKE] += 1
            for g in range(2):
                tile = slice(start[g], start[g + 1])
                left = (np.abs(memory.trace[tile]) * rates.decay[g]) >> 16
                memory.trace[tile] = np.sign(memory.trace[tile]) * np.where(left >= rates.floor, left, 0)
            fresh = np.full(start[2], -rates.opposed)
            fresh[[*fired, *range(start[1], start[2])]] = 65536
            memory.trace[:] = np.where(memory.spikes, fresh[:, None], memory.trace)
            memory.value[0] = value
        agent.steps += 1
        return action if moment <= reward.Moment.CONTINUE else -1

    def _draw(self, u: npt.NDArray[np.int32], presentation: int) -> int:
        """K ~ softmax(beta u): the first neuron at which the summed numerators pass a random share of their total."""
        table = self.agent.winner_table
        total = np.cumsum(table[np.minimum(u.max() - u, len(table) - 1)].astype(np.uint64))
        random = philox((0, 0, presentation, 0), (self.agent.spec.seed, Stream.WINNER))[0]
        return int(np.searchsorted(total, (np.uint64(random) * total[-1]) >> np.uint64(32), side="right"))

    def _send(self, g: int, k: int, error: int, presentation: int) -> None:
        """Send n = floor(mean share e + U(0, 1)) pulses to each eligible cell of a neuron, LTP where error and e agree."""
        agent, port = self.agent, self.ports[g]
        array, rates = agent.machine.array, agent.rates
        column, n = k - int(array.neuron_start[g]), port.shapes[g][0]
        share, trace, alive = min((abs(error) * rates.gain) >> 16, 65536), agent.memory.trace[k, :n], array.alive[k, :n]
        eligible = int(((trace != 0) & (alive > 0)).sum())
        up = (trace < 0) ^ np.bool_(error > 0)
        if eligible == 0 or share == 0:
            return
        state = port.look(g, column, eligible).state
        noise = random_u16(n, seed=agent.spec.seed, stream=Stream.PULSE, step=k, presentation=presentation)
        mean = (rates.pulses[g, 256 * up + state].astype(np.int64) * ((share * np.abs(trace)) >> 16)) >> 16
        pulses = ((mean + noise) >> 16).astype(np.int32)
        port.pulse(g, column, pulses * alive, up, Moment(k, presentation))
        agent.updates[k] += 1
        port.refresh(g, column, alive > 0, int(agent.updates[k]))
