"""The page of a study: its claim beside what was found, its figure with the numbers, all points, failures, how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synarray.errors import RunError
from synarray.report.charts import Line, lines_chart
from synarray.report.citing import Citations, cite_runs
from synarray.report.html import Code
from synarray.report.sections import Fact, Page, Picture, Section, Table
from synarray.report.words import measure, unit_of
from synarray.study.experiment import ExperimentSpec
from synarray.study.plan import OBJECTIVES, FigureSpec, StudySpec, load_study
from synarray.study.points import Level, Planner
from synarray.study.runs import to_toml
from synarray.study.store import read_plan
from synarray.study.table import failures, load_table, points_of, undominated

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cite_study", "figure_of", "is_study", "study_page"]

_COLUMNS = [
    "accuracy",
    "accuracy_hard",
    "pruned_fraction",
    "spared_fraction",
    "pulses",
    "energy",
    "time_row_parallel",
    "most_writes",
]
_MOST = 500
"""Points and failures that stand in a page; the table on disk holds all."""
_CONFIDENCE = 0.95
_BEATEN = "others"
"""What points are called that others beat in both results."""
_FEW = 40
"""Points beyond which their table is folded."""


def is_study(path: Path) -> bool:
    """Say whether a folder is that of a study, whole or not."""
    return any((path / name).exists() for name in ("study.toml", "plan.jsonl"))


def study_page(folder: Path) -> Page:
    """Tell what a study asked, and what it has found so far.

    Parameters
    ----------
    folder : Path
        Of a study (``synarray study run``).

    Returns
    -------
    Page

    Raises
    ------
    RunError
        When it is no study, it is damaged, no run of it is finished, or pandas or matplotlib is missing.
    SpecError
        When its study.toml is damaged.
    """
    spec, table, failed, (header, planned) = load_study(folder), load_table(folder), failures(folder), read_plan(folder)
    total = len({row.identity for row in planned})
    if not len(table):
        raise RunError(
            "a page needs a study with finished runs", got=f"none of {total:,}", where=str(folder),
            do=f"Run it: synarray study run {shlex.quote(str(folder))} --resume",
        )  # fmt: skip
    done = table["identity"].nunique()
    command = f"synarray study run {shlex.quote(str(folder / 'study.toml'))}"
    pictures = list(_pictures(spec, table, f"synarray report {shlex.quote(str(folder))}"))
    sections = [_asked(spec, pictures), _found(spec, pictures, table), _points(table)]
    if failed:
        rows = [(each["point"], each["reason"]) for each in failed[:_MOST]]
        told = Table("Runs that failed", ("run", "reason"), rows, texts=(1,))
        note = "synarray study run --resume tries them again. They are in no figure and no mean."
        sections.append(Section("failed", "Failures", tables=[told], notes=[note]))
    sections += [
        Section("again", "Run it again", words=[Code(command)], code=to_toml(spec), code_title="The study, whole"),
        _provenance(table, header.synarray),
        Section("references", "References", words=["The works behind the devices, rules and prices of its runs."],
                code=cite_study(folder).bibtex, code_title="BibTeX"),
    ]  # fmt: skip
    facts = [
        Fact("runs finished", f"{done:,} of {total:,}", f"{len(failed):,} failed"),
        Fact("points", f"{len(points_of(table, [])):,}", f"{table['seed'].nunique()} seeds"),
    ]
    if spec.time:
        facts.append(Fact("it takes", spec.time))
    lead = [text for text in (spec.note.strip(),) if text]
    return Page(spec.title or spec.name, sections, lead, facts)


def cite_study(folder: Path) -> Citations:
    """Collect what the runs of a study are to cite: every value of every axis occurs in at least one experiment."""
    return cite_runs(_experiments(load_study(folder)))


def _experiments(spec: StudySpec) -> Iterator[ExperimentSpec]:
    """Resolve the first point, and from there every other value of one axis after the other."""
    planner = Planner(spec.model_copy(update={"seeds": spec.seeds[:1]}))
    axes = dict(planner.axes)
    for key, space in spec.search.space.items() if spec.search else ():
        axes[key] = [Level(choice, None, {key: choice}, drawn=True) for choice in space.choices or ()]
    axes = {name: levels for name, levels in axes.items() if levels}
    first = {name: levels[0] for name, levels in axes.items()}
    for levels in [first, *({**first, name: level} for name, axis in axes.items() for level in axis[1:])]:
        yield from (planner.experiment(run) for run in planner.at(levels))


def figure_of(spec: StudySpec, table: pd.DataFrame) -> FigureSpec | None:
    """Return how a study is drawn: as it says, else its first axis of numbers against accuracy, a line for each of the next."""
    import pandas as pd

    if spec.figure is not None:
        return spec.figure
    axes = [name for name in table.attrs["axes"] if table[name].nunique() > 1]
    numbers = [name for name in axes if pd.api.types.is_numeric_dtype(table[name])]
    if not axes or "accuracy" not in table or not table["accuracy"].notna().any():
        return None
    x = (numbers or axes)[0]
    others = [name for name in axes if name != x]
    return FigureSpec(x=x, y="accuracy", lines=others[0] if others else None)


def _pictures(spec: StudySpec, table: pd.DataFrame, command: str) -> Iterator[Picture]:
    """Draw the study's figure: one for each value of its facet, all on the same scale."""
    figure = figure_of(spec, table)
    if figure is None:
        return
    names = [name for name in (figure.x, figure.y, figure.lines, figure.facet) if name is not None]
    if any(name not in table for name in names) or not table[figure.y].notna().any():
        return
    axes, units = table.attrs["axes"], table.attrs.get("units", {})
    shown = [(None, table)] if figure.facet is None else list(table.groupby(figure.facet, sort=False, dropna=False))
    unit = units.get(figure.lines, "")
    drawn = [(value, _lines(part, figure, axes, unit)) for value, part in shown]
    ends = [line.ends for _, lines in drawn for line in lines]
    limits = (min(low for low, _ in ends), max(high for _, high in ends))
    labels = (_axis(_title(spec, figure.x), figure.x, units), _axis(_title(spec, figure.y), figure.y, units))
    joined, apart = figure.x in axes, [name for name in axes if name not in names and table[name].nunique() > 1]
    for i, (value, lines) in enumerate(drawn, 1):
        title = figure.title or f"{_title(spec, figure.y)} by {_title(spec, figure.x)}".capitalize()
        if figure.facet is not None:
            title += f": {_title(spec, figure.facet)} {_label(value)}"
        caption = "Mean over seeds; the bars are its 95 % interval (Student) where there are three seeds or more."
        if apart and joined:
            caption += f" Averaged over {', '.join(apart)}."
        yield Picture(
            f"figure-{i}" if figure.facet is not None else "figure", title, caption,
            lines_chart(lines, figure.x, figure.y, labels, limits, joined=joined, log_x=figure.log_x, log_y=figure.log_y),
            _numbers(title, lines, figure, spec), command,
        )  # fmt: skip


