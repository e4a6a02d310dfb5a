"""What columns mean beside each other: means, fits, spreads, letters for the branches, flags, counts, names of devices."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from synarray.lab.formats.evidence import MEASURED, WHOLE_TRAINS, Column, Facts
from synarray.lab.text.beside import CHANNEL, COPY, FIT, GATE, LEAK, MARKED, MEAN, TERMINAL
from synarray.lab.text.words import branch_of, plain_words

__all__ = ["counts_of_pulses", "identities", "letters_of_branches", "without_flags", "without_means", "without_others"]

_LETTERS = re.compile(r"(?:^|\b)(?P<letter>[pd])$")
_LONGEST_COUNT = 50
_LONG = 8
"""Rows that a name stays for at least where it is that of a device."""


def without_means(found: list[Column]) -> list[Column]:
    """Leave means out that are beside what they are of, and numbers that no unit and no name make a quantity."""
    values = [c for c in found if c.meaning in MEASURED and not c.given]
    means = [c for c in values if MEAN.search(plain_words(c.name))]
    sides = {np.sign(c.branch) for c in values}
    if not means or any(sum(np.sign(c.branch) == s for c in values if c not in means) < 2 for s in sides):
        return found
    return [replace(c, meaning="", why="a mean of the others") if c in means else c for c in found]


def _side(column: Column) -> tuple[str, int, str]:
    """Return what a column and its spread have in common: quantity, branch, and the device or cycle."""
    label = MEAN.sub(" ", MARKED.sub(" ", column.label))
    return column.meaning, column.branch, " ".join(label.split())


def _of_one_quantity(column: Column, kept: list[Column]) -> bool:
    return any(column.meaning == c.meaning for c in kept)


_BESIDE: tuple[tuple[re.Pattern[str], str, Callable[[Column, list[Column]], bool]], ...] = (
    (GATE, "a current of the gate", lambda c, kept: c.meaning == "I_A" and _of_one_quantity(c, kept)),
    (LEAK, "a leakage current, or noise", _of_one_quantity),
    (
        TERMINAL, "a current of another terminal than the drain",
        lambda c, kept: c.meaning == "I_A" and all(CHANNEL.search(k.label) for k in kept if k.meaning == "I_A"),
    ),
    (FIT, "a fit, model or simulation, no measured value", lambda _, kept: True),
    (COPY, "computed of another, no measured value", _of_one_quantity),
    (MARKED, "a spread, no value", lambda c, kept: _side(c) in map(_side, kept)),
)  # fmt: skip
"""What is beside measured columns and none itself: its words, what is said of it, and whether the others leave no doubt."""


def without_others(found: list[Column]) -> list[Column]:
    """Leave out what is beside measured columns and none itself: currents of the gate, fits, smoothed copies, spreads."""
    for pattern, why, is_other in _BESIDE:
        values = [(c, bool(pattern.search(f"{plain_words(c.name)} {c.name}"))) for c in found if c.meaning in MEASURED]
        kept = [c for c, named in values if not named]
        others = {c.at for c, named in values if kept and named and is_other(c, kept)}
        found = [replace(c, meaning="", branch=0, why=why) if c.at in others else c for c in found]
    return found


def letters_of_branches(found: list[Column]) -> list[Column]:
    """Take G_p and G_d beside each other for LTP and LTD."""
    values = [c for c in found if c.meaning in MEASURED]
    if any(c.branch for c in values):
        return found
    letters = {c.at: match["letter"] for c in values if (match := _LETTERS.search(plain_words(c.name)))}
    if len(letters) != len(values) or sorted(letters.values()) != ["d"] * (len(values) // 2) + ["p"] * (
        len(values) // 2
    ):
        return found
    why = "its name: p beside d, for potentiation and depression"
    return [
        replace(c, branch=1 if letters[c.at] == "p" else -1, label=re.sub(r"\b[pd]$", "", c.label).strip(), why=why)
        if c.at in letters
        else c
        for c in found
    ]


def without_flags(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Leave columns of a branch out that hold 0 and 1 alone, beside one that holds values."""
    values = [c for c in found if c.meaning in MEASURED and not c.given]
    flags = [c for c in values if c.branch and np.isin(facts[c.at].finite, (0.0, 1.0)).all()]
    if not flags or len(flags) == len(values):
        return found
    return [replace(c, meaning="", branch=0, why="0 and 1, no value") if c in flags else c for c in found]


def counts_of_pulses(found: list[Column], facts: Sequence[Facts]) -> list[Column]:
    """Take whole numbers that rise by one after several rows, of any name, for the number of the pulse where nothing else is."""
    if any(c.meaning == "pulse" for c in found):
        return found
    for column in found:
        x = facts[column.at].finite
        if column.meaning or column.why != "no name that is known" or not facts[column.at].whole or len(x) < _LONG:
            continue
        steps = np.diff(x)
        ups = int(np.count_nonzero(steps == 1))
        if (
            (steps == 0).any()
            and np.mean((steps == 0) | (steps == 1)) > 0.95
            and ups >= max(_LONG, len(x) / _LONGEST_COUNT)
        ):
            counted = replace(column, meaning="pulse", why="it counts up")
            return [counted if c is column else c for c in found]
    return found


def identities(found: list[Column], facts: Sequence[Facts], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Take words that stay for whole trains for names of devices; numbers that do so are said to be possible ones."""
    signs = _signs(found, facts, rows)
    kept = []
    for column in found:
        fact = facts[column.at]
        unknown = not column.meaning and column.why in ("no name that is known", "words that may tell devices apart")
        cells = [row[column.at].strip() for row in rows]
        if unknown and len(cells) > 2 * _LONG and len(set(cells)) >= 2 and all(cells):
            change = np.flatnonzero([a != b for a, b in pairwise(cells)]) + 1
            edges = [0, *change.tolist(), len(cells)]
            whole = min(np.diff(edges[:-1]), default=0) >= _LONG
            both = signs is not None and all({1, -1}.issubset(signs[a:b]) for a, b in pairwise(edges[:-1]))
            if fact.is_text and whole and both:
                column = replace(column, meaning="device_id", why=WHOLE_TRAINS)
            elif not fact.is_text and whole and len(edges) <= len(cells) / _LONG:
                column = replace(column, why="numbers that stay for many rows and may tell devices apart")
        kept.append(column)
    return kept


def _signs(found: list[Column], facts: Sequence[Facts], rows: Sequence[Sequence[str]]) -> list[int] | None:
    """Return the polarity of each row, by a column of codes or words, or of voltages."""
    for meaning in ("polarity", "amplitude_V"):
        column = next((c for c in found if c.meaning == meaning and not c.branch), None)
        if column is None:
            continue
        fact = facts[column.at]
        if fact.is_text:
            return [int(np.sign(branch_of(row[column.at]))) for row in rows]
        if len(fact.values) == len(rows):
            return [int(s) for s in np.sign(np.nan_to_num(fact.values))]
    return None
