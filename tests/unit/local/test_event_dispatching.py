import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from cloudpits.local.emulator.dispatching import Dispatcher, Gate

TICK = {"source": "aws.scheduler"}


class Function:
    """Runs until it is let go; remembers its events and how many ran at a time."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.events: list[Mapping[str, Any]] = []
        self.most_at_a_time = 0
        self._running = 0

    def execute(self, _: str, event: Mapping[str, Any]) -> None:
        self._running += 1
        self.most_at_a_time = max(self.most_at_a_time, self._running)
        self.events.append(event)
        self.go.acquire(timeout=10)
        self._running -= 1

    def finish(self, count: int) -> None:
        for _ in range(count):
            self.go.release()
        deadline = time.monotonic() + 10
        while (len(self.events) < count or self._running) and time.monotonic() < deadline:
            time.sleep(0.005)


def send(dispatcher: Dispatcher, *events: Mapping[str, Any]) -> None:
    for event in events:
        dispatcher.dispatch("arn:function", json.dumps(event))


def test_events_run_one_at_a_time_and_in_order() -> None:
    function = Function()
    dispatcher = Dispatcher(function.execute)

    send(dispatcher, {"number": 1}, {"number": 2}, {"number": 3})
    function.finish(3)

    assert [event["number"] for event in function.events] == [1, 2, 3]
    assert function.most_at_a_time == 1


def test_of_several_ticks_that_wait_one_is_enough() -> None:
    function = Function()
    dispatcher = Dispatcher(function.execute)

    send(dispatcher, {"number": 1}, TICK, TICK, {"number": 2}, TICK)
    function.finish(3)

    assert function.events == [{"number": 1}, TICK, {"number": 2}]


def test_functions_do_not_wait_for_each_other() -> None:
    function = Function()
    dispatcher = Dispatcher(function.execute)

    dispatcher.dispatch("arn:one", "{}")
    dispatcher.dispatch("arn:other", "{}")
    function.finish(2)

    assert function.most_at_a_time == 2


def test_schedules_are_held_back_until_the_gate_opens() -> None:
    seen: list[str] = []
    gate = Gate(lambda: seen.append("tick"), lambda: seen.append("restart"))

    gate()
    gate.open()
    gate()

    assert seen == ["restart", "tick"]
