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
from synarray.report.claims_section import claims_section, verdicts_table
from synarray.report.html import write_page
from synarray.report.learning_section import learning_pictures
from synarray.report.sections import Page, Picture, Section, write
from synarray.report.tables import Code, Table
from synarray.report.words import counted, times
from synarray.run.folder import result_arrays

__all__ = ["accuracy_table", "factors_table", "write_report"]


def write_report(rows: Sequence[Row], folder: Path, claims: Claims | None = None, kind: str = "svg") -> Path:
    """Write ``index.html``, its figures and ``table.json`` into a folder. Returns the page's path.

    Raises
    ------
    RunError
        When jinja2 is missing, or the folder cannot be written.
    """
    verdicts = verdicts_table(rows, claims)
    page = Page(
        "The paper's experiment, measured here",
        [
            *([Section("verdicts", "The verdicts", tables=[verdicts])] if verdicts.rows else []),
            _accuracy(rows),
            _saved(rows),
            *([claims_section(claims, "synarray reproduce")] if claims else []),
            *(_pictures(row) for row in rows if row.spec.picture),
            _commands(rows),
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


def accuracy_table(rows: Sequence[Row]) -> Table:
    """Lay out how many test images each row reads correctly, beside what the paper states."""
    columns = (
        "network",
        "soft votes %",
        "hard votes %",
        "weights absent or pruned",
        "pulses (million)",
        "images/s",
        "the paper states",
    )
    lines = []
    for row in rows:
        spread = row.spread("accuracy")
        lines.append(
            (
                row.title,
                f"{100 * row.mean('accuracy'):.2f}" + ("" if np.isnan(spread) else f" +- {100 * spread:.2f}"),
                f"{100 * row.mean('accuracy_hard'):.1f}",
                f"{row.mean('spared_fraction'):.0%}",
                f"{row.mean('pulses') / 1e6:.2f}",
                f"{row.mean('images_per_second'):,.0f}",
                row.spec.paper,
            )
        )
    unconfirmed = sorted({row.metrics[0]["device"] for row in rows if row.metrics[0]["unconfirmed"]})
    shows = ", ".join(f"synarray devices show {name}" for name in unconfirmed)
    note = f"? rests on unconfirmed numbers of a device: {shows}." if unconfirmed else ""
    title = f"Mean over {counted(len(rows[0].metrics), 'seed')} (+- standard deviation)"
    return Table(title, columns, lines, texts=(6,), note=note)


def factors_table(rows: Sequence[Row]) -> Table:
    """Lay out what each row's scheme saved, as a product of counted factors."""
    columns = ("network", *(factor.name for factor in rows[0].factors), "product")
    lines = [
        [
            row.title,
            *(times(factor.ratio) for factor in row.factors),
            times(float(np.prod([f.ratio for f in row.factors]))),
        ]
        for row in rows
    ]
    return Table("Updates of every cell at every draw / pulses sent, as a product", columns, lines)


def _accuracy(rows: Sequence[Row]) -> Section:
    notes = [
        "Mean +- standard deviation over seeds. A test set of 10,000 images has a sampling error of about 0.2 points besides. "
        "Images/s: training on one core while other runs shared the machine. A cell outside a local field never existed: "
        "that is not pruning."
    ]
    chart = figures.dots([row.title for row in rows], [[run["accuracy"] for run in row.metrics] for row in rows])
    seeds = ("network", *(f"seed {run['seed']}" for run in rows[0].metrics))
    numbers = [[row.title, *(f"{100 * run['accuracy']:.2f}" for run in row.metrics)] for row in rows]
    table = Table("Accuracy by row and seed, %", seeds, numbers)
    words = "A dot per seed, a bar at their mean."
    picture = Picture("accuracy", "Accuracy by row", words, chart, table, "synarray reproduce", wide=True)
    return Section("accuracy", "Accuracy", tables=[accuracy_table(rows)], pictures=[picture], notes=notes)


def _saved(rows: Sequence[Row]) -> Section:
    note = (
        "Updates of every cell of a fully connected network at every draw of a winner, divided by the pulses sent, as a "
        "product of counted factors (first seed). These are counts, not joules."
    )
    return Section("saved", "What the learning scheme saved", tables=[factors_table(rows)], notes=[note])


def _commands(rows: Sequence[Row]) -> Section:
    lines = [(row.title, Code(row.spec.command)) for row in rows]
    return Section(
        "commands", "Run any row yourself", tables=[Table("Commands", ("row", "command (seed 0)"), lines, texts=(1,))]
    )


def _pictures(row: Row) -> Section:
    """Show one row's network: receptive fields, training curve, and the physical arrays if it is in any."""
    result, key, command = row.example, row.spec.key, row.spec.command
    arrays = result_arrays(result)
    pictures = list(learning_pictures(arrays, result.image_shape, result.history, result.accuracy, command, f"{key}-"))
    machine = result.machine
    if machine.placement is not None:
        maps = array_maps(machine.array, machine.placement)
        for i in range(machine.placement.n_arrays):
            pictures += map_pictures(maps, i, command, f"{key}-")
    return Section(key, row.title, pictures=pictures, narrow=True)
