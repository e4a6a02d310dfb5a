"""Studies in the terminal: their points, what failed, and the packaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from synarray.report.words import counted
from synarray.study.plan import StudySpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["failure_table", "point_table", "studies_table"]

_MOST = 200
"""Points that are printed; the table on disk holds all."""
_SHARES = {"accuracy", "accuracy_hard", "pruned_fraction", "spared_fraction"}
_UNITS = {"energy": "J", "energy_programming": "J", "time_row_parallel": "s", "time_sequential": "s"}
_TITLES = {
    "accuracy": "soft votes %", "accuracy_hard": "hard votes %", "pruned_fraction": "pruned %", "most_writes": "most writes",
    "energy_programming": "energy of pulses",
    "spared_fraction": "not there or pruned %", "time_row_parallel": "time, row-parallel",
}  # fmt: skip


def point_table(points: pd.DataFrame, title: str) -> Table:
    """Lay out the points of a study: mean over seeds, +- standard deviation; what is the same everywhere is left out."""
    axes = [name for name in points.attrs["axes"] if name in points]
    measured = [name for name in points if f"{name}_std" in points and name not in axes]
    measured = [n for n in measured if n == "accuracy" or len(points) == 1 or points[n].nunique(dropna=False) > 1]
    table = Table(title=f"{title} (mean over seeds, +- standard deviation)", title_justify="left")
    units = points.attrs.get("units", {})
    for name in axes:
        table.add_column(f"{name}, {units[name]}" if name in units else name, no_wrap=True)
    for name in measured:
        table.add_column(_TITLES.get(name, name.replace("_", " ")), justify="right")
    table.add_column("runs", justify="right")
    for row in points.head(_MOST).to_dict("records"):
        cells = [_value(name, row[name], row[f"{name}_std"]) for name in measured]
        table.add_row(*(_label(row[name]) for name in axes), *cells, f"{row['runs']}")
    if len(points) > _MOST:
        table.caption = f"The first {_MOST} of {len(points):,} points."
    return table


def failure_table(failed: Sequence[dict[str, str]]) -> Table:
    """Lay out what failed, and why."""
    table = Table(
        title=f"{counted(len(failed), 'run')} failed; --resume tries {'it' if len(failed) == 1 else 'them'} again",
        title_justify="left",
    )
    table.add_column("run")
    table.add_column("reason")
    for each in failed[:_MOST]:
        table.add_row(each["point"], each["reason"])
    return table


def studies_table(specs: Sequence[StudySpec]) -> Table:
    """Lay out the packaged studies."""
    table = Table(title="synarray study run NAME", title_justify="left", show_lines=True)
    for name in ("study", "what it asks", "expected", "time"):
        table.add_column(name)
    for spec in specs:
        table.add_row(spec.name, f"{spec.title}\n{spec.claim}".strip(), spec.expected, spec.time)
    return table


def _value(name: str, mean: float, spread: float) -> str:
    from synarray.units import format_quantity

    if mean != mean:  # no run of this point has it
        return "-"
    known = spread == spread
    if name in _SHARES:
        return f"{100 * mean:.2f}" + (f" +- {100 * spread:.2f}" if known else "")
    if name in _UNITS:
        return format_quantity(float(f"{mean:.3g}"), _UNITS[name]) + (
            f" +- {spread / mean:.1%}" if known and mean else ""
        )
    return (
        f"{mean:,.4g}" + (f" +- {spread:,.2g}" if known else "")
        if mean < 1e4
        else f"{mean:,.0f}" + (f" +- {spread:,.0f}" if known else "")
    )


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
