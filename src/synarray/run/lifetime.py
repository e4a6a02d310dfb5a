"""What a finished run wore out: how many trainings like it its array lives through, as it lies and with wear levelling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synarray.array.maps import array_maps, check_drawable, lay
from synarray.cost.levelling import KINDS, Move, levelled_trainings, move
from synarray.cost.prices import Periphery
from synarray.cost.wear import check_share, trainings_left
from synarray.errors import RunError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.run.contents import StoredRun

__all__ = ["Addressing", "Lifetime", "lifetime_of", "lifetimes"]

_NUMBERS = ("endurance", "endurance_shape")
_SINGLE = [
    NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE, NeuronEvent.PRUNING_PULSE, NeuronEvent.INITIAL_PULSE, NeuronEvent.CELL_READ,
    NeuronEvent.VERIFY_READ,
]  # fmt: skip
"""What single cells are addressed for."""


@dataclass(frozen=True)
class Addressing:
    """What shifted addresses cost in a training like this one."""

    additions: int
    """One for each address that is shifted."""
    energy: float
    """J."""


@dataclass(frozen=True)
class Lifetime:
    """How long an array lives.

    Attributes
    ----------
    device, scheme : str
    endurance, shape : float or None
        Weibull law of the cells' lives, pulses; None: not known.
    confirmed : bool
        Whether both are.
    share : float
        Share of the cells whose failure ends the array's life.
    cells, failed : int
        Cells in use, but for those that never moved; of these, those that failed in the run.
    pulses : ndarray, shape (cells,)
        Pulses each received.
    trainings : float
        How many trainings like this one the array lives through: see ``cost.wear.trainings_left``.
    levelled : dict of str to float
        The same with shifted rows, columns, both.
    addressing : dict of str to Addressing
        What that costs in each training.
    move : Move or None
        What it takes besides to move a network that must be kept.
    node_nm : float
    before : int
        Presentations of earlier trainings that this one continued from; their pulses are among those counted.
    layer : str
        Whose array it is, in a network of several layers.
    layers : tuple of Lifetime
        Of a network of several layers: each one's, from the bottom. The numbers above are of the array that ends first.

    Examples
    --------
    >>> import synarray
    >>> settings = {"images": 200, "epochs": 1, "n_neurons": 12, "device": "pcm"}
    >>> life = synarray.train("local-fields", settings=settings).lifetime(share=0.01)
    >>> life.device, life.trainings > 1000
    ('pcm', True)
    """

    device: str
    scheme: str
    endurance: float | None
    shape: float | None
    confirmed: bool
    share: float
    cells: int
    failed: int
    pulses: np.ndarray
    trainings: float
    levelled: dict[str, float]
    addressing: dict[str, Addressing]
    move: Move | None
    node_nm: float
    before: int = 0
    layer: str = ""
    layers: tuple[Lifetime, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return everything as numbers, ready for JSON; null for what is not known, or never comes."""
        costs: dict[str, Any] = {kind: vars(cost) for kind, cost in self.addressing.items()}
        moved = None if self.move is None else vars(self.move) | {"pulses_per_cell": self.move.pulses / self.cells}
        return {
            "device": self.device,
            "scheme": self.scheme,
            "endurance": self.endurance,
            "shape": self.shape,
            "confirmed": self.confirmed,
            "share": self.share,
            "cells": self.cells,
            "cells_failed": self.failed,
            "pulses_mean": float(self.pulses.mean()),
            "pulses_most": float(self.pulses.max()),
            "trainings_left": _finite(self.trainings),
            "levelled": {kind: _finite(trainings) for kind, trainings in self.levelled.items()},
            "levelling_cost": costs | {"move": moved, "node_nm": self.node_nm},
            "notes": self.notes,
        } | ({"layer": self.layer, "layers": [each.summary() for each in self.layers]} if self.layers else {})

    @property
    def notes(self) -> list[str]:
        """What a reader must know."""
        notes = []
        if len(self.layers) > 1:
            notes.append(f"The network lives as long as the array that ends first, that of {self.layer}.")
        if self.before:
            notes.append(
                f"The cells had seen {self.before:,} presentations before: a training like this one means all of them together."
            )
        if self.endurance is None:
            notes.append(f"The endurance of {self.device} is not known.")
        elif not self.confirmed:
            notes.append(
                f"The endurance of {self.device}, or its Weibull shape, is not confirmed: synarray devices show {self.device}"
            )
        if self.trainings == math.inf:
            notes.append("Fewer cells were written than may fail: the array has no end of life.")
        return notes


