"""Many cells, compiled: pulse a neuron's column, program, freeze. Reads: ``read_kernels.py``.

What a cell is read as is an 8-bit number (``read``, by row, because reads drive rows); where it is is the weight w (by neuron,
because pulses go to one neuron's column at a time). Kernels see arrays and numbers only and never raise; a part that is None is
not compiled at all: no device for ideal weights, no word for weights that are not of binary cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.converter import Converter
from synarray.compiled import compiled, woven_in
from synarray.device.kernels import drive, met_by, move_word, moved, normal_of, pulse_works, state_of_weight
from synarray.events import NeuronEvent
from synarray.rng import Stream
from synarray.rng_kernels import fill_words

__all__ = ["Device", "Pairs", "freeze", "program", "program_all", "pulse", "refresh", "see_states", "sum_levels"]


class Device(NamedTuple):
    """How the cells of a device are used, in numbers."""

    paired: bool  # a weight is the difference of two cells
    no_current: float  # w that a disconnected cell is read as
    read_sigma: float  # standard deviation of a read, in read units, for power 1; 0 = noiseless
    read_power: npt.NDArray[np.uint8]  # [256] variance of one cell's read current by state
    normal: npt.NDArray[np.float32]  # [1025] quantiles of |z|, z normal
    converter: Converter  # what digitises each column's read


class Pairs(NamedTuple):
    """When pairs are looked after."""

    refresh_every: int  # output spikes between looks
    refresh_at: float  # share of its range beyond which a cell calls for a refresh


_ONE = np.float32(1.0)
_BOTTOM, _TOP = np.float32(0.0), np.float32(254.5)
_FAILURE, _PROGRAM, _CYCLE = (np.int64(s) for s in (Stream.FAILURE, Stream.PROGRAM, Stream.CYCLE))
_LTP, _LTD = np.int64(NeuronEvent.LTP_PULSE), np.int64(NeuronEvent.LTD_PULSE)
_LTP_LEVEL, _LTD_LEVEL = np.int64(NeuronEvent.LTP_LEVEL), np.int64(NeuronEvent.LTD_LEVEL)
_AT_BOUND, _SKIPPED = np.int64(NeuronEvent.PULSE_AT_BOUND), np.int64(NeuronEvent.PULSE_SKIPPED)
_FAILED, _REFRESH, _PRUNED = (
    np.int64(e) for e in (NeuronEvent.PULSE_FAILED, NeuronEvent.PAIR_REFRESH, NeuronEvent.CELL_PRUNED)
)
_VERIFY, _VERIFY_LEVEL = np.int64(NeuronEvent.VERIFY_READ), np.int64(NeuronEvent.VERIFY_LEVEL)
_PRUNING_PULSE = np.int64(NeuronEvent.PRUNING_PULSE)


# ---- what a read resolves -----------------------------------------------------------------------------------------------


@woven_in
def _code(w, scale, offset):
    """Return what a read resolves of a weight, -127..127; beyond that the sense circuit is at its end."""
    return np.int64(np.int32(min(max(w * scale + offset, _BOTTOM), _TOP))) - 127


@woven_in
def _resolve(k, j, row, column, cells, device):
    """Lay down what a read resolves of a cell that changed. Returns by how much that changed."""
    scaled = np.int64(cells.scale.size > 2)
    neuron, cell = np.int64(k) * scaled, np.int64(j) * scaled
    code = _code(cells.w[k, j], cells.scale[neuron, cell, 0], cells.scale[neuron, cell, 1])
    change = code - np.int64(cells.read[row, column])
    cells.read[row, column] = code
    if device is not None:
        if device.read_sigma > 0:
            cells.power[row, column] = _power(k, j, cells, device)
    return change


@woven_in
def _power(k, j, cells, device):
    """Variance of the current that a weight is read with."""
    if device.paired:
        one, other = cells.pair[0, k, j], cells.pair[1, k, j]
        return device.read_power[state_of_weight(one)] + device.read_power[state_of_weight(other)]
    return device.read_power[state_of_weight(cells.w[k, j])]


@compiled(allocates=False)
def see_states(w, states):
    """Fill ``states`` with the states of weights, 0..254; both are flat."""
    for i in range(w.size):
        states[i] = state_of_weight(w[i])


@compiled(allocates=False)
def sum_levels(levels, connected, alive, row_start, neuron_start, n_cells, by_row, n_alive, by_neuron):
    """Add up the states of cells, ``levels`` [slice, neuron, cell]: by row those connected, by neuron those that learn.

    Counts them as well: weights in each row, and of each neuron.
    """
    for g in range(row_start.size - 1):
        row, most = row_start[g], row_start[g + 1] - row_start[g]
        cells_, sums = n_cells[row : row + most], by_row[row : row + most]
        for k in range(neuron_start[g], neuron_start[g + 1]):
            own, learning = np.int64(0), np.int64(0)
            for j in range(most):
                cells_[j] += np.int64(connected[k, j])
                learning += np.int64(alive[k, j])
            for s in range(levels.shape[0]):
                for j in range(most):
                    sums[j] += np.int64(levels[s, k, j]) * np.int64(connected[k, j])
                    own += np.int64(levels[s, k, j]) * np.int64(alive[k, j])
            n_alive[k], by_neuron[k] = learning, own


# ---- pulse a column ---------------------------------------------------------------------------------------------------


@compiled(allocates=False, inside=True, inlined=True)
def _pulse_ideal(k, column, first_row, hits, x_row, wanted, hit, cells, t, law, events):
    """Send the wanted pulses to those ideal weights that still learn. Returns the change of the neuron's potential."""
    ltp, sent, skipped, at_bound, change = 0, 0, 0, 0, 0
    w, read = cells.w, cells.read
    for e in range(hits):
        j = hit[e]
        n = np.int64(wanted[j]) * np.int64(cells.alive[k, j])
        before, on = w[k, j], np.uint32(x_row[j])
        after = before + np.float32(n) * law.step[t, 0, on * np.uint32(256) + state_of_weight(before)]
        after = min(max(after, -_ONE), _ONE)
        skipped += np.int64(wanted[j]) - n
        sent += n
        ltp += n * np.int64(on)
        at_bound += n * np.int64(after == before)
        change += (np.int64(state_of_weight(after)) - np.int64(state_of_weight(before))) * np.int64(on)
        if n > 0:
            w[k, j] = after
            read[np.uint64(first_row) + j, column] = np.int64(state_of_weight(after)) - 127
    events[k, _LTP] += ltp
    events[k, _LTD] += sent - ltp
    events[k, _SKIPPED] += skipped
    events[k, _AT_BOUND] += at_bound
    return change


