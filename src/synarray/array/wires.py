"""Wires: what the resistance of word lines, bit lines, drivers and access transistors leaves of a read and of a write.

Row i is a word line, driven with u_i at its left end through r_driver; column k is a bit line, sensed at its lower end
through r_sense into a virtual ground. One segment of wire lies between neighbouring cells, and one more between a line's end
and its first cell:

    u_i --r_driver--r_row--(i,0)--r_row--(i,1)-- ...         every (i,k) of a row joined to (i,k) of its column by
                                                             g_path = g / (1 + g r_access)
    (0,k)--r_column--(1,k)-- ... --(m-1,k)--r_column--r_sense--> 0 V

All 2 m n nodes are solved exactly: ``kernels.py``, docs/wires.md. The circuit is linear and a row that is not driven is held
at 0 V, not cut off, so the column currents of any input pattern are A^T u with one matrix A: ``effective_read``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.array import wire_kernels as kernels
from synarray.array.wire_checks import checked_cells, checked_mask, checked_numbers, checked_selection
from synarray.errors import DataError, SpecError
from synarray.spec import Spec
from synarray.units import Ohms

__all__ = [
    "Circuit",
    "Power",
    "Solution",
    "WireSpec",
    "solve",
    "solve_read",
    "solve_write",
]

Floats = npt.NDArray[np.float64]
Resistance = Annotated[Ohms, Field(ge=0)]

_MOST_ITERATIONS = 10_000
_FINEST = 1e-13
"""Smallest tolerance that rounding in double precision leaves within reach."""
SHEETS = 5
"""Vectors of node values that a solve works with."""


class WireSpec(Spec):
    """Resistances of the array's wires, ohm. All 0, the default, is an array with ideal wires.

    Examples
    --------
    >>> WireSpec(r_wire=2.0, r_column=1.0).row, WireSpec(r_wire=2.0, r_column=1.0).column
    (2.0, 1.0)
    """

    r_wire: Resistance = 0.0
    """One segment of word line or bit line, per pitch of the array."""
    r_row: Resistance | None = None
    """One segment of word line, where it differs from ``r_wire``."""
    r_column: Resistance | None = None
    """One segment of bit line, where it differs from ``r_wire``."""
    r_driver: Resistance = 0.0
    """Output of a line's driver: of every word line, and in a write of every bit line too."""
    r_sense: Resistance = 0.0
    """Input of a bit line's sense amplifier."""
    r_access: Resistance = 0.0
    """Access transistor of a cell, switched on, in series with the cell."""

    @property
    def row(self) -> float:
        """Segment of word line, ohm."""
        return self.r_wire if self.r_row is None else self.r_row

    @property
    def column(self) -> float:
        """Segment of bit line, ohm."""
        return self.r_wire if self.r_column is None else self.r_column


