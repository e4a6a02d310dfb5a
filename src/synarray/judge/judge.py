"""Judge a device: in one call, or step by step, with an answer after the first training that is refined from then on.

Every draw is one training with a seed of its own: 0, 1, 2, ... A device that was fitted to measured pulses has draws of its
posterior, so the spread over trainings holds the fit's uncertainty too; any other device is the same in every draw. Each training
reads the test set once, for the headline; everything else reads images held out of the training set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from synarray.arguments import as_argument, is_whole, path_of, require, settings_of, workers_of
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.judge.pulse import check_endurance, parse_pulse
from synarray.judge.question import EXPERIMENT, Question, compose, setting_text
from synarray.judge.reach import check_reach
from synarray.judge.trainings import Trainings
from synarray.judge.verdict import Verdict
from synarray.judge.work import Update, Work
from synarray.lab.fitting import Fit
from synarray.lab.posterior import draws_of, load_posterior

__all__ = ["judge", "judging"]

_MOST_TRAININGS = 1000


def judge(
    device: Fit | DeviceSpec | str | Path,
    *,
    task: str | Path | None = None,
    experiment: str = EXPERIMENT,
    settings: Mapping[str, Any] | None = None,
    trainings: int | None = None,
    reach: float | None = None,
    pulse: str | None = None,
    endurance: float | None = None,
    workers: int | None = None,
    on_update: Callable[[Update], None] | None = None,
) -> Verdict:
    """Say what a device is good for: train a network in its cells, price it, and find out what it loses to what.

    Parameters
    ----------
    device : Fit, DeviceSpec, str or Path
        A fit of measured pulses (each training takes another draw of its posterior), a device, the name of a library device,
        or the path of a device's file (.toml).
    task : str or Path, optional
        "mnist" or the path of a data set; default: the experiment's.
    experiment : str
        A packaged experiment or a file: network, array and wires.
    settings : mapping, optional
        Dotted keys of the experiment and their values, such as ``{"n_neurons": 100}``.
    trainings : int, optional
        Headline trainings, 1 to 1000; default: 8, or as many as the fit has draws.
    reach : float, optional
        A wanted accuracy in percent: also find what each property would have to be.
    pulse : str, optional
        Programming pulses, "0.85 V, 1 us" or "+0.85 V 1 us / -0.9 V 2 us" (LTP / LTD); default: as in the device's file. Where
        they are unknown, energies are given per V^2 and us.
    endurance : float, optional
        Pulses after which 63 % of the cells have failed; default: as in the device's file, or not known.
    workers : int, optional
        Trainings at a time, each on one core; the result does not depend on it. Default: the number of cores.
    on_update : callable, optional
        Called with an :class:`Update` after each training.

    Returns
    -------
    Verdict
        ``print`` it for a few sentences; ``.summary()`` has the numbers (SI), ``.save(folder)`` writes the page.

    Raises
    ------
    SpecError
        When there is no such device or experiment, or the settings do not fit.
    DataError
        When the task cannot be loaded.

    Examples
    --------
    >>> verdict = judge("sram", settings={"images": 600}, trainings=2)
    >>> verdict.accuracy.value > 0.5, [cost.property for cost in verdict.attribution.own]
    (True, ['levels'])
    """
    if task is not None:
        path_of(task, "task", "a data set, or its name")
    wanted, threads = _check_options(trainings, reach, pulse, endurance), workers_of(workers)
    require(on_update is None or callable(on_update), "on_update", "a function", on_update)
    question = _question(
        device, None if task is None else str(task), experiment,
        tuple(setting_text(key, value) for key, value in settings_of(settings, "settings").items()), trainings, wanted,
        pulse, endurance,
    )  # fmt: skip
    verdict = None
    for update in judging(question, workers=threads):
        verdict = update.verdict
        if on_update:
            on_update(update)
    assert verdict is not None  # there is at least one training
    return verdict


def _check_options(trainings: object, reach: float | None, pulse: str | None, endurance: float | None) -> float | None:
    """Refuse options that nothing can be done with; return the wanted accuracy as a share."""
    holds = trainings is None or is_whole(trainings, 1, _MOST_TRAININGS)
    require(holds, "trainings", f"a whole number from 1 to {_MOST_TRAININGS}", trainings)
    with as_argument("endurance"):
        check_endurance(endurance)
    with as_argument("pulse"):
        if pulse is not None:
            parse_pulse(pulse)
    with as_argument("reach"):
        return check_reach(reach)


def _question(
    device: Fit | DeviceSpec | str | Path, task: str | None, experiment: str, settings: tuple[str, ...],
    trainings: int | None, wanted: float | None, pulse: str | None, endurance: float | None,
) -> Question:  # fmt: skip
    """Ask about a device that may be of this program's memory, not of a file."""
    made: DeviceSpec | None = None
    draws: list[DeviceSpec] = []
    if isinstance(device, Fit):
        made, draws = device.spec, draws_of(device.spec, device.draws, device.spec.name)
    elif isinstance(device, DeviceSpec):
        made = device
    elif not isinstance(device, str | Path):
        raise SpecError(
            "judge needs a fit, a device, or the name or path of one", got=f"{device!r}"[:80], where="argument device",
            do='Write judge("pcm"), judge("my-device.toml"), or fit measured pulses first.',
        )  # fmt: skip
    source = str(device) if made is None else made.name
    fitted = bool(draws) if made is not None else bool(load_posterior(source))
    return Question(
        source, task, experiment, settings, trainings if fitted else None, None if fitted else trainings, wanted, pulse,
        endurance, device=made, posterior=tuple(draws),
    )  # fmt: skip


def judging(question: Question, *, workers: int | None = None) -> Iterator[Update]:
    """Judge a device step by step; close the iterator (or interrupt it) to stop, and keep the last answer.

    Parameters
    ----------
    question : Question
    workers : int, optional
        Trainings at a time, each on one core; the last answer does not depend on it. Default: the number of cores.

    Yields
    ------
    Update
        After each training; the last one holds the complete verdict.

    Raises
    ------
    SpecError
        When there is no such device or experiment, or the settings do not fit.
    DataError
        When the task cannot be loaded.
    """
    threads = workers_of(workers)
    work = Work(question, compose(question))
    with Trainings(threads, work.periphery, work.composed.unknown) as trainings:
        yield from work.run(trainings)
