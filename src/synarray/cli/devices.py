"""``synarray devices list | show``: the library, and one device with its sources, curves and how well it can learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import DeviceName, FigureFormat, Json, folder_option

if TYPE_CHECKING:
    from synarray.device.spec import DeviceSpec
    from synarray.network.stdp import Following

__all__ = ["devices"]

devices = typer.Typer(help="The library of memory devices.", no_args_is_help=True, rich_markup_mode=None)


@devices.command("list")
def list_devices(as_json: Json = False) -> None:
    """List the devices of the library. Law, range, levels, spread, and which numbers are unconfirmed."""
    from synarray.device.library import device_names, load_device
    from synarray.report.device_tables import devices_table
    from synarray.report.terminal import standard_output

    found = [load_device(name) for name in device_names()]
    if as_json:
        print(json.dumps({"devices": [_summary(device) for device in found]}))
        return
    console = standard_output()
    console.print(devices_table(found))
    console.print("Every number with its source, and curves: synarray devices show NAME")


@devices.command("show")
def show_device(
    name: DeviceName,
    out: Annotated[Path | None, folder_option("Folder for the figures; default: devices/NAME.")] = None,
    kind: FigureFormat = "png",
    as_json: Json = False,
) -> None:
    """Show a device and the source of every number. Its pulse response, and how well it follows the law of learning."""
    from synarray.array.synapse import SynapseSpec, device_law
    from synarray.device.library import load_device
    from synarray.device.response import measure
    from synarray.network.stdp import StdpSpec, following
    from synarray.report import device_tables, figures
    from synarray.report.terminal import standard_output

    figures.check_format(kind)
    device, synapse = load_device(name), SynapseSpec()
    law = device_law(synapse, device)
    verified, blind = (following(StdpSpec(verify=verify), law) for verify in (True, False))
    digital = synapse.scheme_for(device).sensed_by_bit  # always read before an update
    words = device_tables.follows(synapse, device, verified, blind) + device_tables.programs(device)
    words += device_tables.reads(device)
    train = None if device.step_law.exact else measure(device)
    files, drawn = figures.save_where_possible(
        lambda: (
            ({} if train is None else {"pulse-response": figures.pulse_train(device.name, train)})
            | {"following": figures.law_following(device.name, verified, None if digital else blind)}
        ),
        out or Path("devices") / device.name,
        kind,
    )
    if as_json:
        response = None if train is None else {key: part.tolist() for key, part in train._asdict().items()}
        more = {
            "values": _values(device),
            "following": {"verify": _followed(verified), "state_blind": None if digital else _followed(blind)},
            "pulse_response": response,
            "words": words,
            "figures": [str(file) for file in files],
        }
        print(json.dumps(_summary(device) | more | ({} if files else {"figures_left_out": drawn})))
        return
    console = standard_output()
    console.print(device_tables.device_table(device))
    if device.note:
        console.print(" ".join(device.note.split()))
    if train is not None:
        console.print(device_tables.train_in_blocks(device, train))
    for sentence in words:
        console.print(sentence)
    console.lines(drawn)


def _summary(device: DeviceSpec) -> dict[str, Any]:
    from synarray.array.synapse import SynapseSpec
    from synarray.report.device_tables import levels

    across = levels(device)
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
    from synarray.report.device_tables import acting, unit_of
    from synarray.spec import Spec

    return {
        name: {
            "value": value.model_dump() if isinstance(value := getattr(device, name), Spec) else value,
            "unit": unit_of(device, name),
            "source": source.source if (source := device.sources.get(name)) else None,
            "confirmed": source is not None and source.confirmed,
        }
        for name in acting(device)
    }


def _followed(law: Following) -> dict[str, Any]:
    """How the law of learning is followed; each list has LTD first, then LTP."""
    return {"error": law.error.tolist()} | {key: part.tolist() for key, part in vars(law).items()}
