"""``synarray device ...``: a device of your own, from measured pulses to its verdict."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from synarray.cli.options import (
    DeviceName,
    Json,
    Reading,
    Settings,
    complete_devices,
    file_option,
    folder_option,
    require_free,
)
from synarray.errors import DataError, RunError
from synarray.files import write_file

__all__ = ["device"]

PulseFormat = Annotated[str | None, typer.Option("--format", help="Format of the file of pulses; default: recognised.")]
Columns = Annotated[
    str | None, typer.Option(help="What columns mean, before their names: 'G_S=Cond in uS,read_V=0.1 V'.")
]
Ltd = Annotated[
    str | None, typer.Option(metavar="rising|falling", help="Whether LTD is listed from its lowest conductance up.")
]
Only = Annotated[str | None, typer.Option(metavar="ltp|ltd", help="Read one branch alone.")]
Decimal = Annotated[
    str | None, typer.Option(metavar="comma|point", help="Decimal mark; default: found in the numbers.")
]

device = typer.Typer(help="A device of your own, from measured pulses.", no_args_is_help=True, rich_markup_mode=None)


@device.command("fit")
def fit_device(
    pulses: Annotated[Path, typer.Argument(help="File of measured pulses.")],
    output: Annotated[Path | None, file_option("Write the device here; default: NAME.toml.")] = None,
    kind: PulseFormat = None,
    columns: Columns = None,
    ltd: Ltd = None,
    only: Only = None,
    decimal: Decimal = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each column was taken for; fit nothing.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(metavar="DEVICE.toml", help="Put retention or endurance into this device's file.")
    ] = None,
    out: Annotated[Path | None, folder_option("Folder for the figures; default: devices/NAME.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a device to measured pulses. Its law, range, levels and spreads, each with an interval."""
    from synarray.cli.traces import require_device_place, say_aged, say_explained
    from synarray.lab.exchange.imported import name_from
    from synarray.lab.fitting import fit, write_device
    from synarray.lab.formats import explain_file, read_file
    from synarray.lab.traces.retention import Aged
    from synarray.report import figures
    from synarray.report.fit_views import fit_figure, fit_sentences, fit_table, steps_left
    from synarray.report.terminal import standard_output
    from synarray.run.folder import check_writable

    if explain:
        say_explained(explain_file(pulses, kind, columns, ltd=ltd, only=only, decimal=decimal), as_json)
        return
    target = output or Path(f"{name_from(pulses)}.toml")
    if output is not None:
        require_device_place(target)
    measured = read_file(pulses, kind, columns, ltd=ltd, only=only, decimal=decimal)
    if isinstance(measured, Aged):
        say_aged(measured, pulses, output, into, as_json)
        return
    if into is not None:
        raise DataError("--into takes a retention trace or an endurance loop", got="pulse trains", where=str(pulses),
                        do="Write the device with -o.")  # fmt: skip
    require_device_place(target)
    check_writable(target.parent)
    check_writable(out or Path("devices") / name_from(target))
    found = fit(measured, name_from(target))
    drawn = {"fitted-curves": fit_figure(found), "steps": steps_left(found.spec, found.measured)}
    files = figures.save(drawn, out or Path("devices") / found.spec.name, "png")
    replaced = _replaced([target])
    write_device(found, target)
    if as_json:
        print(
            json.dumps(
                found.as_json()
                | {"device": str(target), "replaced": replaced, "figures": [str(file) for file in files]}
            )
        )
        return
    console = standard_output()
    console.print(fit_table(found))
    for sentence in fit_sentences(found):
        console.print(sentence)
    console.print(f"Device: {target}", soft_wrap=True)
    _say_replaced(replaced)
    console.print("Figures:", *(str(file) for file in files), soft_wrap=True)


@device.command("synth")
def synth_device(
    name: DeviceName,
    devices: Annotated[int, typer.Option(min=1, max=10_000, help="Devices measured.")] = 20,
    cycles: Annotated[
        int, typer.Option(min=1, max=10_000, help="Cycles of each: an LTP train, then an LTD train.")
    ] = 10,
    kind: Annotated[str, typer.Option("--format", help="Format of the file.")] = "synarray",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the spreads.")] = 0,
    output: Annotated[Path | None, file_option("File to write; default: NAME-pulses.csv.")] = None,
    as_json: Json = False,
) -> None:
    """Write synthetic pulses of a known device, to try the fit on."""
    from synarray.device.library import load_device
    from synarray.export.device_files import held
    from synarray.lab.formats import format_named
    from synarray.lab.synthetic import measure_devices
    from synarray.report.terminal import standard_output

    device, form = load_device(name), format_named(kind)
    if form.write is None:
        raise DataError("the format must be one that pulses can be written in", got=kind, where="--format",
                        do="Use synarray device export for lookup tables.")  # fmt: skip
    target = output or Path(f"{device.name}-pulses{form.suffix}")
    _require_place(target, form.suffix, name)
    measured = measure_devices(device, devices, cycles, seed)
    files = form.write(measured)
    there = held(measured, kind, files)
    for file, content in files.items():  # the same once more is no loss
        require_free(target / file if form.suffix == "" else target, "synthetic pulses", ours=content)
    written, _ = _write(files, target, form.suffix == "")
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
    if there.missing:
        measured_words = f"{_count(devices, 'device')} x {_count(cycles, 'cycle')}"
        console.print(f"Of {measured_words} that were measured: {there.missing}.", soft_wrap=True)
    console.print(
        f"Fit them: synarray device fit {shlex.quote(str(target))}"
        + (" --format aihwkit-steps" if kind == "aihwkit-steps" else ""),
        soft_wrap=True,
    )


