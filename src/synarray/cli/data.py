"""``synarray data series | events | saccades``: other data, made into arrays [n, height, width, channels]."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import Json, file_option
from synarray.errors import DataError

if TYPE_CHECKING:
    from synarray.task.datasets import Dataset

__all__ = ["data"]

data = typer.Typer(
    help="Make data to train on: time series, event streams, and events from images.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Bins = Annotated[int, typer.Option(min=1, max=1000, help="Time bins.")]
Output = Annotated[Path, file_option("The .npz to write; train with --set data=FILE.")]


@data.command()
def series(
    source: Annotated[
        str, typer.Argument(help="NAME_TRAIN.ts beside NAME_TEST.ts, or aeon:NAME where aeon is installed.")
    ],
    out: Output,
    encoding: Annotated[
        str, typer.Option(help="delta: upward and downward events; rate: values, and 1 - values.")
    ] = "delta",
    bins: Bins = 16,
    threshold: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Change that makes an event, as a share of the channel's range.")
    ] = 0.1,
    lengths: Annotated[
        str, typer.Option(help="Series of unequal length: refuse, stretch (over all bins), or pad (silence after).")
    ] = "refuse",
    as_json: Json = False,
) -> None:
    """Make images of time series: [series, time bin, 2 x channel]."""
    from synarray.task.series import load_series

    if lengths not in ("refuse", "stretch", "pad"):
        raise DataError(
            "lengths must be refuse, stretch or pad", got=repr(lengths), where="--lengths", do="Use one of them."
        )
    made = load_series(source, encoding, bins, threshold, lengths)  # type: ignore[arg-type]
    _write(
        made,
        out,
        as_json,
        source=source,
        encoding=encoding,
        bins=bins,
        threshold=threshold,
        lengths=lengths,
        synthetic=False,
    )


@data.command()
def events(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder with Train/CLASS and Test/CLASS of recordings: .bin (N-MNIST), .aedat, .npy, .npz."
        ),
    ],
    out: Output,
    bins: Bins = 3,
    sensor: Annotated[
        str | None,
        typer.Option(help="Height x width of the sensor, e.g. 34x34; default: as far as training events reach."),
    ] = None,
    shrink: Annotated[int, typer.Option(min=1, max=256, help="Pixels along each side that are counted as one.")] = 1,
    most: Annotated[int | None, typer.Option(min=1, help="At most so many recordings of each class and part.")] = None,
    as_json: Json = False,
) -> None:
    """Bin event streams: [recording, row, column, 2 x time bin], brighter and darker apart."""
    from synarray.task.event_streams import load_events

    made = load_events(folder, bins, None if sensor is None else _size(sensor), shrink, most)
    _write(made, out, as_json, source=str(folder), bins=bins, sensor=sensor, shrink=shrink, synthetic=False)


@data.command()
def saccades(
    out: Output,
    source: Annotated[str, typer.Argument(help="Gray images: mnist, fashion-mnist, or a path.")] = "mnist",
    bins: Bins = 3,
    images: Annotated[int | None, typer.Option(min=1, help="At most so many of training and of the test.")] = None,
    as_json: Json = False,
) -> None:
    """Make synthetic events from images that move in three saccades: [image, row, column, 2 x time bin]."""
    from synarray.task.datasets import load_dataset
    from synarray.task.saccades import make_saccades

    made = make_saccades(load_dataset(source), bins, images)
    _write(made, out, as_json, source=source, bins=bins, images=images, synthetic=True)


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.strip().isdigit() and 0 < int(side) <= 4096 for side in sides):
        raise DataError(
            "a sensor must be height x width", got=repr(text), where="--sensor", do="Write for example 34x34."
        )
    return int(sides[0]), int(sides[1])


def _write(made: Dataset, path: Path, as_json: bool, **provenance: Any) -> None:
    """Write the arrays and where they are from, whole or not at all."""
    import numpy as np

    from synarray.files import write_file, writing
    from synarray.report.terminal import standard_output

    said: dict[str, Any] = {"made_by": "synarray data", **provenance}
    if path.suffix.lower() != ".npz":
        raise DataError("data are written as .npz", got=str(path), where="--output", do=f"Write to {path.name}.npz.")
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, x_train=made.x_train, y_train=made.y_train, x_test=made.x_test, y_test=made.y_test,
        provenance=np.array(json.dumps(said)),
    )  # fmt: skip
    with writing("the folder of the data must be writable", path, "Free some space, or give another with -o."):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, buffer.getvalue())
    summary = {
        "file": str(path), "name": made.name, "shape": list(made.x_train.shape[1:]), "train": len(made.x_train),
        "test": len(made.x_test), "classes": made.n_classes, "provenance": said,
    }  # fmt: skip
    if as_json:
        print(json.dumps(summary))
        return
    synthetic = " (synthetic events)" if said["synthetic"] else ""
    standard_output().lines(f"{path}: {made!r}{synthetic}", f"To train: synarray train full-field --set data={path}")
