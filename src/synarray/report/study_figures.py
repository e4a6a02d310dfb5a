"""The figure of a study and what it found: means with their intervals over seeds, along the axes that the study has.

What is drawn is what the study says (``[figure]``). If it says nothing: results along its first axis of numbers, a line for each
value of the next axis; of random draws a point for each value that was drawn; of a search its objectives. A key that was drawn or
zipped follows from its axis, so it is never a line, and nothing is averaged over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synarray.report.charts import Line, lines_chart
from synarray.report.sections import Picture, Section
from synarray.report.study_tables import axis_of, label_of
from synarray.report.tables import Table
from synarray.report.words import measure, unit_of
from synarray.study.plan import OBJECTIVES, FigureSpec, StudySpec
from synarray.study.table import best_points, undominated

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["asked_section", "drawings", "figure_of", "found_section"]

_MOST_ROWS = 500
"""Rows of a table that are in a page; the file beside it holds all."""
_MOST_POINTS = 2000
"""Points of all figures in a page, which is to stay below 3 MB: a point and its numbers take 0.7 kB."""
_FRAME = 30
"""Points that weigh as much as the frame of a figure."""
_CONFIDENCE = 0.95
_BEATEN = "others"
"""What points are called that others beat in both results."""
_SO_FAR, _EACH = "best so far", "each trial"


@dataclass(frozen=True)
class Drawing:
    """A figure of a study, what it is of, and whether it is in the page or in the folder alone."""

    picture: Picture
    facet: str
    shown: bool


def figure_of(spec: StudySpec, table: pd.DataFrame) -> FigureSpec | None:
    """Return how a study is drawn: as it says, else as its axes or its search suggest; None where nothing differs."""
    if spec.figure is not None:
        return spec.figure
    if spec.search is not None:
        columns = [OBJECTIVES[name][0] for name in spec.search.objectives]
        figure = FigureSpec(x=columns[1], y=columns[0]) if columns[1:] else FigureSpec(x="trial", y=columns[0])
        whole = figure.x in table and figure.y in table and table["trial"].nunique() > 1
        return figure if whole and table[figure.x].notna().any() else None
    moving = [name for name in table.attrs["axes"] if table[name].nunique() > 1]
    plain = [name for name in moving if name in spec.axes and spec.axes[name].random is None]
    drawn = [name for name in moving if name in _drawn(spec)]
    if not plain and not drawn:
        return None
    x = ([*_numeric(plain, table), *_numeric(drawn, table)] or [*plain, *drawn])[0]
    return FigureSpec(x=x, lines=next((name for name in plain if name != x), None))


def drawings(spec: StudySpec, table: pd.DataFrame, command: str) -> list[Drawing]:
    """Draw the study's figure: one for each value of its facet, all on the same scale; the first ones for the page."""
    figure = figure_of(spec, table)
    if figure is None:
        return []
    names = [name for name in (figure.x, figure.y, figure.lines, figure.facet) if name is not None]
    if any(name not in table for name in names) or not table[figure.y].notna().any():
        return []
    parts = [("", table)] if figure.facet is None else table.groupby(figure.facet, sort=False, dropna=False)
    drawn = [(value, lines) for value, part in parts if (lines := _lines(part, figure, spec, table.attrs))]
    ends = [line.ends for _, lines in drawn for line in lines]
    if not ends:
        return []
    limits = (min(low for low, _ in ends), max(high for _, high in ends))
    room, found = float(_MOST_POINTS), []
    for i, (value, lines) in enumerate(drawn, 1):
        facet = "" if figure.facet is None else f"{title_of(spec, figure.facet)} {label_of(value)}"
        name = "figure" if figure.facet is None else f"figure-{i}"
        picture = _picture(spec, table, figure, (name, facet, command), lines, limits)
        room -= _FRAME + sum(min(len(line.x), _MOST_ROWS) for line in lines)
        found.append(Drawing(picture, facet, room >= 0 or i == 1))
    return found


