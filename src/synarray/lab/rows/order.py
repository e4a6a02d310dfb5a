"""Rows of a measurement in the order of time: which belong to one cycle of LTP and LTD, which came twice, which came first.

Pulse numbers rise with time within a train, whatever the order of the rows in the file. Where LTP and LTD of a train are both
numbered from the start, rows out of order are sorted with LTP before LTD; a read without a pulse that has the lowest number is
the state before the train.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.measured import Rows

__all__ = [
    "Keys", "backwards", "count_cycles", "doubled", "in_time", "left_out", "precedes", "repeated", "whole_count",
]  # fmt: skip

_SHARED = 0.2
"""Share of rows with the number of another from which on the column counts something else than pulses."""
_COPIES = 0.9
"""Share of rows with the number of the row above that hold its conductance as well where rows are copies."""
_FEWEST = 8
"""Rows that columns must have to be compared."""
_NEARLY, _EQUAL = 0.5, 1e-3
"""Shares of the way from row to row by which a state may be read otherwise before the next pulse, and in a copy."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Order = npt.NDArray[np.intp]


@dataclass
class Keys:
    """What tells one pulse from another: device, cycle, number, and kind (polarity, or the sign of the voltage)."""

    device: Codes
    cycle: Floats
    pulse: Floats
    kind: Floats
    numbered: bool
    """Whether the file numbers its pulses; else ``pulse`` is the place in the file."""

    def __len__(self) -> int:
        return len(self.device)

    def at(self, rows: Order | Bools) -> Keys:
        """Return the keys of some rows."""
        return Keys(self.device[rows], self.cycle[rows], self.pulse[rows], self.kind[rows], self.numbered)

    def together(self) -> Bools:
        """Whether each row but the first is of the same device and cycle as the one before it."""
        return np.asarray((np.diff(self.device) == 0) & (np.diff(self.cycle) == 0), bool)


def count_cycles(keys: Keys, rows: Rows) -> Floats:
    """Give each train a number: a new one begins where LTP follows LTD, or the numbers of its pulses start again.

    The numbers begin again with each device.
    """
    cycle = np.zeros(len(keys))
    for code in np.unique(keys.device):
        mine = np.flatnonzero(keys.device == code)
        pulses = mine[keys.kind[mine] != 0]
        kind, number = keys.kind[pulses], keys.pulse[pulses]
        returns = (kind[1:] > 0) & (kind[:-1] < 0)
        if keys.numbered and len(number):
            restarts = (kind[1:] == kind[:-1]) & (number[1:] < number[:-1]) & (number[1:] <= number.min())
            returns |= restarts
        starts = pulses[1:][returns]
        # the state read right before a train belongs to it
        before = np.array(
            [s - 1 if s > 0 and keys.kind[s - 1] == 0 and keys.device[s - 1] == code else s for s in starts]
        )
        cycle[mine] = np.searchsorted(before, mine, side="right") if len(before) else 0.0
    if cycle.max(initial=0) > 0:
        rows.repairs.append(
            "cycles were numbered by the returns of LTP after LTD, or of the pulse numbers to their first"
        )
    return cycle


def doubled(keys: Keys, g: Floats, rows: Rows) -> Bools:
    """Find rows that came before with the same device, cycle, pulse, polarity and conductance, at any place."""
    found = np.zeros(len(keys), bool)
    step = np.diff(keys.pulse)
    if not keys.numbered or len(keys) < 2 or bool((step > 0)[keys.together()].all() and _grouped(keys)):
        return found
    order = np.lexsort((np.arange(len(keys)), g, keys.kind, keys.pulse, keys.cycle, keys.device))
    ranked = keys.at(order)
    same = ranked.together() & (np.diff(ranked.pulse) == 0) & (np.diff(ranked.kind) == 0)
    equal = same & (np.diff(g[order]) == 0)
    # numbers that repeat with other conductances are no copies: then equal ones are coincidence
    if np.count_nonzero(equal) >= 0.5 * max(int(np.count_nonzero(same)), 1):
        found[order[1:][equal]] = True
    rows.discard("duplicated row", int(np.count_nonzero(found)))
    return found


def repeated(keys: Keys, g: Floats, rows: Rows) -> Bools:
    """Find rows that say what the row before them says: device, number of the pulse, polarity and conductance."""
    same = _same_pulse(keys)
    equal = same & (np.diff(g) == 0)
    if np.count_nonzero(equal) < _COPIES * np.count_nonzero(same):
        equal[:] = False  # numbers that repeat with other conductances are no copies
    rows.discard("duplicated row", int(np.count_nonzero(equal)))
    return np.asarray(np.r_[False, equal][: len(keys)], bool)


def left_out(number: Floats, together: Bools, known: Floats) -> list[str]:
    """Say where pulses have numbers and no row: the step to the next row is then that of several pulses.

    number [row]: pulse numbers in the order of time; together [row - 1]: whether the row before is of the same train; known: all
    numbers of the file, for rows that were discarded or are of another device leave nothing out.

    Examples
    --------
    >>> left_out(np.array([5.0, 10.0, 15.0]), np.array([True, True]), np.array([5.0, 10.0, 15.0]))
    ['pulse numbers go up by 5: a step here is that of so many pulses']
    """
    before, step = number[:-1][together], np.diff(number)[together]
    wide = (step > 1) & ~np.isin(before + 1, known)
    if not wide.any():
        return []
    if (usual := float(np.median(step))) > 1:
        return [f"pulse numbers go up by {usual:g}: a step here is that of so many pulses"]
    places, first = np.count_nonzero(wide), before[wide][0] + 1
    where = "one place" if places == 1 else f"{places:,} places, first"
    return [f"pulses have no row in {where} (pulse {first:,.0f}): the step across was taken for that of one pulse"]


