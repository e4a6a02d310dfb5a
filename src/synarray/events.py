"""Every countable hardware action. A run counts these; joules, seconds and wear are derived from the counts later.

Counts kept per output neuron are the columns of one int64 table (:class:`NeuronEvent`); counts that belong to the whole
network are the entries of a second (:class:`NetworkEvent`).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["NetworkEvent", "NeuronEvent"]


class NeuronEvent(IntEnum):
    """What is counted for each output neuron: the columns of the table ``neuron_events[neuron, event]``."""

    OUTPUT_SPIKE = 0  # the neuron won a window while learning; its threshold made one step
    CELL_READ = 1  # state of a learning cell looked up before its update (the law depends on the weight)
    LTP_PULSE = 2  # strengthening programming pulse on one cell
    LTD_PULSE = 3  # weakening programming pulse on one cell
    PULSE_AT_BOUND = 4  # of the LTP and LTD pulses, those that met a cell already at its limit and moved nothing
    PULSE_SKIPPED = 5  # pulse the law called for, not sent because the cell is pruned
    PRUNING_PULSE = 6  # pulse that brought a cell to the pruned value
    CELL_PRUNED = 7  # cell frozen or removed


class NetworkEvent(IntEnum):
    """What is counted for the whole network: the entries of ``network_events[event]``."""

    PRESENTATION = 0  # image shown while learning
    INPUT_SPIKE = 1  # input active in a window (at least one spike within it)
    ROW_READ = 2  # row of a tile driven by its read voltage for one window
    COLUMN_SENSE = 3  # column current of a tile sensed for one window
