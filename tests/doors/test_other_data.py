"""Series, event streams and saccades become arrays that trainings accept; files that are cut or out of order are refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from command import Command, four_parts

import synarray
from synarray.errors import DataError
from synarray.task.event_streams import bin_events, load_events, read_events
from synarray.task.saccades import count_saccades
from synarray.task.series import load_series, read_ts

HEAD = "# made for a test\n@timeStamps false\n@univariate false\n@dimensions 2\n@classLabel true up down\n@data\n"


def waves(n: int, seed: int, lengths: tuple[int, int] = (40, 40)) -> str:
    """Series of two channels: a step up or down, and noise."""
    random, lines = np.random.default_rng(seed), []
    for i in range(n):
        length, sign = int(random.integers(lengths[0], lengths[1] + 1)), 1 if i % 2 else -1
        step = sign * np.tanh((np.arange(length) - length / 2) / 4) + 0.05 * random.normal(size=length)
        noise = 0.1 * random.normal(size=length)
        channels = (",".join(f"{value:.4f}" for value in channel) for channel in (step, noise))
        lines.append(":".join([*channels, "up" if i % 2 else "down"]))
    return HEAD + "\n".join(lines) + "\n"


@pytest.fixture
def waves_file(tmp_path: Path) -> Path:
    for part, seed in (("TRAIN", 1), ("TEST", 2)):
        (tmp_path / f"Waves_{part}.ts").write_text(waves(200, seed))
    return tmp_path / "Waves_TRAIN.ts"


def test_series_train_a_network(command: Command, waves_file: Path) -> None:
    made = command("data", "series", str(waves_file), "-o", "waves.npz", "--bins", "8", "--json").json
    assert (made["shape"], made["train"], made["classes"]) == ([8, 4], 200, 2)
    assert made["provenance"]["synthetic"] is False
    first = synarray.load_dataset(waves_file.with_name("waves.npz")).y_train[:20]
    assert first.tolist() != [0, 1] * 10 and 4 <= first.sum() <= 16  # mixed, not in the order of the file
    trained = command(
        "train", "full-field", "--set", "data=waves.npz", "--set", "n_neurons=20", "--set", "epochs=20", "--set",
        "encoding.floor=0", "--json",
    ).json  # fmt: skip
    assert trained["accuracy"] >= 0.9


def test_an_event_is_a_change_by_the_threshold_since_the_last(tmp_path: Path) -> None:
    """The reconstruction from events stays within a threshold of the value: what send-on-delta promises."""
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"W_{part}.ts").write_text(waves(10, 3))
    train, threshold = read_ts(tmp_path / "W_TRAIN.ts"), 0.07
    from synarray.task.series import encode_series

    low, high = (f([f(values, axis=1) for values in train.values], axis=0) for f in (np.min, np.max))
    counts = encode_series(train, "delta", 40, threshold, "refuse", (low, high, 40))
    scaled = (np.stack(train.values) - low[:, None]) / (high - low)[:, None]
    back = np.cumsum(counts[:, :, ::2] - counts[:, :, 1::2], axis=1) * threshold
    assert np.abs(back.transpose(0, 2, 1) + scaled[:, :, :1] - scaled).max() < threshold + 1e-6
    rates = encode_series(train, "rate", 40, threshold, "refuse", (low, high, 40))
    np.testing.assert_allclose(rates[:, :, ::2].transpose(0, 2, 1), scaled)
    np.testing.assert_allclose(rates[:, :, ::2] + rates[:, :, 1::2], 1.0)


def test_unequal_lengths_are_refused_or_said(command: Command, tmp_path: Path) -> None:
    for part, seed in (("TRAIN", 1), ("TEST", 2)):
        (tmp_path / f"Waves_{part}.ts").write_text(waves(30, seed, (20, 40)))
    arguments = ["data", "series", "Waves_TEST.ts", "-o", "w.npz", "--bins", "8"]
    message = four_parts(command(*arguments))
    assert "one length" in message["rule"] and "--lengths" in message["do"]
    for lengths in ("stretch", "pad"):
        assert command(*arguments, "--lengths", lengths).status == 0
    padded, stretched = (
        load_series(str(tmp_path / "Waves_TRAIN.ts"), lengths=lengths) for lengths in ("pad", "stretch")
    )
    assert (
        padded.x_train[:, -1].sum() < stretched.x_train[:, -1].sum() or padded.x_train.sum() == stretched.x_train.sum()
    )


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (lambda text: text.partition("@data")[0], "a line @data"),
        (lambda text: text[:-9], "must have 2 channels and a class"),
        (lambda text: text.replace("@classLabel true", "@classLabel false"), "must have classes"),
        (lambda text: text.replace("@timeStamps false", "@timeStamps true"), "sampled evenly"),
        (lambda text: text.replace(",", ",?,", 1), "must be numbers"),
        (lambda text: text.replace(":", ",1.0:", 1), "equally long"),
        (lambda text: text.replace(":", ",nan:", 1), "finite"),
    ],
)  # fmt: skip
def test_damaged_series_are_refused_with_their_line(waves_file: Path, damage: object, rule: str) -> None:
    waves_file.write_text(damage(waves_file.read_text()))  # type: ignore[operator]
    with pytest.raises(DataError, match=rule) as caught:
        read_ts(waves_file)
    assert str(waves_file) in caught.value.where


def some_events(n: int, seed: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    return (
        random.integers(0, 34, n),
        random.integers(0, 34, n),
        np.sort(random.integers(0, 300_000, n)),
        random.integers(0, 2, n),
    )


def as_bin(x: np.ndarray, y: np.ndarray, t: np.ndarray, p: np.ndarray) -> bytes:
    """N-MNIST's 40 bits, written number by number."""
    return b"".join(
        bytes([a, b, (d << 7) | (c >> 16), (c >> 8) & 255, c & 255])
        for a, b, c, d in zip(x.tolist(), y.tolist(), t.tolist(), p.tolist(), strict=True)
    )


