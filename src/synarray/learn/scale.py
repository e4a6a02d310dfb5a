"""Are samples on the scale of those a network was trained on? Features of 0..1 shown to one trained on 0..255 are all dark.

The *peak* of a sample is the largest magnitude among its features. Samples whose peaks lie far from those of training (by median,
a factor of four beyond their ends) were most probably scaled otherwise: that is said, and they are still read.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Scale"]

_FAR = 4.0


@dataclass(frozen=True)
class Scale:
    """What values a network was trained on."""

    low: float
    high: float
    """Least and largest value."""
    peak_low: float
    peak_high: float
    """Least and largest peak of a sample; samples of zeros are left out."""

    @classmethod
    def of(cls, x: npt.NDArray[Any]) -> Scale:
        """Look at samples, shape (n_samples, ...).

        Examples
        --------
        >>> Scale.of(np.array([[0, 200], [90, 255]]))
        Scale(low=0.0, high=255.0, peak_low=200.0, peak_high=255.0)
        """
        peaks = _peaks(x)
        ends = (peaks.min(), peaks.max()) if len(peaks) else (0.0, 0.0)
        return cls(float(x.min()), float(x.max()), float(ends[0]), float(ends[1]))

    def is_other(self, x: npt.NDArray[Any]) -> bool:
        """Whether samples, shape (n_samples, ...), are on another scale."""
        peaks = _peaks(x)
        if not len(peaks) or not self.peak_high:
            return False
        return not self.peak_low / _FAR <= float(np.median(peaks)) <= self.peak_high * _FAR

    def warn_if_other(self, x: npt.NDArray[Any], what: str) -> None:
        """Warn, naming both ranges, when samples are on another scale.

        Parameters
        ----------
        x : ndarray, shape (n_samples, ...)
        what : str
            What was trained, in the warning.
        """
        if self.is_other(x):
            warnings.warn(
                f"X has values from {x.min():.3g} to {x.max():.3g}, but {what} was trained on values from {self.low:.3g} to "
                f"{self.high:.3g}: what is read from it is probably meaningless. Scale both alike.",
                UserWarning,
                stacklevel=4,
            )


def _peaks(x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Peaks of the samples that are not all zero."""
    flat = x.reshape(len(x), -1)
    peaks: npt.NDArray[np.float64] = np.maximum(flat.max(axis=1), -flat.min(axis=1).astype(np.float64))
    return peaks[peaks > 0]
