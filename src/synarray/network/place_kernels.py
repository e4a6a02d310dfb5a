"""Tiles read at many places, and teachers, compiled. The same in plain Python: ``reference_layers.py``. Rules: ``kernels.py``.

    place       one reading of a tile: the inputs its rows are driven by there. A convolution's tile is read at a grid of places
    features    one winner per place; a neuron that won anywhere in a block of places is one active input of the next layer (OR)
    compete     in each group the neurons of the true class compete; later thresholds are calibrated, with all competing
    contrast    all compete; if the winner is of a wrong class, its active cells get LTD, those of the true class's winner LTP

Column k of n belongs to class c when n c // C <= k < n (c + 1) // C.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.read_kernels import drive_rows, finish_read, list_rows, sum_columns
from synarray.compiled import compiled
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.kernels import FORWARD, draw_winner, settle, update_winner
from synarray.rng import Stream
from synarray.rng_kernels import fill_words, word

__all__ = [
    "LESSONS", "Sites", "encode_channels", "features", "learn_places", "weigh_classes",
]  # fmt: skip


class Sites(NamedTuple):
    """Where a network's tiles are read: the places of all groups, one after another."""

    inputs: npt.NDArray[np.int32]  # inputs of a tile's rows at each of its places, place after place, group after group
    input_start: npt.NDArray[np.int64]  # [group] where those of a group begin
    site_start: npt.NDArray[np.int64]  # [group + 1] first place of each group
    at_random: npt.NDArray[np.int64]  # [group] places drawn in a window of learning; 0 = all, in order
    min_active: npt.NDArray[np.int64]  # [group] active inputs below which a place is not read
    row_start: npt.NDArray[np.int64]  # [group + 1] first row of each group's tile
    neuron_start: npt.NDArray[np.int64]  # [group + 1] first neuron of each group


_INPUT, _WINNER, _READ, _PLACE = (np.int64(s) for s in (Stream.INPUT, Stream.WINNER, Stream.READ, Stream.PLACE))
_PRESENTATION, _SPIKE = np.int64(NetworkEvent.PRESENTATION), np.int64(NeuronEvent.OUTPUT_SPIKE)
_HALF = np.uint64(32)
_SILENT = np.int32(-1)


@compiled(allocates=False)
def encode_channels(images, gains, places, intensity, seed, phase, chance, words, noise, block):
    """Draw the input spikes of images in thermometer channels: ``kernels.encode`` with ``intensity`` [channel, 256].

    The channels of a feature are neighbours in ``block`` [presentation, draw, feature x channel].
    """
    active, channels = 0, intensity.shape[0]
    n_inputs = images.shape[1] * channels
    for p in range(places.size):
        gain = np.uint64(gains[p])
        for i in range(images.shape[1]):
            level = min((np.uint64(images[p, i]) * gain + np.uint64(32768)) >> np.uint64(16), np.uint64(255))
            for c in range(channels):
                chance[i * channels + c] = intensity[c, level]
        for m in range(block.shape[1]):
            fill_words(words, n_inputs, seed, _INPUT + (phase << 8), m, places[p])
            for i in range(n_inputs):
                on = noise[i] < chance[i]
                block[p, m, i] = on
                active += on
    return active


# ---- tiles read at many places ----------------------------------------------------------------------------------------


@compiled(allocates=False, inside=True, inlined=True)
def _drive_place(inputs, at, first_row, n_cells, zero_row, x, x_row, rows):
    """Hand the inputs' activity at one place to a tile's rows; list the active ones, filled up to eights with the zero row."""
    places = inputs[at : at + n_cells]
    for j in range(n_cells):
        x_row[j] = x[np.uint32(places[j])]
    return list_rows(x_row, n_cells, first_row, zero_row, rows)


