"""Lines between the rows of a table that name the device of those below: "Device 2", "Sample,A2", "[Cell 3]"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from synarray.lab.text.words import CYCLE, meaning_of

__all__ = ["names_below", "title_of"]

_FRAME = "[]{}<>#%*=-~_/|!: "
"""Marks around a title."""
_MOST_WORDS = 4


def title_of(row: Sequence[str], *, spaced: bool, single: bool) -> tuple[str, str] | None:
    """Return the first word of a line that names a device, and the name without its cycle; none where it does not.

    Parameters
    ----------
    row : sequence of str
        The cells of the line.
    spaced : bool
        Whether cells are separated by spaces, so that a name of several words is several cells.
    single : bool
        Whether only a line of a single cell can be a title: others may be rows.

    Examples
    --------
    >>> title_of(["[Cell 3]"], spaced=False, single=True), title_of(["Device ID", "A2"], spaced=False, single=False)
    (('cell', 'Cell 3'), ('device', 'A2'))
    >>> title_of(["1", "3.4"], spaced=False, single=False), title_of(["device", "G"], spaced=True, single=False)
    (None, None)
    """
    cells = [cell.strip() for cell in row if cell.strip()]
    if not cells or len(cells) > (1 if single else _MOST_WORDS):
        return None
    whole = " ".join(cells).strip(_FRAME)
    words = re.sub(CYCLE.pattern, "", whole, flags=re.IGNORECASE).strip(_FRAME + ",;")
    by_cells = not spaced and words == whole
    if not re.search(r"[^\W\d].*\w\)?$", words) or meaning_of(cells[0] if by_cells else words) != "device_id":
        return None
    has_value = bool(re.search(r"\d|[:=].", cells[0]))  # "Device: A2" in front of more cells
    pair = by_cells and len(cells) == 2 and not has_value
    if len(cells) > 1 and by_cells and not (pair or has_value):
        return None
    if (
        len(cells) > 1
        and (spaced or pair)
        and not re.search(r"\d", cells[-1])
        and meaning_of(cells[-1]) not in ("", "device_id")
    ):
        return None  # names of columns once more
    return re.findall(r"[^\W\d_]+", words)[0].lower(), cells[1] if pair else words


def names_below(lines: Iterable[tuple[tuple[str, str] | None, bool]]) -> list[str]:
    """Return the name of the device of each line: what was said last of the chip, of the cell and so on, together.

    Parameters
    ----------
    lines : iterable of tuple
        The title of a line, if it is one, and whether it is a row; titles of one first word without a row between add up.
    """
    said, fresh, names = dict[str, str](), set[str](), list[str]()
    for title, is_row in lines:
        if title:
            key, words = title
            said[key] = f"{said[key]} {words}" if key in fresh else words
            fresh.add(key)
        elif is_row:
            fresh.clear()
        names.append(" ".join(said.values()) or "0")
    return names
