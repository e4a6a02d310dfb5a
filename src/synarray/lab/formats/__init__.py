"""Files of measured pulses: what is in them is recognised by names and values, said, and can be overridden."""

from __future__ import annotations

from synarray.lab.formats.known import FORMATS, format_named
from synarray.lab.formats.pulses import Explained, explain_file, read_file, read_pulses

__all__ = ["FORMATS", "Explained", "explain_file", "format_named", "read_file", "read_pulses"]
