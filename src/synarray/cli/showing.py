"""``synarray show``: a finished run, in the terminal and as figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from synarray.report import figures
from synarray.report.run_tables import fields_in_blocks, metrics_table, standard_output
from synarray.run.folder import open_run

__all__ = ["show_run"]


def show_run(path: Path, out: Path | None, kind: str, neurons: int, as_json: bool) -> None:
    """Print a run's table and receptive fields; write its figures."""
    figures.check_format(kind)
    run = open_run(path)
    folder = figures.folder_beside(path, out)
    drawn = {
        "receptive-fields": figures.receptive_fields(run.arrays, run.image_shape, neurons),
        "training-curve": figures.training_curve(run.history, run.metrics["accuracy"]),
    }
    if "confusion" in run.arrays:
        drawn["confusion"] = figures.confusion(run.arrays["confusion"], run.arrays["classes"])
    files = figures.save(drawn, folder, kind)
    if as_json:
        history = [vars(point) for point in run.history]
        print(
            json.dumps(
                run.metrics | {"run_dir": str(path), "figures": [str(file) for file in files], "history": history}
            )
        )
        return
    console = standard_output()
    console.print(metrics_table(run.metrics))
    curve = [point for point in run.history if point.accuracy is not None]
    picked = [curve[i] for i in np.unique(np.linspace(0, len(curve) - 1, 8).astype(int))] if curve else []
    console.print(
        "Training curve:", "  ".join(f"{p.presentations:,}: {p.accuracy:.1%}" for p in picked), highlight=False
    )
    per_line = max(1, console.width // ((run.image_shape or (0, 28))[1] + 2))
    fields = figures.fields_of(run.arrays, run.image_shape, 2 * per_line)
    if fields.shape[2] + 2 <= console.width:
        console.print("Receptive fields of the busiest neurons (bright = high conductance):")
        console.print(fields_in_blocks(fields, console.width, console.color_system is not None))
    console.print("Figures:", *(str(file) for file in files), soft_wrap=True)
