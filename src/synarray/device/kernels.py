"""One cell, compiled: its state, what one pulse does to it, write-verify, and the programming of a bit.

A weight w of a cell is its conductance on a scale from -1 (g_min) to 1 (g_max); laws are tables over its state, 0..254. The
same in plain Python: ``pulse.py``. Kernels see arrays and numbers only, never raise, and draw no number except by Philox.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.compiled import compiled, woven_in
from synarray.events import NeuronEvent
from synarray.rng_kernels import philox, word

__all__ = ["Law", "Word", "drive", "met_by", "move_word", "moved", "normal_of", "pulse_works", "state_of_weight"]


class Law(NamedTuple):
    """What one pulse does, by [moment of the training, nonlinearity, state]; LTD at states 0..254, LTP at 256..510."""

    chance: npt.NDArray[np.uint32]  # [512] probability that a pulse works, / 2^16
    step: npt.NDArray[np.float32]  # [moment, variant, 512] signed step of one pulse that works
    spread: npt.NDArray[np.float32]  # [variant, 512] its standard deviation
    noisy: bool  # whether any step has a spread
    normal: npt.NDArray[np.float32]  # [1025] quantiles of |z|, z normal


class Word(NamedTuple):
    """How a weight of binary cells is written."""

    bits: int
    chance: npt.NDArray[np.uint32]  # [2] probability that a pulse resets, sets a bit, / 2^16
    attempts: int  # most pulses on one bit


_ONE = np.float32(1.0)
_SCALE, _OFFSET = np.float32(127.0), np.float32(127.5)
_BOTTOM, _TOP = np.float32(0.0), np.float32(254.5)
_SURE = np.uint32(65536)
_LOW16 = np.uint64(65535)
_HIGHEST = np.int64(254)  # state of a cell at g_max
_MOST = 1000  # pulses after which write-verify gives up on a cell

# as NumPy's integers: numba compiles a function again for every Python integer it is handed
_LTP, _LTD, _PRUNING = (np.int64(e) for e in (NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE, NeuronEvent.PRUNING_PULSE))
_LTP_LEVEL, _LTD_LEVEL = np.int64(NeuronEvent.LTP_LEVEL), np.int64(NeuronEvent.LTD_LEVEL)
_PRUNING_LEVEL, _INITIAL_LEVEL = np.int64(NeuronEvent.PRUNING_LEVEL), np.int64(NeuronEvent.INITIAL_LEVEL)
_VERIFY, _VERIFY_LEVEL = np.int64(NeuronEvent.VERIFY_READ), np.int64(NeuronEvent.VERIFY_LEVEL)
_FAILED = np.int64(NeuronEvent.PULSE_FAILED)


@compiled(allocates=False, inside=True, inlined=True)
def state_of_weight(w):
    """Return a weight's state, 0..254: steps of 1/127 from w = -1 on; a cell beyond the range counts as at its end."""
    return np.uint32(np.int32(min(max(w * _SCALE + _OFFSET, _BOTTOM), _TOP)))


@compiled(allocates=False, inside=True, inlined=True)
def normal_of(bits, quantiles):
    """Turn 16 random bits into a normal number: a sign, and a place between two of 1025 quantiles."""
    i = np.uint32(bits >> np.uint16(5)) & np.uint32(1023)
    part = np.float32(bits & np.uint16(31)) * np.float32(1 / 32) + np.float32(1 / 64)
    z = quantiles[i] + (quantiles[i + np.uint32(1)] - quantiles[i]) * part
    return -z if bits >= np.uint16(32768) else z


@compiled(allocates=False, inside=True, inlined=True)
def pulse_works(chance, block, step, presentation, seed, stream):
    """Draw whether a pulse does anything; no number is drawn where that is certain."""
    return chance >= _SURE or (
        chance > np.uint32(0) and (word(block, step, presentation, seed, stream) & _LOW16) < np.uint64(chance)
    )


