"""What the speed of a stage is measured with: reads alone, bytes streamed, random words drawn."""

from __future__ import annotations

import numpy as np

from synarray.array.read_kernels import read_tile
from synarray.compiled import compiled
from synarray.rng_kernels import fill_words

__all__ = ["draw_words", "read_block", "stream_bytes"]


@compiled(allocates=False)
def read_block(block, layout, cells, bench):
    """Read a block of spikes, all groups, and draw no winner."""
    inputs, row_start, neuron_start = layout
    zero_row = cells.read.shape[0] - 1
    for p in range(block.shape[0]):
        bench.stale[:] = True
        for m in range(block.shape[1]):
            for g in range(row_start.size - 1):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                columns = neuron_start[g + 1] - neuron_start[g]
                read_tile(g, inputs, row, n_cells, zero_row, block[p, m], cells.read, columns, bench, bench.no_count)


@compiled(allocates=False)
def stream_bytes(n, block):
    """Sum a block of words n times."""
    total = np.uint64(0)
    for _ in range(n):
        for i in range(block.size):
            total ^= block[i]
        block[0] = total
    return total


@compiled(allocates=False)
def draw_words(n, words):
    """Draw a block of random words n times."""
    one = np.int64(1)
    for i in range(n):
        fill_words(words, 2 * words.size, one, one, one, i)
