"""Draw the pictures of README and pages again. The site's build does it for its own pages, with ``docs/_pictures``.

    python scripts/pictures.py FOLDER [NAME ...]            all, or those that are named
    python scripts/pictures.py docs/figures --record        first run the commands behind docs/records again: some minutes
    python scripts/pictures.py docs/_pictures --site        for pages that follow the reader's scheme, light or dark: drawings as
                                                            elements of a page (NAME.svg.html), photographs of both schemes

Results of long runs are in ``docs/records``, each with the command that printed them, and are drawn by the library's own figures.
``verdict`` and ``studio`` are real pages, made now and photographed in Chromium; without Chromium they are left out.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "doors"))
RECORDS = ROOT / "docs" / "records"
COMMANDS = {
    "cartpole": "synarray play cartpole --seeds 3",
    "continual": "synarray continual split-mnist --seeds 3 --images 3000",
    "clothes": "synarray continual mnist-then-fashion --seeds 3 --images 6000",
    "pruning": "synarray study run pruning",
}
"""Where the records are from."""
WIDTH = 1000
"""Pixels of the verdict's page."""
END = "document.querySelector('figure').getBoundingClientRect().bottom"
"""Where its picture ends: below the first figure."""
MOVED = """((name, position) => {
  const slider = document.getElementById(name);
  slider.value = position;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
})"""

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def record_of(name: str) -> dict[str, Any]:
    """Return a record: its command and its results."""
    return dict(json.loads((RECORDS / f"{name}.json").read_text("utf-8")))


def digest_of(name: str) -> str:
    """Fingerprint of a record; a picture that is drawn from it carries it."""
    return hashlib.sha256((RECORDS / f"{name}.json").read_bytes()).hexdigest()


def cartpole(results: list[dict[str, Any]]) -> Figure:
    """Draw the return against episodes, for each seed."""
    from synarray.report.play_figures import figures_of_plays
    from synarray.run.playing import load_task

    return figures_of_plays(load_task("cartpole"), results)["return"]


def continual(results: dict[str, Any]) -> Figure:
    """Draw what is still read of all classes, after each task."""
    from synarray.report.continual_views import continual_figures

    return continual_figures(results)["seen"]


def pruning(results: dict[str, list[Any]]) -> Figure:
    """Draw the accuracy against the pruned share, for each method."""
    import pandas

    from synarray import load_study
    from synarray.report.study_figures import drawings

    table = pandas.DataFrame(results)
    table.attrs = {"axes": ["method", "fraction"], "units": {}}
    (drawing,) = drawings(load_study("pruning"), table, COMMANDS["pruning"])
    figure: Figure = drawing.picture.figure
    return figure


DRAWN = {"cartpole": cartpole, "continual": continual, "pruning": pruning}
"""From a record."""
PHOTOGRAPHED = ("verdict", "studio")


def draw(name: str, path: Path, site: bool) -> None:
    """Draw a record."""
    from synarray.report.style import inline_svg, styled

    figure = DRAWN[name](record_of(name)["results"])
    if site:
        path.with_suffix(".svg.html").write_text(inline_svg(figure, name, name), "utf-8")
    else:
        styled(figure.savefig)(path, dpi=130, facecolor="white", metadata={"Source": digest_of(name)})


def photograph(name: str, path: Path, site: bool) -> None:
    """Make a page, and take a picture of it; for the site, of its dark scheme as well."""
    from browser import inspect
    from PIL import Image, PngImagePlugin

    schemes = {False: path, True: path.with_stem(f"{name}-dark")} if site else {False: path}
    words = PngImagePlugin.PngInfo()
    with tempfile.TemporaryDirectory(prefix="synarray-picture-") as place:
        folder, ends = Path(place), {}
        whole = {dark: folder / f"whole-{dark}.png" for dark in schemes}
        if name == "verdict":
            _run(folder, "device", "synth", "pcmo", "-o", "pulses.csv")
            words.add_text("Source", _run(folder, "device", "judge", "pulses.csv").split("\n", 1)[0])
            page = folder / "verdicts/pulses/index.html"
            for dark in schemes:
                ends[dark] = inspect(page, WIDTH, dark, screenshot=whole[dark], ask=END)["answer"]
        else:
            _studio(folder, whole)
            words.add_text("Source", "synarray studio")
        for dark, place_of in schemes.items():
            picture = Image.open(whole[dark]).convert("RGB")
            picture = picture.crop((0, 0, picture.width, round(ends.get(dark, picture.height))))
            picture.quantize(64).save(place_of, optimize=True, pnginfo=words)


