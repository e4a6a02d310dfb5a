"""Layers: what each one reads of the map below it, and the map that its winners make for the layer above.

    full           one group that sees the whole map below
    local          at each place of a grid a group with a tile of its own, that sees ``kernel`` x ``kernel`` cells of the map
    convolution    one small tile of ``kernel`` x ``kernel`` cells, read at every place of the grid

A map is a grid of cells, each with channels: the image with the channels of its encoding, then the winners of a layer, pooled: a
channel of a cell is active when its neuron won at any of ``pool`` x ``pool`` places (OR). Layers learn one after the other from
the bottom; those below are frozen by then.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_serializer, model_validator

from synarray.array.geometry import ArraySpec
from synarray.array.synapse import SynapseSpec
from synarray.device.cell import CellSpec
from synarray.device.library import Device
from synarray.errors import SpecError
from synarray.network.neuron import NeuronSpec
from synarray.network.pruning import PruningSpec
from synarray.network.stdp import StdpSpec
from synarray.network.topology import Group
from synarray.spec import Spec

__all__ = ["MOST_INPUTS", "TEACHERS", "LayerSpec", "Map", "groups_of", "map_of"]

TEACHERS = {
    "name": "labels name neurons",
    "compete": "taught: class groups compete",
    "contrast": "taught: contrastive",
}
"""What labels do, and how a result that rests on it is called."""
MOST_INPUTS = 1 << 27
"""Most rows of a layer's tiles, counted at each of their places."""
_Side = Annotated[int, Field(ge=1, le=1024)]


class LayerSpec(Spec):
    """One layer; ``stdp``, ``neuron``, ``device`` and so on say only what differs from the experiment's own."""

    kind: Literal["full", "local", "convolution"] = "full"
    n_neurons: Annotated[int, Field(ge=1, le=60_000)] = 500
    """Neurons of all groups; columns of the shared tile of a convolution."""
    kernel: _Side = 5
    """Cells of the map below that a place sees, down and across (local, convolution)."""
    stride: _Side = 1
    """Cells of the map below between places."""
    pool: _Side = 1
    """Places down and across of which one cell of this layer's map is made (OR); those at the edges may be fewer."""
    places: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Places drawn at random in each window of learning (convolution); 0: all of them."""
    min_active: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Active inputs below which a place stays silent (convolution)."""
    windows: Annotated[int, Field(ge=1, le=100)] | None = None
    """Windows that each image is shown while this layer learns; none: those of ``encoding.t_present``."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    images: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """Most images of an epoch, drawn at random; none: all training images."""
    learn: bool = True
    """False: its weights stay as they begin, at random (a control)."""
    teacher: Literal["name", "compete", "contrast"] = "name"
    """What labels do to the last layer: name its neurons, choose those that compete, or correct its mistakes."""
    calibration: Annotated[float, Field(ge=0, le=100)] = 0.05
    """Threshold step of the calibration after class groups have competed, in units of weight; it decays."""
    stdp: StdpSpec | None = None
    neuron: NeuronSpec | None = None
    cell: CellSpec | None = None
    device: Device = None
    synapse: SynapseSpec | None = None
    array: ArraySpec | None = None
    pruning: PruningSpec | None = None

    @model_validator(mode="after")
    def _apply(self) -> Self:
        for key, kinds in (
            ("places", ("convolution",)),
            ("min_active", ("convolution",)),
            ("pool", ("local", "convolution")),
        ):
            if getattr(self, key) != type(self).model_fields[key].default and self.kind not in kinds:
                raise ValueError(f"{key} acts in a layer of kind {' or '.join(kinds)} only, not in a {self.kind} one")
        return self

    @model_serializer
    def _given(self) -> dict[str, Any]:
        """Write only what was given: the rest is the experiment's."""
        given: dict[str, Any] = {}
        for name in sorted(self.model_fields_set, key=list(type(self).model_fields).index):
            value = getattr(self, name)
            if value is not None:
                given[name] = value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Spec) else value
        return given

    def over(self, base: dict[str, Any]) -> dict[str, Any]:
        """Lay what was given over the experiment's own values, key by key within its tables."""
        laid = dict(base)
        for name in self.model_fields_set & base.keys():
            value, below = getattr(self, name), base[name]
            if value is None:
                continue
            if isinstance(value, Spec) and type(value) is type(below) and name != "device":
                value = type(value)(**{**dict(below), **{key: getattr(value, key) for key in value.model_fields_set}})
            laid[name] = value
        return laid


