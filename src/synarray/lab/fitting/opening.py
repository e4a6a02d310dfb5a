"""How the fit begins: trains laid out, ends, noise and abrupt polarities recognised, first numbers for the climb."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.fitting.model import Deviations
from synarray.lab.fitting.start import first_ends, noise_of, rough_law, straight_law
from synarray.lab.fitting.state import SIDES, Analog
from synarray.lab.fitting.trains import Pulses, Trains, arrange, run_lengths, scatter_at_ends, train_ends
from synarray.lab.rows.measured import Measurements

__all__ = ["begin", "require_way"]

_MOST_PULSES, _MOST_HIDDEN = 150_000, 60_000
"""Reads that the law is fitted to, without and with read noise."""
_LEAST_WAY = 1e-6
"""Of the range that was seen: ends closer than this are one."""
_LEAST_SPREAD = 1e-3
"""Of the range: no end behind read noise is known better by one or two trains,"""
_ROOM, _FINE = 2.0, 0.2
"""but for an end decades below: of the scatter of its last reads, and share of what is usual from which on that counts."""
_SILENT = 1e-6
"""What may be left of the steps where there is no noise, as a share of the range: the digits of a file."""

Floats = npt.NDArray[np.float64]


def begin(measured: Measurements, noisy: bool = False) -> Analog:
    """Look at measurements, and prepare the fit of their law, reads being noisy though no noise was seen if so is asked."""
    ends = first_ends(measured)
    origin, top = float(np.median(ends.low)), float(np.median(ends.high))
    span = max(top - origin, 1e-300)
    trains = _thinned(arrange(measured, origin, span))
    pulses = trains.pulses()
    touched = bool((ends.touched_low | ends.touched_high).any()) and not ends.quantised
    noise = noise_of(pulses)
    noisy = (noise.seen or noisy) and not touched
    if noisy:
        trains = _thinned(trains, _MOST_HIDDEN)
        pulses = trains.pulses()
    counts = {way: run_lengths(measured, sign) for way, sign in SIDES}
    n = trains.n_devices
    fit = Analog(measured, ends, trains, pulses, noise, noisy, {}, Deviations.none(n, -np.inf, np.inf), n, counts)
    fit.absent = tuple(way for way, sign in SIDES if not (pulses.sign == sign).any())
    fit.abrupt = tuple(way for way, sign in SIDES if way not in fit.absent and _is_abrupt(fit, sign))
    if len(measured) > trains.x.size or len(pulses) < np.count_nonzero(measured.polarity) * 0.9:
        fit.warnings.append(
            f"The laws were fitted to {len(pulses):,} of {np.count_nonzero(measured.polarity):,} pulses, whole trains."
        )
    _set_ends(fit)
    if not noisy:
        _set_failures_aside(fit)
    _first_numbers(fit)
    return fit


def _thinned(trains: Trains, most: int = _MOST_PULSES) -> Trains:
    """Keep trains evenly, as many as the fit can take in its time."""
    total = int(np.isfinite(trains.x).sum())
    if total <= most:
        return trains
    every = np.linspace(0, len(trains.device) - 1, max(int(len(trains.device) * most / total), 1)).astype(int)
    chosen = np.zeros(len(trains.device), bool)
    chosen[every] = True
    kept = trains.only(chosen)
    return kept if kept.n_devices == trains.n_devices else trains


def _is_abrupt(fit: Analog, sign: int) -> bool:
    """Whether one pulse crosses all of the way that is left, from any state of the cell."""
    mine = fit.pulses.where(fit.pulses.sign == sign)
    gone, after = (part if sign > 0 else 1.0 - part for part in (mine.before, mine.after))
    early = gone < 0.6
    return bool(np.count_nonzero(early) >= 3 and np.mean(after[early] > 0.85) > 0.9)


def _set_ends(fit: Analog) -> None:
    """Take the ends of the range: where cells were stopped, else where the trains end."""
    trains, ends = fit.trains, fit.ends
    low, high = ((part - trains.origin) / trains.span for part in (ends.low, ends.high))
    if not fit.noisy:
        touched = (ends.touched_low.any() or ends.touched_high.any()) and not ends.quantised
        fit.stopped = bool(touched)
        if touched:
            fit.own.low = np.where(ends.touched_low, low, -np.inf)
            fit.own.high = np.where(ends.touched_high, high, np.inf)
    fit.theta |= {"low": 0.0, "high": 1.0}
    if fit.noisy or not fit.stopped:
        for name, sign in (("high", 1), ("low", -1)):
            values = (train_ends(fit.measured, sign)[0] - trains.origin) / trains.span
            if not len(values) and ("ltp" in fit.absent or sign < 0):
                values = trains.x[0]
            if len(values):
                fit.theta[name] = float(np.mean(values))
            spread = float(np.std(values, ddof=1)) if len(values) > 2 else 0.0
            usual = max(_read_spread(fit, fit.theta[name]), _LEAST_SPREAD)
            near = _ROOM * scatter_at_ends(fit.measured, sign) / trains.span
            spread = spread or (near if 0 < near < _FINE * usual else usual)
            fit.train_ends[name] = fit.theta[name], spread / np.sqrt(max(len(values), 1))


def _read_spread(fit: Analog, x: float) -> float:
    """Spread of a read at a state, be it in proportion to the conductance or of one size."""
    ground = fit.trains.origin / fit.trains.span
    levels = float(np.sqrt(np.nanmean((fit.trains.x + ground) ** 2)))
    return float(np.sqrt(max(fit.noise.read, 0.0)) * max((ground + x) / max(levels, 1e-9), 1.0))


def _set_failures_aside(fit: Analog) -> None:
    """Count pulses that did exactly nothing within the range, and leave them out of the rest."""
    p = fit.pulses
    nothing = (
        (p.after == p.before) & (p.after > fit.own.low[p.device] + 1e-9) & (p.after < fit.own.high[p.device] - 1e-9)
    )
    inside = (p.before > 1e-6) & (p.before < 1.0 - 1e-6)
    count = int(np.count_nonzero(nothing & inside))
    if fit.ends.quantised or count < 3:
        return
    fit.failures = count, int(np.count_nonzero(inside))
    fit.pulses = p.where(~(nothing & inside))


def require_way(fit: Analog) -> None:
    """Refuse pulses between whose ends there is nothing.

    Raises
    ------
    DataError
        When the ends are one, or the upper one is no conductance.
    """
    ground = fit.trains.origin / fit.trains.span
    if not (fit.theta["high"] - fit.theta["low"] > _LEAST_WAY and fit.theta["high"] > -ground):
        low, high = (fit.trains.span * (ground + fit.theta[name]) for name in ("low", "high"))
        raise DataError(
            "pulses must move the conductance between two ends", got=f"ends at {low:.3g} S and {high:.3g} S",
            where=fit.measured.source, do="Measure trains that reach both ends, or check which way each pulse goes.",
        )  # fmt: skip


def _first_numbers(fit: Analog) -> None:
    low, high = fit.theta["low"], fit.theta["high"]
    require_way(fit)
    room = min(3.0 * float(np.sqrt(fit.noise.step)), 0.5) if np.isfinite(fit.noise.read_error) else 1e-6
    scaled = Pulses(
        (fit.pulses.before - low) / (high - low), (fit.pulses.after - low) / (high - low), *(
            getattr(fit.pulses, name) for name in ("sign", "device", "train")),
    )  # fmt: skip
    left: list[float] = []
    for way, sign in SIDES:
        log_n, bend, square = rough_law(scaled, sign, fit.counts[way], room)
        if fit.noisy and fit.counts[way]:
            log_n = float(np.log(fit.counts[way] or 1))
        if way in fit.abrupt:
            log_n, bend, square = 0.0, 0.0, 0.0
        left.append(square)
        fit.theta |= {f"log_n_{way}": log_n, f"bend_{way}": bend}
    if not fit.noisy:
        _without_noise(fit, scaled)
    ground = fit.trains.origin / fit.trains.span
    level = float(np.nanmean(fit.trains.x)) + ground
    read = np.sqrt(max(fit.noise.read, fit.noise.read_error)) / max(level, 1e-6) if fit.noisy else 1e-9
    step = fit.noise.step if np.isfinite(fit.noise.read_error) else max(left)
    fit.theta |= {
        "log_read": float(np.log(max(read, 1e-9))),
        "log_sigma": -18.0 if fit.silent else float(0.5 * np.log(max(step, 1e-12))),
    }


def _without_noise(fit: Analog, scaled: Pulses) -> None:
    """Take the laws from straight lines over the state where these leave nothing."""
    lines = {way: straight_law(scaled, sign) for way, sign in SIDES if way not in fit.abrupt + fit.absent}
    fit.silent = bool(lines) and all(left < _SILENT for _, _, left in lines.values())
    if fit.silent:
        for way, (log_n, bend, _) in lines.items():
            fit.theta |= {f"log_n_{way}": log_n, f"bend_{way}": bend}
