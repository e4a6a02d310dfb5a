"""``synarray lifetime``: what a finished run wore out, how long its array lives, and what it still reads later."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from synarray.cost.prices import load_periphery
from synarray.cost.wear import parse_share
from synarray.errors import SpecError
from synarray.report import figures
from synarray.report.array_section import pulse_edges
from synarray.report.charts import pulses_per_cell
from synarray.report.lifetime_tables import lifetime_table, retention_table
from synarray.report.run_tables import Terminal, standard_output
from synarray.run.folder import open_run
from synarray.run.lifetime import lifetime_of
from synarray.run.retention import Retained, read_later, unconfirmed_ageing
from synarray.units import parse_temperature

__all__ = ["show_lifetime"]


def show_lifetime(
    path: Path, share: str, retention: bool, temperature: str | None, node: str | None, out: Path | None, kind: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Print how long an array lives, and how well it reads later; draw how the pulses are spread over its cells."""
    figures.check_format(kind)
    kelvins = None if temperature is None else _kelvins(temperature)
    run, periphery = open_run(path), load_periphery(node)
    lifetime = lifetime_of(run, parse_share(share), periphery)
    retained: list[Retained] | None = None
    if retention or kelvins is not None:
        with Terminal(stderr=True).status("reading the test images again"):
            retained = read_later(run, temperature=kelvins, workers=os.cpu_count() or 1)
    drawn = {"pulses": pulses_per_cell(lifetime.pulses, pulse_edges(float(lifetime.pulses.max())))}
    files = figures.save(drawn, figures.folder_beside(path, out), kind)
    if as_json:
        told = {
            "retention": None if retained is None else [_told(point) for point in retained],
            "retention_unconfirmed": unconfirmed_ageing(run),
            "temperature": kelvins,
        }
        print(json.dumps(lifetime.summary() | told | {"run_dir": str(path), "figures": [str(file) for file in files]}))
        return
    console = standard_output()
    console.print(lifetime_table(lifetime))
    for note in lifetime.notes:
        console.print(f"Note: {note}")
    if retained:
        console.print(retention_table(retained, kelvins))
        if doubtful := unconfirmed_ageing(run):
            console.print(f"Note: Nobody has confirmed how these cells age: {', '.join(doubtful)}.")
    elif retained is not None:
        console.print("Retention: not known. No law says how these cells change by themselves.")
    console.print("Figures:", *(str(file) for file in files), soft_wrap=True)


def _kelvins(text: str) -> float:
    try:
        return parse_temperature(text)
    except ValueError as error:
        raise SpecError(
            f"--temperature {error}", got=repr(text), where="--temperature", do="Write for example --temperature 85C."
        ) from None


def _told(point: Retained) -> dict[str, Any]:
    read = point.evaluation
    return {
        "seconds": point.seconds,
        "accuracy": read.accuracy,
        "low": read.accuracy_low,
        "high": read.accuracy_high,
    }
