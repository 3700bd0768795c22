"""What a person may ask of the rebalancer, and the planner's and the report's documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudpits.application.plan_experiment import planning_snapshot, require_feasible
from cloudpits.application.spot_events import parse_spot_event
from cloudpits.domain.errors import InfeasibleError, InvalidInputError
from cloudpits.domain.model import RateSample
from cloudpits.domain.planning.front import FrontPoint, PlannedFront

EVENTS = Path(__file__).parents[3] / "lambdas"


def test_status_shows_fleet_money_and_tasks_and_touches_nothing(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.report(run.workers[0], rate=2.5, at="10:03")
        run.at("10:04")
        run.progress(committed=120)
        heartbeat = run.control.heartbeat_at
        answer = run.handle({"action": "status"}, at="10:05")
        assert answer["tasks"] == {"total": 1000, "committed": 120}
        assert 0 < answer["spent_usd"] < 0.02
        assert [(i["role"], i["tasks_per_second"]) for i in answer["fleet"]] == [
            ("jobmanager-ondemand", None),
            ("worker-spot", 2.5),
        ]
        assert run.control.heartbeat_at == heartbeat
        assert run.report_document["tasks_committed"] == 0


def test_plan_says_what_would_be_done_and_why_and_touches_nothing(experiment: Any) -> None:
    with experiment(size=3) as run:
        answer = run.handle({"action": "plan"}, at="10:00")
        assert [(c["command"], c["pool"], c["count"]) for c in answer["would"]] == [
            ("launch", "c5.large us-east-1a spot", 3)
        ]
        assert answer["would"][0]["reason"] == "the fleet is too small"
        assert "spending stays within 100.00 USD" in answer["forecast"]["guarantee"]
        assert run.launched == []
        assert run.books.load_run("pi-1") is None
        assert run.control is None


def test_drain_lets_a_worker_go(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        worker = run.workers[0]
        run.handle({"action": "drain", "instance_id": worker}, at="10:02")
        assert run.control.drain == (worker,)
        assert "ordered by hand" in [d["reason"] for d in run.report_document["decisions"]]


def test_draining_what_is_not_there_is_said_and_harmless(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        answer = run.handle({"action": "drain", "instance_id": "i-0gone"}, at="10:02")
        assert answer["decisions"][0]["outcome"] == "dropped: i-0gone is not up any more"
        assert run.control.drain == ()


def test_stop_ends_everything(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        answer = run.handle({"action": "stop"}, at="10:02")
        assert (answer["status"], answer["reason"]) == ("stopped", "stopped by hand")
        assert run.workers == run.job_managers == []
        assert not run.memory.schedule.enabled


def test_answers_are_json_documents(experiment: Any) -> None:
    with experiment() as run:
        for action in ("plan", "rebalance", "status", "stop"):
            assert json.loads(json.dumps(run.handle({"action": action})))["run"] == "pi-1"
        assert json.loads(json.dumps(run.report_document))["run"] == "pi-1"


def test_the_report_of_an_unknown_run_names_the_known_ones(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00")
        run.assignment = run.assignment.__class__(**{**_fields(run.assignment), "run": "pi-2"})
        with pytest.raises(InvalidInputError, match=r"'pi-2' is not in the books; known runs: pi-1"):
            _ = run.report_document


def test_the_report_adds_up(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        run.at("10:30")
        run.progress(1000, state="completed", workers={run.workers[0]: 700, run.workers[1]: 300})
        run.cycle()
        report = run.report_document
        assert [w["tasks"] for w in report["workers"]] == [700, 300]
        parts = [*report["workers"], *report["job_managers"]]
        assert sum(part["cost_usd"] for part in parts) == pytest.approx(report["spent_usd"])
        assert {w["ended_because"] for w in report["workers"]} == {"run ended"}


def test_the_planner_decides_upon_what_a_first_cycle_would_see(experiment: Any) -> None:
    with experiment() as run:
        run.at("10:00")
        planned = planning_snapshot(
            run.assignment,
            run.memory.catalogue,
            run.memory.prices,
            history=(),
            tasks_total=1000,
            now=run.clock.now(),
        )
        run.cycle()
        assert planned == run.snapshot


def test_the_planner_uses_the_history_it_is_given(experiment: Any) -> None:
    history = (RateSample("c5.large", 2.0, 0.1, 5),)
    with experiment() as run:
        planned = planning_snapshot(
            run.assignment, run.memory.catalogue, run.memory.prices, history, 1000, run.clock.now()
        )
        assert planned.history == history


def test_planning_without_any_price_says_so(experiment: Any) -> None:
    with experiment() as run:
        run.memory.prices.points.clear()
        with pytest.raises(InvalidInputError, match="no price is known for any of 12 pools"):
            planning_snapshot(run.assignment, run.memory.catalogue, run.memory.prices, (), 1000, run.clock.now())


def test_patterns_that_match_nothing_are_named(experiment: Any) -> None:
    with experiment() as run:
        run.assignment = run.assignment.__class__(**{**_fields(run.assignment), "architectures": ("arm64",)})
        with pytest.raises(InvalidInputError, match=r"workers\.instance_types: no instance type .* matches c5"):
            run.cycle()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("interruption", "interruption"), ("rebalance_recommendation", "rebalance"), ("instance_ended", "state")],
)
def test_the_example_events_are_understood(name: str, kind: str) -> None:
    event = json.loads((EVENTS / "spot_events" / "events" / f"{name}.json").read_text(encoding="utf-8"))
    assert parse_spot_event(event).kind == kind
    assert parse_spot_event(event).instance_id == "i-0123456789abcdef0"


@pytest.mark.parametrize("event", [None, [], {}, {"detail-type": "Scheduled Event"}])
def test_other_events_are_refused_with_what_is_accepted(event: object) -> None:
    with pytest.raises(InvalidInputError, match="EC2 Spot Instance Interruption Warning"):
        parse_spot_event(event)


@pytest.mark.parametrize("detail", [None, {}, {"instance-id": 7}, {"instance-id": "vol-1"}])
def test_events_without_an_instance_are_refused(detail: object) -> None:
    with pytest.raises(InvalidInputError, match="instance-id"):
        parse_spot_event({"detail-type": "EC2 Instance Rebalance Recommendation", "detail": detail})


def _fields(assignment: Any) -> dict[str, Any]:
    return {name: getattr(assignment, name) for name in assignment.__slots__}


@pytest.mark.parametrize(
    ("budget", "deadline", "said"),
    [
        (1.5, 7200.0, r"the cheapest feasible budget_usd is 1\.5, or the fastest feasible deadline_hours is 2$"),
        (1.23456789, None, r"the cheapest feasible budget_usd is 1\.2346$"),
        (None, None, "no budget or deadline would make it feasible"),
    ],
)
def test_infeasible_limits_are_told_with_the_smallest_feasible_ones(
    budget: float | None, deadline: float | None, said: str
) -> None:
    front = PlannedFront((), None, ("0.50 USD pay half of the tasks",), budget, deadline)
    with pytest.raises(
        InfeasibleError, match=r"^pi\.toml: limits: 0\.50 USD pay half of the tasks; .*" + said
    ) as caught:
        require_feasible(front, "pi.toml")
    assert (caught.value.cheapest_budget_usd, caught.value.fastest_deadline_s) == (budget, deadline)


@pytest.mark.parametrize(
    ("budget_suffices", "deadline_suffices", "said"),
    [
        (True, False, "; the cheapest feasible budget_usd is 1.5$"),
        (False, True, "; the fastest feasible deadline_hours is 2$"),
        (False, False, "deadline_hours is 2 and, with it, the cheapest feasible budget_usd is 1.5$"),
    ],
)
def test_only_limits_that_would_do_are_named(budget_suffices: bool, deadline_suffices: bool, said: str) -> None:
    front = PlannedFront((), None, ("why",), 1.5, 7200.0, budget_suffices, deadline_suffices)
    with pytest.raises(InfeasibleError, match=said):
        require_feasible(front, "pi.toml")


def test_feasible_limits_pass() -> None:
    point = FrontPoint(60.0, 0.1, ())
    require_feasible(PlannedFront((point,), point, (), 0.1, 60.0), "pi.toml")
