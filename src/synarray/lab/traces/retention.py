"""Retention traces: how a conductance changes without pulses, as the two laws of a device have it.

    drift         g(t) = g (1 + t / drift_t0)^-nu          drift_t0: the first time that was read
    retention     g(t) = g_min + (g - g_min) exp(-t / retention)

For each trace the law is chosen by Akaike's criterion; the errors of neighbouring reads go together, which widens the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.traces.trends import Line, Number, combined, line_of
from synarray.units import quantity

__all__ = ["Aged", "Number", "Trace", "fit_retention"]

Floats = npt.NDArray[np.float64]
_FEWEST = 5


class Trace(NamedTuple):
    """Conductances read over time, without pulses between: s, S."""

    label: str
    time: Floats
    g: Floats


@dataclass(frozen=True)
class Aged:
    """What traces or loops say of a device.

    Attributes
    ----------
    kind : str
        "retention" or "endurance".
    source : str
        The file.
    numbers : dict of str to Number
        By the names of a device's numbers; what goes into its file.
    facts : dict of str to Number
        Other numbers, by what they are.
    said : tuple of str
        In words.
    """

    kind: str
    source: str
    numbers: dict[str, Number]
    facts: dict[str, Number] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def fit_retention(traces: list[Trace], source: str) -> Aged:
    """Find drift or retention in traces.

    Parameters
    ----------
    traces : list of Trace
    source : str
        The file.

    Returns
    -------
    Aged
        With ``drift_nu``, ``drift_t0`` and ``sigma_drift_nu``, or ``retention``.

    Raises
    ------
    DataError
        When no trace has five reads at different times.

    Examples
    --------
    >>> t = np.array([0.0, 1, 10, 100, 1000, 10000])
    >>> found = fit_retention([Trace("0", t, 1e-6 * (1 + t) ** -0.05)], "r.csv")
    >>> found.numbers["drift_nu"].value, found.numbers["drift_t0"].value
    (0.05, 1.0)
    """
    from scipy import stats

    kept = [clean for trace in traces if (clean := _clean(trace)) is not None]
    if not kept:
        raise DataError(f"a retention trace must have {_FEWEST} reads at different times", got=f"{len(traces)} without",
                        where=source, do="Check the columns: synarray device fit FILE --explain.")  # fmt: skip
    t0 = min(float(trace.time[trace.time > 0].min()) for trace in kept)
    lines = [line_of(np.log1p(trace.time / t0), np.log(trace.g)) for trace in kept]
    decays = [_decay(trace) for trace in kept]
    said = [_words(trace, line, decay) for trace, line, decay in zip(kept, lines, decays, strict=True)]
    until = max(float(trace.time.max()) for trace in kept)
    exponential = [
        decay is not None and decay.criterion < line.criterion - 4.0 for line, decay in zip(lines, decays, strict=True)
    ]
    if sum(exponential) > 0.5 * len(kept):
        taus = np.array([d.slope for d in decays if d is not None])
        errors = np.array([d.error for d in decays if d is not None])
        value, low, high = combined(np.log(taus), errors)
        number = Number(*(float(np.exp(part)) for part in (value, low, high)))
        return Aged("retention", source, {"retention": number}, {}, (*said, f"Measured for {until:.3g} s."))
    nu, errors = -np.array([line.slope for line in lines]), np.array([line.error for line in lines])
    value, low, high = combined(nu, errors)
    numbers = {"drift_nu": Number(max(value, 0.0), max(low, 0.0), max(high, 0.0)), "drift_t0": Number(t0, t0, t0)}
    if len(nu) >= 3:
        spread = float(np.sqrt(max(nu.var(ddof=1) - (errors**2).mean(), 0.0)))
        factor = np.sqrt((len(nu) - 1) / stats.chi2.ppf([0.975, 0.025], len(nu) - 1))
        numbers["sigma_drift_nu"] = Number(spread, spread * factor[0], max(float(nu.std(ddof=1)), spread) * factor[1])
    if value < 0 and high < 0:
        said.append(
            f"The conductance rises, by {1 - 10**value:.1%} a decade of time: a device's drift cannot, drift_nu is 0."
        )
    elif low <= 0:
        said.append(f"No drift is resolved: drift_nu is below {max(high, 0.0):.2g} (95 %).")
    return Aged(
        "retention",
        source,
        numbers,
        {},
        (*said, f"Measured for {until:.3g} s; drift_t0 is the first time that was read."),
    )


def _clean(trace: Trace) -> Trace | None:
    """Keep positive conductances at times from 0 on, in the order of time."""
    there = np.isfinite(trace.time) & np.isfinite(trace.g) & (trace.g > 0)
    time, g = trace.time[there], trace.g[there]
    if len(time) < _FEWEST or len(np.unique(time)) < _FEWEST:
        return None
    order = np.argsort(time, kind="stable")
    time = time[order] - (time.min() if time.min() < 0 or time.min() > 1e6 else 0.0)  # the clock of a computer
    return Trace(trace.label, time, g[order])


def _decay(trace: Trace) -> Line | None:
    """Fit an exponential decay to a floor; return its time constant with the error of its logarithm."""
    import warnings

    from scipy.optimize import OptimizeWarning, curve_fit

    t, g = trace.time, trace.g
    if g[-1] >= g[0] or len(t) < 6:
        return None
    scale = float(g.max())

    def law(t: Floats, floor: float, top: float, log_tau: float) -> Floats:
        return np.asarray(np.log(np.maximum(floor + (top - floor) * np.exp(-t / np.exp(log_tau)), 1e-12)))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", OptimizeWarning)
            found, covariance = curve_fit(
                law, t, np.log(g / scale), p0=(0.5 * float(g.min()) / scale, 1.0, np.log(max(t.max() / 2, 1e-12))),
                bounds=((0.0, 0.0, -30.0), (1.0, 2.0, 60.0)), maxfev=4000,
            )  # fmt: skip
    except (RuntimeError, ValueError, OptimizeWarning):
        return None
    error = float(np.sqrt(covariance[2, 2]))
    tau = float(np.exp(found[2]))
    if not np.isfinite(error) or error > 1.0 or tau > 3.0 * t.max():
        return None
    left = float(((law(t, *found) - np.log(g / scale)) ** 2).sum()) / max(len(t) - 3, 1)
    return Line(tau, error, left, len(t) * float(np.log(max(left, 1e-30))) + 6.0)


def _words(trace: Trace, line: Line, decay: Line | None) -> str:
    first, last = (quantity(float(g), "S") for g in (trace.g[0], trace.g[-1]))
    law = (
        f"falls by {1 - 10**line.slope:.2%} a decade of time"
        if line.slope < 0
        else f"rises by {10**line.slope - 1:.2%} a decade of time"
    )
    if decay is not None and decay.criterion < line.criterion - 4.0:
        law = f"decays with a time constant of {decay.slope:.3g} s"
    return f"Trace {trace.label}: {first} at the start, {last} after {trace.time.max():.3g} s; it {law}."
