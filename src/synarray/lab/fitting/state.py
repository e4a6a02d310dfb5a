"""What the fit of a cell that moves in steps knows while it runs, and in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synarray.device.law import LAWS, Law
from synarray.lab.fitting.effects import Spread
from synarray.lab.fitting.grid import hidden
from synarray.lab.fitting.likelihood import Cells, censored, nearly_hidden
from synarray.lab.fitting.model import Deviations, Maximum, cells_of
from synarray.lab.fitting.start import Ends, Noise
from synarray.lab.fitting.trains import Pulses, Trains
from synarray.lab.rows.measured import Measurements

__all__ = ["SIDES", "Analog"]

SIDES = (("ltd", -1), ("ltp", 1))
"""Polarities in the order of the model's arrays, with the sign of their pulses."""

_STRETCH = 12
"""Reads of a stretch of a train: so far at least errors may follow each other."""
_EVEN = np.linspace(0.0, 1.0, 1001)
"""States that a table is laid out on."""
_FEWEST_CLUSTERS = 5
"""Clusters that a scatter is taken over."""

Floats = npt.NDArray[np.float64]


@dataclass
class Analog:
    """What the fit knows while it runs, and in the end."""

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
    train_ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Where trains end on the mean, x, and how well the reads there tell it."""
    failures: tuple[int, int] = (0, 0)
    silent: bool = False
    """Whether there is no noise at all."""
    law: str = "soft-bound"
    scores: dict[str, float] = field(default_factory=dict)
    tables: Floats | None = None
    """Steps of LTD and LTP at the nodes, shares of the range."""
    nodes: Floats = field(default_factory=lambda: np.linspace(0.0, 1.0, 11))
    """States of the tables."""
    shapes: tuple[str, ...] = ()
    """Numbers of the noises' dependence on the state that the data ask for."""
    curved: Maximum | None = None
    """The maximum of the soft-bound law, where another was chosen."""
    maximum: Maximum | None = None
    prior: float = 0.0
    """Log-probability of the departures of the devices, given their spreads."""
    spreads: dict[str, Spread] = field(default_factory=dict)
    local: tuple[Floats, Floats] | None = None
    """What each device has by itself, log of steps and ends, and how well it is known, [device, number]."""
    centres: dict[str, float] = field(default_factory=dict)
    """Conductances of the ends that the spread of the range is relative to, S."""
    alone: bool = False
    """Whether what devices have of their own was not kept, because it made the reads less probable."""
    warnings: list[str] = field(default_factory=list)

    @property
    def step_law(self) -> Law:
        """The law that was chosen."""
        return LAWS[self.law]

    @property
    def units(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Device and train of each unit of the likelihood: of each read behind read noise, else of each pulse."""
        if self.noisy:
            train = self.trains.train_of_read
            return self.trains.device[train], train
        return self.pulses.device, self.pulses.train

    @property
    def clusters(self) -> list[npt.NDArray[np.int64]]:
        """Units that may depend on each other: those of a device, of a train, of a stretch of a train; where there are enough."""
        device, train = self.units
        starts = np.flatnonzero(np.r_[True, np.diff(train) != 0])
        within = np.arange(len(train)) - np.repeat(starts, np.diff(np.r_[starts, len(train)]))
        stretch = np.cumsum(within % _STRETCH == 0)
        found = [np.unique(part, return_inverse=True)[1].reshape(-1) for part in (device, train, stretch)]
        return [codes for codes in found if codes.max(initial=0) >= _FEWEST_CLUSTERS - 1]

    def placed(self, theta: dict[str, float]) -> Deviations:
        """Return what devices have of their own; behind read noise their ends are set off from the nominal ones, or far away."""
        n, own = self.n_devices, self.own
        if not self.noisy:
            return own
        if not self.stopped:
            return Deviations(own.log_factor, own.label, np.full(n, -np.inf), np.full(n, np.inf))
        return Deviations(own.log_factor, own.label, own.low + theta["low"], own.high + theta["high"])

    def cells(self, theta: dict[str, float], own: Deviations) -> Cells:
        """Make the cells of the law that is being fitted; a table's states are laid out evenly."""
        if self.tables is None:
            return cells_of(theta, own)
        return cells_of(theta, own, np.stack([np.interp(_EVEN, self.nodes, row) for row in self.tables]))

    def logs(
        self, theta: dict[str, float], own: Deviations | None = None, wanted: npt.NDArray[np.bool_] | None = None
    ) -> Floats:
        """Log-likelihood of each unit (read or pulse); of devices that are not wanted it may be left out."""
        own = own or self.own
        cells = self.cells(theta, own)
        if not self.noisy:
            return censored(self.pulses, cells)
        return hidden(self.trains, cells, wanted) if self.gridded else nearly_hidden(self.trains, cells)
