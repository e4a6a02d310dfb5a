"""The runs of a folder in a few words each, read without opening their arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from synarray.errors import DataError, RunError, SpecError
from synarray.files import is_there, parse_toml, read_text
from synarray.learn.checkpoint import saved_history
from synarray.run.contents import read_json, read_metrics
from synarray.run.experiment import ExperimentSpec
from synarray.run.folder import FILES, PARTIAL

__all__ = ["ListedRun", "runs_in"]


@dataclass(frozen=True)
class ListedRun:
    """One run."""

    name: str
    """Of its folder."""
    experiment: str
    device: str | None
    seed: int
    accuracy: float | None
    """On the test images; of an interrupted run, the last point of its training curve."""
    state: str
    """Either "finished", or how far an unfinished one is."""
    written: str
    """Date and time, UTC; empty for an unfinished one."""


def runs_in(folder: Path) -> list[ListedRun]:
    """List the runs in a folder, by name; what is no run is left out, and a damaged run says so."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.endswith(PARTIAL):
            found += _unfinished(path)
        elif all(is_there(path / name) for name in FILES):
            found.append(_finished(path))
    return found


def _finished(path: Path) -> ListedRun:
    try:
        metrics, provenance = read_metrics(path / "metrics.json"), read_json(path / "provenance.json")
        written = str(provenance.get("written", ""))[:16].replace("T", " ")
        return ListedRun(
            path.name,
            metrics["name"],
            metrics["device"],
            metrics["seed"],
            metrics["accuracy"],
            "finished",
            written,
        )
    except (OSError, ValueError, KeyError, AttributeError, RunError, DataError, json.JSONDecodeError):
        return ListedRun(path.name, "", None, 0, None, "damaged", "")


def _unfinished(path: Path) -> list[ListedRun]:
    try:
        spec = ExperimentSpec.read(parse_toml(read_text(path / "experiment.toml")), str(path / "experiment.toml"))
    except (OSError, ValueError, RunError, SpecError, DataError):
        return []
    curve = saved_history(path)
    state = f"unfinished, {curve[-1].presentations:,} presentations saved" if curve else "unfinished"
    reached = next((point.accuracy for point in reversed(curve) if point.accuracy is not None), None)
    device = spec.device.name if spec.device else None
    return [ListedRun(path.name.removesuffix(PARTIAL), spec.name, device, spec.seed, reached, state, "")]