def as_aedat2(x: np.ndarray, y: np.ndarray, t: np.ndarray, p: np.ndarray) -> bytes:
    words = [
        struct.pack(">II", (b << 8) | (a << 1) | (1 - d), c)
        for a, b, c, d in zip(*(v.tolist() for v in (x, y, t, p)), strict=True)
    ]
    return b"#!AER-DAT2.0\r\n# a comment\r\n" + b"".join(words)


def as_aedat3(x: np.ndarray, y: np.ndarray, t: np.ndarray, p: np.ndarray) -> bytes:
    out = b"#!AER-DAT3.1\r\nFormat: RAW\r\n#!END-HEADER\r\n"
    out += struct.pack("<hhiiiiii", 0, 1, 4, 0, 0, 3, 3, 3) + bytes(12)  # a packet of another kind
    for part in np.array_split(np.arange(len(x)), 3):
        out += struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, len(part) + 1, len(part), len(part))
        for i in part.tolist():
            out += struct.pack("<Ii", (int(x[i]) << 17) | (int(y[i]) << 2) | (int(p[i]) << 1) | 1, int(t[i]))
        out += bytes(8)  # room that is not used
    return out


def write(kind: str, path: Path, events: tuple[np.ndarray, ...]) -> Path:
    writers = {"bin": as_bin, "aedat2": as_aedat2, "aedat3": as_aedat3}
    path = path.with_suffix("." + kind.rstrip("23"))
    if kind in writers:
        path.write_bytes(writers[kind](*events))
    elif kind == "npz":
        np.savez(path, **dict(zip("xytp", events, strict=True)))
    else:
        np.save(path, np.stack(events, axis=1))
    return path


