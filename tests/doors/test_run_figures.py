"""Figures of a run by their names: what they draw agrees with the network, and what cannot be drawn is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import Command, four_parts
from PIL import Image

import synarray
from synarray.array.wire_gains import wires_leave
from synarray.array.wires import WireSpec, solve_read
from synarray.errors import DataError, RunError
from synarray.learn.recording import record
from synarray.report.run_figures import named
from synarray.report.run_figures.film import Film
from synarray.report.run_figures.life import life
from synarray.report.run_figures.named import RUN_FIGURES
from synarray.run.replay import Look, replay

SETTINGS = {"images": 1200, "epochs": 1, "n_neurons": 24}
IN_DEVICE = {
    **SETTINGS,
    "device": "subquantum-cbram",
    "array.rows": 400,
    "array.columns": 24,
    "array.wires.r_wire": "2 ohm",
}
TEST = synarray.load_dataset("mnist").x_test[:12]


@pytest.fixture(scope="module")
def pruned() -> synarray.Result:
    return synarray.train("soft-pruned", settings=IN_DEVICE)


def test_every_figure_is_drawn(pruned: synarray.Result, tmp_path: Path) -> None:
    """The film has a picture for each look at the training, and its last one stays."""
    for name in RUN_FIGURES:
        drawn = pruned.plot(name)
        if not isinstance(drawn, Film):
            assert drawn.axes, name
            continue
        drawn.save(tmp_path / "film.gif")
        durations = []
        with Image.open(tmp_path / "film.gif") as film:
            for i in range(film.n_frames):
                film.seek(i)
                durations.append(film.info["duration"])
        assert len(durations) == len(drawn.frames) >= 3
        assert durations[-1] > durations[0]


@pytest.mark.parametrize(
    ("experiment", "settings"),
    [
        ("local-fields", SETTINGS | {"device": "pcm"}),
        ("conv-local", {"images": 60, "layers.1.images": 60, "layers.1.n_neurons": 8, "layers.2.n_neurons": 64}),
    ],
)
def test_what_is_recorded_is_what_the_compiled_pass_does(experiment: str, settings: dict[str, object]) -> None:
    result = synarray.train(experiment, settings=settings)
    before, seen = result.events, record(result, TEST)
    compiled = result.votes(result.retina.see(TEST.reshape(12, -1))).winners
    np.testing.assert_array_equal(seen.winners, compiled)
    assert result.events == before
    spiked = np.take_along_axis(seen.potentials, seen.winners, 2)
    assert (spiked <= seen.potentials.max(axis=2, keepdims=True)).all()


def test_a_replay_ends_with_the_run(pruned: synarray.Result) -> None:
    looks = replay(pruned.stored(), looks=4)
    assert [look.presentations for look in looks] == sorted({look.presentations for look in looks})
    assert looks[-1].presentations == 1200
    np.testing.assert_array_equal(looks[-1].w, pruned.machine.array.w)
    np.testing.assert_array_equal(looks[-1].alive, pruned.machine.array.alive.astype(bool))
    assert looks[0].alive.sum() > looks[-1].alive.sum()


def test_a_pruning_after_the_training_is_seen() -> None:
    result = synarray.train("full-field", settings=SETTINGS | {"pruning.mode": "conventional", "pruning.fraction": 0.5})
    alive = [look.alive.mean() for look in replay(result.stored(), looks=2)]
    assert alive[0] > alive[-1] == pytest.approx(0.5, abs=0.01)


def test_what_wires_leave_of_a_read_is_what_an_exact_solve_leaves() -> None:
    g = np.random.default_rng(0).uniform(1e-6, 3e-6, (60, 20))
    wires = WireSpec(r_wire=5.0)
    read, write = wires_leave(g, wires)
    exact = solve_read(g, np.full(60, 0.1), wires).currents
    np.testing.assert_allclose(0.1 * (read * g).sum(axis=0), exact, rtol=1e-3)
    assert write.min() > 0.99
    g[:, 3] = np.nan
    assert all(np.isnan(share[:, 3]).all() for share in wires_leave(g, wires))


def test_a_life_passes_through_its_end(pruned: synarray.Result) -> None:
    found = pruned.lifetime(share=0.02)
    line = life(found).axes[0].lines[0]
    assert np.interp(found.trainings, *line.get_data()) == pytest.approx(2.0, rel=0.02)


def test_spikes_of_given_images(pruned: synarray.Result) -> None:
    figure = pruned.plot("spikes", images=TEST[:2])
    assert [tick.get_text() for tick in figure.axes[2].get_xticklabels()] == [str(c) for c in pruned.predict(TEST[:2])]


def test_the_command_draws_only_what_is_asked(
    command: Command, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named, "replay", lambda run: [Look(9, run.arrays["w"], run.arrays["alive"] == 1)] * 2)
    wanted = ("--figure", "spikes", "--figure", "learning", "--out", "figures")
    done = command("show", str(finished_run), *wanted, "--json")
    assert done.json["figures"] == ["figures/spikes.png", "figures/learning.gif"]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"spikes.png", "learning.gif"}
    refused = four_parts(command("show", str(finished_run), "--figure", "spike"))
    assert 'Did you mean "spikes"' in refused["do"]


def test_figures_that_cannot_be_drawn_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = TEST, np.arange(12) % 2
    result = synarray.train("full-field", x, y, settings={"n_neurons": 4, "epochs": 1})
    for name, words in (
        ("spike", 'Did you mean "spikes"'), ("spikes", "arrays from Python"), ("learning", "arrays from Python"),
        ("wires", "ideal weights"), ("life", "ideal weights"), ("energy", "ideal weights"), ("confusion", "without"),
    ):  # fmt: skip
        with pytest.raises(RunError, match=words):
            result.plot(name)
    for images in (x[:0], -1.0 * x, [["a"]], x[:, :10]):
        with pytest.raises(DataError):
            result.plot("spikes", images=images)
    no_wires = synarray.train("full-field", settings=SETTINGS | {"images": 50, "device": "pcm"})
    with pytest.raises(RunError, match="ideal ones"):
        no_wires.plot("wires")
    monkeypatch.setattr(synarray.Result, "teacher", "contrast")
    with pytest.raises(RunError, match="contrast"):
        record(no_wires, TEST)
