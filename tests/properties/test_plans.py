"""Plans of studies, for axes that hypothesis makes up: sizes, identities, order, shared spikes."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synarray.errors import SpecError
from synarray.run.experiment import load_experiment, read_values, resolve
from synarray.run.folder import to_toml
from synarray.study.plan import AxisSpec, CaseSpec, RandomSpec, RangeSpec, StudySpec, load_study
from synarray.study.points import Planner
from synarray.study.store import differences
from synarray.study.table import undominated

settings.register_profile("same every time", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("same every time")

KEYS: dict[str, st.SearchStrategy[Any]] = {
    "n_neurons": st.integers(1, 6400),
    "epochs": st.integers(1, 50),
    "stdp.a": st.floats(0.01, 0.9),
    "neuron.beta": st.floats(0.1, 8),
    "encoding.rate_max": st.integers(50, 900).map(lambda n: f"{n} Hz"),
}


@st.composite
def studies(draw: st.DrawFn) -> StudySpec:
    """Any study whose axes set different keys: values, zips and cases."""
    keys = draw(st.permutations(sorted(KEYS)).map(lambda order: order[: draw(st.integers(0, 4))]))
    axes: dict[str, AxisSpec] = {}
    while keys:
        kind = draw(st.sampled_from(["values", "zip", "cases"]))
        key, *keys = keys
        values = draw(st.lists(KEYS[key], min_size=1, max_size=3, unique=True))
        if kind == "zip" and keys:
            other, *keys = keys
            others = draw(st.lists(KEYS[other], min_size=len(values), max_size=len(values)))
            axes[f"zip {key}"] = AxisSpec(zip={key: tuple(values), other: tuple(others)})
        elif kind == "cases":
            axes[f"case {key}"] = AxisSpec(
                cases=tuple(CaseSpec(title=f"case {i}", set={key: value}) for i, value in enumerate(values))
            )
        else:
            axes[key] = AxisSpec(values=tuple(values))
    seeds = draw(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3, unique=True))
    return StudySpec(name="any", axes=axes, seeds=tuple(seeds))


def lengths(spec: StudySpec) -> list[int]:
    """Say how long each axis is."""
    found = []
    for axis in spec.axes.values():
        rows = axis.values or axis.cases or (next(iter(axis.zip.values())) if axis.zip else ())
        found.append(len(rows))
    return found


@given(studies())
def test_a_plan_is_the_product_of_its_axes_and_seeds_and_no_two_runs_are_one(spec: StudySpec) -> None:
    planner = Planner(spec)
    runs = list(planner.runs())
    assert len(runs) == planner.size == math.prod(lengths(spec)) * len(spec.seeds)
    assert len({run.identity for run in runs}) == len(runs)
    assert len({(tuple(run.columns.items()), run.seed) for run in runs}) == len(runs)
    assert all(planner.experiment(run).seed == run.seed for run in runs)


@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_axes_and_values_changes_no_run(spec: StudySpec, random: Any) -> None:
    names = list(spec.axes)
    random.shuffle(names)
    axes = {}
    for name in names:
        axis = spec.axes[name]
        part = "values" if axis.values is not None else "cases" if axis.cases is not None else None
        rows = list(getattr(axis, part)) if part else []
        random.shuffle(rows)
        axes[name] = axis.model_copy(update={part: tuple(rows)}) if part else axis
    other = spec.model_copy(update={"axes": axes, "seeds": spec.seeds[::-1]})
    found = [
        {(frozenset(run.columns.items()), run.seed, run.identity) for run in Planner(s).runs()} for s in (spec, other)
    ]
    assert found[0] == found[1]


@given(studies())
def test_a_run_is_the_experiment_that_train_would_make_of_its_settings(spec: StudySpec) -> None:
    planner = Planner(spec)
    for run in list(planner.runs())[:3]:
        assert load_experiment(run.base, run.sets).identity == run.identity


def test_points_do_not_see_what_other_points_set() -> None:
    """A table of the study that one case writes into is the study's own at all others, and in the file of the study."""
    shared = {"epochs": 1, "images": 300, "device": {"base": "pcm"}}
    cases = (CaseSpec(title="much", set={"device.sigma_c2c": 0.5}), CaseSpec(title="own"))
    planner = Planner(StudySpec(set=shared, axes={"spread": AxisSpec(cases=cases)}))
    much, own = planner.runs()
    assert planner.experiment(own).identity == own.identity == load_experiment(None, shared | {"seed": 0}).identity
    assert planner.experiment(much).device.sigma_c2c == 0.5  # type: ignore[union-attr]
    assert much.identity != own.identity
    assert shared["device"] == {"base": "pcm"}
    assert planner.spec.set["device"] == {"base": "pcm"}


SETTINGS = st.fixed_dictionaries({}, optional={
    "device": st.sampled_from(["pcm", {"base": "pcm"}, {"base": "pcm", "sigma_read": 0.1}]),
    "device.sigma_c2c": st.floats(0, 0.5), "stdp": st.just({"a": 0.2}), "stdp.b": st.floats(1, 4),
    "pruning": st.just({"mode": "soft", "fraction": 0.5}), "pruning.fraction": st.floats(0.1, 0.8), "data": st.just("nowhere"),
    "neuron.beta": st.floats(0.1, 8),
})  # fmt: skip


