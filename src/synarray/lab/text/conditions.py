"""What names of columns and sheets say besides the device: conditions, means and spreads of others, copies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from synarray.lab.text.words import branch_of, plain_words

__all__ = ["differ_by_conditions", "is_copy", "is_mean", "is_spread"]

_MEAN = re.compile(r"\b(means?|averages?|avg|median|mittel(wert)?|moyenne|media|promedio)\b|平均|평균|средн")
_SPREAD = re.compile(
    r"\b(std|stdev|stddev|sd|sem|sigma|stdabw\w*|standardabw\w*|ecart)\b|标准差|標準偏差|편차|отклонени"
)
_COPY = re.compile(r"\(\d+\)$|\b(copy|kopie|copie|copia|копия)\b|副本|コピー|복사본", re.IGNORECASE)
_CONDITION = re.compile(
    r"(?<![\w.,])[-+\u2212]?\d+(?:[.,]\d+)?\s*(?:m?V|[mun\u00b5\u03bcp]?s|[mun\u00b5\u03bc]A|[kM]?Hz|°\s?[CF]|\u2103|[CK])(?![\w/])"
)
"""A voltage, a width, a current limit, a frequency or a temperature: "1.2 V", "100 ns", "85 °C"."""


def is_mean(name: str) -> bool:
    """Whether a name says a mean of others."""
    return bool(_MEAN.search(plain_words(name)))


def is_spread(title: str) -> bool:
    """Whether the title of a sheet says a spread."""
    return bool(_SPREAD.search(plain_words(title)))


def is_copy(title: str) -> bool:
    """Whether the title of a sheet is what programs call a copy, such as "D1 (2)"."""
    return bool(_COPY.search(title.strip()))


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
