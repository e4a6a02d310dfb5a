"""Studies as a user meets them: what they leave on disk, how they go on, and how they refuse."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command import Command, Outcome, everything_in, process
from test_faults import limited, mounted, refused

from synarray.errors import DataError, SpecError
from synarray.files import lock_folder
from synarray.run.experiment import load_experiment
from synarray.study.plan import load_study, study_names
from synarray.study.points import Planner
from synarray.study.table import load_table

FILES = {"study.toml", "plan.jsonl", "runs.jsonl", "table.parquet", "table.csv"}
TIMES = ["train_seconds", "images_per_second", "made_seconds", "made_written"]

STUDY = """
name = "bars"
base = "local-fields"
seeds = [0, 1]
claim = "More images, better reading."
[set]
data = "{data}"
n_neurons = 12
epochs = 1
[axes]
images = [40, 80, 160]
b = {{ key = "stdp.b", values = [2.0, 3.0] }}
[figure]
x = "b"
"""


@pytest.fixture
def study(tmp_path: Path, bars_file: Path) -> Path:
    """Write a study of twelve short runs."""
    path = tmp_path / "bars.toml"
    path.write_text(STUDY.format(data=bars_file), "utf-8")
    return path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    """Run that study to its end, with one worker."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "bars.toml").write_text(STUDY.format(data=bars_file), "utf-8")
    done = process("study", "run", "bars.toml", "--workers", "1", "--json", folder=folder)
    assert done.status == 0, done.err
    assert done.json["runs"] == {"planned": 12, "done": 12, "failed": 0}
    return folder / "studies" / "bars"


def results(folder: Path) -> Any:
    """Everything a study came to, but its times."""
    table = load_table(folder)
    return table.drop(columns=[name for name in table if name in TIMES or name.startswith("seconds_")])


def begun(folder: Path, *arguments: str, runs: int) -> subprocess.Popen[str]:
    """Start a study and wait until so many runs are finished."""
    child = subprocess.Popen(
        [sys.executable, "-m", "synarray", "study", "run", *arguments], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    lines = folder / "out" / "runs.jsonl"
    end = time.monotonic() + 120
    while not lines.exists() or lines.read_bytes().count(b"\n") < runs:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)
    return child


# As intended


def test_a_study_leaves_one_row_per_run_that_its_experiment_alone_gives(
    command: Command, undisturbed: Path, bars_file: Path
) -> None:
    import pandas as pd

    assert {path.name for path in undisturbed.iterdir()} == FILES
    table = load_table(undisturbed)
    assert table.attrs["axes"] == ["images", "b"]
    assert list(zip(table["images"], table["b"], table["seed"], strict=True)) == [
        (images, b, seed) for images in (40, 80, 160) for b in (2.0, 3.0) for seed in (0, 1)
    ]
    pd.testing.assert_frame_equal(pd.read_parquet(undisturbed / "table.parquet"), table)
    csv = pd.read_csv(undisturbed / "table.csv")
    assert list(csv.columns) == list(table.columns)
    assert csv["accuracy"].to_numpy() == pytest.approx(table["accuracy"].to_numpy())
    row = table.iloc[5]
    changes = {"data": str(bars_file), "n_neurons": 12, "epochs": 1, "images": 80, "stdp.b": 2.0, "seed": 1}
    settings = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
    alone = command("train", "local-fields", *settings, "--json").json
    assert row["identity"] == load_experiment("local-fields", changes).identity
    assert (row["state_sha256"], row["pulses"], row["accuracy"]) == (
        alone["state_sha256"], alone["pulses"], alone["accuracy"]
    )  # fmt: skip


def test_any_number_of_workers_gives_the_same_table(command: Command, study: Path, undisturbed: Path) -> None:
    import pandas as pd

    assert command("study", "run", "bars.toml", "--workers", "3", "--out", "out").status == 0
    pd.testing.assert_frame_equal(results(study.parent / "out"), results(undisturbed))


def test_show_and_best_say_what_the_table_says(command: Command, undisturbed: Path) -> None:
    table = load_table(undisturbed)
    shown = command("study", "show", str(undisturbed), "--json").json
    means = table.groupby(["images", "b"])["accuracy"].mean()
    assert {(p["images"], p["b"]): p["accuracy"] for p in shown["points"]} == pytest.approx(means.to_dict())
    best = command("study", "best", str(undisturbed), "--json").json["best"]
    assert [(p["images"], p["b"]) for p in best] == [means.idxmax()]
    front = command("study", "best", str(undisturbed), "--by", "accuracy,pulses", "--json").json["best"]
    costs = table.groupby(["images", "b"])[["accuracy", "pulses"]].mean()
    beaten = [
        any(a >= accuracy and p <= pulses and (a, p) != (accuracy, pulses) for a, p in costs.to_numpy())
        for accuracy, pulses in costs.to_numpy()
    ]
    assert {(p["images"], p["b"]) for p in front} == set(costs.index[[not each for each in beaten]])
    for name in ("show", "best"):
        assert "12" in command("study", "show", str(undisturbed)).out
        assert command("study", name, str(undisturbed)).status == 0


