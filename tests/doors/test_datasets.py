"""The door for data: what is let in arrives unchanged, and what is refused is refused in words.

Every refusal names the file and a remedy, and takes no more memory than the file itself could justify.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from synarray.errors import DataError
from synarray.task import datasets
from synarray.task.datasets import check_images, check_labels, from_arrays, load_dataset

FASHION = Path("/usr/share/datasets/fashion-mnist")
NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
MOST_MEMORY = 4_000_000  # bytes; the files here are a few kB, and reading takes at most 1 MB at a time

Arrays = dict[str, np.ndarray[Any, Any]]


def small() -> Arrays:
    """Six training and three test images of 4 x 5 pixels, three classes."""
    rng = np.random.default_rng(1)
    return {
        "x_train": rng.integers(0, 256, (6, 4, 5)).astype(np.uint8),
        "y_train": np.array([0, 1, 2, 2, 1, 0], np.uint8),
        "x_test": rng.integers(0, 256, (3, 4, 5)).astype(np.uint8),
        "y_test": np.array([2, 0, 1], np.uint8),
    }


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """Encode an array as IDX, written here once more from the format's description."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_folder(folder: Path, arrays: Arrays, **replaced: bytes) -> Path:
    """Write four IDX files; a keyword replaces the bytes of one."""
    folder.mkdir(exist_ok=True)
    for key, name in NAMES.items():
        (folder / name).write_bytes(replaced.get(key, idx(arrays[key])))
    return folder


