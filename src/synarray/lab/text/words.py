"""What names of columns and settings mean, in the words of the laboratories: from English and German to Korean.

Only the first row of ``QUANTITIES`` that fits counts: a "pulse width" is a width, and a "read voltage" is no pulse's.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from synarray.lab.text.headers import dimension_of, unit_of

__all__ = [
    "BRANCHES",
    "CYCLE",
    "branch_of",
    "cycles_of",
    "device_and_cycle",
    "is_drain",
    "is_pulse_voltage",
    "known_words",
    "label_of",
    "meaning_of",
    "plain_words",
    "setting_of",
    "state_of",
]

_LTP = (
    r"\bltp\b|\bpot\b|\bpotent\w*|\bpotenz\w*|\bpotenci\w*|\benhanc\w*|\binc(r\w*)?\b|\bset\b|\bup\b|\brising\b",
    r"\bpos(itive)?\b|\bplus\b|长时程增强|长程增强|长期增强|增强|增強|强化|強化|강화|증강|증가|長期増強|増強",
    r"потенциац\w*|потенциир\w*|увелич\w*|\bwzmocn\w*",
)
_LTD = (
    r"\bltd\b|\bdep\b|\bdepress\w*|\bdepr[ei]s\w*|\bdec(r\w*)?\b|\breset\b|\bdown\b|\bdn\b|\bfalling\b",
    r"\bneg(ative)?\b|\bminus\b|长时程抑制|长程抑制|长期抑制|抑制|抑压|减弱|減弱|억제|약화|감소|長期抑圧|抑圧",
    r"депресс\w*|уменьш\w*|\bosłab\w*|\boslab\w*",
)
_PROGRAM = (r"\b[girvt]?(prog|program|programme|programming|pgm|write)\b|записи\b|запись",)
_ERASE = (r"\b[girvt]?(erase|erasing|erasure|ers)\b|стирани",)
_LOW = (r"\blrs\b|\b[rgi]? ?on\b|\blow resist\w*|\b[rgi] (an|ein)\b|\bon state\b|低阻|저저항|низкоом\w*|\bснс\b",)
_HIGH = (r"\bhrs\b|\b[rgi]? ?off\b|\bhigh resist\w*|\b[rgi] aus\b|\boff state\b|高阻|고저항|высокоом\w*|\bсвс\b",)
_QUANTITIES: dict[str, tuple[str, ...]] = {
    "read_V": (
        r"\bv ?(read|meas)|\b(read|meas)\w* ?(pulse )?v(olt\w*|bias)?\b|\bvolt\w* .*\bread|\bread\w* .*\bvolt|\bvr\b",
        r"\bbias\b|lesespannung|tension de lecture|读取?电压|讀取電壓|読み?出し?電圧|읽기 ?전압|판독 ?전압",
        r"напряжени\w* (считыв|чтен)\w*|\bv ?чт",
    ),
    "width_s": (
        r"width|duration|\btp\b|\bt ?(pulse|prog|erase|set|reset|ltp|ltd|pot|dep)\b|puls(breite|dauer|lange|weite)",
        r"largeur|\bduree\b|脉宽|脉冲宽度|脈寬|パルス幅|펄스 ?폭|펄스 ?너비|длительност|ширина",
    ),
    "per_row": (r"\bnum(ber)? (of )?(pulses|applied)|\bn ?pulses\b|pulses (per|each)|\bapplied\b",),
    "temperature_K": (r"^temp\b|temperatur|温度|溫度|온도|температур",),
    "time_s": (r"^t$|\btime\b|timestamp|elapsed|\bzeit\b|\btemps\b|时间|時間|시간|врем",),
    "amplitude_V": (
        r"\bv ?(pulse|prog|program|write|erase|set|reset|p|g|gs|in|app|stim|ltp|ltd|pot|dep)\b",
        r"puls\w*.*(volt|amp|height|hohe|spannung)|amplitude|volt|spannung|\btension\b|^v ?\d*$|^av$|\bvp\b| v$",
        r"电压|電壓|電圧|전압|напряжен|амплитуд",
    ),
    "R_ohm": (r"resist|widerst|\bohm\b|\br ?(read|meas|on|off|hrs|lrs)?$|^r ?\d+$|^r\b|电阻|電阻|저항|抵抗|сопротивл",),
    "G_S": (
        r"conduct|\bcond\b|leitwert|leitf|\bg ?(read|meas|syn|prog|erase|on|off|ltp|ltd|pot|dep)?$|^g ?\d+$|^g\b",
        r"电导|電導|전도|컨덕|コンダク|проводимост|кондуктанс|przewodno",
    ),
    "I_A": (
        r"current|\bcurr\b|\bstrom\b|courant|^i ?(read|meas|r|d|ds|on|off|out)?$| i$|^i ?\d+$|^i\b|^ai$|\bi?psc\b|\bepsc\b",
        r"电流|電流|전류|\bток\w*\b",
    ),
    "polarity": (
        r"polarit|\bpol\b|direction|richtung|\boperation\b|^op( type)?$|^type$|^mode$|\bphase\b|\bbranch\b|^sign$",
        r"\bpulse type\b|puls(art|typ)|极性|極性|类型|類型|극성|종류|полярност|^тип( импульса)?$|^операция$",
    ),
    "cycle": (
        r"cycle|\bloops?\b|\bsweep\b|repeat|\btrains?\b|zykl|\bruns?\b|iteration|\bepoch\b",
        r"循环|循環|周期|사이클|サイクル|цикл",
    ),
    "device_id": (
        r"device|\bdev\b|\bduts?\b|\bcell\b|\bdie\b|\bchip\b|wafer|^row\b|^col(umn)?\b|word ?line|bit ?line|^wl$|^bl$",
        r"^(file|datei|fichier|file ?name|position|location|coordinates?|electrodes?|elektrode|structure|struktur|crossbar|dot)$",
        r"\bsite\b|\bsample\b|crosspoint|\bjunction\b|\bpad\b|\bmodule\b|bauteil|bauelement|\bzelle\b|probe\b",
        r"dispositif|echantillon|muestra|campione|образ[ец]\w*|ячейк|элемент|кристалл|мемристор",
        r"cellule|\bpuce\b|^id$|^x$|^y$|^d ?\d*$|器件|单元|單元|芯片|晶片|样品|소자|셀|칩|시편|시료|素子|セル",
    ),
    "pulse": (
        r"puls|\bindex\b|^no$|^nr$|number|^num\b|^n$|^$|count|\bsteps?\b|\bitem\b|\bpoint\b|impuls|numero|nummer|^#?\d+$",
        r"脉冲|脈衝|次数|次數|序号|パルス|펄스|번호|횟수",
        r"импульс|^номер$|^no$|^№$|\bpulso\b|^xdata$|^x(data|axis)? (ltp|ltd|pot|dep)\w*$",
    ),
}


def _joined(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


BRANCHES = tuple((sign, _joined(words)) for sign, words in ((1, _LTP), (-1, _LTD), (2, _PROGRAM), (-2, _ERASE)))
"""LTP, LTD; and program and erase, of which the movement says which is which."""
_SIGNED = re.compile("[GgIiRr] ?(?P<sign>[-+\u2191\u2193])")
"""A quantity with a sign or an arrow behind it."""
_STATES = ((1, _joined(_LOW)), (-1, _joined(_HIGH)))
QUANTITIES = tuple((meaning, _joined(words)) for meaning, words in _QUANTITIES.items())
_QUANTITY_WORDS = re.compile(
    r"\b(conductance|cond|current|resistance|resistivity|leitwert|strom|widerstand|courant|e?i?psc|weights?|values?|data|pulses?|read|of|the|in|g|i|r)\b"
    r"|电导|电流|电阻|전도도|컨덕턴스|전류|저항|проводимост\w*|ток\w*|сопротивлени\w*|при"
)
_BY_DIMENSION = {"S": "G_S", "ohm": "R_ohm", "A": "I_A", "K": "temperature_K"}
_ACCENTS = "\u0300\u0301\u0302\u0308\u0327"
"""Of Latin letters; those of Korean syllables and Japanese letters come together again."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_SCRIPTS = re.compile(
    "(?<=[a-z0-9])(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?=[a-z0-9])"
)
"""Where Latin letters or digits touch Chinese, Japanese or Korean ones."""
_NUMBERED = re.compile(r"\b(ltp|ltd|pot|dep|potentiation|depression|set|reset)(\d+)\b")
_GLUED = re.compile(
    r"\b(read|meas|pulse|prog|set|reset)(v|i|r|g)\b|\b([vigr])(read|meas|pulse|prog|set|reset|ltp|ltd)\b"
)


