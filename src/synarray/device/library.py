"""Published devices: TOML files that travel with the package, every number in them beside its source.

load_device("subquantum-cbram")                        one of the library
load_device("my-cell.toml")                            a file
device = { base = "pcm", sigma_c2c = 0.05 }            in an experiment: one of these, and what to change in it
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError, nearest
from synarray.files import parse_toml, read_text

__all__ = ["Device", "device_names", "load_device", "resolve"]

_WORDS = ("name", "title", "technology", "note", "law", "gated", "base", "sources")


def device_names() -> list[str]:
    """Names of the devices that travel with the package."""
    folder = resources.files("synarray.device") / "library"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


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
            "a device must be one of the library, or say its law", got=f"a table of {', '.join(value) or 'nothing'}",
            where="device", do='Add base = "subquantum-cbram" or another name of "synarray devices list".',
        )  # fmt: skip
    return value


Device = Annotated[DeviceSpec | None, BeforeValidator(resolve)]
"""A device in another spec: given by name, by path, as a table, or none."""


def _read(source: str) -> dict[str, Any]:
    packaged = source in device_names()
    try:
        if packaged:
            text = (resources.files("synarray.device") / "library" / f"{source}.toml").read_text("utf-8")
        elif source.endswith(".toml"):
            text = read_text(Path(source))
        else:
            raise SpecError(
                "a device must be one of the library or the path of a .toml file", got=repr(source), where="device",
                do=nearest(source.lower(), device_names()),
            )  # fmt: skip
        values = parse_toml(text)
    except (OSError, RecursionError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SpecError(
            "a device file must be readable TOML", got=what, where=source, do="Correct the file, or give another."
        ) from None
    if packaged:
        _require_sources(values, source)
    return values


def _require_sources(values: dict[str, Any], where: str) -> None:
    """Refuse a file of the library with a number that says nothing of where it comes from."""
    for key, value in values.items():
        if key not in _WORDS and not (isinstance(value, dict) and value.get("source")):
            raise SpecError(
                "each number of the library must stand beside its source", got=f"{key} = {value!r} without one",
                where=f"{where}, key {key}", do=f'Write {key} = {{ value = ..., source = "..." }}.',
            )  # fmt: skip
