"""Tables with a row per pulse, or a row per pulse and a column per device, read to rows: values in SI, devices by name.

Several columns of one quantity are devices, or repeated reads of one state: names say which, else the values do. Reads of one
state differ at random from row to row; devices keep their own way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from synarray.lab.formats.evidence import WHOLE_TRAINS, Column
from synarray.lab.formats.instruments import read_voltages
from synarray.lab.formats.plan import Plan
from synarray.lab.formats.reading import Columns, Names, numbers, read_columns
from synarray.lab.formats.tables import Table
from synarray.lab.rows.measured import MOST_ROWS, Rows
from synarray.lab.rows.outliers import OVERFLOW
from synarray.lab.rows.polarity import FIRST_WORD, POLARITIES, TWO_KINDS
from synarray.lab.rows.raw_log import Log, average_repeats, keep_reads, one_read_voltage
from synarray.lab.rows.reads import are_reads, averaged
from synarray.lab.text.conditions import differ_by_conditions
from synarray.lab.text.headers import UNITS, Scale
from synarray.lab.text.marks import NOTHING
from synarray.lab.text.words import branch_of, cycles_of, plain_words
from synarray.lab.traces.recognise import amplitudes

__all__ = [
    "beyond_words",
    "brought",
    "conductances",
    "in_si",
    "read_flat",
    "several_conditions",
    "to_numbers",
    "without_padding",
]

Floats = npt.NDArray[np.float64]
_BY_ROW = ("cycle", "pulse", "amplitude_V", "width_s", "read_V", "temperature_K", "time_s", "per_row")
_APART_K = 5.0
"""Kelvin by which temperatures differ that are not one."""
_MOST = 0.9
"""Share of currents that are negative where the sign is that of the read voltage."""
_PADDING, _FEWEST, _SAME = 2, 8, 2e-3
"""Zeros that may fill a column up; rows, and the relative difference, of columns that hold the same values."""
_FEW = 0.1
"""Share of rows that may lack what the others have."""


def read_flat(plan: Plan) -> tuple[Rows, Floats | None]:
    """Read a table to rows, device after device; return them and the time of each, where the table has it."""
    table, measured = plan.table, plan.measured
    names, unknown, kinds, carried = [Names() for _ in plan.every("device_id")], Names(), set[str](), Counter[str]()
    wanted: dict[int, Callable[[Sequence[str]], npt.NDArray[np.generic]]] = {}
    for column, codes in zip(plan.every("device_id"), names, strict=True):
        wanted[column.at] = codes.codes
    own_volts = read_voltages(plan.columns)
    for column in (*measured, *own_volts, *(c for key in _BY_ROW if (c := plan.one(key)))):
        wanted[column.at] = to_numbers(table, column, carried)
    if polarity := plan.one("polarity"):
        wanted[polarity.at] = lambda cells: _polarities(cells, table, unknown, kinds)
    for column in plan.columns:
        if column.meaning in ("polarity", "cycle") and _merged(column, table):
            wanted[column.at] = _filled_down(wanted[column.at])
    found = read_columns(table, MOST_ROWS // max(len(measured), 1), wanted)
    beneath = _beneath(plan, found)
    found = found._replace(values={at: values[: len(values) - beneath] for at, values in found.values.items()})
    rows = Rows(np.zeros(0), repairs=list(table.repairs))
    rows.words, rows.two_kinds = unknown.known, bool(kinds)
    for column, codes in zip(plan.every("device_id"), names, strict=True):
        if column.why == WHOLE_TRAINS:
            rows.remarks.append(
                f"{column.shown!r} was read as the name of the device: {column.why} (else --columns 'ignore={column.shown}')"
            )
        if codes.filled:
            rows.repairs.append(f"{codes.filled:,} blank cells of {column.shown} were taken for the name above them")
    rows.discard("row with another number of columns", found.short)
    rows.discard(beyond_words(), found.beyond)
    rows.discard("row beneath the table, without a pulse number or the like", beneath)
    rows.repairs += brought(carried)
    n = len(next(iter(found.values.values()))) if found.values else 0
    columns = {key: in_si(c, found.values[c.at], rows) for key in _BY_ROW if (c := plan.one(key))}
    if polarity:
        columns["polarity"] = found.values[polarity.at]
    for own, value in plan.constants.items():
        columns[own] = np.full(n, value)
        rows.repairs.append(f"{own} is {value:g} in all rows, as --columns says")
    _settings(plan, columns, n, rows)
    matrix = np.column_stack([in_si(c, without_padding(found.values[c.at], rows), rows) for c in measured])
    matrix, measured = _different(matrix, measured, rows)
    if own_volts:
        columns["read_V"] = _own_voltages(plan.measured, own_volts, measured, found, rows)
    if _in_rows(plan, matrix):
        matrix, columns = matrix.T, {}
        rows.remarks.append(
            f"each of {matrix.shape[1]} rows without names was read as a train: it is smooth along the row"
        )
        labels = [f"row {i + 1}" for i in range(matrix.shape[1])]
    else:
        labels = _labels(plan, measured, matrix / columns["read_V"] if own_volts else matrix, rows)
    cycles = np.zeros(0)
    if not labels and len(measured) > 1 and "cycle" not in columns and cycles_of([c.name for c in measured]):
        order, labels, cycles = _in_turn(measured, rows)
        matrix = matrix[:, order]
        columns |= {"read_V": columns["read_V"][:, order]} if own_volts else {}
    elif not labels and len(measured) > 1:
        matrix = averaged(matrix, rows)
        columns |= {"read_V": columns["read_V"].mean(axis=1)} if own_volts else {}
    log = Log(columns, matrix, [found.values[c.at] for c in plan.every("device_id")])
    log = keep_reads(log, rows) if measured[0].meaning == "I_A" else log
    log = average_repeats(one_read_voltage(log, rows), rows)
    columns, matrix, k = log.columns, log.matrix, log.matrix.shape[1]
    _melt(plan, rows, matrix, columns, (log.devices, names), labels)
    if len(cycles):
        rows.cycle = np.repeat(cycles, len(matrix))
    several_conditions(plan, rows)
    return rows, None if "time_s" not in columns else np.tile(columns["time_s"], k)


def _in_turn(measured: list[Column], rows: Rows) -> tuple[list[int], list[str], Floats]:
    """Put columns of cycles in order, device after device; return the order, and the device and the cycle of each."""
    places = cycles_of([column.name for column in measured])
    devices = list(dict.fromkeys(device for device, _ in places))
    order = sorted(range(len(places)), key=lambda at: (devices.index(places[at][0]), int(places[at][1])))
    labels = [places[at][0] for at in order]
    of = f" of {len(devices)} devices ({', '.join(devices[:4])})" if len(devices) > 1 else ""
    shown = f"columns {measured[0].shown} to {measured[-1].shown}"
    rows.remarks.append(f"{shown} were read as cycles{of}, one after the other")
    return order, labels, np.array([labels[:k].count(label) for k, label in enumerate(labels)], float)


def _own_voltages(
    currents: list[Column], volts: list[Column], used: list[Column], found: Columns, rows: Rows
) -> Floats:
    """Return the read voltages [row, current] where each current has its own."""
    own = {current.at: volt for current, volt in zip(currents, volts, strict=True)}
    said = ", ".join(f"{c.shown} by {own[c.at].shown}" for c in used)
    rows.remarks.append(f"each current is divided by its own read voltage: {said}")
    return np.column_stack([in_si(own[c.at], found.values[own[c.at].at], rows) for c in used])


def several_conditions(plan: Plan, rows: Rows) -> None:
    """Say where a file holds several temperatures or amplitudes, which are fitted as one."""
    column = plan.one("temperature_K")
    if column is not None and rows.temperature_K is not None:
        known = np.unique(np.round(rows.temperature_K[np.isfinite(rows.temperature_K)]))
        if 2 <= len(known) <= 20 and np.ptp(known) >= _APART_K:
            rows.remarks.append(
                f"{len(known)} temperatures between {known[0]:g} and {known[-1]:g} K are fitted as one; "
                f"apart: --columns 'device_id={column.shown}'"
            )
    if rows.amplitude_V is None or rows.polarity is not None:
        return
    volts = amplitudes(rows.amplitude_V[np.isfinite(rows.amplitude_V)])
    for sign, name in ((1, "positive"), (-1, "negative")):
        kinds, counts = np.unique(volts[np.sign(volts) == sign], return_counts=True)
        if (
            2 <= len(kinds) <= 20
            and counts.min() > 0.05 * counts.sum()
            and np.unique(np.sign(volts[volts != 0])).size == 2
        ):
            shown = ", ".join(f"{kind:g}" for kind in kinds[:4].tolist())
            rows.remarks.append(f"{name} pulses have {len(kinds)} amplitudes ({shown} V), which are fitted as one")


def _merged(column: Column, table: Table) -> bool:
    """Whether most cells are blank below others: those were merged."""
    cells = [row[column.at].strip() for row in table.sample if len(row) == table.width]
    return bool(cells and cells[0]) and cells.count("") > 0.5 * len(cells)


def _filled_down(convert: Callable[[Sequence[str]], npt.NDArray[np.generic]]) -> Callable[..., npt.NDArray[np.generic]]:
    """Return a conversion that takes blank cells for what is above them."""
    last = ""

    def filled(cells: Sequence[str]) -> npt.NDArray[np.generic]:
        nonlocal last
        kept = [last := cell if cell.strip() else last for cell in cells]
        return convert(kept)

    return filled


def _beneath(plan: Plan, found: Columns) -> int:
    """Count the last rows that lack what all others have, such as a mean and a spread beneath the table."""
    numbered = [
        c for key in ("pulse", "amplitude_V", "time_s", "cycle") if (c := plan.one(key)) and not _merged(c, plan.table)
    ]
    lacks = np.zeros(len(next(iter(found.values.values()), ())), bool)
    for column in numbered:
        missing = ~np.isfinite(found.values[column.at].astype(float))
        lacks |= missing & bool(np.mean(missing) < _FEW)
    return int(np.argmin(lacks[::-1])) if lacks.any() else 0


def brought(carried: Counter[str]) -> list[str]:
    """Say how many cells carried a unit."""
    return [
        f"{count:,} value{'s' * (count > 1)} with their unit {'were' if count > 1 else 'was'} brought to {unit}"
        for unit, count in carried.items()
    ]


def to_numbers(table: Table, column: Column, carried: Counter[str]) -> Callable[[Sequence[str]], Floats]:
    """Return what turns the cells of a column into numbers, and counts those that carry a unit."""
    unit = UNITS.get(column.meaning)
    if column.meaning == "cycle":
        return lambda cells: numbers([_number_in(cell) for cell in cells], table)
    return lambda cells: numbers(cells, table, unit, carried, column.scale.factor)


def _number_in(cell: str) -> str:
    """Return the number in a word such as "cycle 3"."""
    found = re.fullmatch(r"[^\W\d][^\d]*(\d+)\D*", cell.strip())
    return found[1] if found else cell


def beyond_words() -> str:
    """Return the reason for which rows beyond the most are not used."""
    return f"row beyond the {MOST_ROWS:,} that a fit uses"


def in_si(column: Column, values: Floats, rows: Rows) -> Floats:
    """Bring a column to the unit that is due, and say so; overflow readings stay what they are."""
    if column.log:
        rows.repairs.append(f"{column.shown} holds logarithms to the base {column.log:.3g}: they were raised")
        with np.errstate(over="ignore"):
            values = column.log**values
    if column.scale == Scale():
        return values
    rows.repairs.append(f"column {column.shown} was brought to {UNITS[column.meaning]}")
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < OVERFLOW, values * column.scale.factor + column.scale.offset, values)


def without_padding(values: Floats, rows: Rows) -> Floats:
    """Leave zeros out that fill a column up after its last value, from which they are further than any step before."""
    filled = np.flatnonzero(values != 0)
    last = int(filled[-1]) + 1 if len(filled) else 0
    if len(values) - last < _PADDING or last < _PADDING + 5:
        return values
    before, steps = values[last - 6 : last], np.abs(np.diff(values[:last]))
    largest = max(float(np.abs(np.diff(before)).max()), float(np.min(steps, where=steps > 0, initial=np.inf)))
    if not np.isfinite(before).all() or abs(before[-1]) < 5.0 * largest:
        return values
    rows.discard("0 that fills a column up", len(values) - last)
    return np.where(np.arange(len(values)) < last, values, np.nan)


def _different(matrix: Floats, measured: list[Column], rows: Rows) -> tuple[Floats, list[Column]]:
    """Leave columns out that hold the values of another once more, in another unit."""
    kept = list[int]()
    for k in range(matrix.shape[1] if len(matrix) >= _FEWEST else 0):
        same = [j for j in kept if measured[j].scale != measured[k].scale]
        for some in (slice(_FEWEST), slice(None)):  # the first rows tell most
            close = np.isclose(matrix[some][:, same], matrix[some, k, None], rtol=_SAME, atol=0.0, equal_nan=True)
            same = [j for j, equal in zip(same, np.all(close, axis=0).tolist(), strict=True) if equal]
        if same and np.ptp(matrix[np.isfinite(matrix[:, k]), k]):
            one, other = measured[k], measured[same[0]].shown
            rows.repairs.append(f"{one.shown} (column {one.at + 1}) holds the values of {other} again: left out")
        else:
            kept.append(k)
    return (matrix[:, kept], [measured[k] for k in kept]) if 0 < len(kept) < len(measured) else (matrix, measured)


def _polarities(cells: Sequence[str], table: Table, unknown: Names, kinds: set[str]) -> Floats:
    """Turn words for the polarity into 1, -1 and 0; each that is not known gets a number of its own."""
    try:
        return np.array(cells, float)
    except ValueError:
        found = {}
        for cell in dict.fromkeys(cells):
            word = cell.strip().lower()
            branch = branch_of(word)
            kinds.update({word} if word in TWO_KINDS or abs(branch) == 2 else ())
            value = POLARITIES.get(word, float(np.sign(branch)) if branch else None)
            if value is None:
                value = float(numbers([cell], table)[0])
                if np.isnan(value) and word not in NOTHING:
                    value = FIRST_WORD + float(unknown.codes([cell])[0])
            found[cell] = value
        return np.array([found[cell] for cell in cells], float)


def _settings(plan: Plan, columns: dict[str, Floats], n: int, rows: Rows) -> None:
    """Take what the file's own lines say where no column and no option does."""
    settings = plan.settings
    for own, value in (("read_V", settings.read_V), ("temperature_K", settings.temperature_K)):
        if own not in columns and value is not None:
            columns[own] = np.full(n, value)
            rows.remarks.append(f"{own} is {value:g}, as the file says above its table ({settings.said[own]!r})")
    for own, table, known in (
        ("amplitude_V", settings.pulse_V, rows.pulse_V),
        ("width_s", settings.pulse_s, rows.pulse_s),
    ):
        if own not in columns and table:
            signs = {2: 1, -2: -1}
            known.update({signs.get(branch, branch): value for branch, value in table.items()})
            said = ", ".join(repr(words) for key, words in settings.said.items() if key.startswith(own))
            rows.remarks.append(f"{own} of the pulses is what the file says above its table ({said})")


