"""The constants of an exported learner: what ``synarray_model`` of the C file holds, worked out from a machine.

Exported are local and full fields, windows, ideal weights and cells of devices without spreads, words of binary cells that
always switch, gain control, homeostasis, soft pruning, maturity, refractory read-out. Whatever else there is is refused
here, with the reason; a trained network that only predicts is exported whatever its cells are, as the 8-bit numbers that a
read of them gives.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from synarray.array.schemes.scheme import WORD
from synarray.export.c_cells import Codes, codes_of, pruning_of
from synarray.export.c_place import CONTRAST, Place
from synarray.export.c_refused import check_exportable, check_gains
from synarray.export.c_schedule import Schedule, decay_per_unit, schedule
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import Retina, chance_table, channel_table
from synarray.network.machine import Machine

__all__ = ["LearnerModel", "Trained", "cell_bytes", "learner_model", "learning_of", "pack"]

_EVENTS = 23
_HEADER = 24

Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Trained:
    """What training left: codes of the cells, and the state of the neurons."""

    threshold: npt.NDArray[np.int32]
    """Shape (n_neurons,)."""
    counts: npt.NDArray[np.int64] | None
    """Output spikes while labelling; None where labels named no neurons; shape (n_neurons, n_classes), or None."""


@dataclass(frozen=True)
class LearnerModel:
    """Everything that the C file needs to know."""

    numbers: dict[str, int | float]
    """Single values, under the names of ``synarray_model``."""
    tables: dict[str, Array]
    """Constant arrays, under the same names; missing ones are NULL."""
    classes: Array
    """Class labels, in the order of the C classes."""
    full_scale: float
    """Value of full intensity in the data: what the caller scales to 255."""
    notes: list[str]
    """What a reader of the export must know."""
    above: LearnerModel | None = None
    """The layer that reads this one's winners, of a network of several."""

    @property
    def layers(self) -> list[LearnerModel]:
        """It and the layers above it."""
        return [self, *(self.above.layers if self.above else [])]

    @property
    def stack(self) -> bool:
        """Whether it needs what the C file compiles for layers and teachers."""
        return "teacher" in self.numbers

    @property
    def draws(self) -> int:
        """Winners of a window of learning."""
        return int(self.numbers["groups"]) * int(self.numbers.get("draws", 1))

    @property
    def counts(self) -> int:
        """Label counts that it keeps: none below another layer, and none where neurons were taught their class."""
        return counts_of(self.numbers, self.above is not None)

    @property
    def predicts_only(self) -> bool:
        """Whether the cells lie in constant memory."""
        return "fixed_cells" in self.tables

    @property
    def ram_bytes(self) -> int:
        """Bytes of memory that ``synarray_init`` asks for, the same on every target."""
        own = memory_bytes(self.numbers, self.tables, self.counts)
        return own if self.above is None else -(-own // 8) * 8 + self.above.ram_bytes

    @property
    def table_bytes(self) -> int:
        """Bytes of constants."""
        return sum(table.nbytes for layer in self.layers for table in layer.tables.values())

    @property
    def own_blob_bytes(self) -> int:
        """Bytes of a saved state of this layer."""
        n, cells = self.numbers, cell_bytes(self.numbers, self.tables)
        neurons, masked = int(n["neurons"]), bool(n["masked"])
        of_cells = 4 * cells if n["bits"] == 32 else cells
        of_neurons = 4 * neurons * (1 + masked) + 2 * self.counts
        return _HEADER + 8 * _EVENTS + of_neurons + of_cells + ((_n_cells(self.tables) + 7) // 8 if masked else 0)

    @property
    def blob_bytes(self) -> int:
        """Bytes of a saved state."""
        return sum(layer.own_blob_bytes for layer in self.layers)


def learner_model(
    machine: Machine,
    retina: Retina,
    classes: Array,
    spec: LearningSpec,
    per_epoch: int,
    *,
    trained: Trained | None = None,
    predict_only: bool = False,
    port: bool = False,
    place: Place | None = None,
) -> LearnerModel:
    """Work the constants of one layer out.

    Parameters
    ----------
    machine : Machine
        Trained or not.
    retina : Retina
    classes : ndarray
    spec : LearningSpec
        What the machine was built from.
    per_epoch : int
        Images of an epoch.
    trained : Trained, optional
        State that goes with it.
    predict_only : bool
        Cells, thresholds and label counts are constants, and nothing is learned.
    port : bool
        The cells are behind a port: a real array.
    place : Place, optional
        Where the layer is in a network of layers; none: it is the network.

    Raises
    ------
    SpecError
        When the learner cannot do what the experiment asks.
    """
    check_exportable(machine, retina, classes, spec, predict_only)
    numbers, tables = _common(machine, retina, classes, spec, place)
    if predict_only:
        assert trained is not None
        numbers, tables = _predicting(machine, trained, numbers, tables)
        notes: list[str] = []
    else:
        numbers, tables, notes = _learning(machine, spec, per_epoch, port, numbers, tables, place)
    if place is None or place.lowest:
        check_gains(retina, int(numbers["gain_total"]))
    numbers["identity"] = _identity(numbers, tables)
    return LearnerModel(numbers, tables, classes, retina.full_scale, notes)


def _common(
    machine: Machine, retina: Retina, classes: Array, spec: LearningSpec, place: Place | None
) -> tuple[dict[str, int | float], dict[str, Array]]:
    """Work out what learning and predicting share: sizes, fields, encoding, read-out."""
    groups, readout = machine.groups, spec.readout
    units, neuron = machine.array.read_units, spec.neuron
    sees_image = place is None or place.lowest
    total = Fraction(retina.mean_total) * 65536 * (1 << 24) if retina.gain_control and sees_image else Fraction(0)
    numbers: dict[str, int | float] = {
        "seed": spec.seed,
        "features": retina.n_features,
        "inputs": len(retina.inputs) if place is None else place.plan.below.size,
        "neurons": len(machine.threshold),
        "groups": len(groups),
        "classes": len(classes),
        "windows": spec.encoding.draws,
        "label_windows": readout.label_windows,
        "test_windows": readout.test_windows,
        "gain_total": round(total),
        "final_q": decay_per_unit(neuron.beta * (neuron.beta_start + (1.0 - neuron.beta_start) * 1.0), units),
        "refractory": machine.refractory,
        "smoothing": max(1, round(readout.smoothing * 65536)),
    }
    tables: dict[str, Array] = {
        "row_input": np.concatenate([group.places[0] for group in groups]).astype(np.uint16),
        "group_rows": np.array([group.n_rows for group in groups], np.uint16),
        "group_columns": np.array([group.n_neurons for group in groups], np.uint16),
    }
    if sees_image:
        encoding = machine.spec.encoding
        intensity = channel_table(encoding) if encoding.channelled else chance_table(encoding, per_step=False)
        tables |= {"input_feature": retina.inputs.astype(np.uint16), "intensity": intensity}
    if place is not None:
        own_numbers, own_tables = place.constants(machine, classes)
        numbers |= own_numbers
        tables |= own_tables
    numbers["table_room"] = machine.laws(1.0, learning=False)[0].winner.shape[1]
    return numbers, tables


def _learning(
    machine: Machine,
    spec: LearningSpec,
    per_epoch: int,
    port: bool,
    numbers: dict[str, int | float],
    tables: dict[str, Array],
    place: Place | None,
) -> tuple[dict[str, int | float], dict[str, Array], list[str]]:
    """Add what learning needs: cells, schedules, pruning."""
    plan, codes = learning_of(machine, spec, per_epoch, place)
    notes = []
    if port:
        codes = _behind_port(codes, machine)
    elif codes.bits == 32:
        notes.append(
            "A cell keeps its weight as float32 beside 8 bits: it takes more values than 8 bits can hold. With "
            "cell.n_levels (--levels) it is packed."
        )
    state, bits = codes.state.astype(np.int64), codes.bits
    device = 0 if spec.device is None else 2 if machine.array.scheme.code == WORD else 1
    masked = len(pruning_of(machine).at_spikes) > 0 or pruning_of(machine).maturity > 0
    numbers |= {
        "bits": 0 if port else bits,
        "codes": len(state),
        "device": device,
        "looks": machine.looks,
        "masked": int(masked),
        "total": int(plan.moments.images.sum()),
        "moments": len(plan.q),
        "corrections": 0,
        "starts": 0,
        "w_start": spec.stdp.w_start,
        "w_spread": spec.stdp.w_spread,
        "constant": 0.0,
        "table_room": max(plan.table_room, int(numbers["table_room"])),
        "stages": 0,
        "maturity": pruning_of(machine).maturity,
    }
    if (codes.state != np.arange(len(codes.state))).any():
        tables["state"] = codes.state
    if bits in (2, 4) and not port:
        tables["lanes"] = _lanes(codes)
    if codes.following.size:
        tables["next"] = codes.following
    if codes.starts is not None:
        numbers["starts"] = len(codes.starts.word)
        tables |= {"start_word": codes.starts.word, "start_code": codes.starts.code}
        if len(codes.starts.w):
            tables["start_w"] = codes.starts.w
    if bits == 32 and not port:
        tables["step"] = machine.laws(0.0)[1].step[0, 0]
    chance = machine.laws(0.0)[1].chance.reshape(2, 256)[:, state]
    if (chance < 65536).any() and not (port or device == 2):
        tables["chance"] = chance
    tables |= {"pulse_free": plan.free[:, state], "pulse_most": plan.most[:, state]}
    tables |= _schedule_tables(plan, codes, numbers)
    if masked:
        tables |= _pruning_tables(machine, codes, numbers)
    if place is not None:
        numbers["calibrates"] = plan.calibrates
        if numbers["teacher"] == CONTRAST and not machine.array.scheme.sensed_by_bit:
            numbers["looks"] = 0  # a pulse is sent whatever the state of a cell
        numbers["total"] = int(numbers["total"]) * place.plan.layer.learn
    return numbers, tables, notes


def learning_of(
    machine: Machine, spec: LearningSpec, per_epoch: int, place: Place | None = None
) -> tuple[Schedule, Codes]:
    """Work out the schedule of a layer, and the codes of its cells."""
    teacher = place.teacher(per_epoch) if place else None
    plan = schedule(machine, spec, per_epoch, teacher)
    return plan, codes_of(machine, plan.most_pulses, at_bound=teacher is not None and teacher.how == "contrast")


def _behind_port(codes: Codes, machine: Machine) -> Codes:
    """Tell cells apart by what a read of one resolves: its state."""
    states = np.arange(255)
    target = int(np.clip(np.rint(127 * pruning_of(machine).constant), -127, 127)) + 127
    goal = np.where(states < target, 1, np.where(states > target, 2, 0)).astype(np.uint8)
    return Codes(0, states.astype(np.uint8), np.zeros((2, 0), np.uint8), goal, None, {})


def _lanes(codes: Codes) -> Array:
    """Return the states of the cells that share a byte, each in 16 bits."""
    per_byte, byte = 8 // codes.bits, np.arange(256)
    lanes = np.zeros(256, np.uint64)
    padded = np.zeros(1 << codes.bits, np.uint64)
    padded[: len(codes.state)] = codes.state
    for i in range(per_byte):
        lanes |= padded[(byte >> (codes.bits * i)) & ((1 << codes.bits) - 1)] << np.uint64(16 * i)
    return lanes


def _schedule_tables(plan: Schedule, codes: Codes, numbers: dict[str, int | float]) -> dict[str, Array]:
    tables: dict[str, Array] = {
        "moment_q": plan.q,
        "moment_step": plan.step,
        "moment_images": plan.moments.images.astype(np.uint16),
    }
    if plan.gain is not None:
        tables["moment_gain"] = plan.gain
    n, entries = len(codes.state), []
    for moment, law, pulses in plan.corrections:
        on, state = divmod(law, 255)
        entries += [(moment, on * n + code, pulses) for code in np.flatnonzero(codes.state == state).tolist()]
    if entries:
        numbers["corrections"] = len(entries)
        tables["correction"] = np.array(entries, [("moment", "<u2"), ("index", "<u2"), ("pulses", "<u4")])
    return tables


def _pruning_tables(machine: Machine, codes: Codes, numbers: dict[str, int | float]) -> dict[str, Array]:
    """When a neuron prunes, how many cells of each group then are, and where they are brought to."""
    pruning, rows = pruning_of(machine), np.diff(machine.array.row_start)
    numbers["constant"] = float(np.float32(pruning.constant))
    tables: dict[str, Array] = {"goal": codes.goal}
    if len(pruning.at_spikes):
        numbers["stages"] = len(pruning.at_spikes)
        cells = np.ceil(pruning.share[:, None] * rows[None] - 1e-9)
        tables |= {"stage_spikes": pruning.at_spikes.astype(np.uint32), "stage_cells": cells.astype(np.uint16)}
    return tables


def _predicting(
    machine: Machine, trained: Trained, numbers: dict[str, int | float], tables: dict[str, Array]
) -> tuple[dict[str, int | float], dict[str, Array]]:
    """Add a trained network as constants: what a read resolves of each cell, packed where few numbers occur."""
    array = machine.array
    tiles = [array.read_copy[array.rows(g), :columns] for g, (_, columns) in enumerate(array.shapes)]
    states = np.unique(np.concatenate([tile.ravel() for tile in tiles]).astype(np.int64) + 127)
    bits = 2 if len(states) <= 4 else 4 if len(states) <= 16 else 8
    codes = Codes(bits, states.astype(np.uint8), np.zeros((2, 0), np.uint8), np.zeros(0, np.uint8), None, {})
    if bits == 8:
        codes = Codes(8, np.arange(255, dtype=np.uint8), codes.following, codes.goal, None, {})
    else:
        tables |= {"state": codes.state, "lanes": _lanes(codes)}
    packed = [pack(np.searchsorted(codes.state, tile.astype(np.int64) + 127), bits) for tile in tiles]
    tables |= {"fixed_cells": np.concatenate(packed), "fixed_threshold": trained.threshold}
    if trained.counts is not None:
        tables["fixed_counts"] = np.minimum(trained.counts, 65535).astype(np.uint16)
    numbers |= {
        "bits": bits,
        "codes": len(codes.state),
        "device": 0,
        "looks": 0,
        "masked": 0,
        "total": 0,
        "moments": 0,
        "corrections": 0,
        "starts": 0,
        "w_start": 0.0,
        "w_spread": 0.0,
        "constant": 0.0,
        "stages": 0,
        "maturity": 0,
    }
    if "teacher" in numbers:
        numbers["calibrates"] = 0
    return numbers, tables


def pack(codes: npt.NDArray[np.integer], bits: int) -> npt.NDArray[np.uint8]:
    """Pack codes [row, column] into bytes, row after row; the lowest bits hold the first column."""
    if bits >= 8:
        return codes.astype(np.uint8).ravel()
    per_byte = 8 // bits
    padded = np.zeros((len(codes), -(-codes.shape[1] // per_byte) * per_byte), np.uint8)
    padded[:, : codes.shape[1]] = codes
    parts = padded.reshape(len(codes), -1, per_byte) << (bits * np.arange(per_byte, dtype=np.uint8))
    packed: npt.NDArray[np.uint8] = np.bitwise_or.reduce(parts, axis=2).astype(np.uint8).ravel()
    return packed


def cell_bytes(numbers: dict[str, int | float], tables: dict[str, Array]) -> int:
    """Bytes of packed cells; of float cells, their number."""
    bits = int(numbers["bits"])
    rows, columns = (tables[name].astype(np.int64) for name in ("group_rows", "group_columns"))
    return int((rows * -(-columns * min(bits, 8) // 8)).sum()) if bits else 0


def _n_cells(tables: dict[str, Array]) -> int:
    return int(tables["group_rows"].astype(np.int64) @ tables["group_columns"].astype(np.int64))


def counts_of(numbers: dict[str, int | float], below_another: bool = False) -> int:
    """Label counts that a layer keeps."""
    kept = not below_another and numbers.get("teacher", 0) != CONTRAST
    return int(numbers["neurons"]) * int(numbers["classes"]) * kept


def memory_bytes(numbers: dict[str, int | float], tables: dict[str, Array], counts: int) -> int:
    """Bytes that ``lay_out`` of the C file lays out; ``counts``: label counts that it keeps."""
    n = {name: int(value) for name, value in numbers.items() if isinstance(value, int)}
    learns, masked = "fixed_cells" not in tables, bool(n["masked"])
    columns = -(-int(tables["group_columns"].max()) // 4) * 4
    cells = cell_bytes(numbers, tables)
    parts = [
        8 * n["classes"] * (n.get("teacher") == CONTRAST),
        4 * n["neurons"],
        4 * n["neurons"] * (learns and masked),
        8 * n["codes"] * learns,
        -(-n["inputs"] // 32) * 4,
        4 * columns,
        4 * _n_cells(tables) * (learns and n["bits"] == 32),
        2 * counts * learns,
        2 * n["table_room"],
        2 * int(tables["group_rows"].max()),
        2 * n["groups"] * max(n["label_windows"], n["test_windows"]),
        cells * learns,
        (_n_cells(tables) + 7) // 8 * (learns and masked),
    ]
    return sum(-(-part // 4) * 4 for part in parts)


def _identity(numbers: dict[str, int | float], tables: dict[str, Array]) -> int:
    """CRC-32 of all constants, by which a saved state knows its model."""
    crc = zlib.crc32(repr(sorted(numbers.items())).encode())
    for name in sorted(tables):
        crc = zlib.crc32(name.encode() + np.ascontiguousarray(tables[name]).tobytes(), crc)
    return crc
