"""Figures of Shi et al. 2018 (Nature Communications 9:5312, doi 10.1038/s41467-018-07682-0), on the full MNIST.

Tolerances: the sampling error of 10,000 test images is 0.2 points, a seed moves accuracy by about 0.2 more.
"""

from __future__ import annotations

import numpy as np
import pytest

from synarray import Result, load_dataset, load_experiment, train
from synarray.network.encoding import InputSpec, Retina
from synarray.run.experiment import task_images


def run(experiment: str, changes: dict[str, object]) -> Result:
    """Train a packaged experiment on all of MNIST."""
    spec = load_experiment(experiment, changes)
    data, *images = task_images(spec)
    return train(spec, *images, image_shape=data.image_shape, full_scale=data.full_scale, workers=2)


def test_397_of_the_784_pixels_become_inputs() -> None:
    """Fig. 3: 784 pixels reduced to 397."""
    x = load_dataset("mnist").x_train.reshape(60_000, -1)
    retina = Retina.fit(x, InputSpec(), full_scale=255.0, gain_control=True)
    assert len(retina.inputs) == 397
    rows, columns = np.divmod(retina.inputs, 28)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((3, 25, 4, 24), abs=1)


def test_93_percent_with_75_percent_soft_pruned_during_training() -> None:
    """Abstract: 93 % on MNIST with up to 75 % of the weights pruned; here, over four seeds, with under 10 M pulses as well."""
    results = [run("soft-pruned", {"seed": seed}) for seed in (0, 1, 2, 11)]
    assert np.mean([result.accuracy for result in results]) > 0.93
    for result in results:
        assert result.pruned_fraction == pytest.approx(0.75, abs=0.002)
        assert result.pulses < 10e6


def test_conventional_pruning_falls_below_90_percent_at_40_percent_and_soft_pruning_does_not_at_75() -> None:
    """Abstract: conventional pruning falls below 90 % at 40 %. In the paper's form, one epoch of its three."""
    soft = run("shi2018", {"seed": 11, "epochs": 1})
    removed = run("shi2018", {"seed": 11, "epochs": 1, "pruning.mode": "conventional", "pruning.fraction": 0.4})
    assert soft.accuracy is not None and removed.accuracy is not None
    assert removed.accuracy < 0.90
    assert soft.accuracy > 0.90


def test_pruning_at_random_costs_more_than_pruning_the_lowest() -> None:
    """The control: the same share of cells, drawn at random."""
    lowest, random = (
        run("soft-pruned", {"seed": 11, "epochs": 1, "pruning.mode": mode}) for mode in ("soft", "random")
    )
    assert lowest.accuracy is not None and random.accuracy is not None
    assert lowest.accuracy > random.accuracy + 0.02
