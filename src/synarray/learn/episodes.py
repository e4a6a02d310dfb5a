"""Episodes: an agent and an environment in turns, while learning and in a test; and two that the agent is compared with.

A random agent chooses evenly; tabular Q-learning (Watkins 1989) keeps one number for each input and action, and takes the most
probable input as the state: what a processor would do with the same code of observations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.learn.reward import ActorCritic, Moment
from synarray.task.environments.coding import Chances, Coder
from synarray.task.environments.opening import check_reward

__all__ = ["Chooser", "Episode", "Rewards", "TabularQ", "learn_episode", "run_episode", "walk_at_random"]


@dataclass(frozen=True)
class Rewards:
    """What of an environment's reward reaches the agent, in units of weight: scale (reward + offset), and more at an end."""

    scale: float = 1.0
    offset: float = 0.0
    end: float = 0.0

    def of(self, reward: float, ended: bool) -> float:
        """Return what the agent is given."""
        return self.scale * (reward + self.offset) + self.end * ended


@dataclass
class Episode:
    """What happened in one."""

    total: float = 0.0
    """Sum of the environment's rewards."""
    steps: int = 0
    shortest: float = float("nan")
    """Steps of the shortest way, where the environment says so; else nan."""
    ended: bool = False
    """Whether the environment ended it (not the limit of time)."""
    path: list[tuple[float, ...]] = field(default_factory=list)
    """Observations, where they are asked for."""


Chooser = Callable[[Chances, int], int]
"""Chooses an action from the probabilities of the inputs' spikes, at a step of an episode."""


def learn_episode(
    agent: ActorCritic, environment: Any, coder: Coder, rewards: Rewards, seed: int, name: str, number: int
) -> Episode:
    """Let an agent learn for one episode."""
    observation, info = environment.reset(seed=seed)
    episode, moment, given = Episode(shortest=float(info.get("shortest", np.nan))), Moment.BEGIN, 0.0
    while True:
        action = agent.step(coder(observation), given, moment)
        if moment in (Moment.END, Moment.CUT):
            break
        observation, reward, ended, cut, _ = environment.step(action)
        value = check_reward(reward, name, number)
        episode.total += value
        episode.steps += 1
        given, moment = rewards.of(value, ended), Moment.END if ended else Moment.CUT if cut else Moment.CONTINUE
    episode.ended = bool(ended)
    agent.live_on()
    return episode


def run_episode(
    choose: Chooser, environment: Any, coder: Coder, seed: int, name: str, *, path: bool = False
) -> Episode:
    """Let something choose for one episode; nothing learns."""
    observation, info = environment.reset(seed=seed)
    episode, cut = Episode(shortest=float(info.get("shortest", np.nan))), False
    while not (episode.ended or cut):
        if path:
            episode.path.append(tuple(np.atleast_1d(observation).tolist()))
        observation, reward, ended, cut, _ = environment.step(choose(coder(observation), episode.steps))
        episode.total += check_reward(reward, name, 0)
        episode.steps += 1
        episode.ended = bool(ended)
    if path:
        episode.path.append(tuple(np.atleast_1d(observation).tolist()))
    return episode


class TabularQ:
    """Q-learning on a table of inputs and actions: step 0.2, an action at random in one of ten steps while learning."""

    def __init__(self, n_inputs: int, n_actions: int, discount: float, seed: int) -> None:
        self.q: npt.NDArray[np.float64] = np.zeros((n_inputs, n_actions))
        self.discount, self.random = discount, np.random.default_rng(seed)

    def choose(self, chance: Chances, step: int = 0) -> int:
        """Take one of the best actions."""
        q = self.q[int(chance.argmax())]
        return int(self.random.choice(np.flatnonzero(q == q.max())))

    def learn(self, environment: Any, coder: Coder, rewards: Rewards, seed: int, name: str) -> None:
        """Learn for one episode."""
        chance, over = coder(environment.reset(seed=seed)[0]), False
        while not over:
            state = int(chance.argmax())
            explores = self.random.random() < 0.1
            action = int(self.random.integers(self.q.shape[1])) if explores else self.choose(chance)
            observation, reward, ended, cut, _ = environment.step(action)
            chance, over = coder(observation), ended or cut
            value = rewards.of(check_reward(reward, name, 0), ended)
            ahead = 0.0 if ended else self.discount * self.q[int(chance.argmax())].max()
            self.q[state, action] += 0.2 * (value + ahead - self.q[state, action])


def walk_at_random(n_actions: int, seed: int) -> Chooser:
    """Return an agent that chooses evenly."""
    random = np.random.default_rng(seed)
    return lambda chance, step: int(random.integers(n_actions))
