"""synarray: train a spiking network inside a simulated array of memory devices.

Say what the task is, and in seconds the network is trained by STDP inside the array; the result says how accurate it
became and counts every pulse, read and spike it took.

    >>> import synarray
    >>> spec = synarray.load_experiment("local-fields", {"images": 1000, "epochs": 1})
    >>> spec.n_neurons
    500

The floors, from the ground up; a file imports only from its own floor or from floors below it:

    words       errors, units, events (what is counted), rng (one seed, named streams), files, spec (frozen values)
    device/     one cell: the law of its pulses, its spreads, its drift; a library of published devices
    array/      many cells: how a weight lives in them, where they lie, their verbs (read, program, ...), their wires
    network/    spikes: encoding, winner-take-all neurons, STDP, pruning; compiled kernels and a readable reference
    learn/      time: data sets, presentations, epochs, read-out, results, the scikit-learn classifier
    cost/       price: the ledger of joules, seconds and bytes; what the scheme spared
    study/      questions: experiment files, runs on disk, the paper's experiment, studies of many runs
    report/     telling: figures, terminal, one HTML page
    cli/        the commands
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synarray.array.geometry import ArraySpec
    from synarray.array.synapse import SynapseSpec
    from synarray.array.wires import WireSpec, solve_read
    from synarray.device.library import device_names, load_device
    from synarray.device.programming import write_verify
    from synarray.device.spec import DeviceSpec
    from synarray.errors import DataError, RunError, SpecError, SynarrayError
    from synarray.learn.classifier import SpikingClassifier
    from synarray.learn.readout import Evaluation
    from synarray.learn.result import Result
    from synarray.learn.spec import LearningSpec
    from synarray.learn.training import train
    from synarray.run.experiment import ExperimentSpec, experiment_names, load_experiment
    from synarray.run.folder import Run, open_run
    from synarray.study.conduct import run_study
    from synarray.study.plan import StudySpec, load_study
    from synarray.study.table import load_table
    from synarray.task.datasets import Dataset, load_dataset

__version__ = "0.1.0"

_HOMES = {
    "ArraySpec": "array.geometry",
    "DataError": "errors",
    "Dataset": "task.datasets",
    "DeviceSpec": "device.spec",
    "Evaluation": "learn.readout",
    "ExperimentSpec": "run.experiment",
    "LearningSpec": "learn.spec",
    "Result": "learn.result",
    "Run": "run.folder",
    "RunError": "errors",
    "SpecError": "errors",
    "SpikingClassifier": "learn.classifier",
    "StudySpec": "study.plan",
    "SynapseSpec": "array.synapse",
    "SynarrayError": "errors",
    "WireSpec": "array.wires",
    "device_names": "device.library",
    "experiment_names": "run.experiment",
    "load_dataset": "task.datasets",
    "load_device": "device.library",
    "load_experiment": "run.experiment",
    "load_study": "study.plan",
    "load_table": "study.table",
    "open_run": "run.folder",
    "run_study": "study.conduct",
    "solve_read": "array.wires",
    "train": "learn.training",
    "write_verify": "device.programming",
}

__all__ = [
    "ArraySpec",
    "DataError",
    "Dataset",
    "DeviceSpec",
    "Evaluation",
    "ExperimentSpec",
    "LearningSpec",
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
    "load_dataset",
    "load_device",
    "load_experiment",
    "load_study",
    "load_table",
    "open_run",
    "run_study",
    "solve_read",
    "train",
    "write_verify",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name when it is first used, so that importing the package stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'synarray' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"synarray.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
