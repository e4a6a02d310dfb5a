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
from synarray.rng import Phase
from tests.doors.nir_steps import output_of, stepped
from tests.doors.test_layers import experiment

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


@pytest.fixture(scope="module")
def layered(bar_images: tuple, tmp_path_factory: pytest.TempPathFactory) -> dict[str, synarray.Run]:
    x, y = bar_images
    folder = tmp_path_factory.mktemp("layers")
    whole = {"local, names": {"layers__1__pool": 2}}  # blocks of 3 are cut at the edge of 10 places
    specs = {kind: experiment(kind, **whole.get(kind, {})) for kind in ("contrast", "compete", "local, names")}
    return {
        kind: synarray.open_run(synarray.train(spec, x[:500], y[:500]).save(folder / kind.partition(",")[0]))
        for kind, spec in specs.items()
    }


@pytest.mark.parametrize("kind", ["contrast", "compete", "local, names"])
def test_a_graph_of_layers_reads_nearly_what_the_network_does(
    kind: str, layered: dict, bar_images: tuple, tmp_path: Path
) -> None:
    run, (x, y) = layered[kind], (part[500:600] for part in bar_images)
    write_nir(tmp_path / "net.nir", nir_graph(run, bar_images[0][:500]))
    graph = nir.read(str(tmp_path / "net.nir"))
    result, windows = run.result, 10
    seen = result.retina.see(x.reshape(len(x), -1))
    block = result.machines[0].encode(seen, np.arange(len(x)), np.arange(len(x)), windows, Phase.TEST)
    shown = block.reshape(len(x), windows, 12, 12, 2).transpose(1, 0, 4, 2, 3).astype(float)
    total, last = stepped(graph, np.repeat(shown, 10, axis=0))
    if kind == "contrast":
        read = np.array(graph.metadata["neuron_classes"])[last.argmax(axis=1)].astype(int)
    else:
        read = run.arrays["classes"][total.argmax(axis=1)]
    assert float((read == y).mean()) > float((run.predict(x) == y).mean()) - 0.1
    assert graph.metadata["layers"] == 2


def test_a_shared_kernel_reads_what_the_tile_reads_at_each_place(layered: dict, bar_images: tuple) -> None:
    run = layered["contrast"]
    graph, machine = nir_graph(run, bar_images[0][:500]), run.result.machines[0]
    (group,), array = machine.groups, machine.array
    spikes = np.random.default_rng(0).random((3, 288)) < 0.2
    tile = array.read_copy[array.rows(0), : group.n_neurons].astype(float) / array.read_units
    u = spikes[:, group.places] @ (tile - tile.mean(axis=1, keepdims=True))
    planes = spikes.reshape(3, 12, 12, 2).transpose(0, 3, 1, 2).astype(float)
    current = output_of(graph.nodes["layer1_synapses"], "", planes, {})
    np.testing.assert_allclose(current.transpose(0, 2, 3, 1).reshape(3, 100, -1), u / 10, atol=1e-12)
    gate = output_of(graph.nodes["layer1_gate"], "", output_of(graph.nodes["layer1_active"], "", planes, {}), {})
    np.testing.assert_array_equal(gate.reshape(3, 100) > 0, spikes[:, group.places].sum(axis=2) >= group.min_active)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers.1.pool": 4}, "SumPool2d pools whole blocks: got blocks of 4 on 10 x 10 places in layer 1"),
        (
            {"layers.2.kind": "local", "layers.2.kernel": 1, "layers.2.n_neurons": 16},
            "of one group in a graph: got 4 groups",
        ),
    ],
)
def test_layers_that_nir_has_no_node_for_are_refused(
    changes: dict, words: str, bar_images: tuple, tmp_path: Path
) -> None:
    x, y = bar_images[0][:60], bar_images[1][:60]
    run = synarray.open_run(synarray.train(experiment(), x, y, settings=changes).save(tmp_path / "run"))
    with pytest.raises(DataError, match=words):
        nir_graph(run, x)
