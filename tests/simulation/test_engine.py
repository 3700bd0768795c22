"""One simulated run, worked out by hand: what the world does when the controller says something."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from cloudpits.domain.commands import Command, Drain, Keep, Launch, Replace, Stop, Terminate
from cloudpits.domain.errors import InfeasibleError
from cloudpits.domain.ledger import billing
from cloudpits.domain.model import Limits, Market, Mode, Pool, RateSample, Snapshot, WorkerState
from cloudpits.domain.policies import registry
from cloudpits.simulation.engine import Run, play
from cloudpits.simulation.machines import Machine
from cloudpits.simulation.realisation import MEAN_BOOT, SHUTDOWN_S, Realisation, realise
from cloudpits.simulation.scenario import REGIMES, Regime, Scenario

SMALL = Pool("c5.large", "us-east-1a", Market.SPOT)
LARGE = Pool("c5.xlarge", "us-east-1a", Market.SPOT)
START = 1000.0
SLOWING = Regime("slowing", launch_failure_share=0.0, drift_share=0.5)

MakeWorld = Callable[..., Realisation]
Scripted = Callable[[Callable[[Snapshot], Iterable[Command]]], Any]


def at_start(*commands: Command) -> Callable[[Snapshot], Iterable[Command]]:
    return lambda snapshot: commands if snapshot.elapsed_s == 0.0 else ()


def one_small(snapshot: Snapshot) -> Iterable[Command]:
    """Keep one small worker running."""
    return () if any(w.state is not WorkerState.DRAINING for w in snapshot.fleet) else (Launch(SMALL, 1, "first"),)


def test_a_single_worker_takes_boot_plus_tasks_over_rate(make_world: MakeWorld, scripted: Scripted) -> None:
    world = make_world()
    result = play(world, scripted(at_start(Launch(SMALL, 1, "go"))))
    boot = max(world.boot_s(SMALL, 0), world.manager_ready_at - START)
    assert result.completed
    assert result.makespan_s == pytest.approx(boot + 7200.0)


def test_the_bill_is_the_ledgers(make_world: MakeWorld, scripted: Scripted) -> None:
    world = make_world()
    result = play(world, scripted(at_start(Launch(SMALL, 1, "go"))))
    end = START + result.makespan_s + SHUTDOWN_S
    worker = billing.cost([(0.0, 0.04)], START, end, Market.SPOT, False, 0.0)
    manager = billing.cost([(0.0, 0.085)], START, end, Market.ON_DEMAND, False, 0.0)
    assert result.cost_usd == pytest.approx(worker + manager)


def test_price_changes_are_billed_when_they_happen(make_world: MakeWorld, scripted: Scripted) -> None:
    points = [(0.0, 0.04), (START + 3600.0, 0.08)]
    world = make_world(prices={SMALL: points})
    run = Run(world, scripted(at_start(Launch(SMALL, 1, "go"))))
    result = run.play()
    end = START + result.makespan_s + SHUTDOWN_S
    assert run.machines.ended[0].cost_usd == pytest.approx(billing.cost(points, START, end, Market.SPOT, False, 0.0))
    assert run.machines.ended[0].cost_usd > 0.04 * (end - START) / 3600.0


def test_what_the_controller_sees_is_what_it_is_billed(make_world: MakeWorld, scripted: Scripted) -> None:
    policy = scripted(at_start(Launch(SMALL, 2, "go")))
    play(make_world(), policy)
    second = policy.seen[1]
    assert second.elapsed_s == 300.0
    assert second.spent_usd == pytest.approx((2 * 0.04 + 0.085) * 300.0 / 3600.0)
    assert {worker.state for worker in second.fleet} == {WorkerState.RUNNING}
    assert second.measured[0].mean == pytest.approx(1.0)


def test_workers_report_only_after_a_full_period_of_work(make_world: MakeWorld, scripted: Scripted) -> None:
    policy = scripted(at_start(Launch(SMALL, 1, "go")))
    play(make_world(metrics_s=290.0), policy)
    assert [snapshot.fleet[0].state for snapshot in policy.seen[1:3]] == [WorkerState.PENDING, WorkerState.RUNNING]
    assert policy.seen[2].start_up_samples == (policy.seen[2].fleet[0].ready_at - START,)


def test_a_drained_worker_hands_over_and_leaves(make_world: MakeWorld, scripted: Scripted) -> None:
    def drain_second(snapshot: Snapshot) -> Iterable[Command]:
        if snapshot.elapsed_s == 0.0:
            return (Launch(SMALL, 2, "go"),)
        return (Drain(snapshot.fleet[0].instance_id, "enough"),) if snapshot.elapsed_s == 600.0 else ()

    run = Run(make_world(), scripted(drain_second))
    result = run.play()
    first = run.machines.ended[0]
    assert first.ended_because == "drained"
    assert 600.0 < first.ended_at - START < 600.0 + 2.0 + SHUTDOWN_S + 0.1
    assert result.completed


def test_what_a_terminated_worker_held_is_done_by_others(make_world: MakeWorld, scripted: Scripted) -> None:
    def kill(snapshot: Snapshot) -> Iterable[Command]:
        if snapshot.elapsed_s == 0.0:
            return (Launch(SMALL, 2, "go"),)
        return (Terminate(snapshot.fleet[0].instance_id, "why not"),) if snapshot.elapsed_s == 300.0 else ()

    run = Run(make_world(), scripted(kill))
    result = run.play()
    assert result.completed
    assert sum(machine.tasks for machine in run.machines.ended) == 7200


def test_a_replaced_worker_leaves_once_its_successor_works(make_world: MakeWorld, scripted: Scripted) -> None:
    def swap(snapshot: Snapshot) -> Iterable[Command]:
        if snapshot.elapsed_s == 0.0:
            return (Launch(SMALL, 1, "go"),)
        return (Replace(snapshot.fleet[0].instance_id, LARGE, "faster"),) if snapshot.elapsed_s == 600.0 else ()

    run = Run(make_world(), scripted(swap))
    result = run.play()
    old, new = run.machines.ended
    assert result.replacements == 1
    assert old.ended_because == "drained"
    assert new.pool == LARGE
    assert old.ended_at > new.boots_at


def test_a_stop_ends_everything_at_once(make_world: MakeWorld, scripted: Scripted) -> None:
    def stop(snapshot: Snapshot) -> Iterable[Command]:
        if snapshot.elapsed_s == 0.0:
            return (Launch(SMALL, 1, "go"),)
        return (Stop("no more", completed=False),) if snapshot.elapsed_s == 900.0 else ()

    result = play(make_world(), scripted(stop))
    assert not result.completed
    assert result.deadline_missed
    assert result.makespan_s == 900.0
    assert result.cost_usd == pytest.approx((0.04 + 0.085) * 900.0 / 3600.0)


def test_a_run_refused_at_the_start_costs_nothing(make_world: MakeWorld, scripted: Scripted) -> None:
    result = play(make_world(), scripted(at_start(Stop("cannot be done", completed=False))))
    assert (result.completed, result.cost_usd, result.launches) == (False, 0.0, 0)


def test_an_infeasible_run_says_why(make_world: MakeWorld, scripted: Scripted) -> None:
    def refuse(snapshot: Snapshot) -> Iterable[Command]:
        raise InfeasibleError("budget too small", cheapest_budget_usd=9.0)

    result = play(make_world(), scripted(refuse))
    assert result.refused == "budget too small"
    assert result.cost_usd == 0.0


def test_a_price_above_the_maximum_interrupts_after_a_notice(make_world: MakeWorld, scripted: Scripted) -> None:
    spike = START + 1800.0
    world = make_world(prices={SMALL: [(0.0, 0.04), (spike, 0.11), (spike + 600.0, 0.04)]})
    policy = scripted(one_small)
    run = Run(world, policy)
    result = run.play()
    taken = run.machines.ended[0]
    assert taken.interrupted
    assert taken.ended_at == spike
    warned = next(s for s in policy.seen if s.fleet and s.fleet[0].notice_at is not None)
    assert warned.taken_at == spike - 120.0 + 5.0  # an extra cycle right after the notice
    assert result.completed
    assert (result.interruptions, result.credits) == (1, 1)


def ordinary(machine: Machine, rate: float) -> float:
    """What an instance of the world's mean start-up (100 s × 1.05) does in its life, shutdown aside."""
    assert machine.ended_at is not None
    return rate * max(0.0, machine.ended_at - machine.launched_at - SHUTDOWN_S - MEAN_BOOT * 100.0)


