"""Measured pulses: what a probe station hands over, cleaned, with every discarded row counted and every repair stated.

One row is one pulse and the conductance read after it. The project's own file is a long CSV with the columns

    device_id,cycle,pulse,polarity,amplitude_V,width_s,G_S,read_V,temperature_K

in SI units; ``polarity`` is 1 or LTP, -1 or LTD, and 0 for a read without a pulse. Only ``G_S`` and ``polarity`` (or
``amplitude_V``, whose sign then decides) must be there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

__all__ = ["COLUMNS", "MOST_ROWS", "Measurements", "Rows", "chosen", "without"]

COLUMNS = ("device_id", "cycle", "pulse", "polarity", "amplitude_V", "width_s", "G_S", "read_V", "temperature_K")
MOST_ROWS = 3_000_000
"""Rows that are kept; what a file has beyond them is counted as discarded."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


@dataclass
class Rows:
    """Rows as a reader delivers them: one array per column, None where the file has no such column."""

    G_S: Floats
    device_id: Ints | None = None
    names: list[str] = field(default_factory=list)
    """Names of the devices that ``device_id`` numbers; empty: the numbers are their names."""
    cycle: Floats | None = None
    pulse: Floats | None = None
    polarity: Floats | None = None
    """1, -1, 0, another code of the file, or ``FIRST_WORD + i`` for the word ``words[i]`` that is not known."""
    words: list[str] = field(default_factory=list)
    two_kinds: bool = False
    """Whether the words for the polarity say only that there are two kinds: program and erase."""
    amplitude_V: Floats | None = None
    width_s: Floats | None = None
    read_V: Floats | None = None
    temperature_K: Floats | None = None
    discarded: dict[str, int] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)

    def discard(self, reason: str, count: int) -> None:
        """Count rows that are not used."""
        if count:
            self.discarded[reason] = self.discarded.get(reason, 0) + int(count)


@dataclass(frozen=True)
class Measurements:
    """Pulses in the order in which they were sent, device after device.

    Attributes
    ----------
    device_id, cycle, pulse : ndarray of int32, shape (n,)
        Which device (0, 1, ...; ``devices`` has the names), which train there and back, which pulse of it.
    polarity : ndarray of int8, shape (n,)
        1 LTP, -1 LTD, 0 a read without a pulse.
    amplitude_V, width_s, read_V, temperature_K : ndarray of float64, shape (n,)
        V, s, V, K; nan where the file does not say.
    G_S : ndarray of float64, shape (n,)
        Conductance after the pulse, S.
    source, format : str
        The file, and what it was read as.
    devices : tuple of str
    discarded : dict of str to int
        Rows that were not used, by reason.
    repairs : tuple of str
        What was changed in the rest, in words.
    placeholder : bool
        Whether the file had no conductances (weights only), so that the range is a placeholder.
    """

    device_id: Ints
    cycle: Ints
    pulse: Ints
    polarity: npt.NDArray[np.int8]
    amplitude_V: Floats
    width_s: Floats
    G_S: Floats
    read_V: Floats
    temperature_K: Floats
    source: str = ""
    format: str = "synarray"
    devices: tuple[str, ...] = ("0",)
    discarded: dict[str, int] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()
    placeholder: bool = False

    def __len__(self) -> int:
        return len(self.G_S)


def without(measured: Measurements, rows: npt.NDArray[np.bool_], reason: str) -> Measurements:
    """Return the measurements without some of their rows, counted."""
    counts = measured.discarded | {reason: measured.discarded.get(reason, 0) + int(np.count_nonzero(rows))}
    return replace(measured, discarded=counts, **{key: getattr(measured, key)[~rows] for key in COLUMNS})


def chosen(measured: Measurements, devices: npt.NDArray[np.bool_]) -> Measurements:
    """Return the rows of some devices, numbered anew."""
    if devices.all():
        return measured
    rows = devices[measured.device_id]
    number = np.cumsum(devices) - 1
    names = tuple(name for name, keep in zip(measured.devices, devices, strict=True) if keep)
    arrays = {key: getattr(measured, key)[rows] for key in COLUMNS if key != "device_id"}
    return replace(measured, device_id=number[measured.device_id[rows]].astype(np.int32), devices=names, **arrays)
