"""The runs of a study: the product of its axes, each point for each seed, with the identity of its resolved experiment.

All points are resolved before anything runs, so that a key that does not exist, or a value that is not allowed at one of
them, is reported at once. Points that give the same experiment have the same identity, and are run once.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import quantiphy

from synarray.errors import SpecError, SynarrayError, nearest
from synarray.run.experiment import ExperimentSpec, resolve
from synarray.study.measure import METRICS
from synarray.study.plan import OBJECTIVES, AxisSpec, Keys, RangeSpec, StudySpec

__all__ = ["PlannedRun", "Planner"]

MOST_RUNS = 10_000_000
"""Runs of one study; what is planned is held in memory."""
RESERVED = {"seed", "identity", "status", "trial", "experiment_seed", "runs"}
"""Columns of the table that no axis can be called."""
_RESERVED_STARTS, _RESERVED_END = ("made_", "seconds_", "class_accuracy_"), "_std"
"""How columns begin of where and when a run was made, of its times and of its classes; how spreads of columns end."""


class Level(NamedTuple):
    """One place on an axis: what the table says of it, its base and what it sets."""

    label: Any
    base: str | None
    sets: Keys
    drawn: bool = False


@dataclass(frozen=True)
class PlannedRun:
    """One run of a study, before it is run."""

    columns: Keys
    """What the table says about its place: axes, and keys that were drawn or go together."""
    seed: int
    """The study's seed; the experiment's own may differ (``share_spikes``)."""
    base: str
    """The experiment it starts from."""
    sets: Keys
    """Dotted keys set in it, its own seed among them."""
    identity: str
    """Hash of the resolved experiment."""
    data: str = ""
    """Images that it is of."""


class Planner:
    """Resolves the points of a study.

    Parameters
    ----------
    spec : StudySpec
    where : str
        File it came from, for errors.

    Raises
    ------
    SpecError
        When an axis is empty or sets what another one sets, or the figure or search ask for what there is not.
    """

    def __init__(self, spec: StudySpec, where: str = "study") -> None:
        self.spec, self.where = spec.with_bases(where), where
        self.axes = {name: _levels(name, axis, where) for name, axis in spec.axes.items()}
        if self.size > MOST_RUNS:
            raise self._error(f"a study must have at most {MOST_RUNS:,} runs", f"{self.size:,}", "Make several of it.")
        self._check_seeds()
        self._check_keys()
        self._check_when()
        self._check_search()
        self._check_columns()

    @property
    def size(self) -> int:
        """Runs of the whole study: points (or trials) times seeds."""
        points = (
            self.spec.search.trials if self.spec.search else math.prod(len(levels) for levels in self.axes.values())
        )
        return points * len(self.spec.seeds)

    def runs(self) -> Iterator[PlannedRun]:
        """Resolve the points of the product of the axes, for each seed.

        Raises
        ------
        SpecError
            When an experiment is not allowed, naming the point.
        """
        for levels in itertools.product(*self.axes.values()):
            yield from self.at(dict(zip(self.axes, levels, strict=True)))

    def at(self, levels: dict[str, Level], trial: int | None = None) -> Iterator[PlannedRun]:
        """Resolve one point for each seed; raises what ``runs`` does."""
        base, sets, columns = self.spec.base, dict(self.spec.set), {} if trial is None else {"trial": trial}
        for name, level in levels.items():
            base = level.base or base
            sets |= level.sets
            columns |= {name: level.label} if trial is None else {}
        for level in levels.values():
            columns |= {key: _label(value) for key, value in level.sets.items()} if level.drawn else {}
        for when in self.spec.when:
            if all(levels[axis].label in _several(value) for axis, value in when.at.items()):
                sets |= when.set
        for seed in self.spec.seeds:
            own = {**sets, "seed": self._seed(seed, levels)}
            run = PlannedRun(columns, seed, base, own, "")
            experiment = self.experiment(run)
            yield PlannedRun(columns, seed, base, own, experiment.identity, experiment.data)

    def experiment(self, run: PlannedRun) -> ExperimentSpec:
        """Resolve the experiment of one run; raises what ``runs`` does."""
        point = ", ".join(f"{name} = {value}" for name, value in run.columns.items()) or "the only one"
        where = f"{self.where}, point {point}"
        try:
            return resolve(self.spec.bases[run.base], run.sets, where)
        except SynarrayError as error:
            raise type(error)(error.rule, got=error.got, where=_somewhere(error.where, where), do=error.do) from None

    def _seed(self, seed: int, levels: dict[str, Level]) -> int:
        """Return the seed of an experiment: the study's own, unless an axis does not share spikes."""
        share = self.spec.share_spikes
        apart = [[name, level.label] for name, level in levels.items() if share is not None and name not in share]
        if not apart:
            return seed
        return int.from_bytes(hashlib.sha256(json.dumps([seed, apart]).encode()).digest()[:4], "big")

    def _check_seeds(self) -> None:
        """Refuse what would be taken for a repetition and is none."""
        twice = _twice(self.spec.seeds)
        if twice is not None:
            raise self._error("seeds must differ", f"{twice} twice", "Name each once.")

    def _check_keys(self) -> None:
        """Refuse a key that two places set, be it with the table that holds it."""
        owners = dict.fromkeys(_keys_in(self.spec.set), "in set")
        for name, levels in self.axes.items():
            for key in dict.fromkeys(key for level in levels for key in _keys_in(level.sets)):
                if key == "seed":
                    raise self._error("the seed is no axis", f'"seed" on axis {name}', "Use seeds = [0, 1, 2].")
                if key in owners:
                    raise self._error(
                        "a key must be set in one place",
                        f'"{key}" {owners[key]} and on axis {name}',
                        "Leave it out of one of them, or zip both axes into one.",
                    )
                owners[key] = f"on axis {name}"
        if "seed" in self.spec.set:
            raise self._error("a study has its own seeds", '"seed" in set', "Use seeds = [0, 1, 2].")
        for name in self.spec.share_spikes or ():
            if name not in self.axes:
                raise self._error("share_spikes must name axes", f'"{name}"', nearest(name, self.axes))

    def _check_when(self) -> None:
        for when in self.spec.when:
            for name, value in when.at.items():
                if name not in self.axes:
                    raise self._error("when.at must name axes", f'"{name}"', nearest(name, self.axes))
                for each in _several(value):
                    if each not in [level.label for level in self.axes[name]]:
                        known = ", ".join(str(level.label) for level in self.axes[name][:12])
                        raise self._error(
                            "when.at must name values of its axis", f"{name} = {each}", f"Known: {known}."
                        )

    def _check_search(self) -> None:
        search = self.spec.search
        if search is None:
            return
        if self.axes:
            raise self._error(
                "a study has either axes or a search",
                f"a search and axis {next(iter(self.axes))}",
                "Leave out one of them.",
            )
        if not search.space:
            raise self._error("a search needs keys to search", "an empty search.space", "Name at least one key.")
        for key, values in search.space.items():
            _check_range(values, f"search.space.{key}", self.where)
            if key in _keys_in(self.spec.set) or key == "seed":
                raise self._error(
                    "a key must be set in one place", f'"{key}" in set and in search.space', "Leave out one."
                )
        names = [OBJECTIVES[name][0] for name in search.objectives]
        priced = [name for name in search.objectives if name in ("energy", "time", "wear")]
        device = any(key.partition(".")[0] == "device" for key in search.space)
        if priced and not device and resolve(self.spec.bases[self.spec.base], self.spec.set, self.where).device is None:
            raise self._error(
                f"the objective {priced[0]} needs cells of a device",
                "ideal weights",
                'Set one, for example: set = { device = "subquantum-cbram" }.',
            )
        if len(set(names)) < len(names):
            raise self._error("objectives must differ", ", ".join(search.objectives), "Name each once.")

    def _check_columns(self) -> None:
        """Refuse axes that are called as something measured is, and figures of columns that there are not."""
        keys = {key.partition(".")[0] for key in ExperimentSpec.model_fields}
        for name in self.axes:
            taken = name in RESERVED or name.startswith(_RESERVED_STARTS) or name.endswith(_RESERVED_END)
            if taken or (name in METRICS and name not in keys):
                raise self._error("an axis must not be called as a column of results is", f'"{name}"', "Rename it.")
        figure = self.spec.figure
        if figure is None:
            return
        drawn = {key for levels in self.axes.values() for level in levels if level.drawn for key in level.sets}
        searched = {"trial", *self.spec.search.space} if self.spec.search else set()
        known = {*self.axes, *drawn, *searched, *METRICS, "seed"}
        for part in ("x", "y", "lines", "facet"):
            column = getattr(figure, part)
            if column is not None and column not in known:
                raise self._error(
                    f"figure.{part} must name a column of the table", f'"{column}"', nearest(column, known)
                )

    def _error(self, rule: str, got: str, do: str) -> SpecError:
        return SpecError(rule, got=got, where=self.where, do=do)


