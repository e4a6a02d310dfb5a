"""A verdict in tables, for the page and for the terminal; ? marks what rests on unverified numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synarray.device.spec import DeviceSpec
from synarray.judge.intervals import Estimate
from synarray.judge.reach import Needed, Reach
from synarray.judge.verdict import Verdict
from synarray.judge.words import LABELS, amount, between, count, numbers, percent, signed
from synarray.report.device_tables import acting
from synarray.report.tables import Table
from synarray.report.words import counted
from synarray.spec import Spec

__all__ = [
    "absent", "beside_table", "change_table", "cost_table", "device_table", "energy_table", "fact_table", "marks",
    "reach_sentence", "reach_table", "verdict_tables",
]  # fmt: skip

MEANINGS = {
    "levels": "pulses have a size: there are few levels between the ends of the range",
    "nonlinearity": "the step of a pulse depends on the state",
    "asymmetry": "LTD pulses move the cell by other steps than LTP pulses",
    "c2c": "the same pulse moves the same cell differently from cycle to cycle",
    "d2d": "cells differ from each other",
    "read noise": "each read scatters",
    "stuck": "some cells never move",
    "failures": "some pulses do nothing",
    "drift": "conductances change by themselves",
    "wear": "cells fail as they are pulsed",
    "wires": "lines and drivers have resistance: an assumption about the array, not a property of the device",
    "converters": "reads of columns are digitised, to so many bits of so much range: an assumption about the array",
    "together": "what belongs to no single property, and the scatter of the sum",
}
_SHARES = ("sigma_c2c", "sigma_d2d_range", "sigma_d2d_step", "sigma_read", "p_fail", "p_switch", "stuck")
"""Numbers of a device that are shares, written in percent."""


def verdict_tables(verdict: Verdict) -> list[Table]:
    """List the tables that the terminal shows."""
    tables = [
        fact_table(verdict),
        cost_table(verdict),
        change_table(verdict),
        beside_table(verdict),
        reach_table(verdict),
    ]
    return [table for table in tables if table.rows]


def marks(verdict: Verdict) -> dict[str, str]:
    """Return "?" for what rests on unverified numbers: those of the device, and the prices."""
    timed = {"t_ltp", "t_ltd", "t_read"} & set(verdict.device.unconfirmed)
    return {
        "accuracy": "?" if verdict.device.unconfirmed else "",
        "energy": "?" if not all(row.confirmed for row in verdict.ledger) else "",
        "time": "?" if timed else "",
        "lifetime": "?" if {"endurance", "endurance_shape"} & set(verdict.device.unconfirmed) else "",
    }


def fact_table(verdict: Verdict) -> Table:
    """Name and value of the headline numbers."""
    mark, first = marks(verdict), verdict.trials[0].metrics
    rows = [
        ("accuracy (95 % of single trainings)", percent(verdict.accuracy) + mark["accuracy"]),
        ("accuracy by hard votes", percent(verdict.accuracy_hard) + mark["accuracy"]),
        ("energy of one training", amount(verdict.energy, "J", interval=True) + mark["energy"]),
        ("time, rows and columns in parallel", amount(verdict.time("row-parallel"), "s", interval=True) + mark["time"]),
        ("time, one pulse after another", amount(verdict.time(), "s", interval=True) + mark["time"]),
        ("programming pulses", f"{verdict.pulses.value:,.0f}"),
        ("trainings until 1 % of the cells have failed", _life(verdict.trainings_left) + mark["lifetime"]),
        ("weights", f"{first['n_cells']:,} ({first['scheme']}, {counted(first['cells_per_weight'], 'cell')} each)"),
    ]
    return Table(f"{verdict.device.name} on {verdict.task_name}", ("", ""), rows)


def _life(left: Estimate | None) -> str:
    if left is None:
        return "not known: give --endurance"
    if not np.isfinite(left.value):
        return "no end: too few cells are written"
    return count(left.value) + between(left, count)


def cost_table(verdict: Verdict) -> Table:
    """List what each imperfection costs: the device's own, the dearest first; then what is assumed about the array."""
    attributed = verdict.attribution
    title = "What its properties cost, in points of accuracy (each switched off alone)"
    columns = ("property", "costs", "95 %", "what it is")
    if attributed is None:
        return Table(title, columns, [], (3,))
    rows = [_points(cost.property, cost.points) for cost in attributed.own]
    if len(attributed.own) + len(attributed.assumed) > 1 and attributed.together is not None:
        rows.append(_points("together", attributed.together))
    rows += [_points(cost.property, cost.points, " (assumed)") for cost in attributed.assumed]
    rows += [_points(cost.property, cost.points) for cost in attributed.layers]
    return Table(title, columns, rows, (3,))


def _points(name: str, points: Estimate, more: str = "") -> tuple[str, ...]:
    what = MEANINGS.get(name, "all imperfections, in that layer alone")
    return f"{LABELS.get(name, name)}{more}", plain(points.value), _interval(points), what


def _interval(points: Estimate) -> str:
    return between(points, plain).strip(" ()")


def plain(points: float) -> str:
    """Write points with two digits.

    Examples
    --------
    >>> plain(-0.001)
    '0.00'
    """
    return f"{points + 0.0:.2f}".replace("-0.00", "0.00")


def absent(verdict: Verdict) -> list[str]:
    """Imperfections that the device does not have, or that do not affect its scheme."""
    return [LABELS[cost.property] for cost in verdict.attribution.costs if not cost.acts] if verdict.attribution else []


