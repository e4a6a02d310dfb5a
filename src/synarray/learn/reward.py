"""Learning from a reward: an actor and a critic in two tiles of cells, by pulses that are sent or not when the reward comes.

    spikes       x_i = 1 with the probability that the coding of the observation gives it
    actor        a* ~ softmax(beta u), u_a = mean over the action's neurons k of sum_i w_ki x_i; they fire
    critic       V = mean over its neurons of sum_i w_ki x_i
    error        delta = reward + discount V' - V                 V' = 0 where the environment ended the episode
    eligibility  e_ki = 1 where x_i = 1 and k fired (all neurons of the critic), else discount trace e_ki: pulses that are due
                 e_ki = -opposed / (actions - 1) where x_i = 1 and another action was taken: pulses of the opposite sign
    pulses       n = floor(rate |delta| / error_full e_ki / D + U(0, 1)) of one size D: LTP where delta > 0, LTD where delta < 0

So which pulses are due is kept by the controller, and whether they are sent, how many, and their sign come with the reward. V of
the state before is the one read then, so that each state is read once (Barto, Sutton and Anderson 1983, doi
10.1109/TSMC.1983.6313077; eligibility of synapses: Izhikevich 2007, doi 10.1093/cercor/bhl152). Movements of eligible cells are
``rate`` at the most and end at a cell's bound; |delta| counts up to ``error_full``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.array.geometry import ArraySpec
from synarray.array.synapse import SynapseSpec
from synarray.device.cell import CellSpec
from synarray.device.library import Device as DeviceOf
from synarray.learn import reward_kernels as kernels
from synarray.learn.reward_kernels import Memory, Rates
from synarray.network.machine import Machine, MachineSpec
from synarray.network.neuron import NeuronSpec, winner_tables
from synarray.network.schedule import compile_laws
from synarray.network.stdp import StdpSpec
from synarray.network.topology import Group
from synarray.rng import Phase
from synarray.spec import Spec
from synarray.units import Seconds

__all__ = ["ActorCritic", "Moment", "RewardSpec"]

_ONE = 65536
_SMALLEST = 1 / 64
"""Eligibility below which none is left."""

Chances = npt.NDArray[np.uint32]
_Share = Annotated[float, Field(ge=0, le=1)]
_Rate = Annotated[float, Field(gt=0, le=2)]


class Moment:
    """Where in an episode a step is."""

    BEGIN, CONTINUE, END, CUT = kernels.BEGIN, kernels.CONTINUE, kernels.END, kernels.CUT


class RewardSpec(Spec):
    """How an actor and a critic in cells learn from a reward."""

    neurons_per_action: Annotated[int, Field(ge=1, le=64)] = 1
    """Neurons of the actor for each action: their potentials are averaged, so that no cell decides alone."""
    critic_neurons: Annotated[int, Field(ge=1, le=64)] = 1
    """Neurons of the critic; the value is the mean of their potentials."""
    discount: _Share = 0.95
    """What a reward is worth one step earlier."""
    trace_actor: _Share = 0.9
    """What is left of the actor's eligibility after a step, beside the discount."""
    trace_critic: _Share = 0.8
    """The same of the critic's."""
    rate_actor: _Rate = 0.5
    """Movement of a fully eligible cell of the actor, at a full error, in units of weight."""
    rate_critic: _Rate = 0.5
    """The same of the critic."""
    opposed: _Share = 0.0
    """Share of the actor's eligibility that the other actions have, with the opposite sign and divided among them."""
    error_full: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Error of prediction from which on pulses are not more, in units of weight."""
    beta: Annotated[float, Field(ge=0.01, le=100)] = 10.0
    """Sharpness of the draw of an action while learning; the best action is taken afterwards."""
    w_start: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Centre of the initial weights."""
    w_spread: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Half width of their uniform distribution."""
    t_step: Annotated[Seconds, Field(gt=0)] = 10e-3
    """Time of a step, in which spikes are counted and cells age."""
    cell: CellSpec = CellSpec(step=0.05)
    """The ideal weight, used when no device is given."""
    device: DeviceOf = None
    """The device the weights live in; none: ideal weights."""
    synapse: SynapseSpec = SynapseSpec()
    array: ArraySpec = ArraySpec()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @model_validator(mode="after")
    def _can_be_built(self) -> RewardSpec:
        self.machine(1)
        return self

    def stdp(self, rate: float) -> StdpSpec:
        """Law of a tile: a movement that does not depend on the weight, up to its bounds."""
        return StdpSpec(a=rate, b=0.0, c=rate, w_start=self.w_start, w_spread=self.w_spread)

    def machine(self, n_actions: int) -> MachineSpec:
        """Return the machine of both tiles."""
        return MachineSpec(
            n_neurons=n_actions * self.neurons_per_action + self.critic_neurons, seed=self.seed,
            stdp=self.stdp(self.rate_actor), neuron=NeuronSpec(beta=self.beta, beta_start=1.0, homeostasis=0.0),
            cell=self.cell, device=self.device, synapse=self.synapse, array=self.array,
        )  # fmt: skip


@dataclass
class ActorCritic:
    """Two tiles of cells that learn what to do."""

    spec: RewardSpec
    machine: Machine
    """Tile 0 is the actor, tile 1 the critic; both see all inputs."""
    memory: Memory = field(repr=False)
    """Eligibility of the cells, and the value of the state before."""
    updates: npt.NDArray[np.int64] = field(repr=False)
    """Updates of each neuron's column; shape (n_neurons,)."""
    steps: int = 0
    """Steps taken so far, while learning."""

    @classmethod
    def build(cls, spec: RewardSpec, n_inputs: int, n_actions: int) -> ActorCritic:
        """Place both tiles on an array.

        Raises
        ------
        SpecError
            When they do not fit into it.
        """
        machine_spec, inputs = spec.machine(n_actions), np.arange(n_inputs)
        groups = [Group.field(inputs, n_actions * spec.neurons_per_action), Group.field(inputs, spec.critic_neurons)]
        machine = Machine.build(machine_spec, groups, 1)
        n = machine_spec.n_neurons
        memory = Memory(
            np.zeros(machine.array.w.shape, np.int64), np.zeros(1, np.int64), np.zeros(n_inputs, np.uint8), np.zeros(1, np.int64)
        )  # fmt: skip
        return cls(spec, machine, memory, np.zeros(n, np.int64))

    def __post_init__(self) -> None:
        machine = self.machine
        schedules = [
            compile_laws(
                self.spec.stdp(rate),
                machine.spec.neuron,
                machine.array.law,
                machine.array.read_units,
                0.0,
                machine.looks,
            )
            for rate in (self.spec.rate_actor, self.spec.rate_critic)
        ]
        self.laws = tuple(law for _, law in schedules)
        decay = [self.spec.discount * trace for trace in (self.spec.trace_actor, self.spec.trace_critic)]
        self._gain = _ONE * _ONE / (self.unit * self.spec.error_full)
        self.rates = Rates(
            round(_ONE * self.spec.discount), round(self._gain),
            np.rint(_ONE * np.array(decay)).astype(np.int64), round(_ONE * _SMALLEST),
            np.stack([schedule.pulses[0] for schedule, _ in schedules]), machine.looks,
            self.spec.neurons_per_action, round(_ONE * self.spec.opposed / max(1, self.n_actions - 1)),
        )  # fmt: skip
        units = machine.array.read_units * self.spec.neurons_per_action
        self.winner_table = winner_tables(machine.spec.neuron, np.zeros(1), units)[0]
        self._bench = machine.bench()
        self._wires = self._moment = 0

    @property
    def n_actions(self) -> int:
        """How many actions there are."""
        return self.machine.array.shapes[0][1] // self.spec.neurons_per_action

    @property
    def unit(self) -> float:
        """How many of the critic's integers are a value of 1."""
        return self.machine.array.read_units * self.spec.critic_neurons

    def step(self, chance: Chances, reward: float, moment: int) -> int:
        """Take one step: see a state, learn from the reward that led to it, choose. Returns the action, -1 where there is none.

        Parameters
        ----------
        chance : ndarray of uint32, shape (n_inputs,)
            Probability of each input's spike, / 2^16.
        reward : float
            In units of weight.
        moment : int
            One of :class:`Moment`.
        """
        machine = self.machine
        laws = (None, None) if machine.word else self.laws
        action = kernels.step(
            chance, round(reward * self.unit), moment, self.steps, self.spec.seed, machine.layout, machine.cells,
            self.winner_table, self.rates, laws, machine.device, machine.pairs, machine.word, self._bench, self.memory,
            self.updates, machine.neuron_events, machine.network_events, machine.driven,
        )  # fmt: skip
        self.steps += 1
        return int(action) if moment in (Moment.BEGIN, Moment.CONTINUE) else -1

    def choose(self, chance: Chances, presentation: int) -> int:
        """See a state and choose what has the highest potential; nothing learns."""
        machine = self.machine
        best = kernels.choose(
            chance, presentation, int(Phase.TEST), self.spec.seed, machine.layout, machine.cells, machine.device,
            self.rates.neurons, self._bench, self.memory.spikes,
        )  # fmt: skip
        return int(best)

    def chooser(self, place: int) -> Callable[[Chances, int], int]:
        """Return what chooses greedily in one episode, whose random numbers are drawn at a place of its own."""
        return lambda chance, step: self.choose(chance, ((place << 14) + step) & 0xFFFFFFFF)

    def slow_down(self, share: float) -> None:
        """Let errors count only for a share of what they are, from now on."""
        self.rates = self.rates._replace(gain=round(share * self._gain))

    def live_on(self) -> None:
        """Let cells age and fail, and book what reads met; then work out what wires do. Called between episodes."""
        machine, passed = self.machine, self.steps - self._moment
        machine.book_read_energy()
        machine.apply_wear()
        machine.age(passed * self.spec.t_step)
        self._moment = self.steps
        if self.steps // self.spec.array.wires_every > self._wires:
            machine.apply_wires()
            self._wires = self.steps // self.spec.array.wires_every

    def summary(self) -> dict[str, Any]:
        """Return the two tiles' sizes."""
        (rows, actor), (_, critic) = self.machine.array.shapes
        return {"n_inputs": rows, "actor_neurons": actor, "critic_neurons": critic}
