"""Numbers of retention and endurance written into a device's file, each beside its source; a binary device of its loops alone."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.files import read_text, write_file
from synarray.lab.traces.retention import Aged
from synarray.lab.traces.trends import Number
from synarray.units import format_quantity

__all__ = ["add_to_device", "device_of_loops"]

_UNITS = {"drift_t0": "s", "retention": "s", "g_min": "S", "g_max": "S"}
_KEPT = ("g_min", "g_max")
"""Numbers that a device's file keeps where it has them: its own pulses tell more of them."""


def _line(key: str, number: Number, aged: Aged) -> str:
    """Write one number as a device's file has it."""
    value = float(f"{number.value:.6g}")
    text = json.dumps(format_quantity(value, _UNITS[key])) if key in _UNITS else repr(value)
    known = number.low != number.high
    interval = f"; 95 % interval {number.low:.4g} to {number.high:.4g}" if known else ""
    unsure = ", confirmed = false" if number.high == float("inf") else ""
    source = json.dumps(f"{aged.kind} in {aged.source}{interval}", ensure_ascii=False)
    return f"{key} = {{ value = {text}, source = {source}{unsure} }}"


def add_to_device(path: Path, aged: Aged) -> list[str]:
    """Put numbers into a device's file, in the place of those that are there; the file must stay a device.

    Returns
    -------
    list of str
        The names of the numbers that were put in.

    Raises
    ------
    DataError
        When the file cannot be read.
    SpecError
        When what comes out is no device; the file is then left as it was.
    """
    try:
        lines = read_text(path).split("\n")
    except (OSError, ValueError) as error:
        raise DataError("a device's file must be readable", got=getattr(error, "strerror", None) or str(error), where=str(path),
                        do="Fit pulses first: synarray device fit PULSES -o my-device.toml.") from None  # fmt: skip
    own = next((i for i, line in enumerate(lines) if re.match(r"\s*\[", line)), len(lines))
    there = {found[1] for line in lines[:own] if (found := re.match(r"\s*(\w+)\s*=", line))}
    added = [key for key in aged.numbers if key not in _KEPT or key not in there]
    head = [line for line in lines[:own] if not ((found := re.match(r"\s*(\w+)\s*=", line)) and found[1] in added)]
    while head and not head[-1].strip():
        head.pop()
    text = (
        "\n".join([*head, *(_line(key, aged.numbers[key], aged) for key in added), "", *lines[own:]]).rstrip("\n")
        + "\n"
    )
    values = tomllib.loads(text)
    values.pop("posterior", None)
    DeviceSpec.read(values, str(path))
    write_file(path, text.encode())
    return added


def device_of_loops(aged: Aged, name: str) -> str:
    """Write a binary device of the two states of its endurance loops."""
    lines = [
        f"name = {json.dumps(name)}",
        f"title = {json.dumps(f'States of {aged.source}', ensure_ascii=False)}",
        'law = "binary"',
        "",
    ]
    return "\n".join([*lines, *(_line(key, number, aged) for key, number in aged.numbers.items())]) + "\n"
