"""A share of a core: programs that compute all the time, on machines that are idle, busy or stop and go."""

from __future__ import annotations

import itertools
import signal
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from cloudpits.local.throttle import BURST_S, LOOK_S, START_S, Kernel, Throttle

AGENT, PROGRAM, CHILD = 1, 2, 3
SLICE_S = 0.01
STOPPED, CONTINUED = signal.SIGSTOP, signal.SIGCONT


class Machine:
    """A machine of simulated time. A process gets ``core`` of a core for as long as it is not stopped."""

    def __init__(self, core: float = 1.0) -> None:
        self.core = core
        self.at = 0.0
        self.used: Counter[int] = Counter()
        self.processes = [PROGRAM]
        self.stopped: set[int] = set()
        self.signals: list[tuple[int, signal.Signals]] = []
        self.kernel = Kernel(lambda: self.at, lambda _: list(self.processes), self.cpu_seconds, self.signal)

    def cpu_seconds(self, pid: int) -> float:
        if pid not in self.processes:
            raise ProcessLookupError
        return self.used[pid]

    def signal(self, pid: int, number: signal.Signals) -> None:
        if pid not in self.processes:
            raise ProcessLookupError
        self.signals.append((pid, number))
        (self.stopped.add if number == STOPPED else self.stopped.discard)(pid)

    def work(self, throttle: Throttle, seconds: float, pauses: Iterator[float] | None = None) -> None:
        """Let time pass; the throttle looks after each of ``pauses`` (s)."""
        end = self.at + seconds
        for pause in pauses or itertools.repeat(SLICE_S):
            if self.at >= end:
                return
            self.at += pause
            self.used.update({pid: self.core * pause for pid in self.processes if pid not in self.stopped})
            throttle.step()


def used(share: float, machine: Machine, seconds: float, pauses: Callable[[], Iterator[float]]) -> float:
    """CPU seconds of the program in so much time, after what a start is given is used up."""
    throttle = Throttle(AGENT, share, machine.kernel)
    machine.work(throttle, START_S / (machine.core - share) + 1.0, pauses())
    before = machine.used[PROGRAM]
    machine.work(throttle, seconds, pauses())
    return machine.used[PROGRAM] - before


def every_10_ms() -> Iterator[float]:
    return itertools.repeat(SLICE_S)


def now_and_then() -> Iterator[float]:
    """As on a machine where the one who looks is stopped two thirds of the time, and once for long."""
    return itertools.cycle([0.01, 0.01, 0.04, 0.01, 0.3])


@pytest.mark.parametrize("pauses", [every_10_ms, now_and_then])
@pytest.mark.parametrize("core", [1.0, 0.6], ids=["idle", "busy"])
def test_speeds_have_the_ratio_that_was_asked_for(core: float, pauses: Callable[[], Iterator[float]]) -> None:
    slow = used(0.10, Machine(core), 100.0, pauses)
    fast = used(0.25, Machine(core), 100.0, pauses)

    assert slow == pytest.approx(10.0, rel=0.03)
    assert fast / slow == pytest.approx(2.5, rel=0.03)


def test_a_start_is_given_half_a_second_of_cpu_at_full_speed() -> None:
    machine = Machine()

    machine.work(Throttle(AGENT, 0.1, machine.kernel), START_S)

    assert machine.used[PROGRAM] == pytest.approx(START_S)
    assert not machine.stopped


def test_who_computes_no_more_than_its_share_is_never_stopped() -> None:
    machine = Machine(core=0.1)

    machine.work(Throttle(AGENT, 0.2, machine.kernel), 60.0)

    assert machine.signals == []


def test_hardly_anything_can_be_saved_up_while_idle() -> None:
    machine = Machine()
    throttle = Throttle(AGENT, 0.1, machine.kernel)
    machine.work(throttle, 5.0)
    machine.core = 0.0
    machine.work(throttle, 60.0)
    before, machine.core = machine.used[PROGRAM], 1.0

    machine.work(throttle, 1.0)

    assert machine.used[PROGRAM] - before <= BURST_S + 0.1 + SLICE_S


def test_a_process_that_comes_later_shares_the_allowance() -> None:
    machine = Machine()
    throttle = Throttle(AGENT, 0.2, machine.kernel)
    machine.work(throttle, 5.0)
    machine.processes.append(CHILD)
    machine.work(throttle, LOOK_S + SLICE_S)
    before = machine.used.total()

    machine.work(throttle, 100.0)

    assert machine.used.total() - before == pytest.approx(20.0, rel=0.03)


def test_a_process_that_somebody_else_continued_is_stopped_again() -> None:
    machine = Machine()
    throttle = Throttle(AGENT, 0.1, machine.kernel)
    machine.work(throttle, 1.0)
    assert machine.stopped == {PROGRAM}
    machine.stopped.clear()

    machine.work(throttle, SLICE_S)

    assert machine.stopped == {PROGRAM}


def test_a_process_that_ended_is_nobodys_business() -> None:
    machine = Machine()
    throttle = Throttle(AGENT, 0.1, machine.kernel)
    machine.work(throttle, 1.0)

    machine.processes.clear()
    machine.work(throttle, 5.0)

    assert machine.signals[-1] == (PROGRAM, STOPPED)


def test_a_released_process_is_continued_and_never_stopped_again() -> None:
    machine = Machine()
    throttle = Throttle(AGENT, 0.1, machine.kernel)
    machine.work(throttle, 1.0)

    throttle.release()
    machine.work(throttle, 10.0)

    assert machine.signals[-1] == (PROGRAM, CONTINUED)
    assert not machine.stopped
