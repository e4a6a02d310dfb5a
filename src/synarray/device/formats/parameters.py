"""Devices as other simulators write them down: NeuroSim's Cell.cpp, aihwkit's presets, N2D2's INI. Read, never executed.

Numbers are picked out of the text by their names, whatever stands around them: C++, Python, JSON or INI. What a file says and a
device of ours has no place for is listed, not dropped in silence.

    aihwkit, linear step    dw = scale (1 - gamma w / w_bound); scale_up = dw_min (1 + min(up_down, 0)), scale_down = dw_min (1 - max(up_down, 0))
    aihwkit, exponential    dw = scale max(0, 1 - A exp(gamma z)), z = 2 a w / (w_max - w_min) + b, for LTD with -z
    N2D2                    dw = alpha exp(beta x), x the way gone from w_min (from w_max for LTD)
"""  # noqa: E501

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.device.law import MOST_NONLINEAR, curvature
from synarray.device.spec import DeviceSpec
from synarray.errors import DataError, nearest
from synarray.files import read_text

__all__ = ["PARAMETERS", "Imported", "read_parameters", "to_aihwkit", "to_neurosim"]

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PAIR = re.compile(rf"[\"']?\b([A-Za-z_]\w*)[\"']?\s*[:=]\s*({_NUMBER})\s*(\*)?")
_TABLE_STATES = np.linspace(0.0, 1.0, 21)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Imported:
    """A device read from parameters, and what was not taken over."""

    spec: DeviceSpec
    format: str
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def read_parameters(
    path: Path, name: str | None = None, g_min: float | None = None, g_max: float | None = None
) -> Imported:
    """Read the parameters of another simulator.

    Parameters
    ----------
    path : Path
    name : str, optional
        aihwkit, neurosim or n2d2; none: recognised.
    g_min, g_max : float, optional
        Range in S, for files that have weights only.

    Raises
    ------
    DataError
        When the file cannot be read, no format fits, or a number that is needed is missing.
    SpecError
        When the numbers make no device.
    """
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise DataError(
            "a file of parameters must be readable text", got=getattr(error, "strerror", None) or str(error), where=str(path),
            do="Check the path and its rights.",
        ) from None  # fmt: skip
    text = re.sub(r"//[^\n]*|(?m:^\s*[#;][^\n]*)", "", text)
    numbers = {found[1]: float(found[2]) for found in _PAIR.finditer(text) if len(found[2]) < 40}
    if name is not None and name not in PARAMETERS:
        raise DataError(
            "the format must be one of parameters", got=repr(name), where="--format", do=nearest(name, PARAMETERS)
        )
    fits = [key for key, (marks, _) in PARAMETERS.items() if marks & numbers.keys()] if name is None else [name]
    if len(fits) != 1:
        raise DataError(
            "a file of parameters must be aihwkit's, NeuroSim's or N2D2's",
            got=f"one that may be {' or '.join(fits)}" if fits else f"{len(numbers)} numbers, none of them known",
            where=str(path), do="Give --format aihwkit, neurosim or n2d2.",
        )  # fmt: skip
    given = {key: value for key, value in (("g_min", g_min), ("g_max", g_max)) if value is not None}
    return PARAMETERS[fits[0]][1](numbers, text, path.name, given)


class _Reader:
    """Numbers by name, and which of them were asked for."""

    def __init__(self, numbers: dict[str, float], where: str) -> None:
        self.numbers, self.where, self.used = numbers, where, set[str]()

    def get(self, *names: str, default: float | None = None) -> float:
        for name in names:
            if name in self.numbers:
                self.used.add(name)
                return self.numbers[name]
        if default is None:
            raise DataError(
                "the parameters must be whole",
                got=f"no {names[0]}",
                where=self.where,
                do=f"Add {names[0]} to the file.",
            )
        return default

    def left_out(self) -> tuple[str, ...]:
        return tuple(f"{key} = {value:g}" for key, value in self.numbers.items() if key not in self.used and value != 0)


def _finish(reader: _Reader, kind: str, values: dict[str, Any], unsure: dict[str, str], notes: list[str]) -> Imported:
    """Validate; every number gets the file as its source."""
    title = f"{reader.where} ({kind})"
    sources: dict[str, Any] = {
        key: {"source": unsure[key], "confirmed": False} if key in unsure else {"source": title}
        for key in values if key not in ("law", "name")
    }  # fmt: skip
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(reader.where).stem).strip("-._")[:60] or "device"
    spec = DeviceSpec(name=stem, title=f"Imported from {title}", sources=sources, **values)
    return Imported(spec, kind, reader.left_out(), tuple(notes))