def _lines(table: pd.DataFrame, figure: FigureSpec, axes: list[str], unit: str) -> list[Line]:
    """Average over seeds: a line for each value of ``lines``, a point for each value of ``x``.

    Where ``x`` is no axis but a result, each point of the study is a point of the figure, where its mean stands; if nothing else
    parts them, those that no other beats in both stand out.
    """
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
        label = f"{_label(name)} {unit}".rstrip() if figure.lines else ""
        parts = {label: values} if figure.lines or figure.x in axes else _front(values, figure)
        lines += [Line.of(title, each, _CONFIDENCE, title == _BEATEN) for title, each in parts.items() if each]
    return lines


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


def _numbers(title: str, lines: list[Line], figure: FigureSpec, spec: StudySpec) -> Table:
    rows = [
        (
            line.name, measure(x, figure.x) if unit_of(figure.x) else _label(x), measure(mean, figure.y),
            measure(low, figure.y), measure(high, figure.y), str(n),
        )
        for line in lines
        for x, mean, low, high, n in zip(line.x, line.mean, line.low, line.high, line.n, strict=True)
    ]  # fmt: skip
    first = _title(spec, figure.lines) if figure.lines else ""
    return Table(title, (first, _title(spec, figure.x), "mean", "low", "high", "runs"), rows[:_MOST])