def refused(source: str | Path, *parts: str) -> str:
    """Load, expect a refusal whose text contains the parts, and hold its memory down; return the text."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            load_dataset(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    text = str(caught.value)
    for part in (*parts, caught.value.do):
        assert part in text
    assert len(caught.value.do) > 10
    return text


# What is let in


def names_of(joint: str, end: str, test: str) -> dict[str, str]:
    return {key: name.replace("-idx", f"{joint}idx").replace("t10k", test) + end for key, name in NAMES.items()}


@pytest.mark.parametrize("joint", ["-", "."])
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_idx_files_are_found_under_their_customary_names(tmp_path: Path, joint: str, end: str, test: str) -> None:
    arrays = small()
    for key, name in names_of(joint, end, test).items():
        (tmp_path / name).write_bytes(gzip.compress(idx(arrays[key])) if end else idx(arrays[key]))
    data = load_dataset(tmp_path)
    for key, array in arrays.items():
        np.testing.assert_array_equal(getattr(data, key), array)
    assert (data.name, data.source, data.image_shape) == (tmp_path.name, str(tmp_path), (4, 5))


@settings(max_examples=40, deadline=None)
@given(
    x=hnp.arrays(np.uint8, st.tuples(st.integers(2, 7), st.integers(1, 6), st.integers(1, 6))),
    zipped=st.booleans(),
)  # fmt: skip
def test_idx_round_trip(tmp_path_factory: pytest.TempPathFactory, x: np.ndarray[Any, Any], zipped: bool) -> None:
    folder = tmp_path_factory.mktemp("idx")
    y = (np.arange(len(x)) % 2).astype(np.uint8)
    for key, name in NAMES.items():
        content = idx(x if key[0] == "x" else y)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    data = load_dataset(folder)
    np.testing.assert_array_equal(data.x_train, x)
    np.testing.assert_array_equal(data.y_test, y)
    assert data.full_scale == 255.0


DTYPES = st.sampled_from(["|u1", "|b1", "<u2", ">i4", "<i8", "<f2", "<f4", ">f8"])


@settings(max_examples=40, deadline=None)
@given(data=st.data(), dtype=DTYPES, by_column=st.booleans(), compressed=st.booleans(), upper=st.booleans())
def test_npz_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject, dtype: str, by_column: bool, compressed: bool, upper: bool,
) -> None:  # fmt: skip
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=4))
    values = st.integers(0, 1 if "b" in dtype else 255)
    x = data.draw(hnp.arrays(np.dtype(dtype), shape, elements=values))
    x.flat[0] = 1  # an all-dark set is refused
    x = np.asfortranarray(x) if by_column else x
    y = np.arange(len(x)) % 2
    file = tmp_path_factory.mktemp("npz") / "my.npz"
    save = np.savez_compressed if compressed else np.savez
    save(file, **{key.upper() if upper else key: x if key[0] == "x" else y for key in NAMES})
    loaded = load_dataset(str(file))
    np.testing.assert_array_equal(loaded.x_train, x)
    np.testing.assert_array_equal(loaded.y_train, y)
    assert loaded.x_train.dtype == (np.float32 if "f" in dtype else np.uint8)
    assert loaded.full_scale == (255.0 if dtype == "|u1" else float(x.max()))
    assert loaded.image_shape == (x.shape[1:] if x.ndim > 2 else None)
    assert loaded.n_features == x[0].size
    assert not loaded.x_train.flags.writeable and not loaded.y_test.flags.writeable


def test_python_2_headers_and_other_members_do_not_disturb(tmp_path: Path) -> None:
    file = write_npz(tmp_path / "old.npz", small() | {"notes": np.array(["made in 2014"])})
    entry = npy(small()["x_train"]).replace(b"(6, 4, 5), ", b"(6L, 4, 5),")
    rewrite_member(file, "x_train.npy", entry)
    np.testing.assert_array_equal(load_dataset(file).x_train, small()["x_train"])


def test_labels_become_0_to_n_minus_1_and_classes_keep_them() -> None:
    data = from_arrays(np.eye(3), [[30], [-2], [7]], np.eye(3)[:2], [7.0, 30.0])
    assert data.classes.tolist() == [-2, 7, 30]
    assert data.y_train.tolist() == [2, 0, 1]
    assert data.y_test.tolist() == [1, 2]
    assert (data.y_train.dtype, data.n_classes, data.image_shape) == (np.int64, 3, None)


def test_colour_images_keep_their_shape_and_flatten_with_channels_fastest() -> None:
    x = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    data = from_arrays(x, [0, 1], x, [0, 1])
    assert (data.image_shape, data.n_features, data.full_scale) == ((4, 5, 3), 60, 119.0)
    np.testing.assert_array_equal(data.x_train.reshape(2, -1)[0, :3], x[0, 0, 0])


def test_from_arrays_copies() -> None:
    x = np.array([[0, 9], [9, 0]], np.uint8)
    data = from_arrays(x, [0, 1], x, [0, 1])
    x[:] = 5
    assert data.x_train.tolist() == [[0, 9], [9, 0]]
    assert x.flags.writeable


def test_whole_numbers_beyond_255_are_stored_as_float() -> None:
    data = from_arrays([[0, 1000], [3, 4]], [0, 1], [[5, 6]], [0])
    assert (data.x_train.dtype, data.x_test.dtype, data.full_scale) == (np.float32, np.float32, 1000.0)


def test_fashion_mnist_loads_as_debian_ships_it() -> None:
    if not FASHION.is_dir():
        pytest.skip(f"{FASHION} is missing: install Debian's package dataset-fashion-mnist")
    data = load_dataset(FASHION)
    assert (data.name, data.image_shape, data.full_scale) == ("fashion-mnist", (28, 28), 255.0)
    # balanced by construction: github.com/zalandoresearch/fashion-mnist
    assert np.bincount(data.y_train).tolist() == [6000] * 10
    assert np.bincount(data.y_test).tolist() == [1000] * 10


# IDX files that are refused


X, Y = idx(small()["x_train"]), idx(small()["y_train"])
GIANT = struct.pack(">4I", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
LARGE = struct.pack(">4I", 0x803, 1000, 1000, 1000)  # 1 GB: it could be allocated, but must not be

BAD_IDX = {
    "empty": ("x_train", b"", "must not be empty"),
    "cut in the magic": ("x_train", X[:3], "must begin with the bytes 00 00 08 03"),
    "cut in the header": ("x_train", X[:9], "header is cut off"),
    "cut in the pixels": ("x_train", X[:-1], "declares 120 bytes", "119"),
    "trailing bytes": ("x_train", X + b"\0", "bytes after the last one"),
    "wrong magic": ("x_train", b"\x89PNG" + X[4:], "89 50 4e 47"),
    "floats": ("x_train", b"\0\0\x0d\x03" + X[4:], "00 00 0d 03"),
    "labels in place of images": ("x_train", Y, "mark of labels", "changed names"),
    "images in place of labels": ("y_train", X, "mark of images", "changed names"),
    "gzipped without .gz": ("x_train", gzip.compress(X), "let its name end in .gz"),
    "giant header": ("x_train", GIANT + X[16:], "declares 79,228,162,458,924,105,385,300,197,375 bytes"),
    "large header": ("x_train", LARGE + X[16:], "declares 1,000,000,000 bytes", "120 bytes"),
    "giant label count": ("y_train", struct.pack(">2I", 0x801, 0xFFFFFFFF) + Y[8:], "declares 4,294,967,295 bytes"),
    "no images": ("x_train", struct.pack(">4I", 0x803, 0, 28, 28), "must hold images"),
    "images without width": ("x_train", struct.pack(">4I", 0x803, 6, 28, 0), "must hold images"),
    "too few labels": ("y_train", idx(np.array([0, 1], np.uint8)), "one label for each image", "2 labels for 6 images"),
    "too few test labels": ("y_test", idx(np.array([0, 1], np.uint8)), "one label for each image"),
    "one class": ("y_train", idx(np.ones(6, np.uint8)), "at least two classes", "1 alone"),
    "unseen class": ("y_test", idx(np.array([0, 1, 9], np.uint8)), "classes seen in training", "9, but training has 0"),
    "another image size": ("x_test", idx(np.ones((3, 5, 4), np.uint8)), "same size", "(4, 5) and (5, 4)"),
}


@pytest.mark.parametrize("case", BAD_IDX)
def test_bad_idx_files_are_refused_in_words(tmp_path: Path, case: str) -> None:
    key, content, *parts = BAD_IDX[case]
    assert isinstance(content, bytes)
    write_folder(tmp_path, small(), **{key: content})
    refused(tmp_path, NAMES[key], *map(str, parts))


def damaged(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


ZIPPED = gzip.compress(X)
BAD_GZ = {
    "empty": (b"", "must not be empty"),
    "not gzipped": (X, "Not a gzipped file"),
    "mark damaged": (damaged(ZIPPED, 0), "Not a gzipped file"),
    "checksum damaged": (damaged(ZIPPED, -8 + len(ZIPPED)), "CRC"),
    "data damaged": (damaged(ZIPPED, len(ZIPPED) // 2), "readable from end to end"),
    "cut off": (ZIPPED[:-20], "readable from end to end"),
    "cut in its own header": (ZIPPED[:5], "readable from end to end"),
    "garbage behind": (ZIPPED + b"garbage", "readable from end to end"),
    "empty inside": (gzip.compress(b""), "got nothing"),
    "less inside than declared": (gzip.compress(X[:-1]), "cut off"),
    "more inside than declared": (gzip.compress(X + bytes(50_000_000)), "bytes after the last one"),
    "giant header": (gzip.compress(GIANT + X[16:]), "at most"),
    "large header": (gzip.compress(LARGE + X[16:]), "declares 1,000,000,000 bytes", "at most"),
    "labels in place of images": (gzip.compress(Y), "mark of labels"),
}


@pytest.mark.parametrize("case", BAD_GZ)
def test_bad_gzipped_files_are_refused_in_words(tmp_path: Path, case: str) -> None:
    content, *parts = BAD_GZ[case]
    assert isinstance(content, bytes)
    name = NAMES["x_train"]
    (write_folder(tmp_path, small()) / name).unlink()
    (tmp_path / f"{name}.gz").write_bytes(content)
    refused(tmp_path, f"{name}.gz", *map(str, parts))


def test_missing_files_are_named_beside_what_was_found(tmp_path: Path) -> None:
    write_folder(tmp_path, small())
    (tmp_path / NAMES["y_test"]).unlink()
    (tmp_path / NAMES["x_train"]).rename(tmp_path / "images.bin")
    text = refused(tmp_path, str(tmp_path), "no train-images-idx3-ubyte and no t10k-labels-idx1-ubyte", "images.bin")
    assert "no train-labels" not in text
    (tmp_path / "none").mkdir()
    refused(tmp_path / "none", "found nothing")


def test_a_pipe_or_folder_in_place_of_a_file_is_refused_at_once(tmp_path: Path) -> None:
    file = write_folder(tmp_path, small()) / NAMES["x_train"]
    file.unlink()
    os.mkfifo(file)
    refused(tmp_path, file.name, "ordinary file", "pipe")
    os.mkfifo(tmp_path / "pipe.npz")
    refused(tmp_path / "pipe.npz", "pipe.npz", "ordinary file")
    file.unlink()
    file.mkdir()
    refused(tmp_path, file.name, "ordinary file")
    file.rmdir()
    file.symlink_to(file)
    refused(tmp_path, file.name, "readable")


def test_a_file_without_the_right_to_read_it_is_refused(tmp_path: Path) -> None:
    file = write_folder(tmp_path, small()) / NAMES["x_train"]
    file.chmod(0)
    as_root = os.geteuid() == 0
    if as_root:  # root may read anything: be nobody, who may not even enter the folder
        os.seteuid(65534)
    try:
        refused(tmp_path, tmp_path.name, "Permission denied", "chmod +r")
    finally:
        if as_root:
            os.seteuid(0)


# .npz files that are refused


def npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def write_npz(file: Path, arrays: Arrays) -> Path:
    np.savez_compressed(file, **arrays)
    return file


def rewrite_member(file: Path, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for each, old in (members | {name: content}).items():
            archive.writestr(each, content if each == name else old, method if each == name else zipfile.ZIP_DEFLATED)


def header(shape: str, descr: str = "'|u1'") -> bytes:
    """Write the start of an .npy member with any shape and type."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


