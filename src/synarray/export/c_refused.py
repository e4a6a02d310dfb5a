"""What the exported learner cannot do, and why: said at export, before anything is written."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synarray.array.schemes.scheme import WORD
from synarray.errors import SpecError
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import Retina
from synarray.network.machine import Machine

__all__ = ["check_exportable", "check_gains", "nominal", "reasons_against"]

_ZERO = dict.fromkeys(
    (
        *("sigma_c2c", "sigma_d2d_range", "sigma_d2d_step", "sigma_d2d_nonlinearity", "sigma_read"),
        *("stuck_low", "stuck_high", "drift_nu", "sigma_drift_nu"),
    ),
    0.0,
)
_SPREADS: dict[str, float | None] = {**_ZERO, "retention": None}
_RUN = "or export a trained run with --predict-only"

Array = npt.NDArray[np.generic]


def nominal(spec: LearningSpec) -> tuple[LearningSpec, list[str]]:
    """Take a device without its spreads, stuck cells, read noise and drift; say what was dropped."""
    if spec.device is None:
        return spec, []
    dropped = {key: off for key, off in _SPREADS.items() if getattr(spec.device, key) != off}
    device = spec.device.model_copy(update=dropped)
    said = [f"device.{key} = {getattr(spec.device, key):g}" for key in dropped]
    return spec.model_copy(update={"device": device}), said


def reasons_against(machine: Machine, spec: LearningSpec) -> list[SpecError]:
    """Say what of an experiment the exported learner cannot learn."""
    found, device, scheme = list[SpecError](), spec.device, machine.array.scheme
    if spec.encoding.form != "windows":
        form, do = f'encoding.form = "{spec.encoding.form}"', f'Set encoding.form = "windows", {_RUN}.'
        found.append(_refuse("the exported learner draws one winner per window", form, do))
    if spec.pruning.kind.removes or spec.pruning.kind.at_random:
        mode, do = f'pruning.mode = "{spec.pruning.mode}"', f'Set pruning.mode = "soft", {_RUN}.'
        found.append(_refuse("the exported learner prunes softly: a pruned cell is still read", mode, do))
    if machine.array.law.step is None:
        rule, do = (
            "a pulse of the exported learner makes one step",
            f"Set cell.step or cell.n_levels to a number, {_RUN}.",
        )
        found.append(_refuse(rule, "cells that move by just what the law asks", do))
    if device is None:
        return found
    spreads = [
        f"device.{key} = {getattr(device, key):g}" for key, off in _SPREADS.items() if getattr(device, key) != off
    ]
    if spreads:
        rule = "cells of the exported learner must not differ, spread, drift or be stuck"
        found.append(_refuse(rule, ", ".join(spreads), f"Add --nominal to take the device without them, {_RUN}."))
    if scheme.paired:
        rule, do = "a weight of the exported learner lives in one cell", f'Set synapse.scheme = "analog", {_RUN}.'
        found.append(_refuse(rule, "a pair of cells", do))
    if scheme.code == WORD and any(chance < 1 for chance in device.switching):
        rule, do = "bits of the exported learner's words must always switch", f"Set device.p_fail = 0, {_RUN}."
        found.append(_refuse(rule, "probabilities of " + " and ".join(f"{p:g}" for p in device.switching), do))
    if spec.array.wires != type(spec.array.wires)() or spec.array.wear:
        what = "array.wear = true" if spec.array.wear else "resistances of wires"
        found.append(_refuse("the exported learner knows no wires and no wear", what, f"Leave them out, {_RUN}."))
    return found


def check_exportable(machine: Machine, retina: Retina, classes: Array, spec: LearningSpec, predict_only: bool) -> None:
    """Refuse what the exported learner cannot do, or has no room for.

    Raises
    ------
    SpecError
        With the first reason.
    """
    against = [] if predict_only else reasons_against(machine, spec)
    if machine.array.read_sigma > 0:  # whatever else the cells are, a read of them is a number
        rule, noise = (
            "reads of the exported learner have no noise",
            f"{machine.array.read_sigma:.3g} read units per cell",
        )
        do = "Set device.sigma_read = 0 (or add --nominal) and leave thermal noise out of the array."
        against.append(_refuse(rule, noise, do))
    if machine.spec.array.adc_bits is not None:
        against.append(
            _refuse(
                "the exported learner has no converters: its sums are exact",
                f"array.adc_bits = {machine.spec.array.adc_bits}",
                "Leave array.adc_bits out.",
            )
        )
    if against:
        raise against[0]
    rows, neurons = int(machine.array.row_start[-1]), len(machine.threshold)
    sizes = {"features": retina.n_features, "rows": rows, "neurons": neurons, "classes": len(classes)}
    sizes["inputs"] = 1 + max(int(group.places.max()) for group in machine.groups)
    for name, size in sizes.items():
        if size > 65_535:
            raise _refuse(f"the exported learner counts {name} in 16 bits", f"{size:,}", "Use fewer.")
    draws = spec.encoding.draws * max(group.draws for group in machine.groups)
    fall = 512 * draws * int(machine.laws(0.0)[0].homeostasis[0])
    if fall >= 1 << 29:
        rule = "thresholds must not fall further than 2^29 between two blocks"
        raise _refuse(rule, f"{fall:,}", "Lower neuron.homeostasis.")


def _refuse(rule: str, got: str, do: str) -> SpecError:
    return SpecError(rule, got=got, where="export c", do=do)


def check_gains(retina: Retina, total: int) -> None:
    """Hold the integer gain against the one of ``Retina.see`` for every total an image can have."""
    if not retina.gain_control:
        return
    sums = np.arange(1, retina.n_features * 255 + 1, dtype=np.int64)
    expected = np.minimum(np.rint(65536.0 * retina.mean_total / sums), 65536.0 * 255).astype(np.int64)
    if total >= 1 << 62:
        raise _refuse(
            "the mean total of the images must stay below 2^22", f"{retina.mean_total:g}", "Use fewer features."
        )
    got = np.minimum((total // sums + (1 << 23)) >> 24, 65536 * 255)
    if (got != expected).any():
        raise _refuse(
            "the integer gain must be that of the machine for every image",
            f"another one for a total of {int(sums[np.argmax(got != expected)])}",
            "Report this data set.",
        )
