"""Input of the wire solver, checked: conductances, voltages and lines that exist, or an error that says which does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError

__all__ = ["checked_cells", "checked_mask", "checked_numbers", "checked_selection"]

Floats = npt.NDArray[np.float64]


def checked_cells(g: npt.ArrayLike) -> Floats:
    """Check the conductances."""
    cells = _array("g", g)
    if cells.ndim != 2 or cells.size == 0:
        raise DataError(
            "g must have two axes, [pre, post], neither empty",
            got=f"shape {cells.shape}",
            where="argument g",
            do="Pass a matrix: one row per word line, one column per bit line.",
        )
    _refuse_where(
        ~np.isfinite(cells) | (cells < 0), cells, "g", "S", "finite and at least 0", "Use 0 S for a missing cell."
    )
    return cells


def checked_numbers(name: str, values: npt.ArrayLike, shape: tuple[int, ...], unit: str) -> Floats:
    """Check an array of finite numbers."""
    numbers = _array(name, values)
    _refuse_shape(name, numbers.shape, shape)
    _refuse_where(~np.isfinite(numbers), numbers, name, unit, "finite", "Use 0 V for a row that is not driven.")
    return numbers


def checked_mask(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Check an array of booleans."""
    mask = np.asarray(values)
    _refuse_shape(name, mask.shape, shape)
    if mask.dtype != np.bool_:
        raise DataError(
            f"{name} must be True or False", got=f"{mask.dtype}", where=f"argument {name}", do="Pass booleans."
        )
    return mask


def checked_selection(
    g: npt.ArrayLike, row: int, columns: int | Sequence[int], v: float
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Check which cells of an array a write selects."""
    cells = checked_cells(g)
    chosen = np.atleast_1d(np.asarray(columns))
    for name, lines, n in (
        ("row", np.atleast_1d(np.asarray(row)), cells.shape[0]),
        ("columns", chosen, cells.shape[1]),
    ):
        if lines.size == 0 or lines.dtype.kind not in "iu" or lines.min() < 0 or lines.max() >= n:
            raise DataError(
                f"{name} must be of the array",
                got=f"{lines.tolist()}",
                where=f"argument {name}",
                do=f"Use whole numbers from 0 to {n - 1}.",
            )
    if not np.isfinite(v):
        raise DataError("v must be finite", got=f"{v} V", where="argument v", do="Use the write voltage in volts.")
    return cells, chosen


def _array(name: str, values: npt.ArrayLike) -> Floats:
    try:
        return np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} must be an array of numbers", got=str(error), where=f"argument {name}", do="Pass a NumPy array."
        ) from None


def _refuse_shape(name: str, got: tuple[int, ...], due: tuple[int, ...]) -> None:
    if got != due:
        raise DataError(
            f"{name} must have one entry per row of g",
            got=f"shape {got}, not {due}",
            where=f"argument {name}",
            do="The axes of g are [pre, post].",
        )


def _refuse_where(bad: npt.NDArray[np.bool_], values: Floats, name: str, unit: str, rule: str, do: str) -> None:
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        more = f" and {int(bad.sum()) - 1} more" if bad.sum() > 1 else ""
        raise DataError(
            f"{name} must be {rule}", got=f"{values[at]:g} {unit} at {list(at)}{more}", where=f"argument {name}", do=do
        )
