"""How far a factor may lie from its nominal value, given the ranges that the prices behind it have.

A range is worst case: every ranged number is at the end that lowers (or raises) the factor most, all at once. Numbers
that were taken from another device move with that device's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal, TypeVar

from synarray.cost.prices import Periphery
from synarray.device.spec import DeviceSpec
from synarray.spec import Sourced

__all__ = ["PRICED", "Interval", "Prices", "spread_of"]

S = TypeVar("S", bound=Sourced)
_End = Literal["low", "high"]
_Corner = dict[tuple[str, str], _End]
_OTHER: dict[_End, _End] = {"low": "high", "high": "low"}

PRICED = ("g_min", "g_max", "v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read", "e_ltp", "e_ltd")
"""Numbers of a device that a price depends on."""


@dataclass(frozen=True)
class Interval:
    """A value and the range it may lie in."""

    value: float
    low: float
    high: float

    def __mul__(self, other: Interval) -> Interval:
        """Multiply two factors; their ranges are taken to be independent, at their worst together."""
        return Interval(self.value * other.value, self.low * other.low, self.high * other.high)


@dataclass(frozen=True)
class Prices:
    """What a factor is worked out from."""

    periphery: Periphery
    own: DeviceSpec
    other: DeviceSpec
    """The device of the run, and the one it is compared with (or the same)."""

    @cached_property
    def ranged(self) -> list[tuple[str, str]]:
        """Part and name of every price that has a range of its own."""
        names = [("periphery", name) for name in self.periphery.ranged]
        names += [("own", name) for name in self.own.ranged if name in PRICED]
        if self.other.name != self.own.name:
            names += [("other", name) for name in self.other.ranged if name in PRICED and not self._tied(name)]
        return names

    @cached_property
    def ends(self) -> dict[tuple[str, str], tuple[Prices, Prices]]:
        """The same with one price at its low end and at its high end, for every price that has a range."""
        return {each: (self.at({each: "low"}), self.at({each: "high"})) for each in self.ranged}

    def at(self, ends: Mapping[tuple[str, str], _End]) -> Prices:
        """Return the same with some prices at an end of their range."""
        parts: dict[str, list[tuple[str, _End]]] = {"periphery": [], "own": [], "other": []}
        for (part, name), end in ends.items():
            parts[part].append((name, end))
        moved = {part: frozenset(names) for part, names in parts.items()}
        own = _moved(self.own, moved["own"])
        if self.other.name == self.own.name:
            other = own
        else:
            tied = tuple((name, getattr(own, name)) for name, _ in moved["own"] if self._tied(name))
            other = _with_values(_moved(self.other, moved["other"]), tied)
        return replace(self, periphery=_moved(self.periphery, moved["periphery"]), own=own, other=other)

    def _tied(self, name: str) -> bool:
        source = self.other.sources.get(name)
        return source is not None and source.same_as == self.own.name


@lru_cache(maxsize=4096)
def _moved(spec: S, ends: frozenset[tuple[str, _End]]) -> S:
    """Return a specification with some numbers at an end of their range; kept, because a search asks for the same again."""
    return spec.at(dict(ends)) if ends else spec


@lru_cache(maxsize=4096)
def _with_values(device: DeviceSpec, values: tuple[tuple[str, float], ...]) -> DeviceSpec:
    return type(device)(**{**dict(device), **dict(values)}) if values else device


def spread_of(factor: Callable[[Prices], float], prices: Prices) -> Interval:
    """Work a factor out at the nominal prices and at the worst of their ranges.

    The search starts with every price at the end that lowers (raises) the factor when it is moved alone, and moves single
    prices to their other end as long as that goes further.
    """
    down: _Corner = {}
    up: _Corner = {}
    value = factor(prices)
    for each, at_ends in prices.ends.items():
        low, high = map(factor, at_ends)
        if low == high == value:
            continue
        down[each], up[each] = ("low", "high") if low <= high else ("high", "low")
    return Interval(value, -_furthest(lambda p: -factor(p), prices, down), _furthest(factor, prices, up))


def _furthest(factor: Callable[[Prices], float], prices: Prices, corner: _Corner) -> float:
    """Climb from a corner of the ranges to one from which no single price leads higher."""
    best, climbs = factor(prices.at(corner)), True
    while climbs:
        climbs = False
        for each, end in corner.items():
            tried = corner | {each: _OTHER[end]}
            found = factor(prices.at(tried))
            if found > best + 1e-12 * abs(best):
                corner, best, climbs = tried, found, True
    return best
