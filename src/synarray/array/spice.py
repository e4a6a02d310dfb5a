"""A circuit as a deck for ngspice: every resistor and every source, so that another program can solve the same circuit.

Nodes: ``r0_3`` and ``c0_3`` are where the cell of row 0, column 3 meets its row and its column, ``a0_3`` lies between cell
and transistor, ``u0`` and ``s3`` are the driven ends of row 0 and column 3. Wires of 0 ohm join their nodes: ``r0``, ``c3``.
The source at a column's end is its ammeter too: ``i(vs3)`` is the current that leaves column 3.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.wires import Circuit
from synarray.errors import RunError

__all__ = ["Measured", "measure", "run_ngspice", "spice_deck"]

_OPTIONS = ".options reltol=1e-9 abstol=1e-18 vntol=1e-15 gmin=1e-18"
"""The circuit is linear and has no semiconductors: these only keep ngspice from being content too early."""


class Measured(NamedTuple):
    """What ngspice says of a circuit."""

    currents: npt.NDArray[np.float64]
    """Current that leaves each column, A [post]."""
    cell_v: npt.NDArray[np.float64]
    """Voltage over each memory element, without its transistor, V [pre, post]; 0 where the transistor is off."""


def spice_deck(circuit: Circuit, title: str = "synarray") -> str:
    r"""Write a circuit as an ngspice netlist that solves its operating point and prints every node, 15 digits each.

    Parameters
    ----------
    circuit : Circuit
        Made by ``Circuit.read``, ``Circuit.half_selected`` or ``Circuit.one_row``.
    title : str
        First line of the deck.

    Returns
    -------
    str
        The deck.

    Examples
    --------
    >>> from synarray.array.wires import WireSpec
    >>> print("\n".join(spice_deck(Circuit.read([[1e-3]], [1.0], WireSpec(r_driver=50.0))).splitlines()[1:5]))
    Vu0 u0 0 1.0
    Rr0 u0 r0 50.0
    Vs0 s0 0 0.0
    Rg0_0 r0 s0 1000.0
    """
    body = [*_ends(circuit), *_segments(circuit), *_cells(circuit)]
    control = [".control", "set numdgt=15", "op", "print all", ".endc"]
    return "\n".join([" ".join(title.split()) or "synarray", *body, _OPTIONS, *control, ".end", ""])


def run_ngspice(deck: str) -> dict[str, float]:
    """Let ngspice solve a deck.

    Parameters
    ----------
    deck : str
        From :func:`spice_deck`.

    Returns
    -------
    dict of str to float
        Voltage of every node, V, and current through every source, A (``vs3#branch``).

    Raises
    ------
    RunError
        When ngspice is not installed, or cannot solve the deck.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "array.cir"
        path.write_text(deck)
        try:
            done = subprocess.run(["ngspice", "-b", path.name], cwd=folder, capture_output=True, text=True)
        except FileNotFoundError:
            raise RunError(
                "ngspice must be installed",
                got="no such command",
                where="command ngspice",
                do="On Debian or Ubuntu: apt-get install ngspice.",
            ) from None
    said = done.stdout + done.stderr
    printed = re.findall(r"^(\S+) = (\S+)$", done.stdout, flags=re.MULTILINE)
    if not printed or re.search("singular matrix|aborted|fatal", said, flags=re.IGNORECASE):
        lines = [line for line in said.splitlines() if line.strip()]
        raise RunError(
            "ngspice must solve the deck",
            got=" / ".join(lines[-3:]) or f"status {done.returncode}",
            where="ngspice -b",
            do="Save the deck and run ngspice on it to see more.",
        )
    return {name: float(value) for name, value in printed}


def measure(circuit: Circuit) -> Measured:
    """Solve a circuit with ngspice.

    Raises
    ------
    RunError
        When ngspice is not installed, or cannot solve it.
    """
    answer = run_ngspice(spice_deck(circuit))
    n_rows, n_columns = circuit.g.shape
    currents = [answer.get(f"vs{k}#branch", 0.0) for k in range(n_columns)]  # none at the end of a floating column
    cell_v = np.zeros((n_rows, n_columns))
    for i in np.flatnonzero(circuit.on).tolist():
        for k in range(n_columns):
            lower = f"a{i}_{k}" if _has_transistor(circuit, i, k) else _column_node(circuit, i, k)
            cell_v[i, k] = answer[_row_node(circuit, i, k)] - answer[lower]
    return Measured(np.array(currents), cell_v)


def _row_node(circuit: Circuit, i: int, k: int) -> str:
    if circuit.wires.row > 0:
        return f"r{i}_{k}"
    return f"r{i}" if circuit.end_row[i] > 0 else f"u{i}"


def _column_node(circuit: Circuit, i: int, k: int) -> str:
    if circuit.wires.column > 0:
        return f"c{i}_{k}"
    return f"c{k}" if circuit.end_column[k] > 0 else f"s{k}"


def _has_transistor(circuit: Circuit, i: int, k: int) -> bool:
    return bool(circuit.wires.r_access > 0 and circuit.g[i, k] > 0)


def _ends(circuit: Circuit) -> Iterator[str]:
    """List the sources, and what lies between them and the first cells. A floating line has neither."""
    last = circuit.g.shape[0] - 1
    for i, (u, end) in enumerate(zip(circuit.u_row.tolist(), circuit.end_row.tolist(), strict=True)):
        if np.isfinite(end):
            yield f"Vu{i} u{i} 0 {u!r}"
            if end > 0:
                yield f"Rr{i} u{i} {_row_node(circuit, i, 0)} {end!r}"
    for k, (u, end) in enumerate(zip(circuit.u_column.tolist(), circuit.end_column.tolist(), strict=True)):
        if np.isfinite(end):
            yield f"Vs{k} s{k} 0 {u!r}"
            if end > 0:
                yield f"Rc{k} {_column_node(circuit, last, k)} s{k} {end!r}"


def _segments(circuit: Circuit) -> Iterator[str]:
    """List the wires between neighbouring cells."""
    n_rows, n_columns = circuit.g.shape
    for i in range(n_rows):
        for k in range(n_columns):
            if k > 0 and circuit.wires.row > 0:
                yield f"Rr{i}_{k} r{i}_{k - 1} r{i}_{k} {circuit.wires.row!r}"
            if i > 0 and circuit.wires.column > 0:
                yield f"Rc{i}_{k} c{i - 1}_{k} c{i}_{k} {circuit.wires.column!r}"


def _cells(circuit: Circuit) -> Iterator[str]:
    """List the cells, each in series with its transistor."""
    for i, k in np.argwhere(circuit.g > 0).tolist():
        upper, lower = _row_node(circuit, i, k), _column_node(circuit, i, k)
        if _has_transistor(circuit, i, k):
            yield f"Rt{i}_{k} a{i}_{k} {lower} {circuit.wires.r_access!r}"
            lower = f"a{i}_{k}"
        yield f"Rg{i}_{k} {upper} {lower} {1 / float(circuit.g[i, k]) - circuit.wires.r_access!r}"