@device.command("import")
def import_device(
    file: Annotated[Path, typer.Argument(help="File of parameters: aihwkit preset, NeuroSim, N2D2.")],
    output: Annotated[Path | None, file_option("Write the device here; default: NAME.toml.")] = None,
    kind: Annotated[
        str | None, typer.Option("--format", help="aihwkit, neurosim or n2d2; default: recognised.")
    ] = None,
    section: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which device of a file with several: constructor, class, section."),
    ] = None,
    g_min: Annotated[str | None, typer.Option(help='Lowest conductance where the file has none, "1 uS".')] = None,
    g_max: Annotated[str | None, typer.Option(help='Highest conductance where the file has none, "10 uS".')] = None,
    as_json: Json = False,
) -> None:
    """Turn the parameters of another simulator into a device."""
    from synarray.cli.traces import require_device_place
    from synarray.lab.exchange.imported import name_from
    from synarray.lab.exchange.parameters import read_parameters
    from synarray.lab.fitting.result import spec_toml
    from synarray.report.terminal import standard_output

    target = output or Path(f"{name_from(file)}.toml")
    _require_place(target, ".toml", str(file))
    require_device_place(target)
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


@device.command("export")
def export_device(
    name: DeviceName,
    kind: Annotated[str, typer.Option("--format", help="crosssim, neurosim, aihwkit or spice.")],
    output: Annotated[Path | None, file_option("File or folder to write; default: print the file.", "PATH")] = None,
    as_json: Json = False,
) -> None:
    """Write a device for another simulator. It is read back, and what changed on the way is said."""
    from synarray.device.library import load_device
    from synarray.export import device_files
    from synarray.export.ngspice_cell import follow_in_ngspice
    from synarray.report.fit_views import changes_table
    from synarray.report.terminal import Terminal, standard_output

    device = load_device(name)
    files = device_files.export_device(device, kind)
    suffix = device_files.EXPORTS[kind][1]
    if output is None and suffix == "":
        raise RunError("an export of several files needs a folder for them", got="none", where="--output",
                       do=f"Name one: -o {device.name}-{kind}")  # fmt: skip
    if output is not None:
        _require_place(output, suffix, name)
    words = "the device was read back from what was written"
    try:
        changes = [] if kind == "spice" else device_files.round_trip(device, kind)
        if kind == "spice":
            changes = [
                device_files.Change("state in ngspice, largest difference", 0.0, follow_in_ngspice(device).error)
            ]
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


@device.command("judge")
def judge_device(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DEVICE|PULSES",
            help="Name of a device of the library, a .toml file, or measured pulses to be fitted.",
            autocompletion=complete_devices,
        ),
    ],
    task: Annotated[
        str | None, typer.Option(metavar="mnist|PATH", help="Data set; default: the experiment's, mnist.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Experiment file, or the name of a packaged one; default: judge.")
    ] = None,
    settings: Settings = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Trainings of a device that was not fitted; default: 8.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Trainings of a fitted device, each of a draw; default: 8.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time; default: the number of cores.")
    ] = None,
    reach: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help="Also find what would reach this accuracy (about as long again)."),
    ] = None,
    pulse: Annotated[
        str | None,
        typer.Option(help='Programming pulses: "0.85 V, 1 us", or LTP / LTD: "+0.85 V 1 us / -0.9 V 2 us".'),
    ] = None,
    endurance: Annotated[
        float | None, typer.Option(metavar="PULSES", help="Pulses after which 63 % of the cells have failed: 1e6.")
    ] = None,
    measured: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Pulses a device was fitted to, to be drawn in its page.")
    ] = None,
    kind: PulseFormat = None,
    columns: Columns = None,
    ltd: Ltd = None,
    only: Only = None,
    decimal: Decimal = None,
    out: Annotated[Path | None, folder_option("Folder of the page; default: verdicts/NAME.")] = None,
    as_json: Json = False,
) -> None:
    """Judge a device, or measured pulses. Accuracy, energy, life, its worst properties, what to improve; one page.

    The first answer comes after seconds and is refined for about a minute; Ctrl-C keeps the answer so far.
    """
    from synarray.cli.judging import run_judge
    from synarray.judge.question import EXPERIMENT, Question

    question = Question(
        source, task, experiment or EXPERIMENT, tuple(settings or []), draws, seeds, reach, pulse, endurance
    )
    run_judge(question, measured, Reading(kind, columns, ltd, only, decimal), workers, out, as_json)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("s" if n != 1 else "")


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
    from synarray.report.terminal import standard_output

    if paths:
        standard_output().print("Replaced:", *paths, soft_wrap=True)


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
