"""Trains of LTP and LTD put together to rows: which branch each is, which way it ran in time, which cycle it belongs to.

NeuroSim's own files list LTD from the lowest conductance up: both blocks rise. Such a block is turned round, which is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.rows.measured import Rows
from synarray.units import quantity

__all__ = ["Train", "assemble"]

Floats = npt.NDArray[np.float64]
_APART = 0.5
"""Share of the larger range by which the upper ends of LTP and LTD may differ."""
_CLOSE = 0.05


@dataclass
class Train:
    """Reads of one train, in the order of the file."""

    g: Floats
    """Conductances, S."""
    branch: int = 0
    """1 LTP, -1 LTD, 2 program, -2 erase, 0 what the movement says."""
    device: str = "0"
    before: bool | None = None
    """Whether the first read (in time) is the state before the first pulse; none: not known."""
    goes_on: bool = False
    """Whether the pulses follow those of the train before without a break, so that it cannot be turned round."""
    width: float = np.nan
    volts: float = np.nan
    """Of its pulses; nan: not known."""
    sign: int = field(default=0, init=False)

    @property
    def rises(self) -> bool:
        """Whether the last reads are above the first."""
        few = max(len(self.g) // 10, 1)
        return float(np.nanmedian(self.g[-few:])) >= float(np.nanmedian(self.g[:few]))


def assemble(
    trains: Sequence[Train], rows: Rows, source: str, ltd: str | None = None, only: str | None = None, remedy: str = ""
) -> None:
    """Fill rows with trains.

    Parameters
    ----------
    trains : sequence of Train
        In the order of time, device after device.
    rows : Rows
        Takes the columns, the remarks, and what was turned round.
    source : str
        The file.
    ltd : "rising" or "falling", optional
        How LTD is listed; none: decided by the blocks.
    only : "ltp" or "ltd", optional
        The branch that is kept.
    remedy : str
        What to do where the branches move the wrong way.

    Raises
    ------
    DataError
        When there is no train, words for the branches contradict the movement, or branches have no range in common.
    """
    trains = [train for train in trains if len(train.g) > 1]
    if not trains:
        raise DataError("a file of pulses must hold a train", got="none of two reads or more", where=source,
                        do=f"See what was read: synarray device fit {source} --explain.")  # fmt: skip
    by_device: dict[str, list[Train]] = {}
    for train in trains:
        by_device.setdefault(train.device, []).append(train)
    _require_movement(trains, source)
    _tell_kinds(trains, rows)
    turned = [_order(mine, ltd) for mine in by_device.values()]
    _say_order(trains, sum(turned), ltd, rows)
    if only is not None:
        by_device = {
            name: [t for t in mine if t.sign == (1 if only == "ltp" else -1)] for name, mine in by_device.items()
        }
        by_device = {name: mine for name, mine in by_device.items() if mine}
        rows.remarks.append(f"only {only.upper()} was read, as --only says")
        if not by_device:
            raise DataError(f"--only {only} needs trains of it", got="none", where=source, do="Leave --only out.")
    for mine in by_device.values():
        _require_direction(mine, source, remedy)
        _require_shared_range(mine, source)
    _agree_on_starts(by_device.values())
    parts = [_columns(mine, code) for code, mine in enumerate(by_device.values())]
    rows.G_S, rows.polarity, rows.cycle, rows.pulse, rows.width_s, rows.amplitude_V, codes = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    rows.device_id, rows.names = codes.astype(np.int32), list(by_device)
    for key in ("width_s", "amplitude_V"):
        if not np.isfinite(getattr(rows, key)).any():
            setattr(rows, key, None)


def _require_movement(trains: Sequence[Train], source: str) -> None:
    """Refuse nameless trains that only scatter: polarity is not made up from noise."""
    nameless = [train.g[np.isfinite(train.g)] for train in trains if not train.branch]
    for g in nameless:
        few = max(len(g) // 10, 1)
        off = np.abs(np.diff(g, 2)) / np.sqrt(6.0) if len(g) > 2 else np.zeros(1)
        error = 1.4826 * float(np.median(off)) * np.sqrt(2.0 / few)
        if abs(float(np.median(g[-few:]) - np.median(g[:few]))) > 4.0 * error:
            return
    if nameless:
        raise DataError(
            "the polarity of the pulses must be known", where=source,
            got="neither a polarity nor an amplitude, and conductances that scatter without a direction",
            do=f"Name the column that says it: synarray device fit {source} --columns polarity=NAME (or amplitude_V=NAME).",
        )  # fmt: skip


def _tell_kinds(trains: Sequence[Train], rows: Rows) -> None:
    """Give each train its sign; program and erase by what they did, and nameless ones by their movement."""
    kinds = [train for train in trains if abs(train.branch) == 2]
    raises = sum((1 if train.rises else -1) * (1 if train.branch > 0 else -1) for train in kinds) >= 0
    for train in trains:
        if abs(train.branch) == 2:
            train.sign = (1 if train.branch > 0 else -1) * (1 if raises else -1)
        else:
            train.sign = train.branch or (1 if train.rises else -1)
    if kinds:
        turned = "program pulses raise" if raises else "program pulses lower"
        rows.remarks.append(f"program and erase were distinguished by what they did: {turned} the conductance")


def _order(mine: list[Train], ltd: str | None) -> int:
    """Turn LTD trains round that are listed from the lowest conductance up; return how many."""
    if ltd == "falling":
        return 0
    named = [train for train in mine if train.branch]
    if named:
        down = [train for train in named if train.sign < 0]
        turned = [train for train in down if train.rises] if ltd == "rising" or _all_rise(named) else []
    else:
        turned = mine[1::2] if ltd == "rising" or _in_neurosims_order(mine) else []
    turned = [train for train in turned if not train.goes_on]
    for train in turned:
        train.g, train.sign = train.g[::-1], -1
    return len(turned)


def _all_rise(trains: Sequence[Train]) -> bool:
    """Whether LTP rises, or is not there, and LTD rises as well."""
    up = [train.rises for train in trains if train.sign > 0]
    down = [train.rises for train in trains if train.sign < 0]
    return (not up or sum(up) > 0.5 * len(up)) and sum(down) > 0.5 * len(down)


def _in_neurosims_order(mine: Sequence[Train]) -> bool:
    """Whether blocks without names that all rise are LTP and LTD in turn, by their ends and their shapes."""
    if len(mine) < 2 or len(mine) % 2 or not all(train.rises for train in mine):
        return False
    one, two = mine[0].g, mine[1].g
    if two[0] >= one[-1] - 0.25 * np.ptp(one):  # it continues where the first ended
        return False
    if len(mine) == 2:
        return True
    shapes = np.array([np.interp(np.linspace(0, 1, 33), np.linspace(0, 1, len(t.g)), t.g) for t in mine])
    shapes = (shapes - shapes.min()) / max(float(np.ptp(shapes)), 1e-300)
    beside = float(np.abs(shapes[0::2] - shapes[1::2]).mean())
    alike = float((np.abs(np.diff(shapes[0::2], axis=0)).mean() + np.abs(np.diff(shapes[1::2], axis=0)).mean()) / 2)
    return beside > 2.0 * alike


def _say_order(trains: Sequence[Train], turned: int, ltd: str | None, rows: Rows) -> None:
    unnamed = any(not train.branch for train in trains)
    if turned:
        how = "as --ltd rising says" if ltd else "which falls in time (--ltd falling if it does not)"
        rows.remarks.append(
            f"NeuroSim's order: LTD is listed from the lowest conductance up; {turned} block{'s were' if turned > 1 else ' was'} "
            f"turned round, {how}"
        )
    elif unnamed:
        rows.remarks.append("a block of pulses whose conductance rises was read as LTP, one that falls as LTD")


def _require_direction(mine: Sequence[Train], source: str, remedy: str) -> None:
    """Refuse names for LTP and LTD that contradict what the pulses did."""
    named = [train for train in mine if abs(train.branch) == 1]
    wrong = [train for train in named if train.rises != (train.sign > 0)]
    if len(wrong) > 0.5 * len(named):
        ends = ", ".join(f"{'LTP' if t.sign > 0 else 'LTD'} from {t.g[0]:.3g} to {t.g[-1]:.3g} S" for t in wrong[:2])
        raise DataError(
            "LTP must raise and LTD lower the conductance", got=ends, where=source,
            do=remedy or "Check which is which, and whether these are resistances.",
        )  # fmt: skip


def _require_shared_range(mine: Sequence[Train], source: str) -> None:
    """Refuse branches that cannot be of one device between the same ends."""
    up, down = ([t for t in mine if t.sign == sign] for sign in (1, -1))
    if not up or not down:
        return
    (low_up, top_up), (low_down, top_down) = (
        (float(np.median([t.g.min() for t in side])), float(np.median([t.g.max() for t in side])))
        for side in (up, down)
    )
    if abs(top_up - top_down) <= _APART * max(top_up - low_up, top_down - low_down):
        return
    ends = [quantity(g, "S") for g in (low_up, top_up, top_down, low_down)]
    raise DataError(
        "the branches of a device must share a range", where=source,
        got=f"LTP from {ends[0]} to {ends[1]}, LTD from {ends[2]} down to {ends[3]}",
        do=f"Fit one of them: synarray device fit {source} --only ltp (or --only ltd).",
    )  # fmt: skip


def _columns(mine: Sequence[Train], code: int) -> tuple[Floats, ...]:
    """Return conductance, polarity, cycle, pulse, width, voltage and device of each row."""
    g, polarity, cycle, pulse, width, volts = [], [], [], [], [], []
    signs, number, count, last = set[int](), 0, -1, np.nan
    for train in mine:
        if train.sign in signs or not signs:
            signs, count, number, last = set(), count + 1, 0, np.nan
        signs.add(train.sign)
        n = len(train.g)
        before = _starts_before(train, last)
        if before and np.isfinite(last) and abs(train.g[0] - last) > _CLOSE * np.ptp(train.g):
            number += 1  # a gap: the train does not continue the one before
        signed = np.full(n, float(train.sign))
        signed[0] = 0.0 if before else signed[0]
        g.append(train.g)
        polarity.append(signed)
        cycle.append(np.full(n, float(count)))
        pulse.append(number + np.arange(n, dtype=float) + (not before and number == 0))
        number, last = int(pulse[-1][-1]) + 1, float(train.g[-1])
        width.append(np.full(n, train.width))
        volts.append(np.where(signed != 0, train.volts, np.nan))
    joined = [np.concatenate(part) for part in (g, polarity, cycle, pulse, width, volts)]
    return *joined, np.full(len(joined[0]), float(code))


def _agree_on_starts(groups: Iterable[list[Train]]) -> None:
    """Take the first reads of all trains of a file for the state before, or all for a state after a pulse, as most show."""
    groups = list(groups)
    votes = [
        _starts_before(b, float(a.g[-1]))
        for mine in groups
        for a, b in pairwise(mine)
        if b.before is None and not b.goes_on
    ]
    if votes:
        for mine in groups:
            for train in mine:
                if train.before is None and not train.goes_on:
                    train.before = sum(votes) >= 0.5 * len(votes)


def _starts_before(train: Train, last: float) -> bool:
    """Whether the first read is the state before the train, as far as the one before it tells."""
    if train.before or train.goes_on:
        return bool(train.before)
    if train.before is False:
        return bool(
            train.g[0] == last != train.g[1]
        )  # numbered from 1, and yet the read at which the train before ended
    if not np.isfinite(last):
        return True
    return bool(abs(train.g[0] - last) < 0.5 * abs(train.g[1] - train.g[0]))