def _from_neurosim(numbers: dict[str, float], text: str, where: str, given: dict[str, float]) -> Imported:
    r = _Reader(numbers, where)
    low, high = given.get("g_min", r.get("minConductance")), given.get("g_max", r.get("maxConductance"))
    labels = r.get("NL_LTP", default=0.0), r.get("NL_LTD", default=0.0)
    scaled = re.search(r"sigmaCtoC\s*=\s*[^;\n]*\*\s*\(?\s*maxConductance", text)
    sigma = r.get("sigmaCtoC", default=0.0)
    notes = []
    if not scaled and 0 < sigma < 1e-3:
        sigma /= high - low
        notes.append("sigmaCtoC was read in siemens and divided by the range")
    elif sigma:
        notes.append("sigmaCtoC was read as a share of the range")
    values: dict[str, Any] = {
        "law": "soft-bound" if any(labels) else "linear", "g_min": low, "g_max": high,
        "n_levels_ltp": r.get("maxNumLevelLTP"), "n_levels_ltd": r.get("maxNumLevelLTD"), "sigma_c2c": sigma,
        "v_ltp": r.get("writeVoltageLTP", default=1.0), "t_ltp": r.get("writePulseWidthLTP", default=1e-6),
        "v_ltd": -abs(r.get("writeVoltageLTD", default=1.0)), "t_ltd": r.get("writePulseWidthLTD", default=1e-6),
        "v_read": r.get("readVoltage", default=0.1), "t_read": r.get("readPulseWidth", default=1e-8),
    }  # fmt: skip
    if r.get("sigmaReadNoise", default=0.0) and "readNoise = true" in text:
        values["sigma_read"] = r.get("sigmaReadNoise")
    if any(labels):
        values |= {"nonlinearity_ltp": labels[0], "nonlinearity_ltd": labels[1]}
        values["sigma_d2d_nonlinearity"] = r.get("sigmaDtoD", default=0.0)
    notes.append("NeuroSim writes LTD voltages without a sign; the opposite of LTP's was taken")
    unsure = {
        key: "default: the file does not say"
        for key, theirs in (("v_ltp", "writeVoltageLTP"), ("v_ltd", "writeVoltageLTD"), ("t_ltp", "writePulseWidthLTP"),
                            ("t_ltd", "writePulseWidthLTD"), ("v_read", "readVoltage"), ("t_read", "readPulseWidth"))
        if theirs not in numbers
    }  # fmt: skip
    return _finish(r, "neurosim", values, unsure, notes)


def to_neurosim(device: DeviceSpec) -> str:
    """Write the lines that NeuroSim's Cell.cpp has for a device.

    Raises
    ------
    DataError
        For a law that NeuroSim's pulses do not follow.
    """
    if device.law not in ("soft-bound", "linear"):
        raise DataError(
            "NeuroSim knows linear and exponential responses", got=f"law {device.law}", where=device.name,
            do="Export it to crosssim, whose tables hold any law.",
        )  # fmt: skip
    read = "true" if device.sigma_read else "false"
    return "\n".join((
        f"/* {device.name}: synarray */",
        f"maxConductance = {device.g_max!r};\t// S", f"minConductance = {device.g_min!r};\t// S",
        f"readVoltage = {device.v_read!r};\t// V", f"readPulseWidth = {device.t_read!r};\t// s",
        f"writeVoltageLTP = {device.v_ltp!r};\t// V", f"writeVoltageLTD = {abs(device.v_ltd)!r};\t// V",
        f"writePulseWidthLTP = {device.t_ltp!r};\t// s", f"writePulseWidthLTD = {device.t_ltd!r};\t// s",
        f"maxNumLevelLTP = {device.n_levels_ltp!r};", f"maxNumLevelLTD = {device.n_levels_ltd!r};",
        f"NL_LTP = {device.nonlinearity_ltp!r};", f"NL_LTD = {device.nonlinearity_ltd!r};",
        f"sigmaDtoD = {device.sigma_d2d_nonlinearity!r};",
        f"sigmaCtoC = {device.sigma_c2c!r} * (maxConductance - minConductance);",
        f"readNoise = {read};", f"sigmaReadNoise = {device.sigma_read!r};",
    )) + "\n"  # fmt: skip


