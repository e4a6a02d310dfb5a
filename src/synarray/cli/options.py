"""Arguments and options that several commands take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from synarray.errors import RunError

__all__ = [
    "DeviceName",
    "ExperimentName",
    "FigureFormat",
    "Figures",
    "Json",
    "Node",
    "Reading",
    "RunFolder",
    "Settings",
    "Workers",
    "chosen_settings",
    "complete_devices",
    "complete_experiments",
    "file_option",
    "folder_option",
    "require_free",
]


def _folder(text: str) -> Path:
    if not text:
        raise RunError(
            "the folder for results must have a name", got="none", where="--out", do="Give a folder with --out."
        )
    return Path(text)


def folder_option(meaning: str) -> Any:
    """Make an option that takes a folder."""
    return typer.Option(parser=_folder, metavar="DIR", help=meaning)


def file_option(meaning: str, metavar: str = "FILE") -> Any:
    """Make the option that takes the file to write."""
    return typer.Option("-o", "--output", metavar=metavar, help=meaning)


def chosen_settings(settings: list[str] | None, options: Mapping[str, tuple[str, Any]] | None = None) -> dict[str, Any]:
    """Read ``--set``, and what other options set; say where a later ``--set`` replaces an earlier one."""
    from synarray.report.terminal import Terminal
    from synarray.run.experiment import parse_settings

    people = Terminal(stderr=True)
    return parse_settings(settings, options, lambda text: people.lines(f"Note: {text}"))


def require_free(path: Path, what: str, ours: bytes | None = None) -> None:
    """Refuse to write over a file that is there, unless it has in it what files of this kind have.

    Raises
    ------
    RunError
    """
    if path.is_symlink() or path.exists():
        mine = ours is not None and path.is_file() and ours in path.read_bytes()
        if not mine:
            raise RunError(
                f"{what} must not be written over a file", got="one that is there", where=str(path), do="Name another."
            )


def complete_experiments(incomplete: str) -> list[str]:
    """Complete the name of a packaged experiment, for the shell."""
    from synarray.run.experiment import experiment_names

    return [name for name in experiment_names() if name.startswith(incomplete)]


def complete_devices(incomplete: str) -> list[str]:
    """Complete the name of a library device, for the shell."""
    from synarray.device.library import device_names

    return [name for name in device_names() if name.startswith(incomplete)]


@dataclass(frozen=True)
class Reading:
    """How a file of pulses is to be read."""

    kind: str | None = None
    columns: str | None = None
    ltd: str | None = None
    only: str | None = None
    decimal: str | None = None

    @property
    def choices(self) -> dict[str, str | None]:
        """What is not the format and not the columns."""
        return {"ltd": self.ltd, "only": self.only, "decimal": self.decimal}

    @property
    def words(self) -> list[str]:
        """The options that were given, as on the command line."""
        given = {"format": self.kind, "columns": self.columns, **self.choices}
        return [word for option, value in given.items() if value is not None for word in (f"--{option}", value)]


DeviceName = Annotated[
    str,
    typer.Argument(
        help="Name of a device of the library, or the path of a .toml file.", autocompletion=complete_devices
    ),
]
ExperimentName = Annotated[
    str | None,
    typer.Argument(
        help="Experiment file, or the name of a packaged one; default: local-fields.",
        autocompletion=complete_experiments,
    ),
]
FigureFormat = Annotated[str, typer.Option("--format", help="Figure format: png, svg or pdf.")]
Figures = Annotated[Path | None, folder_option("Folder for the figures; default: RUN/figures.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else there.")]
Node = Annotated[str | None, typer.Option(help="Technology node of the circuits, 7nm to 130nm; default: 45nm.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the experiment; may be repeated."),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Runs at a time; default: the number of cores.")]
