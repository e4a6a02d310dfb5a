"""A file of measured pulses, dropped on the page: how it was read, the fit, and what may be wrong with it.

Nothing in the file is executed or unpickled; it is read by ``lab/`` like a file that is named at the shell.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.files import writing
from synarray.lab.exchange.imported import name_from
from synarray.lab.fitting import fit
from synarray.lab.formats import explain_file, read_file
from synarray.lab.rows.measured import Measurements
from synarray.lab.traces.retention import Aged
from synarray.report.fit_views import nominal_train
from synarray.studio.asked import device_table

__all__ = ["read_content", "read_pulse_file"]

_TRAINS, _POINTS = 12, 400
"""Measured trains that are drawn, and most points of each."""


def read_content(name: str, content: bytes) -> dict[str, Any]:
    """Read the content of a file that a page sent.

    Raises
    ------
    DataError
        When it cannot be read or fitted.
    RunError
        When the disk is full.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[-80:].lstrip("._-") or "pulses.csv"
    with tempfile.TemporaryDirectory(prefix="synarray-studio-") as folder:
        path = Path(folder) / safe
        with writing("a dropped file must be kept while it is read", path, "Free some space."):
            path.write_bytes(content)
        return read_pulse_file(path)


def read_pulse_file(path: Path) -> dict[str, Any]:
    """Read and fit a file of measured pulses; return what a page shows of it."""
    explained = explain_file(path)
    measured = read_file(path)
    if isinstance(measured, Aged):
        raise DataError(
            "the studio reads trains of pulses", got="a trace of retention or endurance", where=path.name,
            do=f"Write its numbers into a device: synarray device fit {path.name} --into DEVICE.toml",
        )  # fmt: skip
    found = fit(measured, name_from(path))
    return {
        "name": path.name,
        "layout": explained.layout,
        "columns": [
            [c.name or f"column {c.at + 1}", c.meaning or "not used", c.unit, c.why] for c in explained.columns
        ],
        "said": list(explained.said),
        "rows_used": found.rows_used,
        "discarded": found.rows_discarded,
        "law": found.spec.law,
        "numbers": [[key, *map(float, estimate)] for key, estimate in found.table.items()],
        "verdict": list(found.verdict),
        "warnings": list(found.warnings),
        "unconfirmed": list(found.spec.unconfirmed),
        "trains": _trains(measured),
        "fitted": _followed(found.spec, measured),
        "device": device_table(found.spec),
    }


def _ends(measured: Measurements) -> list[tuple[int, int]]:
    """Return first and last row of each train."""
    moved = (np.diff(measured.device_id) != 0) | (np.diff(measured.cycle) != 0)
    starts = np.flatnonzero(np.r_[True, moved])
    return list(zip(starts.tolist(), np.r_[starts[1:], len(measured)].tolist(), strict=True))


def _trains(measured: Measurements) -> list[list[float]]:
    ends = _ends(measured)
    every = max(len(ends) // _TRAINS, 1)
    return [_short(measured.G_S[a:b][:_POINTS]) for a, b in ends[::every][:_TRAINS]]


def _followed(device: DeviceSpec, measured: Measurements) -> list[float]:
    """Follow the fitted device, without noise, through the pulses of the longest train."""
    a, b = max(_ends(measured), key=lambda end: end[1] - end[0])
    return _short(nominal_train(device, measured.polarity[a : min(b, a + _POINTS)], float(measured.G_S[a])))


def _short(values: npt.NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
