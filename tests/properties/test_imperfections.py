"""Whatever the device, an imperfection at any severity leaves a device: every value stays within what the spec allows."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synarray.device.spec import DeviceSpec
from synarray.judge.imperfections import IMPERFECTIONS, pinned, scaled, without
from synarray.run.experiment import ExperimentSpec

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")

levels = st.floats(1, 1000)
labels = st.floats(-9, 9)
spreads = st.sampled_from([0.0, 0.01, 0.3, 5.0])


@st.composite
def devices(draw: st.DrawFn) -> DeviceSpec:
    law = draw(st.sampled_from(["linear", "soft-bound", "table", "binary", "exact"]))
    steps = st.lists(st.floats(0.001, 1), min_size=3, max_size=3)
    response = {"x": [0.0, draw(st.floats(0.1, 0.9)), 1.0], "ltp": draw(steps), "ltd": draw(steps)}
    return DeviceSpec(
        law=law, n_levels_ltp=draw(levels), n_levels_ltd=draw(levels), nonlinearity_ltp=draw(labels),
        nonlinearity_ltd=draw(labels), response=response if law == "table" else None, p_switch_ltp=draw(st.floats(0.1, 1)),
        sigma_c2c=draw(spreads), sigma_d2d_range=draw(spreads), sigma_d2d_step=draw(spreads),
        sigma_d2d_nonlinearity=draw(spreads), sigma_read=draw(spreads), p_fail=draw(st.floats(0, 0.9)),
        stuck_low=draw(st.floats(0, 0.5)), stuck_high=draw(st.floats(0, 0.5)), drift_nu=draw(st.floats(0, 2)),
        retention=draw(st.none() | st.floats(1, 1e9)),
    )  # fmt: skip


ROUNDED = DeviceSpec(law="table", response={"x": (0.0, 0.75, 1.0), "ltp": (1.0, 1.0, 1.0), "ltd": (1.0, 0.5, 1.0)})  # type: ignore[arg-type]


@example(ROUNDED, "auto", 0.0)  # without bend its LTP and LTD steps differ in their last bit
@given(devices(), st.sampled_from(["auto", "analog", "pair", "digital", "compound"]), st.floats(0, 1))
def test_any_severity_leaves_a_device(device: DeviceSpec, scheme: str, share: float) -> None:
    if scheme in ("digital", "compound") and not device.binary:
        scheme = "auto"
    spec = pinned(ExperimentSpec(device=device, synapse={"scheme": scheme}))
    for name, part in IMPERFECTIONS.items():
        if not part.acts(spec):
            assert scaled(spec, name, share) is spec
            continue
        worst = part.worst(spec)
        assert worst > 0
        for severity in (0.0, share, 1.0 + share * max(0.0, min(worst, 32.0) - 1.0)):
            if severity > max(worst, 1.0):
                continue
            changed = scaled(spec, name, severity)
            assert changed.device is not None
            again = DeviceSpec(**{key: value for key, value in dict(changed.device).items() if key != "sources"})
            assert again == changed.device.model_copy(update={"sources": {}})
            assert ExperimentSpec(**dict(changed)).synapse == changed.synapse
            assert all(np.isfinite(value) for value in part.numbers(changed).values())
    bare = without(spec, IMPERFECTIONS)
    assert not any(part.acts(bare) for part in IMPERFECTIONS.values())
