"""Ways to damage a file, all drawn from one ``random.Random``: of bytes, of TOML and JSON, of archives of arrays."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "damage_bytes", "damage_checkpoint", "damage_gzip", "damage_idx", "damage_json", "damage_npz", "damage_toml", "npy",
]  # fmt: skip

_NUMBERS = (
    0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
)  # fmt: skip

_VALUES = (
    "0", "-0", "1", "-1", "2", "3", "255", "65536", "60000", "1000000", "2147483648", "4294967296", "9223372036854775807",
    "18446744073709551616", "0x" + "f" * 5000, "1" + "0" * 400, "0.0", "-0.0", "1e-300", "5e-324", "1e308", "0.5", "1.0",
    "1.0000001", "nan", "-inf", "inf", "true", "false", '""', '"x"', '" "', '"10 ms"', '"0 s"', '"1e-300 s"', '"1e300 s"',
    '"-1 s"', '"nan s"', '"1 uS"', '"1 S"', '"0 S"', '"1e-30 S"', '"20 V"', '"1 V"', '"1 ohm"', '"1e9 ohm"', '"9 kHz"',
    '"ms"', '"10ms"', '"1 PHz"', '"\\u001b[31mred"', '"a\\nb"', '"\\u0000"', '"\\u202e"', '"\\ud7ff"', '"[/red]"', '"$x_$"',
    '"%s{0}"', '"../../etc/passwd"', '"/dev/zero"', '"/etc/passwd"', '"~"', '"~nobody/x"', '"."', '"mnist"', '"pcm"',
    '"full-field"', '"local"', '"soft"', '"exact"', '"binary"', '"digital"', '"pair"', '"compound"', '"sliding"', '"after"',
    '"conventional"', "[]", "[1]", "[1, 2]", "[16, 16]", "[0.0, 1.0]", "[1e-9, 1e-9]", "{}", "{ value = 1 }",
    '{ base = "pcm" }', '{ value = "1 uS", source = "abc" }', "1979-05-27", "1979-05-27T07:32:00Z", "07:32:00",
    "[" * 60 + "]" * 60, "{a=" * 40 + "1" + "}" * 40, "'''\n" + "x" * 3000 + "'''", '"' + "é" * 300 + '"', "''", "+1", "1_0",
)  # fmt: skip


_CELLS = (
    "", "nan", "inf", "-inf", "-1", "0", "1e400", "1e-400", "1e300", "9" * 400, "0x10", "1,5", "x" * 5000, '"', "'", "=1+1",
    "\x00", "\x1b[2J", "{}", "[]", "None", "true", "1e-6", "12 uS", "-0.0",
)  # fmt: skip


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut, flip, overwrite, insert, repeat, drop or encode otherwise; one to four times."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_BYTES)(content, rng)
    return content


def _place(content: bytes, rng: random.Random) -> int:
    return rng.randrange(len(content) + 1)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: _place(content, rng)]


def _flip(content: bytes, rng: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8)) if content else 0):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _overwrite(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    number = struct.pack(rng.choice(("<I", ">I", "<H", ">H", "<Q", "B")[:5]), rng.choice(_NUMBERS) & 0xFFFF)
    number = rng.choice(
        (number, struct.pack(rng.choice(("<I", ">I")), rng.choice(_NUMBERS)), rng.randbytes(8), b"\0" * 16)
    )
    return content[:place] + number + content[place + len(number) :]


def _insert(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    more = rng.choice(
        (b"\0", b"\n", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"[[", b'"""', rng.randbytes(5), b"A" * 5000, b"# \x1b[2J")
    )
    return content[:place] + more + content[place:]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    a, b = sorted((_place(content, rng), _place(content, rng)))
    return content[:b] + content[a:b] * rng.choice((1, 2, 20)) + content[b:]


def _drop(content: bytes, rng: random.Random) -> bytes:
    a, b = sorted((_place(content, rng), _place(content, rng)))
    return content[:a] + content[min(b, a + rng.choice((1, 4, 64, 10**6))) :]


def _encode(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    kind = rng.choice(("utf-16", "utf-8-sig", "utf-32", "latin-1", "utf-7", "cp037"))
    return text.encode(kind, "replace")


def _swap_ends(content: bytes, rng: random.Random) -> bytes:
    return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xc2\x85")))


_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _flip, _flip, _flip, _overwrite, _overwrite, _insert, _repeat, _drop, _encode, _swap_ends,
)  # fmt: skip


def damage_toml(content: bytes, rng: random.Random) -> bytes:
    """Change values, keys and tables, so that much of it can still be parsed; now and then damage the bytes instead."""
    if rng.random() < 0.2:
        return damage_bytes(content, rng)
    lines = content.decode("utf-8").split("\n")
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        i = rng.randrange(len(lines))
        key, equals, _ = lines[i].partition("=")
        what = rng.randrange(8)
        if what < 5 and equals:
            lines[i] = f"{key}= {rng.choice(_VALUES)}"
        elif what == 5:
            lines.insert(i, lines[rng.randrange(len(lines))])
        elif what == 6:
            del lines[i : i + rng.choice((1, 1, 3))]
        else:
            name = rng.choice(
                ("base", "device", "seed.x", "a.b.c", "pruning", '"\\u001b"', "array.count", "x" * 300, "name")
            )
            lines.insert(i, rng.choice((f"[{name}]", f"[[{name}]]", f"{name} = {rng.choice(_VALUES)}")))
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "replace")