@compiled(allocates=False, inside=True, inlined=True)
def _read(row, n, neuron, columns, place, presentation, stream, seed, cells, threshold, device, bench, totals, driven):
    """Read the listed rows: potentials in ``bench.u``. Counts what is read where there is room to."""
    u, held = bench.u, threshold[neuron : neuron + columns]
    for c in range(columns):
        u[c] = held[c]
    sum_columns(cells.read, bench.rows, n, columns, bench.part, u)
    finish_read(n, neuron, columns, threshold, cells, device, bench, seed, stream, place, presentation, totals)
    if driven.size > 0:
        for a in range(n):
            driven[bench.rows[a]] += np.uint32(1)


@compiled(allocates=False)
def learn_places(
    block, moments, first, seed, sites, cells, neurons, schedule, law, device, pairs, word_, pruning, bench, events, totals,
    driven, winners,
):  # fmt: skip
    """Learn from a block of spikes [presentation, window, input] with tiles that are read at many places.

    ``winners`` [presentation, window, draw] receives each winner, -1 where the place was silent.
    """
    groups, zero_row = sites.row_start.size - 1, cells.read.shape[0] - 1
    draws = np.int64(winners.shape[2])
    for p in range(block.shape[0]):
        presentation, t = first + p, moments[p]
        totals[_PRESENTATION] += 1
        for m in range(block.shape[1]):
            d = np.int64(0)
            for g in range(groups):
                row, n_cells = sites.row_start[g], sites.row_start[g + 1] - sites.row_start[g]
                neuron, columns = sites.neuron_start[g], sites.neuron_start[g + 1] - sites.neuron_start[g]
                n_places = sites.site_start[g + 1] - sites.site_start[g]
                some = sites.at_random[g] if sites.at_random[g] > 0 else n_places
                for i in range(some):
                    place, site = m * draws + d, np.int64(i)
                    if sites.at_random[g] > 0:
                        site = np.int64(
                            (word(np.uint64(d), m, presentation, seed, _PLACE) * np.uint64(n_places)) >> _HALF
                        )
                    at = sites.input_start[g] + site * n_cells
                    n = _drive_place(sites.inputs, at, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows)
                    winners[p, m, d] = _SILENT
                    if n >= sites.min_active[g]:
                        _read(
                            row, n, neuron, columns, place, presentation, _READ, seed, cells, neurons.threshold, device, bench,
                            totals, driven,
                        )  # fmt: skip
                        random = word(np.uint64(d), m, presentation, seed, _WINNER)
                        column = draw_winner(bench.u, columns, schedule.winner, t, random, bench)
                        winners[p, m, d] = neuron + column
                        update_winner(
                            neuron + column, column, row, n_cells, bench.x_row, FORWARD, t, place, presentation, seed, cells,
                            neurons, schedule, law, device, pairs, word_, pruning, bench, events,
                        )  # fmt: skip
                    d += 1
        if p + 1 == block.shape[0] or moments[p + 1] != t:
            settle(neurons.threshold, sites.neuron_start)


@compiled(allocates=False)
def features(
    block, places, seed, phase, sites, cell, channels, cells, neurons, schedule, device, bench, totals, driven, out
):
    """Read a block of spikes at all places and pool the winners: ``out`` [presentation, window, cell x channel]; nothing learns.

    ``cell`` [site] is the block of places that each belongs to; a group's columns are its channels.
    """
    groups, zero_row = sites.row_start.size - 1, cells.read.shape[0] - 1
    for p in range(block.shape[0]):
        for m in range(block.shape[1]):
            out[p, m, :] = 0
            for g in range(groups):
                row, n_cells = sites.row_start[g], sites.row_start[g + 1] - sites.row_start[g]
                neuron, columns = sites.neuron_start[g], sites.neuron_start[g + 1] - sites.neuron_start[g]
                for site in range(sites.site_start[g], sites.site_start[g + 1]):
                    at = sites.input_start[g] + (site - sites.site_start[g]) * n_cells
                    n = _drive_place(sites.inputs, at, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows)
                    if n >= sites.min_active[g]:
                        _read(
                            row, n, neuron, columns, m * cell.size + site, places[p], _READ + (phase << 8), seed, cells,
                            neurons.threshold, device, bench, totals, driven,
                        )  # fmt: skip
                        random = word(np.uint64(site), m, places[p], seed, _WINNER + (phase << 8))
                        column = draw_winner(bench.u, columns, schedule.winner, np.int64(0), random, bench)
                        out[p, m, cell[site] * channels + column] = 1


