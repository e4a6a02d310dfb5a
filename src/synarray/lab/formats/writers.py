"""Measured pulses written as other tools write them: tables with a row per pulse, curves, lists, sheets."""

from __future__ import annotations

import numpy as np

from synarray.lab.formats.kinds import one_device, text_of
from synarray.lab.rows.measured import COLUMNS, Measurements

__all__ = [
    "write_arc",
    "write_generic",
    "write_list",
    "write_neurosim",
    "write_own",
    "write_simbrain",
    "write_steps",
    "write_values",
]


def write_own(measured: Measurements) -> dict[str, bytes]:
    """Write the project's long CSV."""
    lines = [",".join(COLUMNS)]
    words = {1: "LTP", -1: "LTD", 0: "READ"}
    for i in range(len(measured)):
        rest = (measured.read_V[i], measured.temperature_K[i])
        pulse = (measured.amplitude_V[i], measured.width_s[i])
        cells = [measured.devices[measured.device_id[i]], str(measured.cycle[i]), str(measured.pulse[i])]
        cells += [words[int(measured.polarity[i])], *map(_short, pulse), f"{measured.G_S[i]:.10g}", *map(_short, rest)]
        lines.append(",".join(cells))
    return {"": text_of(lines)}


def _short(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def write_generic(measured: Measurements) -> dict[str, bytes]:
    """Write as a source-measure unit does: its settings, then columns of its own."""
    lines = [
        "Instrument,SMU",
        "Model,generic",
        "Setup,pulse train",
        "",
        "DUT,Loop,Index,Pulse voltage (V),Current (nA),Vread (V)",
    ]
    for i in range(len(measured)):
        read = measured.read_V[i] if np.isfinite(measured.read_V[i]) else 0.1
        sign = measured.amplitude_V[i] if measured.polarity[i] else 0.0
        name = measured.devices[measured.device_id[i]]
        lines.append(
            f"{name},{measured.cycle[i]},{measured.pulse[i]},{sign:.6g},{measured.G_S[i] * read * 1e9:.10g},{read:.6g}"
        )
    return {"": text_of(lines)}


def write_arc(measured: Measurements) -> dict[str, bytes]:
    """Write ArC ONE's CSV; a device is a crossing of a word and a bit line."""
    lines = [
        "ArC ONE",
        "synthetic",
        "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage",
    ]
    for i in range(len(measured)):
        d = int(measured.device_id[i])
        r = 1.0 / measured.G_S[i] if measured.G_S[i] > 0 else np.inf
        v, t = (measured.amplitude_V[i], measured.width_s[i]) if measured.polarity[i] else (0.0, 0.0)
        lines.append(f"{d // 32 + 1},{d % 32 + 1},{r:.10g},{v:.6g},{t:.6g},P,R2,{measured.read_V[i]:.6g}")
    return {"": text_of(lines)}


def write_neurosim(measured: Measurements) -> dict[str, bytes]:
    """Write pulse number and conductance of the first device, each branch numbered from 0."""
    lines = []
    for train in one_device(measured):
        last = train.up[-1] if train.up else train.start
        lines += [f"{i},{g:.10g}" for i, g in enumerate([train.start, *train.up])]
        lines += [f"{i},{g:.10g}" for i, g in enumerate([last, *train.down])]
    return {"": text_of(lines)}


def write_values(measured: Measurements) -> dict[str, bytes]:
    """Write the states of the first train, up and down, in two columns."""
    train = one_device(measured)[0]
    up = [train.start, *train.up]
    down = [train.up[-1] if train.up else train.start, *train.down]
    n = min(len(up), len(down))
    return {"": text_of([f"{a:.10g},{b:.10g}" for a, b in zip(up[:n], down[:n], strict=True)])}


def write_steps(measured: Measurements) -> dict[str, bytes]:
    """Interpolate the steps of the first train at 21 states of the range -1 to 1."""
    train = one_device(measured)[0]
    up, down = np.array([train.start, *train.up]), np.array([train.up[-1], *train.down])
    low, high = min(up.min(), down.min()), max(up.max(), down.max())
    states = np.linspace(low, high, 21)
    rising, falling = np.argsort(up[:-1]), np.argsort(down[:-1])
    plus = np.interp(states, up[:-1][rising], np.diff(up)[rising]) * 2 / (high - low)
    minus = np.interp(states, down[:-1][falling], -np.diff(down)[falling]) * 2 / (high - low)
    return {"": text_of([f"{a:.8g},{b:.8g}" for a, b in zip(plus, minus, strict=True)])}


def write_list(measured: Measurements) -> dict[str, bytes]:
    """Write the conductances after the LTP pulses of the first train."""
    train = one_device(measured)[0]
    return {"": text_of([" ".join(f"{g:.10g}" for g in [train.start, *train.up])])}


def write_simbrain(measured: Measurements) -> dict[str, bytes]:
    """Write SIMBRAIN's sheet; all devices share the voltages of the first one."""
    count = len(measured.devices)
    mine = [np.flatnonzero(measured.device_id == d) for d in range(count)]
    n = min(map(len, mine))
    lines = ["V_pulse,V_read," + ",".join(f"I{d + 1}" for d in range(count))]
    for i in range(n):
        first = mine[0][i]
        v = measured.amplitude_V[first] if measured.polarity[first] else 0.0
        read = measured.read_V[first]
        lines.append(f"{v:.6g},{read:.6g}," + ",".join(f"{measured.G_S[rows[i]] * read:.10g}" for rows in mine))
    return {"": text_of(lines)}
