"""Same numbers as before the rooms were laid out: fingerprints printed by an earlier version of the code (see states.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from states import CASES, fingerprint

RECORDED = json.loads(Path(__file__).with_name("states.json").read_text("utf-8"))


def test_every_case_is_recorded() -> None:
    assert set(RECORDED) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_training_gives_the_recorded_bits(case: str) -> None:
    assert fingerprint(case) == RECORDED[case]
