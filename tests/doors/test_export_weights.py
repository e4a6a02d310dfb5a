"""``synarray export weights``: integer arrays that read what the run reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from command import Command, four_parts

from synarray.export.run_c import compiler
from synarray.run.opened import open_run


def test_arrays_are_what_a_read_gives(command: Command, finished_run: Path) -> None:
    done = command("export", "weights", str(finished_run), "-o", "w.npz", "--json")
    assert done.status == 0, done.err
    run, found = open_run(finished_run), np.load("w.npz")
    start = run.arrays["neuron_start"]
    for g in range(len(start) - 1):
        weights = run.arrays["w"][start[g] : start[g + 1], : len(found[f"inputs_{g}"])].T
        np.testing.assert_array_equal(found[f"weights_{g}"], np.floor(127 * weights + np.float32(0.5)))
    np.testing.assert_array_equal(found["thresholds"], run.arrays["threshold"])
    assert done.json["arrays"]["weights_0"] == list(found["weights_0"].shape)


@pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
def test_the_header_compiles(command: Command, finished_run: Path) -> None:
    assert command("export", "weights", str(finished_run), "-o", "w.h").status == 0
    Path("use.c").write_text(
        '#include "w.h"\nint first(void) { return weights_0[0] + (int)inputs_0[0] + thresholds[0]; }\n'
    )
    flags = ("-std=c99", "-Wall", "-Wno-unused-const-variable", "-Wno-unused-variable", "-pedantic", "-Werror")
    subprocess.run([*(compiler() or []), *flags, "-c", "use.c", "-o", "use.o"], check=True)


def test_other_names_and_files_are_refused(command: Command, finished_run: Path) -> None:
    four_parts(command("export", "weights", str(finished_run), "-o", "w.csv"))
    Path("w.npz").write_text("mine")
    four_parts(command("export", "weights", str(finished_run), "-o", "w.npz"))
    assert Path("w.npz").read_text() == "mine"
