"""Each layout of a table read to measured pulses, or to numbers of retention and endurance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.formats.curve import trains_of_curve
from synarray.lab.formats.evidence import A_CHANGE, ONE_WORD, WHOLE_TRAINS
from synarray.lab.formats.flat import beyond_words, conductances, in_si, read_flat, to_numbers
from synarray.lab.formats.other_tables import require_pulses
from synarray.lab.formats.plan import WEIGHT, Plan, Wishes, unused
from synarray.lab.formats.reading import Convert, Names, lines_of, numbers, read_columns, read_numbers
from synarray.lab.formats.refusal import command, no_conductance, no_read_voltage, no_steps, no_sweep
from synarray.lab.formats.sides import read_sides
from synarray.lab.formats.tables import cells_of
from synarray.lab.formats.train_rows import read_train_rows, unit_of_rows
from synarray.lab.formats.weights import PLACEHOLDER
from synarray.lab.rows.assembly import Train, assemble
from synarray.lab.rows.measured import MOST_ROWS, Measurements, Rows, one_branch, one_value
from synarray.lab.rows.settle import settle
from synarray.lab.text.marks import Marks
from synarray.lab.text.words import plain_words, state_of
from synarray.lab.traces.endurance import Loop, fit_endurance
from synarray.lab.traces.ramps import keep_one_amplitude
from synarray.lab.traces.recognise import amplitudes, is_ramp, is_retention, is_sweep
from synarray.lab.traces.retention import Aged, Trace, fit_retention

__all__ = ["flat_trains", "read_plan", "read_rows_of_trains", "settled"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_LONG_SAMPLE = 200
"""Rows of a sample from which on a word may change only beyond it."""


def read_plan(plan: Plan) -> Measurements | Aged:
    """Read a table as its plan says.

    Raises
    ------
    DataError
        When it has no conductances, is an I-V sweep, or what it holds cannot be used.
    """
    if plan.layout == "list":
        return _read_list(plan)
    require_pulses(plan)
    if not plan.measured:
        raise no_conductance(plan)
    if plan.layout == "sides":
        _require_read_voltage(plan)
        rows = Rows(np.zeros(0))
        trains = read_sides(plan, rows)
        _require_one_width(rows, plan)
        return settled(trains, rows, plan)
    if plan.layout == "states":
        _require_read_voltage(plan)
        return _read_states(plan)
    if _is_axis_of_steps(plan):
        raise no_steps(plan)
    plan = _with_later_names(plan)
    rows, time = read_flat(plan)
    if is_sweep(rows, of_pulses=_of_pulses(plan)):
        raise no_sweep(plan)
    if rows.read_V is None:
        _require_read_voltage(plan)
    if is_retention(rows, time, _words(plan)) and time is not None:
        return fit_retention(_traces(rows, time), plan.source)
    if is_ramp(rows) and rows.polarity is None:
        keep_one_amplitude(rows, plan.source)
    rows.remarks += unused(plan)
    _require_one_width(rows, plan)
    if _is_curve(rows):
        if time is not None and rows.pulse is None:
            rows.remarks.append(
                "each row was taken for the read after one pulse: it has a time, and nothing counts pulses"
            )
        return settled(trains_of_curve(rows), rows, plan, said=False)
    _size(rows, plan)
    measured = settle(rows, plan.source, plan.name)
    return one_branch(measured, plan.wishes.only)


def _with_later_names(plan: Plan) -> Plan:
    """Take words that change only beyond the first rows, each for a whole train, for names of devices."""
    columns = list(plan.columns)
    for column in columns if len(plan.table.sample) >= _LONG_SAMPLE else []:
        if column.meaning or column.why != ONE_WORD:
            continue
        names = Names()
        codes = read_columns(plan.table, MOST_ROWS, {column.at: names.codes}).values[column.at]
        edges = np.flatnonzero(np.r_[True, np.diff(codes) != 0, True])
        if len(names.known) > 1 and np.diff(edges).min() >= _LONG_SAMPLE // 4:
            columns[column.at] = replace(column, meaning="device_id", why=WHOLE_TRAINS)
    return replace(plan, columns=tuple(columns))


def _is_axis_of_steps(plan: Plan) -> bool:
    """Whether the one column of conductances only rises beside columns of changes, and nothing numbers pulses."""
    column, numbered = plan.measured[0], ("pulse", "polarity", "amplitude_V", "time_s", "cycle", "per_row")
    changes = any(other.why == A_CHANGE for other in plan.columns)
    if len(plan.measured) > 1 or column.given or not changes or any(plan.one(meaning) for meaning in numbered):
        return False
    rows = [row for row in plan.table.sample if len(row) == plan.table.width]
    steps = np.diff(numbers([row[column.at] for row in rows], plan.table))
    return len(steps) > 2 and bool((steps > 0).all() or (steps < 0).all())


def flat_trains(plan: Plan, branch: int, rows: Rows) -> list[Train]:
    """Read a sheet that holds one branch alone as trains of it."""
    found, _ = read_flat(plan)
    rows.repairs += found.repairs
    rows.remarks += found.remarks
    trains = trains_of_curve(found, rising_only=True)
    for train in trains:
        train.branch = branch
    return trains


def settled(trains: Sequence[Train], rows: Rows, plan: Plan, *, said: bool = True) -> Measurements:
    """Put trains together and bring them into order."""
    rows.remarks += unused(plan) if said else []
    for own, value in (("read_V", plan.constants.get("read_V", plan.settings.read_V)),):
        if value is not None and rows.read_V is None:
            rows.remarks += (
                [] if any(own in remark for remark in (*rows.remarks, *rows.repairs)) else [f"{own} is {value:g}"]
            )
    read = plan.constants.get("read_V", plan.settings.read_V)
    if read is None and rows.read_V is not None and len(known := np.unique(rows.read_V[np.isfinite(rows.read_V)])) == 1:
        read = float(known[0])
    width, kelvin = one_value(rows.width_s), one_value(rows.temperature_K)
    rows.read_V = rows.temperature_K = None
    assemble(trains, rows, plan.source, plan.wishes.ltd, plan.wishes.only, _remedy(plan, trains))
    rows.read_V = None if read is None else np.full(len(rows.G_S), read)
    down, up = (next((plan.read_of(c) for c in plan.measured if c.branch * sign > 0), None) for sign in (-1, 1))
    if read is None and rows.polarity is not None and down and up:
        rows.read_V = np.where(rows.polarity < 0, down, up)
    rows.temperature_K = None if kelvin is None else np.full(len(rows.G_S), kelvin)
    rows.pulse_s = rows.pulse_s or ({0: width} if width is not None and rows.width_s is None else {})
    signs = {2: 1, -2: -1}
    rows.pulse_V = rows.pulse_V or {signs.get(k, k): v for k, v in plan.settings.pulse_V.items()}
    rows.pulse_s = rows.pulse_s or {signs.get(k, k): v for k, v in plan.settings.pulse_s.items()}
    weights = _weights(rows, plan)
    _size(rows, plan)
    return settle(rows, plan.source, plan.name, placeholder=weights)


def _weights(rows: Rows, plan: Plan) -> bool:
    """Put a placeholder in for the range of normalised weights, which have no unit; say so."""
    finite = rows.G_S[np.isfinite(rows.G_S)]
    names = " ".join(plain_words(column.name) for column in plan.measured)
    named = re.search(WEIGHT, names)
    if not named or not len(finite) or finite.min() < -1.05 or not 0.1 < finite.max() <= 1.05:
        return False
    low, high = PLACEHOLDER
    bottom = -1.0 if finite.min() < -0.05 else 0.0
    rows.G_S = low + (rows.G_S - bottom) / (1.0 - bottom) * (high - low)
    rows.repairs.append(
        f"the file has weights, no conductances: 0.1 uS to 5 uS is put in for the range {bottom:g} to 1"
    )
    return True


def _remedy(plan: Plan, trains: Sequence[Train]) -> str:
    """Say what to do where LTP lowers and LTD raises: sizes of steps, resistances, or names the other way round."""
    sides = [column for column in plan.measured if column.branch]
    median = float(np.nanmedian(np.concatenate([train.g for train in trains]))) if trains else 0.0
    if len(sides) != 2:
        return ""
    if median > 1.0:
        columns = ",".join(f"{'LTP' if c.branch > 0 else 'LTD'}={c.shown} in ohm" for c in sides)
        return f"If these are resistances: {command(plan.source, '--columns', columns)}"
    if median > 1e-3 and plan.table.width == 2:
        return f"If these are sizes of steps: {command(plan.source, '--format', 'aihwkit-steps')}"
    columns = ",".join(f"{'LTD' if c.branch > 0 else 'LTP'}={c.shown}" for c in sides)
    return f"If the names are the other way round: {command(plan.source, '--columns', columns)}"


def _size(rows: Rows, plan: Plan) -> None:
    """Refuse numbers without a unit that are no conductances in siemens, and say how to give it."""
    finite = rows.G_S[np.isfinite(rows.G_S) & (rows.G_S < 1e30)]
    if not len(finite) or float(np.median(finite)) <= 0.1 or any(c.unit for c in plan.measured):
        return
    keys = {1: "LTP", 2: "LTP", -1: "LTD", -2: "LTD"}
    columns = ",".join(
        f"{keys.get(c.branch, c.meaning)}={c.shown if c.name else c.at + 1} in uS" for c in plan.measured
    )
    names = ", ".join(c.shown for c in plan.measured)
    raise DataError(
        "conductances must be in siemens, or their column must say its unit",
        got=f"numbers without a unit around {np.median(finite):.3g} in {names}", where=plan.source,
        do=f"If they are in uS: {command(plan.source, '--columns', columns)}",
    )  # fmt: skip


def _require_read_voltage(plan: Plan) -> None:
    if plan.measured[0].meaning != "I_A" or plan.one("read_V"):
        return
    volts = [plan.read_of(column) for column in plan.measured]
    if None in volts or (plan.layout != "sides" and len(set(volts)) > 1):
        raise no_read_voltage(plan)


def _require_one_width(rows: Rows, plan: Plan) -> None:
    """Refuse pulses whose widths vary within LTP or within LTD: their steps are not those of equal pulses."""
    if rows.width_s is None:
        return
    kind = rows.polarity if rows.polarity is not None else rows.amplitude_V
    kinds = np.nan_to_num(rows.polarity if rows.polarity is not None else np.sign(kind if kind is not None else 0.0))
    kinds = np.broadcast_to(kinds, rows.width_s.shape)
    for each in np.unique(kinds[kinds != 0] if kind is not None else kinds):  # a state before pulses has no width
        widths = rows.width_s[(kinds == each) & np.isfinite(rows.width_s) & (rows.width_s > 0)]
        different, counts = np.unique(amplitudes(widths), return_counts=True)
        if (
            len(widths)
            and len(different) > (2 if kind is None and plan.layout != "sides" else 1)
            and counts.max() < 0.9 * len(widths)
        ):
            raise DataError(
                "pulses of a fit must have one width for LTP and one for LTD", where=plan.source,
                got=f"{len(different)} widths between {different[0]:g} and {different[-1]:g} s",
                do="Measure trains of equal pulses, or keep the rows of one width.",
            )  # fmt: skip


def _is_curve(rows: Rows) -> bool:
    """Whether nothing tells LTP from LTD but what the conductance does."""
    if rows.polarity is not None:
        return False
    if rows.amplitude_V is None:
        return True
    kinds = np.unique(amplitudes(rows.amplitude_V[np.isfinite(rows.amplitude_V)]))
    if len(kinds) <= 1:
        if len(kinds):
            without = int(np.count_nonzero(~np.isfinite(rows.amplitude_V)))
            where = f"wherever it is a number ({without:,} rows have none)" if without else "in all rows"
            rows.remarks.append(
                f"the voltage is {kinds[0]:g} V {where}: it does not distinguish LTP from LTD; the movement does"
            )
        return True
    return False


def _of_pulses(plan: Plan) -> bool:
    """Whether the file calls its voltages those of pulses."""
    volts = plan.one("amplitude_V")
    return volts is not None and bool(
        re.search(r"puls|prog|write|amplitude|\bv ?p\b|脉冲|펄스|パルス", plain_words(volts.name))
    )


def _words(plan: Plan) -> str:
    return " ".join([plan.source, plan.table.title, *(cell for line in plan.table.above for cell in line)])


def _traces(rows: Rows, time: Floats) -> list[Trace]:
    codes = np.zeros(len(time), int) if rows.device_id is None else rows.device_id
    names = rows.names or ["0"]
    return [Trace(names[code], time[codes == code], rows.G_S[codes == code]) for code in np.unique(codes)]


def _read_states(plan: Plan) -> Aged:
    """Read states of low and high resistance, one row per cycle."""
    table = plan.table
    cycle = plan.one("cycle") or plan.one("pulse")
    if cycle is None and plan.one("time_s") is not None:
        rows, time = read_flat(plan)
        assert time is not None
        return fit_retention(_traces(rows, time), plan.source)
    state, device, names = plan.one("state"), plan.every("device_id"), Names()
    wanted: dict[int, Convert] = {c.at: to_numbers(table, c, Counter()) for c in plan.measured}
    wanted |= {c.at: to_numbers(table, c, Counter()) for c in ([cycle] if cycle else [])}
    wanted |= {
        c.at: (lambda cells: np.array([state_of(cell) for cell in cells], float)) for c in ([state] if state else [])
    }
    wanted |= {c.at: names.codes for c in device[:1]}
    found = read_columns(table, MOST_ROWS, wanted)
    rows = Rows(np.zeros(0))
    read = plan.constants.get("read_V", plan.settings.read_V)
    code = found.values[device[0].at] if device else np.zeros(len(found.values[plan.measured[0].at]))
    number = found.values[cycle.at] if cycle else None
    sides: dict[int, list[tuple[Floats, Bools]]] = {1: [], -1: []}
    for column in plan.measured:
        values = in_si(column, found.values[column.at], rows)
        g = conductances(column.meaning, values, None if read is None else np.full(len(values), read), rows)
        for sign in (1, -1):
            if state or column.state == sign:
                sides[sign].append((g, found.values[state.at] == sign if state else np.ones(len(g), bool)))
    loops = list[Loop]()
    for label in np.unique(code):
        for (on, up), (off, down) in zip(sides[1], sides[-1], strict=False):
            mine = [np.flatnonzero((code == label) & side) for side in (up, down)]
            n = min(map(len, mine))
            count = np.arange(1.0, n + 1) if number is None else number[mine[0][:n]]
            loops.append(Loop(str(len(loops)), count, on[mine[0][:n]], off[mine[1][:n]]))
    return fit_endurance(loops, plan.source)


def _read_list(plan: Plan) -> Measurements:
    """Read a row or a column of numbers: a curve; with --format n2d2 conductances after LTP pulses, whatever they do."""
    rows = Rows(np.zeros(0), repairs=list(plan.table.repairs))
    found = read_numbers(plan.table, MOST_ROWS)
    rows.discard("row with another number of columns", found.short)
    rows.discard(beyond_words(), found.beyond)
    matrix = np.column_stack(list(found.values.values()))
    known = [column for column in plan.measured if column.meaning == "G_S"]
    rows.G_S = (
        in_si(known[0], matrix[:, known[0].at], rows) if len(known) == 1 and plan.table.header else matrix.ravel()
    )
    trains = trains_of_curve(rows, rising_only=plan.wishes.layout == "list")
    return settled(trains, rows, plan, said=False)


def read_rows_of_trains(
    path: Path, lines: Iterable[list[str]], encoding: str, separator: str, marks: Marks, wishes: Wishes
) -> Measurements:
    """Read a file with one train per row; ``lines`` are all of a sheet (no encoding), or the first of a file of text."""
    rows = Rows(np.zeros(0))
    if encoding:
        lines = (cells_of(line, separator) for line in lines_of(path, encoding))
    given = unit_of_rows(wishes.mapping)
    trains = read_train_rows(lines, marks, path.name, rows, given)
    if rows.read_V is None and any("current" in said for said in rows.repairs):
        raise DataError("currents need the voltage at which they were read", got="rows of currents without it", where=path.name,
                        do="Write the voltage in front of the numbers: Vread=0.1 V.")  # fmt: skip
    middle = float(np.nanmedian(np.concatenate([train.g for train in trains]))) if trains else 0.0
    if middle > 0.1 and given is None:
        raise DataError("conductances must be in siemens, or their rows must say their unit", got=f"numbers around {middle:.3g}",
                        where=path.name, do=f"If they are in uS: {command(path.name, '--columns', 'G_S=2 in uS')}")  # fmt: skip
    read = rows.read_V
    assemble(trains, rows, path.name, wishes.ltd, wishes.only)
    rows.read_V = None if read is None else np.full(len(rows.G_S), read[0])
    return settle(rows, path.name, "rows")
