"""``synarray study ...``: one question put to many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synarray.cli.options import Json, Settings, folder_option

__all__ = ["study"]

study = typer.Typer(help="One question put to many runs.", no_args_is_help=True, rich_markup_mode=None)


@study.command("run")
def study_run(
    source: Annotated[str, typer.Argument(metavar="STUDY", help="Study file, packaged study, or folder of one.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Runs at a time; default: the number of cores.")] = None,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on, tcp://HOST:PORT.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the study, if it was begun.")] = False,
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
    json: Json = False,
) -> None:
    """Run a study, several runs at a time; every finished run is on disk at once, and a killed study goes on."""
    from synarray.cli.studies import run

    run(source, workers, dask, resume, branch, out, only or [], settings or [], seeds, json)


@study.command("show")
def study_show(folder: Annotated[Path, typer.Argument(help="Folder of a study.")], json: Json = False) -> None:
    """Show how far a study is: its table, mean and standard deviation of each point, and what failed and why."""
    from synarray.cli.studies import show

    show(folder, json)


@study.command("best")
def study_best(
    folder: Annotated[Path, typer.Argument(help="Folder of a study.")],
    by: Annotated[
        str | None,
        typer.Option(help="Comma-separated: accuracy, energy, time, wear, pulses; default: what was searched for."),
    ] = None,
    json: Json = False,
) -> None:
    """Show a study's best point; for several objectives all points that no other one beats in everything."""
    from synarray.cli.studies import best

    best(folder, by, json)


@study.command("list")
def study_list(json: Json = False) -> None:
    """List the packaged studies: what each asks, what is expected, how long it takes."""
    from synarray.cli.studies import list_studies

    list_studies(json)
