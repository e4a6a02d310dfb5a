r"""A cell for ngspice: a conductance, and a state that the voltage over it moves as the device's pulses do.

The state x (0 to 1) is the voltage of a capacitor of 1 F. While the voltage over the cell is beyond half a write pulse, x flows

    dx/dt = (a + s x) ln(1 + s) / (s t)

which takes it in the time t of one pulse exactly as far as the law's step a + s x; between the nodes of a table, as far as
its straight line there. Half the amplitude decides: a pulse is as wide as it is where it is half high.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError

__all__ = ["cell_deck", "train_deck"]


def _rate(x: npt.NDArray[np.float64], steps: npt.NDArray[np.float64], width: float, sign: int) -> str:
    """Write the flow of one polarity as nested conditions over the state; of signed steps on straight lines between nodes."""
    pieces = []
    for i in range(len(x) - 1):
        slope = sign * (steps[i + 1] - steps[i]) / (x[i + 1] - x[i])
        start = sign * steps[i] - slope * x[i]
        factor = np.log1p(slope) / slope if abs(slope) > 1e-12 else 1.0
        pieces.append(f"({float(start * factor / width)!r}+{float(slope * factor / width)!r}*v(x))")
    text = pieces[-1]
    for edge, piece in zip(x[-2:0:-1].tolist(), pieces[-2::-1], strict=True):
        text = f"(v(x)<{edge!r} ? {piece} : {text})"
    room = "(v(x)<1 ? 1 : 0)" if sign > 0 else "(v(x)>0 ? 1 : 0)"
    return f"{room}*{text}"


def cell_deck(device: DeviceSpec) -> str:
    """Write a subcircuit ``synarray_cell p n x``: the cell between p and n, its state as the voltage of x.

    Raises
    ------
    DataError
        For binary cells and the exact law, whose jumps are no flow; and steps that overshoot.
    """
    if not device.step_law.gradual:
        raise DataError(
            "a cell for SPICE must move in steps of its own", got=f"law {device.law}", where=device.name,
            do="Export a device with a linear, soft-bound or table law.",
        )  # fmt: skip
    x = np.array(device.response.x) if device.response is not None else np.array([0.0, 1.0])
    ltd, ltp = device.steps(2.0 * x - 1.0) / 2.0
    slopes = np.concatenate([np.diff(ltp) / np.diff(x), -np.diff(ltd) / np.diff(x)])
    if (slopes <= -1.0).any():
        raise DataError(
            "steps must not fall faster than the state rises", got=f"a slope of {slopes.min():g}", where=device.name,
            do="Use a smoother table.",
        )  # fmt: skip
    up, down = _conditions(device)
    rates = _rate(x, ltp, device.t_ltp, 1), _rate(x, ltd, device.t_ltd, -1)
    return "\n".join((
        f"* {device.name}: LTP {device.v_ltp:g} V, {device.t_ltp:g} s; LTD {device.v_ltd:g} V, {device.t_ltd:g} s",
        ".subckt synarray_cell p n x params: x0=0",
        f"Bcell p n I=v(p,n)*({device.g_min!r}+{device.g_range!r}*max(0,min(1,v(x))))",
        "Cx x 0 1 ic={x0}", f"Bup 0 x I=({up} ? {rates[0]} : 0)", f"Bdown 0 x I=({down} ? {rates[1]} : 0)",
        ".ends synarray_cell", "",
    ))  # fmt: skip


def _conditions(device: DeviceSpec) -> tuple[str, str]:
    """Voltages at which the cell moves up and down; where both polarities have one sign, the larger one wins above the middle."""
    v = {"up": device.v_ltp, "down": device.v_ltd}

    def beyond(level: float, sign: float) -> str:
        return f"v(p,n)>{level!r}" if sign > 0 else f"v(p,n)<{level!r}"

    if np.sign(v["up"]) != np.sign(v["down"]):
        return beyond(v["up"] / 2, v["up"]), beyond(v["down"] / 2, v["down"])
    sign, middle = float(np.sign(v["up"])), (v["up"] + v["down"]) / 2
    weak = f"({beyond(min(v.values(), key=abs) / 2, sign)}) && ({beyond(middle, -sign)})"
    strong = beyond(middle, sign)
    return (weak, strong) if abs(v["up"]) < abs(v["down"]) else (strong, weak)


def train_deck(device: DeviceSpec, up: npt.NDArray[np.bool_]) -> str:
    """Write a deck that sends a train to a cell at g_min, and prints its state after each pulse as ``k1``, ``k2``, ..."""
    lines = [f"{device.name}: train of {len(up)} pulses", cell_deck(device)]
    points, at, reads = ["0 0"], 0.0, []
    for on in up:
        v, t = (device.v_ltp, device.t_ltp) if on else (device.v_ltd, device.t_ltd)
        edge, start = t / 2000.0, at + t
        points += [
            f"{start:.12g} 0",
            f"{start + edge:.12g} {v:g}",
            f"{start + t:.12g} {v:g}",
            f"{start + t + edge:.12g} 0",
        ]
        at = start + 2.0 * t
        reads.append(at)
    finest = min(device.t_ltp, device.t_ltd)
    lines += ["Vp p 0 pwl(", *(f"+ {point}" for point in points), "+ )", "Xcell p 0 x synarray_cell"]
    lines += [".options reltol=1e-5 abstol=1e-15 method=trap", ".control"]
    lines.append(f"tran {finest / 20:.6g} {at + finest:.12g} 0 {finest / 20:.6g} uic")
    for i, t in enumerate(reads):
        lines.append(f"meas tran k{i + 1} find v(x) at={t:.12g}")
    lines += [f"print k{i + 1}" for i in range(len(reads))]
    return "\n".join([*lines, ".endc", ".end", ""])
