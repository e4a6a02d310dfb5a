"""Lifetime and retention in tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synarray.report.tables import Table
from synarray.report.words import percent
from synarray.run.lifetime import Lifetime
from synarray.run.retention import TIMES, Retained
from synarray.units import format_quantity, quantity

__all__ = ["in_trainings", "lifetime_table", "named_time", "retention_table"]

_KINDS = {"rows": "rows shifted", "columns": "columns shifted", "both": "both shifted"}


def in_trainings(trainings: float) -> str:
    """Write a number of trainings.

    Examples
    --------
    >>> [in_trainings(n) for n in (0.25, 31.4, 1234567.0, 1.2e12, float("inf"), float("nan"))]
    ['0.25', '31', '1,230,000', '1.2e+12', 'no limit', 'not known']
    """
    if math.isnan(trainings):
        return "not known"
    if trainings == math.inf:
        return "no limit"
    return f"{trainings:.2g}" if trainings < 100 or trainings >= 1e9 else f"{float(f'{trainings:.3g}'):,.0f}"


def lifetime_table(lifetime: Lifetime, layer: str = "") -> Table:
    """Lay out what a run wore out, or a layer of it, and what wear levelling would change and cost."""
    known = lifetime.endurance is not None
    mark = "" if lifetime.confirmed or not known else " ?"
    law = f"{lifetime.endurance:.3g} pulses, shape {lifetime.shape:g}{mark}" if known else "not known"
    rows = [
        ("endurance: 63 % of the cells have failed by then", law, ""),
        ("pulses on a cell, mean / most", f"{lifetime.pulses.mean():,.1f} / {lifetime.pulses.max():,.0f}", ""),
        ("cells in use (failed in this run)", f"{lifetime.cells:,} ({lifetime.failed:,})", ""),
        (f"trainings until {100 * lifetime.share:g} % have failed", in_trainings(lifetime.trainings) + mark, ""),
    ]
    breaks = [3]
    for kind, trainings in lifetime.levelled.items():
        cost = lifetime.addressing[kind]
        work = f"{cost.additions:,} additions, {quantity(cost.energy, 'J')} a training at {lifetime.node_nm:g} nm"
        rows.append((f"the same, {_KINDS[kind]} each time", in_trainings(trainings) + mark, work))
    if lifetime.move is not None:
        moved = lifetime.move
        breaks.append(len(rows))
        work = f"{quantity(moved.energy, 'J')}, {quantity(moved.seconds, 's')} one cell after another"
        rows.append(("moving a network that must be kept", f"{moved.pulses:,} pulses, {moved.reads:,} reads", work))
    note = "? rests on unconfirmed numbers" if mark else ""
    title = f"Wear{f' of {layer}' if layer else ''}: {lifetime.device}, {lifetime.scheme}"
    return Table(title, ("", "", ""), rows, texts=(2,), note=note, breaks=tuple(breaks))


def retention_table(retained: Sequence[Retained], temperature: float | None) -> Table:
    """Lay out how well a network reads some time after its training."""
    warm = "" if temperature is None else f" at {temperature - 273.15:g} C"
    rows = [
        (
            named_time(point.seconds),
            percent(read.accuracy),
            f"{percent(read.accuracy_low)} to {percent(read.accuracy_high)}",
        )
        for point in retained
        for read in [point.evaluation]
    ]
    return Table(f"Retention: test images read again{warm}", ("after", "accuracy", "95 %"), rows)


def named_time(seconds: float) -> str:
    """Write a time after training."""
    return next((name for name, time in TIMES.items() if time == seconds), format_quantity(seconds, "s"))
