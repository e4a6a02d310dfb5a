"""One run: its experiment, its folder on disk, and what can be asked of it afterwards."""
