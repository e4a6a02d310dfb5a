"""What a table of voltages, currents and times is, if it is no pulse train: an I-V sweep, a ramp of amplitudes, or retention.

sweep        the voltage itself goes through many values in small steps, and the current is read at it
ramp         pulses of many amplitudes, each followed by a read at a voltage of its own
retention    times without pulses, over which the conductance stays or falls
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from synarray.lab.rows.measured import Rows

__all__ = ["amplitudes", "is_ramp", "is_retention", "is_sweep"]

Floats = npt.NDArray[np.float64]
_VALUES = 15
"""Voltages from which on they may be a sweep."""
_ONE = 0.9
"""Share of the pulses of one sign that the most frequent amplitude has where there is only one."""
_RETENTION = re.compile(
    r"retention|retain|haltbarkeit|speicherdauer|\bdrift\b|relaxation|保持|유지|보존", re.IGNORECASE
)


def is_sweep(rows: Rows, *, of_pulses: bool) -> bool:
    """Whether the voltages are swept and nothing says that reads were made at another one.

    Parameters
    ----------
    rows : Rows
    of_pulses : bool
        Whether the file calls them voltages of pulses.
    """
    if of_pulses or rows.amplitude_V is None or rows.read_V is not None or rows.polarity is not None:
        return False
    v = rows.amplitude_V[np.isfinite(rows.amplitude_V)]
    if len(v) < 2 * _VALUES or len(np.unique(np.round(v, 6))) < _VALUES:
        return False
    span = float(np.ptp(v))
    return span > 0 and bool(np.mean(np.abs(np.diff(v)) <= 0.1 * span) > 0.8)


def amplitudes(volts: Floats) -> Floats:
    """Round voltages to what an instrument means: 0.8499 and 0.8501 V are one amplitude.

    Examples
    --------
    >>> amplitudes(np.array([0.8499, 0.8501, -1.05])).tolist()
    [0.85, 0.85, -1.05]
    """
    known = np.abs(volts[np.isfinite(volts)])
    largest = float(known.max()) if len(known) else 0.0
    if not largest:
        return volts
    grain = 10.0 ** np.floor(np.log10(0.01 * largest))
    return np.asarray(np.round(np.rint(volts / grain) * grain, 9))


def is_ramp(rows: Rows) -> bool:
    """Whether pulses of one sign have many amplitudes."""
    if rows.amplitude_V is None:
        return False
    v = amplitudes(rows.amplitude_V)
    signs = [v[v > 0], v[v < 0]]
    present = [side for side in signs if len(side) > 3]
    alone = len(present) == 1
    for side in present:
        kinds, counts = np.unique(side, return_counts=True)
        if len(kinds) > (2 if alone else 1) and counts.max() < _ONE * len(side) and len(kinds) > 2:
            return True
    return False


def is_retention(rows: Rows, time: Floats | None, words: str) -> bool:
    """Whether conductances were read over time without pulses: by the file's words, or because they only stay or fall.

    Parameters
    ----------
    rows : Rows
    time : ndarray, optional
        Of each row, s.
    words : str
        Name of the file and of the sheet, and what is above the table.
    """
    if time is None or rows.polarity is not None or rows.pulse is not None:
        return False
    if rows.amplitude_V is not None and len(np.unique(amplitudes(rows.amplitude_V))) > 1:
        return False
    if _RETENTION.search(words):
        return True
    there = np.isfinite(time) & np.isfinite(rows.G_S) & (rows.G_S > 0)
    device = np.zeros(len(time), int) if rows.device_id is None else rows.device_id
    if np.count_nonzero(there) < 5 or float(time[there].max()) < 1.0:
        return False
    spans, rises = [], []
    for code in np.unique(device[there]):
        mine = there & (device == code)
        t, log = time[mine], np.log(rows.G_S[mine])
        if len(t) < 5 or (np.diff(t) < 0).any():
            return False
        few = max(len(t) // 5, 1)
        spans.append(float(t.max() / max(t[t > 0].min(initial=np.inf), 1e-12)))
        rises.append(float(np.median(log[-few:]) - np.median(log[:few])))
        span = float(np.ptp(log))
        top = int(np.argmax(log))
        if span > 4.0 * abs(rises[-1]) + 0.5 or (span > 0.5 and log[top] - log[: top + 1].min() > 0.5 * span):
            return False  # it went up and down again
    return min(spans) >= 10.0 and max(rises) < 0.2 and (min(rises) > -1.5 or min(spans) >= 1000.0)
