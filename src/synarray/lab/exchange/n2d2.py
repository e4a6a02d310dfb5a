"""N2D2's INI: sections of "key=value", a value with its spread as "mean; 0.1" or "mean; 10%", thousands with commas.

    dw = alpha exp(beta x), x the way gone from w_min (from w_max for LTD)

Source: github.com/CEA-LIST/N2D2 @ ccce8ba, FcCell_Spike_Analog, Parameterizable.hpp, models/mnist-stdp.ini.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.lab.exchange.imported import PULSES, Imported, Parameters, finish
from synarray.lab.exchange.sections import Section
from synarray.lab.exchange.steps import STATES, steps_table

__all__ = ["from_n2d2", "without_spreads"]

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DEFAULTS = {
    "WeightsMinMean": 1.0,
    "WeightsMaxMean": 100.0,
    "WeightIncrementDamping": -3.0,
    "WeightDecrementDamping": -3.0,
}
_THEIRS = {
    "n_levels_ltp": "WeightIncrement", "n_levels_ltd": "WeightDecrement", "sigma_d2d_step": "WeightIncrement",
    "response": "WeightIncrement",
}  # fmt: skip


def without_spreads(section: Section) -> Section:
    """Take the means; spreads get names of their own."""
    values: dict[str, str] = {}
    for key, text in section.values.items():
        mean, _, spread = _THOUSANDS.sub("", text).partition(";")
        values[key] = mean.strip()
        if spread.strip():
            values[f"{key} spread"] = spread.strip()
    return Section(section.name, values, section.family, section.text)


def from_n2d2(read: Parameters) -> Imported:
    """Make a device of a section's numbers.

    Raises
    ------
    DataError
        When a number that is needed is missing, or is none.
    SpecError
        When they make no device.
    """
    means: dict[str, float] = {}
    for key in ("WeightIncrement", "WeightDecrement"):
        means[key] = read.get(key)
        if not means[key] > 0:
            raise DataError(
                f"{key} must be positive", got=f"{means[key]:g}", where=read.where(key), do=f"Correct {key}."
            )
    means |= {
        key: read.get(key, key.removesuffix("Mean"), default=default) for key, default in _DEFAULTS.items()
    }  # fmt: skip
    absent = [key for key in _DEFAULTS if not read.has(key, key.removesuffix("Mean"))]
    if absent:
        read.notes.append(
            "not in the file, N2D2's default: " + ", ".join(f"{key} = {_DEFAULTS[key]:g}" for key in absent)
        )
    low, high = means["WeightsMinMean"], means["WeightsMaxMean"]
    if not high > low:
        raise DataError("WeightsMaxMean must exceed WeightsMinMean", got=f"{low:g} and {high:g}",
                        where=read.where("WeightsMaxMean"), do="Correct them.")  # fmt: skip
    up, down = (means[key] / (high - low) for key in ("WeightIncrement", "WeightDecrement"))
    beta_up, beta_down = means["WeightIncrementDamping"], means["WeightDecrementDamping"]
    values: dict[str, Any] = {"g_min": read.given.get("g_min", 0.1e-6), "g_max": read.given.get("g_max", 5e-6)}
    values["sigma_d2d_step"] = _spread(read, means)
    if beta_up or beta_down:
        with np.errstate(over="ignore"):
            ltp, ltd = up * np.exp(beta_up * STATES), down * np.exp(beta_down * (1.0 - STATES))
        values |= {"law": "table", "response": steps_table(ltp, ltd, read.notes)}
    else:
        if max(up, down) > 1.0:
            read.notes.append("a step beyond the whole range became one of the whole range")
        values |= {"law": "linear", "n_levels_ltp": max(1.0 / up, 1.0), "n_levels_ltd": max(1.0 / down, 1.0)}
    unsure = {key: "placeholder: the file has weights only" for key in ("g_min", "g_max") if key not in read.given}
    for key in PULSES:
        values[key] = DeviceSpec.model_fields[key].default
        unsure[key] = "default: the file has no pulses"
    return finish(read, "n2d2", values, _THEIRS, unsure)


def _spread(read: Parameters, means: dict[str, float]) -> float:
    """Return the relative spread of the step: behind a percent sign as it is, else in units of the increment."""
    found: dict[str, float] = {}
    for key in ("WeightIncrement", "WeightDecrement"):
        text = read.text(f"{key} spread")
        if not text:
            continue
        try:
            value = read.number(text.rstrip("% "))
        except ValueError as error:
            raise DataError(f"the spread of {key} must be a number, with or without a percent sign", got=f"{text!r}, {error}",
                            where=read.where(key), do="Write 10%, or the spread itself.") from None  # fmt: skip
        found[key] = abs(value) / 100.0 if "%" in text else abs(value) / means[key]
    if "WeightIncrement" not in found:
        return 0.0
    read.used.add("WeightIncrement spread")
    if found.get("WeightDecrement") == found["WeightIncrement"]:
        read.used.add("WeightDecrement spread")
    read.notes.append("the spread of WeightIncrement became the spread of the step from device to device")
    return found["WeightIncrement"]
