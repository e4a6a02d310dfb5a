"""The learning machine, compiled: encode, read, draw a winner, learn. One pass, in the order of the signal.

Everything the machine decides with is an integer, so that no sum depends on its order: a cell is read as its weight in
read units (1/127 of a weight, or coarser where cells reach beyond -1..1), potentials and thresholds are counted in the
same unit, probabilities are 16-bit. ``reference.py`` says the same in plain Python and is held equal to this file by a
test. Equations: docs/machine.md, after Nessler et al. 2013 and Shi et al. 2018; cells: docs/devices.md.

Kernels see arrays and numbers only, never raise, allocate nothing, and draw no number except by Philox (see ``rng.py``). A part
that is None is not compiled: no device for ideal weights, no word, no pruning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.kernels import pulse, refresh
from synarray.array.read_kernels import drive_rows, finish_read, list_rows, read_tile
from synarray.compiled import compiled, woven_in
from synarray.device.kernels import state_of_weight
from synarray.events import NetworkEvent, NeuronEvent
from synarray.listing_kernels import list_set
from synarray.network.pruning_kernels import prune_when_due
from synarray.rng import Stream
from synarray.rng_kernels import fill_words

__all__ = [
    "FORWARD",
    "Bench",
    "Layout",
    "Neurons",
    "Schedule",
    "draw_winner",
    "encode",
    "learn",
    "respond",
    "settle",
    "update",
    "update_winner",
]


class Layout(NamedTuple):
    """Which input drives which row of which group's tile, and which neurons are on its columns."""

    inputs: npt.NDArray[np.int32]  # [row] input of each row, groups one after another
    row_start: npt.NDArray[np.int64]  # [group + 1] first row of each group
    neuron_start: npt.NDArray[np.int64]  # [group + 1] first neuron of each group


class Neurons(NamedTuple):
    """State of the output neurons."""

    threshold: npt.NDArray[np.int32]  # [neuron] th, in read units
    spikes: npt.NDArray[np.int64]  # [neuron] output spikes while learning


class Schedule(NamedTuple):
    """What changes over a training, moment by moment; the law of the pulses is ``device.kernels.Law``."""

    pulses: npt.NDArray[
        np.uint32
    ]  # [moment, 512] mean number of pulses, 16 fractional bits: LTD (input silent), LTP (active)
    least: npt.NDArray[np.uint16]  # [moment, 2] no random number below it sends a pulse: LTD, LTP
    winner: npt.NDArray[np.uint32]  # [moment, distance] softmax numerator 2^16 exp(-beta d / 127); the last entry is 0
    homeostasis: npt.NDArray[np.int32]  # [moment] threshold step per output spike, read units
    looks: int  # cells read per weight before an update; 0 = state-blind


