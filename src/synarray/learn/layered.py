"""The training of a network: each layer learns for its own epochs from what the frozen ones below make of the images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn.checkpoint import Checkpoints, between_stretches, fingerprints
from synarray.learn.continued import before_of, begin, merge_labels
from synarray.learn.idle import idle_settings
from synarray.learn.notes import notes_on, notes_on_training
from synarray.learn.readout import count_spikes
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import Layer, Plan, features_of
from synarray.learn.teacher import Teacher
from synarray.learn.trainer import OnBlock, Progress, Trainer, infer
from synarray.network.kept import KeptSpikes
from synarray.network.machine import Machine, Pixels
from synarray.network.pruning import cut_lowest
from synarray.rng import Phase, Stream, permutation
from synarray.task.checked import Task

__all__ = ["presentations_of", "train_layers"]

OnProgress = Callable[[Progress], None]


def presentations_of(spec: LearningSpec, images: int) -> int:
    """Images shown while learning, over all layers; ``images``: training images there are."""
    if not spec.layers:
        return spec.epochs * images
    return sum(
        ((layer.epochs or spec.epochs) + (layer.teacher == "compete")) * min(layer.images or images, images)
        for layer in spec.layers
        if layer.learn
    )


def train_layers(
    spec: LearningSpec,
    task: Task,
    workers: int,
    on_progress: OnProgress | None,
    checkpoints: Checkpoints | None,
    observe: OnBlock | None,
    start: Result | None = None,
) -> tuple[Result, Callable[[], None] | None]:
    """Train all layers, then label the neurons of the last one by the training images; nothing is tested.

    A network without ``[[layers]]`` has one. ``start``: a finished network to continue from; it is changed.

    Returns the result, and what lets an observer look while images are read.
    """
    clock, before = time.perf_counter(), before_of(start) if start else None
    retina, plans, machines, seen = begin(spec, task, start)
    pixels = retina.see(task.x)
    known = fingerprints(spec, pixels, task.labels, before.state_sha256 if before else "") if checkpoints else {}
    seconds = {"prepare": time.perf_counter() - clock, "compile": 0.0, "train": 0.0}
    layers: list[Layer] = []
    shown, total = 0, sum(seen) + presentations_of(spec, len(task.x))
    for i, plan in enumerate(plans):
        clock, last = time.perf_counter(), i == len(plans) - 1
        trainer, images = _trainer(plan, task, machines[i] if machines else None, seen[i], last=last)
        seconds["prepare"] += time.perf_counter() - clock
        source = _source(layers, pixels, trainer.machine.spec.encoding.draws, workers, seconds)
        seconds["compile"] += trainer.compile(source)
        if checkpoints:
            checkpoints.begin(trainer, known, images, layer=i, last=last)
        on_block = between_stretches(trainer, checkpoints, observe)
        advance = _shifted(on_progress, sum(seen) - seen[i] + shown, total)
        shown += _show_all(trainer, plan, source, task.labels, images, seen[i], advance, on_block)
        if checkpoints and not last:
            checkpoints.save(trainer)
        seconds["train"] += trainer.seconds
        layers.append(Layer(plan, trainer.machine))
    below = layers[:-1]
    if checkpoints:
        checkpoints.learning = False
    clock = time.perf_counter()
    on_part = partial(observe, trainer) if observe else None
    counts = _label(trainer, spec, source, task, workers, start, on_part)
    seconds["label"] = time.perf_counter() - clock
    trained = [layer.machine for layer in layers]
    result = Result(
        spec, trainer.machine, retina, task.classes, task.image_shape, counts, trainer.history, seconds, shown,
        _notes(spec, plans, trained, task), before=before, below=below, windows=_windows(trained, task) if spec.layers else (),
    )  # fmt: skip
    return result, on_part


def _source(
    below: list[Layer], pixels: Pixels, draws: int, workers: int, seconds: dict[str, float]
) -> Pixels | KeptSpikes:
    """Return what a layer learns from: the images, or what the frozen layers below make of them."""
    if not below:
        return pixels
    clock = time.perf_counter()
    source = features_of(below, pixels, draws, Phase.FEATURES, workers=workers, counted=True)
    seconds["features"] = seconds.get("features", 0.0) + time.perf_counter() - clock
    return source


def _notes(spec: LearningSpec, plans: list[Plan], machines: list[Machine], task: Task) -> list[str]:
    """Say what a reader must know of the experiment, then what of the training of each layer."""
    notes = _controls(plans) + [note for plan in plans for note in notes_on(plan.spec, task.image_shape)]
    notes += idle_settings(spec, plans)
    for i, machine in enumerate(machines):
        named = f"Layer {i + 1}: " if len(machines) > 1 else ""
        notes += [named + note for note in notes_on_training(machine)]
    return list(dict.fromkeys(notes))


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


def _trainer(plan: Plan, task: Task, machine: Machine | None, seen: int, *, last: bool) -> tuple[Trainer, int]:
    """Return what shows a layer images, and how many make an epoch; ``machine``: of a finished network, or built here."""
    images, layer = min(plan.layer.images or len(task.x), len(task.x)), plan.layer
    total = seen + max(1, plan.spec.epochs * images)
    if machine is None:
        machine = plan.build(total)
    else:
        machine.expect(total)
    trainer = Trainer(machine, len(task.classes), total, presentations=seen)
    if last and layer.teacher != "name":
        trainer.teacher = Teacher(layer.teacher, len(task.classes), layer.calibration, images)
    return trainer, images


def _show_all(
    trainer: Trainer, plan: Plan, source: Pixels | KeptSpikes, labels: npt.NDArray[np.int64], images: int, seen: int,
    on_progress: OnProgress | None, on_block: OnBlock | None,
) -> int:  # fmt: skip
    """Show all epochs, from where a checkpoint was written if there is one; then those of a calibration; then prune.

    ``seen``: presentations of earlier trainings. Returns those of this one.
    """
    if not plan.layer.learn:
        return 0
    epochs = plan.spec.epochs + (trainer.teacher.extra // images if trainer.teacher else 0)
    for epoch in range((trainer.presentations - seen) // images, epochs):
        order = permutation(len(labels), seed=plan.spec.seed, stream=Stream.ORDER, presentation=seen + epoch)[:images]
        shown = trainer.presentations - seen - epoch * images
        trainer.learn(source, order, labels, on_progress, shown=shown, on_block=on_block)
    if plan.spec.pruning.kind.after_training:
        _prune_after(trainer, source, len(labels), trainer.presentations - seen - epochs * images, on_block)
    return epochs * images


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
    start: Result | None,
    on_part: Callable[[], None] | None,
) -> npt.NDArray[np.int64]:
    """Name the neurons of the last layer by the training images, or by what they were taught."""
    machine, teacher = trainer.machine, trainer.teacher
    if teacher is not None and teacher.how == "contrast":
        return teacher.own_class(machine)
    spikes = infer(machine, source, spec.readout.label_windows, Phase.LABEL, workers, on_part)
    counts = count_spikes(spikes, task.labels, len(machine.threshold), len(task.classes))
    return merge_labels(counts, task.labels, task.classes, start) if start else counts


def _prune_after(trainer: Trainer, source: Pixels | KeptSpikes, n: int, shown: int, on_block: OnBlock | None) -> None:
    """One-shot pruning of the finished network: the lowest cells are disconnected; thresholds stay or re-balance."""
    machine, spec = trainer.machine, trainer.machine.spec
    if not trainer.cut:
        machine.neuron_events[:, NeuronEvent.CELL_PRUNED] += cut_lowest(machine.array, spec.pruning.fraction)
        trainer.cut = True
    if spec.pruning.rebalance:
        order = permutation(n, seed=spec.seed, stream=Stream.ORDER, presentation=2**31)
        trainer.rebalance(source, np.resize(order, spec.pruning.rebalance), shown=shown, on_block=on_block)
