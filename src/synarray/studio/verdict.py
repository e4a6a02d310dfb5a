"""What costs how much: each imperfection switched off in turn, on the same spikes, while the page is read.

The same steps as ``synarray device judge`` takes, for the experiment on the page: images held out of the training set are read,
the test set is not touched. One draw after another; after the second there are intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from synarray.judge.attribution import Removed, acting, attribute, removed, variants
from synarray.judge.trainings import Task, held_out
from synarray.learn.training import train
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.task.datasets import Dataset

__all__ = ["verdicts"]

_IMAGES, _DRAWS = 20_000, 3


def verdicts(spec: ExperimentSpec, data: Dataset, look: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """Train every variant, draw by draw; yield the answer so far after each. ``look`` is called all the time and may raise."""
    if spec.device is None or spec.layers:
        return
    names = acting([spec])
    _, x, y, x_test, y_test = task_images(spec, data)
    task = held_out(Task(x, y, x_test, y_test, data.image_shape, data.full_scale), _IMAGES, spec.data)
    read: dict[tuple[Removed, int], float] = {}
    every = variants(names)
    for draw in range(_DRAWS):
        drawn = spec.model_copy(update={"seed": (spec.seed + draw) % 2**32})
        for gone in every:
            look()
            result = train(
                removed(drawn, gone), task.x, task.y, task.x_read, task.y_read, image_shape=task.image_shape,
                full_scale=task.full_scale, observe=look,
            )  # fmt: skip
            read[gone, draw] = result.accuracy or 0.0
            found = attribute(read, names, (len(task.x), len(task.x_read)))
            if found is not None:
                yield {
                    "full": list(found.full), "ideal": list(found.ideal), "done": len(read), "of": _DRAWS * len(every),
                    "costs": [cost.summary() for cost in found.costs if cost.acts],
                    "together": None if found.together is None else found.together.value,
                    "images": [found.trained, found.held],
                }  # fmt: skip
