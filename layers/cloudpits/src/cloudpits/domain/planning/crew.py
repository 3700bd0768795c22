"""The running fleet as options of the optimiser: workers of a pool that are equally fast and equally far."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloudpits.domain.estimation.rates import RateEstimate
from cloudpits.domain.estimation.workers import deviation
from cloudpits.domain.model import SECONDS_PER_HOUR, Offer, Worker, WorkerState
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.option import Option

SIMILAR = 0.15  # of ln(rate): workers of a pool that differ less are treated alike
LATE_BOOT_SHARE = 0.25  # of the start-up that a worker which should long be ready is still given


@dataclass(frozen=True, slots=True)
class Crew:
    """One group of workers, newest last, and the option that stands for them."""

    option: Option
    workers: tuple[Worker, ...]


def crews_of(market: Market, staying: Iterable[Worker]) -> list[Crew]:
    """Groups of the workers that are meant to go on; workers of unknown types are left alone."""
    snapshot = market.snapshot
    groups: defaultdict[tuple[object, ...], list[tuple[float, Worker]]] = defaultdict(list)
    estimates: dict[str, RateEstimate] = {}
    for worker in staying:
        name = worker.pool.instance_type
        if name not in snapshot.types:
            continue
        estimate = estimates.get(name)
        if estimate is None:
            estimates[name] = estimate = market.estimate(name)
        gap = deviation(estimate, worker.report)
        running = worker.state is WorkerState.RUNNING
        similar = round(gap / SIMILAR) if running else 0
        groups[worker.pool, running, similar].append((math.exp(gap), worker))
    return [_crew(market, members) for members in groups.values()]


def _crew(market: Market, members: Sequence[tuple[float, Worker]]) -> Crew:
    worker = members[0][1]
    snapshot, pool = market.snapshot, worker.pool
    offer = snapshot.offers.get(pool) or Offer(pool, worker.ceiling_usd_per_hour, worker.ceiling_usd_per_hour)
    fresh = market.option(offer) if 0.0 < offer.usd_per_hour < math.inf else _at_ceiling(market, worker)
    factor = sum(factor for factor, _ in members) / len(members)
    option = fresh._replace(
        rate=fresh.rate * factor,
        cautious=fresh.cautious * factor,
        start_up_s=sum(_boot_left(market, worker) for _, worker in members) / len(members),
        bound=len(members),
        running=True,
    )
    return Crew(option, tuple(worker for _, worker in members))


def _at_ceiling(market: Market, worker: Worker) -> Option:
    usd = max(worker.ceiling_usd_per_hour, 1.0 / SECONDS_PER_HOUR)
    return market.option(Offer(worker.pool, usd, usd))


def _boot_left(market: Market, worker: Worker) -> float:
    if worker.state is WorkerState.RUNNING:
        return 0.0
    age = market.snapshot.taken_at - worker.launched_at
    return max(LATE_BOOT_SHARE * market.start_up_s, market.start_up_s - age)
