"""Variants of an experiment, trained on the same spikes and read on the same images, which were held out of the training set.

The test set is not touched. The images held out are the same for every variant and every draw; all random numbers are those of
the draw's seed, whatever the variant changes, so differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.learn.training import train
from synarray.rng import Stream, permutation
from synarray.run.experiment import ExperimentSpec, task_images

__all__ = ["HeldOut"]

_MOST, _SHARE = 10_000, 6
"""Most images held out, and the part of the training images they may be: one in so many."""

Key = TypeVar("Key", bound=Hashable)


class _Task(NamedTuple):
    x: npt.NDArray[np.generic]
    y: npt.NDArray[np.generic]
    x_held: npt.NDArray[np.generic]
    y_held: npt.NDArray[np.generic]
    image_shape: tuple[int, ...] | None
    full_scale: float


class HeldOut:
    """Trains variants of some draws, several at a time; results do not depend on how many.

    Parameters
    ----------
    specs : sequence of ExperimentSpec
        One for each draw, each with its seed.
    most : int, optional
        Most images trained on; none: all that are not held out.
    workers : int
        Trainings at a time, each on one core.
    on_run : callable, optional
        Called after each training.

    Raises
    ------
    DataError
        When there are too few training images to hold any out.
    """

    def __init__(
        self,
        specs: Sequence[ExperimentSpec],
        *,
        most: int | None = None,
        workers: int = 1,
        on_run: Callable[[], None] | None = None,
    ) -> None:
        self.specs, self.workers, self.on_run = tuple(specs), max(1, workers), on_run
        alike = specs[0].images is None  # else each seed has training images of its own
        first = _split(specs[0], most)
        self._tasks = [first if alike or i == 0 else _split(spec, most) for i, spec in enumerate(specs)]
        self.n_trained, self.n_held = len(first.x), len(first.x_held)

    def accuracies(self, variants: Mapping[Key, Sequence[ExperimentSpec]]) -> dict[Key, npt.NDArray[np.float64]]:
        """Train each variant of each draw (the first so many, where a variant has fewer) and read the images held out.

        Returns
        -------
        dict of ndarray, shape (n_draws,)
            Share of the images read rightly by soft votes.
        """
        jobs = [(spec, self._tasks[i]) for specs in variants.values() for i, spec in enumerate(specs)]
        with ThreadPoolExecutor(self.workers) as pool:
            read = iter(list(pool.map(self._train, jobs)))
        return {key: np.array([next(read) for _ in specs]) for key, specs in variants.items()}

    def _train(self, job: tuple[ExperimentSpec, _Task]) -> float:
        spec, task = job
        result = train(
            spec, task.x, task.y, task.x_held, task.y_held, image_shape=task.image_shape, full_scale=task.full_scale
        )
        if self.on_run:
            self.on_run()
        assert result.accuracy is not None  # there were images to read
        return result.accuracy


def _split(spec: ExperimentSpec, most: int | None) -> _Task:
    """Hold out images drawn once for all seeds, as far as their classes stay among those that are trained on."""
    data, x, y, _, _ = task_images(spec)
    n = min(_MOST, len(x) // _SHARE)
    if n < 1:
        raise DataError(
            f"judging needs at least {_SHARE} training images, to hold some out", got=str(len(x)), where=spec.data,
            do="Give more images.",
        )  # fmt: skip
    order = permutation(len(x), seed=0, stream=Stream.SUBSET)
    held, kept = np.sort(order[:n]), np.sort(order[n:][:most])
    held = held[np.isin(y[held], y[kept])]
    return _Task(x[kept], y[kept], x[held], y[held], data.image_shape, data.full_scale)
