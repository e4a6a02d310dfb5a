"""Every countable hardware action. A run counts these; joules, seconds and wear are derived from the counts later.

Counts kept per output neuron are the columns of one int64 table (:class:`NeuronEvent`); counts that belong to the whole
network are the entries of a second (:class:`NetworkEvent`).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["LEVELS", "NetworkEvent", "NeuronEvent"]

LEVELS = 508
"""Levels of one cell between g_min and g_max: a pulse adds the cell's state, 0..254, before and after it."""


class NeuronEvent(IntEnum):
    """What is counted for each output neuron: the columns of the table ``neuron_events[neuron, event]``."""

    OUTPUT_SPIKE = 0  # the neuron won a window while learning; its threshold made one step
    CELL_READ = 1  # cell of a learning weight looked up before its update (the law depends on the weight)
    LTP_PULSE = 2  # programming pulse on one cell that raises its conductance (in a digital word: a bit set)
    LTD_PULSE = 3  # programming pulse on one cell that lowers it (a bit reset, a cell of a pair reset)
    PULSE_AT_BOUND = (
        4  # of the LTP and LTD pulses, those that met a cell already at its limit, or stuck, and moved nothing
    )
    PULSE_SKIPPED = 5  # pulse the law called for, not sent because the cell is pruned
    PRUNING_PULSE = 6  # pulse that brought a cell to the pruned value
    CELL_PRUNED = 7  # weight frozen or removed
    VERIFY_READ = 8  # cell read to see whether a pulse arrived, or whether its pair needs a refresh
    PULSE_FAILED = 9  # of all pulses, those that did not switch their cell: write failure, stochastic switching
    PAIR_REFRESH = 10  # differential pair reset and programmed again because it came close to the end of its range
    INITIAL_PULSE = 11  # pulse that brought a cell from the lowest conductance to where learning starts
    MASK_LOOKUP = 12  # bit of the alive mask looked up before an update
    # The conductance that pulses and reads of cells met: g above g_min, in units of (g_max - g_min) / LEVELS, summed
    LTP_LEVEL = 13
    LTD_LEVEL = 14
    PRUNING_LEVEL = 15
    INITIAL_LEVEL = 16
    CELL_READ_LEVEL = 17
    VERIFY_LEVEL = 18


class NetworkEvent(IntEnum):
    """What is counted for the whole network: the entries of ``network_events[event]``."""

    PRESENTATION = 0  # image shown while learning
    INPUT_SPIKE = 1  # input active in a window (at least one spike within it)
    ROW_READ = 2  # row of a tile driven by its read voltage for one window
    COLUMN_SENSE = 3  # column current of a tile sensed for one window
    ROW_CELL = 4  # weight on a row that is driven, read with it
    ROW_LEVEL = 5  # the conductance these weights met, as the levels of ``NeuronEvent``
    COLUMN_CLIPPED = 6  # of the columns sensed, those beyond the range of their converter
