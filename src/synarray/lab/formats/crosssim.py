"""CrossSim v2: ramps of currents (``set.csv``, ``reset.csv``) and tables of steps (``dG_increasing.txt``, ``dG_decreasing.txt``).

A table has a header line, a line of conductances (S), a line of cumulated probabilities, and then a matrix of dG, a row for
each probability and a column for each conductance. Both kinds come as two files in one folder; naming the folder or one is
enough.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.lab.formats.flat import beyond_words
from synarray.lab.formats.kinds import Format, one_device, text_of
from synarray.lab.formats.reading import read_numbers
from synarray.lab.formats.tables import open_table
from synarray.lab.rows.measured import MOST_ROWS, Measurements, Rows
from synarray.lab.rows.settle import settle

__all__ = ["RAMPS", "TABLES", "is_crosssim", "read_table", "table_files"]

_READ_V = 0.1
"""Voltage at which CrossSim's raw currents were read, V."""
_PAIRS = {"ramps": ("set.csv", "reset.csv"), "tables": ("dG_increasing.txt", "dG_decreasing.txt")}
_STATES, _CHANCES = 101, 101
"""How many states and chances of a table become pulses."""

Floats = npt.NDArray[np.float64]


def _pair(path: Path, kind: str) -> tuple[Path, Path]:
    folder = path if path.is_dir() else path.parent
    up, down = (folder / name for name in _PAIRS[kind])
    if path.is_file() and path.name not in _PAIRS[kind]:
        stem = path.name
        up = path if "incr" in stem or ("set" in stem and "reset" not in stem) else up
        down = path if up != path else down
    for file in (up, down):
        if not file.is_file():
            raise DataError(
                f"CrossSim's {kind} must come as {' and '.join(_PAIRS[kind])}", got=f"no {file.name}", where=str(path),
                do="Give the folder that holds both.",
            )  # fmt: skip
    return up, down


def is_crosssim(kind: str, path: Path) -> bool:
    """Whether a path names the two files of CrossSim's ramps or tables, or the folder with them."""
    return path.name in _PAIRS[kind] or (path.is_dir() and (path / _PAIRS[kind][0]).is_file())


def _read_ramps(path: Path) -> Measurements:
    """Each column is a ramp of currents; those of the two files in the same place make one cycle of LTP and LTD."""
    matrices, rows = [], Rows(np.zeros(0))
    for file in _pair(path, "ramps"):
        found = read_numbers(open_table(file), MOST_ROWS)
        rows.discard("row with another number of columns", found.short)
        rows.discard(beyond_words(), found.beyond)
        matrices.append(np.column_stack(list(found.values.values())) / _READ_V)
    g, polarity, cycle = [], [], []
    for sign, matrix in zip((1.0, -1.0), matrices, strict=True):
        for i, ramp in enumerate(matrix.T):
            there = np.isfinite(ramp) & (ramp != 0)
            rows.discard("empty place of a ramp (nan or 0)", int(np.count_nonzero(~there)))
            g.append(ramp[there])
            polarity.append(
                np.concatenate([[0.0], np.full(max(int(np.count_nonzero(there)) - 1, 0), sign)])[: len(g[-1])]
            )
            cycle.append(np.full(len(g[-1]), float(i)))
    rows.G_S, rows.polarity, rows.cycle = (np.concatenate(part) for part in (g, polarity, cycle))
    rows.repairs.append(f"conductances are current / {_READ_V} V")
    return settle(rows, path.name, "crosssim-ramps")


def _write_ramps(measured: Measurements) -> dict[str, bytes]:
    trains = one_device(measured)
    ups = [[train.start, *train.up] for train in trains]
    downs = [[train.up[-1] if train.up else train.start, *train.down] for train in trains]
    files = {}
    for name, ramps in zip(_PAIRS["ramps"], (ups, downs), strict=True):
        longest = max(map(len, ramps))
        full = np.array([ramp + [np.nan] * (longest - len(ramp)) for ramp in ramps]).T * _READ_V
        lines = [",".join(f"rmp{i + 1}" for i in range(len(ramps)))]
        files[name] = text_of(lines + [",".join(f"{x:.10g}" for x in row) for row in full])
    return files


