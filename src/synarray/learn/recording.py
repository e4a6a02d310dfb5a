"""What a trained network does while it reads images, step by step: input spikes, potentials, thresholds, output spikes.

Slow and readable, by ``network/reference.py``; the same winners as the compiled pass, as a test holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.array.port import Moment
from synarray.array.simulated_port import SimulatedPort
from synarray.errors import RunError
from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn.result import Result
from synarray.learn.stack import features_of
from synarray.network.encoding import image_keys
from synarray.network.reference import Learner
from synarray.rng import Phase
from synarray.task.datasets import check_images

__all__ = ["Recording", "record"]


class Recording(NamedTuple):
    """What a network did while it read images."""

    spikes: npt.NDArray[np.uint8]
    """1 where an input of the network was active; shape (n_images, n_windows, n_inputs)."""
    potentials: npt.NDArray[np.float64]
    """What each neuron of the last layer read, with its threshold, in units of weight; shape (n_images, n_windows, n_neurons)."""
    thresholds: npt.NDArray[np.float64]
    """In the same unit; a neuron that spiked is held back for the rest of the image; shape (n_images, n_windows, n_neurons)."""
    winners: npt.NDArray[np.int64]
    """Neurons that spiked; shape (n_images, n_windows, n_groups)."""


def record(result: Result, x: npt.NDArray[np.generic]) -> Recording:
    """Let a network read images, and record what it does; nothing is counted, nothing learns.

    Parameters
    ----------
    result : Result
    x : ndarray, shape (n_images, n_features) or (n_images, height, width)
        On the scale of the training images.

    Raises
    ------
    DataError
        When the images cannot be used.
    RunError
        When the last layer was taught by contrast: its neurons speak by their potentials, and none is held back.

    Examples
    --------
    >>> import synarray
    >>> result = synarray.train("local-fields", settings={"images": 200, "epochs": 1, "n_neurons": 12})
    >>> seen = record(result, synarray.load_dataset("mnist").x_test[:3])
    >>> seen.potentials.shape, seen.winners.shape  # ten windows, twelve neurons in six groups
    ((3, 10, 12), (3, 10, 6))
    """
    if result.teacher == "contrast":
        raise RunError(
            "spikes are recorded of networks whose neurons compete", got="a last layer that was taught by contrast",
            where="the run's last layer", do="Use a run whose teacher is name or compete.",
        )  # fmt: skip
    check_images(x, "images")
    machine, windows = result.machine, result.spec.readout.test_windows
    pixels = result.retina.see(x.reshape(len(x), -1))
    keys = image_keys(pixels[0]).astype(np.int64)
    first = result.machines[0].encode(pixels, np.arange(len(keys)), keys, windows, Phase.TEST)
    seen = features_of(result.below, pixels, windows, Phase.TEST)
    block = machine.encode(seen, np.arange(len(keys)), keys, windows, Phase.TEST)
    laws = machine.laws(1.0, learning=False)
    uncounted = SimulatedPort(
        machine.array, laws[1], machine.device, machine.pairs, machine.word, 0, machine.spec.seed,
        np.zeros((len(machine.threshold), len(NeuronEvent)), np.int64), np.zeros(len(NetworkEvent), np.int64),
        np.zeros_like(machine.driven),
    )  # fmt: skip
    learner, groups = Learner.of(machine, laws, uncounted), len(machine.groups)
    potentials = np.empty((len(keys), windows, len(machine.threshold)))
    thresholds, winners = np.empty_like(potentials), np.empty((len(keys), windows, groups), np.int64)
    threshold = machine.threshold.copy()
    for p, m in np.ndindex(len(keys), windows):
        threshold = machine.threshold.copy() if m == 0 else threshold
        thresholds[p, m] = threshold
        for g, inputs in enumerate(learner.inputs):
            moment = Moment(m * groups + g, int(keys[p]), Phase.TEST)
            u = learner.potentials(g, block[p, m, inputs] > 0, threshold, moment)
            potentials[p, m, machine.array.neurons(g)] = u
            winners[p, m, g] = learner.neuron_start[g] + learner.draw(u, g, m, moment)
        threshold[winners[p, m]] -= machine.refractory
    unit = machine.array.read_units
    return Recording(first, potentials / unit, thresholds / unit, winners)
