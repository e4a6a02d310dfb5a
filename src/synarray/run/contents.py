"""What a run's folder holds: its experiment, numbers and arrays, checked in type, shape, range and against each other.

A run may come from anybody: nothing in it is trusted, so that whatever is opened can also be drawn.
"""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from synarray.array.geometry import Placement, place
from synarray.array.simulated import SynapticArray
from synarray.errors import RunError
from synarray.events import NetworkEvent
from synarray.files import read_text
from synarray.learn.stack import layer_specs
from synarray.learn.trainer import HistoryPoint
from synarray.network.layer import MOST_INPUTS, TEACHERS
from synarray.network.state import kept_types
from synarray.run.experiment import ExperimentSpec
from synarray.run.folder import layer_prefix
from synarray.spec import Name, spec_error
from synarray.task.datasets import MOST_CLASSES, MOST_FEATURES
from synarray.task.idx import read_npz

__all__ = ["METRIC_NAMES", "StoredRun", "check_arrays", "read_arrays", "read_json", "read_metrics", "train_again"]

Arrays = dict[str, npt.NDArray[Any]]

_ARRAYS = kept_types("machine", "array") | {
    **dict.fromkeys(("full_scale", "mean_total"), ("f8", 0)),
    **dict.fromkeys(("history_accuracy", "history_pruned"), ("f8", 1)),
    **dict.fromkeys(("inputs", "image_shape", "classes", "history_presentations", "history_pulses"), ("i8", 1)),
    "row_inputs": ("i4", 1),
    "n_features": ("i8", 0),
    "label_counts": ("i8", 2),
}
"""Type and number of axes of each array: the state of the machine and its array, and what was read and learned."""
_SOMETIMES = kept_types("wear") | {"confusion": ("i8", 2), "age": ("f8", 3)}
"""Arrays of a run whose cells wear out, that was tested, whose cells age."""
_LAYER = kept_types("machine", "array")
"""Arrays of each frozen layer below the last one; those of cells that age besides."""
_EVEN = 1 << 29
"""Bytes of arrays whose numbers may be all alike: into ideal weights nothing is written. Enough for a hundred million weights."""
_LARGEST = {"age": 1e30, "full_scale": 1e39, "mean_total": 1e10}
"""Numbers of these arrays stay below: a time, s; intensities, of the data and in 8 bits."""
_LARGEST_WEIGHT = 1e6
"""No weight, share or accuracy comes near it."""


class _Before(BaseModel):
    """What a run says of the one it started from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    state_sha256: str
    images_seen: int
    pulses: int
    layers: list[int] = []


class _Layer(BaseModel):
    """What a run says of one of its layers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    kind: Name
    learned: bool
    teacher: Name
    reads: str
    makes: str
    n_neurons: int
    n_groups: int
    n_places: int
    n_inputs: int
    n_cells: int
    device: Name | None
    scheme: str | None
    cells_per_weight: int
    arrays: int | None
    pruned_fraction: float
    cells_failed: int | None = None
    pulses: int
    output_spikes: int
    tile_reads: int
    row_reads: int
    windows: int
    images_seen: int


