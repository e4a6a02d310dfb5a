"""A verdict in plain words and in tables, for the page and for the terminal; ? marks what rests on unconfirmed numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from synarray.device.spec import DeviceSpec
from synarray.judge.intervals import Estimate
from synarray.judge.judge import Verdict
from synarray.judge.reach import Needed
from synarray.report.device_tables import acting
from synarray.spec import Spec
from synarray.units import format_quantity

__all__ = [
    "cost_rows", "device_rows", "energy_rows", "percent", "points", "quantity", "reach_rows", "sentences", "task_name",
    "verdict_tables",
]  # fmt: skip

MEANINGS = {
    "levels": "pulses have a size: few levels between the ends of the range",
    "nonlinearity": "a pulse moves the cell by other steps in other states",
    "asymmetry": "LTD pulses are other than LTP pulses",
    "c2c": "the same pulse moves the same cell differently from cycle to cycle",
    "d2d": "cells differ from each other",
    "read noise": "each read scatters",
    "stuck": "some cells never move",
    "failures": "some pulses do nothing",
    "drift": "conductances change by themselves",
    "wear": "cells fail as they are pulsed",
    "wires": "lines and drivers have resistance (assumed, not measured: see the experiment)",
    "together": "what stands to no single property's account, and the scatter of the sum",
}
_UNITS = {"retention": "s", "drift_t0": "s"}


def quantity(value: float, unit: str) -> str:
    """Write a value with three digits."""
    return format_quantity(float(f"{value:.3g}"), unit)


def task_name(verdict: Verdict) -> str:
    """Return what the task is called."""
    return "MNIST" if verdict.spec.data == "mnist" else Path(verdict.spec.data).name


def percent(share: Estimate) -> str:
    """Write an accuracy with its interval."""
    return f"{100 * share.value:.2f} %" + _between(share, lambda x: f"{100 * x:.2f}")


def points(estimate: Estimate) -> str:
    """Write points with their interval."""
    return f"{_plain(estimate.value)}" + _between(estimate, _plain)


def _plain(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-0.00", "0.00")


def _between(estimate: Estimate, write: Any) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ({write(estimate.low)} to {write(estimate.high)})"


def _amount(estimate: Estimate, unit: str) -> str:
    return quantity(estimate.value, unit) + _between(estimate, lambda x: quantity(x, unit))


def _lifetime(verdict: Verdict) -> str:
    left = verdict.trainings_left
    if left is None:
        return "not known: the device's file says nothing of its endurance"
    if not np.isfinite(left.value):
        return "never: too few cells are written"
    return _count(left.value) + _between(left, _count)


def _count(value: float) -> str:
    """Write a number of things with three digits: 1,230, or 6.61e9 where it is very large, or 0.123 where it is below one."""
    if value >= 1e7 or value < 10:
        return f"{value:.3g}".replace("e+0", "e").replace("e+", "e")
    return f"{float(f'{value:.3g}'):,.0f}"


def marks(verdict: Verdict) -> dict[str, str]:
    """Return "?" for what rests on numbers that nobody has confirmed: the device's ways, and the prices."""
    timed = {"t_ltp", "t_ltd", "t_read"} & set(verdict.device.unconfirmed)
    return {
        "accuracy": "?" if verdict.device.unconfirmed else "",
        "energy": "?" if not all(entry.confirmed for entry, _ in verdict.ledger) else "",
        "time": "?" if timed else "",
        "lifetime": "?" if {"endurance", "endurance_shape"} & set(verdict.device.unconfirmed) else "",
    }


