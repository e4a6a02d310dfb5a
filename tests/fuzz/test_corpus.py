"""Hostile files: a fixed corpus of the interesting ones. Ten thousand others: ``python scripts/fuzz.py``.

Each case runs the real command in a child of its own, and ``harness.py`` judges it: a result or a refusal in four parts, in
five seconds and 1 GB of address space above what the program takes by itself; nothing written outside, executed or unpickled.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import KINDS, Seeds, make_case, make_seeds
from harness import Runner, Verdict
from mutations import damage_bytes, npy

# Numbers of cases (scripts/fuzz.py N prints those that go wrong). What each found, when it was found:
FOUND = {
    "an experiment whose key holds an escape sequence wrote to the terminal": (15, 75, 140),
    "a device with such a key did too": (11, 86),
    "arrays whose header breaks off in a line raised TokenError": (34, 59),
    "an accuracy curve of 20 axes reached matplotlib": (104, 204),
    "a checkpoint of a sound checksum went on from -77,511,171,711,696,895 presentations": (7217, 8165),
    "a whole number of 140 digits reached compiled code": (14940,),
    "another, whose weights were no numbers, ended the process by signal 11": (8213,),
}
FIRST = ("experiment", "device", "data", "idx", "run", "resume")
"""The kinds that the numbers above were drawn from."""
LATER = tuple(kind for kind in KINDS if kind not in FIRST)
SOUND_AND_DAMAGED = range(30)

LITTLE = ("--set", "n_neurons=12", "--set", "epochs=1")
IMAGES = "train-images-idx3-ubyte"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    """Write the sound files that are to be damaged."""
    return make_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """Start the process that has everything loaded and runs the cases."""
    with Runner() as runner:
        yield runner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the folder that a case may write into."""
    (tmp_path / "case").mkdir()
    return tmp_path / "case"


def judged(verdict: Verdict, status: int | None = None) -> str:
    assert not verdict.problems, verdict.problems
    assert status is None or verdict.status == status, verdict.message
    return verdict.message


@pytest.mark.parametrize("number", sorted({*SOUND_AND_DAMAGED, *(n for numbers in FOUND.values() for n in numbers)}))
def test_a_damaged_file_is_answered_with_a_result_or_in_four_parts(
    runner: Runner, seeds: Seeds, folder: Path, number: int
) -> None:
    _, case = make_case(number, seeds, folder, FIRST)
    judged(runner.run(folder, *case.arguments, slow=case.slow, spent=case.spent))


LATER_FOUND = {
    "tables with other numbers of columns raised IndexError": (26, 72),
    "trains that only fall were given ends that are one": (104, 198),
    "a table without a row of numbers reached a maximum over nothing": (120, 880),
}


@pytest.mark.parametrize(
    "number", sorted({*SOUND_AND_DAMAGED, *(n for numbers in LATER_FOUND.values() for n in numbers)})
)
def test_damaged_pulses_and_studies_are_too(runner: Runner, seeds: Seeds, folder: Path, number: int) -> None:
    _, case = make_case(number, seeds, folder, LATER)
    judged(runner.run(folder, *case.arguments, slow=case.slow, spent=case.spent))


def test_the_same_number_makes_the_same_case(seeds: Seeds, tmp_path: Path) -> None:
    for number in range(len(KINDS)):
        contents = []
        for name in ("a", "b"):
            folder = tmp_path / f"{name}{number}"
            folder.mkdir()
            make_case(number, seeds, folder)
            contents.append([path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()])
        assert contents[0] == contents[1]


def test_the_judge_sees_what_must_not_be(runner: Runner, seeds: Seeds, folder: Path) -> None:
    """A suite that finds nothing proves nothing unless it could have: a write outside, a changed file, a crash, a hang."""
    outside = runner.run(folder, "train", "full-field", "--set", f"data={seeds.data}", *LITTLE, "--out", "../outside")
    assert any("../outside" in problem or "/outside" in problem for problem in outside.problems), outside.problems
    wrong = runner.run(folder, "train", "--seed", "x")
    assert any("not four parts" in problem for problem in wrong.problems)
    crash = runner.run(folder, "train", "no-such-experiment", "--debug")
    assert any("exit status 1" in problem for problem in crash.problems)
    shutil.rmtree(folder.parent / "outside")


