"""Time series with classes: files of the form ``.ts`` (aeon, the UCR and UEA archives), and how series become images of spikes.

    rate     value of each channel, averaged over a time bin, from its least to its most in training: v, and 1 - v beside it
    delta    events: one upward (or downward) whenever a channel has risen (fallen) by a threshold since its last event, counted
             in time bins (send-on-delta; Miskowicz 2006, doi 10.3390/s6010049)

Both give [series, time bin, 2 x channel], which trains as images do. Ranges, thresholds and full scale are those of training.
The format: lines that begin with @ describe the file, those after @data are one series each, channels parted by colons, values
by commas, the class last (Middlehurst et al. 2024, jmlr.org/papers/v25/23-1444.html).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError
from synarray.files import open_ordinary
from synarray.rng import Stream, permutation
from synarray.task.datasets import Dataset, from_arrays
from synarray.task.idx import few, unreadable

__all__ = ["Lengths", "Series", "encode_series", "find_series", "load_series", "read_ts"]

Floats = npt.NDArray[np.float64]
Lengths = Literal["refuse", "stretch", "pad"]
_LARGEST = 1 << 30
"""Bytes of a file."""
_AEON = "aeon:"


class Series(NamedTuple):
    """What a file holds."""

    values: list[Floats]
    """Shape (n_channels, length)."""
    labels: list[str]
    where: str
    """The file."""


def find_series(source: str) -> tuple[Path, Path]:
    """Return the files to train with and to test with: from either of them, or from ``aeon:NAME`` where aeon is installed.

    Raises
    ------
    DataError
        When one of them is missing.
    """
    if source.startswith(_AEON):
        found, name = find_spec("aeon"), source.removeprefix(_AEON)
        if found is None or not found.submodule_search_locations:
            raise DataError(
                "a set by the name aeon:NAME needs the package aeon", got="a Python without it", where=source,
                do="pip install aeon, or give the path of a file NAME_TRAIN.ts.",
            )  # fmt: skip
        folder = Path(next(iter(found.submodule_search_locations))) / "datasets" / "data" / Path(name).name
        source = str(folder / f"{folder.name}_TRAIN.ts")
    path = Path(source)
    parts = {
        part: path.with_name(path.name.replace("_TRAIN", part).replace("_TEST", part)) for part in ("_TRAIN", "_TEST")
    }
    missing = [str(part) for part in parts.values() if not part.is_file()]
    if missing or len(set(parts.values())) < 2:
        raise DataError(
            "series must be in two files, NAME_TRAIN.ts and NAME_TEST.ts", where=source,
            got=f"no {' and no '.join(missing)}" if missing else source,
            do="Give the path of one of them; both must be in one folder.",
        )  # fmt: skip
    return parts["_TRAIN"], parts["_TEST"]


def read_ts(path: Path) -> Series:
    """Read a ``.ts`` file; nothing is filled in or left out.

    Raises
    ------
    DataError
        When it cannot be read, is cut, lacks classes, or holds what is no finite number, with the line.
    """
    try:
        with open_ordinary(path) as file:
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if len(content) > _LARGEST:
        raise _wrong("a file of series must have at most 1 GB", "more", str(path), "Split it.")
    head, at, body = text.partition("@data")
    if not at:
        raise _wrong(
            "a file of series must have a line @data", "none", str(path), "Fetch the file again: it may be cut."
        )
    said = {
        words[0].lower(): words[1:]
        for line in head.splitlines()
        if (words := line.split()) and words[0].startswith("@")
    }
    if said.get("@classlabel", ["false"])[0].lower() != "true":
        raise _wrong("series must have classes", "no line @classLabel true", str(path), "Use a classification set.")
    if said.get("@timestamps", ["false"])[0].lower() == "true":
        raise _wrong("series must be sampled evenly", "@timeStamps true", str(path), "Resample the series first.")
    first = head.count("\n") + 1
    values: list[Floats] = []
    labels: list[str] = []
    for number, line in enumerate(body.splitlines(), first):
        if line.strip() and not line.startswith("#"):
            series, label = _read_line(line.strip(), said, values, f"{path}, line {number}")
            values.append(series)
            labels.append(label)
    if not values:
        raise _wrong(
            "a file of series must hold some", "none after @data", str(path), "Fetch the file again: it may be cut."
        )
    return Series(values, labels, str(path))


def _read_line(line: str, said: dict[str, list[str]], before: list[Floats], where: str) -> tuple[Floats, str]:
    """Read one series and its class."""
    *channels, label = line.split(":")
    known = said["@classlabel"][1:]
    due = (
        int(said["@dimensions"][0])
        if said.get("@dimensions", [""])[0].isdigit()
        else len(before[0])
        if before
        else len(channels)
    )
    if len(channels) != due or due == 0 or (known and label.strip() not in known):
        raise _wrong(
            f"a series must have {due or 1} channels and a class", f"{len(channels)} and {label.strip()[:20]!r}", where,
            "Fetch the file again: the line may be cut.",
        )  # fmt: skip
    try:
        rows = [np.array(channel.split(","), np.float64) for channel in channels]
    except ValueError as error:
        do = "Fill missing values (?) in, or leave the series out."
        raise _wrong("values of a series must be numbers", str(error)[:60], where, do) from None
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or not all(np.isfinite(row).all() for row in rows):
        got = f"lengths {few(sorted(lengths))}" if len(lengths) > 1 else "NaN or infinite values"
        raise _wrong("channels of a series must be finite and equally long", got, where, "Correct the series.")
    return np.stack(rows), label.strip()


def load_series(
    source: str, encoding: str = "delta", bins: int = 16, threshold: float = 0.1, lengths: Lengths = "refuse"
) -> Dataset:
    """Read series and make a data set of them: [series, time bin, 2 x channel].

    Parameters
    ----------
    source : str
        Path of NAME_TRAIN.ts or NAME_TEST.ts, or ``aeon:NAME``.
    encoding : str
        ``rate`` or ``delta``; see the module's text.
    bins : int
        Time bins over a series.
    threshold : float
        Change that makes an event, as a share of the channel's range in training.
    lengths : str
        What to do with series of unequal length: refuse them, stretch each over all bins, or pad the shorter ones with silence.

    Raises
    ------
    DataError
        When a file cannot be used, or lengths differ and nothing is said about it.
    """
    train, test = (read_ts(path) for path in find_series(source))
    if len(train.values[0]) != len(test.values[0]):
        got = f"{len(train.values[0])} and {len(test.values[0])}"
        raise _wrong(
            "training and test series must have as many channels", got, test.where, "Check that both belong together."
        )
    low = np.min([series.min(axis=1) for series in train.values], axis=0)
    high = np.max([series.max(axis=1) for series in train.values], axis=0)
    most = max(series.shape[1] for series in train.values)
    images = [encode_series(part, encoding, bins, threshold, lengths, (low, high, most)) for part in (train, test)]
    full = max(float(images[0].max()), 1e-12)
    x_train, x_test = (np.rint(255.0 * np.minimum(image / full, 1.0)).astype(np.uint8) for image in images)
    names = sorted(set(train.labels))
    unknown = sorted(set(test.labels) - set(names))
    if unknown:
        raise _wrong(
            "classes of test series must be seen in training", few(unknown), test.where, "Leave these series out."
        )
    y_train, y_test = (np.array([names.index(label) for label in part.labels]) for part in (train, test))
    mixed = permutation(len(y_train), seed=0, stream=Stream.ORDER)  # files are sorted by class; the last are held out
    name = Path(train.where).stem.removesuffix("_TRAIN")
    return from_arrays(x_train[mixed], y_train[mixed], x_test, y_test, name=name)


def encode_series(
    series: Series, encoding: str, bins: int, threshold: float, lengths: Lengths, ranges: tuple[Floats, Floats, int]
) -> Floats:
    """Encode series into counts or values, not negative, shape (n_series, bins, 2 n_channels).

    ``ranges``: least and most of each channel, and the length of the longest series, in training.
    """
    low, high, most = ranges
    span = np.where(high > low, high - low, 1.0)
    sizes = sorted({values.shape[1] for values in series.values} | ({most} if lengths == "refuse" else set()))
    if lengths == "refuse" and len(sizes) > 1:
        raise _wrong(
            "series must have one length", f"{few(sizes)} samples", series.where,
            'Say lengths = "stretch" (each over all time bins) or "pad" (silence after its end); at the shell --lengths.',
        )  # fmt: skip
    if encoding not in ("rate", "delta") or bins < 1 or not 0 < threshold <= 1:
        raise _wrong(
            'an encoding must be "rate" or "delta", with at least one time bin and a threshold up to 1',
            f"{encoding!r}, {bins}, {threshold:g}", "argument encoding, bins or threshold", "Correct it.",
        )  # fmt: skip
    out = np.zeros((len(series.values), bins, 2 * len(low)))
    for i, values in enumerate(series.values):
        scaled = (values - low[:, None]) / span[:, None]
        n = values.shape[1]
        of = np.minimum(np.arange(n) * bins // (n if lengths == "stretch" else max(most, n)), bins - 1)
        if encoding == "rate":
            samples = np.maximum(np.bincount(of, minlength=bins), 1)
            up = np.stack([np.bincount(of, np.clip(channel, 0, 1), bins) / samples for channel in scaled], axis=1)
            seen = (np.bincount(of, minlength=bins) > 0)[:, None]
            out[i, :, ::2], out[i, :, 1::2] = up, np.where(seen, 1.0 - up, 0.0)
        else:
            steps = _events(scaled, threshold)
            for sign in (0, 1):
                counts = np.maximum(steps if sign == 0 else -steps, 0)
                out[i, :, sign::2] = np.stack([np.bincount(of, channel, bins) for channel in counts], axis=1)
    return out


def _events(scaled: Floats, threshold: float) -> Floats:
    """Events of each sample, signed: as many as thresholds between the value and that of the last event."""
    last, steps = scaled[:, 0].copy(), np.zeros(scaled.shape)
    for t in range(1, scaled.shape[1]):
        steps[:, t] = np.trunc((scaled[:, t] - last) / threshold + np.copysign(1e-9, scaled[:, t] - last))
        last += threshold * steps[:, t]
    return steps


def _wrong(rule: str, got: str, where: str, do: str) -> DataError:
    return DataError(rule, got=got, where=where, do=do)
