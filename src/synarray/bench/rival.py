"""The same network in plain NumPy: the rival that ``synarray bench`` measures in the same run.

Written as a NumPy user would write it well: float32, one matrix-vector product per window, the winner's column contiguous.
Same laws and tables of probability, its own random numbers; so it learns the same, not the same bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.network.machine import Machine
from synarray.network.stdp import movement

__all__ = ["NumpyTwin"]


class NumpyTwin:
    """A full-field machine in NumPy.

    Parameters
    ----------
    machine : Machine
        Untrained machine with one group, a finite pulse size, no pruning and no sliding window.
    """

    def __init__(self, machine: Machine) -> None:
        self.spec = machine.spec
        self.w = machine.array.tile(0).T.copy()  # [neuron, input]
        self.threshold = np.zeros(len(self.w), np.float32)
        self.random = np.random.Generator(np.random.SFC64(machine.spec.seed))
        self.pulses = 0

    def learn(self, chance: npt.NDArray[np.float32], progress: float) -> None:
        """Show images with these chances of each input being active, shape (n_images, n_inputs)."""
        spec, step = self.spec, np.float32(self.spec.cell.pulse_step or 1.0)
        beta = np.float32(spec.neuron.beta * (spec.neuron.beta_start + (1 - spec.neuron.beta_start) * progress))
        homeostasis = spec.neuron.homeostasis * max(spec.neuron.homeostasis_end, 1 - progress)
        for image in chance:
            for _ in range(spec.encoding.draws):
                x = self.random.random(len(image), np.float32) < image
                u = self.w @ x.astype(np.float32) + self.threshold
                e = np.exp(beta * (u - u.max()))
                total = np.cumsum(e)
                k = int(np.searchsorted(total, self.random.random() * total[-1]))
                w = self.w[k]
                ltd, ltp = movement(spec.stdp, w, progress)
                n = np.floor(np.where(x, ltp, ltd) / step + self.random.random(len(w), np.float32))
                self.w[k] = np.clip(w + np.where(x, n, -n).astype(np.float32) * step, -1.0, 1.0)
                self.threshold[k] -= homeostasis
                self.pulses += int(n.sum())
