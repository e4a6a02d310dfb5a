"""Reads that cannot be used: no numbers, overflows, other units, and single ones far from those before and after them.

Conductances of one file are in one unit. Rows in another are recognised by what no device does: a train whose lower and upper end
both lie a hundred times beyond those of the others, or pulses of one polarity that move a cell a hundredfold up and down again.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.rows.measured import Rows

__all__ = ["FAR", "OVERFLOW", "listed", "require_one_unit", "spikes", "usable"]

OVERFLOW = 1e30
"""Source-measure units write 9.9e37 or 9.91e37 where a reading was beyond their range."""
FAR = "read far from those before and after it"
"""Why a wild read is not used."""
_LARGEST_G = 1.0
"""S; no memory cell conducts as well."""
_MOST_BAD = 0.5
_MOST_WILD = 0.005
"""Share of rows above 1 S that are slips; more are another unit."""
_APART = 2.0
"""Decades that a pulse moves a cell and one of the same polarity moves it back only where the unit changes."""
_SIGMAS, _SHARE, _AGREE = 12.0, 0.05, 0.25
"""A spike: so many standard deviations, so much of the range; its neighbours agree to so much of it."""
_ENOUGH = 200
"""Rows from which on a device is judged by itself."""
_FEW = 8
_ISOLATED = 0.05
"""Share of the turning points that may be spikes; where there are more, it is what the device does."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def listed(counts: dict[str, int]) -> str:
    """Write counts with their reasons.

    Examples
    --------
    >>> listed({"duplicated row": 2, "negative conductance": 1, "conductance that is no number": 3})
    '2 duplicated rows, 1 negative conductance, 3 conductances that are no numbers'
    """
    return ", ".join(f"{count:,} {reason if count == 1 else _several(reason)}" for reason, count in counts.items())


def _several(reason: str) -> str:
    reason = re.sub(r"\b(row|reading|read|conductance|place)\b", r"\1s", reason, count=1)
    return reason.replace("that is no number", "that are no numbers").replace(
        "before and after it", "before and after them"
    )


def usable(rows: Rows, source: str) -> Bools:
    """Find the rows that hold a conductance, and count the others.

    Raises
    ------
    DataError
        When conductances are not in siemens, or more than half of them are none.
    """
    g = rows.G_S
    finite = np.isfinite(g)
    over = finite & (np.abs(g) >= OVERFLOW)
    negative, beyond = finite & ~over & (g < 0), finite & ~over & (g > _LARGEST_G)
    held = int(np.count_nonzero(finite & ~over))
    if (wild := int(np.count_nonzero(beyond))) > max(_MOST_WILD * held, 1 if held > 20 else 0):
        mixed = "all of them" if wild == held else f"{wild / held:.0%} of them, the others below"
        raise DataError(
            "conductances must be in siemens, one unit for the whole column", got=f"values above 1 S ({mixed})",
            where=f"{source}, column G_S", do="Convert them, or say the unit in the column's name, as in G_uS, "
            "Conductance (nS) or R_ohm.",
        )  # fmt: skip
    rows.discard("overflow reading", int(np.count_nonzero(over)))
    rows.discard("conductance that is no number", int(np.count_nonzero(~finite)))
    rows.discard("negative conductance", int(np.count_nonzero(negative)))
    rows.discard("conductance above 1 S", wild)
    keep: Bools = finite & ~over & ~negative & ~beyond
    if len(g) and np.count_nonzero(~keep) > _MOST_BAD * len(g):
        do = "Check the column and its sign, or name another with --columns G_S=NAME."
        if 2 * np.count_nonzero(negative & (g > -18.0) & (g < -1.0)) > len(g):
            do = "If these are logarithms, say so in the column's name: log10 G (S)."
        raise DataError(
            "more than half of the rows must hold a conductance", got=listed(rows.discarded), where=f"{source}, column G_S",
            do=do,
        )  # fmt: skip
    return keep


def require_one_unit(device: Codes, cycle: Floats, polarity: Floats, g: Floats, source: str) -> None:
    """Refuse rows that are in another unit than the rest.

    Raises
    ------
    DataError
        When trains, or rows within trains, lie a hundred times apart in a way that no device does.
    """
    if len(g) < 2 * _FEW:
        return
    log = np.log10(np.maximum(g, 1e-30))
    got = _trains_apart(device, cycle, log, g) or _rows_apart(device, cycle, polarity, log)
    if got:
        raise DataError(
            "conductances must be in one unit for the whole column", got=got, where=f"{source}, column G_S",
            do="Convert the rows that are in another unit; measure devices that differ as much apart from each other.",
        )  # fmt: skip


