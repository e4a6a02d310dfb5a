"""The fit in plain language: what the device can do, and what the data cannot tell."""

from __future__ import annotations

import numpy as np

from synarray.device.spec import DeviceSpec
from synarray.lab.fitting.result import Estimate
from synarray.lab.fitting.state import Analog
from synarray.lab.fitting.trains import train_ends
from synarray.lab.rows.measured import Measurements
from synarray.units import quantity

__all__ = ["usable_levels", "verdict_of", "warnings_of"]

_GRID = 401


def usable_levels(device: DeviceSpec) -> int:
    """Count the levels that can be distinguished: one standard deviation of pulse and read to each side, at most the pulses.

    Examples
    --------
    >>> usable_levels(DeviceSpec(n_levels_ltp=64, n_levels_ltd=64))
    65
    """
    if device.binary:
        return 2
    most = max(device.n_levels_ltp, device.n_levels_ltd)
    g = np.linspace(device.g_min, device.g_max, _GRID)
    noise = np.hypot(device.sigma_c2c * device.g_range, device.sigma_read * g)
    from scipy.integrate import trapezoid

    if noise.max() <= 0:
        return int(most) + 1
    apart = float(trapezoid(1.0 / np.maximum(2.0 * noise, device.g_range / (1e6 * most)), g))
    return 1 + int(min(apart, most))


def verdict_of(device: DeviceSpec, table: dict[str, Estimate], absent: tuple[str, ...] = ()) -> list[str]:
    """Say in sentences what the numbers mean; nothing of a polarity that was not measured."""
    low, high = quantity(device.g_min, "S"), quantity(device.g_max, "S")
    ratio = f", on/off {device.g_max / device.g_min:.3g}" if device.g_min > 0 else ""
    if device.binary:
        return [
            f"Binary: {low} and {high}{ratio}.",
            f"An LTP pulse switches with {device.p_switch_ltp:.1%}, an LTD pulse with {device.p_switch_ltd:.1%}.",
        ]
    levels = usable_levels(device)
    said = [f"{levels} usable levels between {low} and {high}{ratio}; law {device.law}."]
    g = np.linspace(device.g_min, device.g_max, _GRID)
    ltd, ltp = device.steps(device.weight(g)) / 2.0
    if not absent:
        said.append(_steepness(device, ltp, ltd))
    for way, name, steps in (("ltp", "an LTP", ltp), ("ltd", "an LTD", ltd)):
        said += _drowned(device, name, steps, g) if way not in absent else []
    if device.sigma_read and device.sigma_c2c:
        middle = (device.g_min + device.g_max) / 2
        share = device.sigma_read * middle / (device.sigma_c2c * device.g_range)
        times = f"{share:,.0f}" if share >= 10.0 else f"{share:.2g}"
        said.append(f"At mid range a read spreads {times} times as much as a pulse.")
    if device.sigma_d2d_step > 0.05:
        said.append(
            f"Devices differ: steps by {device.sigma_d2d_step:.0%}, ends of the range by {device.sigma_d2d_range:.1%}."
        )
    dead = device.stuck_low + device.stuck_high
    if dead:
        said.append(f"{dead:.1%} of the devices never moved.")
    if device.p_fail:
        said.append(f"{device.p_fail:.1%} of the pulses did nothing.")
    return said


def _steepness(device: DeviceSpec, ltp: np.ndarray, ltd: np.ndarray) -> str:
    if device.n_levels_ltd < 2 <= device.n_levels_ltp:
        return f"LTD is abrupt: one pulse crosses the whole range, LTP takes {device.n_levels_ltp:.4g}."
    if device.n_levels_ltp < 2 <= device.n_levels_ltd:
        return f"LTP is abrupt: one pulse crosses the whole range, LTD takes {device.n_levels_ltd:.4g}."
    up, down = float(ltp.max()), float(ltd.max())
    if max(up, down) < 1.15 * min(up, down):
        return f"LTP and LTD start equally steep: their largest steps are {up:.2%} and {down:.2%} of the range."
    steep, flat, ratio = ("LTD", "LTP", down / up) if down > up else ("LTP", "LTD", up / down)
    return (
        f"{steep} is {ratio:.2g}x steeper than {flat}: largest steps {up:.2%} (LTP) and {down:.2%} (LTD) of the range."
    )


