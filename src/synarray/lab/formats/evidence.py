"""What is known of one column of a table: its name, its first values, and what it was taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.lab.formats.reading import numbers
from synarray.lab.formats.tables import Table
from synarray.lab.rows.polarity import POLARITIES
from synarray.lab.text.headers import MORE, Scale
from synarray.lab.text.marks import NOTHING, has_suffix
from synarray.lab.text.words import branch_of

__all__ = ["A_CHANGE", "COUNTS_ROWS", "MEASURED", "NO_UNIT", "ONE_WORD", "WHOLE_TRAINS", "Column", "Facts"]

MEASURED = ("G_S", *MORE)
"""Quantities that give a conductance, the best first."""
A_CHANGE = "a change, no value"
"""Why a column of differences of conductances is not used."""
COUNTS_ROWS = "it counts the rows"
"""Why a column of an identity is taken for the number of the pulse."""
WHOLE_TRAINS = "its words stay for whole trains"
"""Why a column of words of an unknown name is taken for that of an identity."""
ONE_WORD = "words in its cells"
NO_UNIT = "no unit, and "
"""Why a voltage or a width is doubted, before its size."""
_SI = Scale()


@dataclass(frozen=True)
class Column:
    """One column of a file and what it was taken for."""

    at: int
    """Place in the file, from 0."""
    name: str
    """As the file has it; empty where it has no names."""
    meaning: str
    """A column of the project, ``time_s``, or ``per_row`` (pulses before each read); empty: not used."""
    why: str
    """What decided."""
    unit: str = ""
    """As the file writes it; empty: SI, or none is due."""
    branch: int = 0
    state: int = 0
    """1 LTP, -1 LTD, 2 program, -2 erase; 1 low resistance, -1 high; 0 neither."""
    label: str = ""
    """What tells it from other columns of the same meaning: "device 2"."""
    scale: Scale = _SI
    log: float = 0.0
    """Base of the logarithm that the column holds; 0: it holds values."""
    first: tuple[str, ...] = ()
    given: bool = False

    @property
    def shown(self) -> str:
        """The name, or the number of a column without."""
        return self.name.strip() or f"column {self.at + 1}"


class Facts:
    """What the first rows show of a column."""

    def __init__(self, cells: Sequence[str], table: Table) -> None:
        self.cells = [cell.strip() for cell in cells]
        filled = [cell for cell in self.cells if cell.lower() not in NOTHING]
        self.values = values = numbers(filled, table)
        self.finite: npt.NDArray[np.float64] = values[np.isfinite(values)]
        self.empty = not filled
        self.is_text = bool(filled) and len(self.finite) < 0.5 * len(filled)
        self.suffixed = any(map(has_suffix, filled))
        self.words = {cell.lower() for cell in filled} if self.is_text else set()
        x = self.finite
        self.whole = len(x) > 0 and bool((x == np.rint(x)).all())
        self.constant = len(x) > 1 and bool((x == x[0]).all())
        steps = np.diff(x)
        self.counts = self.whole and len(x) > 1 and bool(np.mean(steps == 1) > 0.5) and x.min() >= 0
        self.rises = len(x) > 2 and bool(np.mean(steps > 0) > 0.9)
        self.distinct = len(np.unique(x)) if not self.is_text else len(self.words)

    @property
    def speaks_of_polarity(self) -> bool:
        """Whether the cells are words for LTP and LTD."""
        return self.is_text and all(word in POLARITIES or branch_of(word) for word in self.words)
