"""Devices as other simulators write them down: NeuroSim's Cell.cpp, aihwkit's presets, N2D2's INI. Read, never executed.

A file is cut into the devices that are in it (``sections.py``), one is chosen, and its numbers are asked for by their names.
What a file says and a device of ours has no place for is listed, not dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from synarray.errors import DataError, nearest
from synarray.files import read_text
from synarray.lab.exchange.aihwkit import from_aihwkit, to_aihwkit
from synarray.lab.exchange.imported import Imported, Parameters
from synarray.lab.exchange.n2d2 import from_n2d2, without_spreads
from synarray.lab.exchange.neurosim import DEFAULT_SECTION, from_neurosim, to_neurosim
from synarray.lab.exchange.sections import (
    Section,
    c_sections,
    ini_sections,
    json_sections,
    names_in,
    plain_section,
    python_sections,
)

__all__ = ["PARAMETERS", "Imported", "read_parameters", "to_aihwkit", "to_neurosim"]


class _Simulator(NamedTuple):
    marks: frozenset[str]
    """Names that tell its files."""
    mark: str
    """The name that every device of its files has."""
    cut: Callable[[str], list[Section]]
    make: Callable[[Parameters], Imported]
    default: str = ""
    """The device that is taken where a file has several; none: the user is asked."""


def _ini(text: str) -> list[Section]:
    return [without_spreads(section) for section in ini_sections(text)]


PARAMETERS = {
    "neurosim": _Simulator(
        frozenset({"maxConductance", "NL_LTP", "maxNumLevelLTP"}), "maxConductance", c_sections, from_neurosim,
        DEFAULT_SECTION,
    ),
    "aihwkit": _Simulator(
        frozenset({"dw_min"}), "dw_min", lambda text: python_sections(text, "dw_min"), from_aihwkit
    ),
    "n2d2": _Simulator(
        frozenset({"WeightIncrement", "WeightsMinMean", "WeightsMaxMean"}), "WeightIncrement", _ini, from_n2d2
    ),
}  # fmt: skip


def read_parameters(
    path: Path,
    name: str | None = None,
    g_min: float | None = None,
    g_max: float | None = None,
    section: str | None = None,
) -> Imported:
    """Read the parameters of another simulator.

    Parameters
    ----------
    path : Path
    name : str, optional
        aihwkit, neurosim or n2d2; none: recognised.
    g_min, g_max : float, optional
        Range in S, for files that have weights only; they go before the file's own.
    section : str, optional
        Which of several devices in the file: constructor, class, or header; none: the only one, or NeuroSim's RealDevice.

    Raises
    ------
    DataError
        When the file cannot be read, no format fits, several devices are in it, or a number that is needed is missing.
    SpecError
        When the numbers make no device.
    """
    if name is not None and name not in PARAMETERS:
        raise DataError(
            "the format must be one of parameters", got=repr(name), where="--format", do=nearest(name, PARAMETERS)
        )
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise DataError(
            "a file of parameters must be readable text", got=getattr(error, "strerror", None) or str(error), where=str(path),
            do="Check the path and its rights.",
        ) from None  # fmt: skip
    name = name or _recognised(text, path)
    simulator = PARAMETERS[name]
    given = {key: value for key, value in (("g_min", g_min), ("g_max", g_max)) if value is not None}
    chosen, note = _chosen(text, simulator, section, path)
    read = Parameters(chosen, path.name, given, c=name == "neurosim")
    read.notes[:0] = [note] if note else []
    return simulator.make(read)


def _recognised(text: str, path: Path) -> str:
    names = names_in(text)
    fits = [key for key, simulator in PARAMETERS.items() if simulator.marks & names]
    if len(fits) != 1:
        raise DataError(
            "a file of parameters must be aihwkit's, NeuroSim's or N2D2's",
            got=f"one that may be {' or '.join(fits)}" if fits else f"{len(names)} names, none of them known",
            where=str(path), do="Give --format aihwkit, neurosim or n2d2.",
        )  # fmt: skip
    return fits[0]


def _chosen(text: str, simulator: _Simulator, asked: str | None, path: Path) -> tuple[Section, str]:
    """Return the device that was asked for, the only one, or the usual one; and what is to be said of the others."""
    found = json_sections(text, set(simulator.marks)) or simulator.cut(text)
    able = [section for section in found if simulator.mark in section.values]
    names = [section.name for section in able]
    if asked is not None:
        match = [section for section in found if section.name == asked]
        if not match:
            raise DataError(
                "the section must be one of the file's", got=repr(asked), where=f"{path.name}, --section",
                do=nearest(asked, names) if any(names) else "Leave --section out: the file has one device without a name.",
            )  # fmt: skip
        return match[-1], ""
    if not able:
        return (found[0] if len(found) == 1 else plain_section(text)), ""
    if len(able) == 1:
        return able[0], ""
    if simulator.default in names:
        others = ", ".join(name for name in names if name != simulator.default)
        taken = next(section for section in able if section.name == simulator.default)
        return taken, f"{simulator.default} was taken; --section chooses another of the file: {others}"
    listed = ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
    raise DataError(
        "one device of the file must be chosen", got=f"{len(names)}: {listed}", where=path.name,
        do=f"Give --section {names[0]}.",
    )  # fmt: skip
