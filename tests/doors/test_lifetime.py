"""``synarray lifetime``: what it tells, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import Command, everything_in, four_parts

from synarray.cost.wear import trainings_left
from synarray.device.library import load_device
from synarray.learn.training import train
from synarray.run.experiment import load_experiment, task_images
from synarray.run.folder import reserve, write_run

KEYS = {
    "device", "scheme", "endurance", "shape", "confirmed", "share", "cells", "cells_failed", "pulses_mean", "pulses_most",
    "trainings_left", "levelled", "levelling_cost", "notes", "retention", "retention_unconfirmed", "temperature", "run_dir",
    "figures",
}  # fmt: skip


@pytest.fixture(scope="module")
def pcm_run(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    """Train bars in pairs of PCM cells, which drift."""
    spec = load_experiment("local-fields", {"data": str(bars_file), "n_neurons": 12, "epochs": 1, "device": "pcm"})
    data, x, y, x_test, y_test = task_images(spec)
    result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
    return write_run(result, spec, reserve(tmp_path_factory.mktemp("runs") / "pcm", spec))


@pytest.fixture
def trained(pcm_run: Path, tmp_path: Path) -> Path:
    """Give a test a copy of that run, in the folder in which it works."""
    return Path(shutil.copytree(pcm_run, tmp_path / "run"))


def test_a_run_tells_its_wear_and_what_levelling_would_bring(command: Command, trained: Path) -> None:
    told = command("lifetime", "run", "--json").json
    assert told.keys() == KEYS
    pcm, writes = load_device("pcm"), np.load(trained / "arrays.npz")["writes"]
    used = writes[np.broadcast_to(np.arange(writes.shape[2]) < _rows(trained)[:, None], writes.shape)]
    assert (told["endurance"], told["shape"], told["confirmed"]) == (pcm.endurance, pcm.endurance_shape, False)
    assert (told["cells"], told["cells_failed"], told["share"]) == (used.size, 0, 0.01)
    assert told["pulses_mean"] == pytest.approx(used.mean())
    assert told["pulses_most"] == used.max() == json.loads((trained / "metrics.json").read_text())["most_writes"]
    assert told["trainings_left"] == pytest.approx(trainings_left(used, pcm, 0.01))
    levelled, costs = told["levelled"], told["levelling_cost"]
    assert told["trainings_left"] < levelled["columns"] < levelled["rows"] < levelled["both"]
    assert costs["both"]["additions"] == costs["rows"]["additions"] + costs["columns"]["additions"]
    assert costs["rows"]["energy"] == pytest.approx(
        costs["rows"]["additions"] * 0.1e-12
    )  # 45 nm: the node of the price
    assert costs["move"]["reads"] > used.size
    assert costs["move"]["pulses_per_cell"] == costs["move"]["pulses"] / used.size
    assert (told["retention"], told["temperature"]) == (None, None)
    assert [Path(file).name for file in told["figures"]] == ["pulses.png", "life.png"]
    assert (trained / "figures" / "pulses.png").read_bytes().startswith(b"\x89PNG")


def _rows(run: Path) -> np.ndarray:
    """Rows of each neuron's tile."""
    arrays = np.load(run / "arrays.npz")
    rows, neurons = np.diff(arrays["row_start"]), np.diff(arrays["neuron_start"])
    return np.repeat(rows, neurons)


def test_another_share_and_node(command: Command, trained: Path) -> None:
    plain, other = (
        command("lifetime", "run", "--json", *more).json for more in ((), ("--share", "5%", "--node", "22nm"))
    )
    assert other["share"] == 0.05
    assert plain["trainings_left"] < other["trainings_left"]
    assert other["levelling_cost"]["both"]["energy"] < plain["levelling_cost"]["both"]["energy"]
    assert command("lifetime", "run", "--json", "--share", "0.05").json["trainings_left"] == other["trainings_left"]


def test_retention_begins_at_the_accuracy_of_the_run(command: Command, trained: Path) -> None:
    told = command("lifetime", "run", "--retention", "--json", "--out", "elsewhere").json
    metrics = json.loads((trained / "metrics.json").read_text())
    first = told["retention"][0]
    assert first == {
        "seconds": 0, "accuracy": metrics["accuracy"], "low": metrics["accuracy_low"], "high": metrics["accuracy_high"],
    }  # fmt: skip
    assert [point["seconds"] for point in told["retention"]] == [0, 1, 3600, 86400, 2592000, 31557600, 315576000]
    assert all(point["low"] <= point["accuracy"] <= point["high"] for point in told["retention"])
    assert "drift_nu" in told["retention_unconfirmed"]
    assert told["figures"] == ["elsewhere/pulses.png", "elsewhere/life.png"]


def test_people_are_told_the_same(command: Command, trained: Path) -> None:
    done = command("lifetime", "run", "--retention")
    assert done.status == 0
    for words in ("Wear: pcm, pair", "1e+08 pulses, shape 2 ?", "both shifted each time", "additions", "10 years", "drift_nu",
                  "The endurance of pcm, or its Weibull shape, is not confirmed", "pulses.png"):  # fmt: skip
        assert words in done.out


def test_what_is_not_known_is_no_error(command: Command, small: list[str]) -> None:
    command("train", *small, "--set", "device=ecram", "--out", "run")
    done = command("lifetime", "run", "--retention")
    assert done.status == 0
    assert re.search("have failed by then +│ +not known", done.out)
    assert "The endurance of ecram is not known." in done.out
    assert "Retention: not known" in done.out
    told = command("lifetime", "run", "--retention", "--json").json
    assert (told["endurance"], told["shape"], told["confirmed"], told["trainings_left"]) == (None, None, False, None)
    assert told["levelled"] == {"rows": None, "columns": None, "both": None}
    assert told["retention"] == []


