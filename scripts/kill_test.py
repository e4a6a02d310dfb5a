"""Kill training processes at random instants, over and over, and compare what they end with with an undisturbed run.

    python scripts/kill_test.py 1000

Each kill is a SIGKILL to a real process that runs ``synarray train`` or ``synarray resume``: either after a random time, or
before a random one of its operations on files (with the file being written cut short), so that every instant of a checkpoint's
write and of the end of a run is met. Now and then the newest checkpoint is damaged as well. After every kill nothing that was
saved may be lost, and at the end of every run its weights, counts, history and metrics must be those of the undisturbed one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import synarray
from synarray.cli.app import main as command
from synarray.errors import RunError
from synarray.learn import checkpoint
from synarray.learn.trainer import Trainer
from synarray.run.experiment import load_experiment
from synarray.run.opened import open_run

SMALL = {"n_neurons": 12, "epochs": 2, "images": 60, "checkpoint.seconds": "0 s"}
WIRES = {"array.rows": 160, "array.columns": 32, "array.wires.r_wire": "5 ohm", "array.wires_every": 50}
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ideal weights, local fields": ("local-fields", {}),
    "sliding form, soft pruning": ("shi2018", {"pruning.mode": "soft", "pruning.fraction": 0.5}),
    "pruned after training": (
        "full-field",
        {"pruning.mode": "after", "pruning.fraction": 0.5, "pruning.rebalance": 40},
    ),
    "PCM pairs with drift and wires": ("full-field", {"device": "pcm", **WIRES}),
    "CBRAM with every imperfection": ("cbram-everything", WIRES),
    "CBRAM, words of 2 bits": ("cbram-2-bit", {}),
}
CALLS = ("fsync", "replace", "rename", "mkdir", "unlink", "rmdir")
"""Operations on files before which a process may be killed."""
TIMES = {"seconds", "train_seconds", "images_per_second", "run_dir"}


@dataclass
class Watch:
    """Numbers that a process leaves to the one that kills it."""

    memory: mmap.mmap

    def __getitem__(self, i: int) -> int:
        return int(struct.unpack_from("q", self.memory, 8 * i)[0])

    def __setitem__(self, i: int, value: int) -> None:
        struct.pack_into("q", self.memory, 8 * i, value)


SAVED, SHOWN, DONE_CALLS = range(3)


def bars(path: Path) -> None:
    """Write small data: images with one bright bar in one of four places."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 80)
    x = rng.integers(0, 60, (80, 12, 12))
    for image, kind in zip(x, y, strict=True):
        at = 6 * (kind // 2) + rng.integers(0, 5)
        (image if kind % 2 else image.T)[at : at + 2] += 190
    x = x.astype(np.uint8)
    np.savez(path, x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])


def child(arguments: list[str], folder: Path, watch: Watch, kill_at: int, slow: float) -> int:
    """Run the command in a process of its own, which kills itself before its operation number ``kill_at``. Returns its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.chdir(folder)
        for descriptor, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder.parent / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        _watch_training(watch)
        for name in CALLS:
            setattr(os, name, _dangerous(name, getattr(os, name), watch, kill_at, slow))
        sys.argv = ["synarray", *arguments]
        command()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(99)


def _watch_training(watch: Watch) -> None:
    """Report what has been saved and shown."""
    save, show = checkpoint.Checkpoints.save, Trainer._show

    def saving(self: checkpoint.Checkpoints, trainer: Trainer) -> bool:
        done = save(self, trainer)
        watch[SAVED] = trainer.presentations
        return done

    def showing(self: Trainer, *arguments: Any, **options: Any) -> None:
        show(self, *arguments, **options)
        watch[SHOWN] = self.presentations

    checkpoint.Checkpoints.save, Trainer._show = saving, showing  # type: ignore[method-assign]


def _dangerous(name: str, call: Any, watch: Watch, kill_at: int, slow: float) -> Any:
    def run(*arguments: Any, **options: Any) -> Any:
        watch[DONE_CALLS] += 1
        time.sleep(slow)
        if watch[DONE_CALLS] == kill_at:
            if name == "fsync":
                with contextlib.suppress(OSError):  # a folder, or a file that was written before
                    os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size // 2)  # as if cut within the write
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)

    return run


def wait(pid: int, seconds: float | None = None) -> int | None:
    """Wait for a process; kill it after some time. Returns its exit status, or None when it was killed."""
    end = time.monotonic() + (seconds if seconds is not None else 60.0)
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.0005)
    else:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def newest(folder: Path) -> int:
    """Presentations of the newest good checkpoint; 0 when there is none."""
    found = [0]
    for name in checkpoint.CHECKPOINTS:
        with contextlib.suppress(FileNotFoundError, ValueError):
            _, state = checkpoint.read_checkpoint(folder / name, 10**9)
            found.append(int(state["trainer.presentations"]))
    return max(found)


def spoil(folder: Path, rng: random.Random) -> bool:
    """Flip one bit of the newest of two checkpoints."""
    paths = [folder / name for name in checkpoint.CHECKPOINTS]
    if not all(path.exists() for path in paths):
        return False
    path = max(paths, key=lambda path: path.stat().st_mtime_ns)
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return True


def outcome(run: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return everything a run ends with, but its times."""
    found = open_run(run)
    return {k: v for k, v in found.metrics.items() if k not in TIMES}, {k: v.tobytes() for k, v in found.arrays.items()}


