"""Curves without polarity: pulse number and conductance, of one device or of several; and a bare list after LTP pulses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.assembly import Train
from synarray.lab.rows.cutting import blocks, restarts, runs
from synarray.lab.rows.measured import Rows

__all__ = ["trains_of_curve"]

Floats = npt.NDArray[np.float64]


def trains_of_curve(rows: Rows, *, rising_only: bool = False) -> list[Train]:
    """Cut the curve of each device into trains: where its cycles change, its numbers start again, or the conductance turns.

    Parameters
    ----------
    rows : Rows
        Conductances, and what is there of devices, cycles and pulse numbers.
    rising_only : bool
        Whether the file holds LTP pulses alone.
    """
    n = len(rows.G_S)
    codes = np.zeros(n, np.int32) if rows.device_id is None else rows.device_id
    trains: list[Train] = []
    cuts = 0
    sound = np.isfinite(rows.G_S)
    rows.discard("conductance that is no number", n - int(np.count_nonzero(sound)))
    for code in np.unique(codes[sound]):
        mine = np.flatnonzero((codes == code) & sound)
        name = rows.names[code] if rows.names else str(code)
        cycle = rows.cycle[mine] if rows.cycle is not None else np.zeros(len(mine))
        edges = [0, *(np.flatnonzero(np.diff(np.nan_to_num(cycle)) != 0) + 1).tolist(), len(mine)]
        for a, b in pairwise(edges):
            number = None if rows.pulse is None else rows.pulse[mine[a:b]]
            found, more = _cut(rows.G_S[mine[a:b]], number, name, rising_only=rising_only)
            trains, cuts = trains + found, cuts + more
            if number is not None and found and found[0].before is False and number.min() == 0:
                said = "the read numbered 0 was taken for the one after the first pulse, since trains are then equally long"
                rows.remarks += [] if said in rows.remarks else [said]
    if cuts:
        rows.repairs.append(
            f"pulse numbers that run on were cut at {cuts:,} turning point{'s' * (cuts > 1)} of the conductance"
        )
    return trains


def _cut(g: Floats, number: Floats | None, device: str, *, rising_only: bool) -> tuple[list[Train], int]:
    """Cut one curve; return its trains and how many turns of the conductance cut it."""
    counted = number is not None and bool(np.isfinite(number).all())
    numbered = blocks(number) if counted and number is not None else [0, len(g)]
    edges = [0, *(a + edge for a, b in pairwise(numbered) for edge in (*restarts(g[a:b]), b - a))]
    trains, cuts = [], len(edges) - len(numbered)
    for a, b in pairwise(edges):
        low = float(number[a:b].min()) if counted and number is not None else np.nan
        before = True if low == 0 else False if low == 1 else None
        inner = [0, b - a] if rising_only else runs(g[a:b], counted_from_0=low == 0)
        if low == 0 and len(inner) == 3 and (halves := runs(g[a:b]))[1] == (b - a) / 2:
            before, inner = False, halves  # equal trains, counted from 0: no read without a pulse
        cuts += len(inner) - 2
        for i, (c, d) in enumerate(pairwise(inner)):
            whole = len(inner) == 2
            train = Train(g[a + c : a + d], int(rising_only), device, before if i == 0 else False, goes_on=not whole)
            trains.append(train)
    return trains, cuts
