"""How long a training takes in the array, by schedule.

    sequential     every pulse, look-up and read, one after another
    row-parallel   reads: all columns at once, ``columns_per_adc`` of them in turns on one converter. An output spike: the cells
                   of the neuron's column are looked up at once, by circuits at the word lines, then all LTP pulses of the
                   column are sent at once, then all LTD pulses

The number of updates of a column follows its busiest cell: one per output spike, or as many as that cell had pulses
(the counters of pulses per cell that a run keeps), whichever are more. A bit whose writes may fail is programmed until a verify
finds it written: the column waits for the slowest of the bits that change in one update.
"""

from __future__ import annotations

from synarray.cost.conditions import Conditions

__all__ = ["durations", "slowest"]


def durations(given: Conditions) -> dict[str, float]:
    """Return the time of the training, s, by schedule.

    Returns
    -------
    dict
        ``sequential`` and ``row-parallel``.
    """
    counts, device, periphery = given.counts, given.device, given.periphery
    writing = device.t_ltp * given.pulses_up + device.t_ltd * given.pulses_down
    looking = given.look_ups * (device.t_read + given.sensing_time)
    if given.by_bit:  # the bits of a row at once, row after row
        reading = counts["row_read"] * (device.t_read + periphery.sense_time(given.r_cell))
    else:
        columns = given.conversions // max(given.reads, 1)
        turns = _turns(given, columns)
        reading = given.reads * (device.t_read + turns * periphery.conversion_time(counts.adc_bits))
    parallel = counts.column_turns * slowest(given) * (device.t_ltp + device.t_ltd)
    if given.look_ups:
        turns = 1 if given.bits == 1 else _turns(given, counts.weights // counts.neurons)
        parallel += counts.column_updates * given.cells * (device.t_read + turns * given.sensing_time)
    return {"sequential": writing + looking + reading, "row-parallel": parallel + reading}


def slowest(given: Conditions) -> float:
    """Return how many pulses the slowest cell of an update needs on the average; 1 where pulses are not sent again.

    Of the n bits that change in an update, each is sent pulses until one works, with probability p, at most ``attempts`` times:
    sum over a = 0, 1, ... of 1 - (1 - (1 - p)^a)^n.
    """
    counts, probability = given.counts, min(given.device.switching)
    if not given.by_bit or probability == 1.0:
        return 1.0
    sent = counts["ltp_pulse"] + counts["ltd_pulse"]
    changed = max(1.0, sent * probability / max(counts.column_updates, 1))
    return float(sum(1.0 - (1.0 - (1.0 - probability) ** a) ** changed for a in range(given.synapse.attempts)))


def _turns(given: Conditions, lines: int) -> int:
    """How many lines a converter serves one after another."""
    return min(given.periphery.columns_per_adc, max(1, lines))
