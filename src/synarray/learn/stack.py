"""Networks of several layers: each is a machine of its own; what the frozen ones below make of images feeds the one that learns.

    image -> encoding -> layer 1 -> winners, pooled -> layer 2 -> ... -> last layer -> read-out

The seed of layer i is that of the experiment plus i times an odd constant, so that no two layers share random numbers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.geometry import ArraySpec, place
from synarray.errors import SpecError
from synarray.events import NetworkEvent
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import Retina, image_keys
from synarray.network.kept import KeptSpikes
from synarray.network.layer import LayerSpec, Map, groups_of, map_of
from synarray.network.machine import Machine, Pixels
from synarray.network.topology import FieldSpec, Group, place_groups
from synarray.rng import Phase

__all__ = ["Layer", "Plan", "arrays_shared", "check_layers", "features_of", "layer_specs", "plan_layers"]

_ODD = 0x9E3779B1
_AT_ONCE = 1 << 21
"""Bytes of a block of spikes of the lowest layer that are encoded at once."""


@dataclass(frozen=True)
class Plan:
    """One layer before it is built."""

    layer: LayerSpec
    spec: LearningSpec
    """The experiment with this layer's own values in it."""
    below: Map
    map: Map
    """What it reads, and what its winners make."""
    cell: npt.NDArray[np.int64]
    """Cell of its map that each place belongs to; shape (n_places,)."""
    groups: list[Group]
    where: str
    """Its name in errors; empty for a network without ``[[layers]]``."""

    def build(self, presentations: int) -> Machine:
        """Build its machine, for a training of so many presentations; raises SpecError where it does not fit its arrays."""
        with _named(self.where):
            return Machine.build(self.spec, self.groups, presentations)


@dataclass(frozen=True)
class Layer:
    """A layer that has learned and is frozen."""

    plan: Plan
    machine: Machine


def layer_specs(spec: LearningSpec) -> list[LearningSpec]:
    """Return the experiment as each layer sees it: with that layer's own values, and no layers."""
    base = {name: getattr(spec, name) for name in LearningSpec.model_fields} | {"layers": (), "fields": FieldSpec()}
    made = []
    for i, layer in enumerate(spec.layers):
        values: dict[str, Any] = layer.over(base) | {"seed": (spec.seed + i * _ODD) % 2**32}
        if layer.windows is not None:
            values["encoding"] = type(spec.encoding)(
                **{**dict(spec.encoding), "t_present": layer.windows * spec.encoding.t_window}
            )
        with _named(f"layers.{i + 1}"):
            made.append(LearningSpec(**values))
    return made


@contextlib.contextmanager
def _named(layer: str) -> Iterator[None]:
    """Say of which layer an error is."""
    try:
        yield
    except SpecError as error:
        if not layer:
            raise
        where = f"{layer}, {error.where}"
        raise SpecError(error.rule, got=error.got, where=where, do=error.do) from None


def check_layers(spec: LearningSpec) -> None:
    """Refuse, in words, what cannot be combined with layers (yet).

    Raises
    ------
    SpecError
    """
    last = len(spec.layers) - 1

    def refuse(rule: str, got: str, key: str, do: str) -> None:
        raise SpecError(rule, got=got, where=f"key {key}", do=do)

    if spec.encoding.form == "sliding":
        refuse(
            "layers learn in windows",
            'encoding.form = "sliding"',
            "encoding.form",
            "Leave it out, or train without layers.",
        )
    for i, (layer, own) in enumerate(zip(spec.layers, layer_specs(spec), strict=True)):
        key = f"layers.{i + 1}"
        if i < last and layer.teacher != "name":
            refuse(
                "only the last layer has a teacher",
                f'teacher = "{layer.teacher}" of layer {i + 1}',
                key,
                "Leave it out.",
            )
        if i == last and layer.kind == "convolution":
            refuse(
                "the last layer must be full or local: a class is read from its winners", 'kind = "convolution"', key,
                "Put a layer above it.",
            )  # fmt: skip
        if own.pruning.kind.after_training:
            refuse(
                "layers are pruned while they learn",
                f'mode = "{own.pruning.mode}"',
                f"{key}.pruning",
                'Use mode = "soft".',
            )
        if layer.teacher == "contrast" and own.cell.pulse_step is None and own.device is None:
            refuse(
                "a contrastive teacher sends pulses of one size", 'step = "exact"', f"{key}.cell", "Use step = 0.05."
            )
        if layer.teacher == "contrast" and own.pruning.kind.acts:
            refuse(
                "a layer that learns from mistakes is not pruned yet: it has no spike count to prune at", "pruning",
                f"{key}.pruning", 'Use mode = "none" there.',
            )  # fmt: skip


