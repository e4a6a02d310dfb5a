"""Receptive fields: the weights of neurons, back in the places of their inputs in the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.run.contents import StoredRun

__all__ = ["fields_of", "pictured", "sheet_of"]


def fields_of(arrays: dict[str, npt.NDArray[Any]], image_shape: tuple[int, ...] | None, n: int) -> npt.NDArray[Any]:
    """Lay the weights of n neurons back over the image: the busiest neurons of every group in turn.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As a run's folder holds them.
    image_shape : tuple of int or None
        Height and width behind the features; None: they are laid out in a near-square.
    n : int
        Most neurons.

    Returns
    -------
    ndarray of float, shape (n, height, width)
        Weights, nan where the neuron has no cell.
    """
    n_features = int(arrays["n_features"])
    if image_shape is None:
        width = int(np.ceil(np.sqrt(n_features)))
        height = -(-n_features // width)
    else:
        height, width = image_shape[0], int(np.prod(image_shape[1:]))
    rows, starts = arrays["row_start"], arrays["neuron_start"]
    orders = [
        starts[g] + np.argsort(-arrays["spikes"][starts[g] : starts[g + 1]], kind="stable")
        for g in range(len(rows) - 1)
    ]
    turn = [
        (g, int(k)) for i in range(max(map(len, orders))) for g, order in enumerate(orders) for k in order[i : i + 1]
    ]
    fields = np.full((min(n, len(turn)), height * width), np.nan)
    for field, (g, k) in zip(fields, turn, strict=False):
        features = arrays["inputs"][arrays["row_inputs"][rows[g] : rows[g + 1]]]
        field[features] = arrays["w"][k, : len(features)]
    return fields.reshape(-1, height, width)


def pictured(run: StoredRun) -> tuple[dict[str, npt.NDArray[Any]], tuple[int, ...] | None]:
    """Return what ``fields_of`` lays out: of several layers the lowest, whose kernels are drawn channel beside channel."""
    if not run.experiment.layers:
        return run.arrays, run.image_shape
    lowest, layer = run.by_layer()[0].arrays, run.experiment.layers[0]
    height, width = run.image_shape[:2] if run.image_shape else (1, 1)
    if layer.kind != "full":
        height = width = layer.kernel
    rows = np.diff(lowest["row_start"])
    if rows[0] % (height * width):  # not all pixels are inputs
        height, width = 1, 1
    channels = int(rows[0]) // (height * width)
    y, x, channel = np.unravel_index(np.arange(rows[0]), (height, width, channels))
    row_inputs = np.tile(y * width * channels + channel * width + x, len(rows))
    laid = {"n_features": rows[0], "inputs": np.arange(rows[0]), "row_inputs": row_inputs}
    laid["label_counts"] = np.zeros(
        (len(lowest["w"]), len(run.arrays["classes"])), np.int64
    )  # labels are of the last layer
    read = {name: run.arrays[name] for name in ("confusion", "classes") if name in run.arrays}
    return lowest | laid | read, (height, width * channels)


def sheet_of(fields: npt.NDArray[Any], columns: int) -> npt.NDArray[Any]:
    """Lay fields side by side, nan between them, shape (lines * (height + 1) - 1, columns * (width + 1) - 1).

    Examples
    --------
    >>> sheet_of(np.arange(3.0).reshape(3, 1, 1), 2)
    array([[ 0., nan,  1.],
           [nan, nan, nan],
           [ 2., nan, nan]])
    """
    n, height, width = fields.shape
    columns = min(columns, n)
    lines = -(-n // columns)
    padded = np.full((lines * columns, height + 1, width + 1), np.nan)
    padded[:n, :height, :width] = fields
    sheet = padded.reshape(lines, columns, height + 1, width + 1).swapaxes(1, 2)
    return sheet.reshape(lines * (height + 1), columns * (width + 1))[:-1, :-1]
