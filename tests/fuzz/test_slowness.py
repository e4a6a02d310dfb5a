"""Limits of time are stretched on a processor that is throttled, and only there."""

from __future__ import annotations

import time

import pytest
from harness import MOST_SECONDS, _judge
from slowness import _SECONDS, times_slower


@pytest.mark.parametrize(("factor", "slower"), [(0.5, 1.0), (1.0, 1.0), (6.0, 6.0)])
def test_what_a_limit_is_stretched_by_is_measured(
    monkeypatch: pytest.MonkeyPatch, factor: float, slower: float
) -> None:
    clock = iter([10.0, 10.0 + _SECONDS * factor] * 2)
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    assert times_slower() == pytest.approx(slower)
    answered = {"status": 0, "seconds": 4.0 * MOST_SECONDS, "address": 0, "resident": 0, "forbidden": []}
    assert bool(_judge(answered, "", "", False)) == (slower < 4)
