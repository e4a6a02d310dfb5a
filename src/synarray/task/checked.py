"""What a network is trained and tested on: images and classes, looked at before any training."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.network.topology import check_geometry
from synarray.task.datasets import as_array, check_images, check_labels, check_scale

__all__ = ["Task", "check_task"]


class Task(NamedTuple):
    """Images and classes that were looked at and can be used."""

    x: npt.NDArray[Any]  # [image, feature]
    labels: npt.NDArray[np.int64]  # [image], 0 to n_classes - 1
    classes: npt.NDArray[Any]
    image_shape: tuple[int, ...] | None
    full_scale: float
    test: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None


def check_task(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    x_test: npt.ArrayLike | None,
    y_test: npt.ArrayLike | None,
    image_shape: tuple[int, ...] | None,
    full_scale: float | None,
    known: npt.NDArray[Any] | None = None,
) -> Task:
    """Refuse, before any training, what could not be used after it; arguments as of ``train``.

    ``known`` are the classes of the run that a training continues from: they are classes of the task too.

    Raises
    ------
    DataError
        When images or labels cannot be used.
    """
    x = as_array(x, "x")
    check_images(x, "x")
    given = check_labels(as_array(y, "y"), len(x), "y", at_least=2 if known is None else 1)
    classes = np.unique(given if known is None else np.concatenate([given, known]))
    labels = np.searchsorted(classes, given)
    shape = image_shape if image_shape is not None else x.shape[1:] if x.ndim > 2 else None
    check_geometry(shape, x[0].size)
    test_set = None
    if x_test is not None and y_test is not None:
        test_set = as_array(x_test, "x_test"), as_array(y_test, "y_test")
        check_images(test_set[0], "x_test")
        check_labels(test_set[1], len(test_set[0]), "y_test", known=classes)
        sizes = [part.shape[1:] if min(x.ndim, test_set[0].ndim) > 2 else (part[0].size,) for part in (test_set[0], x)]
        if sizes[0] != sizes[1]:
            raise DataError(
                "test images must be of the size of the training images",
                where="x_test",
                got=" and ".join(" x ".join(f"{side:,}" for side in size) for size in sizes),
                do="Bring them to the same size.",
            )
    elif x_test is not None or y_test is not None:
        raise DataError(
            "a test needs images and classes", got="only one of them", where="x_test, y_test", do="Give both, or none."
        )
    if full_scale is None:
        if test_set is not None:
            check_scale(x, test_set[0], "x and x_test")
        full_scale = 255.0 if x.dtype == np.uint8 else float(x.max()) or 1.0
    if not 0 < full_scale < np.inf:
        raise DataError(
            "full_scale must be a positive number",
            got=str(full_scale),
            where="full_scale",
            do="Leave it out for the maximum.",
        )
    if x.max() > full_scale:
        warnings.warn(
            f"full_scale = {full_scale:g} is less than the largest value of x, {x.max():g}: {np.mean(x > full_scale):.1%} of all "
            "values are clipped.",
            UserWarning,
            stacklevel=5,
        )
    return Task(x.reshape(len(x), -1), labels, classes, shape, full_scale, test_set)
