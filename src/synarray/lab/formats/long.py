"""Tables with one row per pulse: the project's own long CSV, ArC ONE's, and any other through a mapping of columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from synarray.errors import DataError
from synarray.lab.formats.headers import MORE, UNITS, Scale, bare, scale_of, unit_of
from synarray.lab.formats.kinds import Format, conductances, text_of
from synarray.lab.formats.mapping import Mapping, constant, place
from synarray.lab.formats.tables import NOTHING, Table, numbers, read_columns
from synarray.lab.rows.measured import COLUMNS, MOST_ROWS, Measurements, Rows
from synarray.lab.rows.outliers import OVERFLOW
from synarray.lab.rows.polarity import FIRST_WORD, POLARITIES, TWO_KINDS
from synarray.lab.rows.settle import settle

__all__ = ["ARC", "GENERIC", "OWN"]

_ARC = ("wordline", "bitline", "resistance", "amplitude (v)", "pulse width (s)", "tag", "readtag", "readvoltage")


def _places(table: Table, mapping: Mapping, source: str) -> tuple[dict[str, int], dict[str, float]]:
    """Find each column of the project in the table, and the values that stand for a whole column."""
    places: dict[str, int] = {}
    constants: dict[str, float] = {}
    heads = [bare(name) for name in table.header]
    for own in (*COLUMNS, *MORE):
        if own in mapping:
            value = constant(own, mapping[own], table.header)
            if value is not None:
                constants[own] = value
            else:
                places[own] = place(mapping[own], table.header, table.width, source)
        elif own.lower() in (*table.names, *heads):
            names = table.names if own.lower() in table.names else heads
            places[own] = names.index(own.lower())
        elif own in UNITS and (short := own.rpartition("_")[0].lower()) in heads:
            at = heads.index(short)
            if own not in MORE or unit_of(table.header[at])[1]:  # R or I alone may be anything
                places[own] = at
    return places, constants


def _polarities(cells: Sequence[str], table: Table, unknown: Names, kinds: set[str]) -> np.ndarray:
    """Turn words for the polarity into 1, -1 and 0; each that is not known gets a number of its own."""
    try:
        return np.array(cells, float)
    except ValueError:
        found = {}
        for cell in dict.fromkeys(cells):
            word = cell.strip().lower()
            kinds.update({word} & TWO_KINDS)
            value = POLARITIES.get(word)
            if value is None:
                value = float(numbers([cell], table)[0])
                if np.isnan(value) and word not in NOTHING:
                    value = FIRST_WORD + float(unknown.codes([cell])[0])
            found[cell] = value
        return np.array([found[cell] for cell in cells], float)


class Names:
    """Numbers for names, in the order in which they come."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self._codes: dict[str, int] = {}

    def codes(self, cells: Sequence[str]) -> np.ndarray:
        """Return the numbers of some names."""
        for cell in dict.fromkeys(cells):
            if cell not in self._codes:
                self._codes[cell] = len(self.known)
                self.known.append(cell.strip()[:80])
        return np.array([self._codes[cell] for cell in cells], np.int32)


def _converter(own: str, table: Table, carried: Counter[str], names: Names) -> Callable[[Sequence[str]], np.ndarray]:
    """Return what turns the cells of a column into an array."""
    return names.codes if own == "device_id" else lambda cells: numbers(cells, table, UNITS.get(own), carried)


def _values(table: Table, mapping: Mapping, source: str) -> tuple[dict[str, np.ndarray], Rows]:
    """Read the columns of the project in SI; devices, words and what was passed over are in the rows."""
    places, constants = _places(table, mapping, source)
    given = {*places, *constants}
    if not ({"G_S", "R_ohm"} & given or {"I_A", "read_V"} <= given):
        current = "I_A" in given
        raise DataError(
            "a table of pulses must have a column of conductances",
            got=("currents without the voltage of the reads, " if current else "no G_S among ")
            + (f"columns {', '.join(table.header)}" if table.header else "columns without a header"), where=source,
            do="Add read_V, the voltage of the reads, to --columns: read_V=NAME or read_V=0.1." if current
            else "Name it G_S, or map it: --columns G_S=NAME (or R_ohm=NAME, or I_A=NAME,read_V=NAME).",
        )  # fmt: skip
    scales = {own: scale_of(table.header[at], own, source) for own, at in places.items() if table.header}
    repairs, carried, names, unknown, kinds = list(table.repairs), Counter[str](), Names(), Names(), set[str]()
    wanted = {at: _converter(own, table, carried, names) for own, at in places.items()}
    if "polarity" in places:
        wanted[places["polarity"]] = lambda cells: _polarities(cells, table, unknown, kinds)
    found = read_columns(table, MOST_ROWS, wanted)
    values = {}
    for own, at in places.items():
        scale = scales.get(own, Scale())
        values[own] = found.values[at]
        if scale != Scale():
            raw = np.asarray(values[own])
            values[own] = np.where(np.abs(raw) < OVERFLOW, raw * scale.factor + scale.offset, raw)
            repairs.append(f"column {table.header[at].strip()} was brought to {UNITS[own]}")
    n = len(next(iter(found.values.values())))
    for own, value in constants.items():
        values[own] = np.full(n, value)
        repairs.append(f"{own} is {value:g} in all rows, as --columns says")
    repairs += [f"{count:,} value{'s' * (count > 1)} with their unit {'were' if count > 1 else 'was'} brought to {unit}"
                for unit, count in carried.items()]  # fmt: skip
    rows = Rows(np.zeros(0), values.pop("device_id", None), names=names.known, repairs=repairs)
    rows.words, rows.two_kinds = unknown.known, bool(kinds)
    rows.discard("row with another number of columns", found.short)
    rows.discard(f"row beyond the {MOST_ROWS:,} that a fit uses", found.beyond)
    return values, rows


