"""The synaptic array: one dense tile of weights per group of neurons, the cells they live in, and the verbs that act on them.

Rows are word lines (inputs), columns are bit lines (output neurons). The truth is the conductance of each cell, kept as the
weight it represents (-1 is g_min, +1 is g_max of the nominal device) and by neuron, because pulses go to one neuron's column
at a time; what a read resolves of it, an 8-bit number, is kept by row because reads drive rows. The compiled kernels work
on the same arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt

from synarray.array.converter import READ_UNITS
from synarray.array.read_noise import read_noise
from synarray.array.schemes import PulseLaw, Scheme
from synarray.array.schemes.scheme import Drawn, no_bits, no_pair
from synarray.array.synapse import SynapseSpec, cell_law
from synarray.device.cell import CellSpec, state_of
from synarray.device.spec import DeviceSpec
from synarray.device.variation import NOMINAL

__all__ = ["READ_UNITS", "SynapticArray", "read_code"]

_REGISTER = 64
"""Columns are padded to whole vector registers."""

Floats = npt.NDArray[np.float32]


def read_code(w: Floats, scale: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """Return what a read resolves of weights: rint(scale w + offset) between -127 and 127, in float32 as the kernels do it."""
    reading = w * scale[..., 0] + scale[..., 1]
    within = np.minimum(np.maximum(reading, np.float32(0.0)), np.float32(254.5))  # np.clip takes long for one weight
    code: npt.NDArray[np.int8] = (within.astype(np.int32) - 127).astype(np.int8)
    return code


@dataclass
class SynapticArray:
    """Cells of the whole network, tile below tile."""

    w: Floats
    """Weight of each synapse; row = neuron, column = position among the neuron's rows; shape (n_neurons, most_cells)."""
    read_copy: npt.NDArray[np.int8]
    """What a read resolves of each weight, in read units. The last row is always 0. Shape (n_rows + 1, n_columns)."""
    alive: npt.NDArray[np.uint8]
    """1 = still learns, 0 = pruned, or no cell; shape (n_neurons, most_cells)."""
    row_start: npt.NDArray[np.int64]
    neuron_start: npt.NDArray[np.int64]
    """First row and first neuron of each tile; shape (n_groups + 1,)."""
    synapse: SynapseSpec
    device: DeviceSpec | None
    """None: ideal weights."""
    law: PulseLaw
    """What a pulse does."""
    pair: Floats
    """The two cells of each weight, -1 to 1 each; empty but for pairs; shape (2, n_neurons, most_cells)."""
    writes: npt.NDArray[np.uint32]
    """Pulses each cell received; of a compound, all its cells together; shape (cells per weight, n_neurons, most_cells)."""
    traits: Floats
    """Step of LTD and of LTP in units of the law's, lowest and highest weight; (1, 4, 1, 1) for ideal weights and words; shape
    (slices, 4, n_neurons, most_cells)."""
    variant: npt.NDArray[np.uint8]
    """Which of the law's nonlinearities; (1, 1, 1) for ideal weights and words; shape (slices, n_neurons, most_cells)."""
    stuck_bits: npt.NDArray[np.uint16]
    """Bits of a digital word that never change; (1, 1) when none is stuck; shape (n_neurons, most_cells)."""
    scale: Floats
    """A read resolves scale w + offset; (1, 1, 2) when all are alike; shape (n_neurons, most_cells, 2)."""
    power: npt.NDArray[np.int8]
    """Variance of what a read resolves; (1, 1) when reads are noiseless; shape like ``read_copy``."""
    read_units: float
    """Read units per unit of weight: 127, or fewer where cells reach further than -1..1."""
    removed: bool = False
    """Whether cells that do not learn are disconnected."""
    noise_temperature: float | None = None
    """Temperature of the thermal and shot noise that reads have, K; None: they have none."""
    exists: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_), repr=False)

    @classmethod
    def build(
        cls,
        tiles: Sequence[tuple[int, int]],
        cell: CellSpec | None = None,
        device: DeviceSpec | None = None,
        synapse: SynapseSpec | None = None,
        seed: int = 0,
        disconnects: bool = False,
        noise_temperature: float | None = None,
    ) -> SynapticArray:
        """Make room for tiles of (rows, columns), all weights alive; cells of a device are at their lowest conductance.

        ``disconnects`` says that cells will be: reads must then reach down to no current.
        """
        synapse = synapse or SynapseSpec()
        scheme = synapse.scheme_for(device)
        law = cell_law(cell or CellSpec()) if device is None else scheme.pulse_law(device)
        row_start = np.concatenate([[0], np.cumsum([rows for rows, _ in tiles])]).astype(np.int64)
        neuron_start = np.concatenate([[0], np.cumsum([columns for _, columns in tiles])]).astype(np.int64)
        n, most_rows = int(neuron_start[-1]), max(rows for rows, _ in tiles)
        padded = -(-max(columns for _, columns in tiles) // _REGISTER) * _REGISTER
        read_copy = np.zeros((row_start[-1] + 1, padded), np.int8)
        exists = np.zeros((n, most_rows), np.bool_)
        for g, (rows, _) in enumerate(tiles):
            exists[neuron_start[g] : neuron_start[g + 1], :rows] = True
        if device is None:
            traits, variant = NOMINAL.reshape(1, 4, 1, 1).copy(), np.zeros((1, 1, 1), np.uint8)
            drawn = Drawn(traits, variant, no_bits(), np.full(exists.shape, -1.0, np.float32), no_pair())
        else:
            drawn = scheme.draw(device, (scheme.cells, n, most_rows), exists, seed)
        reach = 0.0 if device is None else _reach(scheme, device, disconnects)
        units = READ_UNITS / max(1.0, -float(drawn.traits[:, 2].min()), float(drawn.traits[:, 3].max()), reach)
        noisy = device is not None and scheme.read_noise_acts and _read_spread(device, noise_temperature)[0] > 0
        array = cls(
            np.where(exists, drawn.w, np.float32(0)),
            read_copy,
            exists.astype(np.uint8),
            row_start,
            neuron_start,
            synapse,
            device,
            law,
            pair=drawn.pair,
            writes=np.zeros((scheme.counters, n, most_rows), np.uint32),
            traits=drawn.traits,
            variant=drawn.variant,
            stuck_bits=drawn.stuck_bits,
            scale=np.array([[[units, READ_UNITS + 0.5]]], np.float32),
            power=np.zeros(read_copy.shape if noisy else (1, 1), np.int8),
            read_units=units,
            exists=exists,
            noise_temperature=noise_temperature,
        )
        scheme.combine(array)
        array.refresh_read_copy()
        return array

    @cached_property
    def scheme(self) -> Scheme:
        """How a weight lives in cells."""
        return self.synapse.scheme_for(self.device)

    @property
    def n_cells(self) -> int:
        """Weights in all tiles."""
        return int(np.diff(self.row_start) @ np.diff(self.neuron_start))

    @property
    def n_alive(self) -> int:
        """Weights that still learn."""
        return int(self.alive.sum())

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of each tile."""
        return list(zip(np.diff(self.row_start).tolist(), np.diff(self.neuron_start).tolist(), strict=True))

    def rows(self, g: int) -> slice:
        """Rows of tile g in ``read_copy``."""
        return slice(int(self.row_start[g]), int(self.row_start[g + 1]))

    def neurons(self, g: int) -> slice:
        """Neurons on the columns of tile g."""
        return slice(int(self.neuron_start[g]), int(self.neuron_start[g + 1]))

    def tile(self, g: int) -> Floats:
        """Weights of tile g as [pre, post]."""
        rows = self.row_start[g + 1] - self.row_start[g]
        return self.w[self.neurons(g), :rows].T

    # ---- verbs ---------------------------------------------------------------------------------------------------------

    def read(self, g: int, active: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Drive the active rows of tile g; return the column sums in read units, shape (columns,)."""
        columns = self.neuron_start[g + 1] - self.neuron_start[g]
        sums: npt.NDArray[np.int32] = self.read_copy[self.rows(g), :columns][active].sum(axis=0, dtype=np.int32)
        return sums

    def variance(self, g: int, active: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Variance of the column sums of that read, in units of the noise law, shape (columns,)."""
        columns = self.neuron_start[g + 1] - self.neuron_start[g]
        sums: npt.NDArray[np.int32] = self.power[self.rows(g), :columns][active].sum(axis=0, dtype=np.int32)
        return sums

    def state(self, g: int, column: int) -> npt.NDArray[np.int32]:
        """Look up the states, 0..254, of one neuron's weights."""
        return state_of(self.tile(g)[:, column])

    def trait(self, slice_: int, k: int, row: int | slice) -> Floats:
        """Return how a cell, or some of a neuron's, differ from the nominal one: steps, and ends of the range."""
        one = self.traits.size == 4
        return self.traits[0, :, 0, 0] if one else self.traits[slice_, :, k, row]

    def curvature(self, slice_: int, k: int, row: int) -> int:
        """Return which of the law's nonlinearities a cell has."""
        return int(self.variant[0, 0, 0] if self.variant.size == 1 else self.variant[slice_, k, row])

    def stuck(self, k: int, row: int) -> int:
        """Return which bits of a digital word never change."""
        return int(self.stuck_bits[k, row] if self.stuck_bits.size > 1 else self.stuck_bits[0, 0])

    def program(self, g: int, column: int, row: int, w: SupportsFloat) -> None:
        """Set a weight (the pulses are the caller's to count)."""
        k = self.neuron_start[g] + column
        self.w[k, row] = float(w)
        self._resolve(g, column, row)

    def program_pair(self, g: int, column: int, row: int, side: int, x: SupportsFloat) -> None:
        """Set one cell of a pair (the pulses are the caller's to count)."""
        k = self.neuron_start[g] + column
        self.pair[side, k, row] = float(x)
        self.w[k, row] = (self.pair[0, k, row] - self.pair[1, k, row]) * np.float32(0.5)
        self._resolve(g, column, row)

    def freeze(self, g: int, column: int, row: int) -> None:
        """Take a weight out of learning; it is still read."""
        self.alive[self.neuron_start[g] + column, row] = 0

    def disconnect(self, g: int, column: int, row: int) -> None:
        """Take a weight out of learning and its cells out of every read."""
        self.freeze(g, column, row)
        k, r = self.neuron_start[g] + column, self.row_start[g] + row
        self.read_copy[r, column] = read_code(np.float32(self.no_current), self._scale(k, row))  # type: ignore[arg-type]
        if self.power.size > 1:
            self.power[r, column] = 0

    def disconnect_where(self, g: int, mask: npt.NDArray[np.bool_]) -> None:
        """Disconnect the weights of tile g where ``mask`` [pre, post] is True."""
        self.alive[self.neurons(g), : len(mask)][mask.T] = 0
        self.removed = True
        self.refresh_read_copy()

    def refresh_read_copy(self) -> None:
        """Read every weight again, after many of them changed."""
        for g, (rows, columns) in enumerate(self.shapes):
            neurons = self.neurons(g)
            w = self.tile(g)
            alive = self.alive[neurons, :rows].T
            if self.removed:
                w = np.where(alive == 0, np.float32(self.no_current), w)
            scale = np.broadcast_to(self.scale, (*self.w.shape, 2))[neurons, :rows].transpose(1, 0, 2)
            self.read_copy[self.rows(g), :columns] = read_code(w, scale)
            if self.power.size > 1:
                cells = self.scheme.moving(self)[:, neurons, :rows].transpose(0, 2, 1)
                power = self.read_power[state_of(cells)].sum(axis=0)
                self.power[self.rows(g), :columns] = np.where(self.removed & (alive == 0), 0, power)

    def _scale(self, k: int, row: int) -> Floats:
        scale: Floats = self.scale[k, row] if self.scale.size > 2 else self.scale[0, 0]
        return scale

    def _resolve(self, g: int, column: int, row: int) -> None:
        k, r = self.neuron_start[g] + column, self.row_start[g] + row
        self.read_copy[r, column] = read_code(self.w[k, row], self._scale(k, row))
        if self.power.size > 1:
            cells = self.scheme.moving(self)[:, k, row]
            self.power[r, column] = self.read_power[state_of(cells)].sum()

    # ---- physics in numbers --------------------------------------------------------------------------------------------

    @property
    def no_current(self) -> float:
        """Weight that a disconnected synapse is read as: 0 where the scheme has a zero, else that of no conductance."""
        return 0.0 if self.device is None else self.scheme.no_current(self.device)

    @property
    def read_power(self) -> npt.NDArray[np.uint8]:
        """Variance of one cell's read current by state, in units of ``read_sigma`` squared; shape (256,)."""
        table = np.zeros(256, np.uint8)
        if self.device is None:
            return table
        power, variance = self.scheme.read_powers(self.device)  # of thermal and shot noise, and of sigma_read
        thermal = _read_spread(self.device, self.noise_temperature)[1]
        variance = (1.0 - thermal) * variance + thermal * power
        table[:255] = np.rint(_POWER * variance)
        return table

    @property
    def read_sigma(self) -> float:
        """Standard deviation of a read, in read units, of a cell with ``read_power`` 1; 0 for noiseless reads."""
        device = self.device
        if device is None or not self.scheme.read_noise_acts:
            return 0.0
        spread, _ = _read_spread(device, self.noise_temperature)
        return float(spread * self.scheme.read_weight(device) * self.read_units / np.sqrt(_POWER))

    @property
    def stuck_cells(self) -> npt.NDArray[np.bool_]:
        """Cells that never move, shape (cells per weight, n_neurons, most_cells); of a compound this is not kept."""
        return self.scheme.stuck_cells(self)

    @property
    def n_saturated(self) -> int:
        """Weights whose read lies beyond what the sense circuit resolves."""
        reading = self.w * self.scale[..., 0] + self.scale[..., 1]
        beyond = (reading < 0.0) | (reading >= 2 * READ_UNITS + 1)
        return int(np.count_nonzero(beyond & self.exists & (self.alive.astype(bool) | (not self.removed))))

    def levels(self) -> npt.NDArray[np.uint8]:
        """State of every cell, 0 (g_min) to 254 (g_max), shape (slices, n_neurons, most_cells); a compound as one, averaged."""
        return self.scheme.levels(self)

    def conductance(self) -> npt.NDArray[np.float64]:
        """Conductance of every cell, S, shape (cells per weight, n_neurons, most_cells); nan where there is none.

        Cells of a compound are drawn with their first ones on; a digital word has its lowest bit first.
        """
        if self.device is None:
            raise ValueError("ideal weights have no conductance")
        g = np.maximum(self.device.conductance(self.scheme.positions(self)), 0.0)
        if self.removed:
            g = np.where(self.alive[None] == 0, 0.0, g)
        return np.where(self.exists[None], g, np.nan)


_POWER = 60.0
"""Resolution of read noise: variance units of a cell at g_max (two of a pair stay below 127)."""


def _read_spread(device: DeviceSpec, temperature: float | None) -> tuple[float, float]:
    """Spread of one read of a cell at g_max, relative to it, and the share of thermal and shot noise in its variance."""
    floor = 0.0 if temperature is None else float(read_noise(device.g_max, device, temperature)) / device.g_max
    spread = float(np.hypot(device.sigma_read, floor))
    return spread, (floor / spread) ** 2 if spread else 0.0


def _reach(scheme: Scheme, device: DeviceSpec, disconnects: bool) -> float:
    """Return how far below 0 reads must reach: to no current where cells drift, or are disconnected."""
    if scheme.gradual and device.drifts:
        return -device.w_zero
    return -scheme.no_current(device) if disconnects else 0.0
