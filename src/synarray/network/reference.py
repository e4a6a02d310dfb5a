"""The learning machine in plain Python: slow, short, written from the equations against the array's verbs.

Read this to know what the compiled kernels do, or drive a real chip with it: the array is touched only through ``read``,
``state``, ``pulse``, ``program``, ``freeze`` and ``disconnect``. Same random numbers, same order: a test holds spikes,
winners, pulses, pruned cells and weights equal to the kernels'.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.kernels import Tables
from synarray.network.machine import Machine
from synarray.rng import Phase, Stream, philox, random_u16

__all__ = ["infer", "learn"]

_Winners = npt.NDArray[np.int64]


def learn(
    machine: Machine,
    pixels: npt.NDArray[np.uint8],
    gains: npt.NDArray[np.uint32],
    order: npt.NDArray[np.int64],
    first: int,
    tables: Tables,
) -> _Winners:
    """Show the images ``order`` as presentations ``first``...; learn. Returns winners [presentation, draw, group]."""
    encoding, seed = machine.spec.encoding, machine.spec.seed
    lifetime = encoding.steps_per_window if encoding.form == "sliding" else 1
    winners = np.zeros((len(order), encoding.draws, len(machine.groups)), np.int64)
    for p, image in enumerate(order):
        chance = _chance(pixels[image], gains[image], tables)
        left = np.zeros(len(chance), int)  # draws for which each input still counts as active
        machine.network_events[NetworkEvent.PRESENTATION] += 1
        for m in range(encoding.draws):
            spikes = random_u16(len(chance), seed=seed, stream=Stream.INPUT, step=m, presentation=first + p) < chance
            left = np.where(spikes, lifetime, np.maximum(left - 1, 0))
            machine.network_events[NetworkEvent.INPUT_SPIKE] += np.count_nonzero(spikes)
            for g, group in enumerate(machine.groups):
                x = left[group.inputs] > 0
                u = machine.array.read(g, x) + machine.threshold[machine.array.neurons(g)]
                machine.network_events[NetworkEvent.ROW_READ] += np.count_nonzero(x)
                machine.network_events[NetworkEvent.COLUMN_SENSE] += group.n_neurons
                column = _draw_winner(u, tables, g, m, first + p, seed, Phase.TRAIN)
                winners[p, m, g] = machine.array.neuron_start[g] + column
                step = m * len(machine.groups) + g
                noise = random_u16(len(x), seed=seed, stream=Stream.PULSE, step=step, presentation=first + p)
                _update(machine, g, column, x, noise, tables)
                _after_spike(machine, g, column, tables)
    return winners


def infer(
    machine: Machine,
    pixels: npt.NDArray[np.uint8],
    gains: npt.NDArray[np.uint32],
    places: npt.NDArray[np.uint32],
    windows: int,
    phase: Phase,
    tables: Tables,
) -> _Winners:
    """Show images without learning; a neuron that fired is held back for the rest of the image."""
    seed = machine.spec.seed
    winners = np.zeros((len(pixels), windows, len(machine.groups)), np.int64)
    for p in range(len(pixels)):
        chance = _chance(pixels[p], gains[p], tables)
        threshold = machine.threshold.copy()
        for m in range(windows):
            noise = random_u16(
                len(chance), seed=seed, stream=Stream.INPUT, phase=phase, step=m, presentation=int(places[p])
            )
            for g, group in enumerate(machine.groups):
                u = machine.array.read(g, (noise < chance)[group.inputs]) + threshold[machine.array.neurons(g)]
                k = machine.array.neuron_start[g] + _draw_winner(u, tables, g, m, int(places[p]), seed, phase)
                threshold[k] -= machine.refractory
                winners[p, m, g] = k
    return winners


def _chance(pixels: npt.NDArray[np.uint8], gain: np.uint32, tables: Tables) -> npt.NDArray[np.uint16]:
    """Gain control, then each input's chance of being active."""
    level = np.minimum((pixels.astype(np.uint64) * np.uint64(gain) + np.uint64(32768)) >> np.uint64(16), 255)
    chance: npt.NDArray[np.uint16] = tables.intensity[level]
    return chance


