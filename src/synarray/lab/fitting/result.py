"""What a fit says: each number with its interval, the device, its draws, a verdict in words; and the device's file."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synarray.device.spec import DeviceSpec
from synarray.errors import RunError, SynarrayError
from synarray.extras import require
from synarray.files import write_file
from synarray.lab.rows.measured import Measurements
from synarray.units import format_quantity

__all__ = [
    "DRAWS",
    "LAST_KEYS",
    "Estimate",
    "Finding",
    "Fit",
    "Table",
    "device_toml",
    "spec_toml",
    "valid_draws",
    "write_device",
]

DRAWS = 50
"""Draws that a device's file keeps."""
LAST_KEYS = (
    "g_min", "g_max", "n_levels_ltp", "n_levels_ltd", "nonlinearity_ltp", "nonlinearity_ltd", "sigma_c2c", "sigma_d2d_range",
    "sigma_d2d_step", "sigma_d2d_nonlinearity", "sigma_read", "p_switch_ltp", "p_switch_ltd", "p_fail", "stuck_low", "stuck_high",
)  # fmt: skip
_QUANTITIES = {
    "g_min": "S",
    "g_max": "S",
    "v_ltp": "V",
    "v_ltd": "V",
    "t_ltp": "s",
    "t_ltd": "s",
    "v_read": "V",
    "t_read": "s",
}

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


class Table(dict[str, Estimate]):
    """Numbers of a device with their intervals: by name, and when called as a table."""

    def __call__(self) -> Any:
        """Return a pandas DataFrame: a row for each number, with ``value``, ``low`` and ``high`` (95 %), SI units.

        Raises
        ------
        MissingExtraError
            Without pandas: ``pip install 'synarray[studies]'``.
        """
        pd = require("studies", "tables of fits", "pandas")
        return pd.DataFrame.from_dict({key: e._asdict() for key, e in self.items()}, orient="index")


class Finding(NamedTuple):
    """Something in the data that is not in a device's numbers."""

    name: str
    size: Estimate
    modelled: bool
    """Whether the fit allows for it, so that the other numbers are free of it."""
    words: str


