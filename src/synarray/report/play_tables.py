"""What a task with a reward cost and how well it is done, as tables: means over seeds with their 95 % interval."""

from __future__ import annotations

from typing import Any

from synarray.report.tables import Table
from synarray.run.playing import TaskSpec
from synarray.units import quantity

__all__ = ["play_tables"]

_WHO = {"cells": "actor and critic in cells", "tabular": "tabular Q-learning", "random": "random actions"}


def play_tables(spec: TaskSpec, totals: dict[str, Any]) -> list[Table]:
    """Lay out the test, beside what it is compared with, and the counts of the training."""
    tests = [
        [_WHO[name], _number(test["mean_return"]), _number(test["median_path"])]
        for name, test in totals["test"].items()
    ]
    seeds = totals["seeds_done"]
    note = f"Mean over {seeds} seed{'s' * (seeds != 1)}; +- is the 95 % interval of the mean, from three seeds on."
    goal = ""
    if totals["solved"]:
        goal = f" Trainings ended by reaching the target: {totals['solved']} of {seeds}."
    where = totals["device"] or "ideal weights"
    training = [
        ["episodes", _number(totals["episodes"])],
        ["steps", _number(totals["steps"])],
        ["learning pulses", _number(totals["pulses"])],
        ["cells looked up before updates", _number(totals["looked_up"])],
        ["energy of the training", _number(totals["energy"], "J")],
        ["time in the array, row-parallel", _number(totals["time"], "s")],
        ["pulses of the most written cell", _number(totals["pulses_most"])],
        ["pulses of a cell, mean", _number(totals["pulses_mean"])],
        ["trainings until 1 % of the cells have failed", _number(totals["trainings_left"])],
    ]
    return [
        Table(
            f"{spec.name}: {spec.tests} greedy episodes after training", ("who acts", "mean return", "median path / shortest"),
            tests, note=note + goal,
        ),
        Table(f"Training in {where}", ("", "mean over seeds"), [row for row in training if row[1] != "-"]),
    ]  # fmt: skip


def _number(pair: list[float | None] | None, unit: str = "") -> str:
    """Write a mean and half of its interval; a dash where nothing is known."""
    mean, half = pair or (None, None)
    if mean is None:
        return "-"
    if unit:
        return quantity(mean, unit) + ("" if half is None else f" +- {quantity(half, unit)}")
    write = "{:,.0f}" if abs(mean) >= 1000 else "{:.4g}"
    return write.format(mean) + ("" if half is None else f" +- {write.format(half) if half >= 1 else f'{half:.2g}'}")
