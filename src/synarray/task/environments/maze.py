"""A water maze: find a hidden platform in a square pool, around a wall, knowing only where one is.

The pool is the unit square, the platform a disc, the wall a rectangle that lies between them. A step goes ``stride`` in one of
eight directions; into a wall it goes nowhere. The reward is 1 at the platform and 0 elsewhere; an episode ends there or after
``most_steps``. After Morris 1981 (doi 10.1016/0023-9690(81)90020-5); with place cells: Foster, Morris and Dayan 2000, doi
10.1002/(SICI)1098-1063(2000)10:1<1::AID-HIPO1>3.0.CO;2-1.
"""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

__all__ = ["WaterMaze"]

Floats = npt.NDArray[np.float64]
_ANGLES = np.arange(8) * np.pi / 4
DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
"""The eight directions of a step, anticlockwise from the right."""


class WaterMaze(gymnasium.Env[Floats, np.int64]):
    """The maze, as an environment of gymnasium.

    Attributes
    ----------
    observation_space : Box
        Where the swimmer is, 0 to 1 each way.
    action_space : Discrete
        Eight directions.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  # as gymnasium declares it
    platform, radius = np.array([0.5, 0.85]), 0.08
    wall = (0.25, 0.55, 0.75, 0.62)
    """Left, lower, right and upper side."""
    stride, nearest_start = 0.05, 0.3

    def __init__(self, most_steps: int = 400) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (2,), np.float64)
        self.action_space = gymnasium.spaces.Discrete(8)
        self.most_steps, self.steps = most_steps, 0
        self.at = np.zeros(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        """Start anywhere in the water, not near the platform. ``info["shortest"]``: steps of the shortest way."""
        super().reset(seed=seed)
        self.steps = 0
        while True:
            self.at = self.np_random.random(2)
            away = float(np.linalg.norm(self.at - self.platform))
            if not self._blocked(self.at) and away > self.radius + self.nearest_start:
                return self.at.copy(), {"shortest": self.shortest(self.at) / self.stride}

    def step(self, action: np.int64) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Swim one stride."""
        self.steps += 1
        there = self.at + self.stride * DIRECTIONS[int(action)]
        if (there >= 0).all() and (there <= 1).all() and not self._crosses(self.at, there):
            self.at = there
        found = bool(np.linalg.norm(self.at - self.platform) <= self.radius)
        return self.at.copy(), float(found), found, self.steps >= self.most_steps and not found, {}

    def shortest(self, start: Floats) -> float:
        """Return the length of the shortest way from a place to the platform's edge, straight or past corners of the wall."""
        left, lower, right, upper = self.wall
        room = 1e-9  # a way may touch the wall
        corners = [np.array([x, y]) for x in (left - room, right + room) for y in (lower - room, upper + room)]
        ways = ([start, *through, self.platform] for n in range(3) for through in itertools.permutations(corners, n))
        lengths = [
            sum(float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(way))
            for way in ways
            if not any(self._crosses(a, b) for a, b in itertools.pairwise(way))
        ]
        return min(lengths) - self.radius

    def _blocked(self, at: Floats) -> bool:
        left, lower, right, upper = self.wall
        return bool(left <= at[0] <= right and lower <= at[1] <= upper)

    def _crosses(self, a: Floats, b: Floats) -> bool:
        """Whether the way from a to b meets the wall (slabs, one axis after the other)."""
        enter, leave = 0.0, 1.0
        for axis in range(2):
            low, high, going = self.wall[axis], self.wall[axis + 2], float(b[axis] - a[axis])
            if going == 0.0:
                if not low <= a[axis] <= high:
                    return False
                continue
            first, last = sorted(((low - float(a[axis])) / going, (high - float(a[axis])) / going))
            enter, leave = max(enter, first), min(leave, last)
        return enter <= leave
