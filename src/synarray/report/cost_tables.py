"""Ledgers and claims, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from synarray.cost.ledger import Ledger
from synarray.cost.physical import Step
from synarray.cost.uncertainty import Interval
from synarray.paper.claims import Claim, DeviceFactor, NamedFactor
from synarray.units import format_quantity

__all__ = [
    "chain_table", "claims_table", "comparison_table", "devices_table", "factor_text", "ledger_table", "real_time_table", "short",
    "steps_table",
]  # fmt: skip


def short(value: float, unit: str) -> str:
    """Write a value with three digits."""
    return format_quantity(float(f"{value:.3g}"), unit)


def ledger_table(ledger: Ledger, node_nm: float) -> Table:
    """Lay out what a training cost, action by action."""
    table = Table(title=f"{ledger.title}, circuits of {node_nm:g} nm", title_justify="left", show_footer=True)
    table.add_column("component", "total")
    table.add_column("action")
    table.add_column("count", justify="right")
    table.add_column("energy each", justify="right")
    table.add_column("energy", short(ledger.total, "J"), justify="right")
    table.add_column("share", justify="right")
    for entry in ledger.entries:
        mark = "" if entry.confirmed else " ?"
        share = entry.energy / ledger.total if ledger.total else 0.0
        table.add_row(
            entry.component, entry.action, f"{entry.count:,}", short(entry.each, "J") + mark,
            short(entry.energy, "J") + mark, f"{share:.1%}",
        )  # fmt: skip
    table.caption, table.caption_justify = "? rests on unconfirmed numbers", "left"
    return table


def comparison_table(ledgers: Sequence[Ledger], elsewhere: Sequence[Ledger] = ()) -> Table:
    """Put ledgers of arrays beside each other, and those of other machines below; factors are against the first."""
    table = Table(title="Beside each other (the same counts)", title_justify="left")
    names = ("", "programming", "factor", "everything", "factor", "time, sequential", "row-parallel", "weights moved")
    for name in names:
        table.add_column(name, justify="right" if name else "left")
    first = ledgers[0]
    for part in (ledgers, elsewhere):
        table.add_section()
        for ledger in part:
            times = [
                ledger.seconds.get(name, ledger.seconds.get("memory-bound")) for name in ("sequential", "row-parallel")
            ]
            table.add_row(
                ledger.title,
                *(_with_factor(ledger.programming, first.programming)),
                *(_with_factor(ledger.total, first.total)),
                *(short(time, "s") if time else "-" for time in times),
                short(ledger.bytes_moved, "B"),
            )  # fmt: skip
    table.caption, table.caption_justify = (
        "processors: bytes of weights / bandwidth; chips: synaptic operations only",
        "left",
    )
    return table


def _with_factor(energy: float, first: float) -> tuple[str, str]:
    return (short(energy, "J"), f"{energy / first:.3g}x" if first else "-") if energy else ("-", "-")


def steps_table(steps: Sequence[Step]) -> Table:
    """Name what software gets for nothing and a chip does not."""
    table = Table(title="Free in software, not on a chip", title_justify="left")
    table.add_column("step")
    table.add_column("paid as")
    table.add_column("energy", justify="right")
    for step in steps:
        table.add_row(step.name, step.where, "-" if step.energy is None else short(step.energy, "J"))
    table.caption = "Weights are never normalised, rescaled or reset: nothing moves a cell but counted pulses."
    table.caption_justify = "left"
    return table


def real_time_table(times: dict[str, Any]) -> Table:
    """Say whether the work fits between two draws of a winner."""
    title = f"In real time: a winner every {short(times['window'], 's')}"
    table = Table(title=title, title_justify="left", show_header=False)
    words = {
        "sequential": "reads and updates one after another, mean", "row_parallel": "rows and columns at once, mean",
        "worst": "every cell of every winner pulsed, one after another",
    }  # fmt: skip
    for name, meaning in words.items():
        table.add_row(meaning, short(times[name], "s"), "fits" if times["fits"][name] else "does not fit")
    return table


def factor_text(factor: Interval) -> str:
    """Write a factor and its ends."""
    if factor.low == factor.high:
        return f"{factor.value:.3g}x"
    return f"{factor.value:.3g}x ({factor.low:.3g} to {factor.high:.3g})"


def devices_table(devices: Sequence[DeviceFactor]) -> Table:
    """Lay out what other memory technologies take with the same counts."""
    table = Table(
        title="Other memories, the same counts: times more energy than subquantum CBRAM", title_justify="left"
    )
    for name in ("device", "per pulse", "cells, training", "with periphery", "time"):
        table.add_column(name, justify="left" if name == "device" else "right")
    for each in devices:
        mark = "" if each.device.prices_known else " (gate: not known)"
        factors = [factor_text(part) for part in (each.pulse, each.cells, each.all)]
        table.add_row(each.device.name + mark, *factors, f"{each.seconds:.3g}x")
    table.caption = "In brackets: over seeds and over the ranges of the prices, all at their worst at once."
    table.caption_justify = "left"
    return table


def claims_table(claims: Sequence[Claim]) -> Table:
    """Lay out the article's claims, as derived."""
    table = Table(title="The article's energy claims, derived", title_justify="left")
    for name in ("", "against", "factor (its ends)", "stated", "verdict", "how"):
        table.add_column(name, justify="right" if name.startswith("factor") else "left")
    part = ""
    for claim in claims:
        if claim.part != part:
            table.add_section()
        stated = "" if claim.stated is None else "-".join(f"{end:g}" for end in dict.fromkeys(claim.stated))
        table.add_row(
            claim.part if claim.part != part else "", claim.name, factor_text(claim.factor), stated,
            claim.verdict if stated else "", claim.how,
        )  # fmt: skip
        part = claim.part
    return table


def chain_table(chain: Sequence[NamedFactor]) -> Table:
    """Lay out the algorithm's factor as a product of named ones."""
    table = Table(title="The algorithm's factor in programming energy, as a product", title_justify="left")
    table.add_column("factor")
    table.add_column("one energy per pulse", justify="right")
    table.add_column("energy grows with the step", justify="right")
    table.add_column("how")
    for i, each in enumerate(chain):
        if i == len(chain) - 2:
            table.add_section()
        table.add_row(each.name, factor_text(each.single), factor_text(each.growing), each.how)
    return table
