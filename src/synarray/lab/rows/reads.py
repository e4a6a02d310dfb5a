"""Columns that are reads of one state: known by how they differ, and averaged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.measured import Rows
from synarray.lab.rows.outliers import OVERFLOW

__all__ = ["are_reads", "averaged"]

Floats = npt.NDArray[np.float64]
_ALIKE = 0.03
"""Share by which the means of columns may differ that are reads of one state."""
_WHITE = 0.3
"""Autocorrelation from row to row below which columns are reads of one state."""


def are_reads(matrix: Floats) -> bool:
    """Whether columns differ from their mean at random from row to row, and by less than the rows differ."""
    whole = matrix[np.isfinite(matrix).all(axis=1) & (np.abs(matrix).max(axis=1) < OVERFLOW)]
    if len(whole) < 8:
        return False
    mean = whole.mean(axis=1)
    scale = float(np.median(np.abs(mean)))
    factors = np.median(whole / np.where(mean == 0, scale or 1.0, mean)[:, None], axis=0)
    settled = factors[1:] if len(factors) > 2 else factors
    if not scale or (factors <= 0).any() or np.abs(settled / settled.mean() - 1.0).max() > _ALIKE:
        return False  # but for the first of several, which may still settle, reads of one state are equal
    off = whole / factors - (whole / factors).mean(axis=1, keepdims=True)
    spread = float(off.std())
    if spread <= 1e-9 * scale or spread > 0.5 * float(mean.std()):
        return False
    follow = float((off[1:] * off[:-1]).sum() / (off**2).sum())
    return follow < _WHITE


def averaged(matrix: Floats, rows: Rows) -> Floats:
    """Take the mean of the reads of each state, and their spread as the noise of a read."""
    k = matrix.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nanmean(matrix, axis=1)
        relative = matrix / mean[:, None]
        factors = np.nanmedian(relative, axis=0)
        off = relative / factors - 1.0
        rows.read_noise = float(
            1.4826 * np.nanmedian(np.abs(off - np.nanmean(off, axis=1, keepdims=True))) * np.sqrt(k / (k - 1))
        )
    rows.reads = k
    rows.remarks.append(
        f"{k} columns are reads of one state (they differ at random): their mean is used, their spread is the read noise"
    )
    worst = int(np.argmax(np.abs(factors - 1.0)))
    if abs(factors[worst] - 1.0) > max(3.0 * rows.read_noise, 0.02):
        rows.remarks.append(f"read {worst + 1} of each state is {factors[worst] - 1.0:+.0%} off the others")
    return np.asarray(mean[:, None])
