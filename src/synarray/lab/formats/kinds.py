"""What a format of measured pulses is: a name, how to recognise it, how to read it, and how to write it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.lab.formats.mapping import Mapping
from synarray.lab.formats.tables import Table
from synarray.lab.rows.measured import Measurements, Rows
from synarray.lab.rows.outliers import OVERFLOW

__all__ = ["Format", "Mapping", "Train", "conductances", "one_device", "text_of", "trains_of"]

Floats = npt.NDArray[np.float64]
Reader = Callable[[Path, Table | None, Mapping], Measurements]
Writer = Callable[[Measurements], dict[str, bytes]]
"""Returns the content by file name; the name "" is the file that was asked for itself."""


@dataclass(frozen=True)
class Format:
    """A format of measured pulses."""

    name: str
    title: str
    recognises: Callable[[Path, Table | None], bool]
    read: Reader
    write: Writer | None = None
    suffix: str = ".csv"
    """Ending of the file; empty: a folder."""


@dataclass
class Train:
    """One train there and back of one device."""

    start: float
    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)


def trains_of(measured: Measurements) -> list[Train]:
    """Cut measurements into trains: the conductance before, after each LTP pulse, and after each LTD pulse."""
    trains: list[Train] = []
    place: tuple[int, int] | None = None
    for d, c, p, g in zip(measured.device_id, measured.cycle, measured.polarity, measured.G_S, strict=True):
        if place != (int(d), int(c)):
            place = (int(d), int(c))
            trains.append(Train(float(g)))
        if p:
            (trains[-1].up if p > 0 else trains[-1].down).append(float(g))
    return trains


def one_device(measured: Measurements) -> list[Train]:
    """Return the trains of the first device, for formats that have no place for a second one."""
    first = measured.device_id == measured.device_id[0]
    count = int(np.count_nonzero(np.diff(measured.cycle[first]))) + 1
    return trains_of(measured)[:count]


def conductances(values: Values[str, Floats], rows: Rows) -> Floats:
    """Return conductances, computed from resistances or from currents and the voltage of the reads where there are none.

    Overflow readings stay what they are, so that they can be counted.
    """
    if "G_S" in values:
        return values["G_S"]
    measured = values["R_ohm"] if "R_ohm" in values else values["I_A"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = 1.0 / measured if "R_ohm" in values else measured / values["read_V"]
    rows.repairs.append(f"conductances are {'1 / resistance' if 'R_ohm' in values else 'current / read voltage'}")
    return np.where(np.isfinite(measured) & (np.abs(measured) >= OVERFLOW), OVERFLOW, found)


def text_of(lines: list[str]) -> bytes:
    """Join lines to a file."""
    return ("\n".join(lines) + "\n").encode()
