"""What a run counted, as whole numbers, and the sizes that its prices depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.events import NetworkEvent, NeuronEvent

__all__ = ["Counts"]


@dataclass(frozen=True)
class Counts:
    """What a run counted, and the sizes its prices depend on."""

    events: dict[str, int]
    """Totals of every event, by name."""
    draws: int
    """Windows (or steps) in which winners were drawn."""
    inputs: int
    neurons: int
    groups: int
    weights: int
    rows: int
    columns: int
    """Cells on a bit line and on a word line of the array."""
    updated: int | None = None
    """Updates of whole columns, summed over the columns; None: one per output spike."""
    turns: int | None = None
    """Times at which a column sends its pulses, when its cells are pulsed at once, summed over the columns: as many as the
    neuron had output spikes, or as its busiest cell had pulses, whichever are more; None: not kept, one per update."""
    encoded: int | None = None
    """Random numbers drawn to encode inputs; None: one per input and draw."""
    adc_bits: int | None = None
    """Bits to which the reads of columns were digitised; None: they were ideal, and are priced by the periphery's bits."""

    @property
    def numbers_encoded(self) -> int:
        """Random numbers drawn to encode inputs."""
        return self.draws * self.inputs if self.encoded is None else self.encoded

    @property
    def column_updates(self) -> int:
        """Updates of whole columns."""
        return self["output_spike"] if self.updated is None else self.updated

    @property
    def column_turns(self) -> int:
        """Times at which a column sends its pulses."""
        return max(self.column_updates, self.turns or 0)

    @classmethod
    def of(
        cls,
        neuron_events: npt.NDArray[np.int64],
        network_events: npt.NDArray[np.int64],
        *,
        draws_per_presentation: int,
        writes: npt.NDArray[np.floating] | None = None,
        adc_bits: int | None = None,
        **sizes: int,
    ) -> Counts:
        """Total the tables of a run.

        Parameters
        ----------
        neuron_events : ndarray of int64, shape (n_neurons, n_events)
        network_events : ndarray of int64, shape (n_events,)
        draws_per_presentation : int
        writes : ndarray, shape (cells per weight, n_neurons, most cells), optional
            Pulses that each cell received; of a compound, the mean over its cells.
        adc_bits : int, optional
        sizes : int
            ``inputs``, ``neurons``, ``groups``, ``weights``, ``rows``, ``columns``.
        """
        per_neuron = neuron_events.sum(axis=0)
        events = {event.name.lower(): int(per_neuron[event]) for event in NeuronEvent}
        events |= {event.name.lower(): int(network_events[event]) for event in NetworkEvent}
        turns = None
        if writes is not None:
            busiest = np.ceil(writes.max(axis=(0, 2))).astype(np.int64)
            turns = int(np.maximum(neuron_events[:, NeuronEvent.OUTPUT_SPIKE], busiest).sum())
        draws = events["presentation"] * draws_per_presentation
        return cls(events, draws, turns=turns, adc_bits=adc_bits, **sizes)

    def __getitem__(self, name: str) -> int:
        return self.events[name]
