"""The formats by name: how each is laid out or read, and how it is written."""

from __future__ import annotations

from synarray.errors import DataError, nearest
from synarray.lab.formats.crosssim import RAMPS, TABLES
from synarray.lab.formats.kinds import Format
from synarray.lab.formats.weights import read_steps, read_values
from synarray.lab.formats.writers import (
    write_arc,
    write_generic,
    write_list,
    write_neurosim,
    write_own,
    write_simbrain,
    write_steps,
    write_values,
)

__all__ = ["FORMATS", "format_named"]

FORMATS = {
    kind.name: kind
    for kind in (
        Format("synarray", "one row per pulse: synarray's own CSV and tables like it", "long", write=write_own),
        Format("neurosim", "pulse number and conductance, two columns", "curve", write=write_neurosim),
        Format("sides", "LTP and LTD side by side", "sides"),
        Format("wide", "one column per device", "wide"),
        Format("rows", "one train per row, with text before the numbers", "rows"),
        Format("states", "low and high resistance, one row per cycle", "states"),
        Format("aihwkit-values", "up and down, two columns of states", read=read_values, write=write_values),
        Format("aihwkit-steps", "up and down, two columns of step sizes", read=read_steps, write=write_steps),
        RAMPS,
        TABLES,
        Format("arc", "ArC ONE, CSV", "long", write=write_arc),
        Format("columns", "any table, with --columns", "long", write=write_generic),
        Format("simbrain", "SIMBRAIN conductance sheet", "wide", write=write_simbrain),
        Format("n2d2", "list of conductances after LTP pulses", "list", write=write_list, suffix=".txt"),
    )
}


def format_named(name: str) -> Format:
    """Return a format by its name.

    Raises
    ------
    DataError
        When there is none of that name.
    """
    if name not in FORMATS:
        raise DataError(
            "the format must be one that pulses come in", got=repr(name), where="--format", do=nearest(name, FORMATS)
        )
    return FORMATS[name]
