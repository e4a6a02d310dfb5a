"""Measure from which size of image on local fields read better than one full field.

    python benchmarks/small_images.py [--neurons 100] [--seeds 3] [--train 10000]

MNIST is shrunk to several sizes (each pixel the mean of the area it covers), and a ``SpikingClassifier`` is trained on each in
two ways: with ``image_shape`` (local fields) and without (one full field, the features as a table). scikit-learn's digits, 8 x 8,
come last: 70 % to train on, 30 % to test. Printed: accuracy in per cent, mean and standard deviation over seeds, and the
difference. ``SpikingClassifier`` warns below the size found here.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import synarray

SIZES = (6, 8, 9, 10, 11, 12, 13, 14, 16, 20, 28)
Images = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def shrunk(images: npt.NDArray[np.uint8], size: int) -> Images:
    """Average over the area of each of size x size pixels; shape (n, size * size)."""
    side = images.shape[1]
    edges = np.linspace(0, side, size + 1)
    pixel = np.arange(side)
    covered = np.clip(np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel), 0, 1) * size / side
    small = np.einsum("ri,nij,cj->nrc", covered, images.astype(np.float32), covered.astype(np.float32), optimize=True)
    return np.rint(small).reshape(len(images), -1).astype(np.float64)


def accuracies(
    train: tuple[Images, Labels], test: tuple[Images, Labels], shape: tuple[int, int] | None, neurons: int, seeds: int
) -> npt.NDArray[np.float64]:
    """Test accuracy of each seed, per cent."""
    scores = []
    for seed in range(seeds):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that small images read better without a shape is what is measured here
            model = synarray.SpikingClassifier(neurons, image_shape=shape, random_state=seed).fit(*train)
        scores.append(100 * model.score(*test))
    return np.array(scores)


def compare(
    title: str, train: tuple[Images, Labels], test: tuple[Images, Labels], size: int, given: argparse.Namespace
) -> None:
    """Print both ways of one size."""
    local = accuracies(train, test, (size, size), given.neurons, given.seeds)
    full = accuracies(train, test, None, given.neurons, given.seeds)
    shown = [f"{each.mean():6.2f} +- {each.std(ddof=1) if given.seeds > 1 else 0:4.2f}" for each in (local, full)]
    print(f"{title:16}{shown[0]:>16}{shown[1]:>16}{local.mean() - full.mean():+10.2f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--neurons", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=10_000, help="training images of MNIST")
    given = parser.parse_args()
    mnist = synarray.load_dataset("mnist")
    print(f"{given.neurons} neurons, {given.seeds} seeds, {given.train:,} training images, 10,000 test images")
    print(f"{'images':16}{'local fields %':>16}{'full field %':>16}{'local - full':>14}")
    for size in SIZES:
        train = shrunk(mnist.x_train[: given.train], size), mnist.y_train[: given.train]
        compare(f"MNIST {size} x {size}", train, (shrunk(mnist.x_test, size), mnist.y_test), size, given)
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    compare("digits 8 x 8", (x_train, y_train), (x_test, y_test), 8, given)


if __name__ == "__main__":
    main()
