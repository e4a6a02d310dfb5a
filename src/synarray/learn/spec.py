"""A machine, how long it learns, and how it is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synarray.learn.readout import ReadoutSpec
from synarray.network.layer import LayerSpec
from synarray.network.machine import MachineSpec

__all__ = ["DEVICE_WORDS", "LearningSpec"]

DEVICE_WORDS = {"name", "title", "technology", "note", "sources"}
"""What a device says that decides no result."""


class LearningSpec(MachineSpec):
    """A machine, how long it learns, and how it is read.

    Examples
    --------
    >>> LearningSpec(n_neurons=50, epochs=2, device="pcm").n_neurons
    50
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 3
    readout: ReadoutSpec = ReadoutSpec()
    layers: Annotated[tuple[LayerSpec, ...], Field(max_length=16, strict=False)] = ()
    """Layers from the bottom, learned one after the other; none: one layer, as ``n_neurons`` and ``fields`` say."""

    def unchanged(self) -> LearningSpec:
        """Return it with the values that it has before any is chosen: the defaults."""
        return LearningSpec()
