"""``synarray reproduce``: run the rows, print the tables, write the report."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synarray.cli.options import Json, Settings, Workers, chosen_settings, folder_option
from synarray.errors import SpecError, nearest

if TYPE_CHECKING:
    from synarray.learn.result import Result
    from synarray.paper.claims import Claims
    from synarray.paper.reproduce import Row, RowSpec

__all__ = ["reproduce"]


def reproduce(
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds per row: 0, 1, 2, ...")] = 3,
    only: Annotated[str | None, typer.Option(help="Comma-separated keys of rows to run; default: all.")] = None,
    settings: Settings = None,
    workers: Workers = None,
    out: Annotated[Path | None, folder_option("Folder of the report; default: reports/reproduce.")] = None,
    tables: Annotated[bool, typer.Option("--tables", help="Print every table, not only the verdicts.")] = False,
    as_json: Json = False,
) -> None:
    """Run the paper's experiment and write a report. It sets the results beside what the paper states."""
    from synarray.cli.progress import bars
    from synarray.paper.derivation import derive_claims
    from synarray.paper.reproduce import PAPER
    from synarray.paper.reproduce import reproduce as run_rows
    from synarray.report.paper_page import write_report
    from synarray.report.terminal import Terminal
    from synarray.report.words import counted
    from synarray.run.folder import check_writable

    chosen = _rows(only, settings or [])
    folder = out if out is not None else Path("reports/reproduce")
    check_writable(folder)
    people, workers = Terminal(stderr=True), workers or os.cpu_count() or 1
    people.print(
        f"The experiment of {PAPER}, on this machine: {counted(len(chosen), 'row')} x {counted(seeds, 'seed')}, "
        f"{workers} at a time."
    )
    with bars(people, "runs", total=len(chosen) * seeds, state="compiling the kernels (first run only)") as bar:

        def done(row: RowSpec, seed: int, result: Result) -> None:
            bar.advance(f"{row.title}, seed {seed}: {result.accuracy or 0:.2%}")

        table = run_rows(chosen, range(seeds), workers=workers, on_run=done)
    with people.status("training conventional networks of equal accuracy, to compare the cost"):
        derived = derive_claims(table, workers)
    page = write_report(table, folder, derived)
    if as_json:
        claims = {"claims": derived.summary()} if derived else {}
        print(json.dumps({"paper": PAPER, "rows": [row.summary() for row in table], "report": str(page)} | claims))
    else:
        _print(table, derived, page, tables)


def _rows(only: str | None, settings: list[str]) -> list[RowSpec]:
    """Choose rows by their keys, with the settings of the command line; raises SpecError."""
    from synarray.paper.reproduce import rows

    known = {row.key: row for row in rows()}
    keys = list(known) if only is None else list(dict.fromkeys(key.strip() for key in only.split(",")))
    for key in keys:
        if key not in known:
            raise SpecError("--only must name rows", got=repr(key), where="--only", do=nearest(key, known))
    changes = chosen_settings(settings)
    if "seed" in changes:
        raise SpecError(
            "every row runs for seeds 0, 1, 2, ...", got="--set seed", where="--set", do="Say how many: --seeds 3"
        )
    return [replace(known[key], changes={**known[key].changes, **changes}) for key in keys]


def _print(table: list[Row], derived: Claims | None, page: Path, tables: bool) -> None:
    """Print the verdicts and where the page is; all tables when asked, or when nothing of what ran is judged."""
    from synarray.report.claims_section import claims_tables, verdicts_table
    from synarray.report.paper_page import accuracy_table, factors_table
    from synarray.report.terminal import standard_output

    console, verdicts = standard_output(), verdicts_table(table, derived)
    if tables or not verdicts.rows:
        console.print(accuracy_table(table))
        console.print(factors_table(table))
    if derived and tables:
        for each in claims_tables(derived):
            console.print(each)
        for note in derived.notes:
            console.print(f"Note: {note}")
    if verdicts.rows:
        console.print(verdicts)
    if not tables:
        console.print("All tables are in the page; --tables prints them here.")
    console.lines(f"Report: {page}")
