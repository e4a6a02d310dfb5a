"""What a file of parameters became: numbers asked for by their names there, and whatever was not asked for, to be said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError, SpecError
from synarray.lab.exchange.arithmetic import evaluate
from synarray.lab.exchange.sections import Section

__all__ = ["PULSES", "Imported", "Parameters", "finish", "name_from"]

PULSES = ("v_ltp", "t_ltp", "v_ltd", "t_ltd", "v_read", "t_read")
_LETTERS = str.maketrans(
    {"\u00b5": "u", "\u03bc": "u", "\u03a9": "Ohm", "\u2126": "Ohm", "\u00df": "ss", "\u00e6": "ae", "\u00f8": "o"}
)
"""Micro, mu, Omega, ohm, and letters that do not fall apart into a plain one and its accent."""
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Imported:
    """A device read from parameters, and what was not taken over."""

    spec: DeviceSpec
    format: str
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    section: str = ""
    """Which of the devices of the file it is."""


def name_from(path: Path) -> str:
    """Return a name for a device from that of a file: letters that no name may have are written out.

    Examples
    --------
    >>> name_from(Path("Probe 1 µS.csv"))
    'Probe-1-uS'
    """
    plain = unicodedata.normalize("NFKD", path.stem.translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:60] or "device"


class Parameters:
    """The numbers of one section by name, and which of them were asked for.

    Parameters
    ----------
    section : Section
    file : str
        Name of the file, for errors.
    given : mapping
        g_min and g_max, S, from the command line; they go before the file's.
    c : bool
        Whether values are C++.
    """

    def __init__(self, section: Section, file: str, given: Mapping[str, float], *, c: bool = False) -> None:
        self.section, self.file, self.given, self.c = section, file, given, c
        self.used, self.notes, self._known = set[str](), list[str](), dict[str, float]()
        if section.twice:
            self.notes.append(f"the last value counts of what the file gives twice: {', '.join(section.twice)}")

    def where(self, key: str) -> str:
        """Say where a value is."""
        return ", ".join(part for part in (self.file, self.section.name, f"key {key}") if part)

    def has(self, *names: str) -> bool:
        """Whether one of the names is given."""
        return any(name in self.section.values for name in names)

    def get(self, *names: str, default: float | None = None) -> float:
        """Return the number behind the first of the names that is given."""
        for name in names:
            if name in self.section.values:
                self.used.add(name)
                try:
                    return self.number(self.section.values[name])
                except ValueError as error:
                    raise DataError(
                        f"{name} must be a number, or + - * / of numbers",
                        got=f"{_shown(self.section.values[name])}, {error}", where=self.where(name),
                        do=f"Write {name} as a number.",
                    ) from None  # fmt: skip
        if default is None:
            raise DataError(
                "the parameters must be whole", got=f"no {names[0]}", where=self.where(names[0]),
                do=f"Add {names[0]} to the file.",
            )  # fmt: skip
        return default

    def number(self, text: str, depth: int = 0) -> float:
        """Compute a value; it may use other names of the section."""

        def named(name: str) -> float:
            if name not in self.section.values or depth >= 5:
                raise ValueError(f"where {name} is no number")
            if name not in self._known:  # an expression of a hundred names, each of such an expression, would never end
                self._known[name] = self.number(self.section.values[name], depth + 1)
            return self._known[name]

        return evaluate(text, named, c=self.c)

    def text(self, name: str) -> str:
        """Return a value as it is written."""
        return self.section.values.get(name, "")

    def flag(self, name: str) -> bool | None:
        """Whether a switch is on; None where it is not given."""
        found = _TRUTH.get(self.text(name).lower())
        if found is not None:
            self.used.add(name)
        return found

    def left_out(self) -> tuple[str, ...]:
        """Return the numbers but 0, and the switches that are on, that were not used."""
        left = []
        for key, text in self.section.values.items():
            if key in self.used:
                continue
            if _TRUTH.get(text.lower()):
                left.append(f"{key} = true")
                continue
            number, percent = text.removesuffix("%"), "%" if text.endswith("%") else ""
            try:
                value = evaluate(number, _nameless, c=self.c)
            except ValueError:
                continue
            left += [f"{key} = {value:g}{percent}"] if value else []
        return tuple(left)


def _nameless(name: str) -> float:
    raise ValueError(name)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def finish(
    read: Parameters, kind: str, values: dict[str, Any], theirs: Mapping[str, str], unsure: Mapping[str, str]
) -> Imported:
    """Validate; every number gets the file as its source.

    Parameters
    ----------
    read : Parameters
    kind : str
        Name of the format.
    values : dict
        Fields of the device.
    theirs : mapping
        What the file calls them.
    unsure : mapping
        Why a value is not the file's.

    Raises
    ------
    SpecError
        When the numbers make no device.
    """
    title = f"{', '.join(part for part in (read.file, read.section.name) if part)} ({kind})"
    sources: dict[str, Any] = {
        key: {"source": unsure[key], "confirmed": False} if key in unsure
        else {"source": "given with the command" if key in read.given else title}
        for key in values if key not in ("law", "name")
    }  # fmt: skip
    name = name_from(Path(read.file))
    try:
        spec = DeviceSpec(name=name, title=f"Imported from {title}", sources=sources, **values)
    except SpecError as error:
        key = error.rule.partition(" ")[0].partition(".")[0]
        if key not in values:
            raise
        known = theirs.get(key, key)
        where = f"--{key.replace('_', '-')}" if key in read.given else read.where(known)
        if key in read.given or not read.has(known):
            came = f"{values[key]:g}" if isinstance(values[key], float) else "none such"
        else:
            came = f"{known} = {read.text(known)}"
        raise SpecError(error.rule, got=came, where=where, do=f"Correct {known}.") from None
    return Imported(spec, kind, read.left_out(), tuple(read.notes), read.section.name)
