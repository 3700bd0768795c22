"""Seconds from launch to the first report: the prior of the experiment file, then what boots took."""

from __future__ import annotations

import math
from functools import lru_cache

from cloudpits.domain.estimation.screening import without_outliers

PRIOR_WEIGHT = 2.0  # boots that the prior is worth


@lru_cache(maxsize=256)
def start_up_seconds(prior_s: float, samples: tuple[float, ...]) -> float:
    """Expected start-up: conjugate mean of a prior worth two boots and the plausible samples."""
    boots = without_outliers(sample for sample in samples if math.isfinite(sample) and sample >= 0.0)
    return (prior_s * PRIOR_WEIGHT + sum(boots)) / (PRIOR_WEIGHT + len(boots))
