"""Train an experiment: by its name, its file, a table or a spec, on its own data or on arrays, from nothing or from a run.

A training that starts from a finished run continues with its network: neurons, device, array, seed, fields and pruning must be
its own; epochs, data, STDP, encoding and read-out may change. Schedules run on: after N presentations, M more begin at
N / (N + M) of them. What the cells went through is kept (states, pulses received, age, failures); wires are computed again.
Counted events, their price, times and the training curve are of the new training only; ``result.before`` says what came first.
Class labels are estimated again for the classes of the new data, and kept for others.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, SpecError
from synarray.learn.checkpoint import Checkpoints
from synarray.learn.layered import presentations_of
from synarray.learn.spec import LearningSpec
from synarray.learn.trainer import Progress
from synarray.learn.training import train as learn
from synarray.run.experiment import ExperimentSpec, check_begins, load_experiment, resolve, task_images
from synarray.run.folder import to_toml
from synarray.run.opened import open_run
from synarray.run.outcome import Finished, Result
from synarray.run.progress import progress_bar
from synarray.run.restore import restore
from synarray.task.datasets import BUILT_IN, IN_PYTHON, as_array, load_dataset

__all__ = ["train"]

Given = str | Path | Mapping[str, Any] | LearningSpec | None


def train(
    experiment: Given = None,
    x: npt.ArrayLike | None = None,
    y: npt.ArrayLike | None = None,
    x_test: npt.ArrayLike | None = None,
    y_test: npt.ArrayLike | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    start: Finished | str | Path | None = None,
    seed: int | None = None,
    image_shape: tuple[int, ...] | None = None,
    full_scale: float | None = None,
    workers: int | None = None,
    progress: bool | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> Result:
    """Train a spiking network inside an array without labels, then label its neurons, and test it once.

    Parameters
    ----------
    experiment : str, Path, mapping or LearningSpec, optional
        A name (see ``experiment_names``), the path of a TOML file, a table as such a file has it, or what ``load_experiment``
        returns. None: that of ``start``, else ``local-fields``.
    x : array_like, shape (n_images, n_features) or (n_images, height, width), optional
        Training images, not negative. None: the experiment's own data, with their test set.
    y : array_like of int, shape (n_images,), optional
        Class of each training image. Learning does not see it: it serves the training curve and the labels of neurons.
    x_test, y_test : array_like, optional
        Images and classes that are read once, at the end.
    settings : mapping of str to object, optional
        Dotted keys of the experiment and their values, e.g. ``{"epochs": 1, "device": "pcm"}``.
    start : Run, Result, str or Path, optional
        A finished training, or its folder, whose cells, thresholds and class labels are the beginning of this one (the module's
        text says how). It stays as it is. None: initial weights.
    seed : int, optional
        Overrides the experiment's.
    image_shape : tuple of int, optional
        Height and width behind flattened features; taken from ``x`` when it has them.
    full_scale : float, optional
        Value of full intensity: 255 for 8-bit images, else the maximum of ``x``.
    workers : int, optional
        Threads for labelling and testing; the result does not depend on it. None: one for each processor core.
    progress : bool, optional
        Whether a bar is shown on standard error. None: in a terminal or a notebook only.
    on_progress : callable, optional
        Called with a ``Progress`` about every 2,000 presentations.
    checkpoints : Checkpoints, optional
        Where the training is saved on its way, and resumed from.

    Returns
    -------
    Result
        ``notes`` says what of the experiment was not used, or guessed.

    Raises
    ------
    SpecError, DataError, RunError
        When the experiment, the data, or the run or checkpoints to continue from cannot be used.

    Examples
    --------
    >>> import synarray
    >>> result = train("local-fields", settings={"images": 300, "epochs": 1, "n_neurons": 12})
    >>> mnist = synarray.load_dataset("mnist")
    >>> more = train(None, mnist.x_train[:200], mnist.y_train[:200], start=result)
    >>> more.images_seen, more.before.images_seen
    (200, 300)
    """
    earlier = start if start is None or isinstance(start, Finished) else open_run(start)
    spec = _experiment(earlier.stored().experiment if experiment is None and earlier else experiment, settings or {})
    task = _task(spec if seed is None else _changed(spec, seed=seed), earlier, x, y, x_test, y_test)
    shape, scale = image_shape or task.image_shape, task.full_scale if full_scale is None else full_scale
    return _learn(task, earlier, shape, scale, workers or os.cpu_count() or 1, progress, on_progress, checkpoints)


def _learn(
    task: _Task,
    earlier: Finished | None,
    image_shape: tuple[int, ...] | None,
    full_scale: float | None,
    workers: int,
    progress: bool | None,
    on_progress: Callable[[Progress], None] | None,
    checkpoints: Checkpoints | None,
) -> Result:
    network = None if earlier is None else restore(earlier.stored())
    spec = _changed(task.spec, start="" if network is None else network.state_sha256)
    images, classes, *test = task.arrays
    with progress_bar(
        presentations_of(spec, int(np.size(images, 0) if np.ndim(images) else 1)), progress, on_progress
    ) as advance:
        trained = learn(
            spec,
            images,
            classes,
            *test,
            image_shape=image_shape,
            full_scale=full_scale,
            workers=workers,
            on_progress=advance,
            checkpoints=checkpoints,
            start=network,
        )
    trained.notes += task.notes
    return Result.of(trained)


class _Task(NamedTuple):
    """What is trained on what: images and classes to train on, and those to test with where there are any."""

    spec: ExperimentSpec
    arrays: tuple[Any, ...]
    image_shape: tuple[int, ...] | None = None
    full_scale: float | None = None
    notes: tuple[str, ...] = ()


def _experiment(given: Given, settings: Mapping[str, Any]) -> ExperimentSpec:
    """Read what is to be trained, however it was given."""
    if given is None or isinstance(given, str | Path | Mapping):
        return load_experiment(given, settings)
    if not isinstance(given, LearningSpec):
        raise SpecError(
            "train needs the name of an experiment, the path of its file, a table or a spec",
            got=f"{type(given).__name__} {given!r}"[:80],
            where="argument experiment",
            do='For example: train("local-fields"), or train("local-fields", x, y).',
        )
    spec = given if isinstance(given, ExperimentSpec) else ExperimentSpec(**dict(given))
    return resolve(tomllib.loads(to_toml(spec)), dict(settings), "argument settings") if settings else spec


def _task(spec: ExperimentSpec, earlier: Finished | None, *given: npt.ArrayLike | None) -> _Task:
    """Say what is trained on what: the experiment's own data, or arrays."""
    if earlier is None:
        check_begins(spec)
    spec = _changed(spec, start="")
    if given[0] is not None:
        return _given_task(spec, *given)
    if any(part is not None for part in given):
        do = "Give the images too, or none of them for the experiment's own data."
        raise DataError("classes and test images need training images", got="no x", where="argument x", do=do)
    data, *arrays = task_images(spec)
    return _Task(spec, tuple(arrays), data.image_shape, data.full_scale)


