"""Curves without words: NeuroSim's pulse number and conductance, aihwkit's up and down, N2D2's list, SIMBRAIN's sheet."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.formats.headers import MORE, UNITS, Scale, bare, quantity_of, scale_of
from synarray.lab.formats.kinds import Format, conductances, one_device, text_of
from synarray.lab.formats.mapping import Mapping, constant, place
from synarray.lab.formats.tables import Table, numbers, open_table, read_numbers
from synarray.lab.rows.measured import MOST_ROWS, Measurements, Rows
from synarray.lab.rows.order import turning_points
from synarray.lab.rows.outliers import OVERFLOW
from synarray.lab.rows.settle import settle

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


def _in_units(column: Floats, name: str, scale: Scale, unit: str, rows: Rows) -> Floats:
    """Bring a column to the unit that is due, and say so; overflow readings stay what they are."""
    if scale == Scale():
        return column
    rows.repairs.append(f"column {name.strip()} was brought to {unit}")
    return np.where(np.abs(column) < OVERFLOW, column * scale.factor + scale.offset, column)


def _conductance(path: Path, table: Table | None, at: int, column: Floats, mapping: Mapping, rows: Rows) -> Floats:
    """Bring the column of measured values to conductances, by the quantity and the unit that its name says."""
    named = table is not None and table.header
    name = table.header[at] if table is not None and table.header else ""
    declared = next((own for own in ("G_S", *MORE) if own in mapping), None)
    own, scale = quantity_of(name, path.name) if named and declared is None else (declared or "G_S", Scale())
    if named and declared is not None:
        scale = scale_of(name, declared, path.name)
    values = {own: _in_units(column, name, scale, UNITS[own], rows)}
    if own == "I_A":
        read = constant("read_V", mapping.get("read_V", ""), ())
        if read is None:
            raise DataError(
                "a column of conductances is needed, or currents and the voltage of the reads", got=f'"{name.strip()}"',
                where=path.name,
                do=f"Add --format neurosim --columns 'I_A={at + 1},read_V=0.1 V', with the voltage of your reads.",
            )  # fmt: skip
        values["read_V"] = np.full(len(column), read)
        rows.repairs.append(f"read_V is {read:g} in all rows, as --columns says")
    return conductances(values, rows)


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
    header, width = table.header if table else (), matrix.shape[1]
    at = next((place(mapping[own], header, width, path.name) for own in ("G_S", *MORE) if own in mapping), 1)
    count = place(mapping["pulse"], header, width, path.name) if "pulse" in mapping else 1 - at if width == 2 else -1
    if count < 0 or count == at or (width != 2 and not {"G_S", *MORE} & set(mapping)):
        raise DataError("pulse number and conductance must be two columns", got=f"{width} columns", where=path.name,
                        do="Say another format with --format, or map them: --columns pulse=NAME,G_S=NAME.")  # fmt: skip
    g = _conductance(path, table, at, matrix[:, at], mapping, rows)
    number, polarity, cycle, before, turns = matrix[:, count], np.zeros(len(g)), np.zeros(len(g)), 0, 0
    for first, end in pairwise(_blocks(number)):
        edges = [first, *(first + turning_points(g[first:end])), end]
        turns += len(edges) - 2
        for a, b in pairwise(edges):
            start = a if a == first else a - 1  # beyond a turn the state before is the last of the train before
            up = float(np.nan_to_num(g[b - 1])) >= float(np.nan_to_num(g[start]))
            before += a > 0 and up
            cycle[a:b], polarity[a:b] = before, 1.0 if up else -1.0
        if number[first] == 0 or first == 0 or (end - first > 1 and number[first + 1] < number[first]):
            polarity[first] = 0.0  # the state before the train
    rows.G_S, rows.polarity, rows.cycle = g, polarity, cycle
    rows.repairs.append(
        "a block of rising pulse numbers whose conductance rises was read as LTP, one that falls as LTD"
    )
    if turns:
        rows.repairs.append(
            f"pulse numbers that run on were cut at {turns:,} turning point{'s' * (turns > 1)} of the conductance"
        )
    return settle(rows, path.name, "neurosim")


def _blocks(number: Floats) -> list[int]:
    """Return where pulse numbers start again, or begin to count down; and the end."""
    step = np.diff(number)
    falling = (step == -1) & np.append(step[1:] == -1, [True])  # a train that counts down from its last number
    anew = (step <= 0) & ~(falling & np.concatenate([[False], falling[:-1]]))
    return [0, *(np.flatnonzero(anew) + 1).tolist(), len(number)] if len(number) else [0]


def _write_neurosim(measured: Measurements) -> dict[str, bytes]:
    lines = []
    for train in one_device(measured):
        last = train.up[-1] if train.up else train.start
        lines += [f"{i},{g:.10g}" for i, g in enumerate([train.start, *train.up])]
        lines += [f"{i},{g:.10g}" for i, g in enumerate([last, *train.down])]
    return {"": text_of(lines)}


# aihwkit: up, down; conductances (or weights), or sizes of steps


_PAIR = re.compile(r"up|down|ltp|ltd|set|reset|pot|dep|pos|neg|plus|minus|incr?|decr?|potentiation|depression")


def _is_pair(path: Path, table: Table | None) -> bool:
    sample = _sample(table, 2)
    if table is None or sample is None or _counts_up(sample[:, 0]):
        return False
    return all(_PAIR.fullmatch(bare(name)) for name in table.header)


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
    if table is not None and table.header:
        matrix = np.column_stack([_conductance(path, table, i, matrix[:, i], mapping, rows) for i in range(2)])
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
    if table is not None and table.header:
        columns = [_conductance(path, table, i, column, mapping, rows) for i, column in enumerate(matrix.T)]
        matrix = np.column_stack(columns)
    g = matrix.ravel()
    rows.G_S, rows.cycle = g, np.zeros(len(g))
    rows.polarity = (np.arange(len(g)) > 0).astype(float)
    return settle(rows, path.name, "n2d2")


def _write_list(measured: Measurements) -> dict[str, bytes]:
    train = one_device(measured)[0]
    return {"": text_of([" ".join(f"{g:.10g}" for g in [train.start, *train.up])])}


# SIMBRAIN: voltage of the pulse, voltage of the read, current of each device


_VOLTAGES = re.compile(r"v[_ ]?pulse"), re.compile(r"v[_ ]?read")


def _is_simbrain(path: Path, table: Table | None) -> bool:
    if table is None or table.width < 3:
        return False
    if table.header:
        return all(pattern.fullmatch(bare(name)) for pattern, name in zip(_VOLTAGES, table.header[:2], strict=True))
    return path.suffix.lower() == ".xlsx" and _like_simbrain(table)


def _like_simbrain(table: Table) -> bool:
    """Whether columns without names are few voltages of pulses, fewer of reads, and currents."""
    sample = _sample(table, table.width)
    if sample is None or _counts_up(sample[:, 0]):
        return False
    pulse, read, currents = sample[:, 0], sample[:, 1], sample[:, 2:]
    voltages = np.isfinite(sample[:, :2]).all() and bool((np.abs(sample[:, :2]) <= 20).all())
    few = len(np.unique(read)) <= 3 and bool((read != 0).all()) and len(np.unique(pulse)) <= 50
    return bool(voltages) and few and bool((np.abs(currents[np.isfinite(currents)]) < 0.1).all())


def _read_simbrain(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    matrix, rows = _matrix(path, table)
    if matrix.ndim != 2 or matrix.shape[1] < 3:
        raise DataError("a conductance sheet must have V_pulse, V_read and a current per device", got=f"shape {matrix.shape}",
                        where=path.name, do="Say another format with --format.")  # fmt: skip
    if table is not None and table.header:
        kinds = ["amplitude_V", "read_V"] + ["I_A"] * (matrix.shape[1] - 2)
        found = [
            _in_units(column, name, scale_of(name, own, path.name), UNITS[own], rows)
            for column, name, own in zip(matrix.T, table.header, kinds, strict=True)
        ]
        matrix = np.column_stack(found)
    n, devices = len(matrix), matrix.shape[1] - 2
    read = np.tile(np.abs(matrix[:, 1]), devices)
    rows.G_S = conductances({"I_A": np.abs(matrix[:, 2:]).T.ravel(), "read_V": read}, rows)
    rows.device_id = np.repeat(np.arange(devices, dtype=np.int32), n)
    rows.amplitude_V, rows.read_V = np.tile(matrix[:, 0], devices), read
    return settle(rows, path.name, "simbrain")


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
