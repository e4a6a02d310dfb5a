"""Open an environment by its name: the water maze, or any of gymnasium with actions and observations that cells can have."""

from __future__ import annotations

import math
from typing import Any

from synarray.errors import DataError, SpecError
from synarray.extras import require
from synarray.task.environments.coding import CodingSpec, suit

__all__ = ["MAZE", "check_reward", "open_environment"]

MAZE = "water-maze"
_MOST_ACTIONS = 1000


def open_environment(name: str, options: dict[str, Any], coding: CodingSpec) -> tuple[Any, CodingSpec]:
    """Make an environment, and hold its spaces against the coding.

    Parameters
    ----------
    name : str
        ``water-maze``, or an id of gymnasium such as ``CartPole-v1``.
    options : dict
        Arguments of the environment.
    coding : CodingSpec
        How its observations become spikes.

    Returns
    -------
    environment : gymnasium.Env
    coding : CodingSpec
        With the number of values, where the environment has it.

    Raises
    ------
    MissingExtraError
        When gymnasium is not installed.
    SpecError
        When there is no such environment, it refuses its options, or its spaces are of another kind.
    """
    gymnasium = require("tasks", "environments", "gymnasium")
    try:
        if name == MAZE:
            from synarray.task.environments.maze import WaterMaze

            environment: Any = WaterMaze(**options)
        else:
            environment = gymnasium.make(name, **options)
    except (gymnasium.error.Error, ModuleNotFoundError, TypeError) as error:
        raise SpecError(
            "an environment must be one of gymnasium's that is installed, with arguments it knows",
            got=f"{name} {options or ''}: {error}", where="key environment",
            do=f"Use CartPole-v1, FrozenLake-v1, {MAZE} or another id.",
        ) from None  # fmt: skip
    actions = environment.action_space
    if type(actions).__name__ != "Discrete" or int(actions.start) != 0 or not 2 <= int(actions.n) <= _MOST_ACTIONS:
        raise SpecError(
            f"actions must be whole numbers from 0 on, 2 to {_MOST_ACTIONS:,} of them, for one neuron each",
            got=str(actions), where=f"environment {name}", do="Use an environment with discrete actions.",
        )  # fmt: skip
    return environment, suit(coding, environment.observation_space, name)


def check_reward(reward: Any, name: str, episode: int) -> float:
    """Refuse a reward that is no finite number."""
    value = float(reward)
    if not math.isfinite(value):
        raise DataError(
            "every reward must be a finite number", got=str(reward), where=f"environment {name}, episode {episode + 1:,}",
            do="Correct the environment; results of finished seeds are kept.",
        )  # fmt: skip
    return value
