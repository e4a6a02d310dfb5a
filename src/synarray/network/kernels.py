"""The learning machine, compiled: encode, read, draw a winner, learn. One pass over the images, in the order of the signal.

Everything the machine decides with is an integer, so that no sum depends on its order: a cell is read as its weight in
read units (1/127 of a weight, or coarser where cells reach beyond -1..1), potentials and thresholds are counted in the
same unit, probabilities are 16-bit. The stored truth is the weight w[neuron, cell], float32: the cell's conductance on a
scale from -1 (g_min) to 1 (g_max). ``reference.py`` says the same in plain Python and is held equal to this file by a
test. Equations: docs/machine.md, after Nessler et al. 2013 and Shi et al. 2018; cells: docs/devices.md.

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
    "Device",
    "Layout",
    "Neurons",
    "Pruning",
    "Tables",
    "infer",
    "learn_sliding",
    "learn_windows",
    "program",
    "random_words",
    "workbench",
]


class Layout(NamedTuple):
    """Which input drives which row of which group's tile, and which neurons stand on its columns."""

    inputs: npt.NDArray[np.int32]  # [row] input of each row, groups one after another
    row_start: npt.NDArray[np.int64]  # [group + 1] first row of each group
    neuron_start: npt.NDArray[np.int64]  # [group + 1] first neuron of each group


class Cells(NamedTuple):
    """State of the array. ``w`` and ``alive`` stand by neuron for updates, ``read`` by input for reads.

    Ideal weights do not differ from each other: their ``traits`` and ``variant`` have one neuron and one cell.
    """

    w: npt.NDArray[np.float32]  # [neuron, cell] weight: the truth (of a pair: half the difference of its cells)
    read: npt.NDArray[np.int8]  # [row, column] what a read resolves of it, in read units; last row 0
    alive: npt.NDArray[np.uint8]  # [neuron, cell] 1 = still learns
    power: npt.NDArray[np.int8]  # [row, column] variance of the read current; one cell when reads are noiseless
    pair: npt.NDArray[np.float32]  # [2, neuron, cell] the cells of a pair, each -1..1; empty for other schemes
    writes: npt.NDArray[np.uint32]  # [slice, neuron, cell] pulses each cell received
    traits: npt.NDArray[np.float32]  # [slice, 4, neuron, cell] steps of LTD and LTP over the law's; lowest, highest w
    variant: npt.NDArray[np.uint8]  # [slice, neuron, cell] which of the device's nonlinearities
    stuck: npt.NDArray[np.uint16]  # [neuron, cell] bits of a digital word that never change; one when none is stuck
    scale: npt.NDArray[np.float32]  # [neuron, cell, 2] a read resolves scale w + offset; one when all are alike


class Device(NamedTuple):
    """What the cells are and how they are used, in numbers."""

    ideal: bool  # weights without a device
    scheme: int  # 0 one cell (or a compound), 1 pair, 2 digital word
    bits: int  # of a digital word
    bit_chance: npt.NDArray[np.uint32]  # [2] probability that a pulse resets, sets a bit, / 2^16
    attempts: int  # most pulses on one bit
    refresh_every: int  # output spikes between looks at pairs; 0 = never
    refresh_at: float  # share of its range beyond which a cell of a pair calls for a refresh
    looks: int  # cells read per weight before an update; 0 = state-blind
    no_current: float  # w that a disconnected cell is read as
    noisy: bool  # steps spread from cycle to cycle
    read_sigma: float  # standard deviation of a read, in read units, for power 1; 0 = noiseless
    read_power: npt.NDArray[np.uint8]  # [256] variance of one cell's read current by state
    normal: npt.NDArray[np.float32]  # [1025] quantiles of |z|, z normal


class Neurons(NamedTuple):
    """State of the output neurons."""

    threshold: npt.NDArray[np.int32]  # [neuron] th, in read units
    spikes: npt.NDArray[np.int64]  # [neuron] output spikes while learning


class Tables(NamedTuple):
    """Every law, looked up. The index of pulses, chance, step and spread is the state, 0..254; 256 more for LTP."""

    intensity: npt.NDArray[
        np.uint16
    ]  # [256] chance that an input of this intensity is active in a window (or step), / 2^16
    pulses: npt.NDArray[np.uint32]  # [512] mean number of pulses, 16 fractional bits: LTD (input silent), LTP (active)
    chance: npt.NDArray[np.uint32]  # [512] probability that a pulse works, / 2^16
    step: npt.NDArray[np.float32]  # [variant, 512] signed step of one pulse that works
    spread: npt.NDArray[np.float32]  # [variant, 512] its standard deviation
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
_BOTTOM, _TOP = np.float32(0.0), np.float32(254.5)
_PAIR, _DIGITAL = 1, 2
_MOST_PROGRAMMING = 1000  # pulses after which write-verify gives up on a cell
_FLUSH = 256  # rows summed in int16 before they could overflow: 256 x 127 < 2^15
_LANES = 32  # columns are summed in whole registers of 32 16-bit lanes

