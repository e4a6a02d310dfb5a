"""The exported C learner is the same machine: winners, weights, thresholds, counts, predictions, bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from c_twin import Twin

import synarray
from synarray.errors import DataError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.export.c_prepare import export_result
from synarray.export.run_c import CLearner, compiler, shared_library

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
SMALL = {"n_neurons": 14, "encoding.t_present": "20 ms"}
SOFT = {"pruning.mode": "soft", "pruning.fraction": 0.5, "pruning.start": 0.05, "pruning.end": 0.6}
GRADUAL = {
    "law": "soft-bound",
    "n_levels_ltp": 20,
    "n_levels_ltd": 15,
    "nonlinearity_ltp": 2.0,
    "nonlinearity_ltd": -3.0,
}
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "2 bits": ("local-2-bit", {"n_neurons": 14}, 2),
    "2 bits, three levels": ("local-2-bit", SMALL | {"cell.n_levels": 3, "stdp.a": 1.9, "stdp.c": 0.5}, 2),
    "2 bits, pruned": ("local-2-bit", SMALL | SOFT, 2),
    "2 bits, mature": ("local-2-bit", SMALL | {"pruning.mode": "soft", "pruning.maturity": 4}, 2),
    "4 bits": ("local-fields", SMALL | {"cell.n_levels": 16}, 4),
    "8 bits": ("local-fields", SMALL | {"cell.n_levels": 65}, 8),
    "any weight": ("local-fields", SMALL, 32),
    "levels that drift": ("full-field", SMALL | {"cell.n_levels": 21}, 32),
    "any weight, pruned": ("full-field", SMALL | SOFT | {"pruning.constant": -0.52}, 32),
    "pulses at the bound": ("full-field", SMALL | {"cell.n_levels": 16, "stdp.pulse_at_bound": True}, 32),
    "a linear device": ("local-fields", SMALL | {"device": "ideal"}, 8),
    "pulses that fail": ("local-fields", SMALL | {"device": "ideal", "device.p_fail": 0.3} | SOFT, 8),
    "a gradual device": ("local-fields", SMALL | {"device": GRADUAL}, 32),
    "a gradual device that fails": ("full-field", SMALL | {"device": GRADUAL | {"p_fail": 0.2}} | SOFT, 32),
    "subquantum CBRAM, nominal": ("cbram-frugal", {"n_neurons": 14}, 32),
    "state-blind": ("local-fields", SMALL | {"device": GRADUAL, "stdp.verify": False}, 32),
    "words": ("local-fields", SMALL | {"device": "sram", "synapse.n_bits": 4} | SOFT, 4),
    "words of 8 bits": ("local-fields", SMALL | {"device": "sram", "synapse.n_bits": 8}, 8),
    "compounds": ("local-fields", SMALL | {"device": "stt-mram", "synapse.scheme": "compound"}, 4),
    "no gain control": ("local-2-bit", {"n_neurons": 14, "encoding.gain_control": False, "stdp.gain_end": 1.0}, 2),
}
"""Name: (packaged experiment, overrides, bits of a cell)."""


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_cell_learns_the_same_bits(case: str, tmp_path: Path, bar_images: Any) -> None:
    name, changes, bits = CASES[case]
    x, y = bar_images
    twin = Twin.of(name, changes, x[:150], y[:150], epochs=2)
    assert twin.model.numbers["bits"] == bits
    learner = twin.compiled(tmp_path)
    np.testing.assert_array_equal(learner.learn(twin.x[twin.order]), twin.show())
    learner.label(twin.x, y[:150])
    compare(twin, learner)
    result = twin.result()
    classes, votes = learner.votes(x[150:250])
    np.testing.assert_array_equal(classes, result.predict(x[150:250]))
    np.testing.assert_allclose(votes, result.decision_function(x[150:250]), rtol=0, atol=1e-5)
    assert learner.sizes["ram_bytes"] == twin.model.ram_bytes


def compare(twin: Twin, learner: CLearner) -> None:
    """Hold state and counted events equal, after learning and labelling."""
    state, machine, events = learner.state(), twin.machine, learner.events
    np.testing.assert_array_equal(state["threshold"], machine.threshold)
    np.testing.assert_array_equal(state["cells"], twin.cells())
    np.testing.assert_array_equal(state["counts"], twin.label())
    if "alive" in state:
        np.testing.assert_array_equal(state["spikes"], machine.spikes)
        alive = np.unpackbits(state["alive"], bitorder="little")[: len(twin.alive())]
        np.testing.assert_array_equal(alive, twin.alive())
        assert 0 < alive.mean() < 1
    counted = {event.name.lower(): int(machine.neuron_events[:, event].sum()) for event in NeuronEvent}
    counted |= {event.name.lower(): int(machine.network_events[event]) for event in list(NetworkEvent)[:4]}
    counted["cell_read_level"] = 0  # not summed in C
    assert events == counted
    assert counted["ltp_pulse"] + counted["ltd_pulse"] > 50


def test_mnist_at_two_bits(tmp_path: Path) -> None:
    """300 images of the packaged experiment, at its full size; the memory that the README quotes."""
    data = synarray.load_dataset("mnist")
    x, y = data.x_train[:300], data.y_train[:300]
    twin = Twin.of("local-2-bit", {}, x, y)
    learner = twin.compiled(tmp_path, ("-O3",))
    np.testing.assert_array_equal(learner.learn(twin.x[twin.order]), twin.show())
    learner.label(twin.x, y)
    compare(twin, learner)
    np.testing.assert_array_equal(learner.predict(data.x_test[:200]), twin.result().predict(data.x_test[:200]))
    assert learner.sizes["ram_bytes"] <= 25_600


def test_a_saved_state_goes_on_to_the_same_bits(tmp_path: Path, bar_images: Any) -> None:
    x, y = bar_images
    twin = Twin.of("local-2-bit", SMALL | SOFT, x[:150], y[:150])
    whole, other = twin.compiled(tmp_path), twin.compiled(tmp_path)
    shown = twin.x[twin.order]
    whole.learn(shown[:70])
    blob = whole.save()
    np.testing.assert_array_equal(whole.learn(shown[70:]), (other.load(blob), other.learn(shown[70:]))[1])
    assert whole.save() == other.save()
    assert len(blob) == twin.model.blob_bytes


@pytest.mark.parametrize("case", ["2 bits, pruned", "any weight, pruned", "words", "a linear device"])
def test_a_trained_run_is_taken_up_and_learns_on(case: str, tmp_path: Path, bar_images: Any) -> None:
    name, changes, _ = CASES[case]
    x, y = bar_images
    twin = Twin.of(name, changes, x[:150], y[:150])
    learner = twin.compiled(tmp_path / "a")
    learner.learn(twin.x[twin.order])
    twin.show()
    learner.label(twin.x, y[:150])
    exported = export_result(twin.result(), 150)
    assert exported.trained == learner.save()
    loaded = twin.compiled(tmp_path / "b", trained=exported.trained)
    np.testing.assert_array_equal(loaded.learn(x[150:170]), learner.learn(x[150:170]))


@pytest.mark.parametrize("case", ["2 bits", "any weight", "everything"])
def test_a_network_that_only_predicts_reads_the_same(case: str, tmp_path: Path, bar_images: Any) -> None:
    """Whatever its cells are: spreads, stuck cells and wires are in what a read gives."""
    x, y = bar_images
    name, changes, _ = CASES.get(case, ("cbram-local", {"n_neurons": 14, "array.wires.r_wire": "2 ohm"}, 0))
    spec = synarray.load_experiment(name, {**changes, "epochs": 1})
    result = synarray.train(spec, x[:150], y[:150])
    exported = export_result(result, 150, predict_only=True)
    twin = Twin.of("local-2-bit", {}, x[:150], y[:150])
    twin.model = exported.model
    learner = twin.compiled(tmp_path)
    np.testing.assert_array_equal(learner.predict(x[150:300]), result.predict(x[150:300]))
    with pytest.raises(DataError, match="only predicts"):
        learner.learn(x[:1])
    assert twin.model.ram_bytes < 2_000


@pytest.mark.parametrize(
    "flags", ["-O0 -fsanitize=undefined -fno-sanitize-recover=all", "-O3 -ffp-contract=fast -march=native"]
)
def test_other_ways_to_compile_change_nothing(flags: str, tmp_path: Path, bar_images: Any) -> None:
    """Undefined behaviour would stop the first; the second may fuse products into sums."""
    x, y = bar_images
    twin = Twin.of("full-field", SMALL | SOFT, x[:100], y[:100])
    twin.model.notes.clear()
    plain = twin.compiled(tmp_path / "plain")
    library = shared_library(tmp_path / "plain", tuple(flags.split()))
    other = CLearner(tmp_path / "plain", library)
    for learner in (plain, other):
        learner.learn(twin.x)
        learner.label(twin.x, y[:100])
    assert plain.save() == other.save()
    np.testing.assert_array_equal(plain.predict(x[100:150]), other.predict(x[100:150]))
