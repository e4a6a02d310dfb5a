"""Lifetime and retention in words: tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from synarray.run.lifetime import Lifetime
from synarray.run.retention import TIMES, Retained
from synarray.units import format_quantity

__all__ = ["in_trainings", "lifetime_table", "named_time", "retention_table"]

_KINDS = {"rows": "rows shifted", "columns": "columns shifted", "both": "both shifted"}


def in_trainings(trainings: float) -> str:
    """Write a number of trainings.

    Examples
    --------
    >>> [in_trainings(n) for n in (0.25, 31.4, 1234567.0, 1.2e12, float("inf"), float("nan"))]
    ['0.25', '31', '1,230,000', '1.2e+12', 'for ever', 'not known']
    """
    if math.isnan(trainings):
        return "not known"
    if trainings == math.inf:
        return "for ever"
    return f"{trainings:.2g}" if trainings < 100 or trainings >= 1e9 else f"{float(f'{trainings:.3g}'):,.0f}"


def lifetime_table(lifetime: Lifetime) -> Table:
    """Lay out what a run wore out, and what wear levelling would change and cost."""
    mark = "" if lifetime.confirmed else " ?"
    table = Table(title=f"Wear: {lifetime.device}, {lifetime.scheme}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    known = lifetime.endurance is not None
    law = f"{lifetime.endurance:.3g} pulses, shape {lifetime.shape:g}{mark}" if known else "not known"
    table.add_row("endurance: 63 % of the cells have failed by then", law, "")
    table.add_row("pulses on a cell, mean / most", f"{lifetime.pulses.mean():,.1f} / {lifetime.pulses.max():,.0f}", "")
    table.add_row("cells in use (failed in this run)", f"{lifetime.cells:,} ({lifetime.failed:,})", "")
    table.add_section()
    until = f"trainings until {100 * lifetime.share:g} % have failed"
    table.add_row(f"{until}, as it lies", in_trainings(lifetime.trainings) + mark * known, "")
    for kind, trainings in lifetime.levelled.items():
        cost = lifetime.addressing[kind]
        table.add_row(
            f"the same, {_KINDS[kind]} each time", in_trainings(trainings) + mark * known,
            f"{cost.additions:,} additions, {_short(cost.energy, 'J')} a training at {lifetime.node_nm:g} nm",
        )  # fmt: skip
    if lifetime.move is not None:
        moved = lifetime.move
        table.add_section()
        table.add_row(
            "moving a network that must be kept", f"{moved.pulses:,} pulses, {moved.reads:,} reads",
            f"{_short(moved.energy, 'J')}, {_short(moved.seconds, 's')} one cell after another",
        )  # fmt: skip
    if not lifetime.confirmed and known:
        table.caption, table.caption_justify = "? rests on numbers that nobody has confirmed", "left"
    return table


def retention_table(retained: Sequence[Retained], temperature: float | None) -> Table:
    """Lay out how well a network reads some time after its training."""
    warm = "" if temperature is None else f" at {temperature - 273.15:g} C"
    table = Table(title=f"Retention: test images read again{warm}", title_justify="left")
    for name in ("after", "accuracy", "95 %"):
        table.add_column(name, justify="left" if name == "after" else "right")
    for point in retained:
        read = point.evaluation
        table.add_row(
            named_time(point.seconds), f"{read.accuracy:.2%}", f"{read.accuracy_low:.2%} to {read.accuracy_high:.2%}"
        )
    return table


def named_time(seconds: float) -> str:
    """Write a time after training."""
    return next((name for name, time in TIMES.items() if time == seconds), format_quantity(seconds, "s"))


def _short(value: float, unit: str) -> str:
    return format_quantity(float(f"{value:.3g}"), unit)
