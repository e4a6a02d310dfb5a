"""A study as a tidy table: one row per finished run, its place in the study and all its results.

Columns: the axes (and keys that were drawn or zipped), ``seed``, ``identity``, ``experiment_seed``, the numbers of
``Result.metrics``, prices where the run has a device (``energy`` in J, ``time_*`` in s, ``area`` in m^2), and where, when and
by what it was made. Quantities on axes ("2 ohm") are numbers in SI units.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synarray.arguments import path_of
from synarray.errors import RunError, SpecError, nearest
from synarray.extras import require
from synarray.files import is_there, write_whole, writing
from synarray.study.plan import OBJECTIVES
from synarray.study.store import PlannedRow, Record, place_of, read_plan, read_records

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["best_points", "check_installed", "check_study", "failures", "load_table", "points_of", "write_tables"]


def load_table(folder: Path | str) -> pd.DataFrame:
    """Read the results of a study so far, finished or not.

    Parameters
    ----------
    folder : Path or str
        Of a study (``synarray study run``).

    Returns
    -------
    pandas.DataFrame
        One row per finished run, in the order of the plan. ``attrs["axes"]`` names the axes, ``attrs["units"]`` the SI units
        of axes that are quantities.

    Raises
    ------
    RunError
        When it is no study, it is damaged, or pandas is not installed.

    Examples
    --------
    >>> load_table("studies/pruning").groupby(["method", "fraction"]).accuracy.mean()  # doctest: +SKIP
    >>> import synarray
    >>> try:
    ...     load_table("no/such/study")
    ... except synarray.RunError as error:
    ...     print(error.where)
    no/such/study
    """
    check_installed()
    folder = path_of(folder, "folder", "a study's folder", RunError)
    import pandas as pd

    folder = Path(folder)
    _, planned = read_plan(folder)
    records = read_records(folder)
    rows = [
        _row(row, record) for row in planned if (record := records.get(row.identity)) and record.metrics is not None
    ]
    table = pd.DataFrame(rows)
    axes = list(dict.fromkeys(name for row in planned for name in row.at))
    units = {}
    for name in axes if len(table) else ():
        if table[name].map(lambda value: isinstance(value, str)).nunique() > 1:  # numbers and words: all as words
            table[name] = table[name].map(str)
        if found := _quantities(table[name]):
            table[name], units[name] = found
    table.attrs = {"axes": axes, "units": units}
    return table


def write_tables(folder: Path) -> None:
    """Write table.parquet and table.csv.

    Raises
    ------
    RunError
        When they cannot be written; the records they are made of are whole.
    """
    table, parquet = load_table(folder), io.BytesIO()
    table.to_parquet(parquet, index=False)
    do = "Free some space, then resume: --resume. Finished runs are whole on disk."
    with writing("the table of a study must be written to disk", folder, do):
        write_whole(folder / "table.parquet", [parquet.getvalue()])
        write_whole(folder / "table.csv", [table.to_csv(index=False).encode()])


def points_of(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Average runs over seeds: for each point of the study mean, standard deviation and number of each column.

    Parameters
    ----------
    table : DataFrame
        Of ``load_table``.
    columns : list of str
        Columns to be averaged; those that the table lacks, or that hold no number, are left out.

    Returns
    -------
    DataFrame
        The axes, ``runs``, and NAME and NAME_std of each column; in the order of the table.
    """
    import pandas as pd

    axes = [name for name in table.attrs["axes"] if name in table]
    present = [
        name
        for name in columns
        if name in table
        and name not in axes
        and pd.api.types.is_numeric_dtype(table[name])
        and table[name].notna().any()
    ]
    keys = axes or [pd.Series(0, index=table.index)]
    grouped = table.groupby(keys, sort=False, dropna=False)
    parts = {"runs": grouped.size()}
    for name in present:
        parts[name], parts[f"{name}_std"] = grouped[name].mean(), grouped[name].std()
    points = pd.DataFrame(parts).reset_index()
    points.attrs = dict(table.attrs)
    return points if axes else points.drop(columns=points.columns[0])


