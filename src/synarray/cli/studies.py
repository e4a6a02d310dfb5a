"""``synarray study run | show | best | list``: one question put to many runs."""

from __future__ import annotations

import json
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import Json, Settings, Workers, chosen_settings, folder_option
from synarray.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

    from synarray.study.conduct import StudyProgress
    from synarray.study.engines import Engine
    from synarray.study.plan import StudySpec

__all__ = ["study"]

study = typer.Typer(help="Many runs that answer one question.", no_args_is_help=True, rich_markup_mode=None)
StudyFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a study.")]
_COLUMNS = ["accuracy", "pruned_fraction", "pulses", "most_writes", "energy", "time_row_parallel"]
"""What is averaged for people; the table holds more."""
_PLACES = {"seed", "trial", "experiment_seed"}
"""Numbers that are no results."""


def _study_names(incomplete: str) -> list[str]:
    from synarray.study.plan import study_names

    return [name for name in study_names() if name.startswith(incomplete)]


@study.command("run")
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="STUDY", help="Study file, packaged study, or folder of one.", autocompletion=_study_names
        ),
    ],
    workers: Workers = None,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on, tcp://HOST:PORT.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the study, if it was begun.")] = False,
    branch: Annotated[
        Path | None, folder_option("Begin in this folder instead, with what the study has finished already.")
    ] = None,
    out: Annotated[Path | None, folder_option("Folder of the study; default: studies/NAME.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE,...", help="Run only these values of an axis (or seed) now; may be repeated."),
    ] = None,
    settings: Settings = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Seeds 0, 1, 2, ... in place of its own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a study, several runs at a time. Every finished run is on disk at once; a killed study can be resumed."""
    from synarray.cli.progress import bars, on_signals
    from synarray.report.terminal import Terminal
    from synarray.report.words import counted
    from synarray.study.conduct import run_study
    from synarray.study.engines import DaskEngine, LocalEngine
    from synarray.study.plan import begun_folder, load_study

    chosen = None if seeds is None else list(range(seeds))
    spec = load_study(source, chosen_settings(settings, {"--seeds, that is": ("seeds", chosen)}))
    if workers is not None and dask is not None:
        raise SpecError("a study runs in one place", got="--workers and --dask", where="study run", do="Leave out one.")
    folder = out or begun_folder(source) or Path("studies") / spec.name
    place, signals = branch or folder, list[int]()
    people = Terminal(stderr=True)
    engine: Engine = LocalEngine(workers) if dask is None else DaskEngine(dask)
    people.lines(f"{spec.name}: {engine.title}; into {place}")
    with bars(people, "runs", state="starting") as bar, on_signals(lambda number, _: signals.append(number)):

        def show_progress(progress: StudyProgress) -> None:
            failed = f", {progress.failed} failed" if progress.failed else ""
            bar.show(progress.done + progress.failed, f"{progress.last}{failed}", progress.total)

        progress = run_study(
            spec,
            place,
            engine=engine,
            resume=resume and branch is None,
            branch=folder if branch else None,
            only=_only(only or []),
            where=source,
            on_progress=show_progress,
            stop=lambda: bool(signals),
        )
    if progress.stopped:
        done = f"{progress.done:,} of {counted(progress.total, 'run')} finished and on disk"
        print(f"synarray: interrupted; {done}.", file=sys.stderr)
        print(f"To resume: synarray study run {shlex.quote(str(place))} --resume", file=sys.stderr)
        sys.exit(128 + signals[0])
    _print(spec, place, as_json)
    if progress.failed:
        sys.exit(1)


@study.command("show")
def show(folder: StudyFolder, as_json: Json = False) -> None:
    """Show the table and progress of a study. Mean and standard deviation of each point; what failed and why."""
    from synarray.study.plan import load_study
    from synarray.study.table import check_study

    check_study(folder)
    _print(load_study(folder), folder, as_json)


@study.command("best")
def best(
    folder: StudyFolder,
    by: Annotated[
        str | None,
        typer.Option(help="Comma-separated: accuracy, energy, time, wear, pulses; default: what was searched for."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the best point of a study. For several objectives: all points that no other one beats in everything."""
    from synarray.report.study_tables import point_table
    from synarray.report.terminal import standard_output
    from synarray.study.plan import load_study
    from synarray.study.table import best_points, check_study, load_table

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
    standard_output().print(point_table(front, title, constant=False))


@study.command("list")
def list_studies(as_json: Json = False) -> None:
    """List the packaged studies. What each asks, what is expected, how long it takes."""
    from synarray.report.study_tables import studies_table
    from synarray.report.terminal import standard_output
    from synarray.study.plan import load_study, study_names

    specs = [load_study(name) for name in study_names()]
    if as_json:
        words = {"name", "title", "claim", "expected", "time"}
        print(json.dumps({"studies": [spec.model_dump(mode="json", include=words) for spec in specs]}))
        return
    standard_output().print(studies_table(specs))


def _print(spec: StudySpec, folder: Path, as_json: bool) -> None:
    """Print a study's progress and table."""
    from synarray.report.study_tables import failure_table, point_table
    from synarray.report.terminal import standard_output
    from synarray.report.words import counted
    from synarray.study.store import read_plan
    from synarray.study.table import failures, load_table, points_of

    table, failed, (_, planned) = load_table(folder), failures(folder), read_plan(folder)
    total = len({row.identity for row in planned})
    done = table["identity"].nunique() if len(table) else 0
    drawn = [spec.figure.y] if spec.figure and spec.figure.y not in _COLUMNS else []
    columns = [name for name in table if name not in _PLACES] if as_json else [*_COLUMNS, *drawn]
    points = points_of(table, columns) if len(table) else table
    if as_json:
        found = spec.model_dump(mode="json", include={"name", "title", "claim", "expected"})
        found |= {"runs": {"planned": total, "done": done, "failed": len(failed)}, "points": _records(points)}
        print(json.dumps(found | {"failures": failed, "folder": str(folder)}))
        return
    console = standard_output()
    if len(points):
        console.print(point_table(points, spec.title or spec.name, constant=False))
    if failed:
        console.print(failure_table(failed))
    for name, text in (("Claim", spec.claim), ("Expected", spec.expected)):
        if text:
            console.print(f"{name}: {text}")
    finished = f"{done:,} of {counted(total, 'run')} finished, {len(failed)} failed"
    console.lines(f"{finished}. Table: {folder / 'table.parquet'}")


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