@dataclass(frozen=True, repr=False)
class Fit:
    """A device fitted to measured pulses.

    Attributes
    ----------
    spec : DeviceSpec
        The device; also ``device``.
    table : Table
        Numbers with their intervals, by the names of the device's numbers; ``table()`` is a pandas DataFrame of them.
    draws : dict of str to list
        Columns of the posterior, as they are in the device's file.
    rows_used : int
        Rows that went into the fit.
    rows_discarded : dict of str to int
        The others, by reason.
    scores : dict of str to float
        How much worse each law is than the chosen one: twice the log-likelihood that it lacks, with the price of its numbers.
    verdict, warnings : tuple of str
        In plain language.
    measured : Measurements
    findings : tuple of Finding
        What the residuals show beyond the device's numbers, with its size, and whether the fit allows for it.
    """

    spec: DeviceSpec
    table: Table
    draws: dict[str, list[Any]]
    rows_used: int
    rows_discarded: dict[str, int]
    scores: dict[str, float]
    verdict: tuple[str, ...]
    warnings: tuple[str, ...]
    measured: Measurements = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def device(self) -> DeviceSpec:
        """The fitted device."""
        return self.spec

    def plot(self) -> Any:
        """Draw measured trains, the fitted device, and cells of draws of the fit; returns the matplotlib figure.

        Raises
        ------
        MissingExtraError
            Without matplotlib: ``pip install 'synarray[report]'``.
        """
        views: Any = importlib.import_module("synarray.report.fit_views")  # of a floor above, met when it is called
        return views.fit_figure(self)

    def __repr__(self) -> str:
        """Say what was found in a few lines."""
        numbers = [f"{name}: {text}" for name, text in self._facts()]
        return "\n".join([f"Fit of {self.measured.source}: law {self.spec.law}", *numbers, *self.verdict])

    def _repr_html_(self) -> str:
        """Return the same as a small card for notebooks."""
        cell = "style='text-align:left'"
        rows = "".join(f"<tr><th {cell}>{name}</th><td {cell}>{escape(text)}</td></tr>" for name, text in self._facts())
        said = "".join(f"<div>{escape(words)}</div>" for words in (*self.verdict, *(f.words for f in self.findings)))
        title = escape(f"Fit of {self.measured.source}: law {self.spec.law}")
        return f"<table><caption {cell}><b>{title}</b></caption>{rows}</table>{said}"

    def _facts(self) -> list[tuple[str, str]]:
        """Numbers that act in the device, with their intervals."""
        return [
            (key, f"{value:.4g} ({low:.4g} to {high:.4g})")
            for key, (value, low, high) in self.table.items()
            if key in self.spec.sources
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything for machines: law, each number with ``_low`` and ``_high``, counts of rows, words."""
        numbers: dict[str, Any] = {"law": self.spec.law}
        named = [(key, key) for key in LAST_KEYS] + [("sigma_d2d", "sigma_d2d_step")]
        for name, key in named:
            estimate = self.table[key]
            numbers |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        if self.spec.response is not None:
            numbers["response"] = self.spec.response.model_dump(mode="json")
        return numbers | {
            "rows_used": self.rows_used,
            "rows_discarded": sum(self.rows_discarded.values()),
            "discarded": self.rows_discarded,
            "devices": len(self.measured.devices),
            "format": self.measured.format,
            "repairs": list(self.measured.repairs),
            "remarks": list(self.measured.remarks),
            "law_deviance": self.scores,
            "findings": [
                {
                    "name": f.name,
                    "size": f.size.value,
                    "size_low": f.size.low,
                    "size_high": f.size.high,
                    "modelled": f.modelled,
                    "words": f.words,
                }
                for f in self.findings
            ],
            "warnings": list(self.warnings),
            "verdict": list(self.verdict),
        }


def spec_toml(spec: DeviceSpec) -> str:
    """Write a device as in a file of the library: every number beside its source."""
    lines = [f"{key} = {_text(getattr(spec, key))}" for key in ("name", "title", "note", "law") if getattr(spec, key)]
    lines.append("")
    for key, source in spec.sources.items():
        value = getattr(spec, key)
        if key == "response":
            written = (
                "{ " + ", ".join(f"{part} = {list(getattr(value, part))!r}" for part in ("x", "ltp", "ltd")) + " }"
            )
        else:
            written = _text(format_quantity(value, _QUANTITIES[key])) if key in _QUANTITIES else repr(value)
        sure = "" if source.confirmed else ", confirmed = false"
        lines.append(f"{key} = {{ value = {written}, source = {_text(source.source)}{sure} }}")
    return "\n".join(lines) + "\n"


def device_toml(fit: Fit) -> str:
    """Write a fitted device, and its posterior below."""
    columns = "".join(f"{key} = {json.dumps(column)}\n" for key, column in fit.draws.items())
    return spec_toml(fit.spec) + (f"\n[posterior]\n{columns}" if columns else "")


def write_device(fit: Fit, path: Path | str) -> Path:
    """Write a fitted device to a TOML file: every number beside its source, and the draws of its posterior.

    Raises
    ------
    RunError
        When the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".toml":
        raise RunError(
            "a device's file must end in .toml",
            got=path.name,
            where="--output",
            do=f"Write {path.with_suffix('.toml').name}.",
        )
    write_file(path, device_toml(fit).encode())
    return path


def _text(words: str) -> str:
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")


def valid_draws(
    spec: DeviceSpec, columns: dict[str, Floats], tables: list[tuple[Any, ...]] | None = None
) -> dict[str, list[Any]]:
    """Keep the draws that are devices, as many as a file has; each is tried as it will be read."""
    kept: dict[str, list[Any]] = {key: [] for key in columns}
    if tables:
        kept["response"] = []
    count = len(next(iter(columns.values()))) if columns else 0
    known = dict(spec) | {"sources": {}}
    for i in range(count):
        if len(next(iter(kept.values()))) >= DRAWS:
            break
        values: dict[str, Any] = {key: float(column[i]) for key, column in columns.items()}
        response = tables[i % len(tables)] if tables else None
        extra = {"response": dict(zip(("x", "ltp", "ltd"), response, strict=True))} if response else {}
        try:
            DeviceSpec(**{**known, **values, **extra})
        except SynarrayError:
            continue
        for key, value in values.items():
            kept[key].append(float(f"{value:.9g}"))
        if response:
            kept["response"].append([list(part) for part in response])
    return kept if count and next(iter(kept.values())) else {}
