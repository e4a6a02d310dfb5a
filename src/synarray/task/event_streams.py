"""Event streams: addresses of pixels that became brighter or darker, with their times; read from files, binned to arrays.

    .bin        N-MNIST: 40 bits an event, x 8, y 8, polarity 1, time 23 bits in us; y = 240 marks an overflow of the clock
                (Orchard et al. 2015, doi 10.3389/fnins.2015.00437)
    .aedat      AEDAT 2.0: lines of #, then address and time, 32 bits each, most significant byte first (DVS128's addresses);
                3.1: packets of events after #!END-HEADER (inivation.github.io/inivation-docs, "File formats")
    .npy        structured with the fields x, y, t, p, or [n, 4] with the columns x, y, t, p
    .npz        arrays x, y, t, p

Times are in us and must not run backwards; a file that is cut is refused, never read in part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.rng import Stream, permutation
from synarray.task.datasets import Dataset, from_arrays
from synarray.task.idx import few, read_npz, unreadable

__all__ = ["READERS", "Events", "bin_events", "load_events", "read_events"]

_LARGEST = 1 << 30
"""Bytes of a file."""
_OVERFLOW_ROW, _OVERFLOW_US = 240, 1 << 13
_AEDAT_2, _AEDAT_3, _END = b"#!AER-DAT2.0", b"#!AER-DAT3.1", b"#!END-HEADER\r\n"
_POLARITY, _HEADER = 1, 28
_AGAIN = "Fetch or write the file again."


class Events(NamedTuple):
    """Events of one recording."""

    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.int64]
    """Column and row of the pixel."""
    t: npt.NDArray[np.int64]
    """Time, us, never falling."""
    on: npt.NDArray[np.bool_]
    """Whether it became brighter."""


def read_events(path: Path) -> Events:
    """Read the events of a file, by its ending.

    Raises
    ------
    DataError
        When it is of no known kind, cannot be read, is cut, or its times run backwards.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise DataError(
            f"a file of events must end in {', '.join(READERS)}", got=f'"{path.suffix}"', where=str(path),
            do="Convert it: numpy.savez(file, x=x, y=y, t=t, p=p), t in microseconds.",
        )  # fmt: skip
    if kind == ".npz":
        return _checked(_of_columns(read_npz(path, ("x", "y", "t", "p")), path), path)
    try:
        with open_ordinary(path) as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if len(content) > _LARGEST:
        raise DataError(
            "a file of events must have at most 1 GB", got="more", where=str(path), do="Cut it into recordings."
        )
    return _checked(READERS[kind](content, path), path)


def _read_bin(content: bytes, path: Path) -> Events:
    """N-MNIST."""
    _whole(len(content), 5, path, "events of 5 bytes")
    raw = np.frombuffer(content, np.uint8).reshape(-1, 5).astype(np.int64)
    t = ((raw[:, 2] & 127) << 16) | (raw[:, 3] << 8) | raw[:, 4]
    overflow = raw[:, 1] == _OVERFLOW_ROW
    t = t + _OVERFLOW_US * np.cumsum(overflow)
    keep = ~overflow
    return Events(raw[keep, 0], raw[keep, 1], t[keep], (raw[:, 2] >> 7)[keep] > 0)


def _read_aedat(content: bytes, path: Path) -> Events:
    """AEDAT 2.0 or 3.1, by the first line."""
    if content.startswith(_AEDAT_3):
        return _read_packets(content, path)
    if not content.startswith(_AEDAT_2):
        raise DataError(
            f"a file .aedat must begin with {_AEDAT_2.decode()} or {_AEDAT_3.decode()}", got=repr(content[:16])[1:],
            where=str(path), do="Convert other versions to .npz: numpy.savez(file, x=x, y=y, t=t, p=p).",
        )  # fmt: skip
    start = 0
    while content[start : start + 1] == b"#":
        end = content.find(b"\n", start)
        start = len(content) if end < 0 else end + 1
    _whole(len(content) - start, 8, path, "events of 8 bytes after the lines of #")
    address, t = np.frombuffer(content, ">u4", offset=start).astype(np.int64).reshape(-1, 2).T
    return Events((address >> 1) & 127, (address >> 8) & 127, t, (address & 1) == 0)


