"""How far a factor may lie from its nominal value, given the ranges that the prices behind it have.

A range is worst case: every ranged number stands at the end that lowers (or raises) the factor most, all at once. Numbers
that were taken from another device move with that device's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from synarray.cost.prices import Periphery
from synarray.device.spec import DeviceSpec

__all__ = ["PRICED", "Interval", "Prices", "spread_of"]

_End = Literal["low", "high"]
_Ends = Mapping[str, Mapping[str, _End]]

PRICED = ("g_min", "g_max", "v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read", "e_ltp", "e_ltd")
"""Numbers of a device that a price depends on."""


@dataclass(frozen=True)
class Interval:
    """A value and the range it may lie in.

    Attributes
    ----------
    value, low, high : float
    """

    value: float
    low: float
    high: float

    def __mul__(self, other: Interval) -> Interval:
        """Multiply two factors; their ranges are taken to be independent, at their worst together."""
        return Interval(self.value * other.value, self.low * other.low, self.high * other.high)


@dataclass(frozen=True)
class Prices:
    """What a factor is worked out from.

    Attributes
    ----------
    periphery : Periphery
    own, other : DeviceSpec
        The device of the run, and the one it is compared with (or the same).
    """

    periphery: Periphery
    own: DeviceSpec
    other: DeviceSpec

    @property
    def ranged(self) -> list[tuple[str, str]]:
        """Part and name of every price that has a range of its own."""
        names = [("periphery", name) for name in self.periphery.ranged]
        names += [("own", name) for name in self.own.ranged if name in PRICED]
        if self.other.name != self.own.name:
            names += [("other", name) for name in self.other.ranged if name in PRICED and not self._tied(name)]
        return names

    def at(self, ends: Mapping[tuple[str, str], _End]) -> Prices:
        """Return the same with some prices at an end of their range."""
        moved: dict[str, dict[str, _End]] = {"periphery": {}, "own": {}, "other": {}}
        for (part, name), end in ends.items():
            moved[part][name] = end
        own, other = self.own.at(moved["own"]), self.other.at(moved["other"])
        if self.other.name == self.own.name:
            other = own
        else:
            tied = {name: getattr(own, name) for name in moved["own"] if self._tied(name)}
            other = type(other)(**{**dict(other), **tied})
        return replace(self, periphery=self.periphery.at(moved["periphery"]), own=own, other=other)

    def _tied(self, name: str) -> bool:
        source = self.other.sources.get(name)
        return source is not None and source.same_as == self.own.name


def spread_of(factor: Callable[[Prices], float], prices: Prices) -> Interval:
    """Work a factor out at the nominal prices and at the worst of their ranges.

    Parameters
    ----------
    factor : callable
        Rises or falls with each price alone.
    prices : Prices

    Returns
    -------
    Interval
    """
    down: dict[tuple[str, str], _End] = {}
    up: dict[tuple[str, str], _End] = {}
    value = factor(prices)
    for each in prices.ranged:
        low, high = factor(prices.at({each: "low"})), factor(prices.at({each: "high"}))
        if low == high == value:
            continue
        down[each], up[each] = ("low", "high") if low <= high else ("high", "low")
    return Interval(value, factor(prices.at(down)), factor(prices.at(up)))
