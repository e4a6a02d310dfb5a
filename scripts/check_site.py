"""Check a built site without the network: links and anchors, size, and in a browser whether every page fits its window.

python scripts/check_site.py docs/_build/html          links, size; every page 390 pixels wide (if Chromium is installed)
python scripts/check_site.py docs/_build/html --all    ... and 1280, in the light and in the dark scheme
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "doors"))

LARGEST = 30_000_000
"""Bytes of the site."""
CUT = """
(() => {
  const scrolls = up => up && (up.matches("table, pre, div[class*=table]") && getComputedStyle(up).overflowX !== "visible"
    || scrolls(up.parentElement));
  const beyond = each => each.getBoundingClientRect().right > innerWidth + 1 || each.scrollWidth > each.clientWidth + 1;
  const words = document.querySelectorAll("main :is(h1, h2, h3, p, dt, dd, li), .prev-next-title");
  return [...words].filter(each => each.clientWidth && beyond(each) && !scrolls(each)).map(each => each.textContent.trim());
})()
"""
"""Words that reach beyond the window or their own frame, and cannot be scrolled to."""
OTHERS = ("http", "https", "mailto", "data", "javascript")


class _Page(HTMLParser):
    """Where a page leads, and what it can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of what a tag leads to, and of its name."""
        for key, value in attrs:
            if key in ("href", "src") and value:
                self.links.append(value)
            elif key in ("id", "name") and value:
                self.anchors.add(value)


def pages_of(site: Path) -> list[Path]:
    """List the pages of a site; what a theme keeps in ``_static`` is none."""
    return [path for path in sorted(site.rglob("*.html")) if "_static" not in path.relative_to(site).parts]


def broken_links(site: Path) -> list[str]:
    """List links and anchors within a site that lead nowhere, each with its page."""
    pages = {path: _Page(path.read_text("utf-8")) for path in pages_of(site)}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in OTHERS or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (target in pages and unquote(parts.fragment) not in pages[target].anchors):
                broken.append(f"{path.relative_to(site)}: {link} leads nowhere")
    return broken


def misfits(site: Path, widths: tuple[int, ...], schemes: tuple[bool, ...]) -> list[str]:
    """List pages that are wider than their window, miss an image, or complain in the browser's console."""
    from browser import find_chromium, inspect

    if find_chromium() is None:
        print("No Chromium here: whether pages fit a narrow window was not looked at.")
        return []
    wrong = []
    for path in pages_of(site):
        for width in widths:
            for dark in schemes:
                seen = inspect(path, width, dark, ask=CUT)
                where = f"{path.relative_to(site)}, {width} pixels, {'dark' if dark else 'light'}"
                if seen["overflow"]:
                    wrong.append(f"{where}: {seen['overflow']} pixels too wide")
                wrong += [f"{where}: {each}" for each in (*seen["errors"], *seen["broken_images"])]
                wrong += [f"{where}: cut: {each[:40]}" for each in seen["answer"] or ()]
    return wrong


def main() -> None:
    """Print what is wrong; exit with 1 if anything is."""
    site, everything = Path(sys.argv[1]).resolve(), "--all" in sys.argv
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    pages = len(pages_of(site))
    wrong = [] if pages else [f"there is no page in {site}"]
    wrong += [f"the site has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}"] if size > LARGEST else []
    wrong += broken_links(site)
    wrong += misfits(site, (390, 1280) if everything else (390,), (False, True) if everything else (False,))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{pages} pages, {size / 1e6:.1f} MB: {len(wrong)} faults")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
