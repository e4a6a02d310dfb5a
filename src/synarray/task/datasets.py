"""Data sets: images (or plain features) and classes, for training and for one test, ready for the retina.

Data come from three places: the built-in MNIST, a path (a folder of IDX files or an .npz), and arrays in Python. All pass the
same checks, so that whatever reaches the machine is finite, not negative, labelled, and the same size throughout. A file is
never trusted about its own size, and pickled objects are never opened.

MNIST: Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", 1998, made from NIST's
Special Databases 1 and 3; 60,000 + 10,000 images of 28 x 28 pixels, complete and unchanged in this package. Its
licence is commonly stated as Creative Commons Attribution-Share Alike 3.0.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, nearest
from synarray.task import mnist
from synarray.task.idx import few, find_idx, read_idx, read_npz, unreadable

__all__ = [
    "BUILT_IN",
    "IN_PYTHON",
    "MOST_CLASSES",
    "MOST_FEATURES",
    "Dataset",
    "as_array",
    "check_images",
    "check_labels",
    "check_scale",
    "from_arrays",
    "load_dataset",
]

_KEYS = ("x_train", "y_train", "x_test", "y_test")
BUILT_IN = ("mnist",)
INSTALLED = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}
"""Data sets that a system's package installs, and where."""
IN_PYTHON = "arrays:"
"""What the name of data begins with that were arrays in Python; a fingerprint of them follows. No file has them."""
MOST_FEATURES = 1 << 20
"""Numbers that an image may have: 1024 x 1024."""
MOST_CLASSES = 1024
"""Classes that there may be; more of them are mostly something else, such as numbers of images."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and their classes, split into training and test; arrays are read-only.

    Attributes
    ----------
    name : str
        "mnist", or the name of the folder or file.
    source : str
        Where the data came from: a citation, or the path.
    x_train, x_test : ndarray of uint8 or float32
        Images [n, height, width] or [n, height, width, channels], or features [n, n_features]; finite, not negative.
        Flattened with ``reshape(n, -1)`` the channels run fastest: those of one pixel are neighbours.
    y_train, y_test : ndarray of int64
        Class of each image, 0 to ``n_classes - 1`` [n].
    classes : ndarray of int64
        The label that each class had in the source, rising [n_classes].
    image_shape : tuple of int or None
        (height, width) or (height, width, channels); None for features without geometry.
    full_scale : float
        Value of full intensity: 255 when the training images came as uint8, otherwise their maximum.

    Examples
    --------
    >>> mnist = load_dataset("mnist")
    >>> mnist.x_train.shape, mnist.n_classes, mnist.full_scale
    ((60000, 28, 28), 10, 255.0)
    """

    name: str
    source: str
    x_train: npt.NDArray[Any]
    y_train: npt.NDArray[np.int64]
    x_test: npt.NDArray[Any]
    y_test: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    image_shape: tuple[int, ...] | None
    full_scale: float

    @property
    def n_classes(self) -> int:
        """Number of classes in the training data."""
        return len(self.classes)

    @property
    def n_features(self) -> int:
        """Numbers per image: height x width x channels."""
        return math.prod(self.x_train.shape[1:])

    def __repr__(self) -> str:
        """Name, sizes and classes in one line."""
        size = " x ".join(map(str, self.x_train.shape[1:]))
        count = f"{len(self.x_train):,} + {len(self.x_test):,}"
        return f"Dataset({self.name}: {count} of {size}, {self.n_classes} classes)"