def best_points(table: pd.DataFrame, objectives: list[str]) -> pd.DataFrame:
    """Find the best point of a study; of several objectives all points that no other one beats in everything.

    Parameters
    ----------
    table : DataFrame
        Of ``load_table``.
    objectives : list of str
        Of accuracy, energy, time, wear, pulses.

    Returns
    -------
    DataFrame
        As of ``points_of``, best first objective first.

    Raises
    ------
    SpecError
        When an objective is not known, or no run has it.
    """
    for name in objectives:
        if name not in OBJECTIVES:
            raise SpecError("an objective must be known", got=f'"{name}"', where="--by", do=nearest(name, OBJECTIVES))
    columns = [OBJECTIVES[name][0] for name in objectives]
    points = points_of(table, list(dict.fromkeys([*columns, "accuracy", "pulses"])))
    for name, column in zip(objectives, columns, strict=True):
        if column not in points:
            raise SpecError(
                f"{name} needs runs that have it",
                got="none",
                where="--by",
                do="Energy, time and wear are known of runs in cells of a device.",
            )
    points = points[points[columns].notna().all(axis=1)]
    signs = np.array([1.0 if OBJECTIVES[name][1] == "minimize" else -1.0 for name in objectives])
    costs = points[columns].to_numpy(float) * signs
    attrs = dict(table.attrs)
    front = points[undominated(costs)].copy()
    if "trial" in front:  # a search may propose the same thing time and again
        front = front.drop_duplicates([name for name in attrs["axes"] if name in front and name != "trial"])
    front = front.sort_values(columns[0], ascending=signs[0] > 0, kind="stable").reset_index(drop=True)
    front.attrs = attrs
    return front


def undominated(costs: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Say which rows no other row beats: none is at most as large in everything and smaller in something.

    Examples
    --------
    >>> undominated(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])).tolist()
    [True, True, False]
    """
    keep = np.ones(len(costs), bool)
    for i, cost in enumerate(costs):
        keep[i] = not ((costs <= cost).all(axis=1) & (costs < cost).any(axis=1)).any()
    return keep


def failures(folder: Path) -> list[dict[str, str]]:
    """List runs that failed: their places in the study, and why."""
    _, planned = read_plan(folder)
    records = read_records(folder)
    found: dict[str, dict[str, str]] = {}
    for row in planned:
        record = records.get(row.identity)
        if record is not None and record.failed is not None:
            found.setdefault(row.identity, {"point": place_of(row), "reason": record.failed})
    return list(found.values())


def check_study(folder: Path) -> None:
    """Refuse what is not the folder of a study, before anything in it is read.

    Raises
    ------
    RunError
        When there is no such folder, or no sign of a study in it.
    """
    if is_there(folder, folder=True):
        if any(os.path.lexists(folder / name) for name in ("study.toml", "plan.jsonl")):
            return
        got = "a folder without study.toml"
    else:
        got = "a file" if os.path.lexists(folder) else "no such folder"
    raise RunError(
        "the folder of a study must be one",
        got=got,
        where=str(folder),
        do='Give a folder that "synarray study run" made.',
    )


def check_installed() -> None:
    """Refuse to begin without what the table needs; raises RunError, naming the command that installs it."""
    require("studies", "studies", "pandas", "pyarrow")


def _row(planned: PlannedRow, record: Record) -> dict[str, Any]:
    metrics = dict(record.metrics or {})
    at = {
        **planned.at,
        "seed": planned.seed,
        "identity": planned.identity,
        "experiment_seed": metrics.pop("seed", None),
    }
    made = {f"made_{name}": value for name, value in record.made.items()}
    return {**at, **{name: value for name, value in metrics.items() if name not in at}, **made}


def _quantities(column: pd.Series[Any]) -> tuple[list[float], str] | None:
    """Read an axis of quantities such as "2 ohm", all of one unit; None when it is none."""
    import quantiphy

    numbers, units = {}, set()
    for text in column.unique():
        if not isinstance(text, str) or not text[:1].isascii() or not (text[:1].isdigit() or text[:1] in "+-."):
            return None
        try:
            quantity = quantiphy.Quantity(text)
        except (quantiphy.QuantiPhyError, ValueError):
            return None
        numbers[text] = float(quantity)
        units.add(quantity.units)
    return ([numbers[text] for text in column], units.pop()) if len(units) == 1 and "" not in units else None
