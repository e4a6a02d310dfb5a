"""``synarray energy``: a finished run in joules, seconds, bytes and area; priced, not run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import Json, Node
from synarray.errors import SpecError

if TYPE_CHECKING:
    from synarray.run.price import Price

__all__ = ["energy"]


def energy(
    run: Annotated[Path, typer.Argument(help="Folder of a run on a device.")],
    technology: Annotated[
        str | None, typer.Option(help="Price the run's counts for another device: a name of the library, or a file.")
    ] = None,
    node: Node = None,
    compare: Annotated[str | None, typer.Option(help="Comma-separated devices to compare it with.")] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="A .toml file of prices that differ from cost/periphery.toml, each with its source."),
    ] = None,
    passive: Annotated[bool, typer.Option("--passive", help="Price an array without access transistors.")] = False,
    as_json: Json = False,
) -> None:
    """Price a finished run in joules, seconds, bytes and area. Other devices and machines are compared with it."""
    from synarray.device.library import load_device
    from synarray.report.cost_section import price_tables
    from synarray.report.cost_tables import headline
    from synarray.report.terminal import standard_output
    from synarray.run.opened import open_run
    from synarray.run.price import price_of

    names = [name.strip() for name in (compare or "").split(",") if name.strip()]
    opened = open_run(run)
    if compare is not None and not names:
        raise SpecError(
            "--compare must name devices",
            got=repr(compare),
            where="--compare",
            do='Write --compare pcm,sram, names of "synarray devices list" or files; or leave it out.',
        )
    found = price_of(opened, technology, node=node, prices=prices, passive=passive)
    others = [found.beside(load_device(name)) for name in names]
    notes = [*found.notes]
    for name in names:
        notes += [
            note for note in found.bill.notes(found.periphery, name, str(run / "experiment.toml")) if note not in notes
        ]
    if as_json:
        numbers = found.ledger.summary() | {"node_nm": found.periphery.node_nm, "notes": notes, "run_dir": str(run)}
        print(json.dumps(numbers | _more(found) | {"compared": [other.summary() for other in others]}))
        return
    console = standard_output()
    console.print(headline(found.ledger))
    for table in price_tables(found, others):
        console.print(table)
    for note in notes:
        console.print(f"Note: {note}")


def _more(found: Price) -> dict[str, Any]:
    """Return what is known of each of several layers, or of a network of one."""
    from synarray.run.layered_energy import LayeredBill

    if isinstance(found.bill, LayeredBill):
        priced = [(cost.row, cost.ledger, cost.replicated) for cost in found.layers()]
        return {"layers": [
            {"layer": row, "ledger": ledger.summary(), "replicated": replicated.summary() if replicated else None}
            for row, ledger, replicated in priced
        ]}  # fmt: skip
    return {
        "events": found.bill.counts.events,
        "baselines": [each.summary() for each in found.elsewhere()],
        "free_steps": [vars(step) for step in found.free_steps()],
        "real_time": found.real_time,
        "look_ups": found.bill.look_ups(found.periphery, found.device).summary(),
    }
