"""The rows of the ledger: one line for each kind of counted action, with what one of it costs.

cells        v^2 t of each pulse and read x the conductance it met (counted), or the device's own energy per pulse
half-select  1T1R: transistors cut the other cells of the lines off; passive: v/2 across each of them during a pulse
lines        charging of the two lines of a pulse, of the word line of a read
sense        reads: a converter per column (analog, pair, compound), an amplifier per bit (digital); where reads were digitised
             (``array.adc_bits``), one conversion of so many bits per weight; look-ups and verifies: a conversion of 8 bits where
             they must tell the levels of an analog cell apart, an amplifier for a binary cell
neurons      one addition per column for the threshold, two for the winner; two and two words of memory per output spike
learning     per weight that is looked up: a random number, one addition, a look-up in a table of 8-bit entries; mask bits
encoding     a random number (one addition) per input and window
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from synarray.cost.conditions import Conditions

__all__ = ["ROWS", "Row", "confirmed"]

_PULSES = ("v_ltp", "t_ltp", "v_ltd", "t_ltd", "g_min", "g_max")
_READS = ("v_read", "t_read", "g_min", "g_max")


class Row(NamedTuple):
    """A kind of action: how often it was done, what one costs (J), and the numbers of the device and the circuits behind it."""

    component: str
    action: str
    count: Callable[[Conditions], int]
    each: Callable[[Conditions], float]
    rests_on: tuple[str, ...] = ()
    applies: Callable[[Conditions], bool] = lambda _: True


def _counted(name: str) -> Callable[[Conditions], int]:
    return lambda c: c.counts[name]


def _pulses(action: str, up: bool, pulse: str) -> Row:
    """Make the row of one kind of pulse on cells: of the LTP voltage, or of the LTD voltage."""
    level = pulse.replace("_pulse", "_level")
    return Row("cells", action, _counted(pulse), lambda c: c.pulse(up, level, c.counts[pulse]), _PULSES)


def _read_one(action: str, name: str, level: str) -> Row:
    """Make the row of reads of single cells."""
    return Row("cells", action, _counted(name), lambda c: c.read(level, c.counts[name]), _READS)


def confirmed(row: Row, given: Conditions) -> bool:
    """Whether all numbers behind a row are confirmed."""
    known = given.device.prices_known or row.rests_on != _PULSES
    return known and given.unconfirmed.isdisjoint(row.rests_on)


ROWS: tuple[Row, ...] = (
    _pulses("LTP pulses", True, "ltp_pulse"),
    _pulses("LTD pulses", False, "ltd_pulse"),
    _pulses("pruning pulses", False, "pruning_pulse"),
    _pulses("initial pulses", True, "initial_pulse"),
    Row(
        "cells",
        "row reads",
        lambda c: c.cells_read,
        lambda c: c.read("row_level", c.cells_read, c.scheme.cells_per_level),
        _READS,
    ),
    _read_one("look-ups before updates", "cell_read", "cell_read_level"),
    _read_one("verify reads", "verify_read", "verify_level"),
    Row(
        "half-select",
        "other cells of a pulse's lines",
        lambda c: (c.pulses_up + c.pulses_down) * (c.counts.rows + c.counts.columns - 2),
        lambda c: c.half_selected,
        _PULSES,
    ),
    Row(
        "lines",
        "bit and word line of LTP pulses",
        lambda c: c.pulses_up,
        lambda c: c.charging(c.device.v_ltp),
        ("c_line",),
    ),
    Row(
        "lines",
        "bit and word line of LTD pulses",
        lambda c: c.pulses_down,
        lambda c: c.charging(c.device.v_ltd),
        ("c_line",),
    ),
    Row(
        "lines",
        "word line of driven rows",
        lambda c: c.rows_driven,
        lambda c: c.periphery.charge(c.counts.columns, c.device.v_read),
        ("c_line",),
    ),
    Row("drive", "row drivers", lambda c: c.rows_driven, lambda c: c.periphery.drive(c.device.t_read)),
    Row(
        "sense",
        "bits sensed",
        lambda c: c.cells_read,
        lambda c: c.periphery.sense(c.r_cell),
        applies=lambda c: c.by_bit,
    ),
    Row(
        "sense",
        "column conversions",
        lambda c: c.conversions,
        lambda c: c.conversion,
        applies=lambda c: not c.by_bit,
    ),
    Row("sense", "cells sensed in look-ups", _counted("cell_read"), lambda c: c.sensing),
    Row("sense", "cells sensed in verifies", _counted("verify_read"), lambda c: c.sensing),
    Row("neurons", "additions of words", _counted("row_cell"), lambda c: c.add, applies=lambda c: c.by_bit),
    Row("neurons", "thresholds and winners", lambda c: 3 * c.counts["column_sense"], lambda c: c.add),
    Row("neurons", "homeostasis", _counted("output_spike"), lambda c: 2 * (c.add + c.threshold_word)),
    Row(
        "learning",
        "decisions on updates",
        lambda c: c.counts["cell_read"] // c.cells,
        lambda c: 2 * c.add + c.table_word / 4,
    ),
    Row("learning", "mask bits looked up", _counted("mask_lookup"), lambda c: c.mask_word / 32),
    Row("encoding", "random numbers", lambda c: c.counts.numbers_encoded, lambda c: c.add),
)
"""In the order in which they are printed."""
