"""Mode ``fastest``: what is done for speed, and what is not because it would only cost more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cloudpits.domain.commands import Launch, Replace
from cloudpits.domain.decision import decide
from cloudpits.domain.model import InstanceType, Market, Mode, Pool, Snapshot
from cloudpits.domain.policies.mpc import Mpc
from tests.unit.domain.worlds import NOW, TYPES, fleet, history, offer, offers, on_demand, snapshot, spot, under_way

HOURS_OF_WORK = 400_000
OLD, NEW = "p2.8xlarge", "p3.2xlarge"  # GPUs: how they compare is a program's affair
KINDS = {
    OLD: InstanceType(OLD, 32, "x86_64", 2.7, 16, 488.0, 8, 7.2),
    NEW: InstanceType(NEW, 8, "x86_64", 2.7, 4, 61.0, 1, 3.06),
    "p3.8xlarge": InstanceType("p3.8xlarge", 32, "x86_64", 2.7, 16, 244.0, 4, 12.24),
}


def launches(state: Snapshot) -> list[Pool]:
    return [c.pool for c in decide(state, Mpc(), NOW).commands if isinstance(c, Launch | Replace)]


def gpus(*, usd: float = 3.7, name: str = "p3.8xlarge", budget: float = 500.0, **more: Any) -> Snapshot:
    """Ten workers with old GPUs take every place; a type with other GPUs was never measured."""
    known = history({OLD: 1.0})
    market = offers(offer(spot(OLD), 2.2, ceiling=7.2), offer(spot(name), usd, ceiling=12.24))
    state = under_way(fleet(spot(OLD), 10, rate=1.0), types=KINDS, offers=market, history=(), measured=known)
    limits = replace(state.limits, mode=Mode.FASTEST, budget_usd=budget, max_workers=10)
    return replace(state, limits=limits, job=replace(state.job, tasks_total=200_000), **more)


def test_of_fleets_as_fast_as_each_other_the_cheapest_is_taken() -> None:
    """Interruptions that cost a few parts in a million of the time are not worth on-demand prices."""
    market = offers(
        *(offer(spot(name), interruptions_per_hour=1e-4) for name in TYPES), *(offer(on_demand(name)) for name in TYPES)
    )
    pools = launches(snapshot(mode=Mode.FASTEST, tasks=HOURS_OF_WORK, budget=500.0, offers=market))
    assert {pool.instance_type for pool in pools} == {"c5.xlarge"}
    assert {pool.market for pool in pools} == {Market.SPOT}


def test_on_demand_is_taken_where_interruptions_cost_time() -> None:
    market = offers(offer(spot("c5.xlarge"), interruptions_per_hour=2.0), offer(on_demand("c5.xlarge")))
    pools = launches(snapshot(mode=Mode.FASTEST, tasks=HOURS_OF_WORK, budget=500.0, offers=market))
    assert {pool.market for pool in pools} == {Market.ON_DEMAND}


def test_where_only_places_are_scarce_a_type_that_may_be_faster_is_tried() -> None:
    assert spot("p3.8xlarge") in launches(gpus())


def test_who_would_be_slower_as_far_as_is_known_is_not_tried_for_speed() -> None:
    assert not launches(gpus(name=NEW, usd=0.9))


def test_who_could_not_be_paid_in_every_place_is_not_tried_for_speed() -> None:
    assert launches(gpus(usd=3.7, budget=400.0))
    assert not launches(gpus(usd=12.0, budget=400.0))


def test_half_of_the_fleet_is_exchanged_at_a_time_for_speed() -> None:
    known = history({OLD: 1.0, "p3.8xlarge": 2.0})
    assert launches(gpus(measured=known)) == [spot("p3.8xlarge")] * 5