def test_prices_of_cells_are_those_of_the_energy_command(command: Command, study: Path) -> None:
    text = study.read_text("utf-8").replace("images = [40, 80, 160]", 'device = ["subquantum-cbram", "pcm"]')
    study.write_text('keep = "runs"\n' + text.replace('x = "b"', 'x = "device"\ny = "energy"'), "utf-8")
    assert command("study", "run", "bars.toml", "--out", "out").status == 0
    table = load_table(study.parent / "out")
    assert list(table["device"].unique()) == ["subquantum-cbram", "pcm"]
    for row in table.to_dict("records")[::3]:
        told = command("energy", f"out/runs/{row['identity'][:16]}", "--json").json
        assert row["energy"] == told["total"]
        assert row["time_row_parallel"] == told["time"]["row-parallel"]
        assert row["most_writes"] > 0
    front = command("study", "best", "out", "--by", "accuracy,energy,wear", "--json")
    assert front.status == 0


@pytest.mark.parametrize("name", study_names())
def test_a_packaged_study_is_whole(name: str) -> None:
    spec = load_study(name)
    assert spec.name == name
    assert spec.title and spec.claim and spec.expected and spec.time
    assert spec.figure is not None
    planner = Planner(spec, name)
    if spec.search is None:
        runs = list(planner.runs())
        assert len(runs) == planner.size


def test_list_names_the_packaged_studies(command: Command) -> None:
    assert [each["name"] for each in command("study", "list", "--json").json["studies"]] == study_names()
    assert "pruning" in command("study", "list").out


def test_a_search_is_the_same_for_any_number_of_workers_and_goes_on(command: Command, study: Path) -> None:
    text = study.read_text("utf-8")
    text = text[: text.index("[axes]")] + (
        '[search]\ntrials = 7\nbatch = 3\nobjectives = ["accuracy", "pulses"]\n'
        '[search.space]\n"stdp.b" = { low = 1.0, high = 4.0 }\n'
        '"encoding.rate_max" = { low = 100, high = 700, log = true, unit = "Hz" }\n'
        '"images" = { choices = [40, 80] }\n'
    )
    study.write_text(text, "utf-8")
    assert command("study", "run", "bars.toml", "--workers", "2", "--out", "two").status == 0
    table = load_table(study.parent / "two")
    assert sorted(set(table["trial"])) == list(range(7))
    assert table["encoding.rate_max"].between(100, 700).all()
    shutil.copytree(study.parent / "two", study.parent / "one")
    lines = (study.parent / "two" / "runs.jsonl").read_bytes().splitlines(keepends=True)
    (study.parent / "one" / "runs.jsonl").write_bytes(b"".join(lines[:5]))  # as if killed then
    plan = (study.parent / "two" / "plan.jsonl").read_bytes().splitlines(keepends=True)
    (study.parent / "one" / "plan.jsonl").write_bytes(b"".join(plan[:7]))
    assert command("study", "run", "bars.toml", "--workers", "1", "--resume", "--out", "one").status == 0
    assert (study.parent / "one" / "plan.jsonl").read_bytes() == b"".join(plan)
    assert results(study.parent / "one").equals(results(study.parent / "two"))
    best = command("study", "best", "two", "--json").json
    assert best["objectives"] == ["accuracy", "pulses"]
    assert best["best"]


# What fails on the way


def test_a_run_that_fails_is_told_with_its_reason_and_is_not_fatal(command: Command, study: Path) -> None:
    study.write_text(study.read_text("utf-8").replace("160]", "161]"), "utf-8")  # there are 160
    done = command("study", "run", "bars.toml", "--out", "out", "--json")
    assert done.status == 1
    assert done.json["runs"] == {"planned": 12, "done": 8, "failed": 4}
    assert "161 of 160" in done.json["failures"][0]["reason"]
    assert done.json["failures"][0]["point"] == "images = 161, b = 2.0, seed 0"
    assert "161 of 160" in command("study", "show", "out").out


