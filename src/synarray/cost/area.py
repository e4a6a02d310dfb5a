"""How much room the array takes: cells, converters, drivers, neurons. Control, clocks and wiring between arrays are left out.

Every array has all of its lines, used or not: a driver per line; a converter for ``columns_per_adc`` columns (digital: a sense
amplifier per column; where reads were digitised, the columns of a weight's cells count as one); and at the word lines, where the
cells of a column are looked up, the same for the rows.
"""

from __future__ import annotations

from synarray.cost.conditions import Conditions

__all__ = ["areas"]

_HIGH = 1.5
"""Voltage of a pulse above which a line needs a level shifter, V (NeuroSim, SubArray.cpp)."""


def areas(given: Conditions) -> dict[str, float]:
    """Return the area of each part, m^2.

    Returns
    -------
    dict
        ``cells`` (those in use), ``converters``, ``sense amplifiers``, ``drivers``, ``neurons``; parts that are not there are 0.
    """
    counts, periphery, device = given.counts, given.periphery, given.device
    rows, columns = given.arrays * counts.rows, given.arrays * counts.columns
    converters = 0 if given.by_bit else -(-columns // (periphery.columns_per_adc * given.joined))
    amplifiers = columns if given.by_bit else 0
    at_rows = 0
    if given.look_ups and given.bits > 1:
        at_rows = -(-rows // periphery.columns_per_adc)
    elif given.look_ups:
        amplifiers += rows
    shifted = max(abs(device.v_ltp), abs(device.v_ltd)) > _HIGH
    driver = periphery.driver_area + (periphery.shifter_area if shifted else 0.0)
    squares = {
        "cells": counts.weights * given.cells * periphery.cell_area,
        "converters": converters * periphery.converter(counts.adc_bits) + at_rows * periphery.converter(),
        "sense amplifiers": amplifiers * periphery.sense_area,
        "drivers": (rows + columns) * driver,
        "neurons": counts.neurons * periphery.neuron_area,
    }
    square = (periphery.node_nm * 1e-9) ** 2
    return {name: n * square for name, n in squares.items()}
