"""Conventions of instruments: readings beside their unit or source value, currents of pulses, drain voltages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synarray.lab.formats.evidence import MEASURED, Column, Facts
from synarray.lab.text.headers import MEANINGS, known_unit
from synarray.lab.text.marks import NOTHING
from synarray.lab.text.words import is_drain, plain_words

__all__ = ["drain_voltages", "only_reads", "read_voltages", "source_and_reading"]

_READING = re.compile(r"\breadings?\b|\bvalues?\b|values?$")
_LARGEST_READ = 5.0
"""Volts up to which a source value that does not change is taken for the voltage of the reads."""


def source_and_reading(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Take readings for what a column of their unit says, or for currents at a source value that does not change.

    So write source-measure units: "Reading, Unit, Source Value, Source Unit", or "SourceValue, Reading" alone.
    """
    if any(column.meaning in MEASURED for column in found):
        return found
    values = [c for c in found if not c.meaning and _is_value(c, facts[c.at])]
    units = {c.at: unit for c in values if (unit := _unit_beside(c, found, facts))}
    sources = [c for c in found if not c.meaning and "source" in plain_words(c.name) and _is_number(facts[c.at])]
    units |= {c.at: unit for c in sources if (unit := _unit_beside(c, found, facts))}
    volts = [c for c in sources if facts[c.at].constant and 0 < abs(facts[c.at].finite[0]) <= _LARGEST_READ]
    readings = [c for c in values if c not in sources]
    changed: dict[int, Column] = {}
    for column in readings:
        known = known_unit(units.get(column.at, "A" if volts and len(readings) == 1 else ""))
        if known and known[0] in MEANINGS:
            why = (
                "its name, and the unit beside it"
                if column.at in units
                else "a reading beside a source value: a current"
            )
            changed[column.at] = replace(column, meaning=MEANINGS[known[0]], unit=units.get(column.at, ""), why=why)
    for column in volts if changed else []:
        if (known_unit(units.get(column.at, "V")) or ("",))[0] == "V":
            changed[column.at] = replace(column, meaning="read_V", why="the source's value, the same in all rows")
    return [changed.get(c.at, c) for c in found]


def _is_value(column: Column, facts: Facts) -> bool:
    return bool(_READING.search(plain_words(column.name))) and _is_number(facts)


def _is_number(facts: Facts) -> bool:
    return not (facts.is_text or facts.empty or facts.counts)


def _unit_beside(column: Column, found: list[Column], facts: Sequence[Facts]) -> str:
    """Return the unit that the next column of units says for all rows; empty where there is none."""
    for other in found[column.at + 1 : column.at + 3]:
        cells = {re.sub(" [AD]C$", "", cell) for cell in facts[other.at].cells if cell.lower() not in NOTHING}
        if "unit" in plain_words(other.name) and len(cells) == 1 and known_unit(next(iter(cells))):
            return next(iter(cells))
    return ""


def drain_voltages(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Take a drain voltage that does not change for the voltage of the reads of currents, where nothing else is."""
    currents = any(c.meaning == "I_A" for c in found)
    if not currents or any(c.meaning == "read_V" for c in found):
        return found
    drains = [c for c in found if c.meaning in ("", "amplitude_V") and is_drain(c.name) and facts[c.at].constant]
    if len(drains) != 1 or np.abs(facts[drains[0].at].finite[0]) > _LARGEST_READ:
        return found
    why = "the drain's voltage, the same in all rows"
    return [replace(c, meaning="read_V", why=why) if c is drains[0] else c for c in found]


def only_reads(found: list[Column]) -> list[Column]:
    """Keep currents of reads where others are there that flow during pulses: "AI" beside "I_read"."""
    currents = [c for c in found if c.meaning == "I_A" and not c.given]
    reads = [c for c in currents if re.search(r"\b(read|meas)", plain_words(c.name))]
    if not reads or len(reads) == len(currents) or any(c.branch for c in currents):
        return found
    why = f"a current while {reads[0].shown} is that of the reads"
    return [replace(c, meaning="", why=why) if c in currents and c not in reads else c for c in found]


def read_voltages(found: Sequence[Column]) -> list[Column]:
    """Return the read voltages of the currents in their order where each has one of its own: by its number, or beside it."""
    currents = [c for c in found if c.meaning == "I_A"]
    volts = [c for c in found if c.meaning == "read_V" and not c.branch]
    numbers = [[re.findall(r"\d+", plain_words(c.name)) for c in columns] for columns in (currents, volts)]
    steps = {v.at - c.at for c, v in zip(currents, volts, strict=False)}
    fits = 1 < len(volts) == len(currents) and (steps in ({1}, {-1}) or (all(numbers[0]) and numbers[0] == numbers[1]))
    return volts if fits else []