def test_a_killed_study_goes_on_and_nothing_is_done_twice_or_lost(
    command: Command, study: Path, undisturbed: Path
) -> None:
    import pandas as pd

    folder, out = study.parent, study.parent / "out"
    child = begun(folder, "bars.toml", "--out", "out", "--workers", "2", runs=3)
    child.kill()
    child.communicate()
    before = (out / "runs.jsonl").read_bytes()
    whole = before[: before.rindex(b"\n") + 1]
    assert 3 <= whole.count(b"\n") < 12
    assert command("study", "show", "out", "--json").json["runs"]["done"] == whole.count(b"\n")
    with (out / "runs.jsonl").open("ab") as file:
        file.write(whole.splitlines()[0][:70])  # as if it had been killed while it wrote
    done = command("study", "run", "bars.toml", "--out", "out", "--resume", "--json")
    assert done.json["runs"] == {"planned": 12, "done": 12, "failed": 0}
    after = (out / "runs.jsonl").read_bytes()
    assert after.startswith(whole)
    identities = [json.loads(line)["identity"] for line in after.splitlines()]
    assert len(identities) == len(set(identities)) == 12
    pd.testing.assert_frame_equal(results(out), results(undisturbed))
    assert command("study", "run", "out", "--resume").status == 0
    assert (out / "runs.jsonl").read_bytes() == after


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(study: Path, number: int, status: int) -> None:
    study.write_text(
        study.read_text("utf-8").replace("seeds = [0, 1]", "seeds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"), "utf-8"
    )
    child = begun(study.parent, "bars.toml", "--out", "out", "--workers", "1", runs=2)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (status, "")
    assert "synarray study run out --resume" in err
    assert len(load_table(study.parent / "out")) >= 2
    assert (study.parent / "out" / "table.csv").exists()


