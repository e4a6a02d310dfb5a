"""Cells that fail: the Weibull law of their lives, what becomes of them, and how many trainings an array lives through."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synarray import DeviceSpec, Result, SpecError, SynapseSpec, load_experiment, train
from synarray.array.geometry import ArraySpec
from synarray.array.schemes.scheme import FAILED, FAILED_ON
from synarray.array.simulated import SynapticArray
from synarray.array.wear import Wear
from synarray.cost.wear import share_failed, trainings_left
from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups

KINDS: dict[str, dict[str, Any]] = {
    "analog": {"device": "subquantum-cbram"},
    "analog, drifting": {"device": "subquantum-cbram", "device.drift_nu": 0.05, "device.retention": "100 s"},
    "pair": {"device": "pcm"},
    "digital": {"device": {"base": "subquantum-cbram", "law": "binary"}, "synapse.n_bits": 3},
    "compound": {"device": {"base": "stt-mram", "p_switch_ltp": 0.3}, "synapse.scheme": "compound"},
}

LIFE = {"analog": 15, "analog, drifting": 15, "pair": 90, "digital": 15, "compound": 15}
"""Endurance of each kind that a short training reaches."""


def machine_of(kind: str, x: npt.NDArray[np.uint8], **changes: Any) -> tuple[Trainer, Any]:
    """Build a small training of 600 presentations."""
    spec = load_experiment("full-field", {"n_neurons": 12, **KINDS[kind], **changes})
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=255.0, gain_control=spec.encoding.gain_control)
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, x.shape[1:])
    return Trainer(Machine.build(spec, groups, 600), 4, 600), retina.see(flat)


def learned(kind: str, bar_images: tuple, **changes: Any) -> Result:
    spec = load_experiment("full-field", {"n_neurons": 12, "epochs": 1, **KINDS[kind], **changes})
    return train(spec, *bar_images)


# ---- lives ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "prior"), [(1.0, 0), (2.0, 0), (0.5, 0), (2.0, 300)])
def test_the_share_that_has_failed_follows_the_weibull_law(shape: float, prior: float) -> None:
    """40,000 cells after n pulses each: binomial, so within 4.9 standard deviations (1 in a million)."""
    device = DeviceSpec(endurance=1000, endurance_shape=shape)
    array = SynapticArray.build([(200, 200)], device=device)
    wear = Wear(array, prior, seed=3)
    for n in (100, 500, 1000, 2500):
        array.writes[:] = n
        wear.apply()
        p = 1.0 - math.exp(-(((prior + n) / 1000) ** shape))
        assert abs(wear.n_failed - 40_000 * p) < 4.9 * math.sqrt(40_000 * p * (1 - p))


def test_lives_are_weibull_all_along() -> None:
    """Kolmogorov-Smirnov against SciPy's own law, level 1e-6."""
    wear = Wear(SynapticArray.build([(100, 100)], device=DeviceSpec(endurance=5e4, endurance_shape=1.7)), 0, seed=0)
    assert stats.kstest(wear.life.ravel(), stats.weibull_min(1.7, scale=5e4).cdf).pvalue > 1e-6


def test_a_longer_endurance_lengthens_every_life_in_proportion() -> None:
    short, long = (
        Wear(SynapticArray.build([(20, 20)], device=DeviceSpec(endurance=e, endurance_shape=2)), 0, seed=1).life
        for e in (1e3, 1e5)
    )
    np.testing.assert_allclose(long, 100 * short)


@pytest.mark.parametrize("n", [3, 8])
def test_the_cells_of_a_compound_fail_by_the_pulses_each_received(n: int) -> None:
    device = DeviceSpec(law="binary", endurance=1000, endurance_shape=1.0)
    array = SynapticArray.build([(100, 100)], device=device, synapse=SynapseSpec(scheme="compound", n_cells=n))
    wear = Wear(array, 0, seed=0)
    array.w[:] = array.traits[0, 3]  # all on
    array.writes[:] = 500 * n
    wear.apply()
    p, cells = 1.0 - math.exp(-0.5), n * 10_000
    assert abs(wear.n_failed - cells * p) < 4.9 * math.sqrt(cells * p * (1 - p))
    assert not (wear.failed == FAILED).any()  # all were on: all stay on
    np.testing.assert_allclose((array.traits[0, 2] + 1) * n / 2, (wear.failed == FAILED_ON).sum(axis=0), atol=1e-6)
    assert (array.traits[0, 3] == 1).all()


