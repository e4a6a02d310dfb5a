"""Telling: figures, the terminal, one self-contained HTML page."""
