"""Image files from outside, never trusted about their own size: IDX, the format MNIST came in, and NumPy's .npz.

An IDX file is a short header, then one byte per pixel or label:

    bytes 0-1   zero
    byte  2     number type; 0x08 = unsigned byte, the only one read here
    byte  3     number of dimensions: 3 for images, 1 for labels
    then        the size of each dimension, 32 bits, most significant byte first
    then        the numbers, the last dimension fastest

An .npz is a zip of .npy members. No memory is allocated because a header says so: the declared size is first compared with
the file's own size. Compressed data may expand a hundredfold, or to 8 MB where that is more; deflate could reach
1032-fold, which only bombs do.
"""

from __future__ import annotations

import gzip
import math
import stat
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.files import open_ordinary

__all__ = ["few", "find_idx", "read_idx", "read_npz", "unreadable"]

_DEFLATE_MOST = 1032
"""Most bytes that one byte of deflated data can expand to (zlib technical details, "maximum compression factor")."""
_EXPANSION, _ALWAYS = 100, 8 << 20
"""Most bytes that one byte of deflated data is trusted to expand to, and bytes up to which that does not matter."""

_MAGIC = {"images": b"\0\0\x08\x03", "labels": b"\0\0\x08\x01"}
_PARTS = {
    "x_train": ("images-idx3-ubyte", ("train",)),
    "y_train": ("labels-idx1-ubyte", ("train",)),
    "x_test": ("images-idx3-ubyte", ("t10k", "test")),
    "y_test": ("labels-idx1-ubyte", ("t10k", "test")),
}
_CHUNK = 1 << 20
_NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""What reads the header of each version of .npy; it refuses one of more than 10,000 bytes."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, MemoryError, RuntimeError)
_NO_HEADER = (tokenize.TokenError, SyntaxError, ValueError, TypeError, LookupError, OverflowError)
"""What zipfile, and NumPy's parser of headers, raise on damaged bytes."""
_FETCH = "Fetch or write the file again."
_UNZIPPED = f"{_FETCH} Data this regular must be kept uncompressed (gunzip, numpy.savez)."


def find_idx(folder: Path) -> dict[str, Path]:
    """Find the four files of a data set under their customary names; plain goes before gzipped, t10k before test.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Returns
    -------
    dict of str to Path
        Keys x_train, y_train, x_test, y_test.

    Raises
    ------
    DataError
        If the folder cannot be listed or lacks one of the four.
    """
    try:
        present = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    found, missing = {}, []
    for key, (name, prefixes) in _PARTS.items():
        plain = [f"{prefix}-{spelling}" for prefix in prefixes for spelling in (name, name.replace("-idx", ".idx"))]
        there = [name for name in (*plain, *(f"{name}.gz" for name in plain)) if name in present]
        if there:
            found[key] = folder / there[0]
        else:
            missing.append(plain[0])
    if missing:
        raise DataError(
            "a data folder must hold four IDX files",
            got=f"no {' and no '.join(missing)}; found {few(present)}",
            where=str(folder),
            do="Add what is missing, plain or as .gz, or give the path of an .npz file.",
        )
    return found


