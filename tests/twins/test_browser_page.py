"""The page that learns in a browser: its module is what the C file builds to, and it computes what the native C computes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synarray import load_experiment, train
from synarray.cost.prices import load_periphery
from synarray.export import browser_page as page
from synarray.export import load
from synarray.export.c_folder import c_files, write_files
from synarray.export.c_prepare import export_experiment
from synarray.export.run_c import EVENTS
from synarray.run.experiment import task_images
from synarray.run.layered_energy import bill_of_result

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "doors"))
from browser import inspect, needs_chromium  # noqa: E402

IMAGES = 3000
WAIT = """(async () => {
  while (!(run && run.done !== null)) await new Promise((kept) => setTimeout(kept, 50));
  const neurons = PAGE.fields[run.network.fields].reduce((sum, group) => sum + group.neurons, 0), cells = [];
  for (let k = 0; k < neurons; k++) {
    const n = wasm.page_cells(run.s, k, run.out);
    cells.push(...new Uint8Array(memory.buffer, run.out, n));
  }
  return { test: run.done, curve: run.curve, events: events(run), cells, pruned: run.network.pruned, device: run.network.device };
})()"""


@pytest.fixture(scope="module")
def offered() -> list[page.Network]:
    made = []
    for device, levels, pruned in (("taox-tio2", 0, 0.0), ("", 4, 0.5)):
        changes: dict[str, Any] = {"epochs": 1, "images": IMAGES, "n_neurons": 120}
        changes |= (
            {"device": device}
            if device
            else {"cell.n_levels": levels, "pruning.mode": "soft", "pruning.fraction": pruned}
        )
        spec = load_experiment("local-fields", changes)
        ready = export_experiment(spec, ideal_device=True)
        made.append(page.Network(spec, ready.model, levels, pruned, ready.dropped))
    return made


def test_the_module_is_what_the_c_file_builds_to(tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("pip install ziglang")
    locked = re.search(r"^ziglang==(\S+)", (ROOT / "locks" / "test.txt").read_text("utf-8"), re.MULTILINE)
    assert locked is not None
    if importlib.metadata.version("ziglang") != locked[1]:
        pytest.skip(f"another compiler: pip install ziglang=={locked[1]}")
    built = tmp_path / "learner.wasm"
    subprocess.run([sys.executable, ROOT / "scripts" / "build_wasm.py", built], check=True, capture_output=True)
    there = ROOT / "src" / "synarray" / "export" / "browser" / "learner.wasm"
    assert built.read_bytes() == there.read_bytes()
    assert there.stat().st_size < 20_000


@needs_chromium
@pytest.mark.parametrize(("which", "width", "dark"), [(0, 1280, False), (1, 390, True)])
def test_the_page_learns_the_bits_of_the_native_learner(
    offered: list[page.Network], tmp_path: Path, which: int, width: int, dark: bool
) -> None:
    network = offered[which]
    written = tmp_path / "page.html"
    written.write_text(page.browser_page([network]), "utf-8")
    seen = inspect(written, width, dark, ask=WAIT)
    assert (seen["errors"], seen["overflow"], seen["requests"]) == ([], 0, [])

    write_files(tmp_path / "c", c_files(network.model))
    learner = load(tmp_path / "c")
    _, x, y, x_test, y_test = task_images(network.spec)
    learner.learn(x)
    assert seen["answer"]["events"] == list(learner.events.values())
    learner.label(x, y)
    right = learner.predict(x_test[:1000]) == y_test[:1000]
    assert seen["answer"]["test"] == pytest.approx(right.mean(), abs=1e-12)
    assert right.mean() > 0.7
    packed = learner.state()["cells"]
    if network.model.numbers["bits"] == 32:  # the order of the page: neuron by neuron
        tiles, at = [], 0
        shapes = (network.model.tables[f"group_{name}"].tolist() for name in ("rows", "columns"))
        for rows, columns in zip(*shapes, strict=True):
            w = packed[at : at + rows * columns]
            tiles.append(np.floor(np.clip(w, -1, 1) * np.float32(127) + np.float32(127.5)))
            at += rows * columns
        assert np.array_equal(np.concatenate(tiles), seen["answer"]["cells"])
    else:
        assert 0 < np.mean(np.array(seen["answer"]["cells"]) == 255) < 0.8


def test_the_page_prices_a_training_as_the_ledger_does() -> None:
    """Pulses to the last digit; reads at the middle of the range, which is within a few per cent of everything."""
    for device in ("taox-tio2", "subquantum-cbram"):
        spec = load_experiment("local-fields", {"device": device, "epochs": 1, "images": 500, "n_neurons": 60})
        _, x, y, _, _ = task_images(spec)
        bill = bill_of_result(train(spec, x, y))
        found = page.prices_of(spec, export_experiment(spec, ideal_device=True).model)
        assert bill is not None and found is not None
        ledger, counted = bill.ledger(load_periphery()), [bill.counts.events[name] for name in EVENTS]
        assert np.dot(counted, found["programming"]) == pytest.approx(ledger.programming, rel=1e-9)
        assert np.dot(counted, found["prices"]) == pytest.approx(ledger.total, rel=0.03)
