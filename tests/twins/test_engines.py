"""The same study on this machine and on a Dask cluster whose worker is killed: the same bits, every run exactly once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from synarray.errors import RunError
from synarray.study import engines
from synarray.study.conduct import run_study
from synarray.study.engines import LocalEngine
from synarray.study.plan import AxisSpec, StudySpec
from synarray.study.table import load_table

RUNS = 36


def spec(data: Path, n_seeds: int = 4) -> StudySpec:
    """Thirty-six short runs, some through cells with every spread."""
    return StudySpec(
        name="bars", set={"data": str(data), "n_neurons": 12, "epochs": 6},
        axes={"stdp.b": AxisSpec(values=(1.0, 2.0, 3.0)), "images": AxisSpec(values=(40, 80, 160))},
        seeds=tuple(range(n_seeds)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(
    tmp_path_factory: pytest.TempPathFactory, bar_images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
) -> Path:
    """Write small images."""
    x, y = bar_images
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    np.savez(path, x_train=x[:160], y_train=y[:160], x_test=x[160:220], y_test=y[160:220])
    return path


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """Run the study on this machine."""
    folder = tmp_path_factory.mktemp("studies") / "here"
    progress = run_study(spec(data), folder, engine=LocalEngine(2))
    assert (progress.done, progress.failed, progress.total) == (RUNS, 0, RUNS)
    return folder


def lines(path: Path) -> int:
    """Count whole lines."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def until(condition: Any, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for something."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, condition
        assert process is None or process.poll() is None
        time.sleep(0.005)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a real scheduler and two workers on loopback; yields its address and the workers."""
    file, dask = folder / "scheduler.json", [sys.executable, "-m", "dask"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)], **quiet
        ))  # type: ignore[call-overload]  # fmt: skip
        until(lambda: file.exists() and file.read_text(), started[0])
        address = json.loads(file.read_text())["address"]
        for _ in range(2):
            started.append(subprocess.Popen(
                [*dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"], **quiet
            ))  # type: ignore[call-overload]  # fmt: skip
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_cluster_that_loses_a_worker_gives_the_same_bits_as_this_machine(here: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    there = tmp_path / "there"
    with cluster(tmp_path) as (address, workers):
        study = subprocess.Popen(
            [sys.executable, "-m", "synarray", "study", "run", str(here / "study.toml"), "--dask", address, "--out", str(there)],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        until(lambda: lines(there / "runs.jsonl") >= 4)
        os.kill(workers[0].pid, signal.SIGKILL)
        killed_at = lines(there / "runs.jsonl")
        _, err = study.communicate(timeout=120)
        assert study.returncode == 0, err
        assert workers[1].poll() is None
    assert killed_at < RUNS, "the worker was killed too late to matter"
    identities = [json.loads(line)["identity"] for line in (there / "runs.jsonl").read_text().splitlines()]
    assert len(identities) == len(set(identities)) == RUNS
    one, other = load_table(here), load_table(there)
    same = [name for name in one if not name.startswith(("seconds", "made_"))]
    same = [name for name in same if name not in ("train_seconds", "images_per_second")]
    assert one[same].equals(other[same])


def test_a_scheduler_that_goes_away_is_told_and_the_study_goes_on_here(here: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    command = [
        sys.executable,
        "-m",
        "synarray",
        "study",
        "run",
        str(here / "study.toml"),
        "--out",
        "there",
    ]
    with cluster(tmp_path) as (address, _):
        study = subprocess.Popen(
            [*command, "--dask", address], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        until(lambda: lines(tmp_path / "there" / "runs.jsonl") >= 2)
    _, err = study.communicate(timeout=60)
    assert study.returncode == 2, err
    assert b"must stay reachable" in err.splitlines()[-1]
    kept = (tmp_path / "there" / "runs.jsonl").read_bytes()
    done = subprocess.run([*command, "--resume"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "runs.jsonl").read_bytes().startswith(kept)
    assert lines(tmp_path / "there" / "runs.jsonl") == RUNS


DYING = """
import json, os, signal, sys
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    if job["identity"] == "always" or (job["identity"] == "once" and not os.path.exists(job["mark"])):
        open(job["mark"], "w").close()
        print("no more memory", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({"identity": job["identity"], "metrics": {}}), flush=True)
"""


def test_a_run_that_kills_its_process_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_START", DYING)
    jobs = [{"identity": name, "mark": str(tmp_path / name)} for name in ("a", "once", "b", "always", "c", "d")]
    engine = LocalEngine(2)
    outcomes = {outcome["identity"]: outcome for outcome in engine.run(jobs, lambda: False)}
    engine.close()
    assert set(outcomes) == {"a", "once", "b", "always", "c", "d"}
    assert [name for name, outcome in outcomes.items() if "failed" in outcome] == ["always"]
    assert "SIGKILL" in outcomes["always"]["failed"]
    assert "no more memory" in outcomes["always"]["failed"]


def test_a_worker_killed_while_it_starts_is_replaced_and_fails_no_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four workers in a row are killed before they are ready, each at another moment; all runs finish all the same."""
    die = (
        "import os, pathlib, signal, threading, time\n"
        f"starts = pathlib.Path({str(tmp_path / 'starts')!r})\n"
        "starts.mkdir(exist_ok=True)\n"
        "n = len(list(starts.iterdir()))\n"
        "(starts / str(n)).touch(exist_ok=False)\n"
        "kill = lambda: (time.sleep(0.05 * n), os.kill(os.getpid(), signal.SIGKILL))\n"
        "if n < 4: threading.Thread(target=kill, daemon=True).start(); time.sleep(0.1 * (n == 0))\n"
        "if n < 4: import numpy; time.sleep(9)\n"
    )
    monkeypatch.setattr(engines, "_START", die + engines._START)
    progress = run_study(spec(data, n_seeds=1), tmp_path / "study", engine=LocalEngine(1))
    assert (progress.done, progress.failed, progress.total) == (RUNS // 4, 0, RUNS // 4)
    assert len(list((tmp_path / "starts").iterdir())) == 5


def test_a_worker_killed_while_it_has_no_run_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_START", DYING)
    engine = LocalEngine(1)
    assert [each["identity"] for each in engine.run([{"identity": "a", "mark": ""}], lambda: False)] == ["a"]
    engine._idle[0].process.kill()
    engine._idle[0].process.wait()
    assert [each["identity"] for each in engine.run([{"identity": "b", "mark": ""}], lambda: False)] == ["b"]
    engine.close()


def test_workers_that_cannot_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_START", "raise SystemExit('no such package')")
    engine = LocalEngine(2)
    with pytest.raises(RunError, match="exit status 1: no such package"):
        list(engine.run([{"identity": "a"}], lambda: False))
    engine.close()
