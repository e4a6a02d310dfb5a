"""What names of columns and sheets say besides the device: conditions, means and spreads of others, copies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from synarray.lab.text.beside import MEAN, SPREAD
from synarray.lab.text.words import branch_of, plain_words

__all__ = ["differ_by_conditions", "repeating"]

_COPY = re.compile(r"\(\d+\)$|\b(copy|kopie|copie|copia|копия)\b|副本|コピー|복사본", re.IGNORECASE)
_CONDITION = re.compile(
    r"(?<![\w.,])[-+\u2212]?\d+(?:[.,]\d+)?\s*(?:m?V|[mun\u00b5\u03bcp]?s|[mun\u00b5\u03bc]A|[kM]?Hz|°\s?[CF]|\u2103|[CK])(?![\w/])"
)
"""A voltage, a width, a current limit, a frequency or a temperature: "1.2 V", "100 ns", "85 °C"."""


def repeating(sheets: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]]) -> dict[str, str]:
    """Return the sheets that say nothing but what others do, and why: means and spreads of several, and copies.

    Parameters
    ----------
    sheets : mapping of str to tuple
        The names of the columns, and the rows, of each by its title.

    Examples
    --------
    >>> rows = [["1", "3.4"]]
    >>> repeating({"D1": (["G"], rows), "D2": (["G"], [["1", "3.5"]]), "Mean": (["G"], [["1", "3.45"]]), "D1 (2)": (["G"], rows)})
    {'Mean': ' (a mean of others)', 'D1 (2)': " (a copy of 'D1')"}
    """
    left, signs = dict[str, str](), {title: (branch_of(title) > 0) - (branch_of(title) < 0) for title in sheets}
    kinds = {title: _kind(title) for title in sheets}
    for title, (names, rows) in sheets.items():
        like = [other for other in sheets if other not in {title, *left} and sheets[other][0] == names]
        like = [other for other in like if signs[other] == signs[title]]
        same = next((other for other in like if sheets[other][1] == rows), "")
        if kinds[title] and sum(not kinds[other] for other in like) >= (1 if signs[title] else 2):
            left[title] = f" (a {kinds[title]} of others)"
        elif same and _COPY.search(title.strip()):
            left[title] = f" (a copy of {same!r})"
    return left


def _kind(title: str) -> str:
    words = plain_words(title)
    return "spread" if SPREAD.search(words) else "mean" if MEAN.search(words) else ""


def differ_by_conditions(names: Sequence[str], what: str = "columns") -> str:
    """Say by which conditions names of one branch differ, so that each is read as a device; empty where they do not.

    Examples
    --------
    >>> differ_by_conditions(["G @ 25 °C (uS)", "G @ 85 °C (uS)"])
    'columns differ by a condition (25 °C, 85 °C): each was read as a device of its own'
    >>> differ_by_conditions(["LTP 1.0 V", "LTD -1.2 V"]), differ_by_conditions(["Device 1 (uS)", "Device 2 (uS)"])
    ('', '')
    """
    found = [(branch_of(name), " ".join(_CONDITION.findall(name))) for name in names]
    if all(len({said for sign, said in found if sign == branch}) < 2 for branch, _ in found):
        return ""
    shown = list(dict.fromkeys(said or "none" for _, said in found))
    return f"{what} differ by a condition ({', '.join(shown[:6])}): each was read as a device of its own"
