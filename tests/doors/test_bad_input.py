"""Everything a hostile or hurried user may type: refused with exit status 2, in four parts, with nothing left behind.

The four parts: the rule, what came, where it came from, what to do. In Python the same things raise the package's errors.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import shutil
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import annotated_types
import numpy as np
import numpy.typing as npt
import pytest
from command import Command, everything_in, four_parts, process
from pydantic import BaseModel

import synarray
from synarray import train
from synarray.errors import DataError, RunError, SpecError, SynarrayError, nearest
from synarray.run.experiment import ExperimentSpec, experiment_names, load_experiment, parse_setting, task_images
from synarray.run.opened import open_run
from synarray.units import parse_quantity

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
NO_IMAGES, NO_LABELS = np.zeros((0, 12, 12), np.uint8), np.zeros(0, int)
DARK = np.zeros((160, 12, 12), np.uint8)
FIVE = np.zeros(5, int)


@pytest.fixture
def refused(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., re.Match[str]]:
    """Run a command that must be refused; return the four parts of its message."""

    def train_but_not_mnist(spec: ExperimentSpec, *arguments: Any, **options: Any) -> object:
        if spec.data == "mnist":
            pytest.fail("a training was started")
        return train(spec, *arguments, **options)

    monkeypatch.setattr("synarray.learn.training.train", train_but_not_mnist)
    monkeypatch.setattr("synarray.paper.reproduce.train", train_but_not_mnist)

    def run(*arguments: str) -> re.Match[str]:
        before = everything_in(tmp_path)
        done = command(*arguments)
        message = four_parts(done)
        now = everything_in(tmp_path)
        assert {path: content for path, content in now.items() if content is not None or path in before} == before
        return message

    return run


Refused = Callable[..., re.Match[str]]


# Keys and types in a file


@pytest.mark.parametrize(
    ("text", "wrong", "meant"),
    [
        ("epohcs = 3", "epohcs", "epochs"),
        ("n_neuron = 3", "n_neuron", "n_neurons"),
        ("[prunning]\nfraction = 0.5", "prunning", "pruning"),
        ("[pruning]\nfracton = 0.5", "pruning.fracton", "fraction"),
        ("[encoding]\ntwindow = '10 ms'", "encoding.twindow", "t_window"),
        ("[fields]\nkinds = 'full'", "fields.kinds", "kind"),
        ("[readout]\nlabelwindows = 3", "readout.labelwindows", "label_windows"),
        ("pruning.Mode = 'soft'", "pruning.Mode", "mode"),
    ],
)
def test_an_unknown_key_is_named_with_the_one_that_was_meant(
    refused: Refused, tmp_path: Path, text: str, wrong: str, meant: str
) -> None:
    (tmp_path / "my.toml").write_text(text, "utf-8")
    message = refused("train", "my.toml")
    assert f'"{wrong}"' in message["rule"]
    assert "my.toml" in message["where"]
    assert f'Did you mean "{meant}"?' in message["do"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('epochs = "many"', "epochs"),
        ('epochs = "3"', "epochs"),
        ("epochs = [3]", "epochs"),
        ("epochs = {}", "epochs"),
        ("epochs = 1979-05-27", "epochs"),
        ("epochs = true", "epochs"),
        ("epochs = 1.5", "epochs"),
        ("seed = 1e300", "seed"),
        ("data = 3", "data"),
        ("note = ['a']", "note"),
        ("images = false", "images"),
        ("pruning = 'soft'", "pruning"),
        ("pruning = 3", "pruning"),
        ("pruning = [1]", "pruning"),
        ("[pruning]\nmode = 1", "pruning.mode"),
        ("[pruning]\nfraction = '0.5'", "pruning.fraction"),
        ("[pruning]\nfraction = true", "pruning.fraction"),
        ("[fields]\ngrid = 3", "fields.grid"),
        ("[fields]\ngrid = [3]", "fields.grid"),
        ("[fields]\ngrid = [3, 2, 1]", "fields.grid"),
        ("[fields]\ngrid = '3x2'", "fields.grid"),
        ("[fields]\ngrid = [3, 2.5]", "fields.grid"),
        ("[fields]\npitch = [0.3, 'a']", "fields.pitch"),
        ("[encoding]\ngain_control = 'yes'", "encoding.gain_control"),
        ("[encoding]\ngain_control = 1", "encoding.gain_control"),
        ("[encoding]\ngain_control = 'maybe'", "encoding.gain_control"),
        ("[cell]\nstep = 'exakt'", "cell.step"),
        ("[cell]\nstep = true", "cell.step"),
        ("[cell]\nn_levels = '4'", "cell.n_levels"),
        ('name = "../escape"', "name"),
        ('name = ""', "name"),
        ('name = "a/b"', "name"),
        ("name = '.hidden'", "name"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_key(refused: Refused, tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "my.toml").write_text(text, "utf-8")
    message = refused("train", "my.toml")
    assert key in message["rule"]
    assert "my.toml" in message["where"]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "+nan"])
@pytest.mark.parametrize("key", ["stdp.a", "cell.step", "pruning.fraction", "neuron.beta", "epochs", "fields.share"])
def test_what_is_no_finite_number_is_refused(refused: Refused, tmp_path: Path, key: str, number: str) -> None:
    (tmp_path / "my.toml").write_text(f"{key} = {number}", "utf-8")
    message = refused("train", "my.toml")
    assert key in message["rule"]
    assert number.strip("+-") in message["got"]


BOUNDS = (("ge", "below", -1), ("gt", "below", 0), ("le", "above", 1), ("lt", "above", 0))


def numeric_keys(kind: type[BaseModel] = ExperimentSpec, prefix: str = "") -> Iterator[tuple[str, str, float]]:
    """Every bounded number of an experiment: its key, "below" or "above", and the nearest value that is not allowed."""
    for name, field in kind.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from numeric_keys(field.annotation, f"{key}.")
            continue
        for number, bounds in numbers(field.annotation, field.metadata):
            for bound in bounds:
                for attribute, side, sign in BOUNDS:
                    limit = getattr(bound, attribute, None)
                    if limit is not None:
                        step = 1 if number is int else max(1e-9, 1e-6 * abs(limit))
                        yield key, side, number(limit + sign * step)


def numbers(annotation: Any, metadata: list[Any]) -> Iterator[tuple[type, list[Any]]]:
    """Find the number types in an annotation, each with the bounds that apply to it."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from numbers(inner, [*metadata, *more])
    elif get_origin(annotation) in (Union, types.UnionType, tuple):
        for part in get_args(annotation):
            yield from numbers(part, metadata)
    elif annotation in (int, float):
        unpacked = [bound for item in metadata for bound in (getattr(item, "metadata", None) or [item])]
        yield annotation, [bound for bound in unpacked if isinstance(bound, annotated_types.BaseMetadata)]


