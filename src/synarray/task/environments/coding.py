"""From an observation to the probability of each input's spike, in 1/65536.

    boxes       edges cut every variable into intervals; one input for each box, active while the observation is in it
                (Michie and Chambers 1968; Barto, Sutton and Anderson 1983, doi 10.1109/TSMC.1983.6313077)
    places      a grid of place cells over the variables' range; P = peak exp(-d^2 / (2 width^2)), d in spacings of the grid
                (O'Keefe and Dostrovsky 1971, doi 10.1016/0006-8993(71)90358-1)
    one-hot     one input for each value of a whole number

What is coded is checked: an observation that is not finite is refused.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.errors import DataError, SpecError
from synarray.spec import Spec

__all__ = ["Chances", "Coder", "CodingSpec"]

Chances = npt.NDArray[np.uint32]
Coder = Callable[[Any], Chances]
_MOST_INPUTS = 100_000
_ONE = 65536
_Edges = Annotated[tuple[float, ...], Field(strict=False, max_length=1000)]


class CodingSpec(Spec):
    """How an observation becomes spikes.

    Examples
    --------
    >>> coding = CodingSpec(kind="boxes", edges=((0.0,), (-1.0, 1.0)))
    >>> coding.n_inputs, int(coding.coder()(np.array([0.5, 0.0])).argmax())
    (6, 4)
    """

    kind: Literal["boxes", "places", "one-hot"] = "one-hot"
    edges: Annotated[tuple[_Edges, ...], Field(strict=False, max_length=16)] = ()
    """Boxes: the inner edges of every variable's intervals, rising."""
    low: _Edges = ()
    """Places: the least of every variable."""
    high: _Edges = ()
    """Places: the most of every variable."""
    grid: Annotated[tuple[Annotated[int, Field(ge=2, le=1000)], ...], Field(strict=False, max_length=8)] = ()
    """Places: cells along every variable."""
    width: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Places: width of a cell's field, in spacings of the grid."""
    peak: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Places: probability of a spike at the centre of a field."""
    values: Annotated[int, Field(ge=0, le=_MOST_INPUTS)] = 0
    """One-hot: how many values there are; 0: those of the environment."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if any(list(edges) != sorted(set(edges)) for edges in self.edges):
            raise ValueError("edges must rise within every variable")
        if self.kind == "boxes" and not self.edges:
            raise ValueError("edges must be given for boxes")
        if self.kind == "places" and not (len(self.low) == len(self.high) == len(self.grid) > 0):
            raise ValueError("grid must be as long as low and high, one number for every variable")
        if any(low >= high for low, high in zip(self.low, self.high, strict=False)):
            raise ValueError("high must be above low in every variable")
        if self.n_inputs > _MOST_INPUTS:
            raise ValueError(f"{self.kind} must make at most {_MOST_INPUTS:,} inputs, not {self.n_inputs:,}")
        return self

    @property
    def n_inputs(self) -> int:
        """How many inputs there are."""
        sides = [len(edges) + 1 for edges in self.edges] if self.kind == "boxes" else self.grid
        return self.values if self.kind == "one-hot" else int(np.prod(sides, dtype=np.int64))

    @property
    def n_variables(self) -> int:
        """How many numbers an observation has; 0: it is a whole number."""
        return {"boxes": len(self.edges), "places": len(self.grid), "one-hot": 0}[self.kind]

    def coder(self) -> Coder:
        """Return the function from an observation to the probability of each input's spike, / 2^16."""
        return {"boxes": self._boxes, "places": self._places, "one-hot": self._one_hot}[self.kind]()

    def _one_hot(self) -> Coder:
        rows = (np.eye(self.values) * _ONE).astype(np.uint32)
        return lambda observation: rows[int(observation)]

    def _boxes(self) -> Coder:
        n, edges = self.n_inputs, self.edges

        def code(observation: Any) -> Chances:
            box = 0
            for value, inner in zip(_finite(observation).tolist(), edges, strict=True):
                box = box * (len(inner) + 1) + bisect(inner, value)
            chance = np.zeros(n, np.uint32)
            chance[box] = _ONE
            return chance

        return code

    def _places(self) -> Coder:
        low, span = np.array(self.low), np.array(self.high) - np.array(self.low)
        last = np.array(self.grid) - 1
        centres = np.stack(np.meshgrid(*(np.arange(n) for n in self.grid), indexing="ij"), axis=-1)
        centres = centres.reshape(-1, len(self.grid))

        def code(observation: Any) -> Chances:
            at = np.clip((_finite(observation) - low) / span, 0.0, 1.0) * last
            distance = ((centres - at) ** 2).sum(axis=1)
            chance: Chances = np.rint(_ONE * self.peak * np.exp(distance / (-2.0 * self.width**2))).astype(np.uint32)
            return chance

        return code


def _finite(observation: Any) -> npt.NDArray[np.float64]:
    values = np.asarray(observation, np.float64)
    if not np.isfinite(values).all():
        raise DataError(
            "every number of an observation must be finite", got=str(values.tolist())[:80], where="the environment",
            do="Correct the environment, or use another one.",
        )  # fmt: skip
    return values


def suit(coding: CodingSpec, observations: Any, name: str) -> CodingSpec:
    """Hold a coding against the space of an environment's observations.

    Raises
    ------
    SpecError
        When the space is of another kind or size.
    """
    kind, shape = type(observations).__name__, getattr(observations, "shape", None)
    if kind == "Discrete" and coding.kind == "one-hot" and int(observations.start) == 0:
        n = int(observations.n)
        if coding.values in (0, n) and n <= _MOST_INPUTS:
            return coding.model_copy(update={"values": n})
    elif kind == "Box" and shape == (coding.n_variables,):
        return coding
    raise SpecError(
        'observations must be a vector with one number for each variable of the coding, or one whole number for "one-hot"',
        got=f'{observations} and coding.kind = "{coding.kind}" of {coding.n_variables} variables', where=f"environment {name}",
        do="Give coding.edges, or coding.low, coding.high and coding.grid, for every number of the observation.",
    )  # fmt: skip
