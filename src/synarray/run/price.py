"""What a training cost: the events a run counted, times prices that have a source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synarray.arguments import path_of
from synarray.cost.ledger import Entry, Ledger
from synarray.cost.physical import Step
from synarray.cost.prices import Periphery, load_periphery
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.run.contents import StoredRun
from synarray.run.energy import Bill
from synarray.run.layered_energy import LayerCost, LayeredBill, bill_of
from synarray.units import quantity

__all__ = ["Price", "price_of"]


@dataclass(frozen=True, repr=False, eq=False)
class Price:
    """A training in joules, seconds and bytes.

    Attributes
    ----------
    ledger : Ledger
        The rows: component, action, count, energy of each.
    bill : Bill
        The counts and the device they are of.
    periphery : Periphery
        Prices of the circuits around the cells.
    notes : list of str
        What a reader must know: what is not confirmed, or guessed.
    device : DeviceSpec or None
        Whose prices they are; None: those of the run's own cells.
    passive : bool
        Whether the array is priced without access transistors.

    Examples
    --------
    >>> import synarray
    >>> settings = {"images": 200, "epochs": 1, "n_neurons": 12, "device": "pcm"}
    >>> cost = synarray.price(synarray.train("local-fields", settings=settings))
    >>> cost.rows[0].action, cost.rows[0].energy < cost.total, sorted(cost.seconds)
    ('LTP pulses', True, ['row-parallel', 'sequential'])
    """

    ledger: Ledger
    bill: Bill | LayeredBill
    periphery: Periphery
    notes: list[str]
    device: DeviceSpec | None = None
    passive: bool = False

    @property
    def total(self) -> float:
        """Energy of everything, J."""
        return self.ledger.total

    @property
    def rows(self) -> tuple[Entry, ...]:
        """Rows of the ledger; the total is their sum."""
        return self.ledger.entries

    @property
    def seconds(self) -> dict[str, float]:
        """Time of the training in hardware by schedule, s."""
        return self.ledger.seconds

    @cached_property
    def real_time(self) -> dict[str, Any]:
        """Whether reads and updates fit between two draws of a winner, at the simulated pace; empty for several layers."""
        return self.bill.real_time(self.ledger)

    def elsewhere(self) -> list[Ledger]:
        """Price the same training without the array's savings, on processors, on neuromorphic chips; not for several layers."""
        return self.bill.elsewhere(self.periphery)

    def free_steps(self) -> list[Step]:
        """Return what software gets for nothing, and what it would cost in circuits; not for several layers."""
        return self.bill.free_steps(self.ledger, self.periphery)

    def layers(self) -> list[LayerCost]:
        """Price each of several layers; empty for a network of one."""
        if isinstance(self.bill, LayeredBill):
            return self.bill.costs(self.periphery, self.device, passive=self.passive)
        return []

    def beside(self, device: DeviceSpec) -> Ledger:
        """Price the same counts in the cells of another device."""
        return self.bill.ledger(self.periphery, device, passive=self.passive)

    def summary(self) -> dict[str, Any]:
        """Return everything as numbers, ready for JSON."""
        extra = {"node_nm": self.periphery.node_nm, "notes": self.notes, "real_time": self.real_time}
        return self.ledger.summary() | extra

    def __repr__(self) -> str:
        """Say the total, and how much of it has no confirmed source."""
        energy, images = quantity(self.total, "J", 4), self.ledger.presentations
        doubt = f", {len(self.notes)} notes" if self.notes else ""
        return f"Price({self.ledger.title}: {energy} for {images:,} presentations{doubt})"


def price_of(
    run: StoredRun,
    device: str | Path | None = None,
    *,
    node: str | None = None,
    prices: Path | str | None = None,
    passive: bool = False,
) -> Price:
    """Price a run; see :func:`synarray.price`."""
    periphery = load_periphery(node, None if prices is None else path_of(prices, "prices", "a file of prices"))
    bill, used = bill_of(run), None if device is None else load_device(device)
    notes = bill.notes(periphery, None if device is None else str(device), str(run.path / "experiment.toml"))
    return Price(bill.ledger(periphery, used, passive=passive), bill, periphery, notes, used, passive)
