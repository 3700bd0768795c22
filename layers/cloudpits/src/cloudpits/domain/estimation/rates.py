"""Tasks/s per instance type, measured or not: a hierarchical model of ln(rate) with conjugate updates.

ln rate(type) = program + ln capacity(type) + slope·ln size + processor + type + noise. Noise is
Normal–Inverse-Gamma per type; processor and type effects are Gaussian on a tree; the slope is ridge
regression within processors. Every step is closed-form, so a rate *and* its spread exist with no sample of
a type, and with no history at all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from cloudpits.domain.estimation.capacity import GPU_PROCESSOR, Capacity, capacity_of
from cloudpits.domain.estimation.drift import NO_DRIFT, detect
from cloudpits.domain.estimation.normal_inverse_gamma import NormalInverseGamma
from cloudpits.domain.estimation.screening import Rejection, screen
from cloudpits.domain.estimation.table import RateEstimate, RateTable
from cloudpits.domain.estimation.tree import Belief, Leaf, Tree
from cloudpits.domain.model import InstanceType, RateSample

NOISE = NormalInverseGamma(mean=0.0, weight=1e-9, shape=2.0, scale=0.05**2)  # of one worker's ln(rate): about 5 %
PROGRAM_SPREAD = 100.0  # of the program's level: unknown, any measurement overrules the guess
GUESS_SPREAD = 1.0  # of a rate guessed from the limits, before any measurement
MOST_CAUTION = 50.0  # in ln(rate), so that no absurd spread of a measurement makes a rate vanish
PROCESSOR_SPREAD = 0.25  # of processors around their nominal capacity
GPU_SPREAD = 0.6  # of GPUs: how well a program fits them differs more
PROCESSOR_WEIGHT = 4.0  # processors that the two are worth
TYPE_SPREAD = 0.05  # of types with the same processor
TYPE_WEIGHT = 4.0  # observations that the prior of TYPE_SPREAD is worth
RUN_SPREAD = 0.05  # of ln(rate) from run to run
SLOPE_SPREAD = 0.15  # of the exponent of size around 1
IMPLAUSIBLE_SPREAD = 0.15  # between types of one processor: rather the table is wrong than the types so unlike


@dataclass(frozen=True, slots=True)
class Scatter:
    """How far things lie apart in ln(rate): the program's level, processors (× ``surprise``), types (a variance)."""

    program: Belief
    surprise: float
    types: float

    def of_processor(self, name: str) -> float:
        """Variance of a processor around the program's level."""
        return self.surprise * processor_variance(name)


def processor_variance(name: str) -> float:
    """What is expected before anything was measured, of CPUs or GPUs around their nominal capacity."""
    return GPU_SPREAD**2 if name.startswith(GPU_PROCESSOR) else PROCESSOR_SPREAD**2


