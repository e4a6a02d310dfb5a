"""A run in the metrics of NeuroBench, from its own counts, and what training cost, for which NeuroBench has none.

Names as in NeuroBench 2 (neurobench/metrics, https://github.com/NeuroBench/neurobench). NeuroBench measures inference; here the
workload metrics are of the training itself, per image shown:

    ConnectionSparsity    synapses that are absent or removed / those of full connections (a tile read at many places counts once)
    ActivationSparsity    1 - output spikes / (neurons x windows); a tile read at many places has its neurons at each of them
    Effective_ACs         active rows x columns that are connected to them; inputs are spikes, so there are no MACs
    Dense                 the same with every input active and every synapse there
    MembraneUpdates       potentials computed

A soft-pruned cell still conducts: it is no zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import Any

import numpy as np

from synarray.array.schemes.scheme import WORD
from synarray.cost.wear import trainings_left
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.layer import LayerSpec
from synarray.run.contents import StoredRun
from synarray.run.price import price_of

__all__ = ["neurobench"]

_READ_BITS, _SHARE_FAILED = 8, 0.01


@dataclass(frozen=True)
class _Layer:
    """What one layer has and did while it was shown images."""

    cells: int
    dense: int
    bits: int
    connected: int
    activations: float
    most_activations: int
    operations: float
    most_operations: int
    updates: int


def neurobench(run: StoredRun) -> dict[str, Any]:
    """Return a run's metrics by NeuroBench's names, then those of its training.

    Returns
    -------
    dict
        ``neurobench``: the names of NeuroBench; ``training``: writes (programming pulses), joules, wear; ``notes``. Energy and
        wear are None for ideal weights, and wear where the endurance of a device is not known.
    """
    parts = run.by_layer()
    layers = [_layer(*part) for part in zip(parts, run.experiment.layers or (None,), strict=True)]
    metrics, images = run.metrics, max(int(run.metrics["images_seen"]), 1)
    dense, thresholds = sum(layer.dense for layer in layers), int(metrics["n_neurons"])
    labels = run.arrays["label_counts"].size
    bits = sum(layer.cells * layer.bits for layer in layers) + 32 * thresholds + 16 * labels
    found = {
        "Footprint": -(-bits // 8),
        "ParameterCount": sum(layer.cells for layer in layers) + thresholds + labels,
        "ConnectionSparsity": 1.0 - sum(layer.connected for layer in layers) / dense,
        "ClassificationAccuracy": metrics["accuracy"],
        "ActivationSparsity": 1.0
        - sum(layer.activations for layer in layers) / max(sum(layer.most_activations for layer in layers), 1),
        "SynapticOperations": {
            "Effective_MACs": 0.0,
            "Effective_ACs": sum(layer.operations for layer in layers) / images,
            "Dense": sum(layer.most_operations for layer in layers) / images,
        },
        "MembraneUpdates": sum(layer.updates for layer in layers) / images,
    }
    return {"neurobench": found, "training": _training(run, images), "notes": _notes(run)}


def _layer(run: StoredRun, layer: LayerSpec | None) -> _Layer:
    arrays, spec, metrics = run.arrays, run.experiment, run.metrics
    rows, columns = np.diff(arrays["row_start"]).tolist(), np.diff(arrays["neuron_start"]).tolist()
    neurons, cells = sum(columns), sum(map(mul, rows, columns))
    events = arrays["network_events"]
    reads, per_tile = int(events[NetworkEvent.COLUMN_SENSE]), neurons / len(rows)
    dense, potentials, most = metrics["n_inputs"] * neurons, reads, reads * metrics["n_inputs"]
    if layer is not None and layer.kind == "convolution":  # silent places are not read
        learned = int(events[NetworkEvent.PRESENTATION]) * spec.encoding.draws
        places = metrics["n_places"]
        read_at = learned * (layer.places or places) + (metrics["windows"] - learned) * places
        dense, potentials, most = cells, read_at * neurons, read_at * cells
    in_cells = spec.device is not None
    return _Layer(
        cells=cells,
        dense=dense,
        bits=_bits(run),
        connected=int(arrays["alive"].sum()) if spec.pruning.kind.removes else cells,
        activations=reads / per_tile,
        most_activations=potentials,
        operations=int(events[NetworkEvent.ROW_CELL]) if in_cells else int(events[NetworkEvent.ROW_READ]) * per_tile,
        most_operations=most,
        updates=reads,
    )


def _bits(run: StoredRun) -> int:
    """Bits of a weight: those of its levels where they are given, else of what a read resolves."""
    spec = run.experiment
    if spec.device is None:
        return math.ceil(math.log2(spec.cell.n_levels)) if spec.cell.n_levels else _READ_BITS
    return spec.synapse.n_bits if spec.synapse.scheme_for(spec.device).code == WORD else _READ_BITS


def _training(run: StoredRun, images: int) -> dict[str, Any]:
    """Return writes, joules and wear."""
    events = sum(layer.arrays["neuron_events"].sum(axis=0) for layer in run.by_layer())
    writes = int(events[[NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE, NeuronEvent.PRUNING_PULSE]].sum())
    initial = int(events[NeuronEvent.INITIAL_PULSE])
    found: dict[str, Any] = {
        "Writes": writes,
        "Writes_Initial": initial,
        "Writes_Per_Image": writes / images,
        "Joules": None,
        "Joules_Per_Image": None,
        "Most_Writes_On_A_Cell": run.metrics["most_writes"],
        "Trainings_Until_1_Percent_Failed": None,
    }
    layers = [layer for layer in run.by_layer() if layer.experiment.device is not None]
    if len(layers) == len(run.by_layer()):
        joules = price_of(run).total
        found |= {"Joules": joules, "Joules_Per_Image": joules / images}
    lives = []
    for array in (layer.cells()[0] for layer in layers):
        assert array.device is not None  # of cells
        pulses = array.scheme.pulses_per_cell(array.writes)[:, array.exists]
        lives.append(trainings_left(pulses, array.device, _SHARE_FAILED))
    if lives and np.isfinite(min(lives)):
        found["Trainings_Until_1_Percent_Failed"] = min(lives)
    return found


def _notes(run: StoredRun) -> list[str]:
    """Say what the figures are of, and what they leave out."""
    notes = ["Workload metrics are of training, per image shown; NeuroBench measures inference."]
    notes.append(
        "Footprint: weights in the bits of their levels (8 where they have none), thresholds in 32, label counts in 16."
    )
    if any(layer.experiment.pruning.kind.keeps and layer.metrics["pruned_fraction"] for layer in run.by_layer()):
        notes.append("Soft-pruned cells still conduct: they are no zeros in ConnectionSparsity.")
    for layer in run.by_layer():
        columns = np.diff(layer.arrays["neuron_start"].astype(np.int64))
        if layer.experiment.device is None and len(set(columns.tolist())) > 1:
            spread = (columns.max() - columns.min()) / columns.mean()
            notes.append(f"Effective_ACs: rows times mean columns of a group; group sizes differ by {spread:.1%}.")
    return notes