@compiled(allocates=False, inside=True, inlined=True)
def _pulse_cells(
    k, column, first_row, hits, x_row, cycle, wanted, hit, cells, t, law, device, pairs, seed, place, presentation, events,
):  # fmt: skip
    """Send the wanted pulses to the cells of a device: ``_pulse_ideal`` with all that makes cells differ from ideal ones.

    The spreads of a cell's pulses add up as variances and are drawn once. Of a pair, LTD raises the other cell.
    """
    ltp, sent, skipped, at_bound, failures, change, met, met_ltp = 0, 0, 0, 0, 0, 0, 0, 0
    w, alive, pair, traits = cells.w[k], cells.alive[k], cells.pair, cells.traits
    for e in range(hits):
        j = hit[e]
        n = np.int64(wanted[j]) * np.int64(alive[j])
        skipped += np.int64(wanted[j]) - n
        if n == 0:
            continue
        before, on = w[j], np.uint32(x_row[j])
        if pairs is None:
            s, up, x = np.uint32(0), on, before
        else:
            s, up = np.uint32(1) - on, np.uint32(1)
            x = pair[s, k, j]
        gain, form = traits[s, up, k, j], cells.variant[s, k, j]
        low = min(x, traits[s, 2, k, j])  # a cell that has drifted may be below its range
        variance, failed, level = np.float32(0.0), 0, -np.int64(state_of_weight(x))
        for i in range(n):
            chance = law.chance[up * np.uint32(256) + state_of_weight(x)]
            level += 2 * np.int64(state_of_weight(x))
            block = np.uint64(j) + (np.uint64(i) << np.uint64(20))
            if not pulse_works(chance, block, place, presentation, seed, _FAILURE):
                failed += 1
                continue
            x, sigma = moved(x, up, gain, form, t, law)
            variance += sigma * sigma
        if law.noisy:
            x += np.sqrt(variance) * normal_of(cycle[j], law.normal)
        x = min(max(x, low), traits[s, 3, k, j])
        level += np.int64(state_of_weight(x))
        met += level
        met_ltp += level * np.int64(up)
        if pairs is not None:
            pair[s, k, j] = x
            x = (pair[0, k, j] - pair[1, k, j]) * np.float32(0.5)
        sent += n
        ltp += n * np.int64(up)
        failures += failed
        at_bound += (n - failed) * np.int64(x == before)
        cells.writes[s, k, j] += np.uint32(n)
        w[j] = x
        change += _resolve(k, j, np.uint64(first_row) + j, column, cells, device) * np.int64(on)
    events[k, _LTP] += ltp
    events[k, _LTD] += sent - ltp
    events[k, _SKIPPED] += skipped
    events[k, _AT_BOUND] += at_bound
    events[k, _LTP_LEVEL] += met_ltp
    events[k, _LTD_LEVEL] += met - met_ltp
    events[k, _FAILED] += failures
    return change


