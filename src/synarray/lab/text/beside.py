"""Words for what is beside measured columns in a table and none itself: means, spreads, fits, currents of a gate.

They are in small letters and without marks, as ``words.plain_words`` returns names.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import re

__all__ = [
    "AFTER",
    "BEFORE",
    "CHANGE",
    "CHANNEL",
    "COPY",
    "FIT",
    "GATE",
    "LEAK",
    "MARKED",
    "MEAN",
    "NEW",
    "OLD",
    "SPREAD",
    "TERMINAL",
]

MEAN = re.compile(r"\b(means?|averages?|avg|median|mittel(wert)?|moyenne|media|promedio)\b|平均|평균|средн")
GATE = re.compile(r"\bgate|\bgrille\b|栅|柵|게이트|ゲート|затвор|\bi ?gs\d*\b")
LEAK = re.compile(
    r"\bleak|\bleck|\bfuite|noise|rausch|\bbruit\b|background|untergrund|漏电|漏電|누설|リーク|утечк|噪声|雜訊|잡음|шум"
)
TERMINAL = re.compile(r"\bi ?[gsb]\d*\b|\b(source|bulk|body|substrate)\b")
CHANNEL = re.compile(r"^\d*$|\b(i ?)?(ds?|sd|ch)\d*\b|drain|channel|kanal|沟道|漏|드레인|ドレイン|сток")
FIT = re.compile(
    r"fit(s|ted|ting)?\b|\bsim\b|simul|model|theor|predict|vorhersage|\bguess\b|\bajust|\banpassung|\bangepasst|trend|resid"
    r"|拟合|擬合|模型|仿真|模拟|理论|预测|残差|피팅|모델|시뮬|이론|잔차|フィット|モデル|シミュ|理論|модел|аппрокс|теор"
)
COPY = re.compile(
    r"smooth|gegl[aä]ttet|\bliss[eé]|filter|filtr[eé]|interp|\bcalc|berechn|\brechnung|\bcomputed\b"
    r"|平滑|滤波|插值|计算|計算|평활|보간|계산|расч[её]т|сглаж"
)
MARKED = re.compile(
    r"\b(s|u|σ|upper|lower|(ober|unter)grenze|ci ?\d*|q ?\d\d?|p ?(5|05|10|25|75|90|95))\b"
    r"|\b(\d+(st|nd|rd|th)? ?)?\w*(quantil|quartil|perzentil|percentil)\w*( ?\d+)?|±|\+ ?/ ?[-−–]"
)
"""A spread or a quantile where the rest of the name is that of another column."""
SPREAD = re.compile(
    r"\b(std|stdev|stddev|sd|s d|sigma|err|error|sem|var|variance|min|max|abs|ci|rms|stdabw\w*|standardabw\w*|fehler)\b|^abs"
    r"|uncertain|unsicherheit|incertitude|streuung|spread|\bdispersion|deviation|abweichung|toleran[cz]|\biqr\b|不确定|偏差|불확|ばらつき"
    r"|\becart\b|标准差|误差|편차|오차|отклонени|ошибк|погрешн"
)
BEFORE = re.compile(
    r"\b(before|pre|prior|vor|vorher|avant|initial|previous)\b|前|이전"
    r"|\b([gri]|lt[pd]) ?(i|ini|init|start|begin)$|\b[gri] ?[nkt]$"
)
AFTER = re.compile(
    r"\b(after|post|nach|nachher|apres|final|next)\b|后|後|이후|\b([gri]|lt[pd]) ?(f|fin|end)$|\b[gri] ?[nkt] 1$"
)
OLD = re.compile(r"\b(old|alt|ancien|[nkt] prev)\b|旧|舊|\b[gri] ?0$")
NEW = re.compile(r"\b(new|neu|nouveau)\b|新|\b[gri] ?[1nkt]$")
"""States before and after a pulse where the values agree: devices may be called so as well."""
CHANGE = re.compile(r"^(δ|delta|d) ?(g|r|i)\b|^(δ|delta) ?lt[pd]\b|\bchange\b|变化")