def damage_table(content: bytes, rng: random.Random) -> bytes:
    """Change cells, rows or columns of a table of text; now and then damage the bytes instead."""
    if rng.random() < 0.3:
        return damage_bytes(content, rng)
    lines = content.decode("utf-8", "replace").splitlines() or [""]
    for _ in range(rng.choice((1, 1, 2, 5))):
        i, what = rng.randrange(len(lines)), rng.randrange(10)
        cells = lines[i].split(",")
        j = rng.randrange(len(cells))
        if what < 4:
            cells[j] = rng.choice(_CELLS)
            lines[i] = ",".join(cells)
        elif what == 4:  # the same column in every row
            odd = rng.choice(_CELLS)
            lines = [",".join([*row[:j], odd, *row[j + 1 :]]) for row in (line.split(",") for line in lines)]
        elif what == 5:
            lines = [",".join([*row[:j], *row[j + 1 :]]) for row in (line.split(",") for line in lines)]
        elif what == 6:
            lines[i:i] = [lines[i]] * rng.choice((1, 3, 300))
        elif what == 7:
            del lines[i : i + rng.choice((1, 20, 100_000))]
            lines = lines or [""]
        elif what == 8:
            rng.shuffle(lines)
        else:
            lines = [line.replace(",", rng.choice((";", "\t", " ", ",,"))) for line in lines]
    return rng.choice((b"", b"", b"\xef\xbb\xbf")) + rng.choice(("\n", "\r\n", "\r")).join(lines).encode()