def _draw_winner(
    u: npt.NDArray[np.int32], tables: Tables, g: int, m: int, presentation: int, seed: int, phase: Phase
) -> int:
    """K ~ softmax(beta u): the first neuron at which the summed numerators pass a random share of their total."""
    distance = np.minimum(u.max() - u, len(tables.winner) - 1)
    total = np.cumsum(tables.winner[distance].astype(np.uint64))
    random = philox((g, m, presentation, 0), (seed, Stream.WINNER + (phase << 8)))[0]
    return int(np.searchsorted(total, (np.uint64(random) * total[-1]) >> np.uint64(32), side="right"))


def _update(
    machine: Machine, g: int, column: int, x: npt.NDArray[np.bool_], noise: npt.NDArray[np.uint16], tables: Tables
) -> None:
    """STDP: n = floor(mean + U(0, 1)) pulses on each alive cell of the winner, LTP where x, LTD elsewhere."""
    events = machine.neuron_events[machine.array.neuron_start[g] + column]
    alive = machine.array.alive[machine.array.neuron_start[g] + column, : len(x)].astype(bool)
    law = 256 * x + machine.array.state(g, column)
    wanted = (tables.pulses[law] + noise.astype(np.uint32)) >> np.uint32(16)
    for row in np.flatnonzero(wanted).tolist():
        n = int(wanted[row])
        if not alive[row]:
            events[NeuronEvent.PULSE_SKIPPED] += n
            continue
        events[NeuronEvent.LTP_PULSE if x[row] else NeuronEvent.LTD_PULSE] += n
        if not machine.array.pulse(g, column, row, tables.step[law[row]], n):
            events[NeuronEvent.PULSE_AT_BOUND] += n
    events[NeuronEvent.OUTPUT_SPIKE] += 1
    events[NeuronEvent.CELL_READ] += np.count_nonzero(alive)


def _after_spike(machine: Machine, g: int, column: int, tables: Tables) -> None:
    """Homeostasis and pruning of the neuron that fired."""
    k = machine.array.neuron_start[g] + column
    machine.threshold[k] -= tables.homeostasis
    machine.spikes[k] += 1
    pruning = machine.pruning
    for stage in np.flatnonzero(pruning.at_spikes == machine.spikes[k]):
        _prune_to(machine, g, column, pruning.share[stage], tables)
    if 0 < pruning.maturity <= machine.spikes[k]:
        tile = machine.array.tile(g)
        for row in range(len(tile)):
            if machine.array.alive[k, row] and tile[row, column] <= -1:
                _retire(machine, g, column, row, tables)


def _prune_to(machine: Machine, g: int, column: int, share: float, tables: Tables) -> None:
    """Prune the lowest (or random) alive cells of a neuron until the share is reached; ties go by cell order."""
    k = machine.array.neuron_start[g] + column
    n_cells = machine.array.row_start[g + 1] - machine.array.row_start[g]
    rank = machine.array.state(g, column)
    if machine.pruning.random:
        rank = np.array(
            philox((np.arange(n_cells), int(k), 0, 0), (machine.spec.seed, Stream.PRUNE))[0] % 254, np.int32
        )
    alive = np.flatnonzero(machine.array.alive[k, :n_cells])
    quota = int(np.ceil(share * n_cells - 1e-9)) - int(n_cells - len(alive))
    for row in alive[np.argsort(rank[alive], kind="stable")][: max(quota, 0)]:
        _retire(machine, g, column, int(row), tables)


def _retire(machine: Machine, g: int, column: int, row: int, tables: Tables) -> None:
    """Disconnect a cell, or bring it to the constant pulse by pulse and freeze it there."""
    events = machine.neuron_events[machine.array.neuron_start[g] + column]
    events[NeuronEvent.CELL_PRUNED] += 1
    if machine.pruning.removed:
        machine.array.disconnect(g, column, row)
        return
    constant = np.float32(machine.pruning.constant)
    w = machine.array.tile(g)[row, column]
    down = w > constant
    for _ in range(1000):
        step = tables.step[int(machine.array.state(g, column)[row]) + (0 if down else 256)]
        if step == 0 or (w <= constant if down else w >= constant):
            break
        events[NeuronEvent.PRUNING_PULSE] += 1
        machine.array.pulse(g, column, row, step, 1)
        w = machine.array.tile(g)[row, column]
    machine.array.program(g, column, row, constant)
    machine.array.freeze(g, column, row)
