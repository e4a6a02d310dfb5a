"""One train per row: text in front of the numbers says which branch, which device, and how long the pulses were.

    Gprog, 9.9e-07, 8.2e-07, ...      (U2,0,1),terase=0.0001,Gerase, 8.4e-10, ...      D1;LTP;1;3.4;4.8;6.3;...

A line of text alone holds for the rows beneath it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synarray.lab.formats.evidence import Column
from synarray.lab.formats.flat import conductances
from synarray.lab.formats.mapping import Mapping
from synarray.lab.formats.settings import Settings, settings_of
from synarray.lab.rows.assembly import Train
from synarray.lab.rows.cutting import runs
from synarray.lab.rows.measured import Rows
from synarray.lab.text.headers import Scale, dimension_of, given_unit, is_units, scale_of, unit_of
from synarray.lab.text.marks import NOTHING, NUMBER, Marks
from synarray.lab.text.words import BRANCHES, branch_of, label_of, meaning_of, plain_words

__all__ = ["are_train_rows", "columns_of", "read_train_rows", "unit_of_rows"]

_FEWEST = 8
"""Numbers of a row from which on it may be a train."""
_SMOOTH = 4.0
"""Ranges that numbers go along a row, up and down together, where they are a train."""
_CYCLE = re.compile(r"\b(cycle|train|loop|run|c)( ?\d+)?$", re.IGNORECASE)
_QUANTITIES = {"G_S": "S", "R_ohm": "ohm", "I_A": "A"}


@dataclass
class _Row:
    before: list[str]
    numbers: list[str]

    @property
    def branch(self) -> int:
        return next((b for cell in self.before if (b := branch_of(cell))), 0)


def _split(cells: Sequence[str], marks: Marks) -> _Row:
    """Part the numbers at the end of a row from the text before them."""
    cells = [cell.strip() for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    at = len(cells)
    while at and (marks.is_number(cells[at - 1]) or cells[at - 1].lower() in NOTHING):
        at -= 1
    return _Row(cells[:at], [marks.plain(cell) for cell in cells[at:]])


def are_train_rows(lines: Sequence[Sequence[str]], marks: Marks) -> bool:
    """Whether the lines of a file are trains: text that names a branch, then many numbers of one kind."""
    rows = [row for cells in _labelled(lines) if not _numbered((row := _split(cells, marks)).before)]
    rows = [row for row in rows if row.numbers or not is_units(row.before)]
    long = [row for row in rows if len(row.numbers) >= _FEWEST and row.before]
    long = [row for row in long if row.branch or not _counts(row.numbers)]
    bare = [row for row in rows if len(row.numbers) >= 3 and not row.before]
    named = [row for row in long if row.branch]
    if not named and long and not bare and len(long) == len([row for row in rows if row.before or row.numbers]):
        return _are_named_trains(long)
    if not named or len(named) < 0.8 * len(long) or len(bare) > 1:
        return False
    header = next((row.before for row in rows if len(row.numbers) < 3 and len(row.before) > 3), [])
    names = [name for name in header if re.search(r"[^\W\d]", name) and not re.search(r"[=:]\s*[\d.]", name)]
    return len({meaning_of(name) for name in names} & {"amplitude_V", "G_S", "I_A", "R_ohm", "pulse", "width_s"}) < 2


def _labelled(lines: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Put the name above it before a number in front of a train where names number the reads: Cycle, P1, P2, ..."""
    names: Sequence[str] = ()
    for cells in lines:
        if numbers := _numbered([cell.strip() for cell in cells]):
            names = [cell.strip() for cell in cells[: len(cells) - len(numbers)]]
        elif names and len(cells) > _FEWEST and all(re.fullmatch(r"\d+", cell.strip()) for cell in cells[: len(names)]):
            front = [f"{name} {cell.strip()}" for name, cell in zip(names, cells, strict=False)]
            cells = [*front, *cells[len(names) :]]
        yield cells


