"""What reads meet: states of cells, and their sums by row and by neuron, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from synarray.array.kernels import see_states, sum_levels


def test_states_are_steps_of_a_127th_from_the_lowest_weight_on_and_end_with_the_range() -> None:
    w = np.concatenate([np.arange(-127, 128) / 127.0, [-1.3, -1.004, 1.004, 1.3]]).astype(np.float32)
    states = np.empty(w.size, np.uint8)
    see_states(w, states)
    assert states.tolist() == [*range(255), 0, 0, 254, 254]
    between = np.random.default_rng(0).uniform(-1, 1, 10_000).astype(np.float32)
    states = np.empty(between.size, np.uint8)
    see_states(between, states)
    assert (np.abs(states - 127.0 * (between.astype(np.float64) + 1.0)) < 0.5001).all()


@pytest.mark.parametrize("n_slices", [1, 3])
def test_states_are_summed_by_row_and_by_neuron(n_slices: int) -> None:
    """Two tiles of different sizes; some cells are absent, some are connected but no longer learn."""
    rng = np.random.default_rng(n_slices)
    rows, columns = (11, 4), (3, 5)
    row_start, neuron_start = (np.concatenate([[0], np.cumsum(sizes)]) for sizes in (rows, columns))
    levels = rng.integers(0, 255, (n_slices, sum(columns), max(rows))).astype(np.uint8)
    connected, alive = (rng.integers(0, 2, levels.shape[1:]).astype(np.uint8) for _ in range(2))
    n_cells, by_row = np.zeros((2, sum(rows) + 1), np.int64)
    n_alive, by_neuron = np.zeros((2, sum(columns)), np.int64)
    sum_levels(levels, connected, alive, row_start, neuron_start, n_cells, by_row, n_alive, by_neuron)
    for g in range(2):
        tile = slice(neuron_start[g], neuron_start[g + 1]), slice(rows[g])
        own = levels[:, *tile].astype(np.int64)
        part = slice(row_start[g], row_start[g + 1])
        np.testing.assert_array_equal(n_cells[part], connected[tile].sum(axis=0, dtype=np.int64))
        np.testing.assert_array_equal(by_row[part], (own * connected[tile]).sum(axis=(0, 1)))
        np.testing.assert_array_equal(n_alive[tile[0]], alive[tile].sum(axis=1, dtype=np.int64))
        np.testing.assert_array_equal(by_neuron[tile[0]], (own * alive[tile]).sum(axis=(0, 2)))
    assert (n_cells[-1], by_row[-1]) == (0, 0)
