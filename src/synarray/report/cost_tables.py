"""What a training cost, in tables for the terminal and for a page: actions, time, power, area, other machines beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synarray.cost.ledger import Ledger
from synarray.cost.physical import Step
from synarray.report.tables import Table
from synarray.report.words import times
from synarray.run.layered_energy import LayerCost
from synarray.units import quantity

__all__ = ["comparison_table", "headline", "layers_table", "ledger_table", "pace_table", "steps_table", "use_table"]

_SCHEDULES = {"sequential": "one after another", "row-parallel": "rows and columns at once"}


def headline(ledger: Ledger) -> str:
    """Say in one sentence what a training cost, and what most of it was for.

    Examples
    --------
    >>> from synarray.cost.ledger import Entry
    >>> rows = (Entry("cells", "LTP pulses", 94, 1e-6), Entry("sense", "column conversions", 6, 1e-6))
    >>> headline(Ledger("mine", rows, {"row-parallel": 2.0}, 0.0, {"cells": 2e-8}, presentations=100))
    '100 uJ, 94 % of it LTP pulses; with rows and columns at once 2 s, 50 images/s, 50 uW; 0.02 mm2.'
    """
    text = quantity(ledger.total, "J")
    most = max(ledger.entries, key=lambda entry: entry.energy, default=None)
    if most is not None and ledger.total:
        text += f", {100 * most.energy / ledger.total:.0f} % of it {most.action}"
    seconds, power = ledger.seconds.get("row-parallel"), ledger.power("row-parallel")
    if seconds and power:
        rate = ledger.presentations / seconds
        text += (
            f"; with rows and columns at once {quantity(seconds, 's')}, {rate:,.0f} images/s, {quantity(power, 'W')}"
        )
    return text + (f"; {square(ledger.area)}." if ledger.area else ".")


def square(area: float) -> str:
    """Write an area, m^2 inside, as people write it.

    Examples
    --------
    >>> square(2.5e-7), square(4.813e-9)
    ('0.25 mm2', '4,810 um2')
    """
    return f"{area * 1e6:.3g} mm2" if area >= 1e-8 else f"{float(f'{area * 1e12:.3g}'):,g} um2"


def ledger_table(ledger: Ledger, node_nm: float) -> Table:
    """Lay out what a training cost, action by action."""
    rows = [
        (
            f"{entry.component}: {entry.action}",
            f"{entry.count:,}",
            quantity(entry.each, "J") + _mark(entry.confirmed),
            quantity(entry.energy, "J") + _mark(entry.confirmed),
            f"{entry.energy / ledger.total if ledger.total else 0:.1%}",
        )
        for entry in ledger.entries
        if entry.count and (entry.each or entry.component != "half-select")
    ]
    columns = ("component: action", "count", "energy of one", "energy", "share")
    total = ("everything", "", "", quantity(ledger.total, "J"), "100%" if ledger.total else "")
    title = f"{ledger.title}: every action of the training, in circuits of {node_nm:g} nm"
    note = "? rests on unconfirmed numbers. Actions that never happened or cost nothing are left out."
    return Table(title, columns, rows, total=total, caption=title, note=note)


def layers_table(layers: Sequence[LayerCost], whole: Ledger) -> Table:
    """Lay out what each layer cost, and what copies of a convolution's tile at every place would cost instead."""
    rows = []
    for i, layer in enumerate(layers):
        row, replicated = layer.row, layer.replicated
        cells = row["n_cells"] * row["cells_per_weight"]
        rows.append((f"{i + 1} {row['kind']}", f"{cells:,}", f"{row['tile_reads']:,}", *_spent(layer.ledger)))
        if replicated is not None:
            copies = row["n_places"] // row["n_groups"]
            rows.append(
                (f"   or {copies:,} copies of it", f"{cells * copies:,}", f"{row['tile_reads']:,}", *_spent(replicated))
            )
    columns = ("layer", "cells", "tile reads", "pulses", "everything", "rows at once", "area")
    cells = sum(layer.row["n_cells"] * layer.row["cells_per_weight"] for layer in layers)
    total = ("all", f"{cells:,}", f"{sum(layer.row['tile_reads'] for layer in layers):,}", *_spent(whole))
    note = "Copies: all places are read at once, but each pulse is sent to every copy. Rows at once: time. All: without copies."
    return Table("Layer by layer", columns, rows, total=total, caption="Layer by layer", note=note)


