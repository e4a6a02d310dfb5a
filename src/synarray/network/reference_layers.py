"""Tiles read at many places, and teachers, in plain Python: what ``place_kernels.py`` does, through the array's port.

Each function takes the neurons (``reference.Learner``) and a block of spikes [presentation, window, input].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from synarray.array.port import Moment
from synarray.events import NetworkEvent, NeuronEvent
from synarray.network.reference import Learner
from synarray.network.topology import Group
from synarray.rng import Phase, Stream, philox

__all__ = ["LESSONS", "features", "learn_places", "weigh_classes"]

_Spikes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_Potentials = npt.NDArray[np.int32]
_Lesson = Callable[[Learner, int, int, _Bools, _Potentials, tuple[int, int], Moment], int]


def learn_places(learner: Learner, groups: list[Group], block: _Spikes, first: int) -> _Ints:
    """Learn at some or all places of each tile, one after another; -1: a silent place."""
    draws = sum(group.draws for group in groups)
    winners = np.full((*block.shape[:2], draws), -1, np.int64)
    for p, spikes in enumerate(block):
        learner.network_events[NetworkEvent.PRESENTATION] += 1
        for m, now in enumerate(spikes):
            d = -1
            for g, group in enumerate(groups):
                for i in range(group.draws):
                    d += 1
                    moment = Moment(m * draws + d, first + p)
                    x = now[group.places[_site(learner, group, i, d, m, first + p)]] > 0
                    if np.count_nonzero(x) >= group.min_active:
                        column = learner.draw(learner.potentials(g, x, learner.threshold, moment), d, m, moment)
                        winners[p, m, d] = learner.neuron_start[g] + column
                        learner.update_winner(g, column, x, moment, 1)
    learner.settle()
    return winners


def _site(learner: Learner, group: Group, i: int, d: int, m: int, presentation: int) -> int:
    """Say at which place draw i of a group is: drawn at random, or the i-th."""
    if not group.at_random:
        return i
    random = philox((d, m, presentation, 0), (learner.seed, Stream.PLACE))[0]
    return int((int(random) * len(group.places)) >> 32)


def features(
    learner: Learner, groups: list[Group], block: _Spikes, places: _Ints, phase: Phase, cell: _Ints, channels: int
) -> _Spikes:
    """Draw one winner per place; a channel of a cell is active when its neuron won at any of the cell's places."""
    out = np.zeros((*block.shape[:2], (int(cell.max()) + 1) * channels), np.uint8)
    for p, spikes in enumerate(block):
        for m, now in enumerate(spikes):
            site = -1
            for g, group in enumerate(groups):
                for inputs in group.places:
                    site += 1
                    moment, x = Moment(m * len(cell) + site, int(places[p]), phase), now[inputs] > 0
                    if np.count_nonzero(x) >= group.min_active:
                        u = learner.potentials(g, x, learner.threshold, moment)
                        out[p, m, cell[site] * channels + learner.draw(u, site, m, moment)] = 1
    return out


def _columns(learner: Learner, g: int, label: int, n_classes: int) -> tuple[int, int]:
    """Columns of a class in group g: the first, and one beyond the last."""
    n = int(learner.neuron_start[g + 1] - learner.neuron_start[g])
    return n * label // n_classes, n * (label + 1) // n_classes


def learn_compete(learner: Learner, block: _Spikes, labels: _Ints, n_classes: int, first: int) -> _Ints:
    """Learn; in each group only the neurons of the true class compete."""
    return _teach(learner, block, labels, n_classes, first, _compete)


def calibrate(learner: Learner, block: _Spikes, labels: _Ints, n_classes: int, first: int) -> _Ints:
    """Move thresholds only: where the winner is of a wrong class, those of the true class rise and its own falls."""
    return _teach(learner, block, labels, n_classes, first, _calibrate)


def learn_contrast(learner: Learner, block: _Spikes, labels: _Ints, n_classes: int, first: int) -> _Ints:
    """Learn from mistakes: LTP of the active cells of the true class's winner, LTD of those of the wrong one."""
    return _teach(learner, block, labels, n_classes, first, _contrast)


LESSONS = {"compete": learn_compete, "calibrate": calibrate, "contrast": learn_contrast}


def _teach(learner: Learner, block: _Spikes, labels: _Ints, n_classes: int, first: int, lesson: _Lesson) -> _Ints:
    winners = np.zeros((*block.shape[:2], len(learner.inputs)), np.int64)
    for p, spikes in enumerate(block):
        learner.network_events[NetworkEvent.PRESENTATION] += 1
        for m, now in enumerate(spikes):
            for g, inputs in enumerate(learner.inputs):
                x, moment = now[inputs] > 0, Moment(m * len(learner.inputs) + g, first + p)
                u = learner.potentials(g, x, learner.threshold, moment)
                low, high = _columns(learner, g, int(labels[p]), n_classes)
                winners[p, m, g] = learner.neuron_start[g] + lesson(learner, g, m, x, u, (low, high), moment)
    learner.settle()
    return winners


def _compete(learner: Learner, g: int, m: int, x: _Bools, u: _Potentials, own: tuple[int, int], moment: Moment) -> int:
    column = own[0] + learner.draw(u[slice(*own)], g, m, moment)
    learner.update_winner(g, column, x, moment, 1)
    return column


def _calibrate(
    learner: Learner, g: int, m: int, x: _Bools, u: _Potentials, own: tuple[int, int], moment: Moment
) -> int:
    start, column = int(learner.neuron_start[g]), learner.draw(u, g, m, moment)
    learner.neuron_events[start + column, NeuronEvent.OUTPUT_SPIKE] += 1
    if not own[0] <= column < own[1]:
        learner.threshold[start + own[0] : start + own[1]] += learner.schedule.homeostasis[0]
        learner.threshold[start + column] -= learner.schedule.homeostasis[0]
    return column


def _contrast(learner: Learner, g: int, m: int, x: _Bools, u: _Potentials, own: tuple[int, int], moment: Moment) -> int:
    wrong = learner.draw(u, g, m, moment)
    if own[0] <= wrong < own[1]:
        return wrong
    right = own[0] + learner.draw(u[slice(*own)], len(learner.inputs) + g, m, moment)
    for turn, (column, sign) in enumerate([(right, 1), (wrong, -1)]):
        learner.pulse_moment = turn  # first the pulses of LTP, then those of LTD
        learner.update_winner(g, column, x, moment._replace(step=2 * moment.step + turn), sign)
    learner.threshold[learner.neuron_start[g] + wrong] += learner.schedule.homeostasis[0]
    return wrong


def weigh_classes(
    learner: Learner, block: _Spikes, places: _Ints, n_classes: int, phase: Phase, beta: float
) -> npt.NDArray[np.float64]:
    """Sum log sum exp(beta u) of each class's neurons over windows and groups; ``beta`` per read unit."""
    votes = np.zeros((len(block), n_classes))
    for p, spikes in enumerate(block):
        for m, now in enumerate(spikes):
            for g, inputs in enumerate(learner.inputs):
                moment = Moment(m * len(learner.inputs) + g, int(places[p]), phase)
                u = learner.potentials(g, now[inputs] > 0, learner.threshold, moment)
                for c in range(n_classes):
                    low, high = _columns(learner, g, c, n_classes)
                    votes[p, c] += np.logaddexp.reduce(beta * u[low:high])
    return votes
