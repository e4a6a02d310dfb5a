"""The physical array: its size, what fits into it, and where the cells of each weight are.

512 kbit are 1024 x 512 cells with one access transistor each (1T1R). A group's weights are a dense tile of rows (inputs) by
columns (neurons); a weight of several cells (bits of a word, the two of a pair) has one such tile for each of them, a
*slice*. Tiles are laid into bands of rows, cut between columns where a band is full and between rows where the array ends
(partial sums are then added outside the array).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.array.read_noise import ROOM_TEMPERATURE
from synarray.array.wires import WireSpec
from synarray.errors import SpecError
from synarray.spec import Spec
from synarray.units import Kelvins

__all__ = ["ArraySpec", "Block", "Placement", "place"]


class ArraySpec(Spec):
    """The arrays that hold the network.

    Examples
    --------
    >>> spec = ArraySpec(rows=256, columns=256, count=4)
    >>> spec.rows * spec.columns * spec.count
    262144
    """

    rows: Annotated[int, Field(ge=1, le=65_536)] = 1024
    """Word lines of one array."""
    columns: Annotated[int, Field(ge=1, le=65_536)] = 512
    """Bit lines of one array; 1024 x 512 cells are 512 kbit."""
    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Number of arrays."""
    wires: WireSpec = WireSpec()
    """Resistances of lines, drivers, sense circuits and access transistors."""
    wires_every: Annotated[int, Field(ge=1, le=10**9)] = 2_000
    """Presentations after which the effect of the wires is computed again."""
    wear: bool = False
    """Whether cells fail while the network learns, each after a life of its own (``device.endurance``)."""
    prior_pulses: Annotated[float, Field(ge=0, le=1e30)] = 0.0
    """Pulses that every cell received in earlier life, before this training."""
    temperature: Annotated[Kelvins, Field(gt=0, le=2000)] = ROOM_TEMPERATURE
    """Temperature of the cells while they are read; their thermal noise follows from it."""
    thermal_noise: bool = False
    """Whether reads of rows have the thermal and shot noise of the cells, besides ``device.sigma_read``."""
    adc_bits: Annotated[int, Field(ge=2, le=12)] | None = None
    """Bits to which a column's read is digitised, while the network learns and while it is read; none: ideal reads."""
    adc_range: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Full scale of the converters, as a share of the largest sum a column can have; what lies beyond it is clipped."""

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.prior_pulses and not self.wear:
            raise SpecError(
                "pulses of earlier life act only on cells that wear out",
                where="key array.prior_pulses",
                got=f"prior_pulses = {self.prior_pulses:g} without wear",
                do="Set array.wear = true, or leave prior_pulses out.",
            )
        if self.adc_bits is None and self.adc_range != 1.0:
            raise SpecError(
                "a converter has a range only where it has a number of bits",
                where="key array.adc_range",
                got=f"adc_range = {self.adc_range:g} without adc_bits",
                do="Set array.adc_bits, 2 to 12, or leave adc_range out.",
            )
        return self

    @property
    def n_cells(self) -> int:
        """Cells of all arrays."""
        return self.rows * self.columns * self.count

    @property
    def noise_temperature(self) -> float | None:
        """Temperature of the noise that reads have, K; None: they have none of their own."""
        return self.temperature if self.thermal_noise else None


@dataclass(frozen=True)
class Block:
    """A rectangle of one tile's slice (cell 0, 1, ... of each of its weights) and where it lies."""

    array: int
    row: int
    column: int
    tile: int
    cell: int
    rows: slice
    columns: slice

    @property
    def place(self) -> tuple[int, slice, slice]:
        """Where it lies: array, its rows, its columns."""
        height, width = self.rows.stop - self.rows.start, self.columns.stop - self.columns.start
        return self.array, slice(self.row, self.row + height), slice(self.column, self.column + width)


@dataclass(frozen=True)
class Placement:
    """All blocks of a network."""

    spec: ArraySpec
    blocks: tuple[Block, ...]

    @property
    def n_arrays(self) -> int:
        """Arrays that hold something."""
        return 1 + max(block.array for block in self.blocks)

    def lay(self, tiles: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.float64]:
        """Lay values of each tile [slice, pre, post] out as maps of the arrays, shape (arrays, rows, columns); nan: unused."""
        maps = np.full((self.n_arrays, self.spec.rows, self.spec.columns), np.nan)
        for block in self.blocks:
            maps[block.place] = tiles[block.tile][block.cell, block.rows, block.columns]
        return maps

    def collect(self, maps: npt.NDArray[np.floating], tiles: Sequence[npt.NDArray[np.floating]]) -> None:
        """Undo ``lay``: copy from maps of the arrays into tiles [slice, pre, post], in place."""
        for block in self.blocks:
            tiles[block.tile][block.cell, block.rows, block.columns] = maps[block.place]