def test_a_worker_taken_in_the_middle_of_a_task_is_free_in_its_first_hour(
    make_world: MakeWorld, scripted: Scripted
) -> None:
    rates = {name: RateSample(name, 0.001, 0.0, 5) for name in ("c5.large", "c5.xlarge")}
    for seconds, free in ((3599.0, True), (3601.0, False)):
        spike = START + seconds
        prices = {SMALL: [(0.0, 0.04), (spike, 0.11), (spike + 60.0, 0.04)]}
        run = Run(make_world(prices=prices, rates=rates, tasks_total=10), scripted(one_small))
        result = run.play()
        first = run.machines.ended[0]
        assert (first.ended_at, first.taken_back) == (spike, True)
        assert (first.cost_usd == 0.0) is free
        paid = run.machines.ended[1:] if free else run.machines.ended
        assert result.ordinary_tasks == pytest.approx(sum(ordinary(machine, 0.001) for machine in paid))


def test_a_worker_under_notice_leaves_by_itself_once_its_first_hour_is_over(
    make_world: MakeWorld, scripted: Scripted
) -> None:
    spike = START + 5400.0
    world = make_world(prices={SMALL: [(0.0, 0.04), (spike, 0.11), (spike + 60.0, 0.04)]})
    run = Run(world, scripted(one_small))
    run.play()
    first = run.machines.ended[0]
    assert spike - 120.0 < (first.ended_at or 0.0) <= spike - 120.0 + 2.0 + SHUTDOWN_S
    assert first.ended_because == "ended itself under an interruption notice"
    assert first.cost_usd == pytest.approx(
        billing.cost([(0.0, 0.04)], START, first.ended_at or 0.0, Market.SPOT, False, 0.0)
    )


