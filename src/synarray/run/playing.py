"""Tasks with a reward, from a file to results: learn in cells, test greedily, compare, count, price.

    load_task("cartpole")        one that travels with the package (``task_names``), or the path of a TOML file
    play(spec)                   train with one seed: returns by episode, a greedy test, pulses, joules, wear

Episodes of training, of checks and of the test have different seeds of the environment. A training ends when the last episodes
and a greedy check reach the target, or after so many episodes; nothing of the test is seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from synarray.cost.counts import Counts
from synarray.cost.ledger import Ledger, price
from synarray.cost.prices import load_periphery
from synarray.cost.wear import trainings_left
from synarray.events import NeuronEvent
from synarray.files import Packaged
from synarray.learn.episodes import Chooser, Episode, Rewards, TabularQ, learn_episode, run_episode, walk_at_random
from synarray.learn.reward import ActorCritic, RewardSpec
from synarray.run.experiment import put
from synarray.spec import Name, Spec, Text
from synarray.task.environments.coding import Coder, CodingSpec
from synarray.task.environments.opening import open_environment

__all__ = ["Played", "TaskSpec", "load_task", "play", "task_names"]

_TASKS = Packaged("run", "tasks", "a task")
_CHECKS, _TESTS = 1 << 60, 1 << 61
"""First seeds of the environment in checks and in the test; those of training episodes are below."""
_UNSEEN = 1 << 40
"""Added to the seeds of test episodes since settings were chosen: these were not played while choosing."""
_PATHS = 12
"""Ways of the test that are kept for the figure."""


class TargetSpec(Spec):
    """When a task counts as solved, and a training ends."""

    value: float = 1.0
    """Mean return, or with ``measure = "path"`` the median length of a path over the shortest."""
    measure: Annotated[str, Field(pattern="^(return|path)$")] = "return"
    recent: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Episodes of training whose mean return must come near the target before it is checked."""
    near: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0
    """That mean return."""
    check: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Greedy episodes of a check, and the least episodes of training between two."""


class RewardsSpec(Spec):
    """What of the environment's reward reaches the agent: scale (reward + offset), and ``end`` more where an episode ends."""

    scale: Annotated[float, Field(ge=-1000, le=1000)] = 1.0
    offset: Annotated[float, Field(ge=-1000, le=1000)] = 0.0
    end: Annotated[float, Field(ge=-1000, le=1000)] = 0.0


