"""Whether a look-up of a cell lasts long enough to tell its levels apart, and what one that does would cost.

The noise floor of a read (``array/read_noise.py``) falls with the root of its time. A training is priced with the device's own
``t_read``; where that is too short, the ledger says by how much, and prices the look-ups of the length that would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synarray.array.read_noise import ReadFloor, floor_of
from synarray.cost.conditions import Conditions, levels_told_apart

__all__ = ["LookUps", "look_ups"]


@dataclass(frozen=True)
class LookUps:
    """The look-ups (and verifies) of a training, as they are and as long as they must be."""

    floor: ReadFloor
    """Noise of one look-up against the distance of the levels."""
    count: int
    """Cells looked up."""
    energy: float
    seconds: float
    """Of all look-ups with the device's ``t_read``: cells and sensing, J; one after another, s."""
    energy_enough: float
    seconds_enough: float
    """The same with reads that last long enough; never less than as they are."""

    def summary(self) -> dict[str, Any]:
        """Return it as numbers, ready for JSON."""
        floor = self.floor
        return {
            "levels": floor.levels,
            "noise_in_levels": floor.rms,
            "temperature": floor.temperature,
            "levels_told_apart": floor.told_apart,
            "enough": floor.enough,
            "t_read": floor.t_read,
            "t_read_enough": floor.seconds,
            "count": self.count,
            "energy": self.energy,
            "energy_enough": self.energy_enough,
            "time": self.seconds,
            "time_enough": self.seconds_enough,
        }


def look_ups(given: Conditions, temperature: float) -> LookUps:
    """Hold the look-ups of a training against the noise of their reads.

    Parameters
    ----------
    given : Conditions
    temperature : float
        Of the cells, K.
    """
    device, counts = given.device, given.counts
    floor = floor_of(device, levels_told_apart(given.synapse, device), temperature)
    cells = sum(
        counts[name] * given.read(level, counts[name])
        for name, level in (("cell_read", "cell_read_level"), ("verify_read", "verify_level"))
    )
    longer = max(1.0, floor.seconds / device.t_read)
    sensing, waiting = given.look_ups * given.sensing, given.look_ups * given.sensing_time
    reading = given.look_ups * device.t_read
    return LookUps(
        floor, given.look_ups, cells + sensing, reading + waiting, longer * cells + sensing, longer * reading + waiting
    )