# ---- teachers ---------------------------------------------------------------------------------------------------------


@compiled(allocates=False)
def learn_compete(
    block, labels, n_classes, moments, first, seed, layout, cells, neurons, schedule, law, device, pairs, word_, pruning, bench,
    events, totals, driven, winners,
):  # fmt: skip
    """Learn from a block of spikes; in each group only the neurons of the true class compete (``labels`` [presentation])."""
    inputs, row_start, neuron_start = layout
    groups, zero_row = row_start.size - 1, cells.read.shape[0] - 1
    for p in range(block.shape[0]):
        presentation, t = first + p, moments[p]
        totals[_PRESENTATION] += 1
        for m in range(block.shape[1]):
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                low, high = columns * labels[p] // n_classes, columns * (labels[p] + 1) // n_classes
                n = drive_rows(inputs, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows, bench.no_count)
                place = m * groups + g
                _read(
                    row, n, neuron, columns, place, presentation, _READ, seed, cells, neurons.threshold, device, bench, totals,
                    driven,
                )  # fmt: skip
                random = word(np.uint64(g), m, presentation, seed, _WINNER)
                column = low + draw_winner(bench.u[low:high], high - low, schedule.winner, t, random, bench)
                winners[p, m, g] = neuron + column
                update_winner(
                    neuron + column, column, row, n_cells, bench.x_row, FORWARD, t, place, presentation, seed, cells, neurons,
                    schedule, law, device, pairs, word_, pruning, bench, events,
                )  # fmt: skip
        if p + 1 == block.shape[0] or moments[p + 1] != t:
            settle(neurons.threshold, neuron_start)


@compiled(allocates=False)
def calibrate(
    block, labels, n_classes, moments, first, seed, layout, cells, neurons, schedule, law, device, pairs, word_, pruning, bench,
    events, totals, driven, winners,
):  # fmt: skip
    """Draw winners among all neurons; where one is of a wrong class, raise the thresholds of the true class, lower its own."""
    inputs, row_start, neuron_start = layout
    groups, zero_row = row_start.size - 1, cells.read.shape[0] - 1
    for p in range(block.shape[0]):
        presentation, t = first + p, moments[p]
        totals[_PRESENTATION] += 1
        for m in range(block.shape[1]):
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                low, high = columns * labels[p] // n_classes, columns * (labels[p] + 1) // n_classes
                n = drive_rows(inputs, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows, bench.no_count)
                _read(
                    row, n, neuron, columns, m * groups + g, presentation, _READ, seed, cells, neurons.threshold, device, bench,
                    totals, driven,
                )  # fmt: skip
                random = word(np.uint64(g), m, presentation, seed, _WINNER)
                column = draw_winner(bench.u, columns, schedule.winner, t, random, bench)
                winners[p, m, g] = neuron + column
                events[neuron + column, _SPIKE] += 1
                if column < low or column >= high:
                    for c in range(low, high):
                        neurons.threshold[neuron + c] += schedule.homeostasis[t]
                    neurons.threshold[neuron + column] -= schedule.homeostasis[t]
        if p + 1 == block.shape[0] or moments[p + 1] != t:
            settle(neurons.threshold, neuron_start)


