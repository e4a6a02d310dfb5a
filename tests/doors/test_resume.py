"""Interrupted, killed, damaged: what is left of a run, what is said about it, and that it goes on to the same bits."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, Outcome, everything_in, four_parts, process

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from slowness import times_slower

from synarray.files import lock_folder
from synarray.learn.checkpoint import CHECKPOINTS, Checkpoints
from synarray.learn.trainer import Trainer
from synarray.run.experiment import load_experiment
from synarray.run.opened import open_run

ROOT = Path(__file__).parents[2]
TIMES = {"seconds", "train_seconds", "images_per_second", "run_dir"}


@pytest.fixture(scope="session")
def settings(small: list[str]) -> list[str]:
    """Arguments of a short training that is saved after every block."""
    return [*small, "--set", "checkpoint.seconds=0 s"]


@pytest.fixture(scope="session")
def whole(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train without any interruption."""
    folder = tmp_path_factory.mktemp("whole")
    assert process("train", *settings, "--out", "run", folder=folder).status == 0
    return folder / "run"


@pytest.fixture(scope="session")
def half(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interrupt the same training after 80 of its 160 presentations; return what is left: run.partial, with two checkpoints."""
    folder = tmp_path_factory.mktemp("half")
    program = (
        "import os, signal, sys, synarray.cli.app as app\n"
        "from synarray.learn.trainer import Trainer\n"
        "show = Trainer._show\n"
        "def interrupted(self, *arguments, **options):\n"
        "    show(self, *arguments, **options)\n"
        "    if self.presentations == 80: os.kill(os.getpid(), signal.SIGINT)\n"
        "Trainer._show = interrupted\n"
        f"sys.argv = {['synarray', 'train', *settings, '--out', 'run']}\n"
        "app.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-2:] == [
        "synarray: interrupted after 80 presentations.", "Saved. To resume: synarray resume run",
    ]  # fmt: skip
    assert set(everything_in(folder)) == {
        "run.partial", *(f"run.partial/{name}" for name in (*CHECKPOINTS, "experiment.toml"))
    }  # fmt: skip
    return folder / "run.partial"


@pytest.fixture
def partial(half: Path, tmp_path: Path) -> Path:
    """Copy it to the folder where commands run."""
    return Path(shutil.copytree(half, tmp_path / "run.partial"))


def same(run: Path, whole: Path) -> bool:
    """Whether two runs agree in everything but their times."""
    one, other = open_run(run), open_run(whole)
    metrics = [{k: v for k, v in found.metrics.items() if k not in TIMES} for found in (one, other)]
    return metrics[0] == metrics[1] and all(
        one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.arrays.keys() | other.arrays.keys()
    )


# Going on


@pytest.mark.parametrize("name", ["run", "run.partial", "./run/", "run.partial/"])
def test_resume_goes_on_to_the_same_bits_and_leaves_only_the_run(
    command: Command, partial: Path, whole: Path, tmp_path: Path, name: str
) -> None:
    done = command("resume", name, "--json")
    assert done.status == 0
    assert "after 80 presentations" in done.err
    assert Path(done.json["run_dir"]) == Path("run")
    assert same(tmp_path / "run", whole)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert open_run("run").provenance["resumed"] == [80]
    assert open_run(whole).provenance["resumed"] == []


def test_resume_from_within_the_folder(
    command: Command, partial: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(partial)
    assert command("resume", ".").status == 0
    assert same(tmp_path / "run", whole)


def test_train_resume_goes_on_with_what_was_begun_and_tells_what_is_finished(
    command: Command, settings: list[str], partial: Path, whole: Path, tmp_path: Path
) -> None:
    again = ["train", *settings, "--out", "run", "--resume", "--json"]
    done = command(*again)
    assert "after 80 presentations" in done.err
    assert same(tmp_path / "run", whole)
    before = everything_in(tmp_path)
    told = command(*again)
    assert "finished already" in told.err
    assert told.json["state_sha256"] == done.json["state_sha256"]
    assert everything_in(tmp_path) == before


def test_train_resume_begins_what_was_not_begun(
    command: Command, settings: list[str], whole: Path, tmp_path: Path
) -> None:
    done = command("train", *settings, "--resume", "--json")
    assert done.status == 0
    assert same(tmp_path / done.json["run_dir"], whole)


def test_train_resume_may_change_how_often_it_is_saved_and_its_name(
    command: Command, settings: list[str], partial: Path, tmp_path: Path
) -> None:
    changed = ["--set", "checkpoint.seconds=1 s", "--set", "name=other", "--set", "note=another"]
    assert "after 80" in command("train", *settings, *changed, "--out", "run", "--resume").err


def test_a_run_killed_before_its_first_checkpoint_goes_on_from_the_start(
    command: Command, partial: Path, whole: Path, tmp_path: Path
) -> None:
    for name in CHECKPOINTS:
        (partial / name).unlink()
    done = command("resume", "run")
    assert done.status == 0
    assert "Going on" not in done.err
    assert same(tmp_path / "run", whole)


def test_training_again_without_resume_leaves_the_unfinished_run_alone(
    command: Command, settings: list[str], partial: Path, whole: Path, tmp_path: Path
) -> None:
    before = everything_in(tmp_path)
    done = command("train", *settings, "--out", "run", "--json")
    assert "run.partial holds an unfinished run" in done.err
    assert done.json["run_dir"] == "run-2"
    after = everything_in(tmp_path)
    assert {path: after[path] for path in before} == before
    assert {Path(path).parts[0] for path in after} == {"run.partial", "run-2"}
    assert command("resume", "run").status == 0
    assert same(tmp_path / "run", whole)
    assert same(tmp_path / "run-2", whole)


def test_a_run_whose_place_was_taken_meanwhile_stands_beside_it(
    command: Command, partial: Path, whole: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("precious", "utf-8")
    assert command("resume", "run", "--json").json["run_dir"] == "run-2"
    assert same(tmp_path / "run-2", whole)
    assert (tmp_path / "run" / "mine").read_text("utf-8") == "precious"


def test_what_a_process_left_that_died_while_tidying_up_is_tidied_up(
    command: Command, settings: list[str], partial: Path, whole: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "run")
    for arguments in (["resume", "run"], ["train", *settings, "--out", "run", "--resume"]):
        for gone in ([], ["experiment.toml"], ["experiment.toml", *CHECKPOINTS]):
            shutil.copytree(partial, tmp_path / "spare")
            for name in gone:
                (partial / name).unlink()
            done = command(*arguments)
            assert done.status == 0
            assert "finished already" in done.err
            assert not partial.exists()
            (tmp_path / "spare").rename(partial)


# What is said


def test_an_unfinished_run_has_no_tables_yet_and_it_is_said_how_to_resume(command: Command, partial: Path) -> None:
    for name in ("run", "run.partial"):  # the curve so far: test_shell.py
        assert command("show", name).out.splitlines()[-1] == "Resume it: synarray resume run"
    for arguments in (["report", "run"], ["report", "run.partial"], ["array", "show", "run"]):
        message = four_parts(command(*arguments))
        assert "finished" in message["rule"]
        assert message["do"] == f"Resume it: synarray resume {arguments[-1]}"


@pytest.mark.parametrize("name", ["nowhere", "empty", "", "n" * 300, "file"])
def test_what_is_no_run_cannot_be_gone_on_with(command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    message = four_parts(command("resume", name))
    assert "run folder" in message["rule"]
    assert "synarray train" in message["do"]


def test_an_unfinished_run_without_its_experiment_is_refused(command: Command, partial: Path) -> None:
    for break_it in (
        lambda path: path.write_text("epohcs = 1", "utf-8"),
        lambda path: path.write_bytes(b"\xff"),
        Path.unlink,
    ):
        break_it(partial / "experiment.toml")
        before = everything_in(partial)
        assert "run.partial" in four_parts(command("resume", "run"))["where"]
        assert everything_in(partial) == before


def test_a_run_is_trained_by_one_process_at_a_time(command: Command, settings: list[str], partial: Path) -> None:
    lock = lock_folder(partial)
    assert lock is not None
    try:
        for arguments in (["resume", "run"], ["train", *settings, "--out", "run", "--resume"]):
            assert "one process" in four_parts(command(*arguments))["rule"]
    finally:
        lock.release()
    assert command("resume", "run").status == 0


def test_another_experiment_is_refused_by_its_key(command: Command, settings: list[str], partial: Path) -> None:
    before = everything_in(partial)
    message = four_parts(command("train", *settings, "--set", "stdp.a=0.3", "--out", "run", "--resume"))
    assert "stdp.a = 0.3" in message["got"]
    text = (partial / "experiment.toml").read_text("utf-8")
    (partial / "experiment.toml").write_text(text.replace("n_neurons = 12", "n_neurons = 13"), "utf-8")
    assert "another experiment" in four_parts(command("resume", "run"))["got"]
    (partial / "experiment.toml").write_text(text, "utf-8")
    assert everything_in(partial) == before


def test_other_images_are_refused(command: Command, partial: Path, bars_file: Path, tmp_path: Path) -> None:
    with np.load(bars_file) as bars:
        np.savez(tmp_path / "bars.npz", **{**bars, "x_train": bars["x_train"][::-1]})
    text = (partial / "experiment.toml").read_text("utf-8")
    (partial / "experiment.toml").write_text(text.replace(str(bars_file), str(tmp_path / "bars.npz")), "utf-8")
    before = everything_in(partial)
    message = four_parts(command("resume", "run"))
    assert "data" in message["got"]
    assert everything_in(partial) == before


def test_how_often_it_is_saved_decides_nothing() -> None:
    plain, often = (load_experiment("full-field", {"checkpoint.seconds": f"{n} s"}) for n in (30, 1))
    assert load_experiment("full-field") == plain != often
    assert plain.identity == often.identity


# Damage


def newest(partial: Path) -> Path:
    return max((partial / name for name in CHECKPOINTS), key=lambda path: path.stat().st_mtime_ns)


def flip(at: float) -> Callable[[Path], None]:
    """Flip one bit at this share of the file."""

    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(at * (len(content) - 1))] ^= 4
        path.write_bytes(content)

    return damage


def signed(content: bytes, **changes: Any) -> bytes:
    """Change the header of a checkpoint, and make its checksum right again."""
    _, _, header, body = content.split(b"\n", 3)
    found = json.loads(header)
    return sign(
        json.dumps(found | {key: change(found.get(key)) for key, change in changes.items()}).encode() + b"\n" + body
    )


def sign(rest: bytes) -> bytes:
    return b"synarray checkpoint 1\n" + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def header(**changes: Callable[[Any], Any]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(signed(path.read_bytes(), **changes))


DAMAGE: dict[str, Callable[[Path], object]] = {
    **{f"a bit flipped at {at:.0%}": flip(at) for at in (0, 0.002, 0.01, 0.1, 0.5, 0.99, 1)},
    **{f"cut to {n} bytes": lambda path, n=n: os.truncate(path, n) for n in (0, 1, 21, 60, 90, 5000)},
    "cut by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "a byte more": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "nothing but zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "no checkpoint": lambda path: path.write_text("hello " * 1000, "utf-8"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "larger than any": lambda path: os.truncate(path, 50_000_000_000),
    "another format": lambda path: path.write_bytes(path.read_bytes().replace(b"checkpoint 1", b"checkpoint 2")),
    "another version": header(synarray=lambda _: "0.0.9"),
    "header a list": lambda path: path.write_bytes(sign(b"[]\n")),
    "no arrays": header(arrays=lambda _: []),
    "arrays of nothing": header(arrays=lambda _: None),
    "an array of objects": header(arrays=lambda arrays: [[arrays[0][0], "|O", [1]], *arrays[1:]]),
    "a giant array": header(arrays=lambda arrays: [[arrays[0][0], "<f8", [10**15]], *arrays[1:]]),
    "a negative array": header(arrays=lambda arrays: [[arrays[0][0], "<f8", [-1]], *arrays[1:]]),
    "arrays under other names": header(arrays=lambda arrays: [["x.y", kind, shape] for _, kind, shape in arrays]),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(
    command: Command, partial: Path, whole: Path, tmp_path: Path, damage: str
) -> None:
    path = newest(partial)
    DAMAGE[damage](path)
    if path.is_dir():
        partial = partial.rename(tmp_path / "other.partial")
    start = time.perf_counter()
    done = command("resume", partial.name)
    taken = time.perf_counter() - start
    assert taken < 5 * times_slower()
    if damage == "a folder":
        assert done.status == 0
        return
    assert done.status == 0
    assert f"Note: {path.name} " in done.err
    assert "passed over" in done.err
    assert "after 79 presentations" in done.err
    assert same(tmp_path / "run", whole)


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_a_good_checkpoint_nothing_is_begun_or_changed(
    command: Command, partial: Path, tmp_path: Path, damage: str
) -> None:
    for name in CHECKPOINTS:
        DAMAGE[damage](partial / name)
    if damage == "larger than any":
        four_parts(command("resume", "run"))
        return
    before = everything_in(tmp_path)
    message = four_parts(command("resume", "run"))
    assert "checkpoint-0" in message["got"]
    assert "run.partial" in message["where"]
    assert message["do"] == "Train it again: synarray train run.partial/experiment.toml"
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("kept", CHECKPOINTS)
def test_one_checkpoint_is_enough(command: Command, partial: Path, whole: Path, tmp_path: Path, kept: str) -> None:
    for name in {*CHECKPOINTS} - {kept}:
        (partial / name).unlink()
    assert command("resume", "run").status == 0
    assert same(tmp_path / "run", whole)


def test_a_training_outlives_a_full_disk(
    command: Command, settings: list[str], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("synarray.learn.checkpoint.write_whole", full)
    done = command("train", *settings, "--out", "run")
    assert done.status == 0
    assert done.err.count("No checkpoint could be written (No space left on device)") == 1
    assert same(tmp_path / "run", whole)


# Signals


def begun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "synarray", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


def test_signals_stop_it_after_the_block_and_it_goes_on(tmp_path: Path, small: list[str]) -> None:
    long = [*small, "--set", "epochs=100", "--set", "checkpoint.seconds=0 s"]
    for arguments, number, status in (
        (["train", *long, "--out", "my run"], signal.SIGINT, 130),
        (["resume", "my run"], signal.SIGTERM, 143),
    ):
        before = last_written(tmp_path / "my run.partial")
        with begun(tmp_path, *arguments) as training:
            while last_written(tmp_path / "my run.partial") == before:
                assert training.poll() is None
                time.sleep(0.01)
            training.send_signal(number)
            out, err = training.communicate(timeout=30)
        assert (training.returncode, out) == (status, "")
        assert err.splitlines()[-1] == "Saved. To resume: synarray resume 'my run'"
    resumed = process("resume", "my run", "--json", folder=tmp_path).json
    assert resumed["state_sha256"] == process("train", *long, "--json", folder=tmp_path).json["state_sha256"]
    assert len(open_run(tmp_path / "my run").provenance["resumed"]) == 2


def last_written(partial: Path) -> int:
    return max((path.stat().st_mtime_ns for path in partial.glob("checkpoint-?")), default=0)


def test_ctrl_c_before_the_learning_leaves_nothing(
    command: Command, settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "compile", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    done = command("train", *settings, "--out", "new/run")
    assert done.status == 130
    assert done.err.splitlines()[-1] == "synarray: interrupted."  # nothing is said to be on the disk
    assert everything_in(tmp_path) == {}


def test_ctrl_c_after_the_learning_stops_at_once_and_the_run_goes_on(
    command: Command, settings: list[str], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("synarray.learn.training.test", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        done = command("train", *settings, "--out", "run")
    assert done.status == 130
    assert "Saved. To resume: synarray resume run" in done.err
    assert "after 160 presentations" in command("resume", "run").err
    assert same(tmp_path / "run", whole)


def test_a_second_ctrl_c_stops_at_once(
    command: Command, settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = Trainer._show

    def twice(self: Trainer, *arguments: Any, **options: Any) -> None:
        show(self, *arguments, **options)
        if self.presentations == 80:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_show", twice)
        done = command("train", *settings, "--out", "run")
    assert done.status == 130
    assert "Saved. To resume: synarray resume run" in done.err
    assert "after 79 presentations" in command("resume", "run").err


@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.8])
def test_a_fresh_process_may_be_killed_from_its_start_on(
    tmp_path: Path, settings: list[str], whole: Path, seconds: float
) -> None:
    """While it imports, loads its kernels, trains and writes."""
    with begun(tmp_path, "train", *settings, "--out", "run") as training:
        time.sleep(seconds)
        training.kill()
    done: Outcome = process("train", *settings, "--out", "run", "--resume", "--json", folder=tmp_path)
    assert done.status == 0
    assert same(tmp_path / "run", whole)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_fifty_kills_lose_nothing_that_was_saved_and_change_no_bit(tmp_path: Path) -> None:
    """Over the whole run, and at every operation on files; ideal weights and devices with drift, wires and pairs."""
    memory = Path("/dev/shm")  # kills are no power failures: no disk is needed
    folder = memory if os.access(memory, os.W_OK) else tmp_path
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "kill_test.py", "50", "--folder", folder], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] >= 50
    assert found["most_presentations_lost"] <= 1  # a block of these trainings is one presentation


# Cost


def test_checkpoints_are_as_far_apart_as_their_cost_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of our own: a block takes 0.1 s, a checkpoint 0.2 s: one every 10 s, at epoch ends every 20 s."""
    now = [0.0]

    class Shown:
        presentations = 0

    def save(_: Checkpoints, trainer: Shown) -> bool:
        saved.append(trainer.presentations)
        now[0] += 0.2
        checkpoints._last, checkpoints._cost = now[0], 0.2
        return True

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    for seconds, epoch, apart in ((1.0, 10**9, 100), (15.0, 10**9, 150), (60.0, 250, 250), (1.0, 1, 100)):
        saved: list[int] = []
        checkpoints, shown = Checkpoints(tmp_path, seconds), Shown()
        checkpoints._epoch, checkpoints._cost = epoch, 0.2
        monkeypatch.setattr(Checkpoints, "save", save)
        for _ in range(1500):
            shown.presentations += 1
            now[0] += 0.1
            checkpoints.at_block(shown)  # type: ignore[arg-type]
        assert all(abs(gap - apart) <= 2 for gap in np.diff([0, *saved])), (seconds, saved)
