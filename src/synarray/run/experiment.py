"""Experiment files: the composition of all specs, read from TOML, with overrides; saved resolved with every result.

    load_experiment("full-field")                            one that travels with the package
    load_experiment("my.toml", {"pruning.mode": "soft"})     a file, and what to change in it
    load_experiment({"base": "full-field", "epochs": 1})     a table, as a file would have it
    load_experiment()                                        the defaults: local fields

A file or a table may name another one as its ``base`` and say only what differs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from synarray.arguments import settings_of
from synarray.errors import SpecError
from synarray.files import Packaged, is_there
from synarray.learn.checkpoint import CheckpointSpec
from synarray.learn.spec import DEVICE_WORDS, LearningSpec
from synarray.rng import Stream, permutation
from synarray.spec import Name, Text
from synarray.task.datasets import BUILT_IN, Dataset, load_dataset

__all__ = [
    "DEFAULT",
    "ExperimentSpec",
    "check_begins",
    "experiment_names",
    "load_experiment",
    "locate",
    "parse_setting",
    "parse_settings",
    "put",
    "read_values",
    "resolve",
    "task_images",
]

DEFAULT = "local-fields"
"""The experiment used when none is named."""
_DEEPEST = 8
_EXPERIMENTS = Packaged("run", "experiments", "an experiment", example="epochs = 3")


class ExperimentSpec(LearningSpec):
    """A learning machine and the task it is given.

    Examples
    --------
    >>> spec = load_experiment("local-fields", {"device": "pcm", "epochs": 1})
    >>> spec.data, spec.n_neurons, spec.device.technology
    ('mnist', 500, 'PCM')
    """

    name: Name = "experiment"
    note: Text = ""
    """What the experiment is, and where it had to choose."""
    data: Text = "mnist"
    """``mnist``, or the path of a folder of IDX files or of an .npz."""
    images: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """How many training images are used, drawn at random by the seed; none: all."""
    validation: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Last so many training images held out and read in place of the test set (for choosing settings)."""
    start: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    """Fingerprint of the network it continues from (``state_sha256`` of a run); empty: initial weights."""
    checkpoint: CheckpointSpec = CheckpointSpec()
    """When the training is saved on its way."""
    built_on: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")] = ""
    """Packaged experiment whose values hold where no others are given; written when it is read."""

    @property
    def identity(self) -> str:
        """Hash of everything that decides the result."""
        words: dict[str, Any] = {
            "name": True,
            "note": True,
            "checkpoint": True,
            "built_on": True,
            "device": DEVICE_WORDS,
        }
        words["fields"] = {"trial": True}
        decisive = self.model_dump(mode="json", exclude=words)
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def unchanged(self) -> LearningSpec:
        """Return the packaged experiment that it is built on; the defaults where there is none."""
        return load_experiment(self.built_on) if self.built_on in experiment_names() else super().unchanged()


def experiment_names() -> list[str]:
    """Names of the experiments that are part of the package.

    Examples
    --------
    >>> "local-fields" in experiment_names()
    True
    """
    return _EXPERIMENTS.names()


def load_experiment(
    source: str | Path | Mapping[str, Any] | None = None, overrides: Mapping[str, Any] | None = None
) -> ExperimentSpec:
    """Read an experiment.

    Parameters
    ----------
    source : str, Path or mapping, optional
        A name (see :func:`experiment_names`), the path of a TOML file, or a table as such a file has it: quantities with units,
        ``base`` for the experiment it starts from. None: ``local-fields``.
    overrides : mapping of str to object, optional
        Dotted keys and their values, e.g. ``{"pruning.mode": "soft", "seed": 1}``.

    Returns
    -------
    ExperimentSpec

    Raises
    ------
    SpecError
        When the file cannot be read, is no TOML, or a key or value is not allowed.

    Examples
    --------
    >>> load_experiment("full-field", {"seed": 3}).seed
    3
    >>> load_experiment({"base": "full-field", "device": "pcm"}).device.name
    'pcm'
    """
    overrides = settings_of(overrides, "overrides")
    if isinstance(source, Mapping):
        where, values = "a table in Python", _on_base(_own(settings_of(source, "source")), "", 0)
    else:
        where = DEFAULT if source is None else str(source)
        values = read_values(where)
    return resolve(values, overrides, where if not overrides else f"{where} with --set {' '.join(overrides)}")