# as NumPy's integers: numba compiles a function anew for every Python integer it is handed
_INPUT, _WINNER, _PULSE, _PRUNE = (np.int64(s) for s in (Stream.INPUT, Stream.WINNER, Stream.PULSE, Stream.PRUNE))
_CYCLE, _FAILURE, _PROGRAM, _READ = (np.int64(s) for s in (Stream.CYCLE, Stream.FAILURE, Stream.PROGRAM, Stream.READ))
_SPIKE, _CELL_READ, _LTP, _LTD, _AT_BOUND, _SKIPPED, _PRUNING_PULSE, _PRUNED, _VERIFY, _FAILED, _REFRESH, _, _MASK, *_ = (
    np.int64(event) for event in NeuronEvent
)  # fmt: skip
_LTP_LEVEL, _LTD_LEVEL = np.int64(NeuronEvent.LTP_LEVEL), np.int64(NeuronEvent.LTD_LEVEL)
_PRUNING_LEVEL, _INITIAL_LEVEL = np.int64(NeuronEvent.PRUNING_LEVEL), np.int64(NeuronEvent.INITIAL_LEVEL)
_VERIFY_LEVEL = np.int64(NeuronEvent.VERIFY_LEVEL)
_PRESENTATION, _INPUT_SPIKE, _ROW_READ, _COLUMN_SENSE, *_ = (np.int64(event) for event in NetworkEvent)
_HIGHEST = np.int64(254)  # state of a cell at g_max