def _read_packets(content: bytes, path: Path) -> Events:
    """AEDAT 3.1: packets of one type each; those of polarity events are read."""
    at = content.find(_END) + len(_END)
    if at < len(_END):
        raise DataError("a file of AEDAT 3.1 must have a line #!END-HEADER", got="none", where=str(path), do=_AGAIN)
    parts = [np.zeros((0, 2), np.int64)]
    while at < len(content):
        head = content[at : at + _HEADER]
        kind, _ = np.frombuffer(head[:4].ljust(4, b"\0"), "<i2").tolist()
        size, _, overflow, capacity, number, _ = np.frombuffer(head[4:].ljust(24, b"\0"), "<i4").tolist()
        end = at + _HEADER + size * capacity
        if len(head) < _HEADER or size < 1 or not 0 <= number <= capacity or end > len(content):
            raise DataError(
                "packets of AEDAT 3.1 must be whole", got=f"{len(content) - at:,} bytes at byte {at:,}", where=str(path),
                do=f"{_AGAIN} It may be cut.",
            )  # fmt: skip
        if kind == _POLARITY and size == 8:
            events = np.frombuffer(content, "<u4", 2 * number, at + _HEADER).astype(np.int64).reshape(-1, 2)
            events[:, 1] += overflow << 31
            parts.append(events[events[:, 0] & 1 == 1])  # the others were found invalid
        at = end
    data, t = np.concatenate(parts).T
    return Events(data >> 17, (data >> 2) & 0x7FFF, t, (data >> 1) & 1 > 0)


def _read_npy(content: bytes, path: Path) -> Events:
    """One array of NumPy; pickled objects are never opened."""
    import io

    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError, SyntaxError, TypeError) as error:
        raise DataError(
            "a file .npy must hold one array of numbers", got=str(error)[:60], where=str(path), do=_AGAIN
        ) from None
    if array.dtype.names is not None and set("xytp") <= set(array.dtype.names):
        return _of_columns({name: array[name] for name in "xytp"}, path)
    if array.ndim == 2 and array.shape[1] == 4:
        return _of_columns(dict(zip("xytp", array.T, strict=True)), path)
    raise DataError(
        "events must have the fields x, y, t, p, or be [n, 4] with the columns x, y, t, p",
        got=f"type {array.dtype}, shape {array.shape}"[:80], where=str(path), do="Write them so.",
    )  # fmt: skip


def _of_columns(columns: dict[str, npt.NDArray[Any]], path: Path) -> Events:
    sizes = {name: column.shape for name, column in columns.items()}
    whole = all(column.dtype.kind in "buif" and np.isfinite(column).all() for column in columns.values())
    if len(set(sizes.values())) > 1 or any(len(shape) != 1 for shape in sizes.values()) or not whole:
        raise DataError(
            "x, y, t and p of events must be finite numbers, one for each event",
            got=str(sizes),
            where=str(path),
            do=_AGAIN,
        )
    x, y, t = (columns[name].astype(np.int64) for name in "xyt")
    return Events(x, y, t, columns["p"] > 0)


READERS: dict[str, Callable[[bytes, Path], Events]] = {
    ".bin": _read_bin, ".aedat": _read_aedat, ".npy": _read_npy, ".npz": _read_npy,
}  # fmt: skip
"""What reads each kind of file."""


def _whole(n_bytes: int, size: int, path: Path, what: str) -> None:
    if n_bytes % size:
        raise DataError(
            f"the file must hold whole {what}", got=f"{n_bytes:,} bytes, {n_bytes % size} too many", where=str(path),
            do=f"{_AGAIN} It may be cut.",
        )  # fmt: skip


def _checked(events: Events, path: Path) -> Events:
    back = np.flatnonzero(np.diff(events.t) < 0)
    if len(back):
        at = int(back[0])
        raise DataError(
            "times of events must not run backwards", where=f"{path}, event {at + 2:,}",
            got=f"{events.t[at + 1]:,} us after {events.t[at]:,} us ({len(back):,} times in the file)",
            do="Sort the events by time, if their order is not meant: numpy.argsort(t, kind='stable').",
        )  # fmt: skip
    if len(events.t) and min(events.x.min(), events.y.min()) < 0:
        raise DataError("places of events must not be negative", got="x or y below 0", where=str(path), do=_AGAIN)
    return events


