"""A trained network of layers as a NIR graph: a race per place in each layer, as in ``nir_export.py``, and pooling between.

    input -> synapses (Conv2d or Affine) -> neurons (IF) -> pool (SumPool2d or Linear) -> features (Threshold) -> next layer
      |                                      ^   |
      active (Conv2d) -> gate (Threshold) -> drive   inhibition (Conv2d or Linear)

A tile that is read at many places is the shared kernel of a Conv2d. A place with fewer active inputs than ``min_active`` has no
drive. A feature is active in the steps in which a neuron of its places spikes, not for a whole window. Neurons that were taught
by contrast do not race: the last node integrates their potentials, and the class is that of the highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.learn.readout import log_posterior
from synarray.learn.result import Result
from synarray.learn.stack import Plan, features_of, plan_layers
from synarray.network.kept import KeptSpikes
from synarray.network.machine import Machine
from synarray.rng import Phase
from synarray.run.opened import Run

__all__ = ["THRESHOLD", "WINNER", "layered_nodes", "layers_left_out"]

THRESHOLD, WINNER = 8.0, 10.0
"""Threshold of a neuron, and potential per window that a winner is brought to, in units of a weight."""
_CALIBRATED = 64
"""Images on which the level of the winners' potentials is found."""
_MOST = 20_000_000
"""Weights of a dense matrix that a group without a shared tile may take."""
_Floats = npt.NDArray[np.float64]


def layers_left_out(run: Run) -> dict[str, Any]:
    """Say in metadata what a graph of layers leaves out, and how it is read."""
    owns = [layer.experiment for layer in run.by_layer()]
    read = "log probabilities of the classes, summed over spikes"
    found: dict[str, Any] = {"layers": len(owns), "input_channels": run.experiment.encoding.per_feature}
    if run.experiment.layers[-1].teacher == "contrast":
        read = "potentials of the neurons, integrated; the class is that of the highest (neuron_classes)"
        found["neuron_classes"] = [str(run.arrays["classes"][k]) for k in run.arrays["label_counts"].argmax(axis=1)]
    return found | {
        "output": read,
        "features": "active in the steps of a spike, not for a whole window; a place may spike more than once in a window",
        "beta": [float(own.neuron.beta) for own in owns],
        "device": ", ".join(own.device.name if own.device else "ideal weights" for own in owns),
        "converters": ", ".join(f"{own.array.adc_bits} bits" if own.array.adc_bits else "none" for own in owns),
    }


