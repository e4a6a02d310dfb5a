"""Speed, measured: against the same network in NumPy, stage by stage against the machine's limits, and by network size.

The host's speed drifts, so rivals take short turns: each gives one ratio, and what is said is their median and quartiles. The
floor of a stage is the time this core needs just to stream the stage's bytes (measured here, from the second-level cache) and to
draw its random words.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.bench.kernels import draw_words, read_block, stream_bytes
from synarray.bench.rival import NumpyTwin
from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina, chance_table
from synarray.network.machine import Machine
from synarray.network.topology import place_groups
from synarray.rng import Stream, permutation
from synarray.run.experiment import ExperimentSpec, load_experiment, task_images

__all__ = ["by_inputs", "by_neurons", "network_speed", "peak_memory", "rivals", "stages", "through_devices"]

_SHOWN = 512
"""Presentations that a stage is timed over."""
_TURN = 1_024
"""Images that a rival learns in a turn."""

Rival = Callable[[int], float]
"""Takes its turn of this number; returns how many images it learned in a second."""
Pixels = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]


def _prepare(spec: ExperimentSpec) -> tuple[Machine, Retina, Pixels, npt.NDArray[np.int64], int]:
    """Build an untrained machine and what it sees."""
    data, x, y, _, _ = task_images(spec)
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=data.full_scale, gain_control=spec.encoding.gain_control)
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, data.image_shape)
    return Machine.build(spec, groups, spec.epochs * len(x)), retina, retina.see(flat), y, data.n_classes


def network_speed(experiment: str, images: int, changes: dict[str, Any] | None = None, turns: int = 3) -> float:
    """Median training images per second on one core; encoding and learning included, reading of labels not."""
    spec = load_experiment(experiment, {**(changes or {}), "epochs": 1})
    speeds = []
    for _ in range(turns):
        machine, _, pixels, y, n_classes = _prepare(spec)
        trainer = Trainer(machine, n_classes, len(y))
        trainer.compile(pixels)
        order = permutation(len(y), seed=spec.seed, stream=Stream.ORDER)[:images]
        trainer.learn(pixels, order, y)
        speeds.append(len(order) / trainer.seconds)
    return statistics.median(speeds)


def _trained(experiment: str, changes: dict[str, Any] | None = None) -> Rival:
    """Return a network that learns further images at each turn."""
    spec = load_experiment(experiment, {**(changes or {}), "epochs": 1})
    machine, _, pixels, y, n_classes = _prepare(spec)
    trainer = Trainer(machine, n_classes, len(y))
    trainer.compile(pixels)
    order = permutation(len(y), seed=spec.seed, stream=Stream.ORDER)

    def learn(turn: int) -> float:
        before, images = trainer.seconds, order[turn * _TURN : (turn + 1) * _TURN]
        trainer.learn(pixels, images, y)
        return len(images) / (trainer.seconds - before)

    return learn


def _in_turns(turns: int, **rivals: Rival) -> dict[str, npt.NDArray[np.float64]]:
    """Let rivals take turns, every second time in reverse order; images per second of each, turn by turn."""
    speeds = {name: np.zeros(turns) for name in rivals}
    for turn in range(turns):
        for name in reversed(rivals) if turn % 2 else rivals:
            speeds[name][turn] = rivals[name](turn)
    return speeds


def _compared(speed: npt.NDArray[np.float64], rival: npt.NDArray[np.float64]) -> dict[str, float]:
    """How many times as fast as its rival something is: median of the turns, their quartiles, and how many turns there were."""
    low, ratio, high = np.quantile(speed / rival, (0.25, 0.5, 0.75))
    return {"ratio": float(ratio), "ratio_low": float(low), "ratio_high": float(high), "turns": len(speed)}


def rivals(turns: int = 20, numpy_images: int = 50) -> dict[str, float]:
    """Full field, 500 neurons: compiled kernels and NumPy in turns; medians in images per second, and their ratio."""
    spec = load_experiment("full-field", {"epochs": 1})
    machine, _, (pixels, gains), y, _ = _prepare(spec)
    order, twin = permutation(len(y), seed=spec.seed, stream=Stream.ORDER), NumpyTwin(machine)
    table = chance_table(spec.encoding, per_step=False)

    def learn(turn: int) -> float:
        chosen = order[turn * numpy_images : (turn + 1) * numpy_images]
        level = np.minimum((pixels[chosen] * (gains[chosen, None] / 65536.0) + 0.5).astype(int), 255)
        chance = (table[level] / 65536.0).astype(np.float32)
        start = time.perf_counter()
        twin.learn(chance, 0.0)
        return numpy_images / (time.perf_counter() - start)

    speeds = _in_turns(turns, compiled=_trained("full-field"), plain=learn)
    fast, slow = (float(np.median(speeds[name])) for name in ("compiled", "plain"))
    return {"synarray": fast, "numpy": slow, **_compared(speeds["compiled"], speeds["plain"])}


def through_devices(turns: int = 20) -> dict[str, dict[str, float]]:
    """Ideal weights and cells of a device in turns, with all its spreads: medians in images per second, and their ratio."""
    cells: dict[str, dict[str, Any]] = {
        "analog": {"device": "subquantum-cbram"},
        "2-bit words": {"device": "subquantum-cbram", "synapse.scheme": "digital"},
    }
    found = {}
    for experiment in ("full-field", "local-fields"):
        kinds = {name: _trained(experiment, changes) for name, changes in cells.items()}
        speeds = _in_turns(turns, ideal=_trained(experiment), **kinds)
        ideal = float(np.median(speeds["ideal"]))
        for name in cells:
            device = {"ideal": ideal, "device": float(np.median(speeds[name]))}
            found[f"{experiment}, {name}"] = {**device, **_compared(speeds[name], speeds["ideal"])}
    return found


def by_neurons(sizes: list[int], images: int) -> dict[int, float]:
    """Training images per second of a full field by number of neurons."""
    return {n: network_speed("full-field", max(500, images * 500 // max(n, 500)), {"n_neurons": n}, 1) for n in sizes}


def by_inputs(rates: list[str], images: int) -> dict[float, float]:
    """Training images per second of a full field by the mean number of active inputs in a window."""
    speeds = {}
    for rate in rates:
        spec = load_experiment("full-field", {"epochs": 1, "encoding.rate_max": rate})
        machine, _, pixels, y, n_classes = _prepare(spec)
        trainer = Trainer(machine, n_classes, len(y))
        trainer.compile(pixels)
        trainer.learn(pixels, np.arange(images), y)
        active = machine.network_events[1] / (machine.network_events[0] * spec.encoding.draws)
        speeds[round(float(active), 1)] = images / trainer.seconds
    return speeds


def peak_memory() -> float | None:
    """Largest resident memory of this process so far, bytes; None on a system that does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