OUT_OF_RANGE = sorted(set(numeric_keys()))
QUANTITIES = {
    **dict.fromkeys(
        ("encoding.dt", "encoding.t_window", "encoding.t_present", "readout.wait", "checkpoint.seconds"), "s"
    ),
    **dict.fromkeys(
        (f"array.wires.r_{part}" for part in ("wire", "row", "column", "driver", "sense", "access")), "ohm"
    ),
    "encoding.rate_max": "Hz",
}


def test_the_bounds_of_all_numbers_were_found() -> None:
    keys = {key for key, _, _ in OUT_OF_RANGE}
    assert len(keys) >= 35
    assert keys >= {"epochs", "images", "fields.grid", "cell.step", "cell.n_levels", "stdp.w_start", *QUANTITIES}
    assert ("epochs", "below", 0) in OUT_OF_RANGE
    assert ("seed", "above", 2**32) in OUT_OF_RANGE


@pytest.mark.parametrize(("key", "side", "value"), OUT_OF_RANGE)
def test_a_number_out_of_range_is_refused_by_its_key(
    refused: Refused, tmp_path: Path, key: str, side: str, value: float
) -> None:
    units = QUANTITIES | {"array.temperature": "K"}  # whose other errors speak of absolute zero
    text = f'"{value} {units[key]}"' if key in units else str(value)
    text = f"[1, {text}]" if key in ("fields.grid", "fields.pitch") else text
    (tmp_path / "my.toml").write_text(f"{key} = {text}", "utf-8")
    message = refused("train", "my.toml")
    assert key in message["rule"]
    assert (
        "above absolute zero" if value == 0 and "K" in text else "greater" if side == "below" else "less"
    ) in message["rule"]
    assert "my.toml" in message["where"]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (["device=pcm", "array.adc_bits=1"], "array.adc_bits"), (["device=pcm", "array.adc_bits=13"], "array.adc_bits"),
        (["device=pcm", "array.adc_bits=6.5"], "array.adc_bits"), (["device=pcm", "array.adc_bits=six"], "array.adc_bits"),
        (["device=pcm", "array.adc_bits=true"], "array.adc_bits"), (["device=pcm", "array.adc_range=0.5"], "array.adc_range"),
        (["device=pcm", "array.adc_bits=6", "array.adc_range=0"], "array.adc_range"),
        (["array.adc_bits=6"], "array.adc_bits"), (["device=sram", "array.adc_bits=6"], "array.adc_bits"),
        (["device=taox-tio2", "array.adc_bits=6", "array.rows=40", "array.count=9"], "array"),
    ],
)  # fmt: skip
def test_converters_that_cannot_be_are_refused(
    command: Command, tmp_path: Path, bar_images: Images, settings: list[str], key: str
) -> None:
    x, y = bar_images
    np.savez(tmp_path / "bars.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    given = ["data=bars.npz", "n_neurons=12", *settings]
    message = four_parts(command("train", "full-field", *(part for setting in given for part in ("--set", setting))))
    assert key in message["rule"] + message["where"]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("key", QUANTITIES)
@pytest.mark.parametrize("value", ["0.01", "10", "0", "true", "-1e-3"])
def test_a_bare_number_where_a_unit_is_due_is_refused(refused: Refused, tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "my.toml").write_text(f"{key} = {value}", "utf-8")
    message = refused("train", "my.toml")
    assert f"{key} needs its unit" in message["rule"]
    assert f'{QUANTITIES[key]}"' in message["rule"]


@pytest.mark.parametrize("key", QUANTITIES)
@pytest.mark.parametrize(
    "value", ["10 V", "10", "ten", "", "10 m s", "10 ms ms", "1 min", "s", "0x10 s", "10 S", "--1 s"]
)
def test_a_wrong_unit_is_refused_with_the_right_one(refused: Refused, tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "my.toml").write_text(f'{key} = "{value}"', "utf-8")
    message = refused("train", "my.toml")
    assert key in message["rule"]
    assert re.search(rf"\bin {QUANTITIES[key]}\b", message["rule"])
    assert repr(value) in message["got"]


@pytest.mark.parametrize("value", ["nan s", "inf s", "-inf s", "1e400 s", "-10 ms", "0 ms"])
def test_a_time_that_is_no_positive_number_is_refused(refused: Refused, tmp_path: Path, value: str) -> None:
    (tmp_path / "my.toml").write_text(f'encoding.t_window = "{value}"', "utf-8")
    assert "encoding.t_window" in refused("train", "my.toml")["rule"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('encoding.t_window = "10.5 ms"', "encoding.t_window"),
        ('encoding.t_present = "45 ms"', "encoding.t_present"),
        ('encoding.rate_max = "2 kHz"', "rate_max"),
        ('encoding.dt = "20 ms"', "encoding.t_window"),
        ('pruning.mode = "soft"', "pruning.mode"),
        ("[pruning]\nmode = 'soft'\nfraction = 0.5\nstart = 0.9\nend = 0.1", "pruning.start"),
    ],
)
def test_values_that_contradict_each_other_are_refused(refused: Refused, tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "my.toml").write_text(text, "utf-8")
    message = refused("train", "my.toml")
    assert named in message["rule"]
    assert "my.toml" in message["where"]


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (["neuron.beta=1e-09"], "neuron.beta should be greater"),  # a softmax table of terabytes
        (["neuron.beta=0.001", "neuron.beta_start=1e-9"], "neuron.beta should be greater"),
        (["neuron.beta_start=1e-09"], "neuron.beta_start should be greater"),
        (["cell.step=1e-09"], "cell.step should be greater"),  # more pulses at a time than a number holds
        (["encoding.dt=1e-300 s"], "encoding.dt should be greater"),  # no spike ever
        (["encoding.t_present=1e9 s"], "encoding.t_present must not hold more than 1000 output spikes"),
    ],
)
def test_numbers_that_no_machine_could_carry_out_are_refused(
    refused: Refused, small: list[str], settings: list[str], rule: str
) -> None:
    message = refused("train", *small, *(part for setting in settings for part in ("--set", setting)))
    assert message["rule"].startswith(rule)
    assert settings[0].partition("=")[2] in message["got"]