@dataclass(frozen=True, eq=False)
class Circuit:
    """An array with its lines connected: what is solved, and what a deck for ngspice describes."""

    g: Floats
    """Conductance of each path from row to column, cell and transistor in series, S; 0 = no path; shape (pre, post)."""
    wires: WireSpec
    """Resistances."""
    u_row: Floats
    u_column: Floats
    """Voltage at the driven end of each line, V; shapes (pre,) and (post,)."""
    end_row: Floats
    end_column: Floats
    """Resistance from there to the line's first cell, its segment of wire included, ohm; infinite = the line floats; shapes
    (pre,) and (post,)."""
    on: npt.NDArray[np.bool_]
    """Rows whose access transistors are on; shape (pre,)."""

    @classmethod
    def read(
        cls, g: npt.ArrayLike, v: npt.ArrayLike, wires: WireSpec, *, floating: npt.ArrayLike | None = None
    ) -> Self:
        """Drive the rows with ``v`` and sense every column; see :func:`solve_read`."""
        cells = checked_cells(g)
        u_row = checked_numbers("v", v, cells.shape[:1], "V")
        end_row = np.full(cells.shape[0], wires.r_driver + wires.row)
        if floating is not None:
            end_row[checked_mask("floating", floating, cells.shape[:1])] = np.inf
        return cls._connected(cells, wires, u_row, np.zeros(cells.shape[1]), end_row, wires.r_sense)

    @classmethod
    def half_selected(cls, g: npt.ArrayLike, row: int, columns: int | Sequence[int], v: float, wires: WireSpec) -> Self:
        """Write in a crossbar: the row at v, the columns at 0 V, every other line at v / 2."""
        cells, chosen = checked_selection(g, row, columns, v)
        u_row, u_column = np.full(cells.shape[0], v / 2), np.full(cells.shape[1], v / 2)
        u_row[row], u_column[chosen] = v, 0.0
        return cls._connected(cells, wires, u_row, u_column, None, wires.r_driver)

    @classmethod
    def one_row(
        cls,
        g: npt.ArrayLike,
        row: int,
        columns: int | Sequence[int],
        v: float,
        wires: WireSpec,
        *,
        floating: bool = False,
    ) -> Self:
        """Write in a 1T1R array: only the row's transistors are on. Row at v, columns at 0 V, other columns at v or floating."""
        cells, chosen = checked_selection(g, row, columns, v)
        on = np.arange(cells.shape[0]) == row
        end_column = np.full(cells.shape[1], wires.r_driver + wires.column)
        others = ~np.isin(np.arange(cells.shape[1]), chosen)
        if floating:
            end_column[others] = np.inf
        u_column = np.where(others & np.isfinite(end_column), v, 0.0)
        return cls._connected(cells, wires, np.where(on, v, 0.0), u_column, None, end_column, on)

    @classmethod
    def _connected(
        cls,
        cells: Floats,
        wires: WireSpec,
        u_row: Floats,
        u_column: Floats,
        end_row: Floats | None,
        end_column: Floats | float,
        on: npt.NDArray[np.bool_] | None = None,
    ) -> Self:
        """Close the switches; refuse a circuit with a node that nothing holds."""
        if end_row is None:
            end_row = np.full(cells.shape[0], wires.r_driver + wires.row)
        if isinstance(end_column, float):
            end_column = np.full(cells.shape[1], end_column + wires.column)
        if on is None:
            on = np.ones(cells.shape[0], np.bool_)
        path = cells / (1.0 + cells * wires.r_access) * on[:, None]
        _refuse_floating(path, np.isfinite(end_row), np.isfinite(end_column))
        return cls(path, wires, u_row, u_column, end_row, end_column, on)


class Power(NamedTuple):
    """Both sides of the balance of power, W."""

    supplied: float
    """Sum over the drivers of voltage times current."""
    dissipated: float
    """Sum over cells, transistors, wires, drivers and sense amplifiers of resistance times current squared."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Every node of a circuit.

    Attributes
    ----------
    currents : ndarray of float64, shape (post,)
        Current that leaves each column at its end, A.
    row_v, column_v : ndarray of float64, shape (pre, post)
        Voltage of each cell's node on its row and on its column, V.
    iterations : int
        Steps of conjugate gradients.
    residual : float
        What Kirchhoff's law still misses, relative to the column that carries most: at most the tolerance.
    circuit : Circuit
        What was solved.
    """

    currents: Floats
    row_v: Floats
    column_v: Floats
    iterations: int
    residual: float
    circuit: Circuit

    @property
    def cell_i(self) -> Floats:
        """Current through each cell, A [pre, post]."""
        current: Floats = self.circuit.g * (self.row_v - self.column_v)
        return current

    @property
    def cell_v(self) -> Floats:
        """Voltage over each memory element, without its transistor, V [pre, post]; 0 where the transistor is off."""
        share = (1.0 - self.circuit.g * self.circuit.wires.r_access) * self.circuit.on[:, None]
        voltage: Floats = share * (self.row_v - self.column_v)
        return voltage

    def power(self) -> Power:
        """Balance the power that the drivers supply against the power that everything dissipates."""
        circuit, current = self.circuit, self.cell_i
        along_row = np.cumsum(current[:, ::-1], axis=1)[:, ::-1]  # through the segment on the driver's side
        along_column = np.cumsum(current, axis=0)  # through the segment on the end's side
        heat = np.sum(current * (self.row_v - self.column_v))
        heat += circuit.wires.row * np.sum(along_row[:, 1:] ** 2)
        heat += circuit.wires.column * np.sum(along_column[:-1] ** 2)
        for end, into in ((circuit.end_row, along_row[:, 0]), (circuit.end_column, along_column[-1])):
            heat += np.sum(np.where(np.isfinite(end), end, 0.0) * into**2)  # nothing flows into a line that floats
        supplied = circuit.u_row @ along_row[:, 0] - circuit.u_column @ along_column[-1]
        return Power(float(supplied), float(heat))


