"""When the machine gives out: full disk, read-only places, vanished folders, no handles, no memory, a clock that jumps.

Each ends in a result or in four parts with exit status 2, and leaves earlier runs as they were. Disks are small file systems in
memory where the tests may mount (as root); elsewhere limits of the process and rights of files stand in. Nothing is skipped.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import Command, Outcome, everything_in, four_parts

MEGABYTE = 1 << 20


def limited(
    *arguments: str, folder: Path, limits: dict[int, int] | None = None, before: Callable[[], object] | None = None,
    **environment: str,
) -> Outcome:  # fmt: skip
    """Run the command as a process of its own under limits (``resource.RLIMIT_...``: most)."""

    def prepare() -> None:
        for which, most in (limits or {}).items():
            resource.setrlimit(which, (most, most))
        if before:
            before()

    done = subprocess.run(
        [sys.executable, "-m", "synarray", *arguments], cwd=folder, capture_output=True, encoding="utf-8",
        env={**os.environ, **environment}, timeout=300, check=False, preexec_fn=prepare,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def refused(done: Outcome) -> re.Match[str]:
    """Check a refusal after a training may have begun: it is in four parts."""
    return four_parts(Outcome(done.status, "", done.err.strip()))


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """Mount a small file system in memory; yields whether that was possible."""
    folder.mkdir(exist_ok=True)
    possible = os.geteuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode  # fmt: skip
    try:
        yield possible
    finally:
        if possible:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def intact(finished_run: Path, small: list[str], tmp_path: Path, command: Command) -> Iterator[Path]:
    """Give a folder with an earlier run, and see that it is the same after the fault and that another run can be made.

    That run is made in this process: what a process that has ended can have spoiled is on the disk.
    """
    place = tmp_path / "place"
    place.mkdir()
    shutil.copytree(finished_run, place / "earlier")
    before = everything_in(place / "earlier")
    yield place
    assert everything_in(place / "earlier") == before
    assert command("train", *small, "--out", "place/after").status == 0


# Full disk


@pytest.mark.parametrize("left", [0, 4096, 12_000])
def test_a_full_disk_is_told_and_earlier_runs_stay(
    small: list[str], finished_run: Path, tmp_path: Path, command: Command, left: int
) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=256k") as really:
        shutil.copytree(finished_run, disk / "earlier")
        before = everything_in(disk / "earlier")
        if really:
            room = os.statvfs(disk)
            fill = room.f_bavail * room.f_frsize - left
            (disk / "fill").write_bytes(bytes(max(0, fill)))
        limits = {} if really else {resource.RLIMIT_FSIZE: left}
        for arguments in (["train", *small, "--out", "disk/new"], ["show", "disk/earlier"]):
            message = refused(limited(*arguments, folder=tmp_path, limits=limits))
            assert re.search("No space left|too large|writable", message[0], re.IGNORECASE)
        assert everything_in(disk / "earlier").items() >= before.items()
        assert not (disk / "new").exists()
        assert not [path for path in (disk / "earlier").rglob("*") if path.is_file() and path.name not in before]
        (disk / "fill").unlink(missing_ok=True)
        assert command("train", *small, "--out", "disk/new").status == 0


@pytest.mark.parametrize("most", [0, 1000, 5000])
def test_a_file_that_may_not_grow_is_told(small: list[str], intact: Path, most: int) -> None:
    done = limited("train", *small, "--out", "new", folder=intact, limits={resource.RLIMIT_FSIZE: most})
    refused(done)
    assert not (intact / "new").exists()


@pytest.mark.parametrize(
    "arguments", [["devices", "list"], ["devices", "list", "--json"], ["show", "earlier", "--json"]]
)
def test_standard_output_that_takes_nothing_is_told(intact: Path, arguments: list[str]) -> None:
    def full() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)

    out = ["--out", "figures"] if arguments[0] == "show" else []
    message = refused(limited(*arguments, *out, folder=intact, before=full))
    assert "the system must give" in message["rule"] and "No space left" in message["got"]


def test_a_run_is_kept_when_its_table_cannot_be_printed(small: list[str], intact: Path, command: Command) -> None:
    done = limited(
        "train", *small, "--out", "new", folder=intact, before=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    )
    assert "whole on disk" in refused(done)["do"]
    assert command("show", "place/new").status == 0


def test_a_full_disk_for_compiled_kernels_is_told_before_training(
    small: list[str], intact: Path, tmp_path: Path
) -> None:
    with mounted(tmp_path / "cache", "size=64k") as really:
        limits = {} if really else {resource.RLIMIT_FSIZE: 4096}
        (tmp_path / "cache" / "fill").write_bytes(bytes(60_000))
        done = limited(
            "train", *small, "--out", "new", folder=intact, limits=limits, NUMBA_CACHE_DIR=str(tmp_path / "cache")
        )
        refused(done)
        assert not (intact / "new").exists()


# Read-only places


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder one that nothing can be written in, for root too."""
    with mounted(folder, "size=64k") as really:
        if really:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        else:
            folder.chmod(0o555)
        try:
            if not really and os.geteuid() == 0:  # root without the right to mount: a folder that no file fits in
                folder.rmdir()
                folder.symlink_to("/proc/self")
            yield
        finally:
            if folder.is_symlink():
                folder.unlink()
                folder.mkdir()
            elif not really:
                folder.chmod(0o755)


