"""The library of devices and its commands: everything sourced, shown as it is, and bad files refused in four parts."""

from __future__ import annotations

import json
import os
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from command import Command, everything_in, four_parts
from pydantic import TypeAdapter

from synarray import files
from synarray.device.library import Device, device_names, load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.report.device_tables import devices_table

FOLDER = resources.files("synarray.device") / "library"
PAGE = Path(__file__).parents[2] / "docs" / "devices.md"
WORDS = {"name", "title", "technology", "note", "law", "gated"}
ASKED_FOR = {
    "subquantum-cbram", "metal-filament-cbram", "ag-a-si", "taox-tio2", "pcmo", "alox-hfo2", "epiram", "taox-hfox",
    "hzo-fefet", "pcm", "ecram", "stt-mram", "sram", "ideal",
}  # fmt: skip
SCHEMES = {"pcm": "pair", "stt-mram": "digital", "sram": "digital"}
CELL = 'name = "mine"\ng_min = "1 uS"\ng_max = "9 uS"\n'


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


# The library


def test_the_library_holds_the_devices_asked_for() -> None:
    assert set(device_names()) == ASKED_FOR


@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_every_number_of_the_library_stands_beside_its_source(name: str) -> None:
    """As written in the file, and as it arrives; bare units or powers never pass for a source."""
    device = load_device(name)
    numbers = {key: value for key, value in raw(name).items() if key not in WORDS}
    assert numbers.keys() == device.sources.keys()
    for key, value in numbers.items():
        assert len(value["source"]) >= 6
        assert device.sources[key].source == value["source"]
        assert device.sources[key].confirmed is value.get("confirmed", True)
        assert (
            not value["source"].startswith(("choice", "placeholder", "from memory"))
            or not device.sources[key].confirmed
        )


@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_a_device_of_the_library_says_all_that_its_energy_and_law_need(name: str) -> None:
    """Nothing that a pulse or a read depends on is left to a default."""
    given = raw(name)
    assert (given["name"], given["title"] != "", given["note"] != "") == (name, True, True)
    needed = {"g_min", "g_max", "v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read"}
    needed |= {"p_switch_ltp", "p_switch_ltd"} if given["law"] == "binary" else {"n_levels_ltp", "n_levels_ltd"}
    needed |= {"nonlinearity_ltp", "nonlinearity_ltd"} if given["law"] == "soft-bound" else set()
    assert needed <= given.keys()


@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_a_device_survives_being_written_and_read_again(name: str) -> None:
    device = load_device(name)
    assert DeviceSpec.read(device.model_dump(), "again") == device
    assert DeviceSpec.read(json.loads(device.model_dump_json()), "again") == device
    assert TypeAdapter(Device).validate_python(name) == device


def test_a_change_keeps_the_other_sources_and_drops_the_one_of_what_it_replaces() -> None:
    device: DeviceSpec = TypeAdapter(Device).validate_python({"base": "pcm", "sigma_c2c": 0.05})
    assert (device.sigma_c2c, device.g_max) == (0.05, load_device("pcm").g_max)
    assert device.sources.keys() == load_device("pcm").sources.keys() - {"sigma_c2c"}


def test_a_library_file_with_an_unsourced_number_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "mine.toml").write_text(
        'name = "mine"\ng_min = { value = "1 uS", source = "a paper" }\ng_max = "9 uS"\n', "utf-8"
    )
    monkeypatch.setattr(files.resources, "files", lambda _: tmp_path)
    message = four_parts(command("devices", "show", "mine"))
    assert "source" in message["rule"]
    assert "g_max" in message["where"]
    assert four_parts(command("devices", "list"))[0] == message[0]


# The commands


def test_help_names_the_commands_and_explains_their_options(command: Command) -> None:
    done = command("devices", "--help")
    assert (done.status, done.err) == (0, "")
    assert {"list", "show"} <= set(done.out.split())
    assert {"--json", "--out", "--format"} <= set(command("devices", "show", "--help").out.split())


