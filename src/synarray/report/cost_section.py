"""What a training cost, as a section of a page: energy by action and by component, time, bytes, other machines beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synarray.cost.ledger import Ledger
from synarray.cost.physical import Step
from synarray.report.charts import energies
from synarray.report.sections import Picture, Section, Table
from synarray.report.words import quantity, times

__all__ = ["Costs", "by_component", "cost_section", "energy_picture"]


@dataclass(frozen=True)
class Costs:
    """What is told about the price of a run.

    Attributes
    ----------
    ledger : Ledger
        Of the run, in its own cells.
    elsewhere : list of Ledger
        The same training on other machines.
    free : list of Step
        What software gets for nothing.
    pace : dict
        Whether the work fits between two draws of a winner (``real_time``).
    notes : list of str
    node_nm : float
        Of the circuits around the cells.
    """

    ledger: Ledger
    elsewhere: Sequence[Ledger]
    free: Sequence[Step]
    pace: Mapping[str, Any]
    notes: Sequence[str]
    node_nm: float


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


def cost_section(costs: Costs, command: str) -> Section:
    """Tell what a training cost, and what it would cost on other machines; ``command`` prints it."""
    machines = {each.title: by_component(each) for each in (costs.ledger, *costs.elsewhere) if len(each.entries) > 1}
    return Section(
        "energy", "Energy, time, bytes",
        tables=[_actions(costs.ledger, costs.node_nm), _machines([costs.ledger, *costs.elsewhere]), _steps(costs), _pace(costs)],
        pictures=[energy_picture(machines, command)],
        notes=["? The entry rests on unconfirmed numbers.", *costs.notes],
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
            each.title,
            quantity(each.total, "J"),
            times(each.total / first.total) if first.total else "-",
            *(
                quantity(seconds, "s") if (seconds := each.seconds.get(name, each.seconds.get("memory-bound"))) else "-"
                for name in ("sequential", "row-parallel")
            ),
            quantity(each.bytes_moved, "B") if each.bytes_moved or each.area else "-",
            quantity(each.area * 1e12, "") + " um2" if each.area else "-",
        )
        for each in ledgers
    ]
    columns = (
        "machine", "energy", "factor", "time, one after the other", "time, rows at once", "weights moved",
        "area of the cells",
    )  # fmt: skip
    title = "The same training elsewhere (processors: bytes / bandwidth; chips: synaptic operations only)"
    return Table("The same training elsewhere", columns, rows, caption=title)


def _steps(costs: Costs) -> Table:
    rows = [(step.name, step.where, "-" if step.energy is None else quantity(step.energy, "J")) for step in costs.free]
    title = "Free in software, not on a chip"
    return Table(title, ("step", "paid as", "energy"), rows, texts=(1,), caption=title)


def _pace(costs: Costs) -> Table:
    words = {
        "sequential": "reads and updates one after another, mean",
        "row_parallel": "rows and columns at once, mean",
        "worst": "every cell of every winner pulsed, one after another",
    }
    pace = costs.pace
    rows = [
        (meaning, quantity(pace[name], "s"), "fits" if pace["fits"][name] else "does not fit")
        for name, meaning in words.items()
    ]
    title = f"In real time: a winner every {quantity(pace['window'], 's')}"
    return Table(title, ("work", "takes", ""), rows, texts=(2,), caption=title)


def _mark(confirmed: bool) -> str:
    return "" if confirmed else " ?"
