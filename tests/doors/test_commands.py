"""The commands, used as intended: what they print, what they leave on disk, and that the same seed gives the same run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, Outcome, everything_in, four_parts, process

from synarray import __version__, train
from synarray.paper.reproduce import RowSpec, rows
from synarray.run.experiment import experiment_names, load_experiment
from synarray.run.opened import open_run

FILES = {"experiment.toml", "metrics.json", "arrays.npz", "provenance.json"}
KEYS = {
    "accuracy", "accuracy_hard", "accuracy_low", "accuracy_high", "pruned_fraction", "pulses_ltp", "pulses_ltd",
    "pulses", "pulses_skipped_by_pruning", "output_spikes", "n_inputs", "n_neurons", "epochs", "images_seen",
    "train_seconds", "images_per_second", "seed", "state_sha256", "run_dir",
}  # fmt: skip
SIGNATURE = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "svg": b"<?xml"}
ENDING = {"png": b"IEND\xaeB`\x82", "pdf": b"%%EOF", "svg": b"</svg>"}
MOST_PAGE_BYTES = 3_000_000


# Help and version


def test_version_is_the_packages(command: Command) -> None:
    for option in ("--version", "-V"):
        assert command(option) == Outcome(0, f"synarray {__version__}\n", "")


@pytest.mark.parametrize("name", ["", "train", "reproduce", "show", "bench"])
def test_help_goes_to_stdout_and_names_the_command(command: Command, name: str) -> None:
    done = command(*[name] * bool(name), "--help")
    assert (done.status, done.err) == (0, "")
    assert f"synarray {name}".strip() in done.out.splitlines()[0]


def test_help_names_every_command_and_every_option_is_explained(command: Command) -> None:
    assert {"train", "reproduce", "show", "bench"} <= set(command("--help").out.split())
    for name in ("train", "reproduce", "show", "bench"):
        options = re.findall(r"^  (--[a-z]+)(?: <[^>]*>| [A-Z=]+)*(.*)$", command(name, "--help").out, re.MULTILINE)
        assert options
        assert all(len(text.strip()) > 5 for _, text in options), options


@pytest.mark.parametrize("arguments", [["--version"], ["train", "--help"], ["train", "no-such-experiment"]])
def test_commands_that_train_nothing_load_no_compiler(tmp_path: Path, arguments: list[str]) -> None:
    program = (
        "import sys, synarray.cli.app as app\n"
        f"sys.argv = ['synarray', *{arguments!r}]\n"
        "try:\n    app.main()\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'matplotlib', 'sklearn', 'pandas'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [[], ["train"], ["device", "judge"], ["study", "run"]])
def test_short_help_is_help(command: Command, arguments: list[str]) -> None:
    assert command(*arguments, "-h") == command(*arguments, "--help")


def test_show_without_matplotlib_still_prints(
    command: Command, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = command("show", str(finished_run), "--out", "figures")
    assert (done.status, done.err) == (0, "")
    assert "accuracy, soft votes" in done.out
    assert "No figures were drawn: figures need matplotlib" in done.out
    assert "pip install 'synarray[report]'" in done.out
    shown = command("show", str(finished_run), "--out", "figures", "--json").json
    assert shown["figures"] == []
    assert "pip install 'synarray[report]'" in shown["figures_left_out"]
    assert not Path("figures").exists()
    assert "pip install 'synarray[report]'" in four_parts(command("report", str(finished_run), "--out", "page"))["do"]


# train


def test_the_process_prints_one_json_object_and_keeps_a_run(tmp_path: Path, small: list[str]) -> None:
    done = process("train", *small, "--json", folder=tmp_path)
    assert done.status == 0
    assert done.json.keys() >= KEYS
    assert done.out.count("\n") == 1
    assert {path.name for path in (tmp_path / done.json["run_dir"]).iterdir()} == FILES


def test_train_without_a_file_takes_local_fields_on_mnist(command: Command) -> None:
    short = ["--set", "images=300", "--set", "epochs=1", "--set", "n_neurons=12"]
    done = command("train", *short, "--json")
    assert done.status == 0
    found = done.json
    assert found.keys() >= KEYS
    assert (found["name"], found["images_seen"], found["n_neurons"], found["test_images"]) == (
        "local-fields", 300, 12, 10_000,
    )  # fmt: skip
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]
    assert found["accuracy"] > 0.15  # chance is 0.1


def test_counts_agree_with_each_other_and_with_the_file(command: Command, small: list[str], tmp_path: Path) -> None:
    pruned = ["--set", "pruning.mode=soft", "--set", "pruning.fraction=0.5", "--set", "epochs=3"]
    found = command("train", "full-field", *small, *pruned, "--json").json
    assert found["pulses"] == found["pulses_ltp"] + found["pulses_ltd"] + found["pulses_pruning"]
    assert found["images_seen"] == 3 * 160
    assert found["images_per_second"] == pytest.approx(found["images_seen"] / found["train_seconds"])
    assert found["pruned_fraction"] == pytest.approx(0.5, abs=0.01)
    assert found["pulses_skipped_by_pruning"] > 0
    assert found["n_cells"] == found["n_inputs"] * found["n_neurons"]
    stored = json.loads((tmp_path / found["run_dir"] / "metrics.json").read_text("utf-8"))
    shared = found.keys() & stored.keys()
    assert shared >= KEYS - {"run_dir"}
    assert {key: found[key] for key in shared} == {key: stored[key] for key in shared}


def test_the_same_seed_gives_the_same_state_and_another_seed_another(command: Command, small: list[str]) -> None:
    states = [command("train", *small, "--seed", seed, "--json").json["state_sha256"] for seed in ("7", "7", "8")]
    assert states[0] == states[1] != states[2]
    assert all(re.fullmatch("[0-9a-f]{64}", state) for state in states)


def test_a_process_of_its_own_reaches_the_same_state(command: Command, small: list[str], tmp_path: Path) -> None:
    inside = command("train", *small, "--json").json
    outside = process("train", *small, "--json", folder=tmp_path).json
    assert inside["state_sha256"] == outside["state_sha256"]
    assert inside["accuracy"] == outside["accuracy"]


def test_seed_beats_the_file_and_contradicts_no_setting(command: Command, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text("seed = 1", "utf-8")
    assert command("train", "e.toml", *small, "--json").json["seed"] == 1
    assert command("train", "e.toml", *small, "--set", "seed=2", "--json").json["seed"] == 2
    assert command("train", "e.toml", *small, "--seed", "3", "--json").json["seed"] == 3
    four_parts(command("train", "e.toml", *small, "--set", "seed=2", "--seed", "3", "--json"))


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("n_neurons=13", "n_neurons", 13),
        ("n_neurons=1_3", "n_neurons", 13),
        ("stdp.a=0.1", "stdp.a", 0.1),
        ("stdp.a=1e-1", "stdp.a", 0.1),
        ("stdp.w_start=-0.5", "stdp.w_start", -0.5),
        ("encoding.gain_control=false", "encoding.gain_control", False),
        ("stdp.pulse_at_bound=true", "stdp.pulse_at_bound", True),
        ("fields.kind=full", "fields.kind", "full"),
        ('fields.kind="full"', "fields.kind", "full"),
        ("fields.grid=[2, 2]", "fields.grid", (2, 2)),
        ("cell.step=exact", "cell.step", "exact"),
        ("cell.step=0.2", "cell.step", 0.2),
        ("cell.n_levels=4", "cell.n_levels", 4),
        ("encoding.t_window=5 ms", "encoding.t_window", 0.005),
        ('encoding.t_window="5 ms"', "encoding.t_window", 0.005),
        ("encoding.rate_max=0.12kHz", "encoding.rate_max", 120.0),
        ("note=two words, one = sign", "note", "two words, one = sign"),
        ("name=another", "name", "another"),
        ("images=100", "images", 100),
        (" epochs = 2", "epochs", 2),
    ],
)
def test_set_changes_just_that_key(
    command: Command, small: list[str], tmp_path: Path, setting: str, key: str, value: object
) -> None:
    done = command("train", *small, "--set", setting, "--out", "run")
    assert done.status == 0
    read: Any = open_run(tmp_path / "run").experiment
    for part in key.split("."):
        read = getattr(read, part)
    assert read == value
    settings = dict(part.split("=", 1) for part in small[1::2])
    plain = load_experiment(None, {"data": settings["data"], "n_neurons": 12, "epochs": 1})
    first, _, second = key.partition(".")
    part = {**dict(getattr(plain, first)), second: value} if second else value
    assert open_run(tmp_path / "run").experiment == type(plain)(**{**dict(plain), first: part})


@pytest.mark.parametrize("name", ["my bars.npz", "stäbe.npz", "a=b.npz", "it's.npz", "[red]bars.npz", "😀.npz"])
def test_data_may_lie_under_any_name(command: Command, bars_file: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "some where").mkdir()
    path = tmp_path / "some where" / name
    path.write_bytes(bars_file.read_bytes())
    short = ["--set", "n_neurons=12", "--set", "epochs=1", "--out", "run"]
    done = command("train", "--set", f"data={path}", *short)
    assert done.status == 0
    assert name.removesuffix(".npz") in done.err
    assert command("show", "run", "--json").json["data"] == str(path)
    assert (
        command("train", "run/experiment.toml", "--json").json["state_sha256"]
        == (command("show", "run", "--json").json["state_sha256"])
    )


@pytest.mark.parametrize(
    "note", ["😀", "line\nline", 'a "quoted" \\ back', "tab\tbell\a", "del\x7f", "# not a comment"]
)
def test_a_note_comes_back_as_it_was(command: Command, small: list[str], tmp_path: Path, note: str) -> None:
    (tmp_path / "e.toml").write_text(
        f"note = {json.dumps(note, ensure_ascii=False)}".replace("\x7f", "\\u007f"), "utf-8"
    )
    assert command("train", "e.toml", *small, "--out", "run").status == 0
    assert open_run(tmp_path / "run").experiment.note == note


def test_a_file_finds_its_data_beside_itself(command: Command, bars_file: Path, tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "mine.npz").write_bytes(bars_file.read_bytes())
    (tmp_path / "task" / "e.toml").write_text('data = "mine.npz"\nn_neurons = 8\nepochs = 1', "utf-8")
    assert command("train", "task/e.toml", "--out", "elsewhere/run").status == 0
    (tmp_path / "elsewhere" / "run" / "experiment.toml").rename(tmp_path / "moved.toml")
    assert command("train", "moved.toml").status == 0


def test_mnist_means_mnist_whatever_lies_beside_the_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "e.toml").write_text('data = "mnist"\nimages = 100\nn_neurons = 8\nepochs = 1', "utf-8")
    assert command("train", "e.toml", "--json").json["test_images"] == 10_000


def test_a_base_is_built_upon_and_may_itself_have_one(command: Command, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "low.toml").write_text('base = "soft-pruned"\n[pruning]\nfraction = 0.25', "utf-8")
    (tmp_path / "high.toml").write_text('base = "low.toml"\nname = "high"\n[stdp]\nc = 0.01', "utf-8")
    assert command("train", "high.toml", *small, "--out", "run").status == 0
    read, packaged = open_run(tmp_path / "run").experiment, load_experiment("soft-pruned")
    assert (read.name, read.stdp.c, read.pruning.fraction) == ("high", 0.01, 0.25)
    assert (read.pruning.mode, read.pruning.n_stages) == ("soft", packaged.pruning.n_stages)
    assert read.encoding == packaged.encoding


def test_a_run_keeps_its_four_files_and_can_be_opened(command: Command, small: list[str], tmp_path: Path) -> None:
    found = command("train", *small, "--out", "my runs/first", "--json").json
    folder = tmp_path / "my runs" / "first"
    assert found["run_dir"] == "my runs/first"
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["first"]
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    assert provenance["command"][1:3] == ["train", "--set"]
    assert provenance["versions"]["synarray"] == __version__
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["label_counts"].shape == (12, 4)
        assert arrays["w"].min() >= -1
        assert arrays["w"].max() <= 1


def test_a_runs_experiment_trains_again_to_the_same_state(command: Command, small: list[str]) -> None:
    odd = ["--set", "encoding.rate_max=240.123456789 Hz", "--set", "stdp.a=0.1234567890123", "--seed", "5"]
    first = command("train", *small, *odd, "--out", "first", "--json").json
    again = command("train", "first/experiment.toml", "--json").json
    assert again["state_sha256"] == first["state_sha256"]
    assert again["accuracy"] == first["accuracy"]
    assert again["run_dir"].startswith("runs/local-fields-s5-")


def test_a_second_run_leaves_the_first_untouched(command: Command, small: list[str], tmp_path: Path) -> None:
    assert command("train", *small, "--out", "run").status == 0
    before = everything_in(tmp_path)
    second = command("train", *small, "--seed", "1", "--out", "run", "--json").json
    third = command("train", *small, "--seed", "1", "--out", "run", "--json").json
    after = everything_in(tmp_path)
    assert (second["run_dir"], third["run_dir"]) == ("run-2", "run-3")
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {"run-2", "run-3"} | {f"run-{n}/{name}" for n in (2, 3) for name in FILES}


def test_an_empty_folder_given_with_out_is_used(command: Command, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert command("train", *small, "--out", "run", "--json").json["run_dir"] == "run"


def test_out_may_be_this_folder_when_it_is_empty_or_the_next_free_one(
    command: Command, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "something").touch()
    monkeypatch.chdir(tmp_path / "here")
    done = command("train", *small, "--out", ".")
    assert done.status in (0, 2)  # a run beside the folder, or a refusal in words
    assert everything_in(tmp_path / "here") == {"something": b""}


@pytest.mark.parametrize("out", [".", "./"])
def test_a_run_into_this_empty_folder_can_be_seen_from_it(
    command: Command, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    """Putting another folder in its place would leave the caller's shell in one that is gone."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = command("train", *small, "--out", out)
    assert {path.name for path in Path().iterdir()} == (FILES if done.status == 0 else set())


