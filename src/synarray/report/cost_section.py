"""What a training cost, as a section of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synarray.cost.ledger import Ledger
from synarray.cost.physical import Step
from synarray.report.charts import energies
from synarray.report.cost_tables import comparison_table, headline, ledger_table, pace_table, steps_table, use_table
from synarray.report.sections import Picture, Section
from synarray.report.tables import Table
from synarray.report.words import quantity

__all__ = ["Costs", "by_component", "cost_section", "energy_picture"]


@dataclass(frozen=True)
class Costs:
    """What is reported about the price of a run."""

    ledger: Ledger
    """Of the run, in its own cells."""
    elsewhere: Sequence[Ledger]
    """The same training on other machines."""
    free: Sequence[Step]
    """What software gets for nothing."""
    pace: Mapping[str, Any]
    """Whether the work fits between two draws of a winner (``real_time``)."""
    notes: Sequence[str]
    node_nm: float
    """Of the circuits around the cells."""
    layers: Table | None = None
    """What each of several layers cost; there is then nothing elsewhere, nothing free, no pace."""


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


def cost_section(costs: Costs, command: str) -> Section:
    """Lay out what a training cost, and what it would cost on other machines; ``command`` prints it."""
    machines = {each.title: by_component(each) for each in (costs.ledger, *costs.elsewhere) if len(each.entries) > 1}
    tables = [*filter(None, [costs.layers]), ledger_table(costs.ledger, costs.node_nm), use_table(costs.ledger)]
    if costs.layers is None:
        tables += [comparison_table([costs.ledger], costs.elsewhere), steps_table(costs.free), pace_table(costs.pace)]
    return Section(
        "energy",
        "Energy, time, area",
        words=[headline(costs.ledger)],
        tables=tables,
        pictures=[energy_picture(machines, command)],
        notes=costs.notes,
    )
