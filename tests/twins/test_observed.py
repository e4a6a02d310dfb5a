"""A training that is looked at is the same training, to the bit; an observer can end it at any stage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from synarray.learn.spec import LearningSpec
from synarray.learn.trainer import Trainer
from synarray.learn.training import train

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
SPEC = LearningSpec(n_neurons=12, epochs=2, device="subquantum-cbram")


class _EndedError(Exception):
    pass


def test_observing_changes_nothing(bar_images: Images) -> None:
    x, y = bar_images
    looks: list[int] = []
    watched = train(SPEC, x, y, x[:60], y[:60], observe=lambda trainer: looks.append(trainer.presentations))
    assert watched.state_sha256 == train(SPEC, x, y, x[:60], y[:60]).state_sha256
    assert looks == sorted(looks)
    assert len(set(looks)) > 2
    assert looks.count(2 * len(x)) >= 3  # the end of learning, labels, test


@pytest.mark.parametrize("at", [1, 4, -1])
def test_an_observer_ends_a_training_whatever_it_does_at_the_time(bar_images: Images, at: int) -> None:
    x, y = bar_images
    seen: list[int] = []
    train(SPEC, x, y, x[:60], y[:60], observe=lambda trainer: seen.append(1))
    calls, last = 0, len(seen) if at < 0 else at

    def end(_: Trainer) -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            raise _EndedError

    with pytest.raises(_EndedError):
        train(SPEC, x, y, x[:60], y[:60], workers=2, observe=end)
    assert calls >= last
