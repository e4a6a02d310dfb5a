"""Figures of a task with a reward: return against episodes, and where the observations are a place, the ways of the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synarray.report.style import COLOURS, SERIES, matplotlib_of, styled
from synarray.run.playing import TaskSpec
from synarray.task.environments.opening import MAZE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures_of_plays"]


def figures_of_plays(spec: TaskSpec, results: list[dict[str, Any]]) -> dict[str, Figure]:
    """Draw the figures of all seeds, by name."""
    drawn = {"return": _returns(spec, results)}
    if spec.environment == MAZE and results[0]["paths"]:
        drawn["paths"] = _paths(results[0]["paths"])
    return drawn


@styled
def _returns(spec: TaskSpec, results: list[dict[str, Any]]) -> Figure:
    """Draw the mean return of twenty episodes each, one line for a seed; what a test gives is a dotted line."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(4.8, 3.4), layout="constrained")
    axis = figure.subplots()
    for i, result in enumerate(results):
        returns, most = np.array(result["returns"], float), max(1, min(20, len(result["returns"])))
        mean = np.convolve(returns, np.ones(most) / most, mode="valid")
        colour = SERIES[i % len(SERIES)]
        label = f"seed {result['seed']}"
        axis.plot(
            np.arange(most, len(returns) + 1), mean, color=colour, lw=1.2, label=label if len(results) < 9 else None
        )
        axis.plot([len(returns)], [result["test"]["mean_return"]], "o", color=colour, ms=6)
    for name, style in (("tabular", "--"), ("random", ":")):
        tests = [result["compared"][name]["mean_return"] for result in results if name in result["compared"]]
        if tests:
            axis.axhline(float(np.mean(tests)), color=COLOURS["grey"][0], ls=style, lw=1.2, label=f"{name}, test")
    axis.set_xlabel("episodes of training (points: greedy test after it)")
    axis.set_ylabel("return, mean of 20 episodes")
    figure.legend(loc="outside upper left", ncols=3, title=spec.name, title_fontsize=8, alignment="left")
    return figure


@styled
def _paths(paths: list[list[list[float]]]) -> Figure:
    """Draw ways of the test through the maze."""
    from synarray.task.environments.maze import WaterMaze

    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=(3.6, 3.8), layout="constrained")
    axis = figure.subplots()
    left, lower, right, upper = WaterMaze.wall
    axis.fill([left, right, right, left], [lower, lower, upper, upper], color=COLOURS["soft"][0], label="wall")
    angle = np.linspace(0, 2 * np.pi, 60)
    around = WaterMaze.platform[:, None] + WaterMaze.radius * np.stack([np.cos(angle), np.sin(angle)])
    axis.fill(*around, color=COLOURS["vermilion"][0], alpha=0.4, label="platform")
    for i, path in enumerate(paths):
        x, y = np.array(path).T
        axis.plot(x, y, ".-", color=SERIES[i % len(SERIES)], ms=3, lw=1)
        axis.plot(x[:1], y[:1], "o", color=SERIES[i % len(SERIES)], ms=5)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axis.set_xlabel("paths of the greedy test; points: starts")
    figure.legend(loc="outside upper left", ncols=2)
    return figure
