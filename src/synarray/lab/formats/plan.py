"""How a table is going to be read: what each column means, which layout that makes, and what holds for all rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from synarray.errors import DataError
from synarray.lab.formats.columns import understand
from synarray.lab.formats.evidence import MEASURED, NO_UNIT, Column
from synarray.lab.formats.mapping import Mapping
from synarray.lab.formats.reading import numbers
from synarray.lab.formats.settings import Settings, settings_of
from synarray.lab.formats.tables import Table
from synarray.lab.formats.titles import with_titles
from synarray.lab.text.headers import MEANINGS, UNITS, dimension_of, known_unit, units_said
from synarray.lab.text.words import meaning_of, plain_words

__all__ = ["LAYOUTS", "WEIGHT", "Plan", "Wishes", "plan_of", "unused"]

LAYOUTS = {
    "long": "one row per pulse",
    "wide": "several columns of one quantity: devices, or reads of one state",
    "sides": "LTP and LTD side by side",
    "states": "states of low and high resistance side by side, one row per cycle",
    "rows": "one train per row, with text before the numbers",
    "curve": "one curve: pulses numbered, without polarity",
    "list": "a list of conductances after LTP pulses",
}
"""Layouts of tables, in words."""
_ARC = ("wordline", "bitline", "resistance", "amplitude (v)", "pulse width (s)", "tag", "readtag", "readvoltage")
_TINY = 1e-4
"""Numbers below this in a unit with a prefix may be in SI."""
_VOLTAGES = re.compile(r"v[_ ]?pulse"), re.compile(r"v[_ ]?read")


@dataclass(frozen=True)
class Wishes:
    """What the user asked for."""

    mapping: Mapping = field(default_factory=dict)
    ltd: str | None = None
    """How LTD is listed: "rising" or "falling"."""
    only: str | None = None
    """The branch that is read alone: "ltp" or "ltd"."""
    layout: str | None = None
    """From ``--format``; none: recognised."""
    decimal: str | None = None
    """The decimal mark, "comma" or "point"; none: found in the numbers."""


@dataclass(frozen=True)
class Plan:
    """A table, and how it is going to be read."""

    table: Table
    columns: tuple[Column, ...]
    constants: dict[str, float]
    settings: Settings
    layout: str
    source: str
    wishes: Wishes

    @property
    def measured(self) -> list[Column]:
        """The columns that give conductances."""
        return [column for column in self.columns if column.meaning in MEASURED]

    def one(self, meaning: str) -> Column | None:
        """Return the column of a meaning, without a branch of its own."""
        return next((column for column in self.columns if column.meaning == meaning and not column.branch), None)

    def every(self, meaning: str) -> list[Column]:
        """Return all columns of a meaning."""
        return [column for column in self.columns if column.meaning == meaning]

    def read_of(self, column: Column) -> float | None:
        """Return the voltage at which a column was read, as ``--columns`` or the file's own words say; None: they do not."""
        return self.constants.get("read_V", self.settings.read_of(column.name, column.branch))

    @property
    def name(self) -> str:
        """The format by which the result goes."""
        if self.layout == "long":
            if self.table.names[: len(_ARC)] == _ARC:
                return "arc"
            return "columns" if self.wishes.mapping else "synarray"
        return {"wide": "simbrain" if self.is_simbrain else "wide", "curve": "neurosim", "list": "n2d2"}.get(
            self.layout, self.layout
        )

    @property
    def is_simbrain(self) -> bool:
        """Whether the table is SIMBRAIN's: voltage of the pulse, voltage of the read, current of each device."""
        return is_simbrain(self.table)


def is_simbrain(table: Table) -> bool:
    """Whether the first two columns are named as SIMBRAIN names them."""
    names = [plain_words(name).replace(" ", "_") for name in table.header[:2]]
    return table.width >= 3 and len(names) == 2 and all(p.fullmatch(n) for p, n in zip(_VOLTAGES, names, strict=True))


def plan_of(table: Table, wishes: Wishes, source: str) -> Plan:
    """Say how a table is going to be read.

    Raises
    ------
    DataError
        When a column that is mapped is not there, or a unit is none.
    """
    table = with_titles(table)
    columns, constants = understand(table, wishes.mapping, source)
    table, columns = _in_units_above(table, columns, source)
    measured = [column for column in columns if column.meaning in MEASURED]
    alone = not table.header and len(table.sample) == 1 and table.width > 2
    layout = wishes.layout or ("list" if alone else _layout(columns, measured))
    mark = "," if table.separator == "," else "\t"
    settings = settings_of(table.above, [column.name for column in measured], mark)
    return Plan(table, tuple(columns), constants, settings, layout, source, wishes)


