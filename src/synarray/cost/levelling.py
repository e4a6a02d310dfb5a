"""Wear levelling: a network that lies elsewhere in its array at each training, so that no cell is always the busy one.

Before training t every row address is shifted by t s (modulo the rows), or every column address, or both; s is close to the
golden section of the lines and shares no divisor with their number, so that a few trainings spread out already and every line
is reached. What each cell has received after T trainings is then the circular convolution of one training's counters, as they
lie in the physical array with its unused cells, with the places that were taken: exact, also for a cycle that is not complete.
The share that has failed is that of all the cells which take turns.

The price: an addition for each address that is sent. A training from nothing needs no more. A network that must be kept is read
and written at its new place, cell by cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.array.programming import write_verify
from synarray.cost.prices import Periphery
from synarray.cost.wear import share_failed, solve_trainings, trainings_left
from synarray.device.spec import DeviceSpec

__all__ = ["KINDS", "Move", "levelled_trainings", "move", "stride", "visits"]

KINDS = {"rows": (True, False), "columns": (False, True), "both": (True, True)}
"""Which addresses are shifted: those of rows, those of columns."""
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SAMPLE = 5_000

Map = npt.NDArray[np.float64]


def stride(lines: int) -> int:
    """Return by how many lines to shift: close to the golden section, without a divisor in common.

    Examples
    --------
    >>> stride(1024), stride(1)
    (633, 0)
    """
    wanted = round(lines * _GOLDEN)
    return min((s for s in range(lines) if math.gcd(s, lines) == 1), key=lambda s: abs(s - wanted), default=0)


def visits(trainings: float, shape: tuple[int, int], kind: str) -> Map:
    """Count how often the network lay at each shift, rows by columns; the last training may count in part.

    Examples
    --------
    >>> visits(2.5, (3, 1), "rows").ravel().tolist()
    [1.0, 0.5, 1.0]
    """
    rows, columns = (n if moves else 1 for n, moves in zip(shape, KINDS[kind], strict=True))
    cycle = rows * columns
    whole, rest = divmod(trainings, cycle)
    t = np.arange(math.ceil(rest))
    weights = np.minimum(rest - t, 1.0)
    row = t * stride(rows) % rows
    column = (t + t // math.lcm(rows, columns)) * stride(columns) % columns  # so that all pairs come up in one cycle
    counts = np.zeros(shape)
    counts[:rows, :columns] = whole + np.bincount(row * columns + column, weights, cycle).reshape(rows, columns)
    return counts


def levelled_trainings(maps: Map, device: DeviceSpec, share: float, kind: str) -> float:
    """Return how many trainings an array lives through when the network lies elsewhere each time.

    Parameters
    ----------
    maps : ndarray, shape (arrays, rows, columns)
        Pulses that each cell received in one training; nan where nothing lies.
    device : DeviceSpec
    share : float
        Share of the cells that take turns which may have failed.
    kind : {"rows", "columns", "both"}

    Returns
    -------
    float
        Like ``trainings_left``.
    """
    used, (rows, columns) = ~np.isnan(maps), KINDS[kind]
    turns = np.broadcast_to(
        used.any(axis=tuple(axis for axis, moves in ((1, rows), (2, columns)) if moves), keepdims=True), maps.shape
    )
    writes = np.nan_to_num(maps)
    axes = tuple(axis for axis, moves in ((1, rows), (2, columns)) if moves)
    mixed = np.broadcast_to(writes.mean(axis=axes, keepdims=True), maps.shape)[turns]
    limit = trainings_left(mixed, device, share)
    if not 0.0 < limit < math.inf:
        return limit
    spectrum, shape = np.fft.rfft2(writes), (maps.shape[1], maps.shape[2])

    def failed(trainings: float) -> float:
        places = np.fft.rfft2(visits(trainings, shape, kind))
        return share_failed(np.maximum(np.fft.irfft2(spectrum * places, s=shape), 0.0)[turns], device)

    return solve_trainings(failed, share, guess=limit)


@dataclass(frozen=True)
class Move:
    """What it takes to bring a network to another place, cell by cell."""

    reads: int
    pulses: int
    """Reads of cells (each before it is moved, and to verify), pulses sent."""
    energy: float
    """Of the cells, and of the circuits that sense them where these are priced, J."""
    seconds: float
    """One after another, s."""


def move(conductance: Map, device: DeviceSpec, periphery: Periphery | None = None) -> Move | None:
    """Price the move of a network by one shift of rows, onto what its cells hold now; None where no law says how many pulses.

    Analog cells are programmed by write-verify, to 2 % of the range, measured on up to 5,000 of them; of binary ones those
    that differ get a pulse.

    Parameters
    ----------
    conductance : ndarray, shape (arrays, rows, columns)
        S; nan where nothing lies.
    device : DeviceSpec
    periphery : Periphery, optional
        Prices of sensing each read: an analog cell by a conversion, a binary one by a sense amplifier; none: cells only.
    """
    if device.step_law.exact:
        return None
    shifted = np.roll(conductance, stride(conductance.shape[1]), axis=1)
    comes = ~np.isnan(shifted)
    target, held = shifted[comes], np.where(np.isnan(conductance), device.g_min, conductance)[comes]
    target, held = (np.clip(g, device.g_min, device.g_max) for g in (target, held))
    n, every = len(target), max(1, len(target) // _SAMPLE)
    verifies = not device.binary
    if device.binary:
        every, pulses = 1, (target != held).astype(np.int64)
    else:
        target, held = target[::every], held[::every]
        pulses = write_verify(device, target, start=held).pulses
    scale, up = n / len(target), target >= held
    volts, times = np.where(up, device.v_ltp, device.v_ltd), np.where(up, device.t_ltp, device.t_ltd)
    ohmic = volts**2 * times * (target + held) / 2.0
    own = np.where(up, *(np.nan if e is None else e for e in (device.e_ltp, device.e_ltd)))
    verified = pulses + 1 if verifies else np.zeros_like(pulses)
    read = device.v_read**2 * device.t_read
    energy = (np.where(np.isnan(own), ohmic, own) * pulses + read * (target + verified * (target + held) / 2.0)).sum()
    reads = len(target) + int(verified.sum())
    sensed = (0.0, 0.0) if periphery is None else _sensing(periphery, device, float(target.mean()))
    seconds = (pulses * times).sum() + reads * (device.t_read + sensed[1])
    return Move(
        round(scale * reads),
        round(scale * int(pulses.sum())),
        float(scale * (energy + reads * sensed[0])),
        float(scale * seconds),
    )


def _sensing(periphery: Periphery, device: DeviceSpec, g: float) -> tuple[float, float]:
    """Energy and time of sensing one cell, J and s."""
    r_cell = 1.0 / max(g, 1e-12)
    if device.binary:
        return periphery.sense(r_cell), periphery.sense_time(r_cell)
    return periphery.conversion(r_cell), periphery.conversion_time()