def load_dataset(source: str | Path) -> Dataset:
    """Load the images and classes that a task is made of.

    Parameters
    ----------
    source : str or Path
        "mnist", which is part of the package; "fashion-mnist", which Debian's package dataset-fashion-mnist installs; or a
        folder with four IDX files under their customary names (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k- or
        test- likewise; a dot before idx and a final .gz are known too); or an .npz file with x_train, y_train, x_test, y_test
        in any case. A folder of your own called mnist is "./mnist".

    Returns
    -------
    Dataset
        MNIST is decoded once per process and shared.

    Raises
    ------
    DataError
        If there is nothing under that name, a file cannot be read, or its content cannot be used.

    Examples
    --------
    >>> load_dataset("mnist")
    Dataset(mnist: 60,000 + 10,000 of 28 x 28, 10 classes)
    """
    if not isinstance(source, str | Path) or source == "":
        raise DataError(
            "data must be a built-in name or a path",
            got=repr(source)[:80],
            where="data",
            do="Give IDX files or an .npz file. For arrays in Python use from_arrays(x_train, y_train, x_test, y_test).",
        )
    if source == "mnist":
        return _mnist()
    if str(source).startswith(IN_PYTHON):
        raise DataError(
            "data must be a built-in name or a path",
            got=f"{source}, the fingerprint of arrays in Python, which no run keeps",
            where="data",
            do="Save the arrays with numpy.savez (x_train, y_train, x_test, y_test) and train with data set to that file.",
        )
    try:
        path = Path(source).expanduser()
        if str(source) in INSTALLED and not path.exists():
            path = INSTALLED[str(source)]
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if str(source) in INSTALLED:
            raise DataError(
                f"{source} must be installed, or given as a folder of IDX files", got="no such folder",
                where=str(INSTALLED[str(source)]), do=f"On Debian: apt-get install dataset-{source}.",
            ) from None  # fmt: skip
        raise DataError(
            "data must be a built-in name or an existing path",
            got=f'"{source}", which is neither',
            where="data",
            do=f"Give a folder of IDX files or an .npz file. {nearest(str(source), BUILT_IN)}",
        ) from None
    except (OSError, ValueError, RuntimeError) as error:  # no right, a zero byte, no such home
        raise unreadable(Path(source), error) from error
    if stat.S_ISDIR(mode):
        where = {key: str(file) for key, file in find_idx(path).items()}
        arrays = {key: read_idx(Path(file), "labels" if key[0] == "y" else "images") for key, file in where.items()}
        name = path.resolve().name
    elif path.suffix.lower() == ".npz":
        where = {key: f"{path}, key {key}" for key in _KEYS}
        arrays = read_npz(path, _KEYS)
        name = path.stem
    else:
        raise DataError(
            "data must be a folder of IDX files or an .npz file",
            where=str(path),
            got=f'a file that ends in "{path.suffix}"' if path.suffix else "a file without an ending",
            do="Give the folder that holds the IDX files, or save x_train, y_train, x_test, y_test with numpy.savez.",
        )
    return _assemble(name, str(source), arrays, where)


def from_arrays(
    x_train: npt.ArrayLike, y_train: npt.ArrayLike, x_test: npt.ArrayLike, y_test: npt.ArrayLike, name: str = "arrays"
) -> Dataset:
    """Make a data set of arrays, which are copied.

    Parameters
    ----------
    x_train, x_test : array_like
        Images [n, height, width] or [n, height, width, channels], or features [n, n_features]; finite, not negative.
        Full scale is 255 for uint8, even if the images use less of it, and for other types the training maximum.
    y_train, y_test : array_like of int
        Label of each image [n] or [n, 1]: any whole numbers, at least two different ones in training.
    name : str
        What the data set is called in results.

    Raises
    ------
    DataError
        If the images or labels cannot be used.

    Examples
    --------
    >>> data = from_arrays([[0.0, 2.0], [4.0, 0.0]], [7, -1], [[1.0, 1.0]], [7])
    >>> data.y_train, data.classes, data.full_scale
    (array([1, 0]), array([-1,  7]), 4.0)
    """
    arrays = {}
    for key, given in zip(_KEYS, (x_train, y_train, x_test, y_test), strict=True):
        arrays[key] = as_array(given, key).copy()
    return _assemble(name, "arrays in Python", arrays, {key: key for key in _KEYS})


def as_array(given: npt.ArrayLike, where: str) -> npt.NDArray[Any]:
    """Return an array, or refuse what is no regular one.

    Raises
    ------
    DataError
        When rows have unequal lengths, the values are no numbers or texts, or some are masked.
    """
    if np.ma.is_masked(given):
        raise DataError(
            "images and labels must be known everywhere",
            got=f"{np.ma.count_masked(given):,} masked values",  # type: ignore[no-untyped-call]
            where=where,
            do="Fill them, for example x.filled(0), or leave those images out.",
        )
    try:
        return np.asarray(given)
    except (ValueError, TypeError) as error:
        raise DataError(
            "images and labels must be regular arrays of numbers",
            got=f'"{error}"',
            where=where,
            do="Make all images the same size, then stack them with numpy.stack.",
        ) from error