class _Metrics(BaseModel):
    """What a reader of metrics.json relies on; it holds more."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    name: Name
    seed: int
    readout: str = TEACHERS["name"]
    layers: list[_Layer] = []
    accuracy: float | None
    accuracy_hard: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    pruned_fraction: float
    spared_fraction: float
    n_neurons: int
    silent_neurons: int
    n_inputs: int
    n_groups: int
    n_cells: int
    pulses: int
    pulses_ltp: int
    pulses_ltd: int
    pulses_pruning: int
    pulses_at_bound: int
    pulses_skipped_by_pruning: int
    output_spikes: int
    input_spikes: int
    row_reads: int
    column_senses: int
    columns_clipped: int = 0
    cell_reads: int
    verify_reads: int
    pulses_failed: int
    pulses_initial: int
    pair_refreshes: int
    mask_lookups: int
    device: Name | None
    unconfirmed: list[str]
    scheme: str | None
    cells_per_weight: int
    arrays: int | None
    arrays_shared: int | None = None
    stuck_cells: int
    cells_failed: int | None = None
    reads_saturated: int
    most_writes: int | None
    images_seen: int
    train_seconds: float
    images_per_second: float
    seconds: dict[str, float]
    notes: list[str]
    started_from: _Before | None
    state_sha256: str

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.accuracy is not None and None in (self.accuracy_hard, self.accuracy_low, self.accuracy_high):
            raise ValueError("an accuracy must come with its bounds")
        if self.device is not None and None in (self.scheme, self.arrays, self.most_writes):
            raise ValueError("a device must come with its scheme, arrays and most_writes")
        return self


METRIC_NAMES = frozenset(_Metrics.model_fields) - {"seconds", "notes", "started_from", "layers", "readout"}
"""Numbers that every run has."""


@dataclass(frozen=True, repr=False)
class StoredRun:
    """A finished run as its folder stores it."""

    path: Path
    experiment: ExperimentSpec
    metrics: dict[str, Any]
    provenance: dict[str, Any]
    arrays: Arrays

    @property
    def history(self) -> list[HistoryPoint]:
        """The training curve."""
        columns = (
            self.arrays[f"history_{name}"].tolist() for name in ("presentations", "accuracy", "pulses", "pruned")
        )
        return [HistoryPoint(n, None if np.isnan(a) else a, p, f) for n, a, p, f in zip(*columns, strict=True)]

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """Height and width behind the features, when the data had them."""
        return tuple(self.arrays["image_shape"].tolist()) or None

    def check_one_layer(self, what: str) -> None:
        """Refuse what is not done for several layers yet.

        Raises
        ------
        RunError
        """
        if self.experiment.layers:
            raise RunError(
                f"{what} is for networks of one layer so far", got=f"{len(self.experiment.layers)} layers", where=str(self.path),
                do="synarray show, energy, lifetime and array show say what there is of each layer.",
            )  # fmt: skip

    def by_layer(self) -> list[StoredRun]:
        """Return each layer as a run of its own, from the bottom: its experiment, its counts and cells; itself without layers."""
        if not self.experiment.layers:
            return [self]
        base, runs = {name: getattr(self.experiment, name) for name in ("name", "data", "images", "validation")}, []
        for i, (own, row) in enumerate(zip(layer_specs(self.experiment), self.metrics["layers"], strict=True)):
            arrays, begins = dict(self.arrays), layer_prefix(i)
            if i + 1 < len(self.experiment.layers):
                arrays = {
                    name.removeprefix(begins): part for name, part in self.arrays.items() if name.startswith(begins)
                }
            metrics = self.metrics | row | {"layers": []}
            if before := self.metrics["started_from"]:
                metrics["started_from"] = before | {"images_seen": before["layers"][i], "layers": []}
            runs.append(StoredRun(self.path, ExperimentSpec(**{**dict(own), **base}), metrics, self.provenance, arrays))
        return runs

    def in_cells(self) -> list[tuple[str, StoredRun]]:
        """Return each layer whose weights are in cells, with what it is called; itself, called "", where there are no layers.

        Raises
        ------
        RunError
            When all weights are ideal.
        """
        rows = self.metrics["layers"] or [{"kind": ""}]
        named = [(f"layer {i + 1}, {row['kind']}" if row["kind"] else "") for i, row in enumerate(rows)]
        found = [(name, run) for name, run in zip(named, self.by_layer(), strict=True) if run.experiment.device]
        if not found:
            do = "Train with a device, for example: --set device=subquantum-cbram"
            raise RunError(
                "this needs weights in cells of a device", got="a run with ideal weights", where=str(self.path), do=do
            )
        return found

    def cells(self) -> tuple[SynapticArray, Placement]:
        """Build the cells in the state they had at the end, and where they are in the physical arrays.

        Raises
        ------
        RunError
            When the run was of ideal weights, which are in no array.
        """
        self.check_one_layer("this")
        self.in_cells()
        spec, device, synapse = self.experiment, self.experiment.device, self.experiment.synapse
        assert device is not None  # in_cells saw to it
        shapes = list(
            zip(np.diff(self.arrays["row_start"]).tolist(), np.diff(self.arrays["neuron_start"]).tolist(), strict=True)
        )
        array = SynapticArray.build(shapes, spec.cell, device, synapse, spec.seed)
        cells = synapse.cells_per_weight(device)
        failed = self.arrays.get("failed", np.zeros((cells, *array.w.shape), np.uint8))
        shapes_of = [(self.arrays[name].shape, getattr(array, name).shape) for name in ("pair", "writes")]
        if any(found != due for found, due in shapes_of) or len(failed) != cells:
            got = "arrays of another scheme than its experiment's"
            raise RunError("a run folder must be whole", got=got, where=str(self.path), do=train_again(self.path))
        array.w, array.pair, array.writes = self.arrays["w"], self.arrays["pair"], self.arrays["writes"]
        array.alive = self.arrays["alive"]
        array.removed = spec.pruning.kind.removes
        array.scheme.fail(array, failed)
        return array, place(shapes, cells, spec.array)


def train_again(path: Path) -> str:
    """Say which command makes a run again."""
    return f"Train it again: synarray train {shlex.quote(str(path / 'experiment.toml'))}"


def read_json(path: Path) -> Any:
    """Read a small JSON file; raises OSError, ValueError or RecursionError, also for NaN and infinity."""
    return json.loads(read_text(path), parse_float=_finite, parse_constant=_finite)


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a run's numbers; raises what ``read_json`` does."""
    try:
        return _Metrics.model_validate(read_json(path)).model_dump()
    except ValidationError as error:
        wrong = spec_error(_Metrics, error, path.name)
        raise ValueError(f"{wrong.got}, but {wrong.rule}") from None