def _labels(plan: Plan, measured: list[Column], matrix: Floats, rows: Rows) -> list[str]:
    """Return the names of the devices in the columns; none where they are reads of one state, or there is one column."""
    if len(measured) == 1:
        return []
    words = [plain_words(column.name) for column in measured]
    reads = all(re.search(r"\b(read|rep|repeat|repetition|meas|measurement|sample)\w* ?\d", w) for w in words)
    devices = plan.is_simbrain or any(re.search(r"dev|dut|cell|chip|\bd ?\d|器件|소자|bauteil", w) for w in words)
    conditions = differ_by_conditions([column.name for column in measured])
    if reads or cycles_of([c.name for c in measured]) or (not (devices or conditions) and are_reads(matrix)):
        return []
    rows.remarks += [conditions] if conditions else []
    places = [column.at + 1 for column in measured]
    if len(places) == 2 and not any(words):
        rows.remarks.append(
            f"two columns without names were read as devices; of LTP and LTD: --columns LTP={places[0]},LTD={places[1]}"
        )
    labels = [column.label or column.shown for column in measured]
    plain = [re.sub(r"^(device|dut|cell|dev|器件|소자)\s*(?=\S)", "", label) for label in labels]
    labels = plain if len(set(plain)) == len(plain) and all(plain) else labels
    return [label if labels.count(label) == 1 else f"{label} ({i + 1})" for i, label in enumerate(labels)]


