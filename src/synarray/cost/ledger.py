"""The ledger: what a run's counted actions cost in joules and seconds, what they moved and how much room they take.

Counts come from the run, prices from the device and from ``periphery.toml``; no price is known to the simulation, so a finished
run is priced again for another node or another device without running again. Every total is the sum of its rows; the rows are
those of ``rows.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from synarray.array.synapse import SynapseSpec
from synarray.cost.area import areas
from synarray.cost.conditions import Conditions
from synarray.cost.counts import Counts
from synarray.cost.duration import durations
from synarray.cost.prices import Periphery
from synarray.cost.rows import ROWS, confirmed
from synarray.device.spec import DeviceSpec

__all__ = ["Counts", "Entry", "Ledger", "price"]


@dataclass(frozen=True)
class Entry:
    """One row of the ledger."""

    component: str
    action: str
    count: int
    each: float
    """Energy of one, J."""
    confirmed: bool = True
    """Whether all numbers behind it are."""

    @property
    def energy(self) -> float:
        """Energy of all, J."""
        return self.count * self.each


@dataclass(frozen=True)
class Ledger:
    """What a training cost."""

    title: str
    entries: tuple[Entry, ...]
    seconds: dict[str, float]
    """Time by schedule, s."""
    bytes_moved: float
    """Bytes of weights moved between memory and processor."""
    areas: dict[str, float] = field(default_factory=dict)
    """Area of each part, m^2; empty where nothing is known."""
    presentations: int = 0
    """Images that were shown for it."""

    @property
    def total(self) -> float:
        """Energy of everything, J."""
        return float(sum(entry.energy for entry in self.entries))

    def of(self, *components: str) -> float:
        """Energy of some components, J."""
        return float(sum(entry.energy for entry in self.entries if entry.component in components))

    @property
    def programming(self) -> float:
        """Energy of the pulses on cells and of the lines they charge, J: what updates of weights cost where these are kept."""
        pulses = (e.energy for e in self.entries if e.component in ("cells", "lines") and e.action.endswith("pulses"))
        return float(sum(pulses))

    @property
    def conversions(self) -> float:
        """Energy of the conversions of columns, J; 0 where bits are sensed one by one."""
        return float(sum(e.energy for e in self.entries if e.action.endswith("column conversions")))

    @property
    def area(self) -> float:
        """Area of all parts, m^2; 0 where nothing is known."""
        return float(sum(self.areas.values()))

    def power(self, schedule: str) -> float | None:
        """Mean power while learning, W; None where the time is not known."""
        seconds = self.seconds.get(schedule)
        return self.total / seconds if seconds else None

    def images_per_second(self, schedule: str) -> float | None:
        """Images that are learned from in a second; None where the time is not known."""
        seconds = self.seconds.get(schedule)
        return self.presentations / seconds if seconds else None

    def summary(self) -> dict[str, Any]:
        """Return the ledger as numbers, ready for JSON."""
        return {
            "title": self.title,
            "rows": [vars(entry) | {"energy": entry.energy} for entry in self.entries],
            "total": self.total,
            "programming": self.programming,
            "time": self.seconds,
            "average_power": {name: self.power(name) for name in self.seconds},
            "images_per_second": {name: self.images_per_second(name) for name in self.seconds},
            "bytes_moved": self.bytes_moved,
            "area": self.area,
            "areas": self.areas,
        }


def price(
    counts: Counts,
    device: DeviceSpec,
    synapse: SynapseSpec,
    periphery: Periphery,
    title: str = "",
    *,
    passive: bool = False,
) -> Ledger:
    """Price a training in cells of a device.

    Parameters
    ----------
    counts : Counts
        Of a run in cells (of this device, or of another one whose counts are taken over).
    device : DeviceSpec
    synapse : SynapseSpec
        The scheme the run used.
    periphery : Periphery
    title : str
        What the ledger is called; the device's name if nothing is said.
    passive : bool
        Cells without access transistors: a pulse puts half of its voltage across every other cell of its two lines.

    Returns
    -------
    Ledger
    """
    given = Conditions(counts, device, synapse, periphery, passive)
    entries = tuple(
        Entry(row.component, row.action, row.count(given), row.each(given), confirmed(row, given))
        for row in ROWS
        if row.applies(given)
    )
    return Ledger(title or device.name, entries, durations(given), 0.0, areas(given), counts["presentation"])
