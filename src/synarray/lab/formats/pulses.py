"""From a file to measured pulses: opened, understood, read; what is no pulse train is recognised."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from synarray.arguments import path_of, require
from synarray.errors import DataError
from synarray.lab.formats.crosssim import is_crosssim
from synarray.lab.formats.evidence import Column
from synarray.lab.formats.known import FORMATS, format_named
from synarray.lab.formats.layouts import read_plan, read_rows_of_trains
from synarray.lab.formats.mapping import parse_mapping
from synarray.lab.formats.plan import LAYOUTS, Plan, Wishes, plan_of
from synarray.lab.formats.records import rows_of_json
from synarray.lab.formats.refusal import command
from synarray.lab.formats.sheets import choose_sheets, read_sheets
from synarray.lab.formats.tables import first_lines, open_table, table_of
from synarray.lab.formats.train_rows import are_train_rows, columns_of, unit_of_rows
from synarray.lab.formats.workbook import ENDINGS, sheets
from synarray.lab.rows.measured import Measurements
from synarray.lab.text.marks import Marks
from synarray.lab.traces.retention import Aged

__all__ = ["Explained", "explain_file", "read_file", "read_pulses"]

_CHOICES = {"ltd": ("rising", "falling"), "only": ("ltp", "ltd"), "decimal": ("comma", "point")}
"""Options that take one of two words."""


@dataclass(frozen=True)
class Explained:
    """How a file would be read, before anything is fitted."""

    source: str
    """The file."""
    layout: str
    """In words."""
    columns: tuple[Column, ...]
    """What each column was taken for, and why."""
    said: tuple[str, ...] = field(default_factory=tuple)
    """What holds for all rows, what was decided and what is not used; or why the file is refused."""


def read_pulses(
    path: Path | str,
    format: str | None = None,
    columns: str | None = None,
    *,
    ltd: str | None = None,
    only: str | None = None,
    decimal: str | None = None,
) -> Measurements:
    r"""Read measured pulses from whatever file they are in: CSV, text or .xlsx, in most layouts without an option.

    Parameters
    ----------
    path : Path or str
        The file, or for CrossSim the folder with its two.
    format : str, optional
        Name of a format (see ``FORMATS``); none: recognised.
    columns : str, optional
        What columns mean, before what their names say: ``"G_S=Conductance in uS,polarity=Sign,read_V=0.1 V"``.
    ltd : {"rising", "falling"}, optional
        Whether LTD is listed from the lowest conductance up (NeuroSim's order) or in time; none: decided by the blocks' ends.
    only : {"ltp", "ltd"}, optional
        Read one branch alone.
    decimal : {"comma", "point"}, optional
        The decimal mark, where numbers such as "1,234" may have it or separate thousands; none: other numbers decide.

    Returns
    -------
    Measurements
        In SI; its text says what was read and how.

    Raises
    ------
    DataError
        When the file cannot be read, what it holds cannot be used, or it is no pulse train: then it says what it looks like.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "paper.csv"
    ...     _ = file.write_text("Pulse,Potentiation (uS),Depression (uS)\n1,3.4,34.7\n2,4.8,32.5\n3,6.3,30.9\n4,7.5,28.6\n")
    ...     pulses = read_pulses(file, only="ltp")
    >>> print(pulses.G_S.tolist(), pulses.polarity.tolist())
    [3.4e-06, 4.8e-06, 6.3e-06, 7.5e-06] [1, 1, 1, 1]
    """
    found = read_file(path, format, columns, ltd=ltd, only=only, decimal=decimal)
    if isinstance(found, Aged):
        what = (
            "a retention trace: reads over time, no pulses"
            if found.kind == "retention"
            else "an endurance loop: two states over cycles"
        )
        raise DataError(
            "a fit needs pulse trains", got=what, where=str(path),
            do=f"Its numbers go into a device's file: {command(str(path), '--into', 'my-device.toml')}",
        )  # fmt: skip
    return found


def read_file(
    path: Path | str,
    format: str | None = None,
    columns: str | None = None,
    *,
    ltd: str | None = None,
    only: str | None = None,
    decimal: str | None = None,
) -> Measurements | Aged:
    """Read a file of measured pulses, of retention or of endurance; see :func:`read_pulses`."""
    path, wishes, special = _asked(path, format, columns, {"ltd": ltd, "only": only, "decimal": decimal})
    if special:
        reader = FORMATS[special].read
        assert reader is not None
        return reader(path)
    found = _understood(path, wishes)
    if isinstance(found, list):
        measured = read_sheets(found)
    elif isinstance(found, Plan):
        measured = read_plan(found)
    else:
        measured = read_rows_of_trains(path, *found, wishes)
    return replace(measured, format=format) if isinstance(measured, Measurements) and format else measured


def explain_file(
    path: Path | str,
    format: str | None = None,
    columns: str | None = None,
    *,
    ltd: str | None = None,
    only: str | None = None,
    decimal: str | None = None,
) -> Explained:
    """Say how a file would be read: what each column means and why; nothing is fitted, and a refusal is part of the answer."""
    path, wishes, special = _asked(path, format, columns, {"ltd": ltd, "only": only, "decimal": decimal})
    if special:
        return Explained(path.name, FORMATS[special].title, ())
    found = _understood(path, wishes)
    try:
        measured = read_file(path, format, columns, ltd=ltd, only=only, decimal=decimal)
        said = measured.said if isinstance(measured, Aged) else (*measured.remarks, *measured.repairs)
    except DataError as error:
        said = (f"It would be refused: {error}",)
    if isinstance(found, tuple):
        return Explained(path.name, LAYOUTS["rows"], tuple(columns_of(found[0], found[3])), said)
    plans = found if isinstance(found, list) else [found]
    titles = ", ".join(repr(plan.table.title) for plan in plans if plan.table.title)
    layout = LAYOUTS[plans[0].layout] + (f"; sheet{'s' * (len(plans) > 1)} {titles}" if titles else "")
    return Explained(path.name, layout, plans[0].columns, said)


def _asked(
    path: Path | str, format: str | None, columns: str | None, choices: dict[str, str | None]
) -> tuple[Path, Wishes, str]:
    """Check what was asked for; return the path, the wishes, and the name of a format that has a reader of its own."""
    for option, value in choices.items():
        allowed = _CHOICES[option]
        if value is not None and value not in allowed:
            raise DataError(
                f"--{option} must be {' or '.join(allowed)}",
                got=repr(value),
                where=f"--{option}",
                do=f"Write --{option} {allowed[0]}.",
            )
    do = "Write for example format='wide', or columns='G_S=Conductance in uS'."
    for name, text in (("format", format), ("columns", columns)):
        require(text is None or isinstance(text, str), name, "text", text, do, DataError)
    path, mapping = path_of(path, "path", "a file of pulses", DataError), parse_mapping(columns)
    _require_there(path)
    chosen = None if format is None else format_named(format)
    special = chosen.name if chosen is not None and chosen.read is not None else ""
    if not special and chosen is None:
        special = next((f"crosssim-{kind}" for kind in ("ramps", "tables") if is_crosssim(kind, path)), "")
    if special and mapping:
        raise DataError(
            "columns can be mapped only where the format does not fix them", got=f"--columns with --format {special}",
            where=path.name, do="Leave one of them out.",
        )  # fmt: skip
    if not special and path.is_dir():
        raise DataError(
            "a file of pulses must be a file, or for CrossSim the folder with set.csv and reset.csv, or with "
            "dG_increasing.txt and dG_decreasing.txt", got="another folder", where=str(path), do="Give the file in it.",
        )  # fmt: skip
    layout = chosen.layout if chosen is not None and chosen.name != "columns" else None
    return path, Wishes(mapping, layout=layout, **choices), special


def _require_there(path: Path) -> None:
    try:
        path.stat()
    except (OSError, ValueError) as error:
        got = getattr(error, "strerror", None) or str(error)
        do = "Check the path and its rights."
        raise DataError("a file of pulses must be readable", got=got, where=str(path), do=do) from None


def _understood(path: Path, wishes: Wishes) -> Plan | list[Plan] | tuple[list[list[str]], str, str, Marks]:
    """Say how a file is laid out: a table, sheets of a workbook, or (its first lines) one train per row."""
    if path.suffix.lower() in ENDINGS:
        found = sheets(path)
        trains = [rows for rows in found.values() if _are_trains(rows, wishes)]
        return (trains[0], "", "", Marks()) if len(trains) == 1 else choose_sheets(path, found, wishes)
    rows = rows_of_json(path)
    if rows is not None and _are_trains(rows, wishes):
        return rows, "", "", Marks()
    if rows is not None and (table := table_of(path, rows, decimal=wishes.decimal)) is not None:
        return plan_of(replace(table, repairs=("the table was taken out of JSON", *table.repairs)), wishes, path.name)
    lines, encoding, separator, marks = first_lines(path, wishes.decimal)
    if wishes.layout == "rows" or _are_trains(lines, wishes, marks):
        return lines, encoding, separator, marks
    return plan_of(open_table(path, wishes.decimal), wishes, path.name)


def _are_trains(rows: list[list[str]], wishes: Wishes, marks: Marks | None = None) -> bool:
    """Whether rows are trains, unless the user says what columns mean, or which layout it is."""
    mapped = wishes.mapping and unit_of_rows(wishes.mapping) is None
    return wishes.layout is None and not mapped and are_train_rows(rows, marks or Marks())