def lives(process: str) -> bool:
    """Say whether a process is there and no mere entry that nobody has collected."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_die_with_the_process_that_started_them(study: Path) -> None:
    child = begun(study.parent, "bars.toml", "--out", "out", "--set", "epochs=2000", "--only", "images=160", runs=0)
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    for _ in range(2000):
        if len(workers := children.read_text().split()) == len(os.sched_getaffinity(0)):
            break
        time.sleep(0.01)
    assert len(workers) == len(os.sched_getaffinity(0))
    child.kill()
    child.communicate()
    for _ in range(2000):
        if not (alive := [worker for worker in workers if lives(worker)]):
            break
        time.sleep(0.01)
    assert alive == []


def test_a_full_disk_is_told_and_finished_runs_stay(study: Path, tmp_path: Path, undisturbed: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=64k") as really:
        limits = {} if really else {resource.RLIMIT_FSIZE: 12_000}
        if really:
            (disk / "fill").write_bytes(bytes(64 * 1024 - 20 * 1024))
        done = limited("study", "run", "bars.toml", "--out", "disk/out", folder=tmp_path, limits=limits)
        message = refused(done)
        assert "on disk" in message["do"]
        kept = (disk / "out" / "runs.jsonl").read_bytes()
        assert kept.endswith(b"\n")
        assert 1 <= kept.count(b"\n") < 12
        if really:
            subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert limited("study", "run", "bars.toml", "--out", "disk/out", "--resume", folder=tmp_path).status == 0
        assert (disk / "out" / "runs.jsonl").read_bytes().startswith(kept)
        assert results(disk / "out").equals(results(undisturbed))


# Bad input


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("study", "run", "no-such-study"), "Known: .*pruning"),
        (("study", "run", "bars.toml", "--only", "b=7"), "--only must name values of b"),
        (("study", "run", "bars.toml", "--only", "c=7"), "--only must name an axis"),
        (("study", "run", "bars.toml", "--only", "b"), "axis=value"),
        (("study", "run", "bars.toml", "--workers", "2", "--dask", "tcp://127.0.0.1:9"), "one place"),
        (("study", "run", "bars.toml", "--dask", "tcp://127.0.0.1:9"), "reachable.*--dask tcp://127.0.0.1:9"),
        (("study", "run", "bars.toml", "--dask", "nonsense"), "reachable"),
        (("study", "run", "."), "study"),
        (("study", "run", "bars.toml", "--out", "bars.toml"), "writable"),
        (("study", "show", "."), "study"),
        (("study", "best", "nowhere"), "study"),
    ],
)
def test_what_a_command_cannot_do_is_told(command: Command, study: Path, arguments: tuple[str, ...], told: str) -> None:
    message = refused(Outcome(*_plain(command(*arguments))))
    assert re.search(told, message[0]), message[0]
    assert [path.name for path in study.parent.iterdir()] == ["bars.toml"]


def _plain(done: Outcome) -> tuple[int, str, str]:
    """Leave out what was printed for people before the message."""
    return done.status, done.out, done.err.strip().splitlines()[-1]


def test_an_edited_study_is_refused_with_what_changed_or_branched(
    command: Command, study: Path, undisturbed: Path
) -> None:
    shutil.copytree(undisturbed, study.parent / "out")
    before = everything_in(study.parent / "out")
    study.write_text(
        study.read_text("utf-8").replace("160]", "120]").replace("epochs = 1", "epochs = 1\nstdp.a = 0.2"), "utf-8"
    )
    message = refused(Outcome(*_plain(command("study", "run", "bars.toml", "--out", "out", "--resume"))))
    assert "set.stdp.a = 0.2, not nothing" in message["got"]
    assert "axes.images.values = [40, 80, 120], not [40, 80, 160]" in message["got"]
    study.write_text(study.read_text("utf-8").replace("stdp.a = 0.2", ""), "utf-8")
    assert command("study", "run", "bars.toml", "--out", "out", "--branch", "new", "--json").json["runs"]["done"] == 12
    records = (study.parent / "new" / "runs.jsonl").read_bytes().splitlines()
    assert len(records) == 12 + 4  # all that was finished, and what is new
    assert sorted(set(load_table(study.parent / "new")["images"])) == [40, 80, 120]
    assert everything_in(study.parent / "out") == before


def test_words_of_a_study_may_change(command: Command, study: Path, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, study.parent / "out")
    changed = study.read_text("utf-8").replace("More images", "With more images")
    titled = 'images = { key = "images", values = [40, 80, 160], title = "pictures" }'  # the same axis, said otherwise
    assert "images = [40, 80, 160]" in changed
    study.write_text(changed.replace("images = [40, 80, 160]", titled), "utf-8")
    assert command("study", "run", "bars.toml", "--out", "out", "--resume").status == 0
    assert "With more images" in command("study", "show", "out").out


def test_a_device_file_that_changed_is_told(command: Command, study: Path) -> None:
    device = study.parent / "mine.toml"
    device.write_text('name = "mine"\nn_levels_ltp = 30\n', "utf-8")
    text = study.read_text("utf-8")
    study.write_text(text.replace("images = [40, 80, 160]", 'device = ["mine.toml", "pcm"]'), "utf-8")
    assert command("study", "run", "bars.toml", "--out", "out", "--only", "device=pcm").status == 0
    device.write_text('name = "mine"\nn_levels_ltp = 31\n', "utf-8")
    message = refused(Outcome(*_plain(command("study", "run", "bars.toml", "--out", "out", "--resume"))))
    assert "mine.toml" in message["got"]


def test_two_processes_on_one_study_are_one_too_many(command: Command, study: Path, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, study.parent / "out")
    lock = lock_folder(study.parent / "out")
    assert lock is not None
    message = refused(Outcome(*_plain(command("study", "run", "bars.toml", "--out", "out", "--resume"))))
    assert "one process at a time" in message["rule"]
    assert command("study", "show", "out").status == 0
    lock.release()
    assert command("study", "run", "bars.toml", "--out", "out", "--resume").status == 0
    message = refused(Outcome(*_plain(command("study", "run", "bars.toml", "--out", "out"))))
    assert "--resume" in message["do"]


@pytest.mark.parametrize("name", ["plan.jsonl", "runs.jsonl", "study.toml"])
@pytest.mark.parametrize(
    "spoiled", [b"", b"\x00\xff{}\n", b'{"identity": 3}\n{}\n', b"[" * 100_000 + b"\n", b'{"a": NaN}\n']
)
def test_a_study_from_anybody_is_read_without_trust(
    command: Command, tmp_path: Path, undisturbed: Path, name: str, spoiled: bytes
) -> None:
    shutil.copytree(undisturbed, tmp_path / "out")
    (tmp_path / "out" / name).write_bytes(spoiled)
    for arguments in (("show", "out"), ("best", "out"), ("run", "out", "--resume")):
        done = command("study", *arguments)
        if done.status:
            refused(Outcome(*_plain(done)))
        assert done.status in (0, 2)
    (tmp_path / "out" / name).unlink()
    os.mkfifo(tmp_path / "out" / name)
    assert command("study", "show", "out").status == 2


def test_errors_are_of_the_packages_tree(study: Path) -> None:
    with pytest.raises(SpecError):
        load_study(study.parent / "none.toml")
    assert not issubclass(SpecError, DataError)