def draw(values: RangeSpec, random: np.random.Generator) -> Any:
    """Draw one value."""
    if values.choices is not None:
        return values.choices[int(random.integers(len(values.choices)))]
    assert values.low is not None and values.high is not None  # _check_range saw to it
    if values.integer and not values.log:
        return united(int(random.integers(int(values.low), int(values.high) + 1)), values)
    low, high = np.log((values.low, values.high)) if values.log else (values.low, values.high)
    value = float(random.uniform(low, high))
    value = float(np.exp(value)) if values.log else value
    return united(round(value) if values.integer else value, values)


def united(value: Any, values: RangeSpec) -> Any:
    """Write a number as its key wants it: with its unit, if it has one."""
    return f"{value!r} {values.unit}" if values.unit else value


def _levels(name: str, axis: AxisSpec, where: str) -> list[Level]:
    """Lay out the places of one axis."""

    def error(rule: str, got: str, do: str) -> SpecError:
        return SpecError(rule, got=got, where=f"{where}, axis {name}", do=do)

    kinds = [kind for kind in ("values", "zip", "cases", "random") if getattr(axis, kind) is not None]
    if len(kinds) != 1:
        raise error(
            "an axis must have either values, zip, cases or random",
            " and ".join(kinds) or "none of them",
            f'For a dotted key write "{name}.key" = [...] in quotes.' if not kinds else "Make two axes of it.",
        )
    if axis.key is not None and axis.values is None:
        raise error("key belongs to values", f"key and {kinds[0]}", "Leave out key.")
    levels: list[Level] = []
    if axis.values is not None:
        levels = [Level(_label(value), None, {axis.key or name: value}) for value in axis.values]
    elif axis.zip is not None:
        lengths = {key: len(values) for key, values in axis.zip.items()}
        if len(set(lengths.values())) > 1:
            given = ", ".join(f"{n} of {key}" for key, n in lengths.items())
            raise error("keys that are zipped must have equally many values", given, "Give each the same number.")
        rows = zip(*axis.zip.values(), strict=True)
        levels = [Level(_label(row[0]), None, dict(zip(axis.zip, row, strict=True)), True) for row in rows]
    elif axis.cases is not None:
        levels = [Level(case.title, case.base, dict(case.set)) for case in axis.cases]
    elif axis.random is not None and axis.random.keys:
        for key, values in axis.random.keys.items():
            _check_range(values, key, f"{where}, axis {name}")
        random = np.random.default_rng(axis.random.seed)
        for i in range(axis.random.n):
            levels.append(Level(i, None, {key: draw(values, random) for key, values in axis.random.keys.items()}, True))
    if not levels:
        raise error("an axis must have at least one value", "none", "Give it values, or leave it out.")
    if (twice := _twice([level.label for level in levels])) is not None:
        what = "first values of a zip" if axis.zip is not None else "values of an axis"
        raise error(f"{what} must differ", f"{twice} twice", "Name each once; for repetitions use seeds.")
    return levels