def read_idx(path: Path, kind: Literal["images", "labels"]) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes; a name that ends in .gz is unzipped.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"images", "labels"}
        What it must hold.

    Returns
    -------
    ndarray of uint8
        Images [n, height, width] or labels [n].

    Raises
    ------
    DataError
        If the file cannot be read, is not IDX, holds the other kind, or is not as long as its header declares.
    """
    size, zipped = _file_size(path), path.suffix == ".gz"
    try:
        with open_ordinary(path) as file, cast("IO[bytes]", gzip.open(file)) if zipped else file as stream:
            shape = _read_shape(stream, path, kind)
            there = _expanded(size) if zipped else size - stream.tell()
            if math.prod(shape) > there:
                most = f"at most {there:,} bytes" if zipped else f"{there:,} bytes"
                do = _UNZIPPED if zipped else _FETCH
                raise _wrong_length(str(path), math.prod(shape), f"{most} of them in a file of {size:,}", do)
            return _read_bytes(stream, math.prod(shape), str(path)).reshape(shape)
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        raise unreadable(path, error) from error


def read_npz(
    path: Path, keys: Sequence[str], optional: Sequence[str] = (), trusted: int = 0
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of numbers from an .npz file; pickled objects are never opened.

    Parameters
    ----------
    path : Path
        The file.
    keys : sequence of str
        Names of the arrays, in lower case; the file may write them in any case.
    optional : sequence of str
        Names of arrays that may be missing.
    trusted : int
        Bytes to which arrays may expand that are smaller in the file than its other arrays make likely, all together.

    Returns
    -------
    dict of str to ndarray
        The arrays, in the file's byte order.

    Raises
    ------
    DataError
        If the file is not a zip or lacks an array, or a member is damaged, not of numbers, or not as long as declared.
    """
    size = _file_size(path)
    try:
        with warnings.catch_warnings(), open_ordinary(path) as file, zipfile.ZipFile(file) as archive:
            warnings.simplefilter("ignore")  # the parser's remarks on Python 2 headers and odd escapes
            members = _find_members(archive, keys, optional, path)
            found = {}
            for key, member in members.items():
                found[key] = _read_npy(archive, member, size, trusted, f"{path}, key {key}")
                trusted -= member.file_size if member.file_size > _likely(member, size) else 0
            return found
    except DataError:
        raise
    except (*_DAMAGED, *_NO_HEADER) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: BaseException) -> DataError:
    """Say that a file cannot be read, and why."""
    denied = isinstance(error, PermissionError)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return DataError(
        "a data file must be readable from end to end",
        got=f'"{reason}"',
        where=str(path),
        do="Give yourself the right to read it (chmod +r)." if denied else f"Check the path. {_FETCH}",
    )


def few(values: Sequence[object]) -> str:
    """Write the first few values for an error; the rest is only counted.

    Examples
    --------
    >>> few(range(10)), few([])
    ('0, 1, 2, 3, 4, 5, 6, 7 and 2 more', 'nothing')
    """
    more = f" and {len(values) - 8} more" if len(values) > 8 else ""
    return ", ".join(map(str, values[:8])) + more or "nothing"


