"""Events made from images: a sensor that moves in three straight saccades over each image (synthetic, and marked so).

The image moves along a triangle, as on the screen with which N-MNIST was recorded (Orchard et al. 2015, doi
10.3389/fnins.2015.00437), without that sensor's noise, jitter and threshold spread. A pixel makes an event whenever the logarithm
of its intensity has changed by ``threshold`` since its last event.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.task.datasets import Dataset, from_arrays

__all__ = ["count_saccades", "make_saccades"]

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.5], [0.0, 1.0], [0.0, 0.0]])
"""Where the image is at the ends of the saccades, right and down, in units of their reach."""
_DARK = 0.1
"""Intensity, of full scale, that is added before the logarithm: the light that a black pixel has."""
_AT_ONCE = 2000


def count_saccades(
    images: npt.NDArray[np.uint8], bins: int = 3, reach: float = 3.0, steps: int = 8, threshold: float = 0.25
) -> npt.NDArray[np.uint8]:
    """Count the events of each image by pixel, time bin and polarity, shape (n, height, width, 2 bins), at most 255.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
    bins : int
        Time bins over the three saccades.
    reach : float
        Pixels a saccade moves the image.
    steps : int
        Frames of each saccade.
    threshold : float
        Change of the logarithm of intensity that makes an event.

    Examples
    --------
    A black image makes no events:

    >>> int(count_saccades(np.zeros((1, 5, 5), np.uint8)).sum())
    0
    """
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(
            "saccades need gray images of 8 bits, [n, height, width]", got=f"{images.dtype}, shape {images.shape}",
            where="images", do="Convert them to uint8 without channels.",
        )  # fmt: skip
    out = np.zeros((*images.shape, 2 * bins), np.uint8)
    places = np.concatenate([np.linspace(a, b, steps, endpoint=False) for a, b in itertools.pairwise(_CORNERS)])
    places = reach * np.concatenate([places, _CORNERS[-1:]])
    for begin in range(0, len(images), _AT_ONCE):
        part = images[begin : begin + _AT_ONCE].astype(np.float32) / np.float32(255.0)
        last = _seen(part, places[0])
        for i, place in enumerate(places[1:]):
            change = np.trunc((_seen(part, place) - last) / np.float32(threshold)).astype(np.int64)
            last += np.float32(threshold) * change.astype(np.float32)
            at = 2 * (i * bins // (len(places) - 1))
            for sign in (0, 1):
                counts = out[begin : begin + _AT_ONCE, :, :, at + sign]
                counts[:] = np.minimum(counts + np.maximum(-change if sign else change, 0), 255)
    return out


def _seen(images: npt.NDArray[np.float32], place: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Logarithm of the intensity where the image has moved to a place, between pixels by their distances."""
    (right, down), whole = place, np.floor(place).astype(int)
    seen = np.zeros(images.shape, np.float32)
    for dx in (0, 1):
        for dy in (0, 1):
            share = (1 - abs(right - whole[0] - dx)) * (1 - abs(down - whole[1] - dy))
            if share > 0:
                x, y = whole[0] + dx, whole[1] + dy
                height, width = images.shape[1:]
                seen[:, y:, x:] += np.float32(share) * images[:, : height - y, : width - x]
    result: npt.NDArray[np.float32] = np.log(seen + np.float32(_DARK))
    return result


def make_saccades(data: Dataset, bins: int = 3, images: int | None = None) -> Dataset:
    """Make a data set of events from one of gray images: counts are full at the 99th percentile of active ones in training.

    ``images``: at most so many of training, and of the test.
    """
    counts = [count_saccades(part[:images], bins) for part in (data.x_train, data.x_test)]
    active = counts[0][counts[0] > 0]
    full = float(np.quantile(active, 0.99)) if active.size else 1.0
    x_train, x_test = (np.rint(255.0 * np.minimum(count / full, 1.0)).astype(np.uint8) for count in counts)
    return from_arrays(x_train, data.y_train[:images], x_test, data.y_test[:images], name=f"{data.name}-saccades")
