"""Spikes of frozen layers, computed once and kept as bits: what the layer above learns from, presentation after presentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["KeptSpikes"]


@dataclass(frozen=True)
class KeptSpikes:
    """Spikes of some images in some windows each.

    Examples
    --------
    >>> kept = KeptSpikes(np.packbits(np.eye(3, 9, dtype=np.uint8)[:, None], axis=2), 9, np.arange(3))
    >>> kept.block(np.array([2]), draws=2)
    array([[[0, 0, 1, 0, 0, 0, 0, 0, 0],
            [0, 0, 1, 0, 0, 0, 0, 0, 0]]], dtype=uint8)
    """

    bits: npt.NDArray[np.uint8]
    """Shape (n_images, n_windows, ceil(n_inputs / 8))."""
    n_inputs: int
    keys: npt.NDArray[np.int64]
    """Where random numbers are drawn when an image is read without learning; shape (n_images,)."""

    def block(self, order: npt.NDArray[np.int64], draws: int) -> npt.NDArray[np.uint8]:
        """Unpack images ``order``: a block [presentation, draw, input]; windows come again when there are more draws."""
        bits = self.bits[order][:, np.arange(draws) % self.bits.shape[1]]
        return np.unpackbits(bits, axis=2, count=self.n_inputs)
