"""Trainings behind a verdict: many variants of a few draws, several at a time, whose results do not depend on how many.

    headline    trained on all images of the experiment, tested once on the test set
    variant     trained on fewer images, read on others that were held out of the training set; the test set is not touched

The images held out are the same for every variant and every draw; all random numbers are those of the draw's seed, whatever a
variant changes, so differences between variants are paired.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.cost.prices import Periphery
from synarray.cost.wear import trainings_left
from synarray.errors import DataError, SynarrayError
from synarray.judge.pricing import Prices, price_bill
from synarray.judge.pulse import Unknown
from synarray.learn.result import Result
from synarray.learn.training import train
from synarray.rng import Stream, permutation
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.run.layered_energy import bill_of_result
from synarray.task.datasets import load_dataset

__all__ = ["Job", "Task", "Tasks", "Trainings", "Trial", "held_out"]

_MOST, _SHARE = 10_000, 6
"""Most images held out, and the part of the training images they may be: one in so many."""


class Task(NamedTuple):
    """Images to train on and images to read."""

    x: npt.NDArray[np.generic]
    y: npt.NDArray[np.generic]
    x_read: npt.NDArray[np.generic]
    y_read: npt.NDArray[np.generic]
    image_shape: tuple[int, ...] | None
    full_scale: float


class Tasks:
    """The tasks of some draws.

    Parameters
    ----------
    specs : sequence of ExperimentSpec
        One for each draw, each with its seed.
    most : int
        Most images that a variant is trained on.

    Raises
    ------
    DataError
        When the data cannot be used, or there are too few training images to hold any out.
    """

    def __init__(self, specs: Sequence[ExperimentSpec], most: int) -> None:
        alike = specs[0].images is None  # else each seed has training images of its own
        data = load_dataset(specs[0].data)
        self.headline: list[Task] = []
        self.variant: list[Task] = []
        for i, spec in enumerate(specs):
            if i and alike:
                self.headline.append(self.headline[0])
                self.variant.append(self.variant[0])
                continue
            _, x, y, x_test, y_test = task_images(spec, data)
            whole = Task(x, y, x_test, y_test, data.image_shape, data.full_scale)
            self.headline.append(whole)
            self.variant.append(held_out(whole, most, spec.data))


def held_out(whole: Task, most: int, where: str) -> Task:
    """Hold out images drawn once for all seeds, as far as their classes stay among those that are trained on."""
    n = min(_MOST, len(whole.x) // _SHARE)
    if n < 1:
        raise DataError(
            f"judging needs at least {_SHARE} training images, to hold some out", got=str(len(whole.x)), where=where,
            do="Give more images.",
        )  # fmt: skip
    order = permutation(len(whole.x), seed=0, stream=Stream.SUBSET)
    held, kept = np.sort(order[:n]), np.sort(order[n:][:most])
    held = held[np.isin(whole.y[held], whole.y[kept])]
    return whole._replace(x=whole.x[kept], y=whole.y[kept], x_read=whole.x[held], y_read=whole.y[held])


@dataclass(frozen=True)
class Job:
    """One training: what its result is filed under, and what is trained on what."""

    key: tuple[Hashable, ...]
    """Of what stage, which variant, which draw."""
    spec: ExperimentSpec
    task: Task
    of_library: bool = False
    """Whether it is of a library device: its pulses are known, and where it does not fit the experiment (an array too small
    for its cells), it is left out."""


@dataclass(frozen=True)
class Trial:
    """One training and its test."""

    metrics: dict[str, Any]
    """What :meth:`Result.metrics` says."""
    prices: Prices
    """Joules and seconds, per unit of what is unknown about the pulses."""
    trainings_left: float | None
    """Trainings like this one until a hundredth of the cells has failed; infinite: never; None: endurance not known."""

    @property
    def accuracy(self) -> float:
        """Share of the images read correctly by soft votes."""
        return float(self.metrics["accuracy"])


class Trainings:
    """Runs jobs, each on one core; leaving the block (an error, Ctrl-C) stops those that run at their next thousand images.

    Parameters
    ----------
    workers : int
        Trainings at a time.
    periphery : Periphery
        Prices of the circuits around the cells.
    unknown : frozenset
        What is unknown about the pulses of the device that is judged.
    """

    def __init__(self, workers: int, periphery: Periphery, unknown: frozenset[Unknown]) -> None:
        self._periphery, self._unknown = periphery, unknown
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="judge")

    def __enter__(self) -> Trainings:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Trial | None]]:
        """Train; yield each job with its result as it is done. None: a library device that does not fit."""
        # not `concurrent.futures.wait`: interrupted, it can keep locks without which no worker ends
        done: SimpleQueue[tuple[Job, Future[Trial | None]]] = SimpleQueue()

        def start(job: Job) -> None:
            self._pool.submit(self._train, job).add_done_callback(lambda future: done.put((job, future)))

        jobs = list(jobs)
        for job in jobs:
            start(job)
        for _ in jobs:
            job, future = done.get()
            yield job, future.result()

    def _train(self, job: Job) -> Trial | None:
        spec, task = job.spec, job.task
        try:
            result = train(
                spec, task.x, task.y, task.x_read, task.y_read, image_shape=task.image_shape,
                full_scale=task.full_scale, on_progress=self._unless_stopped,
            )  # fmt: skip
        except SynarrayError:
            if job.of_library:
                return None
            raise
        bill = bill_of_result(result)
        assert bill is not None  # a verdict is on a device
        prices = price_bill(bill, self._periphery, frozenset() if job.of_library else self._unknown)
        return Trial(result.metrics(), prices, _trainings_left(result))

    def _unless_stopped(self, _: object) -> None:
        if self._stopped.is_set():
            raise _StoppedError


class _StoppedError(Exception):
    """Ends a training whose result is no longer needed."""


def _trainings_left(result: Result) -> float | None:
    """Trainings that the array lives through; of several layers, the one that ends first. None: not known."""
    left = []
    for machine in result.machines:
        array, device = machine.array, machine.spec.device
        assert device is not None  # a verdict is on a device
        left.append(trainings_left(array.scheme.pulses_per_cell(array.writes)[:, array.exists], device))
    return None if np.isnan(left).any() else min(left)
