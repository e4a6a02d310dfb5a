"""``synarray train``: read the experiment, train with a progress bar, write the run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from synarray.learn.training import Progress, train
from synarray.report.terminal import metrics_table, standard_output
from synarray.study.experiment import load_experiment, parse_setting, task_images
from synarray.study.runs import reserve, write_run

__all__ = ["run_training"]


def run_training(
    experiment: str | None, settings: list[str], seed: int | None, out: Path | None, as_json: bool
) -> None:
    """Train as the experiment says and keep the run."""
    people = Console(stderr=True, markup=False, highlight=False)
    changes = dict(parse_setting(text) for text in settings)
    if seed is not None:
        changes["seed"] = seed
    spec = load_experiment(experiment, changes)
    data, x, y, x_test, y_test = task_images(spec)
    target = reserve(out, spec)
    people.print(
        f"{spec.name}: {len(x):,} images of {data.name}, {spec.n_neurons:,} neurons, {spec.epochs} epochs, seed {spec.seed}"
    )
    with Bars(
        TextColumn("learning"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(), console=people, transient=True,
    ) as bars:  # fmt: skip
        task = bars.add_task("learning", total=spec.epochs * len(x), state="compiling (once)")

        def advance(progress: Progress) -> None:
            so_far = "" if progress.accuracy is None else f", {progress.accuracy:.1%} so far"
            bars.update(
                task, completed=progress.presentations, state=f"{progress.images_per_second:,.0f} images/s{so_far}"
            )

        result = train(
            spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale,
            workers=os.cpu_count() or 1, on_progress=advance,
        )  # fmt: skip
    for note in result.notes:
        people.print(f"Note: {note}")
    folder = write_run(result, spec, target)
    metrics = {"name": spec.name} | result.metrics() | {"run_dir": str(folder)}
    if as_json:
        print(json.dumps(metrics))
    else:
        console = standard_output()
        console.print(metrics_table(metrics))
        console.print(f"Run: {folder}   (synarray show {folder})", soft_wrap=True)
