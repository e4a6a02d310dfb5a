"""One step of an actor and a critic in two tiles of cells, compiled: read, choose, and send what the reward calls for.

The same in plain Python, through the array's port: ``reward_reference.py``; a test holds the two equal bit for bit. Equations and
scales: ``reward.py``. Everything decided is an integer: potentials and values in read units, shares in 1/65536.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.kernels import pulse, refresh
from synarray.array.read_kernels import drive_rows, finish_read, sum_columns
from synarray.compiled import compiled, woven_in
from synarray.device.kernels import state_of_weight
from synarray.events import NetworkEvent, NeuronEvent
from synarray.rng import Stream
from synarray.rng_kernels import fill_words, word

__all__ = ["Memory", "Rates", "choose", "step"]

_INPUT, _WINNER, _PULSE = (np.int64(s) for s in (Stream.INPUT, Stream.WINNER, Stream.PULSE))
_READ = np.int64(Stream.READ)
_SPIKE, _CELL_READ = np.int64(NeuronEvent.OUTPUT_SPIKE), np.int64(NeuronEvent.CELL_READ)
_PRESENTATION, _INPUT_SPIKE = np.int64(NetworkEvent.PRESENTATION), np.int64(NetworkEvent.INPUT_SPIKE)
_SURE = np.int64(65536)
_16 = np.int64(16)

BEGIN, CONTINUE, END, CUT = 0, 1, 2, 3
"""First step of an episode; a step within it; the environment ended it (nothing more will come); its time was over."""


class Rates(NamedTuple):
    """How strongly a step learns; shares in 1/65536."""

    discount: int  # of the value of the next state
    gain: int  # share of a full update per read unit of error, in 1/2^32
    decay: npt.NDArray[np.int64]  # [2] what is left of an eligibility after a step, of the actor and of the critic
    floor: int  # eligibility below which none is left
    pulses: npt.NDArray[
        np.uint32
    ]  # [2, 512] mean pulses of a full update by tile and state, 16 fractional bits: LTD, LTP
    looks: int  # cells read per weight before an update
    neurons: int  # of the actor for each action
    opposed: int  # eligibility, of the opposite sign, of the neurons of another action


class Memory(NamedTuple):
    """What is kept from step to step."""

    trace: npt.NDArray[np.int64]  # [neuron, cell] eligibility, -65536 to 65536
    value: npt.NDArray[np.int64]  # [1] value of the state before, in read units summed over the critic's neurons
    spikes: npt.NDArray[np.uint8]  # [input] of this step
    error: npt.NDArray[np.int64]  # [1] the last error of prediction, in the same units


@woven_in
def _spike(chance, presentation, stream, seed, bench, spikes):
    """Draw which inputs are active. Returns how many are."""
    fill_words(bench.words, chance.size, seed, stream, np.int64(0), presentation)
    active = 0
    for i in range(chance.size):
        on = np.int64(bench.noise[i]) < np.int64(chance[i])
        spikes[i] = on
        active += on
    return active


@woven_in
def _read(g, spikes, presentation, stream, seed, layout, cells, device, bench, totals, driven):
    """Read a tile: the potentials of its neurons, in ``bench.u``. Counts what is read where there is room to."""
    row, n_cells = layout.row_start[g], layout.row_start[g + 1] - layout.row_start[g]
    columns = layout.neuron_start[g + 1] - layout.neuron_start[g]
    n = drive_rows(layout.inputs, row, n_cells, cells.read.shape[0] - 1, spikes, bench.x_row, bench.rows, driven)
    for c in range(columns):
        bench.u[c] = 0
    sum_columns(cells.read, bench.rows, n, columns, bench.part, bench.u)
    # no neuron has a threshold here: the workbench's stay 0
    finish_read(
        n, layout.neuron_start[g], columns, bench.threshold, cells, device, bench, seed, stream, g, presentation, totals,
    )  # fmt: skip


@woven_in
def _vote(u, columns, neurons):
    """Add up the potentials of each action's neurons, in place. Returns how many actions there are."""
    actions = columns // neurons
    for a in range(actions):
        total = np.int64(0)
        for i in range(neurons):
            total += np.int64(u[a * neurons + i])
        u[a] = total
    return actions


@woven_in
def _draw(u, columns, table, random, numerator):
    """Draw k ~ softmax(beta u), exactly."""
    top = u[0]
    for k in range(columns):
        top = max(top, u[k])
    last, total = np.int64(table.size - 1), np.uint64(0)
    for k in range(columns):
        numerator[k] = table[min(np.int64(top - u[k]), last)]
        total += np.uint64(numerator[k])
    left = np.int64((np.uint64(random) * total) >> np.uint64(32))
    k = 0
    while left >= np.int64(numerator[k]):
        left -= np.int64(numerator[k])
        k += 1
    return k


