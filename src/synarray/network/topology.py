"""Which neurons see which inputs. A network is a list of groups, each with its inputs, its neurons and its own winner.

    full field      one group with all inputs: the network of Shi et al. 2018
    local fields    groups on a grid over the image; a group's neurons have cells only for the inputs nearest its centre

Positions of local fields are prior knowledge of image geometry. Features without it get one full field, and the result
says so. A cell outside a group's field never existed: that is not pruning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from synarray.errors import DataError, SpecError
from synarray.spec import Spec

__all__ = ["FieldSpec", "FieldTrial", "Group", "check_geometry", "place_groups"]

_Count = Annotated[int, Field(ge=1, le=16)]
_Pitch = Annotated[float, Field(gt=0, le=1)]


class FieldTrial(Spec):
    """What a full field and local fields read of held-out training images, as shares; none without image geometry."""

    images: Annotated[int, Field(ge=0)] = 0
    full: Annotated[float, Field(ge=0, le=1)] | None = None
    local: Annotated[float, Field(ge=0, le=1)] | None = None


class FieldSpec(Spec):
    """How the groups lie over the image."""

    kind: Literal["full", "local", "auto"] = "full"
    """``auto``: a training tries both on a part of the training images, and continues with the better one."""
    grid: tuple[_Count, _Count] = Field((3, 2), strict=False)
    """Groups down and across the image (local fields)."""
    pitch: tuple[_Pitch, _Pitch] = Field((0.279, 0.343), strict=False)
    """Distance between neighbouring centres, in image heights and image widths."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of all inputs that one group sees."""
    trial: FieldTrial | None = None
    """How ``auto`` was decided; written by the training."""


@dataclass(frozen=True)
class Group:
    """One winner-take-all: a tile of cells, the places it is read at, and how many neurons it has."""

    places: npt.NDArray[np.int32]
    """Inputs of the tile's rows at each place, as indices into the network's inputs. One place is a field (all inputs: the
    full field); a grid of places is a convolution, whose small tile is shared. Shape (n_places, n_rows)."""
    n_neurons: int
    at_random: int = 0
    """Places drawn at random in each window of learning; 0: all of them, in order."""
    min_active: int = 0
    """Active inputs below which a place is not read: no neuron fires there."""

    @classmethod
    def field(cls, inputs: npt.NDArray[np.integer], n_neurons: int) -> Group:
        """Make a group that is read at one place; its inputs rise."""
        return cls(np.asarray(inputs, np.int32)[None], n_neurons)

    @property
    def n_rows(self) -> int:
        """Rows of the tile."""
        return int(self.places.shape[1])

    @property
    def draws(self) -> int:
        """Winners drawn in each window of learning."""
        return self.at_random or len(self.places)

    @property
    def inputs(self) -> npt.NDArray[np.int32]:
        """Inputs of the tile's rows, shape (n_rows,); of the only place there is."""
        inputs: npt.NDArray[np.int32]
        (inputs,) = self.places
        return inputs


def check_geometry(image_shape: object, n_features: int) -> None:
    """Refuse an image shape that does not fit the features.

    Raises
    ------
    DataError
        When it is not (height, width) or (height, width, channels) with as many pixels as there are features.
    """
    if image_shape is None:
        return
    sides = image_shape if isinstance(image_shape, tuple | list) else ()
    whole = len(sides) in (2, 3) and all(isinstance(side, int | np.integer) and side > 0 for side in sides)
    if not whole or int(np.prod(sides)) != n_features:
        raise DataError(
            f"image_shape must be (height, width) or (height, width, channels) of {n_features:,} features",
            got=repr(image_shape), where="image_shape",
            do="Give a tuple such as (28, 28), or leave it out for features without geometry.",
        )  # fmt: skip


def place_groups(
    spec: FieldSpec, n_neurons: int, inputs: npt.NDArray[np.int64], image_shape: tuple[int, ...] | None
) -> list[Group]:
    """Lay the network's groups over the image.

    Parameters
    ----------
    spec : FieldSpec
        Kind, grid, pitch and share of the fields.
    n_neurons : int
        Neurons in all, shared out evenly (the first groups take the remainder).
    inputs : ndarray of int64, shape (n_inputs,)
        Feature index of each input.
    image_shape : tuple of int or None
        Height, width (and channels) behind the flattened features; None: no geometry, one full field.

    Raises
    ------
    SpecError
        When there are fewer neurons than groups, or the kind is not decided.
    """
    if spec.kind == "auto":
        raise SpecError(
            "full or local fields must be decided before a network is built", got='"auto", which a training decides',
            where="key fields.kind", do='Train it first, or set fields.kind = "full" or "local".',
        )  # fmt: skip
    if spec.kind == "full" or image_shape is None:
        return [Group.field(np.arange(len(inputs)), n_neurons)]
    down, across = spec.grid
    if n_neurons < down * across:
        raise SpecError(
            "every group needs at least one neuron",
            got=f"n_neurons = {n_neurons} for {down} x {across} groups", where="n_neurons",
            do=f'Use at least {down * across} neurons, a smaller fields.grid, or fields.kind = "full".',
        )  # fmt: skip
    height, width, *channels = image_shape
    row, column = np.divmod(inputs // int(np.prod(channels, dtype=int)), width)
    n_cells = max(1, round(spec.share * len(inputs)))
    groups = []
    for g in range(down * across):
        centre_row = (height - 1) / 2 + (g // across - (down - 1) / 2) * spec.pitch[0] * height
        centre_column = (width - 1) / 2 + (g % across - (across - 1) / 2) * spec.pitch[1] * width
        distance = (row - centre_row) ** 2 + (column - centre_column) ** 2
        nearest = np.sort(np.argsort(distance, kind="stable")[:n_cells]).astype(np.int32)
        groups.append(Group.field(nearest, n_neurons // (down * across) + (g < n_neurons % (down * across))))
    return groups
