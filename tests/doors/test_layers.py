"""Networks of several layers, from an experiment to a run that predicts again; what does not fit is refused in words."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synarray
from synarray import SpecError, load_experiment
from synarray.cost.wear import trainings_left
from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn.checkpoint import TrainingStoppedError
from synarray.run.layered_energy import bill_of_layers
from synarray.run.replay import replay
from tests.doors.command import Command
from tests.twins.test_resumed import Interrupted, state

STACK: dict[str, Any] = {
    "name": "small",
    "epochs": 2,
    "inputs": {"select": "all"},
    "encoding": {"channels": 2, "gain_control": False, "t_present": "10 ms"},
    "readout": {"test_windows": 3},
    "layers": [
        {
            "kind": "convolution", "n_neurons": 8, "kernel": 3, "pool": 5, "places": 4, "min_active": 2,
            "stdp": {"c": 0.02, "w_start": -0.5, "w_spread": 0.3}, "neuron": {"beta": 4.0, "homeostasis": 0.3},
        },
        {
            "kind": "full", "n_neurons": 12, "windows": 2, "teacher": "contrast",
            "stdp": {"w_start": 0.0}, "neuron": {"beta": 0.5, "homeostasis": 0.05}, "cell": {"step": 0.1},
        },
    ],
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "contrast": {},
    "compete": {"layers.2.teacher": "compete", "layers.2.neuron.homeostasis": 1.0},
    "local, names": {
        "layers.1.pool": 3,
        "layers.2.teacher": "name",
        "layers.2.kind": "local",
        "layers.2.kernel": 2,
        "layers.2.stride": 2,
        "layers.2.n_neurons": 24,
        "layers.2.neuron.homeostasis": 2.0,
        "layers.2.neuron.beta": 2.0,
        "layers.2.stdp.w_start": -0.9,
    },
    "in cells": {"device": "pcm", "layers.2.device": "subquantum-cbram"},
    "ages and is pruned": {
        "device": "pcm",
        "encoding.off": True,
        "layers.1.pruning": {"mode": "soft", "fraction": 0.5},
    },
    "wears out": {
        "device": "pcm",
        "device.endurance": 200.0,
        "layers.2.device": "subquantum-cbram",
        "layers.2.device.endurance": 10.0,
        "array.wear": True,
    },
}


def experiment(kind: str = "contrast", **changes: Any) -> synarray.ExperimentSpec:
    return load_experiment(STACK, {**KINDS[kind], **{key.replace("__", "."): value for key, value in changes.items()}})


class OnDemand(dict[str, synarray.Result]):
    """Networks of every kind, each trained when it is first asked for."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.images = (x[:500], y[:500], x[500:], y[500:])

    def __missing__(self, kind: str) -> synarray.Result:
        self[kind] = synarray.train(experiment(kind), *self.images)
        return self[kind]


@pytest.fixture(scope="module")
def trained(bar_images: tuple) -> OnDemand:
    return OnDemand(*bar_images)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_says_how_labels_were_used(kind: str, trained: dict) -> None:
    result = trained[kind]
    assert result.accuracy > (0.8 if result.teacher == "contrast" and kind != "wears out" else 0.4)  # four classes
    assert ("taught" in result.metrics()["readout"]) == (result.teacher != "name")


@pytest.mark.parametrize("kind", KINDS)
def test_counts_of_layers_add_up(kind: str, trained: dict) -> None:
    result = trained[kind]
    rows = result.metrics()["layers"]
    assert result.pulses == sum(row["pulses"] for row in rows) > 0
    assert result.events["row_read"] == sum(row["row_reads"] for row in rows)
    lowest, n_places = result.below[0].machine, 10 * 10
    reads = lowest.network_events[NetworkEvent.COLUMN_SENSE] // 8
    assert rows[0]["tile_reads"] == reads
    assert 500 * 2 * 20 < reads <= 500 * 2 * 4 + 500 * 2 * n_places  # then a read per place that is not silent
    assert lowest.network_events[NetworkEvent.PRESENTATION] == 1000
    assert result.windows[0] == 1000 + 500 * result.machine.spec.encoding.draws


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_on_disk_predicts_again(kind: str, trained: dict, bar_images: tuple, tmp_path: Path) -> None:
    result, x = trained[kind], bar_images[0][:80]
    run = synarray.open_run(result.save(tmp_path / "run"))
    np.testing.assert_array_equal(run.predict(x), result.predict(x))
    np.testing.assert_array_equal(run.predict(x[::-1])[::-1], result.predict(x, workers=3))
    assert run.result.state_sha256 == result.state_sha256
    assert run.metrics["layers"] == result.metrics()["layers"]


