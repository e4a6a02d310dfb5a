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

from synarray.errors import DataError

__all__ = ["COLUMNS", "MOST_ROWS", "Measurements", "Rows", "chosen", "settle"]

COLUMNS = ("device_id", "cycle", "pulse", "polarity", "amplitude_V", "width_s", "G_S", "read_V", "temperature_K")
MOST_ROWS = 3_000_000
"""Rows that are kept; what a file has beyond them is counted as discarded."""
_MOST_BAD = 0.5
_LARGEST = 2e9
_LARGEST_G = 1.0
"""S; no memory cell conducts as well."""

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


def settle(rows: Rows, source: str, name: str, *, placeholder: bool = False) -> Measurements:
    """Bring rows into order: drop what cannot be used and count it, sort, tell LTP from LTD, number the cycles.

    Raises
    ------
    DataError
        When conductances are not in siemens, more than half of them are no conductances, or nothing is left.
    """
    _require_siemens(rows, source)
    codes, devices = _devices(rows)
    keep = _usable(rows, source)
    n = len(rows.G_S)
    columns = {key: _column(getattr(rows, key), n) for key in COLUMNS if key not in ("device_id", "G_S")}
    if not np.isfinite(columns["pulse"]).all() or np.abs(columns["pulse"]).max(initial=0.0) > _LARGEST:
        columns["pulse"] = np.arange(n, dtype=float)
    columns = {key: values[keep] for key, values in columns.items()}
    codes, g = codes[keep], rows.G_S[keep]
    polarity = _polarity(columns["polarity"], columns["amplitude_V"], g, codes, rows, source)
    cycle = columns["cycle"]
    if not np.isfinite(cycle).all():
        cycle = _count_cycles(polarity, codes)
        if cycle.max(initial=0) > 0:
            rows.repairs.append("cycles were numbered by the returns of LTP after LTD")
    pulse = columns["pulse"]
    order = _order(codes, cycle, pulse, polarity, rows)
    order = order[~_repeated(codes[order], cycle[order], pulse[order], polarity[order], g[order], rows)]
    if not len(order):
        raise DataError("a file of pulses must hold at least one", got="none that can be used", where=source,
                        do="Check the columns; the discarded rows: " + (_listed(rows.discarded) or "none") + ".")  # fmt: skip
    cycles = np.unique(cycle, return_inverse=True)[1].reshape(-1)
    return Measurements(
        codes[order].astype(np.int32), cycles[order].astype(np.int32), pulse[order].astype(np.int32),
        polarity[order].astype(np.int8), columns["amplitude_V"][order], columns["width_s"][order], g[order],
        columns["read_V"][order], columns["temperature_K"][order], source, name, devices, rows.discarded,
        tuple(rows.repairs), placeholder,
    )  # fmt: skip


def _column(values: Floats | None, n: int) -> Floats:
    return np.full(n, np.nan) if values is None else np.asarray(values, float)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items())


