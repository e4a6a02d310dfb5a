"""Devices in tables: the library, every number with its source; and in words how well pulses follow the law of learning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from synarray.array.programming import write_verify
from synarray.array.read_noise import ROOM_TEMPERATURE, floor_of
from synarray.array.synapse import SynapseSpec
from synarray.cost.conditions import levels_told_apart
from synarray.device.response import PulseTrain
from synarray.device.spec import DeviceSpec
from synarray.network.stdp import Following
from synarray.report.tables import Table
from synarray.units import quantity

__all__ = [
    "acting",
    "device_table",
    "devices_table",
    "follows",
    "levels",
    "programs",
    "reads",
    "train_in_blocks",
    "unit_of",
]

_WORDS = ("name", "title", "technology", "note", "law", "gated", "sources")
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def acting(device: DeviceSpec) -> list[str]:
    """Names of the numbers that make the device what it is: those given, and the defaults that act."""
    known = {*device.model_fields_set, *device.acting} - {*_WORDS}
    return [name for name in DeviceSpec.model_fields if name in known and getattr(device, name) is not None]


def unit_of(device: DeviceSpec, name: str) -> str:
    """SI unit of a number of the device; "1" where it has none."""
    text = device.model_dump(include={name})[name]
    if isinstance(text, str) and text.endswith("eV"):
        return "J"
    return text[-1] if isinstance(text, str) else "1"  # "2.3 uS": of all prefixed units, the last letter


def levels(device: DeviceSpec) -> tuple[float, float] | None:
    """LTP pulses and LTD pulses from end to end; None where they are not fixed."""
    return device.step_law.levels(device)


def devices_table(devices: Sequence[DeviceSpec]) -> Table:
    """Lay out the library; a question mark follows every unconfirmed value."""
    columns = (
        "name",
        "title",
        "law",
        "range",
        "LTP / LTD levels",
        "LTP / LTD nonlinearity",
        "c2c",
        "scheme",
        "unconfirmed",
    )
    rows = [
        (
            device.name,
            device.title,
            device.law,
            f"{_marked(device, 'g_min')} to {_marked(device, 'g_max')}",
            "2 states" if device.binary else _both(device, "n_levels") if levels(device) else "-",
            _both(device, "nonlinearity") if device.step_law.labelled else "0" if device.step_law.straight else "-",
            f"{100 * device.sigma_c2c:g} %" + _mark(device, "sigma_c2c") if device.sigma_c2c else "-",
            SynapseSpec().scheme_for(device).name,
            f"{len(device.unconfirmed)} of {len(acting(device))}" if device.unconfirmed else "",
        )
        for device in devices
    ]
    return Table("Devices (? = unconfirmed)", columns, rows, texts=(1, 2))


def device_table(device: DeviceSpec) -> Table:
    """Lay out every number of a device with its unit and source."""
    rows = []
    for name in acting(device):
        source = device.sources.get(name)
        confirmed = "yes" if source and source.confirmed else "no"
        rows.append((name, _text(device, name), confirmed, source.source if source else "no source given"))
    title = f"{device.name}: {device.title or device.technology}"
    return Table(title, ("number", "value", "confirmed", "source"), rows, texts=(2, 3))


def train_in_blocks(device: DeviceSpec, train: PulseTrain, width: int = 64, height: int = 6) -> RenderableType:
    """Draw the law's conductance over an LTP and then an LTD train as columns of block characters, from g_min to g_max."""
    at = np.rint(np.linspace(0, len(train.nominal) - 1, width)).astype(int)
    eighths = np.rint((train.nominal[at] - device.g_min) / device.g_range * 8 * height).astype(int)
    lines = ["".join(_EIGHTHS[min(max(n - 8 * row, 0), 8)] for n in eighths) for row in reversed(range(height))]
    lines[0] += f" {_marked(device, 'g_max')}"
    lines[-1] += f" {_marked(device, 'g_min')}"
    ltp = np.count_nonzero(train.up)
    return Group(
        *(Text(line) for line in lines), Text(f"LTP pulses: {ltp:,}, then LTD pulses: {len(train.up) - ltp:,}")
    )