@pytest.mark.parametrize("out", ["..", "sub/.."])
def test_no_folder_is_named_after_a_way_up(
    command: Command, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (tmp_path / "here" / "sub" / "full").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    command("train", *small, "--out", out)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith("..")]


def test_a_runs_experiment_trains_again_from_anywhere(
    command: Command, bars_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.npz").write_bytes(bars_file.read_bytes())
    short = ["--set", "data=mine.npz", "--set", "n_neurons=12", "--set", "epochs=1"]
    first = command("train", *short, "--out", "run", "--json").json
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = command("train", "../run/experiment.toml", "--json")
    assert again.status == 0
    assert again.json["state_sha256"] == first["state_sha256"]


@pytest.mark.parametrize("name", ["[bold]", "x[/bold]", "a[1]"])
def test_the_run_is_named_as_it_is_on_disk(command: Command, small: list[str], tmp_path: Path, name: str) -> None:
    done = command("train", *small, "--out", name)
    assert done.status == 0
    assert (tmp_path / name / "metrics.json").exists()
    assert f"Run: {name} " in done.out
    assert f"{name}/figures/confusion.png" in command("show", name).out


def test_text_output_tells_what_json_tells(command: Command, small: list[str]) -> None:
    text, found = command("train", *small).out, command("train", *small, "--json").json
    assert f"{100 * found['accuracy']:.2f} %" in text
    assert f"{found['pulses']:,}" in text
    assert found["state_sha256"][:16] in text


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"COLUMNS": "1"}, {"FORCE_COLOR": "1"}])
def test_any_terminal_will_do(tmp_path: Path, finished_run: Path, environment: dict[str, str]) -> None:
    done = process("show", str(finished_run), "--out", "figures", folder=tmp_path, **environment)
    assert (done.status, done.err) == (0, "")


