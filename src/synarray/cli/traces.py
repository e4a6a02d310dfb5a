"""``synarray device fit`` on files that are no pulse trains, and ``--explain``: what is in a file, before anything is fitted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synarray.device.library import load_device
from synarray.errors import RunError, SpecError
from synarray.files import write_file
from synarray.lab.exchange.imported import name_from
from synarray.lab.formats import Explained
from synarray.lab.traces.into_file import add_to_device, device_of_loops
from synarray.lab.traces.retention import Aged
from synarray.lab.traces.trends import Number
from synarray.report.tables import Table
from synarray.report.terminal import standard_output

__all__ = ["require_device_place", "say_aged", "say_explained"]


_BRANCHES = {1: "LTP", -1: "LTD", 2: "program", -2: "erase"}


def say_explained(found: Explained, as_json: bool) -> None:
    """Print what each column of a file was taken for."""
    if as_json:
        columns = [
            {
                "column": c.shown, "number": c.at + 1, "meaning": c.meaning, "branch": _BRANCHES.get(c.branch, ""),
                "label": c.label if c.meaning else "", "unit": c.unit, "why": c.why, "first": list(c.first),
            }
            for c in found.columns
        ]  # fmt: skip
        print(
            json.dumps({"source": found.source, "layout": found.layout, "columns": columns, "said": list(found.said)})
        )
        return
    console = standard_output()
    lines = []
    for c in found.columns:
        if c.why != "no values":
            branch = _BRANCHES.get(c.branch) if c.meaning else None
            meaning = f"{branch} ({c.meaning})" if branch else c.meaning or "not used"
            lines.append((f"{c.at + 1} {c.shown}", meaning, c.unit, c.why, ", ".join(map(_short, c.first))))
    named = ("column", "meaning", "unit", "why", "first values")
    console.print(Table(f"{found.source}: {found.layout}", named, lines, texts=(1, 2, 3, 4)))
    for words in found.said:
        console.print(f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith(".") else "."), soft_wrap=True)
    console.print(
        "Any line can be given: --columns 'MEANING=COLUMN,...', with a name or a number; ignore=COLUMN leaves one out.",
        soft_wrap=True,
    )


def _short(cell: str) -> str:
    """Write a cell with few digits; words as they are."""
    try:
        return f"{float(cell):.4g}" if len(cell) > 10 else cell
    except ValueError:
        return cell if len(cell) <= 24 else f"{cell[:21]}..."


def require_device_place(target: Path) -> None:
    """Refuse a name that is none of a device's file, and to write a device over a file that is none.

    Raises
    ------
    RunError
    """
    if target.suffix != ".toml":
        raise RunError(
            "a device's file must end in .toml", got=target.name or "nothing", where="--output",
            do=f"Write {name_from(target)}.toml.",
        )  # fmt: skip
    if target.is_file():
        try:
            load_device(target)
        except SpecError:
            raise RunError(
                "a device must not be written over a file that is none", got="one that is there", where=str(target),
                do="Name another.",
            ) from None  # fmt: skip


def say_aged(found: Aged, pulses: Path, output: Path | None, into: Path | None, as_json: bool) -> None:
    """Print what retention or endurance says of a device, and put it into the device's file."""
    target, added = into, []
    if into is not None:
        added = add_to_device(into, found)
    elif found.kind == "endurance":
        target = output or Path(f"{name_from(pulses)}.toml")
        require_device_place(target)
        write_file(target, device_of_loops(found, name_from(target)).encode())
        added = list(found.numbers)
    if as_json:
        numbers: dict[str, Any] = {}
        for key, number in found.numbers.items():
            numbers |= {key: number.value, f"{key}_low": number.low, f"{key}_high": _finite(number.high)}
        facts = {key: list(number) for key, number in found.facts.items()}
        written = {"device": str(target) if added else None, "written": added}
        print(json.dumps({"kind": found.kind, **numbers, "facts": facts, "said": list(found.said), **written}))
        return
    console = standard_output()
    rows = [(key, f"{number.value:.4g}", _interval(number)) for key, number in found.numbers.items()]
    console.print(Table(f"{found.source}: {found.kind}", ("number", "value", "95 % interval"), rows))
    for words in found.said:
        console.print(words, soft_wrap=True)
    if added:
        console.print(f"Device: {target} ({', '.join(added)})", soft_wrap=True)
    else:
        console.print(
            f"To put it into a device's file: synarray device fit {pulses} --into my-device.toml", soft_wrap=True
        )


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None


def _interval(number: Number) -> str:
    if number.low == number.high:
        return ""
    return f"above {number.low:.4g}" if number.high == float("inf") else f"{number.low:.4g} to {number.high:.4g}"
