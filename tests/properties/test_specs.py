"""Rules that hold for any experiment, any image size and any seed, tried on values that hypothesis makes up."""

from __future__ import annotations

import json
import math
import tomllib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from synarray.array.geometry import ArraySpec
from synarray.array.synapse import SynapseSpec, cell_law
from synarray.array.wires import WireSpec
from synarray.device.cell import STATES, CellSpec
from synarray.device.curves import ResponseTable
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.learn.readout import ReadoutSpec, count_spikes, evaluate, log_posterior, soft_votes, wilson
from synarray.network.encoding import EncodingSpec, InputSpec, PopulationCode, Retina, chance_table, image_keys
from synarray.network.neuron import NeuronSpec
from synarray.network.pruning import PruningSpec, stages
from synarray.network.stdp import StdpSpec, movement, pulse_tables
from synarray.network.topology import FieldSpec, place_groups
from synarray.rng import Phase, Stream, permutation, random_u16, random_u32, uniform
from synarray.run.experiment import ExperimentSpec, parse_setting
from synarray.run.folder import to_toml
from synarray.units import format_quantity, parse_quantity

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")

share = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)
streams = st.sampled_from(Stream)
shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
few_shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))


# Experiments


@st.composite
def encodings(draw: st.DrawFn) -> EncodingSpec:
    """Any times that fit each other, on a grid of microseconds."""
    dt = draw(st.integers(1, 10_000))
    window = dt * draw(st.integers(1, 50))
    form = draw(st.sampled_from(["windows", "sliding"]))
    present = draw(st.integers(1, 50)) * (dt if form == "sliding" else window)
    return EncodingSpec(
        form=form, dt=dt / 1e6, t_window=window / 1e6, t_present=present / 1e6,
        rate_max=draw(st.floats(1e-3, 1)) * 1e6 / dt * 0.999, gamma=draw(st.floats(0.01, 10)),
        floor=draw(st.integers(0, 254)), gain_control=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def prunings(draw: st.DrawFn) -> PruningSpec:
    start, end = sorted((draw(share), draw(share)))
    return PruningSpec(
        mode=draw(st.sampled_from(["none", "soft", "conventional", "random", "after"])),
        fraction=draw(st.floats(1e-6, 1)), start=start, end=end, n_stages=draw(st.integers(1, 100)),
        constant=draw(st.floats(-1, 1)), maturity=draw(st.integers(0, 10**6)), rebalance=draw(st.integers(0, 10**6)),
    )  # fmt: skip


neurons = st.builds(
    NeuronSpec, beta=st.floats(0.1, 100), beta_start=st.floats(0.1, 10), homeostasis=st.floats(0, 1000),
    homeostasis_end=share, refractory=st.floats(0, 1000),
)  # fmt: skip
stdps = st.builds(
    StdpSpec, a=st.floats(0, 2), b=st.floats(0, 20), c=st.floats(0, 2), gain_end=share, pulse_at_bound=st.booleans(),
    w_start=st.floats(-1, 1), w_spread=share,
)  # fmt: skip
cells = st.builds(
    CellSpec, step=st.floats(0.01, 2) | st.just("exact"), n_levels=st.integers(2, STATES) | st.none()
)  # fmt: skip
positive_share = st.floats(0.001, 1)
counts = st.integers(1, 16)
fields = st.builds(
    FieldSpec, kind=st.sampled_from(["full", "local"]), grid=st.tuples(counts, counts),
    pitch=st.tuples(positive_share, positive_share), share=positive_share,
)  # fmt: skip
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
text = st.text(st.characters(codec="utf-8"), max_size=40)
siemens, seconds = st.floats(1e-12, 0.5), st.floats(1e-12, 10)
sources = st.dictionaries(
    st.sampled_from(["g_min", "g_max", "v_ltp", "sigma_c2c"]),
    st.fixed_dictionaries({"source": st.text(st.characters(codec="utf-8"), min_size=3, max_size=20), "confirmed": st.booleans()}),
)  # fmt: skip


@st.composite
def devices(draw: st.DrawFn) -> DeviceSpec:
    low, high = sorted(draw(st.tuples(siemens, siemens).filter(lambda ends: ends[0] != ends[1])))
    law = draw(st.sampled_from(["linear", "soft-bound", "binary", "exact", "table"]))
    table = ResponseTable(
        x=(0.0, draw(st.floats(0.01, 0.99)), 1.0), ltp=(0.1, draw(share), 0.0), ltd=(0.0, draw(share), 1.0)
    )
    stuck = draw(share)
    return DeviceSpec(
        name=draw(names), title=draw(text), law=law, g_min=low, g_max=high, response=table if law == "table" else None,
        n_levels_ltp=draw(st.floats(1, 1e6)), nonlinearity_ltd=draw(st.floats(-9, 9)), p_switch_ltp=draw(st.floats(0.01, 1)),
        v_ltp=draw(st.floats(0.01, 20)), t_ltd=draw(seconds), v_fold=draw(st.none() | st.floats(0.01, 20)),
        sigma_c2c=draw(st.floats(0, 5)), sigma_d2d_range=draw(st.floats(0, 5)), p_fail=draw(st.floats(0, 0.99)),
        stuck_low=stuck, stuck_high=(1 - stuck) / 2, drift_nu=draw(st.floats(0, 2)),
        retention=draw(st.none() | st.floats(1e-6, 1e12)), sources=draw(sources),
    )  # fmt: skip


ohms = st.none() | st.floats(0, 1e9)
wires = st.builds(WireSpec, r_wire=st.floats(0, 1e9), r_row=ohms, r_column=ohms, r_access=st.floats(0, 1e9))
arrays = st.builds(
    ArraySpec, rows=st.integers(1, 65_536), columns=st.integers(1, 65_536), count=st.integers(1, 100_000), wires=wires,
    wires_every=st.integers(1, 10**6),
)  # fmt: skip
synapses = st.builds(
    SynapseSpec, scheme=st.sampled_from(["auto", "analog", "pair", "digital", "compound"]), n_bits=st.integers(1, 12),
    n_cells=st.integers(1, 64), attempts=st.integers(1, 100), refresh_every=st.integers(1, 10**6),
    refresh_at=st.floats(0.01, 1),
)  # fmt: skip
experiments = st.builds(
    ExperimentSpec,
    n_neurons=st.integers(1, 60_000), seed=seeds, epochs=st.integers(1, 10_000),
    name=names, note=text, data=text, device=st.none() | devices(), synapse=synapses, array=arrays,
    images=st.integers(1, 10**9) | st.none(), validation=st.integers(0, 10**9),
    inputs=st.builds(
        InputSpec, select=st.sampled_from(["active", "all"]), level=st.integers(0, 254), share=st.floats(0, 0.999)
    ),
    encoding=encodings(), fields=fields, neuron=neurons, stdp=stdps, cell=cells, pruning=prunings(),
    readout=st.builds(
        ReadoutSpec, label_windows=st.integers(1, 100), test_windows=st.integers(1, 100),
        smoothing=st.floats(0.01, 100), wait=st.floats(0, 1e12),
    ),
)  # fmt: skip


@settings(max_examples=150)
@given(experiments)
def test_an_experiment_reads_back_from_its_file_unchanged(spec: ExperimentSpec) -> None:
    again = ExperimentSpec.read(tomllib.loads(to_toml(spec)), "memory")
    assert again == spec
    assert again.identity == spec.identity


@settings(max_examples=50)
@given(experiments)
def test_writing_an_experiment_twice_writes_the_same(spec: ExperimentSpec) -> None:
    text = to_toml(spec)
    assert to_toml(ExperimentSpec.read(tomllib.loads(text), "memory")) == text
    assert ExperimentSpec.model_validate_json(spec.model_dump_json()) == spec


@settings(max_examples=100)
@given(experiments, experiments)
def test_identity_tells_experiments_apart_by_what_decides(one: ExperimentSpec, other: ExperimentSpec) -> None:
    renamed = in_the_words_of(other, one)
    assert renamed.identity == one.identity
    assert (one.identity == other.identity) == (in_the_words_of(one, other) == one)


def in_the_words_of(words: ExperimentSpec, spec: ExperimentSpec) -> ExperimentSpec:
    """Rename an experiment and its device, and give the device other sources; no number changes."""
    device = spec.device
    if device and words.device:
        device = device.model_copy(update={key: getattr(words.device, key) for key in ("name", "title", "sources")})
    return ExperimentSpec(**{**dict(spec), "name": words.name, "note": words.note, "device": device})


@given(st.floats(1e-6, 1e5))
def test_nearly_equal_rates_are_told_apart(rate: float) -> None:
    """What two specs that differ decide must not be filed under one identity."""
    low, high = (
        ExperimentSpec(encoding=EncodingSpec(dt=1e-6, t_window=1e-5, t_present=1e-5, rate_max=value))
        for value in (rate, rate * 1.00000001)
    )
    assert low != high
    assert low.identity != high.identity


@given(st.integers(1, 10**12 - 1), st.integers(-18, 12))
def test_quantities_of_twelve_digits_survive_being_written(digits: int, exponent: int) -> None:
    value = float(f"{digits}e{exponent - 6}")
    assert parse_quantity(format_quantity(value, "s"), "s") == value


@given(st.floats(1e-15, 1e15), st.sampled_from(["s", "Hz", "V"]))
def test_a_written_quantity_names_its_unit_and_is_near(value: float, unit: str) -> None:
    text = format_quantity(value, unit)
    assert text.endswith(unit)
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-6)
    with pytest.raises(ValueError, match="in A"):
        parse_quantity(text, "A")


