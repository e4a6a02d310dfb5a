"""Names of columns as people write them: which quantity, and in which unit: ``G (mS)``, ``R/kOhm``, ``I_nA``, ``G;mS``.

What is in brackets or behind a slash must be a unit of the right dimension; behind a space, an underscore or another
mark it is one if it is known. A unit that is not known, or of another dimension, is refused: it is never taken for SI.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from math import e
from typing import NamedTuple

from synarray.errors import DataError

__all__ = [
    "MEANINGS",
    "MORE",
    "UNITS",
    "Scale",
    "bare",
    "dimension_of",
    "given_unit",
    "is_units",
    "known_unit",
    "logarithm",
    "meaning_in",
    "read_at",
    "relative",
    "scale_of",
    "unit_of",
    "units_said",
    "with_units",
]

UNITS = {
    "amplitude_V": "V",
    "width_s": "s",
    "G_S": "S",
    "read_V": "V",
    "temperature_K": "K",
    "R_ohm": "ohm",
    "I_A": "A",
    "time_s": "s",
}
"""Columns that have a unit, and the unit they are kept in."""
MEANINGS = {"S": "G_S", "ohm": "R_ohm", "A": "I_A"}
"""Columns of measured values by their unit."""
MORE = ("R_ohm", "I_A")
"""Columns from which conductances can be computed."""

_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_LONG_PREFIXES = {
    "femto": "f",
    "pico": "p",
    "nano": "n",
    "micro": "u",
    "milli": "m",
    "mikro": "u",
    "piko": "p",
    "kilo": "k",
    "mega": "M",
    "giga": "G",
}
_SPELLINGS = {
    "S": ("S", "mho", "mhos", "Mho", "siemens", "Siemens", "A/V"),
    "ohm": ("ohm", "ohms", "Ohm", "Ohms", "OHM", "\u03a9", "\u2126"),
    "V": ("V", "volt", "volts", "Volt", "Volts"),
    "s": ("s", "sec", "second", "seconds", "Sec", "Sek", "sek"),
    "A": ("A", "amp", "amps", "Amp", "Amps", "ampere", "amperes"),
    "K": ("K", "kelvin", "Kelvin"),
}
_TIMES = {"min": 60.0, "mins": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0}
_CELSIUS = ("\u00b0C", "\u00baC", "\u00b0\u0421", "degC", "C", "celsius", "Celsius")
_BY_SPELLING = {word: unit for unit, words in _SPELLINGS.items() for word in words}
_FOREIGN_PREFIXES = (
    {"мк": "u", "н": "n", "п": "p", "ф": "f", "м": "m", "к": "k", "М": "M", "Г": "G", "": ""},
    {"微": "u", "纳": "n", "納": "n", "皮": "p", "毫": "m", "千": "k", "兆": "M", "": ""},
    {"마이크로": "u", "나노": "n", "밀리": "m", "킬로": "k", "메가": "M", "": ""},
)
_FOREIGN_UNITS = (
    {"См": "S", "Ом": "ohm", "А": "A", "В": "V", "с": "s", "ом": "ohm", "в": "V"},
    {"西门子": "S", "西": "S", "欧姆": "ohm", "欧": "ohm", "安培": "A", "安": "A", "伏特": "V", "伏": "V", "秒": "s"},
    {"지멘스": "S", "옴": "ohm", "암페어": "A", "볼트": "V", "초": "s"},
)
_FOREIGN = {
    prefix + unit: own + name
    for prefixes, units in zip(_FOREIGN_PREFIXES, _FOREIGN_UNITS, strict=True)
    for prefix, own in prefixes.items()
    for unit, name in units.items()
}
"""Units of Russian, Chinese and Korean files."""
_IN_BRACKETS = re.compile(r"^(?P<head>.*?)\s*[(\[{](?P<unit>[^()\[\]{}]*)[)\]}]\s*$")
_WITHIN = re.compile(r"^(?P<head>.*?)[(\[{](?P<unit>[^()\[\]{}]*)[)\]}](?P<tail>[\s_@].*)$")
_LABEL = re.compile(r"(?!x ?10+$|1e[+-]?\d+$)[#\w. -]*\d+|ltp|ltd|pot\w*|dep\w*|set|reset|up|down", re.IGNORECASE)
"""What is in brackets and is no unit: "G (device 2)", "G (LTP)"."""
_INDEX = re.compile(r"\[\d+\]")
_POWER = re.compile(
    r"[x\u00d7*\u00b7]?\s*(?:10\s*(?:\^|\*\*)\s*(?P<ten>[-\u2212+]?\d+)|10\s*(?P<low>[-\u2212]\d+)|10\s+(?P<high>\d+)"
    r"|1?[eE](?P<e>[-\u2212+]?\d+)|1(?P<zeros>0+))\s*[*\u00b7\u00d7]?\s*(?P<unit>\D+)"
)
"""Powers of ten before a unit, also written out: 10^-6 S, 10-6 S, 1e-6 S, x100 nS."""
_LOST = re.compile(r"[x\u00d7*\u00b7]?\s*(?P<number>10(?P<power>[1-9]\d?))\s*[*\u00b7\u00d7]?\s*(?P<unit>\D+)")
"""A power of ten that may have lost its superscript, or a factor: 105 Ohm."""
_RAISED = re.compile("(?<=10)[\u207a\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_BEHIND_POWER = re.compile(
    r"^(?P<head>.*?\S)(?P<mark>\s*/\s*|\s+in\s+|\s*[,;:]\s*|[\s_]+(?=[x\u00d7*\u00b7]|10\s*[\^*-]|1[eE]))"
    r"(?P<unit>(?:[x\u00d7*\u00b7]\s*)?1[\d^*eE+\u2212-]*\s*[*\u00b7\u00d7]?\s*[^\W\d]\S*)$"
)
_BEHIND_MARK = re.compile(r"^(?P<head>.*\S)(?P<mark>\s*/\s*|\s+in\s+|[\s_;,:-]+)(?P<unit>\S+)\s*$")
_GLUED = re.compile(r"^(?P<head>[GgRrIiVv])(?P<unit>[fpnum\u00b5\u03bckMG](?:S|A|V|[Oo]hms?|\u03a9|\u2126))$")
_GLUED_WORD = re.compile(r"[a-z](?P<unit>[fpnum\u00b5\u03bckMG](?:S|A|V|[Oo]hms?|\u03a9|\u2126))$")


_SAID = re.compile(
    r"[(\[](?P<within>[^()\[\]]+)[)\]]|(?:(?<![^\W_])(?:in|en|units?|unit[\u00e9\u00e0]s?|einheit\w*|unidad\w*)(?![^\W_])"
    r"|\u5355\u4f4d|\u55ae\u4f4d|\ub2e8\uc704|\u0435\u0434\u0438\u043d\u0438\u0446\w*|(?P<mark>[/:=\uff1a]))"
    r"[\s:\uff1a=]*(?P<behind>[^\s,;:()\[\]]+)",
    re.IGNORECASE,
)
"""A unit in a line of words: in brackets, behind "in", "unit" or a mark."""
_NUMBER_NEXT = re.compile(r"[\s:=,;]*[+-]?[.\d]")
_OTHER = re.compile(
    r"complian|limit|\brange|\bmax|\bmin\b|target|\bsteps?\b|threshold|noise|error|resolution|series", re.IGNORECASE
)
"""What a unit in a line may be of that is not the measured values."""
_LOG = re.compile(r"^\s*(?P<log>log_?10|log|lg|ln)(?=[\W_])[\s_]*(?P<open>[(\[{|])?\s*(?P<name>.+)$", re.IGNORECASE)
_READ_AT = re.compile(
    r"\bread(?:ing|out|s)?(?: (?:voltage|bias|pulse))?\s*(?:at|@|with|of|by)?\s*(?P<value>[+-]?\d*[.,]?\d+)\s*(?P<unit>m?V)\b"
    r"|\b(?:gelesen|lesen) (?:bei|mit) (?P<wert>[+-]?\d*[.,]?\d+)\s*(?P<einheit>m?V)\b",
    re.IGNORECASE,
)
"""Voltage of the reads in a sentence: "read at 0.1 V"."""
_AT = re.compile(r"(?:@|\bat|\bbei|\bà)\s*(?:V(?!_?gs?\b)\w*\s*=\s*)?(?P<value>[+-]?\d*[.,]?\d+)\s*(?P<unit>m?V)\b")
"""Voltage of the reads in the name of a column of currents."""
_MULTIPLE = re.compile(r"(?P<times>\d+\.?\d*(?:[eE][+-]?\d+)?)\s*(?P<unit>[^\d\s.].*)")
_RELATIVE = re.compile(
    r"(?<![^\W_])norm(ali[sz]ed|alis[eé]e?|alisiert\w*|iert\w*|\.)?(?=\W|_|$)|归一化|歸一化|정규화|規格化|нормир"
    r"|\b([gir])[ _]?\w* ?/ ?\2_?(0|min|max|init\w*|off|on|hrs|lrs)\b"
    r"|\b(a\.? ?u\.?|arb\w*\.? ?u\w*\.?)(?=\W|$)|%",
    re.IGNORECASE,
)


class Scale(NamedTuple):
    """How values of a column become SI: value * factor + offset."""

    factor: float = 1.0
    offset: float = 0.0


def known_unit(text: str) -> tuple[str, Scale] | None:
    """Read a unit, also one with a power of ten before it; None where it is none that is known.

    Examples
    --------
    >>> known_unit("uS"), known_unit("x10^-6 S"), known_unit("apples")
    (('S', Scale(factor=1e-06, offset=0.0)), ('S', Scale(factor=1e-06, offset=0.0)), None)
    """
    text = _not_raised(text).strip().replace("\u00b5", "u").replace("\u03bc", "u")
    if power := _POWER.fullmatch(text):
        found = known_unit(power["unit"])
        ten = power["ten"] or power["low"] or power["high"] or power["e"] or str(len(power["zeros"]))
        times = 10.0 ** float(ten.replace("\u2212", "-")[:4])
        return (found[0], Scale(times * found[1].factor)) if found and not found[1].offset else None
    text = _FOREIGN.get(text, text)
    if text in _CELSIUS:
        return "K", Scale(1.0, 273.15)
    if text in _TIMES:
        return "s", Scale(_TIMES[text])
    for word, prefix in _LONG_PREFIXES.items():
        if text.lower().startswith(word):
            text = prefix + text[len(word) :].lstrip(" -")
            break
    if text in _BY_SPELLING:
        return _BY_SPELLING[text], Scale()
    prefix, unit = text[:1], _BY_SPELLING.get(text[1:].strip())
    if unit == "ohm" and prefix == "K":
        prefix = "k"
    if unit is None or unit == "K" or prefix not in _PREFIXES:
        return None
    return unit, Scale(_PREFIXES[prefix])


def _not_raised(text: str) -> str:
    """Write superscripts of a power of ten as 10^5."""
    return _RAISED.sub(lambda found: "^" + unicodedata.normalize("NFKC", found[0]), text)


def given_unit(text: str) -> tuple[str, Scale] | None:
    """Read a unit that a user gives, also a multiple of one, for what 1 of a ratio is worth; None where it is none.

    Examples
    --------
    >>> given_unit("36.6 uS"), given_unit("nS")
    (('S', Scale(factor=3.66e-05, offset=0.0)), ('S', Scale(factor=1e-09, offset=0.0)))
    """
    several = _MULTIPLE.fullmatch(text.strip())
    found = known_unit(several["unit"] if several else text)
    if found is None or several is None:
        return found
    return found[0], Scale(float(f"{float(several['times']) * found[1].factor:.15g}"))


def relative(name: str) -> bool:
    """Whether a name says that values are ratios, which have no unit: normalised, G/G0, a.u., %.

    Examples
    --------
    >>> relative("Normalized G"), relative("G/Gmax (LTP)"), relative("LTP (a.u.)"), relative("LTP (%)"), relative("G/uS")
    (True, True, True, True, False)
    """
    return bool(_RELATIVE.search(unicodedata.normalize("NFKC", name)))


def unit_of(name: str) -> tuple[str, str | None]:
    """Split a column's name into what it names and its unit, as written; None where it has none.

    Examples
    --------
    >>> unit_of("Conductance (mS)"), unit_of("R/kOhm"), unit_of("V_G"), unit_of("GuS")
    (('Conductance', 'mS'), ('R', 'kOhm'), ('V_G', None), ('G', 'uS'))
    """
    name = (
        _INDEX.sub("", unicodedata.normalize("NFKC", _not_raised(name)).replace("\u2126", "\u03a9"))
        .strip()
        .lstrip("#%")
        .strip()
    )
    if found := _IN_BRACKETS.match(name):
        if _LABEL.fullmatch(found["unit"].strip()) and not known_unit(found["unit"]):
            return f"{found['head'].strip()} {found['unit'].strip()}", None
        return found["head"].strip(), found["unit"].strip()
    if (found := _WITHIN.match(name)) and known_unit(found["unit"]):
        return f"{found['head'].strip()} {found['tail'].strip(' _')}", found["unit"].strip()
    if (found := _BEHIND_POWER.match(name)) and (known_unit(found["unit"]) or _LOST.fullmatch(found["unit"])):
        return found["head"].strip(" _;,:-"), found["unit"]
    if found := _BEHIND_MARK.match(name):
        said = "/" in found["mark"] or " in " in f" {found['mark']} "
        if said or (known_unit(found["unit"]) and found["unit"] not in _TIMES):
            return found["head"].strip(" _;,:-"), found["unit"]
    elif found := _GLUED.match(name):
        return found["head"], found["unit"]
    return name, None


def bare(name: str) -> str:
    """Return what a column's name names, in small letters and without its unit."""
    return unit_of(name)[0].lower()


