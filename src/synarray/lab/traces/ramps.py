"""Pulses whose amplitude varies: only those of one amplitude follow one law; the others are left out, or all is refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.rows.measured import Rows
from synarray.lab.traces.recognise import amplitudes

__all__ = ["keep_one_amplitude"]

_FEWEST = 20
"""Pulses of one amplitude and sign that a fit needs where amplitudes vary."""
_BY_ROW = ("pulse", "width_s", "read_V", "temperature_K", "device_id")


def keep_one_amplitude(rows: Rows, source: str) -> None:
    """Keep the pulses of the most frequent amplitude of each sign, and the reads right before them; each run is a train.

    Raises
    ------
    DataError
        When there are fewer than 20 of either.
    """
    assert rows.amplitude_V is not None
    v = amplitudes(rows.amplitude_V)
    chosen = np.zeros(len(v), bool)
    said, short = [], []
    for sign in (1, -1):
        kinds, counts = np.unique(v[np.sign(v) == sign], return_counts=True)
        if not len(kinds):
            continue
        best, count = float(kinds[counts.argmax()]), int(counts.max())
        chosen |= v == best
        said.append(f"{count:,} of {best:g} V")
        short += [f"the most frequent of {len(kinds)} {'positive' if sign > 0 else 'negative'} amplitudes, {best:g} V, has "
                  f"{count} pulse{'s' * (count != 1)}"] if count < _FEWEST else []  # fmt: skip
    if short:
        ends = f"between {np.nanmin(v):g} and {np.nanmax(v):g} V"
        raise DataError(
            f"pulses of a fit must have one amplitude for LTP and one for LTD, {_FEWEST} of each at least",
            got=f"{_ramps(v)} ramps of amplitude {ends}; {'; '.join((*short, *rows.remarks))}", where=source,
            do="Measure trains of equal pulses with a read after each. What each column was taken for: synarray device fit "
            f"{source} --explain.",
        )  # fmt: skip
    index, train = _with_reads_before(chosen, rows)
    for key in _BY_ROW:
        values = getattr(rows, key)
        if values is not None:
            setattr(rows, key, values[index])
    kept = chosen[index]
    rows.discard("pulse of another amplitude", len(v) - len(np.unique(index)))
    rows.G_S, rows.amplitude_V, rows.cycle, rows.pulse = rows.G_S[index], np.where(kept, v[index], 0.0), train, None
    rows.remarks.append(
        f"amplitudes vary ({_ramps(v)} ramps): only pulses of one amplitude each way were read, {' and '.join(said)}; "
        "each run of them is a train that begins at the read before it"
    )


def _ramps(v: npt.NDArray[np.float64]) -> int:
    """Count the ramps: one ends where the voltage turns back or changes its sign."""
    size = np.abs(v)
    again = (np.sign(v[1:]) != np.sign(v[:-1])) | (size[1:] < size[:-1])
    return 1 + int(np.count_nonzero(again))


def _with_reads_before(
    chosen: npt.NDArray[np.bool_], rows: Rows
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the rows of each run with the one before it, and the number of the run."""
    device = np.zeros(len(chosen), int) if rows.device_id is None else rows.device_id
    starts = np.flatnonzero(chosen & np.r_[True, ~chosen[:-1] | (device[1:] != device[:-1])])
    ends = np.flatnonzero(chosen & np.r_[~chosen[1:] | (device[1:] != device[:-1]), True]) + 1
    index, train = [], []
    for number, (a, b) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        first = a - 1 if a and device[a - 1] == device[a] else a
        index.append(np.arange(first, b))
        train.append(np.full(b - first, float(number)))
    return np.concatenate(index), np.concatenate(train)
