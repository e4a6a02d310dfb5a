"""The article's energy claims as derived from the runs: tables for the terminal, and a section of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synarray.cost.uncertainty import Interval
from synarray.paper.claims import Claim, Claims
from synarray.paper.reproduce import Row, RowSpec
from synarray.report.cost_section import by_component, energy_picture
from synarray.report.sections import Section
from synarray.report.tables import Table
from synarray.report.words import times

__all__ = ["claims_section", "claims_tables", "factor_text", "verdicts_table"]

_FEW = 6
"""Owners of prices that are named one by one."""
_BRACKETS = "In brackets: over seeds and over the ranges of the prices, all at their worst at once."


def factor_text(factor: Interval) -> str:
    """Write a factor and its ends.

    Examples
    --------
    >>> factor_text(Interval(28.4, 8.94, 31.4)), factor_text(Interval(2.0, 2.0, 2.0))
    ('28.4x (8.94 to 31.4)', '2x')
    """
    if factor.low == factor.high:
        return times(factor.value)
    return f"{times(factor.value)} ({times(factor.low)[:-1]} to {times(factor.high)[:-1]})"


def claims_section(derived: Claims, command: str) -> Section:
    """Lay out what was derived: the claims, the algorithm's factor as a product, other memories, energy by component.

    Parameters
    ----------
    derived : Claims
    command : str
        That derives them again.
    """
    machines = {ledger.title: by_component(ledger) for ledger in derived.ledgers if len(ledger.entries) > 1}
    return Section(
        "claims",
        "The article's energy claims, derived",
        tables=claims_tables(derived),
        pictures=[energy_picture(machines, command)] if machines else [],
        notes=[_BRACKETS, *derived.notes],
    )


def claims_tables(derived: Claims) -> list[Table]:
    """Lay out all that was derived, with the sources of the prices; tables of nothing are left out."""
    tables = (_claims(derived), _chain(derived), _devices(derived), _sources(derived))
    return [table for table in tables if table.rows]


def verdicts_table(rows: Sequence[Row], derived: Claims | None) -> Table:
    """Lay out all that is judged in about ten lines: what the article states, what was found here, and the verdict."""
    lines = [
        (row.title, _stated_accuracy(row.spec), _measured(row), row.verdict) for row in rows if row.verdict is not None
    ]
    claims = [claim for claim in (derived.claims if derived else []) if claim.headline]
    lines += [(claim.name, f"{_stated(claim)}x less", factor_text(claim.factor), claim.verdict) for claim in claims]
    return Table(
        "What the article states, and what was found here",
        ("claim", "article", "here", "verdict"),
        lines,
        texts=(3,),
        note=_BRACKETS if claims else "",
        breaks=(len(lines) - len(claims),) if claims else (),
    )


def _stated_accuracy(spec: RowSpec) -> str:
    return f"{spec.least:.0%}" if spec.least is not None else f"below {spec.below:.0%}"


def _measured(row: Row) -> str:
    spread = row.spread("accuracy")
    return f"{row.mean('accuracy'):.2%}" + ("" if math.isnan(spread) else f" +- {100 * spread:.2f}")


def _stated(claim: Claim) -> str:
    return "" if claim.stated is None else " to ".join(f"{end:g}" for end in dict.fromkeys(claim.stated))


def _claims(derived: Claims) -> Table:
    rows = [
        (
            f"{claim.part}: {claim.name}",
            factor_text(claim.factor),
            _stated(claim),
            claim.verdict if claim.stated else "",
            claim.how,
            ", ".join(claim.rests_on) if len(claim.rests_on) < _FEW else "prices of all of them",
        )
        for claim in derived.claims
    ]
    title = "The article's claims"
    columns = ("against", "factor", "stated", "verdict", "how", "prices of")
    return Table(title, columns, rows, texts=(3, 4, 5), caption=title)


def _chain(derived: Claims) -> Table:
    rows = [(each.name, factor_text(each.single), factor_text(each.growing), each.how) for each in derived.chain]
    title = "The algorithm's factor in programming energy, as a product"
    columns = ("factor", "one energy per pulse", "energy of a pulse grows with its step", "how")
    return Table(title, columns, rows, texts=(3,), caption=title)


def _devices(derived: Claims) -> Table:
    rows = [
        (
            each.device.name + ("" if each.device.prices_known else " (gate: not known)"),
            *(factor_text(part) for part in (each.pulse, each.driven, each.cells, each.all)),
            times(each.seconds),
        )
        for each in derived.devices
    ]
    title = "Other memories, the same counts: times more energy than subquantum CBRAM"
    columns = ("device", "per pulse, cell alone", "with its lines", "cells, training", "with periphery", "time")
    return Table(title, columns, rows, caption=title)


def _sources(derived: Claims) -> Table:
    rows = [
        (
            each["owner"],
            each["name"] + ("" if each["confirmed"] else " ?"),
            _range(each),
            ", ".join(str(part) for part in (each["year"], each["node"]) if part),
            each["source"],
        )
        for each in derived.sources
    ]
    title = "Where the prices come from"
    columns = ("of", "price", "range", "year, node", "source")
    return Table(title, columns, rows, texts=(1, 2, 3, 4), caption=f"{title}; ? unconfirmed", folded=True)


def _range(source: dict[str, object]) -> str:
    return "" if source["low"] is None else f"{source['low']} to {source['high']}"
