"""The verdict in plain sentences: how good the device is, its worst property, what would help, what it costs, what is assumed.

    lost by the device itself        it is
    less than 0.5 points             as good as a perfect device
    less than 2                      nearly as good as a perfect device
    less than 10                     clearly worse than a perfect device
    more                             not fit for the task as it is

Where the interval of that loss reaches over three of these, the device is not graded.
What the wires cost is not counted there: they belong to the array, and are assumed.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from synarray.array.read_noise import ReadFloor
from synarray.judge.attribution import Attribution, Cost
from synarray.judge.improve import Change, beyond_scatter
from synarray.judge.intervals import Estimate
from synarray.units import quantity

__all__ = [
    "LABELS", "amount", "between", "card", "change_words", "count", "energy_words", "first_words", "help_words", "layer_words",
    "life_words",
    "numbers", "percent", "read_words", "signed", "worst_words",
]  # fmt: skip

LABELS = {
    "levels": "levels", "nonlinearity": "nonlinearity", "asymmetry": "asymmetry",
    "c2c": "cycle-to-cycle spread", "d2d": "device-to-device spread", "read noise": "read noise", "stuck": "stuck cells",
    "failures": "failing pulses", "drift": "drift", "wear": "wear", "wires": "wires",
    "converters": "converters of the columns", "together": "together",
}  # fmt: skip
"""Properties as people call them."""
_OBJECTS = LABELS | {"levels": "too few levels"}
_NUMBERS = {
    "n_levels_ltp": ("LTP levels", ""), "n_levels_ltd": ("LTD levels", ""), "n_bits": ("bits", ""),
    "n_cells": ("cells of a weight", ""),
    "nonlinearity_ltp": ("LTP nonlinearity", ""), "nonlinearity_ltd": ("LTD nonlinearity", ""),
    "largest_step_ltp": ("largest LTP step", "%"), "smallest_step_ltp": ("smallest LTP step", "%"),
    "largest_step_ltd": ("largest LTD step", "%"), "smallest_step_ltd": ("smallest LTD step", "%"),
    "sigma_c2c": ("spread of a step, of the range", "%"), "sigma_d2d_range": ("spread of the ends", "%"),
    "sigma_d2d_step": ("spread of the step", "%"), "sigma_d2d_nonlinearity": ("spread of the labels", ""),
    "sigma_read": ("noise of a read", "%"), "stuck_low": ("stuck low", "%"), "stuck_high": ("stuck high", "%"),
    "p_fail": ("failing pulses", "%"), "p_switch_ltp": ("LTP switches", "%"), "p_switch_ltd": ("LTD switches", "%"),
    "drift_nu": ("drift exponent", ""), "sigma_drift_nu": ("its spread", ""), "retention": ("retention", "s"),
    "endurance": ("endurance", ""), "r_wire": ("per cell", "ohm"), "r_driver": ("driver", "ohm"),
    "r_sense": ("sense circuit", "ohm"), "adc_bits": ("bits of a converter", ""), "adc_range": ("its range", "%"),
}  # fmt: skip
"""Numbers behind a property: what they are called, and their unit."""
_GRADES = (
    (0.5, "is as good as a perfect device for this task"),
    (2.0, "is nearly as good as a perfect device for this task"),
    (10.0, "is clearly worse than a perfect device for this task"),
    (np.inf, "is not fit for this task as it is"),
)
_SAME = 0.01
"""Change of energy or life that is not worth a word."""
_WIRES_MATTER = 1.0
"""Points from which on the first sentence speaks of the array around the device."""


# ---- numbers -------------------------------------------------------------------------------------------------------------------


def _value(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.3g} %"
    return quantity(value, unit) if unit else f"{value:.3g}" if value < 1e4 else count(value)


def numbers(values: Mapping[str, float], *, alone: bool = False) -> str:
    """Write the numbers behind a property that are not 0; those of LTP and LTD as one; without a name one that is alone.

    Examples
    --------
    >>> numbers({"n_levels_ltp": 32.0, "n_levels_ltd": 16.0}), numbers({"sigma_read": 0.1}, alone=True)
    ('LTP/LTD levels 32 / 16', '10 %')
    """
    left = {name: value for name, value in values.items() if value or not any(values.values())}
    said = []
    for name in values:
        if name not in left:
            continue
        label, unit = _NUMBERS.get(name, (name, ""))
        text = _value(left.pop(name), unit)
        twin = name.removesuffix("_ltp") + "_ltd"
        if name.endswith("_ltp") and twin in left:
            label, text = label.replace("LTP", "LTP/LTD"), f"{text} / {_value(left.pop(twin), unit)}"
        said.append((label, text))
    if alone and len(said) == 1:
        return said[0][1]
    return ", ".join(f"{label} {text}" for label, text in said)


def count(value: float) -> str:
    """Write a number of things with three digits.

    Examples
    --------
    >>> count(1234.0), count(6.612e9), count(0.1234)
    ('1,230', '6.61e9', '0.123')
    """
    if value >= 1e7 or value < 10:
        return f"{value:.3g}".replace("e+0", "e").replace("e+", "e")
    return f"{float(f'{value:.3g}'):,.0f}"


def signed(points: float) -> str:
    """Write points with their sign.

    Examples
    --------
    >>> signed(0.318), signed(-0.0004)
    ('+0.32', '0.00')
    """
    return f"{points:+.2f}".replace("+0.00", "0.00").replace("-0.00", "0.00")


def between(estimate: Estimate, write: Any) -> str:
    """Write an interval in brackets; nothing where there is none, or none that can be seen."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = write(estimate.low), write(estimate.high)
    return f" ({low} to {high})" if low != high else ""


