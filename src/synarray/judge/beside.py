"""Library devices beside the one that is judged: the same network, array, images and spikes, one training each.

They are trained as the variants of the attribution are, with the first seed, and compared with the device's own training of that
kind; energy, time and pulses are therefore per image, and life is counted in images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synarray.device.spec import DeviceSpec
from synarray.errors import SynarrayError
from synarray.judge.imperfections import pinned
from synarray.judge.pricing import Amount
from synarray.judge.trainings import Trial
from synarray.run.experiment import ExperimentSpec, load_experiment

__all__ = ["LIBRARY", "Beside", "beside", "neighbours"]

LIBRARY = ("ecram", "subquantum-cbram", "taox-hfox", "hzo-fefet", "stt-mram", "pcm")
"""One of each technology."""


@dataclass(frozen=True)
class Beside:
    """One device in the comparison."""

    device: str
    technology: str
    scheme: str
    accuracy: float
    """On the images held out."""
    energy: Amount
    """Of an image, J; see :data:`Amount`."""
    time: Amount
    """Of an image, rows in parallel, s."""
    images_left: float | None
    """Images learned until a hundredth of the cells has failed; infinite: never; None: endurance not known."""
    unconfirmed: bool
    """Whether any number of the device is."""

    def summary(self) -> dict[str, Any]:
        """Return the row as numbers, ready for JSON."""
        never = self.images_left == float("inf")
        return vars(self) | {"images_left": None if never else self.images_left, "never_worn": never}


def neighbours(device: DeviceSpec, experiment: str, settings: dict[str, Any], seed: int) -> dict[str, ExperimentSpec]:
    """Compose the experiment for each library device but the one itself; without those that do not fit it.

    Parameters
    ----------
    device : DeviceSpec
        The one that is judged.
    experiment : str
    settings : dict
        What is changed in the experiment; what changes the device changes only this one.
    seed : int
    """
    others = {key: value for key, value in settings.items() if key.partition(".")[0] != "device"}
    found = {}
    for name in LIBRARY:
        if name == device.name:
            continue
        try:
            found[name] = pinned(load_experiment(experiment, others | {"device": name, "seed": seed}))
        except SynarrayError:
            continue
    return found


def beside(device: DeviceSpec, trial: Trial) -> Beside:
    """Lay out one device's training, per image."""
    images = trial.metrics["images_seen"]
    per_image = [{unit: part / images for unit, part in amount.items()} for amount in (
        trial.prices.energy, trial.prices.time["row-parallel"])]  # fmt: skip
    left = trial.trainings_left
    return Beside(
        device.name, device.technology, trial.metrics["scheme"], trial.accuracy, per_image[0], per_image[1],
        None if left is None else left * images, bool(device.unconfirmed),
    )  # fmt: skip