@given(
    st.integers(1, 999), st.sampled_from([("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6)]), st.booleans()
)
def test_prefixes_mean_powers_of_ten(number: int, prefix: tuple[str, int], space: bool) -> None:
    letter, power = prefix
    assert parse_quantity(f"{number}{' ' * space}{letter}Hz", "Hz") == float(f"{number}e{power}")


@given(st.text(max_size=12), st.sampled_from(["s", "Hz"]))
def test_reading_a_quantity_gives_a_number_or_a_value_error(text: str, unit: str) -> None:
    try:
        value = parse_quantity(text, unit)
    except ValueError as error:
        assert f"in {unit}" in str(error)
    else:
        assert isinstance(value, float)


keys = st.from_regex(r"[A-Za-z_]{1,8}(\.[A-Za-z_]{1,8}){0,2}", fullmatch=True)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(keys, st.integers() | st.booleans() | finite | st.lists(st.integers(), max_size=3))
def test_a_setting_reads_as_toml_would(key: str, value: Any) -> None:
    assert parse_setting(f"{key}={json.dumps(value)}") == (key, value)
    assert parse_setting(f" {key} = {json.dumps(value)}") == (key, value)
    assert type(parse_setting(f"{key}={json.dumps(value)}")[1]) is type(value)


@given(keys, st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_setting_in_quotes_is_that_text(key: str, value: str) -> None:
    escaped = "".join(rf"\U{ord(letter):08x}" for letter in value)
    assert parse_setting(f'{key}="{escaped}"') == (key, value)


@given(st.text(max_size=30))
def test_any_setting_is_read_or_refused_in_words(text: str) -> None:
    key, equals, _ = text.partition("=")
    if equals and all(part.strip() for part in key.split(".")):
        assert parse_setting(text)[0] == key.strip()
    else:
        with pytest.raises(SpecError, match="key=value"):
            parse_setting(text)


@given(keys, st.text(st.characters(categories=["L", "Zs"]), min_size=1, max_size=20))
def test_a_setting_that_is_no_toml_is_its_text(key: str, value: str) -> None:
    assume(value.strip() not in ("true", "false", "inf", "nan", ""))
    assert parse_setting(f"{key}={value}") == (key, value)


# Groups over the image


@settings(max_examples=200)
@given(shapes, fields, st.integers(1, 500), st.sampled_from([(), (1,), (3,)]), st.randoms(use_true_random=False))
def test_groups_see_rising_unique_inputs_and_share_out_all_neurons(
    shape: tuple[int, int], spec: FieldSpec, n_neurons: int, channels: tuple[int, ...], random: Any
) -> None:
    image_shape = (*shape, *channels)
    n_features = math.prod(image_shape)
    inputs = np.array(sorted(random.sample(range(n_features), random.randint(1, n_features))), np.int64)
    n_groups = 1 if spec.kind == "full" else math.prod(spec.grid)
    if n_neurons < n_groups:
        with pytest.raises(SpecError, match="n_neurons"):
            place_groups(spec, n_neurons, inputs, image_shape)
        return
    groups = place_groups(spec, n_neurons, inputs, image_shape)
    assert len(groups) == n_groups
    sizes = [group.n_neurons for group in groups]
    assert sum(sizes) == n_neurons
    assert max(sizes) - min(sizes) <= 1
    n_cells = len(inputs) if spec.kind == "full" else max(1, round(spec.share * len(inputs)))
    for group in groups:
        assert group.inputs.dtype == np.int32
        assert len(group.inputs) == n_cells
        assert (np.diff(group.inputs) > 0).all()
        assert group.inputs[0] >= 0
        assert group.inputs[-1] < len(inputs)


@given(few_shapes, st.integers(1, 100), fields)
def test_without_geometry_one_group_sees_everything(shape: tuple[int, int], n_neurons: int, spec: FieldSpec) -> None:
    (group,) = place_groups(spec, n_neurons, np.arange(math.prod(shape)), None)
    assert group.inputs.tolist() == list(range(math.prod(shape)))
    assert group.n_neurons == n_neurons


@given(shapes, st.floats(0.01, 0.9), st.integers(1, 3))
def test_a_single_field_in_the_middle_is_made_of_the_nearest_pixels(
    shape: tuple[int, int], share: float, channels: int
) -> None:
    """Channels run fastest: those of one pixel stand at one place."""
    height, width = shape
    n_features = height * width * channels
    spec = FieldSpec(kind="local", grid=(1, 1), share=share)
    (group,) = place_groups(spec, 1, np.arange(n_features), (height, width, channels))
    row, column = np.divmod(np.arange(n_features) // channels, width)
    distance = (row - (height - 1) / 2) ** 2 + (column - (width - 1) / 2) ** 2
    outside = np.setdiff1d(np.arange(n_features), group.inputs)
    assert not len(outside) or distance[group.inputs].max() <= distance[outside].min()


# What the retina sees

images = hnp.arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 30)))


@given(images, st.booleans())
def test_pixels_stay_within_eight_bits_and_full_intensity_stays_full(x: npt.NDArray[np.uint8], control: bool) -> None:
    retina = Retina.fit(x, InputSpec(select="all"), full_scale=255.0, gain_control=control)
    pixels, gains = retina.see(x)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, x)
    assert gains.dtype == np.uint32
    assert gains.max() <= 255 * 65536
    if not control:
        assert (gains == 65536).all()


@given(hnp.arrays(np.float64, (5, 7), elements=st.floats(0, 1e6)), st.floats(1e-3, 1e6))
def test_intensities_of_any_scale_become_eight_bits_in_their_order(x: npt.NDArray[np.float64], scale: float) -> None:
    retina = Retina.fit(np.full((1, 7), scale), InputSpec(select="all"), full_scale=scale, gain_control=False)
    pixels, _ = retina.see(x)
    assert pixels.dtype == np.uint8
    assert (pixels[x >= scale] == 255).all()
    order = np.argsort(x, axis=None)
    assert (np.diff(pixels.ravel()[order].astype(int)) >= 0).all()


@given(hnp.arrays(np.uint8, (6, 40), elements=st.integers(20, 60)))
def test_gain_control_brings_every_total_to_the_mean(x: npt.NDArray[np.uint8]) -> None:
    retina = Retina.fit(x, InputSpec(select="all"), full_scale=255.0, gain_control=True)
    pixels, gains = retina.see(x)
    totals = pixels.sum(axis=1) * (gains / 65536.0)
    np.testing.assert_allclose(totals, x.sum(axis=1).mean(), rtol=1e-4)  # gains have 16 fractional bits


@given(images, st.integers(0, 254), st.floats(0, 0.99))
def test_inputs_are_just_the_features_that_are_active_often_enough(
    x: npt.NDArray[np.uint8], level: int, least: float
) -> None:
    active = [i for i in range(x.shape[1]) if sum(int(v) > level for v in x[:, i]) > least * len(x)]
    assume(active)
    spec = InputSpec(level=level, share=least)
    assert Retina.fit(x, spec, full_scale=255.0, gain_control=True).inputs.tolist() == active


@given(hnp.arrays(np.uint8, (6, 9)), st.permutations(range(6)))
def test_an_images_key_is_its_own(x: npt.NDArray[np.uint8], order: list[int]) -> None:
    np.testing.assert_array_equal(image_keys(x[order]), image_keys(x)[order])


@given(
    hnp.arrays(np.float64, (6, 3), elements=st.floats(-1e9, 1e9, width=32)), st.integers(1, 12),
    hnp.arrays(np.float64, (4, 3), elements=st.floats(-1e12, 1e12)),
)  # fmt: skip
def test_a_population_code_covers_each_features_range(
    x: npt.NDArray[np.float64], n_receptors: int, new: npt.NDArray[np.float64]
) -> None:
    code = PopulationCode.fit(x, n_receptors)
    seen = code.encode(x).reshape(6, 3, n_receptors)
    assert code.encode(new).shape == (4, 3 * n_receptors)
    if n_receptors > 1:
        assert seen.max(axis=2).min() >= 225  # exp(-1/8) of 255: no value is further than half a spacing from a centre
    beyond = code.encode(np.clip(new, x.min(axis=0), x.max(axis=0)))
    np.testing.assert_array_equal(code.encode(new), beyond)  # outside the range as at its edge


# Chances and pulses


@settings(max_examples=200)
@given(encodings(), st.booleans())
def test_a_brighter_input_fires_no_less(spec: EncodingSpec, per_step: bool) -> None:
    chance = chance_table(spec, per_step=per_step).astype(int)
    assert chance.shape == (256,)
    assert (np.diff(chance) >= 0).all()
    assert (chance[: spec.floor + 1] == 0).all()
    assert chance[255] <= 65535


@given(encodings())
def test_a_window_holds_at_least_the_chance_of_one_step(spec: EncodingSpec) -> None:
    window, step = chance_table(spec, per_step=False).astype(int), chance_table(spec, per_step=True).astype(int)
    assert (window >= step).all()
    assert (window <= step * spec.steps_per_window + spec.steps_per_window).all()  # each step's chance is rounded


@given(stdps, share)
def test_ltp_falls_with_the_weight_and_no_movement_passes_a_bound(spec: StdpSpec, progress: float) -> None:
    w = np.linspace(-1, 1, 101)
    ltd, ltp = movement(spec, w, progress)
    assert (ltd >= 0).all()
    assert (ltp >= 0).all()
    assert (np.diff(ltp) <= 1e-12).all()
    if not spec.pulse_at_bound:
        assert (w + ltp <= 1 + 1e-12).all()
        assert (w - ltd >= -1 - 1e-12).all()


@given(stdps, cells, share)
def test_pulses_move_a_cell_on_average_as_far_as_the_law_asks(spec: StdpSpec, cell: CellSpec, progress: float) -> None:
    tables = pulse_tables(spec, cell_law(cell), progress)
    asked = np.zeros((2, 256))
    asked[:, :255] = movement(spec, np.arange(-127, 128) / 127, progress) * [[-1], [1]]
    mean = tables.pulses / 65536 * tables.step[0]
    np.testing.assert_allclose(mean, asked.ravel(), atol=2 * 2.0**-16, rtol=1e-6)


@given(cells, hnp.arrays(np.float64, 20, elements=st.floats(-3, 3)))
def test_a_cell_settles_within_its_bounds_and_stays_there(cell: CellSpec, w: npt.NDArray[np.float64]) -> None:
    settled = cell.settle(w)
    assert settled.dtype == np.float32
    assert (np.abs(settled) <= 1).all()
    np.testing.assert_allclose(cell.settle(settled.astype(np.float64)), settled, atol=1e-6)
    if cell.n_levels is not None:
        level = (settled.astype(np.float64) + 1) * (cell.n_levels - 1) / 2
        np.testing.assert_allclose(level, np.rint(level), atol=1e-4)


# Stages of pruning


@given(prunings(), st.floats(0, 1e7))
def test_stages_rise_in_spikes_and_in_share_and_end_at_the_fraction(spec: PruningSpec, expected: float) -> None:
    at, pruned = stages(spec, expected)
    if not spec.while_training:
        assert len(at) == len(pruned) == 0
        return
    assert len(at) == len(pruned) == spec.n_stages
    assert (np.diff(at) >= 0).all()
    assert (np.diff(pruned) > 0).all()
    assert at.min() >= 1
    assert pruned[-1] == pytest.approx(spec.fraction)
    assert pruned[0] > 0
    assert at[-1] == max(1, round(spec.end * expected))


# Reading out


@given(st.integers(1, 10**7), share)
def test_the_wilson_interval_holds_the_share_and_shrinks_with_n(n: int, part: float) -> None:
    right = round(part * n)
    low, high = wilson(right, n)
    assert 0 <= low <= right / n <= high <= 1
    assert low < high
    wider = wilson(4 * right, 4 * n)
    assert wider[1] - wider[0] < high - low


@given(st.integers(1, 10**6), share)
def test_at_the_ends_of_the_wilson_interval_the_share_is_1_96_standard_deviations_off(n: int, part: float) -> None:
    """The interval's definition, before it is solved for its ends: (p - share)^2 = z^2 p (1 - p) / n."""
    right = round(part * n)
    for end in wilson(right, n):
        assert (end - right / n) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / n, rel=1e-6, abs=1e-14)


