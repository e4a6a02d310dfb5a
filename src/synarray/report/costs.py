"""What a training cost, as a section of a page: energy by action and by component, time, bytes, other machines beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synarray.cost.ledger import Ledger
from synarray.report.charts import energies
from synarray.report.sections import Picture, Section, Table
from synarray.report.words import quantity, times

__all__ = ["by_component", "cost_section", "energy_picture"]


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
    words = "Each component's share of the training, on a logarithmic scale; what is not drawn is nothing."
    return Picture(name, "Energy by component", words, energies(machines), table, command)


def cost_section(
    ledger: Ledger, others: Sequence[Ledger], notes: Sequence[str], node_nm: float, command: str
) -> Section:
    """Tell what a training cost, and what the same counts cost on other machines.

    Parameters
    ----------
    ledger : Ledger
        Of the run.
    others : sequence of Ledger
    notes : sequence of str
        What a reader must know.
    node_nm : float
        Of the circuits around the cells.
    command : str
        That prints it.
    """
    machines = {each.title: by_component(each) for each in (ledger, *others)}
    return Section(
        "energy", "Energy, time, bytes", tables=[_actions(ledger, node_nm), _machines([ledger, *others])],
        pictures=[energy_picture(machines, command)],
        notes=["? The entry rests on numbers that nobody has confirmed.", *notes],
    )  # fmt: skip


def _actions(ledger: Ledger, node_nm: float) -> Table:
    rows = [
        (
            f"{entry.component}: {entry.action}", f"{entry.count:,}", quantity(entry.each, "J") + _mark(entry.confirmed),
            quantity(entry.energy, "J") + _mark(entry.confirmed), f"{entry.energy / ledger.total if ledger.total else 0:.1%}",
        )
        for entry in ledger.entries
    ]  # fmt: skip
    columns = ("component: action", "count", "energy of one", "energy", "share")
    total = ("everything", "", "", quantity(ledger.total, "J"), "100%" if ledger.total else "")
    title = f"Every action of the training, in circuits of {node_nm:g} nm"
    return Table(title, columns, rows, total=total, caption=title)


def _machines(ledgers: Sequence[Ledger]) -> Table:
    first = ledgers[0]
    rows = [
        (
            each.title, quantity(each.total, "J"), times(each.total / first.total) if first.total else "-",
            *(quantity(each.seconds[name], "s") if name in each.seconds else "-" for name in ("sequential", "row-parallel")),
            quantity(each.bytes_moved, "B"), quantity(each.area * 1e12, "") + " um2" if each.area else "-",
        )
        for each in ledgers
    ]  # fmt: skip
    columns = (
        "machine",
        "energy",
        "factor",
        "time, one after the other",
        "time, rows at once",
        "weights moved",
        "area of the cells",
    )
    title = "The same counts on other machines"
    return Table(title, columns, rows, caption=title)


def _mark(confirmed: bool) -> str:
    return "" if confirmed else " ?"
