"""What each column of a table means: by its name and unit, then by its values, and by ``--columns`` before both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.formats.companions import (
    counts_of_pulses,
    identities,
    letters_of_branches,
    without_flags,
    without_means,
    without_others,
)
from synarray.lab.formats.evidence import A_CHANGE, COUNTS_ROWS, MEASURED, NO_UNIT, ONE_WORD, Column, Facts
from synarray.lab.formats.instruments import drain_voltages, only_reads, read_voltages, source_and_reading
from synarray.lab.formats.mapping import Mapping, constant, places
from synarray.lab.formats.tables import Table
from synarray.lab.rows.measured import COLUMNS
from synarray.lab.rows.order import precedes
from synarray.lab.text.beside import AFTER, BEFORE, CHANGE, NEW, OLD, SPREAD
from synarray.lab.text.headers import MORE, UNITS, Scale, given_unit, logarithm, meaning_in, relative, scale_of, unit_of
from synarray.lab.text.words import branch_of, label_of, meaning_of, plain_words, state_of

__all__ = ["understand"]

_ONE_EACH = ("pulse", "cycle", "polarity", "amplitude_V", "read_V", "width_s", "temperature_K", "time_s", "per_row")
_LARGEST = {"read_V": 10.0, "amplitude_V": 100.0, "width_s": 10.0}
"""Above which a number without a unit is no voltage in V and no width in s."""
_SAME_END, _STRAIGHT = 0.2, 0.02
"""Shares of the range by which ends of LTP and LTD of one device may differ, and by which a bent curve departs from a line."""


def understand(table: Table, mapping: Mapping, source: str) -> tuple[list[Column], dict[str, float]]:
    """Say what each column of a table means, and which values hold for all rows.

    Parameters
    ----------
    table : Table
    mapping : dict
        From ``--columns``.
    source : str
        Name of the file, for errors.

    Raises
    ------
    DataError
        When a column that is mapped is not there, or its unit is none.
    """
    rows = [row for row in table.sample if len(row) == table.width]
    facts = [Facts(cells, table) for cells in zip(*rows, strict=True)] if rows else []
    names = table.header or ("",) * table.width
    found = [_named(at, name, facts[at]) for at, name in enumerate(names)] if any(names) else _by_values(facts)
    found = drain_voltages(source_and_reading(found, facts), facts)
    found = letters_of_branches(without_flags(without_means(without_others(found)), facts))
    found = identities(counts_of_pulses(found, facts), facts, rows) if any(names) and rows else found
    given, constants = _mapped(found, mapping, table, source)
    found = only_reads(_after(_one_quantity(_absolute(given, source), facts), facts))
    for meaning in _ONE_EACH:
        found = _best(found, meaning, facts)
    found = [_in_unit(column, facts[column.at], source) for column in found]
    return found, constants


def _named(at: int, name: str, facts: Facts) -> Column:
    """Take a column for what its name says, unless its values contradict."""
    own = {key.lower(): key for key in (*COLUMNS, *MORE)}.get(name.strip().lower().lstrip("# "))
    name, log = logarithm(name)
    branch, state, meaning = branch_of(name), state_of(name), own or meaning_of(name)
    column = Column(at, name, meaning, "its name", branch=branch, state=state, label=label_of(name), log=log)
    if facts.empty:
        return replace(column, meaning="", why="no values", branch=0, state=0)
    if facts.is_text:
        return _of_words(column, facts)
    words = plain_words(name)
    if own is None and SPREAD.search(words):
        return replace(column, meaning="", why="a spread, no value", branch=0, state=0)
    if own is None and CHANGE.search(words):
        return replace(column, meaning="", why=A_CHANGE, branch=0, state=0)
    if meaning == "I_A" and words == "id" and facts.whole:
        return replace(column, meaning="device_id", why="its name, and whole numbers")
    if meaning == "device_id" and facts.suffixed:
        return column
    if meaning == "device_id" and own is None and not facts.whole:
        is_x = words in ("x", "y")
        return replace(
            column,
            meaning="pulse" if is_x else "G_S",
            why="its name, and its numbers",
            label="" if is_x else label_of(name),
        )
    if (
        meaning in ("", "pulse", "polarity")
        and (branch or state)
        and not (meaning == "pulse" and (facts.whole or facts.rises))
    ):
        large = float(np.median(np.abs(facts.finite))) > 1.0 if state else False
        return replace(column, meaning="R_ohm" if large else "G_S", why="its name")
    if meaning == "cycle" and not facts.whole:
        return replace(column, meaning="", why="its name says cycles, its values are no whole numbers")
    if meaning == "device_id" and own is None and facts.counts and facts.distinct > 0.9 * len(facts.cells) > 8:
        return replace(column, meaning="pulse", why=COUNTS_ROWS)
    return column if meaning else replace(column, why="no name that is known")


def _of_words(column: Column, facts: Facts) -> Column:
    """Take a column of words for the polarity or an identity."""
    if column.meaning == "cycle" and all(re.search(r"\d", word) for word in facts.words):
        return replace(column, why="its name, and numbers in its words", branch=0, state=0)
    if column.meaning in ("polarity", "device_id", "cycle", "pulse") and not facts.speaks_of_polarity:
        meaning = "polarity" if column.meaning == "polarity" else "device_id"
        return replace(column, meaning=meaning, why="its name, and words in its cells", branch=0, state=0)
    if len(facts.words) > 1 and all(map(state_of, facts.words)):
        return replace(column, meaning="state", why="words for low and high resistance in its cells", branch=0, state=0)
    if facts.speaks_of_polarity and (column.meaning == "polarity" or facts.distinct > 1):
        return replace(column, meaning="polarity", why="words for LTP and LTD in its cells", branch=0, state=0)
    quantities = any(re.match(r"[+-]?[\d.,]+([eE][+-]?\d+)?\s*\S{1,6}$", word) for word in facts.words)
    if quantities and column.meaning in (*MEASURED, "amplitude_V", "read_V", "width_s"):
        return replace(column, why="its name, and units in its cells")
    if quantities and column.branch and (meaning := meaning_in(facts.cells)):
        return replace(column, meaning=meaning, why="its name, and units in its cells")
    few = 2 <= facts.distinct <= 0.5 * len(facts.cells)
    why = "words that may tell devices apart" if few else ONE_WORD
    return replace(column, meaning="", why=why, branch=0, state=0)


def _by_values(facts: Sequence[Facts]) -> list[Column]:
    """Take columns without names for what their values look like."""
    found: list[Column] = []
    numbered = False
    for at, fact in enumerate(facts):
        x = fact.finite
        meaning, why = "", "nothing known"
        if fact.empty:
            why = "no values"
        elif fact.is_text:
            meaning, why = ("polarity", "words for LTP and LTD") if fact.speaks_of_polarity else ("device_id", "words")
        elif fact.counts and (at == 0 or found[-1].meaning == "G_S" or not numbered):
            meaning, why = "pulse", "it counts up"
        elif fact.whole and set(np.unique(x).tolist()) <= {-1.0, 0.0, 1.0} and fact.distinct > 1:
            meaning, why = "polarity", "its values are 1, -1, 0"
        elif fact.whole and fact.distinct <= 0.2 * len(x) and x.min() >= 0:
            meaning, why = "device_id", "whole numbers that stay for many rows"
        elif len(x) and np.percentile(x, 5) >= 0 and np.percentile(x, 95) < 0.05 and x.max() > 0 and not fact.constant:
            meaning, why = "G_S", "its size: 0 to 50 mS"
        elif fact.rises or (len(x) > 2 and bool(np.mean(np.diff(x) > 0) > 0.7) and fact.distinct > 0.4 * len(x)):
            meaning, why = "pulse", "it rises"
        elif 0.01 <= float(np.abs(x).max(initial=0.0)) <= 20:
            meaning, why = (
                ("read_V", "one voltage in all rows") if fact.constant else ("amplitude_V", "its size: volts")
            )
        numbered |= meaning == "pulse"
        found.append(Column(at, "", meaning, why))
    return _branches_by_values(found, facts)


def _branches_by_values(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Take two nameless columns of conductances for LTP and LTD where one rises and one falls, or each has its own numbers."""
    pair = [column for column in found if column.meaning == "G_S"]
    if len(pair) != 2:
        return found
    curves = [facts[c.at].finite for c in pair]
    ways = [float(np.median(x[-3:]) - np.median(x[:3])) for x in curves]
    if [c.meaning for c in found if c.meaning] == ["pulse", "G_S", "pulse", "G_S"]:
        why = "LTP before LTD, each with its own numbers"
    elif ways[0] > 0 > ways[1]:
        why = "one of two columns rises, the other falls"
    elif min(ways) > 0 and _bend_apart(*curves):
        why = "both rise between the same ends, the first steep below, the second above"
    else:
        return found
    signs = {pair[0].at: 1, pair[1].at: -1}
    return [replace(c, branch=signs[c.at], why=why) if c.at in signs else c for c in found]


