"""What a format of measured pulses is: a name, how it is laid out, how it is written; and trains for those who write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synarray.lab.rows.measured import Measurements

__all__ = ["Format", "Reader", "Writer", "WrittenTrain", "one_device", "text_of", "trains_of"]

Reader = Callable[[Path], Measurements]
Writer = Callable[[Measurements], dict[str, bytes]]
"""Returns the content by file name; the name "" is the file that was asked for itself."""


@dataclass(frozen=True)
class Format:
    """A format of measured pulses."""

    name: str
    title: str
    layout: str | None = None
    """How its table is laid out (see ``plan.LAYOUTS``), for formats that are tables like any other."""
    read: Reader | None = None
    """Reader of a format that is no such table."""
    write: Writer | None = None
    suffix: str = ".csv"
    """Ending of the file; empty: a folder."""


@dataclass
class WrittenTrain:
    """One cycle of LTP and LTD of one device: the conductance before, after each LTP pulse, and after each LTD pulse."""

    start: float
    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)


def trains_of(measured: Measurements) -> list[WrittenTrain]:
    """Cut measurements into trains."""
    trains: list[WrittenTrain] = []
    place: tuple[int, int] | None = None
    for d, c, p, g in zip(measured.device_id, measured.cycle, measured.polarity, measured.G_S, strict=True):
        if place != (int(d), int(c)):
            place = (int(d), int(c))
            trains.append(WrittenTrain(float(g)))
        if p:
            (trains[-1].up if p > 0 else trains[-1].down).append(float(g))
    return trains


def one_device(measured: Measurements) -> list[WrittenTrain]:
    """Return the trains of the first device, for formats that have no place for a second one."""
    first = measured.device_id == measured.device_id[0]
    count = int(np.count_nonzero(np.diff(measured.cycle[first]))) + 1
    return trains_of(measured)[:count]


def text_of(lines: list[str]) -> bytes:
    """Join lines to a file."""
    return ("\n".join(lines) + "\n").encode()
