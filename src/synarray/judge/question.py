"""What is asked of a device, and the experiments that answer it: one per draw, each with a seed of its own: 0, 1, 2, ..."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any, NamedTuple

from synarray.arguments import shown
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.judge.imperfections import pinned
from synarray.judge.pulse import Unknown, as_strong_as_the_other, check_endurance, parse_pulse, unknown_of
from synarray.lab.posterior import load_posterior
from synarray.run.experiment import ExperimentSpec, load_experiment, parse_settings
from synarray.run.folder import toml_value

__all__ = ["EXPERIMENT", "Composed", "Question", "compose", "setting_text"]

EXPERIMENT = "judge"
"""The packaged experiment that is trained when none is named."""
_TRAININGS = 8
"""Trainings when none are asked for."""
_PULSE = ("v_ltp", "t_ltp", "v_ltd", "t_ltd")


@dataclass(frozen=True)
class Question:
    """What is asked."""

    source: str
    """A device: a name of the library or the path of a file; of one that was made in Python, its name."""
    task: str | None = None
    """Data set: "mnist" or its path; none: the experiment's."""
    experiment: str = EXPERIMENT
    """A packaged experiment or a file."""
    settings: tuple[str, ...] = ()
    """What is changed in it, each as "key=value"."""
    draws: int | None = None
    """Trainings of a device that has a posterior, each of a draw of its own; none: eight."""
    seeds: int | None = None
    """Trainings of any other device; none: eight."""
    wanted: float | None = None
    """Accuracy for the inverse question, 0 to 1."""
    pulse: str | None = None
    """Voltage and width of the programming pulses, see :func:`parse_pulse`; none: as in the device's file."""
    endurance: float | None = None
    """Pulses after which 63 % of the cells have failed; none: as in the device's file."""
    asked: tuple[str, ...] = ()
    """How the device was given, where not by its source: a file of pulses that was fitted first, and its options."""
    device: DeviceSpec | None = None
    """A device that was made in Python, in place of the one that ``source`` names."""
    posterior: tuple[DeviceSpec, ...] = ()
    """Its draws."""

    @property
    def command(self) -> str | None:
        """The command that asks it again; None for a device that is in no file."""
        if self.device is not None:
            return None
        words = ["synarray", "device", "judge", *(self.asked or (self.source,))]
        words += ["--task", self.task] if self.task else []
        words += ["--experiment", self.experiment] if self.experiment != EXPERIMENT else []
        words += [word for text in self.settings for word in ("--set", text)]
        words += ["--pulse", self.pulse] if self.pulse is not None else []
        words += ["--endurance", f"{self.endurance:g}"] if self.endurance is not None else []
        for name, number in (("draws", self.draws), ("seeds", self.seeds)):
            words += [f"--{name}", str(number)] if number is not None else []
        words += ["--reach", f"{100 * self.wanted:g}"] if self.wanted is not None else []
        return shlex.join(words)


class Composed(NamedTuple):
    """What a question is made of."""

    specs: list[ExperimentSpec]
    """One per training."""
    device: DeviceSpec
    posterior: list[DeviceSpec]
    """All draws of it; empty for a device without a fit."""
    unknown: frozenset[Unknown]
    """What is unknown about the programming pulses."""
    settings: dict[str, Any]
    """What is changed in the experiment."""


