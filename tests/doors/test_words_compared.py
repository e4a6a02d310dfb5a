"""Words of laws, schemes and modes of pruning decide nothing outside the files that own them: nobody compares them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import synarray
from synarray.array.schemes import SCHEMES
from synarray.device.law import LAWS
from synarray.network.pruning import MODES

PACKAGE = Path(synarray.__file__).parent
OWNERS = ("device/law.py", "array/schemes/", "network/pruning.py")
CANDIDATES = "lab/fitting/choice.py"
"""What a fit chooses among is a table with their words as keys."""
WORDS = {"auto", *LAWS, *SCHEMES, *MODES}
ABOUT = re.compile("scheme|law|mode|pruning", re.IGNORECASE)


def words_in(node: ast.expr) -> set[str]:
    """Words of ours that an expression spells out, by itself or in a tuple, list or set."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)} & WORDS


def about(node: ast.expr) -> bool:
    """Whether an expression names a scheme, a law or a mode."""
    name = node.func if isinstance(node, ast.Call) else node
    return bool(
        ABOUT.search(name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else "")
    )


def compared(source: str) -> Iterator[int]:
    """Lines in which one of the words is compared with a scheme, a law or a mode, or picks from a table written on the spot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            if any(map(words_in, parts)) and any(map(about, parts)):
                yield node.lineno
        elif isinstance(node, ast.Match) and about(node.subject):
            yield node.lineno
        elif isinstance(node, ast.Subscript | ast.Call):
            table = node.value if isinstance(node, ast.Subscript) else getattr(node.func, "value", None)
            if isinstance(table, ast.Dict) and any(key is not None and words_in(key) for key in table.keys):
                yield node.lineno


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.relative_to(PACKAGE).as_posix().startswith(OWNERS)]


def test_nobody_compares_the_words() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in FILES
        if path.relative_to(PACKAGE).as_posix() != CANDIDATES
        for line in compared(path.read_text("utf-8"))
    ]
    assert len(FILES) > 100
    assert found == [], "ask device.step_law, synapse.scheme_for(device) or pruning.kind instead"


FOUND = [
    'device.law == "exact"',
    'device.law not in ("linear", "soft-bound")',
    'synapse.scheme_for(device) == "digital"',
    '"pair" if array.scheme != "pair" else 0',
    'spec.pruning.mode in {"after", "conventional"}',
    'x = {"pair": 1}.get(scheme, 0)',
    'x = {"analog": 1, "pair": 2}[scheme]',
    'mode == "soft"',
]
OTHERS = ['name == "after"', 'kind in ("values", "random")', 'x = {"law": "table"}', "law.name == scheme.name"]


@pytest.mark.parametrize("line", FOUND)
def test_a_comparison_is_found(line: str) -> None:
    assert list(compared(line)) == [1]


@pytest.mark.parametrize("line", OTHERS)
def test_other_words_are_left_alone(line: str) -> None:
    assert list(compared(line)) == []
