"""``synarray device judge``: from a device, or from the pulses measured on it, to a verdict and its page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from synarray.cli.options import Reading
from synarray.device.library import device_names
from synarray.errors import SpecError
from synarray.judge.judge import judging
from synarray.judge.pulse import check_endurance, parse_pulse
from synarray.judge.question import Question, compose
from synarray.judge.reach import check_reach
from synarray.judge.verdict import Verdict
from synarray.judge.work import Update
from synarray.lab.exchange.imported import name_from
from synarray.lab.fitting import Fit
from synarray.lab.rows.measured import Measurements
from synarray.report.fit_views import fit_sentences, fit_table
from synarray.report.terminal import Terminal, standard_output
from synarray.report.verdict_page import check_can_write, write_verdict
from synarray.report.verdict_tables import verdict_tables
from synarray.run.folder import check_writable

__all__ = ["run_judge"]


@dataclass(frozen=True)
class _Evidence:
    """Where a device came from: its file, the pulses it was fitted to, the fit."""

    source: str
    folder: Path | None
    asked: tuple[str, ...] = ()
    pulses: Measurements | None = None
    fit: Fit | None = None


def run_judge(
    question: Question, measured: Path | None, reading: Reading, workers: int | None, out: Path | None, as_json: bool
) -> None:
    """Judge a device, print the verdict and write its page; a file of pulses is fitted first. Ctrl-C keeps the answer so far."""
    check_can_write()
    question = replace(question, wanted=check_reach(question.wanted))
    check_endurance(question.endurance)
    if question.pulse is not None:
        parse_pulse(question.pulse)
    people = Terminal(stderr=True)
    with _bar(people) as (bar, show):
        found = _evidence(question.source, measured, reading, out, bar)
        question = replace(question, source=found.source, asked=found.asked)
        composed = compose(question)
        folder = found.folder if found.folder is not None else Path("verdicts") / composed.device.name
        check_writable(folder)
        kind = "draws of its fit" if composed.posterior else "seeds"
        people.print(
            f"{composed.device.name}: {len(composed.specs)} {kind}, experiment {composed.specs[0].name}, "
            f"{question.task or composed.specs[0].data}",
            soft_wrap=True,
        )
        verdict, stopped = _judged(question, workers, show)
    page = write_verdict(verdict, folder, found.pulses, found.fit)
    _tell(verdict, found, page, as_json)
    if stopped:
        people.print(f"Stopped: what was known by then is in {page}, marked as partial.", soft_wrap=True)
        raise stopped


def _judged(question: Question, workers: int | None, show: _Show) -> tuple[Verdict, BaseException | None]:
    """Refine the verdict until it is complete, or until Ctrl-C; without any answer by then, there is nothing to keep."""
    verdict: Verdict | None = None
    try:
        for update in judging(question, workers=workers):
            verdict = update.verdict or verdict
            show(update)
    except BaseException as stopped:
        if isinstance(stopped, Exception | SystemExit) or verdict is None:
            raise
        return verdict, stopped
    assert verdict is not None  # there is at least one training
    return verdict, None


def _evidence(source: str, measured: Path | None, reading: Reading, out: Path | None, bar: Progress) -> _Evidence:
    """Read the pulses, if there are any, and fit them, if they come in place of a device."""
    fits = not _names_device(source)
    _require_one(source, fits, measured, reading.words)
    if not fits and measured is None:
        return _Evidence(source, out)
    from synarray.lab.formats import read_pulses

    task = bar.add_task("reading the pulses", total=None)
    pulses = read_pulses(source if measured is None else measured, reading.kind, reading.columns, **reading.choices)
    if not fits:
        bar.remove_task(task)
        return _Evidence(source, out, pulses=pulses)
    from synarray.lab.fitting import fit, write_device

    name = name_from(Path(source))
    folder = out if out is not None else Path("verdicts") / name
    check_writable(folder)
    bar.update(task, description="fitting the pulses")
    found = fit(pulses, name)
    bar.remove_task(task)
    return _Evidence(str(write_device(found, folder / f"{name}.toml")), folder, (source, *reading.words), pulses, found)


class _Show:
    """Shows how far a verdict has come: the answer so far, and one bar with the time that is left."""

    def __init__(self, people: Console, bar: Progress, live: Live) -> None:
        self._people, self._bar, self._live = people, bar, live
        self._start, self._answered = time.monotonic(), False
        self._task: TaskID | None = None

    def __call__(self, update: Update) -> None:
        """Show an update."""
        if self._task is None:
            self._task = self._bar.add_task("training", total=update.total)
        self._bar.update(self._task, completed=update.done, total=update.total)
        verdict = update.verdict
        if verdict is None:
            return
        said = verdict.sentences[not verdict.complete :]
        if not self._answered and not self._people.is_terminal:
            seconds = time.monotonic() - self._start
            self._people.print(f"First answer, after {seconds:.0f} s: {said[0]}", soft_wrap=True)
        self._answered = True
        title = Text(f"Answer so far ({len(verdict.trials)} trainings tested):")
        self._live.update(Group(title, *map(Text, said[:3]), self._bar))


@contextmanager
def _bar(people: Console) -> Iterator[tuple[Progress, _Show]]:
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("left:"), TimeRemainingColumn(), console=people,
    )  # fmt: skip
    with Live(Group(bar), console=people, transient=True, refresh_per_second=4) as live:
        yield bar, _Show(people, bar, live)


def _tell(verdict: Verdict, found: _Evidence, page: Path, as_json: bool) -> None:
    if as_json:
        fitted = {"fit": found.fit.as_json() | {"device": found.source}} if found.fit else {}
        print(json.dumps(verdict.summary() | fitted | {"page": str(page)}))
        return
    console = standard_output()
    for sentence in verdict.sentences:
        console.print(sentence)
    for table in verdict_tables(verdict):
        console.print()
        console.print(table)
    if verdict.unconfirmed:
        console.print("? depends on numbers that are unverified; the page lists them.")
    if found.fit:
        console.print(fit_table(found.fit))
        for sentence in fit_sentences(found.fit):
            console.print(sentence)
        console.print(f"Device: {found.source}", soft_wrap=True)
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
            "options such as --format and --columns say how a file of pulses is read",
            got=f"{' '.join(reading)} without such a file", where=f"judge {source}",
            do="Give the file in place of the device, or with --measured.",
        )  # fmt: skip