class _Bench(NamedTuple):
    """The workbench of one pass: arrays that are overwritten in every window. Two groups never share a window's values."""

    words: npt.NDArray[np.uint32]  # random words
    noise: npt.NDArray[np.uint16]  # the same words as 16-bit numbers
    cycle_words: npt.NDArray[np.uint32]  # random words of the cells' spread
    cycle: npt.NDArray[np.uint16]  # the same words as 16-bit numbers
    chance: npt.NDArray[np.uint16]  # [input] chance of being active
    x: npt.NDArray[np.uint8]  # [input] active
    x_row: npt.NDArray[np.uint8]  # [cell] active, in the order of the group's rows
    rows: npt.NDArray[np.uint64]  # [n] active rows
    part: npt.NDArray[np.int16]  # [column] partial sums
    u: npt.NDArray[np.int32]  # [column] potentials
    numerator: npt.NDArray[np.uint32]  # [column] softmax numerators
    variance: npt.NDArray[np.int32]  # [column] of the currents that are read
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
    numbers = (max(n_inputs, n_cells, n_columns) + 7) // 8 * 8
    words, cycle_words = np.zeros(numbers // 2, np.uint32), np.zeros(numbers // 2, np.uint32)
    return _Bench(
        words,
        words.view(np.uint16),  # little-endian: low half first
        cycle_words,
        cycle_words.view(np.uint16),
        np.zeros(n_inputs, np.uint16),
        np.zeros(n_inputs, np.uint8),
        np.zeros(n_cells, np.uint8),
        np.zeros(n_cells + 8, np.uint64),
        np.zeros(n_columns, np.int16),
        np.zeros(n_columns, np.int32),
        np.zeros(n_columns, np.uint32),
        np.zeros(n_columns, np.int32),
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


@_compiled
def _word(block, step, presentation, seed, stream):
    """First random word of one place, where single ones are drawn."""
    return _philox(block, step, presentation, seed, stream)[0]


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
def _drive(inputs, first_row, n_cells, zero_row, x, x_row, rows, driven):
    """Hand the inputs' activity to a tile's rows and, where there is room to, count it.

    Lists the active rows, filled up to eights with the zero row. Returns how many they are.
    """
    if n_cells == x.size:  # a tile of all inputs has them in their order
        x_row[:] = x
    else:
        for j in range(n_cells):
            x_row[j] = x[np.uint32(inputs[first_row + j])]
    if driven.size > 0:
        for j in range(n_cells):
            driven[first_row + j] += np.uint32(x_row[j])
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


@_woven_in
def _blur(
    power, rows, n, columns, no_threshold, part, variance, u, words, noise, normal, sigma, seed, stream, place,
    presentation,
):  # fmt: skip
    """Add read noise to potentials: the variances of the active rows' cells add up, one normal number a column."""
    _read(power, rows, n, no_threshold, 0, columns, part, variance)
    random_words(words, columns, seed, stream, place, presentation)
    for k in range(columns):
        z = np.float32(sigma) * np.sqrt(np.float32(variance[k])) * _normal(noise[k], normal)
        u[k] += np.int32(np.floor(z + np.float32(0.5)))


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


# ---- cells ------------------------------------------------------------------------------------------------------------


@_woven_in
def _state(w):
    """Return a weight's state, 0..254: steps of 1/127 from w = -1 on; a cell beyond the range counts as at its end."""
    return np.uint32(min(max(np.int32(w * _SCALE + _OFFSET), np.int32(0)), np.int32(254)))


@_woven_in
def _code(w, scale, offset):
    """Return what a read resolves of a weight, -127..127; beyond that the sense circuit is at its end."""
    return np.int64(np.int32(min(max(w * scale + offset, _BOTTOM), _TOP))) - 127


@_woven_in
def _normal(bits, quantiles):
    """Turn 16 random bits into a normal number: a sign, and a place between two of 1025 quantiles."""
    i = np.uint32(bits >> np.uint16(5)) & np.uint32(1023)
    part = np.float32(bits & np.uint16(31)) * np.float32(1 / 32) + np.float32(1 / 64)
    z = quantiles[i] + (quantiles[i + np.uint32(1)] - quantiles[i]) * part
    return -z if bits >= np.uint16(32768) else z


@_woven_in
def _level_of(event):
    """Where the conductance met by a kind of pulses is summed."""
    if event == _LTP:
        return _LTP_LEVEL
    if event == _LTD:
        return _LTD_LEVEL
    return _PRUNING_LEVEL if event == _PRUNING_PULSE else _INITIAL_LEVEL


@_compiled
def _write_word(
    before, n, on, k, j, bits, stuck, bit_chance, attempts, writes, events, ltp, ltd, seed, stream, place, presentation,
):  # fmt: skip
    """Move a digital word by n levels: program the bits that change, each until a verify finds it written.

    Returns the new weight; LTP pulses set bits, LTD pulses reset them, counted in the events ``ltp`` and ``ltd``.
    """
    top = np.int64((1 << bits) - 1)
    delta = np.float32(2.0) / np.float32(top)
    old = np.int64((before + _ONE) / delta + np.float32(0.5))
    new = min(old + n, top) if on else max(old - n, 0)
    verified = bit_chance[0] < np.uint32(65536) or bit_chance[1] < np.uint32(65536)
    most = attempts if verified else 1
    for b in range(bits):
        if ((old ^ new) >> b) & 1 == 0:
            continue
        up = (new >> b) & 1
        chance = np.uint32(0) if (np.int64(stuck) >> b) & 1 else bit_chance[up]
        event, written = ltp if up else ltd, False
        stands = np.int64(0) if up else _HIGHEST
        for i in range(most):
            writes[b, k, j] += np.uint32(1)
            block = np.uint64(j) + (np.uint64(i * bits + b) << np.uint64(20))
            written = chance >= np.uint32(65536) or (
                chance > np.uint32(0) and (_word(block, place, presentation, seed, stream) & np.uint64(65535)) < chance
            )
            arrives = _HIGHEST - stands if written else stands
            events[k, event] += 1
            events[k, _level_of(event)] += stands + arrives
            if verified:
                events[k, _VERIFY] += 1
                events[k, _VERIFY_LEVEL] += 2 * arrives
            if written:
                break
            events[k, _FAILED] += 1
        if not written:
            new ^= np.int64(1) << b
    return np.float32(new) * delta - _ONE


# ---- learn ------------------------------------------------------------------------------------------------------------


@_woven_in
def _want(k, n_cells, x_row, noise, w, alive, pulses, wanted, hit):
    """Ask the law how many pulses each cell of neuron k gets: LTP where the input was active, LTD where it was not.

    Lists the cells that get any. Returns how many cells still learn, and how many are listed.
    """
    learning, hits = 0, 0
    for j in range(n_cells):
        learning += alive[k, j]
        law = np.uint32(x_row[j]) * np.uint32(256) + _state(w[k, j])
        wanted[j] = (pulses[law] + np.uint32(noise[j])) >> np.uint32(16)
    for j in range(n_cells):
        hit[hits] = j
        hits += wanted[j] > 0
    return learning, hits


@_woven_in
def _pulse_ideal(k, column, first_row, hits, x_row, wanted, hit, w, read, alive, step, events):
    """Send the wanted pulses to those ideal weights that still learn. Returns the change of the neuron's potential."""
    ltp, sent, skipped, at_bound, change = 0, 0, 0, 0, 0
    for e in range(hits):
        j = hit[e]
        n = np.int64(wanted[j]) * np.int64(alive[k, j])
        before, on = w[k, j], np.uint32(x_row[j])
        after = before + np.float32(n) * step[0, on * np.uint32(256) + _state(before)]
        after = min(max(after, -_ONE), _ONE)
        skipped += np.int64(wanted[j]) - n
        sent += n
        ltp += n * np.int64(on)
        at_bound += n * np.int64(after == before)
        change += (np.int64(_state(after)) - np.int64(_state(before))) * np.int64(on)
        if n > 0:
            w[k, j] = after
            read[np.uint64(first_row) + j, column] = np.int64(_state(after)) - 127
    events[k, _LTP] += ltp
    events[k, _LTD] += sent - ltp
    events[k, _SKIPPED] += skipped
    events[k, _AT_BOUND] += at_bound
    return change


@_woven_in
def _pulse_cells(
    k, column, first_row, hits, x_row, cycle, wanted, hit, w, read, alive, power, pair, writes, traits, variant, scale,
    words_of, scheme, noisy, read_noise, normal, chance, step, spread, events, at,
):  # fmt: skip
    """Send the wanted pulses to the cells of a device; ``_pulse_ideal`` with all that makes cells differ from ideal ones.

    The spreads of a cell's pulses add up as variances and are drawn once. Of a pair, LTD raises the other cell. A digital
    word moves by as many levels as pulses are wanted. ``words_of`` is what words need: stuck bits, bits, chances, attempts;
    ``at`` is seed, place and presentation.
    """
    seed, place, presentation = at
    read_sigma, read_power = read_noise
    paired, scaled = scheme == _PAIR, np.int64(scale.size > 2)
    ltp, sent, skipped, at_bound, failures, change, met, met_ltp = 0, 0, 0, 0, 0, 0, 0, 0
    for e in range(hits):
        j = hit[e]
        n = np.int64(wanted[j]) * np.int64(alive[k, j])
        skipped += np.int64(wanted[j]) - n
        if n == 0:
            continue
        before, on = w[k, j], np.uint32(x_row[j])
        if scheme == _DIGITAL:
            stuck, bits, bit_chance, attempts = words_of
            fixed = stuck[k, j] if stuck.size > 1 else stuck[0, 0]
            after = _write_word(
                before, n, on > 0, k, np.int64(j), bits, fixed, bit_chance, attempts, writes, events, _LTP, _LTD,
                seed, _FAILURE, place, presentation,
            )  # fmt: skip
        else:
            s = np.int64(1) - np.int64(on) if paired else np.int64(0)
            up = np.uint32(1) if paired else on
            after, gain, form = pair[s, k, j] if paired else before, traits[s, up, k, j], variant[s, k, j]
            low = min(after, traits[s, 2, k, j])  # a cell that has drifted stands below its range
            variance, failed, level = np.float32(0.0), 0, -np.int64(_state(after))
            for i in range(n):
                law = up * np.uint32(256) + _state(after)
                level += 2 * np.int64(_state(after))
                if chance[law] < np.uint32(65536):
                    block = np.uint64(j) + (np.uint64(i) << np.uint64(20))
                    if (_word(block, place, presentation, seed, _FAILURE) & np.uint64(65535)) >= chance[law]:
                        failed += 1
                        continue
                sigma = gain * spread[form, law]
                variance += sigma * sigma
                after += gain * step[form, law]
            if noisy:
                after += np.sqrt(variance) * _normal(cycle[j], normal)
            after = min(max(after, low), traits[s, 3, k, j])
            level += np.int64(_state(after))
            met += level
            met_ltp += level * np.int64(up)
            if paired:
                pair[s, k, j] = after
                after = (pair[0, k, j] - pair[1, k, j]) * np.float32(0.5)
            sent += n
            ltp += n * np.int64(up)
            failures += failed
            at_bound += (n - failed) * np.int64(after == before)
            writes[s, k, j] += np.uint32(n)
        w[k, j] = after
        row, ks, js = np.uint64(first_row) + j, k * scaled, np.int64(j) * scaled
        code = _code(after, scale[ks, js, 0], scale[ks, js, 1])
        change += (code - np.int64(read[row, column])) * np.int64(on)
        read[row, column] = code
        if read_sigma > 0:
            power[row, column] = read_power[_state(after)]
            if paired:
                power[row, column] = read_power[_state(pair[0, k, j])] + read_power[_state(pair[1, k, j])]
    events[k, _LTP] += ltp
    events[k, _LTD] += sent - ltp
    events[k, _SKIPPED] += skipped
    events[k, _AT_BOUND] += at_bound
    events[k, _LTP_LEVEL] += met_ltp
    events[k, _LTD_LEVEL] += met - met_ltp
    events[k, _FAILED] += failures
    return change


# ---- program and prune ------------------------------------------------------------------------------------------------


@_woven_in
def _trait(t, s, k, j, traits):
    """One trait of one cell."""
    varies = np.int64(traits.size > 4)
    return traits[s * varies, t, k * varies, j * varies]


@_compiled
def _drive_cell(s, k, j, x, target, cells, device, tables, seed, place, event, event_down, events):
    """Write-verify: pulses towards the target, a read after each, until the cell has reached or passed it."""
    curved = np.int64(cells.variant.size > 1)
    form = cells.variant[s * curved, k * curved, j * curved]
    low, high = _trait(2, s, k, j, cells.traits), _trait(3, s, k, j, cells.traits)
    target = min(max(target, low), high)
    low = min(x, low)  # a cell that has drifted stands below its range
    up = np.uint32(1) if x < target else np.uint32(0)
    gain = _trait(up, s, k, j, cells.traits)
    events[k, _VERIFY] += 1
    events[k, _VERIFY_LEVEL] += 2 * np.int64(_state(x))
    for i in range(_MOST_PROGRAMMING):
        law = up * np.uint32(256) + _state(x)
        if (up and x >= target) or (not up and x <= target) or gain * tables.step[form, law] == 0:
            break
        block = np.uint64(2 * j + s) + (np.uint64(i) << np.uint64(22))
        random = _philox(block, k, place, seed, _PROGRAM)
        kind, level = event if up else event_down, np.int64(_state(x))
        events[k, kind] += 1
        events[k, _VERIFY] += 1
        cells.writes[s, k, j] += np.uint32(1)
        if (random[0] & np.uint64(65535)) < np.uint64(tables.chance[law]):
            x += gain * tables.step[form, law]
            if device.noisy:
                x += gain * tables.spread[form, law] * _normal(np.uint16(random[1] & np.uint64(65535)), device.normal)
            x = min(max(x, low), high)
        else:
            events[k, _FAILED] += 1
        events[k, _level_of(kind)] += level + np.int64(_state(x))
        events[k, _VERIFY_LEVEL] += 2 * np.int64(_state(x))
    return x


@_compiled
def _set_read(k, j, row, column, cells, device):
    """Lay down what a read resolves of a cell that changed."""
    reading = cells.scale[k, j] if cells.scale.size > 2 else cells.scale[0, 0]
    cells.read[row, column] = _code(cells.w[k, j], reading[0], reading[1])
    if device.read_sigma > 0:
        if device.scheme == _PAIR:
            cells.power[row, column] = (
                device.read_power[_state(cells.pair[0, k, j])] + device.read_power[_state(cells.pair[1, k, j])]
            )
        else:
            cells.power[row, column] = device.read_power[_state(cells.w[k, j])]


@_compiled
def _program(k, j, target, cells, device, tables, seed, place, event, event_down, events):
    """Bring a weight to a target by counted pulses."""
    if device.scheme == _DIGITAL:
        delta = np.float32(2.0) / np.float32((1 << device.bits) - 1)
        levels = np.int64(np.rint((target - cells.w[k, j]) / delta))
        fixed = cells.stuck[k, j] if cells.stuck.size > 1 else cells.stuck[0, 0]
        cells.w[k, j] = _write_word(
            cells.w[k, j], abs(levels), levels > 0, k, j, device.bits, fixed, device.bit_chance, device.attempts,
            cells.writes, events, event, event_down, seed, _PROGRAM, k, place,
        )  # fmt: skip
    elif device.scheme == _PAIR:  # one cell carries the difference, the other stands at the lowest
        s = 0 if target > 0 else 1
        for side in range(2):
            low = _trait(2, side, k, j, cells.traits)
            if cells.pair[side, k, j] > low and _trait(0, side, k, j, cells.traits) > 0:
                events[k, _level_of(event_down)] += np.int64(_state(cells.pair[side, k, j]) + _state(low))
                events[k, event_down] += 1
                cells.pair[side, k, j] = low
                cells.writes[side, k, j] += np.uint32(1)
        goal = cells.pair[1 - s, k, j] + np.float32(2.0) * abs(target)
        cells.pair[s, k, j] = _drive_cell(
            s, k, j, cells.pair[s, k, j], goal, cells, device, tables, seed, place, event, event_down, events
        )
        cells.w[k, j] = (cells.pair[0, k, j] - cells.pair[1, k, j]) * np.float32(0.5)
    else:
        cells.w[k, j] = _drive_cell(
            np.int64(0), k, j, cells.w[k, j], target, cells, device, tables, seed, place, event, event_down, events
        )


@_compiled
def program(targets, row_start, neuron_start, cells, device, tables, seed, place, event, events):
    """Bring all weights to targets [neuron, cell] by counted pulses (write-verify); ``place`` tells such passes apart."""
    for g in range(row_start.size - 1):
        for k in range(neuron_start[g], neuron_start[g + 1]):
            for j in range(row_start[g + 1] - row_start[g]):
                _program(k, j, targets[k, j], cells, device, tables, seed, place, event, event, events)
                _set_read(k, j, row_start[g] + j, k - neuron_start[g], cells, device)


@_woven_in
def _worn(k, j, cells, share):
    """Whether a cell of a pair is close to the end of its range, and the other far enough from its lowest to help."""
    high, least = np.float32(0.0), np.float32(1.0)
    for side in range(2):
        low = _trait(2, side, k, j, cells.traits)
        crossed = (cells.pair[side, k, j] - low) / (_trait(3, side, k, j, cells.traits) - low)
        high, least = max(high, crossed), min(least, crossed)
    return high >= share and least > _ONE - share


@_compiled
def _refresh(k, column, first_row, n_cells, spikes, cells, device, tables, seed, events):
    """Look at the pairs of a neuron that still learn; program anew those of which a cell is close to its end."""
    changed = False
    for j in range(n_cells):
        if cells.alive[k, j] == 0:
            continue
        events[k, _VERIFY] += 2
        events[k, _VERIFY_LEVEL] += 2 * np.int64(_state(cells.pair[0, k, j]) + _state(cells.pair[1, k, j]))
        if _worn(k, j, cells, np.float32(device.refresh_at)):
            _program(k, j, cells.w[k, j], cells, device, tables, seed, spikes, _LTP, _LTD, events)
            events[k, _REFRESH] += 1
            _set_read(k, j, first_row + j, column, cells, device)
            changed = True
    return changed


@_compiled
def _freeze(k, j, row, column, spikes, cells, device, tables, pruning, seed, events):
    """Prune one weight: bring it to the constant by counted pulses and freeze it there, or disconnect it."""
    cells.alive[k, j] = 0
    events[k, _PRUNED] += 1
    if pruning.removed:
        reading = cells.scale[k, j] if cells.scale.size > 2 else cells.scale[0, 0]
        cells.read[row, column] = _code(np.float32(device.no_current), reading[0], reading[1])
        if device.read_sigma > 0:
            cells.power[row, column] = 0
        return
    target = np.float32(pruning.constant)
    _program(k, j, target, cells, device, tables, seed, spikes, _PRUNING_PULSE, _PRUNING_PULSE, events)
    _set_read(k, j, row, column, cells, device)


@_compiled
def _prune(k, column, first_row, n_cells, stage, spikes, cells, device, tables, pruning, seed, events):
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
            rank[j] = np.int64(_word(np.uint64(j), k, np.int64(0), seed, _PRUNE) % np.uint64(254))
        else:
            rank[j] = np.int64(_state(cells.w[k, j]))
    left = quota - pruned
    for level in range(255):
        if left <= 0:
            break
        for j in range(n_cells):
            if rank[j] == level and left > 0:
                _freeze(k, j, first_row + j, column, spikes, cells, device, tables, pruning, seed, events)
                left -= 1


@_compiled
def _mature(k, column, first_row, n_cells, spikes, cells, device, tables, pruning, seed, events):
    """Freeze the cells of neuron k that stand at the floor."""
    for j in range(n_cells):
        low = _trait(2, 0, k, j, cells.traits)
        if cells.alive[k, j] and cells.w[k, j] <= max(low, -_ONE):
            _freeze(k, j, first_row + j, column, spikes, cells, device, tables, pruning, seed, events)


@_compiled
def _after_spike(k, column, first_row, n_cells, spikes, cells, device, tables, pruning, seed, events):
    """Refresh and prune the neuron that fired, when its spike count says so. Returns whether its cells may have changed."""
    changed = False
    if device.refresh_every > 0 and spikes % device.refresh_every == 0:
        changed = _refresh(k, column, first_row, n_cells, spikes, cells, device, tables, seed, events)
    for stage in range(pruning.at_spikes.size):
        if pruning.at_spikes[stage] == spikes:
            _prune(k, column, first_row, n_cells, stage, spikes, cells, device, tables, pruning, seed, events)
            changed = True
    if pruning.maturity > 0 and spikes >= pruning.maturity:
        _mature(k, column, first_row, n_cells, spikes, cells, device, tables, pruning, seed, events)
        changed = True
    return changed


# ---- the passes over images -------------------------------------------------------------------------------------------
# Tuples are taken apart once: handing a whole tuple to an inner function costs more than what many of them do.


@_compiled
def learn_windows(
    images, gains, order, first, windows, seed, layout, cells, neurons, tables, device, pruning,
    events, totals, driven, winners,
):  # fmt: skip
    """Learn from images ``order``, presentations ``first``..., in windows that start empty.

    ``winners`` [presentation, window, group] receives each winner (neuron index in the whole network).
    """
    w, read, alive, power, pair, writes, traits, variant, stuck, scale = cells
    _, scheme, bits, bit_chance, attempts, _, _, looks, _, noisy, read_sigma, read_power, normal = device
    words_of, ideal = (stuck, bits, bit_chance, attempts), device.ideal
    threshold, spikes = neurons
    intensity, pulses, works, step, spread, winner, homeostasis = tables
    inputs, row_start, neuron_start = layout
    words, noise, cycle_words, cycle, chance, x, x_row, rows, part, u, numerator, variance, wanted, hit = workbench(
        images.shape[1], cells.w.shape[1], read.shape[1]
    )
    groups, zero_row = row_start.size - 1, read.shape[0] - 1
    masked = pruning.at_spikes.size > 0 or pruning.maturity > 0
    watched, no_threshold = masked or device.refresh_every > 0, np.zeros_like(threshold)
    for p in range(order.size):
        presentation = first + p
        _set_chances(images, order[p], gains[order[p]], intensity, chance)
        totals[_PRESENTATION] += 1
        for m in range(windows):
            totals[_INPUT_SPIKE] += _spike(chance, x, words, noise, seed, _INPUT, m, presentation)
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows, driven)
                place = m * groups + g
                _read(read, rows, n, threshold, neuron, columns, part, u)
                if read_sigma > 0:
                    _blur(
                        power, rows, n, columns, no_threshold, part, variance, u, words, noise, normal, read_sigma,
                        seed, _READ, place, presentation,
                    )  # fmt: skip
                totals[_ROW_READ] += n
                totals[_COLUMN_SENSE] += columns
                random = _word(np.uint64(g), m, presentation, seed, _WINNER)
                column = _draw_winner(u, columns, winner, random, numerator)
                k = neuron + column
                winners[p, m, g] = k
                random_words(words, n_cells, seed, _PULSE, place, presentation)
                learning, hits = _want(k, n_cells, x_row, noise, w, alive, pulses, wanted, hit)
                if ideal:
                    _pulse_ideal(k, column, row, hits, x_row, wanted, hit, w, read, alive, step, events)
                else:
                    if noisy and hits > 0:
                        random_words(cycle_words, n_cells, seed, _CYCLE, place, presentation)
                    _pulse_cells(
                        k, column, row, hits, x_row, cycle, wanted, hit, w, read, alive, power, pair, writes, traits, variant,
                        scale, words_of, scheme, noisy, (read_sigma, read_power), normal, works, step, spread, events,
                        (seed, place, presentation),
                    )  # fmt: skip
                events[k, _SPIKE] += 1
                events[k, _CELL_READ] += learning * looks
                events[k, _MASK] += n_cells * masked
                threshold[k] -= homeostasis
                spikes[k] += 1
                if watched:
                    _after_spike(k, column, row, n_cells, spikes[k], cells, device, tables, pruning, seed, events)


@_compiled
def learn_sliding(
    images, gains, order, first, steps, window, seed, layout, cells, neurons, tables, device, pruning,
    events, totals, driven, winners,
):  # fmt: skip
    """Learn in steps of ``dt``: an input counts as active for ``window`` steps from its spike on; one winner a step.

    Potentials follow the inputs as they enter and leave the window, and the winner's own update.
    ``tables.intensity`` is the chance of a spike in one step. The window is empty when an image begins.
    """
    w, read, alive, power, pair, writes, traits, variant, stuck, scale = cells
    _, scheme, bits, bit_chance, attempts, _, _, looks, _, noisy, read_sigma, read_power, normal = device
    words_of, ideal = (stuck, bits, bit_chance, attempts), device.ideal
    threshold, spikes = neurons
    intensity, pulses, works, step, spread, winner, homeostasis = tables
    inputs, row_start, neuron_start = layout
    words, noise, cycle_words, cycle, chance, x, x_row, rows, part, u, numerator, variance, wanted, hit = workbench(
        images.shape[1], cells.w.shape[1], read.shape[1]
    )
    groups, zero_row = row_start.size - 1, read.shape[0] - 1
    masked = pruning.at_spikes.size > 0 or pruning.maturity > 0
    watched, no_threshold = masked or device.refresh_every > 0, np.zeros_like(threshold)
    left, turn, no_count = np.zeros(x.size, np.int64), np.zeros(x.size, np.int32), np.zeros(0, np.uint32)
    sums = np.zeros((groups, read.shape[1]), np.int32)
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
                place = m * groups + g
                n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows, driven)
                totals[_ROW_READ] += n
                totals[_COLUMN_SENSE] += columns
                for j in range(n_cells):
                    sign = turn[np.uint32(inputs[row + j])]
                    if sign != 0:
                        for c in range(columns):
                            sums[g, c] += sign * np.int32(read[row + j, c])
                for c in range(columns):
                    u[c] = sums[g, c] + threshold[neuron + c]
                if read_sigma > 0:
                    _blur(
                        power, rows, n, columns, no_threshold, part, variance, u, words, noise, normal, read_sigma,
                        seed, _READ, place, presentation,
                    )  # fmt: skip
                random = _word(np.uint64(g), m, presentation, seed, _WINNER)
                column = _draw_winner(u, columns, winner, random, numerator)
                k = neuron + column
                winners[p, m, g] = k
                random_words(words, n_cells, seed, _PULSE, place, presentation)
                learning, hits = _want(k, n_cells, x_row, noise, w, alive, pulses, wanted, hit)
                if ideal:
                    sums[g, column] += _pulse_ideal(
                        k, column, row, hits, x_row, wanted, hit, w, read, alive, step, events
                    )
                else:
                    if noisy and hits > 0:
                        random_words(cycle_words, n_cells, seed, _CYCLE, place, presentation)
                    sums[g, column] += _pulse_cells(
                        k, column, row, hits, x_row, cycle, wanted, hit, w, read, alive, power, pair, writes, traits, variant,
                        scale, words_of, scheme, noisy, (read_sigma, read_power), normal, works, step, spread, events,
                        (seed, place, presentation),
                    )  # fmt: skip
                events[k, _SPIKE] += 1
                events[k, _CELL_READ] += learning * looks
                events[k, _MASK] += n_cells * masked
                threshold[k] -= homeostasis
                spikes[k] += 1
                if watched and _after_spike(
                    k, column, row, n_cells, spikes[k], cells, device, tables, pruning, seed, events
                ):
                    n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows, no_count)
                    _read(read, rows, n, no_threshold, neuron, columns, part, u)
                    sums[g, :columns] = u[:columns]


