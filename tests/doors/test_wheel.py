"""What is handed to others: the wheel holds the package and nothing else; the locks name what was tested, and no machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "synarray"
DATA = {".toml", ".html", ".js", ".wasm", ".xz", ".typed"}
PAGE = {".html", ".js", ".css", ".txt"}
"""The studio's page, in src/synarray/studio/page alone: markup, scripts, style sheets, a licence."""
LEARNER = {".c", ".h", ".txt", ".yml", ".properties", ".ino", ".json", ".in", ""}
"""What is exported as C, in src/synarray/export/c alone: sources, and what three build systems ask for."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build as a release is built, without the network: the sources' archive, and the wheel from that archive alone."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


def test_the_archive_holds_the_sources_and_nothing_that_was_made(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for part in ("src", "docs/_static", "docs/_templates", "docs/records", "docs/howto", "scripts"):
        here = {str(path.relative_to(ROOT)) for path in (ROOT / part).rglob("*") if path.is_file()}
        assert {name for name in here if "__pycache__" not in name} <= names, part
    made = r"docs/(_build|_work|_extra|_pictures|gallery|figure_gallery)/|\.venv/|__pycache__|^runs/"
    assert not [name for name in names if re.search(made, name)]


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    here = {f"synarray/{path.relative_to(PACKAGE)}" for path in PACKAGE.rglob("*") if path.is_file()}
    due = {name for name in here if "__pycache__" not in name}
    assert {Path(name).suffix for name in due if not re.search("/export/c/|/studio/page/", name)} <= {".py", *DATA}
    assert {Path(name).suffix for name in due if "/studio/page/" in name} <= PAGE
    assert {Path(name).suffix for name in due if "/export/c/" in name} <= {".py", ".toml", *LEARNER}
    info = {name for name in wheel.namelist() if ".dist-info/" in name}
    assert set(wheel.namelist()) - info == due
    assert {Path(name).name for name in info} == {"METADATA", "RECORD", "WHEEL", "LICENSE", "entry_points.txt"}


def test_the_wheel_is_small_and_is_mostly_the_images(wheel: zipfile.ZipFile) -> None:
    """MNIST, lossless, is by far the largest member; all else is text."""
    sizes = {member.filename: member.file_size for member in wheel.infolist()}
    fetched = {member.filename: member.compress_size for member in wheel.infolist()}
    assert sizes.pop("synarray/task/mnist.xz") < 9_500_000
    assert sum(fetched.values()) - fetched["synarray/task/mnist.xz"] < 1_000_000
    assert max(sizes.values()) < 100_000


def test_every_dependency_has_a_tested_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    named = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(each for extra in extras for each in extra),
    ]
    loose = [each for each in named if not re.fullmatch(r"synarray\[.*\]|[\w-]+>=[\d.]+,<\d+", each)]
    assert loose == []


@pytest.mark.parametrize(("name", "extra"), [("run", "all"), ("test", "dev")])
def test_a_lock_pins_every_dependency_by_its_hashes_and_names_no_machine(name: str, extra: str) -> None:
    text = (ROOT / "locks" / f"{name}.txt").read_text("utf-8")
    assert not re.search(r"https?:|file:|index-url|find-links|@|(?<![\w.])/", text)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all(
        re.match(r"[a-z0-9-]+==[\w.]+( ; [^\n]+)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n)?)+$", each)
        for each in entries
    )
    pinned = {each.partition("==")[0]: each.partition("==")[2].split()[0] for each in entries}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    due = [
        *project["dependencies"],
        *extras["report"],
        *extras["sklearn"],
        *extras["studies"],
        *extras["fit"],
        *([*extras["dask"], *extras["dev"][1:]] if extra == "dev" else []),
    ]
    for each in due:
        package, low, high = re.fullmatch(r"([\w-]+)>=([\d.]+),<(\d+)", each).groups()  # type: ignore[union-attr]
        version = [int(part) for part in re.findall(r"\d+", pinned[package])]
        assert [int(part) for part in low.split(".")] <= version < [int(high)]
