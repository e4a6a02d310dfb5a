"""How slow the processor is just now: limits of time are set for one that is not throttled."""

from __future__ import annotations

import time

__all__ = ["times_slower"]

_ADDITIONS = 1_000_000
_SECONDS = 0.08
"""Processor time of so many additions where limits are not stretched. An estimate, not measured there: a throttled machine took
0.15 to 0.22 s while commands took 3.5 to 3.7 s to begin, which take 1.3 to 1.7 s on the machines that limits were set for."""


def times_slower() -> float:
    """Return how many times longer than on those machines a known piece of work takes just now, at least 1."""
    start, total = time.process_time(), 0
    for i in range(_ADDITIONS):
        total += i
    return max(1.0, (time.process_time() - start) / _SECONDS)
