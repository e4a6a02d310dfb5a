"""Build src/synarray/export/browser/learner.wasm from the C learner, with the clang of ziglang.

    python scripts/build_wasm.py          writes the module
    python scripts/build_wasm.py FILE     writes it elsewhere: tests/twins/test_browser_page.py compares the two

Needs the package ziglang (extra dev), in the version that locks/test.txt names: another compiler writes other bytes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXPORT = Path(__file__).parents[1] / "src" / "synarray" / "export"
FUNCTIONS = (
    *("synarray_init", "synarray_learn", "synarray_label", "synarray_predict", "synarray_events"),
    *("page_struct_bytes", "page_memory_bytes", "page_cells", "page_forget_labels"),
)
FLAGS = ("-std=c99", "-ffreestanding", "-Os", "-ffp-contract=off", "-Wl,--no-entry", "-Wl,--strip-all")


def build(out: Path) -> None:
    """Link the module."""
    exports = [f"-Wl,--export={name}" for name in (*FUNCTIONS, "__heap_base")]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding", *FLAGS, *exports]
    subprocess.run([*command, str(EXPORT / "c" / "page.c"), "-o", str(out.resolve())], check=True, cwd=EXPORT / "c")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else EXPORT / "browser" / "learner.wasm"
    build(target)
    print(f"{target.name}: {target.stat().st_size:,} bytes")
