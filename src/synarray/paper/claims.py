"""What a claim is: a factor with its ends, what the article states about it, and whether it confirms that.

``derivation.py`` works them out from the counts of real runs and from sourced prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synarray.cost.ledger import Ledger
from synarray.cost.uncertainty import Interval
from synarray.device.spec import DeviceSpec

__all__ = ["OWN", "Claim", "Claims", "DeviceFactor", "NamedFactor"]

OWN = "subquantum-cbram"
"""The article's device."""


@dataclass(frozen=True)
class Claim:
    """One factor, and what it says about the article."""

    part: str
    """Device, algorithm, together, elsewhere or time."""
    name: str
    factor: Interval
    """How many times less energy (or time) this needs; its ends over seeds and prices."""
    stated: tuple[float, float] | None
    """What the article states: from, to."""
    how: str
    """How it was derived."""
    rests_on: tuple[str, ...] = (OWN,)
    """Whose prices it rests on: owners among the ``sources`` of all claims."""
    headline: bool = False
    """Whether it is one of the few that sum the others up."""

    @property
    def verdict(self) -> str:
        """Whether the factor confirms the statement: at all prices, at some, or not."""
        if self.stated is None:
            return "not stated"
        least, most = self.stated
        if self.factor.low >= least:
            return "confirmed" if self.factor.high <= most else "confirmed, and more"
        if self.factor.value >= least:
            return "at nominal prices, not at the worst"
        return "not confirmed" if self.factor.high < least else "only at the best prices"

    def summary(self) -> dict[str, Any]:
        """Return the claim as numbers, ready for JSON."""
        return {
            "part": self.part,
            "name": self.name,
            "factor": self.factor.value,
            "low": self.factor.low,
            "high": self.factor.high,
            "stated": self.stated,
            "verdict": self.verdict,
            "how": self.how,
            "rests_on": list(self.rests_on),
        }


@dataclass(frozen=True)
class NamedFactor:
    """One step from updating everything, always, to the frugal network, in programming energy."""

    name: str
    single: Interval
    """Where every pulse takes the same energy."""
    growing: Interval
    """Where its energy is in proportion to its step."""
    how: str

    def __mul__(self, other: NamedFactor) -> NamedFactor:
        """Multiply two steps."""
        return NamedFactor("product", self.single * other.single, self.growing * other.growing, "")

    def summary(self) -> dict[str, Any]:
        """Return the factor as numbers, ready for JSON."""
        return {"name": self.name, "single": vars(self.single), "growing": vars(self.growing), "how": self.how}


@dataclass(frozen=True)
class DeviceFactor:
    """How many times more energy another memory technology needs, with the same counts."""

    device: DeviceSpec
    pulse: Interval
    """Per pulse, at the middle of each range of conductance: the cell alone."""
    driven: Interval
    """The same with the bit line and the word line that the pulse charges."""
    cells: Interval
    """Per training, cells only: pulses and reads."""
    all: Interval
    """Per training, with the periphery."""
    seconds: float
    """Row-parallel time of the training over the own device's."""

    def summary(self) -> dict[str, Any]:
        """Return the factors as numbers, ready for JSON."""
        parts = {"pulse": self.pulse, "pulse_with_lines": self.driven, "cells": self.cells, "all": self.all}
        factors = {name: {"factor": part.value, "low": part.low, "high": part.high} for name, part in parts.items()}
        known = {"prices_known": self.device.prices_known, "unconfirmed": self.device.unconfirmed}
        return {"device": self.device.name, **factors, "time": self.seconds, **known}


@dataclass(frozen=True)
class Claims:
    """All that was derived."""

    devices: list[DeviceFactor]
    claims: list[Claim]
    chain: list[NamedFactor]
    """The algorithm's factor as a product; the last two are against the unpruned network, and of everything."""
    ledgers: list[Ledger]
    """Soft-pruned, unpruned, and conventional machines: for the figure."""
    sources: list[dict[str, Any]]
    """Every price behind them: its owner, its name, its source with year, node and range, whether it is confirmed."""
    notes: list[str]
    """What rests on what; what could not be derived."""

    def summary(self) -> dict[str, Any]:
        """Return everything as numbers, ready for JSON."""
        return {
            "devices": [each.summary() for each in self.devices],
            "claims": [each.summary() for each in self.claims],
            "chain": [each.summary() for each in self.chain],
            "ledgers": [each.summary() for each in self.ledgers],
            "sources": self.sources,
            "notes": self.notes,
        }
