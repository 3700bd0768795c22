"""Puts parts of the emulator on the market clock by replacing the ``time`` module they use."""

from __future__ import annotations

import time
from time import struct_time
from typing import Any

from cloudpits.domain.ports import Clock


class MarketTime:
    """Stands in for the module ``time``: instants are market time, and sleeps are as much shorter in real time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def gmtime(self, seconds: float | None = None) -> struct_time:
        return time.gmtime(self.time() if seconds is None else seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)  # what has no instant in it (strftime, monotonic …) stays as it is


def install(clock: Clock, *modules: Any) -> None:
    """Make ``modules`` tell market time."""
    for module in modules:
        module.time = MarketTime(clock)
