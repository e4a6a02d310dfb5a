"""The array's wires, compiled: every line is a chain, and the two sets of chains are solved against each other.

A row leaves its driver at column 0, a column reaches its end at the last row; the far end of either is open. Seen from its
far end, node j of a line carries an admittance Y_j to everything beyond it, and passes the share a_j = 1 / (1 + r Y_j) of
what comes through the segment of resistance r that joins it to its neighbour on the driver's side:

    Y_j = g_j + a_(j+1) Y_(j+1)       I_j = J_j + a_(j+1) I_(j+1)       x_j = a_j (x_(j-1) + r I_j)

with J_j the current injected into node j; at the driver x_0 = gain u + lift I_0, gain = 1 / (1 + R Y_0), lift = R gain. Nothing
here divides by a resistance or subtracts, so a resistance of 0 is exact, and R = inf (a floating line) has its limit:
gain = 0, lift = 1 / Y_0. Rows eliminated, the columns' nodes obey S c = b with S = M - G K^-1 G, where M and K are the chains
of the columns and the rows, cells included, and G the cells; conjugate gradients, preconditioned with M. Only M^-1 and K^-1
are ever applied: M p is carried along beside p. Derivation: docs/wires.md.

Compiled code here calls only compiled code of this file (numba's cache does not notice edits elsewhere), sees arrays and
numbers only and never raises: it returns how far it came.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Chains", "column_chains", "direct", "row_chains", "solve"]


class Chains(NamedTuple):
    """All lines of one direction, eliminated from their open ends."""

    passes: npt.NDArray[np.float64]  # [pre, post] a, of the segment on each node's driver side; of rows: see row_chains
    gain: npt.NDArray[np.float64]  # [line] voltage of the first node per volt of the driver
    lift: npt.NDArray[np.float64]  # [line] voltage of the first node per ampere that reaches it, ohm
    r: float  # segment between neighbours, ohm


_RESTART = 500  # steps after which rounding is cleared away; wires in use take fewer than 50
_LANES = 4  # rows solved side by side: one row's chain alone would wait for every product


def _compiled(function):
    return njit(error_model="numpy", cache=True, nogil=True)(function)


@_compiled
def _driver(y, end, line, gain, lift):
    """Close one chain at its driver: admittance y behind a resistance ``end``, infinite if the line floats."""
    if np.isinf(end):
        gain[line], lift[line] = 0.0, 1.0 / y
    else:
        gain[line] = 1.0 / (1.0 + end * y)
        lift[line] = end * gain[line]


@_compiled
def row_chains(g, r, end):
    """Eliminate every row from its last column to its driver; ``end`` [pre] is the resistance up to column 0.

    Rows are kept in blocks of 4, ``passes`` [block, post, lane]; the last block is filled up with rows that carry nothing.
    """
    n_rows, n_columns = g.shape
    n_blocks = (n_rows + _LANES - 1) // _LANES
    passes = np.zeros((n_blocks, n_columns, _LANES))
    gain, lift = np.zeros(n_blocks * _LANES), np.zeros(n_blocks * _LANES)
    for i in range(n_rows):
        block, lane = i // _LANES, i % _LANES
        beyond = y = 0.0
        for k in range(n_columns - 1, -1, -1):
            y = g[i, k] + beyond
            passes[block, k, lane] = 1.0 / (1.0 + r * y)
            beyond = passes[block, k, lane] * y
        _driver(y, end[i], i, gain, lift)
    return Chains(passes, gain, lift, r)


@_compiled
def column_chains(g, r, end):
    """Eliminate every column from row 0 to its end; ``end`` [post] is the resistance beyond the last row."""
    n_rows, n_columns = g.shape
    passes, gain, lift = np.empty_like(g), np.empty(n_columns), np.empty(n_columns)
    y, beyond = np.zeros(n_columns), np.zeros(n_columns)
    for i in range(n_rows):
        for k in range(n_columns):
            y[k] = g[i, k] + beyond[k]
            passes[i, k] = 1.0 / (1.0 + r * y[k])
            beyond[k] = passes[i, k] * y[k]
    for k in range(n_columns):
        _driver(y[k], end[k], k, gain, lift)
    return Chains(passes, gain, lift, r)


@_compiled
def _row_voltages(g, rows, u, c, x):
    """Solve the rows, x, for the voltages u [pre] of their drivers and c [pre, post] of the columns."""
    n_rows, n_columns = g.shape
    side = np.zeros((n_columns, _LANES))  # a block of rows on its side: currents injected, then voltages
    for block in range(rows.passes.shape[0]):
        first = block * _LANES
        lanes = min(_LANES, n_rows - first)
        passes = rows.passes[block]
        for j in range(lanes):
            for k in range(n_columns):
                side[k, j] = g[first + j, k] * c[first + j, k]
        for k in range(n_columns - 2, -1, -1):
            for j in range(_LANES):
                side[k, j] += passes[k + 1, j] * side[k + 1, j]
        for j in range(lanes):
            side[0, j] = rows.gain[first + j] * u[first + j] + rows.lift[first + j] * side[0, j]
        for k in range(1, n_columns):
            for j in range(_LANES):
                side[k, j] = passes[k, j] * (side[k - 1, j] + rows.r * side[k, j])
        for j in range(lanes):
            for k in range(n_columns):
                x[first + j, k] = side[k, j]


@_compiled
def _solve_columns(columns, u, c):
    """Turn the currents injected into the columns (in ``c``) into their voltages. Returns what of them reaches the ends."""
    n_rows, n_columns = c.shape
    for i in range(1, n_rows):
        for k in range(n_columns):
            c[i, k] += columns.passes[i - 1, k] * c[i - 1, k]
    arriving = np.where(columns.lift > 0.0, columns.gain * c[-1], 0.0)  # without lift, no current moves a voltage
    for k in range(n_columns):
        c[-1, k] = columns.gain[k] * u[k] + columns.lift[k] * c[-1, k]
    for i in range(n_rows - 2, -1, -1):
        for k in range(n_columns):
            c[i, k] = columns.passes[i, k] * (c[i + 1, k] + columns.r * c[i, k])
    return arriving


@_compiled
def direct(g, rows, columns):
    """Follow each cell's direct path: the driver's volt along its row, the cell, its current down the column (S)."""
    n_rows, n_columns = g.shape
    a = np.empty_like(g)
    for i in range(n_rows):
        volt = rows.gain[i]
        for k in range(n_columns):
            if k > 0:
                volt *= rows.passes[i // _LANES, k, i % _LANES]
            a[i, k] = volt * g[i, k]
    share = columns.gain.copy()
    for i in range(n_rows - 1, -1, -1):
        for k in range(n_columns):
            if i < n_rows - 1:
                share[k] *= columns.passes[i, k]
            a[i, k] *= share[k]
    return a


@_compiled
def _precondition(columns, step, s, r, z):
    """Shorten the remainder, r -= step s, and solve the columns for it, z = M^-1 r.

    Returns r.z (W) and what of r reaches the end (A), of each column.
    """
    n_rows, n_columns = r.shape
    for i in range(n_rows):
        for k in range(n_columns):
            r[i, k] -= step * s[i, k]
            z[i, k] = r[i, k]
    arriving = _solve_columns(columns, np.zeros(n_columns), z)
    return _dots(r, z), np.abs(arriving)


@_compiled
def _dots(a, b):
    """Sum a b over each column."""
    dots = np.zeros(a.shape[1])
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            dots[k] += a[i, k] * b[i, k]
    return dots


@_compiled
def _apply(g, rows, turn, step, z, r, p, q, c, s):
    """Take the last step, c += step p; turn to p = z + turn p, q = M p; apply s = S p = q - G K^-1 G p. Returns p.s (W)."""
    n_rows, n_columns = g.shape
    for i in range(n_rows):
        for k in range(n_columns):
            c[i, k] += step * p[i, k]
            p[i, k] = z[i, k] + turn * p[i, k]
            q[i, k] = r[i, k] + turn * q[i, k]
    _row_voltages(g, rows, np.zeros(n_rows), p, s)
    for i in range(n_rows):
        for k in range(n_columns):
            s[i, k] = q[i, k] - g[i, k] * s[i, k]
    return _dots(p, s).sum()


@_compiled
def _sweep(g, rows, columns, u_row, u_column, c, x, r, z):
    """Solve rows, columns, rows in turn. Leaves c, x and the current r that Kirchhoff's law misses at the columns' nodes.

    Returns the power (W) and the current (A) that the cells of each column take up, both without regard to sign.
    """
    n_rows, n_columns = g.shape
    power, carried = np.zeros(n_columns), np.zeros(n_columns)
    _row_voltages(g, rows, u_row, c, r)
    for i in range(n_rows):
        for k in range(n_columns):
            z[i, k] = c[i, k] = g[i, k] * r[i, k]
    _solve_columns(columns, u_column, c)
    _row_voltages(g, rows, u_row, c, x)
    for i in range(n_rows):
        for k in range(n_columns):
            r[i, k] = g[i, k] * (x[i, k] - r[i, k])
            power[k] += g[i, k] * c[i, k] ** 2
            carried[k] += g[i, k] * abs(x[i, k] - c[i, k])
    return power + np.abs(_dots(z, c)), carried


@_compiled
def _relative(part, whole):
    """Compare the largest of each; nothing of nothing is nothing."""
    return part.max() / whole.max() if part.max() != 0.0 else 0.0


@_compiled
def solve(g, rows, columns, u_row, u_column, c, x, bench, tolerance, limit):
    """Solve all nodes: the row voltages ``x``, and the column voltages ``c``, which hold the beginning.

    ``bench`` [5, pre, post] is a workbench, zeros at first.

    Returns the iterations and the remainder: what r would still change in a column, relative to the largest column, either
    in the energy norm (r M^-1 r)^(1/2) or in the current at the end, whichever is more. A remainder that is not at most
    ``tolerance`` means no convergence.
    """
    r, z, p, q, s = bench[0], bench[1], bench[2], bench[3], bench[4]
    iterations, stretch = 0, 1.0  # 1 / the least Rayleigh quotient met: how much longer the way is than the next step
    while True:
        power, carried = _sweep(g, rows, columns, u_row, u_column, c, x, r, z)
        step = before = 0.0
        taken = 0
        while True:
            dots, arriving = _precondition(columns, step, s, r, z)
            remainder = stretch * max(np.sqrt(_relative(dots, power)), _relative(arriving, carried))
            if remainder <= tolerance or not remainder < np.inf or iterations >= limit or taken >= _RESTART:
                break
            dot = dots.sum()
            step, before = dot / _apply(g, rows, dot / before if taken else 0.0, step, z, r, p, q, c, s), dot
            stretch = max(stretch, step)
            taken += 1
            iterations += 1
        if taken == 0:
            return iterations, remainder
        for i in range(g.shape[0]):
            for k in range(g.shape[1]):
                c[i, k] += step * p[i, k]
