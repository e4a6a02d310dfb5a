"""What the learning scheme saved, counted in updates of cells: a product of named factors, each measured in the run.

    every cell of a fully connected network, at every draw of a winner
      / cells outside the fields never existed                 -> local fields
      / only the winner's cells are looked at                  -> event-driven updates
      / pruned cells are not                                   -> pruning
      / a pulse is sent with a probability, in one size        -> probabilistic pulses
    = programming pulses sent

Pulses are counted here, not joules: a pulse that moves a cell further may cost more.
"""

from __future__ import annotations

from dataclasses import dataclass

from synarray.events import NeuronEvent
from synarray.learn.result import Result

__all__ = ["Factor", "programming_factors"]


@dataclass(frozen=True)
class Factor:
    """One step from updating everything to the pulses that were sent."""

    name: str
    before: int
    after: int
    """Updates (or pulses) without and with it."""

    @property
    def ratio(self) -> float:
        """How many times fewer; infinite when nothing is left."""
        return self.before / self.after if self.after else float("inf")


def programming_factors(result: Result) -> list[Factor]:
    """Split the updates that a run saved into named factors; the last one's ``after`` is the pulses it sent.

    Returns
    -------
    list of Factor
        In the order of the module's docstring; their ratios multiply to updates of everything over pulses sent.
    """
    machine = result.machine
    draws = machine.network_events[0] * machine.spec.encoding.draws
    dense = int(draws) * len(result.retina.inputs) * result.spec.n_neurons
    placed = int(draws) * machine.array.n_cells
    cells_of = [len(group.inputs) for group in machine.groups for _ in range(group.n_neurons)]
    winners = int(machine.neuron_events[:, NeuronEvent.OUTPUT_SPIKE] @ cells_of)
    looks = machine.looks  # state-blind pulses look at no cell: what pruning saves then counts with the pulses
    alive = int(machine.neuron_events[:, NeuronEvent.CELL_READ].sum()) // looks if looks else winners
    return [
        Factor("local fields", dense, placed),
        Factor("event-driven updates", placed, winners),
        Factor("pruning", winners, alive),
        Factor("probabilistic pulses", alive, result.pulses),
    ]
