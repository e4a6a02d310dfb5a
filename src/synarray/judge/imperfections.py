"""What is imperfect about a device in its array, property by property, each with a severity: 1 as it is, 0 without it.

    levels          the size of a pulse: at 0 so fine that the 8-bit read tells no two levels apart (255 of them; half as many in
                    each cell of a pair; words of 8 bits; compounds of 64 cells). The noise of a given movement stays:
                    sigma_c2c falls with the root of the size
    nonlinearity    labels (or the steps of a table about their mean) shrink towards the straight line
    asymmetry       LTP and LTD differ: both go towards their mean step and mean curvature, each bending its own way
    wear            cells live as many times longer; at 0 without end (acts where ``array.wear`` lets cells fail while they learn)
    converters      the bits that reads of columns lack of 12; at 0 reads are ideal
    c2c, d2d, read noise, stuck, failures, drift, wires    their numbers are multiplied

A property acts only where the scheme lets it: bits of a digital word are sensed as 0 or 1, a pair has no gradual LTD.
Of a network of layers a property is scaled in every layer, each with its own scheme and array, unless one is named.
No random number depends on a severity, so two severities are compared on the same spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from synarray.array.schemes import Scheme
from synarray.array.wires import WireSpec
from synarray.device.curves import WAYS, Way
from synarray.device.spec import DeviceSpec
from synarray.judge.milder import bend_numbers, bends, bent, differs, evened, finer, most_bent
from synarray.learn.spec import LearningSpec
from synarray.learn.stack import layer_specs
from synarray.network.layer import LayerSpec
from synarray.run.experiment import ExperimentSpec

__all__ = [
    "IMPERFECTIONS",
    "OF_THE_ARRAY",
    "Imperfection",
    "acts",
    "numbers_of",
    "of_layers",
    "pinned",
    "scaled",
    "severity_at",
    "without",
    "worst_of",
]

_In = TypeVar("_In", ExperimentSpec, LayerSpec)

FINE_LEVELS = 255
"""What counts as having no levels: the states a read resolves (``device/cell.py``)."""
_BETWEEN = ("sigma_d2d_range", "sigma_d2d_step", "sigma_d2d_nonlinearity")
_STUCK = ("stuck_low", "stuck_high")
_DRIFT = ("drift_nu", "sigma_drift_nu")


@dataclass(frozen=True)
class Imperfection:
    """One property: whether it acts, how it is scaled, how bad it may become, and the numbers it is made of."""

    name: str
    acts: Callable[[LearningSpec], bool]
    """Whether the property makes any difference in an experiment."""
    scale: Callable[[LearningSpec, float], LearningSpec]
    """The experiment with the property at a severity from 0 to ``worst``."""
    worst: Callable[[LearningSpec], float]
    """Largest severity that leaves a device."""
    numbers: Callable[[LearningSpec], dict[str, float]]
    """The numbers behind the property, by key, in SI."""


def of_layers(spec: ExperimentSpec) -> list[LearningSpec]:
    """Return the experiment as each of its layers sees it, from the bottom; itself where it has none."""
    return [*layer_specs(spec)] if spec.layers else [spec]


def acts(spec: ExperimentSpec, name: str) -> bool:
    """Whether a property makes any difference, in any layer."""
    return bool(_acting(spec, name))


def numbers_of(spec: ExperimentSpec, name: str) -> dict[str, float]:
    """Return the numbers behind a property, by key, in SI: of the lowest layer in which it acts."""
    return IMPERFECTIONS[name].numbers((_acting(spec, name) or of_layers(spec))[0])


def worst_of(spec: ExperimentSpec, name: str) -> float:
    """Return the largest severity that leaves a device in every layer in which a property acts."""
    return min(IMPERFECTIONS[name].worst(own) for own in _acting(spec, name))


def _acting(spec: ExperimentSpec, name: str) -> list[LearningSpec]:
    return [own for own in of_layers(spec) if IMPERFECTIONS[name].acts(own)]


def pinned(spec: ExperimentSpec) -> ExperimentSpec:
    """Name the scheme that "auto" chooses, so that no change of the device changes it."""
    return _changed(
        spec,
        lambda own: own.model_copy(update={"synapse": own.synapse.model_copy(update={"scheme": _scheme(own).name})}),
    )


def scaled(spec: ExperimentSpec, name: str, severity: float, layer: int | None = None) -> ExperimentSpec:
    """Return the experiment with one property at a severity, in one layer or in all; itself where the property does not act."""
    part = IMPERFECTIONS[name]
    if severity == 1.0 or not acts(spec, name):
        return spec
    return _changed(spec, lambda own: part.scale(own, severity) if part.acts(own) else own, layer)


def severity_at(spec: ExperimentSpec, name: str, factor: float) -> float:
    """Severity at which a property's number is so many times what it is, as far as there is such a device.

    Of levels that is their number (of bits, of cells of a compound): more of them are less severe. Of asymmetry it is the
    difference between LTP and LTD, of failures the share of pulses that fail.

    Examples
    --------
    >>> from synarray.run.experiment import load_experiment
    >>> spec = load_experiment("cbram-local")
    >>> scaled(spec, "c2c", severity_at(spec, "c2c", 2.0)).device.sigma_c2c
    0.04
    """
    acting = _acting(spec, name)
    if not acting:
        return 1.0
    severity = factor if name != "levels" else 1.0 - float(np.log(factor)) / _log_levels_missing(acting[0])
    return min(max(severity, 0.0), max(worst_of(spec, name), 1.0))


def without(spec: ExperimentSpec, names: Iterable[str], layer: int | None = None) -> ExperimentSpec:
    """Return the experiment with some properties removed, in one layer (counted from 0) or in all.

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
            spec = scaled(spec, name, 0.0, layer)
    return spec


