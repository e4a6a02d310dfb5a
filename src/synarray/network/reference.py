"""The learning machine in plain Python: slow, short, written from the equations against the array's verbs.

Read this to know what the compiled kernels do, or drive a real chip with it: the array is touched only through its verbs
(``read``, ``state``, ``program``, ``freeze``, ``disconnect``, ...). Same random numbers at the same places: a test holds
spikes, winners, pulses, pruned cells and weights equal to the kernels'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.schemes.scheme import WORD
from synarray.device.cell import state_of
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.kernels import Tables
from synarray.network.machine import Machine
from synarray.rng import Phase, Stream, normal_quantiles, philox, random_u16

__all__ = ["infer", "learn"]

_LEVEL_OF = {
    NeuronEvent.LTP_PULSE: NeuronEvent.LTP_LEVEL,
    NeuronEvent.LTD_PULSE: NeuronEvent.LTD_LEVEL,
    NeuronEvent.PRUNING_PULSE: NeuronEvent.PRUNING_LEVEL,
    NeuronEvent.INITIAL_PULSE: NeuronEvent.INITIAL_LEVEL,
}
_Winners = npt.NDArray[np.int64]


def learn(
    machine: Machine,
    pixels: npt.NDArray[np.uint8],
    gains: npt.NDArray[np.uint32],
    order: npt.NDArray[np.int64],
    first: int,
    tables: Tables,
) -> _Winners:
    """Show the images ``order`` as presentations ``first``...; learn. Returns winners [presentation, draw, group]."""
    encoding, seed = machine.spec.encoding, machine.spec.seed
    lifetime = encoding.steps_per_window if encoding.form == "sliding" else 1
    winners = np.zeros((len(order), encoding.draws, len(machine.groups)), np.int64)
    for p, image in enumerate(order):
        chance = _chance(pixels[image], gains[image], tables)
        left = np.zeros(len(chance), int)  # draws for which each input still counts as active
        machine.network_events[NetworkEvent.PRESENTATION] += 1
        for m in range(encoding.draws):
            spikes = random_u16(len(chance), seed=seed, stream=Stream.INPUT, step=m, presentation=first + p) < chance
            left = np.where(spikes, lifetime, np.maximum(left - 1, 0))
            machine.network_events[NetworkEvent.INPUT_SPIKE] += np.count_nonzero(spikes)
            for g, group in enumerate(machine.groups):
                x = left[group.inputs] > 0
                step = m * len(machine.groups) + g
                u = machine.array.read(g, x) + machine.threshold[machine.array.neurons(g)]
                u += _read_noise(machine, g, x, step, first + p, Phase.TRAIN)
                machine.network_events[NetworkEvent.ROW_READ] += np.count_nonzero(x)
                if machine.driven.size:
                    machine.driven[machine.array.rows(g)] += x.astype(np.uint32)
                machine.network_events[NetworkEvent.COLUMN_SENSE] += group.n_neurons
                column = _draw_winner(u, tables, g, m, first + p, seed, Phase.TRAIN)
                winners[p, m, g] = machine.array.neuron_start[g] + column
                _update(machine, g, column, x, step, first + p, tables)
                _after_spike(machine, g, column, tables)
    return winners


def infer(
    machine: Machine,
    pixels: npt.NDArray[np.uint8],
    gains: npt.NDArray[np.uint32],
    places: npt.NDArray[np.uint32],
    windows: int,
    phase: Phase,
    tables: Tables,
) -> _Winners:
    """Show images without learning; a neuron that fired is held back for the rest of the image."""
    seed = machine.spec.seed
    winners = np.zeros((len(pixels), windows, len(machine.groups)), np.int64)
    for p in range(len(pixels)):
        chance = _chance(pixels[p], gains[p], tables)
        threshold = machine.threshold.copy()
        for m in range(windows):
            noise = random_u16(
                len(chance), seed=seed, stream=Stream.INPUT, phase=phase, step=m, presentation=int(places[p])
            )
            for g, group in enumerate(machine.groups):
                x = (noise < chance)[group.inputs]
                u = machine.array.read(g, x) + threshold[machine.array.neurons(g)]
                u += _read_noise(machine, g, x, m * len(machine.groups) + g, int(places[p]), phase)
                k = machine.array.neuron_start[g] + _draw_winner(u, tables, g, m, int(places[p]), seed, phase)
                threshold[k] -= machine.refractory
                winners[p, m, g] = k
    return winners


def _chance(pixels: npt.NDArray[np.uint8], gain: np.uint32, tables: Tables) -> npt.NDArray[np.uint16]:
    """Gain control, then each input's chance of being active."""
    level = np.minimum((pixels.astype(np.uint64) * np.uint64(gain) + np.uint64(32768)) >> np.uint64(16), 255)
    chance: npt.NDArray[np.uint16] = tables.intensity[level]
    return chance


