"""What the same training would cost elsewhere, by the same rules: counted actions x sourced prices.

conventional          the same algorithm on a processor, its weights in SRAM (of the size they need) or DRAM
without_events        the same array, but every weight is updated at every draw, not the winners' alone
without_pruning       the same array, but pruned cells are still looked at and pulsed
back_propagation      another network of equal accuracy, trained by gradients on a processor
chips                 neuromorphic chips, by their published energy of a synaptic operation
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from synarray.cost.counts import Counts
from synarray.cost.ledger import Entry, Ledger
from synarray.cost.prices import Periphery
from synarray.units import parse_quantity

__all__ = [
    "MEMORIES",
    "GradientTraining",
    "back_propagation",
    "chips",
    "conventional",
    "updates",
    "without_events",
    "without_pruning",
]

MEMORIES = ("SRAM", "DRAM")
"""Where a processor may keep its weights."""
_WORD = 4
"""Bytes of a weight on a processor."""


@dataclass(frozen=True)
class GradientTraining:
    """A network that was trained by back-propagation, and what that cost."""

    hidden: int
    """Neurons of its hidden layer."""
    weights: int
    last: int
    """Weights and biases of the network, and those of its last layer."""
    images: int
    batches: int
    """Presentations, and updates of all weights."""
    accuracy: float
    validation: float
    """On the test images, read once; on the held-out training images by which its training was stopped."""
    seconds: float
    """Wall-clock time it took here."""


def updates(counts: Counts, cells: int) -> int:
    """Weights that were looked up for updates; with state-blind pulses, those that were sent any."""
    return counts["cell_read"] // cells or counts["ltp_pulse"] + counts["ltd_pulse"]


def conventional(counts: Counts, periphery: Periphery, memory: str, looked_up: int) -> Ledger:
    """Price the same algorithm on a processor with its weights in a memory, "SRAM" or "DRAM": 32-bit words.

    Every weight of a driven row is fetched and added; every weight that is looked up is fetched, moved and written back.
    """
    word, bandwidth = _memory(periphery, memory, _WORD * counts.weights)
    add, floating = periphery.add * periphery.scale(), periphery.add_float * periphery.scale()
    entries = (
        Entry("memory", "weights fetched for reads", counts["row_cell"], word),
        Entry("memory", "weights fetched for updates", looked_up, word),
        Entry("memory", "weights written back", looked_up, word),
        Entry("arithmetic", "additions of reads", counts["row_cell"], floating),
        Entry("arithmetic", "additions of updates", looked_up, floating),
        Entry("neurons", "thresholds and winners", 3 * counts["column_sense"], add),
        Entry("encoding", "random numbers", counts.draws * counts.inputs, add),
    )
    moved = float(_WORD * (counts["row_cell"] + 2 * looked_up))
    title = f"weights in {memory}"
    return Ledger(title, entries, {"memory-bound": moved / bandwidth}, moved, presentations=counts["presentation"])


def back_propagation(training: GradientTraining, periphery: Periphery, memory: str) -> Ledger:
    """Price a training by gradients on a processor with its weights in a memory; activations cost nothing (in its favour).

    A batch fetches every weight once for the forward pass, the last layer's once more for the backward pass, and fetches and
    writes back every weight for the update. An image takes two multiply-adds per weight (forward, gradient) and one more
    per weight of the last layer.
    """
    word, bandwidth = _memory(periphery, memory, _WORD * training.weights)
    multiply_add = (periphery.multiply_float + periphery.add_float) * periphery.scale()
    fetched, written = training.batches * (2 * training.weights + training.last), training.batches * training.weights
    entries = (
        Entry("memory", "weights fetched", fetched, word),
        Entry("memory", "weights written back", written, word),
        Entry(
            "arithmetic",
            "multiply-adds of images",
            training.images * (2 * training.weights + training.last),
            multiply_add,
        ),
        Entry("arithmetic", "multiply-adds of updates", written, multiply_add),
    )
    moved = float(_WORD * (fetched + written))
    title = f"back-propagation, weights in {memory}"
    return Ledger(title, entries, {"memory-bound": moved / bandwidth}, moved, presentations=training.images)


def without_events(counts: Counts) -> Counts:
    """Return the counts if every neuron's weights were updated at every draw, as the winners' were.

    Examples
    --------
    With one group of ten neurons, ten times the pulses.

    >>> sizes = dict(draws=4, inputs=2, neurons=10, groups=1, weights=20, rows=2, columns=10)
    >>> every = without_events(Counts({"ltp_pulse": 3, "row_read": 5, "output_spike": 4}, **sizes))
    >>> every.events, every.column_updates
    ({'ltp_pulse': 30, 'row_read': 5, 'output_spike': 4}, 40)
    """
    factor = counts.neurons // counts.groups
    events = {n: c * factor if n in _OF_UPDATES else c for n, c in counts.events.items()}
    updated, turns = factor * counts.column_updates, factor * counts.column_turns
    return replace(counts, events=events, updated=updated, turns=turns)


def without_pruning(counts: Counts, cells: int) -> Counts:
    """Return the counts if no cell had been pruned and the law's other decisions had stayed: a first estimate.

    The pulses that pruning saved are sent, in the proportion of LTP and LTD of those that were; all cells of the winners
    are looked at; pruning itself costs nothing. ``cells`` is how many a weight has.
    """
    sent = counts["ltp_pulse"] + counts["ltd_pulse"]
    more = (sent + counts["pulse_skipped"]) / max(sent, 1)
    looked = counts["mask_lookup"] * cells / max(counts["cell_read"], 1)
    factors = dict.fromkeys(("ltp_pulse", "ltd_pulse", "ltp_level", "ltd_level"), more)
    factors |= dict.fromkeys(("cell_read", "cell_read_level"), max(looked, 1.0))
    gone = ("pruning_pulse", "pruning_level", "mask_lookup", "cell_pruned", "pulse_skipped")
    events = {n: 0 if n in gone else round(c * factors.get(n, 1.0)) for n, c in counts.events.items()}
    return replace(counts, events=events)


@lru_cache(maxsize=1)
def chips() -> tuple[str, dict[str, float]]:
    """Return the source, and the energy of one synaptic operation of each chip, J."""
    values = tomllib.loads((resources.files("synarray.cost") / "chips.toml").read_text("utf-8"))
    return values["source"], {name: parse_quantity(text, "J") for name, text in values["energy"].items()}


_OF_UPDATES = {
    *("cell_read", "ltp_pulse", "ltd_pulse", "pulse_at_bound", "pulse_skipped", "verify_read", "pulse_failed"),
    *("mask_lookup", "ltp_level", "ltd_level", "cell_read_level", "verify_level"),
}
"""Events of updates: what happens at an output spike to the cells of the neuron that fired."""


def _memory(periphery: Periphery, memory: str, n_bytes: float) -> tuple[float, float]:
    """Energy of a 32-bit word of a memory that holds so many bytes, J, and the bytes it gives in a second."""
    if memory == "DRAM":
        return periphery.dram_word, periphery.dram_bandwidth
    return periphery.sram(n_bytes), periphery.sram_rate(n_bytes)
