"""What a fit leaves open: draws from the posterior of a device's numbers, kept in the device's own file.

    [posterior]
    g_max = [2.31e-6, 2.29e-6, ...]        one number per draw, in SI; what is not drawn is as in the device

A device without such a table has no draws. Draws are devices like any other: each is validated whole.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from synarray.device.library import read_tables
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.spec import spec_error

__all__ = ["draws_of", "load_posterior"]


def load_posterior(source: str) -> list[DeviceSpec]:
    """Read the draws that ``device fit`` left in a device's file.

    Parameters
    ----------
    source : str
        A name of the library or the path of a TOML file.

    Returns
    -------
    list of DeviceSpec
        The device as each draw has it; empty for a device without draws.

    Raises
    ------
    SpecError
        When there is no such device, or a draw is no device.

    Examples
    --------
    >>> load_posterior("pcm")
    []
    """
    values, posterior = read_tables(str(source))
    return draws_of(DeviceSpec.read(values, str(source)), posterior, str(source))


def draws_of(device: DeviceSpec, posterior: dict[str, list[Any]], where: str) -> list[DeviceSpec]:
    """Make a device of each draw: of the columns of a fit, such as ``Fit.draws``.

    Raises
    ------
    SpecError
        When a draw is no device, naming ``where``.
    """
    known = dict(device)
    count = len(next(iter(posterior.values()))) if posterior else 0
    return [_draw(known, posterior, i, where) for i in range(count)]


def _draw(known: dict[str, Any], posterior: dict[str, list[Any]], i: int, where: str) -> DeviceSpec:
    """Put one draw into the place of the device's numbers."""
    changes = {key: column[i] for key, column in posterior.items()}
    if "response" in changes:
        x, ltp, ltd = changes["response"]
        changes["response"] = {"x": x, "ltp": ltp, "ltd": ltd}
    sources = {key: source for key, source in known["sources"].items() if key not in changes}
    try:
        return DeviceSpec.model_validate({**known, **changes, "sources": sources})
    except ValidationError as error:
        said = spec_error(DeviceSpec, error, where=f"{where}, table posterior, draw {i + 1}")
        raise SpecError(said.rule, got=said.got, where=said.where, do="Run synarray device fit again.") from None
