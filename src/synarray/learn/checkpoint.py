"""Checkpoints: everything a training is made of, on disk, so that it can resume after an interruption to the same bits.

A checkpoint is one file: a line that names the format, the SHA-256 of all that follows, one line of JSON (version, what is
trained on what, names and shapes of the arrays) and the arrays' bytes. Two files are written in turn, each beside its place
and then renamed into it, so that two good ones remain whenever the process dies; a damaged one is recognised by its checksum.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shlex
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synarray.errors import RunError
from synarray.files import open_ordinary, write_whole
from synarray.learn.spec import DEVICE_WORDS, LearningSpec
from synarray.learn.trainer import HistoryPoint, OnBlock, Trainer
from synarray.network.machine import Pixels
from synarray.network.state import State, capture_arrays, put_back
from synarray.spec import Spec
from synarray.units import Seconds

__all__ = [
    "CHECKPOINTS",
    "CheckpointSpec",
    "Checkpoints",
    "TrainingStoppedError",
    "between_stretches",
    "capture",
    "fingerprints",
    "read_checkpoint",
    "restore",
    "saved_history",
]

CHECKPOINTS = ("checkpoint-0", "checkpoint-1")
"""Names of the two files, written in turn."""
_MAGIC = b"synarray checkpoint 1\n"
_DIGEST = 65  # the checksum in hexadecimal and the end of its line
_SHARE, _SHARE_EPOCH = 50, 100
"""A checkpoint is due when so many times what the last one took has passed: at most 2 % of the time, 1 % at epoch ends."""
_FIRST_COST = 0.02
"""Seconds the first one is expected to take."""
_MOST_TO_SHOW = 4_000_000_000
"""Bytes of a checkpoint that is read only for its training curve."""
_LARGEST = 1e15
"""No number of a training comes near it."""
_OBSERVED = 500
"""Presentations between two looks of an observer, about."""


class _Header(BaseModel):
    """What is before the arrays of a checkpoint; it holds more: the fingerprints of what is trained."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    synarray: str
    resumed: list[Annotated[int, Field(ge=0)]]
    spent: Annotated[float, Field(ge=0)]
    arrays: list[tuple[str, str, list[Annotated[int, Field(ge=0)]]]]


class CheckpointSpec(Spec):
    """When a training that is kept on disk is saved on its way."""

    seconds: Annotated[Seconds, Field(ge=0)] = 30.0
    """Time between checkpoints, or fifty times what one takes when that is longer; 0: one after every block."""


class TrainingStoppedError(RunError):
    """A training was asked to stop, and did so between two blocks."""


def capture(trainer: Trainer) -> State:
    """Return everything a training is made of that building it again would not give, by name (see ``network/state.py``)."""
    machine = trainer.machine
    state = capture_arrays(_parts(trainer), wires=machine.array.scale.size > 2, wear=machine.wear is not None)
    nan = float("nan")
    points = [
        (p.presentations, nan if p.accuracy is None else p.accuracy, p.pulses, p.pruned_fraction)
        for p in trainer.history
    ]
    presentations, accuracy, pulses, pruned = zip(*points, strict=True) if points else ((), (), (), ())
    return state | {
        "history.presentations": np.array(presentations, np.int64),
        "history.accuracy": np.array(accuracy, np.float64),
        "history.pulses": np.array(pulses, np.int64),
        "history.pruned_fraction": np.array(pruned, np.float64),
    }


def restore(trainer: Trainer, state: State) -> None:
    """Bring a training that was just built to a captured state.

    Raises
    ------
    ValueError
        When the state is that of another training; the trainer is then as it was.
    """
    parts, fresh = _parts(trainer), capture(trainer)
    unlike = [name for name in fresh.keys() & state.keys() if not _alike(name, fresh[name], state[name])]
    wrong = sorted([*(fresh.keys() ^ state.keys()), *unlike])
    if wrong:
        raise ValueError(f"holds another training's state: {', '.join(wrong[:3])}")
    _check_values(trainer, state)
    trainer.history = _history(state)
    put_back(parts, {key: value for key, value in state.items() if not key.startswith("history.")})


