"""From images to votes for their classes, by a network that does not learn: through frozen layers, then the last one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.learn.readout import ReadoutSpec, log_posterior, soft_votes
from synarray.learn.stack import Layer, features_of
from synarray.learn.trainer import infer
from synarray.network.encoding import image_keys
from synarray.network.kept import KeptSpikes
from synarray.network.machine import Machine, Pixels
from synarray.rng import Phase

__all__ = ["Votes", "vote"]

_AT_ONCE = 256


class Votes(NamedTuple):
    """What a network says about images."""

    soft: npt.NDArray[np.float64]  # [image, class]
    winners: npt.NDArray[np.int32]  # [image, window, group]


def vote(
    machine: Machine, layers: list[Layer], contrast: bool, counts: npt.NDArray[np.int64], readout: ReadoutSpec, pixels: Pixels,
    workers: int = 1, on_part: Callable[[], None] | None = None,
) -> Votes:  # fmt: skip
    """Read images.

    Parameters
    ----------
    machine : Machine
        The last layer.
    layers : list of Layer
        Those below it.
    contrast : bool
        Whether its neurons were taught their classes by contrast: each class then speaks by its potentials, log sum exp(beta u),
        summed over the windows. Otherwise each spike says log P(class | neuron), from ``counts``.
    counts : ndarray of int64, shape (n_neurons, n_classes)
    readout : ReadoutSpec
    pixels : Pixels
    workers : int
        Threads; the result does not depend on it.
    on_part : callable, optional
        That of ``infer``.
    """
    seen = features_of(layers, pixels, readout.test_windows, Phase.TEST, workers=workers)
    if not contrast:
        winners = infer(machine, seen, readout.test_windows, Phase.TEST, workers, on_part)
        return Votes(soft_votes(winners, log_posterior(counts, readout.smoothing)), winners)
    keys = seen.keys if isinstance(seen, KeptSpikes) else image_keys(seen[0]).astype(np.int64)

    def weigh(first: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        if on_part:
            on_part()
        part = np.arange(first, min(first + _AT_ONCE, len(keys)))
        block = machine.encode(seen, part, keys[part], readout.test_windows, Phase.TEST)
        return machine.weigh_classes(block, keys[part], counts.shape[1], Phase.TEST)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        parts = list(pool.map(weigh, range(0, max(1, len(keys)), _AT_ONCE)))
    return Votes(*(np.concatenate(each) for each in zip(*parts, strict=True)))
