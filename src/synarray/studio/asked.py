"""What a page asks for: the name of a packaged experiment and dotted keys set in it, as ``synarray train --set`` takes them.

A page is not trusted: a request can name no file, and nothing larger than this machine trains in seconds.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synarray.device.library import device_names
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.run.experiment import DEFAULT, ExperimentSpec, experiment_names, load_experiment
from synarray.run.folder import to_toml, toml_value
from synarray.studio.controls import by_key
from synarray.task.datasets import BUILT_IN, INSTALLED
from synarray.units import format_quantity

__all__ = ["DATA", "Asked", "as_asked", "device_table", "read_asked"]

Settings = dict[str, Any]
_MOST_KEYS, _LONGEST = 200, 20_000
_LARGEST = {"n_neurons": 8000, "epochs": 100, "array.count": 64, "array.rows": 4096, "array.columns": 4096}
"""Largest numbers that a page may ask for."""
_CLOSED = ("start", "checkpoint")
"""Keys that a page may not set."""
_WHERE = "the page"
DATA = (*BUILT_IN, *INSTALLED)
"""Data sets that can be named without a path."""


@dataclass(frozen=True)
class Asked:
    """One experiment that a page asks for."""

    base: str = DEFAULT
    """A packaged experiment."""
    settings: Settings = field(default_factory=dict)
    """Dotted keys and their values, as written after ``--set``."""

    def spec(self) -> ExperimentSpec:
        """Return the experiment; raises SpecError when it is none, or larger than the studio trains."""
        spec = load_experiment(self.base, self.settings)
        for part in (spec, *spec.layers):
            for key, most in _LARGEST.items():
                value: Any = part
                for name in key.split("."):
                    value = None if value is None else getattr(value, name, None)
                if value is not None and value > most:
                    raise _refused(f"{key} must be at most {most:,} in the studio", f"{value:,}")
        return spec

    def command(self) -> str:
        """Return the command that trains it at the shell."""
        words = ["synarray", "train", self.base]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value if _plain(value) else toml_value(value)}"]
        return shlex.join(words)

    def python(self) -> str:
        """Return the lines that train it in Python."""
        settings = "".join(f"    {key!r}: {value!r},\n" for key, value in self.settings.items())
        settings = f"{{\n{settings}}}" if settings else "{}"
        return (
            f"import synarray\n\nsettings = {settings}\nresult = synarray.train({self.base!r}, settings=settings)\n"
            'print(f"{result.accuracy:.2%}")\n'
        )

    def toml(self) -> str:
        """Return the whole experiment as a file."""
        return to_toml(load_experiment(self.base, self.settings))

    def described(self) -> dict[str, Any]:
        """Return it for the page."""
        return {"base": self.base, "set": self.settings}


def _plain(value: Any) -> bool:
    """Whether a text can be written after ``--set`` without quotes of its own."""
    if not isinstance(value, str) or not value or value != value.strip():
        return False
    try:
        return value not in ("true", "false") and not tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return True


def read_asked(given: Any, data: tuple[str, ...] = DATA) -> Asked:
    """Check a request.

    Parameters
    ----------
    given : object
        What the page sent: ``{"base": name, "set": {key: value}}``.
    data : tuple of str
        Data sets that may be named.

    Raises
    ------
    SpecError
        When it is no request, or asks for what a page may not have.
    """
    base, changes = (given.get("base", DEFAULT), given.get("set", {})) if isinstance(given, dict) else (None, None)
    if base not in experiment_names() or not isinstance(changes, dict) or len(changes) > _MOST_KEYS:
        raise _refused("a request must name a packaged experiment, and keys with values", repr(given))
    settings: Settings = {}
    for key, value in sorted(changes.items(), key=lambda item: (item[0].count("."), item[0] != "device", item[0])):
        if not isinstance(key, str) or key.partition(".")[0] in _CLOSED or len(repr(value)) > _LONGEST:
            raise _refused("a page may set any key of an experiment but those of files", repr(key))
        settings[key] = _written(key, value)
    _check_files(settings, data)
    return _ideally_read(_bent(Asked(base, settings)))


def _written(key: str, value: Any) -> Any:
    """Write a number of a slider with its unit, and whole numbers as such."""
    control = by_key().get(key)
    if control is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if "whole" in control.scale or control.scale == "number":
        return round(value) if abs(value) < 2**53 else value
    rounded = float(f"{value:.4g}")
    return format_quantity(rounded, control.unit) if control.unit not in ("", "%") else rounded


def _check_files(settings: Settings, data: tuple[str, ...]) -> None:
    """Refuse every name of a file: of data, of a device, of the device that a device is built on."""
    if settings.get("data", BUILT_IN[0]) not in data:
        raise _refused(f"data must be {' or '.join(data)}", repr(settings["data"]))
    for name in (name for key, value in settings.items() for name in _named(key, value)):
        if not isinstance(name, str) or name not in device_names():
            raise _refused("device must be one of the library, or a table", repr(name))


def _named(key: str, value: Any) -> Iterator[Any]:
    """Yield whatever names a device, at any depth: in a table, in the layers of a network."""
    if isinstance(value, dict):
        for inner, part in value.items():
            yield from _named(str(inner), part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(key, part)
    elif key.rpartition(".")[2] in ("device", "base"):
        yield value


def _bent(asked: Asked) -> Asked:
    """Let a linear device have a nonlinearity, where one is asked for."""
    bends = any(key.startswith("device.nonlinearity_") and value for key, value in asked.settings.items())
    if not bends or "device.law" in asked.settings:
        return asked
    device = load_experiment(
        asked.base, {k: v for k, v in asked.settings.items() if not k.startswith("device.")}
    ).device
    if device is None or not device.step_law.affine or device.step_law.labelled:
        return asked
    return Asked(asked.base, asked.settings | {"device.law": "soft-bound"})


def _ideally_read(asked: Asked) -> Asked:
    """Leave converters out where the device that was chosen has none: ideal weights, or words that are sensed bit by bit."""
    if "array.adc_bits" not in asked.settings:
        return asked
    rest = {key: value for key, value in asked.settings.items() if not key.startswith("array.adc_")}
    spec = load_experiment(asked.base, rest)
    read = spec.device is not None and not spec.synapse.scheme_for(spec.device).sensed_by_bit
    return asked if read else Asked(asked.base, rest)


def _refused(rule: str, got: str) -> SpecError:
    return SpecError(rule, got=got[:120], where=_WHERE, do="Change it on the page, or reload the page.")


def as_asked(spec: ExperimentSpec) -> Asked:
    """Say an experiment as the packaged default and what differs from it."""
    base = _flat(load_experiment(DEFAULT).model_dump(mode="json"))
    settings: Settings = {}
    for key, value in _flat(spec.model_dump(mode="json", exclude={"device", "start", "checkpoint"})).items():
        if value is not None and base.get(key) != value and key not in ("name", "note", "built_on"):
            settings[key] = _said(value)
    if spec.device is not None:
        library = spec.device.name if spec.device.name in device_names() else None
        alike = library and load_experiment(DEFAULT, {"device": library}).device == spec.device
        settings = {"device": library if alike else device_table(spec.device)} | settings
    return Asked(DEFAULT, settings)


def device_table(device: DeviceSpec) -> dict[str, Any]:
    """Return what differs in a device from the default one, as a table of an experiment."""
    fields = DeviceSpec.model_fields
    values = device.model_dump(mode="json", exclude={"sources", "note", "title"}, exclude_none=True)
    default = DeviceSpec(sources={}).model_dump(mode="json")
    always = ("name", "law", "g_min", "g_max")
    return {
        key: value for key, value in values.items() if key in fields and (key in always or value != default.get(key))
    }


def _said(value: Any) -> Any:
    """Leave out of tables, in lists of them, what is not said: a file cannot say nothing."""
    if isinstance(value, dict):
        return {key: _said(part) for key, part in value.items() if part is not None}
    return [_said(part) for part in value] if isinstance(value, list) else value


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found
