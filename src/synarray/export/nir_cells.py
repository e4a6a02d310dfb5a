"""Inference of a NIR graph in cells: its weights programmed into devices, read through wires, with noise and after drift.

Read are feed-forward graphs of Input, Affine, Linear, Scale, Flatten, Threshold, IF, LIF, LI and Output, with connections back
only among the neurons of a layer, such as lateral inhibition. A weight is w / max|w| of its layer, on the scale of the cells:
-1 at g_min, 1 at g_max. Cells are brought to it by write-verify, pulse by pulse. Biases and thresholds are digital.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.programming import write_verify
from synarray.array.wire_fold import effective_read
from synarray.array.wires import WireSpec
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import DataError, SpecError
from synarray.extras import require

__all__ = ["CellsOfGraph", "Layer", "load_nir"]

Floats = npt.NDArray[np.float64]
_WEIGHTS, _NEURONS = ("Affine", "Linear"), ("IF", "LIF", "LI", "Threshold")
_KNOWN = (*_WEIGHTS, *_NEURONS, "Input", "Output", "Scale", "Flatten")
_MOST_WEIGHTS = 4_000_000


@dataclass(frozen=True)
class Layer:
    """The cells of one matrix of weights."""

    name: str
    """Of the node."""
    wanted: Floats
    weights: Floats
    """The graph's weights, and what reads of the cells give, without noise; shape (n_out, n_in)."""
    noise: Floats
    """Standard deviation of a read of each cell, in units of the weights; shape (n_out, n_in)."""
    pulses: int
    """Programming pulses."""
    missed: int
    """Cells further from their target than the tolerance."""

    @property
    def error(self) -> float:
        """Root mean square of what the cells are off, as a share of the largest weight."""
        largest = float(np.abs(self.wanted).max()) or 1.0
        return float(np.sqrt(np.mean((self.weights - self.wanted) ** 2))) / largest


@dataclass(frozen=True)
class CellsOfGraph:
    """A NIR graph in cells, made by :func:`load_nir`."""

    device: DeviceSpec | None
    """None: exact weights."""
    layers: list[Layer]
    metadata: dict[str, Any]
    """Of the graph."""
    _graph: Any
    _seed: int

    def run(self, inputs: npt.ArrayLike, dt: float = 1.0) -> Floats:
        """Run the graph.

        Parameters
        ----------
        inputs : array_like, shape (n_steps, n, n_in)
            Spikes or currents, step after step, of n examples.
        dt : float
            Length of a step, in the unit of the graph's time constants.

        Returns
        -------
        ndarray of float64, shape (n_steps, n, n_out)
            What arrives at the output.

        Raises
        ------
        DataError
            When the inputs do not fit the graph.
        """
        x = np.asarray(inputs, float)
        if x.ndim != 3 or not np.isfinite(x).all():
            raise DataError(
                "inputs of a graph must be finite, [step, example, input]",
                got=f"shape {x.shape}",
                where="inputs",
                do="Give one array of three axes.",
            )
        steps = _Steps(self._graph, {layer.name: layer for layer in self.layers}, dt, self._seed)
        return np.stack([steps.step(each) for each in x])


