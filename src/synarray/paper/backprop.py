"""The conventional rival: a network of equal accuracy, really trained by back-propagation, and its cost.

One hidden layer, plain stochastic gradients (no second copy of the weights as Adam or momentum would need), stopped as soon as
held-out training images are read as well as is asked; of several sizes the one whose training is cheapest is kept, in favour
of the rival. The test images are read once, at the end.
"""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.cost.baselines import GradientTraining
from synarray.errors import RunError
from synarray.paper.reproduce import Row
from synarray.run.experiment import load_experiment, task_images

__all__ = ["rivals_of", "train_by_gradients"]

_HELD_OUT = 10_000
_CHUNK = 2_000
"""Images between two looks at the held-out ones."""
_MOST_EPOCHS = 3
_BETTER = 0.007
"""How much better held-out images of MNIST are read than its test images, by any network here (README: 0.3 to 0.7 points)."""


def train_by_gradients(
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    x_test: npt.NDArray[Any],
    y_test: npt.NDArray[Any],
    target: float,
    *,
    seed: int = 0,
    batch: int = 32,
    rate: float = 0.3,
    sizes: tuple[int, ...] = (16, 24, 32, 48),
) -> GradientTraining | None:
    """Train until the test images should be read with an accuracy of ``target``, judged by others; None when no size does.

    Parameters
    ----------
    x, x_test : ndarray, shape (n, ...)
        Images; scaled to their maximum.
    y, y_test : ndarray, shape (n,)
    target : float
        Accuracy, 0 to 1.
    seed : int
    batch : int
        Images per update of all weights.
    rate : float
        Step of the gradient.
    sizes : tuple of int
        Hidden neurons that are tried.

    Raises
    ------
    RunError
        When scikit-learn is missing.
    """
    MLPClassifier = _classifier()
    scale = float(x.max()) or 1.0
    images, tests = (np.asarray(part, np.float32).reshape(len(part), -1) / scale for part in (x, x_test))
    held_out = min(_HELD_OUT, len(images) // 6)
    images, held = images[:-held_out], images[-held_out:]
    labels, held_labels, classes = y[:-held_out], y[-held_out:], np.unique(y)
    best: GradientTraining | None = None
    for hidden in sizes:
        rival = MLPClassifier(
            (hidden,), solver="sgd", momentum=0.0, learning_rate_init=rate, batch_size=batch, random_state=seed
        )
        random = np.random.default_rng(seed)
        start, shown, batches, validation = time.perf_counter(), 0, 0, 0.0
        weights = (images.shape[1] + 1) * hidden + (hidden + 1) * len(classes)
        most = best.images * best.weights / weights if best else np.inf  # longer than this it cannot be cheaper
        while validation < target + _BETTER and shown < min(most, _MOST_EPOCHS * len(images)):
            if shown % len(images) < _CHUNK:
                order = random.permutation(len(images))
            part = order[shown % len(images) :][:_CHUNK]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rival.partial_fit(images[part], labels[part], classes=classes)
            shown, batches = shown + len(part), batches + -(-len(part) // batch)
            validation = float(rival.score(held, held_labels))
        if validation >= target + _BETTER:
            best = GradientTraining(
                hidden,
                weights,
                (hidden + 1) * len(classes),
                shown,
                batches,
                float(rival.score(tests, y_test)),
                validation,
                time.perf_counter() - start,
            )
    return best


def _classifier() -> Any:
    """Import the perceptron of scikit-learn."""
    try:
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        raise RunError(
            "the conventional rival needs scikit-learn",
            got="an environment without it",
            where="claims",
            do="pip install 'synarray[sklearn]'",
        ) from None
    return MLPClassifier


def rivals_of(row: Row, workers: int = 1) -> list[GradientTraining | None]:
    """Train a conventional network to the accuracy of each seed of a row, on the same images."""
    spec = load_experiment(row.spec.experiment, row.spec.changes)
    _, x, y, x_test, y_test = task_images(spec)

    def rival(run: dict[str, Any]) -> GradientTraining | None:
        return train_by_gradients(x, y, x_test, y_test, run["accuracy"], seed=run["seed"])

    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(rival, row.metrics))
