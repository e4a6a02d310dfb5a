"""A training of several layers: each learns for its own epochs from what the frozen ones below make of the images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synarray.events import NetworkEvent
from synarray.learn.checkpoint import Checkpoints, between_stretches, fingerprints
from synarray.learn.notes import notes_on, notes_on_training
from synarray.learn.readout import count_spikes
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import Layer, Plan, features_of, plan_layers
from synarray.learn.teacher import Teacher
from synarray.learn.trainer import OnBlock, Progress, Trainer, infer
from synarray.network.encoding import Retina
from synarray.network.kept import KeptSpikes
from synarray.network.machine import Machine, Pixels
from synarray.rng import Phase, Stream, permutation
from synarray.task.checked import Task

__all__ = ["presentations_of", "train_layers"]

OnProgress = Callable[[Progress], None]


def presentations_of(spec: LearningSpec, images: int) -> int:
    """Images shown while learning, over all layers; ``images``: training images there are."""
    shown = [min(layer.images or images, images) for layer in spec.layers]
    epochs = [(layer.epochs or spec.epochs) * layer.learn + (layer.teacher == "compete") for layer in spec.layers]
    return int(np.dot(shown, epochs)) if shown else spec.epochs * images


def train_layers(
    spec: LearningSpec,
    task: Task,
    workers: int,
    on_progress: OnProgress | None,
    checkpoints: Checkpoints | None,
    observe: OnBlock | None,
) -> tuple[Result, Callable[[], None] | None]:
    """Train all layers, then label the neurons of the last one by the training images; nothing is tested.

    Returns the result, and what lets an observer look while images are read.
    """
    clock = time.perf_counter()
    retina = Retina.fit(task.x, spec.inputs, full_scale=task.full_scale, gain_control=spec.encoding.gain_control)
    plans = plan_layers(spec, retina, task.image_shape, len(task.classes))
    pixels = retina.see(task.x)
    known = fingerprints(spec, pixels, task.labels, "") if checkpoints else {}
    seconds = {"prepare": time.perf_counter() - clock, "compile": 0.0, "train": 0.0, "features": 0.0}
    layers: list[Layer] = []
    shown, total = 0, presentations_of(spec, len(task.x))
    for i, plan in enumerate(plans):
        trainer, images = _trainer(plan, task, i == len(plans) - 1)
        clock = time.perf_counter()
        windows = max(trainer.machine.spec.encoding.draws, 1)
        source = features_of(layers, pixels, windows, Phase.FEATURES, workers=workers, counted=True)
        seconds["features"] += time.perf_counter() - clock
        seconds["compile"] += trainer.compile(source)
        if checkpoints:
            checkpoints.begin(trainer, known, images, layer=i, last=i == len(plans) - 1)
        on_block = between_stretches(trainer, checkpoints, observe)
        _show_all(trainer, plan, source, task.labels, images, _shifted(on_progress, shown, total), on_block)
        if checkpoints and i < len(plans) - 1:
            checkpoints.save(trainer)
        seconds["train"] += trainer.seconds
        shown += trainer.presentations
        if i < len(plans) - 1:
            layers.append(Layer(plan, trainer.machine))
    if checkpoints:
        checkpoints.learning = False
    clock = time.perf_counter()
    on_part = partial(observe, trainer) if observe else None
    counts = _label(trainer, spec, source, task, workers, on_part)
    seconds["label"] = time.perf_counter() - clock
    machines = [*(layer.machine for layer in layers), trainer.machine]
    notes = _controls(plans) + [
        note for own in (plan.spec for plan in plans) for note in notes_on(own, task.image_shape)
    ]
    notes += [f"Layer {i + 1}: {note}" for i, machine in enumerate(machines) for note in notes_on_training(machine)]
    result = Result(
        spec, trainer.machine, retina, task.classes, task.image_shape, counts, trainer.history, seconds, shown,
        list(dict.fromkeys(notes)), below=layers, windows=_windows(machines, task),
    )  # fmt: skip
    return result, on_part


def _controls(plans: list[Plan]) -> list[str]:
    """Say what a taught result is to be compared with."""
    if plans[-1].layer.teacher == "name" or not all(plan.layer.learn for plan in plans):
        return []
    return ["Labels taught this network. Its control, the lowest layer left at random: --set layers.1.learn=false."]


def _windows(machines: list[Machine], task: Task) -> tuple[int, ...]:
    """Windows in which each layer was shown anything: while it learned, and for the layers above it."""
    draws = [machine.spec.encoding.draws for machine in machines]
    learned = [int(machine.network_events[NetworkEvent.PRESENTATION]) for machine in machines]
    return tuple(learned[i] * draws[i] + len(task.x) * sum(draws[i + 1 :]) for i in range(len(machines)))


def _trainer(plan: Plan, task: Task, last: bool) -> tuple[Trainer, int]:
    """Build a layer, and what shows it images; also how many make an epoch."""
    images, layer = min(plan.layer.images or len(task.x), len(task.x)), plan.layer
    total = max(1, plan.spec.epochs * images)
    trainer = Trainer(plan.build(total), len(task.classes), total)
    if last and layer.teacher != "name":
        trainer.teacher = Teacher(layer.teacher, len(task.classes), layer.calibration, images)
    return trainer, images


def _show_all(
    trainer: Trainer, plan: Plan, source: Pixels | KeptSpikes, labels: npt.NDArray[np.int64], images: int,
    on_progress: OnProgress | None, on_block: OnBlock | None,
) -> None:  # fmt: skip
    """Show all epochs, from where a checkpoint was written if there is one; then those of a calibration."""
    if not plan.layer.learn:
        return
    extra = trainer.teacher.extra // images if trainer.teacher else 0
    for epoch in range(trainer.presentations // images, plan.spec.epochs + extra):
        order = permutation(len(labels), seed=plan.spec.seed, stream=Stream.ORDER, presentation=epoch)[:images]
        shown = trainer.presentations - epoch * images
        trainer.learn(source, order, labels, on_progress, shown=shown, on_block=on_block)


def _shifted(on_progress: OnProgress | None, shown: int, total: int) -> OnProgress | None:
    """Tell of the progress of one layer as that of the whole training."""
    if on_progress is None:
        return None
    return lambda progress: on_progress(replace(progress, presentations=shown + progress.presentations, total=total))


def _label(
    trainer: Trainer,
    spec: LearningSpec,
    source: Pixels | KeptSpikes,
    task: Task,
    workers: int,
    on_part: Callable[[], None] | None,
) -> npt.NDArray[np.int64]:
    """Name the neurons of the last layer by the training images, or by what they were taught."""
    machine, teacher = trainer.machine, trainer.teacher
    if teacher is not None and teacher.how == "contrast":
        return teacher.own_class(machine)
    spikes = infer(machine, source, spec.readout.label_windows, Phase.LABEL, workers, on_part)
    return count_spikes(spikes, task.labels, len(machine.threshold), len(task.classes))
