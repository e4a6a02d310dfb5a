"""Workbooks: which sheets hold pulses, and how several belong together: LTP and LTD apart, or a device to a sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from synarray.errors import DataError
from synarray.lab.formats.evidence import Column
from synarray.lab.formats.layouts import flat_trains, read_plan, settled
from synarray.lab.formats.plan import Plan, Wishes, plan_of
from synarray.lab.formats.refusal import first_rows
from synarray.lab.formats.sides import in_turn, labelled
from synarray.lab.formats.tables import table_of
from synarray.lab.rows.assembly import Train
from synarray.lab.rows.measured import Measurements, Rows, by_cycles, together
from synarray.lab.text.conditions import repeating
from synarray.lab.text.words import branch_of, cycles_of, label_of
from synarray.lab.traces.retention import Aged

__all__ = ["choose_sheets", "read_sheets"]

_OF_ONE_BRANCH = ("curve", "wide", "long")
"""Layouts of a sheet that its title may call LTP or LTD."""


def choose_sheets(path: Path, found: dict[str, list[list[str]]], wishes: Wishes) -> list[Plan]:
    """Return how the sheets that belong together are read; those passed over are named in the first one's repairs.

    Raises
    ------
    DataError
        When no sheet has conductances.
    """
    plans: dict[str, Plan] = {}
    problems: dict[str, DataError] = {}
    for title, rows in found.items():
        try:
            if (table := table_of(path, rows, title, wishes.decimal)) is not None:
                plans[title] = plan_of(table, wishes, path.name)
        except DataError as error:
            problems[title] = error
    fits = {title: plan for title, plan in plans.items() if plan.measured}
    fits = dict(sorted(fits.items(), key=lambda pair: not _has_pulses(pair[1])))
    if not plans and len(problems) == 1:
        raise next(iter(problems.values()))
    if not fits:
        raise _none(path, found, plans, problems)
    left = repeating({title: (plan.table.names, found[title]) for title, plan in fits.items()})
    chosen = _belonging({title: plan for title, plan in fits.items() if title not in left})
    others = [f"{title!r}{left.get(title, '')}" for title in found if title not in chosen]
    first = fits[chosen[0]]
    if others:
        read = "sheets {} were read" if len(chosen) > 1 else "sheet {} was read"
        said = f"{read.format(', '.join(map(repr, chosen)))}, and not {', '.join(others)}"
        first = replace(first, table=replace(first.table, repairs=(said, *first.table.repairs)))
    return [first, *(fits[title] for title in chosen[1:])]


def _has_pulses(plan: Plan) -> bool:
    """Whether a sheet has numbers or polarities of pulses; others may be sweeps and come after it."""
    return plan.layout == "sides" or any(plan.one(key) for key in ("pulse", "polarity")) or not plan.one("amplitude_V")


def _belonging(fits: dict[str, Plan]) -> list[str]:
    """Return the sheets that are read together: two named for LTP and LTD, or all with the columns of the first."""
    titles = list(fits)
    branches = {title: np.sign(branch_of(title)) for title in titles if fits[title].layout in _OF_ONE_BRANCH}
    sides = [title for title in titles if branches.get(title)]
    if {branches[title] for title in sides} == {1, -1}:
        return sides
    header = fits[titles[0]].table.names
    alike = [title for title in titles if header and fits[title].table.names == header]
    return alike if len(alike) > 1 else titles[:1]


def read_sheets(plans: list[Plan]) -> Measurements | Aged:
    """Read sheets that belong together."""
    if len(plans) == 1:
        return read_plan(plans[0])
    titles = [plan.table.title for plan in plans]
    if all(branch_of(plan.table.title) and plan.layout in _OF_ONE_BRANCH for plan in plans):
        return _branches(plans)
    found = [read_plan(plan) for plan in plans]
    measured = [part for part in found if isinstance(part, Measurements)]
    if len(measured) < len(found):
        return found[0]
    if cycles := cycles_of(titles):
        said = f"sheets {', '.join(map(repr, titles))} were read as cycles, one after the other"
        return by_cycles(measured, cycles, said)
    said = f"sheets {', '.join(map(repr, titles))} have the same columns: each was read as devices of its own"
    return together(measured, titles, said)


def _branches(plans: list[Plan]) -> Measurements:
    """Read LTP from some sheets and LTD from others, of the devices and cycles that their titles name."""
    rows = Rows(np.zeros(0))
    found: dict[tuple[str, str, int], list[Train]] = {}
    names = list[str]()
    for plan, (device, cycle) in zip(plans, _titled(plans, rows), strict=True):
        branch = branch_of(plan.table.title)
        for train in flat_trains(plan, branch, rows):
            own = train.device if train.device != "0" else ""
            train.device = f"{device} {own}".strip() or "0"
            found.setdefault((train.device, cycle, int(np.sign(branch))), []).append(train)
        of = f" of device {device!r}" if device else ""
        names.append(f"{'LTP' if branch > 0 else 'LTD'}{of} from sheet {plan.table.title!r}")
    rows.repairs[:] = list(dict.fromkeys(rows.repairs))
    rows.remarks[:] = list(dict.fromkeys(rows.remarks))
    rows.remarks.append(", ".join(names))
    return settled(in_turn(found), rows, plans[0])


def _titled(plans: list[Plan], rows: Rows) -> list[tuple[str, str]]:
    """Return device and cycle of each sheet by its title; none where no title of LTP says the same as one of LTD."""
    titles = [plan.table.title for plan in plans]
    sheets = [Column(at, t, "G_S", "its title", branch=branch_of(t), label=label_of(t)) for at, t in enumerate(titles)]
    up, down = ({sheet.label for sheet in sheets if np.sign(sheet.branch) == sign} for sign in (1, -1))
    if up and down and not up & down:
        return [("", "")] * len(plans)
    return labelled(sheets, rows, "sheets")


def _none(
    path: Path, found: dict[str, list[list[str]]], plans: dict[str, Plan], problems: dict[str, DataError]
) -> DataError:
    said = [f"{title!r} with columns {', '.join(c.shown for c in plan.columns)}" for title, plan in plans.items()]
    said += [f"{title!r}, whose {error.rule} ({error.got})" for title, error in problems.items()]
    said += [f"{title!r} without rows of numbers" for title in found if title not in {**plans, **problems}]
    rows = next((plan.table.sample for plan in plans.values()), ())
    first = next((plan.columns[-1].shown for plan in plans.values()), "NAME")
    return DataError(
        "a workbook must have a sheet with conductances, resistances or currents",
        got="; ".join(said)[:300] + (f"; first rows: {first_rows(rows)}" if rows else ""), where=path.name,
        do=f"Say which column it is: synarray device fit {path.name} --columns 'G_S={first}'.",
    )  # fmt: skip
