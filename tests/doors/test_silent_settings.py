"""Settings and numbers that once did nothing, or something else than was asked, without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import synarray
from synarray.learn.spec import LearningSpec
from synarray.run.experiment import experiment_names, load_experiment
from synarray.run.folder import to_toml


@pytest.fixture
def few(bars_file: Path) -> dict[str, Any]:
    """Make a training short: bars, few neurons, one epoch."""
    return {"data": str(bars_file), "n_neurons": 12, "epochs": 1}


LINEAR = {"name": "my-cell", "law": "linear", "nonlinearity_ltp": 1.8}
TWO_LAYERS = [
    {"kind": "local", "n_neurons": 36, "kernel": 4, "stride": 4, "cell": {"step": 0.2}},
    {"kind": "full", "n_neurons": 8, "cell": {"step": 0.1}},
]
ALL = {"inputs.select": "all"}


def idle(notes: list[str]) -> list[str]:
    return [note.partition(" does nothing: ")[0] for note in notes if " does nothing: " in note]


# Settings that cannot act


@pytest.mark.parametrize(
    ("base", "settings", "said"),
    [
        ("local-fields", {"array.wires.r_wire": "2 ohm"}, ['array.wires.r_wire = "2 ohm"']),
        ("local-fields", {"array.rows": 64, "array.columns": 64}, ["array.rows = 64", "array.columns = 64"]),
        ("local-fields", {"array.temperature": "85 C"}, ['array.temperature = "358.15 K"']),
        ("local-fields", {"array.thermal_noise": True}, ["array.thermal_noise = true"]),
        ("local-fields", {"synapse.scheme": "pair"}, ['synapse.scheme = "pair"']),
        ("local-fields", {"synapse.n_bits": 4}, ["synapse.n_bits = 4"]),
        ("local-fields", {"readout.wait": "1 s"}, ['readout.wait = "1 s"']),
        ("local-2-bit", {"cell.step": 0.2}, ["cell.step = 0.2"]),
        ("local-fields", {"pruning.start": 0.1}, ["pruning.start = 0.1"]),
        ("full-field", {"fields.grid": [2, 2], "fields.share": 0.5}, ["fields.grid = [2, 2]", "fields.share = 0.5"]),
        ("full-field", {"fields.pitch": [0.3, 0.3]}, ["fields.pitch = [0.3, 0.3]"]),
        ("local-fields", {"device": "subquantum-cbram", "cell.n_levels": 4}, ["cell.n_levels = 4"]),
        ("local-fields", {"device": "subquantum-cbram", "cell.step": 0.1}, ["cell.step = 0.1"]),
        ("local-fields", {"device": "pcm", "synapse.n_bits": 4}, ["synapse.n_bits = 4"]),
        ("local-fields", {"device": "sram", "synapse.refresh_at": 0.5}, ["synapse.refresh_at = 0.5"]),
        ("local-fields", {"device": "sram", "array.thermal_noise": True}, ["array.thermal_noise = true"]),
        ("local-fields", {"device": "subquantum-cbram", "array.wires_every": 50}, ["array.wires_every = 50"]),
        ("local-fields", {"device": LINEAR}, ["device.nonlinearity_ltp = 1.8"]),
        ("local-fields", {"device": LINEAR | {"p_switch_ltd": 0.5}},
         ["device.nonlinearity_ltp = 1.8", "device.p_switch_ltd = 0.5"]),
        ("full-field", ALL | {"layers": TWO_LAYERS, "fields.kind": "local"}, ["n_neurons = 12", 'fields.kind = "local"']),
        ("full-field", ALL | {"layers": TWO_LAYERS, "cell.step": 0.3}, ["n_neurons = 12", "cell.step = 0.3"]),
        ("full-field", ALL | {"layers": [TWO_LAYERS[0], TWO_LAYERS[1] | {"synapse": {"n_bits": 4}}]},
         ["n_neurons = 12", "layers.2.synapse.n_bits = 4"]),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_act_is_said(
    base: str, settings: dict[str, Any], said: list[str], few: dict[str, Any]
) -> None:
    spec = load_experiment(base, few | settings)
    assert sorted(idle(synarray.train(spec).notes)) == sorted(said)


@pytest.mark.parametrize(
    ("base", "settings"),
    [
        ("local-fields", {"fields.grid": [2, 2], "cell.step": 0.2, "stdp.a": 0.2}),
        ("local-fields", {"cell.n_levels": 4}),
        ("local-fields", {"device": "subquantum-cbram", "array.rows": 2000, "array.wires.r_wire": "2 ohm"}),
        ("local-fields", {"device": "subquantum-cbram", "array.wires.r_wire": "2 ohm", "array.wires_every": 50}),
        ("local-fields", {"device": "subquantum-cbram", "array.thermal_noise": True, "array.temperature": "85 C"}),
        ("local-fields", {"device": "pcm", "synapse.refresh_at": 0.5, "readout.wait": "1 s"}),
        ("local-fields", {"device": "sram", "synapse.n_bits": 4, "synapse.attempts": 2}),
        ("local-fields", {"device": {"base": "subquantum-cbram", "law": "linear"}}),
        ("soft-pruned", {"pruning.mode": "none", "pruning.fraction": 0.0}),
        ("local-fields", {"fields.kind": "full"}),
    ],
)
def test_what_acts_or_was_not_chosen_is_not_said(base: str, settings: dict[str, Any], few: dict[str, Any]) -> None:
    assert idle(synarray.train(load_experiment(base, few | settings)).notes) == []


@pytest.mark.parametrize("device", [None, "pcm", "sram"])
@pytest.mark.parametrize("name", experiment_names())
def test_an_experiment_of_the_package_says_nothing_of_its_own_values(name: str, device: str | None) -> None:
    spec = load_experiment(name, {"device": device} if device else {})
    assert spec.built_on == name
    mine = load_experiment({"base": name, "name": "mine"} | ({"device": device} if device else {}))
    for each in (spec, mine):
        assert each.model_dump(exclude={"name", "device"}) == each.unchanged().model_dump(exclude={"name", "device"})


def test_a_saved_experiment_is_read_with_what_was_chosen_in_it(few: dict[str, Any], tmp_path: Path) -> None:
    table = few | {"base": "local-fields", "name": "mine", "device": "pcm", "synapse": {"n_bits": 4}}
    spec, file = load_experiment(table), tmp_path / "experiment.toml"
    file.write_text(to_toml(spec), "utf-8")
    again = load_experiment(file)
    assert again == spec and again.identity == spec.identity
    assert idle(synarray.train(again).notes) == ["synapse.n_bits = 4"]


def test_a_plain_specification_is_compared_with_the_defaults(bar_images: Any) -> None:
    spec = LearningSpec(n_neurons=4, epochs=1, synapse={"n_bits": 4})
    assert idle(synarray.train(spec, *bar_images).notes) == ["synapse.n_bits = 4"]
