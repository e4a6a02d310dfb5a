"""Parts of the studio: requests, controls, the glossary, files, a run and a study that are followed."""

from __future__ import annotations

import errno
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, four_parts

from synarray.device.library import device_names
from synarray.errors import RunError, SpecError
from synarray.learn.checkpoint import Checkpoints, TrainingStoppedError
from synarray.learn.training import train
from synarray.run.experiment import experiment_names, load_experiment, task_images
from synarray.run.in_progress import begin
from synarray.studio.asked import Asked, as_asked, read_asked
from synarray.studio.controls import CONTROLS, disabled, values_of
from synarray.studio.glossary import load_glossary
from synarray.studio.pulses import read_content
from synarray.studio.source import open_source
from synarray.studio.views import array_view, packed
from synarray.studio.watching import follow

PAGE = Path(open_source.__code__.co_filename).parent / "page"
SMALL = {"n_neurons": 12, "epochs": 1, "images": 300, "device": "subquantum-cbram"}


class _EnoughError(Exception):
    pass


@pytest.mark.parametrize("name", experiment_names())
def test_every_experiment_can_be_said_as_a_request(name: str) -> None:
    spec = load_experiment(name)
    assert as_asked(spec).spec().identity == spec.identity
    assert read_asked(as_asked(spec).described()).spec().identity == spec.identity
    assert read_asked({"base": name}).spec().identity == spec.identity


@pytest.mark.parametrize("device", device_names())
def test_every_device_of_the_library_can_be_said_as_a_table(device: str) -> None:
    spec = load_experiment(None, {"device": device, "device.name": "mine"})
    again = read_asked(as_asked(spec).described()).spec()
    assert again.identity == spec.identity


@pytest.mark.parametrize("device", ["subquantum-cbram", "pcm", "sram", "taox-hfox"])
def test_every_slider_sets_its_key_over_its_whole_range(device: str) -> None:
    plain = read_asked({"set": {"device": device}})
    for control in CONTROLS:
        ends = control.choices or (control.low, 0.3 * control.low + 0.7 * control.high, control.high)
        for value in ends:
            changes: dict[str, Any] = {control.key: value}
            if control.key == "device.g_min":  # below any highest conductance
                changes["device.g_max"] = "1 mS"
            if control.key == "device.g_max":
                changes["device.g_min"] = "1 nS"
            if control.key in ("pruning.mode", "pruning.fraction"):
                changes = {"pruning.fraction": 0.5, "pruning.mode": "soft"} | changes
            if control.key == "array.count" or control.key == "n_neurons":
                changes["fields.kind"] = "local"
            spec = read_asked({"set": plain.settings | changes}).spec()
            found = values_of(spec)[control.key]
            if control.choices:
                assert found == value
            elif control.none and control.key in disabled(plain.spec()):
                assert found is None  # words have no converters
            else:
                whole = "whole" in control.scale or control.scale == "number"
                assert found == pytest.approx(round(value) if whole else value, rel=1e-3), control.key
    assert set(disabled(plain.spec())) <= {control.key for control in CONTROLS}


def test_a_slider_without_effect_says_so() -> None:
    ideal = disabled(load_experiment())
    assert "device.g_max" in ideal
    assert "n_neurons" not in ideal
    words = disabled(load_experiment(None, {"device": "sram"}))
    own = {"device.n_levels_ltp", "device.sigma_c2c", "device.sigma_read"}
    assert own | {"array.wires.r_wire", "array.adc_bits"} <= set(words)
    assert "device.n_levels_ltd" in disabled(load_experiment(None, {"device": "pcm"}))
    assert not [
        key for key in disabled(load_experiment(None, {"device": "subquantum-cbram"})) if key.startswith("device.")
    ]


def test_a_linear_device_can_be_bent() -> None:
    linear = {"device": {"name": "mine", "law": "linear", "g_min": "1 uS", "g_max": "9 uS"}}
    spec = read_asked({"set": linear | {"device.nonlinearity_ltp": 3.0}}).spec()
    assert spec.device is not None
    assert (spec.device.law, spec.device.nonlinearity_ltp) == ("soft-bound", 3.0)
    flat = read_asked({"set": linear | {"device.nonlinearity_ltp": 0.0}}).spec()
    assert flat.device is not None
    assert flat.device.law == "linear"


