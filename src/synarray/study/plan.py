"""Study files: one base experiment, axes along which it is changed, seeds; read from TOML, and checked before anything runs.

    base = "full-field"
    seeds = [0, 1, 2]                                 every point runs for each; the same seed means the same spikes
    set = { epochs = 1 }                              changed in every run

    [axes]
    n_neurons = [100, 500, 2000]                      values of a key
    fraction = { key = "pruning.fraction", values = [0.4, 0.75] }
    size = { zip = { n_neurons = [10, 100], "neuron.beta" = [4.0, 2.0] } }          keys that go together
    draw = { random = { n = 20, seed = 0, keys = { "stdp.b" = { low = 1, high = 5 } } } }
    [[axes.method.cases]]                             named cases, each from its own base if need be
    title = "soft"
    set = { "pruning.mode" = "soft" }

A study is the product of its axes, or what an Optuna search ([search]) asks for one batch after the other.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from synarray.errors import SpecError
from synarray.files import Packaged
from synarray.run.experiment import DEFAULT, experiment_names, locate, read_values
from synarray.spec import Name, Spec, Text

__all__ = ["OBJECTIVES", "StudySpec", "begun_folder", "load_study", "study_names"]

OBJECTIVES = {
    "accuracy": ("accuracy", "maximize"),
    "energy": ("energy", "minimize"),
    "time": ("time_row_parallel", "minimize"),
    "wear": ("most_writes", "minimize"),
    "pulses": ("pulses", "minimize"),
}
"""What a search or ``synarray study best`` can go for: the column of the table, and whether more is better."""
_STUDIES = Packaged("study", "studies", "a study", " or the folder of a study", "axes = { n_neurons = [100, 500] }")
WORDS = {"name", "title", "note", "claim", "expected", "time", "figure"}
"""What a study says that decides no result."""


def _dotted(values: Any, prefix: str = "") -> Any:
    """Write nested tables as dotted keys, so that they change a table and do not replace it; devices and sources stay."""
    if not isinstance(values, dict):
        return values
    flat: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, dict) and value and not {"base", "value"} & value.keys()
        flat |= _dotted(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


Words = Annotated[Text, AfterValidator(lambda text: " ".join(text.split()))]
"""A sentence or two, on however many lines of the file."""
Keys = dict[str, Any]
Settings = Annotated[Keys, BeforeValidator(_dotted)]
"""Dotted keys of an experiment and their values."""


Objective = Literal["accuracy", "energy", "time", "wear", "pulses"]


def _empty() -> Any:
    return Field(default_factory=dict)


class RangeSpec(Spec):
    """Where a value is drawn from: between two numbers, or one of several choices."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    """Evenly in the logarithm."""
    integer: bool = False
    unit: Text = ""
    """Written behind the number, for keys that are quantities."""
    choices: Annotated[tuple[Any, ...] | None, Field(strict=False)] = None


class CaseSpec(Spec):
    """One named setting of an axis."""

    title: Annotated[Text, Field(min_length=1)]
    base: Text | None = None
    """Experiment it starts from, in place of the study's."""
    set: Settings = _empty()


class RandomSpec(Spec):
    """Points drawn at random, all keys at once."""

    n: Annotated[int, Field(ge=1, le=1_000_000)]
    seed: Annotated[int, Field(ge=0)] = 0
    keys: dict[str, RangeSpec]


class AxisSpec(Spec):
    """One axis: values of a key, keys that go together, named cases, or random draws."""

    title: Text = ""
    """What figures call it."""
    key: Text | None = None
    """Dotted key that ``values`` belong to; the axis's own name if nothing is said."""
    values: Annotated[tuple[Any, ...] | None, Field(strict=False)] = None
    zip: dict[str, Annotated[tuple[Any, ...], Field(strict=False)]] | None = None
    cases: Annotated[tuple[CaseSpec, ...] | None, Field(strict=False)] = None
    random: RandomSpec | None = None

    def keys_of(self, name: str) -> set[str]:
        """Return the dotted keys that the axis of this name sets."""
        found = {*(self.zip or ()), *(self.random.keys if self.random else ())}
        found |= {key for case in self.cases or () for key in case.set}
        return found | {self.key or name} if self.values is not None else found


