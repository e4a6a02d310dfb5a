"""Search for settings on the validation split: the last 10,000 training images, never the test set.

    python benchmarks/tune.py local-fields --trials 200 --most-pulses 7.1e6 --set cell.n_levels=4
    python benchmarks/tune.py soft-pruned --trials 150 --most-pulses 10e6

Optuna (tree-structured Parzen estimator) proposes settings; each is trained once, on a seed of its own; then the best few
are trained again on three fresh seeds, and the winner of that is printed as TOML. Needs the extra ``synarray[studies]``.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import optuna

from synarray.learn.training import train
from synarray.run.experiment import load_experiment, parse_setting, task_images

HELD_OUT = 10_000
FINALISTS, FRESH_SEEDS = 8, (5001, 5002, 5003)


def propose(trial: optuna.Trial, base: Any) -> dict[str, Any]:
    """Draw one setting of everything that is tuned."""
    f = trial.suggest_float
    local, pruned, levels = base.fields.kind == "local", base.pruning.while_training, base.cell.n_levels
    settings: dict[str, Any] = {
        "stdp.a": f("stdp.a", 0.05, 0.6, log=True),
        "stdp.b": f("stdp.b", 1.5, 3.5),
        "stdp.c": f("stdp.c", 0.003, 0.05, log=True),
        "stdp.gain_end": trial.suggest_categorical("stdp.gain_end", [0.05, 0.3, 1.0]),
        "stdp.w_start": f("stdp.w_start", -0.95, -0.2),
        "neuron.beta": f("neuron.beta", 1.5, 7.0, log=True),
        "neuron.beta_start": f("neuron.beta_start", 0.4, 2.2),
        "neuron.homeostasis": f("neuron.homeostasis", 0.3, 3.0, log=True),
        "neuron.homeostasis_end": f("neuron.homeostasis_end", 0.03, 0.6, log=True),
        "neuron.refractory": f("neuron.refractory", 0.0, 1.5) if local else f("neuron.refractory", 0.5, 4.0),
        "encoding.rate_max": f"{f('encoding.rate_max', 150.0, 600.0):.1f} Hz",
        "encoding.gamma": f("encoding.gamma", 0.4, 2.0),
        "encoding.floor": trial.suggest_categorical("encoding.floor", [0, 50]),
    }
    if levels is None and base.device is None:
        settings["cell.step"] = f("cell.step", 0.05, 0.35, log=True)
    if local:
        settings["fields.share"] = f("fields.share", 0.15, 0.35)
        settings["fields.pitch"] = [f("fields.pitch down", 0.23, 0.33), f("fields.pitch across", 0.26, 0.42)]
    if pruned:
        settings["pruning.n_stages"] = trial.suggest_int("pruning.n_stages", 3, 8)
        settings["pruning.start"] = f("pruning.start", 0.02, 0.3)
        settings["pruning.end"] = f("pruning.end", 0.3, 0.9)
    return settings


def standing(base: Any) -> dict[str, Any]:
    """Return the experiment's own setting, which is tried first; what it lacks is drawn."""
    tables = ("stdp", "neuron", "encoding", "cell", "fields", "pruning")
    values = {f"{table}.{key}": value for table in tables for key, value in dict(getattr(base, table)).items()}
    values["fields.pitch down"], values["fields.pitch across"] = base.fields.pitch
    return {
        key: value for key, value in values.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }


def score(experiment: str, fixed: dict[str, Any], settings: dict[str, Any], seed: int, most: float) -> float:
    """Train once; return validation accuracy, less a penalty for pulses beyond the allowance (scaled to the images used)."""
    spec = load_experiment(experiment, {**settings, **fixed, "seed": seed, "validation": HELD_OUT})
    data, x, y, x_held, y_held = task_images(spec)
    result = train(spec, x, y, x_held, y_held, image_shape=data.image_shape, full_scale=data.full_scale)
    allowance = most * len(x) / (len(x) + HELD_OUT)
    return float(result.accuracy or 0.0) - 0.1 * max(0.0, result.pulses / allowance - 1.0)


def main() -> None:
    """Search, then print the winner."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("experiment")
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--most-pulses", type=float, default=float("inf"))
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    fixed = dict(parse_setting(text) for text in arguments.settings)
    base = load_experiment(arguments.experiment, fixed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(multivariate=True, seed=0))
    proposed: dict[int, dict[str, Any]] = {}

    def objective(trial: optuna.Trial) -> float:
        proposed[trial.number] = propose(trial, base)
        return score(arguments.experiment, fixed, proposed[trial.number], 1000 + trial.number, arguments.most_pulses)

    study.enqueue_trial(standing(base), skip_if_exists=True)
    study.optimize(objective, n_trials=arguments.trials, show_progress_bar=True)
    finalists = sorted(study.trials, key=lambda trial: -(trial.value or 0.0))[:FINALISTS]
    means = {}
    for trial in finalists:
        settings = proposed[trial.number]
        values = [score(arguments.experiment, fixed, settings, seed, arguments.most_pulses) for seed in FRESH_SEEDS]
        means[trial.number] = statistics.fmean(values)
        print(f"trial {trial.number}: {trial.value:.4f}, on fresh seeds {means[trial.number]:.4f}")
    best = max(means, key=lambda number: means[number])
    for key, value in {**proposed[best], **fixed}.items():
        print(f"{key} = {value!r}" if not isinstance(value, float) else f"{key} = {value:.4f}")


if __name__ == "__main__":
    main()
