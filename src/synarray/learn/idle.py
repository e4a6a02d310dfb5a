"""Settings that somebody chose and that cannot act on the result, such as bits of a word where weights are ideal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from synarray.device.law import LAWS
from synarray.device.library import device_names, load_device
from synarray.device.spec import DeviceSpec
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import Plan
from synarray.network.layer import LayerSpec
from synarray.spec import Spec

__all__ = ["idle_settings"]

_TABLES = ("stdp", "neuron", "cell", "synapse", "array", "pruning")
"""Tables of the experiment that a layer can have too."""


def idle_settings(spec: LearningSpec, plans: Sequence[Plan]) -> list[str]:
    """Say which settings do nothing, and why, of those that are not as the experiment has them by itself."""
    usual, each = spec.unchanged(), [_idle(plan.spec) for plan in plans]
    idle = {key: why for key, why in each[0].items() if all(key in others for others in each)}
    said = _chosen(spec, usual, idle | _in_layers(spec.layers))
    for i, (layer, found) in enumerate(zip(spec.layers, each, strict=False)):
        same = usual.layers[i] if i < len(usual.layers) else LayerSpec()
        said += [f"layers.{i + 1}.{note}" for note in _chosen(layer, same, found)]
    for device in dict.fromkeys(plan.spec.device for plan in plans if plan.spec.device):
        said += [f"device.{note}" for note in _idle_numbers(device)]
    return said


def _chosen(spec: Spec, usual: Spec, idle: dict[str, str]) -> list[str]:
    """Make the notes on those keys whose values are not the usual ones."""
    given, known = (dict(_flat(each.model_dump(mode="json"))) for each in (spec, usual))
    return [
        f"{key} = {json.dumps(given[key], ensure_ascii=False)} does nothing: {why}."
        for key, why in idle.items()
        if given.get(key) is not None and given[key] != known.get(key)
    ]


def _flat(values: dict[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{within}{key}.")
        else:
            yield within + key, value


def _idle(spec: LearningSpec) -> dict[str, str]:
    """Say for each key that cannot act in a network of one layer why it cannot."""
    return _idle_in_cells(spec) | _idle_in_fields(spec) | _idle_in_pruning(spec)


def _idle_in_cells(spec: LearningSpec) -> dict[str, str]:
    device = spec.device
    if device is None:
        idle = dict.fromkeys(_keys("synapse", spec.synapse), "ideal weights live in no cells, so no scheme stores them")
        idle |= dict.fromkeys(_keys("array", spec.array), "ideal weights live in no array")
        idle["readout.wait"] = "ideal weights do not age"
        if spec.cell.n_levels is not None:
            idle["cell.step"] = "a pulse moves the weight by one of cell.n_levels"
        return idle
    scheme = spec.synapse.scheme_for(device)
    idle = dict.fromkeys(
        _keys("cell", spec.cell), f"the weights live in cells of {device.name}, whose pulses move them"
    )
    acting = {"scheme", *(field.name for field in fields(scheme)), *(["attempts"] if scheme.sensed_by_bit else [])}
    for name in type(spec.synapse).model_fields.keys() - acting:
        idle[f"synapse.{name}"] = f'it is no number of the scheme "{scheme.name}", in which {device.name} is used'
    if not scheme.read_noise_acts:
        idle["array.thermal_noise"] = "bits of digital words are sensed one by one, as 0 or 1"
    if not scheme.wires_act or spec.array.wires == type(spec.array.wires)():
        idle["array.wires_every"] = "no wire has a resistance that acts"
    if not device.ages:
        idle["readout.wait"] = f"cells of {device.name} do not age"
    return idle


def _idle_in_fields(spec: LearningSpec) -> dict[str, str]:
    tried = spec.fields.trial is not None and spec.fields.trial.images
    if spec.layers or tried or spec.fields.kind == "local":
        return {}
    return dict.fromkeys(("fields.grid", "fields.pitch", "fields.share"), "one full field sees every input")


def _idle_in_pruning(spec: LearningSpec) -> dict[str, str]:
    kind, why = spec.pruning.kind, f'pruning.mode is "{spec.pruning.mode}"'
    acting = {"mode", "fraction"}
    acting |= {"start", "end", "n_stages", "maturity"} if kind.while_training else set()
    acting |= {"constant"} if kind.keeps else set()
    acting |= {"rebalance"} if kind.after_training else set()
    return {f"pruning.{name}": why for name in type(spec.pruning).model_fields if name not in acting}


def _in_layers(layers: Sequence[LayerSpec]) -> dict[str, str]:
    """Say for each key of the experiment why it cannot act besides ``[[layers]]``."""
    if not layers:
        return {}
    own = [dict(_flat(layer.model_dump(mode="json"))) for layer in layers]
    shared = [key for key in own[0] if key.split(".")[0] in _TABLES and all(key in other for other in own)]
    idle = dict.fromkeys([*shared, "n_neurons"], "each layer has its own")
    if all("epochs" in given or not layer.learn for given, layer in zip(own, layers, strict=True)):
        idle["epochs"] = "each layer that learns has its own"
    places = dict.fromkeys(("kind", "grid", "pitch", "share"), "layers say what they see themselves")
    return idle | {f"fields.{key}": why for key, why in places.items()}


def _idle_numbers(device: DeviceSpec) -> list[str]:
    """Name the numbers of a device that its law does not read, unless its library entry has them too."""
    usual = load_device(device.name) if device.name in device_names() else DeviceSpec(sources={})
    numbers = dict.fromkeys(name for law in LAWS.values() for name in (*law.numbers, *_spreads(law.labelled)))
    acting = {*device.step_law.numbers, *_spreads(device.step_law.labelled)}
    why = f'the law of {device.name} is "{device.law}"'
    return _chosen(device, usual, {name: why for name in numbers if name not in acting and name != "response"})


def _spreads(labelled: bool) -> tuple[str, ...]:
    return ("sigma_d2d_nonlinearity",) if labelled else ()


def _keys(table: str, spec: Spec) -> list[str]:
    """Dotted keys of all that a table holds."""
    return [key for key, _ in _flat({table: spec.model_dump(mode="json")})]
