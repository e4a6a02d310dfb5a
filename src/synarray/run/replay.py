"""A finished run trained again, to the same bits, and looked at on its way: how weights and masks developed."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.simulated import SynapticArray
from synarray.errors import RunError
from synarray.learn.trainer import Trainer
from synarray.learn.training import train
from synarray.run.contents import StoredRun
from synarray.run.experiment import task_images
from synarray.task.datasets import IN_PYTHON

__all__ = ["Look", "replay"]


class Look(NamedTuple):
    """A network at one moment of its training."""

    presentations: int
    """Images learned from until then."""
    w: npt.NDArray[np.float32]
    """Weights; shape (n_neurons, most_cells)."""
    alive: npt.NDArray[np.bool_]
    """Synapses that still learn; shape (n_neurons, most_cells)."""


def replay(run: StoredRun, looks: int = 24) -> list[Look]:
    """Train a run again, and look at its cells (those of the lowest layer) about so many times, the end included.

    Raises
    ------
    RunError
        When it cannot be trained again: it was of arrays from Python, or continued from another run; or when what comes out is
        not what the run holds (other data, or another version).
    """
    spec, found = run.experiment, list[Look]()
    if spec.data.startswith(IN_PYTHON) or spec.start:
        got = "a run that continued from another" if spec.start else "a run of arrays from Python"
        do = "Watch a run of a data set by name or by file, from initial weights."
        raise RunError("a run must be trained again to be watched", got=got, where=str(run.path), do=do)
    data, x, y, *_ = task_images(spec)
    lowest = run.by_layer()[0]
    total = max(1, int(lowest.metrics["images_seen"]))

    def look(presentations: int, array: SynapticArray) -> None:
        found.append(Look(presentations, array.w.copy(), array.alive.astype(bool)))

    def look_when_due(trainer: Trainer) -> None:
        if trainer.machine.spec.seed != spec.seed:  # of a layer above
            return
        reached = trainer.presentations * looks // total
        if not found or reached > found[-1].presentations * looks // total:
            look(trainer.presentations, trainer.machine.array)

    trained = train(
        spec,
        x,
        y,
        image_shape=data.image_shape,
        full_scale=data.full_scale,
        workers=os.cpu_count() or 1,
        observe=look_when_due,
    )
    if trained.state_sha256 != run.metrics["state_sha256"]:
        raise RunError(
            "a run that is watched must be trained again to the same bits", got="another network", where=str(run.path),
            do="Train it again with this version and these data, and watch that run.",
        )  # fmt: skip
    array = trained.machines[0].array
    if not found:  # a layer that does not learn
        look(0, array)
    if (array.alive != found[-1].alive).any():  # pruned after the training
        look(found[-1].presentations, array)
    return found
