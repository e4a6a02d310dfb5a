"""Small data on disk, one finished run, and the command run inside this process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import typer.main
from command import Command, Outcome
from studio_process import Studio, start, stop

from synarray.cli.app import main
from synarray.learn.training import train
from synarray.run.experiment import load_experiment, task_images
from synarray.run.folder import reserve, write_run

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


@pytest.fixture(scope="session")
def bars_file(tmp_path_factory: pytest.TempPathFactory, bar_images: Images) -> Path:
    """Write an .npz of bars: 160 training images, 60 test images of 12 x 12, four classes."""
    x, y = bar_images
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    np.savez(path, x_train=x[:160], y_train=y[:160], x_test=x[160:220], y_test=y[160:220])
    return path


@pytest.fixture(scope="session")
def small(bars_file: Path) -> list[str]:
    """Arguments that make a training short: bars, few neurons, one epoch."""
    settings = (f"data={bars_file}", "n_neurons=12", "epochs=1")
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="session", autouse=True)
def parsers_made_once() -> Iterator[None]:
    """Make the parser of all commands once: typer makes it again for every command, which takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``synarray ARGUMENTS`` in an empty folder; anything but an exit status escapes and fails the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["synarray", *arguments])
        capsys.readouterr()
        on_interrupt = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit) as caught:
                main()
        finally:
            signal.signal(signal.SIGINT, on_interrupt)
        printed = capsys.readouterr()
        return Outcome(int(caught.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    """Train shortly on bars and return the run's folder."""
    spec = load_experiment("local-fields", {"data": str(bars_file), "n_neurons": 12, "epochs": 1})
    data, x, y, x_test, y_test = task_images(spec)
    result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
    return write_run(result, spec, reserve(tmp_path_factory.mktemp("runs") / "finished", spec))


@pytest.fixture(scope="module")
def studio_file(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    """Write the small experiment that studios open."""
    path = tmp_path_factory.mktemp("studio") / "bars.toml"
    path.write_text(
        f'base = "local-fields"\ndata = "{bars_file}"\nn_neurons = 12\nepochs = 1\ndevice = "subquantum-cbram"\n'
    )
    return path


@pytest.fixture(scope="module")
def studio(studio_file: Path) -> Iterator[Studio]:
    """Start a studio, one for the tests of a file."""
    running = start(str(studio_file), "--port", "0", folder=studio_file.parent)
    yield running
    stop(running)