def _devices(rows: Rows) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Give each device a number, in the order in which they come."""
    if rows.device_id is None:
        return np.zeros(len(rows.G_S), np.int64), ("0",)
    names, first, codes = np.unique(rows.device_id, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    ordered = names[np.argsort(first)]
    return rank[codes.reshape(-1)], tuple(rows.names[i] if rows.names else str(i) for i in ordered.tolist())


def _require_siemens(rows: Rows, source: str) -> None:
    g = rows.G_S[np.isfinite(rows.G_S)]
    if (share := float(np.mean(g > 1.0)) if len(g) else 0.0) > 0:
        mixed = "all of them" if share == 1 else f"{share:.0%} of them, the others below"
        raise DataError(
            "conductances must be in siemens, one unit for the whole column", got=f"values above 1 S ({mixed})",
            where=f"{source}, column G_S", do="Convert them, or name the column after its unit: G_uS, G_nS or R_ohm.",
        )  # fmt: skip
    positive = g[g > 0]
    if len(positive) > 10:
        top = float(np.median(positive))
        jump = positive[positive > 1e4 * top]
        if len(jump):
            raise DataError(
                "conductances must be in one unit for the whole column",
                got=f"{jump[0]:g} beside a median of {top:g}", where=f"{source}, column G_S",
                do="Convert the rows that are in another unit.",
            )  # fmt: skip


def _usable(rows: Rows, source: str) -> npt.NDArray[np.bool_]:
    g = rows.G_S
    finite = np.isfinite(g)
    negative, beyond = finite & (g < 0), finite & (g > _LARGEST_G)
    rows.discard("conductance that is no number", int(np.count_nonzero(~finite)))
    rows.discard("negative conductance", int(np.count_nonzero(negative)))
    rows.discard("conductance above 1 S", int(np.count_nonzero(beyond)))
    keep: npt.NDArray[np.bool_] = finite & ~negative & ~beyond
    if len(g) and np.count_nonzero(~keep) > _MOST_BAD * len(g):
        raise DataError(
            "more than half of the rows must hold a conductance", got=_listed(rows.discarded), where=f"{source}, column G_S",
            do="Check the column and its sign, or name another with --columns G_S=NAME.",
        )  # fmt: skip
    return keep


def _polarity(
    polarity: Floats, amplitude: Floats, g: Floats, codes: npt.NDArray[np.int64], rows: Rows, source: str
) -> Floats:
    """Take the polarity from its column, else from the sign of the voltage, turned so that LTP raises the conductance."""
    if np.isfinite(polarity).all() and len(polarity):
        return np.sign(polarity)
    known = np.isfinite(polarity)
    if known.any() and not known.all():
        rows.repairs.append(f"{np.count_nonzero(~known):,} rows without a polarity count as reads without a pulse")
        return np.where(known, np.sign(polarity), 0.0)
    volts = np.where(np.isfinite(amplitude), amplitude, 0.0)
    sign = np.sign(volts)
    if not sign.any():
        raise DataError(
            "the polarity of the pulses must be known", got="neither a polarity nor an amplitude", where=source,
            do="Add a column polarity (1 for LTP, -1 for LTD), or name one with --columns polarity=NAME.",
        )  # fmt: skip
    change = np.diff(g, prepend=g[:1]) * (np.diff(codes, prepend=codes[:1]) == 0)
    kinds = np.unique(volts[sign != 0])
    if np.sign(kinds[0]) == np.sign(kinds[-1]) and 2 <= len(kinds) <= 20:
        moves = {float(v): float(np.sign(change[volts == v].sum())) for v in kinds}
        rows.repairs.append("polarity taken from what the pulses of each voltage did, since all voltages have one sign")
        return np.array([moves.get(float(v), 0.0) for v in volts])
    up, down = (float(change[sign == s].sum()) for s in (1, -1))
    turned = -1.0 if up - down < 0 else 1.0
    rows.repairs.append(
        f"polarity taken from the sign of the voltage: {'positive' if turned > 0 else 'negative'} pulses raise the conductance"
    )
    return sign * turned


def _count_cycles(polarity: Floats, codes: npt.NDArray[np.int64]) -> Floats:
    """Give each train there and back a number: a new one begins where LTP follows LTD, and numbers restart with each device."""
    cycle = np.zeros(len(polarity))
    for code in np.unique(codes):
        mine = np.flatnonzero(codes == code)
        pulses = mine[polarity[mine] != 0]
        starts = pulses[1:][(polarity[pulses[1:]] > 0) & (polarity[pulses[:-1]] < 0)]
        cycle[mine] = np.searchsorted(starts, mine, side="right")
    return cycle


def _order(
    codes: npt.NDArray[np.int64], cycle: Floats, pulse: Floats, polarity: Floats, rows: Rows
) -> npt.NDArray[np.intp]:
    """Sort by device and cycle; and by the number of the pulse where those of a train do not rise."""
    as_came = np.lexsort((np.arange(len(codes)), cycle, codes))
    c, k, p, s = codes[as_came], cycle[as_came], pulse[as_came], polarity[as_came]
    together = (np.diff(c) == 0) & (np.diff(k) == 0) & (np.diff(s) == 0)
    falls = together & (np.diff(p) < 0)
    if not falls.any():
        return as_came
    rows.repairs.append(f"rows sorted by pulse: the numbers fell {np.count_nonzero(falls):,} times within a train")
    restarts = ((np.diff(c) == 0) & (np.diff(k) == 0) & (np.diff(s) != 0) & (np.diff(p) < 0)).any()
    keys = (pulse, -polarity, cycle, codes) if restarts else (pulse, cycle, codes)
    return np.lexsort((np.arange(len(codes)), *keys))


def _repeated(
    codes: npt.NDArray[np.int64], cycle: Floats, pulse: Floats, polarity: Floats, g: Floats, rows: Rows
) -> npt.NDArray[np.bool_]:
    """Find rows that tell of a pulse that an earlier row told of."""
    same = np.zeros(len(codes), bool)
    same[1:] = (np.diff(codes) == 0) & (np.diff(cycle) == 0) & (np.diff(pulse) == 0) & (np.diff(polarity) == 0)
    exact = same & (np.diff(g, prepend=np.nan) == 0)
    rows.discard("duplicated row", int(np.count_nonzero(exact)))
    rows.discard("second row of the same pulse", int(np.count_nonzero(same & ~exact)))
    return same


def chosen(measured: Measurements, devices: npt.NDArray[np.bool_]) -> Measurements:
    """Return the rows of some devices, numbered anew."""
    if devices.all():
        return measured
    rows = devices[measured.device_id]
    number = np.cumsum(devices) - 1
    names = tuple(name for name, keep in zip(measured.devices, devices, strict=True) if keep)
    arrays = {key: getattr(measured, key)[rows] for key in COLUMNS if key != "device_id"}
    return replace(measured, device_id=number[measured.device_id[rows]].astype(np.int32), devices=names, **arrays)