@given(st.integers(1, 10**6), share)
def test_the_wilson_interval_is_symmetric_between_right_and_wrong(n: int, part: float) -> None:
    right = round(part * n)
    low, high = wilson(right, n)
    assert wilson(n - right, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


winners = hnp.arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 4))


@given(winners, st.integers(2, 5), st.randoms(use_true_random=False))
def test_every_spike_is_counted_once(spikes: npt.NDArray[np.int32], n_classes: int, random: Any) -> None:
    y = np.array([random.randrange(n_classes) for _ in spikes], np.int64)
    table = count_spikes(spikes, y, 5, n_classes)
    assert table.shape == (5, n_classes)
    assert table.sum() == spikes.size
    for k in range(5):
        for c in range(n_classes):
            assert table[k, c] == (spikes[y == c] == k).sum()


@given(winners, hnp.arrays(np.int64, (5, 3), elements=st.integers(0, 1000)), st.floats(0.01, 10))
def test_votes_are_log_likelihoods_that_ignore_order_and_silent_neurons(
    spikes: npt.NDArray[np.int32], table: npt.NDArray[np.int64], smoothing: float
) -> None:
    table[0] = 0
    log_p = log_posterior(table, smoothing)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)
    votes = soft_votes(spikes, log_p)
    np.testing.assert_allclose(soft_votes(spikes[:, ::-1], log_p), votes)
    silent = np.zeros((len(spikes), 1), np.int32)
    with_silent = soft_votes(np.hstack([spikes, silent]), log_p)
    np.testing.assert_allclose(with_silent - with_silent[:, :1], votes - votes[:, :1], atol=1e-9)


