"""Runs on disk: one folder each, written at once or not at all, and never over an earlier one.

experiment.toml    the resolved experiment
metrics.json       numbers: accuracy, counted events, times, fingerprint of the state
arrays.npz         weights, masks, thresholds, labels, inputs and their scale, events, training curve (no pickles)
provenance.json    versions, machine, seed, time, command
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import RunError
from synarray.files import sync
from synarray.learn.result import Result
from synarray.network.machine import Machine
from synarray.network.state import kept_arrays
from synarray.run.experiment import ExperimentSpec
from synarray.spec import Spec

__all__ = [
    "FILES",
    "FORMAT",
    "PARTIAL",
    "check_writable",
    "is_free",
    "layer_prefix",
    "partial_of",
    "place_for",
    "provenance",
    "reserve",
    "result_arrays",
    "result_metrics",
    "to_toml",
    "toml_value",
    "unwritable",
    "write_run",
]

FORMAT = 3
"""Version of the folder's layout."""
PARTIAL = ".partial"
"""What the name of an unfinished run's folder ends in, beside the run's place (see ``in_progress.py``)."""
FILES = ("experiment.toml", "metrics.json", "arrays.npz", "provenance.json")
"""What a run's folder holds."""


def reserve(out: Path | None, spec: ExperimentSpec) -> Path:
    """Find the folder a run will be written to, and make sure now that it can be.

    Parameters
    ----------
    out : Path or None
        The wanted folder; none: ``runs/NAME-sSEED-IDENTITY``. When it holds something already, the next free name is taken.
    spec : ExperimentSpec

    Returns
    -------
    Path
        Nothing is left there yet.

    Raises
    ------
    RunError
        When nothing can be written there, or another folder cannot replace the one that is there.
    """
    wanted = place_for(out, spec)
    check_writable(wanted)
    return _free(wanted)


def place_for(out: Path | None, spec: ExperimentSpec) -> Path:
    """Return the folder that is wanted for a run, unless none can be there; see ``reserve``."""
    wanted = Path("runs") / f"{spec.name}-s{spec.seed}-{spec.identity[:8]}" if out is None else out
    try:
        _check_folder(wanted.resolve())
    except (OSError, ValueError, RuntimeError) as error:
        raise unwritable(wanted, error) from None
    if wanted.name == ".." or wanted.is_mount() or (wanted.exists() and wanted.samefile(".")):
        raise RunError(
            "a run must have a folder of its own, which is put in its place when all is written",
            where=str(wanted),
            got="a way up, the folder you are in or a mount point",
            do=f"Name one in it, such as {wanted / 'run'}",
        )
    return wanted


def check_writable(folder: Path) -> None:
    """Make sure that a folder can be made, or written into when it is there; leave nothing behind.

    Raises
    ------
    RunError
        When it cannot.
    """
    try:
        path = folder.resolve()
        _check_folder(path)
        for attempt in range(20):
            try:
                return _probe(path)
            except FileNotFoundError:  # another process may have tidied up its own probe just now
                if attempt == 19:
                    raise
    except (OSError, ValueError, RuntimeError) as error:
        raise unwritable(folder, error) from None


def unwritable(folder: Path, error: Exception) -> RunError:
    """Say in four parts that a folder for results cannot be written."""
    return RunError(
        "the folder for results must be writable",
        got=getattr(error, "strerror", None) or str(error),
        where=str(folder),
        do="Give another folder with --out.",
    )


def _check_folder(path: Path) -> None:
    if (path.exists() and not path.is_dir()) or path == Path(path.anchor):
        raise NotADirectoryError(errno.ENOTDIR, "a file, or the root of the file system")


def _probe(path: Path) -> None:
    """Make a folder of this name beside it, and take away every folder that was made for it."""
    made: list[Path] = []
    try:
        for missing in reversed([place for place in path.parents if not place.exists()]):
            missing.mkdir(exist_ok=True)
            made.append(missing)
        with tempfile.TemporaryDirectory(prefix=".synarray-", dir=path.parent) as probe:
            (Path(probe) / path.name).mkdir()
    finally:
        for place in reversed(made):
            with contextlib.suppress(OSError):  # somebody else uses it by now
                place.rmdir()


