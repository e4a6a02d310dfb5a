"""The simulated array behind the port, in plain Python: every verb acts on its cells, draws its noise, and counts its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.kernels import Device, Pairs
from synarray.array.port import Bools, Ints, Look, Moment
from synarray.array.simulated import SynapticArray
from synarray.device.cell import state_of
from synarray.device.kernels import Law, Word
from synarray.device.pulse import MET_BY, Words, drive, move_word, moved, normal_of
from synarray.events import NetworkEvent, NeuronEvent
from synarray.rng import Phase, Stream, philox, random_u16

__all__ = ["SimulatedPort"]


@dataclass
class SimulatedPort:
    """An array of the simulator, as a learning machine sees it."""

    array: SynapticArray
    law: Law
    """What one pulse does, for one moment of the training."""
    device: Device | None
    """How the cells are used; None for ideal weights and words."""
    pairs: Pairs | None
    """When pairs are looked after."""
    word: Word | None
    """How a weight of binary cells is written."""
    looks: int
    """Cells read per weight that is looked at."""
    seed: int
    neuron_events: npt.NDArray[np.int64]
    network_events: npt.NDArray[np.int64]
    driven: npt.NDArray[np.uint32]
    """Where the array counts; see ``synarray.events``."""

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """Rows and columns of each tile."""
        return self.array.shapes

    def read(self, tile: int, active: Bools, moment: Moment) -> Ints:
        """Drive the active rows; column sums with the noise of this read, as the converters resolve them."""
        array, columns = self.array, self.shapes[tile][1]
        sums = array.read(tile, active)
        if self.device is not None and self.device.read_sigma:
            bits = random_u16(
                columns,
                seed=self.seed,
                stream=Stream.READ,
                phase=moment.phase,
                step=moment.step,
                presentation=moment.presentation,
            )
            deviation = np.float32(self.device.read_sigma) * np.sqrt(array.variance(tile, active).astype(np.float32))
            sums = sums + np.floor(deviation * normal_of(bits) + np.float32(0.5)).astype(np.int32)
        if self.device is not None and self.device.converter.step:
            if moment.phase is Phase.TRAIN:
                self.network_events[NetworkEvent.COLUMN_CLIPPED] += self.device.converter.clips(sums).sum()
            sums = self.device.converter.read(sums)
        if moment.phase is Phase.TRAIN:
            self.network_events[NetworkEvent.ROW_READ] += np.count_nonzero(active)
            self.network_events[NetworkEvent.COLUMN_SENSE] += columns
            if self.driven.size:
                self.driven[array.rows(tile)] += active.astype(np.uint32)
        return sums

    def look(self, tile: int, column: int, counted: int) -> Look:
        """Read the cells of a column one by one."""
        array, k, rows = self.array, self._neuron(tile, column), self.shapes[tile][0]
        self.neuron_events[k, NeuronEvent.CELL_READ] += counted * self.looks
        floor = np.maximum(array.trait(0, k, slice(rows))[2], np.float32(-1))
        return Look(array.state(tile, column), array.w[k, :rows] <= floor)

    def pulse(self, tile: int, column: int, pulses: Ints, up: Bools, moment: Moment) -> None:
        """Send pulses; the spreads of a cell's pulses add up and are drawn once."""
        k, rows = self._neuron(tile, column), np.flatnonzero(pulses).tolist()
        cycle = random_u16(
            len(pulses), seed=self.seed, stream=Stream.CYCLE, step=moment.step, presentation=moment.presentation
        )
        for row in rows:
            n, on = int(pulses[row]), int(up[row])
            if self.word is not None:
                words = self._words(Stream.FAILURE, moment.step, moment.presentation, row, 20)
                self._move(tile, column, row, n if on else -n, words, (NeuronEvent.LTD_PULSE, NeuronEvent.LTP_PULSE))
                continue
            before = self.array.w[k, row]
            failed = self._pulse_cell(tile, column, row, n, on, cycle[row : row + 1], moment)
            raised = on or (self.pairs is not None)  # of a pair, LTD raises the other cell
            events = self.neuron_events[k]
            events[NeuronEvent.LTP_PULSE if raised else NeuronEvent.LTD_PULSE] += n
            events[NeuronEvent.PULSE_FAILED] += failed
            if self.array.w[k, row] == before:
                events[NeuronEvent.PULSE_AT_BOUND] += n - failed

    def program(self, tile: int, column: int, row: int, w: float, place: int, event: NeuronEvent) -> None:
        """Bring a weight to a target by counted pulses."""
        self._program(tile, column, row, np.float32(w), place, (event, event))

    def freeze(self, tile: int, column: int, row: int, disconnect: bool) -> None:
        """Take a weight out of learning, and out of every read if it is disconnected."""
        self.neuron_events[self._neuron(tile, column), NeuronEvent.CELL_PRUNED] += 1
        if disconnect:
            self.array.disconnect(tile, column, row)
        else:
            self.array.freeze(tile, column, row)

    def refresh(self, tile: int, column: int, learning: Bools, place: int) -> None:
        """Look at the pairs that still learn; program again those of which a cell is close to its end."""
        array, pairs, k = self.array, self.pairs, self._neuron(tile, column)
        if pairs is None or place % pairs.refresh_every:
            return
        events, share = self.neuron_events[k], np.float32(pairs.refresh_at)
        for row in np.flatnonzero(learning).tolist():
            cells = array.pair[:, k, row]
            events[NeuronEvent.VERIFY_READ] += 2
            events[NeuronEvent.VERIFY_LEVEL] += 2 * int(state_of(cells).sum())
            ends = np.array([array.trait(side, k, row)[2:] for side in range(2)])
            crossed = (cells - ends[:, 0]) / (ends[:, 1] - ends[:, 0])
            if crossed.max() >= share and crossed.min() > np.float32(1) - share:  # else a refresh would not help
                self._program(tile, column, row, array.w[k, row], place, (NeuronEvent.LTD_PULSE, NeuronEvent.LTP_PULSE))
                events[NeuronEvent.PAIR_REFRESH] += 1

    # ---- what the verbs do to cells ------------------------------------------------------------------------------------

    def _neuron(self, tile: int, column: int) -> int:
        return int(self.array.neuron_start[tile]) + column

    def _words(self, stream: Stream, step: int, presentation: int, cell: int, shift: int) -> Words:
        """Random words of one cell's pulses: those of pulse i are drawn at block cell + (i << shift)."""

        def draw(i: int) -> tuple[int, int]:
            words = philox((cell + (i << shift), step, presentation, 0), (self.seed, stream))
            return int(words[0]), int(words[1])

        return draw

    def _pulse_cell(
        self, tile: int, column: int, row: int, n: int, on: int, cycle: npt.NDArray[np.uint16], moment: Moment
    ) -> int:
        """Send n pulses to a cell, one after another. Returns how many failed."""
        array, law, k = self.array, self.law, self._neuron(tile, column)
        if self.device is None:  # every pulse alike
            after = array.w[k, row] + np.float32(n) * law.step[0, 0, 256 * on + int(array.state(tile, column)[row])]
            array.program(tile, column, row, min(max(after, np.float32(-1)), np.float32(1)))
            return 0
        pair = self.pairs is not None
        side, up = (1 - on, 1) if pair else (0, on)
        trait, form = array.trait(side, k, row), array.curvature(side, k, row)
        x: Any = array.pair[side, k, row] if pair else array.w[k, row]
        low, variance, failed, level = min(x, trait[2]), np.float32(0), 0, -int(state_of(x))
        words = self._words(Stream.FAILURE, moment.step, moment.presentation, row, 20)
        for i in range(n):
            state = int(state_of(x))
            chance = law.chance[256 * up + state]
            level += 2 * state
            if chance < 65536 and words(i)[0] % 65536 >= chance:
                failed += 1
                continue
            x, sigma = moved(x, up, trait[up], form, law)
            variance += sigma * sigma
        if law.noisy:
            x += np.sqrt(variance) * normal_of(cycle)[0]
        x = min(max(x, low), trait[3])
        self.neuron_events[k, NeuronEvent.LTP_LEVEL if up else NeuronEvent.LTD_LEVEL] += level + int(state_of(x))
        array.writes[side, k, row] += n
        if pair:
            array.program_pair(tile, column, row, side, x)
        else:
            array.program(tile, column, row, x)
        return failed

    def _move(self, tile: int, column: int, row: int, levels: int, words: Words, kinds: tuple[int, int]) -> None:
        """Move a word of binary cells."""
        assert self.word is not None
        array, k = self.array, self._neuron(tile, column)
        w, sent = move_word(
            array.w[k, row], levels, self.word, array.stuck(k, row), words, kinds, self.neuron_events[k]
        )
        array.program(tile, column, row, w)
        array.writes[: len(sent), k, row] += np.array(sent, np.uint32)

    def _drive(
        self, tile: int, column: int, row: int, side: int, x: Any, target: Any, place: int, kinds: tuple[int, int]
    ) -> Any:
        """Write-verify of one cell."""
        array, k = self.array, self._neuron(tile, column)
        words = self._words(Stream.PROGRAM, k, place, 2 * row + side, 22)
        traits, form = array.trait(side, k, row), array.curvature(side, k, row)
        x, sent = drive(x, target, traits, form, self.law, words, kinds, self.neuron_events[k])
        array.writes[side, k, row] += sent
        return x

    def _program(self, tile: int, column: int, row: int, target: Any, place: int, kinds: tuple[int, int]) -> None:
        """Bring a weight to a target; LTD and LTP pulses are counted as these kinds."""
        array, k = self.array, self._neuron(tile, column)
        if self.word is not None:
            delta = np.float32(2) / np.float32((1 << self.word.bits) - 1)
            levels = int(np.rint((target - array.w[k, row]) / delta))
            self._move(tile, column, row, levels, self._words(Stream.PROGRAM, k, place, row, 20), kinds)
        elif self.pairs is not None:  # one cell carries the difference, the other is reset
            for side in range(2):
                trait = array.trait(side, k, row)
                if array.pair[side, k, row] > trait[2] and trait[0] > 0:
                    met = MET_BY[NeuronEvent(kinds[0])]
                    self.neuron_events[k, met] += int(state_of(array.pair[side, k, row]) + state_of(trait[2]))
                    self.neuron_events[k, kinds[0]] += 1
                    array.program_pair(tile, column, row, side, trait[2])
                    array.writes[side, k, row] += 1
            side = 0 if target > 0 else 1
            goal = array.pair[1 - side, k, row] + np.float32(2) * abs(target)
            x = self._drive(tile, column, row, side, array.pair[side, k, row], goal, place, kinds)
            array.program_pair(tile, column, row, side, x)
        else:
            array.program(tile, column, row, self._drive(tile, column, row, 0, array.w[k, row], target, place, kinds))
