"""The running fleet as options of the optimiser: workers of a pool that are equally fast and equally far."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cloudpits.domain.estimation.workers import deviation
from cloudpits.domain.model import SECONDS_PER_HOUR, Offer, Pool, Worker, WorkerState
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet, fleet_of

SIMILAR = 0.15  # of ln(rate): workers of a pool that differ less are treated alike
MOMENT_S = 1.0  # below which a task in hand does not count
LATE_BOOT_SHARE = 0.25  # of the start-up that a worker which should long be ready is still given


class Crew(NamedTuple):
    """One group of workers, newest last, and the option that stands for them."""

    option: Option
    workers: tuple[Worker, ...]


def crews_of(market: Market, staying: Iterable[Worker]) -> list[Crew]:
    """Groups of the workers that are meant to go on; workers of unknown types are left alone."""
    estimates = market.table.estimates
    groups: defaultdict[tuple[Pool, bool, int], list[tuple[float, Worker]]] = defaultdict(list)
    for worker in staying:
        pool = worker.pool
        estimate = estimates.get(pool.instance_type)
        if estimate is None:
            continue
        gap = deviation(estimate, worker.report)
        running = worker.state is WorkerState.RUNNING
        groups[pool, running, round(gap / SIMILAR) if running else 0].append((math.exp(gap), worker))
    return [_crew(market, members, running=running) for (_, running, _), members in groups.items()]


def running_fleet(crews: Sequence[Crew], goal: Goal) -> Fleet:
    """What runs already, as a fleet over the crews' options."""
    return fleet_of([crew.option for crew in crews], [len(crew.workers) for crew in crews], goal)


def _crew(market: Market, members: Sequence[tuple[float, Worker]], *, running: bool) -> Crew:
    worker = members[0][1]
    pool = worker.pool
    offer = market.offers.get(pool)
    priced = offer is not None and 0.0 < offer.usd_per_hour < math.inf
    fresh = market.option(offer if offer is not None and priced else _at_ceiling(worker))
    factors, workers = zip(*members, strict=True)
    factor = sum(factors) / len(workers)
    option = Option(
        pool,
        fresh.usd_per_s,
        fresh.rate * factor,
        fresh.cautious * factor,
        _working_lead_s(market, workers) if running else _booting_lead_s(market, workers),
        fresh.vcpus,
        len(workers),
        fresh.ceiling,
        fresh.spread,
        running=True,
    )
    return Crew(option, workers)


def _at_ceiling(worker: Worker) -> Offer:
    """What is paid at most in a pool that has no price now."""
    usd = max(worker.ceiling_usd_per_hour, 1.0 / SECONDS_PER_HOUR)
    return Offer(worker.pool, usd, usd)


def _in_hand_s(market: Market, pool: Pool) -> float:
    return market.lead_s(pool.instance_type) - market.start_up_s


def _working_lead_s(market: Market, workers: Sequence[Worker]) -> float:
    """Seconds that workers still lack, on average, to have half a batch in hand."""
    in_hand = _in_hand_s(market, workers[0].pool)
    if in_hand < MOMENT_S:
        return 0.0
    now = market.snapshot.taken_at
    return sum(max(0.0, in_hand - (now - (w.ready_at or w.launched_at))) for w in workers) / len(workers)


def _booting_lead_s(market: Market, workers: Sequence[Worker]) -> float:
    now, start_up = market.snapshot.taken_at, market.start_up_s
    boots = (max(LATE_BOOT_SHARE * start_up, start_up - (now - worker.launched_at)) for worker in workers)
    return sum(boots) / len(workers) + _in_hand_s(market, workers[0].pool)
