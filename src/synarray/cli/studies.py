"""``synarray study run | show | best | list``: read the study, run it with a progress bar, print its table."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from synarray.errors import SpecError
from synarray.report.run_tables import Terminal, standard_output
from synarray.report.study_tables import failure_table, point_table, studies_table
from synarray.report.words import counted
from synarray.run.experiment import parse_setting
from synarray.study.conduct import StudyProgress, run_study
from synarray.study.engines import DaskEngine, Engine, LocalEngine
from synarray.study.plan import StudySpec, begun_folder, load_study, study_names
from synarray.study.store import read_plan
from synarray.study.table import best_points, check_study, failures, load_table, points_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["best", "list_studies", "run", "show"]

_COLUMNS = [
    "accuracy",
    "pruned_fraction",
    "pulses",
    "most_writes",
    "energy",
    "time_row_parallel",
]
"""What is averaged for people; the table holds more."""
_PLACES = {"seed", "trial", "experiment_seed"}
"""Numbers that are no results."""


def run(
    source: str, workers: int | None, dask: str | None, resume: bool, branch: Path | None, out: Path | None,
    only: list[str], settings: list[str], seeds: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a study and print its table."""
    changes = dict(parse_setting(text) for text in settings)
    spec = load_study(source, changes if seeds is None else {**changes, "seeds": list(range(seeds))})
    if workers is not None and dask is not None:
        raise SpecError("a study runs in one place", got="--workers and --dask", where="study run", do="Leave out one.")
    folder = out or begun_folder(source) or Path("studies") / spec.name
    place = branch or folder
    people = Terminal(stderr=True)
    engine: Engine = LocalEngine(workers) if dask is None else DaskEngine(dask)
    people.print(f"{spec.name}: {engine.title}; into {place}", soft_wrap=True)
    with _bars(people) as bars, _stoppable() as signals:
        bar = bars.add_task("runs", total=None, last="starting")

        def tell(progress: StudyProgress) -> None:
            failed = f", {progress.failed} failed" if progress.failed else ""
            bars.update(
                bar, completed=progress.done + progress.failed, total=progress.total, last=f"{progress.last}{failed}"
            )

        progress = run_study(
            spec, place, engine=engine, resume=resume and branch is None, branch=folder if branch else None,
            only=_only(only), where=source, on_progress=tell, stop=lambda: bool(signals),
        )  # fmt: skip
    if progress.stopped:
        print(
            f"synarray: interrupted; {progress.done:,} of {counted(progress.total, 'run')} finished and on disk.\n"
            f"To go on: synarray study run {shlex.quote(str(place))} --resume",
            file=sys.stderr,
        )
        sys.exit(128 + signals[0])
    _tell(spec, place, as_json)
    if progress.failed:
        sys.exit(1)


def show(folder: Path, as_json: bool) -> None:
    """Print how far a study is."""
    check_study(folder)
    _tell(load_study(folder), folder, as_json)


def best(folder: Path, by: str | None, as_json: bool) -> None:
    """Print the best points of a study."""
    check_study(folder)
    spec, table = load_study(folder), load_table(folder)
    chosen = [name.strip() for name in by.split(",") if name.strip()] if by else []
    objectives = chosen or list(spec.search.objectives if spec.search else ["accuracy"])
    front = best_points(table, objectives)
    if len(objectives) == 1:
        front = front.head(1)
    if as_json:
        print(json.dumps({"name": spec.name, "objectives": objectives, "best": _records(front), "folder": str(folder)}))
        return
    title = f"{spec.name}: best by {' and '.join(objectives)}" + (", not beaten in everything" * (len(objectives) > 1))
    standard_output().print(point_table(front, title))


def list_studies(as_json: bool) -> None:
    """Print the packaged studies."""
    specs = [load_study(name) for name in study_names()]
    if as_json:
        words = {"name", "title", "claim", "expected", "time"}
        print(json.dumps({"studies": [spec.model_dump(mode="json", include=words) for spec in specs]}))
        return
    standard_output().print(studies_table(specs))


def _tell(spec: StudySpec, folder: Path, as_json: bool) -> None:
    """Print a study's state and table."""
    table, failed, (_, planned) = load_table(folder), failures(folder), read_plan(folder)
    total = len({row.identity for row in planned})
    done = table["identity"].nunique() if len(table) else 0
    drawn = [spec.figure.y] if spec.figure and spec.figure.y not in _COLUMNS else []
    columns = [name for name in table if name not in _PLACES] if as_json else [*_COLUMNS, *drawn]
    points = points_of(table, columns) if len(table) else table
    counts = {"planned": total, "done": done, "failed": len(failed)}
    if as_json:
        words = spec.model_dump(mode="json", include={"name", "title", "claim", "expected"})
        print(
            json.dumps({**words, "runs": counts, "points": _records(points), "failures": failed, "folder": str(folder)})
        )
        return
    console = standard_output()
    if len(points):
        console.print(point_table(points, spec.title or spec.name))
    if failed:
        console.print(failure_table(failed))
    if spec.claim:
        console.print(f"Claim: {spec.claim}")
    if spec.expected:
        console.print(f"Expected: {spec.expected}")
    console.print(
        f"{done:,} of {counted(total, 'run')} finished, {len(failed)} failed. Table: {folder / 'table.parquet'}",
        soft_wrap=True,
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn rows into what JSON can hold: every digit of every number, and no NaN."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """Return a cell of a table as JSON knows it; None where there is none."""
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)) else None


def _only(texts: list[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name.strip() or not values:
            raise SpecError(
                "a choice must read axis=value,...", got=repr(text), where="--only", do="Write --only seed=0."
            )
        chosen.setdefault(name.strip(), []).extend(value.strip() for value in values.split(","))
    return chosen


def _bars(people: Terminal) -> Bars:
    return Bars(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"), console=people, transient=True,
    )  # fmt: skip


@contextlib.contextmanager
def _stoppable() -> Iterator[list[int]]:
    """Have Ctrl-C and SIGTERM noted, so that nothing is cut in the middle; the engine ends its runs then."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda which, _: received.append(which)) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
