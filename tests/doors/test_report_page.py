"""Pages of runs: what they say is what the run's files say; they open alone, fit any window, and obey no words of others."""

from __future__ import annotations

import base64
import csv
import itertools
import json
import re
import shutil
import struct
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import inspect, needs_chromium
from command import Command, everything_in, four_parts

from synarray.array.maps import ArrayMaps
from synarray.learn.trainer import HistoryPoint
from synarray.learn.training import train
from synarray.report import figures
from synarray.report.html import render
from synarray.report.sections import Page, Section, Table
from synarray.report.style import COLOURS, SERIES, inline_svg
from synarray.run.experiment import load_experiment, task_images
from synarray.run.folder import reserve, write_run
from synarray.run.opened import open_run

HOSTILE = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> '{{ 7 * 7 }} $\\frac{1}{0}$ &amp; </style>"


def _trained(folder: Path, data: Path, **changes: Any) -> Path:
    spec = load_experiment("soft-pruned", {"data": str(data), "n_neurons": 12, "epochs": 1, **changes})
    images, x, y, x_test, y_test = task_images(spec)
    result = train(spec, x, y, x_test, y_test, image_shape=images.image_shape, full_scale=images.full_scale)
    return write_run(result, spec, reserve(folder, spec))


@pytest.fixture(scope="module")
def cells_run(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    """Train in cells of a device, with words of somebody who means harm, in a folder with an awkward name."""
    changes = {
        "device": "subquantum-cbram",
        "note": HOSTILE,
        "device.title": HOSTILE,
        "array.rows": 160,
        "array.columns": 16,
    }
    run = _trained(tmp_path_factory.mktemp("runs") / 'my run\'s <b>best</b> & "last"', bars_file, **changes)
    provenance = json.loads((run / "provenance.json").read_text("utf-8"))
    provenance |= {
        "command": ["synarray", "train", HOSTILE],
        "machine": {HOSTILE: HOSTILE, "cores": [1]},
        "resumed": HOSTILE,
    }
    (run / "provenance.json").write_text(json.dumps(provenance), "utf-8")
    return run


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, cells_run: Path, finished_run: Path) -> dict[str, Path]:
    """Write the pages of a run in cells and of one with ideal weights."""
    from synarray.report.run_page import run_page
    from synarray.report.sections import write

    folder = tmp_path_factory.mktemp("pages of runs")
    return {
        "cells": write(run_page(open_run(cells_run)), folder / "in cells")[0],
        "ideal": write(run_page(open_run(finished_run)), folder / "ideal")[0],
    }


class _Reader(HTMLParser):
    """Reads a page as a parser of HTML does: tags, attributes, tables."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.cell: list[str] | None = None
        self.rows: list[list[str]] = []
        self.feed(page.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "div" and dict(attributes).get("role") == "region":
            self.rows = self.tables.setdefault(str(dict(attributes)["aria-label"]), [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td") and self.cell is not None:
            self.rows[-1].append("".join(self.cell).strip())
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def table(self, title: str) -> dict[str, list[str]]:
        """Rows of a table by their first cell."""
        return {row[0]: row[1:] for row in self.tables[title]}


@needs_chromium
@pytest.mark.parametrize(
    ("which", "width", "dark"),
    [*itertools.product(["cells"], [360, 800, 1280], [False, True]), ("ideal", 360, True), ("ideal", 1280, False)],
)
def test_a_page_opens_alone_and_fits_its_window(pages: dict[str, Path], which: str, width: int, dark: bool) -> None:
    seen = inspect(pages[which], width, dark)
    assert (seen["errors"], seen["broken_images"], seen["requests"], seen["overflow"]) == ([], [], [], 0)
    ground = COLOURS["ground"][dark].removeprefix("#")
    assert seen["background"] == "rgb({}, {}, {})".format(*bytes.fromhex(ground))
    assert "Receptive fields" in seen["text"]


@needs_chromium
def test_words_of_others_are_read_as_words(pages: dict[str, Path]) -> None:
    text = " ".join(inspect(pages["cells"])["text"].split())
    assert HOSTILE in text  # the note, just as it was written
    assert "synarray train '<script>" in text  # the command


def test_words_of_others_make_no_elements(pages: dict[str, Path]) -> None:
    reader = _Reader(pages["cells"])
    assert not {"script", "img", "iframe", "object", "b"} & {tag for tag, _ in reader.tags}
    assert not [name for _, attributes in reader.tags for name in attributes if name.startswith("on")]
    assert {tag for tag, attributes in reader.tags if attributes.get("style")} <= {
        "g",
        "path",
        "use",
        "text",
        "image",
        "rect",
        "svg",
    }


@pytest.mark.parametrize("which", ["cells", "ideal"])
def test_a_page_is_small_and_whole(pages: dict[str, Path], which: str) -> None:
    text = pages[which].read_text("utf-8")
    assert len(text.encode()) < 3_000_000
    for _, attributes in _Reader(pages[which]).tags:
        for name in ("src", "href", "xlink:href"):
            address = attributes.get(name)
            assert address is None or re.match(r"#|data:", address), address
    assert not re.search(r"@import|url\((?!#)", text.split("<body>")[0])
    pictures = [base64.b64decode(part) for part in re.findall(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)", text)]
    assert pictures
    for picture in pictures:
        _check_png(picture)


def _check_png(content: bytes) -> None:
    """Read a PNG by its own rules: signature, a checksum on each part, an end."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds = 8, []
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kinds.append(content[at + 4 : at + 8])
        part = content[at + 4 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(part)
        at += 12 + length
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")


def test_a_full_array_of_noise_still_fits_a_page() -> None:
    """The largest maps there are by default: 1024 x 512 cells, all in use, nothing to compress."""
    rng = np.random.default_rng(0)
    shape = (1, 1024, 512)
    values = (
        rng.uniform(1e-7, 2e-6, shape),
        rng.integers(0, 500, shape),
        rng.random(shape) < 0.5,
        rng.random(shape) < 0.001,
    )
    maps = ArrayMaps(*(value.astype(float) for value in values))
    size = sum(len(inline_svg(figures.array_map(maps, 0, what), what, what)) for what in figures.MAPS)
    assert size < 2_500_000


@pytest.mark.parametrize("which", ["cells", "ideal"])
def test_a_page_can_be_heard(pages: dict[str, Path], which: str) -> None:
    """Language, one main heading, levels in order, words for every figure, scopes in every table, no name twice."""
    tags = _Reader(pages[which]).tags
    assert ("html", {"lang": "en"}) in tags
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    drawn = [attributes for tag, attributes in tags if tag == "svg"]
    assert drawn
    assert all(attributes["role"] == "img" and len(attributes["aria-label"] or "") > 20 for attributes in drawn)
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in tags if tag == "th")
    names = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(names) == len(set(names))
    addresses = {(attributes.get("href") or "").removeprefix("#") for tag, attributes in tags if tag == "a"}
    assert addresses <= set(names)


