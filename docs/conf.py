"""The documentation site; ``make docs`` builds it, without the network. Tutorials are run, and warnings are errors."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
WORK = HERE / "_work"
"""Where the tutorials are run: a fresh folder, as a reader's is."""

sys.path.insert(0, str(ROOT / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
project, author = "synarray", "the synarray authors"
version = release = PROJECT["version"]
copyright = author

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build", "_work", "_extra", "_pictures", "tutorials", "figure_scripts", "*gallery/*.ipynb", "*gallery/*.py", "**/README.md",
]  # fmt: skip
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]
autodoc_default_options = {"members": True}
autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

highlight_language = "none"

html_theme = "pydata_sphinx_theme"
html_title = "synarray"
html_theme_options = {
    "show_nav_level": 1,
    "navigation_depth": 2,
    "header_links_before_dropdown": 8,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "start": [], "results": []}
html_show_sourcelink = False
html_copy_source = False
html_extra_path = ["_extra"]
templates_path = ["_templates"]
html_static_path = ["_static", "_work/static"]
html_css_files = ["site.css", "figures.css"]


def _copies() -> list[str]:
    """Copy the programs that are run to a fresh folder, where the files that they write do not matter."""
    shutil.rmtree(WORK, ignore_errors=True)
    return [shutil.copytree(HERE / name, WORK / name).as_posix() for name in ("tutorials", "figure_scripts")]


def _drawn(svg: str) -> str:
    """Return a figure as an element of a page, little wider than it was drawn; its colours are those of the page's scheme."""
    (points,) = re.findall(r'viewBox="0 0 ([\d.]+) ', svg)[:1]
    return f'<figure class="drawn" style="max-width: {round(1.6 * float(points))}px">{svg}</figure>'


def _figure(block: tuple[Any, ...], variables: dict[str, Any], conf: dict[str, Any]) -> str:
    """Show the figure that a block of a program ends with, and save it on white for the gallery; a film is an animated GIF."""
    from matplotlib import pyplot
    from sphinx_gallery.scrapers import figure_rst

    from synarray.report.run_figures.film import Film
    from synarray.report.style import inline_svg, styled

    if not block[1].rstrip().endswith("\nfigure"):
        return ""
    path, figure = Path(next(variables["image_path_iterator"])), variables["example_globals"]["figure"]
    title = Path(variables["src_file"]).read_text("utf-8").splitlines()[1]
    pyplot.close("all")
    if isinstance(figure, Film):
        figure.save(path.with_suffix(".gif"))
        return str(figure_rst([str(path.with_suffix(".gif"))], conf["src_dir"], title))
    styled(figure.savefig)(path, dpi=110, facecolor="white")
    svg = inline_svg(figure, path.stem.replace("_", "-"), title)
    for black in ("fill: #000000", "stroke: #000000"):
        svg = svg.replace(black, black.replace("#000000", "var(--ink)"))
    return "\n\n.. raw:: html\n\n" + textwrap.indent(_drawn(svg), "    ") + "\n\n"


def _looks(conf: dict[str, Any], name: str) -> None:
    """Let the figures of the programs look like those of the package."""
    from matplotlib import pyplot

    from synarray.report.style import SERIES, styled

    pyplot.rcParams.update(styled(pyplot.rcParams.copy)() | {"axes.prop_cycle": pyplot.cycler(color=SERIES)})