# The file itself


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"this is not toml", "at line 1, column 6"),
        (b"epochs = ", "Invalid value"),
        (b"epochs = 1\nepochs = 2", "Cannot overwrite a value"),
        (b"[pruning\nmode = 'soft'", "at line 1, column 9"),
        (b"{'epochs': 1}", "at line 1, column 1"),
        (b"name = 'a\0b'", "invalid character"),
        (b"\0" * 100, "at line 1, column 1"),
        (bytes(range(256)), "bytes that are not"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "bytes that are not"),
        ("epochs = 1".encode("utf-16"), "bytes that are not"),
        ("note = 'stäbe'".encode("latin-1"), "bytes that are not"),
        (b"a = " + b"[" * 5000, "nested too deep"),
        (b"a." * 3000 + b"a = 1", "a key of more than 1,000 parts"),
        (b"epochs = 1" + b"0" * 5000, "a number of more than"),
    ],
    ids=lambda part: repr(part[:12]) if isinstance(part, bytes) else "",
)
def test_a_file_that_is_no_toml_is_refused(refused: Refused, tmp_path: Path, content: bytes, got: str) -> None:
    (tmp_path / "my.toml").write_bytes(content)
    message = refused("train", "my.toml")
    assert message["rule"] == f"an experiment file must be {'text in UTF-8' if got.startswith('bytes') else 'TOML'}"
    assert got in message["got"]
    assert message["where"] == "my.toml"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only a remark\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_no_experiment(refused: Refused, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.toml").write_bytes(content)
    message = refused("train", "my.toml")
    assert message["rule"] == "an experiment file must set at least one key"
    assert message["where"] == "my.toml"


@pytest.mark.parametrize(
    ("name", "meant"), [("ful-field", "full-field"), ("local-feilds", "local-fields"), ("softpruned", "soft-pruned")]
)
def test_an_unknown_experiment_is_answered_with_the_nearest(refused: Refused, name: str, meant: str) -> None:
    message = refused("train", name)
    assert f'"{name}"' in message["got"]
    assert f'Did you mean "{meant}"?' in message["do"]


@pytest.mark.parametrize(
    ("name", "got"),
    [
        (".", "a folder"),
        ("/", "a folder"),
        ("x" * 5000, "File name too long"),
        ("loop.toml", "symbolic links"),
        ("my.toml/sub", "Not a directory"),
    ],
)
def test_what_cannot_be_read_as_a_file_is_refused(refused: Refused, tmp_path: Path, name: str, got: str) -> None:
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    (tmp_path / "my.toml").touch()
    message = refused("train", name)
    assert message["rule"] == "an experiment file must be readable"
    assert got in message["got"]
    assert (message["where"], message["do"]) == (name, "Check the path and its rights.")


def test_the_folder_of_a_run_is_answered_with_its_experiment(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "experiment.toml").touch()
    assert "Give run/experiment.toml to train that experiment again" in refused("train", "run")["do"]


@pytest.mark.parametrize("name", ["nowhere.toml", "no/such/folder.toml", ""])
def test_a_name_of_nothing_is_refused(refused: Refused, name: str) -> None:
    """The empty one as from ``synarray train "$EXPERIMENT"`` with the variable unset: it does not mean the default."""
    message = refused("train", name)
    assert message["rule"] == "an experiment must be a TOML file or a known name"
    assert message["got"] == f'"{name}"'
    assert "local-fields" in message["do"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "my.toml").touch(mode=0o000)
    message = refused("train", "my.toml")
    assert message["where"] == "my.toml"
    assert "Permission" in message["got"]


@pytest.mark.parametrize(
    ("base", "rule", "got"),
    [
        ('"my.toml"', "base must name an experiment, at most 8 deep", "'my.toml'"),
        ('"up.toml"', "base must name an experiment, at most 8 deep", "'up.toml'"),
        ("3", "base must name an experiment", "3"),
        ('["full-field"]', "base must name an experiment", "['full-field']"),
        ("{}", "base must name an experiment", "{}"),
        ('"nonsense"', "an experiment must be a TOML file or a known name", '"nonsense"'),
        ('""', "an experiment must be a TOML file or a known name", '""'),
        ('"."', "an experiment file must be readable", "no ordinary file: a folder"),
    ],
)
def test_a_base_that_leads_nowhere_is_refused(refused: Refused, tmp_path: Path, base: str, rule: str, got: str) -> None:
    (tmp_path / "my.toml").write_text(f"base = {base}", "utf-8")
    (tmp_path / "up.toml").write_text('base = "my.toml"', "utf-8")
    message = refused("train", "my.toml")
    assert message["rule"].startswith(rule)
    assert (message["got"], message["where"]) == (got, "my.toml, key base")


# Settings on the command line


@pytest.mark.parametrize("setting", ["epochs", "", "=3", " = 3", ".=1", "epochs.=1", ".epochs=1", "pruning..mode=1"])
def test_a_setting_must_read_key_equals_value(refused: Refused, small: list[str], setting: str) -> None:
    message = refused("train", *small, "--set", setting)
    assert message["rule"] == "a setting must read key=value"
    assert (message["got"], message["where"]) == (repr(setting), "--set")


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("pruning=soft", "pruning"),
        ("pruning.mode.x=1", "mode"),
        ("fields.grid.0=3", "grid"),
        ("seed.x.y=1", "seed"),
        ("epochs=", "epochs"),
        ("epochs=one", "epochs"),
        ("epochs=0", "epochs"),
        ("epochs=-1", "epochs"),
        ("epochs=99999999999999999999", "epochs"),
        ("pruning.fraction=1.0000001", "pruning.fraction"),
        ("encoding.t_window=0.01", "encoding.t_window"),
        ("fields.kind=locl", "fields.kind"),
        ("images=none", "images"),
        ("base=full-field", "base"),
        ("__class__=1", "__class__"),
        ("model_config=1", "model_config"),
        ("epochs=1\nseed=2", "epochs"),
    ],
)
def test_a_setting_that_is_not_allowed_is_refused(refused: Refused, small: list[str], setting: str, named: str) -> None:
    message = refused("train", *small, "--set", setting)
    assert named in message["rule"]
    assert "--set" in message["where"]


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_seed_beyond_its_range_is_refused(refused: Refused, small: list[str], seed: str) -> None:
    assert "seed" in refused("train", *small, "--seed", seed)["rule"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["trian"],
        ["train", "--sed", "1"],
        ["train", "--seed", "x"],
        ["train", "--seed", "1.5"],
        ["train", "full-field", "local-fields"],
        ["train", "--set"],
        ["show"],
        ["show", "run", "--neurons", "0"],
        ["reproduce", "--seeds", "0"],
        ["reproduce", "--seeds", "1001"],
        ["reproduce", "--workers", "0"],
        ["--verison"],
    ],
)
def test_a_command_line_that_cannot_be_parsed_gets_its_usage(
    command: Command, tmp_path: Path, arguments: list[str]
) -> None:
    done = command(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(("Usage: synarray", "Error: "))
    assert everything_in(tmp_path) == {}


def test_debug_shows_the_traceback(command: Command) -> None:
    with pytest.raises(SpecError):
        command("train", "no-such-experiment", "--debug")


# The task


@pytest.mark.parametrize("setting", ["images=161", "images=1000000000", "validation=160", "validation=100000"])
def test_more_images_than_there_are_are_refused(refused: Refused, small: list[str], setting: str) -> None:
    message = refused("train", *small, "--set", setting)
    assert setting.split("=")[0] in message["where"]
    assert "160" in message["got"]


def test_images_and_validation_together_may_not_exceed_what_there_is(refused: Refused, small: list[str]) -> None:
    assert "of 60" in refused("train", *small, "--set", "validation=100", "--set", "images=61")["got"]


@pytest.mark.parametrize("setting", ["images=0", "images=-5", "validation=-1"])
def test_a_number_of_images_must_not_be_negative_or_none(refused: Refused, small: list[str], setting: str) -> None:
    assert setting.split("=")[0] in refused("train", *small, "--set", setting)["rule"]


@pytest.mark.parametrize(("n", "grid"), [(1, "[3, 2]"), (5, "[3, 2]"), (12, "[4, 4]")])
def test_fewer_neurons_than_groups_are_refused(refused: Refused, small: list[str], n: int, grid: str) -> None:
    message = refused("train", *small, "--set", f"n_neurons={n}", "--set", f"fields.grid={grid}")
    assert "n_neurons" in message["where"]


@pytest.mark.parametrize(
    ("setting", "rule", "got", "where"),
    [
        ("inputs.level=254", "at least one feature must exceed 254/255", "none that does", "inputs.level"),
        ("data=nowhere", "data must be a built-in name or an existing path", '"nowhere"', "data"),
        ("data=mnits", "data must be a built-in name or an existing path", '"mnits"', "data"),
        ("data=~nobody/x", "data must be a built-in name or an existing path", '"~nobody/x"', "data"),
        ("data=", "data must be a built-in name or a path", "''", "data"),
        ("data=/", "a data folder must hold four IDX files", "no train-images-idx3-ubyte", "/"),
        ("data=my.npy", "data must be a folder of IDX files or an .npz file", '".npy"', "my.npy"),
    ],
)
def test_data_that_cannot_be_used_is_refused(
    refused: Refused, small: list[str], tmp_path: Path, setting: str, rule: str, got: str, where: str
) -> None:
    np.save(tmp_path / "my.npy", np.zeros(3))
    message = refused("train", *small, "--set", setting)
    assert message["rule"].startswith(rule)
    assert got in message["got"]
    assert where in message["where"]


@pytest.mark.parametrize(
    ("change", "rule", "got", "where"),
    [
        ({"y_train": np.zeros(160, int)}, "training needs at least two classes", "0 alone", "y_train"),
        ({"x_train": NO_IMAGES, "y_train": NO_LABELS}, "there must be at least one image", "(0, 12, 12)", "x_train"),
        ({"x_test": NO_IMAGES, "y_test": NO_LABELS}, "there must be at least one image", "(0, 12, 12)", "x_test"),
        ({"x_train": DARK}, "at least one feature must exceed 1/255", "none that does", "inputs.level"),
        ({"x_test": np.ones((60, 5, 5), np.uint8)}, "the same size", "(12, 12) and (5, 5)", "x_test"),
        ({"y_test": np.full(60, 9)}, "classes seen in training", "9, but training has 0, 1, 2, 3", "y_test"),
        ({"y_train": np.zeros(3, int)}, "one label for each image", "3 labels for 160 images", "y_train"),
        ({"x_train": np.full(DARK.shape, np.nan)}, "pixels must be finite", "23,040", "x_train"),
    ],
    ids=lambda part: "+".join(part) if isinstance(part, dict) else "",
)
def test_a_file_of_unusable_data_is_refused(
    refused: Refused, small: list[str], bars_file: Path, tmp_path: Path, change: dict[str, npt.NDArray[Any]],
    rule: str, got: str, where: str,
) -> None:  # fmt: skip
    with np.load(bars_file) as bars:
        np.savez(tmp_path / "bad.npz", **{**bars, **change})
    message = refused("train", *small, "--set", "data=bad.npz")
    assert rule in message["rule"]
    assert got in message["got"]
    assert message["where"].endswith(where) or message["where"].startswith(where)


def test_a_single_class_by_chance_is_refused(refused: Refused, small: list[str]) -> None:
    assert refused("train", *small, "--set", "images=1")["rule"] == "training needs at least two classes"


# Where results go


def too_late(*_: object, **__: object) -> None:
    pytest.fail("a run was started")


@pytest.mark.parametrize("out", ["file", "file/sub", "file/sub/deeper", "n" * 300, "", "/", "/proc/nothing/run"])
def test_a_folder_that_cannot_be_written_is_refused_before_training(
    refused: Refused, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr("synarray.learn.training.train", too_late)
    (tmp_path / "file").write_text("precious", "utf-8")
    message = refused("train", *small, "--out", out)
    assert message["rule"] == f"the folder for results must {'be writable' if out else 'have a name'}"
    assert message["where"] == (out or "--out")
    assert "--out" in message["do"]


@pytest.mark.parametrize("link", ["dangling", "to-empty"])
def test_a_link_in_the_place_of_the_run_is_refused_before_training_or_followed(
    command: Command, small: list[str], tmp_path: Path, link: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "to-empty").symlink_to("empty")
    done = command("train", *small, "--out", link)
    assert done.status == 0 or "images of" not in done.err  # a finished training is never thrown away


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("n_neurons=3", "every group needs at least one neuron"),
        ("data=nowhere", "data must be"),
        ("images=161", "images must not exceed"),
        ("images=1", "training needs at least two classes"),
    ],
)
@pytest.mark.parametrize("out", [[], ["--out", "new/folder/run"]])
def test_a_refused_run_leaves_no_folder_behind(
    refused: Refused, small: list[str], setting: str, rule: str, out: list[str]
) -> None:
    assert refused("train", *small, "--set", setting, *out)["rule"].startswith(rule)


