"""Every baseline by what sets it apart, and the registry that names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cloudpits.domain.commands import Command, Drain, Launch, Replace
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Interruptions, Market, Offer, Pool, RateSample, Snapshot
from cloudpits.domain.policies import registry
from cloudpits.domain.policies.threshold_2019 import tasks_per_usd_needed
from tests.unit.domain.worlds import (
    NOW,
    fleet,
    offer,
    offers,
    on_demand,
    snapshot,
    spot,
    under_way,
)

CHEAP, STRONG = spot("c5.large"), spot("c5.xlarge")


def proposed(name: str, state: Snapshot, **options: object) -> tuple[Command, ...]:
    return registry.get(name, **options).propose(state).commands


def pools(commands: tuple[Command, ...]) -> dict[Pool, int]:
    return {command.pool: command.count for command in commands if isinstance(command, Launch)}


def test_every_name_yields_a_policy_of_that_name() -> None:
    assert [registry.get(name).name for name in registry.NAMES] == list(registry.NAMES)
    assert registry.DEFAULT in registry.NAMES


def test_an_unknown_policy_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match="choose one of mpc, threshold-2019"):
        registry.get("magic")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"policy mpc: .*turbo"):
        registry.get("mpc", turbo=True)


@pytest.mark.parametrize("name", registry.NAMES)
@pytest.mark.parametrize(
    "market", [offers(), offers(offer(CHEAP, available=False)), offers(offer(CHEAP, float("nan")))]
)
def test_no_policy_launches_where_nothing_can_be_bought(name: str, market: Mapping[Pool, Offer]) -> None:
    assert pools(proposed(name, snapshot(offers=market))) == {}


@pytest.mark.parametrize("name", registry.NAMES)
@pytest.mark.parametrize("rate", [float("nan"), 0.0, -1.0, float("inf")])
def test_no_policy_stumbles_over_an_impossible_rate(name: str, rate: float) -> None:
    state = snapshot(history=(RateSample("c5.large", rate, rate, 5),), deadline_s=7200.0)
    assert pools(proposed(name, state))


@pytest.mark.parametrize("name", registry.NAMES)
def test_no_policy_stumbles_over_a_zero_budget_or_none(name: str) -> None:
    for budget in (0.0, None):
        registry.get(name).propose(under_way(fleet(CHEAP, 2), budget=budget))


@pytest.mark.parametrize("name", registry.NAMES)
def test_one_pool_is_enough_for_every_policy(name: str) -> None:
    only = on_demand("m5.large") if name == "cheapest-on-demand" else spot("m5.large")
    assert set(pools(proposed(name, snapshot(offers=offers(offer(only)))))) == {only}


def test_lowest_price_ignores_rates() -> None:
    market = offers(offer(CHEAP, 0.02), offer(STRONG, 0.021))
    assert pools(proposed("lowest-price", snapshot(offers=market))) == {CHEAP: 20}


def test_price_capacity_avoids_pools_that_are_often_interrupted() -> None:
    shaky = (Interruptions("c5.large", 50, 10.0, 0.001),)
    market = offers(*(offer(spot(name), 0.02) for name in ("c5.large", "m5.large", "r5.large", "c5.xlarge")))
    launched = pools(proposed("price-capacity", snapshot(offers=market, interruptions=shaky)))
    assert CHEAP not in launched
    assert sum(launched.values()) == 20


def test_cut_replace_swaps_the_worst_for_the_best_per_dollar() -> None:
    market = offers(offer(CHEAP, 0.08, ceiling=0.1), offer(STRONG, 0.05))
    commands = proposed("cut-replace", under_way(fleet(CHEAP, 20), offers=market))
    assert [type(command) for command in commands] == [Replace, Replace]
    assert all(command.pool == STRONG for command in commands if isinstance(command, Replace))


def test_threshold_fills_the_fastest_pools_with_a_fifth_of_the_fleet_each() -> None:
    launched = pools(proposed("threshold-2019", snapshot()))
    assert max(launched.values()) == 4
    assert next(iter(launched)).instance_type == "c5.xlarge"


def test_threshold_replaces_only_after_valid_count_checks() -> None:
    market = offers(offer(CHEAP, 0.5, ceiling=0.6), offer(STRONG, 0.05))
    state = under_way(fleet(CHEAP, 20), offers=market, budget=1.0, tasks=60_000)
    policy, replacements = registry.get("threshold-2019"), []
    for _ in range(3):
        plan = policy.propose(state)
        replacements.append(sum(isinstance(command, Replace) for command in plan.commands))
        state = replace(state, memory=plan.memory)
    assert replacements == [0, 0, 20]


def test_threshold_never_judges_a_worker_without_a_report() -> None:
    market = offers(offer(CHEAP, 0.5, ceiling=0.6), offer(STRONG, 0.05))
    plan = registry.get("threshold-2019").propose(under_way(fleet(CHEAP, 3, age_s=30.0), offers=market, budget=1.0))
    assert plan.memory["below"] == {}


def test_threshold_survives_the_defects_of_the_original() -> None:
    assert tasks_per_usd_needed(snapshot(budget=0.0)) == float("inf")  # was a division by zero
    assert tasks_per_usd_needed(snapshot(budget=None)) == 0.0
    assert pools(proposed("threshold-2019", snapshot(workers=3)))  # launched nothing below 5 nodes


def test_cheapest_on_demand_never_touches_spot_nor_changes_its_mind() -> None:
    launched = pools(proposed("cheapest-on-demand", snapshot()))
    assert {pool.market for pool in launched} == {Market.ON_DEMAND}
    assert proposed("cheapest-on-demand", under_way(fleet(on_demand("c5.large"), 2))) == ()


def test_static_best_keeps_exactly_the_given_mix() -> None:
    mix = {CHEAP: 3, STRONG: 2}
    assert pools(proposed("static-best", snapshot(), mix=mix)) == mix
    assert pools(proposed("static-best", under_way(fleet(CHEAP, 2)), mix=mix)) == {CHEAP: 1, STRONG: 2}


def test_static_best_without_a_mix_remembers_its_first_choice() -> None:
    first = registry.get("static-best").propose(snapshot())
    later = snapshot(memory=first.memory, offers=offers(*(offer(p, 0.001) for p in (spot("r5.large"),)), offer(STRONG)))
    assert pools(proposed("static-best", later)).keys() == pools(first.commands).keys()


def test_static_best_refuses_an_empty_place_in_the_mix() -> None:
    with pytest.raises(InvalidInputError, match="give at least 1"):
        registry.get("static-best", mix={CHEAP: 0})


def test_uniform_progress_starts_on_spot() -> None:
    launched = pools(proposed("uniform-progress", snapshot(deadline_s=7200.0)))
    assert {pool.market for pool in launched} == {Market.SPOT}


def test_uniform_progress_goes_on_demand_when_behind_the_line() -> None:
    state = under_way(fleet(CHEAP, 2), started_at=NOW - 3600.0, deadline_s=7200.0, committed=3_600)
    commands = proposed("uniform-progress", state)
    assert {pool.market for pool in pools(commands)} == {Market.ON_DEMAND}
    assert sum(isinstance(command, Drain) for command in commands) == 2


def test_uniform_progress_stays_where_it_is_within_the_hysteresis() -> None:
    crew = fleet(on_demand("c5.large"), 2)
    state = under_way(crew, started_at=NOW - 3600.0, deadline_s=7200.0, committed=18_100)
    assert proposed("uniform-progress", replace(state, memory={"market": "on-demand"})) == ()


def test_uniform_progress_keeps_its_safety_net_for_good() -> None:
    state = under_way(fleet(CHEAP, 2), started_at=NOW - 7000.0, deadline_s=7200.0, committed=30_000)
    plan = registry.get("uniform-progress").propose(state)
    assert plan.memory["safe"]
    assert {pool.market for pool in pools(plan.commands)} == {Market.ON_DEMAND}
