"""A finished run read again later: its cells aged by their device's own law, its thresholds and labels as they were left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synarray.array.ageing import Ageing
from synarray.errors import DataError, RunError, SpecError
from synarray.learn.readout import Evaluation
from synarray.learn.result import Result
from synarray.learn.training import test
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.state import kept_arrays
from synarray.network.topology import place_groups
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.run.folder import Run

__all__ = ["TIMES", "Retained", "read_later", "rebuild", "unconfirmed_ageing"]

_DAY, _YEAR = 86_400.0, 365.25 * 86_400.0
TIMES = {
    "at once": 0.0, "1 s": 1.0, "1 hour": 3600.0, "1 day": _DAY, "1 month": 30.0 * _DAY, "1 year": _YEAR,
    "10 years": 10.0 * _YEAR,
}  # fmt: skip
"""When a network is read again, s after its training."""


@dataclass(frozen=True)
class Retained:
    """How well a network reads some time after its training.

    Attributes
    ----------
    seconds : float
    evaluation : Evaluation
    """

    seconds: float
    evaluation: Evaluation


def rebuild(run: Run) -> tuple[Result, np.ndarray, np.ndarray]:
    """Set up a run's network again as it stood when its images were read, with these images and their classes.

    Wires, where there are any, are worked out for the cells as they stand; a run kept before cells' ages were has them pulsed
    at its very end.

    Raises
    ------
    DataError
        When the data cannot be used, or are not those the run was trained on.
    RunError
        When the folder does not fit its experiment.
    """
    spec, arrays = run.experiment, run.arrays
    data, x, _, x_test, y_test = task_images(spec)
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=data.full_scale, gain_control=spec.encoding.gain_control)
    if not np.array_equal(retina.inputs, arrays["inputs"]) or retina.n_features != arrays["n_features"]:
        raise DataError(
            "a run can be read again only on the data it was trained on", got="images with other inputs",
            where=spec.data, do="Bring the data back as they were.",
        )  # fmt: skip
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, data.image_shape)
    machine = Machine.build(_without_wear(spec), groups, spec.epochs * len(x))
    _restore(machine, run)
    result = Result(
        spec, machine, retina, arrays["classes"], run.image_shape, arrays["label_counts"], run.history, {},
        run.metrics["images_seen"],
    )  # fmt: skip
    return result, x_test, y_test


def read_later(
    run: Run,
    times: Sequence[float] = tuple(TIMES.values()),
    temperature: float | None = None,
    workers: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> list[Retained]:
    """Read a run's test images again some time after its training.

    Parameters
    ----------
    run : Run
        In cells of a device that age.
    times : sequence of float
        Seconds after the images were read for the run.
    temperature : float, optional
        K; none: the one at which the device's law is stated.
    workers : int
        Threads; the answers do not depend on it.
    on_progress : callable, optional
        Called with the number of times read so far.

    Returns
    -------
    list of Retained
        Empty when nothing is known of how these cells age.

    Raises
    ------
    SpecError
        When the device does not say how its law depends on temperature.
    DataError, RunError
        See ``rebuild``.
    """
    device = run.experiment.device
    if device is None:
        raise RunError(
            "retention needs a run in cells of a device", got="a run with ideal weights", where=str(run.path),
            do="Train with a device, for example: --set device=pcm",
        )  # fmt: skip
    if not _ages(run.experiment):
        return []
    faster = device.acceleration(temperature)
    if faster is None:
        missing = [name for name in ("retention_temperature", "retention_energy") if getattr(device, name) is None]
        raise SpecError(
            "retention at another temperature needs the device's activation energy, and the temperature it is stated at",
            got=f"no {' and no '.join(missing)} of {device.name}", where="device",
            do="Leave the temperature out, or train with both, for example: --set 'device.retention_energy=\"1.1 eV\"'",
        )  # fmt: skip
    result, x, y = rebuild(run)
    machine, array = result.machine, result.machine.array
    ageing = machine.ageing
    assert ageing is not None
    stood = array.w.copy(), array.pair.copy(), ageing.pulsed.copy()
    retained = []
    for n, seconds in enumerate(times):
        array.w[:], array.pair[:], ageing.pulsed[:] = stood
        ageing.now = 0.0
        if seconds:
            machine.age(seconds * faster)
        array.refresh_read_copy()
        machine.apply_wires()
        retained.append(Retained(seconds, test(result, x, y, workers)))
        if on_progress:
            on_progress(n + 1)
    return retained


def unconfirmed_ageing(run: Run) -> list[str]:
    """Names of the numbers behind a run's ageing that nobody has vouched for."""
    device = run.experiment.device
    return [name for name in device.unconfirmed if "drift" in name or "retention" in name] if device else []


def _ages(spec: ExperimentSpec) -> bool:
    """Whether anything is known of how these cells age."""
    return spec.device is not None and spec.synapse.scheme_for(spec.device).ages(spec.device)


def _without_wear(spec: ExperimentSpec) -> ExperimentSpec:
    """Return the experiment in cells of which none fails: which ones did is known."""
    return spec.model_copy(update={"array": spec.array.model_copy(update={"wear": False, "prior_pulses": 0.0})})


def _restore(machine: Machine, run: Run) -> None:
    """Bring a machine that was just built to what a run kept."""
    array, kept, spec = machine.array, run.arrays, run.experiment
    into = kept_arrays({"machine": machine, "array": array})
    failed = kept.get("failed", np.zeros((spec.synapse.cells_per_weight(spec.device), *array.w.shape), np.uint8))
    if any(kept[name].shape != value.shape for name, value in into.items()) or failed.shape[1:] != array.w.shape:
        raise RunError(
            "a run folder must be whole", got="arrays of another network than its experiment's", where=str(run.path),
            do="Run its experiment.toml again.",
        )  # fmt: skip
    for name, value in into.items():
        value[:] = kept[name]
    array.removed = spec.pruning.kind.removes
    array.scheme.fail(array, failed)
    machine.ageing = Ageing.of(array, spec.seed)
    if machine.ageing is not None:
        machine.ageing.pulsed[:] = -kept.get("age", np.zeros(array.writes.shape))
    array.refresh_read_copy()
    machine.apply_wires()
