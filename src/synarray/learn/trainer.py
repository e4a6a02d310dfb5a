"""Showing images to a machine: presentations, moments of the schedules, the training curve; and reading without learning.

Schedules (learning gain, sharpness, homeostasis) advance in short blocks of presentations; the compiled kernels run over many
blocks at once, until cells age, wear or wires act again. Everything is a function of (spec, images, labels): no worker count,
chunking or clock enters.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synarray.events import NeuronEvent
from synarray.learn.readout import count_spikes, log_posterior, soft_votes
from synarray.learn.teacher import Laws, Teacher
from synarray.network.encoding import image_keys
from synarray.network.kept import KeptSpikes
from synarray.network.machine import Machine, Pixels
from synarray.rng import Phase

__all__ = ["HistoryPoint", "OnBlock", "Progress", "Trainer", "infer"]

_MONITOR = 2048
"""Presentations between points of the training curve."""
_MOST_SPIKES = 4_000_000
"""Output spikes held between two such points; fewer presentations when an image brings many."""
_SPIKES_AT_ONCE = 1 << 18
"""Bytes of a block of input spikes: it stays in the second-level cache."""
_SAMPLE = 512
"""Presentations of each that are classified before the network's labels learn from them."""
_MOST_THREADS = 256
"""More threads than that bring nothing on any machine, whatever is asked for."""

OnBlock = Callable[["Trainer"], None]


@dataclass(frozen=True)
class HistoryPoint:
    """One point of the training curve.

    ``accuracy`` is progressive: images are classified before the labels learn from them. ``pulses`` counts from the
    start; ``pruned_fraction`` is the share of the network's cells.
    """

    presentations: int
    accuracy: float | None
    pulses: int
    pruned_fraction: float


@dataclass(frozen=True)
class Progress:
    """How far a training is; ``accuracy`` is the progressive estimate (None until there is one)."""

    presentations: int
    total: int
    images_per_second: float
    accuracy: float | None


