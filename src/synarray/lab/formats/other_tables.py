"""Tables that have conductances but no pulses: spectra, sweeps of temperature or bias, distributions, a row per device."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.formats.evidence import COUNTS_ROWS, MEASURED, Column
from synarray.lab.formats.plan import Plan
from synarray.lab.formats.reading import numbers
from synarray.lab.formats.refusal import command, first_rows
from synarray.lab.text.words import is_drain, plain_words

__all__ = ["require_pulses"]

_FREQUENCY = re.compile(r"\bfreq|frequenz|fréquence|frequence|频率|頻率|周波数|주파수|частот|\bomega\b")
_HERTZ = re.compile(r"[(\[/ ]\s*[kMG]?Hz\b|Гц")
_SHARE = re.compile(r"\bcdf\b|cumulative|probabilit|percentile|quantile|wahrscheinlich|概率|累积|확률|누적|вероятн")
_COUNT = re.compile(r"\bcounts?\b|\boccurrences?\b|\bfrequency\b|häufigkeit|haufigkeit|频数|频次|빈도|частота")
_GATE = re.compile(r"v ?gs?|gate( source)? (voltage|bias)|v ?gate")
_MANY = 15
_DEGREES = 5.0


def require_pulses(plan: Plan) -> None:
    """Refuse a table whose rows are no pulses, by what its columns go through.

    Raises
    ------
    DataError
        When it is a spectrum, a sweep of a temperature or of a bias, a distribution, or has a row for each device.
    """
    if plan.wishes.mapping:
        return
    pulses = any(plan.one(key) for key in ("pulse", "polarity", "amplitude_V", "width_s", "per_row"))
    found = ""
    for column in plan.columns:
        words, values = plain_words(column.name), _values(plan, column)
        swept = len(np.unique(values)) >= _MANY and _one_way(values)
        if (_FREQUENCY.search(words) or _HERTZ.search(column.name)) and swept:
            found = f"a spectrum: {column.shown} goes through {len(np.unique(values))} values"
        elif _SHARE.search(words) and len(values) >= 8 and bool((np.diff(values) >= 0).all()):
            found = f"a distribution: {column.shown} is a share of cells, not of pulses"
        elif _GATE.fullmatch(words) and _in_small_steps(values) and any(is_drain(c.name) for c in plan.columns):
            found = (
                f"a transfer curve of a transistor: {column.shown} is swept, and the current is read at each voltage"
            )
        elif is_drain(column.name) and column.meaning != "read_V" and _in_small_steps(values):
            found = f"an output curve of a transistor: {column.shown} is swept, and the current is read at each voltage"
        elif (not plan.table.header or column.meaning == "amplitude_V") and not plan.measured and _both_ways(values):
            found = f"a sweep: {column.shown} goes through {len(np.unique(values))} values in small steps, up and down"
        elif pulses:
            continue
        elif column.meaning == "temperature_K" and swept and np.ptp(values) > _DEGREES:
            found = f"a sweep of the temperature: {column.shown} goes from {values[0]:g} to {values[-1]:g}"
        elif column.meaning == "read_V" and _in_small_steps(values):
            found = f"a sweep of the bias: {column.shown} goes through many voltages in small steps"
        if found:
            break
    found = found or _histogram(plan) or _row_per_device(plan)
    if found:
        raise DataError(
            "a fit needs trains of pulses with a read after each",
            got=f"{found}; first rows: {first_rows(plan.table.sample)}", where=plan.source,
            do=f"Measure pulse trains. What each column was taken for: {command(plan.source, '--explain')}",
        )  # fmt: skip


def _values(plan: Plan, column: Column) -> npt.NDArray[np.float64]:
    cells = [row[column.at] for row in plan.table.sample if len(row) == plan.table.width]
    found = numbers(cells, plan.table)
    return found[np.isfinite(found)]


def _one_way(values: npt.NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    return bool(max(np.mean(steps > 0), np.mean(steps < 0)) > 0.9)


def _in_small_steps(values: npt.NDArray[np.float64]) -> bool:
    if len(np.unique(values)) < _MANY:
        return False
    return bool(np.mean(np.abs(np.diff(values)) <= 0.1 * np.ptp(values)) > 0.8)


def _both_ways(values: npt.NDArray[np.float64]) -> bool:
    return _in_small_steps(values) and bool(values.min() < 0 < values.max())


def _histogram(plan: Plan) -> str:
    """Return what is said of conductances at equal distances beside counts."""
    axis = next((c for c in plan.columns if c.meaning in MEASURED and not c.branch), None)
    counts = [c for c in plan.columns if _COUNT.search(plain_words(c.name))]
    if axis is None or not counts:
        return ""
    steps = np.diff(_values(plan, axis))
    even = len(steps) >= 4 and steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-3)
    return f"a histogram: {axis.shown} goes in equal steps, beside {counts[0].shown}" if even else ""


def _row_per_device(plan: Plan) -> str:
    """Return what is said of a table with another device in each row."""
    counted = next((c for c in plan.columns if c.why == COUNTS_ROWS), None)
    if counted is not None and plan.layout == "states":
        return f"a table of devices, a row for each: {counted.shown} counts the rows"
    identity = plan.every("device_id")
    rows = [row for row in plan.table.sample if len(row) == plan.table.width]
    if not identity or len(rows) < 8 or any(plan.one(key) for key in ("pulse", "cycle", "time_s", "polarity")):
        return ""
    names = {tuple(row[c.at] for c in identity) for row in rows}
    return f"a table of {len(rows)} devices, a row for each" if len(names) == len(rows) else ""
