"""The port: all that a learning machine asks of an array, whether it is simulated, recorded, or a chip on the bench.

    read      drive rows of a tile; the sums of its columns, as the converters at their ends resolve them
    look      read the cells of one column one by one: their states, and which are at their lowest
    pulse     send programming pulses to cells of one column
    program   bring one weight to a target by pulses, a read after each (write-verify)
    freeze    take one weight out of learning; disconnected, it is out of every read as well
    refresh   look after cells that come close to the end of their range (pairs; others do nothing)

Whoever is behind the port counts what it does. ``Moment`` says where a simulated array draws its random numbers; a chip has its
own. ``network/reference.py`` trains through these six verbs and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.events import NeuronEvent
from synarray.rng import Phase

__all__ = ["ArrayPort", "Look", "Moment", "RecordedArray", "ReplayedArray"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]


class Moment(NamedTuple):
    """When something is asked of an array: window (and group), presentation, and in which pass over the images."""

    step: int
    presentation: int
    phase: Phase = Phase.TRAIN


class Look(NamedTuple):
    """What a look at one column's cells says."""

    state: Ints
    """0 (g_min) to 254 (g_max) of each weight."""
    lowest: Bools
    """Whether the weight is at the lowest its cell can reach."""


class ArrayPort(Protocol):
    """What the learning machine asks of an array."""

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """Rows and columns of each tile."""

    def read(self, tile: int, active: Bools, moment: Moment) -> Ints:
        """Drive the active rows of a tile; return what converters make of its column sums, in read units, shape (columns,)."""

    def look(self, tile: int, column: int, counted: int) -> Look:
        """Read the cells of a column one by one; ``counted`` weights of them cost a read each."""

    def pulse(self, tile: int, column: int, pulses: Ints, up: Bools, moment: Moment) -> None:
        """Send so many pulses to each row's cell: LTP where ``up``, LTD elsewhere."""

    def program(self, tile: int, column: int, row: int, w: float, place: int, event: NeuronEvent) -> None:
        """Bring a weight to a target, -1 to 1, by pulses that are counted as ``event``; ``place`` tells such passes apart."""

    def freeze(self, tile: int, column: int, row: int, disconnect: bool) -> None:
        """Take a weight out of learning, and disconnect its cells if asked."""

    def refresh(self, tile: int, column: int, learning: Bools, place: int) -> None:
        """Look after the cells of a column that still learn, if the scheme calls for it."""


class RecordedArray:
    """An array of which every verb and every answer is written to a file, one line of JSON each.

    Parameters
    ----------
    port : ArrayPort
        The array that answers.
    path : Path
        The file; what was in it is replaced.
    """

    def __init__(self, port: ArrayPort, path: Path) -> None:
        self._port = port
        self._file = path.open("w", encoding="utf-8")
        self._write("shapes", [], [list(shape) for shape in port.shapes])

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _write(self, verb: str, asked: list[Any], answer: Any) -> None:
        self._file.write(json.dumps([verb, asked, answer]) + "\n")

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """Rows and columns of each tile."""
        return self._port.shapes

    def read(self, tile: int, active: Bools, moment: Moment) -> Ints:
        """Ask, and write down."""
        answer = self._port.read(tile, active, moment)
        self._write("read", [tile, np.flatnonzero(active).tolist(), list(moment)], answer.tolist())
        return answer

    def look(self, tile: int, column: int, counted: int) -> Look:
        """Ask, and write down."""
        answer = self._port.look(tile, column, counted)
        self._write("look", [tile, column, counted], [answer.state.tolist(), np.flatnonzero(answer.lowest).tolist()])
        return answer

    def pulse(self, tile: int, column: int, pulses: Ints, up: Bools, moment: Moment) -> None:
        """Ask, and write down."""
        self._port.pulse(tile, column, pulses, up, moment)
        self._write("pulse", [tile, column, pulses.tolist(), np.flatnonzero(up).tolist(), list(moment)], None)

    def program(self, tile: int, column: int, row: int, w: float, place: int, event: NeuronEvent) -> None:
        """Ask, and write down."""
        self._port.program(tile, column, row, w, place, event)
        self._write("program", [tile, column, row, float(w), place, int(event)], None)

    def freeze(self, tile: int, column: int, row: int, disconnect: bool) -> None:
        """Ask, and write down."""
        self._port.freeze(tile, column, row, disconnect)
        self._write("freeze", [tile, column, row, disconnect], None)

    def refresh(self, tile: int, column: int, learning: Bools, place: int) -> None:
        """Ask, and write down."""
        self._port.refresh(tile, column, learning, place)
        self._write("refresh", [tile, column, np.flatnonzero(learning).tolist(), place], None)


class ReplayedArray:
    """The array of a file that ``RecordedArray`` wrote: it answers as that one did, and refuses to be asked anything else.

    Raises
    ------
    DataError
        When another verb is called than the next one in the file, or with other arguments.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = self._read_lines()
        self.shapes: Sequence[tuple[int, int]] = [(rows, columns) for rows, columns in self._next("shapes", [])]

    def _read_lines(self) -> Iterator[tuple[int, Any]]:
        with self._path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield number, json.loads(line)

    def _next(self, verb: str, asked: list[Any]) -> Any:
        number, recorded = next(self._lines, (0, ["the end", [], None]))
        if recorded[:2] != [verb, json.loads(json.dumps(asked))]:
            raise DataError(
                "a recorded array answers only what it was asked when it was recorded",
                got=f"{verb} {str(asked)[:60]}, recorded: {recorded[0]} {str(recorded[1])[:60]}",
                where=f"{self._path}, line {number}",
                do="Train with the same experiment, data and seed, or record again.",
            )  # fmt: skip
        return recorded[2]

    def read(self, tile: int, active: Bools, moment: Moment) -> Ints:
        """Answer from the file."""
        return np.array(self._next("read", [tile, np.flatnonzero(active).tolist(), list(moment)]), np.int32)

    def look(self, tile: int, column: int, counted: int) -> Look:
        """Answer from the file."""
        state, lowest = self._next("look", [tile, column, counted])
        return Look(np.array(state, np.int32), np.isin(np.arange(len(state)), lowest))

    def pulse(self, tile: int, column: int, pulses: Ints, up: Bools, moment: Moment) -> None:
        """Check against the file."""
        self._next("pulse", [tile, column, pulses.tolist(), np.flatnonzero(up).tolist(), list(moment)])

    def program(self, tile: int, column: int, row: int, w: float, place: int, event: NeuronEvent) -> None:
        """Check against the file."""
        self._next("program", [tile, column, row, float(w), place, int(event)])

    def freeze(self, tile: int, column: int, row: int, disconnect: bool) -> None:
        """Check against the file."""
        self._next("freeze", [tile, column, row, disconnect])

    def refresh(self, tile: int, column: int, learning: Bools, place: int) -> None:
        """Check against the file."""
        self._next("refresh", [tile, column, np.flatnonzero(learning).tolist(), place])
