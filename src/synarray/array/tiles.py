"""The synaptic array: one dense tile of cells per group of neurons, and the verbs that act on it.

Rows are word lines (inputs), columns are bit lines (output neurons). The truth is the weight of each cell (a view of its
conductance), kept by neuron because pulses go to one neuron's column at a time; what a read resolves of it, an 8-bit
number, is kept by row because reads drive rows. The compiled kernels work on the same three arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np
import numpy.typing as npt

from synarray.device.cell import state_of

__all__ = ["SynapticArray"]

_REGISTER = 64
"""Columns are padded to whole vector registers."""


@dataclass(frozen=True)
class SynapticArray:
    """Cells of the whole network, tile below tile.

    Attributes
    ----------
    w : ndarray of float32, shape (n_neurons, most_cells)
        Weight of each cell; row = neuron, column = position among the neuron's rows.
    read_copy : ndarray of int8, shape (n_rows + 1, n_columns)
        What a read resolves of each cell, q = rint(127 w); 0 where the cell is disconnected. The last row is always 0.
    alive : ndarray of uint8, shape (n_neurons, most_cells)
        1 = still learns, 0 = pruned, or no cell.
    row_start, neuron_start : ndarray of int64, shape (n_groups + 1,)
        First row and first neuron of each tile.
    """

    w: npt.NDArray[np.float32]
    read_copy: npt.NDArray[np.int8]
    alive: npt.NDArray[np.uint8]
    row_start: npt.NDArray[np.int64]
    neuron_start: npt.NDArray[np.int64]

    @classmethod
    def build(cls, tiles: Sequence[tuple[int, int]]) -> SynapticArray:
        """Make room for tiles of (rows, columns), all cells alive at w = 0."""
        row_start = np.concatenate([[0], np.cumsum([rows for rows, _ in tiles])]).astype(np.int64)
        neuron_start = np.concatenate([[0], np.cumsum([columns for _, columns in tiles])]).astype(np.int64)
        most_rows, most_columns = max(rows for rows, _ in tiles), max(columns for _, columns in tiles)
        padded = -(-most_columns // _REGISTER) * _REGISTER
        array = cls(
            np.zeros((neuron_start[-1], most_rows), np.float32),
            np.zeros((row_start[-1] + 1, padded), np.int8),
            np.zeros((neuron_start[-1], most_rows), np.uint8),
            row_start,
            neuron_start,
        )
        for g, (rows, _) in enumerate(tiles):
            array.alive[array.neurons(g), :rows] = 1
        return array

    @property
    def n_cells(self) -> int:
        """Cells in all tiles."""
        return int(np.diff(self.row_start) @ np.diff(self.neuron_start))

    @property
    def n_alive(self) -> int:
        """Cells that still learn."""
        return int(self.alive.sum())

    def rows(self, g: int) -> slice:
        """Rows of tile g in ``read_copy``."""
        return slice(int(self.row_start[g]), int(self.row_start[g + 1]))

    def neurons(self, g: int) -> slice:
        """Neurons on the columns of tile g."""
        return slice(int(self.neuron_start[g]), int(self.neuron_start[g + 1]))

    def tile(self, g: int) -> npt.NDArray[np.float32]:
        """Weights of tile g as [pre, post]."""
        rows = self.row_start[g + 1] - self.row_start[g]
        return self.w[self.neurons(g), :rows].T

    def read(self, g: int, active: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Drive the active rows of tile g; return the column sums in read units, shape (columns,)."""
        columns = self.neuron_start[g + 1] - self.neuron_start[g]
        sums: npt.NDArray[np.int32] = self.read_copy[self.rows(g), :columns][active].sum(axis=0, dtype=np.int32)
        return sums

    def state(self, g: int, column: int) -> npt.NDArray[np.int32]:
        """Look up the states, 0..254, of one neuron's cells."""
        return state_of(self.tile(g)[:, column])

    def pulse(self, g: int, column: int, row: int, step: np.floating[Any], n: int) -> bool:
        """Send n programming pulses of one signed step to a cell. Returns whether the cell moved."""
        k = self.neuron_start[g] + column
        before = self.w[k, row]
        after = min(max(before + np.float32(n) * step, np.float32(-1)), np.float32(1))
        self.program(g, column, row, after)
        return bool(after != before)

    def program(self, g: int, column: int, row: int, w: SupportsFloat) -> None:
        """Set a cell to a weight (the pulses are the caller's to count)."""
        self.w[self.neuron_start[g] + column, row] = float(w)
        self.read_copy[self.row_start[g] + row, column] = state_of(np.array(w, np.float32)) - 127

    def freeze(self, g: int, column: int, row: int) -> None:
        """Take a cell out of learning; it is still read."""
        self.alive[self.neuron_start[g] + column, row] = 0

    def disconnect(self, g: int, column: int, row: int) -> None:
        """Take a cell out of learning and out of every read."""
        self.freeze(g, column, row)
        self.read_copy[self.row_start[g] + row, column] = 0

    def disconnect_where(self, g: int, mask: npt.NDArray[np.bool_]) -> None:
        """Disconnect the cells of tile g where ``mask`` [pre, post] is True."""
        rows, columns = mask.shape
        self.alive[self.neurons(g), :rows][mask.T] = 0
        self.read_copy[self.rows(g), :columns][mask] = 0

    def refresh_read_copy(self) -> None:
        """Read every connected cell anew, after weights were set from outside."""
        for g in range(len(self.row_start) - 1):
            columns = self.neuron_start[g + 1] - self.neuron_start[g]
            self.read_copy[self.rows(g), :columns] = state_of(self.tile(g)) - 127