def percent(share: Estimate) -> str:
    """Write an accuracy with its interval."""
    return f"{100 * share.value:.2f} %" + between(share, lambda x: f"{100 * x:.2f}")


def amount(parts: Mapping[str, Estimate] | Mapping[str, float], unit: str, *, interval: bool = False) -> str:
    """Write joules or seconds; of what is not known to the end, each part with what it is to be multiplied with.

    Examples
    --------
    >>> amount({"": 6.1e-5, "V^2": 8.86e-6, "V^2 us": 2.17e-6}, "J")
    '61 uJ + 8.86 uJ per V^2 + 2.17 uJ per V^2 us'
    >>> amount({"": 0.0218, "us": 0.0629}, "s")
    '21.8 ms + 62,900 pulse widths'
    """
    said = []
    for per, part in parts.items():
        estimate = part if isinstance(part, Estimate) else Estimate(part, None, None)
        if estimate.value or len(parts) == 1:
            text = quantity(estimate.value, unit) + (between(estimate, lambda x: quantity(x, unit)) if interval else "")
            widths = unit == "s" and per == "us"  # seconds per microsecond of width: so many widths
            said.append(
                f"{count(estimate.value * 1e6)} pulse widths" if widths else f"{text} per {per}" if per else text
            )
    return " + ".join(said) or f"0 {unit}"


# ---- sentences -----------------------------------------------------------------------------------------------------------------


def first_words(name: str, task: str, accuracy: Estimate, attribution: Attribution | None) -> str:
    """Say how good the device is for the task, in one sentence."""
    reads = f"it reads {percent(accuracy)} of the {task} test images correctly"
    if attribution is None:
        return f"So far, {name} reads {percent(accuracy)} of the {task} test images correctly."
    around = sum(cost.points.value for cost in attribution.assumed)
    parts = " and ".join(LABELS[cost.property] for cost in attribution.assumed) or "wires"
    lost = attribution.lost
    own = lost.value - around
    grade = _GRADES[_grade(own)][1]
    if lost.low is not None and lost.high is not None and _grade(lost.high - around) - _grade(lost.low - around) > 1:
        grade = "cannot be graded, because its trainings scatter too much or are too few"
    if any(_sure(cost) for cost in attribution.assumed) and around >= _WIRES_MATTER:
        return (
            f"{name} itself {grade}, but the {parts} that are assumed around it take {around:.1f} points: {reads}, and a perfect "
            f"device without {parts} {100 * attribution.ideal.value:.2f} % of comparable ones."
        )
    way = "less" if lost.value >= 0 else "more"
    short = (
        f"{abs(lost.value):.2f} points{between(lost if way == 'less' else _negative(lost), '{:.2f}'.format)} {way} than"
    )
    return (
        f"{name} {grade}: {reads}. Of images held out of the training set it reads {short} a perfect device in an array "
        + ("without wire resistance." if parts == "wires" else f"without {parts}.")
    )


def _negative(estimate: Estimate) -> Estimate:
    value, low, high = estimate
    return Estimate(-value, None if high is None else -high, None if low is None else -low)


def _grade(points: float) -> int:
    return next(grade for grade, (limit, _) in enumerate(_GRADES) if points < limit)


def worst_words(attribution: Attribution) -> str:
    """Say which of the device's own properties costs most, and which others cost anything."""
    own = attribution.own
    if not own:
        return "It has no imperfection of its own that costs the network anything."
    sure = [cost for cost in own if _sure(cost)]
    if not sure:
        scatter = attribution.scatter
        seen = f" (about {scatter:.2f} points)" if scatter is not None else ""
        return f"None of its own imperfections costs more than the scatter of the trainings{seen}."
    first, rest = sure[0], [f"{_OBJECTS[cost.property]} ({cost.points.value:.2f})" for cost in sure[1:]]
    said = f"Its worst property: {_OBJECTS[first.property]}. Without it, {first.points.value:.2f} points more"
    return said + between(first.points, "{:.2f}".format) + (f"; then {', '.join(rest)}." if rest else ".")


