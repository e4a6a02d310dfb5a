"""What a study file must not say, what a command cannot do, and how both are told: before anything is on the disk."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import Command, Outcome, four_parts
from test_faults import refused
from test_studies import STUDY

from synarray.errors import SpecError
from synarray.files import write_whole
from synarray.learn.training import train
from synarray.study.plan import load_study
from synarray.study.table import best_points, load_table


@pytest.fixture
def study(tmp_path: Path, bars_file: Path) -> Path:
    """Write a study of twelve short runs."""
    path = tmp_path / "bars.toml"
    path.write_text(STUDY.format(data=bars_file), "utf-8")
    return path


def last(done: Outcome) -> Outcome:
    """Leave out what was printed for people before the message."""
    return Outcome(done.status, done.out, done.err.strip().splitlines()[-1])


AXIS = "images = [40, 80, 160]"
TABLE = '"neuron.beta" = [1.0]\nneuron = { key = "neuron", values = [{ beta = 2.0 }] }'
DEVICE = 'epochs = 1\ndevice = { base = "pcm", sigma_c2c = 0.1 }\n[axes.x]\nkey = "device.sigma_c2c"\nvalues = [0.2]'
CASE = '[[axes.method.cases]]\ntitle = "soft"\nbase = "nosuch"\n[axes]'
BAD = {
    "unknown key": (AXIS, '"stpd.b" = [1.0]', '"stpd" is not a key.*point .*Did you mean "stdp"'),
    "unknown inner key": (AXIS, '"stdp.z" = [1.0]', '"stdp.z" is not a key'),
    "value not allowed": (AXIS, "images = [40, -1]", "images should be greater.*point images = -1"),
    "empty axis": (AXIS, "images = []", "at least one value.*axis images"),
    "a value twice": (AXIS, "images = [40, 40]", "must differ: got 40 twice"),
    "unequal zip": (AXIS, "z = { zip = { images = [1, 2], epochs = [1] } }", "2 of images, 1 of epochs"),
    "zip and axis": (AXIS, 'z = { zip = { images = [9], "stdp.b" = [1.0] } }', 'one place: got "stdp.b"'),
    "axis and set": (AXIS, "epochs = [1, 2]", 'one place: got "epochs" in set and on axis epochs'),
    "two kinds": (AXIS, "a = { values = [1], cases = [] }", "got values and cases"),
    "seed axis": (AXIS, "seed = [1]", "Use seeds"),
    "axis like a result": (AXIS, 'accuracy = { key = "stdp.a", values = [1] }', "Rename it"),
    "figure": ('x = "b"', 'x = "imagse"', 'Did you mean "images"'),
    "unknown word": ("claim =", "clam =", '"clam" is not a key'),
    "no seeds": ("seeds = [0, 1]", "seeds = []", "seeds"),
    "no base": ('base = "local-fields"', 'base = "local-feilds"', 'Did you mean "local-fields"'),
    "empty range": (AXIS, 'r = { random = { n = 2, keys = { "stdp.a" = { low = 2, high = 1 } } } }', "below"),
    "spikes of no axis": ("seeds =", 'share_spikes = ["x"]\nseeds =', "share_spikes must name axes"),
    "when of no axis": ("[axes]", "[[when]]\nat = { x = 1 }\nset = { epochs = 1 }\n[axes]", "when.at must name axes"),
    "when of no value": ("[axes]", "[[when]]\nat = { b = 9 }\nset = { epochs = 1 }\n[axes]", "Known: 2.0, 3.0"),
    "too many": ("[axes]", "[axes]\n" + "".join(f'"x{i}" = {list(range(100))}\n' for i in range(9)), "at most 10,000,000 runs"),
    "search and axes": ("[axes]", '[search]\nspace = { "stdp.a" = { low = 0, high = 1 } }\n[axes]', "either axes or a search"),
    "a number twice": (AXIS, '"neuron.beta" = [1, 1.0, 2.0]', "must differ: got 1.0 twice"),
    "a quantity twice": (AXIS, '"encoding.rate_max" = ["1 kHz", "1000 Hz"]', 'must differ: got "1000 Hz" twice'),
    "a seed twice": ("seeds = [0, 1]", "seeds = [0, 0]", "seeds must differ: got 0 twice"),
    "axis like a column": (AXIS, 'made_host = { key = "stdp.a", values = [1] }', "Rename it"),
    "axis like a seed": (AXIS, 'experiment_seed = { key = "stdp.a", values = [1] }', "Rename it"),
    "axis like a spread": (AXIS, 'accuracy_std = { key = "stdp.a", values = [1] }', "Rename it"),
    "a key and its table": (AXIS, TABLE, 'one place: got "neuron.beta" on axis neuron.beta and on axis neuron'),
    "set in a table": ("epochs = 1", DEVICE, 'one place: got "device.sigma_c2c" in set'),
    "no base of a case": ("[axes]", CASE, r'got "nosuch" \(bars.toml, axis method, case soft, key base\)'),
    "no base anywhere": ('base = "local-fields"', 'base = "nosuch"', r"\(bars.toml, key base\)"),
    "nothing like it": ("claim =", "nosuch =", "[.] Known: axes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_a_study_must_not_say_is_refused_before_anything_runs(command: Command, study: Path, name: str) -> None:
    old, new, told = BAD[name]
    text = study.read_text("utf-8")
    assert old in text
    study.write_text(text.replace(old, new), "utf-8")
    message = four_parts(command("study", "run", "bars.toml"))
    assert re.search(told, message[0]), message[0]
    assert [path.name for path in study.parent.iterdir()] == ["bars.toml"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("study", "show", "."), "got a folder without study.toml.*study run"),
        (("study", "run", "."), "got a folder without one .*study run"),
        (("study", "show", "bars.toml"), "got a file .*Give a folder"),
        (("study", "best", "bars.toml"), "got a file .*Give a folder"),
        (("study", "show", "nowhere"), "got no such folder"),
        (("cite", "bars.toml"), "got a file .*Give a folder"),
        (("report", "bars.toml"), "got a file .*Give a folder"),
        (("study", "run", "bars.toml", "--set", "images=3"), '"images" by --set and on axis images .--set'),
        (("study", "run", "bars.toml", "--set", "stdp.b=3"), '"stdp.b" by --set and on axis b .--set'),
    ],
)
def test_what_a_command_cannot_do_is_told(command: Command, study: Path, arguments: tuple[str, ...], told: str) -> None:
    message = refused(last(command(*arguments)))
    assert re.search(told, message[0]), message[0]
    assert [path.name for path in study.parent.iterdir()] == ["bars.toml"]


def test_a_device_and_one_of_its_numbers_may_stand_on_two_axes(command: Command, study: Path) -> None:
    axes = 'device = ["pcm", "subquantum-cbram"]\n"device.sigma_c2c" = [0.1, 0.2]'
    study.write_text(study.read_text("utf-8").replace(AXIS, axes), "utf-8")
    done = command("study", "run", "bars.toml", "--out", "out", "--only", "b=2", "--only", "seed=0", "--json")
    assert done.json["runs"] == {"planned": 16, "done": 4, "failed": 0}


# What is told before anything runs, and what a file need not say


def test_missing_images_are_told_once_and_before_anything_is_on_the_disk(command: Command, study: Path) -> None:
    text = study.read_text("utf-8")
    there = re.search('data = (".+")', text)
    assert there is not None
    text = text.replace(there[0], "").replace("images = [40, 80, 160]", f'data = [{there[1]}, "nowhere.npz"]')
    study.write_text(text, "utf-8")
    message = four_parts(command("study", "run", "bars.toml", "--out", "out"))
    assert "bars.toml, point data = nowhere.npz, b = 2.0" in message["where"]
    assert [path.name for path in study.parent.iterdir()] == ["bars.toml"]


def test_images_that_went_away_do_not_matter_to_a_study_that_is_finished(
    command: Command, study: Path, tmp_path: Path, bars_file: Path
) -> None:
    mine = Path(shutil.copy(bars_file, tmp_path / "mine.npz"))
    text = study.read_text("utf-8").replace(str(bars_file), str(mine)).replace("[40, 80, 160]", "[40]")
    study.write_text(text, "utf-8")
    assert command("study", "run", "bars.toml", "--out", "out", "--workers", "1", "--only", "b=2").status == 0
    mine.unlink()
    assert command("study", "run", "bars.toml", "--out", "out", "--resume", "--only", "b=2.0").status == 0
    message = refused(last(command("study", "run", "bars.toml", "--out", "out", "--resume")))
    assert "point images = 40, b = 3.0" in message["where"]


def test_a_choice_is_of_numbers_not_of_their_spelling(command: Command, study: Path) -> None:
    done = command("study", "run", "bars.toml", "--out", "out", "--only", "b=2", "--only", "images=4e1", "--json")
    assert done.json["runs"]["done"] == 2
    assert set(load_table(study.parent / "out")["b"]) == {2.0}


def test_a_study_that_says_no_name_is_called_as_its_file(command: Command, study: Path) -> None:
    odd = study.with_name("my best study!.toml")
    odd.write_text(study.read_text("utf-8").replace('name = "bars"\n', ""), "utf-8")
    assert load_study(odd).name == "my-best-study-"
    odd.write_text("", "utf-8")
    assert "at least one key" in four_parts(command("study", "run", odd.name))["rule"]


def test_the_best_of_a_search_is_listed_once(tmp_path: Path) -> None:
    import pandas as pd

    rows = [(0, 1, 0.5), (1, 2, 0.9), (2, 2, 0.9), (3, 3, 0.1)]
    table = pd.DataFrame(rows, columns=["trial", "stdp.b", "accuracy"])
    table.attrs = {"axes": ["trial", "stdp.b"], "units": {}}
    assert best_points(table, ["accuracy"])["trial"].tolist() == [1]


def test_json_keeps_every_digit(command: Command, study: Path, tmp_path: Path) -> None:
    few = ("--only", "b=2", "--only", "images=40", "--workers", "1")
    assert command("study", "run", "bars.toml", "--out", "out", *few).status == 0
    path = tmp_path / "out" / "runs.jsonl"
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    small = 1.2345678901234567e-14
    for record in records:
        record["metrics"]["energy"] = small
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    shown = command("study", "show", "out", "--json").json
    assert {point["energy"] for point in shown["points"]} == {small}
    assert {point["energy_std"] for point in shown["points"]} == {0.0}


def test_one_is_one(command: Command, study: Path) -> None:
    done = command(
        "study", "run", "bars.toml", "--out", "out", "--only", "b=2", "--only", "images=40", "--only", "seed=0"
    )
    assert "of 12 runs finished" in done.out
    single = study.with_name("one.toml")
    single.write_text(study.read_text("utf-8").partition("[axes]")[0].replace("[0, 1]", "[0]"), "utf-8")
    assert "1 of 1 run finished" in command("study", "run", "one.toml", "--out", "one", "--workers", "1").out
    assert command("report", "one").status == 0
    assert "1 seed<" in (study.parent / "one/report/index.html").read_text("utf-8")


def test_an_experiment_must_have_been_read() -> None:
    with pytest.raises(SpecError, match="load_experiment"):
        train("local-fields", [[1.0]], [0])  # type: ignore[arg-type]


def test_nothing_half_written_is_left_beside_a_file(tmp_path: Path) -> None:
    def parts() -> Any:
        yield b"some"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "table.parquet", parts())
    assert list(tmp_path.iterdir()) == []
