"""What is imperfect about a device in its array, property by property, each with a severity: 1 as it is, 0 without it.

    levels          the size of a pulse: at 0 so fine that the 8-bit read tells no two levels apart (255 of them; half as many in
                    each cell of a pair; words of 8 bits; compounds of 64 cells). The noise of a given movement stays:
                    sigma_c2c falls with the root of the size
    nonlinearity    labels (or the steps of a table about their mean) shrink towards the straight line
    asymmetry       LTP and LTD differ: both go towards their mean step and mean curvature, each bending its own way
    wear            cells live as many times longer; at 0 for ever (acts where ``array.wear`` lets cells fail while they learn)
    c2c, d2d, read noise, stuck, failures, drift, wires    their numbers are multiplied

A property that a scheme does not feel does not act: bits of a digital word are sensed as 0 or 1, a pair has no gradual LTD.
No random number depends on a severity, so two severities are compared on the same spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from synarray.array.wires import WireSpec
from synarray.device.curves import WAYS, Way
from synarray.device.spec import DeviceSpec
from synarray.run.experiment import ExperimentSpec

__all__ = ["IMPERFECTIONS", "Imperfection", "pinned", "scaled", "without"]

FINE_LEVELS, FINE_BITS, FINE_CELLS = 255, 8, 64
"""What counts as having no levels: the states a read resolves (``device/cell.py``), as many bits, the largest compound."""
_BETWEEN = ("sigma_d2d_range", "sigma_d2d_step", "sigma_d2d_nonlinearity")
_STUCK = ("stuck_low", "stuck_high")
_DRIFT = ("drift_nu", "sigma_drift_nu")
_ANALOG = ("analog", "pair")


@dataclass(frozen=True)
class Imperfection:
    """One property: whether it acts, how it is scaled, how bad it may become, and the numbers it stands for.

    Attributes
    ----------
    name : str
    acts : callable
        Whether the property makes any difference in an experiment.
    scale : callable
        The experiment with the property at a severity from 0 to ``worst``.
    worst : callable
        Largest severity that leaves a device.
    numbers : callable
        The numbers behind the property, by key, in SI.
    """

    name: str
    acts: Callable[[ExperimentSpec], bool]
    scale: Callable[[ExperimentSpec, float], ExperimentSpec]
    worst: Callable[[ExperimentSpec], float]
    numbers: Callable[[ExperimentSpec], dict[str, float]]


def pinned(spec: ExperimentSpec) -> ExperimentSpec:
    """Name the scheme that "auto" stands for, so that no change of the device changes it."""
    return spec.model_copy(update={"synapse": spec.synapse.model_copy(update={"scheme": _scheme(spec)})})


def scaled(spec: ExperimentSpec, name: str, severity: float) -> ExperimentSpec:
    """Return the experiment with one property at a severity; itself when the property does not act."""
    part = IMPERFECTIONS[name]
    return spec if severity == 1.0 or not part.acts(spec) else part.scale(spec, severity)


def without(spec: ExperimentSpec, names: Iterable[str]) -> ExperimentSpec:
    """Return the experiment with some properties removed.

    Examples
    --------
    >>> from synarray.run.experiment import load_experiment
    >>> spec = load_experiment("cbram-local")
    >>> spec.device.sigma_c2c, without(spec, ["c2c"]).device.sigma_c2c
    (0.02, 0.0)
    """
    gone = set(names)
    for name in IMPERFECTIONS:
        if name in gone:
            spec = scaled(spec, name, 0.0)
    return spec


# ---- device, scheme and array of an experiment -----------------------------------------------------------------------------


def _device(spec: ExperimentSpec) -> DeviceSpec:
    assert spec.device is not None  # judge() sees to it
    return spec.device


def _scheme(spec: ExperimentSpec) -> str:
    return spec.synapse.scheme_for(_device(spec))


def _with(spec: ExperimentSpec, **numbers: object) -> ExperimentSpec:
    return spec.model_copy(update={"device": _device(spec).model_copy(update=numbers)})


def _times(names: tuple[str, ...]) -> Callable[[ExperimentSpec, float], ExperimentSpec]:
    """Multiply numbers of the device."""
    return lambda spec, severity: _with(spec, **{name: severity * getattr(_device(spec), name) for name in names})


def _up_to(most: float, names: tuple[str, ...], total: Callable[[list[float]], float] = max) -> Callable[..., float]:
    """Severity at which the largest of some numbers (or their total) comes to ``most``."""
    return lambda spec: most / max(total([getattr(_device(spec), name) for name in names]), 1e-12)


def _shown(names: tuple[str, ...]) -> Callable[[ExperimentSpec], dict[str, float]]:
    return lambda spec: {name: value for name in names if (value := getattr(_device(spec), name)) is not None}


def _in_cells(names: tuple[str, ...], schemes: tuple[str, ...]) -> Callable[[ExperimentSpec], bool]:
    """Whether any of some numbers is there, and the scheme feels it."""
    return lambda spec: _scheme(spec) in schemes and any(getattr(_device(spec), name) for name in names)


# ---- levels ------------------------------------------------------------------------------------------------------------------


def _pulses_across(device: DeviceSpec, pair: bool) -> float:
    """Pulses from end to end, of the polarity that needs fewer."""
    across = device.step_law.pulses_across(device)
    return across["ltp"] if pair else min(across.values())


def _ways(scheme: str) -> tuple[Way, ...]:
    """Polarities whose steps learn: the LTD pulse of a pair resets."""
    return WAYS if scheme == "analog" else ("ltp",)


def _fine(spec: ExperimentSpec) -> float:
    """Pulses across a cell that count as having no levels: a pair's weight spans two cells."""
    return FINE_LEVELS / 2 if _scheme(spec) == "pair" else FINE_LEVELS


