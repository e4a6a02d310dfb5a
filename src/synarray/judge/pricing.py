"""What one training costs, in joules and seconds; and where the pulses' voltage or width is unknown, per unit of it.

    E = E0 + E1 V^2 + E2 V^2 t        pulses on ohmic cells cost V^2 t g, the lines they charge c V^2; reads and circuits neither
    T = T0 + T1 t

A training's counts do not depend on V or t, so its ledger priced at (1 V, 1 us), (2 V, 1 us) and (1 V, 2 us) gives the
coefficients exactly, whatever the rows of the ledger are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from synarray.cost.ledger import Ledger
from synarray.cost.prices import Periphery
from synarray.device.spec import DeviceSpec
from synarray.judge.pulse import Unknown
from synarray.run.energy import Bill
from synarray.run.layered_energy import LayeredBill

__all__ = ["Amount", "PricedRow", "Prices", "price_bill", "total"]

Amount = dict[str, float]
"""A price by what it is to be multiplied with: "" nothing, "V^2", "V^2 us" or "us"; SI otherwise."""
_MICRO = 1e-6


@dataclass(frozen=True)
class PricedRow:
    """One row of a ledger."""

    component: str
    action: str
    confirmed: bool
    """Whether all numbers behind its price are."""
    energy: Amount
    """J, see :data:`Amount`."""


@dataclass(frozen=True)
class Prices:
    """What a training cost."""

    rows: tuple[PricedRow, ...]
    time: dict[str, Amount]
    """By schedule ("sequential", "row-parallel"): s, see :data:`Amount`."""

    @property
    def energy(self) -> Amount:
        """Energy of the training, the sum of the rows, J."""
        return total([row.energy for row in self.rows])

    def of(self, *components: str) -> Amount:
        """Energy of some components, J."""
        return total([row.energy for row in self.rows if row.component in components])


def total(amounts: Sequence[Amount]) -> Amount:
    """Add amounts, unit by unit.

    Examples
    --------
    >>> total([{"": 1.0}, {"": 2.0, "V^2": 3.0}])
    {'': 3.0, 'V^2': 3.0}
    """
    units = sorted({unit for amount in amounts for unit in amount}, key=len)
    return {unit: float(sum(amount.get(unit, 0.0) for amount in amounts)) for unit in units} or {"": 0.0}


def price_bill(bill: Bill | LayeredBill, periphery: Periphery, unknown: frozenset[Unknown] = frozenset()) -> Prices:
    """Price what a training counted, in its own cells; per unit of what is unknown about their pulses."""
    if not unknown:
        ledger = bill.ledger(periphery)
        rows = [PricedRow(e.component, e.action, e.confirmed, {"": e.energy}) for e in ledger.entries]
        return Prices(tuple(rows), {name: {"": seconds} for name, seconds in ledger.seconds.items()})
    base, stronger, longer = (
        _with_pulses(bill, unknown, volts, width).ledger(periphery)
        for volts, width in ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0))
    )
    return Prices(tuple(_rows(base, stronger, longer, unknown)), _times(base, longer, unknown))


def _with_pulses(
    bill: Bill | LayeredBill, unknown: frozenset[Unknown], volts: float, width: float
) -> Bill | LayeredBill:
    if isinstance(bill, Bill):
        return replace(bill, device=_pulsed(bill.device, unknown, volts, width))
    bills = (replace(one, device=_pulsed(one.device, unknown, volts, width)) for one in bill.bills)
    return replace(bill, bills=tuple(bills))


def _pulsed(device: DeviceSpec, unknown: frozenset[Unknown], volts: float, width: float) -> DeviceSpec:
    changes: dict[str, float] = {}
    if "voltage" in unknown:
        changes |= {"v_ltp": volts, "v_ltd": -volts}
    if "width" in unknown:
        changes |= {"t_ltp": width * _MICRO, "t_ltd": width * _MICRO}
    return device.model_copy(update=changes)


def _rows(base: Ledger, stronger: Ledger, longer: Ledger, unknown: frozenset[Unknown]) -> list[PricedRow]:
    rows = []
    for one, strong, long in zip(base.entries, stronger.entries, longer.entries, strict=True):
        with_width = long.energy - one.energy  # 0 where the width is known
        with_voltage = (strong.energy - one.energy) / 3.0  # all that goes with V^2, with or without the width
        if "voltage" in unknown:
            parts = {"": one.energy - with_voltage, "V^2": with_voltage - with_width, "V^2 us": with_width}
        else:
            parts = {"": one.energy - with_width, "us": with_width}
        rows.append(PricedRow(one.component, one.action, one.confirmed, _without_rounding(parts, one.energy)))
    return rows


def _times(base: Ledger, longer: Ledger, unknown: frozenset[Unknown]) -> dict[str, Amount]:
    if "width" not in unknown:
        return {name: {"": seconds} for name, seconds in base.seconds.items()}
    slopes = {name: longer.seconds[name] - seconds for name, seconds in base.seconds.items()}
    return {
        name: _without_rounding({"": seconds - slopes[name], "us": slopes[name]}, seconds)
        for name, seconds in base.seconds.items()
    }


def _without_rounding(parts: Amount, of: float) -> Amount:
    """Drop what is nothing but the rounding of differences; a row of nothing costs nothing."""
    return {unit: part for unit, part in parts.items() if abs(part) > 1e-9 * abs(of)} or {"": 0.0}