def test_the_list_as_json_says_what_the_files_say(command: Command) -> None:
    done = command("devices", "list", "--json")
    assert (done.status, done.err) == (0, "")
    told = {device["name"]: device for device in done.json["devices"]}
    assert told.keys() == ASKED_FOR
    for name, device in told.items():
        given = raw(name)
        assert device["scheme"] == SCHEMES.get(name, "analog")
        assert (device["law"], device["title"], device["technology"]) == (
            given["law"],
            given["title"],
            given["technology"],
        )
        unconfirmed = {
            key for key, value in given.items() if isinstance(value, dict) and not value.get("confirmed", True)
        }
        assert set(device["unconfirmed"]) == unconfirmed
    assert told["ag-a-si"]["levels"] == {"ltp": 97, "ltd": 100}
    assert told["ag-a-si"]["unconfirmed"] == ["endurance", "endurance_shape"]
    assert (told["stt-mram"]["g_min"], told["stt-mram"]["g_max"]) == pytest.approx((1 / 24e3, 1 / 8e3), rel=1e-4)


def test_the_list_for_people_marks_what_nobody_confirmed(command: Command) -> None:
    done = command("devices", "list")
    lines = {name: next(line for line in done.out.splitlines() if f" {name} " in line) for name in ASKED_FOR}
    assert "?" not in lines["ag-a-si"]
    assert "200 nS? to 2.3 uS?" in lines["subquantum-cbram"]
    assert "19 of 19" in lines["subquantum-cbram"]
    assert "1.85 / -1.79" in lines["taox-tio2"]
    assert "1 %?" in lines["taox-tio2"]


@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_every_device_shows_its_numbers_sources_words_and_figures(command: Command, tmp_path: Path, name: str) -> None:
    told = command("devices", "show", name, "--json").json
    given = {key: value for key, value in raw(name).items() if key not in WORDS}
    assert {key: value["source"] for key, value in told["values"].items()} == {
        key: v["source"] for key, v in given.items()
    }
    for key, value in told["values"].items():
        assert value["confirmed"] is given[key].get("confirmed", True)
        whole = {"drift_t0": "s", "retention": "s", "retention_temperature": "K"}
        unit = whole.get(key) or {"g": "S", "v": "V", "t": "s", "e": "J"}.get(key.split("_")[0], "1")
        assert (value["unit"], isinstance(value["value"], float)) == (unit, True)
    assert told["values"]["v_ltp"]["value"] == load_device(name).v_ltp
    assert set(everything_in(tmp_path)) == {"devices", f"devices/{name}", *told["figures"]}
    assert all((tmp_path / file).read_bytes().startswith(b"\x89PNG") for file in told["figures"])
    assert len(told["words"]) >= 3
    assert len(told["pulse_response"]["mean"]) == len(told["pulse_response"]["up"]) + 1


def test_show_tells_people_the_same(command: Command) -> None:
    done = command("devices", "show", "subquantum-cbram")
    assert (done.status, done.err) == (0, "")
    joined = " ".join(done.out.split())
    assert "pulses follow the law exactly in the mean" in joined
    assert "State-blind pulses follow LTP within" in joined
    assert "█" in done.out
    assert "0.03 G0 for one Te atom" in done.out


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF-")])
def test_figures_go_where_and_as_they_are_asked_for(command: Command, tmp_path: Path, kind: str, start: bytes) -> None:
    told = command("devices", "show", "pcm", "--out", "here", "--format", kind, "--json").json
    assert told["figures"] == [f"here/pulse-response.{kind}", f"here/following.{kind}"]
    assert all((tmp_path / file).read_bytes().startswith(start) for file in told["figures"])


def test_a_file_of_ones_own_is_shown_with_what_it_does_not_say(command: Command, tmp_path: Path) -> None:
    table = 'law = "table"\nresponse = { x = [0, 0.5, 1], ltp = [0.1, 0.05, 0], ltd = [0.1, 0.1, 0.1] }\n'
    (tmp_path / "cell.toml").write_text(CELL + table, "utf-8-sig")
    told = command("devices", "show", "cell.toml", "--json").json
    assert told["name"] == "mine"
    assert told["values"]["g_max"] == {"value": 9e-6, "unit": "S", "source": None, "confirmed": False}
    assert told["values"]["response"]["value"]["ltp"] == [0.1, 0.05, 0]
    assert command("devices", "show", "cell.toml").out.count("no source given") == 3


def test_the_exact_law_has_no_pulse_response_but_is_shown(command: Command, tmp_path: Path) -> None:
    (tmp_path / "cell.toml").write_text(CELL + 'law = "exact"', "utf-8")
    told = command("devices", "show", "cell.toml", "--json").json
    assert (told["pulse_response"], told["figures"]) == (None, ["devices/mine/following.png"])
    assert any("no real device" in sentence for sentence in told["words"])


