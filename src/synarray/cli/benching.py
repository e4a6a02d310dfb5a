"""``synarray bench``: print what was measured."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from synarray.bench import benchmark
from synarray.learn.training import train
from synarray.report.run_tables import Terminal, standard_output
from synarray.run.experiment import load_experiment, task_images

__all__ = ["run_bench"]


def run_bench(quick: bool, as_json: bool) -> None:
    """Measure and print."""
    people = Terminal(stderr=True)
    turns, images = (1, 5_000) if quick else (5, 30_000)
    found: dict[str, Any] = {}
    with people.status("full field against NumPy ..."):
        found["full_field"] = benchmark.rivals(images, 500 if quick else 1_500, turns)
    with people.status("local fields ..."):
        found["local_fields"] = benchmark.network_speed("local-fields", 2 * images, turns=turns)
    with people.status("through cells of a device ..."):
        found["devices"] = benchmark.through_devices(images, turns)
    for experiment in ("full-field", "local-fields"):
        with people.status(f"stages of {experiment} ..."):
            found[f"stages_{experiment}"] = [vars(stage) for stage in benchmark.stages(experiment)]
    with people.status("by size ..."):
        sizes = [100, 500, 1600] if quick else [100, 200, 400, 800, 1600, 3200, 6400]
        found["by_neurons"] = benchmark.by_neurons(sizes, images // 2)
        found["by_active_inputs"] = benchmark.by_inputs(["15 Hz", "60 Hz", "240 Hz", "900 Hz"], images // 2)
    with people.status("to 95 % ..."):
        found["one_epoch"] = _one_epoch()
    found["peak_memory_bytes"] = benchmark.peak_memory()
    if as_json:
        print(json.dumps(found))
    else:
        _tell(found)


def _one_epoch() -> dict[str, float]:
    """Train local fields for one epoch, from nothing."""
    spec = load_experiment("local-fields", {"epochs": 1})
    data, x, y, x_test, y_test = task_images(spec)
    result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
    return {"accuracy": float(result.accuracy or 0.0), "train_seconds": result.seconds["train"]}


def _tell(found: dict[str, Any]) -> None:
    console = standard_output()
    full = found["full_field"]
    console.print("Training images per second, one core, encoding and learning (medians; host speed drifts by 1.5x):")
    console.print(f"  full field, 500 neurons     {full['synarray']:>10,.0f}")
    console.print(
        f"  the same network in NumPy   {full['numpy']:>10,.0f}   ratio {full['ratio']:.1f}x, in turns in this run"
    )
    console.print(f"  local fields, 500 neurons   {found['local_fields']:>10,.0f}")
    console.print("Through cells of subquantum CBRAM with their spreads, against ideal weights in turns:")
    for name, speed in found["devices"].items():
        console.print(f"  {name:<27} {speed['device']:>10,.0f}   {speed['ratio']:.2f}x of {speed['ideal']:,.0f}")
    one = found["one_epoch"]
    console.print(
        f"  local fields, one epoch of 60,000 images: {one['accuracy']:.2%} after {one['train_seconds']:.2f} s of training"
    )
    for name in ("full-field", "local-fields"):
        table = Table(title=f"{name}: one window, by stage", title_justify="left")
        for column in ("stage", "us", "floor us", "distance", "the floor counts"):
            table.add_column(column, justify="left" if column in ("stage", "the floor counts") else "right")
        for stage in found[f"stages_{name}"]:
            seconds, floor = stage["seconds"], stage["floor"]
            table.add_row(
                stage["name"], f"{seconds * 1e6:.2f}", f"{floor * 1e6:.2f}", f"{seconds / floor:.1f}x", stage["what"]
            )
        console.print(table)
    console.print("Full field, by neurons: time per image, and per image and neuron")
    for n, speed in found["by_neurons"].items():
        console.print(
            f"  {n:>5} neurons  {speed:>10,.0f} images/s  {1e6 / speed:>8.1f} us  {1e9 / speed / int(n):>7.1f} ns"
        )
    console.print("Full field, 500 neurons, by active inputs in a window")
    for active, speed in found["by_active_inputs"].items():
        console.print(f"  {float(active):>5.1f} active   {speed:>10,.0f} images/s  {1e6 / speed:>8.1f} us")
    if (peak := found["peak_memory_bytes"]) is not None:
        console.print(f"Peak resident memory of all this: {peak / 1e6:,.0f} MB")
