"""The exported C learner of several layers is the same machine: many places, pooled winners, teachers, bit by bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import emulator
import numpy as np
import pytest
import wasm
from test_c_learner import GRADUAL

from synarray.errors import DataError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.export.c_folder import c_files, write_files
from synarray.export.c_model import learning_of, pack
from synarray.export.c_prepare import export_layers
from synarray.export.run_c import CLearner, compiler, shared_library
from synarray.learn.layered import train_layers
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import plan_layers
from synarray.network.machine import Machine
from synarray.rng import Stream, permutation
from synarray.run.experiment import ExperimentSpec
from synarray.task.checked import check_task

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
STDP = {"a": 0.3, "c": 0.05, "gain_end": 0.1}
CONVOLUTION = {
    "kind": "convolution", "n_neurons": 7, "kernel": 4, "stride": 2, "pool": 2, "places": 3, "min_active": 5, "windows": 1,
    "stdp": STDP, "images": 60, "epochs": 2,
}  # fmt: skip
WHOLE = {"kind": "convolution", "n_neurons": 5, "kernel": 5, "stride": 3, "windows": 1, "stdp": STDP}
LOCAL = {"kind": "local", "n_neurons": 4 * 6, "kernel": 6, "stride": 6, "stdp": STDP}
FULL = {"kind": "full", "n_neurons": 11, "stdp": STDP, "windows": 2}
LEVELS = {"n_levels": 16}
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "taught by competing": ([FULL | {"teacher": "compete"}], {}),
    "taught by contrast": ([FULL | {"teacher": "contrast", "cell": {"step": 0.05}}], {}),
    "local, by contrast, 4 bits": ([LOCAL | {"teacher": "contrast", "cell": LEVELS}], {"channels": 3}),
    "a device, by contrast": ([FULL | {"teacher": "contrast", "device": GRADUAL | {"p_fail": 0.2}}], {}),
    "words, by contrast": ([FULL | {"teacher": "contrast", "device": "sram", "synapse": {"n_bits": 4}}], {}),
    "competing, pruned": (
        [FULL | {"teacher": "compete", "cell": LEVELS, "pruning": {"mode": "soft", "fraction": 0.4, "start": 0.05}}],
        {"channels": 2},
    ),
    "a convolution, named": ([CONVOLUTION, LOCAL | {"kernel": 2, "stride": 1, "n_neurons": 12}], {"channels": 2}),
    "a convolution, contrast": ([CONVOLUTION, FULL | {"teacher": "contrast"}], {"channels": 2, "off": True}),
    "everywhere, packed": ([WHOLE | {"cell": LEVELS}, FULL | {"cell": {"n_levels": 4}, "teacher": "compete"}], {"off": True}),
    "three layers, one at random": (
        [WHOLE, {**LOCAL, "kernel": 2, "stride": 1, "n_neurons": 4 * 6, "learn": False, "windows": 2}, FULL],
        {"channels": 2},
    ),
}  # fmt: skip
"""Name: (layers, encoding)."""


@dataclass
class Trained:
    """A network of layers that Python trained, and what the C learner is shown."""

    result: Result
    winners: np.ndarray
    order: np.ndarray


def spec_of(case: str) -> LearningSpec:
    layers, encoding = CASES[case]
    given = {"t_present": "20 ms", "gain_control": encoding.get("channels", 0) == 0} | encoding
    return ExperimentSpec.model_validate(
        {"name": "bars", "epochs": 1, "layers": layers, "encoding": given, "inputs": {"select": "all"}}
    )


def trained(case: str, x: np.ndarray, y: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Train in Python; keep every winner."""
    seen: list[np.ndarray] = []
    for name, at in (("learn", 4), ("teach", 7)):
        shown = getattr(Machine, name)

        def watched(self: Machine, *args: Any, kept: Any = shown, at: int = at, **more: Any) -> None:
            kept(self, *args, **more)
            if len(args[at]):
                seen.append(args[at].reshape(len(args[at]), -1).copy())

        monkeypatch.setattr(Machine, name, watched)
    spec = spec_of(case)
    task = check_task(x.reshape(len(x), -1), y, None, None, x.shape[1:], 255.0)
    result, _ = train_layers(spec, task, 1, None, None, None)
    monkeypatch.undo()
    plans = plan_layers(spec, result.retina, x.shape[1:], len(np.unique(y)))
    orders = [
        permutation(len(x), seed=plan.spec.seed, stream=Stream.ORDER, presentation=epoch)[: plan.layer.images]
        for plan in plans
        for epoch in range((plan.spec.epochs + (plan.layer.teacher == "compete")) * plan.layer.learn)
    ]
    widest = max(part.shape[1] for part in seen)
    padded = [np.pad(part, ((0, 0), (0, widest - part.shape[1]))) for part in seen]
    return Trained(result, np.concatenate(padded).astype(np.uint16), np.concatenate(orders))


def built(result: Result, folder: Path, trained: bool = False, flags: tuple[str, ...] = ("-O1",)) -> CLearner:
    """Export the network, at its start or as it was trained."""
    ready = export_layers(result)
    write_files(folder, c_files(ready.model, ready.trained if trained else b""))
    return CLearner(folder, shared_library(folder, flags))


