"""Physicality: every step of a run that is free in software but not on a chip, and what it costs.

Each step is either priced in the ledger already (and then named with its row), priced here beside it, or not priced, with the
reason. Nothing that touches the weights happens without a counted pulse: weights are never normalised, rescaled or reset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from synarray.cost.counts import Counts
from synarray.cost.ledger import Ledger
from synarray.cost.prices import Periphery
from synarray.learn.spec import LearningSpec

__all__ = ["Step", "free_steps"]

_TABLE = 512
"""Words of a schedule."""


@dataclass(frozen=True)
class Step:
    """A step that software gets for nothing."""

    name: str
    where: str
    """How it is paid for: a row of the ledger, a way to do it on the chip, or why it is not priced."""
    energy: float | None
    """In the whole training, J; None where nothing is priced."""
    booked: bool = False
    """Whether the ledger has it already."""


def free_steps(spec: LearningSpec, counts: Counts, ledger: Ledger, periphery: Periphery) -> list[Step]:
    """Name the steps of a run that software gets for nothing, and price them.

    Parameters
    ----------
    spec : LearningSpec
    counts : Counts
    ledger : Ledger
        Of the run, in its own cells.
    periphery : Periphery
    """
    shown, add = counts["presentation"], periphery.add * periphery.scale()
    word = periphery.sram(4 * _TABLE)  # a small memory: the tables of 512 words
    booked = {entry.action: entry.energy for entry in ledger.entries}
    steps = [
        _booked("weights at their start", "initial pulses", booked),
        _booked("exact states looked up before updates", "look-ups before updates", booked),
        _booked("probabilities and tables of the learning law", "decisions on updates", booked),
        _booked("homeostasis: thresholds that every spike moves", "homeostasis", booked),
        _booked("random numbers of the inputs", "random numbers", booked),
        Step(
            "softmax over the columns",
            "an 8-bit table and an addition per column and read",
            counts["column_sense"] * (word / 4 + add),
        ),
        Step("labels of neurons", *_labelling(spec, counts, ledger)),
        Step("schedules of gain and sharpness", "512 words rewritten a hundred times", 100 * _TABLE * word),
    ]
    if spec.encoding.gain_control:
        scale = (periphery.multiply_float + periphery.add_float) * periphery.scale()
        name = "gain control: images brought to one total intensity"
        steps.append(Step(name, "a sum and a product per input and image", shown * counts.inputs * scale))
    steps += _of_pruning(spec, counts, booked, add, word)
    steps += _not_simulated(spec)
    return steps


def _booked(name: str, action: str, booked: dict[str, float]) -> Step:
    return Step(name, f'the ledger\'s row "{action}"', booked.get(action, 0.0), booked=True)


def _labelling(spec: LearningSpec, counts: Counts, ledger: Ledger) -> tuple[str, float]:
    """Price the reads of the training images that only serve to name the neurons."""
    reading = ledger.of("drive", "encoding", "neurons") + sum(
        entry.energy
        for entry in ledger.entries
        if entry.action in ("row reads", "word line of driven rows", "column conversions", "bits sensed")
    )
    windows = spec.readout.label_windows / max(counts.draws, 1) * counts["presentation"] / spec.epochs
    return f"every training image read once more, for {spec.readout.label_windows} windows", reading * windows


def _of_pruning(spec: LearningSpec, counts: Counts, booked: dict[str, float], add: float, word: float) -> list[Step]:
    """Price finding and marking the cells that are pruned."""
    kind = spec.pruning.kind
    steps = []
    if counts["mask_lookup"]:
        steps.append(_booked("which cells still learn", "mask bits looked up", booked))
    if kind.ranks and counts["cell_pruned"]:
        rows = counts.weights / counts.neurons
        stages = spec.pruning.n_stages if kind.while_training else 1
        energy = counts.weights * stages * (math.log2(max(rows, 2)) * add + word / 4)
        steps.append(Step("ranking the cells of a neuron", "each cell read and sorted, at every stage", energy))
    if kind.keeps:
        steps.append(_booked("cells brought to the pruned value", "pruning pulses", booked))
    if kind.removes:
        steps.append(
            Step("cells disconnected", "not priced: a switch for each cell, which a 1T1R array does not have", None)
        )
    return steps


def _not_simulated(spec: LearningSpec) -> list[Step]:
    """Physics that this run left out."""
    device, wires = spec.device, spec.array.wires
    steps = []
    if device is not None and device.step_law.exact:
        steps.append(Step("pulses of any size", "not priced: no device moves by just what the law asks", None))
    digital = spec.synapse.scheme_for(device).sensed_by_bit
    if device is not None and not digital and not spec.array.thermal_noise:
        where = "not simulated: array.thermal_noise is false"
        if device.sigma_read == 0:
            steps.append(Step("reads without noise", f"{where}, device.sigma_read is 0", None))
        else:
            steps.append(Step("thermal and shot noise of reads", where, None))
    if device is not None:
        what = "bits sensed without error" if digital else "look-ups of states without noise"
        steps.append(Step(what, "not simulated; see how long a look-up must last to distinguish the levels", None))
    if wires == type(wires)():
        steps.append(Step("wires without resistance", "not simulated: array.wires.r_wire is 0", None))
    return steps