def _studio(folder: Path, pictures: dict[bool, Path]) -> None:
    """Open the studio, pin its first training, move two sliders, and wait until all is computed."""
    from browser import Page
    from studio_process import start, stop

    done = 'document.body.dataset.state === "done"'
    studio = start("--port", "0", folder=folder)
    try:
        with Page(studio.address) as page:
            page.wait_until(done, 300)
            page.evaluate("document.getElementById('pin').click()")
            for name, position in (("c-device-sigma_c2c", 500), ("c-device-n_levels_ltp", 350)):
                before = page.evaluate("document.body.dataset.done")
                page.evaluate(f"{MOVED}({name!r}, {position})")
                page.wait_until(f"{done} && document.body.dataset.done !== {json.dumps(before)}", 300)
            page.wait_until(r"/ (\d+) of \1 trainings done/.test(document.getElementById('verdict').textContent)", 300)
            for dark, picture in pictures.items():
                page.set_scheme(dark)
                page.screenshot(picture)
    finally:
        stop(studio)


def _run(folder: Path, *arguments: str) -> str:
    """Run a command of this package in a folder; return what it printed."""
    command = [sys.executable, "-m", "synarray", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def record(name: str) -> None:
    """Run the command behind a record, and keep what is drawn or shown of its results."""
    with tempfile.TemporaryDirectory(prefix="synarray-record-") as place:
        folder = Path(place)
        _run(folder, *COMMANDS[name].split()[1:], "--out", "out")
        keep(name, kept(name, folder / "out"))


def keep(name: str, results: Any) -> None:
    """Write a record."""
    lines = [f'"command": {json.dumps(COMMANDS[name])}', f'"results": {json.dumps(results, separators=(",", ":"))}']
    (RECORDS / f"{name}.json").write_text("{" + ",\n".join(lines) + "}\n", "utf-8")


def kept(name: str, folder: Path) -> Any:
    """Return what is kept of the results in a folder."""
    if name == "pruning":
        from synarray import load_table

        return load_table(folder)[["method", "fraction", "seed", "accuracy", "pulses"]].to_dict("list")
    if name == "cartpole":
        found = [json.loads((folder / f"seed-{seed}.json").read_text("utf-8"))["result"] for seed in range(3)]
        for each in found:
            each["test"] = _mean(each["test"])
            each["compared"] = {key: _mean(test) for key, test in each["compared"].items()}
        names = ("seed", "episodes", "steps", "pulses", "solved", "returns", "test", "compared")
        return [{key: each[key] for key in names} for each in found]
    return json.loads((folder / "result.json").read_text("utf-8"))


def _mean(test: dict[str, Any]) -> dict[str, Any]:
    return {"mean_return": test["mean_return"]}


def main() -> None:
    """Draw them."""
    from browser import find_chromium

    folder, *names = [each for each in sys.argv[1:] if not each.startswith("--")]
    if "--record" in sys.argv:
        RECORDS.mkdir(exist_ok=True)
        for name in COMMANDS:
            record(name)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or (*DRAWN, *PHOTOGRAPHED):
        if name in DRAWN:
            draw(name, Path(folder) / f"{name}.png", "--site" in sys.argv)
        elif find_chromium() is not None:
            photograph(name, Path(folder) / f"{name}.png", "--site" in sys.argv)
        else:
            print(f"No Chromium here: the picture {name}.png was not taken.")


if __name__ == "__main__":
    main()