def _changed(
    spec: ExperimentSpec, change: Callable[[LearningSpec], LearningSpec], layer: int | None = None
) -> ExperimentSpec:
    """Change device, scheme and array of all layers and of the experiment itself, or of one layer."""
    layers = tuple(
        _put(of, change(own)) if layer in (None, i) else of
        for i, (of, own) in enumerate(zip(spec.layers, of_layers(spec) if spec.layers else (), strict=True))
    )
    whole = _put(spec, change(spec)) if layer is None else spec
    return whole.model_copy(update={"layers": layers}) if layers else whole


def _put(into: _In, own: LearningSpec) -> _In:
    return into.model_copy(update={name: getattr(own, name) for name in ("device", "synapse", "array")})


# ---- device, scheme and array of an experiment -----------------------------------------------------------------------------


def _device(spec: LearningSpec) -> DeviceSpec:
    assert spec.device is not None  # judge() sees to it
    return spec.device


def _scheme(spec: LearningSpec) -> Scheme:
    return spec.synapse.scheme_for(_device(spec))


def _with(spec: LearningSpec, **numbers: object) -> LearningSpec:
    return spec.model_copy(update={"device": _device(spec).model_copy(update=numbers)})


def _times(names: tuple[str, ...]) -> Callable[[LearningSpec, float], LearningSpec]:
    """Multiply numbers of the device."""
    return lambda spec, severity: _with(spec, **{name: severity * getattr(_device(spec), name) for name in names})


def _up_to(most: float, names: tuple[str, ...], total: Callable[[list[float]], float] = max) -> Callable[..., float]:
    """Severity at which the largest of some numbers (or their total) is ``most``."""
    return lambda spec: most / max(total([getattr(_device(spec), name) for name in names]), 1e-12)


def _shown(names: tuple[str, ...]) -> Callable[[LearningSpec], dict[str, float]]:
    return lambda spec: {name: value for name in names if (value := getattr(_device(spec), name)) is not None}


def _in_cells(
    names: tuple[str, ...], where: Callable[[Scheme], bool] = lambda scheme: scheme.gradual
) -> Callable[[LearningSpec], bool]:
    """Whether any of some numbers is there, and the scheme lets it act."""
    return lambda spec: where(_scheme(spec)) and any(getattr(_device(spec), name) for name in names)


# ---- levels ------------------------------------------------------------------------------------------------------------------


