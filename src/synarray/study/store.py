"""A study on disk: one folder, to which every finished run is added at once, and from which a killed study is resumed.

study.toml       the study, with the experiments it starts from
plan.jsonl       first what it was begun with (format, version), then one line per planned run: its place and its identity
runs.jsonl       one line per finished or failed run, flushed to the disk before the next; a torn last line counts for nothing
table.parquet    one row per finished run (also table.csv), written when the study ends or is interrupted
runs/IDENTITY    whole run folders, with keep = "runs"

The process that runs the study holds a lock on the folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synarray.errors import RunError
from synarray.files import LOCK, is_there, lock_folder, open_ordinary, sync, unlock_folder, write_whole, writing
from synarray.run.folder import check_writable, to_toml
from synarray.study.plan import WORDS, StudySpec, load_study
from synarray.study.points import PlannedRun

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["Store", "differences", "place_of", "read_plan", "read_records", "record_of"]

FORMAT = 1
_STUDY, _PLAN, _RUNS = "study.toml", "plan.jsonl", "runs.jsonl"
_RULE, _FREE = (
    "a study must be written to disk",
    "Free some space, then resume: --resume. Finished runs are whole on disk.",
)
_LARGEST = 8 << 30
"""Bytes of a study's records that are read."""


_Row = TypeVar("_Row", bound=BaseModel)


class Header(BaseModel):
    """The first line of plan.jsonl."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: int
    synarray: str


class PlannedRow(BaseModel):
    """One line of plan.jsonl."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    at: dict[str, bool | int | float | str]
    """The place of the run: axes, and keys that were drawn."""
    seed: int
    identity: str = Field(pattern="^[0-9a-f]{64}$")


