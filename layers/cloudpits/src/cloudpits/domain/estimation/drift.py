"""How far the past can be trusted: the run's own measurements against what history predicted of them.

Two things may have happened since: everything became faster or slower alike (another input: a common shift),
or single types did (another hypervisor, neighbours, a wrong table). A type that is off by more than three
standard deviations has its history forgotten; the others' history is trusted less by half of that surprise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cloudpits.domain.estimation.tree import Belief, merge

SHIFT_SPREAD = 0.10  # prior standard deviation of the common shift, in ln(rate)
TYPE_SPREAD = 0.02  # the same of one type's own drift
TYPE_WEIGHT = 6.0  # observations that the prior of the types' own drift is worth
SURPRISE_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class Drift:
    """``shift`` is added to what history says, ``variance`` to its uncertainty; ``forgotten`` types have none."""

    shift: float
    variance: float
    forgotten: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


NO_DRIFT = Drift(0.0, TYPE_SPREAD**2)


def detect(predicted: Mapping[str, Belief], seen: Mapping[str, Belief]) -> Drift:
    """Drift between ln(rate) ``predicted`` from history and ``seen`` in this run, per type."""
    common = [name for name in seen if name in predicted]
    if not common:
        return NO_DRIFT
    gaps = {n: Belief(seen[n].mean - predicted[n].mean, seen[n].variance + predicted[n].variance) for n in common}
    surprising = {name: gap for name, gap in gaps.items() if _sigmas(gap) > SURPRISE_SIGMAS}
    doubt = sum(gap.mean**2 for gap in surprising.values()) / 2.0
    variance = (TYPE_WEIGHT * TYPE_SPREAD**2 + doubt) / (TYPE_WEIGHT + len(gaps) - 1.0)
    prior = Belief(0.0, SHIFT_SPREAD**2 + doubt / len(gaps))
    shift = merge([prior, *(gap.with_noise(variance) for gap in gaps.values())]) or prior
    reasons = tuple(
        f"{name} runs at {math.exp(gap.mean):.2f} times the rate of earlier runs: its history is forgotten"
        for name, gap in surprising.items()
    )
    return Drift(shift.mean, variance + shift.variance, frozenset(surprising), reasons)


def _sigmas(gap: Belief) -> float:
    return abs(gap.mean) / math.sqrt(gap.variance + TYPE_SPREAD**2 + SHIFT_SPREAD**2)