def read_table(path: Path) -> tuple[Floats, Floats, Floats]:
    """Read one table: conductances [states], cumulated probabilities [probability], dG [probability, state].

    Raises
    ------
    DataError
        When it has another shape.
    """
    from synarray.files import open_ordinary

    try:
        with open_ordinary(path) as file:
            text = file.read(min(64 << 20, os.fstat(file.fileno()).st_size)).decode("utf-8-sig")
        lines = [line for line in text.splitlines()[1:] if line.strip()]
        g, chances = (np.array(line.replace(",", " ").split(), float) for line in lines[:2])
        matrix = np.array([line.replace(",", " ").split() for line in lines[2:]], float)
        if matrix.shape != (len(chances), len(g)) or len(g) < 2 or len(chances) < 2:
            raise ValueError(f"{len(g)} conductances, {len(chances)} probabilities, a matrix of shape {matrix.shape}")
        if not (np.isfinite(matrix).all() and (np.diff(g) > 0).all() and g[0] >= 0 and (np.diff(chances) >= 0).all()):
            raise ValueError("values that are not finite, or conductances or probabilities that do not rise")
    except (OSError, ValueError) as error:
        raise DataError(
            "a table of CrossSim must have a header, conductances, probabilities, and dG for each of both",
            got=str(error)[:120], where=path.name, do="Write it again with CrossSim's create_lookup_table.",
        ) from None  # fmt: skip
    return g, chances, matrix


def _read_tables(path: Path) -> Measurements:
    """Turn the tables into pulses that each start at a state of the table and move by one of its steps."""
    g, polarity = [], []
    rows = Rows(np.zeros(0))
    for sign, file in zip((1.0, -1.0), _pair(path, "tables"), strict=True):
        states, chances, matrix = read_table(file)
        middle = (np.arange(_CHANCES) + 0.5) / _CHANCES
        chosen = np.unique(np.linspace(0, len(states) - 1, _STATES).astype(int))
        for i in chosen:
            ends = np.clip(states[i] + np.interp(middle, chances, matrix[:, i]), states[0], states[-1])
            g.append(np.column_stack([np.full(_CHANCES, states[i]), ends]).ravel())
            polarity.append(np.tile([0.0, sign], _CHANCES))
    rows.G_S, rows.polarity = np.concatenate(g), np.concatenate(polarity)
    rows.cycle = np.repeat(np.arange(len(rows.G_S) // 2, dtype=float), 2)
    rows.repairs.append(
        f"the tables became {len(rows.cycle) // 2:,} pulses: {_CHANCES} equally probable steps at each state"
    )
    return settle(rows, path.name, "crosssim-tables")


RAMPS = Format("crosssim-ramps", "CrossSim v2, raw ramps", read=_read_ramps, write=_write_ramps, suffix="")
TABLES = Format("crosssim-tables", "CrossSim v2, lookup tables", read=_read_tables, suffix="")


def table_files(device: DeviceSpec, states: int = 501, chances: int = 501) -> dict[str, bytes]:
    """Write a device as CrossSim's two tables: at each conductance the quantiles of how far one pulse moves it.

    Raises
    ------
    DataError
        For the exact law, which has no steps of its own.
    """
    from scipy.special import ndtri

    if device.step_law.exact:
        raise DataError(
            "a table needs a device with steps of its own", got='law "exact"', where=device.name, do="Take another."
        )
    x = np.linspace(0.0, 1.0, states)
    g = device.g_min + x * device.g_range
    u = (np.arange(chances) + 0.5) / chances
    ltd, ltp = device.steps(2.0 * x - 1.0) / 2.0
    files = {}
    fails = 1.0 - np.array(device.switching)
    for name, sign, steps, fail in zip(_PAIRS["tables"], (1.0, -1.0), (ltp, ltd), fails[::-1], strict=True):
        noise = device.sigma_c2c * ndtri(u)[:, None]
        moved = np.clip(x + sign * steps + noise, 0.0, 1.0) - x
        if fail > 0:
            idle = u[:, None] < fail
            moved = np.sort(np.where(idle, 0.0, moved), axis=0)
        lines = ["conductances (S); cumulated probabilities; dG (S), rows: probabilities, columns: conductances"]
        lines += [",".join(f"{v:.10g}" for v in row) for row in (g, u, *(moved * device.g_range))]
        files[name] = text_of(lines)
    return files
