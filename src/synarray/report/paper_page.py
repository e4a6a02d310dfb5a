"""The report of the paper's experiment: one self-contained HTML page, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from synarray.array.maps import array_maps
from synarray.paper.claims import Claims
from synarray.paper.reproduce import PAPER, Row
from synarray.report import figures
from synarray.report.array_section import map_pictures
from synarray.report.claims_section import claims_section
from synarray.report.html import Code, write_page
from synarray.report.learning_section import learning_pictures
from synarray.report.sections import Page, Picture, Section, Table, write
from synarray.run.folder import result_arrays

__all__ = ["write_report"]


def write_report(rows: Sequence[Row], folder: Path, claims: Claims | None = None, kind: str = "svg") -> Path:
    """Write ``index.html``, its figures and ``table.json`` into a folder. Returns the page's path.

    Raises
    ------
    RunError
        When jinja2 is missing, or the folder cannot be written.
    """
    page = Page(
        "The paper's experiment, measured here",
        [
            accuracy(rows),
            spared(rows),
            *([claims_section(claims, "synarray reproduce")] if claims else []),
            *(_pictures(row) for row in rows if row.spec.picture),
            commands(rows),
        ],
        lead=[
            f"{PAPER}.",
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
            f"seeds {', '.join(str(run['seed']) for run in rows[0].metrics)}. Labels of neurons come from training images "
            "only; settings were chosen on a validation split; the test set is read once per run.",
        ],
    )
    numbers: dict[str, Any] = {"paper": PAPER, "rows": [row.summary() for row in rows]}
    numbers |= {"claims": claims.summary()} if claims else {}
    write_page(folder / "table.json", json.dumps(numbers, indent=1))
    return write(page, folder, kind)[0]


def accuracy(rows: Sequence[Row]) -> Section:
    """Tell how many test images each row reads rightly, beside what the paper states."""
    columns = (
        "network", "soft votes %", "hard votes %", "cells not there or pruned", "pulses (million)", "images/s",
        "the paper states",
    )  # fmt: skip
    table = Table("Accuracy by row", columns, [_line(row) for row in rows], texts=(6,))
    notes = [
        "Mean +- standard deviation over seeds. A test set of 10,000 images has a sampling error of about 0.2 points besides. "
        "Images/s: training on one core while other runs shared the machine. A cell outside a local field never existed: "
        "that is not pruning."
    ]
    unconfirmed = sorted({row.metrics[0]["device"] for row in rows if row.metrics[0]["unconfirmed"]})
    if unconfirmed:
        shows = ", ".join(f"synarray devices show {name}" for name in unconfirmed)
        notes.append(f"? The row rests on numbers of a device that nobody has confirmed: {shows}.")
    chart = figures.dots([row.title for row in rows], [[run["accuracy"] for run in row.metrics] for row in rows])
    picture = Picture(
        "accuracy", "Accuracy by row", "A dot per seed, a bar at their mean.", chart,
        Table("Accuracy by row and seed, %", ("network", *(f"seed {run['seed']}" for run in rows[0].metrics)),
              [[row.title, *(f"{100 * run['accuracy']:.2f}" for run in row.metrics)] for row in rows]),
        command="synarray reproduce", wide=True,
    )  # fmt: skip
    return Section("accuracy", "Accuracy", tables=[table], pictures=[picture], notes=notes)


def spared(rows: Sequence[Row]) -> Section:
    """Tell what the learning scheme spared, as a product of counted factors."""
    columns = ("network", *(factor.name for factor in rows[0].factors), "product")
    lines = [
        [row.title, *(f"{factor.ratio:.3g}x" for factor in row.factors), f"{np.prod([f.ratio for f in row.factors]):,.0f}x"]
        for row in rows
    ]  # fmt: skip
    note = (
        "Updates of every cell of a fully connected network at every draw of a winner, divided by the pulses sent, as a "
        "product of counted factors (first seed). These are counts, not joules."
    )
    return Section(
        "spared", "What the learning scheme spared", tables=[Table("Factors by row", columns, lines)], notes=[note]
    )


def commands(rows: Sequence[Row]) -> Section:
    """Say how to run any row."""
    lines = [(row.title, Code(row.spec.command)) for row in rows]
    return Section(
        "commands", "Run any row yourself", tables=[Table("Commands", ("row", "command (seed 0)"), lines, texts=(1,))]
    )


def _line(row: Row) -> list[str]:
    spread = row.spread("accuracy")
    return [
        row.title,
        f"{100 * row.mean('accuracy'):.2f}" + ("" if np.isnan(spread) else f" +- {100 * spread:.2f}"),
        f"{100 * row.mean('accuracy_hard'):.1f}",
        f"{row.mean('spared_fraction'):.0%}",
        f"{row.mean('pulses') / 1e6:.2f}",
        f"{row.mean('images_per_second'):,.0f}",
        row.spec.paper,
    ]


def _pictures(row: Row) -> Section:
    """Show one row's network: receptive fields, training curve, and the physical arrays if it lies in any."""
    result, key, command = row.example, row.spec.key, row.spec.command
    arrays = result_arrays(result)
    pictures = list(learning_pictures(arrays, result.image_shape, result.history, result.accuracy, command, f"{key}-"))
    machine = result.machine
    if machine.placement is not None:
        maps = array_maps(machine.array, machine.placement)
        for i in range(machine.placement.n_arrays):
            pictures += map_pictures(maps, i, command, f"{key}-")
    return Section(key, row.title, pictures=pictures, narrow=True)
