"""The tests on other versions of the dependencies, each time in a fresh virtual environment, and the lock files.

    python scripts/versions.py lowest [PYTEST ARGUMENTS]    the lowest versions that pyproject.toml allows
    python scripts/versions.py newest [PYTEST ARGUMENTS]    the newest it allows
    python scripts/versions.py locked [PYTEST ARGUMENTS]    those of locks/test.txt, which `make test` takes
    python scripts/versions.py lock                         write locks/*.txt anew (needs uv: pip install uv)

Without arguments the whole suite runs. With more than one Python, run it with each: python3.12 scripts/versions.py ...
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"run": "all", "test": "dev"}
"""Lock files by name, and the extra of pyproject.toml that each is for."""
INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def lowest() -> list[str]:
    """Pin every dependency of pyproject.toml to its lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    found = [
        re.match(r"([\w-]+)>=([\w.]+),<", each)
        for each in (*project["dependencies"], *(each for extra in extras.values() for each in extra))
    ]
    return [f"{bound[1]}=={bound[2]}" for bound in found if bound]


def lock() -> None:
    """Resolve for every platform and every Python that is allowed, with the hashes of all files."""
    for name, extra in LOCKS.items():
        target = ROOT / "locks" / f"{name}.txt"
        target.parent.mkdir(exist_ok=True)
        subprocess.run(
            ["uv", "pip", "compile", "pyproject.toml", "-", "--extra", extra, "--universal", "--python-version", "3.11",
             "--generate-hashes", "--no-header", "--no-annotate", "--upgrade", "--quiet", "--output-file", str(target)],
            cwd=ROOT, input="hatchling\neditables\n", encoding="utf-8", check=True,
        )  # fmt: skip


def main() -> int:
    """Make the environment, say what is in it, and run the tests."""
    which, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if which == "lock":
        lock()
        return 0
    if which not in ("lowest", "newest", "locked"):
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="synarray-versions-") as place:
        venv.create(Path(place) / "venv", with_pip=True)
        python = str(Path(place) / "venv" / "bin" / "python")
        chosen: list[str] = []
        if which == "lowest":
            pins = Path(place) / "lowest.txt"
            pins.write_text("\n".join(lowest()), "utf-8")
            chosen = ["--constraint", str(pins)]
        elif which == "locked":
            locked = ("--only-binary", ":all:", "--require-hashes", "--requirement", str(ROOT / "locks" / "test.txt"))
            subprocess.run([python, *INSTALL, *locked], check=True)
        subprocess.run([python, *INSTALL, *chosen, "--editable", f"{ROOT}[dev]"], cwd=ROOT, check=True)
        subprocess.run([python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"], check=True)
        variables = {**os.environ, "NUMBA_CACHE_DIR": str(Path(place) / "kernels")}
        variables["PATH"] = f"{Path(python).parent}{os.pathsep}{variables['PATH']}"
        tests = [python, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(tests, cwd=ROOT, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
