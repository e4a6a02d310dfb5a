"""Files of TOML that travel with the package and are known by name, and a user's own ones of the same kind, by path."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from synarray.errors import SpecError, nearest
from synarray.files import parse_toml, read_text

__all__ = ["Packaged"]


@dataclass(frozen=True)
class Packaged:
    """The files of one kind."""

    room: str
    """Room of the package that they are in."""
    folder: str
    """Their folder there."""
    what: str
    """What each is, with its article: "an experiment"."""
    also: str = ""
    """What else may be named, such as " or the folder of a study"."""
    example: str = ""
    """What an empty file could set; none: it may be empty."""

    @property
    def _packaged(self) -> Traversable:
        return resources.files(f"synarray.{self.room}") / self.folder

    def names(self) -> list[str]:
        """Return the names of those that are part of the package."""
        return sorted(
            entry.name.removesuffix(".toml") for entry in self._packaged.iterdir() if entry.name.endswith(".toml")
        )

    def read(self, source: str, asked: str = "") -> dict[str, Any]:
        """Read what a file says; ``asked`` is where it was named, else it is named by itself.

        Raises
        ------
        SpecError
            When there is none, or it cannot be read, is no TOML, or says nothing.
        """
        path, where = Path(source), asked or source
        if source in self.names() and not path.is_file():
            return tomllib.loads((self._packaged / f"{source}.toml").read_text("utf-8"))
        try:
            if "\0" in source or not source:
                raise FileNotFoundError
            values = parse_toml(read_text(path))
        except FileNotFoundError:
            raise self.unknown(source, asked) from None
        except OSError as error:
            rule, do = f"{self.what} file must be readable", "Check the path and its rights."
            raise SpecError(rule, got=str(error.strerror), where=where, do=do) from None
        except UnicodeDecodeError:
            rule, got = f"{self.what} file must be text in UTF-8", "bytes that are not"
            raise SpecError(rule, got=got, where=where, do="Save it as UTF-8.") from None
        except (ValueError, RecursionError) as error:
            rule, got = f"{self.what} file must be TOML", str(error)
            raise SpecError(rule, got=got, where=where, do="Correct that line.") from None
        if not values and self.example:
            rule, do = f"{self.what} file must set at least one key", f"Write for example: {self.example}"
            raise SpecError(rule, got="none", where=where, do=do)
        return values

    def unknown(self, source: str, asked: str = "") -> SpecError:
        """Return the refusal of what is neither a known name nor a file."""
        return SpecError(
            f"{self.what} must be a TOML file{',' if self.also else ' or'} a known name{self.also}",
            got=f'"{source}"',
            where=asked or self.what.split()[-1],
            do=nearest(source.lower(), self.names()),
        )
