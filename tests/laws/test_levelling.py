"""Wear levelling: the exact wear of a network that lies elsewhere each time, against rolling it there one training at a time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synarray import DeviceSpec
from synarray.cost.levelling import KINDS, levelled_trainings, move, stride, visits
from synarray.cost.wear import share_failed, trainings_left

SHAPES = [(8, 6), (7, 5), (1, 9), (4, 4), (16, 1)]


def shifts(n: int, shape: tuple[int, int], kind: str) -> list[tuple[int, int]]:
    """Where the network lies at trainings 0, 1, ... n - 1, told one by one."""
    rows, columns = KINDS[kind]
    height, width = shape[0] if rows else 1, shape[1] if columns else 1
    places, extra = [], 0
    for t in range(n):
        if t and t % math.lcm(height, width) == 0:
            extra += 1  # one step aside, where the diagonal has come back to its beginning
        places.append((t * stride(height) % height, (t + extra) * stride(width) % width))
    return places


def worn(maps: npt.NDArray[np.float64], n: int, kind: str) -> npt.NDArray[np.float64]:
    """Pulses of each cell after n trainings, by rolling the counters."""
    total = np.zeros(maps.shape)
    for down, across in shifts(n, maps.shape[1:], kind):  # type: ignore[arg-type]
        total += np.roll(np.nan_to_num(maps), (down, across), axis=(1, 2))
    return total


def some_maps(shape: tuple[int, int], seed: int = 0) -> npt.NDArray[np.float64]:
    """Two arrays, a part of them in use."""
    rng = np.random.default_rng(seed)
    maps = rng.integers(1, 200, (2, *shape)).astype(float)
    maps[:, shape[0] // 2 + 1 :] = np.nan
    return maps


@given(st.integers(1, 3000))
def test_the_stride_reaches_every_line_and_lies_near_the_golden_section(lines: int) -> None:
    s = stride(lines)
    assert math.gcd(s, lines) == 1
    assert abs(s - 0.618 * lines) <= max(3.0, 0.02 * lines)
    assert len({t * s % lines for t in range(lines)}) == lines


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_whole_cycle_visits_every_place_as_often(kind: str, shape: tuple[int, int]) -> None:
    rows, columns = (n if moves else 1 for n, moves in zip(shape, KINDS[kind], strict=True))
    counts = visits(3 * rows * columns, shape, kind)
    assert (counts[:rows, :columns] == 3).all()
    assert counts.sum() == 3 * rows * columns


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 5, 40, 53])
def test_visits_are_those_of_shifting_one_training_at_a_time(kind: str, shape: tuple[int, int], n: int) -> None:
    expected = np.zeros(shape)
    for place in shifts(n, shape, kind):
        expected[place] += 1
    if n <= np.count_nonzero(visits(10_000, shape, kind)):  # later cycles repeat the first
        np.testing.assert_array_equal(visits(n, shape, kind), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("beta", [0.7, 1.0, 3.0])
def test_the_share_is_reached_after_so_many_trainings_rolled_by_hand(
    kind: str, shape: tuple[int, int], beta: float
) -> None:
    """The failed share of counters that were rolled and added one training after another crosses at that number."""
    maps = some_maps(shape)
    device = DeviceSpec(endurance=3000, endurance_shape=beta)
    left = levelled_trainings(maps, device, 0.3, kind)
    rows, columns = KINDS[kind]
    turns = ~np.isnan(maps)
    if rows:
        turns = turns | turns.any(axis=1, keepdims=True)
    if columns:
        turns = turns | turns.any(axis=2, keepdims=True)
    cycle = (shape[0] if rows else 1) * (shape[1] if columns else 1)
    before, after = (share_failed(_repeated(maps, n, cycle, kind)[turns], device) for n in (int(left), int(left) + 1))
    assert before <= 0.3 + 1e-6
    assert after >= 0.3 - 1e-6


def _repeated(maps: npt.NDArray[np.float64], n: int, cycle: int, kind: str) -> npt.NDArray[np.float64]:
    whole, rest = divmod(n, cycle)
    return whole * worn(maps, cycle, kind) + worn(maps, rest, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_even_wear_of_a_full_array_cannot_be_levelled(kind: str) -> None:
    device = DeviceSpec(endurance=1e5, endurance_shape=2)
    maps = np.full((1, 12, 10), 37.0)
    assert levelled_trainings(maps, device, 0.01, kind) == pytest.approx(trainings_left(maps, device, 0.01), rel=1e-6)


def test_in_the_long_run_each_line_wears_by_its_mean() -> None:
    """Lives of a million cycles: shifted rows wear as the mean over rows, both as the mean of the array."""
    maps, device = some_maps((8, 6)), DeviceSpec(endurance=1e10, endurance_shape=2)
    full = np.nan_to_num(maps)
    for kind, axes in (("rows", 1), ("columns", 2), ("both", (1, 2))):
        mean = np.broadcast_to(full.mean(axis=axes, keepdims=True), full.shape)
        taking_turns = mean if kind != "columns" else mean[:, : 8 // 2 + 1]
        expected = trainings_left(taking_turns, device, 0.01)
        assert levelled_trainings(maps, device, 0.01, kind) == pytest.approx(expected, rel=1e-4)


def test_levelling_gains_where_wear_accumulates_and_there_is_room() -> None:
    maps, device = some_maps((32, 32)), DeviceSpec(endurance=1e6, endurance_shape=2)
    plain = trainings_left(maps[~np.isnan(maps)], device)
    rows, columns, both = (levelled_trainings(maps, device, 0.01, kind) for kind in KINDS)
    assert plain < columns < both
    assert plain < rows <= both * 1.001


def test_what_is_not_known_stays_so() -> None:
    assert math.isnan(levelled_trainings(some_maps((4, 4)), DeviceSpec(), 0.01, "rows"))
    assert levelled_trainings(np.zeros((1, 4, 4)), DeviceSpec(endurance=1), 0.01, "rows") == math.inf


def test_moving_a_binary_network_flips_the_bits_that_differ() -> None:
    """Counted by hand: a column of bits 1 0 0 in an array of three rows, shifted by the stride of 3, which is 2."""
    device = DeviceSpec(law="binary", g_min=1e-6, g_max=9e-6, v_ltp=2.0, t_ltp=1e-6, v_ltd=-1.0, t_ltd=3e-6)
    assert stride(3) == 2
    bits = np.array([9e-6, 1e-6, 1e-6]).reshape(1, 3, 1)
    moved = move(bits, device)  # becomes 0 0 1: one bit up, one down
    assert moved is not None
    assert (moved.pulses, moved.reads) == (2, 3)
    up, down = 2.0**2 * 1e-6 * 5e-6, 1.0**2 * 3e-6 * 5e-6
    reads = device.v_read**2 * device.t_read * (9e-6 + 1e-6 + 1e-6)
    assert moved.energy == pytest.approx(up + down + reads)
    assert moved.seconds == pytest.approx(1e-6 + 3e-6 + 3 * device.t_read)


def test_moving_an_analog_network_takes_the_pulses_of_its_law() -> None:
    """Linear cells with 50 levels: from g_min to the middle of the range, 25 pulses less the 2 % that are close enough."""
    device = DeviceSpec(n_levels_ltp=50, n_levels_ltd=50, e_ltp=1e-12)
    g = np.full((1, 10, 1), np.nan)
    g[0, 0, 0] = (device.g_min + device.g_max) / 2
    moved = move(g, device)
    assert moved is not None
    assert moved.pulses == 24
    assert moved.reads == 1 + 25
    assert moved.seconds == pytest.approx(24 * device.t_ltp + 26 * device.t_read)
    assert moved.energy == pytest.approx(24e-12, rel=1e-3)
    assert move(g, DeviceSpec(law="exact")) is None
