"""Curves without words: NeuroSim's pulse number and conductance, aihwkit's up and down, N2D2's list, SIMBRAIN's sheet."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.device.formats.kinds import Format, Mapping, one_device, text_of
from synarray.device.formats.tables import Table, numbers, open_table, read_numbers
from synarray.device.measured import MOST_ROWS, Measurements, Rows, settle
from synarray.errors import DataError

__all__ = ["N2D2", "NEUROSIM", "SIMBRAIN", "STEPS", "VALUES"]

Floats = npt.NDArray[np.float64]
_PLACEHOLDER = (0.1e-6, 5e-6)
"""Range that stands in where a file has weights from -1 to 1 and no conductances: NeuroSim's ideal device."""


def _matrix(path: Path, table: Table | None) -> tuple[Floats, Rows]:
    """Read all columns as numbers; the rows carry what was passed over."""
    table = table or open_table(path)
    found = read_numbers(table, MOST_ROWS)
    rows = Rows(np.zeros(0), repairs=list(table.repairs))
    rows.discard("row with another number of columns", found.short)
    rows.discard(f"row beyond the {MOST_ROWS:,} that a fit uses", found.beyond)
    return np.column_stack(list(found.values.values())), rows


def _counts_up(column: Floats) -> bool:
    """Whether a column counts pulses: whole numbers that rise by 1 and start again at most now and then."""
    if len(column) < 2 or not np.isfinite(column).all() or (column != np.rint(column)).any() or column.min() < 0:
        return False
    steps = np.diff(column)
    return bool(np.mean(steps == 1) > 0.5 and column[0] in (0, 1))


def _sample(table: Table | None, width: int) -> Floats | None:
    if table is None or table.width != width or len(table.sample) < 2:
        return None
    found = np.column_stack(
        [numbers(column, table) for column in zip(*(r for r in table.sample if len(r) == width), strict=True)]
    )
    return found if np.isfinite(found).mean() > 0.5 else None


# NeuroSim: pulse number, conductance


def _is_neurosim(path: Path, table: Table | None) -> bool:
    sample = _sample(table, 2)
    return sample is not None and _counts_up(sample[:, 0])


def _read_neurosim(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    """Blocks begin where the pulse number starts again, or counts down; a block that falls is LTD."""
    matrix, rows = _matrix(path, table)
    if matrix.shape[1] != 2:
        raise DataError("pulse number and conductance must be two columns", got=f"{matrix.shape[1]} columns",
                        where=path.name, do="Say another format with --format.")  # fmt: skip
    number, g = matrix.T
    step = np.diff(number)
    falling = (step == -1) & np.append(step[1:] == -1, [True])  # a train that counts down from its last number
    anew = (step <= 0) & ~(falling & np.concatenate([[False], falling[:-1]]))
    block = np.cumsum(np.concatenate([np.zeros(min(len(g), 1)), anew]))
    polarity, cycle, before = np.zeros(len(g)), np.zeros(len(g)), 0
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(g)] if len(g) else [0]
    for first, end in pairwise(edges):
        up = float(np.nan_to_num(g[end - 1])) >= float(np.nan_to_num(g[first]))
        before += first > 0 and up
        cycle[first:end], polarity[first:end] = before, 1.0 if up else -1.0
        if number[first] == 0 or first == 0 or (end - first > 1 and number[first + 1] < number[first]):
            polarity[first] = 0.0  # the state before the train
    rows.G_S, rows.polarity, rows.cycle = g, polarity, cycle
    rows.repairs.append(
        "a block of rising pulse numbers whose conductance rises was read as LTP, one that falls as LTD"
    )
    return settle(rows, path.name, "neurosim")


def _write_neurosim(measured: Measurements) -> dict[str, bytes]:
    lines = []
    for train in one_device(measured):
        last = train.up[-1] if train.up else train.start
        lines += [f"{i},{g:.10g}" for i, g in enumerate([train.start, *train.up])]
        lines += [f"{i},{g:.10g}" for i, g in enumerate([last, *train.down])]
    return {"": text_of(lines)}


# aihwkit: up, down; conductances (or weights), or sizes of steps


def _is_pair(path: Path, table: Table | None) -> bool:
    sample = _sample(table, 2)
    return sample is not None and not _counts_up(sample[:, 0]) and not (table and table.header)


