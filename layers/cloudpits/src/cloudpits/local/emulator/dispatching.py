"""Delivery of events to Lambda functions: one execution at a time per function, in order.

The stock emulator starts a process more whenever all of a function are busy. On an accelerated clock ticks follow
each other within seconds, and a slow start would beget more slow starts. This is what a reserved concurrency of
one does on AWS: an event waits for its turn, and of several ticks of a schedule that wait, one is enough.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Execute = Callable[[str, Mapping[str, Any]], None]  # (function ARN, event); returns when the function has


def is_tick(event: Mapping[str, Any]) -> bool:
    """Whether an event says nothing but that time has passed."""
    return event.get("source") == "aws.scheduler"


@dataclass(slots=True)
class Dispatcher:
    """Queues of events, one for each function."""

    execute: Execute
    _waiting: dict[str, deque[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(deque))
    _busy: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def dispatch(self, arn: str, payload: str) -> None:
        """Deliver ``payload`` (JSON) when its turn comes; returns at once."""
        event = json.loads(payload)
        with self._lock:
            waiting = self._waiting[arn]
            if is_tick(event) and any(is_tick(other) for other in waiting):
                return
            waiting.append(event)
            if arn in self._busy:
                return
            self._busy.add(arn)
        threading.Thread(target=self._drain, args=(arn,), daemon=True, name="dispatch").start()

    def _drain(self, arn: str) -> None:
        while (event := self._next(arn)) is not None:
            self.execute(arn, event)

    def _next(self, arn: str) -> Mapping[str, Any] | None:
        with self._lock:
            if self._waiting[arn]:
                return self._waiting[arn].popleft()
            self._busy.discard(arn)
            return None


@dataclass(slots=True)
class Gate:
    """Holds the schedules back until the embedded cloud is ready for a first cycle."""

    tick: Callable[[], None]
    restart: Callable[[], None]  # has every schedule count its period from now
    opened: bool = False

    def open(self) -> None:
        self.restart()
        self.opened = True

    def __call__(self) -> None:
        if self.opened:
            self.tick()