def solve(circuit: Circuit, *, start: Solution | None = None, tolerance: float = 1e-10) -> Solution:
    """Solve every node of a circuit exactly.

    Parameters
    ----------
    circuit : Circuit
        Cells, wires and voltages.
    start : Solution, optional
        Where to begin: the solution of a similar circuit of the same shape, such as the same array before some cells moved.
    tolerance : float
        Error of the currents, relative to the column whose cells carry most, 1e-13 to 1.

    Returns
    -------
    Solution
        Currents and node voltages.

    Raises
    ------
    SpecError
        When the tolerance is out of range.
    DataError
        When ``start`` has another shape, or the tolerance cannot be reached.
    """
    if not _FINEST <= tolerance < 1:
        raise SpecError(
            f"tolerance must be at least {_FINEST:g} and less than 1",
            got=repr(tolerance),
            where="argument tolerance",
            do="Use 1e-10, or larger if speed matters more.",
        )
    if start is not None and start.column_v.shape != circuit.g.shape:
        raise DataError(
            "start must be a solution of an array of the same shape",
            got=f"{start.column_v.shape}, not {circuit.g.shape}",
            where="argument start",
            do="Begin without start.",
        )
    column_v = np.zeros_like(circuit.g) if start is None else start.column_v.copy()
    row_v, bench = np.empty_like(circuit.g), np.zeros((SHEETS, *circuit.g.shape))
    iterations, residual = run(circuit, *chains(circuit), column_v, row_v, bench, tolerance)
    currents = np.sum(circuit.g * (row_v - column_v), axis=0)
    return Solution(currents, row_v, column_v, iterations, residual, circuit)


def solve_read(
    g: npt.ArrayLike,
    v: npt.ArrayLike,
    wires: WireSpec,
    *,
    floating: npt.ArrayLike | None = None,
    start: Solution | None = None,
    tolerance: float = 1e-10,
) -> Solution:
    """Read an array: drive its rows, sense its columns.

    Parameters
    ----------
    g : array_like, shape (pre, post)
        Conductance of each cell, S, at least 0; 0 = not connected.
    v : array_like, shape (pre,)
        Voltage of each row's driver, V; 0 = held at 0 V.
    wires : WireSpec
        Resistances.
    floating : array_like of bool, shape (pre,), optional
        Rows cut off from their drivers. Such a row needs a cell that joins it to the rest.
    start, tolerance
        See :func:`solve`.

    Returns
    -------
    Solution
        Column currents and node voltages.

    Raises
    ------
    DataError
        When the arrays do not fit or hold impossible values, or a floating row leaves the circuit singular.

    Examples
    --------
    >>> float(solve_read([[1e-3]], [1.0], WireSpec(r_wire=500.0)).currents[0])  # 1 V over 500 + 1000 + 500 ohm
    0.0005
    """
    return solve(Circuit.read(g, v, wires, floating=floating), start=start, tolerance=tolerance)