def write_run(
    result: Result, spec: ExperimentSpec, target: Path, *, within: Path | None = None, resumed: Sequence[int] = ()
) -> Path:
    """Write a run's folder, atomically.

    Parameters
    ----------
    result : Result
    spec : ExperimentSpec
    target : Path
        Where it will be.
    within : Path, optional
        The folder of the unfinished run, in which it is put together.
    resumed : sequence of int
        Presentations after which the training was interrupted and resumed.

    Returns
    -------
    Path
        Where it is: ``target``, or the next free name.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    metrics, made = result_metrics(result, spec), provenance(spec) | {"resumed": list(resumed)}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = within if within is not None and within.is_dir() else target.parent
        folder = Path(tempfile.mkdtemp(prefix=".synarray-", dir=place))
        try:
            folder.chmod(0o755)
            (folder / "experiment.toml").write_text(to_toml(spec), "utf-8")
            (folder / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
            (folder / "provenance.json").write_text(json.dumps(made, indent=1), "utf-8")
            (folder / "arrays.npz").write_bytes(_packed(result_arrays(result)))
            sync(*(folder / name for name in FILES), folder)
            written = _move(folder, target, within)
            sync(target.parent)
            return written
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise RunError(
            "the run must be written to disk",
            got=str(error.strerror or error),
            where=str(target),
            do="Free some space or give another folder with --out; earlier runs are untouched.",
        ) from None


def _packed(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Return the bytes of an .npz; written at once, since a zip file that cannot be finished complains when it is let go."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def to_toml(spec: Spec) -> str:
    """Write an experiment or a study as a file that reads back to the same one."""
    return _table("", spec.model_dump(mode="json")).lstrip("\n")


def _table(name: str, values: dict[str, Any]) -> str:
    """One TOML table: its header, its values, then the tables within it."""
    plain = {key: value for key, value in values.items() if value is not None and not isinstance(value, dict)}
    inner = {_key(key): value for key, value in values.items() if isinstance(value, dict)}
    header = f"\n[{name}]\n" if name and (plain or not inner) else ""
    lines = "".join(f"{_key(key)} = {toml_value(value)}\n" for key, value in plain.items())
    return header + lines + "".join(_table(f"{name}.{key}" if name else key, table) for key, table in inner.items())


def toml_value(value: Any) -> str:
    """One TOML value; JSON writes strings, numbers and booleans the way TOML reads them."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{_key(key)} = {toml_value(each)}" for key, each in value.items() if each is not None)
            + "}"
        )
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    """One TOML key, in quotes where it must be."""
    return text if re.fullmatch("[A-Za-z0-9_-]+", text) else toml_value(text)


def partial_of(target: Path) -> Path:
    """Return the folder that an unfinished run has beside its place."""
    return target.with_name(target.name + PARTIAL) if target.name else target / PARTIAL


def is_free(path: Path) -> bool:
    """Say whether a run can be put there: nothing is, or an empty folder."""
    return not (path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))))


def _free(wanted: Path, own: Path | None = None) -> Path:
    """Return the path itself, or the first of path-2, path-3, ... that no run has, or is about to have (but ``own``)."""
    path, n = wanted, 1
    while not is_free(path) or (partial_of(path) != own and partial_of(path).exists()):
        n += 1
        path = wanted.with_name(f"{wanted.name}-{n}")
    return path


def _move(folder: Path, target: Path, own: Path | None) -> Path:
    """Give the finished folder its name; when another process used it meanwhile, the next free one."""
    while True:
        target = _free(target, own)
        try:
            folder.rename(target)
            return target
        except OSError:
            if not target.exists() or not any(target.iterdir()):
                raise


def result_metrics(result: Result, spec: ExperimentSpec) -> dict[str, Any]:
    """Return what a run folder keeps as numbers, by name."""
    return {"name": spec.name, "data": spec.data, "experiment_sha256": spec.identity} | result.metrics()


def result_arrays(result: Result) -> dict[str, npt.NDArray[Any]]:
    """Return what a run folder keeps as arrays, by name."""
    machine, history = result.machine, result.history
    nan = float("nan")
    arrays = kept_arrays({"machine": machine, "array": machine.array}) | {
        "row_inputs": np.concatenate([group.inputs for group in machine.groups]),
        "inputs": result.retina.inputs,
        "full_scale": np.array(result.retina.full_scale),
        "mean_total": np.array(result.retina.mean_total),
        "n_features": np.array(result.retina.n_features),
        "image_shape": np.array(result.image_shape or (), np.int64),
        "classes": result.classes,
        "label_counts": result.label_counts,
        "history_presentations": np.array([point.presentations for point in history], np.int64),
        "history_accuracy": np.array([nan if point.accuracy is None else point.accuracy for point in history]),
        "history_pulses": np.array([point.pulses for point in history], np.int64),
        "history_pruned": np.array([point.pruned_fraction for point in history]),
    }
    arrays |= _kept_of_cells(machine)
    for i, layer in enumerate(result.below):
        own = kept_arrays({"machine": layer.machine, "array": layer.machine.array}) | _kept_of_cells(layer.machine)
        arrays |= {f"{layer_prefix(i)}{name}": value for name, value in own.items()}
    if result.evaluation:
        arrays["confusion"] = result.evaluation.confusion
    return arrays


def _kept_of_cells(machine: Machine) -> dict[str, npt.NDArray[Any]]:
    """Return what is kept of cells that wear out or age."""
    kept = {} if machine.wear is None else kept_arrays({"wear": machine.wear})
    return kept if machine.ageing is None else kept | {"age": machine.ageing.since_pulse}


def layer_prefix(i: int) -> str:
    """Return what the names of a frozen layer's arrays begin with; layers count from 0."""
    return f"layer{i + 1}_"


def provenance(spec: ExperimentSpec) -> dict[str, Any]:
    """Say by what, where and when a run was made."""
    packages = ("synarray", "numpy", "numba", "pydantic")
    return {
        "format": FORMAT,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": spec.seed,
        "experiment_sha256": spec.identity,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "machine": {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()},
        "command": sys.argv,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
