"""The arithmetic that parameters are written in: numbers, names of other parameters, + - * / and brackets. Read, never executed.

1/(24*1e3)      0.035 * (maxConductance - minConductance)      (double)1/5e6      0.3/1.25

Python's own parser takes the text apart (:mod:`ast`); only the tree is walked, nothing of it is run.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable

import numpy as np

__all__ = ["evaluate"]

_LONGEST = 200
"""Characters of one expression; it also bounds how deep its brackets go."""
_CAST = re.compile(r"\(\s*(?:double|float)\s*\)|\b(?:double|float)\s*(?=\()")
_WHOLE = re.compile(r"(?<![\w.])(\d+)[lLuU]{1,3}\b")
_SINGLE = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fF]\b")
_OTHER_NUMBERS = re.compile(r"(?<![\w.])0[xXbBoO]|\d_\d")
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
    plain = _SINGLE.sub(r"float(\1)", _WHOLE.sub(r"\1", _CAST.sub("", text)))
    if _OTHER_NUMBERS.search(plain):
        raise ValueError("no arithmetic of numbers")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(plain.strip(), mode="eval").body
        value = float(_value(tree, named, c))
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError("no arithmetic of numbers") from None
    if not np.isfinite(value):
        raise ValueError("no finite number")
    return value


def _value(node: ast.expr, named: Callable[[str], float], c: bool) -> Value:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return named(name)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=int() | float() as value)]):
            return float(value)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = _value(operand, named, c)
            return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            return _both(_value(left, named, c), op, _value(right, named, c), c)
    raise ValueError("no arithmetic of numbers")


def _both(left: Value, op: ast.operator, right: Value, c: bool) -> Value:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            if right == 0:
                raise ValueError("a division by 0")
            if c and isinstance(left, int) and isinstance(right, int):
                if left % right:
                    raise ValueError(f"a division of whole numbers, which C cuts to {int(left / right)}")
                return left // right
            return left / right
    raise ValueError("no arithmetic of numbers")
