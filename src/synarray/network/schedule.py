"""The laws of a training as tables, moment by moment: how many pulses, what a pulse does, how sharp the competition is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.array.schemes.scheme import PulseLaw
from synarray.device.kernels import Law
from synarray.network.kernels import Schedule
from synarray.network.neuron import NeuronSpec, homeostasis_steps, winner_tables
from synarray.network.stdp import PulseTables, StdpSpec, pulse_tables
from synarray.rng import normal_quantiles

__all__ = ["compile_laws", "contrast_laws", "with_pulses"]


def compile_laws(
    stdp: StdpSpec,
    neuron: NeuronSpec,
    pulse: PulseLaw,
    read_units: float,
    progress: npt.ArrayLike,
    looks: int,
    *,
    learning: bool = True,
    known: dict[float, PulseTables] | None = None,
) -> tuple[Schedule, Law]:
    """Compile the laws for some moments of a training.

    Parameters
    ----------
    stdp, neuron : StdpSpec, NeuronSpec
    pulse : PulseLaw
        What a pulse of the device does.
    read_units : float
        Read units per unit of weight.
    progress : array_like, shape (n_moments,)
        Share of the training that is done at each moment, 0 to 1.
    looks : int
        Cells read per weight before an update.
    learning : bool
        False: no cell is sent a pulse.
    known : dict of float to PulseTables, optional
        Tables of the same laws at the moments before, by their gain; takes those of these moments.
    """
    at = np.atleast_1d(np.asarray(progress, np.float64))
    gain = np.maximum(stdp.gain_end, 1.0 - at)
    _, first, of = np.unique(gain, return_index=True, return_inverse=True)
    known = {} if known is None else known
    if list(known) != gain[first].tolist():  # of a gain that stays they are known
        known.clear()
        known.update((float(gain[i]), pulse_tables(stdp, pulse, float(at[i]))) for i in first)
    distinct = list(known.values())
    pulses = np.stack([tables.pulses for tables in distinct])[of]
    pulses = pulses if learning else np.zeros_like(pulses)
    schedule = Schedule(
        pulses,
        _least(pulses),
        winner_tables(neuron, at, read_units),
        homeostasis_steps(neuron, at, read_units),
        looks,
    )
    return schedule, _law_of(pulse, distinct, of)


def contrast_laws(
    stdp: StdpSpec, neuron: NeuronSpec, pulse: PulseLaw, read_units: float, progress: npt.ArrayLike, looks: int
) -> tuple[Schedule, Law]:
    """Compile the laws of a contrastive teacher: one pulse per active cell, whatever its state, with a falling probability.

        LTP of the true class's winner, LTD of the wrong one     with probability max(gain_end, 1 - progress)
        thresholds                                               + and - h max(h_end, 1 - progress)

    The pulses of the schedule are those of LTP at all moments, then those of LTD; only words of bits are looked up. Parameters
    are those of ``compile_laws``; of ``stdp`` only ``gain_end`` counts.
    """
    at = np.atleast_1d(np.asarray(progress, np.float64))
    base, law = compile_laws(stdp, neuron, pulse, read_units, at, looks)
    probability = np.rint(65536.0 * np.maximum(stdp.gain_end, 1.0 - at)).astype(np.uint32)
    ltp, ltd = np.zeros((2, len(at), 512), np.uint32)
    ltp[:, 256:], ltd[:, :256] = probability[:, None], probability[:, None]
    return with_pulses(base, np.concatenate([ltp, ltd]))._replace(homeostasis=-base.homeostasis), law


def with_pulses(schedule: Schedule, pulses: npt.NDArray[np.uint32]) -> Schedule:
    """Return a schedule with other mean numbers of pulses, shape (n_moments, 512), 16 fractional bits."""
    return schedule._replace(pulses=pulses, least=_least(pulses))


def _least(pulses: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint16]:
    """Return the 16-bit random numbers below which no cell gets a pulse, whatever its state: [moment, (LTD, LTP)]."""
    most = pulses.reshape(len(pulses), 2, 256).max(axis=2).astype(np.int64)
    least: npt.NDArray[np.uint16] = np.clip(65536 - most, 0, 65535).astype(np.uint16)
    return least


def _law_of(pulse: PulseLaw, distinct: list[PulseTables], of: npt.NDArray[np.intp]) -> Law:
    """Lay out the law of the pulses; only that of cells without a step of their own changes with the moment."""
    steps = np.stack([tables.step for tables in distinct])[of] if pulse.step is None else distinct[0].step[None]
    return Law(distinct[0].chance, steps, distinct[0].spread, bool(pulse.spread.any()), normal_quantiles())
