"""Devices as other simulators write them down: read, never executed."""