def is_units(cells: Sequence[str]) -> bool:
    """Whether a line has nothing but units: the second line of a header."""
    texts = [cell.strip().strip("()[]").strip() for cell in cells]
    units = [text for text in texts if text and text not in "#-1"]
    return bool(units) and all(known_unit(text) is not None for text in units)


def read_at(text: str, *, in_name: bool = False) -> tuple[str, float] | None:
    """Return the words of a sentence, or of a column's name, that say the voltage of the reads, and that voltage.

    Examples
    --------
    >>> read_at("all states were read at 100 mV"), read_at("I @0.1V (nA)", in_name=True)
    (('read at 100 mV', 0.1), ('@0.1V', 0.1))
    """
    found = (_AT if in_name else _READ_AT).search(text)
    if found is None:
        return None
    value, unit = (text for text in found.groups() if text)
    return found[0].strip(), abs(float(value.replace(",", "."))) * (1e-3 if unit.lower() == "mv" else 1.0)


def with_units(cells: Sequence[str]) -> list[str]:
    """Return the cells that are not blank, a unit in a cell of its own behind the number before it.

    Examples
    --------
    >>> with_units(["Vread", "100", "[mV]", ""])
    ['Vread', '100 mV']
    """
    texts = list[str]()
    for cell in filter(None, map(str.strip, cells)):
        if texts and texts[-1][-1].isdigit() and known_unit(unit := cell.strip("()[]")):
            texts[-1] += f" {unit}"
        else:
            texts.append(cell)
    return texts