def lifetime_of(run: StoredRun, share: float, periphery: Periphery) -> Lifetime:
    """Work out how long a network lives through trainings like a finished run: as long as the array that ends first.

    Parameters
    ----------
    run : StoredRun
    share : float
        Share of the cells whose failure ends its life.
    periphery : Periphery
        Prices of the additions.

    Raises
    ------
    RunError
        When the run was of ideal weights, or all its cells are stuck.
    SpecError
        When the share does not lie between 0 and 1, or the arrays are too large to be laid out.
    """
    lives = lifetimes(run, share, periphery)
    first = min(lives, key=lambda life: (not math.isnan(life.trainings), life.trainings))  # what is not known decides
    return replace(first, layers=tuple(lives)) if first.layer else first


def lifetimes(run: StoredRun, share: float, periphery: Periphery) -> list[Lifetime]:
    """Work out the same of each layer's array, from the bottom; layers of ideal weights have none."""
    check_share(share)
    return [replace(_lifetime(layer, share, periphery), layer=name) for name, layer in run.in_cells()]


def _lifetime(run: StoredRun, share: float, periphery: Periphery) -> Lifetime:
    array, placement = run.cells()
    check_drawable(placement)
    maps, device = array_maps(array, placement), run.experiment.device
    assert device is not None  # run.cells saw to it
    never = array.stuck_cells & (run.arrays.get("failed", np.zeros(1)) == 0)  # pulses on them wear out nothing
    worn = np.where(lay(array, placement, np.broadcast_to(never, array.conductance().shape)) == 1, np.nan, maps.writes)
    writes = worn[~np.isnan(worn)]
    if not len(writes):
        raise RunError(
            "a lifetime needs cells that move",
            got="an array of stuck cells",
            where=str(run.path),
            do="Train with lower device.stuck_low and device.stuck_high.",
        )
    known = device.endurance is not None
    return Lifetime(
        device.name,
        array.scheme.name,
        device.endurance,
        device.endurance_shape if known else None,
        known and not set(_NUMBERS) & set(device.unconfirmed),
        share,
        len(writes),
        int(np.count_nonzero(run.arrays.get("failed", 0))),
        writes,
        trainings_left(writes, device, share),
        {kind: levelled_trainings(worn, device, share, kind) for kind in KINDS},
        {kind: _addressing(run, kind, periphery) for kind in KINDS},
        move(np.where((maps.pruned == 1) & array.removed, np.nan, maps.conductance), device, periphery),
        periphery.node_nm,
        (run.metrics["started_from"] or {"images_seen": 0})["images_seen"],
    )


def _addressing(run: StoredRun, kind: str, periphery: Periphery) -> Addressing:
    """Count the addresses: of a row for each that is driven, of a column for each that is sensed, of both for single cells."""
    neurons, network = run.arrays["neuron_events"].sum(axis=0), run.arrays["network_events"]
    slices, single = run.metrics["cells_per_weight"], int(neurons[_SINGLE].sum())
    lines = int(network[NetworkEvent.ROW_READ]), int(network[NetworkEvent.COLUMN_SENSE])
    additions = sum(single + slices * read for read, moves in zip(lines, KINDS[kind], strict=True) if moves)
    return Addressing(additions, additions * periphery.add * periphery.scale())


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