class WhenSpec(Spec):
    """What else is set at some points: ``at = { fraction = 0.0 }``, ``set = { "pruning.mode" = "none" }``."""

    at: Keys
    """Axes and their values (or lists of values); all of them must be met."""
    set: Settings


class SearchSpec(Spec):
    """A search by Optuna; batches, not workers, decide what is known when a trial is proposed."""

    sampler: Literal["tpe", "nsga2", "random"] = "tpe"
    trials: Annotated[int, Field(ge=1, le=100_000)] = 50
    batch: Annotated[int, Field(ge=1, le=1000)] = 8
    """Trials proposed together; results depend on it, not on how many workers run them."""
    seed: Annotated[int, Field(ge=0)] = 0
    objectives: Annotated[tuple[Objective, ...], Field(strict=False, min_length=1)] = ("accuracy",)
    space: dict[str, RangeSpec]


class FigureSpec(Spec):
    """How the study's table is drawn: columns by name."""

    x: Text
    y: Text = "accuracy"
    lines: Text | None = None
    facet: Text | None = None
    log_x: bool = False
    log_y: bool = False
    title: Text = ""


class StudySpec(Spec):
    """A question put to many runs.

    Raises
    ------
    SpecError
        When a key or value is not allowed.

    Examples
    --------
    >>> study = load_study("pruning")
    >>> study.base, sorted(study.axes)
    ('full-field', ['fraction', 'method'])
    """

    name: Name = "study"
    title: Words = ""
    note: Text = ""
    claim: Words = ""
    """What the study is to show or refute."""
    expected: Words = ""
    """Range of what is expected, in words."""
    time: Words = ""
    """How long it takes, on what."""
    base: Text = DEFAULT
    """Experiment that every run starts from: a name or a file."""
    set: Settings = _empty()
    axes: dict[str, AxisSpec] = _empty()
    when: Annotated[tuple[WhenSpec, ...], Field(strict=False)] = ()
    search: SearchSpec | None = None
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(strict=False, min_length=1)] = (0,)
    share_spikes: Annotated[tuple[Text, ...] | None, Field(strict=False)] = None
    """Axes along which the same seed means the same spikes; none: along all of them."""
    keep: Literal["metrics", "runs"] = "metrics"
    """What is kept of each run: its numbers, or its whole folder as well."""
    figure: FigureSpec | None = None
    bases: dict[str, Keys] = _empty()
    """The experiments it starts from, by name, as they were read: so that a study folder needs no other file."""

    def __hash__(self) -> int:
        """Hash by what the study says."""
        return hash(self.model_dump_json())

    @field_validator("axes", mode="before")
    @classmethod
    def _short_axes(cls, axes: Any) -> Any:
        """Take ``key = [values]`` for ``key = { values = [values] }``, and dotted keys with or without quotes."""
        if not isinstance(axes, dict):
            return axes
        whole: Keys = {}
        for name, axis in axes.items():
            nested = isinstance(axis, dict) and axis and not set(axis) & set(AxisSpec.model_fields)
            for key, each in (_dotted(axis, f"{name}.") if nested else {name: axis}).items():
                whole[key] = {"values": each} if isinstance(each, list | tuple) else each
        return whole

    @property
    def base_names(self) -> list[str]:
        """The experiments that runs start from."""
        cases = [case.base for axis in self.axes.values() for case in axis.cases or () if case.base is not None]
        return list(dict.fromkeys([self.base, *cases]))

    def owner_of(self, key: str) -> str | None:
        """Say which axis sets a key, or that it is searched; None when neither."""
        if self.search is not None and key in self.search.space:
            return "search.space"
        return next((f"axis {name}" for name, axis in self.axes.items() if key in axis.keys_of(name)), None)

    def with_bases(self, where: str = "study") -> StudySpec:
        """Return the study with all experiments in it that it starts from; raises SpecError, naming where one is named."""
        missing = {name: self._read_base(name, where) for name in self.base_names if name not in self.bases}
        for values in missing.values():  # words, which decide nothing
            values.pop("note", None)
        return self.model_copy(update={"bases": self.bases | missing}) if missing else self

    def _read_base(self, name: str, where: str) -> Keys:
        try:
            return read_values(name)
        except SpecError as error:
            places = [
                f"axis {axis}, case {case.title}"
                for axis, each in self.axes.items()
                for case in each.cases or ()
                if case.base == name
            ]
            place = ", ".join([where, *([] if name == self.base else places[:1]), "key base"])
            place = place if error.where == "experiment" else f"{place}: {error.where}"
            raise SpecError(error.rule, got=error.got, where=place, do=error.do) from None