def saved_history(folder: Path) -> list[HistoryPoint]:
    """Return the training curve so far of an unfinished training, from its newest whole checkpoint; empty without one."""
    found: list[list[HistoryPoint]] = []
    for name in CHECKPOINTS:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found.append(_history(read_checkpoint(folder / name, _MOST_TO_SHOW)[1]))
    return max(found, key=len, default=[])


def _history(state: State) -> list[HistoryPoint]:
    columns = [state[f"history.{name}"].tolist() for name in ("presentations", "accuracy", "pulses", "pruned_fraction")]
    return [HistoryPoint(n, None if math.isnan(a) else a, p, f) for n, a, p, f in zip(*columns, strict=True)]


def _check_values(trainer: Trainer, state: State) -> None:
    """Refuse values that no training has: compiled code trusts them. Raises ValueError."""
    winners, alive = state["trainer.winners"], state["array.alive"]
    lowest = -1 if trainer.machine.shared else 0  # a silent place
    if winners.size and not lowest <= winners.min() <= winners.max() < len(trainer.machine.threshold):
        raise ValueError("holds neurons that there are not")
    settling = trainer.machine.spec.pruning.rebalance + (trainer.teacher.extra if trainer.teacher else 0)
    shown, total = int(state["trainer.presentations"]), int(state["trainer.total"])
    if not (0 <= shown <= trainer.total + settling and total > 0 and total in (trainer.total, settling)):
        raise ValueError("holds more or fewer presentations than the training has")
    numbers = [value for name, value in state.items() if value.dtype.kind == "f" and name != "history.accuracy"]
    if not all((np.abs(value) < _LARGEST).all() for value in numbers) or state["array.read_units"] <= 0:
        raise ValueError("holds numbers that cannot be")
    if (alive > trainer.machine.array.exists).any() or int(state["trainer.n_classes"]) != trainer.n_classes:
        raise ValueError("holds weights or classes that there are not")


def _parts(trainer: Trainer) -> dict[str, Any]:
    machine = trainer.machine
    parts = {"trainer": trainer, "machine": machine, "array": machine.array}
    clocks = {"ageing": machine.ageing, "wear": machine.wear}
    return parts | {name: clock for name, clock in clocks.items() if clock is not None}


