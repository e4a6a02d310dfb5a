"""Files that anybody may have written: only ordinary ones are opened, and none is read further than it may reach.

A pipe, a terminal or a device of the system, or a link to one, could be read forever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from synarray.errors import RunError

__all__ = ["LARGEST_TEXT", "open_ordinary", "parse_toml", "read_text", "write_file", "write_whole"]

LARGEST_TEXT = 1 << 20
"""Bytes of an experiment, a device or the words of a run."""
_DEEPEST = 1000
"""Parts of a dotted key; the time to parse one grows with their square."""
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
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"no ordinary file: {stat.filemode(mode)}", str(path))
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
    """Parse TOML; raises ValueError or RecursionError, and takes no longer than the text's length warrants."""
    if any(part.count(".") > _DEEPEST for part in re.split(r"[,=\[\]{}\n]", _QUOTED.sub("x", text))):
        raise ValueError(f"a key of more than {_DEEPEST:,} parts")
    return tomllib.loads(text)


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
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole, and make its folder; see ``write_whole``.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [content])
    except (OSError, ValueError) as error:
        raise RunError(
            "the place of a file must be writable", got=getattr(error, "strerror", None) or str(error), where=str(path),
            do="Free some space, or write it elsewhere.",
        ) from None  # fmt: skip
