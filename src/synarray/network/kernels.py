"""The learning machine, compiled: encode, read, draw a winner, learn. One pass over the images, in the order of the signal.

Everything the machine decides with is an integer, so that no sum depends on its order: a cell is read as its weight in
steps of 1/127 (q = rint(127 w), -127..127), potentials and thresholds are counted in the same unit, probabilities are
16-bit. The stored truth is the weight w[neuron, cell], float32. ``reference.py`` says the same in plain Python and is held
equal to this file by a test. Equations: docs/machine.md, after Nessler et al. 2013 and Shi et al. 2018.

Compiled code here calls only compiled code of this file (numba's cache does not notice edits elsewhere), sees arrays and
numbers only, never raises, and draws no number except by Philox (see ``rng.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from synarray.events import NetworkEvent, NeuronEvent
from synarray.rng import Stream

__all__ = [
    "Cells",
    "Layout",
    "Neurons",
    "Pruning",
    "Tables",
    "infer",
    "learn_sliding",
    "learn_windows",
    "random_words",
    "workbench",
]


class Layout(NamedTuple):
    """Which input drives which row of which group's tile, and which neurons stand on its columns."""

    inputs: npt.NDArray[np.int32]  # [row] input of each row, groups one after another
    row_start: npt.NDArray[np.int64]  # [group + 1] first row of each group
    neuron_start: npt.NDArray[np.int64]  # [group + 1] first neuron of each group


class Cells(NamedTuple):
    """State of the array. ``w`` and ``alive`` stand by neuron for updates, ``read`` by input for reads."""

    w: npt.NDArray[np.float32]  # [neuron, cell] weight, -1..1: the truth
    read: npt.NDArray[np.int8]  # [row, column] what a read resolves of it: rint(127 w), 0 if disconnected; last row 0
    alive: npt.NDArray[np.uint8]  # [neuron, cell] 1 = still learns


class Neurons(NamedTuple):
    """State of the output neurons."""

    threshold: npt.NDArray[np.int32]  # [neuron] th, in read units
    spikes: npt.NDArray[np.int64]  # [neuron] output spikes while learning


class Tables(NamedTuple):
    """Every law, looked up. The second index of ``pulses`` and ``step`` is the cell's state q + 127."""

    intensity: npt.NDArray[
        np.uint16
    ]  # [256] chance that an input of this intensity is active in a window (or step), / 2^16
    pulses: npt.NDArray[
        np.uint32
    ]  # [2, 256] mean number of pulses, 16 fractional bits: LTD (input silent), LTP (active)
    step: npt.NDArray[np.float32]  # [2, 256] signed weight step of one pulse
    winner: npt.NDArray[np.uint32]  # [distance] softmax numerator 2^16 exp(-beta d / 127); the last entry is 0
    homeostasis: int  # threshold step per output spike, read units


class Pruning(NamedTuple):
    """When and how cells stop learning."""

    at_spikes: npt.NDArray[np.int64]  # [stage] output spikes of a neuron at which it prunes
    share: npt.NDArray[np.float64]  # [stage] share of its cells pruned from then on
    constant: float  # weight a pruned cell is brought to
    removed: bool  # True: the cell is disconnected and contributes nothing (conventional pruning)
    random: bool  # True: cells are taken at random instead of lowest first (control)
    maturity: int  # output spikes after which a cell found at the floor freezes there; 0 = never


_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ONE = np.float32(1.0)
_SCALE, _OFFSET = np.float32(127.0), np.float32(127.5)
_FLUSH = 256  # rows summed in int16 before they could overflow: 256 x 127 < 2^15
_LANES = 32  # columns are summed in whole registers of 32 16-bit lanes

_INPUT, _WINNER, _PULSE, _PRUNE = int(Stream.INPUT), int(Stream.WINNER), int(Stream.PULSE), int(Stream.PRUNE)
_SPIKE, _CELL_READ = int(NeuronEvent.OUTPUT_SPIKE), int(NeuronEvent.CELL_READ)
_LTP, _LTD = int(NeuronEvent.LTP_PULSE), int(NeuronEvent.LTD_PULSE)
_AT_BOUND, _SKIPPED = int(NeuronEvent.PULSE_AT_BOUND), int(NeuronEvent.PULSE_SKIPPED)
_PRUNING_PULSE, _PRUNED = int(NeuronEvent.PRUNING_PULSE), int(NeuronEvent.CELL_PRUNED)
_PRESENTATION, _INPUT_SPIKE = int(NetworkEvent.PRESENTATION), int(NetworkEvent.INPUT_SPIKE)
_ROW_READ, _COLUMN_SENSE = int(NetworkEvent.ROW_READ), int(NetworkEvent.COLUMN_SENSE)


