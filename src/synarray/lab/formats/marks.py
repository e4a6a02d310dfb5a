"""How a file writes its numbers: the decimal mark, marks between thousands, exponents of Fortran.

"4.79e-06"     "4,79"     "1,234.5"     "1.234,5"     "1 234,5"     "1'234.5"     "4.79D-06"

One mark before exactly three digits may be either; other numbers of the file decide, and where none does, it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["NOTHING", "NUMBER", "QUANTITY", "Marks", "are_spaced", "marks_of", "plain_text"]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
NOTHING = frozenset(("", "nan", "nan.", "null", "none", "na", "n/a", "#n/a", "-nan", "-", "--"))
"""What is in a cell without a value."""
QUANTITY = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?\s*[a-zA-Zµμ%Ω]+$")
_FORTRAN = re.compile(r"([+-]?(?:\d+\.\d*|\d*\.\d+))[dD]([+-]?\d{1,3})$")
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


def plain_text(text: str) -> str:
    """Write typographic minus signs as programs do, and take out what separates thousands and nothing else.

    Examples
    --------
    >>> plain_text("\u22121\u202f234,5; 1'234.5")
    '-1234,5; 1234.5'
    """
    text = text.translate(_MINUS)
    return text if text.isascii() and "'" not in text else _THIN.sub("", text)


def are_spaced(text: str) -> bool:
    """Whether spaces separate thousands in a cell."""
    return bool(_SPACED.search(text))


class Marks(NamedTuple):
    """How numbers are written.

    Attributes
    ----------
    decimal_comma : bool
        Whether a comma is the decimal mark.
    thousands : str
        The mark between thousands, a comma or a point; empty: there is none.
    unclear : str
        A number whose only mark may be either; empty: all are clear.
    """

    decimal_comma: bool = False
    thousands: str = ""
    unclear: str = ""

    def plain(self, cell: str) -> str:
        """Return a cell as programs write numbers.

        Examples
        --------
        >>> Marks(True, ".").plain(" 1.234,5"), Marks(False, ",").plain("1,234"), Marks().plain("4.7D-06")
        ('1234.5', '1234', '4.7E-06')
        """
        text = _ERROR.split(cell, maxsplit=1)[0].strip()
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
