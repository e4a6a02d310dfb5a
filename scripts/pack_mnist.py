"""Write the package's compact MNIST from the four original IDX files.

    python scripts/pack_mnist.py FOLDER

FOLDER holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,
unzipped. Files whose MD5 is not the published one are refused. The result is decoded and checked before it is written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from synarray.errors import DataError
from synarray.task.mnist import IDX_MD5, MNIST_FILE, pack, unpack


def main() -> int:
    """Pack the files of the folder named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the four original files are")
    folder = parser.parse_args().folder
    try:
        packed = pack({name: (folder / name).read_bytes() for name in IDX_MD5})
        unpack(packed)
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    MNIST_FILE.write_bytes(packed)
    print(f"{MNIST_FILE.name}: {len(packed):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
