"""The plan that is shown before anything is launched."""

from __future__ import annotations

import itertools
from itertools import pairwise

import pytest

from cloudpits.domain.model import Mode
from cloudpits.domain.planning.choice import choose
from cloudpits.domain.planning.front import plan
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import fleet_of
from tests.unit.domain.worlds import HOUR, history, offer, offers, on_demand, snapshot, spot


def test_the_front_is_sorted_and_undominated() -> None:
    points = plan(snapshot()).points
    assert len(points) > 3
    assert [p.makespan_s for p in points] == sorted(p.makespan_s for p in points)
    assert all(left.cost_usd > right.cost_usd for left, right in pairwise(points))


def test_min_cost_chooses_the_cheapest_point() -> None:
    front = plan(snapshot())
    assert front.chosen is not None
    assert front.chosen.cost_usd <= min(p.cost_usd for p in front.points) * 1.005


def test_fastest_uses_the_budget_for_time() -> None:
    slow, quick = plan(snapshot()).chosen, plan(snapshot(mode=Mode.FASTEST)).chosen
    assert slow is not None
    assert quick is not None
    assert quick.makespan_s < slow.makespan_s
    assert quick.cost_usd <= 10.0


def test_a_deadline_buys_a_larger_fleet() -> None:
    free = plan(snapshot(tasks=50_000)).chosen
    assert free is not None
    hurried = plan(snapshot(tasks=50_000, deadline_s=0.92 * free.makespan_s)).chosen
    assert hurried is not None
    assert hurried.makespan_s <= 0.92 * free.makespan_s
    assert hurried.cost_usd >= free.cost_usd * 0.999


def test_too_small_a_budget_is_infeasible_and_the_cheapest_feasible_one_is_named() -> None:
    front = plan(snapshot(budget=0.05))
    assert front.chosen is None
    assert front.cheapest_budget_usd is not None
    assert front.cheapest_budget_usd > 0.05
    assert any("no fleet surely keeps the limits" in reason for reason in front.reasons)


def test_the_named_budget_is_indeed_feasible_and_nearly_the_smallest() -> None:
    smallest = plan(snapshot(budget=0.05)).cheapest_budget_usd
    assert smallest is not None
    assert plan(snapshot(budget=1.02 * smallest)).chosen is not None
    assert plan(snapshot(budget=0.9 * smallest)).chosen is None


def test_too_short_a_deadline_is_infeasible_and_the_fastest_feasible_one_is_named() -> None:
    front = plan(snapshot(deadline_s=200.0))
    assert front.chosen is None
    assert front.fastest_deadline_s is not None
    assert front.fastest_deadline_s > 200.0
    assert plan(snapshot(deadline_s=1.05 * front.fastest_deadline_s)).chosen is not None


def test_no_budget_is_promised_to_keep_a_deadline_that_none_can_keep() -> None:
    front = plan(snapshot(deadline_s=200.0))
    assert not front.budget_suffices
    assert front.deadline_suffices


def test_a_budget_and_a_deadline_that_both_miss_are_named_together() -> None:
    front = plan(snapshot(budget=0.05, deadline_s=200.0))
    assert not front.budget_suffices
    assert not front.deadline_suffices
    assert front.cheapest_budget_usd is not None
    assert front.fastest_deadline_s is not None
    both = snapshot(budget=1.02 * front.cheapest_budget_usd, deadline_s=1.02 * front.fastest_deadline_s)
    assert plan(both).chosen is not None


def test_the_worker_limit_and_the_quota_are_kept() -> None:
    front = plan(snapshot(mode=Mode.FASTEST, quota=10, workers=4))
    assert front.chosen is not None
    vcpus = {"c5.large": 2, "c5.xlarge": 4, "m5.large": 2, "m5.xlarge": 4, "r5.large": 2}
    assert sum(count for _, count in front.chosen.pool) <= 4
    assert sum(vcpus[pool.instance_type] * count for pool, count in front.chosen.pool) <= 10


def test_capacity_of_a_pool_is_respected() -> None:
    market = offers(offer(spot("c5.large"), 0.01, capacity=2), offer(on_demand("c5.large")))
    front = plan(snapshot(offers=market, tasks=360_000, deadline_s=20 * HOUR))
    assert front.chosen is not None
    assert dict(front.chosen.pool).get(spot("c5.large"), 0) <= 2


def test_one_pool_is_enough() -> None:
    front = plan(snapshot(offers=offers(offer(spot("m5.large")))))
    assert front.chosen is not None
    assert {pool for pool, _ in front.chosen.pool} == {spot("m5.large")}


