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
from synarray.rng import Phase, Stream

__all__ = ["Cells", "Layout", "Neurons", "Pruning", "Tables", "infer", "learn_sliding", "learn_windows", "random_words"]


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

    intensity: npt.NDArray[np.uint16]  # [256] chance that an input of this intensity is active in a window (or step), / 2^16
    pulses: npt.NDArray[np.uint32]  # [2, 256] mean number of pulses, 16 fractional bits: LTD (input silent), LTP (active)
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
_LANES = 64  # columns are padded to a whole number of 64-byte vector registers

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


def _compiled(function):  # type: ignore[no-untyped-def]
    return njit(error_model="numpy", cache=True, nogil=True)(function)


@_compiled
def _bench(n_inputs, n_cells, n_columns):
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


@_compiled
def _philox(block, step, presentation, seed, stream):
    """Philox-4x32-10 of one place: four 32-bit words, each in 64 bits."""
    c0, c1, c2, c3 = np.uint64(block), np.uint64(step), np.uint64(presentation), np.uint64(0)
    k0, k1 = np.uint64(seed), np.uint64(stream)
    for _ in range(10):
        p0, p1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@_compiled
def random_words(words, n, seed, stream, step, presentation):
    """Fill ``words`` with the random words of one place, enough for n 16-bit numbers."""
    for block in range((n + 7) // 8):
        c0, c1, c2, c3 = _philox(block, step, presentation, seed, stream)
        words[4 * block] = c0
        words[4 * block + 1] = c1
        words[4 * block + 2] = c2
        words[4 * block + 3] = c3


# ---- encode -----------------------------------------------------------------------------------------------------------


@_compiled
def _set_chances(pixels, gain, intensity, chance):
    """Set each input's chance of being active, after gain control of the image (gain in 1/65536)."""
    for i in range(pixels.size):
        level = min((np.uint64(pixels[i]) * np.uint64(gain) + np.uint64(32768)) >> np.uint64(16), np.uint64(255))
        chance[i] = intensity[level]


@_compiled
def _spike(bench, seed, stream, step, presentation):
    """Draw which inputs spike. Returns how many."""
    n = bench.x.size
    random_words(bench.words, n, seed, stream, step, presentation)
    active = 0
    for i in range(n):
        on = bench.noise[i] < bench.chance[i]
        bench.x[i] = on
        active += on
    return active


# ---- read -------------------------------------------------------------------------------------------------------------


@_compiled
def _drive(layout, g, bench, zero_row):
    """Hand the inputs' activity to the rows of group g; list the active rows, filled up to eights with the zero row."""
    first = layout.row_start[g]
    n = 0
    for j in range(layout.row_start[g + 1] - first):
        on = bench.x[np.uint32(layout.inputs[first + j])]
        bench.x_row[j] = on
        bench.rows[n] = first + j
        n += on
    for a in range(n, (n + 7) // 8 * 8):
        bench.rows[a] = zero_row
    return n


@_compiled
def _read(read, n, bench, threshold, first_neuron, columns):
    """Potentials of one group: u_k = sum of the active rows' cells + th_k."""
    rows, part, u = bench.rows, bench.part, bench.u
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


@_compiled
def _draw_winner(bench, columns, table, random):
    """Draw k ~ softmax(beta u), exactly: integer numerators, one 32-bit random number."""
    u, numerator = bench.u, bench.numerator
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
    for k in range(columns):
        left -= np.int64(numerator[k])
        if left < 0:
            return k
    return columns - 1


# ---- learn ------------------------------------------------------------------------------------------------------------


@_compiled
def _state(w):
    """Return a weight's state, q + 127: what a read resolves, 0..254."""
    return np.uint32(np.int32(w * _SCALE + _OFFSET))


@_compiled
def _learn(k, column, first_row, n_cells, bench, cells, tables, events):
    """STDP on the winner's cells: LTP where the input was active, LTD where it was not. Returns the change of its u."""
    w, alive, pulses, steps = cells.w, cells.alive, tables.pulses, tables.step
    x_row, noise, wanted, hit = bench.x_row, bench.noise, bench.wanted, bench.hit
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
        after = before + np.float32(n) * steps[on * np.uint32(256) + _state(before)]
        after = min(max(after, -_ONE), _ONE)
        skipped += np.int64(wanted[j]) - n
        sent += n
        ltp += n * np.int64(on)
        at_bound += n * np.int64(after == before)
        change += (np.int64(_state(after)) - np.int64(_state(before))) * np.int64(on)
        if n > 0:
            w[k, j] = after
            cells.read[np.uint64(first_row) + j, column] = np.int64(_state(after)) - 127
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
    quota = np.int64(np.floor(pruning.share[stage] * n_cells + 0.5))
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
def _after_spike(k, column, first_row, n_cells, cells, neurons, tables, pruning, seed, events):
    """Homeostasis and pruning of the neuron that fired. Returns whether its cells changed."""
    neurons.threshold[k] -= tables.homeostasis
    neurons.spikes[k] += 1
    spikes = neurons.spikes[k]
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


@_compiled
def learn_windows(
    images, gains, order, first, windows, seed, layout, cells, neurons, tables, pruning, events, totals, winners
):
    """Learn from images ``order``, presentations ``first``..., in windows that start empty.

    ``winners`` [presentation, window, group] receives each winner (neuron index in the whole network).
    """
    groups = layout.row_start.size - 1
    bench = _bench(images.shape[1], cells.w.shape[1], cells.read.shape[1])
    zero_row = cells.read.shape[0] - 1
    for p in range(order.size):
        presentation = first + p
        _set_chances(images[order[p]], gains[order[p]], tables.intensity, bench.chance)
        totals[_PRESENTATION] += 1
        for m in range(windows):
            totals[_INPUT_SPIKE] += _spike(bench, seed, _INPUT, m, presentation)
            for g in range(groups):
                row, n_cells = layout.row_start[g], layout.row_start[g + 1] - layout.row_start[g]
                neuron, columns = layout.neuron_start[g], layout.neuron_start[g + 1] - layout.neuron_start[g]
                n = _drive(layout, g, bench, zero_row)
                _read(cells.read, n, bench, neurons.threshold, neuron, columns)
                totals[_ROW_READ] += n
                totals[_COLUMN_SENSE] += columns
                column = _draw_winner(bench, columns, tables.winner, _philox(g, m, presentation, seed, _WINNER)[0])
                k = neuron + column
                winners[p, m, g] = k
                random_words(bench.words, n_cells, seed, _PULSE, m * groups + g, presentation)
                _learn(k, column, row, n_cells, bench, cells, tables, events)
                _after_spike(k, column, row, n_cells, cells, neurons, tables, pruning, seed, events)


@_compiled
def learn_sliding(
    images, gains, order, first, steps, window, seed, layout, cells, neurons, tables, pruning, events, totals, winners
):
    """Learn in steps of ``dt``: an input counts as active for ``window`` steps from its spike on; one winner a step.

    Potentials follow the inputs as they enter and leave the window, and the winner's own update.
    ``tables.intensity`` is the chance of a spike in one step. The window is empty when an image begins.
    """
    groups, n_inputs = layout.row_start.size - 1, images.shape[1]
    bench = _bench(n_inputs, cells.w.shape[1], cells.read.shape[1])
    zero_row = cells.read.shape[0] - 1
    left, turn = np.zeros(n_inputs, np.int64), np.zeros(n_inputs, np.int32)
    sums, no_threshold = np.zeros((groups, cells.read.shape[1]), np.int32), np.zeros_like(neurons.threshold)
    for p in range(order.size):
        presentation = first + p
        _set_chances(images[order[p]], gains[order[p]], tables.intensity, bench.chance)
        totals[_PRESENTATION] += 1
        sums[:] = 0
        left[:] = 0
        for m in range(steps):
            totals[_INPUT_SPIKE] += _spike(bench, seed, _INPUT, m, presentation)
            for i in range(n_inputs):
                before = left[i] > 0
                left[i] = window if bench.x[i] else max(left[i] - 1, 0)
                bench.x[i] = left[i] > 0
                turn[i] = np.int32(bench.x[i]) - np.int32(before)
            for g in range(groups):
                row, n_cells = layout.row_start[g], layout.row_start[g + 1] - layout.row_start[g]
                neuron, columns = layout.neuron_start[g], layout.neuron_start[g + 1] - layout.neuron_start[g]
                totals[_ROW_READ] += _drive(layout, g, bench, zero_row)
                totals[_COLUMN_SENSE] += columns
                for j in range(n_cells):
                    sign = turn[np.uint32(layout.inputs[row + j])]
                    if sign != 0:
                        for c in range(columns):
                            sums[g, c] += sign * np.int32(cells.read[row + j, c])
                for c in range(columns):
                    bench.u[c] = sums[g, c] + neurons.threshold[neuron + c]
                column = _draw_winner(bench, columns, tables.winner, _philox(g, m, presentation, seed, _WINNER)[0])
                k = neuron + column
                winners[p, m, g] = k
                random_words(bench.words, n_cells, seed, _PULSE, m * groups + g, presentation)
                sums[g, column] += _learn(k, column, row, n_cells, bench, cells, tables, events)
                if _after_spike(k, column, row, n_cells, cells, neurons, tables, pruning, seed, events):
                    n = _drive(layout, g, bench, zero_row)
                    _read(cells.read, n, bench, no_threshold, neuron, columns)
                    sums[g, :columns] = bench.u[:columns]


@_compiled
def infer(images, gains, first, windows, seed, phase, refractory, layout, cells, neurons, tables, winners):
    """Present images without learning; a neuron that fired is held back by ``refractory`` for the rest of the image.

    ``first`` is the index of the first image in its set, so that any split of the set draws the same numbers.
    """
    groups = layout.row_start.size - 1
    bench = _bench(images.shape[1], cells.w.shape[1], cells.read.shape[1])
    zero_row = cells.read.shape[0] - 1
    threshold = neurons.threshold.copy()
    for p in range(images.shape[0]):
        _set_chances(images[p], gains[p], tables.intensity, bench.chance)
        for m in range(windows):
            _spike(bench, seed, _INPUT + (phase << 8), m, first + p)
            for g in range(groups):
                neuron, columns = layout.neuron_start[g], layout.neuron_start[g + 1] - layout.neuron_start[g]
                n = _drive(layout, g, bench, zero_row)
                _read(cells.read, n, bench, threshold, neuron, columns)
                random = _philox(g, m, first + p, seed, _WINNER + (phase << 8))[0]
                k = neuron + _draw_winner(bench, columns, tables.winner, random)
                winners[p, m, g] = k
                threshold[k] -= refractory
        for m in range(windows):
            for g in range(groups):
                threshold[winners[p, m, g]] = neurons.threshold[winners[p, m, g]]
