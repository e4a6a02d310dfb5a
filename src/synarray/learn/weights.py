"""Sample weights: how often a sample is shown, and how much its spikes count for the class labels.

    shown     w_i times in an epoch on average: floor(w_i) or one more, n presentations in all (systematic resampling)
    labels    each of a sample's output spikes counts w_i

Weights are scaled to a mean of 1, so that they change neither the length of a training nor its schedules, and weights that are
all alike are none. Samples of weight 0 are left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.rng import Stream, uniform

__all__ = ["scaled_weights", "shown"]

Weights = npt.NDArray[np.float64]


def scaled_weights(weights: Weights) -> Weights | None:
    """Scale weights to a mean of 1; None when they are all alike.

    Examples
    --------
    >>> scaled_weights(np.array([1.0, 3.0])), scaled_weights(np.array([2.0, 2.0]))
    (array([0.5, 1.5]), None)
    """
    if (weights == weights[0]).all():
        return None
    relative: Weights = weights / weights.max()
    relative /= relative.mean()
    return relative


def shown(weights: Weights | None, n: int, seed: int, presentation: int) -> npt.NDArray[np.int64]:
    """Draw which of n samples an epoch shows: n of them, rising, a sample of weight 2 twice.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,), or None
        Of mean 1; None: each once.
    n : int
    seed, presentation : int
        Where the random number is drawn that decides between floor and ceiling.

    Examples
    --------
    >>> shown(np.array([0.0, 2.0, 1.0, 1.0]), 4, seed=0, presentation=0).tolist()
    [1, 1, 2, 3]
    """
    if weights is None:
        return np.arange(n)
    start = uniform(1, seed=seed, stream=Stream.SUBSET, step=1, presentation=presentation)
    drawn: npt.NDArray[np.int64] = np.searchsorted(np.cumsum(weights), np.arange(n) + start, side="right")
    drawn[drawn >= n] = np.flatnonzero(weights)[-1]  # a sum may round
    return drawn
