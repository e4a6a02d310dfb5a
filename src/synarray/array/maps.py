"""Maps of the physical arrays: what is where, cell by cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.geometry import Placement
from synarray.array.simulated import SynapticArray
from synarray.errors import SpecError

__all__ = ["ArrayMaps", "array_maps", "check_drawable", "lay"]

Map = npt.NDArray[np.float64]
_MOST_DRAWN = 1 << 24


class ArrayMaps(NamedTuple):
    """Values of every cell, each of shape (arrays, rows, columns); nan where no cell is used."""

    conductance: Map
    """S; 0 where a cell was disconnected."""
    writes: Map
    """Pulses received; a compound's are shared evenly among its cells, among which they are drawn at random."""
    pruned: Map
    """1 where the weight was pruned."""
    stuck: Map
    """1 where the cell never moves (of a compound, where none of its cells does)."""


def check_drawable(placement: Placement) -> None:
    """Refuse arrays that are too large to be drawn.

    Raises
    ------
    SpecError
        When a map of them would have more than 16 million cells.
    """
    spec, n_cells = placement.spec, placement.n_arrays * placement.spec.rows * placement.spec.columns
    if n_cells > _MOST_DRAWN:
        raise SpecError(
            f"maps show at most {_MOST_DRAWN:,} cells",
            got=f"{placement.n_arrays:,} arrays of {spec.rows:,} x {spec.columns:,}",
            where="key array",
            do="Lay the network into smaller arrays, with array.rows and array.columns.",
        )


def array_maps(array: SynapticArray, placement: Placement) -> ArrayMaps:
    """Lay the cells of a network out as they lie in its arrays."""
    g = array.conductance()
    values = (g, array.scheme.pulses_per_cell(array.writes), array.alive[None] == 0, array.stuck_cells)
    return ArrayMaps(*(lay(array, placement, np.broadcast_to(value, g.shape)) for value in values))


def lay(array: SynapticArray, placement: Placement, values: npt.NDArray[np.generic]) -> Map:
    """Lay values of every cell, [cell of a weight, neuron, cell], out as they lie in the arrays; nan where nothing does."""
    tiles = [values[:, array.neurons(t), :rows].transpose(0, 2, 1) for t, (rows, _) in enumerate(array.shapes)]
    return placement.lay(tiles)