def _read_shape(stream: IO[bytes], path: Path, kind: Literal["images", "labels"]) -> tuple[int, ...]:
    magic = stream.read(4)
    if magic != _MAGIC[kind]:
        other = next((name for name, known in _MAGIC.items() if known == magic), None)
        do = _FETCH
        if other is not None:
            do = "Two files may have changed names: check which one is which."
        elif magic[:2] == b"\x1f\x8b":
            do = "It is gzipped: let its name end in .gz."
        raise DataError(
            f"an IDX file of {kind} must begin with the bytes {_MAGIC[kind].hex(' ')}",
            got=f"{magic.hex(' ') or 'nothing'}{f', the mark of {other}' if other else ''}",
            where=str(path),
            do=do,
        )
    n_dimensions = magic[3]
    sizes = stream.read(4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        raise _wrong_length(str(path), 4 + 4 * n_dimensions, f"only {4 + len(sizes)}: the header is cut off")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if 0 in shape:
        raise DataError(
            f"an IDX file must hold {kind}", got=f"a header that declares the sizes {shape}", where=str(path), do=_FETCH
        )
    return shape


def _find_members(
    archive: zipfile.ZipFile, keys: Sequence[str], optional: Sequence[str], path: Path
) -> dict[str, zipfile.ZipInfo]:
    present: dict[str, list[zipfile.ZipInfo]] = {}
    for member in archive.infolist():
        present.setdefault(member.filename.removesuffix(".npy").lower(), []).append(member)
    keys = [*keys, *(key for key in optional if key in present)]
    wrong = [f"{len(present.get(key, [])) or 'no'} {key}" for key in keys if len(present.get(key, [])) != 1]
    if wrong:
        raise DataError(
            f"an .npz file must hold {', '.join(keys)}, each once",
            where=str(path),
            got=f"{' and '.join(wrong)}; found {few(list(present))}",
            do=f"Save them all with numpy.savez(file, {', '.join(f'{key}=...' for key in keys[:4])}).",
        )
    return {key: present[key][0] for key in keys}


def _read_npy(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int, trusted: int, where: str
) -> npt.NDArray[Any]:
    """Read one member of an .npz file of ``size`` bytes."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(
            "members of an .npz file must be stored or deflated",
            got=f"zip method {member.compress_type}",
            where=where,
            do="Save the arrays with numpy.savez or numpy.savez_compressed.",
        )
    zipped = member.compress_type == zipfile.ZIP_DEFLATED
    possible = _DEFLATE_MOST * min(member.compress_size, size) if zipped else 0
    most = max(_likely(member, size), min(possible, trusted))
    if member.file_size > most:
        do = _UNZIPPED if zipped else _FETCH
        raise _wrong_length(where, member.file_size, f"at most {most:,} of them in a file of {size:,}", do)
    with archive.open(member) as stream:
        shape, by_column, dtype = _read_npy_header(stream, where)
        n_bytes, there = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
        if n_bytes != there:
            raise _wrong_length(where, n_bytes, f"{there:,} for shape {shape} of {dtype}")
        return _read_bytes(stream, n_bytes, where).view(dtype).reshape(shape, order="F" if by_column else "C")


def _read_npy_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether columns are contiguous, and type; the stream is then at the first number."""
    try:
        version = np.lib.format.read_magic(stream)
        shape, by_column, dtype = _NPY_HEADERS[version](stream)
    except (ValueError, KeyError) as error:
        got = (
            f'"{str(error).splitlines()[0]}"' if isinstance(error, ValueError) else f"version {version} of their format"
        )
        do = "Save arrays of numbers with numpy.savez."
        raise DataError("an .npz file must hold arrays written by NumPy", got=got, where=where, do=do) from None
    if dtype.kind not in "buif":
        what = "Python objects, which only pickle could open" if dtype.hasobject else f"type {dtype}"
        do = "Make all images the same size, stack them with numpy.stack, and save them with numpy.savez."
        raise DataError("an .npz file must hold numbers only", got=what, where=where, do=do)
    return shape, by_column, dtype


def _file_size(path: Path) -> int:
    """Return the size in bytes of an ordinary, non-empty file: nothing that could be read forever, like a pipe."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError(
            "data must come from an ordinary file",
            got=stat.filemode(status.st_mode),
            where=str(path),
            do="Put the file itself here, not a folder, pipe or device of its name.",
        )
    if status.st_size == 0:
        raise DataError("a data file must not be empty", got="0 bytes", where=str(path), do=_FETCH)
    return status.st_size


def _read_bytes(stream: IO[bytes], n_bytes: int, where: str) -> npt.NDArray[np.uint8]:
    """Read what must be all that is left, taking one byte more at most; the caller knows the file can hold so many."""
    data, done = np.empty(n_bytes, np.uint8), 0
    while done < n_bytes:
        part = stream.read(min(_CHUNK, n_bytes - done))
        if not part:
            raise _wrong_length(where, n_bytes, f"only {done:,}: the file is cut off")
        data[done : done + len(part)] = np.frombuffer(part, np.uint8)
        done += len(part)
    if stream.read(1):
        raise _wrong_length(where, n_bytes, "more: there are bytes after the last one")
    return data


def _likely(member: zipfile.ZipInfo, size: int) -> int:
    """Return to how many bytes a member of a file of ``size`` bytes may expand without being trusted."""
    there = min(member.compress_size, size)
    return _expanded(there) if member.compress_type == zipfile.ZIP_DEFLATED else there


def _expanded(n_bytes: int) -> int:
    """Return the most bytes that so many deflated ones are trusted to expand to."""
    return max(_EXPANSION * n_bytes, min(_DEFLATE_MOST * n_bytes, _ALWAYS))


def _wrong_length(where: str, n_bytes: int, got: str, do: str = _FETCH) -> DataError:
    return DataError(f"the header declares {n_bytes:,} bytes, and that many must follow", got=got, where=where, do=do)
