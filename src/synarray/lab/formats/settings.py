"""What the instrument's own lines above a table say: ``Vread,0.1``, ``# Pulse width: 1 us``, ``Vset = 0.85 V``, ``DUT,D3``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isclose

from synarray.lab.text.headers import UNITS, known_unit, read_at, unit_of, with_units
from synarray.lab.text.words import branch_of, is_drain, is_pulse_voltage, setting_of

__all__ = ["Settings", "settings_of"]

_PAIR = re.compile(
    r"(?P<name>[^\W\d][^,;:=\t]{0,60}?)\s*[:=]?\s*[,;:=\t]\s*(?P<value>[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?)[^\S\t]*(?P<unit>[^\s,;:=\d/][^\s,;:=/]{0,8})?"
)
_MORE = re.compile(r"\s*[,;/\t]\s*(?P<value>[+-]?\d+[.,]?\d*(?:[eE][+-]?\d+)?)\s*(?P<unit>[fpnum\u00b5\u03bck]?[Vs])\b")
_NAMED = re.compile(
    r"(?P<name>device|device ?(id|name|no\.?)|dut|cell|sample ?(id|name)?|crosspoint)\s*[,;:=\t]\s*(?P<value>[^,;\t]{1,40})",
    re.I,
)
_LIMITS = {"read_V": 20.0, "amplitude_V": 100.0, "width_s": 1000.0, "temperature_K": 2000.0}


@dataclass
class Settings:
    """Values that hold for the whole table, in SI, and the words of the file that said so.

    ``pulse_V`` and ``pulse_s`` have a value for each polarity: 1, -1; 2 and -2 for program and erase; 0 for both.
    """

    read_V: float | None = None
    """None as well where several are said that differ."""
    temperature_K: float | None = None
    pulse_V: dict[int, float] = field(default_factory=dict)
    pulse_s: dict[int, float] = field(default_factory=dict)
    device: str = ""
    said: dict[str, str] = field(default_factory=dict)
    reads: dict[str, tuple[int | str, float]] = field(default_factory=dict)
    """All voltages of reads by the words that say them, and what each is of: a branch, 0 for all, or the name of a column."""

    def read_of(self, name: str, branch: int) -> float | None:
        """Return the voltage at which a column was read; None where none is said of it, or several."""
        if self.read_V is not None:
            return self.read_V
        volts = [volt for whose, volt in self.reads.values() if whose in (name, 0, (branch > 0) - (branch < 0))]
        return volts[0] if volts and isclose(min(volts), max(volts)) else None


def settings_of(lines: Iterable[Sequence[str]], names: Iterable[str] = (), mark: str = "\t") -> Settings:
    """Collect the settings from lines of cells, and the voltage of the reads from names of columns, "I @ 0.1 V".

    ``mark`` is put between cells: a comma where it may have cut a decimal number in two.

    Examples
    --------
    >>> settings_of([["Vread", "0.1"], ["PulseWidth", "1E-6"], ["Vset", "0.85"], ["Vreset", "-1.05"]])  # doctest: +ELLIPSIS
    Settings(read_V=0.1, temperature_K=None, pulse_V={1: 0.85, -1: -1.05}, pulse_s={0: 1e-06}, ...)
    """
    found = Settings()
    for name in names:
        if at := read_at(name, in_name=True):
            _take_read(found, name.strip(), at[1], name)
    for cells in lines:
        texts = with_units(cells)
        if len(texts) == 2:  # the comma in "Read voltage, V" separates no cells
            texts[0] = texts[0].replace(", ", "/")
        line = mark.join(texts)
        if named := _NAMED.fullmatch(line):
            found.device = named["value"].strip()
            continue
        if found.read_V is None and (at := read_at(" ".join(cells))):
            _take_read(found, *at)
        for pair in _PAIR.finditer(line):
            values, end = [pair], pair.end()
            if re.match(r"/[A-Za-z]", line[end:]):
                continue  # a rate
            while pair["unit"] and (more := _MORE.match(line, end)):  # "Set: 0.85 V, 1 us", "Pulse: +1.3V/-1.5V, 10us"
                values.append(more)
                end = more.end()
            volts = [value for value in values if (value["unit"] or "").endswith("V")]
            for value in values:
                if len(volts) < 2 or value not in volts:  # of two voltages nothing says which one is LTP's
                    _take(found, pair["name"], value)
    if said := [volt for _, volt in found.reads.values()]:
        found.read_V = said[0] if isclose(min(said), max(said)) else None
    return found


def _take_read(found: Settings, words: str, volts: float, whose: int | str = 0) -> None:
    found.read_V, found.said["read_V"] = volts, words
    found.reads[words] = (whose, volts)


def _take(found: Settings, name: str, pair: re.Match[str]) -> None:
    """Take one pair of a name and a number, if it is a voltage, a width or a temperature within what they can be."""
    name = name.strip()
    unit = known_unit(pair["unit"] or unit_of(name)[1] or "")
    meaning = setting_of(name, unit[0] if unit else "")
    value = float(pair["value"].replace(",", "."))
    due = UNITS.get(meaning, "")
    if meaning not in _LIMITS or (unit is not None and unit[0] != due):
        return
    if is_drain(name) and found.read_V is not None:
        return
    value = value * unit[1].factor + unit[1].offset if unit else value
    if not 0 < abs(value) <= _LIMITS[meaning] or (meaning == "amplitude_V" and not is_pulse_voltage(name)):
        return
    branch = branch_of(name)
    words = " ".join(pair[0].split())
    if meaning == "read_V" and not is_drain(name):
        _take_read(found, words, abs(value), (branch > 0) - (branch < 0))
    elif meaning in ("read_V", "temperature_K"):
        setattr(found, meaning, abs(value))
        found.said[meaning] = words
    else:
        table = found.pulse_V if meaning == "amplitude_V" else found.pulse_s
        table[branch] = value if meaning == "amplitude_V" else abs(value)
        found.said[f"{meaning} {branch}"] = words
