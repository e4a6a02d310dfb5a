"""The page of one run: what it reached beside what the paper states, what it learned, its counts, cost and wear."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synarray.array.maps import array_maps, check_drawable
from synarray.errors import SpecError
from synarray.report.array_section import array_section, file_of, wear_section
from synarray.report.citing import cite_run
from synarray.report.cost_section import cost_section
from synarray.report.learning_section import learning_pictures
from synarray.report.run_tables import paper_states, run_tables
from synarray.report.sections import Fact, Page, Section
from synarray.report.tables import Code, Table
from synarray.report.words import percent
from synarray.run.fields import pictured
from synarray.run.folder import to_toml
from synarray.run.opened import Run
from synarray.run.price import Price, price_of
from synarray.units import quantity

__all__ = ["provenance_table", "run_page"]


def run_page(run: Run) -> Page:
    """Lay out everything that a run's folder holds, and what its counts cost.

    Raises
    ------
    RunError
        When matplotlib is missing, or the run's arrays do not fit its experiment.
    """
    spec, metrics = run.experiment, run.metrics
    priced = _price(run)
    lead = [spec.note.strip()] if spec.note.strip() else []
    lead.append(
        f"{metrics['images_seen']:,} presentations of {spec.data}, seed {metrics['seed']}"
        + (
            f", in cells of {metrics['device']} ({metrics['scheme']})."
            if metrics["device"]
            else ", ideal weights in no device."
        )
    )
    return Page(
        f"{metrics['name']}, seed {metrics['seed']}", list(_sections(run, priced)), lead, list(_facts(run, priced))
    )


def _price(run: Run) -> Price | None:
    ideal = any(layer.experiment.device is None for layer in run.by_layer())
    return None if ideal else price_of(run)


def _facts(run: Run, priced: Price | None) -> Iterator[Fact]:
    metrics = run.metrics
    if metrics["accuracy"] is not None:
        low, high = percent(metrics["accuracy_low"]), percent(metrics["accuracy_high"])
        yield Fact("accuracy", percent(metrics["accuracy"]), f"95 %: {low} to {high}")
    if run.experiment.layers:
        yield Fact("layers", f"{len(run.experiment.layers)}", metrics["readout"])
    else:
        yield Fact(
            "absent or pruned",
            percent(metrics["spared_fraction"], 1),
            f"of {metrics['n_inputs'] * metrics['n_neurons']:,} weights",
        )
    yield Fact("programming pulses", f"{metrics['pulses'] / 1e6:.2f} million", f"on {metrics['n_cells']:,} weights")
    if priced:
        mark = "" if all(entry.confirmed for entry in priced.ledger.entries) else " ?"
        yield Fact(
            "energy of the training",
            quantity(priced.ledger.total, "J") + mark,
            f"cells' pulses: {quantity(priced.ledger.programming, 'J')}",
        )
        yield Fact(
            "most pulses on a cell", f"{metrics['most_writes']:,}", f"{metrics['stuck_cells']:,} cells are stuck"
        )
    yield Fact("simulated in", f"{metrics['train_seconds']:.1f} s", f"{metrics['images_per_second']:,.0f} images/s")


def _sections(run: Run, priced: Price | None) -> Iterator[Section]:
    show, whole = f"synarray show {_quoted(run)}", f"synarray report {_quoted(run)}"
    reached, *counts = run_tables(run.metrics, paper_states(run.experiment))
    yield _accuracy(run, reached)
    yield Section(
        "learning",
        "What it learned",
        pictures=list(learning_pictures(*pictured(run), run.history, run.metrics["accuracy"], show)),
    )
    note = "Counted by the simulation, as whole numbers; docs/machine.md and docs/costs.md say what each is."
    yield Section("counts", "Counted actions", tables=counts, notes=[note])
    if priced is None:
        words = (
            "The weights of this run are ideal and in no array: there is no conductance, so there is no energy, no map and no "
            "wear. To get them, train on a device:"
        )
        command = Code("synarray train experiment.toml --set device=subquantum-cbram")
        yield Section("array", "Array, energy, wear", words=[words, command])
    else:
        yield from _array(run, whole)
        yield cost_section(priced, f"synarray energy {_quoted(run)}")
    yield _again(run)
    yield _provenance(run)
    yield Section(
        "references",
        "References",
        words=["The works behind the devices, rules and prices of this run."],
        notes=[f"synarray cite {_quoted(run)} prints them."],
        code=cite_run(run).bibtex,
        code_title="BibTeX",
    )


def _accuracy(run: Run, reached: Table) -> Section:
    notes = [
        "Labels of neurons come from training images; the test set is read once. Soft votes add up log P(class | spike), hard "
        "votes count each spike for its neuron's class. The article: Shi et al., Nature Communications 9:5312 (2018)."
    ]
    if paper_states(run.experiment) is None:
        notes.append("The article states nothing about such a network.")
    if run.metrics["accuracy"] is None:
        notes.insert(0, "There was no test set.")
    return Section("accuracy", "Accuracy", tables=[reached], notes=[*notes, *run.metrics["notes"]])


def _array(run: Run, command: str) -> Iterator[Section]:
    for name, layer in run.in_cells():
        array, placement = layer.cells()
        try:
            check_drawable(placement)
        except SpecError as error:
            yield Section(file_of(name, "array"), "The array", words=[f"No maps: {error}"])
            continue
        maps = array_maps(array, placement)
        yield array_section(maps, placement, f"synarray array show {_quoted(run)}", name)
        yield wear_section(maps, command, name)


def _again(run: Run) -> Section:
    file = run.path / "experiment.toml"
    words = [Code(f"synarray train {shlex.quote(str(file))}"), "Same seed, same bits."]
    return Section(
        "again", "Run it again", words=words, code=to_toml(run.experiment), code_title="The experiment, resolved"
    )


def _provenance(run: Run) -> Section:
    note = (
        "The state is the fingerprint of final weights, masks, thresholds and labels; the experiment's is that of everything "
        "that decides the result."
    )
    rows = provenance_table(run.provenance)
    rows += [("experiment", Code(run.experiment.identity)), ("state", Code(run.metrics["state_sha256"]))]
    return Section(
        "provenance", "Provenance", tables=[Table("Provenance", ("", "this run"), rows, texts=(1,))], notes=[note]
    )


def provenance_table(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """Lay out when, where and with what something was run; what the file does not hold as text or number is left out."""
    versions, machine = (
        part if isinstance(part := provenance.get(name), dict) else {} for name in ("versions", "machine")
    )
    command, resumed = provenance.get("command"), provenance.get("resumed")
    rows: list[tuple[str, str]] = [
        ("written", _plain(provenance.get("written"))),
        (
            "command",
            Code(shlex.join(["synarray", *map(str, command[1:])])) if isinstance(command, list) and command else "",
        ),
        ("versions", ", ".join(f"{name} {_plain(number)}" for name, number in versions.items())),
        ("machine", ", ".join(f"{name}: {_plain(value)}" for name, value in machine.items())),
        ("interrupted and resumed after", ", ".join(map(_plain, resumed)) if isinstance(resumed, list) else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _quoted(run: Run) -> str:
    return shlex.quote(str(Path(run.path)))
