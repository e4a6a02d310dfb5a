"""Output neurons: a Bayesian winner-take-all with homeostasis.

    winner        k* ~ softmax(beta u)             one output spike per window and group; beta runs linearly over training
    homeostasis   th_k* -= h max(h_end, 1 - progress)                       a threshold; no cell is touched
    short ones    h >= travel rows / (spikes mean(max(h_end, 1 - progress)))   see ``NeuronSpec.homeostasis_travel``
    read-out      u_k -= refractory per spike of k, for the rest of the image, while not learning

After Nessler et al. 2013 (doi 10.1371/journal.pcbi.1003037). Potentials are counted in read units: 127 of them (fewer for
cells that reach beyond -1..1) are one weight of 1 at one active input.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.spec import Spec

__all__ = ["NeuronSpec", "homeostasis_steps", "winner_tables"]

Floats = npt.NDArray[np.float64]

_ONE = 65536


class NeuronSpec(Spec):
    """Winner-take-all, homeostasis and refractoriness."""

    beta: Annotated[float, Field(ge=0.01, le=100)] = 2.25
    """Sharpness of the softmax at the end of training and at read-out."""
    beta_start: Annotated[float, Field(ge=0.01, le=10)] = 0.5
    """Sharpness at the start, in units of ``beta``."""
    homeostasis: Annotated[float, Field(ge=0, le=1000)] = 1.76
    """Threshold step per output spike at the start of training, in units of weight."""
    homeostasis_end: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Smallest share of it, towards the end."""
    homeostasis_travel: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Least distance that the threshold of a neuron which fires its share travels in a training, in units of weight per row of
    its tile. Learning raises the potential of neurons that win; only a threshold that falls as far lets the others win in turn.
    Where a training is too short for it, ``homeostasis`` is raised to what it needs; 0: never."""
    refractory: Annotated[float, Field(ge=0, le=1000)] = 2.0
    """Potential a neuron loses per spike within one image at read-out, in units of weight."""

    def for_length(self, spikes: float, rows: float) -> Self:
        """Return the neurons of a training in which each is expected to fire so often, on a tile of so many rows.

        Examples
        --------
        >>> short = NeuronSpec(homeostasis=0.4, homeostasis_end=0.0, homeostasis_travel=0.3).for_length(60, 100)
        >>> short.homeostasis  # a distance of 30, in 60 spikes, by half the step on average
        1.0
        """
        mean = 0.5 * (1.0 + self.homeostasis_end**2)
        least = self.homeostasis_travel * rows / (max(spikes, 1.0) * mean)
        return self if self.homeostasis >= least else self.model_copy(update={"homeostasis": least})


def winner_tables(spec: NeuronSpec, progress: Floats, read_units: float = 127.0) -> npt.NDArray[np.uint32]:
    """Softmax numerators 2^16 exp(-beta d / read_units) for a potential d read units below the highest; the last entry is 0.

    Parameters
    ----------
    spec : NeuronSpec
    progress : ndarray, shape (n_moments,)
        Share of the training that is done at each moment, 0 to 1.
    read_units : float
        Read units per unit of weight.

    Returns
    -------
    ndarray of uint32, shape (n_moments, n_distances)

    Examples
    --------
    >>> int(winner_tables(NeuronSpec(beta=1.0, beta_start=1.0), np.ones(1))[0, 127])  # 65536 / e
    24109
    """
    beta = spec.beta * (spec.beta_start + (1.0 - spec.beta_start) * progress)
    n = np.ceil(np.log(2.0 * _ONE) / beta * read_units).astype(int) + 1
    distance = np.arange(n.max())
    table = np.rint(_ONE * np.exp(-beta[:, None] * distance / read_units))
    table[distance >= n[:, None] - 1] = 0
    whole: npt.NDArray[np.uint32] = table.astype(np.uint32)
    return whole


def homeostasis_steps(spec: NeuronSpec, progress: Floats, read_units: float = 127.0) -> npt.NDArray[np.int32]:
    """Threshold step per output spike at each moment, in read units."""
    left = np.maximum(spec.homeostasis_end, 1.0 - progress)
    return np.rint(spec.homeostasis * left * read_units).astype(np.int32)
