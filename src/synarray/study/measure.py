"""One run, from its experiment to one flat row of numbers; what a worker does, wherever it is.

The images are loaded once per process, and so are the compiled kernels. What a run costs in joules and seconds is priced
here from its counts, where it has cells of a device.
"""

from __future__ import annotations

import platform
import socket
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synarray.cost.prices import load_periphery
from synarray.errors import RunError, SynarrayError
from synarray.files import is_there
from synarray.learn.training import train
from synarray.run.contents import METRIC_NAMES, StoredRun
from synarray.run.energy import Bill
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.run.folder import write_run
from synarray.run.layered_energy import LayeredBill, bill_of, bill_of_result
from synarray.run.opened import open_run
from synarray.task.datasets import Dataset, load_dataset

__all__ = ["METRICS", "PRICED", "perform", "prices_of"]

PRICED = (
    "energy",
    "energy_programming",
    "energy_conversions",
    "time_sequential",
    "time_row_parallel",
    "area",
    "bytes_moved",
)
"""Columns that only runs in cells of a device have: joules, seconds, square metres, bytes."""
METRICS = METRIC_NAMES | {*PRICED, "test_images", "epochs"}
"""Columns of results that figures can be drawn of."""

_OF_FOLDERS = {"name", "data", "experiment_sha256"}
"""What a run's folder says besides."""

Job = dict[str, Any]
Outcome = dict[str, Any]


def perform(job: Job) -> Outcome:
    """Run one experiment; whatever fails in it is reported in the outcome.

    Parameters
    ----------
    job : dict
        ``identity``, ``experiment`` (as JSON holds it), ``synarray`` (the version that asks), and ``folder`` of the study
        when whole runs are to be kept in it.

    Returns
    -------
    dict
        ``identity``, ``made`` (where, when, with what), and either ``metrics`` or ``failed``.
    """
    start = time.perf_counter()
    outcome: Outcome = {"identity": job["identity"]}
    try:
        outcome["metrics"] = _run(job)
    except SynarrayError as error:
        outcome["failed"] = str(error)
    except Exception as error:  # a study continues without the run, and says why
        at = traceback.extract_tb(error.__traceback__)[-1]
        outcome["failed"] = f"{type(error).__name__}: {error} ({Path(at.filename).name}, line {at.lineno})"
    versions = {name: version(name) for name in ("synarray", "numpy", "numba")}
    outcome["made"] = {
        **versions,
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "seconds": time.perf_counter() - start,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return outcome


def _run(job: Job) -> dict[str, Any]:
    if job["synarray"] != version("synarray"):
        raise RunError(
            "all of a study must be run by one version of synarray",
            got=version("synarray"),
            where=socket.gethostname(),
            do=f"Install synarray {job['synarray']} where the workers are.",
        )
    spec = ExperimentSpec.read(job["experiment"], "study")
    if spec.identity != job["identity"]:
        raise RunError(
            "a run must be of the experiment that was planned",
            got=spec.identity[:12],
            where=f"run {job['identity'][:12]}",
            do="Report this: the experiment did not survive being written down.",
        )
    folder = Path(job["folder"]) if job.get("folder") else None
    target = None if folder is None else folder / "runs" / job["identity"][:16]
    if folder is not None and target is not None:
        if not is_there(folder / "study.toml"):
            raise RunError(
                'with keep = "runs" every worker must see the folder of the study',
                got="no such folder",
                where=f"{folder} on {socket.gethostname()}",
                do='Use a folder they share, or keep = "metrics".',
            )
        if is_there(target, folder=True):  # killed after the run was written, before it was recorded
            done = open_run(target)
            numbers = {name: value for name, value in done.metrics.items() if name not in _OF_FOLDERS}
            return flat(numbers) | prices_of(_bill(done))
    data, x, y, x_test, y_test = task_images(spec, dataset(spec.data))
    result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
    if target is not None:
        write_run(result, spec, target)
    bill = bill_of_result(result)
    return flat(result.metrics()) | prices_of(bill)


def _bill(run: StoredRun) -> Bill | LayeredBill | None:
    """Gather what a run counted; None where weights are ideal."""
    if any(layer.experiment.device is None for layer in run.by_layer()):
        return None
    return bill_of(run)


def prices_of(bill: Bill | LayeredBill | None) -> dict[str, float]:
    """Price a run's counts for its own device, in joules, seconds, square metres and bytes; nothing for ideal weights."""
    if bill is None:
        return {}
    ledger = bill.ledger(load_periphery())
    times = {f"time_{name.replace('-', '_')}": seconds for name, seconds in ledger.seconds.items()}
    return {
        "energy": ledger.total,
        "energy_programming": ledger.programming,
        "energy_conversions": ledger.conversions,
        **times,
        "area": ledger.area,
        "bytes_moved": ledger.bytes_moved,
    }


def flat(metrics: dict[str, Any]) -> dict[str, Any]:
    """Write a run's numbers as one row: tables by dotted names with underscores, lists of words as text."""
    row: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            row |= {f"{name}_{key}": each for key, each in value.items()}
        elif name == "layers":
            row |= {f"layer_{i + 1}_{key}": each for i, layer in enumerate(value) for key, each in layer.items()}
        elif name == "class_accuracy":
            row |= {f"{name}_{i}": each for i, each in enumerate(value or [])}
        else:
            row[name] = "; ".join(map(str, value)) if isinstance(value, list) else value
    return row


def dataset(source: str) -> Dataset:
    """Load the images of a task, once per process, and again when their files have changed."""
    path = Path(source).expanduser()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    state = tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file())
    return _dataset(source, state)


@lru_cache(maxsize=2)
def _dataset(source: str, _: tuple[Any, ...]) -> Dataset:
    return load_dataset(source)
