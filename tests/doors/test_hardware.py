"""Learning in the cells of a device, through the command: every device of the library, and arrays that are too small."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from command import Command, everything_in, four_parts, process

from synarray.device.library import device_names, load_device
from synarray.learn.training import train
from synarray.run.experiment import load_experiment, task_images
from synarray.run.opened import open_run

SCHEMES = {"pcm": "pair", "sram": "digital", "stt-mram": "digital"}
FULL = ["--set", "fields.kind=full"]


def sets(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


# Every device


@pytest.mark.parametrize("name", device_names())
def test_every_device_of_the_library_trains_from_one_command(
    command: Command, small: list[str], tmp_path: Path, name: str
) -> None:
    done = command("train", *small, *sets(f"device={name}"), "--out", "run", "--json")
    assert done.status == 0
    found = done.json
    scheme = SCHEMES.get(name, "analog")
    assert (found["device"], found["scheme"], found["arrays"]) == (name, scheme, 1)
    assert found["cells_per_weight"] == {"analog": 1, "pair": 2, "digital": 2}[scheme]
    assert found["unconfirmed"] == load_device(name).unconfirmed
    assert found["pulses"] > 500
    assert found["pulses"] == found["pulses_ltp"] + found["pulses_ltd"]
    assert found["accuracy"] > 0.25  # chance, of four classes; none of these learned from 160 images is far off
    run = open_run(tmp_path / "run")
    assert run.experiment.device == load_device(name)
    writes = run.arrays["writes"]
    assert writes.sum() == found["pulses"] + found["pulses_initial"]
    assert writes.max() == found["most_writes"]
    assert writes.shape[0] == found["cells_per_weight"]


def test_ideal_weights_say_that_they_have_no_device(command: Command, small: list[str]) -> None:
    found = command("train", *small, "--json").json
    assert (found["device"], found["scheme"], found["arrays"], found["most_writes"]) == (None, None, None, None)
    assert (found["pulses_initial"], found["verify_reads"], found["pulses_failed"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("synapse", "scheme", "cells"),
    [
        (["synapse.scheme=pair"], "pair", 2),
        (["synapse.scheme=compound", "synapse.n_cells=5", "device.law=binary"], "compound", 5),
        (["synapse.n_bits=3", "device.law=binary"], "digital", 3),
        (["synapse.scheme=analog", "device.law=binary"], "analog", 1),
    ],
)
def test_a_scheme_can_be_chosen(
    command: Command, small: list[str], synapse: list[str], scheme: str, cells: int
) -> None:
    found = command("train", *small, *sets("device=subquantum-cbram", *synapse), "--json").json
    assert (found["scheme"], found["cells_per_weight"]) == (scheme, cells)


def test_one_value_can_be_changed_and_the_others_stay(command: Command, small: list[str], tmp_path: Path) -> None:
    done = command("train", *small, *sets("device=pcm", "device.sigma_c2c=0.05", "device.g_min=9 uS"), "--out", "run")
    assert done.status == 0
    device, pcm = open_run(tmp_path / "run").experiment.device, load_device("pcm")
    assert device is not None
    assert (device.sigma_c2c, device.g_min) == (0.05, 9e-6)
    changed = {"sigma_c2c", "g_min"}
    for name in set(type(pcm).model_fields) - changed - {"sources"}:
        assert getattr(device, name) == getattr(pcm, name), name
    assert set(device.sources) == set(pcm.sources) - changed  # what was changed has lost its source


def test_a_device_may_be_a_table_or_a_file_of_its_own(command: Command, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "my-cell.toml").write_text(
        'name = "my-cell"\nlaw = "linear"\ng_min = "1 uS"\ng_max = { value = "9 uS", source = "my lab book" }\n',
        "utf-8",
    )
    (tmp_path / "a.toml").write_text('device = "my-cell.toml"\n', "utf-8")
    (tmp_path / "b.toml").write_text('[device]\nbase = "my-cell.toml"\n', "utf-8")
    (tmp_path / "c.toml").write_text('[device]\nlaw = "linear"\ng_min = "1 uS"\ng_max = "9 uS"\n', "utf-8")
    found = [command("train", file, *small, "--json").json for file in ("a.toml", "b.toml", "c.toml")]
    assert [metrics["device"] for metrics in found] == ["my-cell", "my-cell", "device"]
    assert len({metrics["state_sha256"] for metrics in found}) == 1


def test_a_file_finds_its_device_beside_itself(command: Command, small: list[str], tmp_path: Path) -> None:
    """As it finds its data."""
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "cell.toml").write_text('name = "mine"\nlaw = "linear"\n', "utf-8")
    (tmp_path / "task" / "e.toml").write_text('device = "cell.toml"', "utf-8")
    (tmp_path / "task" / "f.toml").write_text('[device]\nbase = "cell.toml"\nsigma_c2c = 0.01', "utf-8")
    for file in ("task/e.toml", "task/f.toml"):
        done = command("train", file, *small, "--json")
        assert done.status == 0, done.err
        assert done.json["device"] == "mine"


# The same run again

EVERYTHING = sets(
    "device=subquantum-cbram", "device.drift_nu=0.05", "device.p_fail=0.1", "device.sigma_read=0.1", "device.v_fold=0.3 V",
    "device.g_max=2.3456789 uS", "array.wires.r_wire=2.5 Ohm", "array.wires_every=50", "readout.wait=3600 s",
    "pruning.mode=soft", "pruning.fraction=0.5",
)  # fmt: skip


@pytest.mark.parametrize(
    "settings", [EVERYTHING, sets("device=pcm"), sets("device=stt-mram", "device.p_switch_ltp=0.7")]
)
def test_a_runs_experiment_trains_again_to_the_same_state(
    command: Command, small: list[str], settings: list[str]
) -> None:
    first = command("train", *small, *settings, "--out", "first", "--json").json
    again = command("train", "first/experiment.toml", "--json").json
    changing = {"run_dir", "train_seconds", "images_per_second", "seconds"}
    assert {key: again[key] for key in first.keys() - changing} == {key: first[key] for key in first.keys() - changing}


def test_a_process_of_its_own_reaches_the_same_state(command: Command, small: list[str], tmp_path: Path) -> None:
    inside = command("train", *small, *EVERYTHING, "--json").json
    outside = process("train", *small, *EVERYTHING, "--json", folder=tmp_path).json
    assert (inside["state_sha256"], inside["accuracy"]) == (outside["state_sha256"], outside["accuracy"])


def test_stuck_cells_are_as_many_as_said_and_shown(command: Command, small: list[str]) -> None:
    """A tenth of about 430 cells; four and a half standard errors are 0.065. ``array show`` draws them anew from the seed."""
    settings = sets("device=ideal", "device.stuck_low=0.04", "device.stuck_high=0.06")
    for seed in ("1", "2"):
        found = command("train", *small, *settings, "--seed", seed, "--out", f"s{seed}", "--json").json
        assert found["stuck_cells"] / found["n_cells"] == pytest.approx(0.1, abs=0.065)
        assert command("array", "show", f"s{seed}", "--json").json["cells_stuck"] == found["stuck_cells"]


@pytest.mark.parametrize("device", ["subquantum-cbram", "pcm", "stt-mram"])
def test_results_do_not_depend_on_the_number_of_workers(bars_file: Path, device: str) -> None:
    """Read noise and ageing included."""
    changes = {"data": str(bars_file), "n_neurons": 12, "epochs": 1, "device": device, "device.sigma_read": 0.2,
               "readout.wait": "10 s"}  # fmt: skip
    spec = load_experiment(None, changes)
    _, x, y, x_test, y_test = task_images(spec)
    one, three = (train(spec, x, y, x_test, y_test, workers=n) for n in (1, 3))
    assert one.state_sha256 == three.state_sha256
    assert one.evaluation is not None and three.evaluation is not None
    np.testing.assert_array_equal(one.evaluation.confusion, three.evaluation.confusion)


# What a run is known by


def test_identity_depends_on_what_a_device_does_and_not_on_what_is_said_of_it() -> None:
    values = {"base": "subquantum-cbram"}
    words = {
        "name": "other",
        "title": "Another",
        "technology": "X",
        "note": "y",
        "sources": {"g_max": {"source": "my lab"}},
    }
    plain = load_experiment(None, {"device": "subquantum-cbram"})
    assert load_experiment(None, {"device": values}).identity == plain.identity
    assert load_experiment(None, {"device": values | words}).identity == plain.identity
    assert load_experiment(None, {"device": values | words}) != plain
    again = {"g_max": {"value": "2.3 uS", "source": "measured again", "confirmed": True}}
    assert load_experiment(None, {"device": values | again}).identity == plain.identity
    others = [
        {"g_max": "2.4 uS"},
        {"sigma_c2c": 0.021},
        {"n_levels_ltp": 41},
        {"retention": "3600 s"},
        {"v_read": "0.2 V"},
    ]
    identities = {load_experiment(None, {"device": values | other}).identity for other in [{}, *others]}
    assert len(identities) == 1 + len(others)
    assert load_experiment(None).identity not in identities


def test_a_run_keeps_the_sources_of_its_device(command: Command, small: list[str], tmp_path: Path) -> None:
    """Years later the numbers still say where they came from, whatever the library then says."""
    assert command("train", *small, *sets("device=ag-a-si"), "--out", "run").status == 0
    stored = tomllib.loads((tmp_path / "run" / "experiment.toml").read_text("utf-8"))["device"]
    assert stored["sources"].keys() == load_device("ag-a-si").sources.keys()
    assert "base" not in stored
    assert stored["g_max"] == "38.462 nS"


def test_numbers_nobody_confirmed_are_named(command: Command, small: list[str]) -> None:
    done = command("train", *small, *sets("device=stt-mram"), "--json")
    (note,) = done.json["notes"]
    assert all(name in note for name in load_device("stt-mram").unconfirmed)
    assert "that are unconfirmed" in " ".join(done.err.split())


# Refused


@pytest.mark.parametrize(
    ("settings", "rule", "do"),
    [
        (
            ["device=subquantum-cbarm"],
            "a device must be a TOML file or a known name",
            'Did you mean "subquantum-cbram"?',
        ),
        (["device=PCM"], "a device must be a TOML file or a known name", 'Did you mean "pcm"?'),
        (["device.sigma_c2c=0.05"], "say its law", "base ="),
        (["device.base=pmc"], "a device must be a TOML file or a known name", 'Did you mean "pcm"?'),
        (["device=nowhere.toml"], "TOML file or a known name", "Known"),
        (["device=3"], "table of keys", "device"),
        (["device=pcm", "device.sigma_c2=0.05"], '"device.sigma_c2" is not a key', 'Did you mean "sigma_c2c"?'),
        (["device=pcm", "device.g_max=5 V"], "device.g_max", "device.g_max"),
        (["device=pcm", "device.g_max=5"], "device.g_max", "device.g_max"),
        (["device=pcm", "device.g_max=1 uS"], "device.g_max must exceed g_min", "device.g_max"),
        (["device=pcm", "device.p_fail=1.5"], "device.p_fail", "device.p_fail"),
        (["device=pcm", "device.t_ltp=0 s"], "device.t_ltp", "device.t_ltp"),
        (["device=pcm", "synapse.scheme=triple"], "synapse.scheme", "synapse.scheme"),
        (["device=pcm", "synapse.n_bits=0"], "synapse.n_bits", "synapse.n_bits"),
        (["array.rows=0"], "array.rows", "array.rows"),
        (["array.wires.r_wire=-1 Ohm"], "array.wires.r_wire", "array.wires.r_wire"),
        (["array.wires.r_wire=2 V"], "array.wires.r_wire", "array.wires.r_wire"),
    ],
)
def test_a_device_that_cannot_be_is_refused(
    command: Command, small: list[str], tmp_path: Path, settings: list[str], rule: str, do: str
) -> None:
    message = four_parts(command("train", *small, *sets(*settings)))
    assert rule in message["rule"]
    assert do in message["do"]
    assert everything_in(tmp_path) == {}


def test_a_network_too_large_for_its_array_is_refused_with_what_fits(
    command: Command, small: list[str], tmp_path: Path
) -> None:
    """144 inputs or fewer on 12 neurons in 8 bits; the numbers of the message are those of the run that does fit."""
    tight = [*FULL, *sets("device=sram", "synapse.n_bits=8", "array.rows=128", "array.columns=32")]
    message = four_parts(command("train", *small, *tight))
    assert everything_in(tmp_path) == {}
    assert "array.count" in message["do"]
    found = command("train", *small, *tight, *sets("array.count=50"), "--json").json
    cells = found["n_inputs"] * 12 * 8
    assert message["got"] == (
        f"12 neurons x {found['n_inputs']} inputs x 8 bits = {cells:,} cells; this array has 4,096: "
        f"fits {4096 * 12 // cells} neurons at 8 bits, or 12 at {4096 // (cells // 8)} bits, or {cells / 4096:.2f} arrays"
    )
    count = int(message["do"].partition("array.count = ")[2].split()[0])
    assert count == -(-cells // 4096)
    enough = command("train", *small, *tight, *sets(f"array.count={count}"), "--json")
    assert enough.status == 0
    assert enough.json["arrays"] == count
    assert enough.json["state_sha256"] == found["state_sha256"]  # where cells lie changes nothing, without wires
    for fewer in (f"n_neurons={4096 * 12 // cells}", f"synapse.n_bits={4096 // (cells // 8)}"):
        assert command("train", *small, *tight, *sets(fewer)).status == 0


def test_local_fields_are_counted_group_by_group(command: Command, small: list[str]) -> None:
    tight = sets("device=ideal", "array.rows=20", "array.columns=10")
    message = four_parts(command("train", *small, *tight))
    n_cells = command("train", *small, "--json").json["n_cells"]
    assert f"= {n_cells:,} cells; this array has 200" in message["got"]


def test_ideal_weights_need_no_array(command: Command, small: list[str]) -> None:
    assert command("train", *small, *sets("array.rows=1", "array.columns=1")).status == 0


def test_wires_of_words_are_said_to_do_nothing(command: Command, small: list[str]) -> None:
    notes = command("train", *small, *sets("device=sram", "array.wires.r_wire=2 Ohm"), "--json").json["notes"]
    assert any("Wires do not act on digital words" in note for note in notes)


def test_settings_of_a_device_may_stand_before_the_device(command: Command, small: list[str], tmp_path: Path) -> None:
    """What was typed first is not undone by what comes after."""
    settings = sets("device.sigma_c2c=0.05", "device=pcm")
    assert command("train", *small, *settings, "--out", "run").status == 0
    device = open_run(tmp_path / "run").experiment.device
    assert device is not None
    assert (device.name, device.sigma_c2c) == ("pcm", 0.05)
