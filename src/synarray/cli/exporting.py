"""``synarray export ...``: the network out of Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from synarray.cli.options import (
    Json,
    RunFolder,
    Settings,
    chosen_settings,
    complete_experiments,
    file_option,
    require_free,
)
from synarray.errors import RunError, SpecError

__all__ = ["export"]

export = typer.Typer(
    help="The network out of Python: C99 for microcontrollers and browsers, NIR, weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="RUN|EXPERIMENT",
        help="Folder of a run, an experiment file, or the name of a packaged one.",
        autocompletion=complete_experiments,
    ),
]


@export.command("c")
def export_c(
    source: Source,
    output: Annotated[Path | None, file_option("Folder to write; default: exports/NAME-c.", "DIR")] = None,
    levels: Annotated[
        int | None, typer.Option(min=2, max=255, help="Cells of so many levels: 4 take 2 bits. For an experiment.")
    ] = None,
    learn: Annotated[
        bool,
        typer.Option("--learn/--predict-only", help="Learn on the device, or only predict, with the cells in flash."),
    ] = True,
    nominal: Annotated[
        bool, typer.Option("--nominal", help="Take the device without spreads, stuck cells, read noise and drift.")
    ] = False,
    port: Annotated[bool, typer.Option("--port", help="Cells behind two functions of yours: a real array.")] = False,
    ram: Annotated[int | None, typer.Option(min=1, metavar="BYTES", help="Refuse a model that needs more RAM.")] = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """Write the learner as one C99 file with its constants, examples and a README; say what it needs."""
    from synarray.export.c_folder import c_files, write_files
    from synarray.export.c_prepare import export_experiment, export_run
    from synarray.export.c_readme import struct_bytes

    if Path(source).is_dir():
        _only_for_experiments(levels, nominal, port, settings or [])
        ready = export_run(Path(source), predict_only=not learn)
    elif learn:
        ready = export_experiment(_experiment(source, levels, settings or []), ideal_device=nominal, port=port)
    else:
        raise SpecError(
            "only a trained network can predict without learning",
            got="an experiment",
            where="--predict-only",
            do="Train it first (synarray train ...), and export the run's folder.",
        )
    needed = ready.model.ram_bytes + struct_bytes(ready.model)
    if ram is not None and needed > ram:
        raise SpecError(
            "the learner must fit into the RAM there is",
            got=f"{needed:,} bytes",
            where=f"--ram {ram}",
            do="Use fewer neurons, classes or levels (--levels 4 takes 2 bits per cell), or --predict-only for a run.",
        )
    folder = output or Path("exports") / f"{ready.name}-c"
    _check_free(folder)
    write_files(folder, c_files(ready.model, ready.trained, ready.name, folder.name, ready.dropped))
    _report(ready, folder, as_json)


@export.command("browser")
def export_browser(
    experiment: Annotated[
        str, typer.Argument(metavar="[EXPERIMENT]", help="An experiment file, or the name of a packaged one.")
    ] = "local-fields",
    output: Annotated[Path | None, file_option("File to write; default: exports/NAME.html.", "FILE.html")] = None,
    images: Annotated[int, typer.Option(min=2000, max=60000, help="Training images in the page, shown once.")] = 12000,
    as_json: Json = False,
) -> None:
    """Write a page that learns in the browser: one HTML file, without a server, for every device and share of pruning."""
    from synarray.cli.progress import bars
    from synarray.export.browser_page import browser_page, networks
    from synarray.files import write_file
    from synarray.report.terminal import Terminal

    path = output or Path("exports") / f"{Path(experiment).stem}.html"
    if path.suffix != ".html":
        raise RunError(
            "the page is written as .html", got=f'"{path.suffix}"', where=str(path), do="Name the file PAGE.html."
        )
    require_free(path, "a page", ours=b"<title>A network learns in cells of memory</title>")
    with bars(Terminal(stderr=True), "networks") as bar:
        made = networks(experiment, images, lambda done, total: bar.show(done, "", total))
    write_file(path, browser_page(made).encode())
    if as_json:
        print(json.dumps({"file": str(path), "bytes": path.stat().st_size, "networks": len(made)}))
        return
    print(f"{len(made)} networks (devices, levels, shares of pruned cells), {images:,} training images.")
    print(f"Written: {path} ({path.stat().st_size / 1e6:.1f} MB). Open it in a browser.")


@export.command("nir")
def export_nir(
    run: RunFolder,
    output: Annotated[Path | None, file_option("File to write; default: RUN's name.nir.", "FILE.nir")] = None,
    as_json: Json = False,
) -> None:
    """Write a trained network as a NIR graph, for Norse and other simulators of spikes. It no longer learns there."""
    from synarray.export.nir_export import nir_graph, write_nir
    from synarray.run.experiment import task_images
    from synarray.run.opened import open_run

    opened = open_run(run)
    path = output or Path(f"{run.resolve().name}.nir")
    if path.suffix != ".nir":
        raise RunError(
            "a graph is written as .nir", got=f'"{path.suffix}"', where=str(path), do="Name the file NET.nir."
        )
    require_free(path, "a graph")
    graph = nir_graph(opened, task_images(opened.experiment)[1])
    write_nir(path, graph)
    shapes = {name: list(node.weight.shape) for name, node in graph.nodes.items() if hasattr(node, "weight")}
    if as_json:
        print(json.dumps({"file": str(path), "bytes": path.stat().st_size, "weights": shapes}))
        return
    for name, shape in shapes.items():
        print(f"{name}: {' x '.join(map(str, shape))}")
    print("Not in the graph: learning, stochastic winners (a race with lateral inhibition instead), cells, energy.")
    print(f"Written: {path} ({path.stat().st_size:,} bytes)")


@export.command("weights")
def export_weights(
    run: RunFolder,
    output: Annotated[Path | None, file_option("File to write, .npz or .h; default: RUN's name.npz.")] = None,
    as_json: Json = False,
) -> None:
    """Write a run's weights, thresholds and label counts as int8 and integer arrays, for any other program."""
    from synarray.export.weights import weight_arrays, weights_header, weights_npz
    from synarray.run.opened import open_run

    opened = open_run(run)
    path = output or Path(f"{run.resolve().name}.npz")
    if path.suffix not in (".npz", ".h"):
        raise RunError(
            "weights are written as .npz or .h",
            got=f'"{path.suffix}"',
            where=str(path),
            do="Name the file WEIGHTS.npz or WEIGHTS.h.",
        )
    require_free(path, "weights")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(weights_npz(opened) if path.suffix == ".npz" else weights_header(opened).encode())
    shapes = {name: list(array.shape) for name, array in weight_arrays(opened).items()}
    if as_json:
        print(json.dumps({"file": str(path), "bytes": path.stat().st_size, "arrays": shapes}))
        return
    for name, shape in shapes.items():
        print(f"{name}: {' x '.join(map(str, shape))}")
    print(f"Written: {path} ({path.stat().st_size:,} bytes)")


