"""One self-contained HTML page per verdict, to be sent to a colleague, and the same numbers as JSON beside it."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

from synarray import __version__
from synarray.errors import RunError
from synarray.judge.judge import Verdict
from synarray.lab.fitting import Fit
from synarray.lab.rows.measured import Measurements
from synarray.report.fit_views import fit_sentences, fitted_curves, rows_sentences, steps_left
from synarray.report.html import render, write_page
from synarray.report.style import inline_svg
from synarray.report.verdict_figures import responses, waterfall
from synarray.report.verdict_tables import (
    absent,
    cost_rows,
    device_rows,
    energy_rows,
    fact_rows,
    quantity,
    reach_rows,
    reach_sentence,
    sentences,
    task_name,
)

__all__ = ["check_can_write", "write_verdict"]

_DRAWN = 20
"""Draws of a fit shown in the figure."""


def check_can_write() -> None:
    """Refuse at once, not after minutes of training, where a page could not be made.

    Raises
    ------
    RunError
        When jinja2 or matplotlib is missing.
    """
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise RunError(
            f"a verdict's page needs {error.name}", got="an environment without it", where="report",
            do="pip install 'synarray[report]'",
        ) from None  # fmt: skip


def write_verdict(verdict: Verdict, folder: Path, measured: Measurements | None = None, fit: Fit | None = None) -> Path:
    """Write ``index.html`` and ``verdict.json`` into a folder, each whole or not at all. Returns the page's path.

    Parameters
    ----------
    verdict : Verdict
    folder : Path
    measured : Measurements, optional
        Pulses that the device stands for, drawn with it.
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

    costs, first, facts = cost_rows(verdict), verdict.trials[0].metrics, fact_rows(verdict)
    response = responses(verdict.device, verdict.posterior[:_DRAWN])
    drawn = {
        "waterfall": inline_svg(
            waterfall(verdict.attribution), "waterfall", "What each imperfection costs, as a waterfall"
        )
        if costs
        else "",
        "response": inline_svg(response, "response", "Conductance against pulses") if response else "",
        **_evidence(verdict, measured),
    }
    wires = {name: quantity(ohms, "ohm") for name, ohms in verdict.spec.array.wires if ohms}
    return render(
        "verdict.html",
        **{name: Markup(svg) for name, svg in drawn.items()},  # made here, of numbers and our own words
        device=verdict.device,
        task=task_name(verdict),
        sentences=sentences(verdict),
        tiles=_tiles(facts),
        facts=facts,
        unconfirmed=verdict.unconfirmed,
        pulses=Path(measured.source).name if measured else "",
        told=fit_sentences(fit) if fit else rows_sentences(measured) if measured else [],
        costs=costs,
        absent=absent(verdict),
        draws=len(verdict.trials),
        fitted=bool(verdict.draws),
        kept=len(verdict.posterior),
        trained=f"{verdict.attribution.trained:,}",
        held=f"{verdict.attribution.held:,}",
        reach=reach_rows(verdict),
        reach_sentence=reach_sentence(verdict),
        wanted=f"{100 * verdict.reach.wanted:g}" if verdict.reach else "",
        numbers=device_rows(verdict.device, verdict.posterior),
        energy=energy_rows(verdict),
        node=f"{verdict.periphery.node_nm:g}",
        experiment=verdict.spec.name,
        images=f"{first['images_seen']:,}",
        neurons=f"{first['n_neurons']:,}",
        seeds=", ".join(str(trial.metrics["seed"]) for trial in verdict.trials),
        wires=", ".join(f"{name} {ohms}" for name, ohms in wires.items()),
        test_images=f"{first['test_images']:,}",
        command=verdict.question.command,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{platform.system()} {platform.machine()}",
    )


def _evidence(verdict: Verdict, measured: Measurements | None) -> dict[str, str]:
    """Draw measured pulses with the device: trains, and steps over the state."""
    if measured is None:
        return {}
    drawn = {"trains": inline_svg(fitted_curves(verdict.device, measured, (4.3, 2.9)), "trains", "Measured trains")}
    if not verdict.device.binary:
        steps = steps_left(verdict.device, measured, (6.4, 4.6))
        drawn["steps"] = inline_svg(steps, "steps", "Measured steps over the state, with the law")
    return drawn


def _tiles(facts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pick the headline numbers, with their intervals in the small print."""
    tiles = []
    for name, value in [*facts[:1], *facts[2:4], facts[6]]:
        number, _, interval = value.partition(" (")
        mark = "?" if value.endswith("?") and not number.endswith("?") else ""
        known = not number.startswith("not known")
        small = f"{name}: {interval.rstrip('?)')}" if interval else name
        tiles.append((small, number + mark) if known else ("trainings: no endurance in the device's file", "not known"))
    return tiles
