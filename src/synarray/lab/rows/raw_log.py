"""Logs of an instrument with more rows than pulses: a row for the pulse and a row for its read, or several reads of one state.

V   0.85    0.1     0.85    0.1          pulse   1     1     1     2     2     2
I   6.1e-6  4.8e-7  7.8e-6  6.1e-7       G       4.79  4.81  4.80  6.11  6.09  6.12
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.measured import Rows
from synarray.lab.traces.recognise import amplitudes

__all__ = ["Log", "average_repeats", "keep_reads", "one_read_voltage"]

Floats = npt.NDArray[np.float64]
_MOST_VOLTAGES = 6
"""Voltages up to which a log is one of pulses and reads, and no sweep."""
_SMALL = 0.5
"""Share of the smallest voltage of a pulse up to which another is that of the reads."""
_FEWEST = 16
"""Rows from which on it is looked for reads of one state."""
_MOST_READS = 50
"""Reads of one state up to which they are averaged."""
_STILL = 0.2
"""Share of the way from state to state that reads of one state may go."""


@dataclass
class Log:
    """What was read of a table, before it becomes rows: columns in SI, measured values [row, column], identities."""

    columns: dict[str, Floats]
    matrix: Floats
    devices: list[npt.NDArray[np.int32]]

    def at(self, index: npt.NDArray[np.intp]) -> Log:
        """Return some of the rows."""
        columns = {key: values[index] for key, values in self.columns.items()}
        return Log(columns, self.matrix[index], [codes[index] for codes in self.devices])


def keep_reads(log: Log, rows: Rows) -> Log:
    """Keep the rows at the small voltage of the reads, each with the pulse before it; other logs stay as they are."""
    volts = log.columns.get("amplitude_V")
    if volts is None or "read_V" in log.columns or not np.isfinite(volts).all():
        return log
    v = amplitudes(volts)
    kinds, counts = np.unique(np.abs(v[v != 0]), return_counts=True)
    if not 2 <= len(kinds) <= _MOST_VOLTAGES or kinds[0] > _SMALL * kinds[1] or not 0.3 < counts[0] / len(v) < 0.95:
        return log
    read = np.abs(v) == kinds[0]
    last = np.maximum.accumulate(np.where(~read & (v != 0), np.arange(len(v)), -1))
    kept = np.flatnonzero(read)
    pulsed = last[kept] >= np.r_[-1, kept[:-1]] + (np.arange(len(kept)) == 0)  # a pulse since the read before
    if np.mean(pulsed) < 0.5:
        return log
    found = log.at(kept)
    found.columns["amplitude_V"] = np.where(pulsed & (last[kept] >= 0), volts[last[kept]], 0.0)
    found.columns["read_V"] = np.abs(volts[kept])
    found.columns.pop("polarity", None)
    rows.words, rows.two_kinds = [], False
    rows.remarks.append(
        f"rows at {kinds[0]:g} V are reads, the others pulses: {len(kept):,} reads are used, each with the pulse before it"
    )
    return found


def one_read_voltage(log: Log, rows: Rows) -> Log:
    """Keep the reads at the smallest voltage where each state is read at the same few voltages under one pulse number."""
    pulse, volts = log.columns.get("pulse"), log.columns.get("read_V")
    if pulse is None or volts is None or volts.ndim > 1 or len(pulse) < _FEWEST or not np.isfinite(volts).all():
        return log
    kinds = np.unique(volts)
    starts = _starts(log, pulse)
    if not 2 <= len(kinds) <= _MOST_VOLTAGES or len(starts) * len(kinds) > len(pulse):
        return log
    if any((np.add.reduceat(volts == kind, starts, dtype=int) == 0).any() for kind in kinds):
        return log
    used = min(kinds.tolist(), key=lambda v: (abs(v), v < 0))
    shown = ", ".join(f"{kind:g}" for kind in kinds.tolist())
    rows.remarks.append(f"each state was read at {len(kinds)} voltages ({shown} V): the reads at {used:g} V are used")
    return log.at(np.flatnonzero(volts == used))


def _starts(log: Log, pulse: Floats) -> npt.NDArray[np.intp]:
    """Return where the rows of another pulse begin."""
    keys: list[npt.NDArray[Any]] = [
        pulse,
        *log.devices,
        *(log.columns[key] for key in ("cycle", "polarity", "amplitude_V") if key in log.columns),
    ]
    return np.flatnonzero(np.r_[True, np.any([np.diff(np.nan_to_num(key.astype(float))) != 0 for key in keys], axis=0)])


def average_repeats(log: Log, rows: Rows) -> Log:
    """Take the mean of rows with one pulse number that read the same state again; their spread is the read noise."""
    pulse = log.columns.get("pulse")
    if pulse is None or log.matrix.shape[1] != 1 or len(pulse) < _FEWEST:
        return log
    starts = _starts(log, pulse)
    k, rest = divmod(len(pulse), len(starts))
    if not 2 <= k <= _MOST_READS or rest or len(starts) < 8 or (np.diff(starts) != k).any():
        return log
    values = log.matrix[:, 0].reshape(-1, k)
    if (values == values[:, :1]).all():
        rows.discard("duplicated row", len(pulse) - len(starts))
        return log.at(starts)
    if not np.isfinite(values).all() or not _stay(values):
        return log
    mean = values.mean(axis=1)
    off = values / mean[:, None] - 1.0
    rows.read_noise = float(1.4826 * np.median(np.abs(off)) * np.sqrt(k / (k - 1)))
    rows.reads = k
    rows.remarks.append(
        f"{k} rows with one pulse number are reads of one state: their mean is used, their spread is the read noise"
    )
    found = log.at(starts)
    found.matrix = mean[:, None]
    return found


def _stay(values: Floats) -> bool:
    """Whether reads [state, read] of a state go less far than from state to state."""
    mean = values.mean(axis=1)
    way = np.sign(np.gradient(mean))
    within = float(np.sum(way * (values[:, -1] - values[:, 0])))
    between = float(np.sum(way[:-1] * (values[1:, 0] - values[:-1, -1])))
    return abs(within) < _STILL * abs(between)
