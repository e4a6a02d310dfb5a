"""One self-contained HTML page per verdict, to be sent to a colleague, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from synarray import __version__
from synarray.extras import require
from synarray.judge.verdict import Verdict
from synarray.judge.words import amount, count
from synarray.lab.fitting import Fit
from synarray.lab.rows.measured import Measurements
from synarray.report.fit_views import SHOWN_DRAWS, fit_sentences, fitted_curves, rows_sentences, steps_left
from synarray.report.html import render, write_page
from synarray.report.style import inline_svg
from synarray.report.verdict_figures import responses, waterfall
from synarray.report.verdict_tables import (
    absent,
    beside_table,
    change_table,
    cost_table,
    device_table,
    energy_table,
    fact_table,
    marks,
    reach_sentence,
    reach_table,
)

__all__ = ["check_can_write", "write_verdict"]


def check_can_write() -> None:
    """Refuse at once, not after minutes of training, where a page could not be made; raises MissingExtraError."""
    require("report", "pages of a verdict", "jinja2", "matplotlib")


def write_verdict(verdict: Verdict, folder: Path, measured: Measurements | None = None, fit: Fit | None = None) -> Path:
    """Write ``index.html`` and ``verdict.json`` into a folder, each whole or not at all. Returns the page's path.

    Parameters
    ----------
    verdict : Verdict
    folder : Path
    measured : Measurements, optional
        Pulses that the device was fitted to, drawn with it.
    fit : Fit, optional
        Of these pulses, where the verdict began with them.

    Raises
    ------
    RunError
        When the folder cannot be written, or jinja2 or matplotlib is missing.
    """
    check_can_write()
    page = _render(verdict, measured, fit)
    numbers = verdict.summary() | ({"fit": fit.as_json()} if fit else {}) | {"version": __version__}
    write_page(folder / "verdict.json", json.dumps(numbers, indent=1))
    return write_page(folder / "index.html", page)


def _render(verdict: Verdict, measured: Measurements | None, fit: Fit | None) -> str:
    from markupsafe import Markup

    attributed, first, sentences = verdict.attribution, verdict.trials[0].metrics, verdict.sentences
    drawn = _drawn(verdict, measured)
    return render(
        "verdict.html",
        **{name: Markup(svg) for name, svg in drawn.items()},  # made here, of numbers and our own words
        device=verdict.device,
        task=verdict.task_name,
        partial="" if verdict.complete else sentences[0],
        sentences=sentences[not verdict.complete :],
        tiles=_tiles(verdict),
        unconfirmed=verdict.unconfirmed,
        attributed=attributed is not None,
        costs=cost_table(verdict),
        draws=attributed.draws if attributed else 0,
        trained=f"{attributed.trained:,}" if attributed else "",
        held=f"{attributed.held:,}" if attributed else "",
        absent=absent(verdict),
        changes=change_table(verdict),
        changed_draws=max((change.draws for change in verdict.improvements), default=0),
        beside=beside_table(verdict),
        scatter=_scatter(verdict),
        reach=reach_table(verdict),
        reach_sentence=reach_sentence(verdict.reach) if verdict.reach else "",
        energy=energy_table(verdict),
        unknown=_unknown(verdict),
        facts=fact_table(verdict),
        node=f"{verdict.periphery.node_nm:g}",
        fitted=bool(verdict.posterior),
        pulses=Path(measured.source).name if measured else "",
        fit_sentences=fit_sentences(fit) if fit else rows_sentences(measured) if measured else [],
        numbers=device_table(verdict.device, verdict.posterior),
        experiment=verdict.spec.name,
        images=f"{first['images_seen']:,}",
        neurons=f"{first['n_neurons']:,}",
        seeds=", ".join(str(trial.metrics["seed"]) for trial in verdict.trials),
        test_images=f"{first['test_images']:,}",
        command=verdict.question.command,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{platform.system()} {platform.machine()}",
    )


def _drawn(verdict: Verdict, measured: Measurements | None) -> dict[str, str]:
    """Draw what the verdict has: costs, pulse response; measured pulses with the device: trains, and steps over the state."""
    attributed, device = verdict.attribution, verdict.device
    drawn = {"waterfall": "", "response": "", "trains": "", "steps": ""}
    if attributed and (attributed.own or attributed.assumed):
        drawn["waterfall"] = inline_svg(
            waterfall(attributed), "waterfall", "What each imperfection costs, as a waterfall"
        )
    response = responses(device, verdict.posterior[:SHOWN_DRAWS])
    if response:
        drawn["response"] = inline_svg(response, "response", "Conductance against pulses")
    if measured is not None:
        drawn["trains"] = inline_svg(
            fitted_curves(device, measured, (4.3, 2.9), verdict.posterior[:SHOWN_DRAWS]), "trains", "Measured trains"
        )
        if not device.binary:
            steps = steps_left(device, measured, (6.4, 4.6))
            drawn["steps"] = inline_svg(steps, "steps", "Measured steps over the state, with the law")
    return drawn


def _unknown(verdict: Verdict) -> str:
    """Say what is unknown about the pulses, as the subject of a sentence."""
    both = " and ".join(sorted(verdict.unknown))
    return f"{both} {'are' if ' and ' in both else 'is'}" if both else ""


def _scatter(verdict: Verdict) -> str:
    """Half width of where one more training of the same device reads, in points."""
    if not verdict.beside or len(verdict.trials) < 2:
        return ""
    accuracy = verdict.accuracy
    return f"{50 * ((accuracy.high or 0) - (accuracy.low or 0)):.1f}"


def _tiles(verdict: Verdict) -> list[tuple[str, str]]:
    """Pick the headline numbers, with their intervals in the small print."""
    mark, left, accuracy = marks(verdict), verdict.trainings_left, verdict.accuracy
    low, high = (100 * (end or 0) for end in accuracy[1:])
    life = ("not known", "trainings it lasts: no endurance in the device's file")
    if left is not None:
        never = not np.isfinite(left.value)
        life = ("no end" if never else count(left.value), "trainings until 1 % of the cells have failed")
    return [
        (
            f"accuracy; 95 % of single trainings: {low:.2f} to {high:.2f} %",
            f"{100 * accuracy.value:.2f} %{mark['accuracy']}",
        ),
        ("energy of one training", amount(verdict.energy, "J") + mark["energy"]),
        ("time of one training, rows in parallel", amount(verdict.time("row-parallel"), "s") + mark["time"]),
        (life[1], life[0] + (mark["lifetime"] if left is not None else "")),
    ]
