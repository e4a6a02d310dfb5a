"""Out of Python: devices and cells for other programs."""
