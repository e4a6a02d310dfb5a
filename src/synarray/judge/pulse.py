"""The pulses that write a cell: as given in words, or unknown, so that no energy is made of unknown voltages.

    "0.85 V, 1 us"                       LTP with 0.85 V, LTD with -0.85 V, 1 us each
    "+0.85 V 1 us / -0.9 V 2 us"         LTP / LTD
    "0.85 V"                             the width stays as it is in the device's file, or unknown

Voltages in V, widths in s.
"""

from __future__ import annotations

import re
from typing import Literal

from synarray.arguments import is_number, require, shown
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.spec import Source
from synarray.units import parse_quantity

__all__ = ["Unknown", "as_strong_as_the_other", "check_endurance", "parse_pulse", "unknown_of"]

Unknown = Literal["voltage", "width"]

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_]*(?:V|s))(?![^\W\d_])")
_LABEL = re.compile(r"\b(ltp|ltd)\b:?", re.IGNORECASE)
_MOST = {"v": 20.0, "t": 10.0}
"""Largest voltage and width of a device, V and s."""
_NOT_STATED = "default:"
"""How the source of a number begins that a fit took over from the defaults, because the file of pulses has no such column."""


def parse_pulse(text: str) -> dict[str, float]:
    """Read the voltage and the width of the programming pulses.

    Parameters
    ----------
    text : str
        One pulse for both polarities, or ``LTP / LTD``; each a voltage, a width or both, in any order.

    Returns
    -------
    dict of str to float
        Of ``v_ltp``, ``t_ltp``, ``v_ltd``, ``t_ltd`` (V, s) those that are said. LTD has the opposite sign of a voltage given
        once; what is said of one polarity only holds for both.

    Raises
    ------
    SpecError
        When the text is no pulse, or a voltage or width is 0 or beyond 20 V or 10 s.

    Examples
    --------
    >>> parse_pulse("0.85 V, 1 us")
    {'v_ltp': 0.85, 't_ltp': 1e-06, 'v_ltd': -0.85, 't_ltd': 1e-06}
    >>> parse_pulse("+0.85 V 1 us / -0.9 V 2 us")
    {'v_ltp': 0.85, 't_ltp': 1e-06, 'v_ltd': -0.9, 't_ltd': 2e-06}
    """
    require(isinstance(text, str), "pulse", "text", text, 'Write "0.85 V, 1 us".')
    parts = text.split("/")
    if not 1 <= len(parts) <= 2:
        raise _no_pulse(text, "more than two polarities")
    names, found = [], []
    for part, usual in zip(parts, ("ltp", "ltd"), strict=False):
        labels = [label.lower() for label in _LABEL.findall(part)]
        names.append(labels[0] if labels else usual)
        found.append(_one(_LABEL.sub(" ", part, count=1), text))
    if len(parts) == 2 and names[0] == names[1]:
        raise _no_pulse(text, f"{names[0].upper()} twice")
    said = dict(zip(names, found, strict=True))
    (first, one), other = (names[0], found[0]), {"ltp": "ltd", "ltd": "ltp"}[names[0]]
    two = said.get(other, {})
    said = {first: one, other: two}
    pulse: dict[str, float] = {}
    for name in ("ltp", "ltd"):
        mine, its = said[name], said["ltd" if name == "ltp" else "ltp"]
        if "v" in mine or "v" in its:
            pulse[f"v_{name}"] = mine.get("v", -its.get("v", 0.0))
        if "t" in mine or "t" in its:
            pulse[f"t_{name}"] = mine.get("t", its.get("t", 0.0))
    return pulse


def _one(part: str, text: str) -> dict[str, float]:
    """Read the voltage and the width of one polarity: by ``v`` and ``t``."""
    said: dict[str, float] = {}
    for number, unit in _QUANTITY.findall(part):
        kind, si = ("v", "V") if unit.endswith("V") else ("t", "s")
        if kind in said:
            raise _no_pulse(text, "two voltages" if kind == "v" else "two widths")
        try:
            value = parse_quantity(f"{number} {unit}", si)
        except ValueError:
            raise _no_pulse(text, f"{number} {unit}") from None
        if not 0.0 < abs(value) <= _MOST[kind] or (kind == "t" and value < 0):
            raise _no_pulse(text, f"{number} {unit}")
        said[kind] = value
    rest = _QUANTITY.sub(" ", part).replace(",", " ").replace(";", " ").strip()
    if rest or not said:
        raise _no_pulse(text, repr(rest) if rest else "neither a voltage nor a width")
    return said


def _no_pulse(text: str, what: str) -> SpecError:
    return SpecError(
        "a pulse must be a voltage of up to 20 V and a width of up to 10 s, for both polarities or as LTP / LTD",
        got=f'{what} in "{text[:60]}"', where="--pulse", do='Write "0.85 V, 1 us" or "+0.85 V 1 us / -0.9 V 2 us".',
    )  # fmt: skip


def check_endurance(pulses: float | None) -> float | None:
    """Refuse a number of pulses that no cell can live through.

    Raises
    ------
    SpecError
        When it is not above 0, or beyond 1e30.
    """
    if pulses is None or (is_number(pulses) and 0.0 < pulses <= 1e30):
        return pulses
    raise SpecError(
        "the endurance must be a number of pulses above 0 and up to 1e30", got=shown(pulses), where="--endurance",
        do="Write 1e6 for a million: the pulses after which 63 % of the cells have failed.",
    )  # fmt: skip


def unknown_of(device: DeviceSpec) -> frozenset[Unknown]:
    """Say what is unknown about the programming pulses: in neither the device's file, nor the pulses it was fitted to.

    Examples
    --------
    >>> sorted(unknown_of(DeviceSpec(v_ltp=0.85)))
    ['width']
    """
    kinds: tuple[tuple[Unknown, tuple[str, str]], ...] = (
        ("voltage", ("v_ltp", "v_ltd")),
        ("width", ("t_ltp", "t_ltd")),
    )
    return frozenset(kind for kind, names in kinds if not any(_stated(device, name) for name in names))


def as_strong_as_the_other(device: DeviceSpec) -> DeviceSpec:
    """Take the voltage or width of a polarity from the other polarity, where only that one was stated; the source says so."""
    for ltp, ltd, sign in (("v_ltp", "v_ltd", -1.0), ("t_ltp", "t_ltd", 1.0)):
        for name, other in ((ltp, ltd), (ltd, ltp)):
            if not _stated(device, name) and _stated(device, other):
                source = Source(source=f"assumed: as {other}, since only that is stated", confirmed=False)
                value = sign * getattr(device, other)
                device = device.model_copy(update={name: value, "sources": device.sources | {name: source}})
    return device


def _stated(device: DeviceSpec, name: str) -> bool:
    source = device.sources.get(name)
    return name in device.model_fields_set and not (source and source.source.startswith(_NOT_STATED))
