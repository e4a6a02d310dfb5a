"""``synarray export c``: what it writes compiles everywhere without a warning, says what it needs, and refuses in words."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import Command, everything_in, four_parts

import synarray.export
from synarray.errors import RunError
from synarray.export.run_c import compiler
from synarray.run.opened import open_run

STRICT = ("-std=c99", "-ffreestanding", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
PRUNED = ("--set", "pruning.mode=soft", "--set", "pruning.fraction=0.5")
FLOAT = ("--set", "cell.step=0.1")
TWO = [
    part
    for setting in ("epochs=1", "layers.1.n_neurons=8", "layers.1.images=40", "layers.2.n_neurons=12")
    for part in ("--set", setting)
]
"""``conv-taught``, smaller."""


@pytest.fixture
def exported(command: Command, small: list[str]) -> Path:
    """Export bars in two bits, pruned."""
    done = command("export", "c", "local-2-bit", "-o", "bars", *small, *PRUNED, "--json")
    assert done.status == 0, done.err
    return Path("bars").resolve()


@pytest.fixture
def stacked(command: Command, small: list[str]) -> Path:
    """Export a small convolution with a taught layer above it."""
    done = command("export", "c", "conv-taught", "-o", "two", *small[:2], *TWO, "--json")
    assert done.status == 0, done.err
    return Path("two").resolve()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, encoding="utf-8", check=False)


@needs_compiler
@pytest.mark.parametrize("no_float", [False, True])
@pytest.mark.parametrize("which", ["gcc", "clang"])
def test_sources_compile_without_a_warning(which: str, no_float: bool, exported: Path, stacked: Path) -> None:
    program = [which] if shutil.which(which) else [sys.executable, "-m", "ziglang", "cc"]
    if which == "gcc" and program != ["gcc"]:
        pytest.skip("no gcc (apt-get install gcc)")
    flags = [*STRICT, "-DSYNARRAY_NO_FLOAT"] if no_float else STRICT
    for folder, name in itertools.product((exported, stacked), ("synarray_learner.c", "synarray_model.c")):
        done = run(*program, *flags, "-O2", "-c", str(folder / "src" / name), "-o", str(exported / "x.o"))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize("layers", [1, 2])
def test_the_struct_is_as_large_as_the_readme_says(layers: int, exported: Path, stacked: Path) -> None:
    pytest.importorskip("ziglang", reason="pip install ziglang")
    folder = exported if layers == 1 else stacked
    said = int(re.search(r"`sizeof\(synarray\)`, 32-bit \| (\d+)", (folder / "README.md").read_text())[1])
    check = folder / "check.c"
    check.write_text(
        f'#include "synarray_model.h"\nchar right[SYNARRAY_LAYERS * sizeof(synarray) == {said} ? 1 : -1];\n'
    )
    target = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-I", str(folder / "src")]
    done = run(sys.executable, "-m", "ziglang", "cc", *target, "-c", str(check), "-o", str(folder / "check.o"))
    assert done.returncode == 0, done.stderr


@needs_compiler
@pytest.mark.parametrize("layers", [1, 2])
def test_the_example_learns_what_python_learns(layers: int, exported: Path, stacked: Path, bar_images: tuple) -> None:
    folder = exported if layers == 1 else stacked
    x, y = (part[:200] for part in bar_images)
    records = np.concatenate([y[:, None].astype(np.uint8), x.reshape(len(x), -1)], axis=1)
    (folder / "train.bin").write_bytes(records[:160].tobytes())
    (folder / "test.bin").write_bytes(records[160:].tobytes())
    sources = [
        str(folder / name) for name in ("examples/desktop/main.c", "src/synarray_learner.c", "src/synarray_model.c")
    ]
    program = str(folder / "desktop")
    built = run(*(compiler() or []), "-std=c99", "-O1", "-I", str(folder / "src"), *sources, "-o", program)
    assert built.returncode == 0, built.stderr
    done = run(program, str(folder / "train.bin"), str(folder / "test.bin"))
    learner = synarray.export.load(folder)
    learner.learn(x[:160], y[:160])
    if layers == 1:
        learner.label(x[:160], y[:160])
    right = int((learner.predict(x[160:]) == y[160:]).sum())
    pulses = sum(learner.events[name] for name in ("ltp_pulse", "ltd_pulse", "pruning_pulse"))
    assert done.stdout == f"presentations 160, pulses {pulses}\n{right} of 40 right\n"
    assert run(program, "nothing").returncode == 2


@needs_compiler
@pytest.mark.parametrize("settings", [PRUNED, FLOAT, TWO], ids=["packed", "float", "layers"])
def test_no_state_and_no_image_does_harm(settings: tuple[str, ...], command: Command, small: list[str]) -> None:
    """Damaged, cut and foreign states, half of them with a right checksum, under AddressSanitizer and UBSan."""
    base = "local-2-bit" if settings is PRUNED else "local-fields" if settings is FLOAT else "conv-taught"
    given = small[:2] if settings is TWO else small
    assert command("export", "c", base, "-o", "bars", *given, *settings).status == 0
    sources = [
        str(Path(__file__).with_name("fuzz_learner.c")),
        "bars/src/synarray_learner.c",
        "bars/src/synarray_model.c",
    ]
    flags = ["-std=gnu99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", "bars/src"]
    if shutil.which("gcc") is None:
        pytest.skip("no gcc (apt-get install gcc)")
    built = run("gcc", *flags, *sources, "-o", "fuzz")
    assert built.returncode == 0, built.stderr
    done = run("./fuzz", "3000")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr or f"the harness ended with {done.returncode}"
    taken, refused = (int(word) for word in done.stdout.split()[1::2])
    assert taken > 100 and refused > 1000


def test_json_says_what_the_header_says(command: Command, small: list[str]) -> None:
    done = command("export", "c", "local-2-bit", *small, "--json")
    said = done.json
    header = (Path(said["folder"]) / "src" / "synarray_model.h").read_text()
    assert f"#define SYNARRAY_RAM_BYTES {said['ram_bytes']}u" in header
    assert f"#define SYNARRAY_TABLE_BYTES {said['table_bytes']}u" in header
    readme = (Path(said["folder"]) / "README.md").read_text()
    assert f"{said['ram_bytes']:,}" in readme and "Cortex-M4" in readme
    assert said["targets"]["Cortex-M4"]["flash"] < 32_768
    again = command("export", "c", "local-2-bit", *small, "--json")
    assert again.json == said  # over an export of its own, and reproducible


@needs_compiler
@pytest.mark.parametrize("option", ["--learn", "--predict-only"])
def test_a_finished_run_reads_the_same(option: str, command: Command, finished_run: Path, bar_images: tuple) -> None:
    done = command("export", "c", str(finished_run), option, "-o", "run", "--json")
    assert done.status == 0, done.err
    assert done.json["predict_only"] == (option == "--predict-only")
    learner = synarray.export.load("run")
    x, y = (part[160:220] for part in bar_images)
    confusion = np.zeros((4, 4), np.int64)
    np.add.at(confusion, (y, learner.predict(x)), 1)
    np.testing.assert_array_equal(confusion, open_run(finished_run).arrays["confusion"])


def test_what_cannot_be_exported_is_refused(command: Command, small: list[str], finished_run: Path) -> None:
    refused = {
        "one winner per window": ["shi2018"],
        "must not differ, spread": ["cbram-local"],
        "one step": ["local-fields", "--set", "cell.step=exact"],
        "prunes softly": ["local-fields", "--set", "pruning.mode=conventional", "--set", "pruning.fraction=0.3"],
        "lives in one cell": ["local-fields", "--set", "device=pcm", "--nominal"],
        "no wires": ["judge", "--set", "device=ideal"],
        "has no converters": ["cbram-local", "--nominal", "--set", "array.adc_bits=6"],
        "must fit into the RAM": ["local-2-bit", "--ram", "500"],
        "only a trained network": ["local-2-bit", "--predict-only"],
        "without layers": ["conv-taught", "--port"],
        "levels are a property": ["cbram-local", "--levels", "4"],
        "exported as it was trained": [str(finished_run), "--levels", "4"],
    }
    for words, arguments in refused.items():
        settings = [] if arguments[0] == str(finished_run) else small[:2] if arguments[0] == "conv-taught" else small
        message = four_parts(command("export", "c", *arguments, *settings))
        assert words in message["rule"], message["rule"]
    assert everything_in(Path()) == {}


def test_other_files_are_never_written_over(command: Command, small: list[str]) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years")
    four_parts(command("export", "c", "local-2-bit", *small, "-o", "mine"))
    four_parts(command("export", "c", "local-2-bit", *small, "-o", "mine/thesis.txt"))
    assert list(everything_in(Path())) == ["mine", "mine/thesis.txt"]


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="must hold an exported learner"):
        synarray.export.load(tmp_path)


def test_a_page_is_written_as_html_of_an_experiment(command: Command, tmp_path: Path) -> None:
    assert four_parts(command("export", "browser", "-o", "a.txt"))["rule"] == "the page is written as .html"
    assert "known name" in four_parts(command("export", "browser", "nosuch", "-o", "a.html"))["rule"]
    assert "without layers" in four_parts(command("export", "browser", "conv-taught", "-o", "a.html"))["rule"]
    assert everything_in(tmp_path) == {}
