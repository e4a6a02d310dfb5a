"""What the commands of a device write: counted as it is, under a name that fits, and never over what was read."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Command, everything_in, four_parts

from synarray.lab.exchange.imported import name_from
from synarray.lab.formats import read_pulses


@pytest.mark.parametrize(
    ("kind", "devices", "cycles"),
    [("neurosim", 1, 4), ("crosssim-ramps", 1, 4), ("aihwkit-values", 1, 1), ("n2d2", 1, 1), ("simbrain", 4, 4), ("arc", 4, 4),
     ("synarray", 4, 4)],
)  # fmt: skip
def test_synth_counts_what_its_file_holds(command: Command, kind: str, devices: int, cycles: int) -> None:
    told = command(
        "device", "synth", "pcmo", "--devices", "4", "--cycles", "4", "--format", kind, "-o", "out", "--json"
    ).json
    assert (told["devices"], told["cycles"]) == (devices, cycles)
    found = read_pulses(Path("out"), kind)
    assert told["rows"] == len(found) + sum(found.discarded.values())
    assert len(found.devices) == devices
    assert bool(told["left_out"]) == (devices == 1)
    words = command("device", "synth", "pcmo", "--devices", "4", "--cycles", "4", "--format", kind, "-o", "out").out
    assert f"{told['rows']:,} reads of {devices} device{'s' * (devices > 1)} x {cycles} cycle" in words
    assert ("Of 4 devices x 4 cycles that were measured" in words) == (devices == 1)


def test_a_file_is_not_written_over_what_was_read_nor_under_the_ending_of_another(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("dw_min = 0.01\n", "utf-8")
    (tmp_path / "folder").mkdir()
    before = everything_in(tmp_path)
    for arguments, says in (
        (("import", "mine.toml"), "must not replace what was read"),
        (("export", "pcmo", "--format", "neurosim", "-o", "a.json"), "must end in .cpp"),
        (("export", "pcmo", "--format", "crosssim", "-o", "a.json"), "must be a folder"),
        (("export", "pcmo", "--format", "crosssim", "-o", "mine.toml"), "needs a folder"),
        (("export", "pcmo", "--format", "aihwkit", "-o", "folder"), "must be named, not a folder"),
        (("synth", "pcmo", "-o", "a.toml"), "must end in .csv"),
    ):
        assert says in four_parts(command("device", *arguments))["rule"]
    assert everything_in(tmp_path) == before


def test_a_file_that_is_replaced_is_named(command: Command) -> None:
    first, second = (command("device", "export", "ideal", "--format", "aihwkit", "-o", "p.json").out for _ in range(2))
    assert "Replaced" not in first
    assert "Replaced: p.json" in second


@pytest.mark.parametrize(
    ("file", "name"),
    [("Probe 1 \u00b5S.csv", "Probe-1-uS"), ("\u03bcA \u03a9.csv", "uA-Ohm"), ("cellule d\u00e9j\u00e0.csv", "cellule-deja"),
     ("\u8a18\u61b6.csv", "device")],
)  # fmt: skip
def test_a_name_keeps_what_can_be_written_plainly(file: str, name: str) -> None:
    assert name_from(Path(file)) == name


def test_an_export_is_written_where_it_is_asked_or_printed(command: Command, tmp_path: Path) -> None:
    printed = command("device", "export", "epiram", "--format", "neurosim")
    assert (printed.status, list(tmp_path.iterdir())) == (0, [])
    assert "read back" in printed.err
    assert command("device", "export", "epiram", "--format", "neurosim", "-o", "cell.cpp").status == 0
    assert (tmp_path / "cell.cpp").read_text("utf-8") == printed.out
    told = command("device", "export", "epiram", "--format", "neurosim", "--json").json
    assert (told["files"], told["content"]) == ([], printed.out)
    assert "-o epiram-crosssim" in four_parts(command("device", "export", "epiram", "--format", "crosssim"))["do"]
    assert [path.name for path in tmp_path.iterdir()] == ["cell.cpp"]
