"""The article's energy claims, derived: factors worked out from the counts of real runs and from sourced prices, none typed in.

Shi et al. 2018 (abstract): devices that take 10 to 100 times less energy than today's memories, an algorithm that takes
another 10 times less, 100 to 1000 times together, "compared with the state of the art". Each claim says how its factor was
derived, between which ends it lies over seeds and over the ranges of the prices, and whether it confirms the statement.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from synarray.cost.baselines import MEMORIES, GradientTraining, back_propagation, chips, conventional, without_events
from synarray.cost.ledger import Ledger
from synarray.cost.prices import Periphery, load_periphery
from synarray.cost.uncertainty import PRICED, Interval, Prices, spread_of
from synarray.device.library import device_names, load_device
from synarray.device.spec import DeviceSpec
from synarray.paper.backprop import rivals_of
from synarray.paper.claims import OWN, Claim, Claims, DeviceFactor, NamedFactor
from synarray.paper.reproduce import Row
from synarray.run.energy import Bill, read_warnings
from synarray.spec import Source, Sourced

__all__ = ["derive", "derive_claims", "pulse_energy"]

_DEVICE, _ALGORITHM, _TOTAL = (10.0, 100.0), (10.0, 10.0), (100.0, 1000.0)
"""Factors that the article states: device, algorithm, together."""
_RIVAL = "metal-filament-cbram"
_AROUND, _CHIPS = "periphery", "chips"
"""Owners of the prices that are no device's."""
_HEADLINES = (
    "metal-filament CBRAM, per training, cells only",
    "soft pruning",
    "event-driven",
    "metal filament, unpruned, every weight",
    "same algorithm, processor, weights in SRAM",
    "same algorithm, weights in DRAM / array, row-parallel",
)
"""How the names of the claims begin that sum the others up."""
_SOFT, _SAME, _UNPRUNED = "cbram-analog", "cbram-same-unpruned", "cbram-unpruned"
_LOCAL, _LEVELS, _FRUGAL = "cbram-local", "cbram-few-levels", "cbram-frugal"


def derive_claims(rows: Sequence[Row], workers: int = 1) -> Claims | None:
    """Train the conventional rivals and derive every claim; None when the row that all of them need was not run."""
    soft = next((row for row in rows if row.spec.key == _SOFT), None)
    if soft is None:
        return None
    return derive(rows, load_periphery(), rivals_of(soft, workers))


def derive(rows: Sequence[Row], periphery: Periphery, rivals: Sequence[GradientTraining | None] = ()) -> Claims:
    """Derive every claim that these rows of the table allow.

    Parameters
    ----------
    rows : sequence of Row
    periphery : Periphery
    rivals : sequence of GradientTraining
        Conventional networks of the accuracy of the soft-pruned one, one per seed.
    """
    by_key = {row.spec.key: row for row in rows}
    missing = [key for key in (_SOFT, _SAME, _UNPRUNED, _LOCAL, _LEVELS, _FRUGAL) if key not in by_key]
    notes = [f"Left out for want of the rows {', '.join(missing)}."] if missing else []
    if _SOFT not in by_key:
        return Claims([], [], [], [], [], notes)
    soft = _bills(by_key[_SOFT])
    own = soft[0].device
    bench = _Bench(periphery, own, {key: _bills(row) for key, row in by_key.items() if row.bills[0]})
    devices = [bench.device(load_device(name), soft) for name in device_names() if name not in (OWN, "ideal")]
    pairs = [(bill, rival) for bill, rival in zip(soft, rivals, strict=False) if rival is not None]
    claims = [*_of_device(devices), *_of_algorithm(bench, by_key), *_together(bench, devices)]
    claims += [*_elsewhere(bench, soft, pairs), *_of_time(bench, soft, pairs)]
    notes += read_warnings(soft[0], periphery)
    notes.append(f"Numbers of {own.name} that are unconfirmed: {', '.join(own.unconfirmed)}.")
    notes.append(f"Prices around the cells that are unconfirmed: {', '.join(periphery.unconfirmed)}.")
    if rivals and not all(rivals):
        notes.append("For some seeds no network trained by back-propagation reached the accuracy.")
    owners: list[tuple[str, Sourced]] = [(own.name, own), *((each.device.name, each.device) for each in devices)]
    operation = {"owner": _CHIPS, "name": "synaptic operation", **Source(source=chips()[0], year=2023).model_dump()}
    sources = [*_sources([*owners, (_AROUND, periphery)]), operation]
    claims = [replace(claim, headline=_heads(claim)) for claim in claims]
    return Claims(devices, claims, _chain(bench, by_key), _figure(bench, soft), sources, notes)


