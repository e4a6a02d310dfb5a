"""A teacher: what labels do while the last layer learns. Without one they only name its neurons afterwards.

compete    in each group only the neurons of the true class compete; then one epoch calibrates thresholds, all competing:
where the winner is of a wrong class, th +- step max(h_end, 1 - progress)
contrast   all compete; a wrong winner's active cells get LTD, the true class's winner LTP, in pulses of one size
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.device.kernels import Law
from synarray.network.kernels import Schedule
from synarray.network.machine import Machine

__all__ = ["Teacher"]

Laws = tuple[Schedule, Law]


@dataclass(frozen=True)
class Teacher:
    """What is done with the class of each image."""

    how: str
    """``compete`` or ``contrast``."""
    n_classes: int
    step: float
    """Threshold step of the calibration, in units of weight."""
    images: int
    """Presentations of an epoch."""

    @property
    def extra(self) -> int:
        """Presentations after the training, in which thresholds are calibrated."""
        return self.images if self.how == "compete" else 0

    def laws(self, machine: Machine, done: npt.NDArray[Any], total: int) -> Laws:
        """Compile the laws for counts of presentations out of so many; beyond them thresholds are calibrated."""
        if self._calibrates(done[0], total):
            progress = np.minimum(1.0, (done - total) / self.images)
            left = np.maximum(machine.spec.neuron.homeostasis_end, 1.0 - progress)
            schedule, law = machine.laws(np.ones(len(done)), learning=False)
            return schedule._replace(
                homeostasis=np.rint(self.step * left * machine.array.read_units).astype(np.int32)
            ), law
        progress = np.minimum(1.0, done / total)
        return machine.contrast_laws(progress) if self.how == "contrast" else machine.laws(progress)

    def learn(
        self, machine: Machine, block: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], moments: npt.NDArray[np.int64],
        first: int, total: int, laws: Laws, winners: npt.NDArray[np.int32],
    ) -> None:  # fmt: skip
        """Learn from a block of spikes whose classes are known, presentations ``first``... of ``total``."""
        lesson = "calibrate" if self._calibrates(first, total) else self.how
        machine.teach(lesson, block, labels, self.n_classes, moments, first, laws, winners)

    def _calibrates(self, done: int, total: int) -> bool:
        return self.how == "compete" and done >= total

    def own_class(self, machine: Machine) -> npt.NDArray[np.int64]:
        """One spike of each neuron for the class it was taught, shape (n_neurons, n_classes)."""
        counts = np.zeros((len(machine.threshold), self.n_classes), np.int64)
        for group, start in zip(machine.groups, machine.array.neuron_start.tolist(), strict=False):
            column = np.arange(group.n_neurons)
            bounds = group.n_neurons * np.arange(1, self.n_classes + 1) // self.n_classes
            counts[start + column, np.searchsorted(bounds, column, side="right")] = 1
        return counts