def _trains_apart(device: Codes, cycle: Floats, log: Floats, g: Floats) -> str:
    """Tell of trains whose lower and upper end both lie far from those of the others.

    A cell that is stuck shares one end with those that work; a binary cell has two ends, both of which others share.
    """
    starts = np.flatnonzero(np.r_[True, (np.diff(device) != 0) | (np.diff(cycle) != 0)])
    lengths = np.diff(np.r_[starts, len(log)])
    low, high = np.minimum.reduceat(log, starts), np.maximum.reduceat(log, starts)
    if len(starts) < 2:
        return ""
    rows_below = np.cumsum(lengths[order := np.argsort(high, kind="stable")])
    for share in (0.25, 0.75):  # the train in the middle may be the one in which the unit changes
        one = order[np.searchsorted(rows_below, share * len(log))]
        below, above = low - low[one], high - high[one]
        prefix = np.rint((below + above) / 6.0)  # 1 for a thousandfold
        apart = (prefix != 0) & (np.abs(below + above - 6.0 * prefix) < 1.4) & (np.abs(below - above) < 1.0)
        bridge = (low <= high[one] + 0.5) & (high >= low[one] - 0.5) & (high - low >= 2.5)  # cells that have both ends
        if high[one] - low[one] < 2.5 and np.count_nonzero(bridge) > max(1.0, 0.05 * len(starts)):
            continue
        if (count := int(lengths[apart].sum())) >= 3:
            times, at = 1000.0 ** prefix[apart][0], starts[apart][0]
            return f"{count:,} of {len(log):,} rows about {times:g} times the others ({g[at]:.3g} S)"
    return ""


def _rows_apart(device: Codes, cycle: Floats, polarity: Floats, log: Floats) -> str:
    """Tell of pulses of one polarity that move a cell a hundredfold up and down again, more often than single slips do."""
    last = np.maximum.accumulate(
        np.where(polarity != 0, np.arange(len(log)), 0)
    )  # a read belongs to the pulses before it
    sign = polarity[last]
    run = np.cumsum(np.r_[True, (np.diff(device) != 0) | (np.diff(cycle) != 0) | (np.diff(sign) != 0)])
    jump = np.diff(log) * (np.diff(run) == 0)
    jump[(log[1:] <= -29) | (log[:-1] <= -29)] = 0.0  # from and to 0 S every step is infinite
    up = np.bincount(run[1:], jump > _APART)
    down = np.bincount(run[1:], jump < -_APART)
    slips = float(np.minimum(up, down).sum())
    step = np.diff(log) * (np.diff(device) == 0) * (np.diff(cycle) == 0)
    jumps = np.flatnonzero((np.abs(step) > _APART) & (np.minimum(log[1:], log[:-1]) > -29))
    if (
        len(jumps) == 1
        and _stays(device, cycle, int(jumps[0]))
        and abs(abs(step[jumps[0]]) - 3.0) < 0.5
        and step[jumps[0]] * polarity[jumps[0] + 1] < 0
    ):
        return f"a pulse that moves a device {10.0 ** abs(step[jumps[0]]):,.0f} times against its polarity, which stays there"
    if slips < max(3.0, 0.01 * len(log)):
        return ""
    return f"pulses of one polarity that move a device more than a hundredfold up and down again, {slips:,.0f} times"


def _stays(device: Codes, cycle: Floats, jump: int) -> bool:
    """Whether the train continues for some rows after a jump."""
    later = min(jump + 3, len(device) - 1)
    return later > jump + 1 and bool(device[later] == device[jump] and cycle[later] == cycle[jump])


