"""Measured pulses: what a probe station hands over, cleaned, with every discarded row counted and every repair stated.

One row is one pulse and the conductance read after it. The project's own file is a long CSV with the columns

    device_id,cycle,pulse,polarity,amplitude_V,width_s,G_S,read_V,temperature_K

in SI units; ``polarity`` is 1 or LTP, -1 or LTD, and 0 for a read without a pulse. Only ``G_S`` and ``polarity`` (or
``amplitude_V``, whose sign then decides) must be there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.units import quantity

__all__ = [
    "COLUMNS",
    "MOST_ROWS",
    "Measurements",
    "Rows",
    "by_cycles",
    "chosen",
    "one_branch",
    "one_value",
    "together",
    "without",
]

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
    pulse_V: dict[int, float] = field(default_factory=dict)
    """Voltage of the pulses of a polarity (0: of both) where the file says it above the table and not in it, V."""
    pulse_s: dict[int, float] = field(default_factory=dict)
    reads: int = 1
    """Reads of one state that were averaged for each row."""
    read_noise: float = float("nan")
    """Spread of one of them, relative to the conductance."""
    discarded: dict[str, int] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """How the file was understood: what was decided, assumed or not used."""

    def discard(self, reason: str, count: int) -> None:
        """Count rows that are not used."""
        if count:
            self.discarded[reason] = self.discarded.get(reason, 0) + int(count)


@dataclass(frozen=True, repr=False)
class Measurements:
    """Pulses in the order in which they were sent, device after device.

    Attributes
    ----------
    device_id, cycle, pulse : ndarray of int32, shape (n,)
        Which device (0, 1, ...; ``devices`` has the names), which cycle of LTP and LTD, which pulse of it.
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
    reads, read_noise : int, float
        How many reads of one state were averaged for each row, and the spread of one of them, relative to the conductance
        (nan: each row is one read).
    remarks : tuple of str
        How the file was understood: what was decided, assumed or not used, in words.
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
    reads: int = 1
    read_noise: float = float("nan")
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.G_S)

    def __repr__(self) -> str:
        """Say in a few lines what was read and how."""
        return "\n".join(f"{name}: {text}" if name else text for name, text in self._facts())

    def _repr_html_(self) -> str:
        """Return the same as a small card for notebooks."""
        from html import escape

        (_, title), *facts = self._facts()
        cell = "style='text-align:left'"
        rows = "".join(f"<tr><th {cell}>{escape(name)}</th><td {cell}>{escape(text)}</td></tr>" for name, text in facts)
        return f"<table><caption {cell}><b>{escape(title)}</b></caption>{rows}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        up, down = (int(np.count_nonzero(self.polarity == sign)) for sign in (1, -1))
        trains = int(np.count_nonzero((np.diff(self.device_id) != 0) | (np.diff(self.cycle) != 0))) + (len(self) > 0)
        volts, widths = (
            _between(column[self.polarity != 0], u) for column, u in ((self.amplitude_V, "V"), (self.width_s, "s"))
        )
        several = f"{len(self.devices)} device{'s' * (len(self.devices) != 1)}"
        facts = [
            ("", f"Measured pulses of {self.source or 'a device'}: {len(self):,} reads, {several}"),
            ("trains", f"{trains:,} cycles, {up:,} LTP and {down:,} LTD pulses"),
            ("conductance", _between(self.G_S, "S")),
            ("pulses", f"voltage {volts}, width {widths}; read at {_between(self.read_V, 'V')}"),
            ("read as", "; ".join((self.format, *self.remarks))),
        ]
        if np.isfinite(self.read_noise):
            facts.append(
                ("read noise", f"{self.read_noise:.2%} of the conductance, from {self.reads} reads of each state")
            )
        lost = ", ".join(f"{count:,} x {reason}" for reason, count in self.discarded.items())
        facts += [("not used", lost)] if lost else []
        return facts + ([("repaired", "; ".join(self.repairs))] if self.repairs else [])


def _between(values: Floats, unit: str) -> str:
    """Write the lowest and the highest of some values, as people write them."""
    known = values[np.isfinite(values) & (values != 0)]
    if not len(known):
        return "not known"
    ends = [quantity(float(value), unit, 4) for value in (known.min(), known.max())]
    return " to ".join(dict.fromkeys(ends))