def damage_json(content: bytes, rng: random.Random) -> bytes:
    """Change, drop or add values; now and then damage the bytes instead."""
    if rng.random() < 0.3:
        return damage_bytes(content, rng)
    values = json.loads(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        key = rng.choice(list(values) or ["name"])
        what = rng.randrange(6)
        if what == 0:
            values.pop(key, None)
        elif what == 1:
            values[rng.choice(("format", "\x1b[2J", "", "run_dir", "x" * 9))] = values.get(key)
        else:
            values[key] = rng.choice(
                (None, 0, -1, 1, 2, 10**30, 10**4200, 1e308, float("nan"), float("-inf"), 0.5, "", "x", "\x1b[31m", "[/b]",
                 "a\nb", "\ud800", [], {}, [None], [[[[]]]], True, "e" * 2000, {"a": {"b": 1}})
            )  # fmt: skip
    return json.dumps(values).encode()


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """Write an array as the member of an archive."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


def damage_npz(content: bytes, rng: random.Random) -> bytes:
    """Change arrays inside an archive whose checksums are right; now and then damage its bytes instead."""
    if rng.random() < 0.25:
        return damage_bytes(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    for _ in range(rng.choice((1, 1, 2, 3))):
        i = rng.randrange(len(members))
        name, old = members[i]
        what = rng.randrange(12)
        if what == 0:
            del members[i]
            members = members or [(name, old)]
        elif what == 1:
            members.append(
                (rng.choice((name, "../" + name, "/tmp/x.npy", "x" * 300, "\x1b.npy", name.upper(), "")), old)
            )
        elif what == 2:
            members[i] = (name, damage_bytes(old, rng))
        elif what == 3:
            members[i] = (name, npy(np.array([{}, ()], object)))
        elif what == 4:
            members[i] = (name, _header(rng) + old[128:])
        else:
            try:
                array = np.load(io.BytesIO(old), max_header_size=999)
            except Exception:  # damaged already: its parser raises nearly anything
                array = np.zeros(1)
            members[i] = (name, npy(_damage_array(array, rng)))
    stream = io.BytesIO()
    with zipfile.ZipFile(
        stream, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA))
    ) as archive:
        import warnings

        warnings.simplefilter("ignore")
        for name, body in members:
            archive.writestr(name or "x", body)
    blob = stream.getvalue()
    if rng.random() < 0.1:  # sizes that the directory declares
        entry = blob.rfind(b"PK\x01\x02")
        blob = blob[: entry + 20] + struct.pack("<II", rng.choice(_NUMBERS), rng.choice(_NUMBERS)) + blob[entry + 28 :]
    return blob


def _header(rng: random.Random) -> bytes:
    shape = rng.choice(
        ("()", "(-1,)", "(0,)", "(1000, 1000, 1000)", "(99999999999, 99999999999)", "(True,)", "(1.5,)", "'x'", "(" * 300, "(3,"
         f" 0x{'f' * 4000})")
    )  # fmt: skip
    kind = rng.choice(
        ("'|u1'", "'<f8'", "'|O'", "'<M8[s]'", "[('a', '|O')]", "'|V8'", "'<U99999999'", "'>i8'", "__import__('os')")
    )
    text = f"{{'descr': {kind}, 'fortran_order': {rng.choice((True, False, 3))}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes((rng.choice((1, 2, 3, 9)), 0)) + struct.pack("<H", len(text)) + text


def _damage_array(array: np.ndarray[Any, Any], rng: random.Random) -> np.ndarray[Any, Any]:
    what, array = rng.randrange(9), array.copy()
    if what == 0:
        return array.astype(rng.choice(("<f8", ">i4", "|u1", "<i2", "|b1", "<c16", "<f2", "<u8", "|S3", "<U2")))
    if what == 1:
        return array.reshape(-1)[: rng.randrange(array.size + 1)]
    if what == 2:
        return rng.choice(
            (array[None], array.T, array.reshape(-1), np.asfortranarray(array), array[..., None], array.ravel()[:1])
        )
    if what == 3:
        return np.zeros(rng.choice(((), (0,), (1,), (3, 3), (0, 5), (2, 0, 0), (5, 0, 7), (1,) * 20)), array.dtype)
    if what == 4:
        return np.full(rng.choice((array.shape, (1 << 14,), (1 << 10, 1 << 10))), rng.choice((0, 1, 2)), array.dtype)
    with np.errstate(all="ignore"):
        for _ in range(rng.choice((1, 3, array.size or 1)) if array.size else 0):
            value = rng.choice(
                (0, 1, -1, 3, 255, 10**6, 10**9, -(10**9), 2**31, 2**62, -(2**62), 0.5, np.nan, np.inf, 1e308)
            )
            if array.dtype.kind in "iu" and not np.isfinite(value):
                value = np.iinfo(array.dtype).max
            array.flat[rng.randrange(array.size)] = np.array(value).astype(array.dtype)
    return array


def damage_idx(content: bytes, rng: random.Random) -> bytes:
    """Change the numbers of an IDX header; now and then damage the bytes instead."""
    if rng.random() < 0.4:
        return damage_bytes(content, rng)
    n = content[3]
    sizes = list(struct.unpack_from(f">{n}I", content, 4))
    sizes[rng.randrange(n)] = rng.choice((*_NUMBERS, sizes[0] * 2, 10**9))
    kind = rng.choice((8, 8, 8, 9, 0x0B, 0x0D, 0xFF))
    return struct.pack(f">BBBB{n}I", 0, 0, kind, rng.choice((n, n, n, n ^ 2, 255)), *sizes) + content[4 + 4 * n :]


def damage_checkpoint(content: bytes, rng: random.Random) -> bytes:
    """Change the header or the numbers of a checkpoint and give it its checksum; now and then damage the bytes instead."""
    if rng.random() < 0.2:
        return damage_bytes(content, rng)
    mark, _, head, body = content.split(b"\n", 3)
    header = json.loads(head)
    for _ in range(rng.choice((1, 1, 2))):
        what, arrays = rng.randrange(8), header.get("arrays")
        odd = rng.choice(
            (None, 0, -1, 1, 2, 10**9, 2**63, 0.5, "x", "\x1b[2J", [], [1], {}, True, "|O", "<M8[s]", "<f8", [10**9])
        )
        if what == 0:
            header.pop(rng.choice(list(header)), None)
        elif what == 1:
            header[rng.choice(list(header) or ["x"])] = odd
        elif what < 5 and isinstance(arrays, list) and arrays:
            entry, place = rng.choice(arrays), rng.randrange(3)
            if isinstance(entry, list):  # else it was damaged before
                entry[place] = odd
        elif what == 5 and isinstance(arrays, list) and arrays:
            arrays.pop(rng.randrange(len(arrays)))
        else:
            numbers = bytearray(body)
            for _ in range(rng.choice((1, 8, 200))):
                place = rng.randrange(max(1, len(numbers) - 8))
                numbers[place : place + 8] = rng.choice(
                    (b"\xff" * 8, bytes(8), rng.randbytes(8), b"\0\0\0\0\0\0\xf0\x7f")
                )
            body = bytes(numbers)
    rest = json.dumps(header).encode() + b"\n" + body
    return mark + b"\n" + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def damage_gzip(content: bytes, rng: random.Random) -> bytes:
    """Zip what was damaged before, damage what was zipped before, or zip far more than there should be."""
    what = rng.randrange(6)
    if what == 0:
        return gzip.compress(damage_idx(content, rng), mtime=0)
    if what == 1:
        return gzip.compress(content, mtime=0) * rng.choice((2, 5)) + rng.choice((b"", b"\0" * 40, b"junk"))
    if what == 2:
        return gzip.compress(content[:16] + bytes(rng.choice((10**5, 10**7))), mtime=0)
    if what == 3:  # with every optional part of the header
        body = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = body.compress(content) + body.flush()
        start = (
            b"\x1f\x8b\x08\x1e"
            + bytes(6)
            + struct.pack("<H", 9)
            + b"x" * rng.choice((9, 3))
            + b"name\0note\0"
            + b"\0\0"
        )
        return start + data + struct.pack("<II", zlib.crc32(content), rng.choice((len(content), 0xFFFFFFFF)))
    return damage_bytes(gzip.compress(content, mtime=0), rng)
