"""Tasks with a reward: environments obey gymnasium's rules, cells learn them, results are kept, and bad input is refused."""

from __future__ import annotations

import heapq
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, four_parts

from synarray.errors import DataError, MissingExtraError, SpecError
from synarray.run.playing import load_task, play
from synarray.run.plays import summarise
from synarray.task.environments.coding import CodingSpec
from synarray.task.environments.opening import open_environment

gymnasium = pytest.importorskip("gymnasium")
FIRM_ICE = {"options.is_slippery": False, "tabular_episodes": 50, "tests": 10, "episodes": 300}


def test_the_maze_passes_the_checks_of_gymnasium() -> None:
    from gymnasium.utils.env_checker import check_env

    from synarray.task.environments.maze import WaterMaze

    check_env(WaterMaze(), skip_render_check=True)


def test_the_shortest_way_is_that_of_a_search_on_a_fine_grid() -> None:
    """Held against Dijkstra over 100 x 100 points with sixteen directions, which is longer by up to 3 %."""
    from synarray.task.environments.maze import WaterMaze

    maze, n = WaterMaze(), 100
    moves = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if np.gcd(a, b) == 1]
    target = tuple(np.rint(maze.platform * n).astype(int).tolist())
    away, queue = {target: 0.0}, [(0.0, target)]
    while queue:
        d, (x, y) = heapq.heappop(queue)
        if d > away[x, y]:
            continue
        for a, b in moves:
            there, new = (x + a, y + b), d + float(np.hypot(a, b)) / n
            if not (0 <= there[0] <= n and 0 <= there[1] <= n) or new >= away.get(there, np.inf):
                continue
            if not maze._crosses(np.array([x, y]) / n, np.array(there) / n):
                away[there] = new
                heapq.heappush(queue, (new, there))
    for point in ((50, 20), (10, 30), (90, 57), (35, 40), (5, 95)):
        found = maze.shortest(np.array(point) / n) + maze.radius
        assert found == pytest.approx(away[point], rel=0.03)
        assert found <= away[point] + 1e-9
    assert away[50, 20] > 0.65 + 0.1  # straight through the wall


def test_cells_learn_the_way_over_firm_ice() -> None:
    spec = load_task("frozen-lake", FIRM_ICE | {"learning.device": "ecram", "learning.seed": 3})
    played = play(spec)
    found = played.summary()
    assert found["test"]["mean_return"] == 1.0
    assert found["compared"]["random"]["mean_return"] < 0.5
    assert found["pulses"] > 0 and found["energy"] > 0 and found["pulses_most"] >= found["pulses_mean"]
    writes = played.agent.machine.array.writes.sum()
    assert writes == found["pulses"] + found["initial_pulses"]  # every pulse on a cell is counted once
    assert played.ledger is not None
    assert played.ledger.total == pytest.approx(sum(entry.energy for entry in played.ledger.entries))
    assert play(spec).summary() == found


def test_an_interrupted_training_is_tested() -> None:
    spec = load_task("frozen-lake", FIRM_ICE)
    played = play(spec, lambda number, returns: number == 4)
    found = played.summary()
    assert (found["interrupted"], found["episodes"], len(found["test"]["returns"])) == (True, 5, 10)
    assert summarise(spec, [found])["interrupted"]


def test_the_command_keeps_its_seeds(command: Command, tmp_path: Path) -> None:
    short = [part for key, value in FIRM_ICE.items() for part in ("--set", f"{key}={str(value).lower()}")]
    arguments = ["play", "frozen-lake", *short, "--set", "episodes=20", "--seeds", "2", "--json"]
    first = command(*arguments).json
    assert first["seeds_done"] == 2 and Path(first["figures"][0]).is_file()
    kept = tmp_path / "plays" / "frozen-lake" / "seed-1.json"
    before = kept.stat().st_mtime_ns
    again = command(*arguments, "--resume").json
    assert again == first and kept.stat().st_mtime_ns == before
    kept.write_text("[1")
    assert "seed-1.json" in four_parts(command(*arguments, "--resume"))["where"]
    text = command(*arguments[:-1]).out
    assert "mean return" in text and "random actions" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Atlantis"], "a task must be a TOML file or a known name"),
        (["cartpole", "--set", "environment=Atlantis-v0"], "an environment must be one of gymnasium's"),
        (["cartpole", "--set", "environment=Pendulum-v1"], "actions must be whole numbers from 0 on"),
        (["cartpole", "--set", "environment=FrozenLake-v1"], "observations must be a vector"),
        (["cartpole", "--set", "coding.edges=[[1, 0]]"], "edges must rise"),
        (["cartpole", "--set", "options.wings=2"], "an environment must be one of gymnasium's"),
        (["cartpole", "--set", "learning.discuont=0.9"], "is not a key"),
    ],
)
def test_bad_tasks_are_refused(command: Command, arguments: list[str], says: str) -> None:
    assert says in four_parts(command("play", *arguments))["rule"]


class Broken(gymnasium.Env[Any, Any]):
    """An environment whose observation or reward is no number."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, what: str) -> None:
        self.what = what

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        nan = float("nan")
        return (
            np.array([nan if self.what == "observation" else 0.0]),
            nan if self.what == "reward" else 1.0,
            False,
            False,
            {},
        )


@pytest.mark.parametrize("what", ["observation", "reward"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_not_finite_is_refused(what: str) -> None:
    gymnasium.register("Broken-v0", entry_point=lambda **options: Broken(**options), disable_env_checker=True)
    try:
        spec = load_task(
            "cartpole",
            {"environment": "Broken-v0", "options": {"what": what}, "coding": {"kind": "boxes", "edges": [[0.0]]}},
        )
        with pytest.raises(DataError, match=what) as caught:
            play(spec)
        assert "finite" in caught.value.rule
    finally:
        gymnasium.registry.pop("Broken-v0")


def test_without_gymnasium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'synarray\[tasks\]'"):
        open_environment("CartPole-v1", {}, CodingSpec())


def test_place_cells_fire_most_where_they_are() -> None:
    coding = CodingSpec(kind="places", low=(0, 0), high=(1, 2), grid=(3, 5), peak=0.5)
    chance = coding.coder()(np.array([0.5, 1.5])).reshape(3, 5)
    assert np.unravel_index(chance.argmax(), chance.shape) == (1, 3)
    assert chance.max() == 32768
    assert chance[1, 4] == round(32768 * np.exp(-0.5))
    with pytest.raises(SpecError, match="at most 100,000 inputs"):
        CodingSpec(kind="places", low=(0, 0), high=(1, 1), grid=(1000, 1000))


def test_results_are_json(tmp_path: Path) -> None:
    spec = load_task("water-maze", {"episodes": 2, "tests": 3, "tabular_episodes": 1, "options.most_steps": 20})
    found = play(spec).summary()
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))
    assert len(found["paths"]) == 3 and len(found["paths"][0][0]) == 2