@pytest.mark.parametrize("kind", ["bin", "aedat2", "aedat3", "npy", "npz"])
def test_every_kind_of_file_gives_the_same_events(kind: str, tmp_path: Path) -> None:
    events = some_events(500, 1)
    found = read_events(write(kind, tmp_path / "one", events))
    for mine, its in zip(events, found, strict=True):
        np.testing.assert_array_equal(mine, its)
    counts = bin_events(found, (34, 34), 3)
    assert (counts.shape, counts.sum()) == ((34, 34, 6), 500)
    assert counts[:, :, ::2].sum() == events[3].sum()
    assert bin_events(found, (34, 34), 3, shrink=4).shape == (9, 9, 6)


def test_the_clock_of_n_mnist_overflows(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    path.write_bytes(bytes([1, 2, 128, 0, 5, 0, 240, 0, 0, 6, 3, 4, 0, 0, 7]))
    found = read_events(path)
    assert (found.x.tolist(), found.t.tolist(), found.on.tolist()) == ([1, 3], [5, 8192 + 7], [True, False])


@pytest.mark.parametrize("kind", ["bin", "aedat2", "aedat3", "npy", "npz"])
def test_cut_or_disordered_files_are_refused(kind: str, tmp_path: Path) -> None:
    x, y, t, p = some_events(50, 2)
    path = write(kind, tmp_path / "back", (x, y, t[::-1].copy(), p))
    with pytest.raises(DataError, match="run backwards"):
        read_events(path)
    path = write(kind, tmp_path / "cut", (x, y, t, p))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"cut|whole|hold|zip"):
        read_events(path)


def test_pickled_arrays_are_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{"x": 1}], object), allow_pickle=True)
    with pytest.raises(DataError, match="one array of numbers"):
        read_events(tmp_path / "bad.npy")


def test_recordings_in_folders_train_a_network(command: Command, tmp_path: Path) -> None:
    for part, seed in (("Train", 0), ("test", 100)):
        for i in range(20):
            folder = tmp_path / "rec" / part / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            x, y, t, p = some_events(400, seed + i)
            write("bin", folder / f"{i:03}", (x // 2 + 17 * (i % 2), y, t, p))
    made = command("data", "events", "rec", "-o", "rec.npz", "--sensor", "34x34", "--shrink", "2", "--json").json
    assert (made["shape"], made["train"], made["test"]) == ([17, 17, 6], 20, 20)
    trained = command(
        "train",
        "full-field",
        "--set",
        "data=rec.npz",
        "--set",
        "n_neurons=8",
        "--set",
        "epochs=40",
        "--set",
        "encoding.floor=0",
        "--json",
    )
    assert trained.json["accuracy"] == 1.0
    assert "on a sensor of" in four_parts(command("data", "events", "rec", "-o", "r.npz", "--sensor", "20x20"))["rule"]
    assert load_events(tmp_path / "rec", most=3).x_train.shape[0] == 6
    assert "Train/CLASS" in four_parts(command("data", "events", ".", "-o", "r.npz"))["rule"]


def test_saccades_follow_edges_and_say_that_they_are_synthetic(command: Command, tmp_path: Path) -> None:
    image = np.zeros((1, 20, 20), np.uint8)
    image[0, :, 10:] = 255  # dark to bright, from left to right
    counts = count_saccades(image, bins=3)[0]
    inner = counts[5:-5, 8:15].sum(axis=(0, 1)).astype(int)
    assert inner[1] > 10 * max(inner[0], 1)  # first the image moves right: pixels at the edge become darker
    assert inner[2] > 10 * max(inner[3], 1)  # then left: brighter
    assert counts[5:-5, :5].sum() == 0
    made = command("data", "saccades", "-o", "s.npz", "--images", "60", "--json").json
    assert made["provenance"]["synthetic"] is True and made["shape"] == [28, 28, 6]
    with np.load(tmp_path / "s.npz") as file:
        assert json.loads(str(file["provenance"]))["synthetic"] is True
    assert synarray.load_dataset(tmp_path / "s.npz").x_train.shape == (60, 28, 28, 6)