@compiled(allocates=False, inside=True)
def _send(
    g, error, presentation, seed, layout, cells, rates, law, device, pairs, word_, bench, trace, updates, events,
):  # fmt: skip
    """Send a tile what an error of prediction calls for: LTP or LTD pulses on eligible cells, the more the larger both are."""
    row, n_cells = layout.row_start[g], layout.row_start[g + 1] - layout.row_start[g]
    share = min((abs(error) * np.int64(rates.gain)) >> _16, _SURE)
    zero = np.int64(0)
    for k in range(layout.neuron_start[g], layout.neuron_start[g + 1]):
        column = k - layout.neuron_start[g]
        eligible = 0
        for j in range(n_cells):
            eligible += np.int64(trace[k, j] != 0) * np.int64(cells.alive[k, j])
        if eligible == 0 or share == 0:
            continue
        fill_words(bench.words, n_cells, seed, _PULSE, k, presentation)
        hits = np.int64(0)
        for j in range(n_cells):
            up = np.uint32((error > 0) != (trace[k, j] < 0))
            law_at = up * np.uint32(256) + state_of_weight(cells.w[k, j])
            mean = (np.int64(rates.pulses[g, law_at]) * ((share * abs(trace[k, j])) >> _16)) >> _16
            bench.wanted[j] = np.uint32((mean + np.int64(bench.noise[j])) >> _16)
            bench.x_row[j] = up
            bench.hit[hits] = j
            hits += bench.wanted[j] > 0
        pulse(
            k, column, row, n_cells, hits, bench.x_row, cells, zero, law, device, pairs, word_, bench, seed, k, presentation,
            events,
        )  # fmt: skip
        events[k, _CELL_READ] += eligible * rates.looks
        updates[k] += 1
        if pairs is not None:
            if updates[k] % pairs.refresh_every == 0:
                refresh(k, column, row, n_cells, updates[k], cells, zero, law, device, pairs, seed, events)


@woven_in
def _remember(action, layout, rates, memory):
    """Let eligibility decay; the cells of this step's spikes and neurons are fully eligible."""
    for g in range(2):
        row, n_cells = layout.row_start[g], layout.row_start[g + 1] - layout.row_start[g]
        for k in range(layout.neuron_start[g], layout.neuron_start[g + 1]):
            for j in range(n_cells):
                left = (abs(memory.trace[k, j]) * rates.decay[g]) >> _16
                left = left * np.int64(left >= rates.floor)
                left = -left if memory.trace[k, j] < 0 else left
                if memory.spikes[layout.inputs[row + j]] > 0:
                    left = _SURE if g == 1 or k // rates.neurons == action else -np.int64(rates.opposed)
                memory.trace[k, j] = left


@compiled(allocates=False)
def step(
    chance, reward, moment, presentation, seed, layout, cells, winner_table, rates, laws, device, pairs, word_, bench, memory,
    updates, events, totals, driven, ):  # fmt: skip
    """Take one step: see a state, learn from the reward that led to it, choose what to do. Returns the action, or -1.

    ``reward`` is in the critic's units; ``chance`` [input] the probability of each input's spike, / 2^16.
    """
    action, value = np.int64(-1), np.int64(0)
    if moment != END:
        totals[_PRESENTATION] += 1
        totals[_INPUT_SPIKE] += _spike(chance, presentation, _INPUT, seed, bench, memory.spikes)
        for g in range(2):
            columns = layout.neuron_start[g + 1] - layout.neuron_start[g]
            _read(g, memory.spikes, presentation, _READ, seed, layout, cells, device, bench, totals, driven)
            if g == 0:
                random = word(np.uint64(0), np.int64(0), presentation, seed, _WINNER)
                action = _draw(bench.u, _vote(bench.u, columns, rates.neurons), winner_table, random, bench.numerator)
            else:
                for c in range(columns):
                    value += np.int64(bench.u[c])
    if moment == BEGIN:
        memory.trace[:] = 0
    else:
        error = reward + ((np.int64(rates.discount) * value) >> _16) - memory.value[0]
        memory.error[0] = error
        for g in range(2):
            _send(
                g, error, presentation, seed, layout, cells, rates, laws[g], device, pairs, word_, bench, memory.trace, updates,
                events,
            )  # fmt: skip
    if moment <= CONTINUE:
        for k in range(action * rates.neurons, (action + 1) * rates.neurons):
            events[k, _SPIKE] += 1
        _remember(action, layout, rates, memory)
        memory.value[0] = value
    return action


@compiled(allocates=False)
def choose(chance, presentation, phase, seed, layout, cells, device, neurons, bench, spikes):
    """See a state and choose the action with the highest potential, the first of equals; nothing learns."""
    _spike(chance, presentation, _INPUT + (phase << 8), seed, bench, spikes)
    g = np.int64(0)
    stream = _READ + (phase << 8)
    _read(g, spikes, presentation, stream, seed, layout, cells, device, bench, bench.left[:0], bench.no_count)
    best = np.int64(0)
    for a in range(_vote(bench.u, layout.neuron_start[1], neurons)):
        if bench.u[a] > bench.u[best]:
            best = a
    return best