def check_images(x: npt.NDArray[Any], where: str) -> None:
    """Refuse images that cannot be shown: of no number type, empty, without geometry, not finite, or negative.

    Parameters
    ----------
    x : ndarray
        Features [n, n_features] or images [n, height, width] or [n, height, width, channels].
    where : str
        File or argument they came from.

    Raises
    ------
    DataError
        If one of the rules is broken.

    Examples
    --------
    >>> check_images(np.array([[0.0, -1.0]]), "x")
    Traceback (most recent call last):
    synarray.errors.DataError: pixels must not be negative: got -1.0 (x). Shift or clip them so that 0 means dark.
    """
    refused = partial(DataError, where=where)
    if x.dtype.kind not in "buif":
        raise refused("pixels must be real numbers", got=f"type {x.dtype}", do="Convert to uint8 or float32.")
    if x.ndim not in (2, 3, 4):
        raise refused(
            "images must have 2 axes (features), 3 (gray) or 4 (channels last)",
            got=f"shape {x.shape}",
            do="Reshape to [n, features], [n, height, width] or [n, height, width, channels].",
        )
    if x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[2] == x.shape[3] > 4:
        raise refused(
            "images of 4 axes must be [n, height, width, channels]",
            got=f"shape {x.shape}, channels first as it seems",
            do="Bring the channels to the end: x.transpose(0, 2, 3, 1).",
        )
    if math.prod(x.shape[1:]) > MOST_FEATURES:
        raise refused(
            f"an image must have at most {MOST_FEATURES:,} pixels",
            got=f"shape {x.shape}",
            do="Shrink or crop the images.",
        )
    if x.size == 0:
        raise refused(
            "there must be at least one image of at least one pixel",
            got=f"shape {x.shape}",
            do="Check how the images were selected and saved.",
        )
    if x.dtype.kind in "bu":
        return
    low, high = x.min(), x.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise refused(
            "pixels must be finite",
            got=f"{np.count_nonzero(~np.isfinite(x)):,} that are NaN or infinite",
            do="Replace or leave out these values.",
        )
    if low < 0:
        raise refused("pixels must not be negative", got=str(low), do="Shift or clip them so that 0 means dark.")


def check_scale(x_train: npt.NDArray[Any], x_test: npt.NDArray[Any], where: str) -> None:
    """Refuse test images of another kind of numbers than the training images, from which full scale is taken.

    Raises
    ------
    DataError
        When only one of them is of floating-point numbers.
    """
    if (x_train.dtype.kind == "f") != (x_test.dtype.kind == "f"):
        raise DataError(
            "training and test images must have the same scale",
            got=f"types {x_train.dtype} and {x_test.dtype}",
            where=where,
            do="Scale both alike and give them one type.",
        )


def check_labels(
    y: npt.NDArray[Any], n: int | None, where: str, known: npt.NDArray[Any] | None = None, at_least: int = 2
) -> npt.NDArray[np.int64]:
    """Return labels as whole numbers, or refuse them.

    Parameters
    ----------
    y : ndarray
        Labels [n] or [n, 1], of any number type as long as they are whole.
    n : int or None
        Number of images they belong to; None: not compared.
    where : str
        File or argument they came from.
    known : ndarray, optional
        Labels seen in training. None: these are training labels.
    at_least : int
        Classes that training labels must have.

    Returns
    -------
    ndarray of int64
        The labels [n].

    Raises
    ------
    DataError
        If one of the rules is broken.

    Examples
    --------
    >>> check_labels(np.array([[1.0], [2.0]]), 2, "y")
    array([1, 2])
    """
    refused = partial(DataError, where=where)
    if not (y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1)):
        raise refused(
            "labels must be one number per image",
            got=f"shape {y.shape}",
            do="Give the class numbers; numpy.argmax(y, axis=1) makes them of one-hot rows.",
        )
    if n is not None and len(y) != n:
        raise refused(
            "there must be one label for each image",
            got=f"{len(y):,} labels for {n:,} images",
            do="Check that images and labels belong together and that both files are complete.",
        )
    labels = _whole(y.reshape(-1), where)
    classes = _different(labels)
    if known is None and len(classes) < at_least:
        raise refused(
            "training needs at least two classes" if at_least == 2 else "training needs labels",
            got=f"{few(classes.tolist())} alone" if len(labels) else "no labels",
            do="Add images of another class.",
        )
    if known is None and len(classes) > MOST_CLASSES:
        raise refused(
            f"there must be at most {MOST_CLASSES:,} classes",
            got=f"{len(classes):,} different labels",
            do="Give each image the number of its class.",
        )
    if known is not None and len(unseen := np.setdiff1d(classes, known)):
        raise refused(
            "test labels must be classes seen in training",
            got=f"{few(unseen.tolist())}, but training has {few(known.tolist())}",
            do="Leave out these images, or train on their classes too.",
        )
    return labels


