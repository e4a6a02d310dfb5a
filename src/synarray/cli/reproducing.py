"""``synarray reproduce``: run the rows, print the tables, write the report."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from synarray.errors import SpecError, nearest
from synarray.learn.result import Result
from synarray.paper.derivation import derive_claims
from synarray.paper.reproduce import PAPER, RowSpec, reproduce, rows
from synarray.report.cost_tables import chain_table, claims_table, devices_table
from synarray.report.paper_page import write_report
from synarray.report.run_tables import Terminal, factor_table, reproduction_table, standard_output
from synarray.report.words import counted
from synarray.run.experiment import parse_setting
from synarray.run.folder import check_writable

__all__ = ["run_reproduction"]


def run_reproduction(
    seeds: int, only: str | None, settings: list[str], workers: int | None, out: Path | None, as_json: bool
) -> None:
    """Run the paper's experiment and write the report."""
    people = Terminal(stderr=True)
    known = {row.key: row for row in rows()}
    keys = list(known) if only is None else list(dict.fromkeys(key.strip() for key in only.split(",")))
    for key in keys:
        if key not in known:
            raise SpecError("--only must name rows", got=repr(key), where="--only", do=nearest(key, known))
    changes = dict(parse_setting(text) for text in settings)
    if "seed" in changes:
        raise SpecError(
            "every row runs for seeds 0, 1, 2, ...", got="--set seed", where="--set", do="Say how many: --seeds 3"
        )
    chosen = [replace(known[key], changes={**known[key].changes, **changes}) for key in keys]
    folder = out if out is not None else Path("reports/reproduce")
    check_writable(folder)
    workers = workers or os.cpu_count() or 1
    people.print(
        f"The experiment of {PAPER}, on this machine: {counted(len(chosen), 'row')} x {counted(seeds, 'seed')}, "
        f"{workers} at a time."
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

        table = reproduce(chosen, range(seeds), workers=workers, on_run=done)
    with people.status("what it costs: training conventional networks of equal accuracy ..."):
        derived = derive_claims(table, workers)
    page = write_report(table, folder, derived)
    claims = {"claims": derived.summary()} if derived else {}
    if as_json:
        print(json.dumps({"paper": PAPER, "rows": [row.summary() for row in table], "report": str(page)} | claims))
        return
    console = standard_output()
    console.print(reproduction_table(table))
    console.print(factor_table(table))
    if derived:
        console.print(devices_table(derived.devices))
        console.print(chain_table(derived.chain))
        console.print(claims_table(derived.claims))
        for note in derived.notes:
            console.print(f"Note: {note}")
    console.print(f"Report: {page}", soft_wrap=True)
