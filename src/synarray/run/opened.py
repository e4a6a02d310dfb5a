"""A finished run opened again: its network answers, and its counts are priced, without training."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.arguments import path_of
from synarray.errors import DataError, RunError, SpecError
from synarray.files import TOO_DEEP, is_there, parse_toml, read_text
from synarray.run.contents import StoredRun, check_arrays, read_arrays, read_json, read_metrics, train_again
from synarray.run.experiment import ExperimentSpec
from synarray.run.folder import FILES, FORMAT, PARTIAL, partial_of
from synarray.run.outcome import Finished, Result
from synarray.run.price import Price
from synarray.run.restore import restore

__all__ = ["A_RUN", "Run", "open_run", "price"]

A_RUN = "a run's folder, or what train or open_run returns"


@dataclass(frozen=True, repr=False, eq=False)
class Run(Finished, StoredRun):
    """A finished run, opened from its folder by :func:`open_run`.

    Attributes
    ----------
    path : Path
    experiment : ExperimentSpec
    metrics : dict
        Numbers: accuracy, counted events, times (metrics.json).
    provenance : dict
        Versions, machine, time, command.
    arrays : dict of str to ndarray
        Weights, masks, thresholds, labels, events, training curve (arrays.npz).

    Examples
    --------
    >>> import tempfile
    >>> import synarray
    >>> result = synarray.train("local-fields", settings={"images": 200, "epochs": 1, "n_neurons": 12})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = synarray.open_run(result.save(folder + "/run"))
    >>> images = synarray.load_dataset("mnist").x_test[:20]
    >>> bool((run.predict(images) == result.predict(images)).all())
    True
    """

    @cached_property
    def result(self) -> Result:
        """The trained network, built again (once); the data it was trained on are not needed."""
        return Result.of(restore(self))

    @property
    def accuracy(self) -> float | None:
        """Share of the test images that were read correctly by soft votes."""
        accuracy: float | None = self.metrics["accuracy"]
        return accuracy

    @property
    def weights(self) -> list[npt.NDArray[np.float32]]:
        """Weights of each group as [pre, post]; those of layers one after the other, from the bottom."""
        found = []
        for kept in (layer.arrays for layer in self.by_layer()):
            rows, neurons = np.diff(kept["row_start"]), kept["neuron_start"]
            found += [kept["w"][neurons[g] : neurons[g + 1], : rows[g]].T for g in range(len(rows))]
        return found

    def predict(self, x: npt.ArrayLike, workers: int = 1) -> npt.NDArray[Any]:
        """Read the class of each image, as the network did at the end of its training.

        Parameters
        ----------
        x : array_like, shape (n_images, n_features) or (n_images, height, width)
            On the scale of the training images.
        workers : int
            Threads; the answers do not depend on it.

        Returns
        -------
        ndarray, shape (n_images,)
            The same, bit for bit, as ``Result.predict`` when the run was saved.
        """
        return self.result.predict(x, workers)

    def stored(self) -> StoredRun:
        """Return it as its folder stores it: itself."""
        return self


def open_run(path: Path | str) -> Run:
    """Open a finished run's folder.

    Parameters
    ----------
    path : str or Path
        The folder that ``synarray train``, ``Result.save`` or a study made.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        When the folder is no run, is incomplete or damaged, or comes from another version of the layout.

    Examples
    --------
    >>> open_run("no/such/folder")
    Traceback (most recent call last):
    synarray.errors.RunError: a run folder must hold experiment.toml, metrics.json, arrays.npz, provenance.json: got no such \