def _draw_winner(
    u: npt.NDArray[np.int32], tables: Tables, g: int, m: int, presentation: int, seed: int, phase: Phase
) -> int:
    """K ~ softmax(beta u): the first neuron at which the summed numerators pass a random share of their total."""
    distance = np.minimum(u.max() - u, len(tables.winner) - 1)
    total = np.cumsum(tables.winner[distance].astype(np.uint64))
    random = philox((g, m, presentation, 0), (seed, Stream.WINNER + (phase << 8)))[0]
    return int(np.searchsorted(total, (np.uint64(random) * total[-1]) >> np.uint64(32), side="right"))


def _read_noise(
    machine: Machine, g: int, x: npt.NDArray[np.bool_], step: int, presentation: int, phase: Phase
) -> npt.NDArray[np.int32]:
    """Noise of one read: the variances of the active cells add up, one normal number a column."""
    columns, sigma = machine.groups[g].n_neurons, np.float32(machine.array.read_sigma)
    if sigma == 0:
        return np.zeros(columns, np.int32)
    bits = random_u16(
        columns, seed=machine.spec.seed, stream=Stream.READ, phase=phase, step=step, presentation=presentation
    )
    z = sigma * np.sqrt(machine.array.variance(g, x).astype(np.float32)) * _normal(bits)
    noise: npt.NDArray[np.int32] = np.floor(z + np.float32(0.5)).astype(np.int32)
    return noise


