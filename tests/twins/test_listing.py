"""Which flags are set, eight at a time: what NumPy finds, and nothing beyond it is touched."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synarray.compiled import compiled
from synarray.listing_kernels import list_set


@compiled()
def listed(flags, n, first, room):  # type: ignore[no-untyped-def]
    """Call it from compiled code."""
    return list_set(flags, n, first, room)


@settings(deadline=None)  # the first one compiles
@given(st.lists(st.sampled_from([0, 1]), max_size=200), st.integers(0, 2**40), st.integers(0, 30))
def test_flags_that_are_set_are_listed_in_order(flags: list[int], first: int, more: int) -> None:
    n = len(flags)
    room = np.full(n + 3, 7, np.uint64)
    found = listed(np.array([*flags, *[1] * more], np.uint8), np.int64(n), np.int64(first), room)
    assert found == sum(flags)
    np.testing.assert_array_equal(room[:found], first + np.flatnonzero(flags).astype(np.uint64))
    assert (room[n:] == 7).all()