_FOREIGN = _joined(
    tuple(
        part
        for group in (_LTP, _LTD, _PROGRAM, _ERASE, _LOW, _HIGH, *_QUANTITIES.values())
        for words in group
        for part in words.split("|")
        if not part.isascii() and "(" not in part and ")" not in part
    )
)


def known_words(text: str) -> int:
    """Count the words beyond ASCII that are known, by which one encoding is better than another.

    Examples
    --------
    >>> known_words("\u8109\u51b2\u6570,\u589e\u5f3a(\u03bcS)"), known_words("\u00ce\u00ec\u00e5\u00f0")
    (2, 0)
    """
    return len(_FOREIGN.findall(text.lower()))


def plain_words(name: str) -> str:
    """Return a name in small letters, without unit and marks, its words apart.

    Examples
    --------
    >>> plain_words("PulseV (mV)"), plain_words("Smu1.V[1][1]"), plain_words("# meas_v")
    ('pulse v', 'v', 'meas v')
    """
    head = unit_of(name)[0]
    head = re.sub(r"^[A-Za-z]\w*\d\.(?=[A-Za-z])", "", head)  # the instrument's channel
    letters = unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", head) if c not in _ACCENTS))
    words = re.sub(r"[\W_]+", " ", _CAMEL.sub(" ", letters)).strip().lower()
    words = _NUMBERED.sub(r"\1 \2", _SCRIPTS.sub(" ", words))
    return _GLUED.sub(lambda found: " ".join(part for part in found.groups() if part), words)


