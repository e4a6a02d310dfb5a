"""Synthetic measurements of a known device: cycles of LTP and LTD on a virtual probe station, with a read after each pulse."""

from __future__ import annotations

import numpy as np

from synarray.device.response import pulse_response, there_and_back
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_stuck
from synarray.errors import SpecError
from synarray.lab.rows.measured import Measurements
from synarray.rng import Stream, normal

__all__ = ["measure_devices"]

_MOST_PULSES = 20_000_000
_ROOM_K = 300.0


def measure_devices(device: DeviceSpec, devices: int = 20, cycles: int = 10, seed: int = 0) -> Measurements:
    """Send trains of LTP and LTD pulses to cells of a device, and read each after every pulse.

    A train is as long as the nominal cell needs from end to end; the first row of each cycle is a read without a pulse.

    Parameters
    ----------
    device : DeviceSpec
        Any but one of the law "exact".
    devices, cycles : int
        How many cells, and trains of each.
    seed : int

    Raises
    ------
    SpecError
        For the law "exact", or more than 20 million pulses.
    """
    if device.step_law.exact:
        raise SpecError(
            "a device must have steps of its own to be measured", got='law "exact"', where=device.name,
            do="Take another device.",
        )  # fmt: skip
    once = there_and_back(device)
    if len(once) * devices * cycles > _MOST_PULSES:
        raise SpecError(
            f"synthetic measurements must have at most {_MOST_PULSES:,} pulses",
            got=f"{len(once):,} x {devices:,} x {cycles:,}", where="--devices, --cycles", do="Ask for fewer.",
        )  # fmt: skip
    g = pulse_response(device, np.tile(once, cycles), devices, seed)
    stuck = draw_stuck(device, (1, 1, devices), seed)
    if stuck is not None:
        g[:, stuck.high[0, 0]] = device.g_max
    train = len(once)
    rows = np.concatenate([np.arange(c * train, (c + 1) * train + 1) for c in range(cycles)])
    seen = g[rows].T
    if device.sigma_read:
        noise = [normal(devices, seed=seed, stream=Stream.READ, step=i) for i in range(len(rows))]
        seen = np.abs(seen * (1.0 + device.sigma_read * np.stack(noise, axis=1)))
    polarity = np.tile(np.concatenate([[0], np.where(once, 1, -1)]), cycles * devices).astype(np.int8)
    n = len(polarity)
    return Measurements(
        device_id=np.repeat(np.arange(devices, dtype=np.int32), len(rows)),
        cycle=np.tile(np.repeat(np.arange(cycles, dtype=np.int32), train + 1), devices),
        pulse=np.tile(np.arange(train + 1, dtype=np.int32), cycles * devices),
        polarity=polarity,
        amplitude_V=np.select([polarity > 0, polarity < 0], [device.v_ltp, device.v_ltd], 0.0),
        width_s=np.select([polarity > 0, polarity < 0], [device.t_ltp, device.t_ltd], 0.0),
        G_S=seen.ravel(),
        read_V=np.full(n, device.v_read),
        temperature_K=np.full(n, _ROOM_K),
        source=device.name,
        devices=tuple(str(d) for d in range(devices)),
    )