def _drowned(device: DeviceSpec, name: str, steps: np.ndarray, g: np.ndarray) -> list[str]:
    """Say where the noise of one pulse exceeds its step."""
    drowned = steps < device.sigma_c2c
    if not drowned.any():
        return []
    if drowned.all():
        return [f"The noise of {name} pulse exceeds its step everywhere."]
    if drowned[-1] and not drowned[0]:
        return [f"The noise of {name} pulse exceeds its step above {quantity(g[np.argmax(drowned)], 'S')}."]
    if drowned[0] and not drowned[-1]:
        return [
            f"The noise of {name} pulse exceeds its step below {quantity(g[len(g) - 1 - np.argmax(drowned[::-1])], 'S')}."
        ]
    return [f"The noise of {name} pulse exceeds its step in {drowned.mean():.0%} of the range."]


def warnings_of(measured: Measurements, fit: Analog | None, table: dict[str, Estimate]) -> list[str]:
    """Say what the data cannot tell."""
    devices = len(np.unique(measured.device_id))
    cycles = len(np.unique(measured.cycle))
    said = []
    if devices == 1:
        said.append("One device only: nothing is known of the spread from device to device.")
    elif devices < 5:
        said.append(f"{devices} devices only: the spread from device to device is known roughly.")
    if cycles == 1:
        said.append("One cycle only: noise from cycle to cycle is estimated from a single train, with drift along it.")
    if measured.placeholder:
        said.append(
            "The file has no conductances: the range is a placeholder; correct g_min and g_max in the device's file."
        )
    if fit is None:
        return said
    for way in fit.absent:
        other = "LTP" if way == "ltd" else "LTD"
        said.append(f"No {way.upper()} pulse was measured: {other}'s numbers are used in its place, unconfirmed.")
    if fit.ends.quantised:
        said.append("The reads have few digits: equal values say nothing about noise, failures or ends of the range.")
    if not fit.stopped:
        said += _open_ends(fit)
    count = [way for way, n in fit.counts.items() if n is None and way not in fit.absent + fit.abrupt]
    if count:
        said.append(
            f"Trains of {' and '.join(way.upper() for way in count)} differ in length: levels come from the law alone."
        )
    for way in ("ltp", "ltd"):
        label, levels = table[f"nonlinearity_{way}"], table[f"n_levels_{way}"]
        if levels.high > 3.0 * levels.low:
            said.append(f"The levels of {way.upper()} are not identified: at least {levels.low:.3g}.")
        if label.high - label.low > 1.5:
            said.append(f"The nonlinearity of {way.upper()} is hardly known: {label.low:.2g} to {label.high:.2g}.")
    if fit.noisy:
        said.append(
            "Reads are noisy: pulses that fail cannot be distinguished from small steps, so p_fail is not known."
        )
    if fit.alone:
        said.append(
            "Devices could not be compared: with steps and ends of their own the reads would be less probable. "
            "How much devices differ is not known."
        )
    return [*said, *fit.warnings]


def _open_ends(fit: Analog) -> list[str]:
    """Say whether the trains end where the device does."""
    said = []
    for way, sign, end in (("ltp", 1, "upper"), ("ltd", -1, "lower")):
        values, _ = train_ends(fit.measured, sign)
        cells = fit.theta[f"bend_{way}"]
        if len(values) and way not in fit.abrupt and abs(cells) < 3.0:
            said.append(
                f"{way.upper()} still moved cells at the end of its trains: the {end} end of the range is where these end."
            )
    return said
