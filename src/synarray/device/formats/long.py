"""Tables with one row per pulse: the project's own long CSV, ArC ONE's, and any other through a mapping of columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from synarray.device.formats.kinds import Format, Mapping, text_of
from synarray.device.formats.tables import Table, numbers, read_columns
from synarray.device.measured import COLUMNS, MOST_ROWS, Measurements, Rows, settle
from synarray.errors import DataError, nearest
from synarray.units import parse_quantity

__all__ = ["ARC", "GENERIC", "OWN", "parse_mapping"]

_UNITS = {
    "amplitude_V": "V",
    "width_s": "s",
    "G_S": "S",
    "read_V": "V",
    "temperature_K": "K",
    "R_ohm": "ohm",
    "I_A": "A",
}
_MORE = ("R_ohm", "I_A")
_UNIT_AT_END = re.compile(r"[\s_(\[]+([a-zA-Zµμ]*(?:S|V|s|A|K|Ohm|ohm|Ω))\s*[)\]]?\s*$")
_POLARITIES = {"ltp": 1.0, "set": 1.0, "up": 1.0, "p": 1.0, "+": 1.0, "ltd": -1.0, "reset": -1.0, "down": -1.0, "d": -1.0,
               "-": -1.0, "read": 0.0}  # fmt: skip
_ARC = ("wordline", "bitline", "resistance", "amplitude (v)", "pulse width (s)", "tag", "readtag", "readvoltage")


def parse_mapping(text: str | None) -> Mapping:
    """Read "G_S=Conductance,polarity=Sign" into a table from the project's columns to the file's.

    Raises
    ------
    DataError
        When a part is no pair, or its left side no column of the project.

    Examples
    --------
    >>> parse_mapping("G_S=Cond,polarity=Sign")
    {'G_S': 'Cond', 'polarity': 'Sign'}
    """
    mapping: Mapping = {}
    for part in text.split(",") if text else ():
        own, equals, theirs = part.partition("=")
        if not equals or own.strip() not in (*COLUMNS, *_MORE) or not theirs.strip():
            raise DataError(
                "columns must be mapped as NAME=COLUMN,...", got=repr(part), where="--columns",
                do=nearest(own.strip(), (*COLUMNS, *_MORE)),
            )  # fmt: skip
        mapping[own.strip()] = theirs.strip()
    return mapping


def _places(table: Table, mapping: Mapping, source: str) -> dict[str, tuple[int, float]]:
    """Find each column of the project in the table, and the factor from its unit to SI."""
    places: dict[str, tuple[int, float]] = {}
    heads = [re.sub(_UNIT_AT_END, "", name).strip().lower() for name in table.header]
    for own in (*COLUMNS, *_MORE):
        if own in mapping:
            wanted = mapping[own].lower()
            if wanted in table.names:
                at = table.names.index(wanted)
            elif wanted in heads:
                at = heads.index(wanted)
            elif wanted.isdecimal() and 1 <= int(wanted) <= table.width:
                at = int(wanted) - 1
            else:
                raise DataError(
                    "each column that is mapped must be in the file", got=repr(mapping[own]), where=f"{source}, --columns",
                    do=nearest(mapping[own], table.header) if table.header else "Give its number, 1 for the first.",
                )  # fmt: skip
        elif own.lower() in table.names:
            at = table.names.index(own.lower())
        elif own in _UNITS and own.rpartition("_")[0].lower() in heads:
            at = heads.index(own.rpartition("_")[0].lower())
        else:
            continue
        places[own] = at, _scale(table, at, own)
    return places


def _scale(table: Table, at: int, own: str) -> float:
    """Return the factor from the unit in a column's name to SI; 1 where it names none."""
    found = _UNIT_AT_END.search(table.header[at]) if table.header else None
    if not found or found[1] == _UNITS.get(own, found[1]):
        return 1.0
    try:
        return parse_quantity(f"1 {found[1].replace('μ', 'u').replace('µ', 'u')}", _UNITS[own])
    except ValueError:
        raise DataError(
            f"the column for {own} must be in {_UNITS[own]}", got=table.header[at], where=str(table.path),
            do="Map another column with --columns, or correct its name.",
        ) from None  # fmt: skip


def _polarities(cells: Sequence[str], table: Table) -> np.ndarray:
    try:
        return np.array(cells, float)
    except ValueError:
        known = {cell: _POLARITIES.get(cell.strip().lower()) for cell in set(cells)}
        words = np.array([np.nan if known[cell] is None else known[cell] for cell in cells], float)
        return np.where(np.isfinite(words), words, numbers(cells, table))


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
    if own == "device_id":
        return names.codes
    if own == "polarity":
        return lambda cells: _polarities(cells, table)
    return lambda cells: numbers(cells, table, _UNITS.get(own), carried)


def _read(path: Path, table: Table | None, mapping: Mapping, name: str) -> Measurements:
    assert table is not None
    source = path.name
    places = _places(table, mapping, source)
    given = {own for own, _ in places.items()}
    if not ({"G_S", "R_ohm"} & given or {"I_A", "read_V"} <= given):
        raise DataError(
            "a table of pulses must have a column of conductances", got=", ".join(table.header) or "no header",
            where=source, do="Name it G_S, or map it: --columns G_S=NAME (or R_ohm=NAME, or I_A=NAME,read_V=NAME).",
        )  # fmt: skip
    repairs, carried, names = list(table.repairs), Counter[str](), Names()
    wanted = {at: _converter(own, table, carried, names) for own, (at, _) in places.items()}
    found = read_columns(table, MOST_ROWS, wanted)
    values = {own: found.values[at] * scale for own, (at, scale) in places.items() if own != "device_id"}
    for own, (at, scale) in places.items():
        if scale != 1.0:
            repairs.append(f"column {table.header[at].strip()} was brought to {_UNITS[own]}")
    repairs += [f"{count:,} values with their unit were brought to {unit}" for unit, count in carried.items()]
    with np.errstate(divide="ignore", invalid="ignore"):
        if "R_ohm" in values and "G_S" not in values:
            values["G_S"] = 1.0 / values["R_ohm"]
            repairs.append("conductances are 1 / resistance")
        elif "G_S" not in values:
            values["G_S"] = values["I_A"] / values["read_V"]
            repairs.append("conductances are current / read voltage")
    ids = found.values[places["device_id"][0]] if "device_id" in places else None
    rows = Rows(values.pop("G_S"), ids, names=names.known, repairs=repairs)
    for own, column in values.items():
        if own not in _MORE:
            setattr(rows, own, column)
    rows.discard("row with another number of columns", found.short)
    rows.discard(f"row beyond the {MOST_ROWS:,} that a fit uses", found.beyond)
    return settle(rows, source, name)


def _read_own(path: Path, table: Table | None, mapping: Mapping) -> Measurements:
    return _read(path, table, mapping, "synarray")


def _is_own(path: Path, table: Table | None) -> bool:
    if table is None or not table.header:
        return False
    heads = {re.sub(_UNIT_AT_END, "", name).strip().lower() for name in table.header} | set(table.names)
    return "g" in heads and bool({"polarity", "amplitude", "pulse", "device_id"} & heads)


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
    with np.errstate(divide="ignore", invalid="ignore"):
        g = 1.0 / resistance
    pairs, codes = np.unique(np.column_stack([word, bit]), axis=0, return_inverse=True)
    repairs = [*table.repairs, "conductances are 1 / resistance"]
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