def test_work_done_before_an_interruption_is_kept(make_world: MakeWorld, scripted: Scripted) -> None:
    spike = START + 1800.0
    world = make_world(prices={SMALL: [(0.0, 0.04), (spike, 0.11), (spike + 60.0, 0.04)]})
    run = Run(world, scripted(one_small))
    result = run.play()
    before, after = run.machines.ended
    assert before.tasks > 1000
    assert before.tasks + after.tasks == 7200
    assert result.ordinary_tasks == pytest.approx(ordinary(after, 1.0))


def test_without_the_ledger_a_reckless_policy_exceeds_the_budget(make_world: MakeWorld, scripted: Scripted) -> None:
    """The ablation that the benchmark shows; with the ledger the same wishes are cut down to what is left."""

    def reckless(snapshot: Snapshot) -> Iterable[Command]:
        return (Launch(SMALL, 10 - len(snapshot.fleet), "more"),) if len(snapshot.fleet) < 10 else ()

    world = make_world(limits=Limits(Mode.MIN_COST, 0.05, None, 10), tasks_total=72_000)
    kept, broken = play(world, scripted(reckless)), play(world, scripted(reckless), ledger=False)
    assert not kept.budget_violation
    assert broken.completed
    assert broken.budget_violation


def test_a_refused_launch_is_remembered_and_its_pool_cools_down(make_world: MakeWorld, scripted: Scripted) -> None:
    def insist(snapshot: Snapshot) -> Iterable[Command]:
        return () if snapshot.fleet else (Launch(SMALL, 1, "go"),)

    policy = scripted(insist)
    world = make_world(regime=Regime("full", launch_failure_share=1.0), limits=Limits(Mode.MIN_COST, 0.1, None, 10))
    result = play(world, policy)
    assert result.launches == 0
    assert result.launch_failures > 1
    assert policy.seen[1].capacity_errors[0] == (SMALL, START)
    assert not policy.seen[1].offers[SMALL].available
    assert policy.seen[1].offers[LARGE].available


