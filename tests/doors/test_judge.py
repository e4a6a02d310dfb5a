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
        "trainings_left", "attribution", "reach", "command", "page", "unconfirmed", "complete", "sentences", "improvements",
        "beside", "assumed_wires",
    ):  # fmt: skip
        assert key in told
    assert told["device"] == "hzo-fefet"
    assert told["complete"] and told["missing"] == []
    assert [row["property"] for row in told["attribution"] if row["assumed"]] == ["wires", "converters"]
    assert len({row["property"] for row in told["improvements"]}) == 3
    assert "wires" not in {row["property"] for row in told["improvements"]}  # not the device's
    assert told["beside"][0]["device"] == "hzo-fefet" and len(told["beside"]) >= 5
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
    done = command("device", "judge", "my pulses.csv", *few, "--decimal", "point", "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    fitted = tmp_path / "verdicts" / "my-pulses" / "my-pulses.toml"
    assert (told["fit"]["device"], told["fitted"], told["trainings"]) == (str(fitted.relative_to(tmp_path)), True, 2)
    assert told["fit"]["discarded"] == {"conductance that is no number": 1}
    assert told["fit"]["n_levels_ltp"] == 32
    assert "judge 'my pulses.csv' --decimal point --task" in told["command"]
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
    assert people.out.startswith("my-pulses ")  # the first sentence comes first
    assert "reads" in people.out.splitlines()[0]
    assert "First answer" in people.err


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
    (("pcm", "--only", "ltp"), "--only ltp"),
    (("no-such.csv",), "no-such.csv"),
    (("pcm", "--draws", "2"), "--seeds"),
    (("pcm", "--reach", "0.94"), "0.94"),
    (("no-such.csv", "--measured", "more.csv"), "more.csv"),
    (("pcm", "--measured", "no-such.csv"), "no-such.csv"),
    (("pcm", "--set", "array.rows=8", "--set", "array.columns=8"), "array"),
    (("pcm", "--pulse", "0.85"), "--pulse"),
    (("pcm", "--pulse", "0.85 A, 1 us"), "--pulse"),
    (("pcm", "--pulse", "0 V, 1 us"), "0 V"),
    (("pcm", "--pulse", "30 V, 1 us"), "30 V"),
    (("pcm", "--pulse", "1 V, -1 us"), "-1 us"),
    (("pcm", "--pulse", "1 V 2 V 1 us"), "two voltages"),
    (("pcm", "--pulse", "1 V / 2 V / 3 V"), "two polarities"),
    (("pcm", "--pulse", "LTD 1 V / LTD 2 V"), "LTD twice"),
    (("pcm", "--pulse", ""), "neither"),
    (("pcm", "--endurance", "0"), "--endurance"),
    (("pcm", "--endurance", "-1e6"), "--endurance"),
    (("pcm", "--endurance", "nan"), "--endurance"),
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


_NO_PULSE = """
name = "mine"
law = "linear"
g_min = "1 uS"
g_max = "10 uS"
n_levels_ltp = 30
n_levels_ltd = 20
"""


def test_pulses_nobody_stated_are_never_one_volt_and_one_microsecond(
    command: Command, bars_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(_NO_PULSE)
    few = ("--task", str(bars_file), *FEW)
    told = json.loads(command("device", "judge", "mine.toml", *few, "--json").out)
    assert (told["energy"], told["time"], told["time_row_parallel"]) == (None, None, None)
    assert told["pulse_unknown"] == ["voltage", "width"]
    assert set(told["energy_parts"]) == {"fixed", "per V^2", "per V^2 us"}
    page = (tmp_path / told["page"]).read_text("utf-8")
    people = command("device", "judge", "mine.toml", *few).out
    for text in (page, people):
        assert "per V^2 us" in text and "--pulse" in text
        assert "are given per unit" in text
    given = ("--pulse", "+0.85 V 1 us / -0.9 V 2 us", "--endurance", "1e6")
    known = json.loads(command("device", "judge", "mine.toml", *few, *given, "--json").out)
    assert known["pulse_unknown"] == [] and known["endurance"] == 1e6
    assert known["energy"] > told["energy_parts"]["fixed"]["value"]
    assert known["accuracies"] == told["accuracies"]  # a price, nothing else
    assert known["trainings_left"] > 0 and told["trainings_left"] is None
    assert "'+0.85 V 1 us / -0.9 V 2 us'" in known["command"] and "--endurance 1e+06" in known["command"]
    said = (tmp_path / known["page"]).read_text("utf-8")
    assert "as stated: --pulse" in said and "850 mV" in said


def test_units_are_those_people_write(command: Command, bars_file: Path) -> None:
    """No bare SI number with an exponent, and no number of the program's own, in what people read."""
    import re

    done = command("device", "judge", "hzo-fefet", "--task", str(bars_file), *FEW, "--reach", "60")
    assert done.status == 0, done.err
    assert not re.search(r"\d[eE]-\d", done.out), done.out
    assert not re.search(r"\bnan\b|\binf\b|None(?! of)|sigma_|n_levels|r_wire", done.out), done.out
    for unit in ("J", "s", "%"):
        assert re.search(rf"\d [fpnum]?{unit}", done.out)
    words = ("told", "stands", "anew", "nobody", "vouch", "goes on from", "by and by")
    assert not [word for word in words if re.search(rf"\b{word}", done.out, re.IGNORECASE)]


def test_ctrl_c_leaves_the_answer_so_far(bars_file: Path, tmp_path: Path) -> None:
    """A real process, interrupted after its first answer: page and JSON are whole, and say that they are partial."""
    import os
    import signal
    import subprocess
    import sys

    asked = ("device", "judge", "hzo-fefet", "--task", str(bars_file), "--set", "n_neurons=12", "--seeds", "400")
    with subprocess.Popen(
        [sys.executable, "-m", "synarray", *asked, "--json", "--workers", "2"], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stderr and process.stdout
        for line in process.stderr:
            if line.startswith("First answer"):
                break
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()  # one that hangs fails the test, and no more
    assert process.returncode == 130, err
    assert "Traceback" not in err and "partial" in err
    told = json.loads(out)
    assert not told["complete"]
    assert 1 <= told["trainings"] < 400 and 0 <= told["accuracy"] <= 1
    assert any("of 400 trainings" in part for part in told["missing"])
    page = tmp_path / "verdicts" / "hzo-fefet"
    assert sorted(file.name for file in page.iterdir()) == ["index.html", "verdict.json"]
    assert "Partial answer. Still missing:" in (page / "index.html").read_text("utf-8")
    assert not json.loads((page / "verdict.json").read_text("utf-8"))["complete"]


def test_an_earlier_page_is_kept_until_the_next_one_is_whole(
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
