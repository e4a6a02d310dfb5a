"""Short epochs that go through the kernels together leave the same bits as one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synarray import load_experiment
from synarray.learn.checkpoint import capture
from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups
from synarray.rng import Stream, permutation

KINDS: dict[str, dict[str, Any]] = {
    "ideal, soft pruning": {"pruning.mode": "soft", "pruning.fraction": 0.5},
    "sliding form": {"encoding.form": "sliding", "encoding.t_present": "20 ms"},
    "drift and wires": {
        "device": "pcm", "array.rows": 160, "array.columns": 32, "array.wires.r_wire": "5 ohm", "array.wires_every": 40,
    },
    "wear": {"device": "taox-tio2", "array.wear": True, "device.endurance": 300.0},
}  # fmt: skip
CURVE = ("trainer.recent", "trainer.seconds")
"""What belongs to the training curve, which has fewer points."""


@pytest.mark.parametrize("n", [1, 7, 90])
@pytest.mark.parametrize("kind", KINDS)
def test_epochs_together_leave_the_bits_of_one_after_the_other(kind: str, n: int, bar_images: tuple) -> None:
    spec = load_experiment("full-field", {"n_neurons": 12, **KINDS[kind]})
    x, y, epochs = bar_images[0][:n].reshape(n, -1), bar_images[1][:n], max(4, 300 // n)
    orders = permutation(n, seed=3, stream=Stream.ORDER, presentation=range(epochs))

    def untrained() -> tuple[Trainer, Any]:
        retina = Retina.fit(x, spec.inputs, full_scale=255.0, gain_control=spec.encoding.gain_control)
        groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, (12, 12))
        return Trainer(Machine.build(spec, groups, epochs * n), 4, epochs * n), retina.see(x)

    (together, pixels), (single, _) = untrained(), untrained()
    together.learn_epochs(pixels, orders, y)
    for epoch in range(epochs):
        order = permutation(n, seed=3, stream=Stream.ORDER, presentation=epoch)
        np.testing.assert_array_equal(order, orders[epoch])
        single.learn(pixels, order, y)
    assert together.presentations == single.presentations == epochs * n
    assert len(together.history) == 1 or spec.device is not None, "not shown together"
    one, other = capture(together), capture(single)
    assert len(one) == len(other) > 10
    for name, value in one.items():
        if not name.startswith("history.") and name not in CURVE:
            np.testing.assert_array_equal(value, other[name], name, strict=True)
