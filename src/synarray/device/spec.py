"""What a memory device is: its range, how its pulses move it, its imperfections; each number with its source.

In a file a number is a quantity, or a table with its source, and ``confirmed = false`` where it is unverified:

    g_max = { value = "2.3 uS", source = "0.03 G0 for one Te atom (JAM16)", confirmed = false }

Weights are a view of the conductance: w = 2 (g - g_min) / (g_max - g_min) - 1, so that g_min is -1 and g_max is +1.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.device.curves import MOST_NONLINEAR, Floats, ResponseTable
from synarray.device.law import LAWS, Law
from synarray.spec import Name, Source, Sourced, Text, one_of
from synarray.units import ElectronVolts, Joules, Kelvins, Seconds, Siemens, Volts

__all__ = ["ALWAYS", "DeviceSpec"]

ALWAYS = ("g_min", "g_max", "v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read")
"""Numbers that act in every device."""

_NOT_GIVEN = Source(source="default: none was given", confirmed=False)
_Share = Annotated[float, Field(ge=0, le=1)]
_Levels = Annotated[float, Field(ge=1, le=1e6)]
_Relative = Annotated[float, Field(ge=0, le=5)]
_Voltage = Annotated[Volts, Field(ge=-20, le=20)]
_Duration = Annotated[Seconds, Field(gt=0, le=10)]


class DeviceSpec(Sourced):
    """A memory device.

    Raises
    ------
    SpecError
        When a value is out of its range, g_min is not below g_max, or the law lacks what it needs.

    Examples
    --------
    >>> cell = DeviceSpec(name="my-cell", g_min=1e-6, g_max=20e-6, n_levels_ltp=100, n_levels_ltd=50)
    >>> cell.g_max / cell.g_min
    20.0
    """

    name: Name = "device"
    title: Text = ""
    technology: Text = ""
    note: Text = ""

    law: Annotated[str, one_of(LAWS)] = "linear"
    """How a pulse moves the cell (see ``law.py``); "exact": by just what the learning law asks, which no real device does."""
    g_min: Annotated[Siemens, Field(ge=0, le=1)] = 0.1e-6
    g_max: Annotated[Siemens, Field(gt=0, le=1)] = 5e-6
    n_levels_ltp: _Levels = 64
    """LTP pulses from g_min to g_max."""
    n_levels_ltd: _Levels = 64
    """LTD pulses from g_max to g_min."""
    nonlinearity_ltp: Annotated[float, Field(ge=-MOST_NONLINEAR, le=MOST_NONLINEAR)] = 0.0
    """Label of NeuroSim (soft-bound law); positive: the first steps from g_min are the largest."""
    nonlinearity_ltd: Annotated[float, Field(ge=-MOST_NONLINEAR, le=MOST_NONLINEAR)] = 0.0
    """The same for LTD; negative (as for most devices): the first steps from g_max are the largest."""
    response: ResponseTable | None = None
    """Steps of the table law."""
    p_switch_ltp: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Probability that an LTP pulse switches a binary cell."""
    p_switch_ltd: Annotated[float, Field(gt=0, le=1)] = 1.0

    v_ltp: _Voltage = 1.0
    t_ltp: _Duration = 1e-6
    v_ltd: _Voltage = -1.0
    t_ltd: _Duration = 1e-6
    v_read: Annotated[Volts, Field(gt=0, le=20)] = 0.1
    t_read: _Duration = 1e-8
    v_fold: Annotated[Volts, Field(gt=0, le=20)] | None = None
    """Loss of write voltage that makes a pulse's step e times smaller; none: not known, wires do not weaken pulses."""

    sigma_c2c: _Relative = 0.0
    """Cycle-to-cycle spread of one pulse's step, as a share of g_max - g_min (NeuroSim's convention)."""
    sigma_d2d_range: _Relative = 0.0
    """Device-to-device spread of g_max and of g_min, each relative to itself."""
    sigma_d2d_step: _Relative = 0.0
    """Device-to-device spread of the step, relative (log-normal, mean 1; LTP and LTD independent)."""
    sigma_d2d_nonlinearity: _Relative = 0.0
    """Device-to-device spread of both nonlinearity labels, in units of the label (soft-bound law)."""
    sigma_read: _Relative = 0.0
    """Spread of one read of a cell, relative to its conductance."""
    p_fail: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that a pulse does nothing."""
    stuck_low: _Share = 0.0
    """Share of the cells that are stuck at g_min."""
    stuck_high: _Share = 0.0
    drift_nu: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Exponent of the drift g(t) = g (1 + t / drift_t0)^-nu since the last pulse on the cell."""
    sigma_drift_nu: _Relative = 0.0
    """Device-to-device spread of that exponent, absolute."""
    drift_t0: Annotated[Seconds, Field(gt=0)] = 20.0
    retention: Annotated[Seconds, Field(gt=0)] | None = None
    """Time constant at which the conductance decays exponentially to g_min; none: it does not."""
    retention_temperature: Annotated[Kelvins, Field(gt=0, le=2000)] | None = None
    """Temperature at which retention and drift are stated; none: not known."""
    retention_energy: Annotated[ElectronVolts, Field(ge=0, le=1e-18)] | None = None
    """Activation energy (Arrhenius) with which they run faster when it is hotter; none: not known."""
    endurance: Annotated[float, Field(gt=0, le=1e30)] | None = None
    """Pulses after which 63 % of the cells have failed: the scale of the Weibull law of their lives; none: not known."""
    endurance_shape: Annotated[float, Field(ge=0.1, le=100)] = 1.0
    """Shape of that law; 1: failures come at random, above 1: with wear."""

    e_ltp: Annotated[Joules, Field(ge=0)] | None = None
    """Energy of one LTP pulse where it is not v^2 t g of the conductance met, such as a gate's charge; none: it is."""
    e_ltd: Annotated[Joules, Field(ge=0)] | None = None
    gated: bool = False
    """Whether pulses go to a gate: v^2 t g of the channel, where no energy is given, is then not what they cost."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        from synarray.units import format_quantity

        if self.g_min >= self.g_max:
            low, high = (format_quantity(g, "S") for g in (self.g_min, self.g_max))
            raise ValueError(f"g_max must exceed g_min = {low}, not be {high}; swap them")
        if self.stuck_low + self.stuck_high > 1:
            raise ValueError("stuck_high must leave stuck_low + stuck_high at most 1")
        if (self.response is not None) != self.step_law.tabulated:
            raise ValueError('response must be given for the law "table", and only for it')
        for name in ("v_ltp", "v_ltd"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} must not be 0")
        return self

    @model_validator(mode="after")
    def _defaults_unconfirmed(self) -> Self:
        """Let numbers that act without being given be unconfirmed; their source says so, in saved runs too."""
        for name in [name for name, source in self.sources.items() if source == _NOT_GIVEN]:
            if name not in self.acting or getattr(self, name) != type(self).model_fields[name].default:
                del self.sources[name]
        for name in self.acting:
            if name not in self.model_fields_set:
                self.sources.setdefault(name, _NOT_GIVEN)
        return self

    @property
    def acting(self) -> tuple[str, ...]:
        """Numbers that act in every device of its law, given or not; and what else what is given needs."""
        needed = [name for name, acts in (("drift_t0", self.drifts), ("endurance_shape", self.endurance)) if acts]
        return (*ALWAYS, *self.step_law.numbers, *needed)

    @property
    def step_law(self) -> Law:
        """How a pulse moves the cell: the object behind the word ``law``."""
        return LAWS[self.law]

    @property
    def g_range(self) -> float:
        """g_max - g_min, S."""
        return self.g_max - self.g_min

    @property
    def w_zero(self) -> float:
        """The weight at which no current flows, -1 or below."""
        return -1.0 - 2.0 * self.g_min / self.g_range

    @property
    def drifts(self) -> bool:
        """Whether the conductance drifts after a pulse."""
        return self.drift_nu > 0 or self.sigma_drift_nu > 0

    @property
    def ages(self) -> bool:
        """Whether the conductance changes by itself: it drifts, or falls back to g_min."""
        return self.drifts or self.retention is not None

    @property
    def prices_known(self) -> bool:
        """Whether the energy of a pulse follows from what is given."""
        return not self.gated or None not in (self.e_ltp, self.e_ltd)

    @property
    def binary(self) -> bool:
        """Whether the cell has two states only."""
        return self.step_law.binary

    def conductance(self, w: npt.ArrayLike) -> Floats:
        """Return the conductance of weights, S."""
        return self.g_min + 0.5 * (np.asarray(w, float) + 1.0) * self.g_range

    def weight(self, g: npt.ArrayLike) -> Floats:
        """Return the weights of conductances in S."""
        return 2.0 * (np.asarray(g, float) - self.g_min) / self.g_range - 1.0

    def steps(self, w: Floats, label_shift: float = 0.0) -> Floats:
        """Mean step of one pulse that works, in weight: row 0 LTD, row 1 LTP, both as magnitudes; not clipped at the ends.

        Parameters
        ----------
        w : ndarray, shape (n,)
            Weights, -1 to 1.
        label_shift : float
            How far this cell's nonlinearity labels lie from the nominal ones, in units of the label (their sizes grow).

        Returns
        -------
        ndarray, shape (2, n)

        Raises
        ------
        ValueError
            For the exact law, whose step is the learning law's.

        Examples
        --------
        >>> DeviceSpec(n_levels_ltp=100, n_levels_ltd=50).steps(np.array([0.0])).tolist()
        [[0.04], [0.02]]
        """
        return 2.0 * self.step_law.steps(self, (np.asarray(w, float) + 1.0) / 2.0, label_shift)

    @property
    def switching(self) -> tuple[float, float]:
        """Probability that an LTD pulse and an LTP pulse work."""
        ltd, ltp = self.step_law.switching(self)
        return (1.0 - self.p_fail) * ltd, (1.0 - self.p_fail) * ltp
