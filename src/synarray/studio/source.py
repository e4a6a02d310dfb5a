"""What the studio is opened with: a device, an experiment, a run, or a file of measured pulses; nothing: the default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synarray.device.library import device_names, load_device
from synarray.errors import RunError, SpecError, nearest
from synarray.files import is_there, parse_toml, read_text
from synarray.run.experiment import experiment_names, load_experiment
from synarray.run.folder import PARTIAL, partial_of
from synarray.run.opened import open_run
from synarray.studio.asked import DATA, Asked, as_asked, device_table

__all__ = ["Source", "open_source"]

_STARTING = {"device": "subquantum-cbram", "epochs": 1}
"""What the page begins with where nothing is named: one epoch in the article's cells."""


@dataclass(frozen=True)
class Source:
    """What a page begins with."""

    asked: Asked
    pulses: Path | None = None
    """A file of measured pulses, to be read first."""
    watched: Path | None = None
    """A run or study that another process is at work on."""
    data: tuple[str, ...] = DATA
    """Data sets that may be chosen."""


def open_source(name: str | None, watch: bool = False) -> Source:
    """Find out what is meant.

    Raises
    ------
    SpecError, RunError, DataError
        When there is no such thing, or it cannot be read.
    """
    if watch:
        return Source(Asked(settings=dict(_STARTING)), watched=_watched(name))
    if name is None:
        return Source(Asked(settings=dict(_STARTING)))
    if name in device_names():
        return Source(Asked(settings=_STARTING | {"device": name}))
    path = Path(name)
    if name in experiment_names() and not path.exists():
        return Source(Asked(name))
    if is_there(path, folder=True):
        spec = open_run(path).experiment
        return Source(as_asked(spec), data=_data(spec.data))
    if is_there(path) and path.suffix == ".toml":
        if _is_device(path):
            return Source(Asked(settings=_STARTING | {"device": device_table(load_device(path))}))
        spec = load_experiment(path)
        return Source(as_asked(spec), data=_data(spec.data))
    if is_there(path):
        return Source(Asked(settings=dict(_STARTING)), pulses=path)
    raise SpecError(
        "the studio opens a file of pulses, a device, an experiment or a run",
        got=f'"{name}", which is none',
        where="argument SOURCE",
        do=nearest(name, [*device_names(), *experiment_names()]),
    )


def _data(named: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*DATA, named)))


def _is_device(path: Path) -> bool:
    """Whether a file is a device's: it has conductances or a law; what cannot be read is left to the reader of experiments."""
    try:
        return bool({"g_min", "g_max", "law"} & parse_toml(read_text(path)).keys())
    except (OSError, ValueError, RecursionError):
        return False


def _watched(name: str | None) -> Path:
    path = Path(name or "")
    there = [path, path if path.name.endswith(PARTIAL) else partial_of(path)]
    if name and any(is_there(place, folder=True) for place in there):
        return path
    raise RunError(
        "--watch needs the folder of a run or a study",
        got=f'"{name}", where there is none' if name else "no folder",
        where="argument SOURCE",
        do="Start the training first: synarray train --out RUN, then synarray studio RUN --watch.",
    )
