"""``synarray devices``: the library at a glance, and one device with its sources, curves and how well it can learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synarray.array.synapse import SynapseSpec, device_law
from synarray.device.library import device_names, load_device
from synarray.device.response import measure
from synarray.device.spec import DeviceSpec
from synarray.network.stdp import Following, StdpSpec, following
from synarray.report import device_tables as told
from synarray.report import figures
from synarray.report.run_tables import standard_output
from synarray.spec import Spec

__all__ = ["list_devices", "show_device"]


def list_devices(as_json: bool) -> None:
    """Print the library."""
    devices = [load_device(name) for name in device_names()]
    if as_json:
        print(json.dumps({"devices": [_summary(device) for device in devices]}))
        return
    console = standard_output()
    console.print(told.devices_table(devices))
    console.print("Every number with its source, and curves: synarray devices show NAME")


def show_device(source: str, out: Path | None, kind: str, as_json: bool) -> None:
    """Print a device's numbers, sources and curves, and how well its pulses follow the law of learning; write figures."""
    figures.check_format(kind)
    device, synapse = load_device(source), SynapseSpec()
    law = device_law(synapse, device)
    verified, blind = (following(StdpSpec(verify=verify), law) for verify in (True, False))
    read_anyway = synapse.scheme_for(device).sensed_by_bit
    words = told.follows(synapse, device, verified, blind) + told.programs(device)
    train = None if device.step_law.exact else measure(device)
    drawn = {} if train is None else {"pulse-response": figures.pulse_train(device.name, train)}
    drawn["following"] = figures.law_following(device.name, verified, None if read_anyway else blind)
    files = figures.save(drawn, out or Path("devices") / device.name, kind)
    if as_json:
        curves = {"verify": _followed(verified), "state_blind": None if read_anyway else _followed(blind)}
        measured = None if train is None else {key: part.tolist() for key, part in train._asdict().items()}
        more = {
            "following": curves,
            "pulse_response": measured,
            "words": words,
            "figures": [str(file) for file in files],
        }
        print(json.dumps(_summary(device) | {"values": _values(device)} | more))
        return
    console = standard_output()
    console.print(told.device_table(device))
    if device.note:
        console.print(" ".join(device.note.split()))
    if train is not None:
        console.print(told.train_in_blocks(device, train))
    for sentence in words:
        console.print(sentence)
    console.print("Figures:", *(str(file) for file in files), soft_wrap=True)


def _summary(device: DeviceSpec) -> dict[str, Any]:
    across = told.levels(device)
    return {
        "name": device.name,
        "title": device.title,
        "technology": device.technology,
        "law": device.law,
        "g_min": device.g_min,
        "g_max": device.g_max,
        "levels": None if across is None else dict(zip(("ltp", "ltd"), across, strict=True)),
        "scheme": SynapseSpec().scheme_for(device).name,
        "cells_per_weight": SynapseSpec().cells_per_weight(device),
        "unconfirmed": device.unconfirmed,
    }


def _values(device: DeviceSpec) -> dict[str, Any]:
    """Every number of a device in SI, with unit and source."""
    return {
        name: {
            "value": value.model_dump() if isinstance(value := getattr(device, name), Spec) else value,
            "unit": told.unit_of(device, name),
            "source": source.source if (source := device.sources.get(name)) else None,
            "confirmed": source is not None and source.confirmed,
        }
        for name in told.acting(device)
    }


def _followed(law: Following) -> dict[str, Any]:
    """One way of following the law of learning; each list has LTD first, then LTP."""
    return {"error": law.error.tolist()} | {key: part.tolist() for key, part in vars(law).items()}