@given(SETTINGS, SETTINGS)
def test_resolving_changes_none_of_its_arguments(first: dict[str, Any], second: dict[str, Any]) -> None:
    values = read_values("local-fields") | {"device": {"base": "pcm"}}
    before = copy.deepcopy((values, first, second))
    resolve(values, first, "first")
    alone = resolve(copy.deepcopy(before[0]), copy.deepcopy(second), "second").identity
    assert resolve(values, second, "second").identity == alone
    assert (values, first, second) == before


def test_the_callers_own_table_stays_as_it_is() -> None:
    mine = {"device": {"base": "pcm"}, "device.sigma_c2c": 0.5}
    assert load_experiment("local-fields", mine).device.sigma_c2c == 0.5  # type: ignore[union-attr]
    assert mine == {"device": {"base": "pcm"}, "device.sigma_c2c": 0.5}


@given(studies())
def test_a_study_reads_back_from_its_file(spec: StudySpec) -> None:
    import tomllib

    whole = spec.with_bases()
    back = StudySpec.read(tomllib.loads(to_toml(whole)), "written")
    assert differences(whole, back) == []
    assert [run.identity for run in Planner(back).runs()] == [run.identity for run in Planner(spec).runs()]


@given(studies(), st.data())
def test_spikes_are_shared_along_the_axes_that_say_so_alone(spec: StudySpec, data: st.DataObject) -> None:
    shared = tuple(data.draw(st.lists(st.sampled_from(sorted(spec.axes)), unique=True))) if spec.axes else ()
    runs = list(Planner(spec.model_copy(update={"share_spikes": shared})).runs())
    groups: dict[Any, set[int]] = {}
    axes = Planner(spec).axes
    for run in runs:
        apart = tuple((name, run.columns[name]) for name in axes if name not in shared)
        groups.setdefault((run.seed, apart), set()).add(run.sets["seed"])
    assert all(len(seeds) == 1 for seeds in groups.values())
    assert len({next(iter(seeds)) for seeds in groups.values()}) == len(groups)


@given(st.integers(1, 30), st.integers(0, 2**31), st.floats(0.05, 1), st.floats(1.01, 100))
def test_random_axes_stay_in_their_ranges_and_are_the_same_again(n: int, seed: int, low: float, factor: float) -> None:
    keys = {
        "stdp.a": RangeSpec(low=low / 10, high=low / 5),
        "neuron.beta": RangeSpec(low=low, high=low * factor, log=True),
        "n_neurons": RangeSpec(low=3, high=9, integer=True),
        "encoding.rate_max": RangeSpec(low=100, high=200, unit="Hz"),
        "fields.kind": RangeSpec(choices=("full", "local")),
    }
    spec = StudySpec(axes={"draw": AxisSpec(random=RandomSpec(n=n, seed=seed, keys=keys))})
    runs, again = list(Planner(spec).runs()), list(Planner(spec).runs())
    assert [run.identity for run in runs] == [run.identity for run in again]
    assert len(runs) == n
    for run in runs:
        assert low / 10 <= run.columns["stdp.a"] <= low / 5
        assert low * (1 - 1e-9) <= run.columns["neuron.beta"] <= low * factor * (1 + 1e-9)
        assert run.columns["n_neurons"] in range(3, 10)
        assert run.columns["encoding.rate_max"].endswith(" Hz")


def test_points_that_come_to_one_experiment_have_one_identity() -> None:
    spec = load_study("pruning")
    runs = [run for run in Planner(spec).runs() if run.columns["fraction"] == 0.0 and run.seed == 0]
    assert {run.columns["method"] for run in runs} == {"soft", "conventional", "random", "after training"}
    assert len({run.identity for run in runs}) < len(runs)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
def test_the_front_is_what_nothing_beats(rows: list[tuple[int, int]]) -> None:
    import numpy as np

    kept = undominated(np.array(rows, float))
    for row, keep in zip(rows, kept, strict=True):
        beaten = any(o != row and o[0] <= row[0] and o[1] <= row[1] for o in rows)
        assert keep == (not beaten)


def test_unequal_zips_are_refused_in_python_too() -> None:
    with pytest.raises(SpecError, match="equally many"):
        Planner(StudySpec(axes={"z": AxisSpec(zip={"epochs": (1, 2), "n_neurons": (3,)})}))


def test_the_study_file_of_the_docs_is_one() -> None:
    import tomllib

    text = (Path(__file__).parents[2] / "docs" / "studies.md").read_text("utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```toml\n")[1:]]
    (study,) = (block for block in blocks if block.startswith("name ="))
    planner = Planner(StudySpec.read(tomllib.loads(study), "docs"))
    assert planner.size == len(list(planner.runs())) == 2 * 3 * 2 * 20 * 2 * 3