def _are_named_trains(rows: Sequence[_Row]) -> bool:
    """Whether rows without words for the branches are trains of devices: a name in front of numbers that go smoothly along."""
    if any(len(row.before) > 1 for row in rows) or len({row.before[0] for row in rows}) < len(rows):
        return False
    smooth = []
    for row in rows:
        values = np.array([float(n) if NUMBER.match(n) else np.nan for n in row.numbers])
        values = values[np.isfinite(values)]
        smooth.append(len(values) >= _FEWEST and np.abs(np.diff(values)).sum() < _SMOOTH * np.ptp(values))
    return bool(np.mean(smooth) > 0.8)


def _numbered(names: Sequence[str]) -> list[int]:
    """Return the numbers of the reads where names of columns number those of a row: P1, P2, ... P50, D1, D2, ..."""
    numbers = [int(found[1]) for name in names if (found := re.fullmatch(r"[A-Za-z]{0,12}[ _]?(\d{1,5})", name))]
    steps = np.diff(numbers)
    return numbers if len(numbers) >= max(_FEWEST, len(names) - 3) and np.mean(steps == 1) > 0.8 else []


def columns_of(lines: Sequence[Sequence[str]], marks: Marks) -> list[Column]:
    """Say how such rows are understood, for people."""
    rows = [row for cells in _labelled(lines) if len((row := _split(cells, marks)).numbers) >= _FEWEST and row.before]
    text = tuple(" ".join(row.before) for row in rows[:3])
    values = tuple(row.numbers[0] for row in rows[:3])
    return [
        Column(
            0,
            "text before the numbers",
            "polarity, device_id",
            "words for LTP and LTD, and what else is there",
            first=text,
        ),
        Column(1, "numbers of a row", "G_S", "one train per row", first=values),
    ]


def unit_of_rows(mapping: Mapping) -> tuple[str, Scale] | None:
    """Return what ``--columns 'G_S=2 in uS'`` says of the numbers of all rows; None where it says something else.

    Examples
    --------
    >>> unit_of_rows({"G_S": ("2 in uS",)}), unit_of_rows({"G_S": ("2 in V",)})
    (('G_S', Scale(factor=1e-06, offset=0.0)), None)
    """
    own, texts = next(iter(mapping.items()), ("", ()))
    found = re.fullmatch("2 in (.+)", texts[0]) if len(mapping) == len(texts) == 1 else None
    unit = given_unit(found[1]) if found else None
    return (own, unit[1]) if unit and unit[0] == _QUANTITIES.get(own) else None


def read_train_rows(
    lines: Iterable[Sequence[str]], marks: Marks, source: str, rows: Rows, given: tuple[str, Scale] | None
) -> list[Train]:
    """Read rows of trains, device after device; ``given`` is what the user says the numbers are.

    Raises
    ------
    DataError
        When a row's unit is none that is known.
    """
    trains: dict[str, list[Train]] = {}
    settings, place = Settings(), ""
    numbered, first, volts_read = 0, float("nan"), set[float]()
    cycle_at = None
    for cells in _labelled(lines):
        row = _split(cells, marks)
        if len(row.before) > 1 and (not row.numbers or _counts(row.numbers)):
            meanings = [meaning_of(name) for name in row.before]
            cycle_at = meanings.index("cycle") if "cycle" in meanings else cycle_at
        elif cycle_at is not None and cycle_at < len(row.before) and row.before[cycle_at].isdigit():
            row.before = [cell for at, cell in enumerate(row.before) if at != cycle_at]
        if len(row.numbers) < 2 and len(units := {unit for cell in row.before if (unit := given_unit(cell))}) == 1:
            given = given or next(
                ((key, unit[1]) for unit in units for key in _QUANTITIES if _QUANTITIES[key] == unit[0]), None
            )
            continue
        if len(row.numbers) < 2:
            if names := _numbered(row.before):
                first = names[0]
            elif row.before:
                settings = settings_of([row.before])
                place = _place(row.before)
            continue
        if _counts(row.numbers) and not row.branch:
            first = float(row.numbers[0])  # numbers of the pulses
            continue
        own = settings_of([[cell] for cell in row.before])
        device = _place(row.before) or place or "0"
        values = np.array([float(n) if NUMBER.match(n) else np.nan for n in row.numbers])
        if _is_number_of_train(values):
            values, numbered = values[1:], numbered + 1
        quantity, scale = given or _quantity(row.before, source)
        reads = own.read_V or settings.read_V
        volts_read |= set() if reads is None else {reads}
        g = conductances(quantity, values * scale.factor, None if reads is None else np.full(len(values), reads), rows)
        width = _of(own.pulse_s, row.branch, settings.pulse_s)
        before = True if first == 0 else False if first == 1 else None
        volts = _of(own.pulse_V, row.branch, settings.pulse_V)
        edges = [0, len(g)] if row.branch else runs(g)
        trains.setdefault(device, []).extend(
            Train(g[a:b], row.branch, device, before if not a else False, a > 0, width, volts)
            for a, b in pairwise(edges)
        )
    rows.read_V = np.array([volts_read.pop()]) if len(volts_read) == 1 else None
    rows.repairs[:] = list(dict.fromkeys(rows.repairs))
    if numbered:
        rows.remarks.append(
            f"a whole number in front of the reads of {numbered:,} rows was taken for the number of the train"
        )
    if any(np.isfinite(train.width) for mine in trains.values() for train in mine):
        rows.remarks.append("widths of the pulses are what the text before the numbers says")
    return [train for mine in trains.values() for train in mine]


