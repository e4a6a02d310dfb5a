"""Fits in the terminal and as figures: numbers with their intervals, curves with what the device would do, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synarray.device.response import pulse_response
from synarray.device.spec import DeviceSpec
from synarray.export.device_files import Change
from synarray.lab.fitting import Fit
from synarray.lab.posterior import draws_of
from synarray.lab.rows.measured import Measurements
from synarray.lab.rows.outliers import listed
from synarray.report.style import COLOURS, matplotlib_of, styled
from synarray.report.tables import Table
from synarray.units import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "SHOWN_DRAWS",
    "changes_table",
    "fit_figure",
    "fit_sentences",
    "fit_table",
    "fitted_curves",
    "nominal_train",
    "rows_sentences",
    "steps_left",
]

_INK, _BLUE, _RED, _GREY = (COLOURS[name][0] for name in ("ink", "blue", "vermilion", "grey"))
_WORDS = {
    "g_min": "lowest conductance", "g_max": "highest conductance", "n_levels_ltp": "LTP levels", "n_levels_ltd": "LTD levels",
    "nonlinearity_ltp": "LTP nonlinearity (label)", "nonlinearity_ltd": "LTD nonlinearity (label)",
    "sigma_c2c": "cycle to cycle, of the range", "sigma_d2d_range": "device to device: ends", "sigma_read": "read noise",
    "sigma_d2d_step": "device to device: step", "sigma_d2d_nonlinearity": "device to device: labels",
    "p_switch_ltp": "LTP switches", "p_switch_ltd": "LTD switches", "p_fail": "pulses that fail",
    "stuck_low": "stuck low", "stuck_high": "stuck high",
}  # fmt: skip
SHOWN_DRAWS = 20
"""Draws of a fit that figures show."""
_SHOWN_TRAINS, _BINS, _WIDEST, _HALF = 60, 24, 5.0, 0.5

Floats = npt.NDArray[np.float64]


def fit_table(fit: Fit) -> Table:
    """Lay out the numbers of a fit with their intervals."""
    rows, binary = [], fit.spec.binary
    for key, estimate in fit.table.items():
        if key.startswith("p_switch") != binary and key.startswith(("p_switch", "n_levels", "nonlin", "sigma_c2c")):
            continue
        value, low, high = (_text(key, part) for part in estimate)
        unknown = estimate.high >= (_WIDEST if key.startswith("sigma") else _HALF if key == "p_fail" else np.inf)
        rows.append((key, _WORDS[key], value, "not known" if unknown else f"{low} to {high}" if low != high else ""))
    return Table(
        f"{fit.measured.source}: {fit.spec.law}", ("number", "meaning", "value", "95 % interval"), rows, texts=(1,)
    )


def fit_sentences(fit: Fit) -> list[str]:
    """Say what a fit found, which rows it used, and what the data cannot tell."""
    others = ", ".join(f"{law} {lost:.3g}" for law, lost in fit.scores.items() if law != fit.spec.law)
    why = (
        [f"The law was chosen by likelihood and the price of its numbers; the others are worse (deviance): {others}."]
        if others
        else []
    )
    shown = [f"{'Allowed for' if found.modelled else 'Not in the model'}: {found.words}." for found in fit.findings]
    return [
        *fit.verdict,
        *shown,
        *why,
        *rows_sentences(fit.measured),
        *(f"Warning: {warning}" for warning in fit.warnings),
    ]


def rows_sentences(measured: Measurements) -> list[str]:
    """Say which rows of a file were used, which were not and why, and what was changed in the rest."""
    return [
        f"Rows used: {len(measured):,}, read as {measured.format}. Discarded: {listed(measured.discarded) or 'none'}.",
        *(f"Read so: {remark}." for remark in measured.remarks),
        *(f"Repaired: {repair}." for repair in measured.repairs),
    ]


def _text(key: str, value: float) -> str:
    if key in ("g_min", "g_max"):
        return quantity(value, "S", 5)
    if key.startswith(("n_levels", "nonlinearity")) or key == "sigma_d2d_nonlinearity":
        return f"{value:.4g}"
    return f"{value:.3%}"


def changes_table(changes: list[Change]) -> Table:
    """Lay out what the round trip changes."""
    rows = [(each.name, f"{each.before:.6g}", f"{each.after:.6g}", f"{each.relative:.2%}") for each in changes]
    return Table("Round trip", ("number", "before", "after", "change"), rows)


@styled
def fitted_curves(
    device: DeviceSpec, measured: Measurements, size: tuple[float, float] = (8, 4.2), draws: Sequence[DeviceSpec] = ()
) -> Figure:
    """Draw measured trains, the nominal fitted device under the same pulses, and cells of draws of the fit, all noises on."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    scale, unit = _scale(device)
    starts = np.flatnonzero(np.r_[True, (np.diff(measured.device_id) != 0) | (np.diff(measured.cycle) != 0)])
    ends = np.r_[starts[1:], len(measured)]
    every = max(len(starts) // _SHOWN_TRAINS, 1)
    for i, (a, b) in enumerate(zip(starts[::every], ends[::every], strict=True)):
        axis.plot(
            np.arange(b - a), measured.G_S[a:b] / scale, ".-", color=_GREY, lw=0.5, ms=2.5, alpha=0.7, zorder=2.5,
            label=None if i else "measured", rasterized=True,
        )  # fmt: skip
    longest = int(np.argmax(ends - starts))
    polarity = measured.polarity[starts[longest] : ends[longest]]
    for i, draw in enumerate(draws):
        axis.plot(
            _drawn_train(draw, polarity, measured.G_S[starts[longest]], i) / scale, color=_BLUE, lw=0.8, alpha=0.6,
            label=None if i else "cells of draws of the fit", rasterized=True,
        )  # fmt: skip
    axis.plot(
        nominal_train(device, polarity, measured.G_S[starts[longest]]) / scale,
        color=_RED,
        lw=2,
        zorder=3,
        label="fitted device, without noise",
    )
    for end in (device.g_min, device.g_max):
        axis.axhline(end / scale, color=_INK, lw=0.6, ls=":")
    axis.set_xlabel("reads of a train")
    axis.set_ylabel(f"conductance ({unit})")
    if 2.0 * device.g_min < device.g_max:  # else the curve of a small window would be a flat line
        axis.set_ylim(bottom=0)
    several = f"{len(measured.devices)} device" + "s" * (len(measured.devices) > 1)
    axis.set_title(f"{several}, {len(starts)} train{'s' * (len(starts) > 1)} of {Path(measured.source).name}")
    axis.legend(frameon=False, fontsize=8)
    return figure


@styled
def steps_left(device: DeviceSpec, measured: Measurements, size: tuple[float, float] = (9, 5.6)) -> Figure:
    """Draw the measured steps over the state with the law, and what the law leaves of them in units of the fitted noise."""
    plt = matplotlib_of()
    figure: Figure = plt.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, height_ratios=[3, 2])
    scale, unit = _scale(device)
    for column, (sign, name) in enumerate(((1, "LTP"), (-1, "LTD"))):
        before, step = _steps(measured, sign)
        if not len(before):
            axes[0, column].set_title(f"{name}: not measured")
            continue
        law = device.steps(np.clip(device.weight(before), -1, 1))[int(sign > 0)] / 2.0 * device.g_range
        law = np.where(
            sign > 0,
            np.minimum(law, np.maximum(device.g_max - before, 0)),
            np.minimum(law, np.maximum(before - device.g_min, 0)),
        )
        few = slice(None, None, max(len(before) // 4000, 1))
        axes[0, column].plot(
            before[few] / scale,
            step[few] / scale,
            ".",
            color=_GREY,
            ms=2,
            alpha=0.4,
            label="measured",
            rasterized=True,
        )
        g = np.linspace(device.g_min, device.g_max, 200)
        curve = device.steps(device.weight(g))[int(sign > 0)] / 2.0 * device.g_range
        middle, mean, error = _binned(before, step)
        axes[0, column].errorbar(
            middle / scale, mean / scale, 2 * error / scale, fmt="o", color=_BLUE, ms=3, label="mean of a bin, 2 s.e."
        )
        axes[0, column].plot(g / scale, curve / scale, color=_RED, lw=2, label="the law")
        axes[0, column].set_title(f"{name}: step over state")
        axes[0, column].legend(frameon=False, fontsize=8)
        noise = np.sqrt((device.sigma_c2c * device.g_range) ** 2 + 2 * (device.sigma_read * before) ** 2)
        if noise.max() > 0:
            axes[1, column].plot(
                before[few] / scale, ((step - law) / noise)[few], ".", color=_GREY, ms=2, alpha=0.4, rasterized=True
            )
            middle, mean, error = _binned(before, (step - law) / noise)
            axes[1, column].errorbar(middle / scale, mean, 2 * error, fmt="o", color=_BLUE, ms=3)
        axes[1, column].axhline(0, color=_RED, lw=1)
        axes[1, column].set_xlabel(f"conductance before the pulse ({unit})")
    axes[0, 0].set_ylabel(f"step ({unit})")
    axes[1, 0].set_ylabel("left, in units\nof the fitted noise")
    return figure


def _scale(device: DeviceSpec) -> tuple[float, str]:
    return next(((s, u) for s, u in ((1e-3, "mS"), (1e-6, "uS"), (1e-9, "nS")) if device.g_max >= s), (1e-12, "pS"))


def fit_figure(fit: Fit) -> Figure:
    """Draw a fit for a notebook: measured trains, the fitted device, and cells of twenty of its draws."""
    return fitted_curves(fit.spec, fit.measured, draws=draws_of(fit.spec, fit.draws, fit.spec.name)[:SHOWN_DRAWS])


def _drawn_train(device: DeviceSpec, polarity: npt.NDArray[np.int8], start: float, seed: int) -> Floats:
    """Follow one cell of a device through a train, and read it, all noises on."""
    rng = np.random.default_rng(seed)
    pulses = polarity[1:][polarity[1:] != 0] > 0
    before = int(np.ceil(2.0 * device.step_law.pulses_across(device)["ltp"])) + 1  # cells begin at the low end
    if not device.binary:
        before = int(
            np.argmin(np.abs(nominal_train(device, np.ones(min(before, 2000), np.int8), device.g_min) - start))
        )
    elif start <= (device.g_min + device.g_max) / 2.0:
        before = 0
    g = pulse_response(device, np.r_[np.ones(before, bool), pulses], 1, seed)[before:, 0]
    there = np.r_[0, np.cumsum(polarity[1:] != 0)]
    return np.asarray(g[there] * (1.0 + device.sigma_read * rng.standard_normal(len(there))))


def nominal_train(device: DeviceSpec, polarity: npt.NDArray[np.int8], start: float) -> Floats:
    """Follow the mean law without ends other than the nominal ones."""
    w = [float(np.clip(device.weight(start), -1, 1))]
    for sign in polarity[1:]:
        step = float(device.steps(np.array(w[-1:]))[int(sign > 0), 0]) if sign else 0.0
        w.append(float(np.clip(w[-1] + sign * step, -1, 1)))
    return device.conductance(w)


def _steps(measured: Measurements, sign: int) -> tuple[Floats, Floats]:
    """States before the pulses of a polarity, and how far they moved, positive in its direction."""
    same = (np.diff(measured.device_id) == 0) & (np.diff(measured.cycle) == 0) & (measured.polarity[1:] == sign)
    return measured.G_S[:-1][same], sign * np.diff(measured.G_S)[same]


def _binned(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Middle, mean and standard error in bins of the state."""
    edges = np.linspace(x.min(), x.max() + 1e-30, _BINS + 1)
    at = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, _BINS - 1)
    counts = np.bincount(at, minlength=_BINS)
    full = counts >= 3
    mean = np.bincount(at, y, _BINS) / np.maximum(counts, 1)
    spread = np.sqrt(np.maximum(np.bincount(at, y * y, _BINS) / np.maximum(counts, 1) - mean**2, 0.0))
    return ((edges[:-1] + edges[1:]) / 2)[full], mean[full], (spread / np.sqrt(np.maximum(counts, 1)))[full]