def _bare(columns: Sequence[Column]) -> list[Column]:
    """Return the columns of measured values that have no unit, other than those of weights, and of the project's names."""
    named = [c for c in columns if c.meaning in MEASURED and not re.search(WEIGHT, plain_words(c.name))]
    return [c for c in named if not (c.unit or dimension_of(c.name) or c.name.strip().lower() == c.meaning.lower())]


def _in_units_above(table: Table, columns: list[Column], source: str) -> tuple[Table, list[Column]]:
    """Take the one unit that lines above a table name for measured values that have none."""
    bare = _bare(columns)
    units = [(unit, *known) for unit in units_said(table.above) if bare and (known := known_unit(unit))]
    fits = [u for u in units if all(u[1] == UNITS[c.meaning] or not meaning_of(c.name) for c in bare)]
    if not fits:
        return table, columns
    size = float(np.median([abs(x) for c in bare for x in numbers(c.first, table) if np.isfinite(x)] or [1.0]))
    fits.sort(key=lambda u: u[1] == "S" and size * u[2].factor > 0.1)
    (unit, dimension, scale), names = fits[0], ", ".join(c.shown for c in bare)
    tiny = scale.factor < 1.0 and size < _TINY
    if tiny or len({u[1:] for u in fits}) > 1:
        keys, unit = {1: "LTP", -1: "LTD"}, dimension if tiny else unit
        given = ",".join(f"{keys.get(c.branch, MEANINGS[dimension])}={c.at + 1} in {unit}" for c in bare)
        raise DataError(
            "values must be in one unit that fits", where=source, got=f"{names} without a unit, {bare[0].first[0]} first, "
            f"beneath lines that say {' and '.join(u[0] for u in fits)}",
            do=f"If they are in {unit}: synarray device fit {source} --columns '{given}'",
        )  # fmt: skip
    columns = [replace(c, meaning=MEANINGS[dimension], unit=unit, scale=scale) if c in bare else c for c in columns]
    return replace(table, repairs=(*table.repairs, f"{names}: in {unit}, as a line above the table says")), columns


def _layout(columns: list[Column], measured: list[Column]) -> str:
    if any(column.branch for column in measured) and not any(c.meaning in ("polarity", "amplitude_V") for c in columns):
        return "sides"
    if {column.state for column in measured} >= {1, -1} or (
        any(c.meaning == "state" for c in columns) and len(measured) == 1
    ):
        return "states"
    if len(measured) > 1:
        return "wide"
    by_pulse = any(column.meaning in ("polarity", "amplitude_V") for column in columns)
    return "long" if by_pulse or not measured else "curve"


WEIGHT = r"weight|gewicht|poids|权重|가중|\bw\b"
"""Normalised weights have no unit."""


def unused(plan: Plan) -> list[str]:
    """Say which columns have no unit, which are not used and why, and how to use those that may tell devices apart."""
    bare = [repr(c.shown) for c in _bare(plan.columns) if c.name.strip()]
    units = []
    for c in plan.columns:
        if c.meaning and c.why.startswith(NO_UNIT):
            units.append(f"{c.shown!r} has {c.why}: --columns '{c.meaning}={c.at + 1} in UNIT' gives its own")
        elif c.meaning in ("read_V", "width_s") and c.why == "its name" and not (c.unit or dimension_of(c.name)):
            own = c.name.strip().lower() == c.meaning.lower()
            units += [] if own else [f"{c.shown!r} has no unit: taken as {UNITS[c.meaning]}"]
    if bare:
        has = "has" if len(bare) == 1 else "have"
        units.append(f"{', '.join(bare)} {has} no unit: taken as {UNITS[plan.measured[0].meaning]}")
    said = []
    for column in plan.columns:
        if column.meaning or column.why == "no values":
            continue
        hint = f"; to use it: --columns 'device_id={column.shown}'" if "may tell devices apart" in column.why else ""
        said.append(f"{column.shown!r} ({column.why}{hint})")
    return units + ([f"not used: {', '.join(said)}"] if said else [])