def _picture(
    spec: StudySpec, table: pd.DataFrame, figure: FigureSpec, words: tuple[str, str, str], lines: list[Line],
    limits: tuple[float, float],
) -> Picture:  # fmt: skip
    """Draw one figure."""
    (name, facet, command), units = words, table.attrs.get("units", {})
    titles = [title_of(spec, column) for column in (figure.x, figure.y)]
    labels = (axis_of(titles[0], figure.x, units), axis_of(titles[1], figure.y, units))
    title = figure.title or f"{titles[1]} by {titles[0]}".capitalize()
    title += f": {facet}" if facet else ""
    caption = "Mean over seeds; the bars are its 95 % interval (Student) where there are three seeds or more."
    if averaged := _averaged(spec, table, figure):
        caption += f" Averaged over {', '.join(title_of(spec, each) for each in averaged)}."
    legend = "" if figure.lines is None else title_of(spec, figure.lines)
    joined = figure.x in table.attrs["axes"] and figure.x not in _drawn(spec) - {"trial"}
    chart = lines_chart(
        lines, figure.x, figure.y, labels, limits, joined=joined, log_x=figure.log_x, log_y=figure.log_y, legend=legend
    )
    is_number = bool(unit_of(figure.x))
    rows = [
        (
            line.name,
            measure(x, figure.x) if is_number else label_of(x),
            *(measure(each, figure.y) for each in found),
            str(n),
        )
        for line in lines
        for x, *found, n in zip(line.x, line.mean, line.low, line.high, line.n, strict=True)
    ]
    columns = (legend, titles[0], "mean", "low", "high", "runs")
    return Picture(name, title, caption, chart, Table(title, columns, rows, most=_MOST_ROWS), command)


def _averaged(spec: StudySpec, table: pd.DataFrame, figure: FigureSpec) -> list[str]:
    """Name the axes that have several values within one point of the figure; what they set follows from them."""
    axes = table.attrs["axes"]
    if figure.x not in axes:
        return []
    named = [name for name in (figure.x, figure.lines, figure.facet) if name is not None]
    points = table.groupby(named, sort=False, dropna=False)
    others = [name for name in (*spec.axes, "trial") if name in axes and name not in named]
    return [name for name in others if points[name].nunique().max() > 1]


def _lines(table: pd.DataFrame, figure: FigureSpec, spec: StudySpec, attrs: dict[Any, Any]) -> list[Line]:
    """Average over seeds: a line for each value of ``lines``, a point for each value of ``x``.

    Where ``x`` is no axis but a result, each point of the study is a point of the figure, at its mean; if nothing else
    parts them, those that no other beats in both are marked.
    """
    axes, unit = attrs["axes"], attrs.get("units", {}).get(figure.lines, "")
    at = [figure.x] if figure.x in axes else [name for name in axes if name in table]
    groups = [("", table)] if figure.lines is None else table.groupby(figure.lines, sort=False, dropna=False)
    lines = []
    for name, part in groups:
        values = []
        for _, point in part.groupby(at, sort=False, dropna=False) if at else [(None, part)]:
            found = point[figure.y].dropna().to_numpy(float)
            place = point[figure.x].iloc[0] if figure.x in axes else point[figure.x].mean()
            if len(found) and place == place:
                values.append((place, found))
        label = f"{label_of(name)} {unit}".rstrip() if figure.lines else ""
        if figure.lines:
            parts = {label: values}
        elif figure.x == "trial" and spec.search is not None:
            parts = _so_far(values, figure.y)
        else:
            parts = {"": values} if figure.x in axes else _front(values, figure)
        faint = (_BEATEN, _EACH) if not figure.lines else ()
        lines += [Line.of(title, each, _CONFIDENCE, title in faint) for title, each in parts.items() if each]
    return lines


def _so_far(values: list[Any], y: str) -> dict[str, list[Any]]:
    """Draw the result of each trial, and the best one until then."""
    sign = -1.0 if dict(OBJECTIVES.values()).get(y) == "minimize" else 1.0
    best: list[Any] = []
    for trial, found in sorted(values, key=lambda pair: int(pair[0])):
        worse = best and sign * best[-1][1].mean() >= sign * found.mean()
        best.append((trial, best[-1][1] if worse else found))
    return {_SO_FAR: best, _EACH: values}


def _front(values: list[Any], figure: FigureSpec) -> dict[str, list[Any]]:
    """Part points that no other one beats in both results from the rest, where it is known which way is better."""
    better = dict(OBJECTIVES.values())
    if not values or figure.x not in better or figure.y not in better:
        return {"": values}
    costs = np.array([(x, y.mean()) for x, y in values]) * [
        1 if better[n] == "minimize" else -1 for n in (figure.x, figure.y)
    ]
    best = undominated(costs)
    return {
        "not beaten in both": [value for value, keep in zip(values, best, strict=True) if keep],
        _BEATEN: [value for value, keep in zip(values, best, strict=True) if not keep],
    }


def asked_section(spec: StudySpec, table: pd.DataFrame, drawn: list[Drawing]) -> Section:
    """Show the figure under what it was to show."""
    rows = [(name, text) for name, text in (("claim", spec.claim), ("expected", spec.expected)) if text]
    tables = [Table("What was asked", ("", "the study says"), rows, texts=(1,))] if rows else []
    beside = [each.picture for each in drawn if not each.shown]
    notes = [] if drawn else [_nothing(spec, table)]
    if beside:
        notes.append(
            f"Not drawn here, to keep the page small: {len(beside)} of {len(drawn)} figures. All are in the folder figures, "
            "with their numbers."
        )
    return Section(
        "figure",
        "What was asked, and the answer",
        tables=tables,
        notes=notes,
        beside=beside,
        pictures=[each.picture for each in drawn if each.shown],
    )


