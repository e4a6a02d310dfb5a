"""Runs in progress: beside the place of the run, a folder NAME.partial holds its experiment and its checkpoints.

It is made before the training begins and removed when the run is in its place, so that a process killed at any instant
leaves either a finished run or a folder from which the run resumes. The process that trains holds a lock on the folder.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from synarray.errors import RunError, SpecError
from synarray.files import LOCK, is_there, lock_folder, parse_toml, read_text, unlock_folder, write_whole
from synarray.learn.checkpoint import CHECKPOINTS
from synarray.learn.result import Result
from synarray.run.experiment import ExperimentSpec
from synarray.run.folder import FILES, PARTIAL, is_free, partial_of, place_for, to_toml, unwritable, write_run
from synarray.run.opened import Run, open_run

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["Unfinished", "begin", "find", "in_progress", "reopen"]

_EXPERIMENT = "experiment.toml"


class Unfinished:
    """A run in progress; use it in a ``with``: afterwards either the run can be resumed, or nothing is left of it.

    Parameters
    ----------
    target : Path
        Where the finished run will be.
    spec : ExperimentSpec
    lock : BaseFileLock
        The lock on its folder.
    made : list of Path, optional
        Folders made for it, if it was begun now.

    Attributes
    ----------
    folder : Path
        Where its checkpoints are.
    """

    def __init__(self, target: Path, spec: ExperimentSpec, lock: BaseFileLock, made: list[Path] | None = None) -> None:
        self.target, self.folder, self.spec = target, partial_of(target), spec
        self._lock: BaseFileLock | None = lock
        self._made = made

    @property
    def saved(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return any(is_there(self.folder / name) for name in CHECKPOINTS)

    def finish(self, result: Result, resumed: list[int]) -> Path:
        """Write the run to its place and remove what was saved on the way. Returns the folder of the run."""
        folder = write_run(result, self.spec, self.target, within=self.folder, resumed=resumed)
        self._made = None
        _empty(self.folder)
        self.release()
        return folder

    def release(self) -> None:
        """Free the folder, and remove it if it is empty."""
        if self._lock is not None:
            _release(self.folder, self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        abandoned = self._made is not None and not self.saved
        if abandoned:
            _empty(self.folder)
        self.release()
        if abandoned:
            _remove_empty(self._made or [])


def begin(out: Path | None, spec: ExperimentSpec) -> Unfinished:
    """Take a place for a run that is about to be trained.

    Parameters
    ----------
    out : Path or None
        As of ``reserve``: names that are taken by runs, finished or not, are passed over.
    spec : ExperimentSpec

    Raises
    ------
    RunError
        When nothing can be written there.
    """
    wanted = place_for(out, spec)
    made = [place for place in reversed(wanted.absolute().parents) if not place.exists()]
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        for target in _names(wanted):
            folder = partial_of(target)
            if not is_free(target) or _taken(folder):
                continue
            folder.mkdir(exist_ok=True)
            lock = lock_folder(folder)
            if lock is None:  # another process was quicker
                continue
            run = Unfinished(target, spec, lock, made)
            if is_free(target) and not _taken(folder):
                try:
                    write_whole(folder / _EXPERIMENT, [to_toml(spec).encode()])
                except OSError:
                    run.release()
                    raise
                return run
            run.release()  # the folder may hold what another process has left there since
    except (OSError, ValueError) as error:
        _remove_empty(made)
        raise unwritable(wanted, error) from None
    raise AssertionError("names do not end")


def find(out: Path | None, spec: ExperimentSpec) -> Path | None:
    """Look for a run of this experiment, unfinished or finished, where ``begin`` would make one.

    Raises
    ------
    RunError
        When an unfinished run of another experiment has its place there.
    """
    done: Path | None = None
    foreign: tuple[Path, ExperimentSpec] | None = None
    for target in _names(place_for(out, spec)):
        folder = partial_of(target)
        if is_there(folder, folder=True):
            found = _experiment(folder)
            if found is not None and found.identity == spec.identity:
                return target
            if found is not None:
                foreign = foreign or (folder, found)
        elif is_free(target):
            break
        with contextlib.suppress(RunError, SpecError):
            done = done or (target if open_run(target).experiment.identity == spec.identity else None)
    if done is None and foreign is not None:
        raise RunError(
            "a run can be resumed only with its own experiment",
            got=f"another {_difference(foreign[1], spec)}",
            where=str(foreign[0]),
            do="Give the settings it was begun with, or another folder with --out.",
        )
    return done


def reopen(path: Path) -> Unfinished | Run:
    """Take up an unfinished run, by its place or by its folder; a run that is finished is just opened.

    Raises
    ------
    RunError
        When there is none, another process is at work on it, or its experiment is gone.
    SpecError
        When its experiment cannot be read.
    """
    path = path.resolve() if path.name in ("", "..") else path
    folder = path if path.name.endswith(PARTIAL) and not is_there(partial_of(path), folder=True) else partial_of(path)
    target = folder.with_name(folder.name.removesuffix(PARTIAL))
    try:
        lock = lock_folder(folder)
    except (OSError, ValueError):
        return open_run(target)
    if lock is None:
        raise RunError(
            "a run is trained by one process at a time",
            got="another process at work on it",
            where=str(folder),
            do="Wait for it, or stop it first.",
        )
    try:
        spec = _experiment(folder)
        with contextlib.suppress(RunError, SpecError):
            run = open_run(target)
            if spec is None or run.experiment.identity == spec.identity:
                _empty(folder)  # the process died after the run was finished, before it had tidied up
                _release(folder, lock)
                return run
        if spec is None:
            raise RunError(
                f"an unfinished run must hold its {_EXPERIMENT}",
                got="none",
                where=str(folder),
                do="Remove that folder and train again.",
            )
        return Unfinished(target, spec, lock)
    except (RunError, SpecError):
        unlock_folder(lock)
        raise


def in_progress(path: Path) -> Path | None:
    """Return the folder of an unfinished run, for its own path or that of the run it will be; None for anything else."""
    folder = path if path.name.endswith(PARTIAL) else partial_of(path)
    finished = folder != path and all(is_there(path / name) for name in FILES)
    return folder if not finished and is_there(folder / _EXPERIMENT) else None


def _names(wanted: Path) -> Iterator[Path]:
    """Names a run may take: the one that is wanted, and that with -2, -3, ..."""
    yield wanted
    for n in itertools.count(2):
        yield wanted.with_name(f"{wanted.name}-{n}")


def _taken(folder: Path) -> bool:
    """Say whether this place of an unfinished run holds more than a process leaves that died while taking it."""
    if not folder.exists():
        return False
    return not folder.is_dir() or any(entry.name not in (f"{_EXPERIMENT}.tmp", LOCK) for entry in folder.iterdir())


def _experiment(folder: Path) -> ExperimentSpec | None:
    """Read the experiment of an unfinished run; None when there is none."""
    path = folder / _EXPERIMENT
    try:
        values = parse_toml(read_text(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            "the experiment of an unfinished run must be readable",
            got=" ".join(str(error).split())[:160],
            where=str(path),
            do="Remove that folder and train again.",
        ) from None
    return ExperimentSpec.read(values, str(path))


def _difference(one: ExperimentSpec, other: ExperimentSpec) -> str:
    """Name the first key that two experiments differ in."""

    def flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key, value in values.items():
            yield from flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]

    first, second = (
        dict(flat(spec.model_dump(mode="json", exclude={"name", "note", "checkpoint", "built_on"})))
        for spec in (one, other)
    )
    key = next(key for key in first | second if first.get(key) != second.get(key))
    return f"{key} = {second.get(key)}, not {first.get(key)}"


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with contextlib.suppress(OSError):  # not made, or somebody else uses it by now
            folder.rmdir()


def _empty(folder: Path) -> None:
    """Remove what an unfinished run has saved, its experiment last; the lock stays."""
    with contextlib.suppress(OSError):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == _EXPERIMENT):
            if entry.name == LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _release(folder: Path, lock: BaseFileLock) -> None:
    """Free the folder of an unfinished run, and remove it if it is empty."""
    unlock_folder(lock)
    with contextlib.suppress(OSError):
        folder.rmdir()
