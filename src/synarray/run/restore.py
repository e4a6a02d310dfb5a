"""A finished run's network, built again from what its folder holds: the same cells, thresholds and labels, the same answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from synarray.errors import RunError
from synarray.events import NeuronEvent
from synarray.learn.readout import Evaluation
from synarray.learn.result import Before, Result
from synarray.learn.stack import Layer, plan_layers
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.state import kept_arrays
from synarray.run.contents import StoredRun, train_again

__all__ = ["restore"]


def restore(run: StoredRun) -> Result:
    """Build a run's network as it was when its test images were read.

    The data it was trained on are not needed.

    Raises
    ------
    RunError
        When the folder does not fit its experiment.
    """
    spec, arrays, metrics = run.experiment, run.arrays, run.metrics
    retina = Retina(
        arrays["inputs"],
        int(arrays["n_features"]),
        float(arrays["full_scale"]),
        float(arrays["mean_total"]),
        spec.encoding.gain_control,
    )
    before = _before(metrics["started_from"])
    layers: list[Layer] = []
    plans = plan_layers(spec, retina, run.image_shape, len(arrays["classes"]))
    for i, (plan, layer) in enumerate(zip(plans, run.by_layer(), strict=True)):
        machine = plan.build(max(1, layer.metrics["images_seen"] + (before.by_layer[i] if before else 0)))
        _put_back(machine, layer)
        layers.append(Layer(plan, machine))
    *below, last = layers
    return Result(
        spec,
        last.machine,
        retina,
        arrays["classes"],
        run.image_shape,
        arrays["label_counts"],
        run.history,
        metrics["seconds"],
        metrics["images_seen"],
        list(metrics["notes"]),
        _evaluation(run),
        before,
        below,
        tuple(row["windows"] for row in metrics["layers"]),
    )


def _before(row: dict[str, Any] | None) -> Before | None:
    return None if row is None else Before(**row | {"layers": tuple(row["layers"])})


def _evaluation(run: StoredRun) -> Evaluation | None:
    metrics = run.metrics
    if metrics["accuracy"] is None or "confusion" not in run.arrays:
        return None
    confusion = run.arrays["confusion"]
    right, hard, low, high = (float(metrics[f"accuracy{end}"]) for end in ("", "_hard", "_low", "_high"))
    return Evaluation(int(confusion.sum()), right, hard, low, high, confusion)


def _put_back(machine: Machine, run: StoredRun) -> None:
    """Bring a machine that was just built to what a run's folder holds."""
    array, kept, wear, ageing = machine.array, run.arrays, machine.wear, machine.ageing
    into = kept_arrays({"machine": machine, "array": array} | ({} if wear is None else {"wear": wear}))
    into |= {} if ageing is None else {"age": ageing.pulsed}
    if any(name not in kept or kept[name].shape != value.shape for name, value in into.items()):
        got = "arrays of another network than its experiment's"
        raise RunError("a run folder must be whole", got=got, where=str(run.path), do=train_again(run.path))
    failed_before = None if wear is None else wear.failed.copy()
    for name, value in into.items():
        value[...] = kept[name]
    machine.looked[:] = machine.neuron_events[:, NeuronEvent.CELL_READ]
    array.removed = run.experiment.pruning.kind.removes
    if ageing is not None:
        ageing.pulsed *= -1.0  # the folder keeps how long ago, on a clock that starts now
        ageing.writes = array.writes.copy()
    if wear is not None and failed_before is not None:
        machine.stop(array.scheme.fail(array, np.where(failed_before == 0, wear.failed, 0).astype(np.uint8)))
    array.refresh_read_copy()  # the noise of reads follows from the cells
    machine.apply_wires()
    array.read_copy[:] = kept["read_copy"]  # wires as computed last while learning: what the test images met