def test_colours_can_be_told_from_their_ground() -> None:
    """Contrast as WCAG 2 has it: 4.5 for words, 3 for lines."""
    for dark in (False, True):
        for ground in ("ground", "panel"):
            for name in ("ink", "soft", "accent"):
                assert _contrast(COLOURS[name][dark], COLOURS[ground][dark]) >= 4.5, (name, ground, dark)
        for light in SERIES:
            (pair,) = [pair for pair in COLOURS.values() if pair[0] == light]
            assert _contrast(pair[dark], COLOURS["ground"][dark]) >= 3, pair


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [value / 255 for value in bytes.fromhex(colour.removeprefix("#"))]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_page_says_what_the_run_says(command: Command, pages: dict[str, Path], cells_run: Path) -> None:
    metrics = json.loads((cells_run / "metrics.json").read_text("utf-8"))
    with np.load(cells_run / "arrays.npz") as arrays:
        writes, confusion = arrays["writes"], arrays["confusion"]
    reader = _Reader(pages["cells"])
    (accuracy,) = reader.table(f"{metrics['name']}, seed {metrics['seed']}")["accuracy, soft votes"]
    low, high = (f"{100 * metrics[name]:.2f} %" for name in ("accuracy_low", "accuracy_high"))
    assert accuracy == f"{100 * metrics['accuracy']:.2f} % (95 %: {low} to {high})"
    assert "The article states nothing about such a network." in pages["cells"].read_text(
        "utf-8"
    )  # these are no digits
    assert reader.table("Cells")["most pulses on one cell"] == [f"{metrics['most_writes']:,}"]
    assert reader.table("Counted actions")["programming pulses"] == [f"{metrics['pulses']:,}"]
    for i, row in enumerate(confusion):
        assert reader.table("Confusion on the test set")[str(i)][1:] == [str(n) for n in row]

    figures_of = pages["cells"].parent / "figures"
    cells = list(csv.reader((figures_of / "pulses-per-cell.csv").read_text("utf-8").splitlines()))[1:]
    assert sum(int(n.replace(",", "")) for _, n in cells) == writes.size
    hottest = [float(row[0].replace(",", "")) for row in list(reader.table("The most-written cells").values())[1:]]
    assert hottest == sorted(writes.ravel().astype(float), reverse=True)[:10]

    priced = command("energy", str(cells_run), "--json").json
    actions = reader.tables[f"{priced['title']}: every action of the training, in circuits of 45 nm"]
    shown = [row for row in priced["rows"] if row["count"] and (row["each"] or row["component"] != "half-select")]
    assert len(actions) == len(shown) + 2
    energy = list(csv.reader((figures_of / "energy.csv").read_text("utf-8").splitlines()))
    by_component: dict[str, float] = {}
    for row in priced["rows"]:
        by_component[row["component"]] = by_component.get(row["component"], 0.0) + row["energy"]
    found = {line[0]: _joules(line[1]) for line in energy[1:] if line[1] != "-"}
    assert found.pop("everything") == pytest.approx(priced["total"], rel=6e-3)
    assert found == pytest.approx(by_component, rel=6e-3)  # three digits
    assert energy[0][1] == priced["title"]
    assert {"weights in SRAM", "weights in DRAM"} <= set(energy[0])
    elsewhere = reader.table("The same training elsewhere")
    assert list(elsewhere)[2:] == [each["title"] for each in priced["baselines"]]
    for each in priced["baselines"]:
        assert _joules(elsewhere[each["title"]][2]) == pytest.approx(each["total"], rel=6e-3)
    free = reader.table("Free in software, not on a chip")
    assert [step["name"] for step in priced["free_steps"]] == list(free)[1:]


