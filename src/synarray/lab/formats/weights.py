"""aihwkit's two columns, up and down, in weights: states in the order in which they came, or sizes of steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.formats.flat import beyond_words
from synarray.lab.formats.reading import read_numbers
from synarray.lab.formats.tables import open_table
from synarray.lab.rows.measured import MOST_ROWS, Measurements, Rows
from synarray.lab.rows.settle import settle

__all__ = ["PLACEHOLDER", "read_steps", "read_values"]

Floats = npt.NDArray[np.float64]
PLACEHOLDER = (0.1e-6, 5e-6)
"""Range that is put in where a file has weights from -1 to 1 and no conductances: NeuroSim's ideal device, S."""


def _pair(path: Path) -> tuple[Floats, Rows]:
    table = open_table(path)
    found = read_numbers(table, MOST_ROWS)
    rows = Rows(np.zeros(0), repairs=list(table.repairs))
    rows.discard("row with another number of columns", found.short)
    rows.discard(beyond_words(), found.beyond)
    matrix = np.column_stack(list(found.values.values()))
    whole = np.isfinite(matrix).all(axis=1)
    rows.discard("row without two numbers", int(np.count_nonzero(~whole)))
    if matrix.shape[1] != 2 or np.count_nonzero(whole) < 2:
        raise DataError(
            "up and down must be two columns of numbers", got=f"{matrix.shape[1]} columns, {np.count_nonzero(whole)} rows",
            where=path.name, do="Leave --format out, or give another.",
        )  # fmt: skip
    return matrix[whole], rows


def read_values(path: Path) -> Measurements:
    """Read two columns of states in the order in which they came: while LTP, and while LTD."""
    values, rows = _pair(path)
    weights = not (np.nanmin(values) >= 0 and np.nanmax(values) < 1e-2)
    if weights:
        span = max(float(np.nanmax(np.abs(values))), 1e-12)
        rows.repairs.append("the file has weights, no conductances: 0.1 uS to 5 uS is put in for the range -1 to 1")
        low, high = PLACEHOLDER
        values = low + (values / max(span, 1.0) + 1.0) / 2.0 * (high - low)
    up, down = values[:, 0], values[:, 1]
    rows.G_S = np.concatenate([up, down])
    rows.polarity = np.concatenate([[0.0], np.ones(len(up) - 1), [0.0], -np.ones(len(down) - 1)])
    rows.cycle = np.zeros(2 * len(up))
    return settle(rows, path.name, "aihwkit-values", placeholder=weights)


def read_steps(path: Path) -> Measurements:
    """Read two columns of step sizes at states evenly spaced over the range -1 to 1, as pulses that each start at its state."""
    matrix, rows = _pair(path)
    state = np.linspace(-1.0, 1.0, len(matrix))
    ends = [np.clip(state + np.abs(matrix[:, 0]), -1, 1), np.clip(state - np.abs(matrix[:, 1]), -1, 1)]
    low, high = PLACEHOLDER
    w = np.column_stack([np.tile(state, 2), np.concatenate(ends)]).ravel()
    rows.G_S = low + (w + 1.0) / 2.0 * (high - low)
    rows.polarity = np.column_stack([np.zeros(2 * len(state)), np.repeat([1.0, -1.0], len(state))]).ravel()
    rows.cycle = np.repeat(np.arange(2.0 * len(state)), 2)
    rows.repairs.append("the file has step sizes, no conductances: 0.1 uS to 5 uS is put in for the range -1 to 1")
    return settle(rows, path.name, "aihwkit-steps", placeholder=True)
