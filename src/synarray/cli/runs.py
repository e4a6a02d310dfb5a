"""``synarray show | report | cite | lifetime | array show``: a finished run, or a study, in words and figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import FigureFormat, Figures, Json, Node, RunFolder, folder_option
from synarray.errors import SpecError

if TYPE_CHECKING:
    from synarray.array.geometry import Block
    from synarray.run.opened import Run
    from synarray.run.retention import Retained

__all__ = ["array", "cite", "lifetime", "report", "show"]

array = typer.Typer(help="The physical array that a network is in.", no_args_is_help=True, rich_markup_mode=None)
_FIGURE_HELP = (
    "Draw only this figure: spikes, potentials, learning (a film), pruning, array, wires, energy, pulses, life, "
    "receptive-fields, training-curve or confusion; may be repeated."
)


def _figure_names(incomplete: str) -> list[str]:
    from synarray.report.run_figures.named import RUN_FIGURES

    return [name for name in RUN_FIGURES if name.startswith(incomplete)]


Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a run or of a study.")]


def show(
    run: RunFolder,
    out: Figures = None,
    kind: FigureFormat = "png",
    neurons: Annotated[int, typer.Option(min=1, help="Receptive fields drawn in the figure.")] = 48,
    figure: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=_FIGURE_HELP, autocompletion=_figure_names),
    ] = None,
    by_neurobench: Annotated[
        bool,
        typer.Option("--neurobench", help="Only the metrics of NeuroBench, and writes, joules and wear beside them."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a run in tables and figures: counts, receptive fields, training curve."""
    from synarray.cli.unfinished import curve_in_words, show_curve
    from synarray.report import figures
    from synarray.report.run_tables import run_tables
    from synarray.report.terminal import fields_in_blocks, standard_output
    from synarray.run.fields import pictured
    from synarray.run.in_progress import in_progress
    from synarray.run.opened import open_run

    if by_neurobench:
        return _show_neurobench(run, as_json)
    figures.check_format(kind)
    if (unfinished := in_progress(run)) is not None:
        return show_curve(unfinished, figures.folder_beside(unfinished, out), kind, as_json)
    opened = open_run(run)
    if figure:
        return _show_figures(opened, figure, neurons, figures.folder_beside(run, out), kind, as_json)
    arrays, shape = pictured(opened)
    files, drawn = figures.save_where_possible(
        lambda: figures.of_run(
            arrays,
            shape,
            opened.history,
            opened.metrics["accuracy"],
            neurons,
        ),
        figures.folder_beside(run, out),
        kind,
    )
    if as_json:
        _print(
            opened.metrics | {"run_dir": str(run), "history": [vars(point) for point in opened.history]}, files, drawn
        )
        return
    console = standard_output()
    for table in run_tables(opened.metrics):
        console.print(table)
    for note in opened.metrics["notes"]:
        console.print(f"Note: {note}")
    if curve := curve_in_words(opened.history):
        console.print(curve)
    per_line = max(1, console.width // ((shape or (0, 28))[1] + 2))
    fields = figures.fields_of(arrays, shape, 2 * per_line)
    if fields.shape[2] + 2 <= console.width:
        console.print("Receptive fields of the busiest neurons (bright = high conductance):")
        console.print(fields_in_blocks(fields, console.width, console.color_system is not None))
    console.lines(drawn)


def _show_figures(run: Run, names: list[str], neurons: int, out: Path, kind: str, as_json: bool) -> None:
    """Draw figures of a run by their names, and nothing else."""
    from synarray.report import figures
    from synarray.report.run_figures.named import draw
    from synarray.report.terminal import Terminal, standard_output

    with Terminal(stderr=True).status("drawing"):
        files = figures.save({name: draw(run, name, neurons=neurons) for name in names}, out, kind)
    if as_json:
        return _print({"run_dir": str(run.path)}, files)
    standard_output().lines(" ".join(["Figures:", *map(str, files)]))


def _show_neurobench(run: Path, as_json: bool) -> None:
    """Print a run by NeuroBench's names."""
    from synarray.report.tables import Table
    from synarray.report.terminal import standard_output
    from synarray.run.neurobench import neurobench
    from synarray.run.opened import open_run

    found = neurobench(open_run(run))
    if as_json:
        print(json.dumps(found))
        return
    named, console = dict(found["neurobench"]), standard_output()
    named |= {f"SynapticOperations {name}": value for name, value in named.pop("SynapticOperations").items()}
    for title, values in (("NeuroBench", named), ("Training", found["training"])):
        console.print(Table(title, ("metric", "value"), [(name, _figure(value)) for name, value in values.items()]))
    for note in found["notes"]:
        console.print(note)


def _figure(value: float | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, int) or value >= 100:
        return f"{value:,.{int(isinstance(value, float))}f}"
    return f"{value:.4g}"


def report(
    folder: Folder,
    out: Annotated[Path | None, folder_option("Folder of the page; default: FOLDER/report.")] = None,
    kind: Annotated[
        str, typer.Option("--format", help="Format of the figures beside the page: svg, png or pdf.")
    ] = "svg",
    as_json: Json = False,
) -> None:
    """Write an HTML page about a run or a study. It holds figures, their numbers, energy, wear and references."""
    from synarray.report import figures
    from synarray.report.folder_page import page_of
    from synarray.report.sections import write
    from synarray.report.terminal import standard_output
    from synarray.run.folder import check_writable

    figures.check_format(kind)
    content = page_of(folder)
    place = figures.folder_beside(folder, out, "report")
    check_writable(place)
    page, files = write(content, place, kind)
    size = page.stat().st_size
    if as_json:
        _print({"folder": str(folder), "report": str(page), "bytes": size}, files)
        return
    standard_output().lines(f"Report: {page} ({size / 1e6:.2f} MB), {len(files)} files of figures beside it")


def cite(folder: Folder, as_json: Json = False) -> None:
    """Print BibTeX of what a run or a study used. These are its devices, rules and prices, and no others."""
    from synarray.report.folder_page import citations_of

    cited = citations_of(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "entries": cited.summary(), "bibtex": cited.bibtex}))
        return
    print(cited.bibtex, end="")


