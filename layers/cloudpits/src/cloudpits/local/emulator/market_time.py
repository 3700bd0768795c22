"""Puts parts of the emulator on the market clock by replacing the ``time`` module they use."""

from __future__ import annotations

import os
import time
from time import struct_time
from typing import Any

from cloudpits.adapters.aws.clock import ScaledClock
from cloudpits.domain.ports import Clock
from cloudpits.local.clock import clock_environment


class RestartableClock:
    """A market clock that can be set back to its origin: the market opens when all is deployed, however long it took.

    Lambda functions take the clock from their environment, so only those that start later see the change.
    """

    def __init__(self, origin: float, scale: float) -> None:
        self._origin, self._scale = origin, scale
        self.restart(time.time())

    def restart(self, real_origin: float) -> None:
        """Show the market's origin at ``real_origin`` (seconds since the epoch, system clock)."""
        self._clock = ScaledClock(real_origin, self._origin, self._scale)
        os.environ |= clock_environment(self._clock)

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


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