def sentences(verdict: Verdict) -> list[str]:
    """Say the verdict in a few sentences."""
    n, mark, told = len(verdict.trials), marks(verdict), verdict.attribution
    kinds = f"{n} devices drawn from the fit's posterior" if verdict.draws else f"{n} trainings"
    said = [
        f"{verdict.device.name} reads {percent(verdict.accuracy)}{mark['accuracy']} of the {task_name(verdict)} test images "
        f"rightly: the mean of {kinds}, and where 95 % of single trainings lie.",
    ]
    lost = 100.0 * (told.ideal.value - told.full.value)
    dear = [cost for cost in told.costs if cost.acts and (cost.points.low or 0.0) > 0]
    scatter = [c.points.high - c.points.value for c in told.costs if c.acts and c.points.high is not None]
    if dear:
        first = dear[0]
        words = f"What costs it most is {first.property}: {points(first.points)} points"
        others = [f"{cost.property} {_plain(cost.points.value)}" for cost in dear[1:]]
        said.append(words + (f"; then {', '.join(others)}." if others else "."))
    elif scatter:
        said.append(
            f"No imperfection on its own costs it more than can be told from the scatter of the trainings "
            f"(about {np.median(scatter):.2f} points)."
        )
    said.append(f"All imperfections together cost {_plain(lost)} points against the same device without any of them.")
    parallel = quantity(verdict.time("row-parallel").value, "s")
    said.append(
        f"One training takes {_amount(verdict.energy, 'J')}{mark['energy']}, and {parallel}{mark['time']} "
        f"with rows and columns in parallel ({quantity(verdict.time().value, 's')} one pulse after another)."
    )
    left = verdict.trainings_left
    if left is not None and np.isfinite(left.value):
        said.append(f"After {_lifetime(verdict)}{mark['lifetime']} such trainings a hundredth of its cells has failed.")
    if not verdict.draws:
        said.append(
            "The device brings no posterior: intervals hold the scatter of trainings and test images, "
            "not what is uncertain about the device's own numbers."
        )
    return said


def fact_rows(verdict: Verdict) -> list[tuple[str, str]]:
    """Name and value of the headline numbers."""
    mark, first = marks(verdict), verdict.trials[0].metrics
    return [
        ("accuracy, soft votes", percent(verdict.accuracy) + mark["accuracy"]),
        ("accuracy, hard votes", percent(verdict.accuracy_hard) + mark["accuracy"]),
        ("energy of one training", _amount(verdict.energy, "J") + mark["energy"]),
        ("time of one training, rows in parallel", _amount(verdict.time("row-parallel"), "s") + mark["time"]),
        ("time of one training, one after another", _amount(verdict.time(), "s") + mark["time"]),
        ("programming pulses of one training", f"{verdict.pulses.value:,.0f}"),
        ("trainings until 1 % of the cells has failed", _lifetime(verdict) + mark["lifetime"]),
        ("weights", f"{first['n_cells']:,} ({first['scheme']}, {first['cells_per_weight']} cell(s) each)"),
    ]


def cost_rows(verdict: Verdict) -> list[dict[str, str]]:
    """Rows of the attribution that act."""
    told = verdict.attribution
    rows = [
        {
            "property": cost.property,
            "points": points(cost.points),
            "alone": points(cost.alone),
            "meaning": MEANINGS[cost.property],
        }
        for cost in told.costs
        if cost.acts
    ]
    if len(rows) > 1:
        rows.append(
            {"property": "together", "points": points(told.together), "alone": "", "meaning": MEANINGS["together"]}
        )
    return rows


def absent(verdict: Verdict) -> list[str]:
    """Imperfections that the device does not have, or its scheme does not feel."""
    return [cost.property for cost in verdict.attribution.costs if not cost.acts]


def reach_rows(verdict: Verdict) -> list[dict[str, str]]:
    """Answers to the inverse question."""
    if verdict.reach is None:
        return []
    return [
        {"property": answer.property, "answer": _answer(answer), "measured": _numbers(answer.measured)}
        for answer in verdict.reach.answers
    ]


