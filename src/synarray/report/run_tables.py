"""A run in tables, for the terminal and for its page: what it reached, what it counted, and the cells it was trained in."""

from __future__ import annotations

from typing import Any

from synarray.report.tables import Code, Table
from synarray.report.words import percent
from synarray.run.experiment import ExperimentSpec

__all__ = ["paper_states", "run_tables"]

_COUNTS = {
    "pulses": "programming pulses",
    "pulses_ltp": "of them LTP",
    "pulses_ltd": "of them LTD",
    "pulses_pruning": "of them for pruning",
    "pulses_at_bound": "pulses at a bound, which moved nothing",
    "pulses_skipped_by_pruning": "pulses saved by pruning",
    "output_spikes": "output spikes",
    "input_spikes": "input spikes",
    "row_reads": "rows read",
    "column_senses": "columns sensed",
    "cell_reads": "cells read before an update",
}
_COUNTS_OF_CELLS = {
    "pulses_initial": "pulses for the initial weights",
    "pulses_failed": "pulses that failed",
    "verify_reads": "cells read to verify",
    "mask_lookups": "mask bits looked up",
    "pair_refreshes": "pairs refreshed",
    "reads_saturated": "weights beyond what a read resolves",
    "columns_clipped": "columns beyond the range of their converters",
}


def run_tables(metrics: dict[str, Any], states: str | None = None) -> list[Table]:
    """Lay a run out.

    Parameters
    ----------
    metrics : dict
        Of the run (``Result.metrics``, or a run folder).
    states : str, optional
        What the article states about such a network (:func:`paper_states`).

    Returns
    -------
    list of Table
        What it reached, what it counted, and, for a run on a device, its cells.
    """
    tables = [
        _reached(metrics, states),
        *([_layers(metrics["layers"])] if metrics["layers"] else []),
        _counted(metrics),
    ]
    return tables if metrics["device"] is None else [*tables, _cells(metrics)]


def paper_states(spec: ExperimentSpec) -> str | None:
    """Return what the article states about the accuracy of such a network on MNIST; None where it states nothing."""
    pruning = spec.pruning
    if spec.data != "mnist" or spec.fields.kind != "full" or spec.layers:
        return None
    if pruning.kind.keeps and pruning.kind.ranks and 0 < pruning.fraction <= 0.75:
        return "93 % at up to 75 % soft-pruned"
    if pruning.kind.removes and pruning.fraction >= 0.4:
        return "below 90 % at 40 % removed"
    return None


def _reached(metrics: dict[str, Any], states: str | None) -> Table:
    soft = percent(metrics["accuracy"])
    if metrics["accuracy"] is not None:
        soft += f" (95 %: {percent(metrics['accuracy_low'])} to {percent(metrics['accuracy_high'])})"
    speed = f"{metrics['train_seconds']:.2f} s, {metrics['images_per_second']:,.0f} images/s"
    rows = [
        ("accuracy, soft votes", soft, states or ""),
        ("accuracy, hard votes", percent(metrics["accuracy_hard"]), ""),
        ("read-out", metrics["readout"], "labels name neurons"),
        ("weights absent or pruned", percent(metrics["spared_fraction"], 1), ""),
        ("pruned, of those present", percent(metrics["pruned_fraction"], 1), "up to 75 % at 93 %"),
        ("output neurons", f"{metrics['n_neurons']:,} ({metrics['silent_neurons']:,} silent)", "500"),
        ("inputs", f"{metrics['n_inputs']:,}", "397"),
        ("groups, weights", f"{metrics['n_groups']:,}, {metrics['n_cells']:,}", ""),
        (f"training, {metrics['images_seen']:,} images", speed, ""),
        ("state", Code(metrics["state_sha256"][:16]), ""),
    ]
    title = f"{metrics['name']}, seed {metrics['seed']}"
    if states is None:
        return Table(title, ("", ""), [row[:2] for row in rows], breaks=(8,))
    return Table(title, ("", "this run", "the article states"), rows, texts=(2,), breaks=(8,))


def _layers(layers: list[dict[str, Any]]) -> Table:
    """Lay layers out as rows, from the bottom."""
    rows = [
        (
            f"{i + 1} {layer['kind']}" + ("" if layer["learned"] else ", random"),
            layer["makes"],
            f"{layer['n_neurons']:,}",
            f"{layer['n_places']:,}",
            f"{layer['n_cells']:,}",
            f"{layer['tile_reads']:,}",
            f"{layer['pulses']:,}",
            layer["device"] or "ideal",
        )
        for i, layer in enumerate(layers)
    ]
    columns = ("layer", "makes", "neurons", "places", "weights", "tile reads", "pulses", "cells")
    return Table("Layers, from the bottom", columns, rows, texts=(1, 7))


def _counted(metrics: dict[str, Any]) -> Table:
    names = _COUNTS if metrics["device"] is None else _COUNTS | _COUNTS_OF_CELLS
    rows = [(words, f"{metrics[name]:,}") for name, words in names.items()]
    return Table("Counted actions", ("action", "count"), rows)


def _cells(metrics: dict[str, Any]) -> Table:
    n = len(metrics["unconfirmed"])
    unconfirmed = f" ({n} number{'s' * (n != 1)} unconfirmed)" if n else ""
    rows = [
        ("device", f"{metrics['device']}{unconfirmed}"),
        ("scheme, cells per weight", f"{metrics['scheme']}, {metrics['cells_per_weight']}"),
        ("arrays", f"{metrics['arrays']:,}"),
        ("stuck cells", f"{metrics['stuck_cells']:,}"),
        ("most pulses on one cell", f"{metrics['most_writes']:,}"),
    ]
    if metrics["layers"]:
        shared = metrics["arrays_shared"]
        rows[2] = ("arrays, each layer in its own", f"{metrics['arrays']:,}")
        rows.insert(3, ("arrays, if layers share them", f"{shared:,}" if shared else "not of one kind"))
    if metrics["cells_failed"] is not None:
        rows.append(("cells that failed from wear", f"{metrics['cells_failed']:,}"))
    return Table("Cells", ("", ""), rows)
