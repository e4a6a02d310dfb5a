"""The article's energy claims as derived from the runs, as a section of a page: each factor, and how it came about."""

from __future__ import annotations

from synarray.paper.claims import Claims
from synarray.report.cost_section import by_component, energy_picture
from synarray.report.cost_tables import factor_text
from synarray.report.sections import Section, Table

__all__ = ["claims_section"]

_FEW = 6
"""Owners of prices that are named one by one."""


def claims_section(derived: Claims, command: str) -> Section:
    """Lay out what was derived: the claims, the algorithm's factor as a product, other memories, energy by component.

    Parameters
    ----------
    derived : Claims
    command : str
        That derives them again.
    """
    tables = [
        table for table in (_claims(derived), _chain(derived), _devices(derived), _sources(derived)) if table.rows
    ]
    machines = {ledger.title: by_component(ledger) for ledger in derived.ledgers if len(ledger.entries) > 1}
    return Section(
        "claims", "The article's energy claims, derived", tables=tables,
        pictures=[energy_picture(machines, command)] if machines else [],
        notes=["In brackets: over seeds and over the ranges of the prices, all at their worst at once.", *derived.notes],
    )  # fmt: skip


def _claims(derived: Claims) -> Table:
    rows = []
    for claim in derived.claims:
        stated = "" if claim.stated is None else " to ".join(f"{end:g}" for end in dict.fromkeys(claim.stated))
        rows.append(
            (
                f"{claim.part}: {claim.name}",
                factor_text(claim.factor),
                stated,
                claim.verdict if stated else "",
                claim.how,
                ", ".join(claim.rests_on) if len(claim.rests_on) < _FEW else "prices of all of them",
            )
        )
    title = "The article's claims"
    return Table(
        title, ("against", "factor", "stated", "verdict", "how", "prices of"), rows, texts=(3, 4, 5), caption=title
    )


def _chain(derived: Claims) -> Table:
    rows = [(each.name, factor_text(each.single), factor_text(each.growing), each.how) for each in derived.chain]
    title = "The algorithm's factor in programming energy, as a product"
    columns = ("factor", "one energy per pulse", "energy grows with the step", "how")
    return Table(title, columns, rows, texts=(3,), caption=title)


def _sources(derived: Claims) -> Table:
    rows = [
        (each["owner"], each["name"] + ("" if each["confirmed"] else " ?"), each["source"]) for each in derived.sources
    ]
    title = "Where the prices come from"
    return Table(title, ("of", "price", "source"), rows, texts=(1, 2), caption=f"{title}; ? unconfirmed")


def _devices(derived: Claims) -> Table:
    rows = [
        (
            each.device.name + ("" if each.device.prices_known else " (gate: not known)"),
            *(factor_text(part) for part in (each.pulse, each.cells, each.all)), f"{each.seconds:.3g}x",
        )
        for each in derived.devices
    ]  # fmt: skip
    title = "Other memories, the same counts: times more energy"
    return Table(title, ("device", "per pulse", "cells, training", "with periphery", "time"), rows, caption=title)
