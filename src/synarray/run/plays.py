"""Results of a task with a reward, seed by seed: kept in a folder, found again, and summed up."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from synarray.errors import RunError
from synarray.files import open_ordinary, write_file, writing
from synarray.run.playing import TaskSpec

_LARGEST = 1 << 28
"""Bytes of a result."""

__all__ = ["keep", "kept", "mean_of", "summarise", "with_seed"]


def with_seed(spec: TaskSpec, seed: int) -> TaskSpec:
    """Return the task with another seed of its learning."""
    learning = type(spec.learning)(**{**dict(spec.learning), "seed": seed})
    return type(spec)(**{**dict(spec), "learning": learning})


def identity(spec: TaskSpec) -> str:
    """Fingerprint of everything that decides a result."""
    decisive = spec.model_dump(mode="json", exclude={"name": True, "note": True})
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _file(folder: Path, spec: TaskSpec) -> Path:
    return folder / f"seed-{spec.learning.seed}.json"


def keep(folder: Path, spec: TaskSpec, result: dict[str, Any]) -> None:
    """Write the result of one seed, whole or not at all."""
    content = json.dumps({"task": identity(spec), "result": result}).encode()
    with writing("the folder for results must be writable", folder, "Free some space, or give another with --out."):
        folder.mkdir(parents=True, exist_ok=True)
        write_file(_file(folder, spec), content)


def kept(folder: Path, spec: TaskSpec) -> dict[str, Any] | None:
    """Return a finished result of this very task and seed, if there is one.

    Raises
    ------
    RunError
        When the file there is no result.
    """
    path = _file(folder, spec)
    try:
        with open_ordinary(path) as file:
            found = json.loads(file.read(_LARGEST))
        task, result = found["task"], dict(found["result"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            "a result must be as synarray play wrote it", got=f"{type(error).__name__}: {error}", where=str(path),
            do="Remove the file, or leave --resume out to write it again.",
        ) from None  # fmt: skip
    return result if task == identity(spec) and not result.get("interrupted") else None


def mean_of(values: list[float]) -> tuple[float, float]:
    """Return the mean over seeds, and half of its 95 % interval (Student's t; nan for fewer than three)."""
    from scipy.stats import t

    mean = float(np.mean(values)) if values else float("nan")
    if len(values) < 3:
        return mean, float("nan")
    return mean, float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))


_SUMMED = ("episodes", "steps", "pulses", "looked_up", "energy", "time", "pulses_most", "pulses_mean", "trainings_left")


def summarise(spec: TaskSpec, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Average results over their seeds: [mean, half of the 95 % interval], null where nothing is known."""
    totals: dict[str, Any] = {
        "task": spec.name, "device": None if spec.learning.device is None else spec.learning.device.name,
        "seeds_done": len(results), "solved": sum(result["solved"] for result in results),
        "interrupted": any(result["interrupted"] for result in results),
    }  # fmt: skip
    for name in _SUMMED:
        totals[name] = _pair([result[name] for result in results])
    tests = {"cells": [result["test"] for result in results]}
    for name in ("tabular", "random"):
        tests[name] = [result["compared"][name] for result in results if name in result["compared"]]
    totals["test"] = {
        name: {key: _pair([one[key] for one in test]) for key in ("mean_return", "median_path")}
        for name, test in tests.items()
        if test
    }
    return totals


def _pair(values: list[Any]) -> list[float | None] | None:
    if not values or any(value is None for value in values):
        return None
    mean, half = mean_of(values)
    return [mean, half if np.isfinite(half) else None]