def test_a_pipe_in_the_place_of_the_run_is_refused(refused: Refused, small: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    message = refused("train", *small, "--out", "pipe")
    assert message["rule"] == "the folder for results must be writable"
    assert message["where"] == "pipe"


def test_a_name_that_is_no_text_is_kept_or_refused_in_words(small: list[str], bars_file: Path, tmp_path: Path) -> None:
    """File names are bytes; those that are no UTF-8 reach Python as lone surrogates, which no file of text can hold."""
    name = os.fsdecode(b"b\xe9.npz")
    (tmp_path / name).write_bytes(bars_file.read_bytes())
    for settings in (["--set", f"data={name}"], ["--set", f"note={name}"]):
        done = process("train", *small, *settings, "--out", "run", folder=tmp_path)
        if done.status == 0:
            assert process("train", "run/experiment.toml", folder=tmp_path).status == 0
        else:
            assert "must be text that UTF-8 can hold" in four_parts(done)["rule"]
            assert not (tmp_path / "run").exists()


# show


def test_a_folder_that_is_no_run_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name in ("empty", "file", "nowhere", ".", "file/sub", "n" * 300, ""):
        assert "experiment.toml" in refused("show", name)["rule"]


@pytest.mark.parametrize("kind", ["gif", "PNG", "", "png;svg"])
def test_an_unknown_figure_format_is_refused(refused: Refused, finished_run: Path, kind: str) -> None:
    assert "--format" in refused("show", str(finished_run), "--out", "figures", "--format", kind)["where"]


UNWRITABLE = [
    ("file", "File exists"),
    ("file/sub", "Not a directory"),
    ("/proc/nothing", "No such file or directory"),
]
"""Places where no folder can be made, and why."""


@pytest.mark.parametrize(("out", "got"), UNWRITABLE)
def test_figures_that_cannot_be_written_are_refused(
    refused: Refused, finished_run: Path, tmp_path: Path, out: str, got: str
) -> None:
    (tmp_path / "file").write_text("precious", "utf-8")
    message = refused("show", str(finished_run), "--out", out)
    assert message["rule"] == "the folder for figures must be writable"
    assert (message["got"], message["where"]) == (got, out)


def rewrite(path: Path, **changes: Any) -> None:
    """Change arrays of an .npz; None leaves one out."""
    with np.load(path) as stored:
        arrays = {**stored, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwrite(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(60) + content[260:])


def save_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "arrays cut in half": ("arrays.npz", cut),
    "arrays overwritten": ("arrays.npz", overwrite),
    "arrays empty": ("arrays.npz", lambda path: path.write_bytes(b"")),
    "arrays no zip": ("arrays.npz", lambda path: path.write_bytes(b"hello" * 100)),
    "arrays a single array": ("arrays.npz", save_array),
    "arrays pickled": ("arrays.npz", lambda path: rewrite(path, w=np.array([{}], object))),
    "no array": ("arrays.npz", lambda path: np.savez(path)),
    "weights missing": ("arrays.npz", lambda path: rewrite(path, w=None)),
    "image shape missing": ("arrays.npz", lambda path: rewrite(path, image_shape=None)),
    "history missing": ("arrays.npz", lambda path: rewrite(path, history_pulses=None)),
    "history of unequal length": ("arrays.npz", lambda path: rewrite(path, history_pulses=np.zeros(99))),
    "weights too few": ("arrays.npz", lambda path: rewrite(path, w=np.zeros((3, 3), np.float32))),
    "image shape too small": ("arrays.npz", lambda path: rewrite(path, image_shape=np.array([5, 5]))),
    "metrics no JSON": ("metrics.json", lambda path: path.write_text("{not json", "utf-8")),
    "metrics cut in half": ("metrics.json", cut),
    "metrics empty": ("metrics.json", lambda path: path.write_text("", "utf-8")),
    "metrics a list": ("metrics.json", lambda path: path.write_text("[]", "utf-8")),
    "metrics without a key": ("metrics.json", lambda path: path.write_text("{}", "utf-8")),
    "metrics of words": ("metrics.json", lambda path: path.write_text('{"accuracy": "high"}', "utf-8")),
    "metrics nested too deep": ("metrics.json", lambda path: path.write_text("[" * 100_000, "utf-8")),
    "metrics no text": ("metrics.json", lambda path: path.write_bytes(bytes(range(128, 256)))),
    "metrics a folder": ("metrics.json", lambda path: (path.unlink(), path.mkdir())),
    "layout 99": ("provenance.json", lambda path: path.write_text('{"format": 99}', "utf-8")),
    "layout in words": ("provenance.json", lambda path: path.write_text('{"format": "1"}', "utf-8")),
    "layout missing": ("provenance.json", lambda path: path.write_text("[1]", "utf-8")),
    "provenance no JSON": ("provenance.json", lambda path: path.write_text("", "utf-8")),
    "experiment no TOML": ("experiment.toml", lambda path: path.write_text("not toml", "utf-8")),
    "experiment no text": ("experiment.toml", lambda path: path.write_bytes(bytes(range(128, 256)))),
    "experiment with an unknown key": ("experiment.toml", lambda path: path.write_text("epohcs = 1", "utf-8")),
    "experiment gone": ("experiment.toml", Path.unlink),
    "metrics gone": ("metrics.json", Path.unlink),
    "arrays gone": ("arrays.npz", Path.unlink),
    "provenance gone": ("provenance.json", Path.unlink),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_refused_by_its_name(
    refused: Refused, finished_run: Path, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    file, break_it = DAMAGE[damage]
    break_it(tmp_path / "run" / file)
    message = refused("show", "run")
    assert file in message["got"] + message["where"]
    assert not re.search(r"[a-z]Error\b|_Metrics|pydantic", message[0])
    if file != "experiment.toml":
        with pytest.raises(RunError):
            open_run(tmp_path / "run")


def test_the_found_layout_is_named(refused: Refused, finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    (tmp_path / "run" / "provenance.json").write_text('{"format": 99}', "utf-8")
    message = refused("show", "run")
    assert message["got"] == "layout 99"
    assert message["do"] == "Train it again: synarray train run/experiment.toml"


def test_a_run_holding_pickles_is_never_unpickled(refused: Refused, finished_run: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    shutil.copytree(finished_run, tmp_path / "run")
    rewrite(tmp_path / "run" / "arrays.npz", w=np.array([Bomb()], object))
    message = refused("show", "run")
    assert "only pickle could open" in message["got"]
    assert message["where"] == "run/arrays.npz"
    assert not (tmp_path / "exploded").exists()


# reproduce


@pytest.mark.parametrize("only", ["nonsense", "local,nonsense", ",", "local,", "soft75"])
def test_an_unknown_row_is_refused(refused: Refused, only: str) -> None:
    message = refused("reproduce", "--only", only)
    assert (message["rule"], message["where"]) == ("--only must name rows", "--only")
    assert "soft-75" in message["do"]


def test_no_row_is_not_taken_for_every_row(refused: Refused, small: list[str]) -> None:
    """As from ``synarray reproduce --only "$ROWS"`` with the variable unset."""
    message = refused("reproduce", "--only", "", "--seeds", "1", *small)
    assert (message["rule"], message["got"]) == ("--only must name rows", "''")


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("epohcs=3", '"epohcs" is not a key'),
        ("data=nowhere", "data must be a built-in name or an existing path"),
        ("pruning.fraction=0", 'pruning.mode "soft" needs a fraction above 0'),  # of the second row
        ("epochs", "a setting must read key=value"),
    ],
)
def test_settings_of_a_reproduction_are_checked_before_any_run(
    refused: Refused, small: list[str], monkeypatch: pytest.MonkeyPatch, setting: str, rule: str
) -> None:
    monkeypatch.setattr("synarray.paper.reproduce.train", too_late)
    message = refused("reproduce", "--only", "local,soft-75", "--seeds", "1", *small, "--set", setting)
    assert message["rule"].startswith(rule)


def test_a_network_of_a_reproduction_that_cannot_be_is_refused(refused: Refused, small: list[str]) -> None:
    message = refused("reproduce", "--only", "local", "--seeds", "1", *small, "--set", "n_neurons=3")
    assert message["got"] == "n_neurons = 3 for 3 x 2 groups"


def test_a_row_named_twice_runs_once_or_is_refused(command: Command, small: list[str]) -> None:
    done = command("reproduce", "--only", "local,local", "--seeds", "1", *small, "--json")
    assert done.status == 2 or len(done.json["rows"]) == 1


def test_a_seed_that_would_be_ignored_is_refused(refused: Refused, small: list[str]) -> None:
    """Seeds of a reproduction are 0, 1, 2, ...: a setting cannot change them, and must not seem to."""
    message = refused("reproduce", "--only", "local", "--seeds", "1", *small, "--set", "seed=5")
    assert (message["rule"], message["got"]) == ("every row runs for seeds 0, 1, 2, ...", "--set seed")


@pytest.mark.parametrize("out", [out for out, _ in UNWRITABLE])
def test_a_report_that_cannot_be_written_is_refused_before_any_run(
    refused: Refused, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr("synarray.paper.reproduce.train", too_late)
    (tmp_path / "file").write_text("precious", "utf-8")
    message = refused("reproduce", "--only", "local", "--seeds", "1", *small, "--out", out)
    assert message["rule"] == "the folder for results must be writable"
    assert message["where"] == out


# From Python


@pytest.mark.parametrize(
    ("overrides", "rule", "got"),
    [
        ({"epohcs": 3}, '"epohcs" is not a key', "epohcs = 3"),
        ({"pruning.fracton": 0.5}, '"pruning.fracton" is not a key', "pruning.fracton = 0.5"),
        ({"pruning": "soft"}, "pruning should be a table", "'soft'"),
        ({"epochs": 0}, "epochs should be greater", "0"),
        ({"stdp.a": float("nan")}, "stdp.a should be a finite number", "nan"),
        ({"encoding.t_window": "10 V"}, "encoding.t_window must be in s, not V", "'10 V'"),
        ({"": 1}, '"" is not a key', " = 1"),
        ({"seed": -1}, "seed should be greater", "-1"),
    ],
)
def test_overrides_from_python_raise_a_spec_error(overrides: dict[str, Any], rule: str, got: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_experiment("full-field", overrides)
    assert caught.value.rule.startswith(rule)
    assert caught.value.got == got
    assert all(f"--set {key}" in caught.value.where for key in overrides)
    assert caught.value.do


def test_specs_made_in_python_raise_a_spec_error_that_names_the_key() -> None:
    with pytest.raises(SpecError, match=r'"epohcs" is not a key.*Did you mean "epochs"'):
        ExperimentSpec(epohcs=1)  # type: ignore[call-arg]
    with pytest.raises(SpecError, match=r'"pruning\.fracton" is not a key.*Did you mean "fraction"') as caught:
        ExperimentSpec(pruning={"fracton": 1})  # type: ignore[arg-type]
    assert str(caught.value).count(": got ") == 1
    with pytest.raises(SpecError, match=r"encoding\.t_window"):
        ExperimentSpec(encoding={"t_window": -1})  # type: ignore[arg-type]


def test_a_bare_number_is_si_in_python() -> None:
    assert ExperimentSpec(encoding={"t_window": 0.005}).encoding.t_window == 0.005  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value", "plain"),
    [
        ("seed", np.int64(3), 3),
        ("stdp.a", np.float32(0.5), 0.5),
        ("stdp.a", np.float64(0.5), 0.5),
        ("encoding.gain_control", np.bool_(False), False),
        ("fields.kind", np.str_("full"), "full"),
        ("fields.grid", np.array([2, 3]), (2, 3)),
        ("fields.grid", [np.int64(2), 3], (2, 3)),
    ],
    ids=str,
)
def test_numbers_of_numpy_are_numbers_in_python(key: str, value: object, plain: object) -> None:
    """As from ``for seed in np.arange(10)``."""
    assert load_experiment(None, {key: value}) == load_experiment(None, {key: plain})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": np.array([1, 2])}, r"epochs should be a valid integer: got \[1, 2\]"),
        ({"seed": np.zeros(0)}, r"seed should be a valid integer: got \[\]"),
        ({"note": np.array(["a", "b"])}, r"note should be a valid string: got \['a', 'b'\]"),
    ],
)
def test_an_array_for_a_number_is_a_spec_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ExperimentSpec(**values)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.toml", 'a known name: got "nowhere.toml"'),
        (Path("nowhere.toml"), 'a known name: got "nowhere.toml"'),
        ("a\0b", r'a known name: got "a\\x00b"'),
        (Path("/"), "must be readable: got no ordinary file: a folder"),
    ],
)
def test_a_source_that_cannot_be_read_raises_a_spec_error(source: str | Path, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load_experiment(source)


@pytest.mark.parametrize("text", ["", "epochs", "=1"])
def test_a_setting_that_cannot_be_read_raises_a_spec_error(text: str) -> None:
    with pytest.raises(SpecError, match=f"a setting must read key=value: got '{text}'"):
        parse_setting(text)


@pytest.mark.parametrize("path", ["nowhere", Path("nowhere"), "a\0b"])
def test_a_run_that_is_not_there_raises_a_run_error(path: str | Path) -> None:
    with pytest.raises(RunError, match="got no such folder"):
        open_run(path)


def test_the_task_of_an_experiment_raises_what_the_command_says(bars_file: Path) -> None:
    with pytest.raises(SpecError, match="images"):
        task_images(ExperimentSpec(data=str(bars_file), images=161))
    with pytest.raises(SpecError, match="validation"):
        task_images(ExperimentSpec(data=str(bars_file), validation=160))
    with pytest.raises(DataError, match="nowhere"):
        task_images(ExperimentSpec(data="nowhere"))


SPEC = synarray.LearningSpec(n_neurons=4, epochs=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": None}, "need classes: got no y"),
        ({"y": np.zeros(600, int)}, "at least two classes: got 0 alone"),
        ({"y": np.zeros(5, int)}, "got 5 labels for 600 images"),
        ({"y": np.linspace(0, 1, 600)}, "labels must be whole numbers: got 0.0016"),
        ({"y": np.array(["a"] * 600)}, "labels must be whole numbers: got type <U1"),
        ({"x": np.zeros((600, 12, 12))}, "at least one feature must exceed 1/255"),
        ({"x": np.full((600, 12, 12), np.nan)}, "pixels must be finite: got 86,400"),
        ({"x": np.full((600, 12, 12), -1)}, "pixels must not be negative: got -1"),
        ({"x": "images"}, "pixels must be real numbers: got type <U6"),
        ({"x": [[1, 2], [3]], "y": [0, 1]}, "regular arrays"),  # rows of unequal length
        ({"x": np.zeros((0, 12, 12))}, r"at least one image of at least one pixel: got shape \(0, 12, 12\)"),
        ({"x_test": np.ones((5, 5, 5), np.uint8), "y_test": FIVE}, "got 5 x 5 and 12 x 12"),
        ({"x_test": np.ones((5, 20, 20), np.uint8), "y_test": FIVE}, "got 20 x 20 and 12 x 12"),
        ({"x_test": np.ones((5, 12, 12), np.uint8)}, "a test needs images and classes"),
        ({"y_test": FIVE}, "a test needs images and classes"),
        ({"x_test": np.ones((5, 12, 12)), "y_test": FIVE}, "the same scale: got types uint8 and float64"),
        ({"x_test": np.ones((5, 12, 12), np.uint8), "y_test": FIVE + 9}, "classes seen in training: got 9"),
        ({"image_shape": (5, 5)}, r"of 144 features: got \(5, 5\)"),
        ({"full_scale": -1.0}, "full_scale must be a positive number: got -1"),
        ({"full_scale": float("nan")}, "full_scale must be a positive number: got nan"),
        ({"seed": -1}, "seed should be greater than or equal to 0: got -1"),
        ({"seed": 1.5}, "seed should be a valid integer: got 1.5"),
    ],
    ids=lambda part: "+".join(part) if isinstance(part, dict) else "",
)
def test_train_refuses_what_it_cannot_use(bar_images: Images, arguments: dict[str, Any], message: str) -> None:
    x, y = bar_images
    with pytest.raises(SynarrayError, match=message):
        synarray.train(SPEC, **{"x": x, "y": y, **arguments})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((2, 5, 5), np.uint8), "got 25 features, trained on 144"),
        (np.ones((2, 20, 20), np.uint8), "got 400 features, trained on 144"),
        (np.ones((12, 12), np.uint8), "got 12 features, trained on 144"),
        (np.ones((0, 12, 12), np.uint8), r"got shape \(0, 12, 12\)"),
        (np.full((2, 12, 12), np.nan), "pixels must be finite: got 288"),
        (np.full((2, 12, 12), -1), "pixels must not be negative: got -1"),
        (np.array(["a"]), "pixels must be real numbers: got type <U1"),
    ],
    ids=lambda part: "" if isinstance(part, str) else f"{part.shape} {part.dtype}",
)
def test_a_trained_network_refuses_images_it_was_not_made_for(
    bar_images: Images, x: npt.NDArray[Any], message: str
) -> None:
    result = synarray.train(SPEC, bar_images[0][:40], bar_images[1][:40])
    with pytest.raises(DataError, match=message):
        result.predict(x)


