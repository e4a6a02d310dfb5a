"""Runs in memory and on disk answer alike: predictions to the bit, cost, lifetime, a card for notebooks, one figure."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import synarray
from synarray.errors import RunError
from synarray.run.folder import FORMAT

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

KINDS: dict[str, dict[str, Any]] = {
    "ideal": {},
    "analog": {"device": "subquantum-cbram"},
    "pair": {"device": "pcm"},
    "digital": {"device": "sram"},
    "compound": {"device": "subquantum-cbram", "synapse.scheme": "compound"},
    "noisy reads": {"device": "taox-tio2", "device.sigma_read": 0.1},
    "digitised reads": {"device": "taox-tio2", "array.adc_bits": 4, "array.adc_range": 0.3},
    "drifted": {"device": "pcm", "readout.wait": "1000 s"},
    "worn": {"device": "pcm", "device.endurance": 100.0, "array.wear": True},
    "worn words": {"device": "stt-mram", "device.endurance": 60.0, "array.wear": True, "array.prior_pulses": 20.0},
    "worn compound": {
        "device": "subquantum-cbram",
        "synapse.scheme": "compound",
        "device.endurance": 100.0,
        "array.wear": True,
        "array.prior_pulses": 30.0,
    },
    "wired": {"device": "subquantum-cbram", "array.wires.r_wire": "20 ohm", "array.wires_every": 50},
    "stuck": {"device": "subquantum-cbram", "device.stuck_low": 0.05, "device.stuck_high": 0.05},
    "removed": {"pruning.mode": "conventional", "pruning.fraction": 0.4},
    "cut": {"pruning.mode": "after", "pruning.fraction": 0.4, "pruning.rebalance": 50},
    "full field": {"fields.kind": "full"},
}


def trained(bars_file: Path, **more: Any) -> synarray.Result:
    """Train shortly on bars."""
    return synarray.train("local-fields", settings={"data": str(bars_file), "n_neurons": 12, "epochs": 2, **more})


def test_a_run_of_millions_of_weights_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was written into ideal weights: zeros that deflate a thousandfold, which may be a bomb in other files."""
    x = np.random.default_rng(0).integers(0, 256, (12, 28, 28)).astype(np.uint8)
    result = synarray.train("full-field", x, np.arange(12) % 3, settings={"n_neurons": 11_000, "epochs": 1})
    path = result.save(tmp_path / "run")
    run = synarray.open_run(path)
    assert run.arrays["writes"].nbytes > 8 << 20 < run.arrays["alive"].nbytes
    np.testing.assert_array_equal(run.predict(x), result.predict(x))
    monkeypatch.setattr("synarray.run.contents._EVEN", run.arrays["writes"].nbytes)  # then nothing is left for the next
    with pytest.raises(RunError, match=r"at most [\d,]+ of them in a file"):
        synarray.open_run(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_opened_again_predicts_as_its_result_did_to_the_bit(
    kind: str, bars_file: Path, bar_images: Images, tmp_path: Path
) -> None:
    result = trained(bars_file, **KINDS[kind])
    run = synarray.open_run(result.save(tmp_path / "run"))
    bars_file_gone = run  # the data are not needed: nothing below reads them
    x = bar_images[0][200:400]
    np.testing.assert_array_equal(bars_file_gone.predict(x), result.predict(x))
    np.testing.assert_array_equal(run.result.decision_function(x), result.decision_function(x))
    np.testing.assert_array_equal(run.predict(x, workers=2), result.predict(x))
    assert run.result.state_sha256 == result.state_sha256
    assert run.result.metrics() == result.metrics()
    assert run.accuracy == result.accuracy
    for mine, its in zip(run.weights, result.weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    if "worn" in kind:
        assert result.machine.wear.n_failed > 0  # else the case shows nothing


def test_a_run_is_opened_where_its_data_are_not(bars_file: Path, bar_images: Images, tmp_path: Path) -> None:
    data = tmp_path / "bars.npz"
    data.write_bytes(bars_file.read_bytes())
    result = trained(data)
    folder = result.save(tmp_path / "run")
    data.unlink()
    np.testing.assert_array_equal(synarray.open_run(folder).predict(bar_images[0]), result.predict(bar_images[0]))


def test_a_run_from_before_columns_were_digitised_opens(bars_file: Path, bar_images: Images, tmp_path: Path) -> None:
    result = trained(bars_file, device="pcm")
    folder = result.save(tmp_path / "run")
    with np.load(folder / "arrays.npz") as kept:
        arrays = dict(kept)
    arrays["network_events"] = arrays["network_events"][:-1]  # the clipped ones, counted since then
    np.savez(folder / "arrays.npz", **arrays)
    run = synarray.open_run(folder)
    np.testing.assert_array_equal(run.predict(bar_images[0][:50]), result.predict(bar_images[0][:50]))
    assert run.energy().total == result.energy().total


def test_arrays_of_another_network_are_refused(bars_file: Path, tmp_path: Path) -> None:
    folder = trained(bars_file).save(tmp_path / "run")
    text = (folder / "experiment.toml").read_text("utf-8")
    (folder / "experiment.toml").write_text(text.replace("n_neurons = 12", "n_neurons = 18"), "utf-8")
    with pytest.raises(RunError, match=r"another network.*synarray train .*experiment\.toml"):
        synarray.open_run(folder).predict(np.zeros((1, 144)))


def test_a_folder_of_an_older_layout_is_refused_with_the_command_that_makes_it_again(
    bars_file: Path, tmp_path: Path
) -> None:
    folder = trained(bars_file).save(tmp_path / "run")
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    (folder / "provenance.json").write_text(json.dumps(provenance | {"format": FORMAT - 1}), "utf-8")
    with pytest.raises(
        RunError, match=rf"layout {FORMAT}: got layout {FORMAT - 1}.*synarray train {folder}/experiment"
    ):
        synarray.open_run(folder)


def test_save_never_overwrites(bars_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = trained(bars_file)
    assert [result.save(tmp_path / "a").name for _ in range(3)] == ["a", "a-2", "a-3"]
    monkeypatch.chdir(tmp_path)
    assert re.fullmatch(r"runs/local-fields-s0-[0-9a-f]{8}", result.save().as_posix())


def test_images_on_another_scale_are_said_to_be(bars_file: Path, bar_images: Images) -> None:
    result = trained(bars_file)
    result.predict(bar_images[0])
    with pytest.warns(UserWarning, match=r"from 0 to 0\.9.*trained on values from 0 to 255"):
        result.predict(bar_images[0] / 256.0)


# Cost and lifetime


def test_cost_and_lifetime_are_the_same_in_memory_and_on_disk(bars_file: Path, tmp_path: Path) -> None:
    result = trained(bars_file, device="pcm")
    folder = result.save(tmp_path / "run")
    run = synarray.open_run(folder)
    costs = [synarray.price(result), synarray.price(run), synarray.price(folder), result.energy(), run.energy()]
    assert len({cost.total for cost in costs}) == 1
    assert costs[0].total == sum(row.energy for row in costs[0].rows) > 0
    assert costs[0].summary()["total"] == costs[0].total
    assert any("not confirmed" in note or "confirmed" in note for note in costs[0].notes)
    assert repr(costs[0]).startswith("Price(pcm: ")
    assert synarray.price(run, "epiram").total != costs[0].total
    assert synarray.price(run, node="22 nm").total < costs[0].total
    assert result.lifetime().trainings == run.lifetime().trainings > 0
    with pytest.raises(synarray.SpecError, match="share"):
        run.lifetime(share=2.0)


def test_ideal_weights_have_no_price_and_no_lifetime(bars_file: Path) -> None:
    result = trained(bars_file)
    for ask in (result.energy, result.lifetime, lambda: synarray.price(result)):
        with pytest.raises(RunError, match=r"ideal weights.*device"):
            ask()


# What a person sees


@pytest.mark.parametrize("kind", ["ideal", "pair", "full field"])
def test_a_card_and_a_line_say_what_came_out(kind: str, bars_file: Path, tmp_path: Path) -> None:
    result = trained(bars_file, **KINDS[kind])
    run = synarray.open_run(result.save(tmp_path / "run"))
    for shown in (result, run):
        assert len(repr(shown)) < 160
        assert f"{result.accuracy:.2%} accuracy, {result.pulses:,} pulses" in repr(shown)
        html = shown._repr_html_()
        assert f"{result.accuracy:.2%}" in html
        assert f"{result.pulses:,}" in html
        assert ("J at 45 nm" in html) == (kind == "pair")
        png = base64.b64decode(re.search('base64,([^"]*)"', html)[1])  # type: ignore[index]
        assert png.startswith(b"\x89PNG")
        assert len(html) < 60_000


def test_a_card_escapes_what_a_file_says(bars_file: Path) -> None:
    result = trained(bars_file)
    result.notes.append("<script>alert(1)</script>")
    assert "<script>" not in result._repr_html_()


def test_an_untested_training_says_so(bar_images: Images) -> None:
    result = synarray.train(None, bar_images[0][:100], bar_images[1][:100], settings={"n_neurons": 12, "epochs": 1})
    assert result.accuracy is None
    assert "not tested" in repr(result)
    assert "not tested" in result._repr_html_()
    assert len(result.plot().axes) == 3  # weights and their scale, the curve; no confusion


def test_a_figure_shows_weights_curve_and_confusion(bars_file: Path, tmp_path: Path) -> None:
    result = trained(bars_file)
    run = synarray.open_run(result.save(tmp_path / "run"))
    for shown in (result, run):
        figure, content = shown.plot(), io.BytesIO()
        figure.savefig(content, format="png")
        assert len(figure.axes) == 5
        (axis,) = (axis for axis in figure.axes if axis.get_ylabel() == "true class")
        table = axis.images[0].get_array()
        assert np.nansum(table) == result.evaluation.n_images - np.trace(result.evaluation.confusion)


def test_the_sheet_of_fields_holds_the_weights(bars_file: Path) -> None:
    """Every weight of the busiest neuron is in the picture, at the place of its input."""
    from synarray.run.fields import fields_of

    result = trained(bars_file)
    stored = result.stored()
    field = fields_of(stored.arrays, result.image_shape, 1)[0]
    busiest = int(result.machine.spikes[result.machine.array.neurons(0)].argmax())
    inputs = result.retina.inputs[result.machine.groups[0].inputs]
    np.testing.assert_array_equal(field.reshape(-1)[inputs], result.weights[0][:, busiest])
    assert np.isnan(field).sum() == 144 - len(inputs)