@dataclass
class Trainer:
    """Shows images to a machine and keeps the training curve."""

    machine: Machine
    n_classes: int
    total: int
    """Presentations of the whole training; schedules end there."""
    presentations: int = 0
    """Presentations shown so far."""
    seconds: float = 0.0
    """Wall-clock seconds of learning so far."""
    history: list[HistoryPoint] = field(default_factory=list)
    cut: bool = False
    """Whether the trained network was pruned."""
    blocks_at_once: int = 1000
    """Most blocks of the schedules that are shown between two calls of ``on_block``."""
    teacher: Teacher | None = None
    """What labels do while the machine learns; None: nothing."""
    recent: npt.NDArray[np.float64] = field(init=False, repr=False)
    """Running counts of spikes by class, from which the training curve is read; shape (n_neurons, n_classes)."""
    winners: npt.NDArray[np.int32] = field(init=False, repr=False)
    """Spikes since the last point of the training curve; shape (n, draws, n_groups)."""

    def __post_init__(self) -> None:
        self.recent = np.zeros((self.machine.spec.n_neurons, self.n_classes))
        self.winners = self._no_winners(0)

    @property
    def block(self) -> int:
        """Presentations between two moments of the schedules: about 1/400 of the training, at most 512."""
        return min(512, max(1, self.total // 400))

    def compile(self, pixels: Pixels | KeptSpikes) -> float:
        """Compile the kernels of a training, or load them from the cache, before any clock runs. Returns the seconds it took."""
        start, none = time.perf_counter(), np.zeros(0, np.int64)
        laws, (moments,) = self._laws([0])
        self._show(pixels, none, self.winners, none, laws, moments)
        if not self.machine.driven.any():  # nothing to book
            self.machine.book_read_energy()
        return time.perf_counter() - start

    def learn(
        self,
        pixels: Pixels | KeptSpikes,
        order: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
        on_progress: Callable[[Progress], None] | None = None,
        *,
        shown: int = 0,
        on_block: OnBlock | None = None,
    ) -> None:
        """Show the images ``order`` once, learning; labels ``y`` serve the training curve, and the teacher where there is one.

        The first ``shown`` of them were shown before the training was interrupted. ``on_block`` is called between stretches of
        blocks.
        """
        most = self._most
        for begin in range(shown // most * most, len(order), most):
            images = order[begin : begin + most]
            if len(self.winners) != len(images):  # else they are from before an interruption
                self.winners = self._no_winners(len(images))
            start, first = time.perf_counter(), max(shown - begin, 0)
            if first == len(images):
                continue
            stretches = self._stretches(len(images) - first)
            laws, moments = self._laws(stretches)
            for n, of in zip(stretches, moments, strict=True):
                part = slice(first, first + n)
                self._show(pixels, images[part], self.winners[part], y[images[part]], laws, of)
                first += n
                at_end = first >= len(images)
                if at_end:
                    self._monitor(self.winners, y[images])
                    self.winners = self._no_winners(0)
                self.seconds += time.perf_counter() - start
                if at_end and on_progress:
                    speed = self.presentations / max(self.seconds, 1e-9)
                    on_progress(Progress(self.presentations, self.total, speed, self.history[-1].accuracy))
                if on_block:
                    on_block(self)
                start = time.perf_counter()

    def learn_epochs(
        self, pixels: Pixels | KeptSpikes, orders: npt.NDArray[np.int64], y: npt.NDArray[np.int64]
    ) -> None:
        """Show the images ``orders`` [epoch, image], as ``learn`` does one epoch after the other.

        Short epochs go through the kernels together, until cells age, wear or wires act; the training curve has a point for all
        of them.
        """
        n = orders.shape[1]
        while len(orders):
            most, before = min(len(orders), self._most // n), self.presentations
            together = next((k for k in range(most) if self._due(before, before + (k + 1) * n)), most)
            if together < 2:
                self.learn(pixels, orders[0], y)
            else:
                start, images = time.perf_counter(), orders[:together].ravel()
                laws, moments = self._laws([n] * together)
                winners = self._no_winners(len(images))
                self._show(pixels, images, winners, y[images], laws, np.concatenate(moments))
                self._monitor(winners, y[images])
                self.seconds += time.perf_counter() - start
            orders = orders[max(together, 1) :]

    def rebalance(
        self,
        pixels: Pixels | KeptSpikes,
        order: npt.NDArray[np.int64],
        *,
        shown: int = 0,
        on_block: OnBlock | None = None,
    ) -> None:
        """Show images with homeostasis only, so that thresholds settle after a cut; no cell moves.

        ``shown`` and ``on_block`` are those of ``learn``.
        """
        self.total, start = len(order), self.presentations - shown
        winners = np.zeros((self.block, 1, self.machine.n_winners), np.int32)
        for first in range(shown, len(order), self.block):
            images = order[first : first + self.block]
            laws = self.machine.laws(min(1.0, (self.presentations - start) / self.total), learning=False)
            moments = np.zeros(len(images), np.int64)
            self._show(pixels, images, winners[: len(images)], images, laws, moments, learning=False)
            if on_block:
                on_block(self)

    @property
    def _most(self) -> int:
        """Presentations between two points of the training curve."""
        return max(1, min(_MONITOR, _MOST_SPIKES // (self.machine.spec.encoding.draws * self.machine.n_winners)))

    def _stretches(self, left: int) -> list[int]:
        """Presentations shown at once, of those that are left: blocks until ageing, wear or wires are applied."""
        stretches, before = [], self.presentations
        while left:
            n = min(self.block, left)
            while n < left and not self._due(before, before + n) and n < self.blocks_at_once * self.block:
                n = min(n + self.block, left)
            stretches.append(n)
            before, left = before + n, left - n
        return stretches

    def _laws(self, stretches: list[int]) -> tuple[Laws, list[npt.NDArray[np.int64]]]:
        """Compile the laws of all blocks of some stretches; by stretch, say to which of them each presentation belongs."""
        of, done, before = [], np.zeros(0, np.int64), self.presentations
        for n in stretches:
            of.append(len(done) + np.arange(n) // self.block)
            done = np.append(done, np.arange(before, before + max(n, 1), self.block))
            before += n
        if self.teacher is not None:
            return self.teacher.laws(self.machine, done, self.total), of
        return self.machine.laws(np.minimum(1.0, done / self.total)), of

    def _no_winners(self, n: int) -> npt.NDArray[np.int32]:
        return np.zeros((n, self.machine.spec.encoding.draws, self.machine.n_winners), np.int32)

    def _show(
        self,
        pixels: Pixels | KeptSpikes,
        images: npt.NDArray[np.int64],
        winners: npt.NDArray[np.int32],
        labels: npt.NDArray[np.int64],
        laws: Laws,
        moments: npt.NDArray[np.int64],
        *,
        learning: bool = True,
    ) -> None:
        """Show images, as many at once as the workbench holds; each at its moment of the laws."""
        machine, spec = self.machine, self.machine.spec
        sliding = learning and spec.encoding.form == "sliding"
        draws, most = winners.shape[1], max(1, _SPIKES_AT_ONCE // (winners.shape[1] * _width(pixels)))
        for begin in range(0, max(len(images), 1), most):
            part = slice(begin, begin + most)
            first = self.presentations + begin
            places = first + np.arange(len(images[part]))
            block = machine.encode(pixels, images[part], places, draws, per_step=sliding)
            if self.teacher is None:
                machine.learn(block, moments[part], first, laws, winners[part], sliding=sliding)
            else:
                self.teacher.learn(machine, block, labels[part], moments[part], first, self.total, laws, winners[part])
        before = self.presentations
        self.presentations += len(images)
        if learning:
            self._live_on(before)

    def _due(self, before: int, shown: int) -> bool:
        """Whether ageing, wear or wires are applied between two counts of presentations."""
        if self.machine.spec.device is None:
            return False
        return self._moment(before, shown) > 0 or shown // self._wires > before // self._wires

    @property
    def _wires(self) -> int:
        return self.machine.spec.array.wires_every

    def _moment(self, before: int, shown: int) -> int:
        """Presentations for which cells have to age, a hundred times in a training; 0 where it is not time yet."""
        moment = max(self.block, self.total // 100)
        now = shown if shown == self.total else shown // moment * moment
        return max(now - before // moment * moment, 0)

    def _live_on(self, before: int) -> None:
        """Let cells fail and age and book what reads met; then work out what wires do."""
        machine = self.machine
        if passed := self._moment(before, self.presentations):
            machine.book_read_energy()
            machine.apply_wear()
            machine.age(passed * machine.spec.encoding.t_present)
        if self.presentations // self._wires > before // self._wires:
            machine.apply_wires()

    def _monitor(self, winners: npt.NDArray[np.int32], y: npt.NDArray[np.int64]) -> None:
        """Classify the first images by labels learned before them, then learn labels from all (test, then train)."""
        accuracy, named = (
            None,
            not self.machine.shared,
        )  # what a convolution's neurons say of an image depends on the place
        if self.history and named:
            votes = soft_votes(winners[:_SAMPLE], log_posterior(self.recent, 0.5))
            accuracy = float(np.mean(votes.argmax(axis=1) == y[:_SAMPLE]))
        if named:
            self.recent = 0.9 * self.recent + count_spikes(winners, y, self.machine.spec.n_neurons, self.n_classes)
        events = self.machine.neuron_events
        pulses = events[:, [NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE, NeuronEvent.PRUNING_PULSE]].sum()
        array = self.machine.array
        pruned = (array.n_cells - array.n_alive) / array.n_cells
        self.history.append(HistoryPoint(self.presentations, accuracy, int(pulses), float(pruned)))


def _width(pixels: Pixels | KeptSpikes) -> int:
    """Count the inputs, or the features that become inputs."""
    return pixels.n_inputs if isinstance(pixels, KeptSpikes) else int(pixels[0].shape[1])


def infer(
    machine: Machine,
    pixels: Pixels | KeptSpikes,
    windows: int,
    phase: Phase,
    workers: int = 1,
    on_part: Callable[[], None] | None = None,
) -> npt.NDArray[np.int32]:
    """Show images without learning. Returns the winners [image, window, group], the same for any number of workers.

    ``on_part`` is called before each part of the images, from any of the threads; what it raises ends the inference.
    """
    places = pixels.keys if isinstance(pixels, KeptSpikes) else image_keys(pixels[0]).astype(np.int64)
    n, width = len(places), _width(pixels)
    winners = np.zeros((n, windows, len(machine.groups)), np.int32)
    schedule, _ = machine.laws(1.0, learning=False)
    most = max(1, _SPIKES_AT_ONCE // (windows * width))

    def show(begin: int, end: int) -> None:
        for first in range(begin, max(end, begin + 1), most):
            if on_part:
                on_part()
            part = slice(first, min(first + most, end))
            order = np.arange(part.start, part.stop)
            block = machine.encode(pixels, order, places[part], windows, phase)
            machine.respond(block, places[part], schedule, winners[part], phase, refractory=machine.refractory)

    threads = max(1, min(workers, n, _MOST_THREADS))
    edges = np.linspace(0, n, threads + 1).astype(int).tolist()
    if threads == 1:
        show(0, n)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(show, edges[:-1], edges[1:]))
    return winners
