"""The command line; ``synarray --help`` lists its commands.

Errors are one message in four parts and exit status 2, without a traceback (``--debug`` shows it); Ctrl-C exits 130.
With ``--json`` one JSON object goes to standard output and nothing else; everything for people goes to standard error.

A command is one function: its signature declares its arguments, its body imports what it needs, so that ``--help`` is fast.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

from synarray.cli import (
    benching,
    continual,
    data,
    devices,
    exporting,
    listing,
    playing,
    reproducing,
    runs,
    studies,
    training,
)
from synarray.cli.device_group import device
from synarray.cli.energy import energy
from synarray.cli.first_page import FIRST_PAGE, GroupedHelp
from synarray.cli.studio import studio
from synarray.errors import RunError, SynarrayError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Train a spiking network inside a simulated array of memory devices, and count what it costs.",
    cls=GroupedHelp,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    training.train,
    training.resume,
    playing.play,
    continual.continual,
    reproducing.reproduce,
    runs.show,
    runs.report,
    runs.cite,
    energy,
    runs.lifetime,
    listing.experiments,
    listing.runs,
    benching.bench,
    studio,
):
    app.command()(_command)
app.add_typer(devices.devices, name="devices")
app.add_typer(device, name="device")
app.add_typer(data.data, name="data")
app.add_typer(runs.array, name="array")
app.add_typer(studies.study, name="study")
app.add_typer(exporting.export, name="export")


def _version(asked: bool) -> None:
    if asked:
        from synarray import __version__

        typer.echo(f"synarray {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("-V", "--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may follow any command.")
    ] = False,
) -> None:
    """Train a spiking network inside a simulated array of memory devices, and count what it costs."""
    if context.invoked_subcommand is None:
        typer.echo(FIRST_PAGE, nl=False)


_LEAST = 1 << 30
"""Bytes of address space, most of it never used, that NumPy, SciPy and LLVM ask for when they start."""


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
        print("synarray: interrupted.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except (MemoryError, OSError, ImportError, RuntimeError) as error:
        refused = _refused(error)
        if debug or refused is None:
            raise
        print(f"synarray: {refused}", file=sys.stderr)
        sys.exit(2)


def _require_memory() -> None:
    """Refuse a limit under which the libraries for arrays do not start; some of them would try without end."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < _LEAST:
        raise RunError(
            f"the command needs {_LEAST >> 20:,} MB of address space",
            got=f"a limit of {allowed >> 20:,} MB",
            where="ulimit -v",
            do="Raise the limit, or limit the memory in use instead (systemd-run -p MemoryMax=...).",
        )


def _refused(error: Exception) -> SynarrayError | None:
    """Say what the system refused; None for an error of the program itself."""
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return RunError(
            "the work must fit into the available memory",
            got=str(error) or "a request that was refused",
            where="this command",
            do="Use fewer neurons or images or smaller arrays, or allow more memory (ulimit -v).",
        )
    if isinstance(error, ImportError):
        return RunError(
            "the packages that synarray needs must be installed, and allowed to load",
            got=str(error),
            where="this Python",
            do="Install synarray again (pip install 'synarray[all]'), or allow more memory and open files (ulimit).",
        )
    if isinstance(error, OSError):
        return RunError(
            "the system must give what the command needs",
            got=error.strerror or str(error) or type(error).__name__,
            where=str(error.filename or "this command"),
            do="Free or allow more of it; finished runs are whole on disk.",
        )
    return None