def _levels_act(spec: ExperimentSpec) -> bool:
    scheme, device = _scheme(spec), _device(spec)
    if scheme == "digital":
        return spec.synapse.n_bits < FINE_BITS
    if scheme == "compound":
        return spec.synapse.n_cells < FINE_CELLS
    return not device.step_law.exact and _pulses_across(device, scheme == "pair") < _fine(spec) * (1.0 - 1e-9)


def _scale_levels(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    scheme, device = _scheme(spec), _device(spec)
    if scheme in ("digital", "compound"):
        key, fine = ("n_bits", FINE_BITS) if scheme == "digital" else ("n_cells", FINE_CELLS)
        has = getattr(spec.synapse, key)
        to = max(1, round(fine ** (1.0 - severity) * has**severity))
        room = spec.array.model_copy(update={"count": spec.array.count * max(1, -(-to // has))})
        return spec.model_copy(update={"synapse": spec.synapse.model_copy(update={key: to}), "array": room})
    finer = (_fine(spec) / _pulses_across(device, scheme == "pair")) ** (1.0 - severity)
    spread = min(5.0, device.sigma_c2c / finer**0.5)
    return _with(spec, sigma_c2c=spread, **device.step_law.finer(device, finer, _ways(scheme)))


def _worst_levels(spec: ExperimentSpec) -> float:
    """Severity at which two pulses (one bit, one cell) go from end to end."""
    scheme, has, fine, least = _scheme(spec), 1.0, 1.0, 1.0
    if scheme in ("digital", "compound"):
        bits = scheme == "digital"
        has, fine = (spec.synapse.n_bits, FINE_BITS) if bits else (spec.synapse.n_cells, FINE_CELLS)
    else:
        has, fine, least = _pulses_across(_device(spec), scheme == "pair"), _fine(spec), 2.0
    return max(1.0, float(np.log(fine / least) / np.log(fine / has)))


def _level_numbers(spec: ExperimentSpec) -> dict[str, float]:
    scheme, device, synapse = _scheme(spec), _device(spec), spec.synapse
    if scheme in ("digital", "compound"):
        return {"n_bits": synapse.n_bits} if scheme == "digital" else {"n_cells": synapse.n_cells}
    across = device.step_law.pulses_across(device)
    return {f"n_levels_{way}": across[way] for way in _ways(scheme)}


# ---- nonlinearity and asymmetry --------------------------------------------------------------------------------------------


def _bends(spec: ExperimentSpec) -> bool:
    scheme, device = _scheme(spec), _device(spec)
    return scheme in _ANALOG and device.step_law.bends(device, _ways(scheme))


def _bend(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    device = _device(spec)
    return _with(spec, **device.step_law.bent(device, severity))


def _worst_bend(spec: ExperimentSpec) -> float:
    device = _device(spec)
    return device.step_law.most_bent(device)


def _bend_numbers(spec: ExperimentSpec) -> dict[str, float]:
    device = _device(spec)
    return device.step_law.bend_numbers(device)


def _differs(spec: ExperimentSpec) -> bool:
    device = _device(spec)
    return _scheme(spec) == "analog" and device.step_law.differs(device)


def _differ(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    device = _device(spec)
    return _with(spec, **device.step_law.evened(device, severity))


# ---- failures and wires ------------------------------------------------------------------------------------------------------


def _switching(spec: ExperimentSpec) -> tuple[str, ...]:
    return ("p_switch_ltp", "p_switch_ltd") if _device(spec).binary else ()


def _fails(spec: ExperimentSpec) -> bool:
    device = _device(spec)
    return device.p_fail > 0 or any(getattr(device, name) < 1 for name in _switching(spec))


def _fail(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    device = _device(spec)
    switching = {name: 1.0 - severity * (1.0 - getattr(device, name)) for name in _switching(spec)}
    return _with(spec, p_fail=severity * device.p_fail, **switching)


def _worst_fail(spec: ExperimentSpec) -> float:
    device = _device(spec)
    shares: list[float] = [device.p_fail, *(1.0 - getattr(device, name) for name in _switching(spec))]
    return 0.95 / max(*shares, 1e-12)


def _drift(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    retention = _device(spec).retention
    slower = None if retention is None or severity < 1e-9 else retention / severity
    return _with(_times(_DRIFT)(spec, severity), retention=slower)


def _wear(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    endurance = _device(spec).endurance
    assert endurance is not None  # else no array wears
    if severity < 1e-9:
        return spec.model_copy(update={"array": spec.array.model_copy(update={"wear": False, "prior_pulses": 0})})
    return _with(spec, endurance=endurance / severity)


def _wired(spec: ExperimentSpec) -> bool:
    return _scheme(spec) != "digital" and spec.array.wires != WireSpec()


def _wire(spec: ExperimentSpec, severity: float) -> ExperimentSpec:
    longer = {name: severity * ohms for name, ohms in spec.array.wires if ohms is not None}
    return spec.model_copy(update={"array": spec.array.model_copy(update={"wires": WireSpec(**longer)})})


_TWO_STATES_TOO: tuple[str, ...] = ("analog", "pair", "compound")
_EVERYWHERE: tuple[str, ...] = (*_TWO_STATES_TOO, "digital")

IMPERFECTIONS: dict[str, Imperfection] = {
    part.name: part
    for part in (
        Imperfection(
            "asymmetry", _differs, _differ, lambda _: 3.0,
            lambda spec: _level_numbers(spec) | _bend_numbers(spec),
        ),
        Imperfection("nonlinearity", _bends, _bend, _worst_bend, _bend_numbers),
        Imperfection("levels", _levels_act, _scale_levels, _worst_levels, _level_numbers),
        Imperfection(
            "c2c", _in_cells(("sigma_c2c",), _ANALOG), _times(("sigma_c2c",)), _up_to(1.0, ("sigma_c2c",)),
            _shown(("sigma_c2c",)),
        ),
        Imperfection("d2d", _in_cells(_BETWEEN, _ANALOG), _times(_BETWEEN), _up_to(2.0, _BETWEEN), _shown(_BETWEEN)),
        Imperfection(
            "read noise", _in_cells(("sigma_read",), _TWO_STATES_TOO), _times(("sigma_read",)),
            _up_to(4.0, ("sigma_read",)), _shown(("sigma_read",)),
        ),
        Imperfection("stuck", _in_cells(_STUCK, _EVERYWHERE), _times(_STUCK), _up_to(0.9, _STUCK, sum), _shown(_STUCK)),
        Imperfection(
            "failures", _fails, _fail, _worst_fail, lambda spec: _shown(("p_fail", *_switching(spec)))(spec)
        ),
        Imperfection(
            "drift", _in_cells((*_DRIFT, "retention"), _ANALOG), _drift, _up_to(1.0, _DRIFT),
            _shown((*_DRIFT, "retention")),
        ),
        Imperfection("wear", lambda spec: spec.array.wear, _wear, lambda _: 100.0, _shown(("endurance",))),
        Imperfection(
            "wires", _wired, _wire, lambda _: 100.0,
            lambda spec: {name: ohms for name, ohms in spec.array.wires if ohms},
        ),
    )
}  # fmt: skip
"""In the order in which they are removed together: steps are first made alike, then straight, then fine."""