@given(winners, hnp.arrays(np.int64, (5, 3), elements=st.integers(0, 1000)), st.randoms(use_true_random=False))
def test_an_evaluation_agrees_with_its_confusion_table(
    spikes: npt.NDArray[np.int32], table: npt.NDArray[np.int64], random: Any
) -> None:
    y = np.array([random.randrange(3) for _ in spikes], np.int64)
    found = evaluate(spikes, y, table, 0.5)
    assert found.confusion.sum() == found.n_images == len(y)
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / len(y))
    assert found.accuracy_low <= found.accuracy <= found.accuracy_high
    np.testing.assert_array_equal(found.confusion.sum(axis=1), np.bincount(y, minlength=3))
    present = np.bincount(y, minlength=3) > 0
    np.testing.assert_array_equal(np.isnan(found.class_accuracy), ~present)


# Random numbers


@given(st.integers(0, 500), seeds, streams, st.integers(0, 2**32 - 1))
def test_a_permutation_holds_every_number_once(n: int, seed: int, stream: Stream, presentation: int) -> None:
    order = permutation(n, seed=seed, stream=stream, presentation=presentation)
    assert sorted(order.tolist()) == list(range(n))


@given(st.integers(0, 300), st.integers(0, 300), seeds, streams, st.sampled_from(Phase), st.integers(0, 2**32 - 1))
def test_the_first_numbers_do_not_depend_on_how_many_follow(
    k: int, n: int, seed: int, stream: Stream, phase: Phase, place: int
) -> None:
    k, n = sorted((k, n))
    for draw in (random_u16, random_u32):
        many = draw(n, seed=seed, stream=stream, phase=phase, step=place, presentation=place)
        some = draw(k, seed=seed, stream=stream, phase=phase, step=place, presentation=place)
        np.testing.assert_array_equal(many[:k], some)