def plan_layers(spec: LearningSpec, retina: Retina, image_shape: tuple[int, ...] | None, n_classes: int) -> list[Plan]:
    """Lay the layers over the image and each other; a network without ``[[layers]]`` is one layer.

    Raises
    ------
    SpecError
        When layers do not fit the image, each other, or the classes.
    """
    if not spec.layers:
        return [_only_layer(spec, retina, image_shape)]
    check_layers(spec)
    channels = spec.encoding.per_feature
    if image_shape is None or len(retina.inputs) != retina.n_features:
        if any(layer.kind != "full" for layer in spec.layers):
            got = "features without geometry" if image_shape is None else "only the active ones"
            raise SpecError(
                "layers with kernels need images whose pixels are all inputs", got=got, where="key inputs.select",
                do='Set inputs.select = "all" for images, or kind = "full" for every layer.',
            )  # fmt: skip
        below = Map(1, 1, len(retina.inputs) * channels)
    else:
        below = Map(image_shape[0], image_shape[1], int(np.prod(image_shape[2:], dtype=int)) * channels)
    plans = []
    for i, (layer, own) in enumerate(zip(spec.layers, layer_specs(spec), strict=True)):
        where = f"layers.{i + 1}"
        groups = groups_of(layer, below, where)
        above, cell = map_of(layer, below, where)
        fewest = min(group.n_neurons for group in groups)
        if layer.teacher != "name" and fewest < n_classes:
            raise SpecError(
                "a taught layer needs a neuron of every class in each group", where=f"key {where}.n_neurons",
                got=f"{fewest} for {n_classes} classes", do=f"Use at least {n_classes * len(groups)} neurons.",
            )  # fmt: skip
        plans.append(Plan(layer, own, below, above, cell, groups, where))
        below = above
    return plans


def _only_layer(spec: LearningSpec, retina: Retina, image_shape: tuple[int, ...] | None) -> Plan:
    """Lay a network without ``[[layers]]`` over the image."""
    if spec.encoding.channelled:
        key = "encoding.channels" if spec.encoding.channels else "encoding.off"
        raise SpecError(
            f"{'thermometer' if spec.encoding.channels else 'off'} channels need layers",
            got=f"{spec.encoding.per_feature} channels", where=f"key {key}",
            do="Leave it out, or describe the network in [[layers]].",
        )  # fmt: skip
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, image_shape)
    made, cell = Map(1, 1, spec.n_neurons), np.zeros(len(groups), np.int64)
    return Plan(LayerSpec(), spec, Map(1, 1, len(retina.inputs)), made, cell, groups, "")


def arrays_shared(machines: list[Machine]) -> int | None:
    """Count the arrays that layers fill when they share them, tile beside tile; None where they cannot, or there is one layer.

    Each layer is trained in arrays of its own. Cells of one kind, in arrays of one size, can be in the same array.
    """
    first = machines[0].spec
    alike = all((machine.spec.device, machine.spec.array) == (first.device, first.array) for machine in machines)
    if len(machines) < 2 or first.device is None or not alike:
        return None
    tiles = [
        shape
        for machine in machines
        for shape in machine.array.shapes
        for _ in range(machine.spec.synapse.cells_per_weight(machine.spec.device))
    ]
    enough = ArraySpec(rows=first.array.rows, columns=first.array.columns, count=100_000)
    cells = sum(rows * columns for rows, columns in tiles)
    if cells <= first.array.rows * first.array.columns:
        enough = ArraySpec(rows=first.array.rows, columns=first.array.columns)
    return place(tiles, 1, enough).n_arrays


def features_of(
    layers: list[Layer], seen: Pixels, windows: int, phase: Phase, *, workers: int = 1, counted: bool = False
) -> Pixels | KeptSpikes:
    """Show images to frozen layers; keep what they make of them. Without layers the images stay as they are.

    Random numbers are drawn by what an image is, so that neither its position nor its neighbours matter. ``counted``: reads are
    part of a training.
    """
    if not layers:
        return seen
    n, width = len(seen[0]), layers[-1].plan.map.size
    keys = image_keys(seen[0]).astype(np.int64)
    bits = np.empty((n, windows, (width + 7) // 8), np.uint8)
    most = max(1, _AT_ONCE // (windows * max(layer.plan.below.size for layer in layers)))

    def show(part: slice) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]]:
        counts = []
        block = layers[0].machine.encode(seen, np.arange(part.start, part.stop), keys[part], windows, phase)
        for i, layer in enumerate(layers):
            totals, driven = np.zeros(len(NetworkEvent), np.int64), np.zeros(len(layer.machine.driven), np.uint32)
            totals[NetworkEvent.INPUT_SPIKE] = np.count_nonzero(block) if i == 0 else 0
            out = np.empty((len(block), windows, layer.plan.map.size), np.uint8)
            layer.machine.features(
                block, keys[part], phase, layer.plan.cell, layer.plan.map.channels, out, totals, driven
            )
            counts.append((totals, driven))
            block = out
        bits[part] = np.packbits(block, axis=2)
        return counts

    for counts in _map(show, [slice(i, min(i + most, n)) for i in range(0, n, most)], workers):
        for layer, (totals, driven) in zip(layers, counts, strict=True):
            if counted:
                layer.machine.network_events += totals
                layer.machine.driven += driven
    for layer in layers if counted else []:
        layer.machine.book_read_energy()
    return KeptSpikes(bits, width, keys)


def _map(work: Any, parts: list[slice], workers: int) -> Iterator[Any]:
    """Work on parts, in their order, by so many threads."""
    if workers <= 1:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(work, parts)