def read_values(source: str) -> dict[str, Any]:
    """Read what an experiment's file says, on top of its bases; names and units are looked at by ``resolve``.

    Raises
    ------
    SpecError
        When the file cannot be read or is no TOML.
    """
    return _read(source, 0)


def resolve(values: dict[str, Any], overrides: dict[str, Any], where: str) -> ExperimentSpec:
    """Make an experiment of what a file said and of dotted keys set in it; both stay as they are.

    Raises
    ------
    SpecError
        When a key or value is not allowed, naming ``where``.
    """
    values = _own(values)
    for key in sorted(overrides, key=lambda key: key.count(".")):  # a table before what is in it
        put(values, key, _own(overrides[key]))  # which a longer key may write into
    locate(values, Path())
    return ExperimentSpec.read(values, where)


def parse_setting(text: str) -> tuple[str, Any]:
    """Read "key=value" as on the command line; the value is TOML where it can be, text where it cannot.

    Examples
    --------
    >>> parse_setting("pruning.fraction=0.75"), parse_setting("data=my folder")
    (('pruning.fraction', 0.75), ('data', 'my folder'))
    """
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise SpecError("a setting must read key=value", got=repr(text), where="--set", do="Write --set epochs=1.")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return key.strip(), value
    return key.strip(), parsed["value"] if len(parsed) == 1 else value


def parse_settings(
    texts: Iterable[str] | None,
    options: Mapping[str, tuple[str, Any]] | None = None,
    say: Callable[[str], object] | None = None,
) -> dict[str, Any]:
    """Read all settings of a command line; ``options``: what its other options set, by their names (None: not given).

    Of two settings of one key the later one holds, and ``say`` is called with words on it; without ``say`` they are refused.

    Raises
    ------
    SpecError
        When a setting reads otherwise, or a key is given two values.

    Examples
    --------
    >>> parse_settings(["epochs=1"], {"--seed": ("seed", 3), "--device": ("device", None)})
    {'epochs': 1, 'seed': 3}
    """
    given = [(f"--set {text}", *parse_setting(text)) for text in texts or []]
    given += [(f"{name} {value}", key, value) for name, (key, value) in (options or {}).items() if value is not None]
    settings: dict[str, Any] = {}
    words: dict[str, str] = {}
    for word, key, value in given:
        other = key in settings and settings[key] != value
        if other and say is not None and word.startswith("--set "):
            say(f"{words[key]} does nothing: {word} comes after it.")
        elif other:
            raise SpecError(
                f"{key} can have one value", got=f"{words[key]} and {word}", where=f"command line, key {key}",
                do="Leave one of them out.",
            )  # fmt: skip
        settings[key], words[key] = value, word
    return settings


def check_begins(spec: ExperimentSpec) -> None:
    """Refuse an experiment that continues from a run, where there is no run.

    Raises
    ------
    SpecError
        When it has a ``start``.
    """
    if spec.start:
        raise SpecError(
            "an experiment that continues from a run needs that run",
            got=f"start = {spec.start[:12]}...",
            where="key start",
            do="In Python: synarray.train(experiment, start=that run). To begin with initial weights, remove the key.",
        )


