"""The life of a run, cycle by cycle."""

from __future__ import annotations

from typing import Any

import pytest

from cloudpits.domain.commands import Drain, Keep, Replace, Stop, Terminate
from cloudpits.domain.model import Market, Pool, WorkerState

C5_A = Pool("c5.large", "us-east-1a", Market.SPOT)
M5_B = Pool("m5.large", "us-east-1b", Market.SPOT)


def test_the_first_cycle_starts_the_job_manager_and_the_first_fleet(experiment: Any) -> None:
    with experiment(size=3) as run:
        answer = run.cycle(at="10:00")
        assert len(run.job_managers) == 1
        assert run.launched == ["3 × c5.large us-east-1a spot"]
        assert [d["command"] for d in answer["decisions"]] == ["launch", "launch"]
        assert answer["status"] == "running"
        assert answer["tasks"] == {"total": 1000, "committed": 0}


def test_spot_requests_carry_the_on_demand_price_as_ceiling(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        assert run.memory.fleet.launches[-1].ceiling_usd_per_hour == 0.085


def test_a_quiet_cycle_changes_nothing(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        before = run.memory.fleet.describe()
        answer = run.cycle(at="10:05")
        assert run.memory.fleet.describe() == before
        assert answer["decisions"] == []


def test_money_is_integrated_over_the_lives_of_all_instances(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        answer = run.cycle(at="11:00")
        volume = 20 * 0.08 / 730  # USD per hour of 20 GiB
        assert answer["spent_usd"] == pytest.approx(0.085 + 2 * 0.035 + 3 * volume)


def test_only_the_job_manager_starts_while_nobody_knows_how_many_tasks_there_are(experiment: Any) -> None:
    with experiment(tasks=None) as run:
        answer = run.cycle(at="10:00")
        assert run.launched == []
        assert len(run.job_managers) == 1
        assert "not known yet" in answer["decisions"][-1]["reason"]


def test_the_job_managers_own_count_of_tasks_is_used(experiment: Any) -> None:
    with experiment(tasks=None) as run:
        run.cycle(at="10:00")
        run._tasks = 400
        run.progress(committed=20)
        answer = run.cycle(at="10:05")
        assert answer["tasks"] == {"total": 400, "committed": 20}
        assert run.launched == ["2 × c5.large us-east-1a spot"]


def test_a_job_manager_that_died_is_started_again(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.memory.fleet.end(run.job_managers[0], "Server.InternalError")
        answer = run.cycle(at="10:05")
        assert len(run.job_managers) == 1
        assert answer["decisions"][0]["reason"] == "job manager number 1 ended"


@pytest.mark.parametrize(("life_min", "tried"), [(5, 4), (15, 10)])
def test_job_managers_that_never_survive_end_the_run(experiment: Any, life_min: int, tried: int) -> None:
    with experiment() as run:
        for _ in range(11):
            run.cycle()
            run.clock.at += 60.0 * life_min
            for manager in run.job_managers:
                run.memory.fleet.end(manager, "Server.InternalError")
        report = run.report_document
        assert (report["status"], len(report["job_managers"])) == ("failed", tried)
        assert report["message"] == f"{tried} job managers ended before the job was done"
        assert run.workers == []


def test_nothing_but_the_job_manager_is_tried_when_it_cannot_be_launched(experiment: Any) -> None:
    with experiment() as run:
        run.memory.fleet.without_capacity = {
            Pool("c5.large", z, Market.ON_DEMAND) for z in ("us-east-1a", "us-east-1b")
        }
        answer = run.cycle(at="10:00")
        assert run.launched == []
        assert answer["decisions"][-1]["outcome"] == "not launched: no job manager could be launched"


def test_a_pool_without_capacity_gives_way_to_the_next_one_in_the_same_cycle(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.memory.fleet.without_capacity = {C5_A}
        run.cycle(at="10:00")
        assert run.launched == ["2 × c5.large us-east-1a on-demand"]
        assert run.report_document["launch_failures"] == 1


def test_a_pool_that_refused_cools_down_for_three_minutes_then_six(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.memory.fleet.without_capacity = {C5_A}
        run.cycle(at="10:00")
        run.cycle(at="10:02")
        assert not run.snapshot.offers[C5_A].available
        run.policy.size = 4
        run.cycle(at="10:04")  # refused again
        run.cycle(at="10:09")
        assert not run.snapshot.offers[C5_A].available
        run.cycle(at="10:11")
        assert run.snapshot.offers[C5_A].available


def test_a_replaced_worker_is_drained_only_when_its_replacement_has_reported(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        old = run.workers[0]
        run.policy.wishes = [Replace(old, M5_B, "cheaper per task", 0.12)]
        run.cycle(at="10:05")
        new = run.workers[1]
        assert run.control.drain == ()
        run.policy.wishes = [Keep("all is well")]
        run.report(new, rate=0.5, at="10:08")
        run.cycle(at="10:10")
        assert run.control.drain == (old,)
        run.cycle(at="10:11")
        assert {w.instance_id: w.state for w in run.snapshot.fleet} == {
            old: WorkerState.DRAINING,
            new: WorkerState.RUNNING,
        }
        assert run.report_document["replacements"] == 1


def test_a_worker_that_does_not_finish_draining_is_ended(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.policy.wishes = [Drain(worker, "too dear")]
        run.cycle(at="10:05")
        run.policy.wishes = [Keep("all is well")]
        run.cycle(at="10:06")
        assert run.workers == [worker]
        run.cycle(at="10:10")
        assert run.workers == []


def test_a_launch_precedes_every_termination_of_the_same_plan(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        hopeless, dear = run.workers
        run.policy.wishes = [Terminate(hopeless, "hopeless"), Replace(dear, M5_B, "cheaper")]
        answer = run.cycle(at="10:05")
        assert [d["command"] for d in answer["decisions"]] == ["replace", "terminate"]
        assert hopeless not in run.workers


def test_a_command_about_an_instance_that_has_gone_meanwhile_is_dropped(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        old = run.workers[0]
        run.policy.wishes = [Replace(old, M5_B, "cheaper")]
        looks = iter(range(9))

        class GoneAtTheSecondLook:
            def describe(self) -> Any:
                if next(looks) == 1:
                    run.interrupt(old, at="10:05:01")
                return run.memory.fleet.describe()

            def __getattr__(self, name: str) -> Any:
                return getattr(run.memory.fleet, name)

        run.put_in_front(lambda name, adapter: GoneAtTheSecondLook() if name == "fleet" else adapter)
        answer = run.cycle(at="10:05")
        assert answer["decisions"][0]["outcome"] == f"dropped: {old} is not up any more"
        assert run.workers == []


def test_the_run_ends_when_the_job_manager_says_so(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.at("10:20")
        run.progress(1000, state="completed", message="output stored")
        run.cycle(at="10:20")
        report = run.report_document
        assert (report["status"], report["message"], report["makespan_s"]) == ("completed", "output stored", 1200.0)
        assert report["tasks_committed"] == report["tasks_total"] == 1000
        assert run.workers == run.job_managers == []
        assert run.control.stop
        assert not run.memory.schedule.enabled
        assert run.memory.notifier.sent == [("CloudPITS pi: completed", "pi-1: output stored")]


def test_the_job_manager_stays_until_the_output_is_stored(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.at("10:19")
        run.progress(1000, state="running")
        run.cycle(at="10:20")
        assert run.workers == []
        assert len(run.job_managers) == 1
        assert run.report_document["status"] == "running"


def test_a_failed_program_ends_the_run_as_failed(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.progress(3, state="failed", message="task 7 failed 4 times")
        run.cycle(at="10:05")
        assert run.report_document["status"] == "failed"
        assert run.workers == run.job_managers == []


def test_a_policy_that_stops_the_run_leaves_nothing_behind(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.policy.wishes = [Stop("the budget is used up", completed=False)]
        run.cycle(at="10:05")
        assert run.report_document["status"] == "stopped"
        assert run.workers == run.job_managers == []
        assert run.report_document["decisions"][-1]["reason"] == "the budget is used up"


def test_cycles_after_the_end_end_what_may_still_be_up_and_add_nothing(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.progress(1000, state="completed")
        run.cycle(at="10:05")
        decided = len(run.report_document["decisions"])
        run.cycle(at="10:10")
        assert len(run.report_document["decisions"]) == decided
        assert len(run.memory.notifier.sent) == 1


def test_implausible_reports_are_refused_and_said(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.report(worker, rate=float("nan"), at="10:02")
        run.report(worker, rate=-1.0, at="10:03")
        answer = run.cycle(at="10:05")
        assert run.snapshot.fleet[0].state is WorkerState.PENDING
        assert len(answer["rejected_reports"]) == 2


def test_what_workers_report_reaches_the_policy_and_the_books(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.report(run.workers[0], rate=2.0, at="10:03")
        run.report(run.workers[0], rate=3.0, at="10:04")
        run.cycle(at="10:05")
        assert [(s.instance_type, s.mean) for s in run.snapshot.measured] == [("c5.large", 3.0)]
        assert run.snapshot.start_up_samples == (180.0,)
        assert run.report_document["workers"][0]["tasks_per_second"] == 3.0


def test_the_policys_memory_survives_between_cycles(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.cycle(at="10:05")
        assert run.snapshot.memory == {"cycles": 1}
