"""Draw the picture of README and site again: the top of a verdict page, as a browser shows it (needs Chromium).

    synarray device synth pcmo -o pulses.csv && synarray device judge pulses.csv
    python scripts/verdict_picture.py verdicts/pulses/index.html docs/figures/verdict.png

The first command takes two minutes of processor time.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "doors"))
WIDTH = 1000
END = "document.querySelector('figure').getBoundingClientRect().bottom"
"""Where the picture ends: below the first figure of the page."""


def main() -> None:
    """Draw it."""
    from browser import inspect

    page, picture = map(Path, sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "page.png"
        end = inspect(page, WIDTH, screenshot=whole, ask=END)["answer"]
        Image.open(whole).convert("RGB").crop((0, 0, WIDTH, round(end))).quantize(64).save(picture, optimize=True)


if __name__ == "__main__":
    main()