def compose(question: Question) -> Composed:
    """Compose what is trained.

    Raises
    ------
    SpecError
        When there is no such device or experiment, or the settings do not fit.
    """
    settings = _settings(question)
    if question.device is None:
        load_device(question.source)  # what is wrong with it is said of its own file
        source: Any = question.source
        draws = load_posterior(question.source)
    else:
        source, draws = _table(question.device), list(question.posterior)
    changes = settings | {"device": source} | ({"data": question.task} if question.task else {})
    n = _trainings(question, len(draws))
    specs = [load_experiment(question.experiment, changes | {"seed": seed}) for seed in range(n)]
    for i, layer in enumerate(specs[0].layers):
        if layer.device is not None:
            raise SpecError(
                "a verdict is on one device, in all layers", got=f"cells of {layer.device.name} in layer {i + 1}",
                where=f"key layers.{i + 1}.device", do="Leave the device of that layer out.",
            )  # fmt: skip
    device = specs[0].device
    assert device is not None  # one was just set
    device = as_strong_as_the_other(device)
    changed = {key.split(".")[1] for key in settings if key.startswith("device.")} | {*_PULSE}
    draws = [_held(draw, device, changed & set(DeviceSpec.model_fields)) for draw in draws]
    devices = draws[:n] if draws else [device] * n
    specs = [spec.model_copy(update={"device": each}) for spec, each in zip(specs, devices, strict=True)]
    return Composed([pinned(spec) for spec in specs], device, draws, unknown_of(device), settings)


def _settings(question: Question) -> dict[str, Any]:
    """Gather what is changed in the experiment, the words on pulses and endurance included."""
    settings = parse_settings(question.settings)
    for key, instead in (("device", "the first argument"), ("seed", "--seeds or --draws"), ("data", "--task")):
        if key in settings:
            raise SpecError(
                f"{key} is not set for a verdict", got=f"--set {key}={settings[key]}", where="--set",
                do=f"Say it with {instead}.",
            )  # fmt: skip
    if question.pulse is not None:
        for name, value in parse_pulse(question.pulse).items():
            text = f"{value!r} {'V' if name.startswith('v') else 's'}"
            settings[f"device.{name}"] = {"value": text, "source": f"as stated: --pulse {question.pulse}"}
    if question.endurance is not None:
        pulses = check_endurance(question.endurance)
        settings["device.endurance"] = {"value": pulses, "source": f"as stated: --endurance {pulses:g}"}
    return settings


def _table(device: DeviceSpec) -> dict[str, Any]:
    """Write a device as the table of what was set in it, as a file would have it."""
    return {"name": device.name, "law": device.law, **device.model_dump(exclude_unset=True)}


def _held(draw: DeviceSpec, device: DeviceSpec, names: set[str]) -> DeviceSpec:
    """Put numbers that are not drawn, with their sources, into a draw."""
    sources = {name: source for name, source in draw.sources.items() if name not in names}
    sources |= {name: device.sources[name] for name in names if name in device.sources}
    return draw.model_copy(update={name: getattr(device, name) for name in names} | {"sources": sources})


def _trainings(question: Question, draws: int) -> int:
    """Return how often a device is trained: with draws of its own, as often as asked and as there are; else with seeds."""
    other = ("--seeds", question.seeds) if draws else ("--draws", question.draws)
    if other[1] is not None:
        instead = "--draws: the device was fitted" if draws else "--seeds: the device has no draws of a fit"
        raise SpecError(
            "a fitted device is trained once per draw, any other once per seed", got=f"{other[0]} {other[1]}",
            where=question.source, do=f"Use {instead}.",
        )  # fmt: skip
    if draws and question.draws is not None and question.draws > draws:
        raise SpecError(
            "there must be as many draws as trainings", got=f"--draws {question.draws}, and {draws} in the file",
            where=question.source, do=f"Use at most {draws}.",
        )  # fmt: skip
    return min(draws, question.draws or _TRAININGS) if draws else question.seeds or _TRAININGS


def setting_text(key: str, value: Any) -> str:
    """Write a change of an experiment as ``--set`` takes it.

    Examples
    --------
    >>> setting_text("n_neurons", 24), setting_text("device.g_max", "25 uS"), setting_text("array.wires", {})
    ('n_neurons=24', 'device.g_max="25 uS"', 'array.wires={}')
    """
    try:
        return f"{key}={toml_value(value)}"
    except TypeError:
        raise SpecError(
            "a setting must be a number, text, a list or a table", got=shown(value), where=f"settings, key {key}",
            do=f"Correct {key}.",
        ) from None  # fmt: skip