def _joules(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"J": 1.0, **{f"{p}J": 10.0 ** (-3 * i) for i, p in enumerate("munpfa", 1)}}[unit]


def test_the_article_is_quoted_only_where_it_speaks_of_such_a_network() -> None:
    from synarray.report.run_tables import paper_states

    assert paper_states(load_experiment("soft-pruned")) == "93 % at up to 75 % soft-pruned"
    after = {"pruning.mode": "after", "pruning.fraction": 0.4}
    assert paper_states(load_experiment("full-field", after)) == "below 90 % at 40 % removed"
    for name, changes in (
        ("full-field", {}),
        ("soft-pruned-90", {}),
        ("local-pruned", {}),
        ("soft-pruned", {"data": "x.npz"}),
    ):
        assert paper_states(load_experiment(name, changes)) is None


@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_figures_stand_beside_the_page(command: Command, cells_run: Path, kind: str, begins: bytes) -> None:
    told = command("report", str(cells_run), "--out", "my report", "--format", kind, "--json").json
    files = [Path(name) for name in told["figures"]]
    drawn = [file for file in files if file.suffix == f".{kind}"]
    names = {file.stem for file in drawn}
    assert {"training-curve", "receptive-fields", "confusion", "pulses-per-cell", "energy"} <= names
    assert all(file.read_bytes().startswith(begins) for file in drawn)
    assert {file.stem for file in files if file.suffix == ".csv"} == names  # the numbers of each
    assert set(everything_in(Path("my report"))) == {
        "index.html",
        "figures",
        *(str(file.relative_to("my report")) for file in files),
    }
    assert told["bytes"] == Path(told["report"]).stat().st_size


def test_the_same_run_gives_the_same_page(command: Command, cells_run: Path) -> None:
    for name in ("first", "second"):
        assert command("report", str(cells_run), "--out", name).status == 0
    assert everything_in(Path("first")) == everything_in(Path("second"))


def test_a_page_stands_in_its_runs_folder_if_nothing_is_said(command: Command, finished_run: Path) -> None:
    shutil.copytree(finished_run, "copy of a run")
    done = command("report", "copy of a run")
    assert (done.status, done.err) == (0, "")
    assert "copy of a run/report/index.html" in done.out
    assert command("show", "copy of a run").status == 0  # it still is a run


def test_a_run_of_ideal_weights_says_why_there_is_no_ledger(pages: dict[str, Path]) -> None:
    text = pages["ideal"].read_text("utf-8")
    assert "there is no conductance" in text
    assert "Energy by component" not in text