def bin_events(
    events: Events, shape: tuple[int, int], bins: int, shrink: int = 1, where: str = "events"
) -> npt.NDArray[np.int64]:
    """Count events by pixel, time bin and polarity, shape (height, width, 2 bins); the recording is cut into equal times.

    Parameters
    ----------
    events : Events
    shape : tuple of int
        Height and width of the sensor.
    bins : int
    shrink : int
        Pixels along each side that are counted as one.
    where : str
        What the events are called in an error.

    Examples
    --------
    >>> one = Events(np.array([1, 0]), np.array([0, 0]), np.array([0, 99]), np.array([True, False]))
    >>> bin_events(one, (1, 2), 2).tolist()
    [[[0, 0, 0, 1], [1, 0, 0, 0]]]
    """
    height, width = shape
    if len(events.t) and (events.x.max() >= width or events.y.max() >= height):
        raise DataError(
            f"events must be on a sensor of {height} x {width}", where=where, do="Give its size: height x width.",
            got=f"an event at row {events.y.max()}, column {events.x.max()}",
        )  # fmt: skip
    rows, columns = -(-height // shrink), -(-width // shrink)
    first = int(events.t[0]) if len(events.t) else 0
    length = int(events.t[-1]) - first + 1 if len(events.t) else 1
    at = (events.t - first) * bins // length
    flat = ((events.y // shrink * columns + events.x // shrink) * bins + at) * 2 + (~events.on)
    counts: npt.NDArray[np.int64] = np.bincount(flat, minlength=rows * columns * bins * 2)
    return counts.reshape(rows, columns, 2 * bins)


def load_events(
    folder: Path, bins: int = 3, shape: tuple[int, int] | None = None, shrink: int = 1, most: int | None = None
) -> Dataset:
    """Read recordings in folders TRAIN/CLASS and TEST/CLASS and make a data set of them: [recording, row, column, 2 bins].

    Parameters
    ----------
    folder : Path
        Holds ``Train`` and ``Test``, in any case; each has a folder of recordings for every class.
    bins : int
        Time bins of a recording.
    shape : tuple of int, optional
        Height and width of the sensor; none: the largest places of the training recordings.
    shrink : int
        Pixels along each side that are counted as one.
    most : int, optional
        At most so many recordings of each class and part, the first by name; none: all.

    Raises
    ------
    DataError
        When folders are missing, or a file cannot be used.
    """
    parts = {part: _recordings(folder, part, most) for part in ("train", "test")}
    names = sorted({name for name, _ in parts["train"]})
    read = {part: [(name, path, read_events(path)) for name, path in files] for part, files in parts.items()}
    if shape is None:
        seen = [events for _, _, events in read["train"] if len(events.t)]
        shape = (max((int(e.y.max()) for e in seen), default=0) + 1, max((int(e.x.max()) for e in seen), default=0) + 1)
    counts = {
        part: np.stack([bin_events(events, shape, bins, shrink, str(path)) for _, path, events in files])
        for part, files in read.items()
    }
    active = counts["train"][counts["train"] > 0]
    full = float(np.quantile(active, 0.99)) if active.size else 1.0
    arrays = {part: np.rint(255.0 * np.minimum(count / full, 1.0)).astype(np.uint8) for part, count in counts.items()}
    labels = {part: _labels([name for name, _ in files], names, folder) for part, files in parts.items()}
    mixed = permutation(len(labels["train"]), seed=0, stream=Stream.ORDER)  # else the last, held out, are of one class
    train = arrays["train"][mixed], labels["train"][mixed]
    return from_arrays(*train, arrays["test"], labels["test"], name=folder.resolve().name)


def _recordings(folder: Path, part: str, most: int | None) -> list[tuple[str, Path]]:
    """List the recordings of a part, with the names of their classes."""
    try:
        found = [entry for entry in folder.iterdir() if entry.is_dir() and entry.name.lower() == part]
        classes = sorted(entry for entry in found[0].iterdir() if entry.is_dir()) if found else []
        files = [
            (each.name, path)
            for each in classes
            for path in sorted(path for path in each.iterdir() if path.suffix.lower() in READERS)[:most]
        ]
    except OSError as error:
        raise unreadable(folder, error) from error
    if not files:
        raise DataError(
            "recordings must be in folders Train/CLASS and Test/CLASS", got=f"no recordings of {part}", where=str(folder),
            do=f"Put files {', '.join(READERS)} there, a folder for each class.",
        )  # fmt: skip
    return files


def _labels(given: Sequence[str], names: list[str], folder: Path) -> npt.NDArray[np.int64]:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise DataError(
            "classes of test recordings must be seen in training",
            got=few(unknown),
            where=str(folder),
            do="Leave them out.",
        )
    return np.array([names.index(name) for name in given])
