"""What a reader of a result must know about its experiment."""

from __future__ import annotations

from synarray.events import NetworkEvent
from synarray.learn.spec import LearningSpec
from synarray.network.machine import Machine
from synarray.network.topology import FieldSpec

__all__ = ["notes_on", "notes_on_training"]


def notes_on(spec: LearningSpec, image_shape: tuple[int, ...] | None) -> list[str]:
    """Say what a reader of the result must know."""
    notes = [_choice(spec.fields)] if spec.fields.trial else []
    if spec.fields.kind == "local" and image_shape is None:
        notes.append("The features have no image geometry: local fields fell back to one full field.")
    if not spec.pruning.kind.acts and spec.pruning.fraction > 0:
        notes.append(f'pruning.fraction = {spec.pruning.fraction:g} has no effect while pruning.mode is "none".')
    if spec.device is not None:
        if spec.device.unconfirmed:
            unconfirmed = ", ".join(spec.device.unconfirmed)
            notes.append(f"Numbers of {spec.device.name} that are unconfirmed: {unconfirmed}.")
        if not spec.synapse.scheme_for(spec.device).wires_act and spec.array.wires != type(spec.array.wires)():
            notes.append("Wires do not act on digital words: their bits are sensed one by one, as 0 or 1.")
    return notes


def notes_on_training(machine: Machine) -> list[str]:
    """Say what a network did in its training that its settings do not say."""
    if not machine.network_events[NetworkEvent.PRESENTATION]:
        return []
    notes, neuron, step = [], machine.spec.neuron, machine.competition.homeostasis
    if step > neuron.homeostasis:
        notes.append(
            f"The training is short for neuron.homeostasis_travel = {neuron.homeostasis_travel:g}: the threshold step was raised "
            f"from neuron.homeostasis = {neuron.homeostasis:g} to {step:.4g}."
        )
    if not machine.network_events[NetworkEvent.ROW_READ]:
        notes.append("No input was active, so there was nothing to learn: look at the images, and at encoding.floor.")
    clipped, read = (int(machine.network_events[e]) for e in (NetworkEvent.COLUMN_CLIPPED, NetworkEvent.COLUMN_SENSE))
    if clipped:
        notes.append(
            f"{clipped / read:.2%} of the column reads while learning were beyond the converters' range and were clipped "
            f"(array.adc_range = {machine.spec.array.adc_range:g})."
        )
    return notes


def _choice(fields: FieldSpec) -> str:
    """Say how ``fields.kind = "auto"`` was decided."""
    names = {"full": "one full field", "local": "local fields"}
    trial, other = fields.trial, "local" if fields.kind == "full" else "full"
    if trial is None or not trial.images:
        return 'fields.kind = "auto": the features have no image geometry, so one full field was trained.'
    read = [f"{getattr(trial, kind) or 0.0:.1%}" for kind in (fields.kind, other)]
    return (
        f'fields.kind = "auto" chose {names[fields.kind]}: {read[0]} of {trial.images:,} held-out training images were read, '
        f"with {names[other]} {read[1]}."
    )