def _normal(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Make normal numbers of 16 random bits: a sign, and a place between two of 1025 quantiles."""
    quantiles = normal_quantiles()
    i = (bits >> 5) & 1023
    part = (bits & 31).astype(np.float32) / np.float32(32) + np.float32(1 / 64)
    z = quantiles[i] + (quantiles[i + 1] - quantiles[i]) * part
    signed: npt.NDArray[np.float32] = np.where(bits >= 32768, -z, z)
    return signed


def _update(
    machine: Machine, g: int, column: int, x: npt.NDArray[np.bool_], step: int, presentation: int, tables: Tables
) -> None:
    """STDP: n = floor(mean + U(0, 1)) pulses on each alive weight of the winner, LTP where x, LTD elsewhere."""
    array, k = machine.array, int(machine.array.neuron_start[g] + column)
    events, place = machine.neuron_events[k], _Place(machine.spec.seed, Stream.FAILURE, step, presentation)
    noise, cycle = (
        random_u16(len(x), seed=machine.spec.seed, stream=stream, step=step, presentation=presentation)
        for stream in (Stream.PULSE, Stream.CYCLE)
    )
    alive = array.alive[k, : len(x)].astype(bool)
    law = 256 * x + array.state(g, column)
    wanted = (tables.pulses[law] + noise.astype(np.uint32)) >> np.uint32(16)
    for row in np.flatnonzero(wanted).tolist():
        n, on = int(wanted[row]), int(x[row])
        if not alive[row]:
            events[NeuronEvent.PULSE_SKIPPED] += n
            continue
        before = array.w[k, row]
        if array.scheme.code == WORD:
            _move_word(machine, g, column, row, n if on else -n, place, NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE)
            continue
        failed = _pulse(machine, g, column, row, on, n, cycle[row : row + 1], place, tables)
        events[NeuronEvent.LTP_PULSE if on or array.scheme.paired else NeuronEvent.LTD_PULSE] += n
        events[NeuronEvent.PULSE_FAILED] += failed
        if array.w[k, row] == before:
            events[NeuronEvent.PULSE_AT_BOUND] += n - failed
    events[NeuronEvent.OUTPUT_SPIKE] += 1
    events[NeuronEvent.CELL_READ] += machine.device.looks * np.count_nonzero(alive)
    if machine.spec.pruning.while_training:
        events[NeuronEvent.MASK_LOOKUP] += len(x)


class _Place(NamedTuple):
    """Where the random numbers of some pulses are drawn."""

    seed: int
    stream: Stream
    step: int
    presentation: int

    def word(self, block: int) -> tuple[int, int]:
        """Draw the first two random words of a block."""
        words = philox((block, self.step, self.presentation, 0), (self.seed, self.stream))
        return int(words[0]), int(words[1])


def _pulse(
    machine: Machine, g: int, column: int, row: int, on: int, n: int, cycle: npt.NDArray[np.uint16], place: _Place,
    tables: Tables,
) -> int:  # fmt: skip
    """Send n pulses to a cell, one after another; their spreads add up and are drawn once. Returns how many failed."""
    array, k = machine.array, int(machine.array.neuron_start[g] + column)
    if machine.spec.device is None:  # every pulse alike
        after = array.w[k, row] + np.float32(n) * tables.step[0, 256 * on + int(array.state(g, column)[row])]
        array.program(g, column, row, min(max(after, np.float32(-1)), np.float32(1)))
        return 0
    pair = array.scheme.paired
    side, up = (1 - on, 1) if pair else (0, on)  # a pair: LTD raises the other cell
    trait, form = array.trait(side, k, row), array.curvature(side, k, row)
    x, variance, failed = array.pair[side, k, row] if pair else array.w[k, row], np.float32(0), 0
    low = min(x, trait[2])  # a cell that has drifted stands below its range
    level = -int(state_of(x))
    for i in range(n):
        law = 256 * up + int(state_of(x))
        level += 2 * int(state_of(x))
        if tables.chance[law] < 65536 and place.word(row + (i << 20))[0] % 65536 >= tables.chance[law]:
            failed += 1
            continue
        sigma = trait[up] * tables.spread[form, law]
        variance += sigma * sigma
        x += trait[up] * tables.step[form, law]
    if machine.device.noisy:
        x += np.sqrt(variance) * _normal(cycle)[0]
    x = min(max(x, low), trait[3])
    machine.neuron_events[k, NeuronEvent.LTP_LEVEL if up else NeuronEvent.LTD_LEVEL] += level + int(state_of(x))
    if pair:
        array.program_pair(g, column, row, side, x)
    else:
        array.program(g, column, row, x)
    array.writes[side, k, row] += n
    return failed


def _move_word(
    machine: Machine,
    g: int,
    column: int,
    row: int,
    levels: int,
    place: _Place,
    event: NeuronEvent,
    event_down: NeuronEvent,
) -> None:
    """Move a digital word by so many levels: program the bits that change, each until a verify finds it written."""
    array, device, k = machine.array, machine.device, int(machine.array.neuron_start[g] + column)
    events, top = machine.neuron_events[k], (1 << device.bits) - 1
    delta = np.float32(2) / np.float32(top)
    old = int((array.w[k, row] + np.float32(1)) / delta + np.float32(0.5))
    new = min(max(old + levels, 0), top)
    verified = bool((device.bit_chance < 65536).any())
    for bit in [b for b in range(device.bits) if ((old ^ new) >> b) & 1]:
        up = (new >> bit) & 1
        chance = 0 if (array.stuck(k, row) >> bit) & 1 else int(device.bit_chance[up])
        kind, stands = event if up else event_down, 0 if up else 254
        for i in range(device.attempts if verified else 1):
            written = place.word(row + ((i * device.bits + bit) << 20))[0] % 65536 < chance
            arrives = 254 - stands if written else stands
            events[kind] += 1
            events[_LEVEL_OF[kind]] += stands + arrives
            events[NeuronEvent.VERIFY_READ] += verified
            events[NeuronEvent.VERIFY_LEVEL] += 2 * arrives * verified
            array.writes[bit, k, row] += 1
            if written:
                break
            events[NeuronEvent.PULSE_FAILED] += 1
        else:
            new ^= 1 << bit
    array.program(g, column, row, np.float32(new) * delta - np.float32(1))


def _after_spike(machine: Machine, g: int, column: int, tables: Tables) -> None:
    """Homeostasis, refresh and pruning of the neuron that fired."""
    k = machine.array.neuron_start[g] + column
    machine.threshold[k] -= tables.homeostasis
    machine.spikes[k] += 1
    pruning, device = machine.pruning, machine.device
    if device.refresh_every and machine.spikes[k] % device.refresh_every == 0:
        _refresh(machine, g, column, tables)
    for stage in np.flatnonzero(pruning.at_spikes == machine.spikes[k]):
        _prune_to(machine, g, column, pruning.share[stage], tables)
    if 0 < pruning.maturity <= machine.spikes[k]:
        for row in range(len(machine.groups[g].inputs)):
            floor = max(machine.array.trait(0, k, row)[2], np.float32(-1))
            if machine.array.alive[k, row] and machine.array.w[k, row] <= floor:
                _retire(machine, g, column, row, tables)


def _refresh(machine: Machine, g: int, column: int, tables: Tables) -> None:
    """Look at the pairs of a neuron that still learn; program anew those of which a cell is close to its end."""
    array, k = machine.array, machine.array.neuron_start[g] + column
    events = machine.neuron_events[k]
    for row in np.flatnonzero(array.alive[k]).tolist():
        events[NeuronEvent.VERIFY_READ] += 2
        events[NeuronEvent.VERIFY_LEVEL] += 2 * int(state_of(array.pair[:, k, row]).sum())
        ends = np.array([array.trait(side, k, row)[2:] for side in range(2)])
        crossed, share = (
            (array.pair[:, k, row] - ends[:, 0]) / (ends[:, 1] - ends[:, 0]),
            np.float32(machine.device.refresh_at),
        )
        if crossed.max() >= share and crossed.min() > np.float32(1) - share:  # else a refresh would not help
            _program(machine, g, column, row, array.w[k, row], tables, NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE)
            events[NeuronEvent.PAIR_REFRESH] += 1


def _prune_to(machine: Machine, g: int, column: int, share: float, tables: Tables) -> None:
    """Prune the lowest (or random) alive weights of a neuron until the share is reached; ties go by cell order."""
    k = machine.array.neuron_start[g] + column
    n_cells = machine.array.row_start[g + 1] - machine.array.row_start[g]
    rank = machine.array.state(g, column)
    if machine.pruning.random:
        rank = np.array(
            philox((np.arange(n_cells), int(k), 0, 0), (machine.spec.seed, Stream.PRUNE))[0] % 254, np.int32
        )
    alive = np.flatnonzero(machine.array.alive[k, :n_cells])
    quota = int(np.ceil(share * n_cells - 1e-9)) - int(n_cells - len(alive))
    for row in alive[np.argsort(rank[alive], kind="stable")][: max(quota, 0)]:
        _retire(machine, g, column, int(row), tables)


def _retire(machine: Machine, g: int, column: int, row: int, tables: Tables) -> None:
    """Disconnect a weight, or bring it to the constant pulse by pulse and freeze it there."""
    machine.neuron_events[machine.array.neuron_start[g] + column, NeuronEvent.CELL_PRUNED] += 1
    if machine.pruning.removed:
        machine.array.disconnect(g, column, row)
        return
    machine.array.freeze(g, column, row)
    target, event = np.float32(machine.pruning.constant), NeuronEvent.PRUNING_PULSE
    _program(machine, g, column, row, target, tables, event, event)


def _program(
    machine: Machine, g: int, column: int, row: int, target: np.float32, tables: Tables, event: NeuronEvent,
    event_down: NeuronEvent,
) -> None:  # fmt: skip
    """Bring a weight to a target by counted pulses, a read after each (write-verify)."""
    array, k = machine.array, int(machine.array.neuron_start[g] + column)
    place = _Place(machine.spec.seed, Stream.PROGRAM, k, int(machine.spikes[k]))
    if array.scheme.code == WORD:
        delta = np.float32(2) / np.float32((1 << machine.device.bits) - 1)
        levels = int(np.rint((target - array.w[k, row]) / delta))
        _move_word(machine, g, column, row, levels, place, event, event_down)
    elif array.scheme.paired:  # one cell carries the difference, the other stands at the lowest
        for side in range(2):
            trait = array.trait(side, k, row)
            if array.pair[side, k, row] > trait[2] and trait[0] > 0:
                machine.neuron_events[k, _LEVEL_OF[event_down]] += int(
                    state_of(array.pair[side, k, row]) + state_of(trait[2])
                )
                array.program_pair(g, column, row, side, trait[2])
                array.writes[side, k, row] += 1
                machine.neuron_events[k, event_down] += 1
        side = 0 if target > 0 else 1
        goal = array.pair[1 - side, k, row] + np.float32(2) * abs(target)
        x = _drive_cell(machine, k, side, row, array.pair[side, k, row], goal, place, tables, event, event_down)
        array.program_pair(g, column, row, side, x)
    else:
        x = _drive_cell(machine, k, 0, row, array.w[k, row], target, place, tables, event, event_down)
        array.program(g, column, row, x)


def _drive_cell(
    machine: Machine, k: int, side: int, row: int, x: np.float32, target: np.float32, place: _Place, tables: Tables,
    event: NeuronEvent, event_down: NeuronEvent,
) -> np.float32:  # fmt: skip
    """Send pulses towards the target until the cell has reached or passed it. Returns where it stands."""
    array, events = machine.array, machine.neuron_events[k]
    trait, form = array.trait(side, k, row), array.curvature(side, k, row)
    target = min(max(target, trait[2]), trait[3])
    low, up = min(x, trait[2]), int(x < target)
    events[NeuronEvent.VERIFY_READ] += 1
    events[NeuronEvent.VERIFY_LEVEL] += 2 * int(state_of(x))
    for i in range(1000):
        law = 256 * up + int(state_of(x))
        if (x >= target if up else x <= target) or trait[up] * tables.step[form, law] == 0:
            break
        luck, spread = place.word(2 * row + side + (i << 22))
        kind, level = event if up else event_down, int(state_of(x))
        events[kind] += 1
        events[NeuronEvent.VERIFY_READ] += 1
        array.writes[side, k, row] += 1
        if luck % 65536 < tables.chance[law]:
            x += trait[up] * tables.step[form, law]
            if machine.device.noisy:
                x += trait[up] * tables.spread[form, law] * _normal(np.array([spread % 65536], np.uint16))[0]
            x = min(max(x, low), trait[3])
        else:
            events[NeuronEvent.PULSE_FAILED] += 1
        events[_LEVEL_OF[kind]] += level + int(state_of(x))
        events[NeuronEvent.VERIFY_LEVEL] += 2 * int(state_of(x))
    return x
