"""Windows and macOS: nothing needs what only POSIX or only Linux has. Here it is taken away; no such system was at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TAKEN_AWAY = """
import os, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "grp", "pwd", "termios", "tty", "syslog"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for name in {"fcntl", "resource", "grp", "pwd", "termios", "tty", "syslog"} & set(sys.modules):
    del sys.modules[name]
for name in "sched_getaffinity fork forkpty O_NONBLOCK O_CLOEXEC O_NOCTTY O_DIRECTORY getuid geteuid".split():
    if hasattr(os, name):
        delattr(os, name)
"""
"""Run before anything else in a process (as sitecustomize), also in the workers of a study."""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """Environment of a process that has no POSIX."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "sitecustomize.py").write_text(TAKEN_AWAY, "utf-8")
    path = os.pathsep.join([str(tmp_path / "elsewhere"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def run(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """Run Python there; returns what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_is_imported_without_posix(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    program = (
        "import importlib, os, pkgutil, sys, synarray\n"
        "assert not hasattr(os, 'sched_getaffinity')\n"
        "names = [m.name for m in pkgutil.walk_packages(synarray.__path__, 'synarray.') if not m.name.endswith('__main__')]\n"
        "for name in names: importlib.import_module(name)\n"
        "assert not {'fcntl', 'resource'} & set(sys.modules)\n"
        "print(len(names))\n"
    )
    assert int(run(tmp_path, elsewhere, "-c", program)) > 100


def test_help_and_commands_work_without_posix(tmp_path: Path, elsewhere: dict[str, str], small: list[str]) -> None:
    assert "train" in run(tmp_path, elsewhere, "-m", "synarray", "--help")
    assert "--set" in run(tmp_path, elsewhere, "-m", "synarray", "train", "--help")
    trained = json.loads(run(tmp_path, elsewhere, "-m", "synarray", "train", *small, "--out", "run", "--json"))
    assert trained["images_seen"] == 160
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"metrics.json", "experiment.toml"}
    assert not (tmp_path / "run.partial").exists()
    assert "Figures:" in run(tmp_path, elsewhere, "-m", "synarray", "show", "run")


def test_a_study_runs_without_posix(tmp_path: Path, elsewhere: dict[str, str], small: list[str]) -> None:
    (tmp_path / "a.toml").write_text("set = { epochs = 1 }\nseeds = [0, 1]\n", "utf-8")
    told = json.loads(run(tmp_path, elsewhere, "-m", "synarray", "study", "run", "a.toml", *small[:4], "--json"))
    assert told["runs"] == {"planned": 2, "done": 2, "failed": 0}


def test_pulses_are_fitted_without_posix(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    run(
        tmp_path,
        elsewhere,
        "-m",
        "synarray",
        "device",
        "synth",
        "epiram",
        "--devices",
        "3",
        "--cycles",
        "2",
        "-o",
        "p.csv",
    )
    fitted = json.loads(
        run(tmp_path, elsewhere, "-m", "synarray", "device", "fit", "p.csv", "-o", "mine.toml", "--json")
    )
    assert fitted["device"] == "mine.toml"
