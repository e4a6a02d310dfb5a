"""A trained network as a NIR graph: input, synapses, neurons with lateral inhibition, read-out.

    input -> synapses (Affine) -> neurons (IF) -> read_out (Linear) -> output
                                   ^   |
                                   inhibition (Linear)

Plasticity, stochastic winners and cells have no place in NIR: the graph is the network after learning, and its ``metadata``
say what it leaves out. A winner per group becomes a race: neurons integrate their potentials, the first to reach the threshold
spikes, and its spike takes the others of its group back by as much. A step is a tenth of a window, so that few neurons reach
the threshold in the same step; currents are per step, so that r = 1, which is all that some simulators read. Weights are what
a read of each cell resolves, less what all neurons of a group have in common, which moves no winner.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.export.nir_layers import THRESHOLD, WINNER, layered_nodes, layers_left_out
from synarray.extras import require
from synarray.files import replace_file
from synarray.learn.readout import log_posterior
from synarray.network.encoding import chance_table
from synarray.run.opened import Run

__all__ = ["nir_graph", "write_nir"]

_CALIBRATED = 256
"""Images on which the level of the winners' potentials is found."""
_STEPS = 10
"""Steps in a window."""


def nir_graph(run: Run, images: npt.ArrayLike) -> Any:
    """Write a run as a ``nir.NIRGraph``.

    Parameters
    ----------
    run : Run
    images : array_like, shape (n, n_features) or (n, height, width)
        Training images, on the scale of the run's; the first 256 set the level of the potentials.

    Returns
    -------
    nir.NIRGraph
        A step is a tenth of a window (``metadata["step_s"]``); an input that spikes in a window is 1 in all its steps.

    Raises
    ------
    DataError
        When the network cannot be written: sliding windows, or layers that NIR has no node for (``nir_layers.py``).
    RunError
        When the package is missing: ``pip install 'synarray[nir]'``.
    """
    nir = require("nir", "NIR graphs", "nir")
    result = run.result
    machine, retina = result.machine, result.retina
    if run.experiment.encoding.form != "windows":
        raise DataError(
            "a NIR graph needs windows",
            got=f'encoding.form = "{run.experiment.encoding.form}"',
            where=str(run.path),
            do='Train with encoding.form = "windows".',
        )
    if run.experiment.layers:
        nodes, edges = layered_nodes(nir, run, np.asarray(images), _STEPS)
        return nir.NIRGraph(nodes, edges, metadata=_metadata(run) | layers_left_out(run))
    array, n, units = machine.array, len(machine.threshold), float(machine.array.read_units)
    weights, group = np.zeros((n, retina.n_features)), np.zeros(n, int)
    for g, each in enumerate(machine.groups):
        mine, features = array.neurons(g), retina.inputs[np.asarray(each.inputs)]
        code = array.read_copy[array.rows(g), : each.n_neurons]
        weights[np.ix_(np.arange(n)[mine], features)] = code.T / units
        group[mine] = g
    bias = machine.threshold / units
    for g in range(len(machine.groups)):  # what all neurons of a group have in common moves no winner
        weights[group == g] -= weights[group == g].mean(axis=0)
        bias[group == g] -= bias[group == g].mean()
    level = _levels(run, np.asarray(images), weights, bias, group)
    bias = bias + WINNER - level[group]
    inhibition = np.where((group[:, None] == group) & ~np.eye(n, dtype=bool), -THRESHOLD, 0.0)
    read_out = _read_out(run)
    nodes = {
        "input": nir.Input({"input": np.array([retina.n_features])}),
        "synapses": nir.Affine(weights / _STEPS, bias / _STEPS),
        "neurons": nir.IF(np.ones(n), np.full(n, THRESHOLD), np.zeros(n)),
        "inhibition": nir.Linear(inhibition),
        "read_out": nir.Linear(read_out),
        "output": nir.Output({"output": np.array([len(read_out)])}),
    }
    edges = [
        *(("input", "synapses"), ("synapses", "neurons"), ("neurons", "inhibition"), ("inhibition", "neurons")),
        *(("neurons", "read_out"), ("read_out", "output")),
    ]
    return nir.NIRGraph(nodes, edges, metadata=_metadata(run))


def write_nir(path: Path, graph: Any) -> None:
    """Write a graph to a file (HDF5), whole or not at all."""
    nir = require("nir", "NIR graphs", "nir")
    replace_file(path, lambda to: nir.write(str(to), graph))


def _levels(
    run: Run,
    images: npt.NDArray[Any],
    weights: npt.NDArray[np.float64],
    bias: npt.NDArray[np.float64],
    group: npt.NDArray[np.int_],
) -> npt.NDArray[np.float64]:
    """Return the median potential of the best neuron of each group, for the mean input of some images."""
    result = run.result
    seen, gains = result.retina.see(images[:_CALIBRATED].reshape(min(len(images), _CALIBRATED), -1))
    chance = chance_table(run.experiment.encoding, per_step=False).astype(np.float64) / 65536.0
    spikes = np.zeros((len(seen), result.retina.n_features))
    spikes[:, result.retina.inputs] = np.minimum(chance[seen] * (gains[:, None] / 65536.0), 1.0)
    potentials = spikes @ weights.T + bias
    return np.array([np.median(potentials[:, group == g].max(axis=1)) for g in range(group.max() + 1)])


def _read_out(run: Run) -> npt.NDArray[np.float64]:
    """Return the logarithm of the probability of each class, given a spike of each neuron; [class, neuron]."""
    return log_posterior(run.arrays["label_counts"], run.experiment.readout.smoothing).T


def _metadata(run: Run) -> dict[str, Any]:
    """Say what made the graph and what it leaves out."""
    spec = run.experiment
    return {
        "made_by": "synarray",
        "experiment": spec.name,
        "state_sha256": str(run.metrics["state_sha256"]),
        "learning_rule": "winner-take-all STDP in cells; no plasticity in NIR",
        "winner": "softmax of beta times the potential, one per group and window; here a race with lateral inhibition",
        "beta": float(spec.neuron.beta),
        "step_s": float(spec.encoding.t_window) / _STEPS,
        "steps_per_window": _STEPS,
        "windows_per_image": int(spec.readout.test_windows),
        "device": spec.device.name if spec.device else "none: ideal weights",
        "converters": f"{spec.array.adc_bits} bits in the array; sums are exact here"
        if spec.array.adc_bits
        else "none",
        "classes": [str(name) for name in run.arrays["classes"].tolist()],
    }
