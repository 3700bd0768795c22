"""A made-up program for experiments of which nothing was measured; everything here is synthetic."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cloudpits.config.experiment import Experiment
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType, RateSample
from cloudpits.simulation.randomness import stream

_GUESSED_CLOCK_GHZ = 3.0
# Spread of the logarithm of tasks/s per vCPU and GHz, between families and within one: about what measured rates
# of a compute-bound program (EP class C on 31 types) show.
_GUESSED_FAMILY_SIGMA = 0.06
_GUESSED_TYPE_SIGMA = 0.03
_GUESSED_SPREAD = 0.03


def guessed_rates(experiment: Experiment, types: Mapping[str, InstanceType], total: int) -> tuple[RateSample, ...]:
    """A synthetic program, where nothing was measured: sized to take half the budget at on-demand prices.

    Without a budget, or where that would take too long, half the deadline on a quarter of the workers decides.
    Rates follow vCPUs × clock with a lasting deviation per family and type; the policy is told none of it.
    """
    power = {
        name: known.vcpus
        * (known.clock_ghz or _GUESSED_CLOCK_GHZ)
        * math.exp(stream(0, "guess", known.family).gauss(0.0, _GUESSED_FAMILY_SIGMA))
        * math.exp(stream(0, "guess", name).gauss(0.0, _GUESSED_TYPE_SIGMA))
        for name, known in types.items()
    }
    best_per_usd = max(power[name] / (known.on_demand_usd_per_hour or math.inf) for name, known in types.items())
    needed = []
    if experiment.limits.budget_usd is not None:
        needed.append(total / (experiment.limits.budget_usd / 2 * SECONDS_PER_HOUR * best_per_usd))
    if experiment.deadline_s is not None:
        workers = max(1, experiment.limits.max_workers // 4)
        needed.append(total / (experiment.deadline_s / 2 * workers * max(power.values())))
    unit = max(needed)
    return tuple(RateSample(name, p * unit, p * unit * _GUESSED_SPREAD, 5) for name, p in sorted(power.items()))
