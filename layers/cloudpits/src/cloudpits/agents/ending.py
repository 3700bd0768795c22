"""When a worker goes on, drains, restarts its task manager, or ends: the decision alone, without doing any of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from cloudpits.agents.orders import Order
from cloudpits.domain.ledger.billing import FREE_WHEN_INTERRUPTED_S

BAD_INPUT = 2  # exit code of a program that will fail again in the same way
MOST_CRASHES = 5  # of the task manager; more than bad luck
BOOT_S = 180.0  # most that passes between the launch of an instance and the start of its agent
TAKEN_LATE_S = 120.0  # AWS tells the time only roughly


class Step(StrEnum):
    """What the worker does next."""

    GO_ON = "go on"
    DRAIN = "drain"  # finish what is in hand, take nothing new
    RESTART = "restart"
    END = "end"  # kill what runs; the instance is not needed any more
    DONE = "done"  # the task manager has ended in good order
    FAIL = "fail"  # the task manager cannot be kept running


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the next step depends on; instants are seconds of the run's clock."""

    now: float
    order: Order
    exit_code: int | None = None  # of the task manager; None while it runs
    crashes: int = 0  # before this exit
    started_at: float = -math.inf  # when the agent started
    taken_at: float | None = None  # when AWS will take the instance
    shutting_down: bool = False  # the operating system asked the agent to end
    drain_until: float | None = None  # None while not draining


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step and why; ``drain_until`` is the end of a drain that begins or becomes shorter."""

    step: Step
    reason: str = ""
    drain_until: float | None = None


def decide(situation: Situation, drain_s: float) -> Decision:
    """What a worker does now. A drain takes at most ``drain_s``, and ends before AWS takes the instance.

    Drained under a notice in its first hour, the worker idles until AWS takes it.
    """
    if situation.exit_code is not None:
        return _after_exit(situation, situation.exit_code)
    if situation.order in (Order.STOP, Order.LEASE_EXPIRED):
        return Decision(Step.END, situation.order.value)
    if situation.drain_until is not None:
        return _while_draining(situation, situation.drain_until)
    if not _must_go(situation):
        return Decision(Step.GO_ON)
    return Decision(Step.DRAIN, _why(situation), _earliest(situation.now + drain_s, situation.taken_at))


def _after_exit(situation: Situation, exit_code: int) -> Decision:
    if _free_if_taken(situation):
        return Decision(Step.GO_ON)
    if exit_code == 0:
        drained = situation.drain_until is not None
        return Decision(Step.DONE, "drained" if drained else "the job is over")
    ended = f"task manager ended with code {exit_code}"
    if situation.drain_until is not None or _must_go(situation):
        return Decision(Step.DONE, f"{ended} when it had to go anyway")
    if exit_code == BAD_INPUT or situation.crashes >= MOST_CRASHES:
        return Decision(Step.FAIL, ended)
    return Decision(Step.RESTART, ended)


def _free_if_taken(situation: Situation) -> bool:
    """Whether waiting pays: EC2 bills an instance that leaves by itself, but not one it takes in its first hour."""
    taken_at, order = situation.taken_at, situation.order
    if taken_at is None or order in (Order.STOP, Order.LEASE_EXPIRED) or situation.shutting_down:
        return False
    in_first_hour = taken_at < situation.started_at + FREE_WHEN_INTERRUPTED_S - BOOT_S
    return in_first_hour and situation.now < taken_at + TAKEN_LATE_S


def _while_draining(situation: Situation, drain_until: float) -> Decision:
    until = _earliest(drain_until, situation.taken_at)
    if situation.now >= until and not _free_if_taken(situation):
        return Decision(Step.END, "the time to drain is over")
    return Decision(Step.GO_ON, drain_until=until)


def _must_go(situation: Situation) -> bool:
    return situation.taken_at is not None or situation.order is not Order.GO_ON or situation.shutting_down


def _why(situation: Situation) -> str:
    if situation.taken_at is not None:
        return "interruption notice"
    return "drained by the controller" if situation.order is Order.DRAIN else "the instance is shutting down"


def _earliest(instant: float, other: float | None) -> float:
    return instant if other is None else min(instant, other)