class Bench(NamedTuple):
    """The workbench of one pass: arrays that are overwritten in every window. Two groups never share a window's values."""

    words: npt.NDArray[np.uint32]  # random words
    noise: npt.NDArray[np.uint16]  # the same words as 16-bit numbers
    draws: npt.NDArray[np.uint32]  # [group, 4] random words of a window's draws: the first is used
    cycle_words: npt.NDArray[np.uint32]  # random words of the cells' spread
    cycle: npt.NDArray[np.uint16]  # the same words as 16-bit numbers
    x: npt.NDArray[np.uint8]  # [input] active (sliding form)
    left: npt.NDArray[np.int64]  # [input] steps for which it still is (sliding form)
    x_rows: npt.NDArray[np.uint8]  # [group, cell] active, in the order of the group's rows, as last read
    sums: npt.NDArray[np.int32]  # [group, column] potentials without thresholds, as last read
    stale: npt.NDArray[np.bool_]  # [group] whether these must be read whole
    x_row: npt.NDArray[np.uint8]  # [cell] active, where groups are read one by one
    flags: npt.NDArray[np.uint8]  # [cell] changed, may get a pulse; [column] can win
    near: npt.NDArray[np.uint64]  # [n] columns that can win
    rows: npt.NDArray[np.uint64]  # [n] active rows; rows that became active
    left_rows: npt.NDArray[np.uint64]  # [n] rows that ceased to be
    part: npt.NDArray[np.int16]  # [column] partial sums
    u: npt.NDArray[np.int32]  # [column] potentials
    numerator: npt.NDArray[np.uint32]  # [n] softmax numerators of the columns that can win
    variance: npt.NDArray[np.int32]  # [column] of the currents that are read
    at: npt.NDArray[np.uint16]  # [cell] where the law has it: its state, 256 further if it is active
    wanted: npt.NDArray[np.uint32]  # [cell] pulses the law calls for
    hit: npt.NDArray[np.uint64]  # [n] cells with at least one
    rank: npt.NDArray[np.int64]  # [cell] in which order cells are pruned
    threshold: npt.NDArray[np.int32]  # [neuron] thresholds while images are read
    no_count: npt.NDArray[np.uint32]  # empty: rows are not counted

    @classmethod
    def lay_out(cls, n_inputs: int, n_cells: int, n_columns: int, n_neurons: int, n_groups: int) -> Bench:
        """Make room for one pass."""
        numbers = (max(n_inputs, n_cells, n_columns) + 63) // 64 * 64
        words, cycle_words = np.zeros(numbers // 2, np.uint32), np.zeros(numbers // 2, np.uint32)  # low half first
        return cls(
            words, words.view("<u2"), np.zeros((n_groups + 7) // 8 * 32, np.uint32), cycle_words, cycle_words.view("<u2"),
            x=np.zeros(n_inputs, np.uint8), left=np.zeros(n_inputs, np.int64), x_rows=np.zeros((n_groups, n_cells), np.uint8),
            sums=np.zeros((n_groups, n_columns), np.int32), stale=np.ones(n_groups, np.bool_), x_row=np.zeros(n_cells, np.uint8),
            flags=np.zeros(max(n_cells, n_columns), np.uint8), near=np.zeros(n_columns, np.uint64),
            rows=np.zeros(n_cells + 8, np.uint64), left_rows=np.zeros(n_cells + 8, np.uint64), part=np.zeros(n_columns, np.int16),
            u=np.zeros(n_columns, np.int32), numerator=np.zeros(n_columns, np.uint32), variance=np.zeros(n_columns, np.int32),
            at=np.zeros(n_cells, np.uint16), wanted=np.zeros(n_cells, np.uint32), hit=np.zeros(n_cells + 1, np.uint64),
            rank=np.zeros(n_cells, np.int64), threshold=np.zeros(n_neurons, np.int32), no_count=np.zeros(0, np.uint32),
        )  # fmt: skip


_HALF = np.uint64(32)
# as NumPy's numbers: numba compiles a function again for every Python number it is handed
_INPUT, _WINNER, _PULSE = (np.int64(s) for s in (Stream.INPUT, Stream.WINNER, Stream.PULSE))
_READ = np.int64(Stream.READ)
_SPIKE, _CELL_READ, _MASK = (
    np.int64(e) for e in (NeuronEvent.OUTPUT_SPIKE, NeuronEvent.CELL_READ, NeuronEvent.MASK_LOOKUP)
)
_PRESENTATION = np.int64(NetworkEvent.PRESENTATION)
FORWARD = np.bool_(False)
"""Not in reverse."""


# ---- encode -----------------------------------------------------------------------------------------------------------


@compiled(allocates=False)
def encode(images, gains, places, intensity, seed, phase, chance, words, noise, block):
    """Draw the input spikes of images into ``block`` [presentation, draw, input]. Returns how many there are.

    ``intensity`` [256] is the probability that an input of this intensity is active, / 2^16, after gain control (``gains`` in
    1/65536); ``places`` [presentation] is where the random numbers are drawn. ``chance`` [input] is
    overwritten.
    """
    active = 0
    n_inputs = images.shape[1]
    for p in range(places.size):
        gain, image = np.uint32(gains[p]), images[p]
        for i in range(n_inputs):  # below 2^32, as no gain exceeds 255
            chance[i] = min((np.uint32(image[i]) * gain + np.uint32(32768)) >> np.uint32(16), np.uint32(255))
        for i in range(n_inputs):
            chance[i] = intensity[chance[i]]
        for m in range(block.shape[1]):
            fill_words(words, n_inputs, seed, _INPUT + (phase << 8), m, places[p])
            for i in range(n_inputs):
                on = noise[i] < chance[i]
                block[p, m, i] = on
                active += on
    return active


# ---- winner -----------------------------------------------------------------------------------------------------------


@compiled(allocates=False, inside=True, inlined=True)
def draw_winner(u, columns, table, t, random, bench):
    """Draw k ~ softmax(beta u), exactly: integer numerators, one 32-bit random number.

    The last numerator of the table is 0: neurons so far below the highest potential cannot win and are not looked up.
    """
    near, flags, numerator = bench.near, bench.flags, bench.numerator
    top = u[0]
    for k in range(columns):
        top = max(top, u[k])
    last = np.int32(table.shape[1] - 1)
    for k in range(columns):
        flags[k] = top - u[k] < last
    some, total = list_set(flags, columns, 0, near), np.uint64(0)
    for e in range(some):
        numerator[e] = table[t, np.uint32(top - u[near[e]])]
        total += np.uint64(numerator[e])
    left = np.int64((np.uint64(random) * total) >> _HALF)
    e = 0
    while left >= np.int64(numerator[e]):
        left -= np.int64(numerator[e])
        e += 1
    return np.int64(near[e])


@woven_in
def settle(threshold, neuron_start):
    """Shift each group's thresholds so that the highest is 0: winners depend on differences only."""
    for g in range(neuron_start.size - 1):
        top = threshold[neuron_start[g]]
        for k in range(neuron_start[g], neuron_start[g + 1]):
            top = max(top, threshold[k])
        for k in range(neuron_start[g], neuron_start[g + 1]):
            threshold[k] -= top


# ---- learn ------------------------------------------------------------------------------------------------------------


@compiled(allocates=False, inside=True, inlined=True)
def _want(k, n_cells, x_row, cells, schedule, t, reverse, bench):
    """Ask the law how many pulses each cell of neuron k gets: LTP where the input was active, LTD where it was not.

    In reverse, LTD where it was active and none elsewhere. Lists the cells that get any. Returns how many cells still learn,
    and how many are listed.
    """
    noise, flags, at, wanted, hit = bench.noise, bench.flags, bench.at, bench.wanted, bench.hit
    w, pulses = cells.w[k], schedule.pulses[t]
    ltd, ltp = schedule.least[t, 0], schedule.least[t, 1]
    learning, hits = np.uint32(0), 0
    for j in range(n_cells):
        learning += np.uint32(cells.alive[k, j])
    if reverse:
        for j in range(n_cells):
            flags[j] = x_row[j] & np.uint8(noise[j] >= ltd)
            x_row[j] = 0
    else:
        for j in range(n_cells):
            flags[j] = noise[j] >= (ltp if x_row[j] else ltd)
    for j in range(n_cells):  # of all cells, many at a time: one by one those that are listed take longer
        at[j] = np.uint32(x_row[j]) * np.uint32(256) + state_of_weight(w[j])
    for e in range(list_set(flags, n_cells, 0, hit)):
        j = hit[e]
        n = (pulses[at[j]] + np.uint32(noise[j])) >> np.uint32(16)
        wanted[j] = n
        hit[hits] = j
        hits += n > 0
    return np.int64(learning), hits


@compiled(allocates=False, inside=True, inlined=True)
def update_winner(
    k, column, first_row, n_cells, x_row, reverse, t, place, presentation, seed, cells, neurons, schedule, law, device, pairs,
    word_, pruning, bench, events,
):  # fmt: skip
    """Update the neuron that fired: STDP pulses on its cells, homeostasis, refresh and pruning.

    Returns the change of its potential, and whether it must be read again because other cells may have changed.
    """
    fill_words(bench.words, n_cells, seed, _PULSE, place, presentation)
    learning, hits = _want(k, n_cells, x_row, cells, schedule, t, reverse, bench)
    s = np.int64(0)
    if law is not None:
        s = min(t, law.step.shape[0] - 1)
    change = pulse(
        k, column, first_row, n_cells, hits, x_row, cells, s, law, device, pairs, word_, bench, seed, place, presentation,
        events,
    )  # fmt: skip
    events[k, _SPIKE] += 1
    events[k, _CELL_READ] += learning * schedule.looks
    if pruning is not None:
        events[k, _MASK] += n_cells
    if not reverse:
        neurons.threshold[k] -= schedule.homeostasis[t]
    neurons.spikes[k] += 1
    changed = False
    if pairs is not None:
        if neurons.spikes[k] % pairs.refresh_every == 0:
            refresh(k, column, first_row, n_cells, neurons.spikes[k], cells, s, law, device, pairs, seed, events)
            changed = True
    if pruning is not None:
        pruned = prune_when_due(
            k, column, first_row, n_cells, neurons.spikes[k], cells, s, law, device, pairs, word_, pruning, bench.rank, seed,
            events,
        )  # fmt: skip
        changed = changed or pruned
    return change, changed


# ---- the passes over a block of spikes --------------------------------------------------------------------------------


@compiled(allocates=False, inside=True, inlined=True)
def _read(
    g, row, n_cells, neuron, columns, x, place, presentation, stream, seed, inputs, cells, threshold, device, bench, totals,
    driven,
):  # fmt: skip
    """Read a group: potentials in ``bench.u``, with noise and as converters resolve them. Counts reads where there is room to."""
    zero_row, u, sums, held = cells.read.shape[0] - 1, bench.u, bench.sums[g], threshold[neuron : neuron + columns]
    n = read_tile(g, inputs, row, n_cells, zero_row, x, cells.read, columns, bench, driven)
    for c in range(columns):
        u[c] = sums[c] + held[c]
    if device is not None and device.read_sigma > 0:
        list_rows(bench.x_rows[g], n_cells, row, zero_row, bench.rows)
    finish_read(n, neuron, columns, threshold, cells, device, bench, seed, stream, place, presentation, totals)


@woven_in
def _slide(started, window, x, left):
    """Keep an input active for ``window`` steps from its spike on."""
    for i in range(x.size):
        left[i] = window if started[i] else max(left[i] - 1, 0)
        x[i] = left[i] > 0


@compiled(allocates=False)
def learn(
    block, moments, first, window, seed, layout, cells, neurons, schedule, law, device, pairs, word_, pruning, bench, events,
    totals, driven, winners,
):  # fmt: skip
    """Learn from a block of spikes [presentation, window, input], presentations ``first``..., in windows that start empty.

    Where ``window`` is not 0, the block is one of steps [presentation, step, input], and an input counts as active for
    so many steps from its spike on: one winner a step; nothing is active when a presentation begins. ``moments``
    [presentation] is the moment of the schedule each belongs to; thresholds settle where it ends. ``winners``
    [presentation, window, group] receives each winner (neuron index in the whole network).
    """
    inputs, row_start, neuron_start = layout
    groups = row_start.size - 1
    for p in range(block.shape[0]):
        presentation, t = first + p, moments[p]
        totals[_PRESENTATION] += 1
        bench.stale[:] = True
        bench.left[:] = 0
        for m in range(block.shape[1]):
            x = block[p, m]
            if window > 0:
                _slide(x, window, bench.x, bench.left)
                x = bench.x
            fill_words(bench.draws, 8 * groups, seed, _WINNER, m, presentation)
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                place = m * groups + g
                _read(
                    g, row, n_cells, neuron, columns, x, place, presentation, _READ, seed, inputs, cells, neurons.threshold,
                    device, bench, totals, driven,
                )  # fmt: skip
                column = draw_winner(bench.u, columns, schedule.winner, t, bench.draws[4 * g], bench)
                k = neuron + column
                winners[p, m, g] = k
                change, changed = update_winner(
                    k, column, row, n_cells, bench.x_rows[g], FORWARD, t, place, presentation, seed, cells, neurons, schedule,
                    law, device, pairs, word_, pruning, bench, events,
                )  # fmt: skip
                bench.sums[g, column] += change
                bench.stale[g] = changed
        if p + 1 == block.shape[0] or moments[p + 1] != t:
            settle(neurons.threshold, neuron_start)


@compiled(allocates=False)
def respond(
    block, places, seed, phase, refractory, layout, cells, neurons, schedule, device, bench, totals, driven, winners
):
    """Read a block of spikes [presentation, window, input] and draw winners; nothing learns.

    A neuron that fired is held back by ``refractory`` for the rest of the presentation. ``places`` [presentation] is where random
    numbers are drawn. Rows and columns that are read are counted in ``totals`` and ``driven`` where these are not empty.
    """
    inputs, row_start, neuron_start = layout
    groups, threshold = row_start.size - 1, bench.threshold
    for k in range(threshold.size):
        threshold[k] = neurons.threshold[k]
    for p in range(block.shape[0]):
        bench.stale[:] = True
        for m in range(block.shape[1]):
            fill_words(bench.draws, 8 * groups, seed, _WINNER + (phase << 8), m, places[p])
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                _read(
                    g, row, n_cells, neuron, columns, block[p, m], m * groups + g, places[p], _READ + (phase << 8), seed, inputs,
                    cells, threshold, device, bench, totals, driven,
                )  # fmt: skip
                k = neuron + draw_winner(bench.u, columns, schedule.winner, np.int64(0), bench.draws[4 * g], bench)
                winners[p, m, g] = k
                threshold[k] -= refractory
        for m in range(block.shape[1]):
            for g in range(groups):
                threshold[winners[p, m, g]] = neurons.threshold[winners[p, m, g]]


@compiled(allocates=False)
def update(
    block, modulation, winners, moments, first, seed, layout, cells, neurons, schedule, law, device, pairs, word_, pruning, bench,
    events, ):  # fmt: skip
    """Update the winners that ``respond`` drew for a block of spikes, as a teacher or a reward says.

    ``modulation`` [presentation]: 1 is STDP; 0 is nothing at all; -1 sends LTD pulses where the input was active and none
    elsewhere, and moves no threshold.
    """
    inputs, row_start, _ = layout
    neuron_start = layout.neuron_start
    groups, zero_row = row_start.size - 1, cells.read.shape[0] - 1
    for p in range(block.shape[0]):
        if modulation[p] == 0:
            continue
        for m in range(block.shape[1]):
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                k = np.int64(winners[p, m, g])
                drive_rows(inputs, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows, bench.no_count)
                update_winner(
                    k, k - neuron_start[g], row, n_cells, bench.x_row, modulation[p] < 0, moments[p], m * groups + g, first + p,
                    seed, cells, neurons, schedule, law, device, pairs, word_, pruning, bench, events,
                )  # fmt: skip
    settle(neurons.threshold, neuron_start)