def test_converters_go_with_the_cells_that_they_read() -> None:
    bits = {"array.adc_bits": 6}
    kept = read_asked({"set": {"device": "subquantum-cbram"} | bits})
    assert kept.spec().array.adc_bits == 6
    assert "array.adc_bits=6" in kept.command()
    for device in ({"device": "sram"}, {}):  # words, ideal weights: chosen with the slider as it was before
        assert read_asked({"set": device | bits}).spec().array.adc_bits is None


def test_texts_of_a_command_survive_the_shell() -> None:
    asked = Asked(
        "local-fields",
        {"device": {"name": "it", "law": "linear", "g_min": "1 uS", "g_max": "9 uS"}, "data": "a 'b\" $c"},
    )
    import shlex

    words = shlex.split(asked.command())
    from synarray.run.experiment import parse_setting

    given = dict(parse_setting(words[i + 1]) for i, word in enumerate(words) if word == "--set")
    assert given == asked.settings


def test_a_request_of_several_layers_survives_the_shell_and_what_is_too_large_is_refused() -> None:
    import shlex

    from synarray.run.experiment import parse_setting

    spec = load_experiment("conv-taught", {"layers.2.device": "pcm"})
    asked = as_asked(spec)
    words = shlex.split(asked.command())
    given = dict(parse_setting(words[i + 1]) for i, word in enumerate(words) if word == "--set")
    assert load_experiment(words[2], given).identity == spec.identity
    for changes in (
        {"n_neurons": 9000},
        {"array": {"count": 1000}},
        {"layers": [{"kind": "full", "n_neurons": 50_000}]},
    ):
        with pytest.raises(SpecError, match="at most"):
            read_asked({"set": changes}).spec()


def test_the_glossary_has_terms_of_two_plain_sentences_and_explains_every_word_of_the_page() -> None:
    glossary = load_glossary()
    assert len(glossary) == 41
    for term, text in glossary.items():
        assert len(re.findall(r"[.](?:\s|$)", text)) == 2, term
        assert len(text) < 260, term
    used = set(re.findall(r'data-term="([^"]+)"', (PAGE / "index.html").read_text("utf-8")))
    used |= {control.term for control in CONTROLS if control.term}
    assert used <= set(glossary)


def test_the_page_writes_texts_as_texts_only() -> None:
    """Names of files, columns and devices come from strangers: none of them may become markup or a program."""
    script = (PAGE / "studio.js").read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?:", script
    )
    assert not re.search(r"\son\w+=|style=|javascript:|https?:", (PAGE / "index.html").read_text("utf-8"))