def change_table(verdict: Verdict) -> Table:
    """List what the device would be with its worst properties at half and at double."""
    rows: list[tuple[str, ...]] = []
    before = ""
    for change in verdict.improvements:
        rows.append((
            LABELS[change.property] if change.property != before else "",
            f"{change.to}: {numbers(change.values, alone=True)}",
            f"{100 * verdict.accuracy.value + change.points.value:.2f} %", _plus_minus(change.points),
            _changed_energy(verdict, change.energy, change.pulses), _changed_life(verdict, change.life),
        ))  # fmt: skip
        before = change.property
    priced = "pulses" if verdict.unknown else "energy"
    columns = ("property", "changed to", "accuracy", "points", priced, "trainings\nleft")
    return Table("What to improve: its worst properties at half and at double", columns, rows, (1,))


def _plus_minus(points: Estimate) -> str:
    return signed(points.value) + ("" if points.high is None else f" +- {points.high - points.value:.2f}")


def _changed_energy(verdict: Verdict, factors: Mapping[str, float], pulses: float) -> str:
    energy = verdict.energy
    if set(energy) != {""} or "" not in factors:
        return f"x {pulses:.3g}"
    return amount({"": energy[""].value * factors[""]}, "J")


def _changed_life(verdict: Verdict, factor: float | None) -> str:
    left = verdict.trainings_left
    if left is None:
        return "not known"
    if factor is None or not np.isfinite(left.value):
        return "no end"
    return count(left.value * factor)


def beside_table(verdict: Verdict) -> Table:
    """Library devices beside the one that was judged, one short training each on the same spikes."""
    rows = []
    for i, row in enumerate(verdict.beside):
        mark = "?" if row.unconfirmed and i else ""
        left = row.images_left
        life = "not known" if left is None else "no end" if not np.isfinite(left) else count(left)
        rows.append((
            row.device if i else f"{row.device} (yours)", row.technology, f"{100 * row.accuracy:.2f} %{mark}",
            amount(row.energy, "J") + mark, amount(row.time, "s") + mark, life + (mark if left is not None else ""),
        ))  # fmt: skip
    columns = ("device", "kind", "accuracy", "energy of an image", "time of an image", "images it lasts")
    return Table("Library devices beside yours, one short training each", columns, rows, (1,))


def reach_table(verdict: Verdict) -> Table:
    """Answers to the inverse question."""
    asked = verdict.reach
    rows = [(LABELS[a.property], numbers(a.measured), _answer(a)) for a in asked.answers] if asked else []
    wanted = f"{100 * asked.wanted:g}" if asked else ""
    return Table(f"To reach {wanted} %", ("property", "as it is", "answer"), rows, (1, 2))


def reach_sentence(asked: Reach) -> str:
    """Say what was asked and how well it can be answered."""
    noise = "" if asked.noise is None else f" +- {100 * asked.noise:.2f}"
    return (
        f"Wanted: {100 * asked.wanted:g} % of the test images. As it is, {asked.draws} trainings read "
        f"{100 * asked.now:.2f}{noise} % of them on average; values are as good as that scatter lets them be. "
        "Each property is changed alone, the others as they are, on the same spikes. Variants read images held out of the "
        f"training set, of which {100 * asked.held_out:.2f} % are read as it is; that difference is taken out."
    )


def _answer(answer: Needed) -> str:
    at = numbers(answer.values)
    if answer.status == "needed":
        return f"needs {at}" if answer.severity else "must go altogether"
    if answer.status == "already fine":
        return f"fine; may become {at}"
    if answer.status == "no limit found":
        return f"fine; no limit found up to {at}"
    return f"cannot reach it alone: {100 * answer.accuracy:.2f} % without it"


def device_table(device: DeviceSpec, draws: list[DeviceSpec]) -> Table:
    """Every number of a device: value, 95 % of the posterior's draws where there are any, source."""
    rows: list[tuple[str, ...]] = [("law", device.law, *([""] if draws else []), "")]
    for name in acting(device):
        source = device.sources.get(name)
        value = getattr(device, name)
        sure = bool(source and source.confirmed)
        spread = [getattr(draw, name) for draw in draws]
        drawn = bool(spread) and all(isinstance(v, int | float) for v in spread) and len(set(spread)) > 1
        low_high = [_as_text(device, name, float(v)) for v in np.quantile(spread, [0.025, 0.975])] if drawn else []
        text = f"{len(value.x)} states" if isinstance(value, Spec) else _as_text(device, name, value)  # type: ignore[attr-defined]
        rows.append((
            name, text + ("" if sure or drawn else "?"), *([" to ".join(low_high)] if draws else []),
            source.source if source else ("as measured" if drawn else "no source given"),
        ))  # fmt: skip
    columns = ("number", "value", *([f"95 % of the {len(draws)} draws"] if draws else []), "source")
    return Table("Numbers of the device", columns, rows, (len(columns) - 1,))


def _as_text(device: DeviceSpec, name: str, value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.startswith(_SHARES):
        return f"{100 * value:.4g} %"
    text = device.model_copy(update={name: float(f"{value:.4g}")}).model_dump(include={name})[name]
    return text if isinstance(text, str) else f"{text:g}"


def energy_table(verdict: Verdict) -> Table:
    """Rows of the ledger that cost anything, and their sum."""
    rows = [row for row in verdict.ledger if any(part > 0 for part in row.energy.values())]
    energy = verdict.energy
    whole = energy[""].value if set(energy) == {""} else None
    shown = [
        (
            row.component, row.action, amount(row.energy, "J") + ("" if row.confirmed else "?"),
            *([f"{row.energy.get('', 0.0) / whole:.1%}"] if whole else []),
        )
        for row in rows
    ]  # fmt: skip
    total = ("total", "", amount(energy, "J"), *(["100.0%"] if whole else []))
    columns = ("component", "action", "energy of one training", *(["share"] if whole else []))
    return Table("Energy of one training", columns, shown, (1,), total)