@pytest.mark.parametrize("value", ["", "1", "1 V", "s", "1 m", "one s", "1 s s"])
def test_a_quantity_in_another_unit_raises_with_the_unit_that_is_due(value: str) -> None:
    with pytest.raises(ValueError, match=r"\bin s\b"):
        parse_quantity(value, "s")


@pytest.mark.parametrize("kind", [SynarrayError, SpecError, DataError, RunError])
def test_errors_cross_process_borders_whole(kind: type[SynarrayError]) -> None:
    error = kind("the rule", got="5 V", where="my.toml, key v", do="Lower it.")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error) == "the rule: got 5 V (my.toml, key v). Lower it."
        assert (twin.rule, twin.got, twin.where, twin.do) == ("the rule", "5 V", "my.toml, key v", "Lower it.")


def test_errors_are_also_the_builtin_errors_people_catch() -> None:
    assert issubclass(SpecError, ValueError)
    assert issubclass(DataError, ValueError)
    assert issubclass(RunError, OSError)
    assert all(issubclass(kind, SynarrayError) for kind in (SpecError, DataError, RunError))


def test_the_nearest_name_is_only_offered_when_it_is_near() -> None:
    assert nearest("qqq", experiment_names()).startswith("Known: ")
    assert nearest("full_field", experiment_names()).startswith('Did you mean "full-field"? Known: ')


def test_a_json_error_is_no_object_on_stdout(command: Command) -> None:
    done = command("train", "no-such-experiment", "--json")
    assert done.out == ""
    with pytest.raises(json.JSONDecodeError):
        _ = done.json
