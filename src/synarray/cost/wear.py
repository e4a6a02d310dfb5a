"""What learning wears out: how many trainings an array lives through.

A cell's life, in pulses, follows a Weibull law, P(life < n) = 1 - exp(-(n / eta)^beta), with eta = ``endurance`` and beta =
``endurance_shape`` of its device. Cells live and die by themselves, so the share of an array that has failed after cells
received n_i pulses is the mean of that law over the cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from synarray.arguments import is_number, shown
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError

__all__ = ["check_share", "parse_share", "share_failed", "solve_trainings", "trainings_left"]


def parse_share(text: str) -> float:
    """Read a share such as "1%" or "0.01".

    Raises
    ------
    SpecError
        When it is no number between 0 and 1.

    Examples
    --------
    >>> parse_share("1 %")
    0.01
    """
    number = text.strip()
    try:
        share = float(number.removesuffix("%")) / (100.0 if number.endswith("%") else 1.0)
    except ValueError:
        raise _no_share(repr(text)) from None
    check_share(share)
    return share


def check_share(share: float) -> None:
    """Refuse a share of failed cells that is none.

    Raises
    ------
    SpecError
        When it does not lie between 0 and 1.
    """
    if not is_number(share) or not 0.0 < share < 1.0:
        raise _no_share(shown(share))


def _no_share(got: str) -> SpecError:
    return SpecError(
        "the share of cells that may fail must lie between 0 and 1",
        got=got,
        where="share",
        do="Write for example 0.01, or 1% at the command line.",
    )


def share_failed(pulses: npt.ArrayLike, device: DeviceSpec) -> float:
    """Return the share of cells that is expected to have failed once each received its pulses; nan: no endurance known."""
    if device.endurance is None:
        return float("nan")
    return float(np.mean(-np.expm1(-((np.asarray(pulses, float) / device.endurance) ** device.endurance_shape))))


def trainings_left(writes: npt.ArrayLike, device: DeviceSpec, share: float = 0.01, *, prior: float = 0.0) -> float:
    """Return how many trainings like this one an array lives through until a share of its cells has failed.

    Parameters
    ----------
    writes : array_like, any shape
        Pulses that each cell received in one training; only of cells that exist (of a compound: of each of its cells).
    device : DeviceSpec
        Its ``endurance`` and ``endurance_shape``.
    share : float
        Share of the cells that may have failed, above 0 and below 1.
    prior : float
        Pulses that every cell received before.

    Returns
    -------
    float
        Counted from new cells (or from ``prior``), the training that gave ``writes`` included; below 1 when it is not lived
        through. 0: the share has failed already. inf: never, as when nothing is written, or fewer cells than the share.
        nan: the device's endurance is not known.

    Raises
    ------
    SpecError
        When the share does not lie between 0 and 1.

    Examples
    --------
    One cell in a hundred of an exponential law fails within 0.01005 of its scale, here after 1005 pulses:

    >>> trainings_left([10, 10], DeviceSpec(endurance=1e5))
    100.5034
    >>> trainings_left([0, 0], DeviceSpec(endurance=1e5)), trainings_left([10], DeviceSpec())
    (inf, nan)
    """
    check_share(share)
    counts, cells = np.unique(np.asarray(writes).ravel(), return_counts=True)
    if device.endurance is None or not len(counts):
        return float("nan")
    if share_failed(np.full(1, prior), device) >= share:
        return 0.0
    limit = np.where(counts > 0, np.inf, prior)  # what trainings without end bring each cell to
    if _mean_failed(limit, cells, device) <= share:
        return float("inf")
    return solve_trainings(lambda n: _mean_failed(prior + n * counts, cells, device), share)


def solve_trainings(failed: Callable[[float], float], share: float, guess: float = 1.0) -> float:
    """Find how many trainings it takes until ``failed(trainings)``, which rises from below to above the share, reaches it."""
    from scipy.optimize import brentq

    low = high = guess
    while failed(high) < share:
        low, high = high, 2.0 * high
    while failed(low) > share:
        low, high = 0.5 * low, low
    if low == high:
        return low
    return float(np.exp(brentq(lambda x: failed(float(np.exp(x))) - share, np.log(low), np.log(high), xtol=1e-7)))


def _mean_failed(pulses: npt.NDArray[np.floating], cells: npt.NDArray[np.integer], device: DeviceSpec) -> float:
    """Share failed where ``cells`` cells received each number of pulses."""
    assert device.endurance is not None
    hazard = (pulses / device.endurance) ** device.endurance_shape
    return float(-np.expm1(-hazard) @ cells / cells.sum())
