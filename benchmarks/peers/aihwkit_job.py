"""aihwkit's nearest job: pulsed updates of a 400 x 500 analog tile with the ConstantStep and SoftBounds devices.

A full analog SGD step (forward, backward, update; batch 1) and the update alone, both with the tool's own defaults
(stochastic trains of at most 31 bits, management on); how many pulses these draw is not reported on a CPU. Then updates
whose pulses are known: trains of one bit with probability 1, so each addressed synapse gets exactly one (checked),
for one output neuron (a row of 400 synapses) and for all 500. Device noise as in the presets. Prints one JSON line.
"""

import itertools
import json
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import torch
from aihwkit.nn import AnalogLinear
from aihwkit.optim import AnalogSGD
from aihwkit.simulator.configs import ConstantStepDevice, SingleRPUConfig, SoftBoundsDevice, UpdateParameters
from aihwkit.simulator.tiles import AnalogTile

N_IN, N_OUT = 400, 500
LEARNING_RATE = 0.01  # with dw_min 0.001, |x| and |error| up to 1: trains of about 10 bits
REPETITIONS = 5
REPETITION_SECONDS = 0.6


def per_second(work: Callable[[], object]) -> tuple[float, list[float]]:
    """Time `work`: the median calls per second, and each repetition's, after a warm-up that sizes a repetition."""
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < REPETITION_SECONDS:
        work()
        calls += 1
    rates = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        rates.append(calls / (time.perf_counter() - start))
    return statistics.median(rates), rates


def step_rows(device: type) -> list[dict]:
    """Time a full SGD step on one sample, and the update alone: aihwkit's defaults, the same inputs and errors."""
    config = SingleRPUConfig(device=device())
    model = AnalogLinear(N_IN, N_OUT, bias=False, rpu_config=config)
    optimiser = AnalogSGD(model.parameters(), lr=LEARNING_RATE)
    optimiser.regroup_param_groups(model)
    tile = AnalogTile(N_OUT, N_IN, config)
    tile.set_learning_rate(LEARNING_RATE)
    x = torch.rand(1, N_IN)
    some_errors = 2 * torch.rand(8, 1, N_OUT) - 1
    errors = itertools.cycle(torch.cat([some_errors, -some_errors]))  # they sum to zero: the weights do not run away

    def step() -> None:
        optimiser.zero_grad()
        (model(x) * next(errors)).sum().backward()  # the gradient at the output is the error itself
        optimiser.step()

    rows = []
    for job, work in (("full SGD step", step), ("update alone", lambda: tile.update(x, next(errors)))):
        rate, rates = per_second(work)
        rows.append({"job": f"{device.__name__}: {job}", "steps_per_second": rate, "repetition_rates": rates})
    return rows


def pulse_row(device: type, job: str, outputs: torch.Tensor) -> dict:
    """Time updates that give the 400 synapses of each output neuron marked in `outputs` [n, 500] exactly one pulse."""
    one_pulse = UpdateParameters(desired_bl=1, update_management=False, update_bl_management=False)
    tile = AnalogTile(N_OUT, N_IN, SingleRPUConfig(device=device(), update=one_pulse))
    tile.set_learning_rate(device().dw_min)  # x = d = 1 and one bit: probability lr / dw_min = 1
    x = torch.ones(len(outputs), N_IN)
    n_rows = int(outputs.sum())

    tile.set_weights(torch.zeros(N_OUT, N_IN))
    tile.update(x, outputs)
    steps = tile.get_weights()[0].abs()
    moved, mean_step = int((steps > 0).sum()), float(steps.sum() / (n_rows * N_IN))
    if moved != n_rows * N_IN or not 0.8 < mean_step / device().dw_min < 1.2:
        raise RuntimeError(f"not one pulse a synapse: {moved} of {n_rows * N_IN} moved, mean step {mean_step:.2e}")

    errors = itertools.cycle((outputs, -outputs))  # up, down, up: the weights stay clear of their bounds
    rate, rates = per_second(lambda: tile.update(x, next(errors)))
    return {
        "job": f"{device.__name__}: {job}",
        "rows_per_second": rate * n_rows,
        "pulses_per_second": rate * n_rows * N_IN,
        "repetition_rates": rates,
    }


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    every = torch.eye(N_OUT)
    rows = []
    for device in (ConstantStepDevice, SoftBoundsDevice):
        rows += step_rows(device)
        rows.append(pulse_row(device, "one row a call, one pulse each", every[7:8]))
        rows.append(pulse_row(device, "200 rows a call, one pulse each", every[:200]))
        rows.append(pulse_row(device, "all 500 rows at once, one pulse each", torch.ones(1, N_OUT)))
    rows = [{"images_per_second": None, "pulses_per_second": None} | row for row in rows]
    versions = {"aihwkit": version("aihwkit"), "torch": torch.__version__}
    print(json.dumps({"tool": "aihwkit", "versions": versions, "rows": rows}))


if __name__ == "__main__":
    main()
