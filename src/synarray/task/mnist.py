"""MNIST inside the package: 70,000 images in 8 MB, back in memory within a second.

Of the pixels 81 % are empty paper, so the file keeps two things apart. The *ink map*, one bit per pixel (a row of 28
padded to 32 bits), says where pixels are above zero. The *ink values* are stored only there, and not in raster order:
pixels with the same neighbourhood in the ink map (which of the four neighbours are inked, and whether all four
corners are) stand together, because a pixel's neighbourhood tells most of its value: 253 inside a stroke, grey at
its edge. The decoder knows the ink map first, so the order costs no bytes. LZMA does the rest.

`mnist.xz` is a valid .xz file of seven concatenated streams: an index (byte length of each following stream, uint32,
little-endian), the labels, the ink map, and four streams of ink values, each for seven blocks of 2,500 images.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.task.idx import idx_header

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["IDX_MD5", "IDX_SHAPES", "MNIST_FILE", "pack", "unpack"]

MNIST_FILE = Path(__file__).with_name("mnist.xz")

IDX_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""MD5 of the four original files, unzipped."""

SIDE = 28
IDX_SHAPES = {
    "train-images-idx3-ubyte": (60_000, SIDE, SIDE),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, SIDE, SIDE),
    "t10k-labels-idx1-ubyte": (10_000,),
}

_N_TRAIN, _N_IMAGES = 60_000, 70_000
_N_STREAMS = 4  # decoded in parallel
_N_BLOCKS = 7  # per stream; small blocks stay in the processor's cache
_LITERALS = {"lc": 3, "lp": 0, "pb": 0, "dict_size": 1 << 22}
_FOUR_BYTE_ROWS = {"lc": 1, "lp": 2, "pb": 2, "dict_size": 1 << 23}  # a byte's place in its row tells much


def pack(files: Mapping[str, bytes]) -> bytes:
    """Compress the four original files into the bytes of `mnist.xz`.

    Parameters
    ----------
    files : mapping of str to bytes
        The whole content of each file, unzipped, under the names of `IDX_MD5`.

    Returns
    -------
    bytes
        The compact file: always the same bytes from the same version of liblzma.

    Raises
    ------
    DataError
        If the MD5 of a file is not the published one.
    """
    body = {}
    for name, shape in IDX_SHAPES.items():
        _check_md5(name, files[name], where=name)
        body[name] = np.frombuffer(files[name], np.uint8, offset=len(idx_header(shape))).reshape(shape)
    pixels = np.concatenate([body["train-images-idx3-ubyte"], body["t10k-images-idx3-ubyte"]])
    labels = np.concatenate([body["train-labels-idx1-ubyte"], body["t10k-labels-idx1-ubyte"]])

    rows = np.zeros((_N_IMAGES, SIDE, 32), np.bool_)
    rows[..., :SIDE] = pixels > 0
    streams = [
        _xz(labels.tobytes(), _LITERALS),
        _xz(np.packbits(rows, axis=2, bitorder="little").tobytes(), _FOUR_BYTE_ROWS),
    ]
    for part in np.split(pixels.reshape(-1), _N_STREAMS):
        values = np.concatenate([block[_places(block > 0)] for block in np.split(part, _N_BLOCKS)])
        streams.append(_xz(values.tobytes(), _LITERALS))
    index = np.array([len(stream) for stream in streams], "<u4")
    return b"".join([_xz(index.tobytes(), _LITERALS), *streams])


def unpack(blob: bytes, where: str = MNIST_FILE.name) -> tuple[npt.NDArray[np.uint8], ...]:
    """Decode `mnist.xz` and hold the result against the MD5 of the four original files.

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
    except (lzma.LZMAError, EOFError, ValueError, IndexError) as error:
        raise _damaged(where, f"bytes that do not decode: {error}") from error
    found = (images[:_N_TRAIN], labels[:_N_TRAIN], images[_N_TRAIN:], labels[_N_TRAIN:])
    for name, array in zip(IDX_MD5, found, strict=True):
        _check_md5(name, idx_header(array.shape), array.data, where=where)
    return found


def _decode(blob: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return images [70000, 28, 28] and labels [70000], training first."""
    from concurrent.futures import ThreadPoolExecutor  # here, so that importing the package stays light

    first = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    ends = np.frombuffer(first.decompress(blob), "<u4").cumsum().tolist()
    rest = memoryview(first.unused_data)
    labels, ink_map, *values = (rest[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
    pixels = np.zeros((_N_STREAMS, _N_BLOCKS, _N_IMAGES // (_N_STREAMS * _N_BLOCKS) * SIDE * SIDE), np.uint8)
    with ThreadPoolExecutor(_N_STREAMS) as pool:  # lzma and NumPy release the interpreter lock over large arrays
        rows = pool.submit(lzma.decompress, ink_map)
        parts = [pool.submit(_fill, part, i, rows, values[i]) for i, part in enumerate(pixels)]
        for part in parts:
            part.result()
    return pixels.reshape(_N_IMAGES, SIDE, SIDE), np.frombuffer(lzma.decompress(labels), np.uint8)


def _fill(part: npt.NDArray[np.uint8], number: int, ink_map: Future[bytes], stream: memoryview) -> None:
    """Put the values of one stream where the ink map says: pixels [block, pixel]."""
    values, begin = np.frombuffer(lzma.decompress(stream), np.uint8), 0
    rows = np.frombuffer(ink_map.result(), np.uint8).reshape(_N_STREAMS, _N_BLOCKS, -1, 4)[number]
    for block, packed in zip(part, rows, strict=True):
        ink = np.unpackbits(packed, axis=1, count=SIDE, bitorder="little").reshape(-1).view(np.bool_)
        places = _places(ink)
        block[places] = values[begin : begin + places.size]
        begin += places.size


def _places(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Where the inked pixels are, ordered by the kind of their neighbourhood, and within one kind as in the raster.

    The neighbours are taken in the flat raster, so across the ends of rows and images: simpler, and both sides do so.
    """
    reach = SIDE + 1
    padded = np.zeros(ink.size + 2 * reach, np.uint8)
    padded[reach:-reach] = ink

    def at(shift: int) -> npt.NDArray[np.uint8]:
        return padded[reach + shift : reach + shift + ink.size]

    kind = at(-SIDE - 1) & at(-SIDE + 1) & at(SIDE - 1) & at(SIDE + 1)
    for neighbour in (at(1), at(-1), at(SIDE), at(-SIDE)):
        kind += kind
        kind |= neighbour
    places = np.flatnonzero(ink)
    return places[np.argsort(kind[places], kind="stable")]


def _xz(data: bytes, layout: Mapping[str, int]) -> bytes:
    best = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, **layout}
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=[best])


def _check_md5(name: str, *parts: bytes | memoryview, where: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    if digest.hexdigest() != IDX_MD5[name]:
        raise _damaged(where, f"{name} with MD5 {digest.hexdigest()}")


def _damaged(where: str, got: str) -> DataError:
    return DataError(
        "MNIST must be the original, byte for byte", got=got, where=where,
        do="Install synarray again, or pack the file again from the four originals.",
    )  # fmt: skip
