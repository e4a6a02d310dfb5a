"""The commands of a device of one's own: what fit writes is a device with draws, and exports come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import Command, everything_in, four_parts

from synarray.device.library import load_device
from synarray.errors import SpecError
from synarray.lab.posterior import load_posterior
from synarray.run.experiment import load_experiment

NUMBERS = (
    "g_min", "g_max", "n_levels_ltp", "n_levels_ltd", "nonlinearity_ltp", "nonlinearity_ltd", "sigma_c2c", "sigma_d2d",
    "sigma_read",
)  # fmt: skip
CELL = 'law = "linear"\ng_min = "1 uS"\ng_max = "2 uS"\n'


def test_a_fit_says_everything_and_writes_a_device_with_its_draws(command: Command, tmp_path: Path) -> None:
    command("device", "synth", "subquantum-cbram", "--devices", "6", "--cycles", "3", "-o", "pulses.csv")
    done = command("device", "fit", "pulses.csv", "-o", "mine.toml", "--out", "figures", "--json")
    assert (done.status, done.err) == (0, "")
    told = done.json
    for name in NUMBERS:
        assert told[f"{name}_low"] <= told[name] <= told[f"{name}_high"], name
    assert (told["law"], told["format"], told["rows_used"], told["rows_discarded"]) == (
        "soft-bound",
        "synarray",
        6 * 3 * 81,
        0,
    )
    assert len(told["verdict"]) >= 3
    assert all((tmp_path / file).read_bytes().startswith(b"\x89PNG") for file in told["figures"])
    device, draws = load_device(tmp_path / "mine.toml"), load_posterior(str(tmp_path / "mine.toml"))
    assert device.g_max == pytest.approx(told["g_max"], rel=1e-7)
    assert all(source.source for source in device.sources.values())
    assert "6 devices x 3 cycles" in device.sources["g_max"].source
    assert len(draws) == 50
    spread = np.array([draw.g_max for draw in draws])
    assert told["g_max_low"] < np.median(spread) < told["g_max_high"]
    assert spread.std() > 0
    assert command("devices", "show", "mine.toml").status == 0
    assert set(everything_in(tmp_path)) >= {"mine.toml", "figures/steps.png", "figures/fitted-curves.png"}


def test_a_fit_for_people_names_levels_repairs_and_files(command: Command) -> None:
    command("device", "synth", "pcmo", "--devices", "3", "--cycles", "2", "--format", "arc", "-o", "pulses.csv")
    words = " ".join(command("device", "fit", "pulses.csv").out.split())
    assert "usable levels between" in words
    assert "steeper than LTP" in words
    assert "Repaired: 2 lines of the instrument" in words
    assert "Warning: 3 devices only" in words
    assert "Device: pulses.toml" in words


def test_the_same_seed_gives_the_same_file_and_the_same_fit(command: Command, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        command("device", "synth", "epiram", "--devices", "3", "--cycles", "2", "--seed", "7", "-o", f"{name}/p.csv")
        command("device", "fit", f"{name}/p.csv", "-o", f"{name}/p.toml")
    for file in ("p.csv", "p.toml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_draws_are_no_part_of_a_devices_identity(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(CELL, "utf-8")
    (tmp_path / "two.toml").write_text(CELL + "[posterior]\ng_min = [1e-6, 1.1e-6]\n", "utf-8")
    one, two = (load_experiment("cbram-analog", {"device": str(tmp_path / f"{name}.toml")}) for name in ("one", "two"))
    assert one.identity == two.identity


def test_a_device_without_draws_has_none() -> None:
    assert load_posterior("subquantum-cbram") == []


def test_a_draw_takes_the_place_of_the_devices_numbers(tmp_path: Path) -> None:
    (tmp_path / "cell.toml").write_text(CELL + "[posterior]\ng_min = [1e-7, 2e-7]\nsigma_c2c = [0.1, 0]\n", "utf-8")
    found = load_posterior(str(tmp_path / "cell.toml"))
    assert [(draw.g_min, draw.g_max, draw.sigma_c2c) for draw in found] == [(1e-7, 2e-6, 0.1), (2e-7, 2e-6, 0.0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("posterior = 1", "table of lists"),
        ("[posterior]", "table of lists"),
        ("[posterior]\ng_top = [1e-6]", "name of a number"),
        ("[posterior]\nname = ['a']", "name of a number"),
        ("[posterior]\ng_min = 1e-6", "list of bare numbers"),
        ("[posterior]\ng_min = ['1 uS']", "list of bare numbers"),
        ("[posterior]\ng_min = [true]", "list of bare numbers"),
        ("[posterior]\ng_min = []", "equally long"),
        ("[posterior]\ng_min = [1e-7]\ng_max = [1e-6, 2e-6]", "equally long"),
        ("[posterior]\ng_min = [" + "1e-7," * 1001 + "]", "equally long"),
        ("[posterior]\nresponse = [[[0, 1], [0.1, 0.1]]]", "list of bare numbers"),
    ],
)
def test_a_posterior_that_is_none_is_refused_wherever_the_device_is_read(
    command: Command, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "cell.toml").write_text(CELL + text, "utf-8")
    message = four_parts(command("devices", "show", "cell.toml"))
    assert says in message["rule"]
    assert message["where"] == "cell.toml, table posterior"


@pytest.mark.parametrize("draws", ["g_min = [1e-7, 3e-6]", "g_min = [1e-7, nan]", "sigma_c2c = [0, -1]"])
def test_a_draw_that_is_no_device_is_refused_by_its_number(tmp_path: Path, draws: str) -> None:
    (tmp_path / "cell.toml").write_text(f"{CELL}[posterior]\n{draws}\n", "utf-8")
    with pytest.raises(SpecError, match="draw 2"):
        load_posterior(str(tmp_path / "cell.toml"))


@pytest.mark.parametrize(("kind", "exact"), [("neurosim", True), ("aihwkit", True), ("crosssim", False)])
def test_an_export_says_what_the_way_there_and_back_changes(
    command: Command, tmp_path: Path, kind: str, exact: bool
) -> None:
    """Parameters come back; a lookup table holds the steps, to 0.1 % of the range."""
    told = command("device", "export", "ag-a-si", "--format", kind, "-o", "out", "--json").json
    changes = {change["name"]: change for change in told["round_trip"]}
    assert all((tmp_path / file).is_file() for file in told["files"])
    assert changes["largest change of a step"]["after"] < (1e-12 if exact else 1e-3)
    for name in ("g_min", "g_max", *(("n_levels_ltp", "nonlinearity_ltd", "sigma_c2c") if exact else ())):
        assert changes[name]["relative"] < 1e-9


def test_an_exported_preset_can_be_imported(command: Command, tmp_path: Path) -> None:
    command("device", "export", "epiram", "--format", "aihwkit", "-o", "preset.json")
    told = command(
        "device", "import", "preset.json", "-o", "back.toml", "--g-min", "0.246 uS", "--g-max", "12.3 uS", "--json"
    ).json
    assert told["format"] == "aihwkit"
    back, device = load_device(tmp_path / "back.toml"), load_device("epiram")
    for name in ("g_min", "g_max", "n_levels_ltp", "nonlinearity_ltp", "nonlinearity_ltd", "sigma_c2c"):
        assert getattr(back, name) == pytest.approx(getattr(device, name), rel=1e-9)
    assert "v_ltp" in back.unconfirmed


def test_without_ngspice_the_cell_is_written_and_not_compared(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    told = command("device", "export", "ideal", "--format", "spice", "-o", "cell.cir", "--json").json
    assert told["round_trip"] == []
    assert "ngspice must be installed" in told["how"]
    assert ".subckt synarray_cell p n x" in (tmp_path / "cell.cir").read_text("utf-8")