# Places


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


PLACES: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a pipe that nobody writes to": _fifo,
    "a link to zeros without end": _link("/dev/zero"),
    "a link to noise without end": _link("/dev/urandom"),
    "a link to nothing": _link("nothing"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to the null device": _link("/dev/null"),
    "a link to its own standard input": _link("/proc/self/fd/0"),
    "a link to its own memory": _link("/proc/self/mem"),
    "a link to a map of its memory": _link("/proc/self/pagemap"),
    "a link to the kernel's messages": _link("/proc/kmsg"),
    "a link to the kernel's memory": _link("/proc/kcore"),
    "a hole of 100 GB": lambda path: (path.touch(), os.truncate(path, 100 << 30)),  # type: ignore[func-returns-value,return-value]
    "nothing in it": Path.touch,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["experiment", "base", "device", "npz", "idx", "gz", "toml", "json", "arrays"])
def test_what_is_no_ordinary_file_is_refused_at_once(
    runner: Runner, seeds: Seeds, folder: Path, kind: str, place: str
) -> None:
    data = ("--set", f"data={seeds.data}", *LITTLE, "--out", "out/run")
    path, arguments = {
        "experiment": (folder / "my.toml", ("train", "my.toml", *data)),
        "base": (folder / "base.toml", ("train", "my.toml", *data)),
        "device": (folder / "cell.toml", ("devices", "show", "cell.toml", "--out", "out")),
        "npz": (folder / "my.npz", ("train", "--set", "data=my.npz", *LITTLE, "--out", "out/run")),
        "idx": (folder / "idx" / IMAGES, ("train", "--set", "data=idx", *LITTLE, "--out", "out/run")),
        "gz": (folder / "idx" / f"{IMAGES}.gz", ("train", "--set", "data=idx", *LITTLE, "--out", "out/run")),
        "toml": (folder / "run" / "experiment.toml", ("show", "run", "--out", "out")),
        "json": (folder / "run" / "metrics.json", ("show", "run", "--out", "out")),
        "arrays": (folder / "run" / "arrays.npz", ("show", "run", "--out", "out")),
    }[kind]
    if kind == "base":
        (folder / "my.toml").write_text('base = "base.toml"\nepochs = 1', "utf-8")
    if path.parent != folder:
        shutil.copytree(seeds.idx if path.parent.name == "idx" else seeds.runs[0], path.parent)
        path.with_suffix("" if kind == "gz" else path.suffix).unlink()
    PLACES[place](path)
    empty = place in ("nothing in it", "a link to the kernel's messages")  # defaults
    judged(runner.run(folder, *arguments), status=None if kind in ("device", "toml") and empty else 2)


ODD = ["a b.toml", "a\nb.toml", "a\tb.toml", "\x1b[31mred.toml", "[red]x[b].toml", "$x_$.toml", "%s{0}.toml", "-x.toml",
       "é\u0301\u202e.toml", os.fsdecode(b"\xff\xfe.toml"), "'\".toml", ".toml", "~.toml", "#.toml", ":smile:.toml"]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_file_of_an_odd_name_is_read_and_named(runner: Runner, seeds: Seeds, folder: Path, name: str) -> None:
    data = ("--set", f"data={seeds.data}", *LITTLE)
    (folder / name).write_text("seed = 1", "utf-8")
    judged(runner.run(folder, "train", *data, "--out", f"out/{name}", "--", name, slow=True), status=0)
    (folder / name).write_text("sed = 1", "utf-8")
    judged(runner.run(folder, "train", *data, "--out", f"out/{name}", "--", name), status=2)


