"""``synarray device ...``: a device of your own, from measured pulses to its verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synarray.cli.options import DeviceName, Json, Settings, complete_devices, file_option, folder_option

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
    from synarray.cli.fitting import Reading, fit_pulses

    fit_pulses(pulses, output, Reading(kind, columns, ltd, only, decimal), out, explain, into, as_json)


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
    from synarray.cli.fitting import synthesise

    synthesise(name, devices, cycles, kind, seed, output, as_json)


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
    from synarray.cli.fitting import import_parameters

    import_parameters(file, output, kind, section, g_min, g_max, as_json)


@device.command("export")
def export_device(
    name: DeviceName,
    kind: Annotated[str, typer.Option("--format", help="crosssim, neurosim, aihwkit or spice.")],
    output: Annotated[Path | None, file_option("File or folder to write; default: print the file.", "PATH")] = None,
    as_json: Json = False,
) -> None:
    """Write a device for another simulator. It is read back, and what changed on the way is said."""
    from synarray.cli.fitting import export_parameters

    export_parameters(name, kind, output, as_json)


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
    from synarray.cli.fitting import Reading
    from synarray.cli.judging import Request, run_judge

    run_judge(
        Request(
            source, measured, Reading(kind, columns, ltd, only, decimal), task, experiment, settings or [], seeds, draws,
            workers, reach, pulse, endurance, out, as_json,
        )
    )  # fmt: skip
