"""The paper's experiment and what improves on it, row by row, several seeds a row, on this machine.

The rows are in ``reproduce.toml``: a packaged experiment, what is changed in it, and what Shi et al. 2018 state about
it. Nothing is trained on the test set: it is read once per run, at the end.
"""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from synarray.learn.result import Result
from synarray.learn.training import train
from synarray.paper.spared import Factor, programming_factors
from synarray.run.energy import Bill, bill_of_one_layer
from synarray.run.experiment import ExperimentSpec, load_experiment, task_images

__all__ = ["PAPER", "Row", "RowSpec", "reproduce", "rows"]

PAPER = "Shi et al., Nature Communications 9:5312 (2018), doi 10.1038/s41467-018-07682-0"


@dataclass(frozen=True)
class RowSpec:
    """One line of the table, before it is run."""

    key: str
    """Short name."""
    title: str
    experiment: str
    """The packaged experiment it starts from."""
    changes: dict[str, Any]
    """Dotted keys set in it."""
    paper: str = ""
    """What the paper states, or nothing."""
    least: float | None = None
    below: float | None = None
    """The accuracy that the paper states such a network reaches, or stays below; none where it is not a claim to be judged."""
    picture: bool = False
    """Whether the report shows its receptive fields and training curve."""

    @property
    def command(self) -> str:
        """The command that runs this row for one seed."""
        settings = "".join(f" --set {key}={_bare(value)}" for key, value in self.changes.items())
        return f"synarray train {self.experiment}{settings} --seed 0"


@dataclass(frozen=True)
class Row:
    """One line of the table, measured."""

    spec: RowSpec
    metrics: list[dict[str, Any]]
    """One per seed (see ``Result.metrics``)."""
    factors: list[Factor]
    """Of the first seed: what the scheme saved."""
    bills: list[Bill | None]
    """What each seed counted, ready to be priced; None for ideal weights."""
    example: Result
    """The first seed's result, for pictures."""

    @property
    def title(self) -> str:
        """The row's title, with a question mark when it rests on unconfirmed numbers of a device."""
        return self.spec.title + (" ?" if self.metrics[0]["unconfirmed"] else "")

    def mean(self, name: str) -> float:
        """Mean over seeds."""
        return statistics.fmean(run[name] for run in self.metrics)

    def spread(self, name: str) -> float:
        """Return the standard deviation over seeds (nan for a single one)."""
        values = [run[name] for run in self.metrics]
        return statistics.stdev(values) if len(values) > 1 else float("nan")

    @property
    def verdict(self) -> str | None:
        """Whether every seed confirms what the paper states, some, or none; None where the row is not judged."""
        least, below = self.spec.least, self.spec.below
        if least is None and below is None:
            return None
        kept = [(least or 0.0) <= run["accuracy"] < (below or np.inf) for run in self.metrics]
        return "confirmed" if all(kept) else "for some seeds" if any(kept) else "not confirmed"

    def summary(self) -> dict[str, Any]:
        """Return the row as numbers, ready for JSON."""
        averaged = ("accuracy", "accuracy_hard", "pulses", "pruned_fraction", "spared_fraction", "images_per_second")
        return {
            "key": self.spec.key,
            "title": self.spec.title,
            "paper": self.spec.paper,
            "verdict": self.verdict,
            "command": self.spec.command,
            "seeds": [run["seed"] for run in self.metrics],
            **{name: self.mean(name) for name in averaged},
            "accuracy_std": self.spread("accuracy") if len(self.metrics) > 1 else None,
            "accuracies": [run["accuracy"] for run in self.metrics],
            "device": self.metrics[0]["device"],
            "scheme": self.metrics[0]["scheme"],
            "unconfirmed": self.metrics[0]["unconfirmed"],
            "factors": {factor.name: factor.ratio for factor in self.factors},
            "runs": self.metrics,
        }


def rows() -> list[RowSpec]:
    """Read the rows of the table."""
    text = (resources.files("synarray.paper") / "reproduce.toml").read_text("utf-8")
    return [RowSpec(**{"changes": {}, **row}) for row in tomllib.loads(text)["row"]]


def reproduce(
    specs: Sequence[RowSpec],
    seeds: Sequence[int],
    *,
    workers: int = 1,
    on_run: Callable[[RowSpec, int, Result], None] | None = None,
) -> list[Row]:
    """Run every row for every seed, several at a time; results do not depend on how many.

    Parameters
    ----------
    specs : sequence of RowSpec
    seeds : sequence of int
    workers : int
        Runs at a time, each on one core.
    on_run : callable, optional
        Called after each run.
    """

    def run(
        job: tuple[RowSpec, int, ExperimentSpec],
    ) -> tuple[dict[str, Any], list[Factor], Bill | None, Result | None]:
        row, seed, spec = job
        data, x, y, x_test, y_test = task_images(spec)
        result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
        if on_run:
            on_run(row, seed, result)
        kept = result if seed == seeds[0] else None
        return result.metrics(), programming_factors(result), bill_of_one_layer(result), kept

    jobs = [
        (row, seed, load_experiment(row.experiment, {**row.changes, "seed": seed})) for row in specs for seed in seeds
    ]  # all are refused before any runs
    with ThreadPoolExecutor(max(1, workers)) as pool:
        done = list(pool.map(run, jobs))
    table = []
    for i, row in enumerate(specs):
        part = done[i * len(seeds) : (i + 1) * len(seeds)]
        metrics, factors, bills, (example, *_) = (list(column) for column in zip(*part, strict=True))
        assert example is not None  # the first seed keeps its result
        table.append(Row(row, metrics, factors[0], bills, example))
    return table


def _bare(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}'" if " " in text else text