@pytest.mark.parametrize("name", ODD[1:5:3])
def test_data_and_runs_of_an_odd_name_are_read_and_named(runner: Runner, seeds: Seeds, folder: Path, name: str) -> None:
    shutil.copytree(seeds.runs[0], folder / name)
    judged(runner.run(folder, "show", name, "--out", f"out/{name}"), status=0)
    (folder / name / "metrics.json").unlink()
    judged(runner.run(folder, "show", name, "--out", f"out/{name}"), status=2)
    shutil.copy(seeds.data, folder / f"{name}.npz")
    out = ("--out", f"out/{name}x")
    judged(runner.run(folder, "train", "--set", f"data='''{name}.npz'''", *LITTLE, *out, slow=True))


def test_figures_are_not_written_where_links_of_a_run_lead(runner: Runner, seeds: Seeds, folder: Path) -> None:
    precious = folder / "precious"
    precious.mkdir()
    (precious / "file").write_text("precious", "utf-8")
    for name in ("run", "linked"):
        shutil.copytree(seeds.runs[1], folder / name)
    (folder / "linked" / "figures").symlink_to(precious)
    (folder / "run" / "figures").mkdir()
    for name in ("receptive-fields", "training-curve", "confusion", "array-1"):
        (folder / "run" / "figures" / f"{name}.png").symlink_to(precious / "file")
    for command in (("show",), ("array", "show")):
        assert "link" in judged(runner.run(folder, *command, "linked"), status=2)
        verdict = runner.run(folder, *command, "run")
        assert all("run/figures" in problem for problem in verdict.problems), verdict.problems  # links became figures
    assert (precious / "file").read_text("utf-8") == "precious"
    assert sorted(path.name for path in precious.iterdir()) == ["file"]


# Bombs


def _bomb(n_bytes: int, start: bytes = b"") -> bytes:
    return gzip.compress(start + bytes(n_bytes), 9, mtime=0)


@pytest.mark.parametrize("n_images", [10**5, 10**6, 5 * 10**6, 4 * 10**9])
def test_a_gz_bomb_is_refused_before_it_unfolds(runner: Runner, seeds: Seeds, folder: Path, n_images: int) -> None:
    """As declared by its header, up to a hundredfold; a file of a few kilobytes cannot ask for gigabytes."""
    shutil.copytree(seeds.idx, folder / "idx")
    (folder / "idx" / IMAGES).unlink()
    body = min(n_images * 64, 50_000_000)
    (folder / "idx" / f"{IMAGES}.gz").write_bytes(_bomb(body, struct.pack(">4I", 0x803, n_images, 8, 8)))
    judged(runner.run(folder, "train", "--set", "data=idx", *LITTLE, "--out", "out/run"), status=2)


def test_many_labels_in_few_bytes_take_bounded_memory(runner: Runner, seeds: Seeds, folder: Path) -> None:
    """The worst that the trusted 8 MB can become: labels of one byte each, which are held as numbers of eight."""
    n = 8_000_000
    header = struct.pack(">2I", 0x801, n)
    shutil.copytree(seeds.idx, folder / "idx")
    for file in (folder / "idx").iterdir():
        content = struct.pack(">4I", 0x803, n, 1, 1) if "images" in file.name else header
        file.unlink()
        file.with_name(f"{file.name}.gz").write_bytes(_bomb(n - 1, content + b"\1"))
    judged(
        runner.run(folder, "train", "--set", "data=idx", *LITTLE, "--set", "images=8000001", "--out", "out/run"),
        status=2,
    )