def _alike(name: str, one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    grows = name.startswith("history.") or name == "trainer.winners"
    shapes = (one.shape[1:], other.shape[1:]) if grows and other.ndim else (one.shape, other.shape)
    return one.dtype == other.dtype and shapes[0] == shapes[1]


def _write(path: Path, header: dict[str, Any], state: State) -> None:
    arrays = [[name, value.dtype.str, list(value.shape)] for name, value in state.items()]
    body = [json.dumps(header | {"arrays": arrays}).encode() + b"\n", *(value.tobytes() for value in state.values())]
    digest = hashlib.sha256()
    for part in body:
        digest.update(part)
    write_whole(path, [_MAGIC, digest.hexdigest().encode() + b"\n", *body])


def read_checkpoint(path: Path, most: int) -> tuple[dict[str, Any], State]:
    """Read a checkpoint of at most so many bytes; raises ValueError or OSError, in words, when it cannot be used."""
    with open_ordinary(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError("is larger than any of this training")
        content = file.read(size)
    start = len(_MAGIC) + _DIGEST
    if content[: len(_MAGIC)] != _MAGIC:
        known = content.startswith(_MAGIC[:-2])
        raise ValueError("has the format of another version" if known else "is no checkpoint")
    body = memoryview(content)[start:]
    if content[len(_MAGIC) : start] != hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise ValueError("is damaged: its checksum does not match")
    try:
        end = content.index(b"\n", start)
        header = _Header.model_validate_json(content[start:end])
        if header.synarray != version("synarray"):
            raise ValueError(f"was written by synarray {header.synarray}")
        return header.model_dump(), _unpack(header.arrays, content, end + 1)
    except (TypeError, OverflowError, ValidationError):
        raise ValueError("is no checkpoint") from None


def _unpack(arrays: list[tuple[str, str, list[int]]], content: bytes, at: int) -> State:
    """Return views of the arrays, which must fill the rest of the content exactly."""
    state = {}
    for name, kind, shape in arrays:
        dtype, count = np.dtype(kind), math.prod(shape)
        size = count * dtype.itemsize
        if dtype.kind not in "biuf" or min(shape, default=0) < 0 or at + size > len(content):
            raise ValueError("is no checkpoint")
        state[name] = np.frombuffer(content, dtype, count, at).reshape(shape)
        at += size
    if at != len(content):
        raise ValueError("is no checkpoint")
    return state


def fingerprints(spec: LearningSpec, pixels: Pixels, labels: npt.NDArray[np.int64], before: str) -> dict[str, str]:
    """Hash what is trained and what on, so that a checkpoint of another training is recognised; ``before``: what it continues."""
    decisive = spec.model_dump(mode="json", include=set(LearningSpec.model_fields), exclude={"device": DEVICE_WORDS})
    data = hashlib.sha256()
    for part in (*pixels, labels):
        data.update(np.ascontiguousarray(part).data)
    data.update(before.encode())
    return {
        "experiment": hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest(),
        "data": data.hexdigest(),
    }


class Checkpoints:
    """Saves a training on its way, and lets it resume from where it was saved last.

    Hand it to :func:`synarray.train`: the training resumes from what is in the folder, and is saved into it between
    two blocks of presentations, every so many seconds and at epoch ends.

    Parameters
    ----------
    folder : Path
        It must exist, and belong to this training alone.
    seconds : float
        Time between checkpoints; see ``CheckpointSpec``.
    on_note : callable, optional
        Called with what a person should know, e.g. that a damaged checkpoint was passed over.

    Attributes
    ----------
    asked_to_stop : bool
        Set it (from a signal handler, say) to have the training saved after this block, and ``TrainingStoppedError`` raised.
    learning : bool
        Whether a training is at the point where it can be stopped so.
    resumed : list of int
        Presentations after which the training was interrupted and resumed.
    spent : float
        Seconds it took to save.
    """

    def __init__(self, folder: Path, seconds: float = 30.0, on_note: Callable[[str], None] | None = None) -> None:
        self.folder, self.seconds = folder, seconds
        self.asked_to_stop, self.learning = False, False
        self.resumed: list[int] = []
        self.spent = 0.0
        self._on_note, self._noted = on_note, ""
        self._task: dict[str, str] = {}
        self._epoch, self._slot, self._layer = 1, 0, 0
        self._cost, self._last = _FIRST_COST, time.perf_counter()

    @property
    def found(self) -> bool:
        """Whether there is anything to resume from."""
        return any(path.exists() for path in self._paths)

    @property
    def _paths(self) -> tuple[Path, ...]:
        return tuple(self.folder / self._name(slot) for slot in range(2))

    def _name(self, slot: int) -> str:
        return CHECKPOINTS[slot] + (f"-layer-{self._layer + 1}" if self._layer else "")

    def begin(self, trainer: Trainer, task: dict[str, str], images: int, layer: int = 0, *, last: bool = True) -> None:
        """Resume from the newest good checkpoint, when there is any.

        Parameters
        ----------
        trainer : Trainer
            Just built.
        task : dict of str to str
            Fingerprints of what is trained (``experiment``) and on what (``data``).
        images : int
            Images of an epoch.
        layer : int
            Which layer is trained, from 0; each has its own two files.
        last : bool
            Whether it is the last one; of others that had learned all, nothing is said.

        Raises
        ------
        RunError
            When there are checkpoints but none can be used, or they are those of another training.
        """
        self._task, self._epoch, self._layer, self._slot, self.learning = task, images, layer, 0, True
        if self.seconds == 0:
            trainer.blocks_at_once = 1
        most = 2 * sum(value.nbytes for value in capture(trainer).values()) + 100_000_000
        good, bad = [], {}
        for slot, path in enumerate(self._paths):
            try:
                header, state = read_checkpoint(path, most)
                good.append((int(state["trainer.presentations"]), slot, header, state))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError) as error:
                bad[path.name] = getattr(error, "strerror", None) or str(error)
        for presentations, slot, header, state in sorted(good, key=lambda found: found[0], reverse=True):
            self._check(header, self._paths[slot])
            try:
                restore(trainer, state)
            except ValueError as error:
                bad[self._name(slot)] = str(error)
                continue
            self._slot = 1 - slot
            self.resumed, self.spent = [*header["resumed"], presentations], float(header["spent"])
            for name, reason in bad.items():
                self._note(f"{name} {reason}; it is passed over.")
            if last or presentations < trainer.total:
                self._note(f"Resumed from {self._name(slot)}, after {presentations:,} presentations.")
            break
        else:
            if bad:
                raise RunError(
                    "a training can be resumed only from a whole checkpoint of this version",
                    got="; ".join(f"{name} {reason}" for name, reason in bad.items()), where=str(self.folder),
                    do=f"Train it again: synarray train {shlex.quote(str(self.folder / 'experiment.toml'))}",
                )  # fmt: skip
        self._last = time.perf_counter()

    def at_block(self, trainer: Trainer) -> None:
        """Save the training if that is due; the trainer calls this after each block of presentations.

        Raises
        ------
        TrainingStoppedError
            When it was asked to stop.
        """
        passed = time.perf_counter() - self._last
        due = passed >= self.seconds and (passed >= _SHARE * self._cost or self.seconds == 0)
        if not trainer.presentations % self._epoch:
            due = due or passed >= _SHARE_EPOCH * self._cost
        if not due and not self.asked_to_stop:
            return
        saved = self.save(trainer)
        if self.asked_to_stop:
            raise TrainingStoppedError(
                "the training was stopped", got=f"{trainer.presentations:,} presentations", where=str(self.folder),
                do="Train again from there." if saved else "They could not be saved.",
            )  # fmt: skip

    def save(self, trainer: Trainer) -> bool:
        """Write a checkpoint over the older one; say so when that fails, but let the training continue."""
        start = time.perf_counter()
        header = {"synarray": version("synarray"), **self._task, "resumed": self.resumed, "spent": self.spent}
        try:
            _write(self._paths[self._slot], header, capture(trainer))
        except OSError as error:
            self._note(f"No checkpoint could be written ({error.strerror or error}); the training continues.")
            return False
        else:
            self._slot = 1 - self._slot
            return True
        finally:
            self._last = time.perf_counter()
            self._cost = self._last - start
            self.spent += self._cost

    def _check(self, header: dict[str, Any], path: Path) -> None:
        for key, value in self._task.items():
            if header.get(key) != value:
                raise RunError(
                    "a training can be resumed only from its own checkpoint", got=f"one of another {key}", where=str(path),
                    do="Bring the images back as they were, or train again in another folder."
                    if key == "data" else "Give the experiment it was begun with, or train again in another folder.",
                )  # fmt: skip

    def _note(self, text: str) -> None:
        if self._on_note and text != self._noted:
            self._on_note(text)
        self._noted = text


def between_stretches(trainer: Trainer, checkpoints: Checkpoints | None, observe: OnBlock | None) -> OnBlock | None:
    """Return what is called between stretches: checkpoints, the observer, or both; who observes wants short ones."""
    if observe is None:
        return checkpoints.at_block if checkpoints else None
    trainer.blocks_at_once = min(trainer.blocks_at_once, max(1, _OBSERVED // trainer.block))

    def look(trainer: Trainer) -> None:
        if checkpoints:
            checkpoints.at_block(trainer)
        observe(trainer)

    return look