folder (no/such/folder). Give a folder that "synarray train" or Result.save made.
    """
    path = path_of(path, "path", "a run's folder", RunError)
    missing = [name for name in FILES if not is_there(path / name)]
    unfinished = path if path.name.endswith(PARTIAL) else partial_of(path)
    if missing and is_there(unfinished / "experiment.toml"):
        do = f"Resume it: synarray resume {shlex.quote(str(path))}"
        raise RunError(
            "a run must be finished before it can be opened", got="an unfinished one", where=str(unfinished), do=do
        )
    if missing:
        got = "no such folder" if not is_there(path, folder=True) else "no " + ", no ".join(missing)
        do = 'Give a folder that "synarray train" or Result.save made.'
        raise RunError("a run folder must hold " + ", ".join(FILES), got=got, where=str(path), do=do)
    return _read(path)


def price(
    run: Finished | Path | str,
    device: str | Path | None = None,
    *,
    node: str | None = None,
    prices: Path | str | None = None,
    passive: bool = False,
) -> Price:
    """Price a training in joules, seconds and bytes: the events it counted, times prices that have a source.

    Nothing runs again.

    Parameters
    ----------
    run : Result, Run, Path or str
        A training in cells of a device, or its folder.
    device : str or Path, optional
        Another device (a name, or the path of its file), for whose cells the same counts are priced; None: the run's own.
    node : str, optional
        Technology node of the circuits around the cells, e.g. "22 nm"; None: that of the price list.
    prices : str or Path, optional
        A TOML file of prices of your own.
    passive : bool
        Cells without access transistors: a pulse puts half of its voltage across the other cells of its two lines.

    Returns
    -------
    Price
        ``total`` in J, ``rows``, ``seconds``, and ``notes``: what is not confirmed, or guessed.

    Raises
    ------
    RunError
        When the weights were ideal: nothing in the training met a conductance.

    Examples
    --------
    >>> import synarray
    >>> settings = {"images": 200, "epochs": 1, "n_neurons": 12, "device": "pcm"}
    >>> cost = price(synarray.train("local-fields", settings=settings))
    >>> 0 < cost.total < 1, cost.total == sum(row.energy for row in cost.rows)
    (True, True)
    """
    finished = run if isinstance(run, Finished) else open_run(path_of(run, "run", A_RUN, RunError))
    return finished.energy(device, node=node, prices=prices, passive=passive)


def _read(path: Path) -> Run:
    with _whole(path / "provenance.json") as file:
        provenance = read_json(file)
    found = provenance.get("format") if isinstance(provenance, dict) else None
    if found != FORMAT:
        raise RunError(
            f"a run folder must have layout {FORMAT}",
            got="no layout" if found is None else f"layout {found!r}",
            where=str(path / "provenance.json"),
            do=train_again(path),
        )
    with _whole(path / "experiment.toml") as file:
        experiment = ExperimentSpec.read(parse_toml(read_text(file)), str(file))
    n_layers = len(experiment.layers)
    with _whole(path / "metrics.json") as file:
        metrics = read_metrics(file)
        if len(metrics["layers"]) != n_layers:
            raise ValueError(f"{len(metrics['layers'])} layers, its experiment {n_layers}")
        if (before := metrics["started_from"]) and len(before["layers"]) != n_layers:
            raise ValueError(f"{len(before['layers'])} layers that it started from, its experiment {n_layers}")
    with _whole(path / "arrays.npz") as file:
        arrays = read_arrays(file, max(0, n_layers - 1))
        check_arrays(arrays, n_layers)
    return Run(path, experiment, metrics, provenance, arrays)


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Say which file of a run is damaged, and how."""
    try:
        yield file
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, RunError | SpecError):
            raise
        again = file.name != "experiment.toml"
        do = train_again(file.parent) if again else "Put the file back as it was, or train its experiment again."
        raise RunError("a run folder must be whole", got=_damage(error), where=str(file), do=do) from None


def _damage(error: Exception) -> str:
    if isinstance(error, DataError):
        return f"{error.got}, but {error.rule}"
    if isinstance(error, UnicodeDecodeError):
        return "bytes that are no UTF-8"
    if isinstance(error, RecursionError):
        return TOO_DEEP
    reason = getattr(error, "strerror", None) or str(error)
    return " ".join(reason.split())[:160]