def test_without_its_packages_the_command_says_how_to_install_them(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'synarray[studio]'" in four_parts(command("studio", "--no-browser"))["do"]


def test_importing_synarray_loads_no_web_server() -> None:
    code = "import sys, synarray, synarray.cli.app; print(sorted({'starlette', 'uvicorn', 'websockets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match="No space left"):
        read_content("pulses.csv", b"G_S,polarity\n1e-6,1\n")


def test_a_picture_of_the_array_shows_each_cell_where_it_is(bar_images: tuple[Any, Any]) -> None:
    import base64

    x, y = bar_images
    spec = load_experiment(
        None, {"device": "subquantum-cbram", "n_neurons": 12, "device.stuck_high": 0.2, "device.sigma_d2d_range": 0}
    )
    result = train(spec, x, y, image_shape=x.shape[1:])
    view = array_view(result.machine)
    assert view is not None
    rows, columns = view["rows"], view["columns"]
    assert [rows, columns] == view["of"]["cells"]  # few enough for one dot each
    stuck, conductance = (
        np.frombuffer(base64.b64decode(view[name]), np.uint8).reshape(rows, columns)
        for name in ("stuck", "conductance")
    )
    inside, neurons = len(result.machine.groups[0].inputs), result.machine.groups[0].n_neurons
    truth = result.machine.array.stuck_cells[0, :neurons, :inside].T
    np.testing.assert_array_equal(stuck[:inside, :neurons] == 255, truth)
    w = result.weights[0]
    np.testing.assert_allclose(conductance[:inside, :neurons], 1 + 127 * (w + 1), atol=0.51)
    assert packed(np.array([0, 255], np.uint8)) == "AP8="


def test_sources(tmp_path: Path, finished_run: Path) -> None:
    assert open_source(None).asked.spec().device is not None
    assert open_source("pcm").asked.settings["device"] == "pcm"
    assert open_source("soft-pruned").asked.base == "soft-pruned"
    run = open_source(str(finished_run))
    assert run.asked.spec().identity == load_experiment(finished_run / "experiment.toml").identity
    assert run.data[-1] == run.asked.settings["data"]
    (tmp_path / "cell.toml").write_text('law = "linear"\ng_min = "1 uS"\ng_max = "5 uS"\n')
    device = open_source(str(tmp_path / "cell.toml")).asked.spec().device
    assert device is not None
    assert math.isclose(device.g_max, 5e-6)
    (tmp_path / "pulses.csv").write_text("G_S,polarity\n")
    assert open_source(str(tmp_path / "pulses.csv")).pulses is not None
    with pytest.raises(SpecError, match="the studio opens"):
        open_source("pcn")


def test_a_run_is_followed_from_its_checkpoints_to_its_result(tmp_path: Path, bars_file: Path) -> None:
    spec = load_experiment(
        None, SMALL | {"data": str(bars_file), "images": 150, "checkpoint.seconds": "0 s", "epochs": 8}
    )
    data, *task = task_images(spec)
    answers: list[dict[str, Any]] = []

    def looked(limit: int) -> None:
        def wait(_: float) -> None:
            nonlocal limit
            limit -= 1
            if limit < 0:
                raise _EnoughError

        follow(tmp_path / "run", answers.append, lambda: None, wait)

    with begin(tmp_path / "run", spec) as run:
        checkpoints = Checkpoints(run.folder, 0.0)

        def stop(progress: Any) -> None:
            checkpoints.asked_to_stop = progress.presentations >= 600

        with pytest.raises(TrainingStoppedError):
            train(spec, *task, image_shape=data.image_shape, checkpoints=checkpoints, on_progress=stop)
        with pytest.raises(_EnoughError):
            looked(6)
        kinds = [answer["t"] for answer in answers]
        assert kinds == ["begin", "frame", "frame"]
        assert answers[0]["asked"]["set"]["n_neurons"] == 12
        assert 600 <= answers[2]["n"] < 1200
        assert [point[0] for point in answers[2]["points"]] == [150 * i for i in range(1, answers[2]["n"] // 150 + 1)]
        answers.clear()
        result = train(spec, *task, image_shape=data.image_shape, checkpoints=Checkpoints(run.folder, 0.0))
        run.finish(result, [])
    looked(20)
    assert [answer["t"] for answer in answers] == ["begin", "frame", "done"]
    assert answers[2]["bill"]["accuracy"] == result.accuracy
    assert answers[2]["bill"]["state_sha256"] == result.state_sha256


def test_a_study_is_followed(tmp_path: Path, bars_file: Path) -> None:
    from synarray import load_study, run_study

    lines = (
        'name = "two"', 'base = "local-fields"', "seeds = [0]", "[axes]", "n_neurons = [12, 18]", "[set]",
        f'data = "{bars_file}"', "epochs = 1",
    )  # fmt: skip
    (tmp_path / "s.toml").write_text("\n".join(lines))
    spec = load_study(tmp_path / "s.toml")
    run_study(spec, tmp_path / "study")
    answers: list[dict[str, Any]] = []
    follow(tmp_path / "study", answers.append, lambda: None, lambda _: None)
    (answer,) = answers
    assert (answer["planned"], answer["done"], answer["failed"]) == (2, 2, 0)
    assert sorted(row["at"]["n_neurons"] for row in answer["rows"]) == [12, 18]
    assert all(0.2 < row["accuracy"] <= 1 for row in answer["rows"])