BAD_MEMBERS = {
    "no .npy": (b"just text, long enough", "written by NumPy"),
    "empty": (b"", "written by NumPy"),
    "header cut off": (npy(small()["x_train"])[:30], "written by NumPy", "expected 118 bytes got 20"),
    "header of 4 GB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 20_000, "expected 4294967295 bytes got 20000"),
    "header too long": (b"\x93NUMPY\x02\x00\x11\x27\0\0" + b" " * 20_000, "length (10001) is large"),
    "header no dictionary": (b"\x93NUMPY\x01\x00\x02\x00()" + bytes(9), "not a dictionary"),
    "header of a later version": (b"\x93NUMPY\x03" + npy(small()["x_train"])[7:], "version (3, 0) of their format"),
    "header deeply nested": (b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000, "readable from end to end"),
    "pixels cut off": (npy(small()["x_train"])[:-1], "declares 120 bytes", "119"),
    "bytes trail": (npy(small()["x_train"]) + b"\0", "declares 120 bytes", "121"),
    "giant shape": (header("(99999999999, 99999999999)") + bytes(120), "declares 9,999,999,999,800,000,000,001 bytes"),
    "large shape": (header("(1000, 1000, 1000)") + bytes(120), "declares 1,000,000,000 bytes", "120"),
    "shape too long to print": (header(f"({'0x' + 'f' * 8000},)") + bytes(120), "readable from end to end"),
    "negative shape": (header("(-6, -20)") + bytes(120), "readable from end to end"),
    "giant beside zero": (header("(0, 99999999999999999999)"), "readable from end to end"),
    "objects": (npy(np.array([1, "a"], object)), "numbers only", "pickle"),
    "objects in a record": (header("(2,)", "[('a', '|O')]") + bytes(16), "numbers only"),
    "texts": (npy(np.array(["a", "b"])), "numbers only", "<U1"),
    "complex": (npy(np.ones((6, 4), complex)), "numbers only", "complex"),
    "three dimensions too many": (npy(np.ones((6, 1, 1, 2, 2, 2))), "2 axes", "(6, 1, 1, 2, 2, 2)"),
    "no images": (npy(np.ones((0, 4, 5))), "at least one image"),
    "NaN": (npy(np.array([[[np.nan, 1.0]]] * 6)), "finite", "6 that are NaN"),
    "infinite": (npy(np.full((6, 4, 5), np.inf)), "finite"),
    "negative": (npy(np.full((6, 4, 5), -0.5)), "not be negative", "-0.5"),
    "negative integers": (npy(np.full((6, 4, 5), -3)), "not be negative", "-3"),
    "another scale": (npy(np.full((6, 4, 5), 0.5)), "same scale", "float64 and uint8"),
}