def _spent(ledger: Ledger) -> tuple[str, str, str, str]:
    """Pulses with their lines, everything, time with rows and columns at once, area."""
    seconds, area = ledger.seconds.get("row-parallel"), square(ledger.area) if ledger.area else "-"
    return (
        quantity(ledger.programming, "J"),
        quantity(ledger.total, "J"),
        quantity(seconds, "s") if seconds else "-",
        area,
    )


def use_table(ledger: Ledger) -> Table:
    """Lay out time, speed and mean power by schedule, and the area by part."""
    rows = []
    for name, seconds in ledger.seconds.items():
        speed, power = ledger.images_per_second(name), ledger.power(name)
        each = quantity(seconds / ledger.presentations, "s") if ledger.presentations else "-"
        rows.append((f"time: {_SCHEDULES.get(name, name)}", quantity(seconds, "s")))
        rows.append(("   per image; images per second", f"{each}; {speed:,.0f}" if speed else "-"))
        rows.append(("   mean power while learning", quantity(power, "W") if power else "-"))
    breaks = (len(rows),) if ledger.areas else ()
    rows += [(f"area: {part}", square(area)) for part, area in ledger.areas.items() if area]
    total = ("area of all parts", square(ledger.area)) if ledger.area else ()
    note = "Left out: control, clocks, wiring between arrays. Leakage is not priced."
    title = "Time, power, area"
    return Table(title, ("", ""), rows, total=total, caption=title, note=note, breaks=breaks)


def comparison_table(ledgers: Sequence[Ledger], elsewhere: Sequence[Ledger] = ()) -> Table:
    """Put ledgers of arrays beside each other, and those of other machines below; factors are against the first."""
    first, rows = ledgers[0], []
    for ledger in (*ledgers, *elsewhere):
        waits = ledger.seconds.get("memory-bound")
        spent = [ledger.seconds.get(name, waits) for name in _SCHEDULES]
        rows.append(
            (
                ledger.title,
                *_with_factor(ledger.programming, first.programming),
                *_with_factor(ledger.total, first.total),
                *(quantity(seconds, "s") if seconds else "-" for seconds in spent),
                quantity(ledger.bytes_moved, "B") if ledger.bytes_moved or ledger.area else "-",
                square(ledger.area) if ledger.area else "-",
            )
        )
    columns = (
        *("machine", "pulses", "factor", "in all", "factor"),
        *("one by one", "rows at once", "moved", "area"),
    )
    title = "The same training elsewhere"
    note = (
        "Pulses: with the lines they charge. Times: one action after another; rows and columns at once. Moved: weights. "
        "Processors: bytes of weights / bandwidth. Chips: synaptic operations only."
    )
    return Table(title, columns, rows, caption=title, note=note, breaks=(len(ledgers),))


def steps_table(steps: Sequence[Step]) -> Table:
    """Name the steps that cost nothing in software but something on a chip."""
    rows = [(step.name, step.where, "-" if step.energy is None else quantity(step.energy, "J")) for step in steps]
    title = "Free in software, not on a chip"
    note = "Weights are never normalised, rescaled or reset: nothing moves a cell but counted pulses."
    return Table(title, ("step", "paid as", "energy"), rows, texts=(1,), caption=title, note=note)


def pace_table(pace: Mapping[str, Any]) -> Table:
    """Say whether the work fits between two draws of a winner."""
    words = {
        "sequential": "reads and updates one after another, mean",
        "row_parallel": "rows and columns at once, mean",
        "worst": "every cell of every winner pulsed, one after another",
    }
    rows = [
        (meaning, quantity(pace[name], "s"), "fits" if pace["fits"][name] else "does not fit")
        for name, meaning in words.items()
    ]
    title = f"In real time: a winner every {quantity(pace['window'], 's')}"
    return Table(title, ("work", "time", ""), rows, texts=(2,), caption=title)


def _with_factor(energy: float, first: float) -> tuple[str, str]:
    return (quantity(energy, "J"), times(energy / first) if first else "-") if energy else ("-", "-")


def _mark(confirmed: bool) -> str:
    return "" if confirmed else " ?"
