"""What ``synarray reproduce`` ends with: about ten lines, each with what the article states, what was found, and a verdict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synarray.cost.uncertainty import Interval
from synarray.paper.claims import Claim, Claims
from synarray.paper.derivation import _HEADLINES
from synarray.paper.reproduce import Row, rows
from synarray.report.claims_section import verdicts_table

SPECS = {row.key: row for row in rows()}


def row(key: str, *accuracies: float) -> Row:
    metrics: list[dict[str, Any]] = [{"accuracy": each, "unconfirmed": []} for each in accuracies]
    return Row(SPECS[key], metrics, [], [], SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "accuracies", "verdict"),
    [
        ("soft-75", (0.931, 0.934), "confirmed"), ("soft-75", (0.9301, 0.9299), "for some seeds"),
        ("soft-75", (0.91, 0.92), "not confirmed"), ("soft-75", (0.93,), "confirmed"),
        ("conventional-40", (0.89, 0.88), "confirmed"), ("conventional-40", (0.9,), "not confirmed"),
        ("unpruned", (0.95,), None),
    ],
)  # fmt: skip
def test_a_row_is_judged_by_what_the_article_states(key: str, accuracies: tuple[float, ...], verdict: str) -> None:
    assert row(key, *accuracies).verdict == verdict


def test_verdicts_are_about_ten_lines_of_claim_article_here_and_verdict() -> None:
    claims = [
        Claim("device", name, Interval(24.2, 8.57, 28.6), (10.0, 100.0), "how", headline=True) for name in _HEADLINES
    ]
    hidden = Claim("device", "one of the others", Interval(1, 1, 1), (10.0, 100.0), "how")
    judged = [row(key, 0.5) for key, spec in SPECS.items() if spec.least or spec.below]
    table = verdicts_table([*judged, row("unpruned", 0.95)], Claims([], [*claims, hidden], [], [], [], []))
    assert len(table.rows) == 10
    assert all(len(line) == 4 and all(line) for line in table.rows)
    assert table.rows[-1][1:] == ("10 to 100x less", "24.2x (8.57 to 28.6)", "at nominal prices, not at the worst")
    assert verdicts_table([row("unpruned", 0.95)], None).rows == []
