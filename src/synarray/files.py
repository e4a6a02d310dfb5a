"""Files and folders, on any system: read with care, written whole, locked by one process; files known by name.

Only ordinary files are opened, and none is read without a limit: a pipe, a terminal or a device of the system, or a link to
one, could be read forever. What is written replaces the old file at once; a reader sees the old content or all of the new.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from synarray.errors import RunError, SpecError, SynarrayError, nearest

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = [
    "LARGEST_TEXT",
    "LOCK",
    "TOO_DEEP",
    "Packaged",
    "is_there",
    "lock_folder",
    "open_ordinary",
    "parse_toml",
    "read_text",
    "replace_file",
    "sync",
    "unlock_folder",
    "user_cache",
    "write_file",
    "write_whole",
    "writing",
]

LARGEST_TEXT = 1 << 20
"""Bytes of an experiment, a device or the words of a run."""
_DEEPEST = 1000
"""Parts of a dotted key; the time to parse one grows with their square."""
TOO_DEEP = "tables or lists nested too deep"
"""What a file holds that no parser follows to its end."""
LOCK = ".lock"
"""Name of the file in a folder that the process at work there holds locked."""
_READ_ONLY = os.O_RDONLY
for _flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):  # each system has its own
    _READ_ONLY |= getattr(os, _flag, 0)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'")


def open_ordinary(path: Path) -> BinaryIO:
    """Open a file for reading, and never wait for it.

    Raises
    ------
    OSError
        When it cannot be opened, or is no ordinary file.
    ValueError
        When no file can have this name.
    """
    descriptor = os.open(path, _READ_ONLY)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(mode) else stat.filemode(mode)
        raise OSError(errno.EINVAL, f"no ordinary file: {what}", str(path))
    return os.fdopen(descriptor, "rb")


def read_text(path: Path) -> str:
    """Read a small file of text in UTF-8, with or without a byte-order mark.

    Raises
    ------
    OSError
        When it cannot be read, is no ordinary file, or is larger than 1 MB.
    ValueError
        When it is no UTF-8 (as UnicodeDecodeError), or no file can have this name.
    """
    with open_ordinary(path) as file:
        content = file.read(LARGEST_TEXT + 1) or b""  # None from a file of the system that has nothing to say now
    if len(content) > LARGEST_TEXT:
        raise OSError(errno.EFBIG, f"more than {LARGEST_TEXT:,} bytes", str(path))
    return content.decode("utf-8-sig")


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; raises ValueError, and takes no longer than the text's length warrants."""
    if any(part.count(".") > _DEEPEST for part in re.split(r"[,=\[\]{}\n]", _QUOTED.sub("x", text))):
        raise ValueError(f"a key of more than {_DEEPEST:,} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except ValueError:  # Python makes no whole number of more digits
        raise ValueError(f"a number of more than {sys.get_int_max_str_digits():,} digits") from None


def is_there(path: Path, folder: bool = False) -> bool:
    """Say whether a file (or a folder) is there; what can have no such name is not."""
    try:
        return path.is_dir() if folder else path.is_file()
    except (OSError, ValueError):
        return False


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file so that its place holds, at every instant and after a power failure, the old content or all of the new."""
    beside = path.with_name(f"{path.name}.tmp")
    beside.unlink(missing_ok=True)  # whatever it is: a link would be followed
    try:
        with beside.open("xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:  # a full disk is not made fuller
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(*paths: Path) -> None:
    """Wait until files and folders are on the disk; Windows has no such thing for a folder, and writes its changes in order."""
    windows = os.name == "nt"
    for path in paths:
        if windows and path.is_dir():
            continue
        descriptor = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_file(file: Path, write: Callable[[Path], object]) -> None:
    """Have a file written in a folder of its own beside its place, then put it there; a link is replaced, not followed.

    Unlike ``write_whole``, any number of processes may do this at the same time.

    Raises
    ------
    OSError, ValueError
        When it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=".synarray-", dir=file.parent) as beside:
        written = Path(beside) / file.name
        write(written)
        sync(written)
        written.replace(file)


def lock_folder(folder: Path) -> BaseFileLock | None:
    """Lock a folder for this process; None when another process holds it. The system frees it when the process dies.

    Raises
    ------
    OSError
        When there is no such folder, or nothing can be written in it.
    """
    from filelock import FileLock, Timeout

    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "no such folder", str(folder))
    lock = FileLock(folder / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def unlock_folder(lock: BaseFileLock) -> None:
    """Free a locked folder, and remove the file of the lock."""
    with contextlib.suppress(OSError):  # while it is held, so that no other process locks a file that goes away
        Path(lock.lock_file).unlink()  # on Windows the release does it
    lock.release()


def user_cache() -> Path:
    """Return the folder in which this user keeps what can be made again: it need not exist."""
    from numba.misc import appdirs  # as numba knows it on each system

    place: Any = appdirs.AppDirs
    return Path(place("synarray", appauthor=False).user_cache_dir)


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole, and make its folder; see ``write_whole``.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    with writing("the place of a file must be writable", path, "Free some space, or write it elsewhere."):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [content])


@contextlib.contextmanager
def writing(rule: str, where: Path, do: str) -> Iterator[None]:
    """Raise a RunError of these parts when the system refuses to write."""
    try:
        yield
    except SynarrayError:
        raise
    except (OSError, ValueError) as error:
        got = getattr(error, "strerror", None) or str(error)
        raise RunError(rule, got=got, where=str(where), do=do) from None


@dataclass(frozen=True)
class Packaged:
    """TOML files of one kind: those that travel with the package are known by name, a user's own by their path."""

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

    def has(self, source: str) -> bool:
        """Whether this is the name of one that is part of the package, and not of a file here."""
        return source in self.names() and not Path(source).is_file()

    def read(self, source: str, asked: str = "") -> dict[str, Any]:
        """Read what a file says; ``asked`` is where it was named, else it is named by itself.

        Raises
        ------
        SpecError
            When there is none, or it cannot be read, is no TOML, or says nothing.
        """
        path, where = Path(source), asked or source
        if self.has(source):
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
