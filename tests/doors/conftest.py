"""Small data on disk, one finished run, and the command run inside this process."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from command import Command, Outcome

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