def follows(synapse: SynapseSpec, device: DeviceSpec, verified: Following, blind: Following) -> list[str]:
    """Say in words how well the device can follow the law of learning.

    Parameters
    ----------
    synapse : SynapseSpec
        How the weight lives in cells.
    device : DeviceSpec
    verified, blind : Following
        The compiled law with and without a read before each update.

    Returns
    -------
    list of str
        Sentences.
    """
    scheme = synapse.scheme_for(device)
    sentences = [scheme.words, *([device.step_law.words] if scheme.gradual else [])]
    if device.step_law.exact:
        return sentences
    sentences.append(f"With a read before each update (verify), pulses follow {_closeness(verified)}.")
    if not scheme.sensed_by_bit:
        sentences.append(f"State-blind pulses follow {_closeness(blind)}.")
    for row, name in ((1, "LTP"), (0, "LTD")):
        sentences.append(_coarseness(name, blind, verified, row))
    if verified.spread.any():
        ltd, ltp = (f"{100 * spread:.0f} %" for spread in verified.spread)
        sentences.append(f"From cycle to cycle a pulse spreads by {ltp} of its step (LTP) and {ltd} (LTD).")
    return sentences


def programs(device: DeviceSpec) -> list[str]:
    """Say in words how many pulses write-verify needs, measured on 2,000 cells with targets over the whole range."""
    if device.binary or device.step_law.exact:
        return []
    done = write_verify(device, np.linspace(device.g_min, device.g_max, 2000))
    median, most = np.quantile(done.pulses[done.arrived], [0.5, 0.95])
    lost = 1.0 - done.arrived.mean()
    return [
        f"Write-verify to 2 % of the range takes {median:.0f} pulses at the median, {most:.0f} for 95 % of the cells; "
        + (f"{100 * lost:.1f} % do not arrive within 200 (stuck, or out of their range)." if lost else "all arrive.")
    ]


def reads(device: DeviceSpec, temperature: float = ROOM_TEMPERATURE) -> list[str]:
    """Say in words what the noise floor of a read is, how long a look-up must last, and what it then costs in the cell."""
    levels = levels_told_apart(SynapseSpec(), device)
    floor = floor_of(device, levels, temperature)
    text = (
        f"The thermal and shot noise of a read of {quantity(device.t_read, 's')} at {temperature:g} K is {floor.rms:.3g} levels "
        f"rms at g_max, of the {levels} levels that the learner looks up: "
    )
    if floor.enough:
        return [f"{text}all of them can be distinguished."]
    power = device.v_read**2 * 0.5 * (device.g_min + device.g_max)
    return [
        f"{text}only {floor.told_apart} can be distinguished, which is too few. {quantity(floor.seconds, 's')} would do, at "
        f"{quantity(power * floor.seconds, 'J')} in a cell in the middle of its range instead of "
        f"{quantity(power * device.t_read, 'J')}. To simulate this noise: --set array.thermal_noise=true."
    ]


def _closeness(law: Following) -> str:
    ltd, ltp = law.error
    if max(ltd, ltp) < 0.005:
        return "the law exactly in the mean"
    parts = (
        f"{name} " + (f"within {100 * e:.0f} %" if e >= 0.005 else "exactly")
        for name, e in (("LTP", ltp), ("LTD", ltd))
    )
    return " and ".join(parts) + " (rms over the states, relative to the law)"


def _coarseness(name: str, asked: Following, sent: Following, row: int) -> str:
    """Compare one pulse with the movement asked at both ends of the range; the law is the one that no bound cuts off."""
    if not asked.asked[row].any():
        return f"The law asks for no {name}."
    ratio = asked.single[row] / np.maximum(asked.asked[row], 1e-300)
    mean = sent.pulses[row].mean()
    first, last = (f"{r:.2g}" if r < 100 else f"{r:,.0f}" for r in (ratio[0], ratio[-1]))
    same = f"{first} times what the law asks in every state"
    ends = f"{first} times what the law asks at the low end of the range and {last} times at the high end"
    rate = f"{mean:.2g} pulses" if mean >= 0.995 else f"a pulse with probability {mean:.2g}"
    return f"One {name} pulse is {same if first == last else ends}; with verify an update sends {rate} on average."


def _text(device: DeviceSpec, name: str) -> str:
    if device.response is not None and name == "response":
        return f"{len(device.response.x)} states"
    value = device.model_dump(include={name})[name]
    return value if isinstance(value, str) else f"{value:g}"


def _mark(device: DeviceSpec, name: str) -> str:
    return "?" if name in device.unconfirmed else ""


def _marked(device: DeviceSpec, name: str) -> str:
    return _text(device, name) + _mark(device, name)


def _both(device: DeviceSpec, name: str) -> str:
    return " / ".join(_marked(device, f"{name}_{polarity}") for polarity in ("ltp", "ltd"))