def _asked(spec: StudySpec, pictures: list[Picture]) -> Section:
    """Show the figure under what it was to show."""
    rows = [(name, text) for name, text in (("claim", spec.claim), ("expected", spec.expected)) if text]
    tables = [Table("What was asked", ("", "the study says"), rows, texts=(1,))] if rows else []
    notes = [] if pictures else ["There is nothing to draw: the columns that the figure names hold no numbers."]
    return Section("figure", "What was asked, and the answer", tables=tables, pictures=pictures, notes=notes)


def _found(spec: StudySpec, pictures: list[Picture], table: pd.DataFrame) -> Section:
    """Put what was expected beside what each line of the figure came to, from its first point to its last."""
    rows: list[tuple[str, ...]] = []
    for picture in pictures:
        assert picture.table is not None  # every figure of a study has its numbers
        by_line: dict[str, list[Any]] = {}
        for row in picture.table.rows:
            by_line.setdefault(row[0], []).append(row)
        for name, points in by_line.items():
            first, last = points[0], points[-1]
            ends = [f"{each[2]}{_between(each[3], each[4])} at {each[1]}" for each in (first, last)]
            rows.append((name or spec.name, *ends, spec.expected if not rows else ""))
    columns = ("line", "found at its first point", "found at its last point", "expected")
    best = table["accuracy"].max() if "accuracy" in table and table["accuracy"].notna().any() else None
    notes = (
        [] if best is None else [f"The best single run read {measure(best, 'accuracy')} of the test images rightly."]
    )
    return Section(
        "found", "Found", tables=[Table("Found", columns, rows, texts=(1, 2, 3))] if rows else [], notes=notes
    )


def _between(low: str, high: str) -> str:
    return "" if low == "-" else f" ({low} to {high})"


def _points(table: pd.DataFrame) -> Section:
    points = points_of(table, _COLUMNS)
    axes = [name for name in points.attrs["axes"] if name in points]
    measured = [name for name in _COLUMNS if f"{name}_std" in points]
    units = table.attrs.get("units", {})
    rows = []
    for row in points.head(_MOST).to_dict("records"):
        cells = [measure(row[name], name, row[f"{name}_std"]) for name in measured]
        rows.append((*([_label(row[name]) for name in axes] or ["the only one"]), *cells, str(row["runs"])))
    columns = (*(_axis(name, name, units) for name in axes), *(name.replace("_", " ") for name in measured), "runs")
    notes = [f"The first {_MOST} of {len(points):,} points."] if len(points) > _MOST else []
    notes.append("Mean over seeds +- standard deviation. table.csv and table.parquet of the study hold every run.")
    told = Table(
        "All points", columns if axes else ("", *columns), rows, texts=tuple(range(len(axes))), folded=len(rows) > _FEW
    )
    return Section("points", "All points", tables=[told], notes=notes)


def _provenance(table: pd.DataFrame, version: str) -> Section:
    """Say where, when and by what the runs were made."""
    rows = [("begun with", f"synarray {version}")]
    for name, words in (
        ("host", "machines"),
        ("synarray", "synarray"),
        ("numpy", "numpy"),
        ("numba", "numba"),
        ("python", "python"),
    ):
        if f"made_{name}" in table:
            rows.append((words, ", ".join(sorted({str(value) for value in table[f"made_{name}"].dropna()}))))
    if "made_written" in table:
        written = sorted(str(value) for value in table["made_written"].dropna())
        rows.append(("runs finished", f"{written[0]} to {written[-1]}"))
    if "made_seconds" in table:
        rows.append(("time of all runs together", f"{float(table['made_seconds'].sum()):,.0f} s"))
    return Section("provenance", "Provenance", tables=[Table("Provenance", ("", "this study"), rows, texts=(1,))])


def _title(spec: StudySpec, name: str) -> str:
    """Return what figures call a column."""
    axis = spec.axes.get(name)
    return axis.title if axis is not None and axis.title else name.replace("_", " ")


def _axis(title: str, name: str, units: dict[str, str]) -> str:
    """Name an axis with its unit; quantities with prefixes carry theirs at every number."""
    unit = units.get(name) or ("%" if unit_of(name) == "%" else "")
    return f"{title} ({unit})" if unit else title


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
