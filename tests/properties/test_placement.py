"""Laying a network into arrays: every cell once, nothing beside the array, and in words what would fit when it does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synarray.array.geometry import ArraySpec, place
from synarray.errors import SpecError

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")

Network = tuple[list[tuple[int, int]], int, ArraySpec]

tiles = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6)
slices = st.integers(1, 5)
arrays = st.builds(ArraySpec, rows=st.integers(1, 60), columns=st.integers(1, 60), count=st.integers(1, 6))


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int, ArraySpec]:
    """Tiles, slices, and arrays that have room for them: just enough cells, or far more."""
    shapes, n, spec = draw(tiles), draw(slices), draw(arrays)
    least = -(-n * sum(rows * columns for rows, columns in shapes) // (spec.rows * spec.columns))
    count = least if draw(st.booleans()) else least + 1000
    return shapes, n, ArraySpec(rows=spec.rows, columns=spec.columns, count=count)


def numbered(shapes: list[tuple[int, int]], n: int) -> list[npt.NDArray[np.float64]]:
    """Tiles [slice, pre, post] in which every cell of the network has a number of its own."""
    first, made = 0, []
    for rows, columns in shapes:
        made.append(np.arange(first, first + n * rows * columns, dtype=float).reshape(n, rows, columns))
        first += n * rows * columns
    return made


@settings(max_examples=200)
@given(networks())
def test_every_cell_of_every_slice_is_covered_once(network: Network) -> None:
    shapes, n, spec = network
    covered = [np.zeros((n, *shape), int) for shape in shapes]
    for block in place(shapes, n, spec).blocks:
        covered[block.tile][block.cell, block.rows, block.columns] += 1
    assert all((part == 1).all() for part in covered)


@settings(max_examples=200)
@given(networks())
def test_blocks_stay_in_the_array_and_never_overlap(network: Network) -> None:
    shapes, n, spec = network
    found = place(shapes, n, spec)
    taken = np.zeros((found.n_arrays, spec.rows, spec.columns), int)
    for block in found.blocks:
        array, rows, columns = block.place
        assert 0 <= array < spec.count
        assert 0 <= rows.start < rows.stop <= spec.rows
        assert 0 <= columns.start < columns.stop <= spec.columns
        taken[block.place] += 1
    assert taken.max() == 1
    assert taken.sum() == n * sum(rows * columns for rows, columns in shapes)
    assert taken.any(axis=(1, 2)).all()  # no array is left out


@settings(max_examples=200)
@given(networks())
def test_laying_out_and_collecting_undo_each_other(network: Network) -> None:
    shapes, n, spec = network
    found, values = place(shapes, n, spec), numbered(shapes, n)
    maps = found.lay(values)
    total = sum(part.size for part in values)
    assert np.isnan(maps).sum() == maps.size - total
    np.testing.assert_array_equal(np.sort(maps[~np.isnan(maps)]), np.arange(total))
    back = [np.full_like(part, -1) for part in values]
    found.collect(maps, back)
    for part, again in zip(values, back, strict=True):
        np.testing.assert_array_equal(again, part)


@given(st.integers(1, 60), st.integers(1, 60), arrays)
def test_a_tile_is_cut_only_where_an_array_ends(rows: int, columns: int, spec: ArraySpec) -> None:
    """With arrays enough, a tile makes just the blocks that its own size calls for."""
    spec = ArraySpec(rows=spec.rows, columns=spec.columns, count=5000)
    blocks = place([(rows, columns)], 1, spec).blocks
    if rows <= spec.rows:
        assert all(block.rows == slice(0, rows) for block in blocks)
        assert len(blocks) == -(-columns // spec.columns)
    else:
        assert {block.rows.start for block in blocks} >= {0, spec.rows}


@settings(max_examples=300)
@given(tiles, slices, arrays)
def test_a_network_is_refused_just_when_it_has_more_cells_than_there_are_in_four_parts(
    shapes: list[tuple[int, int]], n: int, spec: ArraySpec
) -> None:
    needed, one = n * sum(rows * columns for rows, columns in shapes), spec.rows * spec.columns
    try:
        found = place(shapes, n, spec)
    except SpecError as error:
        assert needed > spec.n_cells
        assert all((error.rule, error.got, error.where, error.do))
        assert f"{needed:,} cells" in error.got and f"{spec.n_cells:,}" in error.got
        assert f"{needed / one:.2f} arrays" in error.got
    else:
        assert needed <= spec.n_cells
        assert found.n_arrays <= spec.count
        assert -(-needed // one) <= found.n_arrays


@settings(max_examples=300)
@given(tiles, slices, arrays)
def test_the_number_of_arrays_that_a_refusal_asks_for_is_enough(
    shapes: list[tuple[int, int]], n: int, spec: ArraySpec
) -> None:
    try:
        place(shapes, n, spec)
    except SpecError as error:
        count = int(error.do.partition("array.count = ")[2].split()[0])
        assert count > spec.count
        place(shapes, n, ArraySpec(rows=spec.rows, columns=spec.columns, count=count))


def test_the_message_of_the_issue() -> None:
    """398 inputs on 500 neurons in 8 bits: 1024 x 512 cells are a third of it."""
    with pytest.raises(SpecError) as caught:
        place([(398, 500)], 8, ArraySpec(), "bits")
    assert caught.value.got == (
        "500 neurons x 398 inputs x 8 bits = 1,592,000 cells; this array has 524,288: "
        "fits 164 neurons at 8 bits, or 500 at 2 bits, or 3.04 arrays"
    )
    assert "array.count = 4" in caught.value.do
    assert place([(398, 500)], 8, ArraySpec(count=4)).n_arrays == 4


@pytest.mark.parametrize(("neurons", "bits"), [(164, 8), (500, 2)])
def test_what_the_message_offers_does_fit(neurons: int, bits: int) -> None:
    assert place([(398, neurons)], bits, ArraySpec()).n_arrays == 1


def test_no_offer_is_made_of_what_cannot_be() -> None:
    """A network with more weights than the array has cells fits at no number of bits."""
    with pytest.raises(SpecError) as caught:
        place([(1000, 1000)], 2, ArraySpec(), "bits")
    assert "at 0 bits" not in caught.value.got
    with pytest.raises(SpecError) as caught:
        place([(1000, 500)], 8, ArraySpec(rows=10, columns=10), "bits")
    assert "0 neurons" not in caught.value.got.removeprefix("500 neurons x 1000 inputs")
