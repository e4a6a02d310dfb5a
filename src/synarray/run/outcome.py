"""What a training of an experiment leaves: its network, and what can be asked of it (cost, lifetime, a figure, a folder)."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt

from synarray.arguments import path_of, require
from synarray.cost.prices import load_periphery
from synarray.errors import RunError
from synarray.learn.result import Result as Trained
from synarray.run.card import card, line
from synarray.run.contents import StoredRun
from synarray.run.drawing import draw
from synarray.run.experiment import ExperimentSpec
from synarray.run.folder import provenance, reserve, result_arrays, result_metrics, write_run
from synarray.run.lifetime import Lifetime, lifetime_of
from synarray.run.price import Price, price_of

__all__ = ["Finished", "Result"]


class Finished(ABC):
    """A finished training, in memory or on disk, and what can be asked of it."""

    @abstractmethod
    def stored(self) -> StoredRun:
        """Return it as a run's folder stores it."""

    def energy(
        self,
        device: str | Path | None = None,
        *,
        node: str | None = None,
        prices: Path | str | None = None,
        passive: bool = False,
    ) -> Price:
        """Price the training: joules, seconds and bytes; see :func:`synarray.price`."""
        return price_of(self.stored(), device, node=node, prices=prices, passive=passive)

    def lifetime(self, share: float = 0.01, *, node: str | None = None) -> Lifetime:
        """Work out through how many trainings like this one the array lives; of several layers, the one that ends first.

        Parameters
        ----------
        share : float
            Share of the cells whose failure ends the array's life, between 0 and 1.
        node : str, optional
            Technology node of the circuits, e.g. "22 nm"; None: that of the price list.

        Raises
        ------
        RunError
            When the weights were ideal.
        """
        return lifetime_of(self.stored(), share, load_periphery(node))

    def plot(self, figure: str | None = None, images: npt.ArrayLike | None = None) -> Any:
        """Draw receptive fields, training curve and confusion in one matplotlib figure, or one figure by its name.

        Parameters
        ----------
        figure : str, optional
            ``receptive-fields``, ``training-curve``, ``confusion``, ``spikes``, ``potentials``, ``learning`` (a film; it is saved
            as an animated GIF), ``pruning``; in a device also ``array``, ``wires``, ``energy``, ``pulses``, ``life``.
            ``learning`` and ``pruning`` train again, to the same bits.
        images : array_like, shape (n, height, width), optional
            That ``spikes`` and ``potentials`` are drawn of; None: the first test images.

        Raises
        ------
        RunError
            When there is no such figure, or this training has none.
        MissingExtraError
            Without matplotlib.
        """
        require(figure is None or isinstance(figure, str), "figure", "the name of a figure", figure, error=RunError)
        if figure is None:
            return draw(self.stored())
        figures: Any = importlib.import_module("synarray.report.run_figures.named")  # of a floor above
        return figures.draw(self.stored(), figure, images)

    def __repr__(self) -> str:
        """Say in one line what was trained, and what came out."""
        return f"{type(self).__name__}({line(self.stored())})"

    def _repr_html_(self) -> str:
        """Show a small card in a notebook."""
        return card(self.stored())


@dataclass(repr=False, eq=False)
class Result(Finished, Trained):
    """A trained network with its experiment: what :func:`synarray.train` returns.

    Attributes
    ----------
    spec : ExperimentSpec
    machine : Machine
        Groups, cells, thresholds, counted events.
    retina : Retina
        Which features are inputs, and their scaling.
    classes : ndarray, shape (n_classes,)
        The labels, rising.
    image_shape : tuple of int or None
    label_counts : ndarray of int64, shape (n_neurons, n_classes)
        Output spikes by neuron and class, from training images.
    history : list of HistoryPoint
    seconds : dict of str to float
        Wall-clock seconds of each part.
    images_seen : int
        Presentations while learning.
    notes : list of str
        What a reader must know.
    evaluation : Evaluation or None
        What the test set said, when there was one.

    Examples
    --------
    >>> import synarray
    >>> result = synarray.train("local-fields", settings={"images": 200, "epochs": 1, "n_neurons": 12})
    >>> result.images_seen, result.weights[0].shape[1], result.predict(synarray.load_dataset("mnist").x_test[:3]).shape
    (200, 2, (3,))
    """

    spec: ExperimentSpec

    @classmethod
    def of(cls, trained: Trained) -> Self:
        """Add what can be asked to a network that was trained as an experiment says."""
        return cls(**{field.name: getattr(trained, field.name) for field in fields(trained)})

    def save(self, path: str | Path | None = None) -> Path:
        """Write a run folder, which :func:`synarray.open_run` and the commands read.

        Parameters
        ----------
        path : str or Path, optional
            The folder; None: ``runs/NAME-sSEED-IDENTITY``. A run that is already there is not overwritten: the next free name is
            taken (path-2, path-3, ...).

        Returns
        -------
        Path
            Where the run is.

        Raises
        ------
        RunError
            When it cannot be written.
        """
        place = None if path is None else path_of(path, "path", "a folder", RunError)
        return write_run(self, self.spec, reserve(place, self.spec))

    def stored(self) -> StoredRun:
        """Return it as a run's folder would store it."""
        spec = self.spec
        return StoredRun(Path("not saved"), spec, result_metrics(self, spec), provenance(spec), result_arrays(self))
