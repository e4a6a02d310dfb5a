"""Plain English: README, pages of documentation and tutorials hold short sentences, and no word of a private dialect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_plain_english import DIALECT, INSTEAD

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = (
    "_build",
    "_work",
    "_extra",
    "gallery",
    "figure_gallery",
    "generated",
    "changelog.md",
    "contributing.md",
    "glossary.md",
)
"""Parts of docs/ that the build makes."""
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted(DOCS.rglob("*.md")),
        *sorted((DOCS / "tutorials").glob("*.py")),
        *sorted((DOCS / "figure_scripts").glob("*.py")),
    ]
    if not set(path.relative_to(DOCS).parts if path.is_relative_to(DOCS) else ()) & set(MADE)
}
LONGEST = 20.0
"""Words of a sentence, on average over a page."""
PAGES_NOT_YET: set[str] = set()
"""Pages that are not in plain words and short sentences yet; nothing may be added."""


def sentences(text: str) -> list[str]:
    """Sentences of a page in Markdown, without code, tables, headings and quotations; a colon or a semicolon ends none."""
    found = []
    text = re.sub(r"^(`{3,}|:{3,}).*?^\1\s*$", "", text, flags=re.DOTALL | re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text):
        lines = [line for line in block.splitlines() if not re.match(r"\s*(?:\||#|>|<|!\[)", line)]
        words = re.sub(r"`[^`]*`", "code", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(lines)))
        found += [each for each in re.split(r"(?<=[.!?])\*{0,2}\s+", words.strip()) if len(each.split()) > 1]
    return found


def prose_of_tutorial(text: str) -> str:
    """Return the words between the code of a tutorial, as paragraphs."""
    docstring, _, rest = text.partition('"""\n')[2].partition('"""\n')
    lines = [line[2:] if line.startswith("# ") else "" for line in rest.splitlines()]
    return re.sub(r"^.*\n[=-]{3,}$", "", "\n".join([docstring, *lines]), flags=re.MULTILINE).replace("``", "`")


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_plain(name: str) -> None:
    text = PAGES[name].read_text("utf-8")
    text = prose_of_tutorial(text) if name.endswith(".py") else text
    lengths = [len(sentence.split()) for sentence in sentences(text)]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    words = DIALECT.findall(text)
    plain = mean <= LONGEST and not words
    assert plain != (name in PAGES_NOT_YET), f"{mean:.1f} words a sentence; {words}; instead: {INSTEAD}"


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith(".md")])
def test_no_line_is_taken_for_a_comment_or_a_list(name: str) -> None:
    """The site's Markdown drops lines that begin with a per cent sign, and makes lists of those with a plus sign."""
    assert not re.findall(r"^(?:%|\+-? ).*", PAGES[name].read_text("utf-8"), re.MULTILINE)


def test_sentences_are_counted() -> None:
    page = "# Title\n\nOne two three. Four `five six` seven: eight; nine!\n\n```\nno code.\n```\n\n| no | table |\n- ten eleven\n"
    assert [len(each.split()) for each in sentences(page)] == [3, 5, 3]
    tutorial = '"""\nTitle\n=====\n\nOne two.\n"""\n\n# %%\n# Head\n# ----\n# Three four five.\n\ncode = 1\n'
    assert [len(each.split()) for each in sentences(prose_of_tutorial(tutorial))] == [2, 3]
