"""What a network learned, as figures of a page: training curve, receptive fields, confusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.learn.trainer import HistoryPoint
from synarray.report import figures
from synarray.report.sections import Picture
from synarray.report.tables import Table
from synarray.report.words import percent

__all__ = ["learning_pictures"]


def learning_pictures(
    arrays: dict[str, npt.NDArray[Any]],
    image_shape: tuple[int, ...] | None,
    history: Sequence[HistoryPoint],
    accuracy: float | None,
    command: str,
    key: str = "",
) -> Iterator[Picture]:
    """Draw what a network learned.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As a run's folder keeps them.
    image_shape : tuple of int or None
    history : sequence of HistoryPoint
    accuracy : float or None
        On the test set.
    command : str
        That draws the figures again.
    key : str
        What the figures' names begin with.
    """
    classified = any(point.accuracy is not None for point in history)
    yield Picture(
        f"{key}training-curve",
        "Training curve",
        "Progressive accuracy: images are classified before the labels learn from them."
        if classified
        else "The training was too short for an accuracy on its way.",
        figures.training_curve(history, accuracy),
        _curve(history),
        command,
    )
    yield Picture(
        f"{key}receptive-fields",
        "Receptive fields",
        "Weights of the busiest neurons, laid over the image; grey: no cell.",
        figures.receptive_fields(arrays, image_shape, 48),
        _busiest(arrays),
        command,
    )
    if "confusion" in arrays:
        yield Picture(
            f"{key}confusion",
            "Confusion on the test set",
            "True class by class read; colour: errors.",
            figures.confusion(arrays["confusion"], arrays["classes"]),
            _confusion(arrays["confusion"], [str(name) for name in arrays["classes"]]),
            command,
        )


def _curve(history: Sequence[HistoryPoint]) -> Table:
    points = [history[i] for i in np.unique(np.linspace(0, len(history) - 1, 25).astype(int))] if history else []
    return Table(
        "Training curve, at most 25 of its points",
        ("images seen", "accuracy", "pulses", "pruned"),
        [(f"{p.presentations:,}", percent(p.accuracy), f"{p.pulses:,}", percent(p.pruned_fraction, 1)) for p in points],
    )


def _busiest(arrays: dict[str, npt.NDArray[Any]]) -> Table:
    spikes, counts = arrays["spikes"], arrays["label_counts"]
    rows = []
    for k in np.argsort(-spikes, kind="stable")[:20]:
        spoken, most = int(counts[k].sum()), int(counts[k].argmax())
        read = str(arrays["classes"][most]) if spoken else "-"
        rows.append((f"neuron {k}", f"{spikes[k]:,}", read, percent(counts[k][most] / spoken if spoken else None, 0)))
    columns = ("neuron", "spikes while learning", "class it spikes for most", "share of that class")
    return Table("The 20 busiest neurons", columns, rows)


def _confusion(table: npt.NDArray[np.int64], classes: Sequence[str]) -> Table:
    rows = []
    for i, (name, line) in enumerate(zip(classes, table, strict=True)):
        images = int(line.sum())
        rows.append((name, percent(line[i] / images if images else None, 1), *(f"{n:,}" for n in line)))
    columns = ("true class", "read correctly", *(f"as {name}" for name in classes))
    return Table("Confusion on the test set", columns, rows)