def _heads(claim: Claim) -> bool:
    """Say whether a claim is one of the six that sum the others up."""
    return claim.name.startswith(_HEADLINES)


def _sources(owners: Sequence[tuple[str, Sourced]]) -> list[dict[str, Any]]:
    return [
        {
            "owner": owner,
            "name": name,
            **source.model_dump(include={"source", "confirmed", "year", "node", "low", "high"}),
        }
        for owner, spec in owners
        for name, source in spec.sources.items()
        if isinstance(spec, Periphery) or name in PRICED
    ]


def _bills(row: Row) -> list[Bill]:
    return [bill for bill in row.bills if bill is not None]


def pulse_energy(device: DeviceSpec) -> float:
    """Energy of a pulse, mean of LTP and LTD, J: as given, or v^2 t g at the middle of the range."""
    g = 0.5 * (device.g_min + device.g_max)
    up = device.v_ltp**2 * device.t_ltp * g if device.e_ltp is None else device.e_ltp
    down = device.v_ltd**2 * device.t_ltd * g if device.e_ltd is None else device.e_ltd
    return 0.5 * (up + down)


def _driven(device: DeviceSpec, periphery: Periphery, lines: int) -> float:
    """Energy of a pulse with the lines it charges, of so many cells, mean of LTP and LTD, J."""
    return pulse_energy(device) + 0.5 * sum(periphery.charge(lines, volts) for volts in (device.v_ltp, device.v_ltd))


@dataclass(frozen=True)
class _Bench:
    """The prices, and the bills of each row, one per seed."""

    periphery: Periphery
    own: DeviceSpec
    rows: Mapping[str, list[Bill]]
    made: dict[str, Prices] = field(default_factory=dict)

    def prices(self, other: DeviceSpec) -> Prices:
        """Return what a factor between the own device and another one is worked out from; made once for each."""
        return self.made.setdefault(other.name, Prices(self.periphery, self.own, other))

    def over_seeds(self, factor: Callable[[Prices, int], float], n: int, other: DeviceSpec | None = None) -> Interval:
        """Mean over seeds; the ends over seeds and prices."""
        prices = self.prices(other or self.own)
        parts = [spread_of(lambda p, seed=seed: factor(p, seed), prices) for seed in range(n)]  # type: ignore[misc]
        return Interval(statistics.fmean(p.value for p in parts), min(p.low for p in parts), max(p.high for p in parts))

    def device(self, other: DeviceSpec, bills: list[Bill]) -> DeviceFactor:
        """Work out what another device costs with the same counts."""

        def ratio(of: Callable[[Ledger], float]) -> Interval:
            def factor(p: Prices, seed: int) -> float:
                return of(bills[seed].ledger(p.periphery, p.other)) / of(bills[seed].ledger(p.periphery, p.own))

            return self.over_seeds(factor, len(bills), other)

        first, prices = bills[0], self.prices(other)
        lines = first.counts.rows + first.counts.columns

        def with_lines(p: Prices) -> float:
            return _driven(p.other, p.periphery, lines) / _driven(p.own, p.periphery, lines)

        seconds = [first.ledger(self.periphery, device).seconds["row-parallel"] for device in (other, self.own)]
        return DeviceFactor(
            other,
            spread_of(lambda p: pulse_energy(p.other) / pulse_energy(p.own), prices),
            spread_of(with_lines, prices),
            ratio(lambda ledger: ledger.of("cells")),
            ratio(lambda ledger: ledger.total),
            seconds[0] / seconds[1],
        )

    def programming(self, key: str, seed: int, p: Prices, growing: bool) -> float:
        """Energy of a row's pulses and of their lines, J; ``growing``: pulses on cells cost in proportion to their step."""
        bill = self.rows[key][seed]
        levels = {"n_levels_ltp": bill.device.n_levels_ltp, "n_levels_ltd": bill.device.n_levels_ltd}
        device = p.own.model_copy(update=levels)
        if growing:
            longer = {
                "t_ltp": p.own.n_levels_ltp / device.n_levels_ltp,
                "t_ltd": p.own.n_levels_ltd / device.n_levels_ltd,
            }
            device = device.model_copy(update={name: getattr(device, name) * by for name, by in longer.items()})
        return bill.ledger(p.periphery, device).programming

    def has(self, *keys: str) -> bool:
        """Whether these rows were run."""
        return all(key in self.rows for key in keys)


