"""The glossary: what the words of the field mean, each in two plain sentences, from the one file that the documents use too."""

from __future__ import annotations

import tomllib
from importlib import resources

__all__ = ["load_glossary"]


def load_glossary() -> dict[str, str]:
    """Return every term with its meaning.

    Examples
    --------
    >>> load_glossary()["epoch"]
    'One pass over all training images. After three epochs the network has seen every image three times.'
    """
    return tomllib.loads((resources.files("synarray") / "glossary.toml").read_text("utf-8"))
