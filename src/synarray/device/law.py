"""Pulse-response laws: how far one programming pulse moves a cell, as a function of its state.

States are normalised conductances x = (g - g_min) / (g_max - g_min), 0 to 1; a pulse moves x by a positive LTP step, or
down by an LTD step.

    linear       x moves by 1 / n_levels
    soft-bound   a step that falls linearly with the way already gone: the exponential of NeuroSim (see ``curves.py``)
    table        steps given on an axis of states, joined by straight lines
    binary       x jumps to 1 (LTP) or 0 (LTD), with a probability
    exact        x moves by just what the learning law asks, which no real device does

Each law is an object (:class:`Law`) that answers every question which depends on the law; :data:`LAWS` has them by name.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from synarray.device.curves import MOST_NONLINEAR, WAYS, Floats, ResponseTable, Way, soft_bound_steps

__all__ = ["LAWS", "Law"]


class Numbers(Protocol):
    """The numbers of a device that laws read (``DeviceSpec`` has them; their meaning is written there)."""

    @property
    def n_levels_ltp(self) -> float:
        """LTP pulses from g_min to g_max."""

    @property
    def n_levels_ltd(self) -> float:
        """LTD pulses from g_max to g_min."""

    @property
    def nonlinearity_ltp(self) -> float:
        """Nonlinearity label of LTP."""

    @property
    def nonlinearity_ltd(self) -> float:
        """Nonlinearity label of LTD."""

    @property
    def response(self) -> ResponseTable | None:
        """Measured steps."""

    @property
    def p_switch_ltp(self) -> float:
        """Probability that an LTP pulse switches a cell of two states."""

    @property
    def p_switch_ltd(self) -> float:
        """The same for LTD."""


class Law:
    """A pulse-response law. Everything that depends on which law a device has is answered here.

    A new law is a subclass with a name and ``steps``, added to :data:`LAWS`; the rest has answers that suit a law whose steps
    are set by ``n_levels_ltp`` and ``n_levels_ltd``.
    """

    name: ClassVar[str]
    """The word in files."""
    words: ClassVar[str]
    """What a pulse does, as a sentence."""
    numbers: ClassVar[tuple[str, ...]] = ("n_levels_ltp", "n_levels_ltd")
    """Numbers of the device that this law reads."""
    exact: ClassVar[bool] = False
    """Whether a pulse has no size of its own but moves the cell by just what the learning law asks."""
    binary: ClassVar[bool] = False
    """Whether the cell has two states only."""
    gradual: ClassVar[bool] = True
    """Whether a pulse moves the cell a part of the way, so that the way can be followed in time."""
    affine: ClassVar[bool] = False
    """Whether the step lies on a straight line over the state, given by levels and nonlinearity labels."""
    labelled: ClassVar[bool] = False
    """Whether the nonlinearity labels bend it."""
    tabulated: ClassVar[bool] = False
    """Whether its steps are those of the device's table ``response``."""
    across: ClassVar[float] = 1.0 - 5e-10
    """Share of the range after which a train counts as having crossed it."""
    cite: ClassVar[str | None] = None
    """Key of the work it comes from, in the bibliography."""

    @property
    def straight(self) -> bool:
        """Whether the step is the same in every state of the cell."""
        return self.affine and not self.labelled

    def steps(self, device: Numbers, x: Floats, label_shift: float = 0.0) -> Floats:
        """Mean step of one pulse that works, as a share of the range: row 0 LTD, row 1 LTP, both positive.

        Parameters
        ----------
        device : Numbers
        x : ndarray, shape (n,)
            States, 0 to 1.
        label_shift : float
            How far this cell's nonlinearity labels lie from the nominal ones (their sizes grow).

        Returns
        -------
        ndarray, shape (2, n)
        """
        raise NotImplementedError

    def switching(self, device: Numbers) -> tuple[float, float]:
        """Probability that an LTD and an LTP pulse switch the cell, apart from failures of any cell."""
        return 1.0, 1.0

    def levels(self, device: Numbers) -> tuple[float, float] | None:
        """LTP and LTD pulses from end to end; None where they are not fixed."""
        across = self.pulses_across(device)
        return None if self.exact or self.tabulated else (across["ltp"], across["ltd"])

    def pulses_across(self, device: Numbers) -> dict[Way, float]:
        """Pulses from end to end for each polarity, by the mean step where they are not fixed."""
        return {"ltp": device.n_levels_ltp, "ltd": device.n_levels_ltd}


