"""What studies cost beyond their runs: throughput of two workers, overhead per run, disk and time to load the table.

python benchmarks/studies.py throughput --runs 32 --seconds 10      one worker, two workers
python benchmarks/studies.py overhead --runs 200                    beyond what the runs themselves take
python benchmarks/studies.py table --runs 10000                     disk, and time to load the table
python benchmarks/studies.py dask --runs 500                        the same overhead on a cluster of this machine
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from synarray.study.conduct import run_study
from synarray.study.engines import DaskEngine, Engine, LocalEngine
from synarray.study.measure import perform
from synarray.study.plan import StudySpec
from synarray.study.points import Planner
from synarray.study.table import load_table


def tiny(folder: Path, runs: int) -> StudySpec:
    """Describe runs that take some hundredths of a second: 64 images of 12 x 12, 12 neurons."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (128, 12, 12), dtype=np.uint8), np.arange(128) % 4
    np.savez(folder / "tiny.npz", x_train=x[:64], y_train=y[:64], x_test=x[64:], y_test=y[64:])
    return StudySpec(
        name="tiny", set={"data": str(folder / "tiny.npz"), "n_neurons": 12, "epochs": 1}, seeds=tuple(range(runs))
    )


def job_of(spec: StudySpec) -> dict[str, Any]:
    """Make the first run of a study a job."""
    planner = Planner(spec)
    run = next(planner.runs())
    from importlib.metadata import version

    experiment = planner.experiment(run).model_dump(mode="json")
    return {"identity": run.identity, "experiment": experiment, "synarray": version("synarray")}


def timed(spec: StudySpec, folder: Path, engine: Engine) -> tuple[float, float, float]:
    """Run a study; return wall seconds until its first run was done, from there to the last, and seconds within its runs."""
    marks: list[float] = []
    start = time.perf_counter()
    run_study(spec, folder, engine=engine, on_progress=lambda progress: marks.append(time.perf_counter()))
    within = load_table(folder)["made_seconds"]
    return marks[1] - start, marks[-1] - marks[1], float(within.sum())


def throughput(runs: int, seconds: float, folder: Path) -> None:
    """Run for so many seconds each, on one worker and then on two."""
    short = StudySpec(name="short", base="full-field", set={"epochs": 1})
    perform(job_of(short))
    outcome = perform(job_of(short))
    one = outcome["metrics"]["seconds_train"]
    rest = outcome["made"]["seconds"] - one
    epochs = max(1, round((seconds - rest) / one))
    spec = StudySpec(name="long", base="full-field", set={"epochs": epochs}, seeds=tuple(range(runs)))
    walls = {}
    for workers in (1, 2):
        start = time.perf_counter()
        run_study(spec, folder / f"workers-{workers}", engine=LocalEngine(workers))
        walls[workers] = time.perf_counter() - start
        each = load_table(folder / f"workers-{workers}")["made_seconds"]
        print(
            f"{workers} workers: {runs} runs in {walls[workers]:.1f} s, {runs / walls[workers] * 60:.2f} runs a minute; "
            f"a run takes {each.mean():.2f} s (first {each.iloc[0]:.2f} s)"
        )
    print(f"two workers give {walls[1] / walls[2]:.2f} times the throughput of one, start of processes included")


def overhead(runs: int, folder: Path) -> None:
    """Tiny runs on one worker: wall time beyond the runs' own."""
    spec = tiny(folder, runs)
    begun, then, within = timed(spec, folder / "study", LocalEngine(1))
    each = within / runs
    print(f"start (process, imports, kernels, first run): {begun:.2f} s")
    print(f"{runs} runs of {1e3 * each:.1f} ms: {1e3 * (then / (runs - 1) - each):.1f} ms beyond each")


def table(runs: int, folder: Path, workers: int) -> None:
    """Many tiny runs: what they leave on disk, and how long their table takes to load in a fresh process."""
    spec = tiny(folder, runs)
    start = time.perf_counter()
    n = len(list(Planner(spec).runs()))
    print(f"planning {n:,} runs: {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    run_study(spec, folder / "study", engine=LocalEngine(workers))
    print(f"running them with {workers} workers: {time.perf_counter() - start:.1f} s")
    for file in sorted((folder / "study").iterdir()):
        print(f"  {file.name}: {file.stat().st_size / 1e6:.1f} MB")
    print(f"  all: {sum(file.stat().st_size for file in (folder / 'study').iterdir()) / 1e6:.1f} MB")
    programs = {
        "load_table": "from synarray.study.table import load_table; load = lambda: load_table({folder!r})",
        "pandas.read_parquet": "import pandas as pd, pyarrow.parquet\n"
        "load = lambda: pd.read_parquet({folder!r} + '/table.parquet')",
    }
    for name, program in programs.items():
        taken = []
        for _ in range(3):
            text = program.format(folder=str(folder / "study")) + (
                "\nimport pandas, time; start = time.perf_counter(); table = load()"
                "\nprint(time.perf_counter() - start, len(table))"
            )
            done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
            seconds, rows = done.stdout.split()
            assert int(rows) == runs
            taken.append(float(seconds))
        print(f"{name}: {statistics.median(taken):.2f} s (median of 3 fresh processes, pandas imported before)")


def dask(runs: int, folder: Path) -> None:
    """Tiny runs on a cluster of one scheduler and two workers of this machine."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        spec = tiny(folder, runs)
        begun, then, within = timed(spec, folder / "study", DaskEngine(cluster.scheduler_address))
        print(
            f"start: {begun:.2f} s; {runs} runs of {1e3 * within / runs:.1f} ms in {then:.2f} s: {runs / then:.0f} runs a second"
        )
        print(f"beyond the runs, of two workers: {1e3 * (2 * then - within) / runs:.1f} ms each")
        cpu = cluster.scheduler.monitor.recent()["cpu"] if hasattr(cluster.scheduler, "monitor") else float("nan")
        print(f"the scheduler's process (which is this one too): {cpu:.0f} % of a core")


def main() -> None:
    """Print one of the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("what", choices=("throughput", "overhead", "table", "dask"))
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="synarray-studies-") as place:
        folder = Path(place)
        if arguments.what == "throughput":
            throughput(arguments.runs or 32, arguments.seconds, folder)
        elif arguments.what == "overhead":
            overhead(arguments.runs or 200, folder)
        elif arguments.what == "dask":
            dask(arguments.runs or 500, folder)
        else:
            table(arguments.runs or 10_000, folder, arguments.workers)


if __name__ == "__main__":
    main()
