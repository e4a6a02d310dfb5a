"""One cell in plain Python: what one pulse does, write-verify, the programming of a word of binary cells.

The same page as ``kernels.py``, for reading: a test holds the two equal, bit for bit. Numbers are float32, as the kernels have
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.device.cell import state_of
from synarray.device.kernels import Law, Word
from synarray.events import NeuronEvent
from synarray.rng import normal_quantiles

__all__ = ["MET_BY", "after_pulse", "drive", "move_word", "moved", "normal_of"]

MET_BY = {
    NeuronEvent.LTP_PULSE: NeuronEvent.LTP_LEVEL,
    NeuronEvent.LTD_PULSE: NeuronEvent.LTD_LEVEL,
    NeuronEvent.PRUNING_PULSE: NeuronEvent.PRUNING_LEVEL,
    NeuronEvent.INITIAL_PULSE: NeuronEvent.INITIAL_LEVEL,
}
"""Event in which the conductance that a kind of pulses met is summed."""
_MOST = 1000

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Words = Callable[[int], tuple[int, int]]
"""Two random 32-bit words of a numbered draw."""


def normal_of(bits: npt.NDArray[np.uint16]) -> Floats:
    """Make normal numbers of 16 random bits: a sign, and a place between two of 1025 quantiles."""
    quantiles = normal_quantiles()
    i = (bits >> 5) & 1023
    part = (bits & 31).astype(np.float32) / np.float32(32) + np.float32(1 / 64)
    z = quantiles[i] + (quantiles[i + 1] - quantiles[i]) * part
    signed: Floats = np.where(bits >= 32768, -z, z)
    return signed


def after_pulse(
    x: Doubles, up: Any, step: Doubles, noise: Doubles, gain: Doubles, works: Any, low: Doubles, high: Doubles
) -> Doubles:
    """Return where cells are after one pulse each: x + gain (step + noise), with the step's sign, within their own range.

    Parameters
    ----------
    x, step, noise, gain, low, high : ndarray of float64, shape (n,)
        Weights; size of the law's step there; cycle-to-cycle noise; the cell's own factor; ends of its range.
    up, works : ndarray of bool, shape (n,), or one for all
        Whether the pulse is LTP, and whether it does anything.
    """
    sign = np.where(up, 1.0, -1.0)
    after: Doubles = np.clip(x + works * (gain * (sign * step + noise)), low, high)
    return after


def moved(x: Any, up: int, gain: Any, form: int, law: Law) -> tuple[Any, Any]:
    """Send one pulse that works: the cell moves by the step of its state. Returns where it is, and the step's deviation."""
    at = 256 * up + int(state_of(x))
    return x + gain * law.step[0, form, at], gain * law.spread[form, at]


def drive(
    x: Any, target: Any, traits: Floats, form: int, law: Law, words: Words, kinds: tuple[int, int], events: Counts
) -> tuple[Any, int]:
    """Write-verify: pulses towards the target, a read after each, until the cell has reached or passed it.

    ``traits`` are the cell's steps of LTD and LTP in units of the law's, its lowest and its highest weight; ``kinds`` are the
    events its LTD and its LTP pulses are counted as. Returns where the cell is, and the pulses it received.
    """
    target = min(max(target, traits[2]), traits[3])
    low, up = min(x, traits[2]), int(x < target)  # a cell that has drifted may be below its range
    gain, kind, sent = traits[up], kinds[up], 0
    events[NeuronEvent.VERIFY_READ] += 1
    events[NeuronEvent.VERIFY_LEVEL] += 2 * int(state_of(x))
    for i in range(_MOST):
        at = 256 * up + int(state_of(x))
        if (x >= target if up else x <= target) or gain * law.step[0, form, at] == 0:
            break
        luck, spread = words(i)
        level, sent = int(state_of(x)), sent + 1
        events[kind] += 1
        events[NeuronEvent.VERIFY_READ] += 1
        if luck % 65536 < law.chance[at]:
            x, sigma = moved(x, up, gain, form, law)
            if law.noisy:
                x += sigma * normal_of(np.array([spread % 65536], np.uint16))[0]
            x = min(max(x, low), traits[3])
        else:
            events[NeuronEvent.PULSE_FAILED] += 1
        events[MET_BY[NeuronEvent(kind)]] += level + int(state_of(x))
        events[NeuronEvent.VERIFY_LEVEL] += 2 * int(state_of(x))
    return x, sent


def move_word(
    before: Any, levels: int, word: Word, stuck: int, words: Words, kinds: tuple[int, int], events: Counts
) -> tuple[np.float32, list[int]]:
    """Move a word of binary cells by so many levels: program the bits that change, each until a verify finds it written.

    Returns the new weight, and the pulses that each bit received.
    """
    top = (1 << word.bits) - 1
    delta = np.float32(2) / np.float32(top)
    old = int((before + np.float32(1)) / delta + np.float32(0.5))
    new, sent = min(max(old + levels, 0), top), [0] * word.bits
    verified = bool((word.chance < 65536).any())
    for bit in [b for b in range(word.bits) if ((old ^ new) >> b) & 1]:
        up = (new >> bit) & 1
        chance = 0 if (stuck >> bit) & 1 else int(word.chance[up])
        start = 0 if up else 254
        for i in range(word.attempts if verified else 1):
            written = words(i * word.bits + bit)[0] % 65536 < chance
            end = 254 - start if written else start
            sent[bit] += 1
            events[kinds[up]] += 1
            events[MET_BY[NeuronEvent(kinds[up])]] += start + end
            events[NeuronEvent.VERIFY_READ] += verified
            events[NeuronEvent.VERIFY_LEVEL] += 2 * end * verified
            if written:
                break
            events[NeuronEvent.PULSE_FAILED] += 1
        else:
            new ^= 1 << bit
    return np.float32(new) * delta - np.float32(1), sent