# The page about devices


def test_the_page_about_devices_has_the_list_that_the_command_prints() -> None:
    """Row by row; only line breaks in the head differ."""
    table = devices_table([load_device(name) for name in device_names()])
    page = PAGE.read_text("utf-8")
    for row in table.rows:
        assert "| " + " | ".join(str(cell) for cell in row) + " |" in page.splitlines()


def test_the_files_on_the_page_about_devices_can_be_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "cell.toml").write_text(block, "utf-8")
        assert load_device(tmp_path / "cell.toml").law in ("soft-bound", "table")


def test_the_page_about_devices_explains_every_key() -> None:
    page = PAGE.read_text("utf-8")
    assert not [key for key in DeviceSpec.model_fields.keys() - WORDS - {"sources"} if f"`{key}`" not in page]


# What is refused


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ('g_min = "9 uS"\ng_max = "9 uS"', "g_max", "must exceed g_min"),
        ('g_min = "9 uS"\ng_max = "1 uS"', "g_max", "must exceed g_min = 9 uS"),
        ('g_min = "-1 uS"', "g_min", "greater than or equal to 0"),
        ('g_max = "inf S"', "g_max", ""),
        ('g_max = "nan S"', "g_max", ""),
        ('t_ltp = "0 s"', "t_ltp", "greater than 0"),
        ('t_ltd = "-1 us"', "t_ltd", "greater than 0"),
        ('t_read = "-5 ns"', "t_read", "greater than 0"),
        ('drift_t0 = "0 s"', "drift_t0", "greater than 0"),
        ('retention = "-1 s"', "retention", "greater than 0"),
        ('v_ltp = "0 V"', "v_ltp", "must not be 0"),
        ('v_ltd = "0 V"', "v_ltd", "must not be 0"),
        ('v_read = "0 V"', "v_read", "greater than 0"),
        ('v_read = "-1 V"', "v_read", "greater than 0"),
        ('v_ltp = "1 kV"', "v_ltp", "20"),
        ("p_switch_ltp = 1.5", "p_switch_ltp", "less than or equal to 1"),
        ("p_switch_ltd = -0.1", "p_switch_ltd", "greater than 0"),
        ("p_fail = 1.0", "p_fail", "less than 1"),
        ("stuck_low = -0.1", "stuck_low", "greater than or equal to 0"),
        ("stuck_low = 0.6\nstuck_high = 0.6", "stuck_high", "at most 1"),
        ("sigma_c2c = -0.1", "sigma_c2c", "greater than or equal to 0"),
        ("sigma_c2c = nan", "sigma_c2c", "finite"),
        ("n_levels_ltp = 0", "n_levels_ltp", "greater than or equal to 1"),
        ("nonlinearity_ltp = 9.5", "nonlinearity_ltp", "9"),
        ('g_max = "5 V"', "g_max", "must be in S, not V"),
        ('v_ltp = "5 uS"', "v_ltp", "must be in V, not S"),
        ('t_ltp = "1 V"', "t_ltp", "must be in s, not V"),
        ("g_max = 5e-6", "g_max", "needs its unit"),
        ('g_max = "5"', "g_max", "without a unit"),
        ('sigma_c2c = "2 %"', "sigma_c2c", "number"),
        ('law = "cubic"', "law", "linear"),
        ('law = "table"', "response", "must be given"),
        ("response = { x = [0, 1], ltp = [0.1, 0.1], ltd = [0.1, 0.1] }", "response", "only for it"),
        ('sources = "mine"', "sources", "table of keys"),
        ('sources = { g_top = { source = "paper" } }', "sources", "g_top"),
        ('g_max = { value = "9 uS", source = "" }', "sources", "3"),
        ('g_max = { value = "9 uS", confirmed = true }', "sources", "must be given"),
    ],
)
def test_a_value_that_cannot_be_is_refused(command: Command, tmp_path: Path, text: str, key: str, says: str) -> None:
    (tmp_path / "cell.toml").write_text(text, "utf-8")
    message = four_parts(command("devices", "show", "cell.toml"))
    assert message["where"].startswith("cell.toml")
    assert key in message["where"]
    assert says.lower() in message["rule"].lower()
    assert set(everything_in(tmp_path)) == {"cell.toml"}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("x = [0, 0.5, 0.4, 1], ltp = [0.1, 0.1, 0.1, 0.1], ltd = [0.1, 0.1, 0.1, 0.1]", "x"),
        ("x = [0, 0.5, 0.5, 1], ltp = [0.1, 0.1, 0.1, 0.1], ltd = [0.1, 0.1, 0.1, 0.1]", "x"),
        ("x = [0.1, 1], ltp = [0.1, 0.1], ltd = [0.1, 0.1]", "x"),
        ("x = [0, nan, 1], ltp = [0.1, 0.1, 0.1], ltd = [0.1, 0.1, 0.1]", "x"),
        ("x = [0, 1], ltp = [nan, 0.1], ltd = [0.1, 0.1]", "ltp"),
        ("x = [0, 1], ltp = [-0.1, 0.1], ltd = [0.1, 0.1]", "ltp"),
        ("x = [0, 1], ltp = [0.1, 0.1], ltd = [0.1, 1.1]", "ltd"),
        ("x = [0, 1], ltp = [0.1, 0.1], ltd = [0, 0]", "ltd"),
        ("x = [0, 1], ltp = [0.1, 0.1], ltd = [0.1, 0.1, 0.1]", "ltd"),
        ("x = [0, 1], ltp = [0.1, 0.1]", "ltd"),
        ("x = [0], ltp = [0.1], ltd = [0.1]", "x"),
    ],
)
def test_a_table_that_cannot_be_is_refused(command: Command, tmp_path: Path, table: str, key: str) -> None:
    (tmp_path / "cell.toml").write_text(f'law = "table"\nresponse = {{ {table} }}', "utf-8")
    assert f"key response.{key}" in four_parts(command("devices", "show", "cell.toml"))["where"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("g_maximum = '9 uS'", "g_max"), ("sigma_d2d = 0.1", "sigma_d2d_"), ("nonlinearity = 1", "nonlinearity_lt")],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(
    command: Command, tmp_path: Path, text: str, meant: str
) -> None:
    (tmp_path / "cell.toml").write_text(text, "utf-8")
    assert f'Did you mean "{meant}' in four_parts(command("devices", "show", "cell.toml"))["do"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("subquantum", "subquantum-cbram"),
        ("PCM", "pcm"),
        ("stt_mram", "stt-mram"),
        ("taox-tio", "taox-tio2"),
        ("Ag:a-Si", "ag-a-si"),
    ],
)
def test_an_unknown_device_is_refused_with_the_one_that_was_meant(command: Command, name: str, meant: str) -> None:
    message = four_parts(command("devices", "show", name))
    assert f'Did you mean "{meant}"?' in message["do"]