def task_images(
    spec: ExperimentSpec, data: Dataset | None = None
) -> tuple[Dataset, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load the data (unless it is given) and split it as the experiment says: data set, x, y to train on, x, y to test.

    Raises
    ------
    DataError
        When the data cannot be used.
    SpecError
        When there are fewer images than asked for.
    """
    check_begins(spec)
    data = load_dataset(spec.data) if data is None else data
    x, y = data.x_train, data.classes[data.y_train]
    x_test, y_test = data.x_test, data.classes[data.y_test]
    if spec.validation:
        if spec.validation >= len(x):
            raise SpecError(
                "validation must leave images to train on",
                got=f"{spec.validation} of {len(x)}",
                where="key validation",
                do=f"Use at most {len(x) - 1}.",
            )
        x_test, y_test = x[-spec.validation :], y[-spec.validation :]
        x, y = x[: -spec.validation], y[: -spec.validation]
    if spec.images is not None:
        if spec.images > len(x):
            raise SpecError(
                "images must not exceed the training images there are",
                got=f"{spec.images} of {len(x)}",
                where="key images",
                do=f"Use at most {len(x)}, or leave it out for all.",
            )
        chosen = np.sort(permutation(len(x), seed=spec.seed, stream=Stream.SUBSET)[: spec.images])
        x, y = x[chosen], y[chosen]
    return data, x, y, x_test, y_test


def _read(source: str, depth: int, asked: str = "") -> dict[str, Any]:
    """Read a TOML file or a packaged experiment, on top of its base; ``asked``: the file and key that name it."""
    values = _on_base(_toml(source, asked), source, depth)
    return values | {"built_on": source} if _EXPERIMENTS.has(source) else values


def _on_base(values: dict[str, Any], source: str, depth: int) -> dict[str, Any]:
    """Lay a table over the experiment that it names as its base; both are found from the folder of ``source``."""
    locate(values, Path(source).parent)
    base = values.pop("base", None)
    if base is None:
        return values
    asked = f"{source or 'a table in Python'}, key base"
    if not isinstance(base, str) or depth >= _DEEPEST:
        raise SpecError(
            f"base must name an experiment, at most {_DEEPEST} deep",
            got=repr(base),
            where=asked,
            do="Name a packaged experiment or a TOML file that is not built on this one.",
        )
    beside = Path(source).parent / base.replace("\0", "?")
    return _merge(_read(str(beside) if beside.is_file() else base, depth + 1, asked), values)


def locate(values: dict[str, Any], folder: Path) -> None:
    """Write data and device files found in a folder as absolute paths, in place, so that it can be run from anywhere."""
    data, device = values.get("data"), values.get("device")
    table, key = (device, "base") if isinstance(device, dict) else (values, "device")
    for layer in values["layers"] if isinstance(values.get("layers"), list) else ():
        if isinstance(layer, dict):
            locate(layer, folder)
    with contextlib.suppress(OSError, ValueError, RuntimeError):  # not there, or no name that a file can have
        if isinstance(data, str) and data not in ("", *BUILT_IN):
            values["data"] = str((folder / data).resolve(strict=True))
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if isinstance(table.get(key), str) and table[key].endswith(".toml"):
            table[key] = str((folder / table[key]).resolve(strict=True))


def _toml(source: str, asked: str) -> dict[str, Any]:
    inner = Path(source.replace("\0", "?")) / "experiment.toml"
    if is_there(inner):
        raise SpecError(
            "an experiment file must be readable", got="the folder of a run", where=asked or source,
            do=f"Give {inner} to train that experiment again, or start={source!r} to continue from its run.",
        )  # fmt: skip
    return _EXPERIMENTS.read(source, asked)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = _as_table(key, merged.get(key)) if isinstance(value, dict) and "base" not in value else None
        merged[key] = _merge(under, value) if isinstance(under, dict) else value
    return merged


def _as_table(key: str, value: Any) -> Any:
    """Turn a device that was given by its name into the table that starts from it."""
    return {"base": value} if key == "device" and isinstance(value, str) else value


def _own(value: Any) -> Any:
    """Copy tables, however deep: what is set in one experiment must not be so in another one of the same file."""
    if isinstance(value, list):
        return [_own(inner) for inner in value]
    return {key: _own(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key, in place; in a list of tables a number counts from 1: ``layers.2.epochs``."""
    *path, last = key.split(".")
    table: Any = values
    for part in path:
        if isinstance(table, list):
            if not part.isdecimal() or not 1 <= int(part) <= len(table):
                raise SpecError(
                    "a table of a list is named by its number", got=f"{part} of {len(table)}", where=f"--set {key}",
                    do=f"Use a number from 1 to {len(table)}.",
                )  # fmt: skip
            inner = table[int(part) - 1]
        else:
            inner = table[part] = _as_table(part, table.get(part, {}))
        if not isinstance(inner, dict | list) or (isinstance(inner, list) and part == path[-1]):
            raise SpecError(
                f'"{part}" is a value, not a table', got=f"{key} = {value!r}", where="--set", do=f"Set {part} itself."
            )
        table = inner
    table[last] = value