def _in_siemens(values: Floats, rows: Rows) -> tuple[Floats, bool]:
    """Turn weights into conductances of a placeholder range; conductances are left as they are."""
    if np.nanmin(values) >= 0 and np.nanmax(values) < 1e-2:
        return values, False
    span = max(float(np.nanmax(np.abs(values))), 1e-12)
    rows.repairs.append("the file has weights, no conductances: 0.1 uS to 5 uS stands in for the range -1 to 1")
    low, high = _PLACEHOLDER
    return low + (values / max(span, 1.0) + 1.0) / 2.0 * (high - low), True


def _read_values(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    """Read two columns of states in the order in which they came: while LTP, and while LTD."""
    matrix, rows = _pair(path, table)
    g, placeholder = _in_siemens(matrix, rows)
    up, down = g[:, 0], g[:, 1]
    rows.G_S = np.concatenate([up, down])
    rows.polarity = np.concatenate([[0.0], np.ones(len(up) - 1), [0.0], -np.ones(len(down) - 1)])
    rows.cycle = np.zeros(2 * len(up))
    return settle(rows, path.name, "aihwkit-values", placeholder=placeholder)


def _read_steps(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    """Read two columns of step sizes at states evenly spaced over the range -1 to 1, as pulses that each start at its state."""
    matrix, rows = _pair(path, table)
    state = np.linspace(-1.0, 1.0, len(matrix))
    ends = [np.clip(state + np.abs(matrix[:, 0]), -1, 1), np.clip(state - np.abs(matrix[:, 1]), -1, 1)]
    low, high = _PLACEHOLDER
    w = np.column_stack([np.tile(state, 2), np.concatenate(ends)]).ravel()
    rows.G_S = low + (w + 1.0) / 2.0 * (high - low)
    rows.polarity = np.column_stack([np.zeros(2 * len(state)), np.repeat([1.0, -1.0], len(state))]).ravel()
    rows.cycle = np.repeat(np.arange(2.0 * len(state)), 2)
    rows.repairs.append("the file has step sizes, no conductances: 0.1 uS to 5 uS stands in for the range -1 to 1")
    return settle(rows, path.name, "aihwkit-steps", placeholder=True)


def _pair(path: Path, table: Table | None) -> tuple[Floats, Rows]:
    matrix, rows = _matrix(path, table)
    whole = np.isfinite(matrix).all(axis=1)
    rows.discard("row without two numbers", int(np.count_nonzero(~whole)))
    if matrix.shape[1] != 2 or np.count_nonzero(whole) < 2:
        raise DataError(
            "up and down must be two columns of numbers", got=f"{matrix.shape[1]} columns, {np.count_nonzero(whole)} rows",
            where=path.name, do="Say another format with --format.",
        )  # fmt: skip
    return matrix[whole], rows


def _write_values(measured: Measurements) -> dict[str, bytes]:
    train = one_device(measured)[0]
    up = [train.start, *train.up]
    down = [train.up[-1] if train.up else train.start, *train.down]
    n = min(len(up), len(down))
    return {"": text_of([f"{a:.10g},{b:.10g}" for a, b in zip(up[:n], down[:n], strict=True)])}


def _write_steps(measured: Measurements) -> dict[str, bytes]:
    """Interpolate the steps of the first train at 21 states of the range -1 to 1."""
    train = one_device(measured)[0]
    up, down = np.array([train.start, *train.up]), np.array([train.up[-1], *train.down])
    low, high = min(up.min(), down.min()), max(up.max(), down.max())
    states = np.linspace(low, high, 21)
    rising, falling = np.argsort(up[:-1]), np.argsort(down[:-1])
    plus = np.interp(states, up[:-1][rising], np.diff(up)[rising]) * 2 / (high - low)
    minus = np.interp(states, down[:-1][falling], -np.diff(down)[falling]) * 2 / (high - low)
    return {"": text_of([f"{a:.8g},{b:.8g}" for a, b in zip(plus, minus, strict=True)])}


# N2D2: a list of the conductances after LTP pulses


def _is_list(path: Path, table: Table | None) -> bool:
    if table is None or table.header or table.separator not in (" ", ","):
        return False
    flat = [cell for row in table.sample for cell in row]
    return (table.width == 1 or len(table.sample) == 1) and len(flat) > 2


def _read_list(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    matrix, rows = _matrix(path, table)
    g = matrix.ravel()
    rows.G_S, rows.cycle = g, np.zeros(len(g))
    rows.polarity = np.concatenate([[0.0], np.ones(len(g) - 1)])
    return settle(rows, path.name, "n2d2")


def _write_list(measured: Measurements) -> dict[str, bytes]:
    train = one_device(measured)[0]
    return {"": text_of([" ".join(f"{g:.10g}" for g in [train.start, *train.up])])}


# SIMBRAIN: voltage of the pulse, voltage of the read, current of each device


def _is_simbrain(path: Path, table: Table | None) -> bool:
    if path.suffix.lower() == ".xlsx":
        return True
    return table is not None and table.names[:2] in (
        ("v_pulse", "v_read"),
        ("vpulse", "vread"),
        ("v_pulse(v)", "v_read(v)"),
    )


def _read_simbrain(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    matrix, rows = (_sheet(path), Rows(np.zeros(0))) if path.suffix.lower() == ".xlsx" else _matrix(path, table)
    if matrix.ndim != 2 or matrix.shape[1] < 3:
        raise DataError("a conductance sheet must have V_pulse, V_read and a current per device", got=f"shape {matrix.shape}",
                        where=path.name, do="Say another format with --format.")  # fmt: skip
    n, devices = len(matrix), matrix.shape[1] - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        rows.G_S = np.abs(matrix[:, 2:] / matrix[:, 1:2]).T.ravel()
    rows.device_id = np.repeat(np.arange(devices, dtype=np.int32), n)
    rows.amplitude_V, rows.read_V = np.tile(matrix[:, 0], devices), np.tile(np.abs(matrix[:, 1]), devices)
    rows.repairs.append("conductances are current / read voltage")
    return settle(rows, path.name, "simbrain")


def _sheet(path: Path) -> Floats:
    """Read the numbers of the first sheet of a workbook; formulas are not computed."""
    try:
        import openpyxl
    except ImportError:
        raise DataError("sheets (.xlsx) need openpyxl", got="an environment without it", where=path.name,
                        do="pip install 'synarray[fit]', or save the sheet as CSV.") from None  # fmt: skip
    from synarray.device.formats.workbook import opened

    with opened(path) as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        rows = list(book.worksheets[0].iter_rows(values_only=True, max_row=100_000, max_col=1_000))
    found = [[c if isinstance(c, int | float) and not isinstance(c, bool) else np.nan for c in row] for row in rows]
    matrix = np.array(found, float) if found and len({len(r) for r in found}) == 1 else np.zeros((0, 0))
    if not matrix.size:
        return matrix
    matrix = matrix[:, np.isfinite(matrix).any(axis=0)]
    return np.asarray(matrix[np.isfinite(matrix).sum(axis=1) >= 3], float)


def _write_simbrain(measured: Measurements) -> dict[str, bytes]:
    """All devices share the voltages of the first one."""
    count = len(measured.devices)
    mine = [np.flatnonzero(measured.device_id == d) for d in range(count)]
    n = min(map(len, mine))
    lines = ["V_pulse,V_read," + ",".join(f"I{d + 1}" for d in range(count))]
    for i in range(n):
        first = mine[0][i]
        v = measured.amplitude_V[first] if measured.polarity[first] else 0.0
        read = measured.read_V[first]
        lines.append(f"{v:.6g},{read:.6g}," + ",".join(f"{measured.G_S[rows[i]] * read:.10g}" for rows in mine))
    return {"": text_of(lines)}


NEUROSIM = Format(
    "neurosim", "pulse number and conductance, two columns", _is_neurosim, _read_neurosim, _write_neurosim
)
VALUES = Format("aihwkit-values", "up and down, two columns of states", _is_pair, _read_values, _write_values)
STEPS = Format("aihwkit-steps", "up and down, two columns of step sizes", _is_pair, _read_steps, _write_steps)
N2D2 = Format("n2d2", "list of conductances after LTP pulses", _is_list, _read_list, _write_list, ".txt")
SIMBRAIN = Format("simbrain", "SIMBRAIN conductance sheet", _is_simbrain, _read_simbrain, _write_simbrain)
