import json
import threading
from collections.abc import Mapping
from typing import Any

from cloudpits.local.emulator.dispatching import Dispatcher, Gate
from tests.waiting import PATIENCE_S, until

TICK = {"source": "aws.scheduler"}


class Function:
    """Runs until it is let go; remembers its events and how many ran at a time."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.events: list[Mapping[str, Any]] = []
        self.most_at_a_time = 0
        self.running = 0
        self._lock = threading.Lock()

    def execute(self, _: str, event: Mapping[str, Any]) -> None:
        with self._lock:
            self.running += 1
            self.most_at_a_time = max(self.most_at_a_time, self.running)
            self.events.append(event)
        self.go.acquire(timeout=PATIENCE_S)
        with self._lock:
            self.running -= 1

    def finish(self, count: int) -> None:
        for _ in range(count):
            self.go.release()
        until(lambda: len(self.events) == count and not self.running)


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

    until(lambda: function.running == 2)
    function.finish(2)


def test_schedules_are_held_back_until_the_gate_opens() -> None:
    seen: list[str] = []
    gate = Gate(lambda: seen.append("tick"), lambda: seen.append("restart"))

    gate()
    gate.open()
    gate()

    assert seen == ["restart", "tick"]
