"""A training at a glance: one line for a prompt, a small card of HTML for a notebook."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
import numpy.typing as npt

from synarray.errors import MissingExtraError
from synarray.run.contents import StoredRun
from synarray.run.drawing import matplotlib_parts
from synarray.run.fields import fields_of, pictured, sheet_of
from synarray.run.price import price_of
from synarray.units import quantity

__all__ = ["card", "line"]

_FIELDS, _COLUMNS, _ZOOM = 24, 8, 2


def line(run: StoredRun) -> str:
    """Say in one line what was trained and what came out."""
    metrics = run.metrics
    accuracy = "not tested" if metrics["accuracy"] is None else f"{metrics['accuracy']:.2%} accuracy"
    where = f" in {metrics['device']}" if metrics["device"] else ""
    return (
        f"{run.experiment.name}: {accuracy}, {metrics['pulses']:,} pulses, {metrics['n_cells']:,} weights{where}, "
        f"{metrics['images_seen']:,} presentations"
    )


def card(run: StoredRun) -> str:
    """Lay out a training as HTML: receptive fields, accuracy, pulses, energy, and what a reader must know."""
    facts = "".join(
        f'<tr><th style="text-align:left;padding-right:1em">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in _facts(run).items()
    )
    notes = "".join(f"<div>Note: {escape(note)}</div>" for note in run.metrics["notes"])
    return (
        '<div style="display:flex;gap:1.5em;align-items:flex-start">'
        f"<div><b>{escape(run.experiment.name)}</b>, seed {run.metrics['seed']}<table>{facts}</table>"
        f'<div style="opacity:.7;max-width:40em">{notes}</div></div><div>{_picture(run)}</div></div>'
    )


def _facts(run: StoredRun) -> dict[str, str]:
    metrics = run.metrics
    facts = {"accuracy": "not tested"}
    if metrics["accuracy"] is not None:
        ends = f"95 %: {metrics['accuracy_low']:.2%} to {metrics['accuracy_high']:.2%}"
        facts["accuracy"] = f"{metrics['accuracy']:.2%} ({ends}; {metrics['test_images']:,} test images)"
    facts["pulses"] = f"{metrics['pulses']:,} on {metrics['n_cells']:,} weights"
    facts["energy"] = "none: weights are ideal, in no device"
    if metrics["device"] is not None:
        facts["device"] = (
            f"{metrics['device']}, {metrics['scheme']}, {metrics['arrays']} array{'s' * (metrics['arrays'] != 1)}"
        )
        price = price_of(run)
        joules = quantity(price.total, "J")
        facts["energy"] = f"{joules} at {price.periphery.node_nm:g} nm" + (
            f" ({len(price.notes)} notes: see energy().notes)" if price.notes else ""
        )
    facts["training"] = f"{metrics['images_seen']:,} presentations in {metrics['train_seconds']:.3g} s"
    return facts


def _picture(run: StoredRun) -> str:
    """Receptive fields as an image inside the page."""
    try:
        parts = matplotlib_parts()
    except MissingExtraError as missing:
        return f"Receptive fields: {escape(missing.do)}"
    fields = fields_of(*pictured(run), _FIELDS)
    picture = parts.colormaps["magma"].with_extremes(bad=(0.5, 0.5, 0.5, 0.2))(_shade(sheet_of(fields, _COLUMNS)))
    content = io.BytesIO()
    parts.image.imsave(content, np.kron(picture, np.ones((_ZOOM, _ZOOM, 1))), format="png")
    text = base64.b64encode(content.getvalue()).decode()
    words = f"receptive fields of {len(fields)} neurons; bright = high conductance"
    return f'<img src="data:image/png;base64,{text}" alt="{words}" title="{words}" style="image-rendering:pixelated"/>'


def _shade(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.ma.masked_invalid((weights + 1) / 2)