def _read(path: Path, table: Table | None, mapping: Mapping, name: str) -> Measurements:
    assert table is not None
    values, rows = _values(table, mapping, path.name)
    rows.G_S = conductances(values, rows)
    for own, column in values.items():
        if own not in (*MORE, "G_S"):
            setattr(rows, own, column)
    return settle(rows, path.name, name)


def _read_own(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    return _read(path, table, mapping, "synarray")


def _is_own(path: Path, table: Table | None) -> bool:
    if table is None or not table.header:
        return False
    names = {*table.names, *map(bare, table.header)}
    with_unit = {bare(name) for name in table.header if unit_of(name)[1]}  # R or I alone may be anything
    measured = names & {"g", "g_s"} or ({"r_ohm"} & names or {"r"} & with_unit)
    measured = measured or (({"i_a"} & names or {"i"} & with_unit) and ({"read_v"} & names or {"read"} & with_unit))
    if table.width == 2 and "pulse" in names:
        return False  # NeuroSim's
    return bool(measured) and bool({"polarity", "amplitude", "amplitude_v", "pulse", "device_id"} & names)


def _write_own(measured: Measurements) -> dict[str, bytes]:
    lines = [",".join(COLUMNS)]
    words = {1: "LTP", -1: "LTD", 0: "READ"}
    for i in range(len(measured)):
        rest = (measured.read_V[i], measured.temperature_K[i])
        pulse = (measured.amplitude_V[i], measured.width_s[i])
        cells = [measured.devices[measured.device_id[i]], str(measured.cycle[i]), str(measured.pulse[i])]
        cells += [words[int(measured.polarity[i])], *map(_short, pulse), f"{measured.G_S[i]:.10g}", *map(_short, rest)]
        lines.append(",".join(cells))
    return {"": text_of(lines)}


def _short(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def _read_generic(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    return _read(path, table, mapping, "columns")


def _write_generic(measured: Measurements) -> dict[str, bytes]:
    """Write as a source-measure unit does: its settings, then columns of its own."""
    lines = [
        "Instrument,SMU",
        "Model,generic",
        "Setup,pulse train",
        "",
        "DUT,Loop,Index,Pulse voltage (V),Current (nA),Vread (V)",
    ]
    for i in range(len(measured)):
        read = measured.read_V[i] if np.isfinite(measured.read_V[i]) else 0.1
        sign = measured.amplitude_V[i] if measured.polarity[i] else 0.0
        name = measured.devices[measured.device_id[i]]
        lines.append(
            f"{name},{measured.cycle[i]},{measured.pulse[i]},{sign:.6g},{measured.G_S[i] * read * 1e9:.10g},{read:.6g}"
        )
    return {"": text_of(lines)}


def _is_arc(path: Path, table: Table | None) -> bool:
    return table is not None and table.names[: len(_ARC)] == _ARC


def _read_arc(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    """Devices are crossings of a word and a bit line; rows without a voltage are reads."""
    assert table is not None
    if table.width < len(_ARC):
        raise DataError(f"a file of ArC ONE must have {len(_ARC)} columns, the last the read voltage", got=f"{table.width}",
                        where=path.name, do="Say another format with --format.")  # fmt: skip
    found = read_columns(table, MOST_ROWS, {i: lambda cells: numbers(cells, table) for i in (0, 1, 2, 3, 4, 7)})
    word, bit, resistance, amplitude, width, read = found.values.values()
    repairs = list(table.repairs)
    rows = Rows(np.zeros(0), repairs=repairs)
    g = conductances({"R_ohm": resistance}, rows)
    pairs, codes = np.unique(np.column_stack([word, bit]), axis=0, return_inverse=True)
    rows = Rows(
        g, codes.reshape(-1).astype(np.int32), names=[f"W{w:g}B{b:g}" for w, b in pairs.tolist()], repairs=repairs
    )
    rows.amplitude_V, rows.width_s, rows.read_V = amplitude, width, read
    rows.discard("row with another number of columns", found.short)
    rows.discard(f"row beyond the {MOST_ROWS:,} that a fit uses", found.beyond)
    return settle(rows, path.name, "arc")


def _write_arc(measured: Measurements) -> dict[str, bytes]:
    lines = [
        "ArC ONE",
        "synthetic",
        "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage",
    ]
    for i in range(len(measured)):
        d = int(measured.device_id[i])
        r = 1.0 / measured.G_S[i] if measured.G_S[i] > 0 else np.inf
        v, t = (measured.amplitude_V[i], measured.width_s[i]) if measured.polarity[i] else (0.0, 0.0)
        lines.append(f"{d // 32 + 1},{d % 32 + 1},{r:.10g},{v:.6g},{t:.6g},P,R2,{measured.read_V[i]:.6g}")
    return {"": text_of(lines)}


def _never(path: Path, table: Table | None) -> bool:
    return False


OWN = Format("synarray", "long CSV of synarray, one row per pulse", _is_own, _read_own, _write_own)
ARC = Format("arc", "ArC ONE, CSV", _is_arc, _read_arc, _write_arc)
GENERIC = Format("columns", "any table, with --columns", _never, _read_generic, _write_generic)