def layered_nodes(
    nir: Any, run: Run, images: npt.NDArray[Any], steps: int
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return nodes and edges of a network of layers.

    Parameters
    ----------
    nir : module
    run : Run
    images : ndarray
        Training images; the first 64 set the level of the potentials.
    steps : int
        Steps in a window.

    Raises
    ------
    DataError
        When a layer cannot be written: see the messages.
    """
    result = run.result
    plans = plan_layers(run.experiment, result.retina, run.image_shape, len(result.classes))
    shown = images[:_CALIBRATED].reshape(min(len(images), _CALIBRATED), -1)
    graph = _Graph(nir, run, steps)
    graph.begin(plans[0])
    for i, (plan, machine) in enumerate(zip(plans, result.machines, strict=True)):
        contrast, last = result.teacher == "contrast", i == len(plans) - 1
        weights, bias = _centred(machine)
        if last and contrast:
            graph.integrate(plan, weights, bias)
            continue
        bias = [
            b + WINNER - level for b, level in zip(bias, _levels(result, i, plan, weights, bias, shown), strict=True)
        ]
        (graph.convolve if plan.layer.kind == "convolution" else graph.connect)(i, plan, weights, bias, last)
    n_out = len(result.label_counts)
    if result.teacher != "contrast":
        graph.add("read_out", nir.Linear(log_posterior(result.label_counts, run.experiment.readout.smoothing).T))
        n_out = len(result.classes)
    graph.add("output", nir.Output({"output": np.array([n_out])}))
    return graph.nodes, graph.edges


class _Graph:
    """Nodes and edges so far; ``at`` is the node whose output the next one reads."""

    def __init__(self, nir: Any, run: Run, steps: int) -> None:
        self.nir, self.run, self.steps = nir, run, steps
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.at, self.grid = "", False
        self.held = 1.0 / steps  # an input of the first layer is held for a window, a feature is there for a step

    def add(self, name: str, node: Any, after: str | None = None) -> None:
        self.nodes[name] = node
        if self.at or after:
            self.edges.append((after or self.at, name))
        self.at = name if after is None else self.at

    def begin(self, plan: Plan) -> None:
        below, self.grid = plan.below, plan.layer.kind == "convolution"
        shape = (below.channels, below.height, below.width) if self.grid else (below.size,)
        self.add("input", self.nir.Input({"input": np.array(shape)}))

    def convolve(self, i: int, plan: Plan, weights: Sequence[_Floats], bias: Sequence[_Floats], last: bool) -> None:
        """Add a layer whose tile is shared by all places."""
        nir, layer, below, name = self.nir, plan.layer, plan.below, f"layer{i + 1}_"
        if not self.grid:
            self._refuse("a convolution reads a grid: NIR has no node that makes one of a list", f"layer {i + 1}")
        side, k, source = layer.kernel, layer.n_neurons, self.at
        down, across = ((n - side) // layer.stride + 1 for n in below[:2])
        if down % layer.pool or across % layer.pool:
            self._refuse(
                "SumPool2d pools whole blocks", f"blocks of {layer.pool} on {down} x {across} places in layer {i + 1}"
            )
        kernel = weights[0].T.reshape(k, side, side, below.channels).transpose(0, 3, 1, 2) * self.held

        def reads(kernel: _Floats, bias: _Floats) -> Any:
            return nir.Conv2d(tuple(below[:2]), kernel, layer.stride, 0, 1, 1, bias)

        def everywhere(weight: _Floats) -> Any:
            return nir.Conv2d((down, across), weight[:, :, None, None], 1, 0, 1, 1, np.zeros(len(weight)))

        drive, gated = bias[0] / self.steps, layer.min_active > 0
        self.add(name + "synapses", reads(kernel, np.zeros(k) if gated else drive))
        self.add(name + "neurons", self._race((k, down, across)))
        self.add(name + "inhibition", everywhere(-THRESHOLD * (1.0 - np.eye(k))), name + "neurons")
        self.edges.append((name + "inhibition", name + "neurons"))
        if gated:
            self.add(name + "active", reads(np.ones((1, *kernel.shape[1:])), np.zeros(1)), source)
            self.add(name + "gate", nir.Threshold(np.full((1, down, across), layer.min_active - 0.5)), name + "active")
            self.add(name + "drive", everywhere(drive[:, None]), name + "gate")
            self.edges.append((name + "drive", name + "neurons"))
        if layer.pool > 1:
            blocks = np.array([layer.pool, layer.pool])
            self.add(name + "pool", nir.SumPool2d(blocks, blocks, np.zeros(2, int)))
            self.add(name + "features", nir.Threshold(np.full((k, down // layer.pool, across // layer.pool), 0.5)))
        self.held = 1.0

    def connect(self, i: int, plan: Plan, weights: Sequence[_Floats], bias: Sequence[_Floats], last: bool) -> None:
        """Add a layer whose groups have tiles of their own."""
        nir, name = self.nir, f"layer{i + 1}_"
        group = np.repeat(np.arange(len(plan.groups)), [each.n_neurons for each in plan.groups])
        n = len(group)
        self._check_size(i, n * max(plan.below.size, n))
        self.flatten(plan)
        dense = self._dense(plan, weights)
        self.add(name + "synapses", nir.Affine(dense * self.held, np.concatenate(bias) / self.steps))
        self.add(name + "neurons", self._race((n,)))
        same = (group[:, None] == group) & ~np.eye(n, dtype=bool)
        self.add(name + "inhibition", nir.Linear(np.where(same, -THRESHOLD, 0.0)), name + "neurons")
        self.edges.append((name + "inhibition", name + "neurons"))
        if plan.layer.pool > 1 and not last:
            channels = plan.map.channels
            pooled = np.zeros((plan.map.size, n))
            pooled[plan.cell[group] * channels + np.arange(n) % channels, np.arange(n)] = 1.0
            self._check_size(i, pooled.size)
            self.add(name + "pool", nir.Linear(pooled))
            self.add(name + "features", nir.Threshold(np.full(plan.map.size, 0.5)))
        self.grid, self.held = False, 1.0

    def integrate(self, plan: Plan, weights: Sequence[_Floats], bias: Sequence[_Floats]) -> None:
        """Add a last layer whose neurons were taught their classes: their potentials are integrated."""
        if len(plan.groups) > 1:
            self._refuse("neurons taught by contrast are of one group in a graph", f"{len(plan.groups)} groups")
        self.flatten(plan)
        dense = self._dense(plan, weights)
        self.add("synapses", self.nir.Affine(dense * self.held, np.concatenate(bias) / self.steps))
        self.add("potentials", self.nir.I(np.ones(len(dense))))

    def flatten(self, plan: Plan) -> None:
        """Make a list of a grid: channel after channel."""
        if self.grid:
            below = plan.below
            shape = np.array([below.channels, below.height, below.width])
            self.add("flat", self.nir.Flatten({"input": shape}, 0, -1))

    def _dense(self, plan: Plan, weights: Sequence[_Floats]) -> _Floats:
        """Lay tiles out as a matrix [neuron, input]; of a grid, inputs channel after channel."""
        found = np.zeros((sum(each.n_neurons for each in plan.groups), plan.below.size))
        first = 0
        for group, tile in zip(plan.groups, weights, strict=True):
            found[first : first + group.n_neurons, group.inputs] = tile.T
            first += group.n_neurons
        if not self.grid:
            return found
        return found.reshape(len(found), -1, plan.below.channels).transpose(0, 2, 1).reshape(found.shape)

    def _race(self, shape: tuple[int, ...]) -> Any:
        return self.nir.IF(np.ones(shape), np.full(shape, THRESHOLD), np.zeros(shape))

    def _check_size(self, i: int, size: int) -> None:
        if size > _MOST:
            self._refuse(
                "layers without a shared tile are dense matrices in a graph", f"{size:,} weights in layer {i + 1}"
            )

    def _refuse(self, rule: str, got: str) -> None:
        do = "Use synarray export weights, which has all layers, or export c."
        raise DataError(rule, got=got, where=str(self.run.path), do=do)


def _centred(machine: Machine) -> tuple[list[_Floats], list[_Floats]]:
    """Weights [row, neuron] and thresholds of each group, less what its neurons have in common, which moves no winner."""
    array, units = machine.array, float(machine.array.read_units)
    tiles = [array.read_copy[array.rows(g), : each.n_neurons] / units for g, each in enumerate(machine.groups)]
    bias = [machine.threshold[array.neurons(g)] / units for g in range(len(machine.groups))]
    return [tile - tile.mean(axis=1, keepdims=True) for tile in tiles], [each - each.mean() for each in bias]


def _levels(
    result: Result, i: int, plan: Plan, weights: list[_Floats], bias: list[_Floats], images: npt.NDArray[Any]
) -> list[float]:
    """Return the median potential of the best neuron of each group in a window, over images and places that are read."""
    seen = features_of(result.below[:i], result.retina.see(images), 1, Phase.TEST)
    keys = seen.keys if isinstance(seen, KeptSpikes) else np.arange(len(images))
    block = result.machines[i].encode(seen, np.arange(len(images)), keys, 1, Phase.TEST)[:, 0].astype(np.float32)
    levels = []
    for group, tile, own in zip(plan.groups, weights, bias, strict=True):
        best: list[npt.NDArray[Any]] = []
        for spikes in block:
            at_places = spikes[group.places]
            read = at_places.sum(axis=1) >= group.min_active
            best.append((at_places[read] @ tile.astype(np.float32) + own).max(axis=1))
        levels.append(float(np.median(np.concatenate(best))))
    return levels
