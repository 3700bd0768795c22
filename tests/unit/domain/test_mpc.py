"""The default policy, move by move."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudpits.domain.commands import Drain, Keep, Launch, Replace, Stop
from cloudpits.domain.decision import decide
from cloudpits.domain.model import Job, JobManager, Mode, Snapshot
from cloudpits.domain.policies.mpc import Mpc, mpc
from tests.unit.domain.worlds import (
    HOUR,
    NOW,
    fleet,
    history,
    offer,
    offers,
    on_demand,
    snapshot,
    spot,
    under_way,
    worker,
)

LARGE, XLARGE = spot("c5.large"), spot("c5.xlarge")
HUGE_JOB = 1_000_000


def commands(state: Snapshot) -> tuple[object, ...]:
    return decide(state, Mpc(), NOW).commands


def test_the_first_decision_launches_the_planned_fleet_with_reasons_in_figures() -> None:
    plan = decide(snapshot(), Mpc(), NOW)
    assert all(isinstance(command, Launch) for command in plan.commands)
    assert "USD per" in plan.commands[0].reason
    assert plan.forecast is not None
    assert plan.forecast.total_usd is not None
    assert 0.0 < plan.forecast.total_usd < 10.0


def test_infeasible_limits_stop_before_anything_is_launched() -> None:
    (stop,) = commands(snapshot(budget=0.05))
    assert isinstance(stop, Stop)
    assert not stop.completed
    assert "no fleet surely keeps the limits" in stop.reason


def test_a_fleet_that_is_right_is_kept() -> None:
    first = [c for c in commands(snapshot(tasks=50_000)) if isinstance(c, Launch)]
    crew = [worker(f"{c.pool}-{n}", c.pool) for c in first for n in range(c.count)]
    (keep,) = commands(under_way(crew, tasks=50_000))
    assert isinstance(keep, Keep)
    assert "no change pays" in keep.reason


def test_lost_workers_are_made_up_for() -> None:
    (launch,) = [c for c in commands(under_way(fleet(LARGE, 2), tasks=HUGE_JOB, workers=10)) if isinstance(c, Launch)][
        :1
    ]
    assert launch.count >= 1


def test_a_pool_that_became_much_dearer_is_left() -> None:
    market = offers(offer(LARGE, 0.30, ceiling=0.5), offer(spot("m5.large"), 0.02))
    result = commands(under_way(fleet(LARGE, 6), offers=market, tasks=HUGE_JOB, budget=500.0))
    assert any(isinstance(c, Launch | Replace) and c.pool == spot("m5.large") for c in result)


def test_a_slightly_cheaper_pool_is_no_reason_to_move() -> None:
    market = offers(offer(LARGE, 0.0340), offer(spot("c5.large", "us-east-1b"), 0.0339))
    assert isinstance(commands(under_way(fleet(LARGE, 20), offers=market, tasks=HUGE_JOB, budget=500.0))[0], Keep)


def test_a_replacement_says_what_it_saves() -> None:
    market = offers(offer(LARGE, 0.060), offer(spot("c5.large", "us-east-1b"), 0.030))
    state = under_way(fleet(LARGE, 20), offers=market, tasks=HUGE_JOB, budget=500.0, workers=20)
    result = Mpc().propose(state).commands
    swap = next(c for c in result if isinstance(c, Replace))
    assert swap.expected_saving_usd > 0.0
    assert "replacing saves" in swap.reason
    assert "start-up" in swap.reason


def test_at_most_a_tenth_of_the_fleet_is_replaced_at_once() -> None:
    market = offers(offer(LARGE, 0.060), offer(spot("c5.large", "us-east-1b"), 0.030))
    state = under_way(fleet(LARGE, 29), offers=market, tasks=HUGE_JOB, budget=500.0, workers=29)
    assert sum(isinstance(c, Replace) for c in Mpc().propose(state).commands) == 2


def test_no_second_wave_before_the_first_has_reported() -> None:
    target = spot("c5.large", "us-east-1b")
    market = offers(offer(LARGE, 0.060), offer(target, 0.030))
    crew = (*fleet(LARGE, 30), worker("i-new", target, age_s=30.0, replaces="i-0"))
    state = under_way(crew, offers=market, tasks=HUGE_JOB, budget=500.0, workers=30)
    assert not any(isinstance(c, Replace) for c in Mpc().propose(state).commands)


def test_young_workers_are_not_judged() -> None:
    market = offers(offer(LARGE, 0.060), offer(spot("c5.large", "us-east-1b"), 0.030))
    state = under_way(fleet(LARGE, 20, age_s=200.0), offers=market, tasks=HUGE_JOB, budget=500.0)
    assert not any(isinstance(c, Replace) for c in Mpc().propose(state).commands)


def test_a_pool_that_refused_is_left_alone_for_a_while() -> None:
    market = offers(offer(LARGE, 0.02), offer(spot("m5.large"), 0.03))
    state = snapshot(offers=market, capacity_errors=((LARGE, NOW - 60.0),))
    assert {c.pool for c in commands(state) if isinstance(c, Launch)} == {spot("m5.large")}
    later = replace(state, capacity_errors=((LARGE, NOW - 600.0),))
    assert {c.pool for c in commands(later) if isinstance(c, Launch)} == {LARGE}


def test_a_pool_that_is_taking_workers_back_is_not_refilled() -> None:
    market = offers(offer(LARGE, 0.02), offer(spot("m5.large"), 0.03))
    crew = (worker("i-0", LARGE, notice_at=NOW + 100.0), *fleet(spot("m5.large"), 1, "m"))
    plan = decide(under_way(crew, offers=market, tasks=HUGE_JOB, budget=500.0), Mpc(), NOW)
    assert {c.pool for c in plan.commands if isinstance(c, Launch)} == {spot("m5.large")}
    assert plan.memory["taken"]


def test_idle_workers_of_the_tail_are_released() -> None:
    state = under_way(fleet(LARGE, 10), tasks=1000, committed=996)
    released = [c for c in commands(state) if isinstance(c, Drain)]
    assert len(released) >= 6


def test_long_tasks_are_not_cut_off_in_the_tail() -> None:
    slow = history({"c5.large": 0.001})
    state = under_way(fleet(LARGE, 4, rate=0.001), history=slow, tasks=1000, committed=997, budget=None)
    assert not any(isinstance(c, Drain) and "tasks are left" in c.reason for c in commands(state))


def test_an_unknown_type_that_promises_much_is_probed_once() -> None:
    known = (*history({"m5.large": 0.3}),)
    market = offers(offer(spot("m5.large"), 0.05), offer(spot("c5.large"), 0.025))
    state = under_way(
        fleet(spot("m5.large"), 5, rate=0.3), history=known, measured=known, offers=market, tasks=HUGE_JOB, budget=500.0
    )
    plan = decide(state, Mpc(), NOW)
    assert any(isinstance(c, Launch | Replace) and c.pool == spot("c5.large") for c in plan.commands)


def test_exploration_can_be_switched_off() -> None:
    known = (*history({"m5.large": 0.3}),)
    market = offers(offer(spot("m5.large"), 0.05), offer(spot("c5.large"), 0.12))
    crew = fleet(spot("m5.large"), 5, rate=0.3)
    state = under_way(crew, history=known, measured=known, offers=market, tasks=HUGE_JOB, budget=500.0)
    assert not decide(state, mpc(explore=False), NOW).memory.get("probed")


def test_no_history_starts_from_hardware_alone() -> None:
    assert any(isinstance(c, Launch) for c in commands(snapshot(history=())))


def test_fastest_never_lets_a_worker_go_while_money_lasts() -> None:
    state = under_way(fleet(spot("r5.large"), 5), mode=Mode.FASTEST, tasks=HUGE_JOB, budget=500.0)
    assert not any(isinstance(c, Drain) for c in commands(state))


def test_when_time_runs_out_on_spot_the_rest_goes_on_demand() -> None:
    """The certificate held; now little more time is left than on-demand workers need."""
    state = under_way(
        fleet(LARGE, 3),
        tasks=36_000,
        committed=20_000,
        started_at=NOW - 2 * 3600.0,
        deadline_s=2 * 3600.0 + 900.0,
        workers=20,
        memory={"certified": True},
    )
    plan = decide(state, Mpc(), NOW)
    assert plan.memory["on_demand"]
    assert {c.pool.market for c in plan.commands if isinstance(c, Launch)} == {on_demand("c5.large").market}


def test_with_slack_to_spare_the_certificate_is_noted() -> None:
    plan = decide(under_way(fleet(LARGE, 10), budget=100.0), Mpc(), NOW)
    assert plan.memory["certified"]
    assert plan.forecast is not None
    assert plan.forecast.completion_probability == 1.0


def test_a_budget_below_the_on_demand_cost_is_best_effort_with_a_probability() -> None:
    # On spot the job costs about 0.41 USD, on demand twice that.
    plan = decide(snapshot(budget=0.47), Mpc(), NOW)
    assert plan.forecast is not None
    assert plan.forecast.completion_probability is not None
    assert 0.5 < plan.forecast.completion_probability < 1.0


def test_a_stopped_market_is_waited_for() -> None:
    (keep,) = commands(under_way((), offers=offers(offer(LARGE, available=False))))
    assert isinstance(keep, Keep)


@pytest.mark.parametrize("tasks", [1, 10])
def test_a_tiny_job_gets_a_tiny_fleet(tasks: int) -> None:
    launches = [c for c in commands(replace(snapshot(), job=Job(tasks))) if isinstance(c, Launch)]
    assert sum(c.count for c in launches) == 1


def test_a_fleet_that_surely_finishes_is_not_given_up_for_on_demand() -> None:
    """Little slack is left on demand, but the spot fleet needs only minutes."""
    state = under_way(
        fleet(LARGE, 20),
        tasks=36_000,
        committed=20_000,
        started_at=NOW - 2 * 3600.0,
        deadline_s=2 * 3600.0 + 1200.0,
        memory={"certified": True},
    )
    assert "on_demand" not in decide(state, Mpc(), NOW).memory


def test_a_job_manager_that_costs_nothing_is_fine() -> None:
    assert any(isinstance(c, Launch) for c in commands(snapshot(job_manager=JobManager(0.0))))


@pytest.mark.parametrize("name", ["hysteresis", "explore", "diversification", "job_manager_term"])
def test_every_part_can_be_switched_off_for_comparison(name: str) -> None:
    launched = [c for c in decide(snapshot(), mpc(**{name: False}), NOW).commands if isinstance(c, Launch)]
    assert launched


def test_without_the_job_managers_price_the_fleet_is_smaller() -> None:
    def size(**off: bool) -> int:
        plan = decide(snapshot(), mpc(**off), NOW)
        return sum(c.count for c in plan.commands if isinstance(c, Launch))

    assert size(job_manager_term=False) < size()


def test_a_fleet_is_spread_over_zones_that_cost_the_same() -> None:
    launched = [c for c in commands(snapshot()) if isinstance(c, Launch)]
    assert len({c.pool.availability_zone for c in launched}) == 2
    alone = decide(snapshot(), mpc(diversification=False), NOW).commands
    assert len({c.pool for c in alone if isinstance(c, Launch)}) == 1


def test_workers_too_slow_for_the_deadline_give_their_places_to_faster_ones() -> None:
    """All places are taken by small workers that need twice the time: no addition helps, only an exchange."""
    crew = fleet(LARGE, 4)
    state = under_way(crew, tasks=60_000, budget=50.0, deadline_s=3 * HOUR, workers=4)
    left = [c for c in commands(state) if isinstance(c, Replace | Drain)]
    launched = {c.pool.instance_type for c in commands(state) if isinstance(c, Launch | Replace)}
    assert left
    assert launched == {"c5.xlarge"}


@pytest.mark.parametrize(("places", "leaving"), [(20, 0), (3, 1)])
def test_going_on_demand_takes_spot_workers_only_their_places(places: int, leaving: int) -> None:
    state = under_way(
        fleet(LARGE, 3),
        tasks=36_000,
        committed=34_000,
        started_at=NOW - 2 * HOUR,
        deadline_s=2 * HOUR + 900.0,
        workers=places,
        memory={"certified": True, "on_demand": True},
    )
    plan = decide(state, Mpc(), NOW)
    assert any(isinstance(c, Launch) and c.pool.market is on_demand("c5.large").market for c in plan.commands)
    assert sum(isinstance(c, Drain) for c in plan.commands) >= leaving
    assert leaving or not any(isinstance(c, Drain) for c in plan.commands)
