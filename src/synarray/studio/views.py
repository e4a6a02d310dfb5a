"""What is seen of a training on its way: receptive fields, spikes, the array. Views read the trainer and change nothing.

A frame is a few kB: weights and conductances are bytes (0 to 255), packed in base64.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.maps import array_maps, check_drawable
from synarray.errors import SpecError
from synarray.learn.trainer import Trainer
from synarray.network.machine import Machine

__all__ = [
    "array_view",
    "conductance_view",
    "field_places",
    "fields_view",
    "points_view",
    "shown_neurons",
    "spikes_view",
]

_FIELDS = 24
"""Neurons whose receptive fields are shown."""
_WIDEST, _HIGHEST = 128, 96
"""Most columns and rows of a picture of the array; each dot is a block of cells. While it learns: half as many."""
_DRAWS, _GROUPS = 60, 8
"""Draws of a winner that are shown, the latest, and most groups."""
_MOST_CELLS = 1 << 21
"""Cells beyond which the array is not drawn while it learns: laying them out would slow the training down."""

Floats = npt.NDArray[np.floating]


def packed(values: npt.NDArray[np.uint8]) -> str:
    """Pack bytes for the page."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def shown_neurons(machine: Machine) -> list[list[int]]:
    """Choose neurons whose fields are shown: spread over every group, the same all the time."""
    groups = machine.groups[:_FIELDS]
    each = max(1, _FIELDS // len(groups))
    starts = np.cumsum([0, *(group.n_neurons for group in machine.groups)])
    return [
        (starts[g] + np.unique(np.linspace(0, group.n_neurons - 1, min(each, group.n_neurons)).astype(int))).tolist()
        for g, group in enumerate(groups)
    ]


def field_places(
    machine: Machine, inputs: npt.NDArray[np.int64] | None, shape: tuple[int, ...] | None, features: int
) -> dict[str, Any]:
    """Say where the weights of the shown neurons lie in the image: for each group, the pixel of each of its rows.

    ``inputs`` are the pixels of the network's inputs; None: the rows are no pixels (layers, channels), and are laid out in a
    square.
    """
    neurons = shown_neurons(machine)
    groups = machine.groups[: len(neurons)]
    if inputs is None:
        side = int(np.ceil(np.sqrt(max(group.n_rows for group in groups))))
        return {
            "width": side,
            "height": side,
            "places": [list(range(group.n_rows)) for group in groups],
            "neurons": neurons,
        }
    width = int(np.prod(shape[1:])) if shape else int(np.ceil(np.sqrt(features)))
    height = shape[0] if shape else -(-features // width)
    return {"width": width, "height": height, "places": [inputs[g.inputs].tolist() for g in groups], "neurons": neurons}


def fields_view(machine: Machine) -> list[str]:
    """Return the weights of the shown neurons, group by group: -1 is 0, +1 is 255."""
    found = []
    for g, neurons in enumerate(shown_neurons(machine)):
        w = machine.array.w[neurons, : machine.groups[g].n_rows]
        found.append(packed(np.clip(np.rint(127.5 * (w + 1.0)), 0, 255).astype(np.uint8)))
    return found


def spikes_view(trainer: Trainer) -> dict[str, Any] | None:
    """Return the winners of the latest draws: [draw][group] is a neuron; None where none are held."""
    last = trainer.history[-1].presentations if trainer.history else 0
    filled = min(trainer.presentations - last, len(trainer.winners))
    if filled <= 0:
        return None
    draws = trainer.winners.shape[1]
    recent = trainer.winners[max(0, filled - _DRAWS // draws - 1) : filled, :, :_GROUPS]
    rows = recent.reshape(-1, recent.shape[2])[-_DRAWS:]
    return {"draws": draws, "neurons": len(trainer.machine.threshold), "winners": rows.tolist()}


def points_view(trainer: Trainer, known: int) -> list[list[float | None]]:
    """Return the points of the training curve beyond those that are known.

    Where a teacher has a part in the winners they say nothing of what the network reads by itself: no accuracy then.
    """
    taught = trainer.teacher is not None
    return [
        [p.presentations, None if taught else p.accuracy, p.pulses, round(p.pruned_fraction, 5)]
        for p in trainer.history[known:]
    ]


def conductance_view(machine: Machine) -> dict[str, Any] | None:
    """Return a small picture of the conductances while they change; None where it would take too long, or there is no array."""
    if machine.placement is None or machine.array.conductance().size > _MOST_CELLS:
        return None
    view = array_view(machine, coarser=2)
    return None if view is None else {key: view[key] for key in ("rows", "columns", "conductance", "of")}


def array_view(machine: Machine, coarser: int = 1) -> dict[str, Any] | None:
    """Return pictures of the first array: conductance, pulses, pruned, stuck; each dot is the mean of a block of cells.

    Values are bytes: 1 to 255 from the lowest to the highest, 0 where no cell is used. ``of`` has the ends in words' units.
    """
    if machine.placement is None or machine.spec.device is None:
        return None
    try:
        check_drawable(machine.placement)
    except SpecError:
        return None
    maps = array_maps(machine.array, machine.placement)
    device = machine.spec.device
    used = ~np.isnan(maps.conductance[0])
    height, width = (int(np.flatnonzero(used.any(axis=axis))[-1]) + 1 for axis in (1, 0))
    layers = {name: _blocks(layer[0, :height, :width], coarser) for name, layer in zip(maps._fields, maps, strict=True)}
    most = float(np.nanmax(layers["writes"])) if used.any() else 0.0
    ends = {
        "conductance": (device.g_min, device.g_max),
        "writes": (0.0, most),
        "pruned": (0.0, 1.0),
        "stuck": (0.0, 1.0),
    }
    rows, columns = layers["conductance"].shape
    return {
        "rows": rows,
        "columns": columns,
        "of": {"cells": [height, width], "arrays": machine.placement.n_arrays, "ends": ends},
        **{name: packed(_bytes(layer, *ends[name])) for name, layer in layers.items()},
    }


def _blocks(values: Floats, coarser: int) -> Floats:
    """Average blocks of cells, so that the picture has no more dots than the page draws."""
    down, across = (-(-size * coarser // most) for size, most in zip(values.shape, (_HIGHEST, _WIDEST), strict=True))
    rows, columns = -(-values.shape[0] // down), -(-values.shape[1] // across)
    padded = np.full((rows * down, columns * across), np.nan)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, down, columns, across)
    there = ~np.isnan(blocks)
    count = there.sum(axis=(1, 3))
    total = np.where(there, blocks, 0.0).sum(axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _bytes(values: Floats, low: float, high: float) -> npt.NDArray[np.uint8]:
    share = np.clip((np.nan_to_num(values) - low) / ((high - low) or 1.0), 0.0, 1.0)
    return np.where(np.isnan(values), 0, 1 + np.rint(254 * share)).astype(np.uint8)
