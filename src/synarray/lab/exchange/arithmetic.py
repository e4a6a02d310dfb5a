"""The arithmetic that parameters are written in: numbers, names of other parameters, + - * / and brackets. Read, never executed.

1/(24*1e3)      0.035 * (maxConductance - minConductance)      (double)1/5e6      0.3/1.25
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

__all__ = ["evaluate"]

_LONGEST = 200
"""Characters of one expression; it also bounds how deep its brackets go."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<suffix>[fFlLuU]{0,3})(?!\w)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/()]))"
)
_CAST = re.compile(r"\(\s*(?:double|float)\s*\)|\b(?:double|float)\s*(?=\()")
Value = float | int


def evaluate(text: str, named: Callable[[str], float], *, c: bool) -> float:
    """Compute what an expression says.

    Parameters
    ----------
    text : str
    named : callable
        Value of a name; raises ValueError for one that has none.
    c : bool
        Whether the text is C or C++, where a division of whole numbers drops its remainder.

    Raises
    ------
    ValueError
        When it is no such arithmetic, in words that end a sentence.

    Examples
    --------
    >>> evaluate("-2 * (1 + 0.5)", {}.__getitem__, c=False)
    -3.0
    """
    if len(text) > _LONGEST:
        raise ValueError(f"more than {_LONGEST} characters")
    text, tokens, at = _CAST.sub("", text).strip(), [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError("no arithmetic of numbers")
        tokens.append(found)
        at = found.end()
    value = float(_Parser(tokens, named, c).whole())
    if not np.isfinite(value):
        raise ValueError("no finite number")
    return value


class _Parser:
    """Sums of products of signed numbers, from left to right."""

    def __init__(self, tokens: list[re.Match[str]], named: Callable[[str], float], c: bool) -> None:
        self.tokens, self.named, self.c, self.at = tokens, named, c, 0

    def whole(self) -> Value:
        value = self.sum()
        if self.at < len(self.tokens):
            raise ValueError("no arithmetic of numbers")
        return value

    def sum(self) -> Value:
        value = self.product()
        while (sign := self.sign("+-")) is not None:
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self) -> Value:
        value = self.factor()
        while (sign := self.sign("*/")) is not None:
            other = self.factor()
            value = value * other if sign == "*" else self.divide(value, other)
        return value

    def divide(self, value: Value, by: Value) -> Value:
        if by == 0:
            raise ValueError("a division by 0")
        if self.c and isinstance(value, int) and isinstance(by, int):
            if value % by:
                raise ValueError(f"a division of whole numbers, which C cuts to {int(value / by)}")
            return value // by
        return value / by

    def factor(self) -> Value:
        sign = self.sign("+-")
        if sign is not None:
            return -self.factor() if sign == "-" else self.factor()
        if self.sign("("):
            value = self.sum()
            if not self.sign(")"):
                raise ValueError("a bracket that does not close")
            return value
        if self.at == len(self.tokens) or self.tokens[self.at]["sign"]:
            raise ValueError("no arithmetic of numbers")
        token = self.tokens[self.at]
        self.at += 1
        if token["name"]:
            return self.named(token["name"])
        whole = token["number"].isdigit() and not set(token["suffix"]) & set("fF")
        return int(token["number"]) if whole else float(token["number"])

    def sign(self, among: str) -> str | None:
        """Take the next token if it is one of these."""
        if self.at < len(self.tokens) and (found := self.tokens[self.at]["sign"]) and found in among:
            self.at += 1
            return str(found)
        return None