@pytest.mark.parametrize("case", CASES)
def test_layers_learn_the_same_bits(
    case: str, tmp_path: Path, bar_images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = (part[:100] for part in bar_images)
    twin = trained(case, x, y, monkeypatch)
    result, learner = twin.result, built(twin.result, tmp_path)
    winners = learner.learn(x[twin.order], y[twin.order])
    np.testing.assert_array_equal(winners, twin.winners)
    if result.teacher == "contrast":
        with pytest.raises(DataError, match="were taught"):
            learner.label(x[:1], y[:1])
    else:
        learner.label(x, y)
    for i in range(len(result.machines)):
        compare(result, i, learner.state(i))
    counted = {name: value for name, value in result.events.items() if name in learner.events}
    events = learner.events | dict.fromkeys(("cell_read_level",), counted["cell_read_level"])  # not summed in C
    layers = result.spec.layers
    if len(layers) > 1 and (result.teacher == "compete" or not all(layer.learn for layer in layers)):
        for name in (
            "input_spike",
            "row_read",
            "column_sense",
        ):  # C reads frozen layers for each image that is learned from
            assert events.pop(name) != counted.pop(name)
    assert events == counted
    if events.keys() == learner.events.keys() and result.spec.device is None:
        assert learner.save() == export_layers(result).trained
    assert len(learner.save()) == learner.sizes["blob_bytes"]
    test = bar_images[0][100:160]
    classes, votes = learner.votes(test)
    np.testing.assert_array_equal(classes, result.predict(test))
    np.testing.assert_allclose(votes, result.decision_function(test), rtol=0, atol=2e-5)


def compare(result: Result, i: int, state: dict[str, np.ndarray]) -> None:
    """Hold one layer's state equal."""
    machine, plans = result.machines[i], plan_layers(result.spec, result.retina, (12, 12), 4)
    np.testing.assert_array_equal(state["threshold"], machine.threshold)
    tiles = [machine.array.tile(g) for g in range(len(machine.groups))]
    cells = np.concatenate([tile.T.ravel() for tile in tiles])
    if state["cells"].dtype == np.uint8:
        from synarray.export.c_place import Place

        place = Place(plans[i], i == 0, i == len(plans) - 1, 4)
        codes = learning_of(machine, plans[i].spec, 100, place)[1]
        cells = np.concatenate([pack(codes.encode(tile), codes.bits) for tile in tiles])
    np.testing.assert_array_equal(state["cells"], cells)
    if "counts" in state:
        np.testing.assert_array_equal(state["counts"], result.label_counts)
    pulses = machine.neuron_events[:, [NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE]].sum()
    assert (pulses > 50) == plans[i].layer.learn
    assert machine.network_events[NetworkEvent.PRESENTATION] > 0 or not plans[i].layer.learn


@pytest.mark.parametrize("case", ["competing, pruned", "a convolution, contrast"])
def test_layers_that_only_predict_and_states_that_are_taken_up(case: str, tmp_path: Path, bar_images: Any) -> None:
    x, y = (part[:100] for part in bar_images)
    task = check_task(x.reshape(len(x), -1), y, None, None, x.shape[1:], 255.0)
    result, _ = train_layers(spec_of(case), task, 1, None, None, None)
    expected = result.predict(bar_images[0][100:150])
    loaded = built(result, tmp_path / "b", trained=True)
    np.testing.assert_array_equal(loaded.predict(bar_images[0][100:150]), expected)
    other = built(result, tmp_path / "c", flags=("-O0", "-fsanitize=undefined", "-fno-sanitize-recover=all"))
    other.load(loaded.save())
    for learner in (loaded, other):
        learner.learn(x[:20], y[:20])
    assert loaded.save() == other.save()
    with pytest.raises(DataError, match="no class"):
        loaded.learn(x[:1])
    ready = export_layers(result, predict_only=True)
    write_files(tmp_path / "d", c_files(ready.model))
    reader = CLearner(tmp_path / "d", shared_library(tmp_path / "d", ("-O1",)))
    np.testing.assert_array_equal(reader.predict(bar_images[0][100:150]), expected)
    with pytest.raises(DataError, match="only predicts"):
        reader.learn(x[:1], y[:1])


@pytest.mark.parametrize("target", ["cortex-m4", "wasm"])
def test_layers_elsewhere(target: str, tmp_path: Path, bar_images: Any) -> None:
    """A convolution, then a taught layer, on an emulated microcontroller and in WebAssembly."""
    lacking = wasm.missing() if target == "wasm" else emulator.missing()
    if lacking:
        pytest.skip(f"pip install {lacking}")
    x, y = (part[:100] for part in bar_images)
    task = check_task(x.reshape(len(x), -1), y, None, None, x.shape[1:], 255.0)
    result, _ = train_layers(spec_of("a convolution, contrast"), task, 1, None, None, None)
    here = built(result, tmp_path)
    flat, shown = x.reshape(len(x), -1), np.arange(180) % 100
    other: Any = wasm.Wasm(tmp_path) if target == "wasm" else emulator.Emulated(tmp_path, target)
    theirs, ours = other.learn(flat[shown], y[shown]), here.learn(x[shown], y[shown])
    np.testing.assert_array_equal(theirs[:120], ours[:120])
    np.testing.assert_array_equal(
        theirs[120:, :2], ours[120:, :2]
    )  # the upper layer draws two winners of an image, not three
    assert other.save() == here.save()
    np.testing.assert_array_equal(other.predict(flat[:20]), here.predict(x[:20]))
