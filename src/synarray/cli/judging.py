"""``synarray device judge``: from a device, or from the pulses measured on it, to a verdict and its page."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from synarray.device.library import device_names
from synarray.errors import SpecError
from synarray.judge.judge import EXPERIMENT, Question, experiments, judge
from synarray.judge.reach import check_reach
from synarray.lab.exchange.imported import name_from
from synarray.report.fit_views import fit_sentences, fit_table
from synarray.report.terminal import Terminal, standard_output
from synarray.report.verdict_page import check_can_write, write_verdict
from synarray.report.verdict_tables import sentences, verdict_tables
from synarray.run.folder import check_writable

__all__ = ["run_judge"]


def run_judge(
    source: str,
    measured: Path | None,
    kind: str | None,
    columns: str | None,
    task: str | None,
    experiment: str | None,
    settings: list[str],
    seeds: int | None,
    draws: int | None,
    workers: int | None,
    wanted: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Judge a device, print the verdict and write its page; a file of pulses is fitted first."""
    check_can_write()
    reading = [("--format", kind), ("--columns", columns)]
    asked = [word for option, value in reading if value is not None for word in (option, value)]
    fits = not _names_device(source)
    _require_one(source, fits, measured, asked)
    pulses, found, folder = None, None, out
    if fits or measured is not None:
        from synarray.lab.formats import read_pulses

        pulses = read_pulses(source if measured is None else measured, kind, columns)
    if fits and pulses is not None:
        from synarray.lab.fitting import fit, write_device

        asked, name = [source, *asked], name_from(Path(source))
        folder = out if out is not None else Path("verdicts") / name
        check_writable(folder)
        found = fit(pulses, name)
        source = str(write_device(found, folder / f"{name}.toml"))
    question = Question(
        source, task, experiment or EXPERIMENT, tuple(settings), draws, seeds, check_reach(wanted),
        tuple(asked) if fits else (),
    )  # fmt: skip
    specs, device, posterior = experiments(question)
    folder = folder if folder is not None else Path("verdicts") / device.name
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
    page = write_verdict(verdict, folder, pulses, found)
    if as_json:
        fitted = {"fit": found.as_json() | {"device": source}} if found else {}
        print(json.dumps(verdict.summary() | fitted | {"page": str(page)}))
        return
    console = standard_output()
    if found:
        console.print(fit_table(found))
        for sentence in fit_sentences(found):
            console.print(sentence)
        console.print(f"Device: {source}", soft_wrap=True)
    for table in verdict_tables(verdict):
        console.print(table)
    for sentence in sentences(verdict):
        console.print(sentence)
    console.print(f"Page: {page}", soft_wrap=True)


def _names_device(source: str) -> bool:
    """Whether a source is a device: of the library, a file of one, or a name that may have been meant so."""
    path = Path(source)
    return source in device_names() or source.endswith(".toml") or not (path.suffix or path.exists())


def _require_one(source: str, fits: bool, measured: Path | None, reading: list[str]) -> None:
    """Refuse pulses that come twice, and words on how pulses are read where there are none."""
    if fits and measured is not None:
        raise SpecError(
            "pulses must be given once", got=f"{source} and {measured}", where="--measured",
            do="Give them in place of the device, to be fitted; or a device, and the pulses with --measured.",
        )  # fmt: skip
    if reading and not fits and measured is None:
        raise SpecError(
            "--format and --columns say how a file of pulses is read", got=f"{' '.join(reading)} without such a file",
            where=f"judge {source}", do="Give the file in place of the device, or with --measured.",
        )  # fmt: skip
