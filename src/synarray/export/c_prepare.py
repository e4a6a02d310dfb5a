"""From an experiment or a finished run to the constants of an exported learner, and its trained state."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import SpecError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.export.c_model import LearnerModel, Trained, learner_model, learning_of, pack
from synarray.export.c_place import Place
from synarray.export.c_refused import nominal
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import Plan, plan_layers
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.run.opened import open_run
from synarray.run.restore import restore
from synarray.task.checked import check_task

__all__ = ["Export", "export_experiment", "export_layers", "export_result", "export_run", "layers_model"]

BLOB_MAGIC, BLOB_VERSION = 0x4C4E5953, 1


@dataclass(frozen=True)
class Export:
    """A learner ready to be written."""

    model: LearnerModel
    trained: bytes
    """The state of a trained run, as ``synarray_load`` takes it; empty for an experiment, or when the model only predicts."""
    name: str
    """Of the experiment."""
    dropped: list[str]
    """Imperfections of the device that were left out."""
    accuracy: float | None = None
    """What the run read of its test set."""


def export_experiment(spec: ExperimentSpec, *, ideal_device: bool = False, port: bool = False) -> Export:
    """Prepare a learner that begins where the training of an experiment does.

    The data of the experiment are read: they say which features are inputs, and their mean total.

    Parameters
    ----------
    spec : ExperimentSpec
    ideal_device : bool
        Take the device without its spreads (``nominal``).
    port : bool
        The cells are behind a port.

    Raises
    ------
    DataError
        When the data cannot be used.
    SpecError
        When the exported learner cannot do what the experiment asks.
    """
    learning, dropped = nominal(spec) if ideal_device else (spec, [])
    data, x, y, x_test, y_test = task_images(spec)
    task = check_task(x, y, x_test, y_test, data.image_shape, data.full_scale)
    retina = Retina.fit(task.x, spec.inputs, full_scale=task.full_scale, gain_control=spec.encoding.gain_control)
    if spec.layers:
        plans = plan_layers(spec, retina, task.image_shape, len(task.classes))
        if port:
            raise SpecError(
                "a port drives the one array of a learner without layers", got=f"{len(plans)} layers", where="--port",
                do="Leave --port out.",
            )  # fmt: skip
        if ideal_device:
            taken = [nominal(plan.spec) for plan in plans]
            plans = [replace(plan, spec=own) for plan, (own, _) in zip(plans, taken, strict=True)]
            dropped = list(dict.fromkeys(line for _, lines in taken for line in lines))
        images = [min(plan.layer.images or len(task.x), len(task.x)) for plan in plans]
        machines = [plan.build(max(1, plan.spec.epochs * n)) for plan, n in zip(plans, images, strict=True)]
        model = layers_model(plans, machines, retina, task.classes, images)
        return Export(model, b"", spec.name, dropped)
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, task.image_shape)
    machine = Machine.build(learning, groups, spec.epochs * len(task.x))
    model = learner_model(machine, retina, task.classes, learning, len(task.x), port=port)
    return Export(model, b"", spec.name, dropped)


def layers_model(
    plans: list[Plan],
    machines: list[Machine],
    retina: Retina,
    classes: npt.NDArray[np.generic],
    images: list[int],
    trained: list[Trained] | None = None,
) -> LearnerModel:
    """Work the constants of all layers out; ``images``: of an epoch of each. With ``trained`` it only predicts.

    Raises
    ------
    SpecError
        When the learner cannot do what a layer asks.
    """
    above = None
    for i in range(len(plans) - 1, -1, -1):
        model = learner_model(
            machines[i], retina, classes, plans[i].spec, images[i], trained=trained[i] if trained else None,
            predict_only=trained is not None, place=_place(plans, i, len(classes)),
        )  # fmt: skip
        notes = model.notes + (above.notes if above else [])
        above = replace(model, above=above, notes=list(dict.fromkeys(notes)))
    assert above is not None
    return above


def _place(plans: list[Plan], i: int, n_classes: int) -> Place:
    return Place(plans[i], i == 0, i == len(plans) - 1, n_classes)


def export_run(path: Path, *, predict_only: bool = False) -> Export:
    """Prepare a learner that holds the trained cells of a run.

    Raises
    ------
    RunError
        When the folder is not a whole run.
    SpecError
        When the exported learner cannot do what the run's experiment asks.
    """
    run = open_run(path)
    result = restore(run)
    accuracy = run.metrics.get("accuracy")
    if run.experiment.layers:
        return export_layers(result, run.experiment.name, predict_only=predict_only, accuracy=accuracy)
    per_epoch = run.metrics["images_seen"] // run.experiment.epochs
    return export_result(result, per_epoch, run.experiment.name, predict_only=predict_only, accuracy=accuracy)


def export_layers(
    result: Result, name: str = "network", *, predict_only: bool = False, accuracy: float | None = None
) -> Export:
    """Prepare a learner that holds a trained network of layers; arguments as of :class:`Export`."""
    plans = plan_layers(result.spec, result.retina, result.image_shape, len(result.classes))
    machines, images = list[Machine](), list[int]()
    for plan, machine in zip(plans, result.machines, strict=True):
        epochs = plan.spec.epochs + (plan.layer.teacher == "compete")
        shown = int(machine.network_events[NetworkEvent.PRESENTATION])
        images.append(shown // epochs if plan.layer.learn else plan.layer.images or 1)
        fresh = plan.build(max(1, plan.spec.epochs * images[-1]))  # calibration is no part of what pruning counts by
        machines.append(replace(machine, expected_spikes=fresh.expected_spikes))
    last = len(plans) - 1
    kept = plans[-1].layer.teacher != "contrast"
    counts = [result.label_counts if i == last and kept else None for i in range(len(plans))]
    trained = [Trained(machine.threshold, own) for machine, own in zip(machines, counts, strict=True)]
    model = layers_model(plans, machines, result.retina, result.classes, images, trained if predict_only else None)
    if kept and result.label_counts.max(initial=0) > 65_535:
        model.notes.append("Label counts above 65,535 were taken to it.")
    blobs = []
    for i, layer in enumerate(model.layers if not predict_only else []):
        place = _place(plans, i, len(result.classes))
        blobs.append(trained_blob(layer, machines[i], plans[i].spec, counts[i], images[i], place))
    return Export(model, b"".join(blobs), name, [], accuracy)


def export_result(
    result: Result, per_epoch: int, name: str = "network", *, predict_only: bool = False, accuracy: float | None = None
) -> Export:
    """Prepare a learner that holds a trained network; arguments as of :class:`Export`."""
    machine, spec = result.machine, result.spec
    trained = Trained(machine.threshold, result.label_counts)
    model = learner_model(
        machine, result.retina, result.classes, spec, per_epoch, trained=trained, predict_only=predict_only
    )
    if result.label_counts.max(initial=0) > 65_535:
        model.notes.append("Label counts above 65,535 were taken to it.")
    blob = b"" if predict_only else trained_blob(model, machine, spec, result.label_counts, per_epoch)
    return Export(model, blob, name, [], accuracy)


def trained_blob(
    model: LearnerModel,
    machine: Machine,
    spec: LearningSpec,
    counts: npt.NDArray[np.int64] | None,
    per_epoch: int,
    place: Place | None = None,
) -> bytes:
    """Write a layer's trained state as ``synarray_save`` would; the layout is described in docs/learner.md."""
    array, masked, bits = machine.array, bool(model.numbers["masked"]), int(model.numbers["bits"])
    events = np.concatenate([machine.neuron_events.sum(axis=0), machine.network_events[:4]])
    if spec.device is not None:
        events[NeuronEvent.CELL_READ_LEVEL] = 0  # the C learner does not sum the conductance that its looks met
    parts: list[npt.NDArray[Any]] = [events.astype("<u8"), machine.threshold.astype("<i4")]
    if masked:
        parts.append(machine.spikes.astype("<u4"))
    if counts is not None:
        parts.append(np.minimum(counts, 65_535).astype("<u2"))
    tiles = [array.tile(g) for g in range(len(machine.groups))]
    if bits == 32:
        parts += [tile.T.astype("<f4") for tile in tiles]
    else:
        codes = learning_of(machine, spec, per_epoch, place)[1]
        parts += [pack(codes.encode(tile), bits) for tile in tiles]
    if masked:
        alive = [array.alive[array.neurons(g), :rows].T.ravel() for g, (rows, _) in enumerate(array.shapes)]
        ones = np.concatenate([*alive, np.ones(-sum(map(len, alive)) % 8, np.uint8)])  # the rest of the last byte
        parts.append(np.packbits(ones, bitorder="little"))
    payload = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    head = struct.pack(
        "<5I", BLOB_MAGIC, BLOB_VERSION, int(model.numbers["identity"]), int(machine.network_events[0]), len(payload)
    )
    if len(payload) + 24 != model.own_blob_bytes:
        raise SpecError(
            "a trained state must have the size of its model's",
            got=f"{len(payload) + 24:,} bytes",
            where="export c",
            do=f"It should have {model.own_blob_bytes:,}; report this run.",
        )
    return head + struct.pack("<I", zlib.crc32(head + payload)) + payload
