"""A training that continues from a finished one: the same cells, thresholds and neurons, on new data of the same geometry.

schedules   run on: a network that has seen N presentations and learns M more starts at N / (N + M) of them
cells       keep their states, the pulses they received, their age and their failures
counters    start at 0: events, times and the training curve are of the new training; ``Before`` says what came first
labels      are estimated again for the classes that the new data have; those of other classes are kept
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, SpecError
from synarray.events import NetworkEvent
from synarray.learn.result import Before, Result
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import Plan, layer_specs, plan_layers
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.task.checked import Task

__all__ = ["Beginning", "before_of", "begin", "merge_labels"]

_KEPT = ("n_neurons", "seed", "inputs", "fields", "cell", "device", "synapse", "array", "pruning")
"""What a spec must have in common with that of the run it continues: it is built into the cells."""
_KEPT_OF_LAYER = ("kind", "n_neurons", "kernel", "stride", "pool", "places", "min_active", "teacher")
"""What each of its ``[[layers]]`` must have in common besides."""
_FAR = 4.0


class Beginning(NamedTuple):
    """What a training begins with."""

    retina: Retina
    plans: list[Plan]
    """Layers, from the bottom."""
    machines: list[Machine]
    """Of a training that continues from a finished one; empty: they are still to be built."""
    seen: tuple[int, ...]
    """Presentations that each layer has gone through before."""


def begin(spec: LearningSpec, task: Task, start: Result | None = None) -> Beginning:
    """Lay a network out, with its initial weights or with those of a finished one, whose machines the training then changes.

    Raises
    ------
    SpecError
        When layers do not fit, or the spec is that of other cells than the finished network's.
    DataError
        When the images have another geometry or scale.
    """
    if start is None:
        control = spec.encoding.gain_control
        retina = Retina.fit(task.x, spec.inputs, full_scale=task.full_scale, gain_control=control)
        plans = plan_layers(spec, retina, task.image_shape, len(task.classes))
        return Beginning(retina, plans, [], (0,) * len(plans))
    _check_spec(start.spec, spec)
    _check_images(start, task)
    if start.teacher != "name" and len(task.classes) != len(start.classes):
        raise DataError(
            "a taught network learns the classes that its neurons belong to", where="y",
            got=f"{len(task.classes)} classes, not {len(start.classes)}", do="Leave images of new classes out.",
        )  # fmt: skip
    retina, seen = replace(start.retina, gain_control=spec.encoding.gain_control), before_of(start).by_layer
    plans = plan_layers(spec, retina, start.image_shape, len(task.classes))
    for plan, machine in zip(plans, start.machines, strict=True):
        _check_tiles(plan, machine)
        machine.spec = plan.spec
        for counter in (machine.neuron_events, machine.network_events, machine.looked, machine.driven):
            counter[:] = 0
    return Beginning(retina, plans, start.machines, seen)


def before_of(start: Result) -> Before:
    """Sum up what a network has gone through at the end of its training, with the trainings before that."""
    earlier = start.before or Before("", 0, 0, (0,) * len(start.spec.layers))
    now = [int(machine.network_events[NetworkEvent.PRESENTATION]) for machine in start.machines if start.spec.layers]
    return Before(
        start.state_sha256,
        start.images_seen + earlier.images_seen,
        start.pulses + earlier.pulses,
        tuple(one + other for one, other in zip(now, earlier.layers, strict=True)),
    )


def merge_labels(
    counts: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], classes: npt.NDArray[np.generic], start: Result
) -> npt.NDArray[np.int64]:
    """Keep the earlier counts of classes of which no image was shown.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_neurons, n_classes)
        From the new images.
    labels : ndarray of int64
        Classes of the new images, as indices of ``classes``.
    classes : ndarray, shape (n_classes,)
        All classes, earlier and new.
    start : Result
        The finished network.
    """
    merged = counts.copy()
    for column, name in enumerate(start.classes):
        here = int(np.searchsorted(classes, name))
        if not (labels == here).any():
            merged[:, here] = start.label_counts[:, column]
    return merged


def _check_spec(old: LearningSpec, new: LearningSpec) -> None:
    def refuse(what: str, got: str, key: str) -> None:
        raise SpecError(
            f"a training that continues from a run must have its {what}: the cells were built with it", got=got,
            where=f"key {key}",
            do="Leave that key as it is in the run; epochs, data, stdp, neuron, encoding and readout may change.",
        )  # fmt: skip

    if len(old.layers) != len(new.layers):
        refuse("layers", f"{len(new.layers) or 'no'} layers, not {len(old.layers) or 'none'}", "layers")
    for i, (was, now) in enumerate(zip(old.layers, new.layers, strict=True)):
        unlike = [key for key in _KEPT_OF_LAYER if getattr(was, key) != getattr(now, key)]
        if unlike:
            values = (", ".join(f"{key} = {getattr(layer, key)}" for key in unlike) for layer in (now, was))
            refuse("layers", ", not ".join(values), f"layers.{i + 1}.{unlike[0]}")
    of_layers = zip(layer_specs(old), layer_specs(new), strict=True)
    for i, pair in enumerate([(old, new), *of_layers]):
        for key in _KEPT:
            if getattr(pair[0], key) != getattr(pair[1], key):
                refuse(key, "another one", f"layers.{i}.{key}" if i else key)
    if old.pruning.kind.after_training:
        raise SpecError(
            "a run that was pruned after its training cannot learn any more",
            got=f'pruning.mode = "{old.pruning.mode}"',
            where="argument start",
            do="Start from a run that was pruned while it learned, or not at all.",
        )


def _check_tiles(plan: Plan, machine: Machine) -> None:
    """Refuse an encoding that drives other rows than there are."""
    tiles = [(group.n_rows, group.n_neurons) for group in plan.groups]
    if tiles != machine.array.shapes:
        one, other = next(pair for pair in zip(tiles, machine.array.shapes, strict=True) if pair[0] != pair[1])
        raise SpecError(
            "a training that continues from a run must have its tiles",
            got=f"one of {one[0]} x {one[1]} cells, not {other[0]} x {other[1]}", where=f"key {plan.where}",
            do="Leave encoding.channels and encoding.off as they are in the run.",
        )  # fmt: skip


def _check_images(start: Result, task: Task) -> None:
    full = start.retina.full_scale
    same_shape = None in (start.image_shape, task.image_shape) or start.image_shape == task.image_shape
    if not same_shape or task.x.shape[1] != start.retina.n_features:
        raise DataError(
            "a training that continues from a run needs images of the same geometry",
            got=f"{task.image_shape or task.x.shape[1]}, not {start.image_shape or start.retina.n_features}",
            where="x",
            do="Bring them to the same size.",
        )
    if not full / _FAR <= task.full_scale <= full * _FAR:
        raise DataError(
            "a training that continues from a run needs images on the same scale",
            got=f"full scale {task.full_scale:g}, not {full:g}",
            where="x",
            do="Scale the images as those of the run.",
        )