def _law_of(start: float, end: float) -> tuple[float, float]:
    """Pulses and label of steps that go along a straight line from the beginning to the end of the way."""
    slope = end - start
    if abs(slope) < 1e-9 * start:
        return 1.0 / start, 0.0
    most = 1.0 / curvature(MOST_NONLINEAR)
    bend = -float(np.log(max(end, 1e-300) / start))
    bend = float(np.clip(bend, -most, most))
    return -bend / float(np.log1p(slope)), float(np.sign(bend)) * _label(abs(bend))


def _label(bend: float) -> float:
    b = -1.0 / np.expm1(-bend)
    p = np.log(b * bend) / bend
    label = float(b * -np.expm1(-bend * p) - p) / (0.07 * 2.0**0.5)
    return label if label >= 0.01 else 0.0


def _from_aihwkit(numbers: dict[str, float], text: str, where: str, given: dict[str, float]) -> Imported:
    r = _Reader(numbers, where)
    dw, high, low = r.get("dw_min"), r.get("w_max", default=0.6), r.get("w_min", default=-0.6)
    if not (dw > 0 and high > low):
        raise DataError("dw_min must be positive and w_max above w_min", got=f"{dw:g}, {high:g}, {low:g}", where=where,
                        do="Correct them.")  # fmt: skip
    bias = r.get("up_down", default=0.0)
    span = high - low
    up, down = dw * (1.0 + min(bias, 0.0)) / span, dw * (1.0 - max(bias, 0.0)) / span
    values: dict[str, Any] = {"g_min": given.get("g_min", 0.1e-6), "g_max": given.get("g_max", 5e-6)}
    values |= {
        "sigma_c2c": r.get("dw_min_std", default=0.0) * dw / span,
        "sigma_d2d_step": r.get("dw_min_dtod", default=0.0),
    }
    w = low + _TABLE_STATES * span
    notes = []
    if {"A_up", "A_down"} <= numbers.keys():
        z = 2.0 * r.get("a", default=0.244) * w / span + r.get("b", default=0.2425)
        ltp = up * np.maximum(1.0 - r.get("A_up") * np.exp(r.get("gamma_up") * z), 0.0)
        ltd = down * np.maximum(1.0 - r.get("A_down") * np.exp(-r.get("gamma_down") * z), 0.0)
        values |= {"law": "table", "response": _response(ltp, ltd)}
    else:
        soft = "SoftBounds" in text
        gamma_up, gamma_down = (r.get(key, default=1.0 if soft else 0.0) for key in ("gamma_up", "gamma_down"))
        rising = (up * (1.0 - gamma_up * low / high), up * (1.0 - gamma_up)) if gamma_up else (up, up)
        falling = (
            (down * (1.0 - gamma_down * high / low), down * (1.0 - gamma_down)) if gamma_down and low else (down, down)
        )
        if min(*rising, *falling) < 0 or min(rising[0], falling[0]) <= 0:
            raise DataError("steps must not turn round within the range", got=f"gamma {gamma_up:g}, {gamma_down:g}", where=where,
                            do="Use gammas of at most 1.")  # fmt: skip
        n_up, label_up = _law_of(*rising)
        n_down, label_down = _law_of(*falling)
        values |= {"law": "soft-bound" if label_up or label_down else "linear", "n_levels_ltp": max(n_up, 1.0)}
        values |= {"n_levels_ltd": max(n_down, 1.0)}
        if label_up or label_down:
            values |= {"nonlinearity_ltp": label_up, "nonlinearity_ltd": -label_down + 0.0}
        if abs(label_up) >= MOST_NONLINEAR or abs(label_down) >= MOST_NONLINEAR:
            notes.append("steps that vanish at a bound became the largest label, 9")
    bound = r.get("w_max_dtod", default=0.0)
    if bound:
        g_low, g_high = values["g_min"], values["g_max"]
        values["sigma_d2d_range"] = bound * abs(high) / span * (g_high - g_low) / g_high
        notes.append("w_max_dtod became the spread of g_max; g_min takes the same, relative to itself")
    unsure = {key: "placeholder: the file has weights only" for key in ("g_min", "g_max") if key not in given}
    for key in ("v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read"):
        values[key] = DeviceSpec.model_fields[key].default
        unsure[key] = "default: presets have no pulses"
    r.used |= {"w_min_dtod"}
    return _finish(r, "aihwkit", values, unsure, notes)


def _response(ltp: Floats, ltd: Floats) -> dict[str, list[float]]:
    """Make a response table of steps in shares of the range."""
    x = [round(float(v), 6) for v in _TABLE_STATES]
    rows = ([float(f"{min(max(v, 0.0), 1.0):.9g}") for v in row] for row in (ltp, ltd))
    return dict(zip(("x", "ltp", "ltd"), (x, *rows), strict=True))