@pytest.mark.parametrize("case", BAD_MEMBERS)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_bad_members_of_an_npz_are_refused_in_words(tmp_path: Path, case: str, method: int) -> None:
    content, *parts = BAD_MEMBERS[case]
    assert isinstance(content, bytes)
    file = write_npz(tmp_path / "my.npz", small())
    rewrite_member(file, "x_train.npy", content, method)
    refused(file, "my.npz", "x_train" if "end to end" not in parts[0] else "", *map(str, parts))


BAD_LABELS = {
    "fractions": ([0.0, 1.5, 2, 2, 1, 0], "whole numbers", "1.5"),
    "NaN": ([0.0, np.nan, 2, 2, 1, 0], "whole numbers", "nan"),
    "infinite": ([0.0, np.inf, 2, 2, 1, 0], "whole numbers", "inf"),
    "beyond whole floats": ([0.0, 1e300, 2, 2, 1, 0], "whole numbers", "1e+300"),
    "beyond int64": (np.array([0, 2**64 - 1, 2, 2, 1, 0], np.uint64), "whole numbers", "18446744073709551615"),
    "one-hot": (np.eye(6), "one number per image", "argmax"),
    "one class": ([3] * 6, "at least two classes", "3 alone"),
    "too many": ([0, 1, 2, 2, 1, 0, 0], "one label for each image", "7 labels for 6 images"),
    "too few classes for the test": ([0, 1, 0, 1, 1, 0], "classes seen in training", "2, but training has 0, 1"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels_are_refused_in_words(tmp_path: Path, case: str) -> None:
    labels, *parts = BAD_LABELS[case]
    file = write_npz(tmp_path / "my.npz", small() | {"y_train": np.array(labels)})
    refused(file, "my.npz", *map(str, parts))


def test_npz_files_that_are_no_zip_or_lack_an_array_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "my.npz"
    file.write_bytes(b"")
    refused(file, "my.npz", "must not be empty")
    file.write_bytes(b"no zip at all")
    refused(file, "my.npz", "not a zip file")
    file.write_bytes(write_npz(tmp_path / "whole.npz", small()).read_bytes()[:-30])
    refused(file, "my.npz", "not a zip file")
    write_npz(file, {key: array for key, array in small().items() if key != "y_test"} | {"labels": np.ones(3)})
    refused(file, "my.npz", "no y_test; found", "labels")
    write_npz(file, small() | {"X_Train": small()["x_train"]})
    refused(file, "my.npz", "2 x_train")
    np.save(tmp_path / "plain", small()["x_train"])
    (tmp_path / "plain.npy").rename(file)
    refused(file, "my.npz", "not a zip file")
    write_npz(file, small())
    rewrite_member(file, "y_test.npy", npy(small()["y_test"]), zipfile.ZIP_LZMA)
    refused(file, "my.npz, key y_test", "zip method 14")


@pytest.mark.parametrize(("compressed", "expanded"), [(None, 2**32 - 2), (2**32 - 3, 2**32 - 2), (None, 10**8)])
def test_a_zip_that_declares_more_than_it_can_hold_is_refused(
    tmp_path: Path, compressed: int | None, expanded: int
) -> None:
    start = header(f"({expanded - len(header('(4294967294,)'))},)".rjust(13))
    file = write_npz(tmp_path / "my.npz", small())
    rewrite_member(file, "x_train.npy", start + bytes(1000))
    blob = bytearray(file.read_bytes())
    entry = blob.rindex(b"x_train.npy") - 46  # of the central directory, whose sizes are believed
    assert blob[entry : entry + 4] == b"PK\x01\x02"
    struct.pack_into("<I", blob, entry + 24, expanded)
    if compressed is not None:
        struct.pack_into("<I", blob, entry + 20, compressed)
    file.write_bytes(blob)
    refused(file, "my.npz, key x_train", f"declares {expanded:,} bytes", "at most")


# Anything may happen to a file, but only two things may come of it


def spoiled(content: bytes) -> st.SearchStrategy[bytes]:
    """Change a few bytes, or cut off the end."""
    places = st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=4)

    def spoil(changes: list[tuple[int, int]], length: int) -> bytes:
        result = bytearray(content)
        for place, value in changes:
            result[place] = value
        return bytes(result[:length])

    return st.builds(spoil, places, st.one_of(st.just(len(content)), st.integers(0, len(content))))


def npz_bytes(save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, **small())
    return stream.getvalue()


@settings(max_examples=100, deadline=None)
@given(blob=st.one_of(spoiled(npz_bytes(np.savez)), spoiled(npz_bytes(np.savez_compressed))))
def test_a_spoiled_npz_loads_or_is_refused(tmp_path_factory: pytest.TempPathFactory, blob: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "spoiled.npz"
    file.write_bytes(blob)
    try:
        load_dataset(file)
    except DataError as error:
        assert "spoiled.npz" in str(error)


@settings(max_examples=100, deadline=None)
@given(x=st.one_of(spoiled(X), spoiled(ZIPPED)), y=spoiled(Y))
def test_spoiled_idx_files_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, x: bytes, y: bytes) -> None:
    folder = write_folder(tmp_path_factory.getbasetemp() / "spoiled", small(), y_train=y)
    (folder / NAMES["x_train"]).unlink()
    (folder / f"{NAMES['x_train']}.gz").unlink(missing_ok=True)
    (folder / (NAMES["x_train"] + (".gz" if x[:1] == b"\x1f" else ""))).write_bytes(x)
    try:
        load_dataset(folder)
    except DataError as error:
        assert "-ubyte" in str(error)


# Names, paths and arrays in Python


def test_a_misspelt_name_gets_the_nearest() -> None:
    refused("mnits", '"mnits"', 'Did you mean "mnist"?')


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("", "''"), (5, "5"), (None, "None"), (np.zeros(3), "array"), (b"mnist", "b'mnist'"),
        ("no/such.npz", "such.npz"), ("\0", "null byte"), ("a" * 5000, "too long"),
        ("~no_such_user/data", "home directory"), (Path("no"), '"no"'),
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(source: Any, part: str) -> None:
    refused(source, part)


def test_a_path_that_is_neither_folder_nor_npz_is_refused(tmp_path: Path) -> None:
    for name, part in (("my.csv", '".csv"'), ("train-images-idx3-ubyte", "without an ending"), ("my.npy", '".npy"')):
        (tmp_path / name).write_bytes(X)
        refused(tmp_path / name, name, part, "numpy.savez")


@pytest.mark.parametrize(
    ("x", "part"),
    [
        ([[1, 2], [3]], "x_train"), ([["a"], ["b"]], "real numbers"), ([1.0, 2.0], "2 axes"), (3, "2 axes"),
        ({"a": 1}, "real numbers"), (np.zeros((2, 0)), "at least one pixel"), (np.zeros((2, 2)), "above zero"),
        ([[1e300, 0], [0, 1]], "float32"), ([[True, False], [0.5, -1]], "not be negative"),
    ],
)  # fmt: skip
def test_bad_arrays_are_refused_in_words(x: Any, part: str) -> None:
    with pytest.raises(DataError, match=part):
        from_arrays(x, [0, 1], [[1.0, 1.0]], [0])


def test_the_checks_stand_alone() -> None:
    check_images(np.zeros((1, 4)), "x")  # a dark image may be shown
    assert check_labels(np.array([True, False]), None, "y").tolist() == [1, 0]
    assert check_labels(np.array([5, 5]), 2, "y", known=np.array([5, 6])).tolist() == [5, 5]
    with pytest.raises(DataError, match="seen in training: got 4, but training has 5, 6"):
        check_labels(np.array([4, 5]), 2, "y", known=np.array([5, 6]))
    with pytest.raises(DataError, match="no labels"):
        check_labels(np.array([], int), None, "y")


def test_a_data_set_that_the_system_installs(bars_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets.INSTALLED, "fashion-mnist", tmp_path / "missing")
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist"):
        load_dataset("fashion-mnist")
    monkeypatch.setitem(datasets.INSTALLED, "fashion-mnist", bars_file)
    assert len(load_dataset("fashion-mnist").x_train) == 160
