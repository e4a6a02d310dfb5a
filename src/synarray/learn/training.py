"""From images to a trained network: presentations -> epochs -> a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, SpecError
from synarray.learn.auto_fields import Spec, choose_fields
from synarray.learn.checkpoint import Checkpoints
from synarray.learn.layered import train_layers
from synarray.learn.readout import Evaluation, evaluate
from synarray.learn.result import Result
from synarray.learn.scale import Scale
from synarray.learn.spec import LearningSpec
from synarray.learn.trainer import OnBlock, Progress
from synarray.task.checked import Task, check_task
from synarray.task.datasets import check_images, check_labels

__all__ = ["decide_fields", "test", "train"]


def train(
    spec: LearningSpec,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    x_test: npt.ArrayLike | None = None,
    y_test: npt.ArrayLike | None = None,
    *,
    seed: int | None = None,
    image_shape: tuple[int, ...] | None = None,
    full_scale: float | None = None,
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    checkpoints: Checkpoints | None = None,
    start: Result | None = None,
    observe: OnBlock | None = None,
) -> Result:
    """Train a spiking network inside an array, without labels; then label its neurons and, if asked, test it once.

    The arguments are those of :func:`synarray.train`, but for ``spec``, which is read already; ``start``, a finished network that
    is changed (see ``continued.py``); and ``observe``, called with the trainer every 500 presentations or so, and while it
    infers: what it raises ends the training.

    Raises
    ------
    DataError, SpecError
        When images or labels cannot be used, or the spec does not fit them.
    RunError
        When there are checkpoints but none can be used, or when the training was asked to stop.
    """
    spec = _seeded(spec, seed)
    task = check_task(x, y, x_test, y_test, image_shape, full_scale, None if start is None else start.classes)
    _check_test_scale(task)
    spec = choose_fields(spec, task, partial(_accuracy_of, task, workers)) if start is None else spec
    result, on_part = train_layers(spec, task, workers, on_progress, checkpoints, observe, start)
    return _tested(result, task, workers, checkpoints, on_part)


def _check_test_scale(task: Task) -> None:
    """Refuse test images on another scale than the training images: they would be shown all black, or all white."""
    if task.test is not None and Scale.of(task.x).is_other(task.test[0]):
        ranges = [f"{part.min():.3g} to {part.max():.3g}" for part in (task.test[0], task.x)]
        raise DataError(
            "training and test images must have the same scale", got=f"values from {ranges[0]}, beside {ranges[1]} in training",
            where="x_test", do="Scale both alike.",
        )  # fmt: skip


def decide_fields(
    spec: Spec, x: npt.ArrayLike, y: npt.ArrayLike, image_shape: tuple[int, ...] | None, full_scale: float | None,
    workers: int = 1,
) -> Spec:  # fmt: skip
    """Decide the fields of a spec whose ``fields.kind`` is "auto", as ``train`` does; see ``auto_fields.py``."""
    if spec.fields.kind != "auto" or spec.layers:
        return spec
    task = check_task(x, y, None, None, image_shape, full_scale)
    return choose_fields(spec, task, partial(_accuracy_of, task, workers))


def _accuracy_of(task: Task, workers: int, spec: LearningSpec, *parts: npt.NDArray[Any]) -> float | None:
    return train(spec, *parts, image_shape=task.image_shape, full_scale=task.full_scale, workers=workers).accuracy


def _seeded(spec: LearningSpec, seed: int | None) -> LearningSpec:
    if not isinstance(spec, LearningSpec):
        raise SpecError(
            "train needs an experiment that was read, or a LearningSpec", got=f"{spec!r}"[:80], where="argument spec",
            do='Read it first: train(load_experiment("local-fields"), x, y).',
        )  # fmt: skip
    return spec if seed is None else type(spec)(**{**dict(spec), "seed": seed})


def _tested(
    result: Result, task: Task, workers: int, checkpoints: Checkpoints | None, on_part: Callable[[], None] | None
) -> Result:
    """Read the test images once, some time after the training."""
    for machine in result.machines:
        machine.age(result.spec.readout.wait)
    if task.test is not None:
        clock = time.perf_counter()
        result.evaluation = test(result, *task.test, workers, on_part)
        result.seconds["test"] = time.perf_counter() - clock
    if checkpoints:
        result.seconds["checkpoints"] = checkpoints.spent
    return result


def test(
    result: Result,
    x: npt.NDArray[np.generic],
    y: npt.NDArray[np.generic],
    workers: int = 1,
    on_part: Callable[[], None] | None = None,
) -> Evaluation:
    """Classify labelled images and compare; ``on_part`` is that of ``infer``.

    Raises
    ------
    DataError
        When images or labels cannot be used, or a class was never seen in training.
    """
    check_images(x, "x_test")
    y = check_labels(y, len(x), "y_test", known=result.classes)
    pixels = result.retina.see(x.reshape(len(x), -1))
    votes, smoothing = result.votes(pixels, workers, on_part), result.spec.readout.smoothing
    return evaluate(votes.winners, np.searchsorted(result.classes, y), result.label_counts, smoothing, votes.soft)


test.__test__ = False  # type: ignore[attr-defined]  # a verb of the laboratory, not a test of the suite
