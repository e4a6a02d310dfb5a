"""LTP and LTD side by side: a column each, with numbers in common or of their own; several devices or cycles beside each other.

pulse | potentiation | depression        x_LTP | G_LTP | x_LTD | G_LTD        pulse | D1 LTP | D1 LTD | D2 LTP | D2 LTD
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from synarray.lab.formats.evidence import Column
from synarray.lab.formats.flat import (
    beyond_words,
    brought,
    conductances,
    in_si,
    several_conditions,
    to_numbers,
    without_padding,
)
from synarray.lab.formats.plan import Plan
from synarray.lab.formats.reading import Convert, Names, numbers, read_columns
from synarray.lab.rows.assembly import Train
from synarray.lab.rows.cutting import blocks
from synarray.lab.rows.measured import MOST_ROWS, Rows
from synarray.lab.rows.order import left_out
from synarray.lab.text.conditions import differ_by_conditions
from synarray.lab.text.words import CYCLE, device_and_cycle

__all__ = ["in_turn", "labelled", "read_sides"]

Floats = npt.NDArray[np.float64]
_FEW = 0.1
_SHORT = re.compile(r"\b(?:(?:rep|repeat|train)\w*\s*|c)(\d+)\b")
"""Other words for a cycle, which they are beside LTP and LTD alone."""


def read_sides(plan: Plan, rows: Rows) -> list[Train]:
    """Read the branches of a table as trains, device after device, LTP and LTD in turn."""
    table = plan.table
    branches = [c for c in plan.measured if c.branch]
    x_of = {c.at: _x(plan, c) for c in branches}
    carried = Counter[str]()
    wanted = {x.at: (lambda cells: numbers(cells, table)) for x in x_of.values() if x}
    wanted |= {c.at: to_numbers(table, c, carried) for c in branches}
    names = [Names() for _ in plan.every("device_id")]
    more: dict[int, Convert] = {c.at: name.codes for c, name in zip(plan.every("device_id"), names, strict=True)}
    cycle = plan.one("cycle")
    if cycle is not None:
        more[cycle.at] = lambda cells: numbers(cells, table)
    if own := plan.one("read_V"):
        more[own.at] = to_numbers(table, own, carried)
    beside = [c for key in ("temperature_K", "width_s") if (c := plan.one(key))]
    more |= {c.at: to_numbers(table, c, carried) for c in beside}
    found = read_columns(table, MOST_ROWS, wanted | more)
    rows.repairs += brought(carried)
    rows.repairs += table.repairs
    if not (table.header or branches[0].given):
        places, why = ",".join(f"G_S={c.at + 1}" for c in branches), branches[0].why
        rows.remarks.append(f"columns without names were read as LTP and LTD: {why}; of devices: --columns {places}")
    rows.discard("row with another number of columns", found.short)
    rows.discard(beyond_words(), found.beyond)
    for c in beside:
        setattr(rows, c.meaning, in_si(c, found.values[c.at].astype(float), rows))
    several_conditions(plan, rows)
    groups = _groups(plan, found.values, names, cycle)
    sorted_trains: dict[tuple[str, str, int], list[Train]] = {}
    for column, (device, label) in zip(branches, labelled(branches, rows), strict=True):
        values = in_si(column, without_padding(found.values[column.at], rows), rows)
        read = plan.read_of(column)
        if read is not None and len(set(map(plan.read_of, branches))) > 1:
            rows.remarks.append(f"{column.shown} was read at {read:g} V")
        volts = None if read is None else np.full(len(values), read)
        if own:
            volts = rows.read_V = np.abs(in_si(own, found.values[own.at], rows))
        g = conductances(column.meaning, values, volts, rows)
        x = x_of[column.at]
        number = found.values[x.at] if x else None
        if x is not None and number is not None:
            g = _numbered(g, number, rows)
            if x.meaning == "pulse":
                rows.remarks += left_out(number, np.isfinite(number[1:]) & (np.diff(number) > 0), number)
        for place, chosen in groups:
            mine = sorted_trains.setdefault(
                (f"{place} {device}".strip() or "0", label, int(np.sign(column.branch))), []
            )
            mine += _trains(
                g[chosen], None if number is None else number[chosen], column.branch, f"{place} {device}".strip() or "0"
            )
    rows.repairs[:], rows.remarks[:] = list(dict.fromkeys(rows.repairs)), list(dict.fromkeys(rows.remarks))
    return in_turn(sorted_trains)


def _numbered(g: Floats, number: Floats, rows: Rows) -> Floats:
    """Leave out the few rows whose pulse number is none, such as a mean beneath the table."""
    other = np.isfinite(g) & ~np.isfinite(number)
    if not 0 < np.count_nonzero(other) <= _FEW * np.count_nonzero(np.isfinite(g)):
        return g
    rows.discard("conductance beside words in place of a pulse number", int(np.count_nonzero(other)))
    return np.where(other, np.nan, g)


def _x(plan: Plan, column: Column) -> Column | None:
    """Return the column that numbers a branch: of the same branch, else the nearest to its left, else the only one."""
    numbering = [c for c in plan.columns if c.meaning in ("pulse", "time_s")]
    own = [c for c in numbering if np.sign(c.branch) == np.sign(column.branch) and c.branch]
    left = [c for c in (own or [c for c in numbering if not c.branch]) if c.at < column.at]
    return left[-1] if left else own[0] if own else None


def labelled(branches: list[Column], rows: Rows, what: str = "columns") -> list[tuple[str, str]]:
    """Return device and cycle of each column (or sheet), from what its name says besides the branch."""
    found, seen = [], dict[tuple[str, str, int], int]()
    shared = _shared_labels(branches)
    conditions = differ_by_conditions([column.shown for column in branches], what)
    rows.remarks += [conditions] if conditions else []
    for column in branches:
        own = column.label if column.label in shared else ""
        device, label = device_and_cycle(own if CYCLE.search(own) else _SHORT.sub(r"cycle \1", own))
        key = (device, label, int(np.sign(column.branch)))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            device = f"{device} ({seen[key]})".strip()
            said = f"{what} of LTP or LTD that are called alike were read as devices of their own"
            rows.remarks += [] if said in rows.remarks else [said]
        if own.isdigit() and not label:
            said = f"numbers behind LTP and LTD ({column.shown}) were read as devices; of cycles, write 'cycle {device}' there"
            rows.remarks += [] if any("numbers behind" in remark for remark in rows.remarks) else [said]
        found.append((device, label))
    return found


def _shared_labels(branches: list[Column]) -> set[str]:
    """Return the labels that tell devices or cycles: those of both branches; all where there is one branch, or none is shared.

    What only one column of LTP and one of LTD say is another word for the branch.
    """
    sides = [[c.label for c in branches if np.sign(c.branch) == sign] for sign in (1, -1)]
    if len(sides[0]) == len(sides[1]) == 1 and sides[0] != sides[1]:
        return set()
    return {label for side in sides for label in side}


def _groups(
    plan: Plan, values: dict[int, npt.NDArray[np.generic]], names: list[Names], cycle: Column | None
) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Return the rows of each device (and cycle) that columns beside the branches tell apart."""
    keys = [(values[c.at], name) for c, name in zip(plan.every("device_id"), names, strict=True)]
    n = len(next(iter(values.values())))
    place = np.zeros(n, object)
    place[:] = ""
    for codes, name in keys:
        place = np.array(
            [f"{p} {name.known[int(code)]}".strip() for p, code in zip(place, codes.tolist(), strict=True)], object
        )
    number = values[cycle.at] if cycle is not None else np.zeros(n)
    found = []
    for device in dict.fromkeys(place.tolist()):
        mine = place == device
        numbers_of = dict.fromkeys(np.nan_to_num(number[mine].astype(float)).tolist())
        found += [(device, mine & (np.nan_to_num(number.astype(float)) == k)) for k in numbers_of]
    return found