def test_a_file_that_is_none_is_refused(command: Command, tmp_path: Path) -> None:
    """Missing, a folder, a device without end, too large, binary, no TOML, nested too deep, a name no file can have."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "endless.toml").symlink_to("/dev/zero")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 20) + b"#")
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    (tmp_path / "broken.toml").write_text("g_min = ", "utf-8")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000, "utf-8")
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("missing", "folder", "endless", "large", "binary", "broken", "deep", "pipe", "x" * 300):
        message = four_parts(command("devices", "show", f"{name}.toml"))
        assert message["where"] == f"{name}.toml"
    assert four_parts(command("devices", "show", ""))["where"] == "device"
    assert "devices" not in everything_in(tmp_path)


def test_a_format_or_folder_that_cannot_be_is_refused(command: Command, tmp_path: Path) -> None:
    assert "png" in four_parts(command("devices", "show", "pcm", "--format", "jpg"))["rule"]
    assert four_parts(command("devices", "show", "pcm", "--out", ""))["where"] == "--out"
    (tmp_path / "file").write_text("", "utf-8")
    assert four_parts(command("devices", "show", "pcm", "--out", "file"))["where"] == "file"


@pytest.mark.parametrize(
    "value", [{"base": 3}, {"base": "pcm", "sources": 3}, {"base": "pmc"}, {"base": {"base": []}}, 3, ["pcm"]]
)
def test_a_device_in_an_experiment_that_cannot_be_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"base|Did you mean|dictionary|instance"):
        TypeAdapter(Device).validate_python(value)


def test_python_refuses_in_four_parts_too() -> None:
    with pytest.raises(SpecError, match=r"g_max must exceed g_min = 9 uS, not be 1 uS"):
        DeviceSpec(g_min=9e-6, g_max=1e-6)
