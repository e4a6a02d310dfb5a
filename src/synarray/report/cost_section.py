"""What a training cost, as a section of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synarray.cost.ledger import Ledger
from synarray.report.charts import energies
from synarray.report.cost_tables import (
    comparison_table,
    headline,
    layers_table,
    ledger_table,
    pace_table,
    steps_table,
    use_table,
)
from synarray.report.sections import Picture, Section
from synarray.report.tables import Table
from synarray.run.price import Price
from synarray.units import quantity

__all__ = ["by_component", "cost_section", "energy_picture", "price_tables"]


def by_component(ledger: Ledger) -> dict[str, float]:
    """Sum a ledger up by component, J; the values add up to its total."""
    return {name: ledger.of(name) for name in dict.fromkeys(entry.component for entry in ledger.entries)}


def energy_picture(machines: Mapping[str, Mapping[str, float]], command: str, name: str = "energy") -> Picture:
    """Draw energy by component for several machines beside each other, such as soft-pruned, unpruned, conventional.

    Parameters
    ----------
    machines : dict of str to dict of str to float
        Joules by component, for each machine by its name.
    command : str
    name : str
        Of the figure's file.
    """
    components = list(dict.fromkeys(part for parts in machines.values() for part in parts))
    rows = [
        (part, *(quantity(parts[part], "J") if part in parts else "-" for parts in machines.values()))
        for part in components
    ]
    total = ("everything", *(quantity(sum(parts.values()), "J") for parts in machines.values()))
    table = Table("Energy by component", ("component", *machines), rows, total=total)
    words = "Each component's share of the training, on a logarithmic scale; components without energy are not drawn."
    return Picture(name, "Energy by component", words, energies(machines), table, command)


def price_tables(price: Price, others: Sequence[Ledger] = ()) -> list[Table]:
    """Lay out a price: by layer, by row, by use, beside other devices and machines, and what it leaves out."""
    ledger, elsewhere, layers = price.ledger, price.elsewhere(), price.layers()
    tables = [layers_table(layers, ledger)] if layers else []
    tables += [ledger_table(ledger, price.periphery.node_nm), use_table(ledger)]
    if others or elsewhere:
        tables.append(comparison_table([ledger, *others], elsewhere))
    return tables if layers else [*tables, steps_table(price.free_steps()), pace_table(price.real_time)]


def cost_section(price: Price, command: str) -> Section:
    """Lay out what a training cost, and what it would cost on other machines; ``command`` prints it."""
    ledgers = [each for each in (price.ledger, *price.elsewhere()) if len(each.entries) > 1]
    return Section(
        "energy",
        "Energy, time, area",
        words=[headline(price.ledger)],
        tables=price_tables(price),
        pictures=[energy_picture({each.title: by_component(each) for each in ledgers}, command)],
        notes=price.notes,
    )
