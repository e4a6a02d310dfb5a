"""``synarray play``: tasks with a reward, learned in cells; several seeds, a greedy test, a figure."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synarray.cli.options import FigureFormat, Json, Settings, chosen_settings, complete_devices, folder_option

if TYPE_CHECKING:
    from synarray.report.terminal import Terminal
    from synarray.run.playing import TaskSpec

__all__ = ["play"]


def _task_names(incomplete: str) -> list[str]:
    from synarray.run.playing import task_names

    return [name for name in task_names() if name.startswith(incomplete)]


def play(
    task: Annotated[
        str,
        typer.Argument(help="cartpole, water-maze, frozen-lake, or the file of a task.", autocompletion=_task_names),
    ] = "cartpole",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many trainings, with seeds 0, 1, 2, ...")] = 3,
    first_seed: Annotated[int, typer.Option("--seed", min=0, help="The first of these seeds.")] = 0,
    device: Annotated[
        str | None,
        typer.Option(
            help="The device the weights are in: a name of the library, or a file.", autocompletion=complete_devices
        ),
    ] = None,
    settings: Settings = None,
    again: Annotated[bool, typer.Option("--resume", help="Keep the seeds that are finished in the folder.")] = False,
    out: Annotated[Path | None, folder_option("Folder of results and figures; default: plays/TASK.")] = None,
    kind: FigureFormat = "png",
    as_json: Json = False,
) -> None:
    """Learn a task with a reward in cells: a pole, a maze, a grid. Each seed is tested greedily once and kept on disk."""
    from synarray.report import figures
    from synarray.report.play_figures import figures_of_plays
    from synarray.report.play_tables import play_tables
    from synarray.report.terminal import Terminal, standard_output
    from synarray.run.playing import load_task
    from synarray.run.plays import summarise

    figures.check_format(kind)
    spec = load_task(task, chosen_settings(settings, {"--device": ("learning.device", device)}))
    folder = out or Path("plays") / spec.name
    people = Terminal(stderr=True)
    results = _play_seeds(spec, range(first_seed, first_seed + seeds), folder, again, people)
    if not results:
        people.print("Interrupted before the first episode: no result.")
        raise typer.Exit(130)
    totals = summarise(spec, results)
    files, drawn = figures.save_where_possible(lambda: figures_of_plays(spec, results), folder, kind)
    if as_json:
        print(json.dumps(totals | {"seeds": results, "folder": str(folder), "figures": [str(file) for file in files]}))
    else:
        console = standard_output()
        for table in play_tables(spec, totals):
            console.print(table)
        console.lines(drawn, f"Results: {folder}")
    if totals["interrupted"]:
        raise typer.Exit(130)


def _play_seeds(spec: TaskSpec, seeds: range, folder: Path, again: bool, people: Terminal) -> list[dict[str, Any]]:
    """Train with each seed and keep its result; the first Ctrl-C ends the training and tests what was learned."""
    from synarray.cli.progress import bars, on_signals
    from synarray.run.playing import play as learn
    from synarray.run.plays import keep, kept, with_seed

    stop = False
    at_once = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal stop
        if stop and callable(at_once):
            at_once(number, frame)
        stop = True

    results: list[dict[str, Any]] = []
    with on_signals(ask):
        for seed in seeds:
            seeded = with_seed(spec, seed)
            found = kept(folder, seeded) if again else None
            if found is None and not stop:
                with bars(people, f"seed {seed}", spec.episodes, "preparing") as bar:

                    def advance(number: int, returns: list[float], bar: Any = bar) -> bool:
                        if number % 10 == 9 or number < 3:
                            recent = returns[-10:]
                            bar.show(number + 1, f"return {sum(recent) / len(recent):.3g}")
                        return stop

                    found = learn(seeded, advance).summary()
                keep(folder, seeded, found)
            results += [found] if found is not None else []
    if stop:
        people.print("Interrupted: results are of what was learned until then; --resume keeps the finished seeds.")
    return results
