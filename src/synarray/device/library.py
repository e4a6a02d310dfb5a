"""Published devices: TOML files that travel with the package, every number in them with its source.

load_device("subquantum-cbram")                        one of the library
load_device("my-cell.toml")                            a file
device = { base = "pcm", sigma_c2c = 0.05 }            in an experiment: one of these, and what to change in it

A file that ``device fit`` wrote also has a table ``posterior``, which is no part of the device (see ``posterior.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.files import Packaged

__all__ = ["Device", "device_names", "load_device", "read_tables", "resolve"]

_DEVICES = Packaged("device", "library", "a device")
_WORDS = ("name", "title", "technology", "note", "law", "gated", "base", "sources")
_MOST_DRAWS = 1000
_COLUMN = TypeAdapter(list[float])
_RESPONSES = TypeAdapter(list[Annotated[list[list[float]], Field(min_length=3, max_length=3)]])  # x, ltp and ltd


def device_names() -> list[str]:
    """Names of the devices that are part of the package.

    Examples
    --------
    >>> "pcm" in device_names()
    True
    """
    return _DEVICES.names()


def load_device(source: str | Path) -> DeviceSpec:
    """Read a device.

    Parameters
    ----------
    source : str or Path
        A name (see :func:`device_names`) or the path of a TOML file.

    Returns
    -------
    DeviceSpec

    Raises
    ------
    SpecError
        When there is no such device, the file is no TOML, a value is not allowed, or a number of the library has no source.

    Examples
    --------
    >>> load_device("subquantum-cbram").technology
    'CBRAM'
    """
    return DeviceSpec.read(_read(str(source)), str(source))


def resolve(value: Any) -> Any:
    """Turn a device's name, or a table with a ``base``, into the table of all its values."""
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, dict) and "base" in value:
        changes = {key: part for key, part in value.items() if key != "base"}
        base = resolve(value["base"])
        if not isinstance(base, dict) or not isinstance(changes.get("sources", {}), dict):
            raise ValueError("base must be the name of a device or the path of its file, and sources a table")
        sources = {key: source for key, source in base.get("sources", {}).items() if key not in changes}
        return {**base, **changes, "sources": {**sources, **changes.get("sources", {})}}
    if isinstance(value, dict) and "law" not in value:
        raise SpecError(
            "a device must be one of the library, or say its law",
            got=f"a table of {', '.join(value) or 'nothing'}",
            where="device",
            do='Add base = "subquantum-cbram" or another name of "synarray devices list".',
        )
    return value


Device = Annotated[DeviceSpec | None, BeforeValidator(resolve)]
"""A device in another spec: given by name, by path, as a table, or none."""


def _read(source: str) -> dict[str, Any]:
    """Read a device without its draws."""
    return read_tables(source)[0]


def read_tables(source: str) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Read a device's file: what it says of the device, and the columns of its posterior (none: no draws).

    Raises
    ------
    SpecError
        As :func:`load_device`; and when the columns are no columns, or differ in length.
    """
    packaged = source in device_names()
    if not packaged and not source.endswith(".toml"):
        raise _DEVICES.unknown(source)
    values = _DEVICES.read(source, source)
    posterior = _columns(values.pop("posterior"), source) if "posterior" in values else {}
    if packaged:
        _require_sources(values, source)
    return values, posterior


def _columns(table: Any, where: str) -> dict[str, list[Any]]:
    """Check that a posterior is a table of numbers of a device, each a list of as many draws as the others have."""
    where, do = f"{where}, table posterior", "Run synarray device fit again, or remove the table."
    if not isinstance(table, dict) or not table:
        raise SpecError("posterior must be a table of lists", got=f"{table!r}"[:80], where=where, do=do)
    unknown = sorted(set(table) - (set(DeviceSpec.model_fields) - {*_WORDS}))
    if unknown:
        raise SpecError("each list of the posterior must have the name of a number", got=unknown[0], where=where, do=do)
    for key, column in table.items():
        try:
            (_RESPONSES if key == "response" else _COLUMN).validate_python(column, strict=True)
        except ValidationError:
            rule = f"{key} must be a list of bare numbers in SI"
            raise SpecError(rule, got=f"{column!r}"[:80], where=where, do=do) from None
    lengths = sorted({len(column) for column in table.values()})
    if len(lengths) > 1 or not 1 <= lengths[0] <= _MOST_DRAWS:
        raise SpecError(
            f"the lists of the posterior must be equally long, of 1 to {_MOST_DRAWS:,} draws",
            got=f"lengths {', '.join(map(str, lengths))}",
            where=where,
            do=do,
        )
    return table


def _require_sources(values: dict[str, Any], where: str) -> None:
    """Refuse a file of the library with a number that says nothing of where it comes from."""
    for key, value in values.items():
        if key not in _WORDS and not (isinstance(value, dict) and value.get("source")):
            raise SpecError(
                "each number of the library must have a source",
                got=f"{key} = {value!r} without one",
                where=f"{where}, key {key}",
                do=f'Write {key} = {{ value = ..., source = "..." }}.',
            )
