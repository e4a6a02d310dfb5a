"""What a training cost: the events a run counted, times prices that have a source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synarray.cost.ledger import Entry, Ledger
from synarray.cost.prices import Periphery, load_periphery
from synarray.device.library import load_device
from synarray.run.contents import StoredRun
from synarray.run.energy import Bill, baselines, bill_of_run, notes_on, real_time
from synarray.run.layered_energy import LayeredBill, bill_of_layers
from synarray.units import format_quantity

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
        if isinstance(self.bill, LayeredBill):
            return {}
        return real_time(self.bill, self.ledger)

    def elsewhere(self) -> list[Ledger]:
        """Price the same training without the array's savings, on processors, on neuromorphic chips; not for several layers."""
        if isinstance(self.bill, LayeredBill):
            return []
        return baselines(self.bill, self.periphery)

    def summary(self) -> dict[str, Any]:
        """Return everything as numbers, ready for JSON."""
        extra = {"node_nm": self.periphery.node_nm, "notes": self.notes, "real_time": self.real_time}
        return self.ledger.summary() | extra

    def __repr__(self) -> str:
        """Say the total, and how much of it has no confirmed source."""
        energy, images = format_quantity(float(f"{self.total:.4g}"), "J"), self.ledger.presentations
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
    periphery = load_periphery(node, None if prices is None else Path(prices))
    other = None if device is None else str(device)
    if run.experiment.layers:
        layers, priced = bill_of_layers(run), None if other is None else load_device(other)
        return Price(
            layers.ledger(periphery, priced, passive=passive), layers, periphery, layers.notes(periphery, other)
        )
    bill = bill_of_run(run)
    ledger = bill.ledger(periphery, None if other is None else load_device(other), passive=passive)
    return Price(ledger, bill, periphery, notes_on(bill, periphery, other, str(run.path / "experiment.toml")))