@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("kind", ["contrast", "compete", "ages and is pruned", "wears out"])
def test_interruptions_in_any_layer_do_not_matter(kind: str, every: int, bar_images: tuple, tmp_path: Path) -> None:
    x, y, spec = bar_images[0][:20], bar_images[1][:20], experiment(kind, epochs=1)
    whole = synarray.train(spec, x, y, x, y)
    for times in itertools.count():
        try:
            resumed = synarray.train(spec, x, y, x, y, checkpoints=Interrupted(tmp_path, every))
            break
        except TrainingStoppedError:
            assert times < 100
    assert times >= 40 // every - 1
    assert state(resumed) == state(whole)
    for one, other in zip(resumed.below, whole.below, strict=True):
        assert (one.machine.neuron_events == other.machine.neuron_events).all()
        assert (one.machine.array.w == other.machine.array.w).all()


def test_the_array_of_each_layer_wears_out(trained: dict, tmp_path: Path) -> None:
    result = trained["wears out"]
    run = synarray.open_run(result.save(tmp_path / "run"))
    for machine, row, layer in zip(result.machines, run.metrics["layers"], run.by_layer(), strict=True):
        pulses = machine.array.scheme.pulses_per_cell(machine.array.writes)
        failed = machine.wear.failed != 0
        assert row["cells_failed"] == failed.sum() > 0.02 * failed.size
        assert not failed[np.broadcast_to(pulses, failed.shape) <= machine.wear.life].any()
        np.testing.assert_array_equal(layer.arrays["failed"], machine.wear.failed)
    assert run.metrics["cells_failed"] == sum(row["cells_failed"] for row in run.metrics["layers"])


def test_joules_of_layers_add_up_and_copies_cost_pulses(trained: dict) -> None:
    run = trained["in cells"].stored()
    price, bill = synarray.price(trained["in cells"]), bill_of_layers(run)
    costs = bill.costs(price.periphery)
    assert price.total == pytest.approx(sum(cost.ledger.total for cost in costs), rel=1e-12)
    copied = costs[0].replicated
    assert copied is not None and costs[1].replicated is None
    pulses = [sum(e.energy for e in ledger.entries if e.action == "LTP pulses") for ledger in (costs[0].ledger, copied)]
    assert pulses[1] == pytest.approx(100 * pulses[0])
    assert copied.seconds["row-parallel"] < costs[0].ledger.seconds["row-parallel"]
    with pytest.raises(synarray.RunError, match="in layer 1"):
        synarray.price(trained["contrast"])


def test_layers_of_one_device_may_share_an_array(trained: dict, bar_images: tuple) -> None:
    assert trained["in cells"].metrics()["arrays_shared"] is None  # of two devices
    x, y = bar_images[0][:40], bar_images[1][:40]
    both = {"array.rows": 48, "array.columns": 28, "device": "subquantum-cbram"}  # 18 x 8 beside 32 x 12 fill 48 x 20
    metrics = synarray.train(load_experiment(STACK, both), x, y).metrics()
    assert (metrics["arrays"], metrics["arrays_shared"]) == (2, 1)
    metrics = synarray.train(load_experiment(STACK, {**both, "array.rows": 32, "array.columns": 12}), x, y).metrics()
    assert metrics["arrays_shared"] == 2