def test_a_read_only_place_is_told_before_any_work(small: list[str], intact: Path) -> None:
    place = intact / "locked"
    with read_only(place):
        for command in (
            ["train", *small], ["train", *small, "--out", "new"], ["devices", "show", "pcm"],
            ["reproduce", "--only", "local", "--seeds", "1", *small], ["show", str(intact / "earlier"), "--out", "new"],
        ):  # fmt: skip
            done = limited(*command, folder=place)
            assert re.search("[Rr]ead-only|[Pp]ermission|No such file|writable", refused(done)[0])
            assert "learning" not in done.err


# Folders that vanish


def test_a_working_folder_that_is_gone_is_told(small: list[str], intact: Path) -> None:
    gone = intact / "gone"
    gone.mkdir()
    for command in (["train", *small], ["devices", "show", "pcm"], ["show", "run"]):
        gone.mkdir(exist_ok=True)
        refused(limited(*command, folder=gone, before=gone.rmdir))
    assert not gone.exists()


def test_a_run_folder_that_vanishes_while_training_ends_in_a_result_or_in_words(
    small: list[str], intact: Path, command: Command
) -> None:
    place = intact / "vanishing"
    place.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-m", "synarray", "train", *small, "--set", "epochs=2000", "--out", "vanishing/run"],
        cwd=intact, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    for _ in range(600):
        if any(place.iterdir()):
            break
        time.sleep(0.05)
    shutil.rmtree(place, ignore_errors=True)
    _, err = child.communicate(timeout=300)
    assert child.returncode in (0, 2), err
    if child.returncode == 2:
        refused(Outcome(2, "", err))
    else:
        assert command("show", "place/vanishing/run").status == 0


# A clock that jumps


JUMPS = """
import random, time
_real, _rng, _leaps = time.time, random.Random(1), [0.0]
def _jumping():
    return _real() + _rng.choice((-3e7, 3e7, -1.0, 0.0, 1e9, -1.7e9))
time.time = _jumping
time.time_ns = lambda: int(1e9 * _jumping())
for _name in ("monotonic", "perf_counter"):  # these never go back, but leap ahead when a machine sleeps
    def _leaping(_real=getattr(time, _name)):
        _leaps[0] += _rng.choice((5e3, 1e4))
        return _real() + _leaps[0]
    setattr(time, _name, _leaping)
"""


def test_a_clock_that_jumps_changes_no_result(small: list[str], intact: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(JUMPS, "utf-8")
    path = os.pathsep.join([str(tmp_path / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])])
    plain = command("train", *small, "--out", "plain", "--json").json
    jumped = limited("train", *small, "--out", "jumped", "--json", folder=intact, PYTHONPATH=path).json
    assert jumped["train_seconds"] > plain["train_seconds"] + 1000  # the clock did jump
    assert jumped["state_sha256"] == plain["state_sha256"]
    assert (jumped["accuracy"], jumped["pulses"]) == (plain["accuracy"], plain["pulses"])
    assert command("show", "place/jumped").status == 0


# Handles and memory


@pytest.mark.parametrize("most", [5, 6, 7, 8, 10, 14])
def test_too_few_file_handles_end_in_a_result_or_in_words(small: list[str], intact: Path, most: int) -> None:
    """Python itself starts with five or more."""
    for command in (["train", *small, "--out", "new"], ["show", "earlier", "--out", "figures"]):
        done = limited(*command, folder=intact, limits={resource.RLIMIT_NOFILE: most})
        if done.status != 0:
            assert re.search("Too many open files|must load|allowed to load", refused(done)[0])


@pytest.mark.parametrize("most", [200 * MEGABYTE, 400 * MEGABYTE, 1000 * MEGABYTE])
def test_too_little_address_space_to_start_is_told_at_once(small: list[str], intact: Path, most: int) -> None:
    """Some libraries for arrays would end the process, or try forever."""
    done = limited("train", *small, "--out", "new", folder=intact, limits={resource.RLIMIT_AS: most})
    assert "1,024 MB" in refused(done)["rule"]
    assert not (intact / "new").exists()


@pytest.mark.parametrize(
    "settings",
    [
        ["n_neurons=60000", "fields.kind='full'", "data=mnist"],
        ["n_neurons=60000", "device=pcm", "synapse.scheme=pair", "array.count=10000", "data=mnist"],
        ["array.rows=65536", "array.columns=65536", "array.wires.r_wire='2 ohm'", "device=pcm", "n_neurons=6000"],
    ],
    ids=["neurons", "pairs", "wires"],
)
def test_a_network_larger_than_the_memory_is_refused_in_words(
    small: list[str], intact: Path, settings: list[str]
) -> None:
    changes = [part for setting in settings for part in ("--set", setting)]
    most = {resource.RLIMIT_AS: 1200 * MEGABYTE, resource.RLIMIT_CPU: 120}
    done = limited(
        "train", "full-field", *small, *changes, "--set", "images=100", "--out", "new", folder=intact, limits=most
    )
    assert "memory" in refused(done)["rule"]
    assert not (intact / "new").exists()
