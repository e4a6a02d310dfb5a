"""What the wires do to learning: every synapse is read with a gain of its own, and programmed with a voltage of its own.

With conductances A that are left of the cells' g (see ``wires.py``), a synapse is read as t (w + w0), t = A / g, w0 the
distance of g_min's weight from no current. The sense circuit's gain makes up for the mean of t, and what all columns of a row
have in common moves no winner, so it is left out: a read resolves scale w + offset, with numbers that differ from cell to
cell. They are computed again every ``array.wires_every`` images, since learning moves the cells that load the lines.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.array.geometry import Placement
from synarray.array.maps import array_maps
from synarray.array.simulated import READ_UNITS, SynapticArray
from synarray.array.wire_fold import effective_read, effective_write
from synarray.array.wires import WireSpec
from synarray.device.spec import DeviceSpec

__all__ = ["apply_wires", "wires_leave"]

Floats = npt.NDArray[np.float64]


def apply_wires(array: SynapticArray, placement: Placement, steps: npt.NDArray[np.float32]) -> None:
    """Compute what the wires leave of every read and write, for the cells in their present state; in place.

    Parameters
    ----------
    array : SynapticArray
        Its ``scale``, ``traits`` and ``read_copy`` are replaced. Digital words are sensed bit by bit: wires do not act on them.
    placement : Placement
        Where the cells are.
    steps : ndarray of float32, shape (slices, 2, n_neurons, most_cells)
        Steps of each cell's LTD and LTP with ideal wires, in units of the law's.
    """
    wires, device = placement.spec.wires, array.device
    if device is None or not array.scheme.wires_act or wires == WireSpec():
        return
    maps = np.nan_to_num(array_maps(array, placement).conductance)
    left = np.stack([_left(g, wires) for g in maps])
    got = np.zeros((len(array.conductance()), *array.w.shape))
    _collect(array, placement, left, got)
    _set_scale(array, device, got)
    if device.v_fold is not None:
        arriving = np.ones(got.shape)
        _collect(array, placement, np.stack([effective_write(g, wires) for g in maps]), arriving)
        loss = (1.0 - arriving) / device.v_fold
        for polarity, volts in enumerate((device.v_ltd, device.v_ltp)):
            weaker = np.exp(-loss * abs(volts))[: len(array.traits)]
            array.traits[:, polarity] = steps[:, polarity] * weaker
    array.refresh_read_copy()


def wires_leave(g: Floats, wires: WireSpec) -> tuple[Floats, Floats]:
    """Return what share of its current the wires leave of each cell in a read, and of its voltage in a write.

    Parameters
    ----------
    g : ndarray of float64, shape (rows, columns)
        Conductances of one array, S; nan where there is no cell.
    wires : WireSpec

    Returns
    -------
    read, write : ndarray of float64, shape (rows, columns)
        Shares, 0 to 1; nan where there is no cell, and in a read where the cell does not conduct.

    Examples
    --------
    >>> read, write = wires_leave(np.array([[1e-3, np.nan]]), WireSpec(r_wire=500.0))
    >>> read.tolist(), write.tolist()
    ([[0.5, nan]], [[0.5, nan]])
    """
    cells = np.nan_to_num(g)
    read = np.divide(_left(cells, wires), cells, out=np.full(g.shape, np.nan), where=cells > 0)
    return read, np.where(np.isnan(g), np.nan, effective_write(cells, wires))


def _left(g: Floats, wires: WireSpec) -> Floats:
    """Effective conductances of one array; lines without cells only lengthen the way to the sense circuits."""
    rows, columns = (1 + np.flatnonzero(g.any(axis=axis)).max(initial=0) for axis in (1, 0))
    longer = wires.r_sense + (len(g) - rows) * wires.column
    left = np.zeros_like(g)
    left[:rows, :columns] = effective_read(g[:rows, :columns], wires.model_copy(update={"r_sense": longer})).a
    return left


def _set_scale(array: SynapticArray, device: DeviceSpec, left: Floats) -> None:
    """Turn the conductances that are left, [slice, neuron, cell], into a scale and an offset for each synapse's read."""
    g = np.nan_to_num(array.conductance())
    gain, offset = array.scheme.read_gain(array, device, left, g)
    mean = gain[array.exists & (gain > 0)].mean()
    gain, offset = gain / mean, offset / mean
    scale = np.empty((*array.w.shape, 2), np.float32)
    for t in range(len(array.shapes)):
        neurons = array.neurons(t)
        w, part = array.w[neurons], gain[neurons]
        reading = part * w + offset[neurons] + part * -array.no_current
        common = reading.mean(axis=0) - w.mean(axis=0)  # of all columns of a row
        scale[neurons, :, 0] = array.read_units * part
        scale[neurons, :, 1] = array.read_units * (reading - part * w - common) + READ_UNITS + 0.5
    array.scale = scale


def _collect(array: SynapticArray, placement: Placement, maps: Floats, into: Floats) -> None:
    """Copy from maps of the physical arrays to [slice, neuron, cell], in place."""
    tiles = [into[:, array.neurons(t), :rows].transpose(0, 2, 1) for t, (rows, _) in enumerate(array.shapes)]  # views
    placement.collect(maps, tiles)