class TaskSpec(Spec):
    """An environment, how it is coded, and how it is learned.

    Examples
    --------
    >>> load_task("cartpole", {"learning.device": "pcm"}).learning.device.technology
    'PCM'
    """

    name: Name = "task"
    note: Text = ""
    environment: Text = "CartPole-v1"
    """``water-maze``, or an id of gymnasium."""
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Arguments of the environment."""
    coding: CodingSpec = CodingSpec()
    rewards: RewardsSpec = RewardsSpec()
    learning: RewardSpec = RewardSpec()
    episodes: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    """Most episodes of training."""
    full_return: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    """Return towards which learning slows down: errors count 1 - (mean of the last 10 returns) / it; none: never."""
    slowest: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Least share of errors that counts then."""
    target: TargetSpec = TargetSpec()
    tests: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Greedy episodes of the test."""
    tabular_episodes: Annotated[int, Field(ge=0, le=10_000_000)] = 1000
    """Episodes of the tabular agent it is compared with."""

    def __hash__(self) -> int:
        """Hash by everything but the table of arguments, which has no hash of its own."""
        return hash(tuple(value for name, value in dict(self).items() if name != "options"))


@dataclass
class Played:
    """One training and its test."""

    spec: TaskSpec
    agent: ActorCritic
    returns: list[float] = field(default_factory=list)
    """Return of each episode of training."""
    tests: list[Episode] = field(default_factory=list)
    """Greedy episodes after it."""
    solved: bool = False
    """Whether a check reached the target."""
    interrupted: bool = False
    compared: dict[str, list[Episode]] = field(default_factory=dict)
    """The same episodes by a random agent, and by tabular Q-learning."""

    @property
    def ledger(self) -> Ledger | None:
        """What the training cost; None for ideal weights."""
        spec, machine = self.spec.learning, self.agent.machine
        if spec.device is None:
            return None
        scheme = spec.synapse.scheme_for(spec.device)
        counts = Counts.of(
            machine.neuron_events, machine.network_events, draws_per_presentation=1,
            writes=scheme.pulses_per_cell(machine.array.writes), inputs=self.agent.memory.spikes.size,
            neurons=machine.spec.n_neurons, groups=2, weights=machine.array.n_cells, rows=spec.array.rows,
            columns=spec.array.columns, updated=int(self.agent.updates.sum()), adc_bits=spec.array.adc_bits,
        )  # fmt: skip
        synapse = spec.synapse.model_copy(update={"scheme": scheme.name})
        return price(counts, spec.device, synapse, load_periphery())

    def summary(self) -> dict[str, Any]:
        """Return everything as numbers, ready for JSON."""
        machine, events = self.agent.machine, self.agent.machine.neuron_events.sum(axis=0)
        ledger, device = self.ledger, self.spec.learning.device
        array, scheme = machine.array, machine.array.scheme
        writes = scheme.pulses_per_cell(array.writes)[:, array.exists]
        left = None if device is None else trainings_left(writes, device)
        return {
            "seed": self.spec.learning.seed, "solved": self.solved, "interrupted": self.interrupted,
            "episodes": len(self.returns), "steps": self.agent.steps, "returns": self.returns,
            "test": _numbers(self.tests), "compared": {name: _numbers(test) for name, test in self.compared.items()},
            "paths": [episode.path for episode in self.tests if episode.path],
            "pulses": int(events[NeuronEvent.LTP_PULSE] + events[NeuronEvent.LTD_PULSE]),
            "initial_pulses": int(events[NeuronEvent.INITIAL_PULSE]), "looked_up": int(events[NeuronEvent.CELL_READ]),
            "updates": int(self.agent.updates.sum()), "weights": array.n_cells,
            "energy": None if ledger is None else ledger.total,
            "time": None if ledger is None else ledger.seconds["row-parallel"],
            "pulses_mean": None if device is None else float(writes.mean()),
            "pulses_most": None if device is None else float(writes.max()),
            "trainings_left": left if left is not None and np.isfinite(left) else None,
        } | self.agent.summary()  # fmt: skip


def _numbers(episodes: list[Episode]) -> dict[str, Any]:
    """Return the returns of a test, its steps, and how much longer than the shortest its paths were, where that is known."""
    paths = [episode.steps / episode.shortest for episode in episodes if np.isfinite(episode.shortest)]
    return {
        "mean_return": float(np.mean([episode.total for episode in episodes])) if episodes else None,
        "median_path": float(np.median(paths)) if paths else None,
        "returns": [episode.total for episode in episodes], "paths": paths,
    }  # fmt: skip


def play(
    spec: TaskSpec, on_episode: Callable[[int, list[float]], bool] = lambda episode, returns: False, *, compare: bool = True
) -> Played:  # fmt: skip
    """Learn a task in cells with one seed, and test it.

    Parameters
    ----------
    spec : TaskSpec
        Its ``learning.seed`` decides everything.
    on_episode : callable, optional
        Called after each episode; True ends the training there, and what was learned is tested.
    compare : bool
        Whether a random and a tabular agent play the test's episodes too.

    Raises
    ------
    MissingExtraError, SpecError, DataError
        When gymnasium is missing, the environment cannot be used, or it gives what is not finite.
    """
    environment, coding = open_environment(spec.environment, dict(spec.options), spec.coding)
    coder, n_actions = coding.coder(), int(environment.action_space.n)
    rewards, learning = Rewards(**dict(spec.rewards)), spec.learning
    agent = ActorCritic.build(learning, coding.n_inputs, n_actions)
    played, checked = Played(spec, agent), 0
    for number in range(spec.episodes):
        if spec.full_return is not None:
            near = float(np.mean(played.returns[-10:] or [0.0])) / spec.full_return
            agent.slow_down(max(spec.slowest, 1.0 - near))
        begin = (learning.seed << 24) + number
        episode = learn_episode(agent, environment, coder, rewards, begin, spec.environment, number)
        played.returns.append(episode.total)
        if number - checked >= spec.target.check and _comes_near(spec.target, played.returns):
            checked = number
            played.solved = _reached(spec, agent, environment, coder, number)
        played.interrupted = on_episode(number, played.returns)
        if played.solved or played.interrupted:
            break
    played.tests = _test(spec, agent.chooser, environment, coder, _PATHS)
    if compare and not played.interrupted:
        played.compared = _compared(spec, environment, coder, coding.n_inputs, rewards)
    environment.close()
    return played


def _comes_near(target: TargetSpec, returns: list[float]) -> bool:
    recent = returns[-target.recent :]
    return len(recent) == target.recent and float(np.mean(recent)) >= target.near


def _reached(spec: TaskSpec, agent: ActorCritic, environment: Any, coder: Coder, number: int) -> bool:
    """Whether greedy episodes reach the target: all of them are run, but for a return that cannot be reached any more."""
    target, episodes = spec.target, []
    for i in range(target.check):
        place = number * target.check + i
        episodes.append(run_episode(agent.chooser(place), environment, coder, _CHECKS + place, spec.environment))
    found = _numbers(episodes)
    if target.measure == "path":
        return found["median_path"] is not None and found["median_path"] <= target.value
    return bool(found["mean_return"] >= target.value)


def _test(
    spec: TaskSpec, chooser: Callable[[int], Chooser], environment: Any, coder: Coder, paths: int = 0
) -> list[Episode]:
    """Run the test's episodes; the first of them keep their ways."""
    return [
        run_episode(chooser(i), environment, coder, _TESTS + _UNSEEN + i, spec.environment, path=i < paths)
        for i in range(spec.tests)
    ]


def _compared(
    spec: TaskSpec, environment: Any, coder: Coder, n_inputs: int, rewards: Rewards
) -> dict[str, list[Episode]]:
    """Let a random and a tabular agent play the test's episodes."""
    n, seed = int(environment.action_space.n), spec.learning.seed
    walk, table = walk_at_random(n, seed), TabularQ(n_inputs, n, spec.learning.discount, seed)
    found = {"random": _test(spec, lambda _: walk, environment, coder)}
    for number in range(spec.tabular_episodes):
        table.learn(environment, coder, rewards, (seed << 24) + number, spec.environment)
    if spec.tabular_episodes:
        found["tabular"] = _test(spec, lambda _: table.choose, environment, coder)
    return found


# ---- files -----------------------------------------------------------------------------------------------------------


def task_names() -> list[str]:
    """Names of the tasks that are part of the package.

    Examples
    --------
    >>> task_names()
    ['cartpole', 'frozen-lake', 'water-maze']
    """
    return _TASKS.names()


def load_task(source: str = "cartpole", settings: Mapping[str, Any] | None = None) -> TaskSpec:
    """Read a task: a name (see :func:`task_names`) or the path of a TOML file, and dotted keys that are changed in it.

    Raises
    ------
    SpecError
        When the file cannot be read or is no TOML, or a key or value is not allowed.
    """
    values = _TASKS.read(source)
    for key, value in (settings or {}).items():
        put(values, key, value)
    return TaskSpec.read(values, source)