def layer_words(attribution: Attribution) -> str:
    """Say what the imperfections of each layer cost, all of them and of that layer alone."""
    parts = [
        f"those of {cost.property}, {cost.points.value:.2f}{between(cost.points, '{:.2f}'.format)}"
        for cost in attribution.layers
    ]
    return f"In points, all imperfections of one layer cost: {'; '.join(parts)}."


def _sure(cost: Cost) -> bool:
    return cost.acts and cost.points.low is not None and cost.points.low > 0


def help_words(changes: Sequence[Change], accuracy: Estimate) -> str | None:
    """Say which property at half or double would help most; None before any is known."""
    if not changes:
        return None
    sure = beyond_scatter(changes)
    best = max(sure, key=lambda change: change.points.value, default=None)
    worst = min(sure, key=lambda change: change.points.value, default=None)
    if best is not None and best.points.value > 0:
        return f"What would help most: {change_words(best, accuracy)}."
    beware = f" What must not happen: {change_words(worst, accuracy)}." if worst is not None else ""
    return f"No property at half or at double makes it better by more than the scatter of the trainings.{beware}"


def change_words(change: Change, accuracy: Estimate) -> str:
    """Say what one change would bring."""
    said = f"{LABELS[change.property]} at {change.to} ({numbers(change.values)}): "
    then = min(100 * accuracy.value + change.points.value, 100.0)  # the points are those of other, held-out images
    said += f"about {then:.2f} % ({signed(change.points.value)} points)"
    if set(change.energy) == {""} and abs(change.energy[""] - 1.0) > _SAME:
        said += f", energy x {change.energy['']:.3g}"
    return said + (f", life x {change.life:.3g}" if change.life is not None and abs(change.life - 1.0) > _SAME else "")


def energy_words(
    energy: Mapping[str, Estimate], time: Mapping[str, Estimate], unknown: Iterable[str], circuits: float | None
) -> str:
    """Say what one training costs; and how to state the pulses where they are unknown."""
    missing = " and ".join(sorted(unknown))
    costs = f"{amount(energy, 'J')} and {amount(time, 's')} with rows and columns in parallel"
    if missing:
        return (
            f"The {missing} of the programming pulses {'are' if ' and ' in missing else 'is'} unknown, so that energy and time "
            f'are given per unit: one training costs {costs}. To have joules: --pulse "0.85 V, 1 us".'
        )
    share = (
        ""
        if circuits is None
        else f"; {_whole_percent(circuits)} of the energy goes into lines and circuits around the cells"
    )
    return f"One training costs {costs}{share}."


def _whole_percent(share: float) -> str:
    """Write a share in whole percent; one that would read as nothing is less than one."""
    return "less than 1 %" if 0.0 < share < 0.005 else f"{100 * share:.0f} %"


def read_words(floor: ReadFloor) -> str | None:
    """Say when a look-up of a cell is too short to tell its levels apart; None when it is long enough."""
    if floor.enough:
        return None
    return (
        f"A look-up of {quantity(floor.t_read, 's')} is too short: with thermal and shot noise it distinguishes "
        f"{floor.told_apart} of {floor.levels} levels; {quantity(floor.seconds, 's')} would do. To simulate this noise: "
        "--set array.thermal_noise=true."
    )


def life_words(left: Estimate | None) -> str:
    """Say for how many trainings the cells last."""
    if left is None:
        return "How long it lives is not known, because its endurance is not: --endurance 1e6."
    if not np.isfinite(left.value):
        return "It does not wear out: fewer cells are written than may fail."
    if left.value < 1:
        return f"It does not live through one training: 1 % of its cells have failed after {count(left.value)} of it."
    return f"Its cells last for {count(left.value)} such trainings, until 1 % of them have failed."


def card(title: str, facts: Sequence[tuple[str, str]], sentences: Sequence[str]) -> str:
    """Lay out a card for a notebook: a title, some headline numbers, sentences."""
    tile = "display:inline-block;margin:0 1.4em .5em 0;vertical-align:top"
    tiles = "".join(
        f'<div style="{tile}"><b style="font-size:1.25em">{html.escape(value)}</b><br>'
        f'<span style="opacity:.7;font-size:.85em">{html.escape(name)}</span></div>'
        for name, value in facts
    )
    text = "".join(f'<p style="margin:.3em 0;max-width:46em">{html.escape(sentence)}</p>' for sentence in sentences)
    frame = "border:1px solid rgba(128,128,128,.4);border-radius:8px;padding:.8em 1em;max-width:50em"
    return f'<div style="{frame}"><div style="font-weight:600;margin-bottom:.5em">{html.escape(title)}</div>{tiles}{text}</div>'