@pytest.mark.parametrize("n_bytes", [10_000_000, 100_000_000])
@pytest.mark.parametrize("where", ["data", "run"])
def test_a_zip_bomb_is_refused_before_it_unfolds(
    runner: Runner, seeds: Seeds, folder: Path, n_bytes: int, where: str
) -> None:
    if where == "run":
        shutil.copytree(seeds.runs[0], folder / "run")
    file = folder / "my.npz" if where == "data" else folder / "run" / "arrays.npz"
    with zipfile.ZipFile(seeds.data if where == "data" else file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    victim = "x_train.npy" if where == "data" else "writes.npy"
    dtype, shape = (np.uint8, (n_bytes // 64, 8, 8)) if where == "data" else (np.uint32, (1, n_bytes // 400, 100))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, npy(np.zeros(shape, dtype)) if name == victim else content)
    command = ("train", "--set", "data=my.npz", *LITTLE, "--out", "out/run") if where == "data" else ("show", "run")
    judged(runner.run(folder, *command), status=2)


@pytest.mark.parametrize("inner", [1, 50])
def test_a_zip_of_very_many_members_takes_bounded_memory(runner: Runner, folder: Path, inner: int) -> None:
    with zipfile.ZipFile(folder / "my.npz", "w") as archive:
        for i in range(20_000):
            archive.writestr("x" * inner + str(i), b"")
    judged(runner.run(folder, "train", "--set", "data=my.npz", *LITTLE, "--out", "out/run"), status=2)


# Texts


TEXTS: dict[str, bytes] = {
    "1 MB of one key": b"note = '" + b"x" * (1 << 20) + b"'",
    "almost 1 MB of one key": b"note = '" + b"x" * ((1 << 20) - 99) + b"'",
    "tables in tables": b"[" + b"a." * 400_000 + b"a]",
    "keys in keys": b"a." * 300_000 + b"a = 1",
    "lists in lists": b"a = " + b"[" * 500_000,
    "lists in lists, closed": b"a = " + b"[" * 300_000 + b"]" * 300_000,
    "tables in a line": b"a = " + b"{a=" * 200_000,
    "many keys": b"\n".join(b"a%d = 1" % i for i in range(60_000)),
    "many tables": b"\n".join(b"[a%d]" % i for i in range(60_000)),
    "many tables of one list": b"[[a]]\n" * 100_000,
    "many dotted keys": b"\n".join(b"a.b%d.c.d.e = 1" % i for i in range(40_000)),
    "a number of a million digits": b"seed = 1" + b"0" * 1_000_000,
    "a hexadecimal one": b"seed = 0x" + b"f" * 1_000_000,
    "a fraction of a million digits": b"seed = 0." + b"1" * 1_000_000,
    "a string that never ends": b"note = '''" + b"\n" * 1_000_000,
    "backslashes": b'note = "' + b"\\\\" * 500_000 + b'"',
    "an escape that is none": b'note = "\\ud800"',
    "UTF-16 with its mark": "epochs = 1".encode("utf-16"),
    "UTF-32 with its mark": "epochs = 1".encode("utf-32"),
    "UTF-7": "note = 'ä€'".encode("utf-7"),
    "an encoded surrogate": b"note = '\xed\xa0\x80'",
    "an overlong zero": b"note = '\xc0\x80'",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbfepochs = 1",
    "escape sequences": b'"\\u001b[2J\\u0007" = 1\nnote = "\\u001b]0;title\\u0007"',
    "line ends of all kinds": b"epochs = 1\r\nseed = 1\rimages = 2\n\x0b\x0c",
    "quantities of many digits": b"encoding.t_window = '" + b"1" * 100_000 + b" s'",
    "quantities with a long unit": b"encoding.t_window = '1 " + b"m" * 100_000 + b"'",
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["experiment", "device"])
def test_a_text_that_is_hard_to_read_is_answered_in_time(
    runner: Runner, seeds: Seeds, folder: Path, kind: str, text: str
) -> None:
    (folder / "my.toml").write_bytes(TEXTS[text])
    train = ("train", "my.toml", "--set", f"data={seeds.data}", *LITTLE, "--out", "out/run")
    show = ("devices", "show", "my.toml", "--out", "out")
    judged(runner.run(folder, *{"experiment": train, "device": show}[kind], slow=kind == "experiment"))


@pytest.mark.parametrize(
    "content",
    [
        b'{"format": 2, "x": NaN}', b'{"format": 1e999}', b'{"a":' * 100_000, b"[" * 1_000_000,
        b'"' + b"\\u0000" * 150_000 + b'"', b'{"format": ' + b"1" * 5_000 + b"}",
        b"\xef\xbb\xbf{}", '{"format": 2}'.encode("utf-16"), b'{"format": 2, "format": 99}',
    ],
    ids=lambda content: repr(content[:24]),
)  # fmt: skip
@pytest.mark.parametrize("name", ["metrics.json", "provenance.json"])
def test_numbers_of_a_run_that_are_hard_to_read_are_refused(
    runner: Runner, seeds: Seeds, folder: Path, name: str, content: bytes
) -> None:
    shutil.copytree(seeds.runs[0], folder / "run")
    (folder / "run" / name).write_bytes(content)
    judged(runner.run(folder, "show", "run", "--out", "out"), status=2)


# Arrays of a run that fit each other but not the world


ARRAYS: dict[str, dict[str, Any]] = {
    "an image of a million pixels": {"n_features": np.array(1 << 20), "image_shape": np.array([1024, 1024])},
    "a line of a million pixels": {"n_features": np.array(1 << 20), "image_shape": np.array([1, 1 << 20])},
    "features without end": {"n_features": np.array(10**15), "image_shape": np.array([], np.int64)},
    "a product that wraps round": {"image_shape": np.array([2**32, 2**32 + 1])},
    "sides below zero": {"image_shape": np.array([-8, -8])},
    "weights beyond their range": {"w": lambda w: w * 40},
    "weights that are no numbers": {"w": lambda w: w * np.float32("nan")},
    "rows that go back": {"row_start": lambda rows: rows[::-1].copy()},
    "rows that wrap round": {"row_start": lambda rows: np.array([0, 2**62, -(2**62), *rows[3:]])},
    "spikes below zero": {"spikes": lambda spikes: spikes - 10**18},
    "no spikes at all": {"spikes": lambda spikes: spikes * 0},
    "a curve of one point at infinity": {"history_accuracy": lambda a: a * np.inf},
    "a confusion of nothing": {"confusion": lambda table: table * 0},
    "a confusion below zero": {"confusion": lambda table: table - 10**18},
    "classes far apart": {"classes": np.array([-(2**63), 0, 2**63 - 1])},
    "pulses without end": {"history_pulses": lambda n: np.full_like(n, 2**63 - 1)},
    "presentations below zero": {"history_presentations": lambda n: np.full_like(n, -(2**63))},
    "writes to the brim": {"writes": lambda n: n * 0 + np.uint32(2**32 - 1)},
    "a pickle": {"w": np.array([{}], object)},
    "text": {"w": np.array([["x" * 1000]])},
}
OF_CELLS = ("writes to the brim", "weights beyond their range", "spikes below zero")


@pytest.mark.parametrize("what", ARRAYS)
def test_arrays_that_cannot_be_are_drawn_or_refused(runner: Runner, seeds: Seeds, folder: Path, what: str) -> None:
    which = int(what in OF_CELLS)
    shutil.copytree(seeds.runs[which], folder / "run")
    file = folder / "run" / "arrays.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    changed = {name: change(arrays[name]) if callable(change) else change for name, change in ARRAYS[what].items()}
    np.savez_compressed(file, **{**arrays, **changed})
    judged(runner.run(folder, *(("show",), ("array", "show"))[which], "run", "--out", "out"))


def test_a_physical_array_too_large_to_draw_is_refused(runner: Runner, seeds: Seeds, folder: Path) -> None:
    shutil.copytree(seeds.runs[1], folder / "run")
    file = folder / "run" / "experiment.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("rows = 1024", "rows = 65536").replace("columns = 512", "columns = 65536"), "utf-8")
    assert "65,536 x 65,536" in judged(runner.run(folder, "array", "show", "run", "--out", "out"), status=2)


def test_labels_that_are_numbers_of_images_are_refused(runner: Runner, folder: Path) -> None:
    """A table of 60,000 x 60,000 would follow the training."""
    x, y = np.ones((60_000, 2), np.uint8), np.arange(60_000)
    np.savez_compressed(folder / "my.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    out = ("--out", "out/run")
    assert "classes" in judged(
        runner.run(folder, "train", "full-field", "--set", "data=my.npz", *LITTLE, *out), status=2
    )


def test_bytes_can_be_damaged_in_every_way_without_an_end() -> None:
    rng = random.Random(0)
    content = b"a = 1\n" * 10
    for _ in range(2000):
        content = damage_bytes(content, rng)[:2000]
