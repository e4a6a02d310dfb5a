"""Cells as finite automata: which values a cell ever takes, and how few codes tell them apart.

A cell without spreads moves on a set of float32 numbers that is often finite: a grid of levels, or a linear device. Values
that every read, law and pulse treat alike share a code (Moore's partition refinement), so that a cell of four levels needs
two bits although its float32 weights take eight values that differ in the last place. Where there are too many, a cell
keeps its float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.array.schemes.scheme import WORD
from synarray.device.cell import state_of
from synarray.errors import SpecError
from synarray.network.machine import Machine
from synarray.network.pruning_kernels import Pruning

__all__ = ["Codes", "Starts", "codes_of", "pruning_of", "start_weights"]

_MOST_VALUES, _MOST_CODES = 6_000, 256
_MOST_PROGRAMMING = 1000
_ENDS = (np.float32(-1), np.float32(1))

Floats = npt.NDArray[np.float32]


def pruning_of(machine: Machine) -> Pruning:
    """Return when and how cells stop learning, also of a machine in which none does."""
    nothing = Pruning(np.zeros(0, np.int64), np.zeros(0), machine.spec.pruning.constant, False, False, 0)
    return machine.pruning or nothing


@dataclass(frozen=True)
class Starts:
    """Where cells begin: the code of every random word from ``word`` on, up to the next."""

    word: npt.NDArray[np.uint32]
    code: npt.NDArray[np.uint8]
    w: Floats
    """The weight itself (float32 cells)."""


@dataclass(frozen=True)
class Codes:
    """What a cell stores, and what one pulse makes of it."""

    bits: int
    """2, 4 or 8: packed integers; 32: float32, beside its state in 8 bits."""
    state: npt.NDArray[np.uint8]
    """What a read resolves, 0..254; shape (n_codes,)."""
    following: npt.NDArray[np.uint8]
    """Code after one LTD, one LTP pulse that works; empty for float32; shape (2, n_codes)."""
    goal: npt.NDArray[np.uint8]
    """0 where a pruned cell is to be, 1 below, 2 above; shape (n_codes,)."""
    starts: Starts | None
    """None for float32."""
    values: dict[float, int]
    """Code of every float32 weight that a cell can take; empty for float32."""

    def encode(self, w: Floats) -> npt.NDArray[np.uint8]:
        """Return the codes of weights.

        Raises
        ------
        SpecError
            When a weight is none that this cell takes.
        """
        if not self.values:
            return state_of(w).astype(np.uint8)
        keys = np.array(sorted(self.values), np.float32)
        place = np.clip(np.searchsorted(keys, w), 1, max(len(keys) - 1, 1))
        place = np.where(np.abs(keys[place - 1] - w) <= np.abs(keys[place] - w), place - 1, place)
        away = np.abs(keys[place] - w) > 1e-4
        if away.any():
            raise SpecError(
                "trained weights must be values that the cell can take",
                where="arrays.npz, key w",
                got=f"{float(w[away].flat[0]):g}",
                do="Export the experiment, or the run with --predict-only.",
            )
        return np.array([self.values[float(key)] for key in keys], np.uint8)[place]


def codes_of(machine: Machine, pulses: npt.NDArray[np.uint32], *, at_bound: bool = False) -> Codes:
    """Find the codes of a machine's cells.

    Parameters
    ----------
    machine : Machine
        Of cells that do not spread.
    pulses : ndarray of uint32, shape (512,)
        Most pulses an update asks for, by law and state, in all of the training; 16 fractional bits.
    at_bound : bool
        Whether pulses are sent without looking whether the cell can still move, whatever ``stdp.pulse_at_bound`` says.
    """
    step = machine.laws(0.0)[1].step[0, 0]
    ideal = machine.spec.device is None
    if machine.array.scheme.code == WORD:
        return _word_codes(machine)
    target = np.clip(np.float32(pruning_of(machine).constant), *_ENDS)
    first, found = _first_values(machine), None
    most = int((int(pulses.max()) + 65535) >> 16)
    values = None if first is None else _closure(first, step, most if ideal else 1)
    prunes = pruning_of(machine).maturity > 0 or len(pruning_of(machine).at_spikes) > 0
    if values is not None:
        found = _merge(values, step, target if prunes else None, pulses, ideal, pruning_of(machine).maturity > 0)
    if found is None and ideal and not prunes and not (at_bound or machine.spec.stdp.pulse_at_bound):
        found = _by_level(machine)
    if found is None:
        states = np.arange(255, dtype=np.uint8)
        starts = None
        if machine.spec.cell.n_levels is not None and ideal:
            grid = first if first is not None else np.zeros(0, np.float32)
            starts = _starts(lambda word: np.searchsorted(grid, start_weights(machine, word)), grid)
        return Codes(32, states, np.zeros((2, 0), np.uint8), np.zeros(255, np.uint8), starts, {})
    return _with_starts(machine, *found, target)


def _move(w: Floats, step: Floats, on: int, n: int = 1, *, ideal: bool = True) -> Floats:
    """Send n pulses, in float32 as the kernels do: ideal weights make n steps at once, cells of a device one by one."""
    if ideal:
        moved: Floats = np.clip(w + np.float32(n) * step[256 * on + state_of(w)], *_ENDS)
        return moved
    for _ in range(n):
        w = np.clip(w + step[256 * on + state_of(w)], *_ENDS)
    return w


def _first_values(machine: Machine) -> Floats | None:
    """Every weight that a cell may begin at, and the lowest; None when they lie on no grid."""
    if machine.spec.device is not None:
        return np.array([-1], np.float32)
    n = machine.spec.cell.n_levels
    return None if n is None else np.unique(machine.spec.cell.settle(_grid(n)))


def _grid(n: int) -> npt.NDArray[np.float64]:
    grid: npt.NDArray[np.float64] = np.arange(n, dtype=np.float64) * np.float64(2.0 / (n - 1)) - 1.0
    return grid


def _closure(values: Floats, step: Floats, most: int) -> Floats | None:
    """Follow up to ``most`` pulses at once, of both kinds, until no new value appears; None when there are too many."""
    new = values
    while len(new):
        moves = [_move(new, step, on, n) for on in (0, 1) for n in range(1, max(most, 1) + 1)]
        moved = np.unique(np.concatenate(moves))
        new = np.setdiff1d(moved, values)
        values = np.union1d(values, new)
        if len(values) > _MOST_VALUES:
            return None
    return values


def _merge(
    values: Floats, step: Floats, target: np.float32 | None, pulses: npt.NDArray[np.uint32], ideal: bool, matures: bool
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Give one code to values that nothing tells apart. Returns values, codes, codes after LTD and LTP; or None."""
    state = state_of(values).astype(np.int64)
    following = np.stack([np.searchsorted(values, _move(values, step, on)) for on in (0, 1)])
    at_bound = (following == np.arange(len(values))) & (pulses.reshape(2, 256)[:, state] > 0)
    side = np.zeros(len(values)) if target is None else np.sign(values - target)
    signs = [state, side, *at_bound, (values <= -1) & matures]
    code = _renumber(np.stack([np.asarray(sign, np.int64) for sign in signs]))
    while True:
        finer = _renumber(np.stack([code, *code[following]]))
        if finer.max() == code.max():
            break
        code = finer
    if code.max() >= _MOST_CODES:
        return None
    most = int((int(pulses.max()) + 65535) >> 16)
    for on in (0, 1):  # n steps at once must lead where n steps one by one do
        one_by_one = np.arange(len(values))
        for n in range(1, most + 1):
            one_by_one = following[on][one_by_one]
            at_once = _move(values, step, on, n)
            place = np.minimum(np.searchsorted(values, at_once), len(values) - 1)
            if ideal and ((values[place] != at_once) | (code[place] != code[one_by_one])).any():
                return None
    return values, code, following