def units_said(lines: Iterable[Sequence[str]]) -> list[str]:
    """Return the units of conductances, resistances and currents that lines of words name, other than those of a number.

    Examples
    --------
    >>> units_said([["Conductance (mS) vs pulse number"], ["unit", "nS"], ["Gmax (uS)", "33"], ["Target: 10 uS"]])
    ['mS', 'nS']
    """
    found = dict[str, None]()
    for line in lines:
        cells = [cell.strip() for cell in line if cell.strip()]
        alone = cells if all(len(cell) > 1 and known_unit(cell) for cell in cells) else []
        text, end = " ".join(cells), 0
        while said := None if _OTHER.search(text) else _SAID.search(text, end):
            end, unit = said.end(), (said["within"] or said["behind"]).strip(" .")
            if said["mark"] and len(unit) == 1:  # "Sample: A"
                continue
            alone += [] if re.match(r"\d+\s*[^\W\de]", unit) or _NUMBER_NEXT.match(text, end) else [unit]
        found |= {unit: None for unit in alone if (known := known_unit(unit)) and known[0] in MEANINGS}
    return list(found)


def logarithm(name: str) -> tuple[str, float]:
    """Split the name of a logarithm into that of its argument, and the base; 0 where it is none.

    Examples
    --------
    >>> logarithm("log10(I) LTP"), logarithm("log G (S)"), logarithm("ln(G/uS)"), logarithm("Logger")
    (('I LTP', 10.0), ('G (S)', 10.0), ('G/uS', 2.718281828459045), ('Logger', 0.0))
    """
    found = _LOG.match(name)
    if found is None:
        return name, 0.0
    inner = found["name"]
    if found["open"]:
        close = {"(": ")", "[": "]", "{": "}", "|": "|"}[found["open"]]
        inner = inner.replace(close, "", 1)
    return inner.strip(), e if found["log"].lower() == "ln" else 10.0


