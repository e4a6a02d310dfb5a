"""``synarray continual``: tasks one after another in the same cells, with and without consolidation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from synarray.cli.options import FigureFormat, Json, Settings, chosen_settings, folder_option

__all__ = ["continual"]


def continual(
    sequence: Annotated[str, typer.Argument(help="split-mnist, or mnist-then-fashion.")] = "split-mnist",
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="How many trainings of each method, with seeds 0, 1, 2, ...")
    ] = 3,
    images: Annotated[int | None, typer.Option(min=10, help="At most so many training images of each task.")] = None,
    settings: Settings = None,
    out: Annotated[Path | None, folder_option("Folder of results and figures; default: continual/SEQUENCE.")] = None,
    kind: FigureFormat = "png",
    as_json: Json = False,
) -> None:
    """Learn tasks one after another in the same cells. Says what is forgotten, with and without consolidation."""
    from synarray.cli.progress import bars
    from synarray.files import write_file, writing
    from synarray.report import figures
    from synarray.report.continual_views import continual_figures, continual_table
    from synarray.report.terminal import Terminal, standard_output
    from synarray.run.continual import METHODS, learn_in_order, learn_together, sequence_of

    figures.check_format(kind)
    changes = chosen_settings(settings)
    tasks = sequence_of(sequence, images)
    folder = out or Path("continual") / sequence
    found: dict[str, list[Any]] = {method: [] for method in METHODS}
    together: list[float] = []
    total, done = seeds * (len(METHODS) * len(tasks) + 1), 0
    with bars(Terminal(stderr=True), "trainings", total, "preparing") as bar:
        for seed in range(seeds):
            for method, consolidating in METHODS.items():

                def begin(task: int, method: str = method, seed: int = seed) -> None:
                    nonlocal done
                    bar.show(done, f"seed {seed}, {method}, task {task + 1}")
                    done += 1

                found[method].append(learn_in_order(tasks, changes | consolidating, seed, begin))
            bar.show(done, f"seed {seed}, all tasks together")
            together.append(learn_together(tasks, changes, seed))
            done += 1
            result = {
                "sequence": sequence, "seeds": seed + 1, "images": images, "settings": changes, "together": together,
                "methods": found,
            }  # fmt: skip
            with writing(
                "the folder for results must be writable", folder, "Free some space, or give another with --out."
            ):
                folder.mkdir(parents=True, exist_ok=True)
                write_file(folder / "result.json", json.dumps(result, default=str).encode())
    files, drawn = figures.save_where_possible(lambda: continual_figures(result), folder, kind)
    if as_json:
        print(json.dumps(result | {"folder": str(folder), "figures": [str(file) for file in files]}, default=str))
        return
    console = standard_output()
    console.print(continual_table(result))
    console.lines(drawn, f"Results: {folder / 'result.json'}")