def to_aihwkit(device: DeviceSpec) -> str:
    """Write a device as the fields of aihwkit's linear-step device, weights from -1 to 1.

    Raises
    ------
    DataError
        For a law whose steps do not lie on a straight line over the weight.
    """
    if device.law not in ("soft-bound", "linear"):
        raise DataError(
            "aihwkit's linear-step device has steps on a straight line over the weight", got=f"law {device.law}",
            where=device.name, do="Export it to crosssim, whose tables hold any law.",
        )  # fmt: skip
    (down_low, down_high), (up_low, up_high) = device.steps(np.array([-1.0, 1.0]))
    up, down = (up_low + up_high) / 2.0, (down_low + down_high) / 2.0
    dw = max(up, down)
    fields = {
        "name": device.name, "class": "LinearStepDevice", "dw_min": dw, "w_max": 1.0, "w_min": -1.0,
        "up_down": up / dw - 1.0 if up < down else 1.0 - down / dw,
        "gamma_up": (up_low - up_high) / (2.0 * up), "gamma_down": (down_high - down_low) / (2.0 * down),
        "dw_min_std": 2.0 * device.sigma_c2c / dw, "dw_min_dtod": device.sigma_d2d_step,
        "w_max_dtod": device.sigma_d2d_range * device.g_max * 2.0 / device.g_range,
        "w_min_dtod": device.sigma_d2d_range * device.g_min * 2.0 / device.g_range,
        "mult_noise": False, "g_min_S": device.g_min, "g_max_S": device.g_max,
    }  # fmt: skip
    return (
        json.dumps({key: float(v) if isinstance(v, np.floating) else v for key, v in fields.items()}, indent=2) + "\n"
    )


def _from_n2d2(numbers: dict[str, float], text: str, where: str, given: dict[str, float]) -> Imported:
    """Values are "mean; spread", thousands may have commas."""
    pairs: dict[str, tuple[float, float]] = {}
    for key, first, second in re.findall(
        rf"(?m)^\s*(\w+)\s*=\s*({_NUMBER}(?:,\d{{3}})*)\s*(?:;\s*({_NUMBER})\s*%?)?", text
    ):
        pairs[key] = float(first.replace(",", "")), float(second or 0.0)
    r = _Reader({key: value for key, (value, _) in pairs.items()}, where)
    low, high = r.get("WeightsMinMean", "WeightsMin", default=1.0), r.get("WeightsMaxMean", "WeightsMax", default=100.0)
    if not high > low:
        raise DataError("WeightsMax must exceed WeightsMin", got=f"{low:g}, {high:g}", where=where, do="Correct them.")
    span = high - low
    up, down = (r.get(key) / span for key in ("WeightIncrement", "WeightDecrement"))
    beta_up, beta_down = (r.get(key, default=0.0) for key in ("WeightIncrementDamping", "WeightDecrementDamping"))
    spread = pairs["WeightIncrement"][1] / pairs["WeightIncrement"][0] if pairs["WeightIncrement"][0] else 0.0
    values: dict[str, Any] = {"sigma_d2d_step": min(abs(spread), 5.0)}
    values |= {"g_min": given.get("g_min", 0.1e-6), "g_max": given.get("g_max", 5e-6)}
    if beta_up or beta_down:
        x = _TABLE_STATES
        values |= {
            "law": "table",
            "response": _response(up * np.exp(beta_up * x), down * np.exp(beta_down * (1.0 - x))),
        }
    else:
        values |= {"law": "linear", "n_levels_ltp": max(1.0 / up, 1.0), "n_levels_ltd": max(1.0 / down, 1.0)}
    unsure = {key: "placeholder: the file has weights only" for key in ("g_min", "g_max") if key not in given}
    for key in ("v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read"):
        values[key] = DeviceSpec.model_fields[key].default
        unsure[key] = "default: the file has no pulses"
    notes = ["the spread of WeightIncrement became the spread of the step from device to device"] if spread else []
    return _finish(r, "n2d2", values, unsure, notes)


PARAMETERS: dict[str, tuple[set[str], Callable[[dict[str, float], str, str, dict[str, float]], Imported]]] = {
    "neurosim": ({"maxConductance", "NL_LTP", "maxNumLevelLTP"}, _from_neurosim),
    "aihwkit": ({"dw_min"}, _from_aihwkit),
    "n2d2": ({"WeightIncrement", "WeightsMinMean", "WeightsMaxMean"}, _from_n2d2),
}