def place(tiles: Sequence[tuple[int, int]], slices: int, spec: ArraySpec, unit: str = "cells") -> Placement:
    """Lay tiles of (rows, columns), each ``slices`` times, into the arrays.

    Parameters
    ----------
    tiles : sequence of (int, int)
        Rows (inputs) and columns (neurons) of each group.
    slices : int
        Cells per weight.
    spec : ArraySpec
    unit : str
        What a slice is called in the error: "bits" or "cells".

    Raises
    ------
    SpecError
        When they do not fit, saying what would.

    Examples
    --------
    >>> place([(397, 500)], 2, ArraySpec()).n_arrays
    1
    """
    needed = slices * sum(rows * columns for rows, columns in tiles)
    if needed <= spec.n_cells:
        for cut_rows in (False, True):
            blocks = _pack(tiles, slices, spec, cut_rows)
            if blocks is not None:
                return Placement(spec, blocks)
        return Placement(spec, _fill(tiles, slices, spec))
    raise SpecError(
        "the network must fit into its arrays, in dense tiles",
        got=_what_fits(tiles, slices, spec, unit, needed),
        where="array",
        do=f"Use fewer neurons or {unit}, or set array.count = {-(-needed // (spec.rows * spec.columns))} or more.",
    )


def _pack(tiles: Sequence[tuple[int, int]], slices: int, spec: ArraySpec, cut_rows: bool) -> tuple[Block, ...] | None:
    """Fill bands from the top of the first array on; None when the arrays are full."""
    waiting = [
        (t, s, slice(0, rows), slice(0, columns)) for t, (rows, columns) in enumerate(tiles) for s in range(slices)
    ][::-1]
    blocks: list[Block] = []
    array, top, height, used = 0, 0, 0, 0  # the open band: its array, first row, rows, and columns already taken
    while waiting:
        t, s, rows, columns = waiting.pop()
        high, left = rows.stop - rows.start, spec.rows - top - height
        if high > height or used == spec.columns:  # open the next band
            if high <= left:
                top, height, used = top + height, high, 0
            elif left > 0 and (cut_rows or high > spec.rows):
                middle = rows.start + left
                waiting += [(t, s, slice(middle, rows.stop), columns), (t, s, slice(rows.start, middle), columns)]
                continue
            elif array + 1 < spec.count:
                array, top, height, used = array + 1, 0, 0, 0
                waiting.append((t, s, rows, columns))
                continue
            else:
                return None
        width = min(columns.stop - columns.start, spec.columns - used)
        end = columns.start + width
        blocks.append(Block(array, top, used, t, s, rows, slice(columns.start, end)))
        used += width
        if end < columns.stop:
            waiting.append((t, s, rows, slice(end, columns.stop)))
    return tuple(blocks)


def _fill(tiles: Sequence[tuple[int, int]], slices: int, spec: ArraySpec) -> tuple[Block, ...]:
    """Use the arrays to the last cell, with tiles cut wherever the room that is left ends; there is enough of it."""
    room = [(array, 0, 0, spec.rows, spec.columns) for array in reversed(range(spec.count))]
    blocks: list[Block] = []
    for t, (n_rows, n_columns) in enumerate(tiles):
        for s in range(slices):
            waiting = [(0, 0, n_rows, n_columns)]
            while waiting:
                i, k, rows, columns = waiting.pop()
                array, top, left, height, width = room.pop()
                high, wide = min(rows, height), min(columns, width)
                blocks.append(Block(array, top, left, t, s, slice(i, i + high), slice(k, k + wide)))
                below, beside = (
                    (array, top + high, left, height - high, wide),
                    (array, top, left + wide, height, width - wide),
                )
                room += [part for part in (below, beside) if part[3] > 0 and part[4] > 0]
                pieces = (i, k + wide, rows, columns - wide), (i + high, k, rows - high, wide)
                waiting += [piece for piece in pieces if piece[2] > 0 and piece[3] > 0]
    return tuple(blocks)


def _what_fits(tiles: Sequence[tuple[int, int]], slices: int, spec: ArraySpec, unit: str, needed: int) -> str:
    """Say what came, and what the arrays could hold."""
    neurons, inputs = sum(columns for _, columns in tiles), tiles[0][0]
    one, weights = spec.rows * spec.columns, needed // slices
    have = "this array has" if spec.count == 1 else f"these {spec.count} arrays have"
    fits = []
    if fewer := spec.n_cells * neurons // needed:
        fits.append(f"{fewer} neurons at {slices} {unit}")
    if spec.n_cells // weights:
        fits.append(f"{neurons} at {spec.n_cells // weights} {unit}")
    fits.append(f"{needed / one:.2f} arrays")
    return (
        f"{neurons} neurons x {inputs} inputs x {slices} {unit} = {needed:,} cells; {have} {spec.n_cells:,}: "
        f"fits {', or '.join(fits)}"
    )
