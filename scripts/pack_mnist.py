"""Write the package's compact MNIST from the four original IDX files.

    python scripts/pack_mnist.py FOLDER

FOLDER holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,
unzipped. Files whose MD5 is not the published one are refused. The result is decoded and checked before it is written.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.task.mnist import IDX_MD5, IDX_SHAPES, MNIST_FILE, check_md5, inked_places, unpack


def main() -> int:
    """Pack the files of the folder named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the four original files are")
    folder = parser.parse_args().folder
    try:
        packed = pack({name: read_idx(folder / name, shape) for name, shape in IDX_SHAPES.items()})
        unpack(packed)
    except (DataError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    MNIST_FILE.write_bytes(packed)
    print(f"{MNIST_FILE.name}: {len(packed):,} bytes")
    return 0


def read_idx(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Read the numbers of an IDX file that has this shape."""
    return np.fromfile(path, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def pack(files: dict[str, npt.NDArray[np.uint8]]) -> bytes:
    """Compress the content of the four original files, by name; the same bytes from the same version of liblzma."""
    for name in IDX_MD5:
        check_md5(name, files[name], where=name)
    pixels = np.concatenate([files["train-images-idx3-ubyte"], files["t10k-images-idx3-ubyte"]])
    labels = np.concatenate([files["train-labels-idx1-ubyte"], files["t10k-labels-idx1-ubyte"]])
    ink = pixels > 0
    rows = np.pad(ink, ((0, 0), (0, 0), (0, 4)))
    first = labels.tobytes() + np.packbits(rows, axis=2, bitorder="little").tobytes()
    second = pixels.reshape(-1)[inked_places(ink.reshape(-1))].tobytes()
    by_rows = {"lc": 1, "lp": 2, "pb": 2, "dict_size": 1 << 23}  # a byte's place in its row of four bytes says much
    by_values = {"lc": 3, "lp": 0, "pb": 0, "dict_size": 1 << 22}
    return xz(first, **by_rows) + xz(second, **by_values)


def xz(data: bytes, **layout: int) -> bytes:
    """Compress one stream as well as LZMA can."""
    best = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, **layout}
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=[best])


if __name__ == "__main__":
    raise SystemExit(main())