class TestRefused:
    def test_what_is_no_run(self, command: Command) -> None:
        assert four_parts(command("report", "nowhere"))["got"] == "no such folder"
        Path("empty").mkdir()
        assert four_parts(command("report", "empty"))["got"] == "a folder of neither"
        Path("file").write_text("no run", "utf-8")
        assert four_parts(command("report", "file"))

    def test_an_unfinished_run(self, command: Command, finished_run: Path) -> None:
        Path("run.partial").mkdir()
        shutil.copy(finished_run / "experiment.toml", "run.partial")
        assert "synarray resume run" in four_parts(command("report", "run"))["do"]

    def test_a_damaged_run(self, command: Command, cells_run: Path) -> None:
        shutil.copytree(cells_run, "damaged")
        Path("damaged/arrays.npz").write_bytes(b"PK\x03\x04 no more")
        assert "whole" in four_parts(command("report", "damaged"))["rule"]
        assert not Path("damaged/report").exists()

    def test_a_folder_that_cannot_be(self, command: Command, finished_run: Path) -> None:
        Path("taken").write_text("a file", "utf-8")
        assert "writable" in four_parts(command("report", str(finished_run), "--out", "taken"))["rule"]
        assert Path("taken").read_text("utf-8") == "a file"
        assert four_parts(command("report", str(finished_run), "--out", ""))

    def test_a_folder_that_leads_elsewhere(self, command: Command, finished_run: Path) -> None:
        shutil.copytree(finished_run, "run")
        Path("elsewhere").mkdir()
        Path("run/report").symlink_to(Path("elsewhere").resolve())
        assert four_parts(command("report", "run"))["got"] == "a link"
        assert not list(Path("elsewhere").iterdir())

    def test_an_unknown_format(self, command: Command, finished_run: Path) -> None:
        refused = four_parts(command("report", str(finished_run), "--format", "bmp"))
        assert (refused["got"], refused["where"]) == ("'bmp'", "--format")

    @pytest.mark.parametrize("missing", ["matplotlib", "jinja2"])
    def test_a_missing_extra(
        self, command: Command, finished_run: Path, missing: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == missing] + [missing]:
            monkeypatch.setitem(sys.modules, name, None)
        refused = four_parts(command("report", str(finished_run), "--out", "page"))
        assert "pip install 'synarray[report]'" in refused["do"]
        assert not Path("page").exists()


def test_every_part_of_a_page_is_escaped() -> None:
    """A page made of hostile words alone: titles, cells, captions, keys of tables."""
    table = Table(HOSTILE, (HOSTILE,), [(HOSTILE,)], total=(HOSTILE,), caption=HOSTILE)
    page = Page(
        HOSTILE,
        [Section("a", HOSTILE, [HOSTILE], [table], notes=[HOSTILE], code=HOSTILE, code_title=HOSTILE)],
        [HOSTILE],
    )
    text = render("sections.html", page=page)
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("</style>") == 1
    assert "49" not in text.split("</style>")[1]  # nothing is computed in words


def test_hostile_words_in_a_figure_stay_words() -> None:
    drawn = figures.dots([HOSTILE, "plain"], [[0.5], [0.6]])
    svg = inline_svg(drawn, "dots", HOSTILE)
    assert "<script" not in svg
    assert 'onerror=alert(2)&gt;' in svg  # fmt: skip


def test_claims_stand_in_the_page_as_they_were_derived() -> None:
    from synarray.cost.ledger import Entry, Ledger
    from synarray.cost.uncertainty import Interval
    from synarray.paper.claims import Claim, Claims
    from synarray.report.claims_section import claims_section

    claim = Claim("device", HOSTILE, Interval(33.0, 12.0, 99.0), (10.0, 100.0), "v^2 t g")
    entries = (Entry("cells", "pulses", 4, 0.5), Entry("cells", "reads", 1, 1.0), Entry("lines", "pulses", 2, 0.25))
    section = claims_section(
        Claims([], [claim], [], [Ledger("soft-pruned", entries, {}, 0.0)], [], ["a note"]), "command"
    )
    (table,) = section.tables  # nothing is laid out of what was not derived
    row = (f"device: {HOSTILE}", "33x (12 to 99)", "10 to 100", "confirmed", "v^2 t g", "subquantum-cbram")
    assert table.rows == [row]
    numbers = section.pictures[0].table
    assert numbers is not None
    assert [list(row) for row in numbers.rows] == [["cells", "3 J"], ["lines", "500 mJ"]]
    assert list(numbers.total) == ["everything", "3.5 J"]
    assert "<script" not in render("sections.html", page=Page("claims", [section]))


@pytest.mark.parametrize("most", [1.5e-6, 4e-6, 3e-2])
def test_logarithmic_axes_are_written_in_plain_numbers(most: float) -> None:
    """Whatever they span: matplotlib's own writing of powers is no words here."""
    from synarray.report.charts import energies

    svg = inline_svg(energies({"one": {"cells": 1e-6, "lines": most}}), "energy", "energy by component")
    assert "mathdefault" not in svg
    assert re.search(r"<text[^>]*>[\d.]+ [munp]?J</text>", svg)


def test_a_curve_of_one_point_is_seen_and_one_without_accuracy_has_no_panel_of_it() -> None:
    def curve(n: int, accuracy: float | None) -> list[HistoryPoint]:
        return [HistoryPoint(40 * (i + 1), accuracy, 1000, 0.0) for i in range(n)]

    drawn = figures.training_curve(curve(1, 0.5), 0.6)
    assert [axis.get_ylabel() for axis in drawn.axes] == ["accuracy (%)", "pulses\n(million)"]
    assert all(axis.lines[0].get_marker() == "." for axis in drawn.axes)
    assert [axis.get_ylabel() for axis in figures.training_curve(curve(3, None), None).axes] == ["pulses\n(million)"]
    assert len(figures.training_curve(curve(3, None), 0.6).axes) == 2