def _bend_apart(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> bool:
    """Whether two curves that rise between the same ends bend to either side of the straight line, beyond their noise.

    So do LTP and LTD of one device in NeuroSim's order, where LTD is listed from its lowest conductance up; LTP of two devices
    bends to one side.
    """
    few = max(len(one) // 10, 1)
    if min(len(one), len(two)) < 8:
        return False
    ends = np.array([[np.median(x[:few]), np.median(x[-few:])] for x in (one, two)])
    span = float(np.diff(ends.mean(axis=0))[0])
    if np.abs(ends[0] - ends[1]).max() > _SAME_END * span:
        return False
    bends = []
    for x in (one, two):
        off = (x - np.linspace(x[0], x[-1], len(x))) / span
        noise = 1.4826 * float(np.median(np.abs(np.diff(x, 2)))) / np.sqrt(6.0) / span
        bends.append((float(off.mean()), 4.0 * noise + _STRAIGHT))
    (first, least), (second, other) = bends
    return bool(first > least and second < -other)


def _mapped(found: list[Column], mapping: Mapping, table: Table, source: str) -> tuple[list[Column], dict[str, float]]:
    """Put what ``--columns`` says in the place of what was found."""
    constants: dict[str, float] = {}
    given: dict[int, Column] = {}
    for own, wants in mapping.items():
        for wanted in wants:
            value = constant(own, wanted, table.header)
            if value is not None:
                constants[own] = value
                continue
            ats, unit = places(wanted, table.header, table.width, source)
            for at in ats:
                given[at] = _given(found[at], own, unit)
    owned = {column.meaning for column in given.values()} | set(constants)
    if owned & set(MEASURED):
        owned |= set(MEASURED)
    why = "another is given with --columns"
    kept = [
        given.get(column.at) or (replace(column, meaning="", why=why) if column.meaning in owned - {""} else column)
        for column in found
    ]
    return kept, constants


def _given(column: Column, own: str, unit: str) -> Column:
    branch = {"LTP": 1, "LTD": -1}.get(own, 0)
    known = given_unit(unit) if unit else None
    quantity = next((key for key in MEASURED if known and UNITS[key] == known[0]), meaning_of(column.name))
    meaning = "" if own == "ignore" else own if not branch else quantity if quantity in MEASURED else "G_S"
    return replace(column, meaning=meaning, branch=branch, state=0, why="--columns", unit=unit, given=True)


def _one_quantity(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Keep one measured quantity: conductances before resistances before currents; those of both branches before others."""

    def useful(meaning: str) -> tuple[bool, bool, int]:
        columns = [c for c in found if c.meaning == meaning]
        sides = {np.sign(c.branch) for c in columns if c.branch}
        return any(c.given for c in columns), len(sides) == 2, -MEASURED.index(meaning)

    there = [meaning for meaning in MEASURED if any(c.meaning == meaning for c in found)]
    if not there:
        return found
    best = max(there, key=useful)
    branched = [c for c in found if c.meaning == best and c.branch and not facts[c.at].empty]
    both = len({np.sign(c.branch) for c in branched}) == 2
    kept = []
    for c in found:
        if c.meaning in there and c.meaning != best:
            c = replace(c, meaning="", why=f"{best} is there as well")
        elif c.meaning == best and both and not c.branch:
            c = replace(c, meaning="", why="columns of LTP and LTD are there")
        kept.append(c)
    return kept


def _absolute(found: list[Column], source: str) -> list[Column]:
    """Leave ratios out where conductances are there as well, else refuse them with the way to say what 1 is worth.

    Raises
    ------
    DataError
        When nothing but ratios is there.
    """
    measured = [c for c in found if c.meaning in MEASURED]
    ratios = [c for c in measured if relative(c.name) and not c.given]
    if len(ratios) < len(measured):
        return [replace(c, meaning="", why="a ratio, no value") if c in ratios else c for c in found]
    if not ratios:
        return found
    keys = {1: "LTP", -1: "LTD"}
    due = UNITS[ratios[0].meaning]
    worth = f"0.1 {'k' if due == 'ohm' else 'u'}{due}"
    given = ",".join(f"{keys.get(c.branch, c.meaning)}={c.at + 1} in {worth}" for c in ratios)
    raise DataError(
        "conductances must be in siemens, or it must be said what 1 of the column is worth",
        got=", ".join(repr(c.shown) for c in ratios[:4]), where=source,
        do=f"If 1{' %' * ('%' in ratios[0].name)} is {worth}: synarray device fit {source} --columns '{given}'.",
    )  # fmt: skip


def _after(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Keep the reads after pulses where there are reads before them as well: by their names, else by their values."""
    measured = [c for c in found if c.meaning in MEASURED and not c.given]
    words = {c.at: plain_words(re.sub(r"([nkt])[-\u2212]1\b", r"\1 prev", c.name)) for c in measured}
    before, after = ([c for c in measured if pattern.search(words[c.at])] for pattern in (BEFORE, AFTER))
    if not before or len(before) != len(after):
        pairs = [(a, b) for a, b in permutations(measured, 2) if a.branch == b.branch] if len(measured) <= 4 else []
        named = {(a.at, b.at): bool(OLD.search(words[a.at]) and NEW.search(words[b.at])) for a, b in pairs}
        before = [a for a, b in pairs if precedes(facts[a.at].finite, facts[b.at].finite, named=named[a.at, b.at])]
        if 2 * len(before) != len(measured):
            return found
    why = "the state before each pulse; that after it is used"
    return [replace(c, meaning="", why=why) if c in before else c for c in found]


_FIRST_CHOICE: dict[str, Callable[[Column, Facts], tuple[bool, ...]]] = {
    "pulse": lambda c, f: (bool(re.search(r"puls|脉冲|펄스|パルス", plain_words(c.name))), f.counts),
    "cycle": lambda c, f: ("cycle" in plain_words(c.name), f.distinct > 1),
    "polarity": lambda c, f: (f.speaks_of_polarity or set(np.unique(f.finite).tolist()) <= {-1.0, 0.0, 1.0},),
    "amplitude_V": lambda c, f: (
        bool(re.search(r"puls|prog|write|amplitude|\bp\b", plain_words(c.name))),
        not f.constant,
    ),
}


def _best(found: list[Column], meaning: str, facts: Sequence[Facts]) -> list[Column]:
    """Keep the best of several columns that mean the same; a constant voltage beside currents is the read voltage."""
    alike = [c for c in found if c.meaning == meaning and not c.branch]
    if meaning == "amplitude_V":
        found, alike = _read_voltages(found, alike, facts)
    if len(alike) < 2 or (meaning == "read_V" and read_voltages(found)):
        return found
    score = _FIRST_CHOICE.get(meaning)
    best = max(alike, key=lambda c: (c.given, *(score(c, facts[c.at]) if score else ()), -c.at))
    own_x = meaning in ("pulse", "time_s") and _numbers_its_neighbour(found)
    if own_x:
        return found
    others = {c.at for c in alike} - {best.at}
    why = f"{best.shown} is taken for {meaning}"
    return [replace(c, meaning="", why=why) if c.at in others else c for c in found]


def _read_voltages(
    found: list[Column], alike: list[Column], facts: Sequence[Facts]
) -> tuple[list[Column], list[Column]]:
    if any(c.meaning == "read_V" for c in found):
        return found, alike
    low = [c for c in alike if facts[c.at].constant and abs(facts[c.at].finite[0]) <= 0.5 and not c.given]
    low = [c for c in low if not re.search(r"puls|prog|write", plain_words(c.name))]
    if len(low) != 1:
        return found, alike
    turned = replace(low[0], meaning="read_V", why="one small voltage in all rows")
    return [turned if c is low[0] else c for c in found], [c for c in alike if c is not low[0]]


def _numbers_its_neighbour(found: list[Column]) -> bool:
    """Whether each measured column has a count of its own to its left."""
    used = [c.meaning for c in found if c.meaning in (*MEASURED, "pulse", "time_s")]
    return (
        len(used) >= 4
        and len(used) % 2 == 0
        and all((a in ("pulse", "time_s")) and (b in MEASURED) for a, b in zip(used[::2], used[1::2], strict=True))
    )


def _in_unit(column: Column, facts: Facts, source: str) -> Column:
    """Add the unit, and the first values."""
    first = tuple(cell for cell in facts.cells[:3])
    if column.meaning not in UNITS:
        return replace(column, first=first)
    if column.unit and (known := given_unit(column.unit)) and known[0] == UNITS[column.meaning]:
        return replace(column, scale=known[1], first=first)
    name = column.name if column.name.strip().lower() != column.meaning.lower() else ""
    scale = scale_of(column.name, column.meaning, source) if name else Scale()
    bare = column.why == "its name" and name and scale == Scale() and not unit_of(name)[1] and len(facts.finite)
    size = float(np.median(np.abs(facts.finite))) if bare else 0.0
    if size > _LARGEST.get(column.meaning, np.inf):
        why = f"{NO_UNIT}{size:g} {UNITS[column.meaning]} is too large"
        column = replace(column, why=why, meaning="" if column.meaning == "read_V" else column.meaning)
    return replace(column, scale=scale, unit=(unit_of(name)[1] or "") if scale != Scale() else "", first=first)