def _of_device(devices: Sequence[DeviceFactor]) -> list[Claim]:
    """Claim the device's factor: against its metal counterpart, and against all technologies whose prices are known."""
    metal = next(each for each in devices if each.device.name == _RIVAL)
    known = [each for each in devices if each.device.prices_known and each.device.name != _RIVAL]
    inside = [each for each in known if each.driven.high >= _DEVICE[0] and each.driven.low <= _DEVICE[1]]
    middle = sorted(known, key=lambda each: each.driven.value)[len(known) // 2]
    return [
        Claim(
            "device",
            "metal-filament CBRAM, per pulse",
            metal.pulse,
            _DEVICE,
            "v^2 t g at the middle of each range, equal pulses: the conductances alone",
            (OWN, _RIVAL),
        ),
        Claim(
            "device",
            "metal-filament CBRAM, per training, cells only",
            metal.cells,
            _DEVICE,
            f"the counts of {_SOFT}: pulses and reads at the conductance they met",
            (OWN, _RIVAL),
        ),
        Claim(
            "device",
            "metal-filament CBRAM, per training, with periphery",
            metal.all,
            _DEVICE,
            "the same, with lines, converters, digital circuits",
            (OWN, _RIVAL, _AROUND),
        ),
        Claim(
            "device",
            f"median of {len(known)} other technologies, per pulse with its lines",
            middle.driven,
            _DEVICE,
            f"their own published pulses ({middle.device.name}); {len(inside)} of {len(known)} overlap 10 to 100",
            (OWN, _AROUND, *(each.device.name for each in known)),
        ),
    ]


def _of_algorithm(bench: _Bench, rows: Mapping[str, Row]) -> list[Claim]:
    """Claim the algorithm's factor, in programming energy."""
    claims: list[Claim] = []
    if bench.has(_SOFT, _SAME):
        n, lost = len(bench.rows[_SOFT]), _lost(rows, _SAME, _SOFT)
        spared = bench.over_seeds(
            lambda p, s: bench.programming(_SAME, s, p, False) / bench.programming(_SOFT, s, p, False), n
        )
        once = bench.over_seeds(lambda p, s: _once_an_image(bench, _SAME, s, p), n)
        claims += [
            Claim(
                "algorithm",
                "soft pruning of 75 % alone",
                spared,
                _ALGORITHM,
                f"programming energy of {_SAME} / {_SOFT}: the same settings; {lost:+.2f} points",
            ),
            Claim(
                "algorithm",
                "event-driven, probabilistic updates",
                once,
                _ALGORITHM,
                "one pulse on every weight at every image, as gradients ask / pulses sent, unpruned",
            ),
            Claim("algorithm", "both", once * spared, _ALGORITHM, "the product of the two"),
        ]
    return claims


def _chain(bench: _Bench, rows: Mapping[str, Row]) -> list[NamedFactor]:
    """Name the factors from the unpruned full field, every weight at every draw, to the frugal network."""
    if not bench.has(_UNPRUNED, _LOCAL, _LEVELS, _FRUGAL):
        return []

    def against(name: str, before: str, after: str, how: str = "") -> NamedFactor:
        def factor(p: Prices, seed: int, growing: bool) -> float:
            return bench.programming(before, seed, p, growing) / bench.programming(after, seed, p, growing)

        n = min(len(bench.rows[before]), len(bench.rows[after]))
        single, growing = (bench.over_seeds(partial(factor, growing=grows), n) for grows in (False, True))
        return NamedFactor(name, single, growing, f"{before} / {after}{how}")

    bills = bench.rows[_UNPRUNED]
    events = _mean([bill.counts.neurons / bill.counts.groups for bill in bills])
    pulses = _mean([bill.updates / (bill.counts["ltp_pulse"] + bill.counts["ltd_pulse"]) for bill in bills])
    steps = [
        NamedFactor("event-driven updates", events, events, "every weight at every draw / the winner's"),
        NamedFactor(
            "probabilistic single-size pulses", pulses, Interval(1.0, 1.0, 1.0), f"updates / pulses of {_UNPRUNED}"
        ),
        against("local fields", _UNPRUNED, _LOCAL),
        against("fewer levels", _LOCAL, _LEVELS, ": 5 states for 41"),
        against("soft pruning", _LEVELS, _FRUGAL),
    ]
    lost = f", {_lost(rows, _UNPRUNED, _FRUGAL):+.2f} points"
    unpruned = against("against the unpruned full field", _UNPRUNED, _FRUGAL, lost)
    whole = steps[0] * steps[1] * unpruned
    return [*steps, unpruned, replace(whole, name="all together", how=f"against every weight at every draw{lost}")]


def _mean(values: Sequence[float]) -> Interval:
    return Interval(statistics.fmean(values), min(values), max(values))


def _together(bench: _Bench, devices: Sequence[DeviceFactor]) -> list[Claim]:
    """Claim device and algorithm together, in programming energy."""
    if not bench.has(_SOFT, _SAME):
        return []
    other, n = next(each.device for each in devices if each.device.name == _RIVAL), len(bench.rows[_SOFT])

    def pruned(p: Prices, seed: int) -> float:
        there = bench.rows[_SAME][seed].ledger(p.periphery, p.other).programming
        return there / bench.rows[_SOFT][seed].ledger(p.periphery, p.own).programming

    def evented(p: Prices, seed: int) -> float:
        return pruned(p, seed) * _once_an_image(bench, _SAME, seed, p)

    return [
        Claim(
            "together",
            "metal filament, unpruned / this",
            bench.over_seeds(pruned, n, other),
            _TOTAL,
            "programming energy, lines included: device and soft pruning",
            (OWN, _RIVAL),
        ),
        Claim(
            "together",
            "metal filament, unpruned, every weight at every image / this",
            bench.over_seeds(evented, n, other),
            _TOTAL,
            "programming energy: device, soft pruning, event-driven updates",
            (OWN, _RIVAL),
        ),
    ]


def _elsewhere(bench: _Bench, soft: list[Bill], pairs: list[tuple[Bill, GradientTraining]]) -> list[Claim]:
    """Claim the whole training, periphery included, against the state of the art."""

    def claim(name: str, how: str, there: Callable[[Prices, int], float], bills: list[Bill]) -> Claim:
        def factor(p: Prices, seed: int) -> float:
            return there(p, seed) / bills[seed].ledger(p.periphery, p.own).total

        rests_on = (OWN, _AROUND, _CHIPS) if "synaptic operation" in name else (OWN, _AROUND)
        return Claim("elsewhere", name, bench.over_seeds(factor, len(bills)), _TOTAL, how, rests_on)

    def same(p: Prices, seed: int, memory: str) -> float:
        return conventional(soft[seed].counts, p.periphery, memory, soft[seed].updates).total

    def gradients(p: Prices, seed: int, memory: str) -> float:
        return back_propagation(pairs[seed][1], p.periphery, memory).total

    def chip(_: Prices, seed: int, name: str) -> float:
        return soft[seed].counts["row_cell"] * energies[name]

    how = "whole training: weights fetched, moved, written back in 32 bits"
    claims = [
        claim(f"same algorithm, processor, weights in {memory}", how, partial(same, memory=memory), soft)
        for memory in MEMORIES
    ]
    if pairs:
        bills, shares = [bill for bill, _ in pairs], ", ".join(f"{100 * rival.accuracy:.1f}" for _, rival in pairs)
        how = f"{pairs[0][1].weights:,} weights, in batches, trained here to {shares} % of the test images"
        claims += [
            claim(f"back-propagation, weights in {memory}", how, partial(gradients, memory=memory), bills)
            for memory in MEMORIES
        ]
    _, energies = chips()
    how = "operations x the chip's published energy of one / whole training"
    for name in (min(energies, key=energies.__getitem__), max(energies, key=energies.__getitem__)):
        claims.append(claim(f"{name}, per synaptic operation", how, partial(chip, name=name), soft))
    return claims


def _of_time(bench: _Bench, soft: list[Bill], pairs: list[tuple[Bill, GradientTraining]]) -> list[Claim]:
    """Claim the time of the training against machines that wait for their memory."""

    def claim(name: str, schedule: str, there: Callable[[Prices, int], Ledger], bills: list[Bill]) -> Claim:
        def factor(p: Prices, seed: int) -> float:
            return there(p, seed).seconds["memory-bound"] / bills[seed].ledger(p.periphery, p.own).seconds[schedule]

        how = "bytes of weights / bandwidth; array: pulse widths, reads, conversions"
        title, found = f"{name}, weights in DRAM / array, {schedule}", bench.over_seeds(factor, len(bills))
        return Claim("time", title, found, _TOTAL, how, (OWN, _AROUND))

    def same(p: Prices, seed: int) -> Ledger:
        return conventional(soft[seed].counts, p.periphery, "DRAM", soft[seed].updates)

    def gradients(p: Prices, seed: int) -> Ledger:
        return back_propagation(pairs[seed][1], p.periphery, "DRAM")

    claims = [claim("same algorithm", schedule, same, soft) for schedule in ("row-parallel", "sequential")]
    if pairs:
        claims.append(claim("back-propagation", "row-parallel", gradients, [bill for bill, _ in pairs]))
    return claims


def _figure(bench: _Bench, soft: list[Bill]) -> list[Ledger]:
    """Pick the ledgers that the figure puts side by side: of the first seed."""
    periphery, first = bench.periphery, soft[0]
    ledgers = [first.ledger(periphery, title="soft-pruned")]
    if bench.has(_SAME):
        unpruned = bench.rows[_SAME][0]
        ledgers.append(unpruned.ledger(periphery, title="unpruned"))
        every = Bill(without_events(unpruned.counts), unpruned.spec, unpruned.device, unpruned.synapse)
        ledgers.append(every.ledger(periphery, title="every weight at every draw"))
    return ledgers + [conventional(first.counts, periphery, memory, first.updates) for memory in MEMORIES]


def _once_an_image(bench: _Bench, key: str, seed: int, p: Prices) -> float:
    """Energy of one pulse on every weight at every image, over that of the pulses of learning that were sent."""
    bill = bench.rows[key][seed]
    pulses = bill.counts["ltp_pulse"] + bill.counts["ltd_pulse"]
    return bill.counts.weights * bill.counts["presentation"] / pulses


def _lost(rows: Mapping[str, Row], before: str, after: str) -> float:
    """Points of accuracy that the second row has more than the first."""
    return 100.0 * (rows[after].mean("accuracy") - rows[before].mean("accuracy"))