def _trains(g: Floats, number: Floats | None, branch: int, device: str) -> list[Train]:
    """Cut a column into its trains, where its numbers start again; blank cells at either end are none of it."""
    there = np.flatnonzero(np.isfinite(g))
    if not len(there):
        return []
    kept = np.arange(there[0], there[-1] + 1)
    if number is None:
        return [Train(g[kept], branch, device)]
    kept = kept[np.isfinite(g[kept]) | np.isfinite(number[kept])]  # a header that is repeated, a line of text
    g, number = g[kept], number[kept]
    edges = blocks(np.nan_to_num(number)) if np.isfinite(number).all() else [0, len(g)]
    trains = []
    for a, b in pairwise(edges):
        low = float(np.nanmin(number[a:b]))
        trains.append(Train(g[a:b], branch, device, before=True if low == 0 else False if low == 1 else None))
    return trains


def in_turn(found: dict[tuple[str, str, int], list[Train]]) -> list[Train]:
    """Lay LTP and LTD of each device in turn, cycle after cycle."""
    trains: list[Train] = []
    for device in dict.fromkeys(key[0] for key in found):
        labels = dict.fromkeys(key[1] for key in found if key[0] == device)
        for label in labels:
            sides = [found.get((device, label, sign), []) for sign in (1, -1)]
            for k in range(max(map(len, sides))):
                trains += [side[k] for side in sides if k < len(side)]
    return trains
