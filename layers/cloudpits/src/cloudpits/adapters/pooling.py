"""Several measurements of one instance type as one: how history from many sources becomes one sample per type."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.estimation.screening import LARGEST_RATE, implausible
from cloudpits.domain.model import RateSample

MOST_SAMPLES = 30  # that one source counts for: a claim of thousands must not silence what is measured later


def pool_samples(samples: Iterable[RateSample]) -> tuple[RateSample, ...]:
    """One sample per instance type, in order of type; those that are no rates are left out.

    With n_i samples (at most 30 from one source), mean m_i and standard deviation s_i, by the law of total variance:
    n = Σ n_i, m = Σ n_i·m_i / n, s² = Σ n_i·(s_i² + (m_i − m)²) / n.
    """
    by_type: defaultdict[str, list[RateSample]] = defaultdict(list)
    for sample in samples:
        if problem(sample) is None:
            by_type[sample.instance_type].append(sample._replace(samples=min(sample.samples, MOST_SAMPLES)))
    return tuple(_pool(name, by_type[name]) for name in sorted(by_type))


def check_samples(label: str, samples: Sequence[RateSample]) -> None:
    """InvalidInputError, naming the source and the instance type, for the first sample that is no measurement."""
    for sample in samples:
        if found := problem(sample):
            raise InvalidInputError(f"{label}: {sample.instance_type}: {found}; expected positive finite tasks/s")


def problem(sample: RateSample) -> str | None:
    """Why a sample cannot be used; None if it can."""
    if found := implausible(sample.mean):
        return found
    if not 0 <= sample.stdev <= LARGEST_RATE:
        return f"the standard deviation {sample.stdev} is negative, too large or not a number"
    return None if sample.samples > 0 else f"it has {sample.samples} samples"


def _pool(instance_type: str, samples: list[RateSample]) -> RateSample:
    if len(samples) == 1:
        return samples[0]
    count = sum(sample.samples for sample in samples)
    mean = sum(sample.samples * sample.mean for sample in samples) / count
    variance = sum(s.samples * (s.stdev**2 + (s.mean - mean) ** 2) for s in samples) / count
    return RateSample(instance_type, mean, math.sqrt(variance), count)
