"""The command line; ``synarray --help`` lists its commands.

Errors are one message in four parts and exit status 2, without a traceback (``--debug`` shows it); Ctrl-C exits 130.
With ``--json`` one JSON object goes to standard output and nothing else; everything for people goes to standard error.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from synarray.cli.device_group import device
from synarray.cli.options import Json, Settings, folder_option
from synarray.cli.study_group import study
from synarray.errors import RunError, SynarrayError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Train a spiking network inside a simulated array of memory devices, and count what it took.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip

devices = typer.Typer(help="The library of memory devices.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(devices, name="devices")
app.add_typer(device, name="device")
array = typer.Typer(help="The physical array a network lies in.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(array, name="array")
app.add_typer(study, name="study")


def _version(asked: bool) -> None:
    if asked:
        from synarray import __version__

        typer.echo(f"synarray {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Train a spiking network inside a simulated array of memory devices, and count what it took."""


@app.command()
def train(
    experiment: Annotated[
        str | None, typer.Argument(help="Experiment file, or the name of a packaged one; default: local-fields.")
    ] = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run; overrides the experiment's.")] = None,
    out: Annotated[
        Path | None,
        folder_option("Folder of the run; never one that holds something already."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run of this experiment if it was interrupted; else begin it."),
    ] = False,
    json: Json = False,
) -> None:
    """Train a network, test it once, and keep the run in a folder; it is saved on its way."""
    from synarray.cli.training import run_training

    run_training(experiment, settings or [], seed, out, json, resume)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="Folder of the run, whether it is there already or not.")],
    json: Json = False,
) -> None:
    """Go on with a run that was interrupted, from its last checkpoint, to the same result."""
    from synarray.cli.training import resume_training

    resume_training(run, json)


@app.command()
def reproduce(
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds per row: 0, 1, 2, ...")] = 3,
    only: Annotated[str | None, typer.Option(help="Comma-separated keys of rows to run; default: all.")] = None,
    settings: Settings = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs at a time; default: the number of cores.")] = None,
    out: Annotated[
        Path | None,
        folder_option("Folder of the report; default: reports/reproduce."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the paper's experiment: the table against the paper, and a report."""
    from synarray.cli.reproducing import run_reproduction

    run_reproduction(seeds, only, settings or [], workers, out, json)


@app.command()
def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path | None, folder_option("Folder for the figures; default: RUN/figures.")] = None,
    format: Annotated[str, typer.Option("--format", help="Figure format: png, svg or pdf.")] = "png",
    neurons: Annotated[int, typer.Option(min=1, help="Receptive fields drawn in the figure.")] = 48,
    json: Json = False,
) -> None:
    """Show a run: table, receptive fields, training curve."""
    from synarray.cli.showing import show_run

    show_run(run, out, format, neurons, json)


@app.command()
def report(
    path: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a run or of a study.")],
    out: Annotated[Path | None, folder_option("Folder of the page; default: FOLDER/report.")] = None,
    format: Annotated[
        str, typer.Option("--format", help="Format of the figures beside the page: svg, png or pdf.")
    ] = "svg",
    json: Json = False,
) -> None:
    """Write a page about a run or a study: figures with their numbers, array, ledger, wear, provenance, references."""
    from synarray.cli.reporting import report

    report(path, out, format, json)


@app.command()
def cite(
    path: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a run or of a study.")], json: Json = False
) -> None:
    """Print BibTeX of exactly the devices, rules and prices that a run or a study used."""
    from synarray.cli.reporting import cite

    cite(path, json)


@app.command()
def energy(
    run: Annotated[Path, typer.Argument(help="Folder of a run in cells of a device.")],
    technology: Annotated[
        str | None, typer.Option(help="Price the run's counts for another device: a name of the library, or a file.")
    ] = None,
    node: Annotated[
        str | None, typer.Option(help="Technology node of the circuits, 7nm to 130nm; default: 45nm.")
    ] = None,
    compare: Annotated[str | None, typer.Option(help="Comma-separated devices to put beside it.")] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="A .toml file of prices that differ from cost/periphery.toml, each with its source."),
    ] = None,
    passive: Annotated[bool, typer.Option("--passive", help="Price an array without access transistors.")] = False,
    json: Json = False,
) -> None:
    """Price a finished run: joules, seconds, bytes, area; beside other devices and conventional machines."""
    from synarray.cli.energy import show_energy

    show_energy(run, technology, node, compare, prices, passive, json)