def meaning_in(cells: Sequence[str]) -> str:
    """Return the quantity that the units of cells such as "4.79 uS" say; empty where they say none, or several."""
    words = [re.fullmatch(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?\s*(\S{1,6})", cell.strip()) for cell in cells]
    found = {known[0] for word in words if word and (known := known_unit(word[1]))}
    return MEANINGS.get(found.pop(), "") if len(found) == 1 else ""


def scale_of(name: str, own: str, where: str) -> Scale:
    """Return how values of a column are converted to the unit in which the project keeps them.

    Raises
    ------
    DataError
        When the name has a unit that is not known, or of another dimension.
    """
    due = UNITS.get(own)
    if due is None or name.strip().lower() == own.lower():
        return Scale()
    text = unit_of(name)[1]
    if text is None:
        glued = _GLUED_WORD.search(name.strip())
        found = known_unit(glued["unit"]) if glued else None
        if glued is None or found is None or found[0] != due:
            return Scale()
        text, got = glued["unit"], f'"{name.strip()}", which may end in {glued["unit"]}'
    else:
        found, got = known_unit(text), f'"{name.strip()}"'
        if due == "ohm" and text in ("k", "K", "M"):  # as resistors are marked
            return Scale(_PREFIXES[text.lower() if text == "K" else text])
        if found is not None and found[0] == due:
            return found[1]
    head = unit_of(name)[0]
    if (lost := _LOST.fullmatch(text)) and known_unit(lost["unit"]):
        power = f"10^{lost['power']} {lost['unit']}"
        raise DataError(
            "a unit must say what its values are multiplied with", where=where,
            got=f"{got}, where {lost['number']} may be 10^{lost['power']} without its superscript, or a factor",
            do=f'If it is a power of ten, name the column "{head} ({power})"; else multiply the values, and name {due} alone.',
        )  # fmt: skip
    raise DataError(
        f"the column for {own} must be in {due}", got=got, where=where,
        do=f'Name it with a unit that is known, such as "{head} ({due})" or "{head} ({"k" if due == "ohm" else "u"}{due})".'
        if due != "K" else f'Name it "{head} (K)" or "{head} (C)".',
    )  # fmt: skip


def dimension_of(name: str) -> str:
    """Return the unit without its prefix that a column's name carries, such as V for "pulse (mV)"; empty: none that is known.

    Examples
    --------
    >>> dimension_of("pulse (mV)"), dimension_of("pulse #"), dimension_of("Device 1 (uS)")
    ('V', '', 'S')
    """
    text = unit_of(name)[1]
    glued = _GLUED_WORD.search(name.strip()) if text is None else None
    found = known_unit(text if text is not None else glued["unit"] if glued else "")
    return found[0] if found else ""
