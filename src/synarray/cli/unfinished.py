"""``synarray show`` of a run that is not finished: its training curve so far."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from synarray.learn.trainer import HistoryPoint

__all__ = ["curve_in_words", "show_curve"]

_POINTS = 8


def curve_in_words(history: Sequence[HistoryPoint]) -> str:
    """Write a training curve in at most eight points; empty when it has none."""
    curve = [point for point in history if point.accuracy is not None]
    if not curve:
        return ""
    picked = [curve[i] for i in np.unique(np.linspace(0, len(curve) - 1, _POINTS).astype(int))]
    return "Training curve: " + "  ".join(f"{p.presentations:,}: {p.accuracy:.1%}" for p in picked)


def show_curve(folder: Path, out: Path, kind: str, as_json: bool) -> None:
    """Show how far an unfinished run is, from its last checkpoint.

    Parameters
    ----------
    folder : Path
        Of the unfinished run (``NAME.partial``).
    out : Path
        For the figure.
    kind : str
        Format of the figure.
    as_json : bool
    """
    from synarray.learn.checkpoint import saved_history
    from synarray.report import figures
    from synarray.report.terminal import standard_output
    from synarray.run.folder import PARTIAL

    history, run = saved_history(folder), str(folder).removesuffix(PARTIAL)
    files: list[Path] = []
    drawn = ""
    if any(point.accuracy is not None for point in history):
        files, drawn = figures.save_where_possible(
            lambda: {"training-curve": figures.training_curve(history, None)}, out, kind
        )
    if as_json:
        found = {"run_dir": run, "finished": False, "history": [vars(point) for point in history]}
        print(json.dumps(found | {"figures": [str(file) for file in files]}))
        return
    console = standard_output()
    reached = f"{history[-1].presentations:,} presentations are saved" if history else "nothing is saved yet"
    console.print(f"{run} is not finished: {reached}.")
    if curve := curve_in_words(history):
        console.print(curve)
    if drawn:
        console.lines(drawn)
    console.lines(f"Resume it: synarray resume {shlex.quote(run)}")
