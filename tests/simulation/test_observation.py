"""What the controller sees: offers that follow the market, exposure that is counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from cloudpits.domain.commands import Command, Launch
from cloudpits.domain.estimation.hazard import interruptions_per_hour
from cloudpits.domain.model import Limits, Market, Mode, Pool, RateSample, Snapshot
from cloudpits.domain.policies import registry
from cloudpits.simulation.engine import play
from cloudpits.simulation.observation import Board
from cloudpits.simulation.realisation import Realisation
from cloudpits.simulation.scenario import Regime

SMALL = Pool("c5.large", "us-east-1a", Market.SPOT)
LARGE = Pool("c5.xlarge", "us-east-1a", Market.SPOT)
OWNED = Pool("c5.large", "us-east-1a", Market.ON_DEMAND)
START = 1000.0

MakeWorld = Callable[..., Realisation]


def test_offers_carry_the_price_in_force(make_world: MakeWorld) -> None:
    prices = {SMALL: [(0.0, 0.03), (START + 10.0, 0.05), (START + 20.0, 0.06)], OWNED: [(0.0, 0.10)]}
    board = Board(make_world(prices=prices))
    shown = [board.offers(START + after, ())[SMALL].usd_per_hour for after in (0.0, 9.0, 10.0, 19.0, 500.0)]
    assert shown == [0.03, 0.03, 0.05, 0.05, 0.06]
    assert board.offers(START + 500.0, ())[OWNED].usd_per_hour == 0.10


def test_offers_are_the_same_object_while_nothing_changes(make_world: MakeWorld) -> None:
    board = Board(make_world(prices={SMALL: [(0.0, 0.03), (START + 10.0, 0.05)]}))
    first = board.offers(START, ())
    assert board.offers(START + 9.0, ()) is first
    assert board.offers(START + 10.0, ()) is not first
    assert first[SMALL].usd_per_hour == 0.03


def test_the_ceiling_is_the_on_demand_price(make_world: MakeWorld) -> None:
    offer = Board(make_world()).offers(START, ())[SMALL]
    assert (offer.ceiling_usd_per_hour, offer.available) == (0.10, True)


def test_a_price_above_the_ceiling_is_no_offer_to_take(make_world: MakeWorld) -> None:
    assert not Board(make_world(prices={SMALL: [(0.0, 0.11)]})).offers(START, ())[SMALL].available


def test_a_pool_that_refused_is_closed_for_a_while(make_world: MakeWorld) -> None:
    board = Board(make_world())
    refused = ((SMALL, START),)
    assert not board.offers(START + 1.0, refused)[SMALL].available
    assert board.offers(START + 1.0, refused)[LARGE].available
    assert board.offers(START + 3600.0, refused)[SMALL].available


def test_on_demand_is_never_interrupted(make_world: MakeWorld) -> None:
    offers = Board(make_world(hazards={"c5.large": 0.01, "c5.xlarge": 0.02})).offers(START, ())
    assert [offers[pool].interruptions_per_hour for pool in (SMALL, LARGE, OWNED)] == [0.01, 0.02, 0.0]


def test_an_interruption_is_counted_once_and_teaches_its_type(
    make_world: MakeWorld, scripted: Callable[..., Any]
) -> None:
    def one(snapshot: Snapshot) -> Iterable[Command]:
        return () if snapshot.fleet else (Launch(SMALL, 1, "go"),)

    spike = START + 1800.0
    prices = {SMALL: [(0.0, 0.04), (spike, 0.11), (spike + 60.0, 0.04)], LARGE: [(0.0, 0.07)]}
    policy = scripted(one)
    play(make_world(prices=prices, hazards={"c5.large": 0.001, "c5.xlarge": 0.001}), policy)
    last = policy.seen[-1]
    seen = {item.instance_type: item for item in last.interruptions}
    assert (seen["c5.large"].events, seen["c5.xlarge"].events) == (1, 0)
    assert seen["c5.large"].prior_per_hour == 0.001
    assert 0.0 < seen["c5.large"].hours < last.elapsed_s / 3600.0
    after_first = next(s for s in policy.seen if s.interruptions[0].events == 1)
    learnt = interruptions_per_hour(after_first.interruptions[0])
    assert last.offers[SMALL].interruptions_per_hour == pytest.approx(learnt, rel=0.05)
    assert last.offers[LARGE].interruptions_per_hour == 0.001


def test_reports_scatter_around_the_true_rate(make_world: MakeWorld, scripted: Callable[..., Any]) -> None:
    rates = {name: RateSample(name, 1.0, 0.1, 5) for name in ("c5.large", "c5.xlarge")}
    world = make_world(rates=rates, tasks_total=20_000)
    policy = scripted(lambda seen: (Launch(SMALL, 1, "go"),) if seen.elapsed_s == 0.0 else ())
    play(world, policy)
    told = [s.fleet[0].report.perf_sec for s in policy.seen if s.fleet and s.fleet[0].report]
    truth = world.true_rates["c5.large"] * world.multiplier(SMALL, 0)
    assert len(set(told)) > 10
    assert sum(told) / len(told) == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize("policy", ["mpc", "uniform-progress", "static-best", "threshold-2019"])
def test_nobody_swaps_workers_when_nothing_changes(make_world: MakeWorld, policy: str) -> None:
    world = make_world(tasks_total=72_000, limits=Limits(Mode.MIN_COST, 9.0, 20 * 3600.0, 10))
    result = play(world, registry.get(policy))
    assert result.completed
    assert result.replacements == 0


def test_a_world_without_any_capacity_ends_within_the_budget(make_world: MakeWorld) -> None:
    world = make_world(
        regime=Regime("full", launch_failure_share=1.0),
        prices={SMALL: [(0.0, 0.04)]},
        limits=Limits(Mode.MIN_COST, 0.5, None, 10),
    )
    result = play(world, registry.get("mpc"))
    assert not result.completed
    assert not result.budget_violation