def _different(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the different labels, rising; by counting where their range allows, which is faster than to sort."""
    if len(labels) == 0 or int(labels.max()) - int(labels.min()) > len(labels):
        return np.unique(labels)
    first = int(labels.min())
    return np.flatnonzero(np.bincount(labels - first)) + first


def _whole(y: npt.NDArray[Any], where: str) -> npt.NDArray[np.int64]:
    got = f"type {y.dtype}"
    if y.dtype.kind in "bui":
        if y.dtype != np.uint64 or y.max(initial=0) < 2**63:
            return y.astype(np.int64)
        got = str(y.max())
    elif y.dtype.kind == "f":
        exact = y.astype(np.float64)
        whole = (np.abs(exact) < 2**53) & (exact == np.rint(exact))  # from 2^53 on not every whole number is a float
        if whole.all():
            return exact.astype(np.int64)
        got = str(exact[~whole][0])
    raise DataError(
        "labels must be whole numbers",
        got=got,
        where=where,
        do="Number the classes: numpy.unique(y, return_inverse=True)[1].",
    )


@lru_cache(maxsize=1)
def _mnist() -> Dataset:
    try:
        arrays = dict(zip(_KEYS, mnist.load(), strict=True))  # checked there, to the last byte
    except OSError as error:
        raise unreadable(mnist.MNIST_FILE, error) from error
    source = "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits, 1998"
    return _assemble("mnist", source, arrays, dict.fromkeys(_KEYS, mnist.MNIST_FILE.name))


def _assemble(name: str, source: str, arrays: Mapping[str, npt.NDArray[Any]], where: Mapping[str, str]) -> Dataset:
    """Check the four arrays alone and against each other, and bring them to their final types."""
    x_train, x_test = arrays["x_train"], arrays["x_test"]
    check_images(x_train, where["x_train"])
    check_images(x_test, where["x_test"])
    if x_train.shape[1:] != x_test.shape[1:]:
        raise DataError(
            "training and test images must have the same size",
            got=f"{x_train.shape[1:]} and {x_test.shape[1:]}",
            where=f"{where['x_train']} and {where['x_test']}",
            do="Check that both belong to the same data set.",
        )
    check_scale(x_train, x_test, f"{where['x_train']} and {where['x_test']}")
    y_train = check_labels(arrays["y_train"], len(x_train), where["y_train"])
    classes = _different(y_train)
    y_test = check_labels(arrays["y_test"], len(x_test), where["y_test"], known=classes)
    x_train, x_test, full_scale = _intensities(x_train, x_test, where["x_train"])
    y_train, y_test = (np.searchsorted(classes, y).astype(np.int64) for y in (y_train, y_test))
    final = (x_train, y_train, x_test, y_test, classes)
    for array in final:
        array.setflags(write=False)
    image_shape = x_train.shape[1:] if x_train.ndim > 2 else None
    return Dataset(name, source, *final, image_shape=image_shape, full_scale=full_scale)


def _intensities(
    x_train: npt.NDArray[Any], x_test: npt.NDArray[Any], where: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], float]:
    """Store whole numbers up to 255 as uint8, all others as float32; return both parts and the value of full scale."""
    dtype: type[np.generic] = np.uint8
    if x_train.dtype != np.uint8 or x_test.dtype != np.uint8:
        high = max(x_train.max(), x_test.max())
        if high > np.finfo(np.float32).max:
            raise DataError(
                "pixels must fit into float32", got=str(high), where=where, do="Divide them by their maximum."
            )
        dtype = np.uint8 if x_train.dtype.kind != "f" and high <= 255 else np.float32
    full_scale = 255.0 if x_train.dtype == np.uint8 else float(x_train.astype(dtype).max())
    if full_scale == 0:
        raise DataError(
            "some training pixel must be above zero",
            got="0 throughout",
            where=where,
            do="Check how the images were saved.",
        )
    return np.ascontiguousarray(x_train, dtype), np.ascontiguousarray(x_test, dtype), full_scale