sphinx_gallery_conf = {
    "examples_dirs": _copies(),
    "gallery_dirs": ["gallery", "figure_gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1,
    "write_computation_times": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "capture_repr": (),
    "image_scrapers": (_figure,),
    "reset_modules": ("matplotlib", _looks),
}


_TERMS = tomllib.loads((ROOT / "src" / "synarray" / "glossary.toml").read_text("utf-8"))


def _glossary() -> None:
    """Write the page of words from the file that the studio shows, too."""
    words = _TERMS
    lines = [
        "# Glossary",
        "",
        "These are the words of the studio and of this site, two sentences each.",
        "",
        ":::{glossary}",
    ]
    for name in sorted(words, key=str.lower):
        lines += [name, f"  {words[name]}", ""]
    (HERE / "glossary.md").write_text("\n".join([*lines, ":::", ""]), "utf-8")


def _contributing() -> None:
    """Take the page for contributors, and the changelog, from the files at the top."""
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text("utf-8")
        text = re.sub(r"\bdocs/([a-z]+)\.md\b", r"\1.md", text)
        (HERE / name.lower()).write_text(text, "utf-8")


def _browser_page() -> None:
    """Write the page that learns in the browser, to be shown within a page of the site."""
    page = HERE / "_extra" / "learns-in-the-browser.html"
    if not page.exists():
        page.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "synarray", "export", "browser", "-o", str(page), "--images", "6000"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _begin_pictures() -> subprocess.Popen[bytes]:
    """Begin to draw the pictures of the pages, while the tutorials are run."""
    shutil.rmtree(HERE / "_pictures", ignore_errors=True)
    return subprocess.Popen([sys.executable, str(ROOT / "scripts" / "pictures.py"), str(HERE / "_pictures"), "--site"])


def _end_pictures(app: Any) -> None:
    """Wait until they are drawn."""
    if _PICTURES.wait() != 0:
        raise RuntimeError("the pictures of the pages could not be drawn: see above")


def _take_pictures(app: Any, name: str, source: list[str]) -> None:
    """Show what this build drew; ``docs/figures`` is for those who read the pages where there is no build."""
    source[0] = re.sub(r"^!\[([^\]]*)\]\(figures/(\w+)\.png\)$", _picture, source[0], flags=re.MULTILINE)


def _picture(found: re.Match[str]) -> str:
    """Return a drawing as an element of the page, or a photograph for each scheme."""
    alt, name = found.groups()
    drawing = HERE / "_pictures" / f"{name}.svg.html"
    if drawing.exists():
        svg = re.sub('aria-label="[^"]*"', f'aria-label="{html.escape(alt)}"', drawing.read_text("utf-8"), count=1)
        return f"```{{raw}} html\n{_drawn(svg)}\n```"
    if not (HERE / "_pictures" / f"{name}-dark.png").exists():
        return found[0]
    schemes = {"only-light": name, "only-dark": f"{name}-dark"}
    return "\n\n".join(
        f"```{{image}} _pictures/{file}.png\n:alt: {alt}\n:class: {scheme}\n```" for scheme, file in schemes.items()
    )


def _colours() -> None:
    """Write the colours of drawings, for the light and for the dark scheme."""
    from synarray.report.style import stylesheet

    made = WORK / "static"
    made.mkdir()
    rules = [f'html[data-theme="{("light", "dark")[dark]}"] .drawn {{ {stylesheet(dark)} }}' for dark in (False, True)]
    (made / "figures.css").write_text("\n".join(rules) + "\n", "utf-8")


_glossary()
_contributing()
_colours()
_browser_page()
_PICTURES = _begin_pictures()


def _skip(app: Any, what: str, name: str, *_: Any) -> bool | None:
    """Leave out what scikit-learn adds to every classifier, and pydantic to every spec."""
    return True if name.endswith("_request") or name in ("get_metadata_routing", "model_config") else None


_BY_WORD = {form: name for name in _TERMS for form in (name, name[0].upper() + name[1:], f"{name}s")}
"""Terms of the glossary by the forms in which they are found: also at the beginning of a sentence, and as a plural."""


def _link_terms(app: Any, tree: Any) -> None:
    """Link the first use of each word of the glossary on a page to the glossary."""
    from docutils import nodes
    from sphinx import addnodes

    if app.env.docname in ("glossary", "changelog", "contributing") or "generated" in app.env.docname:
        return
    left = dict(_BY_WORD)
    for paragraph in tree.findall(nodes.paragraph):
        for text in list(paragraph.findall(nodes.Text)):
            while isinstance(text.parent, nodes.paragraph | nodes.emphasis | nodes.strong) and left:
                words = "|".join(sorted(map(re.escape, left), key=len, reverse=True))
                found = re.search(rf"\b({words})\b", text.astext())
                if found is None:
                    break
                name = left[found[1]]
                link = addnodes.pending_xref(
                    "", nodes.inline("", found[1]), refdomain="std", reftype="term", reftarget=name,
                    refdoc=app.env.docname, refexplicit=True, refwarn=True,
                )  # fmt: skip
                before, after = (
                    nodes.Text(part) for part in (text.astext()[: found.start()], text.astext()[found.end() :])
                )
                text.parent.replace(text, [before, link, after])
                text, left = after, {form: term for form, term in left.items() if term != name}


_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def _set_numbers(app: Any, tree: Any) -> None:
    """Set a value and its spread or unit in one line, with spaces that do not break; set signs, micro and powers as in print."""
    from docutils import nodes

    for text in list(tree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.FixedTextElement | nodes.literal):
            whole = re.sub(r"(\d%?) \+- (?=\d)", "\\1\u00a0\u00b1\u00a0", text.astext())
            whole = re.sub(r"(?<![\w+-])\+-(?=\s)", "\u00b1", whole)
            whole = re.sub(r"(\d) (?=%)", "\\1\u00a0", whole)
            whole = re.sub(r"(?<=\d) x (?=\d)", "\u00a0\u00d7\u00a0", whole)
            whole = re.sub(r"(?<=\d) u(?=[SJsmAWV]\b)", "\u00a0\u00b5", whole)
            whole = re.sub(r"(?<=[\w)])\^(-?\d+)\b", lambda found: found[1].translate(_RAISED), whole)
            if whole != text.astext():
                text.parent.replace(text, nodes.Text(whole))


def setup(app: Any) -> None:
    """Register what is above."""
    app.connect("builder-inited", _end_pictures, priority=900)
    app.connect("source-read", _take_pictures)
    app.connect("autodoc-skip-member", _skip)
    app.connect("doctree-read", _link_terms)
    app.connect("doctree-read", _set_numbers)
