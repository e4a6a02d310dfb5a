"""The encoding of a file of text: by its mark, as UTF-8, else the national one in which its names are words of a laboratory."""

from __future__ import annotations

import re

from synarray.lab.text.words import known_words

__all__ = ["encoding_of"]

_TWO_BYTES = re.compile(rb"[\x80-\xff]{2}")
_NATIONAL = ("cp1252", "gb18030", "big5", "cp949", "shift_jis", "euc_jp", "cp1251", "koi8_r", "cp1250", "latin_1")


def encoding_of(head: bytes) -> tuple[str, list[str]] | None:
    """Return the encoding of a file that begins so, and what to say of it; None where it is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ["text in UTF-16 with a byte-order mark"]
    if b"\0" in head:
        half = 0.4 * len(head) / 2
        wide = "utf-16-le" if head[1::2].count(0) > half else "utf-16-be" if head[::2].count(0) > half else ""
        return (wide, [f"text in {wide.upper()} without a byte-order mark"]) if wide else None
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", ["a byte-order mark was passed over"]
    try:
        head[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 8:
            return _national(head)
    return "utf-8", []


def _national(head: bytes) -> tuple[str, list[str]]:
    """Choose the encoding in which most words are known; else that of the text that makes most sense (charset-normalizer)."""
    if not _TWO_BYTES.search(head):  # letters beyond ASCII are single, as in Western words and "\u00b5S"
        return "cp1252", ["text that is no UTF-8 was read as Windows-1252"]
    lines = [line for line in head[:16_384].splitlines()[:-1] or [head] if not line.isascii()]
    known: dict[str, int] = {}
    for name in _NATIONAL:
        try:
            known[name] = known_words(b"\n".join(lines).decode(name))
        except UnicodeDecodeError:
            continue
    name = max(known, key=lambda name: known[name], default="latin_1")
    if not known.get(name):
        from charset_normalizer import from_bytes

        best = from_bytes(head[:16_384], cp_isolation=list(_NATIONAL)).best()
        name = best.encoding if best is not None else "latin_1"
    shown = {"latin_1": "Latin-1", "cp1250": "Windows-1250", "cp1251": "Windows-1251", "cp1252": "Windows-1252"}
    return name, [f"text that is no UTF-8 was read as {shown.get(name, name)}"]
