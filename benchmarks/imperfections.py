"""What each imperfection of the cells costs, one at a time, on the same spikes; and what wires cost by array size.

    python benchmarks/imperfections.py cells --seeds 3
    python benchmarks/imperfections.py wires --seeds 3

Cells start from linear ones with 64 levels and no spread. Accuracy is on the validation split (the last 10,000 training
images); the test set is not read.
"""

from __future__ import annotations

import argparse
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console
from rich.table import Table

from synarray.learn.training import train
from synarray.run.experiment import load_experiment, task_images

HELD_OUT = 10_000
NETWORKS = {"full field, 75 % soft-pruned": "soft-pruned", "local fields": "local-fields"}
CELL = {"base": "ideal", "n_levels_ltp": 64, "n_levels_ltd": 64}
ONE_AT_A_TIME: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "levels": [(f"{n}", {"n_levels_ltp": n - 1, "n_levels_ltd": n - 1}) for n in (2, 3, 5, 9, 17, 33, 65, 129, 257)],
    "nonlinearity (label)": [
        (f"{n} / -{n}", {"law": "soft-bound", "nonlinearity_ltp": float(n), "nonlinearity_ltd": -float(n)})
        for n in (0, 1, 2, 3, 4, 5)
    ],
    "cycle to cycle (share of the range)": [(f"{s:.1%}", {"sigma_c2c": s}) for s in (0.005, 0.01, 0.02, 0.05, 0.1)],
    "device to device, range": [(f"{s:.0%}", {"sigma_d2d_range": s}) for s in (0.05, 0.1, 0.2, 0.3, 0.5)],
    "device to device, step": [(f"{s:.0%}", {"sigma_d2d_step": s}) for s in (0.1, 0.2, 0.3, 0.5)],
    "stuck cells, half low and half high": [
        (f"{s:.1%}", {"stuck_low": s / 2, "stuck_high": s / 2}) for s in (0.002, 0.01, 0.02, 0.05, 0.1)
    ],
    "read noise": [(f"{s:.0%}", {"sigma_read": s}) for s in (0.05, 0.1, 0.2, 0.5)],
    "failing pulses": [(f"{s:.0%}", {"p_fail": s}) for s in (0.1, 0.5, 0.9)],
}
SIZES, WIRES = (125, 250, 500), ("0 ohm", "0.5 ohm", "1 ohm", "2 ohm", "5 ohm")


def accuracy(experiment: str, changes: dict[str, Any], seed: int) -> float:
    """Train once; return the share of held-out images read rightly."""
    spec = load_experiment(experiment, {**changes, "seed": seed, "validation": HELD_OUT})
    data, x, y, x_held, y_held = task_images(spec)
    result = train(spec, x, y, x_held, y_held, image_shape=data.image_shape, full_scale=data.full_scale)
    return 100.0 * float(result.accuracy or 0.0)


def means(jobs: list[tuple[str, dict[str, Any]]], seeds: int, workers: int) -> list[str]:
    """Train every job for every seed; return mean and standard deviation of each as text."""
    with ThreadPoolExecutor(workers) as pool:
        runs = [[pool.submit(accuracy, *job, seed) for seed in range(seeds)] for job in jobs]
        values = [[run.result() for run in row] for row in runs]
    spread = [f" +- {statistics.stdev(row):.2f}" if seeds > 1 else "" for row in values]
    return [f"{statistics.fmean(row):.2f}{text}" for row, text in zip(values, spread, strict=True)]


def cells(seeds: int, workers: int) -> Table:
    """One imperfection at a time."""
    lines = [("none: 64 levels, linear", "", {}), *((n, t, c) for n, row in ONE_AT_A_TIME.items() for t, c in row)]
    found = means(
        [(experiment, {"device": CELL | change}) for experiment in NETWORKS.values() for _, _, change in lines],
        seeds, workers,
    )  # fmt: skip
    table = Table(title=f"Accuracy on validation, %, {seeds} seeds: one imperfection at a time", title_justify="left")
    for column in ("imperfection", "value", *NETWORKS):
        table.add_column(column, justify="left" if column == "imperfection" else "right")
    for i, (name, text, _) in enumerate(lines):
        table.add_row(name, text, *(found[n * len(lines) + i] for n in range(len(NETWORKS))))
    return table


def wires(seeds: int, workers: int) -> Table:
    """Resistance of the wires, by size of the full-field network, for cells of low and of high conductance."""
    jobs = [(device, n) for device in ("subquantum-cbram", "metal-filament-cbram") for n in SIZES]
    found = means(
        [
            ("full-field", {"device": device, "n_neurons": n, "epochs": 1, "array.wires.r_wire": r})
            for device, n in jobs
            for r in WIRES
        ],
        seeds, workers,
    )  # fmt: skip
    table = Table(title=f"Accuracy on validation, %, {seeds} seeds, by wire resistance per pitch", title_justify="left")
    for column in ("cells", "array", *WIRES):
        table.add_column(column, justify="left" if column == "cells" else "right")
    for i, (device, n) in enumerate(jobs):
        table.add_row(device, f"397 x {n}", *found[i * len(WIRES) : (i + 1) * len(WIRES)])
    return table


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("table", choices=("cells", "wires"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    told = cells if arguments.table == "cells" else wires
    Console(width=130).print(told(arguments.seeds, arguments.workers))


if __name__ == "__main__":
    main()
