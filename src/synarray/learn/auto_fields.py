"""Full or local fields for unknown data: ``fields.kind = "auto"`` asks a part of the training images.

At most 5,000 training images, drawn at random by the seed, are split 4 : 1. One network of each kind learns from the larger
part, for at most 12,000 presentations, and reads the smaller one; the better one is then trained on all images. The test set is
not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.learn.spec import LearningSpec
from synarray.network.topology import FieldTrial
from synarray.rng import Stream, permutation
from synarray.task.checked import Task

__all__ = ["KINDS", "Kind", "better", "choose_fields", "split"]

Kind = Literal["full", "local"]
KINDS: tuple[Kind, ...] = ("full", "local")
_MOST_IMAGES = 5000
_PRESENTATIONS = 12_000
Indices = npt.NDArray[np.int64]
Spec = TypeVar("Spec", bound=LearningSpec)


def split(labels: npt.NDArray[np.int64], seed: int) -> tuple[Indices, Indices]:
    """Draw the images that the two networks learn from, and those that they read.

    Raises
    ------
    DataError
        When there are too few images.
    """
    drawn = permutation(len(labels), seed=seed, stream=Stream.SUBSET, presentation=1)[:_MOST_IMAGES]
    learned, held = np.split(drawn, [len(drawn) - len(drawn) // 5])
    held = held[np.isin(labels[held], labels[learned])]
    if not len(held) or len(np.unique(labels[learned])) < 2:
        raise DataError(
            "a choice between full and local fields needs images of two classes to learn from, and others to read",
            got=f"{len(labels)} images", where="key fields.kind", do='Set fields.kind = "full" or "local", or give more images.',
        )  # fmt: skip
    return learned, held


def better(accuracy: dict[Kind, float], images: int) -> tuple[Kind, FieldTrial]:
    """Return the kind of fields that read more of the held-out images (a full field if both read the same), and the record."""
    trial = FieldTrial(images=images, full=accuracy["full"], local=accuracy["local"])
    return max(KINDS, key=lambda kind: accuracy[kind]), trial


def choose_fields(spec: Spec, task: Task, accuracy_of: Callable[..., float | None]) -> Spec:
    """Decide the fields of an experiment whose ``fields.kind`` is "auto"; others are returned as they are.

    Parameters
    ----------
    spec : LearningSpec
    task : Task
        All training images.
    accuracy_of : callable
        Trains a spec on images and classes, and says how much it reads of others: (spec, x, y, x_test, y_test).

    Returns
    -------
    LearningSpec
        With "full" or "local", and the figures in ``fields.trial``.
    """
    if spec.fields.kind != "auto" or spec.layers:
        return spec
    if task.image_shape is None:
        return _decided(spec, "full", FieldTrial())
    learned, held = split(task.labels, spec.seed)
    epochs = min(spec.epochs, -(-_PRESENTATIONS // len(learned)))
    accuracy: dict[Kind, float] = {}
    for kind in KINDS:
        tried = type(spec)(**{**dict(_decided(spec, kind, None)), "epochs": epochs})
        parts = (task.x[learned], task.labels[learned], task.x[held], task.labels[held])
        accuracy[kind] = accuracy_of(tried, *parts) or 0.0
    return _decided(spec, *better(accuracy, len(held)))


def _decided(spec: Spec, kind: Kind, trial: FieldTrial | None) -> Spec:
    fields = type(spec.fields)(**{**dict(spec.fields), "kind": kind, "trial": trial})
    return type(spec)(**{**dict(spec), "fields": fields})
