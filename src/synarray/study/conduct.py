"""Running a study: what is planned and not finished goes to an engine; what comes back goes to the disk at once."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synarray.errors import DataError, SpecError, nearest
from synarray.files import is_there
from synarray.study.engines import Engine, LocalEngine
from synarray.study.measure import Job
from synarray.study.plan import OBJECTIVES, StudySpec
from synarray.study.points import PlannedRun, Planner
from synarray.study.search import Search
from synarray.study.store import Record, Store, record_of
from synarray.study.table import check_installed, write_tables
from synarray.task.datasets import BUILT_IN, load_dataset

__all__ = ["StudyProgress", "run_study"]

Only = dict[str, list[str]]


@dataclass(frozen=True)
class StudyProgress:
    """The progress of a study."""

    done: int
    failed: int
    total: int
    """Runs finished, runs that failed, runs there will be."""
    reused: int = 0
    """Of the finished ones, those that were so before."""
    last: str = ""
    """What came last, in words."""
    stopped: bool = False
    """Whether the study was stopped before its end."""


def run_study(
    spec: StudySpec,
    folder: Path | str,
    *,
    engine: Engine | None = None,
    resume: bool = False,
    branch: Path | None = None,
    only: Only | None = None,
    where: str = "study",
    on_progress: Callable[[StudyProgress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> StudyProgress:
    """Run a study, or what is left of it.

    Parameters
    ----------
    spec : StudySpec
    folder : Path or str
        Its folder: a new one, or with ``resume`` that of the study that was begun.
    engine : Engine, optional
        Where runs are run; processes of this machine if nothing is said. It is closed at the end.
    resume : bool
        Resume the study in the folder; begin it if there is none.
    branch : Path, optional
        Folder of another study, from which what both have in common is taken over; ``folder`` must be a new one.
    only : dict of str to list of str, optional
        Axes (or ``seed``) and the values that are run now; the rest stays planned.
    where : str
        File the study came from, for errors.
    on_progress : callable, optional
        Called with a :class:`StudyProgress` at the start and after each run.
    stop : callable, optional
        Asked all the time whether to stop; runs that are not finished are thrown away then.

    Returns
    -------
    StudyProgress
        Its progress at the end.

    Raises
    ------
    SpecError
        When an axis, key or value is not allowed; nothing has been run then.
    RunError
        When the folder cannot be used, or the study is not the one that was begun there.

    Examples
    --------
    >>> run_study(StudySpec(), "folder", only={"colour": ["red"]})
    Traceback (most recent call last):
    synarray.errors.SpecError: --only must name an axis or seed: got "colour" (--only). Known: seed.
    """
    check_installed()
    planner, engine, folder = Planner(spec, where), engine or LocalEngine(), Path(folder)
    spec = planner.spec
    _check_only(planner, only)
    search = Search(spec.search) if spec.search else None
    batches = _batches(planner, search)
    first = next(batches)  # whatever is wrong with it is reported before anything is on the disk
    begun = resume and is_there(folder / "study.toml")
    wanted = [run for runs in first for run in runs if _wanted(run, only)] if engine.here else []
    if not begun:
        _check_data(wanted, where)
    try:
        with Store.reopen(folder, spec) if begun else Store.begin(folder, spec) as store:
            if begun:
                _check_data([run for run in wanted if not store.done(run.identity)], where)
            if branch is not None:
                store.take_over(branch)
            conduct = _Conduct(planner, store, engine, only, on_progress, stop)
            for trials in itertools.chain([first], batches):
                conduct.batch([run for runs in trials for run in runs])
                if conduct.stopped:
                    break
                if search is not None:
                    search.report([conduct.value(runs) for runs in trials])
            write_tables(folder)
            return conduct.progress("")
    finally:
        engine.close()


class _Conduct:
    """A study that is being run."""

    def __init__(
        self,
        planner: Planner,
        store: Store,
        engine: Engine,
        only: Only | None,
        on_progress: Callable[[StudyProgress], None] | None,
        stop: Callable[[], bool],
    ) -> None:
        self.planner, self.store, self.engine, self.only = planner, store, engine, only
        self.on_progress, self.stop, self.stopped = on_progress, stop, False
        self.done = self.failed = self.reused = 0
        self.total = planner.size if planner.spec.search else 0

    def batch(self, runs: list[PlannedRun]) -> None:
        """Plan some runs, and run those of them that are not finished; a search takes what failed as it is."""
        self.store.plan(runs)
        wanted = {run.identity: run for run in runs if _wanted(run, self.only)}
        known = self.store.records if self.planner.spec.search else {k for k in wanted if self.store.done(k)}
        left = {key: run for key, run in wanted.items() if key not in known}
        finished = sum(self.store.done(key) for key in wanted)
        self.done, self.reused = self.done + finished, self.reused + finished
        self.failed += len(wanted) - len(left) - finished
        self.total = max(self.total, len(wanted))
        self._report("")
        waiting = set(left)
        for outcome in self.engine.run((self._job(run) for run in left.values()), self.stop):
            record = record_of(outcome)
            if record.identity not in waiting:
                continue
            self.store.add(record)
            waiting.remove(record.identity)
            self.done += record.failed is None
            self.failed += record.failed is not None
            self._report(_words(left[record.identity], record))
        self.stopped = bool(waiting)

    def value(self, runs: list[PlannedRun]) -> list[float] | None:
        """Average each objective of a search over the seeds; None where a run failed."""
        rows = [self.store.records[run.identity].metrics for run in runs]
        assert self.planner.spec.search is not None
        columns = [OBJECTIVES[name][0] for name in self.planner.spec.search.objectives]
        found = [[row.get(column) for column in columns] for row in rows if row is not None]
        if len(found) < len(rows) or any(value is None for row in found for value in row):
            return None
        return [statistics.fmean(float(value or 0) for value in column) for column in zip(*found, strict=True)]

    def progress(self, last: str) -> StudyProgress:
        """Return the progress of the study."""
        return StudyProgress(self.done, self.failed, self.total, self.reused, last, self.stopped)

    def _report(self, last: str) -> None:
        if self.on_progress:
            self.on_progress(self.progress(last))

    def _job(self, run: PlannedRun) -> Job:
        job: Job = {
            "identity": run.identity,
            "synarray": version("synarray"),
            "experiment": self.planner.experiment(run).model_dump(mode="json"),
        }
        return job | ({"folder": str(self.store.folder.resolve())} if self.planner.spec.keep == "runs" else {})


def _batches(planner: Planner, search: Search | None) -> Iterator[list[list[PlannedRun]]]:
    """Resolve all points at once, or those of one batch of trials after the other; each for all seeds."""
    if search is None:
        yield [list(planner.runs())]
        return
    number = 0
    for batch in search.batches():
        yield [list(planner.at(levels, number + i)) for i, levels in enumerate(batch)]
        number += len(batch)


def _check_data(runs: list[PlannedRun], where: str) -> None:
    """Refuse images that cannot be read, each once; raises what ``load_dataset`` does, naming the first point that wants them."""
    for data, run in {run.data: run for run in reversed(runs) if run.data not in BUILT_IN}.items():
        try:
            load_dataset(data)
        except DataError as error:
            at = f"{where}, point {_place(run)}, {error.where}"
            raise DataError(error.rule, got=error.got, where=at, do=error.do) from None


def _place(run: PlannedRun) -> str:
    return ", ".join(f"{name} = {value}" for name, value in run.columns.items()) or "the only one"


def _check_only(planner: Planner, only: Only | None) -> None:
    """Refuse a choice of axes or values that there are not."""
    for name, values in (only or {}).items():
        if planner.spec.search is not None:
            raise SpecError(
                "a search is run whole", got=f"{name}={','.join(values)}", where="--only", do="Leave out --only."
            )
        known = {axis: [level.label for level in levels] for axis, levels in planner.axes.items()}
        known["seed"] = list(planner.spec.seeds)
        if name not in known:
            raise SpecError(
                "--only must name an axis or seed", got=f'"{name}"', where="--only", do=nearest(name, known)
            )
        for value in values:
            if not any(_means(value, label) for label in known[name]):
                raise SpecError(
                    f"--only must name values of {name}",
                    got=f'"{value}"',
                    where="--only",
                    do=nearest(value, map(str, known[name])),
                )


def _wanted(run: PlannedRun, only: Only | None) -> bool:
    at = {**run.columns, "seed": run.seed}
    return all(any(_means(text, at[name]) for text in values) for name, values in (only or {}).items())


def _means(text: str, value: Any) -> bool:
    """Say whether a text names a value: as it is written, or the same number written otherwise."""
    if text == str(value):
        return True
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and float(text) == value
    except ValueError:
        return False


def _words(run: PlannedRun, record: Record) -> str:
    at = ", ".join([*(f"{name} {value}" for name, value in run.columns.items()), f"seed {run.seed}"])
    if record.metrics is None:
        return f"{at}: failed"
    accuracy = record.metrics.get("accuracy")
    return at if accuracy is None else f"{at}: {accuracy:.2%}"
