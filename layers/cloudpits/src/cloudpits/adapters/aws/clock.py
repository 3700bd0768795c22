"""The one clock of a run: the system's, or a scaled one on which recorded prices are replayed faster."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cloudpits.config.environment import ClockEnvironment


@dataclass(frozen=True, slots=True)
class SystemClock:
    """Wall-clock time in seconds since the Unix epoch (UTC)."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Market time: ``market_origin + (wall clock − real_origin) · scale``; sleeps shrink by ``scale``."""

    real_origin: float
    market_origin: float
    scale: float

    def now(self) -> float:
        return self.market_origin + (time.time() - self.real_origin) * self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self.scale)


def clock_from(environment: ClockEnvironment) -> SystemClock | ScaledClock:
    """The clock that ``CLOUDPITS_CLOCK_*`` describes; the system's when nothing is set."""
    if environment == ClockEnvironment():
        return SystemClock()
    return ScaledClock(
        real_origin=environment.clock_real_origin,
        market_origin=environment.clock_market_origin,
        scale=environment.clock_scale,
    )
