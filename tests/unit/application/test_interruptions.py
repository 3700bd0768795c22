"""Interruptions: how they are noticed, counted and answered."""

from __future__ import annotations

from typing import Any

import pytest

from cloudpits.adapters.memory.fleet import ENDED_ITSELF
from cloudpits.domain.model import WorkerState


def test_an_interrupted_worker_is_replaced_and_counted_once(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        run.interrupt(run.workers[0], at="10:03")
        run.cycle(at="10:05")
        run.cycle(at="10:10")
        assert len(run.workers) == 2
        report = run.report_document
        assert report["interruptions"] == 1
        assert [w["ended_because"] for w in report["workers"]] == ["interrupted", "", ""]
        assert [(i.instance_type, i.events) for i in run.books.interruptions()] == [("c5.large", 1)]


def test_a_warning_starts_a_replacement_before_the_worker_is_gone(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.spot_event("interruption", worker, at="10:03")
        assert run.snapshot.fleet[0].state is WorkerState.DRAINING
        assert run.snapshot.fleet[0].notice_at == run.clock.now() + 120.0
        assert len(run.workers) == 2


def test_a_worker_that_aws_takes_in_its_first_hour_costs_its_volume_only(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.interrupt(run.workers[0], at="10:30")
        run.cycle(at="10:35")
        assert run.report_document["workers"][0]["cost_usd"] == pytest.approx(20 * 0.08 / 730 / 2)


def test_a_worker_that_leaves_by_itself_under_notice_is_an_interruption_yet_billed(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.spot_event("interruption", worker, at="10:28")
        run.at("10:30")
        run.memory.fleet.end(worker, ENDED_ITSELF)
        run.cycle(at="10:35")
        gone = run.report_document["workers"][0]
        assert run.report_document["interruptions"] == 1
        assert gone["cost_usd"] > 0.035 / 2


def test_a_worker_that_gave_up_before_it_worked_cools_its_pool_down(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.at("10:03")
        run.memory.fleet.end(run.workers[0], ENDED_ITSELF)
        run.cycle(at="10:04")
        assert run.launched == ["1 × c5.large us-east-1a spot", "1 × c5.large us-east-1a on-demand"]
        assert [(str(pool), at) for pool, at in run.books.capacity_errors("pi-1")] == [
            ("c5.large us-east-1a spot", run.clock.now() - 60.0)
        ]


@pytest.mark.parametrize("sign", ["a report", "a committed task", "a drain"])
def test_a_worker_that_did_its_part_and_left_closes_no_pool(experiment: Any, sign: str) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.at("10:03")
        if sign == "a report":
            run.report(worker, rate=1.0, at="10:02")
        elif sign == "a committed task":
            run.progress(1, workers={worker: 1})
        else:
            run.handle({"action": "drain", "instance_id": worker})
        run.memory.fleet.end(worker, ENDED_ITSELF)
        run.cycle(at="10:04")
        assert run.books.capacity_errors("pi-1") == ()


def test_a_launch_that_ec2_gave_up_for_lack_of_capacity_cools_the_pool_down(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.at("10:00:30")
        run.memory.fleet.end(run.workers[0], "Server.InsufficientInstanceCapacity")
        run.cycle(at="10:02")
        assert run.launched[-1] == "1 × c5.large us-east-1a on-demand"
        assert run.report_document["launch_failures"] == 1
        assert run.report_document["interruptions"] == 0


def test_rebalance_advice_does_not_overwrite_a_warning(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.spot_event("interruption", worker, at="10:03")
        run.spot_event("rebalance", worker, at="10:03:30")
        assert [n.kind for n in run.memory.channel.notices()] == ["interruption"]


def test_events_about_other_instances_are_ignored(experiment: Any) -> None:
    with experiment(size=1) as run:
        answer = run.spot_event("interruption", "i-0stranger", at="10:03")
        assert answer["skipped"] == "i-0stranger is not of this run"
        assert run.launched == []


def test_an_instance_that_ec2_does_not_show_yet_is_neither_lost_nor_launched_twice(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.memory.fleet.forget(run.workers[0])
        run.cycle(at="10:01")
        assert run.launched == ["1 × c5.large us-east-1a spot"]


def test_an_instance_that_vanished_is_closed_in_the_books(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.memory.fleet.forget(run.workers[0])
        run.cycle(at="10:05")
        assert run.report_document["workers"][0]["ended_because"] == "vanished"
        assert len(run.workers) == 1


def test_the_end_of_a_worker_starts_a_cycle_unless_the_controller_ended_it(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.interrupt(worker, at="10:03")
        assert "skipped" not in run.spot_event("state", worker, at="10:03:05")
        assert len(run.workers) == 1
        run.handle({"action": "stop"}, at="10:05")
        answer = run.spot_event("state", worker, at="10:05:10")
        assert answer["skipped"] == f"the end of {worker} is in the books"
