"""``synarray energy``: a finished run in joules; prices of one's own; what cannot be priced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command, four_parts

DEVICE = ("--set", "device=subquantum-cbram")


@pytest.fixture
def run(command: Command, small: list[str]) -> str:
    assert (
        command(
            "train", *small, *DEVICE, "--set", "pruning.mode=soft", "--set", "pruning.fraction=0.5", "--out", "run"
        ).status
        == 0
    )
    return "run"


def test_the_total_is_the_sum_of_the_rows(command: Command, run: str) -> None:
    found = command("energy", run, "--json").json
    assert found["total"] == pytest.approx(sum(row["energy"] for row in found["rows"]))
    assert all(row["energy"] == pytest.approx(row["count"] * row["each"]) for row in found["rows"])
    assert set(found["time"]) == set(found["images_per_second"]) == {"sequential", "row-parallel"}
    assert found["bytes_moved"] == 0
    assert found["area"] == pytest.approx(sum(found["areas"].values())) and all(
        found["areas"][part] > 0 for part in ("cells", "converters", "drivers", "neurons")
    )
    seconds = found["time"]["row-parallel"]
    assert found["average_power"]["row-parallel"] == pytest.approx(found["total"] / seconds)
    assert found["images_per_second"]["row-parallel"] == pytest.approx(found["events"]["presentation"] / seconds)
    titles = [each["title"] for each in found["baselines"]]
    assert titles[:4] == [
        "every weight at every draw",
        "without pruning (estimate)",
        "weights in SRAM",
        "weights in DRAM",
    ]
    assert "Loihi" in titles
    assert found["baselines"][0]["total"] > found["total"]
    assert found["baselines"][1]["programming"] > 0
    assert {"labels of neurons", "cells brought to the pruned value"} <= {step["name"] for step in found["free_steps"]}
    assert found["real_time"]["window"] == 0.01


def test_another_device_node_and_array_cost_otherwise(command: Command, run: str) -> None:
    own = command("energy", run, "--json").json
    other = command(
        "energy", run, "--technology", "pcm", "--node", "28nm", "--compare", "hzo-fefet,ecram", "--json"
    ).json
    assert other["programming"] > own["programming"]
    assert [each["title"] for each in other["compared"]] == ["hzo-fefet", "ecram"]
    notes = " ".join(other["notes"])
    assert "synarray train run/experiment.toml --set device=pcm" in notes
    assert "ecram is written through a gate, and no source states the gate's energy" in notes
    passive = command("energy", run, "--passive", "--json").json
    assert passive["total"] > 10 * own["programming"]
    assert passive["programming"] == own["programming"]


def test_a_look_up_that_is_too_short_is_warned_of_with_the_length_that_would_do(command: Command, run: str) -> None:
    found = command("energy", run, "--json").json
    look_ups = found["look_ups"]
    assert look_ups["levels"] == 255 and not look_ups["enough"]
    assert look_ups["noise_in_levels"] == pytest.approx(2.86, abs=0.01)
    assert look_ups["t_read_enough"] == pytest.approx(10e-9 * (4 * look_ups["noise_in_levels"]) ** 2)
    assert look_ups["energy_enough"] > look_ups["energy"] > 0
    warning = next(note for note in found["notes"] if "too short" in note)
    assert "2.86 of 255 levels" in warning and "1.31 us would do" in warning
    words = command("energy", run, "--technology", "sram", "--json").json  # analog cells of two states
    assert words["look_ups"]["levels"] == 2 and words["look_ups"]["enough"]


def test_what_people_read(command: Command, run: str) -> None:
    told = command("energy", run, "--compare", "pcm").out
    for words in ("LTP pulses", "every weight at every draw", "Free in software", "In real time", "Loihi"):
        assert words in told


def test_prices_of_ones_own(command: Command, run: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('add = { value = "1 pJ", source = "measured here" }\n')
    own, dearer = (command("energy", run, *more, "--json").json for more in ((), ("--prices", "mine.toml")))
    winners = [next(r for r in found["rows"] if r["action"] == "thresholds and winners") for found in (own, dearer)]
    assert winners[1]["energy"] == pytest.approx(10 * winners[0]["energy"])


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ("add = 1e-12\n", "every price needs its source", "key add"),
        ('add = { value = "1 pJ" }\n', "every price needs its source", "key add"),
        ('add = { value = 1e-12, source = "here" }\n', "needs its unit", "mine.toml"),
        ('add = { value = "1 V", source = "here" }\n', "must be in J", "mine.toml"),
        ('add = { value = "-1 pJ", source = "here" }\n', "greater than or equal to 0", "mine.toml"),
        ('gold = { value = "1 pJ", source = "here" }\n', "is not a key", "mine.toml"),
        ("add = {\n", "must be readable TOML", "mine.toml"),
    ],
)
def test_prices_that_cannot_be_used(
    command: Command, run: str, tmp_path: Path, text: str, rule: str, where: str
) -> None:
    (tmp_path / "mine.toml").write_text(text)
    parts = four_parts(command("energy", run, "--prices", "mine.toml"))
    assert rule in parts["rule"]
    assert where in parts["where"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--node", "3nm"), "a node must lie between 7 and 130 nm"),
        (("--technology", "pcmm"), "a device must be a TOML file or a known name"),
        (("--compare", "pcm,gold"), "a device must be a TOML file or a known name"),
        (("--compare", ""), "--compare must name devices"),
        (("--compare", " ,"), "--compare must name devices"),
        (("--prices", "nowhere.toml"), "a file of prices must be readable TOML"),
    ],
)
def test_what_there_are_no_prices_for(command: Command, run: str, arguments: tuple[str, ...], words: str) -> None:
    assert words in four_parts(command("energy", run, *arguments))["rule"]


def test_runs_that_lack_the_counts(command: Command, small: list[str], tmp_path: Path, run: str) -> None:
    assert command("train", *small, "--out", "ideal").status == 0
    assert "a ledger needs a run in cells of a device" in four_parts(command("energy", "ideal"))["rule"]
    provenance = tmp_path / run / "provenance.json"
    provenance.write_text(json.dumps(json.loads(provenance.read_text()) | {"format": 1}))
    parts = four_parts(command("energy", run))
    assert parts["rule"] == "a run folder must have layout 3"
    assert parts["got"] == "layout 1"