@given(seeds, streams, streams, st.integers(0, 2**31))
def test_another_seed_stream_phase_or_place_gives_other_numbers(
    seed: int, stream: Stream, other: Stream, place: int
) -> None:
    def numbers(**changes: Any) -> list[int]:
        at = {"seed": seed, "stream": stream, "phase": Phase.TRAIN, "step": place, "presentation": place, **changes}
        return list(random_u32(8, **at).tolist())

    plain = numbers()
    assert numbers() == plain
    assert numbers(seed=(seed + 1) % 2**32) != plain
    assert numbers(phase=Phase.TEST) != plain
    assert numbers(step=place + 1) != plain
    assert numbers(presentation=place + 1) != plain
    assert (numbers(stream=other) == plain) == (other == stream)


@given(seeds, st.integers(1, 200))
def test_sixteen_bit_numbers_are_the_halves_of_the_words(seed: int, n: int) -> None:
    halves = random_u16(2 * n, seed=seed, stream=Stream.INPUT).astype(np.uint64)
    words = random_u32(n, seed=seed, stream=Stream.INPUT)
    np.testing.assert_array_equal(halves[0::2] + (halves[1::2] << np.uint64(16)), words)


@given(seeds, st.integers(0, 100))
def test_uniform_numbers_lie_from_zero_to_below_one(seed: int, n: int) -> None:
    values = uniform(n, seed=seed, stream=Stream.INITIAL)
    assert ((values >= 0) & (values < 1)).all()