@_compiled
def infer(images, gains, places, windows, seed, phase, refractory, layout, cells, neurons, tables, device, winners):
    """Present images without learning; a neuron that fired is held back by ``refractory`` for the rest of the image.

    ``places`` is where each image's random numbers are drawn (see ``encoding.image_keys``), so that what is read from an
    image does not depend on the others.
    """
    read, settled = cells.read, neurons.threshold
    inputs, row_start, neuron_start = layout
    words, noise, _, _, chance, x, x_row, rows, part, u, numerator, variance, _, _ = workbench(
        images.shape[1], cells.w.shape[1], read.shape[1]
    )
    groups, zero_row = row_start.size - 1, read.shape[0] - 1
    threshold, no_threshold = settled.copy(), np.zeros_like(settled)
    power, read_sigma, normal = cells.power, device.read_sigma, device.normal
    no_count = np.zeros(0, np.uint32)
    for p in range(images.shape[0]):
        _set_chances(images, p, gains[p], tables.intensity, chance)
        for m in range(windows):
            _spike(chance, x, words, noise, seed, _INPUT + (phase << 8), m, places[p])
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                n = _drive(inputs, row, n_cells, zero_row, x, x_row, rows, no_count)
                _read(read, rows, n, threshold, neuron, columns, part, u)
                if read_sigma > 0:
                    _blur(
                        power, rows, n, columns, no_threshold, part, variance, u, words, noise, normal, read_sigma,
                        seed, _READ + (phase << 8), m * groups + g, places[p],
                    )  # fmt: skip
                random = _word(np.uint64(g), m, np.int64(places[p]), seed, _WINNER + (phase << 8))
                k = neuron + _draw_winner(u, columns, tables.winner, random, numerator)
                winners[p, m, g] = k
                threshold[k] -= refractory
        for m in range(windows):
            for g in range(groups):
                threshold[winners[p, m, g]] = settled[winners[p, m, g]]