def fail(text: str, folder: Path) -> NoReturn:
    """Say what was lost, and how the last process ended."""
    print((folder.parent / "err").read_text(errors="replace"), file=sys.stderr)
    sys.exit(f"{text} (in {folder}: {sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))})")


def kill_over_and_over(kills: int, seed: int, root: Path) -> dict[str, Any]:
    """Kill so many processes; exit with a message at the first loss. Returns what happened, in numbers."""
    rng, watch, count = random.Random(seed), Watch(mmap.mmap(-1, 4096)), Counter[str]()
    bars(root / "bars.npz")
    data = {**SMALL, "data": str(root / "bars.npz")}
    undisturbed: dict[str, Any] = {}
    for number, (name, (experiment, changes)) in enumerate(TASKS.items()):
        settings = [part for key, value in (data | changes).items() for part in ("--set", f"{key}={value}")]
        images = [f[part] for f in [np.load(root / "bars.npz")] for part in ("x_train", "y_train")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            synarray.train(load_experiment(experiment, {**SMALL, **changes, "epochs": 1, "images": 60}), *images)
        folder = root / f"undisturbed-{number}"
        folder.mkdir()
        watch[DONE_CALLS], start = 0, time.monotonic()
        if wait(child(["train", experiment, *settings, "--out", "run"], folder, watch, 0, 0.0)) != 0:
            fail(f"{name}: the undisturbed run failed", folder)
        undisturbed[name] = experiment, settings, outcome(folder / "run"), time.monotonic() - start, watch[DONE_CALLS]
    lost_most, run = 0, 0
    while count["kills"] < kills:
        name = rng.choice(list(TASKS))
        experiment, settings, expected, seconds, calls = undisturbed[name]
        folder, run = root / f"{run}", run + 1
        folder.mkdir()
        partial, again = folder / "run.partial", False
        while True:
            begun = (partial / "experiment.toml").exists()
            arguments = ["train", experiment, *settings, "--out", "run", *["--resume"] * again]
            if begun and rng.random() < 0.5:
                arguments = ["resume", "run"]
            kill_at = rng.randrange(1, calls) if rng.random() < 0.5 else 0
            slow = 0.0 if kill_at else rng.choice((0.0, 0.002))
            watch[DONE_CALLS], watch[SHOWN], watch[SAVED], again = 0, newest(partial), newest(partial), True
            pid = child(arguments, folder, watch, kill_at, slow)
            status = wait(pid, None if kill_at else rng.uniform(0, seconds + slow * calls))
            if status is not None:
                break
            count["kills"] += 1
            count["before an operation on files" if kill_at else "after a time"] += 1
            if (folder / "run").exists():
                count["after the run stood in its place"] += 1
                open_run(folder / "run")
                continue
            if (partial / "experiment.toml").exists():
                with contextlib.suppress(RunError):
                    open_run(folder / "run")
                    fail(f"{name}: a run that is not finished could be opened", folder)
            kept = newest(partial)
            if kept < watch[SAVED]:
                fail(f"{name}: {watch[SAVED]} presentations had been saved, {kept} were found", folder)
            lost_most = max(lost_most, watch[SHOWN] - kept)
            if rng.random() < 0.1:
                count["with the newest checkpoint damaged as well"] += spoil(partial, rng)
        if status != 0:
            fail(f"{name}: exit status {status}", folder)
        if outcome(folder / "run") != expected:
            fail(f"{name}: other bits", folder)
        if [path.name for path in folder.iterdir()] != ["run"]:
            fail(f"{name}: something was left behind", folder)
        count["runs compared"] += 1
    return {
        "seed": seed,
        "most_presentations_lost": lost_most,
        **{key.replace(" ", "_"): n for key, n in count.items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", nargs="?", type=int, default=1000, help="how many processes are killed")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--folder", type=Path, help="where, and what is left to look at; default: a temporary folder")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="synarray-kill-", dir=asked.folder) as place:
        summary = kill_over_and_over(asked.kills, asked.seed, Path(place))
    print(json.dumps(summary | {"seconds": round(time.monotonic() - begun, 1)}))