@woven_in
def moved(x, up, gain, form, t, law):
    """Send one pulse that works: the cell moves by the step of its state. Returns where it is, and the step's deviation."""
    at = np.uint32(up) * np.uint32(256) + state_of_weight(x)
    return x + gain * law.step[t, form, at], gain * law.spread[form, at]


@woven_in
def met_by(event):
    """Event in which the conductance that a kind of pulses met is summed."""
    if event == _LTP:
        return _LTP_LEVEL
    if event == _LTD:
        return _LTD_LEVEL
    return _PRUNING_LEVEL if event == _PRUNING else _INITIAL_LEVEL


@compiled(allocates=False, inside=True)
def drive(
    x, target, ltd_gain, ltp_gain, low, high, form, t, law, cell, k, place, seed, stream, up_event, down_event, events
):
    """Write-verify: pulses towards the target, a read after each, until the cell has reached or passed it.

    ``cell`` and ``place`` say where its random numbers are drawn. Returns where the cell is, and the pulses it received.
    """
    target = min(max(target, low), high)
    low = min(x, low)  # a cell that has drifted may be below its range
    up = np.uint32(1) if x < target else np.uint32(0)
    gain, kind = (ltp_gain, up_event) if up else (ltd_gain, down_event)
    events[k, _VERIFY] += 1
    events[k, _VERIFY_LEVEL] += 2 * np.int64(state_of_weight(x))
    sent = np.uint32(0)
    for i in range(_MOST):
        at = up * np.uint32(256) + state_of_weight(x)
        if (up and x >= target) or (not up and x <= target) or gain * law.step[t, form, at] == 0:
            break
        random = philox(np.uint64(cell) + (np.uint64(i) << np.uint64(22)), k, place, seed, stream)
        level = np.int64(state_of_weight(x))
        sent += np.uint32(1)
        events[k, kind] += 1
        events[k, _VERIFY] += 1
        if (random[0] & _LOW16) < np.uint64(law.chance[at]):
            x, sigma = moved(x, up, gain, form, t, law)
            if law.noisy:
                x += sigma * normal_of(np.uint16(random[1] & _LOW16), law.normal)
            x = min(max(x, low), high)
        else:
            events[k, _FAILED] += 1
        events[k, met_by(kind)] += level + np.int64(state_of_weight(x))
        events[k, _VERIFY_LEVEL] += 2 * np.int64(state_of_weight(x))
    return x, sent


@compiled(allocates=False, inside=True)
def move_word(
    before, n, on, k, j, word_, stuck, writes, seed, stream, step, presentation, set_event, reset_event, events
):
    """Move a word of binary cells by n levels: program the bits that change, each until a verify finds it written.

    Returns the new weight. Pulses that set bits are counted as ``set_event``, those that reset them as ``reset_event``.
    """
    bits, chances, attempts = word_
    top = np.int64((1 << bits) - 1)
    delta = np.float32(2.0) / np.float32(top)
    old = np.int64((before + _ONE) / delta + np.float32(0.5))
    new = min(old + n, top) if on else max(old - n, 0)
    verified = chances[0] < _SURE or chances[1] < _SURE
    most = attempts if verified else 1
    for b in range(bits):
        if ((old ^ new) >> b) & 1 == 0:
            continue
        up = (new >> b) & 1
        chance = np.uint32(0) if (np.int64(stuck) >> b) & 1 else chances[up]
        event, written = set_event if up else reset_event, False
        start = np.int64(0) if up else _HIGHEST
        for i in range(most):
            writes[b, k, j] += np.uint32(1)
            block = np.uint64(j) + (np.uint64(i * bits + b) << np.uint64(20))
            written = pulse_works(chance, block, step, presentation, seed, stream)
            end = _HIGHEST - start if written else start
            events[k, event] += 1
            events[k, met_by(event)] += start + end
            if verified:
                events[k, _VERIFY] += 1
                events[k, _VERIFY_LEVEL] += 2 * end
            if written:
                break
            events[k, _FAILED] += 1
        if not written:
            new ^= np.int64(1) << b
    return np.float32(new) * delta - _ONE
