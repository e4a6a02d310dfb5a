"""Endurance loops: states of low and high resistance over cycles; when the window between them closes, and how it tires.

A loop has failed where the ratio of the two states falls below the square root of what it was at the start, and stays there.
Cells fail at random (shape 1 of the Weibull law): endurance = cycles of all cells / failures, with the interval of a chi-square;
without a failure the file says only that it is not smaller than its lower end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.traces.retention import Aged
from synarray.lab.traces.trends import Number, combined, line_of

__all__ = ["Loop", "fit_endurance"]

Floats = npt.NDArray[np.float64]
_FEWEST = 10
_PULSES_PER_CYCLE = 2.0


class Loop(NamedTuple):
    """States of a cell over its cycles: conductances of the state of low and of high resistance, S."""

    label: str
    cycle: Floats
    on: Floats
    off: Floats


def fit_endurance(loops: list[Loop], source: str) -> Aged:
    """Find endurance, fatigue and the range of a device in its loops.

    Returns
    -------
    Aged
        With ``endurance`` (pulses: two a cycle), ``g_min``, ``g_max``; fatigue per decade of cycles among the facts.

    Raises
    ------
    DataError
        When no loop has ten cycles.

    Examples
    --------
    >>> cycle = np.arange(1.0, 101.0)
    >>> found = fit_endurance([Loop("0", cycle, np.full(100, 1e-4), np.full(100, 1e-6))], "e.csv")
    >>> round(found.numbers["endurance"].low), found.numbers["endurance"].high
    (67, inf)
    """
    from scipy import stats

    kept = [clean for loop in loops if (clean := _clean(loop)) is not None]
    if not kept:
        raise DataError(f"an endurance loop must have {_FEWEST} cycles with both states", got="none", where=source,
                        do="Check the columns: synarray device fit FILE --explain.")  # fmt: skip
    lives = [_life(loop) for loop in kept]
    total = _PULSES_PER_CYCLE * sum(cycles for cycles, _ in lives)
    failures = sum(failed for _, failed in lives)
    low = 2.0 * total / float(stats.chi2.ppf(0.975 if failures else 0.95, 2 * failures + 2))
    high = 2.0 * total / float(stats.chi2.ppf(0.025, 2 * failures)) if failures else float("inf")
    numbers = {"endurance": Number(total / max(failures, 1), low, high)}
    said = [f"{len(kept)} cell{'s' * (len(kept) > 1)}, {failures} failed; {total:,.0f} pulses in all (two a cycle)."]
    if not failures:
        said.append(
            f"No failure within the file: the endurance is above {low:.3g} pulses (95 %); {total:.3g} is put in, not confirmed."
        )
    sound = [(loop.on[:k], loop.off[:k]) for loop, k in ((loop, _until(loop)) for loop in kept)]
    for name, side in (("g_max", 0), ("g_min", 1)):
        values = np.concatenate([pair[side] for pair in sound])
        middle = np.array([float(np.median(pair[side])) for pair in sound])
        error = (
            1.96 * float(middle.std(ddof=1) / np.sqrt(len(middle)))
            if len(middle) > 1
            else float(1.2533 * 1.96 * values.std() / np.sqrt(len(values)))
        )
        numbers[name] = Number(
            float(np.median(middle)), float(np.median(middle)) - error, float(np.median(middle)) + error
        )
    facts = {what: _fatigue(kept, pick) for what, pick in _FATIGUE.items()}
    said += [
        f"{what} changes by {number.value:+.1%} a decade of cycles ({number.low:+.1%} to {number.high:+.1%})."
        for what, number in facts.items()
    ]
    return Aged("endurance", source, numbers, facts, tuple(said))


_FATIGUE: dict[str, Callable[[Loop], Floats]] = {
    "the low-resistance state": lambda loop: loop.on,
    "the high-resistance state": lambda loop: loop.off,
    "the window between them": lambda loop: loop.on / loop.off,
}


def _clean(loop: Loop) -> Loop | None:
    there = np.isfinite(loop.cycle) & np.isfinite(loop.on) & np.isfinite(loop.off) & (loop.on > 0) & (loop.off > 0)
    cycle, on, off = loop.cycle[there], loop.on[there], loop.off[there]
    if len(cycle) < _FEWEST:
        return None
    order = np.argsort(cycle, kind="stable")
    if np.median(on) < np.median(off):
        on, off = off, on
    return Loop(loop.label, cycle[order], on[order], off[order])


def _until(loop: Loop) -> int:
    """Return how many reads come before the window closes for good."""
    window = np.log(loop.on / loop.off)
    closed = window < 0.5 * float(np.median(window[: max(len(window) // 10, 3)]))
    open_still = np.flatnonzero(~closed)
    last = int(open_still[-1]) + 1 if len(open_still) else 0
    return last if len(closed) - last >= 3 else len(closed)


def _life(loop: Loop) -> tuple[float, bool]:
    """Return the cycles a cell went through, and whether it had failed by then."""
    until = _until(loop)
    failed = until < len(loop.cycle)
    return float(loop.cycle[until] if failed else loop.cycle[-1]), failed


def _fatigue(loops: list[Loop], pick: Callable[[Loop], Floats]) -> Number:
    """Return the relative change a decade of cycles, and its interval from the scatter about the line."""
    lines = []
    for loop in loops:
        k = max(_until(loop), 3)
        x = np.log10(np.maximum(loop.cycle[:k], 1.0))
        if np.ptp(x) > 0:
            lines.append(line_of(x, np.log(pick(loop)[:k])))
    if not lines:
        return Number(0.0, float("-inf"), float("inf"))
    value, low, high = combined(np.array([line.slope for line in lines]), np.array([line.error for line in lines]))
    return Number(*(float(np.expm1(part)) for part in (value, low, high)))
