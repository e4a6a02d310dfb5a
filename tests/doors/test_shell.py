"""The shell for a newcomer: what is said first, the lists, common options, and tables that hold in 80 columns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from command import Command, four_parts, process

from synarray.cli.app import app
from synarray.cli.first_page import GROUPS
from synarray.report.tables import Table
from synarray.report.terminal import Terminal
from synarray.run.experiment import experiment_names
from synarray.run.listed import ListedRun


def test_alone_it_says_the_five_things_people_come_for(command: Command) -> None:
    done = command()
    assert (done.status, done.err) == (0, "")
    offered = re.findall(r"^  \w.*?  +synarray ([a-z]+)", done.out, re.M)
    assert offered == ["device", "train", "reproduce", "study", "studio"]
    assert set(offered) <= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert max(map(len, done.out.splitlines())) <= 80


def test_help_lists_every_command_once_under_a_heading(command: Command) -> None:
    done = command("--help")
    listed = re.findall(r"^  ([a-z]+)  ", done.out, re.M)
    assert sorted(listed) == sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert all(f"{title}:" in done.out for title in GROUPS)
    assert "Other commands" not in done.out


def test_experiments_are_listed(command: Command) -> None:
    done = command("experiments")
    assert all(name in done.out for name in experiment_names())
    found = command("experiments", "--json").json["experiments"]
    assert [each["name"] for each in found] == list(experiment_names())
    assert {each["name"]: each["epochs"] for each in found}["local-few-images"] == 20


def test_common_keys_are_options(command: Command, bars_file: Path) -> None:
    options = ["--epochs", "2", "--neurons", "11", "--seed", "3", "--device", "pcm", "--set", f"data={bars_file}"]
    settings = ["epochs=2", "n_neurons=11", "seed=3", "device=pcm", f"data={bars_file}"]
    by_options = command("train", "full-field", *options, "--json").json
    by_keys = command("train", "full-field", *[part for key in settings for part in ("--set", key)], "--json").json
    assert by_options["state_sha256"] == by_keys["state_sha256"]
    assert (by_options["n_neurons"], by_options["epochs"], by_options["device"]) == (11, 2, "pcm")


@pytest.mark.parametrize(("option", "value"), [("--epochs", "0"), ("--neurons", "-3"), ("--device", "no-such-cell")])
def test_common_options_are_refused_in_words(command: Command, option: str, value: str) -> None:
    assert value in four_parts(command("train", option, value))["got"]


@pytest.mark.parametrize(
    ("typed", "name", "other"),
    [
        ("train soft", "soft-pruned-90", "local-fields"),
        ("train --device tao", "taox-hfox", "pcm"),
        ("devices show pc", "pcmo", "sram"),
        ("device judge stt", "stt-mram", "sram"),
        ("device synth pc", "pcmo", "sram"),
        ("export c conv", "conv-taught", "local-fields"),
        ("study run pru", "pruning", "fashion"),
        ("play fro", "frozen-lake", "cartpole"),
        ("ex", "experiments", "train"),
    ],
)
def test_names_are_completed_by_the_shell(typed: str, name: str, other: str, tmp_path: Path) -> None:
    asked = {"_SYNARRAY_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"synarray {typed}"}
    done = process(folder=tmp_path, **asked)
    assert name in done.out
    assert other not in done.out


def test_runs_are_listed_finished_and_not(command: Command, small: list[str], tmp_path: Path) -> None:
    assert command("train", "full-field", *small, "--out", "runs/done").status == 0
    _interrupted(tmp_path, small, "runs/begun")
    (tmp_path / "runs" / "other").mkdir()
    listed = command("runs")
    assert re.search(r"done .* finished", listed.out)
    assert re.search(r"begun .* unfinished", listed.out)
    assert "other" not in listed.out
    found = {each["name"]: each for each in command("runs", "runs", "--json").json["runs"]}
    assert set(found) == {"done", "begun"}
    assert found["done"]["accuracy"] == command("show", "runs/done", "--json").json["accuracy"]


def test_the_estimate_of_an_unfinished_run_is_not_listed_as_a_test(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    states = {"one": "finished", "two": "unfinished, 9 presentations saved"}
    found = [ListedRun(name, "full-field", None, 0, 0.9, state, "") for name, state in states.items()]
    monkeypatch.setattr("synarray.run.listed.runs_in", lambda folder: found)
    listed = command("runs").out
    assert re.search(r"one .* 90\.00 % +│ finished", listed)
    assert re.search(r"two .* 90\.00 % so far +│ unfinished", listed)


def test_a_damaged_run_is_listed_as_such(command: Command, small: list[str], tmp_path: Path) -> None:
    command("train", "full-field", *small, "--out", "runs/one")
    (tmp_path / "runs" / "one" / "metrics.json").write_text("[]", "utf-8")
    assert command("runs", "--json").json["runs"][0]["state"] == "damaged"


def test_a_folder_of_runs_must_exist(command: Command) -> None:
    assert "nowhere" in four_parts(command("runs", "nowhere"))["where"]


def test_an_interrupted_run_shows_its_curve_so_far_and_can_be_resumed(
    command: Command, small: list[str], tmp_path: Path
) -> None:
    _interrupted(tmp_path, small, "begun")
    shown = command("show", "begun")
    assert (shown.status, shown.err) == (0, "")
    assert re.search(r"begun is not finished: [\d,]+ presentations are saved", shown.out)
    assert "Resume it: synarray resume begun" in shown.out
    found = command("show", "begun", "--json").json
    assert found["finished"] is False
    assert [point["presentations"] for point in found["history"]] == sorted(
        point["presentations"] for point in found["history"]
    )
    assert not (tmp_path / "begun").exists()  # the place of the run stays free
    assert command("resume", "begun", "--json").json["run_dir"] == "begun"


def _interrupted(folder: Path, small: list[str], out: str) -> None:
    """Train three epochs, and stop after the first."""
    program = (
        "import sys\nfrom synarray.cli.app import main\nfrom synarray.learn.checkpoint import Checkpoints\n"
        "at_block = Checkpoints.at_block\n"
        "def stop(self, trainer):\n"
        "    self.asked_to_stop = trainer.presentations >= 160\n"
        "    at_block(self, trainer)\n"
        "Checkpoints.at_block = stop\n"
        f"sys.argv = ['synarray', 'train', 'full-field', *{small!r}, '--set', 'epochs=3', '--set', 'checkpoint.seconds=0 s',"
        f" '--out', {out!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode != 0, done.stderr
    assert "interrupted" in done.stderr, done.stderr


NUMBERS = Table(
    "Wide", ("action", "count", "energy of one", "energy", "share", "a long heading that folds"),
    [("pulses of the training", "147,716,336,912", "368.25 pJ", "12.7 mJ (11.1 mJ to 14.2 mJ)", "94.4 %", "1,234,567,890")],
)  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 80, 100, 150])
def test_no_number_of_a_table_is_ever_cut(width: int) -> None:
    terminal = Terminal(width=width)
    with terminal.capture() as printed:
        terminal.print(NUMBERS)
    lines = printed.get().splitlines()
    assert max(map(len, lines)) <= width
    for number in re.findall(r"[\d.,]*\d", " ".join(NUMBERS.rows[0])):
        assert any(re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d.,])", line) for line in lines), number
    assert "…" not in printed.get()


COMPARED = Table(
    "The same elsewhere", ("machine", "pulses", "factor", "in all", "factor", "one by one", "rows at once", "moved", "area"),
    [("without pruning (estimate)", "11.1 uJ", "1x", "84.9 uJ", "6,790x", "1.14 s", "131 ms", "3.6 GB", "0.572 mm2")],
)  # fmt: skip


@pytest.mark.parametrize("width", [60, 72, 80, 81, 85, 100])
@pytest.mark.parametrize("table", [NUMBERS, COMPARED], ids=lambda table: table.title)
def test_no_column_of_a_table_is_ever_cut(table: Table, width: int) -> None:
    """Every line of the table reaches its right edge, and every word of it is there."""
    terminal = Terminal(width=width)
    with terminal.capture() as printed:
        terminal.print(table)
    lines = [line for line in printed.get().splitlines() if line.startswith(tuple("┏┃┡│├└┌"))]
    assert all(line[-1] in "┓┃┩│┤┘┐" for line in lines), printed.get()
    words = {word for cell in (*table.columns, *table.rows[0]) for word in cell.split() if len(word) <= 12}
    assert words <= set(re.findall(r"[^\s┃│]+", printed.get()))