def _grouped(keys: Keys) -> bool:
    """Whether the rows of each device and cycle follow each other."""
    blocks = int(np.count_nonzero(~keys.together())) + 1
    if blocks > len(keys) // 2:
        return False
    pairs = np.column_stack([keys.device, keys.cycle])[np.r_[True, ~keys.together()]]
    return len(np.unique(pairs, axis=0)) == blocks


def whole_count(keys: Keys, rows: Rows) -> tuple[Order, bool]:
    """Order rows without cycles: by their pulse where each number occurs once for a device, else as they came."""
    as_came = np.argsort(keys.device, kind="stable")
    came, order = keys.at(as_came), np.lexsort((keys.pulse, keys.device))
    ranked = keys.at(order)
    unique = not (ranked.together() & (np.diff(ranked.pulse) == 0)).any()
    falls = int(np.count_nonzero(came.together() & (np.diff(came.pulse) < 0)))
    if not (falls and keys.numbered and unique):
        return as_came, False
    rows.repairs.append(_sorted_by_pulse(falls))
    return order, True


def _sorted_by_pulse(falls: int) -> str:
    return f"rows sorted by pulse: the numbers fell {falls:,} time{'s' * (falls > 1)} within a train"


def in_time(keys: Keys, rows: Rows) -> tuple[Order, bool]:
    """Order the rows by device, cycle and time; say whether they had to be sorted by the number of the pulse."""
    came = np.arange(len(keys))
    as_came = np.lexsort((came, keys.cycle, keys.device))
    ranked = keys.at(as_came)
    falls = ranked.together() & (np.diff(ranked.pulse) < 0)
    both = _both_from_the_start(keys) if falls.any() else False
    if both:
        falls &= np.diff(ranked.kind) == 0
    order, is_sorted = as_came, bool(falls.any())
    if is_sorted:
        order = np.lexsort((came, *_ranks(keys, both), keys.cycle, keys.device))
    shared = _same_pulse(keys.at(order))
    if np.count_nonzero(shared) > _SHARED * len(keys):
        rows.repairs.append(
            f"the column pulse does not count pulses ({np.count_nonzero(shared):,} rows share their number with another): "
            "rows were taken in the order in which they came"
        )
        keys.numbered = False
        return as_came, False
    rows.discard("second row of the same pulse", int(np.count_nonzero(shared)))
    if is_sorted:
        assumed = ", and LTP was taken to come before LTD" if both else ""
        rows.repairs.append(_sorted_by_pulse(int(np.count_nonzero(falls))) + assumed)
    return order[~np.r_[False, shared]] if len(order) else order, is_sorted


def _same_pulse(keys: Keys) -> Bools:
    """Find rows that report the same pulse as the row before them."""
    return np.asarray(keys.together() & (np.diff(keys.pulse) == 0) & (np.diff(keys.kind) == 0) & keys.numbered, bool)


def _both_from_the_start(keys: Keys) -> bool:
    """Whether pulses of both kinds of one train have the same numbers."""
    real = keys.at(keys.kind != 0)
    ranked = real.at(np.lexsort((real.kind, real.pulse, real.cycle, real.device)))
    both = ranked.together() & (np.diff(ranked.pulse) == 0) & (np.diff(ranked.kind) != 0)
    return bool(np.count_nonzero(both) > 0.05 * len(keys))


def _ranks(keys: Keys, both: bool) -> tuple[Floats, Floats]:
    """Return the keys that order the rows of a train, the less important first."""
    order = np.lexsort((keys.pulse, keys.cycle, keys.device))
    ranked = keys.at(order)
    starts = np.flatnonzero(np.r_[True, ~ranked.together()])
    lowest = np.empty(len(keys))
    lowest[order] = np.repeat(ranked.pulse[starts], np.diff(np.r_[starts, len(keys)]))
    before = (keys.kind == 0) & (keys.pulse == lowest)
    if both:
        return keys.pulse, np.select([before, keys.kind < 0], [0.0, 2.0], 1.0)
    return np.select([before, keys.kind == 0], [0.0, 2.0], 1.0), keys.pulse


def backwards(keys: Keys, polarity: Floats, g: Floats, rows: Rows) -> Order:
    """Turn trains that were sorted the wrong way round: where LTP lowers the conductance, and raises it the other way."""
    as_is = np.arange(len(keys))
    if _raised(keys, polarity, g) >= 0:
        return as_is
    turned = np.lexsort((as_is[::-1], keys.cycle, keys.device))
    if _raised(keys.at(turned), polarity[turned], g[turned]) <= 0:
        return as_is
    rows.repairs.append(
        "pulse numbers count down: the highest was taken as the first, since LTP then raises the conductance"
    )
    return turned


def _raised(keys: Keys, polarity: Floats, g: Floats) -> float:
    """Return by how much LTP pulses raise and LTD pulses lower the conductance, summed."""
    within = keys.together() & (np.diff(polarity) == 0)  # a return to the other polarity tells nothing
    return float(np.sum((np.diff(g) * polarity[1:])[within]))


def precedes(one: Floats, other: Floats, *, named: bool) -> bool:
    """Whether one column holds what the other held a row above: equal to it, or nearly where the names say so."""
    if len(one) != len(other) or len(one) < _FEWEST:
        return False
    most = float(np.median(np.abs(one - other))) * (_NEARLY if named else _EQUAL)
    return float(np.median(np.abs(one[1:] - other[:-1]))) < most
