"""Rows brought into order: unusable ones dropped and counted, sorted in time, LTP and LTD distinguished, cycles numbered."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.rows.fatigue import fatigue_of
from synarray.lab.rows.measured import COLUMNS, Measurements, Rows
from synarray.lab.rows.order import Keys, backwards, count_cycles, doubled, in_time, left_out, repeated, whole_count
from synarray.lab.rows.outliers import listed, require_one_unit, spikes, usable
from synarray.lab.rows.polarity import tell_polarity

__all__ = ["settle"]

_LARGEST = 2e9
"""Pulse numbers beyond it are none."""
_BY_ROW = tuple(key for key in COLUMNS if key not in ("device_id", "G_S"))

Floats = npt.NDArray[np.float64]


def settle(rows: Rows, source: str, name: str, *, placeholder: bool = False) -> Measurements:
    """Bring rows into order: drop what cannot be used and count it, sort, distinguish LTP from LTD, number the cycles.

    Raises
    ------
    DataError
        When conductances are not in one unit, more than half of them are no conductances, the polarity cannot be found, or
        nothing is left.
    """
    kept = np.flatnonzero(usable(rows, source))
    if not len(kept):
        raise _nothing(rows, source)
    columns = {key: _column(getattr(rows, key), len(rows.G_S))[kept] for key in _BY_ROW}
    columns["G_S"] = rows.G_S[kept]
    codes, devices = _devices(rows, kept)
    order, polarity, cycle, pulse = _timed(codes, columns, rows, source)
    codes, columns = codes[order], {key: values[order] for key, values in columns.items()}
    require_one_unit(codes, cycle, polarity, columns["G_S"], source)
    left = ~spikes(codes, cycle, polarity, columns["G_S"], rows)
    numbers = np.unique(cycle[left], return_inverse=True)[1].reshape(-1)
    columns = {key: values[left] for key, values in columns.items()}
    for key, known in (("amplitude_V", rows.pulse_V), ("width_s", rows.pulse_s)):
        _fill(columns[key], polarity[left], known, key_is_voltage=key == "amplitude_V")
    measured = Measurements(
        codes[left].astype(np.int32), numbers.astype(np.int32), pulse[left].astype(np.int32),
        polarity[left].astype(np.int8), columns["amplitude_V"], columns["width_s"], columns["G_S"],
        columns["read_V"], columns["temperature_K"], source, name, devices, rows.discarded,
        tuple(rows.repairs), placeholder, rows.reads, rows.read_noise,
    )  # fmt: skip
    return replace(measured, remarks=(*rows.remarks, *_left_out(measured, rows), *fatigue_of(measured)))


def _left_out(measured: Measurements, rows: Rows) -> list[str]:
    if rows.pulse is None:
        return []
    keys = np.column_stack([measured.device_id, measured.cycle, measured.polarity])
    return left_out(
        measured.pulse.astype(float), (np.diff(keys, axis=0) == 0).all(axis=1), np.asarray(rows.pulse, float)
    )


def _fill(column: Floats, polarity: Floats, known: dict[int, float], *, key_is_voltage: bool) -> None:
    """Put in voltages or widths of the pulses that the file says above its table."""
    for sign in (1, -1):
        both = None if key_is_voltage and sign < 0 else known.get(0)  # one voltage does not say the sign of LTD's
        value = known.get(sign, both)
        if value is not None:
            column[(polarity == sign) & ~np.isfinite(column)] = value


def _nothing(rows: Rows, source: str) -> DataError:
    return DataError("a file of pulses must hold at least one", got="none that can be used", where=source,
                     do="Check the columns; the discarded rows: " + (listed(rows.discarded) or "none") + ".")  # fmt: skip


def _timed(
    codes: npt.NDArray[np.int64], columns: dict[str, Floats], rows: Rows, source: str
) -> tuple[npt.NDArray[np.intp], Floats, Floats, Floats]:
    """Order rows by time, without those that came twice; return the order, and polarity, cycle and pulse in it."""
    g, amplitude, code = columns["G_S"], columns["amplitude_V"], columns["polarity"]
    kind = np.where(np.isfinite(code), code, np.nan_to_num(np.sign(amplitude))) if np.isfinite(code).any() else np.sign(
        np.nan_to_num(amplitude))  # fmt: skip
    keys = Keys(codes, *_counted(columns, rows), np.nan_to_num(kind), _is_count(columns["pulse"]))
    is_sorted = False
    if np.isfinite(keys.cycle).all():
        order = np.flatnonzero(~doubled(keys, g, rows))
        keys = keys.at(order)
    else:
        # without a column of cycles the numbers of the pulses tell the order where each occurs once for a device
        keys.cycle = np.zeros(len(g))
        once = np.flatnonzero(~repeated(keys, g, rows))
        order, is_sorted = whole_count(keys.at(once), rows)
        order = once[order]
        keys = keys.at(order)
        unsaid = Rows(g, words=rows.words, two_kinds=rows.two_kinds)
        keys.kind = tell_polarity(code[order], amplitude[order], g[order], _after(keys), unsaid, source)
        keys.cycle = count_cycles(keys, rows)
    more, again = in_time(keys, rows)
    order, keys = order[more], keys.at(more)
    polarity = tell_polarity(code[order], amplitude[order], g[order], _after(keys), rows, source)
    if (is_sorted or again) and np.isfinite(code).any():
        turned = backwards(keys, polarity, g[order], rows)
        order, keys, polarity = order[turned], keys.at(turned), polarity[turned]
    return order, polarity, keys.cycle, keys.pulse


def _after(keys: Keys) -> npt.NDArray[np.bool_]:
    """Whether the row before each is of the same device and cycle."""
    return np.r_[False, keys.together()] if len(keys) else np.zeros(0, bool)


def _is_count(pulse: Floats) -> bool:
    return bool(np.isfinite(pulse).all() and np.abs(pulse).max(initial=0.0) <= _LARGEST)


def _counted(columns: dict[str, Floats], rows: Rows) -> tuple[Floats, Floats]:
    """Return cycles and pulse numbers; the place in the file where pulses have none, cycles of nan where they have none."""
    cycle, pulse = columns["cycle"], columns["pulse"]
    if not _is_count(pulse):
        if (missing := int(np.count_nonzero(~np.isfinite(pulse)))) < len(pulse):
            said = f"{missing:,} rows without a pulse number" if missing else f"pulse numbers beyond {_LARGEST:g}"
            rows.repairs.append(f"{said}: rows were taken in the order in which they came")
        pulse = np.arange(len(pulse), dtype=float)
    missing = int(np.count_nonzero(~np.isfinite(cycle)))
    if 0 < missing < len(cycle):
        rows.repairs.append(f"{missing:,} rows without a cycle: the column was not used")
    return (np.full(len(cycle), np.nan) if missing else cycle), pulse


def _column(values: Floats | None, n: int) -> Floats:
    return np.full(n, np.nan) if values is None else np.asarray(values, float)


def _devices(rows: Rows, kept: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Give each device that has rows a number, in the order of their names, numbers in them as numbers."""
    if rows.device_id is None:
        return np.zeros(len(kept), np.int64), ("0",)
    numbers, codes = np.unique(rows.device_id[kept], return_inverse=True)
    names = [rows.names[i] if rows.names else str(i) for i in numbers.tolist()]
    order = sorted(range(len(names)), key=lambda i: _natural(names[i]))
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return rank[codes.reshape(-1)], tuple(names[i] for i in order)


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+|[0-9]+", name)
    return [(0, int(part), "") if "0" <= part[0] <= "9" and len(part) < 19 else (1, 0, part) for part in parts], name