def _of(own: dict[int, float], branch: int, held: dict[int, float]) -> float:
    return next((table[key] for table in (own, held) for key in (branch, 0) if key in table), float("nan"))


def _counts(cells: Sequence[str]) -> bool:
    values = np.array([float(cell) for cell in cells if NUMBER.match(cell)])
    return len(values) > 2 and bool((np.diff(values) == 1).all())


def _is_number_of_train(values: np.ndarray) -> bool:
    """Whether the first number of a row is whole, and the others are of another size."""
    rest = np.abs(values[1:][np.isfinite(values[1:])])
    return (
        len(rest) > 2
        and values[0] == np.rint(values[0])
        and bool(values[0] >= 20 * rest.max() or (values[0] == 0 and rest.min() > 0))
    )


def _place(cells: Sequence[str]) -> str:
    """Return what tells the device: the text without pairs of names and numbers, branches and quantities."""
    text = ",".join(cells)
    text = re.sub(r":\s*(?=,|$)", "", text)  # "LTP 1:"
    text = re.sub(r"[A-Za-z_]\w*\s*[=:]\s*[+-]?[\d.]+(?:[eE][+-]?\d+)?\s*[a-zA-Zµμ]*", " ", text)
    kept, named = [], False
    for part in re.findall(r"\([^()]*\)|[^,;]+", text):
        words = part.strip()
        if words.isdigit() and named:
            continue  # the number of the train: "LTP 1"
        if _CYCLE.fullmatch(words):
            continue
        named = bool(branch_of(words))
        if words.startswith("(") and not branch_of(words):
            kept.append(words)
        elif re.search(r"\w", words) and (not branch_of(words) or label_of(_plain(words))):
            kept.append(label_of(_plain(words)) if branch_of(words) else words)
    return " ".join(kept).strip()


def _plain(words: str) -> str:
    """Take the branch and a number of the train out of a text."""
    plain = plain_words(words)
    for _, pattern in BRANCHES:
        plain = pattern.sub(" ", plain)
    return _CYCLE.sub("", re.sub(r"\b\d+$", "", plain).strip()).strip()


def _quantity(cells: Sequence[str], source: str) -> tuple[str, Scale]:
    """Return what the numbers are, from the cell that names the branch and its unit."""
    name = next((cell for cell in cells if branch_of(cell)), "")
    meaning = meaning_of(name)
    if meaning not in _QUANTITIES:
        return "G_S", scale_of(name, "G_S", source) if dimension_of(name) or unit_of(name)[1] else Scale()
    return meaning, scale_of(name, meaning, source)
