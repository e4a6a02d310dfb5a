"""How a file writes its numbers: the decimal mark, marks between thousands, exponents of Fortran.

"4.79e-06"     "4,79"     "1,234.5"     "1.234,5"     "1 234,5"     "1'234.5"     "4.79D-06"     "4.79u"     "4.79x10^-6"

One mark before exactly three digits may be either; other numbers of the file decide, and where none does, it is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["NOTHING", "NUMBER", "QUANTITY", "Marks", "are_spaced", "has_suffix", "marks_of", "plain_text"]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
NOTHING = frozenset(("", "nan", "nan.", "null", "none", "na", "n/a", "#n/a", "-nan", "-", "--"))
"""What is in a cell without a value."""
QUANTITY = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?\s*[a-zA-Zµμ%Ω]+$")
_FORTRAN = re.compile(r"([+-]?(?:\d+\.\d*|\d*\.\d+))[dD]([+-]?\d{1,3})$")
_SUFFIXES = {
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "\u00b5": -6,
    "\u03bc": -6,
    "m": -3,
    "k": 3,
    "K": 3,
    "M": 6,
    "G": 9,
    "T": 12,
}
_SUFFIX = re.compile(r"([+-]?(?:\d+[.,]?\d*|[.,]\d+))([fpnu\u00b5\u03bcmkKMGT]|[Mm]eg|MEG)$")
"""A number as circuit simulators write it: 1.2u, 850n, 4.7Meg."""
_UNIT = re.compile(r"(?<=\d)[a-zA-Z\u00b5\u03bc\u03a9\u2126]{1,5}$")
_POWER = re.compile(r"(?<=\d)\s*[x\u00d7*\u00b7\u2219]\s*10\s*(?:\^|\*\*)?\s*\(?([+-]?\d{1,3})\)?$")
_RAISED = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b\u207a", "0123456789-+")
_ERROR = re.compile(r"\s*(?:\u00b1|\+/-)")
"""What is before the error of a value."""
_SPACED = re.compile(r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?=[.,]\d|$)")
_BOTH = re.compile(
    r"[+-]?\d{1,3}(?:(?P<one>[.,])\d{3})(?:(?P=one)\d{3})*(?!(?P=one))(?P<decimal>[.,])\d+(?:[eE][+-]?\d+)?$"
)
_SEVERAL = re.compile(r"[+-]?\d{1,3}(?P<one>[.,])\d{3}(?:(?P=one)\d{3})+$")
_SINGLE = re.compile(r"[+-]?(?P<head>\d*)(?P<mark>[.,])(?P<tail>\d*)(?:[eE][+-]?\d+)?$")
_THIN = re.compile("(?<=\\d)[\u00a0\u202f\u2009\u2007'\u2019](?=\\d{3}(?!\\d))")
_MINUS = str.maketrans(dict.fromkeys("\u2212\ufe63\uff0d", "-"))
_WIDE = re.compile("[\uff01-\uff0b\uff0e-\uff1a\uff1c-\uff5e\u3000\u3371-\u33df\u00a0\u202f\u2007\u2009]")
"""Letters, digits and marks as wide as a Chinese character, units in one character, spaces that break no line."""
_ARRAY = re.compile(
    r"^[ \t]*(\w[\w.]*)[ \t]*(?:=|:|<-)[ \t]*[\w.]*[\[({]+([-+\d.eEnaifNAIF,; \t]+)[\])}]+[ \t]*[;,]?[ \t]*$",
    re.MULTILINE,
)
"""Numbers as programs are given them: LTP = [1.2e-6 1.5e-6]."""


def plain_text(text: str) -> str:
    """Write typographic minus signs as programs do, and take out what separates thousands and nothing else.

    Examples
    --------
    >>> plain_text("\u22121\u202f234,5; 1'234.5")
    '-1234,5; 1234.5'
    """
    text = text.translate(_MINUS)
    if "[" in text or "(" in text:
        text = _ARRAY.sub(lambda row: ",".join((row[1], *re.split(r"[,;\s]+", row[2].strip(" ,;")))), text)
    if text.isascii() and "'" not in text:
        return text
    return _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), _THIN.sub("", text))


def has_suffix(text: str) -> bool:
    """Whether a cell is a number with a prefix of a unit behind it, such as 850n.

    Examples
    --------
    >>> has_suffix("850n"), has_suffix("4.7Meg"), has_suffix("85C"), has_suffix("12")
    (True, True, False, False)
    """
    return bool(_SUFFIX.match(text.strip()))


def are_spaced(text: str) -> bool:
    """Whether spaces separate thousands in a cell."""
    return bool(_SPACED.search(text))


class Marks(NamedTuple):
    """How numbers are written."""

    decimal_comma: bool = False
    """Whether a comma is the decimal mark."""
    thousands: str = ""
    """The mark between thousands, a comma or a point; empty: there is none."""
    unclear: str = ""
    """A number whose only mark may be either; empty: all are clear."""

    def plain(self, cell: str) -> str:
        """Return a cell as programs write numbers.

        Examples
        --------
        >>> Marks(True, ".").plain(" 1.234,5"), Marks(False, ",").plain("1,234"), Marks().plain("4.7D-06")
        ('1234.5', '1234', '4.7E-06')
        >>> Marks().plain("850n"), Marks().plain("4.7 x 10^-6"), Marks().plain("1.2Meg")
        ('850E-9', '4.7E-6', '1.2E6')
        """
        text = _ERROR.split(cell, maxsplit=1)[0].strip()
        if text and not text[-1].isdecimal():
            text = _SUFFIX.sub(lambda found: f"{found[1]}E{_SUFFIXES.get(found[2], 6)}", text)
        if "10" in text[1:]:
            text = _POWER.sub(r"E\1", text.translate(_RAISED))
        if self.thousands:
            text = text.replace(self.thousands, "")
        if self.decimal_comma:
            text = text.replace(",", ".")
        if " " in text:
            text = _SPACED.sub(lambda found: found[0].replace(" ", ""), text)
        return _FORTRAN.sub(r"\1E\2", text) if "d" in text or "D" in text else text

    def is_number(self, cell: str) -> bool:
        """Whether a cell is a number."""
        return bool(NUMBER.match(self.plain(cell)))


def marks_of(cells: Iterable[str]) -> Marks:
    """Find out how numbers are written from cells that hold them, and others.

    Examples
    --------
    >>> marks_of(["1,234.50", "850.00"]), marks_of(["4,79", "12"]), marks_of(["1,234", "0.5"]), marks_of(["27,322", "294,118"])
    ... # doctest: +NORMALIZE_WHITESPACE
    (Marks(decimal_comma=False, thousands=',', unclear=''), Marks(decimal_comma=True, thousands='', unclear=''),
     Marks(decimal_comma=False, thousands=',', unclear=''), Marks(decimal_comma=False, thousands='', unclear='27,322'))
    """
    decimal, thousands, unclear = set[str](), set[str](), dict[str, str]()
    for cell in cells:
        text = _ERROR.split(cell, maxsplit=1)[0].strip().replace(" ", "")
        text = _UNIT.sub("", text) if text[-1:].isalpha() and text[0].isdecimal() else text
        if found := _BOTH.match(text):
            thousands.add(found["one"])
            decimal.add(found["decimal"])
        elif found := _SEVERAL.match(text):
            thousands.add(found["one"])
        elif found := _SINGLE.match(text):
            head, tail = found["head"], found["tail"]
            if len(tail) == 3 and text.endswith(tail) and 1 <= len(head) <= 3 and head[0] != "0":
                unclear.setdefault(found["mark"], text)
            else:
                decimal.add(found["mark"])
    if len(decimal) == 2 or thousands & decimal:
        return Marks(decimal == {","})
    if "," in decimal or "." in thousands:
        return Marks(True, "." if "." in thousands or "." in unclear else "")
    if "." in decimal or "," in thousands:
        return Marks(False, "," if "," in thousands or "," in unclear else "")
    return Marks(False, "", unclear.get(",") or unclear.get(".", ""))