def _by_level(machine: Machine) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Give one code to each level of an ideal cell whose float32 weight drifts beside it, by 2^-24 at most per pulse.

    Only where no neuron of this training is expected to fire a quarter as often as that would take to reach another state.
    """
    n = machine.spec.cell.n_levels
    if n is None:
        return None
    level = np.arange(n)
    values = np.unique(machine.spec.cell.settle(_grid(n)))
    to_edge = np.abs((127.0 * values.astype(np.float64) + 127.0) % 1.0 - 0.5).min() / 127.0
    if to_edge / 2.0**-24 < 4.0 * machine.expected_spikes:
        return None
    return values, level, np.stack([np.maximum(level - 1, 0), np.minimum(level + 1, n - 1)])


def _renumber(signs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give each different column a number, in the order in which they first appear: codes rise with the weight."""
    _, first, inverse = np.unique(signs, axis=1, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[np.asarray(inverse).reshape(-1)]


def _with_starts(
    machine: Machine, values: Floats, code: npt.NDArray[np.int64], following: npt.NDArray[np.int64], target: np.float32
) -> Codes:
    """Put the codes together, with where cells begin."""
    first = np.unique(code, return_index=True)[1]
    goal = np.where(values[first] < target, 1, np.where(values[first] > target, 2, 0)).astype(np.uint8)
    after = code[following][:, first].astype(np.uint8)
    n = len(first)
    lookup = dict(zip(values.tolist(), code.tolist(), strict=True))
    keys = values

    def start(word: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        w = start_weights(machine, word)
        return code[np.minimum(np.searchsorted(keys, w), len(keys) - 1)]

    bits = 2 if n <= 4 else 4 if n <= 16 else 8
    return Codes(bits, state_of(values[first]).astype(np.uint8), after, goal, _starts(start), lookup)


def start_weights(machine: Machine, word: npt.NDArray[np.uint32]) -> Floats:
    """Where a cell begins whose random word this is, as ``Machine.build`` brings it there."""
    spec, device = machine.spec.stdp, machine.spec.device
    wanted = spec.w_start + spec.w_spread * (2.0 * (word.astype(np.float64) * 2.0**-32) - 1.0)
    if device is None:
        return machine.spec.cell.settle(wanted)
    step, chain = machine.laws(0.0)[1].step[0, 0], [np.float32(-1)]
    goal = np.clip(wanted.astype(np.float32), *_ENDS)
    while len(chain) <= _MOST_PROGRAMMING and chain[-1] < goal.max() and step[256 + int(state_of(chain[-1]))] != 0:
        chain.append(_move(np.array([chain[-1]]), step, 1)[0])
    return np.array(chain, np.float32)[np.minimum(np.searchsorted(chain, goal), len(chain) - 1)]


def _starts(start: Callable[[npt.NDArray[np.uint32]], npt.NDArray[np.int64]], values: Floats | None = None) -> Starts:
    """Find, by bisection, the random words from which on a cell begins one code (or one of the values) higher."""
    ends = start(np.array([0, 2**32 - 1], np.uint32))
    words, codes = [0], [int(ends[0])]
    while codes[-1] != int(ends[1]):
        low, high = words[-1], 2**32 - 1  # start(low) is the last code, start(high) is not
        while high - low > 1:
            middle = (low + high) // 2
            if int(start(np.array([middle], np.uint32))[0]) == codes[-1]:
                low = middle
            else:
                high = middle
        words.append(high)
        codes.append(int(start(np.array([high], np.uint32))[0]))
    code = np.array(codes)
    w = np.zeros(0, np.float32) if values is None else values[code]
    return Starts(np.array(words, np.uint32), code.astype(np.uint8), w)


def _word_codes(machine: Machine) -> Codes:
    """Levels of digital words, whose bits all work."""
    n_bits = machine.spec.synapse.n_bits
    if n_bits > 8:
        raise SpecError(
            "the exported learner keeps a cell in at most 8 bits",
            got=f"synapse.n_bits = {n_bits}",
            where="key synapse.n_bits",
            do="Use at most 8.",
        )
    top = (1 << n_bits) - 1
    delta = np.float32(2) / np.float32(top)
    w = np.arange(top + 1).astype(np.float32) * delta - np.float32(1)
    levels = np.arange(top + 1)
    following = np.stack([np.maximum(levels - 1, 0), np.minimum(levels + 1, top)]).astype(np.uint8)
    moved = np.clip(levels + np.rint((np.float32(pruning_of(machine).constant) - w) / delta).astype(int), 0, top)

    def start(word: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        spec = machine.spec.stdp
        wanted = spec.w_start + spec.w_spread * (2.0 * (word.astype(np.float64) * 2.0**-32) - 1.0)
        moves = np.rint((wanted.astype(np.float32) - np.float32(-1)) / delta).astype(np.int64)
        levels: npt.NDArray[np.int64] = np.clip(moves, 0, top)
        return levels

    bits = 2 if n_bits <= 2 else 4 if n_bits <= 4 else 8
    lookup = {float(value): level for level, value in enumerate(w.tolist())}
    return Codes(bits, state_of(w).astype(np.uint8), following, moved.astype(np.uint8), _starts(start), lookup)
