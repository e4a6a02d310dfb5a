"""Devices and measured pulses written for other simulators: what is written, and what the round trip changes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synarray.device.spec import DeviceSpec
from synarray.errors import DataError, nearest
from synarray.export.spice_cell import cell_deck
from synarray.lab.exchange.parameters import read_parameters, to_aihwkit, to_neurosim
from synarray.lab.formats import read_pulses
from synarray.lab.formats.crosssim import table_files
from synarray.lab.rows.measured import Measurements

__all__ = ["EXPORTS", "Change", "Held", "export_device", "held", "round_trip"]

_COMPARED = (
    "g_min", "g_max", "n_levels_ltp", "n_levels_ltd", "nonlinearity_ltp", "nonlinearity_ltd", "sigma_c2c", "sigma_d2d_range",
    "sigma_d2d_step", "sigma_d2d_nonlinearity", "sigma_read", "v_ltp", "v_ltd", "t_ltp", "t_ltd", "v_read", "t_read", "p_fail",
    "stuck_low", "stuck_high", "drift_nu", "sigma_drift_nu", "v_fold", "retention", "endurance", "e_ltp", "e_ltd",
)  # fmt: skip
_STATES = np.linspace(-1.0, 1.0, 101)


class Change(NamedTuple):
    """One number before and after the round trip."""

    name: str
    before: float
    after: float

    @property
    def relative(self) -> float:
        """Change relative to the number before; to 1 where that is 0."""
        return abs(self.after - self.before) / (abs(self.before) or 1.0)


def _files(write: Callable[[DeviceSpec], str]) -> Callable[[DeviceSpec], dict[str, bytes]]:
    return lambda device: {"": write(device).encode()}


EXPORTS: dict[str, tuple[Callable[[DeviceSpec], dict[str, bytes]], str]] = {
    "crosssim": (table_files, ""),
    "neurosim": (_files(to_neurosim), ".cpp"),
    "aihwkit": (_files(to_aihwkit), ".json"),
    "spice": (_files(cell_deck), ".cir"),
}
"""How each format is written, and the ending of its file; none: a folder."""


def export_device(device: DeviceSpec, name: str) -> dict[str, bytes]:
    """Return the files of a device in a format, by name; the name "" is the file that was asked for itself.

    Raises
    ------
    DataError
        When there is no such format, or it cannot hold the device's law.
    """
    if name not in EXPORTS:
        raise DataError(
            "the format must be one that devices go to", got=repr(name), where="--format", do=nearest(name, EXPORTS)
        )
    return EXPORTS[name][0](device)


def round_trip(device: DeviceSpec, name: str) -> list[Change]:
    """Write a device, read it back as a user would, and compare: its numbers, and the largest change of a mean step.

    The step is a share of the range.
    For ``spice`` see :func:`synarray.export.ngspice_cell.follow_in_ngspice`.
    """
    files = export_device(device, name)
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            (Path(folder) / (file or "device")).write_bytes(content)
        if name == "crosssim":
            from synarray.lab.fitting import fit

            back = fit(read_pulses(Path(folder), "crosssim-tables")).spec
        else:
            back = read_parameters(Path(folder) / "device").spec
    changes = [Change(key, float(getattr(device, key) or 0.0), float(getattr(back, key) or 0.0)) for key in _COMPARED]
    shown = [change for change in changes if change.before or change.after]
    step = float(np.abs(device.steps(_STATES) - back.steps(_STATES)).max()) / 2.0
    return [*shown, Change("largest change of a step", 0.0, step)]


class Held(NamedTuple):
    """What a file of measured pulses holds of those that were measured."""

    reads: int
    devices: int
    cycles: int
    missing: str
    """What the format has no place for; empty: nothing."""


_ROOM = {  # what a format holds of many devices and cycles: cycles (none: all), and in words
    "neurosim": (None, "one device"),
    "crosssim-ramps": (None, "one device"),
    "aihwkit-values": (1, "one train of one device, LTP and LTD of one length"),
    "aihwkit-steps": (1, "steps of one train of one device at 21 states"),
    "n2d2": (1, "the LTP pulses of one train of one device"),
}


def held(measured: Measurements, kind: str, files: dict[str, bytes]) -> Held:
    """Say which of the measured pulses are in the files of a format.

    Parameters
    ----------
    measured : Measurements
    kind : str
        Name of the format.
    files : dict
        What it wrote.
    """
    devices, cycles = len(measured.devices), len(np.unique(measured.cycle))
    if kind not in _ROOM:
        return Held(len(measured), devices, cycles, "")
    most, words = _ROOM[kind]
    kept = cycles if most is None else most
    reads = sum(_numbers(content) for content in files.values()) // (2 if kind == "neurosim" else 1)
    whole = (devices, cycles) == (1, kept) and kind in ("neurosim", "crosssim-ramps")
    return Held(reads, 1, kept, "" if whole else f"{kind} holds {words}")


def _numbers(content: bytes) -> int:
    """Count the finite numbers of a table; columns may have names."""
    cells = content.decode().replace(",", " ").split()
    return sum(cell[0] in "-.0123456789" for cell in cells)
