"""Citing: the works behind exactly the rules, devices and prices that a run used, as BibTeX.

Devices and prices carry their sources as text, with the keys of the works in ``bibliography.toml`` that they come from
(``cite = ["SHI18"]``). A source without a known key is kept in its own words, as an entry of its own. Numbers that somebody
chose, guessed or remembered are no published work: they are one entry for each device (or the prices), which says so and quotes
them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any

from synarray import __version__
from synarray.cost.baselines import chips
from synarray.cost.prices import load_periphery
from synarray.report.device_tables import acting
from synarray.run.experiment import ExperimentSpec
from synarray.run.opened import Run
from synarray.spec import Source

__all__ = ["Citations", "Entry", "bibliography", "cite_run", "cite_runs", "rules_of"]

_SAFE = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    '"': "''",
    **{c: f"\\{c}" for c in "&%$#_"},
}
"""What would be read as an instruction, or end a field, in words that come from files of others."""


@dataclass(frozen=True)
class Entry:
    """One work: its key, kind, fields, and what of the run rests on it."""

    key: str
    kind: str
    fields: Mapping[str, str]
    uses: tuple[str, ...] = ()

    @property
    def bibtex(self) -> str:
        """The entry as BibTeX; what rests on it is in its field ``annote``."""
        fields = dict(self.fields) | ({"annote": _safe("Used for: " + "; ".join(self.uses))} if self.uses else {})
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
        return f"@{self.kind}{{{self.key},\n{lines}}}\n"


@dataclass(frozen=True)
class Citations:
    """What a run is to cite."""

    entries: tuple[Entry, ...]

    @property
    def bibtex(self) -> str:
        """All entries as one BibTeX file."""
        return "\n".join(entry.bibtex for entry in self.entries)

    def summary(self) -> list[dict[str, Any]]:
        """Return the entries ready for JSON."""
        return [
            {"key": entry.key, "type": entry.kind, "fields": dict(entry.fields), "used_for": list(entry.uses)}
            for entry in self.entries
        ]


@lru_cache
def bibliography() -> dict[str, Entry]:
    """Read the works that are known, by their keys."""
    text = (resources.files("synarray.report") / "bibliography.toml").read_text("utf-8")
    return {key: Entry(key, values.pop("type"), values) for key, values in tomllib.loads(text).items()}


def rules_of(spec: ExperimentSpec) -> Iterator[tuple[str, str]]:
    """Say which rules an experiment follows, each with the key of the work it comes from."""
    yield "SHI18", "law of STDP: LTP that falls exponentially with the weight, constant LTD"
    yield "SHI18", f"{spec.encoding.form} encoding of images as spikes, inputs chosen by their activity"
    yield "NES13", "winner-take-all by softmax over the potentials"
    yield from ((key, spec.pruning.kind.cited_for) for key in spec.pruning.kind.cite)
    if spec.device is not None:
        scheme = spec.synapse.scheme_for(spec.device)
        if scheme.cite:
            yield scheme.cite
        if spec.device.step_law.cite:
            yield spec.device.step_law.cite, "law of the device's pulses"
        yield "NSD2", "circuits around the cells, by technology node"
    yield "SAL11", "counter-based random numbers (Philox)"
    if spec.data == "mnist":
        yield "LEC98", "images: MNIST"


def cite_run(run: Run) -> Citations:
    """Collect what a run is to cite: this program, its rules, its device, and, for a run in cells, the prices of its ledger.

    Returns
    -------
    Citations
        The program first, then known works in the order of their first use, other sources, choices.
    """
    return cite_runs([layer.experiment for layer in run.by_layer()])


def cite_runs(experiments: Iterable[ExperimentSpec]) -> Citations:
    """Collect what several experiments are to cite together."""
    known = bibliography()
    uses: dict[str, dict[str, None]] = {}
    others: dict[str, dict[str, None]] = {}
    choices: dict[str, dict[str, list[str]]] = {}
    for spec in experiments:
        for key, what in rules_of(spec):
            uses.setdefault(key, {})[what] = None
        for owner, number, source in _sources(spec):
            keys = [key for key in source.cite or () if key in known]
            for key in keys:
                uses.setdefault(key, {})[f"{number} of {owner}"] = None
            if not source.confirmed or source.source.startswith("choice"):
                of_owner = choices.setdefault(owner, {}).setdefault(source.source, [])
                if number not in of_owner:
                    of_owner.append(number)
            elif not keys:
                others.setdefault(source.source, {})[f"{number} of {owner}"] = None
    entries = [
        Entry(
            "synarray",
            "misc",
            {
                "author": "{the synarray authors}",
                "title": "synarray: spiking networks trained inside simulated arrays of memory devices",
                "note": f"Version {__version__}",
            },
        )
    ]
    entries += [replace(known[key], uses=tuple(what)) for key, what in uses.items()]
    entries += [
        Entry(f"source-{i}", "misc", {"note": _safe(text)}, tuple(what))
        for i, (text, what) in enumerate(others.items(), 1)
    ]
    entries += [
        Entry(
            f"choices-{re.sub('[^A-Za-z0-9.-]', '-', owner)}",
            "misc",
            {
                "title": _safe(f"Numbers of {owner} that were chosen, or that are unconfirmed"),
                "note": _safe("; ".join(f"{', '.join(numbers)}: {text}" for text, numbers in quoted.items())),
            },
        )
        for owner, quoted in choices.items()
    ]
    return Citations(tuple(entries))


def _sources(spec: ExperimentSpec) -> Iterator[tuple[str, str, Source]]:
    """Yield every source text behind the numbers that act in an experiment: whose it is, which number, the source."""
    if spec.device is None:
        return
    for name in acting(spec.device):
        if name in spec.device.sources:
            yield spec.device.name, name, spec.device.sources[name]
    for name, source in load_periphery().sources.items():
        yield "prices", name, source
    yield "prices", "synaptic operations of chips", Source(source=chips()[0])


def _safe(text: str) -> str:
    """Write words so that BibTeX and LaTeX print them and do nothing else."""
    return "".join(_SAFE.get(c, c) for c in " ".join(text.split()))
