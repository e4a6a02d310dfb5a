"""``synarray bench``: print what was measured."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from synarray.cli.options import Json

__all__ = ["bench"]


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer images and sizes.")] = False, as_json: Json = False
) -> None:
    """Measure the training speed on this machine. It is compared with NumPy, with the machine's limits, and by size."""
    from synarray.bench import benchmark
    from synarray.report.terminal import Terminal

    people = Terminal(stderr=True)
    runs, turns, images = (1, 6, 5_000) if quick else (5, 40, 30_000)
    found: dict[str, Any] = {}
    with people.status("full field against NumPy ..."):
        found["full_field"] = benchmark.rivals(turns)
    with people.status("local fields ..."):
        found["local_fields"] = benchmark.network_speed("local-fields", 2 * images, turns=runs)
    with people.status("through cells of a device ..."):
        found["devices"] = benchmark.through_devices(turns)
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
        _print(found)


def _one_epoch() -> dict[str, float]:
    """Train local fields for one epoch."""
    from synarray.learn.training import train
    from synarray.run.experiment import load_experiment, task_images

    spec = load_experiment("local-fields", {"epochs": 1})
    data, x, y, x_test, y_test = task_images(spec)
    result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
    return {"accuracy": float(result.accuracy or 0.0), "train_seconds": result.seconds["train"]}


def _range(compared: dict[str, float], digits: int) -> str:
    """Put a ratio and its quartiles into words."""
    ratio, low, high = (f"{compared[name]:.{digits}f}" for name in ("ratio", "ratio_low", "ratio_high"))
    return f"{ratio}x ({low} to {high})"


def _print(found: dict[str, Any]) -> None:
    from synarray.report.tables import Table
    from synarray.report.terminal import standard_output

    console = standard_output()
    full, one = found["full_field"], found["one_epoch"]
    rows = [
        ("full field, 500 neurons", f"{full['synarray']:,.0f}", ""),
        ("the same network in NumPy", f"{full['numpy']:,.0f}", f"{_range(full, 1)} slower"),
        ("local fields, 500 neurons", f"{found['local_fields']:,.0f}", ""),
    ]
    for name, speed in found["devices"].items():
        ideal = f"{_range(speed, 2)} of ideal weights, {speed['ideal']:,.0f}"
        rows.append((f"{name}, cells of subquantum CBRAM", f"{speed['device']:,.0f}", ideal))
    title = (
        "Training images per second on one core, encoding and learning (medians). "
        f"Compared networks took {full['turns']} short turns; ratios: median (quartiles)"
    )
    console.print(Table(title, ("network", "images/s", "compared"), rows, texts=(2,), breaks=(3,)))
    words = f"{100 * one['accuracy']:.2f} % after {one['train_seconds']:.2f} s of training"
    console.print(f"Local fields, one epoch of 60,000 images: {words}")
    for name in ("full-field", "local-fields"):
        stages = [
            (
                stage["name"],
                f"{stage['seconds'] * 1e6:.2f}",
                f"{stage['floor'] * 1e6:.2f}",
                f"{stage['seconds'] / stage['floor']:.1f}x",
                stage["what"],
            )
            for stage in found[f"stages_{name}"]
        ]
        columns = ("stage", "us", "limit us", "distance", "the limit counts")
        console.print(Table(f"{name}: one window, by stage", columns, stages, texts=(4,)))
    sizes = [
        (f"{int(n):,}", f"{speed:,.0f}", f"{1e6 / speed:.1f}", f"{1e9 / speed / int(n):.1f}")
        for n, speed in found["by_neurons"].items()
    ]
    console.print(Table("Full field, by neurons", ("neurons", "images/s", "us an image", "ns a neuron"), sizes))
    rates = [
        (f"{float(n):.1f}", f"{speed:,.0f}", f"{1e6 / speed:.1f}") for n, speed in found["by_active_inputs"].items()
    ]
    names = ("active inputs", "images/s", "us an image")
    console.print(Table("Full field, 500 neurons, by active inputs in a window", names, rates))
    if (peak := found["peak_memory_bytes"]) is not None:
        console.print(f"Peak resident memory of all this: {peak / 1e6:,.0f} MB")
