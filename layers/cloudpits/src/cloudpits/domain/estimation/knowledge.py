"""From a snapshot to what is known about rates: the link between the contract and the estimator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist

from cloudpits.domain.estimation.capacity import capacity_of
from cloudpits.domain.estimation.identity import Same
from cloudpits.domain.estimation.rates import RateBook, coarse, rate_book
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType, Offer, RateSample, Snapshot

BUDGET_SHARE = 0.5  # of the budget that the job is guessed to need when nothing was measured
WHOLE_SHARE = 0.8  # at most, with the job manager: where few workers are allowed it costs more than they do
DEADLINE_SHARE = 0.5  # of the deadline, with half of the workers
GUESSED_HOURS = 1.0  # taken for the deadline when there is no limit at all


@lru_cache(maxsize=64)
def sigmas_for(risk: float) -> float:
    """Standard deviations below the mean that are undercut with probability ``risk``."""
    return NormalDist().inv_cdf(1.0 - min(max(risk, 1e-6), 0.5))


def rates_of(snapshot: Snapshot) -> RateBook:
    """The estimates that a snapshot supports; cached while what was measured is the same to three digits."""
    history = snapshot.history
    measured = tuple(coarse(sample) for sample in snapshot.measured)
    known = history or measured
    return _book(Same(history), measured, Same(snapshot.types), 0.0 if known else guessed_scale(snapshot))


@lru_cache(maxsize=128)
def _book(
    history: Same[tuple[RateSample, ...]],
    measured: tuple[RateSample, ...],
    types: Same[Mapping[str, InstanceType]],
    scale: float,
) -> RateBook:
    """History and types are long, and stay the same objects during a simulated run."""
    names = dict.fromkeys(sample.instance_type for sample in (*history.it, *measured))
    facts = tuple(types.it[name] for name in names if name in types.it)
    return rate_book(history.it, measured, facts, scale)


def guessed_scale(snapshot: Snapshot) -> float:
    """ln(tasks/s) of a unit of capacity before anything was measured, from what the limits imply.

    A user who sets a budget believes that the job costs about half of it, and who sets a deadline that half of
    the workers need about half of it: the faster guess counts, as both limits were meant to be kept. Only the size
    of the first, small fleet depends on it.
    """
    offers = [offer for offer in snapshot.offers.values() if offer.pool.instance_type in snapshot.types]
    best = max(offers, key=lambda offer: _work_per_usd(offer, snapshot), default=None)
    if best is None or _work_per_usd(best, snapshot) <= 0.0:
        return 0.0
    limits, guesses = snapshot.limits, []
    if limits.budget_usd is not None and limits.budget_usd > 0.0:
        shared = snapshot.job_manager.usd_per_hour / max(1, limits.max_workers)
        guesses.append(BUDGET_SHARE * limits.budget_usd * _work_per_usd(best, snapshot))
        guesses.append(WHOLE_SHARE * limits.budget_usd * _work_per_usd(best, snapshot, shared))
    if limits.deadline_s is not None or not guesses:
        seconds = DEADLINE_SHARE * (limits.deadline_s or GUESSED_HOURS * SECONDS_PER_HOUR)
        work = math.exp(capacity_of(snapshot.types[best.pool.instance_type]).log_work)
        guesses.append(seconds * max(1.0, limits.max_workers / 2.0) * work)
    return math.log(max(1, snapshot.job.tasks_total) / min(guesses))


def _work_per_usd(offer: Offer, snapshot: Snapshot, more_usd_per_hour: float = 0.0) -> float:
    if not 0.0 < offer.usd_per_hour < math.inf:
        return 0.0
    work = math.exp(capacity_of(snapshot.types[offer.pool.instance_type]).log_work)
    return work * SECONDS_PER_HOUR / (offer.usd_per_hour + snapshot.settings.volume_usd_per_hour + more_usd_per_hour)
