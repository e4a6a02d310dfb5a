"""From measured pulses to a device: law, range, levels, nonlinearity and noises, each with its uncertainty.

    fit(read_pulses("pulses.csv"))      ->  Fit: spec, intervals, draws, verdict, warnings

The likelihood is in ``likelihood.py``, the procedure in ``analog.py`` (cells that move in steps) and ``binary.py``;
``numbers.py`` turns what is found into a device's numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.arguments import is_whole, require
from synarray.device.law import LAWS
from synarray.device.spec import DeviceSpec
from synarray.errors import DataError
from synarray.lab.fitting.analog import fit_analog
from synarray.lab.fitting.binary import binary_numbers, is_binary
from synarray.lab.fitting.mixed import larger_population, spread_of_all, without_fatigue
from synarray.lab.fitting.numbers import Numbers, analog_numbers, shares
from synarray.lab.fitting.residuals import findings_of
from synarray.lab.fitting.result import Estimate, Finding, Fit, Table, valid_draws, write_device
from synarray.lab.fitting.start import still
from synarray.lab.fitting.state import Analog
from synarray.lab.fitting.verdict import usable_levels, verdict_of, warnings_of
from synarray.lab.fitting.wild import MOST_WILD, wild_reads
from synarray.lab.rows.measured import Measurements, chosen, without
from synarray.lab.rows.outliers import FAR

__all__ = ["Estimate", "Finding", "Fit", "fit", "usable_levels", "write_device"]

_COUNT = 4000
_FEWEST = 4
_PASSES = 4
"""How often a fit is repeated at most, without the reads that are wild under its law."""
_OFTEN = 0.002
"""Share of wild reads from which on some may have gone unseen."""


def fit(measured: Measurements, name: str = "my-device", seed: int = 0) -> Fit:
    """Fit a device to measured pulses.

    Parameters
    ----------
    measured : Measurements
        From :func:`synarray.lab.formats.read_pulses`.
    name : str
        Name of the device.
    seed : int
        Of the draws.

    Returns
    -------
    Fit

    Raises
    ------
    DataError
        When there are fewer than four pulses, or all conductances are equal.

    Examples
    --------
    >>> from synarray.device.library import load_device
    >>> from synarray.lab.synthetic import measure_devices
    >>> fit(measure_devices(load_device("ideal"), devices=3, cycles=2)).spec.n_levels_ltp
    64.0
    """
    do = "Read the file of pulses with synarray.read_pulses; give what that returns."
    require(isinstance(measured, Measurements), "measured", "what read_pulses returns", measured, do, DataError)
    require(is_whole(seed, 0), "seed", "a whole number of at least 0", seed)
    _require_pulses(measured)
    rng = np.random.default_rng(seed)
    idle = still(measured)
    moving = chosen(measured, ~idle)
    analog: Analog | None = None
    findings: list[Finding] = []
    if is_binary(moving):
        law = "binary"
        numbers, more = binary_numbers(moving, rng, _COUNT)
    else:
        fresh, tired = without_fatigue(measured, idle)
        kept, mixed = larger_population(fresh, idle)
        analog, wild = _fit_tame(fresh, kept, rng)
        law, more = analog.law, []
        numbers = analog_numbers(analog, rng, _COUNT)
        findings = [said for said in (tired, mixed) if said is not None] + findings_of(analog)
        if mixed is not None:
            numbers.table["sigma_d2d_range"] = spread_of_all(fresh, idle, numbers.table["g_max"].value)
            numbers.draws.pop("sigma_d2d_range", None)
        measured = without(measured, wild, FAR) if wild.any() else measured
        for key in ("p_switch_ltp", "p_switch_ltd"):
            numbers.table[key] = Estimate(1.0, 1.0, 1.0)
    _count_idle(measured, idle, numbers, rng)
    spec = _device(measured, law, numbers, analog, name)
    draws = _columns(spec, numbers)
    used, absent = len(measured), analog.absent if analog else ()
    return Fit(
        spec, Table(numbers.table), draws, used, dict(measured.discarded), analog.scores if analog else {},
        tuple(verdict_of(spec, numbers.table, absent)), tuple(warnings_of(measured, analog, numbers.table) + more), measured,
        tuple(findings),
    )  # fmt: skip


def _require_pulses(measured: Measurements) -> None:
    pulses = int(np.count_nonzero(measured.polarity))
    if pulses < _FEWEST:
        raise DataError(
            f"a fit needs at least {_FEWEST} pulses", got=f"{pulses}", where=measured.source,
            do="Measure whole trains of LTP and LTD pulses.",
        )  # fmt: skip
    low, high = float(measured.G_S.min()), float(measured.G_S.max())
    if not high > low * (1.0 + 1e-9):
        raise DataError(
            "pulses must move the conductance", got=f"{low:g} S in every row", where=f"{measured.source}, column G_S",
            do="Check the column, and the pulses of the measurement.",
        )  # fmt: skip


def _fit_tame(
    measured: Measurements, kept: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Analog, npt.NDArray[np.bool_]]:
    """Fit some devices; where reads turn out to be wild, fit again without them. Return the fit and the wild rows."""
    gone = np.zeros(len(measured), bool)
    analog = fit_analog(chosen(measured, kept), rng, _COUNT)
    wild = wild_reads(analog)
    for _ in range(_PASSES):
        if not 0.0 < wild.mean() <= MOST_WILD:
            break
        gone[np.flatnonzero(kept[measured.device_id] & ~gone)[wild]] = True
        analog = fit_analog(chosen(without(measured, gone, FAR), kept), rng, _COUNT)
        wild = wild_reads(analog)
    if wild.mean() > MOST_WILD:
        analog.warnings.append(
            f"{wild.mean():.0%} of the reads lie more than five standard deviations off the law, and the next ones do not: "
            "too many for slips of the instrument; the noises contain them."
        )
    elif measured.discarded.get(FAR, 0) + gone.sum() > _OFTEN * len(measured):
        analog.warnings.append(
            f"{(measured.discarded.get(FAR, 0) + gone.sum()) / len(measured):.1%} of the reads were wild and are left out; "
            "others hide within the noises, which they widen."
        )
    return analog, gone


def _count_idle(
    measured: Measurements, idle: npt.NDArray[np.bool_], numbers: Numbers, rng: np.random.Generator
) -> None:
    """Count devices that never moved, at either end."""
    n = len(idle)
    middle = (numbers.table["g_min"].value + numbers.table["g_max"].value) / 2
    means = np.bincount(measured.device_id, measured.G_S, n) / np.maximum(
        np.bincount(measured.device_id, minlength=n), 1
    )
    for key, those in (("stuck_low", idle & (means <= middle)), ("stuck_high", idle & (means > middle))):
        numbers.table[key], drawn = shares(int(np.count_nonzero(those)), n, rng, _COUNT)
        if those.any():
            numbers.draws[key] = np.minimum(drawn, 0.5)


def _device(measured: Measurements, law: str, numbers: Numbers, analog: Analog | None, name: str) -> DeviceSpec:
    devices, cycles = len(measured.devices), len(np.unique(measured.cycle))
    origin = f"fit of {measured.source}: {devices} device{'s' * (devices > 1)} x {cycles} cycle{'s' * (cycles > 1)}"
    keys = ["g_min", "g_max", "sigma_read", "sigma_d2d_range", "stuck_low", "stuck_high"]
    found = LAWS[law]
    if found.binary:
        keys += ["p_switch_ltp", "p_switch_ltd"]
    else:
        keys += ["n_levels_ltp", "n_levels_ltd", "sigma_c2c", "sigma_d2d_step", "p_fail"]
    if found.labelled:
        keys += ["nonlinearity_ltp", "nonlinearity_ltd", "sigma_d2d_nonlinearity"]
    values: dict[str, Any] = {key: float(f"{numbers.table[key].value:.8g}") for key in keys}
    sources: dict[str, Any] = {}
    for key in keys:
        e = numbers.table[key]
        sources[key] = {"source": f"{origin}; 95 % interval {e.low:.4g} to {e.high:.4g}"}
    if found.tabulated:
        x, ltp, ltd = numbers.responses[0]
        values["response"] = {"x": x, "ltp": ltp, "ltd": ltd}
        sources["response"] = {"source": origin}
    for way in analog.absent if analog else ():
        for key in keys:
            if key.endswith(way):
                sources[key] = {
                    "source": f"no {way.upper()} in {measured.source}; as the other polarity",
                    "confirmed": False,
                }
    if measured.placeholder:
        for key in ("g_min", "g_max"):
            sources[key] = {"source": f"placeholder: {measured.source} has no conductances", "confirmed": False}
    _conditions(measured, origin, values, sources)
    values |= {"name": name, "law": law, "title": f"Fitted to {measured.source}"}
    return DeviceSpec(**values, sources=sources)


def _conditions(measured: Measurements, origin: str, values: dict[str, Any], sources: dict[str, Any]) -> None:
    """Take voltages and durations of the pulses from the rows; what the file does not say keeps its default."""
    kinds = {
        "v_ltp": (measured.amplitude_V, 1, 20.0), "v_ltd": (measured.amplitude_V, -1, 20.0),
        "t_ltp": (measured.width_s, 1, 10.0), "t_ltd": (measured.width_s, -1, 10.0), "v_read": (measured.read_V, 0, 20.0),
    }  # fmt: skip
    for key, (column, sign, most) in kinds.items():
        rows = column[(measured.polarity == sign) | (sign == 0)]
        rows = rows[np.isfinite(rows) & (rows != 0)]
        value = float(np.median(rows)) if len(rows) else 0.0
        value = abs(value) if key == "v_read" else value
        if value and abs(value) <= most and (value > 0 or key in ("v_ltp", "v_ltd")):
            varied = f"; median of {rows.min():g} to {rows.max():g}" if np.ptp(rows) > 1e-6 * abs(value) else ""
            values[key], sources[key] = value, {"source": origin + varied}
        else:
            values[key] = DeviceSpec.model_fields[key].default
            says = f"says {value:g} {'V' if key[0] == 'v' else 's'}, not within {most:g}" if value else "does not say"
            sources[key] = {"source": f"default: {measured.source} {says}", "confirmed": False}
    values["t_read"] = DeviceSpec.model_fields["t_read"].default
    sources["t_read"] = {"source": f"default: {measured.source} does not say", "confirmed": False}


def _columns(spec: DeviceSpec, numbers: Numbers) -> dict[str, list[Any]]:
    """Keep the draws of the numbers that act in this device."""
    certain = {key: np.full(_COUNT, getattr(spec, key)) for key in ("g_min", "g_max")}
    acting = certain | {key: column for key, column in numbers.draws.items() if key in spec.sources}
    if spec.response is not None:
        acting = {key: column for key, column in acting.items() if not key.startswith("n_levels")}
    tables = numbers.responses[1:] if spec.response is not None else None
    return valid_draws(spec, acting, tables)