def _check_range(values: RangeSpec, key: str, where: str) -> None:
    low, high = values.low, values.high

    def error(rule: str, got: str) -> SpecError:
        return SpecError(
            rule, got=got, where=f"{where}, key {key}", do="Write { low = 1, high = 5 } or { choices = [1, 2] }."
        )

    if values.choices is not None:
        if low is not None or high is not None or not values.choices:
            raise error(
                "choices must hold values, and have no low or high",
                f"{len(values.choices)} choices, low = {low}, high = {high}",
            )
    elif low is None or high is None or not low < high:
        raise error("low must be below high", f"low = {low}, high = {high}")
    elif values.log and low <= 0:
        raise error("a logarithmic range must begin above 0", f"low = {low:g}")
    elif values.integer and not (low.is_integer() and high.is_integer()):
        raise error("an integer range must begin and end with whole numbers", f"low = {low:g}, high = {high:g}")


def _twice(labels: Iterable[Any]) -> str | None:
    """Find a value that occurs twice, be it written otherwise (1 and 1.0, "1 uS" and "1000 nS"); None when none does."""
    seen = set()
    for label in labels:
        value: Any = label
        if isinstance(label, str):
            with contextlib.suppress(quantiphy.QuantiPhyError, ValueError):
                quantity = quantiphy.Quantity(label)
                value = (float(quantity), quantity.units) if quantity.units else label
        same = (isinstance(label, bool), value)
        if same in seen:
            return json.dumps(label)
        seen.add(same)
    return None


def _keys_in(sets: Keys, prefix: str = "") -> dict[str, None]:
    """Name the dotted keys that are set, and those in tables that are set whole."""
    found: dict[str, None] = {}
    for key, value in sets.items():
        found[prefix + key] = None
        if isinstance(value, dict):
            found |= _keys_in(value, f"{prefix}{key}.")
    return found


def _label(value: Any) -> Any:
    """Say in the table what a value is: itself, or as text."""
    if isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, default=str)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _somewhere(one: str, where: str) -> str:
    """Keep the key that an error named, but name the study's file rather than ``--set``."""
    return one if one.startswith(where) else where