class RateBook:
    """Estimates of every type, worked out once and on demand.

    ``measured_anything`` is False when rates are guesses from hardware and the limits alone.
    """

    def __init__(
        self,
        history: Iterable[RateSample],
        measured: Iterable[RateSample],
        facts: Mapping[str, InstanceType],
        scale: float,
    ) -> None:
        past, present = screen(tuple(history)), screen(tuple(measured))
        self.rejections: tuple[Rejection, ...] = past.rejections + present.rejections
        self._counts = _counts(past.samples, present.samples)
        self._on_gpus = _runs_on_gpus(past.samples or present.samples, facts)
        self._capacities = {name: self.capacity(fact) for name, fact in facts.items()}
        earlier, seen = self._observe(past.samples), self._observe(present.samples)
        self.measured_anything = bool(earlier or seen)
        self._slope, type_variance = self._structure(earlier or seen)
        surprise = self._surprise(earlier or seen)
        self._scatter = Scatter(Belief(scale, PROGRAM_SPREAD**2), surprise, type_variance)
        if earlier and self._doubtful(earlier, seen, type_variance):
            noise = max(0.0, type_variance - TYPE_SPREAD**2)
            earlier = {name: belief.with_noise(noise) for name, belief in earlier.items()}
            self._scatter = replace(self._scatter, types=TYPE_SPREAD**2)
        predicted = self._predict(earlier, seen, self._scatter) if earlier and seen else {}
        self.drift = detect(predicted, seen) if predicted else NO_DRIFT
        self._tree = self._grow(self._combine(earlier, seen), self._scatter)
        self._known: dict[InstanceType, RateEstimate] = {}
        self._table: RateTable | None = None

    def of(self, instance_type: InstanceType) -> RateEstimate:
        """The estimate of one type."""
        known = self._known.get(instance_type)
        if known is None:
            name, capacity = instance_type.name, self.capacity(instance_type)
            belief = self._tree.leaf(name, capacity.processor)
            spread = min(GUESS_SPREAD, math.sqrt(belief.variance))
            # E[cost per task] ∝ E[1/rate] = exp(−mean + variance/2) for a log-normal rate.
            caution = min(MOST_CAUTION, belief.variance / 2.0) if self.measured_anything else 0.0
            rate = math.exp(belief.mean + self._offset(capacity) - caution)
            known = self._known[instance_type] = RateEstimate(rate, spread, self._counts.get(name, 0))
        return known

    def capacity(self, instance_type: InstanceType) -> Capacity:
        """What the type can be expected to compute, by what this program seems to run on: GPUs or CPUs."""
        return capacity_of(instance_type, on_gpus=self._on_gpus)

    def table(self, types: Mapping[str, InstanceType]) -> RateTable:
        """The rates of all ``types``; the same table for the same types, which do not change during a run."""
        if self._table is None or (types is not self._table.types and types != self._table.types):
            self._table = RateTable(types, self.of)
        return self._table

    def _offset(self, capacity: Capacity) -> float:
        return capacity.log_work + self._slope * capacity.log_size

    def _observe(self, samples: Iterable[RateSample]) -> dict[str, Belief]:
        return {s.instance_type: _log_belief(s) for s in samples if s.instance_type in self._capacities}

    def _structure(self, seen: Mapping[str, Belief]) -> tuple[float, float]:
        groups: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for name, belief in seen.items():
            capacity = self._capacities[name]
            groups[capacity.processor].append((capacity.log_size, belief.mean - capacity.log_work))
        pairs = [pair for group in groups.values() for pair in _centred(group)]
        slope, variance = _regress(pairs, len(groups), TYPE_SPREAD**2)
        return _regress(pairs, len(groups), variance) if variance > TYPE_SPREAD**2 else (slope, variance)

    def _surprise(self, seen: Mapping[str, Belief]) -> float:
        """Factor by which the processors' variance exceeds what was expected; never below 1, as a few say little."""
        levels: defaultdict[str, list[float]] = defaultdict(list)
        for name, belief in seen.items():
            capacity = self._capacities[name]
            levels[capacity.processor].append(belief.mean - self._offset(capacity))
        means = {processor: sum(values) / len(values) for processor, values in levels.items()}
        if not means:
            return 1.0
        middle = sum(means.values()) / len(means)
        squares = sum((mean - middle) ** 2 / processor_variance(name) for name, mean in means.items())
        return max(1.0, (PROCESSOR_WEIGHT + squares) / (PROCESSOR_WEIGHT + len(means) - 1))

    def _grow(self, observed: Mapping[str, Belief], scatter: Scatter) -> Tree:
        leaves = []
        for name, belief in observed.items():
            capacity = self._capacities[name]
            level = Belief(belief.mean - self._offset(capacity), belief.variance)
            leaves.append(Leaf(name, capacity.processor, level))
        return Tree(leaves, scatter.program, scatter.of_processor, scatter.types)

    def _predict(self, earlier: Mapping[str, Belief], names: Iterable[str], scatter: Scatter) -> dict[str, Belief]:
        """What history alone says of ``names``."""
        tree = self._grow(earlier, scatter)
        predicted = {}
        for name in names:
            capacity = self._capacities[name]
            belief = tree.leaf(name, capacity.processor)
            predicted[name] = Belief(belief.mean + self._offset(capacity), belief.variance)
        return predicted

    def _doubtful(self, earlier: Mapping[str, Belief], seen: Mapping[str, Belief], type_variance: float) -> bool:
        """Whether types of one processor differ in history because history errs, not because they differ.

        Until this run has measured something, an implausible spread is taken for error; then the reading that
        predicted the measurements better is believed (ratio of likelihoods).
        """
        if not seen:
            return type_variance > IMPLAUSIBLE_SPREAD**2
        noise = max(0.0, type_variance - TYPE_SPREAD**2)
        noisy = {name: belief.with_noise(noise) for name, belief in earlier.items()}
        doubting = self._predict(noisy, seen, replace(self._scatter, types=TYPE_SPREAD**2))
        return log_likelihood(seen, doubting) > log_likelihood(seen, self._predict(earlier, seen, self._scatter))

    def _combine(self, earlier: Mapping[str, Belief], seen: Mapping[str, Belief]) -> dict[str, Belief]:
        drift = self.drift
        combined = {
            name: Belief(belief.mean + drift.shift, belief.variance + drift.variance)
            for name, belief in earlier.items()
            if name not in drift.forgotten
        }
        for name, belief in seen.items():
            combined[name] = belief.combine(combined[name]) if name in combined else belief
        return combined