def reach_sentence(verdict: Verdict) -> str:
    """Say what was asked and how well it can be answered."""
    if verdict.reach is None:
        return ""
    told = verdict.reach
    noise = "" if told.noise is None else f" +- {100 * told.noise:.2f}"
    return (
        f"Wanted: {100 * told.wanted:g} % of the test images. As it is, {told.draws} trainings read "
        f"{100 * told.now:.2f}{noise} % of them on average; values are as good as that scatter lets them be. "
        "Each property is changed alone, the others as they are, on the same spikes. Variants read images held out of the "
        f"training set, of which {100 * told.held_out:.2f} % are read as it is; that difference is taken out."
    )


def _answer(answer: Needed) -> str:
    at = _numbers(answer.values)
    if answer.status == "needed":
        return f"needs {at}" if answer.severity else "must go altogether"
    if answer.status == "already fine":
        return f"fine; may become {at}"
    if answer.status == "no limit found":
        return f"fine; no limit found up to {at}"
    return f"cannot reach it alone: {100 * answer.accuracy:.2f} % without it"


def _numbers(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {_number(name, value)}" for name, value in values.items())


def _number(name: str, value: float) -> str:
    unit = "ohm" if name.startswith("r_") else _UNITS.get(name)
    return quantity(value, unit) if unit else f"{value:.3g}"


def device_rows(device: DeviceSpec, draws: list[DeviceSpec]) -> list[dict[str, str]]:
    """Every number of a device: value, 95 % of the posterior's draws where there are any, source."""
    rows = []
    for name in acting(device):
        source = device.sources.get(name)
        value = getattr(device, name)
        sure = bool(source and source.confirmed)
        spread = [getattr(draw, name) for draw in draws]
        drawn = bool(spread) and all(isinstance(v, int | float) for v in spread) and len(set(spread)) > 1
        low_high = [_as_text(device, name, float(v)) for v in np.quantile(spread, [0.025, 0.975])] if drawn else []
        rows.append(
            {
                "name": name,
                "value": f"{len(value.x)} states" if isinstance(value, Spec) else _as_text(device, name, value),  # type: ignore[attr-defined]
                "mark": "" if sure or drawn else "?",
                "interval": " to ".join(low_high),
                "source": source.source if source else ("as measured" if drawn else "no source given"),
            }
        )
    return rows


def _as_text(device: DeviceSpec, name: str, value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = device.model_copy(update={name: float(f"{value:.4g}")}).model_dump(include={name})[name]
    return text if isinstance(text, str) else f"{text:g}"


def energy_rows(verdict: Verdict) -> list[dict[str, str]]:
    """Rows of the ledger that cost anything, and their sum."""
    total = sum(energy for _, energy in verdict.ledger) or 1.0
    rows = [
        {
            "component": entry.component,
            "action": entry.action,
            "energy": quantity(energy, "J"),
            "mark": "" if entry.confirmed else "?",
            "share": f"{energy / total:.1%}",
        }
        for entry, energy in verdict.ledger
        if energy > 0
    ]
    return [*rows, {"component": "total", "action": "", "energy": quantity(total, "J"), "mark": "", "share": "100.0%"}]


def verdict_tables(verdict: Verdict) -> list[Table]:
    """Lay the verdict out for the terminal."""
    facts = Table(title=f"{verdict.device.name} on {task_name(verdict)}", title_justify="left", show_header=False)
    facts.add_column()
    facts.add_column(justify="right")
    for name, value in fact_rows(verdict):
        facts.add_row(name, value)
    costs = Table(title="What each imperfection costs, in points of accuracy", title_justify="left")
    for name in ("property", "switched off", "alone"):
        costs.add_column(name, justify="left" if name == "property" else "right")
    for row in cost_rows(verdict):
        costs.add_row(row["property"], row["points"], row["alone"])
    if verdict.reach is None:
        return [facts, costs]
    needed = Table(title=f"To reach {100 * verdict.reach.wanted:g} %", title_justify="left")
    for name in ("property", "as it is", "answer"):
        needed.add_column(name)
    for row in reach_rows(verdict):
        needed.add_row(row["property"], row["measured"], row["answer"])
    return [facts, costs, needed]
