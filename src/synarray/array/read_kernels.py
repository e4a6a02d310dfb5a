"""Many cells, read: drive rows, sum the columns of those that are active, add noise, convert.

What a cell is read as is an 8-bit number (``read``, by row, because reads drive rows). Kernels see arrays and numbers only and
never raise.
"""

from __future__ import annotations

import numpy as np

from synarray.compiled import compiled, woven_in
from synarray.device.kernels import normal_of
from synarray.events import NetworkEvent
from synarray.listing_kernels import list_set
from synarray.rng_kernels import fill_words

__all__ = ["drive_rows", "finish_read", "list_rows", "read_tile", "sum_columns"]

_FLUSH = 256  # rows summed in int16 before they could overflow: 256 x 127 < 2^15
_LANES = 32  # columns are summed in whole registers of 32 16-bit lanes
_ROW_READ, _COLUMN_SENSE = np.int64(NetworkEvent.ROW_READ), np.int64(NetworkEvent.COLUMN_SENSE)
_CLIPPED = np.int64(NetworkEvent.COLUMN_CLIPPED)


@woven_in
def list_rows(flags, n_cells, first_row, zero_row, rows):
    """List a tile's active rows, filled up to eights with the zero row. Returns how many they are."""
    n = list_set(flags, n_cells, first_row, rows)
    for a in range(n, (n + 7) // 8 * 8):
        rows[a] = zero_row
    return n


@woven_in
def drive_rows(inputs, first_row, n_cells, zero_row, x, x_row, rows, driven):
    """Hand the inputs' activity to a tile's rows and, where there is room to, count it.

    Lists the active rows, filled up to eights with the zero row. Returns how many they are.
    """
    if n_cells == x.size:  # a tile of all inputs has them in their order
        for j in range(n_cells):
            x_row[j] = x[j]
    else:
        places = inputs[first_row : first_row + n_cells]  # of slices numba knows that no index counts from the end
        for j in range(n_cells):
            x_row[j] = x[np.uint32(places[j])]
    _count_rows(first_row, n_cells, x_row, driven)
    return list_rows(x_row, n_cells, first_row, zero_row, rows)


@woven_in
def _count_rows(first_row, n_cells, x_row, driven):
    """Count the active rows of a tile, where there is room to."""
    if driven.size > 0:
        counts = driven[first_row : first_row + n_cells]
        for j in range(n_cells):
            counts[j] += np.uint32(x_row[j])


@compiled(allocates=False, inside=True, inlined=True, apart=True)
def sum_columns(read, rows, n, columns, part, u):
    """Add the active rows' cells to u, column by column."""
    width = (columns + _LANES - 1) // _LANES * _LANES
    for begin in range(0, n, _FLUSH):
        for k in range(width):
            part[k] = 0
        for a in range(begin, min(begin + _FLUSH, n), 8):
            r0, r1, r2, r3 = rows[a], rows[a + 1], rows[a + 2], rows[a + 3]
            r4, r5, r6, r7 = rows[a + 4], rows[a + 5], rows[a + 6], rows[a + 7]
            for k in range(width):
                part[k] += (
                    np.int16(read[r0, k]) + np.int16(read[r1, k]) + np.int16(read[r2, k]) + np.int16(read[r3, k])
                    + np.int16(read[r4, k]) + np.int16(read[r5, k]) + np.int16(read[r6, k]) + np.int16(read[r7, k])
                )  # fmt: skip
        for k in range(columns):
            u[k] += part[k]


@compiled(allocates=False, inside=True, inlined=True, apart=True)
def _shift_columns(read, entered, left, n, columns, part, sums):
    """Add the entered rows' cells to sums and take away those of the rows that are left, n of each, column by column."""
    width = (columns + _LANES - 1) // _LANES * _LANES
    for begin in range(0, n, _FLUSH // 2):
        for k in range(width):
            part[k] = 0
        for a in range(begin, min(begin + _FLUSH // 2, n), 4):
            r0, r1, r2, r3 = entered[a], entered[a + 1], entered[a + 2], entered[a + 3]
            r4, r5, r6, r7 = left[a], left[a + 1], left[a + 2], left[a + 3]
            for k in range(width):
                part[k] += (
                    np.int16(read[r0, k]) + np.int16(read[r1, k]) + np.int16(read[r2, k]) + np.int16(read[r3, k])
                    - np.int16(read[r4, k]) - np.int16(read[r5, k]) - np.int16(read[r6, k]) - np.int16(read[r7, k])
                )  # fmt: skip
        for k in range(columns):
            sums[k] += part[k]


@woven_in
def read_tile(g, inputs, first_row, n_cells, zero_row, x, read, columns, bench, driven):
    """Hand the inputs' activity to a tile's rows, and read its columns into ``bench.sums``. Returns how many rows are active.

    Only rows that changed since the tile was read last are added or taken away, which gives the same sums as reading all that are
    active; where what was read is ``bench.stale``, all are.
    """
    x_row, sums, rows, left, flags = bench.x_rows[g], bench.sums[g], bench.rows, bench.left_rows, bench.flags
    if bench.stale[g]:
        bench.stale[g] = False
        n = drive_rows(inputs, first_row, n_cells, zero_row, x, x_row, rows, driven)
        for k in range(columns):
            sums[k] = 0
        sum_columns(read, rows, n, columns, bench.part, sums)
        return n
    if n_cells == x.size:
        for j in range(n_cells):
            flags[j] = x[j] ^ x_row[j]
            x_row[j] = x[j]
    else:
        places = inputs[first_row : first_row + n_cells]
        for j in range(n_cells):
            on = x[np.uint32(places[j])]
            flags[j] = on ^ x_row[j]
            x_row[j] = on
    _count_rows(first_row, n_cells, x_row, driven)
    active = np.uint32(0)
    for j in range(n_cells):
        active += np.uint32(x_row[j])
    n, off = 0, 0
    for e in range(list_set(flags, n_cells, 0, bench.hit)):
        row = np.uint64(first_row) + bench.hit[e]
        rows[n], left[off] = row, row
        n += x_row[bench.hit[e]]
        off += 1 - x_row[bench.hit[e]]
    most = max(n, off)
    for a in range(n, most + 3):
        rows[a] = zero_row
    for a in range(off, most + 3):
        left[a] = zero_row
    _shift_columns(read, rows, left, most, columns, bench.part, sums)
    return np.int64(active)


@woven_in
def _add_noise(power, rows, n, columns, device, part, variance, u, words, noise, seed, stream, place, presentation):
    """Add read noise to potentials: the variances of the active rows' cells add up, one normal number a column."""
    for k in range(columns):
        variance[k] = 0
    sum_columns(power, rows, n, columns, part, variance)
    fill_words(words, columns, seed, stream, place, presentation)
    for k in range(columns):
        z = np.float32(device.read_sigma) * np.sqrt(np.float32(variance[k])) * normal_of(noise[k], device.normal)
        u[k] += np.int32(np.floor(z + np.float32(0.5)))


@woven_in
def _convert(u, threshold, first, columns, converter):
    """Leave of each column's read what its converter resolves; thresholds are added after it. Returns how many it clipped."""
    step, below = np.int32(converter.step), np.int32(converter.step * converter.codes)
    clipped = 0
    for k in range(columns):
        inside = min(max(u[k] - threshold[first + k], -below), below - np.int32(1))
        clipped += inside != u[k] - threshold[first + k]
        code = np.int32(np.uint32(inside + below) // np.uint32(step))
        u[k] = threshold[first + k] + code * step - below + (step >> np.int32(1))
    return clipped


@woven_in
def finish_read(n, first, columns, threshold, cells, device, bench, seed, stream, place, presentation, totals):
    """End a read of the n listed rows: noise, converters, and counts where there is room to.

    Potentials, with thresholds, are in ``bench.u``, the rows in ``bench.rows``; the first column is neuron ``first``.
    """
    u, clipped = bench.u, 0
    if device is not None:
        if device.read_sigma > 0:
            _add_noise(
                cells.power, bench.rows, n, columns, device, bench.part, bench.variance, u, bench.words, bench.noise, seed,
                stream, place, presentation,
            )  # fmt: skip
        if device.converter.step > 0:
            clipped = _convert(u, threshold, first, columns, device.converter)
    if totals.size > 0:
        totals[_CLIPPED] += clipped
        totals[_ROW_READ] += n
        totals[_COLUMN_SENSE] += columns
