"""Formats in which measured pulses come: each is recognised by what is in the file; where two fit, the user is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from synarray.errors import DataError, nearest
from synarray.lab.formats.crosssim import RAMPS, TABLES
from synarray.lab.formats.curves import N2D2, NEUROSIM, SIMBRAIN, STEPS, VALUES
from synarray.lab.formats.kinds import Format
from synarray.lab.formats.long import ARC, GENERIC, OWN
from synarray.lab.formats.mapping import Mapping, constant, parse_mapping, place, proposal
from synarray.lab.formats.tables import Table, open_table, table_of
from synarray.lab.formats.workbook import sheets
from synarray.lab.rows.measured import COLUMNS, Measurements

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
    _require_there(path)
    path, mapping = Path(path), parse_mapping(columns)
    if mapping and name is None:
        name = GENERIC.name
    chosen = None if name is None else format_named(name)
    if mapping and chosen not in (OWN, GENERIC, NEUROSIM):
        raise DataError(
            "columns can be mapped only where the format does not fix them", got=f"--columns with --format {name}",
            where=path.name, do="Leave one of them out.",
        )  # fmt: skip
    table = _table(path, chosen, mapping)
    if chosen is None:
        chosen = _recognised(path, table)
    return chosen.read(path, table, mapping)


def _require_there(path: Path | str) -> None:
    do = "Check the path and its rights."
    try:
        if not str(path):
            raise OSError(0, "an empty path")
        Path(path).stat()
    except (OSError, ValueError) as error:
        raise DataError(
            "a file of pulses must be readable", got=getattr(error, "strerror", None) or str(error), where=repr(str(path))
            if not str(path) else str(path), do=do,
        ) from None  # fmt: skip


def _table(path: Path, chosen: Format | None, mapping: Mapping) -> Table | None:
    """Open a file as a table of text, unless it is another thing: a folder, a sheet, a lookup table."""
    if chosen in (RAMPS, TABLES) or RAMPS.recognises(path, None) or TABLES.recognises(path, None):
        return None
    if path.is_dir():
        raise DataError(
            "a file of pulses must be a file, or for CrossSim the folder with set.csv and reset.csv, or with "
            "dG_increasing.txt and dG_decreasing.txt", got="another folder", where=str(path), do="Give the file in it.",
        )  # fmt: skip
    return _sheet(path, chosen, mapping) if path.suffix.lower() == ".xlsx" else open_table(path)


def _sheet(path: Path, chosen: Format | None, mapping: Mapping) -> Table:
    """Take the sheet of a workbook that can be read, and name those that were passed over."""
    found = sheets(path)
    tables = {title: table for title, rows in found.items() if (table := table_of(path, rows)) is not None}
    fits = [title for title, table in tables.items() if _can_be_read(path, table, chosen, mapping)]
    if not fits:
        said = [
            f"{title!r} with columns {', '.join(table.header) or 'without names'}" for title, table in tables.items()
        ]
        said += [f"{title!r} without rows of numbers" for title in found if title not in tables]
        first = next(iter(tables.values()), None)
        raise DataError(
            "a workbook must have a sheet of pulses: with the project's columns, or those of a known format",
            got="; ".join(said)[:300], where=path.name, do=(proposal(first.header) if first else "")
            or "Name its columns G_S and polarity, or map them with --columns G_S=NAME,polarity=NAME.",
        )  # fmt: skip
    table, others = tables[fits[0]], [title for title in found if title != fits[0]]
    if others:
        said_of = f"sheet {fits[0]!r} was read, and not " + ", ".join(map(repr, others))
        table = replace(table, repairs=(said_of, *table.repairs))
    return table


def _can_be_read(path: Path, table: Table, chosen: Format | None, mapping: Mapping) -> bool:
    if mapping:
        names = [wanted for own, wanted in mapping.items() if constant(own, wanted, table.header) is None]
        try:
            return all(place(wanted, table.header, table.width, path.name) >= 0 for wanted in names)
        except DataError:
            return False
    return chosen is not None or any(kind.recognises(path, table) for kind in FORMATS.values())


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
    header = table.header if table else ()
    own = set(COLUMNS) & {name.strip() for name in header}
    raise DataError(
        "the format of a file of pulses must be one of those known",
        got=(f"columns {', '.join(header)}" + (", without a conductance (G_S)" if own - {"G_S"} else "")) if header else
        "a table without names of columns" if table else "another", where=str(path),
        do=proposal(header) or "Map its columns with --columns G_S=NAME,polarity=NAME, or give --format: "
        + ", ".join(FORMATS) + ".",
    )  # fmt: skip
