"""Schemes: how a weight lives in cells, and everything that follows from it.

analog     one cell; its conductance is the weight
pair       two cells; their difference is the weight. LTP pulses raise the one, LTD raises the other (for cells that fall
           only abruptly, such as PCM); a pair close to the end of its range is refreshed: both cells are reset, and one
           of them is programmed to the difference (Suri et al., IEDM 2011, doi 10.1109/IEDM.2011.6131488)
digital    a word of binary cells. It is read, moved by whole levels with stochastic rounding, and only the bits that
           change are programmed (the digital implementation of Shi et al. 2018)
compound   n binary cells; the weight is how many are on. A pulse goes to one of them drawn at random (Bill and
           Legenstein 2014, doi 10.3389/fnins.2014.00412)

Each scheme is an object (:class:`Scheme`) that answers every question which depends on the scheme; :data:`SCHEMES` has their
kinds by name. Axes of cells are [slice, neuron, cell]: slice = first, second, ... cell of each weight.
"""

from __future__ import annotations

from synarray.array.schemes.binary import Compound, Digital
from synarray.array.schemes.gradual import Analog, Pair
from synarray.array.schemes.scheme import PulseLaw, Scheme
from synarray.device.spec import DeviceSpec

__all__ = ["IDEAL", "SCHEMES", "PulseLaw", "Scheme", "suiting"]

IDEAL: Scheme = Analog()
"""The scheme of ideal weights."""
SCHEMES: dict[str, type[Scheme]] = {kind.name: kind for kind in (Analog, Pair, Digital, Compound)}
"""Every scheme by its word in files. A scheme added here can be used everywhere."""


def suiting(device: DeviceSpec) -> type[Scheme]:
    """Return the scheme that a device is used in where no scheme is given."""
    return next(kind for kind in reversed(SCHEMES.values()) if kind.suits(device))
