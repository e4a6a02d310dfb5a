"""Continual learning: tasks one after another in the same cells, and what is left of the earlier ones.

    split-mnist           five tasks of two digits each
    mnist-then-fashion    ten digits, then ten kinds of clothes (classes 10 to 19)

Each task continues from the run of the task before (``train(start=...)``): cells, thresholds and neurons stay; labels of neurons
are estimated again for the new task's classes from its training images only, and kept for the others. After each task the test
images of all tasks so far are read, without a hint of which task they are of. The methods differ in what consolidates: nothing;
soft pruning (Shi et al. 2018); maturity, which freezes a cell found at the floor; both. *together* trains on all tasks at once:
what the network could do without the order. No setting was chosen for this: they are those of full-field and soft-pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import SpecError, nearest
from synarray.run.experiment import load_experiment
from synarray.run.outcome import Result
from synarray.run.train import train
from synarray.task.datasets import load_dataset

__all__ = ["METHODS", "SEQUENCES", "Images", "learn_in_order", "learn_together", "sequence_of"]

METHODS: dict[str, dict[str, Any]] = {
    "no consolidation": {},
    "40 % soft-pruned": {"pruning.mode": "soft", "pruning.fraction": 0.4},
    "75 % soft-pruned": {"pruning.mode": "soft", "pruning.fraction": 0.75},
    "maturity 100": {"pruning.mode": "soft", "pruning.maturity": 100},
    "maturity 30": {"pruning.mode": "soft", "pruning.maturity": 30},
    "40 %, maturity 30": {"pruning.mode": "soft", "pruning.fraction": 0.4, "pruning.maturity": 30},
}
"""Settings of each method, on top of the experiment ``full-field``."""
SEQUENCES = ("split-mnist", "mnist-then-fashion")


class Images(NamedTuple):
    """Images of one task, and their classes."""

    x: npt.NDArray[np.uint8]
    y: npt.NDArray[np.int64]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.int64]


def sequence_of(name: str, images: int | None = None) -> list[Images]:
    """Return the tasks of a sequence; ``images``: at most so many training images of each.

    Raises
    ------
    SpecError, DataError
        When there is no such sequence, or Fashion-MNIST is not installed.
    """
    if name not in SEQUENCES:
        do = nearest(name, SEQUENCES)
        raise SpecError(f"a sequence must be {' or '.join(SEQUENCES)}", got=repr(name), where="sequence", do=do)
    mnist = load_dataset("mnist")
    whole = Images(mnist.x_train, mnist.y_train, mnist.x_test, mnist.y_test)
    if name == "split-mnist":
        tasks = [_part(whole, (first, first + 1)) for first in range(0, 10, 2)]
    else:
        fashion = load_dataset("fashion-mnist")
        tasks = [whole, Images(fashion.x_train, fashion.y_train + 10, fashion.x_test, fashion.y_test + 10)]
    return [Images(task.x[:images], task.y[:images], task.x_test, task.y_test) for task in tasks]


def _part(whole: Images, classes: tuple[int, ...]) -> Images:
    here, there = np.isin(whole.y, classes), np.isin(whole.y_test, classes)
    return Images(whole.x[here], whole.y[here], whole.x_test[there], whole.y_test[there])


def learn_in_order(
    tasks: list[Images], settings: Mapping[str, Any], seed: int, on_task: Callable[[int], None] = lambda task: None
) -> dict[str, Any]:
    """Learn tasks one after another.

    Parameters
    ----------
    tasks : list of Images
    settings : mapping of str to object
        Keys of ``full-field``; those of :data:`METHODS` and others.
    seed : int
    on_task : callable, optional
        Called before each task with its number.

    Returns
    -------
    dict
        ``accuracy``: [task learned last][task], share of its test images read correctly among the classes of all tasks so far.
        ``seen``: the same over all these test images. ``pulses`` and ``pruned`` after each task.
    """
    spec = load_experiment("full-field", {"epochs": 1, **settings, "seed": seed})
    result: Result | None = None
    found: dict[str, Any] = {"accuracy": [], "seen": [], "pulses": [], "pruned": []}
    for number, task in enumerate(tasks):
        on_task(number)
        result = train(spec, task.x, task.y, start=result, progress=False)
        right = [result.predict(each.x_test) == each.y_test for each in tasks[: number + 1]]
        found["accuracy"].append([float(part.mean()) for part in right])
        found["seen"].append(float(np.concatenate(right).mean()))
        found["pulses"].append(int(result.pulses))
        array = result.machine.array
        found["pruned"].append(1.0 - array.n_alive / array.n_cells)
    return found


def learn_together(tasks: list[Images], settings: Mapping[str, Any], seed: int) -> float:
    """Learn all tasks at once; return the share of all test images read correctly."""
    spec = load_experiment("full-field", {"epochs": 1, **settings, "seed": seed})
    result = train(
        spec, np.concatenate([task.x for task in tasks]), np.concatenate([task.y for task in tasks]), progress=False
    )
    right = [result.predict(task.x_test) == task.y_test for task in tasks]
    return float(np.concatenate(right).mean())
