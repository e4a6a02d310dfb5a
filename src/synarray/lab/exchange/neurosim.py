"""NeuroSim's Cell.cpp: a constructor for each kind of device, its numbers one assignment each.

RealDevice is the one with nonlinear pulses, and is taken where several are in the file. Write voltages are magnitudes there
(only their squares count); a comment of ours keeps the signs on a round trip.

Source: github.com/neurosim/MLP_NeuroSim_V3.0 @ cc13863.
"""

from __future__ import annotations

import math
import re
from typing import Any

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.lab.exchange.arithmetic import evaluate
from synarray.lab.exchange.imported import Imported, Parameters, finish

__all__ = ["DEFAULT_SECTION", "from_neurosim", "to_neurosim"]

DEFAULT_SECTION = "RealDevice"
_THEIRS = {
    "g_min": "minConductance", "g_max": "maxConductance", "n_levels_ltp": "maxNumLevelLTP", "n_levels_ltd": "maxNumLevelLTD",
    "nonlinearity_ltp": "NL_LTP", "nonlinearity_ltd": "NL_LTD", "sigma_c2c": "sigmaCtoC", "sigma_read": "sigmaReadNoise",
    "sigma_d2d_nonlinearity": "sigmaDtoD", "v_ltp": "writeVoltageLTP", "v_ltd": "writeVoltageLTD",
    "t_ltp": "writePulseWidthLTP", "t_ltd": "writePulseWidthLTD", "v_read": "readVoltage", "t_read": "readPulseWidth",
}  # fmt: skip
_SIGNS = re.compile(r"synarray: sign of LTP ([+-]), of LTD ([+-])")


def from_neurosim(read: Parameters) -> Imported:
    """Make a device of a constructor's numbers.

    Raises
    ------
    DataError
        When a number that is needed is missing, or is none.
    SpecError
        When they make no device.
    """
    low, high = (
        read.given.get(ours, read.get(_THEIRS[ours], default=read.given.get(ours))) for ours in ("g_min", "g_max")
    )
    values: dict[str, Any] = {"g_min": low, "g_max": high, **_pulses(read), **_law(read)}
    values["sigma_c2c"] = _cycle_to_cycle(read, high - low) if read.has("sigmaCtoC") else 0.0
    sigma = read.get("sigmaReadNoise", default=0.0)
    if sigma and read.flag("readNoise"):
        values["sigma_read"] = sigma
    elif sigma:
        read.used.discard("sigmaReadNoise")
        read.notes.append(f"sigmaReadNoise = {sigma:g} was not taken: the file does not switch readNoise on")
    unsure = {
        ours: "default: the file does not say"
        for ours in ("v_ltp", "v_ltd", "t_ltp", "t_ltd", "v_read", "t_read") if not read.has(_THEIRS[ours])
    }  # fmt: skip
    return finish(read, "neurosim", values, _THEIRS, unsure)


def _law(read: Parameters) -> dict[str, Any]:
    if read.section.name == "DigitalNVM":
        read.notes.append("DigitalNVM became a cell of two states")
        return {"law": "binary"}
    values: dict[str, Any] = {
        ours: read.get(_THEIRS[ours]) for ours in ("n_levels_ltp", "n_levels_ltd")
    }  # fmt: skip
    labels = {ours: read.get(_THEIRS[ours], default=0.0) for ours in ("nonlinearity_ltp", "nonlinearity_ltd")}
    if any(labels.values()) and read.flag("nonlinearWrite") is False:
        read.notes.append("the labels were not taken: the file switches nonlinearWrite off")
    elif any(labels.values()):
        spread = read.get("sigmaDtoD", default=0.0)
        return values | labels | {"law": "soft-bound", "sigma_d2d_nonlinearity": spread}
    return values | {"law": "linear"}


