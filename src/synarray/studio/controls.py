"""The sliders and choices of the page: which key of the experiment each one sets, its range, and where it has an effect."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from synarray.device.curves import MOST_NONLINEAR
from synarray.network.pruning import MODES
from synarray.run.experiment import ExperimentSpec

__all__ = ["CONTROLS", "Control", "by_key", "disabled", "values_of"]


@dataclass(frozen=True)
class Control:
    """One slider or choice."""

    key: str
    """The key of the experiment, as ``--set`` takes it."""
    label: str
    """What people read."""
    place: str
    """Where it is on the page: device, noise, faults, array, network."""
    scale: str
    """One of "linear"; "log"; "square" (fine near 0); "whole" and "log whole" (whole numbers); "choice"; "number" (typed)."""
    low: float = 0.0
    high: float = 1.0
    """Ends of the slider."""
    unit: str = ""
    """SI unit; empty: a plain number. "%" shows a share in percent."""
    term: str = ""
    """The term of the glossary that explains it."""
    choices: tuple[str, ...] = ()
    none: str = ""
    """What it is called when there is no number, at the upper end of the slider; empty: there always is one."""

    def described(self) -> dict[str, Any]:
        """Return it for the page."""
        return asdict(self)


def _share(key: str, label: str, place: str, high: float, term: str) -> Control:
    return Control(key, label, place, "square", 0.0, high, "%", term)


CONTROLS = (
    Control("device.g_min", "Lowest conductance", "device", "log", 1e-9, 1e-4, "S", "conductance range"),
    Control("device.g_max", "Highest conductance", "device", "log", 1e-8, 1e-3, "S", "conductance range"),
    Control("device.n_levels_ltp", "LTP levels", "device", "log whole", 1, 1000, "", "levels"),
    Control("device.n_levels_ltd", "LTD levels", "device", "log whole", 1, 1000, "", "levels"),
    Control("device.nonlinearity_ltp", "LTP nonlinearity", "device", "linear", -MOST_NONLINEAR, MOST_NONLINEAR, "",
            "nonlinearity label"),
    Control("device.nonlinearity_ltd", "LTD nonlinearity", "device", "linear", -MOST_NONLINEAR, MOST_NONLINEAR, "",
            "nonlinearity label"),
    _share("device.sigma_c2c", "Cycle to cycle", "noise", 0.5, "cycle-to-cycle spread"),
    _share("device.sigma_d2d_range", "Device to device: range", "noise", 1.0, "device-to-device spread"),
    _share("device.sigma_d2d_step", "Device to device: step", "noise", 2.0, "device-to-device spread"),
    _share("device.sigma_read", "Read noise", "noise", 1.0, "read noise"),
    _share("device.p_fail", "Pulses that fail", "faults", 0.9, "write failure"),
    _share("device.stuck_low", "Stuck at the lowest", "faults", 0.4, "stuck cell"),
    _share("device.stuck_high", "Stuck at the highest", "faults", 0.4, "stuck cell"),
    Control("device.drift_nu", "Drift exponent", "faults", "square", 0.0, 0.5, "", "drift"),
    Control("array.wires.r_wire", "Wire per pitch", "array", "square", 0.0, 100.0, "ohm", "wire resistance"),
    Control("array.wires.r_driver", "Line driver", "array", "square", 0.0, 5000.0, "ohm", "line driver"),
    Control("array.adc_bits", "Converter bits", "array", "whole", 2, 12, "", "converter", none="ideal"),
    Control("array.count", "Arrays", "array", "log whole", 1, 16, "", "array"),
    Control("fields.kind", "Fields", "network", "choice", term="local field", choices=("local", "full")),
    Control("pruning.mode", "Pruning", "network", "choice", term="pruning", choices=tuple(MODES)),
    Control("pruning.fraction", "Pruned share", "network", "linear", 0.05, 0.95, "%", "pruned share"),
    Control("n_neurons", "Neurons", "network", "log whole", 10, 2000, "", "output neuron"),
    Control("images", "Images", "network", "log whole", 1000, 60_000, "", "presentation", none="all"),
    Control("epochs", "Epochs", "network", "whole", 1, 5, "", "epoch"),
    Control("seed", "Seed", "network", "number", 0, 2**32 - 1, "", "seed"),
)  # fmt: skip
"""In the order of the page."""


def by_key() -> dict[str, Control]:
    """Return every control by its key."""
    return {control.key: control for control in CONTROLS}


def values_of(spec: ExperimentSpec) -> dict[str, Any]:
    """Return what each control shows, in SI; None where the experiment has no such number."""
    found: dict[str, Any] = {}
    for control in CONTROLS:
        value: Any = spec
        for part in control.key.split("."):
            value = None if value is None else getattr(value, part)
        found[control.key] = value
    return found


def disabled(spec: ExperimentSpec) -> dict[str, str]:
    """Say of each control that has no effect why that is so."""
    device, keys = spec.device, [control.key for control in CONTROLS]
    reasons = (
        dict.fromkeys(("n_neurons", "fields.kind"), "The layers of this experiment have their own.")
        if spec.layers
        else {}
    )
    if device is None:
        why = "Ideal weights have no device: choose one above."
        return reasons | dict.fromkeys((key for key in keys if key.startswith(("device.", "array."))), why)
    scheme = spec.synapse.scheme_for(device)
    law = device.step_law
    for way in ("ltp", "ltd"):
        if f"n_levels_{way}" not in law.numbers:
            reasons[f"device.n_levels_{way}"] = (
                f"The law of this device is {law.name}: its steps are not set by levels."
            )
        if not law.affine:
            reasons[f"device.nonlinearity_{way}"] = (
                f"The law of this device is {law.name}: it has no nonlinearity label."
            )
        elif way not in scheme.ways:
            for number in ("n_levels", "nonlinearity"):
                reasons[f"device.{number}_{way}"] = f"In the scheme {scheme.name} no cell learns by {way.upper()}."
    if not scheme.gradual:
        why = f"In the scheme {scheme.name} a cell has two states."
        reasons |= dict.fromkeys(
            ("device.sigma_c2c", "device.sigma_d2d_range", "device.sigma_d2d_step", "device.drift_nu"), why
        )
    if not scheme.read_noise_acts:
        reasons["device.sigma_read"] = f"In the scheme {scheme.name} bits are sensed as 0 or 1."
    if scheme.sensed_by_bit:
        why = f"In the scheme {scheme.name} bits are sensed one by one."
        reasons |= dict.fromkeys(("array.wires.r_wire", "array.wires.r_driver", "array.adc_bits"), why)
    if not spec.pruning.kind.acts:
        reasons["pruning.fraction"] = "Choose a kind of pruning first."
    return reasons
