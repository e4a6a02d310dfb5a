"""NIR: a trained network as a graph that other simulators read, and graphs of others for inference in cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synarray
from synarray import DataError, SpecError
from synarray.export import load_nir
from synarray.export.nir_export import nir_graph, write_nir
from synarray.network.encoding import chance_table

nir = pytest.importorskip("nir")
SHOWN = 300


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> synarray.Run:
    settings = {"images": 6000, "epochs": 1, "n_neurons": 180}
    result = synarray.train("local-fields", settings=settings)
    return synarray.open_run(result.save(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def written(run: synarray.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    write_nir(path, nir_graph(run, synarray.load_dataset("mnist").x_train))
    return path


def spikes(run: synarray.Run, x: np.ndarray, windows: int) -> np.ndarray:
    """Draw the inputs of each window as the encoder does, and hold them for its ten steps."""
    retina, rng = run.result.retina, np.random.default_rng(1)
    pixels, gains = retina.see(x.reshape(len(x), -1))
    chance = chance_table(run.experiment.encoding, per_step=False)[pixels] / 65536.0 * gains[:, None] / 65536.0
    shown = np.zeros((windows, len(x), retina.n_features))
    shown[:, :, retina.inputs] = rng.random((windows, *chance.shape)) < chance
    return np.repeat(shown, 10, axis=0)


def raced(graph: Any, x: np.ndarray) -> np.ndarray:
    """Run an exported graph, written without the project's reader: integrate, spike, reset, inhibit."""
    nodes = graph.nodes
    v = np.zeros((x.shape[1], len(nodes["neurons"].r)))
    fired, total = np.zeros_like(v), 0.0
    for each in x:
        current = each @ nodes["synapses"].weight.T + nodes["synapses"].bias + fired @ nodes["inhibition"].weight.T
        v = v + nodes["neurons"].r * current
        fired = (v > nodes["neurons"].v_threshold).astype(float)
        v = np.where(fired > 0, 0.0, v)
        total = total + fired @ nodes["read_out"].weight.T
    return np.asarray(total)


def test_the_graph_reads_digits_nearly_as_the_network_does(run: synarray.Run, written: Path) -> None:
    data = synarray.load_dataset("mnist")
    x, y = data.x_test[:SHOWN], data.y_test[:SHOWN]
    shown, classes = spikes(run, x, 10), run.arrays["classes"]
    graph = nir.read(str(written))
    theirs, ours = raced(graph, shown), load_nir(written).run(shown).sum(axis=0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    network = float((run.predict(x) == y).mean())
    assert network > 0.85
    assert float((classes[theirs.argmax(axis=1)] == y).mean()) > network - 0.05
    assert graph.metadata["state_sha256"] == run.metrics["state_sha256"]


def test_cells_cost_accuracy_pulses_and_say_so(run: synarray.Run, written: Path) -> None:
    data = synarray.load_dataset("mnist")
    shown = spikes(run, data.x_test[:SHOWN], 6)
    right = {}
    for device, more in (("taox-tio2", {}), ("pcm", {"wait": 3.15e7}), ("taox-tio2", {"wires": {"r_wire": "2 ohm"}})):
        found = load_nir(written, device, seed=1, **more)
        synapses = next(layer for layer in found.layers if layer.name == "synapses")
        assert synapses.pulses > synapses.weights.size and synapses.error > 0
        right[device, *more] = synapses.error
    assert right["taox-tio2", "wires"] > right["taox-tio2",] < right["pcm", "wait"]
    again = load_nir(written, "taox-tio2", seed=1)
    np.testing.assert_array_equal(again.run(shown[:5]), load_nir(written, "taox-tio2", seed=1).run(shown[:5]))


def test_a_graph_of_leaky_neurons_follows_its_equation(tmp_path: Path) -> None:
    """A constant current i into one leaky cell: v = i (1 - (1 - 1/tau)^n), so it first spikes at the n where that passes 1."""
    tau, current = 20.0, 1.5
    nodes = {
        "in": nir.Input({"input": np.array([1])}),
        "w": nir.Linear(np.array([[1.0]])),
        "n": nir.LIF(np.array([tau]), np.array([1.0]), np.array([0.0]), np.array([1.0]), np.array([0.0])),
        "out": nir.Output({"output": np.array([1])}),
    }
    path = tmp_path / "one.nir"
    nir.write(str(path), nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "out")]))
    out = load_nir(path).run(np.full((100, 1, 1), current)).ravel()
    due = int(np.ceil(np.log(1.0 - 1.0 / current) / np.log(1.0 - 1.0 / tau)))
    assert np.flatnonzero(out)[:3].tolist() == [due - 1, 2 * due - 1, 3 * due - 1]


def test_what_cannot_be_run_is_refused(written: Path, tmp_path: Path) -> None:
    (tmp_path / "a.nir").write_bytes(b"no graph")
    with pytest.raises(DataError, match="must be a NIR graph"):
        load_nir(tmp_path / "a.nir")
    with pytest.raises(SpecError, match="pulses of a size"):
        load_nir(written, synarray.DeviceSpec(law="exact"))
    found = load_nir(written)
    with pytest.raises(DataError, match="has 784 inputs"):
        found.run(np.zeros((1, 1, 5)))
    with pytest.raises(DataError, match="of three axes"):
        found.run(np.zeros((3, 784)))
    nodes = {
        "in": nir.Input({"input": np.array([1, 5])}),
        "c": nir.Conv1d(5, np.ones((1, 1, 3)), 1, 0, 1, 1, np.zeros(1)),
        "out": nir.Output({"output": np.array([1, 3])}),
    }
    nir.write(str(tmp_path / "c.nir"), nir.NIRGraph(nodes, [("in", "c"), ("c", "out")]))
    with pytest.raises(DataError, match="Conv1d"):
        load_nir(tmp_path / "c.nir")