def _runs_on_gpus(samples: Sequence[RateSample], facts: Mapping[str, InstanceType]) -> bool:
    """Whether GPUs tell the rates of the types that have some; False if vCPUs plainly tell them better."""
    rates = [
        (facts[sample.instance_type], math.log(sample.mean)) for sample in samples if sample.instance_type in facts
    ]
    if not any(kind.gpus for kind, _ in rates):
        return True
    on_gpus, on_cpus = (
        _variance([rate - capacity_of(kind, on_gpus=reading).log_work for kind, rate in rates])
        for reading in (True, False)
    )
    return on_gpus <= max(on_cpus, IMPLAUSIBLE_SPREAD**2)


def _variance(values: Sequence[float]) -> float:
    middle = sum(values) / len(values)
    return sum((value - middle) ** 2 for value in values) / len(values)


def _regress(pairs: list[tuple[float, float]], groups: int, noise: float) -> tuple[float, float]:
    """Ridge estimate of the slope when types scatter by ``noise`` (variance), and how much they do scatter."""
    ridge = noise / SLOPE_SPREAD**2
    slope = sum(x * y for x, y in pairs) / (sum(x * x for x, _ in pairs) + ridge)
    squares = sum((y - slope * x) ** 2 for x, y in pairs)
    return slope, (TYPE_WEIGHT * TYPE_SPREAD**2 + squares) / (TYPE_WEIGHT + len(pairs) - groups)


def _centred(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    return [(x - middle_x, y - middle_y) for x, y in points]


def _counts(*groups: tuple[RateSample, ...]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for group in groups:
        for sample in group:
            counts[sample.instance_type] += sample.samples
    return dict(counts)


def _log_belief(sample: RateSample) -> Belief:
    noise = NOISE.update(math.log(sample.mean), sample.stdev / sample.mean, sample.samples)
    return Belief(math.log(sample.mean), noise.spread_of_mean**2)


def log_likelihood(seen: Mapping[str, Belief], predicted: Mapping[str, Belief]) -> float:
    """Ln density, up to a constant, of what was seen under what was predicted (independent Gaussians)."""
    total = 0.0
    for name, belief in seen.items():
        variance = belief.variance + predicted[name].variance + RUN_SPREAD**2
        total -= (belief.mean - predicted[name].mean) ** 2 / (2.0 * variance) + math.log(variance) / 2.0
    return total


def coarse(sample: RateSample) -> RateSample:
    """The sample to three digits: measurements that differ by less lead to the very same estimate."""
    if not math.isfinite(sample.mean) or not math.isfinite(sample.stdev):
        return sample
    count = 1 << (sample.samples.bit_length() - 1) if sample.samples > 0 else 0
    return RateSample(sample.instance_type, float(f"{sample.mean:.3g}"), float(f"{sample.stdev:.1g}"), count)


@lru_cache(maxsize=128)
def rate_book(
    history: tuple[RateSample, ...],
    measured: tuple[RateSample, ...],
    facts: tuple[InstanceType, ...],
    scale: float,
) -> RateBook:
    """The estimates of one state of knowledge, shared by all cycles in which it does not change.

    ``facts`` describe the types in ``history`` and ``measured``; samples of other types are not used.
    ``scale`` is ln of the rate that a unit of capacity is guessed to have before anything was measured.
    """
    return RateBook(history, measured, {fact.name: fact for fact in facts}, scale)