@pytest.mark.parametrize("market", [offers(), offers(offer(spot("c5.large"), available=False))])
def test_nothing_to_buy_is_said_so(market: dict[object, object]) -> None:
    front = plan(snapshot(offers=market))
    assert front.chosen is None
    assert front.points == ()
    assert "nothing can be launched" in front.reasons[0]
    assert front.cheapest_budget_usd is None


@pytest.mark.parametrize("usd", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_price_is_left_out_with_a_reason(usd: float) -> None:
    market = offers(offer(spot("c5.large"), usd, ceiling=1.0), offer(spot("m5.large")))
    front = plan(snapshot(offers=market))
    assert front.chosen is not None
    assert {pool for pool, _ in front.chosen.pool} == {spot("m5.large")}
    assert any("c5.large us-east-1a spot is left out" in reason for reason in front.reasons)


def test_a_zero_budget_is_infeasible_not_an_error() -> None:
    front = plan(snapshot(budget=0.0))
    assert front.chosen is None
    assert front.cheapest_budget_usd is not None


def test_no_history_still_yields_a_plan_that_says_so() -> None:
    front = plan(snapshot(history=()))
    assert front.chosen is not None
    assert any("nothing was measured yet" in reason for reason in front.reasons)


def test_a_finished_job_needs_nothing() -> None:
    front = plan(snapshot(committed=36_000))
    assert front.chosen is not None
    assert front.chosen.pool == ()


def test_uncertain_rates_ask_for_a_larger_budget() -> None:
    sure, unsure = plan(snapshot(history=history(spread=0.01))), plan(snapshot(history=history(spread=0.3, samples=2)))
    assert sure.cheapest_budget_usd is not None
    assert unsure.cheapest_budget_usd is not None
    assert unsure.cheapest_budget_usd > sure.cheapest_budget_usd


@pytest.mark.parametrize("tasks", [1_200, 10_000_000])
@pytest.mark.parametrize(("budget", "hours"), [(2.0, 3.0), (20.0, 3.0), (200.0, 3.0), (5.0, None), (None, 4.0)])
def test_a_program_that_was_never_measured_is_not_refused(
    tasks: int, budget: float | None, hours: float | None
) -> None:
    deadline_s = None if hours is None else hours * HOUR
    unknown = snapshot(history=(), tasks=tasks, budget=budget, deadline_s=deadline_s, workers=6)
    assert plan(unknown).chosen is not None


def test_scarce_places_are_divided_between_two_sizes_by_brute_force() -> None:
    """Small workers cost least per task but ten are too few; the very large one that fills the gap is too much."""
    sizes = [("t3.nano", 0.004, 1.6), ("t3.2xlarge", 0.10, 6.4), ("m5.metal", 1.6, 82.0)]
    options = [Option(spot(name), usd / HOUR, rate, rate, 90.0, 2, ceiling=usd / HOUR) for name, usd, rate in sizes]
    goal = Goal(Mode.MIN_COST, 800_000.0, 6.0, 8 * HOUR, 0.085 / HOUR, 20.0, 10, 300.0, 361.0)
    every = (c for c in itertools.product(range(11), repeat=3) if 0 < sum(c) <= 10)
    best = min((fleet_of(options, counts, goal) for counts in every), key=lambda fleet: fleet.score)
    found = choose(options, goal)
    assert found is not None
    assert found.score == pytest.approx(best.score)
    assert found.counts[2] == 0


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(("budget", "hours"), [(0.001, 8.0), (100.0, 0.001), (0.001, 0.001)])
def test_the_limits_that_are_named_are_feasible(mode: Mode, budget: float, hours: float) -> None:
    """Each by itself where it suffices, else both together."""
    state = snapshot(mode=mode, budget=budget, deadline_s=hours * HOUR, tasks=100_000)
    front = plan(state)
    assert front.chosen is None
    assert front.cheapest_budget_usd is not None or front.fastest_deadline_s is not None
    both = not (front.budget_suffices or front.deadline_suffices)
    if front.budget_suffices or both:
        enough = {"budget": front.cheapest_budget_usd, "deadline_s": front.fastest_deadline_s if both else hours * HOUR}
        assert plan(snapshot(mode=mode, tasks=100_000, **enough)).chosen is not None
    if front.deadline_suffices:
        later = snapshot(mode=mode, tasks=100_000, budget=budget, deadline_s=front.fastest_deadline_s)
        assert plan(later).chosen is not None
