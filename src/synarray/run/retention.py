"""A finished run read again later: its cells aged by their device's own law, its thresholds and labels unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synarray.array.ageing import acceleration
from synarray.errors import DataError
from synarray.learn.readout import Evaluation
from synarray.learn.result import Result
from synarray.learn.training import test
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.run.contents import StoredRun
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.run.restore import restore

__all__ = ["TIMES", "Retained", "read_later", "rebuild", "unconfirmed_ageing"]

_DAY, _YEAR = 86_400.0, 365.25 * 86_400.0
TIMES = {
    "at once": 0.0,
    "1 s": 1.0,
    "1 hour": 3600.0,
    "1 day": _DAY,
    "1 month": 30.0 * _DAY,
    "1 year": _YEAR,
    "10 years": 10.0 * _YEAR,
}
"""When a network is read again, s after its training."""


@dataclass(frozen=True)
class Retained:
    """How well a network reads some time after its training."""

    seconds: float
    evaluation: Evaluation


def rebuild(run: StoredRun) -> tuple[Result, np.ndarray, np.ndarray]:
    """Build a run's network as it was when its images were read, with these images and their classes.

    Raises
    ------
    DataError
        When the data cannot be used, or are not those the run was trained on.
    RunError
        When the folder does not fit its experiment.
    """
    spec, result = run.experiment, restore(run)
    data, x, _, x_test, y_test = task_images(spec.model_copy(update={"start": ""}))
    retina, kept = (
        result.retina,
        Retina.fit(
            x.reshape(len(x), -1),
            spec.inputs,
            full_scale=data.full_scale,
            gain_control=spec.encoding.gain_control,
        ),
    )
    same = np.array_equal(retina.inputs, kept.inputs) and retina.n_features == kept.n_features
    same = same and (retina.full_scale, retina.mean_total) == (kept.full_scale, kept.mean_total)
    if not same and result.before is None:  # else inputs and scale are those of the data it began with
        got, do = "images with other inputs, or of another brightness", "Bring the data back as they were."
        raise DataError("a run can be read again only on the data it was trained on", got=got, where=spec.data, do=do)
    return result, x_test, y_test


def read_later(
    run: StoredRun,
    times: Sequence[float] = tuple(TIMES.values()),
    temperature: float | None = None,
    workers: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> list[Retained]:
    """Read a run's test images again some time after its training.

    Parameters
    ----------
    run : StoredRun
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
    ageing = [layer.experiment for _, layer in run.in_cells() if _ages(layer.experiment)]
    faster = [acceleration(spec.device, temperature) for spec in ageing if spec.device]
    if not ageing:
        return []
    result, x, y = rebuild(run)
    machines = [machine for machine in result.machines if machine.ageing]
    begun = [[part.copy() for part in _state(machine)] for machine in machines]
    retained = []
    for n, seconds in enumerate(times):
        for machine, before, times_faster in zip(machines, begun, faster, strict=True):
            assert machine.ageing is not None
            for now, then in zip(_state(machine), before, strict=True):
                now[:] = then
            machine.ageing.now = 0.0
            if seconds:
                machine.age(seconds * times_faster)
            machine.array.refresh_read_copy()
            machine.apply_wires()
        retained.append(Retained(seconds, test(result, x, y, workers)))
        if on_progress:
            on_progress(n + 1)
    return retained


def _state(machine: Machine) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what ageing changes: weights, cells of pairs, and when each cell was pulsed last."""
    assert machine.ageing is not None
    return machine.array.w, machine.array.pair, machine.ageing.pulsed


def unconfirmed_ageing(run: StoredRun) -> list[str]:
    """Names of the numbers behind a run's ageing that are not confirmed."""
    devices = [layer.experiment.device for layer in run.by_layer()]
    names = [name for device in devices if device for name in device.unconfirmed]
    return list(dict.fromkeys(name for name in names if "drift" in name or "retention" in name))


def _ages(spec: ExperimentSpec) -> bool:
    """Whether anything is known of how these cells age."""
    return spec.device is not None and spec.synapse.scheme_for(spec.device).ages(spec.device)
