"""``synarray studio``: the page on which the device is changed by sliders, while a network learns in its array."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["studio"]


def studio(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="File of measured pulses, device, experiment or run to begin with; default: one epoch in subquantum CBRAM.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow a run or a study that another process is at work on.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port; the next free one if it is in use. 0: any.")
    ] = 8765,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Open the studio in the browser: move a slider, watch the array learn. It is served on this machine only; Ctrl-C ends it."""
    from synarray.extras import require

    require("studio", "pages of the studio", "starlette", "uvicorn", "websockets")
    from synarray.studio.server import serve

    serve(source or "", watch=watch, port=port, browser=not no_browser, say=lambda text: print(text, flush=True))
    print("The studio has ended.", flush=True)
