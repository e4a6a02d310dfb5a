"""Wires folded into the cells: what they leave of every cell in a read, and of every voltage in a write.

The circuit of ``wires.py`` is linear, so a read of any input pattern is A^T u with one matrix A [pre, post], in place of the
conductances g. A write to one selected cell (1T1R) is a single chain of resistances.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array import wire_kernels as kernels
from synarray.array.wire_checks import checked_cells
from synarray.array.wires import SHEETS, Circuit, WireSpec, chains, run

__all__ = ["EffectiveRead", "effective_read", "effective_write"]

Floats = npt.NDArray[np.float64]

_SAME = 3e-3
"""Corrections closer to each other than this count as one: dividing by their difference magnifies what rank 2 leaves out."""
_CORRECTION_TOLERANCE = 1e-4
"""Of the solves that correct an effective read: a tenth of the error that is allowed it."""


class EffectiveRead(NamedTuple):
    """What the wires leave of every cell in a read."""

    a: Floats
    """Transfer conductances A [pre, post], S: the columns carry A^T u for any voltages u on the rows."""
    error: float
    """Its error on a pattern it was not fitted to, 24 % of the rows: root mean square over the columns, relative."""


def effective_read(g: npt.ArrayLike, wires: WireSpec) -> EffectiveRead:
    """Fold the wires into the cells: the transfer conductances A with which the columns carry A^T u.

    A cell's direct path is exact: how its row, with the columns grounded, hands on the driver's voltage; the cell; how its
    column, with the rows grounded, hands on the current. What the lines pass on through each other is smooth over the
    array: it is taken to be of rank 2 and fixed by four exact solves, two patterns of rows and two of columns (the latter
    by reciprocity). A fifth solve gives the error.

    Parameters
    ----------
    g : array_like, shape (pre, post)
        Conductance of each cell, S.
    wires : WireSpec
        Resistances.

    Returns
    -------
    EffectiveRead
        A [pre, post] in S, and its error.

    Raises
    ------
    DataError
        When ``g`` holds impossible values.

    Examples
    --------
    >>> effective_read([[1e-3]], WireSpec(r_wire=500.0)).a.tolist()
    [[0.0005]]
    """
    cells = checked_cells(g)
    n_rows, n_columns = cells.shape
    circuit = Circuit.read(cells, np.zeros(n_rows), wires)
    rows, columns = chains(circuit)
    direct: Floats = kernels.direct(circuit.g, rows, columns)
    column_v, row_v = np.empty_like(direct), np.empty_like(direct)
    bench = np.zeros((SHEETS, n_rows, n_columns))

    def exact(u_row: Floats, u_column: Floats) -> Floats:
        """Return every cell's current."""
        driven = replace(circuit, u_row=u_row, u_column=u_column)
        column_v[:] = 0.0
        run(driven, rows, columns, column_v, row_v, bench, _CORRECTION_TOLERANCE)
        current: Floats = circuit.g * (row_v - column_v)
        return current

    over_rows, over_columns = _even_and_rising(n_rows), _even_and_rising(n_columns)
    still_rows, still_columns = np.zeros(n_rows), np.zeros(n_columns)
    to_columns = np.array([exact(u, still_columns).sum(axis=0) for u in over_rows]) - over_rows @ direct
    to_rows = np.array([-exact(still_rows, u).sum(axis=1) for u in over_columns]).T - direct @ over_columns.T
    core = (to_columns @ over_columns.T + over_rows @ to_rows) / 2  # the two differ by the tolerance only
    a = direct + to_rows @ np.linalg.pinv(core, rcond=_SAME) @ to_columns

    unseen = (np.arange(1, n_rows + 1) * (np.sqrt(5) - 1) / 2 % 1 < 0.24).astype(float)  # spread by the golden ratio
    expected = exact(unseen, still_columns).sum(axis=0)
    scale = np.linalg.norm(expected)
    return EffectiveRead(a, float(np.linalg.norm(unseen @ a - expected) / scale) if scale > 0 else 0.0)


def effective_write(g: npt.ArrayLike, wires: WireSpec) -> Floats:
    """Return what share of a write voltage arrives over each memory element when it alone is selected (1T1R).

    Only the cell's own transistor conducts, so its row, the transistor, the cell and its column are one chain. Equal to
    :meth:`Circuit.one_row` with the other columns floating.

    Parameters
    ----------
    g : array_like, shape (pre, post)
        Conductance of each cell, S.
    wires : WireSpec
        Resistances; both lines are driven through ``r_driver``.

    Returns
    -------
    ndarray of float64, shape (pre, post)
        Share of the voltage, 0 to 1.

    Examples
    --------
    >>> effective_write([[1e-3, 1e-3]], WireSpec(r_wire=500.0)).tolist()
    [[0.5, 0.4]]
    """
    cells = checked_cells(g)
    n_rows, n_columns = cells.shape
    along_row = wires.r_driver + wires.row * np.arange(1, n_columns + 1)
    along_column = wires.r_driver + wires.column * np.arange(n_rows, 0, -1)
    share: Floats = 1.0 / (1.0 + cells * (wires.r_access + along_row + along_column[:, None]))
    return share


def _even_and_rising(n: int) -> Floats:
    """Make the two patterns over n lines: all alike, and rising from -1 to 1."""
    return np.array([np.ones(n), np.linspace(-1, 1, n)])
