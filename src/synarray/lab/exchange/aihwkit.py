"""aihwkit's devices: presets as dataclasses, calls or JSON; weights without unit, steps dw over the weight w.

    linear step     dw = scale (1 - gamma w / w_bound); scale_up = dw_min (1 + min(up_down, 0)), scale_down = dw_min (1 - max(up_down, 0))
    soft bounds     the same with gamma 1
    exponential     dw = scale max(0, 1 - A exp(gamma z)), z = 2 a w / (w_max - w_min) + b, for LTD with -z

Source: github.com/IBM/aihwkit @ 4545f11, simulator/configs/devices.py and presets/devices.py.
"""  # noqa: E501

from __future__ import annotations

import json
from typing import Any

import numpy as np

from synarray.device.curves import MOST_NONLINEAR
from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.lab.exchange.imported import PULSES, Imported, Parameters, finish
from synarray.lab.exchange.steps import STATES, line_law, steps_table

__all__ = ["from_aihwkit", "to_aihwkit"]

_SPREADS = {"dw_min_std": 0.3, "dw_min_dtod": 0.3, "w_max_dtod": 0.3, "w_min_dtod": 0.3}
"""What PulsedDevice says where a class does not; without a class nothing is known, and nothing spreads."""
_EXPONENTIAL = {
    "A_up": 0.00081,
    "A_down": 0.36833,
    "gamma_up": 12.44625,
    "gamma_down": 12.78785,
    "a": 0.244,
    "b": 0.2425,
}
_OTHERS = ("PowStep", "PiecewiseStep", "Pmax", "UnitCell", "Compound", "FloatingPoint", "IdealDevice")
_KNOWN = ("ExpStep", "SoftBounds", "LinearStep", "ConstantStep")
_THEIRS = {
    "n_levels_ltp": "dw_min", "n_levels_ltd": "dw_min", "sigma_c2c": "dw_min_std", "sigma_d2d_step": "dw_min_dtod",
    "sigma_d2d_range": "w_max_dtod", "response": "dw_min", "g_min": "g_min_S", "g_max": "g_max_S",
}  # fmt: skip


def from_aihwkit(read: Parameters) -> Imported:
    """Make a device of the fields of a preset.

    Raises
    ------
    DataError
        When a number that is needed is missing, or is none; or the class steps by another law.
    SpecError
        When they make no device.
    """
    kind = _kind(read)
    dw, high, low = read.get("dw_min"), read.get("w_max", default=0.6), read.get("w_min", default=-0.6)
    if not (dw > 0 and high > low):
        raise DataError("dw_min must be positive and w_max above w_min", got=f"{dw:g}, {high:g} and {low:g}",
                        where=read.where("dw_min"), do="Correct them.")  # fmt: skip
    absent = [f"{key} = {value:g}" for key, value in (("w_max", 0.6), ("w_min", -0.6)) if not read.has(key)]
    classed = bool(read.section.family)
    spread = {key: read.get(key, default=value if classed else 0.0) for key, value in _SPREADS.items()}
    absent += [f"{key} = {value:g}" for key, value in _SPREADS.items() if classed and not read.has(key)]
    span, bias = high - low, read.get("up_down", default=0.0)
    up, down = dw * (1.0 + min(bias, 0.0)) / span, dw * (1.0 - max(bias, 0.0)) / span
    unsure = {
        key: "placeholder: the file has weights only"
        for key, theirs in (("g_min", "g_min_S"), ("g_max", "g_max_S")) if key not in read.given and not read.has(theirs)
    }  # fmt: skip
    g_low, g_high = (
        read.given.get(key, read.get(f"{key}_S", default=default))
        for key, default in (("g_min", 0.1e-6), ("g_max", 5e-6))
    )
    values: dict[str, Any] = {"g_min": g_low, "g_max": g_high, "sigma_c2c": spread["dw_min_std"] * dw / span}
    values["sigma_d2d_step"] = spread["dw_min_dtod"]
    if kind == "ExpStep":
        absent += [f"{key} = {value:g}" for key, value in _EXPONENTIAL.items() if not read.has(key)]
        values |= _exponential(read, up, down, low, span)
    else:
        values |= _straight(read, kind, up, down, low, high)
    values |= _bounds(read, spread, abs(high) / span * (g_high - g_low) / g_high if g_high else 0.0)
    if absent:
        read.notes.append(f"not in the file, aihwkit's defaults: {', '.join(absent)}")
    for key in PULSES:
        values[key] = DeviceSpec.model_fields[key].default
        unsure[key] = "default: presets have no pulses"
    return finish(read, "aihwkit", values, _THEIRS, unsure)


