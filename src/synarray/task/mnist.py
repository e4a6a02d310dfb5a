"""MNIST inside the package: 70,000 images in 8 MB, in memory within a second, and in a fifth of one from the second time on.

`mnist.xz` is a valid .xz file of two streams:

    first     the labels, one byte each; then the ink map, one bit per pixel (1: above zero), rows of 28 padded to 32 bits
    second    the values of the inked pixels

Of the pixels 81 % are empty, so only inked ones have a value. The values are sorted by the neighbourhood of their pixel in the
ink map: it is known first, and it says most about the value (253 inside a stroke, grey at its edge). LZMA does the rest;
values in the order of the image would need 0.8 MB more. `scripts/pack_mnist.py` writes the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, SynarrayError
from synarray.files import open_ordinary, replace_file, user_cache

__all__ = ["IDX_MD5", "IDX_SHAPES", "MNIST_FILE", "check_md5", "inked_places", "load", "unpack"]

MNIST_FILE = Path(__file__).with_name("mnist.xz")

IDX_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""MD5 of the four original files, unzipped."""

IDX_SHAPES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
_N_IMAGES, _N_TRAIN, _SIDE = 70_000, 60_000, 28


def load() -> tuple[npt.NDArray[np.uint8], ...]:
    """Return what ``unpack`` decodes; it is kept decoded in the user's cache folder (55 MB), where that can be written.

    What was kept is compared with the MD5 of the original files as well, and decoded again where it is damaged.

    Raises
    ------
    OSError, DataError
        If the package's own file cannot be read or decoded.
    """
    kept = user_cache() / "mnist-decoded"
    try:
        with open_ordinary(kept) as file:
            return _parts(np.fromfile(file, np.uint8), str(kept))
    except (OSError, SynarrayError):
        found = unpack(MNIST_FILE.read_bytes())
    with contextlib.suppress(OSError):  # a cache is no more than that
        kept.parent.mkdir(parents=True, exist_ok=True)
        x_train, y_train, x_test, y_test = found
        replace_file(
            kept, lambda path: path.write_bytes(b"".join([x_train.data, x_test.data, y_train.data, y_test.data]))
        )
    return found


def _parts(flat: npt.NDArray[np.uint8], where: str) -> tuple[npt.NDArray[np.uint8], ...]:
    """Take images and labels, training first, out of one row of bytes, and compare them with the MD5 of the files."""
    ends = _N_IMAGES * _SIDE**2
    if flat.size != ends + _N_IMAGES:
        raise _damaged(where, f"{flat.size:,} bytes")
    images, labels = flat[:ends].reshape(_N_IMAGES, _SIDE, _SIDE), flat[ends:]
    found = (images[:_N_TRAIN], labels[:_N_TRAIN], images[_N_TRAIN:], labels[_N_TRAIN:])
    for name, array in zip(IDX_MD5, found, strict=True):
        check_md5(name, array, where)
    return found


def unpack(blob: bytes, where: str = MNIST_FILE.name) -> tuple[npt.NDArray[np.uint8], ...]:
    """Decode `mnist.xz` and compare the result with the MD5 of the four original files.

    Parameters
    ----------
    blob : bytes
        The content of `mnist.xz`.
    where : str
        The file's name in an error.

    Returns
    -------
    tuple of ndarray of uint8
        Training images [60000, 28, 28] and labels [60000], test images [10000, 28, 28] and labels [10000].

    Raises
    ------
    DataError
        If the bytes do not decode to exactly the original files.

    Examples
    --------
    >>> x_train, y_train, x_test, y_test = unpack(MNIST_FILE.read_bytes())
    >>> x_train.shape, y_train[:5].tolist(), int(x_test.max())
    ((60000, 28, 28), [5, 0, 4, 1, 9], 255)
    """
    try:
        images, labels = _decode(blob)
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise _damaged(where, f"bytes that do not decode: {error}") from error
    return _parts(np.concatenate([images, labels]), where)


def _decode(blob: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the pixels of all images and their labels, training first."""
    from concurrent.futures import ThreadPoolExecutor  # here, so that importing the package stays light

    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    first = np.frombuffer(decoder.decompress(blob), np.uint8)
    with ThreadPoolExecutor(1) as pool:  # lzma and NumPy release the interpreter lock over large arrays
        second = pool.submit(lzma.decompress, decoder.unused_data, lzma.FORMAT_XZ)
        rows = np.unpackbits(first[_N_IMAGES:].reshape(-1, 4), axis=1, count=_SIDE, bitorder="little")
        places = inked_places(rows.reshape(-1).view(np.bool_))
        pixels = np.zeros(rows.size, np.uint8)
        pixels[places] = np.frombuffer(second.result(), np.uint8)
    return pixels, first[:_N_IMAGES]


def inked_places(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return where the inked pixels are, in the order in which their values are stored.

    They are sorted by how many of a pixel's four sides are inked, plus one if all four corners are; within a kind they keep the
    order of the image. Neighbours are taken in the flat array, across the ends of rows and images.

    Examples
    --------
    >>> ink = np.zeros((5, 28), bool)
    >>> ink[1:4, 1:4] = True
    >>> inked_places(ink.reshape(-1)).tolist()
    [29, 31, 85, 87, 30, 57, 59, 86, 58]
    """
    reach = _SIDE + 1
    padded = np.pad(ink.view(np.uint8), reach)

    def at(shift: int) -> npt.NDArray[np.uint8]:
        return padded[reach + shift : reach + shift + ink.size]

    kind = at(_SIDE + 1) & at(_SIDE - 1) & at(-_SIDE + 1) & at(-_SIDE - 1)
    for side in (1, -1, _SIDE, -_SIDE):
        kind += at(side)
    places = np.flatnonzero(ink)
    return places[np.argsort(kind[places], kind="stable")]


def check_md5(name: str, body: npt.NDArray[np.uint8], where: str) -> None:
    """Refuse an array that is not the content of the original file of this name.

    Raises
    ------
    DataError
        If its MD5, with the header of an IDX file before it, is not the published one.
    """
    digest = hashlib.md5(np.array([0x800 + body.ndim, *body.shape], ">u4").tobytes(), usedforsecurity=False)
    digest.update(np.ascontiguousarray(body).data)
    if digest.hexdigest() != IDX_MD5[name]:
        raise _damaged(where, f"{name} with MD5 {digest.hexdigest()}")


def _damaged(where: str, got: str) -> DataError:
    do = "Install synarray again, or pack the file again from the four originals."
    return DataError("MNIST must be the original, byte for byte", got=got, where=where, do=do)
