"""``synarray train | resume``: read the experiment, train with a progress bar, write the run."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import ExperimentName, Json, Settings, chosen_settings, complete_devices, folder_option

if TYPE_CHECKING:
    from synarray.cli.progress import Bar
    from synarray.learn.checkpoint import Checkpoints
    from synarray.learn.trainer import Progress
    from synarray.report.terminal import Terminal
    from synarray.run.in_progress import Unfinished
    from synarray.run.opened import Run

__all__ = ["resume", "train"]

_COMPILING = "compiling the kernels (first run only)"
_SOON = 2.0
"""Seconds without any progress after which a training says that it compiles."""


def train(
    experiment: ExperimentName = None,
    epochs: Annotated[int | None, typer.Option(help="Times that all training images are shown.")] = None,
    neurons: Annotated[int | None, typer.Option(help="Output neurons.")] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Train in cells of this device: a library name or a file.",
            autocompletion=complete_devices,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, folder_option("Folder of the run; where one is taken, a number is added to its name.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--resume", help="Resume the run of this experiment if it was interrupted; else begin it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a network and keep the run in a folder. It is tested once, and checkpoints are saved while it trains."""
    from synarray.files import is_there
    from synarray.learn.training import decide_fields
    from synarray.report.terminal import Terminal
    from synarray.run.experiment import load_experiment, task_images
    from synarray.run.folder import partial_of, place_for
    from synarray.run.in_progress import begin, find, reopen

    options = {
        "--epochs": ("epochs", epochs), "--neurons": ("n_neurons", neurons), "--device": ("device", device),
        "--seed": ("seed", seed),
    }  # fmt: skip
    changes = chosen_settings(settings, options)
    spec = load_experiment(experiment, changes)
    task = task_images(spec)
    data, x, y, *_ = task
    spec = decide_fields(spec, x, y, data.image_shape, data.full_scale, os.cpu_count() or 1)
    people = Terminal(stderr=True)
    if again and (found := find(out, spec)):
        return _resume(reopen(found), people, as_json)
    waiting = partial_of(place_for(out, spec))
    if is_there(waiting / "experiment.toml"):
        people.lines(f"Note: {waiting} holds an unfinished run; this is another one (--resume resumes it).")
    with begin(out, spec) as run:
        _train(run, task, people, as_json)


def resume(
    run: Annotated[Path, typer.Argument(help="Folder of the run, whether it exists already or not.")],
    as_json: Json = False,
) -> None:
    """Resume an interrupted run from its last checkpoint. The result is the same as without the interruption."""
    from synarray.report.terminal import Terminal
    from synarray.run.in_progress import reopen

    _resume(reopen(run), Terminal(stderr=True), as_json)


def _resume(run: Run | Unfinished, people: Terminal, as_json: bool) -> None:
    from synarray.run.experiment import task_images
    from synarray.run.opened import Run

    if isinstance(run, Run):
        people.lines(f"Note: {run.path} is finished already.")
        return _print(run.metrics, run.path, as_json)
    with run:
        _train(run, task_images(run.spec), people, as_json)


def _train(run: Unfinished, task: Any, people: Terminal, as_json: bool) -> None:
    from synarray.cli.progress import bars
    from synarray.learn import training
    from synarray.learn.checkpoint import Checkpoints
    from synarray.learn.layered import presentations_of
    from synarray.report.words import counted

    data, x, y, x_test, y_test = task
    spec = run.spec
    size = f"{counted(spec.n_neurons, 'neuron')}, {counted(spec.epochs, 'epoch')}"
    if spec.layers:
        size = f"{counted(len(spec.layers), 'layer')} of {', '.join(f'{layer.n_neurons:,}' for layer in spec.layers)} neurons"
    people.print(f"{spec.name}: {counted(len(x), 'image')} of {data.name}, {size}, seed {spec.seed}")
    checkpoints = Checkpoints(run.folder, spec.checkpoint.seconds, lambda text: people.lines(f"Note: {text}"))
    with _say_how_to_resume(run), _stoppable(checkpoints):
        with (
            bars(people, "learning", presentations_of(spec, len(x)), "preparing") as bar,
            _say_compiling(bar, people) as started,
        ):

            def advance(progress: Progress) -> None:
                started()
                so_far = "" if progress.accuracy is None else f", {progress.accuracy:.1%} so far"
                bar.show(progress.presentations, f"{progress.images_per_second:,.0f} images/s{so_far}")

            result = training.train(
                spec,
                x,
                y,
                x_test,
                y_test,
                image_shape=data.image_shape,
                full_scale=data.full_scale,
                workers=os.cpu_count() or 1,
                on_progress=advance,
                checkpoints=checkpoints,
            )
        for note in result.notes:
            people.print(f"Note: {note}")
        folder = run.finish(result, checkpoints.resumed)
    _print({"name": spec.name} | result.metrics(), folder, as_json)


def _print(metrics: dict[str, Any], folder: Path, as_json: bool) -> None:
    from synarray.report.run_tables import run_tables
    from synarray.report.terminal import standard_output

    if as_json:
        print(json.dumps(metrics | {"run_dir": str(folder)}))
        return
    console = standard_output()
    for table in run_tables(metrics):
        console.print(table)
    console.lines(f"Run: {folder}   (synarray show {folder})")


@contextlib.contextmanager
def _say_compiling(bar: Bar, people: Terminal) -> Iterator[Any]:
    """Say that the kernels are compiled when nothing is learned for some time; yields what ends the waiting."""

    def say() -> None:
        bar.show(0, _COMPILING)
        if not people.is_terminal:  # where no bar is seen
            people.print(f"{_COMPILING[0].upper()}{_COMPILING[1:]} ...")

    timer = threading.Timer(_SOON, say)
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()


@contextlib.contextmanager
def _stoppable(checkpoints: Checkpoints) -> Iterator[None]:
    """Have the first Ctrl-C (or SIGTERM) stop the learning after this block; another one, or outside learning, at once."""
    from synarray.cli.progress import on_signals
    from synarray.learn.checkpoint import TrainingStoppedError

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

    try:
        with on_signals(stop):
            yield
    except TrainingStoppedError as stopped:
        print(f"synarray: interrupted after {stopped.got}.", file=sys.stderr)
        sys.exit(128 + received)


@contextlib.contextmanager
def _say_how_to_resume(run: Unfinished) -> Iterator[None]:
    """Say, whatever ends the training early, how to resume from what was saved; nothing when nothing was."""
    try:
        yield
    except BaseException:
        if run.saved:
            print(f"Saved. To resume: synarray resume {shlex.quote(str(run.target))}", file=sys.stderr)
        raise
