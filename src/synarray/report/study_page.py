"""The page of a study: its claim beside what was found, its figure with the numbers, all points, failures, how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synarray.errors import RunError
from synarray.report.citing import Citations, cite_runs
from synarray.report.sections import Fact, Page, Section
from synarray.report.study_figures import asked_section, drawings, found_section
from synarray.report.study_tables import failure_table, point_table
from synarray.report.tables import Code, Table
from synarray.report.words import counted
from synarray.run.experiment import ExperimentSpec
from synarray.run.folder import to_toml
from synarray.study.plan import StudySpec, load_study
from synarray.study.points import Level, Planner
from synarray.study.store import read_plan
from synarray.study.table import failures, load_table, points_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cite_study", "is_study", "study_page"]

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
"""Columns of the table of all points."""


def is_study(path: Path) -> bool:
    """Say whether a folder is that of a study, whole or not."""
    return any((path / name).exists() for name in ("study.toml", "plan.jsonl"))


def study_page(folder: Path) -> Page:
    """Lay out what a study asked, and what it has found so far.

    Parameters
    ----------
    folder : Path
        Of a study (``synarray study run``).

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
            "a page needs a study with finished runs",
            got=f"none of {total:,}",
            where=str(folder),
            do=f"Run it: synarray study run {shlex.quote(str(folder))} --resume",
        )
    done = table["identity"].nunique()
    drawn = drawings(spec, table, f"synarray report {shlex.quote(str(folder))}")
    sections = [asked_section(spec, table, drawn), found_section(spec, table, drawn)]
    points = point_table(points_of(table, _COLUMNS), "All points")
    sections.append(Section("points", "All points", tables=[points], notes=["Every run: table.csv, table.parquet."]))
    if failed:
        sections.append(Section("failed", "Failures", tables=[failure_table(failed)]))
    sections += [
        Section(
            "again",
            "Run it again",
            words=_commands(spec, folder, whole=done == total),
            code=to_toml(spec),
            code_title="The study, whole",
        ),
        _provenance(table, header.synarray),
        Section(
            "references",
            "References",
            words=["The works behind the devices, rules and prices of its runs."],
            code=cite_study(folder).bibtex,
            code_title="BibTeX",
        ),
    ]
    facts = [
        Fact("runs finished", f"{done:,} of {total:,}", f"{len(failed):,} failed"),
        Fact("points", f"{len(points.rows):,}", counted(table["seed"].nunique(), "seed")),
    ]
    if spec.time:
        time, _, how = spec.time.partition(" (")
        facts.append(Fact("it takes", time, how.removesuffix(")")))
    lead = [text for text in (spec.note.strip(),) if text]
    return Page(spec.title or spec.name, sections, lead, facts)


def cite_study(folder: Path) -> Citations:
    """Collect what the runs of a study are to cite: every value of every axis occurs in at least one experiment."""
    return cite_runs(_experiments(load_study(folder)))


def _commands(spec: StudySpec, folder: Path, whole: bool) -> list[str]:
    """Say how to resume a study that is not finished, and how to run it again: in a folder of its own, here or anywhere."""
    again = Code(f"synarray study run {shlex.quote(str(folder / 'study.toml'))} --out {spec.name}-again")
    more = ["What is left of it:", Code(f"synarray study run {shlex.quote(str(folder))} --resume")]
    return ["All of it, in a new folder:", again, *([] if whole else more)]


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
