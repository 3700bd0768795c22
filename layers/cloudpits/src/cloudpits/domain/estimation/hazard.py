"""How often instances are interrupted: Gamma posterior of a Poisson rate, prior from AWS's advisor bucket."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cloudpits.domain.model import Interruptions

PRIOR_HOURS = 24.0  # instance hours that the prior is worth
DEFAULT_MONTHLY_SHARE = 0.10  # interrupted within a month, when nothing is known
HOURS_PER_MONTH = 720.0


def from_monthly_share(share: float) -> float:
    """Interruptions per hour λ when a share of instances is interrupted within 720 h: 1 − exp(−720·λ) = share."""
    return -math.log1p(-min(max(share, 0.0), 0.99)) / HOURS_PER_MONTH


DEFAULT_PER_HOUR = from_monthly_share(DEFAULT_MONTHLY_SHARE)


def interruptions_per_hour(seen: Interruptions | None, prior_per_hour: float | None = None) -> float:
    """Posterior mean (a₀ + events)/(b₀ + hours), with a₀ = prior·b₀ and b₀ = 24 instance hours."""
    prior = prior_per_hour if prior_per_hour is not None else DEFAULT_PER_HOUR
    if seen is None:
        return prior
    if seen.prior_per_hour is not None:
        prior = seen.prior_per_hour
    events, hours = max(0, seen.events), max(0.0, seen.hours)
    return (prior * PRIOR_HOURS + events) / (PRIOR_HOURS + hours)


def by_type(seen: Iterable[Interruptions]) -> dict[str, float]:
    """Interruptions per hour of every type with exposure."""
    return {
        item.instance_type: interruptions_per_hour(item)
        if item.hours or item.events or item.prior_per_hour is None
        else item.prior_per_hour
        for item in seen
    }