def _in_rows(plan: Plan, matrix: Floats) -> bool:
    """Whether numbers without names are trains along the rows: smooth along them and rough down the columns, or further."""
    if plan.table.header or min(matrix.shape) < 2 or matrix.shape[1] < 8 or len(plan.measured) < plan.table.width:
        return False
    if matrix.shape[0] < 8:
        return True
    along, down = (float(np.nanmedian(np.abs(np.diff(matrix, axis=axis)))) for axis in (1, 0))
    far, near = (float(np.nanmedian(np.nanmax(matrix, axis) - np.nanmin(matrix, axis))) for axis in (1, 0))
    return along < 0.5 * down or far > 3.0 * near


def conductances(quantity: str, values: Floats, read_V: Floats | None, rows: Rows) -> Floats:
    """Return conductances of conductances, resistances, or currents and the voltage of the reads.

    Overflow readings stay what they are, so that they can be counted.
    """
    if quantity == "G_S":
        return values
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        there = values[np.isfinite(values)]
        if quantity == "I_A" and read_V is not None and np.mean(there < 0) > _MOST and np.nanmin(read_V) > 0:
            rows.repairs.append("currents are negative throughout: their sign was left out")
            values = -values
        found = 1.0 / values if quantity == "R_ohm" else values / (np.nan if read_V is None else read_V)
    rows.repairs.append(f"conductances are {'1 / resistance' if quantity == 'R_ohm' else 'current / read voltage'}")
    over = np.isfinite(values) & (np.abs(values) >= OVERFLOW) | np.isinf(values) & (quantity == "R_ohm")
    return np.where(over, OVERFLOW, found)