def meaning_of(name: str) -> str:
    """Return which quantity a name says: a column of the project, ``time_s``, ``per_row``; empty: none that is known.

    Examples
    --------
    >>> meaning_of("Pulse width (us)"), meaning_of("Leitwert"), meaning_of("읽기 전압"), meaning_of("# pulse_v")
    ('width_s', 'G_S', 'read_V', 'amplitude_V')
    """
    words, dimension = plain_words(name), dimension_of(name)
    if dimension in _BY_DIMENSION:
        return _BY_DIMENSION[dimension]
    found = next((meaning for meaning, pattern in QUANTITIES if pattern.search(words)), "")
    if dimension == "V" or (found in ("pulse", "polarity") and re.search(r"\bv$", words)):
        return "read_V" if found == "read_V" else "amplitude_V"
    if dimension == "s":
        return "width_s" if found in ("width_s", "pulse") else "time_s"
    return found


def branch_of(name: str) -> int:
    """Return 1 where a name says LTP, -1 LTD, 2 program, -2 erase, 0 neither.

    Examples
    --------
    >>> branch_of("Potenzierung"), branch_of("Time[ns]_LTD"), branch_of("억제"), branch_of("Gprog"), branch_of("pulse")
    (1, -1, -1, 2, 0)
    """
    if signed := _SIGNED.fullmatch(unit_of(name)[0].strip()):
        return 1 if signed["sign"] in "+\u2191" else -1
    words = plain_words(name)
    found = {sign for sign, pattern in BRANCHES if pattern.search(words)}
    return found.pop() if len(found) == 1 else 0


def state_of(name: str) -> int:
    """Return 1 where a name says the state of low resistance, -1 of high, 0 neither."""
    words = plain_words(name)
    found = {sign for sign, pattern in _STATES if pattern.search(words)}
    return found.pop() if len(found) == 1 else 0


