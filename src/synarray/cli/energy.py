"""``synarray energy``: a finished run in joules, seconds, bytes and area; priced, not run again."""

from __future__ import annotations

import json
from pathlib import Path

from synarray.cost.physical import free_steps
from synarray.cost.prices import Periphery, load_periphery
from synarray.device.library import load_device
from synarray.errors import SpecError
from synarray.report.cost_tables import (
    comparison_table,
    headline,
    layers_table,
    ledger_table,
    pace_table,
    steps_table,
    use_table,
)
from synarray.report.terminal import standard_output
from synarray.run.energy import baselines, bill_of_run, notes_on, real_time
from synarray.run.layered_energy import bill_of_layers
from synarray.run.opened import Run, open_run

__all__ = ["show_energy"]


def show_energy(
    path: Path,
    technology: str | None,
    node: str | None,
    compare: str | None,
    prices: Path | None,
    passive: bool,
    as_json: bool,
) -> None:
    """Print a run's ledger, and beside it those of other devices and of other machines."""
    names = [name.strip() for name in (compare or "").split(",") if name.strip()]
    run, periphery = open_run(path), load_periphery(node, prices)
    if compare is not None and not names:
        raise SpecError(
            "--compare must name devices",
            got=repr(compare),
            where="--compare",
            do='Write --compare pcm,rram, names of "synarray devices list" or files; or leave it out.',
        )
    device = None if technology is None else load_device(technology)
    if run.experiment.layers:
        return _show_layers(run, technology, names, periphery, passive, as_json)
    bill, where = bill_of_run(run), str(path / "experiment.toml")
    ledger = bill.ledger(periphery, device, passive=passive)
    others = [bill.ledger(periphery, load_device(name), passive=passive) for name in names]
    machines = baselines(bill, periphery)
    steps, times = free_steps(run.experiment, bill.counts, ledger, periphery), real_time(bill, ledger)
    notes: list[str] = []
    for each in (technology, *names):
        notes += [note for note in notes_on(bill, periphery, each, where) if note not in notes]
    if as_json:
        numbers = ledger.summary() | {"node_nm": periphery.node_nm, "events": bill.counts.events, "notes": notes}
        numbers |= {
            "compared": [other.summary() for other in others],
            "baselines": [each.summary() for each in machines],
        }
        numbers |= {"free_steps": [vars(step) for step in steps], "real_time": times, "run_dir": str(path)}
        print(json.dumps(numbers | {"look_ups": bill.look_ups(periphery, device).summary()}))
        return
    console = standard_output()
    console.print(headline(ledger))
    console.print(ledger_table(ledger, periphery.node_nm))
    console.print(use_table(ledger))
    console.print(comparison_table([ledger, *others], machines))
    console.print(steps_table(steps))
    console.print(pace_table(times))
    for note in notes:
        console.print(f"Note: {note}")


def _show_layers(
    run: Run, technology: str | None, names: list[str], periphery: Periphery, passive: bool, as_json: bool
) -> None:
    """Print the ledger of a run of several layers: of each layer, and of all."""
    bill, device = bill_of_layers(run), None if technology is None else load_device(technology)
    costs, ledger = bill.costs(periphery, device, passive=passive), bill.ledger(periphery, device, passive=passive)
    others = [bill.ledger(periphery, load_device(name), passive=passive) for name in names]
    notes = bill.notes(periphery, technology)
    if as_json:
        layers = [
            {
                "layer": cost.row,
                "ledger": cost.ledger.summary(),
                "replicated": cost.replicated.summary() if cost.replicated else None,
            }
            for cost in costs
        ]
        numbers = ledger.summary() | {
            "node_nm": periphery.node_nm,
            "layers": layers,
            "notes": notes,
            "run_dir": str(run.path),
        }
        print(json.dumps(numbers | {"compared": [other.summary() for other in others]}))
        return
    console = standard_output()
    console.print(headline(ledger))
    console.print(layers_table([(cost.row, cost.ledger, cost.replicated) for cost in costs], ledger))
    console.print(ledger_table(ledger, periphery.node_nm))
    console.print(use_table(ledger))
    console.print(comparison_table([ledger, *others]))
    for note in notes:
        console.print(f"Note: {note}")
