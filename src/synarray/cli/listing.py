"""``synarray experiments | runs``: what can be trained, and what was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import Json

if TYPE_CHECKING:
    from synarray.run.experiment import ExperimentSpec
    from synarray.run.listed import ListedRun

__all__ = ["experiments", "runs"]


def experiments(as_json: Json = False) -> None:
    """List the packaged experiments. Each is a file of settings that "train" takes by name."""
    from synarray.report.tables import Table
    from synarray.report.terminal import standard_output
    from synarray.run.experiment import experiment_names, load_experiment

    specs = [load_experiment(name) for name in experiment_names()]
    if as_json:
        print(json.dumps({"experiments": [_summary(spec) for spec in specs]}))
        return
    rows = [
        (
            spec.name,
            " + ".join(f"{layer.n_neurons:,}" for layer in spec.layers or (spec,)),
            f"{spec.epochs}",
            _first(spec.note),
        )
        for spec in specs
    ]
    console = standard_output()
    columns = ("experiment", "neurons", "epochs", "what it is")
    console.print(Table("Packaged experiments", columns, rows, texts=(3,)))
    console.print("Train one: synarray train NAME, with --epochs, --neurons, --device, --seed or --set KEY=VALUE")


def _summary(spec: ExperimentSpec) -> dict[str, Any]:
    """Return an experiment in few values, ready for JSON."""
    device = spec.device.name if spec.device else None
    words = {"name": spec.name, "note": " ".join(spec.note.split())}
    neurons = sum(layer.n_neurons for layer in spec.layers or (spec,))
    return words | {"n_neurons": neurons, "epochs": spec.epochs, "device": device}


def _first(note: str) -> str:
    """Return the first sentence of a note."""
    return re.split(r"\.\s+(?=[A-Z])", " ".join(note.split()))[0].removesuffix(".")


def runs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that holds runs.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs in a folder. Finished ones with their accuracy, interrupted ones with how far they are."""
    from synarray.errors import RunError
    from synarray.files import is_there
    from synarray.report.tables import Table
    from synarray.report.terminal import standard_output
    from synarray.run.listed import runs_in

    if not is_there(folder, folder=True):
        raise RunError(
            "a folder of runs must exist",
            got="no such folder",
            where=str(folder),
            do="Train first (synarray train), or name the folder that holds the runs.",
        )
    found = runs_in(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "runs": [vars(each) for each in found]}))
        return
    console = standard_output()
    if not found:
        console.print(f"No runs in {folder}. Train one: synarray train")
        return
    rows: list[Any] = [
        (each.name, each.device or "ideal weights", f"{each.seed}", _read(each), each.state, each.written)
        for each in found
    ]
    columns = ("run", "device", "seed", "accuracy", "state", "written (UTC)")
    console.print(Table(f"Runs in {folder}", columns, rows, texts=(1, 4, 5)))
    console.print(f"Look at one: synarray show {folder}/RUN")


def _read(run: ListedRun) -> str:
    """Of an unfinished run no test image was read: its curve is an estimate while the network learns."""
    from synarray.report.words import percent

    learning = run.accuracy is not None and run.state.startswith("unfinished")
    return percent(run.accuracy) + (" so far" if learning else "")