class Record(BaseModel):
    """One line of runs.jsonl."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    identity: str = Field(pattern="^[0-9a-f]{64}$")
    metrics: dict[str, bool | int | float | str | None] | None = None
    failed: str | None = None
    made: dict[str, int | float | str] = {}


class Store:
    """The folder of a study that is being run; use it in a ``with``, which holds its lock.

    Attributes
    ----------
    folder : Path
    records : dict of str to Record
        What is finished or failed, by identity.
    planned : list of PlannedRow
        What has been planned so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[str, Record] = {}
        self.planned: list[PlannedRow] = []
        self._confirmed = 0
        self._lock: BaseFileLock | None = None
        self._runs: BinaryIO | None = None

    @classmethod
    def begin(cls, folder: Path, spec: StudySpec) -> Store:
        """Make the folder of a new study.

        Raises
        ------
        RunError
            When something is there already, or nothing can be written there.
        """
        if is_there(folder / _STUDY):
            raise RunError(
                "a study begins in a folder of its own",
                got="a study that was begun there",
                where=str(folder),
                do="Resume it: --resume. Or give another folder: --out.",
            )
        check_writable(folder)
        store = cls(folder)
        with writing(_RULE, folder, _FREE), store._closed_on_error():
            folder.mkdir(parents=True, exist_ok=True)
            store._take_lock()
            own = (_PLAN, f"{_STUDY}.tmp", LOCK)  # all that a process leaves that died while it began
            foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in own)
            if foreign:
                raise RunError(
                    "a study begins in a folder of its own",
                    got=f"a folder that holds {foreign[0]}",
                    where=str(folder),
                    do="Give another folder with --out.",
                )
            write_whole(
                folder / _PLAN, [Header(format=FORMAT, synarray=version("synarray")).model_dump_json().encode(), b"\n"]
            )
            write_whole(folder / _STUDY, [to_toml(spec).encode()])
            store._open()
        return store

    @classmethod
    def reopen(cls, folder: Path, spec: StudySpec) -> Store:
        """Resume a study that was begun; its words may have changed.

        Raises
        ------
        RunError
            When there is none, another process is at work on it, it is damaged, or it was begun as another study or by
            another version.
        """
        begun, store = load_study(folder), cls(folder)
        with writing(_RULE, folder, _FREE), store._closed_on_error():
            store._take_lock()
            if different := differences(begun, spec):
                raise RunError(
                    "a study can be resumed only as it was begun",
                    got="; ".join(different[:3]),
                    where=str(folder),
                    do="Undo the change, or take what both have in common to a new folder: --branch FOLDER.",
                )
            header, store.planned = read_plan(folder)
            if header.synarray != version("synarray"):
                raise RunError(
                    "a study must be run by one version of synarray",
                    where=str(folder),
                    got=f"{version('synarray')}, but it was begun by {header.synarray}",
                    do=f"Install that version, or run it again: synarray study run {shlex.quote(str(folder / _STUDY))} --out NEW",
                )
            store.records = read_records(folder)
            store._open()
            write_whole(folder / _STUDY, [to_toml(spec).encode()])
        return store

    def take_over(self, other: Path) -> int:
        """Copy what is finished in another study; runs are known by their identity. Returns how many."""
        found = {key: record for key, record in read_records(other).items() if record.metrics is not None}
        with writing(_RULE, self.folder, _FREE):
            for key in found:
                if is_there(other / "runs" / key[:16], folder=True):
                    shutil.copytree(other / "runs" / key[:16], self.folder / "runs" / key[:16], dirs_exist_ok=True)
            self._append([_line(record) for record in found.values()])
        self.records |= found
        return len(found)

    def plan(self, runs: Iterable[PlannedRun]) -> None:
        """Write down what is about to be run, or see that it is what was planned when the study was begun.

        Raises
        ------
        RunError
            When an experiment is another one than it was then, or it cannot be written.
        """
        new: list[PlannedRow] = []
        for run in runs:
            row = PlannedRow(at=run.columns, seed=run.seed, identity=run.identity)
            if self._confirmed >= len(self.planned):
                new.append(row)
            elif self.planned[self._confirmed] != row:
                raise RunError(
                    "a study can be resumed only with the experiments it was begun with",
                    where=str(self.folder),
                    got=f"another one at {place_of(row)} (a device or package it uses has changed)",
                    do="Bring it back, or take what both have in common to a new folder: --branch FOLDER.",
                )
            else:
                self._confirmed += 1
        if new:
            with writing(_RULE, self.folder, _FREE), (self.folder / _PLAN).open("ab", buffering=0) as plan:
                _append(plan, [row.model_dump_json().encode() + b"\n" for row in new])
            self.planned += new
            self._confirmed += len(new)

    def add(self, record: Record) -> None:
        """Add a finished run: it is on the disk when this returns.

        Raises
        ------
        RunError
            When it cannot be written; what was there before is whole.
        """
        with writing(_RULE, self.folder, _FREE):
            self._append([_line(record)])
        self.records[record.identity] = record

    def done(self, identity: str) -> bool:
        """Say whether a run is finished; one that failed is not."""
        record = self.records.get(identity)
        return record is not None and record.metrics is not None

    def close(self) -> None:
        """Give the folder back."""
        if self._runs is not None:
            self._runs.close()
        if self._lock is not None:
            unlock_folder(self._lock)
        self._lock = self._runs = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _take_lock(self) -> None:
        lock = lock_folder(self.folder)
        if lock is None:
            raise RunError(
                "a study is run by one process at a time",
                got="another process at work on it",
                where=str(self.folder),
                do="Wait for it or stop it first; synarray study show prints its progress.",
            )
        self._lock = lock

    def _open(self) -> None:
        """Open what runs are added to; cut off lines that were being written when the process died."""
        self._runs = (self.folder / _RUNS).open("ab", buffering=0)
        for name in (_PLAN, _RUNS):
            os.truncate(self.folder / name, sum(map(len, _lines(self.folder / name))))
        sync(self.folder)

    def _append(self, lines: list[bytes]) -> None:
        assert self._runs is not None  # open as long as the folder is locked
        _append(self._runs, lines)