def _given_task(spec: ExperimentSpec, *given: npt.ArrayLike | None) -> _Task:
    """Train on arrays: the spec then says so, with a fingerprint of them, unless they are the experiment's own data."""
    if given[1] is None:
        do = "Give y, the class of each image; learning does not see it."
        raise DataError("training images need classes", got="no y", where="argument y", do=do)
    names = ("x", "y", "x_test", "y_test")
    arrays = tuple(None if part is None else as_array(part, name) for name, part in zip(names, given, strict=True))
    if _is_own(spec, arrays):
        return _Task(spec, arrays)
    notes = []
    for key, value in (("images", spec.images), ("validation", spec.validation)):
        if value:
            notes.append(f"{key} = {value} of the experiment was not used: all images that were given were.")
    changed: dict[str, Any] = {"data": IN_PYTHON + _fingerprint(arrays), "images": None, "validation": 0}
    return _Task(_changed(spec, **changed), arrays, notes=tuple(notes))


def _changed(spec: ExperimentSpec, **values: Any) -> ExperimentSpec:
    """Return the experiment with some keys set, checked again."""
    return type(spec)(**{**dict(spec), **values})


def _is_own(spec: ExperimentSpec, arrays: tuple[Any, ...]) -> bool:
    """Whether arrays are the built-in data set that the experiment names, split as it says."""
    x = arrays[0]
    if spec.data not in BUILT_IN or arrays[2] is None or x.dtype != np.uint8 or x.shape[1:] != (28, 28):
        return False
    _, *own = task_images(spec, load_dataset(spec.data))
    return all(part is not None and np.array_equal(part, mine) for part, mine in zip(arrays, own, strict=True))


def _fingerprint(arrays: tuple[npt.NDArray[Any] | None, ...]) -> str:
    digest = hashlib.sha256()
    for part in arrays:
        if part is not None:
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]