def test_a_layer_that_does_not_learn_stays_as_it_began(bar_images: tuple) -> None:
    x, y = bar_images[0][:100], bar_images[1][:100]
    result = synarray.train(experiment(layers__1__learn=False), x, y)
    lowest = result.below[0].machine
    assert lowest.neuron_events[:, NeuronEvent.LTP_PULSE].sum() == 0
    assert not result.metrics()["layers"][0]["learned"]
    assert -0.81 < lowest.array.w.min() < lowest.array.w.max() < -0.19


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers.1.kernel": 13}, "13 x 13, on a map of 12 x 12 x 2"),
        ({"layers.1.pool": 11}, "11 x 11, on 10 x 10 places"),
        ({"layers.2.kind": "local", "layers.2.kernel": 3}, "3 x 3, on a map of 2 x 2 x 8"),
        ({"layers.2.kind": "local", "layers.2.kernel": 1, "layers.2.n_neurons": 13}, "13 for 4 groups"),
        ({"layers.2.n_neurons": 3}, "3 for 4 classes"),
        ({"layers.1.places": 101}, "101 of 100"),
        ({"layers.1.min_active": 19}, "min_active = 19, and 18 inputs"),
        ({"layers": {"kind": "full"}}, "should be a list of tables, [[layers]]"),
        ({"device": "pcm", "layers.2.array": {"rows": 4, "columns": 4}}, "(layers.2, array)"),
        ({"layers.2.array.wear": True}, "got ideal weights (layers.2, key array.wear)"),
        ({"layers.1.teacher": "compete"}, "only the last layer has a teacher"),
        ({"layers.2.kind": "convolution"}, "the last layer must be full or local"),
        ({"layers.2.cell.step": "exact"}, "pulses of one size"),
        ({"encoding.form": "sliding", "encoding.channels": 0}, "layers learn in windows"),
        ({"inputs.select": "active", "inputs.level": 150, "inputs.share": 0.2}, "whose pixels are all inputs"),
        ({"layers.2.pruning": {"mode": "soft", "fraction": 0.5}}, "not pruned yet"),
        ({"layers": []}, "thermometer channels need layers"),
        ({"layers": [], "encoding.channels": 0, "encoding.off": True}, "off channels need layers"),
        ({"layers.2.kind": "round"}, "layers.2.kind should be 'full', 'local' or 'convolution'"),
        ({"layers.2.pool": 2}, "pool acts in a layer of kind"),
        ({"layers.3.kind": "full"}, "Use a number from 1 to 2"),
        ({"layers.1.stdp.q": 1}, "layers.1.stdp.q"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(changes: dict, words: str, bar_images: tuple) -> None:
    with pytest.raises(SpecError, match=re.escape(words)):
        synarray.train(load_experiment(STACK, changes), bar_images[0], bar_images[1])


def test_commands_show_layers(trained: dict, command: Command, tmp_path: Path) -> None:
    folder = trained["in cells"].save(tmp_path / "run")
    shown = command("show", str(folder)).out
    assert "Layers, from the bottom" in shown and "2 x 2 x 8" in shown and "taught: contrastive" in shown
    assert "or 100 copies of it" in command("energy", str(folder)).out
    found = command("energy", str(folder), "--json").json
    assert found["total"] == pytest.approx(sum(layer["ledger"]["total"] for layer in found["layers"]))
    assert command("report", str(folder), "--out", str(tmp_path / "page")).status == 0
    page = next((tmp_path / "page").glob("*.html")).read_text("utf-8")
    assert "or 100 copies of it" in page and "taught: contrastive" in page
    assert 'id="layer-1-wear"' in page and "The array of layer 2, full" in page


def test_maps_wear_and_retention_are_of_each_layer(trained: dict, command: Command, tmp_path: Path) -> None:
    result = trained["in cells"]
    folder = result.save(tmp_path / "run")
    lives = command("lifetime", str(folder), "--json").json["layers"]
    maps = command("array", "show", str(folder), "--json").json
    assert {Path(file).name for file in maps["figures"]} == {"layer-1-array-1.png", "layer-2-array-1.png"}
    for machine, life, found in zip(result.machines, lives, maps["layers"], strict=True):
        writes = machine.array.writes[:, machine.array.exists]
        assert life["pulses_most"] == found["pulses_most"] == writes.max()
        assert found["pulses"] == writes.sum()
        assert found["cells_used"] == writes.size == life["cells"] + found["cells_stuck"]
        rows = int(machine.network_events[NetworkEvent.ROW_READ]) * machine.array.scheme.cells
        single = sum(
            int(machine.neuron_events[:, NeuronEvent[name]].sum())
            for name in ("LTP_PULSE", "LTD_PULSE", "PRUNING_PULSE", "INITIAL_PULSE", "CELL_READ", "VERIFY_READ")
        )
        assert life["levelling_cost"]["rows"]["additions"] == rows + single
    shown = command("lifetime", str(folder)).out
    assert "Wear of layer 1, convolution" in shown and "Wear of layer 2, full" in shown


def test_a_result_answers_for_all_its_layers(trained: dict, tmp_path: Path) -> None:
    result = trained["in cells"]
    run = synarray.open_run(result.save(tmp_path / "run"))
    assert [w.shape for w in result.weights] == [(18, 8), (32, 12)]
    for one, other in zip(result.weights, run.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    for life in (result.lifetime(0.05), run.lifetime(0.05)):
        assert [each.layer for each in life.layers] == ["layer 1, convolution", "layer 2, full"]
        ends = [each.trainings for each in life.layers]
        for machine, end in zip(
            result.machines, ends, strict=True
        ):  # here stuck cells, of which there are few, count too
            pulses = machine.array.scheme.pulses_per_cell(machine.array.writes)[:, machine.array.exists]
            assert end == pytest.approx(trainings_left(pulses, machine.spec.device, 0.05), rel=0.1)
        assert life.trainings == min(ends) and life.layer == life.layers[int(np.argmin(ends))].layer
        assert life.layer in life.notes[0] and life.summary()["layers"][0]["device"] == "pcm"
    assert result.lifetime().notes == run.lifetime().notes
    for figure in ("array", "pulses", "life", "receptive-fields"):
        assert result.plot(figure) is not None
    with pytest.raises(synarray.RunError, match="ideal weights"):
        trained["contrast"].lifetime()


@pytest.mark.parametrize("learn", [True, False])
def test_films_are_of_the_lowest_layer(learn: bool, bars_file: Path) -> None:
    given = {"data": str(bars_file), "images": 60, "epochs": 2, "layers.1.learn": learn}
    given["layers.1.pruning"] = {"mode": "soft", "fraction": 0.5}
    result = synarray.train(STACK, settings=given)
    looks = replay(result.stored(), looks=4)
    assert [look.presentations for look in looks][-1] == 120 * learn
    assert len(looks) == (2 if learn else 1)  # looked at every 500 presentations, and at the end of an epoch
    np.testing.assert_array_equal(looks[-1].w, result.machines[0].array.w)
    assert len(result.plot("learning").frames) > 1 or not learn


@pytest.mark.parametrize("broken", ["layer1_w", "layer1_row_start", "layer1_threshold", "missing", "layers"])
def test_a_damaged_layer_is_recognised(broken: str, trained: dict, command: Command, tmp_path: Path) -> None:
    folder = trained["contrast"].save(tmp_path / "run")
    with np.load(folder / "arrays.npz") as kept:
        arrays = dict(kept)
    if broken == "layers":
        metrics = json.loads((folder / "metrics.json").read_text())
        (folder / "metrics.json").write_text(json.dumps(metrics | {"layers": metrics["layers"][:1]}))
    elif broken == "missing":
        del arrays["layer1_alive"]
    else:
        arrays[broken] = arrays[broken][:-1]
    np.savez(folder / "arrays.npz", **arrays)
    for verb in ("show", "energy", "report"):
        refused = command(verb, str(folder))
        assert refused.status == 2 and "a run folder must be whole" in refused.err