@compiled(allocates=False, inside=True, inlined=True)
def _pulse_words(k, column, first_row, hits, x_row, wanted, hit, cells, word, seed, place, presentation, events):
    """Move the words of binary cells by as many levels as pulses are wanted."""
    skipped, change = 0, 0
    for e in range(hits):
        j = hit[e]
        n = np.int64(wanted[j]) * np.int64(cells.alive[k, j])
        skipped += np.int64(wanted[j]) - n
        if n == 0:
            continue
        on = np.int64(x_row[j])
        fixed = cells.stuck[k, j] if cells.stuck.size > 1 else cells.stuck[0, 0]
        cells.w[k, j] = move_word(
            cells.w[k, j],
            n,
            on > 0,
            k,
            np.int64(j),
            word,
            fixed,
            cells.writes,
            seed,
            _FAILURE,
            place,
            presentation,
            _LTP,
            _LTD,
            events,
        )
        change += _resolve(k, j, np.uint64(first_row) + j, column, cells, None) * on
    events[k, _SKIPPED] += skipped
    return change


@woven_in
def pulse(
    k, column, first_row, n_cells, hits, x_row, cells, t, law, device, pairs, word, bench, seed, place, presentation, events,
):  # fmt: skip
    """Send neuron k's cells the pulses that ``bench`` lists: LTP where ``x_row`` is set, LTD elsewhere.

    Returns the change of the neuron's potential.
    """
    change, wanted, hit = np.int64(0), bench.wanted, bench.hit
    if word is not None:
        change = _pulse_words(
            k, column, first_row, hits, x_row, wanted, hit, cells, word, seed, place, presentation, events
        )
    if law is not None:
        if device is not None:
            if law.noisy and hits > 0:
                fill_words(bench.cycle_words, n_cells, seed, _CYCLE, place, presentation)
            change = _pulse_cells(
                k, column, first_row, hits, x_row, bench.cycle, wanted, hit, cells, t, law, device, pairs, seed, place,
                presentation, events,
            )  # fmt: skip
        else:
            change = _pulse_ideal(k, column, first_row, hits, x_row, wanted, hit, cells, t, law, events)
    return change


# ---- program and freeze -----------------------------------------------------------------------------------------------


@woven_in
def _trait(t, s, k, j, traits):
    """One trait of one cell; ideal weights have one for all."""
    varies = np.int64(traits.size > 4)
    return traits[s * varies, t, k * varies, j * varies]


@woven_in
def _drive(s, k, j, x, target, cells, t, law, seed, place, event, event_down, events):
    """Write-verify of one cell, with its own traits. Returns where it is."""
    curved = np.int64(cells.variant.size > 1)
    x, sent = drive(
        x, target, _trait(0, s, k, j, cells.traits), _trait(1, s, k, j, cells.traits), _trait(2, s, k, j, cells.traits),
        _trait(3, s, k, j, cells.traits), cells.variant[s * curved, k * curved, j * curved], t, law, 2 * j + s, k, place, seed,
        _PROGRAM, event, event_down, events,
    )  # fmt: skip
    cells.writes[s, k, j] += sent
    return x


@woven_in
def _program_pair(k, j, target, cells, t, law, seed, place, event, event_down, events):
    """Reset both cells of a pair, then raise the one that carries the difference."""
    s = 0 if target > 0 else 1
    for side in range(2):
        low = _trait(2, side, k, j, cells.traits)
        if cells.pair[side, k, j] > low and _trait(0, side, k, j, cells.traits) > 0:
            events[k, met_by(event_down)] += np.int64(state_of_weight(cells.pair[side, k, j]) + state_of_weight(low))
            events[k, event_down] += 1
            cells.pair[side, k, j] = low
            cells.writes[side, k, j] += np.uint32(1)
    goal = cells.pair[1 - s, k, j] + np.float32(2.0) * abs(target)
    cells.pair[s, k, j] = _drive(
        s, k, j, cells.pair[s, k, j], goal, cells, t, law, seed, place, event, event_down, events
    )
    cells.w[k, j] = (cells.pair[0, k, j] - cells.pair[1, k, j]) * np.float32(0.5)


