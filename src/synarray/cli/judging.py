"""``synarray device judge``: from a device to a verdict and its page."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from synarray.report.terminal import Terminal, standard_output
from synarray.report.verdict import check_can_write, write_verdict
from synarray.report.verdict_words import sentences, verdict_tables
from synarray.study.judge import EXPERIMENT, Question, experiments, judge
from synarray.study.reach import check_reach
from synarray.study.runs import check_writable

__all__ = ["run_judge"]


def run_judge(
    source: str,
    task: str | None,
    experiment: str | None,
    settings: list[str],
    seeds: int,
    draws: int,
    workers: int | None,
    wanted: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Judge a device, print the verdict and write its page."""
    question = Question(source, task, experiment or EXPERIMENT, tuple(settings), draws, seeds, check_reach(wanted))
    specs, device, posterior = experiments(question)
    check_can_write()
    folder = out if out is not None else Path("verdicts") / device.name
    check_writable(folder)
    people = Terminal(stderr=True)
    kind = "draws of its fit" if posterior else "seeds"
    people.print(
        f"{device.name}: {len(specs)} {kind}, experiment {specs[0].name}, {question.task or specs[0].data}",
        soft_wrap=True,
    )
    with Bars(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=people,
        transient=True,
    ) as bars:  # fmt: skip
        shown: dict[str, int] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in shown:
                shown[what] = int(bars.add_task(what, total=total or None))
            bars.update(shown[what], completed=done)  # type: ignore[arg-type]

        verdict = judge(question, workers=workers or os.cpu_count() or 1, on_progress=tell)
    page = write_verdict(verdict, folder)
    if as_json:
        print(json.dumps(verdict.summary() | {"page": str(page)}))
        return
    console = standard_output()
    for table in verdict_tables(verdict):
        console.print(table)
    for sentence in sentences(verdict):
        console.print(sentence)
    console.print(f"Page: {page}", soft_wrap=True)