def load_nir(
    path: str | Path,
    device: str | DeviceSpec | None = None,
    *,
    wires: Mapping[str, Any] | WireSpec | None = None,
    wait: float = 0.0,
    tolerance: float = 0.02,
    seed: int = 0,
) -> CellsOfGraph:
    """Read a NIR graph, and program its weights into cells.

    Parameters
    ----------
    path : str or Path
        A ``.nir`` file.
    device : str or DeviceSpec, optional
        Name of a device of the library, or a device; None: exact weights.
    wires : dict or WireSpec, optional
        Resistances, such as ``{"r_wire": "2 ohm"}``.
    wait : float
        Time between programming and reading, s: cells drift and relax.
    tolerance : float
        How near to its target a cell is brought, as a share of the range.
    seed : int

    Raises
    ------
    DataError
        When the file is no NIR graph, or holds what cannot be run here.
    RunError
        When the package is missing: ``pip install 'synarray[nir]'``.
    """
    nir = require("nir", "NIR graphs", "nir")
    try:
        graph = nir.read(str(path))
    except (OSError, KeyError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise DataError(
            "the file must be a NIR graph",
            got=str(error)[:120] or type(error).__name__,
            where=str(path),
            do="Write it with nir.write(), or with: synarray export nir RUN",
        ) from None
    _check(graph, str(path))
    spec = load_device(device) if isinstance(device, str) else device
    if spec is not None and spec.step_law.exact:
        raise SpecError(
            "cells of a graph need pulses of a size", got='law "exact"', where=spec.name, do="Choose another device."
        )
    wiring = wires if isinstance(wires, WireSpec) else WireSpec.read(dict(wires or {}), "wires")
    rng = np.random.default_rng(seed)
    layers = []
    for k, (name, node) in enumerate((n, node) for n, node in graph.nodes.items() if _kind(node) in _WEIGHTS):
        w = np.asarray(node.weight, float)
        if spec is None or _is_lateral(graph, name):
            layers.append(Layer(name, w, w, np.zeros_like(w), 0, 0))
            continue
        layers.append(_in_cells(name, w, spec, wiring, wait, tolerance, seed + k, rng))
    return CellsOfGraph(spec, layers, dict(graph.metadata or {}), graph, seed)


def _in_cells(
    name: str,
    wanted: Floats,
    device: DeviceSpec,
    wires: WireSpec,
    wait: float,
    tolerance: float,
    seed: int,
    rng: np.random.Generator,
) -> Layer:
    """Program a matrix of weights, let the cells age, and read them through the wires."""
    largest = float(np.abs(wanted).max()) or 1.0
    targets = device.conductance(wanted / largest)
    done = write_verify(device, np.asarray(targets, float).ravel(), tolerance=tolerance, seed=seed)
    g = np.maximum(done.g, 0.0)
    if wait > 0:
        nu = np.maximum(device.drift_nu + device.sigma_drift_nu * rng.standard_normal(len(g)), 0.0)
        g = g * (1.0 + wait / device.drift_t0) ** -nu if nu.any() else g
        if device.retention is not None:
            g = device.g_min + (g - device.g_min) * np.exp(-wait / device.retention)
    g = g.reshape(wanted.shape)
    if wires != WireSpec():
        left = effective_read(g.T, wires).a.T
        g = left * (g.mean() / left.mean())  # the sense circuit's gain makes up for the mean loss
    noise = device.sigma_read * 2.0 * g / device.g_range * largest
    weights = np.asarray(device.weight(g)) * largest
    return Layer(name, wanted, weights, noise, int(done.pulses.sum()), int((~done.arrived).sum()))


def _check(graph: Any, where: str) -> None:
    """Refuse what cannot be run here."""
    for name, node in graph.nodes.items():
        kind = _kind(node)
        if kind not in _KNOWN:
            raise DataError(
                "the graph may hold Input, Affine, Linear, Scale, Flatten, Threshold, IF, LIF, LI and Output",
                got=f"{kind} ({name})",
                where=where,
                do="Convert it to these; a convolution is an Affine over its patches.",
            )
        if kind in _WEIGHTS and np.size(node.weight) > _MOST_WEIGHTS:
            raise DataError(
                f"a layer may have at most {_MOST_WEIGHTS:,} weights",
                got=f"{np.size(node.weight):,} ({name})",
                where=where,
                do="Split it.",
            )
        for key in ("weight", "bias", "tau", "r", "v_threshold", "v_leak", "threshold", "scale"):
            if not np.isfinite(np.asarray(getattr(node, key, 0.0), float)).all():
                raise DataError(
                    "numbers of a graph must be finite", got=f"{key} of {name}", where=where, do="Export it again."
                )
    _order(graph, where)


def _is_lateral(graph: Any, name: str) -> bool:
    """Whether a matrix leads from neurons back to the same neurons."""
    return bool({a for a, b in graph.edges if b == name} & {b for a, b in graph.edges if a == name})


def _order(graph: Any, where: str) -> list[str]:
    """Sort the nodes forward; matrices that lead back to their own neurons stay out."""
    lateral = {name for name, node in graph.nodes.items() if _kind(node) in _WEIGHTS and _is_lateral(graph, name)}
    left = {name: {a for a, b in graph.edges if b == name} - lateral for name in graph.nodes if name not in lateral}
    order: list[str] = []
    while left:
        ready = [name for name, before in left.items() if before <= set(order)]
        if not ready:
            raise DataError(
                "connections back are allowed among the neurons of a layer only",
                got=f"a loop through {', '.join(sorted(left))[:80]}",
                where=where,
                do="Unroll it, or export a feed-forward graph.",
            )
        order += ready
        left = {name: before for name, before in left.items() if name not in ready}
    return order


def _kind(node: Any) -> str:
    return type(node).__name__


class _Steps:
    """A graph in motion: potentials, and the spikes of the step before."""

    def __init__(self, graph: Any, layers: dict[str, Layer], dt: float, seed: int) -> None:
        self._graph, self._layers, self._dt = graph, layers, dt
        self._order = _order(graph, "the graph")
        self._v: dict[str, Floats] = {}
        self._spikes: dict[str, Floats] = {}
        self._rng = np.random.default_rng(seed + 1)
        self._apply: dict[str, Callable[[str, Any, Floats], Floats]] = {
            **dict.fromkeys(_WEIGHTS, self._product), **dict.fromkeys(_NEURONS, self._neuron),
            "Scale": lambda _, node, x: x * np.asarray(node.scale),
            "Flatten": lambda _, node, x: x.reshape(len(x), -1),
        }  # fmt: skip

    def step(self, x: Floats) -> Floats:
        """Advance by one step; return what arrives at the output."""
        value: dict[str, Floats] = {}
        for name in self._order:
            node = self._graph.nodes[name]
            arriving = [value[a] for a, b in self._graph.edges if b == name and a in value]
            arriving += [
                self._product(a, self._graph.nodes[a], self._spikes[name])
                for a, b in self._graph.edges
                if b == name and a not in value and a not in self._order and name in self._spikes
            ]
            if _kind(node) == "Input":
                wide = int(np.prod(node.input_type["input"]))
                if x.shape[1] != wide:
                    raise DataError(
                        f"the graph has {wide:,} inputs", got=f"{x.shape[1]:,}", where="inputs", do="Give as many."
                    )
                value[name] = x
                continue
            total = np.asarray(sum(arriving[1:], arriving[0]))
            value[name] = total if _kind(node) == "Output" else self._apply[_kind(node)](name, node, total)
        (output,) = (name for name in self._order if _kind(self._graph.nodes[name]) == "Output")
        return value[output]

    def _product(self, name: str, node: Any, x: Floats) -> Floats:
        """Read a matrix of cells: the variances of the cells that are read add up."""
        layer = self._layers[name]
        y = x @ layer.weights.T
        if layer.noise.any():
            y = y + np.sqrt((x**2) @ (layer.noise**2).T) * self._rng.standard_normal(y.shape)
        return np.asarray(y + np.asarray(getattr(node, "bias", 0.0)))

    def _neuron(self, name: str, node: Any, current: Floats) -> Floats:
        kind, v = _kind(node), self._v.get(name, np.zeros_like(current))
        if kind == "Threshold":
            return (current > np.asarray(node.threshold)).astype(float)
        if kind == "IF":
            v = v + self._dt * np.asarray(node.r) * current
        else:
            v = v + self._dt / np.asarray(node.tau) * (np.asarray(node.v_leak) - v + np.asarray(node.r) * current)
        if kind == "LI":
            self._v[name] = v
            return v
        spikes = (v > np.asarray(node.v_threshold)).astype(float)
        reset = node.v_reset if node.v_reset is not None else 0.0
        self._v[name] = np.where(spikes > 0, np.asarray(reset), v)
        self._spikes[name] = spikes
        return spikes
