"""``synarray device judge`` at its door: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command, everything_in, four_parts

FEW = ("--set", "n_neurons=12", "--set", "images=60", "--seeds", "2")


def test_json_and_the_files_beside_the_page(command: Command, bars_file: Path, tmp_path: Path) -> None:
    asked = ("device", "judge", "hzo-fefet", "--task", str(bars_file), *FEW, "--reach", "60", "--workers", "2")
    done = command(*asked, "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    for key in (
        "device", "task", "accuracy", "accuracy_low", "accuracy_high", "energy", "energy_low", "energy_high", "time",
        "trainings_left", "attribution", "reach", "command", "page", "unconfirmed",
    ):  # fmt: skip
        assert key in told
    assert told["device"] == "hzo-fefet"
    assert 0 <= told["accuracy_low"] <= told["accuracy"] <= told["accuracy_high"] <= 1
    assert told["accuracy"] == pytest.approx(sum(told["accuracies"]) / 2)
    properties = [row["property"] for row in told["attribution"]]
    assert set(properties) >= {"levels", "nonlinearity", "asymmetry", "c2c", "d2d", "read noise", "stuck", "wires"}
    assert {answer["property"] for answer in told["reach"]["answers"]} == {
        row["property"] for row in told["attribution"] if row["acts"]
    }
    page = tmp_path / told["page"]
    assert page == tmp_path / "verdicts" / "hzo-fefet" / "index.html"
    assert sorted(file.name for file in page.parent.iterdir()) == ["index.html", "verdict.json"]
    kept = json.loads((page.parent / "verdict.json").read_text("utf-8"))
    assert {key: kept[key] for key in told if key != "page"} == {key: told[key] for key in told if key != "page"}
    # the command it names asks the same again
    words = told["command"].split()
    assert words[:3] == ["synarray", "device", "judge"]
    again = json.loads(command(*words[1:], "--json").out)
    assert again == told


def test_people_read_the_verdict(command: Command, bars_file: Path) -> None:
    done = command("device", "judge", "sram", "--task", str(bars_file), *FEW, "--out", "mine")
    assert done.status == 0, done.err
    assert "sram" in done.out
    assert "levels" in done.out
    assert "mine/index.html" in done.out
    assert (Path("mine") / "index.html").is_file()


@pytest.mark.parametrize(("arguments", "said"), [
    (("pcn",), '"pcm"'),
    (("no-such.toml",), "no-such.toml"),
    (("pcm", "--experiment", "local-feilds"), '"local-fields"'),
    (("pcm", "--reach", "0"), "--reach"),
    (("pcm", "--reach", "100"), "--reach"),
    (("pcm", "--reach", "nan"), "--reach"),
    (("pcm", "--task", "no-such-folder"), "no-such-folder"),
    (("pcm", "--set", "device=ecram"), "first argument"),
    (("pcm", "--set", "seed=3"), "--seeds"),
    (("pcm", "--set", "data=x"), "--task"),
    (("pcm", "--set", "epohcs=3"), '"epochs"'),
    (("pcm", "--set", "device.g_max=0.5 uS"), "g_max"),
    (("pcm", "--set", "array.rows=8", "--set", "array.columns=8"), "array"),
])  # fmt: skip
def test_bad_input_is_refused_in_four_parts(
    command: Command, bars_file: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    task = () if "--task" in arguments else ("--task", str(bars_file))
    message = four_parts(command("device", "judge", *arguments, *task))
    assert said in message.group(0)
    assert not [name for name in everything_in(tmp_path) if name.endswith((".html", ".json"))]


@pytest.mark.parametrize(
    "text", ["law = ", 'name = "x"\nlaw = "linear"\ng_min = "2 uS"\ng_max = "1 uS"', "law = 3", "\0"]
)
def test_a_broken_device_is_refused(command: Command, tmp_path: Path, bars_file: Path, text: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    message = four_parts(command("device", "judge", "mine.toml", "--task", str(bars_file)))
    assert "mine.toml" in message.group(0)


def test_a_place_that_cannot_be_written_is_refused_before_any_training(
    command: Command, tmp_path: Path, bars_file: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    message = four_parts(command("device", "judge", "sram", "--task", str(bars_file), "--out", "taken"))
    assert "taken" in message.group(0)
    four_parts(command("device", "judge", "sram", "--task", str(bars_file), "--out", ""))
    assert (tmp_path / "taken").read_text() == "a file"


def test_an_earlier_page_stands_until_the_next_one_is_whole(
    command: Command, tmp_path: Path, bars_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("device", "judge", "sram", "--task", str(bars_file), *FEW, "--out", "mine")
    assert command(*asked).status == 0
    before = everything_in(tmp_path / "mine")

    def interrupted(*_: object, **__: object) -> str:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C while the page is being drawn
        return ""

    monkeypatch.setattr("synarray.report.verdict.inline_svg", interrupted)
    stopped = command(*asked)
    assert stopped.status == 130
    assert "Traceback" not in stopped.err
    assert everything_in(tmp_path / "mine") == before