def _melt(
    plan: Plan,
    rows: Rows,
    matrix: Floats,
    columns: dict[str, Floats],
    devices: tuple[list[npt.NDArray[np.int32]], list[Names]],
    labels: list[str],
) -> None:
    """Put the columns of the devices below each other, with the other columns beside each."""
    k = matrix.shape[1]
    read = np.broadcast_to(columns["read_V"].T, (k, len(matrix))).ravel() if "read_V" in columns else None
    values = matrix.T.ravel()
    if plan.is_simbrain and read is not None:
        values, read = np.abs(values), np.abs(read)
    rows.G_S = conductances(plan.measured[0].meaning, values, read, rows)
    for key in ("cycle", "pulse", "polarity", "amplitude_V", "width_s", "temperature_K"):
        if key in columns:
            setattr(rows, key, np.tile(columns[key], k))
    if read is not None:
        rows.read_V = np.abs(read)
    per_row = plan.one("per_row")
    if per_row is not None and (most := float(np.nanmedian(columns["per_row"]))) > 1:
        rows.remarks.append(f"each row follows {most:,.0f} pulses ({per_row.shown}): a step here is one of so many")
    rows.device_id, rows.names = _devices(plan, devices, labels, len(matrix))


def _devices(
    plan: Plan, devices: tuple[list[npt.NDArray[np.int32]], list[Names]], labels: list[str], n: int
) -> tuple[npt.NDArray[np.int32] | None, list[str]]:
    """Return which device each row is of: all columns of an identity together, and the column that is melted."""
    codes, names = devices
    identity = plan.every("device_id")
    unique = list(dict.fromkeys(labels))
    if not codes and not any(labels):
        own = plan.settings.device
        return (np.zeros(n * max(len(labels), 1), np.int32), [own]) if own else (None, [])
    combined, known = np.zeros(n, np.int64), [""]
    for column, code, name in zip(identity, codes, names, strict=True):
        pairs, combined = np.unique(combined * len(name.known) + code, return_inverse=True)
        head = "" if len(identity) == 1 else _short(column)
        known = [
            f"{known[p // len(name.known)]} {head}{name.known[p % len(name.known)]}".strip() for p in pairs.tolist()
        ]
    combined = combined.reshape(-1)
    if not labels:
        return combined.astype(np.int32), known
    number = np.array([unique.index(label) for label in labels])
    codes_all = (combined[None, :] * len(unique) + number[:, None]).ravel()
    return codes_all.astype(np.int32), [f"{name} {label}".strip() for name in known for label in unique]


def _short(column: Column) -> str:
    """Shorten the name of a column of an identity: W3B5 of a word and a bit line, row 3 col 5."""
    words = plain_words(column.name)
    return {"wordline": "W", "word line": "W", "bitline": "B", "bit line": "B"}.get(words, f"{words} ")
