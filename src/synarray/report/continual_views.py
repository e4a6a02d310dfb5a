"""What a network still knows of earlier tasks: a table over the methods, and accuracy against tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synarray.report.charts import Line, lines_chart
from synarray.report.tables import Table
from synarray.report.words import percent
from synarray.run.plays import mean_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["continual_figures", "continual_table"]


def continual_table(result: dict[str, Any]) -> Table:
    """Lay out, for each method, what is read at the end, what was forgotten, and what it cost."""
    rows = []
    for method, runs in result["methods"].items():
        forgotten = [
            np.mean([run["accuracy"][i][i] - run["accuracy"][-1][i] for i in range(len(run["seen"]) - 1)])
            for run in runs
        ]
        rows.append([
            method, _share([run["seen"][-1] for run in runs]), _share([run["accuracy"][-1][0] for run in runs]),
            _share([run["accuracy"][-1][-1] for run in runs]), _share(forgotten),
            percent(mean_of([run["pruned"][-1] for run in runs])[0], 1),
            f"{mean_of([sum(run['pulses']) for run in runs])[0] / 1e6:.2f} M",
        ])  # fmt: skip
    together = ["all tasks together", _share(result["together"]), "", "", "", "", ""]
    return Table(
        f"{result['sequence']}: after the last task, {result['seeds']} seed{'s' * (result['seeds'] != 1)}",
        ("", "all classes", "first task", "last task", "forgotten", "pruned", "pulses"), [*rows, together],
        note="Test images read correctly among all classes so far; forgotten: mean loss of earlier tasks since each was learned. "
        "+- is the 95 % interval, from three seeds on.", breaks=(len(rows),),
    )  # fmt: skip


def continual_figures(result: dict[str, Any]) -> dict[str, Figure]:
    """Draw accuracy on the classes so far, and on the first task, after each task."""
    drawn = {}
    for name, words in (("seen", "all classes so far, %"), ("first", "first task, %")):
        lines = []
        for method, runs in result["methods"].items():
            values = np.array([run["seen"] if name == "seen" else [row[0] for row in run["accuracy"]] for run in runs])
            lines.append(Line.of(method, [(i + 1, values[:, i]) for i in range(values.shape[1])], 0.95))
        ends = np.array([line.ends for line in lines])
        limits = (float(ends[:, 0].min()), float(ends[:, 1].max()))
        drawn[name] = lines_chart(lines, "tasks", "accuracy", ("tasks learned, one after another", words), limits)
    return drawn


def _share(values: list[Any]) -> str:
    mean, half = mean_of([float(value) for value in values])
    return percent(mean, 1) if np.isnan(half) else f"{100 * mean:.1f} +- {100 * half:.1f} %"
