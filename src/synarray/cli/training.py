"""``synarray train`` and ``resume``: read the experiment, train with a progress bar, write the run."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from synarray.learn.checkpoint import Checkpoints, TrainingStoppedError
from synarray.learn.trainer import Progress
from synarray.learn.training import train
from synarray.report.run_tables import Terminal, metrics_table, standard_output
from synarray.report.words import counted
from synarray.run.experiment import load_experiment, parse_setting, task_images
from synarray.run.folder import Run, is_there, partial_of, place_for
from synarray.run.in_progress import Unfinished, begin, find, reopen

__all__ = ["resume_training", "run_training"]


def run_training(
    experiment: str | None, settings: list[str], seed: int | None, out: Path | None, as_json: bool, resume: bool
) -> None:
    """Train as the experiment says and keep the run; with ``resume``, go on with the one that was begun, if any."""
    changes = dict(parse_setting(text) for text in settings)
    if seed is not None:
        changes["seed"] = seed
    spec = load_experiment(experiment, changes)
    task = task_images(spec)
    people = _people()
    if resume and (found := find(out, spec)):
        return _take_up(reopen(found), people, as_json)
    waiting = partial_of(place_for(out, spec))
    if is_there(waiting / "experiment.toml"):
        people.print(
            f"Note: {waiting} holds an unfinished run; this is another one (--resume goes on).", soft_wrap=True
        )
    with begin(out, spec) as run:
        _train(run, task, people, as_json)


def resume_training(path: Path, as_json: bool) -> None:
    """Go on with an unfinished run; tell one that is finished."""
    _take_up(reopen(path), _people(), as_json)


def _take_up(run: Run | Unfinished, people: Terminal, as_json: bool) -> None:
    if isinstance(run, Run):
        people.print(f"Note: {run.path} is finished already.", soft_wrap=True)
        return _tell(run.metrics, run.path, as_json)
    with run:
        _train(run, task_images(run.spec), people, as_json)


def _train(run: Unfinished, task: Any, people: Terminal, as_json: bool) -> None:
    data, x, y, x_test, y_test = task
    spec = run.spec
    people.print(
        f"{spec.name}: {counted(len(x), 'image')} of {data.name}, {counted(spec.n_neurons, 'neuron')}, "
        f"{counted(spec.epochs, 'epoch')}, seed {spec.seed}"
    )
    checkpoints = Checkpoints(
        run.folder, spec.checkpoint.seconds, lambda text: people.print(f"Note: {text}", soft_wrap=True)
    )
    with _told_how_to_go_on(run), _stoppable(checkpoints):
        with Bars(
            TextColumn("learning"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(), console=people, transient=True,
        ) as bars:  # fmt: skip
            bar = bars.add_task("learning", total=spec.epochs * len(x), state="compiling (once)")

            def advance(progress: Progress) -> None:
                so_far = "" if progress.accuracy is None else f", {progress.accuracy:.1%} so far"
                bars.update(
                    bar, completed=progress.presentations, state=f"{progress.images_per_second:,.0f} images/s{so_far}"
                )

            result = train(
                spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale,
                workers=os.cpu_count() or 1, on_progress=advance, checkpoints=checkpoints,
            )  # fmt: skip
        for note in result.notes:
            people.print(f"Note: {note}")
        folder = run.finish(result, checkpoints.resumed)
    _tell({"name": spec.name} | result.metrics(), folder, as_json)


def _tell(metrics: dict[str, Any], folder: Path, as_json: bool) -> None:
    metrics = metrics | {"run_dir": str(folder)}
    if as_json:
        print(json.dumps(metrics))
    else:
        console = standard_output()
        console.print(metrics_table(metrics))
        console.print(f"Run: {folder}   (synarray show {folder})", soft_wrap=True)


def _people() -> Terminal:
    return Terminal(stderr=True)


@contextlib.contextmanager
def _stoppable(checkpoints: Checkpoints) -> Iterator[None]:
    """Have the first Ctrl-C (or SIGTERM) stop the learning after this block; another one, or outside learning, at once."""
    at_once = signal.getsignal(signal.SIGINT)
    received = signal.SIGINT

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal received
        received = signal.Signals(number)
        if checkpoints.learning and not checkpoints.asked_to_stop:
            checkpoints.asked_to_stop = True
        elif number == signal.SIGINT and callable(at_once):
            at_once(number, frame)
        else:
            sys.exit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except TrainingStoppedError as stopped:
        print(f"synarray: interrupted after {stopped.got}.", file=sys.stderr)
        sys.exit(128 + received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _told_how_to_go_on(run: Unfinished) -> Iterator[None]:
    """Say, whatever ends the training before its time, how to go on with what was saved."""
    try:
        yield
    except BaseException:
        if run.saved:
            print(f"Saved. To go on: synarray resume {shlex.quote(str(run.target))}", file=sys.stderr)
        raise
