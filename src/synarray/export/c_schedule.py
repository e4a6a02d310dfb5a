"""Schedules as a few integers per block of presentations, from which the exported learner rebuilds every table.

    softmax     2^16 exp(-beta d / 127) = 2^16 q^d               q = exp(-beta / 127), 64 fractional bits
    pulses      min(round(gain free), most)                      free: at gain 1 and without the cell's bound
    homeostasis as it is

Every entry of every block is compared here with the table of the machine itself: a pulse table's entry that comes out
differently is carried as a correction, a softmax that does is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from synarray.errors import SpecError
from synarray.learn.spec import LearningSpec
from synarray.learn.teacher import Teacher
from synarray.network.machine import Machine
from synarray.network.stdp import MOST_PULSES, mean_pulses

__all__ = ["Moments", "Schedule", "blocks", "decay_per_unit", "schedule"]

_MONITOR, _MOST_SPIKES = 2048, 4_000_000
_STATES = 255

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Moments:
    """The blocks of a training: presentations before each, and within it."""

    before: npt.NDArray[np.int64]
    images: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """What the exported learner is given for every block; see the module."""

    moments: Moments
    q: Words
    gain: Words | None
    step: npt.NDArray[np.uint32]
    final_q: int
    table_room: int
    free: Words  # [2, state]
    most: npt.NDArray[np.uint32]  # [2, state]
    corrections: list[tuple[int, int, int]]  # moment, law x 255 + state, pulses
    most_pulses: npt.NDArray[np.uint32]  # [512] of any moment
    calibrates: int  # moment from which thresholds are calibrated only


def blocks(spec: LearningSpec, per_epoch: int, winners: int, epochs: int | None = None) -> Moments:
    """Cut a training into blocks as ``Trainer.learn`` does: within an epoch, within a point of the training curve.

    ``winners`` of a window; ``epochs``: those that are cut, of a training of ``spec.epochs``.
    """
    total = spec.epochs * per_epoch
    block = min(512, max(1, total // 400))
    chunk = max(1, min(_MONITOR, _MOST_SPIKES // (spec.encoding.draws * winners)))
    images = [
        min(block, min(chunk, per_epoch - begin) - first)
        for _ in range(spec.epochs if epochs is None else epochs)
        for begin in range(0, per_epoch, chunk)
        for first in range(0, min(chunk, per_epoch - begin), block)
    ]
    lengths = np.array(images, np.int64)
    return Moments(np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)


def decay_per_unit(beta: float, units: float) -> int:
    """Return exp(-beta / units) with 64 fractional bits."""
    one = 1 << 256
    x, halvings = round(Fraction(beta) / Fraction(units) * one), 0
    while x > one // 8:
        x, halvings = x // 2, halvings + 1
    term = value = one
    for i in range(1, 40):
        term = -term * x // one // i
        value += term
    for _ in range(halvings):
        value = value * value // one
    return min((value + (1 << 191)) >> 192, (1 << 64) - 1)


def schedule(machine: Machine, spec: LearningSpec, per_epoch: int, teacher: Teacher | None = None) -> Schedule:
    """Work out the schedule of a training, and compare it with the machine's own tables.

    Where class groups have competed, moments follow in which thresholds are calibrated.

    Raises
    ------
    SpecError
        When the integers cannot reproduce a table.
    """
    moments, total = blocks(spec, per_epoch, machine.n_winners), spec.epochs * per_epoch
    contrast = teacher is not None and teacher.how == "contrast"
    progress = [min(1.0, int(before) / total) for before in moments.before]
    units, neuron = machine.array.read_units, spec.neuron
    q = [decay_per_unit(neuron.beta * (neuron.beta_start + (1.0 - neuron.beta_start) * p), units) for p in progress]
    final_q = decay_per_unit(neuron.beta * (neuron.beta_start + (1.0 - neuron.beta_start) * 1.0), units)
    gains = [max(spec.stdp.gain_end, 1.0 - p) for p in progress]
    gain = None if set(gains) == {1.0} else np.array([round(Fraction(g) * (1 << 62)) for g in gains], np.uint64)
    free, most = _law(machine, spec) if not contrast else _one_pulse()
    schedules = [(machine.contrast_laws if contrast else machine.laws)(p)[0] for p in progress]
    final = machine.laws(1.0, learning=False)[0]
    room = _check_softmax(np.array([*q, final_q], np.uint64), [*(t.winner[0] for t in schedules), final.winner[0]])
    if contrast:  # pulses of LTP, then those of LTD: what each has for the other kind is none
        schedules = [t._replace(pulses=t.pulses.max(axis=0, keepdims=True)) for t in schedules]
    pulses = np.concatenate([t.pulses for t in schedules]).reshape(len(q), 2, 256)[:, :, :_STATES].reshape(len(q), -1)
    rebuilt = _rebuild(free.reshape(-1), most.reshape(-1), gain, len(q))
    differing = [(int(m), int(i), int(pulses[m, i])) for m, i in np.argwhere(rebuilt != pulses)]
    if len(differing) > 1000:
        raise _not_rebuilt(f"{len(differing):,} entries of the pulse tables that differ")
    step = np.abs(np.concatenate([t.homeostasis for t in schedules])).astype(np.uint32)
    most_pulses, calibrates = np.max([t.pulses[0] for t in schedules], axis=0), len(q)
    if teacher is not None and teacher.extra:
        after = blocks(spec, per_epoch, machine.n_winners, epochs=1)
        steps = [teacher.laws(machine, np.array([total + int(b)]), total)[0].homeostasis for b in after.before]
        q += [final_q] * len(after.images)
        gain = None if gain is None else np.concatenate([gain, np.repeat(gain[-1:], len(after.images))])
        step = np.concatenate([step, *(each.astype(np.uint32) for each in steps)])
        moments = Moments(
            np.concatenate([moments.before, total + after.before]), np.concatenate([moments.images, after.images])
        )
    return Schedule(
        moments, np.array(q, np.uint64), gain, step, final_q, room, free, most, differing, most_pulses, calibrates
    )


def _one_pulse() -> tuple[Words, npt.NDArray[np.uint32]]:
    """Return ``_law`` of a contrastive teacher: one pulse, whatever the state."""
    return np.full((2, _STATES), 1 << 48, np.uint64), np.full((2, _STATES), MOST_PULSES * 65536, np.uint32)


def _law(machine: Machine, spec: LearningSpec) -> tuple[Words, npt.NDArray[np.uint32]]:
    """Mean pulses at gain 1 and without a bound (48 fractional bits), and the bound (16); shape (2, 255) each."""
    stdp, law = spec.stdp, machine.array.law
    free = mean_pulses(stdp.model_copy(update={"gain_end": 1.0, "pulse_at_bound": True}), law, 0.0)
    most = np.full(free.shape, MOST_PULSES * 65536, np.uint32)
    if stdp.verify and not stdp.pulse_at_bound:
        whole = stdp.model_copy(update={"a": 2.0, "b": 0.0, "c": 2.0, "gain_end": 1.0})
        most = np.rint(mean_pulses(whole, law, 0.0) * 65536.0).astype(np.uint32)
    fixed = [round(Fraction(float(value)) * (1 << 48)) for value in free.reshape(-1)]
    return np.array(fixed, np.uint64).reshape(free.shape), most


def _rebuild(free: Words, most: npt.NDArray[np.uint32], gain: Words | None, n: int) -> npt.NDArray[np.uint32]:
    """Pulse tables as the exported learner works them out, shape (moments, laws x states)."""
    if gain is None:
        rounded = np.repeat(((free >> np.uint64(32)) + ((free >> np.uint64(31)) & np.uint64(1)))[None], n, axis=0)
    else:
        rounded = (_high_product(free[None], gain[:, None]) + np.uint64(1 << 29)) >> np.uint64(30)
    tables: npt.NDArray[np.uint32] = np.minimum(rounded, most.astype(np.uint64)).astype(np.uint32)
    return tables


def _high_product(a: Words, b: Words) -> Words:
    """Upper 64 bits of a 64 x 64 bit product."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a0, a1, b0, b1 = a & low, a >> half, b & low, b >> half
    middle = a1 * b0 + ((a0 * b0) >> half)
    high: Words = a1 * b1 + (middle >> half) + ((a0 * b1 + (middle & low)) >> half)
    return high


def _check_softmax(q: Words, tables: list[npt.NDArray[np.uint32]]) -> int:
    """Rebuild every softmax by repeated products; return the entries of the longest."""
    longest = max(len(table) for table in tables)
    expected = np.zeros((len(tables), longest), np.uint32)
    for row, table in zip(expected, tables, strict=True):
        row[: len(table)] = table
    value = q.copy()
    for d in range(1, longest):
        entry = (value >> np.uint64(48)) + ((value >> np.uint64(47)) & np.uint64(1))
        wrong = np.minimum(entry, 65535) != expected[:, d]
        if wrong.any():
            raise _not_rebuilt(f"a softmax that differs at distance {d} of block {int(np.argmax(wrong))}")
        value = _high_product(value, q)
    return longest


def _not_rebuilt(got: str) -> SpecError:
    return SpecError(
        "the exported learner must rebuild every table of the schedule from integers",
        got=got,
        where="export",
        do="Change neuron.beta or stdp.gain_end in the last place, and report this experiment.",
    )
