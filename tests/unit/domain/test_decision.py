"""What every policy shares: limits, hand-overs and the hard budget, whatever is proposed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from cloudpits.domain.commands import Command, Drain, Launch, Plan, Replace, Stop, Terminate
from cloudpits.domain.decision import decide
from cloudpits.domain.model import JobManager, Snapshot, WorkerState
from tests.unit.domain.worlds import NOW, fleet, offer, offers, snapshot, spot, under_way, worker

LARGE, XLARGE = spot("c5.large"), spot("c5.xlarge")


@dataclass(frozen=True)
class Scripted:
    """A policy that proposes what it is told, sensible or not."""

    commands: tuple[Command, ...] = ()
    name: str = "scripted"

    def propose(self, snapshot: Snapshot) -> Plan:
        return Plan(self.commands, snapshot.memory)


def decided(state: Snapshot, *commands: Command) -> tuple[Command, ...]:
    return decide(state, Scripted(commands), NOW).commands


def launched(commands: tuple[Command, ...]) -> int:
    return sum(command.count for command in commands if isinstance(command, Launch))


def test_a_finished_job_stops_the_run() -> None:
    (stop,) = decided(under_way(fleet(LARGE, 3), committed=36_000), Launch(LARGE, 5, "greed"))
    assert stop == Stop("every task is committed", completed=True)


def test_no_more_than_max_workers_are_launched() -> None:
    commands = decided(under_way(fleet(LARGE, 3), workers=5), Launch(LARGE, 5, "greed"), Launch(XLARGE, 5, "more"))
    assert launched(commands) == 2


def test_draining_workers_make_room() -> None:
    crew = fleet(LARGE, 3, state=WorkerState.DRAINING)
    assert launched(decided(under_way(crew, workers=3), Launch(LARGE, 5, "refill"))) == 3


def test_the_vcpu_quota_counts_whoever_is_still_there() -> None:
    crew = fleet(XLARGE, 2, state=WorkerState.DRAINING)
    assert launched(decided(under_way(crew, quota=10), Launch(LARGE, 5, "refill"))) == 1


@pytest.mark.parametrize("market", [offers(), offers(offer(LARGE, available=False))])
def test_nothing_is_launched_where_nothing_is_offered(market: dict[object, object]) -> None:
    assert launched(decided(snapshot(offers=market), Launch(LARGE, 1, "hope"))) == 0


def test_capacity_of_an_offer_bounds_the_launch() -> None:
    assert launched(decided(snapshot(offers=offers(offer(LARGE, capacity=2))), Launch(LARGE, 9, "greed"))) == 2


def test_a_replaced_worker_is_drained_once_its_replacement_reports() -> None:
    old, new = worker("i-old", LARGE), worker("i-new", XLARGE, replaces="i-old")
    (drain,) = decided(under_way([old, new]))
    assert isinstance(drain, Drain)
    assert drain.instance_id == "i-old"
    assert "i-new" in drain.reason


def test_a_replaced_worker_stays_while_its_replacement_boots() -> None:
    old, new = worker("i-old", LARGE), worker("i-new", XLARGE, age_s=30.0, replaces="i-old")
    assert decided(under_way([old, new])) == ()


def test_a_worker_is_not_replaced_twice() -> None:
    old, new = worker("i-old", LARGE), worker("i-new", XLARGE, age_s=30.0, replaces="i-old")
    assert decided(under_way([old, new]), Replace("i-old", XLARGE, "again")) == ()


def test_in_a_full_fleet_the_old_worker_makes_room() -> None:
    commands = decided(under_way(fleet(LARGE, 2), workers=2), Replace("i-0", XLARGE, "better"))
    assert [type(command) for command in commands] == [Launch, Drain]
    assert "no free place" in commands[1].reason


@pytest.mark.parametrize("command", [Drain("i-gone", "?"), Terminate("i-gone", "?"), Replace("i-gone", LARGE, "?")])
def test_commands_for_workers_that_are_not_there_are_dropped(command: Command) -> None:
    assert decided(under_way(fleet(LARGE, 1)), command) == ()


def test_a_worker_is_drained_once() -> None:
    assert len(decided(under_way(fleet(LARGE, 2)), Drain("i-0", "a"), Drain("i-0", "b"))) == 1


def test_launches_come_before_drains() -> None:
    commands = decided(under_way(fleet(LARGE, 2)), Drain("i-0", "out"), Launch(XLARGE, 1, "in"))
    assert [type(command) for command in commands] == [Launch, Drain]


def test_a_launch_is_cut_down_to_what_the_budget_pays_at_its_ceiling() -> None:
    """361 s at 0.087 USD/h for each worker and the job manager: 0.1 USD pay ten workers."""
    commands = decided(snapshot(budget=0.1), Launch(LARGE, 20, "greed"))
    assert 9 <= launched(commands) <= 11
    assert "the budget pays" in commands[0].reason


def test_workers_that_the_budget_pays_no_longer_are_drained_and_told_why() -> None:
    commands = decided(under_way(fleet(LARGE, 20), budget=0.15, spent_usd=0.0))
    ended = [c for c in commands if isinstance(c, Drain | Terminate)]
    assert 0 < len(ended) < 20
    assert all("0.15 USD" in command.reason for command in ended)


def test_the_dearest_work_goes_first() -> None:
    crew = (*fleet(LARGE, 4, "good", rate=2.0), *fleet(LARGE, 4, "poor", rate=0.2))
    ended = [c for c in decided(under_way(crew, budget=0.15, spent_usd=0.08)) if isinstance(c, Drain | Terminate)]
    assert ended
    assert {c.instance_id.partition("-")[0] for c in ended[:4]} == {"poor"}


def test_a_drain_that_is_not_affordable_becomes_a_termination() -> None:
    commands = decided(under_way(fleet(LARGE, 20), budget=0.1, spent_usd=0.04))
    assert any(isinstance(command, Terminate) for command in commands)


def test_a_budget_that_is_used_up_stops_the_run() -> None:
    (stop,) = decided(under_way(fleet(LARGE, 2), budget=1.0, spent_usd=0.999))
    assert isinstance(stop, Stop)
    assert not stop.completed
    assert "used up" in stop.reason


def test_nobody_working_and_no_money_for_anyone_stops_the_run() -> None:
    state = under_way((), budget=0.1, spent_usd=0.088)
    assert isinstance(decided(state, Launch(LARGE, 1, "last try"))[0], Stop)


def test_waiting_for_capacity_is_no_reason_to_stop() -> None:
    assert decided(under_way((), offers=offers(offer(LARGE, available=False)))) == ()


def test_without_a_budget_nothing_is_cut() -> None:
    plan = decide(snapshot(budget=None), Scripted((Launch(LARGE, 20, "all"),)), NOW)
    assert launched(plan.commands) == 20
    assert plan.forecast is not None
    assert plan.forecast.guarantee.startswith("no budget was given")


def test_the_guarantee_is_stated_with_its_figures() -> None:
    plan = decide(under_way(fleet(LARGE, 2)), Scripted(), NOW)
    assert plan.forecast is not None
    assert "spending stays within 10.00 USD" in plan.forecast.guarantee
    assert "at most" in plan.forecast.guarantee


def test_a_promise_that_cannot_be_kept_is_not_given() -> None:
    plan = decide(replace(under_way(fleet(LARGE, 2), budget=0.04), spent_usd=0.05), Scripted(), NOW)
    assert isinstance(plan.commands[0], Stop)


def test_the_decision_counts_from_the_given_instant() -> None:
    state = replace(snapshot(), taken_at=NOW - 1000.0, job_manager=JobManager(0.085))
    assert launched(decide(state, Scripted((Launch(LARGE, 1, "go"),)), NOW).commands) == 1
