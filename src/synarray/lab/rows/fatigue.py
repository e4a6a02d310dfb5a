"""Whether cells tire within a file: how long their trains are, and between which ends they go, cycle after cycle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.measured import Measurements

__all__ = ["fatigue_of"]

Floats = npt.NDArray[np.float64]
_CYCLES = 6
_SURE, _CHANGE = 4.0, 0.1
"""Standard errors of the slope, and share by which the first and the last cycles must differ, for a word."""


def fatigue_of(measured: Measurements) -> list[str]:
    """Say which trains change with cycling; nothing where they do not, or there are fewer than six cycles.

    Examples
    --------
    >>> from synarray.device.library import load_device
    >>> from synarray.lab.synthetic import measure_devices
    >>> fatigue_of(measure_devices(load_device("ideal"), devices=2, cycles=8))
    []
    """
    device, cycle = measured.device_id, measured.cycle
    starts = np.flatnonzero(np.r_[True, (np.diff(device) != 0) | (np.diff(cycle) != 0)])
    if len(starts) < _CYCLES or int(cycle.max()) < _CYCLES - 1:
        return []
    number = cycle[starts].astype(float)
    said = []
    for word, sign in (("LTP", 1), ("LTD", -1)):
        pulses = np.add.reduceat((measured.polarity == sign).astype(float), starts)
        if change := _trend(number[pulses > 0], pulses[pulses > 0], device[starts][pulses > 0]):
            said.append(
                f"a train of {word} takes {change[0]:.0f} pulses in the first cycles and {change[1]:.0f} in the last"
            )
    for word, values in (
        ("upper", np.maximum.reduceat(measured.G_S, starts)), ("lower", np.minimum.reduceat(measured.G_S, starts)),
    ):  # fmt: skip
        if change := _trend(number, values, device[starts]):
            said.append(f"the {word} end of the trains goes from {change[0]:.3g} to {change[1]:.3g} S over the cycles")
    return [f"fatigue: {'; '.join(said)}"] if said else []


def _trend(cycle: Floats, values: Floats, device: npt.NDArray[np.int32]) -> tuple[float, float] | None:
    """Return first and last value of a straight line over the cycles, devices aside, where it surely changes."""
    if len(cycle) < _CYCLES or np.ptp(cycle) == 0:
        return None
    means = np.bincount(device, values) / np.maximum(np.bincount(device), 1)
    relative = values / np.where(means[device] == 0, 1.0, means[device])
    x = cycle - cycle.mean()
    slope = float((x * relative).sum() / (x * x).sum())
    off = relative - relative.mean() - slope * x
    error = float(np.sqrt((off**2).sum() / max(len(x) - 2, 1) / (x * x).sum()))
    change = slope * float(np.ptp(cycle))
    if abs(slope) <= _SURE * error or abs(change) < _CHANGE:
        return None
    middle = float(values.mean())
    return middle * (1.0 + slope * float(x.min())), middle * (1.0 + slope * float(x.max()))
