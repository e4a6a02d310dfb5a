"""Figures of one training by their names: what ``Result.plot(name)`` and ``synarray show RUN --figure name`` draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.array.maps import array_maps, check_drawable
from synarray.array.wires import WireSpec
from synarray.cost.prices import load_periphery
from synarray.errors import RunError, nearest
from synarray.learn.readout import log_posterior, soft_votes
from synarray.learn.recording import Recording, record
from synarray.learn.result import Result
from synarray.report import figures
from synarray.report.array_section import pulse_edges
from synarray.report.charts import energies, pulses_per_cell
from synarray.report.cost_section import by_component
from synarray.report.run_figures import film, spikes
from synarray.report.run_figures.life import life
from synarray.report.run_figures.wires_map import wires_map
from synarray.run.contents import StoredRun
from synarray.run.experiment import task_images
from synarray.run.fields import pictured
from synarray.run.lifetime import lifetime_of
from synarray.run.price import price_of
from synarray.run.replay import replay
from synarray.run.restore import restore
from synarray.task.datasets import IN_PYTHON

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RUN_FIGURES", "draw"]

_SHOWN, _FOLLOWED = 8, 3
"""Images of a raster, and images over which potentials are followed."""


@dataclass(frozen=True)
class _Asked:
    """A training, the images that it is to read (None: the first ones of its own test), and how many neurons are drawn."""

    run: StoredRun
    images: npt.NDArray[Any] | None
    neurons: int

    @cached_property
    def result(self) -> Result:
        """The network, built again, so that the caller's stays as it is."""
        return restore(self.run)

    def read(self, n: int) -> tuple[npt.NDArray[Any], Recording]:
        """Let the network read at most n images; return them as pictures, and what it did."""
        x = self._own() if self.images is None else self.images
        x = np.asarray(x)[:n]
        seen = record(self.result, x)
        flat = x.reshape(len(x), -1)
        if self.run.image_shape is None:  # a near-square, as receptive fields are laid out
            width = int(np.ceil(np.sqrt(flat.shape[1])))
            return np.pad(flat, ((0, 0), (0, -flat.shape[1] % width))).reshape(len(x), -1, width), seen
        return flat.reshape(len(x), *self.run.image_shape[:2], -1).mean(axis=3), seen

    def _own(self) -> npt.NDArray[Any]:
        if self.run.experiment.data.startswith(IN_PYTHON):
            do = "Give them: plot(..., images=x_test)."
            raise RunError("spikes are of images", got="a run of arrays from Python", where=str(self.run.path), do=do)
        return task_images(self.run.experiment)[3]


def _confusion(asked: _Asked) -> Figure:
    if "confusion" not in asked.run.arrays:
        do = "Use a run that was tested."
        raise RunError("a confusion is of test images", got="a run without", where=str(asked.run.path), do=do)
    return figures.confusion(asked.run.arrays["confusion"], asked.run.arrays["classes"])


def _spikes(asked: _Asked) -> Figure:
    pictures, seen = asked.read(_SHOWN)
    log_p = log_posterior(asked.result.label_counts, asked.run.experiment.readout.smoothing)
    read = asked.result.classes[soft_votes(seen.winners, log_p).argmax(axis=1)]
    return spikes.spikes(asked.result, pictures, seen, read)


def _array(asked: _Asked) -> Figure:
    name, layer = asked.run.in_cells()[-1]
    cells, placement = layer.cells()
    check_drawable(placement)
    figure = figures.array_maps(array_maps(cells, placement), 0, f"{asked.run.experiment.name} {name}".strip())
    figure.set_size_inches(6.0, 4.8)  # one figure of many, not a page
    return figure


def _wires(asked: _Asked) -> Figure:
    _, layer = asked.run.in_cells()[-1]
    (cells, placement), wires = layer.cells(), layer.experiment.array.wires
    check_drawable(placement)
    if wires == WireSpec():
        do = "Train with wires, for example: --set array.wires.r_wire=2ohm"
        raise RunError("a map of wires needs wires", got="ideal ones", where=str(asked.run.path), do=do)
    return wires_map(array_maps(cells, placement).conductance[0], wires)


def _energy(asked: _Asked) -> Figure:
    cost = price_of(asked.run)
    machines = [cost.ledger, *(each for each in cost.elsewhere() if len(each.entries) > 1)]
    return energies({each.title: by_component(each) for each in machines})


def _pulses(asked: _Asked) -> Figure:
    found = lifetime_of(asked.run, 0.01, load_periphery())
    return pulses_per_cell(found.pulses, pulse_edges(float(found.pulses.max())))


RUN_FIGURES: dict[str, Callable[[_Asked], Figure | film.Film]] = {
    "receptive-fields": lambda asked: figures.receptive_fields(*pictured(asked.run), asked.neurons),
    "training-curve": lambda asked: figures.training_curve(asked.run.history, asked.run.metrics["accuracy"]),
    "confusion": _confusion,
    "spikes": _spikes,
    "potentials": lambda asked: spikes.potentials(asked.result, *asked.read(_FOLLOWED)),
    "learning": lambda asked: film.learning(*pictured(asked.run), replay(asked.run)),
    "pruning": lambda asked: film.pruning(*pictured(asked.run), replay(asked.run)),
    "array": _array,
    "wires": _wires,
    "energy": _energy,
    "pulses": _pulses,
    "life": lambda asked: life(lifetime_of(asked.run, 0.01, load_periphery())),
}
"""What can be drawn of a training."""


def draw(run: StoredRun, name: str, images: npt.NDArray[Any] | None = None, neurons: int = 48) -> Figure | film.Film:
    """Draw one figure of a training by its name.

    Parameters
    ----------
    run : StoredRun
    name : str
        One of ``RUN_FIGURES``.
    images : ndarray, shape (n, height, width), optional
        That spikes and potentials are drawn of; None: the first test images.
    neurons : int
        Most receptive fields.

    Raises
    ------
    RunError
        When there is no such figure, or this training has none.
    """
    if name not in RUN_FIGURES:
        do = nearest(name, RUN_FIGURES)
        raise RunError("a figure must be one that is drawn of a run", got=repr(name), where="figure", do=do)
    return RUN_FIGURES[name](_Asked(run, images, neurons))
