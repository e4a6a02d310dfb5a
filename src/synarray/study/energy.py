"""Prices for finished runs: the counts a run kept, priced for its own device or for another, without running again."""

from __future__ import annotations

from synarray.array.synapse import device_law
from synarray.cost.ledger import Counts, Ledger, conventional, price
from synarray.cost.prices import Periphery
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import RunError
from synarray.study.runs import Run

__all__ = ["counts_of", "price_run"]


def counts_of(run: Run) -> Counts:
    """Gather what a run counted.

    Raises
    ------
    RunError
        When it was a run of ideal weights: nothing in it met a conductance.
    """
    spec, metrics = run.experiment, run.metrics
    if spec.device is None:
        raise RunError(
            "a ledger needs a run in cells of a device", got="a run with ideal weights", where=str(run.path),
            do="Train with a device, for example: --set device=subquantum-cbram",
        )  # fmt: skip
    return Counts.of(
        run.arrays["neuron_events"], run.arrays["network_events"], draws_per_presentation=spec.encoding.draws,
        inputs=metrics["n_inputs"], neurons=metrics["n_neurons"], groups=metrics["n_groups"], weights=metrics["n_cells"],
        rows=spec.array.rows, columns=spec.array.columns,
    )  # fmt: skip


def price_run(
    run: Run, periphery: Periphery, technology: str | None = None, memory: str | None = None
) -> tuple[Ledger, list[str]]:
    """Price a run; for its own device, for another ``technology`` by name or path, or with weights in a ``memory``.

    Returns
    -------
    Ledger
    notes : list of str
        What a reader must know: unconfirmed prices, and where another device's physics would have changed the counts.
    """
    counts, spec = counts_of(run), run.experiment
    own = spec.device
    assert own is not None  # counts_of saw to it
    cells = spec.synapse.cells_per_weight(own)
    if memory is not None:
        return conventional(counts, periphery, memory, _updates(counts, cells)), []
    device = own if technology is None else load_device(technology)
    notes = [f"Prices that nobody has confirmed: {', '.join(periphery.unconfirmed)} (periphery)."]
    if device.unconfirmed:
        notes.append(f"Numbers of {device.name} that nobody has confirmed: {', '.join(device.unconfirmed)}.")
    if device is not own:
        notes += _differences(run, own, device)
    synapse = spec.synapse.model_copy(update={"scheme": spec.synapse.scheme_for(own)})
    return price(counts, device, synapse, periphery), notes


def _updates(counts: Counts, cells: int) -> int:
    """Weights that were looked up for updates; with state-blind pulses, those that were sent any."""
    return counts["cell_read"] // cells or counts["ltp_pulse"] + counts["ltd_pulse"]


def _differences(run: Run, own: DeviceSpec, other: DeviceSpec) -> list[str]:
    """Say where the other device would have moved differently, so that its counts would differ."""
    if run.metrics["scheme"] == "digital":
        return []
    mine, its = (device_law(run.experiment.synapse, device) for device in (own, other))
    if (
        mine.step is not None
        and its.step is not None
        and mine.step.shape == its.step.shape
        and (mine.step == its.step).all()
    ):
        return []
    return [
        f"{other.name} moves by other steps than {own.name}: its pulses would be other in number. To count them: "
        f"synarray train {run.path / 'experiment.toml'} --set device={other.name}"
    ]