def test_ctrl_c_while_training_exits_130_in_words_and_leaves_what_it_goes_on_from(tmp_path: Path) -> None:
    """The process signals itself as soon as it has learned something, long before it is done."""
    program = (
        "import os, signal, sys, synarray.cli.app as app, synarray.learn.training as training\n"
        "train = training.train\n"
        "def interrupted(*arguments, **options):\n"
        "    options['on_progress'] = lambda _: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return train(*arguments, **options)\n"
        "training.train = interrupted\n"
        "sys.argv = ['synarray', 'train', '--set', 'epochs=5000', '--out', 'run']\n"
        "app.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr
    assert set(everything_in(tmp_path)) == {"run.partial"} | {
        f"run.partial/{name}" for name in ("experiment.toml", "checkpoint-0")
    }
    assert "synarray: interrupted" in done.stderr
    assert "synarray resume run" in done.stderr


# show


def test_show_tells_the_run_and_draws_it(command: Command, finished_run: Path, tmp_path: Path) -> None:
    done = command("show", str(finished_run), "--out", "figures")
    assert (done.status, done.err) == (0, "")
    metrics = open_run(finished_run).metrics
    assert f"{100 * metrics['accuracy']:.2f} %" in done.out
    assert metrics["state_sha256"][:16] in done.out
    drawn = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert drawn == ["confusion.png", "receptive-fields.png", "training-curve.png"]
    assert all(f"figures/{name}" in done.out for name in drawn)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_figures_are_whole_files_of_their_format(
    command: Command, finished_run: Path, tmp_path: Path, kind: str
) -> None:
    found = command("show", str(finished_run), "--out", "figures", "--format", kind, "--json").json
    assert len(found["figures"]) == 3
    for file in found["figures"]:
        content = (tmp_path / file).read_bytes()
        assert file.endswith(f".{kind}")
        assert content.startswith(SIGNATURE[kind])
        assert content.rstrip().endswith(ENDING[kind])
        if kind == "svg":
            assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"


def test_show_json_is_the_runs_metrics_with_its_curve(command: Command, small: list[str]) -> None:
    trained = command("train", *small, "--out", "run", "--json").json
    shown = command("show", "run", "--json").json
    assert {key: shown[key] for key in trained} == trained
    assert [point["presentations"] for point in shown["history"]] == [160]
    assert shown["history"][-1]["pulses"] == trained["pulses"]


def test_showing_changes_nothing_but_the_figures(command: Command, small: list[str], tmp_path: Path) -> None:
    assert command("train", *small, "--out", "run").status == 0
    before = everything_in(tmp_path)
    for _ in range(2):
        assert command("show", "run").status == 0
    after = everything_in(tmp_path)
    assert {path: after[path] for path in before} == before
    assert {Path(path).parent for path in set(after) - set(before)} == {Path("run"), Path("run/figures")}


@pytest.mark.parametrize("neurons", ["1", "12", "5000"])
def test_any_number_of_receptive_fields_can_be_asked_for(command: Command, finished_run: Path, neurons: str) -> None:
    assert command("show", str(finished_run), "--out", "figures", "--neurons", neurons).status == 0


def test_a_run_without_geometry_can_be_shown(command: Command, bars_file: Path, tmp_path: Path) -> None:
    with np.load(bars_file) as bars:
        flat = {key: bars[key].reshape(len(bars[key]), -1) if key[0] == "x" else bars[key] for key in bars.files}
    np.savez(tmp_path / "flat.npz", **flat)
    short = ["--set", "data=flat.npz", "--set", "n_neurons=12", "--set", "epochs=1"]
    done = command("train", *short, "--out", "run", "--json")
    assert "fell back to one full field" in done.json["notes"][0]
    assert "fell back to one full field" in " ".join(done.err.split())
    assert command("show", "run").status == 0


def test_a_reader_that_hangs_up_gets_no_traceback(tmp_path: Path, finished_run: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "synarray", "show", str(finished_run), "--out", "figures"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as shown:  # fmt: skip
        assert shown.stdout is not None
        assert shown.stderr is not None
        shown.stdout.close()
        assert shown.stderr.read() == b""
    assert shown.returncode != 0


# reproduce


class Resources(HTMLParser):
    """Everything a page would fetch, and everything it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.images: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster", "background") or (tag == "link" and name == "href"):
                (self.images if tag == "img" else self.fetched).append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


SHORT = ["--seeds", "1", "--set", "images=300", "--set", "epochs=1"]


def test_reproduce_writes_a_page_that_stands_alone(command: Command, tmp_path: Path) -> None:
    done = command("reproduce", *SHORT, "--only", "local,soft-75", "--out", "report", "--json")
    assert done.status == 0
    page = Path(json.loads(done.out)["report"])
    assert page == Path("report/index.html")
    content = page.read_text("utf-8")
    found = Resources()
    found.feed(content)
    assert found.tags.count("svg") == 7  # the accuracies, and three figures of each row, drawn in the page itself
    assert found.images == []
    assert found.fetched == ["data:,"]  # the icon: none
    assert "script" not in found.tags
    assert not re.search(r"@import|url\((?!#)", content)
    assert len(content.encode()) < MOST_PAGE_BYTES
    assert "local fields" in found.text
    assert "{{" not in content
    assert "{%" not in content
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"index.html", "table.json", "figures"}


def test_reproduce_prints_the_numbers_of_its_rows_as_json(command: Command, tmp_path: Path) -> None:
    """One seed has no spread, and JSON has no NaN for it."""
    done = command("reproduce", *SHORT, "--only", "soft-75", "--out", "report", "--json")
    (row,) = done.json["rows"]
    assert row["key"] == "soft-75"
    assert row["seeds"] == [0]
    assert row["accuracies"] == [row["accuracy"]]
    assert row["runs"][0].keys() >= KEYS - {"run_dir"}
    assert row["runs"][0]["images_seen"] == 300
    table = Outcome(0, (tmp_path / "report" / "table.json").read_text("utf-8"), "").json
    assert table["rows"] == done.json["rows"]


def test_factors_multiply_to_all_updates_over_the_pulses_sent(command: Command, small: list[str]) -> None:
    done = command("reproduce", "--seeds", "2", *small, "--only", "local,soft-75", "--json")
    for row in json.loads(done.out)["rows"]:
        run = row["runs"][0]
        draws = {"local": 1, "soft-75": 4}[row["key"]]
        everything = draws * run["images_seen"] * run["n_inputs"] * run["n_neurons"]
        assert np.prod(list(row["factors"].values())) == pytest.approx(everything / run["pulses"])


def test_a_row_is_the_run_its_command_names(command: Command, small: list[str]) -> None:
    """What the page offers under "run any row yourself" must lead to the numbers that stand in the table."""
    done = command("reproduce", "--seeds", "1", *small, "--only", "conventional-40")
    assert done.status == 0
    row = json.loads(Path("reports/reproduce/table.json").read_text("utf-8"))["rows"][0]
    program, *arguments = row["command"].split()
    assert program == "synarray"
    assert command(*arguments, "--json").json["state_sha256"] == row["runs"][0]["state_sha256"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.key)
def test_every_row_can_be_run_and_names_its_settings(row: RowSpec) -> None:
    spec = load_experiment(row.experiment, row.changes)
    assert row.experiment in experiment_names()
    parts = row.command.split()
    settings = dict(part.split("=") for part in parts if "=" in part)
    assert load_experiment(parts[2], {key: _value(value) for key, value in settings.items()}) == spec


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_results_do_not_depend_on_how_many_run_at_a_time(command: Command, small: list[str]) -> None:
    found = []
    for workers in ("1", "3"):
        done = command("reproduce", "--seeds", "2", *small, "--only", "local,random-75", "--workers", workers, "--json")
        found.append([run["state_sha256"] for row in json.loads(done.out)["rows"] for run in row["runs"]])
    assert found[0] == found[1]
    assert len(set(found[0])) == 4


def test_the_terminal_table_keeps_what_the_paper_states(command: Command, small: list[str]) -> None:
    done = command("reproduce", "--seeds", "1", *small, "--only", "soft-75")
    assert "soft-pru…" not in done.out
    assert "Report: reports/reproduce/index.html" in done.out


def test_several_processes_may_write_to_one_place(tmp_path: Path, small: list[str]) -> None:
    outcomes: list[Outcome] = []
    started = [
        threading.Thread(target=lambda: outcomes.append(process("train", *small, "--out", "run", "--json", folder=tmp_path)))
        for _ in range(2)
    ]  # fmt: skip
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert sorted(outcome.json["run_dir"] for outcome in outcomes) == ["run", "run-2"]
    assert all({path.name for path in folder.iterdir()} == FILES for folder in tmp_path.iterdir())


def test_what_was_changed_in_a_short_training_is_shown_later(command: Command, small: list[str]) -> None:
    trained = command("train", *small, "--set", "neuron.homeostasis_travel=9", "--out", "run", "--json").json
    note = next(note for note in trained["notes"] if "threshold step was raised" in note)
    assert f"Note: {note[:60]}" in command("show", "run").out


@pytest.mark.parametrize(("experiment", "darkest"), [("local-fields", 30), ("conv-local", 0)])
def test_images_in_which_no_input_is_active_are_said(experiment: str, darkest: int) -> None:
    """They are above the level that selects features and below the floor of the encoding, or black."""
    x, y = np.full((60, 28, 28), darkest, np.uint8), np.arange(60) % 2
    result = train(experiment, x, y, x, y)
    assert result.metrics()["pulses_ltp"] == 0  # silent inputs still get LTD
    assert any("No input was active" in note for note in result.notes)


def test_rivals_of_a_benchmark_are_compared_turn_by_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that becomes slower moves no ratio, nor does one that is busy for a turn. Real rivals have one, too."""
    from synarray.bench import benchmark

    host = np.repeat([1.0, 0.1], 10)  # ten times slower from the tenth turn on
    busy = np.where(np.arange(20) == 3, 0.5, 1.0)
    speeds = benchmark._in_turns(
        20, cells=lambda turn: 90.0 * host[turn] * busy[turn], ideal=lambda turn: 120.0 * host[turn]
    )
    compared = benchmark._compared(speeds["cells"], speeds["ideal"])
    assert compared == {"ratio": 0.75, "ratio_low": 0.75, "ratio_high": 0.75, "turns": 20}
    assert np.median(speeds["cells"]) / np.median(speeds["ideal"]) < 0.5  # what medians of each would say
    slower = (0.9**call for call in range(40))  # by a tenth at each call
    speeds = benchmark._in_turns(20, cells=lambda _: 90.0 * next(slower), ideal=lambda _: 120.0 * next(slower))
    compared = benchmark._compared(speeds["cells"], speeds["ideal"])
    assert compared["ratio"] == pytest.approx(0.75, rel=0.01)  # 0.83 where the same one is always first
    assert (compared["ratio_low"], compared["ratio_high"]) == pytest.approx((0.75 * 0.9, 0.75 / 0.9))
    monkeypatch.setattr(benchmark, "_TURN", 64)
    assert benchmark.rivals(2, 2)["ratio"] > 0
    assert all(found["ratio_low"] > 0 for found in benchmark.through_devices(2).values())


def test_bench_prints_what_it_measured(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys are numbers, its tables are text."""
    from synarray.bench import benchmark
    from synarray.cli import benching

    turns = {"ratio_low": 0.7, "ratio_high": 21.0, "turns": 40}
    speed = {"ideal": 2e5, "device": 1.5e5, "ratio": 0.75, **turns}
    stand_ins = {
        "rivals": {"synarray": 8e4, "numpy": 4e3, "ratio": 20.0, **turns},
        "network_speed": 2e5,
        "through_devices": {"full-field, analog": speed},
        "stages": [benchmark.Stage("read", 2e-6, 1e-6, "bytes")],
        "by_neurons": {100: 2e5, 6400: 4e3},
        "by_inputs": {33.1: 9e4},
        "peak_memory": 3e8,
    }
    for name, found in stand_ins.items():
        monkeypatch.setattr(benchmark, name, lambda *_, found=found, **__: found)
    monkeypatch.setattr(benching, "_one_epoch", lambda: {"accuracy": 0.951, "train_seconds": 0.3})
    done = command("bench")
    assert (done.status, done.err) == (0, "")
    for word in ("80,000", "20.0x (0.7 to 21.0)", "0.75x (0.70 to 21.00) of ideal", "6,400", "33.1", "2.0x", "300 MB"):
        assert word in done.out
    assert json.loads(command("bench", "--json").out)["by_neurons"] == {"100": 2e5, "6400": 4e3}