@dataclass(frozen=True)
class Stage:
    """One stage of a window."""

    name: str
    seconds: float
    """Per window, all groups."""
    floor: float
    """Time just to stream its bytes and draw its random words."""
    what: str
    """What the floor counts."""


def stages(experiment: str) -> list[Stage]:
    """Time each stage of a window of a trained network, and the floor of each on this core."""
    spec = load_experiment(experiment, {"epochs": 1, "images": 10_000})
    machine, _, pixels, y, n_classes = _prepare(spec)
    trainer = Trainer(machine, n_classes, len(y))
    trainer.compile(pixels)
    trainer.learn(pixels, np.arange(len(y)), y)
    n_inputs, draws = pixels[0].shape[1], spec.encoding.draws
    shown, layout, cells, work = np.arange(_SHOWN), machine.layout, machine.cells, machine.bench()
    block, laws, at = machine.encode(pixels, shown, shown, draws), machine.laws(0.5), np.zeros(_SHOWN, np.int64)
    winners = np.zeros((_SHOWN, draws, len(machine.groups)), np.int32)
    windows, streamed, words = _SHOWN * draws, np.zeros(200_000 // 8, np.uint64), np.zeros(4_000, np.uint32)
    encode, read, respond, learn, byte, word = _seconds(
        (lambda: machine.encode(pixels, shown, shown, draws), windows),
        (lambda: read_block(block, layout, cells, work), windows),
        (lambda: machine.respond(block, shown, laws[0], winners), windows),
        (lambda: machine.learn(block, at, 0, laws, winners), windows),
        (lambda: stream_bytes(2_000, streamed), 2_000 * streamed.nbytes),
        (lambda: draw_words(2_000, words), 2_000 * words.size),
    )
    active = machine.network_events[2] / (machine.network_events[0] * spec.encoding.draws)  # rows driven in a window
    columns = np.diff(machine.array.neuron_start).mean()
    width = -(-columns // 64) * 64
    n_cells = float(np.diff(machine.array.row_start).sum())
    floors = [
        (n_inputs * 3 / draws * byte + n_inputs / 2 * word, "pixels, chances; a 16-bit random number an input"),
        (active * width * byte, "the active rows, a byte a cell"),
        (spec.n_neurons * 8 * byte, "potentials and numerators once"),
        (n_cells * 5 * byte + n_cells / 2 * word, "weights and masks once; a 16-bit random number a cell"),
    ]
    names = ("encode", "read", "winner", "learn")
    steps = (encode, read, respond - read, learn - respond)
    return [Stage(name, float(s), *floor) for name, s, floor in zip(names, steps, floors, strict=True)]


def _seconds(*calls: tuple[Callable[[], Any], int], turns: int = 15) -> list[float]:
    """Seconds of each call, divided by its number: the least of the turns, which the rest of the machine disturbs least."""
    for call, _ in calls:
        call()  # compiles
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(turns):
        for (call, _), seconds in zip(calls, taken, strict=True):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return [min(seconds) / n for (_, n), seconds in zip(calls, taken, strict=True)]