def one_value(values: Floats | None) -> float | None:
    """Return the value of a column that has only one."""
    known = np.unique(values[np.isfinite(values)]) if values is not None else np.zeros(0)
    return float(known[0]) if len(known) == 1 else None


def without(measured: Measurements, rows: npt.NDArray[np.bool_], reason: str) -> Measurements:
    """Return the measurements without some of their rows, counted."""
    counts = measured.discarded | {reason: measured.discarded.get(reason, 0) + int(np.count_nonzero(rows))}
    return replace(measured, discarded=counts, **{key: getattr(measured, key)[~rows] for key in COLUMNS})


def one_branch(measured: Measurements, only: str | None) -> Measurements:
    """Return the pulses of one polarity, "ltp" or "ltd", each train with the read before it; none: all."""
    if only is None:
        return measured
    sign = 1 if only == "ltp" else -1
    joined = (np.diff(measured.device_id) == 0) & (np.diff(measured.cycle) == 0)
    mine = measured.polarity == sign
    before = np.r_[mine[1:] & ~mine[:-1] & joined, False] if len(measured) else mine
    polarity = np.where(mine, measured.polarity, 0).astype(np.int8)
    kept = without(
        replace(measured, polarity=polarity), ~(mine | before), f"row of the other branch than --only {only}"
    )
    return replace(kept, remarks=(*kept.remarks, f"only {only.upper()} was read, as --only says"))


def together(parts: list[Measurements], names: list[str], said: str) -> Measurements:
    """Return the rows of several measurements, each with devices of its own, by the names given."""
    offset, codes, devices = 0, [], []
    for part, name in zip(parts, names, strict=True):
        codes.append(part.device_id + offset)
        devices += [name if len(part.devices) == 1 else f"{name} {device}" for device in part.devices]
        offset += len(part.devices)
    arrays: dict[str, Any] = {key: np.concatenate([getattr(part, key) for part in parts]) for key in COLUMNS}
    arrays["device_id"] = np.concatenate(codes).astype(np.int32)
    counts: dict[str, int] = {}
    for part in parts:
        for reason, count in part.discarded.items():
            counts[reason] = counts.get(reason, 0) + count
    repairs = tuple(dict.fromkeys(line for part in parts for line in part.repairs))
    remarks = (said, *dict.fromkeys(line for part in parts for line in part.remarks))
    return replace(parts[0], devices=tuple(devices), discarded=counts, repairs=repairs, remarks=remarks, **arrays)


def by_cycles(parts: list[Measurements], places: list[tuple[str, str]], said: str) -> Measurements:
    """Return the rows of several measurements of a device and a cycle each, ``places`` with the number of the cycle."""
    devices = list(dict.fromkeys(device for device, _ in places))
    order = sorted(places, key=lambda place: int(place[1]))
    found = [
        _in_succession([parts[places.index(place)] for place in order if place[0] == device], said)
        for device in devices
    ]
    return found[0] if devices == [""] else together(found, devices, f"devices by their names: {', '.join(devices)}")


def _in_succession(parts: list[Measurements], said: str) -> Measurements:
    """Return the rows of several measurements of the same devices, the cycles of each after those of the one before."""
    devices = tuple(dict.fromkeys(name for part in parts for name in part.devices))
    codes, cycles, next_cycle = [], [], 0
    for part in parts:
        codes.append(np.array([devices.index(name) for name in part.devices])[part.device_id])
        cycles.append(part.cycle + next_cycle)
        next_cycle = int(cycles[-1].max()) + 1
    whole = together(parts, [""] * len(parts), said)
    device, cycle = np.concatenate(codes), np.concatenate(cycles)
    order = np.lexsort((cycle, device))
    arrays: dict[str, Any] = {key: getattr(whole, key)[order] for key in COLUMNS}
    arrays |= {"device_id": device[order].astype(np.int32), "cycle": cycle[order].astype(np.int32)}
    return replace(whole, devices=devices, **arrays)


def chosen(measured: Measurements, devices: npt.NDArray[np.bool_]) -> Measurements:
    """Return the rows of some devices, numbered again."""
    if devices.all():
        return measured
    rows = devices[measured.device_id]
    number = np.cumsum(devices) - 1
    names = tuple(name for name, keep in zip(measured.devices, devices, strict=True) if keep)
    arrays = {key: getattr(measured, key)[rows] for key in COLUMNS if key != "device_id"}
    return replace(measured, device_id=number[measured.device_id[rows]].astype(np.int32), devices=names, **arrays)
