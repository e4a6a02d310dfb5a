"""Formats in which measured pulses come: each is recognised by what is in the file; where two fit, the user is asked."""

from __future__ import annotations

from pathlib import Path

from synarray.device.formats.crosssim import RAMPS, TABLES
from synarray.device.formats.curves import N2D2, NEUROSIM, SIMBRAIN, STEPS, VALUES
from synarray.device.formats.kinds import Format
from synarray.device.formats.long import ARC, GENERIC, OWN, parse_mapping
from synarray.device.formats.tables import Table, open_table
from synarray.device.measured import Measurements
from synarray.errors import DataError, nearest

__all__ = ["FORMATS", "format_named", "read_measurements"]

FORMATS = {kind.name: kind for kind in (OWN, NEUROSIM, VALUES, STEPS, RAMPS, TABLES, ARC, GENERIC, SIMBRAIN, N2D2)}


def format_named(name: str) -> Format:
    """Return a format by its name.

    Raises
    ------
    DataError
        When there is none of that name.
    """
    if name not in FORMATS:
        raise DataError(
            "the format must be one that pulses come in", got=repr(name), where="--format", do=nearest(name, FORMATS)
        )
    return FORMATS[name]


def read_measurements(path: Path | str, name: str | None = None, columns: str | None = None) -> Measurements:
    """Read measured pulses.

    Parameters
    ----------
    path : Path or str
        The file, or for CrossSim the folder with its two.
    name : str, optional
        Format (see ``FORMATS``); none: recognised.
    columns : str, optional
        Mapping of columns, ``G_S=Conductance,polarity=Sign``, for tables with names of their own.

    Returns
    -------
    Measurements

    Raises
    ------
    DataError
        When the file cannot be read, no format or more than one fits, or what it holds cannot be used.
    """
    path, mapping = Path(path), parse_mapping(columns)
    _require_there(path)
    if mapping and name is None:
        name = GENERIC.name
    chosen = None if name is None else format_named(name)
    table = _table(path, chosen)
    if chosen is None:
        chosen = _recognised(path, table)
    return chosen.read(path, table, mapping)


def _require_there(path: Path) -> None:
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise DataError(
            "a file of pulses must be readable", got=getattr(error, "strerror", None) or str(error), where=str(path),
            do="Check the path and its rights.",
        ) from None  # fmt: skip


def _table(path: Path, chosen: Format | None) -> Table | None:
    """Open a file as a table of text, unless it is another thing: a folder, a sheet, a lookup table."""
    other = path.is_dir() or path.suffix.lower() == ".xlsx" or chosen in (RAMPS, TABLES)
    return None if other or RAMPS.recognises(path, None) or TABLES.recognises(path, None) else open_table(path)


def _recognised(path: Path, table: Table | None) -> Format:
    fits = [kind for kind in FORMATS.values() if kind.recognises(path, table)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        names = ", ".join(f"{kind.name} ({kind.title})" for kind in fits)
        raise DataError(
            "the format of a file of pulses must be clear", got=f"one that may be {names}", where=str(path),
            do=f"Say which with --format {fits[0].name} or --format {fits[1].name}.",
        )  # fmt: skip
    header = ", ".join(table.header) if table else ""
    raise DataError(
        "the format of a file of pulses must be one of those known", got=f"columns {header}" if header else "another",
        where=str(path), do="Map its columns with --columns G_S=NAME,polarity=NAME, or give --format: "
        + ", ".join(FORMATS) + ".",
    )  # fmt: skip