def lifetime(
    run: Annotated[Path, typer.Argument(help="Folder of a run on a device.")],
    share: Annotated[str, typer.Option(help="Share of the cells whose failure ends the array's life.")] = "1%",
    retention: Annotated[
        bool, typer.Option("--retention", help="Read the test images again, up to 10 years later.")
    ] = False,
    temperature: Annotated[
        str | None,
        typer.Option(help="Temperature until then, e.g. 85C; implies --retention. Default: the device's own."),
    ] = None,
    node: Node = None,
    out: Figures = None,
    kind: FigureFormat = "png",
    as_json: Json = False,
) -> None:
    """Show what a run wore out. How many trainings its array survives, and what it still reads years later."""
    from synarray.cost.prices import load_periphery
    from synarray.cost.wear import parse_share
    from synarray.report import figures
    from synarray.report.array_section import file_of, pulse_edges
    from synarray.report.charts import pulses_per_cell
    from synarray.report.lifetime_tables import lifetime_table
    from synarray.report.run_figures.life import has_end, life
    from synarray.report.terminal import Terminal, standard_output
    from synarray.run.lifetime import lifetimes
    from synarray.run.opened import open_run
    from synarray.run.retention import read_later, unconfirmed_ageing

    figures.check_format(kind)
    kelvins = None if temperature is None else _kelvins(temperature)
    opened, periphery = open_run(run), load_periphery(node)
    lives = [(found.layer, found) for found in lifetimes(opened, parse_share(share), periphery)]
    retained: list[Retained] | None = None
    if retention or kelvins is not None:
        with Terminal(stderr=True).status("reading the test images again"):
            retained = read_later(opened, temperature=kelvins, workers=os.cpu_count() or 1)
    files, drawn = figures.save_where_possible(
        lambda: {
            file_of(name, what): figure
            for name, found in lives
            for what, figure in (
                ("pulses", pulses_per_cell(found.pulses, pulse_edges(float(found.pulses.max())))),
                *([("life", life(found))] if has_end(found) else []),
            )
        },
        figures.folder_beside(run, out),
        kind,
    )
    unconfirmed = unconfirmed_ageing(opened)
    if as_json:
        later: dict[str, Any] = {"retention": None if retained is None else [_read(point) for point in retained]}
        later |= {"retention_unconfirmed": unconfirmed, "temperature": kelvins, "run_dir": str(run)}
        _print(_by_layer([(name, found.summary()) for name, found in lives]) | later, files, drawn)
        return
    console = standard_output()
    for name, found in lives:
        console.print(lifetime_table(found, name))
        for note in found.notes:
            console.print(f"Note: {note}")
    _print_retention(retained, kelvins, unconfirmed)
    console.lines(drawn)