def solve_write(
    g: npt.ArrayLike,
    row: int,
    columns: int | Sequence[int],
    v: float,
    wires: WireSpec,
    *,
    scheme: Literal["half", "1t1r"] = "half",
    start: Solution | None = None,
    tolerance: float = 1e-10,
) -> Solution:
    """Write to cells of one row; ``cell_v`` of the solution is the voltage over every cell, selected or not.

    Every line is driven through ``r_driver``, bit lines at their lower end.

    Parameters
    ----------
    g : array_like, shape (pre, post)
        Conductance of each cell, S.
    row : int
        Selected row.
    columns : int or sequence of int
        Selected columns.
    v : float
        Write voltage, row against column, V, either sign.
    wires : WireSpec
        Resistances.
    scheme : {"half", "1t1r"}
        "half": a crossbar, every other line at v / 2. "1t1r": only the selected row's transistors are on, other columns at v.
        :meth:`Circuit.one_row` can also let them float.
    start, tolerance
        See :func:`solve`.

    Returns
    -------
    Solution
        Node voltages; ``currents`` are those that leave the columns.

    Raises
    ------
    DataError, SpecError
        When the arrays do not fit or hold impossible values; when row, column or scheme do not exist.

    Examples
    --------
    >>> written = solve_write([[1e-6, 1e-6], [1e-6, 1e-6]], row=0, columns=1, v=3.0, wires=WireSpec())
    >>> written.cell_v.tolist()
    [[1.5, 3.0], [0.0, 1.5]]
    """
    if scheme not in _SCHEMES:
        raise SpecError(
            "scheme must be one that is known", got=repr(scheme), where="argument scheme", do='Use "half" or "1t1r".'
        )
    return solve(_SCHEMES[scheme](g, row, columns, v, wires), start=start, tolerance=tolerance)


_SCHEMES: dict[str, Callable[[npt.ArrayLike, int, int | Sequence[int], float, WireSpec], Circuit]] = {
    "half": Circuit.half_selected,
    "1t1r": Circuit.one_row,
}


def chains(circuit: Circuit) -> tuple[kernels.Chains, kernels.Chains]:
    """Eliminate rows and columns, each from its open end."""
    return (
        kernels.row_chains(circuit.g, circuit.wires.row, circuit.end_row),
        kernels.column_chains(circuit.g, circuit.wires.column, circuit.end_column),
    )


def run(
    circuit: Circuit,
    rows: kernels.Chains,
    columns: kernels.Chains,
    column_v: Floats,
    row_v: Floats,
    bench: Floats,
    tolerance: float,
) -> tuple[int, float]:
    """Fill in the voltages; return iterations and residual, or refuse an answer that did not reach the tolerance."""
    iterations, residual = kernels.solve(
        circuit.g, rows, columns, circuit.u_row, circuit.u_column, column_v, row_v, bench, tolerance, _MOST_ITERATIONS
    )
    if not residual <= tolerance:
        raise DataError(
            "the circuit must be solvable to the tolerance asked",
            got=f"{residual:.1e} after {iterations} iterations",
            where=f"argument tolerance = {tolerance:g}",
            do="Ask for a larger one, or look for extreme g, v or resistances.",
        )
    return int(iterations), float(residual)


def _refuse_floating(g: Floats, row_held: npt.NDArray[np.bool_], column_held: npt.NDArray[np.bool_]) -> None:
    """Refuse lines that float and that no chain of cells joins to a line that is held."""
    before = -1
    while (held := int(row_held.sum() + column_held.sum())) < sum(g.shape):
        if held == before:
            lost = [f"row {i}" for i in np.flatnonzero(~row_held)] + [
                f"column {k}" for k in np.flatnonzero(~column_held)
            ]
            raise DataError(
                "a floating line must be joined to the rest by a cell, or the circuit is singular (floating node)",
                got=", ".join(lost[:3])
                + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
                + " floating, all g = 0",
                where="argument floating",
                do="Hold it at a voltage, or connect a cell (g > 0).",
            )
        before = held
        column_held = column_held | (g[row_held] > 0).any(axis=0)
        row_held = row_held | (g[:, column_held] > 0).any(axis=1)
