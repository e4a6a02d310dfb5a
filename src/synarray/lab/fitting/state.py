"""What the fit of a cell that moves in steps knows while it goes on, and in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synarray.device.law import LAWS, Law
from synarray.lab.fitting.effects import Spread
from synarray.lab.fitting.grid import hidden
from synarray.lab.fitting.likelihood import censored, nearly_hidden
from synarray.lab.fitting.model import Deviations, Maximum, cells_of
from synarray.lab.fitting.start import Ends, Noise
from synarray.lab.fitting.trains import Pulses, Trains
from synarray.lab.rows.measured import Measurements

__all__ = ["SIDES", "Analog"]

SIDES = (("ltd", -1), ("ltp", 1))
"""Polarities in the order of the model's arrays, with the sign of their pulses."""

Floats = npt.NDArray[np.float64]


@dataclass
class Analog:
    """What the fit knows while it goes on, and in the end."""

    measured: Measurements
    ends: Ends
    trains: Trains
    pulses: Pulses
    noise: Noise
    noisy: bool
    theta: dict[str, float]
    own: Deviations
    n_devices: int
    counts: dict[str, int | None]
    """Pulses of one polarity in a train, where all trains have as many."""
    abrupt: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    """Polarities whose number of levels is the number of pulses in a train."""
    stopped: bool = True
    """Whether cells were stopped at the ends of their range."""
    gridded: bool = False
    """Whether hidden states are followed on a grid, and not by their mean and variance."""
    failures: tuple[int, int] = (0, 0)
    silent: bool = False
    """Whether there is no noise at all."""
    law: str = "soft-bound"
    scores: dict[str, float] = field(default_factory=dict)
    tables: Floats | None = None
    maximum: Maximum | None = None
    prior: float = 0.0
    """Log-probability of the departures of the devices, given their spreads."""
    spreads: dict[str, Spread] = field(default_factory=dict)
    local: tuple[Floats, Floats] | None = None
    """What each device has by itself, log of steps and ends, and how well it is known, [device, number]."""
    centres: dict[str, float] = field(default_factory=dict)
    """Conductances of the ends that the spread of the range is relative to, S."""
    warnings: list[str] = field(default_factory=list)

    @property
    def step_law(self) -> Law:
        """The law that was chosen."""
        return LAWS[self.law]

    @property
    def clusters(self) -> npt.NDArray[np.int64]:
        """Units that may depend on each other: devices; trains of a single device."""
        if self.noisy:
            return self.trains.device if self.n_devices > 1 else np.arange(len(self.trains.device))
        return self.pulses.device if self.n_devices > 1 else self.pulses.train

    def placed(self, theta: dict[str, float]) -> Deviations:
        """Return what devices have of their own; behind read noise their ends are set off from the nominal ones, or far away."""
        n, own = self.n_devices, self.own
        if not self.noisy:
            return own
        if not self.stopped:
            return Deviations(own.log_factor, own.label, np.full(n, -np.inf), np.full(n, np.inf))
        return Deviations(own.log_factor, own.label, own.low + theta["low"], own.high + theta["high"])

    def logs(
        self, theta: dict[str, float], own: Deviations | None = None, wanted: npt.NDArray[np.bool_] | None = None
    ) -> Floats:
        """Log-likelihood of each unit; of devices that are not wanted it may be left out."""
        own = own or self.own
        cells = cells_of(theta, own, self.tables)
        if not self.noisy:
            return censored(self.pulses, cells)
        return hidden(self.trains, cells, wanted) if self.gridded else nearly_hidden(self.trains, cells)
