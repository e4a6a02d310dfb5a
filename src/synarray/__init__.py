"""synarray: train a spiking network inside a simulated array of memory devices.

Say what the task is, and in seconds the network is trained by STDP inside the array; the result says how accurate it
became and counts every pulse, read and spike.

    >>> import synarray
    >>> result = synarray.train("local-fields", settings={"images": 3000, "epochs": 1})
    >>> result.accuracy > 0.8
    True

From a measured device to a verdict, by verbs:

    read_pulses     measured pulses, from the file that an instrument or a spreadsheet wrote
    fit             a device that behaves like them, with its uncertainties; load_device: one of the library, or a file
    train           a network in the cells of a device, by the name of an experiment; train(start=...) continues from a run
    judge           what a device is good for: accuracy, energy, what each imperfection costs
    price           a finished training in joules, seconds and bytes; open_run: a run on disk, which predicts again

The rooms, from the ground up; a file imports only from its own room or from rooms below it:

    errors, arguments, units, events, rng, files, spec   words: what is counted, one seed with named streams, frozen values
    device/     one cell: the law of its pulses, its spreads, its drift; a library of published devices
    lab/        from measured pulses to a device: files, rows, fits, other simulators
    array/      many cells: how a weight is stored in them, where they are, their verbs (read, program, ...), their wires
    network/    spikes: encoding, winner-take-all neurons, STDP, pruning; compiled kernels and a readable reference
    task/       what is learned: data sets
    learn/      time: presentations, epochs, read-out, results, the scikit-learn classifier
    cost/       price: the ledger of joules, seconds and bytes
    run/        one run: experiment files, its folder on disk, its energy and lifetime
    study/      many runs;  judge/  the verdict;  paper/  the article;  export/  out of Python
    report/     figures, tables, HTML pages
    studio/     the page with sliders, in the browser
    cli/        the commands
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synarray.array.geometry import ArraySpec
    from synarray.array.programming import write_verify
    from synarray.array.synapse import SynapseSpec
    from synarray.array.wires import WireSpec, solve_read
    from synarray.device.library import device_names, load_device
    from synarray.device.spec import DeviceSpec
    from synarray.errors import DataError, MissingExtraError, RunError, SpecError, SynarrayError
    from synarray.judge.judge import judge
    from synarray.lab.fitting import fit
    from synarray.lab.formats.pulses import read_pulses
    from synarray.learn.classifier import SpikingClassifier
    from synarray.learn.readout import Evaluation
    from synarray.learn.spec import LearningSpec
    from synarray.run.experiment import ExperimentSpec, experiment_names, load_experiment
    from synarray.run.lifetime import Lifetime
    from synarray.run.opened import Run, open_run, price
    from synarray.run.outcome import Result
    from synarray.run.price import Price
    from synarray.run.train import train
    from synarray.study.conduct import run_study
    from synarray.study.plan import StudySpec, load_study
    from synarray.study.table import load_table
    from synarray.task.datasets import Dataset, load_dataset

__version__ = "0.2.0"

_HOMES = {
    "ArraySpec": "array.geometry",
    "DataError": "errors",
    "Dataset": "task.datasets",
    "DeviceSpec": "device.spec",
    "Evaluation": "learn.readout",
    "ExperimentSpec": "run.experiment",
    "LearningSpec": "learn.spec",
    "Lifetime": "run.lifetime",
    "MissingExtraError": "errors",
    "Price": "run.price",
    "Result": "run.outcome",
    "Run": "run.opened",
    "RunError": "errors",
    "SpecError": "errors",
    "SpikingClassifier": "learn.classifier",
    "StudySpec": "study.plan",
    "SynapseSpec": "array.synapse",
    "SynarrayError": "errors",
    "WireSpec": "array.wires",
    "device_names": "device.library",
    "experiment_names": "run.experiment",
    "fit": "lab.fitting",
    "judge": "judge.judge",
    "load_dataset": "task.datasets",
    "load_device": "device.library",
    "load_experiment": "run.experiment",
    "load_study": "study.plan",
    "load_table": "study.table",
    "open_run": "run.opened",
    "price": "run.opened",
    "read_pulses": "lab.formats.pulses",
    "run_study": "study.conduct",
    "solve_read": "array.wires",
    "train": "run.train",
    "write_verify": "array.programming",
}
"""Where each public name is defined."""

_EXTRAS = {
    "distributed": "dask",
    "jinja2": "report",
    "matplotlib": "report",
    "openpyxl": "fit",
    "optuna": "studies",
    "pandas": "studies",
    "pyarrow": "studies",
    "sklearn": "sklearn",
}
"""Packages that are not always installed, and the extra of synarray that brings each."""

__all__ = [
    "ArraySpec",
    "DataError",
    "Dataset",
    "DeviceSpec",
    "Evaluation",
    "ExperimentSpec",
    "LearningSpec",
    "Lifetime",
    "MissingExtraError",
    "Price",
    "Result",
    "Run",
    "RunError",
    "SpecError",
    "SpikingClassifier",
    "StudySpec",
    "SynapseSpec",
    "SynarrayError",
    "WireSpec",
    "device_names",
    "experiment_names",
    "fit",
    "judge",
    "load_dataset",
    "load_device",
    "load_experiment",
    "load_study",
    "load_table",
    "open_run",
    "price",
    "read_pulses",
    "run_study",
    "solve_read",
    "train",
    "write_verify",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name when it is first used, so that importing the package stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'synarray' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"synarray.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        from synarray.errors import MissingExtraError

        raise MissingExtraError(f"synarray.{name} and its parts", package, extra=_EXTRAS[package]) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