_A_CYCLE = r"(?:cycle|cyc|loop|run|zyklus|durchlauf|ciclo|цикл|循环|循環|周期|사이클|サイクル)"
CYCLE = re.compile(
    rf"(?<![^\W\d_]){_A_CYCLE}s?(?: ?(?:no|nr|number|nummer)\b)?[ _.:#-]*(?P<behind>\d+)(?!\w)"
    rf"|(?:(?<!\w)|第 ?)(?P<before>\d+) ?(?:st|nd|rd|th|er|e|ere|eme)?[. ]*(?:次|个|個|回目?|번째|차)?(?:の| )*"
    rf"{_A_CYCLE}(?!\w|[ _.:#-]*\d)"
)
"""A cycle with its number: "cycle 3", "3rd cycle", "3. Zyklus", "第3次循环"; not "100 cycles"."""


def device_and_cycle(label: str) -> tuple[str, str]:
    """Return what a name in plain words says besides the cycle, and the number of the cycle; empty where there is none.

    Examples
    --------
    >>> device_and_cycle("device 1 cycle 2"), device_and_cycle("3 zyklus"), device_and_cycle("cell b")
    (('1', '2'), ('', '3'), ('b', ''))
    """
    found = CYCLE.search(label)
    device = " ".join((label[: found.start()] + " " + label[found.end() :]).split()) if found else label
    cycle = (found["behind"] or found["before"]) if found else ""
    return re.sub(r"^(device|dut|cell|dev|器件|소자)\s*(?=\S)", "", device), cycle


def cycles_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return device and cycle of each column or sheet, where each name says a cycle of its own; else nothing.

    Examples
    --------
    >>> cycles_of(["Cycle 1 (uS)", "Cycle 2 (uS)"]), cycles_of(["Dev1_Cycle1", "Dev2_Cycle1"]), cycles_of(["D1", "D2"])
    ([('', '1'), ('', '2')], [('1', '1'), ('2', '1')], [])
    """
    found = [device_and_cycle(label_of(name) or plain_words(name)) for name in names]
    return found if len(set(found)) == len(found) and all(cycle for _, cycle in found) else []


def is_drain(name: str) -> bool:
    """Whether a name says the voltage of a drain, at which the channel of a transistor is read."""
    return bool(re.fullmatch(r"v ?ds?|drain( source)? (voltage|bias)|v ?drain", plain_words(name)))


def setting_of(name: str, dimension: str) -> str:
    """Return what a setting is: by its name, by "Read", "Set" or "Reset" and its unit, or a drain's voltage."""
    if is_drain(name):
        return "read_V"
    found = meaning_of(name)
    if found in ("read_V", "amplitude_V", "width_s", "temperature_K") or dimension not in ("V", "s"):
        return found
    if re.fullmatch(r"read(ing|out)?( pulse)?", plain_words(name)):
        return "read_V" if dimension == "V" else ""
    pulses = branch_of(name) or re.fullmatch(r"(write |prog\w* )?pulses?", plain_words(name))
    return {"V": "amplitude_V", "s": "width_s"}[dimension] if pulses else found


def is_pulse_voltage(name: str) -> bool:
    """Whether a voltage is a pulse's: limits, steps and ranges of the instrument are none."""
    words = plain_words(name)
    if re.search(r"\b(compliance|limit|range|max\w*|min\w*|step\w*|start|stop|source|base|offset|resolution)\b", words):
        return False
    return bool(branch_of(name)) or bool(re.search(r"puls|prog|write|amplitude|\bvp\b|\bv stim", words))


def label_of(name: str) -> str:
    """Return what a name says besides branch and quantity: which device or cycle.

    Examples
    --------
    >>> label_of("Device 2 LTP (uS)"), label_of("Potentiation cycle 3"), label_of("Conductance_LTD")
    ('device 2', 'cycle 3', '')
    """
    words = plain_words(name.partition("@")[0])
    for _, pattern in BRANCHES:
        words = pattern.sub(" ", words)
    words = _QUANTITY_WORDS.sub(" ", words)
    return " ".join(words.split())
