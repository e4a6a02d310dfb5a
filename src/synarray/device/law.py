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

from typing import Any, ClassVar, Protocol

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

    def check(self, device: Numbers) -> None:
        """Refuse numbers that do not belong to this law.

        Raises
        ------
        ValueError
            Beginning with the name of the number.
        """
        if (device.response is not None) != self.tabulated:
            raise ValueError('response must be given for the law "table", and only for it')

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
        return device.n_levels_ltp, device.n_levels_ltd

    def pulses_across(self, device: Numbers) -> dict[Way, float]:
        """Pulses from end to end for each polarity, by the mean step where they are not fixed."""
        return {"ltp": device.n_levels_ltp, "ltd": device.n_levels_ltd}

    # ---- the same law, less imperfect: numbers that change, by name (see judge/) -----------------------------------------

    def finer(self, device: Numbers, times: float, ways: tuple[Way, ...] = WAYS) -> dict[str, Any]:
        """Change the numbers so that a pulse is so many times smaller."""
        return {f"n_levels_{way}": max(1.0, getattr(device, f"n_levels_{way}") * times) for way in ways}

    def bends(self, device: Numbers, ways: tuple[Way, ...] = WAYS) -> bool:
        """Whether the step differs from state to state."""
        return False

    def bent(self, device: Numbers, severity: float) -> dict[str, Any]:
        """Change the numbers that bend the response: 0 straight, 1 as it is."""
        return {f"nonlinearity_{way}": severity * getattr(device, f"nonlinearity_{way}") for way in WAYS}

    def most_bent(self, device: Numbers) -> float:
        """Largest severity of ``bent`` that leaves a device."""
        return max(1.0, MOST_NONLINEAR / max(abs(device.nonlinearity_ltp), abs(device.nonlinearity_ltd), 1e-12))

    def bend_numbers(self, device: Numbers) -> dict[str, float]:
        """Return the numbers behind ``bent``."""
        return {f"nonlinearity_{way}": getattr(device, f"nonlinearity_{way}") for way in WAYS}

    def differs(self, device: Numbers) -> bool:
        """Whether LTP and LTD differ in the size of their steps."""
        return self.gradual and device.n_levels_ltp != device.n_levels_ltd

    def evened(self, device: Numbers, severity: float) -> dict[str, Any]:
        """Change the numbers so that LTP and LTD are more alike: 0 mirror images of each other, 1 as they are."""
        steps = {way: 1.0 / getattr(device, f"n_levels_{way}") for way in ("ltp", "ltd")}
        step = sum(steps.values()) / 2.0
        return {
            f"n_levels_{way}": 1.0 / min(1.0, max(1e-6, step + severity * (part - step))) for way, part in steps.items()
        }


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

    def bends(self, device: Numbers, ways: tuple[Way, ...] = WAYS) -> bool:
        """Whether a label is not 0."""
        return any(getattr(device, f"nonlinearity_{way}") for way in ways)

    def differs(self, device: Numbers) -> bool:
        """Whether levels or curvatures differ."""
        return super().differs(device) or abs(device.nonlinearity_ltp) != abs(device.nonlinearity_ltd)

    def evened(self, device: Numbers, severity: float) -> dict[str, Any]:
        """Bring steps and curvatures to their means, each bending its own way."""
        label = (abs(device.nonlinearity_ltp) + abs(device.nonlinearity_ltd)) / 2.0
        signs = {
            "nonlinearity_ltp": device.nonlinearity_ltp or 1.0,
            "nonlinearity_ltd": device.nonlinearity_ltd or -1.0,
        }
        labels = {}
        for name, sign in signs.items():
            size = np.clip(label + severity * (abs(getattr(device, name)) - label), 0, MOST_NONLINEAR)
            labels[name] = float(np.copysign(size, sign))
        return super().evened(device, severity) | labels


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

    def levels(self, device: Numbers) -> tuple[float, float] | None:
        """Not fixed."""
        return None

    def pulses_across(self, device: Numbers) -> dict[Way, float]:
        """Pulses from end to end at the mean step."""
        return {way: 1.0 / _table(device).mean_step(way) for way in WAYS}

    def finer(self, device: Numbers, times: float, ways: tuple[Way, ...] = WAYS) -> dict[str, Any]:
        """Divide all steps."""
        return self._with(
            device, {way: tuple(min(1.0, s / times) for s in getattr(_table(device), way)) for way in WAYS}
        )

    def bends(self, device: Numbers, ways: tuple[Way, ...] = WAYS) -> bool:
        """Whether the steps of a polarity differ."""
        return any(len(set(getattr(_table(device), way))) > 1 for way in ways)

    def bent(self, device: Numbers, severity: float) -> dict[str, Any]:
        """Shrink the steps towards their mean over the states."""
        table = _table(device)
        steps: dict[str, tuple[float, ...]] = {}
        for way in WAYS:
            mean = table.mean_step(way)
            steps[way] = tuple(min(1.0, max(0.0, mean + severity * (s - mean))) for s in getattr(table, way))
        return self._with(device, steps)

    def most_bent(self, device: Numbers) -> float:
        """Three times as bent: steps end at 0 and 1."""
        return 3.0

    def bend_numbers(self, device: Numbers) -> dict[str, float]:
        """Largest and smallest steps."""
        spread: dict[str, float] = {}
        for way in WAYS:
            steps = getattr(_table(device), way)
            spread |= {f"largest_step_{way}": float(max(steps)), f"smallest_step_{way}": float(min(steps))}
        return spread

    def differs(self, device: Numbers) -> bool:
        """Whether LTD is not the mirror image of LTP."""
        mirrored = _table(device).on_mirrored_axis()
        return not np.allclose(mirrored.ltp, mirrored.ltd[::-1], rtol=1e-9, atol=0.0)

    def evened(self, device: Numbers, severity: float) -> dict[str, Any]:
        """Bring both polarities to their mean, each seen from its own end."""
        table = _table(device).on_mirrored_axis()
        up, down = np.array(table.ltp), np.array(table.ltd)[::-1]
        mean = (up + down) / 2.0
        up, down = (np.clip(mean + severity * (part - mean), 0.0, 1.0) for part in (up, down))
        steps = {"ltp": tuple(up.tolist()), "ltd": tuple(down[::-1].tolist())}
        return {"response": table.model_copy(update=steps)}

    @staticmethod
    def _with(device: Numbers, steps: dict[str, tuple[float, ...]]) -> dict[str, Any]:
        return {"response": _table(device).model_copy(update=steps)}


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

    def levels(self, device: Numbers) -> tuple[float, float] | None:
        """One pulse."""
        return 1, 1

    def pulses_across(self, device: Numbers) -> dict[Way, float]:
        """One pulse."""
        return {"ltp": 1.0, "ltd": 1.0}

    def finer(self, device: Numbers, times: float, ways: tuple[Way, ...] = WAYS) -> dict[str, Any]:
        """Become a linear cell: more than two states."""
        return {"law": Linear.name, "n_levels_ltp": times, "n_levels_ltd": times}


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

    def levels(self, device: Numbers) -> tuple[float, float] | None:
        """None."""
        return None


def _table(device: Numbers) -> ResponseTable:
    assert device.response is not None  # Law.check saw to it
    return device.response


LAWS: dict[str, Law] = {law.name: law for law in (Linear(), SoftBound(), Table(), Binary(), Exact())}
"""Every law by its word in files. A law added here can be used everywhere."""