def spikes(device: Codes, cycle: Floats, polarity: Floats, g: Floats, rows: Rows) -> Bools:
    """Find single reads far from those before and after them, which agree with each other, and count them.

    Parameters
    ----------
    device, cycle, polarity, g : ndarray, shape (n,)
        In the order of time, device after device.
    rows : Rows
        Takes the count.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    found = np.zeros(len(g), bool)
    starts = np.flatnonzero(np.r_[True, (np.diff(device) != 0) | (np.diff(cycle) != 0)])
    if len(g) < 3 * len(starts):  # pairs of a state and a pulse, as tables are turned into, have no neighbours
        return found
    for _ in range(4):  # spikes side by side hide each other until the larger one is gone
        left = np.flatnonzero(~found)
        more = left[_spikes(device[left], polarity[left], g[left])]
        if not len(more):
            break
        found[more] = True
    rows.discard(FAR, int(np.count_nonzero(found)))
    return found


def _spikes(device: Codes, polarity: Floats, g: Floats) -> npt.NDArray[np.intp]:
    n = len(g)
    if n < _FEW:
        return np.zeros(0, np.intp)
    inner = np.zeros(n, bool)
    inner[1:-1] = (device[2:] == device[:-2]) & (device[1:-1] == device[:-2])
    off, gap = np.zeros(n), np.zeros(n)
    off[1:-1] = g[1:-1] - 0.5 * (g[2:] + g[:-2])
    gap[1:-1] = np.abs(g[2:] - g[:-2])
    noise, low, high = np.zeros(n), np.zeros(n), np.zeros(n)
    for rows in _judged_together(device):
        low[rows], high[rows] = np.percentile(g[rows], [1, 99])
        moved = np.abs(off[rows][inner[rows]])
        moved = moved[moved > 0]  # cells at an end do not move: they tell nothing of the noise
        if len(moved):
            noise[rows] = max(1.4826 * np.median(moved), np.percentile(moved, 95) / 1.96)
    least = np.maximum(_SIGMAS * noise, _SHARE * (high - low))
    out = inner & (np.abs(off) > least) & (gap < _AGREE * np.abs(off)) & _alone(device, g, off)
    following = np.r_[polarity[1:], 0.0]
    one_way = (polarity == following) & (polarity != 0)
    far = (g > high + 0.5 * (high - low)) | (g < low - 0.5 * (high - low))
    out[~one_way] &= (far | (polarity * following == 0))[~one_way]
    for kind in ({-1.0, 1.0}, {-1.0, 0.0}, {0.0, 1.0}, {0.0}):  # what often happens at such a place is no slip
        here = inner & ~one_way & np.isin(polarity, list(kind)) & np.isin(following, list(kind))
        if np.count_nonzero(out & here) > _ISOLATED * np.count_nonzero(here):
            out[here] = False
    return np.flatnonzero(out | _pairs(device, polarity, g, least) | _at_ends(device, g, low, high, least))


def _pairs(device: Codes, polarity: Floats, g: Floats, least: Floats) -> Bools:
    """Find two reads side by side that are both far from those before and after them."""
    out = np.zeros(len(g), bool)
    outer = 0.5 * (g[3:] + g[:-3])
    one, two = g[1:-2] - outer, g[2:-1] - outer
    near = np.minimum(np.abs(one), np.abs(two))
    found = (device[3:] == device[:-3]) & (near > least[1:-2]) & (one * two > 0)
    found &= np.abs(g[3:] - g[:-3]) < _AGREE * near
    found &= (polarity[1:-2] == polarity[2:-1]) & (polarity[2:-1] == polarity[3:]) & (polarity[3:] != 0)
    out[1:-2] |= found
    out[2:-1] |= found
    return out


def _at_ends(device: Codes, g: Floats, low: Floats, high: Floats, least: Floats) -> Bools:
    """Find first and last reads of a device that are far from their only neighbour, and outside the range of all others."""
    out = np.zeros(len(g), bool)
    starts = np.flatnonzero(np.r_[True, np.diff(device) != 0])
    ends = np.r_[starts[1:], len(g)] - 1
    width = high - low
    for rows, beside in ((starts, starts + 1), (ends, ends - 1)):
        longer = ends - starts >= _FEW
        at, by = rows[longer], beside[longer]
        outside = (g[at] > high[at] + width[at]) | (g[at] < low[at] - width[at])
        out[at] = outside & (np.abs(g[at] - g[by]) > least[at])
    return out


def _judged_together(device: Codes) -> list[slice]:
    """Return the rows of each device, or all where one has few."""
    starts = np.flatnonzero(np.r_[True, np.diff(device) != 0])
    ends = np.r_[starts[1:], len(device)]
    if (ends - starts).min() < _ENOUGH:
        return [slice(0, len(device))]
    return [slice(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def _alone(device: Codes, g: Floats, off: Floats) -> Bools:
    """Whether a read is also far from one two places away: between two spikes that is not so."""
    n = len(g)
    far = np.zeros(n)
    known = np.zeros(n, bool)
    for to, of in ((slice(2, n), slice(0, n - 2)), (slice(0, n - 2), slice(2, n))):
        same = device[to] == device[of]
        far[to] = np.maximum(far[to], np.abs(g[to] - g[of]) * same)
        known[to] |= same
    return np.asarray(~known | (far > 0.5 * np.abs(off)), bool)
