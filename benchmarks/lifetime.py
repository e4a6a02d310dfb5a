"""How long an array lives, and what it still reads years later: the tables of docs/lifetime.md.

    python benchmarks/lifetime.py devices     local fields, one epoch, in the cells of every device of the library
    python benchmarks/lifetime.py pruning     the full field, unpruned and 75 % soft-pruned, three seeds
    python benchmarks/lifetime.py worn        local fields, one epoch, in arrays of which a part has failed before, three seeds

Trained and read as ``synarray train`` and ``synarray lifetime --retention`` do; the test set is read with settings chosen before.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from synarray.cost.prices import load_periphery
from synarray.device.library import device_names, load_device
from synarray.learn.training import train
from synarray.report.lifetime_tables import in_trainings
from synarray.run.experiment import load_experiment, task_images
from synarray.run.folder import reserve, write_run
from synarray.run.lifetime import Lifetime, lifetime_of
from synarray.run.opened import Run, open_run
from synarray.run.retention import TIMES, read_later, unconfirmed_ageing

SHARE = 0.01
WORN = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
PRUNED = {"off": {"pruning.mode": "none", "pruning.fraction": 0.0}, "75 % soft": {}}


def trained(experiment: str, changes: dict[str, Any]) -> Run:
    """Train once and keep the run in a folder, as the command does."""
    spec = load_experiment(experiment, changes)
    data, x, y, x_test, y_test = task_images(spec)
    result = train(
        spec,
        x,
        y,
        x_test,
        y_test,
        image_shape=data.image_shape,
        full_scale=data.full_scale,
        workers=os.cpu_count() or 1,
    )
    with tempfile.TemporaryDirectory() as folder:
        return open_run(write_run(result, spec, reserve(Path(folder) / "run", spec)))


def life_of(run: Run) -> Lifetime:
    return lifetime_of(run, SHARE, load_periphery())


def devices(names: Sequence[str]) -> None:
    """Print the lifetime of every device, and what it retains."""
    wear, kept = [], []
    for name in names:
        run = trained("local-fields", {"device": name, "epochs": 1})
        life = life_of(run)
        law = "not known" if life.endurance is None else f"{life.endurance:.0e}, {life.shape:g}"
        wear.append(
            [
                name, life.scheme, f"{run.metrics['accuracy']:.2%}", law + "?" * (life.endurance is not None),
                f"{life.pulses.mean():,.0f} / {life.pulses.max():,.0f}", in_trainings(life.trainings),
                *(in_trainings(life.levelled[kind]) for kind in ("rows", "columns", "both")),
            ]
        )  # fmt: skip
        points = read_later(run, workers=os.cpu_count() or 1)
        read = [f"{point.evaluation.accuracy:.2%}" for point in points]
        mark = "?" if points and unconfirmed_ageing(run) else ""
        kept.append([name + mark, *(read or ["not known", *("" for _ in list(TIMES)[1:])])])
        Console(stderr=True).print(name, *wear[-1][2:6])
    table(
        ["device", "scheme", "accuracy", "endurance, shape", "pulses a cell, mean / most", "trainings left", "rows shifted",
         "columns shifted", "both"],
        wear,
    )  # fmt: skip
    table(["device", *TIMES], kept)


def pruning(names: Sequence[str], seeds: int) -> None:
    """Print what soft pruning does to lifetime."""
    rows = []
    for name in names:
        for title, changes in PRUNED.items():
            runs = [trained("cbram-analog", {"device": name, "seed": seed, **changes}) for seed in range(seeds)]
            lives = [life_of(run) for run in runs]
            rows.append(
                [
                    name, title, spread([100 * run.metrics["accuracy"] for run in runs], 2),
                    spread([run.metrics["pulses"] / 1e6 for run in runs], 2),
                    spread([float(life.pulses.mean()) for life in lives], 1),
                    spread([float(life.pulses.max()) for life in lives], 0),
                    spread([life.trainings for life in lives], 1), spread([life.levelled["both"] for life in lives], 1),
                ]
            )  # fmt: skip
            Console(stderr=True).print(*rows[-1])
    table(
        [
            "device",
            "pruning",
            "accuracy %",
            "pulses (M)",
            "pulses a cell, mean",
            "most",
            "trainings left",
            "with both shifted",
        ],
        rows,
    )


def worn(names: Sequence[str], seeds: int) -> None:
    """Print how well an array still learns that is worn out already, by the share of its cells that should have failed."""
    rows = []
    for name in names:
        device = load_device(name)
        assert device.endurance is not None
        for share in WORN:
            prior = device.endurance * (-math.log1p(-share)) ** (1.0 / device.endurance_shape)
            wear = {"device": name, "epochs": 1, "array.wear": True, "array.prior_pulses": prior}
            runs = [trained("local-fields", {**wear, "seed": seed}) for seed in range(seeds)]
            rows.append(
                [
                    name, f"{share:.0%}", f"{prior:,.0f}",
                    spread([100 * run.metrics["cells_failed"] / life_of(run).cells for run in runs], 2),
                    spread([100 * run.metrics["accuracy"] for run in runs], 2),
                ]
            )  # fmt: skip
            Console(stderr=True).print(*rows[-1])
    table(["device", "failed before, expected", "pulses before", "failed at the end %", "accuracy %"], rows)


def spread(values: Sequence[float], digits: int) -> str:
    """Mean +- standard deviation."""
    deviation = f" +- {statistics.stdev(values):,.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):,.{digits}f}{deviation}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as the documentation has it."""
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")
    print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["devices", "pruning", "worn"])
    parser.add_argument("--only", help="comma-separated devices")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    chosen = given.only.split(",") if given.only else None
    if given.what == "devices":
        devices(chosen or device_names())
    elif given.what == "worn":
        worn(chosen or ["subquantum-cbram", "pcm"], given.seeds)
    else:
        pruning(chosen or ["subquantum-cbram", "taox-hfox"], given.seeds)