class Map(NamedTuple):
    """A grid of cells with channels; input i of a layer is channel i % channels of cell i // channels, row by row."""

    height: int
    width: int
    channels: int

    @property
    def size(self) -> int:
        """Inputs that it is."""
        return self.height * self.width * self.channels

    def __str__(self) -> str:
        """Height x width x channels."""
        return f"{self.height} x {self.width} x {self.channels}"


def groups_of(layer: LayerSpec, below: Map, where: str) -> list[Group]:
    """Lay a layer's groups over the map below it; ``where`` names the layer in errors.

    Raises
    ------
    SpecError
        When the kernel is larger than the map, or neurons cannot be shared out evenly.

    Examples
    --------
    >>> [group] = groups_of(LayerSpec(kind="convolution", n_neurons=8, kernel=3), Map(5, 4, 2), "layer 1")
    >>> group.places.shape
    (6, 18)
    """
    if layer.kind == "full":
        return [Group.field(np.arange(below.size), layer.n_neurons)]
    if layer.kernel > min(below.height, below.width):
        raise SpecError(
            "a kernel must fit into the map it reads", where=where, got=f"{layer.kernel} x {layer.kernel}, on a map of {below}",
            do=f"Use a kernel of at most {min(below.height, below.width)}, less pooling below, or kind = \"full\".",
        )  # fmt: skip
    across, side = np.arange(layer.kernel), below.width * below.channels
    field = (across[:, None] * side + np.arange(layer.kernel * below.channels)).ravel()
    corners = [
        y * side + x * below.channels
        for y in range(0, below.height - layer.kernel + 1, layer.stride)
        for x in range(0, below.width - layer.kernel + 1, layer.stride)
    ]
    if len(corners) * field.size > MOST_INPUTS:
        raise SpecError(
            "a layer's places must fit into memory", where=where, got=f"{len(corners):,} places of {field.size:,} inputs",
            do="Use a smaller kernel, or a larger stride.",
        )  # fmt: skip
    places = (np.array(corners)[:, None] + field).astype(np.int32)
    if layer.kind == "convolution":
        if layer.places > len(places):
            raise SpecError(
                "places drawn at random must not exceed those there are", where=where, got=f"{layer.places} of {len(places)}",
                do="Leave places out to learn at all of them.",
            )  # fmt: skip
        if layer.min_active > field.size:
            raise SpecError(
                "a place that is read must have as many inputs as have to be active there", where=where,
                got=f"min_active = {layer.min_active}, and {field.size} inputs", do=f"Use at most {field.size}.",
            )  # fmt: skip
        return [Group(places, layer.n_neurons, layer.places, layer.min_active)]
    if layer.n_neurons % len(places):
        raise SpecError(
            "the neurons of local groups must be shared out evenly", where=where,
            got=f"{layer.n_neurons} for {len(places)} groups: {layer.kernel} x {layer.kernel} kernels at stride {layer.stride} "
            f"on a map of {below}",
            do=f"Use {-(-layer.n_neurons // len(places)) * len(places)} neurons.",
        )  # fmt: skip
    return [Group.field(place, layer.n_neurons // len(places)) for place in places]


def map_of(layer: LayerSpec, below: Map, where: str) -> tuple[Map, npt.NDArray[np.int64]]:
    """Return the map that a layer's winners make, and the cell of it that each place belongs to.

    Raises
    ------
    SpecError
        When the pool is larger than the grid of places.
    """
    if layer.kind == "full":
        return Map(1, 1, layer.n_neurons), np.zeros(1, np.int64)
    down, across = ((side - layer.kernel) // layer.stride + 1 for side in below[:2])
    if layer.pool > min(down, across):
        raise SpecError(
            "a pool must not be larger than the grid of places it pools", where=where,
            got=f"{layer.pool} x {layer.pool}, on {down} x {across} places", do=f"Use a pool of at most {min(down, across)}.",
        )  # fmt: skip
    height, width = -(-down // layer.pool), -(-across // layer.pool)
    y, x = np.divmod(np.arange(down * across), across)
    channels = layer.n_neurons if layer.kind == "convolution" else layer.n_neurons // (down * across)
    return Map(height, width, channels), (y // layer.pool * width + x // layer.pool).astype(np.int64)
