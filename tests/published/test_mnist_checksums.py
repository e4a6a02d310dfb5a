"""The embedded MNIST is the published one: re-encoded as IDX, its bytes have the checksums of the four original files.

The MD5 are those of the unzipped files, which many projects quote independently of each other.
"""

from __future__ import annotations

import hashlib
import lzma
import struct
from pathlib import Path

import numpy as np
import pytest

from synarray.errors import DataError
from synarray.task import mnist
from synarray.task.datasets import load_dataset

MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.mark.parametrize("part", MD5)
def test_the_embedded_mnist_re_encoded_as_idx_has_the_published_checksum(part: str) -> None:
    array = getattr(load_dataset("mnist"), part)
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    assert hashlib.md5(header + array.astype(np.uint8).tobytes(), usedforsecurity=False).hexdigest() == MD5[part]


def test_mnist_has_the_published_number_of_each_digit() -> None:
    """Counts of the digits 0 to 9, as tabulated for the original files."""
    data = load_dataset("mnist")
    assert np.bincount(data.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (data.n_classes, data.n_features, data.image_shape, data.full_scale) == (10, 784, (28, 28), 255.0)


def test_mnist_is_shared_and_cannot_be_changed() -> None:
    data = load_dataset("mnist")
    assert load_dataset("mnist") is data
    for array in (data.x_train, data.y_train, data.x_test, data.y_test, data.classes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_what_is_kept_decoded_is_checked_and_may_be_damaged_missing_or_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = mnist.unpack(mnist.MNIST_FILE.read_bytes())
    monkeypatch.setattr(mnist, "user_cache", lambda: tmp_path / "new" / "folder")
    calls = []
    monkeypatch.setattr(mnist, "unpack", lambda blob: calls.append(1) or decoded)

    def loaded() -> int:
        """Load, compare, and say how often the file of the package was decoded."""
        calls.clear()
        for got, expected in zip(mnist.load(), decoded, strict=True):
            np.testing.assert_array_equal(got, expected)
        return len(calls)

    kept = tmp_path / "new" / "folder" / "mnist-decoded"
    assert (loaded(), loaded()) == (1, 0)
    assert kept.stat().st_size == 70_000 * 785
    for damage in (lambda b: b[:-1], lambda b: b + b"0", lambda b: b[:500] + b"!" + b[501:], lambda b: b""):
        kept.write_bytes(damage(kept.read_bytes()))
        assert (loaded(), loaded()) == (1, 0)
    assert [path.name for path in kept.parent.iterdir()] == ["mnist-decoded"]
    kept.unlink()
    kept.mkdir()  # where no file can be put
    assert (loaded(), loaded()) == (1, 1)
    kept.rmdir()
    kept.parent.rmdir()
    kept.parent.write_text("a file where the folder should be")
    assert (loaded(), loaded()) == (1, 1)


@pytest.mark.parametrize("place", [0.0, 0.1, 0.6])
def test_a_damaged_file_is_refused(place: float) -> None:
    blob = bytearray(mnist.MNIST_FILE.read_bytes())
    blob[int(place * len(blob))] ^= 0x10
    with pytest.raises(DataError, match=r"mnist\.xz.*Install synarray again"):
        mnist.unpack(bytes(blob))


@pytest.mark.parametrize("length", [0, 1000, 4_000_000])
def test_a_file_cut_off_is_refused(length: int) -> None:
    with pytest.raises(DataError, match=r"mnist\.xz.*Install synarray again"):
        mnist.unpack(mnist.MNIST_FILE.read_bytes()[:length])


def test_one_changed_label_in_an_intact_file_is_refused() -> None:
    """The container's own checksums agree; only the MD5 of the original differs."""
    decoder = lzma.LZMADecompressor()
    first = bytearray(decoder.decompress(mnist.MNIST_FILE.read_bytes()))
    first[0] = 3  # the first training image is a 5
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte with MD5.*mnist\.xz"):
        mnist.unpack(lzma.compress(first, preset=0) + decoder.unused_data)


def test_values_that_are_too_few_or_too_many_are_refused() -> None:
    decoder = lzma.LZMADecompressor()
    blob = mnist.MNIST_FILE.read_bytes()
    first = blob[: len(blob) - len((decoder.decompress(blob), decoder.unused_data)[1])]
    for values in (b"", b"\1", bytes(20_000_000)):
        with pytest.raises(DataError, match=r"mnist\.xz"):
            mnist.unpack(first + lzma.compress(values, preset=0))
