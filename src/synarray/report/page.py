"""The report of the paper's experiment: one self-contained HTML page, and the same numbers as JSON beside it."""

from __future__ import annotations

import base64
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from synarray import __version__
from synarray.array.maps import array_maps
from synarray.errors import RunError
from synarray.report import figures
from synarray.study.reproduce import PAPER, Row
from synarray.study.runs import result_arrays

__all__ = ["write_page"]


def write_page(rows: Sequence[Row], folder: Path) -> Path:
    """Write ``index.html`` and ``table.json`` into a folder, each atomically. Returns the page's path.

    Raises
    ------
    RunError
        When jinja2 is missing, or the folder cannot be written.
    """
    page = _render(rows)
    numbers = json.dumps({"paper": PAPER, "rows": [row.summary() for row in rows]}, indent=1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("table.json", numbers), ("index.html", page)):
            _replace(folder / name, text)
    except OSError as error:
        raise RunError(
            "the folder for the report must be writable", got=str(error.strerror), where=str(folder),
            do="Give another with --out.",
        ) from None  # fmt: skip
    return folder / "index.html"


def _render(rows: Sequence[Row]) -> str:
    try:
        import jinja2
    except ImportError:
        raise RunError(
            "reports need jinja2", got="an environment without it", where="report", do="pip install 'synarray[report]'"
        ) from None
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (resources.files("synarray.report") / "page.html").read_text("utf-8")
    )
    chart = figures.dots([row.title for row in rows], [[run["accuracy"] for run in row.metrics] for row in rows])
    return template.render(
        paper=PAPER,
        version=__version__,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        seeds=", ".join(str(run["seed"]) for run in rows[0].metrics),
        rows=[_line(row) for row in rows],
        unconfirmed=sorted({row.metrics[0]["device"] for row in rows if row.metrics[0]["unconfirmed"]}),
        factor_names=[factor.name for factor in rows[0].factors],
        bars=_data_uri(figures.png(chart)),
        pictures=[_picture(row) for row in rows if row.spec.picture],
    )


def _line(row: Row) -> dict[str, Any]:
    spread = row.spread("accuracy")
    return {
        "title": row.title,
        "paper": row.spec.paper,
        "command": row.spec.command,
        "accuracy": f"{100 * row.mean('accuracy'):.2f}" + ("" if np.isnan(spread) else f" +- {100 * spread:.2f}"),
        "hard": f"{100 * row.mean('accuracy_hard'):.1f}",
        "spared": f"{row.mean('spared_fraction'):.0%}",
        "pulses": f"{row.mean('pulses') / 1e6:.2f}",
        "speed": f"{row.mean('images_per_second'):,.0f}",
        "factors": [f"{factor.ratio:.3g}x" for factor in row.factors],
        "product": f"{np.prod([factor.ratio for factor in row.factors]):,.0f}x",
    }


def _picture(row: Row) -> dict[str, Any]:
    result = row.example
    fields = figures.receptive_fields(result_arrays(result), result.image_shape, 36)
    curve = figures.training_curve(result.history, result.accuracy)
    return {
        "title": row.title,
        "fields": _data_uri(figures.png(fields)),
        "curve": _data_uri(figures.png(curve)),
        "maps": _maps(row),
    }


def _maps(row: Row) -> list[str]:
    """Draw the physical arrays of a network that lies in cells of a device."""
    machine = row.example.machine
    if machine.placement is None:
        return []
    maps = array_maps(machine.array, machine.placement)
    return [_data_uri(figures.png(figures.array_maps(maps, i, row.title))) for i in range(machine.placement.n_arrays)]


def _data_uri(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, whole."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
