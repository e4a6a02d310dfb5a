"""Which pulses were LTP and which LTD: by their code, the sign of their voltage, or what they did to the conductance.

A code is 1, -1 or 0 (a read without a pulse). Other codes are never guessed: 1 and 0, or words that say only that there were
two kinds, are distinguished by the voltage or by the movement, which is said; what stays unknown is refused.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.lab.rows.measured import Rows

__all__ = ["FIRST_WORD", "POLARITIES", "TWO_KINDS", "tell_polarity"]

POLARITIES = {
    **dict.fromkeys(("ltp", "set", "up", "p", "+", "pot", "pot.", "potentiation", "potentiate", "increase", "inc"), 1.0),
    **dict.fromkeys(("ltd", "reset", "down", "d", "-", "dep", "dep.", "depression", "depress", "decrease", "dec"), -1.0),
    **dict.fromkeys(("program", "programme", "prog", "pgm"), 1.0),
    **dict.fromkeys(("erase", "ers"), -1.0),
    "read": 0.0,
}  # fmt: skip
"""Words for LTP, LTD and a read; of a program and an erase pulse the movement says which is which."""
TWO_KINDS = frozenset(("program", "programme", "prog", "pgm", "erase", "ers"))
FIRST_WORD = 1e6
"""Codes from here on are of words that are not known."""
_MOVES = 0.2
"""Share of the range by which pulses must move the conductance to tell what they are."""
_RARE = 0.1

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def tell_polarity(polarity: Floats, amplitude: Floats, g: Floats, together: Bools, rows: Rows, source: str) -> Floats:
    """Return 1, -1 or 0 for each row.

    Parameters
    ----------
    polarity, amplitude, g : ndarray, shape (n,)
        Codes and voltages (nan: none), and conductances, in the order of time.
    together : ndarray of bool, shape (n,)
        Whether the row before is of the same device and cycle.
    rows : Rows
        Takes the repairs; has the words that are not known.
    source : str
        The file.

    Raises
    ------
    DataError
        When codes or words are not known and there is no voltage, or nothing tells the polarity.
    """
    change = np.where(together, np.diff(g, prepend=g[:1]), 0.0)
    span = float(np.ptp(np.percentile(g, [1, 99]))) if len(g) else 0.0
    known = np.isin(polarity, (-1.0, 0.0, 1.0))
    strange = np.isfinite(polarity) & ~known
    volts = np.where(np.isfinite(amplitude), amplitude, 0.0)
    if not strange.any() and known.any():
        return _from_codes(np.where(known, polarity, np.nan), volts, change, span, rows, source)
    if not volts.any():
        raise _unknown(polarity[strange], rows, source)
    by_volts = _from_volts(volts, change, rows, source)
    if not strange.any():
        return by_volts
    said = _said(polarity[strange], rows)
    if not known.any():
        rows.repairs.append(f"polarity codes {said} are not known: the voltage decided in their place")
        return by_volts
    rows.repairs.append(f"{np.count_nonzero(strange):,} rows with the polarity {said} took theirs from the voltage")
    return np.where(known, polarity, np.where(strange, by_volts, 0.0))


def _said(codes: Floats, rows: Rows) -> str:
    """Name codes, and the words that some of them are of."""
    found = [
        repr(rows.words[int(code - FIRST_WORD)]) if code >= FIRST_WORD and code - FIRST_WORD < len(rows.words)
        else f"{code:g}" for code in np.unique(codes).tolist()
    ]  # fmt: skip
    return ", ".join(found[:5]) + (f" and {len(found) - 5} others" if len(found) > 5 else "")


def _unknown(codes: Floats, rows: Rows, source: str) -> DataError:
    if not len(codes):
        return DataError(
            "the polarity of the pulses must be known", got="neither a polarity nor an amplitude", where=source,
            do="Add a column polarity (1 for LTP, -1 for LTD), or name one with --columns polarity=NAME.",
        )  # fmt: skip
    volts = len(np.unique(codes)) > 1 and codes.max() < FIRST_WORD and (codes != np.rint(codes)).any()
    return DataError(
        "the polarity of the pulses must be known: 1 or LTP, -1 or LTD, 0 or READ",
        got=f"{_said(codes, rows)} in {len(codes):,} rows without a voltage", where=f"{source}, column polarity",
        do="If these are voltages, map them with --columns amplitude_V=NAME." if volts else
        "Write LTP, LTD and READ in the column, or map the voltage of the pulses with --columns amplitude_V=NAME.",
    )  # fmt: skip


def _from_codes(code: Floats, volts: Floats, change: Floats, span: float, rows: Rows, source: str) -> Floats:
    """Take codes of -1, 0 and 1 as they are, where what the pulses did does not contradict."""
    missing = ~np.isfinite(code)
    if missing.any():
        by_volts = volts != 0
        if (both := missing & by_volts).any():
            agree = float(np.sum(np.sign(volts[~missing]) * code[~missing]))
            code = np.where(both, np.sign(volts) * (-1.0 if agree < 0 else 1.0), code)
            rows.repairs.append(f"{np.count_nonzero(both):,} rows without a polarity took theirs from the voltage")
        if (left := ~np.isfinite(code)).any():
            rows.repairs.append(f"{np.count_nonzero(left):,} rows without a polarity count as reads without a pulse")
        code = np.where(np.isfinite(code), code, 0.0)
    if rows.two_kinds and (moved := float(np.sum(change * code))) != 0:
        turned = "program pulses raise" if moved > 0 else "program pulses lower"
        rows.repairs.append(f"program and erase were distinguished by what they did: {turned} the conductance")
        return code if moved > 0 else -code
    kinds = set(np.unique(code).tolist())
    if kinds in ({0.0, 1.0}, {0.0, -1.0}):
        return _zeros(code, volts, change, span, rows, source)
    return code


def _zeros(code: Floats, volts: Floats, change: Floats, span: float, rows: Rows, source: str) -> Floats:
    """Tell whether 0 beside a single other code is a read, or the other polarity: 1 and 0 for LTP and LTD."""
    zero, sign = code == 0, float(code[code != 0][0])
    other = np.where(zero, -sign, sign)
    name, contrary = ("LTD", "LTP") if sign > 0 else ("LTP", "LTD")
    ours = np.sign(float(np.sum(np.sign(volts[~zero]))))
    if ours and np.mean(np.sign(volts[zero]) == -ours) > 0.5:
        rows.repairs.append(f"polarity 0 was read as {name}: its voltage has the other sign")
        return other
    if ours and np.mean(volts[zero] == 0) > 0.5:
        return code
    runs = 1 + np.count_nonzero(np.diff(np.flatnonzero(zero)) > 1)
    by_zero, by_other = (float(np.sum(change[part])) * sign / max(span * runs, 1e-300) for part in (zero, ~zero))
    if abs(by_zero) < _MOVES:
        return code
    if by_zero < 0 and by_other > _MOVES and np.mean(zero) > _RARE:
        rows.repairs.append(f"polarity 0 was read as {name}: its rows move the conductance against those of {sign:g}")
        return other
    raise DataError(
        "a read without a pulse (polarity 0) must not move the conductance",
        got=f"{np.count_nonzero(zero):,} that move it by {abs(by_zero):.0%} of the range", where=f"{source}, column polarity",
        do=f"Write LTP and LTD where pulses were sent (here {sign:g} seems to be {contrary if by_other > 0 else name}); "
        "number the trains in a column cycle where each starts again.",
    )  # fmt: skip


def _from_volts(volts: Floats, change: Floats, rows: Rows, source: str) -> Floats:
    """Take the sign of the voltage, turned so that LTP raises the conductance; a movement within the noise tells nothing."""
    sign = np.sign(volts)
    kinds = np.unique(volts[sign != 0])
    if np.sign(kinds[0]) == np.sign(kinds[-1]) and 2 <= len(kinds) <= 20:
        moves = {float(v): _movement(change[volts == v]) for v in kinds}
        if not any(moves.values()):
            raise DataError(
                "the polarity of the pulses must be known",
                got=f"voltages of one sign ({kinds[0]:g} to {kinds[-1]:g} V) that move the conductance by no more than its noise",
                where=source, do="Add a column polarity (1 for LTP, -1 for LTD), or name one with --columns polarity=NAME.",
            )  # fmt: skip
        rows.repairs.append("polarity taken from what the pulses of each voltage did, since all voltages have one sign")
        return np.array([moves.get(float(v), 0.0) for v in volts])
    up, down = (float(change[sign == s].sum()) for s in (1, -1))
    if not _movement(np.r_[change[sign > 0], -change[sign < 0]]):
        rows.repairs.append("positive voltages were taken for LTP: the conductance moves by no more than its noise")
        return sign
    turned = -1.0 if up - down < 0 else 1.0
    rows.repairs.append(
        f"polarity taken from the sign of the voltage: {'positive' if turned > 0 else 'negative'} pulses raise the conductance"
    )
    return sign * turned


def _movement(change: Floats) -> float:
    """Return which way some pulses moved the conductance: 1, -1, or 0 where that is within three standard errors."""
    moved = change[change != 0]
    if not len(moved):
        return 0.0
    noise = 1.4826 * float(np.median(np.abs(moved - np.median(moved))))
    total = float(moved.sum())
    return float(np.sign(total)) if abs(total) > 3.0 * noise * np.sqrt(len(moved)) else 0.0
