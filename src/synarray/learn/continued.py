"""A training that continues from a finished one: the same cells, thresholds and neurons, on new data of the same geometry.

schedules   run on: a network that has seen N presentations and learns M more starts at N / (N + M) of them
cells       keep their states, the pulses they received, their age and their failures
counters    start at 0: events, times and the training curve are of the new training; ``Before`` says what came first
labels      are estimated again for the classes that the new data have; those of other classes are kept
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, SpecError
from synarray.learn.result import Before, Result
from synarray.learn.spec import LearningSpec
from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina
from synarray.task.checked import Task

__all__ = ["before_of", "continued", "merge_labels"]

_KEPT = ("layers", "n_neurons", "seed", "inputs", "fields", "cell", "device", "synapse", "array", "pruning")
"""What a spec must have in common with that of the run it continues: it is built into the cells."""
_FAR = 4.0


def continued(start: Result, spec: LearningSpec, task: Task) -> tuple[Trainer, Retina]:
    """Make a trainer of a finished network, which it then changes, and the retina that shows it images.

    Raises
    ------
    SpecError
        When the spec is that of other cells.
    DataError
        When the images have another geometry or scale.
    """
    _check_spec(start.spec, spec)
    _check_images(start, task)
    machine, seen = start.machine, before_of(start).images_seen
    total = seen + spec.epochs * len(task.x)
    machine.spec = spec
    machine.expected_spikes = total * spec.encoding.draws * len(machine.groups) / spec.n_neurons
    for counter in (machine.neuron_events, machine.network_events, machine.looked, machine.driven):
        counter[:] = 0
    trainer = Trainer(machine, len(task.classes), total, presentations=seen)
    return trainer, replace(start.retina, gain_control=spec.encoding.gain_control)


def before_of(start: Result) -> Before:
    """Sum up what a network has gone through at the end of its training, with the trainings before that."""
    earlier = start.before or Before("", 0, 0)
    return Before(start.state_sha256, start.images_seen + earlier.images_seen, start.pulses + earlier.pulses)


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
    for key in _KEPT:
        if getattr(old, key) != getattr(new, key):
            raise SpecError(
                f"a training that continues from a run must have its {key}: the cells were built with it",
                got="another one",
                where=f"key {key}",
                do="Leave that key as it is in the run; epochs, data, stdp, neuron, encoding and readout may change.",
            )
    if old.pruning.kind.after_training:
        raise SpecError(
            "a run that was pruned after its training cannot learn any more",
            got=f'pruning.mode = "{old.pruning.mode}"',
            where="argument start",
            do="Start from a run that was pruned while it learned, or not at all.",
        )


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
