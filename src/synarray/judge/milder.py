"""The same pulses, less imperfect: finer, straighter, more alike; by levels and nonlinearity labels, or by a table's steps.

Each function returns the numbers of the device that change, by name. A severity is 1 as it is, 0 without the imperfection.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synarray.device.curves import MOST_NONLINEAR, WAYS, Floats, ResponseTable, Way
from synarray.device.spec import DeviceSpec

__all__ = ["bend_numbers", "bends", "bent", "differs", "evened", "finer", "most_bent"]


def finer(device: DeviceSpec, times: float, ways: tuple[Way, ...] = WAYS) -> dict[str, Any]:
    """Make a pulse so many times smaller; a cell of two states becomes one of more."""
    if device.binary:
        return {"law": "linear", "n_levels_ltp": times, "n_levels_ltd": times}
    if device.response is not None:
        steps = {way: np.array(getattr(device.response, way)) for way in WAYS}
        return _replaced(device.response, {way: np.minimum(1.0, each / times) for way, each in steps.items()})
    return {f"n_levels_{way}": max(1.0, getattr(device, f"n_levels_{way}") * times) for way in ways}


def bends(device: DeviceSpec, ways: tuple[Way, ...] = WAYS) -> bool:
    """Whether the step differs from state to state."""
    if device.response is not None:
        return any(len(set(getattr(device.response, way))) > 1 for way in ways)
    return device.step_law.labelled and any(getattr(device, f"nonlinearity_{way}") for way in ways)


def bent(device: DeviceSpec, severity: float) -> dict[str, Any]:
    """Shrink the labels, or the steps towards their mean over the states."""
    if device.response is None:
        return {name: severity * label for name, label in _labels(device).items()}
    table = device.response
    means = {way: table.mean_step(way) for way in WAYS}
    steps = {way: means[way] + severity * (np.array(getattr(table, way)) - means[way]) for way in WAYS}
    return _replaced(table, {way: np.clip(each, 0.0, 1.0) for way, each in steps.items()})


def most_bent(device: DeviceSpec) -> float:
    """Largest severity of ``bent``: labels end at 9, the steps of a table at 0 and 1."""
    if device.response is not None:
        return 3.0
    return max(1.0, MOST_NONLINEAR / max(*map(abs, _labels(device).values()), 1e-12))


def bend_numbers(device: DeviceSpec) -> dict[str, float]:
    """Return the labels, or the largest and smallest steps of the table."""
    if device.response is None:
        return _labels(device)
    ends: dict[str, float] = {}
    for way in WAYS:
        steps = getattr(device.response, way)
        ends |= {f"largest_step_{way}": float(max(steps)), f"smallest_step_{way}": float(min(steps))}
    return ends


def differs(device: DeviceSpec) -> bool:
    """Whether LTD is not the mirror image of LTP."""
    if device.response is not None:
        table = device.response.on_mirrored_axis()
        return not np.allclose(table.ltp, table.ltd[::-1], rtol=1e-9, atol=0.0)
    curved = device.step_law.labelled and abs(device.nonlinearity_ltp) != abs(device.nonlinearity_ltd)
    return device.step_law.gradual and (curved or device.n_levels_ltp != device.n_levels_ltd)


def evened(device: DeviceSpec, severity: float) -> dict[str, Any]:
    """Bring LTP and LTD to their mean, each seen from its own end and bending its own way."""
    if device.response is not None:
        table = device.response.on_mirrored_axis()
        up, down = _towards_mean(np.array([table.ltp, table.ltd[::-1]]), severity, 0.0)
        return _replaced(table, {"ltp": up, "ltd": down[::-1]})
    steps = _towards_mean(np.array([1.0 / device.n_levels_ltp, 1.0 / device.n_levels_ltd]), severity, 1e-6)
    numbers = {f"n_levels_{way}": float(1.0 / step) for way, step in zip(WAYS, steps, strict=True)}
    if device.step_law.labelled:
        labels = _labels(device)
        sizes = _towards_mean(np.abs([*labels.values()]), severity, 0.0, MOST_NONLINEAR)
        signs = (device.nonlinearity_ltp or 1.0, device.nonlinearity_ltd or -1.0)
        numbers |= dict(zip(labels, np.copysign(sizes, signs).tolist(), strict=True))
    return numbers


def _labels(device: DeviceSpec) -> dict[str, float]:
    return {f"nonlinearity_{way}": getattr(device, f"nonlinearity_{way}") for way in WAYS}


def _towards_mean(pair: Floats, severity: float, least: float, most: float = 1.0) -> Floats:
    """Bring two numbers (or rows of them) towards their mean."""
    mean = pair.sum(axis=0) / 2.0
    changed: Floats = np.clip(mean + severity * (pair - mean), least, most)
    return changed


def _replaced(table: ResponseTable, steps: dict[Way, Floats]) -> dict[str, Any]:
    return {"response": table.model_copy(update={way: tuple(each.tolist()) for way, each in steps.items()})}