def _only_for_experiments(levels: int | None, nominal: bool, port: bool, settings: list[str]) -> None:
    """Refuse what would change a network that is trained already."""
    given = {"--levels": levels is not None, "--nominal": nominal, "--port": port, "--set": bool(settings)}
    for option, is_given in given.items():
        if is_given:
            raise SpecError(
                "a run is exported as it was trained",
                got=option,
                where=option,
                do="Leave it out, or export the run's experiment.toml, which is then untrained.",
            )


def _experiment(source: str, levels: int | None, settings: list[str]) -> Any:
    from synarray.run.experiment import load_experiment

    changes = chosen_settings(settings, {"--levels": ("cell.n_levels", levels)})
    spec = load_experiment(source, changes)
    if levels is not None and spec.device is not None:
        raise SpecError(
            "levels are a property of ideal cells",
            got=f"--levels {levels} and device {spec.device.name}",
            where="--levels",
            do="Leave --levels out, and set device.n_levels_ltp and device.n_levels_ltd.",
        )
    return spec


def _check_free(folder: Path) -> None:
    """Refuse a folder that holds something else than an earlier export."""
    if folder.exists() and not folder.is_dir():
        raise RunError("an export needs a folder", got="a file", where=str(folder), do="Name another with -o.")
    ours = (folder / "src" / "synarray_model.h").is_file()
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise RunError(
            "an export must not be written among other files",
            got="a folder that holds something else",
            where=str(folder),
            do="Name an empty or a new folder with -o.",
        )


def _report(ready: Any, folder: Path, as_json: bool) -> None:
    """Print what the learner needs."""
    from synarray.export.c_readme import images_of, measured, needs, struct_bytes
    from synarray.report.tables import Table
    from synarray.report.terminal import standard_output

    model, trained = ready.model, len(ready.trained)
    numbers, found = model.layers[-1].numbers, needs(model, trained)
    if as_json:
        targets = {need.title: {key: value for key, value in vars(need).items() if key != "title"} for need in found}
        print(
            json.dumps(
                {
                    "folder": str(folder),
                    "ram_bytes": model.ram_bytes,
                    "struct_bytes": struct_bytes(model),
                    "table_bytes": model.table_bytes + trained,
                    "blob_bytes": 0 if model.predicts_only else model.blob_bytes,
                    "cell_bits": numbers["bits"],
                    "levels": numbers["codes"],
                    "neurons": numbers["neurons"],
                    "layers": [
                        {
                            **{key: layer.numbers[key] for key in ("neurons", "bits", "codes")},
                            "images": images_of(layer),
                        }
                        for layer in model.layers
                    ],
                    "predict_only": model.predicts_only,
                    "trained": bool(trained),
                    "targets": targets,
                    "compiler": measured()["compiler"],
                    "dropped": ready.dropped,
                    "notes": model.notes,
                }
            )
        )
        return
    console = standard_output()
    for i, layer in enumerate(model.layers, 1):
        bits = int(layer.numbers["bits"])
        cells = {0: "behind a port", 32: "float32 and 8 bits"}.get(bits, f"{bits} bits")
        name = ready.name if len(model.layers) == 1 else f"{ready.name}, layer {i}"
        learns = f"; learns from {images_of(layer):,} images" if model.stack and images_of(layer) else ""
        console.print(f"{name}: {layer.numbers['neurons']:,} neurons, cells {cells}{learns}")
    console.print(
        f"RAM {model.ram_bytes:,} + {struct_bytes(model)} bytes, constant tables {model.table_bytes + trained:,} bytes"
    )
    rows = []
    for need in found:
        counts = [f"{count:,}" if count else "-" for count in (need.learn, need.predict)]
        rows.append((need.title, f"{need.code:,}", f"{need.flash:,}", f"{need.ram:,}", *counts))
    names = ("target", "code, B", "flash, B", "RAM, B", "instr/learn", "instr/predict")
    console.print(Table("What it needs", names, [*rows, ("ESP32 (Xtensa)", *"-----")]))
    console.print(f"-: not measured. Sizes: {measured()['compiler']}; instructions per image, counted in an emulator.")
    for line in [*model.notes, *([f"Left out of the device: {', '.join(ready.dropped)}."] if ready.dropped else [])]:
        console.print(line)
    console.print("Written:", str(folder), soft_wrap=True)