@app.command()
def lifetime(
    run: Annotated[Path, typer.Argument(help="Folder of a run in cells of a device.")],
    share: Annotated[str, typer.Option(help="Share of the cells whose failure ends the array's life.")] = "1%",
    retention: Annotated[
        bool, typer.Option("--retention", help="Read the test images again, up to 10 years later.")
    ] = False,
    temperature: Annotated[
        str | None,
        typer.Option(help="Temperature meanwhile, e.g. 85C; implies --retention. Default: the device's own."),
    ] = None,
    node: Annotated[str | None, typer.Option(help="Technology node of the circuits; default: 45nm.")] = None,
    out: Annotated[Path | None, folder_option("Folder for the figures; default: RUN/figures.")] = None,
    format: Annotated[str, typer.Option("--format", help="Figure format: png, svg or pdf.")] = "png",
    json: Json = False,
) -> None:
    """Show what a run wore out: trainings its array lives through, with wear levelling; what it still reads years later."""
    from synarray.cli.lifetime import show_lifetime

    show_lifetime(run, share, retention, temperature, node, out, format, json)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer images and sizes.")] = False,
    json: Json = False,
) -> None:
    """Measure speed against the same network in NumPy, against the machine's limits, and by network size."""
    from synarray.cli.benching import run_bench

    run_bench(quick, json)


@devices.command("list")
def list_devices(json: Json = False) -> None:
    """List the library: law, range, levels, spread, and what is not confirmed."""
    from synarray.cli.devices import list_devices

    list_devices(json)


@devices.command("show")
def show_device(
    name: Annotated[str, typer.Argument(help="Name of a device of the library, or the path of a .toml file.")],
    out: Annotated[Path | None, folder_option("Folder for the figures; default: devices/NAME.")] = None,
    format: Annotated[str, typer.Option("--format", help="Figure format: png, svg or pdf.")] = "png",
    json: Json = False,
) -> None:
    """Show a device: every number with its source, its pulse response, and how well it can follow the law of learning."""
    from synarray.cli.devices import show_device

    show_device(name, out, format, json)


@array.command("show")
def array_show(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path | None, folder_option("Folder for the figures; default: RUN/figures.")] = None,
    format: Annotated[str, typer.Option("--format", help="Figure format: png, svg or pdf.")] = "png",
    json: Json = False,
) -> None:
    """Show where a run's cells lie: maps of conductance, pulses per cell, pruned and stuck cells."""
    from synarray.cli.arrays import show_array

    show_array(run, out, format, json)


_LEAST = 1 << 30
"""Bytes of address space, most of it never used, that NumPy, SciPy and LLVM ask for at their start."""


class _InterruptedError(BaseException):
    """Ctrl-C. No KeyboardInterrupt, which the command library would answer in its own way."""


def _interrupt(*_: Any) -> NoReturn:
    raise _InterruptedError


def main() -> None:
    """Run a command; turn errors into messages and exit statuses."""
    signal.signal(signal.SIGINT, _interrupt)
    debug = "--debug" in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        _require_memory()
        app(args=arguments, prog_name="synarray", standalone_mode=True)
    except SynarrayError as error:
        if debug:
            raise
        print(f"synarray: {error}", file=sys.stderr)
        sys.exit(2)
    except _InterruptedError:
        print("synarray: interrupted; what was finished before is whole on disk.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except (MemoryError, OSError, ImportError, RuntimeError) as error:
        wanting = _wanting(error)
        if debug or wanting is None:
            raise
        print(f"synarray: {wanting}", file=sys.stderr)
        sys.exit(2)


def _require_memory() -> None:
    """Refuse a limit under which the libraries for arrays do not start; some of them would try forever."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < _LEAST:
        raise RunError(
            f"the command needs {_LEAST >> 20:,} MB of address space", got=f"a limit of {allowed >> 20:,} MB",
            where="ulimit -v", do="Raise the limit, or limit the memory in use instead (systemd-run -p MemoryMax=...).",
        )  # fmt: skip


def _wanting(error: Exception) -> SynarrayError | None:
    """Say what the system did not give; None for an error of the program itself."""
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return RunError(
            "the work must fit into the memory there is", got=str(error) or "a request that was refused",
            where="this command", do="Use fewer neurons or images or smaller arrays, or allow more memory (ulimit -v).",
        )  # fmt: skip
    if isinstance(error, ImportError):
        return RunError(
            "the packages that synarray needs must be there, and allowed to load", got=str(error), where="this Python",
            do="Install synarray again, or allow more memory and open files (ulimit -v, ulimit -n).",
        )  # fmt: skip
    if isinstance(error, OSError):
        return RunError(
            "the system must give what the command needs", got=error.strerror or str(error) or type(error).__name__,
            where=str(error.filename or "this command"), do="Free or allow more of it; finished runs are whole on disk.",
        )  # fmt: skip
    return None
