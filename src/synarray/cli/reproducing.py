"""``synarray reproduce``: run the rows, print the tables, write the report."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from synarray.errors import SpecError, nearest
from synarray.learn.result import Result
from synarray.report.page import write_page
from synarray.report.terminal import factor_table, reproduction_table, standard_output
from synarray.study.experiment import parse_setting
from synarray.study.reproduce import PAPER, RowSpec, reproduce, rows

__all__ = ["run_reproduction"]


def run_reproduction(
    seeds: int, only: str | None, settings: list[str], workers: int | None, out: Path | None, as_json: bool
) -> None:
    """Run the paper's experiment and write the report."""
    people = Console(stderr=True)
    known = {row.key: row for row in rows()}
    keys = [key.strip() for key in only.split(",")] if only else list(known)
    for key in keys:
        if key not in known:
            raise SpecError("--only must name rows", got=repr(key), where="--only", do=nearest(key, known))
    chosen = [known[key] for key in keys]
    workers = workers or os.cpu_count() or 1
    people.print(
        f"The experiment of {PAPER}, on this machine: {len(chosen)} rows x {seeds} seeds, {workers} at a time."
    )
    with Bars(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
        console=people,
        transient=True,
    ) as bars:
        task = bars.add_task("runs", total=len(chosen) * seeds, last="compiling (once)")

        def done(row: RowSpec, seed: int, result: Result) -> None:
            bars.update(task, advance=1, last=f"{row.title}, seed {seed}: {result.accuracy or 0:.2%}")

        changes = dict(parse_setting(text) for text in settings)
        table = reproduce(chosen, range(seeds), changes=changes, workers=workers, on_run=done)
    page = write_page(table, out or Path("reports/reproduce"))
    if as_json:
        print(json.dumps({"paper": PAPER, "rows": [row.summary() for row in table], "report": str(page)}))
        return
    console = standard_output()
    console.print(reproduction_table(table))
    console.print(factor_table(table))
    console.print(f"Report: {page}", soft_wrap=True)