def test_extra_cycles_do_not_move_the_regular_ones(make_world: MakeWorld, scripted: Scripted) -> None:
    spike = START + 1810.0
    policy = scripted(one_small)
    play(make_world(prices={SMALL: [(0.0, 0.04), (spike, 0.11), (spike + 60.0, 0.04)]}), policy)
    regular = [s.elapsed_s for s in policy.seen if s.elapsed_s % 300.0 == 0.0]
    assert regular == [300.0 * i for i in range(len(regular))]
    assert len({s.taken_at for s in policy.seen}) == len(regular) + 1


def test_a_drift_slows_workers_down_from_its_onset_on(make_world: MakeWorld, scripted: Scripted) -> None:
    seed = next(s for s in range(50) if make_world(seed=s, regime=SLOWING).drift_onset("c5.large") < START + 7200.0)
    world = make_world(seed=seed, regime=SLOWING, limits=Limits(Mode.MIN_COST, 5.0, 4 * 3600.0, 10))
    result = play(world, scripted(at_start(Launch(SMALL, 1, "go"))))
    boot = max(world.boot_s(SMALL, 0), world.manager_ready_at - START)
    before = world.drift_onset("c5.large") - START - boot
    assert result.makespan_s == pytest.approx(boot + before + (7200.0 - before) / 0.5, abs=4.0)


def test_coarse_tasks_are_indivisible(make_world: MakeWorld, scripted: Scripted) -> None:
    """Three tasks on a worker with two threads take two rounds; the last round is half empty."""
    rates = {name: RateSample(name, 0.001, 0.0, 5) for name in ("c5.large", "c5.xlarge")}
    world = make_world(tasks_total=3, rates=rates)
    result = play(world, scripted(at_start(Launch(SMALL, 1, "go"))))
    boot = max(world.boot_s(SMALL, 0), world.manager_ready_at - START)
    assert result.makespan_s == pytest.approx(boot + 2 * 2000.0)


def test_a_trace_tells_decisions_and_the_fleet(make_world: MakeWorld, scripted: Scripted) -> None:
    result = play(make_world(), scripted(at_start(Launch(SMALL, 2, "go"))), trace=True)
    assert [(line.at_s, line.command, line.reason) for line in result.decisions] == [(0.0, "launch", "go")]
    assert result.fleet_over_time[0].workers == {"c5.large us-east-1a spot": 2}
    assert result.story()["tasks_total"] == 7200


def test_probes_are_told_apart_from_the_rest_of_the_spend(make_world: MakeWorld, scripted: Scripted) -> None:
    policy = scripted(at_start(Launch(SMALL, 2, "go"), Launch(LARGE, 1, "probe")))
    run = Run(make_world(), policy)
    run.memory = {"probed": ["c5.xlarge", "never.launched"]}
    result = run.play()
    probe = next(machine for machine in run.machines.ended if machine.pool == LARGE)
    assert result.exploration_usd == probe.cost_usd
    assert play(make_world(), scripted(at_start(Launch(SMALL, 1, "go")))).exploration_usd == 0.0


def test_keeping_is_no_event(make_world: MakeWorld, scripted: Scripted) -> None:
    def keep(snapshot: Snapshot) -> Iterable[Command]:
        return (Launch(SMALL, 1, "go"),) if snapshot.elapsed_s == 0.0 else (Keep("all is well"),)

    assert play(make_world(), scripted(keep)).completed


@pytest.mark.parametrize("policy", registry.NAMES)
def test_equal_seeds_lead_to_equal_runs(recorded: Scenario, policy: str) -> None:
    results = [play(realise(recorded, REGIMES["stock-out"], 3), registry.get(policy), trace=True) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize("policy", registry.NAMES)
def test_every_policy_conserves_tasks_and_keeps_the_budget(recorded: Scenario, regime: Regime, policy: str) -> None:
    for seed in range(2):
        run = Run(realise(recorded, regime, seed), registry.get(policy))
        result = run.play()
        assert sum(machine.tasks for machine in run.machines.ended) == result.tasks_committed <= recorded.tasks_total
        assert result.completed is (result.tasks_committed == recorded.tasks_total)
        assert not result.budget_violation
        assert not run.machines.alive