# ---- failing while learning -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_fails_when_its_pulses_pass_its_life_and_not_before(kind: str, bar_images: tuple) -> None:
    """At the end of a training the failed cells are those whose counter stands beyond their life, and no other."""
    result = learned(kind, bar_images, **{"array.wear": True, "device.endurance": LIFE[kind]})
    wear = result.machine.wear
    assert wear is not None
    np.testing.assert_array_equal(wear.failed > 0, wear.pulses > wear.life)
    metrics = result.metrics()
    assert 0 < metrics["cells_failed"] == np.count_nonzero(wear.failed) < wear.life.size


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_failed_never_moves_again(kind: str, bar_images: tuple) -> None:
    x, y = bar_images
    wearing = {"array.wear": True, "device.endurance": LIFE[kind], "array.prior_pulses": 0.2 * LIFE[kind]}
    trainer, pixels = machine_of(kind, x, **wearing)
    array, wear = trainer.machine.array, trainer.machine.wear
    assert wear is not None
    stood: dict[str, Any] = {}

    def look(_: Trainer) -> None:
        levels = array.conductance() if kind != "compound" else np.stack([array.traits[0, 2], array.traits[0, 3]])
        dead = wear.failed > 0
        if stood and kind != "compound":
            np.testing.assert_array_equal(levels[stood["dead"]], stood["levels"][stood["dead"]])
        elif stood:  # what is on for good and off for good only grows
            assert (levels[0] >= stood["levels"][0]).all()
            assert (levels[1] <= stood["levels"][1]).all()
            assert ((array.w >= levels[0]) & (array.w <= levels[1]))[array.exists].all()
        assert (dead >= stood.get("dead", False)).all()
        stood.update(dead=dead, levels=levels.copy())

    look(trainer)
    assert stood["dead"].any()  # of earlier life
    trainer.learn(pixels, np.arange(600), y, on_block=look)
    assert 0.1 < stood["dead"].mean() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_fails_that_lives_for_ever_and_nothing_else_changes(kind: str, bar_images: tuple) -> None:
    plain = learned(kind, bar_images)
    worn = learned(kind, bar_images, **{"array.wear": True, "device.endurance": 1e30})
    assert (worn.metrics()["cells_failed"], plain.metrics()["cells_failed"]) == (0, None)
    assert worn.state_sha256 == plain.state_sha256
    assert worn.events == plain.events


def test_cells_that_never_moved_do_not_fail() -> None:
    device = DeviceSpec(endurance=1, stuck_low=0.3, stuck_high=0.3)
    array = SynapticArray.build([(50, 50)], device=device)
    stuck = array.stuck_cells.copy()
    wear = Wear(array, 1e6, seed=0)
    np.testing.assert_array_equal(wear.failed > 0, ~stuck)


def test_cells_of_earlier_life_stand_anywhere_in_their_range() -> None:
    array = SynapticArray.build([(100, 100)], device=DeviceSpec(endurance=1, sigma_d2d_range=0.1))
    Wear(array, 1e6, seed=0)
    low, high = array.traits[0, 2], array.traits[0, 3]
    place = (array.w - low) / (high - low)
    assert stats.kstest(place.ravel(), "uniform").pvalue > 1e-6


@pytest.mark.parametrize(
    "settings",
    [{"array.wear": True}, {"array.wear": True, "device": "ecram"}, {"array.prior_pulses": 5.0}, {"array.prior_pulses": -1.0}],
)  # fmt: skip
def test_wear_that_could_do_nothing_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="array"):
        load_experiment("full-field", settings)


def test_lives_need_no_array_of_their_own_when_nothing_wears() -> None:
    assert Wear.of(SynapticArray.build([(3, 3)], device=DeviceSpec(endurance=1)), ArraySpec(), 0) is None


# ---- trainings left ---------------------------------------------------------------------------------------------------

COUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=30)


@given(COUNTS, st.floats(0.5, 4), st.floats(0.001, 0.999))
def test_after_so_many_trainings_that_share_has_failed(counts: list[int], shape: float, share: float) -> None:
    device = DeviceSpec(endurance=1e6, endurance_shape=shape)
    left = trainings_left(counts, device, share)
    if np.count_nonzero(counts) / len(counts) <= share:
        assert left == math.inf
    else:
        assert share_failed(left * np.array(counts), device) == pytest.approx(share, rel=1e-6)


@given(COUNTS.filter(any), st.integers(2, 50))
def test_twice_the_pulses_half_the_life(counts: list[int], factor: int) -> None:
    device = DeviceSpec(endurance=1e7, endurance_shape=1.5)
    share = 0.5 * np.count_nonzero(counts) / len(counts)
    more = trainings_left(np.array(counts) * factor, device, share)
    assert more * factor == pytest.approx(trainings_left(counts, device, share))


def test_trainings_left_of_even_wear_is_the_quantile_of_the_law() -> None:
    """SciPy's own quantile, over the pulses of one training."""
    device = DeviceSpec(endurance=1e6, endurance_shape=2.5)
    expected = stats.weibull_min(2.5, scale=1e6).ppf(0.02) / 40
    assert trainings_left(np.full((3, 4, 5), 40), device, 0.02) == pytest.approx(expected)
    prior = stats.weibull_min(2.5, scale=1e6).ppf(0.02) / 2
    assert trainings_left([40], device, 0.02, prior=prior) == pytest.approx(expected / 2)
    assert trainings_left([40], device, 0.02, prior=3 * prior) == 0


def test_trainings_left_says_what_it_cannot_know() -> None:
    assert math.isnan(trainings_left([1, 2], DeviceSpec()))
    assert math.isnan(trainings_left([], DeviceSpec(endurance=5)))
    assert trainings_left([0, 0], DeviceSpec(endurance=5)) == math.inf
    for share in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(SpecError, match="share"):
            trainings_left([1], DeviceSpec(endurance=5), share)
