"""What a training leaves behind: the network, its labels, its counted events, and how well it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.arguments import workers_of
from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn.reading import Votes, vote
from synarray.learn.readout import Evaluation
from synarray.learn.scale import Scale
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import Layer, arrays_shared
from synarray.learn.trainer import HistoryPoint
from synarray.network.encoding import Retina
from synarray.network.layer import TEACHERS
from synarray.network.machine import Machine, Pixels
from synarray.task.datasets import as_array, check_images

__all__ = ["Before", "Result"]


@dataclass(frozen=True)
class Before:
    """What a network had gone through before a training that started from it."""

    state_sha256: str
    """Fingerprint of its state."""
    images_seen: int
    """Presentations while learning."""
    pulses: int
    """Programming pulses."""
    layers: tuple[int, ...] = ()
    """Presentations of each layer, from the bottom; empty for a network without ``[[layers]]``."""

    @property
    def by_layer(self) -> tuple[int, ...]:
        """Presentations of each layer; of a network without ``[[layers]]``, of its only one."""
        return self.layers or (self.images_seen,)


@dataclass
class Result:
    """A trained network. Plain attributes and arrays."""

    spec: LearningSpec
    machine: Machine
    """Groups, cells, thresholds, counted events."""
    retina: Retina
    """Which features are inputs, and their scaling."""
    classes: npt.NDArray[np.generic]
    """The labels, sorted; shape (n_classes,)."""
    image_shape: tuple[int, ...] | None
    label_counts: npt.NDArray[np.int64]
    """Output spikes by neuron and class, from training images; shape (n_neurons, n_classes)."""
    history: list[HistoryPoint]
    seconds: dict[str, float]
    """Wall-clock seconds of each part: prepare, compile, train, label, test."""
    images_seen: int
    """Presentations while learning."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know, e.g. that local fields fell back to a full field."""
    evaluation: Evaluation | None = None
    """What the test set said, when there was one."""
    before: Before | None = None
    """What the network had gone through when this training started, if it started from a finished run. Counters, times and the
    training curve are of this training only; what is stored in the cells (weights, pulses received, age) is of both."""
    below: list[Layer] = field(default_factory=list)
    """Frozen layers below the last one, which is ``machine``; weights, labels and the training curve are of the last one."""
    windows: tuple[int, ...] = ()
    """Windows in which each layer was shown anything, of a network of several."""

    @property
    def accuracy(self) -> float | None:
        """Share of the test images that were read correctly by soft votes."""
        return self.evaluation.accuracy if self.evaluation else None

    @property
    def weights(self) -> list[npt.NDArray[np.float32]]:
        """Weights of each group as [pre, post]; those of layers one after the other, from the bottom."""
        return [machine.array.tile(g) for machine in self.machines for g in range(len(machine.groups))]

    @property
    def images_per_second(self) -> float:
        """Presentations learned from per second of training, one core."""
        return self.images_seen / max(self.seconds["train"], 1e-9)

    @property
    def silent_neurons(self) -> int:
        """Neurons that never spiked while labelling."""
        return int(np.count_nonzero(self.label_counts.sum(axis=1) == 0))

    @property
    def pruned_fraction(self) -> float:
        """Share of the network's cells that were pruned."""
        return 1.0 - sum(m.array.n_alive for m in self.machines) / sum(m.array.n_cells for m in self.machines)

    @property
    def machines(self) -> list[Machine]:
        """Layers from the bottom; the last one is ``machine``."""
        return [*(layer.machine for layer in self.below), self.machine]

    @property
    def spared_fraction(self) -> float:
        """Share of a fully connected network's cells that are absent or pruned here."""
        first = len(self.retina.inputs) * self.spec.encoding.per_feature
        inputs = [first, *(layer.plan.map.size for layer in self.below)]
        dense = sum(n * len(m.threshold) for n, m in zip(inputs, self.machines, strict=True))
        return 1.0 - sum(m.array.n_alive for m in self.machines) / dense

    @property
    def events(self) -> dict[str, int]:
        """Every counted hardware action, by name (see ``synarray.events``), over all layers."""
        return _events(*self.machines)

    @property
    def pulses(self) -> int:
        """Programming pulses sent: LTP, LTD, and those of soft pruning."""
        events = self.events
        return events["ltp_pulse"] + events["ltd_pulse"] + events["pruning_pulse"]

    @property
    def state_sha256(self) -> str:
        """Fingerprint of final weights, masks, thresholds and labels."""
        digest = hashlib.sha256()
        for layer in self.below:
            frozen = layer.machine
            for kept in (frozen.array.w, frozen.array.alive, frozen.threshold):
                digest.update(np.ascontiguousarray(kept).tobytes())
        array = self.machine.array
        for part in (array.w, array.pair, array.read_copy, array.alive, self.machine.threshold, self.label_counts):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def hardware(self) -> dict[str, Any]:
        """Say what the weights live in: device, scheme, cells, arrays; ``None`` where weights are ideal."""
        array, device, placement = self.machine.array, self.machine.spec.device, self.machine.placement
        in_cells = [machine for machine in self.machines if machine.spec.device]
        specs = [machine.spec.device for machine in self.machines]
        failed = [machine.wear.n_failed for machine in self.machines if machine.wear]
        return {
            "device": device.name if device else None,
            "unconfirmed": list(dict.fromkeys(name for spec in specs if spec for name in spec.unconfirmed)),
            "scheme": array.scheme.name if device else None,
            "cells_per_weight": self.machine.spec.synapse.cells_per_weight(device),
            "arrays": sum(m.placement.n_arrays for m in self.machines if m.placement) if placement else None,
            "arrays_shared": arrays_shared(self.machines),
            "cells_failed": sum(failed) if failed else None,
            "stuck_cells": sum(int((m.array.stuck_cells & m.array.exists).sum()) for m in in_cells),
            "reads_saturated": sum(m.array.n_saturated for m in self.machines),
            "most_writes": max(int(m.array.writes.max()) for m in in_cells) if device else None,
        }

    def metrics(self) -> dict[str, Any]:
        """Everything a script may want, ready for JSON."""
        events, test = self.events, self.evaluation
        return {
            "readout": TEACHERS[self.teacher],
            "accuracy": test.accuracy if test else None,
            "accuracy_hard": test.accuracy_hard if test else None,
            "accuracy_low": test.accuracy_low if test else None,
            "accuracy_high": test.accuracy_high if test else None,
            "class_accuracy": [None if np.isnan(a) else float(a) for a in test.class_accuracy] if test else None,
            "test_images": test.n_images if test else 0,
            "pruned_fraction": self.pruned_fraction,
            "spared_fraction": self.spared_fraction,
            "pulses": self.pulses,
            "pulses_ltp": events["ltp_pulse"],
            "pulses_ltd": events["ltd_pulse"],
            "pulses_pruning": events["pruning_pulse"],
            "pulses_skipped_by_pruning": events["pulse_skipped"],
            "pulses_at_bound": events["pulse_at_bound"],
            "output_spikes": events["output_spike"],
            "input_spikes": events["input_spike"],
            "row_reads": events["row_read"],
            "column_senses": events["column_sense"],
            "columns_clipped": events["column_clipped"],
            "cell_reads": events["cell_read"],
            "verify_reads": events["verify_read"],
            "pulses_failed": events["pulse_failed"],
            "pulses_initial": events["initial_pulse"],
            "pair_refreshes": events["pair_refresh"],
            "mask_lookups": events["mask_lookup"],
            **self.hardware(),
            "n_inputs": len(self.retina.inputs),
            "n_neurons": sum(len(m.threshold) for m in self.machines),
            "fields": self.spec.fields.kind if not self.spec.layers else None,
            "fields_trial": self.spec.fields.trial.model_dump() if self.spec.fields.trial else None,
            "n_groups": sum(len(m.groups) for m in self.machines),
            "n_cells": sum(m.array.n_cells for m in self.machines),
            "layers": self.layer_rows(),
            "silent_neurons": self.silent_neurons,
            "epochs": self.spec.epochs,
            "images_seen": self.images_seen,
            "started_from": vars(self.before) | {"layers": list(self.before.layers)} if self.before else None,
            "train_seconds": self.seconds["train"],
            "images_per_second": self.images_per_second,
            "seconds": self.seconds,
            "seed": self.spec.seed,
            "state_sha256": self.state_sha256,
            "notes": self.notes,
        }

    def layer_rows(self) -> list[dict[str, Any]]:
        """Say of each layer what it is, where it is, and what it counted; empty where there is only one."""
        rows = []
        maps = [layer.plan.map for layer in self.below]
        for i, (layer, machine) in enumerate(
            zip(self.spec.layers, self.machines, strict=True) if self.spec.layers else ()
        ):
            events, placement = _events(machine), machine.placement
            rows.append({
                "kind": layer.kind, "learned": layer.learn, "teacher": layer.teacher,
                "reads": str(maps[i - 1]) if i else "the encoded image", "makes": str(maps[i]) if i < len(maps) else "classes",
                "n_neurons": len(machine.threshold), "n_groups": len(machine.groups),
                "n_places": sum(len(group.places) for group in machine.groups),
                "n_inputs": maps[i - 1].size if i else len(self.retina.inputs) * self.spec.encoding.per_feature,
                "n_cells": machine.array.n_cells,
                "device": machine.spec.device.name if machine.spec.device else None,
                "scheme": machine.array.scheme.name if machine.spec.device else None,
                "cells_per_weight": machine.spec.synapse.cells_per_weight(machine.spec.device),
                "arrays": placement.n_arrays if placement else None,
                "pruned_fraction": 1.0 - machine.array.n_alive / machine.array.n_cells,
                "cells_failed": machine.wear.n_failed if machine.wear else None,
                "pulses": events["ltp_pulse"] + events["ltd_pulse"] + events["pruning_pulse"],
                "output_spikes": events["output_spike"], "tile_reads": events["column_sense"] * len(machine.groups)
                // len(machine.threshold), "row_reads": events["row_read"], "windows": self.windows[i],
                "images_seen": events["presentation"],
            })  # fmt: skip
        return rows

    def predict(self, x: npt.ArrayLike, workers: int = 1) -> npt.NDArray[Any]:
        """Read the class of each image by soft votes, shape (n_images,)."""
        votes = self.decision_function(x, workers)
        read: npt.NDArray[Any] = self.classes[votes.argmax(axis=1)]
        return read

    def decision_function(self, x: npt.ArrayLike, workers: int = 1) -> npt.NDArray[np.float64]:
        """Sum log P(class | spike) over each image, shape (n_images, n_classes)."""
        workers, x = workers_of(workers), as_array(x, "x")
        check_images(x, "x")
        pixels, full = self.retina.see(x.reshape(len(x), -1)), self.retina.full_scale
        Scale(0.0, full, full / 16, full).warn_if_other(x, "this network")
        return self.votes(pixels, workers).soft

    @property
    def teacher(self) -> str:
        """What labels did in the training: a word of ``TEACHERS``."""
        return self.spec.layers[-1].teacher if self.spec.layers else "name"

    def votes(self, pixels: Pixels, workers: int = 1, on_part: Callable[[], None] | None = None) -> Votes:
        """Read images that the retina has seen; ``on_part`` is that of ``infer``."""
        contrast = self.teacher == "contrast"
        return vote(self.machine, self.below, contrast, self.label_counts, self.spec.readout, pixels, workers, on_part)


def _events(*machines: Machine) -> dict[str, int]:
    """Total what machines counted, by name."""
    per_neuron = np.sum([machine.neuron_events.sum(axis=0) for machine in machines], axis=0)
    network = np.sum([machine.network_events for machine in machines], axis=0)
    named = {event.name.lower(): int(per_neuron[event]) for event in NeuronEvent}
    return named | {event.name.lower(): int(network[event]) for event in NetworkEvent}
