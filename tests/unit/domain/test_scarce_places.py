"""Where workers or vCPUs are scarce: nobody leaves for one who cannot come, and everybody who can come does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudpits.domain.commands import Drain, Launch, Replace, Stop
from cloudpits.domain.decision import decide
from cloudpits.domain.guard.admission import Admission
from cloudpits.domain.model import Market, Mode, Snapshot
from cloudpits.domain.policies.mpc import Mpc
from tests.unit.domain.worlds import (
    HOUR,
    NOW,
    fleet,
    history,
    offer,
    offers,
    snapshot,
    spot,
    under_way,
    worker,
)

LARGE, XLARGE = spot("c5.large"), spot("c5.xlarge")
HUGE_JOB = 1_000_000
CHEAP_XLARGE = offers(offer(LARGE, 0.060), offer(XLARGE, 0.030))


def sent_away(state: Snapshot) -> list[str]:
    plan = decide(state, Mpc(), NOW)
    return [command.instance_id for command in plan.commands if isinstance(command, Drain | Replace)]


def launched(state: Snapshot, market: Market = Market.SPOT) -> int:
    plan = decide(state, Mpc(), NOW)
    return sum(c.count for c in plan.commands if isinstance(c, Launch) and c.pool.market is market)


@pytest.mark.parametrize(("quota", "leaving"), [(4, 0), (None, 1)])
def test_a_larger_type_replaces_no_worker_whose_vcpus_are_too_few_for_it(quota: int | None, leaving: int) -> None:
    state = under_way(fleet(LARGE, 2), offers=CHEAP_XLARGE, tasks=HUGE_JOB, budget=500.0, workers=2, quota=quota)
    assert len(sent_away(state)) == leaving


@pytest.mark.parametrize(("quota", "left"), [(20, []), (22, ["i-0"])])
def test_a_replacement_that_could_not_be_launched_even_afterwards_drains_nobody(quota: int, left: list[str]) -> None:
    state = under_way(fleet(LARGE, 10), workers=10, quota=quota)
    admitted = Admission(state).admit([Replace("i-0", XLARGE, "cheaper")])
    assert [command.instance_id for command in admitted if isinstance(command, Drain)] == left


def test_a_replacement_in_a_pool_that_is_closed_drains_nobody() -> None:
    closed = offers(offer(LARGE), offer(XLARGE, available=False))
    state = under_way(fleet(LARGE, 10), workers=10, offers=closed)
    assert list(Admission(state).admit([Replace("i-0", XLARGE, "cheaper")])) == []


@pytest.mark.parametrize(("quota", "probed"), [(10, None), (12, ["c5.large"])])
def test_only_a_probe_that_finds_vcpus_counts_as_one(quota: int, probed: list[str] | None) -> None:
    known, m5 = history({"m5.large": 0.3}), spot("m5.large")
    market = offers(offer(m5, 0.05), offer(LARGE, 0.04))
    crew = fleet(m5, 5, rate=0.3)
    state = under_way(
        crew, history=known, measured=known, offers=market, tasks=HUGE_JOB, budget=500.0, workers=5, quota=quota
    )
    plan = decide(state, Mpc(), NOW)
    assert plan.memory.get("probed") == probed
    assert any(isinstance(command, Launch | Replace) for command in plan.commands) == bool(probed)


def test_while_sent_away_workers_hold_scarce_vcpus_nobody_else_goes() -> None:
    """Four workers too slow for the deadline fill the quota; the first of them is still draining."""
    slow = fleet(LARGE, 3)
    gone = worker("i-gone", LARGE)._replace(state="draining")  # type: ignore[arg-type]  # the state's value
    more = {"tasks": 60_000, "budget": 50.0, "deadline_s": 3 * HOUR, "workers": 20, "quota": 8}
    assert sent_away(under_way((*slow, gone), **more)) == []


def test_the_on_demand_fallback_gets_its_vcpus_from_spot_workers() -> None:
    state = under_way(
        fleet(LARGE, 4),
        tasks=36_000,
        committed=34_000,
        started_at=NOW - 2 * HOUR,
        deadline_s=2 * HOUR + 900.0,
        workers=20,
        quota=8,
        memory={"certified": True, "on_demand": True},
    )
    leaving = sent_away(state)
    assert leaving
    later = replace(state, fleet=tuple(w for w in state.fleet if w.instance_id not in leaving))
    assert launched(later, Market.ON_DEMAND) >= 1


def test_after_the_deadline_lost_workers_are_still_made_up_for() -> None:
    late = {"tasks": HUGE_JOB, "budget": 500.0, "workers": 10}
    assert launched(under_way(fleet(LARGE, 1), deadline_s=600.0, **late)) >= 1
    assert launched(under_way(fleet(LARGE, 1), **late)) >= 1


def test_a_quota_smaller_than_any_type_stops_the_run_before_its_start() -> None:
    (stop,) = decide(snapshot(offers=offers(offer(XLARGE)), quota=3), Mpc(), NOW).commands
    assert isinstance(stop, Stop)
    assert "3 vCPUs" in stop.reason


def test_no_more_workers_than_tasks_are_launched_for_speed() -> None:
    slow = history({"c5.large": 0.01, "c5.xlarge": 0.02})
    assert 1 <= launched(snapshot(tasks=5, mode=Mode.FASTEST, history=slow)) <= 5


def test_without_history_a_single_worker_is_not_refused_for_the_job_managers_price() -> None:
    """A guessed rate must leave money for the job manager, which costs more than one worker."""
    assert launched(snapshot(history=(), workers=1)) == 1


@pytest.mark.parametrize(
    "memory",
    [
        {"below": {"i-0": 2}},
        {"taken": 3},
        {"taken": [["i-0"]]},
        {"probed": 7},
        {"explored_usd": "much"},
        {"explored_usd": -1.0},
        {"explored_usd": None, "certified": "yes"},
    ],
    ids=str,
)
def test_a_memory_that_is_not_its_own_is_not_remembered(memory: dict[str, object]) -> None:
    state = under_way(fleet(LARGE, 4), tasks=HUGE_JOB, workers=4)
    assert decide(replace(state, memory=memory), Mpc(), NOW) == decide(state, Mpc(), NOW)