def _across(spec: LearningSpec) -> dict[Way, float]:
    """Pulses from end to end, of the polarities that learn."""
    across = _device(spec).step_law.pulses_across(_device(spec))
    return {way: across[way] for way in _scheme(spec).ways}


def _size(spec: LearningSpec, key: str) -> float:
    """Bits of a word, or cells of a compound."""
    size: int = getattr(spec.synapse, key)
    return size


def _fine(spec: LearningSpec) -> float:
    """Return what counts as having no levels: bits, cells, or pulses across a cell, which makes a share of the weight only."""
    scheme = _scheme(spec)
    return scheme.finest if scheme.sized_by else FINE_LEVELS * scheme.share


def _levels(spec: LearningSpec) -> float:
    """Bits, cells, or pulses across a cell, of the polarity that needs fewer."""
    key = _scheme(spec).sized_by
    return _size(spec, key) if key else min(_across(spec).values())


def _levels_act(spec: LearningSpec) -> bool:
    if _scheme(spec).sized_by is None and _device(spec).step_law.exact:
        return False
    return _levels(spec) < _fine(spec) * (1.0 - 1e-9)


def _scale_levels(spec: LearningSpec, severity: float) -> LearningSpec:
    scheme, device, has, fine = _scheme(spec), _device(spec), _levels(spec), _fine(spec)
    if scheme.sized_by:
        to = max(1, round(fine ** (1.0 - severity) * has**severity))
        room = spec.array.model_copy(update={"count": spec.array.count * max(1, int(-(-to // has)))})
        return spec.model_copy(update={"synapse": spec.synapse.model_copy(update={scheme.sized_by: to}), "array": room})
    times = (fine / has) ** (1.0 - severity)
    spread = min(5.0, device.sigma_c2c / times**0.5)
    return _with(spec, sigma_c2c=spread, **finer(device, times, scheme.ways))


def _log_levels_missing(spec: LearningSpec) -> float:
    """Logarithm of how many times fewer levels there are than count as fine."""
    return float(np.log(_fine(spec) / _levels(spec)))


def _worst_levels(spec: LearningSpec) -> float:
    """Severity at which two pulses (one bit, one cell) go from end to end."""
    least = 1.0 if _scheme(spec).sized_by else 2.0
    return max(1.0, float(np.log(_fine(spec) / least)) / _log_levels_missing(spec))


def _level_numbers(spec: LearningSpec) -> dict[str, float]:
    key = _scheme(spec).sized_by
    return {key: _size(spec, key)} if key else {f"n_levels_{way}": n for way, n in _across(spec).items()}


# ---- nonlinearity and asymmetry --------------------------------------------------------------------------------------------


def _bends(spec: LearningSpec) -> bool:
    return _scheme(spec).gradual and bends(_device(spec), _scheme(spec).ways)


def _bend_numbers(spec: LearningSpec) -> dict[str, float]:
    return bend_numbers(_device(spec))


def _differs(spec: LearningSpec) -> bool:
    return _scheme(spec).gradual and _scheme(spec).ways == WAYS and differs(_device(spec))


# ---- failures and wires ------------------------------------------------------------------------------------------------------


def _switching(spec: LearningSpec) -> tuple[str, ...]:
    return ("p_switch_ltp", "p_switch_ltd") if _device(spec).binary else ()


def _fails(spec: LearningSpec) -> bool:
    device = _device(spec)
    return device.p_fail > 0 or any(getattr(device, name) < 1 for name in _switching(spec))


def _fail(spec: LearningSpec, severity: float) -> LearningSpec:
    device = _device(spec)
    switching = {name: 1.0 - severity * (1.0 - getattr(device, name)) for name in _switching(spec)}
    return _with(spec, p_fail=severity * device.p_fail, **switching)


def _worst_fail(spec: LearningSpec) -> float:
    device = _device(spec)
    shares: list[float] = [device.p_fail, *(1.0 - getattr(device, name) for name in _switching(spec))]
    return 0.95 / max(*shares, 1e-12)


def _drift(spec: LearningSpec, severity: float) -> LearningSpec:
    retention = _device(spec).retention
    slower = None if retention is None or severity < 1e-9 else retention / severity
    return _with(_times(_DRIFT)(spec, severity), retention=slower)


def _wear(spec: LearningSpec, severity: float) -> LearningSpec:
    endurance = _device(spec).endurance
    assert endurance is not None  # else no array wears
    if severity < 1e-9:
        return spec.model_copy(update={"array": spec.array.model_copy(update={"wear": False, "prior_pulses": 0})})
    return _with(spec, endurance=endurance / severity)


def _wired(spec: LearningSpec) -> bool:
    return _scheme(spec).wires_act and spec.array.wires != WireSpec()


def _wire(spec: LearningSpec, severity: float) -> LearningSpec:
    longer = {name: severity * ohms for name, ohms in spec.array.wires if ohms is not None}
    return spec.model_copy(update={"array": spec.array.model_copy(update={"wires": WireSpec(**longer)})})


_MOST_BITS, _LEAST_BITS = 12, 2
"""Of a converter."""


def _digitised(spec: LearningSpec) -> bool:
    return spec.array.adc_bits is not None and not _scheme(spec).sensed_by_bit


def _bits_missing(spec: LearningSpec) -> int:
    return max(1, _MOST_BITS - (spec.array.adc_bits or _MOST_BITS))


def _digitise(spec: LearningSpec, severity: float) -> LearningSpec:
    bits = max(_LEAST_BITS, round(_MOST_BITS - severity * _bits_missing(spec)))
    converters = {"adc_bits": bits} if severity else {"adc_bits": None, "adc_range": 1.0}
    return spec.model_copy(update={"array": spec.array.model_copy(update=converters)})


OF_THE_ARRAY = frozenset({"wires", "converters"})
"""What belongs to the array around the cells, not to the device: assumed by the experiment, not measured."""

IMPERFECTIONS: dict[str, Imperfection] = {
    part.name: part
    for part in (
        Imperfection(
            "asymmetry", _differs, lambda spec, severity: _with(spec, **evened(_device(spec), severity)), lambda _: 3.0,
            lambda spec: _level_numbers(spec) | _bend_numbers(spec),
        ),
        Imperfection(
            "nonlinearity", _bends, lambda spec, severity: _with(spec, **bent(_device(spec), severity)),
            lambda spec: most_bent(_device(spec)), _bend_numbers,
        ),
        Imperfection("levels", _levels_act, _scale_levels, _worst_levels, _level_numbers),
        Imperfection(
            "c2c", _in_cells(("sigma_c2c",)), _times(("sigma_c2c",)), _up_to(1.0, ("sigma_c2c",)),
            _shown(("sigma_c2c",)),
        ),
        Imperfection("d2d", _in_cells(_BETWEEN), _times(_BETWEEN), _up_to(2.0, _BETWEEN), _shown(_BETWEEN)),
        Imperfection(
            "read noise", _in_cells(("sigma_read",), lambda scheme: scheme.read_noise_acts), _times(("sigma_read",)),
            _up_to(4.0, ("sigma_read",)), _shown(("sigma_read",)),
        ),
        Imperfection("stuck", _in_cells(_STUCK, lambda _: True), _times(_STUCK), _up_to(0.9, _STUCK, sum), _shown(_STUCK)),
        Imperfection(
            "failures", _fails, _fail, _worst_fail, lambda spec: _shown(("p_fail", *_switching(spec)))(spec)
        ),
        Imperfection(
            "drift", _in_cells((*_DRIFT, "retention")), _drift, _up_to(1.0, _DRIFT),
            _shown((*_DRIFT, "retention")),
        ),
        Imperfection("wear", lambda spec: spec.array.wear, _wear, lambda _: 100.0, _shown(("endurance",))),
        Imperfection(
            "wires", _wired, _wire, lambda _: 100.0,
            lambda spec: {name: ohms for name, ohms in spec.array.wires if ohms},
        ),
        Imperfection(
            "converters", _digitised, _digitise, lambda spec: (_MOST_BITS - _LEAST_BITS) / _bits_missing(spec),
            lambda spec: {"adc_bits": spec.array.adc_bits or 0, "adc_range": spec.array.adc_range},
        ),
    )
}  # fmt: skip
"""In the order in which they are removed together: steps are first made alike, then straight, then fine."""
