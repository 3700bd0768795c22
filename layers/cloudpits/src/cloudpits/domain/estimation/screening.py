"""Which measurements can be believed. What cannot is left out, with the reason, and never silently used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from cloudpits.domain.model import RateSample

LARGEST_RATE = 1e12  # tasks/s; beyond it a counter overflowed or a clock stood still
SMALLEST_RATE = 1e-12  # a task in 30,000 years
WIDEST_SPREAD = 1e3  # times the mean: says no more than that nothing is known
OUTLIER_FACTOR = 10.0  # a worker this many times off its type's median measured something else
ENOUGH_TO_JUDGE = 3  # values needed before one can be called an outlier


@dataclass(frozen=True, slots=True)
class Rejection:
    """A measurement left out: whose, and why."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Screened:
    """Samples that may be used, and those that may not."""

    samples: tuple[RateSample, ...]
    rejections: tuple[Rejection, ...] = ()


def implausible(rate: float) -> str | None:
    """Why ``rate`` (tasks/s) cannot be a rate, or None if it can."""
    if plausible(rate):
        return None
    if not math.isfinite(rate):
        return f"the rate {rate} is not a finite number"
    if rate <= 0.0:
        return f"the rate {rate:g} tasks/s is not positive"
    if rate < SMALLEST_RATE:
        return f"the rate {rate:g} tasks/s is below {SMALLEST_RATE:g}"
    return f"the rate {rate:g} tasks/s is beyond {LARGEST_RATE:g}"


def plausible(rate: float) -> bool:
    """Whether ``rate`` (tasks/s) can be a rate; ``implausible`` says why not."""
    return SMALLEST_RATE <= rate <= LARGEST_RATE


def without_outliers(values: Iterable[float]) -> list[float]:
    """Values within a factor of 10 of their median; all of them when there are too few to judge."""
    kept = list(values)
    if len(kept) < ENOUGH_TO_JUDGE or 0.0 <= max(kept) <= OUTLIER_FACTOR * min(kept):
        return kept
    middle = median(kept)
    return [value for value in kept if middle / OUTLIER_FACTOR <= value <= middle * OUTLIER_FACTOR]


def _clean(sample: RateSample) -> RateSample | None:
    if sample.samples <= 0 or implausible(sample.mean):
        return None
    usable = math.isfinite(sample.stdev) and sample.stdev >= 0.0
    return sample._replace(stdev=min(sample.stdev, WIDEST_SPREAD * sample.mean) if usable else 0.0)


@lru_cache(maxsize=256)
def screen(samples: tuple[RateSample, ...]) -> Screened:
    """Separate usable rate samples from the rest; an unusable spread alone is replaced by "unknown" (0)."""
    kept: list[RateSample] = []
    rejections: list[Rejection] = []
    for sample in samples:
        clean = _clean(sample)
        if clean is not None:
            kept.append(clean)
            continue
        why = implausible(sample.mean) or f"it has {sample.samples} samples"
        rejections.append(Rejection(sample.instance_type, why))
    return Screened(tuple(kept), tuple(rejections))
