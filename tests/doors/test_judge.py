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


def test_pulses_are_judged_in_one_command(command: Command, bars_file: Path, tmp_path: Path) -> None:
    assert command("device", "synth", "hzo-fefet", "--devices", "5", "--cycles", "2", "-o", "my pulses.csv").status == 0
    with Path("my pulses.csv").open("a") as file:
        file.write("0,99,1,LTP,3.65,7.5e-8,nan,0.5,300\n")
    few = ("--task", str(bars_file), *FEW[:4], "--draws", "2")
    done = command("device", "judge", "my pulses.csv", *few, "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    fitted = tmp_path / "verdicts" / "my-pulses" / "my-pulses.toml"
    assert (told["fit"]["device"], told["fitted"], told["trainings"]) == (str(fitted.relative_to(tmp_path)), True, 2)
    assert told["fit"]["discarded"] == {"conductance that is no number": 1}
    assert told["fit"]["n_levels_ltp"] == 32
    assert "judge 'my pulses.csv' --task" in told["command"]
    page = (tmp_path / told["page"]).read_text("utf-8")
    assert "Measured, in my pulses.csv" in page
    assert "1 conductance that is no number" in page
    assert page.count("<svg") == 4
    # as fitting first and judging then; the pulses are drawn where they are given
    assert command("device", "fit", "my pulses.csv", "-o", "other.toml").status == 0
    assert (
        fitted.read_text().partition("\n")[2] == Path("other.toml").read_text().partition("\n")[2]
    )  # all but the name
    again = json.loads(command("device", "judge", "other.toml", *few, "--measured", "my pulses.csv", "--json").out)
    same = ("accuracies", "energy", "attribution", "time")
    assert {key: again[key] for key in same} == {key: told[key] for key in same}
    assert "Measured, in my pulses.csv" in (tmp_path / again["page"]).read_text("utf-8")
    for options, said in ((("--seeds", "2"), "--draws"), (("--draws", "51"), "at most 50")):
        assert said in four_parts(command("device", "judge", "other.toml", "--task", str(bars_file), *options)).group(0)
    people = command("device", "judge", "my pulses.csv", *few)
    assert "Discarded: 1 conductance that is no number." in people.out
    assert "reads" in people.out


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
    (("pcm", "--format", "arc"), "--measured"),
    (("no-such.csv",), "no-such.csv"),
    (("pcm", "--draws", "2"), "--seeds"),
    (("pcm", "--reach", "0.94"), "0.94"),
    (("no-such.csv", "--measured", "more.csv"), "more.csv"),
    (("pcm", "--measured", "no-such.csv"), "no-such.csv"),
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

    monkeypatch.setattr("synarray.report.verdict_page.inline_svg", interrupted)
    stopped = command(*asked)
    assert stopped.status == 130
    assert "Traceback" not in stopped.err
    assert everything_in(tmp_path / "mine") == before
