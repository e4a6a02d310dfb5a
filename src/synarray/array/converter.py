"""The converters at the ends of the columns: what a read of finite resolution leaves of a column's sum.

A column is read against the middle of its cells' range: of one cell the excess over a reference column whose cells are all
half-way, of a pair the difference of its two columns, of a compound the sum of its cells. Each such read is one conversion.

    full scale    F = adc_range x rows of the tallest tile x 127 read units: at adc_range = 1 the reading of a column whose cells
                  are all at one end and whose rows are all driven, so that nothing but noise can be clipped
    step          q = floor(2 F / 2^bits) + 1 read units
    read          q c + floor(q / 2), code c = floor(s / q), clipped to -2^(bits - 1) ... 2^(bits - 1) - 1

One for all columns of an array, since its tiles share them. Whole numbers only: the compiled kernels give the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from synarray.array.geometry import ArraySpec

__all__ = ["READ_UNITS", "Converter"]

READ_UNITS = 127
"""Read units per unit of weight, when no cell reaches beyond -1..1; no cell is read as more than these."""


class Converter(NamedTuple):
    """How columns are digitised.

    Examples
    --------
    >>> converter = Converter(step=100, codes=8)
    >>> converter.read(np.array([-900, -800, -1, 0, 99, 100, 799, 800], np.int32)).tolist()
    [-750, -750, -50, 50, 50, 150, 750, 750]
    """

    step: int
    """Read units that one code spans; 0: columns are read ideally."""
    codes: int
    """Codes on either side of 0."""

    @classmethod
    def of(cls, spec: ArraySpec, rows: int) -> Converter:
        """Return that of an array whose tallest tile has so many rows."""
        if spec.adc_bits is None:
            return cls(0, 0)
        full_scale = math.ceil(spec.adc_range * rows * READ_UNITS)
        return cls(2 * full_scale // 2**spec.adc_bits + 1, 2 ** (spec.adc_bits - 1))

    def clips(self, sums: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Say which reads lie beyond its range."""
        code = sums // self.step
        clipped: npt.NDArray[np.bool_] = (code < -self.codes) | (code >= self.codes)
        return clipped

    def read(self, sums: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Digitise reads, in read units."""
        code = np.clip(sums // self.step, -self.codes, self.codes - 1)
        read: npt.NDArray[np.int32] = (code * self.step + self.step // 2).astype(np.int32)
        return read