def test_a_temperature_needs_an_activation_energy(command: Command, small: list[str], trained: Path) -> None:
    refused = four_parts(command("lifetime", "run", "--temperature", "85C"))
    assert "no retention_temperature and no retention_energy of pcm" in refused["got"]
    warm = ["device.retention=1000 s", "device.retention_temperature=85 C", "device.retention_energy=1.1 eV"]
    settings = [part for setting in ("device=subquantum-cbram", *warm) for part in ("--set", setting)]
    assert command("train", *small, *settings, "--out", "warm").status == 0
    told = [command("lifetime", "warm", "--json", *at).json for at in (["--retention"], ["--temperature", "358.15 K"])]
    assert told[0]["retention"] == told[1]["retention"]
    cold = command("lifetime", "warm", "--json", "--temperature", "25C").json
    assert cold["temperature"] == 298.15
    assert (
        cold["retention"][3]["accuracy"] > told[0]["retention"][3]["accuracy"]
    )  # a day: 86 time constants, or a fifteenth
    done = command("lifetime", "warm", "--temperature", "25C")
    assert "read again at 25 C" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--share", "0"), "between 0 and 1"),
        (("--share", "100%"), "between 0 and 1"),
        (("--share", "many"), "'many'"),
        (("--share", "nan"), "nan"),
        (("--temperature", "85"), "temperature"),
        (("--temperature", "-300 C"), "temperature"),
        (("--temperature", "hot"), "'hot'"),
        (("--node", "3nm"), "node"),
        (("--format", "gif"), "gif"),
    ],
)
def test_bad_options_are_refused_in_four_parts(
    command: Command, trained: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in four_parts(command("lifetime", "run", *arguments)).group()
    assert not (trained / "figures").exists()


def test_ideal_weights_are_refused(command: Command, finished_run: Path) -> None:
    assert "ideal weights" in four_parts(command("lifetime", str(finished_run)))["got"]
    assert "--set device=" in four_parts(command("lifetime", str(finished_run), "--retention"))["do"]


def test_an_array_of_stuck_cells_is_refused(command: Command, small: list[str]) -> None:
    command("train", *small, "--set", "device=subquantum-cbram", "--set", "device.stuck_low=1", "--set", "device.stuck_high=0",
            "--out", "run")  # fmt: skip
    assert "stuck" in four_parts(command("lifetime", "run"))["got"]


@pytest.mark.parametrize(
    "settings", [["array.wear=true"], ["array.prior_pulses=5"], ["array.wear=true", "device=ecram"], ["array.wear=3"]]
)
def test_wear_that_cannot_be_is_refused(
    command: Command, small: list[str], tmp_path: Path, settings: list[str]
) -> None:
    four_parts(command("train", *small, *(part for setting in settings for part in ("--set", setting))))
    assert everything_in(tmp_path) == {}


def test_cells_that_failed_are_told_and_kept(command: Command, small: list[str], tmp_path: Path) -> None:
    wear = ["device=subquantum-cbram", "array.wear=true", "device.endurance=40", "array.prior_pulses=10"]
    settings = [part for setting in wear for part in ("--set", setting)]
    metrics = command("train", *small, *settings, "--out", "run", "--json").json
    told = command("lifetime", "run", "--json").json
    failed = np.load(tmp_path / "run" / "arrays.npz")["failed"]
    assert told["cells_failed"] == metrics["cells_failed"] == np.count_nonzero(failed) > 0
    assert (
        command("array", "show", "run", "--json").json["cells_stuck"]
        == metrics["stuck_cells"]
        >= metrics["cells_failed"]
    )
    assert re.search(f"cells that failed from wear +│ +{metrics['cells_failed']:,} ", command("show", "run").out)


@pytest.mark.parametrize("harm", ["shape", "code", "age"])
def test_a_run_whose_cells_do_not_fit_is_refused(command: Command, trained: Path, harm: str) -> None:
    with np.load(trained / "arrays.npz") as file:
        arrays = dict(file)
    assert "age" in arrays
    if harm == "shape":
        arrays["failed"] = np.zeros((1, *arrays["writes"].shape[1:]), np.uint8)
    elif harm == "code":
        arrays["failed"] = np.full(arrays["writes"].shape, 3, np.uint8)
    else:
        arrays["age"] = -arrays["age"] - 1
    np.savez(trained / "arrays.npz", **arrays)
    assert "whole" in four_parts(command("lifetime", "run"))["rule"]


def test_a_run_of_other_data_is_not_read_again(
    command: Command, small: list[str], bars_file: Path, tmp_path: Path
) -> None:
    with np.load(bars_file) as file:
        arrays = dict(file)
    np.savez(tmp_path / "own.npz", **arrays)
    command("train", *small, "--set", "device=pcm", "--set", "data=own.npz", "--out", "run")
    arrays["x_train"] = np.roll(arrays["x_train"], 3, axis=1)
    arrays["x_train"][:, :2] = 0
    np.savez(tmp_path / "own.npz", **arrays)
    refused = four_parts(command("lifetime", "run", "--retention"))
    assert "other inputs" in refused["got"]
    (tmp_path / "own.npz").unlink()
    four_parts(command("lifetime", "run", "--retention"))
    assert command("lifetime", "run").status == 0  # wear needs no images
