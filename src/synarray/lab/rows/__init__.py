"""Rows of a measurement: their order in time, their polarity, and which of them cannot be used."""