class _Bench(NamedTuple):
    """The workbench of one pass: arrays that are overwritten in every window. Two groups never share a window's values."""

    words: npt.NDArray[np.uint32]  # random words
    noise: npt.NDArray[np.uint16]  # the same words as 16-bit numbers
    chance: npt.NDArray[np.uint16]  # [input] chance of being active
    x: npt.NDArray[np.uint8]  # [input] active
    x_row: npt.NDArray[np.uint8]  # [cell] active, in the order of the group's rows
    rows: npt.NDArray[np.uint64]  # [n] active rows
    part: npt.NDArray[np.int16]  # [column] partial sums
    u: npt.NDArray[np.int32]  # [column] potentials
    numerator: npt.NDArray[np.uint32]  # [column] softmax numerators
    wanted: npt.NDArray[np.uint32]  # [cell] pulses the law calls for
    hit: npt.NDArray[np.uint64]  # [n] cells with at least one


def _compiled(function):
    return njit(error_model="numpy", cache=True, nogil=True)(function)


def _woven_in(function):
    """Compile a stage into its caller's own code: left as calls, the random rounds are not vectorised (5x slower)."""
    return njit(error_model="numpy", cache=True, nogil=True, inline="always")(function)


@_compiled
def workbench(n_inputs, n_cells, n_columns):
    """Lay out the workbench."""
    numbers = (max(n_inputs, n_cells) + 7) // 8 * 8
    words = np.zeros(numbers // 2, np.uint32)
    return _Bench(
        words,
        words.view(np.uint16),  # little-endian: low half first
        np.zeros(n_inputs, np.uint16),
        np.zeros(n_inputs, np.uint8),
        np.zeros(n_cells, np.uint8),
        np.zeros(n_cells + 8, np.uint64),
        np.zeros(n_columns, np.int16),
        np.zeros(n_columns, np.int32),
        np.zeros(n_columns, np.uint32),
        np.zeros(n_cells, np.uint32),
        np.zeros(n_cells + 1, np.uint64),
    )


@_woven_in
def _round(c0, c1, c2, c3, k0, k1):
    """One round of Philox."""
    p0, p1 = c0 * _M0, c2 * _M1
    return (p1 >> _HALF) ^ c1 ^ (k0 & _LOW), p1 & _LOW, (p0 >> _HALF) ^ c3 ^ (k1 & _LOW), p0 & _LOW


@_woven_in
def _philox(block, step, presentation, seed, stream):
    """Philox-4x32-10 of one place: four 32-bit words, each in 64 bits. Written out, so that loops over it vectorise."""
    k0, k1 = np.uint64(seed), np.uint64(stream)
    c = _round(np.uint64(block), np.uint64(step), np.uint64(presentation), np.uint64(0), k0, k1)
    c = _round(c[0], c[1], c[2], c[3], k0 + _W0, k1 + _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(2) * _W0, k1 + np.uint64(2) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(3) * _W0, k1 + np.uint64(3) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(4) * _W0, k1 + np.uint64(4) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(5) * _W0, k1 + np.uint64(5) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(6) * _W0, k1 + np.uint64(6) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(7) * _W0, k1 + np.uint64(7) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(8) * _W0, k1 + np.uint64(8) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(9) * _W0, k1 + np.uint64(9) * _W1)
    return c


@_woven_in
def random_words(words, n, seed, stream, step, presentation):
    """Fill ``words`` with the random words of one place, enough for n 16-bit numbers."""
    for block in range((n + 7) // 8):
        c0, c1, c2, c3 = _philox(block, step, presentation, seed, stream)
        words[4 * block] = c0
        words[4 * block + 1] = c1
        words[4 * block + 2] = c2
        words[4 * block + 3] = c3


# ---- encode -----------------------------------------------------------------------------------------------------------


@_woven_in
def _set_chances(images, p, gain, intensity, chance):
    """Set each input's chance of being active, after gain control of image p (gain in 1/65536)."""
    for i in range(images.shape[1]):
        level = min((np.uint64(images[p, i]) * np.uint64(gain) + np.uint64(32768)) >> np.uint64(16), np.uint64(255))
        chance[i] = intensity[level]


@_woven_in
def _spike(chance, x, words, noise, seed, stream, step, presentation):
    """Draw which inputs spike. Returns how many."""
    random_words(words, x.size, seed, stream, step, presentation)
    active = 0
    for i in range(x.size):
        on = noise[i] < chance[i]
        x[i] = on
        active += on
    return active


# ---- read -------------------------------------------------------------------------------------------------------------


@_woven_in
def _drive(inputs, first_row, n_cells, zero_row, x, x_row, rows):
    """Hand the inputs' activity to a tile's rows; list the active rows, filled up to eights with the zero row."""
    if n_cells == x.size:  # a tile of all inputs has them in their order
        x_row[:] = x
    else:
        for j in range(n_cells):
            x_row[j] = x[np.uint32(inputs[first_row + j])]
    n = 0
    for j in range(n_cells):
        rows[n] = first_row + j
        n += x_row[j]
    for a in range(n, (n + 7) // 8 * 8):
        rows[a] = zero_row
    return n


@_woven_in
def _read(read, rows, n, threshold, first_neuron, columns, part, u):
    """Potentials of one group: u_k = sum of the active rows' cells + th_k."""
    width = (columns + _LANES - 1) // _LANES * _LANES
    for k in range(columns):
        u[k] = threshold[first_neuron + k]
    for begin in range(0, n, _FLUSH):
        for k in range(width):
            part[k] = 0
        for a in range(begin, min(begin + _FLUSH, n), 8):
            r0, r1, r2, r3 = rows[a], rows[a + 1], rows[a + 2], rows[a + 3]
            r4, r5, r6, r7 = rows[a + 4], rows[a + 5], rows[a + 6], rows[a + 7]
            for k in range(width):
                part[k] += (
                    np.int16(read[r0, k]) + np.int16(read[r1, k]) + np.int16(read[r2, k]) + np.int16(read[r3, k])
                    + np.int16(read[r4, k]) + np.int16(read[r5, k]) + np.int16(read[r6, k]) + np.int16(read[r7, k])
                )  # fmt: skip
        for k in range(columns):
            u[k] += part[k]


# ---- winner -----------------------------------------------------------------------------------------------------------


@_woven_in
def _draw_winner(u, columns, table, random, numerator):
    """Draw k ~ softmax(beta u), exactly: integer numerators, one 32-bit random number."""
    top = u[0]
    for k in range(columns):
        top = max(top, u[k])
    last = np.uint32(table.size - 1)
    total = np.uint64(0)
    for k in range(columns):
        e = table[min(np.uint32(top - u[k]), last)]
        numerator[k] = e
        total += np.uint64(e)
    left = np.int64((np.uint64(random) * total) >> _HALF)
    k = 0
    while k + 16 <= columns:  # sixteen at a time while the draw lies beyond them
        part = np.int64(0)
        for i in range(16):
            part += np.int64(numerator[k + i])
        if left < part:
            break
        left -= part
        k += 16
    while left >= np.int64(numerator[k]):
        left -= np.int64(numerator[k])
        k += 1
    return k


# ---- learn ------------------------------------------------------------------------------------------------------------


@_woven_in
def _state(w):
    """Return a weight's state, q + 127: what a read resolves, 0..254."""
    return np.uint32(np.int32(w * _SCALE + _OFFSET))


@_woven_in
def _learn(k, column, first_row, n_cells, x_row, noise, wanted, hit, w, read, alive, pulses, step, events):
    """STDP on the winner's cells: LTP where the input was active, LTD where it was not. Returns the change of its u."""
    reads, hits = 0, 0
    for j in range(n_cells):
        reads += alive[k, j]
        law = np.uint32(x_row[j]) * np.uint32(256) + _state(w[k, j])
        wanted[j] = (pulses[law] + np.uint32(noise[j])) >> np.uint32(16)
    for j in range(n_cells):
        hit[hits] = j
        hits += wanted[j] > 0
    ltp, sent, skipped, at_bound, change = 0, 0, 0, 0, 0
    for e in range(hits):
        j = hit[e]
        n = np.int64(wanted[j]) * np.int64(alive[k, j])
        before, on = w[k, j], np.uint32(x_row[j])
        after = before + np.float32(n) * step[on * np.uint32(256) + _state(before)]
        after = min(max(after, -_ONE), _ONE)
        skipped += np.int64(wanted[j]) - n
        sent += n
        ltp += n * np.int64(on)
        at_bound += n * np.int64(after == before)
        change += (np.int64(_state(after)) - np.int64(_state(before))) * np.int64(on)
        if n > 0:
            w[k, j] = after
            read[np.uint64(first_row) + j, column] = np.int64(_state(after)) - 127
    events[k, _SPIKE] += 1
    events[k, _CELL_READ] += reads
    events[k, _LTP] += ltp
    events[k, _LTD] += sent - ltp
    events[k, _SKIPPED] += skipped
    events[k, _AT_BOUND] += at_bound
    return change


# ---- prune ------------------------------------------------------------------------------------------------------------


@_compiled
def _freeze(k, j, row, column, cells, tables, constant, removed, events):
    """Prune one cell: bring it to the constant by counted pulses and freeze it there, or disconnect it."""
    cells.alive[k, j] = 0
    events[k, _PRUNED] += 1
    if removed:
        cells.read[row, column] = 0
        return
    w, constant = cells.w[k, j], np.float32(constant)
    down = w > constant
    for _ in range(1000):
        if (down and w <= constant) or (not down and w >= constant):
            break
        step = tables.step[_state(w) + (0 if down else 256)]
        if step == 0:
            break
        w += step
        events[k, _PRUNING_PULSE] += 1
    cells.w[k, j] = constant
    cells.read[row, column] = np.int64(_state(constant)) - 127


@_compiled
def _prune(k, column, first_row, n_cells, stage, cells, tables, pruning, seed, events):
    """Prune neuron k's lowest cells (or random ones) until the stage's share is reached; ties go by cell order."""
    quota = np.int64(np.ceil(pruning.share[stage] * n_cells - 1e-9))
    rank = np.empty(n_cells, np.int64)
    pruned = 0
    for j in range(n_cells):
        if cells.alive[k, j] == 0:
            pruned += 1
            rank[j] = 255  # no level below reaches it
            continue
        if pruning.random:
            rank[j] = np.int64(_philox(j, k, 0, seed, _PRUNE)[0] % np.uint64(254))
        else:
            rank[j] = np.int64(_state(cells.w[k, j]))
    left = quota - pruned
    for level in range(255):
        if left <= 0:
            break
        for j in range(n_cells):
            if rank[j] == level and left > 0:
                _freeze(k, j, first_row + j, column, cells, tables, pruning.constant, pruning.removed, events)
                left -= 1


@_compiled
def _mature(k, column, first_row, n_cells, cells, tables, pruning, events):
    """Freeze the cells of neuron k that stand at the floor."""
    for j in range(n_cells):
        if cells.alive[k, j] and cells.w[k, j] <= -_ONE:
            _freeze(k, j, first_row + j, column, cells, tables, pruning.constant, pruning.removed, events)


@_compiled
def _prune_if_due(k, column, first_row, n_cells, spikes, cells, tables, pruning, seed, events):
    """Prune the neuron that fired, when its spike count says so. Returns whether its cells may have changed."""
    changed = False
    for stage in range(pruning.at_spikes.size):
        if pruning.at_spikes[stage] == spikes:
            _prune(k, column, first_row, n_cells, stage, cells, tables, pruning, seed, events)
            changed = True
    if pruning.maturity > 0 and spikes >= pruning.maturity:
        _mature(k, column, first_row, n_cells, cells, tables, pruning, events)
        changed = True
    return changed


# ---- the passes over images -------------------------------------------------------------------------------------------
# Tuples are taken apart once: handing a whole tuple to an inner function costs more than what many of them do.


@_compiled
def learn_windows(
    images, gains, order, first, windows, seed, layout, cells, neurons, tables, pruning, events, totals, winners
):
    """Learn from images ``order``, presentations ``first``..., in windows that start empty.

    ``winners`` [presentation, window, group] receives each winner (neuron index in the whole network).
    """
    w, read, alive = cells
    threshold, spikes = neurons
    intensity, pulses, step, winner, homeostasis = tables
    inputs, row_start, neuron_start = layout
    words, noise, chance, x, x_row, rows, part, u, numerator, wanted, hit = workbench(
        images.shape[1], w.shape[1], read.shape[1]
    )
    groups, zero_row = row_start.size - 1, read.shape[0] - 1
    prunes = pruning.at_spikes.size > 0 or pruning.maturity > 0
    for p in range(order.size):
        presentation = first + p
        _set_chances(images, order[p], gains[order[p]], intensity, chance)
        totals[_PRESENTATION] += 1
        for m in range(windows):
            totals[_INPUT_SPIKE] += _spike(chance, x, words, noise, seed, _INPUT, m, presentation)
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows)
                _read(read, rows, n, threshold, neuron, columns, part, u)
                totals[_ROW_READ] += n
                totals[_COLUMN_SENSE] += columns
                random = _philox(g, m, presentation, seed, _WINNER)[0]
                column = _draw_winner(u, columns, winner, random, numerator)
                k = neuron + column
                winners[p, m, g] = k
                random_words(words, n_cells, seed, _PULSE, m * groups + g, presentation)
                _learn(k, column, row, n_cells, x_row, noise, wanted, hit, w, read, alive, pulses, step, events)
                threshold[k] -= homeostasis
                spikes[k] += 1
                if prunes:
                    _prune_if_due(k, column, row, n_cells, spikes[k], cells, tables, pruning, seed, events)


@_compiled
def learn_sliding(
    images, gains, order, first, steps, window, seed, layout, cells, neurons, tables, pruning, events, totals, winners
):
    """Learn in steps of ``dt``: an input counts as active for ``window`` steps from its spike on; one winner a step.

    Potentials follow the inputs as they enter and leave the window, and the winner's own update.
    ``tables.intensity`` is the chance of a spike in one step. The window is empty when an image begins.
    """
    w, read, alive = cells
    threshold, spikes = neurons
    intensity, pulses, step, winner, homeostasis = tables
    inputs, row_start, neuron_start = layout
    words, noise, chance, x, x_row, rows, part, u, numerator, wanted, hit = workbench(
        images.shape[1], w.shape[1], read.shape[1]
    )
    groups, zero_row = row_start.size - 1, read.shape[0] - 1
    prunes = pruning.at_spikes.size > 0 or pruning.maturity > 0
    left, turn = np.zeros(x.size, np.int64), np.zeros(x.size, np.int32)
    sums, no_threshold = np.zeros((groups, read.shape[1]), np.int32), np.zeros_like(threshold)
    for p in range(order.size):
        presentation = first + p
        _set_chances(images, order[p], gains[order[p]], intensity, chance)
        totals[_PRESENTATION] += 1
        sums[:] = 0
        left[:] = 0
        for m in range(steps):
            totals[_INPUT_SPIKE] += _spike(chance, x, words, noise, seed, _INPUT, m, presentation)
            for i in range(x.size):
                before = left[i] > 0
                left[i] = window if x[i] else max(left[i] - 1, 0)
                x[i] = left[i] > 0
                turn[i] = np.int32(x[i]) - np.int32(before)
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                totals[_ROW_READ] += _drive(inputs, row, n_cells, zero_row, x, x_row, rows)
                totals[_COLUMN_SENSE] += columns
                for j in range(n_cells):
                    sign = turn[np.uint32(inputs[row + j])]
                    if sign != 0:
                        for c in range(columns):
                            sums[g, c] += sign * np.int32(read[row + j, c])
                for c in range(columns):
                    u[c] = sums[g, c] + threshold[neuron + c]
                random = _philox(g, m, presentation, seed, _WINNER)[0]
                column = _draw_winner(u, columns, winner, random, numerator)
                k = neuron + column
                winners[p, m, g] = k
                random_words(words, n_cells, seed, _PULSE, m * groups + g, presentation)
                sums[g, column] += _learn(
                    k, column, row, n_cells, x_row, noise, wanted, hit, w, read, alive, pulses, step, events
                )
                threshold[k] -= homeostasis
                spikes[k] += 1
                if prunes and _prune_if_due(k, column, row, n_cells, spikes[k], cells, tables, pruning, seed, events):
                    n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows)
                    _read(read, rows, n, no_threshold, neuron, columns, part, u)
                    sums[g, :columns] = u[:columns]


@_compiled
def infer(images, gains, places, windows, seed, phase, refractory, layout, cells, neurons, tables, winners):
    """Present images without learning; a neuron that fired is held back by ``refractory`` for the rest of the image.

    ``places`` is where each image's random numbers are drawn (see ``encoding.image_keys``), so that what is read from an
    image does not depend on the others.
    """
    read, settled = cells.read, neurons.threshold
    inputs, row_start, neuron_start = layout
    words, noise, chance, x, x_row, rows, part, u, numerator, _, _ = workbench(
        images.shape[1], cells.w.shape[1], read.shape[1]
    )
    groups, zero_row = row_start.size - 1, read.shape[0] - 1
    threshold = settled.copy()
    for p in range(images.shape[0]):
        _set_chances(images, p, gains[p], tables.intensity, chance)
        for m in range(windows):
            _spike(chance, x, words, noise, seed, _INPUT + (phase << 8), m, places[p])
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows)
                _read(read, rows, n, threshold, neuron, columns, part, u)
                random = _philox(g, m, places[p], seed, _WINNER + (phase << 8))[0]
                k = neuron + _draw_winner(u, columns, tables.winner, random, numerator)
                winners[p, m, g] = k
                threshold[k] -= refractory
        for m in range(windows):
            for g in range(groups):
                threshold[winners[p, m, g]] = settled[winners[p, m, g]]