@compiled(allocates=False)
def learn_contrast(
    block, labels, n_classes, moments, first, seed, layout, cells, neurons, schedule, law, device, pairs, word_, pruning, bench,
    events, totals, driven, winners,
):  # fmt: skip
    """Learn from mistakes only: the wrong winner's active cells get LTD, those of the true class's winner LTP.

    The schedule's pulses are those of the true class's winner at all moments (silent inputs: none), then those of the wrong one;
    its threshold steps are negative, so that the true class's winner gains.
    """
    inputs, row_start, neuron_start = layout
    groups, zero_row, moments_ = row_start.size - 1, cells.read.shape[0] - 1, schedule.homeostasis.size
    for p in range(block.shape[0]):
        presentation, t = first + p, moments[p]
        totals[_PRESENTATION] += 1
        for m in range(block.shape[1]):
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                low, high = columns * labels[p] // n_classes, columns * (labels[p] + 1) // n_classes
                n = drive_rows(inputs, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows, bench.no_count)
                place = m * groups + g
                _read(
                    row, n, neuron, columns, place, presentation, _READ, seed, cells, neurons.threshold, device, bench, totals,
                    driven,
                )  # fmt: skip
                random = word(np.uint64(g), m, presentation, seed, _WINNER)
                wrong = draw_winner(bench.u, columns, schedule.winner, t, random, bench)
                winners[p, m, g] = neuron + wrong
                if low <= wrong < high:
                    continue
                random = word(np.uint64(groups + g), m, presentation, seed, _WINNER)
                right = low + draw_winner(bench.u[low:high], high - low, schedule.winner, t, random, bench)
                for turn in range(2):  # LTP of the right one first: LTD clears the list of active inputs
                    column = right if turn == 0 else wrong
                    update_winner(
                        neuron + column, column, row, n_cells, bench.x_row, turn == 1, t + turn * moments_, 2 * place + turn,
                        presentation, seed, cells, neurons, schedule, law, device, pairs, word_, pruning, bench, events,
                    )  # fmt: skip
                neurons.threshold[neuron + wrong] += schedule.homeostasis[t]
        if p + 1 == block.shape[0] or moments[p + 1] != t:
            settle(neurons.threshold, neuron_start)


@compiled(allocates=False)
def weigh_classes(
    block, places, seed, phase, layout, n_classes, cells, neurons, schedule, device, bench, highest, total, winners
):
    """Read a block of spikes: of each class the highest potential, and sum of 2^16 exp(-beta d) over its neurons below it.

    ``highest``, ``total`` [presentation, window, group, class]; ``winners`` [presentation, window, group]; nothing learns.
    """
    inputs, row_start, neuron_start = layout
    groups, zero_row = row_start.size - 1, cells.read.shape[0] - 1
    table, last = schedule.winner, np.uint32(schedule.winner.shape[1] - 1)
    for p in range(block.shape[0]):
        for m in range(block.shape[1]):
            for g in range(groups):
                row, n_cells = row_start[g], row_start[g + 1] - row_start[g]
                neuron, columns = neuron_start[g], neuron_start[g + 1] - neuron_start[g]
                n = drive_rows(inputs, row, n_cells, zero_row, block[p, m], bench.x_row, bench.rows, bench.no_count)
                _read(
                    row, n, neuron, columns, m * groups + g, places[p], _READ + (phase << 8), seed, cells, neurons.threshold,
                    device, bench, bench.left[:0], bench.no_count,
                )  # fmt: skip
                for c in range(n_classes):
                    low, high = columns * c // n_classes, columns * (c + 1) // n_classes
                    top = bench.u[low]
                    for k in range(low, high):
                        top = max(top, bench.u[k])
                    weight = np.int64(0)
                    for k in range(low, high):
                        weight += np.int64(table[0, min(np.uint32(top - bench.u[k]), last)])
                    highest[p, m, g, c] = top
                    total[p, m, g, c] = weight
                random = word(np.uint64(g), m, places[p], seed, _WINNER + (phase << 8))
                winners[p, m, g] = neuron + draw_winner(bench.u, columns, table, np.int64(0), random, bench)


LESSONS = {"compete": learn_compete, "calibrate": calibrate, "contrast": learn_contrast}
"""What is done with a block of spikes whose classes are known."""
