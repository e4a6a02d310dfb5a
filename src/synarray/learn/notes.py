"""What a reader of a result must know about its experiment."""

from __future__ import annotations

from synarray.learn.spec import LearningSpec

__all__ = ["notes_on"]


def notes_on(spec: LearningSpec, image_shape: tuple[int, ...] | None) -> list[str]:
    """Say what a reader of the result must know."""
    notes = []
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