def _kind(read: Parameters) -> str:
    """Say which law the class steps by; without a class the fields tell."""
    for name in read.section.family:
        if any(other in name for other in _OTHERS):
            raise DataError(
                "aihwkit's constant, linear, soft-bounds and exponential steps can be read", got=name,
                where=", ".join(part for part in (read.file, read.section.name) if part),
                do="Give its measured steps to synarray device fit --format aihwkit-steps.",
            )  # fmt: skip
        for known in _KNOWN:
            if known in name:
                return known
    if read.has("A_up") and read.has("A_down"):
        return "ExpStep"
    return "SoftBounds" if "SoftBounds" in read.section.text else "LinearStep"


def _exponential(read: Parameters, up: float, down: float, low: float, span: float) -> dict[str, Any]:
    of = {key: read.get(key, default=value) for key, value in _EXPONENTIAL.items()}
    z = 2.0 * of["a"] * (low + STATES * span) / span + of["b"]
    with np.errstate(over="ignore"):
        ltp = up * np.maximum(1.0 - of["A_up"] * np.exp(of["gamma_up"] * z), 0.0)
        ltd = down * np.maximum(1.0 - of["A_down"] * np.exp(-of["gamma_down"] * z), 0.0)
    return {"law": "table", "response": steps_table(ltp, ltd, read.notes)}


def _straight(read: Parameters, kind: str, up: float, down: float, low: float, high: float) -> dict[str, Any]:
    gamma_up, gamma_down = (
        read.get(key, default=1.0 if kind == "SoftBounds" else 0.0) if kind != "ConstantStep" else 0.0
        for key in ("gamma_up", "gamma_down")
    )
    rising = (up * (1.0 - gamma_up * low / high), up * (1.0 - gamma_up)) if gamma_up and high else (up, up)
    falling = (
        (down * (1.0 - gamma_down * high / low), down * (1.0 - gamma_down)) if gamma_down and low else (down, down)
    )
    if min(*rising, *falling) < 0 or min(rising[0], falling[0]) <= 0:
        raise DataError("steps must not turn round within the range", got=f"gamma {gamma_up:g}, {gamma_down:g}, up_down "
                        f"{read.get('up_down', default=0.0):g}", where=read.where("gamma_up"),
                        do="Use gammas of at most 1 and up_down between -1 and 1.")  # fmt: skip
    n_up, label_up = line_law(*rising)
    n_down, label_down = line_law(*falling)
    if min(n_up, n_down) < 1.0:
        read.notes.append("a step beyond the whole range became one of the whole range")
    values = {"n_levels_ltp": max(n_up, 1.0), "n_levels_ltd": max(n_down, 1.0)}
    if not (label_up or label_down):
        return values | {"law": "linear"}
    if abs(label_up) >= MOST_NONLINEAR or abs(label_down) >= MOST_NONLINEAR:
        read.notes.append("steps that vanish at a bound became the largest label, 9")
    return values | {"law": "soft-bound", "nonlinearity_ltp": label_up, "nonlinearity_ltd": -label_down + 0.0}


def _bounds(read: Parameters, spread: dict[str, float], share: float) -> dict[str, float]:
    """Turn the spread of the upper bound into that of the range; our g_min spreads by the same share of itself."""
    if not spread["w_max_dtod"]:
        read.used.discard("w_min_dtod")
        return {}
    read.notes.append("w_max_dtod became the spread of g_max; g_min takes the same, relative to itself")
    return {"sigma_d2d_range": spread["w_max_dtod"] * share}


def to_aihwkit(device: DeviceSpec) -> str:
    """Write a device as the fields of aihwkit's linear-step device, weights from -1 to 1; its range is beside them.

    Raises
    ------
    DataError
        For a law whose steps do not lie on a straight line over the weight.
    """
    if not device.step_law.affine:
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
