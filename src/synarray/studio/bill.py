"""What a finished training says: accuracy with its interval, joules by component, seconds, trainings of the cells' life."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from synarray.array.simulated import SynapticArray
from synarray.cost.prices import load_periphery
from synarray.cost.wear import trainings_left
from synarray.device.spec import DeviceSpec
from synarray.learn.result import Result
from synarray.run.layered_energy import bill_of_result

__all__ = ["bill_of"]


def bill_of(result: Result) -> dict[str, Any]:
    """Return the numbers of a training, those of ``synarray train``, ``energy`` and ``lifetime`` for the same experiment."""
    metrics = result.metrics()
    kept = (
        "accuracy", "accuracy_low", "accuracy_high", "accuracy_hard", "test_images", "pulses", "n_cells", "pruned_fraction",
        "spared_fraction", "cells_per_weight", "scheme", "stuck_cells", "silent_neurons", "images_seen", "state_sha256",
    )  # fmt: skip
    said = {key: metrics[key] for key in kept}
    return said | {
        "layers": len(result.spec.layers),
        "simulated": metrics["seconds"],
        "notes": metrics["notes"],
        "price": _price(result),
        "life": _life(result),
    }


def _price(result: Result) -> dict[str, Any] | None:
    """Price the counts of all layers; None where weights are ideal, which met no conductance."""
    bill = bill_of_result(result)
    if bill is None:
        return None
    periphery = load_periphery()
    ledger = bill.ledger(periphery)
    parts: dict[str, float] = {}
    for entry in ledger.entries:
        parts[entry.component] = parts.get(entry.component, 0.0) + entry.energy
    return {
        "total": ledger.total,
        "parts": dict(sorted(parts.items(), key=lambda part: -part[1])),
        "rows": [[e.component, e.action, e.count, e.energy, e.confirmed] for e in ledger.entries if e.count],
        "seconds": ledger.seconds,
        "confirmed": all(entry.confirmed for entry in ledger.entries if entry.count),
        "node_nm": periphery.node_nm,
        "notes": bill.notes(periphery),
    }


def _life(result: Result) -> dict[str, Any] | None:
    """Say through how many trainings like this one the cells live, until a hundredth of those of a layer has failed."""
    lives = [_life_of(machine.array, machine.spec.device) for machine in result.machines if machine.spec.device]
    shortest = min(lives, key=lambda life: -1.0 if math.isnan(life[0]) else life[0], default=None)  # unknown: of all
    return shortest and shortest[1]


def _life_of(array: SynapticArray, device: DeviceSpec) -> tuple[float, dict[str, Any]]:
    """Return the trainings that the cells of one layer live through, and what the page says of them."""
    writes = array.scheme.pulses_per_cell(array.writes)[:, array.exists & ~array.stuck_cells.any(axis=0)]
    left = trainings_left(writes, device) if writes.size else math.nan
    known = {"endurance": device.endurance, "confirmed": not {"endurance", "endurance_shape"} & set(device.unconfirmed)}
    trainings = None if math.isnan(left) else ("without end" if math.isinf(left) else left)
    return left, known | {"trainings": trainings, "most": int(np.max(writes, initial=0))}
