"""Tasks one after another in the same cells: what is measured is what was learned, and forgetting is seen."""

from __future__ import annotations

import pytest
from command import Command, four_parts

from synarray.errors import SpecError
from synarray.run.continual import METHODS, learn_in_order, learn_together, sequence_of


def test_a_sequence_splits_the_digits() -> None:
    tasks = sequence_of("split-mnist", 50)
    assert [sorted(set(task.y_test.tolist())) for task in tasks] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert sum(len(task.x_test) for task in tasks) == 10_000
    with pytest.raises(SpecError, match="a sequence must be"):
        sequence_of("split")


def test_earlier_tasks_are_read_worse_than_when_they_were_learned() -> None:
    tasks = sequence_of("split-mnist", 400)[:3]
    settings = {"n_neurons": 40}
    plain = learn_in_order(tasks, settings, 0)
    pruned = learn_in_order(tasks, settings | METHODS["75 % soft-pruned"], 0)
    assert plain["accuracy"][0][0] > 0.9
    assert plain["accuracy"][-1][0] < plain["accuracy"][0][0]
    assert plain["seen"][-1] < learn_together(tasks, settings, 0)
    assert (plain["pruned"][-1], len(plain["pulses"])) == (0.0, 3)
    assert 0.7 < pruned["pruned"][-1] <= 0.76
    assert learn_in_order(tasks, settings, 0) == plain


def test_the_command(command: Command) -> None:
    done = command("continual", "--seeds", "1", "--images", "60", "--set", "n_neurons=10", "--json").json
    assert set(done["methods"]) == set(METHODS) and len(done["figures"]) == 2
    assert len(done["methods"]["no consolidation"][0]["seen"]) == 5
    assert "a sequence must be" in four_parts(command("continual", "nonsense"))["rule"]
