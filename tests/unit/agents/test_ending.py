"""When a worker goes on, drains, restarts or ends."""

from __future__ import annotations

import pytest

from cloudpits.agents.ending import MOST_CRASHES, Situation, Step, decide
from cloudpits.agents.orders import Order

DRAIN_S = 120.0


def step(order: Order = Order.GO_ON, now: float = 1000.0, **situation: object) -> Step:
    return decide(Situation(now=now, order=order, **situation), DRAIN_S).step  # type: ignore[arg-type]


def test_without_news_it_goes_on() -> None:
    assert step() is Step.GO_ON


@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        (Situation(1000.0, Order.DRAIN), "drained by the controller"),
        (Situation(1000.0, Order.GO_ON, taken_at=1120.0), "interruption notice"),
        (Situation(1000.0, Order.GO_ON, shutting_down=True), "the instance is shutting down"),
    ],
)
def test_it_drains_for(situation: Situation, reason: str) -> None:
    decision = decide(situation, DRAIN_S)
    assert (decision.step, decision.reason) == (Step.DRAIN, reason)


def test_a_drain_may_take_as_long_as_the_experiment_says() -> None:
    assert decide(Situation(1000.0, Order.DRAIN), DRAIN_S).drain_until == 1120.0


def test_a_drain_ends_before_the_instance_is_taken() -> None:
    assert decide(Situation(1000.0, Order.GO_ON, taken_at=1030.0), DRAIN_S).drain_until == 1030.0


def test_a_notice_during_a_drain_shortens_it() -> None:
    decision = decide(Situation(1050.0, Order.DRAIN, drain_until=1120.0, taken_at=1080.0), DRAIN_S)
    assert (decision.step, decision.drain_until) == (Step.GO_ON, 1080.0)


def test_a_drain_is_started_once() -> None:
    assert step(Order.DRAIN, drain_until=1120.0) is Step.GO_ON


def test_a_drain_that_takes_too_long_is_cut_off() -> None:
    assert step(Order.DRAIN, now=1120.0, drain_until=1120.0) is Step.END


@pytest.mark.parametrize("order", [Order.STOP, Order.LEASE_EXPIRED])
@pytest.mark.parametrize("drain_until", [None, 1120.0])
def test_the_end_of_the_run_and_a_silent_controller_end_it_at_once(order: Order, drain_until: float | None) -> None:
    assert step(order, drain_until=drain_until) is Step.END


@pytest.mark.parametrize("drain_until", [None, 1120.0])
def test_a_task_manager_that_ends_in_good_order_is_done(drain_until: float | None) -> None:
    assert step(exit_code=0, drain_until=drain_until) is Step.DONE


@pytest.mark.parametrize(
    "situation",
    [{"order": Order.STOP}, {"order": Order.LEASE_EXPIRED}, {"shutting_down": True}, {"now": 1300.0}],
    ids=["the run ends", "the controller is silent", "the instance shuts down", "AWS is late"],
)
def test_waiting_to_be_taken_ends_when(situation: dict[str, object]) -> None:
    waiting = {"exit_code": 0, "drain_until": 1120.0, "taken_at": 1120.0, "started_at": 900.0}
    assert step(**waiting) is Step.GO_ON  # type: ignore[arg-type]
    assert step(**(waiting | situation)) is Step.DONE  # type: ignore[arg-type]


def test_a_crash_is_answered_with_a_restart() -> None:
    assert step(exit_code=-11) is Step.RESTART


def test_too_many_crashes_are_a_failure() -> None:
    assert step(exit_code=-11, crashes=MOST_CRASHES - 1) is Step.RESTART
    assert step(exit_code=-11, crashes=MOST_CRASHES) is Step.FAIL


def test_a_module_that_cannot_be_loaded_is_not_tried_again() -> None:
    assert step(exit_code=2) is Step.FAIL


@pytest.mark.parametrize(
    "situation",
    [
        {"drain_until": 1120.0},
        {"order": Order.DRAIN},
        {"order": Order.STOP},
        {"taken_at": 1120.0},
        {"shutting_down": True},
    ],
)
def test_a_crash_while_it_must_go_anyway_is_no_failure(situation: dict[str, object]) -> None:
    assert step(exit_code=-11, **situation) is Step.DONE  # type: ignore[arg-type]