@array.command("show")
def array_show(run: RunFolder, out: Figures = None, kind: FigureFormat = "png", as_json: Json = False) -> None:
    """Draw maps of the cells of a run. They show conductance, pulses, pruned and stuck cells."""
    from synarray.array.maps import array_maps, check_drawable
    from synarray.report import figures
    from synarray.report.array_section import array_numbers, array_table, file_of
    from synarray.report.terminal import standard_output
    from synarray.run.opened import open_run

    figures.check_format(kind)
    opened = open_run(run)
    layers = []
    for name, layer in opened.in_cells():
        cells, placement = layer.cells()
        check_drawable(placement)
        layers.append((name, layer.metrics, array_maps(cells, placement), placement))
    files, drawn = figures.save_where_possible(
        lambda: {
            file_of(name, f"array-{i + 1}"): figures.array_maps(
                maps, i, ", ".join(filter(None, (metrics["name"], name)))
            )
            for name, metrics, maps, placement in layers
            for i in range(placement.n_arrays)
        },
        figures.folder_beside(run, out),
        kind,
    )
    of_each = [
        (name, array_numbers(maps, placement) | {"device": metrics["device"], "scheme": metrics["scheme"]})
        for name, metrics, maps, placement in layers
    ]
    if as_json:
        whole = [
            (name, numbers | {"blocks": [_block(block) for block in placement.blocks]})
            for (name, numbers), (*_, placement) in zip(of_each, layers, strict=True)
        ]
        _print(_by_layer(whole) | {"run_dir": str(run)}, files, drawn)
        return
    console = standard_output()
    for name, numbers in of_each:
        device = f"{numbers['device']}, {numbers['scheme']}"
        console.print(array_table(numbers, f"{name}: {device}" if name else device))
    console.lines(drawn)


def _by_layer(numbers: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Put the numbers of layers into one list; those of a run without layers are the run's."""
    (name, found), *_ = numbers
    return {"layers": [{"layer": name} | found for name, found in numbers]} if name else found


def _print(found: dict[str, Any], files: list[Path], drawn: str = "") -> None:
    """Print numbers and the files of their figures as JSON; where none could be drawn, also why."""
    left_out = {"figures_left_out": drawn} if drawn and not files else {}
    print(json.dumps(found | {"figures": [str(file) for file in files]} | left_out))


def _print_retention(retained: list[Retained] | None, kelvins: float | None, unconfirmed: list[str]) -> None:
    from synarray.report.lifetime_tables import retention_table
    from synarray.report.terminal import standard_output

    console = standard_output()
    if retained:
        console.print(retention_table(retained, kelvins))
        if unconfirmed:
            console.print(f"Note: unconfirmed numbers of how these cells age: {', '.join(unconfirmed)}.")
    elif retained is not None:
        console.print("Retention: not known. The device has no law for how its cells change with time.")


def _kelvins(text: str) -> float:
    from synarray.units import parse_temperature

    try:
        return parse_temperature(text)
    except ValueError as error:
        raise SpecError(
            f"--temperature {error}", got=repr(text), where="--temperature", do="Write for example --temperature 85C."
        ) from None


def _read(point: Retained) -> dict[str, Any]:
    read = point.evaluation
    return {
        "seconds": point.seconds,
        "accuracy": read.accuracy,
        "low": read.accuracy_low,
        "high": read.accuracy_high,
    }


def _block(block: Block) -> dict[str, Any]:
    array, rows, columns = block.place
    return {
        "array": array,
        "rows": [rows.start, rows.stop],
        "columns": [columns.start, columns.stop],
        "group": block.tile,
        "cell_of_weight": block.cell,
        "inputs_of_group": [block.rows.start, block.rows.stop],
        "neurons_of_group": [block.columns.start, block.columns.stop],
    }