def _pulses(read: Parameters) -> dict[str, float]:
    """Return voltages with their signs, and widths."""
    v_ltp, v_ltd = (read.get(_THEIRS[ours], default=1.0) for ours in ("v_ltp", "v_ltd"))
    signs = _SIGNS.search(read.section.text)
    if signs:
        v_ltp, v_ltd = (
            math.copysign(v, float(f"{sign}1")) for v, sign in zip((v_ltp, v_ltd), signs.groups(), strict=True)
        )
    elif v_ltd > 0:
        v_ltd = math.copysign(v_ltd, -v_ltp)
        read.notes.append("NeuroSim writes LTD voltages without a sign; the opposite of LTP's was taken")
    return {
        "v_ltp": v_ltp, "v_ltd": v_ltd,
        "t_ltp": read.get("writePulseWidthLTP", default=1e-6), "t_ltd": read.get("writePulseWidthLTD", default=1e-6),
        "v_read": read.get("readVoltage", default=0.1), "t_read": read.get("readPulseWidth", default=1e-8),
    }  # fmt: skip


def _cycle_to_cycle(read: Parameters, span: float) -> float:
    """Return the spread as a share of the range: written as a multiple of it, in siemens, or as the share itself."""
    text = read.text("sigmaCtoC")

    def over(high: float) -> float:
        ends = {"maxConductance": high, "minConductance": 0.0}

        def named(name: str) -> float:
            return ends[name] if name in ends else read.number(name)

        return evaluate(text, named, c=True)

    try:
        if "minConductance" in text and over(0.0) == 0.0:
            read.used.add("sigmaCtoC")
            if share := over(1.0):
                read.notes.append("sigmaCtoC was read as a share of the range")
            return share
    except ValueError:
        pass  # said by what follows
    sigma = read.get("sigmaCtoC")
    if 0 < sigma < max(span, 0.0):
        read.notes.append("sigmaCtoC was read in siemens and divided by the range")
        return sigma / span
    if sigma:
        read.notes.append("sigmaCtoC was read as a share of the range")
    return sigma


def to_neurosim(device: DeviceSpec) -> str:
    """Write the lines that NeuroSim's Cell.cpp has for a device.

    Raises
    ------
    DataError
        For a law that NeuroSim's pulses do not follow.
    """
    if not device.step_law.affine:
        raise DataError(
            "NeuroSim knows linear and exponential responses", got=f"law {device.law}", where=device.name,
            do="Export it to crosssim, whose tables hold any law.",
        )  # fmt: skip
    read = "true" if device.sigma_read else "false"
    up, down = ("-" if v < 0 else "+" for v in (device.v_ltp, device.v_ltd))
    return "\n".join((
        f"/* {device.name}: synarray */", f"// synarray: sign of LTP {up}, of LTD {down}; NeuroSim has magnitudes",
        f"maxConductance = {device.g_max!r};\t// S", f"minConductance = {device.g_min!r};\t// S",
        f"readVoltage = {device.v_read!r};\t// V", f"readPulseWidth = {device.t_read!r};\t// s",
        f"writeVoltageLTP = {abs(device.v_ltp)!r};\t// V", f"writeVoltageLTD = {abs(device.v_ltd)!r};\t// V",
        f"writePulseWidthLTP = {device.t_ltp!r};\t// s", f"writePulseWidthLTD = {device.t_ltd!r};\t// s",
        f"maxNumLevelLTP = {device.n_levels_ltp!r};", f"maxNumLevelLTD = {device.n_levels_ltd!r};",
        f"NL_LTP = {device.nonlinearity_ltp!r};", f"NL_LTD = {device.nonlinearity_ltd!r};",
        f"sigmaDtoD = {device.sigma_d2d_nonlinearity!r};",
        f"sigmaCtoC = {device.sigma_c2c!r} * (maxConductance - minConductance);",
        f"readNoise = {read};", f"sigmaReadNoise = {device.sigma_read!r};",
    )) + "\n"  # fmt: skip
