"""Read-out: from output spikes to classes, estimated from training images only.

    labelling    n[k, c] = spikes of neuron k for training images of class c (no learning)
    soft votes   class = argmax_c sum over the image's output spikes of log P(c | k),  P(c | k) = (n[k, c] + s) / (sum_c n + s C)
    hard votes   each spike votes for its neuron's most frequent class

A neuron that never spiked while labelling says nothing in either vote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.spec import Spec
from synarray.units import Seconds

__all__ = [
    "Evaluation",
    "ReadoutSpec",
    "count_spikes",
    "evaluate",
    "hard_votes",
    "log_posterior",
    "soft_votes",
    "spike_counts",
    "weigh_spikes",
    "wilson",
]

_Classes = npt.NDArray[np.int64]


class ReadoutSpec(Spec):
    """How long images are shown when labels are estimated and when classes are read."""

    label_windows: Annotated[int, Field(ge=1, le=100)] = 3
    """Windows per training image while labelling the neurons."""
    test_windows: Annotated[int, Field(ge=1, le=100)] = 10
    """Windows per image to be classified."""
    smoothing: Annotated[float, Field(gt=0, le=100)] = 0.5
    """Spikes of every class a neuron is credited with beforehand."""
    wait: Annotated[Seconds, Field(ge=0)] = 0.0
    """Time between labelling and test, during which the cells of a device age."""


def spike_counts(winners: npt.NDArray[np.integer], n_neurons: int) -> npt.NDArray[np.int64]:
    """Count the output spikes of each neuron in each image.

    Examples
    --------
    >>> spike_counts(np.array([[2, 0, 2], [1, 1, 1]]), 3)
    array([[1, 0, 2],
           [0, 3, 0]])
    """
    spikes = winners.reshape(len(winners), -1)
    code = np.arange(len(spikes))[:, None] * n_neurons + spikes
    return np.bincount(code.ravel(), minlength=len(spikes) * n_neurons).reshape(len(spikes), n_neurons)


def count_spikes(
    winners: npt.NDArray[np.integer], y: _Classes, n_neurons: int, n_classes: int
) -> npt.NDArray[np.int64]:
    """Count output spikes by neuron and class.

    Parameters
    ----------
    winners : ndarray of int, shape (n_images, ...)
        Neurons that fired while each image was shown.
    y : ndarray of int, shape (n_images,)
        Class of each image, 0 to n_classes - 1.
    n_neurons, n_classes : int

    Returns
    -------
    ndarray of int64, shape (n_neurons, n_classes)
    """
    return weigh_spikes(winners, y, n_neurons, n_classes, None).astype(np.int64)


def weigh_spikes(
    winners: npt.NDArray[np.integer],
    y: _Classes,
    n_neurons: int,
    n_classes: int,
    weights: npt.NDArray[np.float64] | None,
) -> npt.NDArray[np.float64]:
    """Count output spikes by neuron and class, each as much as its image's weight (None: 1); see ``count_spikes``."""
    spikes = winners.reshape(len(y), -1)
    code = (spikes.astype(np.int64) * n_classes + y[:, None]).ravel()
    each = None if weights is None else np.repeat(weights, spikes.shape[1])
    counts: npt.NDArray[np.float64] = np.bincount(code, each, n_neurons * n_classes).astype(np.float64)
    return counts.reshape(n_neurons, n_classes)


def log_posterior(counts: npt.NDArray[np.number], smoothing: float) -> npt.NDArray[np.float64]:
    """Return log P(class | neuron), shape (n_neurons, n_classes)."""
    credited = counts + smoothing
    posterior: npt.NDArray[np.float64] = np.log(credited / credited.sum(axis=1, keepdims=True))
    return posterior


def soft_votes(winners: npt.NDArray[np.integer], log_p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum log P(class | k) over each image's output spikes, shape (n_images, n_classes)."""
    votes = np.zeros((len(winners), log_p.shape[1]))
    for spikes in winners.reshape(len(winners), -1).T:
        votes += log_p[spikes]
    return votes


def hard_votes(winners: npt.NDArray[np.integer], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Count, for each image and class, the spikes of neurons whose most frequent class it is; shape (n_images, n_classes)."""
    label: npt.NDArray[np.float64] = np.eye(counts.shape[1])[counts.argmax(axis=1)] * (
        counts.sum(axis=1, keepdims=True) > 0
    )
    return soft_votes(winners, label)


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), of ``right`` in ``n``.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(9500, 10000)]
    [0.9456, 0.9541]
    """
    share, spread = right / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(share * (1 - share) / n + spread / (4 * n))
    return (
        0.0 if right == 0 else min(share, float(middle - half)),
        1.0 if right == n else max(share, float(middle + half)),
    )


@dataclass(frozen=True)
class Evaluation:
    """What the read-out made of a set of labelled images.

    Attributes
    ----------
    n_images : int
    accuracy, accuracy_hard : float
        Share right by soft and by hard votes.
    accuracy_low, accuracy_high : float
        95 % Wilson interval of ``accuracy``: the sampling error of the set, not the spread over seeds.
    confusion : ndarray of int64, shape (n_classes, n_classes)
        Images by [true class, class read by soft votes].

    Examples
    --------
    >>> read = evaluate(np.array([[0], [1], [1]]), np.array([0, 0, 1]), np.array([[9, 0], [0, 9]]), smoothing=0.5)
    >>> read.accuracy, read.class_accuracy
    (0.667, array([0.5, 1. ]))
    """

    n_images: int
    accuracy: float
    accuracy_hard: float
    accuracy_low: float
    accuracy_high: float
    confusion: npt.NDArray[np.int64]

    @property
    def class_accuracy(self) -> npt.NDArray[np.float64]:
        """Share right of each class, shape (n_classes,); nan for a class without images."""
        of_class = self.confusion.sum(axis=1)
        shares = np.full(len(of_class), np.nan)
        np.divide(np.diag(self.confusion), of_class, out=shares, where=of_class > 0)
        return shares


def evaluate(
    winners: npt.NDArray[np.integer],
    y: _Classes,
    counts: npt.NDArray[np.int64],
    smoothing: float,
    votes: npt.NDArray[np.float64] | None = None,
) -> Evaluation:
    """Compare what output spikes say with the true classes; soft votes are made of the spikes unless they are given."""
    n_classes = counts.shape[1]
    soft = soft_votes(winners, log_posterior(counts, smoothing)) if votes is None else votes
    read = soft.argmax(axis=1)
    right = int(np.count_nonzero(read == y))
    hard = int(np.count_nonzero(hard_votes(winners, counts).argmax(axis=1) == y))
    confusion = np.bincount(y * n_classes + read, minlength=n_classes**2).reshape(n_classes, n_classes)
    return Evaluation(len(y), right / len(y), hard / len(y), *wilson(right, len(y)), confusion)