@compiled(allocates=False, inside=True)
def program(
    k, j, row, column, target, cells, t, law, device, pairs, word, seed, place, event, event_down, events,
):  # fmt: skip
    """Bring a weight to a target by counted pulses; ``place`` tells such passes apart."""
    if word is not None:
        delta = np.float32(2.0) / np.float32((1 << word.bits) - 1)
        levels = np.int64(np.rint((target - cells.w[k, j]) / delta))
        fixed = cells.stuck[k, j] if cells.stuck.size > 1 else cells.stuck[0, 0]
        cells.w[k, j] = move_word(
            cells.w[k, j], abs(levels), levels > 0, k, j, word, fixed, cells.writes, seed, _PROGRAM, k, place, event, event_down,
            events,
        )  # fmt: skip
    if pairs is not None:
        _program_pair(k, j, target, cells, t, law, seed, place, event, event_down, events)
    elif law is not None:
        cells.w[k, j] = _drive(
            np.int64(0), k, j, cells.w[k, j], target, cells, t, law, seed, place, event, event_down, events
        )
    _resolve(k, j, row, column, cells, device)


@compiled(allocates=False)
def program_all(
    targets, row_start, neuron_start, cells, law, device, pairs, word, seed, place, event, events,
):  # fmt: skip
    """Bring all weights to targets [neuron, cell] by counted pulses (write-verify); ``place`` tells such passes apart."""
    for g in range(row_start.size - 1):
        for k in range(neuron_start[g], neuron_start[g + 1]):
            for j in range(row_start[g + 1] - row_start[g]):
                program(
                    k, j, row_start[g] + j, k - neuron_start[g], targets[k, j], cells, np.int64(0), law, device, pairs, word,
                    seed, place, event, event, events,
                )  # fmt: skip


@woven_in
def freeze(
    k, j, row, column, target, removed, cells, t, law, device, pairs, word, seed, place, events,
):  # fmt: skip
    """Prune one weight: bring it to the target by counted pulses and freeze it there, or disconnect it."""
    cells.alive[k, j] = 0
    events[k, _PRUNED] += 1
    if not removed:
        program(
            k, j, row, column, target, cells, t, law, device, pairs, word, seed, place, _PRUNING_PULSE, _PRUNING_PULSE,
            events,
        )  # fmt: skip
        return
    scaled = np.int64(cells.scale.size > 2)
    zero = np.float32(0.0)
    if device is not None:
        zero = np.float32(device.no_current)
        if device.read_sigma > 0:
            cells.power[row, column] = 0
    cells.read[row, column] = _code(
        zero, cells.scale[k * scaled, j * scaled, 0], cells.scale[k * scaled, j * scaled, 1]
    )


@woven_in
def _worn(k, j, cells, share):
    """Whether a cell of a pair is close to the end of its range, and the other far enough from its lowest to help."""
    high, least = np.float32(0.0), np.float32(1.0)
    for side in range(2):
        low = _trait(2, side, k, j, cells.traits)
        crossed = (cells.pair[side, k, j] - low) / (_trait(3, side, k, j, cells.traits) - low)
        high, least = max(high, crossed), min(least, crossed)
    return high >= share and least > _ONE - share


@compiled(allocates=False, inside=True)
def refresh(k, column, first_row, n_cells, place, cells, t, law, device, pairs, seed, events):
    """Look at the pairs of a neuron that still learn; program again those of which a cell is close to its end."""
    for j in range(n_cells):
        if cells.alive[k, j] == 0:
            continue
        events[k, _VERIFY] += 2
        events[k, _VERIFY_LEVEL] += 2 * np.int64(
            state_of_weight(cells.pair[0, k, j]) + state_of_weight(cells.pair[1, k, j])
        )
        if _worn(k, j, cells, np.float32(pairs.refresh_at)):
            program(
                k,
                j,
                first_row + j,
                column,
                cells.w[k, j],
                cells,
                t,
                law,
                device,
                pairs,
                None,
                seed,
                place,
                _LTP,
                _LTD,
                events,
            )
            events[k, _REFRESH] += 1
