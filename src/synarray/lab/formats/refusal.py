"""What is said when a file cannot be read: what it looks like, its first rows, and one command that works."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import numpy as np

from synarray.errors import DataError
from synarray.lab.formats.evidence import A_CHANGE, NO_UNIT, Column
from synarray.lab.formats.plan import Plan
from synarray.lab.formats.reading import numbers
from synarray.lab.text.headers import units_said

__all__ = ["command", "first_rows", "no_conductance", "no_read_voltage", "no_steps", "no_sweep"]


_MOST_NAMES = 12


def command(source: str, *options: str) -> str:
    """Return the command that fits a file with some options."""
    return shlex.join(["synarray", "device", "fit", source, *options])


def first_rows(rows: Sequence[Sequence[str]], count: int = 2) -> str:
    """Show the first rows of a table, short."""
    shown = [
        " | ".join(cell.strip()[:14] for cell in row[:8]) + (" | ..." if len(row) > 8 else "") for row in rows[:count]
    ]
    return "; ".join(shown)


def _looks(plan: Plan) -> str:
    shown = [column.shown for column in plan.columns if column.why != "no values"]
    more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    names = ", ".join(shown[:_MOST_NAMES]) + more
    sheet = f"sheet {plan.table.title!r}, " if plan.table.title else ""
    return f"{sheet}columns {names}" if plan.table.header else f"{sheet}{plan.table.width} columns without names"


def no_steps(plan: Plan) -> DataError:
    """Refuse a table of steps by the conductance at which they begin: its conductances are an axis, no reads of a train."""
    axis = plan.measured[0].shown
    ignored = ",".join(f"ignore={column.at + 1}" for column in plan.columns if not column.meaning)
    rows = first_rows(plan.table.sample)
    return DataError(
        "a fit needs trains of pulses with a read after each",
        got=f"a table of steps: {axis} only rises or falls, beside columns of changes; first rows: {rows}", where=plan.source,
        do=f"If {axis} holds reads in their order: {command(plan.source, '--columns', f'G_S={axis},{ignored}')}",
    )  # fmt: skip


def no_conductance(plan: Plan) -> DataError:
    """Refuse a table without conductances, resistances or currents."""
    return DataError(
        "a table of pulses must have a column of conductances, resistances or currents",
        got=f"{_looks(plan)}, {_why_none(plan)}; first rows: {first_rows(plan.table.sample)}", where=plan.source,
        do=_which(plan),
    )  # fmt: skip


def _why_none(plan: Plan) -> str:
    """Say why no column is one of conductances: those that speak of one hold something else."""
    others = [f"{c.shown} ({c.why})" for c in plan.columns if c.why == A_CHANGE]
    return f"of which {', '.join(others[:_MOST_NAMES])} is none" if others else "none of which says so"


def _which(plan: Plan) -> str:
    """Return the command for the column that may hold conductances: one that nothing is known of, and whose numbers vary."""
    if not plan.table.header and plan.table.width == 2:
        return f"If these are sizes of steps, up and down: {command(plan.source, '--format', 'aihwkit-steps')}"
    names = [row for row in plan.table.above[-1:] if 2 <= len(row) < plan.table.width]
    if plan.table.separator == "," and not plan.table.header and names:
        return (
            f"The line of names has {len(names[0])} cells, those of numbers {plan.table.width}: where commas separate thousands, "
            "save it without them, or with semicolons between the columns."
        )
    last: list[Column] = []
    for column in reversed(plan.columns):
        values = numbers([row[column.at] for row in plan.table.sample if len(row) == plan.table.width], plan.table)
        known = values[np.isfinite(values)]
        if column.meaning or column.why == A_CHANGE or len(known) < 2 or (known == np.rint(known)).all():
            if last:
                break
            continue
        last.insert(0, column)
        unit = f" in {next(iter(units_said(plan.table.above)), 'uS')}" if np.median(np.abs(known)) > 0.1 else ""
    if len(last) > 1:
        span = (
            ",".join(f"G_S={column.at + 1}{unit}" for column in last)
            if unit
            else f"G_S={last[0].at + 1}-{last[-1].at + 1}"
        )
        shown = f"If {last[0].shown} to {last[-1].shown} hold them{unit}, a device each"
        return f"{shown}: {command(plan.source, '--columns', span)}"
    if last:
        name = last[0].shown if last[0].name.strip() else str(last[0].at + 1)
        quoted = f'"{name}"' if set(name) & set(',"=') else name
        return f"If {last[0].shown} holds them{unit}: {command(plan.source, '--columns', f'G_S={quoted}{unit}')}"
    return f"Add them. What each column was taken for: {command(plan.source, '--explain')}"


def no_read_voltage(plan: Plan) -> DataError:
    """Refuse currents without the voltage at which they were read."""
    current = next(column for column in plan.measured if column.meaning == "I_A")
    if reads := plan.settings.reads:
        several = [f"{volt:g} V ({words!r})" for words, (_, volt) in reads.items()]
        named = next((c for c in plan.measured if any(whose == c.name for whose, _ in reads.values())), None)
        one = f"{named.meaning}={named.at + 1}" if named else f"read_V={min(volt for _, volt in reads.values()):g} V"
        return DataError(
            "currents need the one voltage at which they were read", got=" and ".join(several[:4]), where=plan.source,
            do=f"Write the voltage of each in a column V_read (V), or read one: {command(plan.source, '--columns', one)}",
        )  # fmt: skip
    doubted = next((c for c in plan.columns if c.why.startswith(NO_UNIT) and not c.meaning), None)
    given = f"read_V={doubted.at + 1} in mV" if doubted else "read_V=0.1 V"
    nothing = f"{doubted.shown} has {doubted.why}" if doubted else "nothing a voltage of the reads"
    return DataError(
        "currents need the voltage at which they were read", got=f"{_looks(plan)}: {current.shown} holds currents, {nothing}; "
        f"first rows: {first_rows(plan.table.sample)}", where=plan.source,
        do=f"{'If it is in mV' if doubted else 'Give the voltage of your reads'}: {command(plan.source, '--columns', given)}",
    )  # fmt: skip


def no_sweep(plan: Plan) -> DataError:
    """Refuse an I-V sweep."""
    volts = plan.one("amplitude_V")
    name = volts.shown if volts else "the voltage"
    return DataError(
        "a fit needs trains of equal pulses, each followed by a read at one voltage",
        got=f"an I-V sweep: {name} goes through many voltages in small steps, and the current is read at each; first rows: "
        f"{first_rows(plan.table.sample)}", where=plan.source,
        do=f"Measure pulse trains. What each column was taken for: {command(plan.source, '--explain')}",
    )  # fmt: skip