def study_names() -> list[str]:
    """Names of the studies that travel with the package."""
    return _STUDIES.names()


def load_study(source: str | Path, overrides: Keys | None = None) -> StudySpec:
    """Read a study.

    Parameters
    ----------
    source : str or Path
        A name (see ``study_names``), the path of a TOML file, or the folder of a study that was begun.
    overrides : dict of str to object, optional
        Dotted keys of the experiment, set in every run; ``seeds`` replaces the study's seeds.

    Returns
    -------
    StudySpec
        With the experiments it starts from in it.

    Raises
    ------
    SpecError
        When the file cannot be read, is no TOML, or a key or value is not allowed. What the runs themselves would not
        allow is reported by ``Planner``.

    Examples
    --------
    >>> load_study("pruning", {"epochs": 1}).base
    'full-field'
    """
    source = str(source)
    if (begun := begun_folder(source)) is not None:
        source = _study_in(begun)
    values = _STUDIES.read(source)
    values.setdefault("name", _named_after(source))
    folder = Path(source).parent
    changes = dict(overrides or {})
    if "seeds" in changes:
        values["seeds"] = changes.pop("seeds")
    spec = StudySpec.read(_situated(values, folder), source)
    for key in changes:
        if (owner := spec.owner_of(key)) is not None:
            raise SpecError(
                "a key must be set in one place",
                got=f'"{key}" by --set and on {owner}',
                where="--set",
                do="Leave it out; to run some values of an axis use --only.",
            )
    return spec.model_copy(update={"set": spec.set | changes}).with_bases(source)


def _study_in(folder: Path) -> str:
    """Return the study's file in its folder."""
    file = folder / "study.toml"
    if not os.path.lexists(file):
        raise SpecError(
            "the folder of a study must hold study.toml",
            got="a folder without one",
            where=str(folder),
            do='Give a folder that "synarray study run" made, a study file, or a name of "synarray study list".',
        )
    return str(file)


def _named_after(source: str) -> str:
    """Name a study that says no name after its file."""
    stem = re.sub("[^A-Za-z0-9._-]+", "-", Path(source.replace("\0", "")).stem).lstrip("._-")
    return stem[:64] or "study"


def begun_folder(source: str) -> Path | None:
    """Return the folder of a study that was begun, when that is what was named."""
    try:
        return Path(source) if source not in study_names() and Path(source).is_dir() else None
    except (OSError, ValueError):
        return None


def _situated(values: Keys, folder: Path) -> Keys:
    """Write files beside the study as absolute paths: bases, data and devices; flatten nested dotted keys."""

    def base(table: Any) -> None:
        name = table.get("base") if isinstance(table, dict) else None
        if isinstance(name, str) and name not in experiment_names() and (folder / name.replace("\0", "?")).is_file():
            table["base"] = str((folder / name).resolve())

    def settle(table: Any) -> None:
        if isinstance(table, dict):
            locate(table, folder)

    base(values)
    settle(values.get("set"))
    axes = values.get("axes")
    for name, axis in axes.items() if isinstance(axes, dict) else ():
        table = axis if isinstance(axis, dict) else {"values": axis}
        for case in table["cases"] if isinstance(table.get("cases"), list) else ():
            base(case)
            settle(case.get("set") if isinstance(case, dict) else None)
        key = table.get("key", name)
        if key in ("data", "device") and isinstance(table.get("values"), list):
            for i, value in enumerate(table["values"]):
                one = {key: value}
                locate(one, folder)
                table["values"][i] = one[key]
    return values
