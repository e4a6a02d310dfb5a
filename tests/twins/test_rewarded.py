"""The compiled step of an actor and a critic and the readable one are one law: same actions, pulses, events, weights, errors."""

from __future__ import annotations

import numpy as np
import pytest
from test_reference import BINARY, GRADUAL, SPREADS

from synarray.array.geometry import ArraySpec
from synarray.array.synapse import SynapseSpec
from synarray.device.cell import CellSpec
from synarray.device.spec import DeviceSpec
from synarray.learn.reward import ActorCritic, Moment, RewardSpec
from synarray.learn.reward_reference import SlowActorCritic

INPUTS, ACTIONS = 23, 3
CASES = {
    "ideal": {},
    "exact": {"cell": CellSpec(step="exact")},
    "levels": {"cell": CellSpec(n_levels=5)},
    "noisy": {"device": DeviceSpec(**GRADUAL | SPREADS | {"p_fail": 0.2, "sigma_read": 0.2})},
    "converters": {
        "device": DeviceSpec(**GRADUAL | {"sigma_read": 0.1}),
        "array": ArraySpec(adc_bits=5, adc_range=0.1),
    },
    "pair": {
        "device": DeviceSpec(**GRADUAL | SPREADS | {"sigma_read": 0.1}),
        "synapse": SynapseSpec(scheme="pair", refresh_every=3, refresh_at=0.7),
    },
    "words": {"device": DeviceSpec(**BINARY), "synapse": SynapseSpec(scheme="digital", n_bits=3, attempts=2)},
}


@pytest.mark.parametrize("case", CASES)
def test_steps_are_the_same(case: str) -> None:
    spec = RewardSpec(
        neurons_per_action=2, critic_neurons=2, rate_actor=0.4, rate_critic=0.3, beta=3.0, w_spread=0.5, seed=5,
        opposed=0.8 * (case != "levels"), **CASES[case],
    )  # fmt: skip
    fast, slow = (ActorCritic.build(spec, INPUTS, ACTIONS) for _ in range(2))
    readable, random = SlowActorCritic.of(slow), np.random.default_rng(0)
    actions = []
    for number in range(8):
        length = int(random.integers(2, 12))
        for i in range(length + 1):
            chance = np.where(random.random(INPUTS) < 0.3, random.integers(0, 65537, INPUTS), 0).astype(np.uint32)
            last = Moment.END if number % 2 else Moment.CUT
            moment = Moment.BEGIN if i == 0 else last if i == length else Moment.CONTINUE
            given = float(random.normal())
            action = fast.step(chance, given, moment)
            assert action == readable.step(chance, given, moment)
            np.testing.assert_array_equal(fast.memory.error, slow.memory.error)
            actions.append(action)
        fast.slow_down(0.7)
        slow.slow_down(0.7)
    assert len(set(actions)) == ACTIONS + 1  # every action, and none at an end
    for name in ("neuron_events", "network_events", "driven"):
        np.testing.assert_array_equal(getattr(fast.machine, name), getattr(slow.machine, name), err_msg=name)
    for name in ("w", "read_copy", "pair", "writes", "power"):
        np.testing.assert_array_equal(
            getattr(fast.machine.array, name), getattr(slow.machine.array, name), err_msg=name
        )
    for name in ("trace", "value", "spikes"):
        np.testing.assert_array_equal(getattr(fast.memory, name), getattr(slow.memory, name), err_msg=name)
    np.testing.assert_array_equal(fast.updates, slow.updates)
    assert fast.machine.neuron_events[:, 2:4].sum() > 50