def _nothing(spec: StudySpec, table: pd.DataFrame) -> str:
    """Say why there is no figure."""
    if spec.figure is not None:
        return "There is nothing to draw: the columns that the figure names hold no numbers."
    if not spec.axes and spec.search is None:
        return "There is nothing to draw: the study has no axis."
    moving = [name for name in table.attrs["axes"] if table[name].nunique() > 1]
    if not moving:
        return "There is nothing to compare yet: all finished runs are of one point of the study."
    return "There is nothing to draw: no finished run has what would be drawn."


def found_section(spec: StudySpec, table: pd.DataFrame, drawn: list[Drawing]) -> Section:
    """Put what was expected beside what was found: the best points of draws and of a search, else the ends of each line."""
    best = table["accuracy"].max() if "accuracy" in table and table["accuracy"].notna().any() else None
    notes = []
    if best is not None:  # the study's file may have held out training images in place of the test set
        notes = [f"The best single run read {measure(best, 'accuracy')} of the test images correctly."]
    figure = figure_of(spec, table)
    scattered = spec.search is not None or (figure is not None and figure.x in _drawn(spec))
    rows = _best(spec, table, figure) if scattered else _ends(spec, drawn, figure)
    if rows is not None and scattered and spec.expected:
        notes.insert(0, f"Expected: {spec.expected}")
    return Section("found", "Found", tables=[rows] if rows is not None else [], notes=notes)


def _best(spec: StudySpec, table: pd.DataFrame, figure: FigureSpec | None) -> Table | None:
    """Name the best point of what was searched for or drawn; of several objectives all that no other one beats."""
    objectives: list[str] = list(spec.search.objectives) if spec.search else ["accuracy"]
    if spec.search is None and figure is not None:
        objectives = [name for name, (column, _) in OBJECTIVES.items() if column == figure.y] or objectives
    columns = [OBJECTIVES[name][0] for name in objectives]
    if any(name not in table or not table[name].notna().any() for name in columns):
        return None
    points = best_points(table, objectives)
    points = points if objectives[1:] else points.head(1)
    axes, units = [name for name in points.attrs["axes"] if name in points], table.attrs.get("units", {})
    rows = [
        (*(label_of(row[name]) for name in axes), *(measure(row[name], name, row[f"{name}_std"]) for name in columns))
        for row in points.to_dict("records")
    ]
    what = "Best by " + objectives[0] if not objectives[1:] else f"Not beaten in {', '.join(objectives)} together"
    heads = (
        *(axis_of(title_of(spec, name), name, units) for name in axes),
        *(name.replace("_", " ") for name in columns),
    )
    return Table(what, heads, rows, texts=tuple(range(len(axes))), caption=what, most=_MOST_ROWS)


def _ends(spec: StudySpec, drawn: list[Drawing], figure: FigureSpec | None) -> Table | None:
    """Lay out the result of each line of each figure, from its first point to its last."""
    rows: list[tuple[str, ...]] = []
    for each in drawn:
        assert each.picture.table is not None  # every figure of a study has its numbers
        by_line: dict[str, list[Any]] = {}
        for row in each.picture.table.rows:
            by_line.setdefault(row[0], []).append(row)
        for name, points in by_line.items():
            first, last = points[0], points[-1]
            ends = [f"{point[2]}{_between(point[3], point[4])} at {point[1]}" for point in (first, last)]
            called = ", ".join(part for part in (each.facet, name) if part) or spec.name
            rows.append((called, *ends, spec.expected if not rows else ""))
    head = "line" if figure is None or figure.lines is None or figure.facet else title_of(spec, figure.lines)
    columns = (head, "found at its first point", "found at its last point", "expected")
    return Table("Found", columns, rows, texts=(1, 2, 3), most=_MOST_ROWS) if rows else None


def _between(low: str, high: str) -> str:
    return "" if low == "-" else f" ({low} to {high})"


def _drawn(spec: StudySpec) -> set[str]:
    """Name keys that were drawn or searched: places of them are points of their own, which no line joins."""
    drawn = {key for axis in spec.axes.values() if axis.random is not None for key in axis.random.keys}
    return drawn | {"trial", *spec.search.space} if spec.search else drawn


def _numeric(names: list[str], table: pd.DataFrame) -> list[str]:
    import pandas as pd

    return [name for name in names if pd.api.types.is_numeric_dtype(table[name])]


def title_of(spec: StudySpec, name: str) -> str:
    """Return what figures call a column."""
    axis = spec.axes.get(name)
    return axis.title if axis is not None and axis.title else name.replace("_", " ")
