"""Studies in tables, for the terminal and for their page: their points, what failed, and the packaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synarray.report.tables import Table
from synarray.report.words import counted, measure, unit_of
from synarray.study.plan import StudySpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["axis_of", "failure_table", "label_of", "point_table", "studies_table"]

_MOST = 500
"""Points and failures that are shown; the table on disk holds all."""
_FEW = 40
"""Points beyond which a page folds their table."""


def point_table(points: pd.DataFrame, title: str, constant: bool = True) -> Table:
    """Lay out the points of a study: mean over seeds +- standard deviation; without what is ``constant``, if asked."""
    axes = [name for name in points.attrs["axes"] if name in points]
    measured = [name for name in points if f"{name}_std" in points and name not in axes]
    if not constant and len(points) > 1:
        measured = [name for name in measured if name == "accuracy" or points[name].nunique(dropna=False) > 1]
    units = points.attrs.get("units", {})
    rows = []
    for row in points.to_dict("records"):
        place = [label_of(row[name]) for name in axes] or ["the only point"]
        rows.append((*place, *(measure(row[name], name, row[f"{name}_std"]) for name in measured), str(row["runs"])))
    names = [axis_of(name, name, units) for name in axes] or [""]
    return Table(
        title,
        (*names, *(name.replace("_", " ") for name in measured), "runs"),
        rows,
        texts=tuple(range(len(axes))),
        note="Mean over seeds +- standard deviation.",
        folded=len(rows) > _FEW,
        most=_MOST,
    )


def failure_table(failed: Sequence[dict[str, str]]) -> Table:
    """Lay out what failed, and why."""
    return Table(
        f"{counted(len(failed), 'run')} failed",
        ("run", "reason"),
        [(each["point"], each["reason"]) for each in failed],
        texts=(1,),
        note="synarray study run --resume tries them again. They are in no figure and no mean.",
        most=_MOST,
    )


def studies_table(specs: Sequence[StudySpec]) -> Table:
    """Lay out the packaged studies."""
    rows = [(spec.name, f"{spec.title}. {spec.claim}", spec.expected, spec.time) for spec in specs]
    columns = ("study", "what it asks", "expected", "time")
    return Table("Packaged studies: synarray study run NAME", columns, rows, (1, 2, 3), breaks=tuple(range(len(rows))))


def axis_of(title: str, name: str, units: dict[str, str]) -> str:
    """Name an axis with its unit; quantities with prefixes carry theirs at every number."""
    unit = units.get(name) or ("%" if unit_of(name) == "%" else "")
    return f"{title} ({unit})" if unit else title


def label_of(value: Any) -> str:
    """Write a value of an axis."""
    return f"{value:g}" if isinstance(value, float) else str(value)