class Linear(Law):
    """The same step in every state."""

    name = "linear"
    words = "Every pulse moves the cell by the same step."
    affine = True

    def steps(self, device: Numbers, x: Floats, label_shift: float = 0.0) -> Floats:
        """One n-th of the range."""
        return np.stack([np.full(x.shape, 1.0 / device.n_levels_ltd), np.full(x.shape, 1.0 / device.n_levels_ltp)])


class SoftBound(Law):
    """A step that falls (or rises) linearly with the way already gone."""

    name = "soft-bound"
    words = "A pulse moves the cell by a step that changes in proportion to the way already gone."
    numbers = ("n_levels_ltp", "n_levels_ltd", "nonlinearity_ltp", "nonlinearity_ltd")
    affine = True
    labelled = True
    cite = "TCAD18"

    def steps(self, device: Numbers, x: Floats, label_shift: float = 0.0) -> Floats:
        """Return steps of the exponential, with this cell's own labels."""
        ltp, ltd = (
            np.copysign(min(max(abs(label) + label_shift, 0.0), MOST_NONLINEAR), label)
            for label in (device.nonlinearity_ltp, device.nonlinearity_ltd)
        )
        down = soft_bound_steps(1.0 - x, device.n_levels_ltd, abs(ltd), slowing=bool(ltd <= 0))
        return np.stack([down, soft_bound_steps(x, device.n_levels_ltp, abs(ltp), slowing=bool(ltp >= 0))])


class Table(Law):
    """Steps measured at some states, joined by straight lines."""

    name = "table"
    words = "A pulse moves the cell by the step that was measured in its state."
    numbers = ("response",)
    tabulated = True
    across = 0.99

    def steps(self, device: Numbers, x: Floats, label_shift: float = 0.0) -> Floats:
        """Return steps on straight lines between the nodes of the table."""
        table = _table(device)
        return np.stack([np.interp(x, table.x, table.ltd), np.interp(x, table.x, table.ltp)])

    def pulses_across(self, device: Numbers) -> dict[Way, float]:
        """Pulses from end to end at the mean step."""
        return {way: 1.0 / _table(device).mean_step(way) for way in WAYS}


class Binary(Law):
    """Two states; a pulse switches the cell, with a probability."""

    name = "binary"
    words = "The cell has two states; a pulse switches it, with a probability."
    numbers = ("p_switch_ltp", "p_switch_ltd")
    binary = True
    gradual = False

    def steps(self, device: Numbers, x: Floats, label_shift: float = 0.0) -> Floats:
        """Return the whole range."""
        return np.ones((2, len(x)))

    def switching(self, device: Numbers) -> tuple[float, float]:
        """As the device says."""
        return device.p_switch_ltd, device.p_switch_ltp

    def pulses_across(self, device: Numbers) -> dict[Way, float]:
        """One pulse."""
        return {"ltp": 1.0, "ltd": 1.0}


class Exact(Law):
    """By just what the learning law asks, which no real device does."""

    name = "exact"
    words = "Each pulse moves it by just what the law asks; no real device does."
    numbers = ()
    exact = True
    gradual = False

    def steps(self, device: Numbers, x: Floats, label_shift: float = 0.0) -> Floats:
        """Refuse: the step is the learning law's.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(f'the law "{self.name}" has no step of its own')


def _table(device: Numbers) -> ResponseTable:
    assert device.response is not None  # Law.check saw to it
    return device.response


LAWS: dict[str, Law] = {law.name: law for law in (Linear(), SoftBound(), Table(), Binary(), Exact())}
"""Every law by its word in files. A law added here can be used everywhere."""
