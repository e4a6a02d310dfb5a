"""Settings and numbers that once did nothing, or something else than was asked, without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import Command, four_parts

import synarray
from synarray.device.library import device_names, load_device
from synarray.device.spec import ALWAYS, DeviceSpec
from synarray.errors import SpecError
from synarray.learn.spec import LearningSpec
from synarray.run.experiment import experiment_names, load_experiment
from synarray.run.folder import to_toml
from synarray.units import parse_quantity


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


# Numbers of a device that were not given


PULSES = {"v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read"}
CELL = """name = "my-cell"
law = "linear"
g_min = "1 uS"
g_max = "9 uS"
n_levels_ltp = 50
n_levels_ltd = 50
"""
GIVEN = (
    CELL
    + """v_ltp = "2 V"
t_ltp = "1 us"
v_ltd = "-2 V"
t_ltd = "1 us"
v_read = "0.1 V"
t_read = "10 ns"
"""
)


@pytest.mark.parametrize(
    ("content", "unconfirmed"),
    [
        (CELL, PULSES),
        (GIVEN, set()),
        (GIVEN.replace('g_max = "9 uS"\n', ""), {"g_max"}),
        (GIVEN.replace("n_levels_ltd = 50\n", ""), {"n_levels_ltd"}),
        (GIVEN.replace('"linear"', '"soft-bound"'), {"nonlinearity_ltp", "nonlinearity_ltd"}),
        (GIVEN.replace('"linear"', '"binary"'), {"p_switch_ltp", "p_switch_ltd"}),
        (GIVEN + "drift_nu = 0.01\n", {"drift_t0"}),
        (GIVEN + "endurance = 1e6\n", {"endurance_shape"}),
        (GIVEN + 'sigma_c2c = { value = 0.02, source = "a guess", confirmed = false }\n', {"sigma_c2c"}),
    ],
)
def test_numbers_that_act_and_were_not_given_are_unconfirmed(
    content: str, unconfirmed: set[str], tmp_path: Path, command: Command
) -> None:
    path = tmp_path / "my-cell.toml"
    path.write_text(content)
    device = load_device(path)
    assert set(device.unconfirmed) == unconfirmed
    saved = load_experiment({"device": device.model_dump(mode="json", exclude_none=True)}).device
    assert saved is not None and saved == device and saved.unconfirmed == device.unconfirmed
    shown = command("devices", "show", str(path), "--json").json
    doubtful = {name for name, value in shown["values"].items() if value["source"] and not value["confirmed"]}
    assert set(shown["unconfirmed"]) == doubtful == unconfirmed


def test_a_number_that_is_given_later_is_not_unconfirmed() -> None:
    cell = DeviceSpec(**{name: DeviceSpec.model_fields[name].default for name in ALWAYS if name != "v_ltp"})
    assert cell.unconfirmed == ["v_ltp", "n_levels_ltp", "n_levels_ltd"]
    assert "v_ltp" not in DeviceSpec(**{**dict(cell), "v_ltp": 2.0}).unconfirmed
    assert DeviceSpec(**{**dict(cell), "law": "exact"}).unconfirmed == ["v_ltp"]


def test_devices_of_the_library_leave_nothing_to_a_default() -> None:
    for name in device_names():
        assert not any(source.source.startswith("default") for source in load_device(name).sources.values())


def test_prices_that_rest_on_defaults_have_a_question_mark(small: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "my-cell.toml").write_text(CELL)
    device = f"device={tmp_path / 'my-cell.toml'}"
    trained = command("train", *small, "--set", device, "--out", "run", "--json")
    assert set(trained.json["unconfirmed"]) == PULSES
    assert "Numbers of my-cell that are unconfirmed: v_ltp" in " ".join(trained.err.split())
    found = command("energy", "run", "--json").json
    confirmed = {row["action"]: row["confirmed"] for row in found["rows"] if row["component"] == "cells"}
    assert confirmed["LTP pulses"] is confirmed["row reads"] is False
    assert any("unconfirmed: v_ltp" in note for note in found["notes"])


# Options that contradict each other


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --epochs 1 --set epochs=2", "--set epochs=2 and --epochs 1"),
        ("train --device pcm --set device=sram", "--set device=sram and --device pcm"),
        ("train --seed 1 --set seed=2", "--set seed=2 and --seed 1"),
        ("train --neurons 7 --set n_neurons=8", "--set n_neurons=8 and --neurons 7"),
        ("play cartpole --device pcm --set learning.device=sram", "--set learning.device=sram and --device pcm"),
        ("device judge pcm --set epochs=1 --set epochs=2", "--set epochs=1 and --set epochs=2"),
        ("export c full-field --levels 4 --set cell.n_levels=8", "--set cell.n_levels=8 and --levels 4"),
    ],
)
def test_two_values_for_one_key_are_refused(words: str, said: str, command: Command) -> None:
    message = four_parts(command(*words.split()))
    assert message["got"] == said
    assert "can have one value" in message["rule"] and message["do"] == "Leave one of them out."


def test_the_same_value_twice_is_no_contradiction(small: list[str], command: Command) -> None:
    words = (
        "--epochs",
        "1",
        "--neurons",
        "12",
        "--device",
        "pcm",
        "--set",
        "device=pcm",
        "--set",
        "device.sigma_c2c=0.1",
    )
    assert command("train", *small, *words, "--out", "run").status == 0


# Files that are there


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("export nir RUN -o", "p.nir"),
        ("export weights RUN -o", "p.npz"),
        ("export browser full-field -o", "p.html"),
        ("device synth pcm --devices 1 --cycles 1 -o", "p.csv"),
        ("device fit pulses.csv -o", "p.toml"),
        ("device import pulses.csv -o", "p.toml"),
    ],
)
def test_a_foreign_file_is_not_written_over(
    words: str, name: str, command: Command, finished_run: Path, tmp_path: Path
) -> None:
    assert (
        command("device", "synth", "pcm", "--devices", "1", "--cycles", "1", "-o", str(tmp_path / "pulses.csv")).status
        == 0
    )
    path = tmp_path / name
    path.write_text("notes of = 'mine'\n")
    before = path.read_bytes()
    given = [
        word.replace("RUN", str(finished_run)).replace("pulses.csv", str(tmp_path / "pulses.csv"))
        for word in words.split()
    ]
    message = four_parts(command(*given, str(path)))
    assert "must not be written over a file" in message["rule"] and message["do"] == "Name another."
    assert path.read_bytes() == before


def test_a_device_that_is_fitted_again_is_replaced_and_it_is_said(command: Command) -> None:
    assert command("device", "synth", "pcm", "--devices", "2", "--cycles", "2", "-o", "pulses.csv").status == 0
    first, second = (command("device", "fit", "pulses.csv", "-o", "mine.toml").out for _ in range(2))
    assert "Replaced" not in first and "Replaced: mine.toml" in second


# Texts that say what is wrong


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("nan uS", "S", "must be a number in S"),
        ("inf uS", "S", "must be a number in S"),
        ("-inf", "S", "must be a number in S"),
        ("10 years", "s", "must be in s, not years"),
        ("10 min", "s", "must be in s, not min"),
        ("1e3 eV", "J", "must be in J, not eV"),
        ("5eV", "J", "must be in J, not eV"),
        ("5 mA", "V", "must be in V, not A"),
    ],
)
def test_what_is_no_quantity_of_a_unit_is_named_as_it_was_written(text: str, unit: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_quantity(text, unit)


@pytest.mark.parametrize(
    ("line", "got", "key"),
    [
        ('g_min = "9 uS"\ng_max = "1 uS"', "'1 uS'", "g_max"),
        ('g_min = "9 uS"', "none, so its default", "g_max"),
        ("stuck_low = 0.7\nstuck_high = 0.6", "0.6", "stuck_high"),
        ('v_ltd = "0 V"', "'0 V'", "v_ltd"),
        ('law = "table"', "none, so its default", "response"),
    ],
)
def test_a_rule_between_numbers_names_the_number(line: str, got: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.toml"
    path.write_text(f'name = "cell"\n{line}\n')
    with pytest.raises(SpecError) as refused:
        load_device(path)
    assert refused.value.got == got and refused.value.where.endswith(f"key {key}")


def test_helps_are_true(command: Command, finished_run: Path) -> None:
    assert "must be new or empty" not in " ".join(command("train", "--help").out.split())
    do = command("energy", str(finished_run), "--compare", "").err
    assert all(
        name in device_names()
        for name in do.partition("--compare ")[2].partition("Write --compare ")[2].split(", ")[0].split(",")
    )


def test_of_two_settings_of_one_key_the_earlier_is_named(small: list[str], command: Command) -> None:
    done = command(
        "train", *small, "--set", "n_neurons=12", "--set", "stdp.a=0.1", "--set", "stdp.a=0.2", "--out", "run"
    )
    notes = " ".join(done.err.split())
    assert "Note: --set stdp.a=0.1 does nothing: --set stdp.a=0.2 comes after it." in notes
    assert "n_neurons=12 does nothing" not in notes
