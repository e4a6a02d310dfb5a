"""Pruning, compiled: which cells of a neuron that fired are taken out of learning, and when.

Kernels see arrays and numbers only, never raise, allocate nothing, and draw no number except by Philox.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.kernels import freeze
from synarray.compiled import compiled
from synarray.device.kernels import state_of_weight
from synarray.rng import Stream
from synarray.rng_kernels import word

__all__ = ["Pruning", "prune_when_due"]


class Pruning(NamedTuple):
    """When and how cells stop learning."""

    at_spikes: npt.NDArray[np.int64]  # [stage] output spikes of a neuron at which it prunes
    share: npt.NDArray[np.float64]  # [stage] share of its cells pruned from then on
    constant: float  # weight a pruned cell is brought to
    removed: bool  # True: the cell is disconnected and contributes nothing (conventional pruning)
    random: bool  # True: cells are taken at random instead of lowest first (control)
    maturity: int  # output spikes after which a cell found at the floor freezes there; 0 = never


_PRUNE = np.int64(Stream.PRUNE)
_UNPRUNABLE = np.int64(255)


@compiled(allocates=False, inside=True)
def _prune(
    k, column, first_row, n_cells, stage, spikes, cells, t, law, device, pairs, word_, pruning, rank, seed, events
):
    """Prune neuron k's lowest cells (or random ones) until the stage's share is reached; ties go by cell order."""
    left = np.int64(np.ceil(pruning.share[stage] * n_cells - 1e-9))
    for j in range(n_cells):
        if cells.alive[k, j] == 0:
            left -= 1
            rank[j] = _UNPRUNABLE
        elif pruning.random:
            rank[j] = np.int64(word(np.uint64(j), k, np.int64(0), seed, _PRUNE) % np.uint64(254))
        else:
            rank[j] = np.int64(state_of_weight(cells.w[k, j]))
    for level in range(255):
        if left <= 0:
            break
        for j in range(n_cells):
            if rank[j] == level and left > 0:
                _retire(k, j, first_row + j, column, spikes, cells, t, law, device, pairs, word_, pruning, seed, events)
                left -= 1


@compiled(allocates=False, inside=True)
def _retire(k, j, row, column, spikes, cells, t, law, device, pairs, word_, pruning, seed, events):
    """Take one cell out of learning."""
    constant = np.float32(pruning.constant)
    freeze(k, j, row, column, constant, pruning.removed, cells, t, law, device, pairs, word_, seed, spikes, events)


@compiled(allocates=False, inside=True)
def prune_when_due(
    k, column, first_row, n_cells, spikes, cells, t, law, device, pairs, word_, pruning, rank, seed, events,
):  # fmt: skip
    """Prune the neuron that fired, when its spike count says so. Returns whether any of its cells were."""
    changed = False
    stage, end = 0, pruning.at_spikes.size
    while stage < end:  # the first stage that is not before this count; counts rise
        middle = (stage + end) // 2
        if pruning.at_spikes[middle] < spikes:
            stage = middle + 1
        else:
            end = middle
    while stage < pruning.at_spikes.size and pruning.at_spikes[stage] == spikes:
        _prune(
            k,
            column,
            first_row,
            n_cells,
            stage,
            spikes,
            cells,
            t,
            law,
            device,
            pairs,
            word_,
            pruning,
            rank,
            seed,
            events,
        )
        changed = True
        stage += 1
    if pruning.maturity > 0 and spikes >= pruning.maturity:
        varies = np.int64(cells.traits.size > 4)
        for j in range(n_cells):
            low = max(cells.traits[0, 2, k * varies, j * varies], np.float32(-1.0))
            if cells.alive[k, j] and cells.w[k, j] <= low:
                _retire(k, j, first_row + j, column, spikes, cells, t, law, device, pairs, word_, pruning, seed, events)
                changed = True
    return changed
