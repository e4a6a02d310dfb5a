"""``synarray device fit | synth | import | export``: a device from measured pulses, and devices to and from other tools."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synarray.device.library import load_device
from synarray.errors import DataError, RunError
from synarray.files import write_file
from synarray.lab.exchange.imported import name_from
from synarray.report.terminal import Terminal, standard_output

__all__ = ["Reading", "export_parameters", "fit_pulses", "import_parameters", "synthesise"]


@dataclass(frozen=True)
class Reading:
    """How a file of pulses is to be read."""

    kind: str | None = None
    columns: str | None = None
    ltd: str | None = None
    only: str | None = None
    decimal: str | None = None

    @property
    def choices(self) -> dict[str, str | None]:
        """What is not the format and not the columns."""
        return {"ltd": self.ltd, "only": self.only, "decimal": self.decimal}

    @property
    def words(self) -> list[str]:
        """The options that were given, as on the command line."""
        given = {"format": self.kind, "columns": self.columns, **self.choices}
        return [word for option, value in given.items() if value is not None for word in (f"--{option}", value)]


def fit_pulses(
    pulses: Path,
    output: Path | None,
    reading: Reading,
    out: Path | None,
    explain: bool,
    into: Path | None,
    as_json: bool,
) -> None:
    """Fit, write the device and its figures, and say what was found; or only say how the file would be read."""
    from synarray.cli.traces import say_aged, say_explained
    from synarray.lab.fitting import fit, write_device
    from synarray.lab.formats import explain_file, read_file
    from synarray.lab.traces.retention import Aged
    from synarray.report import figures
    from synarray.report.fit_views import fit_figure, fit_sentences, fit_table, steps_left
    from synarray.run.folder import check_writable

    if explain:
        say_explained(explain_file(pulses, reading.kind, reading.columns, **reading.choices), as_json)
        return
    target = output or Path(f"{name_from(pulses)}.toml")
    _require_toml(target)
    measured = read_file(pulses, reading.kind, reading.columns, **reading.choices)
    if isinstance(measured, Aged):
        say_aged(measured, pulses, output, into, as_json)
        return
    if into is not None:
        raise DataError("--into takes a retention trace or an endurance loop", got="pulse trains", where=str(pulses),
                        do="Write the device with -o.")  # fmt: skip
    check_writable(target.parent)
    check_writable(out or Path("devices") / name_from(target))
    found = fit(measured, name_from(target))
    drawn = {
        "fitted-curves": fit_figure(found),
        "steps": steps_left(found.spec, found.measured),
    }
    files = figures.save(drawn, out or Path("devices") / found.spec.name, "png")
    write_device(found, target)
    if as_json:
        print(json.dumps(found.as_json() | {"device": str(target), "figures": [str(file) for file in files]}))
        return
    console = standard_output()
    console.print(fit_table(found))
    for sentence in fit_sentences(found):
        console.print(sentence)
    console.print(f"Device: {target}", soft_wrap=True)
    console.print("Figures:", *(str(file) for file in files), soft_wrap=True)


def synthesise(
    source: str, devices: int, cycles: int, kind: str, seed: int, output: Path | None, as_json: bool
) -> None:
    """Measure a known device and write what a probe station would."""
    from synarray.export.device_files import held
    from synarray.lab.formats import format_named
    from synarray.lab.synthetic import measure_devices

    device, form = load_device(source), format_named(kind)
    if form.write is None:
        raise DataError("the format must be one that pulses can be written in", got=kind, where="--format",
                        do="Use synarray device export for lookup tables.")  # fmt: skip
    target = output or Path(f"{device.name}-pulses{form.suffix}")
    _require_place(target, form.suffix, source)
    measured = measure_devices(device, devices, cycles, seed)
    files = form.write(measured)
    there = held(measured, kind, files)
    written, replaced = _write(files, target, form.suffix == "")
    truth = {
        key: value
        for key, value in device.model_dump(mode="json", exclude={"sources", "note"}).items()
        if value is not None
    }
    if as_json:
        print(json.dumps({"files": written, "format": kind, "rows": there.reads, "devices": there.devices,
                          "cycles": there.cycles, "left_out": there.missing, "seed": seed, "truth": truth}))  # fmt: skip
        return
    console = standard_output()
    words = "steps" if kind == "aihwkit-steps" else "reads"
    what = f"{_count(there.devices, 'device')} x {_count(there.cycles, 'cycle')}"
    console.print(f"{there.reads:,} {words} of {what} of {device.name}:", *written, soft_wrap=True)
    _say_replaced(replaced)
    if there.missing:
        measured_words = f"{_count(devices, 'device')} x {_count(cycles, 'cycle')}"
        console.print(f"Of {measured_words} that were measured: {there.missing}.", soft_wrap=True)
    console.print(f"Fit them: synarray device fit {shlex.quote(str(target))}" + _hint(kind), soft_wrap=True)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("s" if n != 1 else "")


def _hint(kind: str) -> str:
    return f" --format {kind}" if kind == "aihwkit-steps" else ""


def import_parameters(
    file: Path,
    output: Path | None,
    kind: str | None,
    section: str | None,
    g_min: str | None,
    g_max: str | None,
    as_json: bool,
) -> None:
    """Turn another simulator's parameters into a device's file."""
    from synarray.lab.exchange.parameters import read_parameters
    from synarray.lab.fitting.result import spec_toml

    target = output or Path(f"{name_from(file)}.toml")
    _require_toml(target)
    _require_place(target, ".toml", str(file))
    replaced = _replaced([target])
    found = read_parameters(file, kind, _siemens(g_min, "--g-min"), _siemens(g_max, "--g-max"), section)
    write_file(target, spec_toml(found.spec).encode())
    if as_json:
        values = found.spec.model_dump(mode="json", exclude={"sources"}, exclude_none=True)
        print(json.dumps({"device": str(target), "format": found.format, "section": found.section, "values": values,
                          "left_out": found.left_out, "notes": found.notes, "unconfirmed": found.spec.unconfirmed}))  # fmt: skip
        return
    console = standard_output()
    read = f"{found.format}, {found.section}" if found.section else found.format
    console.print(f"Read as {read}: law {found.spec.law}. Device: {target}", soft_wrap=True)
    _say_replaced(replaced)
    for note in found.notes:
        console.print(f"Note: {note}.", soft_wrap=True)
    if found.spec.unconfirmed:
        console.print("Not in the file, unconfirmed:", ", ".join(found.spec.unconfirmed), soft_wrap=True)
    if found.left_out:
        console.print("Left out, no place for it in a device:", ", ".join(found.left_out), soft_wrap=True)


def export_parameters(source: str, kind: str, output: Path | None, as_json: bool) -> None:
    """Write a device for another simulator, and compare what comes back."""
    from synarray.export.device_files import EXPORTS, Change, export_device, round_trip
    from synarray.export.ngspice_cell import follow_in_ngspice
    from synarray.report.fit_views import changes_table

    device = load_device(source)
    files = export_device(device, kind)
    suffix = EXPORTS[kind][1]
    if output is None and suffix == "":
        raise RunError("an export of several files needs a folder for them", got="none", where="--output",
                       do=f"Name one: -o {device.name}-{kind}")  # fmt: skip
    if output is not None:
        _require_place(output, suffix, source)
    words = "the device was read back from what was written"
    try:
        changes = [] if kind == "spice" else round_trip(device, kind)
        if kind == "spice":
            changes = [Change("state in ngspice, largest difference", 0.0, follow_in_ngspice(device).error)]
            words = "ngspice sent a train to the cell, and synarray to its own; noise, spreads and drift have no place there"
    except RunError as error:
        changes, words = [], f"not compared: {error}"
    text = "" if output else files[""].decode()
    written, replaced = _write(files, output, suffix == "") if output else ([], [])
    if as_json:
        compared = [{"name": c.name, "before": c.before, "after": c.after, "relative": c.relative} for c in changes]
        content = {} if output else {"content": text}
        print(json.dumps({"files": written, "format": kind, "round_trip": compared, "how": words} | content))
        return
    console = standard_output() if output else Terminal(stderr=True)
    if changes:
        console.print(changes_table(changes))
    console.print(f"{words[0].upper()}{words[1:]}.")
    if output:
        console.print("Written:", *written, soft_wrap=True)
        _say_replaced(replaced)
    else:
        print(text, end="")


def _write(files: dict[str, bytes], target: Path, folder: bool) -> tuple[list[str], list[str]]:
    """Write files; return their paths, and those that were there before."""
    paths = [target / name if folder else target for name in files]
    replaced = _replaced(paths)
    for path, content in zip(paths, files.values(), strict=True):
        write_file(path, content)
    return [str(path) for path in paths], replaced


def _replaced(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths if path.is_file()]


def _say_replaced(paths: list[str]) -> None:
    if paths:
        standard_output().print("Replaced:", *paths, soft_wrap=True)


def _require_toml(target: Path) -> None:
    if target.suffix != ".toml":
        raise RunError(
            "a device's file must end in .toml",
            got=target.name or "nothing",
            where="--output",
            do=f"Write {name_from(target)}.toml.",
        )


_ENDINGS = (".toml", ".csv", ".json", ".cpp", ".cir", ".xlsx")
"""Endings that say what a file is; one of another kind of file would deceive."""


def _require_place(target: Path, suffix: str, source: str) -> None:
    """Refuse to write over what was read, into a folder's name, or under the ending of another kind of file."""
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise RunError("what is written must not replace what was read", got=str(target), where="--output",
                       do="Name another file.")  # fmt: skip
    if suffix and target.is_dir():
        raise RunError(f"a file ({suffix}) must be named, not a folder", got=str(target), where="--output",
                       do=f"Write {target / f'device{suffix}'}.")  # fmt: skip
    if not suffix and target.is_file():
        raise RunError("this format needs a folder for its files", got=f"a file, {target}", where="--output",
                       do="Name a folder.")  # fmt: skip
    ending = target.suffix.lower()
    if ending in _ENDINGS and ending != suffix and (suffix, ending) != (".txt", ".csv"):
        wanted = f"end in {suffix}" if suffix else "be a folder"
        raise RunError(f"what is written in this format must {wanted}", got=target.name, where="--output",
                       do=f"Write {target.with_suffix(suffix)}.")  # fmt: skip


def _siemens(text: str | None, option: str) -> Any:
    from synarray.units import parse_quantity

    if text is None:
        return None
    try:
        return parse_quantity(text, "S")
    except ValueError as error:
        raise DataError(
            "a conductance must carry its unit", got=f"{text!r}, which {error}", where=option, do='Write "1 uS".'
        ) from None