def _append(file: BinaryIO, lines: list[bytes]) -> None:
    """Add lines to a file and wait until they are on the disk, or leave the file as it was."""
    before, content = os.fstat(file.fileno()).st_size, b"".join(lines)
    try:
        while content:
            content = content[file.write(content) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(before)
        raise


def read_plan(folder: Path) -> tuple[Header, list[PlannedRow]]:
    """Read what was planned: what the study was begun with, and its runs in order.

    Raises
    ------
    RunError
        When there is no study, or it is damaged.
    """
    path, (first, *lines) = folder / _PLAN, _read(folder, _PLAN) or [b""]
    header = _parse(Header, first, path, 1)
    if header.format != FORMAT:
        raise RunError(
            f"the folder of a study must have layout {FORMAT}",
            got=f"layout {header.format}",
            where=str(folder / _PLAN),
            do=f"Run it again: synarray study run {shlex.quote(str(folder / _STUDY))} --out NEW",
        )
    return header, [_parse(PlannedRow, line, path, n) for n, line in enumerate(lines, start=2)]


def read_records(folder: Path) -> dict[str, Record]:
    """Read what is finished or failed, by identity; the last word on each run counts.

    Raises
    ------
    RunError
        When there is no study, or it is damaged.
    """
    path = folder / _RUNS
    records = (_parse(Record, line, path, n) for n, line in enumerate(_read(folder, _RUNS), start=1))
    return {record.identity: record for record in records}


def record_of(outcome: dict[str, Any]) -> Record:
    """Take what a worker says as a record; what cannot be a result is the failure of its run."""
    try:
        return Record.model_validate(outcome)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][:2])
        return Record(
            identity=outcome["identity"], failed=f"The result was {where} = {first['input']!r:.80}, which is no result."
        )


def differences(begun: StudySpec, now: StudySpec) -> list[str]:
    """Name the keys that decide results and have changed between two studies."""

    def flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key, value in values.items():
            yield from flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]

    one, other = (dict(flat(_decisive(spec))) for spec in (begun, now))
    changed = [key for key in one | other if one.get(key) != other.get(key)]
    return [f"{key} = {_short(other.get(key))}, not {_short(one.get(key))}" for key in changed]


def _decisive(spec: StudySpec) -> dict[str, Any]:
    """Return what decides results: no words, and the key of each axis of values, said or not."""
    values = spec.model_dump(mode="json", exclude=WORDS)
    for name, axis in values["axes"].items():
        del axis["title"]
        axis["key"] = axis["key"] or (name if axis["values"] is not None else None)
    return values


def place_of(row: PlannedRow) -> str:
    """Name the place of a run in its study."""
    return ", ".join([*(f"{name} = {value}" for name, value in row.at.items()), f"seed {row.seed}"])


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _line(record: Record) -> bytes:
    return record.model_dump_json(exclude_defaults=True).encode() + b"\n"


def _lines(path: Path) -> list[bytes]:
    """Read the whole lines of a file; what follows the last end of a line was never finished."""
    with open_ordinary(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST:
            raise OSError(errno.EFBIG, f"more than {_LARGEST:,} bytes", str(path))
        lines = file.read(size).splitlines(keepends=True)
    return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines


def _read(folder: Path, name: str) -> list[bytes]:
    try:
        return _lines(folder / name)
    except FileNotFoundError:
        if name == _RUNS and is_there(folder / _STUDY):  # the process died before the first run
            return []
        raise RunError(
            f"the folder of a study must hold {_STUDY}, {_PLAN} and {_RUNS}",
            got=f"no {name}",
            where=str(folder),
            do='Give a folder that "synarray study run" made.',
        ) from None
    except (OSError, ValueError) as error:
        raise _damaged(folder / name, error) from None


def _parse(kind: type[_Row], line: bytes, path: Path, number: int) -> _Row:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _damaged(path, ValueError(f"line {number}: {' '.join(first['msg'].split())[:120]}")) from None


def _damaged(path: Path, error: Exception) -> RunError:
    return RunError(
        "the records of a study must be whole",
        got=getattr(error, "strerror", None) or str(error),
        where=str(path),
        do="Remove that line: its run is done again with --resume.",
    )
