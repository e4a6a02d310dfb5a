"""``synarray energy``: a finished run in joules, seconds, bytes and area; priced, not run again."""

from __future__ import annotations

import json
from pathlib import Path

from synarray.cost.ledger import Ledger
from synarray.cost.prices import load_periphery
from synarray.report.terminal import comparison_table, ledger_table, standard_output
from synarray.study.energy import counts_of, price_run
from synarray.study.runs import open_run

__all__ = ["show_energy"]


def show_energy(path: Path, technology: str | None, node: str | None, compare: str | None, as_json: bool) -> None:
    """Print a run's ledger, and beside it those of other devices and of conventional machines."""
    run, periphery = open_run(path), load_periphery(node)
    ledger, notes = price_run(run, periphery, technology)
    names = [name.strip() for name in (compare or "").split(",") if name.strip()]
    others: list[Ledger] = []
    for name in names:
        other, more = price_run(run, periphery, name)
        others.append(other)
        notes += [note for note in more if note not in notes]
    others += [price_run(run, periphery, technology, memory)[0] for memory in ("SRAM", "DRAM")]
    if as_json:
        counts = counts_of(run)
        told = ledger.summary() | {"node_nm": periphery.node_nm, "events": counts.events, "notes": notes}
        print(json.dumps(told | {"compared": [other.summary() for other in others], "run_dir": str(path)}))
        return
    console = standard_output()
    console.print(ledger_table(ledger, periphery.node_nm))
    console.print(comparison_table([ledger, *others]))
    for note in notes:
        console.print(f"Note: {note}")
