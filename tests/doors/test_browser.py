"""The eye that looks at pages sees what is wrong with them: each fault is found, and a clean page has none."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import inspect, needs_chromium

_DOT = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='2' height='2'/%3E"
_PAGE = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ background: rgb(255, 255, 255) }} @media (prefers-color-scheme: dark) {{ body {{ background: rgb(1, 2, 3) }} }}
</style></head><body>{body}</body></html>"""


def _page(folder: Path, body: str) -> Path:
    path = folder / "page with a space.html"
    path.write_text(_PAGE.format(body=body), "utf-8")
    return path


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_clean_page_has_no_fault(tmp_path: Path, width: int, dark: bool) -> None:
    seen = inspect(_page(tmp_path, f'<p>words</p><img alt="" src="{_DOT}">'), width, dark)
    assert (seen["errors"], seen["broken_images"], seen["overflow"], seen["requests"]) == ([], [], 0, [])
    assert seen["background"] == ("rgb(1, 2, 3)" if dark else "rgb(255, 255, 255)")
    assert "words" in seen["text"]


@needs_chromium
def test_faults_are_seen(tmp_path: Path) -> None:
    wide = inspect(_page(tmp_path, '<div style="width: 500px">wide</div>'), 360)
    assert 140 <= wide["overflow"] <= 160  # 500 pixels and the body's margin in a window of 360
    image = inspect(_page(tmp_path, '<img alt="lost" src="not-there.png">'))
    assert len(image["broken_images"]) == 1
    assert image["requests"] == [(tmp_path / "not-there.png").as_uri()]
    assert image["errors"]
    script = inspect(_page(tmp_path, "<script>console.error('said'); undefined.thing</script>"))
    assert any("said" in error for error in script["errors"])
    assert len(script["errors"]) == 2