def read_arrays(path: Path, n_below: int = 0) -> Arrays:
    """Read a run's arrays, each of its own type; raises DataError or ValueError. ``n_below``: layers below the last one."""
    always, sometimes = dict(_ARRAYS), dict(_SOMETIMES)
    for begins in map(layer_prefix, range(n_below)):
        always |= {begins + name: kind for name, kind in _LAYER.items()}
        sometimes |= {begins + name: kind for name, kind in (kept_types("wear") | {"age": ("f8", 3)}).items()}
    arrays, due = read_npz(path, tuple(always), tuple(sometimes), _EVEN), always | sometimes
    for name, array in arrays.items():
        kind, n_axes = due[name]
        if (array.dtype, array.ndim) != (np.dtype(kind), n_axes):
            raise ValueError(f"arrays.npz holds {name} of type {array.dtype} with {array.ndim} axes")
        known = array[~np.isnan(array)] if name == "history_accuracy" else array
        largest = _LARGEST.get("age" if name.endswith("_age") else name, _LARGEST_WEIGHT)
        if array.dtype.kind == "f" and not (np.abs(known) < largest).all():
            raise ValueError(f"arrays.npz holds numbers in {name} that cannot be")
        if (
            name.endswith("network_events") and len(array) == NetworkEvent.COLUMN_CLIPPED
        ):  # counted since 29 November 2026
            arrays[name] = np.append(array, 0)
    return arrays


def check_arrays(arrays: Arrays, n_layers: int = 0) -> None:
    """Hold the arrays of a run against each other; raises ValueError. ``n_layers``: of a network of several."""
    classes, n_inputs = arrays["classes"], MOST_INPUTS if n_layers else len(arrays["inputs"])
    below = [
        {name.removeprefix(begins): part for name, part in arrays.items() if name.startswith(begins)}
        for begins in map(layer_prefix, range(n_layers - 1))
    ]
    sides, n_features = arrays["image_shape"].tolist(), int(arrays["n_features"])
    points = {len(arrays[f"history_{name}"]) for name in ("presentations", "accuracy", "pulses", "pruned")}
    whole = (
        all(map(_tiles_fit, [arrays, *below]))
        and len(arrays["row_inputs"]) == arrays["row_start"][-1]
        and _within(arrays["row_inputs"], n_inputs)
        and 1 <= n_features <= MOST_FEATURES
        and _within(arrays["inputs"], n_features)
        and arrays["full_scale"] > 0
        and arrays["mean_total"] >= 0
        and (not sides or (len(sides) in (2, 3) and min(sides) > 0 and math.prod(sides) == n_features))
        and 2 <= len(classes) <= MOST_CLASSES
        and arrays["label_counts"].shape == (len(arrays["w"]), len(classes))
        and ("confusion" not in arrays or arrays["confusion"].shape == 2 * classes.shape)
        and len(points) == 1
    )
    if not whole:
        raise ValueError("arrays.npz holds arrays that do not fit each other")


def _tiles_fit(arrays: Arrays) -> bool:
    """Say whether the arrays of one layer's tiles and neurons fit each other."""
    n_neurons, most = arrays["w"].shape
    rows, neurons = arrays["row_start"], arrays["neuron_start"]
    return bool(
        len(rows) == len(neurons) >= 2
        and _rises(rows, int(rows[-1]))
        and _rises(neurons, n_neurons)
        and most == np.diff(rows).max()
        and len(arrays["spikes"]) == len(arrays["threshold"]) == n_neurons
        and arrays["alive"].shape == (n_neurons, most)
        and arrays["pair"].shape in ((2, 0, 0), (2, n_neurons, most))
        and arrays["writes"].shape[1:] == (n_neurons, most)
        and len(arrays["read_copy"]) == rows[-1] + 1
        and _of_cells(arrays)
    )


def _of_cells(arrays: Arrays) -> bool:
    """Say whether what is kept of every cell, where it is, fits the cells."""
    writes, failed, age = arrays["writes"], arrays.get("failed"), arrays.get("age")
    return (
        failed is None or (failed.shape[1:] == writes.shape[1:] and len(failed) >= len(writes) and failed.max() <= 2)
    ) and (age is None or (age.shape == writes.shape and age.min() >= 0))


def _rises(starts: npt.NDArray[np.int64], end: int) -> bool:
    """Say whether positions rise from 0 to the end."""
    steps = starts.tolist()
    return steps[0] == 0 and steps[-1] == end and all(a < b for a, b in pairwise(steps))


def _within(index: npt.NDArray[np.integer[Any]], n: int) -> bool:
    """Say whether there are indices, and all of them point at one of n."""
    return index.size > 0 and 0 <= int(index.min()) <= int(index.max()) < n


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number
